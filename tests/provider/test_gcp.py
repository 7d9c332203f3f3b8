# SPDX-License-Identifier: Apache-2.0
"""Keys of Google Cloud KMS, spec/provider-keys.md section 3.3."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from conftest import fails
from gcp_server import AUDIENCE, MAIL, PROJECT, GcpServer, crc32c
from server import Answer


@pytest.fixture
def gcp(person):
    server = GcpServer()
    person.settings("gcpkms", endpoint=server.url, deadline=3)
    (person.folder / "account.json").write_text(json.dumps(server.credentials()))
    person.env["GOOGLE_APPLICATION_CREDENTIALS"] = str(person.folder / "account.json")
    person.env["GCE_METADATA_HOST"] = server.url.removeprefix("http://")
    yield server
    server.close()


def change(gcp, action, **members):
    """Answers to this action have other members; None: not there."""
    def fault(_, path, answer):
        if not path.endswith(action) or answer.status != 200:
            return None
        return Answer(200, {k: v for k, v in {**answer.body, **members}.items() if v is not None})
    gcp.faults[:] = [fault]


def test_each_type(person, gcp):
    for ref, kind in ((gcp.symmetric("s"), "kms"), (gcp.rsa("r"), "rsa-oaep"),
                      (gcp.rsa("r4", 4096), "rsa-oaep")):
        person.encrypt(ref)
        person.decrypt(ref)
        stanza = person.inspect()["provider"]["stanzas"][0]
        assert (stanza["type"], stanza["custodian"]) == (kind, "gcp:p-1")


def test_a_symmetric_key_is_used_and_not_looked_at(person, gcp):
    """The role that may encrypt and decrypt is enough."""
    ref = gcp.symmetric("s")
    person.encrypt(ref)
    person.decrypt(ref)
    assert [path.partition(":")[2] for _, _, path, _, _ in gcp.requests] == ["encrypt", "decrypt"]
    aads = [json.loads(body)["additionalAuthenticatedData"] for _, _, _, _, body in gcp.requests]
    assert aads[0] == aads[1] and len(base64.b64decode(aads[0])) == 48


def test_a_blob_of_another_object(person, gcp):
    ref = gcp.symmetric("s")
    person.encrypt(ref, out="one.dkey")
    person.encrypt(ref, out="two.dkey")
    one, (first, second) = bytearray((person.folder / "one.dkey").read_bytes()), gcp.opened
    at = one.index(first)
    one[at:at + len(second)] = second
    (person.folder / "o.dkey").write_bytes(one)
    fails(person.decrypt(ref, check=False), "provider-refused", "INVALID_ARGUMENT", "request-")
    gcp.check_binding = False  # control
    fails(person.decrypt(ref, check=False), "share-commitment")


def test_rotation_is_seen(person, gcp):
    ref = gcp.symmetric("s")
    person.encrypt(ref)
    gcp.keys[ref.removeprefix("gcpkms:")].append(AESGCM.generate_key(256))
    person.decrypt(ref)
    person.encrypt(ref, out="new.dkey")
    assert [person.inspect(name)["provider"]["stanzas"][0]["key_version"]
            for name in ("o.dkey", "new.dkey")] == ["1", "2"]


@pytest.mark.parametrize("members", [
    {"ciphertextCrc32c": "1"}, {"ciphertextCrc32c": None}, {"verifiedPlaintextCrc32c": False},
    {"verifiedPlaintextCrc32c": None}, {"verifiedAdditionalAuthenticatedDataCrc32c": None},
    {"name": PROJECT + "/cryptoKeys/other/cryptoKeyVersions/1"}, {"name": None},
    {"name": PROJECT + "/cryptoKeys/s/cryptoKeyVersions/x"}, {"ciphertext": ""}])
def test_answers_to_encrypt_that_are_none(person, gcp, members):
    ref = gcp.symmetric("s")
    change(gcp, ":encrypt", **members)
    fails(person.encrypt(ref, check=False), "provider-answer")
    assert not (person.folder / "o.dkey").exists()


@pytest.mark.parametrize("members", [
    {"plaintextCrc32c": "1"}, {"plaintextCrc32c": None}, {"plaintextCrc32c": 0},
    {"plaintext": base64.b64encode(bytes(32)).decode()}, {"plaintext": "AA=="}])
def test_answers_to_decrypt_that_are_none(person, gcp, members):
    for ref, action in ((gcp.symmetric("s"), ":decrypt"), (gcp.rsa("r"), ":asymmetricDecrypt")):
        person.encrypt(ref)
        change(gcp, action, **members)
        fails(person.decrypt(ref, check=False), "provider-answer")
        gcp.faults.clear()


def test_what_was_sent_is_not_verified(person, gcp):
    ref = gcp.rsa("r")
    person.encrypt(ref)
    change(gcp, ":asymmetricDecrypt", verifiedCiphertextCrc32c=False)
    fails(person.decrypt(ref, check=False), "provider-answer")
    change(gcp, "/publicKey", pemCrc32c="1")
    fails(person.encrypt(ref, check=False), "provider-answer")


def test_plaintext_of_another_key(person, gcp):
    ref = gcp.symmetric("s")
    person.encrypt(ref)
    change(gcp, ":decrypt", plaintext=base64.b64encode(bytes(32)).decode(),
           plaintextCrc32c=str(crc32c(bytes(32))))
    fails(person.decrypt(ref, check=False), "share-commitment")


def test_keys_that_do_not_fit(person, gcp):
    fails(person.encrypt(gcp.rsa("r", 2048), check=False), "provider-key-use", "2048")
    fails(person.encrypt(gcp.rsa("r", 4096, "SHA512"), check=False), "provider-key-use", "SHA512")


def test_states_and_permissions(person, gcp):
    ref = gcp.symmetric("s")
    person.encrypt(ref)
    gcp.denied.add("decrypt")
    fails(person.decrypt(ref, check=False), "provider-denied", "cryptoKeyVersions.decrypt")
    gcp.denied.clear()
    gcp.disabled.add(ref.removeprefix("gcpkms:"))
    fails(person.decrypt(ref, check=False), "provider-key-state", "DISABLED")
    fails(person.encrypt(ref + "x", check=False), "provider-key-missing")


@pytest.mark.parametrize("ref", [
    "", "projects/p", PROJECT, PROJECT + "/cryptoKeys/", PROJECT + "/cryptoKeys/a/",
    PROJECT + "/cryptoKeys/a/cryptoKeyVersions/x", PROJECT + "/cryptoKeys/a/cryptoKeyVersions/1/b",
    PROJECT + "/cryptoKeys/..", PROJECT + "/cryptoKeys/a:decrypt?x",
    "/" + PROJECT + "/cryptoKeys/a",
    PROJECT + "/cryptoKeys/a#b", PROJECT.replace("projects", "folders") + "/cryptoKeys/a"])
def test_references_that_are_refused(person, gcp, ref):
    fails(person.encrypt("gcpkms:" + ref, check=False), "provider-reference")
    assert not gcp.requests


# Credentials.

def test_a_user_of_gcloud(person, gcp):
    ref = gcp.symmetric("s")
    del person.env["GOOGLE_APPLICATION_CREDENTIALS"]
    folder = person.folder / ".config/gcloud"
    folder.mkdir(parents=True)
    (folder / "application_default_credentials.json").write_text(json.dumps({
        "type": "authorized_user", "client_id": "c", "client_secret": "s&+",
        "refresh_token": "1//r",
        "token_uri": gcp.url + "/token"}))
    gcp.refresh = "1//r"
    person.encrypt(ref)
    gcp.refresh = "other"
    fails(person.decrypt(ref, check=False), "provider-credentials", "invalid_grant")


def test_a_machine(person, gcp):
    ref = gcp.symmetric("s")
    del person.env["GOOGLE_APPLICATION_CREDENTIALS"]
    fails(person.encrypt(ref, check=False), "provider-credentials")
    gcp.machine = True
    person.encrypt(ref)


def federated(person, gcp, source, **more):
    """A file of an identity of another issuer, whose token is b.c.d."""
    gcp.subject = "b.c.d"
    (person.folder / "account.json").write_text(json.dumps({
        "type": "external_account", "audience": AUDIENCE, "token_url": gcp.url + "/sts",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "credential_source": source,
        **more}))


def test_a_federated_identity(person, gcp):
    ref = gcp.symmetric("s")
    token = person.folder / "token"
    gcp.exchanged = gcp.TOKEN
    federated(person, gcp, {"file": str(token)})
    token.write_text("b.c.d\n")
    person.encrypt(ref)
    person.decrypt(ref)
    federated(person, gcp, {"file": str(token), "format": {
        "type": "json", "subject_token_field_name": "value"}})
    token.write_text('{"value": "b.c.d"}')
    person.decrypt(ref)
    for text in ('{"value": 7}', '{"other": "b.c.d"}', "b.c.d", "", "x" * 20000):
        token.write_text(text)
        fails(person.decrypt(ref, check=False), "provider-credentials", "no token")
    token.write_text('{"value": "b.c.e"}')
    done = person.decrypt(ref, check=False)
    fails(done, "provider-credentials", "not this token")
    assert "b.c.e" not in done.stderr


def test_a_federated_identity_by_url(person, gcp):
    ref = gcp.symmetric("s")
    gcp.exchanged = gcp.TOKEN
    source = {"url": gcp.url + "/issuer", "headers": {"X-Issuer": "yes"},
              "format": {"type": "json", "subject_token_field_name": "value"}}
    federated(person, gcp, source)
    person.encrypt(ref)
    for headers in ({}, {"X-Issuer": "yes\r\nX-Other: 1"}, {"X-Issuer": 1}, {"X": "y" * 600},
                    {f"X-{i}": "yes" for i in range(5)}):
        federated(person, gcp, {**source, "headers": headers})
        fails(person.decrypt(ref, check=False), "provider-credentials")
    assert not any("X-Other" in headers for *_, headers, _ in gcp.requests)
    federated(person, gcp, {**source, "url": "http://issuer.example/token"})  # not without TLS
    fails(person.decrypt(ref, check=False), "provider-credentials")


def test_a_federated_identity_as_a_service_account(person, gcp):
    ref = gcp.symmetric("s")
    (person.folder / "token").write_text("b.c.d")
    federated(person, gcp, {"file": str(person.folder / "token")},
              service_account_impersonation_url=f"{gcp.url}/impersonate/{MAIL}:generateAccessToken")
    fails(person.encrypt(ref, check=False), "provider-denied", "getAccessToken")
    gcp.impersonates = True
    person.encrypt(ref)
    gcp.exchanged += "2"  # control: what was exchanged does not open anything by itself
    federated(person, gcp, {"file": str(person.folder / "token")})
    fails(person.decrypt(ref, check=False), "provider-credentials", "UNAUTHENTICATED")


@pytest.mark.parametrize("source", [
    {"environment_id": "aws1"}, {"executable": {"command": "/bin/echo"}}, {}, None, 7])
def test_sources_that_are_not_supported(person, gcp, source):
    federated(person, gcp, source)
    fails(person.encrypt(gcp.symmetric("s"), check=False), "provider-credentials",
          "neither file nor url")
    assert not gcp.requests


@pytest.mark.parametrize("text", [
    "", "{", "[]", '{"type":"external_account"}', '{"type":"service_account"}', "x" * 20000,
    '{"type":"service_account","client_email":"m","private_key_id":"k","private_key":"x"}'])
def test_files_that_are_none(person, gcp, text):
    (person.folder / "account.json").write_text(text)
    fails(person.encrypt(gcp.symmetric("s"), check=False), "provider-credentials")
    assert not gcp.requests


def test_another_key_of_the_account(person, gcp):
    ref = gcp.symmetric("s")
    from server import rsa_key
    gcp.account = rsa_key(2048, 8)
    fails(person.encrypt(ref, check=False), "provider-credentials", "UNAUTHENTICATED")
