# SPDX-License-Identifier: Apache-2.0
"""Exports of a log, both ways, written from spec/export.md alone."""

import hashlib
import time
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from . import hpke, log, note
from .bytes import Reader
from .fields import is_text, u8, u16, u32, u64
from .schedule import info

MAGIC, CONTENT = b"DKEXPORT", b"DKRECS1\n"
HEAD = 44
SEGMENT, TAG = 65536, 16
RECORD_LIMIT = 126072
EXPORTED = 18
KINDS = {1: (hpke.P256, 65, "secp256r1"), 2: (hpke.P384, 97, "secp384r1")}
USER, DEVICE, OBJECT = 1, 2, 4


class ExportError(Exception):
    def __init__(self, name, entry=None):
        self.name, self.entry = name, entry
        super().__init__(name)


class FileError(ExportError):
    def __init__(self):
        super().__init__("log-file")


def require(condition, name="log-file", entry=None):
    if not condition:
        raise ExportError(name, entry)


@dataclass
class Chosen:
    since: int = 0
    until: int = 0
    user: str = ""
    device: bytes = b""
    object_id: bytes = b""

    def encode(self):
        which = USER * bool(self.user) + DEVICE * bool(self.device) + OBJECT * bool(self.object_id)
        user = self.user.encode()
        return (u64(self.since) + u64(self.until) + u8(which) + u8(len(user)) + user
                + self.device.ljust(32, b"\0") + self.object_id.ljust(16, b"\0"))

    def note(self):
        def when(seconds):
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
        words = ["since " + when(self.since)] * bool(self.since)
        words += ["until " + when(self.until)] * bool(self.until)
        words += ["user"] * bool(self.user) + ["device"] * bool(self.device)
        words += ["object"] * bool(self.object_id)
        return ", ".join(words) or "all"

    def has(self, event):
        at = event.main.get("time", 0)
        return (self.since <= at and (not self.until or at < self.until)
                and (not self.user or event.person.get("user") == self.user)
                and (not self.device or event.person.get("device") == self.device)
                and (not self.object_id or any(
                    o.object_id == self.object_id and o.code != 65535 for o in event.objects)))


@dataclass
class Entry:
    index: int
    leaf: bytes
    proof: list
    record: bytes
    event: object = None

    def encode(self):
        return (u64(self.index) + self.leaf + u8(len(self.proof)) + b"".join(self.proof)
                + u32(len(self.record)) + self.record)


@dataclass
class Export:
    chosen: Chosen
    checkpoint: bytes
    entries: list = field(default_factory=list)

    def content(self):
        return (CONTENT + self.chosen.encode() + u16(len(self.checkpoint)) + self.checkpoint
                + b"".join(entry.encode() for entry in self.entries))


# ---- sealed ----

def message(context, number):
    """Key and nonce of a later message (RFC 9180 section 5.2)."""
    key, nonce = context
    return key, (int.from_bytes(nonce, "big") ^ number).to_bytes(len(nonce), "big")


def kind_of(public):
    return {"secp256r1": 1, "secp384r1": 2}[public.curve.name]


def head_of(key, version=1):
    return MAGIC + u16(version) + u16(kind_of(key.public)) + hashlib.sha256(key.spki).digest()


def seal(content, key, ephemeral, head=None, size=SEGMENT, label="log-export"):
    """The file of a content."""
    head = head or head_of(key)
    suite = KINDS[kind_of(key.public)][0]
    enc, context = hpke.setup_sender(suite, key.public, info(label, head), ephemeral)
    pieces = [content[i:i + size] for i in range(0, len(content), size)]
    file = head + enc
    for number, piece in enumerate(pieces):
        sealed = hpke.seal(message(context, number), u8(number == len(pieces) - 1), piece)
        file += u32(len(sealed)) + sealed
    return file


