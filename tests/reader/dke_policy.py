# SPDX-License-Identifier: Apache-2.0
"""Tenants and decrypt rules of a policy, written from spec/profiles/ms-dke.md sections 5.1, 6
and 7 alone."""

import re
from urllib.parse import unquote_to_bytes

from . import dke, policy
from .policy import PolicyError, require

NAMED = {"key": f"{dke.NAME}", "id": dke.GUID, "hex": "[0-9a-f]{64}", "text": ".+",
         "person": dke.PERSON.pattern}
FETCH = ["key-set-ca", "key-set-refresh", "key-set-max-age"]
# Word after word: what a value is, and between which numbers, or how many items.
TENANT = {
    "id": "id", "issuers": ("url", 4), "metadata": "url", "key-set": "url",
    "audiences": ("text", 4), "clients": ("id", 16), "scopes": ("scope", 8), "claims": ("claim", 4),
    "max-age": (60, 86400), "key-quarantine": (0, 2592000), "single-use": "truth",
    "key-set-ca": "text", "key-set-refresh": (1, 86400), "key-set-max-age": (1, 2592000)}
BUDGET = (1, 10**9)
DECRYPT = {
    "keys": ("key", 0), "tenants": ("name", 0), "users": ("person", 0), "groups": ("name", 0),
    "token-groups": ("id", 0), "roles": ("text", 0), "canaries": ("hex", 0), "gates": ("gate", 8),
    "ldap-groups": ("dn", 0),
    "networks": ("networks", 0), "weekdays": ("weekdays", 0), "hours": ("hours", 0),
    "zone": "zone", "accept-level": "level", "allow": "truth", "per-minute": BUDGET,
    "per-day": BUDGET, "document-per-day": BUDGET, "key-per-day": BUDGET,
    "approvals": (1, 8), "approvers": ("approvers", 0), "approval-hours": (1, 8784)}
APPROVED = {"approved-document", "approved-key"}
ATTRIBUTE = "[A-Za-z][A-Za-z0-9-]{0,63}"
DIRECTORY = {
    "url": "ldaps", "ca": "file", "bind-dn": "dn", "password-file": "file", "base": "dn",
    "tenants": ("name", 0), "groups": ("dn", 32), "attribute": "attribute",
    "claim": "ldap-claim", "member-of": "attribute", "nested": "nested", "refresh": (1, 86400),
    "max-age": (1, 2592000)}
CHOICES = {"claim": ("upn", "email", "preferred_username", "oid"),
           "ldap-claim": ("onprem_sid", "upn", "email", "preferred_username", "oid"),
           "nested": ("none", "walk", "in-chain")}
LEVELS = ("C-", "C- (ambient)")


def segments(url):
    return url.split("?")[0].split("/")[3:]


def value_ok(kind, value, line):
    """The value as judgement wants it."""
    if kind in ("networks", "weekdays", "hours", "approvers"):
        return policy.item(kind, value, line)
    if kind == "zone":
        return policy.zone(value, line)
    if kind == "name":
        return value, line
    if kind == "url":
        require(re.fullmatch(policy.URL, value) and len(value) <= 200, line)
    elif kind == "ldaps":
        require(re.fullmatch(r"ldaps://[A-Za-z0-9\[][A-Za-z0-9.:\[\]-]*", value)
                and len(value) <= 200, line)
    elif kind == "dn":
        require(dn(value), line)
        return value, line
    elif kind == "attribute":
        require(re.fullmatch(ATTRIBUTE, value), line)
    elif kind == "file":
        require(1 <= len(value.encode()) <= 200, line)
    elif kind in CHOICES:
        require(value in CHOICES[kind], line)
    elif kind == "gate":
        require(set(value.split(" or ")) <= dke.BOUND | dke.AMBIENT, line)
    elif kind == "level":
        require(value in LEVELS, line)
    else:
        require(re.fullmatch(NAMED.get(kind, "[^ ]+"), value), line)
        require(kind in ("hex", "person") or len(value.encode()) <= 200, line)
        require(kind != "person" or value == value.lower(), line)
    return value


def dn(value):
    """The name, or None."""
    if re.search("%(?![0-9A-Fa-f]{2})", value):
        return None
    try:
        name = unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        return None
    wrong = re.search("[\0-\x1f\x7f-\x9f]", name)
    return name if "=" in name and not wrong and len(name.encode()) <= 255 else None


