# SPDX-License-Identifier: Apache-2.0
"""Reading fields in the order of the bytes, and the text rules."""

import string

from .errors import EnvelopeError, require

CUSTODIAN_LENGTH = 48
CUSTODIAN_LETTERS = frozenset((string.ascii_lowercase + string.digits + "._:/@-").encode())


def u8(value):
    return value.to_bytes(1, "big")


def u16(value):
    return value.to_bytes(2, "big")


def u32(value):
    return value.to_bytes(4, "big")


def u64(value):
    return value.to_bytes(8, "big")


def number(data):
    return int.from_bytes(data, "big")


def read_up_to(file, size):
    """At most size bytes; fewer only where the input ends (pipes read short)."""
    pieces = []
    while size:
        piece = file.read(size)
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


class Fields:
    """Takes fields from a file, within an end that is set once it is known.

    A field that would pass the end is `past_end`; one that the input does not
    hold in full is `truncated`. Both at the current `place`.
    """

    def __init__(self, file, place, length=None, past_end=None):
        self.file, self.place = file, place
        self.length, self.past_end = length, past_end
        self.taken = bytearray()

    def fail(self, name):
        raise EnvelopeError(name, self.place)

    def require(self, condition, name):
        require(condition, name, self.place)

    def take(self, size):
        fits = self.length is None or len(self.taken) + size <= self.length
        self.require(fits, self.past_end)
        data = read_up_to(self.file, size)
        self.require(len(data) == size, "truncated")
        self.taken += data
        return data

    def number(self, size):
        return number(self.take(size))

    def text(self, size):
        data = self.take(size)
        self.require(is_text(data), "text")
        return data.decode()

    def custodian(self):
        data = self.take(CUSTODIAN_LENGTH)
        name = data.rstrip(b"\0")
        self.require(name and CUSTODIAN_LETTERS.issuperset(name), "text")
        return name.decode()


def is_text(data):
    try:
        text = data.decode("utf-8", "strict")
    except UnicodeDecodeError:
        return False
    return not any(c <= "\x1f" or "\x7f" <= c <= "\x9f" for c in text)


def is_custodian(name):
    data = name.encode()
    return 1 <= len(data) <= CUSTODIAN_LENGTH and CUSTODIAN_LETTERS.issuperset(data)
