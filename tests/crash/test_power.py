# SPDX-License-Identifier: Apache-2.0
"""The power goes out behind an answer: of commands, and with syncs that do nothing,
which must be noticed."""
import os
import ssl
import time

import pytest

from crash import crashing
from story import Story
from test_crash import again

SEEDS = (0, 1, 2, 3)


def power_off(s, seed):
    s.kill()
    s.disk.crash(seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_init_made_is_there(seed):
    with crashing() as s:
        power_off(s, seed)
        s.start()
        s.lines("key", "create", "finance")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_renewed_certificate_is_there(seed):
    with crashing() as s:
        s.disk.tell("sync")
        old = open(os.path.join(s.dir, "tls", "chain.pem")).read()
        s.lines("tls", "renew", "--passphrase-file", s.passfile)
        power_off(s, seed)
        assert open(os.path.join(s.dir, "tls", "chain.pem")).read() != old
        s.start()
        assert ssl.get_server_certificate(("127.0.0.1", s.port)) not in old


@pytest.mark.parametrize("seed", SEEDS)
def test_a_backup_and_what_was_restored_are_there(seed):
    with crashing() as s:
        story = Story(s)
        story.ask()
        backup, other = os.path.join(s.dir, "run", "backup"), os.path.join(s.dir, "run", "other")
        with_passphrase = ["--passphrase-file", s.passfile]
        s.lines("backup", backup, *with_passphrase, "--kdf-memory-mib", "8")
        power_off(s, seed)
        time.sleep(1.1)  # the restore is in a later second than the request
        first, s.dir = s.dir, other
        s.lines("restore", backup, *with_passphrase)
        power_off(s, seed)
        s.start()
        story.check()
        s.dir = first


def answered(story):
    story.release()
    story.perform(Story.key_create)
    story.tiles()


# What forgets, and how often it is tried: each act writes the other slot, and where
# a missing name is noticed only if another one is left, the seed decides.
DEAF = {"*": [0], "log.db-wal": [0], "sealed.0": [0, 0], "sealed.1": [0, 0], "/": range(1, 20)}


@pytest.mark.parametrize("deaf", DEAF)
def test_syncs_that_do_nothing_are_noticed(deaf):
    """Control of the checks: they fail when the disk lies."""
    with crashing() as s:
        story = Story(s)
        answered(story)
        again(story, 0)
        s.disk.tell("deaf", deaf)
        for seed in DEAF[deaf]:
            answered(story)
            try:
                again(story, seed)
            except AssertionError:
                return
        raise AssertionError("nobody notices that %s is not synced" % deaf)


def test_without_lies_nothing_is_noticed():
    with crashing() as s:
        story = Story(s)
        for seed in SEEDS:
            answered(story)
            again(story, seed)
