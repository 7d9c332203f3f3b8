# SPDX-License-Identifier: Apache-2.0
"""Pieces of the native protocol as bytes: what a client must take, and refuse."""

import base64
import hashlib
from dataclasses import replace

from reader import log, native, note
from reader.fields import u8, u16, u32, u64

from forge import flipped
from world import (
    CA, CUSTODIAN, DEVICE, EPHEMERAL, IDENTITY, NOW, ONE, ORIGIN, SERVICE, SIGNER, STRANGER, THREE,
    TWO, URL, Cosigner, LogSigner, Request, coded, draw, key, key_id, place, receipt, salts, spki)
import pieces
import seeded

VECTORS = {}
ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551


WITNESS = note.Key(note.COSIGNATURE, "example.org/witness", bytes(range(32))).text().encode()
POLICY_NONE = b"witness w " + WITNESS + b" https://w.example.org\nquorum none\n"
POLICY = POLICY_NONE.replace(b"quorum none", b"quorum w")

def vector(kind, name, spec, expect, comment, parts, **lines):
    name = f"{kind}_{name}".replace("-", "_")
    pieces.add(VECTORS, name, kind, spec, expect, comment, parts, **lines)


def scalar(private):
    return private.private_numbers().private_value.to_bytes(32, "big").hex()


# ---- receipts ----

def event(**main):
    return log.Event(2, {"time": NOW, "decision": 1, "request": draw("digest"),
                         "factors": [(1, 4, 3)]} | main, {"user": "alice"}, [ONE.recorded()])


def proof(name, comment, data, expect="receipt", spec="log 7", **lines):
    data = data if isinstance(data, bytes) else data.encode()
    vector("receipt", name, spec, expect, comment,
           [("service", SERVICE.encode()), ("receipt", data)], **lines)


def good(name, comment, made, class_=2, index=5):
    proof(name, comment, made, "success", class_=class_, index=index)


def receipts():
    for index, size in ((0, 1), (0, 2), (1, 2), (2, 3), (6, 7), (5, 11), (10, 11), (63, 64)):
        good(f"good_{index}_of_{size}", "at this place", receipt(event(), "good", index=index, size=size),
             index=index)
    good("erased_person", "the person was erased", receipt(event(), "erased", erased=(1,)))
    good("erased_object", "an object was erased", receipt(event(), "erased object", erased=(2,)))
    good("nobody", "a heartbeat", receipt(log.Event(4, {"time": NOW, "decision": 1}), "nobody"), 4)
    everything = log.Event(2, {
        "time": NOW, "decision": 2, "reason": 20, "mode": 2, "front": 2, "level": 4,
        "key": "finance", "key_id": draw("k"), "version": 7, "policy": draw("p"),
        "request": draw("r"), "recipient": draw("e"), "generation": 2**40, "suppressed": 3,
        "stanza_type": 2, "factors": [(1, 4, 0), (4, 4, 9), (4, 4, 8)], "note": "n" * 255,
        "recovery": draw("v"), "token": draw("t") + u64(NOW) + b"\1i\1k\0",
        "certificate": draw("c", 64), "key_set": draw("s", 64) + b"\3" + native.short(b"corp")
        + b"\2" + draw("j", 64)},
        {"user": "u" * 64, "device": draw("d"), "device_name": "n" * 64,
         "address": draw("a", 16)}, [ONE.recorded(code=24), TWO.recorded()])
    good("every_field", "every field that there is", receipt(everything, "every field"))
    base = receipt(event(), "base")
    layout = [("leaf_magic", 0), ("leaf_class", 5), ("leaf_zero", 7), ("leaf_minute", 15),
              ("leaf_commitment", 16), ("leaf_commitment_end", 47), ("index", 55),
              ("index_high", 48), ("proof_count", 56), ("proof_first", 57),
              ("proof_last", 57 + 32 * len(base.proof) - 1)]
    at = 57 + 32 * len(base.proof)
    layout += [("checkpoint_length", at + 1), ("checkpoint_first", at + 2)]
    at += 2 + len(base.checkpoint)
    layout += [("record_length", at + 3), ("record_version", at + 4), ("main_form", at + 5),
               ("main_salt", at + 6), ("main_length", at + 25), ("main_tag", at + 27),
               ("main_value", at + 37), ("object_last", len(base.encode()) - 1)]
    for name, position in layout:
        proof(f"bit_{name}", f"one bit: {name.replace('_', ' ')}",
              flipped(base.encode(), position))
    proof("cut", "without its last byte", base.encode()[:-1])
    proof("trailing", "a byte behind it", base.encode() + b"\0")
    proof("empty", "nothing", b"")
    base.proof.append(draw("more"))
    proof("proof_longer", "a hash too many", base)
    base.proof = base.proof[:-2]
    proof("proof_shorter", "a hash too few", base)
    base = receipt(event(), "base")
    base.proof.reverse()
    proof("proof_reversed", "from the root downwards", base)
    base = receipt(event(), "base")
    base.proof = base.proof + [draw("x")] * 60
    proof("proof_64", "64 hashes", base)
    base = receipt(event(), "base")
    base.index = 11
    proof("index_behind", "an index that the tree does not have", base)
    other = receipt(event(), "other salts")
    base.index, base.record = 5, other.record
    proof("record_of_another", "a record of the same, with other salts", base)
    proof("place_of_another", "leaf and record at the place of another entry",
          log.Receipt(other.leaf, 5, receipt(event(), "base").proof,
                      receipt(event(), "base").checkpoint, other.record))


