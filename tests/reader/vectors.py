# SPDX-License-Identifier: Apache-2.0
"""Loads and runs the vector files that spec/vectors/README.md describes."""

import hashlib
import io
import pathlib
from dataclasses import dataclass

from . import backup, envelope, keyfile, keys, metadata
from .errors import EnvelopeError
from .header import CUSTOMER, PROVIDER

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "spec" / "vectors"
REPEATED = {"customer-key", "provider-key", "share"}
KNOWN = set("""customer-key provider-key spec expect where released released-length min-epoch-customer
    min-epoch-provider require-creator range tenant label file-name media-type comment""".split())
KNOWN_OF_BACKUPS = set("""spec expect at where side key-id custodian created private share
    comment""".split())
KNOWN_OF_KEY_FILES = set("spec expect side need passphrase key-id custodian comment".split())


@dataclass
class Vector:
    name: str
    fields: dict
    data: bytes


def load_keys():
    rows = [line.split() for line in (FOLDER / "keys" / "keys.txt").read_text().splitlines()]
    return {
        name: keys.load_pem(FOLDER / "keys" / f"{name}.pem", custodian)
        for name, _, custodian, _ in (row for row in rows if row[0] != "#")}


def load(path, known=KNOWN):
    head, data = path.read_bytes().split(b"\n\n", 1)
    fields = {key: [] for key in REPEATED}
    for line in head.decode("ascii").split("\n"):
        key, value = line.split(": ", 1)
        assert key in known and (key in REPEATED or key not in fields), line
        if key in REPEATED:
            fields[key].append(value)
        else:
            fields[key] = value
    return Vector(path.name, fields, data)


def all_vectors():
    return [load(path) for path in sorted((FOLDER / "envelope").iterdir())]


def all_key_files():
    folder = FOLDER / "key-file"
    return [load(path, KNOWN_OF_KEY_FILES) for path in sorted(folder.iterdir())]


def all_key_backups():
    folder = FOLDER / "key-backup"
    return [load(path, KNOWN_OF_BACKUPS) for path in sorted(folder.iterdir())]


def run(vector, keyring, file=None):
    """Returns (expect, where, released, opened) as this reader sees them."""
    file = file or io.BytesIO(vector.data)
    released, opened = b"", None
    try:
        opened = envelope.open_header(file, options(vector.fields, keyring))
        for piece in pieces(file, opened, vector.fields.get("range")):
            released += piece
    except EnvelopeError as error:
        return f"{error.category} {error.name}", error.place, released, opened
    return "success", None, released, opened


def pieces(file, opened, wanted):
    if wanted is None:
        return envelope.stream(file, opened)
    offset, length = map(int, wanted.split())
    return envelope.stream_range(file, opened, offset, length)


def options(fields, keyring):
    sides = {"customer": CUSTOMER, "provider": PROVIDER}
    creator = fields.get("require-creator")
    return envelope.Options(
        {side: [keyring[key] for key in fields[f"{name}-key"]] for name, side in sides.items()},
        {side: int(fields.get(f"min-epoch-{name}", 1)) for name, side in sides.items()},
        keyring[creator] if creator else None)


def differences(vector, keyring, file=None):
    """What this reader did otherwise than the vector says, as a dictionary."""
    expect, where, released, opened = run(vector, keyring, file)
    found = {
        "expect": expect, "where": where, "released-length": str(len(released)),
        "released": hashlib.sha256(released).hexdigest()}
    if opened:
        found |= {
            "tenant": opened.header.core.tenant, "label": opened.header.core.label,
            "file-name": opened.metadata.get(metadata.FILE_NAME),
            "media-type": opened.metadata.get(metadata.MEDIA_TYPE)}
    always = ("expect", "where", "released", "released-length")
    wanted = {key: vector.fields.get(key) for key in found if key in always or key in vector.fields}
    return {key: (value, found[key]) for key, value in wanted.items() if found[key] != value}


def differences_of_key_file(vector):
    fields = vector.fields
    passphrase = fields.get("passphrase")
    private = fields["need"] == "private"
    wanted = {key: fields.get(key) for key in ("expect", "key-id", "custodian")}
    found = dict.fromkeys(wanted)
    try:
        key = keyfile.load(
            vector.data, fields["side"], private, passphrase and passphrase.encode())
        assert private == (key.private is not None)
        found |= {"expect": "success", "key-id": key.id.hex(), "custodian": key.custodian}
    except keyfile.KeyFileError as error:
        found["expect"] = f"key {error.name}"
    return {key: (wanted[key], found[key]) for key in wanted if wanted[key] != found[key]}


def shares_of(vector):
    """The shares of a key backup vector: `share` holds their lengths."""
    shares, position = [], 0
    for length in map(int, vector.fields["share"]):
        shares.append(vector.data[position:position + length])
        position += length
    assert position == len(vector.data)
    return shares


def differences_of_key_backup(vector):
    wanted = {name: vector.fields.get(name) for name in KNOWN_OF_BACKUPS}
    found = dict.fromkeys(wanted)
    joining, at = backup.Join(), None
    try:
        for at, share in enumerate(shares_of(vector), 1):
            joining.add(share)
        at = None
        key, side, created = joining.finish()
        private = hashlib.sha256(keyfile.encode_private(key.private)).hexdigest()
        found |= {"expect": "success", "side": side, "key-id": key.id.hex(),
                  "custodian": key.custodian, "created": str(created), "private": private}
    except backup.BackupError as error:
        found |= {"expect": f"key {error.name}", "where": error.place, "at": at and str(at)}
    compared = KNOWN_OF_BACKUPS - {"spec", "share", "comment"}
    return {key: (wanted[key], found[key]) for key in compared if wanted[key] != found[key]}
