# SPDX-License-Identifier: Apache-2.0
"""`assess` over logs that are made here, by tests/reader: what a service that runs shows seldom.
Its results have the form of spec/assessment.schema.json."""

import copy
import csv
import hashlib
import html
import json
import os
import pathlib
import re
import sqlite3
import struct
import sys

import jsonschema
import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
from reader import tiles  # noqa: E402
from reader.log import Event, Object, encode_event  # noqa: E402

SOURCE = pathlib.Path(os.environ["DOUBLEKEY_SOURCE"])
LOG = tiles.Signer("log.example.org/made")
T0 = 1924992000  # 2031-01-01
HTTPD, AUTHD, KEYD = 2, 3, 4
BEGUN, RELEASE, HEARTBEAT, KEY, CODE, DEVICE, STARTED, CONFIRMED = 1, 2, 4, 5, 8, 9, 14, 20
PROMPT, STRICT = 1, 2
NATIVE, DKE = 1, 3
LAPTOP, PHONE, FIRST = 4, 6, 7  # log indexes: two enrolments, the first entry behind them
ISSUER, KID, CA = "https://id.example.org", "k1", b"\7" * 32
PROVIDER = "provider-keys provider since unknown"


def token(kid=KID, issuer=ISSUER, thumbprint=None):
    short = [struct.pack("B", len(x)) + x.encode() for x in (issuer, kid, "")]
    return (thumbprint or hashlib.sha256(kid.encode()).digest()) + struct.pack(">Q", T0) + b"".join(short)


class Made:
    """Two objects for a key of the service; a log that begins like one of a service."""

    def __init__(self, dk, folder, keys):
        self.dk, self.folder = dk, folder
        (folder / "objects").mkdir()
        (folder / "plain").write_bytes(b"plain")
        for name in "ab":
            dk("encrypt", "-q", "--customer", keys / "c.key.pub", "--provider", keys / "p.key.pub",
               "--label", name, "plain", "-o", "objects/" + name + ".dk").ok()
        dk("scan", "-q", "-o", "catalogue", "objects").ok()
        with sqlite3.connect(folder / "catalogue") as db:
            rows = {row[0]: row[1:] for row in db.execute(
                "SELECT label, object_id, core_digest FROM object")}
            self.key = db.execute("SELECT key_id FROM key WHERE side = 1").fetchone()[0]
        self.ids = {row[0].hex(): label for label, row in rows.items()}
        self.parts = {label: Object(0, *row, 1, self.key) for label, row in rows.items()}

    def release(self, name="a", factors=((1, KEYD, LAPTOP),), mode=STRICT, front=NATIVE,
                person=None, **more):
        return Event(RELEASE, dict(decision=1, mode=mode, front=front, factors=list(factors), **more),
                     {"user": "alice"} if person is None else person, [self.parts[name]])

    def write(self, *events, times=(), erased=(), without=(), mode=STRICT):
        """A minute each; times: other ones, by index."""
        def device(name, code):
            return Event(DEVICE, {"factors": [(3, KEYD, code)]},
                         {"user": "alice", "device": bytes([code]) * 32, "device_name": name})
        code = Event(CODE, {"factors": [(2, KEYD, 1000)]}, {"user": "alice"})
        begin = [Event(BEGUN), Event(STARTED, {"mode": mode, "note": "1"}),
                 Event(KEY, {"key": "finance", "key_id": self.key, "version": 1}),
                 code, device("laptop-7", 3), code, device("phone", 5)]
        entries, records = [], [b"DKLREC1\n"]
        for i, event in enumerate(begin + list(events) + [Event(HEARTBEAT)] * 3):
            event = copy.deepcopy(event)
            event.main["time"] = dict(times).get(i, T0 + 60 * i)
            if event.class_ not in (RELEASE, HEARTBEAT):
                event.main["decision"] = 1
            record, leaf = encode_event(event, os.urandom, (1,) if i in erased else ())
            entries.append(leaf)
            if i not in without:
                records.append(struct.pack(">Q", i) + leaf + struct.pack(">I", len(record)) + record)
        tiles.Files(entries, LOG).write(self.folder / "log")
        (self.folder / "records").write_bytes(b"".join(records))
        self.end = T0 + 60 * (len(entries) - 2)
        return self

    def assess(self, *stolen, more="", begin="2031-01-01", end=None, status=0,
               args=()):
        minute = (self.end if end is None else end) // 60 * 60
        (self.folder / "incident").write_text(
            'from = "%s"\nto = "%s"\nstolen = {%s}\nsets = "as-written"\n%s' % (
                begin, stamp(minute), ", ".join('"%s"' % item for item in stolen), more))
        done = self.dk("assess", "-q", "--incident", "incident", "--catalogue", "catalogue", "--log",
                       "log", "--records", "records", "--key", LOG.vkey, "--json", "-",
                       *args, cwd=self.folder)
        assert done.status == status, done.err
        self.err = done.err
        if status:
            return None
        self.result = json.loads(done.out)
        check(self.result)
        found = {self.ids.get(o.get("object"), o.get("document")): o
                 for o in self.result["objects"]}
        return found

    def answer(self, *stolen, **more):
        return self.assess(*stolen, **more)["a"]["answer"]

    def missing(self, *stolen, **more):
        return self.assess(*stolen, **more)["b"].get("missing")


