# SPDX-License-Identifier: Apache-2.0
"""Key backups, written from spec/key-backup.md alone."""

import hashlib
import os
import re
import time

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import keyfile, schedule
from .fields import number, u8, u16
from .keys import Key

MAGIC = b"DKEYSPLT"
TITLE = "DOUBLEKEY KEY SHARE "
TEXT_LIMIT, COMMON_LIMIT, SHARE_PART = 65536, 12288, 40
LINE_LENGTH, TAG = 20, 16
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BLANKS = " \t\r"
TYPED_TITLE = re.compile(f"DOUBLEKEY[{BLANKS}]+KEY[{BLANKS}]+SHARE[{BLANKS}]+(.+)",
                         re.IGNORECASE | re.ASCII | re.DOTALL)


class BackupError(Exception):
    """The name of an error, and the line that is its place."""

    def __init__(self, name, place=None):
        self.name, self.place = name, place
        super().__init__(f"key: {name}" + (f" ({place})" if place else ""))


def require(condition, name, place=None):
    if not condition:
        raise BackupError(name, place)


# The field of section 4, by polynomials: neither the tables nor the loops of others.


def multiply(a, b):
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11b << (bit - 8)
    return product


def inverse(a):
    return next(b for b in range(1, 256) if multiply(a, b) == 1)


def evaluate(coefficients, x):
    """The polynomial with these coefficients, constant first, byte for byte."""
    result, power = bytes(len(coefficients[0])), 1
    for row in coefficients:
        result = bytes(r ^ multiply(c, power) for r, c in zip(result, row))
        power = multiply(power, x)
    return result


def at_zero(points):
    """The value at 0 of the polynomial through points, a list of (index, value)."""
    result = bytes(len(points[0][1]))
    for x, value in points:
        weight = 1
        for other, _ in points:
            if other != x:
                weight = multiply(weight, multiply(other, inverse(other ^ x)))
        result = bytes(r ^ multiply(weight, v) for r, v in zip(result, value))
    return result


# Text.


def to_base32(data, bits=None):
    bits = len(data) * 8 if bits is None else bits
    digits = "".join(f"{byte:08b}" for byte in data)[:bits]
    digits += "0" * (-len(digits) % 5)
    return "".join(ALPHABET[int(digits[i:i + 5], 2)] for i in range(0, len(digits), 5))


def as_printed(text):
    """What was typed from paper, as it was printed."""
    return text.upper().replace("O", "0").replace("I", "1").replace("L", "1")


def from_base32(text):
    """The bytes, or None if no bytes have this text."""
    if not all(c in ALPHABET for c in text):
        return None
    bits = "".join(f"{ALPHABET.index(c):05b}" for c in text)
    data = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits) // 8 * 8, 8))
    return data if to_base32(data) == text else None


def label_of(part, count):
    return f"{part}{count:03}"


def line_check(label, data):
    digest = hashlib.sha256(b"doublekey/1 share-line" + label.encode() + data).digest()
    return to_base32(digest, 20)


def write_lines(part, data):
    text = ""
    for count, start in enumerate(range(0, len(data), LINE_LENGTH), 1):
        piece = data[start:start + LINE_LENGTH]
        label, letters = label_of(part, count), to_base32(piece)
        groups = [letters[i:i + 4] for i in range(0, len(letters), 4)]
        text += " ".join([label, *groups, line_check(label, piece)]) + "\n"
    return text


def write_text(common, part):
    return f"{TITLE}1\n\n{write_lines('C', common)}\n{write_lines('S', part)}".encode()


def read_text(data):
    """(common part, share part) of a text: step 1."""
    require(len(data) <= TEXT_LIMIT, "share-magic")
    lines = [line.strip(BLANKS) for line in data.decode("latin-1").split("\n")]
    lines = [line for line in lines if line]
    title = TYPED_TITLE.fullmatch(lines[0]) if lines else None
    require(title, "share-magic")
    require(title[1] in ("1", "I", "i", "L", "l"), "key-version")
    parts = {"C": [], "S": []}
    letter = "C"
    for line in lines[1:]:
        if line[0] == "#":
            continue
        if parts["C"] and letter == "C" and is_label(line[:4], "S001"):
            letter = "S"
        parts[letter].append(read_line(line, letter, parts[letter]))
    common, part = (b"".join(parts[letter]) for letter in "CS")
    place = f"line {label_of(letter, len(parts[letter]) + 1)}"
    require(letter == "S" and len(part) == SHARE_PART, "share-damaged", place)
    return common, part


def is_label(text, label):
    # Only ASCII has upper case here: other letters fold to letters of labels.
    return text.isascii() and text[:1].upper() + as_printed(text[1:]) == label


def read_line(line, letter, before):
    label = label_of(letter, len(before) + 1)
    place = f"line {label}"
    limit = COMMON_LIMIT if letter == "C" else SHARE_PART
    require(line.isascii() and is_label(line[:4], label), "share-damaged", place)
    require(all(len(piece) == LINE_LENGTH for piece in before), "share-damaged", place)
    letters = as_printed(re.sub(f"[{BLANKS}]", "", line[4:]))
    data = from_base32(letters[:-4])
    require(data and len(data) <= LINE_LENGTH, "share-damaged", place)
    require(line_check(label, data) == letters[-4:], "share-damaged", place)
    require(sum(map(len, before)) + len(data) <= limit, "share-damaged", place)
    return data


