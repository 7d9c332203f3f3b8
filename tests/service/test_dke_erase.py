# SPDX-License-Identifier: Apache-2.0
"""Persons whom tokens name are erased like users (spec/log.md section 16), and nothing else is."""
import json

from test_dke_service import clock, s  # noqa: F401  pylint: disable=unused-import

ALICE, BOB = "alice@contoso.com", "bob+dke@contoso.com"


def entries(s):  # noqa: F811  pylint: disable=redefined-outer-name
    lines = s.admin("log", "--json").stdout.splitlines()
    return [e for e in map(json.loads, lines) if e.get("front_end") == "ms-dke"]


def test_a_person_is_erased(s):  # noqa: F811  pylint: disable=redefined-outer-name
    for upn in (ALICE, BOB, ALICE):
        assert s.decrypt(token=s.token(upn=upn)).status in (200, 403)
    before = entries(s)
    assert [e["person"] for e in before] == [ALICE, BOB, ALICE]
    assert s.admin("log", "--user", BOB).stdout.count(BOB) == 1
    assert s.admin("log", "erase", "--user", BOB).stdout.startswith("erased the persons of 1 ")
    after = entries(s)
    assert [e.get("person") for e in after] == [ALICE, None, ALICE]
    assert after[1]["person_erased"] and "address" not in after[1]
    # All else says what it said.
    for old, new in zip(before, after):
        assert {k: v for k, v in old.items() if k not in ("person", "address")} == {
            k: v for k, v in new.items() if k not in ("person", "address", "person_erased")}
    assert "argument" in s.admin("log", "erase", "--user", "a person", check=False).stderr
