# SPDX-License-Identifier: Apache-2.0
"""The policy, written from spec/policy.md alone."""

import datetime
import ipaddress
import re

LIMIT = 262143
NAME = {"keys": r"[a-z0-9][a-z0-9._-]{0,63}|\*", "users": r"[a-z0-9._@-]{1,64}|\*",
        "approvers": r"[a-z0-9._@-]{1,64}"}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LISTS = ["keys", "users", "groups", "devices", "labels", "networks", "weekdays", "hours",
         "client-certificate", "tokens", "approvers"]
ISSUER = ["url", "audience", "claim", "max-age"]
FETCHED = ["key-set", "key-set-ca", "key-set-refresh", "key-set-max-age"]
URL = r"https://[A-Za-z0-9\[][A-Za-z0-9._~:/?\[\]&=+%,;!$'()*-]*"
MOST = {"group": 1000, "rule": 1000, "issuer": 16, "auditor": 16}
OPTIONS = {"group": ["users"], "auditor": ["key-id"], "issuer": ISSUER + FETCHED,
           "rule": LISTS + ["zone", "per-minute", "per-day", "approvals", "allow"]}
TOKEN = re.compile(r'(?P<blank>[ \t\n]+|#[^\n]*)|(?P<text>"[^"\\\n\t]*")|'
                   r'(?P<word>[a-z-]+)|(?P<number>[0-9]+)|(?P<sign>[{}=,])')


class PolicyError(Exception):
    def __init__(self, code, line):
        self.code, self.line = code, line
        super().__init__(f"{line}: {code}")


def parse(data):
    """[rule], each a dictionary of its options with `title` and `line`."""
    if len(data) > LIMIT:
        raise PolicyError("too-large", 1)
    text = decode(data)
    if "${" in text:
        raise PolicyError("environment", 1 + text[:text.index("${")].count("\n"))
    return Parser(text).policy()


def decode(data):
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            if re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", line.decode()):
                raise PolicyError("text", number)
        except UnicodeDecodeError:
            raise PolicyError("text", number) from None
    return data.decode()


