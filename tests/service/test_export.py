# SPDX-License-Identifier: Apache-2.0
"""Exports of private records to an auditor (spec/export.md): made by a running service, opened
by doublekey and by the second reader."""
import hashlib
import json
import os
import subprocess

import pytest

from reader import export, keyfile, note
from service import CLIENT, parts_of, release_body
from test_log import checkpoint, records

POLICY = 'rule "all" {\n\tkeys = {"*"}\n\tusers = {"*"}\n\tallow = true\n}\n'


def auditor(title, key_id):
    return 'auditor "%s" {\n\tkey-id = "%s"\n}\n' % (title, key_id)


class Auditor:
    def __init__(self, s, name, kind="p256"):
        s.client("keygen", "--side", "auditor", "--type", kind, "--no-passphrase", "-o",
                 name + ".key")
        self.path = os.path.join(s.base, name + ".key")
        self.key = keyfile.load(open(self.path, "rb").read(), side="auditor", private=True)
        self.id = hashlib.sha256(self.key.spki).hexdigest()


def set_policy(s, text):
    with open(os.path.join(s.dir, "policy.conf"), "w") as f:
        f.write(text)
    s.admin("policy", "reload")


@pytest.fixture
def audited(ready):
    """Two users, some releases, and an auditor that the policy names."""
    s = ready
    s.enrol("bob", who="other")
    s.auditor = Auditor(s, "court")
    set_policy(s, POLICY + auditor("court", s.auditor.id))
    for who in ("client", "other", "client"):
        s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-o", "out",
                 "--force", who=who)
    return s


def make(s, name, *args, title="court", key="court.key.pub", check=True):
    return s.admin("log", "export", os.path.join(s.base, name), "--auditor", title, "--key",
                   os.path.join(s.base, key), *args, check=check)


def read(s, name, *args, key="court.key", check=True):
    return s.client("log", "export", "--auditor", key, name, *args, check=check)


def opened(s, name, *args, **how):
    out = read(s, name, "--json", *args, **how).stdout
    return [json.loads(line) for line in out.splitlines()]


def by_reader(s, name):
    """What the second reader finds in it; with the key of the log that init printed."""
    def checked(checkpoint):
        seen, _ = note.verify(note.parse_note(checkpoint), note.parse_key(s.vkey))
        assert seen == 1
        return export.size_and_root(checkpoint)
    return export.open_export(open(os.path.join(s.base, name), "rb").read(), s.auditor.key,
                              checked)


def test_a_window_has_every_record(audited):
    s = audited
    out = make(s, "all.dkexport").stdout
    everything = records(s)
    assert everything[-1]["class"] == "exported"
    assert "%d records" % len(everything) in out
    assert opened(s, "all.dkexport") == everything
    own = everything[-1]
    assert (own["key"], own["key_id"], own["note"]) == ("court", s.auditor.id, "all")
    assert own["policy"] and [f["type"] for f in own["factors"]] == ["local"]
    text = read(s, "all.dkexport").stdout
    assert "records      %d\n" % len(everything) in text
    assert os.stat(os.path.join(s.base, "all.dkexport")).st_mode & 0o777 == 0o600
    found = by_reader(s, "all.dkexport")
    assert [e.index for e in found.entries] == [r["index"] for r in everything]
    assert [e.event.get("user") for e in found.entries] == [r.get("user") for r in everything]


def test_what_is_chosen_is_there_and_nothing_else(audited):
    s = audited
    everything = records(s)
    bob = [r for r in everything if r.get("user") == "bob"]
    device, object_id = bob[-1]["device"], bob[-1]["objects"][0]["id"]
    releases = [r for r in everything if r["class"] == "release"]
    cases = [(("--user", "bob"), "user", bob),
             (("--device", device), "device", [r for r in bob if r.get("device") == device]),
             (("--object", object_id), "object", releases),
             (("--user", "bob", "--object", object_id), "user, object", bob[-1:]),
             (("--user", "nobody"), "user", []),
             (("--until", "2001-01-01"), "until 2001-01-01T00:00:00Z", []),
             (("--since", "2001-01-01", "--until", "2001-02-03T04:05:06Z"),
              "since 2001-01-01T00:00:00Z, until 2001-02-03T04:05:06Z", [])]
    for i, (args, note, expected) in enumerate(cases):
        name = "e%d" % i
        make(s, name, *args)
        shown = opened(s, name)
        assert shown[:-1] == expected, args
        assert shown[-1]["class"] == "exported" and shown[-1]["note"] == note
        assert [e.index for e in by_reader(s, name).entries] == [r["index"] for r in shown]
    noted = s.admin("log").stdout
    assert "nobody" not in noted  # the record does not say whom it was about


