# SPDX-License-Identifier: Apache-2.0
"""The real keyd with keys of Microsoft's protocol, and the test as authd, httpd and logd."""
import hashlib
import os
import shutil
import sqlite3
import struct
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from peers import Peers, anchored
from reader import log

APPEND, APPENDED, RESULT, KEYS, JUDGED, POLICY = 0x0401, 0x0402, 0x0301, 0x0302, 0x0208, 0x0204
ADMIN, ADMIN_DONE = 0x0010, 0x0011
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
BLOB = bytes.fromhex("2c00ffff2000100002100000") + bytes(range(32))
PERSON, CLIENT, RULE = b"alice@contoso.com", b"d3590ed6-52b3-4102-aeff-aad2292ab01c", b"office"
TOKEN = b"header.payload.signature"
TOKEN_FIELD = bytes(range(32)) + struct.pack(">Q", 1929000000) + b"\3iss\3kid\3jti"
CERTIFICATE = b"c" * 32 + b"a" * 32


def text(data):
    return bytes([len(data)]) + data


def field(tag, value):
    return struct.pack(">HH", tag, len(value)) + value


def charge(name=b"b", objects=1):
    return name.ljust(32) + struct.pack(">III", objects, 5, 0)


def factor(kind, verifier, root):
    return field(16, struct.pack(">HBQ", kind, verifier, root))


FIELDS = (factor(7, 2, 1), field(19, TOKEN_FIELD), field(20, CERTIFICATE), field(23, CLIENT),
          field(24, RULE))


class Append:
    """What keyd wants recorded."""

    def __init__(self, number, payload):
        self.number, self.leaf = number, payload[:48]
        self.mode, count = payload[153], payload[154]
        self.charges = payload[155:155 + 44 * count]
        self.policy, self.device = payload[57:89], payload[97:129]
        self.created, self.until = (int.from_bytes(payload[at:at + 8], "big") for at in (89, 145))
        self.nonce = payload[129:145]
        record = payload[155 + 44 * count:]
        self.event = log.open_record(record, self.leaf)
        self.main, self.person, self.objects = (self.event.main, self.event.person,
                                                self.event.objects)
        self.size = len(payload)


class Keyd(Peers):
    """keyd with the store of a service that does not run."""

    def __init__(self, s, witnesses="/dev/null"):
        super().__init__(s)
        self.witnesses, self.told, self.number, self.index = witnesses, 0, 100, 1000
        self.child = self.start("keyd")
        self.not_shared(self.child)
        number, asked = self.logd.expect(0x0403)
        size = int.from_bytes(asked, "big")
        leaf = self.leaf_of(s, size - 1) if size else bytes(48)
        self.logd.send(0x0404, anchored(size=size, leaf=leaf), number)
        self.keys = self.expect_keys()
        self.acknowledge(self.append())  # of the start
        self.authd.send(POLICY, bytes(64))
        self.acknowledge(self.append())

    @staticmethod
    def leaf_of(s, index):
        db = sqlite3.connect("file:%s/log/log.db?mode=ro" % s.dir, uri=True)
        leaf = db.execute("SELECT leaf FROM entry WHERE idx=?", (index,)).fetchone()[0]
        db.close()
        return leaf

    logd = property(lambda self: self.child.channel["logd"])
    authd = property(lambda self: self.child.channel["authd"])
    httpd = property(lambda self: self.child.channel["httpd"])
    parent = property(lambda self: self.child.channel["parent"])

    def append(self):
        return Append(*self.logd.expect(APPEND))

    def acknowledge(self, append, code=0):
        self.index += 1
        tail = struct.pack(">QB", self.index, 0) + b"checkpoint\n" if code == 0 else b""
        self.logd.send(APPENDED, struct.pack(">H", code) + tail, append.number)
        return self.index

    def expect_keys(self):
        """NAME: (ID, modulus) of what is published."""
        payload = self.httpd.expect(KEYS)[1]
        count, at, found = int.from_bytes(payload[:2], "big"), 2, {}
        for _ in range(count):
            parts = []
            for size in (1, 1, 2):
                n = int.from_bytes(payload[at:at + size], "big")
                parts.append(payload[at + size:at + size + n])
                at += size + n
            found[parts[0].decode()] = (parts[1].decode(), int.from_bytes(parts[2], "big"))
        assert at == len(payload) and list(found) == sorted(found)
        return found

    def wrap(self, name, plain=BLOB):
        return rsa.RSAPublicNumbers(65537, self.keys[name][1]).public_key().encrypt(plain, OAEP)

    def ask(self, name, id_, value, code=0, level=3, charges=b"", fields=FIELDS, person=PERSON,
            told=None, until=0):
        self.number += 1
        payload = (struct.pack(">Q", self.told if told is None else told) + b"p" * 32
                   + struct.pack(">HBB", code, level, len(charges) // 44) + charges
                   + bytes([len(fields)]) + b"".join(fields) + b"a" * 16 + text(person)
                   + hashlib.sha256(TOKEN).digest() + struct.pack(">Q", until) + text(name.encode()) + text(id_.encode())
                   + struct.pack(">H", len(value)) + value)
        self.authd.send(JUDGED, payload, self.number)
        return self.number

    def result(self, number):
        got, payload = self.httpd.expect(RESULT)
        assert got == number
        return int.from_bytes(payload[:2], "big"), payload[2:]

    def nothing_yet(self):
        """Behind a round of keyd: an administrator's question is answered, httpd has nothing
        but public keys."""
        self.admin(3)
        self.httpd.end.settimeout(0)
        try:
            while True:
                assert self.httpd.receive()[0] == KEYS, "httpd was told something"
        except BlockingIOError:
            pass
        finally:
            self.httpd.end.settimeout(60)

    def send_admin(self, op, *args):
        self.number += 1
        self.parent.send(ADMIN, struct.pack(">HIB", op, 0, len(args)) + b"".join(
            struct.pack(">H", len(a)) + a.encode() for a in args), self.number)

    def admin_done(self):
        payload = self.parent.expect(ADMIN_DONE)[1]
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()

    def admin(self, op, *args):
        self.send_admin(op, *args)
        return self.admin_done()

    def act(self, op, *args):
        """An act, up to its answer; its record."""
        self.send_admin(op, *args)
        append = self.append()
        self.acknowledge(append)
        code, said = self.admin_done()
        assert code == 0
        return append, said

    def decrypt(self, name, id_, value, **judged):
        """Code, what came out, record."""
        number = self.ask(name, id_, value, **judged)
        append = self.append()
        self.nothing_yet()
        self.acknowledge(append)
        return (*self.result(number), append)


def keep(keyd):
    """The store that keyd has written becomes that of the service."""
    for slot in ("sealed.0", "sealed.1"):
        shutil.copy(os.path.join(keyd.s.base, slot), os.path.join(keyd.s.dir, "keys", slot))


def now():
    return int(time.time())
