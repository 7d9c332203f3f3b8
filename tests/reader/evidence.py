# SPDX-License-Identifier: Apache-2.0
"""Evidence bundles, written from spec/evidence.md alone; with the tarfile of Python."""

import hashlib
import json
import re
import tarfile
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from . import export, log, note
from .bytes import Reader
from .schedule import info

BLOCK, END = 512, 1024
MANIFEST_LIMIT, PART_LIMIT, SIGNATURE_LIMIT = 67108864, (1 << 33) - 1, 16384
NEEDED = ("assessment.json", "catalogue", "incident", "inventory.json", "log/checkpoint",
          "records")
ALONE = NEEDED + ("configuration", "report.csv", "report.html")
WORD = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}"
FOLDERS = (r"log/checkpoints/" + WORD, r"log/tile/" + WORD + "(/" + WORD + ")*",
           r"policy/[0-9a-f]{64}", r"witnesses/[0-9a-f]{64}", r"spec/" + WORD)
NUMBER = r"(0|[1-9][0-9]{0,18})"
HEX = r"([0-9a-f]{64})"
LINES_LIMIT = 400005
HEAD = (r"doublekey-evidence-1", r"time " + NUMBER,
        r"program [A-Za-z0-9._+~-]{1,32} " + HEX, r"recipient " + HEX,
        r"records " + NUMBER + r" (persons|no-persons)")
EVIDENCE = 23
LISTED = (1, 5, 6, 7, 11, 12, 13, 14, 15, 16, 18, 19)


class EvidenceError(Exception):
    """place and where: of section 8."""

    def __init__(self, name, place="", where=""):
        self.name, self.place, self.where = name, place, where
        super().__init__(f"{name} {place} {where}")


class FileError(EvidenceError):
    def __init__(self, place=""):
        super().__init__("evidence-file", place)


def require(condition, name="evidence-file", place="", where=""):
    if not condition:
        raise EvidenceError(name, place, where)


@dataclass
class Bundle:
    manifest: bytes
    recipient: str = ""
    until: int = 0
    persons: bool = True
    parts: dict = field(default_factory=dict)
    signature: bytes = b""


# ---- manifest ----

def name_valid(name):
    if len(name) > 100 or (name.startswith("spec/") and
                           (not name.endswith(".md") or len(name) < 9)):
        return False
    return name in ALONE or any(re.fullmatch(f, name) for f in FOLDERS)


def parse_manifest(text):
    """Of each part: name, size, digest; and what the bundle says of itself."""
    lines = text.decode("latin-1").split("\n")
    require(len(text) <= MANIFEST_LIMIT and b"\0" not in text and len(lines) <= LINES_LIMIT + 1,
            place="manifest line 1")
    bundle, parts = Bundle(text), []
    for number, line in enumerate(lines[:-1] + [None] * bool(lines[-1]), 1):
        place = "manifest line %d" % number
        require(line is not None, place=place)  # it has no end
        if number <= len(HEAD):
            found = re.fullmatch(HEAD[number - 1], line)
            require(found, place=place)
            if number == 4:
                bundle.recipient = found[1]
            elif number == 5:
                bundle.until, bundle.persons = int(found[1]), found[2] == "persons"
            continue
        found = re.fullmatch("part " + HEX + " " + NUMBER + " (\\S+)", line)
        require(found and int(found[2]) <= PART_LIMIT and name_valid(found[3]), place=place)
        require(not parts or parts[-1][0] < found[3], place=place)
        parts.append((found[3], int(found[2]), found[1]))
    names, place = {name for name, _, _ in parts}, "manifest line %d" % len(lines)
    require(names.issuperset(NEEDED), place=place)
    require(not any("/".join(name.split("/")[:n]) in names
                    for name in names for n in range(1, name.count("/") + 1)), place=place)
    return bundle, parts


# ---- file ----

def header(name, size):
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o644, 0
    return member.tobuf(tarfile.USTAR_FORMAT)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def write(manifest, contents, signature=b""):
    """The one file of a manifest and contents in its order."""
    _, parts = parse_manifest(manifest)
    file = header("manifest", len(manifest)) + padded(manifest)
    for (name, _, _), content in zip(parts, contents, strict=True):
        file += header(name, len(content)) + padded(content)
    if signature:
        file += header("signature", len(signature)) + padded(signature)
    return file + bytes(END)


