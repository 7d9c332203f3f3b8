# SPDX-License-Identifier: Apache-2.0
"""The header block: its parts, their parser and their encoding (sections 3 and 6)."""

import hashlib
from dataclasses import dataclass, field

from .errors import require
from .fields import CUSTODIAN_LENGTH, Fields, u8, u16, u32, u64

MAGIC = bytes.fromhex("89444b45590d0a1a")
VERSION = 1
SUITE = 1
BLOCK = 4096
HEADER_LIMIT = 262144
SEGMENT_LENGTHS = (4096, 65536, 1048576)
STANZA_LIMIT = 64
FORMER_LIMIT = 512
EPOCH_LIMIT = 2**32 - 1

CUSTOMER, PROVIDER = 1, 2
SIDE_NAME = {CUSTOMER: "customer", PROVIDER: "provider"}

P256, P384, RSA_OAEP, KMS = 1, 2, 3, 0x10
TYPE_NAME = {P256: "p256", P384: "p384", RSA_OAEP: "rsa-oaep", KMS: "kms"}
RESERVED_TYPES = (0x0004,)
WRAPPED_SHARE = 48
BODY_LENGTHS = {
    P256: range(65 + 48, 65 + 48 + 1),
    P384: range(97 + 48, 97 + 48 + 1),
    RSA_OAEP: range(384 + 48, 1024 + 48 + 1),
    KMS: range(2 + 1 + 1 + 1, 2 + 512 + 1 + 64 + 4096 + 1),
}
KMS_NAME_LIMIT, KMS_VERSION_LIMIT, KMS_BLOB_LIMIT = 512, 64, 4096


@dataclass
class Core:
    object_id: bytes
    salt: bytes
    created: int
    segment_length: int
    commitment: dict  # of the share, by side
    metadata_digest: bytes
    tenant: str
    label: str
    creator: bytes = None  # key id
    raw: bytes = b""

    @property
    def digest(self):
        return hashlib.sha384(self.raw).digest()

    def encode(self):
        creator = b"\0" if self.creator is None else b"\1" + self.creator
        tenant, label = self.tenant.encode(), self.label.encode()
        tail = u8(len(tenant)) + tenant + u8(len(label)) + label + creator
        return (
            MAGIC + u16(VERSION) + u16(SUITE) + u32(188 + len(tail))
            + self.object_id + self.salt + u64(self.created) + u32(self.segment_length)
            + self.commitment[CUSTOMER] + self.commitment[PROVIDER]
            + self.metadata_digest + tail
        )


@dataclass
class Entry:
    """What stanzas and formers have in common: whom the share was wrapped to."""

    type: int
    key_id: bytes
    custodian: str

    def encode(self):
        return u16(self.type) + self.key_id + pad_custodian(self.custodian)


@dataclass
class Stanza(Entry):
    encapsulation: bytes
    wrapped: bytes

    def encode(self):
        body = self.encapsulation + self.wrapped
        return (u16(self.type) + u16(len(body)) + self.key_id
                + pad_custodian(self.custodian) + body)


@dataclass
class StanzaSet:
    side: int
    epoch: int
    stanzas: list
    formers: list = field(default_factory=list)
    mac: bytes = b""

    @property
    def entries(self):
        return self.stanzas + self.formers

    def encode_without_mac(self):
        head = (u8(self.side) + u32(self.epoch)
                + u8(len(self.stanzas)) + u16(len(self.formers)))
        return head + b"".join(entry.encode() for entry in self.entries)

    def encode(self):
        return self.encode_without_mac() + self.mac


@dataclass
class Header:
    core: Core
    key_commitment: bytes
    creator_signature: bytes
    header_mac: bytes
    metadata: bytes
    sets: dict  # by side
    length: int = 0  # of the header block

    def encode(self):
        sets = [self.sets[side].encode() for side in (CUSTOMER, PROVIDER)]
        data = (
            self.core.raw + self.key_commitment + self.creator_signature + self.header_mac
            + u32(len(self.metadata)) + b"".join(u32(len(s)) for s in sets)
            + self.metadata + b"".join(sets)
        )
        return data + bytes(-len(data) % BLOCK)


def pad_custodian(name):
    return name.encode().ljust(CUSTODIAN_LENGTH, b"\0")


def parse_header(file):
    """Step 1 of section 9. Leaves the file where the body starts."""
    core = parse_core(file)
    behind = Fields(file, "header")
    key_commitment = behind.take(32)
    creator_signature = behind.take(64) if core.creator is not None else b""
    header_mac = behind.take(48)
    fixed = len(core.raw) + len(behind.taken) + 12

    metadata_length, set_lengths, length = parse_lengths(file, fixed)
    metadata = Fields(file, "metadata").take(metadata_length)
    sets = {side: parse_set(file, side, set_lengths[side]) for side in SIDE_NAME}

    padding = Fields(file, "padding")
    filled = fixed + metadata_length + sum(set_lengths.values())
    padding.require(not any(padding.take(length - filled)), "padding")
    check_both_sides(sets[CUSTOMER], sets[PROVIDER])
    return Header(core, key_commitment, creator_signature, header_mac, metadata, sets, length)


