# SPDX-License-Identifier: Apache-2.0
"""Tokens and key sets, right and wrong, by the code that authd runs."""
import hashlib
import hmac
import json
import os
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import issuer as idp
from service import BUILD

RUN = os.path.join(BUILD, "tests", "vectors", "run_token")
NOW = 1924992000
EC, EC2, RSA = idp.new_key("EC"), idp.new_key("EC"), idp.new_key("RSA")


class Judge:
    def __init__(self, folder):
        self.folder = str(folder)
        self.policy(idp.section() + idp.section("lab", "https://id.example.org/lab"))
        self.keys(idp.jwks(idp.jwk(EC, "e1"), idp.jwk(RSA, "r1")),
                  idp.jwks(idp.jwk(EC2, "lab1"), idp.jwk(EC2, "e2")))

    def write(self, name, data):
        with open(os.path.join(self.folder, name), "wb") as f:
            f.write(data)

    def policy(self, text):
        self.write("policy", text.encode())

    def keys(self, corp, lab=None):
        self.write("sets", idp.sets(corp=corp, lab=lab or idp.jwks(idp.jwk(EC2, "lab1"))))

    def ask(self, token, user="alice", now=NOW):
        data = token if isinstance(token, bytes) else token.encode()
        done = subprocess.run([RUN, os.path.join(self.folder, "policy"),
                               os.path.join(self.folder, "sets"), user, str(now)],
                              input=data, capture_output=True, timeout=60)
        assert done.returncode == 0 and done.stderr == b""
        return done.stdout.decode().strip()

    def claims(self, expected, **more):
        assert self.ask(idp.token(EC, "e1", idp.claims(NOW, **more))).split()[0] == expected, more


@pytest.fixture
def judge(tmp_path):
    return Judge(tmp_path)


def test_three_algorithms(judge):
    for key, kid, alg in ((EC, "e1", "ES256"), (RSA, "r1", "RS256"), (RSA, "r1", "PS256")):
        found = judge.ask(idp.token(key, kid, idp.claims(NOW), alg)).split()
        made = idp.jwk(key, kid)
        thumb = hashlib.sha256(json.dumps(
            {m: made[m] for m in ("crv", "e", "kty", "n", "x", "y") if m in made},
            separators=(",", ":"), sort_keys=True).encode()).hexdigest()
        assert found == ["holds", "corp", kid, thumb, "t-1"], alg


def test_algorithms_that_are_refused(judge):
    payload = json.dumps(idp.claims(NOW)).encode()
    none = idp.b64(b'{"alg":"none","kid":"e1"}') + "." + idp.b64(payload) + "."
    assert judge.ask(none) == "form"
    assert judge.ask(none + "AAAA") == "header"
    # RS256's public key taken for a key of HS256
    text = idp.b64(b'{"alg":"HS256","kid":"r1"}') + "." + idp.b64(payload)
    mac = hmac.new(idp.public_pem(RSA), text.encode(), hashlib.sha256).digest()
    assert judge.ask(text + "." + idp.b64(mac)) == "header"
    for alg in ("RS384", "PS512", "RS1", "es256", "ES256 "):
        head = json.dumps({"alg": alg, "kid": "e1"}).encode()
        assert judge.ask(idp.signed(EC, head, payload)) == "header", alg
    # one type of key under the algorithm of the other
    assert judge.ask(idp.token(EC, "r1", idp.claims(NOW))) == "key"
    assert judge.ask(idp.token(RSA, "e1", idp.claims(NOW), "RS256")) == "key"


def test_keys_stay_with_their_issuer(judge):
    lab = "https://id.example.org/lab"
    assert judge.ask(idp.token(EC2, "lab1", idp.claims(NOW, iss=lab))).startswith("holds lab ")
    # the other issuer's key, by its own kid and by ours, under our name
    assert judge.ask(idp.token(EC2, "lab1", idp.claims(NOW))) == "key"
    assert judge.ask(idp.token(EC2, "e1", idp.claims(NOW))) == "signature"
    assert judge.ask(idp.token(EC, "e1", idp.claims(NOW, iss=lab))) == "key"
    # the same kid at both
    judge.keys(idp.jwks(idp.jwk(EC, "k")), idp.jwks(idp.jwk(EC2, "k")))
    assert judge.ask(idp.token(EC2, "k", idp.claims(NOW))) == "signature"
    assert judge.ask(idp.token(EC, "k", idp.claims(NOW))).startswith("holds corp")


def test_keys_in_the_header_are_never_used(judge):
    evil = idp.new_key("EC")
    for more in ({"jwk": idp.jwk(evil, "e1")}, {"jku": "https://evil.example"},
                 {"x5u": "https://evil.example"}, {"x5c": ["AAAA"]}):
        made = idp.token(evil, "e1", idp.claims(NOW), headers=more)
        assert judge.ask(made) == "signature", more