class Members:
    """One member behind the other, each compared with the only one that it can be."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size, place):
        require(self.at + size <= len(self.data), place=place)
        self.at += size
        return self.data[self.at - size:self.at]

    def zeros(self, size, place):
        require(not any(self.take(size, place)), place=place)

    def head(self, name, limit, place, size=None):
        """The size of what follows."""
        block = self.take(BLOCK, place)
        digits = block[124:135]
        require(re.fullmatch(b"[0-7]{11}", digits), place=place)
        found = int(digits, 8)
        require(found <= limit and size in (None, found) and block == header(name, found),
                place=place)
        return found

    def member(self, name, limit, place, size=None, digest=None):
        size = self.head(name, limit, place, size)
        content = self.take(size, place)
        if digest is not None:
            require(hashlib.sha256(content).hexdigest() == digest, "evidence-changed", place)
            folder, _, rest = name.partition("/")
            require(folder not in ("policy", "witnesses") or rest == digest, "evidence-changed",
                    place)
        self.zeros(-size % BLOCK, place)
        return content


def read(data):
    """Step 1 of section 7."""
    members = Members(data)
    bundle, parts = parse_manifest(members.member("manifest", MANIFEST_LIMIT, "manifest"))
    for name, size, digest in parts:
        bundle.parts[name] = members.member(name, PART_LIMIT, name, size, digest)
    require(members.at + BLOCK <= len(data), place="end")
    if data[members.at]:
        bundle.signature = members.member("signature", SIGNATURE_LIMIT, "end")
        require(bundle.signature, place="end")
    members.zeros(END, "end")
    require(members.at == len(data), place="end")
    return bundle


# ---- signature ----

def parse_signature(data):
    """Key, signature, receipt, and the receipt's fields."""
    reader = Reader(data, FileError("signature"))
    require(reader.take(8) == b"DKEVSIG1", place="signature")
    spki, signature, receipt = reader.take(91), reader.take(64), reader.take(reader.left())
    reader = Reader(receipt, FileError("signature"))
    leaf, index = reader.take(48), reader.number(8)
    count = reader.number(1)
    proof = [reader.take(32) for _ in range(count)]
    checkpoint = reader.take(reader.number(2))
    record = reader.take(reader.number(4))
    require(reader.left() == 0 and count <= log.PROOF_LIMIT, place="signature")
    return spki, signature, receipt, (leaf, index, proof, checkpoint, record)


def check_signature(bundle, identity, keys):
    spki, signature, receipt, fields = parse_signature(bundle.signature)
    leaf, index, proof, checkpoint, record = fields
    digest = hashlib.sha256(bundle.manifest).digest()
    signed = info("evidence", digest + hashlib.sha256(receipt).digest())
    r, s = (int.from_bytes(signature[i:i + 32], "big") for i in (0, 32))
    serialization.load_der_public_key(spki).verify(
        utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    event = log.open_record(record, leaf)
    require(event.class_ == EVIDENCE and event.main["request"] == digest
            and event.main["key_id"].hex() == bundle.recipient, "evidence-signature")
    parsed = note.parse_note(checkpoint)
    _, size, root = note.parse_checkpoint(parsed)
    ours = bundle.parts["log/checkpoint"].split(b"\n")[0]
    require(checkpoint.split(b"\n")[0] == ours, "evidence-signature")
    require(log.root_from(log.leaf_hash(leaf), index, size, proof) == root, "evidence-signature")
    require(identity in (None, hashlib.sha256(spki).hexdigest()), "evidence-signature")
    for key in keys:
        require(note.verify(parsed, key)[0] == 1, "evidence-signature")
    return index


def verify_signature(bundle, identity, keys):
    """Step 3; the index of the entry. identity: the key's id; keys: parsed ones of the log."""
    try:
        return check_signature(bundle, identity, keys)
    except EvidenceError as error:
        raise EvidenceError(error.name, "signature") from None
    except (InvalidSignature, ValueError, KeyError, note.NoteError, log.ReceiptError,
            UnsupportedAlgorithm):
        raise EvidenceError("evidence-signature", "signature") from None


# ---- records and inventory ----

def open_records(bundle, key):
    """The records file: steps 1 and 2 of spec/export.md section 4, with the label of here."""
    return export.unseal(bundle.parts["records"], key, "evidence-recs")


def parse_records(data):
    """(index, leaf, record) of spec/log.md section 11."""
    require(data[:8] == b"DKLREC1\n", "log-file")
    reader, rows = Reader(data[8:], FileError), []
    while reader.left():
        index, leaf = reader.number(8), reader.take(48)
        rows.append((index, leaf, reader.take(reader.number(4))))
    return rows


def inventory(rows):
    """Section 5."""
    text = ""
    for index, leaf, record in rows:
        event = log.open_record(record, leaf)
        if event.class_ not in LISTED or event.main["decision"] != 1:
            continue
        line = {"index": index, "time": event.main["time"], "class": event.class_}
        for name in ("key", "key_id", "version", "policy", "note"):
            value = event.main.get(name)
            if value is not None:
                line[name] = value.hex() if isinstance(value, bytes) else value
        text += json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n"
    return text.encode()


def check(data, key=None, identity=None, keys=()):
    """Section 7, but what other parts of this reader do: log, and the assessment."""
    bundle = read(data)
    if identity:
        verify_signature(bundle, identity, keys)
    if key:
        made = inventory(parse_records(open_records(bundle, key)))
        require(made == bundle.parts["inventory.json"], "evidence-result", "inventory.json")
    return bundle
