# SPDX-License-Identifier: Apache-2.0
"""Erasure of persons in the log (spec/log.md section 16)."""
import glob
import hashlib
import os
import signal
import sqlite3
import subprocess
import time

import pytest

from reader import keyfile, log
from service import DAEMON, parts_of, release_body
from test_clock import LIBRARY, Clocked
from test_log import checkpoint, records

DAY = 86400


def stored(s):
    """Leaf and record of each entry, as the database has them; the service must not run."""
    db = sqlite3.connect("file:%s?mode=ro" % os.path.join(s.dir, "log", "log.db"), uri=True)
    rows = db.execute("SELECT leaf, record FROM entry ORDER BY idx").fetchall()
    db.close()
    return rows


def decrypt(s, who="client", out="out"):
    s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-o", out,
             "--force", who=who)


def persons(s):
    return {r.get("user") for r in records(s)} - {None}


@pytest.fixture
def two(ready):
    ready.enrol("bob.planted", who="other")
    decrypt(ready)
    decrypt(ready, "other")
    return ready


def device_of(s, user):
    lines = [line.split("\t") for line in s.admin("device", "list").stdout.splitlines()]
    return [line[3] for line in lines if line[0] == user][0]


def in_files(s, word):
    """Files of the log's folder that have the bytes; while the service runs."""
    return [path for path in glob.glob(os.path.join(s.dir, "log", "**"), recursive=True)
            if os.path.isfile(path) and word in open(path, "rb").read()]


def test_one_user_is_erased(two):
    s = two
    before = records(s)
    device = device_of(s, "bob.planted")
    s.admin("device", "revoke", device)
    assert in_files(s, b"bob.planted")  # control: it is looked for in the right place
    assert in_files(s, bytes.fromhex(device))
    out = s.admin("log", "erase", "--user", "bob.planted").stdout
    assert out == "erased the persons of 4 records\n"  # code, enrolment, release, revocation
    assert in_files(s, b"bob.planted") == [] and in_files(s, bytes.fromhex(device)) == []
    after = records(s)
    assert persons(s) == {"alice"} and s.admin("log", "--user", "bob.planted").stdout == ""
    gone = {"user", "device", "device_name", "address"}
    for old, new in zip(before, after):
        if old.get("user") == "bob.planted":
            assert new == {**{k: v for k, v in old.items() if k not in gone},
                           "person_erased": True}
        else:
            assert new == old
    last = after[-1]
    assert last["class"] == "erased" and last["note"] == "user" and "user" not in last
    assert [f["type"] for f in last["factors"]] == ["local"]
    listed = s.admin("device", "list").stdout
    assert "bob" not in listed and "-\t-\trevoked\t" + device in listed
    assert s.admin("log", "erase", "--user", "bob.planted").stdout == (
        "erased the persons of 0 records\n")


def test_nothing_is_left_on_pages_that_were_moved(two):
    """Records of many lengths, so that the database does not write over what it replaces
    by chance."""
    s = two
    pair, device = parts_of(s.object), s.device("other")
    for n in (1, 40, 2, 70, 3, 1, 1, 30, 5, 8, 1, 2, 90, 1):
        assert s.release(device, release_body([pair] * n))[0] == 200
    assert in_files(s, b"bob.planted")
    s.admin("device", "revoke", device.id.hex())
    s.admin("log", "erase", "--user", "bob.planted")
    assert in_files(s, b"bob.planted") == [] and in_files(s, device.id) == []
    s.stop()
    assert in_files(s, b"bob.planted") == [] and in_files(s, device.id) == []


def test_leaves_and_other_parts_stay(two):
    s = two
    s.stop()
    before = stored(s)
    s.start()
    s.admin("log", "erase", "--user", "alice")
    s.stop()
    after = stored(s)[:len(before)]
    assert [leaf for leaf, _ in before] == [leaf for leaf, _ in after]
    changed = 0
    for (leaf, old), (_, new) in zip(before, after):
        was, now = log.open_record(old, leaf), log.open_record(new, leaf)
        assert (was.main, was.objects) == (now.main, now.objects)
        if old == new:
            continue
        changed += 1
        assert was.person["user"] == "alice" and now.person == {}
        assert was.person["user"].encode() not in new
    assert changed == 2  # code and release; alice's device is active
    s.start()
    decrypt(s)
    assert [r["user"] for r in records(s, "--user", "alice")][-1] == "alice"


def test_what_an_active_device_rests_on_is_left(two):
    s = two
    out = s.admin("log", "erase", "--user", "alice").stdout
    assert out == ("erased the persons of 2 records\n"
                   "left: the enrolments of 1 devices that are active\n")
    assert [r["class"] for r in records(s, "--user", "alice")] == ["device-enrolled"]
    s.admin("device", "revoke", device_of(s, "alice"))
    assert s.admin("log", "erase", "--user", "alice").stdout == (
        "erased the persons of 2 records\n")  # enrolment and revocation
    assert persons(s) == {"bob.planted"}


