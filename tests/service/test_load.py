# SPDX-License-Identifier: Apache-2.0
"""Under load: what is handed out is in the log, whatever else happens meanwhile."""
import base64
import hashlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest

from service import BUILD, codes, parts_of, release_body
from test_log import checkpoint, root_of

ALLOW = 'rule "all" {\nkeys = {"*"}\nusers = {"*"}\nallow = true\n}\n'
DENY = ALLOW.replace("allow = true", "allow = false")


@pytest.fixture
def loaded(ready):
    pathlib.Path(ready.dir, "policy.conf").write_text(ALLOW)
    ready.admin("policy", "reload")
    return ready


def test_a_log_that_the_bench_grows(service, tmp_path):
    """bench/append speaks as keyd does now: what it made is a log that the service goes on with."""
    service.stop()
    program, logd = (os.path.join(BUILD, *names) for names in (
        ("bench", "append"), ("daemon", "doublekeyd-logd")))
    for what, count in (("entries", "600"), ("seconds", "0.1")):
        out = subprocess.run([program, logd, os.path.join(service.dir, "log"), "64", what, count],
                             check=True, text=True, capture_output=True, timeout=60).stdout
        assert what != "entries" or out.startswith("entries=600 ")
    service.start()
    service.prepare()
    made = records(service)
    assert [r["class"] for r in made].count("release") >= 600
    checkpoint(service, len(made))
    service.client("log", "verify", service.url + "/log")


class Load:
    """The load generator; what it was given stands in its file of answers."""

    def __init__(self, s, seconds, objects=1, clients=16):
        self.answers = os.path.join(s.base, "answers-%d" % time.monotonic_ns())
        body = self.answers + ".body"
        pathlib.Path(body).write_bytes(release_body([parts_of(s.object)] * objects))
        device = os.path.join(s.base, "client", "doublekey", "services",
                              "127.0.0.1:%d" % s.port, "device.key")
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "bench", "load"), "--url", s.url, "--device", device, "--body",
             body, "--ca", os.path.join(s.dir, "tls", "chain.pem"), "--clients", str(clients),
             "--seconds", str(seconds), "--answers", self.answers],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def end(self):
        """Its figures, and (index, request) of each answer that released."""
        line = self.process.communicate(timeout=120)[0]
        assert self.process.returncode == 0
        lines = open(self.answers).read().splitlines()
        return (dict(word.split("=") for word in line.split()),
                [(int(index), digest) for index, digest in map(str.split, lines)])


def records(s):
    """All of them; the command fails if one does not open its leaf."""
    return [json.loads(line) for line in s.admin("log", "--json").stdout.splitlines()]


def released(all_records):
    return {r["index"]: r["request"] for r in all_records
            if r["class"] == "release" and r["decision"] == "done"}


def check_answers(s, answers):
    """Each share that was handed out has its own entry, and the tree is whole."""
    assert answers
    all_records = records(s)
    assert [r["index"] for r in all_records] == list(range(len(all_records)))
    entries = released(all_records)
    for index, digest in answers:
        assert entries.get(index) == digest
    assert len({index for index, _ in answers}) == len(answers)
    check_tree(s, answers[-1][0] + 1)


