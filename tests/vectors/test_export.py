# SPDX-License-Identifier: Apache-2.0
"""tests/reader does with every vector of export/ what the vector says."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from reader import export, keys
from reader.vectors import FOLDER
from test_native import read

FILES = sorted((FOLDER / "export").iterdir())
CATEGORIES = {"log-file": "malformed", "log-note": "malformed", "log-auditor": "no-match",
              "version": "unsupported"}


def load(name):
    return keys.load_pem(FOLDER / "keys" / f"{name}.pem", "auditor")


def differences(lines, parts):
    key, data, found = load(lines["key"]), parts["export"], {}
    try:
        opened = export.open_export(data, key)
        outcome, found = "success", {
            "records": str(len(opened.entries)), "note": opened.chosen.note(),
            "indexes": " ".join(str(e.index) for e in opened.entries)}
        ephemeral = ec.derive_private_key(int(lines["ephemeral"], 16), key.public.curve)
        assert export.seal(opened.content(), key, ephemeral) == data
    except export.ExportError as error:
        outcome = f"{CATEGORIES.get(error.name, 'not-authentic')} {error.name}"
        if error.entry is not None:
            found = {"records": str(error.entry)}
    if outcome != lines["expect"]:
        return {"expect": outcome}
    return {name: value for name, value in found.items() if lines.get(name, value) != value}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_export(path):
    assert differences(*read(path)) == {}


def test_a_wrong_expectation_is_noticed():
    lines, parts = read(FOLDER / "export" / "user")
    for name, value in (("expect", "malformed log-file"), ("records", "2"), ("note", "all"),
                        ("indexes", "1 5")):
        assert differences({**lines, name: value}, parts)
    with pytest.raises(AssertionError):
        differences({**lines, "ephemeral": "1"}, parts)


def test_every_error_is_there():
    seen = {read(path)[0]["expect"].split()[-1] for path in FILES}
    assert seen == {"success", "log-file", "log-note", "log-auditor", "version", "log-sealed",
                    "log-tree", "log-record"}
