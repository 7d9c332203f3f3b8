# SPDX-License-Identifier: Apache-2.0
"""The connection to the server ends between COMMIT and its answer: what became of the commit is
found out where it can be, and else nothing of it is acknowledged. spec/cluster.md section 3."""
import re
import socket
import threading

import pytest

import postgres as postgres_module
from nodes import answer, cluster, generation, name_database, release, wait_until
from test_migrate import records
from test_nodes import whole

COMMIT, READ_ACTS = b"COMMIT", b"SELECT idx,leaf,record FROM doublekey.act"
COMMITTED = b"COMMIT\0"
PREPARED_BYTES = 65536  # more than all statements, which each connection prepares first


class Cutter:
    """Stands between a node and the server. Armed, it waits for the next COMMIT, or another
    statement: cuts the connection before the server has it, or when the server has answered, or
    holds it up."""

    def __init__(self, server):
        self.server, self.armed, self.cuts, self.refuses = server, None, 0, False
        self.statement = COMMIT
        self.meanwhile = lambda: None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def arm(self, when, meanwhile=lambda: None, statement=COMMIT):
        self.meanwhile, self.statement, self.armed = meanwhile, statement, when

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            if self.refuses:
                client.close()
                continue
            inside = socket.create_connection(("127.0.0.1", self.server.port))
            link = Link(self, client, inside)
            for pump in (link.ask, link.answer):
                threading.Thread(target=pump, daemon=True).start()


class Link:
    def __init__(self, cutter, client, inside):
        self.cutter, self.client, self.inside, self.cutting = cutter, client, inside, False
        self.begun = b""

    def close(self):
        for end in (self.client, self.inside):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.cutter.cuts += 1
        self.cutter.meanwhile()
        self.close()

    def uses(self, data):
        """True if the statement is executed in this: it is bound by the name that it has."""
        name = re.search(rb"(s\d\d)\0" + re.escape(self.cutter.statement), self.begun)
        return name and b"\0" + name.group(1) + b"\0" in data

    def ask(self):
        seen = b""
        while data := receive(self.client):
            known = len(self.begun) < PREPARED_BYTES
            self.begun += data if known else b""
            seen = seen[-4:] + data
            if self.cutter.armed and self.uses(seen):
                when, self.cutter.armed = self.cutter.armed, None
                if when == "before":
                    self.cut()
                    return
                if when == "hold":
                    self.cutter.meanwhile()
                self.cutting = when == "after"
            self.inside.sendall(data)
        self.close()

    def answer(self):
        kept = b""
        while data := receive(self.inside):
            if not self.cutting:
                self.client.sendall(data)
                continue
            kept += data
            if COMMITTED in kept:
                self.cut()
                return
        self.close()


def receive(end):
    try:
        return end.recv(65536)
    except OSError:
        return b""


@pytest.fixture
def cutter(server):
    cutter = Cutter(server)
    yield cutter
    cutter.close()


def behind(cutter, nodes):
    """The first node reaches the server through it."""
    nodes[0].stop()
    name_database(nodes[0], postgres_module.uri(cutter))
    nodes[0].start()
    wait_until(lambda: release(nodes[0]) is None)


@pytest.fixture
def nodes(service, server, cutter, tmp_path):
    nodes = cluster(service, server, tmp_path, 2)
    behind(cutter, nodes)
    yield nodes
    for node in nodes:
        node.stop()


def releases(nodes):
    return sum(" release done" in line for line in records(nodes[0]))


def test_what_was_committed_is_acknowledged(nodes, cutter):
    before, answers = releases(nodes), []
    for n in range(1, 4):
        cutter.arm("after")
        answers.append(answer(nodes[0]))
        assert (cutter.cuts, answers[-1][:2]) == (n, (200, None))
    assert releases(nodes) == before + 3
    assert whole(nodes, answers)


def test_an_act_that_was_committed_is_acknowledged(nodes, cutter):
    """A key of which nobody was told would be lost, spec/custody.md section 3."""
    first = generation(nodes[0])
    cutter.arm("after")
    nodes[0].admin("key", "create", "second")
    assert cutter.cuts == 1
    wait_until(lambda: all(generation(node) == first + 1 for node in nodes))
    wait_until(lambda: all("second" in node.admin("key", "list").stdout for node in nodes))
    cutter.arm("after")
    nodes[0].admin("freeze")
    assert cutter.cuts == 2
    assert [release(node) for node in nodes] == ["frozen"] * 2


def test_what_was_not_committed_is_not_acknowledged(nodes, cutter):
    before = releases(nodes)
    cutter.arm("before")
    assert release(nodes[0]) == "unavailable"
    assert cutter.cuts == 1 and releases(nodes) == before
    cutter.arm("before")
    assert nodes[0].admin("key", "create", "second", check=False).returncode != 0
    assert cutter.cuts == 2
    wait_until(lambda: release(nodes[0]) is None)
    assert "second" not in nodes[1].admin("key", "list").stdout


def test_when_others_went_on_it_is_not_acknowledged(nodes, cutter):
    """The record stands, the share does not leave; no entry is lost or doubled."""
    before, others = releases(nodes), []
    cutter.arm("after", lambda: others.append(answer(nodes[1])))
    assert release(nodes[0]) == "unavailable"
    assert cutter.cuts == 1 and others[0][0] == 200
    assert releases(nodes) == before + 2
    wait_until(lambda: release(nodes[0]) is None)
    assert whole(nodes, others)


def test_without_a_way_back_it_is_not_acknowledged(nodes, cutter):
    def refuse():
        cutter.refuses = True

    before = releases(nodes)
    cutter.arm("after", refuse)
    assert release(nodes[0]) == "unavailable"
    cutter.refuses = False
    assert cutter.cuts == 1
    wait_until(lambda: release(nodes[0]) is None)
    assert releases(nodes) == before + 2
    assert whole(nodes, [])


def test_an_act_between_the_look_and_the_reading_is_no_damage(nodes, cutter):
    """A node looks where the log is, then reads the acts: one of another node came in between."""
    held = threading.Event()

    def act():
        nodes[1].admin("unfreeze", "--reason", "between")
        held.set()

    cutter.arm("hold", act, READ_ACTS)
    nodes[1].admin("freeze")
    assert held.wait(60)
    wait_until(lambda: generation(nodes[0]) == generation(nodes[1]))
    wait_until(lambda: release(nodes[0]) is None)
    with open(nodes[0].stderr) as f:
        assert "log-damaged" not in f.read()
