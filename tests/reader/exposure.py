# SPDX-License-Identifier: Apache-2.0
"""Exposure, written from spec/exposure.md alone: the rules are applied, in any order, until
nothing changes. A world is the list of the lines of a vector, each a list of words."""

FOREVER = float("inf")
MISSING = ["log-start", "log-end", "log-gap", "log-record", "log-process", "header", "set", "key"]
LONE = {"tls-key", "proxy", "store", "passphrase", "hsm-pin"}


class World:
    def __init__(self, lines):
        self.thefts, self.own, self.entries, self.objects = [], set(), [], {}
        self.grants = set()
        for words in lines:
            getattr(self, "_" + words[0])(*words[1:])

    def _window(self, start, end, gap=120):
        self.start, self.end, self.gap = int(start), int(end), int(gap)

    def _stolen(self, item, *rest):
        name = None if item in LONE else rest[0]
        rest = rest if item in LONE else rest[1:]
        until = int(rest[1]) if len(rest) > 1 and rest[1] != "-" else FOREVER
        self.thefts.append((item, name, int(rest[0]), until))

    def _own(self, key):
        self.own.add(int(key))

    def _entry(self, index, after, before, what, *rest):
        self.entries.append({"index": int(index), "after": int(after), "before": int(before),
                             "what": what, "rest": rest})

    def _object(self, name, body, verified):
        self.objects[int(name)] = {"body": body == "body", "verified": verified == "verified",
                                   "sets": []}

    def _document(self, name, key):
        self._object(name, "body", "verified")
        self.objects[int(name)]["document"] = True
        self._set(name, "customer", "copied", key)

    def _set(self, name, side, copied, *keys):
        self.objects[int(name)]["sets"].append((side, copied == "copied", [int(k) for k in keys]))

    def _grant(self, policy, device, key):
        self.grants.add((policy, device, int(key)))

    def _expect(self, *_):
        pass


class Closure:
    """What the thief knows: facts, each with the fewest steps and the choice they came from."""

    def __init__(self, world):
        self.w, self.known = world, {}
        self.by_index = {e["index"]: e for e in world.entries}
        while self.round():
            pass

    def learn(self, fact, steps, choice=()):
        if fact not in self.known or (steps, choice) < self.known[fact]:
            self.known[fact] = (steps, choice)
            self.changed = True

    def steps(self, fact):
        return self.known[fact][0] if fact in self.known else None

    def had(self, entry, *items):
        return any(t[:2] == item and t[2] <= entry["before"] and t[3] > entry["after"]
                   for t in self.w.thefts for item in items)

    def before_end(self, entry):
        return entry["after"] < self.w.end

    def in_window(self, entry):
        return entry["before"] >= self.w.start and self.before_end(entry)

    def named(self, entry, index, what):
        other = self.by_index.get(int(index))
        return other if other and other["what"] == what and other["index"] < entry["index"] else None

    def rogue(self, device):
        if self.had(device, ("process", "keyd"), ("process", "logd")):
            return True
        code = self.named(device, device["rest"][0], "code")
        return bool(code and self.in_window(code) and self.had(code, ("admin", code["rest"][0])))

    def device_steps(self, entry, index):
        device = self.named(entry, index, "device")
        if not device:
            return None
        if self.had(entry, ("device", index)):
            return 1
        return 2 if self.rogue(device) else None

    def page(self, entry):
        return self.had(entry, ("process", "httpd"), ("tls-key", None), ("proxy", None))

    def forgery(self, entry, factor):
        kind, name, verifier = factor.split(":")
        items = {"admin": [("admin", name)], "token": [("token-key", name), ("process", "fetchd")],
                 "cert": [("ca", name)], "front": [t[:2] for t in self.w.thefts if t[0] == "ca"],
                 }.get(kind, [])
        items = items + [("process", "authd")] * (entry["rest"][1] == "clear")
        if self.had(entry, ("process", verifier), *items):
            return 1
        if kind == "confirmation":
            confirmation = self.named(entry, name, "confirmation")
            return confirmation and self.confirmation(entry, confirmation, confirmation["rest"][0])
        return self.device_steps(entry, name) if kind in ("device", "approval") else None

    def confirmation(self, entry, confirmation, name):
        device = self.named(confirmation, name, "device")
        if self.page(confirmation):
            return 1
        steps = device and self.device_steps(entry, name)
        return 2 if device and not steps and self.page(device) else steps

    def intercept(self, entry, clear, factors):
        ways = [self.device_steps(entry, f.split(":")[1]) for f in factors if f.startswith("device:")]
        if clear and self.page(entry):
            ways.append(1)
        return min((w for w in ways if w), default=None)

    def service_keys(self):
        return {int(e["rest"][0]) for e in self.w.entries if e["what"] == "key"} | self.w.own

    def customer_keys(self):
        named = {int(k) for e in self.w.entries if e["what"] == "key" for k in e["rest"]}
        return named | self.w.own

    def round_keys(self):
        items = {t[:2] for t in self.w.thefts}
        for item, name, _, _ in self.w.thefts:
            if item == "key":
                self.learn(("key", int(name)), 1)
        whole = {("hsm-pin", None)} | {("process", p) for p in ("keyd", "tokend", "parent")}
        for key in self.service_keys():
            if whole & items:
                self.learn(("key", key), 2)
            if {("store", None), ("passphrase", None)} <= items:
                self.learn(("key", key), 3)

    def round_release(self, entry):
        _, clear, objects, *factors = entry["rest"]
        forged = [self.forgery(entry, f) for f in factors]
        for name in map(int, objects.split(",")):
            if self.in_window(entry) and all(forged):
                self.learn(("customer", name), sum(forged) + 1, (2, entry["index"]))
            steps = self.intercept(entry, clear == "clear", factors)
            if self.before_end(entry) and steps:
                self.learn(("customer", name), steps + 1, (3, entry["index"]))

    def round_object(self, name, thing):
        for side, copied, keys in thing["sets"]:
            for key in keys:
                if copied and ("key", key) in self.known:
                    self.learn((side, name), self.steps(("key", key)) + 1, (1, key))
        shares = [self.steps(("customer", name)), self.steps(("provider", name)) or 1]
        if all(shares) and thing["body"]:
            self.learn(("object", name), sum(shares) + 1)

    def round(self):
        self.changed = False
        for name, thing in self.w.objects.items():
            self.round_object(name, thing)
        for entry in self.w.entries:
            if entry["what"] == "release":
                self.round_release(entry)
        self.round_keys()
        if not self.changed:
            return False
        # Steps of objects are those of the shares at last.
        for name in self.w.objects:
            self.known.pop(("object", name), None)
        for name, thing in self.w.objects.items():
            self.round_object(name, thing)
        return True


