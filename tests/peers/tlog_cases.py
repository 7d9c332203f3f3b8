# SPDX-License-Identifier: Apache-2.0
"""The log of a running service, its copy and its proofs, read by the public tools in tlog/."""

import base64
import os
import pathlib
import shutil
import ssl
import sys
import tempfile
import time

from peer import HERE, Kind, Peer, Refused, build_go

ENTRIES = 300  # more than one bundle


def make_tlog(where):
    return [build_go("tlog", where / "peer")]


TLOG = Kind("tlog", make_tlog, ())


class Tlog:
    """A service whose log has more than one bundle, and the peer, as long as the block lasts."""

    def __init__(self, build_folder):
        self.build, self.service = build_folder, None
        self.folder = tempfile.TemporaryDirectory()
        self.peer = Peer(TLOG, build_folder)

    def __enter__(self):
        os.environ["DOUBLEKEY_BUILD"] = str(self.build)
        sys.path.insert(0, str(HERE.parent / "service"))
        import service
        self.module = service
        self.service = service.Service(self.folder.name)
        self.service.start()
        self.service.prepare()
        self.grow()
        _, _, ca = self.service.request("GET", "/v1/ca")
        self.log = {"url": (self.service.url + "/log").encode(),
                    "ca": ssl.DER_cert_to_PEM_cert(ca).encode(),
                    "key": self.service.vkey.encode()}
        return self

    def __exit__(self, *what):
        self.peer.__exit__(*what)
        if self.service:
            self.service.stop()
        self.folder.cleanup()

    def grow(self):
        s = self.service
        device = s.device()
        body = self.module.release_body([self.module.parts_of(s.object)])
        connection = s.connection()
        for _ in range(ENTRIES):
            connection.request("POST", "/v1/release", body,
                               self.module.signed_headers(device, s.url, body))
            assert connection.getresponse().read()
        connection.close()
        end = time.time() + 30
        while self.size() < ENTRIES and time.time() < end:
            time.sleep(0.2)

    def checkpoint(self):
        return self.service.request("GET", "/log/checkpoint")[2]

    def size(self):
        status, _, body = self.service.request("GET", "/log/checkpoint")
        return int(body.split(b"\n")[1]) if status == 200 else 0

    def copy(self, name):
        self.service.client("log", "mirror", self.service.url + "/log", "-o", name)
        return pathlib.Path(self.folder.name) / name

    def in_folder(self, folder):
        return {**self.log, "url": f"file://{folder}".encode()}

    def refused(self, op, **values):
        try:
            self.peer.ask(op, **values)
        except Refused:
            return
        raise AssertionError("it was taken")

    # ---- the cases ----

    def whole(self):
        self.peer.ask("check", **self.log)

    def whole_copy(self):
        self.peer.ask("check", **self.in_folder(self.copy("whole")))

    def damage(self):
        folder = self.copy("damaged")
        for name in ("tile/0/000", "tile/entries/000", "checkpoint"):
            data = (folder / name).read_bytes()
            at = data.index(b"\n\n") - 9 if name == "checkpoint" else 99
            (folder / name).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
            self.refused("check", **self.in_folder(folder))
            (folder / name).write_bytes(data)
        self.peer.ask("check", **self.in_folder(folder))
        shutil.rmtree(folder)

    def proofs(self):
        """Hashes that sumdb/tlog found in the tiles are those of our proof."""
        folder = self.copy("proofs")
        for index in (0, 7, 255, 256, ENTRIES - 1):
            self.service.client("log", "prove", str(index), "proofs", "-o", "proof", "-f")
            made = (pathlib.Path(self.folder.name) / "proof").read_bytes()
            entry = self.peer.ask("file", file=made, key=self.log["key"])["entry"]
            assert entry[:4] == b"DKL1" and len(entry) == 48
            theirs = self.peer.ask("prove", index=index.to_bytes(8, "big"),
                                   **self.in_folder(folder))["inclusion"]
            head = made.split(b"\n\n")[0].decode().split("\n")[3:]
            assert b"".join(map(base64.b64decode, head)) == theirs
        self.refused("file", file=made.replace(b"index 29", b"index 28"), key=self.log["key"])

    def both_signatures(self):
        """The keys are pinned; the other one comes from there."""
        from reader import native, note as notes
        note, keys = self.checkpoint(), native.parse_service(self.profile()).log
        for kind, key in ((notes.ED25519, keys.ed25519), (notes.ECDSA, keys.p256)):
            vkey = notes.Key(kind, keys.origin, key).text().encode()
            self.peer.ask("verify", note=note, key=vkey)
            self.refused("verify", note=note.replace(b"\n", b"\n\n", 1), key=vkey)

    def profile(self):
        path = pathlib.Path(self.folder.name) / "client/doublekey/services" / \
            f"127.0.0.1:{self.service.port}" / "service"
        return path.read_bytes()

    def all(self):
        return [("the whole log", self.whole), ("a copy", self.whole_copy),
                ("damaged copies", self.damage), ("proofs", self.proofs),
                ("both signatures", self.both_signatures)]
