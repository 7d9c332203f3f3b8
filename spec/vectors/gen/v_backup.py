# SPDX-License-Identifier: Apache-2.0
"""Key backups: splits of each type of key, and shares that are wrong in every field."""

import hashlib

from reader import backup, keyfile
from reader.fields import u8, u16

from keyring import KEYS
import seeded

VECTORS = {}
P256, P384, RSA = "customer-p256", "customer-p384", "customer-rsa3072"
CREATED = 1760000000


class Split:
    """A split whose random values are drawn from its name."""

    def __init__(self, name, key=P256, side="customer", threshold=2, shares=3, **fields):
        def draw(purpose, size):
            return seeded.draw(f"key backup {name}", purpose, size)
        self.key, self.side = key, side
        self.split_id = fields.get("split_id", draw("split id", 16))
        self.backup_key = draw("backup key", 32)
        self.rows = [self.backup_key] + [draw(f"coefficient {i}", 32) for i in range(1, threshold)]
        self.values = [backup.evaluate(self.rows, i) for i in range(1, shares + 1)]
        self.public = fields.get("public", keyfile.public_part(
            KEYS[key], keyfile.PUBLIC, side, CREATED))
        self.private = fields.get("private", keyfile.encode_private(KEYS[key].private))
        self.common = backup.build_common(threshold, shares, self.split_id, self.public,
                                          self.values, self.private, self.backup_key)

    def part(self, index):
        return backup.share_part(self.split_id, index, self.values[index - 1])

    def text(self, index, common=None):
        return backup.write_text(common or self.common, self.part(index))

    def texts(self, *indices):
        return [self.text(index) for index in indices]


def vector(name, spec, expect, comment, shares, split=None, at=None, where=None):
    """`at` is the number of the share that is refused; None: the join itself fails."""
    fields = [("spec", spec), ("expect", expect)]
    fields += [("at", at)] if at else []
    fields += [("where", where)] if where else []
    if expect == "success":
        key = KEYS[split.key]
        fields += [("side", split.side), ("key-id", key.id.hex()), ("custodian", key.custodian),
                   ("created", CREATED), ("private", hashlib.sha256(split.private).hexdigest())]
    fields += [("share", len(share)) for share in shares] + [("comment", comment)]
    head = "".join(f"{field}: {value}\n" for field, value in fields)
    assert name not in VECTORS and head.isascii()
    assert max(map(len, head.splitlines())) <= 240
    VECTORS[name] = head.encode() + b"\n" + b"".join(shares)


def good(name, comment, shares, split, spec="6"):
    vector(name, spec, "success", comment, shares, split)


def refused(name, spec, error, comment, data, where=None, before=()):
    """The last of some shares is refused."""
    shares = [*before, data]
    vector(name, spec, f"key {error}", comment, shares, at=len(shares), where=where)


BASE = Split("base")
OTHER = Split("other")
TEXT = BASE.text(1)


def good_joins():
    for key in (P256, P384, RSA, "provider-p256"):
        split = Split(f"of {key}", key, key.split("-")[0])
        good(f"valid_{key.replace('-', '_')}", "two shares of three", split.texts(1, 3), split)
    creator = Split("of creator", "creator-p256", "creator")
    good("valid_creator", "a key of a creator", creator.texts(2, 1), creator)
    good("valid_order", "the last share first", BASE.texts(3, 1), BASE)
    good("valid_more_than_needed", "three shares where two are enough", BASE.texts(2, 3, 1), BASE)
    for threshold, shares, given in ((2, 2, (1, 2)), (3, 5, (5, 2, 4)), (5, 5, (3, 1, 5, 2, 4))):
        split = Split(f"{threshold} of {shares}", threshold=threshold, shares=shares)
        good(f"valid_{threshold}_of_{shares}", "a threshold with as many shares",
             split.texts(*given), split)
    largest = Split("2 of 255", threshold=2, shares=255)
    good("valid_2_of_255", "the largest number of shares", largest.texts(255, 128), largest)
    many = Split("20 of 21", threshold=20, shares=21)
    good("valid_20_of_21", "a large threshold", many.texts(*range(21, 1, -1)), many)
    worked = Split("worked example")
    good("worked_example", "the numbers of section 8", worked.texts(1, 2), worked, "8")


