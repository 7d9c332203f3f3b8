# SPDX-License-Identifier: Apache-2.0
"""The Python evaluator does with every policy vector what the vector says."""

import re

import pytest

from reader import policy
from reader.vectors import FOLDER

FILES = sorted((FOLDER / "policy").iterdir())


def read(path):
    head, _, text = path.read_bytes().partition(b"\n\n")
    return dict(line.split(": ", 1) for line in head.decode().split("\n")), text


def outcome(fields, text):
    try:
        rules = policy.parse(text)
    except policy.PolicyError as error:
        return f"invalid {error.code} {error.line}", None
    verdict, tried = policy.judge(rules, fields)
    return verdict, " ".join(tried)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_policy(path):
    fields, text = read(path)
    assert outcome(fields, text) == (fields["expect"], fields.get("tried"))


def test_every_code_and_reason_has_a_vector():
    seen = [read(path)[0] for path in FILES]
    spec = (FOLDER.parent / "policy.md").read_text()
    codes = re.findall(r"^\| `([a-z-]+)` \|", spec.split("## 9.")[1], re.M)
    reasons = re.findall(r"^\| `([a-z-]+)` \|", spec.split("## 5.")[1].split("## 6.")[0], re.M)
    assert len(codes) >= 12 and len(reasons) >= 7
    codes.remove("issuer-keys")  # that is in another file
    assert set(codes) == {f["expect"].split()[1] for f in seen if f["expect"][0] == "i"}
    assert {*reasons, "matches"} == {r for f in seen for r in f.get("tried", "").split()}
