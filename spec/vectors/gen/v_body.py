# SPDX-License-Identifier: Apache-2.0
"""Wrong bodies: FLOE header, marks, segments, order, and the end."""

from reader.fields import u32

from case import vector
from v_core import flipping, setting, adding

THREE = 2 * 4064 + 100  # bytes: two full segments and a short one


def body(name, expect, where, comment, change, released=0, plaintext=THREE):
    """One vector: a good object of three segments, then one change to its bytes."""
    @vector("9.8", expect, where, released, name=f"body_{name}", comment=comment)
    def build(make):
        object_ = make(plaintext=plaintext)
        change(object_)
        return object_


def floe_header(error, name, comment, change):
    body(name, error, "body header", comment, change, plaintext=100)


PARAMETERS = "0000" + "00001000" + "00000020"
for name, value, what in (
        ("aead", "0100" + PARAMETERS[4:], "another AEAD"),
        ("kdf", "0001" + PARAMETERS[4:], "another KDF"),
        ("segment_length_64", "0000" + "00000040" + "00000020", "a segment length of 64"),
        ("segment_length_65536", "0000" + "00010000" + "00000020",
         "a segment length that is allowed, but not that of the core header"),
        ("iv_length_16", "0000" + "00001000" + "00000010", "a FLOE IV of 16 bytes"),
        ("iv_length_33", "0000" + "00001000" + "00000021", "a FLOE IV of 33 bytes"),
        ("zero", "00" * 10, "zero bytes")):
    floe_header("malformed body-header", f"parameters_{name}", f"FLOE parameters: {what}",
                setting("body parameters", bytes.fromhex(value)))
floe_header("not-authentic body-tag", "iv_first_byte", "the FLOE IV was changed",
            flipping("body iv"))
floe_header("not-authentic body-tag", "iv_last_byte", "the FLOE IV was changed",
            flipping("body iv", 31))
floe_header("not-authentic body-tag", "tag_first_byte", "the FLOE header tag was changed",
            flipping("body tag"))
floe_header("not-authentic body-tag", "tag_last_byte", "the FLOE header tag was changed",
            flipping("body tag", 31))


@vector("9.8", "not-authentic body-tag", "body header")
def body_of_another_object(make):
    "header block of one object, body of another one for the same keys"
    object_, other = make(), make(seed="another object")
    object_.take_from(other, "body")
    object_.take_from(other, "segment 0")
    return object_


for position, where in ((0, "first"), (1, "middle"), (2, "last")):
    for part, byte in (("iv", 0), ("ciphertext", 0), ("ciphertext", -1), ("tag", 0), ("tag", -1)):
        end = "last" if byte else "first"
        body(f"{where}_segment_{part}_{end}_byte", "not-authentic segment-auth",
             f"segment {position}", f"{where} segment: the {end} byte of its {part} was changed",
             flipping(f"segment {position} {part}", byte), position)

for value, what in ((0, "zero"), (31, "31"), (4097, "4097"), (0xfffffffe, "largest_minus_1")):
    for position, where in ((0, "first"), (2, "last")):
        body(f"mark_{where}_{what}", "malformed segment-mark", f"segment {position}",
             f"a mark of {value} on the {where} segment",
             setting(f"segment {position} mark", u32(value)), position)
body("mark_last_plus_1", "malformed truncated", "segment 2",
     "the mark of the last segment is one too large", adding("segment 2 mark", 1), 2)
body("mark_last_minus_1", "not-authentic segment-auth", "segment 2",
     "the mark of the last segment is one too small", adding("segment 2 mark", -1), 2)
body("mark_last_shortest", "not-authentic segment-auth", "segment 2",
     "the mark of the last segment is 32", setting("segment 2 mark", u32(32)), 2)
body("mark_last_not_last", "malformed truncated", "segment 2",
     "the last segment is short and marked as not the last",
     setting("segment 2 mark", b"\xff" * 4), 2)
