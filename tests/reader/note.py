# SPDX-License-Identifier: Apache-2.0
"""Signed notes, their keys, cosignatures, trust policies and consistency of trees
(spec/log.md sections 8 and 9), from the text alone."""

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from .bytes import signature_of_der
from .fields import is_text
from .log import DASH, b64, node_hash

ED25519, ECDSA, COSIGNATURE = 1, 2, 4
NOTE_LIMIT, LINE_LIMIT, NAME_LIMIT, URL_LIMIT, NODE_NAME_LIMIT = 65536, 64, 255, 255, 64
CHECKPOINT_LIMIT = 4096
COUNT_LIMIT = 32
HASH_LIMIT = 64


class NoteError(Exception):
    def __init__(self, name, line=None):
        super().__init__(name)
        self.name, self.line = name, line


def require(condition, name):
    if not condition:
        raise NoteError(name)


def is_name(name):
    return bool(name) and "+" not in name and is_text(name.encode()) \
        and not re.search(r"[\s\x85]", name)


# ---- notes ----

@dataclass
class Note:
    text: str
    lines: list  # (name, base64)


def parse_note(data):
    require(len(data) <= NOTE_LIMIT, "log-note")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise NoteError("log-note") from None
    require(whole.endswith("\n") and all(is_text(line.encode()) for line in whole.split("\n")),
            "log-note")
    text, blank, rest = whole.rpartition("\n\n")
    require(blank and rest, "log-note")
    lines = []
    for line in rest.split("\n")[:-1]:
        require(line.startswith(DASH), "log-note")
        name, space, coded = line[len(DASH):].partition(" ")
        require(space and is_name(name) and len(coded) >= 8, "log-note")
        head = b64(coded[:8])
        require(head is not None and len(head) >= 4, "log-note")
        lines.append((name, coded))
    require(len(lines) <= LINE_LIMIT, "log-note")
    return Note(text + "\n", lines)


@dataclass
class Key:
    kind: int
    name: str
    data: bytes

    @property
    def id(self):
        given = self.data if self.kind == ECDSA else \
            self.name.encode() + b"\n" + bytes([self.kind]) + self.data
        return hashlib.sha256(given).digest()[:4]

    def text(self):
        coded = base64.b64encode(bytes([self.kind]) + self.data).decode()
        return f"{self.name}+{self.id.hex()}+{coded}"


def parse_key(text):
    parts = text.split("+", 2)
    require(len(parts) == 3, "log-vkey")
    name, digits, coded = parts
    data = b64(coded)
    require(is_name(name) and len(name.encode()) <= NAME_LIMIT and data, "log-vkey")
    key = Key(data[0], name, data[1:])
    if key.kind == ECDSA:
        try:
            public = load_der_public_key(key.data)
        except ValueError:
            raise NoteError("log-vkey") from None
        require(isinstance(getattr(public, "curve", None), ec.SECP256R1) and len(key.data) == 91,
                "log-vkey")
    else:
        require(key.kind in (ED25519, COSIGNATURE) and len(key.data) == 32, "log-vkey")
    require(key.id.hex() == digits, "log-vkey")
    return key


def cosigned(text, time):
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def check(key, text, signature):
    """The time of a cosignature, else 0; an exception if it does not hold."""
    if key.kind == ECDSA:
        if signature_of_der(*decode_dss_signature(signature)) != signature:
            raise ValueError
        load_der_public_key(key.data).verify(signature, text.encode(), ec.ECDSA(hashes.SHA256()))
        return 0
    public = ed25519.Ed25519PublicKey.from_public_bytes(key.data)
    if key.kind == ED25519:
        public.verify(signature, text.encode())
        return 0
    if len(signature) != 72 or len(text.encode()) > CHECKPOINT_LIMIT:
        raise ValueError
    time = int.from_bytes(signature[:8], "big")
    if time >= 1 << 63:
        raise ValueError
    public.verify(signature[8:], cosigned(text, time))
    return time


def verify(note, key):
    """How often the key signed, and the newest time."""
    times = []
    for name, coded in note.lines:
        if name != key.name or b64(coded[:8])[:4] != key.id:
            continue
        data = b64(coded)
        require(data is not None, "log-signature")
        try:
            times.append(check(key, note.text, data[4:]))
        except (InvalidSignature, ValueError):
            raise NoteError("log-signature") from None
    return len(times), max(times, default=0)


