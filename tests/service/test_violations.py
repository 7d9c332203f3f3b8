# SPDX-License-Identifier: Apache-2.0
"""A process of a running service is replaced by one that breaks the rules towards one of its
peers. It is ended and counted, the set is started anew, and with the right one back the
service releases again. What each receiver takes for a violation is test_messages.py."""
import os
import re
import signal
import subprocess
import time

import pytest

from peers import CHANNELS, packet, packets, table
from service import free_port
from test_messages import CASES, NOBODY, text, u16, u32
from test_metrics import figures, set_metrics
from tree import TreeService

# Sends packets to one peer, once or each time it is started, and stays until it is ended.
SCRIPT = """#!/usr/bin/python3 -I
import os, signal, socket, time
with open(%(note)r, "a") as f:
    f.write("%%d %%f\\n" %% (os.getpid(), time.monotonic()))
if %(once)r:
    os.symlink(%(right)r, %(path)r + ".new")
    os.rename(%(path)r + ".new", %(path)r)
end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=%(fd)d)
for one in %(packets)r:
    end.send(one)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    signal.pause()
"""
PAIRS = [(sender, receiver) for sender in CHANNELS if sender not in ("tokend", "fetchd")
         for receiver in CHANNELS[sender]]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    s = TreeService(tmp_path_factory.mktemp("violations"))
    s.metrics_port = free_port()
    set_metrics(s, "127.0.0.1:%d" % s.metrics_port)
    s.start()
    s.prepare("text\n")
    s.stop()
    return s


@pytest.fixture
def fresh(prepared):
    """As it was prepared, with its own count of restarts."""
    s = prepared
    s.note = os.path.join(s.base, "note")
    for path in (s.note, s.stderr):
        if os.path.exists(path):
            os.unlink(path)
    for process in CHANNELS:
        s.put_back(process)
    s.start()
    yield s
    s.stop()


def script(s, sender, receiver, what, once=True):
    return SCRIPT % {"note": s.note, "once": once, "path": s.path(sender),
                     "right": s.right(sender), "packets": what,
                     "fd": 3 + CHANNELS[sender].index(receiver)}


def bad_packets(sender, receiver):
    """Without its layout, if a message of this channel can be so; else too long; else one that
    is not allowed here."""
    here = [m for m in table() if (m.sender, m.receiver) == (sender, receiver)]
    for message in here:
        wrong = {**CASES, **TO_PARENT}[message.name][1]
        if wrong and message.name != "APPENDED":  # the last one is not the smallest
            return packets(message.type, wrong[0] or wrong[1])
    return [packet(here[0].type, b"x", here[0].longest + 1)] if here else [packet(NOBODY)]


def status(s):
    found = dict(re.findall(r"^(restarts|violations)\t(\d+)$",
                            s.admin("status", check=False).stdout, re.M))
    return {name: int(number) for name, number in found.items()}


def wait_for(s, violations):
    """Until all run again, after so many."""
    end = time.monotonic() + 60
    while status(s).get("violations") != violations:
        assert time.monotonic() < end and s.process.poll() is None, open(s.stderr).read()
        time.sleep(0.05)


def releases(s):
    out = os.path.join(s.base, "out")
    s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-f", "-o", out)
    assert open(out).read() == "text\n"
    assert s.admin("log").returncode == 0  # each record opens its leaf


def notes(s):
    """Process id and time of each start of the bad process."""
    return [(int(pid), float(when)) for pid, when in
            (line.split() for line in open(s.note).read().splitlines())]


@pytest.mark.parametrize("sender,receiver", PAIRS)
def test_it_is_ended_and_the_service_recovers(fresh, sender, receiver):
    s = fresh
    before = s.pids()
    s.replace(sender, script(s, sender, receiver, bad_packets(sender, receiver)))
    os.kill(before[sender], signal.SIGKILL)
    wait_for(s, 1)
    assert status(s) == {"restarts": 2, "violations": 1}
    said = open(s.stderr).read()
    assert "%s broke the rules towards %s (type " % (sender, receiver) in said
    (pid, _), = notes(s)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not set(before.values()) & set(s.pids().values())
    assert figures(s)["doublekey_violations_total"] == 1
    releases(s)


@pytest.mark.parametrize("what", [packets(0x0019, bytes(3)), packets(0x0004, b"\5" + u16(1)),
                                  packets(0x0001, u32(0)) * 2, [packet(NOBODY)]])