def records():
    """The leaf is that of the record, and in the tree; the record is not one."""
    def made(name, comment, main=None, person=b"", objects=(), class_=2, time=NOW, edit=None):
        parts = [("log-main", draw("m", 16), main if main is not None else GOOD),
                 ("log-person", draw("p", 16), person)]
        parts += [("log-object", draw(f"o{i}", 16), item) for i, item in enumerate(objects)]
        record, leaf = log.encode_parts(class_, time, parts)
        proof(f"record_{name}", comment, place(leaf, edit(record) if edit else record), "receipt",
              "log 2")

    def pairs(*fields):
        return b"".join(u16(tag) + u16(len(value)) + value for tag, value in fields)

    when, decision = (1, u64(NOW)), (2, b"\1")
    GOOD = pairs(when, decision)
    made("tag_zero", "tag 0", pairs((0, b"\1"), when, decision))
    made("tag_unknown", "a tag that is not known", pairs(when, decision, (22, b"\1")))
    made("tag_order", "tags that do not ascend", pairs(decision, when))
    made("tag_twice", "a tag twice", pairs(when, decision, decision))
    made("value_empty", "an empty value", pairs(when, decision, (17, b"")))
    made("value_cut", "a value behind the end", GOOD + u16(17) + u16(5) + b"abc")
    made("number_long", "a number with a byte too many", pairs((1, b"\0" + u64(NOW)), decision))
    made("number_short", "a number with a byte too few", pairs(when, (2, b"\1"), (9, b"\0\0\1")))
    made("number_zero", "a number that is 0", pairs(when, decision, (3, u16(0))))
    made("hash_short", "a digest of 31 bytes", pairs(when, decision, (11, draw("r", 31))))
    made("text_control", "a line end in a note", pairs(when, decision, (17, b"a\nb")))
    made("text_utf8", "a note that is not UTF-8", pairs(when, decision, (17, b"\xc3\x28")))
    made("name_65", "a name of 65 bytes", pairs(when, decision, (7, b"n" * 65)))
    made("note_256", "a note of 256 bytes", pairs(when, decision, (17, b"n" * 256)))
    made("factor_long", "a factor of 12 bytes", pairs(when, decision, (16, bytes(12))))
    made("token_trailing", "a byte behind a token's id",
         pairs(when, decision, (19, draw("t") + u64(NOW) + b"\1i\1k\0\0")))
    made("certificate_short", "63 bytes", pairs(when, decision, (20, bytes(63))))
    key_set = draw("s", 64) + b"\3" + native.short(b"corp") + b"\1" + draw("j")
    for name, comment, value in (
            ("empty", "a key set without a key", key_set[:-33] + b"\0"),
            ("cut", "less than its keys", key_set[:-1]),
            ("trailing", "a byte behind the keys of a set", key_set + b"\0"),
            ("no_issuer", "a key set of nobody", draw("s", 64) + b"\3\0\1" + draw("j")),
            ("issuer_33", "an issuer of 33 bytes", draw("s", 64) + b"\3"
             + native.short(b"i" * 33) + b"\1" + draw("j")),
            ("keys_33", "33 keys", key_set[:-33] + u8(33) + draw("j", 33 * 32))):
        made(f"key_set_{name}", comment, pairs(when, decision, (21, value)))
    made("no_time", "no time, but a minute", pairs(decision))
    made("other_minute", "a time of another minute", time=NOW + 60)
    made("person_unknown", "a tag that persons do not have", person=pairs((6, b"x")))
    made("person_user_65", "a user of 65 bytes", person=pairs((1, b"u" * 65)))
    made("person_device_31", "a device of 31 bytes", person=pairs((2, bytes(31))))
    made("person_address_4", "an address of 4 bytes", person=pairs((4, bytes(4))))
    made("object_101", "an object part of 101 bytes", objects=[bytes(101)])
    made("object_103", "an object part of 103 bytes", objects=[bytes(103)])
    made("trailing", "a byte behind the record", edit=lambda r: r + b"\0")
    made("main_erased", "the main part is erased",
         edit=lambda r: u8(1) + u8(0) + log.part_hash("log-main", draw("m", 16), GOOD)
         + r[1 + 21 + len(GOOD):])
    made("part_65536", "a part that is too long", person=pairs((1, b"u")) + bytes(65536 - 5))
    made("count_1001", "1,001 objects", edit=lambda r: r[:-2] + u16(1001))


