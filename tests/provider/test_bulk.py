# SPDX-License-Identifier: Apache-2.0
"""Many objects: in parallel, at a rate, resumable, and with one of two systems away."""

import os

import pytest

from azure_server import AzureServer
from conftest import fails
from server import Answer


@pytest.fixture
def folder(person):
    path = person.folder / "many"
    path.mkdir()
    for i in range(40):
        (path / f"{i}.txt").write_bytes(os.urandom(10 + i))
    return path


def plain(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.txt")}


def encrypt(person, folder, *refs):
    kept = plain(folder)
    more = [part for ref in refs for part in ("--provider", ref)]
    person.run("encrypt", "-r", "--customer", "c.key.pub", *more, "many")
    for name in kept:
        (folder / name).unlink()
    return kept


def decrypt(person, folder, *refs):
    more = [part for ref in refs for part in ("--provider", ref)]
    done = person.run("decrypt", "-r", "-f", "--customer", "c.key", *more, "many")
    return plain(folder), done


def test_waiting_is_in_parallel(person, folder, vault):
    """More requests are under way than there are processors, and never more than allowed."""
    vault.delay = 0.05
    kept = encrypt(person, folder, vault.ref("sym"))
    assert 4 < vault.most <= 32
    vault.most = 0
    assert decrypt(person, folder, vault.ref("sym"))[0] == kept
    assert 4 < vault.most <= 32


def test_from_one_system_to_another(person, folder, vault, aws):
    """Without the customer's key; the content stays as it is, byte for byte."""
    kept = encrypt(person, folder, vault.ref("sym"))
    key = aws.add("k")
    bodies = {path.name: path.read_bytes()[4096:] for path in folder.iterdir()}
    (person.folder / "c.key").rename(person.folder / "away")
    person.run("rewrap", "-r", "--side", "provider", "--open", vault.ref("sym"), "--to", key.ref,
               "many")
    (person.folder / "away").rename(person.folder / "c.key")
    assert {path.name: path.read_bytes()[4096:] for path in folder.iterdir()} == bodies
    vault.close()
    assert decrypt(person, folder, key.ref)[0] == kept


def test_a_run_that_was_interrupted_goes_on(person, folder, vault, aws):
    kept = encrypt(person, folder, vault.ref("sym"))
    key = aws.add("k")
    args = ("rewrap", "-r", "--side", "provider", "--open", vault.ref("sym"), "--to", key.ref)
    for i in range(15):
        person.run(*args, f"many/{i}.txt.dkey")
    # Without --resume those that are done have no key that opens them.
    done = person.run(*args, "many", check=False)
    fails(done, "no-provider-key")
    assert done.stderr.count("(no-provider-key") == 15
    for i in range(15, 40):
        person.run("rewrap", "--side", "provider", "--open", key.ref, "--to", vault.ref("sym"),
                   f"many/{i}.txt.dkey")
    asked, wrapped = len(vault.requests), aws.actions().count("Encrypt")
    person.run(*args, "--resume", "many")
    paths = [path for _, _, path, _, _ in vault.requests[asked:]]
    assert paths.count("/v1/transit/decrypt/sym") == 25
    assert aws.actions().count("Encrypt") - wrapped == 25
    person.run(*args, "--resume", "many")
    assert aws.actions().count("Encrypt") - wrapped == 25
    # Once for those of the first run, which were left alone, and three times for the others.
    epochs = [person.inspect(path)["provider"]["epoch"] for path in folder.iterdir()]
    assert (epochs.count(2), epochs.count(4)) == (15, 25)
    assert decrypt(person, folder, key.ref)[0] == kept


def test_one_of_two_clouds_is_down(person, folder, aws):
    """AWS answers 503, Azure opens: a message says so, once, and nobody waits for each object."""
    azure = AzureServer()
    try:
        person.settings("azurekv", endpoint=azure.url, deadline=3)
        person.env.update(AZURE_TENANT_ID="tenant-1", AZURE_CLIENT_ID="app",
                          AZURE_CLIENT_SECRET="s3cret&", AZURE_AUTHORITY_HOST=azure.url)
        refs = (aws.add("k").ref, azure.add("k"))
        kept = encrypt(person, folder, *refs)
        aws.faults.append(lambda _, path, answer: Answer(503, {}) if "Plaintext" in answer.body
                          else None)
        found, done = decrypt(person, folder, *refs)
        assert found == kept
        assert "status 503" in done.stderr and "awskms:" in done.stderr
        # And when it does not even listen, from the beginning.
        aws.close()
        found, done = decrypt(person, folder, *refs)
        assert found == kept and "(provider-unreachable)" in done.stderr
        # With both away nothing opens.
        azure.close()
        assert person.run("decrypt", "-r", "-f", "--customer", "c.key", "--provider", refs[0],
                          "--provider", refs[1], "many", check=False).returncode == 1
    finally:
        azure.close()


def test_a_public_half_in_a_file_needs_nobody(person, vault, aws):
    for ref in (vault.ref("rsa"), aws.add("e", "ECC_NIST_P256", "KEY_AGREEMENT").ref):
        person.run("key", "public", "--side", "provider", ref, "-o", "system.key.pub", "--force")
        before = len(vault.requests) + len(aws.requests)
        person.encrypt("system.key.pub")
        assert len(vault.requests) + len(aws.requests) == before
        person.decrypt(ref)
        person.encrypt(ref, out="asked.dkey")
        kept, asked = (person.inspect(name)["provider"]["stanzas"][0]
                       for name in ("o.dkey", "asked.dkey"))
        assert kept == asked  # type, key id, custodian
    done = person.run("key", "public", "--side", "provider", vault.ref("sym"), "-o", "x.pub",
                      check=False)
    fails(done, "key-type", "no public half")
    assert person.run("key", "public", vault.ref("rsa"), "-o", "x.pub", check=False).returncode == 2
