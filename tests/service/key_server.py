# SPDX-License-Identifier: Apache-2.0
"""An HTTPS server on loopback that serves key sets, well and badly, under a CA of its own."""
import contextlib
import http.server
import ipaddress
import os
import ssl
import threading
import time
import warnings

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates import DAY, Authority


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server.owner
        server.seen.append((self.path, dict(self.headers), self.connection.version()))
        way = server.ways.get(self.path)
        if way is None:
            self.send_error(404)
        elif callable(way):
            way(self)
        else:
            self.answer(way)

    def answer(self, body, status=200, kind="application/json", length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that do not like the certificate, or the answer


class KeyServer:
    """ways: what a path gets: the bytes of a set, or what is called with the handler."""

    def __init__(self, folder, authority=None, names=("127.0.0.1",), version=None, **validity):
        self.folder, self.ways, self.seen = str(folder), {}, []
        self.authority = authority or Authority("CA of the issuer")
        self.ca = os.path.join(self.folder, "issuer-ca.pem")
        if not authority:
            with open(self.ca, "wb") as f:
                f.write(self.authority.pem())
        self.names, self.version, self.port, self.server = names, version, 0, None
        self.up(**validity)

    def up(self, **validity):
        path = os.path.join(self.folder, "server-%d.pem" % id(self))
        names = [x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n)
                 for n in self.names]
        self.authority.issue(path, self.names[0], names, usage=ExtendedKeyUsageOID.SERVER_AUTH,
                             **validity)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if self.version:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = self.version
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.owner = self
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def down(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()
        self.server = None

    def url(self, path="/jwks", host="127.0.0.1"):
        return "https://%s:%d%s" % (host, self.port, path)


@contextlib.contextmanager
def running(*args, **more):
    server = KeyServer(*args, **more)
    try:
        yield server
    finally:
        server.down()


def redirect(target, status=302):
    return lambda handler: handler.answer(b"", status, Location=target)


def slowly(body, seconds):
    """Never whole before the client gives up: a byte, and another one later."""
    def way(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        end = time.monotonic() + seconds
        for i in range(len(body)):
            handler.wfile.write(body[i:i + 1])
            handler.wfile.flush()
            if time.monotonic() > end:
                return
            time.sleep(0.5)
    return way


EXPIRED = {"begin": -2 * DAY, "end": -DAY}
NOT_YET = {"begin": DAY, "end": 2 * DAY}