def test_proofs_from_before_hold(two):
    """What was proved or copied before an erasure is proved after it, and the records that
    are left still open their entries."""
    s = two
    index = [r["index"] for r in records(s) if r["class"] == "release"][0]
    checkpoint(s, index + 1)
    s.client("log", "prove", str(index), s.url + "/log", "-o", "proof")
    s.client("log", "mirror", s.url + "/log", "-o", "copy")
    s.admin("log", "erase", "--user", "alice")
    s.client("log", "verify", "proof")
    s.client("log", "mirror", s.url + "/log", "-o", "copy")
    s.client("log", "verify", "copy")
    s.client("keygen", "--side", "auditor", "--no-passphrase", "-o", "court.key")
    key = keyfile.load(open(os.path.join(s.base, "court.key"), "rb").read(), side="auditor")
    with open(os.path.join(s.dir, "policy.conf"), "a") as f:
        f.write('auditor "court" {\n\tkey-id = "%s"\n}\n' % hashlib.sha256(key.spki).hexdigest())
    s.admin("policy", "reload")
    s.admin("log", "export", os.path.join(s.base, "e"), "--auditor", "court", "--key",
            os.path.join(s.base, "court.key.pub"))
    s.client("log", "export", "--auditor", "court.key", "e", "-o", "records")
    s.client("log", "verify", "proof", "--records", "records")
    s.client("log", "verify", s.url + "/log", "--records", "records")


def test_who_asks_for_nothing_gets_nothing(ready):
    for args in ((), ("--before", "yesterday"), ("--user", "No Name"), ("--before", "2200-01-01"),
                 ("--before", "1970-01-01")):
        out = ready.admin("log", "erase", *args, check=False)
        assert out.returncode != 0, args
    assert "erased" not in ready.log()


def test_old_records_are_erased_and_found_again(tmp_path):
    """The clock jumps: what is before the time goes, what a later erasure has to do stays
    known, over a restart, and a device that is revoked later loses its enrolment then."""
    s = Clocked(tmp_path)
    s.start()
    try:
        s.prepare()
        decrypt(s)
        s.jump(10 * DAY)
        s.enrol("carol", who="third")
        body = release_body([parts_of(s.object)])
        now = int(time.time()) + 10 * DAY
        assert s.release(s.device("third"), body, created=now)[0] == 200
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 5 * DAY))
        out = s.admin("log", "erase", "--before", day, check=False)
        assert out.returncode == 0, out.stderr
        assert out.stdout == ("erased the persons of 2 records\n"
                              "left: the enrolments of 1 devices that are active\n")
        assert records(s)[-1]["note"] == "before %sT00:00:00Z" % day
        assert [r["class"] for r in records(s, "--user", "alice")] == ["device-enrolled"]
        assert len(records(s, "--user", "carol")) == 3
        s.stop()
        s.start()
        s.admin("device", "revoke", device_of(s, "alice"))
        s.admin("log", "erase", "--before", day)
        assert [r["class"] for r in records(s, "--user", "alice")] == ["device-revoked"]
        assert len(records(s, "--user", "carol")) == 3
        assert log_opens(s)
    finally:
        s.stop()


def log_opens(s):
    return "does not open" not in s.log()


class ClockedParent(Clocked):
    """The parent, which says when, has the clock of the others too."""

    def start(self):
        env = {**os.environ, "LD_PRELOAD": LIBRARY, "CLOCK_FILE": self.ahead}
        with open(self.stderr, "a") as err:
            self.process = subprocess.Popen(
                [self.daemon, "run", "--dir", self.dir, "--passphrase-file", self.passfile],
                stderr=err, stdin=subprocess.DEVNULL, env=env)
        self.wait_ready()


def test_retention(tmp_path):
    s = ClockedParent(tmp_path)
    with open(os.path.join(s.dir, "doublekeyd.conf"), "a") as f:
        f.write("person-retention-days = 30\n")
    s.start()
    try:
        s.prepare()
        decrypt(s)
        s.admin("device", "revoke", device_of(s, "alice"))
        notes = [r["note"] for r in records(s) if r["class"] == "erased"]
        assert len(notes) == 1 and notes[0].startswith("before ")  # at the start
        assert len(records(s, "--user", "alice")) == 4
        s.jump(31 * DAY)
        end = time.time() + 20
        while ("retention: erased the persons of 4 records" not in open(s.stderr).read()
               and time.time() < end):
            time.sleep(0.1)
        assert persons(s) == set()
        assert len([r for r in records(s) if r["class"] == "erased"]) == 2
    finally:
        s.stop()


def test_a_wrong_retention_is_told(service):
    service.stop()
    conf = os.path.join(service.dir, "doublekeyd.conf")
    text = open(conf).read()
    for wrong in ("-1", "010", "1.5", "36501", '"x"', "99999999999999999999"):
        with open(conf, "w") as f:
            f.write(text + "person-retention-days = %s\n" % wrong)
        out = service.admin("run", check=False)
        assert out.returncode == 1 and "doublekeyd.conf" in out.stderr, wrong
    with open(conf, "w") as f:
        f.write(text)
    service.start()


def test_a_crash_while_persons_are_erased(two):
    """logd ends before it has answered: the record stands, the answer does not, and asking
    again does it all."""
    s = two
    body = release_body([parts_of(s.object)])
    for _ in range(300):
        s.release(s.device(), body)
    pid = s.pids()["logd"]
    os.kill(pid, signal.SIGSTOP)
    asked = subprocess.Popen([DAEMON, "log", "erase", "--user", "alice", "--dir", s.dir],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    time.sleep(0.5)
    os.kill(pid, signal.SIGKILL)
    assert asked.wait(30) == 1 and b"unavailable" in asked.stderr.read()
    s.wait_ready()
    assert s.admin("log", "erase", "--user", "alice").returncode == 0
    assert [r["class"] for r in records(s, "--user", "alice")] == ["device-enrolled"]
    assert log_opens(s)
