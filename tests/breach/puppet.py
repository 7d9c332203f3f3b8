# SPDX-License-Identifier: Apache-2.0
"""A process of the running service that is the thief's: a program in its place hands its channels
over, and the thief speaks by spec/ipc.md as it would. httpd and authd can be taken over so."""
import hashlib
import os
import socket
import struct
import threading

from peers import CHANNELS, Channel, Closed

SCRIPT = """#!/usr/bin/python3 -I
import signal, socket
to = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
to.connect(%(place)r)
socket.send_fds(to, [b"x"], list(range(3, %(end)d)))
to.close()
while True:
    signal.pause()
"""
READY, TLS_DONE, RELEASE, JUDGED, POLICY, AUDITORS, RESULT, READ, DATA = (
    0x0001, 0x0017, 0x0101, 0x0201, 0x0204, 0x0206, 0x0301, 0x0501, 0x0502)
PASSED = {0x0102: 0x0202, 0x0103: 0x0203}  # ENROL, KEY
PROTECTIONS = 63
TOKEN, CERTIFICATE, DIGEST = 2, 1, 3


class Puppet:
    """Channels of one process, until the service stops."""

    def __init__(self, s, name):
        self.s, self.name, self.number = s, name, 1000
        self.place = os.path.join(s.base, name + ".sock")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.place)
        self.listener.listen()
        self.listener.settimeout(60)
        s.replace(name, SCRIPT % {"place": self.place, "end": 3 + len(CHANNELS[name])})

    def take(self):
        end, _ = self.listener.accept()
        with end:
            _, fds, _, _ = socket.recv_fds(end, 1, 16)
        self.channel = {peer: Channel(socket.socket(fileno=fd))
                        for peer, fd in zip(CHANNELS[self.name], fds)}
        getattr(self, "begin_" + self.name)()

    def begin_httpd(self):
        self.channel["parent"].send(TLS_DONE, struct.pack(">HQQ", 0, 1 << 33, 0) + b"in use", 0)
        self.channel["parent"].send(READY, struct.pack(">I", PROTECTIONS))

    def begin_authd(self):
        with open(os.path.join(self.s.dir, "policy.conf"), "rb") as f:
            self.policy = hashlib.sha256(f.read()).digest()
        self.told, self.factors = 0, []
        self.channel["keyd"].send(POLICY, self.policy + bytes(32))
        self.channel["keyd"].send(AUDITORS, self.policy)
        self.channel["parent"].send(READY, struct.pack(">I", PROTECTIONS))
        self.threads = [threading.Thread(target=run, daemon=True)
                        for run in (self.count_told, self.allow_all)]
        for thread in self.threads:
            thread.start()

    def end(self):
        for channel in self.channel.values():
            try:
                channel.end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in getattr(self, "threads", []):
            thread.join(60)
        for channel in self.channel.values():
            channel.end.close()
        self.listener.close()
        os.unlink(self.place)
        self.s.put_back(self.name)

    # ---- authd ----

    def count_told(self):
        """What keyd says of devices and keys is counted: what is older is outdated."""
        try:
            while True:
                self.channel["keyd"].receive()
                self.told += 1
        except (Closed, OSError):
            pass

    def allow_all(self):
        """Whatever httpd hands on is allowed, with the factors that the thief likes."""
        try:
            while True:
                kind, number, payload = self.channel["httpd"].receive()
                if kind == RELEASE:
                    self.judge(payload, number)
                elif kind in PASSED:
                    self.channel["keyd"].send(PASSED[kind], payload, number)
        except (Closed, OSError):
            pass

    def judge(self, payload, number):
        """RELEASE as RELEASE_JUDGED, without its claims 1 and 2."""
        head, claims, body = claims_of(payload)
        kept = [(kind, data) for kind, data in claims if kind not in (CERTIFICATE, TOKEN)]
        n = struct.unpack(">H", body[71:73])[0] if len(body) > 72 else 0
        factors = b"".join(struct.pack(">HH", tag, len(value)) + value for tag, value in
                           self.factors if tag != 19 or any(k == DIGEST for k, _ in kept))
        count = sum(1 for tag, _ in self.factors if tag != 19 or any(k == DIGEST for k, _ in kept))
        self.channel["keyd"].send(
            JUDGED, struct.pack(">Q", self.told) + self.policy + struct.pack(">H", n) +
            bytes(2 * n) + b"\0" + bytes([count]) + factors + head + claims_text(kept) + body,
            number)

    # ---- httpd ----

    def release(self, authd, given, signature, body, claims, address=bytes(16)):
        """Code and answer. authd: the puppet that judges, or None: the real one does."""
        self.number += 1
        payload = (address + struct.pack(">Q", given.created) + given.nonce + given.key_id +
                   signature + claims_text(claims) + body)
        if authd:
            authd.judge(payload, self.number)
        else:
            self.channel["authd"].send(RELEASE, payload, self.number)
        while True:
            number, answer = self.channel["keyd"].expect(RESULT)
            if number == self.number:
                return int.from_bytes(answer[:2], "big"), answer[2:]

    def read(self, path):
        self.number += 1
        self.channel["logd"].send(READ, path.encode(), self.number)
        while True:
            number, answer = self.channel["logd"].expect(DATA)
            if number == self.number:
                return int.from_bytes(answer[:2], "big"), answer[2:]


def claims_of(payload):
    at, found = 16 + 8 + 16 + 32 + 64, []
    head, count = payload[:at], payload[at]
    at += 1
    for _ in range(count):
        kind, length = struct.unpack(">BH", payload[at:at + 3])
        found.append((kind, payload[at + 3:at + 3 + length]))
        at += 3 + length
    return head, found, payload[at:]


def claims_text(claims):
    return bytes([len(claims)]) + b"".join(struct.pack(">BH", kind, len(data)) + data
                                           for kind, data in claims)


def certificate_claim(*names):
    return (CERTIFICATE, b"\1" + bytes(32) + bytes(32) + bytes([len(names)]) +
            b"".join(bytes([len(n)]) + n.encode() for n in names))


def forged_token(iss, kid, now):
    """Field 19 of a record, spec/log.md section 2."""
    return 19, bytes(32) + struct.pack(">Q", now) + b"".join(
        bytes([len(t)]) + t.encode() for t in (iss, kid, "forged"))
