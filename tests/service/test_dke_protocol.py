# SPDX-License-Identifier: Apache-2.0
"""Every row of the tables of spec/profiles/ms-dke.md sections 2 to 3.4 and 7.1 over TLS, with
httpd as it runs and a stand-in for authd and keyd: so each code that they can answer is seen."""
import base64
import datetime
import hashlib
import re
import socket
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ObjectIdentifier

from certificates import DAY, Authority
from dke import (AUTHORIZATION, JSON, VECTORS, Connection, Stand, bearer, client_context,
                 request, vector, vectors)
from reader import dke as reader
from service import Service

ID = "F2DBF8CB-7B06-4ABA-B93A-CACAD13CD7BB"
PATH = "/TestKey1/%s/decrypt" % ID
BODY = b'{"alg":"RSA-OAEP-256","value":"AAAA"}'
FRONT = "Doublekey-Front"
STALE = 0xff01  # of RESULT


def modulus(name):
    key = load_pem_private_key((VECTORS / "keys" / (name + ".pem")).read_bytes(), None)
    n = key.public_key().public_numbers().n
    return n.to_bytes((n.bit_length() + 7) // 8, "big")


def public(name):
    return load_pem_private_key((VECTORS / "keys" / (name + ".pem")).read_bytes(), None).public_key()


KEYS = [("TestKey1", ID, modulus("dke-rsa2048")), ("k" * 64, "x", modulus("dke-rsa3072")),
        ("Large", "1", modulus("dke-rsa4096"))]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """For its files; nothing of it runs."""
    return Service(tmp_path_factory.mktemp("dke"))


@pytest.fixture(scope="module")
def people():
    return Authority("Example People")


@pytest.fixture(scope="module")
def front(service, people):
    """Certificate and key of a front, and its SHA-256."""
    path = service.base + "/front.pem"
    return path, people.issue(path, "front").fingerprint(hashes.SHA256())


@pytest.fixture(scope="module")
def stand(service, people, front):
    made = Stand(service, KEYS, clients=people, fronts=[front[1]])
    yield made
    said = made.end()
    assert "error" not in said, said


@pytest.fixture(autouse=True)
def fresh(stand):
    stand.answer, stand.asked = (0, bytes(range(44))), []


def decrypt(stand, headers=(), body=BODY, target=PATH):
    with stand.connect() as c:
        return c.ask("POST", target, [bearer(), JSON, *headers], body)


# ---- section 3: what is asked for ----

@pytest.mark.parametrize("path", vectors("target"), ids=lambda p: p.name)
def test_targets(stand, path):
    lines, parts = vector(path)
    method, target = parts["line"].decode().split(" ", 1)
    headers = [bearer(), JSON]
    got = stand.ask(method, target, headers, BODY if method == "POST" else None)
    if lines["expect"] == "success":
        assert got.status == 200
        asked = stand.asked[0] if stand.asked else None
        assert (asked and asked.id) == lines.get("id")
        kid = re.search(rb'"kid":"[^"]*/([^/"]*)/[^/"]*"', got.body)
        assert (asked.name if asked else kid[1].decode()) == lines["name"]
        return
    assert stand.asked == []
    if method == "HEAD":
        assert got.status == 405
        return
    status = {"not-found": 404, "method": 405, "http": 400}[lines["expect"]]
    assert got.error() == (status, lines["expect"])


def test_allow_is_the_other_method(stand):
    assert stand.ask("POST", "/TestKey1", [bearer()], b"").one("Allow") == "GET"
    assert stand.ask("GET", PATH).one("Allow") == "POST"
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        assert stand.ask(method, PATH).one("Allow") == "POST"
    assert stand.ask("GET", "/a/b/c").all("Allow") == []


@pytest.mark.parametrize("target", ["/v1/status", "/v1/ca", "/log/checkpoint", "/v1/keys/finance",
                                    "https://127.0.0.1/TestKey1", "*", "/TestKey1#x", "/TestKey1;x",
                                    "/TestKey1/" + ID, "/_x", "/-x", "/a\xc3\xa9"])
def test_no_path_of_the_native_listener_or_of_another_form(stand, target):
    assert stand.ask("GET", target).error() == (404, "not-found")


# ---- section 3.1: the public key ----

@pytest.mark.parametrize("name, key", [("TestKey1", "dke-rsa2048"), ("k" * 64, "dke-rsa3072"),
                                       ("Large", "dke-rsa4096")])
def test_public_keys_to_the_byte(stand, name, key):
    before = int(datetime.datetime.now(datetime.timezone.utc).timestamp())
    got = stand.ask("GET", "/" + name)
    after = int(datetime.datetime.now(datetime.timezone.utc).timestamp())
    got.check()
    assert got.status == 200 and got.one("Content-Type") == "application/json; charset=utf-8"
    id_ = {k[0]: k[1] for k in KEYS}[name]
    assert got.body in [reader.public_body(public(key), stand.base_url, name, id_, now, 24)
                        for now in range(before, after + 1)]
    assert stand.asked == []


@pytest.mark.parametrize("name", ["testkey1", "TestKey", "TestKey11", "k" * 63, "a", "zzz"])
def test_a_name_that_no_key_has(stand, name):
    assert stand.ask("GET", "/" + name).error() == (400, "unknown-key")


@pytest.fixture(scope="module")
def others(service):
    """Without a cache, with an audience of its own, and before keyd has said anything."""
    made = Stand(service, None, hours=0, audience="https://127.0.0.1/app")
    yield made
    made.end()


def test_keys_that_come_change_and_go(others):
    assert others.ask("GET", "/TestKey1").error() == (503, "unavailable")
    others.publish(KEYS)
    wait_for(lambda: others.ask("GET", "/TestKey1").status == 200)
    got = others.ask("GET", "/TestKey1").body
    assert got == reader.public_body(public("dke-rsa2048"), others.base_url, "TestKey1", ID, 0, 0)
    others.publish([("TestKey1", "2", modulus("dke-rsa3072"))])
    wait_for(lambda: others.ask("GET", "/TestKey1").body != got)
    assert others.ask("GET", "/TestKey1").body == reader.public_body(
        public("dke-rsa3072"), others.base_url, "TestKey1", "2", 0, 0)
    assert others.ask("GET", "/Large").error() == (400, "unknown-key")
    others.publish([])
    wait_for(lambda: others.ask("GET", "/TestKey1").status == 400)


# ---- sections 3.2 and 3.3: tokens and the challenge ----

def expected_challenge(stand, bad, audience=None):
    return reader.challenge(audience or stand.base_url, AUTHORIZATION, bad)


def challenge_of(got):
    got.check()
    assert got.status == 401 and got.body == b"" and got.one("Content-Length") == "0"
    return ("WWW-Authenticate: %s\r\nresource: %s\r\nauthorization: %s\r\n" % (
        got.one("WWW-Authenticate"), got.one("resource"), got.one("authorization"))).encode()


@pytest.mark.parametrize("path", vectors("authorization"), ids=lambda p: p.name)
def test_authorization(stand, path):
    lines, parts = vector(path)
    headers = [("Authorization", v) for v in parts["values"].decode().splitlines()]
    got = stand.ask("POST", PATH, [*headers, JSON], BODY)
    if lines["expect"] == "http":
        assert got.error() == (400, "http") and stand.asked == []
    elif lines["expect"] == "token":
        assert challenge_of(got) == expected_challenge(stand, True) and stand.asked == []
    elif lines.get("token") == "none":
        assert challenge_of(got) == expected_challenge(stand, False) and stand.asked == []
    else:
        assert got.status == 200
        token = stand.asked[0].token
        assert lines.get("token", token) == token
        assert lines.get("token-digest") in (None, hashlib.sha256(token.encode()).hexdigest())


@pytest.mark.parametrize("body", [b"", b"{", b"\0" * 4097, b"x" * 60000],
                         ids=["nothing", "half", "more", "much"])
@pytest.mark.parametrize("kind", [None, "text/plain", "application/json"])
def test_the_challenge_comes_before_the_body_is_looked_at(stand, body, kind):
    headers = [("Content-Type", kind)] if kind else []
    with stand.connect() as c:
        assert challenge_of(c.ask("POST", PATH, headers, body)) == expected_challenge(stand, False)
        # Of a name and id that are not there too, and the connection stays.
        assert challenge_of(c.ask("POST", "/a/b/decrypt", headers, body)) == \
            expected_challenge(stand, False)
    assert stand.asked == []


def test_the_challenge_has_the_audience_of_the_configuration(others):
    got = others.ask("POST", PATH, [("Host", "x")][:0], BODY)
    assert challenge_of(got) == expected_challenge(others, False, "https://127.0.0.1/app")


def test_the_vectors_of_the_challenge_are_what_this_file_expects():
    for path in vectors("challenge"):
        lines, parts = vector(path)
        assert reader.challenge(lines["audience"], lines["authorization"],
                                lines["bad"] == "1") == parts["headers"]


# ---- section 3.2: what goes on, and what comes back ----

def test_what_was_unwrapped(stand):
    for plain in (bytes(range(44)), b"\0", bytes(range(190)), b"\xff" * 45, b"ab", b"abc"):
        stand.answer = (0, plain)
        got = decrypt(stand)
        got.check()
        assert got.status == 200 and got.one("Content-Type") == "application/json; charset=utf-8"
        assert got.body == b'{"value":"%s"}' % base64.b64encode(plain)


def test_what_authd_is_told(stand):
    decrypt(stand)
    asked = stand.asked[0]
    assert asked.address == bytes(10) + b"\xff\xff\x7f\0\0\1"
    assert (asked.name, asked.id, asked.token) == ("TestKey1", ID, "a.b.c")
    assert (asked.json, asked.body, set(asked.claims)) == (1, BODY, {2})


@pytest.mark.parametrize("body", [b"", b"{}", b"\0\xff" * 2048, b"[" * 4096],
                         ids=["nothing", "object", "bytes", "deep"])
def test_the_body_goes_on_as_it_came(stand, body):
    assert decrypt(stand, body=body).status == 200
    assert stand.asked[0].body == body


@pytest.mark.parametrize("path", [p for p in vectors("body")], ids=lambda p: p.name)
def test_content_types(stand, path):
    lines, parts = vector(path)
    headers = [("Content-Type", lines["content-type"])] if "content-type" in lines else []
    stand.ask("POST", PATH, [bearer(), *headers], parts["body"])
    asked = stand.asked[0]
    assert asked.body == parts["body"]
    assert asked.json == (0 if lines["expect"] == "content-type" else 1)


@pytest.mark.parametrize("kind, taken", [
    ("application/json", 1), ("Application/JSON", 1), ("application/json;charset=utf-8", 1),
    ("application/json; CHARSET=UTF-8", 1), ('application/json ;  charset="utf-8"', 1),
    ("application/json;", 0), ("application/json; charset=utf-16", 0), ("application/jsonx", 0),
    ("application/json; charset=utf-8; x=y", 0), ("text/json", 0), ("", 0),
    ("application/json, application/json", 0), ('application/json; charset="utf-8', 0)])
def test_more_content_types(stand, kind, taken):
    stand.ask("POST", PATH, [bearer(), ("Content-Type", kind)], BODY)
    assert stand.asked[0].json == taken


ANSWERS = {  # of sections 3.4 and 10, by the numbers of spec/key-service.md section 8
    1: (400, "http"), 5: (400, "malformed-request"), 16: (400, "unknown-key"), 49: (400, "value"),
    50: (415, "content-type"), 21: (429, "budget"), 27: (503, "busy"), 28: (503, "unavailable"),
    41: (503, "unavailable"), 33: (503, "unavailable"), 34: (503, "unavailable"),
    43: (503, "unavailable"), 29: (500, "internal"), 4: (413, "too-large"),
    **{code: (403, "refused") for code in (14, 17, 18, 19, 20, 35, 36, 37, 44, 47, 48)},
}


@pytest.mark.parametrize("code", ANSWERS)
def test_every_code_has_its_answer(stand, code):
    stand.answer = (code, b"what no client may see")
    got = decrypt(stand)
    assert got.error() == ANSWERS[code]
    assert got.all("Retry-After") == (["1"] if got.status == 503 else [])


@pytest.mark.parametrize("code", [40, 45, 46], ids=["token", "token-quarantine", "token-client"])
def test_each_reason_of_a_token_looks_alike(stand, code):
    stand.answer = (code, b"")
    assert challenge_of(decrypt(stand)) == expected_challenge(stand, True)


@pytest.mark.parametrize("times", [0, 1, 2, 3, 9])
def test_what_is_stale_is_asked_again(stand, front, times):
    """Twice, as it came; then the client is told to ask again."""
    answers = iter([(STALE, b"")] * times)
    stand.answer = lambda asked: next(answers, (0, b"plain"))
    got = through(stand, front[0], ["network bob 192.0.2.7"])
    assert len(stand.asked) == min(times, 2) + 1
    assert got.error() == (503, "busy") if times > 2 else got.status == 200
    assert len({tuple(sorted((k, str(v)) for k, v in vars(a).items())) for a in stand.asked}) == 1


def test_a_result_that_is_none(stand):
    """Nothing unwrapped has another length; nothing is handed out then."""
    for plain in (b"", bytes(191)):
        stand.answer = (0, plain)
        assert decrypt(stand).error() == (500, "internal")


def test_a_client_that_goes_away(stand):
    """Its answer is nobody else's."""
    stand.answer = (None, b"")
    with stand.connect() as c:
        c.send(request("POST", PATH, [bearer(), JSON], BODY))
        wait_for(lambda: len(stand.asked) == 1)
    stand.answer = (0, b"mine")
    assert decrypt(stand).body == b'{"value":"bWluZQ=="}'


def wait_for(done):
    end = time.time() + 60
    while not done():
        assert time.time() < end
        time.sleep(0.01)


# ---- section 2: limits and HTTP ----

def test_many_on_one_connection(stand):
    with stand.connect() as c:
        for _ in range(20):
            assert c.ask("GET", "/TestKey1").status == 200
            assert c.ask("POST", PATH, [JSON], BODY).status == 401
            assert c.ask("POST", PATH, [bearer(), JSON], BODY).status == 200
            assert c.ask("GET", "/nobody").status == 400
        c.send(request("GET", "/Large") + request("GET", "/TestKey1"))
        assert b'"kid":"%s/Large/1"' % stand.base_url.encode() in c.answer().body
        assert b"/TestKey1/" in c.answer().body


def test_a_head_that_is_too_large(stand):
    """32,768 bytes are taken, one more is not."""
    size = len(request("GET", "/TestKey1", [("X", "")]))
    with stand.connect() as c:
        assert c.ask("GET", "/TestKey1", [("X", "a" * (32768 - size))]).status == 200
        got = c.ask("GET", "/TestKey1", [("X", "a" * (32769 - size))])
        assert got.error() == (431, "too-large")
        assert got.one("Connection") == "close" and c.closed()
    with stand.connect() as c:
        c.send(request("GET", "/TestKey1", [("X", "a" * 70000)]))
        assert c.answer().status in (400, 413, 431) and c.closed()


def test_a_body_that_is_too_large(stand):
    assert decrypt(stand, body=b"x" * 4096).status == 200
    with stand.connect() as c:
        got = c.ask("POST", PATH, [bearer(), JSON], b"x" * 4097)
        assert got.error() == (413, "too-large")
        assert got.one("Connection") == "close" and c.closed()
    with stand.connect() as c:
        c.send(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n" % PATH.encode())
        assert c.answer().status == 413 and c.closed()
    assert len(stand.asked) == 1


@pytest.mark.parametrize("what", {
    "two Authorization": [bearer(), bearer()], "two Content-Type": [bearer(), JSON, JSON],
    "two Host": [bearer(), ("Host", "x")], "chunks": [bearer(), ("Transfer-Encoding", "chunked")],
    "two lengths": [bearer(), ("Content-Length", "5")], "blank": [bearer(), ("X ", "y")],
    "control": [bearer(), ("X", "a\1b")], "folded": [bearer(), ("X", "a\r\n b")],
}.items(), ids=lambda w: w[0])
def test_what_is_no_http(stand, what):
    with stand.connect() as c:
        got = c.ask("POST", PATH, what[1], BODY)
        assert got.status == 400 and c.closed()
        assert got.body == b'{"error":"http"}' or b"HTML" in got.body
    assert stand.asked == []


def test_nothing_is_spoken_without_tls(stand):
    with socket.create_connection(("127.0.0.1", stand.port), 30) as c:
        c.sendall(request("GET", "/TestKey1"))
        assert b"HTTP" not in c.recv(65536)


# ---- section 7.1: fronts ----

def through(stand, pem, values, target=PATH):
    with Connection(stand.port, client_context(pem)) as c:
        return c.ask("POST", target, [bearer(), JSON, *((FRONT, v) for v in values)], BODY)


@pytest.mark.parametrize("value, kind, person, address", [
    ("certificate Alice@Contoso.com 192.0.2.7", 1, "alice@contoso.com",
     bytes(10) + b"\xff\xff\xc0\0\2\7"),
    ("network bob 2001:db8::1", 2, "bob", bytes.fromhex("20010db8" + "0" * 23 + "1")),
    ("network " + "p" * 254 + " ::ffff:192.0.2.7", 2, "p" * 254,
     bytes(10) + b"\xff\xff\xc0\0\2\7")])
def test_what_a_front_says(stand, front, value, kind, person, address):
    assert through(stand, front[0], [value]).status == 200
    asked = stand.asked[0]
    assert asked.front == (kind, front[1], person)
    assert asked.address == address
    assert asked.claims[1][0] == 1 and asked.claims[1][1:33] == front[1]


@pytest.mark.parametrize("values", [
    [], ["certificate a 192.0.2.7", "certificate a 192.0.2.7"], ["certificate a"], ["certificate"],
    [""], ["Certificate a 192.0.2.7"], ["vpn a 192.0.2.7"], ["certificate  a 192.0.2.7"],
    ["certificate a  192.0.2.7"], ["certificate a 192.0.2.7 x"], ["certificate a 192.0.2"],
    ["certificate a 192.0.2.7:80"], ["certificate a [::1]"], ["certificate a host"],
    ["certificate a\xe9 192.0.2.7"], ['certificate a"b 192.0.2.7'], ["certificate a,b 192.0.2.7"],
    ["certificate %s 192.0.2.7" % ("p" * 255)]], ids=lambda v: "|".join(v)[:40] or "none")
def test_what_a_front_may_not_say(stand, front, values):
    assert through(stand, front[0], values).error() == (400, "http")
    assert stand.asked == []
    with Connection(stand.port, client_context(front[0])) as c:
        assert c.ask("GET", "/TestKey1", [(FRONT, v) for v in values]).status == 400


def test_a_front_asks_for_public_keys(stand, front):
    with Connection(stand.port, client_context(front[0])) as c:
        assert c.ask("GET", "/TestKey1", [(FRONT, "network a 192.0.2.7")]).status == 200


def test_who_is_no_front(stand, service, people, front):
    """Nobody, another certificate of the CA, one of another CA; each without the header goes on."""
    value = "certificate a 192.0.2.7"
    other, foreign = service.base + "/other.pem", service.base + "/foreign.pem"
    people.issue(other, "other")
    Authority("Example People").issue(foreign, "front")
    for pem in (None, other, foreign):
        assert through(stand, pem, [value]).error() == (400, "http")
        assert stand.asked == []
        assert through(stand, pem, []).status == 200
        asked = stand.asked.pop()
        assert asked.front is None
        assert (asked.claims[1][0] if 1 in asked.claims else None) == \
            {None: None, other: 1, foreign: 2}[pem]


def test_a_front_whose_certificate_has_ended(service, people):
    """authd is told, and refuses it with a record."""
    path = service.base + "/old.pem"
    old = people.issue(path, "old", begin=-2 * DAY, end=-DAY).fingerprint(hashes.SHA256())
    made = Stand(service, KEYS, clients=people, fronts=[old])
    try:
        assert through(made, path, []).error() == (400, "http")
        assert through(made, path, ["certificate a 192.0.2.7"]).status == 200
        assert made.asked[0].front == (1, old, "a") and made.asked[0].claims[1][0] == 2
    finally:
        made.end()


def test_names_of_a_client_certificate(stand, service, people):
    """The UPN of a Windows account is one of them."""
    text = b"Alice@Contoso.com"
    upn = x509.OtherName(ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"),
                         b"\x0c" + bytes([len(text)]) + text)
    other = x509.OtherName(ObjectIdentifier("1.3.6.1.4.1.311.20.2.4"), b"\x0c\1x")
    number = x509.OtherName(ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x02\1\5")
    path = service.base + "/alice.pem"
    people.issue(path, "Alice", [upn, x509.RFC822Name("A@contoso.com"), other, number])
    assert through(stand, path, []).status == 200
    claim, names = stand.asked[0].claims[1], []
    at = 66
    for _ in range(claim[65]):
        names.append(claim[at + 1:at + 1 + claim[at]].decode())
        at += 1 + claim[at]
    assert names == ["cn:Alice", "upn:alice@contoso.com", "email:a@contoso.com"]
