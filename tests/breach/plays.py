# SPDX-License-Identifier: Apache-2.0
"""Thefts: a line of the incident file, and what the thief has of it. And a play: he tries all that
he can, and then it is assessed."""
import os

import issuer as idp
from service import PASSPHRASE
from thief import Loot, Thief
from town import KID, LABELS, Theft

NOTHING = set()
ALL = set(LABELS)


def provider_key(town):
    return Theft("provider-keys provider", always=True), {"keys": [town.provider_key()]}


def token_key(town):
    return Theft("token-key %s %s" % (idp.URL, KID)), {"issuer": town.issuer}


def proxy(town):
    return Theft("proxy", always=True, ends=True), {}


def tls_key(town):
    with open(town.path("own.key"), "rb") as f:
        key = idp.serialization.load_pem_private_key(f.read(), None)
    return Theft("tls-key", always=True), {"tls": key}


def device(town):
    d = town.s.device("alice")
    return Theft("device " + d.id.hex()), {"devices": {d.id: d.key}}


def approver(town):
    d = town.s.device("bob")
    return Theft("device " + d.id.hex()), {"devices": {d.id: d.key}}


def admin(town):
    return Theft("admin %d" % os.getuid()), {
        "admin": lambda user: town.s.admin("enrol-code", "--user", user).stdout.strip()}


def store(town):
    return Theft("backup", always=True), {"store": town.s.dir}


def passphrase(town):
    return Theft("passphrase", always=True), {"passphrase": PASSPHRASE}


def former_key(town):
    key = town.former_key()
    return Theft("key " + key.id.hex(), always=True), {"keys": [key]}


def loot_of(town, *thefts, wants=()):
    loot, lines = Loot(wants=wants), []
    for theft in thefts:
        line, held = theft(town)
        lines.append(line)
        for name, value in held.items():
            old = getattr(loot, name)
            setattr(loot, name, old + value if isinstance(old, list) else
                    {**old, **value} if isinstance(old, dict) else value)
    return loot, lines


def agree(town, got, answers):
    """What was read is content, and was called readable or unknown; what is called readable has
    its derivation."""
    for name, text in got.items():
        assert text == town.plain[name], name
        assert answers[name]["answer"] in ("readable", "unknown"), (name, answers[name])
    for name, answer in answers.items():
        if answer["answer"] == "readable":
            assert answer["derivation"] and answer["steps"] >= 3, name


def play(town, thefts, wants=(), taken=(), thief_of=Thief, hours=0):
    """Names of what was read, and of what the assessment calls readable; all that it says; the
    thief."""
    loot, lines = loot_of(town, *thefts, wants=wants)
    begin = town.now()
    if taken:
        with town.taken_over(*taken) as puppets:
            thief = thief_of(town, loot, puppets)
            got = thief.everything()
    else:
        thief = thief_of(town, loot)
        got = thief.everything()
    town.hours(hours)
    end = town.now()
    town.pass_time()
    lines += [Theft("process " + name, ends=True) for name in taken]
    answers = town.assess(lines, begin, end)
    agree(town, got, answers)
    assert thief.refused, "he asked for nothing"
    return set(got), {n for n, a in answers.items() if a["answer"] == "readable"}, answers, thief