def missing_of_log(c):
    w, missing = c.w, set()
    entries = sorted(w.entries, key=lambda e: e["index"])
    configs = [e["index"] for e in entries if e["what"] == "config"]
    releases = [e["index"] for e in entries if e["what"] == "release" and c.before_end(e)]
    if all(t[0] == "key" for t in w.thefts):
        return missing
    if not entries or (entries[0]["index"], entries[0]["what"]) != (0, "begun"):
        missing.add("log-start")
    if not configs or (releases and releases[0] < configs[0]):
        missing.add("log-start")
    if not entries or entries[-1]["after"] < w.end:
        missing.add("log-end")
    for a, b in zip(entries, entries[1:]):
        if c.before_end(a) and b["after"] >= w.start and b["after"] - a["after"] > w.gap:
            missing.add("log-gap")
        if c.before_end(a) and b["index"] != a["index"] + 1:
            missing.add("log-record")
    for e in filter(c.before_end, entries):
        named = {"device": "device", "approval": "device", "confirmation": "confirmation"}
        factors = [f.split(":") for f in e["rest"][3:]] if e["what"] == "release" else []
        wanted = {"device": [("code", i) for i in e["rest"][:1]],
                  "confirmation": [("device", i) for i in e["rest"][:1]],
                  "release": [(named[f[0]], f[1]) for f in factors if f[0] in named],
                  }.get(e["what"], [])
        if e["what"] == "closed" or not all(c.named(e, i, what) for what, i in wanted):
            missing.add("log-record")
    window = any(t[:2] == ("process", "logd") and t[2] <= w.end and t[3] >= w.start
                 for t in w.thefts)
    prompt = any(c.before_end(e) and e["what"] in ("config", "release") and
                 e["rest"][0] == "prompt" for e in entries)
    return missing | ({"log-process"} if window and prompt else set())


def missing_of_object(c, thing):
    keys = [k for side, _, keys in thing["sets"] if side == "customer" for k in keys]
    missing = set() if keys else {"header"}
    missing |= set() if thing["verified"] else {"set"}
    return missing | (set() if set(keys) <= c.customer_keys() else {"key"})


