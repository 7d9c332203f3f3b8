# SPDX-License-Identifier: Apache-2.0
"""Objects that end too early: at each border of fields, and within some fields."""

import re

from reader.header import CUSTOMER

from case import vector
from v_sets import TWO_KEYS
from v_valid import formers

RICH = TWO_KEYS | {
    "plaintext": 4064 + 10, "tenant": b"acme", "label": b"secret", "creator": "creator-p256",
    "metadata": {1: "report.pdf"}, "formers": {CUSTOMER: formers(1)}, "epoch": {CUSTOMER: 2}}

CORE = """magic, version, suite, core length, object id, salt, created, segment length,
customer commitment, provider commitment, metadata digest, tenant length, tenant, label length,
label, creator flag, creator key id"""
PLACES = {name: "core header" for name in re.split(r",\s", CORE)}
PLACES |= dict.fromkeys(("key commitment", "creator signature", "header mac"), "header")
PLACES |= dict.fromkeys(
    (f"{part} length" for part in ("metadata", "customer set", "provider set")), "lengths")
PLACES |= {"metadata": "metadata", "padding": "padding"}


def place_of(part):
    """Where section 11 puts the end of an input that stops in this field."""
    numbered = re.match(r"(customer|provider) (stanza|former) \d+|segment \d+", part)
    if numbered:
        return numbered.group()
    if part in PLACES:
        return PLACES[part]
    first = part.split()[0]
    return "body header" if first == "body" else f"{first} set"


def file_name(part):
    return part.replace(" ", "_")


def cut(part, extra, name, comment, expect="malformed truncated", released=0):
    @vector("9.1", expect, place_of(part), released, name=name, comment=comment)
    def build(make):
        object_ = make(seed="cut", **RICH)
        object_.cut_before(part, extra)
        return object_


BORDERS = [part for part in PLACES if part != "padding"] + [
    f"{side} {part}" for side, parts in (
        ("customer", ("side", "epoch", "stanza count", "former count",
                      "stanza 0 type", "stanza 0 body length", "stanza 0 key id",
                      "stanza 0 custodian", "stanza 0 encapsulation", "stanza 0 wrapped share",
                      "stanza 1 type", "former 0 type", "former 0 key id", "former 0 custodian",
                      "set mac")),
        ("provider", ("side", "stanza count", "stanza 0 type", "stanza 0 key id", "set mac")))
    for part in parts] + ["padding", "body parameters", "body iv", "body tag"]
for border in BORDERS:
    cut(border, 0, f"cut_before_{file_name(border)}", f"the input ends before: {border}")

WITHIN = {
    "magic": 7, "core length": 3, "metadata digest": 47, "tenant": 3, "creator key id": 31,
    "key commitment": 31, "creator signature": 63, "header mac": 47, "provider set length": 3,
    "metadata": 20, "customer epoch": 3, "customer stanza 1 wrapped share": 47,
    "customer set mac": 47, "provider stanza 0 custodian": 10, "provider set mac": 1,
    "padding": 1, "body parameters": 9, "body iv": 31, "body tag": 31}
for part, extra in WITHIN.items():
    cut(part, extra, f"cut_within_{file_name(part)}",
        f"the input ends within: {part}, after {extra} bytes")


@vector("9.1", "malformed truncated", "padding")
def cut_before_last_byte_of_padding(make):
    "the input ends one byte before the body"
    object_ = make(seed="cut", **RICH)
    object_.cut_before("padding", len(object_["padding"]) - 1)
    return object_


for position, released in ((0, 0), (1, 1)):
    segment = f"segment {position}"
    cut(f"{segment} mark", 0, f"cut_before_segment_{position}",
        "the input ends where a segment must start", "malformed final-missing", released)
    for part, extra in (("mark", 1), ("mark", 3), ("iv", 0), ("iv", 11), ("ciphertext", 0),
                        ("ciphertext", 5), ("tag", 0), ("tag", 15)):
        cut(f"{segment} {part}", extra, f"cut_in_segment_{position}_{part}_{extra}",
            f"the input ends in {segment}, {extra} bytes after the start of its {part}",
            released=released)
