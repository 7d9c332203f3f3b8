# SPDX-License-Identifier: Apache-2.0
"""Partial tiles go when full ones have taken their place, spec/log.md section 5, and nobody
who reads the log notices."""
import os
import shutil
import signal

import pytest

from test_key_sets import until
from test_log import checkpoint
from test_log_tools import mirror, releases, verify


def tile(s, name):
    return os.path.join(s.dir, "log", "tile", name)


def there(s, *names):
    return [name for name in names if os.path.exists(tile(s, name))]


def grow(s, to):
    """In steps, so that there are partial tiles of many widths."""
    while (size := int(checkpoint(s, 1).split(b"\n")[1])) < to:
        more = min(90, to - size)
        releases(s, more)
        checkpoint(s, size + more)


OLD = ("0/000.p", "entries/000.p")


@pytest.fixture
def small(ready):
    """With a checkpoint of a tree whose first tile is partial, and a copy of its files."""
    grow(ready, 100)
    with open(os.path.join(ready.dir, "log", "checkpoint"), "rb") as f:
        ready.early = f.read()
    mirror(ready, "early")
    grow(ready, 300)
    assert there(ready, "0/000", "entries/000", *OLD) == ["0/000", "entries/000", *OLD]
    return ready


def test_they_go_and_readers_go_on(small):
    s = small
    grow(s, 530)
    until(lambda: not there(s, *OLD))
    assert there(s, "0/000", "0/001", "0/001.p", "0/002.p", "1/000.p") == [
        "0/000", "0/001", "0/001.p", "0/002.p", "1/000.p"]
    # A reader with the checkpoint of then finds the full ones.
    copy = os.path.join(s.base, "copy")
    shutil.copytree(os.path.join(s.dir, "log", "tile"), os.path.join(copy, "tile"))
    with open(os.path.join(copy, "checkpoint"), "wb") as f:
        f.write(s.early)
    size = s.early.split(b"\n")[1].decode()
    done = verify(s, "copy", "--key", s.vkey, who="nobody")
    assert int(size) < 256 and "size         %s\n" % size in done.stdout
    # A copy that was begun with partial ones is brought up to date.
    mirror(s, "early")
    verify(s, "early")
    # Control: without the full ones, that fails.
    os.unlink(os.path.join(copy, "tile", "entries", "000"))
    assert verify(s, "copy", "--key", s.vkey, who="nobody", check=False).returncode == 1


def test_an_end_in_between(small):
    """What was left of a folder, also a file that was being written, goes after a start."""
    s = small
    os.kill(s.pids()["logd"], signal.SIGKILL)
    s.wait_ready()
    s.stop()
    for width in (1, 77, 255):
        os.makedirs(tile(s, OLD[0]), exist_ok=True)
        for end in ("", ".tmp"):
            with open(tile(s, "%s/%d%s" % (OLD[0], width, end)), "wb") as f:
                f.write(b"x")
    s.start()
    grow(s, 530)
    os.kill(s.pids()["logd"], signal.SIGKILL)
    s.wait_ready()
    until(lambda: not there(s, *OLD))
    mirror(s)
    verify(s)


def test_not_without_the_full_one(small):
    s = small
    s.stop()
    os.rename(tile(s, "0/000"), tile(s, "0/away"))
    s.start()
    grow(s, 530)
    until(lambda: not there(s, OLD[1]))
    assert there(s, *OLD) == [OLD[0]]
