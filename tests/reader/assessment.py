# SPDX-License-Identifier: Apache-2.0
"""The result of spec/exposure.md section 9, where nothing but keys was stolen and no object is
readable or unknown: then all of it follows from the text, which leaves words to the program."""

import hashlib
import json
from types import SimpleNamespace

from . import evidence, exposure, incident as incidents, policy
from .header import CUSTOMER, PROVIDER

ANSWERS = ("readable", "unknown", "not-readable")


class OtherCase(NotImplementedError):
    pass


def stolen(incident, cat):
    for what, name, since, until in incident.items:
        if what == "key":
            yield bytes.fromhex(name)
        elif what == "provider-keys":
            found = {key[2] for o in cat.objects for s in o.sets[PROVIDER]
                     for key in s.stanzas + s.formers if key[3] == name}
            if not found:
                raise OtherCase(name)
            yield from found
        else:
            raise OtherCase(what)


def is_open(path, at, last, items):
    """At some time from at to last."""
    for folder, begin, end in sorted(items, key=lambda item: item[1]):
        if begin <= at <= end and path.startswith(folder.encode() + b"/"):
            if end >= last:
                return False
            at = end + 1
    return True


def is_copied(object_, incident):
    """Some place of it is open at a time of its stay: section 8.3."""
    for path, since, until in object_.places:
        first = min(object_.created, since)
        last = until if until is not None and until > first else incidents.FOREVER
        if is_open(path, first, last, incident.not_copied):
            return True
    return not object_.places


def world(incident, cat, events):
    made = [e.main for e in events if e.class_ == 5]
    taken = set(stolen(incident, cat))
    keys = {key[2] for o in cat.objects for side in o.sets.values() for s in side
            for key in s.stanzas + s.formers}
    keys |= {main[name] for main in made for name in ("key_id", "recovery") if name in main}
    number = {key: str(i) for i, key in enumerate(sorted(keys | taken | set(incident.own)))}
    lines = [["window", str(incident.start), str(incident.end), str(incident.silence)]]
    lines += [["stolen", "key", number[key], "0"] for key in sorted(taken)]
    lines += [["own", number[key]] for key in incident.own]
    lines += [["entry", str(i), "0", "1", "key", *(number[main[name]] for name in
               ("key_id", "recovery") if name in main)] for i, main in enumerate(made)]
    for at, o in enumerate(cat.objects):
        copied = is_copied(o, incident)
        lines.append(["object", str(at), "body" if copied else "no-body",
                      "verified" if incident.as_written else "unverified"])
        for side, word in ((CUSTOMER, "customer"), (PROVIDER, "provider")):
            lines += [["set", str(at), word, "copied" if copied else "not-copied",
                       *(number[key[2]] for key in s.stanzas + s.formers)]
                      for s in o.sets[side]]
    return lines


def tally(rows, name):
    return [{name: key, "readable": 0, "unknown": 0, "not-readable": rows[key]}
            for key in sorted(rows, key=str.encode)]


def scans_of(cat):
    """Of the newest scan of each root: how many, not ended, places missed."""
    newest = {root: (ended, missed) for root, _, ended, missed in cat.scans}
    return (len(newest), sum(ended is None for ended, _ in newest.values()),
            sum(missed or 0 for _, missed in newest.values()))


def what(event):
    """Of an entry, as far as it matters for what was in force: section 5.1."""
    if event is None or event.class_ == 2 and not (
            {1, 2, 4} & {f[0] for f in event.main.get("factors", ())}
            or {"token", "certificate"} & set(event.main)):
        return ["closed"]
    if event.class_ in (11, 15):
        done = event.class_ == 11 and event.main.get("decision") == 1
        return ["policy", event.main["policy"].hex() if done and "policy" in event.main else "-"]
    return ["begun" if event.class_ == 1 else "other"]


def policies(parts, records, events, incident, size):
    """(those with a text, those without): of the policies that were perhaps in force in the window."""
    rows = dict(zip((row[0] for row in evidence.parse_records(records)), events))
    data, lines, last = parts["log/tile/entries/000.p/%d" % size], [], (-60, 0)
    for i in range(size):
        minute = int.from_bytes(data[50 * i + 10:50 * i + 18], "big")
        back = minute - 1 < last[0]
        last = last if back else (minute - 1, minute + 59)
        lines.append(["entry", str(i), *map(str, last), *(["closed"] if back else what(rows.get(i)))])
    world = SimpleNamespace(w=exposure.World(lines))
    seconds = {incident.start, incident.end} | {int(w[2]) + 1 for w in lines}
    found = set()
    for second in seconds:
        if incident.start <= second <= incident.end:
            found |= exposure.in_force(world, second)
    named = [digest for digest in dict.fromkeys(w[5] for w in lines if w[4] == "policy") if digest in found]
    there = [digest for digest in named if is_policy(parts.get("policy/" + digest))]
    return there, [digest for digest in named if digest not in there]


def is_policy(text):
    try:
        return text is not None and policy.parse(text) is not None
    except policy.PolicyError:
        return False


def result(parts, records, events, incident, cat, checkpoint, witnessed=False):
    """records: the file; events: of its records; checkpoint: origin, size, root."""
    for line in exposure.verdicts(world(incident, cat, events)):
        if line.split()[1] != "not-readable":
            raise OtherCase(line)
    known = {o.core_digest for o in cat.objects}
    if any(item.core_digest not in known for e in events if e.class_ == 2 for item in e.objects
           if item.code == 0):
        raise OtherCase("an object that only the log has")
    labels, keys = {}, {}
    for o in cat.objects:
        labels[o.label] = labels.get(o.label, 0) + 1
        for key in {key[2].hex() for s in o.sets[CUSTOMER] for key in s.stanzas + s.formers}:
            keys[key] = keys.get(key, 0) + 1

    def digest(data):
        return hashlib.sha256(data).hexdigest()

    origin, size, root = checkpoint
    roots, unfinished, missed = scans_of(cat)
    there, gone = policies(parts, records, events, incident, size)
    if witnessed and there + gone:
        raise OtherCase("times of witnesses")
    made = {
        "format": "doublekey-assessment-1", "rules": 1,
        "inputs": {
            "incident_sha256": digest(parts["incident"]),
            "catalogue_sha256": digest(parts["catalogue"]), "catalogue_roots": roots,
            "catalogue_unfinished": unfinished, "catalogue_missed": missed,
            "records_sha256": digest(records), "log_origin": origin, "log_size": size,
            "log_root": root.hex(), "records": len(events),
            "times": "witnesses" if witnessed else "service-clock",
            "policies": there, "policies_missing": gone},
        "objects": [{"object": o.object_id.hex(), "label": o.label, "answer": "not-readable",
                     "on_stolen_device": False, "without_log": False} for o in cat.objects],
        "totals": {"objects": len(cat.objects), "readable": 0, "unknown": 0,
                   "not-readable": len(cat.objects), "on_stolen_device": 0,
                   "readable_without_log": 0, "worth_of_the_log": 0, "missing": {}},
        "evidence": [], "by_label": tally(labels, "label"), "by_key": tally(keys, "key"),
        "by_user": [], "by_day": []}
    return json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