def checkpoints():
    root = draw("root")
    text = log.checkpoint_text(ORIGIN, 42, root)
    ed, p256 = SIGNER.lines(text)

    def note(name, comment, data, expect="receipt", **lines):
        data = data if isinstance(data, bytes) else data.encode()
        vector("checkpoint", name, "log 4", expect, comment,
               [("service", SERVICE.encode()), ("checkpoint", data)], **lines)

    def fine(name, comment, data, size=42):
        note(name, comment, data, "success", size=size)

    def signed(name, comment, body, blank="\n"):
        """Both signatures hold for a body that is not a checkpoint."""
        note(name, comment, body + blank + "".join(SIGNER.lines(body)))

    def raw(line):
        return base64.b64decode(line.rsplit(" ", 1)[1])

    def again(data, name=ORIGIN):
        return f"\u2014 {name} {base64.b64encode(data).decode()}\n"

    fine("good", "both signatures", text + "\n" + ed + p256)
    fine("order", "the signatures in another order", text + "\n" + p256 + ed)
    fine("cosignature", "a cosignature of a witness",
         text + "\n" + ed + p256 + again(draw("witness", 76), "witness.example.net"))
    fine("other_key", "one more key of the log's name",
         text + "\n" + ed + again(draw("old", 68)) + p256)
    fine("zero", "an empty tree", SIGNER.checkpoint(0, hashlib.sha256(b"").digest()), 0)
    fine("largest", "the largest size", SIGNER.checkpoint(10**19 - 1, root), 10**19 - 1)
    note("no_ed25519", "without the Ed25519 signature", text + "\n" + p256)
    note("no_p256", "without the ECDSA signature", text + "\n" + ed)
    note("none", "without signatures", text + "\n")
    note("another_log", "signed by another log of the same name",
         text + "\n" + "".join(STRANGER.lines(text)))
    note("one_of_another_log", "one of the signatures is of another log",
         text + "\n" + ed + STRANGER.lines(text)[1])
    other = LogSigner("log", "keys.example.com:8443/log")
    note("origin", "another origin", other.checkpoint(42, root))
    note("root_changed", "another root than the signed one",
         log.checkpoint_text(ORIGIN, 42, draw("x")) + "\n" + ed + p256)
    note("size_changed", "another size than the signed one",
         log.checkpoint_text(ORIGIN, 43, root) + "\n" + ed + p256)
    for name, line, position in (("ed25519", ed, 20), ("ed25519_last", ed, -1),
                                 ("p256", p256, 30), ("p256_last", p256, -1)):
        changed = again(flipped(raw(line), position))
        note(f"bit_{name}", "one bit of a signature",
             text + "\n" + (changed + p256 if line is ed else ed + changed))
    note("ed25519_longer", "a byte behind the Ed25519 signature",
         text + "\n" + again(raw(ed) + b"\0") + p256)
    note("p256_longer", "a byte behind the ECDSA signature",
         text + "\n" + ed + again(raw(p256) + b"\0"))
    der = raw(p256)
    wide = der[:5] + bytes([der[5] + 1]) + der[6:8] + bytes([der[7] + 1, 0]) + der[8:]
    wide = der[:4] + b"\x30" + bytes([der[5] + 1]) + b"\x02" + bytes([der[7] + 1]) + b"\0" + der[8:]
    note("p256_padded", "a number of the ECDSA signature with a zero too many",
         text + "\n" + ed + again(wide))
    note("p256_fixed", "the ECDSA signature as r || s",
         text + "\n" + ed + again(raw(p256)[:4] + seeded.ecdsa_sign(
             SIGNER.p256, text.encode(), "log", text.encode().hex())))
    signed("size_zero_before", "a zero before the size", text.replace("\n42\n", "\n042\n"))
    signed("size_sign", "a sign", text.replace("\n42\n", "\n+42\n"))
    signed("size_empty", "no size", text.replace("\n42\n", "\n\n"))
    signed("size_20", "a size of 20 digits", text.replace("\n42\n", f"\n{10**19}\n"))
    signed("size_hex", "a size in hex", text.replace("\n42\n", "\n0x2a\n"))
    signed("root_31", "a root of 31 bytes",
           f"{ORIGIN}\n42\n{base64.b64encode(root[:31]).decode()}\n")
    signed("root_bits", "a root with unused bits", text[:-3] + chr(ord(text[-3]) + 1) + "=\n")
    signed("root_no_padding", "a root without padding", text.replace("=\n", "\n"))
    signed("extension", "an extension line", text + "extension\n")
    signed("no_blank", "no empty line", text, blank="")
    signed("carriage_return", "CR LF", text.replace("\n", "\r\n"))
    signed("origin_blank", "a blank behind the origin", text.replace("/log\n", "/log \n"))
    note("no_line_end", "no line end", (text + "\n" + ed + p256)[:-1])
    note("hyphen", "a hyphen instead of the dash",
         text + "\n" + ed + p256 + "- " + ed[2:])
    note("too_long", "4,097 bytes and more",
         text + "\n" + ed + p256 + again(draw("long", 2990), "witness.example.net"))
    note("two_blanks", "an empty line more", text + "\n\n" + ed + p256)
    note("cut", "half a line", (text + "\n" + ed + p256)[:-20])


# ---- releases ----

