# SPDX-License-Identifier: Apache-2.0
"""Many files and one key of the service: one request, and one entry of the log."""
import os
import re
import shutil
import subprocess

from service import CLIENT, parts_of
from test_policy import restart, rule

PLAIN = "what nobody else may read\n"


class Folder:
    """Objects in a directory, and what the service recorded about them."""

    def __init__(self, s, name="d"):
        self.s, self.name = s, name
        self.path = os.path.join(s.base, name)
        os.mkdir(self.path)

    def fill(self, names, *more):
        for name in names:
            with open(os.path.join(self.path, name), "w") as f:
                f.write(PLAIN)
        self.s.client("encrypt", "-r", "--customer", self.s.key, "--provider", "p.key.pub", *more,
                      self.name)
        for name in names:
            os.unlink(os.path.join(self.path, name))
        return self

    def object(self, name):
        return os.path.join(self.path, name + ".dkey")

    def opened(self):
        names = sorted(n for n in os.listdir(self.path) if not n.endswith(".dkey"))
        for name in names:
            with open(os.path.join(self.path, name)) as f:
                assert f.read() == PLAIN
        return names

    def decrypt(self, *more, operands=None, check=True):
        return self.s.client("decrypt", *(operands or ["-r", self.name]), "--customer", self.s.key,
                             "--provider", "p.key", *more, check=check)


def entries(s):
    """The codes of the objects of each request, request by request."""
    found = []
    for line in s.log().splitlines():
        if line.startswith("    object "):
            found[-1].append(line.split()[1])
        elif re.match(r"\d+ \S+ (release|denial) ", line):
            found.append([])
    return found


def counts(s):
    return [len(codes) for codes in entries(s)]


def names(n):
    return ["f%04d" % i for i in range(n)]


def failures(out):
    """Name of the error of each file that has a message."""
    return dict(re.findall(r"^doublekey: [^:]*?/(\w+)\.dkey: .*?\(([a-z-]+)", out.stderr, re.M))


def test_a_folder_is_one_request(ready):
    folder = Folder(ready).fill(names(20))
    folder.decrypt()
    assert folder.opened() == names(20)
    assert entries(ready) == [["ok"] * 20]


def test_one_by_one_it_is_as_many_as_files(ready):
    """The control of the test above."""
    folder = Folder(ready).fill(names(3))
    for name in names(3):
        folder.decrypt("-o", os.path.join("d", name), operands=["d/%s.dkey" % name])
    assert folder.opened() == names(3)
    assert counts(ready) == [1, 1, 1]
    shutil.rmtree(folder.path)
    Folder(ready).fill(["alone"]).decrypt()
    assert counts(ready) == [1, 1, 1, 1]


def test_files_named_one_by_one_too(ready):
    folder = Folder(ready).fill(names(3))
    folder.decrypt("-j", "1", operands=["d/%s.dkey" % name for name in names(3)])
    assert folder.opened() == names(3)
    assert counts(ready) == [3]


def test_each_refused_file_fails_by_itself(ready):
    restart(ready, rule('labels = {"secret"}', title="no", allow="false") + rule())
    folder = Folder(ready).fill(["a", "b", "c", "d"])
    folder.fill(["secret1", "secret2"], "--label", "secret")
    core, customer = parts_of(folder.object("b"))
    with open(folder.object("b"), "r+b") as f:  # the MAC of the customer set
        data = f.read()
        at = data.index(customer) + len(customer) - 1
        f.seek(at)
        f.write(bytes([data[at] ^ 1]))
    with open(folder.object("c"), "r+b") as f:
        f.write(b"nothing")
    with open(folder.object("d"), "r+b") as f:
        f.seek(-1, os.SEEK_END)
        f.write(b"\0")
    out = folder.decrypt(check=False)
    assert out.returncode == 1
    assert folder.opened() == ["a"]
    assert failures(out) == {"b": "service-set-mac", "c": "magic", "d": "segment-auth",
                             "secret1": "service-policy", "secret2": "service-policy"}
    assert [sorted(codes) for codes in entries(ready)] == \
        [["ok", "ok", "policy", "policy", "set-mac"]]
    # As it is for each file alone, in the same words.
    for name in ("b", "c", "secret1"):
        one = folder.decrypt("-o", "out", operands=["d/%s.dkey" % name], check=False)
        assert one.stderr.strip() in out.stderr


def test_all_refused(ready):
    folder = Folder(ready).fill(names(4))
    ready.admin("freeze", "finance")
    out = folder.decrypt(check=False)
    assert failures(out) == dict.fromkeys(names(4), "service-key-frozen")
    ready.admin("freeze")  # the whole request is refused, and names no object
    out = folder.decrypt(check=False)
    assert failures(out) == dict.fromkeys(names(4), "service-frozen")
    assert folder.opened() == []
    ready.admin("unfreeze", "--reason", "test")
    ready.admin("unfreeze", "finance", "--reason", "test")
    folder.decrypt()
    assert folder.opened() == names(4)


def test_a_service_that_is_away(ready):
    folder = Folder(ready).fill(names(4))
    ready.stop()
    out = folder.decrypt(check=False)
    assert failures(out) == dict.fromkeys(names(4), "service-unreachable")


