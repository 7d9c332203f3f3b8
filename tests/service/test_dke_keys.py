# SPDX-License-Identifier: Apache-2.0
"""Signing keys of a tenant, spec/profiles/ms-dke.md sections 5.1 and 5.3: found through the
tenant's own metadata, and not used while they are new."""
import base64
import hashlib
import json
import os
import re
import struct
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import entra
import issuer as idp
from dke import JSON, DkeService, bearer
from key_server import redirect, running
from test_dke_token import OK, QUARANTINE, TOKEN, TOKEN_KEYS, Authd
from test_key_sets import until
from test_messages import text
from service import free_port
from test_metrics import figures, set_metrics
from test_policy import restart

DOCUMENT, KEYS = f"/{entra.TENANT}/v2.0/metadata", f"/{entra.TENANT}/keys"
KEY_SET, DONE, KNOWN, NEW, LOGGED = 0x001a, 0x001b, 0x0022, 0x0205, 0x0212
ACCEPT, ACCEPTED, ACCEPT_NEW = 0x0023, 0x0024, 0x0207
METADATA, METADATA_DONE = 0x0020, 0x0021
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
FIRST, SECOND, THIRD = entra.rsa("k1"), entra.rsa("k2"), entra.rsa("k3")


def thumbprint(key):
    public = key.export_public(as_dict=True)
    canonical = json.dumps({n: public[n] for n in ("e", "kty", "n")}, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class Tenant:
    def __init__(self, s, server):
        self.s, self.server = s, server
        self.serve(FIRST)
        self.metadata()
        restart(s, self.policy())
        self.wait_records(1)

    def serve(self, *keys):
        self.server.ways[KEYS] = entra.key_set(*keys)

    def metadata(self, **changes):
        made = {"issuer": entra.v2(), "jwks_uri": self.server.url(KEYS), "other": [1], **changes}
        self.server.ways[DOCUMENT] = json.dumps(made).encode()

    def policy(self, *more):
        return entra.section(
            f'metadata = "{self.server.url(DOCUMENT)}"', f'key-set-ca = "{self.server.ca}"',
            "key-set-refresh = 1", "key-set-max-age = 600", *more) + entra.rule()

    def records(self, kind="key-set"):
        found = map(json.loads, self.s.admin("log", "--json").stdout.splitlines())
        return [r for r in found if r["class"] == kind]

    def wait_records(self, n):
        return until(lambda: len(self.records()) >= n and self.records())

    def status(self, pattern):
        return re.search(pattern, self.s.admin("status").stdout, re.M)

    def new_keys(self):
        return re.findall(r"^NEW-KEY\tcontoso ([0-9a-f]{64}), in quarantine until \S+Z$",
                          self.s.admin("status").stdout, re.M)


@pytest.fixture
def tenant(ready, tmp_path):
    with running(tmp_path) as server:
        yield Tenant(ready, server)


def test_a_new_key_waits_and_can_be_accepted(tenant):
    tenant.s.metrics_port = free_port()
    set_metrics(tenant.s, "127.0.0.1:%d" % tenant.s.metrics_port)
    restart(tenant.s, tenant.policy())
    name = 'doublekey_key_quarantine_end_seconds{issuer="contoso"}'
    assert tenant.new_keys() == []  # those of the first set are none
    until(lambda: figures(tenant.s).get(name) == 0)
    tenant.serve(FIRST, SECOND)
    record = tenant.wait_records(2)[1]
    assert record["key_set"]["thumbprints"] == [thumbprint(FIRST), thumbprint(SECOND)]
    until(lambda: tenant.new_keys() == [thumbprint(SECOND)])
    until(lambda: figures(tenant.s)[name] > time.time() + 86000)
    assert "1 NEW in quarantine" in open(tenant.s.stderr).read()
    restart(tenant.s, tenant.policy())
    assert tenant.new_keys() == [thumbprint(SECOND)]
    for wrong in (("contoso", thumbprint(FIRST)), ("lab", thumbprint(SECOND)),
                  ("contoso", "0" * 64), ("contoso", "x" * 64), ("contoso", "00")):
        done = tenant.s.admin("tenant", "accept", *wrong, check=False)
        assert done.returncode != 0 and done.stderr, wrong
        bad = len(wrong[1]) != 64 or "x" in wrong[1]
        assert bad == ("%s: a thumbprint is 64 hex digits" % wrong[1] in done.stderr), done.stderr
    assert tenant.records("key-accepted") == []
    done = tenant.s.admin("tenant", "accept", "contoso", thumbprint(SECOND).upper())
    assert done.stdout == "the key is in use\n"
    made, = tenant.records("key-accepted")
    assert made["note"] == "contoso " + thumbprint(SECOND)
    assert [f["type"] for f in made["factors"]] and made["decision"] == "done"
    assert tenant.new_keys() == []
    until(lambda: figures(tenant.s)[name] == 0)
    restart(tenant.s, tenant.policy())
    assert tenant.new_keys() == []


def test_documents_that_are_not_good(tenant):
    """The last good set stays, and nothing else is asked for."""
    server = tenant.server
    good = json.loads(server.ways[DOCUMENT])
    ways = [json.dumps({**good, "jwks_uri": server.url("/common/keys")}).encode(),
            json.dumps({**good, "issuer": entra.v2(entra.OTHER)}).encode(),
            redirect(server.url(KEYS))]
    before = len(tenant.records())
    for way in ways:
        tenant.metadata()
        until(lambda: not tenant.status(r"^key-set\tcontoso .*last one"))
        seen = len(server.seen)
        server.ways[DOCUMENT] = way
        until(lambda: tenant.status(r"^key-set\tcontoso fetched .* failures, the last one "))
        after = [path for path, _, _ in server.seen[seen:]]
        assert DOCUMENT in after and set(after) <= {DOCUMENT, KEYS}, way
    assert len(tenant.records()) == before


# ---- what becomes of tokens: authd, with the test in the place of its parent ----

class Keyed(Authd):
    def __init__(self, folder, *more, **sets):
        line = f'key-set = "{entra.v2()}/keys"'
        super().__init__(folder, entra.section(line, *more) + entra.rule(), **sets)

    def exchange(self, kind, payload, asks, code=0):
        """A change that keyd records, or not; what authd said before it was done."""
        parent, keyd = self.child.channel["parent"], self.child.channel["keyd"]
        self.number += 1
        parent.send(kind, payload, self.number)
        number, said = keyd.expect(asks)
        assert number == self.number
        keyd.send(LOGGED, struct.pack(">H", code), number)
        known = None
        while True:
            got, number, data = parent.receive()
            if got == KNOWN:
                known = data
            elif got in (DONE, ACCEPTED):
                assert number == self.number and data[:2] == struct.pack(">H", code)
                return known, said

    def take(self, *keys, code=0):
        payload = text(b"contoso") + struct.pack(">Q", int(time.time())) + bytes(32)
        return self.exchange(KEY_SET, payload + entra.key_set(*keys), NEW, code)[0]

    def accept(self, key, code=0):
        payload = struct.pack(">I", 0) + text(b"contoso") + bytes.fromhex(thumbprint(key))
        known, said = self.exchange(ACCEPT, payload, ACCEPT_NEW, code)
        assert said == payload
        return known

    def codes(self, *keys):
        return [self.code(entra.token(key, entra.claims())) for key in keys]


def known_keys(data):
    assert data[:8] == text(b"contoso")
    return {data[i:i + 32].hex(): int.from_bytes(data[i + 32:i + 40], "big")
            for i in range(8, len(data), 40)}


def test_tokens_of_new_keys(tmp_path):
    process = Keyed(tmp_path)
    assert process.codes(FIRST) == [TOKEN_KEYS]
    assert known_keys(process.take(FIRST)) == {thumbprint(FIRST): 0}
    assert process.codes(FIRST, SECOND) == [OK, TOKEN]
    # nothing counts whose record is not durable
    assert process.take(FIRST, SECOND, code=28) is None
    assert process.codes(FIRST, SECOND) == [OK, TOKEN]
    known = known_keys(process.take(FIRST, SECOND))
    assert abs(known[thumbprint(SECOND)] - time.time() - 86400) < 60
    assert process.codes(FIRST, SECOND) == [OK, QUARANTINE]
    assert process.accept(SECOND, code=28) is None
    assert process.codes(FIRST, SECOND) == [OK, QUARANTINE]
    assert known_keys(process.accept(SECOND))[thumbprint(SECOND)] == 0
    assert process.codes(FIRST, SECOND) == [OK, OK]
    # one that left is not used, and not new when it comes back
    process.take(SECOND, THIRD)
    assert process.codes(FIRST, SECOND, THIRD) == [TOKEN, OK, QUARANTINE]
    assert process.take(FIRST, SECOND) is None
    assert process.codes(FIRST, SECOND, THIRD) == [OK, OK, TOKEN]
    # neither is the quarantine over because it left
    process.take(FIRST, THIRD)
    assert process.codes(FIRST, THIRD) == [OK, QUARANTINE]
    process.child.end()


def test_what_was_kept(tmp_path):
    """A start with a set, and with what is known of it."""
    def start(name, known, *keys, options=()):
        folder = tmp_path / name
        folder.mkdir()
        data = entra.key_set(*keys)
        made = Keyed.__new__(Keyed)
        packed = idp.sets(fetched=int(time.time()), contoso=data)[:-2]
        packed += struct.pack(">H", len(known)) + b"".join(
            bytes.fromhex(thumbprint(k)) + struct.pack(">Q", t) for k, t in known)
        line = f'key-set = "{entra.v2()}/keys"'
        made.start(folder, entra.section(line, *options) + entra.rule(), packed)
        return made

    later = int(time.time()) + 3600
    process = start("kept", [(FIRST, 0), (SECOND, later), (THIRD, 1)], FIRST, SECOND, THIRD)
    assert process.codes(FIRST, SECOND, THIRD) == [OK, QUARANTINE, OK]
    process.child.end()
    process = start("not-known", [(FIRST, 0)], FIRST, SECOND)
    assert process.codes(FIRST, SECOND) == [OK, QUARANTINE]
    process.child.end()
    process = start("short", [(FIRST, 0)], FIRST, SECOND, options=["key-quarantine = 0"])
    assert process.codes(FIRST, SECOND) == [OK, OK]
    process.child.end()
    process = start("first", [], FIRST, SECOND)
    assert process.codes(FIRST, SECOND) == [OK, OK]
    process.child.end()


def test_each_document(tmp_path):
    """METADATA, which is answered with the one address to fetch from, or with none."""
    server = "https://login.microsoftonline.com"
    policy = entra.section(f'metadata = "{entra.v2()}/.well-known/openid-configuration"')
    process = Authd(tmp_path, policy + entra.rule())
    parent = process.child.channel["parent"]

    def ask(document, name=b"contoso"):
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        parent.send(METADATA, text(name) + data, 9)
        number, answer = parent.expect(METADATA_DONE)
        assert number == 9
        return int.from_bytes(answer[:2], "big"), answer[2:].decode()

    keys = f"{server}/{entra.TENANT}/discovery/v2.0/keys"
    good = {"issuer": entra.v2(), "jwks_uri": keys, "more": {"a": [1]}}
    for more in ({}, {"issuer": entra.v1()}, {"jwks_uri": keys + "?appid=x"}):
        assert ask({**good, **more}) == (0, {**good, **more}["jwks_uri"])
    for wrong in ({"issuer": entra.v2(entra.OTHER)}, {"issuer": entra.v2() + "/"}, {"issuer": None},
                  {"issuer": [entra.v2()]}, {"jwks_uri": None}, {"jwks_uri": [keys]},
                  {"jwks_uri": f"{server}/common/discovery/v2.0/keys"},
                  {"jwks_uri": f"{server}/{entra.OTHER}/keys"},
                  {"jwks_uri": f"{server}/x{entra.TENANT}/keys"},
                  {"jwks_uri": f"{server}/common/keys?{entra.TENANT}"},
                  {"jwks_uri": f"{server}/common/keys?/{entra.TENANT}/"},
                  {"jwks_uri": f"{server}:443/{entra.TENANT}/keys"},
                  {"jwks_uri": f"{server}.evil.example/{entra.TENANT}/keys"},
                  {"jwks_uri": f"{server}@evil.example/{entra.TENANT}/keys"},
                  {"jwks_uri": keys.replace("https", "http")}, {"jwks_uri": keys + "#a"},
                  {"jwks_uri": keys + "/" + "a" * 200}, {"jwks_uri": keys + "\u0000"}):
        code, why = ask({**good, **wrong})
        assert code != 0 and why, wrong
    data = json.dumps(good).encode()
    for wrong in (b"", b"[]", data[:-1], data[:-1] + b',"issuer":"x"}', data + data, b"\xff",
                  b'{"a":' * 2000):
        assert ask(wrong)[0] != 0, wrong[:40]
    assert ask(good, b"lab")[0] != 0
    assert ask(good)[0] == 0
    process.child.end()


# ---- the whole service ----

class Whole(DkeService):
    def __init__(self, base, server):
        super().__init__(base)
        self.server, self.age = server, 600

    def policy(self):
        return entra.section(
            f'metadata = "{self.server.url(DOCUMENT)}"', f'key-set-ca = "{self.server.ca}"',
            "key-set-refresh = 1", f"key-set-max-age = {self.age}").replace(
                entra.AUDIENCE, f"https://{self.host}") + entra.rule()

    def decrypt(self, key):
        public = json.loads(self.ask("GET", "/Docs").body)["key"]
        modulus = int.from_bytes(base64.b64decode(public["n"]), "big")
        value = rsa.RSAPublicNumbers(65537, modulus).public_key().encrypt(b"k" * 32, OAEP)
        body = {"alg": "RSA-OAEP-256", "value": base64.b64encode(value).decode()}
        path = public["kid"].removeprefix("https://" + self.host) + "/decrypt"
        token = entra.token(key, entra.claims(aud=f"https://{self.host}"))
        got = self.ask("POST", path, [bearer(token), JSON], json.dumps(body).encode())
        if got.status == 200:
            assert base64.b64decode(json.loads(got.body)["value"]) == b"k" * 32
        return got.status

    def denials(self):
        found = map(json.loads, self.admin("log", "--json").stdout.splitlines())
        return [r for r in found if r["class"] == "denial"]


def test_the_whole_way(tmp_path):
    """Who has put a key of its own into the key set of the tenant gets nothing by it, and can
    be seen, before somebody has accepted it."""
    (tmp_path / "server").mkdir()
    with running(tmp_path / "server") as server:
        s = Whole(tmp_path, server)
        server.ways[KEYS] = entra.key_set(FIRST)
        server.ways[DOCUMENT] = json.dumps(
            {"issuer": entra.v1(), "jwks_uri": server.url(KEYS)}).encode()
        with open(os.path.join(s.dir, "policy.conf"), "w") as f:
            f.write(s.policy())
        s.start()
        try:
            story(s)
        finally:
            s.stop()


def story(s):
    s.admin("key", "create", "docs", "--type", "dke-rsa2048", "--dke-name", "Docs")
    until(lambda: s.decrypt(FIRST) == 200)
    assert s.decrypt(SECOND) == 401
    s.server.ways[KEYS] = entra.key_set(FIRST, SECOND)
    until(lambda: "NEW-KEY\tcontoso " + thumbprint(SECOND) in s.admin("status").stdout)
    before = len(s.denials())
    assert (s.decrypt(FIRST), s.decrypt(SECOND)) == (200, 401)
    denial, = s.denials()[before:]
    assert denial["reason"] == "token-quarantine"
    shown, = denial["factors"]
    assert (shown["thumbprint"], shown["kid"], shown["jti"]) == (thumbprint(SECOND), "k2", "u-1")
    assert abs(shown["iat"] - time.time()) < 600
    s.admin("tenant", "accept", "contoso", thumbprint(SECOND))
    assert (s.decrypt(FIRST), s.decrypt(SECOND)) == (200, 200)
    # nobody answers any more: the last good set counts for its time
    s.server.down()
    assert s.decrypt(FIRST) == 200
    s.age = 5
    with open(os.path.join(s.dir, "policy.conf"), "w") as f:
        f.write(s.policy())
    s.admin("policy", "reload")
    until(lambda: s.decrypt(FIRST) == 503)
    assert s.denials()[-1]["reason"] == "token-keys"
    s.server.up()
    until(lambda: s.decrypt(FIRST) == 200)