class Parser:
    def __init__(self, text):
        self.tokens = self.split(text)
        self.groups, self.rules, self.issuers, self.auditors = {}, {}, {}, {}
        self.step()

    def split(self, text):
        at, line = 0, 1
        while at < len(text):
            m = TOKEN.match(text, at)
            wrong = not m or (m["text"] and len(m[0].encode()) > 257) or len(m["word"] or "") > 32
            wrong = wrong or len(m["number"] or "") > 10
            if wrong:
                yield "wrong", "", line
                return
            if not m["blank"]:
                yield m.lastgroup if not m["sign"] else m[0], m[0].strip('"'), line
            line += m[0].count("\n")
            at = m.end()
        yield "end", "", line

    def step(self):
        token = getattr(self, "kind", None), getattr(self, "value", None), getattr(self, "line", 0)
        self.kind, self.value, self.line = next(self.tokens, ("end", "", token[2]))
        return token

    def take(self, kind):
        if self.kind != kind:
            raise PolicyError("syntax", self.line)
        return self.step()[1]

    def policy(self):
        while self.kind == "word":
            self.section()
        if self.kind != "end":
            raise PolicyError("syntax", self.line)
        for rule in self.rules.values():
            for name, line in rule.get("groups", ()):
                if name not in self.groups:
                    raise PolicyError("unknown-group", line)
        for rule in self.rules.values():
            for name, line in rule.get("tokens", ()):
                if name not in self.issuers:
                    raise PolicyError("unknown-issuer", line)
        for rule in self.rules.values():
            rule["users"] = rule.get("users", []) + [
                user for name, _ in rule.get("groups", ()) for user in self.groups[name]["users"]]
        return list(self.rules.values())

    def section(self):
        what, line = self.value, self.line
        if what not in OPTIONS:
            raise PolicyError("unknown-option", line)
        known = {"group": self.groups, "rule": self.rules, "issuer": self.issuers,
                 "auditor": self.auditors}[what]
        if len(known) == MOST[what]:
            raise PolicyError("too-many", line)
        self.step()
        if self.kind == "text" and not 1 <= len(self.value.encode()) <= 64:
            raise PolicyError("title", self.line)
        if (what == "issuer" and self.kind == "text"
                and not re.fullmatch("[a-z0-9][a-z0-9-]{0,31}", self.value)):
            raise PolicyError("title", self.line)
        if self.kind == "text" and self.value in known:
            raise PolicyError("repeated-title", self.line)
        title = self.take("text")
        self.take("{")
        section = {"title": title, "line": line}
        while self.kind == "word":
            self.option(OPTIONS[what], section)
        if self.kind != "}":
            raise PolicyError("syntax", self.line)
        need = {"group": ["users"], "rule": ["keys", "allow"], "issuer": ISSUER,
                "auditor": ["key-id"]}[what]
        if (any(n not in section for n in need)
                or not {"users", "groups", "url", "key-id"} & set(section)):
            raise PolicyError("missing-option", line)
        if what == "rule" and not factors_fit(section):
            raise PolicyError("factors", line)
        if what == "issuer" and not key_set_fits(section):
            raise PolicyError("key-set", line)
        if what == "issuer" and any(i["url"] == section["url"] for i in known.values()):
            raise PolicyError("repeated-issuer", line)
        self.step()
        known[title] = section

    def option(self, allowed, section):
        name, line = self.value, self.line
        if name not in allowed:
            raise PolicyError("unknown-option", line)
        if name in section:
            raise PolicyError("repeated-option", line)
        self.step()
        self.take("=")
        line = self.line
        if self.kind not in ("{", "text", "number") and self.value not in ("true", "false"):
            raise PolicyError("syntax", line)
        wanted = {"zone": "text", "allow": "word", "per-minute": "number", "per-day": "number",
                  "approvals": "number", "url": "text", "audience": "text", "claim": "text",
                  "max-age": "number", "key-set": "text", "key-set-ca": "text",
                  "key-set-refresh": "number", "key-set-max-age": "number",
                  "key-id": "text"}.get(name, "{")
        if self.kind != wanted:
            raise PolicyError("value", line)
        kind, value, _ = self.step()
        if kind == "{":
            section[name] = list(self.items(name, line))
        elif kind == "number":
            most = {"approvals": 8, "max-age": 86400, "key-set-refresh": 86400,
                    "key-set-max-age": 2592000}.get(name, 10**9)
            require(value[0] != "0" and int(value) <= most, line)
            section[name] = int(value)
        else:
            section[name] = (value == "true" if name == "allow" else zone(value, line)
                             if name == "zone" else issuer_text(name, value, line))

    def items(self, name, line):
        if self.kind == "}":
            raise PolicyError("value", line)
        while True:
            if self.kind != "text":
                raise PolicyError("syntax", self.line)
            yield item(name, self.value, self.line)
            self.step()
            if self.kind == "}":
                self.step()
                return
            self.take(",")


def require(condition, line):
    if not condition:
        raise PolicyError("value", line)


def issuer_text(name, value, line):
    if name == "key-id":
        require(re.fullmatch("[0-9a-f]{64}", value), line)
    pattern = {"url": "https://.+", "key-set": URL}.get(name, ".+")
    require(re.fullmatch(pattern,
                         value) and len(value.encode()) <= (64 if name == "claim" else 200),
            line)
    return value


def key_set_fits(issuer):
    if "key-set" not in issuer:
        return not set(FETCHED) & set(issuer)
    return issuer.get("key-set-max-age", 86400) >= issuer.get("key-set-refresh", 300)


def factors_fit(rule):
    approvers = rule.get("approvers", [])
    if not rule["allow"] and {"client-certificate", "tokens", "approvals",
                              "approvers"} & set(rule):
        return False
    if {"tokens", "approvals"} <= set(rule):
        return False
    return (("approvals" in rule) == ("approvers" in rule)
            and len(set(approvers)) == len(approvers) >= rule.get("approvals", 0))


