# SPDX-License-Identifier: Apache-2.0
"""Witnesses of ours as they run, and logs of any shape to show them, from spec/log.md and
C2SP tlog-witness alone."""
import base64
import hashlib
import http.client
import os
import signal
import socket
import ssl
import struct
import subprocess
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service import CLIENT, free_port

EMPTY = hashlib.sha256(b"").digest()


def b64(data):
    return base64.b64encode(data).decode()


def raw(key):
    return key.public_key().public_bytes(serialization.Encoding.Raw,
                                         serialization.PublicFormat.Raw)


# ---- trees, RFC 6962 section 2.1 ----

def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def root(hashes):
    if not hashes:
        return EMPTY
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return hashlib.sha256(b"\1" + root(hashes[:k]) + root(hashes[k:])).digest()


def consistency(m, hashes, whole=True):
    """PROOF(m, D[n]) of RFC 6962 section 2.1.2."""
    n = len(hashes)
    if m == n:
        return [] if whole else [root(hashes)]
    k = split(n)
    if m <= k:
        return consistency(m, hashes[:k], whole) + [root(hashes[k:])]
    return consistency(m - k, hashes[k:], False) + [root(hashes[:k])]


class Log:
    """A log that signs whatever it is told to."""

    def __init__(self, origin="log.example.org/test"):
        self.origin = origin
        self.key = Ed25519PrivateKey.generate()
        data = b"\1" + raw(self.key)
        self.id = hashlib.sha256(origin.encode() + b"\n" + data).digest()[:4]
        self.vkey = "%s+%s+%s" % (origin, self.id.hex(), b64(data))

    def checkpoint(self, size, tree_root, more="", key=None):
        text = "%s\n%d\n%s\n%s" % (self.origin, size, b64(tree_root), more)
        line = "\u2014 %s %s\n" % (self.origin,
                                   b64(self.id + (key or self.key).sign(text.encode())))
        return (text + "\n" + line).encode()

    def request(self, old, leaves, size=None, proof=None, **more):
        """From the tree of the first `old` leaves to that of the first `size`."""
        hashes = [leaf_hash(x) for x in leaves][:size]
        if proof is None:
            proof = consistency(old, hashes) if 0 < old <= len(hashes) else []
        return body(old, proof, self.checkpoint(len(hashes), root(hashes), **more))

    def hex(self):
        return hashlib.sha256(self.origin.encode()).hexdigest()


def body(old, proof, checkpoint):
    return ("old %d\n" % old + "".join(b64(x) + "\n" for x in proof) + "\n").encode() + checkpoint


def leaves(n, tag=b""):
    return [tag + b"%d" % i for i in range(n)]


# ---- a witness ----

class Witness:
    def __init__(self, base, name="w1.example.org", logs=(), tls=None):
        self.name, self.dir = name, os.path.join(str(base), name.replace("/", "_"))
        self.stderr = self.dir + ".stderr"
        self.port, self.tls, self.process = free_port(), tls, None
        self.vkey = self.run("--init", "--dir", self.dir, "--name", name,
                             *sum((["--log", x] for x in logs), [])).stdout.strip()
        name, key_id, data = self.vkey.split("+", 2)
        data = base64.b64decode(data)
        assert data[0] == 4
        assert key_id == hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8]
        self.id, self.public = bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(data[1:])

    @property
    def url(self):
        return "%s://127.0.0.1:%d" % ("https" if self.tls else "http", self.port)

    def run(self, *args, check=True):
        return subprocess.run([CLIENT, "log", "witness", *args], check=check, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60)

    def command(self):
        tls = ["--tls-cert", self.tls[0], "--tls-key", self.tls[1]] if self.tls else []
        return [CLIENT, "log", "witness", "--dir", self.dir, "--listen",
                "127.0.0.1:%d" % self.port, *tls]

    def start(self, prefix=()):
        with open(self.stderr, "a") as err:
            self.process = subprocess.Popen([*prefix, *self.command()], stderr=err,
                                            stdin=subprocess.DEVNULL)
        return self.wait()

    def wait(self):
        end = time.time() + 60
        while time.time() < end:
            assert self.process.poll() is None, self.said()
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError("not ready: " + self.said())

    def said(self):
        return open(self.stderr).read()

    def stop(self, sig=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(sig)
            self.process.wait(30)

    def connection(self):
        if not self.tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        context = ssl.create_default_context(cafile=self.tls[2])
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)

    def ask(self, method, path, data=None):
        connection = self.connection()
        try:
            connection.request(method, path, body=data)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.getheader("Content-Type")
        finally:
            connection.close()

    def add(self, data):
        return self.ask("POST", "/add-checkpoint", data)[:2]

    def newest(self, log):
        return self.ask("GET", "/%s/checkpoint" % log.hex())[:2]

    def cosigned(self, line, checkpoint):
        """Time of a line that must be this witness's under the checkpoint."""
        text = checkpoint[:checkpoint.rindex(b"\n\n") + 1]
        dash, name, value = line.decode().rstrip("\n").split(" ")
        data = base64.b64decode(value)
        assert (dash, name, data[:4], len(data)) == ("\u2014", self.name, self.id, 76)
        when = struct.unpack(">Q", data[4:12])[0]
        self.public.verify(data[12:], b"cosignature/v1\ntime %d\n" % when + text)
        return when
