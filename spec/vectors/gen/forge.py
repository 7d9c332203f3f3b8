# SPDX-License-Identifier: Apache-2.0
"""Builds objects part by part, right or wrong.

An object is an ordered list of named parts. Two things can be wrong with one:

- what its author did: `forge(edit={...})` changes a part before anything is
  derived from it, so that digests, MACs and tags that cover it are valid;
- what happened to it later: the methods of `Parts` change the finished bytes.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

from reader import creator, floe, metadata, schedule, stanza
from reader.fields import u8, u16, u32, u64
from reader.header import BLOCK, CUSTOMER, KMS, PROVIDER, RSA_OAEP, SIDE_NAME, pad_custodian

from keyring import KEYS
import seeded


@dataclass
class Plan:
    """What an author decides. Dictionaries are by side, keys by name."""

    seed: str
    customer: list = field(default_factory=lambda: ["customer-p256"])
    provider: list = field(default_factory=lambda: ["provider-p256"])
    plaintext: object = 100  # so many bytes, or the bytes, or a list of segments
    segment_length: int = 4096
    body_iv: bytes = None
    tenant: bytes = b""
    label: bytes = b""
    created: int = 1760000000
    metadata: object = None  # entries as a dictionary, or their encoding
    creator: str = None
    epoch: dict = field(default_factory=dict)
    formers: dict = field(default_factory=dict)  # lists of (type, key id, custodian)
    fillers: dict = field(default_factory=dict)  # so many stanzas for unknown keys, in front
    kms: dict = field(default_factory=dict)  # lists of (name, version, blob), behind fillers
    wrapped: dict = field(default_factory=dict)  # another share than that of the side
    mac_share_of: dict = field(default_factory=dict)  # another side, for the set MAC
    wrap: dict = field(default_factory=dict)  # another function than `wrap` below
    edit: dict = field(default_factory=dict)  # by part: bytes, or a function of bytes


class Parts:
    """A finished object, and what can happen to it."""

    def __init__(self):
        self.names, self.bytes, self.plaintext = [], {}, []

    def append(self, name, data):
        self.names.append(name)
        self.bytes[name] = data

    def __getitem__(self, name):
        return self.bytes[name]

    def __setitem__(self, name, data):
        assert self.bytes[name] != data, f"{name} would stay what it is"
        self.bytes[name] = data

    def join(self):
        return b"".join(self.bytes[name] for name in self.names)

    def flip(self, name, position=0):
        """Changes the lowest bit of one byte."""
        self[name] = flipped(self[name], position)

    def add(self, name, difference):
        """Changes a number, in a field of the same size."""
        data = self[name]
        self[name] = (int.from_bytes(data, "big") + difference).to_bytes(len(data), "big")

    def swap(self, one, other):
        """Exchanges all parts whose names start with one and with other."""
        ours, theirs = self.group(one), self.group(other)
        assert ours and theirs
        moved = [self.bytes[name] for name in theirs], [self.bytes[name] for name in ours]
        for names, values in zip((ours, theirs), moved):
            for name, value in zip(names, values, strict=True):
                self.bytes[name] = value

    def group(self, prefix):
        return [name for name in self.names if name.startswith(prefix)]

    def drop(self, prefix):
        dropped = self.group(prefix)
        assert dropped
        self.names = [name for name in self.names if name not in dropped]

    def take_from(self, other, prefix):
        """Puts the parts of another object in the place of the own ones."""
        first = self.names.index(self.group(prefix)[0])
        self.drop(prefix)
        taken = other.group(prefix)
        self.names[first:first] = taken
        self.bytes.update((name, other.bytes[name]) for name in taken)

    def repeat(self, prefix):
        """Puts a copy of these parts behind them."""
        group = self.group(prefix)
        behind = self.names.index(group[-1]) + 1
        copies = [f"copy of {name}" for name in group]
        self.names[behind:behind] = copies
        self.bytes.update((f"copy of {name}", self.bytes[name]) for name in group)

    def cut_before(self, name, extra=0):
        """Ends the object where a part starts, or that many bytes later."""
        first = self.names.index(name)
        rest = self.bytes[name][:extra]
        self.names = self.names[:first]
        if rest:
            self.append(name, rest)

    def pad_again(self):
        """Makes the padding fit after a change of length."""
        end = self.names.index("padding")
        used = sum(len(self.bytes[name]) for name in self.names[:end])
        self.bytes["padding"] = bytes(-used % BLOCK)


def flipped(data, position=0):
    changed = bytearray(data)
    changed[position] ^= 1
    return bytes(changed)


def forge(**plan):
    return Forge(Plan(**plan)).build()


def shares_of(seed):
    return {side: seeded.draw(seed, f"{name} share", 32) for side, name in SIDE_NAME.items()}


class Forge:
    def __init__(self, plan):
        self.plan = plan
        self.parts = Parts()
        self.shares = shares_of(plan.seed)
        self.object_id = self.draw("object id", 16)
        self.salt = self.draw("salt", 32)
        self.share_keys = {
            side: schedule.ShareKeys(side, self.shares[side], self.object_id)
            for side in SIDE_NAME}

    def draw(self, purpose, size):
        return seeded.draw(self.plan.seed, purpose, size)

    def put(self, name, data):
        """Adds a part, with the edit that the plan has for it."""
        edit = self.plan.edit.get(name, data)
        data = edit(data) if callable(edit) else edit
        self.parts.append(name, data)
        return data

    def build(self):
        unknown = set(self.plan.edit)
        metadata_block = self.metadata_block()
        core = self.core(metadata_block)
        self.keys = schedule.ObjectKeys(self.shares[CUSTOMER], self.shares[PROVIDER], core)
        self.behind_core(core)
        sets = {side: self.stanza_set(side) for side in SIDE_NAME}
        self.lengths_and_padding(metadata_block, sets)
        self.body()
        assert unknown <= set(self.parts.names), unknown - set(self.parts.names)
        return self.parts

    def metadata_block(self):
        entries = self.plan.metadata
        if entries is None:
            return b""
        encoded = entries if isinstance(entries, bytes) else metadata.encode(entries)
        key = schedule.metadata_key(
            self.shares[CUSTOMER], self.shares[PROVIDER], self.object_id, self.salt)
        block = metadata.encrypt(key, self.object_id, self.salt, encoded)
        edit = self.plan.edit.get("metadata", block)
        return edit(block) if callable(edit) else edit

    def core(self, metadata_block):
        plan = self.plan
        signer = KEYS[plan.creator].id if plan.creator else b""
        length = 191 + len(plan.tenant) + len(plan.label) + len(signer)
        fields = [
            ("magic", bytes.fromhex("89444b45590d0a1a")),
            ("version", u16(1)),
            ("suite", u16(1)),
            ("core length", u32(length)),
            ("object id", self.object_id),
            ("salt", self.salt),
            ("created", u64(plan.created)),
            ("segment length", u32(plan.segment_length)),
            ("customer commitment", self.share_keys[CUSTOMER].commitment),
            ("provider commitment", self.share_keys[PROVIDER].commitment),
            ("metadata digest", hashlib.sha384(metadata_block).digest()),
            ("tenant length", u8(len(plan.tenant))),
            ("tenant", plan.tenant),
            ("label length", u8(len(plan.label))),
            ("label", plan.label),
            ("creator flag", u8(1 if plan.creator else 0)),
            ("creator key id", signer),
        ]
        return b"".join(self.put(name, data) for name, data in fields)

    def behind_core(self, core):
        commitment = self.put("key commitment", self.keys.key_commitment)
        signature = b""
        if self.plan.creator:
            message = creator.message(core, commitment)
            private = KEYS[self.plan.creator].private
            signature = seeded.ecdsa_sign(private, message, self.plan.seed, "creator nonce")
        signature = self.put("creator signature", signature)
        self.put("header mac", self.keys.header_mac(commitment, signature))

    def stanza_set(self, side):
        """The fields of a set; they are put in their place later."""
        name, start = SIDE_NAME[side], len(self.parts.names)
        key_names = getattr(self.plan, name)
        formers = self.plan.formers.get(side, [])
        fillers = self.plan.fillers.get(side, 0)
        kms = self.plan.kms.get(side, [])
        self.put(f"{name} side", u8(side))
        self.put(f"{name} epoch", u32(self.plan.epoch.get(side, 1)))
        self.put(f"{name} stanza count", u8(fillers + len(kms) + len(key_names)))
        self.put(f"{name} former count", u16(len(formers)))
        for position in range(fillers):
            self.filler(name, position)
        for position, fields in enumerate(kms, fillers):
            self.kms(f"{name} stanza {position}", *fields)
        for position, key_name in enumerate(key_names, fillers + len(kms)):
            self.stanza(side, position, KEYS[key_name])
        for position, former in enumerate(formers):
            self.former(f"{name} former {position}", former)
        signed = b"".join(self.parts[part] for part in self.parts.names[start:])
        mac_message = self.keys.core_digest + signed
        self.put(f"{name} set mac", hmac.digest(self.set_mac_key(side), mac_message, "sha384"))
        return [self.parts.names.pop(start) for _ in self.parts.names[start:]]

    def set_mac_key(self, side):
        share = self.shares[self.plan.mac_share_of.get(side, side)]
        return schedule.ShareKeys(side, share, self.object_id).set_mac_key

    def stanza(self, side, position, key):
        name = f"{SIDE_NAME[side]} stanza {position}"
        share = self.plan.wrapped.get(side, self.shares[side])
        info = schedule.wrap_info(side, key.type, key.id, self.keys.core_digest)
        wrap_share = self.plan.wrap.get(side, wrap)
        encapsulation, wrapped = wrap_share(share, key, info, self.plan.seed, name)
        self.put(f"{name} type", u16(key.type))
        self.put(f"{name} body length", u16(len(encapsulation) + len(wrapped)))
        self.put(f"{name} key id", key.id)
        self.put(f"{name} custodian", pad_custodian(key.custodian))
        self.put(f"{name} encapsulation", encapsulation)
        self.put(f"{name} wrapped share", wrapped)

    def filler(self, name, position):
        part = f"{name} stanza {position}"
        self.put(f"{part} type", u16(1))
        self.put(f"{part} body length", u16(113))
        self.put(f"{part} key id", self.draw(f"{part} key id", 32))
        self.put(f"{part} custodian", pad_custodian(name))
        self.put(f"{part} encapsulation", self.draw(f"{part} encapsulation", 65))
        self.put(f"{part} wrapped share", self.draw(f"{part} wrapped share", 48))

    def kms(self, part, key_name, version, blob):
        key_id = hashlib.sha256(schedule.info("kms-key", hashlib.sha256(key_name).digest()))
        self.put(f"{part} type", u16(KMS))
        body_length = 2 + len(key_name) + 1 + len(version) + len(blob)
        self.put(f"{part} body length", u16(body_length))
        self.put(f"{part} key id", key_id.digest())
        self.put(f"{part} custodian", pad_custodian(part[:8]))
        self.put(f"{part} name length", u16(len(key_name)))
        self.put(f"{part} name", key_name)
        self.put(f"{part} version length", u8(len(version)))
        self.put(f"{part} version", version)
        self.put(f"{part} blob", blob)

    def former(self, name, former):
        kind, key_id, custodian = former
        self.put(f"{name} type", u16(kind))
        self.put(f"{name} key id", key_id)
        self.put(f"{name} custodian", pad_custodian(custodian))

    def lengths_and_padding(self, metadata_block, sets):
        size = {side: sum(len(self.parts[name]) for name in sets[side]) for side in SIDE_NAME}
        self.put("metadata length", u32(len(metadata_block)))
        self.put("customer set length", u32(size[CUSTOMER]))
        self.put("provider set length", u32(size[PROVIDER]))
        self.parts.append("metadata", metadata_block)
        self.parts.names += sets[CUSTOMER] + sets[PROVIDER]
        self.put("padding", bytes(-len(self.parts.join()) % BLOCK))

    def body(self):
        iv = self.plan.body_iv or self.draw("body iv", 32)
        body = floe.Floe(self.keys.body_key, self.keys.core_digest, self.plan.segment_length, iv)
        self.put("body parameters", floe.parameters(self.plan.segment_length))
        self.put("body iv", iv)
        self.put("body tag", body.header_tag)
        self.parts.plaintext = self.segments()
        last = len(self.parts.plaintext) - 1
        for position, plaintext in enumerate(self.parts.plaintext):
            segment = body.encrypt(
                position, position == last, plaintext,
                lambda size, name=f"segment {position} iv": self.draw(name, size))
            self.segment(f"segment {position}", segment)

    def segment(self, name, segment):
        self.put(f"{name} mark", segment[:4])
        self.put(f"{name} iv", segment[4:16])
        self.put(f"{name} ciphertext", segment[16:-16])
        self.put(f"{name} tag", segment[-16:])

    def segments(self):
        plaintext = self.plan.plaintext
        if isinstance(plaintext, list):
            return plaintext
        if isinstance(plaintext, int):
            plaintext = self.draw("plaintext", plaintext)
        room = self.plan.segment_length - floe.OVERHEAD
        return [plaintext[i:i + room] for i in range(0, max(1, len(plaintext)), room)]


def wrap(share, key, info, seed, purpose):
    """A stanza as it should be, from randomness that can be repeated."""
    if key.type == RSA_OAEP:
        return stanza.wrap_rsa(
            share, key, info, seeded.draw(seed, f"{purpose} seed", 32),
            lambda message: seeded.oaep_encrypt(key.public, message, seed, purpose))
    ephemeral = seeded.ephemeral_key(key.public.curve, seed, purpose)
    return stanza.wrap_hpke(share, key, info, ephemeral)
