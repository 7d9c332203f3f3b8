# SPDX-License-Identifier: Apache-2.0
"""A public witness, litewitness, cosigns the log of a running service in mode strict. Its key
is held by an ssh-agent that is started for it."""

import base64
import hashlib
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from peer import HERE, Kind, build_go_program, tool

PROGRAM = "filippo.io/torchwood/cmd/litewitness"
WITNESS = Kind("litewitness", None, ())


def wait_for(what):
    end = time.time() + 60
    while time.time() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come about")


class PublicWitness:
    """A service, and the witness that is its quorum."""

    def __init__(self, build_folder):
        self.program = build_go_program(
            "witness", PROGRAM, build_folder / "peers" / "litewitness" / "litewitness")
        self.agent, self.add, self.keygen = tool("ssh-agent"), tool("ssh-add"), tool("ssh-keygen")
        self.build, self.children, self.service = build_folder, [], None
        self.folder = tempfile.TemporaryDirectory()

    def __enter__(self):
        os.environ["DOUBLEKEY_BUILD"] = str(self.build)
        sys.path.insert(0, str(HERE.parent / "service"))
        import service
        self.service = service.Service(self.folder.name)
        self.start_witness(service.free_port())
        self.use_witness()
        self.service.start()
        self.service.prepare()
        return self

    def __exit__(self, *what):
        if self.service:
            self.service.stop()
        for child in reversed(self.children):
            child.send_signal(signal.SIGTERM)
            child.wait(30)
        self.folder.cleanup()

    def start(self, *command):
        with open(self.path("said"), "ab") as said:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                     cwd=self.folder.name)
        self.children.append(child)
        return child

    def path(self, name):
        return pathlib.Path(self.folder.name) / name

    def start_witness(self, port):
        key, socket = self.path("id"), self.path("agent")
        subprocess.run([self.keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.start(self.agent, "-D", "-a", socket)
        wait_for(socket.exists)
        subprocess.run([self.add, "-q", key], check=True, capture_output=True,
                       env={**os.environ, "SSH_AUTH_SOCK": str(socket)})
        shown = subprocess.run([self.keygen, "-l", "-f", key], check=True, capture_output=True,
                               text=True)
        self.url = f"http://127.0.0.1:{port}"
        self.start(self.program, "-name", "example.org/lite", "-db", self.path("db"), "-ssh-agent",
                   socket, "-key", shown.stdout.split()[1], "-listen", f"127.0.0.1:{port}")
        self.vkey = wait_for(lambda: re.search(r"vkey=\"?(\S+?)\"?$", self.path("said").read_text(),
                                               re.M))[1]

    def use_witness(self):
        origin = self.service.vkey.split("+")[0]
        empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()
        with sqlite3.connect(self.path("db")) as db:
            db.execute("INSERT INTO log VALUES (?, 0, ?)", (origin, empty))
            db.execute("INSERT INTO key VALUES (?, ?)", (origin, self.service.vkey))
        db.close()
        folder = pathlib.Path(self.service.dir)
        (folder / "witnesses").write_text(f"witness lite {self.vkey} {self.url}\nquorum lite\n")
        with open(folder / "doublekeyd.conf", "a", encoding="utf-8") as conf:
            conf.write('mode = "strict"\nwitnesses = "witnesses"\nquorum-wait = 5\n')

    def decrypt(self):
        return self.service.client("decrypt", "--customer", self.service.key, "--provider", "p.key",
                                   "object.dk", "-f", "-o", "out", check=False)

    # ---- the cases ----

    def releases(self):
        for _ in range(5):
            done = self.decrypt()
            assert done.returncode == 0, done.stderr
        wait_for(lambda: re.search(r"^witness\tlite cosigned \d+ at ",
                                   self.service.admin("status").stdout, re.M))

    def line_holds(self):
        """By code that is neither ours nor the witness's."""
        note = wait_for(lambda: self.cosigned())
        text, lines = note.rsplit(b"\n\n", 1)
        line = [x for x in lines.decode().splitlines() if x.startswith("\u2014 example.org/lite ")][0]
        raw = base64.b64decode(line.split(" ")[2])
        key = base64.b64decode(self.vkey.split("+", 2)[2])
        when = int.from_bytes(raw[4:12], "big")
        Ed25519PublicKey.from_public_bytes(key[1:]).verify(
            raw[12:], b"cosignature/v1\ntime %d\n" % when + text + b"\n")

    def cosigned(self):
        status, _, note = self.service.request("GET", "/log/checkpoint")
        return note if status == 200 and b"example.org/lite" in note else None

    def nothing_without_it(self):
        """Control: the releases above did wait for it."""
        child = self.children.pop()
        child.send_signal(signal.SIGTERM)
        child.wait(30)
        done = self.decrypt()
        assert done.returncode == 1 and "service-quorum" in done.stderr, done.stderr

    def all(self):
        return [("releases in mode strict", self.releases), ("its cosignature", self.line_holds),
                ("nothing without it", self.nothing_without_it)]
