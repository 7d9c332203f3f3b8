# SPDX-License-Identifier: Apache-2.0
"""Requests of Microsoft's protocol as authd judges them: the real process, with the test in
the place of httpd and of keyd, and tokens of an issuer of its own."""
import base64
import hashlib
import hmac
import json
import os
import struct
import time

import pytest
from jwcrypto.common import base64url_encode as b64

import entra
import issuer as idp
from peers import Child
from reader.schedule import info
from test_messages import claim, claims, dke_decrypt, dke_names, names, text

OK, CONTENT_TYPE, MALFORMED, POLICY = 0, 50, 5, 20
TOKEN, TOKEN_KEYS, QUARANTINE, CLIENT = 40, 41, 45, 46
GATE, FRONT_PERSON, CANARY, CERTIFICATE = 44, 47, 48, 36
C, C_MINUS, AMBIENT = 3, 4, 6
DECRYPT, JUDGED = 0x0104, 0x0208
VALUE = bytes(range(256))
DOCUMENT = hashlib.sha256(VALUE).digest()
BODY = json.dumps({"alg": "RSA-OAEP-256", "value": base64.b64encode(VALUE).decode()}).encode()
KEY, OTHER_KEY, EC_KEY = entra.rsa(), entra.rsa(), entra.ec()


class Judged:
    """DKE_JUDGED by spec/ipc.md."""

    def __init__(self, data):
        self.data = data
        self.told, = struct.unpack(">Q", self.take(8))
        self.policy = self.take(32)
        self.code, self.level, count = struct.unpack(">HBB", self.take(4))
        self.charges = [(self.take(32), *struct.unpack(">III", self.take(12))) for _ in range(count)]
        self.fields = []
        for _ in range(self.take(1)[0]):
            tag, size = struct.unpack(">HH", self.take(4))
            self.fields.append((tag, self.take(size)))
        self.address, self.person = self.take(16), self.text()
        self.token_digest = self.take(32)
        self.until, = struct.unpack(">Q", self.take(8))
        self.name, self.id = self.text(), self.text()
        self.value = self.take(int.from_bytes(self.take(2), "big"))
        assert self.data == b""

    def take(self, size):
        assert len(self.data) >= size
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def text(self):
        return self.take(self.take(1)[0]).decode()

    def field(self, tag):
        found = [value for t, value in self.fields if t == tag]
        assert len(found) <= 1
        return found[0] if found else None


