# SPDX-License-Identifier: Apache-2.0
"""Reading a layout that lies in memory as a whole."""

from .fields import number


class Reader:
    """A field that the bytes do not hold in full raises `error`."""

    def __init__(self, data, error):
        self.data, self.error, self.at = data, error, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, size):
        if size > self.left():
            raise self.error
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return number(self.take(size))

    def rest(self):
        return self.take(self.left())


def der_integer(value):
    data = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\2" + bytes([len(data)]) + data


def signature_of_der(r, s):
    """Both numbers as an ECDSA signature in DER."""
    both = der_integer(r) + der_integer(s)
    return b"\x30" + bytes([len(both)]) + both