def parse_checkpoint(note):
    """Origin, size and root."""
    lines = note.text.split("\n")[:-1]
    require(len(lines) >= 3 and all(lines), "log-note")
    require(re.fullmatch("0|[1-9][0-9]{0,18}", lines[1], re.ASCII), "log-note")
    root = b64(lines[2])
    require(root is not None and len(root) == 32, "log-note")
    require(lines[1] != "0" or root == hashlib.sha256().digest(), "log-note")
    return lines[0], int(lines[1]), root


# ---- consistency, RFC 9162 section 2.1.4.2 ----

def verify_consistency(start, start_root, size, root, proof):
    bad = "log-inconsistent"
    require(start <= size and len(proof) <= HASH_LIMIT, bad)
    if start in (0, size):
        require(not proof and (start == 0 or start_root == root), bad)
        return
    require(proof, bad)
    proof = list(proof)
    if start & (start - 1) == 0:
        proof.insert(0, start_root)
    at, last = start - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = proof[0]
    for step in proof[1:]:
        require(last, bad)
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, step)
        at, last = at >> 1, last >> 1
    require(last == 0 and old == start_root and new == root, bad)


# ---- policies ----

class Policy:
    def __init__(self):
        self.logs, self.witnesses, self.groups, self.quorum = [], {}, {}, None
        self.members = set()

    def fresh(self, name):
        require(name != b"none" and name not in self.witnesses and name not in self.groups
                and len(name) <= NODE_NAME_LIMIT, "log-policy")

    def log(self, key, url=b""):
        require(len(self.logs) < COUNT_LIMIT and len(url) <= URL_LIMIT, "log-policy")
        made = parse_key(key.decode(errors="replace"))
        require(made.kind != COSIGNATURE and made.data not in [old.data for old in self.logs],
                "log-policy")
        self.logs.append(made)

    def witness(self, name, key, url=b""):
        require(len(self.witnesses) < COUNT_LIMIT and len(url) <= URL_LIMIT, "log-policy")
        self.fresh(name)
        made = parse_key(key.decode(errors="replace"))
        require(made.kind == COSIGNATURE
                and made.data not in [old.data for old in self.witnesses.values()], "log-policy")
        self.witnesses[name] = made

    def group(self, name, needed, first, *more):
        members = [first, *more]
        require(len(self.groups) < COUNT_LIMIT, "log-policy")
        self.fresh(name)
        word = {b"any": b"1", b"all": str(len(members)).encode()}.get(needed, needed)
        require(re.fullmatch(b"[1-9][0-9]{0,18}", word) and int(word) <= len(members), "log-policy")
        for member in members:
            require(member in self.witnesses or member in self.groups, "log-policy")
            require(member not in self.members, "log-policy")
            self.members.add(member)
        self.groups[name] = (int(word), members)

    def take_quorum(self, name):
        require(self.quorum is None, "log-policy")
        require(name == b"none" or name in self.witnesses or name in self.groups, "log-policy")
        self.quorum = name

    def line(self, line):
        require(all(byte >= 0x20 and byte != 0x7f or byte == 9 for byte in line), "log-policy")
        words = re.split(b"[ \t]+", line.strip(b" \t"))
        if not words[0] or words[0].startswith(b"#"):
            return
        take = {b"log": self.log, b"witness": self.witness, b"group": self.group,
                b"quorum": self.take_quorum}.get(words[0])
        require(take, "log-policy")
        try:
            take(*words[1:])
        except TypeError:
            raise NoteError("log-policy") from None

    def reached(self, names):
        """Whether these witnesses are the quorum."""
        seen = set(names)
        for name, (needed, members) in self.groups.items():
            if len(seen & set(members)) >= needed:
                seen.add(name)
        return self.quorum == b"none" or self.quorum in seen


def parse_policy(data):
    policy, number = Policy(), 1
    require(len(data) <= NOTE_LIMIT, "log-policy")
    lines = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        if number == len(lines):
            if not line:
                break
            raise NoteError("log-policy", number)
        try:
            policy.line(line)
        except NoteError as error:
            raise NoteError(error.name, number) from None
    if policy.quorum is None:
        raise NoteError("log-policy", max(1, len(lines) - 1))
    return policy


def cosigners(policy, note):
    return [name for name, key in policy.witnesses.items() if verify(note, key)[0]]