def typed():
    lines = TEXT.split(b"\n")

    def typed_good(name, comment, data):
        good(f"text_{name}", comment, [data, BASE.text(2)], BASE, "5")

    def letters(old, new):
        return b"\n".join([lines[0], *(line.replace(old, new) for line in lines[1:])])

    typed_good("crlf", "lines end in CR LF", TEXT.replace(b"\n", b"\r\n"))
    typed_good("lower_case", "lower case", lines[0] + b"\n" + b"\n".join(lines[1:]).lower())
    typed_good("letter_o", "O for 0, also in labels", letters(b"0", b"O"))
    typed_good("letter_l", "l for 1, also in labels", letters(b"1", b"l"))
    typed_good("letter_i", "I for 1, also in labels", letters(b"1", b"I"))
    typed_good("no_blanks", "no blanks", letters(b" ", b""))
    typed_good("blanks", "blanks and tabs at other places",
               b" \t" + TEXT.replace(b" ", b" \t "))
    typed_good("title_lower_case", "a title in lower case", lines[0].lower() + TEXT[21:])
    for version in (b"I", b"i", b"L", b"l"):
        typed_good(f"title_version_{version.hex()}", "the version as a letter that looks like 1",
                   lines[0][:-1] + version + TEXT[21:])
    typed_good("blank_lines", "empty lines everywhere", b"\n\n \n" + TEXT.replace(b"\n", b"\n\n"))
    typed_good("comments", "lines of comment, with other letters than ASCII",
               TEXT.replace(b"\n", b"\n # \xc3\xa4 \xff C001\n"))
    typed_good("no_last_line_end", "the last line end is missing", TEXT[:-1])
    typed_good("largest", "as large as the limit", TEXT + b"\n" * (65536 - len(TEXT)))


def text_faults():
    lines = TEXT.split(b"\n")
    common = [line for line in lines if line.startswith(b"C")]

    def fault(name, comment, data, where, error="share-damaged"):
        refused(f"text_{name}", "6.1", error, comment, data, where)

    def replaced(old, new):
        assert TEXT.count(old) == 1
        return TEXT.replace(old, new)

    fault("empty", "an empty file", b"", None, "share-magic")
    fault("blank", "nothing but blanks", b" \n\t\r\n", None, "share-magic")
    fault("no_title", "no title", b"\n".join(lines[1:]), None, "share-magic")
    fault("title_alone", "a title without a version", b"DOUBLEKEY KEY SHARE \n", None, "share-magic")
    fault("title_no_blanks", "a title without blanks", lines[0].replace(b" ", b"") + TEXT[21:],
          None, "share-magic")
    fault("title_line_end", "the words of the title on two lines",
          replaced(lines[0], b"DOUBLEKEY KEY\nSHARE 1"), None, "share-magic")
    fault("title_not_ascii", "a letter in the title that only looks like K",
          replaced(lines[0], "DOUBLE\u212aEY KEY SHARE 1".encode()), None, "share-magic")
    fault("comment_first", "a comment before the title", b"# share\n" + TEXT, None, "share-magic")
    fault("byte_order_mark", "a byte order mark", b"\xef\xbb\xbf" + TEXT, None, "share-magic")
    fault("key_file", "a key file", keyfile.public_file(KEYS[P256], "customer", CREATED), None,
          "share-magic")
    fault("too_large", "one byte above the limit, all of it empty lines",
          TEXT + b"\n" * (65537 - len(TEXT)), None, "share-magic")
    for version in (b"0", b"2", b"11", b"1 x", b"1 1", b"O"):
        fault(f"version_{version.hex()}", "another version in the title",
              replaced(lines[0], b"DOUBLEKEY KEY SHARE " + version), None, "key-version")
    fault("title_only", "nothing behind the title", lines[0] + b"\n", "line C001")
    fault("share_part_only", "the share part alone",
          b"\n".join(line for line in lines if line[:1] != b"C"), "line C001")
    fault("common_part_only", "the common part alone",
          b"\n".join(line for line in lines if line[:1] != b"S"), f"line C{len(common) + 1:03}")
    fault("line_missing", "the third line is missing", replaced(common[2] + b"\n", b""), "line C003")
    fault("line_twice", "the third line twice",
          replaced(common[2], common[2] + b"\n" + common[2]), "line C004")
    fault("lines_exchanged", "the second and the third line were exchanged",
          replaced(common[1] + b"\n" + common[2], common[2] + b"\n" + common[1]), "line C002")
    fault("share_lines_exchanged", "the share part before the common part",
          b"\n".join([lines[0], *sorted(lines[1:], reverse=True)]), "line C001")
    fault("last_share_line_missing", "the last line is missing",
          b"\n".join(line for line in lines if line[:4] != b"S002"), "line S002")
    fault("text_behind", "a line of text behind the last one", TEXT + b"end\n", "line S003")
    fault("common_behind", "a line of the common part behind the share part",
          TEXT + common[0] + b"\n", "line S003")
    fault("share_line_behind", "a third line of the share part",
          TEXT + backup.write_lines("S", bytes(60)).split("\n")[2].encode() + b"\n", "line S003")
    fault("two_shares", "two shares in one file", TEXT + BASE.text(2), "line S003")
    fault("cut", "cut in the middle of a line", TEXT[:TEXT.index(common[4]) + 20], "line C005")
    fault("letter_changed", "one letter of the fourth line was changed",
          replaced(common[3], other_letter(common[3], 5)), "line C004")
    fault("letters_exchanged", "two neighbours in the fourth line were exchanged",
          replaced(common[3], exchanged(common[3])), "line C004")
    fault("check_changed", "the line check of the fourth line was changed",
          replaced(common[3], other_letter(common[3], -1)), "line C004")
    fault("check_missing", "the fourth line has no check", replaced(common[3], common[3][:-5]),
          "line C004")
    fault("label_only", "a label and nothing else", replaced(common[3], b"C004"), "line C004")
    fault("label_blank", "a blank in a label", replaced(b"C004", b"C 004"), "line C004")
    fault("label_cut", "a line of three characters", replaced(common[3], b"C00"), "line C004")
    fault("letter_u", "a letter that is not in the alphabet",
          replaced(common[3], common[3][:5] + b"U" + common[3][6:]), "line C004")
    fault("not_ascii", "a byte that is not ASCII",
          replaced(common[3], common[3][:5] + b"\xb5" + common[3][6:]), "line C004")
    fault("zero_byte", "a zero byte at the end of a line", replaced(common[3], common[3] + b"\0"),
          "line C004")
    fault("line_too_long", "a line of 21 bytes with a right check", long_line(21), "line C001")
    fault("line_not_full", "a line of 19 bytes with a right check before others", long_line(19),
          "line C002")
    fault("unused_bits", "unused bits of the last line that are not zero", unused_bits(),
          f"line C{len(common):03}")
    fault("share_letter_changed", "one letter of the secret was changed",
          replaced(lines[-3], other_letter(lines[-3], 6)), "line S001")
    rest = 12289 - len(BASE.common)
    refused("text_common_too_long", "6.1", "share-damaged", "a common part of 12,289 bytes",
            BASE.text(1, BASE.common + bytes(rest)), "line C615")


