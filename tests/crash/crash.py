# SPDX-License-Identifier: Apache-2.0
"""A doublekeyd whose directory lies on a disk that forgets (disk.h), and whose
processes end behind any of their steps (cut.c)."""
import base64
import contextlib
import ctypes
import hashlib
import json
import mmap
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import time

import pytest

from service import BUILD, DAEMON, Service

DROPFS = os.path.join(BUILD, "tests", "crash", "dropfs")
CUT = os.path.join(BUILD, "tests", "crash", "cut")


class Disk:
    """The disk, mounted on a folder."""

    def __init__(self, folder):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.process = subprocess.Popen([DROPFS, self.folder], stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        while not os.path.ismount(self.folder):
            if self.process.poll() is not None:
                pytest.skip("no FUSE here: " + self.process.stderr.read().strip())
            time.sleep(0.01)

    def tell(self, what, value=""):
        os.setxattr(self.folder, "user." + what, str(value).encode())

    def crash(self, seed=0):
        self.tell("crash", seed)

    def close(self):
        self.process.terminate()
        self.process.communicate(timeout=30)
        # Only if it was in use; its process is gone, so nothing waits for it.
        if os.path.ismount(self.folder):
            ctypes.CDLL(None).umount2(self.folder.encode(), 2)


class Control:
    """struct control of cut.c."""
    SIZE = 48 + 16 * 24

    def __init__(self, path):
        self.path = path
        pathlib.Path(path).write_bytes(bytes(self.SIZE))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), self.SIZE)

    def arm(self, process="", step=0, everything=False):
        self.map[0:4] = bytes(4)
        self.map[4:self.SIZE] = struct.pack("III16s", everything, step, 0, process.encode()) \
            + bytes(self.SIZE - 32)
        self.map[0:4] = struct.pack("I", 1)

    def disarm(self):
        self.map[0:4] = bytes(4)

    @property
    def fired(self):
        """The system call behind which it ended, or None."""
        if struct.unpack("I", self.map[12:16])[0] == 0:
            return None
        return self.map[32:48].rstrip(b"\0").decode()

    def counts(self):
        rows = [struct.unpack("16sII", self.map[at:at + 24]) for at in range(48, self.SIZE, 24)]
        return {name.rstrip(b"\0").decode(): steps for name, steps, _ in rows if steps}


class Crashing(Service):
    """Its directory is on the disk, its processes run under cut."""

    def __init__(self, base):
        self.disk = Disk(os.path.join(base, "service"))
        self.control = Control(os.path.join(base, "control"))
        if subprocess.run([CUT, self.control.path, "/bin/true"], check=False).returncode != 0:
            self.disk.close()
            pytest.skip("no ptrace here")
        super().__init__(base)

    def start(self, wait=True):
        with open(self.stderr, "a") as err:
            self.process = subprocess.Popen(
                [CUT, self.control.path, DAEMON, "run", "--dir", self.dir,
                 "--passphrase-file", self.passfile], stderr=err, stdin=subprocess.DEVNULL)
        if wait:
            self.wait_ready()

    def wait_ready(self):
        end = time.time() + 60
        while self.admin("status", check=False).returncode != 0:
            assert self.process.poll() is None, open(self.stderr).read()
            assert time.time() < end, "not ready"
            time.sleep(0.01)

    def lines(self, *args):
        """What a command prints that must not fail."""
        out = self.admin(*args, check=False)
        assert out.returncode == 0, (args, out.stdout[-500:], out.stderr,
                                     open(self.stderr).read()[-1500:])
        return out.stdout.splitlines()

    def kill(self):
        """All its processes at once."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(10)  # SIGUSR1
        if self.process:
            self.process.wait(30)

    def close(self):
        self.kill()
        self.disk.close()


@contextlib.contextmanager
def crashing():
    # Others than root must be able to come here: logd has a user of its own.
    base = tempfile.mkdtemp(prefix="doublekey-crash-", dir="/var/tmp")
    os.chmod(base, 0o755)
    service = None
    try:
        service = Crashing(base)
        yield service
    finally:
        if service:
            service.close()
        shutil.rmtree(base)


# ---- what clients got ----

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        assert self.at + n <= len(self.data)
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "big")


def checkpoint_of(text):
    """Size and root of a checkpoint, spec/log.md section 4."""
    _, size, root = text.split(b"\n")[:3]
    return int(size), base64.b64decode(root)


def read_receipt(reader):
    """Index, leaf and checkpoint, spec/log.md section 7."""
    leaf, index = reader.take(48), reader.number(8)
    reader.take(32 * reader.number(1))
    checkpoint = checkpoint_of(reader.take(reader.number(2)))
    reader.take(reader.number(4))
    return index, leaf, checkpoint


def receipt_of_release(answer):
    r = Reader(answer)
    assert r.take(4) == b"DKR2"
    index = r.number(8)
    r.take(65)
    r.take(50 * r.number(2))
    receipt = read_receipt(r)
    assert r.at == len(answer) and receipt[0] == index
    return receipt


def receipts_of_key(answer):
    """spec/key-service.md section 5."""
    r = Reader(answer)
    assert r.take(4) == b"DKK1"
    r.take(r.number(1))
    r.take(48 + 8)
    versions = r.number(2)
    for _ in range(versions):
        r.take(4 + 2 + 1 + 8 + 8)
        r.take(r.number(2))
    for _ in range(r.number(1)):
        r.take(48 + 2)
        r.take(r.number(2))
    r.take(64)
    receipts = []
    for _ in range(versions):
        end = r.number(4) + r.at
        receipts.append(read_receipt(r))
        assert r.at == end
    assert r.at == len(answer)
    return receipts


# ---- the tree ----

def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(leaf):
    return sha256(b"\0" + leaf)


def roots(leaves):
    """Root of the tree of the first n leaves, for each n from 0 on (RFC 6962)."""
    edge, result = [], [sha256(b"")]
    for n, leaf in enumerate(leaves):
        node = leaf_hash(leaf)
        while n & 1:
            node = sha256(b"\1" + edge.pop() + node)
            n >>= 1
        edge.append(node)
        root = edge[-1]
        for left in reversed(edge[:-1]):
            root = sha256(b"\1" + left + root)
        result.append(root)
    return result


def tiles(connection, kind, width_all):
    """The tiles of a kind ("entries" or a level) for that many hashes, one after the other."""
    data = b""
    for n in range((width_all + 255) // 256):
        width = min(256, width_all - 256 * n)
        path = "/log/tile/%s/%03d%s" % (kind, n, "" if width == 256 else ".p/%d" % width)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, path + " is missing"
        data += body
    return data


def served_tree(s, at_least, patience=20):
    """Leaves of all entry bundles, and the root of the checkpoint that covers them."""
    end = time.time() + patience
    size, root = 0, None
    while size < at_least and time.time() < end:
        status, _, body = s.request("GET", "/log/checkpoint")
        if status == 200:
            size, root = checkpoint_of(body)
        if size < at_least:
            time.sleep(0.05)
    assert size >= at_least, "the checkpoint of the service stays behind what was handed out"
    connection = s.connection()
    data = tiles(connection, "entries", size)
    assert len(data) == 50 * size
    leaves = [data[at + 2:at + 50] for at in range(0, len(data), 50)]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    assert b"".join(hashes) == tiles(connection, "0", size)
    assert b"".join(roots(leaves[at:at + 256])[256] for at in range(0, size - 255, 256)) == \
        tiles(connection, "1", size // 256)
    connection.close()
    return leaves, root


def records(s):
    """The command opens each of them with its leaf, or fails."""
    return [json.loads(line) for line in s.lines("log", "--json")]
