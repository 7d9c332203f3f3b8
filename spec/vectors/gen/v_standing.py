# SPDX-License-Identifier: Apache-2.0
"""Approvals that stand, what is asked for, and answers, as bytes."""

from dataclasses import replace

from reader import dke, standing
from reader.fields import u16

from world import NOW, draw
import pieces

VECTORS = {}
PERSON, DOCUMENT = "alice@contoso.com", draw("a document")
LONGEST = {"person": "p" * 254, "key": "K" * 64, "rule": "r" * 64}


def vector(kind, name, expect, comment, part, data, /, **lines):
    prefix = kind.replace("-", "_")
    pieces.add(VECTORS, f"{prefix}_{name}", kind, "6.2", expect, comment, [(part, data)], **lines)


def layouts(bad, whole):
    bad("magic", "another magic", whole[:3] + b"9" + whole[4:])
    bad("cut", "without the last byte", whole[:-1])
    bad("trailing", "a byte behind it", whole + b"\0")
    bad("empty", "nothing", b"")


def texts(bad, good):
    """What is wrong in person, key and rule is wrong in each message that has them."""
    for name, comment, field, value in (
            ("person_empty", "no person", "person", ""),
            ("person_255", "a person of 255 bytes", "person", "p" * 255),
            ("person_blank", "a blank in a person", "person", "a b"),
            ("person_utf8", "a person beyond ASCII", "person", "\u00e4@contoso.com"),
            ("key_empty", "no key", "key", ""),
            ("key_65", "the name of a key of 65 bytes", "key", "K" * 65),
            ("key_slash", "a character that no name of a key has", "key", "a/b"),
            ("rule_empty", "no title", "rule", ""),
            ("rule_65", "a title of 65 bytes", "rule", "r" * 65),
            ("rule_control", "a line end in a title", "rule", "a\nb"),
            ("needed_0", "no approval", "needed", 0),
            ("needed_9", "nine approvals", "needed", 9),
            ("hours_0", "no hour", "hours", 0),
            ("hours_8785", "an hour too many", "hours", 8785)):
        bad(name, comment, replace(good, **{field: value}))


def approvals():
    good = standing.Approval(standing.DOCUMENT, DOCUMENT, 2, 720, PERSON, "Finance", "two people",
                             "for the audit")
    whole_key = replace(good, scope=standing.KEY, document=bytes(32))

    def fine(name, comment, one, **lines):
        made = dke.approved_name(one.scope, one.document, one.key, one.person)
        vector("standing", name, "success", comment, "approval", one.encode(), scope=one.scope,
               document=one.document.hex(), needed=one.needed, hours=one.hours, key=one.key,
               name=made.hex(), **lines)

    def bad(name, comment, one):
        data = one if isinstance(one, bytes) else one.encode()
        vector("standing", name, "service-malformed-request", comment, "approval", data)

    said = {"person": PERSON, "rule": good.rule, "reason": good.reason}
    fine("good", "of a document", good, **said)
    fine("key", "of a whole key", whole_key, **said)
    fine("least", "the least of each", replace(
        good, needed=1, hours=1, person="!", key="k", rule="r", reason=""), person="!", rule="r")
    fine("longest", "the most of each", replace(
        good, needed=8, hours=8784, reason="r" * 200, **LONGEST), reason="r" * 200)
    fine("name_person", "its name is another for another person", replace(good, person="bob"))
    fine("name_key", "its name is another for another key", replace(good, key="Other"))
    bad("scope_0", "no scope", replace(good, scope=0))
    bad("scope_3", "a scope of both", replace(good, scope=3))
    bad("no_document", "scope document, and zeros", replace(good, document=bytes(32)))
    bad("key_document", "scope key, and a document", replace(whole_key, document=DOCUMENT))
    bad("reason_201", "a reason of 201 bytes", replace(good, reason="r" * 201))
    bad("reason_control", "a line end in the reason", replace(good, reason="a\nb"))
    bad("reason_utf8", "a reason that is not UTF-8", good.encode()[:-1] + b"\xff")
    texts(bad, good)
    layouts(bad, good.encode())


def asked():
    good = standing.Asked(standing.EITHER, DOCUMENT, NOW, 2, 1, 1, 720, PERSON, "Finance",
                          "two people")
    other = replace(good, scopes=standing.DOCUMENT, document=draw("another document"), mine=0)

    def fine(name, comment, *those, **lines):
        vector("asked", name, "success", comment, "list", standing.encode_list(those),
               count=len(those), **lines)

    def bad(name, comment, data):
        data = data if isinstance(data, bytes) else standing.encode_list([other, data])
        vector("asked", name, "service-reply", comment, "list", data)

    fine("none", "nothing")
    fine("good", "one", good, scopes=3, document=DOCUMENT.hex(), time=NOW, needed=2, standing=1,
         mine=1, hours=720, person=PERSON, key="Finance", rule="two people")
    fine("two", "two: the lines are of the last one", good, other, scopes=1, mine=0,
         document=other.document.hex())
    fine("longest", "the most of each", replace(
        good, needed=8, hours=8784, standing=255, time=2**64 - 1, **LONGEST), time=2**64 - 1,
        standing=255, hours=8784, needed=8)
    small = replace(good, person="p", key="k", rule="r")
    fine("1024", "as many as there can be", *[small] * 1024, person="p")
    bad("1025", "one too many", standing.encode_list([small] * 1025))
    bad("fewer", "fewer than it says", b"DKN2" + u16(2) + good.encode())
    bad("more", "more than it says", b"DKN2" + u16(1) + good.encode() * 2)
    bad("scopes_0", "no scope", replace(good, scopes=0))
    bad("scopes_4", "a scope that is not known", replace(good, scopes=4))
    bad("mine_2", "neither yes nor no", replace(good, mine=2))
    texts(bad, good)
    layouts(bad, standing.encode_list([good]))


def answers():
    good = standing.encode_answer(7, NOW, 2)
    vector("standing-answer", "good", "success", "as it should be", "answer", good, index=7,
           until=NOW, standing=2)

    def bad(name, comment, data):
        vector("standing-answer", name, "service-reply", comment, "answer", data)

    layouts(bad, good)
    bad("of_asked", "the answer to another question", b"DKN2" + u16(0) + bytes(15))


approvals()
asked()
answers()
