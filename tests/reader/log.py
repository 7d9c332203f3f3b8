# SPDX-License-Identifier: Apache-2.0
"""Leaves, records, checkpoints and receipts (spec/log.md), both ways."""

import base64
import hashlib
import re
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from .bytes import Reader, signature_of_der
from .fields import is_text, u8, u16, u32, u64
from .schedule import info

CLASSES = """? begun release denial heartbeat key-created key-state key-destroyed code-made
    device-enrolled device-revoked policy frozen unfrozen started restored key-set erased
    exported key-accepted ? ? ? evidence device-accepted""".split()
OBJECT_LIMIT = 1000
PART_LIMIT = 65535
PROOF_LIMIT = 63
CHECKPOINT_LIMIT = 4096
DASH = "\u2014 "


class ReceiptError(Exception):
    """What is shown does not prove what it says."""


def require(condition):
    if not condition:
        raise ReceiptError


# ---- records ----

NUMBERS = {1: ("time", 8), 2: ("decision", 1), 3: ("reason", 2), 4: ("mode", 1), 5: ("front", 1),
           6: ("level", 1), 9: ("version", 4), 13: ("generation", 8), 14: ("suppressed", 4),
           15: ("stanza_type", 2)}
HASHES = {8: "key_id", 10: "policy", 11: "request", 12: "recipient", 18: "recovery"}
FACTOR, NOTE, TOKEN, CERTIFICATE, KEY_SET, CLIENT = 16, 17, 19, 20, 21, 23
MAIN_TEXTS = {7: ("key", 64), NOTE: ("note", 255), CLIENT: ("client", 36), 24: ("rule", 64)}
PERSON_TEXTS = {1: ("user", 64), 3: ("device_name", 64), 5: ("person", 254)}


@dataclass
class Object:
    code: int
    object_id: bytes = bytes(16)
    core_digest: bytes = bytes(48)
    epoch: int = 0
    key_id: bytes = bytes(32)

    def encode(self):
        return u16(self.code) + self.object_id + self.core_digest + u32(self.epoch) + self.key_id


@dataclass
class Event:
    class_: int
    main: dict = field(default_factory=dict)  # by name; "factors" is a list of (type, verifier, root)
    person: dict = field(default_factory=dict)
    objects: list = field(default_factory=list)

    def get(self, name):
        return self.main.get(name, self.person.get(name))


def fields(pairs):
    return b"".join(u16(tag) + u16(len(value)) + value for tag, value in pairs)


def encode_main(main):
    pairs = [(tag, main[name].to_bytes(size, "big")) for tag, (name, size) in NUMBERS.items()
             if main.get(name)]
    pairs += [(tag, main[name]) for tag, name in HASHES.items() if name in main]
    pairs += [(tag, main[name].encode()) for tag, (name, _) in MAIN_TEXTS.items() if name in main]
    pairs += [(FACTOR, u16(kind) + u8(verifier) + u64(root))
              for kind, verifier, root in main.get("factors", ())]
    pairs += [(tag, main[name]) for tag, name in ((TOKEN, "token"), (CERTIFICATE, "certificate"),
                                               (KEY_SET, "key_set"))
              if name in main]
    return fields(sorted(pairs, key=lambda pair: pair[0]))


def encode_person(person):
    values = {1: person.get("user", "").encode(), 2: person.get("device", b""),
              3: person.get("device_name", "").encode(), 4: person.get("address", b""),
              5: person.get("person", "").encode()}
    return fields((tag, value) for tag, value in values.items() if value)


def part_hash(label, salt, data):
    return hashlib.sha256(info(label, salt + data)).digest()


def commitment(main, person, objects):
    of_objects = info("log-objects", u16(len(objects)) + b"".join(objects))
    whole = main + person + hashlib.sha256(of_objects).digest()
    return hashlib.sha256(info("log-record", whole)).digest()


def make_leaf(class_, time, committed):
    return b"DKL1" + u16(class_) + u16(0) + u64(time - time % 60) + committed


def encode_parts(class_, time, parts, erased=()):
    """parts: (label, salt, bytes), the first two being main and person."""
    hashed = [part_hash(*part) for part in parts]
    coded = [u8(0) + hashed[i] if i in erased else u8(1) + salt + u32(len(data)) + data
             for i, (_, salt, data) in enumerate(parts)]
    record = u8(1) + coded[0] + coded[1] + u16(len(parts) - 2) + b"".join(coded[2:])
    return record, make_leaf(class_, time, commitment(hashed[0], hashed[1], hashed[2:]))


