# SPDX-License-Identifier: Apache-2.0
"""Reading, ranges, writing and rewrapping (sections 9 and 10)."""

import hashlib
import hmac
import os
import shutil
import time
from dataclasses import dataclass, field

from . import creator, floe, metadata, schedule, stanza
from .errors import EnvelopeError, require
from .fields import is_custodian, is_text, read_up_to
from .header import (
    CUSTOMER, EPOCH_LIMIT, FORMER_LIMIT, PROVIDER, SEGMENT_LENGTHS, SIDE_NAME, STANZA_LIMIT,
    Core, Entry, Header, StanzaSet, parse_header)

LAST_POSITION = 2**32 - 1


@dataclass
class Options:
    """What a reader is given besides the object; the dictionaries are by side."""

    keys: dict
    min_epoch: dict = field(default_factory=dict)
    require_creator: object = None


@dataclass
class Opened:
    header: Header
    keys: schedule.ObjectKeys
    metadata: dict


def open_header(file, options):
    """Steps 1 to 7 of section 9."""
    header = read_header(file, options.min_epoch)
    shares = {side: open_side(header, side, options.keys[side]) for side in SIDE_NAME}
    keys = schedule.ObjectKeys(shares[CUSTOMER], shares[PROVIDER], header.core.raw)
    check(keys.key_commitment, header.key_commitment, "key-commitment", "header")
    mac = keys.header_mac(header.key_commitment, header.creator_signature)
    check(mac, header.header_mac, "header-mac", "header")
    if options.require_creator:
        creator.check(options.require_creator, header)
    return Opened(header, keys, open_metadata(header, shares))


def read_header(file, min_epoch):
    """Steps 1 to 3."""
    header = parse_header(file)
    digest = hashlib.sha384(header.metadata).digest()
    require(digest == header.core.metadata_digest, "metadata-digest", "metadata")
    for side, name in SIDE_NAME.items():
        new_enough = header.sets[side].epoch >= min_epoch.get(side, 1)
        require(new_enough, "epoch-too-old", f"{name} set")
    return header


def open_side(header, side, keys):
    """Step 4 for one side; returns the share."""
    core, stanza_set, name = header.core, header.sets[side], SIDE_NAME[side]
    by_id = {key.id: key for key in keys}
    position = next((n for n, s in enumerate(stanza_set.stanzas) if s.key_id in by_id), None)
    require(position is not None, f"no-{name}-key", f"{name} set")

    found, place = stanza_set.stanzas[position], f"{name} stanza {position}"
    try:
        share = stanza.unwrap(side, found, by_id[found.key_id], core.digest)
    except stanza.UnwrapError:
        raise EnvelopeError("stanza-auth", place) from None
    share_keys = schedule.ShareKeys(side, share, core.object_id)
    check(share_keys.commitment, core.commitment[side], "share-commitment", place)
    set_mac = share_keys.set_mac(core.digest, stanza_set)
    check(set_mac, stanza_set.mac, "set-mac", f"{name} set")
    return share


def open_metadata(header, shares):
    """Step 7."""
    if not header.metadata:
        return {}
    core = header.core
    key = schedule.metadata_key(shares[CUSTOMER], shares[PROVIDER], core.object_id, core.salt)
    return metadata.parse(metadata.decrypt(key, core.object_id, core.salt, header.metadata))


def check(expected, found, name, place):
    require(hmac.compare_digest(expected, found), name, place)


def read_body_header(file, opened):
    """The start of step 8."""
    segment_length = opened.header.core.segment_length
    data = read_up_to(file, floe.HEADER_LENGTH)
    require(len(data) == floe.HEADER_LENGTH, "truncated", "body header")
    require(data[:10] == floe.parameters(segment_length), "body-header", "body header")
    body = floe.Floe(opened.keys.body_key, opened.keys.core_digest, segment_length, data[10:42])
    check(body.header_tag, data[42:], "body-tag", "body header")
    return body


def stream(file, opened):
    """Step 8: yields the plaintext of each segment once it is verified."""
    body = read_body_header(file, opened)
    position, is_last = 0, False
    while not is_last:
        mark = read_up_to(file, 4)
        require(mark, "final-missing", f"segment {position}")
        is_last = mark != floe.NOT_LAST
        yield read_segment(file, body, position, mark)
        position += 1
    require(not file.read(1), "trailing", "end")


def read_segment(file, body, position, mark):
    """The rest of a segment whose mark has been read."""
    place = f"segment {position}"
    require(len(mark) == 4, "truncated", place)
    length = floe.mark_length(mark, body.segment_length)
    require(length is not None, "segment-mark", place)
    rest = read_up_to(file, length - 4)
    require(len(rest) == length - 4, "truncated", place)
    try:
        plaintext = body.decrypt(position, mark + rest)
    except floe.FloeError:
        raise EnvelopeError("segment-auth", place) from None
    is_last = mark != floe.NOT_LAST
    require(plaintext or not is_last or position == 0, "final-empty", place)
    require(is_last or position < LAST_POSITION, "object-too-large", place)
    return plaintext


def stream_range(file, opened, offset, length):
    """Yields the verified pieces of a range; the file can seek."""
    start = opened.header.length + floe.HEADER_LENGTH
    size = file.seek(0, os.SEEK_END) - start
    file.seek(opened.header.length)
    body = read_body_header(file, opened)
    room = body.segment_length - floe.OVERHEAD
    last, last_plaintext = read_last_segment(file, body, start, size)
    total = last * room + len(last_plaintext)
    require(offset <= total, "range", "end")

    end = min(offset + length, total)
    while offset < end:
        position, skip = divmod(offset, room)
        plaintext = last_plaintext
        if position < last:
            plaintext = read_inner_segment(file, body, start, position)
        piece = plaintext[skip:skip + end - offset]
        yield piece
        offset += len(piece)


