# SPDX-License-Identifier: Apache-2.0
"""Exports of a log: what an auditor must open, and refuse (spec/export.md)."""

from dataclasses import replace

from reader import export, log
from reader.export import Chosen, Entry, Export
from reader.fields import u8, u16, u32

import seeded
from keyring import KEYS
from world import SIGNER, draw

VECTORS = {}
P256, P384 = "customer-p256", "customer-p384"
NOW = 1925000000
DEVICE, OTHER = draw("device id"), draw("other device id")
OBJECT = draw("object", 16)


def ephemeral(name, key=P256):
    return seeded.ephemeral_key(KEYS[key].public.curve, "export " + name, "ephemeral")


def vector(name, spec, expect, comment, data, key=P256, **lines):
    fields = [("spec", spec), ("kind", "export"), ("expect", expect), ("key", key)]
    fields += [(k.replace("_", "-"), v) for k, v in lines.items()]
    fields += [("part", f"export {len(data)}"), ("comment", comment)]
    head = "".join(f"{k}: {v}\n" for k, v in fields)
    assert name not in VECTORS and head.isascii() and max(map(len, head.splitlines())) <= 240
    VECTORS[name] = head.encode() + b"\n" + data


# ---- a log ----

def event(class_, time, user="", device=b"", objects=(), **main):
    person = {k: v for k, v in (("user", user), ("device", device)) if v}
    return log.Event(class_, {"time": time, "decision": 1, **main}, person, list(objects))


def release(time, user, device, *ids):
    return event(2, time, user, device, [log.Object(0, i, draw("core", 48), 1, draw("key"))
                                         for i in ids], mode=1, level=1)


def own(chosen, key=P256, **main):
    return event(18, NOW + 500, key="court", key_id=KEYS[key].id, policy=draw("policy"),
                 note=main.pop("note", chosen.note()), factors=[(2, 1, 1000)], **main)


EVENTS = [event(1, NOW), release(NOW + 60, "alice", DEVICE, OBJECT),
          release(NOW + 120, "bob", OTHER, OBJECT, draw("object 2", 16)),
          event(4, NOW + 240), release(NOW + 300, "alice", DEVICE, draw("object 2", 16))]


def make(name, chosen=Chosen(), key=P256, events=None, last=None, erased=(), chosen_only=True):
    """An export of this choice from a log of these events."""
    events = list(EVENTS if events is None else events) + [last or own(chosen, key)]
    coded = []
    for i, e in enumerate(events):
        def salts(n, i=i, count=[0]):
            count[0] += 1
            return draw(f"salt {name} {i} {count[0]}", n)
        coded.append(log.encode_event(e, salts, (1,) if i in erased else ()))
    size = len(events) + 3
    leaves = [log.leaf_hash(leaf) for _, leaf in coded]
    leaves += [draw(f"leaf {name} {i}") for i in range(3)]
    found = Export(chosen, SIGNER.checkpoint(size, log.root_of(leaves)))
    for i, (record, leaf) in enumerate(coded):
        shown = log.open_record(record, leaf)
        if i == len(events) - 1 or not chosen_only or chosen.has(shown):
            found.entries.append(Entry(i, leaf, log.inclusion(i, leaves), record))
    return found


def sealed(name, found, key=P256, **how):
    content = found if isinstance(found, bytes) else found.content()
    return export.seal(content, KEYS[key], ephemeral(name, key), **how)


def good(name, comment, found, key=P256):
    vector(name, "3", "success", comment, sealed(name, found, key), key,
           ephemeral=format(ephemeral(name, key).private_numbers().private_value, "x").zfill(
               64 if key == P256 else 96),
           note=found.chosen.note(), records=len(found.entries),
           indexes=" ".join(str(e.index) for e in found.entries)[:200])


def bad(name, spec, expect, comment, data, key=P256, **lines):
    vector(name, spec, expect, comment, data, key, **lines)


FILE, SEALED = "malformed log-file", "not-authentic log-sealed"
TREE, RECORD = "not-authentic log-tree", "not-authentic log-record"


def accepted():
    good("all", "every record", make("all"))
    good("p384", "for a key of type p384", make("p384", key=P384), P384)
    good("window", "by time", make("window", Chosen(NOW + 60, NOW + 240)))
    good("user", "of one user", make("user", Chosen(user="alice")))
    good("device", "of one device", make("device", Chosen(device=OTHER)))
    good("object", "of one object", make("object", Chosen(object_id=OBJECT)))
    good("all_of_it", "all that can be chosen",
         make("all of it", Chosen(NOW, NOW + 1000, "bob", OTHER, OBJECT)))
    good("nothing", "nothing was chosen", make("nothing", Chosen(user="nobody")))
    good("erased", "a person who was erased is nobody",
         make("erased", Chosen(user="alice"), erased=(1,)))
    many = release(NOW + 60, "alice", DEVICE, *(draw(f"o {i}", 16) for i in range(600)))
    good("two_segments", "more than 65,536 bytes", make("many", events=[many]))


