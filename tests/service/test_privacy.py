# SPDX-License-Identifier: Apache-2.0
"""What a reader of the public files of a log learns (docs/privacy.md): classes, minutes and
sizes. Names, ids and addresses are planted in a real service, used, and looked for in all that it
serves under /log/, in every form in which somebody could find them again."""
import base64
import calendar
import hashlib
import itertools
import os
import struct
import time

import pytest

from reader import log
from service import parts_of
from test_log import checkpoint, records

USER, DEVICE, KEY = "planted.person@example.org", "planted-laptop", "planted-project"
REASON = "planted reason, ticket 90210"


def forms(secret):
    """The bytes, and what an unsalted digest of them would leave."""
    for data in (secret, hashlib.sha256(secret).digest(), hashlib.sha384(secret).digest(),
                 hashlib.sha512(secret).digest(), hashlib.sha1(secret).digest(),
                 hashlib.md5(secret).digest(), secret[::-1]):
        yield data
        yield data.hex().encode()
        yield data.hex().upper().encode()
        for code in (base64.b64encode, base64.urlsafe_b64encode, base64.b32encode):
            yield code(data).rstrip(b"=")
    for cut in (8, 16):  # of hashes, where only a part of one is kept
        yield hashlib.sha256(secret).digest()[:cut]


def found(secrets, files):
    return sorted({(name, path) for name, secret in secrets.items() for form in forms(secret)
                   for path, data in files.items() if form in data})


