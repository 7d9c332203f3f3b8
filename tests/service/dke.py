# SPDX-License-Identifier: Apache-2.0
"""The Microsoft DKE front end as a client sees it, byte for byte: of a whole service, and of
httpd alone with the test as authd and keyd. Written from spec/profiles/ms-dke.md and
spec/ipc.md alone."""
import functools
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates import Authority
from peers import Child, Closed, Peers
from service import Service, free_port
from test_tls import certificate

AUTHORIZATION = "https://login.windows.net/common/oauth2/authorize"
NAMES = [x509.DNSName("dke.example.org")]
READY, GO, DKE_DECRYPT, RESULT, DKE_KEYS = 0x0001, 0x0002, 0x0104, 0x0301, 0x0302
VECTORS = pathlib.Path(__file__).resolve().parents[2] / "spec" / "vectors"


def vector(path):
    """Lines and parts, as spec/vectors/README.md has them."""
    head, _, data = path.read_bytes().partition(b"\n\n")
    lines, parts = {}, {}
    for line in head.decode().split("\n"):
        key, _, value = line.partition(": ")
        if key == "part":
            name, length = value.split()
            parts[name], data = data[:int(length)], data[int(length):]
        else:
            lines[key] = value
    return lines, parts


def vectors(kind):
    return sorted(p for p in (VECTORS / "ms-dke").iterdir()
                  if ("kind: %s\n" % kind).encode() in p.read_bytes()[:200])


# ---- the client ----

@functools.lru_cache
def one_context(pem):
    return client_context(pem)


def client_context(pem=None, low=ssl.TLSVersion.TLSv1_2, high=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version, context.maximum_version = low, high
    if pem:
        context.load_cert_chain(pem)
    return context


class Answer:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        self.body = body

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name):
        found = self.all(name)
        assert len(found) == 1, (name, self.headers)
        return found[0]

    def error(self):
        """Status and name, where the answer is exactly what section 3.4 says."""
        self.check()
        assert self.one("Content-Type") == "application/json; charset=utf-8"
        begin, end = b'{"error":"', b'"}'
        assert self.body.startswith(begin) and self.body.endswith(end), self.body
        return self.status, self.body[len(begin):-len(end)].decode()

    def check(self):
        """What section 2 says of every answer."""
        names = {name.lower() for name, _ in self.headers}
        assert self.one("Cache-Control") == "no-store"
        assert int(self.one("Content-Length")) == len(self.body)
        assert ("content-type" in names) == (self.body != b"")
        assert not names & {"server", "location", "doublekey-error"}
        assert not [name for name in names if name.startswith("access-control")]


class Connection:
    def __init__(self, port, context=None, name="dke.example.org", source=None):
        tcp = socket.create_connection(("127.0.0.1", port), 30, source and (source, 0))
        try:
            self.tls = (context or client_context()).wrap_socket(tcp, server_hostname=name)
        except OSError:
            tcp.close()
            raise
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tls.close()

    def send(self, data):
        self.tls.sendall(data)

    def answer(self):
        """None if the connection is closed instead."""
        data = self.rest
        while b"\r\n\r\n" not in data:
            if not (more := self.tls.recv(65536)):
                assert data == b"", data
                return None
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        answer = Answer(head, b"")
        length = int((answer.all("Content-Length") or ["0"])[0])
        while len(data) < length and (more := self.tls.recv(65536)):
            data += more
        answer.body, self.rest = data[:length], data[length:]
        return answer

    def ask(self, *args, **more):
        self.send(request(*args, **more))
        return self.answer()

    def closed(self):
        try:
            return self.rest == b"" and self.tls.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True


def request(method, target, headers=(), body=None):
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: dke.example.org"]
    lines += ["%s: %s" % header for header in headers]
    if body is not None:
        lines.append("Content-Length: %d" % len(body))
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def bearer(token="a.b.c"):
    return ("Authorization", "Bearer " + token)


JSON = ("Content-Type", "application/json")


# ---- httpd and its stand-in ----

def settings(base_url, audience=None, authorization=AUTHORIZATION, hours=24, fronts=(),
             session=8, domain="", registration=2):
    """Of spec/ipc.md section 3."""
    texts = [base_url, base_url if audience is None else audience, authorization]
    return (b"".join(struct.pack("B", len(t)) + t.encode() for t in texts) +
            struct.pack(">IBB", hours, session, len(domain)) + domain.encode() +
            struct.pack("B", len(fronts)) + b"".join(fronts) +
            bytes([registration]))


def keys_message(keys):
    """(NAME, ID, modulus) each."""
    made = struct.pack(">H", len(keys))
    for name, id_, n in sorted(keys):
        made += struct.pack("B", len(name)) + name.encode() + struct.pack("B", len(id_))
        made += id_.encode() + struct.pack(">H", len(n)) + n
    return made