def releases():
    one, three = Request(ONE), Request(ONE, TWO, THREE)

    def answer(name, comment, request, codes=(0,), expect="receipt", data=None, spec="6",
               change=None, service=SERVICE, **how):
        made = data if data is not None else request.answer(f"answer {name}", list(codes), **how)
        made = change(made) if change else made
        lines = {"user": "alice", "device": key_id(DEVICE).hex(),
                 "request_digest": request.digest.hex(), "ephemeral": scalar(EPHEMERAL)}
        if expect == "success":
            shares = b"".join(t.share for t, c in zip(request.things, codes) if c == 0)
            lines |= {"codes": " ".join(native.CODES[code] for code in codes),
                      "shares": hashlib.sha256(shares).hexdigest()}
        vector("release", name, spec, expect, comment,
               [("service", service.encode()), ("request", request.body), ("answer", made)],
               **lines)

    answer("one", "one object", one, expect="success")
    answer("three", "three objects", three, (0, 0, 0), "success")
    answer("mixed", "a refused one between two others", three, (0, 24, 0), "success")
    answer("denied", "no share at all", three, (20, 20, 22), "success")
    answer("malformed", "an object that the service could not read", three, (0, 15, 0), "success",
           objects=[ONE.recorded(), log.Object(15), THREE.recorded()])
    answer("malformed_recorded", "one that it could not read, and yet knows", three, (0, 15, 0))
    answer("large_index", "a large index", one, expect="success", index=62,
           receipt_of=receipt(one.event([0]), "large", index=62, size=64))

    def lies(name, comment, request=one, codes=(0,), **how):
        """The receipt holds in itself; it is not that of this request."""
        answer(f"recorded_{name}", comment, request, codes, **how)

    lies("request", "another request", main={"request": draw("another")})
    lies("no_request", "no request", main={"request": None})
    lies("recipient", "another ephemeral key", main={"recipient": draw("another")})
    lies("no_recipient", "no ephemeral key", main={"recipient": None})
    lies("user", "another user", person={"user": "bob"})
    lies("no_user", "no user", person={"user": None})
    lies("device", "another device", person={"device": draw("another")})
    lies("no_device", "no device", person={"device": None})
    lies("denial", "a denial, with a share", class_=3)
    lies("enrolment", "another class", class_=9)
    lies("release_without", "a release, without a share", codes=(20,), class_=2)
    lies("object_id", "another object id", objects=[ONE.recorded(object_id=draw("id", 16))])
    lies("core_digest", "another core header", objects=[ONE.recorded(core_digest=draw("c", 48))])
    lies("epoch", "another epoch", objects=[ONE.recorded(epoch=2)])
    lies("code", "refused in the record, released in the answer", objects=[ONE.recorded(20)])
    lies("code_other_way", "released in the record, refused in the answer", three, (0, 20, 0),
         objects=[ONE.recorded(), TWO.recorded(), THREE.recorded()])
    lies("no_objects", "no object", objects=[])
    lies("more_objects", "one more object", objects=[ONE.recorded(), TWO.recorded()])
    lies("fewer_objects", "one object less", three, (0, 0, 0),
         objects=[ONE.recorded(), TWO.recorded()])
    lies("order", "the objects in another order", three, (0, 0, 0),
         objects=[TWO.recorded(), ONE.recorded(), THREE.recorded()])
    answer("index", "another index than that of the receipt", one, stated=6)
    answer("another_log", "a receipt of another log", one,
           receipt_of=receipt(one.event([0]), "x", signer=STRANGER))
    erased_person, erased_object = (receipt(one.event([0]), "e", erased=(i,)) for i in (1, 2))
    answer("person_erased", "a receipt whose person is erased", one, receipt_of=erased_person)
    answer("object_erased", "a receipt whose object is erased", one, receipt_of=erased_object)
    answer("no_receipt", "no receipt", one,
           change=lambda a: a[:79 + 50])
    answer("bit_receipt", "one bit of the receipt", one, change=lambda a: flipped(a, -1))
    reply, stanza = "service-reply", "stanza-auth"
    answer("magic", "another magic", one, expect=reply, head=b"DKR1")
    answer("count", "another number of objects", one, expect=reply, count=2)
    answer("count_zero", "no object", one, expect=reply, count=0)
    answer("head_only", "less than its head", one, expect=reply, change=lambda a: a[:40])
    answer("items_cut", "half a share", one, expect=reply, change=lambda a: a[:100])
    answer("empty", "nothing", one, expect=reply, data=b"")
    answer("sealed_for_another", "sealed for another key", one, expect=stanza,
           sealed_for=key("another ephemeral"))
    answer("sealed_bit", "one bit of a sealed share", one, expect=stanza,
           change=lambda a: flipped(a, 81))
    answer("enc_bit", "one bit of enc", one, expect=stanza, change=lambda a: flipped(a, 76))
    answer("enc_infinity", "enc of zeros", one, expect=stanza, enc=bytes(65))
    answer("sealed_last_bit", "one bit of the last of three", three, (0, 0, 0), stanza,
           change=lambda a: flipped(a, 79 + 2 * 50 + 2))
    answer("sealed_swapped", "two sealed shares swapped", three, (0, 0, 0), stanza,
           change=lambda a: a[:81] + a[131:179] + a[129:131] + a[81:129] + a[179:])
    answer("share_of_another", "the share of another object", one, expect="share-commitment",
           shares={0: TWO.share})
    answer("share_of_another_last", "the same for the last of three", three, (0, 0, 0),
           "share-commitment", shares={2: ONE.share})
    receipt_at_6 = receipt(one.event([0]), "six", index=6)
    answer("sealed_for_another_index", "sealed for another log position", one, expect=stanza,
           receipt_of=receipt_at_6, stated=6)


    cosigned_releases(one, answer)


A, B, C, D = (Cosigner(f"witness.example.net/{letter}") for letter in "abcd")


def policy_of(*lines):
    witnesses = [f"witness {name} {cosigner.key.text()} https://{name}.example.net"
                 for name, cosigner in (("a", A), ("b", B), ("c", C))]
    return "".join(f"{line}\n" for line in [*witnesses, *lines]).encode()


TWO_OF_THREE = policy_of("group g 2 a b c", "quorum g")


