# SPDX-License-Identifier: Apache-2.0
"""Microsoft's protocol with the whole service: what the vectors of spec/vectors/ms-dke say of
bodies, values and tokens, and every way from a request to its answer and its record."""
import base64
import functools
import hashlib
import json
import os
import re
import struct
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import entra
from certificates import DAY, Authority, ca_certificate
from dke import JSON, VECTORS, DkeService, bearer, request, vector, vectors, write
from reader import dke as reader
from service import BUILD
from test_clock import Clocked

NOW = 1929000000  # that of the vectors
LATER = 4000 * DAY
ID = "F2DBF8CB-7B06-4ABA-B93A-CACAD13CD7BB"
PATH = "/TestKey1/%s/decrypt" % ID
KEYS = {"dke-rsa2048": ("TestKey1", ID), "dke-rsa3072": ("Three", "three"),
        "dke-rsa4096": ("Four", "4")}
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
# A service does not take them, and the one that was there stays.
NO_KEY_SETS = {"token_kid_129", "token_no_keys"}
BLOB = bytes.fromhex("2c00ffff2000100002100000") + bytes(range(32))
ISSUER = entra.rsa()
BAIT = bytes(range(256))


@functools.lru_cache
def private(name):
    return load_pem_private_key((VECTORS / "keys" / (name + ".pem")).read_bytes(), None)


def wrapped(key):
    """A value for what GET shows, in base64."""
    n = int.from_bytes(base64.b64decode(key["n"]), "big")
    return base64.b64encode(
        rsa.RSAPublicNumbers(65537, n).public_key().encrypt(BLOB, OAEP)).decode()


def asking(value):
    return json.dumps({"alg": "RSA-OAEP-256", "value": value}).encode()


def policy(*more):
    return entra.section("key-quarantine = 0") + "".join(more)


class LaterAuthority(Authority):
    """One that is there in the year of the vectors."""

    def __init__(self):
        super().__init__("Example People")
        self.certificate = ca_certificate(self.key, self.title, -DAY, LATER)

    def issue(self, path, cn, names=()):
        return super().issue(path, cn, names, end=LATER)


def rule(title, keys, **more):
    return entra.rule(title=title, keys="{%s}" % ", ".join('"%s"' % k for k in keys), **more)


POLICY = policy(
    rule("few", ["Few"], users='{"few@contoso.com"}').replace(
        "allow", "per-minute = 2\nallow"),
    rule("gated", ["Gated"], gates='{"client-certificate or front-certificate"}', level=""),
    rule("bait", ["Bait"]).replace(
        "allow", 'canaries = {"%s"}\nallow' % hashlib.sha256(BAIT).hexdigest()),
    rule("all", ["TestKey1", "Three", "Four", "Docs"]))


class Whole(DkeService, Clocked):
    host = "dke.contoso.com"

    def __init__(self, base):
        self.people = LaterAuthority()
        super().__init__(base)
        self.front = os.path.join(self.base, "front.pem")
        digest = self.people.issue(self.front, "front").fingerprint(hashes.SHA256()).hex()
        write(os.path.join(self.dir, "people.pem"), self.people.pem())
        self.options.update({"dke-client-ca": '"people.pem"', "dke-fronts": '{"%s"}' % digest})
        self.configure()
        write(os.path.join(self.dir, "policy.conf"), POLICY.encode())
        os.makedirs(os.path.join(self.dir, "issuers"), exist_ok=True)
        self.keys_of_tenant(entra.key_set(ISSUER))
        self.to_now()

    def to_now(self):
        self.jump(NOW - int(time.time()))

    def keys_of_tenant(self, data):
        self.key_set = data
        write(os.path.join(self.dir, "issuers", "contoso.jwks"), data)

    def use_keys_of_tenant(self, data):
        if data != self.key_set:
            self.keys_of_tenant(data)
            self.admin("policy", "reload")

    @functools.lru_cache
    def token(self, **more):
        return entra.token(ISSUER, entra.claims(now=NOW, **more))

    @functools.lru_cache
    def value(self, name="dke-rsa2048", plain=BLOB):
        return base64.b64encode(private(name).public_key().encrypt(plain, OAEP)).decode()

    def decrypt(self, target=PATH, body=None, token=None, headers=(), pem=None):
        body = asking(self.value()) if body is None else body
        with self.connect(pem) as c:
            return c.ask("POST", target, [bearer(token or self.token()), JSON, *headers], body)

    def kid(self, name):
        body = json.loads(self.ask("GET", "/" + name).body)
        return body["key"]["kid"].removeprefix("https://" + self.host)

    def records(self):
        """Lines of releases and denials of this front end."""
        return [line for line in self.log().splitlines() if "release" in line]


