# SPDX-License-Identifier: Apache-2.0
"""FLOE (c2sp.org/FLOE): AES-256-GCM, HKDF-Expand-SHA-384, 32-byte IV."""

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .fields import number, u32, u64
from .schedule import expand

HEADER_LENGTH = 74
OVERHEAD = 32
NOT_LAST = b"\xff\xff\xff\xff"
ROTATION_MASK = 20


class FloeError(Exception):
    """A header with a wrong tag, or a segment that does not verify."""


def parameters(segment_length):
    return b"\0\0" + u32(segment_length) + u32(32)


class Floe:
    """One FLOE message: encrypts and decrypts segments at any position."""

    def __init__(self, key, aad, segment_length, iv, rotation_mask=ROTATION_MASK):
        self.segment_length = segment_length
        self.mask, self.iv, self.aad = rotation_mask, iv, aad
        self.header_tag = self.derive(key, b"HEADER_TAG:", 32)
        self.message_key = self.derive(key, b"MESSAGE_KEY:", 48)
        self.current = (None, None)

    def derive(self, key, purpose, length):
        context = parameters(self.segment_length) + self.iv + purpose + self.aad
        return expand(key, context, length)

    def header(self):
        return parameters(self.segment_length) + self.iv + self.header_tag

    def check_header_tag(self, tag):
        if not hmac.compare_digest(tag, self.header_tag):
            raise FloeError("header tag")

    def aead(self, position):
        first = position >> self.mask << self.mask
        if self.current[0] != first:
            key = self.derive(self.message_key, b"DEK:" + u64(first), 32)
            self.current = (first, AESGCM(key))
        return self.current[1]

    def encrypt(self, position, is_last, plaintext, random=os.urandom):
        room = self.segment_length - OVERHEAD
        assert len(plaintext) == room or (is_last and len(plaintext) < room)
        mark = u32(len(plaintext) + OVERHEAD) if is_last else NOT_LAST
        iv = random(12)
        return mark + iv + self.aead(position).encrypt(iv, plaintext, tail(position, is_last))

    def decrypt(self, position, segment):
        """A whole segment, mark included, whose length has been checked."""
        is_last = segment[:4] != NOT_LAST
        try:
            return self.aead(position).decrypt(
                segment[4:16], segment[16:], tail(position, is_last))
        except InvalidTag:
            raise FloeError(f"segment {position}") from None


def tail(position, is_last):
    return u64(position) + (b"\1" if is_last else b"\0")


def mark_length(mark, segment_length):
    """The length that a mark gives its segment, or None for a wrong mark."""
    if mark == NOT_LAST:
        return segment_length
    length = number(mark)
    return length if OVERHEAD <= length <= segment_length else None
