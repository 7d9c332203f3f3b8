# SPDX-License-Identifier: Apache-2.0
"""Small random worlds in the format of the vectors, and the engine that is fed with them."""

import os
import subprocess

KEYS, OBJECTS, TIME = 5, 3, 40
PROCESSES = ["parent", "httpd", "authd", "keyd", "logd", "tokend", "fetchd"]


def factor(r, devices, confirmations):
    kind = r.choice(["device", "device", "device", "admin", "approval", "token", "token", "cert",
                     "confirmation", "front"])
    name = {"device": devices + [99], "approval": devices + [99], "front": [0],
            "confirmation": confirmations + [97] * (not confirmations)}.get(kind, [0, 1])
    verifier = r.choice(["authd", "httpd"]) if kind in ("token", "cert") else "keyd"
    return f"{kind}:{r.choice(name)}:{'httpd' if kind == 'front' else verifier}"


def what_of(r, codes, devices, confirmations):
    kind = r.choice(["release"] * 6 + ["other", "key", "code", "device", "config", "closed",
                                       "confirmation", "confirmation", "policy"])
    if kind == "policy":
        return ["policy", r.choice("012012012-")]
    if kind == "release":
        objects = r.sample(range(OBJECTS), r.randint(1, 2))
        return ["release", r.choice(["prompt", "strict"]), r.choice(["native", "native", "clear"]),
                ",".join(map(str, objects))] + [
                    factor(r, devices, confirmations) for _ in range(r.choice([1, 1, 2, 3]))]
    if kind == "key":
        return ["key", r.choice("02")] + r.choice([[], ["1"]])
    if kind == "code":
        return ["code", str(r.randrange(2))]
    if kind == "device":
        return ["device", str(r.choice(codes + [98]))]
    if kind == "confirmation":
        return ["confirmation", str(r.choice(devices * 9 + [96]))]
    if kind == "config":
        return ["config", r.choice(["prompt", "strict"])]
    return [r.choice(["other", "other", kind]) if kind == "closed" else kind]


def microsofts(r, first):
    """A device confirms, and documents are unwrapped, with and without that."""
    gates = [[f"confirmation:{first}:keyd"]] * 3 + [[], ["front:0:httpd"], ["cert:0:httpd"]]
    return [["confirmation", "4"]] + [
        ["release", "strict", "clear", str(r.randrange(OBJECTS)), f"token:{r.randrange(2)}:authd"] +
        r.choice(gates) for _ in range(r.randint(1, 2))]


def log(r):
    """A log that most times is as good as one can be, with anything in between."""
    whole = r.random() < 0.8
    body = [["begun"], ["config", r.choice(["strict", "strict", "prompt"])], ["key", "0", "1"],
            ["code", "0"], ["device", "3"]]
    if r.random() < 0.4:
        body += [["policy", r.choice("000112-")] for _ in range(r.choice([1, 2, 3]))]
    if not whole:
        body = body[:r.randint(0, 5)]
    elif r.random() < 0.1:
        body[r.randrange(2)] = ["other"]
    codes, devices, confirmations = [3], [4], []
    for _ in range(r.randint(0, 6)):
        what = what_of(r, codes, devices, confirmations)
        if whole and what[0] == "closed":
            what = ["other"]
        {"code": codes, "device": devices, "confirmation": confirmations}.get(
            what[0], []).append(len(body))
        body.append(what)
    if whole and r.random() < 0.3:
        body += microsofts(r, len(body))
    lines, after, before, index = [], r.randint(0, 5), 0, 0
    if whole or r.random() < 0.5:
        body.append(["other"])
    for number, what in enumerate(body):
        last = whole and number == len(body) - 1
        after = TIME if last else min(TIME, after + r.randint(0, 9))
        before = max(before, after + r.randint(1, 4))
        lines.append(["entry", str(index), str(after), str(before)] + what)
        index += 1 if whole or r.random() < 0.95 else 2
    return lines


def theft(r):
    kind = r.choice(["key", "device", "device", "admin", "token-key", "ca", "process", "process", "tls-key",
                     "proxy", "store", "passphrase", "hsm-pin"])
    words = ["stolen", kind]
    if kind == "device":
        words.append(str(r.randint(4, 8)))
    elif kind in ("key", "admin", "token-key", "ca"):
        words.append(str(r.randrange(KEYS if kind == "key" else 2)))
    elif kind == "process":
        words.append(r.choice(PROCESSES + ["logd"] * 3))
    since = r.choice([0, r.randrange(TIME)])
    words.append(str(since))
    if kind in ("process", "proxy"):
        words.append(r.choice(["-", str(since + r.randint(0, 9))]))
    return words


def world(r):
    start = r.randrange(20)
    lines = [["window", str(start), str(r.randint(start, TIME)), str(r.choice([5, 120]))]]
    lines += [theft(r) for _ in range(r.randint(0, 3))]
    lines += [["own", str(k)] for k in r.sample(range(KEYS), r.randint(0, 2))]
    entries = log(r)
    if any(w[4] == "confirmation" for w in entries) and r.random() < 0.5:
        lines += [["stolen", "token-key", str(r.randrange(2)), str(r.randrange(TIME))],
                  ["stolen", *r.choice([("device", "4"), ("device", "4"), ("ca", "0"), ("ca", "1")]), "0"]]
    lines += entries
    # The log of a service that changes its policy, and a device that it enrolled.
    if sum(w[4] == "policy" for w in entries) > 1:
        lines.append(["stolen", "device", "4", str(r.randrange(TIME))])
    lines += [["grant", r.choice("012"), r.choice("44445678"), r.choice("002")]
              for _ in range(r.randint(0, 4))]
    for name in range(OBJECTS):
        if r.random() < 0.2:
            lines.append(["document", str(name), str(r.choice([0, 1, 2]))])
            continue
        lines.append(["object", str(name), r.choice(["body"] * 4 + ["no-body"]),
                      r.choice(["verified"] * 4 + ["unverified"])])
        sides = ["customer", "provider"] if r.random() < 0.9 else ["provider"]
        for side in sides * r.choice([1, 1, 2]):
            choice = [0, 1, 2] if side == "customer" else [3, 4]
            lines.append(["set", str(name), side, r.choice(["copied"] * 3 + ["not-copied"])] +
                         [str(k) for k in r.sample(choice, r.randint(1, 2))])
    return lines


def text(lines):
    return "".join(" ".join(words) + "\n" for words in lines) + "\n"


def engine(worlds):
    """What the engine says of each world: a list of lines for each."""
    done = subprocess.run([os.environ["EXPOSURE_WORLD"]], input="".join(map(text, worlds)),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [part.splitlines() for part in done.stdout.split("\n\n")[:-1]]
    # A world without objects gives no line before its end.
    assert len(found) == len(worlds)
    return found
