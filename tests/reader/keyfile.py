# SPDX-License-Identifier: Apache-2.0
"""Key files, written from spec/key-file.md alone."""

import base64
import ctypes
import hashlib
import os
import re
import time

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, load_der_private_key, load_der_public_key)

from .fields import CUSTODIAN_LENGTH, is_custodian, number, u8, u16, u32, u64
from .header import pad_custodian
from .keys import Key

FILE_LIMIT = 16384
MAGIC = b"DKEYFILE"
PUBLIC, PRIVATE = 1, 2
KIND_LABEL = {PUBLIC: "DOUBLEKEY PUBLIC KEY", PRIVATE: "DOUBLEKEY PRIVATE KEY"}
SIDES = {"customer": 1, "provider": 2, "creator": 3, "auditor": 4}
CREATOR, AUDITOR = 3, 4
P256, P384, RSA, RESERVED = 1, 2, 3, 4
CURVES = {P256: ec.SECP256R1(), P384: ec.SECP384R1()}
SCALAR_LENGTH = {P256: 32, P384: 48}
WHITESPACE = " \t\r\n"
ZERO_NONCE = bytes(12)
DEFAULT_COST = (3, 262144, 4)


class KeyFileError(Exception):
    def __init__(self, name):
        self.name = f"key-{name}"
        super().__init__(f"key: {self.name}")


def require(condition, name):
    if not condition:
        raise KeyFileError(name)


def argon2id(passphrase, salt, cost):
    """libargon2, since neither Python nor python3-cryptography 38 has Argon2."""
    library = ctypes.CDLL("libargon2.so.1")
    output = ctypes.create_string_buffer(32)
    passes, memory, lanes = cost
    result = library.argon2id_hash_raw(
        ctypes.c_uint32(passes), ctypes.c_uint32(memory), ctypes.c_uint32(lanes),
        passphrase, ctypes.c_size_t(len(passphrase)), salt, ctypes.c_size_t(len(salt)),
        output, ctypes.c_size_t(32))
    assert result == 0, f"argon2id: {result}"
    return output.raw


# Reading.


def load(data, side=None, private=False, passphrase=None):
    """A Key from the bytes of a key file; the steps are those of section 6."""
    kind, structure = parse_text(data)
    require(len(structure) >= 42, "damaged")
    require(hashlib.sha256(structure[:-32]).digest() == structure[-32:], "damaged")
    file = Structure(structure[:-32])
    file.parse(kind)
    require(side is None or file.side == SIDES[side], "side")
    public = load_public(file)
    key = Key(public, file.custodian)
    if private:
        key.private = load_private(file, passphrase)
    return key


def parse_text(data):
    require(len(data) <= FILE_LIMIT, "foreign")
    try:
        text = data.decode("ascii").lstrip(WHITESPACE)
    except UnicodeDecodeError:
        text = data.decode("latin-1").lstrip(WHITESPACE)
    begins = {kind: f"-----BEGIN {label}-----" for kind, label in KIND_LABEL.items()}
    kind = next((kind for kind, line in begins.items() if text.startswith(line)), None)
    require(kind, "foreign")
    lines = text.rstrip(WHITESPACE).replace("\r\n", "\n").split("\n")
    require(lines[0] == begins[kind], "damaged")
    require(lines[-1] == f"-----END {KIND_LABEL[kind]}-----", "damaged")
    inner = lines[1:-1]
    require(inner and all(len(line) == 64 for line in inner[:-1]), "damaged")
    require(4 <= len(inner[-1]) <= 64, "damaged")
    return kind, decode_base64("".join(inner))


def decode_base64(text):
    require(re.fullmatch("[A-Za-z0-9+/]*={0,2}", text) and len(text) % 4 == 0, "damaged")
    data = base64.b64decode(text)
    require(base64.b64encode(data).decode() == text, "damaged")
    return data


