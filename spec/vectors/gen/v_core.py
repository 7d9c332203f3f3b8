# SPDX-License-Identifier: Apache-2.0
"""Wrong core headers, and wrong fields between core header and metadata block."""

from reader.fields import u32

from case import vector
from forge import flipped


def tampered(spec, expect, where, name, comment, change, plan=None, **fields):
    """One vector: a good object, then one change to its bytes."""
    @vector(spec, expect, where, name=name, comment=comment, **fields)
    def build(make):
        object_ = make(**(plan or {}))
        change(object_)
        return object_


def authored(spec, expect, where, name, comment, **plan):
    """One vector: an object whose author did this, with all MACs valid."""
    @vector(spec, expect, where, name=name, comment=comment)
    def build(make):
        return make(**plan)


def core(error, name, comment, change, plan=None):
    tampered("3.1", error, "core header", f"core_{name}", comment, change, plan)


def setting(part, data):
    return lambda object_: object_.__setitem__(part, data)


def adding(part, difference):
    return lambda object_: object_.add(part, difference)


def flipping(part, position=0):
    return lambda object_: object_.flip(part, position)


TEXT = {"tenant": b"acme", "label": b"secret"}

core("malformed magic", "magic_first_byte", "the first byte has lost its high bit",
     setting("magic", bytes.fromhex("09444b45590d0a1a")))
core("malformed magic", "magic_line_end", "CR LF became LF LF in a transfer",
     setting("magic", bytes.fromhex("89444b45590a0a1a")))
core("malformed magic", "magic_last_byte", "the last byte of the magic differs",
     flipping("magic", 7))
core("unsupported version", "version_0", "version 0", adding("version", -1))
core("unsupported version", "version_2", "a version that is not known", adding("version", 1))
core("unsupported suite", "suite_0", "suite 0", adding("suite", -1))
core("unsupported suite", "suite_2", "a suite that is not known", adding("suite", 1))

core("malformed core-length", "length_plus_1", "the core length is one too large",
     adding("core length", 1))
core("malformed core-length", "length_minus_1", "the core length is one too small",
     adding("core length", -1), TEXT)
core("malformed core-length", "length_190", "the core length is below the smallest",
     setting("core length", u32(190)))
core("malformed core-length", "length_734", "the core length is above the largest",
     setting("core length", u32(734)))
core("malformed core-length", "length_largest_number", "a core length of 2^32 - 1",
     setting("core length", u32(2**32 - 1)))
core("malformed text", "created_too_large", "created is 2^40",
     setting("created", bytes.fromhex("0000010000000000")))
core("malformed text", "created_largest_number", "created is 2^64 - 1",
     setting("created", b"\xff" * 8))
for length in (0, 4095, 4097, 8192, 2**32 - 1):
    core("malformed segment-length", f"segment_length_{length}",
         f"a segment length of {length}", setting("segment length", u32(length)))

core("malformed text", "tenant_length_plus_1",
     "the tenant length is one too large, so that the tenant takes the label length",
     adding("tenant length", 1), TEXT)
core("malformed core-length", "tenant_length_minus_1",
     "the tenant length is one too small, so that a letter becomes the label length",
     adding("tenant length", -1), TEXT)
core("malformed core-length", "tenant_length_255",
     "the tenant reaches behind the core header", adding("tenant length", 255))
core("malformed text", "label_length_plus_1",
     "the label length is one too large, so that the label takes the creator flag",
     adding("label length", 1), TEXT)
core("malformed creator-flag", "label_length_minus_1",
     "the label length is one too small, so that a letter becomes the creator flag",
     adding("label length", -1), TEXT)
core("malformed core-length", "label_length_255",
     "the label reaches behind the core header", adding("label length", 255))
core("malformed creator-flag", "creator_flag_2", "creator flag 2",
     adding("creator flag", 2))
core("malformed core-length", "creator_flag_without_key_id",
     "the creator flag is 1 and the core length leaves no room for the key id",
     adding("creator flag", 1))
core("malformed core-length", "creator_key_id_without_flag",
     "the creator flag is 0 and the core length has room for a key id",
     adding("creator flag", -1), {"creator": "creator-p256"})

WRONG_TEXT = (
    ("continuation_alone", b"a\x80b", "a continuation byte without a start"),
    ("start_alone", b"a\xc3", "a start byte at the end"),
    ("overlong", b"a\xc0\xafb", "an overlong form of /"),
    ("surrogate", b"a\xed\xa0\x80b", "a surrogate"),
    ("beyond_unicode", b"a\xf4\x90\x80\x80b", "a code point above U+10FFFF"),
    ("latin_1", b"M\xfcnchen", "Latin-1 instead of UTF-8"),
    ("u0000", b"a\0b", "U+0000"),
    ("u000a", b"a\nb", "a line feed"),
    ("u001b", b"\x1b[2J", "an escape sequence for a terminal"),
    ("u001f", b"a\x1fb", "U+001F"),
    ("u007f", b"a\x7fb", "U+007F"),
    ("u0080", b"a\xc2\x80b", "U+0080"),
    ("u009f", b"a\xc2\x9fb", "U+009F"),
)
for short, text, what in WRONG_TEXT:
    authored("3.1", "malformed text", "core header", f"core_label_{short}",
             f"{what} in the label; all MACs are valid", label=text)
authored("3.1", "malformed text", "core header", "core_tenant_latin_1",
         "Latin-1 in the tenant; all MACs are valid", tenant=b"M\xfcnchen")
authored("3.1", "malformed text", "core header", "core_tenant_u0085",
         "U+0085 in the tenant; all MACs are valid", tenant=b"a\xc2\x85b")