def cosigned_releases(one, answer):
    """Of a service that a client pinned in mode strict: two of the witnesses a, b and c."""
    def strict(name, comment, *lines, expect="log-quorum", policy=TWO_OF_THREE, mode=2, pinned=2,
               codes=(0,), before=False):
        made = receipt(one.event(codes, main={"mode": mode}), f"strict {name}")
        text, _, signed = made.checkpoint.decode().partition("\n\n")
        text += "\n"
        more = "".join(line.line(text) if isinstance(line, Cosigner) else line(text)
                       for line in lines)
        made.checkpoint = (text + "\n" + (more + signed if before else signed + more)).encode()
        answer(f"strict_{name}", comment, one, codes, expect, spec="log 17.1", receipt_of=made,
               service=replace(SERVICE, witnesses=u8(pinned) + policy))

    def good(name, comment, *lines, **how):
        strict(name, comment, *lines, expect="success", **how)

    def wrong(name, comment, *lines, **how):
        strict(name, comment, *lines, expect="log-signature", **how)

    def changed(cosigner, at):
        return lambda text: coded(cosigner.key.name, flipped(cosigner.raw(text, NOW), at))

    good("two", "two of three", A, C)
    good("all", "all three", A, B, C)
    good("before", "before the signatures of the log", C, B, before=True)
    good("stranger_too", "one more, of a witness that nobody asked", A, B, D)
    good("newer_too", "two of one witness, and one of another",
         A, lambda text: A.line(text, NOW), B)
    good("denied", "a denial waits for no witness", codes=(20,))
    good("of_prompt", "of a service in mode prompt none is needed", pinned=1, mode=1)
    good("not_pinned", "strict, where prompt is pinned", pinned=1)
    good("nested", "a group of groups", B, C, policy=policy_of(
        "group n any a b", "group m all n c", "quorum m"))
    strict("none", "no cosignature")
    strict("one", "one of three", B)
    strict("twice", "one of three, twice", A, A)
    strict("twice_other_time", "one of three, at two times", A, lambda text: A.line(text, NOW))
    strict("stranger", "one of three, and a witness that nobody asked", A, D)
    strict("name_of_another", "one of three, and a stranger with the name of another one", A,
           lambda text: coded(B.key.name, D.raw(text, NOW)))
    strict("key_of_another", "one of three, and the key of another one under a stranger's name", A,
           lambda text: coded(D.key.name, B.raw(text, NOW)))
    strict("other_quorum", "two, where two others are needed", A, B,
           policy=policy_of("group g all b c", "quorum g"))
    strict("nested_one", "a group of groups, and one member of it", A, B, policy=policy_of(
        "group n any a b", "group m all n c", "quorum m"))
    strict("recorded_prompt", "all cosignatures, and mode prompt in the record", A, B, C, mode=1)
    strict("recorded_no_mode", "all cosignatures, and no mode in the record", A, B, C, mode=None)
    wrong("bit", "one bit of one of two", A, changed(B, 40))
    wrong("bit_time", "another time than the signed one", A, changed(B, 11))
    wrong("bit_last", "the last bit", A, changed(B, -1))
    wrong("bit_of_third", "two hold, and a third one does not", A, B, changed(C, 40))
    wrong("other_size", "over a larger tree", A, lambda text: B.line(text.replace("\n11\n", "\n12\n")))
    wrong("other_root", "over another tree of this size", A,
          lambda text: B.line(log.checkpoint_text(ORIGIN, 11, draw("another"))))
    wrong("other_log", "over the tree of another log", A,
          lambda text: B.line(text.replace(ORIGIN, "keys.example.com:8443/log")))
    wrong("as_log", "the witness's key signed the text as a log does", A,
          lambda text: coded(B.key.name, B.key.id + B.private.sign(text.encode())))
    wrong("time_large", "a time above 2^63 - 1", A, lambda text: B.line(text, 2**63))
    strict("too_long", "a checkpoint of more than 4,096 bytes", A, B,
           lambda text: coded("witness.example.org", draw("long", 2700)), expect="receipt")


# ---- enrolment ----

CODE = draw("code", 16)
KEYS = native.EnrolKeys(CODE)


def enrol_body(user=b"alice", name=b"laptop", device=None, signer=None, code_id=None, magic=b"DKE1",
               mac_key=None):
    device = DEVICE if device is None else device
    body = magic + (code_id or KEYS.id) + native.short(user) + native.short(name)
    body += device if isinstance(device, bytes) else spki(device)
    body += seeded.ecdsa_sign(signer or DEVICE, native.device_message(body), "enrol", body.hex())
    return body + native.mac(mac_key or KEYS.client, body)


def enrolments():
    def request(name, comment, body, expect):
        vector("enrol-request", name, "4", expect, comment, [("request", body)], code=CODE.hex())

    bad, layout = "service-enrol-code", "service-malformed-request"
    body = enrol_body()
    request("good", "as it should be", body, "success")
    request("longest", "names of 64 bytes", enrol_body(b"u" * 64, b"n" * 64), "success")
    request("signer", "signed by another key", enrol_body(signer=key("another")), bad)
    request("mac_key", "a MAC with the key of the service", enrol_body(mac_key=KEYS.server), bad)
    request("p384", "a point that is not on the curve", enrol_body(device=flipped(spki(DEVICE), 90)), bad)
    for name, at in (("code_id", 4), ("user", 22), ("name", 27), ("key", 60), ("signature", -112),
                     ("mac", -48), ("mac_end", -1)):
        request(f"bit_{name}", f"one bit: {name}", flipped(body, at), bad)
    for name, comment, made in (
            ("magic", "another magic", enrol_body(magic=b"DKE2")), ("cut", "cut", body[:-1]),
            ("trailing", "a byte behind it", body + b"\0"), ("empty", "nothing", b""),
            ("user_empty", "no user", enrol_body(user=b"")),
            ("user_65", "a user of 65 bytes", enrol_body(user=b"u" * 65)),
            ("user_zero", "a zero byte in the user", enrol_body(user=b"a\0b")),
            ("user_capital", "a capital letter", enrol_body(user=b"Alice")),
            ("name_empty", "no name", enrol_body(name=b"")),
            ("name_65", "a name of 65 bytes", enrol_body(name=b"n" * 65)),
            ("name_line_end", "a line end in the name", enrol_body(name=b"a\nb")),
            ("name_utf8", "a name that is not UTF-8", enrol_body(name=b"\xff")),
            ("name_surrogate", "a surrogate in the name", enrol_body(name=b"\xed\xa0\x80"))):
        request(name, comment, made, layout)


