# SPDX-License-Identifier: Apache-2.0
"""A front that ends TLS before the service: it has a certificate that clients accept, and
sees, records and may change everything that passes."""
import socket
import ssl
import threading


class Proxy:
    def __init__(self, port, service_port, certificate, key, ca):
        self.service_port = service_port
        self.seen = bytearray()  # all plaintext, both directions
        self.requests, self.answers = [], []
        self.change_request = self.change_answer = lambda data: data
        self.inside = ssl.create_default_context(cafile=ca)
        self.outside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.outside.load_cert_chain(certificate, key)
        self.listener = socket.create_server(("127.0.0.1", port))
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self.thread.join(30)
        self.listener.close()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            with self.outside.wrap_socket(client, server_side=True) as tls:
                while request := read_message(tls):
                    self.requests.append(request)
                    answer = self.send(self.change_request(request))
                    tls.sendall(self.change_answer(answer))
        except OSError:
            client.close()

    def send(self, request):
        """One request to the service, on a connection of its own."""
        self.seen += request
        with socket.create_connection(("127.0.0.1", self.service_port), 30) as raw, \
                self.inside.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
            tls.sendall(request)
            answer = read_message(tls)
        self.seen += answer
        self.answers.append(answer)
        return answer


def read_message(tls):
    """Head and body of one HTTP message; nothing at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = tls.recv(65536)
        if not more:
            return b""
        data += more
    length = content_length(data)
    head = data.index(b"\r\n\r\n") + 4
    while len(data) < head + length:
        more = tls.recv(65536)
        if not more:
            raise OSError("cut")
        data += more
    return data


def content_length(data):
    for line in data[:data.index(b"\r\n\r\n")].split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def status_of(answer):
    """HTTP status and name of the error, or None."""
    head = answer[:answer.index(b"\r\n\r\n")].decode("latin-1").split("\r\n")
    names = [line.partition(":")[2].strip() for line in head
             if line.lower().startswith("doublekey-error:")]
    return int(head[0].split()[1]), names[0] if names else None
