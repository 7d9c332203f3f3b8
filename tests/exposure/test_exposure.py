# SPDX-License-Identifier: Apache-2.0
"""The engine against brute force and against its promises (spec/exposure.md). Each promise has a twin: the
same check of an engine that is broken on purpose, by what it is fed with, and which must fail."""

import os
import pathlib
import random
import subprocess

import pytest

import worlds
from reader import exposure

COUNT = int(os.environ.get("EXPOSURE_WORLDS", "2000"))
BATCH = 2000
ORDER = {"not-readable": 0, "unknown": 1, "readable": 2}
VECTORS = sorted(pathlib.Path(os.environ["EXPOSURE_VECTORS"]).iterdir())


def batches(seed, count):
    """The same worlds in each run."""
    r = random.Random(seed)
    for start in range(0, count, BATCH):
        yield [worlds.world(r) for _ in range(min(BATCH, count - start))], r


def answers(lines):
    return [ORDER[line.split(" ")[1]] for line in lines]


def vector(path):
    lines = [line.split(" ") for line in path.read_text().splitlines()
             if line and not line.startswith("#")]
    return lines, [" ".join(words[1:]) for words in lines if words[0] == "expect"]


@pytest.mark.parametrize("path", VECTORS, ids=lambda p: p.name)
def test_vector(path):
    lines, expected = vector(path)
    assert expected
    assert worlds.engine([lines])[0] == expected
    assert exposure.verdicts(lines) == expected


# Engines. Each takes worlds and gives what it says of each.

def without(*start):
    """Blind to some lines."""
    return lambda many: worlds.engine(
        [[w for w in lines if w[:len(start)] != list(start)] for lines in many])


def renumbered(many):
    """Believes that nothing was left out."""
    def one(lines):
        kept = [w for w in lines if w[0] == "entry"]
        new = {w[1]: str(i) for i, w in enumerate(kept)}
        return [["entry", new[w[1]]] + w[2:] if w[0] == "entry" else w for w in lines]
    return worlds.engine([one(lines) for lines in many])


def ends_early(many):
    """Takes the window to end with the log."""
    def one(lines):
        last = max([int(w[2]) for w in lines if w[0] == "entry"], default=0)
        return [[w[0], w[1], str(max(int(w[1]), min(int(w[2]), last))), w[3]] if w[0] == "window" else w
                for w in lines]
    return worlds.engine([one(lines) for lines in many])


def trusting(many):
    """Takes a text that is not at hand for one that gives nothing."""
    return worlds.engine([[w[:5] + ["9"] if w[0] == "entry" and w[4:] == ["policy", "-"] else w
                           for w in lines] for lines in many])


def only(kind, number):
    """Looks at so many thefts, entries of ... only."""
    def one(lines):
        left = number
        for words in lines:
            left -= words[0] == kind
            if words[0] != kind or left >= 0:
                yield words
    return lambda many: worlds.engine([list(one(lines)) for lines in many])


def at_least(kind, number):
    """Is sure once that many were stolen that no evidence is needed."""
    def one(lines):
        enough = sum(w[0] == kind for w in lines) >= number
        return [w for w in lines if w[0] != kind] if enough else lines
    return lambda many: worlds.engine([one(lines) for lines in many])


def confident(number):
    """The wider the window, the more sure: it takes a long one for none."""
    def one(lines):
        return [[w[0], w[1], w[1], w[3]] if w[0] == "window" and int(w[2]) - int(w[1]) > number
                else w for w in lines]
    return lambda many: worlds.engine([one(lines) for lines in many])


# Checks. Each gives the first world of which something is not as promised, or None.

def against_closure(engine, count):
    for many, _ in batches(1, count):
        for lines, found in zip(many, engine(many)):
            if found != exposure.verdicts(lines):
                return lines
    return None


def never_down(change, down=False):
    """What change() makes of a world has no answer below what it had; or none above `unknown` that
    was lower: with down, answers move only towards `unknown`."""
    def check(engine, count):
        for many, r in batches(2, count):
            changed = [change(r, lines) for lines in many]
            for lines, old, new in zip(many, engine(many), engine(changed)):
                for a, b in zip(answers(old), answers(new)):
                    if (b not in (a, ORDER["unknown"])) if down else b < a:
                        return lines
        return None
    return check


def more_stolen(r, lines):
    return lines + [worlds.theft(r)]


def wider(r, lines):
    start, end = int(lines[0][1]), int(lines[0][2])
    return [["window", str(r.randint(0, start)), str(end + r.randint(0, 9)), lines[0][3]]] + lines[1:]


def more_copies(r, lines):
    more = {"not-copied": "copied", "no-body": "body"}
    return [[more.get(w, w) for w in words] for words in lines]


def entry_removed(r, lines):
    entries = [w for w in lines if w[0] == "entry"]
    gone = r.choice(entries) if entries else None
    return [w for w in lines if w is not gone]


