# SPDX-License-Identifier: Apache-2.0
"""Key files: round trips, and each error of spec/key-file.md."""

import base64
import hashlib

import pytest

from reader import keyfile
from reader.keyfile import KeyFileError
from reader.vectors import load_keys

KEYS = load_keys()
CHEAP = (1, 8192, 1)


@pytest.mark.parametrize("name", ["customer-p256", "customer-p384", "customer-rsa4096"])
@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_round_trip(name, passphrase):
    data = keyfile.private_file(KEYS[name], "customer", passphrase, cost=CHEAP)
    key = keyfile.load(data, "customer", True, passphrase)
    assert keyfile.encode_private(key.private) == keyfile.encode_private(KEYS[name].private)
    assert (key.id, key.custodian) == (KEYS[name].id, "customer")
    public = keyfile.load(keyfile.public_file(KEYS[name], "customer"), "customer")
    assert (public.id, public.private) == (key.id, None)
    assert keyfile.load(data, "customer").id == key.id


def fails(name, data, side="customer", private=True, passphrase=None):
    with pytest.raises(KeyFileError) as error:
        keyfile.load(data, side, private, passphrase)
    assert error.value.name == name


PLAIN = keyfile.private_file(KEYS["customer-p256"], "customer", created=1)
SEALED = keyfile.private_file(
    KEYS["customer-p256"], "customer", b"secret", 1, CHEAP, b"0123456789abcdef")
OPEN = keyfile.public_file(KEYS["customer-p256"], "customer", 1)


def structure(data):
    return base64.b64decode(b"".join(data.split(b"\n")[1:-2]))


def changed(data, position, value, checksum=True):
    """The file with other bytes at a position, and a checksum that fits or not."""
    raw = bytearray(structure(data)[:-32])
    raw[position:position + len(value)] = value
    kind = keyfile.PUBLIC if b"PUBLIC" in data else keyfile.PRIVATE
    if checksum:
        return keyfile.to_text(kind, bytes(raw))
    encoded = base64.b64encode(bytes(raw) + structure(data)[-32:])
    lines = [encoded[i:i + 64] for i in range(0, len(encoded), 64)]
    return b"\n".join([data.split(b"\n")[0], *lines, *data.split(b"\n")[-2:]])


def test_wrong_keys_and_passphrases():
    fails("key-side", PLAIN, "provider")
    fails("key-need-private", OPEN)
    fails("key-need-passphrase", SEALED)
    fails("key-passphrase", SEALED, passphrase=b"Secret")
    fails("key-invalid", changed(PLAIN, 72 + 91 + 3, bytes(32)))
    fails("key-invalid", changed(PLAIN, 72 + 91 + 3, b"\xff" * 32))
    fails("key-invalid", changed(PLAIN, 72 + 91 + 3, bytes(31) + b"\1"))
    fails("key-invalid", changed(PLAIN, 72 + 90, b"\0"), private=False)
    fails("key-invalid", changed(PLAIN, 13, b"\3"), private=False)


@pytest.mark.parametrize("position, value", [
    (21, b"\2"), (22, b"b"), (168, b"?"), (183, b"\2"), (187, b"\1"), (191, b"\2"), (200, b"\0")])
def test_a_sealed_key_is_bound_to_its_fields(position, value):
    fails("key-passphrase", changed(SEALED, position, value), passphrase=b"secret")


def test_a_sealed_key_is_bound_to_its_side():
    fails("key-passphrase", changed(SEALED, 11, b"\2"), "provider", passphrase=b"secret")


def test_damage_is_told_from_a_wrong_passphrase():
    fails("key-damaged", changed(SEALED, 72 + 91 + 31, b"\0\0", checksum=False), passphrase=b"x")


