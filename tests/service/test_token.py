# SPDX-License-Identifier: Apache-2.0
"""Tokens of an identity provider at the running service, spec/policy.md section 6.3."""
import base64
import hashlib
import json
import os
import subprocess
import time

import pytest

import issuer as idp
from memory import memory_of
from service import (DAEMON, codes, parts_of, raw_signature, release_body, signature_base,
                     digest_header)
from test_policy import restart, rule

POLICY, REQUIRED, FAILS, OK = 20, 39, 40, 0


class Setting:
    def __init__(self, s):
        self.s = s
        self.key = idp.new_key("EC")
        self.keys(idp.jwk(self.key, "k1"))
        restart(s, idp.section() + rule('tokens = {"corp"}'))

    def keys(self, *keys):
        with open(os.path.join(self.s.dir, "issuers", "corp.jwks"), "wb") as f:
            f.write(idp.jwks(*keys))

    def token(self, **more):
        return idp.token(self.key, "k1", idp.claims(**more))

    def ask(self, token=None, stated=None, covered=True, digest=True, headers=None):
        """stated: the token whose digest is signed; covered: whether it is."""
        device = self.s.device()
        body = release_body([parts_of(self.s.object)])
        base, params = signature_base(device, self.s.url, body)
        text = "sha-256=:%s:" % base64.b64encode(
            hashlib.sha256((stated or token or "").encode()).digest()).decode()
        if token is not None and covered:
            params = params.replace(' "content-digest")',
                                    ' "content-digest" "doublekey-token-digest")')
            base = base[:base.index('"@signature-params"')] + (
                '"doublekey-token-digest": %s\n"@signature-params": %s' % (text, params))
        made = {"Content-Type": "application/doublekey", "Content-Digest": digest_header(body),
                "Signature-Input": "dk=" + params,
                "Signature": "dk=:%s:" % base64.b64encode(
                    raw_signature(device, base.encode())).decode()}
        if token is not None:
            made["Authorization"] = "Bearer " + token
            if digest:
                made["Doublekey-Token-Digest"] = text
        made.update(headers or {})
        status, error, answer = self.s.request("POST", "/v1/release", body, made)
        return codes(answer)[0] if status == 200 else error


@pytest.fixture
def setting(ready):
    return Setting(ready)


def test_it_holds_and_the_record_says_so(setting):
    now = int(time.time())
    assert setting.ask(setting.token(iat=now)) == OK
    line = [x for x in setting.s.log().splitlines() if " release done" in x][-1]
    assert 'token="%s" kid="k1" jti="t-1" iat=%d' % (idp.URL, now) in line
    assert "factor=1:keyd:" in line  # the device's signature, as ever
    setting.s.admin("policy", "check")
    records = map(json.loads, setting.s.admin("log", "--json").stdout.splitlines())
    factors = [r["factors"] for r in records if r["class"] == "release"][-1]
    token = [f for f in factors if f["type"] == "token"][0]
    assert (token["iss"], token["kid"], token["jti"], token["iat"], token["verifier"]) == (
        idp.URL, "k1", "t-1", now, "authd")
    made = idp.jwk(setting.key, "k1")
    text = '{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}' % (made["x"], made["y"])
    assert token["thumbprint"] == hashlib.sha256(text.encode()).hexdigest()


def test_without_or_with_one_that_does_not_hold(setting):
    now = int(time.time())
    assert setting.ask() == REQUIRED
    for more in (dict(exp=now - 1), dict(iat=now - 700), dict(nbf=now + 300), dict(aud="other"),
                 dict(iss="https://evil.example"), dict(preferred_username="bob")):
        assert setting.ask(setting.token(**more)) == FAILS, more
    assert setting.ask(idp.token(idp.new_key("EC"), "k1", idp.claims())) == FAILS
    assert "reason=token-required" in setting.s.log() and "reason=token " in setting.s.log()
    assert "release done" not in setting.s.log()


def test_a_wrong_token_refuses_also_where_none_is_wanted(setting):
    restart(setting.s, idp.section() + rule())
    assert setting.ask() == OK
    assert setting.ask(setting.token(aud="other")) == FAILS


def test_it_belongs_to_its_request(setting):
    good, other = setting.token(), setting.token(jti="t-2")
    assert setting.ask(good, stated=other) == FAILS  # changed on the way
    assert setting.ask(good, covered=False) == "signature-input"
    assert setting.ask(good, digest=False) == "signature-input"
    for value in ("bearer " + good, "Basic " + good, good):
        assert setting.ask(good, headers={"Authorization": value}) == "signature-input"
    assert setting.ask(good, headers={"Authorization": "Bearer "}) in ("token", "signature-input")
    # the digest that the device signed is another one than the header has
    text = "sha-256=:%s:" % base64.b64encode(hashlib.sha256(other.encode()).digest()).decode()
    assert setting.ask(good, headers={"Doublekey-Token-Digest": text}) in ("signature", FAILS)
    assert setting.ask(other, stated=good, headers={"Doublekey-Token-Digest": text}) == "signature"