# A change that the parser cannot see changes the core digest, so that the first
# stanza does not open.
UNSEEN = {
    "object_id": flipping("object id", 15),
    "salt": flipping("salt"),
    "created": adding("created", 1),
    "segment_length": setting("segment length", u32(65536)),
    "customer_commitment": flipping("customer commitment"),
    "provider_commitment": flipping("provider commitment", 31),
    "tenant": flipping("tenant"),
    "label": setting("label", b"public"),
    "creator_key_id": flipping("creator key id"),
}
for field, change in UNSEEN.items():
    tampered("5.1", "not-authentic stanza-auth", "customer stanza 0", f"core_{field}_changed",
             f"{field.replace('_', ' ')} was changed to another valid value", change,
             TEXT | {"creator": "creator-p256"})


@vector("5.1", "not-authentic stanza-auth", "customer stanza 0")
def core_tenant_moved_to_label(make):
    "the border between tenant and label was moved; their bytes are the same"
    object_ = make(tenant=b"ab", label=b"c")
    object_["tenant"], object_["label"] = b"a", b"bc"
    object_.add("tenant length", -1)
    object_.add("label length", 1)
    return object_


@vector("5.1", "not-authentic stanza-auth", "customer stanza 0")
def core_header_of_another_object(make):
    "the core header of another object for the same keys"
    object_, other = make(), make(seed="another object")
    for part in ("object id", "salt", "customer commitment", "provider commitment"):
        object_[part] = other[part]
    return object_


for side in ("customer", "provider"):
    authored("5.2", "not-authentic share-commitment", f"{side} stanza 0",
             f"core_{side}_commitment_wrong",
             "the author wrote a wrong share commitment; all MACs are valid",
             edit={f"{side} commitment": flipped})

for position, which in ((0, "first"), (31, "last")):
    tampered("5.1", "not-authentic key-commitment", "header", f"key_commitment_{which}_byte",
             f"the {which} byte of the key commitment was changed",
             flipping("key commitment", position))
authored("5.1", "not-authentic key-commitment", "header", "key_commitment_wrong",
         "the author wrote a wrong key commitment; the header MAC covers it",
         edit={"key commitment": flipped})
for position, which in ((0, "first"), (47, "last")):
    tampered("5.1", "not-authentic header-mac", "header", f"header_mac_{which}_byte",
             f"the {which} byte of the header MAC was changed", flipping("header mac", position))


@vector("5.1", "not-authentic key-commitment", "header")
def key_commitment_of_another_object(make):
    "key commitment and header MAC of another object"
    object_, other = make(), make(seed="another object")
    object_["key commitment"] = other["key commitment"]
    object_["header mac"] = other["header mac"]
    return object_


def length(error, name, comment, part, value, plan=None, where="lengths"):
    tampered("3.2", error, where, f"length_{name}", comment, setting(part, u32(value)), plan)


length("malformed metadata-length", "metadata_1", "a metadata length of 1",
       "metadata length", 1)
length("malformed metadata-length", "metadata_20", "one below the shortest metadata block",
       "metadata length", 20, {"metadata": {1: "x"}})
length("malformed metadata-length", "metadata_4097", "one above the longest metadata block",
       "metadata length", 4097)
length("malformed metadata-length", "metadata_largest_number", "metadata length 2^32 - 1",
       "metadata length", 2**32 - 1)
length("malformed side", "metadata_21", "a metadata length of 21 where there is no metadata",
       "metadata length", 21, where="customer set")
for difference, what in ((1, "plus_1"), (-1, "minus_1")):
    tampered("3.2", "malformed side", "customer set", f"length_metadata_{what}",
             f"the metadata length is off by {difference}",
             adding("metadata length", difference), {"metadata": {1: "report.pdf"}})
    for side in ("customer", "provider"):
        tampered("6", "malformed set-length", f"{side} set", f"length_{side}_set_{what}",
                 f"the length of the {side} set is off by {difference}",
                 adding(f"{side} set length", difference))
for side in ("customer", "provider"):
    length("malformed set-length", f"{side}_set_0", "a set length of 0",
           f"{side} set length", 0)
    length("malformed set-length", f"{side}_set_55", "one below the shortest set",
           f"{side} set length", 55)
    length("malformed set-length", f"{side}_set_56", "a set length without room for a stanza",
           f"{side} set length", 56, where=f"{side} stanza 0")
    length("malformed set-length", f"{side}_set_262145", "one above the largest header block",
           f"{side} set length", 262145)
    length("malformed set-length", f"{side}_set_largest_number", "a set length of 2^32 - 1",
           f"{side} set length", 2**32 - 1)
length("limit header-too-large", "header_one_set", "one set as large as the header block",
       "customer set length", 262144)


@vector("3.2", "limit header-too-large", "lengths")
def length_header_both_sets(make):
    "each set within the limit, both together too large"
    object_ = make()
    object_["customer set length"] = u32(200000)
    object_["provider set length"] = u32(100000)
    return object_


for position, which in ((0, "first"), (-1, "last")):
    tampered("3.2", "malformed padding", "padding", f"padding_{which}_byte",
             f"the {which} byte of the padding is not zero", flipping("padding", position))


@vector("3.2", "malformed body-header", "body header")
def padding_one_block_too_long(make):
    "the header block has another 4,096 zero bytes; the body is where the lengths say"
    object_ = make()
    object_["padding"] += bytes(4096)
    return object_


@vector("3.2", "malformed padding", "padding")
def padding_one_byte_too_short(make):
    "one byte of padding is missing, so that the body starts within the block"
    object_ = make(edit={"body parameters": b"\1" + bytes(9)})
    object_["padding"] = object_["padding"][1:]
    return object_


@vector("3.2", "malformed padding", "padding")
def padding_missing(make):
    "the body starts right behind the sets"
    object_ = make(plaintext=8000)
    object_["padding"] = b""
    return object_
