# SPDX-License-Identifier: Apache-2.0
"""The Python reader does with every envelope vector what the vector says."""

import io

import pytest

from reader import vectors

KEYS = vectors.load_keys()
VECTORS = vectors.all_vectors()


def ids(vector):
    return vector.name


class Pipe(io.RawIOBase):
    """A source that cannot seek and hands out a few bytes at a time."""

    def __init__(self, data):
        self.data, self.position = data, 0

    def read(self, size=-1):
        size = min(size, 777)
        piece = self.data[self.position:self.position + size]
        self.position += len(piece)
        return piece


@pytest.mark.parametrize("vector", VECTORS, ids=ids)
def test_envelope(vector):
    assert vectors.differences(vector, KEYS) == {}


def matters_in_a_pipe(vector):
    """Where the way of reading can make a difference: good objects, bodies and ends."""
    return vector.name.startswith(("valid_", "body_", "cut_", "padding_"))


@pytest.mark.parametrize("vector", filter(matters_in_a_pipe, VECTORS), ids=ids)
def test_envelope_from_a_pipe(vector):
    assert vectors.differences(vector, KEYS, Pipe(vector.data)) == {}


def test_a_wrong_expectation_is_noticed():
    vector = next(v for v in VECTORS if v.name == "set_mac_customer_first_byte")
    for key, value in (("expect", "success"), ("where", "provider set"), ("released", "00"),
                       ("released-length", "1")):
        changed = vectors.Vector(vector.name, vector.fields | {key: value}, vector.data)
        assert key in vectors.differences(changed, KEYS)


def test_every_error_of_a_reader_has_a_vector():
    from reader.errors import CATEGORY
    writers_only = {"same-custodian", "same-key", "too-many-stanzas", "history-full"}
    too_large_for_a_file = {"object-too-large"}
    seen = {v.fields["expect"].split()[-1] for v in VECTORS}
    assert seen == set(CATEGORY) - writers_only - too_large_for_a_file | {"success"}