def encode_event(event, random, erased=()):
    """Record and leaf; random(n) gives salts."""
    parts = [("log-main", random(16), encode_main(event.main)),
             ("log-person", random(16), encode_person(event.person))]
    parts += [("log-object", random(16), item.encode()) for item in event.objects]
    return encode_parts(event.class_, event.main["time"], parts, erased)


def read_fields(data, repeatable=None):
    reader, last, found = Reader(data, ReceiptError), 0, []
    while reader.left():
        tag, value = reader.number(2), reader.take(reader.number(2))
        require(tag > last or tag == last == repeatable)
        require(value)
        found.append((tag, value))
        last = tag
    return found


def read_token(value):
    reader = Reader(value, ReceiptError)
    reader.take(32 + 8)
    for most in (200, 128, 128):
        text = reader.take(reader.number(1))
        require(len(text) <= most and is_text(text))
    require(not reader.left())
    return value


def read_key_set(value):
    reader = Reader(value, ReceiptError)
    reader.take(64 + 1)
    issuer = reader.take(reader.number(1))
    require(1 <= len(issuer) <= 32 and is_text(issuer))
    count = reader.number(1)
    require(1 <= count <= 32)
    reader.take(32 * count)
    require(not reader.left())
    return value


def read_main(data):
    main = {}
    for tag, value in read_fields(data, FACTOR):
        if tag in NUMBERS:
            name, size = NUMBERS[tag]
            require(len(value) == size and any(value))
            main[name] = int.from_bytes(value, "big")
        elif tag in HASHES:
            require(len(value) == 32)
            main[HASHES[tag]] = value
        elif tag in MAIN_TEXTS:
            name, most = MAIN_TEXTS[tag]
            require(len(value) <= most and is_text(value) and (tag != CLIENT or len(value) == 36))
            main[name] = value.decode()
        elif tag == FACTOR:
            require(len(value) == 11)
            reader = Reader(value, ReceiptError)
            main.setdefault("factors", []).append(
                (reader.number(2), reader.number(1), reader.number(8)))
        elif tag == TOKEN:
            main["token"] = read_token(value)
        elif tag == KEY_SET:
            main["key_set"] = read_key_set(value)
        else:
            require(tag == CERTIFICATE and len(value) == 64)
            main["certificate"] = value
    return main


def read_person(data):
    person = {}
    for tag, value in read_fields(data):
        if tag in PERSON_TEXTS:
            name, most = PERSON_TEXTS[tag]
            require(len(value) <= most and is_text(value))
            require(tag != 5 or "user" not in person and all(0x21 <= c <= 0x7e for c in value))
            person[name] = value.decode()
        else:
            require((tag, len(value)) in ((2, 32), (4, 16)))
            person["device" if tag == 2 else "address"] = value
    return person


def read_object(data):
    if data is None:
        return Object(65535)
    require(len(data) == 102)
    reader = Reader(data, ReceiptError)
    return Object(reader.number(2), reader.take(16), reader.take(48), reader.number(4),
                  reader.take(32))


def open_record(record, leaf):
    """The event of a record that opens the leaf."""
    reader, hashed = Reader(record, ReceiptError), []

    def part(label):
        form = reader.number(1)
        if form == 0:
            hashed.append(reader.take(32))
            return None
        require(form == 1)
        salt, length = reader.take(16), reader.number(4)
        require(length <= PART_LIMIT)
        data = reader.take(length)
        hashed.append(part_hash(label, salt, data))
        return data

    require(reader.number(1) == 1)
    main = part("log-main")
    require(main is not None)
    person = part("log-person")
    count = reader.number(2)
    require(count <= OBJECT_LIMIT)
    objects = [read_object(part("log-object")) for _ in range(count)]
    require(not reader.left())
    event = Event(int.from_bytes(leaf[4:6], "big"), read_main(main),
                  read_person(person) if person is not None else {}, objects)
    made = make_leaf(event.class_, event.main.get("time", 0),
                     commitment(hashed[0], hashed[1], hashed[2:]))
    require(made == leaf)
    return event


# ---- the tree ----

