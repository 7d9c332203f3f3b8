# SPDX-License-Identifier: Apache-2.0
"""The real program in fresh directories. DOUBLEKEY names the program."""

import os
import pathlib
import shutil
import signal
import subprocess

import pytest

PROGRAM = os.environ.get("DOUBLEKEY") or shutil.which("doublekey")
TIMEOUT_S = 120


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes seconds; not in the fast suite")
    if not PROGRAM or not os.access(PROGRAM, os.X_OK):
        pytest.exit("DOUBLEKEY names no program", 2)
    # nohup and shells without job control have some ignored, and that is inherited.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


class Result:
    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr.decode("utf-8", "surrogateescape")

    def ok(self):
        assert self.status == 0, self.err
        assert self.err == ""
        return self

    def failed(self, *texts, status=1):
        """Failed with that status, and a message that has all the texts."""
        assert self.status == status, (self.status, self.err)
        for text in texts:
            assert text in self.err, (text, self.err)
        for line in self.err.splitlines():
            assert line.startswith("doublekey: "), line
        return self


class Runner:
    def __init__(self, home):
        self.home = home
        self.program = PROGRAM
        self.env = dict(os.environ, HOME=str(home), LC_ALL="C.UTF-8")
        for name in ("XDG_CONFIG_HOME", "DOUBLEKEY_PASSPHRASE_FILE", "POSIXLY_CORRECT"):
            self.env.pop(name, None)

    def argv(self, *args):
        return [self.program, *map(str, args)]

    def __call__(self, *args, stdin=b"", cwd=None, env=None, **more):
        source = {"stdin": stdin} if not isinstance(stdin, bytes) else {"input": stdin}
        return Result(subprocess.run(
            self.argv(*args), stdout=more.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE, cwd=cwd or self.home, env=dict(self.env, **(env or {})),
            timeout=TIMEOUT_S, **source, **more))

    def start(self, *args, **more):
        more.setdefault("cwd", self.home)
        more.setdefault("env", self.env)
        return subprocess.Popen(self.argv(*args), **more)


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """One key pair for each name; public keys have .pub."""
    folder = tmp_path_factory.mktemp("keys")
    run = Runner(folder)
    made = [("c", "customer", "p256", "customer"), ("p", "provider", "p256", "provider"),
            ("c2", "customer", "p384", "recovery"), ("p2", "provider", "p256", "elsewhere"),
            ("c3", "customer", "p256", "third"), ("same", "provider", "p256", "customer"),
            ("s", "creator", "p256", "author"), ("s2", "creator", "p256", "other")]
    for name, side, kind, custodian in made:
        result = run("keygen", "--side", side, "--type", kind, "--custodian", custodian,
                     "--no-passphrase", "-q", "-o", folder / (name + ".key"))
        assert result.status == 0, result.err
    return folder


@pytest.fixture
def dk(tmp_path):
    return Runner(tmp_path)


@pytest.fixture(scope="session")
def both(keys):
    """Options that name a key of each side, private ones."""
    return ["--customer", str(keys / "c.key"), "--provider", str(keys / "p.key")]


@pytest.fixture
def fault(dk):
    """Environment in which system calls fail; see fault.c."""
    library = os.environ.get("DOUBLEKEY_FAULT")
    if not library or not os.path.exists(library):
        pytest.skip("DOUBLEKEY_FAULT names no library")

    def make(rules, log=None):
        env = {"LD_PRELOAD": library, "FAULT": rules,
               "ASAN_OPTIONS": "verify_asan_link_order=0"}
        if log:
            env["FAULT_LOG"] = str(log)
        return env
    return make


def listing(folder):
    return sorted(str(p.relative_to(folder)) for p in pathlib.Path(folder).rglob("*"))