def unseal(data, key, label="log-export"):
    """The content of a file; steps 1 and 2 of section 4."""
    require(len(data) >= HEAD and data[:8] == MAGIC)
    require(data[8:10] == u16(1), "version")
    kind = int.from_bytes(data[10:12], "big")
    require(kind in KINDS)
    suite, enc_length, curve = KINDS[kind]
    require(isinstance(key.private, ec.EllipticCurvePrivateKey)
            and key.private.curve.name == curve
            and data[12:44] == hashlib.sha256(key.spki).digest(), "log-auditor")
    enc, at, content, number = data[HEAD:HEAD + enc_length], HEAD + enc_length, b"", 0
    require(len(enc) == enc_length, "log-sealed")
    try:
        context = hpke.setup_receiver(suite, enc, key.private, info(label, data[:HEAD]))
        require(at < len(data), "log-sealed")
        while at < len(data):
            require(at + 4 <= len(data), "log-sealed")
            length = int.from_bytes(data[at:at + 4], "big")
            require(TAG < length <= SEGMENT + TAG)
            sealed, at = data[at + 4:at + 4 + length], at + 4 + length
            require(len(sealed) == length, "log-sealed")
            check_next(data, at, length)
            content += hpke.open_(message(context, number), u8(at == len(data)), sealed)
            number += 1
    except hpke.HpkeError:
        raise ExportError("log-sealed") from None
    return content


def check_next(data, at, length):
    """What stands behind a segment: nothing, or the length of another one."""
    if at == len(data):
        return
    require(at + 4 <= len(data), "log-sealed")
    require(TAG < int.from_bytes(data[at:at + 4], "big") <= SEGMENT + TAG)
    require(length == SEGMENT + TAG)


# ---- content ----

def parse_chosen(reader):
    chosen = Chosen(reader.number(8), reader.number(8))
    which, user = reader.number(1), reader.take(reader.number(1))
    device, object_id = reader.take(32), reader.take(16)
    require(which < 8 and len(user) <= 64 and is_text(user) and bool(user) == bool(which & USER))
    require(which & DEVICE or not any(device))
    require(which & OBJECT or not any(object_id))
    chosen.user = user.decode()
    chosen.device = device if which & DEVICE else b""
    chosen.object_id = object_id if which & OBJECT else b""
    return chosen


def parse_content(content):
    reader = Reader(content, FileError)
    require(reader.take(8) == CONTENT)
    found, least = Export(parse_chosen(reader), reader.take(reader.number(2))), 0
    while reader.left() or not found.entries:
        index, leaf, count = reader.number(8), reader.take(48), reader.number(1)
        require(count <= log.PROOF_LIMIT)
        proof = [reader.take(32) for _ in range(count)]
        length = reader.number(4)
        require(length <= RECORD_LIMIT and least <= index < (1 << 64) - 1)
        found.entries.append(Entry(index, leaf, proof, reader.take(length)))
        least = index + 1
    return found


def check_entry(found, number, key_id, size, root):
    entry, last = found.entries[number], number == len(found.entries) - 1
    try:
        made = log.root_from(log.leaf_hash(entry.leaf), entry.index, size, entry.proof)
    except log.ReceiptError:
        raise ExportError("log-tree", number) from None
    require(made == root, "log-tree", number)
    try:
        event = log.open_record(entry.record, entry.leaf)
    except log.ReceiptError:
        raise ExportError("log-record", number) from None
    if last:
        require(event.class_ == EXPORTED and event.main.get("key_id") == key_id
                and event.main.get("note") == found.chosen.note(), "log-record", number)
    else:
        require(found.chosen.has(event), "log-record", number)
    entry.event = event


def size_and_root(checkpoint):
    """Whoever signed it."""
    try:
        _, size, root = note.parse_checkpoint(note.parse_note(checkpoint))
    except note.NoteError:
        raise ExportError("log-note") from None
    return size, root


def open_export(data, key, checked=size_and_root):
    """All of section 4. checked: size and root of a checkpoint that the caller trusts."""
    found = parse_content(unseal(data, key))
    size, root = checked(found.checkpoint)
    key_id = hashlib.sha256(key.spki).digest()
    for number in range(len(found.entries)):
        check_entry(found, number, key_id, size, root)
    return found
