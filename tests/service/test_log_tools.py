# SPDX-License-Identifier: Apache-2.0
"""doublekey log mirror, verify and prove, against a running service and damaged copies."""
import base64
import hashlib
import os
import re
import shutil
import sqlite3
import struct
import subprocess

import pytest

from service import Service, parts_of, release_body, signed_headers
from test_cosign import Setting
from test_key_sets import until
from test_log import checkpoint
from witness import Witness


def releases(s, count):
    """Over one connection."""
    device, body = s.device(), release_body([parts_of(s.object)])
    connection = s.connection()
    for _ in range(count):
        connection.request("POST", "/v1/release", body, signed_headers(device, s.url, body))
        answer = connection.getresponse()
        assert (answer.status, len(answer.read()) > 0) == (200, True)
    connection.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """More than one bundle."""
    s = Service(tmp_path_factory.mktemp("grown"))
    try:
        s.start()
        s.prepare()
        releases(s, 290)
        checkpoint(s, 290)
        yield s
    finally:
        s.stop()


@pytest.fixture
def grown(shared):
    """The same service for all tests, with no copy yet."""
    for name in os.listdir(shared.base):
        if name not in ("service", "client", "pass", "stderr", "p.key", "p.key.pub", "plain",
                        "object.dk"):
            remove = shutil.rmtree if os.path.isdir(path(shared, name)) else os.unlink
            remove(path(shared, name))
    yield shared


def mirror(s, folder="copy", check=True, url=None):
    return s.client("log", "mirror", url or s.url + "/log", "-o", folder, check=check)


def verify(s, place="copy", *more, check=True, who="client"):
    return s.client("log", "verify", place, *more, check=check, who=who)


def fields(text):
    return dict(line.split(None, 1) for line in text.splitlines() if " " in line)


def fails(done, name, place=""):
    assert done.returncode == 1 and f"({name}" in done.stderr and place in done.stderr, done.stderr


def path(s, name):
    return os.path.join(s.base, name)


def flip(s, name, at=-1):
    with open(path(s, name), "r+b") as f:
        data = bytearray(f.read())
        data[at] ^= 1
        f.seek(0)
        f.write(data)


def records_file(s, name="records", edit=None):
    """From a copy of the store, which nobody else may open; spec/log.md section 11."""
    folder = path(s, "store")
    os.makedirs(folder, exist_ok=True)
    for part in ("log.db", "log.db-wal"):
        if os.path.exists(os.path.join(s.dir, "log", part)):
            shutil.copy(os.path.join(s.dir, "log", part), folder)
    with sqlite3.connect(os.path.join(folder, "log.db")) as store:
        rows = list(store.execute("SELECT idx, leaf, record FROM entry ORDER BY idx"))
    with open(path(s, name), "wb") as f:
        f.write(b"DKLREC1\n")
        for index, leaf, record in edit(rows) if edit else rows:
            f.write(struct.pack(">Q", index) + leaf + struct.pack(">I", len(record)) + record)
    return len(rows)


def test_a_copy_is_made_continued_and_checked(grown):
    mirror(grown)
    seen = fields(verify(grown).stdout)
    size = int(seen["size"])
    assert size >= 290 and seen["origin"] == "127.0.0.1:%d/log" % grown.port
    assert seen["checkpoints"] == "2" and seen["gaps"] == "0"
    releases(grown, 300)
    checkpoint(grown, size + 300)
    mirror(grown)
    again = fields(verify(grown).stdout)
    assert int(again["size"]) >= size + 300 and again["checkpoints"] == "3"
    assert fields(verify(grown, grown.url + "/log").stdout)["root"] == again["root"] or \
        int(fields(verify(grown, grown.url + "/log").stdout)["size"]) > int(again["size"])
    assert not any(name.startswith(".doublekey") for name in os.listdir(path(grown, "copy")))


