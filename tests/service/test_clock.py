# SPDX-License-Identifier: Apache-2.0
"""The clock of the service jumps, forwards and back."""
import os
import re
import struct
import time

import pytest

from service import BUILD, codes, parts_of, release_body, signed_headers
from tree import TreeService

HOUR = 3600
LIBRARY = os.path.join(BUILD, "tests", "service", "libtestclock.so")
OK, CLOCK, REPLAY, UNAVAILABLE = None, "clock", "replay", "unavailable"


# A shell would have a descriptor open where keyd has the channel to tokend.
SCRIPT = """#!/usr/bin/python3 -I
import os
os.execve(%r, [%r], {"LD_PRELOAD": %r, "CLOCK_FILE": %r})
"""


class Clocked(TreeService):
    def __init__(self, base):
        super().__init__(base)
        self.ahead = os.path.join(self.base, "ahead")
        self.jump(0)
        for process in ("httpd", "authd", "keyd", "logd"):
            self.replace(process, SCRIPT % (self.right(process), self.right(process), LIBRARY,
                                            self.ahead))

    def jump(self, day, since_start=0):
        """To so many seconds ahead of what the clocks were at first."""
        mode = "r+b" if os.path.exists(self.ahead) else "wb"
        with open(self.ahead, mode) as f:
            f.write(struct.pack("=qq", day, since_start))


@pytest.fixture
def clocked(tmp_path):
    s = Clocked(tmp_path)
    s.start()
    s.prepare()
    s.body = release_body([parts_of(s.object)])
    yield s
    s.stop()


def ask(s, created=None, nonce=None, headers=None):
    """Name of the error, None if the share is released."""
    status, error, answer = s.request(
        "POST", "/v1/release", s.body,
        headers or signed_headers(s.device(), s.url, s.body, created, nonce))
    assert status != 200 or codes(answer) == [0]
    return error


def times(s):
    return re.findall(r"^\d+ (\S+) heartbeat", s.log(), re.M)


def test_ahead_and_back(clocked):
    """Requests are judged by the clock as it is; nothing is released on another one."""
    s = clocked
    assert ask(s) == OK
    s.jump(HOUR)
    assert ask(s) == CLOCK
    assert ask(s, created=int(time.time()) + HOUR) == OK
    s.jump(-HOUR)
    assert ask(s) == CLOCK
    assert ask(s, created=int(time.time()) - HOUR) == OK
    s.jump(0)
    assert ask(s) == OK
    assert s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-o",
                    "out").returncode == 0
    assert s.pids()  # and its own clock does not trouble the administration
    assert len(re.findall("release done", s.log())) == 5


def test_what_was_used_stays_used(clocked):
    """Ahead for so long that it is forgotten, and back again."""
    s = clocked
    used = signed_headers(s.device(), s.url, s.body)
    assert ask(s, headers=used) == OK
    assert ask(s, headers=used) == REPLAY
    s.jump(48 * HOUR)
    end = time.monotonic() + 30
    while s.log().count("heartbeat") < 1:  # logd has seen the new time
        assert time.monotonic() < end
        time.sleep(0.1)
    time.sleep(5)  # and has cleared away, which it does every four seconds
    s.jump(0)
    assert ask(s, headers=used) == REPLAY
    for _ in range(2):
        assert ask(s) == OK
        assert ask(s, headers=used) == REPLAY
        s.stop()
        s.start()


def test_heartbeats_go_on_when_it_is_put_back(clocked):
    s = clocked
    s.jump(24 * HOUR)
    end = time.monotonic() + 30
    while len(times(s)) < 1:
        assert time.monotonic() < end
        time.sleep(0.1)
    s.jump(0)
    while len(times(s)) < 2:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert times(s)[1] < times(s)[0]


def test_a_request_that_waits_while_it_jumps(clocked):
    """It is answered or refused, and the next ones are served."""
    s = clocked
    for day in (HOUR, -HOUR, 0):
        s.jump(day)
        assert ask(s, created=int(time.time()) + day) == OK
    assert ask(s) == OK
    assert s.admin("log").returncode == 0
