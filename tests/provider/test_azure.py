# SPDX-License-Identifier: Apache-2.0
"""Keys of Azure Key Vault, spec/provider-keys.md section 3.2."""

import pytest

from azure_server import HOST, AzureServer, b64
from conftest import fails
from server import Answer


@pytest.fixture
def azure(person):
    server = AzureServer()
    person.settings("azurekv", endpoint=server.url, deadline=3)
    person.env.update(AZURE_TENANT_ID="tenant-1", AZURE_CLIENT_ID="app",
                      AZURE_CLIENT_SECRET="s3cret&", AZURE_AUTHORITY_HOST=server.url,
                      AZURE_POD_IDENTITY_AUTHORITY_HOST=server.url)
    yield server
    server.close()


def paths(azure):
    return [path.partition("?")[0] for _, _, path, _, _ in azure.requests if "/keys/" in path]


@pytest.mark.parametrize("bits, kty", [(3072, "RSA"), (4096, "RSA-HSM")])
def test_each_type(person, azure, bits, kty):
    ref = azure.add("k", bits, kty)
    person.encrypt(ref)
    assert paths(azure) == ["/keys/k"]
    person.decrypt(ref)
    stanza = person.inspect()["provider"]["stanzas"][0]
    assert (stanza["type"], stanza["custodian"]) == ("rsa-oaep", HOST)


def test_versions(person, azure):
    """What was encrypted to an earlier one opens; a version that is named is the only one."""
    ref = azure.add("k")
    person.encrypt(ref)
    old = person.inspect()["provider"]["stanzas"][0]["key_id"]
    azure.add("k")
    person.decrypt(ref)
    person.encrypt(ref, out="new.dkey")
    assert person.inspect("new.dkey")["provider"]["stanzas"][0]["key_id"] != old
    first, second = (f"{ref}/{version}" for version, _, _ in azure.keys["k"])
    person.decrypt(first)
    fails(person.decrypt(second, check=False), "no-provider-key")
    azure.denied.add("list")
    fails(person.decrypt(ref, check=False), "no-provider-key")
    person.decrypt(ref, name="new.dkey")


def test_states_and_permissions(person, azure):
    ref = azure.add("k")
    person.encrypt(ref)
    azure.denied.add("unwrapkey")
    fails(person.decrypt(ref, check=False), "provider-denied", "unwrapKey permission", "request-")
    azure.denied.clear()
    azure.disabled.add(azure.keys["k"][0][0])
    fails(person.decrypt(ref, check=False), "provider-key-state", "KeyDisabled")
    fails(person.encrypt(ref + "x", check=False), "provider-key-missing")


def test_a_seed_of_another_object(person, azure):
    """The inner layer binds what the vault, which only sees the seed, cannot."""
    ref = azure.add("k")
    person.encrypt(ref, out="one.dkey")
    person.encrypt(ref, out="two.dkey")
    one, two = (bytearray((person.folder / f"{n}.dkey").read_bytes()) for n in ("one", "two"))
    sides = bytes.fromhex(person.inspect("one.dkey")["provider"]["stanzas"][0]["key_id"])
    at, from_ = one.index(sides) + 80, two.index(sides) + 80
    one[at:at + 384 + 48] = two[from_:from_ + 384 + 48]
    (person.folder / "o.dkey").write_bytes(one)
    fails(person.decrypt(ref, check=False), "stanza-auth")


@pytest.mark.parametrize("members", [
    {"value": b64(bytes(32))}, {"value": b64(bytes(31))}, {"value": "a+b"}, {"value": None},
    {"kid": f"https://{HOST}/keys/k/{2:032x}"}, {"kid": f"https://{HOST}/keys/other/{1:032x}"},
    {"kid": None}])
def test_answers_that_are_none(person, azure, members):
    ref = azure.add("k")
    person.encrypt(ref)
    azure.faults.append(lambda _, path, answer: Answer(200, {**answer.body, **members})
                        if "unwrapkey" in path else None)
    wrong_seed = members == {"value": b64(bytes(32))}
    fails(person.decrypt(ref, check=False), "stanza-auth" if wrong_seed else "provider-answer")


def test_keys_that_do_not_fit(person, azure):
    fails(person.encrypt(azure.add("weak", 2048), check=False), "provider-key-use", "2048")
    fails(person.encrypt(azure.add("ec", kty="EC"), check=False), "provider-key-use", "EC")
    ref = azure.add("k")
    azure.operations = ["sign", "wrapKey"]
    fails(person.encrypt(ref, check=False), "provider-key-use", "unwrapKey")
    azure.operations = None  # not told
    person.encrypt(ref)


@pytest.mark.parametrize("ref", [
    "http://v.vault.azure.net/keys/k", "https://v/keys/k", "https://v.vault.azure.net/secrets/k",
    "https://v.vault.azure.net/keys/", "https://v.vault.azure.net/keys/k/", "https://.x/keys/k",
    "https://v.vault.azure.net/keys/k/1/2", "https://V.vault.azure.net/keys/k",
    "https://v.vault.azure.net:1/keys/k", "https://v.vault.azure.net/keys/a.b",
    "https://u@v.vault.azure.net/keys/k", "https://v.vault.azure.net/keys/k?x", ""])
def test_references_that_are_refused(person, azure, ref):
    fails(person.encrypt("azurekv:" + ref, check=False), "provider-reference")
    assert not azure.requests


# Credentials.

def test_a_wrong_secret(person, azure):
    ref = azure.add("k")
    person.env["AZURE_CLIENT_SECRET"] = "other"
    done = person.encrypt(ref, check=False)
    fails(done, "provider-credentials", "AADSTS7000215")
    assert "other" not in done.stderr


def test_a_federated_token(person, azure):
    ref = azure.add("k")
    del person.env["AZURE_CLIENT_SECRET"]
    (person.folder / "jwt").write_text("a.b.c\n")
    person.env["AZURE_FEDERATED_TOKEN_FILE"] = str(person.folder / "jwt")
    azure.assertion = "a.b.c"
    person.encrypt(ref)
    (person.folder / "jwt").unlink()
    fails(person.decrypt(ref, check=False), "provider-credentials", "token file")


def test_a_certificate_is_not_passed_over(person, azure):
    """Nobody else is asked in its place."""
    ref = azure.add("k")
    del person.env["AZURE_CLIENT_SECRET"]
    azure.machine = True
    person.encrypt(ref)  # control
    person.env["AZURE_CLIENT_CERTIFICATE_PATH"] = "/c.pem"
    azure.requests.clear()
    fails(person.encrypt(ref, check=False), "provider-credentials", "is not supported")
    assert not azure.requests


def test_the_identity_of_a_machine(person, azure):
    ref = azure.add("k")
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        del person.env[name]
    fails(person.encrypt(ref, check=False), "provider-credentials")
    azure.machine = True
    person.encrypt(ref)


def test_a_managed_hsm_is_another_audience(person, azure):
    ref = azure.add("k").replace("vault.azure.net", "managedhsm.azure.net")
    fails(person.encrypt(ref, check=False), "provider-credentials")
    azure.scope = "https://managedhsm.azure.net"
    person.encrypt(ref)
    person.decrypt(ref)