def other_letter(line, at):
    new = b"A" if line[at:][:1] != b"A" else b"B"
    at %= len(line)
    return line[:at] + new + line[at + 1:]


def exchanged(line):
    at = next(i for i in range(5, len(line)) if line[i] != line[i + 1] and b" " not in line[i:i + 2])
    return line[:at] + line[at + 1:at + 2] + line[at:at + 1] + line[at + 2:]


def long_line(size):
    piece = BASE.common[:size]
    first = f"C001 {backup.to_base32(piece)} {backup.line_check('C001', piece)}"
    lines = TEXT.split(b"\n")
    return b"\n".join([lines[0], first.encode(), *lines[3:]])


def unused_bits():
    """The last line of the common part with its last letter one higher."""
    text = TEXT.decode()
    last = [line for line in text.split("\n") if line.startswith("C")][-1]
    label, *groups, check = last.split()
    letters = "".join(groups)
    assert len(BASE.common) % 20 % 5 != 0
    higher = letters[:-1] + backup.ALPHABET[backup.ALPHABET.index(letters[-1]) + 1]
    return text.replace(last, f"{label} {higher} {check}").encode()


def common_faults():
    at_public, at_checks = 30, 30 + len(BASE.public)
    at_sealed = at_checks + 16 * 3
    lines = -(-len(BASE.common) // 20)

    def fault(name, error, comment, common, where=None):
        refused(f"common_{name}", "6.2", error, comment, BASE.text(1, common), where)

    def changed(position, value):
        result = BASE.common[:position] + value + BASE.common[position + len(value):]
        assert result != BASE.common
        return result

    fault("magic", "share-magic", "another magic", changed(7, b"S"))
    for version in (0, 2):
        fault(f"version_{version}", "key-version", f"version {version}", changed(8, u16(version)))
    for threshold in (0, 1, 4, 255):
        fault(f"threshold_{threshold}", "share-damaged", f"a threshold of {threshold} of three",
              changed(10, u8(threshold)))
    fault("shares_0", "share-damaged", "no shares", changed(11, u8(0)))
    fault("shares_1", "share-damaged", "one share", changed(10, u8(1) + u8(1)))
    fault("shares_255", "share-damaged", "more shares than check values", changed(11, u8(255)),
          f"line C{lines + 1:03}")
    fault("public_length_0", "key-damaged", "no public part", changed(28, u16(0)))
    fault("public_length_minus_1", "key-damaged", "a public length one too small",
          changed(28, u16(len(BASE.public) - 1)))
    fault("public_length_plus_1", "key-damaged", "a public length one too large",
          changed(28, u16(len(BASE.public) + 1)))
    fault("public_length_65535", "share-damaged", "the largest public length",
          changed(28, u16(65535)), f"line C{lines + 1:03}")
    fault("sealed_length_15", "share-damaged", "a sealed part without room for its tag",
          changed(at_sealed, u16(15)))
    for size in (47, 49):
        fault(f"sealed_length_{size}", "share-damaged", f"a private part of {size - 16} bytes",
              changed(at_sealed, u16(size)))
    for name, position, value, error in (
            ("magic", 0, b"d", "key-foreign"), ("version", 8, u16(2), "key-version"),
            ("kind", 10, u8(2), "key-damaged"), ("side", 11, u8(5), "key-damaged"),
            ("type", 12, u16(5), "key-type"), ("type_reserved", 12, u16(4), "key-reserved"),
            ("created", 14, b"\0\0\1", "key-damaged"), ("custodian", 22, b"C", "key-damaged"),
            ("spki_length", 70, u16(0), "key-damaged")):
        fault(f"public_{name}", error, f"the public part has another {name}",
              changed(at_public + position, value))
    fault("creator_p384", "key-type", "a creator key of type p384",
          Split("creator p384", P384, "creator").common)
    for size in (0, 7, 8, 9, 10, 27, 29, 40, at_checks, at_checks + 20, at_sealed + 1, at_sealed + 2,
                 len(BASE.common) - 1):
        if size:
            fault(f"cut_{size}", "share-magic" if size < 8 else "share-damaged",
                  f"{size} bytes of the common part", BASE.common[:size],
                  f"line C{-(-size // 20) + 1:03}")
    fault("trailing", "share-damaged", "a byte behind the sealed part", BASE.common + b"\0")
    rsa = Split("of " + RSA, RSA)
    long = rsa.common[:30 + len(rsa.public) + 48] + u16(5017) + bytes(5017)
    refused("common_rsa_private_5001", "6.2", "share-damaged", "a private part of 5,001 bytes",
            rsa.text(1, long))


def share_faults():
    value, start = BASE.values[0], BASE.split_id[:7]

    def fault(name, error, comment, part, spec="6.3"):
        refused(f"share_{name}", spec, error, comment, backup.write_text(BASE.common, part),
                "line S001")

    for index in (0, 4, 255):
        fault(f"index_{index}", "share-damaged", f"index {index}", u8(index) + value + start)
    fault("index_2", "share-damaged", "the value of share 1 with index 2", u8(2) + value + start)
    for place, position in (("first", 0), ("last", 31)):
        other = bytearray(value)
        other[position] ^= 1
        fault(f"value_{place}_byte", "share-damaged", f"the {place} byte of the value was changed",
              u8(1) + bytes(other) + start)
    fault("value_zero", "share-damaged", "a value of zero", u8(1) + bytes(32) + start)
    fault("split_last_byte", "share-foreign", "the last byte of the split was changed",
          u8(1) + value + start[:6] + bytes([start[6] ^ 1]))
    fault("of_another_split", "share-foreign", "the share part of another split", OTHER.part(1))
    fault("value_of_another_split", "share-damaged", "the value of another split",
          u8(1) + OTHER.values[0] + start)
    fault("index_before_split", "share-damaged", "index and split are wrong",
          u8(0) + value + bytes(7))
    at = 30 + len(BASE.public)
    for index, name in ((1, "own"), (2, "other")):
        common = bytearray(BASE.common)
        common[at + 16 * (index - 1)] ^= 1
        if index == 1:
            refused("share_check_value_changed", "6.3", "share-damaged",
                    "the check value of this share was changed", BASE.text(1, bytes(common)),
                    "line S001")
        else:
            vector("join_check_value_changed", "6.4", "key share-damaged",
                   "the second share has another check value for the third",
                   [BASE.text(1), BASE.text(3, bytes(common[:at + 16]) + bytes(16)
                                            + bytes(common[at + 32:]))], at=2)


def joins():
    def fault(name, step, error, comment, shares, at=None):
        vector(f"join_{name}", f"6.{step}", f"key {error}", comment, shares, at=at)

    fault("other_split", 4, "share-foreign", "a share of another split",
          [BASE.text(1), OTHER.text(2)], 2)
    fault("other_split_third", 4, "share-foreign", "two that fit, and one of another split",
          [*BASE.texts(1, 2), OTHER.text(3)], 3)
    same_id = Split("same id", split_id=BASE.split_id)
    fault("other_common_part", 4, "share-damaged", "another split with the same split id",
          [BASE.text(1), same_id.text(2)], 2)
    fault("other_custodian", 4, "share-damaged", "another custodian in the second share",
          [BASE.text(1), BASE.text(2, BASE.common.replace(b"customer", b"customes"))], 2)
    fault("twice", 4, "share-twice", "the same share twice", BASE.texts(1, 1), 2)
    fault("twice_third", 4, "share-twice", "a share once more", BASE.texts(1, 2, 1), 3)
    fault("foreign_before_twice", 4, "share-foreign", "the same index of another split",
          [BASE.text(1), OTHER.text(1)], 2)
    fault("none", 5, "share-too-few", "no share at all", [])
    fault("one", 5, "share-too-few", "one of two", BASE.texts(2))
    three = Split("3 of 5", threshold=3, shares=5)
    fault("two_of_three", 5, "share-too-few", "two where three are needed", three.texts(4, 1))
    lower = three.common[:10] + u8(2) + three.common[11:]
    fault("threshold_lowered", 6, "share-damaged", "a threshold of 2 that was 3",
          [three.text(1, lower), three.text(2, lower)])
    fault("tag", 6, "share-damaged", "the last byte of the tag was changed",
          altered(BASE, len(BASE.common) - 1))
    fault("sealed", 6, "share-damaged", "the first byte of the sealed part was changed",
          altered(BASE, len(BASE.common) - 48))
    fault("created_changed", 6, "share-damaged", "another creation time", altered(BASE, 30 + 21))
    fault("side_changed", 6, "share-damaged", "another side", altered(BASE, 30 + 11, 3))
    custodian = BASE.common.replace(b"customer", b"customes")
    fault("custodian_changed", 6, "share-damaged", "another custodian in all shares",
          [BASE.text(1, custodian), BASE.text(2, custodian)])
    fault("spki_changed", 6, "share-damaged", "another public half", altered(BASE, 30 + 72 + 90))
    fault("split_id_changed", 6, "share-damaged",
          "another split id, and check values that fit it", with_split_id())
    fault("value_forged", 6, "share-damaged",
          "a value of another split, and a check value that fits it", with_value())
    for name, private in (("zero", bytes(32)), ("largest", b"\xff" * 32),
                          ("of_another_key", keyfile.encode_private(KEYS["customer-p256-b"].private))):
        split = Split(f"private {name}", private=private)
        fault(f"private_{name}", 6, "key-invalid", f"a private part: {name}".replace("_", " "),
              split.texts(1, 2))
    public = BASE.public[:-64] + bytes(64)
    fault("point_zero", 6, "key-invalid", "a public half that is no point",
          Split("point", public=public).texts(1, 2))
    rsa_type = BASE.public[:12] + u16(3) + BASE.public[14:]
    fault("type_rsa", 6, "key-invalid", "the type is rsa, the public half that of a P-256 key",
          Split("type", public=rsa_type).texts(1, 2))
    other_rsa = keyfile.encode_private(KEYS["provider-rsa3072"].private)
    fault("rsa_of_another_key", 6, "key-invalid", "the private part of another RSA key",
          Split("rsa other", RSA, private=other_rsa).texts(1, 2))


def altered(split, position, mask=1):
    common = bytearray(split.common)
    common[position] ^= mask
    return [split.text(1, bytes(common)), split.text(2, bytes(common))]


def forged(split_id, values):
    """Shares that pass every check but the seal, which only the backup key makes."""
    checks = b"".join(backup.check_value(split_id, i, value) for i, value in enumerate(values, 1))
    at = 30 + len(BASE.public)
    common = BASE.common[:12] + split_id + BASE.common[28:at] + checks + BASE.common[at + 48:]
    return [backup.write_text(common, backup.share_part(split_id, i, values[i - 1]))
            for i in (1, 2)]


def with_split_id():
    return forged(OTHER.split_id, BASE.values)


def with_value():
    return forged(BASE.split_id, [OTHER.values[0], *BASE.values[1:]])


for make_some in (good_joins, typed, text_faults, common_faults, share_faults, joins):
    make_some()
