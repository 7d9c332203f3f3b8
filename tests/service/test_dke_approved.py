# SPDX-License-Identifier: Apache-2.0
"""A whole service of Microsoft's protocol whose gates are approvals that stand. The provider's
signing key is in the thief's hands in every test: he makes any token."""
import hashlib
import json
import os
import re
import time

import pytest

import entra
from authenticator import OTHERS
from reader import standing
from reader.native import NativeError
from service import signed_headers
from test_backup import backup, lose, restore
from test_clock import Clocked
from test_dke_gates import ALICE, BOB, KEY, RULE, Gates, document
from test_log import checkpoint
from test_log_tools import records_file

CAROL = "carol@contoso.com"
AMBIENT = '\n\taccept-level = "C- (ambient)"'
BY = '\n\tapprovals = %d\n\tapprovers = {"dora", "erik", "fred", "bob@contoso.com", "alice"}'
RULES = (RULE % ("two", "Two", 'gates = {"approved-document"}' + BY % 2 + AMBIENT) +
         RULE % ("one", "One", 'gates = {"approved-document or approved-key"}' + BY % 1 + AMBIENT +
                 "\n\tapproval-hours = 24") +
         RULE % ("both", "Both", 'gates = {"confirmation", "approved-document"}' + BY % 1))


class Approved(Gates, Clocked):
    rules = RULES
    names = ("Two", "One", "Both")

    def __init__(self, base):
        super().__init__(base)
        with open(os.path.join(self.dir, "doublekeyd.conf"), "a") as f:
            f.write('dke-domain = "contoso.com"\n')

    def post(self, who, body, **more):
        """Code, or what the answer has."""
        device = self.device(who)
        headers = signed_headers(device, self.url, body, **{"path": "/v1/approvals", **more})
        status, error, answer = self.request("POST", "/v1/approvals", body, headers)
        assert (status == 200) == (error is None)
        return error or answer

    def waits(self, who="dora"):
        return standing.parse_list(self.post(who, standing.LIST))

    def approve(self, who, value, key="Two", person=ALICE, scope=standing.DOCUMENT, **more):
        terms = {"needed": 2 if key == "Two" else 1, "hours": 24 if key == "One" else 720,
                 "rule": key.lower(), "reason": ""}
        sent = {name: more.pop(name) for name in list(more) if name in terms}
        approval = standing.Approval(
            scope, document(value) if scope == standing.DOCUMENT else bytes(32), person=person,
            key=key, **{**terms, **sent})
        answer = self.post(who, approval.encode(), **more)
        return standing.parse_answer(answer) if isinstance(answer, bytes) else answer


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    s = Approved(tmp_path_factory.mktemp("approved"))
    s.start()
    s.make_keys()
    for who in ("dora", "erik", "fred", "eve"):
        s.enrol(who, who)
    s.enrol(BOB, "bob")
    yield s
    s.stop()


def listed(service, value, who="dora"):
    return [one for one in service.waits(who) if one.document == document(value)]


def test_a_document_waits_for_two_and_then_stands(service):
    value = service.wrap("Two")
    assert not listed(service, value)
    assert not service.opens("Two", value)
    one, = listed(service, value)
    assert (one.scopes, one.person, one.key, one.rule, one.needed, one.standing, one.mine,
            one.hours) == (standing.DOCUMENT, ALICE, "Two", "two", 2, 0, 0, 720)
    assert abs(one.time - time.time()) < 60
    index, until, count = service.approve("dora", value, reason="for the audit")
    assert count == 1 and abs(until - time.time() - 720 * 3600) < 60
    assert not service.opens("Two", value)
    one, = listed(service, value)
    assert (one.standing, one.mine) == (1, 1)
    assert [(o.standing, o.mine) for o in listed(service, value, "erik")] == [(1, 0)]
    second, _, count = service.approve("erik", value)
    assert count == 2 and not listed(service, value)
    for _ in range(2):
        assert service.opens("Two", value)
    lines = service.log().splitlines()
    release = [line for line in lines if " release " in line][-1]
    assert "factor=4:keyd:%d factor=4:keyd:%d " % (index, second) in release + " "
    assert release.count("factor=4:") == 2 and 'level="C- (ambient)"' in release
    approved = [line for line in lines if line.startswith("%d " % index)][0]
    assert "document-approved" in approved and 'key=two ' in approved, approved
    assert 'note="2 approvals, 720 hours: for the audit"' in approved
    assert "document=" + document(value).hex() in approved and "factor=1:keyd:" in approved
    denial = [line for line in lines if "reason=approval-required" in line][-1]
    assert "document=" not in denial or document(value).hex() in denial
    assert " address=127.0.0.1 " in release and " address=" not in approved


