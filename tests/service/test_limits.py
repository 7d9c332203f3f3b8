# SPDX-License-Identifier: Apache-2.0
"""Clients that are slow, many, or send much: the others are served (spec/key-service.md
section 1.1)."""
import contextlib
import os
import resource
import signal
import socket
import subprocess
import threading
import time

import pytest

from raw import Raw, memory_high, release_request
from service import codes, free_port, parts_of, release_body
from test_clock import Clocked
from test_metrics import figures, set_metrics

FILES = 128  # that a process may open
CONNECTIONS = FILES - 64
POST = (b"POST /v1/release HTTP/1.1\r\nHost: x\r\nContent-Type: application/doublekey\r\n"
        b"Content-Length: 4194304\r\n\r\n")
ATTACKER, CLIENT = "127.0.0.2", "127.0.0.1"


class Limited(Clocked):
    """With few files, so that few connections are many, and a clock that can jump."""

    def start(self):
        with open(self.stderr, "a") as err:
            self.process = subprocess.Popen(
                [self.daemon, "run", "--dir", self.dir, "--passphrase-file", self.passfile],
                stderr=err, stdin=subprocess.DEVNULL,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES)))
        self.wait_ready()


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    s = Limited(tmp_path_factory.mktemp("limits"))
    s.metrics_port = free_port()
    set_metrics(s, "127.0.0.1:%d" % s.metrics_port)
    s.start()
    s.prepare()
    s.body = release_body([parts_of(s.object)])
    yield s
    s.stop()


@pytest.fixture
def fresh(there):
    there.jump(0)
    there.pids_before = there.pids()
    yield there
    assert there.pids() == there.pids_before
    assert released(there)
    end = time.monotonic() + 30
    while figures(there)["doublekey_connections"] > 0:
        assert time.monotonic() < end
        time.sleep(0.05)


def released(s, raw=None):
    """Over a connection of its own, or this one."""
    own = raw or Raw(s, CLIENT)
    try:
        own.send(release_request(s, s.body))
        status, error, answer = own.answer()
        return (status, error) == (200, None) and codes(answer) == [0]
    finally:
        if own is not raw:
            own.close()


def many(s, count, data=b"", source=ATTACKER):
    """So many connections that go no further than this."""
    held = []
    for _ in range(count):
        held.append(Raw(s, source))
        held[-1].send(data)
    return held


def close(held):
    for raw in held:
        raw.close()


@pytest.mark.parametrize("what", ["nothing", "half a head", "half a body"])
def test_more_connections_than_there_may_be(fresh, what):
    """Who holds many takes from himself, and a client that was there before is served."""
    s = fresh
    sent = {"nothing": b"", "half a head": b"POST /v1/release HTTP/1.1\r\nHos",
            "half a body": POST + b"x" * 1000}[what]
    dropped = figures(s)["doublekey_connections_dropped_total"]
    with Raw(s, CLIENT) as before:
        assert released(s, before)
        held = many(s, CONNECTIONS * 2, sent)
        assert figures(s)["doublekey_connections"] == CONNECTIONS
        assert figures(s)["doublekey_connections_dropped_total"] - dropped == CONNECTIONS + 1
        assert released(s)
        assert released(s, before)
    assert held[0].closed()
    close(held)


def keep_alive(held, over):
    """A byte now and then, so that none is closed for being idle."""
    for one in held:
        with contextlib.suppress(OSError):
            one.sendall(b"GET /health HTTP/1.1\r\nX: ")
    while not over.wait(1):
        for one in held:
            with contextlib.suppress(OSError):
                one.sendall(b"x")


def test_many_connections_of_monitors(fresh):
    """Whoever is on the machine can make them; clients are served all the same."""
    s = fresh
    held = [socket.create_connection(("127.0.0.1", s.metrics_port), 30) for _ in range(FILES * 2)]
    over = threading.Event()
    trickle = threading.Thread(target=keep_alive, args=(held[:-1], over))
    trickle.start()
    try:
        assert released(s)
        assert figures(s)["doublekey_connections"] == 0
    finally:
        over.set()
        trickle.join()
    held[-1].sendall(b"GET /health HTTP/1.0\r\n\r\n")  # the newest ones are there
    assert held[-1].makefile("rb").read().endswith(b"\r\n\r\nok\n")
    with contextlib.suppress(ConnectionResetError):
        assert held[0].recv(1) == b""
    for one in held:
        one.close()


def test_what_a_monitor_sends_behind_its_request(fresh):
    """The connection is over, and nothing of it is kept."""
    s = fresh
    before = memory_high(s.pids()["httpd"])
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", s.metrics_port), 30) as one:
            one.settimeout(0.2)  # the service reads no more
            with contextlib.suppress(OSError):
                one.sendall(b"GET /health HTTP/1.0\r\n\r\n" + b"x" * (32 << 20))
    assert memory_high(s.pids()["httpd"]) < before + (16 << 20)


