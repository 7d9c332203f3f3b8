#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: test_install.py BUILD_DIR

What `meson install` puts into a DESTDIR is complete and usable from there: the
program runs, and a C and a C++ program are built against headers, pkg-config file
and shared library, with nothing of the source tree in reach."""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = ""
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = r"""
#include <doublekey/doublekey.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	puts(dk_version());
	return strcmp(dk_version(), DK_VERSION) != 0 || dk_err_name(DK_OK) == NULL;
}
"""


def run(*args, **env):
    r = subprocess.run(args, capture_output=True, text=True, check=False,
                       stdin=subprocess.DEVNULL, env={**os.environ, **env})
    if r.returncode != 0:
        raise AssertionError(f"{args} gave {r.returncode}\n{r.stdout}{r.stderr}")
    return r.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dest = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.dest)
        meson = "/usr/bin/meson" if os.path.exists("/usr/bin/meson") else "meson"
        run(meson, "install", "-C", BUILD, "--no-rebuild", DESTDIR=cls.dest)
        cls.prefix = next(d for d in (cls.dest + "/usr/local", cls.dest + "/usr", cls.dest)
                          if os.path.isdir(d + "/include"))
        cls.pc = glob.glob(cls.prefix + "/**/libdoublekey.pc", recursive=True)
        cls.lib = os.path.dirname(glob.glob(cls.prefix + "/lib/**/libdoublekey.so",
                                            recursive=True)[0])

    def pkg_config(self, *args):
        return run("pkg-config", "--define-variable=prefix=" + self.prefix, *args, "libdoublekey",
                   PKG_CONFIG_PATH=os.path.dirname(self.pc[0])).split()

    def compile(self, compiler, suffix, *flags):
        source = f"{self.dest}/program{suffix}"
        with open(source, "w", encoding="utf-8") as f:
            f.write(PROGRAM)
        out = f"{self.dest}/program-{compiler}"
        run(compiler, *flags, source, "-o", out, *self.pkg_config("--cflags", "--libs"))
        return run(out, LD_LIBRARY_PATH=self.lib)

    def test_one_pkg_config_file_with_the_version(self):
        self.assertEqual(len(self.pc), 1)
        version = self.pkg_config("--modversion")[0]
        self.assertEqual(self.compile("cc", ".c").strip(), version)

    def test_headers_serve_strict_c99_and_cxx(self):
        self.compile("cc", ".c", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
        self.compile("c++", ".cc", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror")

    def test_each_header_stands_alone(self):
        headers = sorted(os.listdir(self.prefix + "/include/doublekey"))
        self.assertIn("error.h", headers)
        for name in headers:
            run("cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                "-I" + self.prefix + "/include", "-x", "c",
                self.prefix + "/include/doublekey/" + name)

    def test_symbols_carry_a_version(self):
        out = run("nm", "-D", "--defined-only", self.lib + "/libdoublekey.so")
        self.assertRegex(out, r" T dk_version@@\w+")

    def test_program_runs(self):
        program = self.prefix + "/bin/doublekey"
        self.assertIn("encrypt", run(program, "--help", LD_LIBRARY_PATH=self.lib))

    def test_the_program_finds_its_modules(self):
        """By the path that was configured, and in this DESTDIR as the linker does."""
        program = self.prefix + "/bin/doublekey"
        with open(program, "rb") as f:
            self.assertIn(self.lib[len(self.dest):].encode() + b"\0", f.read())
        keys = ("--customer", "vault:https://h/m/keys/k", "--provider", "vault:x", "-o", "-")
        for name, args in (("client", ("enrol", "https://127.0.0.1:1", "--ca-fingerprint",
                                       "0" * 64, "--code", "none")),
                           ("provider", ("encrypt", *keys, "/dev/null")),
                           ("catalogue", ("scan", "-o", self.dest + "/c", "/missing"))):
            self.assertTrue(os.path.exists(f"{self.lib}/libdoublekey-{name}.so"), name)
            r = subprocess.run([program, *args], capture_output=True, text=True, check=False,
                               env={**os.environ, "LD_LIBRARY_PATH": self.lib, "HOME": self.dest})
            self.assertEqual(r.returncode, 1)
            self.assertNotIn("(library)", r.stderr)

    @unittest.skipUnless(os.path.isdir(ROOT + "/docs/man"), "no man pages in the tree")
    def test_man_pages_and_completions(self):
        for name in ("man1/doublekey.1", "man5/doublekey-envelope.5", "man5/doublekey-key.5"):
            self.assertTrue(glob.glob(f"{self.prefix}/share/man/{name}*"), name)
        for name in ("bash-completion/completions/doublekey", "zsh/**/_doublekey"):
            self.assertTrue(glob.glob(f"{self.prefix}/share/{name}", recursive=True), name)

    def test_nothing_of_the_source_tree_is_in_what_is_installed(self):
        """An rpath, or a path in a text file, would hold on one machine only."""
        tree = os.path.realpath(BUILD).encode()
        for base, _, names in os.walk(self.prefix):
            for name in names:
                path = os.path.join(base, name)
                if os.path.islink(path):
                    continue
                if name.endswith(".pc"):
                    with open(path, "rb") as f:
                        self.assertNotIn(tree, f.read(), path)
                elif os.access(path, os.X_OK):
                    self.assertNotRegex(run("readelf", "-dW", path), "R(UN)?PATH", path)

    def test_no_program_with_a_hole_is_installed(self):
        seen = 0
        for base, _, names in os.walk(self.prefix):
            for path in (os.path.join(base, name) for name in names):
                self.assertNotIn("weakened", path)
                if os.access(path, os.X_OK) and not os.path.islink(path):
                    with open(path, "rb") as f:
                        self.assertNotIn(b"WEAKENED", f.read(), path)
                    seen += 1
        self.assertGreater(seen, 8)


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()
