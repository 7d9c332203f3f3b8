# SPDX-License-Identifier: Apache-2.0
"""Key files, right and wrong: form, structure, fields, seal, and keys that do not fit."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, PublicFormat)

from reader import keyfile
from reader.fields import u8, u16, u32, u64
from reader.header import pad_custodian

from keyring import KEYS
import seeded

VECTORS = {}
P256, P384, RSA = "customer-p256", "customer-p384", "customer-rsa3072"
PASSPHRASE = "correct horse battery staple"
CHEAP = (1, 64, 1)  # passes, KiB, lanes: no writer does so, each reader accepts it
PUBLIC_SPKI = 91  # bytes of a P-256 SubjectPublicKeyInfo
PRIVATE_AT = 72 + PUBLIC_SPKI


def vector(name, spec, expect, comment, data, side="customer", need="private",
           passphrase=None, key=None):
    """One file; `key` names the key that a reader finds in it."""
    fields = [("spec", spec), ("expect", expect), ("side", side), ("need", need)]
    if passphrase is not None:
        fields.append(("passphrase", passphrase))
    if expect == "success":
        fields += [("key-id", KEYS[key or P256].id.hex()), ("custodian", KEYS[key or P256].custodian)]
    fields.append(("comment", comment))
    head = "".join(f"{name}: {value}\n" for name, value in fields)
    assert name not in VECTORS and head.isascii()
    assert max(map(len, head.splitlines())) <= 1100
    VECTORS[name] = head.encode() + b"\n" + data


def fails(name, spec, error, comment, data, **more):
    vector(name, spec, f"key key-{error}", comment, data, **more)


def private_structure(key, side, passphrase=None, cost=CHEAP):
    salt = seeded.draw("key file", key, 16)
    secret = passphrase.encode() if passphrase is not None else None
    text = keyfile.private_file(KEYS[key], side, secret, 1760000000, cost, salt)
    return structure_of(text)


def structure_of(text):
    return base64.b64decode(b"".join(text.split(b"\n")[1:-2]))[:-32]


def private(structure, checksum=None):
    return keyfile.to_text(keyfile.PRIVATE, structure, checksum)


def public(structure):
    return keyfile.to_text(keyfile.PUBLIC, structure)


def changed(structure, position, value):
    result = structure[:position] + value + structure[position + len(value):]
    assert result != structure
    return result


PLAIN = private_structure(P256, "customer")
SEALED = private_structure(P256, "customer", PASSPHRASE)
OPEN = structure_of(keyfile.public_file(KEYS[P256], "customer", 1760000000))
TEXT = private(PLAIN)


def good_files():
    for name in (P256, P384, RSA, "provider-p256", "customer-rsa4096"):
        side = name.split("-")[0]
        short = name.replace("-", "_")
        vector(f"valid_{short}", "5.1", "success", "a private key without a passphrase",
               private(private_structure(name, side)), side, key=name)
        vector(f"valid_{short}_sealed", "5.2", "success", "a private key with a passphrase",
               private(private_structure(name, side, PASSPHRASE)), side,
               passphrase=PASSPHRASE, key=name)
        vector(f"valid_{short}_public", "3", "success", "a public key",
               keyfile.public_file(KEYS[name], side, 1760000000), side, "public", key=name)
    vector("valid_creator", "4", "success", "a key of a creator",
           private(private_structure("creator-p256", "creator")), "creator", key="creator-p256")
    for name in (P256, P384):
        vector(f"valid_auditor_{name[-4:]}", "4", "success", "a key of an auditor",
               private(private_structure(name, "auditor")), "auditor", key=name)
    vector("valid_private_as_public", "6", "success",
           "the public half of a sealed file, without its passphrase", private(SEALED),
           need="public")
    vector("valid_argon2_lanes_4", "5.2", "success", "two passes, 1 MiB, four lanes",
           private(private_structure(P256, "customer", PASSPHRASE, (2, 1024, 4))),
           passphrase=PASSPHRASE)
    vector("valid_argon2_smallest", "5.2", "success", "one pass, one lane, 8 KiB",
           private(private_structure(P256, "customer", PASSPHRASE, (1, 8, 1))),
           passphrase=PASSPHRASE)
    for length in (1, 1024):
        vector(f"valid_passphrase_{length}", "5.3", "success",
               f"a passphrase of {length} bytes",
               private(private_structure(P256, "customer", "p" * length)),
               passphrase="p" * length)
    vector("valid_passphrase_spaces", "5.3", "success",
           "a passphrase that begins and ends with a space is used as it is",
           private(private_structure(P256, "customer", " a ")), passphrase=" a ")
    vector("valid_created_largest", "3", "success", "created is 2^40 - 1",
           private(changed(PLAIN, 14, u64(2**40 - 1))))


def text_form():
    def good(name, comment, data):
        vector(f"text_{name}", "2", "success", comment, data)

    def damaged(name, comment, data, error="damaged"):
        fails(f"text_{name}", "2", error, comment, data)

    begin, *lines, end, _ = TEXT.split(b"\n")
    good("crlf", "lines end in CR LF", TEXT.replace(b"\n", b"\r\n"))
    good("no_last_line_end", "the line end behind the last line is missing", TEXT[:-1])
    good("whitespace_around", "whitespace before and behind the block",
         b" \r\n\t\n" + TEXT + b"\n \t\r\n")
    damaged("empty", "an empty file", b"", "foreign")
    damaged("whitespace_only", "nothing but whitespace", b" \n\n", "foreign")
    damaged("other_label", "a PEM file of another kind",
            TEXT.replace(b"DOUBLEKEY ", b""), "foreign")
    damaged("line_in_front", "a line of text before the block", b"key:\n" + TEXT, "foreign")
    damaged("byte_order_mark", "a byte order mark", b"\xef\xbb\xbf" + TEXT, "foreign")
    damaged("too_large", "one byte above the limit, all of it whitespace",
            TEXT + b"\n" * (16385 - len(TEXT)), "foreign")
    good("largest", "as large as the limit", TEXT + b"\n" * (16384 - len(TEXT)))
    damaged("binary", "the structure without the text form", PLAIN, "foreign")
    damaged("line_behind", "a line of text behind the block", TEXT + b"key\n")
    damaged("two_blocks", "two blocks in one file", TEXT + TEXT)
    damaged("zero_behind", "a zero byte behind the block", TEXT + b"\0")
    damaged("no_end", "the END line is missing", b"\n".join([begin, *lines, b""]))
    damaged("end_of_other_label", "the END line is that of a public key",
            TEXT.replace(b"END DOUBLEKEY PRIVATE", b"END DOUBLEKEY PUBLIC"))
    damaged("nothing_inside", "there is no base64", b"\n".join([begin, end, b""]))
    damaged("cut", "the file was cut in the middle", TEXT[:len(TEXT) // 2])
    damaged("space_behind_begin", "a space behind the BEGIN line",
            TEXT.replace(begin, begin + b" "))
    damaged("space_in_line", "a space before a line", TEXT.replace(begin + b"\n", begin + b"\n "))
    damaged("empty_line", "an empty line", TEXT.replace(begin + b"\n", begin + b"\n\n"))
    damaged("carriage_return_alone", "lines end in CR", TEXT.replace(b"\n", b"\r"))
    damaged("begin_line_alone", "a BEGIN line with its line end, and nothing else", begin + b"\n")
    damaged("begin_line_without_end", "a BEGIN line without its line end", begin)
    damaged("line_too_short", "the first line has 60 characters",
            b"\n".join([begin, *rewrapped(lines, 60), end, b""]))
    damaged("line_too_long", "lines of 76 characters",
            b"\n".join([begin, *rewrapped(lines, 76), end, b""]))
    damaged("one_line", "one long line", b"\n".join([begin, b"".join(lines), end, b""]))
    damaged("not_base64", "a character that is not base64",
            TEXT.replace(lines[0], b"!" + lines[0][1:]))
    damaged("base64_url", "base64 of the form for URLs",
            TEXT.replace(lines[0], b"-" + lines[0][1:]))
    damaged("no_padding", "base64 without its padding", unpadded(begin, end))
    damaged("padding_inside", "padding within the base64",
            TEXT.replace(lines[0], lines[0][:62] + b"=="))
    damaged("unused_bits", "the unused bits of the base64 are not zero", with_unused_bits())
    damaged("header_line", "a header line as in old PEM files",
            TEXT.replace(begin + b"\n", begin + b"\nProc-Type: 4,ENCRYPTED\n\n"))


def rewrapped(lines, width):
    joined = b"".join(lines)
    return [joined[i:i + width] for i in range(0, len(joined), width)]


def padded_text():
    """A public key file whose base64 ends in padding; a custodian does not matter."""
    text = keyfile.public_file(KEYS[P384], "customer", 1760000000)
    assert b"=" in text
    return text


def unpadded(begin, end):
    return padded_text().replace(b"=", b"")


def with_unused_bits():
    text = padded_text()
    at = text.index(b"=") - 1
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    next_letter = letters[letters.index(text[at]) + 1]
    return text[:at] + bytes([next_letter]) + text[at + 1:]


def structure():
    raw = PLAIN
    fails("checksum_wrong", "6.2", "damaged", "the checksum was changed",
          private(raw, bytes(32)))
    fails("checksum_field_changed", "6.2", "damaged", "a bit of the private part was changed",
          private(changed(raw, PRIVATE_AT + 10, b"\0\0"), hashlib.sha256(raw).digest()))
    fails("checksum_before_magic", "6.2", "damaged", "magic and checksum are wrong",
          private(changed(raw, 0, b"d"), bytes(32)))
    fails("checksum_before_passphrase", "6.2", "damaged",
          "a sealed file with a wrong checksum, and a wrong passphrase",
          private(SEALED, bytes(32)), passphrase="wrong")
    fails("short_41", "6.2", "damaged", "a structure of 41 bytes with a right checksum",
          private(raw[:9]))
    fails("short_42", "6.3", "damaged", "a structure of 42 bytes with a right checksum",
          private(raw[:10]))
    for position in (10, 11, 13, 21, 69, 71, 72 + 50, PRIVATE_AT, PRIVATE_AT + 2, len(raw) - 1):
        fails(f"cut_{position}", "6.3", "damaged",
              f"{position} bytes of fields, with a right checksum", private(raw[:position]))
    fails("magic", "6.2", "foreign", "another magic, with a right checksum",
          private(changed(raw, 7, b"e")))
    for version in (0, 2):
        fails(f"version_{version}", "6.2", "version", f"version {version}",
              private(changed(raw, 8, u16(version))))
    fails("trailing", "6.3", "damaged", "a byte between private key and checksum",
          private(raw + b"\0"))
    fails("trailing_public", "6.3", "damaged", "a private key below the label of a public one",
          public(changed(raw, 10, b"\1")), need="public")


def fields():
    def field(name, error, comment, position, value, **more):
        fails(f"field_{name}", "6.3", error, comment,
              private(changed(PLAIN, position, value)), **more)

    field("kind_0", "damaged", "kind 0", 10, u8(0))
    field("kind_3", "damaged", "kind 3", 10, u8(3))
    field("kind_public", "damaged", "the label says private, the kind public", 10, u8(1))
    fails("field_kind_private", "6.3", "damaged", "the label says public, the kind private",
          public(changed(OPEN, 10, u8(2))), need="public")
    fails("field_kind_public_whole", "6.3", "damaged",
          "a whole public structure below the label of a private key", private(OPEN),
          need="public")
    fails("field_kind_private_whole", "6.3", "damaged",
          "a whole private structure below the label of a public key", public(PLAIN))
    field("side_0", "damaged", "side 0", 11, u8(0))
    field("side_5", "damaged", "side 5", 11, u8(5))
    field("type_0", "type", "type 0", 12, u16(0))
    field("type_5", "type", "a type that is not known", 12, u16(5))
    field("type_4", "reserved", "the reserved hybrid type", 12, u16(4))
    fails("field_creator_p384", "6.3", "type", "a creator key of type p384",
          private(private_structure(P384, "creator")), side="creator")
    fails("field_creator_rsa", "6.3", "type", "a creator key of type rsa",
          private(private_structure(RSA, "creator")), side="creator")
    field("created", "damaged", "created is 2^40", 14, u64(2**40))
    field("custodian_empty", "damaged", "no custodian", 22, bytes(48))
    field("custodian_upper_case", "damaged", "an upper case letter", 22, b"C")
    fails("field_auditor_rsa", "6.3", "type", "an auditor key of type rsa",
          private(private_structure(RSA, "auditor")), side="auditor")
    field("custodian_zero_inside", "damaged", "a zero byte within the custodian", 24, b"\0")
    field("custodian_behind_zero", "damaged", "a byte behind the zero bytes", 69, b"x")
    field("spki_length_0", "damaged", "SPKI length 0", 70, u16(0))
    field("spki_length_1201", "damaged", "SPKI length above the limit", 70, u16(1201))
    field("spki_length_65535", "damaged", "the largest SPKI length", 70, u16(65535))
    field("spki_length_1200", "damaged", "the SPKI reaches behind the end", 70, u16(1200))
    fails("field_spki_empty", "6.3", "damaged", "an SPKI of no bytes that is all there",
          private(with_spki(b"")), need="public")
    fails("field_spki_1201_bytes", "6.3", "damaged", "an SPKI of 1,201 bytes that is all there",
          private(with_spki(KEYS[P256].spki + bytes(1201 - PUBLIC_SPKI))), need="public")
    for key, kind, size in ((P256, 1, 31), (P256, 1, 33), (P256, 1, 0), (P384, 2, 32),
                            (RSA, 3, 0), (RSA, 3, 5001)):
        fails(f"field_private_{key.removeprefix('customer-')}_{size}_bytes", "6.3", "damaged",
              f"a private part of {size} bytes that is all there",
              private(with_private(key, u16(kind), b"\1" * size)))
    field("protection_2", "damaged", "protection 2", PRIVATE_AT, u8(2))
    field("protection_1", "damaged", "protection 1 before a private part in clear",
          PRIVATE_AT, u8(1), passphrase=PASSPHRASE)
    field("private_length_31", "damaged", "a private part of 31 bytes",
          PRIVATE_AT + 1, u16(31))
    field("private_length_33", "damaged", "a private part of 33 bytes",
          PRIVATE_AT + 1, u16(33))
    field("private_length_0", "damaged", "a private part of no bytes", PRIVATE_AT + 1, u16(0))
    for name, at, value in (
            ("passes_0", 17, 0), ("passes_65", 17, 65), ("memory_7", 21, 7),
            ("memory_above_limit", 21, 4194305), ("memory_largest", 21, 2**32 - 1),
            ("lanes_0", 25, 0), ("lanes_65", 25, 65), ("lanes_9", 25, 9)):
        what = "memory below 8 KiB for each lane" if name == "lanes_9" else name.replace("_", " ")
        fails(f"argon2_{name}", "5.2", "damaged", f"Argon2id with {what}",
              private(changed(SEALED, PRIVATE_AT + at, u32(value))), passphrase=PASSPHRASE)


def keys_that_do_not_fit():
    fails("side_provider", "6.4", "side", "a customer key is given as provider key",
          TEXT, side="provider")
    fails("side_creator", "6.4", "side", "a customer key is given as creator key",
          TEXT, side="creator")
    fails("side_auditor", "6.4", "side", "a customer key is given as auditor key",
          TEXT, side="auditor")
    fails("side_before_passphrase", "6.4", "side",
          "a sealed customer key is given as provider key, without a passphrase",
          private(SEALED), side="provider")
    fails("need_private", "6.6", "need-private", "a public key, and a private one is needed",
          public(OPEN))
    fails("need_passphrase", "6.6", "need-passphrase", "a sealed key, and no passphrase",
          private(SEALED))
    for name, passphrase in (("wrong", "Correct horse battery staple"),
                             ("with_space", PASSPHRASE + " "), ("prefix", PASSPHRASE[:-1])):
        fails(f"passphrase_{name}", "6.6", "passphrase", "another passphrase",
              private(SEALED), passphrase=passphrase)
    for name, position, value, side in (
            ("side", 11, u8(2), "provider"), ("created", 14, u64(1), "customer"),
            ("custodian", 22, pad_custodian("other"), "customer"),
            ("salt", PRIVATE_AT + 1, bytes(16), "customer"),
            ("passes", PRIVATE_AT + 17, u32(2), "customer"),
            ("sealed", PRIVATE_AT + 31, bytes(8), "customer"),
            ("tag", len(SEALED) - 1, bytes([SEALED[-1] ^ 1]), "customer")):
        fails(f"sealed_{name}_changed", "5.2", "passphrase", f"the {name} was changed",
              private(changed(SEALED, position, value)), side=side, passphrase=PASSPHRASE)
    other = KEYS["customer-p256-b"].spki
    fails("sealed_spki_changed", "5.2", "passphrase", "the public half is that of another key",
          private(changed(SEALED, 72, other)), passphrase=PASSPHRASE)


def invalid_keys():
    def invalid(name, comment, structure, need="private"):
        fails(f"invalid_{name}", "4", "invalid", comment, private(structure), need=need)

    scalar = PRIVATE_AT + 3
    order = seeded.ORDER["secp256r1"]
    invalid("point", "the point is not on the curve",
            changed(PLAIN, 72 + 90, bytes([PLAIN[72 + 90] ^ 1])), "public")
    invalid("point_zero", "coordinates of zero", changed(PLAIN, 72 + 27, bytes(64)), "public")
    invalid("spki_algorithm", "another algorithm in the SPKI",
            changed(PLAIN, 72 + 10, b"\3"), "public")
    invalid("type", "the type is p384, the SPKI that of a P-256 key",
            with_private(P256, u16(2), bytes(48)), "public")
    invalid("type_rsa", "the type is rsa, the SPKI that of a P-256 key",
            changed(PLAIN, 12, u16(3)), "public")
    invalid("type_p256_of_rsa", "the type is p256, the SPKI that of an RSA key",
            with_spki(KEYS[RSA].spki), "public")
    for name, bits, exponent in (("2048", 2048, 65537), ("3064", 3064, 65537),
                                 ("3076", 3076, 65537), ("8200", 8200, 65537),
                                 ("exponent_3", 3072, 3)):
        invalid(f"rsa_{name}", f"an RSA modulus of {bits} bits with exponent {exponent}",
                changed(with_spki(rsa_spki(bits, exponent)), 12, u16(3)), "public")
    for name, value in (("0", 0), ("order", order), ("largest", 2**256 - 1)):
        invalid(f"scalar_{name}", "a scalar that is 0 or not below the order",
                changed(PLAIN, scalar, value.to_bytes(32, "big")))
    invalid("scalar_of_another_key", "the scalar of another key",
            changed(PLAIN, scalar, keyfile.encode_private(KEYS["customer-p256-b"].private)))
    invalid("rsa_of_another_key", "the private part of another RSA key",
            with_private(RSA, u16(3), keyfile.encode_private(KEYS["provider-rsa3072"].private)))
    invalid("rsa_not_der", "a private part that is not DER", with_private(RSA, u16(3), b"key"))
    invalid("rsa_trailing", "a byte behind the PrivateKeyInfo",
            with_private(RSA, u16(3), keyfile.encode_private(KEYS[RSA].private) + b"\0"))
    invalid("rsa_is_ec", "a PrivateKeyInfo of an EC key",
            with_private(RSA, u16(3), ec_private_key_info()))
    invalid("spki_trailing", "a byte behind the SubjectPublicKeyInfo",
            with_spki(KEYS[P256].spki + b"\0"), "public")
    invalid("spki_compressed_point", "an SPKI with a compressed point",
            with_spki(compressed(KEYS[P256].spki)), "public")


def with_private(key, kind, part):
    head = keyfile.public_part(KEYS[key], keyfile.PRIVATE, "customer", 1760000000)
    return head[:12] + kind + head[14:] + u8(0) + u16(len(part)) + part


def with_spki(spki):
    return PLAIN[:70] + u16(len(spki)) + spki + PLAIN[PRIVATE_AT:]


def rsa_spki(bits, exponent):
    """A modulus of that many bits; nobody knows its factors, and nobody has to."""
    drawn = int.from_bytes(seeded.draw("rsa", str(bits), bits // 8 + 1), "big")
    modulus = drawn % 2**(bits - 1) | 2**(bits - 1) | 1
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def compressed(spki):
    point = bytes([2 + (spki[-1] & 1)]) + spki[-64:-32]
    algorithm = spki[2:23]
    return b"\x30\x39" + algorithm + b"\x03\x22\x00" + point


def ec_private_key_info():
    return KEYS[P256].private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


for make_some in (good_files, text_form, structure, fields, keys_that_do_not_fit, invalid_keys):
    make_some()