@pytest.mark.parametrize("position, value, error", [
    (0, b"d", "key-foreign"), (8, b"\0\2", "key-version"), (10, b"\1", "key-damaged"),
    (10, b"\3", "key-damaged"), (11, b"\0", "key-damaged"), (11, b"\5", "key-damaged"),
    (12, b"\0\0", "key-type"), (12, b"\0\4", "key-reserved"), (12, b"\0\5", "key-type"),
    (14, b"\0\0\1", "key-damaged"), (22, b"\0", "key-damaged"), (22, b"C", "key-damaged"),
    (69, b"x", "key-damaged"), (70, b"\0\0", "key-damaged"), (70, b"\4\xb1", "key-damaged"),
    (163, b"\2", "key-damaged"), (164, b"\0\x21", "key-damaged"), (164, b"\0\x1f", "key-damaged")])
def test_fields(position, value, error):
    fails(error, changed(PLAIN, position, value))


@pytest.mark.parametrize("position, value", [
    (180, b"\0\0\0\0"), (180, b"\0\0\0\x41"), (184, b"\0\0\0\7"), (184, b"\0\x40\0\1"),
    (188, b"\0\0\0\0"), (188, b"\0\0\0\x41"), (188, b"\0\0\0\x08\0\0")])
def test_argon2_parameters(position, value):
    fails("key-damaged", changed(SEALED, position, value), passphrase=b"secret")


def test_creator_keys_are_p256():
    data = keyfile.private_file(KEYS["customer-p384"], "creator")
    fails("key-type", data, "creator")


TEXT_ERRORS = {
    "empty": (b"", "key-foreign"),
    "other label": (PLAIN.replace(b"DOUBLEKEY ", b""), "key-foreign"),
    "text in front": (b"# key\n" + PLAIN, "key-foreign"),
    "too large": (PLAIN + b"\n" * 16384, "key-foreign"),
    "text behind": (PLAIN + b"x", "key-damaged"),
    "other end": (PLAIN.replace(b"END DOUBLEKEY PRIVATE", b"END DOUBLEKEY PUBLIC"), "key-damaged"),
    "kind is not that of the label": (OPEN.replace(b"PUBLIC", b"PRIVATE"), "key-damaged"),
    "no end": (PLAIN[:-40], "key-damaged"),
    "space in a line": (PLAIN.replace(b"KEY-----\n", b"KEY-----\n ", 1), "key-damaged"),
    "space behind a line": (PLAIN.replace(b"KEY-----\n", b"KEY----- \n", 1), "key-damaged"),
    "empty line": (PLAIN.replace(b"KEY-----\n", b"KEY-----\n\n", 1), "key-damaged"),
    "short line": (PLAIN[:60] + b"\n" + PLAIN[60:], "key-damaged"),
    "not base64": (PLAIN[:60] + b"!" + PLAIN[61:], "key-damaged"),
    "not ASCII": (PLAIN[:60] + b"\xff" + PLAIN[61:], "key-damaged"),
    "nothing inside": (PLAIN[:PLAIN.index(b"\n") + 1] + PLAIN[PLAIN.index(b"-----END"):],
                       "key-damaged"),
}


@pytest.mark.parametrize("name", TEXT_ERRORS)
def test_text_form(name):
    data, error = TEXT_ERRORS[name]
    fails(error, data)


def test_text_form_that_is_allowed():
    for data in (PLAIN.replace(b"\n", b"\r\n"), PLAIN.rstrip(), b" \r\n\t" + PLAIN + b"\n \t\r\n"):
        assert keyfile.load(data, "customer", True).id == KEYS["customer-p256"].id


def test_bits_behind_the_last_byte_are_zero():
    for extra in range(3):
        raw = structure(PLAIN)[:-32] + bytes(extra)
        raw += hashlib.sha256(raw).digest()
        if len(raw) % 3:
            break
    encoded = base64.b64encode(raw).decode()
    last = encoded.rstrip("=")[-1]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    wrong = encoded.rstrip("=")[:-1] + letters[letters.index(last) + 1]
    with pytest.raises(KeyFileError, match="key-damaged"):
        keyfile.decode_base64(wrong.ljust(len(encoded), "="))
