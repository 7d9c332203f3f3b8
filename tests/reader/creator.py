# SPDX-License-Identifier: Apache-2.0
"""The optional signature of the creator (section 7)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature, encode_dss_signature)

from .errors import EnvelopeError, require
from .fields import number
from .schedule import info

PLACE = "header"


def message(core_raw, key_commitment):
    return info("creator", core_raw + key_commitment)


def sign(key, core_raw, key_commitment):
    der = key.private.sign(message(core_raw, key_commitment), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def check(key, header):
    """Step 6 of section 9, for a reader that requires this creator."""
    require(header.core.creator == key.id, "creator-required", PLACE)
    signature = header.creator_signature
    der = encode_dss_signature(number(signature[:32]), number(signature[32:]))
    signed = message(header.core.raw, header.key_commitment)
    try:
        key.public.verify(der, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise EnvelopeError("creator-signature", PLACE) from None