def test_fetchd_alone_is_ended(fresh, what):
    """It is on the way of no request: the others do not notice."""
    s = fresh
    before = s.pids()
    s.replace("fetchd", script(s, "fetchd", "parent", what))
    os.kill(before["fetchd"], signal.SIGKILL)
    end = time.monotonic() + 60
    while "fetchd broke the rules towards parent" not in open(s.stderr).read():
        assert time.monotonic() < end
        releases(s)
    while s.pids().get("fetchd", 0) in (0, before["fetchd"], notes(s)[0][0]):
        assert time.monotonic() < end
        time.sleep(0.05)
    after = s.pids()
    assert status(s) == {"restarts": 0, "violations": 1}
    before.pop("fetchd")
    assert before == {name: after[name] for name in before}
    while figures(s)["doublekey_violations_total"] != 1:
        assert time.monotonic() < end
    assert figures(s)["doublekey_fetchd_restarts_total"] == 2
    releases(s)


def test_one_that_breaks_no_rule_is_left_alone(fresh):
    """Control: the same replacement, which says no more than it may."""
    s = fresh
    s.replace("authd", script(s, "authd", "keyd", packets(0x0204, bytes(64))))
    os.kill(s.pids()["authd"], signal.SIGKILL)
    end = time.monotonic() + 60
    while not os.path.exists(s.note):
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(notes(s)[0][0], 0)
    assert "broke the rules" not in open(s.stderr).read()
    os.kill(notes(s)[0][0], signal.SIGKILL)
    end = time.monotonic() + 60
    while status(s).get("restarts") != 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert status(s) == {"restarts": 2, "violations": 0}
    releases(s)


def test_restarts_are_delayed_longer_and_longer(fresh):
    s = fresh
    s.replace("logd", script(s, "logd", "keyd", [packet(NOBODY)], once=False))
    os.kill(s.pids()["logd"], signal.SIGKILL)
    end = time.monotonic() + 60
    while not os.path.exists(s.note) or len(notes(s)) < 4:
        assert time.monotonic() < end
        time.sleep(0.05)
    s.put_back("logd")
    times = [when for _, when in notes(s)]
    assert [b - a >= d for a, b, d in zip(times, times[1:], (0.2, 0.4, 0.8))] == [True] * 3
    end = time.monotonic() + 60
    while status(s).get("violations", 0) < 4:
        assert time.monotonic() < end
        time.sleep(0.05)
    releases(s)


def descriptors(s):
    return len(os.listdir("/proc/%d/fd" % s.process.pid))


def test_the_parent_keeps_nothing_of_a_set_that_ended(fresh):
    s = fresh
    before = descriptors(s)
    for n, process in enumerate(("httpd", "authd", "keyd", "logd")):
        os.kill(s.pids()[process], signal.SIGKILL)
        end = time.monotonic() + 60
        while status(s).get("restarts") != n + 1:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert "%s ended (signal 9)" % process in open(s.stderr).read()
    end = time.monotonic() + 10
    while descriptors(s) > before:  # that of the last status may still be there
        assert time.monotonic() < end
        time.sleep(0.05)


ANSWERS = """#!/usr/bin/python3 -I
import socket, struct
end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=3)
part, data = 61440, bytes(3) + b"x" * %d
end.send(struct.pack(">HHIIIQ", 1, 0, 4, 0, 0, 0) + bytes(4))
while True:
    kind, _, _, offset, _, number = struct.unpack(">HHIIIQ", end.recv(65536)[:24])
    for at in range(0, len(data), part) if kind == 0x18 and offset == 0 else ():
        end.send(struct.pack(">HHIIIQ", 0x19, 0, len(data), at, 0, number) + data[at:at + part])
"""


@pytest.mark.parametrize("size,said", [
    (65536, "key set of corp: not fetched: refused"), (65537, "fetchd broke the rules towards parent")])
def test_a_key_set_has_a_limit_of_its_own(fresh, size, said):
    """Members of a directory come by the same message, and may be more."""
    s, path = fresh, os.path.join(fresh.dir, "policy.conf")
    before = open(path).read()
    s.replace("fetchd", ANSWERS % size)
    with open(path, "a") as f:
        f.write('issuer "corp" {\nurl = "https://a"\naudience = "a"\nclaim = "sub"\n'
                'max-age = 60\nkey-set = "https://127.0.0.1:1/"\n}\n')
    os.kill(s.pids()["fetchd"], signal.SIGKILL)
    s.admin("policy", "reload")
    end = time.monotonic() + 60
    while said not in open(s.stderr).read():
        assert time.monotonic() < end, open(s.stderr).read()
        time.sleep(0.05)
    assert ("broke" in said) == ("broke the rules" in open(s.stderr).read())
    with open(path, "w") as f:
        f.write(before)


