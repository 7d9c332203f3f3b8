# SPDX-License-Identifier: Apache-2.0
"""A loopback HTTP server with JSON bodies that counts, records and misbehaves on demand."""

import dataclasses
import datetime
import functools
import http.server
import ipaddress
import json
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa


@functools.lru_cache(maxsize=None)
def rsa_key(bits, number):
    """The same key for the same number: making them takes most of a test's time."""
    del number
    return rsa.generate_private_key(65537, bits)


def certificate(folder, name, *hosts):
    """A PEM file with a key and a certificate of its own for 127.0.0.1 and these hosts."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), *map(x509.DNSName, hosts)]),
                False)
            .sign(key, hashes.SHA256()))
    path = folder / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return path


@dataclasses.dataclass
class Answer:
    status: int
    body: object  # JSON, or bytes as they are
    headers: dict = dataclasses.field(default_factory=dict)


class JsonServer:
    """pem: file for TLS. faults: functions(method, path, answer) -> Answer or None. delay:
    seconds before each answer; stall: seconds between its head and its body."""

    def __init__(self, pem=None):
        self.faults, self.requests, self.delay, self.stall = [], [], 0, 0
        self.lock, self.under_way, self.most = threading.Lock(), 0, 0
        self.now = threading.local()  # raw: the body of this thread's request
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def answer(self):
                outer.serve(self)

            do_GET = do_POST = do_PUT = answer

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128  # of connections at once; the default is 5

        self.httpd = Server(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = True
        if pem:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            # The handshake is the thread's that serves the connection.
            self.httpd.socket = context.wrap_socket(self.httpd.socket, server_side=True,
                                                    do_handshake_on_connect=False)
        self.url = "http%s://127.0.0.1:%d" % ("s" if pem else "", self.httpd.server_address[1])
        self.thread = threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()

    def handle(self, method, path, headers, body):
        raise NotImplementedError

    def serve(self, request):
        raw = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self.requests.append((time.monotonic(), request.command, request.path,
                                  dict(request.headers), raw))
        time.sleep(self.delay)
        self.now.raw = raw
        is_json = "json" in request.headers.get("Content-Type", "")
        answer = self.handle(request.command, request.path, request.headers,
                             json.loads(raw) if raw and is_json else raw or {})
        for fault in list(self.faults):
            answer = fault(request.command, request.path, answer) or answer
        with self.lock:
            self.under_way -= 1
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        request.send_response(answer.status)
        for name, value in {"Content-Length": str(len(body)), "Content-Type": "application/json",
                            "X-Request-Id": "request-%d" % len(self.requests),
                            **answer.headers}.items():
            request.send_header(name, value)
        try:
            request.end_headers()
            time.sleep(self.stall)
            request.wfile.write(body)
        except OSError:
            pass
