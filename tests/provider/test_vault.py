# SPDX-License-Identifier: Apache-2.0
"""Keys of Vault and OpenBao, spec/provider-keys.md."""

import base64
import json
import struct
import time

import pytest

from conftest import fails
from server import Answer, certificate
from vault_server import Key, VaultServer


@pytest.mark.parametrize("name", ["sym", "derived", "rsa"])
def test_each_type(person, vault, name):
    person.encrypt(vault.ref(name))
    person.decrypt(vault.ref(name))
    info = json.loads(person.run("inspect", "--json", "o.dkey").stdout)
    stanza = info["sides"]["provider"]["stanzas"][0]
    assert stanza["type"] == ("rsa-oaep" if name == "rsa" else "kms")
    assert stanza["custodian"] == "vault.example:8200"


def test_the_system_never_sees_the_customer_side(person, vault):
    """It is asked for one key's share, and told the core digest."""
    person.encrypt(vault.ref("sym"))
    person.decrypt(vault.ref("sym"))
    bodies = [json.loads(body) for _, _, path, _, body in vault.requests
              if "crypt/" in path]
    assert len(bodies) == 2
    assert all(set(body) <= {"plaintext", "ciphertext", "associated_data"} for body in bodies)
    assert bodies[0]["associated_data"] == bodies[1]["associated_data"]
    assert len(base64.b64decode(bodies[0]["associated_data"])) == 48


def test_a_blob_of_another_object(person, vault):
    """The blob is moved as whoever writes the storage could, and the system refuses it: the
    core digest is not that of the object it was made for."""
    person.encrypt(vault.ref("sym"), out="one.dkey")
    person.encrypt(vault.ref("sym"), out="two.dkey")
    one = bytearray((person.folder / "one.dkey").read_bytes())
    two = (person.folder / "two.dkey").read_bytes()
    at, from_ = one.index(b"vault:v1:"), two.index(b"vault:v1:")
    length = len(b"vault:v1:") + len(base64.b64encode(bytes(12 + 32 + 16)))
    one[at:at + length] = two[from_:from_ + length]
    (person.folder / "o.dkey").write_bytes(one)
    fails(person.decrypt(vault.ref("sym"), check=False), "provider-refused", "request-")
    # Control: a system that does not check the binding opens it, and our commitment stops it.
    vault.check_binding = False
    fails(person.decrypt(vault.ref("sym"), check=False), "share-commitment")


def test_another_key_opens_nothing(person, vault):
    person.encrypt(vault.ref("sym"))
    fails(person.decrypt(vault.ref("sym2"), check=False), "no-provider-key")


def test_rotation_is_seen_and_old_versions_open(person, vault):
    for name in ("sym", "rsa"):
        person.encrypt(vault.ref(name))
        vault.keys[name].rotate()
        person.decrypt(vault.ref(name))
        person.encrypt(vault.ref(name), out="new.dkey")
        person.decrypt(vault.ref(name), name="new.dkey")
        old, new = (json.loads(person.run("inspect", "--json", file).stdout)
                    ["sides"]["provider"]["stanzas"][0] for file in ("o.dkey", "new.dkey"))
        if name == "rsa":
            assert old["key_id"] != new["key_id"]  # another public half
        else:
            assert (old["key_version"], new["key_version"]) == ("1", "2")
            assert old["key_name"] == vault.ref(name)
            assert f"{vault.ref(name)}, version 2\n" in person.run("inspect", "new.dkey").stdout
            person.run("rewrap", "--side", "provider", "--open", vault.ref(name), "--to",
                       vault.ref(name), "o.dkey")
            assert person.inspect()["provider"]["stanzas"][0]["key_version"] == "2"
            person.decrypt(vault.ref(name))


def test_a_public_half_wraps_without_more_requests(person, vault):
    person.encrypt(vault.ref("rsa"))
    assert [path for _, _, path, _, _ in vault.requests] == ["/v1/transit/keys/rsa"]


@pytest.mark.parametrize("ref", [
    "vault:http://vault.example/transit/keys/sym", "vault:https://Vault.example/transit/keys/sym",
    "vault:https://vault.example/transit/sym", "vault:https:///transit/keys/sym",
    "vault:https://vault.example/keys/sym", "vault:https://u@vault.example/transit/keys/sym",
    "vault:https://vault.example/transit/keys/", "vault:https://vault.example/transit/keys/a/b",
    "vault:https://vault.example/../x/keys/sym", "vault:https://vault.example//keys/sym",
    "vault:https://vault.example/transit/keys/a?b", "vault:https://vault.example/transit/keys/a%2f",
    "vault:https://vault.example/transit/keys/" + "x" * 600, "vault:", "vault:x"])
def test_references_that_are_refused(person, vault, ref):
    fails(person.encrypt(ref, check=False), "provider-reference")
    assert not vault.requests


def test_an_unknown_scheme(person):
    fails(person.encrypt("vaultt:https://v/m/keys/k", check=False), "key-scheme")


def test_a_key_that_does_not_fit(person, vault):
    fails(person.encrypt(vault.ref("weak"), check=False), "provider-key-use", "rsa-2048")
    fails(person.encrypt(vault.ref("none"), check=False), "provider-key-missing")