class Asked:
    """A DKE_DECRYPT."""

    def __init__(self, payload):
        self.address, count, at = payload[:16], payload[16], 17
        self.claims = {}
        for _ in range(count):
            kind, length = struct.unpack(">BH", payload[at:at + 3])
            assert kind > max(self.claims, default=0)
            self.claims[kind] = payload[at + 3:at + 3 + length]
            at += 3 + length
        texts = []
        for _ in range(2):
            end = at + 1 + payload[at]
            texts.append(payload[at + 1:end].decode())
            at = end
        self.name, self.id = texts
        self.json = payload[at]
        length = struct.unpack(">H", payload[at + 1:at + 3])[0]
        self.body = payload[at + 3:]
        assert len(self.body) == length

    @property
    def token(self):
        return self.claims[2].decode("latin-1")

    @property
    def front(self):
        """Kind, certificate and person, or None."""
        claim = self.claims.get(5)
        return claim and (claim[0], claim[1:33], claim[33:].decode())


class DkePeers(Peers):
    """httpd with the front end; its files are those of the stand-in."""

    def __init__(self, s, stand):
        super().__init__(s)
        self.stand = stand

    def dke_files(self):
        fd, self.stand.port = self.listener()
        self.stand.base_url = "https://127.0.0.1:%d" % self.stand.port
        with open(self.stand.path("conf"), "wb") as f:
            f.write(settings(self.stand.base_url, **self.stand.settings))
        return [fd, *(self.file(self.stand.path(name)) for name in ("dke.pem", "dke.pem")),
                self.file(self.stand.clients), self.file(self.stand.path("conf"))]


class Stand:
    """httpd as it runs, and the test in the place of authd and keyd: answers are what
    `answer` (code, bytes) says, and what was asked is in `asked`."""

    def __init__(self, s, keys=(), clients=None, **more):
        self.base, self.settings = tempfile.mkdtemp(dir=s.base), more
        self.ca = Authority("Example Public CA")
        self.ca.issue(self.path("dke.pem"), "dke", [*NAMES, x509.DNSName("127.0.0.1")],
                      usage=ExtendedKeyUsageOID.SERVER_AUTH)
        self.clients = "/dev/null"
        if clients:
            self.clients = self.path("clients.pem")
            with open(self.clients, "wb") as f:
                f.write(clients.pem())
        self.answer, self.asked = (0, bytes(44)), []
        self.peers = DkePeers(s, self)
        self.child = self.peers.ready("httpd")
        if keys is not None:
            self.publish(keys)
        self.child.channel["parent"].send(GO, bytes(8))
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def path(self, name):
        return os.path.join(self.base, name)

    def publish(self, keys):
        self.child.channel["keyd"].send(DKE_KEYS, keys_message(keys))

    def serve(self):
        authd = self.child.channel["authd"]
        try:
            while True:
                kind, number, payload = authd.receive()
                assert kind == DKE_DECRYPT, kind
                self.asked.append(Asked(payload))
                code, data = self.answer(self.asked[-1]) if callable(self.answer) else self.answer
                if code is not None:
                    self.child.channel["keyd"].send(RESULT, struct.pack(">H", code) + data, number)
        except (Closed, OSError):
            return

    def connect(self, pem=None, **more):
        return Connection(self.port, client_context(pem, **more))

    def ask(self, *args, **more):
        with self.connect() as c:
            return c.ask(*args, **more)

    def end(self):
        self.child.process.kill()
        self.thread.join(60)
        return self.child.end()


# ---- a whole service ----

def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


class DkeService(Service):
    host = "dke.example.org"

    def __init__(self, base, key=None, **more):
        super().__init__(base)
        self.dke_port = free_port()
        self.ca = Authority("Example Public CA")
        self.conf = os.path.join(self.dir, "doublekeyd.conf")
        self.plain = open(self.conf).read()
        self.options = {
            "dke-listen": '"127.0.0.1:%d"' % self.dke_port, "dke-certificate": '"tls/dke.pem"',
            "dke-key": '"tls/dke.key"', "dke-base-url": '"https://%s"' % self.host,
            "dke-authorization": '"https://login.example.org/authorize"', **more}
        self.put(*self.pair(key))
        self.configure()

    def configure(self, **changes):
        options = {**self.options, **{k.replace("_", "-"): v for k, v in changes.items()}}
        write(self.conf, (self.plain + "".join(
            "%s = %s\n" % item for item in options.items() if item[1] is not None)).encode())

    def pair(self, key=None, names=None, **more):
        key = key or ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
        names = [x509.DNSName(n) for n in names or [self.host]]
        return certificate(self.ca, key, names=names, **more), pem

    def put(self, chain, key):
        write(os.path.join(self.dir, "tls", "dke.pem"), chain)
        write(os.path.join(self.dir, "tls", "dke.key"), key)

    def connect(self, pem=None):
        return Connection(self.dke_port, one_context(pem), self.host)

    def ask(self, *args, **more):
        with self.connect() as c:
            return c.ask(*args, **more)

    def presented(self):
        context = ssl.create_default_context(cadata=self.ca.pem().decode())
        with Connection(self.dke_port, context) as c:
            return c.tls.getpeercert(True)

    def refused(self, **changes):
        self.configure(**changes)
        with open(self.stderr, "w"):
            self.spawn()
        try:
            assert self.process.wait(20) == 1, changes
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(changes) from None
        return open(self.stderr).read()