body("mark_last_full_not_last", "not-authentic segment-auth", "segment 1",
     "the last segment is full and marked as not the last",
     setting("segment 1 mark", b"\xff" * 4), 1, plaintext=2 * 4064)
body("mark_first_last", "not-authentic segment-auth", "segment 0",
     "the first segment is marked as the last one", setting("segment 0 mark", u32(4096)))
body("mark_middle_last", "not-authentic segment-auth", "segment 1",
     "the object was ended early: a full segment is marked as the last one",
     setting("segment 1 mark", u32(4096)), 1)


@vector("9.8", "not-authentic segment-auth", "segment 1", 1)
def body_ended_early(make):
    "the last segment was cut off and the one before it marked as the last"
    object_ = make(plaintext=THREE)
    object_.drop("segment 2")
    object_["segment 1 mark"] = u32(4096)
    return object_


body("segments_exchanged", "not-authentic segment-auth", "segment 0",
     "the first two segments were exchanged", lambda object_: object_.swap("segment 0", "segment 1"))
body("segment_first_dropped", "not-authentic segment-auth", "segment 0",
     "the first segment was dropped", lambda object_: object_.drop("segment 0"))
body("segment_middle_dropped", "not-authentic segment-auth", "segment 1",
     "the middle segment was dropped", lambda object_: object_.drop("segment 1"), 1)
body("segment_last_dropped", "malformed final-missing", "segment 2",
     "the last segment was dropped", lambda object_: object_.drop("segment 2"), 2)
body("segment_only_dropped", "malformed final-missing", "segment 0",
     "the only segment was dropped", lambda object_: object_.drop("segment 0"), plaintext=5)
body("segment_first_repeated", "not-authentic segment-auth", "segment 1",
     "the first segment stands twice", lambda object_: object_.repeat("segment 0"), 1)
body("segment_middle_repeated", "not-authentic segment-auth", "segment 2",
     "the middle segment stands twice", lambda object_: object_.repeat("segment 1"), 2)
body("segment_last_repeated", "malformed trailing", "end",
     "the last segment stands twice", lambda object_: object_.repeat("segment 2"), 3)


@vector("9.8", "not-authentic segment-auth", "segment 1", 1)
def body_segment_of_another_object(make):
    "the middle segment is that of another object for the same keys"
    object_ = make(plaintext=THREE)
    object_.take_from(make(seed="another object", plaintext=THREE), "segment 1")
    return object_


@vector("9.8", "not-authentic segment-auth", "segment 1", 1)
def body_segment_of_another_body(make):
    "the middle segment is that of a body with the same body key and another FLOE IV"
    object_ = make(plaintext=THREE)
    other = make(plaintext=THREE, body_iv=b"\1" * 32)
    object_.take_from(other, "segment 1")
    return object_


@vector("9.8", "malformed final-empty", "segment 1", 1)
def body_final_empty(make):
    "an empty last segment behind a full one, by an author with the keys"
    return make(plaintext=[b"x" * 4064, b""])


@vector("9.8", "malformed final-empty", "segment 2", 2)
def body_final_empty_third(make):
    "an empty last segment behind two full ones, by an author with the keys"
    return make(plaintext=[b"x" * 4064, b"y" * 4064, b""])


def trailing(name, comment, data, plaintext=100):
    @vector("9.8", "malformed trailing", "end", slice(None), name=f"body_trailing_{name}",
            comment=comment)
    def build(make):
        object_ = make(plaintext=plaintext)
        object_.append("trailing", data(make))
        return object_


trailing("byte", "one zero byte behind the last segment", lambda make: b"\0")
trailing("block", "4,096 zero bytes behind the last segment", lambda make: bytes(4096))
trailing("behind_full_segment", "one byte behind a full last segment", lambda make: b"x", 4064)
trailing("behind_empty_object", "one byte behind an object of no bytes", lambda make: b"\n", 0)
trailing("object", "another object behind this one", lambda make: make(seed="another").join())