def public_files(s, size):
    """Over HTTPS, as anybody gets them: the checkpoint, and all files of a tree of that size."""
    paths = ["checkpoint"]
    for level, entries in itertools.product(range(3), (False, True)):
        count = size >> 8 * level
        name = "entries" if entries else str(level)
        if count == 0 or (entries and level):
            continue
        paths += ["tile/%s/%03d" % (name, i) for i in range(count // 256)]
        if count % 256:
            paths.append("tile/%s/%03d.p/%d" % (name, count // 256, count % 256))
    files = {}
    for path in paths:
        status, _, body = s.request("GET", "/log/" + path)
        assert status == 200, path
        files[path] = body
    return files


@pytest.fixture
def used(service):
    """One of each thing that names somebody or something."""
    s = service
    s.admin("key", "create", KEY)
    code = s.admin("enrol-code", "--user", USER).stdout.strip()
    s.client("enrol", s.url, "--ca-fingerprint", s.fingerprint, "--code", code,
             "--device-name", DEVICE)
    s.client("keygen", "--side", "provider", "--no-passphrase", "-o", "p.key")
    with open(os.path.join(s.base, "plain"), "w") as f:
        f.write("text\n")
    s.key = s.url + "/keys/" + KEY
    s.client("encrypt", "--customer", s.key, "--provider", "p.key.pub", "plain", "--label",
             "planted-label", "-o", "object.dk")
    s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-o", "out")
    s.admin("freeze", KEY)
    s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-o", "out2",
             check=False)
    s.admin("unfreeze", KEY, "--reason", REASON)
    s.admin("device", "revoke", s.device().id.hex())
    return s


def secrets_of(s):
    core, _ = parts_of(os.path.join(s.base, "object.dk"))
    secrets = {"user": USER.encode(), "device name": DEVICE.encode(), "key name": KEY.encode(),
               "reason": REASON.encode(), "label": b"planted-label", "device": s.device().id,
               "device key": s.device().spki, "core digest": hashlib.sha384(core).digest(),
               "address": bytes(10) + b"\xff\xff" + bytes([127, 0, 0, 1])}
    for r in records(s):
        for member in ("key_id", "policy", "request", "recipient"):
            if member in r:
                secrets["%s of %d" % (member, r["index"])] = bytes.fromhex(r[member])
        for o in r["objects"]:
            secrets["object of %d" % r["index"]] = bytes.fromhex(o["id"])
    return secrets


def read_all(s):
    size = len(records(s))
    checkpoint(s, size)
    size = int(s.request("GET", "/log/checkpoint")[2].split(b"\n")[1])
    return size, public_files(s, size)


def test_nothing_that_was_planted_is_public(used):
    s = used
    secrets = secrets_of(s)
    assert len([name for name in secrets if name.startswith("object of")]) == 2
    size, files = read_all(s)
    assert found(secrets, files) == []
    # Controls: it is in the records, and what is looked for would be found in the files.
    s.stop()
    store = {"log.db": open(os.path.join(s.dir, "log", "log.db"), "rb").read()}
    seen = {name for name, _ in found(secrets, store)}
    assert {"user", "device name", "key name", "reason", "device", "core digest", "address"} <= seen
    for form in forms(USER.encode()):
        assert found(secrets, {"x": b"\0" + form + b"\0"}) == [("user", "x")]


def test_what_is_public_is_class_minute_and_commitment(used):
    s = used
    size, files = read_all(s)
    entries = b"".join(files[p] for p in sorted(files) if p.startswith("tile/entries/"))
    shown = records(s)
    assert len(entries) == 50 * size
    for i, r in zip(range(size), shown):
        leaf = entries[50 * i + 2:50 * i + 50]
        magic, class_, zero, minute = struct.unpack(">4sHHQ", leaf[:16])
        assert (magic, zero, minute % 60) == (b"DKL1", 0, 0)
        assert log.CLASSES[class_] == r["class"]
    # All that is left is 32 bytes that no two entries share, whatever they say.
    commitments = [entries[50 * i + 18:50 * i + 50] for i in range(size)]
    assert len(set(commitments)) == size
    names = {p.split("/")[1] for p in files if p != "checkpoint"}
    assert names == {"0", "entries"}
    text = files["checkpoint"].decode().split("\n\n")[0].split("\n")
    assert text[0] == "127.0.0.1:%d/log" % s.port and text[1] == str(size) and len(text) == 3


def guess(leaves, salts, users, at):
    """Whose enrolment codes these are: a dictionary against the commitments. Main and person
    part of such a record are known but for the name, if nothing was salted."""
    hits = {}
    for user, salt, local, generation in itertools.product(users, salts, {0, os.geteuid()},
                                                           range(1, 12)):
        event = log.Event(8, {"time": at, "decision": 1, "front": 2, "generation": generation,
                              "factors": [(2, 1, local)]}, {"user": user})
        _, leaf = log.encode_event(event, lambda n, s=salt: s[:n])
        if leaf in leaves:
            hits[leaves.index(leaf)] = user
    return hits


def test_a_dictionary_finds_nobody_and_would_without_salt(used):
    s = used
    _, files = read_all(s)
    entries = b"".join(files[p] for p in sorted(files) if p.startswith("tile/entries/"))
    leaves = [entries[i + 2:i + 50] for i in range(0, len(entries), 50)]
    of_code = [r for r in records(s) if r["class"] == "code-made"][0]
    minute = struct.unpack(">Q", leaves[of_code["index"]][8:16])[0]
    users = ["alice", "bob", USER, "carol"]
    salts = [bytes(16), b"\xff" * 16, hashlib.sha256(s.url.encode()).digest()[:16]]
    at = calendar.timegm(time.strptime(of_code["time"], "%Y-%m-%dT%H:%M:%SZ"))
    assert at - at % 60 == minute
    assert guess(leaves, salts, users, at) == {}
    # Control: the same record with salts of zeros is found, and so would be who it is.
    local = of_code["factors"][0]["root"]
    event = log.Event(8, {"time": at, "decision": 1, "front": 2,
                          "generation": of_code["generation"], "factors": [(2, 1, local)]},
                      {"user": USER})
    _, unsalted = log.encode_event(event, bytes)
    assert guess(leaves + [unsalted], salts, users, at) == {len(leaves): USER}