def test_the_log_of_one_document(service):
    """By the digest that its lines show: what was asked, approved and opened, no more."""
    value, other = service.wrap("One"), service.wrap("One")
    for one in (value, other):
        assert not service.opens("One", one)
        service.approve("dora", one, key="One")
        assert service.opens("One", one)
    digest = document(value).hex()
    out = service.admin("log", "--json", "--object", digest).stdout
    found = [json.loads(line) for line in out.splitlines()]
    assert [(r["class"], r["decision"]) for r in found] == [
        ("denial", "denied"), ("document-approved", "done"), ("release", "done")]
    assert found[1]["request"] == found[0]["objects"][0]["document"] == digest
    assert service.admin("log", "--object", digest).stdout.count("document=" + digest) == 3
    for none in ("0" * 64, "0" * 32):
        assert service.admin("log", "--object", none).stdout == ""
    for wrong in (digest[:63], digest + "0", "g" * 64):
        done = service.admin("log", "--object", wrong, check=False)
        assert done.returncode == 2 and "64 hex digits" in done.stderr
    done = service.admin("log", "export", "x", "--auditor", "a", "--key", "k", "--object", digest,
                         check=False)
    assert done.returncode == 2 and "not chosen by document" in done.stderr


def test_it_is_for_this_document_person_and_key(service):
    value, other = service.wrap("Two"), service.wrap("Two")
    for who in ("dora", "erik"):
        assert service.approve(who, value)[2]
    assert not service.opens("Two", other)
    assert not service.opens("Two", value, BOB)
    assert service.opens("Two", value)
    value = service.wrap("One")
    for who in ("dora", "erik"):
        service.approve(who, value, key="Two")
    assert not service.opens("One", value)


def test_who_does_not_count(service):
    value = service.wrap("Two")
    assert service.approve("eve", value) == "policy"
    assert service.approve("bob", value, person=BOB) == "policy"  # the person
    service.enrol("alice", "short")
    assert service.approve("short", value) == "policy"  # the person, by dke-domain
    assert service.approve("short", value, person=BOB)[2] == 1
    assert service.approve("dora", value)[2] == 1
    assert service.approve("dora", value)[2] == 1  # the same one again
    service.enrol("dora", "dora2")
    assert service.approve("dora2", value)[2] == 1  # and on another device
    assert not service.opens("Two", value)
    assert service.approve("bob", value)[2] == 2
    assert service.opens("Two", value)


def test_what_is_signed_is_what_the_rule_says(service):
    value = service.wrap("Two")
    for wrong in (dict(needed=1), dict(needed=3), dict(hours=721), dict(rule="one"),
                  dict(rule="none"), dict(key="One", rule="two"), dict(scope=standing.KEY)):
        assert service.approve("dora", value, **wrong) == "policy", wrong
    assert service.approve("dora", value, hours=1)[2] == 1
    assert service.post("dora", standing.Approval(1, document(value), 2, 1, ALICE, "Two", "two",
                                                  "\n").encode()) == "malformed-request"
    for body in (b"DKN1x", b"DKV1", b"x"):
        assert service.post("dora", body) == "malformed-request"


def test_a_signature_of_another_request_or_place(service):
    value, body = service.wrap("Two"), standing.LIST
    assert service.approve("dora", value, path="/v1/release") == "signature"
    assert service.post("dora", body, path="/v1/release") == "signature"
    assert service.post("dora", body, key_id=service.device("erik").id) == "signature"
    assert service.post("dora", body, key_id=bytes(32)) == "unknown-device"
    assert service.post("dora", body, created=int(time.time()) - 400) == "clock"
    nonce, now = os.urandom(16), int(time.time())
    assert service.approve("dora", value, nonce=nonce, created=now)[2] == 1
    assert service.approve("dora", value, nonce=nonce, created=now) == "replay"
    # What a person's page signs with is no device.
    page = service.registered(ALICE)
    assert service.post("dora", body, key_id=hashlib.sha256(page.key.spki).digest()) == \
        "unknown-device"


