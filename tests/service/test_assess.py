# SPDX-License-Identifier: Apache-2.0
"""doublekey assess, over the log of a service that runs and a catalogue of its objects."""
import base64
import hashlib
import json
import os
import sqlite3
import re
import time

import pytest

from service import parts_of, release_body
from test_clock import HOUR, Clocked, ask
from test_log import checkpoint
from test_log_tools import mirror, records_file


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class World:
    """Object a was released, b never; an hour later a was released again."""

    def __init__(self, base):
        self.s = s = Clocked(base)
        s.start()
        s.prepare()
        s.body = release_body([parts_of(s.object)])
        os.makedirs(os.path.join(s.base, "objects", "sub"))
        os.rename(s.object, os.path.join(s.base, "objects", "a.dk"))
        s.client("encrypt", "--customer", s.key, "--provider", "p.key.pub", "--label", "quiet",
                 "plain", "-o", "objects/sub/b.dk")
        self.start = int(time.time())
        assert ask(s) is None
        s.jump(HOUR)
        assert ask(s, created=int(time.time()) + HOUR) is None
        lines = s.log().splitlines()
        self.device = re.search(r'enrolled.* device="([^"]*)"', s.log())[1]
        self.releases = [int(line.split()[0]) for line in lines if " release done" in line]
        checkpoint(s, self.releases[-1] + 1)
        mirror(s)
        with open(os.path.join(s.base, "copy", "checkpoint")) as f:
            self.size = int(f.read().splitlines()[1])
        self.write_records("records")
        s.client("scan", "-q", "-o", "catalogue", "objects")
        self.id = {name: json.loads(s.client("inspect", "--json", "objects/" + path).stdout)
                   ["object_id"] for name, path in (("a", "a.dk"), ("b", "sub/b.dk"))}

    def write_records(self, name, without=None):
        """Of the copy: the service goes on."""
        records_file(self.s, name,
                     lambda rows: [r for r in rows if r[0] < self.size and r[0] != without])

    def incident(self, *stolen, to=None, silence=True, sets=True, more=""):
        items = ", ".join('"%s"' % item for item in stolen)
        with open(os.path.join(self.s.base, "incident"), "w") as f:
            f.write('from = "unknown"\nto = "%s"\nstolen = {%s}\n%s' % (
                stamp(to or self.start + HOUR // 2), items, more))
            f.write('silence = "7200"\n' * silence + 'sets = "as-written"\n' * sets)

    def run(self, *stolen, args=(), check=True, records="records", catalogue="catalogue", **more):
        if stolen:
            self.incident(*stolen, **more)
        done = self.s.client("assess", "-q", "--incident", "incident", "--catalogue", catalogue,
                             "--log", "copy", "--records", records, *args, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done

    def answers(self, *stolen, **more):
        """Of a and b, each with what stands behind the label."""
        out = self.run(*stolen, args=("--list", "all"), **more).stdout
        found = {m[2]: (m[1], m[3].split(": ")[0] if m[1] == "unknown" else m[3]) for m in
                 re.finditer(r'^(\S+) ([0-9a-f]{32}) "[^"]*" ?(.*)$', out, re.M)}
        self.out = out
        totals = dict(line.rsplit(" ", 1) for line in out.splitlines()
                      if re.fullmatch(r"[a-z -]+ \d+", line))
        return found.get(self.id["a"]), found.get(self.id["b"]), totals


PROVIDER = "provider-keys provider since unknown"
NOTHING = ("not-readable", "")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = World(tmp_path_factory.mktemp("assess"))
    yield w
    w.s.stop()


def device(world, since="unknown"):
    return "device %s since %s" % (world.device, since)


def test_the_keys_of_the_provider_open_nothing(world):
    a, b, totals = world.answers(PROVIDER)
    assert (a, b) == (NOTHING, NOTHING)
    assert totals["objects"] == "2" and totals["not-readable"] == "2"
    assert totals["readable-without-log"] == "0" and totals["on-stolen-device"] == "0"
    # No evidence of the log is needed for it.
    assert world.answers(PROVIDER, to=world.start + 9 * HOUR, silence=False)[0] == NOTHING


def test_a_stolen_device(world):
    a, b, totals = world.answers(PROVIDER, device(world))
    assert a[0] == "readable" and b == NOTHING
    word = r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z"
    assert re.fullmatch(
        r"log entry %d of %s handed out its customer share, and the thief could have asked for it: "
        r"device %s \(device %s, stolen at a time that nobody knows\); its provider share follows from "
        r"key [0-9a-f]{64} \(provider-keys provider, stolen at a time that nobody knows\)" % (
            world.releases[0], word, re.escape(world.device), re.escape(world.device)), a[1])
    assert totals["readable"] == "1" and totals["on-stolen-device"] == "1"
    # What is readable without the log, and not with it, is what the log is worth.
    assert totals["readable-without-log"] == "2" and totals["worth-of-the-log"] == "1"
    for line in ('label "" readable 1 unknown 0 not-readable 0',
                 'label "quiet" readable 0 unknown 0 not-readable 1',
                 'user "alice" readable 1 unknown 0 not-readable 0'):
        assert line in world.out.splitlines()
    assert re.search(r'^key "[0-9a-f]{64}" readable 1 unknown 0 not-readable 1$', world.out, re.M)
    assert re.search(r'^day "\d{4}-\d\d-\d\d" readable 1 unknown 0 not-readable 0$', world.out, re.M)


def test_a_device_that_was_stolen_later(world):
    a, b, totals = world.answers(PROVIDER, device(world, stamp(world.start + 600)))
    assert (a, b) == (NOTHING, NOTHING) and totals["on-stolen-device"] == "1"


def test_all_keys_of_the_service(world):
    for item in ("host since unknown", "process keyd since unknown"):
        a, b, _ = world.answers(item)
        assert a[0] == b[0] == "readable" and "customer share follows from key" in b[1]
        assert "provider share counts as known" in a[1] and "share counts as known" in b[1]
        assert "log entry %d " % world.releases[0] in a[1]  # which is the shorter one
        assert "verified by %s, stolen at a time" % item.split(" since")[0] in a[1]
        assert "(a key of the service, which %s, stolen at a time" % item.split(" since")[0] in b[1]
    a, b, _ = world.answers("store since 2020-01-01", "passphrase since unknown")
    assert a == b and a[0] == "readable" and re.search(
        r"customer share follows from key [0-9a-f]{64} \(a key of the service, which store, stolen "
        r"since 2020-01-01T00:00:00Z, and passphrase, stolen at a time that nobody knows gave away\)",
        a[1])
    assert world.answers("store since unknown")[:2] == (NOTHING, NOTHING)


def explained(world, name, *stolen, **more):
    return world.run(*stolen, args=("--explain", world.id[name]), **more).stdout.split("\nobjects ")[0]


def test_one_object_is_explained(world):
    out = explained(world, "a", PROVIDER, device(world))
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0].startswith("readable %s " % world.id["a"])
    assert "customer set 1, epoch 1, seen 20" in out and "could be copied" in out
    assert re.search(r"^    key [0-9a-f]{64} \(not stolen\), of the service: finance/1, stanza$", out,
                     re.M)
    assert re.search(r"^    key [0-9a-f]{64} \(provider-keys provider, stolen at a time that nobody "
                     r"knows\), of custodian provider, stanza$", out, re.M)
    # Both releases, the second one behind the window.
    found = re.findall(r"^  log entry (\d+) of (\S+), (.*), for alice\n    device (.*)\n"
                       r"    rule 2: the thief could (.*)have asked for it\n"
                       r"    rule 3: the thief could (.*)have read it$", out, re.M)
    assert [(int(f[0]), f[2], f[4], f[5]) for f in found] == [
        (world.releases[0], "in the window", "", ""),
        (world.releases[1], "behind the end of the window", "not ", "not ")]
    for line in ("answer (section 1): readable", "rule 2: customer share", "rule 1: provider share",
                 "rule 5: both, and the body", "5 steps, the shortest derivation (section 3.1):",
                 "its share was handed to a stolen device",
                 "without the log it would count as readable"):
        assert line in lines, line
    out = explained(world, "b", PROVIDER, device(world))
    assert "rules 2 and 3)\n  none\n" in out and "none gives the customer share" in out
    assert "nothing is missing" in out and "answer (section 1): not-readable" in out
    out = explained(world, "b", PROVIDER, device(world), sets=False, silence=False)
    assert "    log-gap: the log is silent" in out and "    set: nobody vouches" in out


def test_evidence_that_is_missing(world):
    stolen = device(world, stamp(world.start + 600))
    gap = r"the log is silent between (\S+) and (\S+), in front of log entry (\d+)"
    assert world.answers(stolen, silence=False)[1] == ("unknown", "log-gap")
    found = re.search("^  %s$" % gap, world.out, re.M)
    assert found[1] < stamp(world.start + 120) < found[2] and int(found[3]) <= world.releases[1]
    assert re.search('"quiet" log-gap: ' + gap, world.out)
    assert world.answers(stolen, to=world.start + 9 * HOUR)[1] == ("unknown", "log-end")
    assert "log-end: the log ends at %s" % stamp(world.start + HOUR)[:10] in world.out
    a, b, totals = world.answers(stolen, sets=False)
    assert a == b == ("unknown", "set") and totals["missing set"] == "2"
    assert "nobody vouches for its sets" in world.out
    for left_out, name in ((world.releases[0], "log-record"), (0, "log-start,log-record")):
        world.write_records("fewer", left_out)
        a, b, _ = world.answers(device(world), records="fewer")
        assert b == ("unknown", name)
        assert "log entry %d tells nothing: " % left_out in world.out
        assert a == b if left_out else a[0] == "readable"


def test_an_object_that_only_the_log_has(world):
    world.s.client("scan", "-q", "-o", "less", "objects/sub")
    a, b, totals = world.answers(device(world), catalogue="less")
    assert a[0] == "readable" and b == NOTHING and totals["objects"] == "2"
    a, b, _ = world.answers(device(world, stamp(world.start + 600)), catalogue="less")
    assert a == ("unknown", "header,set") and b == NOTHING


def test_what_could_not_be_copied(world):
    objects = os.path.join(os.path.realpath(world.s.base), "objects")
    host = 'store since unknown", "passphrase since unknown'
    assert world.answers(host, more='not-copied = {"%s"}\n' % objects)[:2] == (NOTHING, NOTHING)
    a, b, _ = world.answers(host, more='not-copied = {"%s/sub"}\n' % objects)
    assert a[0] == "readable" and b == NOTHING
    # A prefix of its name is no folder.
    assert world.answers(host, more='not-copied = {"%s/su"}\n' % objects)[1][0] == "readable"


def test_names_that_nothing_has(world):
    for item in ("device nobody's since unknown", "device #0 since unknown",
                 "provider-keys nobody since unknown", "key-version finance/9 since unknown",
                 "token-key https://i k since unknown"):
        done = world.run(item, check=False)
        assert done.returncode == 1 and done.stdout == ""
        assert "incident: line 3: " in done.stderr and "(incident-file)" in done.stderr
        doubted = item.replace(" since", "? since")
        done = world.run(doubted)
        assert "line 3: " in done.stderr and "not-readable 2" in done.stdout
    assert world.answers("device x? since unknown", silence=False)[1] == ("unknown", "log-gap")


def test_names_of_keys_and_devices(world):
    a, b, _ = world.answers("key-version finance/1 since unknown")
    assert a[0] == b[0] == "readable"
    index = re.search(r"^(\d+) \S+ \S*enrolled", world.s.log(), re.M)[1]
    assert world.answers("device #%s since unknown" % index)[0][0] == "readable"


def test_a_customer_key_that_nobody_vouches_for(world):
    s = world.s
    s.client("keygen", "--side", "customer", "--no-passphrase", "-o", "own.key")
    os.makedirs(os.path.join(s.base, "more"))
    s.client("encrypt", "--customer", "own.key.pub", "--provider", "p.key.pub", "plain", "-o",
             "more/c.dk")
    s.client("scan", "-q", "-o", "foreign", "more")
    info = json.loads(s.client("inspect", "--json", "more/c.dk").stdout)
    key = info["sides"]["customer"]["stanzas"][0]["key_id"]
    world.id["c"] = info["object_id"]

    def of_c(*stolen, **more):
        out = world.run(*stolen, args=("--explain", info["object_id"]), catalogue="foreign",
                        **more).stdout
        return out.splitlines()[0].split(": ")[0].split(" ", 3)[::3]
    assert of_c(PROVIDER) == ["unknown", "key"]
    assert of_c(PROVIDER, more='own-keys = {"%s"}\n' % key)[0] == "not-readable"
    assert of_c("host since unknown", more='own-keys = {"%s"}\n' % key)[0] == "readable"
    assert of_c("key %s since unknown" % key)[0] == "readable"


def test_json(world):
    def made(name):
        world.run(PROVIDER, device(world), args=("--json", name))
        with open(os.path.join(world.s.base, name), "rb") as f:
            return f.read()
    one = made("one.json")
    assert one == made("two.json")
    read = json.loads(one)
    assert read["rules"] == 1 and read["totals"]["readable"] == 1
    with open(os.path.join(world.s.base, "copy", "checkpoint")) as f:
        origin, size, root = f.read().splitlines()[:3]
    kept = [line.split("\t")[0] for line in world.s.admin("policy", "list").stdout.splitlines()]
    assert kept
    inputs = {name + "_sha256": sha256(os.path.join(world.s.base, name))
              for name in ("incident", "catalogue", "records")}
    assert read["inputs"] == dict(inputs, log_origin=origin, log_size=int(size),
                                  log_root=base64.b64decode(root).hex(), records=int(size),
                                  times="service-clock", catalogue_roots=1,
                                  catalogue_unfinished=0, catalogue_missed=0, policies=[],
                                  policies_missing=kept)
    # The texts that the service kept.
    world.run(PROVIDER, device(world), args=("--json", "three.json", "--service-policy",
                                             os.path.join(world.s.dir, "policies")))
    with open(os.path.join(world.s.base, "three.json")) as f:
        inputs = json.load(f)["inputs"]
    assert (inputs["policies"], inputs["policies_missing"]) == (kept, [])
    assert os.stat(os.path.join(world.s.base, "one.json")).st_mode & 0o777 == 0o600
    # The text has the same.
    said = world.run().stdout.splitlines()
    for digest in read["inputs"].pop("policies_missing"):
        assert "policy-missing " + digest in said
    assert read["inputs"].pop("policies") == []
    for name, value in read["inputs"].items():
        assert "%s %s" % (name.replace("_", "-"), value) in said
    assert "rules 1" in said
    by_id = {o["object"]: o for o in read["objects"]}
    assert by_id[world.id["a"]]["entry"] == world.releases[0]
    assert by_id[world.id["a"]]["on_stolen_device"] and by_id[world.id["b"]]["without_log"]
    assert by_id[world.id["b"]]["label"] == "quiet"
    assert read["by_label"] == [
        {"label": "", "readable": 1, "unknown": 0, "not-readable": 0},
        {"label": "quiet", "readable": 0, "unknown": 0, "not-readable": 1}]
    assert [(k["readable"], k["unknown"], k["not-readable"]) for k in read["by_key"]] == [(1, 0, 1)]
    day = read["by_day"][0].pop("day")
    assert day in (stamp(world.start)[:10], stamp(world.start + 60)[:10])
    assert read["by_day"] == [{"readable": 1, "unknown": 0, "not-readable": 0}]
    assert read["by_user"] == [{"user": "alice", "readable": 1, "unknown": 0, "not-readable": 0}]
    assert by_id[world.id["a"]]["user"] == "alice" and read["evidence"] == []
    assert read["totals"]["readable_without_log"] == 2 and read["totals"]["worth_of_the_log"] == 1
    assert world.run(args=("--json", "-")).stdout.encode() == one
    done = world.run(args=("--json", "one.json"), check=False)
    assert done.returncode == 1
    world.run(args=("--json", "one.json", "-f"))


def test_what_the_catalogue_lacks(world):
    """A header that nobody can read, and a scan that did not end, are told with the result."""
    folder = os.path.join(world.s.base, "lacking")
    os.makedirs(folder)
    with open(os.path.join(world.s.base, "objects", "a.dk"), "rb") as f:
        head = f.read()
    with open(os.path.join(folder, "cut.dk"), "wb") as f:
        f.write(head[:100])
    world.s.client("scan", "-q", "-o", "lacking.cat", "objects", "lacking", check=False)
    said = world.run(PROVIDER, catalogue="lacking.cat").stdout.splitlines()
    assert "catalogue-roots 2" in said and "catalogue-missed 1" in said
    assert "catalogue-unfinished 0" in said
    with sqlite3.connect(os.path.join(world.s.base, "lacking.cat")) as db:
        db.execute("UPDATE scan SET ended = NULL, missed = NULL WHERE id = 1")
    said = world.run(PROVIDER, catalogue="lacking.cat").stdout.splitlines()
    assert "catalogue-unfinished 1" in said
    # A later scan of the same root that ended is what counts.
    world.s.client("scan", "-q", "-o", "lacking.cat", "objects", check=False)
    said = world.run(PROVIDER, catalogue="lacking.cat").stdout.splitlines()
    assert "catalogue-roots 2" in said and "catalogue-unfinished 0" in said


def test_a_log_that_is_served(world):
    """What came behind the records has none, and is behind the window."""
    s = world.s
    world.incident(PROVIDER, device(world))
    args = ["assess", "-q", "--incident", "incident", "--catalogue", "catalogue", "--records",
            "records", "--list", "all", "--log"]
    served = s.client(*args, s.url + "/log").stdout
    copied = s.client(*args, "copy").stdout
    pattern = r'^(readable|not-readable) [0-9a-f]{32} .*$'
    assert re.findall(pattern, served, re.M) and \
        [m[0] for m in re.finditer(pattern, served, re.M)] == \
        [m[0] for m in re.finditer(pattern, copied, re.M)]
    assert "log-origin 127.0.0.1:%d/log" % s.port in served.splitlines()
    done = s.client(*args, "https://127.0.0.1:1/log", check=False)
    assert done.returncode == 1 and done.stdout == "" and "127.0.0.1:1" in done.stderr
    done = s.client(*args, "http://127.0.0.1:%d/log" % s.port, check=False)
    assert done.returncode == 1 and done.stdout == ""
    done = s.client(*args, s.url + "/log", who="stranger", check=False)  # who pinned nothing
    assert done.returncode == 1 and done.stdout == ""


def test_nothing_is_said_of_a_log_that_does_not_hold(world):
    with open(os.path.join(world.s.base, "records"), "rb") as f:
        data = bytearray(f.read())
    data[-1] ^= 1
    with open(os.path.join(world.s.base, "bad"), "wb") as f:
        f.write(data)
    done = world.run(PROVIDER, records="bad", check=False, args=("--list", "all"))
    assert done.returncode == 1 and done.stdout == "" and "(log-record" in done.stderr
    done = world.run(PROVIDER, catalogue="records", check=False)
    assert done.returncode == 1 and done.stdout == "" and "(catalogue-file" in done.stderr
    done = world.run(PROVIDER, args=("--explain", "00" * 16), check=False)
    assert done.returncode == 1
    for args in (("--explain", "0"), ("--list", "some"), ("--list", "all", "--json", "-")):
        assert world.run(PROVIDER, args=args, check=False).returncode == 2