def test_header(judge):
    for more, expected in (({"crit": ["exp"], "exp": 1}, "header"), ({"b64": True}, "header"),
                           ({"zip": "DEF"}, "header"), ({"typ": "logout+jwt"}, "header"),
                           ({"typ": 1}, "header"), ({"typ": "AT+jwt"}, "holds"),
                           ({"typ": None}, "header"), ({"kid": ""}, "header"),
                           ({"kid": "x" * 129}, "header"), ({"kid": "e3"}, "key")):
        head = json.dumps(dict({"alg": "ES256", "kid": "e1"}, **more)).encode()
        made = idp.signed(EC, head, json.dumps(idp.claims(NOW)).encode())
        assert judge.ask(made).split()[0] == expected, more


def test_issuer_and_audience(judge):
    for url in (idp.URL + "/", idp.URL.upper(), idp.URL[:-1], "", None, 1, [idp.URL]):
        judge.claims("issuer", iss=url)
    for audience in ("other", "", None, 1, [], ["other"], ["doublekey", 1], {"doublekey": 1},
                     "doublekey2", [["doublekey"]]):
        judge.claims("audience", aud=audience)
    judge.claims("holds", aud=["other", "doublekey"])


def test_times(judge):
    good = (dict(exp=NOW + 1), dict(iat=NOW - 600), dict(iat=NOW + 60), dict(nbf=NOW + 60),
            dict(nbf=0))
    wrong = (dict(exp=NOW), dict(exp=None), dict(exp=NOW + 0.5), dict(exp=str(NOW + 9)),
             dict(exp=-1), dict(exp=2**62), dict(iat=NOW - 601), dict(iat=NOW + 61),
             dict(iat=None), dict(iat=True), dict(nbf=NOW + 61), dict(nbf="0"), dict(nbf=[1]))
    payload = idp.claims(NOW)
    for more in good + wrong:
        body = {k: v for k, v in dict(payload, **more).items() if v is not None}
        made = idp.signed(EC, b'{"alg":"ES256","kid":"e1"}', json.dumps(body).encode())
        assert judge.ask(made).split()[0] == ("holds" if more in good else "time"), more


def test_the_claim_names_the_user(judge):
    for name in ("bob", "Alice", "alice ", "", None, 1, ["alice"]):
        judge.claims("claim", preferred_username=name)
    for jti in (1, "x" * 129, "a\nb"):
        judge.claims("claim", jti=jti)
    judge.claims("holds", jti=None)
    made = idp.token(EC, "e1", idp.claims(NOW))
    assert judge.ask(made, user="bob") == "claim"


def test_json(judge):
    good = json.dumps(idp.claims(NOW))[1:-1]
    head = b'{"alg":"ES256","kid":"e1"}'
    nested = '"x":' + "[" * 7 + "]" * 7
    assert judge.ask(idp.signed(EC, head, ("{%s,%s}" % (good, nested)).encode()))[:5] == "holds"
    wrong = {
        "duplicate": '{%s,"aud":"doublekey"}' % good,
        "duplicate inside": '{%s,"x":{"a":1,"a":1}}' % good,
        "escaped duplicate": '{%s,"\\u0061ud":"doublekey"}' % good,
        "deep": '{%s,"x":%s}' % (good, "[" * 8 + "]" * 8), "very deep": "[" * 3000,
        "deep in a list": '{"x":' * 1000, "trailing": "{%s}x" % good, "two": "{%s}{}" % good,
        "list": "[1]", "text": '"x"', "number": "1", "nothing": " ", "cut": "{" + good,
        "NUL": '{%s,"x":"\\u0000"}' % good, "surrogate": '{%s,"x":"\\ud800"}' % good,
        "comment": "{%s/**/}" % good, "comma": "{%s,}" % good,
        "huge number": '{%s,"x":1e999}' % good,
        "huge integer": '{%s,"x":%s}' % (good, "9" * 40)}
    for name, text in wrong.items():
        assert judge.ask(idp.signed(EC, head, text.encode())) == "form", name
    for name, data in {"latin-1": b'{"x":"\xff"}', "overlong": b'{"x":"\xc0\x80"}',
                       "BOM": b"\xef\xbb\xbf{}"}.items():
        assert judge.ask(idp.signed(EC, head, data)) == "form", name
        assert judge.ask(idp.signed(EC, data, b"{}")) == "form", name
    assert judge.ask(idp.signed(EC, head[:-1] + b',"kid":"e1"}', b"{%s}" % good.encode())) == "form"