# Reading.


class Common:
    """The fields of section 3.1: step 2."""

    def __init__(self, data):
        self.data, self.position = data, 0
        require(data[:8] == MAGIC, "share-magic", None if len(data) >= 8 else self.behind())
        self.take(8)
        require(number(self.take(2)) == 1, "key-version")
        self.threshold, self.shares = self.take(2)
        self.split_id = self.take(16)
        require(2 <= self.threshold <= self.shares, "share-damaged")
        self.file = parse_public(self.take(number(self.take(2))))
        self.checks = [self.take(16) for _ in range(self.shares)]
        sealed_length = number(self.take(2))
        self.bound = data[:self.position]
        expected = keyfile.SCALAR_LENGTH.get(self.file.type)
        inner = sealed_length - TAG
        require(inner == expected if expected else 1 <= inner <= 5000, "share-damaged")
        self.sealed = self.take(sealed_length)
        require(self.position == len(data), "share-damaged")

    def behind(self):
        return f"line {label_of('C', -(-len(self.data) // LINE_LENGTH) + 1)}"

    def take(self, size):
        end = self.position + size
        require(end <= len(self.data), "share-damaged", self.behind())
        field, self.position = self.data[self.position:end], end
        return field


def parse_public(data):
    require(len(data) >= 10, "key-damaged")
    file = keyfile.Structure(data)
    try:
        file.parse(keyfile.PUBLIC)
    except keyfile.KeyFileError as error:
        raise BackupError(error.name) from None
    return file


def check_value(split_id, index, value):
    text = schedule.info("key-share", split_id + u8(index) + value)
    return hashlib.sha256(text).digest()[:16]


def read_share(data):
    """(common part, index, value): steps 1 to 3."""
    raw, part = read_text(data)
    common = Common(raw)
    index, value = part[0], part[1:33]
    require(1 <= index <= common.shares, "share-damaged", "line S001")
    require(part[33:] == common.split_id[:7], "share-foreign", "line S001")
    right = check_value(common.split_id, index, value) == common.checks[index - 1]
    require(right, "share-damaged", "line S001")
    return common, index, value


class Join:
    def __init__(self):
        self.common, self.points = None, []

    def add(self, data):
        common, index, value = read_share(data)
        first = self.common or common
        require(common.split_id == first.split_id, "share-foreign")
        require(common.data == first.data, "share-damaged")
        require(index not in dict(self.points), "share-twice")
        self.common = first
        self.points.append((index, value))

    def finish(self):
        """(key, side, created), the key with its private half."""
        threshold = self.common.threshold if self.common else 1
        require(len(self.points) >= threshold, "share-too-few")
        file = self.common.file
        backup_key = at_zero(self.points[:threshold])
        try:
            part = AESGCM(backup_key).decrypt(bytes(12), self.common.sealed, self.common.bound)
        except InvalidTag:
            raise BackupError("share-damaged") from None
        key = Key(self.public(), file.custodian, self.private(part))
        created = number(file.data[14:22])
        side = next(name for name, value in keyfile.SIDES.items() if value == file.side)
        return key, side, created

    def public(self):
        try:
            return keyfile.load_public(self.common.file)
        except keyfile.KeyFileError as error:
            raise BackupError(error.name) from None

    def private(self, part):
        file = self.common.file
        try:
            private = keyfile.decode_private(file.type, part)
        except (ValueError, TypeError, UnsupportedAlgorithm, keyfile.KeyFileError):
            raise BackupError("key-invalid") from None
        require(Key(private.public_key(), "").spki == file.spki, "key-invalid")
        return private


def join(shares):
    joining = Join()
    for data in shares:
        joining.add(data)
    return joining.finish()


# Writing.


def split(key, side, threshold, shares, created=None, draw=os.urandom):
    """The texts of all shares; draw gives random bytes."""
    require(2 <= threshold <= shares <= 255, "threshold")
    split_id, backup_key = draw(16), draw(32)
    rows = [backup_key] + [draw(32) for _ in range(threshold - 1)]
    values = [evaluate(rows, index) for index in range(1, shares + 1)]
    created = int(time.time()) if created is None else created
    public = keyfile.public_part(key, keyfile.PUBLIC, side, created)
    common = build_common(threshold, shares, split_id, public, values,
                          keyfile.encode_private(key.private), backup_key)
    return [write_text(common, share_part(split_id, index, value))
            for index, value in enumerate(values, 1)]


def share_part(split_id, index, value):
    return u8(index) + value + split_id[:7]


def build_common(threshold, shares, split_id, public, values, private, backup_key):
    checks = [check_value(split_id, index, value) for index, value in enumerate(values, 1)]
    head = (MAGIC + u16(1) + u8(threshold) + u8(shares) + split_id + u16(len(public)) + public
            + b"".join(checks) + u16(len(private) + TAG))
    return head + AESGCM(backup_key).encrypt(bytes(12), private, head)