def test_records_are_written_for_others_to_check(audited):
    s = audited
    make(s, "e")
    read(s, "e", "-o", "records")
    out = s.client("log", "verify", "--records", "records", s.url + "/log").stdout
    assert "records      %d\n" % len(records(s)) in out


def test_only_who_is_configured(audited):
    s = audited
    other = Auditor(s, "other")
    before = s.log()
    for how in ({"title": "lawyer"}, {"key": "other.key.pub"}):
        out = make(s, "no", check=False, **how)
        assert out.returncode == 1 and "auditor" in out.stderr
    assert not os.path.exists(os.path.join(s.base, "no"))
    assert s.log() == before
    # In the file, but not in force: the service itself refuses it.
    with open(os.path.join(s.dir, "policy.conf"), "a") as f:
        f.write(auditor("lawyer", other.id))
    out = make(s, "no", title="lawyer", key="other.key.pub", check=False)
    assert out.returncode == 1 and out.stderr.endswith(" (auditor)\n")
    assert out.stderr.startswith("doublekeyd: lawyer: the policy in force names no such auditor")
    assert not os.path.exists(os.path.join(s.base, "no")) and "exported" not in s.log()
    s.admin("policy", "reload")
    make(s, "yes", title="lawyer", key="other.key.pub")  # control
    assert opened(s, "yes", key="other.key")[-1]["key"] == "lawyer"
    set_policy(s, POLICY)
    assert make(s, "no", check=False).returncode == 1
    for wrong in ("p.key.pub", "object.dk", "missing"):
        assert make(s, "no", key=wrong, check=False).returncode == 1, wrong


def test_another_key_opens_nothing(audited):
    s = audited
    Auditor(s, "other")
    make(s, "e")
    out = read(s, "e", key="other.key", check=False)
    assert out.returncode == 1 and "log-auditor" in out.stderr and out.stdout == ""
    for key in ("p.key", "court.key.pub"):
        assert read(s, "e", key=key, check=False).returncode == 1, key
    sealed = open(os.path.join(s.base, "e"), "rb").read()
    for word in (b"alice", b"bob", parts_of(s.object)[0][16:32], b"DKRECS1", s.url[8:].encode()):
        assert word not in sealed


def test_what_was_changed_is_not_opened(audited):
    s = audited
    body = release_body([parts_of(s.object)] * 1000)
    assert s.release(s.device(), body)[0] == 200
    make(s, "e")
    data = open(os.path.join(s.base, "e"), "rb").read()
    assert len(data) > 110 + 65556 + 4  # several segments
    first = 109 + 4 + 65552
    changed = {
        "magic": (b"X" + data[1:], "log-file"),
        "version": (data[:9] + b"\2" + data[10:], "version"),
        "key": (data[:20] + bytes([data[20] ^ 1]) + data[21:], "log-auditor"),
        "enc": (data[:60] + bytes([data[60] ^ 1]) + data[61:], "log-sealed"),
        "bit": (data[:200] + bytes([data[200] ^ 1]) + data[201:], "log-sealed"),
        "last bit": (data[:-1] + bytes([data[-1] ^ 1]), "log-sealed"),
        "cut": (data[:-1], "log-sealed"), "cut at a segment": (data[:first], "log-sealed"),
        "head alone": (data[:109], "log-sealed"), "half a head": (data[:30], "log-file"),
        "empty": (b"", "log-file"), "more": (data + b"\0", "log-sealed"),
        "another segment": (data + data[first:], "log-file"),
        "without the first": (data[:109] + data[first:], "log-sealed"),
        "length": (data[:109] + b"\xff" + data[110:], "log-file"),
    }
    for what, (bytes_, error) in changed.items():
        with open(os.path.join(s.base, "changed"), "wb") as f:
            f.write(bytes_)
        out = read(s, "changed", "--json", "-o", "never", check=False)
        assert out.returncode == 1 and "(%s)" % error in out.stderr, (what, out.stderr)
        assert out.stdout == "" and not os.path.exists(os.path.join(s.base, "never"))
        with pytest.raises(export.ExportError) as caught:
            export.open_export(bytes_, s.auditor.key)
        assert caught.value.name == error, what
    read(s, "e", "-o", "records")  # control
    assert [e.index for e in by_reader(s, "e").entries] == [r["index"] for r in records(s)]