def on_device(c, name):
    stolen = {t[1] for t in c.w.thefts if t[0] == "device"}
    for e in c.w.entries:
        if e["what"] != "release" or str(name) not in e["rest"][2].split(","):
            continue
        for factor in e["rest"][3:]:
            kind, index, _ = factor.split(":")
            device = c.named(e, index, "device")
            if kind == "device" and device and (index in stolen or c.rogue(device)):
                return True
    return False


def in_force(c, second):
    """Policies that could be in force then, None for what nobody knows: each entry was made at some
    second behind its *after*, and at *before* at the latest."""
    entries = sorted(c.w.entries, key=lambda e: e["index"])
    found, now, since, last, index = set(), None, 0, 0, None
    for e in entries + [{"index": None, "after": FOREVER, "before": FOREVER, "what": "end", "rest": ()}]:
        if index is None and (e["index"], e["what"]) == (0, "begun"):
            now = "nothing"
        broken = e["what"] == "closed" or (e["what"] == "policy" and e["rest"][0] == "-")
        broken = broken or (index is not None and e["index"] not in (index + 1, None))
        if (broken or e["what"] in ("policy", "end")) and since < second <= e["before"]:
            found.add(now)
        if broken:
            now, since = None, last
        if e["what"] == "policy" and e["rest"][0] != "-":
            # What was in force up to now, also if it was not known what, was so until this was made.
            if since < second <= e["before"]:
                found.add(now)
            now, since = e["rest"][0], e["after"]
        last, index = e["after"], e["index"]
    return found - {"nothing"}


def granted(c, key):
    """Section 5.1: second by second."""
    if not any(e["what"] == "key" and int(e["rest"][0]) == key for e in c.w.entries):
        return True  # it has no name
    if not any(e["what"] == "policy" and e["rest"][0] != "-" for e in c.w.entries):
        return True
    if any(t[0] == "process" and t[1] != "fetchd" and t[2] <= c.w.end for t in c.w.thefts):
        return True
    if any(t[0] == "admin" and t[2] <= c.w.end for t in c.w.thefts):
        return True
    policies = {s: in_force(c, s) for s in range(c.w.start, c.w.end + 1)}
    for d in (e for e in c.w.entries if e["what"] == "device"):
        if c.had(d, ("process", "keyd"), ("process", "logd")):
            return True
        had = [t[2] for t in c.w.thefts if t[:2] == ("device", str(d["index"])) and t[2] <= c.w.end]
        for second, known in policies.items():
            if not c.rogue(d) and not any(since <= second for since in had):
                continue
            for policy in known:
                if policy is None or (policy, str(d["index"]), key) in c.w.grants:
                    return True
    return False


def online(c, thing):
    devices = [e for e in c.w.entries if e["what"] == "device"]
    taken = {t[1] for t in c.w.thefts if t[0] == "device" and t[2] <= c.w.end}
    able = any(c.rogue(d) or str(d["index"]) in taken for d in devices)
    able = able or any(t[0] == "admin" and t[2] <= c.w.end for t in c.w.thefts)
    if thing.get("document"):
        able = any(t[0] == "token-key" and t[2] <= c.w.end for t in c.w.thefts)
    keys = {k for side, _, keys in thing["sets"] if side == "customer" for k in keys}
    return bool(able and thing["body"]) and any(
        thing.get("document") or granted(c, k) for k in keys & c.service_keys())


def detail(c, name):
    words = {1: "key", 2: "release", 3: "intercept"}
    rule, number = c.known[("customer", name)][1]
    provider = c.known.get(("provider", name))
    return (f"{c.steps(('object', name))}:{words[rule]}-{number}:" +
            (f"key-{provider[1][1]}" if provider else "assumed"))


def verdicts(lines):
    """For each object, in the order of the world, what stands behind `expect`."""
    c = Closure(World(lines))
    log, found = missing_of_log(c), []
    for name, thing in c.w.objects.items():
        missing = log | missing_of_object(c, thing)
        readable = ("object", name) in c.known
        if readable:
            answer = "readable " + detail(c, name)
        elif missing:
            answer = "unknown " + ",".join(m for m in MISSING if m in missing)
        else:
            answer = "not-readable -"
        found.append(f"{name} {answer} {'on-device' if on_device(c, name) else '-'} "
                     f"{'online' if readable or online(c, thing) else '-'}")
    return found