def codes():
    def code(name, comment, text, expect="service-enrol-code", **lines):
        vector("code", name, "4", expect, comment, [], text=text, **lines)

    for name, made in (("good", CODE), ("zero", bytes(16)), ("ones", b"\xff" * 16)):
        keys = native.EnrolKeys(made)
        code(name, "a code and what follows from it", native.code_text("alice", made), "success",
             user="alice", code=made.hex(), code_id=keys.id.hex(), client_key=keys.client.hex(),
             server_key=keys.server.hex())
    text = native.code_text("alice", CODE)
    code("small_letters", "small letters and no hyphens", text.lower().replace("-", ""), "success",
         user="alice", code=CODE.hex())
    code("hyphens", "hyphens elsewhere", text.replace("-", "")[:20] + "--" + text.replace("-", "")[20:],
         "success", user="alice", code=CODE.hex())
    letters = text.split(":")[1]
    for at in (0, 5, 33):
        other = "A" if letters[at] != "A" else "B"
        code(f"letter_{at}", "one letter is another one",
             "alice:" + letters[:at] + other + letters[at + 1:])
    code("user_matters_not", "the user is not checked by the code", "bob:" + letters, "success",
         user="bob", code=CODE.hex())
    code("short", "a letter less", text[:-1])
    code("long", "a letter more", text + "A")
    code("digit_one", "a 1 for an I", text[:-1] + "1")
    code("no_user", "no user", ":" + letters)
    code("no_colon", "no colon", letters)
    code("user_capital", "no name of a user", "Alice:" + letters)
    code("blank", "a blank behind it", text + " x")


def enrol_answers():
    body = enrol_body()
    own = key_id(DEVICE)

    def event_of(class_=9, factors=((3, 4, 8),), **person):
        who = {"user": "alice", "device": own, "device_name": "laptop"} | person
        return log.Event(class_, {"time": NOW, "decision": 1, "front": 1, "generation": 4,
                                  "factors": list(factors)},
                         {k: v for k, v in who.items() if v is not None})

    def made(service=None, device=own, index=5, event=None, mac_key=None, mac_of=None,
             receipt_of=None, magic=b"DKE2"):
        data = service if isinstance(service, bytes) else (service or SERVICE).encode()
        head = magic + u16(len(data)) + data + device + u64(index)
        proof_ = receipt_of or receipt(event or event_of(), "enrolled")
        stated = native.mac(mac_key or KEYS.server, (mac_of or body[-48:]) + head)
        return head + stated + proof_.encode()

    def answer(name, comment, data, expect="receipt", url=URL, ca=CA):
        vector("enrol-answer", name, "4", expect, comment, [("request", body), ("answer", data)],
               code=CODE.hex(), url=url, fingerprint=ca.hex())

    answer("good", "as it should be", made(), "success")
    answer("mac", "one bit of the MAC", flipped(made(), 4 + 2 + len(SERVICE.encode()) + 40))
    answer("mac_key", "a MAC with the key of the client", made(mac_key=KEYS.client))
    answer("mac_of_another", "the answer to another enrolment", made(mac_of=draw("m", 48)))
    answer("mac_of_nobody", "a MAC with another code",
           made(mac_key=native.EnrolKeys(draw("x", 16)).server))
    for name, at in (("url", 20), ("custodian", 40), ("ca", 100), ("identity", 150),
                     ("ed25519", 240), ("p256", 300)):
        answer(f"bit_{name}", f"one bit that the MAC covers: {name}", flipped(made(), at))
    answer("url", "another base URL, with a right MAC", made(), url="https://keys.example.com:8443")
    answer("fingerprint", "another CA than the one given by hand", made(), ca=draw("another ca"))
    answer("device", "another device", made(device=draw("another")))
    answer("index", "another index", made(index=6))
    answer("class", "a record of another class", made(event=event_of(10)))
    answer("user", "a record of another user", made(event=event_of(user="bob")))
    answer("recorded_device", "a record of another device", made(event=event_of(device=draw("x"))))
    answer("no_device", "a record without the device", made(event=event_of(device=None)))
    answer("no_factor", "a record without the code", made(event=event_of(factors=())))
    answer("other_factor", "another factor", made(event=event_of(factors=((2, 1, 0),))))
    answer("two_factors", "two factors", made(event=event_of(factors=((3, 4, 8), (3, 4, 9)))))
    answer("another_log", "a receipt of another log",
           made(receipt_of=receipt(event_of(), "x", signer=STRANGER)))
    answer("receipt_bit", "one bit of the receipt", flipped(made(), -1))
    answer("receipt_missing", "no receipt", made()[:-len(receipt(event_of(), "enrolled").encode())])
    reply = "service-reply"
    answer("magic", "another magic", made(magic=b"DKE1"), reply)
    answer("empty", "nothing", b"", reply)
    answer("cut", "less than its MAC", made()[:400], reply)
    good = SERVICE.encode()
    url = URL.encode()

    def witnessed(data):
        return good[:-2] + u16(len(data)) + data

    for name, comment, data in (
            ("strict", "a service in mode strict", b"\2" + POLICY),
            ("prompt", "a service with witnesses in mode prompt", b"\1" + POLICY_NONE),
            ("witness_longest", "a policy of 8,192 bytes",
             b"\2" + POLICY + b"#" * (8191 - len(POLICY)) + b"\n")):
        answer(f"service_{name}", comment, made(witnessed(data)), "success")
    for name, comment, data in (
            ("url_zero", "a zero byte in the URL", u16(len(url) + 2) + url + b"\0x" + good[2 + len(url):]),
            ("url_slash", "a slash behind the URL", u16(len(url) + 1) + url + b"/" + good[2 + len(url):]),
            ("url_http", "no TLS", good.replace(b"https://", b"http:///", 1)),
            ("custodian_capital", "no custodian", good.replace(b"keys.ex", b"Keys.ex").replace(
                b"https://Keys", b"https://keys")),
            ("witness", "a witness policy", good[:-1] + b"\1x"),
            ("witness_mode_3", "a mode that is none", witnessed(b"\3" + POLICY)),
            ("witness_mode_0", "no mode", witnessed(b"\0" + POLICY)),
            ("witness_empty", "a mode without a policy", witnessed(b"\2")),
            ("witness_no_quorum", "strict without a quorum", witnessed(b"\2" + POLICY_NONE)),
            ("witness_no_policy", "a policy that is none", witnessed(b"\2" + POLICY[:-1])),
            ("witness_longest_plus_1", "a policy of 8,193 bytes",
             witnessed(b"\2" + POLICY + b"#" * (8192 - len(POLICY)) + b"\n")),
            ("witness_cut", "less than the policy", witnessed(b"\2" + POLICY)[:-1]),
            ("longer", "a byte behind the service data", good + b"\0"),
            ("shorter", "less than the service data", good[:-1])):
        answer(f"service_{name}", f"{comment}, with a right MAC", made(data), reply)


