# SPDX-License-Identifier: Apache-2.0
"""Evidence bundles (spec/evidence.md): made of a running service's log, signed by it, and checked
by doublekey and by the second reader."""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import tarfile

import pytest

from reader import evidence, note
from service import CLIENT, Service
from test_export import POLICY, Auditor, auditor, set_policy
from test_key_sets import until
from test_log import checkpoint, records
from test_log_tools import mirror, records_file

SPEC = os.path.join(os.path.dirname(__file__), "..", "..", "spec")
INCIDENT = 'from = "unknown"\nto = "2100-01-01"\nstolen = {"provider-keys provider since unknown"}\n'


BUNDLE = ("evidence", "bundle", "--incident", "incident", "--catalogue", "catalogue", "--log",
          "copy", "--records", "records", "--recipient", "court.key.pub", "--specs", "specs")


class World:
    """Two releases, an auditor that the policy names, and a signed bundle."""

    def __init__(self, base):
        self.s = s = Service(base)
        s.start()
        s.prepare()
        s.auditor = self.auditor = Auditor(s, "court")
        for _ in range(2):
            set_policy(s, POLICY + auditor("court", s.auditor.id))
        for _ in range(2):
            s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-o",
                     "out", "--force")
        checkpoint(s, records(s)[-1]["index"] + 1)
        mirror(s)
        with open(self.path("copy/checkpoint")) as f:
            self.size = int(f.read().splitlines()[1])
        records_file(s, "records", lambda rows: [r for r in rows if r[0] < self.size])
        os.mkdir(self.path("objects"))
        shutil.copy(s.object, self.path("objects"))
        s.client("scan", "-q", "-o", "catalogue", "objects")
        with open(self.path("incident"), "w") as f:
            f.write(INCIDENT + 'sets = "as-written"\n')
        os.mkdir(self.path("specs"))
        shutil.copy(os.path.join(SPEC, "evidence.md"), self.path("specs"))
        self.identity = re.search(r"identity key\t([0-9a-f]{64})", s.admin("status").stdout)[1]
        self.bundle("unsigned")
        shutil.copy(self.path("unsigned"), self.path("signed"))
        self.said = self.sign("signed").stdout

    def path(self, name):
        return os.path.join(self.s.base, name)

    def data(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)

    def bundle(self, name, *args, check=True, policy=True):
        more = ("--service-policy", os.path.join(self.s.dir, "policy.conf")) if policy else ()
        return self.s.client(
            *BUNDLE, "-q", "-o", name, *more, *args, check=check)

    def sign(self, name, check=True):
        return self.s.admin("evidence", "sign", self.path(name), check=check)

    def verify(self, name, *args, check=True, key=True):
        return self.s.client("evidence", "verify", "-q", *(("--auditor", "court.key") * key),
                             *args, name, check=check)

    def fails(self, name, error, place="", *args, **how):
        done = self.verify(name, *args, check=False, **how)
        assert done.returncode == 1 and done.stdout == "", done.stdout
        assert "(%s" % error in done.stderr and place in done.stderr, done.stderr


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = World(tmp_path_factory.mktemp("evidence"))
    yield w
    w.s.stop()


def sections(text):
    found = re.fullmatch(r"Proved:\n(.*?)Claimed[^\n]*:\n(.*?)Missing:\n(.*?)"
                         r"(?:\nThe result[^\n]*:\n(.*))?", text, re.S)
    return [re.sub(r"\s+", " ", part or "") for part in found.groups()]


def test_a_bundle_is_made_signed_and_verified(world):
    proved, claimed, missing, result = sections(
        world.verify("signed", "--identity", world.identity).stdout)
    assert "Every byte of the file" in proved and "computed again, it is the same" in proved
    assert "signed this bundle" in proved and '"court"' in proved and world.identity in proved
    assert "has %d entries" % world.size in proved
    assert "records that open their entries of the log: %d." % world.size in proved
    assert "Policies that entries of the log name: 1 of 1." in proved
    assert "incident file" in claimed and "The catalogue has all" in claimed
    assert "A silence of the log of up to 120 seconds hides nothing." in claimed
    assert "The stanza sets in the catalogue are what their writers made." in claimed
    assert "The texts in spec/ are" in claimed and "clock of the service" in claimed
    with open(CLIENT, "rb") as f:
        assert hashlib.sha256(f.read()).hexdigest() in claimed
    assert "customer key" not in claimed and "could be copied" not in claimed
    assert "catalogue" not in missing and "could not be read" not in missing
    assert "specification" not in missing
    assert "signature" not in missing and "configuration" in missing
    assert "objects 1" in result and "not-readable 1" in result
    # Nobody said whose key it is: then the signature is a claim.
    proved, claimed, _, _ = sections(world.verify("signed").stdout)
    assert "signed this bundle" not in proved and "signed this bundle" in claimed
    assert "nobody has shown" in claimed
    _, _, missing, _ = sections(world.verify("unsigned").stdout)
    assert "A signature of the key service." in missing
    world.fails("unsigned", "evidence-signature", "missing", "--identity", world.identity)
    world.fails("signed", "evidence-signature", "signature", "--identity", "00" * 32)
    assert os.stat(world.path("signed")).st_mode & 0o777 == 0o600


