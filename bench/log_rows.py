# SPDX-License-Identifier: Apache-2.0
"""What is measured of the commands that read logs, and its limits. By CPU time, so that other
programs on the machine do not count."""

import os
import pathlib
import shutil
import statistics
import sys
import tempfile

from measure import Command, Times, output_of, run_once
from rows import Result, Row, at_most
from service_rows import fsync_times, numbers

ENTRIES = 1000000
LARGE = 100000000
PROOFS = 1000
CONCURRENT = 256


class LogBench:
    """A log of a million releases, and its records, on a disk and in the page cache."""

    def __init__(self, build, rounds, where):
        self.logs, self.doublekey = str(build / "bench" / "logs"), str(build / "cli" / "doublekey")
        self.build, self.rounds = build, rounds
        self.where = tempfile.mkdtemp(prefix="doublekey-bench-", dir=where)
        self._key = None

    @property
    def key(self):
        if not self._key:
            made = output_of([self.logs, "make", self.path("log"), str(ENTRIES), self.path("records")])
            self._key = made.strip().partition("=")[2]
        return self._key

    def path(self, name):
        return os.path.join(self.where, name)

    def close(self):
        shutil.rmtree(self.where)


def verify(limit, *options):
    def measure(bench):
        command = Command([bench.doublekey, "log", "verify", "--key", bench.key,
                           *[bench.path(word) if word == "records" else word for word in options],
                           bench.path("log")])
        times = Times()
        for _ in range(bench.rounds + 1):  # the first one fills the page cache
            run_once(command, times)
        cpu = statistics.median(times.cpu[1:])
        rate, mib = ENTRIES / cpu, times.rss / (1 << 20)
        lines = [f"doublekey log verify {' '.join(options)} of {ENTRIES} entries, one thread: "
                 f"{times}", f"peak memory {mib:.1f} MiB, limit 64 MiB"]
        text = f"entries a second and core {rate:.0f}, limit at least {limit}"
        return Result(lines, text, rate >= limit and mib < 64)
    return measure


def proof(bench):
    line = output_of([bench.logs, "prove", bench.path("large"), str(LARGE), str(PROOFS)])
    values = {name: float(value) for name, value in
              (word.split("=") for word in line.split())}
    lines = [f"{PROOFS} entries of a log of {LARGE}, tiles on disk and in the page cache, nothing "
             f"kept between two proofs: median {values['median']:.0f} us, "
             f"p99 {values['p99']:.0f} us, longest {values['max']:.0f} us"]
    return at_most(lines, "median", values["median"] / 1e3, 1, "ms")


def appends(bench):
    """logd with the store of a new service on the disk, and tiles."""
    os.environ["DOUBLEKEY_BUILD"] = str(bench.build)
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "service"))
    import service
    os.mkdir(bench.path("service"))
    folder = os.path.join(service.Service(bench.path("service")).dir, "log")
    command = [str(bench.build / "bench" / "append"),
               str(bench.build / "daemon" / "doublekeyd-logd"), folder]
    before = fsync_times(bench.where, 200)
    runs = {many: numbers(output_of(command + [str(many), "seconds", "10"])) for many in (1, CONCURRENT)}
    one = 1 / statistics.median(before + fsync_times(bench.where, 200))
    rate = {many: run["entries"] / run["seconds"] for many, run in runs.items()}
    limit = round(max(10000, min(10 * one, 20000)))
    cpu = runs[CONCURRENT]["cpu"] / runs[CONCURRENT]["entries"] * 1e6
    lines = [f"fdatasync of {bench.where}: {one:.0f} a second",
             f"one after the other: {rate[1]:.0f} entries a second",
             f"{CONCURRENT} concurrent: {rate[CONCURRENT]:.0f} by the clock, {cpu:.1f} us of CPU "
             "time each"]
    text = f"entries a second {rate[CONCURRENT]:.0f}, limit at least {limit}"
    return Result(lines, text, rate[CONCURRENT] >= limit)


ROWS = [
    Row("durable appends", appends),
    Row("log verify", verify(500000)),
    Row("log verify with records", verify(100000, "--records", "records")),
    Row("inclusion proof in a large log", proof),
]
