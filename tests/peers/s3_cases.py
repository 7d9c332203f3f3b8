# SPDX-License-Identifier: Apache-2.0
"""Catalogues of buckets on servers that others wrote: what boto3 put there is in them, as the
second reader sees it."""

import io
import os
import pathlib
import subprocess
import tempfile

from peer import HERE, Kind, Peer, build_go_program, make_python
from reader import catalogue, envelope, header, keys
from reader.envelope import Writing
from reader.header import CUSTOMER, PROVIDER

PROGRAM = "github.com/versity/versitygw/cmd/versitygw"
REGION = "eu-central-1"
ODD = ["b c/d+e", "ä/ö%20", "n/&<>\"'=?#", "z"]


def make_moto(where):
    return [make_python(where, "moto-packages"), HERE / "s3-peer.py", "moto"]


def make_versitygw(where):
    return [make_python(where / "python", "moto-packages"), HERE / "s3-peer.py", "versitygw",
            build_go_program("s3", PROGRAM, where / "versitygw")]


S3_PEERS = [Kind("moto-s3", make_moto, ()), Kind("versitygw", make_versitygw, ())]


class Bucket:
    """A bucket of the peer, and a catalogue, as long as the block lasts."""

    def __init__(self, kind, build_folder):
        self.program = build_folder / "cli" / "doublekey"
        self.folder = tempfile.TemporaryDirectory(prefix="doublekey-peers-")
        self.objects = {}
        self.peer = Peer(kind, build_folder)

    def __enter__(self):
        base = pathlib.Path(self.folder.name)
        self.path = base / "catalogue"
        found = {name: value.decode() for name, value in self.peer.ask("start").items()}
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith("AWS_")}
        self.env.update(HOME=str(base), XDG_CONFIG_HOME=str(base), AWS_REGION=REGION,
                        AWS_ENDPOINT_URL_S3=found["url"], AWS_ACCESS_KEY_ID=found["id"],
                        AWS_SECRET_ACCESS_KEY=found["secret"])
        self.sides = {CUSTOMER: [keys.generate("p256", "customer")],
                      PROVIDER: [keys.generate("p256", "provider")]}
        return self

    def __exit__(self, *what):
        self.peer.__exit__(*what)
        self.folder.cleanup()

    def put(self, key, size=100, how="put", providers=1):
        target = io.BytesIO()
        more = [keys.generate("p256", f"p{i}") for i in range(providers - 1)]
        envelope.seal(io.BytesIO(bytes(size)), target, Writing(
            {**self.sides, PROVIDER: self.sides[PROVIDER] + more}))
        self.peer.ask(how, key=key.encode(), data=target.getvalue())
        self.objects[b"s3://store/" + key.encode()] = target.getvalue()

    def scan(self, *words, error=None, root="s3://store/"):
        done = subprocess.run([self.program, "scan", "-o", self.path, root], env=self.env,
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == (1 if error else 0), done.stderr
        for word in words + ((error,) if error else ()):
            assert word in done.stderr, done.stderr

    def compare(self):
        """The catalogue with what was put."""
        cat = catalogue.read(self.path)
        found = {path: o for o in cat.objects for path in o.locations}
        assert set(found) == set(self.objects), set(found) ^ set(self.objects)
        for path, data in self.objects.items():
            made = header.parse_header(io.BytesIO(data))
            assert found[path].core_digest == made.core.digest
        return cat

    def everything(self):
        for key in ODD:
            self.put(key)
        self.put("long", providers=40)
        self.put("large", size=12 << 20, how="put_parts")
        self.peer.ask("put", key=b"notes", data=b"no object, but not empty")
        self.peer.ask("put", key=b"empty", data=b"")
        self.scan(f"{len(self.objects)} new objects", "0 problems")
        assert self.compare().others == {b"s3://store/notes", b"s3://store/empty"}
        self.scan("0 places read, 8 unchanged, 0 gone")

    def changes(self):
        self.put("z")
        self.put("new")
        self.peer.ask("remove", key=b"long")
        del self.objects[b"s3://store/long"]
        self.scan("2 places read, 6 unchanged, 1 gone; 2 new objects")
        self.compare()

    def pages(self):
        """More than one, and not in the order in which they were put."""
        for i in range(1100):
            self.peer.ask("put", key=b"many/%04d" % (i * 7 % 1100), data=b"short")
        self.scan("1100 places read")
        self.scan("0 places read")

    def refusals(self):
        self.scan(error="store-missing", root="s3://another/")
        secret = self.env["AWS_SECRET_ACCESS_KEY"]
        self.env["AWS_SECRET_ACCESS_KEY"] = "x" * 40
        self.scan(error="store-credentials")
        self.env["AWS_SECRET_ACCESS_KEY"] = secret
        self.scan("0 places read")

    def all(self):
        return [("boto3 puts, we scan", self.everything), ("changes", self.changes),
                ("pages", self.pages), ("bucket, signature", self.refusals)]
