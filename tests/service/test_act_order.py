# SPDX-License-Identifier: Apache-2.0
"""No record of a release stands behind that of an act by which it was not judged: the real keyd,
with the test as logd, which keeps the acknowledgement of a freeze back. Model: formal/spin."""
import struct

import pytest

from service import Service
from test_lying_logd import APPEND, APPENDED, RESULT, Keyd

ADMIN = 0x0010
KEY_PASSED = 0x0203
FREEZE = 11
FROZEN = 14
CLASS = {"release": 2, "denial": 3, "frozen": 12}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    s = Service(tmp_path_factory.mktemp("order"))
    s.start()
    s.prepare()
    s.stop()
    return s


def acknowledge(logd, number, index):
    logd.send(APPENDED, struct.pack(">HQB", 0, index, 0) + b"x\n", number)


def admin(keyd, operation, *texts, number=5):
    payload = struct.pack(">HIB", operation, 0, len(texts))
    for text in texts:
        payload += struct.pack(">H", len(text)) + text
    keyd.child.channel["parent"].send(ADMIN, payload, number)


def append(logd):
    number, payload = logd.expect(APPEND)
    return number, int.from_bytes(payload[4:6], "big")


def start(s):
    """keyd with one release recorded and answered."""
    keyd = Keyd(s, "prompt")
    keyd.acknowledge(b"x\n", index=11)
    assert keyd.result()[0] == 0
    return keyd, keyd.child.channel["logd"]


def test_a_release_waits_for_the_act_before_it(prepared):
    keyd, logd = start(prepared)
    admin(keyd, FREEZE, b"")
    freeze, kind = append(logd)
    assert kind == CLASS["frozen"]
    keyd.ask(prepared)
    # Rounds of messages, each of them answered, and time for what is judged beside them.
    logd.end.settimeout(0.05)
    for i in range(20):
        keyd.child.channel["authd"].send(KEY_PASSED, b"main", 100 + i)
        assert keyd.child.channel["httpd"].expect(RESULT)[0] == 100 + i
        with pytest.raises(TimeoutError):
            logd.receive()
    logd.end.settimeout(60)
    acknowledge(logd, freeze, 12)
    number, kind = append(logd)
    assert kind == CLASS["denial"]
    acknowledge(logd, number, 13)
    code, body = keyd.result()
    assert (code, body) == (FROZEN, b"")
    keyd.child.end()


def test_an_act_that_is_not_recorded_stops_nothing(prepared):
    """Control: the release goes on by itself when the act failed."""
    keyd, logd = start(prepared)
    admin(keyd, FREEZE, b"")
    freeze, _kind = append(logd)
    keyd.ask(prepared)
    logd.send(APPENDED, struct.pack(">H", 28), freeze)
    number, kind = append(logd)
    assert kind == CLASS["release"]
    acknowledge(logd, number, 12)
    number, payload = keyd.child.channel["httpd"].expect(RESULT)
    assert payload[:2] == b"\0\0"
    keyd.child.end()
