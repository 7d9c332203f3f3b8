#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: test_service_pages.py DOUBLEKEYD

The manual pages of the key service name what it has, and nothing that it has not:
commands and options of `doublekeyd --help`, settings that it reads, options of the
policy, codes."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = ""


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        return f.read()


def section(page, title):
    return re.search(r"^# %s\n(.*?)(?=^# |\Z)" % title, page, re.S | re.M)[1]


def entries(text):
    """What stands in bold in lines that begin a paragraph with a hanging text."""
    heads = re.findall(r"^(\*[^\n]*)\n\t", text, re.M)
    return {name for head in heads for name in re.findall(r"\*([^*]+)\*", head)}


def table(text):
    return set(re.findall(r"^\|  (\S+)$", text, re.M))


class Pages(unittest.TestCase):
    def setUp(self):
        self.help = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True,
                                   check=True).stdout
        self.page = read("docs/man/doublekeyd.8.scd")

    def test_options(self):
        options = set(re.findall(r"--[a-z-]+", self.help)) | {"--help"}
        self.assertIn("--passphrase-file", options)
        self.assertEqual(entries(section(self.page, "OPTIONS")), options)

    def test_each_option_of_the_program_is_in_its_help(self):
        known = set(re.findall(r'^\t\t\{ "([a-z-]+)", (?:&|no_|required_)',
                               read("daemon/parent/options.c"), re.M))
        self.assertIn("kdf-memory-mib", known)
        self.assertEqual({"--" + name for name in known},
                         set(re.findall(r"--[a-z-]+", self.help)) | {"--help"})

    def test_commands(self):
        commands = set()
        for line in self.help.splitlines():
            for part in re.sub(r"^usage: +|^ +", "", line).split(" | "):
                words = re.match(r"(?:doublekeyd )?([a-z-]+(?: [a-z]+)?)", part)
                if re.match(r"usage: doublekeyd |       doublekeyd ", line) and words:
                    commands.add(words[1])
        heads = {re.sub(r" --.*", "", name) for name in
                 entries(section(self.page, "COMMANDS")) if not name.startswith("--")}
        self.assertIn("key destroy", commands)
        self.assertEqual(heads, commands)

    def test_settings(self):
        known = set(re.findall(r'CFG_[A-Z_]+\("([a-z-]+)"', read("daemon/parent/conf_text.c")))
        self.assertIn("listen", known)
        page = read("docs/man/doublekeyd.conf.5.scd")
        self.assertEqual(entries(section(page, "OPTIONS")), known)

    def test_policy(self):
        page = read("docs/man/doublekey-policy.5.scd")
        spec = read("spec/policy.md")
        tables = re.search(r"^## 2\..*?(?=^## 3)", spec, re.S | re.M)[0].split("An issuer has")
        self.assertEqual(len(tables), 2)
        for title, rows in zip(("OPTIONS OF A RULE", "OPTIONS OF AN ISSUER"), tables):
            options = set()
            for row in re.findall(r"^\| (`[a-z-]+`.*?) \| (?:list|text|number|`true)", rows, re.M):
                options |= set(re.findall(r"`([a-z-]+)`", row))
            self.assertGreater(len(options), 3)
            self.assertEqual(entries(section(page, title)), options)
        auditor = re.search(r"^### 2\.1.*?(?=^## 3)", spec, re.S | re.M)[0]
        self.assertEqual(entries(section(page, "OPTIONS OF AN AUDITOR")),
                         set(re.findall(r"An auditor has `([a-z-]+)`", auditor)))
        errors = re.search(r"^## 9\. Errors.*", spec, re.S | re.M)[0]
        profile = read("spec/profiles/ms-dke.md")
        more = set(re.findall(r"and the code `([a-z-]+)` \(section 7\.2", profile))
        self.assertEqual(more, {"level"})
        self.assertEqual(table(section(page, "ERRORS")),
                         more | set(re.findall(r"^\| `([a-z-]+)` \|", errors, re.M)))
        for title, part in (("TENANT", "5.1"), ("DECRYPT RULE", "6"), ("DIRECTORY", "5.5")):
            text = re.search(r"^##+ %s\.? .*?(?=^##)" % re.escape(part), profile, re.S | re.M)[0]
            rows = re.findall(r"^\| (`[^|]*`) \|", text, re.M)
            options = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}
            self.assertGreater(len(options), 10)
            self.assertEqual(entries(section(page, "OPTIONS OF A " + title)), options)

    def test_policies_of_the_page_are_valid(self):
        blocks = re.findall(r"^```\n(.*?)^```", read("docs/man/doublekey-policy.5.scd"),
                            re.S | re.M)
        self.assertEqual(len(blocks), 6)
        for before, text in zip([""] + blocks, blocks):
            with tempfile.NamedTemporaryFile("w", encoding="utf-8") as f:
                # A directory is for tenants, of the block before it.
                f.write((before if text.startswith("directory") else "") + text)
                f.flush()
                done = subprocess.run([PROGRAM, "policy", "check", "--file", f.name],
                                      capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_codes(self):
        codes = set(re.findall(r"^\| \d+ \| `([a-z-]+)` \|", read("spec/key-service.md"), re.M))
        self.assertIn("stanza-auth", codes)
        self.assertEqual(table(section(self.page, "ERROR CODES")), codes)

    def test_an_entry_is_found(self):
        """What the other tests rest on."""
        self.assertEqual(entries("*a* _X_, *--b*\n\ttext *c*\n\n*d* in a sentence.\n"),
                         {"a", "--b"})


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
