# SPDX-License-Identifier: Apache-2.0
"""What the rules of spec/exposure.md say of documents of Microsoft's protocol, as rules.py does of
objects."""
import json

from reader import exposure
from rules import Rules
from test_dke_keys import thumbprint

FRONT_CERTIFICATE = 1
OURS, OTHERS = "1", "2"  # numbers of keys that sign tokens, and of CAs


class Documents(Rules):
    def __init__(self, town, size):
        self.town = town
        out = town.s.admin("log", "--json").stdout
        self.records = [r for r in map(json.loads, out.splitlines()) if r["index"] < size]
        self.stolen_key = thumbprint(town.issuer)
        self.released = {o["document"]: o["key_id"] for r in self.records
                         if r["class"] == "release" for o in r["objects"] if o["code"] == "ok"}
        self.names = {document: n for n, document in enumerate(sorted(self.released))}
        keys = {r["key_id"] for r in self.records if r["class"] == "key-created"}
        self.keys = {bytes.fromhex(key): n
                     for n, key in enumerate(sorted(keys | set(self.released.values())))}
        self.devices = {r["device"]: r["index"] for r in self.records
                        if r["class"] == "device-enrolled"}

    def stolen(self, theft, begin, end):
        since = "0" if theft.always else str(begin)
        if theft.what.startswith("ca "):
            return ["stolen", "ca", OURS, since]
        if theft.what.startswith("token-key "):
            return ["stolen", "token-key", OTHERS if theft.what.endswith("?") else OURS, since]
        return super().stolen(theft, begin, end)

    def entry(self, r):
        words = super().entry(r)
        if r["class"] == "confirmed":
            root, = [f["root"] for f in r["factors"] if f["type"] == "device"]
            return words[:4] + ["confirmation", str(root)]
        return words

    def release(self, r):
        document, = [str(self.names[o["document"]]) for o in r["objects"]]
        types = {f["type"] for f in r["factors"]}
        factors = []
        for f in r["factors"]:
            if f["type"] == "token":
                factors.append("token:%s:authd" % (
                    OURS if f["thumbprint"] == self.stolen_key else OTHERS))
            elif f["type"] == "confirmation":
                factors.append("confirmation:%d:%s" % (f["root"], f["verifier"]))
            elif f["type"] == "front" and f["root"] == FRONT_CERTIFICATE:
                factors.append("front:0:httpd")
            elif f["type"] == "certificate" and "front" not in types:
                factors.append("cert:%s:httpd" % OURS)
        return ["release", r["mode"], "clear", document] + factors

    def verdicts(self, thefts, begin, end):
        lines = [["window", str(begin), str(end), "7200"]]
        lines += [self.stolen(theft, begin, end) for theft in thefts]
        lines += [self.entry(r) for r in self.records]
        lines += [["document", str(n), self.key(bytes.fromhex(self.released[document]))]
                  for document, n in self.names.items()]
        found = [line.split() for line in exposure.verdicts(lines)]
        return {document: tuple(words[1:]) for document, words in zip(self.names, found)}