def parse_core(file):
    core = Fields(file, "core header", past_end="core-length")
    core.require(core.take(8) == MAGIC, "magic")
    core.require(core.number(2) == VERSION, "version")
    core.require(core.number(2) == SUITE, "suite")
    core.length = core.number(4)
    core.require(191 <= core.length <= 733, "core-length")
    object_id = core.take(16)
    salt = core.take(32)
    created = core.number(8)
    core.require(created < 2**40, "text")
    segment_length = core.number(4)
    core.require(segment_length in SEGMENT_LENGTHS, "segment-length")
    commitment = {CUSTOMER: core.take(32), PROVIDER: core.take(32)}
    metadata_digest = core.take(48)
    tenant = core.text(core.number(1))
    label = core.text(core.number(1))
    flag = core.number(1)
    core.require(flag in (0, 1), "creator-flag")
    creator = core.take(32) if flag else None
    core.require(len(core.taken) == core.length, "core-length")
    return Core(object_id, salt, created, segment_length, commitment, metadata_digest,
                tenant, label, creator, bytes(core.taken))


def parse_lengths(file, fixed):
    lengths = Fields(file, "lengths")
    metadata = lengths.number(4)
    lengths.require(metadata == 0 or 21 <= metadata <= 4096, "metadata-length")
    sets = {}
    for side in SIDE_NAME:
        sets[side] = lengths.number(4)
        lengths.require(8 + 48 <= sets[side] <= HEADER_LIMIT, "set-length")
    total = fixed + metadata + sum(sets.values())
    total += -total % BLOCK
    lengths.require(total <= HEADER_LIMIT, "header-too-large")
    return metadata, sets, total


def parse_set(file, side, length):
    name = SIDE_NAME[side]
    fields = Fields(file, f"{name} set", length, "set-length")
    fields.require(fields.number(1) == side, "side")
    epoch = fields.number(4)
    fields.require(epoch != 0, "epoch")
    stanza_count = fields.number(1)
    fields.require(1 <= stanza_count <= STANZA_LIMIT, "stanza-count")
    former_count = fields.number(2)
    fields.require(former_count <= FORMER_LIMIT, "former")

    result = StanzaSet(side, epoch, [])
    for position in range(stanza_count):
        fields.place = f"{name} stanza {position}"
        result.stanzas.append(parse_stanza(fields, result.stanzas))
    for position in range(former_count):
        fields.place = f"{name} former {position}"
        result.formers.append(parse_former(fields, result.formers))
    fields.place = f"{name} set"
    result.mac = fields.take(48)
    fields.require(len(fields.taken) == length, "set-length")
    return result


def parse_stanza(fields, before):
    kind = parse_type(fields)
    body_length = fields.number(2)
    fields.require(body_length in BODY_LENGTHS[kind], "stanza-length")
    key_id = fields.take(32)
    custodian = fields.custodian()
    fields.require(all(key_id != other.key_id for other in before), "stanza-duplicate")
    if kind == KMS:
        encapsulation, wrapped = parse_kms(fields, body_length)
    else:
        encapsulation = fields.take(body_length - WRAPPED_SHARE)
        wrapped = fields.take(WRAPPED_SHARE)
    return Stanza(kind, key_id, custodian, encapsulation, wrapped)


def parse_kms(fields, length):
    """Name and version of the key with their lengths, and the blob."""
    end = len(fields.taken) + length
    head = b""
    for size, least, most in ((2, 1, KMS_NAME_LIMIT), (1, 0, KMS_VERSION_LIMIT)):
        count = fields.take(size)
        number = int.from_bytes(count, "big")
        fits = least <= number <= most and len(fields.taken) + number <= end
        fields.require(fits, "stanza-length")
        text = fields.take(number)
        fields.require(all(0x21 <= byte <= 0x7e for byte in text), "text")
        head += count + text
    blob = end - len(fields.taken)
    fields.require(1 <= blob <= KMS_BLOB_LIMIT, "stanza-length")
    return head, fields.take(blob)


def parse_former(fields, before):
    kind = parse_type(fields)
    key_id = fields.take(32)
    custodian = fields.custodian()
    fields.require(not before or before[-1].key_id < key_id, "former")
    return Entry(kind, key_id, custodian)


def parse_type(fields):
    kind = fields.number(2)
    fields.require(kind not in RESERVED_TYPES, "stanza-reserved")
    fields.require(kind in TYPE_NAME, "stanza-type")
    return kind


def check_both_sides(customer, provider):
    """Two keys mean two holders (section 6.2)."""
    for attribute, name in (("key_id", "key-on-both-sides"), ("custodian", "custody")):
        ours = {getattr(entry, attribute) for entry in customer.entries}
        theirs = {getattr(entry, attribute) for entry in provider.entries}
        require(ours.isdisjoint(theirs), name, "header")
