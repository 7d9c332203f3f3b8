# SPDX-License-Identifier: Apache-2.0
"""tests/reader does with every vector of evidence/ what the vector says."""

import pytest

from reader import bundle, keys, note
from reader.evidence import EvidenceError
from reader.vectors import FOLDER
from test_native import read

FILES = sorted((FOLDER / "evidence").iterdir())
CATEGORIES = {"evidence-file": "malformed", "incident-file": "malformed", "log-file": "malformed",
              "log-note": "malformed", "catalogue-file": "malformed",
              "catalogue-version": "unsupported", "log-auditor": "no-match", "log-key": "no-match",
              "log-missing": "no-match"}


def differences(lines, parts):
    key = keys.load_pem(FOLDER / "keys" / (lines["key"] + ".pem"), "auditor")
    found = {"expect": "success", "place": "", "where": ""}
    try:
        bundle.verify(parts["bundle"], key, [note.parse_key(lines["log-key"])],
                      lines.get("identity"))
    except EvidenceError as error:
        category = CATEGORIES.get(error.name, "not-authentic")
        found = {"expect": f"{category} {error.name}", "place": error.place, "where": error.where}
    return {name: value for name, value in found.items() if lines.get(name, "") != value}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_evidence(path):
    assert differences(*read(path)) == {}


def test_a_wrong_expectation_is_noticed():
    lines, parts = read(FOLDER / "evidence" / "part_incident_item")
    for name, value in (("expect", "malformed evidence-file"), ("place", "catalogue"),
                        ("where", "line 5")):
        assert differences({**lines, name: value}, parts)
    assert not differences(lines, parts)
    lines, parts = read(FOLDER / "evidence" / "whole")
    assert differences({**lines, "identity": "00" * 32}, parts)
    assert differences({**lines, "key": "customer-p256-b"}, parts)


def test_every_error_is_there():
    seen = {read(path)[0]["expect"].split()[-1] for path in FILES}
    assert seen == set(CATEGORIES) | {
        "success", "evidence-changed", "evidence-signature", "evidence-result", "log-sealed",
        "log-signature", "log-record", "log-tree", "log-inconsistent"}
