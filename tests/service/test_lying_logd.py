# SPDX-License-Identifier: Apache-2.0
"""In mode strict nobody has to trust logd: the real keyd, and a logd that acknowledges what no
quorum of witnesses has cosigned. Controls: an honest one, and mode prompt, where the lies work."""
import hashlib
import os
import sqlite3
import struct
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from peers import PROCESSES, Closed, Peers, anchored
from service import Service, parts_of, raw_signature, release_body, signature_base
from witness import b64, leaf_hash, raw

APPEND, APPENDED, RESULT, JUDGED, POLICY = 0x0401, 0x0402, 0x0301, 0x0201, 0x0204
STOP = 0x0003
TOLD = 2  # what keyd has told authd of: a device and a version of a key


class Cosigner:
    def __init__(self, name):
        self.name, self.key = name, Ed25519PrivateKey.generate()
        data = b"\4" + raw(self.key)
        self.id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
        self.vkey = "%s+%s+%s" % (name, self.id.hex(), b64(data))

    def line(self, text):
        when = int(time.time())
        sig = self.key.sign(b"cosignature/v1\ntime %d\n" % when + text)
        return "\u2014 {} {}\n".format(self.name,
                                       b64(self.id + struct.pack(">Q", when) + sig)).encode()


class LogKey:
    """The log's own keys: whoever has taken over logd has them."""

    def __init__(self, s):
        data = open(os.path.join(s.dir, "log", "log.key"), "rb").read()
        n = struct.unpack(">H", data[8:10])[0]
        self.origin = data[10:10 + n].decode()
        at = 10 + n
        seed, public, self.spki = data[at:at + 32], data[at + 32:at + 64], data[at + 64:at + 155]
        self.ed = Ed25519PrivateKey.from_private_bytes(seed)
        self.p256 = ec.derive_private_key(int.from_bytes(data[at + 155:at + 187], "big"),
                                          ec.SECP256R1())
        self.id = hashlib.sha256(self.origin.encode() + b"\n\1" + public).digest()[:4]

    def text(self, size, root, origin=None):
        return "{}\n{}\n{}\n".format(origin or self.origin, size, b64(root)).encode()

    def lines(self, text):
        ecdsa = self.p256.sign(text, ec.ECDSA(hashes.SHA256()))
        made = [(self.id, self.ed.sign(text)), (hashlib.sha256(self.spki).digest()[:4], ecdsa)]
        return b"".join("\u2014 {} {}\n".format(self.origin, b64(i + sig)).encode() for i,
                        sig in made)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    s = Service(tmp_path_factory.mktemp("lying"))
    s.start()
    s.prepare()
    s.stop()
    s.cosigners = [Cosigner("w%d.example.org" % i) for i in (1, 2)]
    policy = "".join("witness w%d %s https://w.example.org\n" % (i + 1, c.vkey)
                     for i, c in enumerate(s.cosigners))
    with open(os.path.join(s.base, "strict"), "wb") as f:
        f.write(b"\x14\2" + policy.encode() + b"group both all w1 w2\nquorum both\n")
    return s


