# SPDX-License-Identifier: Apache-2.0
"""tests/reader does with every vector of log/ what the vector says."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from reader import log, note, tiles
from reader.vectors import FOLDER
from test_native import read

FILES = sorted((FOLDER / "log").iterdir())
CATEGORIES = {"log-note": "malformed", "log-policy": "malformed", "log-vkey": "key",
              "log-file": "malformed",
              "log-key": "no-match",
              "argument": "usage"}


def one_note(lines, parts):
    key = note.parse_key(lines["key"])
    count, time = note.verify(note.parse_note(parts["note"]), key)
    return {"signatures": str(count), "time": str(time)}


def cosign(lines, parts):
    """Ed25519 has one signature for a text."""
    private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(lines["seed"]))
    key = note.Key(note.COSIGNATURE, lines["name"], private.public_key().public_bytes(
        Encoding.Raw, PublicFormat.Raw))
    time, text = int(lines["time"]), parts["text"].decode()
    note.require(time < 1 << 63 and len(text) <= note.CHECKPOINT_LIMIT, "argument")
    data = key.id + time.to_bytes(8, "big") + private.sign(note.cosigned(text, time))
    assert f"{log.DASH}{key.name} {base64.b64encode(data).decode()}\n" == parts["line"].decode()
    return {}


def vkey(lines, parts):
    text = parts["vkey"].decode()
    key = note.parse_key(text)
    assert key.text() == text
    return {"name": key.name, "id": key.id.hex(), "type": str(key.kind)}


def checkpoint(lines, parts):
    origin, size, root = note.parse_checkpoint(note.parse_note(parts["note"]))
    return {"origin": origin, "size": str(size), "root": root.hex()}


def policy(lines, parts):
    made = note.parse_policy(parts["policy"])
    names = note.cosigners(made, note.parse_note(parts["note"]))
    return {"reached": "yes" if made.reached(names) else "no"}


def proof(lines, parts):
    return {"index": str(tiles.check_proof(parts["proof"], note.parse_key(lines["key"])))}


def records(lines, parts):
    made = tiles.parse_records(parts["records"])
    return {"entries": str(len(made)), "last": str(made[-1][0]) if made else "none"}


def gossip(lines, parts):
    return {"notes": str(len(tiles.parse_gossip(parts["gossip"])))}


def consistency(lines, parts):
    proof = [parts["proof"][i:i + 32] for i in range(0, len(parts["proof"]), 32)]
    note.verify_consistency(int(lines["from"]), bytes.fromhex(lines["from-root"]),
                            int(lines["size"]), bytes.fromhex(lines["root"]), proof)
    return {}


KINDS = {"note": one_note, "cosign": cosign, "vkey": vkey, "checkpoint": checkpoint,
         "policy": policy,
         "consistency": consistency, "proof": proof, "records": records, "gossip": gossip}


def differences(lines, parts):
    try:
        found, outcome = KINDS[lines["kind"]](lines, parts), "success"
    except note.NoteError as error:
        found = {"line": str(error.line), "at": str(error.line)} if error.line is not None else {}
        outcome = f"{CATEGORIES.get(error.name, 'not-authentic')} {error.name}"
    if outcome != lines["expect"]:
        return {"expect": outcome}
    return {key: value for key, value in found.items() if lines.get(key, value) != value}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_log(path):
    assert differences(*read(path)) == {}


def test_every_kind_is_there_good_and_bad():
    seen = {(read(path)[0]["kind"], read(path)[0]["expect"] == "success") for path in FILES}
    assert seen == {(kind, good) for kind in KINDS for good in (True, False)}


def test_a_wrong_expectation_is_noticed():
    lines, parts = read(FOLDER / "log" / "note_published_remora")
    for key, value in (("expect", "malformed log-note"), ("signatures", "2"), ("time", "1")):
        assert differences({**lines, key: value}, parts)