class Parser(policy.Parser):
    def __init__(self, text):
        self.tenants, self.decrypts, self.directories = {}, {}, {}
        super().__init__(text)

    def policy(self):
        """All of it: unknown groups come before unknown tenants."""
        while self.kind == "word":
            self.section()
        rules = [*self.rules.values(), *self.decrypts.values()]
        ldap = {name for d in self.directories.values() for name, _ in d["groups"]}
        for option, known, code, where in (
                ("groups", self.groups, "unknown-group", rules),
                ("ldap-groups", ldap, "unknown-group", rules),
                ("tokens", self.issuers, "unknown-issuer", rules),
                ("tenants", self.tenants, "unknown-issuer", rules),
                ("tenants", self.tenants, "unknown-issuer", self.directories.values())):
            for rule in where:
                for name, line in rule.get(option, ()):
                    if name not in known:
                        raise PolicyError(code, line)
        super().policy()
        return self

    def section(self):
        if self.value not in ("tenant", "decrypt", "directory"):
            if self.value == "issuer":
                self.issuers = {**dict.fromkeys([*self.tenants, *self.directories], {"url": None}),
                                **self.issuers}
            super().section()
            self.issuers = {n: i for n, i in self.issuers.items() if i["url"]}
            return
        what, line = self.value, self.line
        known = {"tenant": self.tenants, "decrypt": self.decrypts,
                 "directory": self.directories}[what]
        if len(known) == {"tenant": 16, "decrypt": 1000, "directory": 4}[what]:
            raise PolicyError("too-many", line)
        self.step()
        if self.kind == "text" and not re.fullmatch(
                "[a-z0-9][a-z0-9-]{0,31}" if what != "decrypt" else "(?s).{1,64}", self.value):
            raise PolicyError("title", self.line)
        sources = {*self.issuers, *self.tenants, *self.directories}
        if self.kind == "text" and (self.value in known or what != "decrypt"
                                    and self.value in sources):
            raise PolicyError("repeated-title", self.line)
        title = self.take("text")
        self.take("{")
        made = {"title": title, "line": line}
        while self.kind == "word":
            self.dke_option({"tenant": TENANT, "decrypt": DECRYPT, "directory": DIRECTORY}[what],
                            made)
        if self.kind != "}":
            raise PolicyError("syntax", self.line)
        {"tenant": self.check_tenant, "decrypt": check_decrypt,
         "directory": self.check_directory}[what](made)
        self.step()
        known[title] = made

    def dke_option(self, options, made):
        name, line = self.value, self.line
        if name not in options:
            raise PolicyError("unknown-option", line)
        if name in made:
            raise PolicyError("repeated-option", line)
        self.step()
        self.take("=")
        kind, line = options[name], self.line
        truth = self.kind == "word" and self.value in ("true", "false")
        if self.kind not in ("{", "text", "number") and not truth:
            raise PolicyError("syntax", line)
        if isinstance(kind, tuple) and isinstance(kind[0], int):
            require(self.kind == "number" and kind[0] <= int(self.value) <= kind[1]
                    and str(int(self.value)) == self.value, line)
            made[name] = int(self.step()[1])
        elif isinstance(kind, tuple):
            require(self.kind == "{", line)
            self.step()
            made[name] = list(self.dke_items(kind, line))
        elif kind == "truth":
            require(truth, line)
            made[name] = self.step()[1] == "true"
        else:
            require(self.kind == "text", line)
            made[name] = value_ok(kind, self.step()[1], line)
            require(name != "id" or set(made[name]) != set("0-"), line)
        made.setdefault("lines", {})[name] = line

    def dke_items(self, kind, line):
        count = 0
        if self.kind == "}":
            raise PolicyError("value", line)
        while True:
            if self.kind != "text":
                raise PolicyError("syntax", self.line)
            count += 1
            made = value_ok(kind[0], self.value, self.line)
            require(not kind[1] or count <= kind[1], self.line)
            yield (made, self.line) if kind[0] == "url" else made
            self.step()
            if self.kind == "}":
                self.step()
                return
            self.take(",")

    def check_tenant(self, made):
        if {"id", "issuers", "audiences", "clients"} - set(made):
            raise PolicyError("missing-option", made["line"])
        for url, line in made["issuers"]:
            require(made["id"] in segments(url), line)
        made["issuers"] = [url for url, _ in made["issuers"]]
        urls = [made[name] for name in ("metadata", "key-set") if name in made]
        if len(urls) == 2 or any(made["id"] not in segments(url) for url in urls):
            raise PolicyError("key-set", made["line"])
        for other in self.tenants.values():
            if set(other["issuers"]) & set(made["issuers"]):
                raise PolicyError("repeated-issuer", made["line"])
        if (not urls and set(FETCH) & set(made)
                or made.get("key-set-max-age", 86400) < made.get("key-set-refresh", 300)):
            raise PolicyError("key-set", made["line"])

    def check_directory(self, made):
        if ({"url", "base", "tenants", "groups"} - set(made)
                or ("bind-dn" in made) != ("password-file" in made)):
            raise PolicyError("missing-option", made["line"])
        if made.get("max-age", 3600) < made.get("refresh", 300):
            raise PolicyError("key-set", made["line"])
        before = {name for d in self.directories.values() for name, _ in d["groups"]}
        names = [name for name, _ in made["groups"]]
        for i, (name, line) in enumerate(made["groups"]):
            require(name not in before and name not in names[:i], line)