def test_all_that_is_vouched_for_is_told(world):
    world.write("vouching", (INCIDENT + 'own-keys = {"%s"}\nnot-copied = {"/srv/vault", "/srv/x since 2031-05-01"}\n'
                             'not-shown = {"tokens"}\n'
                             'silence = "3600"\n' % ("0" * 64)).encode())
    world.bundle("vouched", "--incident", "vouching")

    def bare(parts):
        for name in [n for n in parts if n.startswith(("spec/", "log/checkpoints/"))]:
            del parts[name]

    remade(world, "bare", bare, source="vouched")
    _, claimed, missing, _ = sections(world.verify("bare").stdout)
    assert "up to 3600 seconds" in claimed and "stanza sets" not in claimed
    assert " 1 customer key is the customer's, kept as the service's are." in claimed
    assert "Nothing below /srv/vault could be copied. Nothing below /srv/x could be copied from " \
        "2031-05-01T23:59:59Z on. Objects are not older than they say." in claimed
    assert "The thief could show no tokens of his own." in claimed
    assert "Texts of the specification." in missing and "spec/" not in claimed
    assert "Earlier checkpoints of the log." in missing


def test_a_catalogue_that_says_it_is_incomplete(world):
    """Of each root the newest scan counts."""
    s = world.s
    for name in ("holes", "holes/below"):
        os.mkdir(world.path(name))
        world.write(name + "/cut.dk", world.data("object.dk")[:100])
    shutil.copy(world.path("catalogue"), world.path("holed"))
    s.client("scan", "-q", "-o", "holed", "holes", check=False)
    shutil.copy(world.path("holed"), world.path("stopped"))
    with sqlite3.connect(world.path("stopped")) as db:
        db.execute("INSERT INTO scan(root, started) SELECT root, 86400 FROM scan WHERE id = 1")
        db.execute("INSERT INTO scan(root, started) VALUES(CAST('/never' AS BLOB), 172800)")
    db.close()
    shutil.copy(world.path("stopped"), world.path("rescanned"))
    s.client("scan", "-q", "-o", "rescanned", "objects")
    holes = "could not be read below %s: 2 places." % world.path("holes")
    stopped = r"did not see below %s: its scan of \S+ did" % re.escape(world.path("objects"))
    never = "did not see below /never: its scan of 1970-01-03T00:00:00Z did not end."
    for catalogue, found in (("holed", (True, False, False)), ("stopped", (True, True, True)),
                             ("rescanned", (True, False, True))):
        world.bundle("incomplete", "--catalogue", catalogue, "--force")
        for missing in (sections(world.verify("incomplete").stdout)[2],
                        sections(world.verify("incomplete", "--without-records",
                                              key=False).stdout)[2]):
            assert "1970-01-02T00:00:00Z did" in missing or catalogue != "stopped"
            assert (holes in missing, bool(re.search(stopped, missing)), never in missing) == found


