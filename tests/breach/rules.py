# SPDX-License-Identifier: Apache-2.0
"""What the rules of spec/exposure.md say of a theft, by tests/reader: neither the log nor the
headers nor the rules are read by what lib/ or cli/ has for it."""
import calendar
import json
import os
import time

from reader import exposure, header
from reader.header import CUSTOMER, PROVIDER

SIDES = {CUSTOMER: "customer", PROVIDER: "provider"}
FACTORS = {"device": "device", "approval": "approval", "local": "admin", "token": "token",
           "certificate": "cert"}


def minute_of(record):
    at = calendar.timegm(time.strptime(record["time"], "%Y-%m-%dT%H:%M:%SZ"))
    return at - at % 60


class Rules:
    """The world of a town, as lines of a vector (section 7)."""

    def __init__(self, town, size):
        self.town = town
        out = town.s.admin("log", "--json").stdout
        self.records = [r for r in map(json.loads, out.splitlines()) if r["index"] < size]
        self.names = {bytes.fromhex(i): n for n, i in enumerate(town.id.values())}
        self.headers = []
        for name in sorted(os.listdir(town.path("copied"))):
            with open(town.path("copied", name), "rb") as f:
                self.headers.append(header.parse_header(f))
        keys = {e.key_id for h in self.headers for side in SIDES for e in h.sets[side].entries}
        keys |= {bytes.fromhex(r["key_id"]) for r in self.records if r["class"] == "key-created"}
        self.keys = {key: n for n, key in enumerate(sorted(keys))}
        self.devices = {r["device"]: r["index"] for r in self.records
                        if r["class"] == "device-enrolled"}

    def key(self, key_id):
        return str(self.keys[key_id])

    def stolen(self, theft, begin, end):
        """One item of the incident file, section 8.2."""
        since = "0" if theft.always else str(begin)
        until = str(end) if theft.ends else "-"
        what, _, name = theft.what.partition(" ")
        if what == "provider-keys":
            what, name = "key", self.key(self.town.provider_key().id)
        elif what == "key":
            name = self.key(bytes.fromhex(name))
        elif what == "device":
            name = str(self.devices[name])
        elif what == "token-key":
            name = "1"
        what = {"backup": "store"}.get(what, what)
        words = ["stolen", what] + ([name] if name else []) + [since]
        return words + ([until] if what in ("process", "proxy") else [])

    def entry(self, r):
        after = minute_of(r) - 1
        head = ["entry", str(r["index"]), str(after), str(after + 60)]
        roots = [str(f.get("root", 0)) for f in r["factors"]]
        if r["class"] == "begun":
            return head + ["begun"]
        if r["class"] == "started":
            return head + ["config", r["mode"]]
        if r["class"] == "key-created":
            return head + ["key", self.key(bytes.fromhex(r["key_id"]))]
        if r["class"] == "code-made":
            return head + ["code", roots[0]]
        if r["class"] == "device-enrolled":
            return head + ["device", roots[0]]
        if r["class"] == "release":
            return head + self.release(r)
        return head + ["other"]

    def release(self, r):
        released = sorted({self.names[bytes.fromhex(o["id"])] for o in r["objects"]
                           if o["code"] == "ok"})
        factors = ["%s:%s:%s" % (FACTORS[f["type"]], f.get("root", 1), f["verifier"])
                   for f in r["factors"]]
        return ["release", r["mode"], "native", ",".join(map(str, released))] + factors

    def objects(self):
        for object_id, n in self.names.items():
            yield ["object", str(n), "body", "verified"]
            for h in self.headers:
                if h.core.object_id != object_id:
                    continue
                for side, name in SIDES.items():
                    keys = [self.key(e.key_id) for e in h.sets[side].entries]
                    yield ["set", str(n), name, "copied"] + list(dict.fromkeys(keys))

    def verdicts(self, thefts, begin, end):
        """By the name of each object: answer, detail, on a stolen device, readable without log."""
        lines = [["window", str(begin), str(end), "7200"]]
        lines += [self.stolen(theft, begin, end) for theft in thefts]
        lines += [["own", self.key(self.town.former_key().id)]]
        lines += [self.entry(r) for r in self.records]
        lines += self.objects()
        found = [line.split() for line in exposure.verdicts(lines)]
        return {name: tuple(words[1:]) for name, words in zip(self.town.id, found)}


def same(said, predicted):
    """What `doublekey assess` said of an object, against what the rules say."""
    answer, detail, device, online = predicted
    assert said["answer"] == answer
    assert said["on_stolen_device"] == (device == "on-device")
    assert said["without_log"] == (online == "online")
    if answer == "unknown":
        assert said["missing"] == detail
    if answer == "readable":
        steps, customer, _ = detail.split(":")
        assert said["steps"] == int(steps)
        assert said.get("entry") == (None if customer.startswith("key-") else
                                     int(customer.split("-")[1]))