# Credentials.

def test_token_file_and_role(person, vault):
    del person.env["VAULT_TOKEN"]
    fails(person.encrypt(vault.ref("sym"), check=False), "provider-credentials")
    (person.folder / ".vault-token").write_text(vault.TOKEN + "\n")
    person.encrypt(vault.ref("sym"))
    (person.folder / ".vault-token").unlink()
    vault.role = ["role", "secret"]
    person.env.update(VAULT_ROLE_ID="role", VAULT_SECRET_ID="secret")
    person.decrypt(vault.ref("sym"))
    person.env["VAULT_SECRET_ID"] = "wrong"
    fails(person.decrypt(vault.ref("sym"), check=False), "provider-credentials")


def test_a_token_that_is_not_allowed(person, vault):
    person.env["VAULT_TOKEN"] = "hvs.other"
    done = person.encrypt(vault.ref("sym"), check=False)
    fails(done, "provider-denied", "permission denied", "request-")
    assert "hvs.other" not in done.stderr


def test_a_token_with_a_line_end(person, vault):
    person.env["VAULT_TOKEN"] = vault.TOKEN + "\r\nX-Other: 1"
    fails(person.encrypt(vault.ref("sym"), check=False), "provider-credentials")
    assert not vault.requests


# Servers that misbehave.

def answers(vault, *bodies):
    """The next answers to decrypt requests are these."""
    left = list(bodies)

    def fault(_, path, answer):
        if "/decrypt/" not in path or not left:
            return answer
        return left.pop(0)
    vault.faults.append(fault)


def plaintext(data):
    return Answer(200, {"data": {"plaintext": base64.b64encode(data).decode()}})


def test_plaintext_of_another_key(person, vault):
    person.encrypt(vault.ref("sym"))
    answers(vault, plaintext(bytes(32)))
    fails(person.decrypt(vault.ref("sym"), check=False), "share-commitment")


@pytest.mark.parametrize("answer", [
    plaintext(bytes(31)), plaintext(bytes(33)), plaintext(b""),
    Answer(200, {"data": {"plaintext": "AAA"}}), Answer(200, {"data": {"plaintext": 7}}),
    Answer(200, {"data": {}}), Answer(200, {}), Answer(200, []), Answer(200, b"not JSON"),
    Answer(200, b""), Answer(200, b'{"data":{"plaintext":"'),
    Answer(200, b'{"data":{"plaintext":"AA=="},"data":{"plaintext":"AA=="}}'),
    Answer(200, b'{"a":"' + b"x" * 5_000_000 + b'"}'), Answer(200, b"[" * 100_000),
    Answer(418, {"errors": ["?"]}), Answer(200, b'{"data":{"plaintext":"\xff"}}')])
def test_answers_that_are_none(person, vault, answer):
    person.encrypt(vault.ref("sym"))
    answers(vault, answer)
    fails(person.decrypt(vault.ref("sym"), check=False), "provider-answer")


@pytest.mark.parametrize("number", ["\x01", "1 2", "\x7f", "\u00e9", "", "x", "99999999999"])
def test_a_version_that_is_none_spoils_nothing(person, vault, number):
    """With it in the header, no key would open the object any more: not the other one either."""
    person.run("keygen", "--side", "provider", "--custodian", "safe", "--type", "p256",
               "--no-passphrase", "-q", "-o", "r.key")
    person.encrypt("r.key.pub")

    def other(_, path, answer):
        text = answer.body["data"].get("ciphertext", "") if "/encrypt/" in path else ""
        return text and Answer(200, {"data": {"ciphertext": text.replace(
            "v1:", "v%s:" % number, 1)}})
    vault.faults.append(other)
    fails(person.encrypt(vault.ref("sym"), "r.key.pub", out="new", check=False), "provider-answer")
    assert not (person.folder / "new").exists()
    fails(person.run("rewrap", "--side", "provider", "--open", "r.key", "--to", vault.ref("sym"),
                     "--to", "r.key.pub", "o.dkey", check=False), "provider-answer")
    person.decrypt("r.key")


def test_a_redirect_is_not_followed(person, vault):
    person.encrypt(vault.ref("sym"))
    for status in (301, 302, 307, 308):
        before = len(vault.requests)
        answers(vault, Answer(status, {}, {"Location": vault.url + "/v1/elsewhere"}))
        fails(person.decrypt(vault.ref("sym"), check=False), "provider-answer")
        assert "/v1/elsewhere" not in [path for _, _, path, _, _ in vault.requests[before:]]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_storm_is_waited_out(person, vault, status):
    person.encrypt(vault.ref("sym"))
    answers(vault, *[Answer(status, {"errors": []})] * 3)
    person.decrypt(vault.ref("sym"))


def test_a_storm_that_does_not_end(person, vault):
    person.encrypt(vault.ref("sym"))
    answers(vault, *[Answer(429, {"errors": []})] * 1000)
    fails(person.decrypt(vault.ref("sym"), check=False), "provider-throttled", "status 429")
    vault.faults.clear()
    answers(vault, *[Answer(503, {"errors": []})] * 1000)
    fails(person.decrypt(vault.ref("sym"), check=False), "provider-unreachable")
    assert len(vault.requests) < 200


