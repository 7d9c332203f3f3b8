# SPDX-License-Identifier: Apache-2.0
"""Keys of all types and versions, and what their states mean to a client."""
import os

import pytest

from service import codes, parts_of, release_body

TYPES = {"p256": 1, "p384": 2, "rsa3072": 3}


def provider_and_plain(s):
    if not os.path.exists(os.path.join(s.base, "p.key")):
        s.client("keygen", "--side", "provider", "--no-passphrase", "-o", "p.key")
        with open(os.path.join(s.base, "plain"), "w") as f:
            f.write("what nobody else may read\n")


def encrypt(s, name, out, check=True):
    provider_and_plain(s)
    return s.client("encrypt", "--customer", s.url + "/keys/" + name, "--provider", "p.key.pub",
                    "plain", "-o", out, "--force", check=check)


def decrypt(s, name, path, check=True):
    out = s.client("decrypt", "--customer", s.url + "/keys/" + name, "--provider", "p.key", path,
                   "-o", "out", "--force", check=check)
    if out.returncode == 0:
        assert open(os.path.join(s.base, "out")).read() == "what nobody else may read\n"
    return out


def release_code(s, path):
    return codes(s.release(s.device(), release_body([parts_of(os.path.join(s.base, path))]))[2])[0]


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_each_type_from_creation_to_release(service, kind):
    out = service.admin("key", "create", "k", "--type", kind).stdout
    assert out.startswith(service.url + "/keys/k\nversion 1, key id ")
    key_id = out.split()[-1]
    service.enrol()
    encrypt(service, "k", "o.dk")
    _, customer = parts_of(os.path.join(service.base, "o.dk"))
    assert bytes.fromhex(key_id) in customer
    decrypt(service, "k", "o.dk")
    lines = service.log().splitlines()
    assert any("release done" in line for line in lines)
    assert any(" object ok" in line and "key-id=" + key_id in line for line in lines)
    # A stanza with one bit changed does not open, and no other error tells why.
    core, customer = parts_of(os.path.join(service.base, "o.dk"))
    at = customer.index(bytes.fromhex(key_id)) + 32 + 48 + 10
    for bit in (1, 0x80):
        bad = customer[:at] + bytes([customer[at] ^ bit]) + customer[at + 1:]
        answer = service.release(service.device(), release_body([(core, bad)]))[2]
        assert codes(answer) == [22]  # stanza-auth
    # It all holds after the store was read back.
    service.stop()
    service.start()
    decrypt(service, "k", "o.dk")


def test_unknown_type_and_weak_rsa_are_refused(service):
    for kind in ("rsa2048", "p521", "x25519", ""):
        out = service.admin("key", "create", "k", "--type", kind, check=False)
        assert out.returncode == 1 and "argument" in out.stderr
    assert service.admin("key", "list").stdout == ""
