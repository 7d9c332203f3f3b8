# SPDX-License-Identifier: Apache-2.0
"""Peers that speak to a running key service: another client, and a tester that is
driven by spec/openapi.json."""

import hashlib
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import serialization

from peer import HERE, TIMEOUT, Kind, Peer, make_python
from reader import envelope, header, keys, schedule

TESTS = HERE.parent
PLAINTEXT = b"what nobody else may read\n"


def start_service(folder, build):
    """A real one, with a key and an enrolled device; it is drive.py's client that enrols."""
    os.environ["DOUBLEKEY_BUILD"] = str(build)
    sys.path.insert(0, str(TESTS / "service"))
    import drive
    from service import Service
    service = Service(folder)
    service.start()
    return service, drive.Scene(service)


class Setting:
    """A service, an object whose customer key it has, and who may ask for it."""

    def __init__(self, folder, build):
        self.service, self.scene = start_service(folder, build)
        self.ca = ssl.DER_cert_to_PEM_cert(self.scene.ca)
        self.provider = keys.generate("p256", "provider")
        self.path = pathlib.Path(folder) / "object.dk"
        (pathlib.Path(folder) / "plain").write_bytes(PLAINTEXT)
        with open(pathlib.Path(folder) / "plain", "rb") as source, open(self.path, "wb") as target:
            envelope.seal(source, target, envelope.Writing({
                header.CUSTOMER: [self.scene.public_key("finance")],
                header.PROVIDER: [self.provider]}))

    def parsed(self):
        with open(self.path, "rb") as file:
            return header.parse_header(file)

    def decrypt(self, share):
        """With the provider's key and this customer share."""
        with open(self.path, "rb") as file:
            made = envelope.read_header(file, {})
            theirs = envelope.open_side(made, header.PROVIDER, [self.provider])
            object_keys = schedule.ObjectKeys(share, theirs, made.core.raw)
            return b"".join(envelope.stream(file, envelope.Opened(made, object_keys, {})))


def device_der(device):
    return device.key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())


class Client:
    """What the other client must get, and what it must not."""

    def __init__(self, setting, peer):
        self.setting, self.peer = setting, peer

    def ask(self, who="alice", **more):
        made = self.setting.parsed()
        values = {"url": self.setting.service.url.encode(), "ca": self.setting.ca.encode(),
                  "device": device_der(self.setting.scene.device(who)), "core": made.core.raw,
                  "set": made.sets[header.CUSTOMER].encode(), "age": b"\0",
                  "nonce": os.urandom(16), "more": b""}
        return self.peer.ask("release", **(values | more))

    def refused(self, error, **how):
        got = self.ask(**how)
        assert got == {"error": error}, got

    def decrypts(self):
        got = self.ask()
        assert self.setting.decrypt(got["share"]) == PLAINTEXT
        record = self.setting.scene.records()[0][-1]
        assert (record["class"], record["user"]) == ("release", "alice")

    def replays(self):
        nonce = os.urandom(16)
        assert "share" in self.ask(nonce=nonce)
        self.refused(b"replay", nonce=nonce)

    def all(self):
        return [("release, decrypt", self.decrypts), ("replay", self.replays),
                ("a stranger", lambda: self.refused(b"unknown-device", who="stranger")),
                ("an old request", lambda: self.refused(b"clock", age=b"\x0a")),
                ("another body", lambda: self.refused(b"content-digest", more=b"x"))]


class Schema:
    """schemathesis by the document, and by one that is wrong."""

    def __init__(self, setting, program, folder):
        self.setting, self.program, self.folder = setting, program, pathlib.Path(folder)
        self.ca = self.folder / "ca.pem"
        self.ca.write_text(setting.ca)

    def run(self, document, *options):
        command = [self.program, "--config-file", HERE / "schemathesis.toml", "run", document,
                   "--url",
                   self.setting.service.url, "--tls-verify", self.ca, "--no-color",
                   "--generation-deterministic", "--checks", "all", "--exclude-checks",
                   # What fits the schema is still not signed by an enrolled device.
                   "positive_data_acceptance", "--phases", "examples,coverage,fuzzing", *options]
        env = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_bodies", "PYTHONPATH": str(HERE)}
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              cwd=self.folder,
                              stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, env=env)

    def holds(self):
        document = TESTS.parent / "spec" / "openapi.json"
        operations = sum(m in ("get", "post") for path in json.loads(document.read_text())[
            "paths"].values() for m in path)
        done = self.run(document, "-n", "100")
        assert done.returncode == 0, done.stdout[-6000:]
        assert operations >= 9 and "Tested: %d\n" % operations in done.stdout, done.stdout[-2000:]

    def notices(self):
        """Another type, an error that is not listed, a required header that does not come."""
        whole = (TESTS.parent / "spec" / "openapi.json").read_text()
        for change in ((lambda api: api["/v1/status"]["get"]["responses"]["200"].update(
                            content={"text/plain": {"schema": {"type": "string"}}})),
                       (lambda api: api["/v1/keys/{name}"]["get"]["responses"].pop("404")),
                       (lambda api: api["/v1/ca"]["get"]["responses"]["200"]["headers"].update(
                            {"X-Absent": {"required": True, "schema": {"type": "string"}}}))):
            api = json.loads(whole)
            change(api["paths"])
            path = self.folder / (hashlib.sha256(json.dumps(api).encode()).hexdigest()[:8] + ".json")
            path.write_text(json.dumps(api))
            done = self.run(path, "-n", "10", "--exclude-path-regex", "release|log|devices")
            assert done.returncode == 1, done.stdout[-3000:]

    def all(self):
        return [("openapi.json", self.holds), ("a wrong document", self.notices)]


def make_signatures(where):
    return [make_python(where, "signatures-packages"), HERE / "signatures-peer.py"]


def make_schemathesis(where):
    return [make_python(where, "schemathesis-packages").parent / "schemathesis"]


SIGNATURES = Kind("signatures", make_signatures, ())
SCHEMATHESIS = Kind("schemathesis", make_schemathesis, ())
SERVICE_PEERS = [SIGNATURES, SCHEMATHESIS]


class ServicePeer:
    """The peer and a service of its own, as long as the block lasts."""

    def __init__(self, kind, build):
        self.kind, self.build, self.peer, self.setting = kind, build, None, None
        self.folder = tempfile.TemporaryDirectory()
        where = build / "peers" / kind.name
        where.mkdir(parents=True, exist_ok=True)
        self.command = kind.make(where)

    def __enter__(self):
        self.setting = Setting(self.folder.name, self.build)
        if self.kind is SCHEMATHESIS:
            return Schema(self.setting, self.command[0], self.folder.name)
        self.peer = Peer(Kind(self.kind.name, lambda where: self.command, ()), self.build)
        return Client(self.setting, self.peer.__enter__())

    def __exit__(self, *what):
        if self.peer:
            self.peer.__exit__(*what)
        if self.setting:
            self.setting.service.stop()
        self.folder.cleanup()
