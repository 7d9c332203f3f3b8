# SPDX-License-Identifier: Apache-2.0
"""What is measured of `doublekey scan`, and its limits: by CPU time over the cores, so that other
programs on the machine do not count."""

import os
import pathlib
import shutil
import statistics
import tempfile
import time

from measure import Command, Times, in_turns, output_of, run_once
from rows import Result, Row

FOLDER = 1000  # objects in one
FIRST, AGAIN = 50000, 100000


class ScanBench:
    """Headers in files of their own, on a disk and in the page cache. Form is all that is
    checked in them, so that they need not be encrypted one by one."""

    def __init__(self, build, objects, rounds, where):
        self.doublekey, self.objects, self.rounds = str(build / "cli" / "doublekey"), objects, rounds
        self.where = tempfile.mkdtemp(prefix="doublekey-bench-", dir=where)
        self.cores = len(os.sched_getaffinity(0))
        self._made = False

    def close(self):
        shutil.rmtree(self.where)

    def path(self, name):
        return os.path.join(self.where, name)

    def make(self):
        if self._made:
            return
        for side in ("customer", "provider"):
            output_of([self.doublekey, "keygen", "-q", "--side", side, "--type", "p256",
                       "--no-passphrase", "-o", self.path(side + ".key")])
        pathlib.Path(self.path("empty")).touch()
        output_of([self.doublekey, "encrypt", "--customer", self.path("customer.key.pub"),
                   "--provider", self.path("provider.key.pub"), "-o", self.path("one"),
                   self.path("empty")])
        data = pathlib.Path(self.path("one")).read_bytes()
        for i in range(self.objects):
            folder = self.path(f"store/{i // FOLDER:05d}")
            if i % FOLDER == 0:
                os.makedirs(folder)
            with open(f"{folder}/{i % FOLDER:05d}.dkey", "wb") as f:
                f.write(data[:16] + os.urandom(48) + data[64:])  # object id and salt
        os.sync()
        time.sleep(2.5)  # what was just written is read again by each scan
        self._made = True

    def scan(self, fresh):
        return Command([self.doublekey, "scan", "-q", "-o", self.path("catalogue"),
                        self.path("store")],
                       fresh=[self.path("catalogue")] if fresh else [])


def scan(fresh, limit):
    def measure(bench):
        bench.make()
        if not fresh:
            run_once(bench.scan(True), Times())
        peer = Command(["find", bench.path("store"), "-type", "f", "-printf", "%s %T@ %C@ %i\\n"])
        its, find = in_turns([bench.scan(fresh), peer], bench.rounds)
        rate = bench.objects * bench.cores / statistics.median(its.cpu)
        lines = [f"{bench.scan(fresh)}: {its}", f"{peer}: {find}",
                 f"{bench.objects} objects, {bench.cores} cores, "
                 f"{bench.objects / its.seconds:.0f} a second by the clock, "
                 f"{its.seconds / find.seconds:.1f} times as long as find",
                 f"peak memory {its.rss / (1 << 20):.0f} MiB, limit 512 MiB"]
        text = f"objects a second by CPU time {rate:.0f}, limit at least {limit}"
        return Result(lines, text, rate >= limit and its.rss < 512 << 20)
    return measure


ROWS = [
    Row("scan: headers, the first time", scan(True, FIRST)),
    Row("scan: headers, unchanged", scan(False, AGAIN)),
]
