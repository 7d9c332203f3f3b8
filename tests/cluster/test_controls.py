# SPDX-License-Identifier: Apache-2.0
"""With a defence left out of the program, the same attack succeeds: what the tests of the
nodes look for, they would see."""
import os
import signal
import threading
import time

import pytest

from nodes import answer, cluster, release, wait_until
from service import BUILD
from test_migrate import records, served
from test_nodes import judged_too_early, stop_process, whole
from test_password import (HEARTBEAT, Thief, forget_a_freeze, last_act, put_an_unfreeze,
                           rewrite)
from test_unknown import Cutter, behind
from tree import TreeService

DENIED_BY_POLICY = 20


@pytest.fixture
def nodes_with(server, tmp_path):
    """Nodes whose logd, or keyd, is another program."""
    started = []

    def make(program):
        (tmp_path / "tree-of").mkdir()
        s = TreeService(tmp_path / "tree-of")
        path = s.path("keyd" if program.startswith("keyd") else "logd-postgres")
        os.unlink(path)
        os.symlink(os.path.join(BUILD, "tests", "cluster", program), path)
        started.extend(cluster(s, server, tmp_path, 2))
        return started
    yield make
    for node in started:
        node.stop()


def answer_behind_a_freeze(nodes):
    """Of a node whose logd stood still: it was asked before."""
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
    return answers[0]


def test_without_the_generation_a_freeze_does_not_reach_a_node_that_stood_still(nodes_with):
    """A slow machine may ask too late, and is refused: then once more."""
    nodes = nodes_with("logd-without-generation")
    for _ in range(20):
        if answer_behind_a_freeze(nodes) is None:
            return  # released after the freeze
        nodes[0].admin("unfreeze", "--reason", "once more")
        wait_until(lambda: all(release(node) is None for node in nodes))
    raise AssertionError("always refused")


def test_without_what_authd_was_told_a_denial_is_recorded(nodes_with):
    """A slow machine may ask too late: then once more."""
    nodes = nodes_with("keyd-without-told")
    assert any(judged_too_early(nodes, n) == DENIED_BY_POLICY for n in range(40))
    assert any(" denial " in line for line in records(nodes[0]))


def test_without_the_look_what_was_committed_is_not_acknowledged(nodes_with, server):
    cutter, nodes = Cutter(server), nodes_with("logd-without-look")
    behind(cutter, nodes)
    cutter.arm("after")
    assert release(nodes[0]) == "unavailable"
    assert cutter.cuts == 1
    cutter.close()


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


def test_without_the_mac_the_log_is_what_its_rows_say(nodes_with, server):
    """A release that never was: the nodes sign the other tree."""
    nodes, thief = nodes_with("logd-unauthenticated"), Thief(server)
    assert release(nodes[0]) is None
    size = thief.head("size")
    served(nodes[0], size)
    rewrite(thief)
    assert [release(node) for node in nodes] == [None] * 2
    assert thief.leaves()[size - 1][5] == HEARTBEAT


def test_without_the_mac_a_freeze_is_undone_by_removing_its_rows(nodes_with, server):
    nodes, thief = nodes_with("logd-unauthenticated"), Thief(server)
    nodes[1].stop()
    thief.keep("kept_sealed", "sealed")
    generation = thief.head("generation")
    nodes[0].admin("freeze")
    nodes[0].stop()
    forget_a_freeze(thief, last_act(thief))
    thief.set_generation(generation)
    nodes[1].start()
    assert release(nodes[1]) is None  # behind a freeze that stands in the log


def test_without_the_mac_an_act_that_never_was_is_carried_out(nodes_with, server):
    nodes, thief = nodes_with("logd-unauthenticated"), Thief(server)
    nodes[0].admin("freeze")
    for node in nodes:
        node.stop()
    index = put_an_unfreeze(thief)
    nodes[0].start()
    thief.sql("DELETE FROM doublekey.entry WHERE idx=%d" % index)
    assert release(nodes[0]) is None
    assert "unfrozen" not in nodes[0].log()