def test_form(judge):
    made = idp.token(EC, "e1", idp.claims(NOW))
    head, body, sig = made.split(".")
    last = {"A": "B", "Q": "R", "g": "h", "w": "x"}
    other = sig[:-1] + last[sig[-1]]  # the same bytes by another text
    for text in ("", ".", "..", "...", head + "." + body, made + ".", made + ".x", "." + made,
                 head + ".." + sig, made + "=", made + "\n", made + " ", " " + made,
                 head + "." + body + "." + other, made.replace(".", "\0", 1),
                 head + "." + body + ".",
                 made[:-1] + "+", made[:-1], made + "A" * 8192, "A" * 60000):
        assert judge.ask(text) in ("form", "signature"), text[:80]
    assert judge.ask(head + "." + body + "." + other) == "form"
    assert judge.ask(head + "." + idp.b64(b"{}") + "." + sig) == "issuer"
    raw = bytearray(json.dumps(idp.claims(NOW, preferred_username="bob")).encode())
    assert judge.ask(head + "." + idp.b64(raw) + "." + sig, user="bob") == "signature"
    r = judge.ask(head + "." + body + "." + idp.b64(b"\0" * 64))
    assert r == "signature"


def test_oversize(judge):
    fits = idp.token(EC, "e1", idp.claims(NOW, pad="x" * 5600))
    assert 7500 < len(fits) <= 8192 and judge.ask(fits)[:5] == "holds"
    assert judge.ask(idp.token(EC, "e1", idp.claims(NOW, pad="x" * 6400))) == "form"


def test_key_sets_that_are_refused(judge):
    made = idp.jwk(EC, "e1")
    weak = rsa.generate_private_key(65537, 1024)
    odd = rsa.generate_private_key(3, 2048)
    wrong = {
        "no JSON": b"x", "list": b"[]", "no keys": b"{}", "keys no list": b'{"keys":{}}',
        "empty": b'{"keys":[]}', "a key no object": b'{"keys":[1]}',
        "duplicate": b'{"keys":[],"keys":[]}', "large": b" " * 65537,
        "many": idp.jwks(*[dict(made, kid="k%d" % i) for i in range(33)]),
        "one kid twice": idp.jwks(made, idp.jwk(EC2, "e1")),
        "private": idp.jwks(dict(made, d="AAAA")),
        "symmetric": idp.jwks(made, {"kty": "oct", "kid": "s", "k": "AAAA"}),
        "weak": idp.jwks(idp.jwk(weak, "w")), "exponent": idp.jwks(idp.jwk(odd, "o")),
        "not on the curve": idp.jwks(dict(made, x=made["y"])),
        "short": idp.jwks(dict(made, x=made["x"][:-4])),
        "padded": idp.jwks(dict(made, x=made["x"] + "=")),
        "zeros before the modulus": idp.jwks(dict(idp.jwk(RSA, "r"), n=idp.number(
            RSA.public_key().public_numbers().n, 257))),
        "only others": idp.jwks(dict(made, use="enc")),
    }
    for name, data in wrong.items():
        judge.keys(data)
        assert judge.ask("x").startswith("issuer-keys: issuers/corp.jwks: "), name


def test_keys_that_are_passed_over(judge):
    made = idp.jwk(EC2, "x")
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    others = [dict(made, kid="a", use="enc"), dict(made, kid="b", key_ops=["sign"]),
              {k: v for k, v in made.items() if k != "kid"}, dict(made, kid="c", alg="ES384"),
              dict(made, kid="d", crv="P-384"),
              {"kty": "OKP", "crv": "Ed25519", "kid": "f", "x": "AA"},
              {"kty": "EC", "crv": "P-384", "kid": "g", "x": idp.number(p384.x, 48),
               "y": idp.number(p384.y, 48)}]
    judge.keys(idp.jwks(idp.jwk(EC, "e1"), *others))
    judge.claims("holds")
    for kid in "abcdfg":
        assert judge.ask(idp.token(EC2, kid, idp.claims(NOW))) == "key", kid


def test_a_key_for_one_algorithm(judge):
    judge.keys(idp.jwks(idp.jwk(RSA, "r1", alg="PS256")))
    assert judge.ask(idp.token(RSA, "r1", idp.claims(NOW), "PS256"))[:5] == "holds"
    assert judge.ask(idp.token(RSA, "r1", idp.claims(NOW), "RS256")) == "key"


def test_an_issuer_without_a_file(judge):
    judge.write("sets", idp.sets(corp=idp.jwks(idp.jwk(EC, "e1"))))
    assert judge.ask("x") == "issuer-keys: issuers/lab.jwks: there is no such file"