def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaves):
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_of(leaves[:half]), root_of(leaves[half:]))


def inclusion(index, leaves):
    """RFC 6962 section 2.1.1, from the leaf upwards."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return inclusion(index, leaves[:half]) + [root_of(leaves[half:])]
    return inclusion(index - half, leaves[half:]) + [root_of(leaves[:half])]


def root_from(hashed, index, size, proof):
    """RFC 9162 section 2.1.3.2."""
    require(index < size)
    at, last, proof = index, size - 1, list(proof)
    for step in proof:
        require(last)
        if at & 1 or at == last:
            hashed = node_hash(step, hashed)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            hashed = node_hash(hashed, step)
        at, last = at >> 1, last >> 1
    require(not last)
    return hashed


# ---- checkpoints ----

@dataclass
class LogKeys:
    """What a verifier pins."""

    origin: str
    ed25519: bytes
    p256: bytes  # SubjectPublicKeyInfo

    def hashes(self):
        of_ed = hashlib.sha256(self.origin.encode() + b"\n\1" + self.ed25519).digest()
        return of_ed[:4], hashlib.sha256(self.p256).digest()[:4]


def checkpoint_text(origin, size, root):
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def signature_line(origin, key_hash, signature):
    return f"{DASH}{origin} {base64.b64encode(key_hash + signature).decode()}\n"


def checkpoint_lines(keys, text, sign_ed25519, sign_p256_der):
    of_ed, of_p256 = keys.hashes()
    return [signature_line(keys.origin, of_ed, sign_ed25519(text.encode())),
            signature_line(keys.origin, of_p256, sign_p256_der(text.encode()))]


def b64(text):
    """The one encoding of its bytes, or None."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode() == text else None


def verify_checkpoint(keys, note):
    """Size and root."""
    require(len(note) <= CHECKPOINT_LIMIT and note.endswith(b"\n"))
    try:
        lines = note.decode().split("\n")[:-1]
    except UnicodeDecodeError:
        raise ReceiptError from None
    require(len(lines) >= 4 and lines[0] == keys.origin and lines[3] == "")
    require(re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]))
    root = b64(lines[2])
    require(root is not None and len(root) == 32)
    signed, found = "".join(line + "\n" for line in lines[:3]).encode(), set()
    for line in lines[4:]:
        verify_line(keys, signed, line, found)
    require(found == {0, 1})
    return int(lines[1]), root


def verify_line(keys, signed, line, found):
    require(line.startswith(DASH))
    name, _, coded = line[len(DASH):].rpartition(" ")
    data = b64(coded)
    if name != keys.origin or not data or len(data) <= 4:
        return
    signature = data[4:]
    for number, key_hash in enumerate(keys.hashes()):
        if data[:4] != key_hash:
            continue
        try:
            if number == 0:
                require(len(signature) == 64)
                public = ed25519.Ed25519PublicKey.from_public_bytes(keys.ed25519)
                public.verify(signature, signed)
            else:
                require(signature_of_der(*decode_dss_signature(signature)) == signature)
                public = load_der_public_key(keys.p256)
                public.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            raise ReceiptError from None
        found.add(number)


# ---- receipts ----

@dataclass
class Receipt:
    leaf: bytes
    index: int
    proof: list
    checkpoint: bytes
    record: bytes

    def encode(self):
        return (self.leaf + u64(self.index) + u8(len(self.proof)) + b"".join(self.proof)
                + u16(len(self.checkpoint)) + self.checkpoint
                + u32(len(self.record)) + self.record)


def parse_receipt(data):
    reader = Reader(data, ReceiptError)
    leaf, index, count = reader.take(48), reader.number(8), reader.number(1)
    require(count <= PROOF_LIMIT)
    proof = [reader.take(32) for _ in range(count)]
    checkpoint = reader.take(reader.number(2))
    record = reader.take(reader.number(4))
    require(not reader.left())
    return Receipt(leaf, index, proof, checkpoint, record)


def verify_receipt(keys, data):
    """The event and its index; section 7 but for what the event must mean."""
    receipt = parse_receipt(data)
    event = open_record(receipt.record, receipt.leaf)
    size, root = verify_checkpoint(keys, receipt.checkpoint)
    made = root_from(leaf_hash(receipt.leaf), receipt.index, size, receipt.proof)
    require(made == root)
    return event, receipt.index
