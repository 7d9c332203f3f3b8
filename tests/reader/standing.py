# SPDX-License-Identifier: Apache-2.0
"""Approvals that stand, written from spec/key-service.md section 6.2 and
spec/profiles/ms-dke.md section 7.3 alone."""

import dataclasses
import re

from .bytes import Reader
from .fields import u8, u16, u32, u64
from .native import NativeError, require, short

DOCUMENT, KEY, EITHER = 1, 2, 3
LIST = b"DKN1"
PERSON, NAME = "[!-~]{1,254}", "[A-Za-z0-9._-]{1,64}"


def text(reader, least, most, error):
    try:
        made = reader.take(reader.number(1)).decode()
    except UnicodeDecodeError:
        raise NativeError(error) from None
    require(least <= len(made.encode()) <= most and not re.search("[\x00-\x1f\x7f-\x9f]", made), error)
    return made


def names(reader, error):
    person, key, rule = (text(reader, 1, 254, error), text(reader, 1, 64, error),
                         text(reader, 1, 64, error))
    require(re.fullmatch(PERSON, person) and re.fullmatch(NAME, key), error)
    return person, key, rule


@dataclasses.dataclass
class Approval:
    scope: int
    document: bytes
    needed: int
    hours: int
    person: str
    key: str
    rule: str
    reason: str = ""

    def encode(self):
        return (b"DKV1" + u8(self.scope) + self.document + u8(self.needed) + u32(self.hours)
                + b"".join(short(t.encode()) for t in (self.person, self.key, self.rule, self.reason)))


def parse_approval(data):
    error = "malformed-request"
    reader = Reader(data, NativeError(error))
    require(reader.take(4) == b"DKV1", error)
    made = Approval(reader.number(1), reader.take(32), reader.number(1), reader.number(4),
                    *names(reader, error), text(reader, 0, 200, error))
    require(made.scope in (DOCUMENT, KEY) and any(made.document) == (made.scope == DOCUMENT), error)
    require(1 <= made.needed <= 8 and 1 <= made.hours <= 8784 and not reader.left(), error)
    return made


@dataclasses.dataclass
class Asked:
    scopes: int
    document: bytes
    time: int
    needed: int
    standing: int
    mine: bool
    hours: int
    person: str
    key: str
    rule: str

    def encode(self):
        return (u8(self.scopes) + self.document + u64(self.time) + u8(self.needed)
                + u8(self.standing) + u8(self.mine) + u32(self.hours)
                + b"".join(short(t.encode()) for t in (self.person, self.key, self.rule)))


def encode_list(asked):
    return b"DKN2" + u16(len(asked)) + b"".join(one.encode() for one in asked)


def parse_list(data):
    error = "service-reply"
    reader = Reader(data, NativeError(error))
    require(reader.take(4) == b"DKN2", error)
    count, made = reader.number(2), []
    require(count <= 1024, error)
    for _ in range(count):
        one = Asked(reader.number(1), reader.take(32), reader.number(8), reader.number(1),
                    reader.number(1), reader.number(1), reader.number(4), *names(reader, error))
        require(one.scopes in (DOCUMENT, KEY, EITHER) and one.mine <= 1 and 1 <= one.needed <= 8
                and 1 <= one.hours <= 8784, error)
        made.append(one)
    require(not reader.left(), error)
    return made


def encode_answer(index, until, count):
    return b"DKV2" + u64(index) + u64(until) + u8(count)


def parse_answer(data):
    """(log index, until, how many stand)"""
    reader = Reader(data, NativeError("service-reply"))
    require(reader.take(4) == b"DKV2", "service-reply")
    made = reader.number(8), reader.number(8), reader.number(1)
    require(not reader.left(), "service-reply")
    return made