def item(name, value, line):
    if name in NAME:
        require(re.fullmatch(NAME[name], value), line)
    elif name == "devices":
        require(re.fullmatch("[0-9a-f]{64}", value), line)
    elif name == "client-certificate":
        require(re.fullmatch(r"\*|user|sha256:[0-9a-f]{64}|(cn|uri):.+|(email|dns):[^A-Z]+", value)
                and len(value.partition(":")[2].encode()) <= 200, line)
    elif name == "weekdays":
        require(value in DAYS, line)
    elif name in ("groups", "tokens"):
        return value, line
    elif name == "networks":
        return network(value, line)
    elif name == "hours":
        return hours(value, line)
    return value


def network(value, line):
    require(re.fullmatch("[0-9a-fA-F:.]+/(0|[1-9][0-9]{0,2})", value), line)
    try:
        net = ipaddress.ip_network(value)
    except ValueError:
        raise PolicyError("value", line) from None
    inside = net.version == 6 and net.subnet_of(ipaddress.ip_network("::ffff:0:0/96"))
    require(not inside, line)
    return net


def clock(text, line):
    m = re.fullmatch("([0-9]{2}):([0-5][0-9])", text)
    require(m and int(m[1]) * 60 + int(m[2]) <= 1440, line)
    return int(m[1]) * 60 + int(m[2])


def hours(value, line):
    require(value.isascii() and len(value) == 11 and value[5] == "-", line)
    begin, end = clock(value[:5], line), clock(value[6:], line)
    require(begin < end, line)
    return begin, end


def zone(value, line):
    if value == "Z":
        return 0
    require(value.isascii() and len(value) == 6 and value[0] in "+-", line)
    minutes = clock(value[1:], line)
    require(minutes <= 14 * 60, line)
    return minutes if value[0] == "+" else -minutes


# Judgement. A request is a dictionary of texts: user, key, and maybe device, label,
# address, time.


def reasons(rule, request):
    there = (datetime.datetime(1970, 1, 1)
             + datetime.timedelta(seconds=int(request["time"]), minutes=rule.get("zone", 0)))
    minute = there.hour * 60 + there.minute
    named = {"key": rule["keys"], "user": rule["users"]}
    for name, values in named.items():
        if request[name] not in values and "*" not in values:
            yield name
    if "devices" in rule and request.get("device") not in rule["devices"]:
        yield "device"
    if "labels" in rule and request.get("label", "") not in rule["labels"]:
        yield "label"
    if "networks" in rule and not in_networks(rule["networks"], request.get("address", "::")):
        yield "network"
    if "weekdays" in rule and DAYS[there.weekday()] not in rule["weekdays"]:
        yield "weekday"
    if "hours" in rule and not any(a <= minute < b for a, b in rule["hours"]):
        yield "hours"


def in_networks(networks, text):
    address = ipaddress.ip_address(text)
    if address.version == 6 and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address != ipaddress.ip_address("::") and any(
        address.version == net.version and address in net for net in networks)


def verdict(rule, request):
    if not rule["allow"]:
        return "deny"
    user, has = request["user"], request.get("certificate", "").split()
    wanted = rule.get("client-certificate")
    if wanted and not any(
            has and (name == "*" or name in has or (name == "user" and
                     {"cn:" + user, "email:" + user} & set(has))) for name in wanted):
        return "certificate-required"
    if "tokens" in rule and request.get("token") not in [name for name, _ in rule["tokens"]]:
        return "token-required"
    approved = set(request.get("approvers", "").split()) & set(rule.get("approvers", ())) - {user}
    return "allow" if len(approved) >= rule.get("approvals", 0) else "approval-required"


def judge(rules, request):
    """(verdict, the reason of each rule that was tried)."""
    tried = []
    for rule in rules:
        tried.append(next(reasons(rule, request), "matches"))
        if tried[-1] == "matches":
            return verdict(rule, request), tried
    return "deny", tried
