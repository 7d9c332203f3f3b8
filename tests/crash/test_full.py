# SPDX-License-Identifier: Apache-2.0
"""A store that takes nothing: spec/key-service.md sections 8.1 and 8.2."""
import os
import subprocess

import pytest

from crash import crashing, records, served_tree
from service import DAEMON
from story import Story


@pytest.fixture
def story():
    with crashing() as s:
        yield Story(s)


def fill(s, left):
    st = os.statvfs(s.dir)
    s.disk.tell("space", 4096 * (st.f_blocks - st.f_bfree) + left)


ENDED = {"full": lambda s: s.disk.tell("space", 1),
         "read-only": lambda s: s.disk.tell("read-only", 1)}


def again(s):
    s.disk.tell("space", 0)
    s.disk.tell("read-only", 0)


def check_reads(story):
    """What needs no record goes on."""
    s = story.s
    assert s.request("GET", "/v1/keys/finance")[0] == 200
    assert s.request("GET", "/v1/status")[0] == 200
    served_tree(s, max(story.leaves) + 1)
    assert records(s)
    assert s.lines("key", "list") and s.lines("device", "list") and s.lines("status")


def act(s, *args):
    out = s.admin(*args, check=False)
    return out.stderr if out.returncode != 0 else ""


@pytest.mark.parametrize("how", ENDED)
def test_releases_stop_reads_go_on_nothing_is_lost(story, how):
    s = story.s
    assert story.ask() == (200, None)
    served_tree(s, max(story.leaves) + 1)
    ENDED[how](s)
    pids = s.pids()
    for _ in range(3):
        assert story.ask() == (503, "unavailable")
        assert story.ask(1000) == (503, "unavailable")
        assert "unavailable" in act(s, "freeze")
        assert "unavailable" in act(s, "key", "create", "other")
        assert "unavailable" in act(s, "enrol-code", "--user", "bob")
        check_reads(story)
    assert s.pids() == pids
    again(s)
    assert story.ask() == (200, None)
    assert s.pids() == pids
    assert act(s, "key", "create", "other") == ""
    story.state = story.observed()
    assert not story.state.frozen
    s.kill()
    s.disk.crash()
    s.start()
    story.check()
    assert "does not take entries" in open(s.stderr).read()


def test_it_fills_while_requests_come(story):
    """The end of the space meets any write of a commit, and of the tiles."""
    s = story.s
    for left in range(2000, 60000, 9700):
        fill(s, left)
        before = len(story.answered)
        for _ in range(30):
            if story.ask() != (200, None):
                break
        assert story.ask(30) == (503, "unavailable")
        again(s)
        assert story.ask() == (200, None)
        assert len(story.answered) > before
        s.kill()
        s.disk.crash(left)
        s.start()
        story.check()


@pytest.mark.parametrize("how,name", [("full", "disk-full"), ("read-only", "read-only")])
def test_it_does_not_start(story, how, name):
    s = story.s
    story.ask()
    s.stop()
    ENDED[how](s)
    out = subprocess.run([DAEMON, "run", "--dir", s.dir, "--passphrase-file", s.passfile],
                         text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    assert out.returncode == 1 and "error: %s: " % name in out.stderr, out.stderr
    again(s)
    s.start()
    story.check()


def test_a_second_one_is_refused(story):
    s = story.s
    pids = s.pids()
    out = subprocess.run([DAEMON, "run", "--dir", s.dir, "--passphrase-file", s.passfile],
                         text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    assert out.returncode == 1 and "error: in-use: " in out.stderr
    assert s.pids() == pids and story.ask() == (200, None)
    s.stop()
    s.start()  # control: alone it may