def approvals_fit(made, gates):
    approvers = made.get("approvers", [])
    wanted = [set(text.split(" or ")) & APPROVED for text in gates]
    wanted = [one for one in wanted if one]
    if not wanted:
        return not {"approvals", "approvers", "approval-hours"} & set(made)
    return ("approvals" in made and len(set(approvers)) == len(approvers) >= made["approvals"]
            and all(one == set.union(*wanted) for one in wanted))


def check_decrypt(made):
    gates = made.get("gates", [])
    if {"keys", "tenants", "allow"} - set(made) or not (
            {"users", "groups", "token-groups", "roles", "ldap-groups"} & set(made)):
        raise PolicyError("missing-option", made["line"])
    if (not made["allow"] and {"gates", "accept-level"} & set(made)
            or any("network" in text.split(" or ") for text in gates) and "networks" not in made
            or not approvals_fit(made, gates)):
        raise PolicyError("factors", made["line"])
    lowest = dke.lowest_level(gates)
    if made["allow"] and lowest not in ("C", made.get("accept-level")):
        raise PolicyError("level", made["line"])


def parse(data):
    require(len(data) <= policy.LIMIT, 1)
    return Parser(policy.decode(data)).policy()


def is_named(parsed, rule, request):
    person = request["person"]
    groups = {name for name, _ in rule.get("groups", ())}
    in_group = any(person in g["users"] and person != "*"
                   for title, g in parsed.groups.items() if title in groups)
    return (person in rule.get("users", ()) or in_group
            or set(request.get("groups", "").split()) & set(rule.get("token-groups", ()))
            or set(request.get("roles", "").split()) & set(rule.get("roles", ()))
            or set(request.get("ldap-groups", "").split()) & ldap_groups(rule))


def ldap_groups(rule):
    return {name for name, _ in rule.get("ldap-groups", ())}


def is_unknown(parsed, rule, request):
    stale = [parsed.directories[title] for title in request.get("stale", "").split()]
    gone = set(request.get("gone", "").split())
    return (any(name in ldap_groups(rule) for d in stale for name, _ in d["groups"])
            or not rule["allow"] and bool(gone & ldap_groups(rule)))


def why(parsed, rule, request):
    if request["key"] not in rule["keys"]:
        return "key"
    if request["tenant"] not in [name for name, _ in rule["tenants"]]:
        return "tenant"
    good = "matches"
    if not is_named(parsed, rule, request):
        if not is_unknown(parsed, rule, request):
            return "user"
        good = "directory"
    there = {"user": "*", "key": "*", "time": request["now"],
             "address": request.get("address", "::")}
    place = {name: rule[name] for name in ("networks", "weekdays", "hours", "zone") if name in rule}
    return next(policy.reasons({"keys": ["*"], "users": ["*"], **place}, there), good)


def counted(rule, request, scope):
    """Section 7.3: the places of the approvals that count."""
    oldest = int(request["now"]) - 3600 * rule.get("approval-hours", 720)
    standing = {}
    for place, text in enumerate(request.get("approved", "").split()):
        what, user, time, needed = text.split(":")
        if (int(what) == scope and user in rule.get("approvers", ()) and user != request["person"]
                and int(time) > oldest):
            standing[user] = (place, int(needed))
    left = sorted(standing.values())
    while any(needed > len(left) for _, needed in left):
        left = [one for one in left if one[1] <= len(left)]
    return [place for place, _ in left] if len(left) >= rule.get("approvals", 9) else []


def approved(rule, request):
    gates = {gate for text in rule.get("gates", ()) for gate in text.split(" or ")}
    for scope, gate in ((1, "approved-document"), (2, "approved-key")):
        if gate in gates and (found := counted(rule, request, scope)):
            return {gate}, found[-8:]
    return set(), []


def judge(parsed, request):
    """(verdict, title of the rule that decided, level, the reason of each rule tried, approvals)."""
    for rule in parsed.decrypts.values():
        if request["key"] in rule["keys"] and request.get("document") in rule.get("canaries", ()):
            return "canary", rule["title"], None, [], []
    tried = []
    for rule in parsed.decrypts.values():
        tried.append(why(parsed, rule, request))
        if tried[-1] == "directory":
            return "directory", rule["title"], None, tried, []
        if tried[-1] != "matches":
            continue
        if not rule["allow"]:
            return "policy", rule["title"], None, tried, []
        held = set(request.get("held", "").split()) | ({"network"} if "networks" in rule else set())
        held_too, places = approved(rule, request)
        held |= held_too
        level = dke.level(rule.get("gates", []), held)
        if level:
            return "success", rule["title"], level, tried, places
        asked = dke.level(rule.get("gates", []), held | APPROVED)
        return "approval-required" if asked else "gate", rule["title"], None, tried, places
    return "policy", None, None, tried, []
