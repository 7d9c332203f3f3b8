# SPDX-License-Identifier: Apache-2.0
"""doctor: each key of a profile from end to end."""

import pytest

from conftest import fails
from server import Answer


def doctor(person, *refs, customer="c.key", check=True):
    more = [part for ref in refs for part in ("--provider", ref)]
    return person.run("doctor", "--customer", customer, *more, check=check)


def test_all_is_well(person, vault, aws):
    done = doctor(person, vault.ref("sym"), vault.ref("rsa"), aws.add("k").ref)
    assert done.stdout.count("encrypts and decrypts") == 4
    assert "kms of vault.example:8200" in done.stdout and "kms of aws:111122223333" in done.stdout
    assert "customer side has one key only" in done.stderr
    assert "provider side" not in done.stderr


def test_a_profile(person, vault):
    person.run("profile", "add", "work", "--customer", "c.key", "--provider", vault.ref("sym"))
    done = person.run("-p", "work", "doctor")
    assert done.stdout.count("encrypts and decrypts") == 2


def test_public_and_sealed_keys(person, vault):
    (person.folder / "pass").write_text("a passphrase\n")
    person.run("keygen", "--side", "provider", "--type", "p256", "--passphrase-file", "pass", "-q",
               "-o", "p.key")
    done = doctor(person, vault.ref("sym"), "p.key", customer="c.key.pub")
    assert "it is a public key" in done.stdout and "it is sealed" in done.stdout


@pytest.mark.parametrize("name, advice, harm", [
    ("provider-denied", "permission that is named", lambda aws, key: aws.allowed.remove("Decrypt")),
    ("provider-denied", "permission that is named", lambda aws, key: aws.allowed.remove("Encrypt")),
    ("provider-key-state", "enable the key", lambda aws, key: setattr(key, "state", "Disabled")),
    ("provider-key-missing", "region, account", lambda aws, key: aws.keys.clear()),
    ("provider-credentials", "log in", lambda aws, key: aws.secrets.clear()),
    ("provider-unreachable", "HTTPS_PROXY", lambda aws, key: aws.close()),
    ("share-commitment", "", lambda aws, key: aws.faults.append(
        lambda _, path, answer: Answer(200, {**answer.body, "Plaintext": "A" * 43 + "="})
        if "Plaintext" in answer.body else None))])
def test_what_is_wrong(person, aws, vault, name, advice, harm):
    """One key fails, and the others are tried all the same."""
    key = aws.add("k")
    harm(aws, key)
    done = doctor(person, key.ref, vault.ref("sym"), check=False)
    fails(done, name, advice, key.ref)
    assert done.stdout.count("encrypts and decrypts") == 2


def test_one_account_on_both_sides(person, aws):
    done = doctor(person, aws.add("b").ref, customer=aws.add("a").ref, check=False)
    fails(done, "same-custodian")


def test_usage(person):
    assert person.run("doctor", check=False).returncode == 2
    assert person.run("doctor", "--customer", "c.key", "--provider", "p", "x",
                      check=False).returncode == 2
