# SPDX-License-Identifier: Apache-2.0
"""FLOE against the known answers of its specification (c2sp.org/FLOE).

The answers: key of 32 zero bytes, associated data `This is AAD`, the segment
length in the parameters; `rotation` uses a mask of 2 instead of 20.
"""

import pytest

from reader import floe, vectors
from reader.fields import number

KATS = sorted((vectors.FOLDER / "floe").glob("*_ct.txt"))


def decrypt(path):
    data = bytes.fromhex(path.read_text())
    mask = 2 if "rotation" in path.name else floe.ROTATION_MASK
    length = number(data[2:6])
    assert data[:10] == floe.parameters(length)
    body = floe.Floe(bytes(32), b"This is AAD", length, data[10:42], mask)
    body.check_header_tag(data[42:74])
    plaintext, rest, position = b"", data[74:], 0
    while rest:
        segment = rest[:floe.mark_length(rest[:4], length)]
        plaintext += body.decrypt(position, segment)
        rest, position = rest[len(segment):], position + 1
    return body, plaintext


@pytest.mark.parametrize("path", KATS, ids=lambda path: path.stem)
def test_known_answer(path):
    expected = path.with_name(path.name.replace("_ct", "_pt")).read_text()
    assert decrypt(path)[1] == bytes.fromhex(expected)


def test_there_are_known_answers():
    assert len(KATS) == 5


def test_a_wrong_header_tag_is_refused():
    body, _ = decrypt(KATS[0])
    with pytest.raises(floe.FloeError):
        body.check_header_tag(bytes(32))


def test_a_segment_opens_at_its_position_only():
    body = floe.Floe(bytes(32), b"aad", 64, bytes(32), 2)
    segment = body.encrypt(3, False, bytes(32))
    assert body.decrypt(3, segment) == bytes(32)
    for position in (0, 2, 4, 3 + 2**32):
        with pytest.raises(floe.FloeError):
            body.decrypt(position, segment)