# What the parent takes; a set that never was ready is not started anew.
TO_PARENT = {
    "READY": ([u32(0)], [b"", bytes(3)]),
    "VIOLATION": ([b"\5" + u16(1)], [b"", bytes(2), b"\0" + u16(1), b"\x63" + u16(1)]),
    "PIN_REFUSED": ([b""], []),
    "POLICY_ELSEWHERE": ([bytes(32)], [b"", bytes(31)]),
    "ADMIN_DONE": ([u16(0), u16(0) + b"text"], [b"", b"\0", u16(9999)]),
    "WITNESS_ASK": ([], [b"", b"\0", b"\0old 0\n"]),  # there is no witness
    "WITNESS_STATE": CASES["WITNESS_GAUGES"],
    "RECORDS_DONE": ([u16(0) + bytes(12)], [b"", b"\0", u16(9999)]),
    "POLICY_DONE": ([u16(0) + b"text\n"], [b"", b"\0", u16(0), u16(9999) + b"text"]),
    "FETCHED": ([], [b"", bytes(2), bytes(3), b"\x09" + bytes(2), b"\1" + bytes(2) + b"x"]),
    "KEY_SET_DONE": ([], [b"", b"\0", u16(9999), u16(0)]),  # both only if asked for
    "METADATA_DONE": ([], [b"", b"\0", u16(9999), u16(0) + b"https://a"]),  # likewise
    "KEYS_KNOWN": ([text(b"x"), text(b"x") + bytes(40)],
                   [b"", text(b""), text(b"x" * 33), text(b"x") + bytes(39)]),
    "KEY_ACCEPTED": ([u16(0) + b"text\n"], [b"", b"\0", u16(9999)]),
    "TLS_DONE": ([u16(0) + bytes(16)], [b"", bytes(17), u16(9999) + bytes(16)]),
}
SENT = [m for m in table() if m.receiver == "parent" and m.sender != "tokend"]


def test_each_message_to_the_parent_has_cases():
    assert {m.name for m in table() if m.receiver == "parent"} == set(TO_PARENT)


def run_once(s, sender, what):
    """What doublekeyd says until it gives up: one process stays silent, so that this set never
    is ready."""
    silent = "logd" if sender == "keyd" else "keyd"
    s.replace(sender, script(s, sender, "parent", what, once=False))
    s.replace(silent, script(s, silent, "parent", [], once=False))
    process = subprocess.Popen([s.daemon, "run", "--dir", s.dir, "--passphrase-file", s.passfile],
                               stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 1
        return said
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        s.put_back(sender)
        s.put_back(silent)


@pytest.fixture
def stopped(prepared):
    prepared.note = os.path.join(prepared.base, "note")
    yield prepared


@pytest.mark.parametrize("message", SENT, ids=["%s-%s" % (m.name, m.sender) for m in SENT])
def test_the_parent_as_receiver(stopped, message):
    """Behind what is right comes what nobody may send, as in test_messages.py."""
    s, (right, wrong) = stopped, TO_PARENT[message.name]
    if (message.name, message.sender) == ("VIOLATION", "fetchd"):
        right, wrong = [], right
    elif message.name == "VIOLATION":
        said_of = "logd broke the rules towards %s (type 0001)" % message.sender
        assert said_of in run_once(s, message.sender, packets(message.type, right[0]))
        right = []
    if message.name in ("READY", "VIOLATION") and message.sender not in ("authd", "fetchd"):
        right, wrong = right[:1], []  # any child may send it: one of them stands for all
    said = "%s broke the rules towards parent (type %%04x)" % message.sender
    for payload in right:
        assert said % NOBODY in run_once(
            s, message.sender, packets(message.type, payload) + [packet(NOBODY)]), payload
    for payload in wrong:
        assert said % message.type in run_once(
            s, message.sender, packets(message.type, payload) + [packet(NOBODY)]), payload
    too_long = packet(message.type, b"x", message.longest + 1)
    assert said % message.type in run_once(s, message.sender, [too_long])


def test_ready_comes_once(stopped):
    ready = packets(0x0001, u32(0))
    said = "authd broke the rules towards parent (type %04x)"
    assert said % 0x0001 in run_once(stopped, "authd", ready + ready)
    assert said % NOBODY in run_once(stopped, "authd", ready + [packet(NOBODY)])  # control
