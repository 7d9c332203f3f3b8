# SPDX-License-Identifier: Apache-2.0
"""Wrong metadata: digest, key, entries."""

from reader.fields import u16

from case import vector
from forge import flipped
from v_core import authored, flipping, tampered

ENTRIES = {1: "report.pdf", 2: "application/pdf"}
GOOD = {"metadata": ENTRIES}

for position, which in ((0, "first"), (-1, "last")):
    tampered("9.2", "not-authentic metadata-digest", "metadata", f"metadata_{which}_byte",
             f"the {which} byte of the block was changed", flipping("metadata", position), GOOD)
tampered("9.2", "not-authentic metadata-digest", "metadata", "metadata_digest_changed",
         "the digest in the core header was changed", flipping("metadata digest"), GOOD)
tampered("9.2", "not-authentic metadata-digest", "metadata", "metadata_digest_of_empty_changed",
         "the digest of an empty block was changed", flipping("metadata digest", 47))


@vector("9.2", "not-authentic metadata-digest", "metadata")
def metadata_removed(make):
    "the metadata block was removed, and its length set to 0"
    object_ = make(**GOOD)
    object_.bytes["metadata"] = b""
    object_["metadata length"] = bytes(4)
    object_.pad_again()
    return object_


@vector("9.2", "not-authentic metadata-digest", "metadata")
def metadata_added(make):
    "a metadata block was put into an object that has none"
    object_, other = make(), make(seed="another object", **GOOD)
    object_["metadata"], object_["metadata length"] = other["metadata"], other["metadata length"]
    object_.pad_again()
    return object_


authored("8", "not-authentic metadata-auth", "metadata", "metadata_tag_wrong",
         "the author wrote a wrong tag; the digest is that of the block", **GOOD,
         edit={"metadata": lambda block: flipped(block, -1)})
authored("8", "not-authentic metadata-auth", "metadata", "metadata_ciphertext_wrong",
         "the author changed the ciphertext; the digest is that of the block", **GOOD,
         edit={"metadata": flipped})


@vector("8", "not-authentic metadata-auth", "metadata")
def metadata_of_another_object(make):
    "the author used the block of another object; the digest is that of the block"
    other = make(seed="another object", **GOOD)
    return make(**GOOD, edit={"metadata": other["metadata"]})


def entry(kind, value):
    return u16(kind) + u16(len(value)) + value


NAME, MEDIA = entry(1, b"a.txt"), entry(2, b"text/plain")


def entries(name, comment, encoded):
    authored("8", "malformed metadata", "metadata", f"metadata_{name}",
             f"{comment}; the block decrypts", metadata=encoded)


entries("type_0", "an entry of type 0", entry(0, b"x"))
entries("type_3", "an entry of a type that is not known", entry(3, b"x"))
entries("type_65535", "an entry of the largest type", NAME + entry(0xffff, b"x"))
entries("order", "media type before file name", MEDIA + NAME)
entries("duplicate", "two file names", NAME + NAME)
entries("value_empty", "an empty file name", entry(1, b"") + MEDIA)
entries("media_type_empty", "an empty media type at the end", NAME + entry(2, b""))
entries("length_plus_1", "the length of the last entry is one too large",
        u16(1) + u16(6) + b"a.txt")
entries("length_minus_1", "the length of the last entry is one too small",
        u16(1) + u16(4) + b"a.txt")
entries("length_65535", "the length of the entry is the largest number",
        u16(1) + u16(65535) + b"a.txt")
for extra in (1, 2, 3):
    entries(f"rest_{extra}", f"zero bytes behind the last entry, {extra} of them",
            NAME + bytes(extra))
entries("rest_4", "four zero bytes behind the last entry", NAME + bytes(4))
entries("file_name_slash", "a file name with /", entry(1, b"../../etc/passwd"))
entries("file_name_absolute", "an absolute file name", entry(1, b"/etc/passwd"))
entries("file_name_dot", "the file name .", entry(1, b"."))
entries("file_name_dot_dot", "the file name ..", entry(1, b".."))
entries("file_name_256", "a file name of 256 bytes", entry(1, b"n" * 256))
entries("file_name_control", "a file name with a line feed", entry(1, b"a\nb"))
entries("file_name_zero", "a file name with a zero byte", entry(1, b"a.txt\0.exe"))
entries("file_name_latin_1", "a file name in Latin-1", entry(1, b"M\xfcnchen"))
entries("media_type_128", "a media type of 128 bytes", entry(2, b"m" * 128))
entries("media_type_control", "a media type with U+0080", entry(2, b"text/\xc2\x80"))
entries("block_4096", "the longest block, filled with zero bytes", bytes(4080))