def test_a_key_is_approved_for_a_person(service):
    value = service.wrap("One")
    assert not service.opens("One", value)
    assert [one.scopes for one in listed(service, value)] == [standing.EITHER]
    assert service.approve("fred", value, key="One", scope=standing.KEY)[2] == 1
    assert service.opens("One", value) and service.opens("One", service.wrap("One"))
    assert not service.opens("One", value, BOB)
    lines = [line for line in service.log().splitlines() if "document-approved" in line]
    assert "document=" not in lines[-1] and 'key=one ' in lines[-1]


def test_another_gate_comes_first(service):
    """Nobody is asked to approve what is refused anyway."""
    value, page = service.wrap("Both"), service.registered(CAROL)
    assert not service.opens("Both", value, CAROL)
    assert not listed(service, value)
    assert [k for d, _, k in page.list()[2] if d == document(value)] == ["both"]
    assert page.act(1, document(value)).status == 200
    assert not service.opens("Both", value, CAROL)
    assert len(listed(service, value)) == 1
    # Her page says that nothing is left for her to do.
    assert [k for d, _, k in page.list()[2] if d == document(value)] == ["both" + OTHERS]
    assert service.approve("dora", value, key="Both", person=CAROL)[2] == 1
    # What was denied used no confirmation.
    assert service.opens("Both", value, CAROL)
    assert 'level="C"' in [x for x in service.log().splitlines() if " release " in x][-1]
    assert not service.opens("Both", value, CAROL)


def test_a_revoked_device_takes_its_approvals_with_it(service):
    service.enrol("erik", "erik2")
    value, renewed = service.wrap("Two"), service.wrap("Two")
    for one in (value, renewed):
        assert service.approve("dora", one)[2] == 1
        assert service.approve("erik2", one)[2] == 2
        assert service.opens("Two", one)
    service.admin("device", "revoke", service.device("erik2").id.hex())
    assert not service.opens("Two", value)
    assert service.post("erik2", standing.LIST) == "device-revoked"
    assert service.approve("erik2", value) == "device-revoked"
    assert [one.standing for one in listed(service, value)] == [1]
    assert service.approve("erik", renewed)[2] == 2
    assert service.opens("Two", renewed) and not service.opens("Two", value)


def test_a_freeze_stops_it(service):
    value = service.wrap("Two")
    service.admin("freeze")
    assert service.approve("dora", value) == "frozen"
    assert isinstance(service.post("dora", standing.LIST), bytes)
    service.admin("unfreeze", "--reason", "test")
    assert service.approve("dora", value)[2] == 1


def test_erasing_a_person_ends_what_was_approved_for_it(service):
    value, kept = service.wrap("Two"), service.wrap("Two")
    for who in ("dora", "erik"):
        service.approve(who, value, person=CAROL)
        service.approve(who, kept)
    assert service.opens("Two", value, CAROL)
    service.admin("log", "erase", "--user", CAROL)
    assert not service.opens("Two", value, CAROL)
    assert service.opens("Two", kept)


def test_they_survive_a_restart(service):
    value, waiting = service.wrap("Two"), service.wrap("Two")
    for who in ("dora", "erik"):
        service.approve(who, value)
    service.approve("fred", waiting)
    assert not service.opens("Two", waiting)
    service.stop()
    service.start()
    assert service.opens("Two", value)
    # What waits is read from the log.
    assert [one.standing for one in listed(service, waiting)] == [1]
    assert service.approve("dora", waiting)[2] == 2
    assert service.opens("Two", waiting)


def test_a_flood_pushes_out_its_own(service):
    mine, theirs = service.wrap("Two"), [service.wrap("Two") for _ in range(66)]
    assert not service.opens("Two", mine)
    for value in theirs:
        assert not service.opens("Two", value, CAROL)
        time.sleep(0.08)  # beyond 20 a second a denial has no record, and nobody is asked
    found = [one.document for one in service.waits() if one.person == CAROL]
    assert len(found) == 64 and document(theirs[0]) not in found
    assert found[0] == document(theirs[-1])
    assert len(listed(service, mine)) == 1
    # An id of no version leaves nothing.
    stranger = service.wrap("Two")
    service.public["Other"] = service.public["Two"][0], "11111111-2222-4333-8444-555555555555"
    service.ask("Two", stranger)
    known, service.public["Two"] = service.public["Two"], service.public["Other"]
    assert service.ask("Two", service.wrap("Two")).status == 403
    service.public["Two"] = known