def test_who_may_have_signed(grown):
    mirror(grown)
    key = ["--key", grown.vkey]
    verify(grown, "copy", *key, who="stranger")
    fails(verify(grown, who="stranger", check=False), "log-key")
    name, _, rest = grown.vkey.partition("+")
    other = rest[9:][:-5] + ("A" if rest[-5] != "A" else "B") + rest[-4:]
    raw = base64.b64decode(other)
    digest = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    fails(verify(grown, "copy", "--key", f"{name}+{digest}+{other}", check=False), "log-key")
    fails(verify(grown, "copy", "--key", grown.vkey[:-1] + "!", check=False), "log-vkey")
    with open(path(grown, "policy"), "w") as f:
        f.write("log %s\nwitness w remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7o"
                "nlmtw2\nquorum w\n" % grown.vkey)
    fails(verify(grown, "copy", "--policy", "policy", check=False), "log-quorum")
    with open(path(grown, "policy"), "w") as f:
        f.write("log %s\nquorum none\n" % grown.vkey)
    verify(grown, "copy", "--policy", "policy")
    with open(path(grown, "policy"), "w") as f:
        f.write("log %s\nquorum x\n" % grown.vkey)
    fails(verify(grown, "copy", "--policy", "policy", check=False), "log-policy", "line 2")


