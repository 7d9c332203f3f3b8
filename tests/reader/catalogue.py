# SPDX-License-Identifier: Apache-2.0
"""The catalogue of objects (spec/catalogue.md), read and checked."""

import json
import pathlib
import re
import sqlite3
from dataclasses import dataclass, field

from .header import CUSTOMER, PROVIDER

APPLICATION = int.from_bytes(b"DKCA", "big")
VERSION = 1
SPEC = pathlib.Path(__file__).parents[2] / "spec" / "catalogue.md"


class CatalogueError(Exception):
    pass


class VersionError(CatalogueError):
    pass


@dataclass
class Set:
    epoch: int
    digest: bytes
    seen: int
    stanzas: list = field(default_factory=list)  # keys: (side, type, key id, custodian, name, version)
    formers: list = field(default_factory=list)


@dataclass
class Object:
    core_digest: bytes
    object_id: bytes
    created: int
    tenant: str
    label: str
    creator: bytes
    seen: int
    sets: dict = field(default_factory=lambda: {CUSTOMER: [], PROVIDER: []})
    locations: dict = field(default_factory=dict)  # path: number of (customer set, provider set)
    past: list = field(default_factory=list)  # (path, since, until)
    places: list = field(default_factory=list)  # (path, since, until or None), all of them


@dataclass
class Catalogue:
    objects: list
    problems: dict  # path: (error, place)
    scans: list  # (root, started, ended, missed)
    others: set  # paths of what is no object


def want(condition, text):
    if not condition:
        raise CatalogueError(text)


def schema():
    """The statements of the text itself."""
    return re.search(r"```sql\n(.*?)```", SPEC.read_text(), re.S)[1].splitlines()


def of_type(value, kind, low, high):
    size = value if kind is int else len(value) if isinstance(value, kind) else -1
    want(isinstance(value, kind) and low <= size <= high, f"{value!r} is out of bounds")
    return value


def read_keys(db):
    keys = {}
    for number, (id_, *key) in enumerate(db.execute(
            "SELECT id,side,type,key_id,custodian,name,version FROM key ORDER BY id"), 1):
        want(id_ == number, "ids of keys have a gap")
        of_type(key[0], int, 1, 2)
        of_type(key[1], int, 1, 0xffff)
        of_type(key[2], bytes, 32, 32)
        of_type(key[3], str, 1, 48)
        of_type(key[4], str, 0, 512)
        of_type(key[5], str, 0, 64)
        keys[id_] = tuple(key)
    return keys


def read_objects(db):
    objects = {}
    for number, (id_, *row) in enumerate(db.execute(
            "SELECT id,core_digest,object_id,created,tenant,label,creator,seen FROM object"
            " ORDER BY id"), 1):
        want(id_ == number, "ids of objects have a gap")
        of_type(row[0], bytes, 48, 48)
        of_type(row[1], bytes, 16, 16)
        of_type(row[2], int, 0, 2**40 - 1)
        for text in row[3:5]:
            of_type(text, str, 0, 255)
        want(row[5] is None or len(of_type(row[5], bytes, 32, 32)), "creator")
        objects[id_] = Object(*row)
    want(len({o.core_digest for o in objects.values()}) == len(objects), "one core digest twice")
    return objects


def read_sets(db, objects, keys):
    for object_, side, number, epoch, digest, seen in db.execute(
            "SELECT * FROM stanza_set ORDER BY object,side,number"):
        want(object_ in objects and side in (CUSTOMER, PROVIDER), "a set of nothing")
        sets = objects[object_].sets[side]
        want(number == len(sets) + 1 <= 4096, "numbers of sets have a gap")
        want(digest not in [s.digest for s in sets], "one set twice")
        of_type(epoch, int, 1, 2**32 - 1)
        sets.append(Set(epoch, of_type(digest, bytes, 32, 32), seen))
    for object_, side, number, key, former in db.execute("SELECT * FROM stanza"):
        want(object_ in objects and key in keys and former in (0, 1), "a stanza of nothing")
        want(1 <= number <= len(objects[object_].sets[side]), "a stanza of no set")
        want(keys[key][0] == side, "a key of the other side")
        its = objects[object_].sets[side][number - 1]
        (its.formers if former else its.stanzas).append(keys[key])
    for o in objects.values():
        for side in (CUSTOMER, PROVIDER):
            want(o.sets[side], "an object without a set")
            for s in o.sets[side]:
                want(1 <= len(s.stanzas) <= 64 and len(s.formers) <= 512, "count of stanzas")


