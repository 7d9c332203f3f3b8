# SPDX-License-Identifier: Apache-2.0
"""What nobody can do by sending much: fill the log with a device that was revoked, hide what it
does, or keep the operator from freezing the service."""
import os
import select
import signal
import subprocess
import time

from raw import Raw
from service import DAEMON, release_body, signed_headers
from test_load import records

PER_SECOND = 10  # denials of strangers, and of revoked devices, that are recorded
WAITING = 256  # enrolments that may wait behind an act


def ask(connection, s, count, key_id=None):
    """So many requests of a device that is refused; the names of the answers' errors."""
    body = release_body([])
    headers = signed_headers(s.device(), s.url, body, key_id=key_id)
    lines = ["POST /v1/release HTTP/1.1", "Host: x", "Content-Length: %d" % len(body)]
    lines += ["%s: %s" % item for item in headers.items()]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    for at in range(0, count, 50):
        connection.send(request * min(50, count - at))
        for _ in range(min(50, count - at)):
            yield connection.answer()[1]


def of(found, reason):
    return [r for r in found if r["class"] == "denial" and r["reason"] == reason]


def revoke(s):
    s.admin("device", "revoke", s.device().id.hex())


def test_a_revoked_device_does_not_fill_the_log(ready):
    revoke(ready)
    begin = time.time()
    with Raw(ready) as connection:
        assert set(ask(connection, ready, 500)) == {"device-revoked"}
    most = PER_SECOND * (int(time.time() - begin) + 2)
    found = of(records(ready), "device-revoked")
    assert 1 <= len(found) <= most
    # The next record says how many there were.
    end = time.time() + 30
    while sum(1 + r.get("suppressed", 0) for r in of(records(ready), "device-revoked")) < 501:
        assert time.time() < end
        with Raw(ready) as connection:
            assert set(ask(connection, ready, 1)) == {"device-revoked"}


def test_strangers_do_not_hide_what_a_revoked_device_does(ready):
    revoke(ready)
    with Raw(ready) as connection:
        assert set(ask(connection, ready, 200, os.urandom(32))) == {"unknown-device"}
        assert list(ask(connection, ready, 1)) == ["device-revoked"]
    assert len(of(records(ready), "device-revoked")) == 1


def enrolment():
    body = b"DKE1" + os.urandom(16) + b"\x05alice\x01x" + os.urandom(91 + 64 + 48)
    return (b"POST /v1/devices HTTP/1.1\r\nHost: x\r\nContent-Type: application/doublekey\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body


def begun(s, *args):
    return subprocess.Popen([DAEMON, *args, "--dir", s.dir], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def waits(process):
    """Whether it waits for an answer; it is ended then."""
    try:
        process.communicate(timeout=1)
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True


def fill(strangers):
    """Until one of them is told that there is no more room."""
    for connection in strangers:
        connection.send(enrolment())
    told, _, _ = select.select([c.tls for c in strangers], [], [], 60)
    refused = [c.answer()[1] for c in strangers if c.tls in told]
    assert refused and set(refused) == {"busy"}


def test_the_operator_does_not_wait_behind_strangers(ready):
    """The log stands still, as a disk may; an act waits for it, and strangers for the act."""
    logd = ready.pids()["logd"]
    strangers = [Raw(ready) for _ in range(WAITING + 1)]
    assert all(connection.is_open() for connection in strangers)
    os.kill(logd, signal.SIGSTOP)
    try:
        act = begun(ready, "key", "create", "other")
        while not waits(begun(ready, "status")):
            assert act.poll() is None
        fill(strangers)
        freeze = begun(ready, "freeze")
        time.sleep(0.5)
        # It has a place, so it says nothing yet.
        assert freeze.poll() is None, freeze.communicate()[0]
    finally:
        os.kill(logd, signal.SIGCONT)
    assert act.wait(60) == 0 and freeze.wait(60) == 0, freeze.communicate()[0]
    for connection in strangers:
        connection.close()
    assert "frozen" in ready.admin("status").stdout
