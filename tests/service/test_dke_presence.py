# SPDX-License-Identifier: Apache-2.0
"""Sessions that enrolled devices open (spec/profiles/ms-dke-pages.md section 5.1), with the
command, at a whole service. The provider's signing key is in the thief's hands."""
import hashlib
import json
import os
import re
import struct
import time

import pytest

from dke import Connection, settings
from dke_keyd import FIELDS, Keyd, factor
from reader import native, pages
from service import raw_signature, signature_base, signed_headers
from test_dke_gates import ALICE, BOB, Gates

CODE = {name: number for number, name in enumerate(native.CODES)}
GATE, PASSED, PATH = 44, 0x020a, "/v1/presence"
THERE = b"a" * 16  # the address that dke_keyd.py asks from
HERE = bytes(10) + b"\xff\xff\x7f\0\0\1"


class Presence(Gates):
    away = False

    def __init__(self, base, more='dke-domain = "contoso.com"\n'):
        super().__init__(base)
        with open(self.dir + "/doublekeyd.conf", "a") as f:
            f.write(more)

    def connect(self):
        return Connection(self.dke_port, source="127.0.0.2") if self.away else super().connect()

    def presence(self, verb, who="client", check=True):
        return self.client("presence", verb, self.url, who=who, check=check)

    def refused(self, verb, name, who="client"):
        done = self.presence(verb, who, check=False)
        return done.returncode == 1 and "(service-%s)" % name in done.stderr

    def is_open(self, who="client"):
        done = self.presence("status", who, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode == 0

    def records(self, kind):
        made = map(json.loads, self.admin("log", "--json").stdout.splitlines())
        return [r for r in made if r["class"] == kind]


def started(base, **more):
    s = Presence(base, **more)
    s.start()
    s.make_keys()
    s.enrol("alice", "client")
    s.enrol("bob@contoso.com", "bob")
    return s


@pytest.fixture(scope="module")
def s(tmp_path_factory):
    made = started(tmp_path_factory.mktemp("presence"))
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def closed(request):
    yield
    if "s" in request.fixturenames:
        for who in ("client", "bob"):
            request.getfixturevalue("s").presence("stop", who)


def test_the_command_opens_what_presence_opens(s):
    value = s.wrap("Ambient")
    assert not s.opens("Ambient", value) and not s.is_open()
    said = s.presence("start").stderr
    found = re.search(r"session of alice@contoso\.com from 127\.0\.0\.1 is open until "
                      r"(\S+) \(log entry (\d+)\)", said)
    assert found, said
    until = time.mktime(time.strptime(found[1], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    assert abs(until - time.time() - 8 * 3600) < 60
    assert s.is_open() and s.opens("Ambient", value) and s.opens("Ambient", s.wrap("Ambient"))
    release = s.records("release")[-1]
    assert release["level"] == "C- (ambient)" and release["person"] == ALICE
    assert [f["root"] for f in release["factors"] if f["type"] == "session"] == [int(found[2])]
    opening = s.records("session")[-1]
    assert opening["index"] == int(found[2]) and opening["note"] == "opened"
    assert (opening["person"], opening["address"]) == (ALICE, "127.0.0.1")
    assert opening["device"] in s.admin("device", "list").stdout
    # It covers no document that must be confirmed, and nobody else.
    assert not s.opens("Bound", s.wrap("Bound")) and not s.opens("Ambient", value, BOB)
    assert "is closed" in s.presence("stop").stderr
    assert not s.opens("Ambient", value)


def test_from_another_address_it_opens_nothing(s):
    s.presence("start")
    value = s.wrap("Ambient")
    s.away = True
    try:
        assert not s.opens("Ambient", value)
        assert s.records("denial")[-1]["address"] == "127.0.0.2"
    finally:
        s.away = False
    assert s.opens("Ambient", value)  # control


def test_whose_it_is(s):
    """A name without a domain gets the service's, another one stays."""
    value = s.wrap("Ambient")
    assert "bob@contoso.com from" in s.presence("start", "bob").stderr
    assert s.opens("Ambient", value, BOB) and not s.opens("Ambient", value)
    for other in ("bob@contoso.org", "carol@contoso.com"):
        assert not s.opens("Ambient", value, other)


def test_a_revoked_device_ends_its_session(s):
    s.enrol("alice", "lost")
    value = s.wrap("Ambient")
    s.presence("start", "lost")
    assert s.opens("Ambient", value)
    s.admin("device", "revoke", s.device("lost").id.hex())
    assert not s.opens("Ambient", value) and not s.is_open()
    assert s.refused("start", "device-revoked", "lost")
    assert not s.opens("Ambient", value)
    # The session of another device of the same person is none of its business.
    s.presence("start")
    assert s.opens("Ambient", value)


class Key:
    """An authenticator as a device."""

    def __init__(self, authenticator):
        self.id = hashlib.sha256(authenticator.spki).digest()
        self.key = authenticator.key


def test_a_person_has_one_session_whichever_way(s):
    page, value = s.registered(ALICE), s.wrap("Ambient")
    s.presence("start")
    assert page.list()[1] > 0  # the page shows it
    assert page.act(pages.CLOSE).status == 200
    assert not s.opens("Ambient", value) and not s.is_open()
    assert page.act(pages.OPEN).status == 200
    assert s.is_open() and s.opens("Ambient", value)
    s.presence("stop")
    assert page.list()[1] == 0 and not s.opens("Ambient", value)
    # An authenticator signs no native request.
    assert ask(s, Key(page.key), 1, HERE)[:2] == (403, "unknown-device")


def ask(s, device, what, address, **more):
    """As no client would."""
    body = pages.write_presence(what, address)
    return s.request("POST", PATH, body, signed_headers(device, s.url, body, path=PATH, **more))


def test_freeze_and_restart_end_it(s):
    value = s.wrap("Ambient")
    s.admin("freeze")
    try:
        assert s.refused("start", "frozen") and not s.is_open()
    finally:
        s.admin("unfreeze", "--reason", "test")
    s.presence("start")
    assert s.opens("Ambient", value)
    s.stop()
    s.start()
    assert not s.is_open() and not s.opens("Ambient", value)


def test_what_is_signed_counts_once_and_here(s):
    device, nonce, now = s.device(), bytes(range(16)), int(time.time())
    assert ask(s, device, 1, HERE, nonce=nonce, created=now)[0] == 200
    s.presence("stop")
    assert ask(s, device, 1, HERE, nonce=nonce, created=now)[:2] == (403, "replay")
    assert ask(s, device, 1, HERE[:-1] + b"\2")[:2] == (403, "policy")
    assert not s.is_open()
    answer = pages.parse_presence_answer(ask(s, device, 3, bytes(16))[2])
    assert answer == (0, 0, HERE, ALICE)


def test_without_a_domain_and_without_the_front_end(tmp_path):
    s = started(tmp_path, more="")
    try:
        value = s.wrap("Ambient")
        assert "session of alice from" in s.presence("start").stderr
        assert not s.opens("Ambient", value)  # alice is another person
        s.presence("start", "bob")
        assert s.opens("Ambient", value, BOB)
        s.stop()
        conf = s.dir + "/doublekeyd.conf"
        text = open(conf).read()
        with open(conf, "w") as f:
            f.write("".join(l for l in text.splitlines(True) if not l.startswith("dke-")))
        s.start()
        assert s.refused("start", "not-found") and s.refused("status", "not-found")
    finally:
        s.stop()


def test_the_commands_words(s):
    for wrong in (("start",), ("start", s.url, "x"), ("pause", s.url), ("start", "https://a/"), ()):
        assert s.client("presence", *wrong, check=False).returncode == 2
    done = s.client("presence", "start", "https://127.0.0.1:1", check=False)
    assert done.returncode == 1 and "not-enrolled" in done.stderr
    assert s.client("presence", "--help").stdout.startswith("usage: doublekey presence")
    assert s.presence("start").stdout == ""
    assert s.client("presence", "status", "-q", s.url).stderr == ""


# ---- a process that was taken over ----

def test_what_authd_says_opens_nothing(tmp_path):
    """keyd verifies the device, and looks up each session that authd says there is."""
    s = started(tmp_path, more="")
    s.stop()
    keyd = DkeKeyd(s)
    try:
        judged = {"fields": (factor(6, 4, 999), *FIELDS[1:]), "person": b"bob@contoso.com",
                  "level": 6}
        id_, value = keyd.keys["Open"][0], keyd.wrap("Open")
        assert keyd.decrypt("Open", id_, value, **judged)[:2] == (GATE, b"")
        bob, alice = s.device("bob"), s.device()
        for signer, name, code in ((alice, bob, "signature"), (bob, bob, None)):
            number = keyd.presence(signer, name.id)
            if code:
                assert keyd.result(number) == (CODE[code], b"")
        index = keyd.acknowledge(keyd.append())  # bob's own opened one
        got, answer = keyd.result(number)
        assert got == 0 and pages.parse_presence_answer(answer)[0] == index
        # authd says that it was opened elsewhere, or by somebody else.
        number = keyd.presence(bob, bob.id, address=HERE)
        assert keyd.result(number) == (CODE["policy"], b"")
        for wrong in ({"person": b"alice@contoso.com"},
                      {"fields": (factor(6, 4, index + 1), *FIELDS[1:])}):
            asked = {**judged, "fields": (factor(6, 4, index), *FIELDS[1:]), **wrong}
            assert keyd.decrypt("Open", id_, value, **asked)[:2] == (GATE, b""), wrong
        asked = {**judged, "fields": (factor(6, 4, index), *FIELDS[1:])}
        assert keyd.decrypt("Open", id_, value, **asked)[0] == 0  # control
    finally:
        keyd.child.end()


class DkeKeyd(Keyd):
    """With the settings of the front end."""

    def __init__(self, s):
        self.dke_conf = os.path.join(s.base, "dke-conf")
        with open(self.dke_conf, "wb") as f:
            f.write(settings(s.origin))
        super().__init__(s)

    def presence(self, signer, key_id, address=THERE):
        self.number += 1
        body, now, nonce = pages.write_presence(1, THERE), int(time.time()), os.urandom(16)
        base, _ = signature_base(signer, self.s.url, body, now, nonce, key_id, PATH)
        self.authd.send(PASSED, address + struct.pack(">Q", now) + nonce + key_id +
                        raw_signature(signer, base.encode()) + body, self.number)
        return self.number