def test_from_one_address_the_one_that_is_quiet_for_longest_goes(fresh):
    """Control: where all come from one address, there is nothing else to go by."""
    s = fresh
    first, second = many(s, 2, source=CLIENT)
    assert first.is_open() and second.is_open() and first.is_open()  # second is quiet for longer
    held = many(s, CONNECTIONS - 1, source=CLIENT)
    assert second.closed()
    assert first.is_open()
    close([first, second, *held])


def test_slow_clients(fresh):
    """A byte now and then does not keep a connection for ever."""
    s = fresh
    held = many(s, 3, b"POST /v1/release HTTP/1.1\r\nX: y") + many(s, 3, POST + b"x")
    for seconds in (25, 50):
        s.jump(0, seconds)
        time.sleep(1.5)
        assert figures(s)["doublekey_connections"] == len(held)  # control
        for raw in held:
            raw.send(b"x")
    s.jump(0, 65)
    for raw in held:
        assert raw.closed()
    close(held)


def test_quiet_clients(fresh):
    """Between requests, too; who asks now and then stays."""
    s = fresh
    quiet, asks = many(s, 2, source=CLIENT)
    s.jump(0, 200)  # behind the jumps of others; both were there before it
    time.sleep(1.5)
    assert quiet.closed() and asks.closed()
    quiet.close(), asks.close()
    quiet, asks = many(s, 2, source=CLIENT)
    for seconds in (240, 280):
        s.jump(0, seconds)
        assert asks.is_open()
        time.sleep(1.2)
    assert quiet.closed()
    assert asks.is_open()
    close([quiet, asks])


def test_many_large_bodies_that_never_end(fresh):
    """60 times 4 MiB but for one byte: only so many are kept, and others are served."""
    s = fresh
    data = POST + b"x" * (4194304 - 1)
    held, cut = [], 0
    for n in range(CONNECTIONS - 4):
        try:
            held += many(s, 1, data)
        except OSError:
            cut += 1
        if n % 10 == 9:
            assert released(s)
    assert memory_high(s.pids()["httpd"]) < 250 << 20
    assert figures(s)["doublekey_connections"] <= 33
    assert released(s)
    close(held)


def test_many_large_requests_under_way(fresh):
    """Whole ones are refused where others wait already, and answered when they can be."""
    s = fresh
    body = b"DKR1" + bytes(4194304 - 4)
    request = release_request(s, body)
    os.kill(s.pids()["keyd"], signal.SIGSTOP)
    try:
        held = many(s, 40, request, source=CLIENT)
        assert held[-1].answer()[:2] == (503, "busy")
        small = many(s, 1, release_request(s, s.body), source=CLIENT)[0]  # still fits
    finally:
        os.kill(s.pids_before["keyd"], signal.SIGCONT)
    status, error, answer = small.answer()
    assert (status, error, codes(answer)) == (200, None, [0])
    answers = [raw.answer()[:2] for raw in held[:-1]]
    assert set(answers) <= {(503, "busy"), (400, "malformed-request")}
    assert answers[0] == (400, "malformed-request") and answers.count(answers[0]) > 25
    close([small, *held])


def test_many_requests_on_one_connection_at_once(fresh):
    """Answers come in the order of the requests, good and bad ones, releases among them."""
    s = fresh
    get = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
    with Raw(s, CLIENT) as raw:
        raw.send(b"".join(release_request(s, s.body) + get % b"/v1/status" + get % b"/nothing"
                          for _ in range(30)))
        for _ in range(30):
            status, error, answer = raw.answer()
            assert (status, error) == (200, None) and codes(answer) == [0]
            assert raw.answer()[:2] == (200, None)
            assert raw.answer()[:2] == (404, "not-found")
        # What is bad behind good ones ends it, and the good ones are answered.
        raw.send(get % b"/v1/status" + (get % b"/v1/status").replace(b"x\r\n", b"x\n")
                 + get % b"/v1/status")
        assert raw.answer()[:2] == (200, None)
        assert raw.answer()[:2] == (400, "http")
        assert raw.closed()


def test_clients_that_take_no_answer(fresh):
    """They ask much and read nothing: it is not kept for them for ever."""
    s = fresh
    held = many(s, 8)
    for raw in held:
        raw.tls.settimeout(2)
        try:
            for _ in range(200):
                raw.send(b"GET /v1/ca HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        except OSError:
            pass
    assert released(s)
    assert memory_high(s.pids()["httpd"]) < 250 << 20
    close(held)
