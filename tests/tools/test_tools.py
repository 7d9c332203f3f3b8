#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each check of tools/ accepts what is right and refuses what is wrong: a check
that cannot fail would prove nothing."""

import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"


class Tool(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def run_tool(self, name, *args, **env):
        return subprocess.run([os.path.join(ROOT, name), *args], capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL, env={**os.environ, **env})

    def passes(self, name, *args, **env):
        r = self.run_tool(name, *args, **env)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        return r.stdout

    def fails(self, name, *args, **env):
        r = self.run_tool(name, *args, **env)
        self.assertEqual(r.returncode, 1, r.stdout + r.stderr)
        return r.stdout + r.stderr


class Banned(Tool):
    def test_refuses_each_call(self):
        for call in ("strcpy(a, b)", "sprintf (a, b)", "system(a)", "atoi(a)", "strtok(a, b)"):
            path = self.write("a.c", "void\nf(void)\n{\n\t" + call + ";\n}\n")
            self.assertIn(":4:", self.fails("tools/check-banned", path))

    def test_passes_words_that_are_no_calls(self):
        path = self.write("a.c", "/* strcpy(a) */ // atoi(x)\nchar *s = \"system(\\\"gets(\";\n"
                                 "int r = my_system(1) + p->random(2) + snprintf(a, 1, b);\n")
        self.passes("tools/check-banned", path)


class Names(Tool):
    def test_passes_clean_source(self):
        path = self.write("a.c", SPDX + "int a; /* mktemp XXXXXX, ../work/x, $HOME/work/ */\n")
        self.passes("tools/check-names", path)

    def test_refuses_each_rule(self):
        for bad in ("/* TO" "DO: later */", "/* FIX" "ME */", 'char *p = "/wo' 'rk/x";',
                    'char *p = "/home' '/someone/x";', "int a; ", "<<<<<<" "< HEAD"):
            path = self.write("a.c", SPDX + bad + "\n")
            self.assertIn(":2:", self.fails("tools/check-names", path))

    def test_refuses_source_without_licence(self):
        self.fails("tools/check-names", self.write("a.c", "int a;\n"))
        self.fails("tools/check-names", self.write("a", "#!/bin/sh\ntrue\n"))

    def test_refuses_missing_line_end(self):
        self.fails("tools/check-names", self.write("a.md", "text"))


class Exports(Tool):
    HEADER = ("#define DK_MUST_USE\nstruct dk_a { int (*dk_call)(int a); };\n"
              "typedef int (*dk_fn)(void *a);\n/* dk_not_this(int a); */\n"
              "static inline int\ndk_small(int a)\n{\n\treturn a;\n}\n"
              "DK_MUST_USE int dk_one(int a,\n    int (*fn)(int));\nvoid dk_two(void);\n")
    MAP = "DOUBLEKEY_1 {\nglobal:\n\tdk_one; # first\n\tdk_two;\nlocal:\n\t*;\n};\n"
    CODE = "int dk_one(int a) { return a; }\nvoid dk_two(void) { }\n"

    def check(self, code, script, header, expect):
        self.write("include/a.h", header)
        source = self.write("a.c", code)
        version = self.write("link.map", "V { global: dk_*; local: *; };\n")
        lib = os.path.join(self.dir, "a.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", lib, source,
                        "-Wl,--version-script=" + version], check=True)
        return expect("tools/check-exports", lib, self.write("a.map", script),
                      os.path.join(self.dir, "include"))

    def test_passes_three_equal_sets(self):
        self.check(self.CODE, self.MAP, self.HEADER, self.passes)

    def test_refuses_each_difference(self):
        more = "int dk_more(void) { return 1; }\n"
        self.assertIn("dk_more: exported, not in the map, not declared",
                      self.check(self.CODE + more, self.MAP, self.HEADER, self.fails))
        self.assertIn("dk_two: exported, not in the map, declared",
                      self.check(self.CODE, self.MAP.replace("dk_two;", ""), self.HEADER,
                                 self.fails))
        self.assertIn("dk_three: not exported, not in the map, declared",
                      self.check(self.CODE, self.MAP, self.HEADER + "int dk_three(void);\n",
                                 self.fails))


class Needed(Tool):
    def build(self, *libs):
        out = os.path.join(self.dir, "a")
        subprocess.run(["cc", "-o", out, self.write("a.c", "int main(void) { return 0; }\n"),
                        "-Wl,--no-as-needed", *libs], check=True)
        return out

    def test_passes_what_is_named(self):
        self.passes("tools/check-needed", self.build("-lcrypto"), "libcrypto")
        self.passes("tools/check-needed", self.build(), "libcrypto")

    def test_refuses_what_is_not(self):
        self.assertIn("links libssl", self.fails("tools/check-needed",
                                                 self.build("-lcrypto", "-lssl"), "libcrypto"))


class SpecCoverage(Tool):
    SPEC = ("## 11. Errors\n\n| category | names |\n|---|---|\n| `a` | `one`, `two` |\n"
            "| `b` | `three` |\n\n| place | errors |\n|---|---|\n| `c` | `one` |\n\n## 12. Sizes\n")

    def run_on(self, expect, *names):
        shutil.rmtree(self.dir + "/v", ignore_errors=True)
        for i, name in enumerate(names):
            self.write(f"v/case{i}", f"spec: 3\nexpect: {name}\n\nexpect: b three\n")
        return expect("tools/check-spec-coverage", self.write("s.md", self.SPEC), self.dir + "/v")

    def test_passes_full_cover(self):
        self.run_on(self.passes, "success", "a one", "a two", "b three")

    def test_refuses_missing_and_unknown(self):
        self.assertIn("no vector expects three", self.run_on(self.fails, "a one", "a two"))
        self.assertIn("expects a four", self.run_on(self.fails, "a one", "a two", "b three",
                                                    "a four"))
        self.assertIn("expects b two", self.run_on(self.fails, "a one", "b two", "b three"))


class Layers(Tool):
    def tree(self, **includes):
        self.write("lib/meson.build", "subdir('base')\nsubdir('crypto')\nsubdir('format')\n")
        for layer in ("base", "crypto", "format"):
            self.write(f"lib/{layer}/a.c", '#include "doublekey/error.h"\n' +
                       includes.get(layer, ""))
        self.write("cli/a.c", includes.get("cli", '#include "format/a.h"\n'))

    def test_passes_the_order(self):
        self.tree(crypto='#include <openssl/evp.h>\n#include "base/a.h"\n',
                  format='#include "crypto/a.h"\n#include "a.h"\n')
        self.passes("tools/check-layers", self.dir)

    def test_refuses_the_other_direction(self):
        self.tree(base='#include "crypto/a.h"\n')
        self.assertIn("lib/base/a.c:2: includes crypto/", self.fails("tools/check-layers",
                                                                     self.dir))
        self.tree(cli='#include "keyd/a.h"\n')
        self.fails("tools/check-layers", self.dir)

    def test_refuses_openssl_elsewhere(self):
        self.tree(format="#include <openssl/evp.h>\n")
        self.fails("tools/check-layers", self.dir)


class Size(Tool):
    def test_prints_long_functions_and_files(self):
        body = "\tx();\n" * 60
        path = self.write("a.c", "static int\nlong_one(int a)\n{\n" + body + "}\n"
                                 "int\nshort_one(void)\n{\n}\n" + "\n" * 500)
        out = self.passes("tools/check-size", path)
        self.assertIn("long_one: 62 lines", out)
        self.assertIn("a.c: 56", out)
        self.assertNotIn("short_one", out)


class Format(Tool):
    def test_refuses_wrong_layout(self):
        r = self.run_tool("tools/check-format", self.write("a.c", "int a;\n"))
        if r.returncode == 77:
            self.skipTest(r.stdout)
        shutil.copy(ROOT + "/.clang-format", self.dir)
        self.passes("tools/check-format", self.write("a.c", "int a;\n"))
        self.fails("tools/check-format", self.write("a.c", "int   a ;\n"))


class InstallDeps(Tool):
    """Runs against stand-ins for dpkg, apt, id and sudo."""

    def setUp(self):
        super().setUp()
        self.write("deps/one", "# comment\nhere\nnew | old  # both\n\nabsent\n")
        self.log = os.path.join(self.dir, "log")
        self.script("dpkg-query", 'for p in here old; do echo "$p installed"; done\n'
                                  'echo "absent config-files"; exit 1')
        self.script("apt-cache", 'test -e "$LOG.updated" || [ "$2" = absent ] || exit 0\n'
                                 'echo "  Candidate: 1.0"')
        self.script("apt-get", 'echo "apt-get $*" >>"$LOG"; case "$*" in *update*) '
                               'touch "$LOG.updated";; esac')
        self.script("id", 'echo "${FAKE_UID:-0}"')
        self.script("sudo", 'echo "sudo $*" >>"$LOG"; [ -z "$NO_SUDO" ] || exit 1\n'
                            '[ "$1" = -n ] && shift; exec "$@"')

    def script(self, name, text):
        self.write("bin/" + name, "#!/bin/sh\n" + text + "\n", 0o755)

    def env(self, **more):
        return {"PATH": self.dir + "/bin:/usr/bin:/bin", "DEPS_DIR": self.dir + "/deps",
                "LOG": self.log, "NO_SUDO": "", "DEPS": "", **more}

    def calls(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, encoding="utf-8") as f:
            return f.read()

    def test_nothing_missing_calls_nothing(self):
        self.write("deps/one", "here\nnew | old\n")
        self.assertEqual(self.passes("tools/install-deps", "one", **self.env()), "")
        self.assertEqual(self.calls(), "")

    def test_installs_only_what_is_missing(self):
        out = self.passes("tools/install-deps", "one", **self.env())
        self.assertEqual(out, "install-deps: installing for 'one': absent\n")
        self.assertIn("install --no-install-recommends absent\n", self.calls())
        self.assertNotIn("update", self.calls())
        self.assertNotIn("sudo", self.calls())

    def test_updates_when_a_name_is_unknown_and_takes_the_first_known(self):
        self.write("deps/one", "newer | older\n")
        out = self.passes("tools/install-deps", "one", **self.env())
        self.assertIn("apt-get update", out)
        self.assertIn("--no-install-recommends newer\n", self.calls())

    def test_says_which_name_no_release_has(self):
        self.script("apt-cache", "exit 0")
        self.assertIn("no package absent", self.fails("tools/install-deps", "one", **self.env()))
        self.assertNotIn("install --no", self.calls())

    def test_uses_sudo_without_root(self):
        self.passes("tools/install-deps", "one", **self.env(FAKE_UID="1000"))
        self.assertIn("sudo -n env DEBIAN_FRONTEND=noninteractive apt-get", self.calls())

    def test_without_root_and_sudo_says_what_to_run(self):
        out = self.fails("tools/install-deps", "one", **self.env(FAKE_UID="1000", NO_SUDO="1"))
        self.assertIn("apt-get install --no-install-recommends absent", out)
        self.assertNotIn("\napt-get", self.calls())

    def test_check_only_prints(self):
        out = self.fails("tools/install-deps", "--check", "one", **self.env())
        self.assertEqual(out, "absent\n")
        self.assertEqual(self.calls(), "")

    def test_failed_install_shows_what_apt_said(self):
        self.script("apt-get", 'echo "apt-get $*" >>"$LOG"; echo "disk full"; exit 100')
        self.assertIn("disk full", self.fails("tools/install-deps", "one", **self.env()))

    def test_is_quick_when_nothing_is_missing(self):
        self.write("deps/one", "here\n")
        r = subprocess.run(["sh", "-c", 'ulimit -t 1; exec "$0" one', ROOT + "/tools/install-deps"],
                           env=self.env(), check=False)
        self.assertEqual(r.returncode, 0)

    def test_refuses_an_unknown_list(self):
        self.assertEqual(self.run_tool("tools/install-deps", "two", **self.env()).returncode, 2)


class Count(Tool):
    def test_last_counting_line_of_a_log(self):
        log = self.write("log", "1 passed, 0 failed\nmore\nall: 7 passed, 2 failed, 3 skipped\nx\n")
        self.assertEqual(self.passes(".ci/count", log), "7 2 3\n")

    def test_meson_results(self):
        results = ("OK", "FAIL", "TIMEOUT", "SKIP", "ERROR", "EXPECTEDFAIL", "UNEXPECTEDPASS")
        log = self.write("testlog.json", "".join(
            f'{{"name": "doublekey:fast / t {r}", "result": "{r}"}}\n' for r in results))
        self.assertEqual(self.passes(".ci/count", "/dev/null", log), "2 4 1 t_SKIP\n")

    def test_no_result_is_no_success(self):
        self.fails(".ci/count", self.write("log", "all is well\n0 passed, 0 failed\n"))


if __name__ == "__main__":
    unittest.main()