class Structure:
    """The fields of section 3 and 5, without the checksum."""

    def __init__(self, data):
        self.data, self.position = data, 0

    def take(self, size):
        end = self.position + size
        require(end <= len(self.data), "damaged")
        field, self.position = self.data[self.position:end], end
        return field

    def parse(self, label_kind):
        require(self.take(8) == MAGIC, "foreign")
        require(number(self.take(2)) == 1, "version")
        self.kind = number(self.take(1))
        require(self.kind == label_kind, "damaged")
        self.side = number(self.take(1))
        require(self.side in SIDES.values(), "damaged")
        self.type = number(self.take(2))
        require(self.type != RESERVED, "reserved")
        require(self.type in (P256, P384, RSA), "type")
        require(self.side != CREATOR or self.type == P256, "type")
        require(self.side != AUDITOR or self.type != RSA, "type")
        require(number(self.take(8)) < 2**40, "damaged")
        custodian = self.take(CUSTODIAN_LENGTH).rstrip(b"\0").decode("latin-1")
        require(is_custodian(custodian), "damaged")
        self.custodian = custodian
        spki_length = number(self.take(2))
        require(1 <= spki_length <= 1200, "damaged")
        self.spki = self.take(spki_length)
        if self.kind == PRIVATE:
            self.parse_private()
        require(self.position == len(self.data), "damaged")

    def parse_private(self):
        self.sealed = number(self.take(1))
        require(self.sealed in (0, 1), "damaged")
        if self.sealed:
            self.salt = self.take(16)
            self.cost = passes, memory, lanes = [number(self.take(4)) for _ in range(3)]
            require(1 <= passes <= 64 and 1 <= lanes <= 64, "damaged")
            require(8 * lanes <= memory <= 4194304, "damaged")
        length = number(self.take(2))
        inner = length - 16 * self.sealed
        expected = SCALAR_LENGTH.get(self.type)
        require(inner == expected if expected else 1 <= inner <= 5000, "damaged")
        self.bound = self.data[:self.position]
        self.private = self.take(length)


def load_public(file):
    try:
        public = load_der_public_key(file.spki)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError("invalid") from None
    if file.type == RSA:
        require(isinstance(public, rsa.RSAPublicKey), "invalid")
        numbers = public.public_numbers()
        require(3072 <= numbers.n.bit_length() <= 8192, "invalid")
        require(numbers.n.bit_length() % 8 == 0 and numbers.e == 65537, "invalid")
    else:
        require(isinstance(public, ec.EllipticCurvePublicKey), "invalid")
        require(public.curve.name == CURVES[file.type].name, "invalid")
    # Made anew from its numbers, since a loaded key keeps the form of its point.
    public = public.public_numbers().public_key()
    require(Key(public, "").spki == file.spki, "invalid")
    return public


def load_private(file, passphrase):
    require(file.kind == PRIVATE, "need-private")
    part = file.private
    if file.sealed:
        require(passphrase is not None, "need-passphrase")
        file_key = argon2id(passphrase, file.salt, file.cost)
        try:
            part = AESGCM(file_key).decrypt(ZERO_NONCE, part, file.bound)
        except InvalidTag:
            raise KeyFileError("passphrase") from None
    try:
        private = decode_private(file.type, part)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError("invalid") from None
    require(Key(private.public_key(), "").spki == file.spki, "invalid")
    return private


def decode_private(kind, part):
    if kind in CURVES:
        return ec.derive_private_key(number(part), CURVES[kind])
    private = load_der_private_key(part, None)
    require(isinstance(private, rsa.RSAPrivateKey), "invalid")
    require(encode_private(private) == part, "invalid")
    return private


# Writing.


def encode_private(private):
    if isinstance(private, rsa.RSAPrivateKey):
        return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    size = (private.curve.key_size + 7) // 8
    return private.private_numbers().private_value.to_bytes(size, "big")


def public_part(key, kind, side, created):
    created = int(time.time()) if created is None else created
    return (MAGIC + u16(1) + u8(kind) + u8(SIDES[side]) + u16(key.type) + u64(created)
            + pad_custodian(key.custodian) + u16(len(key.spki)) + key.spki)


def public_file(key, side, created=None):
    return to_text(PUBLIC, public_part(key, PUBLIC, side, created))


def private_file(key, side, passphrase=None, created=None, cost=DEFAULT_COST, salt=None):
    head, part = public_part(key, PRIVATE, side, created), encode_private(key.private)
    if passphrase is None:
        return to_text(PRIVATE, head + u8(0) + u16(len(part)) + part)
    salt = salt or os.urandom(16)
    head += u8(1) + salt + b"".join(map(u32, cost)) + u16(len(part) + 16)
    file_key = argon2id(passphrase, salt, cost)
    return to_text(PRIVATE, head + AESGCM(file_key).encrypt(ZERO_NONCE, part, head))


def to_text(kind, structure, checksum=None):
    checksum = checksum or hashlib.sha256(structure).digest()
    encoded = base64.b64encode(structure + checksum).decode()
    lines = [encoded[i:i + 64] for i in range(0, len(encoded), 64)]
    label = KIND_LABEL[kind]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()
