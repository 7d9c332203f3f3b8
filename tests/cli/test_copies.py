# SPDX-License-Identifier: Apache-2.0
"""What could be copied, and when (spec/exposure.md section 8.3): `assess` against the rule, tried
second by second."""

import os
import random
import sqlite3

import pytest

from test_assess import Made

END = 400  # behind all times that are written here
FOLDERS = ["/a", "/a/b", "/a/bc", "/a/b/c", "/d", "/a b"]
# Around the ends of minutes, since these are written, too.
TIMES = [0, 1, 2, 58, 59, 60, 61, 62, 118, 119, 120, 121, 179, 180, 240, 300]


def written(r, word, at):
    """A time as it is written, and what counts of it: the second that leaves less."""
    minute = at // 60
    if r.random() < 0.3:
        return "1970-01-01T00:%02dZ" % minute, 60 * minute + (59 if word == "since" else 0)
    return "1970-01-01T00:%02d:%02dZ" % (minute, at % 60), at


def item(r):
    """As text, and (folder, seconds for which it speaks)."""
    while True:
        text, bounds = r.choice(FOLDERS), {"since": 0, "until": END}
        folder = text
        for word in bounds:
            if r.random() < 0.7:
                time, bounds[word] = written(r, word, r.choice(TIMES))
                text += " %s %s" % (word, time)
        if bounds["since"] <= bounds["until"]:
            return text, (folder, range(bounds["since"], bounds["until"] + 1))


def stay(r, past):
    since = r.choice(TIMES)
    return r.choice(FOLDERS), since, r.choice([t for t in TIMES if t >= since]) if past else None


def copied(thing, items):
    created, places = thing
    for folder, since, until in places:
        first = min(created, since)
        last = until if until is not None and until > first else END
        spoken = set()
        for other, seconds in items:
            if (folder + "/").startswith(other + "/"):
                spoken.update(seconds)
        if not spoken.issuperset(range(first, last + 1)):
            return True
    return not places


def fill(r, path, count):
    """Objects like the one that is there, each with what is said of it by now."""
    things = {}
    with sqlite3.connect(path) as db:
        for table in ("location", "past", "folder", "scan"):
            db.execute("DELETE FROM " + table)
        db.executemany("INSERT INTO folder VALUES (?,NULL,?,NULL,NULL)",
                       [(i, folder.encode()) for i, folder in enumerate(FOLDERS, 1)])
        keys = {side: db.execute("SELECT key FROM stanza WHERE side = ?", (side,)).fetchone()[0]
                for side in (1, 2)}
        for table in ("object", "stanza_set", "stanza"):
            db.execute("DELETE FROM " + table)
        for n in range(1, count + 1):
            id_, created = os.urandom(16), r.choice(TIMES)
            db.execute("INSERT INTO object VALUES (?,?,?,?,'','',NULL,0)",
                       (n, os.urandom(48), id_, created))
            for side in (1, 2):
                db.execute("INSERT INTO stanza_set VALUES (?,?,1,1,?,0)", (n, side, os.urandom(32)))
                db.execute("INSERT INTO stanza VALUES (?,?,1,?,0)", (n, side, keys[side]))
            places = [stay(r, r.random() < 0.6) for _ in range(r.choice([0, 1, 1, 1, 2, 3]))]
            for i, (folder, since, until) in enumerate(places):
                at = FOLDERS.index(folder) + 1
                if until is None:
                    db.execute("INSERT INTO location VALUES (?,?,?,100,?,1,1,?,NULL,NULL)",
                               (at, b"%d-%d" % (n, i), b"", n, since))
                else:
                    db.execute("INSERT INTO past VALUES (?,?,?,?,?)",
                               (at, b"%d-%d" % (n, i), n, since, until))
            things[id_.hex()] = (created, places)
    return things


@pytest.mark.parametrize("incidents", [20, pytest.param(400, marks=pytest.mark.slow)])
def test_copies_against_each_second(dk, tmp_path, keys, incidents):
    r = random.Random(8)
    made = Made(dk, tmp_path, keys).write()
    things = fill(r, tmp_path / "catalogue", 500)
    answers = {"readable": 0, "not-readable": 0}
    for _ in range(incidents):
        items = [item(r) for _ in range(r.choice([0, 1, 2, 3, 5, 8]))]
        more = 'not-copied = {%s}\n' % ", ".join('"%s"' % text for text, _ in items)
        made.assess("key %s since unknown" % made.key.hex(), more=more)
        for found in made.result["objects"]:
            could = copied(things[found["object"]], [said for _, said in items])
            assert found["answer"] == ("readable" if could else "not-readable"), \
                (items, things[found["object"]])
            answers[found["answer"]] += 1
    assert min(answers.values()) > 1000 * incidents // 20, answers


EXAMPLE = ('not-copied = {"/srv/team until 1970-01-01T00:01:39Z", '
           '"/srv/team since 1970-01-01T00:06:41Z"}\n')


@pytest.mark.parametrize("created, seen, answer", [
    (500, 700, "not-readable"), (300, 700, "readable"), (900, 350, "readable")])
def test_the_example_of_the_text(dk, tmp_path, keys, created, seen, answer):
    made = Made(dk, tmp_path, keys).write()
    with sqlite3.connect(tmp_path / "catalogue") as db:
        db.execute("UPDATE folder SET path = ?", (b"/srv/team",))
        db.execute("UPDATE object SET created = ?", (created,))
        db.execute("UPDATE location SET since = ?", (seen,))
    assert made.assess("key %s since unknown" % made.key.hex(),
                       more=EXAMPLE)["a"]["answer"] == answer