@pytest.fixture(scope="module")
def s(tmp_path_factory):
    made = Whole(tmp_path_factory.mktemp("dke"))
    made.start()
    for name, (dke_name, id_) in KEYS.items():
        file = str(VECTORS / "keys" / (name + ".pem"))
        made.admin("key", "import", name, file, "--dke-name", dke_name, "--dke-id", id_)
    for name in ("few", "gated", "other", "bait"):
        made.admin("key", "create", name, "--type", "dke-rsa2048", "--dke-name", name.capitalize())
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def clock(s):
    s.to_now()
    s.use_keys_of_tenant(entra.key_set(ISSUER))


def is_challenge(s, got, bad=True):
    got.check()
    url = "https://" + s.host
    made = "WWW-Authenticate: %s\r\nresource: %s\r\nauthorization: %s\r\n" % (
        got.one("WWW-Authenticate"), got.one("resource"), got.one("authorization"))
    assert got.status == 401 and got.body == b""
    assert made.encode() == reader.challenge(url, "https://login.example.org/authorize", bad)
    return True


# ---- keys ----

@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_was_imported(s, name):
    got, public = s.ask("GET", "/" + KEYS[name][0]), private(name).public_key()
    assert got.body in [reader.public_body(public, "https://" + s.host, *KEYS[name], now, 24)
                        for now in range(NOW, NOW + 30)]


def test_a_key_of_another_size(s):
    """The id is drawn; a size that nobody tried has to be wanted."""
    refused = s.admin("key", "create", "bare", "--type", "dke-rsa3072", check=False)
    assert refused.returncode != 0 and "--untested-size" in refused.stderr
    s.admin("key", "create", "large", "--type", "dke-rsa3072", "--untested-size")
    assert len(base64.b64decode(json.loads(s.ask("GET", "/large").body)["key"]["n"])) == 384


def test_a_key_that_is_rotated(s):
    """The new version is published; both unwrap."""
    s.admin("key", "create", "docs", "--type", "dke-rsa2048", "--dke-name", "Docs")
    paths, values = [], []
    for _ in range(2):
        body = json.loads(s.ask("GET", "/Docs").body)["key"]
        values.append(wrapped(body))
        paths.append(body["kid"].removeprefix("https://" + s.host) + "/decrypt")
        s.admin("key", "rotate", "docs", "--type", "dke-rsa2048")
    assert paths[0] != paths[1]
    assert re.fullmatch(r"/Docs/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
                        r"/decrypt", paths[0])
    for path, value in zip(paths, values):
        got = s.decrypt(path, asking(value))
        assert json.loads(got.body) == {"value": base64.b64encode(BLOB).decode()}
    for path, value in zip(paths, reversed(values)):
        got = s.decrypt(path, asking(value))
        assert got.error() == (400, "value")
    s.admin("key", "disable", "docs", "1")
    assert s.decrypt(paths[0]).error() == (403, "refused")
    assert s.decrypt(paths[1]).error() == (400, "value")
    s.admin("key", "disable", "docs")
    assert s.ask("GET", "/Docs").error() == (400, "unknown-key")
    s.admin("key", "enable", "docs", "1")
    assert s.kid("Docs") + "/decrypt" == paths[0]


# ---- section 3.2 ----

@pytest.mark.parametrize("path", vectors("body"), ids=lambda p: p.name)
def test_bodies(s, path):
    """The value of a good one is wrapped for nobody."""
    lines, parts = vector(path)
    headers = [("Content-Type", lines["content-type"])] if "content-type" in lines else []
    got = s.ask("POST", PATH, [bearer(s.token()), *headers], parts["body"])
    name = "value" if lines["expect"] == "success" else lines["expect"]
    assert got.error() == (415 if name == "content-type" else 400, name)


@pytest.mark.parametrize(
    "path", [p for p in vectors("unwrap") if vector(p)[0]["key"] in KEYS], ids=lambda p: p.name)
def test_values(s, path):
    lines, parts = vector(path)
    value = base64.b64encode(parts["value"]).decode()
    target = "/%s/%s/decrypt" % KEYS[lines["key"]]
    got = s.decrypt(target, asking(value))
    if lines["expect"] == "success":
        got.check()
        assert got.status == 200
        assert got.body == b'{"value":"%s"}' % base64.b64encode(parts["plain"])
    else:
        assert got.error() == (400, "value")


@pytest.mark.parametrize(
    "path", [p for p in vectors("token") if not {"quarantined", "single-use"} & set(vector(p)[0])],
    ids=lambda p: p.name)
