#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: test_docs.py [PROGRAM]

What the documents say can be followed: each link leads to something, and the
commands of the README's quick start do what it says, one after the other (only with
PROGRAM, since Argon2id takes its time)."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = ""


def documents():
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "*.md"],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [n for n in listed.stdout.splitlines() if os.path.exists(os.path.join(ROOT, n))]
    return [os.path.relpath(os.path.join(base, name), ROOT)
            for base, _, names in os.walk(ROOT) for name in names if name.endswith(".md")]


def anchors(path):
    """The names that headings of a Markdown file get."""
    with open(path, encoding="utf-8") as f:
        heads = re.findall(r"^#+ (.*)$", f.read(), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


def broken_links(root, names):
    for name in names:
        with open(os.path.join(root, name), encoding="utf-8") as f:
            text = re.sub(r"```.*?```", "", f.read(), flags=re.S)
        for target in re.findall(r"\]\(([^()\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            full = os.path.join(root, os.path.dirname(name), path) if path else \
                os.path.join(root, name)
            if not os.path.exists(full) or (anchor and anchor not in anchors(full)):
                yield f"{name}: {target}"


def quick_start():
    with open(ROOT + "/README.md", encoding="utf-8") as f:
        block = re.search(r"## Quick start\n.*?```\n(.*?)```", f.read(), re.S)[1]
    lines = block.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("doublekey ")]


class Docs(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)

    def test_links_lead_somewhere(self):
        names = documents()
        self.assertIn("README.md", names)
        self.assertEqual(list(broken_links(ROOT, names)), [])

    def test_a_broken_link_is_found(self):
        self.write("a.md", "# One & two\n[a](b.md) [b](a.md#one--two) [c](a.md#three) [d](x:y)\n")
        self.assertEqual(list(broken_links(self.dir, ["a.md"])),
                         ["a.md: b.md", "a.md: a.md#three"])

    def test_each_decision_is_listed(self):
        folder = ROOT + "/docs/decisions/"
        with open(folder + "README.md", encoding="utf-8") as f:
            index = f.read()
        for name in sorted(os.listdir(folder)):
            with open(folder + name, encoding="utf-8") as f:
                text = f.read()
            if name != "README.md":
                self.assertIn(f"]({name})", index)
                self.assertTrue(text.startswith(f"# {name[:4]} "), name)
                for part in ("Context", "Decision", "Alternatives", "Consequences"):
                    self.assertIn(f"\n**{part}.**", text, name)

    @unittest.skipUnless(len(sys.argv) > 1, "no program given")
    def test_quick_start_works(self):
        """Each command succeeds, and old keys stop working after the rewrap."""
        self.write("report.pdf", "a report\n" * 1000)
        self.write("passphrase", "correct horse\n")
        os.chmod(self.dir + "/passphrase", 0o600)
        env = {**os.environ, "DOUBLEKEY_PASSPHRASE_FILE": self.dir + "/passphrase",
               "XDG_CONFIG_HOME": self.dir}

        def run(words):
            return subprocess.run([PROGRAM, *words[1:]], cwd=self.dir, env=env, check=False,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)

        commands = [shlex.split(line) for line in quick_start()]
        self.assertGreaterEqual({words[1] for words in commands},
                                {"keygen", "encrypt", "inspect", "decrypt", "rewrap"})
        for words in commands:
            r = run(words)
            self.assertEqual(r.returncode, 0, " ".join(words) + "\n" + r.stderr)
            if words[1] == "decrypt":
                with open(self.dir + "/copy.pdf", encoding="utf-8") as f:
                    self.assertEqual(f.read(), "a report\n" * 1000)
                os.remove(self.dir + "/copy.pdf")
        decrypt = next(words for words in commands if words[1] == "decrypt")
        self.assertEqual(run(decrypt).returncode, 1)
        self.assertFalse(os.path.exists(self.dir + "/copy.pdf"))
        decrypt[decrypt.index("--customer") + 1] = "next.key"
        self.assertEqual(run(decrypt).returncode, 0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