def test_the_parser_notices():
    for body in (b"DKN2\0\1", b"DKN2\0\0x", b"DKN1\0\0"):
        with pytest.raises(NativeError):
            standing.parse_list(body)


# ---- the command ----

def said(service, *args, who="dora", check=True):
    done = service.client("approve", "--at", service.url, *args, who=who, check=check)
    found, blocks = [], done.stdout.splitlines()
    for line in blocks:
        name, _, value = line.strip().partition(" ")
        if name == "id":
            found.append({})
        if found:
            found[-1][name] = value.strip()
    return found, done


def test_the_command_shows_what_waits_and_approves_it(service):
    value, other = service.wrap("One"), service.wrap("One")
    for one in (value, other):
        assert not service.opens("One", one, BOB)
    shown = [w for w in said(service)[0] if w["document"] == document(value).hex()]
    one, = shown
    assert (one["person"], one["key"], one["rule"]) == (BOB, "One", "one")
    assert one["approve"] == "the document or the whole key"
    assert one["there"] == "0 of 1 approvals, for 24 hours"
    found, done = said(service, "--yes", "--reason", "for the audit", one["id"][:12])
    assert found == [{**one, "until": found[0]["until"]}]
    assert "1 of 1 approvals are there" in done.stderr
    assert service.opens("One", value, BOB) and not service.opens("One", other, BOB)
    assert 'note="1 approval, 24 hours: for the audit"' in service.log()
    left, = [w for w in said(service)[0] if w["document"] == document(other).hex()]
    said(service, "--yes", "--whole-key", left["id"])
    assert service.opens("One", other, BOB) and service.opens("One", service.wrap("One"), BOB)
    last = [line for line in service.log().splitlines() if " document-approved " in line][-1]
    assert last.endswith(" whole-key") and "key=one " in last


def test_the_command_says_what_is_wrong(service):
    value = service.wrap("Two")
    assert not service.opens("Two", value)
    one, = [w for w in said(service)[0] if w["document"] == document(value).hex()]
    for args, why in (((one["id"],), "there is no terminal, and no --yes"),
                      (("--yes", "f" * 16), "not the beginning of an ID"),
                      (("--yes", one["document"] + "0"), "not the beginning of an ID"),
                      (("--yes", one["id"][:3]), "too short: 4 digits"),
                      (("--yes", one["document"][:3]), "too short: 4 digits"),
                      (("--yes", "--whole-key", one["id"]), "takes approvals of the document"),
                      (("--yes", "--reason", "x" * 201, one["id"]), "at most 200 bytes")):
        done = said(service, *args, check=False)[1]
        assert done.returncode == 1 and why in done.stderr, (args, done.stderr)
    assert not service.opens("Two", value)
    assert said(service, who="eve")[1].stdout == ""
    assert "nothing waits for you" in said(service, who="eve")[1].stderr
    for args in (("--whole-key", "x"), ("--at", service.url, "-o", "x", "y"),
                 ("--at", service.url, "x", "y")):
        done = service.client("approve", *args, check=False)
        assert done.returncode == 2, done.stderr


def test_the_command_takes_a_document(service):
    """Asked for by two people it is two that wait, and an id says whose."""
    value = service.wrap("One")
    assert not service.opens("One", value, CAROL)
    digest = document(value).hex()
    found, done = said(service, "--yes", digest[:12])
    assert (found[0]["person"], found[0]["document"]) == (CAROL, digest)
    assert service.opens("One", value, CAROL)
    value = service.wrap("Two")
    digest = document(value).hex()
    for person in (ALICE, BOB):
        assert not service.opens("Two", value, person)
    done = said(service, "--yes", digest, check=False)[1]
    assert done.returncode == 1 and "2 of those that wait begin like this" in done.stderr
    assert not service.opens("Two", value)
    one, = [w for w in said(service)[0] if (w["document"], w["person"]) == (digest, ALICE)]
    assert "1 of 2 approvals" in said(service, "--yes", one["id"])[1].stderr


