# SPDX-License-Identifier: Apache-2.0
"""tests/reader does with every vector of native/ what the vector says."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from reader import dke, log, native, standing
from reader.vectors import FOLDER

FILES = sorted((FOLDER / "native").iterdir())


def read(path):
    head, _, data = path.read_bytes().partition(b"\n\n")
    lines, parts = {}, {}
    for line in head.decode().split("\n"):
        key, _, value = line.partition(": ")
        if key == "part":
            name, length = value.split()
            parts[name], data = data[:int(length)], data[int(length):]
        else:
            assert key not in lines
            lines[key] = value
    assert not data
    return lines, parts


def receipt(lines, parts):
    event, index = native.receipt_of(native.parse_service(parts["service"]), parts["receipt"])
    return {"class": str(event.class_), "index": str(index)}


def checkpoint(lines, parts):
    try:
        size, _ = log.verify_checkpoint(
            native.parse_service(parts["service"]).log, parts["checkpoint"])
    except log.ReceiptError:
        raise native.NativeError("receipt") from None
    return {"size": str(size)}


def release(lines, parts):
    scalar = int(lines["ephemeral"], 16)
    asked = native.Asked(parts["request"], bytes.fromhex(lines["request-digest"]), lines["user"],
                         bytes.fromhex(lines["device"]),
                         ec.derive_private_key(scalar, ec.SECP256R1()))
    items = native.check_release(parts["answer"], native.parse_service(parts["service"]), asked)
    shares = b"".join(share for _, share in items if share is not None)
    return {"codes": " ".join(code for code, _ in items),
            "shares": hashlib.sha256(shares).hexdigest()}


def code(lines, parts):
    user, made = native.parse_code(lines["text"])
    keys = native.EnrolKeys(made)
    return {"user": user, "code": made.hex(), "code-id": keys.id.hex(),
            "client-key": keys.client.hex(), "server-key": keys.server.hex()}


def enrol_keys(lines):
    return native.EnrolKeys(bytes.fromhex(lines["code"]))


def enrol_request(lines, parts):
    native.check_enrol(parts["request"], enrol_keys(lines))
    return {}


def enrol_answer(lines, parts):
    native.check_enrol_answer(parts["answer"], parts["request"], enrol_keys(lines), lines["url"],
                              bytes.fromhex(lines["fingerprint"]))
    return {}


def statement(lines, parts):
    made = native.check_statement(
        parts["statement"], native.parse_service(parts["service"]), lines["key"])
    return {"versions": " ".join(f"{v.number}:{v.state}" for v in made.versions)}


def base(lines, parts):
    given = native.parse_input(lines["input"])
    if given.token_digest is not None:
        given.token_digest = bytes.fromhex(lines["token-digest"])
    made = native.signature_base(given, lines["url"], parts["request"])
    assert made == parts["base"]
    assert given.key_id == hashlib.sha256(parts["device"]).digest()
    native.require(native.verify(parts["device"], made, parts["signature"]), "signature")
    return {"request-digest": native.request_digest(made).hex()}


def approvals(lines, parts):
    reason, made = native.parse_approvals(parts["approvals"])
    message = native.approval_message(
        bytes.fromhex(lines["request-digest"]), made[0].time, lines["user"], reason)
    native.require(native.verify(parts["device"], message, made[0].signature), "approval")
    return {}


def request_file(lines, parts):
    made, digest = native.open_request_file(parts["file"])
    return {"request-digest": digest.hex(), "user": made.user}


def approval_file(lines, parts):
    made = native.parse_approval_file(parts["file"])
    return {"request-digest": made.digest.hex(), "url": made.base_url}


def numbers(one):
    """Its fields as lines have them."""
    return {name: value.hex() if isinstance(value, bytes) else str(value)
            for name, value in vars(one).items()}


def standing_(lines, parts):
    made = standing.parse_approval(parts["approval"])
    assert made.encode() == parts["approval"]
    name = dke.approved_name(made.scope, made.document, made.key, made.person)
    return numbers(made) | {"name": name.hex()}


def asked(lines, parts):
    made = standing.parse_list(parts["list"])
    assert standing.encode_list(made) == parts["list"]
    return {"count": str(len(made))} | (numbers(made[-1]) if made else {})


def standing_answer(lines, parts):
    made = standing.parse_answer(parts["answer"])
    return dict(zip(("index", "until", "standing"), map(str, made)))


KINDS = {"receipt": receipt, "checkpoint": checkpoint, "release": release, "code": code,
         "enrol-request": enrol_request, "enrol-answer": enrol_answer, "statement": statement,
         "base": base, "approvals": approvals, "request-file": request_file,
         "approval-file": approval_file, "standing": standing_, "asked": asked,
         "standing-answer": standing_answer}


def differences(lines, parts):
    try:
        found = KINDS[lines["kind"]](lines, parts)
        outcome = "success"
    except native.NativeError as error:
        found, outcome = {}, error.name
    if outcome not in (lines["expect"], lines["expect"].removeprefix("service-")):
        return {"expect": outcome}
    return {key: value for key, value in found.items() if lines.get(key, value) != value}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_native(path):
    assert differences(*read(path)) == {}


def test_every_kind_is_there_good_and_bad():
    seen = {(read(path)[0]["kind"], read(path)[0]["expect"] == "success") for path in FILES}
    assert seen == {(kind, good) for kind in KINDS for good in (True, False)}


def test_a_wrong_expectation_is_noticed():
    lines, parts = read(FOLDER / "native" / "release_mixed")
    for key, value in (("expect", "receipt"), ("codes", "ok ok ok"), ("shares", "0" * 64),
                       ("user", "bob")):
        assert differences(lines | {key: value}, parts)