def refused_files():
    found = make("bad")
    data = sealed("bad", found)
    bad("another_key", "4", "no-match log-auditor", "the key of somebody else", data, P384)
    bad("another_id", "4", "no-match log-auditor", "a bit of the key id",
        data[:20] + bytes([data[20] ^ 1]) + data[21:])
    bad("magic", "4", FILE, "another beginning", b"d" + data[1:])
    bad("version", "4", "unsupported version", "version 2", data[:8] + u16(2) + data[10:])
    for kind in (0, 3):
        bad(f"type_{kind}", "4", FILE, f"key type {kind}", data[:10] + u16(kind) + data[12:])
    bad("empty", "4", FILE, "no bytes", b"")
    bad("half_head", "4", FILE, "43 bytes", data[:43])
    bad("half_enc", "4", SEALED, "it ends within enc", data[:100])
    bad("head_alone", "4", SEALED, "no segment", data[:109])
    bad("half_length", "4", SEALED, "it ends within a length", data[:111])
    bad("no_point", "4", SEALED, "enc is no point", data[:44] + b"\4" + bytes(64) + data[109:])
    bad("bit", "4", SEALED, "a bit of the segment", data[:-40] + bytes([data[-40] ^ 1]) + data[-39:])
    bad("cut", "4", SEALED, "without its last byte", data[:-1])
    bad("behind", "4", SEALED, "a byte behind it", data + b"\0")
    bad("length_16", "4", FILE, "a segment without content", data[:109] + u32(16) + data[113:129])
    bad("length_65553", "4", FILE, "a segment that is too long",
        data[:109] + u32(65553) + bytes(65553))
    bad("short_segments", "4", FILE, "two short segments", sealed("bad", found, size=1000))
    head = export.head_of(KEYS[P256])
    bad("not_last", "4", SEALED, "the last segment is sealed as one of more",
        sealed_as(found.content(), head, (0,)))
    many = make("many", events=[release(NOW + 60, "alice", DEVICE,
                                        *(draw(f"o {i}", 16) for i in range(600)))])
    two = sealed("many", many)
    first = 109 + 4 + 65552
    bad("cut_at_segment", "4", SEALED, "without its second segment", two[:first])
    bad("second_alone", "4", SEALED, "without its first segment", two[:109] + two[first:])


def sealed_as(content, head, flags):
    from reader import hpke
    from reader.schedule import info
    enc, context = hpke.setup_sender(hpke.P256, KEYS[P256].public, info("log-export", head),
                                     ephemeral("flags"))
    file = head + enc
    for i, flag in enumerate(flags):
        piece = hpke.seal(export.message(context, i), u8(flag), content)
        file += u32(len(piece)) + piece
    return file


def refused_contents():
    def content(name, expect, comment, data, spec="3", **lines):
        bad("content_" + name, spec, expect, comment, sealed("content " + name, data), **lines)

    found = make("content")
    data = found.content()
    at_checkpoint = 8 + len(found.chosen.encode())
    entries = at_checkpoint + 2 + len(found.checkpoint)
    content("magic", FILE, "another beginning", b"X" + data[1:])
    content("one_byte", FILE, "one byte", b"D")
    content("which_8", FILE, "a choice that does not exist", data[:24] + u8(8) + data[25:])
    content("user_missing", FILE, "a user is said to be given", data[:24] + u8(1) + data[25:])
    content("device_not_given", FILE, "a device that is not given", data[:26] + b"\1" + data[27:])
    content("object_not_given", FILE, "an object that is not given",
            data[:58] + b"\1" + data[59:])
    named = make("content", Chosen(user="alice")).content()
    content("user_control", FILE, "a control character in the user",
            named.replace(b"\5alice", b"\5al\1ce", 1))
    content("user_65", FILE, "a user of 65 bytes",
            data[:24] + u8(1) + u8(65) + b"u" * 65 + data[26:])
    content("cut", FILE, "it ends within an entry", data[:-1], records=len(found.entries) - 1)
    content("behind", FILE, "a byte behind the last entry", data + b"\0",
            records=len(found.entries))
    content("no_entries", FILE, "no entry", data[:entries], records=0)
    content("checkpoint", "malformed log-note", "no checkpoint",
            data[:at_checkpoint] + u16(3) + b"abc" + data[entries:], spec="4")

    def changed(name, expect, comment, number, **fields):
        other = make("content")
        other.entries[number] = replace(other.entries[number], **fields)
        content(name, expect, comment, other.content(), spec="4", records=number)

    some = found.entries[1]
    changed("twice", FILE, "an index twice", 2, index=1)
    changed("largest_index", FILE, "an index that none can follow", 5, index=(1 << 64) - 1)
    changed("proof_64", FILE, "64 hashes", 1, proof=[draw("hash")] * 64)
    changed("record_long", FILE, "a record above its limit", 1, record=bytes(126073))
    changed("proof_bit", TREE, "a bit of a proof", 1,
            proof=[bytes([some.proof[0][0] ^ 1]) + some.proof[0][1:]] + some.proof[1:])
    changed("proof_short", TREE, "a hash less", 1, proof=some.proof[:-1])
    changed("other_index", TREE, "another index", 5, index=6)
    changed("index_behind", TREE, "an index behind the tree", 5, index=1000)
    changed("other_record", RECORD, "the record of another entry", 1,
            record=found.entries[2].record)
    changed("record_bit", RECORD, "a bit of the record", 1,
            record=some.record[:-1] + bytes([some.record[-1] ^ 1]))
    content("without_own", RECORD, "the record of the export is missing",
            replace(found, entries=found.entries[:-1]).content(), spec="4", records=4)
    for name, comment, last in (
            ("own_other_key", "the record of an export for another key", own(Chosen(), P384)),
            ("own_other_note", "the record of another choice", own(Chosen(), note="user")),
            ("own_other_class", "the last record is of another class",
             event(12, NOW + 500, key_id=KEYS[P256].id, note="all"))):
        content(name, RECORD, comment, make(name, last=last).content(), spec="4", records=5)
    content("not_chosen", RECORD, "a record that was not chosen",
            make("not chosen", Chosen(user="alice"), chosen_only=False).content(), spec="4",
            records=0)
    content("too_late", RECORD, "a record behind the window",
            make("too late", Chosen(until=NOW + 60), chosen_only=False).content(), spec="4",
            records=1)


accepted()
refused_files()
refused_contents()