def test_a_token_is_never_enough(setting):
    """What somebody with the provider's signing key can do: make any token."""
    token = setting.token()
    device = setting.s.device()
    body = release_body([parts_of(setting.s.object)])
    from service import Device, signed_headers
    stranger = Device(device.spki, 12345)
    headers = dict(signed_headers(stranger, setting.s.url, body, key_id=device.id),
                   Authorization="Bearer " + token)
    assert setting.s.request("POST", "/v1/release", body, headers)[1] == "signature-input"
    setting.s.device = lambda who="client": stranger
    stranger.id = device.id
    assert setting.ask(token) == "signature"
    assert "release done" not in setting.s.log()


def test_keys_change_with_a_reload(setting):
    new = idp.new_key("RSA")
    made = idp.token(new, "k2", idp.claims(), "PS256")
    assert setting.ask(made) == FAILS
    setting.keys(idp.jwk(setting.key, "k1"), idp.jwk(new, "k2"))
    before = setting.s.log().count('note="key sets ')
    setting.s.admin("policy", "reload")
    assert setting.s.log().count('note="key sets ') == before + 1
    assert setting.ask(made) == OK and setting.ask(setting.token()) == OK
    with open(os.path.join(setting.s.dir, "issuers", "corp.jwks"), "w") as f:
        f.write("{}")
    done = setting.s.admin("policy", "reload", check=False)
    assert done.returncode == 1 and "policy.conf:1: issuer-keys: issuers/corp.jwks" in done.stderr
    assert setting.ask(made) == OK


def test_without_its_keys_it_does_not_start(setting):
    setting.s.stop()
    os.unlink(os.path.join(setting.s.dir, "issuers", "corp.jwks"))
    done = setting.s.admin("run", "--passphrase-file", setting.s.passfile, check=False)
    assert done.returncode != 0 and "issuer-keys" in done.stderr
    done = setting.s.admin("policy", "check", check=False)
    assert done.returncode == 1 and "policy.conf:1: issuer-keys: issuers/corp" in done.stderr


def test_the_client_shows_its_token(setting):
    s = setting.s
    decrypt = ("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-f", "-o",
               "out")
    done = s.client(*decrypt, check=False)
    assert done.returncode == 1 and "(service-token-required" in done.stderr
    path = os.path.join(s.base, "client", "doublekey", "services", "127.0.0.1:%d" % s.port, "token")
    with open(path, "w") as f:
        f.write(setting.token() + "\n")
    s.client(*decrypt)
    assert open(os.path.join(s.base, "out")).read() == "what nobody else may read\n"
    with open(path, "w") as f:
        f.write(setting.token(preferred_username="bob"))
    done = s.client(*decrypt, check=False)
    assert done.returncode == 1 and "(service-token at" in done.stderr


def test_a_backup_has_the_key_sets(setting):
    s = setting.s
    file, target = os.path.join(s.base, "backup"), os.path.join(s.base, "restored")
    s.admin("backup", file, "--passphrase-file", s.passfile, "--kdf-memory-mib", "8")
    subprocess.run([DAEMON, "restore", file, "--dir", target, "--passphrase-file", s.passfile],
                   check=True, capture_output=True, timeout=60)
    made, kept = (open(os.path.join(d, "issuers", "corp.jwks"), "rb").read()
                  for d in (s.dir, target))
    assert made == kept


def test_no_token_stays_in_memory_log_or_file(setting):
    if os.geteuid() != 0:
        pytest.skip("only root may read the memory of these processes")
    tokens = [setting.token(jti="t-%d" % i) for i in range(20)] + \
        [setting.token(jti="wrong", aud="other"), "x" * 40 + "." + "y" * 40 + "." + "z" * 40]
    for token in tokens:
        assert setting.ask(token) in (OK, FAILS)
    marks = [token.split(".")[i].encode()[-32:] for token in tokens for i in (1, 2)]
    marks += [b'"jti":"t-7"', b"preferred_username\":\"alice\""]
    for name in ("httpd", "authd", "keyd", "logd"):
        pid = setting.s.pids()[name]
        areas = memory_of(pid)
        assert any(b"application/doublekey" in a or b"doublekey" in a for a in areas)  # control
        for mark in marks:
            assert not any(mark in area for area in areas), (name, mark)
    for where, _, names in os.walk(setting.s.dir):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path):
                data = open(path, "rb").read()
                assert not any(mark in data for mark in marks), path
    said = open(setting.s.stderr, "rb").read()
    assert not any(mark in said for mark in marks)
