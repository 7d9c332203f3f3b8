# SPDX-License-Identifier: Apache-2.0
"""The primary is killed and its synchronous standby takes over; servers and nodes end and come
back under load. No entry that was acknowledged is lost, doubled or forked."""
import os
import random
import signal
import subprocess
import threading
import time

import pytest

import postgres as postgres_module
from nodes import answer, cluster, release, wait_until
from test_nodes import whole


@pytest.fixture
def pair():
    """A primary and its synchronous standby."""
    primary = postgres_module.Postgres()
    standby = postgres_module.Postgres(like=primary)
    primary.wait_for_standby()
    yield primary, standby
    standby.end()
    primary.end()


class Load:
    """Releases at all nodes, until it is stopped."""

    def __init__(self, nodes, threads=2):
        self.stop_now, self.answers, self.nodes = threading.Event(), [], nodes
        self.threads = [threading.Thread(target=self.run, args=(node,))
                        for node in nodes for _ in range(threads)]

    def run(self, node):
        while not self.stop_now.is_set():
            try:
                self.answers.append(answer(node))
            except OSError:
                time.sleep(0.05)

    def released(self):
        return [a for a in self.answers if a[0] == 200]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop_now.set()
        for thread in self.threads:
            thread.join()


def more(load, count=20):
    """Releases go on."""
    before = len(load.released())
    wait_until(lambda: len(load.released()) >= before + count, 90)


def test_a_standby_takes_over(service, pair, tmp_path):
    primary, standby = pair
    nodes = cluster(service, primary, tmp_path, 2, standby)
    try:
        with Load(nodes) as load:
            more(load)
            primary.kill()
            standby.promote()
            more(load)
            nodes[0].admin("freeze")
            assert [release(node) for node in nodes] == ["frozen", "frozen"]
            nodes[1].admin("unfreeze", "--reason", "it took over")
            more(load)
        assert whole(nodes, load.released())
    finally:
        for node in nodes:
            node.stop()


def test_a_commit_that_did_not_reach_the_standby_is_not_acknowledged(service, pair, tmp_path):
    """While the standby is away nobody gets a share; a commit that is told not to wait any
    longer says COMMIT, and is not believed."""
    primary, standby = pair
    nodes = cluster(service, primary, tmp_path, 1, standby)
    try:
        assert release(nodes[0]) is None
        standby.stop("immediate")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(release(nodes[0])))
        thread.start()
        wait_until(lambda: primary.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event='SyncRep'") != "0", 20)
        primary.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                    " WHERE wait_event='SyncRep'")
        thread.join()
        assert answers == ["unavailable"]
        standby.start()
        wait_until(lambda: release(nodes[0]) is None, 60)
    finally:
        for node in nodes:
            node.stop()


def test_a_standby_that_lags_is_not_gone_on_with(service, tmp_path):
    """An asynchronous one lacks what was acknowledged: nodes that saw it refuse it."""
    primary = postgres_module.Postgres()
    standby = postgres_module.Postgres(like=primary)
    nodes = []
    try:
        nodes = cluster(service, primary, tmp_path, 1, standby)
        assert release(nodes[0]) is None
        standby.stop("immediate")
        assert release(nodes[0]) is None
        primary.kill()
        standby.start()
        standby.promote()
        wait_until(lambda: "log-rolled-back" in open(nodes[0].stderr).read(), 60)
    finally:
        for node in nodes:
            node.stop()
        standby.end()
        primary.end()


def test_nodes_and_servers_are_killed_at_random(service, server, tmp_path):
    nodes = cluster(service, server, tmp_path, 3)
    choose = random.Random(4)
    try:
        with Load(nodes) as load:
            for _ in range(10):
                more(load, 5)
                victim = choose.choice(["logd", "keyd", "node", "server"])
                node = choose.choice(nodes)
                if victim == "server":
                    server.kill()
                    server.start()
                elif victim == "node":
                    node.process.kill()
                    node.process.wait()
                    node.start()
                else:
                    node.wait_ready()
                    try:
                        os.kill(node.pids()[victim], signal.SIGKILL)
                    except (KeyError, ProcessLookupError, subprocess.CalledProcessError):
                        pass
            for node in nodes:
                node.wait_ready()
            more(load, 5)
        assert whole(nodes, load.released())
    finally:
        for node in nodes:
            node.stop()
