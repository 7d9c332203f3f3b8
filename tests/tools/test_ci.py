#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The CI run itself, in a tree of stand-ins: it counts rightly, fails when anything
fails, and leaves nothing running."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHECKS = ("banned", "names", "layers", "spec-coverage", "size", "format")


class Run(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        os.mkdir(self.dir + "/tools")
        shutil.copytree(ROOT + "/.ci", self.dir + "/.ci")
        self.script("tools/install-deps", "exit 0")
        self.script("examples/demo.sh", "exit 0")
        for check in CHECKS:
            self.script("tools/check-" + check, "exit 0")
        self.targets()

    def script(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n" + text + "\n")
        os.chmod(path, 0o755)

    def targets(self, **commands):
        with open(self.dir + "/Makefile", "w", encoding="utf-8") as f:
            for name in ("all", "demo", "test", "test-asan", "fuzz", "prove", "test-peers"):
                command = commands.get(name.replace("-", "_"), "true")
                f.write(f".PHONY: {name}\n{name}:\n\t@{command}\n")

    def run_ci(self, **env):
        stages = " ".join(f"check-{c}" for c in CHECKS) + \
            " deps build test demo test-asan fuzz prove test-peers"
        r = subprocess.run(["bash", self.dir + "/.ci/run"], capture_output=True, text=True,
                           check=False, stdin=subprocess.DEVNULL, timeout=120,
                           env={**os.environ, "CI_STAGES": stages, **env})
        return r.returncode, r.stdout, r.stdout.splitlines()[-1]

    def test_counts_stages_results_and_skips(self):
        self.targets(test='echo "5 passed, 0 failed, 2 skipped"',
                     demo="mkdir -p build/meson-logs; echo '{\"name\":\"a\",\"result\":\"OK\"}' "
                          ">build/meson-logs/testlog.json")
        status, out, last = self.run_ci()
        # deps, four checks, build, 5 of test, 1 of demo, test-asan
        self.assertEqual((status, last), (0, "14 passed, 0 failed, 5 skipped"), out)
        self.assertIn("skipped: fuzz prove test-peers", out)

    def test_a_failed_result_fails(self):
        self.targets(test='echo "5 passed, 1 failed"; exit 1')
        status, out, last = self.run_ci()
        self.assertEqual((status, last), (1, "14 passed, 1 failed, 3 skipped"), out)
        self.assertIn("failed: test", out)

    def test_what_failed_is_named_at_the_end(self):
        self.targets(test="echo '57/99 x:slow / service   FAIL   2.1s   exit status 1'; "
                          "echo 'FAILED test_x.py::test_y - assert 1 == 2'; echo '58/99 z OK 1s'; "
                          "seq 200; echo '5 passed, 1 failed'; exit 1",
                     test_peers="echo 'moto: keys: FAILED: KeyError: 7'; exit 1")
        self.script("tests/peers/run", "exit 0")
        out = self.run_ci()[1]
        end = out.split("failed: test test-peers\n")[1].splitlines()
        self.assertEqual(end[:3], [
            "  test: 57/99 x:slow / service   FAIL   2.1s   exit status 1",
            "  test: FAILED test_x.py::test_y - assert 1 == 2",
            "  test-peers: moto: keys: FAILED: KeyError: 7"], out)

    def test_a_failed_command_fails_without_a_count(self):
        self.script("tools/check-names", "exit 1")
        self.assertEqual(self.run_ci()[0], 1)

    def test_a_command_that_fails_behind_good_results_fails(self):
        self.targets(test='echo "5 passed, 0 failed"; exit 1')
        status, _, last = self.run_ci()
        self.assertEqual((status, last), (1, "14 passed, 1 failed, 3 skipped"))

    def test_results_that_fail_in_a_command_that_does_not_are_failures(self):
        self.targets(test='echo "5 passed, 1 failed"')
        self.assertEqual(self.run_ci()[0], 1)

    def test_a_broken_build_ends_the_run(self):
        self.targets(all="exit 1", test="touch ran")
        status, _, _ = self.run_ci()
        self.assertEqual(status, 1)
        self.assertFalse(os.path.exists(self.dir + "/ran"))

    def test_optional_parts_run_when_they_are_there(self):
        self.script("fuzz/run", "exit 0")
        self.targets(fuzz='echo "0 passed, 0 failed, 1 skipped"')
        self.assertEqual(self.run_ci()[2], "10 passed, 0 failed, 3 skipped")
        self.targets(fuzz='echo "2 passed, 0 failed"')
        self.assertEqual(self.run_ci()[2], "12 passed, 0 failed, 2 skipped")

    def test_time_that_is_up_is_a_failure(self):
        self.assertEqual(self.run_ci(CI_MINUTES="0")[0], 1)

    def test_what_a_stage_leaves_running_is_ended_and_a_failure(self):
        self.targets(test="sleep 300 & echo $$! >child; exit 0")
        status, out, _ = self.run_ci()
        self.assertEqual(status, 1)
        self.assertIn("left running", out)
        with open(self.dir + "/child", encoding="utf-8") as f:
            child = int(f.read())
        self.assertTrue(self.gone(child))

    @staticmethod
    def gone(child):
        for _ in range(50):
            try:
                with open(f"/proc/{child}/stat", encoding="ascii") as f:
                    if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                        return True
            except FileNotFoundError:
                return True
            time.sleep(0.1)
        os.kill(child, signal.SIGKILL)
        return False

    def test_an_interrupt_ends_the_stage(self):
        self.targets(test="sleep 300 & echo $$! >child; wait")
        ci = subprocess.Popen(["bash", self.dir + "/.ci/run"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              env={**os.environ, "CI_STAGES": "build test"})
        for _ in range(300):
            if os.path.exists(self.dir + "/child"):
                break
            time.sleep(0.1)
        time.sleep(0.2)
        ci.terminate()
        self.assertEqual(ci.wait(30), 1)
        with open(self.dir + "/child", encoding="utf-8") as f:
            self.assertTrue(self.gone(int(f.read())))


if __name__ == "__main__":
    unittest.main()