def test_tokens(s, path):
    """That a key is in quarantine is a story of its own: see the tests of tenants."""
    lines, parts = vector(path)
    if path.name in NO_KEY_SETS:
        s.keys_of_tenant(parts["key-set"])
        assert s.admin("policy", "reload", check=False).returncode == 1
        return
    s.use_keys_of_tenant(parts["key-set"])
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(NOW))
    for _ in range(100):  # until all of it was in this very second
        s.to_now()
        got = s.decrypt(token=parts["token"].decode("latin-1"))
        if got.one("Date") == date:
            break
    assert got.one("Date") == date
    if lines["expect"] != "success":
        assert is_challenge(s, got)
    elif lines["person"] == entra.ALICE:
        assert got.status == 200
    else:
        assert got.error() == (403, "refused")


def test_no_token_makes_no_record(s):
    before = s.records()
    assert is_challenge(s, s.ask("POST", PATH, [JSON], b"{}"), False)
    assert is_challenge(s, s.ask("POST", "/Nobody/x/decrypt", [], b""), False)
    s.ask("GET", "/Nobody")
    assert s.records() == before


def test_an_id_tells_nothing_to_who_may_not_use_the_key(s):
    stranger = s.token(upn="mallory@contoso.com")
    for target in (PATH, "/TestKey1/none/decrypt"):
        assert s.decrypt(target, token=stranger).error() == (403, "refused")
    assert s.decrypt("/TestKey1/none/decrypt").error() == (400, "unknown-key")
    assert s.decrypt("/Nobody/none/decrypt").error() == (400, "unknown-key")
    assert s.decrypt("/Nobody/none/decrypt", token=stranger).error() == (400, "unknown-key")
    assert s.decrypt(s.kid("Other") + "/decrypt").error() == (403, "refused")


def test_a_budget(s):
    token = s.token(upn="few@contoso.com")
    key = json.loads(s.ask("GET", "/Few").body)["key"]
    body = asking(wrapped(key))
    got = [s.decrypt(s.kid("Few") + "/decrypt", body, token).status for _ in range(4)]
    assert got == [200, 200, 429, 429]
    assert s.decrypt(s.kid("Few") + "/decrypt", body, token).error() == (429, "budget")


def test_frozen(s):
    s.admin("freeze")
    try:
        assert s.decrypt().error() == (403, "refused")
        assert s.ask("GET", "/TestKey1").status == 200
    finally:
        s.admin("unfreeze", "--reason", "a test")
    assert s.decrypt().status == 200


def frozen(s):
    return re.findall(r"^frozen\t(.*)$", s.admin("status").stdout, re.M)


def test_a_canary_shows_in_the_status(s):
    target = s.kid("Bait") + "/decrypt"
    assert frozen(s) == []
    s.admin("freeze", "other")
    assert s.decrypt(target, asking(base64.b64encode(BAIT).decode())).error() == (403, "refused")
    assert frozen(s) == ["other", "bait"]
    assert s.log().count(" reason=canary ") == 1
    for name in ("other", "bait"):
        s.admin("unfreeze", name, "--reason", "a test")
    assert frozen(s) == []
    assert s.decrypt(target).error() == (400, "value")


def test_the_answer_to_a_reload_counts_rules_of_both_kinds(s):
    assert re.search(r"^policy in force: [0-9a-f]{64}, 4 rules$",
                     s.admin("policy", "reload").stdout, re.M)
    assert ", 4 rules, sha256 " in s.admin("policy", "check").stdout


def levels(s):
    return re.findall(r"^level\t(.*)$", s.admin("status").stdout, re.M)


def test_the_level_of_each_rule_is_in_the_status(s):
    """Of the policy in force: not of a file that was not read yet."""
    gate, path = "client-certificate or front-certificate", os.path.join(s.dir, "policy.conf")
    given = ['C-\trule "few"\tkeys: Few\tgates: -', 'C\trule "gated"\tkeys: Gated\tgates: ' + gate,
             'C-\trule "bait"\tkeys: Bait\tgates: -',
             'C-\trule "all"\tkeys: TestKey1, Three, Four, Docs\tgates: -']
    assert levels(s) == given
    try:
        write(path, policy(rule("in", ["Few"], gates='{"network"}',
                                level='networks = {"192.0.2.0/24"}\naccept-level = "C- (ambient)"'),
                           rule("out", ["Gated"], level="").replace("true", "false")).encode())
        assert levels(s) == given
        s.admin("policy", "reload")
        assert levels(s) == ['C- (ambient)\trule "in"\tkeys: Few\tgates: network']
        write(path, policy(*(rule("%d" % i, ["Key%d" % n for n in range(9)], gates='{"%s"}' % gate,
                                  level="") for i in range(500))).encode())
        s.admin("policy", "reload")
        got = levels(s)
        assert re.fullmatch(r"(\d+) more rules: doublekeyd policy check", got[-1])
        assert len(got) - 1 + int(got[-1].split()[0]) == 500 and len(got) > 100
    finally:
        write(path, POLICY.encode())
        s.admin("policy", "reload")
    assert levels(s) == given