def stamp(seconds):
    minutes = (seconds - T0) // 60
    return "2031-01-01T%02d:%02d:00Z" % (minutes // 60, minutes % 60)


def check(result):
    schema = json.loads((SOURCE / "spec" / "assessment.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(result)


@pytest.fixture
def made(dk, tmp_path, keys):
    return Made(dk, tmp_path, keys)


# ---- factors ----

LAPTOP_KEY, PHONE_KEY = "device laptop-7 since unknown", "device phone since unknown"
TOKEN_KEY = "token-key %s %s since unknown" % (ISSUER, KID)
CA_KEY = "ca %s since unknown" % CA.hex()
SESSION, APPROVAL, NETWORK = (6, KEYD, 3), (4, KEYD, PHONE), (7, HTTPD, 2)
DKE_FACTORS = (SESSION, APPROVAL, NETWORK)


@pytest.mark.parametrize("form, enough, not_enough", [
    # What is read on the device needs no forged request (rule 3).
    (dict(token=token()), [[LAPTOP_KEY], [LAPTOP_KEY, TOKEN_KEY]], [[TOKEN_KEY]]),
    (dict(certificate=bytes(32) + CA), [[LAPTOP_KEY, CA_KEY]], [[CA_KEY]]),
    (dict(factors=(), token=token()), [[TOKEN_KEY], ["process authd since unknown"],
                                       ["process fetchd since unknown"]],
     [[LAPTOP_KEY], [CA_KEY], ["process httpd since unknown"]]),
    (dict(factors=(), certificate=bytes(32) + CA), [[CA_KEY], ["process httpd since unknown"]],
     [["process authd since unknown"], ["process fetchd since unknown"]]),
    (dict(factors=(), token=token(), certificate=bytes(32) + CA),
     [[TOKEN_KEY, CA_KEY], ["process authd since unknown", CA_KEY]], [[TOKEN_KEY], [CA_KEY]]),
    (dict(factors=((4, KEYD, PHONE),), token=token()), [[TOKEN_KEY, PHONE_KEY]],
     [[TOKEN_KEY], [PHONE_KEY]]),
    (dict(factors=((1, KEYD, LAPTOP), (4, KEYD, PHONE))), [[LAPTOP_KEY], [LAPTOP_KEY, PHONE_KEY]],
     [[PHONE_KEY]]),
    # Microsoft's protocol: what covers more than the request keeps nobody out; it answers in clear.
    (dict(factors=DKE_FACTORS, token=token(), front=DKE, person={"person": "a@example.org"}),
     [[TOKEN_KEY], ["tls-key since unknown"], ["proxy since unknown"]], [[LAPTOP_KEY], [CA_KEY]]),
    # So does not the certificate of a front beside a network; what it saw on the connection does.
    (dict(factors=(NETWORK,), token=token(), certificate=bytes(32) + CA, front=DKE), [[TOKEN_KEY]],
     [[CA_KEY]]),
    (dict(factors=((7, HTTPD, 1),), token=token(), certificate=bytes(32) + CA, front=DKE),
     [[TOKEN_KEY, CA_KEY], [TOKEN_KEY, "ca %s since unknown" % ("0" * 64)],
      ["process authd since unknown"]], [[TOKEN_KEY], [CA_KEY]]),
    (dict(factors=(SESSION,), token=token(), certificate=bytes(32) + CA, front=DKE),
     [[TOKEN_KEY, CA_KEY], ["process authd since unknown"]],
     [[TOKEN_KEY], [CA_KEY], [TOKEN_KEY, "ca %s since unknown" % ("0" * 64)]]),
    (dict(factors=(), token=token()), [[TOKEN_KEY]], [["tls-key since unknown"]]),
])
def test_what_a_release_rests_on(made, form, enough, not_enough):
    # All are known to the log, so that each can be named.
    made.write(made.release(**form), made.release("b", (), token=token(), certificate=bytes(32) + CA,
                                                  mode=STRICT))
    for stolen in enough:
        assert made.answer(PROVIDER, *stolen) == "readable", stolen
    for stolen in not_enough:
        assert made.answer(PROVIDER, *stolen) == "not-readable", stolen


def test_which_rule_it_was(made):
    made.write(made.release(factors=((1, KEYD, LAPTOP), (4, KEYD, PHONE))))
    assert made.assess(LAPTOP_KEY)["a"]["customer_rule"] == 3
    found = made.assess(LAPTOP_KEY, PHONE_KEY)["a"]
    assert (found["customer_rule"], found["provider_rule"]) == (3, 0)  # a step less than rule 2
    assert "log entry %d of " % FIRST in found["derivation"]
    made.write(made.release(factors=((4, KEYD, PHONE),), token=token()))
    text = made.assess(TOKEN_KEY, PHONE_KEY)["a"]["derivation"]
    assert "approval of device phone (device phone, stolen" in text
    assert "token of %s, key %s (token-key %s %s, stolen" % (ISSUER, KID, ISSUER, KID) in text


def test_another_key_of_the_issuer(made):
    made.write(made.release(factors=(), token=token("k2")), made.release("b", (), token=token()))
    found = made.assess(TOKEN_KEY)
    assert (found["a"]["answer"], found["b"]["answer"]) == ("not-readable", "readable")


def test_a_key_is_stolen_under_all_its_names(made):
    """A tenant signs under two names."""
    other = token(issuer="https://sts.example.org/")
    made.write(made.release(factors=(), token=other), made.release("b", (), token=token()))
    found = made.assess(TOKEN_KEY)
    assert (found["a"]["answer"], found["b"]["answer"]) == ("readable", "readable")
    other = token(issuer="https://sts.example.org/", thumbprint=bytes(32))
    made.write(made.release(factors=(), token=other), made.release("b", (), token=token()))
    assert made.assess(TOKEN_KEY)["a"]["answer"] == "not-readable"


# ---- documents of Microsoft's protocol ----

def unwrapped(made, name, *factors, level=6, key=None, **more):
    document = hashlib.sha256(name.encode()).digest()
    return Event(RELEASE, dict(decision=1, mode=STRICT, front=DKE, level=level, token=token(),
                               factors=list(factors), **more), {"person": "a@example.org"},
                 [Object(0, bytes(16), document + bytes(16), 0, key or made.key)])


def documents(made, found):
    return {name: found[hashlib.sha256(name.encode()).hexdigest()] for name in ("one", "two")}


def confirmed(root):
    return Event(CONFIRMED, {"front": DKE, "decision": 1, "factors": [(1, KEYD, root)]},
                 {"person": "a@example.org"})


def test_documents(made):
    made.write(confirmed(PHONE), unwrapped(made, "one", (5, KEYD, FIRST), level=3),
               unwrapped(made, "two", *DKE_FACTORS), unwrapped(made, "two", level=0))
    found = documents(made, made.assess(TOKEN_KEY))
    assert [o["answer"] for o in found.values()] == ["not-readable", "readable"]
    two = found["two"]
    assert (two["entry"], two["level"], two["user"]) == (FIRST + 2, "C- (ambient)", "a@example.org")
    assert two["gates"] == ["session", "approval", "network"]
    assert "at level C- (ambient), with a session, with an approval, with a network, and the thief " \
        "could have asked for it: token of" in two["derivation"]
    assert all(o["without_log"] for o in found.values())
    assert {row["key"]: (row["readable"], row["not-readable"]) for row in made.result["by_key"]} == {
        made.key.hex(): (1, 3)}
    found = documents(made, made.assess(TOKEN_KEY, PHONE_KEY))
    assert [o["answer"] for o in found.values()] == ["readable", "readable"]
    assert "level" not in documents(made, made.assess(PROVIDER, TOKEN_KEY))["one"]
    found = documents(made, made.assess(TOKEN_KEY, PHONE_KEY))
    assert found["one"]["level"] == "C" and "confirmation of log entry %d (device phone, stolen" % \
        FIRST in found["one"]["derivation"]
    found = documents(made, made.assess("process authd since unknown"))
    assert "confirmation of log entry %d (whose request it was is the word of process authd" % \
        FIRST in found["one"]["derivation"]
    # A device alone asks for nothing here; the key of the service opens all.
    for stolen, answer in ((PHONE_KEY, "not-readable"), ("key-version finance/1 since unknown", "readable")):
        found = documents(made, made.assess(stolen))
        assert {o["answer"] for o in found.values()} == {answer}
    assert "level" not in found["one"] and not documents(made, made.assess(PHONE_KEY))["one"][
        "without_log"]


def test_a_document_whose_evidence_is_missing(made):
    made.write(confirmed(PHONE), unwrapped(made, "one", (5, KEYD, FIRST)), unwrapped(made, "two"),
               without=(FIRST,))
    found = documents(made, made.assess(TOKEN_KEY))
    assert (found["one"]["missing"], found["two"]["answer"]) == ("log-record", "readable")
    assert "level" not in documents(made, made.assess(LAPTOP_KEY))["two"]
    # A confirmation by a device that was never enrolled, and one that is none.
    for events in ([confirmed(FIRST)], [Event(HEARTBEAT)]):
        made.write(*events, unwrapped(made, "one", (5, KEYD, FIRST)), unwrapped(made, "two"))
        assert documents(made, made.assess(TOKEN_KEY))["one"]["missing"] == "log-record"
    made.write(unwrapped(made, "one", key=b"\5" * 32), unwrapped(made, "two"))
    found = documents(made, made.assess(PHONE_KEY))
    assert (found["one"]["missing"], found["two"]["answer"]) == ("key", "not-readable")


@pytest.mark.parametrize("lang, words", [
    ("en", ("document of Microsoft’s protocol", "at level C- (ambient), with an open session",
            "at level C. The", "Confirmation of log entry 7", "is known by the SHA-256")),
    ("de", ("Dokument aus Microsofts Protokoll", "auf Stufe C- (ambient), mit einer offenen Sitzung",
            "auf Stufe C.", "Bestätigung aus Protokolleintrag 7", "ist am SHA-256"))])
def test_documents_stand_in_the_report(made, lang, words):
    made.write(confirmed(PHONE), unwrapped(made, "one", (5, KEYD, FIRST), level=3),
               unwrapped(made, "two", SESSION))
    made.assess(TOKEN_KEY, PHONE_KEY)
    made.dk("assess", "-q", "-f", "--incident", "incident", "--catalogue", "catalogue", "--log", "log",
            "--records", "records", "--key", LOG.vkey, "--html", "r.html", "--lang", lang,
            cwd=made.folder).ok()
    page = html.unescape(re.sub("<[^>]*>", "", (made.folder / "r.html").read_text()))
    assert [w for w in words if w not in page] == []
    rows = list(csv.DictReader((made.folder / "r.csv").read_text("utf-8-sig").splitlines()))
    assert {r["object"]: (r["customer"], r["path"]) for r in rows} == {
        hashlib.sha256(name.encode()).hexdigest(): ("release-%d" % entry, "")
        for name, entry in (("one", FIRST + 1), ("two", FIRST + 2))}


def test_a_document_is_explained(made):
    made.write(confirmed(PHONE), unwrapped(made, "one", (5, KEYD, FIRST), level=3),
               unwrapped(made, "two", SESSION))
    made.assess(TOKEN_KEY)
    document = hashlib.sha256(b"one").hexdigest()

    def explain(text):
        return made.dk("assess", "-q", "--incident", "incident", "--catalogue", "catalogue", "--log",
                       "log", "--records", "records", "--key", LOG.vkey, "--explain", text,
                       cwd=made.folder)
    out = explain(document.upper()).out.decode()
    assert "customer set of a document, could be copied\n    key %s (not stolen)" % made.key.hex() in out
    assert "the log vouches for the set" in out and "at level C\n" in out
    assert "    confirmation of log entry %d (not stolen)\n" % FIRST in out
    assert explain("0" * 64).status == 1 and explain("0" * 63).status == 2


def test_a_rogue_device(made):
    """Its code was made with the power of an administrator that was stolen."""
    made.write(made.release())
    text = made.assess("admin 1000 since unknown")["a"]["derivation"]
    assert "device laptop-7 (enrolled with the code of log entry 3 from admin 1000, stolen" in text
    assert made.answer("admin 1001 since unknown") == "not-readable"
    text = made.assess("process logd since unknown")["a"]["derivation"]
    assert "enrolled by process logd, stolen" in text


# ---- evidence ----

def test_a_clock_that_goes_back(made):
    made.write(made.release())
    assert made.missing(LAPTOP_KEY) is None  # control
    made.write(made.release(), Event(HEARTBEAT), times={FIRST + 1: T0 + 60})
    assert made.missing(LAPTOP_KEY) == "log-record"
    assert made.result["evidence"][0]["entry"] == FIRST + 1
    # A release that is closed for it is not taken for one that was not there.
    made.write(made.release(), times={FIRST: T0 + 60})
    assert made.assess(LAPTOP_KEY)["a"]["answer"] == "unknown"


def test_persons_that_were_erased(made):
    made.write(made.release(), erased=(FIRST,))
    found = made.assess(LAPTOP_KEY)
    assert found["a"]["answer"] == "readable" and "user" not in found["a"]
    assert [row["user"] for row in made.result["by_user"]] == [""] and made.missing(LAPTOP_KEY) is None
    # Which of the devices was it? A name does not say any more.
    made.write(made.release(), erased=(LAPTOP,))
    assert made.missing("device phone since unknown") == "log-record"
    assert made.result["evidence"][0]["entry"] == LAPTOP
    assert made.assess("device laptop-7 since unknown", status=1) is None
    assert "(incident-file)" in made.err
    found = made.assess("device #%d since unknown" % LAPTOP)
    assert found["a"]["answer"] == "readable" and found["b"]["answer"] == "not-readable"


def test_who_asked_and_when(made):
    made.write(made.release(), made.release("b", person={"person": "b@example.org"}, front=DKE))
    found = made.assess(LAPTOP_KEY)
    assert (found["a"]["user"], found["b"]["user"]) == ("alice", "b@example.org")
    assert [row["user"] for row in made.result["by_user"]] == ["alice", "b@example.org"]
    assert made.result["by_day"] == [
        {"day": "2031-01-01", "readable": 2, "unknown": 0, "not-readable": 0}]
    assert (found["a"]["after"], found["a"]["before"]) == (T0 + 60 * FIRST - 1, T0 + 60 * FIRST + 59)


@pytest.mark.parametrize("of_start, of_release, missing", [
    (STRICT, STRICT, None), (PROMPT, STRICT, "log-process"), (STRICT, PROMPT, "log-process")])
def test_the_log_process_was_stolen(made, of_start, of_release, missing):
    """Where the service did not wait for witnesses, it could have kept a release to itself."""
    made.write(made.release(mode=of_release), mode=of_start)
    found = made.assess("process logd since %s until %s" % (stamp(T0 + 60 * FIRST),
                                                            stamp(T0 + 60 * FIRST)))
    assert found["b"].get("missing") == missing
    assert made.missing("process authd since unknown") is None  # control


def test_records_that_are_not_there(made):
    made.write(made.release(), without=(FIRST,))
    found = made.assess(LAPTOP_KEY)
    assert found["a"]["missing"] == found["b"]["missing"] == "log-record"
    assert made.result["evidence"] == [
        {"missing": "log-record", "entry": FIRST, "words": made.result["evidence"][0]["words"]}]


def test_a_release_that_nothing_is_known_to_rest_on(made):
    made.write(made.release(factors=(SESSION,), front=DKE))
    assert made.missing(LAPTOP_KEY) == "log-record"


# ---- without the log ----

def test_what_the_log_is_worth(made):
    made.write(made.release())
    found = made.assess(PROVIDER, LAPTOP_KEY)
    assert [found[name]["without_log"] for name in "ab"] == [True, True]
    totals = made.result["totals"]
    assert (totals["readable"], totals["readable_without_log"], totals["worth_of_the_log"]) == (1, 2, 1)
    # Whoever has no device could not have asked.
    made.assess(PROVIDER)
    totals = made.result["totals"]
    assert (totals["readable_without_log"], totals["worth_of_the_log"]) == (0, 0)


# ---- the schema ----

@pytest.mark.parametrize("change", [
    lambda r: r.pop("by_user"), lambda r: r["inputs"].update(log_root="0"),
    lambda r: r["objects"][0].pop("derivation"), lambda r: r["objects"][0].update(more=1),
    lambda r: r["objects"][0].update(answer="maybe"), lambda r: r["objects"][1].update(entry=1),
    lambda r: r["objects"][0].pop("entry"), lambda r: r["totals"]["missing"].update(x=1)])
def test_the_schema_refuses(made, change):
    made.write(made.release())
    made.assess(LAPTOP_KEY)
    result = made.result
    change(result)
    with pytest.raises(jsonschema.ValidationError):
        check(result)


# ---- where the result goes ----

def test_outputs_are_opened_before_anything_is_computed(made):
    made.write().assess(PROVIDER)
    names = {"json": ["--json", "nowhere/r.json"], "html": ["--html", "nowhere/r.html"],
             "list": ["--html", "r.html"]}
    (made.folder / "r.csv").write_text("kept")
    before = sorted(made.folder.iterdir())
    for log in ("no-log", "log"):
        def assess(*args):
            return made.dk("assess", "-q", "--incident", "incident", "--catalogue", "catalogue",
                           "--log", log, "--records", "records", "--key", LOG.vkey, *args)
        for name, args in names.items():
            place = "r.csv: " if name == "list" else "nowhere/r"
            assert assess(*args).failed(place).err.count("\n") == 1
            if name != "json":
                assess("--json", "other.json", *args).failed(place)
        # What is replaced is there until the result is.
        for args in (["--json", "r.csv"], ["--html", "r", "--json", "r.json"]):
            result = assess("--force", *args)
            assert result.status == (log == "no-log"), result.err
            if result.status:
                assert (made.folder / "r.csv").read_text() == "kept"
                assert sorted(made.folder.iterdir()) == before
                assert "no-log" in result.err
    assert json.loads((made.folder / "r.json").read_text())["format"] == "doublekey-assessment-1"
