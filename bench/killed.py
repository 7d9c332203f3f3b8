# SPDX-License-Identifier: Apache-2.0
"""A process is killed every five seconds under load; afterwards each answer is
compared with the log: its records, and the tree that is served."""

import array
import base64
import hashlib
import itertools
import os
import pathlib
import re
import signal
import subprocess
import time

from measure import Failed
from rows import Result

EVERY_S = 5
CLIENTS = 16
# The parent too: then all end, and it is started anew.
VICTIMS = ("logd", "keyd", "httpd", "authd", "doublekeyd")
RELEASE = re.compile(rb'^\{"index":(\d+),.*?"class":"release","decision":"done".*?'
                     rb'"request":"([0-9a-f]{64})"')


class Log:
    """The request of each release in the log, by its index."""

    def __init__(self, daemon, directory):
        self.digests = bytearray()
        self.short = array.array("Q")  # half of each, to find one that is there twice
        self.broken = 0
        command = [daemon, "log", "--json", "--dir", directory]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            for size, line in enumerate(process.stdout):
                match = RELEASE.match(line)
                digest = bytes.fromhex(match[2].decode()) if match else bytes(32)
                if match:
                    self.short.append(int.from_bytes(digest[:8], "big"))
                    self.broken += int(match[1]) != size
                self.digests += digest
        if process.returncode != 0:
            raise Failed("doublekeyd log")

    def __len__(self):
        return len(self.digests) // 32

    def request(self, index):
        return bytes(self.digests[32 * index:32 * index + 32])

    def twice(self):
        ordered = sorted(self.short)
        return sum(a == b for a, b in zip(ordered, itertools.islice(ordered, 1, None)))


def tree_is_whole(s):
    """The root over all entry bundles is that of the checkpoint (RFC 6962)."""
    text = s.request("GET", "/log/checkpoint")[2]
    size, root = int(text.split(b"\n")[1]), text.split(b"\n")[2]
    connection, edge = s.connection(), []
    for n in range((size + 255) // 256):
        width = min(256, size - 256 * n)
        digits = "%0*d" % ((len(str(n)) + 2) // 3 * 3, n)
        groups = [digits[i:i + 3] for i in range(0, len(digits), 3)]
        path = "/".join(["x" + g for g in groups[:-1]] + groups[-1:])
        connection.request("GET", "/log/tile/entries/" + path + ("" if width == 256 else
                                                                 ".p/%d" % width))
        answer = connection.getresponse()
        data = answer.read()
        if answer.status != 200 or len(data) != 50 * width:
            return False
        for i in range(width):
            node, at = hashlib.sha256(b"\0" + data[50 * i + 2:50 * i + 50]).digest(), 256 * n + i
            while at & 1:
                node = hashlib.sha256(b"\1" + edge.pop() + node).digest()
                at >>= 1
            edge.append(node)
    connection.close()
    found = edge.pop()
    while edge:
        found = hashlib.sha256(b"\1" + edge.pop() + found).digest()
    return base64.b64encode(found) == root


def kill(service, victim):
    s = service.s
    if victim == "doublekeyd":
        s.process.kill()
        s.process.wait()
        s.start()
        return True
    s.wait_ready()
    pid = s.pids().get(victim)
    if pid:
        os.kill(pid, signal.SIGKILL)
    return bool(pid)


def under_load(service, seconds, answers):
    """Kills, and the figures of the load generator."""
    generator = subprocess.Popen(
        service.command(1, CLIENTS, "--seconds", str(seconds), "--answers", answers),
        stdout=subprocess.PIPE, text=True)
    kills = 0
    try:
        for n in itertools.count(1):
            try:
                line = generator.communicate(timeout=EVERY_S)[0]
                break
            except subprocess.TimeoutExpired:
                kills += kill(service, VICTIMS[n % len(VICTIMS)])
    finally:
        generator.kill()
    if generator.returncode != 0:
        raise Failed("the load generator")
    return kills, {name: float(value) for name, value in
                   (word.split("=") for word in line.split())}


def compare(log, answers):
    """Answers without an entry, with another's entry, and entries with two answers."""
    lost = unlogged = twice = 0
    seen = bytearray(len(log))
    with open(answers, encoding="ascii") as lines:
        for line in lines:
            index, digest = line.split()
            index = int(index)
            if index >= len(log):
                lost += 1
            elif log.request(index).hex() != digest:
                unlogged += 1
            else:
                twice += seen[index]
                seen[index] = 1
    return lost, unlogged, twice


def control(log, path):
    """Answers that were never given must be found."""
    pathlib.Path(path).write_text(f"{len(log)} {'0' * 64}\n0 {'1' * 64}\n")
    if compare(log, path) != (1, 1, 0):
        raise Failed("the comparison of answers and log finds nothing")


def killed(bench):
    service, seconds = bench.service, int(bench.minutes * 60)
    answers = os.path.join(bench.where, "answers")
    kills, got = under_load(service, seconds, answers)
    service.s.wait_ready()
    time.sleep(2)  # tiles are written once a second
    log = Log(service.module.DAEMON, service.s.dir)
    lost, unlogged, twice = compare(log, answers)
    doubled = twice + log.twice() + log.broken
    whole = tree_is_whole(service.s)
    control(log, answers)
    pathlib.Path(answers).unlink()
    lines = [
        f"{CLIENTS} clients for {seconds} s, {kills} kills in turn of {', '.join(VICTIMS)}",
        f"{got['ok']:.0f} releases answered, {got['refused']:.0f} refused while a process was away, "
        f"{got['lost']:.0f} requests without an answer",
        f"{len(log)} entries; the tree of the entry bundles "
        f"{'is' if whole else 'IS NOT'} that of the checkpoint",
    ]
    reached = whole and kills >= seconds // EVERY_S // 2 and got["ok"] > 0 and \
        lost + unlogged + doubled == 0
    return Result(lines, f"lost {lost}, unlogged {unlogged}, doubled {doubled}, limit 0", reached)
