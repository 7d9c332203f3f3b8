# SPDX-License-Identifier: Apache-2.0
"""Directories, written from spec/profiles/ms-dke.md section 5.5 alone."""

import hashlib
import struct

from .dke import require


def filter_text(attribute, chain, name):
    escaped = b"".join(b"\\%02X" % b if b in b"*()\\" or b < 0x20 or b > 0x7e else bytes([b])
                       for b in name)
    rule = b":1.2.840.113556.1.4.1941:" if chain else b""
    return b"(" + attribute.encode() + rule + b"=" + escaped + b")"


def sid_text(data):
    """MS-DTYP 2.4.2.1 from 2.4.2.2."""
    require(len(data) >= 8 and data[0] == 1 and data[1] <= 15, "value")
    require(len(data) == 8 + 4 * data[1], "value")
    authority = int.from_bytes(data[2:8], "big")
    first = f"0x{authority:012x}" if authority >= 1 << 32 else str(authority)
    return "-".join(["S-1", first, *map(str, struct.unpack(f"<{data[1]}I", data[8:]))])


def member(salt, value):
    require(1 <= len(value) <= 254, "value")
    return hashlib.sha256(salt + value.lower()).digest()[:16]
