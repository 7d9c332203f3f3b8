# SPDX-License-Identifier: Apache-2.0
"""The incident file, written from spec/exposure.md section 8 alone."""

import calendar
import re
from dataclasses import dataclass, field

from .fields import is_custodian

FOREVER = float("inf")
LISTS, ALONE = ("stolen", "own-keys", "not-copied", "not-shown"), ("from", "to", "sets", "silence")
NAMED = "key key-version provider-keys device admin token-key ca process".split()
NAMELESS = "proxy tls-key store passphrase hsm-pin backup disk memory host".split()
ENDING = ("process", "proxy", "memory", "host")
NUMBERS = 1 << 32
PROCESSES = "parent httpd authd keyd logd tokend fetchd".split()
TOKEN = re.compile(r'#[^\n]*|[ \t]+|(\n)|"((?:[^"\\]|\\.)*)"|([a-z-]+)|([={},])', re.S)


class IncidentError(Exception):
    def __init__(self, line=None):
        self.line = line
        super().__init__(f"line {line}")


@dataclass
class Incident:
    start: int = 0
    end: int = 0
    items: list = field(default_factory=list)  # (what, name, since, until)
    own: list = field(default_factory=list)
    as_written: bool = False
    not_copied: list = field(default_factory=list)  # (folder, since, until)
    not_shown: set = field(default_factory=set)
    silence: int = 120


def require(condition, line=None):
    if not condition:
        raise IncidentError(line)


def time(text, last, line):
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?Z)?", text, re.ASCII)
    require(found, line)
    year, month, day, *rest = (int(g) if g else None for g in found.groups())
    require(year >= 1970 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1],
            line)
    clock = [(59 if i else 23) * last if g is None else g for i, g in enumerate(rest)]
    require(clock[0] < 24 and clock[1] < 60 and clock[2] < 60, line)
    return calendar.timegm((year, month, day, *clock))


def tokens(text):
    at, line = 0, 1
    while at < len(text):
        found = TOKEN.match(text, at)
        require(found, None if text[at] == '"' else line)  # it has no end
        at = found.end()
        line += text.count("\n", found.start(), at)
        if found[2] is not None:
            yield "value", re.sub(r"\\(.)", r"\1", found[2]), line
        elif found[3] or found[4]:
            yield found[3] and "word" or found[4], found[3], line


def options(text):
    """Of each option its values, each with its line."""
    made, read = {}, tokens(text)
    for kind, name, line in read:
        require(kind == "word" and name in LISTS + ALONE and name not in made, line)
        require(next(read, ("", "", line))[0] == "=", line)
        kind, value, line = next(read, ("", "", line))
        made[name] = [(value, line)] if kind == "value" else []
        require(kind == ("{" if name in LISTS else "value"), line)
        while kind != "}" and name in LISTS:
            kind, value, line = next(read, ("", "", line))
            require(kind == "value" or kind == "}" and not made[name], line)
            if kind == "value":
                made[name].append((value, line))
                kind, _, line = next(read, ("", "", line))
                require(kind in (",", "}"), line)
    return made


def item(text, line):
    head, word, times = text.rpartition(" since ")
    require(word, line)
    since, word, until = times.partition(" until ")
    what, _, name = head.partition(" ")
    require(what in NAMED and name.rstrip("?").strip(" ") == name.rstrip("?") != ""
            or what in NAMELESS and head == what, line)
    require(not word or what in ENDING, line)
    plain = name.removesuffix("?")
    forms = {"key": r"[0-9a-fA-F]{64}", "ca": r"[0-9a-fA-F]{64}", "key-version": r".+/[1-9]\d*",
             "admin": r"0|[1-9]\d*", "process": "|".join(PROCESSES), "token-key": r".+ .+",
             "device": r"#\d+|[^#].*"}
    require(re.fullmatch(forms.get(what, ".*"), plain, re.ASCII | re.S), line)
    require(what != "provider-keys" or is_custodian(plain), line)
    require(what != "device" or plain[0] == "#" or len(plain.encode()) <= 64, line)
    limit = {"admin": NUMBERS - 1, "key-version": NUMBERS}.get(what)
    require(not limit or int(plain.rpartition("/")[2]) < limit, line)
    begin = 0 if since == "unknown" else time(since, False, line)
    end = time(until, True, line) if word else FOREVER
    require(begin <= end, line)
    return what, name, begin, end


def folder(text, line):
    found = re.fullmatch(r"(.*?)(?: since (\S+))?(?: until (\S+))?", text, re.S)
    path, since, until = found.groups()
    require(not re.search(r" (since|until) [^ ]*$", path), line)
    require(re.fullmatch("(/[^/]+)+", path, re.S)
            and not {".", ".."} & set(path.split("/")), line)
    begin = time(since, True, line) if since else 0
    end = time(until, False, line) if until else FOREVER
    require(begin <= end, line)
    return path, begin, end


def parse(data):
    require(0 < len(data) <= 262143 and b"${" not in data)
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            require(not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", line.decode()))
        except UnicodeDecodeError:
            raise IncidentError(number) from None
    made, incident = options(data.decode()), Incident()
    require({"from", "to", "stolen"} <= set(made) and 1 <= len(made["stolen"]) <= 4096
            and len(made.get("not-copied", ())) <= 64)
    (start, at), (end, line) = made["from"][0], made["to"][0]
    incident.start = 0 if start == "unknown" else time(start, False, at)
    incident.end = time(end, True, line)
    require(incident.start <= incident.end, line)
    incident.items = [item(*value) for value in made["stolen"]]
    for value, line in made.get("own-keys", ()):
        require(re.fullmatch("[0-9a-fA-F]{64}", value), line)
        incident.own.append(bytes.fromhex(value))
    incident.not_copied = [folder(*value) for value in made.get("not-copied", ())]
    for value, line in made.get("not-shown", ()):
        require(value in ("certificates", "tokens", "approvals"), line)
        incident.not_shown.add(value)
    for value, line in made.get("sets", ()):
        require(value == "as-written", line)
        incident.as_written = True
    for value, line in made.get("silence", ()):
        require(re.fullmatch(r"\d{2,5}", value, re.ASCII) and 60 <= int(value) <= 86400, line)
        incident.silence = int(value)
    return incident
