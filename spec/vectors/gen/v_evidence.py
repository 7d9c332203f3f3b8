# SPDX-License-Identifier: Apache-2.0
"""Evidence bundles: what must be verified, and each rule broken once (spec/evidence.md)."""

import hashlib
import os
import re
import sqlite3
import tempfile

from reader import assessment, bundle, catalogue, evidence, export, log, note
from reader.catalogue import APPLICATION
from reader.fields import u8, u16, u32, u64

import seeded
from keyring import KEYS
from pieces import add
from world import IDENTITY, SIGNER, STRANGER, LogSigner, draw, key_id, spki

VECTORS = {}
P256, P384 = "customer-p256", "customer-p384"
NOW = 1925000040  # the begin of a minute
FILE, CHANGED = "malformed evidence-file", "not-authentic evidence-changed"
SIGNATURE, RESULT = "not-authentic evidence-signature", "not-authentic evidence-result"
RECORD, TREE = "not-authentic log-record", "not-authentic log-tree"
POLICY = b'rule "all" {\nkeys = {"*"}\nusers = {"*"}\nallow = true\n}\n'
CONFIGURATION = b'listen = "127.0.0.1:8443"\n'
SPEC = b"# What the formats mean\n"
INCIDENT = b"""# What we know.
from = "2030-12-01"
to = "2031-01-05T12:00Z"
stolen = {"provider-keys provider since unknown"}
sets = "as-written"
"""
IDENTITY_ID = key_id(IDENTITY).hex()
LOG_KEY = note.Key(note.ED25519, SIGNER.keys.origin, SIGNER.keys.ed25519).text()
ELSEWHERE = LogSigner("a log elsewhere", "elsewhere.example.org/log")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def flip(data, at, bit=1):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1:]


def vector(name, spec, expect, comment, data, place=None, where=None, key=P256, identity=None):
    lines = {"key": key, "log_key": LOG_KEY}
    lines |= {"identity": identity} if identity else {}
    lines |= {"place": place} if place else {}
    lines |= {"where": where} if where else {}
    add(VECTORS, name, "evidence", spec, expect, comment, [("bundle", data)], **lines)


# ---- a catalogue ----

OBJECTS = [(draw("core a", 48), draw("object a", 16), "payroll"),
           (draw("core b", 48), draw("object b", 16), 'quiet "ä" \\')]
KEY_ROWS = [(1, 1, draw("customer key"), "customer", "", ""),
            (2, 1, draw("provider key"), "provider", "", "")]


def without_rests(data, size=512):
    """What lies between the pointers and the cells of a page is what some version of SQLite left."""
    made = bytearray(data)
    for at in range(0, len(data), size):
        head = at + 100 * (at == 0)
        if data[head] in (2, 5, 10, 13):
            cells, content = (int.from_bytes(data[head + i:head + i + 2], "big") for i in (3, 5))
            begin = head + (12 if data[head] in (2, 5) else 8) + 2 * cells
            made[begin:at + content] = bytes(at + content - begin)
    return bytes(made)