def log_cut(r, lines):
    entries = [w for w in lines if w[0] == "entry"]
    gone = entries[r.randint(0, len(entries)):]
    return [w for w in lines if w not in gone]


def shuffled(engine, count):
    """Everything but the entries has no order; and twice the same is the same."""
    for many, r in batches(3, count):
        changed = []
        for lines in many:
            heads = [w for w in lines if w[0] in ("stolen", "own")]
            sets = [w for w in lines if w[0] in ("set", "grant")]
            objects = [w for w in lines if w[0] in ("object", "document")]
            for part in (heads, sets, objects):
                r.shuffle(part)
            changed.append(lines[:1] + heads + [w for w in lines if w[0] == "entry"] + objects + sets)
        for lines, old, again, new in zip(many, engine(many), engine(many), engine(changed)):
            if old != again or old != sorted(new):
                return lines
    return None


def texts(engine, count):
    """Fewer texts, or one that gives more, and nothing is less readable without the log."""
    for many, r in batches(4, count):
        changed = []
        for lines in many:
            gone = r.choice("012-")
            lines = [w[:5] + ["-"] if w[0] == "entry" and w[4:] == ["policy", gone] else w for w in lines]
            if gone == "-":
                lines = lines + [["grant", r.choice("012"), "4", "0"]]
            changed.append(lines)
        for lines, old, new in zip(many, engine(many), engine(changed)):
            if any(a.endswith("online") > b.endswith("online") for a, b in zip(old, new)):
                return lines
    return None


PROMISES = {
    "texts": texts,
    "closure": against_closure,
    "thefts": never_down(more_stolen),
    "window": never_down(wider),
    "copies": never_down(more_copies),
    "entry": never_down(entry_removed, down=True),
    "suffix": never_down(log_cut, down=True),
    "order": shuffled,
}
TWINS = [
    ("closure", without("stolen", "process")), ("closure", without("own")),
    ("closure", renumbered), ("closure", ends_early),
    ("closure", without("grant")), ("closure", trusting), ("texts", trusting),
    ("thefts", at_least("stolen", 3)), ("window", confident(20)),
    ("copies", lambda many: worlds.engine([[["no-body" if w == "body" else "body" if w == "no-body"
                                             else w for w in x] for x in m] for m in many])),
    ("entry", renumbered), ("suffix", ends_early), ("order", only("stolen", 1)),
]


@pytest.mark.parametrize("name", PROMISES)
def test_promise(name):
    count = COUNT if name == "closure" else max(COUNT // 4, 500)
    assert PROMISES[name](worlds.engine, count) is None


@pytest.mark.parametrize("number", range(len(TWINS)))
def test_twin_is_found(number):
    name, twin = TWINS[number]
    assert PROMISES[name](twin, BATCH) is not None


FORGED = ["forged-" + kind for kind in ("device", "token", "cert", "confirmation", "front")]


def forged(lines, detail):
    """Kinds of the factors of the release that a derivation rests on."""
    if ":release-" not in detail:
        return []
    index = detail.split(":release-")[1].split(":")[0]
    return ["forged-" + f.split(":")[0] for w in lines if w[:2] == ["entry", index] for f in w[8:]]


def test_worlds_have_all_answers():
    """Each answer, rule and kind of missing evidence is there often, and alone: so the worlds show it."""
    seen = {}
    for lines, found in ((w, f) for many, _ in batches(1, 5 * BATCH)
                         for w, f in zip(many, worlds.engine(many))):
        for line in found:
            _, answer, detail, *_ = line.split(" ")
            words = [w.split("-")[0] for w in detail.split(":")[1:]] if answer == "readable" else [detail]
            for word in [answer] + words + forged(lines, detail):
                seen[word] = seen.get(word, 0) + 1
    rules = ["key", "release", "intercept", "assumed"]
    for word in list(ORDER) + rules + exposure.MISSING + FORGED:
        assert seen.get(word, 0) >= 10, (word, seen)


@pytest.mark.parametrize("line", [
    "window 5 4", "stolen key 256 0", "stolen process keyd 9 8", "own 256",
    "entry 0 5 5 other", "entry 0 5 6 key 256", "entry 0 5 6 key", "entry 0 5 6 release strict native 256 device:4:keyd",
    "entry 0 5 6 release strict native 0", "entry 0 5 6 key 1 1", "object 256 body verified"])
def test_refused(line):
    text = f"window 0 9\n{line}\n\n"
    done = subprocess.run([os.environ["EXPOSURE_WORLD"]], input=text, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1
    assert done.stderr.strip() in ("exposure_world: argument", "exposure_world: log-record")


@pytest.mark.parametrize("second", ["entry 3 5 7 other", "entry 4 4 9 other", "entry 4 5 6 other"])
def test_entries_do_not_go_back(second):
    text = f"window 0 9\nentry 3 5 7 other\n{second}\n\n"
    done = subprocess.run([os.environ["EXPOSURE_WORLD"]], input=text, capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stderr) == (1, "exposure_world: argument\n")
