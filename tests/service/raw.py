# SPDX-License-Identifier: Apache-2.0
"""A connection on which a test says byte for byte what it wants to."""
import os
import socket
import ssl

from service import signed_headers

CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname, CONTEXT.verify_mode = False, ssl.CERT_NONE


class Raw:
    def __init__(self, s, source="127.0.0.1"):
        self.tcp = socket.create_connection(("127.0.0.1", s.port), 30, (source, 0))
        try:
            self.tls = CONTEXT.wrap_socket(self.tcp)
        except OSError:
            self.tcp.close()
            raise
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.tls.close()

    def send(self, data):
        self.tls.sendall(data)

    def answer(self):
        """Status, name of the error or None, and body; None if it is closed instead."""
        data = self.rest
        while b"\r\n\r\n" not in data:
            if not (more := self.tls.recv(65536)):
                assert data == b"", data
                return None
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in
                   (line.partition(":") for line in lines[1:])}
        # One in HTTP/1.0 ends with the connection; one to HEAD has not what it announces.
        length = int(headers.get("content-length", 1 << 30 if "1.0" in lines[0] else 0))
        while len(data) < length and (more := self.tls.recv(65536)):
            data += more
        self.rest = data[length:]
        return int(lines[0].split()[1]), headers.get("doublekey-error"), data[:length]

    def closed(self):
        """Nothing more comes, but the end."""
        try:
            return self.rest == b"" and self.tls.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True

    def is_open(self):
        """Whether it is still served."""
        try:
            self.send(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
            return self.answer() == (200, None, b'{"status":"ok"}')
        except OSError:
            return False


def release_request(s, body):
    """A good one, byte for byte."""
    lines = ["POST /v1/release HTTP/1.1", "Host: 127.0.0.1:%d" % s.port,
             "Content-Length: %d" % len(body)]
    lines += ["%s: %s" % item for item in signed_headers(s.device(), s.url, body).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def memory_high(pid):
    """The most that the process had in memory, in bytes."""
    for line in open(os.path.join("/proc", str(pid), "status")):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(pid)
