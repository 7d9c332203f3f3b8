# SPDX-License-Identifier: Apache-2.0
"""Reading a range: right ones, cut ones, wrong ones, and damage around them."""

from reader.fields import u32

from case import vector
from v_body import THREE
from v_core import flipping, setting

ROOM = 4064


def reads(name, comment, offset, length, change=None, plaintext=THREE):
    """The range is handed out, cut at the end of the plaintext."""
    @vector("9.range", "success", None, slice(offset, offset + length), name=f"range_{name}",
            comment=comment, range=f"{offset} {length}")
    def build(make):
        object_ = make(plaintext=plaintext)
        if change:
            change(object_)
        return object_


def fails(name, comment, offset, length, expect, where, change=None, released=0, plaintext=THREE):
    @vector("9.range", expect, where, slice(offset, offset + released), name=f"range_{name}",
            comment=comment, range=f"{offset} {length}")
    def build(make):
        object_ = make(plaintext=plaintext)
        if change:
            change(object_)
        return object_


reads("all", "the whole object", 0, THREE)
reads("first_byte", "the first byte", 0, 1)
reads("last_byte", "the last byte", THREE - 1, 1)
reads("middle", "bytes within the middle segment", ROOM + 1000, 500)
reads("segment", "exactly the middle segment", ROOM, ROOM)
reads("last_byte_of_segment", "the last byte of the first segment", ROOM - 1, 1)
reads("first_byte_of_segment", "the first byte of the second segment", ROOM, 1)
reads("two_segments", "two bytes, on both sides of a border of segments", ROOM - 1, 2)
reads("all_segments", "from the first segment to the last one", 10, 2 * ROOM)
reads("cut", "the range reaches behind the end and is cut", THREE - 10, 1000)
reads("cut_largest_length", "a length of 2^64 - 1 does not wrap round", 1, 2**64 - 1)
reads("at_end", "a range at the very end is cut to nothing", THREE, 10)
reads("empty", "an empty range within the object", 5000, 0)
reads("empty_object", "a range at the start of an object of no bytes", 0, 10, plaintext=0)
reads("one_segment", "a range in an object of one segment", 10, 20, plaintext=100)
reads("full_last_segment", "the last byte of a full last segment", 2 * ROOM - 1, 1,
      plaintext=2 * ROOM)

fails("behind_end", "a range one byte behind the end", THREE + 1, 1, "refused range", "end")
fails("behind_end_empty", "an empty range behind the end", THREE + 1, 0, "refused range", "end")
fails("behind_end_far", "a range in a segment that does not exist", 2**40, 1,
      "refused range", "end")
fails("behind_end_largest", "offset and length are 2^64 - 1", 2**64 - 1, 2**64 - 1,
      "refused range", "end")
fails("behind_empty_object", "a range behind the end of an object of no bytes", 1, 1,
      "refused range", "end", plaintext=0)

reads("damage_before", "a segment before the range is damaged, and is not looked at",
      ROOM, 10, flipping("segment 0 tag"))
reads("damage_behind", "a segment behind the range is damaged, and is not looked at",
      0, 10, flipping("segment 1 ciphertext"))
reads("mark_outside", "a segment outside the range has a wrong mark, and is not looked at",
      ROOM, 10, setting("segment 0 mark", bytes(4)))
reads("exchanged_outside", "two segments outside the range were exchanged",
      2 * ROOM, 10, lambda object_: object_.swap("segment 0", "segment 1"))
fails("damage_inside", "the segment of the range is damaged", ROOM + 5, 10,
      "not-authentic segment-auth", "segment 1", flipping("segment 1 ciphertext"))
fails("damage_second", "the second segment of the range is damaged; the first is handed out",
      ROOM - 10, 20, "not-authentic segment-auth", "segment 1", flipping("segment 1 tag"), 10)
fails("damage_last", "the last segment is damaged; it is read first, since it proves the length",
      0, 10, "not-authentic segment-auth", "segment 2", flipping("segment 2 tag"))
fails("damage_last_empty_range", "an empty range still proves the length", 0, 0,
      "not-authentic segment-auth", "segment 2", flipping("segment 2 ciphertext"))
fails("mark_inside_last", "the segment of the range is marked as the last one", 0, 10,
      "malformed segment-mark", "segment 0", setting("segment 0 mark", u32(4096)))
fails("mark_inside_wrong", "the segment of the range has a wrong mark", ROOM, 10,
      "malformed segment-mark", "segment 1", setting("segment 1 mark", u32(5)))
fails("exchanged_inside", "two segments were exchanged", 0, 10,
      "not-authentic segment-auth", "segment 0",
      lambda object_: object_.swap("segment 0", "segment 1"))
fails("body_tag", "the FLOE header tag was changed", 0, 10,
      "not-authentic body-tag", "body header", flipping("body tag"))
fails("metadata_digest", "the metadata digest was changed; a range does all steps before the body",
      0, 10, "not-authentic metadata-digest", "metadata", flipping("metadata digest"))

# A wrong end. The range is in the first segment, which is untouched.


def wrong_end(name, comment, expect, where, change, plaintext=THREE):
    fails(name, comment, 0, 10, expect, where, change, plaintext=plaintext)


def cut_last(size):
    return lambda object_: object_.__setitem__("segment 2 tag", object_["segment 2 tag"][:-size])


def append(data):
    return lambda object_: object_.append("trailing", data)


wrong_end("end_cut", "the last byte is missing", "malformed truncated", "segment 2", cut_last(1))
wrong_end("end_no_mark", "the last segment ends within its mark", "malformed truncated",
          "segment 2", lambda object_: object_.cut_before("segment 2 mark", 3))
wrong_end("end_not_last", "the last segment is marked as not the last", "malformed truncated",
          "segment 2", setting("segment 2 mark", b"\xff" * 4))
wrong_end("end_missing", "the last segment is missing", "malformed final-missing", "segment 2",
          lambda object_: object_.drop("segment 2"))
wrong_end("end_all_missing", "there is no segment", "malformed final-missing", "segment 0",
          lambda object_: object_.cut_before("segment 0 mark"))
wrong_end("end_middle_missing", "the middle segment is missing, so that the length is wrong",
          "not-authentic segment-auth", "segment 1", lambda object_: object_.drop("segment 1"))
wrong_end("end_mark_31", "the mark of the last segment is 31", "malformed segment-mark",
          "segment 2", setting("segment 2 mark", u32(31)))
wrong_end("end_trailing", "one byte behind the last segment", "malformed trailing", "end",
          append(b"x"))
wrong_end("end_trailing_after_auth", "a byte behind a last segment that is damaged as well",
          "not-authentic segment-auth", "segment 2",
          lambda object_: (object_.append("trailing", b"x"), object_.flip("segment 2 tag")))
wrong_end("end_trailing_behind_full", "one byte behind a full last segment",
          "malformed truncated", "segment 2", append(b"x"), plaintext=2 * ROOM)
wrong_end("end_trailing_block", "4,096 zero bytes behind the last segment", "malformed segment-mark",
          "segment 3", append(bytes(4096)))
wrong_end("end_body_header_cut", "the object ends within the FLOE header",
          "malformed truncated", "body header",
          lambda object_: object_.cut_before("body tag", 31))
wrong_end("end_block_cut", "the object ends within the padding", "malformed truncated", "padding",
          lambda object_: object_.cut_before("padding", 5))
wrong_end("end_final_empty", "an empty last segment behind a full one, by an author with the keys",
          "malformed final-empty", "segment 1", None, plaintext=[b"x" * ROOM, b""])
