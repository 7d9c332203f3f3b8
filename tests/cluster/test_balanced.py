# SPDX-License-Identifier: Apache-2.0
"""The command behind a balancer that passes TLS through: each connection goes to another node,
and the log that the client compares with what it has seen is that of any of them."""
import os
import re
import socket
import threading

import pytest

from nodes import Node, wait_until
from postgres import use_database
from service import free_port


class Balancer:
    """Connections to one port go to each of the others in turn."""

    def __init__(self, port):
        self.listen = socket.create_server(("127.0.0.1", port))
        self.ports, self.count, self.used = [], 0, set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listen.accept()
            except OSError:
                return
            port = self.ports[self.count % len(self.ports)]
            self.count += 1
            self.used.add(port)
            server = socket.create_connection(("127.0.0.1", port))
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=(a, b), daemon=True).start()

    @staticmethod
    def copy(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listen.close()


@pytest.fixture
def balanced(service, server, tmp_path):
    """The service's URL is the balancer's."""
    use_database(service, server)
    others = [Node(os.path.join(str(tmp_path), "node-%d" % n), service) for n in (2, 3)]
    path = os.path.join(service.dir, "doublekeyd.conf")
    with open(path) as f:
        text = f.read()
    own = free_port()
    with open(path, "w") as f:
        f.write(re.sub(r'^listen = .*$', 'listen = "127.0.0.1:%d"' % own, text, flags=re.M))
    balancer = Balancer(service.port)
    balancer.ports = [own, *(node.port for node in others)]
    nodes = [service, *others]
    for node in nodes:
        node.start()
    service.prepare()
    yield balancer, nodes
    for node in nodes:
        node.stop()
    balancer.close()


def test_one_client_at_all_nodes(balanced):
    balancer, nodes = balanced
    s = nodes[0]
    wait_until(lambda: all("alice" in node.admin("device", "list").stdout for node in nodes))

    def decrypt():
        return s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-f",
                        "-o", "out", check=False)

    for n in range(9):
        done = decrypt()
        assert done.returncode == 0, done.stderr
        if n == 4:
            nodes[1].admin("key", "rotate", "finance")
            wait_until(lambda: len({node.admin("key", "list").stdout for node in nodes}) == 1)
    assert balancer.used == set(balancer.ports)
    nodes[2].admin("freeze")
    assert "frozen" in decrypt().stderr
