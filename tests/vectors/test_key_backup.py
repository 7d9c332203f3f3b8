# SPDX-License-Identifier: Apache-2.0
"""The Python reader does with every key backup vector what the vector says."""

import pytest

from reader import vectors

VECTORS = vectors.all_key_backups()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_key_backup(vector):
    assert vectors.differences_of_key_backup(vector) == {}


def test_every_error_has_a_vector():
    names = "magic damaged foreign twice too-few".split()
    seen = {vector.fields["expect"] for vector in VECTORS}
    assert {f"key share-{name}" for name in names} | {"key key-version", "key key-invalid"} <= seen


def test_the_line_of_section_5_is_real():
    worked = next(vector for vector in VECTORS if vector.name == "worked_example")
    text = (vectors.FOLDER.parent / "key-backup.md").read_text()
    line = next(line for line in text.split("\n") if line.startswith("    C001 "))
    assert line.strip().encode() in worked.data.split(b"\n")
