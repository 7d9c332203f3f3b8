# SPDX-License-Identifier: Apache-2.0
"""HPKE base mode (RFC 9180) with DHKEM over NIST curves and AES-256-GCM."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .fields import u16
from .schedule import expand, extract

MODE_BASE = b"\0"
NONCE_LENGTH = 12


class HpkeError(Exception):
    """The ciphertext does not open; the reason is not told."""


class Suite:
    def __init__(self, curve, kem_id, kdf_id, hash_name, secret_length, aead_id, key_length):
        self.curve, self.hash_name = curve, hash_name
        self.secret_length, self.key_length = secret_length, key_length
        self.kem_suite = b"KEM" + u16(kem_id)
        self.suite = b"HPKE" + u16(kem_id) + u16(kdf_id) + u16(aead_id)

    def labeled_extract(self, suite, salt, label, ikm):
        return extract(salt, b"HPKE-v1" + suite + label + ikm, self.hash_name)

    def labeled_expand(self, suite, prk, label, context, length):
        labeled = u16(length) + b"HPKE-v1" + suite + label + context
        return expand(prk, labeled, length, self.hash_name)

    def shared_secret(self, dh, kem_context):
        eae_prk = self.labeled_extract(self.kem_suite, b"", b"eae_prk", dh)
        return self.labeled_expand(
            self.kem_suite, eae_prk, b"shared_secret", kem_context, self.secret_length)

    def encapsulate(self, recipient, ephemeral):
        enc = point(ephemeral.public_key())
        dh = ephemeral.exchange(ec.ECDH(), recipient)
        return enc, self.shared_secret(dh, enc + point(recipient))

    def decapsulate(self, enc, private):
        try:
            sender = ec.EllipticCurvePublicKey.from_encoded_point(self.curve, enc)
        except ValueError:
            raise HpkeError from None
        if enc[:1] != b"\4":
            raise HpkeError
        dh = private.exchange(ec.ECDH(), sender)
        return self.shared_secret(dh, enc + point(private.public_key()))

    def key_schedule(self, secret, info):
        psk_id_hash = self.labeled_extract(self.suite, b"", b"psk_id_hash", b"")
        info_hash = self.labeled_extract(self.suite, b"", b"info_hash", info)
        context = MODE_BASE + psk_id_hash + info_hash
        prk = self.labeled_extract(self.suite, secret, b"secret", b"")
        key = self.labeled_expand(self.suite, prk, b"key", context, self.key_length)
        nonce = self.labeled_expand(self.suite, prk, b"base_nonce", context, NONCE_LENGTH)
        return key, nonce


P256_AES128 = Suite(ec.SECP256R1(), 0x0010, 0x0001, "sha256", 32, 0x0001, 16)
P256 = Suite(ec.SECP256R1(), 0x0010, 0x0001, "sha256", 32, 0x0002, 32)
P384 = Suite(ec.SECP384R1(), 0x0011, 0x0002, "sha384", 48, 0x0002, 32)


def point(public):
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def setup_sender(suite, recipient, info, ephemeral=None):
    """Returns enc and the (key, nonce) for the one message of this context."""
    ephemeral = ephemeral or ec.generate_private_key(suite.curve)
    enc, secret = suite.encapsulate(recipient, ephemeral)
    return enc, suite.key_schedule(secret, info)


def setup_receiver(suite, enc, private, info):
    return suite.key_schedule(suite.decapsulate(enc, private), info)


def seal(context, aad, plaintext):
    key, nonce = context
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def open_(context, aad, ciphertext):
    key, nonce = context
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, aad)
    except InvalidTag:
        raise HpkeError from None