def path_of(folder, name):
    remote = folder.startswith(b"s3://")
    return folder + (b"" if remote or folder.endswith(b"/") else b"/") + name


def read_places(db, objects):
    problems, others = {}, set()
    folders = {}
    for id_, path, error, place in db.execute("SELECT id,path,error,place FROM folder"):
        folders[id_] = of_type(path, bytes, 1, 131072)
        if error is not None:
            problems[path] = (error, place)
    for folder, name, object_, customer, provider, since, error, place in db.execute(
            "SELECT folder,name,object,customer,provider,since,error,place FROM location"):
        least = 0 if folders[folder].startswith(b"s3://") else 1
        path = path_of(folders[folder], of_type(name, bytes, least, 1024))
        want(object_ is None or error is None, "an object with an error")
        if object_ is not None:
            for side, number in ((CUSTOMER, customer), (PROVIDER, provider)):
                want(1 <= number <= len(objects[object_].sets[side]), "a place without its set")
            objects[object_].locations[path] = (customer, provider)
            objects[object_].places.append((path, since, None))
        elif error is not None:
            problems[path] = (error, place)
        else:
            others.add(path)
    for folder, name, object_, since, until in db.execute("SELECT * FROM past"):
        want(since <= until, "an end before its beginning")
        objects[object_].past.append((path_of(folders[folder], name), since, until))
        objects[object_].places.append(objects[object_].past[-1])
    return problems, others


def read(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        want(db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION, "no catalogue")
        if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            raise VersionError("another version")
        want(db.execute("PRAGMA integrity_check").fetchone()[0] == "ok", "damaged")
        made = [sql for sql, in db.execute(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")]
        want(made == schema(), "another schema")
        objects = read_objects(db)
        read_sets(db, objects, read_keys(db))
        problems, others = read_places(db, objects)
        scans = db.execute("SELECT root,started,ended,missed FROM scan ORDER BY id").fetchall()
        return Catalogue(list(objects.values()), problems, scans, others)
    finally:
        db.close()


def as_vector(cat, root):
    """What spec/vectors/catalogue holds, of places below a root that ends with a slash."""
    def place(path):
        want(path.startswith(root), "a place outside of the root")
        return path[len(root):].decode()

    def one(s):
        return {"epoch": s.epoch, "digest": s.digest.hex(), "stanzas": keys_of(s.stanzas),
                "formers": keys_of(s.formers)}

    def keys_of(keys):
        return sorted([k[1], k[2].hex(), *k[3:]] for k in keys)

    return {"objects": {o.core_digest.hex(): {
        "object_id": o.object_id.hex(), "created": o.created, "tenant": o.tenant,
        "label": o.label, "creator": o.creator.hex() if o.creator else None,
        "customer": [one(s) for s in o.sets[CUSTOMER]],
        "provider": [one(s) for s in o.sets[PROVIDER]],
        "places": {place(p): list(numbers) for p, numbers in o.locations.items()},
        "past": [place(p) for p, _, _ in o.past]} for o in cat.objects},
        "problems": {place(p): list(problem) for p, problem in cat.problems.items()},
        "others": sorted(map(place, cat.others))}


def vectors():
    """Each: name, and what is in it, with the bytes of all places."""
    folder = SPEC.parent / "vectors"
    for path in sorted((folder / "catalogue").iterdir()):
        vector = json.loads(path.read_text())
        for scan in vector["scans"]:
            for place, what in scan.items():
                file = folder / "envelope" / what
                scan[place] = (file.read_bytes().partition(b"\n\n")[2] if what and file.exists()
                               else bytes.fromhex(what))
        yield path.stem, vector