def test_failures_look_alike(s):
    """Byte for byte, but for the date."""
    answers = set()
    for value in (bytes(256), b"\xff" * 256, os.urandom(255), b"\0" + os.urandom(255), b"x"):
        got = s.decrypt(body=asking(base64.b64encode(value).decode()))
        answers.add((got.status, got.body,
                     tuple(header for header in got.headers if header[0] != "Date")))
    assert len(answers) == 1 and answers.pop()[:2] == (400, b'{"error":"value"}')


def test_the_guide_can_be_followed(s):
    """Its policy is one, and its options are some; only the address is another one."""
    text = (VECTORS.parents[1] / "docs" / "microsoft-dke.md").read_text()
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.M | re.S)
    policy = next(b for b in blocks if b.startswith("tenant"))
    path = os.path.join(s.base, "guide.policy")
    write(path, policy.encode())
    done = s.admin("policy", "check", "--file", path, check=False)
    assert done.returncode == 0, done.stderr
    write(path, policy.replace('accept-level = "C-"', "").encode())  # control
    assert "level" in s.admin("policy", "check", "--file", path, check=False).stderr
    given = next(b for b in blocks if b.startswith("dke-listen"))
    assert {line.split(" = ")[0] for line in given.splitlines()} <= set(s.options)


# ---- gates of a connection ----

def gated(s, pem=None, headers=(), token=None):
    return s.decrypt(s.kid("Gated") + "/decrypt", headers=headers, pem=pem, token=token)


def test_a_gate(s):
    """What its rule wants holds: then the value is looked at, and is none of this key."""
    alice, bob = (os.path.join(s.base, name + ".pem") for name in ("alice", "bob"))
    s.people.issue(alice, "x", [x509.RFC822Name("ALICE@contoso.com")])
    s.people.issue(bob, "x", [x509.RFC822Name("bob@contoso.com")])
    assert gated(s).error() == (403, "refused")
    assert gated(s, bob).error() == (403, "refused")
    assert gated(s, alice).error() == (400, "value")
    says = ("Doublekey-Front", "certificate Alice@contoso.com 192.0.2.7")
    assert gated(s, s.front, [says]).error() == (400, "value")
    assert gated(s, s.front, [("Doublekey-Front", "network alice@contoso.com 192.0.2.7")]).error() \
        == (403, "refused")
    assert gated(s, s.front, [("Doublekey-Front", "certificate bob@contoso.com 192.0.2.7")]
                 ).error() == (403, "refused")
    assert gated(s, s.front).error() == (400, "http")
    assert gated(s, alice, [says]).error() == (400, "http")
    assert gated(s, None, [says]).error() == (400, "http")


# ---- a client that behaves as Office does ----

def test_as_office_does(s):
    """Public key, challenge, token, and then many values on one connection; the load generator of
    bench/run, which counts each answer that is another one than it expects."""
    def step(status, over, data):
        return struct.pack(">HBI", status, over, len(data)) + data

    public = request("GET", "/TestKey1")
    bare = request("POST", PATH, [JSON], asking(s.value()))
    good = request("POST", PATH, [bearer(s.token()), JSON], asking(s.value()))
    bad = request("POST", PATH, [bearer(s.token()), JSON], asking("AAAA"))
    office = os.path.join(BUILD, "bench", "office")
    script, ca = os.path.join(s.base, "script"), os.path.join(s.base, "ca.pem")
    write(ca, s.ca.pem())

    def run(*steps):
        write(script, b"".join(steps))
        done = subprocess.run([office, "--script", script, "--ca", ca, "--port", str(s.dke_port),
                               "--clients", "4", "--requests", "40"], check=True, text=True,
                              capture_output=True, timeout=60)
        return dict(word.split("=") for word in done.stdout.split())

    before = len(s.records())
    got = run(step(200, 0, public), step(401, 0, bare), step(200, 1, good))
    assert (got["ok"], got["refused"], got["lost"], got["began"]) == ("40", "0", "0", "4")
    assert len(s.records()) == before + 40
    got = run(step(200, 0, public), step(401, 0, bare), step(200, 1, good), step(200, 1, bad))
    assert (got["ok"], got["refused"]) == ("20", "20")  # control
