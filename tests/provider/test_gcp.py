# SPDX-License-Identifier: Apache-2.0
"""Keys of Google Cloud KMS, spec/provider-keys.md section 3.3."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from conftest import fails
from gcp_server import PROJECT, GcpServer, crc32c
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
    PROJECT + "/cryptoKeys/..", PROJECT + "/cryptoKeys/a:decrypt?x", "/" + PROJECT + "/cryptoKeys/a",
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
        "type": "authorized_user", "client_id": "c", "client_secret": "s&+", "refresh_token": "1//r",
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
