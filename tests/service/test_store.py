# SPDX-License-Identifier: Apache-2.0
"""The sealed store: destruction, and copies that are put back (spec/custody.md)."""
import os
import re
import shutil
import subprocess

from service import DAEMON, parts_of, release_body
from test_keys import encrypt, release_code

SLOTS = ("sealed.0", "sealed.1")


def slot(s, name):
    return os.path.join(s.dir, "keys", name)


def save(s, to):
    shutil.copytree(os.path.join(s.dir, "keys"), os.path.join(s.base, to))


def put_back(s, to):
    for name in SLOTS:
        shutil.copy(os.path.join(s.base, to, name), slot(s, name))


def run_fails(s):
    out = subprocess.run([DAEMON, "run", "--dir", s.dir, "--passphrase-file", s.passfile],
                         text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    assert out.returncode == 1
    return out.stderr


def generation(s):
    return [line.split("\t")[1] for line in s.admin("status").stdout.splitlines()
            if line.startswith("store generation")][0]


def test_an_older_store_is_refused(service):
    service.admin("key", "create", "k")
    service.stop()
    save(service, "old")
    service.start()
    service.admin("key", "create", "l")
    service.admin("key", "destroy", "k", "1")
    service.stop()
    save(service, "new")
    put_back(service, "old")
    assert "store-rolled-back" in run_fails(service)
    put_back(service, "new")
    service.start()  # control


def test_the_store_of_one_act_before_brings_nothing_back(service):
    service.admin("key", "create", "k")
    service.admin("key", "create", "l")
    service.enrol()
    encrypt(service, "k", "k.dk")
    for undo in (("key", "destroy", "k", "1"), ("freeze",), ("key", "disable", "l")):
        service.stop()
        save(service, undo[-1])
        service.start()
        service.admin(*undo)
        before = generation(service)
        keys, status = service.admin("key", "list").stdout, service.admin("status").stdout
        service.stop()
        put_back(service, undo[-1])
        service.start()
        assert service.admin("key", "list").stdout == keys
        assert ("frozen" in service.admin("status").stdout) == ("frozen" in status)
        assert generation(service) == before
    assert release_code_or_error(service, "k.dk") == "frozen"


def release_code_or_error(s, path):
    return s.release(s.device(), release_body([parts_of(os.path.join(s.base, path))]))[1]


def test_an_older_log_is_refused(service):
    service.admin("key", "create", "k")
    service.stop()
    shutil.copytree(os.path.join(service.dir, "log"), os.path.join(service.base, "log.old"))
    service.start()
    service.admin("key", "create", "l")
    service.stop()
    shutil.rmtree(os.path.join(service.dir, "log"))
    shutil.copytree(os.path.join(service.base, "log.old"), os.path.join(service.dir, "log"))
    assert "log-rolled-back" in run_fails(service)


def test_a_crash_between_record_and_effect(service):
    """keyd cannot write its store when the record is durable: the act happens at
    the next start."""
    service.admin("key", "create", "k")
    service.enrol()
    encrypt(service, "k", "k.dk")
    pid = service.pids()["keyd"]
    assert release_code(service, "k.dk") == 0
    # A file size limit below the slot's length makes the write fail.
    status = open("/proc/%d/status" % pid).read()
    user, group = (int(re.search(r"^%s:\t(\d+)" % k, status, re.M)[1]) for k in ("Uid", "Gid"))
    as_it = {"user": user, "group": group, "extra_groups": []} if user != os.geteuid() else {}
    subprocess.run(["prlimit", "--pid", str(pid), "--fsize=100"], check=True, **as_it)
    out = service.admin("key", "destroy", "k", "1", check=False)
    assert out.returncode != 0
    service.wait_ready()
    assert pid != service.pids()["keyd"]
    assert "destroyed" in service.admin("key", "list").stdout
    assert service.log().count("key-destroyed done") == 1
    assert release_code(service, "k.dk") == 17
    assert "recorded and not carried out" in open(service.stderr).read()


def test_destroyed_bytes_are_in_no_slot(service):
    """Each slot alone is the store after the destruction, and the old bytes of
    both are gone."""
    service.admin("key", "create", "k", "--type", "rsa3072")
    service.enrol()
    encrypt(service, "k", "k.dk")
    old = [open(slot(service, name), "rb").read() for name in SLOTS]
    service.admin("key", "destroy", "k", "1")
    new = [open(slot(service, name), "rb").read() for name in SLOTS]
    longest = max(len(data) for data in old)
    for before in old:
        for after in new:
            pieces = [before[i:i + 16] for i in range(44, len(before) - 16, 16)]
            assert not [p for p in pieces if p != bytes(16) and p in after]
    assert max(len(data) for data in new) == longest  # written over, not cut
    assert sum(data.endswith(bytes(1000)) for data in new) == 2
    service.stop()
    for name in SLOTS:
        other = [n for n in SLOTS if n != name][0]
        keep = open(slot(service, other), "rb").read()
        with open(slot(service, other), "wb") as f:
            f.write(b"gone")
        service.start()
        assert release_code(service, "k.dk") == 17
        service.stop()
        with open(slot(service, other), "wb") as f:
            f.write(keep)