def test_retry_after_is_obeyed(person, vault):
    person.encrypt(vault.ref("sym"))
    answers(vault, Answer(429, {}, {"Retry-After": "1"}))
    person.decrypt(vault.ref("sym"))
    times = [at for at, _, path, _, _ in vault.requests if "/decrypt/" in path]
    assert len(times) == 2 and times[1] - times[0] >= 1


def test_slow_answers_end(person, vault):
    """The deadline of 3 s counts for what is under way, too."""
    person.encrypt(vault.ref("sym"))
    vault.stall = 30
    begin = time.monotonic()
    fails(person.decrypt(vault.ref("sym"), check=False), "provider-unreachable")
    assert time.monotonic() - begin < 25


def test_certificates(person, tmp_path):
    """One that is configured, or that the usual variables name, and no other."""
    own, foreign = certificate(tmp_path, "own"), certificate(tmp_path, "foreign")
    server = VaultServer(own)
    try:
        server.keys = {"sym": Key("aes256-gcm96")}
        person.env["VAULT_TOKEN"] = server.TOKEN
        for setting in (own, foreign):
            person.conf.write_text("")
            person.settings("vault", endpoint=server.url, ca=str(setting), deadline=3)
            done = person.encrypt(server.ref("sym"), check=setting == own)
            if setting == foreign:
                fails(done, "provider-tls")
        person.conf.write_text("")
        person.settings("vault", endpoint=server.url, deadline=3)
        fails(person.encrypt(server.ref("sym"), check=False), "provider-tls")
        for name in ("VAULT_CACERT", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            person.env[name] = str(own)
            person.encrypt(server.ref("sym"))
            del person.env[name]
    finally:
        server.close()


def test_nobody_listens(person, vault):
    person.encrypt(vault.ref("sym"))
    vault.close()
    fails(person.decrypt(vault.ref("sym"), check=False), "provider-unreachable")


def test_the_other_key_opens_when_one_system_is_down(person, vault):
    person.encrypt(vault.ref("sym"), vault.ref("rsa"))
    answers(vault, *[Answer(503, {"errors": []})] * 1000)
    person.run("keygen", "--side", "provider", "--type", "p256", "--no-passphrase", "-q", "-o",
               "p.key")
    person.encrypt(vault.ref("sym"), "p.key.pub")
    done = person.decrypt(vault.ref("sym"), "p.key")
    assert "status 503" in done.stderr


@pytest.mark.parametrize("endpoint", [
    "http://vault.example:1", "http://127.0.0.1.vault.example", "http://127.0.0.1:1@vault.example",
    "ftp://127.0.0.1", "vault.example"])
def test_plain_http_stays_on_this_machine(person, vault, endpoint):
    person.conf.write_text("")
    person.settings("vault", endpoint=endpoint, deadline=1)
    fails(person.encrypt(vault.ref("sym"), check=False), "provider-configuration")


# Settings.

@pytest.mark.parametrize("text", [
    'system "vault" { endpoint = "${HOME}" }', 'system "vault" { endpoint }', "system {",
    'system "vault" { other = 1 }', 'system "vault" { parallel = 0 }',
    'system "vault" { parallel = 1000 }', 'system "vault" { deadline = -5 }',
    'system "vault" { rate = 9999999 }', 'system "vault" {}\nsystem "vault" {}',
    'system "vault" { endpoint = "' + "x" * 300 + '" }', "#" * 70000])
def test_settings_that_are_refused(person, vault, text):
    person.conf.write_text(text + "\n")
    fails(person.encrypt(vault.ref("sym"), check=False), "provider-configuration")
    assert not vault.requests


def test_rate_and_parallel(person, vault):
    person.conf.write_text("")
    person.settings("vault", endpoint=vault.url, rate=20, parallel=2)
    folder = person.folder / "many"
    folder.mkdir()
    for i in range(20):
        (folder / str(i)).write_bytes(b"x")
    vault.delay = 0.02
    begin = time.monotonic()
    person.run("encrypt", "-r", "--customer", "c.key.pub", "--provider", vault.ref("sym"), "many",
               "--jobs", "8")
    assert vault.most <= 2
    starts = sorted(at for at, _, path, _, _ in vault.requests if "/encrypt/" in path)
    assert len(starts) == 20
    # Ten starts apart there are nine intervals of 50 ms; what a thread sleeps may vary.
    assert starts[-1] - begin >= 19 / 20 * 0.8


def test_header_lengths(person, vault):
    """What was written has the layout of the text: name, version, blob."""
    person.encrypt(vault.ref("sym"))
    data = (person.folder / "o.dkey").read_bytes()
    name = vault.ref("sym").encode()
    at = data.index(name)
    assert struct.unpack(">H", data[at - 2:at])[0] == len(name)
    version = data[at + len(name)]
    assert data[at + len(name) + 1:at + len(name) + 1 + version] == b"1"
    assert data[at + len(name) + 1 + version:].startswith(b"vault:v1:")