def test_the_second_reader_agrees(world):
    keys = [note.parse_key(world.s.vkey)]
    found = evidence.check(world.data("signed"), world.auditor.key, world.identity, keys)
    assert evidence.open_records(found, world.auditor.key) == world.data("records")
    assert found.parts["incident"] == world.data("incident")
    assert found.parts["catalogue"] == world.data("catalogue")
    assert found.parts["log/checkpoint"] == world.data("copy/checkpoint")
    assert found.recipient == world.auditor.id and found.persons and found.until == 0
    with open(os.path.join(world.s.dir, "policy.conf"), "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    assert "policy/" + digest in found.parts
    assert b'"policy":"%s"' % digest.encode() in found.parts["inventory.json"]
    # And any tar unpacks it.
    with tarfile.open(world.path("signed")) as archive:
        names = archive.getnames()
    listed = subprocess.run(["tar", "-tf", world.path("signed")], capture_output=True, text=True,
                            check=True)
    assert listed.stdout.splitlines() == names and listed.stderr == ""
    assert names == ["manifest", *found.parts, "signature"]


def test_the_signing_is_in_the_log(world):
    index = evidence.verify_signature(evidence.read(world.data("signed")), world.identity, [])
    line = [line for line in world.s.log().splitlines() if line.split()[0] == str(index)][0]
    digest = hashlib.sha256(evidence.read(world.data("signed")).manifest).hexdigest()
    assert " evidence done" in line and "court" in line
    assert digest in world.said and "signed for court" in world.said


def test_who_is_no_auditor_gets_no_signature(world):
    s = world.s
    Auditor(s, "other")
    before = s.log()
    world.bundle("for-other", "--recipient", "other.key.pub")
    done = world.sign("for-other", check=False)
    assert done.returncode == 1 and "(auditor)" in done.stderr
    assert world.sign("signed", check=False).returncode == 1
    assert world.sign("records", check=False).stderr.endswith(" (evidence-file)\n")
    assert s.log() == before  # none of them was recorded
    assert world.data("for-other")[-1024:] == bytes(1024)
    done = world.verify("for-other", check=False)
    assert done.returncode == 1 and "(log-auditor)" in done.stderr


def remade(world, name, change, source="unsigned"):
    """A bundle whose parts are changed and whose manifest says so: only the service's signature,
    and what is computed again, can tell."""
    found = evidence.read(world.data(source))
    parts = dict(found.parts)
    change(parts)
    _, old = evidence.parse_manifest(found.manifest)
    head = found.manifest.split(b"part ")[0].decode()
    text = head + "".join("part %s %d %s\n" % (hashlib.sha256(data).hexdigest(), len(data), part)
                          for part, data in sorted(parts.items()))
    data = evidence.write(text.encode(), [parts[part] for part in sorted(parts)], found.signature)
    world.write(name, data)
    return data


def test_a_change_anywhere_is_found(world):
    """tests/unit/test_evidence.c changes every bit of a small one; here a byte in each member."""
    data = bytearray(world.data("signed"))
    with tarfile.open(world.path("signed")) as archive:
        members = {m.name: (m.offset, m.offset_data, m.size) for m in archive.getmembers()}
    chosen = random.Random(7)
    places = [("end", len(data) - 1), ("manifest", members["manifest"][1] + 30)]
    for name, (offset, begin, size) in members.items():
        places.append((name, offset + chosen.randrange(512)))
        if size:
            places.append((name, begin + chosen.randrange(size)))
        if size % 512:
            places.append((name, begin + size))
    for name, at in places:
        data[at] ^= 1
        world.write("changed", data)
        done = world.verify("changed", "--identity", world.identity, check=False)
        assert done.returncode == 1 and done.stdout == "", (name, at)
        assert re.search(r"\((evidence-(file|changed|signature)) ?.*\)\n$", done.stderr), done.stderr
        with pytest.raises((evidence.EvidenceError, Exception)):
            evidence.check(bytes(data), None, world.identity, [note.parse_key(world.s.vkey)])
        data[at] ^= 1
    for extra in (b"\0", b"x", bytes(512)):
        world.write("changed", data + extra)
        world.fails("changed", "evidence-file", "end")
    world.write("changed", data[:-1])
    world.fails("changed", "evidence-file", "end")
    world.write("changed", data)  # control
    world.verify("changed", "--identity", world.identity)


def test_every_bit_of_the_signature_counts(world):
    """By the second reader, which is quick: nothing of it can be another one."""
    found, keys = evidence.read(world.data("signed")), [note.parse_key(world.s.vkey)]
    signature = found.signature
    for at in range(len(signature)):
        found.signature = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1:]
        with pytest.raises(Exception):  # noqa: B017 - whatever it is that does not hold
            evidence.verify_signature(found, world.identity, keys)
    found.signature = signature
    evidence.verify_signature(found, world.identity, keys)