# ---- afterwards ----

def test_the_assessment_lists_what_was_opened_on_approvals(service):
    """A forged token rides on them: the thief of the token key had just that."""
    approved, waiting = service.wrap("Two"), service.wrap("Two")
    for who in ("dora", "fred"):
        assert service.approve(who, approved)[2]
    service.approve("dora", waiting)
    assert service.opens("Two", approved) and not service.opens("Two", waiting)
    size = len(re.findall("^[0-9]", service.log(), re.M))
    checkpoint(service, size)
    service.client("log", "mirror", service.url + "/log", "-o", "copy", who="dora")
    size = int(open(os.path.join(service.base, "copy", "checkpoint")).read().splitlines()[1])
    records_file(service, "records", lambda rows: [r for r in rows if r[0] < size])
    os.makedirs(os.path.join(service.base, "objects"), exist_ok=True)
    service.client("scan", "-q", "-o", "catalogue", "objects", who="dora")
    with open(os.path.join(service.base, "incident"), "w") as f:
        f.write('from = "2025-01-01"\nto = "2035-01-01"\nstolen = {"token-key %s %s since unknown"}\n'
                'silence = "7200"\nsets = "as-written"\n' % (entra.v1(), "k1"))
    done = service.client("assess", "-q", "--incident", "incident", "--catalogue", "catalogue",
                          "--log", "copy", "--records", "records", "--json", "-", who="dora",
                          check=False)
    assert done.returncode == 0, done.stderr
    found = {o["document"]: o for o in json.loads(done.stdout)["objects"]}
    assert document(waiting).hex() not in found
    one = found[document(approved).hex()]
    assert one["answer"] == "readable", one
    assert (one["level"], one["gates"]) == ("C- (ambient)", ["approval"])
    opened = set(re.findall(r"object ok document=([0-9a-f]{64})", service.log()))
    assert {name for name, o in found.items() if o["answer"] == "readable"} <= opened


# ---- a machine that is lost ----

def test_they_survive_a_restored_backup(service):
    """With the releases they allow, and without what was revoked before the backup or after it."""
    for who in ("erik3", "erik4"):
        service.enrol("erik", who)
    stands, waiting, before, after = (service.wrap("Two") for _ in range(4))
    for value, other in ((stands, "fred"), (before, "erik3"), (after, "erik4")):
        assert service.approve("dora", value)[2] == 1
        assert service.approve(other, value)[2] == 2
        assert service.opens("Two", value)
    service.approve("dora", waiting)
    assert not service.opens("Two", waiting)
    service.admin("device", "revoke", service.device("erik3").id.hex())
    assert not service.opens("Two", before)
    backup(service)
    lose(service)
    restore(service)
    service.start()
    assert service.opens("Two", stands) and service.opens("Two", after)
    assert not service.opens("Two", before) and not service.opens("Two", waiting)
    assert not service.opens("Two", stands, BOB)
    # They are taken back after the restore as before it.
    service.admin("device", "revoke", service.device("erik4").id.hex())
    assert not service.opens("Two", after) and service.opens("Two", stands)
    # What waits comes from the log: one more approval of another approver opens it.
    assert [one.standing for one in listed(service, waiting, "fred")] == [1]
    assert service.approve("fred", waiting)[2] == 2
    assert service.opens("Two", waiting)


# ---- the end of the time ----

def test_an_approval_ends(service):
    value, other = service.wrap("One"), service.wrap("One")
    begun = time.time()
    assert service.approve("dora", value, key="One", person=CAROL, hours=1)[2] == 1
    assert service.approve("dora", other, key="One", person=CAROL)[2] == 1

    def opens(one, hours):
        claims = entra.claims(now=int(begun + 3600 * hours), upn=CAROL)
        return service.opens("One", one, token=entra.token(KEY, claims))

    assert opens(value, 0)
    service.jump(3600 - 60)
    assert opens(value, 1 - 1 / 60) and opens(other, 1)
    service.jump(3600 + 60)
    assert not opens(value, 1 + 1 / 60) and opens(other, 1 + 1 / 60)
    service.jump(24 * 3600 + 60)
    assert not opens(other, 24 + 1 / 60)
    service.jump(0)