def make_catalogue(version=1, change=""):
    """By sqlite3, but for what is different in each version of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "catalogue")
        db = sqlite3.connect(path, isolation_level=None)
        db.executescript(f"PRAGMA page_size=512; PRAGMA journal_mode=MEMORY; "
                         f"PRAGMA application_id={APPLICATION}; PRAGMA user_version={version}; BEGIN;")
        for statement in catalogue.schema():
            db.execute(statement)
        db.execute("INSERT INTO scan VALUES (1,?,?,?,0)", (b"/srv", NOW, NOW + 1))
        db.execute("INSERT INTO folder VALUES (1,NULL,?,NULL,NULL)", (b"/srv",))
        db.executemany("INSERT INTO key VALUES (NULL,?,?,?,?,?,?)", KEY_ROWS)
        for at, (core, id_, label) in enumerate(OBJECTS, 1):
            db.execute("INSERT INTO object VALUES (?,?,?,?,'',?,NULL,?)",
                       (at, core, id_, NOW - 1000, label, NOW))
            for side in (1, 2):
                db.execute("INSERT INTO stanza_set VALUES (?,?,1,1,?,?)",
                           (at, side, draw(f"set {at} {side}"), NOW))
                db.execute("INSERT INTO stanza VALUES (?,?,1,?,0)", (at, side, side))
            db.execute("INSERT INTO location VALUES (1,?,?,400,?,1,1,?,NULL,NULL)",
                       (b"%d.dk" % at, draw(f"stamp {at}", 32), at, NOW))
        if change:
            db.execute(change)
        db.execute("COMMIT")
        db.close()
        with open(path, "rb") as file:
            data = file.read()
    # The file's counter, and the number of the program that wrote it.
    data = without_rests(data)
    return data[:24] + u32(1) + data[28:92] + u32(1) + u32(3040000) + data[100:]


CATALOGUE = make_catalogue()


# ---- a log ----

def event(class_, minute, user="", objects=(), **main):
    return log.Event(class_, {"time": NOW + 60 * minute, "decision": 1, **main},
                     {"user": user} if user else {}, list(objects))


def a_release(minute):
    core, id_, _ = OBJECTS[0]
    return event(2, minute, "alice", [log.Object(0, id_, core, 1, KEY_ROWS[0][2])], mode=2, front=1)


DIGEST = hashlib.sha256(POLICY).digest()
EVENTS = [event(1, 0), event(14, 0, mode=2, note="1"),
          event(11, 1, policy=DIGEST, note="first", factors=[(2, 1, 1000)]),
          event(5, 2, key="finance", key_id=KEY_ROWS[0][2], version=1), a_release(3),
          event(12, 4, note='a "drill" \\ ü', factors=[(2, 1, 1000)]), event(4, 5), event(4, 6)]


def code(events, erased=()):
    """(record, leaf) of each."""
    made = []
    for at, one in enumerate(events):
        count = iter(range(100))

        def salts(size, at=at, count=count):
            return draw(f"evidence salt {at} {next(count)}", size)
        made.append(log.encode_event(one, salts, (1,) if at in erased else ()))
    return made


def records_of(coded):
    return b"DKLREC1\n" + b"".join(u64(i) + leaf + u32(len(record)) + record
                                   for i, (record, leaf) in coded)


def log_parts(coded, kept=(5,), signer=SIGNER):
    leaves = [log.leaf_hash(leaf) for _, leaf in coded]
    size = len(leaves)
    parts = {"log/checkpoint": signer.checkpoint(size, log.root_of(leaves)),
             "log/tile/0/000.p/%d" % size: b"".join(leaves),
             "log/tile/entries/000.p/%d" % size: b"".join(u16(48) + leaf for _, leaf in coded)}
    for at in kept:
        parts["log/checkpoints/%d" % at] = signer.checkpoint(at, log.root_of(leaves[:at]))
    return parts


# ---- bundles ----

def sealed(name, content, key=P256, **how):
    return export.seal(content, KEYS[key], seeded.ephemeral_key(
        KEYS[key].public.curve, "evidence " + name, "ephemeral"),
        **{"label": "evidence-recs", **how})


def manifest(parts, key=P256, until=0, persons=True, version="0.0.1", lines=None):
    head = ["doublekey-evidence-1", f"time {NOW + 1000}", f"program {version} {draw('program').hex()}",
            f"recipient {KEYS[key].id.hex()}", f"records {until} {'persons' if persons else 'no-persons'}"]
    listed = [f"part {sha256(data)} {len(data)} {name}" for name, data in sorted(parts.items())]
    return "".join(line + "\n" for line in (lines or list)(head + listed)).encode()


def tar(text, members, signature=b"", end=bytes(1024)):
    data = evidence.header("manifest", len(text)) + evidence.padded(text)
    for name, content in members:
        data += evidence.header(name, len(content)) + evidence.padded(content)
    if signature:
        data += evidence.header("signature", len(signature)) + evidence.padded(signature)
    return data + end


def written(parts, signature=b"", **how):
    return tar(manifest(parts, **how), sorted(parts.items()), signature)


def whole(name, coded=None, chosen=None, key=P256, erased=(), incident=INCIDENT):
    """All parts that a bundle needs, and more; chosen: indexes of the records."""
    coded = code(EVENTS, erased) if coded is None else coded
    rows = [(i, row) for i, row in enumerate(coded) if chosen is None or i in chosen]
    records = records_of(rows)
    parts = {"catalogue": CATALOGUE, "incident": incident, "configuration": CONFIGURATION,
             "records": sealed(name, records, key), "spec/evidence.md": SPEC,
             f"policy/{DIGEST.hex()}": POLICY, **log_parts(coded)}
    parts["inventory.json"] = evidence.inventory(evidence.parse_records(records))
    parts["assessment.json"] = result(parts, records, [log.open_record(*row) for _, row in rows])
    return parts


def result(parts, records, events):
    made = note.parse_checkpoint(note.parse_note(parts["log/checkpoint"]))
    return assessment.result(parts, records, events, bundle.read_incident(parts["incident"]),
                             bundle.read_catalogue(parts["catalogue"]), made)


def signing(text, key=P256, class_=23, **main):
    return log.Event(class_, {"time": NOW + 900, "decision": 1, "key": "court",
                              "key_id": KEYS[key].id, "policy": DIGEST,
                              "request": hashlib.sha256(text).digest(),
                              "factors": [(2, 1, 1000)], **main})


def receipt(coded, one, signer=SIGNER, change=None, index=None, behind=b""):
    """change: of leaf, proof, checkpoint, record."""
    record, leaf = log.encode_event(one, lambda size: draw("evidence signing salt", size))
    leaves = [log.leaf_hash(old) for _, old in coded] + [log.leaf_hash(leaf)]
    size = len(leaves)
    proof = b"".join(log.inclusion(size - 1, leaves))
    fields = {"leaf": leaf, "proof": proof,
              "checkpoint": signer.checkpoint(size, log.root_of(leaves)), "record": record}
    fields |= change(fields) if change else {}
    return (fields["leaf"] + u64(size - 1 if index is None else index)
            + u8(len(fields["proof"]) // 32) + fields["proof"]
            + u16(len(fields["checkpoint"])) + fields["checkpoint"]
            + u32(len(fields["record"])) + fields["record"] + behind)


def signed(text, shown, private=IDENTITY, label="evidence", magic=b"DKEVSIG1"):
    from reader.schedule import info
    data = info(label, hashlib.sha256(text).digest() + hashlib.sha256(shown).digest())
    return magic + spki(private) + seeded.ecdsa_sign(private, data, "evidence", data.hex()) + shown


def sign(text, key=P256, **how):
    return signed(text, receipt(code(EVENTS), signing(text, key), **how))


def accepted():
    parts = whole("whole")
    text = manifest(parts)
    vector("whole", "7", "success", "signed by the service", tar(text, sorted(parts.items()), sign(text)),
           identity=IDENTITY_ID)
    vector("nobody_vouches", "7.3", "success", "signed, and nobody says by whose key",
           tar(text, sorted(parts.items()), sign(text)))
    vector("unsigned", "7", "success", "nobody signed it", written(parts))
    some = {name: parts[name] for name in evidence.NEEDED}
    some |= {name: data for name, data in parts.items() if name.startswith("log/tile/")}
    coded = code(EVENTS)
    some["assessment.json"] = result(some, records_of(enumerate(coded)),
                                     [log.open_record(*row) for row in coded])
    vector("least", "3", "success", "no part that need not be there", written(some))
    other = whole("p384", key=P384)
    text = manifest(other, P384)
    vector("p384", "4", "success", "records for a key of type p384",
           tar(text, sorted(other.items()), sign(text, P384)), key=P384, identity=IDENTITY_ID)
    vector("until", "4", "success", "records from a minute on were left out",
           written(whole("until", chosen=range(5)), until=NOW + 240))
    vector("no_records", "4", "success", "no record, and an inventory of nothing",
           written(whole("no records", chosen=(), incident=INCIDENT + b'own-keys = {"%s"}\n' %
                         KEY_ROWS[0][2].hex().encode()), until=60))
    vector("no_persons", "4", "success", "persons were left out",
           written(whole("no persons", erased=range(8)), persons=False))
    vector("key_by_id", "7", "success", "what was stolen is named by its key id", written(whole(
        "key by id", incident=INCIDENT.replace(b"provider-keys provider", b"key " +
                                               KEY_ROWS[1][2].hex().encode()))))
    copied = b'stolen = {"key %s since unknown"}\nnot-copied = {"/srv until 2031-01-01",\n' \
        b'  "/srv since 2030-06-01T00:00:01Z"}\n' % KEY_ROWS[0][2].hex().encode()
    vector("not_copied", "7", "success", "nothing could be copied, at any time", written(whole(
        "not copied", incident=re.sub(rb"stolen.*\n", copied.replace(b"\\", b""), INCIDENT))))
    page = dict(parts) | {"report.html": b"<html>another</html>\n", "report.csv": b"x\r\n"}
    vector("report_of_another_version", "7.9", "success", "a report that another program made",
           written(page, version="0.0.1~other"))


# ---- the manifest ----

FORM = {name: b"x" for name in evidence.NEEDED}
MORE = FORM | {"log/tile/0/000": b"y", f"policy/{sha256(b'z')}": b"z", "spec/log.md": b""}


def refused_manifests():
    def lines(name, comment, number, change, spec="2", parts=FORM):
        def changed(given):
            made = list(given)
            made[number - 1:number] = change(made[number - 1])
            return made
        text = manifest(parts, lines=changed)
        vector("manifest_" + name, spec, FILE, comment, tar(text, sorted(parts.items())),
               f"manifest line {number}")

    def line(name, comment, number, old, new, **how):
        lines(name, comment, number, lambda text: [re.sub(old, new, text, count=1)], **how)

    line("version_2", "another version", 1, "1$", "2")
    line("first_word", "another beginning", 1, "^d", "D")
    line("time_word", "another word", 2, "time", "date")
    line("time_zero", "a leading zero", 2, " ", " 0")
    line("time_20", "a number of 20 digits", 2, r" \d+", " 1" + "0" * 19)
    line("time_none", "no number", 2, r" \d+", "")
    line("time_negative", "a sign", 2, " ", " -")
    line("program_33", "a version of 33 characters", 3, "0.0.1", "1" * 33)
    line("program_slash", "a character that no version has", 3, "0.0.1", "0.0/1")
    line("program_none", "no version", 3, "0.0.1 ", "")
    line("program_upper", "upper-case digits", 3, r"\S+$", "AB" * 32)
    line("recipient_short", "63 digits", 4, ".$", "")
    line("recipient_upper", "upper-case digits", 4, r"\S+$", "AB" * 32)
    line("persons", "neither persons nor no-persons", 5, "persons", "people")
    line("records_none", "the word is missing", 5, " persons", "")
    line("two_spaces", "two spaces", 2, " ", "  ")
    line("behind", "a word more", 5, "$", " x")
    line("space_behind", "a space at the end", 2, "$", " ")
    line("carriage_return", "CR before the line end", 2, "$", "\r")
    lines("line_missing", "the fourth line is missing", 4, lambda text: [])
    lines("line_empty", "an empty line", 6, lambda text: ["", text])
    line("part_word", "another word", 6, "part", "file")
    line("part_upper", "upper-case digits", 6, r"\b[0-9a-f]{64}", "AB" * 32)
    line("part_limit", "a part of 2^33 bytes", 6, " 1 ", f" {1 << 33} ", spec="1")
    line("part_size_none", "no size", 6, " 1 ", " ")
    line("part_behind", "a word more", 6, "$", " x")
    for name, number, comment, to in (
            ("unknown", 6, "a name that does not exist", "assessment"),
            ("absolute", 6, "an absolute path", "/assessment.json"),
            ("above", 9, "a folder above", "log/tile/../x"),
            ("hidden", 11, "a name with a dot first", "spec/.a.md"),
            ("no_md", 11, "a text that is none", "spec/log.txt"),
            ("only_md", 11, "nothing before its end", "spec/.md"),
            ("word_65", 9, "a word of 65 characters", "log/tile/" + "a" * 65),
            ("101", 9, "a name of 101 bytes", "log/tile/" + "a" * 60 + "/" + "b" * 31),
            ("empty_word", 9, "two slashes", "log/tile//x"),
            ("slash_behind", 9, "a slash at the end", "log/tile/0/"),
            ("digest_short", 10, "a policy without a whole digest", "policy/" + "ab" * 31),
            ("digest_upper", 10, "upper-case digits of a policy", "policy/" + "AB" * 32),
            ("checkpoints_folder", 9, "a folder below log/checkpoints", "log/checkpoints/0/x"),
            ("plus", 9, "a character that no name has", "log/tile/a+b"),
            ("utf8", 9, "a character that is not ASCII", "log/tile/\u00e4")):
        at = {6: 0, 9: 5, 10: 6, 11: 8}[number]
        old = sorted(MORE)[at]
        lines("name_" + name, comment, 6 + at, lambda text, to=to: [text.rsplit(" ", 1)[0] + " " + to],
              spec="3", parts=MORE)
        assert old
    text = manifest(FORM)
    members = sorted(FORM.items())

    def changed(name, comment, made, number, spec="2"):
        vector("manifest_" + name, spec, FILE, comment, tar(made, members), f"manifest line {number}")

    parts = text.splitlines(True)
    changed("twice", "a part twice", b"".join(parts[:6] + parts[5:]), 7)
    changed("order", "parts in another order", b"".join(parts[:5] + [parts[6], parts[5]] + parts[7:]), 7)
    changed("no_end", "the last line has no end", text[:-1], 11)
    changed("nul", "a NUL byte", text[:-1] + b"\0\n", 1)
    changed("empty", "no bytes", b"", 1)
    changed("head_alone", "no part", b"".join(parts[:5]), 6)
    for name in evidence.NEEDED:
        some = {other: data for other, data in FORM.items() if other != name}
        vector("manifest_without_" + re.sub("[^a-z]", "_", name), "3", FILE, "a part that is needed is missing",
               written(some), "manifest line 11")
    folder = FORM | {"log/tile/0": b"a", "log/tile/0/000": b"b"}
    vector("manifest_folder_and_file", "3", FILE, "a name is that of another one's folder",
           written(folder), "manifest line 14")


# ---- the file ----

def refused_files():
    text, members = manifest(MORE), sorted(MORE.items())
    data = tar(text, members)
    at = {"manifest": 0}
    place = 512 + len(evidence.padded(text))
    for name, content in members:
        at[name] = place
        place += 512 + len(evidence.padded(content))
    end = place

    def bad(name, comment, made, where, expect=FILE, spec="1"):
        vector("file_" + name, spec, expect, comment, made, where)

    for name, short in (("manifest", "manifest"), ("incident", "incident")):
        for field, offset in (("name", 0), ("behind_name", 99), ("mode", 103), ("owner", 110),
                              ("group", 120), ("size_space", 124), ("size_end", 135), ("time", 146),
                              ("sum", 150), ("sum_end", 155), ("kind", 156), ("link", 157), ("magic", 257),
                              ("version", 263), ("user", 265), ("device", 329), ("prefix", 345),
                              ("last", 511)):
            bad(f"{short}_{field}", f"a bit of the header of {name}, at {offset}",
                flip(data, at[name] + offset, 0x10 if field == "size_space" else 1), name)
    bad("manifest_limit", "a manifest of 67,108,865 bytes", evidence.header("manifest", 67108865)
        + data[512:], "manifest")
    bad("empty", "no bytes", b"", "manifest")
    bad("cut_in_header", "it ends within the first header", data[:511], "manifest")
    bad("cut_in_manifest", "it ends within the manifest", data[:600], "manifest")
    bad("manifest_padding", "a byte behind the manifest", flip(data, at["assessment.json"] - 1), "manifest")
    bad("part_padding", "a byte behind a part", flip(data, at["incident"] + 1023), "incident")
    bad("cut_in_part_header", "it ends within the header of a part", data[:at["incident"] + 511],
        "incident")
    bad("cut_in_part", "it ends within a part", data[:at["incident"] + 512], "incident")
    bad("cut_in_padding", "it ends behind a part", data[:at["incident"] + 513], "incident")
    bad("member_missing", "a part is not there", tar(text, [m for m in members if m[0] != "incident"]),
        "incident")
    bad("member_more", "a part that the manifest has not", tar(text, members + [("spec/x.md", b"x")]),
        "end")
    swapped = [members[1], members[0], *members[2:]]
    bad("member_order", "parts in another order", tar(text, swapped), "assessment.json")
    longer = [(name, content * 2 if name == "incident" else content) for name, content in members]
    bad("member_longer", "a part is longer than the manifest says", tar(text, longer), "incident")
    bad("gnu_name", "another form of tar", data[:at["incident"] + 257] + b"ustar  \0"
        + data[at["incident"] + 265:], "incident")
    for name, content in members:
        if content:
            bad("changed_" + re.sub("[^a-z0-9]", "_", name.split("/")[0] if "policy" in name else name),
                "a bit of a part", flip(data, at[name] + 512), name, CHANGED)
    named = FORM | {f"policy/{sha256(b'a')}": b"b"}
    bad("policy_of_another_name", "a policy whose name is not its digest", written(named),
        f"policy/{sha256(b'a')}", CHANGED, "7.1")
    named = FORM | {f"witnesses/{sha256(b'a')}": b"b"}
    bad("witnesses_of_another_name", "a witness policy whose name is not its digest", written(named),
        f"witnesses/{sha256(b'a')}", CHANGED, "7.1")
    bad("no_end", "nothing behind the last part", data[:end], "end")
    bad("half_end", "512 zero bytes", data[:-512], "end")
    bad("short_end", "1,023 zero bytes", data[:-1], "end")
    bad("end_bit", "a bit of the end", flip(data, end + 600), "end")
    bad("behind", "a byte behind the end", data + b"x", "end")
    bad("zero_behind", "a zero byte behind the end", data + b"\0", "end")
    bad("block_behind", "512 zero bytes more", data + bytes(512), "end")
    bad("signature_empty", "a signature without content",
        tar(text, members, end=evidence.header("signature", 0) + bytes(1024)), "end")
    bad("signature_limit", "a signature of 16,385 bytes", tar(text, members, bytes(16385)), "end")
    bad("signature_name", "another name than signature",
        tar(text, members + [("signatures", b"x")]), "end")
    bad("two_signatures", "two signatures", tar(text, members + [("signature", b"x")], b"y"), "end")
    bad("signature_padding", "a byte behind the signature", flip(tar(text, members, b"x"), -1025), "end")
    bad("signature_cut", "it ends within the signature", tar(text, members, b"x" * 600, b"")[:-600], "end")


# ---- signature ----

def refused_signatures():
    parts = dict(FORM) | log_parts(code(EVENTS), ())
    text, members = manifest(parts), sorted(parts.items())
    good, coded = sign(text), code(EVENTS)

    def bad(name, comment, signature, expect=SIGNATURE, identity=IDENTITY_ID, spec="7.3"):
        vector("signature_" + name, spec, expect, comment, tar(text, members, signature),
               "signature", identity=identity)

    def shown(name, comment, one=None, expect=SIGNATURE, **how):
        bad(name, comment, signed(text, receipt(coded, one or signing(text), **how)), expect)

    vector("signature_missing", "7.3", SIGNATURE, "not signed, though the key is known",
           tar(text, members), "missing", identity=IDENTITY_ID)
    for name, at, comment in (("magic", 0, "another beginning"),):
        bad(name, comment, flip(good, at), FILE, spec="6")
    bad("short", "it ends within the receipt", good[:-1], FILE, spec="6")
    bad("head_alone", "no receipt", good[:163], FILE, spec="6")
    bad("half_head", "it ends within the signature", good[:150], FILE, spec="6")
    bad("behind", "a byte behind the receipt", signed(text, receipt(coded, signing(text), behind=b"\0")),
        FILE, spec="6")
    bad("proof_64", "64 hashes", signed(text, receipt(coded, signing(text), change=lambda f: {
        "proof": bytes(32 * 64)})), FILE, spec="6")
    bad("bit", "a bit of the signature", flip(good, 110))
    bad("zero", "a signature of zeros", good[:99] + bytes(64) + good[163:])
    bad("no_key", "bytes that are no key", good[:8] + bytes(91) + good[99:])
    bad("receipt_bit", "a bit of the receipt, behind the signing", flip(good, -1))
    bad("another_key", "the key of somebody else", signed(text, receipt(coded, signing(text)),
                                                         KEYS["creator-p256"].private))
    bad("another_id", "the id of another key was given", good, identity="00" * 32)
    bad("another_label", "signed for something else", signed(text, receipt(coded, signing(text)),
                                                             label="release"))
    other = manifest(parts, until=60)
    bad("another_manifest", "of another bundle", sign(other))
    shown("another_class", "the entry is of an export", signing(text, class_=18))
    shown("another_request", "the entry names another manifest", signing(
        text, request=draw("another manifest")))
    shown("another_auditor", "the entry names another auditor", signing(text, P384))
    plain = signing(text)
    del plain.main["request"]
    shown("no_request", "the entry names no manifest", plain)
    shown("record_bit", "the record does not open its leaf",
          change=lambda f: {"record": flip(f["record"], -1)})
    shown("leaf_bit", "another leaf", change=lambda f: {"leaf": flip(f["leaf"], -1)})
    shown("proof_bit", "the proof leads elsewhere", change=lambda f: {"proof": flip(f["proof"], 0)})
    shown("proof_short", "a hash less", change=lambda f: {"proof": f["proof"][32:]})
    shown("another_index", "another index", index=3)
    shown("no_checkpoint", "no note", change=lambda f: {"checkpoint": b"x\n"})
    shown("another_log", "a checkpoint of another log", signer=ELSEWHERE)
    shown("stranger", "a checkpoint that another key signed", signer=STRANGER)
    shown("checkpoint_bit", "a signature of the checkpoint does not hold", change=lambda f: {
        "checkpoint": other_signature(f["checkpoint"])})


def other_signature(text):
    """Another signature in the place of the first one, which is that of the key that is given."""
    lines = text.split(b"\n")
    at = lines.index(b"") + 1
    changed = b"B" if lines[at][-20:-19] != b"B" else b"C"
    lines[at] = lines[at][:-20] + changed + lines[at][-19:]
    return b"\n".join(lines)


# ---- parts ----

def refused_parts():
    def bad(name, spec, expect, comment, change, place, where=None, of="whole", **how):
        parts = dict(whole(of, **how))
        change(parts)
        vector("part_" + name, spec, expect, comment, written(parts), place, where)

    def part(name, spec, expect, comment, of, content, place=None, where=None):
        def change(parts):
            old = [n for n in parts if n == of or of.endswith("/") and n.startswith(of)][0]
            parts[old] = content(parts[old]) if callable(content) else content
        bad(name, spec, expect, comment, change, place or of, where)

    point = "log/checkpoint"
    part("checkpoint_none", "7.2", "malformed log-note", "no note", point, b"x\n")
    part("checkpoint_bit", "7.2", "not-authentic log-signature", "its signature does not hold", point,
         other_signature)
    bad("checkpoint_stranger", "7.2", "no-match log-key", "another key signed it", lambda parts:
        parts.update(log_parts(code(EVENTS), signer=STRANGER)), point)
    bad("checkpoint_elsewhere", "7.2", "no-match log-key", "the checkpoint of another log", lambda parts:
        parts.update(log_parts(code(EVENTS), signer=ELSEWHERE)), point)

    wrong = "malformed incident-file"
    part("incident_window", "7.4", wrong, "the window ends before it begins", "incident",
         INCIDENT.replace(b"2031-01-05T12:00Z", b"2030-01-01"), where="line 3")
    part("incident_option", "7.4", wrong, "an option that does not exist", "incident",
         INCIDENT + b'thief = "x"\n', where="line 6")
    part("incident_item", "7.4", wrong, "nothing of this kind can be stolen", "incident",
         INCIDENT.replace(b"provider-keys", b"provider-key"), where="line 4")
    part("incident_nothing", "7.4", wrong, "nothing was stolen", "incident",
         re.sub(rb"stolen.*\n", b"", INCIDENT))
    part("incident_not_copied", "7.4", wrong, "a time that is none", "incident",
         INCIDENT + b'not-copied = {"/srv since unknown"}\n', where="line 6")

    rows = list(enumerate(code(EVENTS)))
    good = records_of(rows)

    def records(name, spec, expect, comment, content, where=None, place="records", **how):
        part("records_" + name, spec, expect, comment, "records",
             sealed("records " + name, content, **how), place, where)

    part("records_bit", "7.5", "not-authentic log-sealed", "a bit of them", "records",
         lambda old: flip(old, -1))
    part("records_cut", "7.5", "not-authentic log-sealed", "without their last byte", "records",
         lambda old: old[:-1])
    part("records_magic", "7.5", "malformed log-file", "another beginning", "records",
         lambda old: flip(old, 0))
    part("records_empty", "7.5", "malformed log-file", "no bytes", "records", b"")
    records("as_export", "7.5", "not-authentic log-sealed", "sealed as an export is", good,
            label="log-export")
    records("for_another", "7.5", "no-match log-auditor", "sealed to another key of the same kind", good,
            key="customer-p256-b")
    records("for_p384", "7.5", "no-match log-auditor", "sealed to a key of another kind", good, key=P384)
    records("layout", "7.6", "malformed log-file", "another beginning within", flip(good, 0), "record 0")
    records("short", "7.6", "malformed log-file", "the last one is cut", good[:-1], "record 7")
    records("twice", "7.6", "malformed log-file", "an index twice", records_of(rows[:4] + rows[3:]),
            "record 4")
    changed = [*rows]
    changed[3] = (3, (flip(rows[3][1][0], -1), rows[3][1][1]))
    records("key_bit", "7.6", RECORD, "a bit of one that the inventory needs", records_of(changed),
            "record 4")
    changed = [*rows]
    changed[4] = (4, (flip(rows[4][1][0], -1), rows[4][1][1]))
    records("release_bit", "7.7", RECORD, "a bit of one of a release", records_of(changed), "entry 4",
            "log")
    alien = log.encode_event(a_release(3), lambda size: draw("salt of another log", size))
    changed[4] = (4, alien)
    records("of_another_log", "7.7", RECORD, "the record and leaf of another log", records_of(changed),
            "entry 4", "log")
    records("behind_the_tree", "7.7", RECORD, "an index that the tree has not",
            records_of(rows[:7] + [(100, rows[7][1])]), "entry 100", "log")

    inventory, listed = "inventory.json", RESULT
    part("inventory_line", "7.6", listed, "a line less", inventory, lambda old: old.split(b"\n", 1)[1])
    part("inventory_space", "7.6", listed, "a space", inventory, lambda old: old.replace(b":", b": ", 1))
    part("inventory_escaped", "7.6", listed, "a character that needs no escape", inventory,
         lambda old: old.replace("ü".encode(), b"\\u00fc"))
    part("inventory_behind", "7.6", listed, "a line end more", inventory, lambda old: old + b"\n")
    part("inventory_order", "7.6", listed, "lines in another order", inventory,
         lambda old: b"".join(reversed(old.splitlines(True))))

    cat = "malformed catalogue-file"
    part("catalogue_none", "7.7", cat, "no database", "catalogue", b"x" * 512)
    part("catalogue_application", "7.7", cat, "of another program", "catalogue", CATALOGUE[:68] + u32(7)
         + CATALOGUE[72:])
    part("catalogue_schema", "7.7", cat, "a table more", "catalogue",
         make_catalogue(change="CREATE TABLE more(x)"))
    part("catalogue_set", "7.7", cat, "an object without a set", "catalogue",
         make_catalogue(change="DELETE FROM stanza_set WHERE object = 2 AND side = 1"))
    part("catalogue_version", "7.7", "unsupported catalogue-version", "another version", "catalogue",
         make_catalogue(version=2))

    tile, entries = "log/tile/0/", "log/tile/entries/"
    names = ("tile/0/000.p/8", "tile/entries/000.p/8")
    part("tile_bit", "7.7", TREE, "a bit of a tile", tile, lambda old: flip(old, 0), "log", names[0])
    part("tile_short", "7.7", "malformed log-file", "a hash less", tile, lambda old: old[:-32], "log",
         names[0])
    part("entry_bit", "7.7", TREE, "a bit of an entry", entries, lambda old: flip(old, -1), "log", names[0])
    part("entry_form", "7.7", "malformed log-file", "an entry that does not begin like one", entries,
         lambda old: flip(old, 52), "log", "entry 1")
    part("entry_missing", "7.7", "malformed log-file", "an entry less", entries, lambda old: old[:-50],
         "log", names[1])
    for at, short in enumerate(("tile", "entries")):
        bad(short + "_lost", "7.7", "no-match log-missing", "a file of the log is not there",
            lambda parts, at=at: parts.pop("log/" + names[at]), "log", names[at])
    seven = code(EVENTS[:7] + [event(4, 7)])

    def forked(parts):
        parts.update(log_parts(seven, (5,)))
        leaves = [log.leaf_hash(leaf) for _, leaf in code(EVENTS)]
        parts["log/checkpoints/8"] = SIGNER.checkpoint(8, log.root_of(leaves))
    bad("log_two_histories", "7.7", "not-authentic log-inconsistent", "a kept checkpoint is of another tree",
        forked, "log", "size 8", coded=seven)
    bad("log_newer", "7.7", "not-authentic log-inconsistent", "a kept checkpoint is of a larger tree",
        lambda parts: parts.update({"log/checkpoints/9": SIGNER.checkpoint(9, draw("root"))}),
        "log/checkpoints/9", "above checkpoint")
    bad("log_kept_stranger", "7.7", "no-match log-key", "another key signed a kept checkpoint",
        lambda parts: parts.update({"log/checkpoints/5": STRANGER.checkpoint(5, draw("root"))}),
        "log/checkpoints/5")

    made = "assessment.json"
    part("result_answer", "7.8", RESULT, "another answer", made, lambda old: old.replace(
        b"not-readable", b"readable", 1))
    part("result_space", "7.8", RESULT, "a space", made, lambda old: old + b" ")
    part("result_of_another_incident", "7.8", RESULT, "the incident file is another one", "incident",
         INCIDENT.replace(b"2030-12-01", b"2030-12-02"), made)
    part("result_of_another_catalogue", "7.8", RESULT, "the catalogue is another one", "catalogue",
         make_catalogue(change="UPDATE object SET label = 'x' WHERE id = 2"), made)
    bad("result_without_policy", "7.8", RESULT, "a policy is no part any more",
        lambda parts: parts.pop(f"policy/{DIGEST.hex()}"), made)
    part("result_of_another_log", "7.8", RESULT, "the result of fewer records", "records", sealed(
        "records fewer", records_of(rows[:7])), made)


accepted()
refused_manifests()
refused_files()
refused_signatures()
refused_parts()
