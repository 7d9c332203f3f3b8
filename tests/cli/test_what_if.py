# SPDX-License-Identifier: Apache-2.0
"""What would have been readable without the log, under the policies that were in force
(spec/exposure.md section 5.1): texts that are found by the log, and what is asked of them."""

import hashlib

import pytest

from test_assess import (CA_KEY, HEARTBEAT, KEY, LAPTOP_KEY, PHONE_KEY, PROVIDER, TOKEN_KEY, Event,  # noqa: F401
                         made, token)

POLICY, RESTORED = 11, 15
BOTH, NONE = [True, True], [True, False]


def rule(*lines, allow="true", users='{"*"}', title="r"):
    return 'rule "%s" {\nkeys = {"finance"}\nusers = %s\nallow = %s\n%s\n}\n' % (
        title, users, allow, "\n".join(lines))


ISSUER = 'issuer "i" {\nurl = "https://id.example.org"\naudience = "a"\nclaim = "c"\nmax-age = 60\n}\n'
OPEN, ONLY_A = rule(), rule('labels = {"a"}')


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def event(text):
    return Event(POLICY, {"policy": hashlib.sha256(text.encode()).digest()})


def put(made, *texts):
    folder = made.folder / "policies"
    folder.mkdir(exist_ok=True)
    for text in texts:
        (folder / digest(text)).write_text(text)


def without_log(made, *stolen, args=("--service-policy", "policies"), **more):
    found = made.assess(PROVIDER, *stolen, args=args, **more)
    return [found[name]["without_log"] for name in "ab"]


def in_force(made, *texts, stolen=(LAPTOP_KEY,), **more):
    """a and b without the log, if these texts came into force one after the other; a was released."""
    put(made, *texts)
    made.write(*map(event, texts), made.release())
    return without_log(made, *stolen, **more)


def test_what_a_rule_withholds_counts_for_nothing(made):
    assert in_force(made, ONLY_A) == NONE
    assert made.result["inputs"]["policies"] == [digest(ONLY_A)]
    assert made.result["inputs"]["policies_missing"] == []
    totals = made.result["totals"]
    assert (totals["readable_without_log"], totals["worth_of_the_log"]) == (1, 0)
    # Without the text there is no credit, and it is said whose it is.
    assert without_log(made, LAPTOP_KEY, args=()) == BOTH
    assert made.result["inputs"]["policies_missing"] == [digest(ONLY_A)]
    # A file by itself, of any name; and one that no entry names.
    (made.folder / "p.conf").write_text(ONLY_A)
    (made.folder / "q.conf").write_text(OPEN)
    args = ("--service-policy", "q.conf", "--service-policy", "p.conf")
    assert without_log(made, LAPTOP_KEY, args=args) == NONE
    assert "q.conf" in made.err and "no entry of the log names this policy" in made.err


@pytest.mark.parametrize("text, expected", [
    (OPEN, BOTH), (rule(users='{"bob"}'), NONE), (rule(users='{"alice"}'), BOTH),
    (rule('labels = {"b"}'), BOTH), (rule('labels = {""}'), NONE),
    (rule('devices = {"%s"}' % ("03" * 32)), BOTH), (rule('devices = {"%s"}' % ("05" * 32)), NONE),
    (OPEN.replace("finance", "other"), NONE), (OPEN.replace("finance", "*"), BOTH),
    # A denial that decides, and one that only decides at times, or from a place.
    (rule('labels = {"b"}', allow="false", title="d") + OPEN, NONE),
    (rule('labels = {"b"}', 'hours = {"08:00-18:00"}', allow="false", title="d") + OPEN, BOTH),
    (rule('labels = {"b"}', 'networks = {"192.0.2.0/24"}', allow="false", title="d") + OPEN, BOTH),
    (rule('networks = {"192.0.2.0/24"}'), BOTH), (rule('weekdays = {"mon"}'), BOTH),
    (rule("per-day = 1"), BOTH), ('auditor "a" {\nkey-id = "%s"\n}\n' % ("0" * 64), NONE),
])
def test_rules(made, text, expected):
    assert in_force(made, text) == expected


CERTIFICATE, TOKEN = rule('client-certificate = {"*"}'), ISSUER + rule('tokens = {"i"}')
APPROVAL = rule('approvals = 1\napprovers = {"bob"}')


@pytest.mark.parametrize("text, word, enough, not_enough", [
    (CERTIFICATE, "certificates", [CA_KEY], [PHONE_KEY, TOKEN_KEY]),
    (TOKEN, "tokens", [TOKEN_KEY, "process fetchd since unknown"], [PHONE_KEY, CA_KEY]),
    (rule('approvals = 1\napprovers = {"alice", "bob"}'), "approvals", [], [PHONE_KEY, CA_KEY]),
    (APPROVAL, "approvals", [], [PHONE_KEY]),
])
def test_factors(made, text, word, enough, not_enough):
    put(made, text)
    # The log has to know the key of the token.
    made.write(event(text), made.release(token=token()))
    # Whoever wrote no word of it gets no credit.
    assert without_log(made, LAPTOP_KEY) == BOTH
    line = 'not-shown = {"%s"}\n' % word
    assert without_log(made, LAPTOP_KEY, more=line) == NONE
    for other in {"certificates", "tokens", "approvals"} - {word}:
        assert without_log(made, LAPTOP_KEY, more='not-shown = {"%s"}\n' % other) == BOTH
    for item in enough:
        assert without_log(made, LAPTOP_KEY, item, more=line) == BOTH, item
    for item in not_enough:
        assert without_log(made, LAPTOP_KEY, item, more=line) == NONE, item


