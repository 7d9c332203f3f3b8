# SPDX-License-Identifier: Apache-2.0
"""End any process behind any of its steps, lose what was not synced, start again:
invariant I1 (spec/ipc.md section 4), spec/log.md sections 3 and 5, spec/custody.md
section 3. DOUBLEKEY_CUTS=N takes so many of the places, spread over all of them."""
import collections
import concurrent.futures
import os
import shutil
import time

import test_hsm
from crash import crashing
from story import ACTS, Story

CUTS = int(os.environ.get("DOUBLEKEY_CUTS", "300"))


def run(story, act):
    """The act, and the steps that follow its answer."""
    answered = story.perform(act)
    if story.s.process.poll() is None:
        time.sleep(0.03)
    return answered


def start(story):
    """A start that may not come to its end."""
    s = story.s
    s.start(wait=False)
    end = time.time() + 60
    while s.process.poll() is None and s.admin("status", check=False).returncode != 0:
        assert time.time() < end
        time.sleep(0.01)


def begin(story, act):
    if act == start:
        story.s.stop()
    else:
        story.prepare(act)


def again(story, seed, answered=True):
    """What remains of the processes goes, and what was not synced; then all is as told."""
    story.s.control.disarm()
    story.s.kill()
    story.s.disk.crash(seed)
    if not answered:
        story.undo_outside()
    story.s.start()
    story.check()


def places(story, acts):
    """(act, process, step), as a run without a cut counts them."""
    found = []
    for act in acts:
        begin(story, act)
        story.s.control.arm()
        run(story, act)
        story.s.control.disarm()
        counts = story.s.control.counts()
        found += [(act, process, step) for process, steps in sorted(counts.items())
                  for step in range(1, steps + 1)]
        if act == Story.stop:
            story.s.start()
    return found


def cut(story, place, everything, seed):
    """The system call behind which the process ended, or None if it did not come that far."""
    act, process, step = place
    begin(story, act)
    story.save_outside()
    story.s.control.arm(process, step, everything)
    answered = run(story, act) and act != start
    fired = story.s.control.fired
    try:
        again(story, seed, answered)
    except (AssertionError, OSError) as error:
        raise AssertionError("%s: %s ended behind step %d (%s), %s, seed %d: %s" % (
            act.__name__, process, step, fired, "all with it" if everything else "alone", seed,
            error)) from error
    return fired


def cut_some(story, mine, wanted):
    """How often it came that far, by act and process. A step may not come again: then
    another place is taken for it."""
    step, reached = max(1, len(mine) // wanted), collections.Counter()
    for n, place in enumerate(mine[at] for first in range(step) for at in
                              range(first, len(mine), step)):
        # Alone or with all others; nothing unsynced is left, or any part of it.
        if cut(story, place, n % 2 == 1, 0 if n // 2 % 2 == 0 else n + 1):
            reached[place[0].__name__, place[1]] += 1
        if sum(reached.values()) == wanted:
            break
    return reached


def cut_all(stories, every, wanted):
    """Each story takes its part of the places."""
    n = len(stories)
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        parts = [pool.submit(cut_some, story, every[first::n], -(-wanted // n))
                 for first, story in enumerate(stories)]
    return sum((part.result() for part in parts), collections.Counter())


def test_any_process_behind_any_step():
    with crashing() as one, crashing() as other:
        stories = [Story(one), Story(other)]
        every = places(stories[0], [start] + ACTS)
        reached = cut_all(stories, every, CUTS)
    assert sum(reached.values()) >= min(CUTS, len(every) * 3 // 4), reached
    assert {process for _, process in reached} >= {"doublekeyd", "httpd", "authd", "keyd", "logd"}


class HsmStory(Story):
    """All keys are in a token."""
    key_options, key_marks = ("--hsm", test_hsm.URI), ",hsm"

    def __init__(self, s):
        test_hsm.give_token(s)
        s.disk.tell("sync")
        super().__init__(s)

    # SoftHSM does not write its files so that a crash leaves them whole.

    def tokens(self):
        return os.path.join(self.s.base, "hsm", "tokens")

    def save_outside(self):
        shutil.rmtree(self.tokens() + ".saved", ignore_errors=True)
        shutil.copytree(self.tokens(), self.tokens() + ".saved")

    def undo_outside(self):
        shutil.rmtree(self.tokens())
        shutil.copytree(self.tokens() + ".saved", self.tokens())


@test_hsm.pytestmark
def test_tokend_behind_any_step():
    acts = [start, Story.release, Story.key_create, Story.key_rotate, Story.key_destroy]
    with crashing() as s:
        story = HsmStory(s)
        every = [place for place in places(story, acts) if place[1] == "tokend"]
        # Most are steps of the module with its own files: a few of each act.
        for act in acts:
            assert cut_all([story], [place for place in every if place[0] == act], 8)