# ---- statements ----

def statements():
    keys = {1: key("version 1"), 2: key("version 2"), 3: key("version 3")}
    recovery_key = key("recovery")
    recovery = ("vault", 1, spki(recovery_key))

    def record(number, class_=5, **main):
        main = {"time": NOW, "decision": 1, "front": 2, "key": "finance", "key_id":
                key_id(keys[number]), "version": number, "generation": number, "stanza_type": 1,
                "factors": [(2, 1, 0)]} | main
        return log.Event(class_, {k: v for k, v in main.items() if v is not None})

    def version(number, event=None, state=1, index=None, kind=1, signer=SIGNER, **main):
        at = 2 + number
        proof_ = receipt(event or record(number, **main), f"version {number}", index=at,
                         signer=signer).encode()
        return native.Version(number, kind, state, NOW + number, at if index is None else index,
                              spki(keys.get(number) or key("more")), proof_)

    def made(*versions, name="finance", custodian=CUSTODIAN, recovery=None, signer=IDENTITY,
             edit=None):
        statement = native.Statement(name, custodian, NOW + 100, list(versions), recovery)
        signed = statement.encode()
        signed = edit(signed) if edit else signed
        signature = seeded.ecdsa_sign(signer, native.statement_message(signed), "statement",
                                      signed.hex())
        return signed + signature + b"".join(u32(len(v.receipt)) + v.receipt for v in versions)

    def statement(name, comment, data, expect="receipt", wanted="finance", **lines):
        vector("statement", name, "5", expect, comment,
               [("service", SERVICE.encode()), ("statement", data)], key=wanted, **lines)

    def right(name, comment, data, versions):
        statement(name, comment, data, "success", versions=versions)

    right("good", "one version", made(version(1)), "1:1")
    right("three", "three versions in all states",
          made(version(1, state=3), version(2, state=2), version(3)), "1:3 2:2 3:1")
    right("recovery", "a recovery key, named with the last version",
          made(version(1), version(2, recovery=key_id(recovery_key)), recovery=recovery), "1:1 2:1")
    right("recovery_replaced", "the last record that names one counts",
          made(version(1, recovery=draw("old")), version(2, recovery=key_id(recovery_key)),
               version(3), recovery=recovery), "1:1 2:1 3:1")
    whole = made(version(1))
    signed = len(whole) - 64 - 4 - len(version(1).receipt)
    for name, at in (("name", 6), ("custodian", 14), ("time", 65), ("state", 80), ("created", 85),
                     ("key", 150), ("signature", signed), ("signature_end", signed + 63)):
        statement(f"bit_{name}", f"one bit: {name}", flipped(whole, at))
    statement("identity", "signed by another key", made(version(1), signer=key("another")))
    statement("log_key", "signed by the log's key", made(version(1), signer=SIGNER.p256))
    statement("name", "another key's statement", whole, wanted="legal")
    statement("custodian", "another custodian", made(version(1), custodian="another"))
    statement("record_class", "a record of another class", made(version(1, event=record(1, 7))))
    for name, main in (("key", {"key": "legal"}), ("no_key", {"key": None}),
                       ("key_id", {"key_id": draw("x")}), ("no_key_id", {"key_id": None}),
                       ("version", {"version": 2}), ("type", {"stanza_type": 2}),
                       ("no_type", {"stanza_type": None})):
        statement(f"record_{name}", f"a record that says something else: {name.replace('_', ' ')}",
                  made(version(1, **main)))
    statement("type", "another type than that of the record", made(version(1, kind=2)))
    statement("index", "another index than that of the receipt", made(version(1, index=9)))
    statement("second_version", "the second record is wrong",
              made(version(1), version(2, key="legal")))
    statement("another_log", "a receipt of another log", made(version(1, signer=STRANGER)))
    statement("receipt_swapped", "the receipts of two versions swapped",
              made(native.Version(1, 1, 1, NOW, 3, spki(keys[1]), version(2).receipt),
                   native.Version(2, 1, 1, NOW, 4, spki(keys[2]), version(1).receipt)))
    statement("recovery_slipped_in", "a recovery key that no record names",
              made(version(1), recovery=recovery))
    statement("recovery_left_out", "a record names one, the statement does not",
              made(version(1, recovery=key_id(recovery_key))))
    statement("recovery_other", "another one than that of the record",
              made(version(1, recovery=draw("x")), recovery=recovery))
    reply = "service-reply"
    for name, comment, data in (
            ("magic", "another magic", b"DKK2" + whole[4:]), ("empty", "nothing", b""),
            ("cut", "without the last byte", whole[:-1]), ("trailing", "a byte behind it", whole + b"\0"),
            ("no_versions", "no version", made()),
            ("versions_65", "65 versions", made(version(1), edit=lambda s: s[:68] + u16(65) + s[70:])),
            ("state_0", "a state that there is not", made(version(1, state=0))),
            ("state_4", "a state that there is not", made(version(1, state=4))),
            ("version_twice", "a version twice", made(version(1), version(1))),
            ("version_order", "versions that descend", made(version(2), version(1))),
            ("version_zero", "version 0", made(native.Version(0, 1, 1, NOW, 3, spki(keys[1]), b""))),
            ("recovery_two", "two recovery keys", made(version(1), edit=lambda s: s[:-1] + b"\2")),
            ("name_zero", "a zero byte in the name", made(version(1), name="finance\0x")),
            ("name_empty", "no name", made(version(1), name="")),
            ("custodian_capital", "no custodian", made(version(1), custodian="Keys"))):
        statement(name, comment, data, reply)


