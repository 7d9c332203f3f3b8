# SPDX-License-Identifier: Apache-2.0
"""The unit: valid, tight, and enough for what the service does."""
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from service import BUILD, DAEMON, Service
from test_users import ids, passable

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNIT = os.path.join(BUILD, "packaging", "systemd", "doublekeyd.service")
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")


@pytest.fixture
def unit(tmp_path):
    """The unit with this build's program, which the checker wants to find."""
    text = re.sub(r"^ExecStart=\S+", "ExecStart=" + DAEMON, open(UNIT).read(), flags=re.M)
    path = tmp_path / "doublekeyd.service"
    path.write_text(text)
    return str(path)


def analyze(*args):
    return subprocess.run(["systemd-analyze", *args], capture_output=True, text=True, timeout=60)


def about_it(text):
    return [line for line in text.splitlines() if "doublekeyd" in line]


@needs_systemd
def test_verify(unit):
    assert about_it(analyze("verify", "--man=no", unit).stderr) == []
    with open(unit, "a") as f:
        f.write("[Service]\nNoNewPrivilege=yes\n")
    assert about_it(analyze("verify", "--man=no", unit).stderr) != []


def exposure(path):
    out = analyze("security", "--offline=yes", "--no-pager", path).stdout
    return float(re.search(r"Overall exposure level.*: ([0-9.]+)", out)[1])


@needs_systemd
def test_exposure(unit):
    level = exposure(unit)
    assert level <= 3.0
    text = open(unit).read()
    for directive in ("SystemCallFilter", "CapabilityBoundingSet", "ProtectSystem",
                      "RestrictAddressFamilies"):
        with open(unit, "w") as f:
            f.write(re.sub(r"^%s=.*\n" % directive, "", text, flags=re.M))
        assert exposure(unit) > level, directive


def test_a_user_for_each_process():
    text = open(os.path.join(ROOT, "packaging/systemd/doublekeyd.sysusers")).read()
    names = set(re.findall(r"^u (\S+)", text, re.M))
    header = open(os.path.join(ROOT, "daemon/ipc/message.h")).read()
    listed = re.search(r"enum ipc_process \{(.*?)\}", header, re.S)[1]
    processes = [p.lower() for p in re.findall(r"IPC_([A-Z]+D)\b", listed)]
    assert names == {"doublekey-" + p for p in processes} and len(names) == 6


@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="no systemd here")
def test_systemd_takes_the_users():
    done = subprocess.run(["systemd-sysusers", "--dry-run",
                           os.path.join(ROOT, "packaging/systemd/doublekeyd.sysusers")],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "not a valid" not in done.stderr, done.stderr


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, setpriv")
def test_its_capabilities_are_enough():
    if not passable(DAEMON):
        pytest.skip("others cannot reach the programs")
    names = re.search(r"^CapabilityBoundingSet=(.*)$", open(UNIT).read(), re.M)[1].split()
    wanted = ",".join("+" + name[4:].lower() for name in names)
    base = tempfile.mkdtemp(dir="/var/tmp")
    try:
        os.chmod(base, 0o755)
        s = Service(base)
        with open(s.stderr, "a") as err:
            s.process = subprocess.Popen(
                ["setpriv", "--no-new-privs", "--bounding-set", "-all," + wanted, DAEMON, "run",
                 "--dir", s.dir, "--passphrase-file", s.passfile],
                stderr=err, stdin=subprocess.DEVNULL)
        s.wait_ready()
        assert "each process has its own user" in s.admin("status").stdout
        assert all("0" not in ids(pid)[0] for pid in s.pids().values())
        s.admin("key", "create", "finance")
        os.kill(s.pids()["authd"], 9)
        s.wait_ready()
        s.stop()
        assert s.process.returncode == 0
    finally:
        s.stop()
        shutil.rmtree(base)