def test_what_is_remade_is_found_too(world):
    def result(parts):
        parts["assessment.json"] = parts["assessment.json"].replace(b"not-readable", b"not_readable")

    def inventory(parts):
        parts["inventory.json"] = parts["inventory.json"].split(b"\n", 1)[1]

    def incident(parts):
        parts["incident"] = parts["incident"].replace(b"2100", b"2099")

    def policy(parts):
        name = [n for n in parts if n.startswith("policy/")][0]
        parts[name] += b"#\n"

    def tree(parts):
        name = [n for n in parts if n.startswith("log/tile/entries/")][0]
        parts[name] = parts[name][:-1] + bytes([parts[name][-1] ^ 1])

    def text(parts):
        del parts[[n for n in parts if n.startswith("policy/")][0]]

    def lost(parts):
        del parts[[n for n in parts if n.startswith("log/tile/0/")][0]]

    def words(parts):
        parts["incident"] = b"from = nothing\n"

    def objects(parts):
        parts["catalogue"] = b"x" * 4096

    for change, error, place in ((result, "evidence-result", "assessment.json"),
                                 (words, "incident-file", "doublekey: incident: "),
                                 (objects, "catalogue-file", "doublekey: catalogue: "),
                                 (inventory, "evidence-result", "inventory.json"),
                                 (incident, "evidence-result", "assessment.json"),
                                 (policy, "evidence-changed", "policy/"),
                                 # The what-if is computed with its policies.
                                 (text, "evidence-result", "assessment.json"),
                                 (tree, "log-tree", "tile/"), (lost, "log-missing", "tile/")):
        remade(world, "remade", change)
        world.fails("remade", error, place)
        # With the signature of the other one, nothing of it is looked at.
        remade(world, "remade", change, source="signed")
        world.fails("remade", "evidence-", "")
    remade(world, "remade", lambda parts: None)  # control
    world.verify("remade")
    assert world.data("remade") == world.data("unsigned")


def test_the_first_failure_is_named(world):
    """Of two at once, in the order of section 7."""
    def change(*names):
        def inventory(parts):
            parts["inventory.json"] = parts["inventory.json"].split(b"\n", 1)[1]

        def incident(parts):
            parts["incident"] = b"x"

        def checkpoint(parts):
            parts["log/checkpoint"] = parts["log/checkpoint"].replace(b"\n", b"x\n", 1)

        def tree(parts):
            name = [n for n in parts if n.startswith("log/tile/entries/")][0]
            parts[name] = parts[name][:-1] + bytes([parts[name][-1] ^ 1])

        def result(parts):
            parts["assessment.json"] += b" "

        def catalogue(parts):
            parts["catalogue"] = b"x" * 4096

        def all_of_them(parts):
            for name in names:
                {"inventory": inventory, "incident": incident, "checkpoint": checkpoint,
                 "tree": tree, "result": result, "catalogue": catalogue}[name](parts)
        return all_of_them

    order = (("checkpoint", "log-", "log/checkpoint"), ("incident", "incident-file", "incident"),
             ("inventory", "evidence-result", "inventory.json"),
             ("catalogue", "catalogue-file", "catalogue"), ("tree", "log-tree", "tile/"),
             ("result", "evidence-result", "assessment.json"))
    for at, (_, error, place) in enumerate(order):
        remade(world, "faulty", change(*[name for name, _, _ in order[at:]]))
        world.fails("faulty", error, place)
    # The signature of another bundle: behind the checkpoint, before all that is in the parts.
    remade(world, "faulty", change("checkpoint"), source="signed")
    world.fails("faulty", "log-", "log/checkpoint")
    remade(world, "faulty", change("incident"), source="signed")
    world.fails("faulty", "evidence-signature", "signature")


SAYS = "The report says what the result says"
AGAIN = "The report is what is made of the result: made again, it is the same."


@pytest.mark.parametrize("lang", ["en", "de"])
def test_the_report_is_made_again(world, lang):
    name = "reported-" + lang
    world.bundle(name, "--report", lang)
    parts = evidence.read(world.data(name)).parts
    assert b'<html lang="%s">' % lang.encode() in parts["report.html"]
    assert parts["report.csv"].startswith(b"\xef\xbb\xbfobject,answer,")
    world.s.client("assess", "-q", "--incident", "incident", "--catalogue", "catalogue", "--log",
                   "copy", "--records", "records", "--html", "as.html", "--lang", lang, "--force",
                   "--service-policy", os.path.join(world.s.dir, "policy.conf"))
    assert "SHA-256" in parts["report.html"].decode() and b" --service-policy " in parts["report.html"]
    assert world.data("as.html") == parts["report.html"] and world.data("as.csv") == parts["report.csv"]
    world.sign(name)
    proved, claimed, missing, _ = sections(world.verify(name, "--identity", world.identity).stdout)
    assert AGAIN in proved and "report" not in claimed and "report" not in missing
    # Nobody made it again: it stays a claim.
    proved, claimed, _, _ = sections(world.verify(name, "--without-records", key=False).stdout)
    assert "report" not in proved and SAYS + "." in claimed
    # Before that, the result: the report is of this one.
    _, _, missing, _ = sections(world.verify("signed").stdout)
    assert "A report for people." in missing


