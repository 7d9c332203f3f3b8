# SPDX-License-Identifier: Apache-2.0
"""What authd judged before it knew what it had to judge by: spec/ipc.md section 4. The real keyd,
with the test as authd and logd. Across nodes it is in tests/cluster."""
import http.client
import itertools
import select
import ssl
import struct

import pytest

from peers import PROCESSES, Peers
from service import parts_of, release_body, signed_headers
from test_lying_logd import (APPEND, APPENDED, JUDGED, POLICY, RESULT, TOLD, Keyd,
                             prepared)  # noqa: F401  pylint: disable=unused-import

DONE, DENIED, STALE, UNAVAILABLE, POLICY_LOGGED = 0, 20, 0xff01, 28, 0x0212
GO, RELEASE = 0x0002, 0x0101
NUMBERS = itertools.count(100)


@pytest.fixture
def keyd(prepared):  # noqa: F811  pylint: disable=redefined-outer-name
    keyd = Keyd(prepared, "prompt")
    keyd.acknowledge(b"checkpoint\n")
    assert keyd.result()[0] == DONE
    yield keyd
    keyd.child.end()


def next_of(*channels):
    """The next message of whichever has one."""
    ready = [c for c in channels if c.parts]
    if not ready:
        ends, _, _ = select.select([c.end for c in channels], [], [], 60)
        ready = [c for c in channels if c.end in ends]
    return ready[0].receive()


def acknowledge(logd, number):
    logd.send(APPENDED, struct.pack(">HQB", 0, 9, 0) + b"checkpoint\n", number)


def answer(keyd, told, known, code=0):
    """What httpd gets for what authd allowed, or denied with this code. Behind it comes one that
    is not outdated, so that a record of the first one would be seen."""
    first, second = next(NUMBERS), next(NUMBERS)
    keyd.ask(keyd.s, told, first, code)
    keyd.ask(keyd.s, known, second)
    logd, httpd = keyd.child.channel["logd"], keyd.child.channel["httpd"]
    records, results = 0, {}
    while len(results) < 2:
        kind, number, payload = next_of(logd, httpd)
        if kind == APPEND:
            records += 1
            acknowledge(logd, number)
        elif kind == RESULT:
            results[number] = (int.from_bytes(payload[:2], "big"), payload[2:])
    assert results[second][0] == DONE
    # An answer is either that word and nothing else, or has its record.
    assert records == (1 if results[first] == (STALE, b"") else 2)
    return results[first][0]


@pytest.mark.parametrize("code", [0, DENIED])
def test_what_was_judged_without_the_device_or_the_key(keyd, code):
    """Allowed or denied: nothing of it is recorded or released."""
    assert [answer(keyd, told, TOLD, code) for told in (0, 1, TOLD)] == [STALE, STALE, DONE]


@pytest.mark.parametrize("code", [0, DENIED])
def test_what_was_judged_by_an_older_policy(keyd, code):
    authd, logd = keyd.child.channel["authd"], keyd.child.channel["logd"]
    authd.send(POLICY, b"another policy".ljust(32) + bytes(32 + 4), 9)
    number, _ = logd.expect(APPEND)
    assert answer(keyd, TOLD, TOLD, code) == DONE  # it is in force when its record is durable
    acknowledge(logd, number)
    assert authd.expect(POLICY_LOGGED)[1] == bytes(2)
    assert [answer(keyd, told, TOLD + 1, code) for told in (TOLD, TOLD + 1)] == [STALE, DONE]


def test_a_policy_that_the_log_does_not_take_outdates_nothing(keyd):
    authd, logd = keyd.child.channel["authd"], keyd.child.channel["logd"]
    authd.send(POLICY, b"another policy".ljust(32) + bytes(32 + 4), 9)
    number, _ = logd.expect(APPEND)
    logd.send(APPENDED, struct.pack(">H", UNAVAILABLE), number)
    assert authd.expect(POLICY_LOGGED)[1] != bytes(2)
    assert answer(keyd, TOLD, TOLD + 1) == DONE


def test_more_than_was_told_is_a_violation(keyd):
    keyd.ask(keyd.s, TOLD + 1)
    assert keyd.child.violation() == (PROCESSES["authd"], JUDGED)


# ---- httpd, which is asked to ask again ----

@pytest.fixture
def httpd(prepared):  # noqa: F811  pylint: disable=redefined-outer-name
    peers = Peers(prepared)
    child = peers.ready("httpd")
    child.channel["parent"].send(GO, bytes(8))
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", peers.port, context=tls, timeout=60)
    yield child, connection
    connection.close()
    child.end()


@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_httpd_asks_again(prepared, httpd, times):  # noqa: F811  pylint: disable=redefined-outer-name
    """Twice, with the request as it came; then the client is told to."""
    child, connection = httpd
    body = release_body([parts_of(prepared.object)])
    headers = signed_headers(prepared.device(), prepared.url, body)
    connection.request("POST", "/v1/release", body, headers)
    asked = set()
    for code in [STALE] * times + [DONE] * (times < 3):
        number, payload = child.channel["authd"].expect(RELEASE)
        asked.add(payload)
        child.channel["keyd"].send(RESULT, struct.pack(">H", code), number)
    answer = connection.getresponse()
    assert (answer.status, len(asked)) == (200 if times < 3 else 503, 1)
    assert answer.getheader("Doublekey-Error") == (None if times < 3 else "busy")


@pytest.mark.parametrize("behind", [b"", b"x"])
def test_only_a_release_is_stale(httpd, behind):
    child, connection = httpd
    connection.request("GET", "/v1/keys/finance")
    number = child.channel["authd"].receive()[1]
    child.channel["keyd"].send(RESULT, struct.pack(">H", STALE) + behind, number)
    assert child.violation() == (PROCESSES["keyd"], RESULT)
