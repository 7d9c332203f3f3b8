# SPDX-License-Identifier: Apache-2.0
"""tests/reader does with every vector of ms-dke-pages/ what the vector says."""

import hashlib

import pytest

from reader import native, pages
from reader.vectors import FOLDER
from test_native import read

FILES = sorted((FOLDER / "ms-dke-pages").iterdir())


def assertion(lines, parts):
    body = pages._Body(parts["assertion"])
    found = body.assertion()
    body.end()
    pages.check_assertion(found, parts["spki"], bytes.fromhex(lines["challenge"]),
                          lines["base-url"])
    return {}


def list_(lines, parts):
    found = pages.parse_list(parts["body"])
    challenge = pages.list_challenge(parts["address"], found["time"], found["nonce"])
    pages.check_assertion(found["assertion"], parts["spki"], challenge, lines["base-url"])
    return {"time": str(found["time"]), "nonce": found["nonce"].hex(),
            "credential": found["credential"].hex()}


def act(lines, parts):
    found = pages.parse_act(parts["body"])
    challenge = pages.act_challenge(
        found["what"], parts["address"], lines["person"], found["document"], found["time"],
        found["nonce"])
    pages.check_assertion(found["assertion"], parts["spki"], challenge, lines["base-url"])
    return {"what": str(found["what"]), "time": str(found["time"]), "nonce": found["nonce"].hex(),
            "document": found["document"].hex(), "credential": found["credential"].hex()}


def register(lines, parts):
    found = pages.check_register(parts["body"], parts["client-key"], lines["base-url"])
    return {"person": found["person"].decode(), "device-name": found["device-name"].decode(),
            "device": hashlib.sha256(found["spki"]).hexdigest(),
            "credential": found["credential"].hex(), "code-id": found["code-id"].hex()}


def presence(lines, parts):
    what, address = pages.parse_presence(parts["body"])
    return {"what": str(what), "address": address.hex()}


def presence_answer(lines, parts):
    index, until, address, person = pages.parse_presence_answer(parts["answer"])
    return {"index": str(index), "until": str(until), "address": address.hex(), "person": person}


def register_answer(lines, parts):
    index, state = pages.parse_register_answer(
        parts["answer"], parts["server-key"], parts["request"])
    return {"index": str(index), "state": str(state)}


KINDS = {"presence": presence, "presence-answer": presence_answer, "assertion": assertion,
         "list": list_, "act": act, "register": register, "register-answer": register_answer}


def differences(lines, parts):
    try:
        outcome, found = "success", KINDS[lines["kind"]](lines, parts)
    except native.NativeError as error:
        outcome, found = error.name, {}
    if outcome != lines["expect"]:
        return {"expect": outcome}
    return {name: value for name, value in found.items() if lines.get(name) != value}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_pages(path):
    assert differences(*read(path)) == {}


def test_a_wrong_expectation_is_noticed():
    for name, key, value in (
            ("assertion_good", "challenge", "00" * 32), ("assertion_good", "expect", "signature"),
            ("assertion_key", "expect", "success"), ("act_confirm", "document", "00"),
            ("list_good", "time", "1"), ("register_good", "person", "bob"),
            ("register_answer_waits", "state", "1"), ("register_answer_mac", "expect", "success")):
        lines, parts = read(FOLDER / "ms-dke-pages" / name)
        assert differences({**lines, key: value}, parts), name
