# SPDX-License-Identifier: Apache-2.0
"""Wrapping a share to a key and back (section 6.3)."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import hpke, schedule
from .header import KMS, P256, P384, RSA_OAEP, Stanza

HPKE_SUITE = {P256: hpke.P256, P384: hpke.P384}
ZERO_NONCE = bytes(12)


class UnwrapError(Exception):
    """One error for every way in which an unwrap can fail."""


def wrap(side, share, key, core_digest):
    if key.type == KMS:
        return Stanza(KMS, key.id, key.custodian, *key.wrap(share, core_digest))
    info = schedule.wrap_info(side, key.type, key.id, core_digest)
    wrap_share = wrap_rsa if key.type == RSA_OAEP else wrap_hpke
    encapsulation, wrapped = wrap_share(share, key, info)
    return Stanza(key.type, key.id, key.custodian, encapsulation, wrapped)


def unwrap(side, stanza, key, core_digest):
    if key.type != stanza.type:
        raise UnwrapError
    if key.type == KMS:
        return key.unwrap(stanza.encapsulation, stanza.wrapped, core_digest)
    info = schedule.wrap_info(side, stanza.type, stanza.key_id, core_digest)
    aad = schedule.wrap_aad(stanza.encapsulation, key.recipient)
    if stanza.type == RSA_OAEP:
        share = unwrap_rsa(stanza, key, info, aad)
    else:
        share = unwrap_hpke(stanza, key, info, aad)
    return share


def wrap_hpke(share, key, info, ephemeral=None):
    enc, context = hpke.setup_sender(HPKE_SUITE[key.type], key.public, info, ephemeral)
    return enc, hpke.seal(context, schedule.wrap_aad(enc, key.recipient), share)


def unwrap_hpke(stanza, key, info, aad):
    suite = HPKE_SUITE[stanza.type]
    try:
        context = hpke.setup_receiver(suite, stanza.encapsulation, key.private, info)
        return hpke.open_(context, aad, stanza.wrapped)
    except hpke.HpkeError:
        raise UnwrapError from None


def oaep():
    return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def rsa_wrap_key(seed, info):
    return schedule.expand(schedule.extract(schedule.info("rsa-oaep", b""), seed), info, 32)


def wrap_rsa(share, key, info, seed=None, encrypt_seed=None):
    """The generators of vectors pass a seed and an OAEP that they can repeat."""
    seed = seed or os.urandom(32)
    encapsulation = encrypt_seed(seed) if encrypt_seed else key.public.encrypt(seed, oaep())
    aad = schedule.wrap_aad(encapsulation, key.recipient)
    return encapsulation, AESGCM(rsa_wrap_key(seed, info)).encrypt(ZERO_NONCE, share, aad)


def unwrap_rsa(stanza, key, info, aad):
    try:
        seed = key.private.decrypt(stanza.encapsulation, oaep())
    except ValueError:
        raise UnwrapError from None
    if len(seed) != 32:
        raise UnwrapError
    try:
        return AESGCM(rsa_wrap_key(seed, info)).decrypt(ZERO_NONCE, stanza.wrapped, aad)
    except InvalidTag:
        raise UnwrapError from None
