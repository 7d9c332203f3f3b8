# SPDX-License-Identifier: Apache-2.0
"""Mode strict at several nodes: each release has the quorum's cosignatures, whoever was the
sequencer of its entry, and of those behind it."""
import os
import struct

import pytest

from nodes import answer, cluster, release, wait_until
from test_failover import Load, more
from test_nodes import whole
from witness import Witness


@pytest.fixture
def strict(service, server, tmp_path):
    witnesses = [Witness(tmp_path, "w%d.example.org" % i, [service.vkey], None).start()
                 for i in (1, 2)]
    with open(os.path.join(service.dir, "witnesses.policy"), "w") as f:
        f.writelines("witness w%d %s %s\n" % (i + 1, w.vkey, w.url)
                     for i, w in enumerate(witnesses))
        f.write("group both all w1 w2\nquorum both\n")
    with open(os.path.join(service.dir, "doublekeyd.conf"), "a") as f:
        f.write('mode = "strict"\nwitnesses = "witnesses.policy"\nquorum-wait = 5\n')
    nodes = []
    try:
        nodes = cluster(service, server, tmp_path, 2)
        yield nodes, witnesses
    finally:
        for node in nodes:
            node.stop()
        for witness in witnesses:
            witness.stop()


def checkpoint_of(body):
    """Of the receipt of a release, spec/log.md section 7."""
    n = struct.unpack(">H", body[77:79])[0]
    receipt = body[79 + 50 * n:]
    at = 57 + 32 * receipt[56]
    length = struct.unpack(">H", receipt[at:at + 2])[0]
    return receipt[at + 2:at + 2 + length]


def test_each_release_is_cosigned(strict):
    nodes, witnesses = strict
    for node in nodes:
        wait_until(lambda: release(node) is None, 30)
    with Load(nodes) as load:
        more(load, 40)
    for _, _, body in load.released():
        note = checkpoint_of(body)
        names = [line.split(b" ")[1].decode() for line in note.splitlines()
                 if line.startswith("\u2014 w".encode())]
        assert sorted(names) == [w.name for w in witnesses]
    assert whole(nodes, load.released())
    witnesses[0].stop()
    assert [answer(node)[1] for node in nodes] == ["quorum", "quorum"]
