# SPDX-License-Identifier: Apache-2.0
"""Vectors of the catalogue: objects of the envelope vectors in places, scan by scan, and what is
then known of them. It is kept here by the rules of ../../catalogue.md, without a database."""

import hashlib
import io
import json

import case
from reader import header
from reader.errors import EnvelopeError
from reader.header import CUSTOMER, PROVIDER

FIRST, SECOND = "share_customer_one_bit", "share_exchanged"  # one core header, other sets
PLAIN, OTHER = "valid_alternative_p256", "valid_rewrapped_customer"

# name: section, comment, scans (place: envelope vector, or bytes in hex)
CASES = {
    "one": ("3", "an object with one set on each side", [{"a": PLAIN}]),
    "copies": ("3", "the same core header and sets in three places",
               [{"a": PLAIN, "b": PLAIN, "sub/c": PLAIN}]),
    "kinds": ("4", "stanzas of all types, some with name and version", [{
        "a": PLAIN, "b": "valid_alternative_p384", "c": "valid_alternative_rsa3072",
        "d": "kms_alone", "e": "kms_name_length_1", "f": "kms_version_length_13"}]),
    "former": ("4", "former stanzas stand beside those of their set", [{"a": OTHER}]),
    "rewrapped": ("4", "another set in the same place: the first one stays known",
                  [{"a": FIRST}, {"a": SECOND}]),
    "rolled_back": ("4", "the older set again: it has its number, and is no new set",
                    [{"a": FIRST}, {"a": SECOND}, {"a": FIRST}]),
    "two_places": ("5", "two places with other sets of one object",
                   [{"a": FIRST}, {"a": FIRST, "b": SECOND}]),
    "moved": ("5", "a place that is gone, and another one", [{"a": PLAIN}, {"b": PLAIN}]),
    "replaced": ("5", "another object in the same place", [{"a": PLAIN}, {"a": OTHER}]),
    "came_back": ("5", "gone, and there again",
                  [{"a": PLAIN, "z": OTHER}, {"z": OTHER}, {"a": PLAIN, "z": OTHER}]),
    "folder_gone": ("5", "all places below a folder are gone with it",
                    [{"sub/a": PLAIN, "sub/sub/b": OTHER, "z": PLAIN}, {"z": PLAIN}]),
    "became_none": ("5", "what is there is no object any more",
                    [{"a": PLAIN}, {"a": "4e6f20646f75626c65206b6579"}]),
    "no_objects": ("6", "empty, shorter than the magic, other bytes",
                   [{"a": "", "b": "d0", "c": "4e6f20646f75626c65206b6579", "d": PLAIN}]),
    "errors": ("6", "headers that cannot be parsed stop nothing", [{
        "a": "cut_within_customer_epoch", "b": "customer_epoch_0", "c": PLAIN,
        "d": "kms_duplicate", "e": "customer_former_unsorted", "f": "kms_name_too_long"}]),
    "became_bad": ("6", "a header that was right is wrong now: the object is past there",
                   [{"a": PLAIN}, {"a": "customer_epoch_0"}]),
    "repaired": ("6", "and the reverse", [{"a": "customer_epoch_0"}, {"a": PLAIN}]),
    "names": ("5", "names that need care where they are shown or asked for",
              [{"a b+c": PLAIN, "d%20": PLAIN, "ä/ö": OTHER, "~": PLAIN, "e&f?g#h": OTHER}]),
}


def content(what):
    return bytes.fromhex(what) if what not in case.VECTORS else \
        case.render(what).partition(b"\n\n")[2]


def keys(entries):
    for e in entries:
        body = getattr(e, "encapsulation", b"") if e.type == header.KMS else b""
        size = int.from_bytes(body[:2], "big")
        yield [e.type, e.key_id.hex(), e.custodian, body[2:2 + size].decode(),
               body[3 + size:].decode()]


def as_set(side):
    return {"epoch": side.epoch, "digest": hashlib.sha256(side.encode()).hexdigest(),
            "stanzas": sorted(keys(side.stanzas)), "formers": sorted(keys(side.formers))}


class Known:
    def __init__(self):
        self.objects, self.there = {}, {}
        self.problems, self.others = {}, set()

    def see(self, place, data):
        """The digest of the object that is there, or None."""
        self.problems.pop(place, None)
        self.others.discard(place)
        try:
            if not data.startswith(header.MAGIC):
                self.others.add(place)
                return None
            made = header.parse_header(io.BytesIO(data))
        except EnvelopeError as error:
            self.problems[place] = [error.name, error.place]
            return None
        core = made.core
        it = self.objects.setdefault(core.digest.hex(), {
            "object_id": core.object_id.hex(), "created": core.created, "tenant": core.tenant,
            "label": core.label, "creator": core.creator.hex() if core.creator else None,
            "customer": [], "provider": [], "places": {}, "past": []})
        numbers = []
        for name, side in (("customer", CUSTOMER), ("provider", PROVIDER)):
            seen = as_set(made.sets[side])
            if seen not in it[name]:
                it[name].append(seen)
            numbers.append(it[name].index(seen) + 1)
        it["places"][place] = numbers
        return core.digest.hex()

    def leave(self, place):
        self.objects[self.there[place]]["places"].pop(place)
        self.objects[self.there.pop(place)]["past"].append(place)

    def scan(self, files):
        for place in [*self.problems, *self.others]:
            if place not in files:
                self.problems.pop(place, None)
                self.others.discard(place)
        for place in [p for p in self.there if p not in files]:
            self.leave(place)
        for place, what in files.items():
            digest = self.see(place, content(what))
            if place in self.there and self.there[place] != digest:
                self.leave(place)
            if digest:
                self.there[place] = digest


def made(spec, comment, scans):
    known = Known()
    for files in scans:
        known.scan(files)
    return json.dumps({"spec": spec, "comment": comment, "scans": scans,
                       "objects": known.objects, "problems": known.problems,
                       "others": sorted(known.others)},
                      indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


VECTORS = {name + ".json": made(*given) for name, given in CASES.items()}