def test_erased_persons_are_not_exported(audited):
    s = audited
    s.admin("log", "erase", "--user", "bob")
    make(s, "e", "--user", "bob")
    assert [r["class"] for r in opened(s, "e")] == ["device-enrolled", "exported"]
    make(s, "all")
    gone = [r for r in opened(s, "all") if r.get("person_erased")]
    assert len(gone) == 2 and all("user" not in r for r in gone)


def test_an_existing_file_is_left_alone(audited):
    s = audited
    make(s, "e")
    before = open(os.path.join(s.base, "e"), "rb").read()
    assert make(s, "e", check=False).returncode == 1
    assert open(os.path.join(s.base, "e"), "rb").read() == before
    assert s.log().count(" exported done") == 1


def test_what_was_cut_short_leaves_no_file(audited):
    """The disk takes no more, or the command is killed: the record stands, and that is all."""
    s = audited
    there = set(os.listdir(s.base))
    out = subprocess.run(
        ["prlimit", "--fsize=500", s.daemon, "log", "export", os.path.join(s.base, "e"),
         "--auditor",
         "court", "--key", os.path.join(s.base, "court.key.pub"), "--dir", s.dir],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert out.returncode == 1 and "(write)" in out.stderr
    assert set(os.listdir(s.base)) == there
    make(s, "e")
    assert [r["class"] for r in opened(s, "e")].count("exported") == 2


def memory_of(*command, **how):
    """Most memory that a command had, in KiB."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **how)
    child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_maxrss


def test_memory_does_not_grow_with_the_export(audited):
    s = audited
    auditor_key, public = (os.path.join(s.base, n) for n in ("court.key", "court.key.pub"))

    def both(name):
        path = os.path.join(s.base, name)
        made = memory_of(s.daemon, "log", "export", path, "--auditor", "court", "--key", public,
                         "--dir", s.dir)
        read_ = memory_of(CLIENT, "log", "export", "--auditor", auditor_key, path, "-o",
                          path + ".records", env=s.env())
        return made, read_, os.path.getsize(path)

    small = both("small")
    body = release_body([parts_of(s.object)] * 1000)
    for _ in range(120):
        assert s.release(s.device(), body)[0] == 200
    large = both("large")
    assert large[2] > 14_000_000 > 100 * small[2]
    assert large[0] < small[0] + 8192 and large[1] < small[1] + 2048, (small, large)


def test_a_p384_auditor_and_a_log_of_many_tiles(audited):
    s = audited
    judge = Auditor(s, "judge", "p384")
    set_policy(s, POLICY + auditor("judge", judge.id))
    body = release_body([parts_of(s.object)])
    for _ in range(300):
        s.release(s.device(), body)
    make(s, "e", title="judge", key="judge.key.pub")
    checkpoint(s, 300)
    assert opened(s, "e", key="judge.key") == records(s)


def test_a_client_that_is_not_enrolled_needs_a_key_of_the_log(audited):
    s = audited
    make(s, "e")
    out = s.client("log", "export", "--auditor", "court.key", "e", who="nobody", check=False)
    assert out.returncode == 1 and "log-key" in out.stderr
    out = s.client("log", "export", "--auditor", "court.key", "--key", s.vkey, "e", who="nobody")
    assert "records" in out.stdout
    other = "other.example/log+bbf23b4c+" + s.vkey.split("+", 2)[2]
    assert s.client("log", "export", "--auditor", "court.key", "--key", other, "e", who="nobody",
                    check=False).returncode == 1