def test_an_approver_whose_device_was_stolen(made):
    put(made, APPROVAL)
    code = Event(8, {"factors": [(2, 4, 1000)]}, {"user": "bob"})
    device = Event(9, {"factors": [(3, 4, 8)]},
                   {"user": "bob", "device": bytes([8]) * 32, "device_name": "tablet"})
    made.write(event(APPROVAL), code, device, made.release())
    line, tablet = 'not-shown = {"approvals"}\n', "device tablet since unknown"
    assert without_log(made, LAPTOP_KEY, more=line) == NONE
    assert without_log(made, LAPTOP_KEY, tablet, more=line) == BOTH
    assert without_log(made, tablet, more=line) == [False, False]


def test_one_policy_after_the_other(made):
    # Entries 7 and 8 are those of the policies, a minute each.
    assert in_force(made, ONLY_A, OPEN) == BOTH
    assert made.result["inputs"]["policies"] == [digest(ONLY_A), digest(OPEN)]
    assert in_force(made, OPEN, ONLY_A) == BOTH
    # Stolen when the open one was over; the minute of the second is 8.
    late = "device laptop-7 since 2031-01-01T00:0%d:00Z"
    assert without_log(made, late % 8) == BOTH
    assert without_log(made, late % 9) == NONE
    # One whose text is gone is not credited, and the other alone.
    (made.folder / "policies" / digest(OPEN)).unlink()
    assert without_log(made, late % 9) == NONE
    assert made.result["inputs"]["policies_missing"] == [digest(OPEN)]
    assert without_log(made, late % 8) == BOTH


def test_what_nobody_knows_gets_no_credit(made):
    put(made, ONLY_A)
    heartbeat = Event(HEARTBEAT)
    made.write(event(ONLY_A), made.release(), heartbeat)
    assert without_log(made, LAPTOP_KEY) == NONE
    # A record that is not there, also of another class.
    for index in (7, 9):
        made.write(event(ONLY_A), made.release(), heartbeat, without=(index,))
        assert without_log(made, LAPTOP_KEY) == BOTH, index
    # From a backup: what came behind it is lost.
    made.write(event(ONLY_A), made.release(), Event(RESTORED, {"note": "1"}), event(ONLY_A))
    assert without_log(made, LAPTOP_KEY) == BOTH
    # An erased enrolment: any user.
    text = rule(users='{"bob"}')
    put(made, text)
    made.write(event(text), made.release(), erased=(4,))
    assert without_log(made, "device #4 since unknown") == BOTH
    # A key of Microsoft's protocol.
    more = Event(KEY, {"key": "m", "key_id": made.key, "version": 1, "stanza_type": 0x8001})
    made.write(event(ONLY_A), more, made.release())
    assert without_log(made, LAPTOP_KEY) == BOTH
    for process, expected in (("authd", BOTH), ("httpd", BOTH), ("fetchd", NONE)):
        made.write(event(ONLY_A), made.release())
        assert without_log(made, LAPTOP_KEY, "process %s since unknown" % process) == expected


def test_an_administrator_could_have_enrolled_a_device(made):
    put(made, ONLY_A)
    made.write(event(ONLY_A), made.release())
    late = "admin 1000 since 2031-01-01T00:06Z"
    assert without_log(made, late) == BOTH
    assert made.result["totals"]["readable"] == 0  # the log shows that it was not so
    assert without_log(made, "admin 1000 since 2031-01-02") == [False, False]


def test_a_key_with_two_names(made):
    text = rule('labels = {"a"}') + OPEN.replace("finance", "second").replace('"r"', '"s"')
    put(made, text)
    second = Event(KEY, {"key": "second", "key_id": made.key, "version": 1})
    made.write(event(text), made.release())
    assert without_log(made, LAPTOP_KEY) == NONE
    made.write(event(text), second, made.release())
    assert without_log(made, LAPTOP_KEY) == BOTH


def test_texts_that_cannot_be_used(made):
    put(made, "rule {", ONLY_A)
    made.write(event("rule {"), made.release())
    assert without_log(made, LAPTOP_KEY) == BOTH
    assert "it gets no credit" in made.err
    assert made.result["inputs"]["policies_missing"] == [digest("rule {")]
    made.write(event(ONLY_A), made.release())
    (made.folder / "policies" / digest(ONLY_A)).write_text(OPEN)
    made.assess(PROVIDER, LAPTOP_KEY, args=("--service-policy", "policies"), status=1)
    assert "(evidence-changed)" in made.err
    (made.folder / "large").write_text("#" * 262144)
    for name in ("nowhere", "large"):
        made.assess(PROVIDER, LAPTOP_KEY, args=("--service-policy", name), status=1)
        assert name in made.err


def test_window(made):
    """Of policies before the window, the last one counts."""
    put(made, OPEN, ONLY_A)
    made.write(event(OPEN), event(ONLY_A), *[Event(HEARTBEAT)] * 5, made.release())
    assert without_log(made, LAPTOP_KEY, begin="2031-01-01T00:08Z") == BOTH
    assert without_log(made, LAPTOP_KEY, begin="2031-01-01T00:09Z") == NONE
    assert made.result["inputs"]["policies"] == [digest(ONLY_A)]