def test_a_thousand_objects_in_a_request(ready):
    folder = Folder(ready).fill(names(1001))
    folder.decrypt()
    assert len(folder.opened()) == 1001
    assert counts(ready) == [1000, 1]


def test_few_open_files_mean_small_rounds(ready):
    """Each round asks for its own files."""
    folder = Folder(ready).fill(names(30))
    out = subprocess.run(
        ["prlimit", "--nofile=600:600", CLIENT, "decrypt", "-r", "d", "--customer", ready.key,
         "--provider", "p.key"], cwd=ready.base, env=ready.env(), timeout=60)
    assert out.returncode == 0 and folder.opened() == names(30)
    assert sum(counts(ready)) == 30 and 1 < len(counts(ready)) < 30


def test_nothing_is_asked_for_in_vain(ready):
    folder = Folder(ready).fill(names(4))
    for name in names(2):
        with open(os.path.join(folder.path, name), "w") as f:
            f.write("mine\n")
    out = folder.decrypt(check=False)
    assert out.returncode == 1 and out.stderr.count("the file exists") == 2
    assert counts(ready) == [2]
    for name in names(4):
        os.unlink(os.path.join(folder.path, name))
    for option in ("--min-epoch-customer", "--min-epoch-provider"):
        out = folder.decrypt(option, "2", check=False)
        assert failures(out) == dict.fromkeys(names(4), "epoch-too-old")
    assert counts(ready) == [2]
    folder.decrypt()  # control
    assert counts(ready) == [2, 4]


def test_copies_of_an_object(ready):
    folder = Folder(ready).fill(["a"])
    for name in names(40):
        shutil.copy(folder.object("a"), folder.object(name))
    folder.decrypt("-j", "8")
    assert len(folder.opened()) == 41
    assert counts(ready) == [41]


def test_large_files_are_in_the_same_request(ready):
    folder = Folder(ready).fill(names(3))
    with open(os.path.join(ready.base, "large"), "wb") as f:
        f.write(os.urandom(5 << 20))
    ready.client("encrypt", "--customer", ready.key, "--provider", "p.key.pub", "large", "-o",
                 "d/large.dkey")
    folder.decrypt()
    assert os.path.getsize(os.path.join(folder.path, "large")) == 5 << 20
    assert counts(ready) == [4]


def test_versions_of_a_key_are_asked_for_together(ready):
    folder = Folder(ready).fill(["old"])
    ready.admin("key", "rotate", "finance")
    ready.enrol(user="bob", who="second")  # pins the new version at once
    with open(os.path.join(ready.base, "new"), "w") as f:
        f.write(PLAIN)
    ready.client("encrypt", "--customer", ready.key, "--provider", "p.key.pub", "new", "-o",
                 "d/new.dkey", who="second")
    folder.decrypt()
    assert folder.opened() == ["new", "old"]
    assert counts(ready) == [2]


def test_a_key_at_hand_that_comes_first_is_used(ready):
    """The order is that of the object's stanzas, as for one file."""
    ready.client("keygen", "--side", "customer", "--custodian", "other", "--no-passphrase", "-o",
                 "c.key")
    folder = Folder(ready)
    for name in names(4):
        keys = ["c.key.pub", ready.key] if name < "f0002" else [ready.key, "c.key.pub"]
        ready.client("encrypt", "--customer", keys[0], "--customer", keys[1], "--provider",
                     "p.key.pub", "plain", "-o", "d/%s.dkey" % name)
    folder.decrypt("--customer", "c.key")
    assert folder.opened() == names(4) and counts(ready) == [2]


def test_rewrap_asks_once(ready):
    ready.client("keygen", "--side", "customer", "--custodian", "other", "--no-passphrase", "-o",
                 "c.key")
    folder = Folder(ready).fill(names(5))
    rewrap = ["rewrap", "-r", "--side", "customer", "--open", ready.key, "--to", "c.key.pub", "d"]
    out = ready.client(*rewrap, "--min-epoch", "2", check=False)
    assert failures(out) == dict.fromkeys(names(5), "epoch-too-old") and counts(ready) == []
    ready.client(*rewrap)
    assert counts(ready) == [5]
    ready.client("decrypt", "-r", "d", "--customer", "c.key", "--provider", "p.key")
    assert folder.opened() == names(5) and counts(ready) == [5]


def test_approved_objects_have_their_own_request(ready):
    for user in ("bob", "carol"):
        ready.enrol(user, user)
    restart(ready, rule('labels = {"secret"}', "approvals = 1", 'approvers = {"bob"}') +
            rule(title="rest"))
    folder = Folder(ready).fill(["s1", "s2", "s3"], "--label", "secret").fill(["a", "b"])
    ready.client("request", "--customer", ready.key, "--reason", "audit", "-o", "r.dkrequest",
                 "d/s1.dkey", "d/s3.dkey")
    ready.client("approve", "--yes", "-o", "bob.approval", "r.dkrequest", who="bob")
    out = folder.decrypt("--approval", "bob.approval", check=False)
    assert failures(out) == {"s2": "service-approval-required"}
    assert folder.opened() == ["a", "b", "s1", "s3"]
    assert sorted(sorted(codes) for codes in entries(ready)) == \
        [["approval-required", "ok", "ok"], ["ok", "ok"]]
