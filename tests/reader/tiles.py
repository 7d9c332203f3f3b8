# SPDX-License-Identifier: Apache-2.0
"""A log as files (C2SP tlog-tiles), from its entries."""

import base64
import hashlib
import os
import re

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import log, note
from .bytes import Reader
from .log import b64

WIDTH = 256


def tile_name(index):
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03d}")
    return "/".join(groups)


def complete_root(hashes):
    while len(hashes) > 1:
        hashes = [log.node_hash(a, b) for a, b in zip(hashes[::2], hashes[1::2])]
    return hashes[0]


class Signer:
    """An Ed25519 key of a log, or of a witness."""

    def __init__(self, name, kind=note.ED25519, seed=None):
        self.private = ed25519.Ed25519PrivateKey.from_private_bytes(
            seed or hashlib.sha256(name.encode()).digest())
        public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key = note.Key(kind, name, public)
        self.vkey = self.key.text()

    def line(self, text, time=1924999990):
        if self.key.kind == note.COSIGNATURE:
            data = time.to_bytes(8, "big") + self.private.sign(note.cosigned(text, time))
        else:
            data = self.private.sign(text.encode())
        return f"{log.DASH}{self.key.name} {base64.b64encode(self.key.id + data).decode()}\n"


class Files:
    def __init__(self, entries, signer):
        self.entries, self.signer = entries, signer
        self.leaves = [hashlib.sha256(b"\0" + entry).digest() for entry in entries]

    def put(self, folder, name, data):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def checkpoint(self, size=None, witnesses=()):
        size = len(self.entries) if size is None else size
        root = log.root_of(self.leaves[:size]) if size else hashlib.sha256().digest()
        text = log.checkpoint_text(self.signer.key.name, size, root)
        lines = [self.signer.line(text)] + [witness.line(text) for witness in witnesses]
        return (text + "\n" + "".join(lines)).encode()

    def tiles(self, folder, level, hashes):
        for at in range(0, len(hashes), WIDTH):
            part = hashes[at:at + WIDTH]
            suffix = "" if len(part) == WIDTH else f".p/{len(part)}"
            self.put(folder, f"tile/{level}/{tile_name(at // WIDTH)}{suffix}", b"".join(part))

    def write(self, folder, kept=(), witnesses=()):
        folder, level, hashes = str(folder), 0, self.leaves
        for at in range(0, len(self.entries), WIDTH):
            part = self.entries[at:at + WIDTH]
            suffix = "" if len(part) == WIDTH else f".p/{len(part)}"
            self.put(folder, f"tile/entries/{tile_name(at // WIDTH)}{suffix}", b"".join(
                len(entry).to_bytes(2, "big") + entry for entry in part))
        while hashes:
            self.tiles(folder, level, hashes)
            whole = len(hashes) // WIDTH * WIDTH
            hashes = [complete_root(hashes[at:at + WIDTH]) for at in range(0, whole, WIDTH)]
            level += 1
        self.put(folder, "checkpoint", self.checkpoint(witnesses=witnesses))
        for size in kept:
            self.put(folder, f"checkpoints/{size}", self.checkpoint(size, witnesses))


def leaves(times, class_=4):
    return [log.make_leaf(class_, time, hashlib.sha256(f"{i}".encode()).digest())
            for i, time in enumerate(times)]


# ---- files about a log, spec/log.md sections 10, 11 and 14.1 ----

PROOF_LIMIT, EXTRA_LIMIT, HASHES_LIMIT = 131072, 4096, 63
RECORD_LIMIT, NOTES_LIMIT = 126072, 256
NUMBER = "0|[1-9][0-9]{0,18}"


def require(condition, name="log-file"):
    note.require(condition, name)


def parse_proof(data):
    """Index, hashes, extra data (or None), checkpoint."""
    require(len(data) <= PROOF_LIMIT)
    head, blank, checkpoint = data.partition(b"\n\n")
    require(blank)
    lines = head.decode("latin-1").split("\n")
    require(lines.pop(0) == "c2sp.org/tlog-proof@v1" and lines)
    extra = None
    if lines[0].startswith("extra "):
        extra = b64(lines.pop(0)[6:])
        require(extra is not None and len(extra) <= EXTRA_LIMIT and lines)
    match = re.fullmatch(f"index ({NUMBER})", lines.pop(0), re.ASCII)
    require(match)
    hashes = [b64(line) for line in lines]
    require(len(hashes) <= HASHES_LIMIT and all(h is not None and len(h) == 32 for h in hashes))
    return int(match[1]), hashes, extra, checkpoint


def check_proof(data, key):
    index, hashes, extra, checkpoint = parse_proof(data)
    parsed = note.parse_note(checkpoint)
    _, size, root = note.parse_checkpoint(parsed)
    require(note.verify(parsed, key)[0], "log-key")
    try:
        require(log.root_from(log.leaf_hash(extra or b""), index, size, hashes) == root, "log-tree")
    except log.ReceiptError:
        require(False, "log-tree")
    return index


def parse_records(data):
    """(index, leaf, record) of each entry."""
    made, least = [], 0
    try:
        reader = Reader(data, note.NoteError("log-file"))
        require(reader.take(8) == b"DKLREC1\n")
        while reader.left():
            index, leaf, length = reader.number(8), reader.take(48), reader.number(4)
            require(least <= index < (1 << 64) - 1 and length <= RECORD_LIMIT)
            made.append((index, leaf, reader.take(length)))
            least = index + 1
    except note.NoteError as error:
        raise note.NoteError(error.name, len(made)) from None
    return made


def parse_gossip(data):
    """Notes, as bytes."""
    first, newline, rest = data.partition(b"\n")
    require(newline and first == b"doublekey-gossip-1")
    notes = []
    while rest:
        line, newline, rest = rest.partition(b"\n")
        match = re.fullmatch(b"note ([1-9][0-9]{0,18})( [1-9][0-9]{0,18})?", line)
        require(newline and match and int(match[1]) <= log.CHECKPOINT_LIMIT)
        made, rest = rest[:int(match[1])], rest[int(match[1]):]
        require(len(made) == int(match[1]) and made.endswith(b"\n"))
        notes.append(made)
    require(len(notes) <= NOTES_LIMIT)
    return notes