def test_each_kind_of_damage_is_found(grown):
    mirror(grown)
    size = int(fields(verify(grown).stdout)["size"])
    last, above = "tile/0/%03d.p/%d" % divmod(size, 256), "tile/1/000.p/%d" % (size // 256)
    checks = [("tile/0/000", -1, "log-tree", "tile/0/000"),
              ("tile/entries/000", -1, "log-tree", "tile/0/000"),
              ("tile/entries/000", 0, "log-file", "entry 0"),
              ("tile/entries/000", 2, "log-file", "entry 0"),
              ("tile/entries/000", 50 * 7 + 2 + 15, "log-file", "entry 7"),
              (last, 0, "log-tree", last), (above, 0, "log-tree", above),
              ("checkpoint", -20, "log-signature", ""),
              ("checkpoint", 0, "log-key", ""),
              (f"checkpoints/{size}", -20, "log-signature", f"checkpoints/{size}")]
    for name, at, error, place in checks:
        flip(grown, "copy/" + name, at)
        fails(verify(grown, check=False), error, place)
        flip(grown, "copy/" + name, at)
    for name, error in (("tile/0/000", "log-missing"), ("checkpoint", "log-missing")):
        os.rename(path(grown, "copy/" + name), path(grown, "away"))
        fails(verify(grown, check=False), error, name)
        os.rename(path(grown, "away"), path(grown, "copy/" + name))
    with open(path(grown, "copy/tile/0/000"), "ab") as f:
        f.write(b"x")
    fails(verify(grown, check=False), "log-file", "tile/0/000")
    os.truncate(path(grown, "copy/tile/0/000"), 8192)
    flip(grown, "copy/tile/0/000")
    mirror(grown)
    fails(verify(grown, check=False), "log-tree", "tile/0/000")  # it was covered already
    os.unlink(path(grown, "copy/checkpoint"))
    done = mirror(grown)
    assert "fetched again" in done.stderr
    verify(grown)


def test_an_interrupted_copy_goes_on(grown):
    whole = mirror(grown, "whole")
    assert "entries" in whole.stderr
    shutil.copytree(path(grown, "whole"), path(grown, "copy"))
    for name in ("checkpoint", "checkpoints", "tile/entries/000"):
        (shutil.rmtree if name == "checkpoints" else os.unlink)(path(grown, "copy/" + name))
    before = os.stat(path(grown, "copy/tile/0/000")).st_ino
    fails(verify(grown, check=False), "log-missing")
    mirror(grown)
    assert os.stat(path(grown, "copy/tile/0/000")).st_ino == before  # not fetched again
    verify(grown)


def test_killed_at_any_time(grown):
    command = [os.path.join(os.environ["DOUBLEKEY_BUILD"], "cli", "doublekey"), "log", "mirror",
               grown.url + "/log", "-o", "copy"]
    finished = False
    for delay in range(200):
        process = subprocess.Popen(command, cwd=grown.base, env=grown.env(),
                                   stderr=subprocess.DEVNULL)
        try:
            finished = process.wait(0.004 * (1 + delay)) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if os.path.exists(path(grown, "copy/checkpoint")):
            verify(grown)
        if finished:
            break
    assert finished


def test_records(grown):
    mirror(grown)
    size = int(fields(verify(grown).stdout)["size"])
    count = records_file(grown, edit=lambda rows: rows[:size])
    assert count >= size
    assert fields(verify(grown, "copy", "--records", "records").stdout)["records"] == str(size)
    records_file(grown, edit=lambda rows: rows[3:size:7])
    verify(grown, "copy", "--records", "records")

    def changed(at, edit):
        return lambda rows: [edit(row) if row[0] == at else row for row in rows[:size]]

    def bit(data):
        return data[:-1] + bytes([data[-1] ^ 1])

    for edit, error, place in (
            (changed(9, lambda r: (r[0], r[1], bit(r[2]))), "log-record", "entry 9"),
            (changed(9, lambda r: (r[0], bit(r[1]), r[2])), "log-record", "entry 9"),
            (changed(260, lambda r: (r[0], r[1], b"")), "log-record", "entry 260"),
            (lambda rows: rows[:5] + rows[3:4], "log-file", "record 5"),
            (lambda rows: rows[:5] + [(size + 7,) + rows[5][1:]], "log-record",
             f"entry {size + 7}"),
            (lambda rows: [(0, rows[1][1], rows[1][2])], "log-record", "entry 0")):
        records_file(grown, edit=edit)
        fails(verify(grown, "copy", "--records", "records", check=False), error, place)
    for data in (b"", b"DKLREC2\n", b"DKLREC1\n\0"):
        with open(path(grown, "records"), "wb") as f:
            f.write(data)
        fails(verify(grown, "copy", "--records", "records", check=False), "log-file", "record 0")
    with open(path(grown, "records"), "wb") as f:  # one of nobody is fine, and checks nothing
        f.write(b"DKLREC1\n")
    assert fields(verify(grown, "copy", "--records", "records").stdout)["records"] == "0"


def test_proofs(grown):
    mirror(grown)
    size = int(fields(verify(grown).stdout)["size"])
    records_file(grown, edit=lambda rows: rows[:size])
    for index in (0, 1, 255, 256, size - 1):
        grown.client("log", "prove", str(index), "copy", "-o", "p", "-f")
        seen = fields(verify(grown, "p").stdout)
        assert seen["index"] == str(index) and seen["class"]
        assert fields(verify(grown, "p", "--records", "records").stdout)["record"] == seen["class"]
    verify(grown, "p", "--key", grown.vkey, who="stranger")
    text = open(path(grown, "p")).read()
    assert text.startswith("c2sp.org/tlog-proof@v1\nextra ")
    grown.client("log", "prove", "3", grown.url + "/log", "-o", "q")
    verify(grown, "q")
    fails(grown.client("log", "prove", str(size), "copy", "-o", "r", check=False), "log-missing")
    assert not os.path.exists(path(grown, "r"))
    entry = base64.b64decode(re.search("^extra (.*)$", text, re.M)[1])
    other = base64.b64encode(entry[:-1] + bytes([entry[-1] ^ 1])).decode()
    for edit, error in ((lambda t: t.replace(f"index {size - 1}", f"index {size - 2}"), "log-tree"),
                        (lambda t: t.replace(f"index {size - 1}", f"index {size}"), "log-tree"),
                        (lambda t: t.replace("index ", "index 0"), "log-file"),
                        (lambda t: t.replace("@v1", "@v2"), "log-file"),
                        (lambda t: re.sub("extra .*", "extra " + other, t), "log-tree"),
                        (lambda t: t.replace(f"\n{size}\n", f"\n{size + 1}\n"), "log-signature"),
                        (lambda t: t[:t.rindex("\u2014")], "log-key"),
                        (lambda t: t[:200], "log-file")):
        with open(path(grown, "bad"), "w") as f:
            f.write(edit(text))
        fails(verify(grown, "bad", check=False), error)
    with open(path(grown, "entry"), "wb") as f:
        f.write(entry)
    with open(path(grown, "bare"), "w") as f:
        f.write(re.sub("extra .*\n", "", text))
    assert verify(grown, "bare", check=False).returncode == 1
    verify(grown, "bare", "--entry", "entry")


def test_usage(ready):
    for wrong in (["log"], ["log", "verify"], ["log", "prove", "x", "copy", "-o", "p"],
                  ["log", "mirror", ready.url + "/log"], ["log", "verify", "a", "b"],
                  ["log", "prove", "1", "copy"], ["log", "nothing"],
                  ["log", "verify", "a", "--records", "r", "--foreign"]):
        assert ready.client(*wrong, check=False).returncode == 2, wrong
    for url in ("http://127.0.0.1/log", "https://", "https://a/log?x", "https://127.0.0.1:1/log"):
        done = ready.client("log", "mirror", url, "-o", "copy", check=False)
        assert done.returncode == 1 and not os.path.exists(path(ready, "copy")), url
    assert ready.client("log", "--help").stdout.startswith("usage:")


def snapshot(s, name):
    s.stop()
    shutil.rmtree(path(s, name), ignore_errors=True)
    shutil.copytree(s.dir, path(s, name), ignore=shutil.ignore_patterns("*.sock"))
    s.start()


def back_to(s, name):
    s.stop()
    shutil.rmtree(s.dir)
    shutil.copytree(path(s, name), s.dir)
    s.start()


def test_a_log_that_was_rewritten_or_rolled_back(grown):
    snapshot(grown, "before")
    mirror(grown)
    before = int(fields(verify(grown).stdout)["size"])
    releases(grown, 5)
    checkpoint(grown, before + 5)
    mirror(grown)
    size = int(fields(verify(grown).stdout)["size"])
    back_to(grown, "before")
    checkpoint(grown, before + 1)  # that it started
    fails(mirror(grown, check=False), "log-inconsistent", "rolled back")
    releases(grown, 20)
    checkpoint(grown, size + 5)
    fails(mirror(grown, check=False), "log-inconsistent")
    kept = os.listdir(path(grown, "copy/checkpoints"))
    assert len(kept) >= 3  # the one it has, and both of the other history
    assert int(fields(grown.client("log", "verify", grown.url + "/log").stdout)["size"]) > size
    fails(verify(grown, check=False), "log-inconsistent")  # and the copy says so from now on
    mirror(grown, "other")  # control: by itself the other history is a log


def test_witnesses_of_a_running_service(tmp_path):
    """verify, mirror and proofs with the policy that the service itself has."""
    setting = Setting(tmp_path, "strict")
    s = setting.s
    try:
        setting.decrypt()
        until(lambda: len(setting.cosigners()) == 2)
        with open(path(s, "policy"), "w") as f:
            f.write(f"log {s.vkey}\n" + setting.policy("all"))
        policy = ["--policy", "policy"]
        s.client("log", "mirror", s.url + "/log", "-o", "copy", *policy)
        text = verify(s, "copy", *policy).stdout
        assert re.findall(r"^witness +(w\d) \d{4}-", text, re.M) == ["w1", "w2"]
        s.client("log", "prove", "1", "copy", "-o", "p", *policy)
        assert "witness      w2 " in verify(s, "p", *policy, who="stranger").stdout
        # A third witness, whom nobody asked.
        other = Witness(tmp_path, "w3.example.org", [s.vkey])
        with open(path(s, "policy"), "w") as f:
            f.write(f"log {s.vkey}\nwitness w1 {setting.witnesses[0].vkey}\n"
                    f"witness w3 {other.vkey}\ngroup g all w1 w3\nquorum g\n")
        fails(verify(s, "p", *policy, check=False), "log-quorum")
        fails(verify(s, "copy", *policy, check=False), "log-quorum")
        fails(s.client("log", "mirror", s.url + "/log", "-o", "other", *policy, check=False),
              "log-quorum")
        # One of the two signs something else.
        note = open(path(s, "copy/checkpoint"), "rb").read()
        lines = note.splitlines(True)
        at = next(i for i, line in enumerate(lines) if b"w2.example.org" in line)
        coded = bytearray(lines[at])
        coded[40] ^= 1 if coded[40] != ord("A") else 3
        with open(path(s, "copy/checkpoint"), "wb") as f:
            f.write(b"".join(lines[:at] + [bytes(coded)] + lines[at + 1:]))
        with open(path(s, "policy"), "w") as f:
            f.write(f"log {s.vkey}\n" + setting.policy("any"))
        fails(verify(s, "copy", *policy, check=False), "log-signature")
    finally:
        setting.stop()
