# SPDX-License-Identifier: Apache-2.0
"""The Python reader does with every key file vector what the vector says."""

import pytest

from reader import vectors

VECTORS = vectors.all_key_files()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_key_file(vector):
    assert vectors.differences_of_key_file(vector) == {}


def test_every_error_has_a_vector():
    seen = {v.fields["expect"] for v in VECTORS}
    names = "foreign damaged version type reserved side invalid".split()
    names += ["need-private", "need-passphrase", "passphrase"]
    assert seen == {f"key key-{name}" for name in names} | {"success"}