# ---- requests ----

def requests():
    def base(name, comment, request, expect="success", token=None, signature=None, **lines):
        given = native.Input(request.given.created, request.given.nonce, request.given.key_id, token)
        text = native.signature_base(given, URL, request.body)
        signed = signature or seeded.ecdsa_sign(DEVICE, text, name, "signature")
        more = {"token_digest": token.hex()} if token is not None else {}
        vector("base", name, "3", expect, comment,
               [("request", request.body), ("base", text), ("device", spki(DEVICE)),
                ("signature", signed)],
               url=URL, input="dk=" + given.params(), request_digest=native.request_digest(text).hex(),
               **more, **lines)

    one, three = Request(ONE), Request(ONE, TWO, THREE, seed="three")
    base("one", "one object", one)
    base("three", "three objects", three)
    base("token", "with a token", one, token=hashlib.sha256(b"a.b.c").digest())
    base("other_signature", "a signature of another request", one, "service-signature",
         signature=three.signature)
    for name, data in (("r_zero", bytes(32) + one.signature[32:]),
                       ("s_zero", one.signature[:32] + bytes(32)),
                       ("s_order", one.signature[:32] + ORDER.to_bytes(32, "big")),
                       ("bit", flipped(one.signature, 40))):
        base(f"signature_{name}", f"a signature that is none: {name}", one, "service-signature",
             signature=data)

    def approval(name, comment, data, expect="service-approval", **how):
        vector("approvals", name, "6.1", expect, comment,
               [("approvals", data), ("device", spki(DEVICE))],
               request_digest=one.digest.hex(), user=how.get("user", "alice"))

    def sign(time=NOW, who=DEVICE, reason="audit", user="alice", digest=None):
        message = native.approval_message(digest or one.digest, time, user, reason)
        return native.Approval(time, key_id(who), seeded.ecdsa_sign(who, message, "approval", reason))

    good = native.encode_approvals("audit", [sign()])
    two = sorted([sign(), sign(who=key("another"))], key=lambda a: a.key_id)
    approval("good", "one, by the device here", good, "success")
    approval("reason_255", "the longest reason",
             native.encode_approvals("r" * 255, [sign(reason="r" * 255)]), "success")
    approval("user", "approved for another user", good, user="bob")
    approval("digest", "of another request", native.encode_approvals("audit", [sign(digest=draw("x"))]))
    approval("reason", "with another reason", native.encode_approvals("other", [sign()]))
    approval("order", "key ids that descend", native.encode_approvals("audit", two[::-1]))
    approval("twice", "one device twice", native.encode_approvals("audit", [sign(), sign()]))
    approval("none", "nobody", native.encode_approvals("audit", []))
    approval("nine", "nine", native.encode_approvals("audit", sorted(
        (sign(who=key(f"approver {i}")) for i in range(9)), key=lambda a: a.key_id)))
    approval("no_reason", "no reason", native.encode_approvals("", [sign(reason="")]))
    approval("reason_control", "a line end in the reason",
             native.encode_approvals("a\nb", [sign(reason="a\nb")]))
    approval("magic", "another magic", b"DKA2" + good[4:])
    approval("cut", "without the last byte", good[:-1])
    approval("trailing", "a byte behind it", good + b"\0")
    approval("bit_time", "one bit of the time", flipped(good, 18))
    approval("bit_signature", "one bit of the signature", flipped(good, -1))

    def file(name, comment, data, expect="service-request", **lines):
        vector("request-file", name, "6.1", expect, comment, [("file", data)], **lines)

    def made(request=one, url=URL, user="alice", reason="audit", created=None, signature=None):
        given = request.given if created is None else native.Input(
            created, request.given.nonce, request.given.key_id)
        text = native.signature_base(given, url, request.body)
        signed = signature or seeded.ecdsa_sign(DEVICE, text, "file", text.hex())
        return native.RequestFile(url, given, spki(DEVICE), signed, user, reason, request.body).encode()

    right = {"request_digest": one.digest.hex(), "user": "alice"}
    file("good", "as it should be", made(), "success", **right)
    whole = made()
    for name, at in (("magic", 0), ("url", 10), ("created", 36), ("nonce", 45), ("device", 120),
                     ("signature", 200), ("body", -1)):
        file(f"bit_{name}", f"one bit: {name}", flipped(whole, at))
    file("cut", "without the last byte", whole[:-1])
    file("trailing", "a byte behind it", whole + b"\0")
    file("empty", "nothing", b"")
    file("user", "no name of a user", made(user="Alice"))
    file("no_reason", "no reason", made(reason=""))
    file("reason_control", "a line end in the reason", made(reason="a\nb"))
    file("url_http", "no URL of a service", made(url="http://keys.example.org:8443"))
    file("created_large", "a time of 2^40", made(created=2**40))

    def approved(name, comment, data, expect="service-request", **lines):
        vector("approval-file", name, "6.1", expect, comment, [("file", data)], **lines)

    whole = native.ApprovalFile(URL, one.digest, sign()).encode()
    approved("good", "as it should be", whole, "success", request_digest=one.digest.hex(), url=URL)
    approved("magic", "another magic", b"DKA1" + whole[4:])
    approved("cut", "without the last byte", whole[:-1])
    approved("trailing", "a byte behind it", whole + b"\0")
    approved("url", "no URL of a service", native.ApprovalFile("keys", one.digest, sign()).encode())
    approved("empty", "nothing", b"")


for function in (receipts, records, checkpoints, releases, codes, enrolments, enrol_answers,
                 statements, requests):
    function()