def read_last_segment(file, body, start, size):
    require(size > 0, "final-missing", "segment 0")
    position = (size - 1) // body.segment_length
    rest = size - position * body.segment_length
    require(position <= LAST_POSITION, "object-too-large", f"segment {LAST_POSITION}")
    file.seek(start + position * body.segment_length)
    mark = read_up_to(file, 4)
    if mark == floe.NOT_LAST and rest == body.segment_length:
        raise EnvelopeError("final-missing", f"segment {position + 1}")
    plaintext = read_segment(file, body, position, mark)
    require(floe.mark_length(mark, body.segment_length) == rest, "trailing", "end")
    return position, plaintext


def read_inner_segment(file, body, start, position):
    file.seek(start + position * body.segment_length)
    mark = read_up_to(file, 4)
    require(mark == floe.NOT_LAST, "segment-mark", f"segment {position}")
    return read_segment(file, body, position, mark)


@dataclass
class Writing:
    """What a writer is given besides the plaintext; the dictionary is by side."""

    keys: dict
    tenant: str = ""
    label: str = ""
    segment_length: int = 65536
    created: int = None
    metadata: dict = field(default_factory=dict)
    creator: object = None


def seal(source, target, writing, random=os.urandom):
    """Writes a new object; both arguments are binary files."""
    check_writing(writing)
    header, keys = make_header(writing, random)
    target.write(header.encode())
    write_body(source, target, keys, writing.segment_length, random)


def check_writing(writing):
    check_new_keys(writing.keys[CUSTOMER], writing.keys[PROVIDER])
    check_new_keys(writing.keys[PROVIDER], writing.keys[CUSTOMER])
    assert writing.segment_length in SEGMENT_LENGTHS
    for text in (writing.tenant, writing.label):
        assert is_text(text.encode()) and len(text.encode()) <= 255


def check_new_keys(keys, others):
    """The rules for two holders; others are keys or entries of the other side."""
    assert keys and all(is_custodian(key.custodian) for key in keys)
    require(len(keys) <= STANZA_LIMIT, "too-many-stanzas")
    ids = [key.id for key in keys]
    taken = {getattr(other, "key_id", None) or other.id for other in others}
    require(len(set(ids)) == len(ids) and taken.isdisjoint(ids), "same-key")
    custodians = {other.custodian for other in others}
    require(custodians.isdisjoint(key.custodian for key in keys), "same-custodian")


def make_header(writing, random):
    object_id, salt = random(16), random(32)
    shares = {side: random(32) for side in SIDE_NAME}
    share_keys = {s: schedule.ShareKeys(s, shares[s], object_id) for s in SIDE_NAME}
    block = make_metadata(writing.metadata, shares, object_id, salt)
    core = Core(
        object_id, salt,
        int(time.time()) if writing.created is None else writing.created,
        writing.segment_length,
        {side: share_keys[side].commitment for side in SIDE_NAME},
        hashlib.sha384(block).digest(),
        writing.tenant, writing.label,
        writing.creator.id if writing.creator else None)
    core.raw = core.encode()
    keys = schedule.ObjectKeys(shares[CUSTOMER], shares[PROVIDER], core.raw)
    signature = b""
    if writing.creator:
        signature = creator.sign(writing.creator, core.raw, keys.key_commitment)
    sets = {
        side: make_set(core, side, shares[side], writing.keys[side], 1, [])
        for side in SIDE_NAME}
    mac = keys.header_mac(keys.key_commitment, signature)
    return Header(core, keys.key_commitment, signature, mac, block, sets), keys


def make_metadata(entries, shares, object_id, salt):
    if not entries:
        return b""
    encoded = metadata.encode(entries)
    metadata.parse(encoded)
    key = schedule.metadata_key(shares[CUSTOMER], shares[PROVIDER], object_id, salt)
    return metadata.encrypt(key, object_id, salt, encoded)


def make_set(core, side, share, keys, epoch, formers):
    stanzas = [stanza.wrap(side, share, key, core.digest) for key in keys]
    result = StanzaSet(side, epoch, stanzas, formers)
    result.mac = schedule.ShareKeys(side, share, core.object_id).set_mac(core.digest, result)
    return result


def write_body(source, target, keys, segment_length, random):
    body = floe.Floe(keys.body_key, keys.core_digest, segment_length, random(32))
    target.write(body.header())
    room = segment_length - floe.OVERHEAD
    plaintext, position, is_last = read_up_to(source, room), 0, False
    while not is_last:
        following = read_up_to(source, room)
        is_last = not following
        require(is_last or position < LAST_POSITION, "object-too-large")
        target.write(body.encrypt(position, is_last, plaintext, random))
        plaintext, position = following, position + 1


def rewrap(source, target, side, open_keys, new_keys, min_epoch=None):
    """Copies an object with a new stanza set on one side."""
    header = read_header(source, min_epoch or {})
    share = open_side(header, side, open_keys)
    old, other = header.sets[side], header.sets[CUSTOMER + PROVIDER - side]
    check_new_keys(new_keys, other.entries)
    require(old.epoch < EPOCH_LIMIT, "history-full")
    formers = next_formers(old)
    header.sets[side] = make_set(header.core, side, share, new_keys, old.epoch + 1, formers)
    target.write(header.encode())
    shutil.copyfileobj(source, target)


def next_formers(old):
    by_id = {s.key_id: Entry(s.type, s.key_id, s.custodian) for s in old.stanzas}
    by_id.update((former.key_id, former) for former in old.formers)
    require(len(by_id) <= FORMER_LIMIT, "history-full")
    return [by_id[key_id] for key_id in sorted(by_id)]
