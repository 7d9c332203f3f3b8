# SPDX-License-Identifier: Apache-2.0
"""Keys as the format sees them: type, key id, recipient bytes, custodian."""

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding, PublicFormat, load_pem_private_key, load_pem_public_key)

from . import header, hpke, schedule


@dataclass
class Key:
    """A public key with its custodian, and the private half if that is known."""

    public: object
    custodian: str
    private: object = None

    @property
    def type(self):
        if isinstance(self.public, rsa.RSAPublicKey):
            return header.RSA_OAEP
        return {"secp256r1": header.P256, "secp384r1": header.P384}[self.public.curve.name]

    @property
    def spki(self):
        return self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def id(self):
        return hashlib.sha256(self.spki).digest()

    @property
    def recipient(self):
        return self.spki if self.type == header.RSA_OAEP else hpke.point(self.public)


def from_private(private, custodian):
    return Key(private.public_key(), custodian, private)


def load_pem(path, custodian):
    """A PKCS#8 private key or a SubjectPublicKeyInfo, in PEM."""
    with open(path, "rb") as file:
        pem = file.read()
    if b"PRIVATE KEY" in pem:
        return from_private(load_pem_private_key(pem, None), custodian)
    return Key(load_pem_public_key(pem), custodian)


def generate(kind, custodian):
    if kind == "rsa3072":
        private = rsa.generate_private_key(65537, 3072)
    else:
        private = ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}[kind])
    return from_private(private, custodian)


@dataclass
class SystemKey:
    """A key that a system holds and that shows no public half (spec/provider-keys.md): seal
    takes a share and the core digest and gives version and blob, open_ takes the blob back."""

    name: bytes
    custodian: str
    seal: object
    open_: object
    type = header.KMS

    @property
    def id(self):
        digest = hashlib.sha256(self.name).digest()
        return hashlib.sha256(schedule.info("kms-key", digest)).digest()

    def wrap(self, share, core_digest):
        version, blob = self.seal(share, core_digest)
        head = len(self.name).to_bytes(2, "big") + self.name + bytes([len(version)]) + version
        return head, blob

    def unwrap(self, head, blob, core_digest):
        length = int.from_bytes(head[:2], "big")
        assert head[2:2 + length] == self.name
        return self.open_(blob, core_digest)
