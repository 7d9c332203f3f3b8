# SPDX-License-Identifier: Apache-2.0
"""What is measured of `doublekey assess`, and its limits: by the CPU time of all its threads, which
is not below the time by the clock where no other program runs. The log is made by the same code
that reads it, the catalogue by SQL into a file of `doublekey scan`: nothing is encrypted."""

import hashlib
import os
import shutil
import sqlite3
import statistics
import struct
import tempfile

from measure import Command, Times, output_of, run_once
from rows import Result, Row

PER_OBJECT = 10  # entries
SECONDS_FOR_MILLION, MIB, GROWTH = 60, 1024, 2.2
BEGIN = "2031-01-01"

INCIDENT = """from = "%s"
to = "2031-01-01T00:05Z"
stolen = {"provider-keys p since unknown", "device laptop-7 since 2031-01-01T00:02Z"}
sets = "as-written"
""" % BEGIN


class AssessBench:
    def __init__(self, build, objects, rounds, where):
        self.logs, self.doublekey = str(build / "bench" / "logs"), str(build / "cli" / "doublekey")
        self.objects, self.rounds = objects, rounds
        self.where = tempfile.mkdtemp(prefix="doublekey-bench-", dir=where)
        self.cores = len(os.sched_getaffinity(0))

    def close(self):
        shutil.rmtree(self.where)

    def inputs(self, name, times, each):
        """So many times the objects, and entries for each; returns the command line, and where
        it all is."""
        base = os.path.join(self.where, name)
        objects = self.objects * times
        os.makedirs(os.path.join(base, "nothing"))
        paths = {name: os.path.join(base, name)
                 for name in ("log", "records", "catalogue", "incident")}
        key = output_of([self.logs, "make", paths["log"], str(objects * each),
                         paths["records"], str(objects)]).strip().partition("=")[2]
        output_of([self.doublekey, "scan", "-q", "-o", paths["catalogue"],
                   os.path.join(base, "nothing")])
        fill(paths["catalogue"], objects)
        with open(paths["incident"], "w") as f:
            f.write(INCIDENT)
        return [self.doublekey, "assess", "-q", "--incident", paths["incident"], "--catalogue",
                paths["catalogue"], "--log", paths["log"], "--records", paths["records"], "--key",
                key], base

    def make(self, times):
        line, base = self.inputs(str(times), times, PER_OBJECT)
        out = os.path.join(base, "out")
        return Command([*line, "--json", out], fresh=[out])


def rows_of(objects):
    for n in range(objects):
        number = struct.pack(">Q", n)
        yield n + 1, hashlib.sha384(number).digest(), number + bytes(8), "label %d" % (n % 10)


def fill(path, objects):
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO key VALUES(?, ?, 1, ?, ?, '', '')",
                       [(1, 1, b"\1" * 32, "s"), (2, 2, b"\2" * 32, "p")])
        db.executemany("INSERT INTO object VALUES(?, ?, ?, 1924992000, '', ?, NULL, 1924992000)",
                       rows_of(objects))
        for side, key in ((1, 1), (2, 2)):
            db.execute("INSERT INTO stanza_set SELECT id, ?, 1, 1, zeroblob(32), 1924992000 "
                       "FROM object", (side,))
            db.execute("INSERT INTO stanza SELECT id, ?, 1, ?, 0 FROM object", (side, key))


def assess(bench):
    took, lines = [], []
    for times in (1, 2):
        command, found = bench.make(times), Times()
        for _ in range(bench.rounds):
            run_once(command, found)
        took.append(found)
        lines.append(f"{bench.objects * times} objects, {bench.objects * times * PER_OBJECT} "
                     f"entries: {found}; peak memory {found.rss / (1 << 20):.0f} MiB")
    lines.append(f"{bench.cores} cores; catalogue and records are hashed by a thread of its own")
    cpu = [statistics.median(found.cpu) for found in took]
    limit = SECONDS_FOR_MILLION * bench.objects / 1e6
    memory, used = max(64, MIB * bench.objects / 1e6), took[0].rss / (1 << 20)
    text = (f"seconds of CPU time {cpu[0]:.2f}, limit {limit:.2f}; MiB {used:.0f}, limit "
            f"{memory:.0f}; twice the input takes {cpu[1] / cpu[0]:.2f} times as long, limit {GROWTH}")
    return Result(lines, text,
                  cpu[0] <= limit and used <= memory and cpu[1] / cpu[0] <= GROWTH)


ROWS = [Row("assess: objects and entries", assess)]