def of_version(world, name, version):
    """The same, of another version of the program: its maker can write what he likes."""
    found = evidence.read(world.data(name))
    manifest = re.sub(rb"\nprogram \S+ ", b"\nprogram %s " % version, found.manifest)
    world.write(name, evidence.write(manifest, list(found.parts.values())))


def test_another_report_is_told(world):
    """By whoever writes bundles, and has them signed."""
    world.bundle("reported", "--report", "de")

    def words(parts):
        assert b"Keines der 1 Objekte" in parts["report.html"]
        parts["report.html"] = parts["report.html"].replace(b"Keines der 1 Objekte",
                                                            b"Alle der 1 Objekte")

    def language(parts):
        parts["report.html"] = parts["report.html"].replace(b'lang="de"', b'lang="en"')

    def empty(parts):
        parts["report.html"] = b""

    def zeros(parts):
        parts["report.html"] = bytes(100)

    def behind(parts):
        parts["report.html"] += b"\n"

    def last(parts):
        parts["report.csv"] = parts["report.csv"][:-1]

    def row(parts):
        parts["report.csv"] += b"x\r\n"

    for change, place in ((words, "report.html"), (language, "report.html"), (empty, "report.html"),
                          (zeros, "report.html"), (behind, "report.html"), (last, "report.csv"),
                          (row, "report.csv")):
        remade(world, "other", change, source="reported")
        world.sign("other")
        world.fails("other", "evidence-result", place, "--identity", world.identity)
        # What another version words in another way is no proof of anything.
        remade(world, "other", change, source="reported")
        of_version(world, "other", b"9.8.7")
        proved, claimed, _, _ = sections(world.verify("other").stdout)
        assert "report" not in proved
        assert SAYS + ": doublekey 9.8.7 made it, and this one, 0.1.0, makes another one." in claimed
    # Controls: nothing is changed; another version made the same; one of the two alone.
    for lost, version in (((), b"0.1.0"), ((), b"9.8.7"), (("report.html",), b"0.1.0"),
                          (("report.csv",), b"0.1.0")):
        remade(world, "other", lambda parts, lost=lost: [parts.pop(name) for name in lost],
               source="reported")
        of_version(world, "other", version)
        proved, claimed, missing, _ = sections(world.verify("other").stdout)
        assert AGAIN in proved and "report" not in claimed
        assert ("A report for people." in missing) is ("report.html" in lost)
    for wrong in ("fr", "EN", "", "report.html"):
        assert world.bundle("refused", "--report", wrong, check=False).returncode == 2


def test_records_can_be_left_out(world):
    world.bundle("no-persons", "--without-persons")
    found = evidence.check(world.data("no-persons"), world.auditor.key)
    clear = evidence.open_records(found, world.auditor.key)
    assert not found.persons and b"alice" in world.data("records") and b"alice" not in clear
    assert "Users, devices and addresses were left out" in world.verify("no-persons").stdout
    world.bundle("until", "--until", "2001-01-01")
    found = evidence.check(world.data("until"), world.auditor.key)
    assert evidence.open_records(found, world.auditor.key) == b"DKLREC1\n" and found.until
    _, _, missing, _ = sections(world.verify("until").stdout)
    assert "Records from 2001-01-01T00:00:00Z on were left out" in missing
    assert "Records of some entries" in missing
    # Each text once, though it came into force twice.
    done = world.s.client(*BUNDLE, "-o", "no-policy")
    assert done.stderr.count("is missing: SHA-256") == 2, done.stderr
    assert world.verify("no-policy").stdout.count("The policy that entry") == 2


