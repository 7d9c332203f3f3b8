# SPDX-License-Identifier: Apache-2.0
"""Any process of a node ends behind any of its steps, in the middle of an act or a release:
what was answered holds at all nodes, and they go on with one log and one state.
DOUBLEKEY_CLUSTER_CUTS=N takes so many of the places, spread over all of them."""
import os
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))

from crash import CUT, Control  # noqa: E402
from nodes import answer, cluster, generation, release, wait_until  # noqa: E402
from service import DAEMON, Service  # noqa: E402
from test_nodes import whole  # noqa: E402

CUTS = int(os.environ.get("DOUBLEKEY_CLUSTER_CUTS", "30"))


class Cut(Service):
    """The processes of this one run under tests/crash/cut.c."""

    def __init__(self, base):
        self.control = Control(os.path.join(str(base), "control"))
        if subprocess.run([CUT, self.control.path, "/bin/true"], check=False).returncode != 0:
            pytest.skip("no ptrace here")
        super().__init__(base)

    def start(self):
        with open(self.stderr, "a") as err:
            self.process = subprocess.Popen(
                [CUT, self.control.path, DAEMON, "run", "--dir", self.dir,
                 "--passphrase-file", self.passfile], stderr=err, stdin=subprocess.DEVNULL)
        self.wait_ready()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(10)  # SIGUSR1: all its processes at once
        if self.process:
            self.process.wait(30)


@pytest.fixture
def pair(server, tmp_path):
    s = Cut(tmp_path)
    nodes = [s]
    try:
        nodes = cluster(s, server, tmp_path, 2)
        yield nodes
    finally:
        for node in nodes:
            node.stop()


def state(node):
    keys = node.admin("key", "list").stdout
    return generation(node), "releases\tfrozen" in node.admin("status").stdout, keys


class Story:
    """What was done at the first node, and what was answered."""

    def __init__(self, nodes):
        self.nodes, self.count, self.answers, self.keys = nodes, 0, [], set()

    def release(self):
        try:
            self.answers.append(answer(self.nodes[0]))
        except OSError:
            pass

    def freeze(self):
        """True: it was answered, and so it holds."""
        return self.nodes[0].admin("freeze", check=False).returncode == 0

    def create(self):
        self.count += 1
        name = "key-%d" % self.count
        if self.nodes[0].admin("key", "create", name, check=False).returncode == 0:
            self.keys.add(name)

    def check(self, frozen):
        first, other = self.nodes
        # The other one goes on at once, or within about a second.
        wait_until(lambda: release(other) in ("frozen", None), 20)
        if frozen:
            assert release(other) == "frozen"
        if first.process.poll() is not None:
            first.start()
        first.wait_ready()
        wait_until(lambda: state(first) == state(other), 20)
        assert not frozen or state(first)[1]
        listed = {line.split("\t")[0] for line in state(other)[2].splitlines()}
        assert self.keys <= listed, self.keys - listed
        assert release(first) == release(other)
        if state(other)[1]:
            other.admin("unfreeze", "--reason", "the next one")
            wait_until(lambda: release(first) is None, 20)


def perform(story, act):
    return getattr(story, act)() and act == "freeze"


def places(story):
    """(act, process, step), as a run without a cut counts them."""
    found = []
    for act in ("freeze", "create", "release"):
        story.nodes[0].control.arm()
        frozen = perform(story, act)
        time.sleep(0.2)
        story.nodes[0].control.disarm()
        counts = story.nodes[0].control.counts()
        found += [(act, process, step) for process, steps in sorted(counts.items())
                  for step in range(1, steps + 1) if process in ("keyd", "logd-postgres")]
        story.check(frozen)
    return found


def test_a_node_ends_behind_any_step(pair):
    story = Story(pair)
    every, reached = places(story), set()
    assert {process for _, process, _ in every} == {"keyd", "logd-postgres"}
    step = max(1, len(every) // CUTS)
    for n, (act, process, at) in enumerate(every[::step]):
        pair[0].control.arm(process, at, everything=n % 2 == 1)
        frozen = perform(story, act)
        if pair[0].process.poll() is None:
            time.sleep(0.05)
        fired = pair[0].control.fired
        pair[0].control.disarm()
        if n % 2 == 1 and fired:
            pair[0].process.wait(30)
        try:
            story.check(frozen)
        except (AssertionError, OSError, subprocess.CalledProcessError) as error:
            raise AssertionError("%s: %s ended behind step %d (%s): %s\n%s" % (
                act, process, at, fired, error, open(pair[0].stderr).read()[-1500:])) from error
        if fired:
            reached.add((act, process, at))
    assert len(reached) >= len(every[::step]) // 2, (reached, every)
    assert {process for _, process, _ in reached} == {"keyd", "logd-postgres"}
    assert whole(pair, [a for a in story.answers if a[0] == 200])
