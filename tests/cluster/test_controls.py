# SPDX-License-Identifier: Apache-2.0
"""With a defence left out of the program, the same attack succeeds: what the tests of the
nodes look for, they would see."""
import os
import signal
import threading
import time

import pytest

from nodes import answer, cluster, release
from service import BUILD
from test_nodes import stop_process, whole
from tree import TreeService


@pytest.fixture
def nodes_with(server, tmp_path):
    """Nodes whose logd is another program."""
    started = []

    def make(program):
        (tmp_path / "tree-of").mkdir()
        s = TreeService(tmp_path / "tree-of")
        path = s.path("logd-postgres")
        os.unlink(path)
        os.symlink(os.path.join(BUILD, "tests", "cluster", program), path)
        started.extend(cluster(s, server, tmp_path, 2))
        return started
    yield make
    for node in started:
        node.stop()


def test_without_the_generation_a_freeze_does_not_reach_a_node_that_stood_still(nodes_with):
    nodes = nodes_with("logd-without-generation")
    answers = []
    pid = stop_process(nodes[1], "logd")
    try:
        thread = threading.Thread(target=lambda: answers.append(release(nodes[1])))
        thread.start()
        time.sleep(0.3)
        nodes[0].admin("freeze")
        assert release(nodes[0]) == "frozen"
    finally:
        os.kill(pid, signal.SIGCONT)
    thread.join()
    assert answers == [None]  # released after the freeze


def test_without_the_lock_the_log_forks(nodes_with):
    nodes = nodes_with("logd-unfenced")
    stop, answers = threading.Event(), []

    def load(node):
        while not stop.is_set():
            try:
                answers.append(answer(node))
            except OSError:
                time.sleep(0.05)

    threads = [threading.Thread(target=load, args=(node,)) for node in nodes for _ in range(3)]
    for thread in threads:
        thread.start()
    end, forked = time.monotonic() + 60, False
    while not forked and time.monotonic() < end:
        time.sleep(0.2)
        indices = [body[4:12] for status, _, body in answers if status == 200]
        forked = len(set(indices)) < len(indices)
    stop.set()
    for thread in threads:
        thread.join()
    assert forked
    with pytest.raises(AssertionError):
        whole(nodes, [a for a in answers if a[0] == 200])
