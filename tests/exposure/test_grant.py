# SPDX-License-Identifier: Apache-2.0
"""What a policy could have allowed (spec/exposure.md section 5.1) against all that a thief can do: each
request that he can choose is judged by the second implementation of the policy itself. Where none is
allowed, some are said to be; none where nothing is unknown, and no rule has a place or time."""

import itertools
import os
import random
import subprocess

import pytest

from reader import policy

COUNT = int(os.environ.get("EXPOSURE_WORLDS", "2000"))
KEYS, USERS, LABELS = ["k1", "k2"], ["alice", "bob", "carol"], ["", "x"]
DEVICES = ["%064x" % n for n in (1, 2)]
NETWORKS = ["192.0.2.0/24", "192.0.0.0/8", "2001:db8::/32"]
ADDRESSES = ["::", "192.0.2.1", "192.9.9.9", "10.0.0.1", "2001:db8::1", "2002::1"]
HOURS = ["00:00-12:00", "12:00-24:00", "09:00-10:00"]
# Each hour of a week that begins on a Monday.
TIMES = [345600 + 3600 * n for n in range(0, 168, 3)]
ISSUERS = "".join('issuer "%s" {\nurl = "https://%s"\naudience = "a"\nclaim = "c"\nmax-age = 60\n}\n' % (n, n)
                  for n in ("i1", "i2"))
GROUP = 'group "g" {\nusers = {"alice", "bob"}\n}\n'


def quoted(values):
    return "{" + ", ".join('"%s"' % v for v in values) + "}"


def some(r, values, star=False):
    return ["*"] if star and r.random() < 0.3 else r.sample(values, r.randint(1, len(values)))


def rule(r, number, bound):
    lines = ["keys = " + quoted(some(r, KEYS, True))]
    lines.append(r.choice(['groups = {"g"}', "users = " + quoted(some(r, USERS, True))]))
    for name, values, chance in (("devices", DEVICES, 0.2), ("labels", LABELS, 0.4)):
        if r.random() < chance:
            lines.append("%s = %s" % (name, quoted(some(r, values)[:1 + r.randrange(2)])))
    for name, values in (("networks", NETWORKS), ("weekdays", policy.DAYS), ("hours", HOURS)):
        if not bound and r.random() < 0.2:
            lines.append("%s = %s" % (name, quoted(some(r, values))))
    allow = r.random() < 0.6
    factor = r.choice(["", "", "", "c", "t", "a", "ct", "ca"]) if allow else ""
    if "c" in factor:
        lines.append("client-certificate = " + quoted(r.choice([["*"], ["user"], ["cn:alice", "cn:x"]])))
    if "t" in factor:
        lines.append("tokens = " + quoted(some(r, ["i1", "i2"])))
    if "a" in factor:
        approvers = some(r, USERS)
        lines += ["approvers = " + quoted(approvers), "approvals = %d" % r.randint(1, len(approvers))]
    return 'rule "r%d" {\n%s\nallow = %s\n}\n' % (number, "\n".join(lines), "true" if allow else "false")


def text(r, bound):
    return ISSUERS + GROUP + "".join(rule(r, n, bound) for n in range(r.randint(1, 4)))


def asked(r):
    return {"user": r.choice(USERS + ["-"]), "device": r.choice(DEVICES + ["-"]), "key": r.choice(KEYS + ["k3"]),
            "label": r.choice(LABELS), "factors": r.choice([".", ".", "c", "t", "a", "cta"]),
            "unnamed": r.choice([0, 0, 0, 1]), "approvers": r.sample(USERS, r.randint(0, 2))}


def requests(a, bound):
    """All that the thief can ask with what he has."""
    users = USERS + ["dave"] if a["user"] == "-" else [a["user"]]
    devices = DEVICES + ["%064x" % 9] if a["device"] == "-" else [a["device"]]
    every = "c" in a["factors"]
    tokens = ["i1", "i2"] if "t" in a["factors"] else [""]
    unnamed = [USERS] if "a" in a["factors"] else [
        list(more) for more in itertools.combinations(USERS, a["unnamed"])]
    for user, device, token, more in itertools.product(users, devices, tokens, unnamed):
        shown = " ".join(["cn:" + u for u in USERS + ["dave", "x"]]) if every else ""
        base = {"user": user, "device": device, "key": a["key"], "label": a["label"], "token": token,
                "certificate": shown, "approvers": " ".join(set(a["approvers"]) | set(more))}
        for address in ADDRESSES[:1] if bound else ADDRESSES:
            for time in TIMES[:1] if bound else TIMES:
                yield {**base, "address": address, "time": str(time)}


def could(rules, a, bound):
    return any(policy.judge(rules, request)[0] == "allow" for request in requests(a, bound))


def engine(cases):
    """[(text, [asked])] and for each of the latter what it says."""
    lines = []
    for written, many in cases:
        lines.append("policy %d\n%s" % (len(written), written))
        lines += [" ".join(["ask", a["user"], a["device"], a["key"], a["label"] or ".", a["factors"],
                            str(a["unnamed"])] + a["approvers"]) + "\n" for a in many]
    done = subprocess.run([os.environ["EXPOSURE_GRANT"]], input="".join(lines), capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = iter(done.stdout.split())
    return [[next(found) == "1" for _ in many] for _, many in cases]


def cases(seed, count, bound):
    r = random.Random(seed)
    return [(text(r, bound), [asked(r) for _ in range(4)]) for _ in range(count)]


def below(made, said, bound):
    """A case in which less is said than what a request gets; and one with more, where nothing is unknown or
    the thief's to choose."""
    seen, low, high = {True: 0, False: 0}, None, None
    for (written, many), answers in zip(made, said):
        rules = policy.parse(written.encode())
        for a, answer in zip(many, answers):
            truth = could(rules, a, bound)
            seen[answer] += 1
            low = (written, a) if truth and not answer else low
            exact = bound and "-" not in (a["user"], a["device"]) and a["unnamed"] == 0
            high = (written, a) if exact and answer and not truth else high
    return low, high, seen


@pytest.mark.parametrize("bound", [False, True])
def test_never_less_than_what_a_request_gets(bound):
    made = cases(1 + bound, COUNT // (2 if bound else 40), bound)
    low, high, seen = below(made, engine(made), bound)
    assert (low, high) == (None, None)
    assert min(seen.values()) > COUNT // 50, seen


@pytest.mark.parametrize("twin", ["first", "strict"])
def test_twin_is_found(twin):
    """One that takes the first rule that fits so far for the one that decides; one that takes what
    nobody knows for no."""
    def broken(made):
        if twin == "strict":
            return engine([(w, [{**a, "unnamed": 0, "factors": "."} for a in many]) for w, many in made])
        return [[could(policy.parse(w.encode())[:1], a, False) for a in many] for w, many in made]
    made = cases(1, 100, False)
    assert below(made, broken(made), False)[0] is not None


def test_no_policy_is_refused():
    done = subprocess.run([os.environ["EXPOSURE_GRANT"]], input="policy 4\nrule", capture_output=True,
                          text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "exposure_grant: not a policy\n")