def test_policies_of_the_window_come_from_the_folder_of_the_service(world):
    folder = os.path.join(world.s.dir, "policies")
    assert len(os.listdir(folder)) == 2
    world.bundle("folder", "--service-policy", folder, policy=False)
    found = evidence.check(world.data("folder"), world.auditor.key)
    names = {name[7:] for name in found.parts if name.startswith("policy/")}
    assert names == set(os.listdir(folder))
    assert "The policy that entry" not in world.verify("folder").stdout
    inputs = json.loads(found.parts["assessment.json"])["inputs"]
    assert set(inputs["policies"]) == names and inputs["policies_missing"] == []
    # Of a window behind the first one, only what was in force in it; and one that is gone is told.
    last = world.s.admin("policy", "list").stdout.split("\n")[1].split("\t")[0]
    world.write("late", world.data("incident").replace(b'"unknown"', b'"2099-01-01"', 1))
    world.bundle("later", "--incident", "late", "--service-policy", folder, policy=False)
    found = evidence.check(world.data("later"), world.auditor.key)
    assert [name for name in found.parts if name.startswith("policy/")] == ["policy/" + last]
    other = world.path("policies")
    shutil.copytree(folder, other)
    os.unlink(os.path.join(other, last))
    done = world.s.client(*BUNDLE, "-o", "gone", "--service-policy", "policies")
    assert "is missing: SHA-256 %s" % last in done.stderr
    with open(os.path.join(other, last), "w") as f:
        f.write("other")
    done = world.bundle("faulty-policy", "--service-policy", "policies", policy=False, check=False)
    assert done.returncode == 1 and "(evidence-changed)" in done.stderr


def test_without_persons_nobody_is_named(world):
    """The result of a theft by which alice's device reads, with persons and without."""
    log = world.s.log()
    index, name = re.search(r'^(\d+) .*enrolled.* device="([^"]*)"', log, re.M).groups()
    theft = INCIDENT.replace("}", ', "device %s since unknown"}')
    world.write("by-name", (theft % name).encode())
    world.write("by-index", (theft % ("#" + index)).encode())
    found = []
    for bundle, args in (("named", ()), ("unnamed", ("--without-persons",))):
        world.bundle(bundle, "--incident", "by-index", *args)
        world.verify(bundle)
        parts = evidence.read(world.data(bundle)).parts
        found.append([part for part, data in parts.items() if b"alice" in data])
        assert b'"answer":"readable"' in parts["assessment.json"]
    assert found == [["assessment.json"], []]
    # A name that was left out is refused with what to write, whatever is in doubt; so is a report.
    for written in (name, name + "?", world.s.device().id.hex()):
        world.write("by-name", (theft % written).encode())
        done = world.bundle("refused", "--incident", "by-name", "--without-persons", check=False)
        assert done.returncode == 1 and done.stderr.startswith("doublekey: by-name: line 3: "), done
        assert "'device #INDEX' (evidence-persons)\n" in done.stderr
    done = world.bundle("refused", "--without-persons", "--report", "en", check=False)
    assert done.returncode == 2 and "(evidence-persons)" in done.stderr
    # A name that nobody has is told of the file that the user gave, too.
    world.write("by-name", (theft % "nobody").encode())
    done = world.bundle("refused", "--incident", "by-name", check=False)
    assert done.returncode == 1 and done.stderr.startswith("doublekey: by-name: line 3: "), done
    assert not os.path.exists(world.path("refused"))


def test_without_the_key_of_the_auditor(world):
    done = world.verify("signed", "--without-records", "--identity", world.identity, key=False)
    assert "result was not computed again" in sections(done.stdout)[2]
    assert "Private records" not in done.stdout
    assert "Private records" in world.verify("signed").stdout  # control
    assert world.verify("signed", check=False, key=False).returncode == 2
    assert world.verify("signed", "--without-records", check=False).returncode == 2


def test_a_file_that_cannot_be_is_told_first(world):
    for name in ("nowhere/b", "signed", "objects"):
        done = world.bundle(name, "--log", "no-log", check=False)
        assert done.returncode == 1 and done.stderr.startswith("doublekey: %s: " % name)


def test_nothing_is_left_behind(world, monkeypatch):
    monkeypatch.setenv("TMPDIR", world.path("tmp"))
    os.mkdir(world.path("tmp"))
    world.verify("signed")
    world.write("changed", world.data("signed")[:-1])
    world.fails("changed", "evidence-file")
    world.bundle("again")
    assert os.listdir(world.path("tmp")) == []
    assert world.bundle("again", check=False).returncode == 1  # it is there already
    world.bundle("again", "--force")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_behind_by_a_signal(world, monkeypatch, number):
    """It waits for a bundle that never comes, with its folder there already."""
    folder, pipe = world.path("tmp%d" % number), world.path("pipe%d" % number)
    os.mkdir(folder)
    os.mkfifo(pipe)
    process = subprocess.Popen([CLIENT, "evidence", "verify", "--auditor", "court.key", pipe],
                               cwd=world.s.base, env={**world.s.env(), "TMPDIR": folder})
    until(os.listdir, folder)
    process.send_signal(number)
    assert process.wait(30) == -number
    assert os.listdir(folder) == []
