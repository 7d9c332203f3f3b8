# SPDX-License-Identifier: Apache-2.0
"""All of spec/evidence.md section 7, step by step, by the parts of this reader."""

import hashlib
import re
import tempfile

from . import assessment, catalogue, evidence, export, incident, log, note, tiles
from .evidence import EvidenceError, require

FULL = 256


def checkpoint(data, keys, place, policy=None):
    """Step 2: origin, size, root."""
    try:
        parsed = note.parse_note(data)
        found = note.parse_checkpoint(parsed)
        for key in keys:
            require(key.name == found[0] and note.verify(parsed, key)[0] == 1, "log-key", place)
        if policy:
            require(policy.reached(note.cosigners(policy, parsed)), "log-quorum", place)
        return found
    except note.NoteError as error:
        raise EvidenceError(error.name, place) from None


def read_incident(data):
    try:
        return incident.parse(data)
    except incident.IncidentError as error:
        where = "line %d" % error.line if error.line else ""
        raise EvidenceError("incident-file", "incident", where) from None


def open_records(bundle, key):
    """Step 5, and the layout of the file."""
    try:
        data = evidence.open_records(bundle, key)
    except export.ExportError as error:
        raise EvidenceError(error.name, "records") from None
    try:
        return data, tiles.parse_records(data)
    except note.NoteError as error:
        at = "record %d" % error.line if error.line is not None else ""
        raise EvidenceError("log-file", "records", at) from None


def check_inventory(bundle, rows):
    """Step 6."""
    for number, (_, leaf, record) in enumerate(rows, 1):
        if int.from_bytes(leaf[4:6], "big") in evidence.LISTED:
            try:
                log.open_record(record, leaf)
            except log.ReceiptError:
                raise EvidenceError("log-record", "records", "record %d" % number) from None
    listed = [row for row in rows if int.from_bytes(row[1][4:6], "big") in evidence.LISTED]
    require(evidence.inventory(listed) == bundle.parts["inventory.json"], "evidence-result",
            "inventory.json")


def read_catalogue(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            return catalogue.read(file.name)
        except catalogue.VersionError:
            raise EvidenceError("catalogue-version", "catalogue") from None
        except (catalogue.CatalogueError, catalogue.sqlite3.DatabaseError):
            raise EvidenceError("catalogue-file", "catalogue") from None


# ---- the log, spec/log.md section 13 ----

def log_file(bundle, name):
    require("log/" + name in bundle.parts, "log-missing", "log", name)
    return bundle.parts["log/" + name]


def entries_of(data, place):
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 2], "big")
        require(at + 2 + size <= len(data), "log-file", "log", place)
        found.append(data[at + 2:at + 2 + size])
        at += 2 + size
    return found


def read_log(bundle, size, points, rows):
    """Of one tile: a vector has no more entries. points: (size, root)."""
    require(size < FULL, "too-large")
    tile, leaves = "tile/0/000.p/%d" % size, "tile/entries/000.p/%d" % size
    hashes, entries = log_file(bundle, tile), entries_of(log_file(bundle, leaves), leaves)
    require(len(hashes) == 32 * size, "log-file", "log", tile)
    require(len(entries) == size, "log-file", "log", leaves)
    for index, entry in enumerate(entries):
        time = int.from_bytes(entry[8:16], "big")
        require(len(entry) == 48 and entry[:4] == b"DKL1" and any(entry[4:6])
                and not any(entry[6:8]) and time % 60 == 0, "log-file", "log", "entry %d" % index)
    made = [log.leaf_hash(entry) for entry in entries]
    require(b"".join(made) == hashes, "log-tree", "log", tile)
    for at, root in sorted(points, key=lambda point: point[0]):
        require(log.root_of(made[:at]) == root, "log-inconsistent", "log", "size %d" % at)
    for index, leaf, record in rows:
        # An index behind the tree has no entry.
        require(index < size and entries[index] == leaf, "log-record", "log", "entry %d" % index)
        try:
            yield log.open_record(record, leaf)
        except log.ReceiptError:
            raise EvidenceError("log-record", "log", "entry %d" % index) from None


def kept(bundle, keys, newest, policy):
    for name, data in bundle.parts.items():
        if re.match("log/checkpoints/[0-9]", name):
            _, size, root = checkpoint(data, keys, name, policy)
            require(size <= newest, "log-inconsistent", name, "above checkpoint")
            yield size, root


def verify(data, key, keys, identity=None, policy=None):
    """Steps 1 to 8; key: the auditor's; keys: the log's; identity: an id, or None."""
    bundle = evidence.read(data)
    newest = checkpoint(bundle.parts["log/checkpoint"], keys, "log/checkpoint", policy)
    if bundle.signature:
        evidence.verify_signature(bundle, identity, keys)
    else:
        require(not identity, "evidence-signature", "missing")
    incident_ = read_incident(bundle.parts["incident"])
    records, rows = open_records(bundle, key)
    check_inventory(bundle, rows)
    cat = read_catalogue(bundle.parts["catalogue"])
    points = [*kept(bundle, keys, newest[1], policy), newest[1:]]
    events = list(read_log(bundle, newest[1], points, rows))
    made = assessment.result(bundle.parts, records, events, incident_, cat, newest, bool(policy))
    require(hashlib.sha256(made).digest()
            == hashlib.sha256(bundle.parts["assessment.json"]).digest(), "evidence-result",
            "assessment.json")
    return bundle
