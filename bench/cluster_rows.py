# SPDX-License-Identifier: Apache-2.0
"""What is measured of several nodes over one PostgreSQL, and its limits."""

import itertools
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from killed import Log, compare, control, tree_is_whole
from measure import Failed
from rows import Result, Row, at_least
from service_rows import KeyService, Usage, answers_a_second, measured, numbers

NODES = 3
CLIENTS = 64
KILL_EVERY_S = 20
FAILOVERS = 10


def processes_of(pid):
    """A process and its children."""
    out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], text=True, check=False,
                         stdout=subprocess.PIPE).stdout
    return [pid, *map(int, out.split())]


class Cluster(KeyService):
    """Nodes over a database of its own, and load at all of them."""

    def __init__(self, build, where, count=NODES, standby=False):
        os.environ["DOUBLEKEY_BUILD"] = str(build)
        tests = pathlib.Path(__file__).resolve().parent.parent / "tests"
        sys.path[:0] = [str(tests / "service"), str(tests / "cluster")]
        import nodes
        import postgres
        import service
        self.module, self.postgres = service, postgres
        self.generator = str(pathlib.Path(build) / "bench" / "load")
        self.bodies, self.nodes, self.servers = {}, [], []
        where = tempfile.mkdtemp(dir=where)
        os.chmod(where, 0o755)
        self.s = service.Service(where)
        pathlib.Path(self.s.dir, "policy.conf").write_text(
            'rule "bench" {\nkeys = {"*"}\nusers = {"*"}\nallow = true\n}\n')
        self.servers.append(postgres.Postgres())
        if standby:
            self.servers.append(postgres.Postgres(like=self.servers[0]))
            self.servers[0].wait_for_standby()
        postgres.use_database(self.s, *self.servers)
        self.nodes = [self.s] + [nodes.Node(os.path.join(where, f"node-{n}"), self.s)
                                 for n in range(2, count + 1)]
        for node in self.nodes:
            node.start()
        self.s.admin("key", "create", "bench")
        self.s.enrol()
        for node in self.nodes:
            nodes.wait_until(lambda: "bench" in node.admin("key", "list").stdout)

    def command_at(self, node, clients, *more):
        return [*self.command(1, clients, *more), "--port", str(node.port)]

    def pids(self):
        found = {f"{name} of {n}": pid for n, node in enumerate(self.nodes)
                 for name, pid in node.pids().items()}
        return found | {f"postgres {pid}": pid
                        for pid in processes_of(self.servers[0].pid())}

    def load_all(self, requests):
        """The same number of requests at each node; ends together, or nearly so."""
        share = [self.command_at(node, max(1, CLIENTS // len(self.nodes)), "--requests",
                                 str(requests // len(self.nodes))) for node in self.nodes]
        began = time.monotonic()
        running = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True) for one in share]
        lines = [process.communicate()[0] for process in running]
        if any(process.returncode != 0 for process in running):
            raise Failed("the load generator")
        got = [numbers(line) for line in lines]
        return {"ok": sum(g["ok"] for g in got), "cpu": sum(g["cpu"] for g in got),
                "seconds": max(g["seconds"] for g in got), "wall": time.monotonic() - began,
                "p99": max(g["p99"] for g in got)}

    def stop(self):
        for node in self.nodes:
            node.stop()
        for server in self.servers:
            server.end()


class ClusterBench:
    def __init__(self, build, requests, minutes, where):
        self.build, self.requests, self.minutes = build, requests, minutes
        self.where = tempfile.mkdtemp(prefix="doublekey-bench-", dir=where)
        os.chmod(self.where, 0o755)
        self.cores = len(os.sched_getaffinity(0))

    def close(self):
        shutil.rmtree(self.where)


def against_one_node(bench):
    requests = bench.requests
    where = tempfile.mkdtemp(dir=bench.where)
    os.chmod(where, 0o755)
    one = KeyService(bench.build, where)
    try:
        got, cpu, busy = measured(one, 1, requests)
        alone, *_ = answers_a_second(bench.cores, got, sum(cpu.values()), busy)
    finally:
        one.stop()
    nodes = Cluster(bench.build, bench.where)
    try:
        nodes.load_all(max(CLIENTS, requests // 20))
        usage = Usage(nodes.pids())
        there = nodes.load_all(requests)
        cpu, busy = usage.since()
    finally:
        nodes.stop()
    if there["ok"] != requests // NODES * NODES:
        raise Failed("not all requests were answered")
    # Requests are signed before they are sent, which is none of the time of the run.
    busy = min(busy, there["seconds"] * bench.cores)
    together, *_ = answers_a_second(bench.cores, there, sum(cpu.values()), busy)
    database = sum(value for name, value in cpu.items() if name.startswith("postgres"))
    lines = [
        f"one node, its log in a file: {got['ok'] / got['seconds']:.0f} releases/s by the clock, "
        f"{alone:.0f} without load generator and other programs",
        f"{NODES} nodes over one PostgreSQL: {there['ok'] / there['seconds']:.0f} by the clock, "
        f"{together:.0f}; p99 {there['p99'] * 1e3:.1f} ms",
        f"CPU time of a release in us: PostgreSQL {database / there['ok'] * 1e6:.0f}, all "
        f"{sum(cpu.values()) / there['ok'] * 1e6:.0f}",
    ]
    return at_least(lines, "three nodes against one x", together / alone, 0.5)


class Answers:
    """Load at all nodes for some time, each with a file of its answers."""

    def __init__(self, cluster, seconds, where):
        self.cluster = cluster
        self.files = [os.path.join(where, f"answers-{n}") for n in range(len(cluster.nodes))]
        self.running = [subprocess.Popen(
            cluster.command_at(node, 4, "--seconds", str(seconds), "--answers", file),
            stdout=subprocess.PIPE, text=True)
            for node, file in zip(cluster.nodes, self.files)]

    def finish(self):
        """Figures of the load, and of what the log has of it."""
        got = [numbers(process.communicate()[0]) for process in self.running]
        if any(process.returncode != 0 for process in self.running):
            raise Failed("the load generator")
        for node in self.cluster.nodes:
            node.wait_ready()
        time.sleep(3)  # tiles are written once a second
        log = Log(self.cluster.module.DAEMON, self.cluster.s.dir)
        together = self.files[0] + "-all"
        with open(together, "w", encoding="ascii") as out:
            for file in self.files:
                out.write(pathlib.Path(file).read_text())
        lost, unlogged, twice = compare(log, together)
        whole = all(tree_is_whole(node) for node in self.cluster.nodes)
        control(log, together)
        total = {name: sum(g[name] for g in got) for name in ("ok", "refused", "lost")}
        return total, len(log), (lost, unlogged, twice + log.twice() + log.broken), whole


def lines_of(total, size, whole):
    return [
        f"{total['ok']:.0f} releases answered, {total['refused']:.0f} refused, "
        f"{total['lost']:.0f} requests without an answer",
        f"{size} entries; the trees that the nodes serve {'are' if whole else 'ARE NOT'} those of "
        f"their checkpoints",
    ]


def result(lines, wrong, reached):
    lost, unlogged, doubled = wrong
    return Result(lines, f"lost {lost}, unlogged {unlogged}, doubled {doubled}, limit 0",
                  reached and sum(wrong) == 0)


def kill_one(cluster, victim):
    if victim == "primary":
        cluster.servers[0].kill()
        cluster.servers[0].start()
        return
    node = cluster.nodes[victim]
    node.process.send_signal(signal.SIGKILL)
    node.process.wait()
    end = time.monotonic() + 120
    while True:  # while the database is away, a node does not start
        try:
            node.start()
            return
        except AssertionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def nodes_killed(bench):
    seconds = int(bench.minutes * 60)
    every = min(KILL_EVERY_S, max(5, seconds // 4))
    cluster, choose = Cluster(bench.build, bench.where), random.Random(seconds)
    victims = ["primary", *range(NODES)]
    try:
        answers, kills = Answers(cluster, seconds, bench.where), []
        end = time.monotonic() + seconds - every
        for n in itertools.count():
            time.sleep(every)
            if time.monotonic() > end:
                break
            # Each of them at least once.
            kills.append(victims[n] if n < len(victims) else choose.choice(victims))
            kill_one(cluster, kills[-1])
        total, size, wrong, whole = answers.finish()
    finally:
        cluster.stop()
    lines = [f"{seconds} s, every {every} s one is killed and started again: "
             f"{kills.count('primary')} times the primary, {len(kills) - kills.count('primary')} "
             f"times a node", *lines_of(total, size, whole)]
    return result(lines, wrong, whole and total["ok"] > 0 and len(kills) > 0)


def change_over(cluster):
    """The primary is lost, its standby takes over and gets a new one in the place of the old."""
    old, new = cluster.servers
    old.kill()
    new.promote()
    shutil.rmtree(old.base, ignore_errors=True)
    # Nothing is answered until it is there, and after that nothing that it has not.
    new.set("synchronous_standby_names = 'standby'")
    third = cluster.postgres.Postgres(like=new, port=old.port)
    new.wait_for_standby()
    cluster.servers = [new, third]


def fail_overs(bench):
    count = FAILOVERS if bench.minutes >= 15 else 2
    cluster = Cluster(bench.build, bench.where, standby=True)
    times = []
    try:
        seconds = 15 * count + 30
        answers = Answers(cluster, seconds, bench.where)
        stop = time.monotonic() + seconds
        for _ in range(count):
            time.sleep(4)
            began = time.monotonic()
            change_over(cluster)
            times.append(time.monotonic() - began)
            if time.monotonic() > stop:
                raise Failed("the fail-overs took longer than the load")
        total, size, wrong, whole = answers.finish()
    finally:
        cluster.stop()
    lines = [f"{count} fail-overs to a synchronous standby under load, each with a new standby "
             f"after it: {min(times):.1f} to {max(times):.1f} s", *lines_of(total, size, whole)]
    return result(lines, wrong, whole and total["ok"] > 0 and len(times) == count)


ROWS = [
    Row("three nodes against one", against_one_node),
    Row("nodes and the primary are killed", nodes_killed),
    Row("fail-overs to a standby", fail_overs),
]
