# SPDX-License-Identifier: Apache-2.0
"""The encrypted metadata block (section 8)."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import EnvelopeError, require
from .fields import is_text, number, u16

FILE_NAME, MEDIA_TYPE = 1, 2
LIMIT = {FILE_NAME: 255, MEDIA_TYPE: 127}
PLACE = "metadata"
ZERO_NONCE = bytes(12)


def encode(entries):
    parts = ((kind, text.encode()) for kind, text in sorted(entries.items()))
    return b"".join(u16(kind) + u16(len(value)) + value for kind, value in parts)


def encrypt(key, object_id, salt, encoded):
    return AESGCM(key).encrypt(ZERO_NONCE, encoded, object_id + salt)


def decrypt(key, object_id, salt, block):
    try:
        return AESGCM(key).decrypt(ZERO_NONCE, block, object_id + salt)
    except InvalidTag:
        raise EnvelopeError("metadata-auth", PLACE) from None


def parse(encoded):
    entries, last = {}, 0
    while encoded:
        kind, length = number(encoded[:2]), number(encoded[2:4])
        value, rest = encoded[4:4 + length], encoded[4 + length:]
        require(len(encoded) >= 4 and len(value) == length > 0, "metadata", PLACE)
        require(last < kind and kind in LIMIT, "metadata", PLACE)
        require(length <= LIMIT[kind] and is_text(value), "metadata", PLACE)
        entries[kind] = value.decode()
        last, encoded = kind, rest
    name = entries.get(FILE_NAME, "x")
    require("/" not in name and name not in (".", ".."), "metadata", PLACE)
    return entries
