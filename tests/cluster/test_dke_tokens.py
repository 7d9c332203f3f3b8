# SPDX-License-Identifier: Apache-2.0
"""Tokens that unwrap once (spec/profiles/ms-dke.md section 5.4) at nodes that share the log."""
import os
import re
import threading

import pytest

from nodes import Node, wait_until
from postgres import use_database
from service import free_port
from test_dke_gates import Gates
from test_dke_once import Once


class Other(Node, Gates):
    """Another node, which listens elsewhere for this protocol too."""

    def __init__(self, base, first):
        super().__init__(base, first)
        self.dke_port, self.origin, self.public = free_port(), first.origin, first.public
        path = os.path.join(self.dir, "doublekeyd.conf")
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(re.sub(r"^dke-listen = .*$", 'dke-listen = "127.0.0.1:%d"' % self.dke_port,
                           text, flags=re.M))


@pytest.fixture
def nodes(server, tmp_path):
    first = Once(tmp_path)
    first.start()
    first.make_keys()
    first.stop()
    use_database(first, server)
    made = [first, Other(os.path.join(str(tmp_path), "node-2"), first)]
    try:
        for node in made:
            node.start()
            wait_until(lambda n=node: n.ask("Open", bytes(256), token=first.token()).status == 400)
        yield made
    finally:
        for node in made:
            if node.process:
                node.stop()


def test_one_use_at_all_nodes(nodes):
    first, other = nodes

    def ask(node, token, codes, gate):
        value = first.wrap("Open")
        gate.wait()
        status = 503
        while status == 503:  # busy
            status = node.ask("Open", value, token=token).status
        codes.append(status)

    token = first.token()
    assert first.status("Open", token) == 200
    assert other.ask("Open", first.wrap("Open"), token=token).status == 401
    for _ in range(4):
        token, codes, gate = first.token(), [], threading.Barrier(8)
        threads = [threading.Thread(target=ask, args=(node, token, codes, gate))
                   for node in nodes for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(codes) == [200] + 7 * [401]
    # Control: each takes another one.
    assert [node.ask("Open", first.wrap("Open"), token=first.token()).status
            for node in nodes] == [200, 200]
