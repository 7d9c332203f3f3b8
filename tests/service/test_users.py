# SPDX-License-Identifier: Apache-2.0
"""Started by root, each process has a user of its own."""
import os
import re
import shutil
import socket
import subprocess
import tempfile

import pytest

from service import DAEMON, Service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give users")


def passable(path):
    path = os.path.realpath(path)
    while path != "/":
        path = os.path.dirname(path)
        if not os.stat(path).st_mode & 1:
            return False
    return True


def ids(pid):
    """Real, effective, saved and file system user and group, and other groups."""
    status = open("/proc/%d/status" % pid).read()
    users = set(re.search(r"^Uid:\t(.*)$", status, re.M)[1].split())
    groups = set(re.search(r"^Gid:\t(.*)$", status, re.M)[1].split())
    return users, groups, re.search(r"^Groups:\t(.*)$", status, re.M)[1].split()


def may_lift_limits():
    """CAP_SYS_RESOURCE, which root in a container may not have."""
    mask = re.search(r"^CapEff:\t(\w+)$", open("/proc/self/status").read(), re.M)[1]
    return int(mask, 16) >> 24 & 1


@pytest.fixture
def separated():
    if not passable(DAEMON):
        pytest.skip("others cannot reach the programs")
    base = tempfile.mkdtemp(dir="/var/tmp")
    os.chmod(base, 0o755)
    s = Service(base)
    s.start()
    yield s
    s.stop()
    shutil.rmtree(base)


def test_each_has_its_own(separated):
    s = separated
    assert "separation\teach process has its own user\n" in s.admin("status").stdout
    seen = set()
    for process, pid in s.pids().items():
        users, groups, others = ids(pid)
        assert len(users) == 1 and len(groups) == 1 and others == [], process
        assert "0" not in users | groups, process
        seen |= users
    assert len(seen) == 5
    capabilities = open("/proc/%d/status" % s.pids()["keyd"]).read()
    assert re.search(r"^CapEff:\t0+$", capabilities, re.M)
    if may_lift_limits():
        assert "locked" in re.search(r"^keyd\t.*$", s.admin("status").stdout, re.M)[0]


def test_it_releases_and_comes_back(separated):
    s = separated
    s.prepare()
    decrypt = ("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-f", "-o",
               "out")
    for _ in range(2):
        s.client(*decrypt)
        os.kill(s.pids()["keyd"], 9)
        s.wait_ready()
    s.stop()
    s.start()
    s.client(*decrypt)
    assert s.admin("tls", "renew", "--passphrase-file", s.passfile).returncode == 0


def test_what_the_others_can_read(separated):
    """As the user of logd: its own files, and nothing of keys, TLS and passphrase."""
    s = separated
    owner = os.stat(os.path.join(s.dir, "log")).st_uid
    assert str(owner) in ids(s.pids()["logd"])[0]

    def readable(name):
        return subprocess.run(["cat", os.path.join(s.dir, name)], user=owner, group=owner,
                              extra_groups=[], capture_output=True).returncode == 0

    assert readable("log/checkpoint")
    for name in ("keys/sealed.0", "tls/server.key", "policy.conf", "doublekeyd.conf"):
        assert not readable(name), name


def test_an_unreachable_directory_is_told(tmp_path):
    os.chmod(tmp_path, 0o700)
    s = Service(tmp_path)
    s.start()
    try:
        assert "separation\treduced: " in s.admin("status").stdout
        assert ids(s.pids()["logd"])[0] == {"0"}
    finally:
        s.stop()


def test_systemd_is_told(tmp_path):
    s = Service(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(60)
        process = subprocess.Popen(
            [DAEMON, "run", "--dir", s.dir, "--passphrase-file", s.passfile],
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        assert listener.recv(100) == b"READY=1"
        assert s.admin("status").returncode == 0
        process.terminate()
        assert listener.recv(100) == b"STOPPING=1"
        assert process.wait(30) == 0