class Authd:
    def __init__(self, folder, policy, **key_sets):
        self.start(folder, policy, idp.sets(**key_sets))

    def start(self, folder, policy, sets):
        self.folder, self.number = str(folder), 100
        files = [self.file("policy", policy.encode()), self.file("sets", sets),
                 os.open("/dev/null", os.O_RDONLY)]
        self.child = Child("authd", files, "/")
        for fd in files:
            os.close(fd)
        self.digest = hashlib.sha256(policy.encode()).digest()

    def file(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(data)
        return os.open(path, os.O_RDONLY)

    def ask(self, token, *more, body=BODY, json_=1, key=b"Docs"):
        data = token if isinstance(token, bytes) else token.encode()
        shown = sorted([claim(2, data), *more])
        self.child.channel["httpd"].send(
            DECRYPT, dke_decrypt(claims(*shown), dke_names(key), json_, body))
        judged = Judged(self.child.channel["keyd"].expect(JUDGED)[1])
        assert judged.policy == self.digest
        assert judged.token_digest == hashlib.sha256(data).digest()
        return judged

    def code(self, *args, **more):
        return self.ask(*args, **more).code


@pytest.fixture(scope="module")
def authd(tmp_path_factory):
    """Two tenants, whose keys have one kid; the second one has an EC key too."""
    made = Authd(tmp_path_factory.mktemp("authd"),
                 entra.section() + entra.section(title="lab", tenant=entra.OTHER) + entra.rule()
                 + entra.rule(title="lab", tenants='{"lab"}'),
                 contoso=entra.key_set(KEY, EC_KEY), lab=entra.key_set(OTHER_KEY))
    yield made
    said = made.child.end()
    assert "Sanitizer" not in said, said


def good(**changes):
    return entra.token(KEY, entra.claims(**changes))


@pytest.fixture(autouse=True)
def still_good(request):
    """The control of each test: a token that has nothing wrong, before and behind."""
    if "authd" not in request.fixturenames:
        yield
        return
    process = request.getfixturevalue("authd")
    assert process.code(good()) == OK
    yield
    assert process.code(good()) == OK


def test_what_keyd_is_told(authd):
    for version in (1, 2):
        token = good(version=version)
        judged = authd.ask(token)
        assert (judged.code, judged.level, judged.person) == (OK, C_MINUS, entra.ALICE)
        assert (judged.name, judged.id, judged.value) == ("Docs", "9f1c", VALUE)
        assert judged.address == bytes(16) and judged.charges == []
        public = KEY.export_public(as_dict=True)
        canonical = json.dumps({n: public[n] for n in ("e", "kty", "n")}, separators=(",", ":"))
        issuer = entra.v1() if version == 1 else entra.v2()
        issued = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["iat"]
        assert judged.field(19) == (hashlib.sha256(canonical.encode()).digest()
                                    + struct.pack(">Q", issued) + text(issuer.encode())
                                    + text(b"k1") + text(b"u-1"))
        assert (judged.field(23), judged.field(24)) == (entra.OFFICE.encode(), b"dke")
    assert authd.code(entra.token(KEY, entra.claims(), "PS256")) == OK


def test_algorithms(authd):
    none = b64(b'{"alg":"none","kid":"k1"}') + "." + b64(json.dumps(entra.claims()))
    assert authd.code(none + ".") == TOKEN and authd.code(none + ".AAAA") == TOKEN
    # the public key taken for one of HS256
    head = b64(b'{"alg":"HS256","kid":"k1"}') + "." + b64(json.dumps(entra.claims()))
    for secret in (KEY.export_to_pem(), KEY.export_public().encode()):
        mac = hmac.new(secret, head.encode(), hashlib.sha256).digest()
        assert authd.code(head + "." + b64(mac)) == TOKEN
    for alg in ("RS384", "RS512", "PS512"):
        assert authd.code(entra.token(KEY, entra.claims(), alg)) == TOKEN
    # it stands in the set and signs as it should, but by no algorithm of this profile
    assert authd.code(entra.token(EC_KEY, entra.claims(), "ES256")) == TOKEN


def test_keys_of_others(authd):
    """Both tenants have a key k1."""
    assert authd.code(entra.token(OTHER_KEY, entra.claims())) == TOKEN
    lab = {"tenant": entra.OTHER}
    assert authd.ask(entra.token(OTHER_KEY, entra.claims(**lab))).field(24) == b"lab"
    assert authd.code(entra.token(KEY, entra.claims(**lab))) == TOKEN
    for wrong in ({"tid": entra.OTHER}, {"iss": entra.v1(entra.OTHER)}, {"tid": None},
                  {"iss": "https://login.microsoftonline.com/common/v2.0"}):
        assert authd.code(good(**wrong)) == TOKEN, wrong
    evil = entra.rsa("k1")
    for header in ({}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/x"},
                   {"jwk": evil.export_public(as_dict=True)}, {"x5c": ["AAAA"]}):
        assert authd.code(entra.token(evil, entra.claims(), **header)) == TOKEN
        assert authd.code(entra.token(KEY, entra.claims(), **header)) == OK
    for header in ({"crit": ["exp"], "exp": 1}, {"b64": True}, {"zip": "DEF"}, {"kid": "k2"},
                   {"kid": None}, {"typ": "logout+jwt"}):
        if "crit" in header or "b64" in header:
            continue  # the library would not sign such a thing; ms-dke/ has them
        assert authd.code(entra.token(KEY, entra.claims(), **header)) == TOKEN, header


def test_times_and_claims(authd):
    now = int(time.time())
    for wrong in ({"exp": now - 1}, {"exp": now + 90000}, {"iat": now + 600}, {"nbf": now + 600},
                  {"iat": now - 6000}, {"exp": None}, {"iat": None}, {"exp": str(now + 60)},
                  {"iat": 2**62, "exp": 2**62 + 1}, {"aud": entra.AUDIENCE + "/"},
                  {"aud": [entra.AUDIENCE]}, {"aud": None}, {"scp": "other"}, {"scp": None},
                  {"scp": "User_impersonation"}, {"ver": "3.0"}, {"ver": None}, {"idtyp": "app"}):
        judged = authd.ask(good(**wrong))
        assert judged.code == TOKEN and judged.person == "", wrong
    assert authd.code(good(scp="a user_impersonation b")) == OK
    for wrong in ({"appid": entra.TENANT}, {"appid": None}, {"azp": entra.OFFICE},
                  {"appid": entra.OFFICE.upper()}):
        assert authd.code(good(**wrong)) == CLIENT, wrong


def test_persons(authd):
    for same in ("ALICE@CONTOSO.COM", "alice@contoso.com"):
        assert authd.ask(good(upn=same)).person == entra.ALICE
    for wrong in ("\u0430lice@contoso.com", "alice@c\u03bfntoso.com", "alice@contoso.com ",
                  " alice@contoso.com", "alice@contoso.com\u200b", "\uff41lice@contoso.com",
                  "alice\u0000@contoso.com", "al\u0131ce@contoso.com", "\u212alice@contoso.com", "",
                  "a" * 255, 7, [entra.ALICE], {"a": 1}):
        # no other claim is tried in its place
        assert authd.code(good(upn=wrong, email=entra.ALICE)) == TOKEN, wrong
    assert authd.code(good(upn=None, email="Alice@Contoso.com")) == OK
    assert authd.code(good(upn=None)) == TOKEN
    assert authd.code(good(upn=None, preferred_username=entra.ALICE)) == TOKEN
    assert authd.code(good(upn="bob@contoso.com")) == POLICY


def test_forms(authd):
    payload = json.dumps(entra.claims())
    twice = payload[:-1] + ',"upn":"alice@contoso.com"}'
    for name, data in (("twice", twice), ("deep", payload[:-1] + ',"x":' + "[" * 8 + "]" * 8 + "}"),
                       ("list", "[" + payload + "]"), ("two", payload * 2), ("number", "1")):
        assert authd.code(entra.token(KEY, data.encode())) == TOKEN, name
    inner = entra.token(KEY, entra.claims())
    assert authd.code(entra.token(KEY, inner.encode(), cty="JWT")) == TOKEN
    head, body, signature = inner.split(".")
    for wrong in (head, head + "." + body, head + "." + body + ".", inner + "=", inner + ".x",
                  head + "." + body + "." + signature[:-4], "." * 14336, "a" * 14336):
        assert authd.code(wrong) == TOKEN, wrong[:40]
    huge = good(pad="x" * 10000)
    assert 13500 < len(huge) <= 14336 and authd.code(huge) == OK


def test_bodies_come_behind_the_token(authd):
    bad = good(aud="https://other.example")
    assert authd.code(bad, body=b"", json_=0) == TOKEN
    assert authd.code(good(), json_=0) == CONTENT_TYPE
    for body in (b"", b"{}", b"[]", BODY[:-1], BODY + b"x", BODY.replace(b"-256", b""),
                 BODY.replace(b'"value"', b'"alg"'), b'{"alg":"RSA-OAEP-256","value":""}'):
        judged = authd.ask(good(), body=body)
        assert (judged.code, judged.value, judged.person) == (MALFORMED, b"", entra.ALICE), body
        assert judged.field(19) and judged.field(24) is None
    assert authd.code(good(), body=b"", key=b"Other") == MALFORMED
    assert authd.code(good(), key=b"Other") == POLICY
    assert authd.code(good(), key=b"docs") == POLICY


def front(kind, person=entra.ALICE):
    return claim(5, bytes([kind]) + b"\x11" * 32 + person.encode())


def test_gates(tmp_path):
    policy = entra.section() + "".join(
        entra.rule(title=gate, keys='{"%s"}' % gate, gates='{"%s"}' % gate, level=level)
        for gate, level in (("client-certificate", ""), ("front-certificate", ""),
                            ("front-network", 'accept-level = "C- (ambient)"')))
    process = Authd(tmp_path, policy, contoso=entra.key_set(KEY))
    certificate = claim(1, names(b"cn:alice", b"email:alice@contoso.com"))
    principal = claim(1, names(b"upn:Alice@Contoso.com"))
    fails = claim(1, names(b"email:alice@contoso.com", state=2))
    bob = claim(1, names(b"email:bob@contoso.com", b"cn:alice@contoso.com"))
    of_front = claim(1, names(b"dns:front.example"))
    both = {"client-certificate": b"", "front-certificate": struct.pack(">HBQ", 7, 2, 1),
            "front-network": struct.pack(">HBQ", 7, 2, 2)}
    for gate, shown, level in (
            ("client-certificate", [certificate], C), ("client-certificate", [principal], C),
            ("front-certificate", [of_front, front(1)], C),
            ("front-certificate", [of_front, front(1, "ALICE@contoso.com")], C),
            ("front-network", [of_front, front(2)], AMBIENT)):
        judged = process.ask(good(), *shown, key=gate.encode())
        assert (judged.code, judged.level) == (OK, level), gate
        assert (judged.field(16) or b"") == both[gate] and judged.field(20) == bytes(64)
    for gate, shown, code in (
            ("client-certificate", [], GATE), ("client-certificate", [fails], GATE),
            ("client-certificate", [bob], GATE),
            # that of the front is none of a person, even if it says so
            ("client-certificate", [certificate, front(1)], GATE),
            ("front-certificate", [certificate], GATE),
            ("front-certificate", [of_front, front(2)], GATE),
            ("front-network", [of_front, front(1)], GATE),
            ("front-certificate", [front(1)], CERTIFICATE),
            ("front-certificate", [fails, front(1)], CERTIFICATE),
            ("front-certificate", [of_front, front(1, "bob@contoso.com")], FRONT_PERSON)):
        judged = process.ask(good(), *shown, key=gate.encode())
        assert (judged.code, judged.level) == (code, 0), (gate, shown)
    process.child.end()


def counter(label, title, whose):
    return hashlib.sha256(info(label, title.encode() + b"\0" + whose)).digest()


def test_budgets_and_canaries(tmp_path):
    canary = "ab" * 32
    policy = entra.section() + entra.rule(
        "per-minute = 3", "per-day = 9", "document-per-day = 4", "key-per-day = 100",
        'canaries = {"%s", "%s"}' % (canary, hashlib.sha256(b"bait").hexdigest()))
    process = Authd(tmp_path, policy, contoso=entra.key_set(KEY))
    assert process.ask(good()).charges == [
        (counter("budget-person", "dke", entra.ALICE.encode()), 1, 3, 9),
        (counter("budget-document", "dke", DOCUMENT), 1, 0, 4),
        (counter("budget-key", "dke", b"Docs"), 1, 0, 100)]
    bait = json.dumps({"alg": "RSA-OAEP-256", "value": base64.b64encode(b"bait").decode()}).encode()
    for person in (entra.ALICE, "mallory@contoso.com"):
        judged = process.ask(good(upn=person), body=bait)
        assert (judged.code, judged.charges, judged.value) == (CANARY, [], b"bait")
        assert judged.field(24) == b"dke"
    assert process.code(good(aud="https://x.example"), body=bait) == TOKEN
    process.child.end()


def test_without_keys(tmp_path):
    """A tenant whose set is fetched and has not come."""
    policy = entra.section(key_set=f'key-set = "{entra.v2()}/keys"') + entra.rule()
    process = Authd(tmp_path, policy)
    assert process.code(good()) == TOKEN_KEYS
    process.child.end()


def test_texts_of_a_list_that_is_none_are_nobodys(tmp_path):
    """Also when the token comes again, and authd need not verify it anew."""
    role = entra.rule().replace('users = {"%s"}' % entra.ALICE, 'roles = {"reader"}')
    process = Authd(tmp_path, entra.section() + role, contoso=entra.key_set(KEY))
    try:
        for changes, code in (({"groups": ["reader", 5], "roles": ["writer"]}, POLICY),
                              ({"groups": ["writer"], "roles": ["reader"]}, OK)):
            token = good(**changes)
            assert [process.code(token) for _ in range(3)] == 3 * [code]
    finally:
        process.child.end()
