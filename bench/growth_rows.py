# SPDX-License-Identifier: Apache-2.0
"""What a large log costs a service that goes on with it."""

import os
import pathlib
import shutil
import socket
import statistics
import tempfile
import time

from measure import Failed, amount, output_of
from rows import Row, at_least
from service_rows import CLIENTS, KeyService, answers_a_second, measured, numbers

MIB = 1 << 20
GROW_CONCURRENT = 1024
FILES_WAIT_S = 600


class GrowthBench:
    def __init__(self, build, requests, rounds, entries, where):
        self.build, self.requests, self.rounds, self.entries = build, requests, rounds, entries
        self.where = tempfile.mkdtemp(prefix="doublekey-bench-", dir=where)
        self.cores = len(os.sched_getaffinity(0))

    def service(self, name, configure=None):
        where = os.path.join(self.where, name)
        os.mkdir(where)
        return KeyService(self.build, where, configure)

    def close(self):
        shutil.rmtree(self.where)


def grow(bench, s, told):
    """Through logd itself, which does not see that nobody released anything; each entry has
    the nonce of a request."""
    got = numbers(output_of([
        str(bench.build / "bench" / "append"), str(bench.build / "daemon" / "doublekeyd-logd"),
        os.path.join(s.dir, "log"), str(GROW_CONCURRENT), "entries", str(bench.entries)]))
    told.append(f"a log of {bench.entries} entries, made by logd in {got['seconds']:.0f} s")


def published(s):
    """Entries that the files of the log show."""
    try:
        return int(pathlib.Path(s.dir, "log", "checkpoint").read_bytes().split(b"\n")[1])
    except FileNotFoundError:
        return 0


def check(bench, s, told):
    """What was grown is a log: the files are complete, and hold."""
    end = time.monotonic() + FILES_WAIT_S
    while published(s) < bench.entries:
        if time.monotonic() > end:
            raise Failed("the files of the log do not come")
        time.sleep(0.1)
    began = time.monotonic()
    text = output_of([str(bench.build / "cli" / "doublekey"), "log", "verify", "--key", s.vkey,
                      os.path.join(s.dir, "log")])
    size = int(next(line.split()[1] for line in text.splitlines() if line.startswith("size")))
    if size < bench.entries:
        raise Failed("another log was verified")
    files = [os.path.join(s.dir, "log", name) for name in ("log.db", "log.db-wal")]
    told.append(f"log verify of its files: {size} entries in {time.monotonic() - began:.1f} s; "
                f"log.db {sum(os.path.getsize(file) for file in files) / MIB:.0f} MiB")


def start_seconds(s):
    """From the start of the program to READY=1."""
    s.stop()
    path = os.path.join(s.base, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(60)
        os.environ["NOTIFY_SOCKET"] = path
        began = time.perf_counter()
        s.spawn()
        while b"READY=1" not in notify.recv(4096):
            pass
        took = time.perf_counter() - began
    del os.environ["NOTIFY_SOCKET"]
    os.unlink(path)
    return took


def one_run(bench, service):
    got, cpu, busy = measured(service, 1, bench.requests)
    if got["ok"] != bench.requests:
        raise Failed("not all requests were answered")
    ours = sum(cpu.values())
    return {"rate": answers_a_second(bench.cores, got, ours, busy)[0],
            "clock": got["ok"] / got["seconds"], "cpu": ours / got["ok"] * 1e6,
            "logd": cpu["logd"] / got["ok"] * 1e6, "p99": got["p99"] * 1e3}


def growth(bench):
    """The two take turns, and nothing else is asked of the other one meanwhile."""
    told, services = [], {}
    try:
        services["empty"] = bench.service("empty")
        services["grown"] = bench.service("grown", lambda s: grow(bench, s, told))
        check(bench, services["grown"].s, told)
        runs = {name: [] for name in services}
        starts = {name: [] for name in services}
        for _ in range(bench.rounds):
            for name, service in services.items():
                runs[name].append(one_run(bench, service))
        memory = {name: service.memory() / MIB for name, service in services.items()}
        for _ in range(bench.rounds):
            for name, service in services.items():
                starts[name].append(start_seconds(service.s))
    finally:
        for service in services.values():
            service.stop()
    middle = {name: {what: statistics.median(run[what] for run in its) for what in its[0]}
              for name, its in runs.items()}
    told += [f"{name}: {m['rate']:.0f} releases/s without load generator and other programs (from "
             f"{min(r['rate'] for r in runs[name]):.0f} to {max(r['rate'] for r in runs[name]):.0f}; "
             f"{m['clock']:.0f} by the clock); CPU time of a release {m['cpu']:.0f} us, of which "
             f"logd {m['logd']:.0f}; p99 {m['p99']:.1f} ms; {memory[name]:.0f} MiB resident; ready "
             f"{amount(statistics.median(starts[name]))} after its start" for name, m in middle.items()]
    told.append(f"{bench.rounds} rounds of {bench.requests} requests of {CLIENTS} clients, in turns; "
                "medians")
    return at_least(told, "grown against empty x", middle["grown"]["rate"] / middle["empty"]["rate"],
                    0.9)


ROWS = [Row("cost of growth", growth)]