def check_tree(s, at_least):
    end = time.time() + 20
    size = 0
    while size < at_least and time.time() < end:
        time.sleep(0.2)
        status, _, body = s.request("GET", "/log/checkpoint")
        size = int(body.split(b"\n")[1]) if status == 200 else 0
    assert size >= at_least
    data = b""
    for n in range((size + 255) // 256):
        left = size - 256 * n
        assert n < 1000
        path = "/log/tile/entries/%03d%s" % (n, "" if left >= 256 else ".p/%d" % left)
        status, _, tile = s.request("GET", path)
        assert status == 200, path
        data += tile
    hashes = [hashlib.sha256(b"\0" + data[i * 50 + 2:i * 50 + 50]).digest() for i in range(size)]
    assert base64.b64encode(root_of(hashes)) == body.split(b"\n")[2]


def stands_still(s):
    """Behind what was already on its way, nothing is released any more."""
    time.sleep(0.3)
    before = s.log().count(" release done")
    time.sleep(0.3)
    return s.log().count(" release done") == before


def goes_on(s):
    """Something more is released, however slow the machine is."""
    before, end = s.log().count(" release done"), time.monotonic() + 10
    while time.monotonic() < end:
        if s.log().count(" release done") > before:
            return True
    return False


def test_acts_take_hold_of_releases_under_way(loaded):
    s = loaded
    load = Load(s, 25, objects=100, clients=4)
    assert goes_on(s)  # control
    policy = pathlib.Path(s.dir, "policy.conf")
    for act, undo in ((("freeze",), ("unfreeze", "--reason", "a test")),
                      (("freeze", "finance"), ("unfreeze", "finance", "--reason", "a test")),
                      (("key", "disable", "finance"), ("key", "enable", "finance"))):
        s.admin(*act)
        assert stands_still(s), act
        s.admin(*undo)
        assert goes_on(s), undo
    policy.write_text(DENY)
    s.admin("policy", "reload")
    assert stands_still(s)
    policy.write_text(ALLOW)
    s.admin("policy", "reload")
    assert goes_on(s)
    s.admin("key", "destroy", "finance", "1")
    assert stands_still(s)
    figures, answers = load.end()
    assert int(figures["lost"]) == 0
    check_answers(s, answers)


def test_many_acts_lose_no_request(loaded):
    """Each act has what is under way judged anew: slower, and never wrong."""
    s = loaded
    load, n = Load(s, 5, objects=20), 0
    while load.process.poll() is None:
        s.admin("key", "create", "other-%d" % n)
        s.admin("key", "disable", "other-%d" % n)
        s.admin("policy", "reload")
        n += 1
    figures, answers = load.end()
    assert n > 3 and int(figures["lost"]) == 0 and int(figures["refused"]) == 0
    check_answers(s, answers)


def test_enrolments_that_are_refused_stop_nobody(loaded):
    s, stop, asked = loaded, threading.Event(), []

    def ask():
        while not stop.is_set():
            asked.append(s.request("POST", "/v1/devices", b"x" * 400,
                                   {"Content-Type": "application/doublekey"})[0])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    figures, answers = Load(s, 3, objects=5).end()
    stop.set()
    for thread in threads:
        thread.join()
    assert len(asked) > 5 and 200 not in asked
    assert int(figures["lost"]) == 0 and int(figures["refused"]) == 0
    check_answers(s, answers)


@pytest.mark.parametrize("name", ["logd", "keyd"])
def test_killed_under_load(loaded, name):
    s = loaded
    load = Load(s, 6, objects=5)
    kills = 0
    while load.process.poll() is None:
        time.sleep(1)
        s.wait_ready()
        pid = s.pids().get(name)
        if pid:
            os.kill(pid, signal.SIGKILL)
            kills += 1
    _, answers = load.end()
    s.wait_ready()
    assert kills >= 3
    check_answers(s, answers)
    assert codes(s.release(s.device(), release_body([parts_of(s.object)]))[2]) == [0]


def test_the_parent_killed_under_load(loaded):
    """All end with it, in their own time: the next one waits for what they still hold."""
    s = loaded
    load = Load(s, 6, objects=5)
    for _ in range(3):
        time.sleep(1)
        s.process.kill()
        s.process.wait()
        s.start()
    _, answers = load.end()
    check_answers(s, answers)


def test_an_address_that_becomes_free(loaded):
    s = loaded
    s.stop()
    held = socket.create_server(("127.0.0.1", s.port))
    threading.Timer(0.5, held.close).start()
    s.start()


def test_stopped_under_load(loaded):
    """Large requests are being judged when the end comes."""
    s = loaded
    load = Load(s, 3, objects=200, clients=8)
    time.sleep(1.5)
    began = time.time()
    s.stop()
    assert time.time() - began < 10
    assert s.process.returncode == 0
    _, answers = load.end()
    assert "ERROR" not in open(s.stderr).read()
    s.start()
    check_answers(s, answers)


def test_every_thread_of_keyd_is_in_the_filter(loaded):
    """Those that were there before it, too; and there is one for each CPU."""
    tasks = "/proc/%d/task" % loaded.pids()["keyd"]
    found = os.listdir(tasks)
    assert len(found) == 1 + min(16, len(os.sched_getaffinity(0)))
    for task in found:
        status = open(os.path.join(tasks, task, "status")).read()
        assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
    own = open("/proc/self/status").read()
    assert "Seccomp:\t2" not in own or "NoNewPrivs:\t1" in own  # control: not always so