class Keyd(Peers):
    """keyd up to the point where it has sent the record of a release to us."""

    def __init__(self, s, mode):
        super().__init__(s)
        self.mode = mode
        self.child = self.start("keyd")
        self.not_shared(self.child)
        logd = self.child.channel["logd"]
        number, asked = logd.expect(0x0403)
        size = int.from_bytes(asked, "big")
        db = sqlite3.connect("file:%s/log/log.db?mode=ro" % s.dir, uri=True)
        leaf = db.execute("SELECT leaf FROM entry WHERE idx=?", (size - 1,)).fetchone()[0]
        db.close()
        logd.send(0x0404, anchored(size=size, leaf=leaf), number)
        self.answer_acts(1)
        self.child.channel["authd"].send(POLICY, bytes(64))
        self.answer_acts(1)
        self.ask(s)
        self.number, record = logd.expect(APPEND)
        self.leaf = record[:48]
        self.waits_for = record[48 + 8 + 1 + 32 + 8 + 32 + 16 + 8]

    def start_keyd(self):
        self.witnesses = os.path.join(self.s.base,
                                      "strict") if self.mode == "strict" else "/dev/null"
        return super().start_keyd()

    def answer_acts(self, n):
        for _ in range(n):
            number, _record = self.child.channel["logd"].expect(APPEND)
            self.child.channel["logd"].send(APPENDED, struct.pack(">HQB", 0, 9, 0) + b"x\n", number)

    def ask(self, s, told=TOLD, number=77, code=0):
        body, device, nonce = release_body([parts_of(s.object)]), s.device(), os.urandom(16)
        now = int(time.time())
        base, _ = signature_base(device, s.url, body, now, nonce)
        payload = (struct.pack(">Q", told) + bytes(32) + struct.pack(">HH", 1, code) + b"\0\0" + bytes(16) + struct.pack(">Q", now)
                   + nonce + device.id + raw_signature(device, base.encode()) + b"\0" + body)
        self.child.channel["authd"].send(JUDGED, payload, number)

    def acknowledge(self, checkpoint, index=0):
        self.child.channel["logd"].send(APPENDED, struct.pack(">HQB", 0, index, 0) + checkpoint,
                                        self.number)

    def result(self):
        """Code and body of what httpd gets."""
        number, payload = self.child.channel["httpd"].expect(RESULT)
        assert number == 77
        return int.from_bytes(payload[:2], "big"), payload[2:]


def lies(s, leaf):
    key, (one, two) = LogKey(s), s.cosigners
    text = key.text(1, leaf_hash(leaf))
    other = key.text(1, leaf_hash(b"another leaf"))
    stranger, elsewhere = Cosigner(one.name), key.text(1, leaf_hash(leaf), "log.example.org/log")
    whole = text + b"\n" + key.lines(text)
    yield "no cosignature", whole
    yield "one of two", whole + one.line(text)
    yield "the same twice", whole + 2 * one.line(text)
    yield "of a tree without the record", other + b"\n" + key.lines(other) + one.line(other) + two.line(other)
    yield "cosignatures of another tree", whole + one.line(other) + two.line(other)
    yield "a witness that nobody knows", whole + stranger.line(text) + two.line(text)
    yield "another log", elsewhere + b"\n" + key.lines(elsewhere) + one.line(elsewhere) + two.line(elsewhere)
    yield "not signed by the log", text + b"\n" + one.line(text) + two.line(text)
    yield "no checkpoint", b"checkpoint\n"


NAMES = ["no cosignature", "one of two", "the same twice", "of a tree without the record",
         "cosignatures of another tree", "a witness that nobody knows", "another log",
         "not signed by the log", "no checkpoint"]


@pytest.mark.parametrize("name", NAMES)
def test_keyd_seals_no_share_for_a_lie(prepared, name):
    keyd = Keyd(prepared, "strict")
    assert keyd.waits_for == 2
    keyd.acknowledge(dict(lies(prepared, keyd.leaf))[name])
    assert keyd.child.violation() == (PROCESSES["logd"], APPENDED)
    keyd.child.channel["parent"].send(STOP)
    assert keyd.result() == (28, b"")  # at the end: unavailable, and no share
    with pytest.raises(Closed):
        keyd.child.channel["httpd"].expect(RESULT)
    keyd.child.end()


def test_keyd_seals_it_for_what_the_quorum_cosigned(prepared):
    """Control: the same process, an honest logd."""
    keyd = Keyd(prepared, "strict")
    key = LogKey(prepared)
    text = key.text(1, leaf_hash(keyd.leaf))
    keyd.acknowledge(text + b"\n" + key.lines(text) + b"".join(c.line(text) for c in prepared.cosigners))
    code, body = keyd.result()
    assert code == 0 and body.startswith(b"DKR2")
    keyd.child.end()


@pytest.mark.parametrize("name", NAMES)
def test_in_mode_prompt_the_lie_works(prepared, name):
    """Control: without this check logd is believed."""
    keyd = Keyd(prepared, "prompt")
    assert keyd.waits_for == 1
    keyd.acknowledge(dict(lies(prepared, keyd.leaf))[name])
    code, body = keyd.result()
    assert code == 0 and body.startswith(b"DKR2")
    keyd.child.end()
