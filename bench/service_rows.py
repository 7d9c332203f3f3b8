# SPDX-License-Identifier: Apache-2.0
"""What is measured of doublekeyd, and its limits.

Rates are of a machine that does nothing else: the CPU time of the load
generator and of other programs is taken off the time that there was, and time
in which a core was idle is not."""

import base64
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from killed import killed
from measure import Failed, output_of
from rows import Result, Row, at_least, at_most

CLIENTS = 64
OBJECTS = 1000
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
POLICY = 'rule "bench" {\nkeys = {"*"}\nusers = {"*"}\nallow = true\n}\n'


class Usage:
    """CPU time, in seconds, of some processes and of the machine, as it grows."""

    def __init__(self, pids):
        self.pids = pids
        self.at = self.now()

    @staticmethod
    def of(pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def now(self):
        with open("/proc/stat") as stat:
            fields = [int(n) for n in stat.readline().split()[1:9]]
        # Steal, too, is time that was not there.
        busy = (sum(fields) - fields[3] - fields[4]) / TICK
        return {name: self.of(pid) for name, pid in self.pids.items()}, busy

    def since(self):
        (before, busy), (after, busy_now) = self.at, self.now()
        return {name: after[name] - before[name] for name in after}, busy_now - busy


def numbers(line):
    return {name: float(value) for name, value in (word.split("=") for word in line.split())}


class KeyService:
    """A service on a real disk, with one key and one device, and bodies of requests."""

    def __init__(self, build, where, configure=None):
        os.environ["DOUBLEKEY_BUILD"] = str(build)
        sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "service"))
        import service
        self.module = service
        self.generator = str(pathlib.Path(build) / "bench" / "load")
        self.s = service.Service(where)
        pathlib.Path(self.s.dir, "policy.conf").write_text(POLICY)
        if configure:
            configure(self.s)
        self.s.start()
        self.s.admin("key", "create", "bench")
        self.s.enrol()
        self.bodies = {}

    def objects(self, count):
        s, folder = self.s, os.path.join(self.s.base, f"objects-{count}")
        os.mkdir(folder)
        for i in range(count):
            pathlib.Path(folder, f"{i:04d}").write_text(f"object {i}\n")
        if not os.path.exists(os.path.join(s.base, "p.key")):
            s.client("keygen", "--side", "provider", "--no-passphrase", "-o", "p.key")
        s.client("encrypt", "--customer", s.url + "/keys/bench", "--provider", "p.key.pub",
                 "-r", folder)
        return sorted(str(path) for path in pathlib.Path(folder).glob("*.dkey"))

    def body(self, count):
        if count not in self.bodies:
            files = self.objects(count)
            path = os.path.join(self.s.base, f"body-{count}")
            pathlib.Path(path).write_bytes(
                self.module.release_body([self.module.parts_of(file) for file in files]))
            self.bodies[count] = path
        return self.bodies[count]

    def command(self, objects, clients, *more):
        s = self.s
        device = os.path.join(s.base, "client", "doublekey", "services",
                              f"127.0.0.1:{s.port}", "device.key")
        return [self.generator, "--url", s.url, "--device", device, "--body", self.body(objects),
                "--ca", os.path.join(s.dir, "tls", "chain.pem"), "--clients", str(clients), *more]

    def load(self, objects, clients, requests):
        return numbers(output_of(self.command(objects, clients, "--requests", str(requests))))

    def memory(self):
        """Resident bytes of all processes; what they share counts in each."""
        pids = [self.s.process.pid, *self.s.pids().values()]
        return sum(int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
                   for pid in pids)

    def stop(self):
        self.s.stop()


class ServiceBench:
    made = KeyService

    def __init__(self, build, requests, releases, minutes, where):
        self.build, self.requests, self.releases = build, requests, releases
        self.minutes = minutes
        self.where = tempfile.mkdtemp(prefix="doublekey-bench-", dir=where)
        self.cores = len(os.sched_getaffinity(0))
        self._service = None

    @property
    def service(self):
        if not self._service:
            self._service = self.made(self.build, self.where)
        return self._service

    def close(self):
        if self._service:
            self._service.stop()
        shutil.rmtree(self.where)


def public_key_speed():
    """Seconds of one core for verify, sign and exchange on P-256."""
    argv = ["openssl", "speed", "-seconds", "2", "ecdsap256", "ecdhp256"]
    text = output_of(argv)
    sign, verify = map(float, re.search(r"ecdsa \(nistp256\).*?([\d.]+)\s+([\d.]+)$", text,
                                        re.M).groups())
    exchange = float(re.search(r"ecdh \(nistp256\).*?([\d.]+)$", text, re.M).group(1))
    return 1 / verify, 1 / sign, 1 / exchange, " ".join(argv)


def measured(service, objects, requests):
    """One run under load: what it gave, and the seconds of the machine for it."""
    service.load(objects, CLIENTS, max(CLIENTS, requests // 20))
    usage = Usage(service.s.pids())
    generator = subprocess.Popen(
        service.command(objects, CLIENTS, "--requests", str(requests)),
        stdout=subprocess.PIPE, text=True)
    # Requests are signed first; the run begins when the service has something to do.
    while generator.poll() is None and sum(usage.since()[0].values()) < 0.02:
        usage.at = (usage.at[0], usage.now()[1])
        time.sleep(0.005)
    line = generator.communicate()[0]
    if generator.returncode != 0:
        raise Failed("the load generator")
    got = numbers(line)
    service_cpu, busy = usage.since()
    return got, service_cpu, busy


def answers_a_second(cores, got, ours, busy):
    """Without what the load generator and other programs took; seconds of the latter, and those
    that were left."""
    others = max(0.0, busy - ours - got["cpu"])
    there = got["seconds"] * cores - got["cpu"] - others
    return got["ok"] * cores / there, others, there


def under_load(objects, share, count):
    def measure(bench):
        verify, sign, exchange, argv = public_key_speed()
        requests = count(bench)
        cost = verify + 2 * exchange + sign if objects == 1 else exchange
        bound = bench.cores / cost
        got, cpu, busy = measured(bench.service, objects, requests)
        if got["ok"] != requests:
            raise Failed(f"{requests - got['ok']:.0f} of {requests} requests were not answered")
        ours = sum(cpu.values())
        released = got["ok"] * objects
        answers, others, there = answers_a_second(bench.cores, got, ours, busy)
        releases = answers * objects
        parts = ", ".join(f"{name} {value / released * 1e6:.0f}" for name, value in cpu.items())
        lines = [
            f"{argv}: the bound is {bound:.0f} releases/s on {bench.cores} cores",
            f"{CLIENTS} clients, TLS 1.3, {requests} requests of {objects} objects in "
            f"{got['seconds']:.2f} s: {released / got['seconds']:.0f} releases/s by the clock",
            f"CPU time: load generator {got['cpu']:.2f} s, other programs {others:.2f} s, "
            f"service {ours:.2f} s; idle {there - ours:.2f} s",
            f"without load generator and other programs: {releases:.0f} releases/s",
            f"CPU time of a release in us: {parts}",
            f"by CPU time alone the ratio would be "
            f"{released * bench.cores / ours / bound:.2f}",
            f"answer: median {got['p50'] * 1e3:.1f} ms, p99 {got['p99'] * 1e3:.1f} ms",
        ]
        return at_least(lines, "bound x", releases / bound, share)
    return measure


def fsync_times(where, count):
    """Seconds of write and fdatasync of a page, as a commit does it."""
    times, path = [], os.path.join(where, "fsync")
    with open(path, "wb", buffering=0) as file:
        for _ in range(count):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    os.unlink(path)
    return sorted(times)


def log_latency(bench):
    """The same service on a tmpfs, where a sync is nothing, is what it is compared with."""
    count = max(200, bench.requests // 20)
    fsync = fsync_times(bench.where, 400)
    disk = bench.service.load(1, 1, count)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as where:
        other = KeyService(bench.build, where)
        memory = other.load(1, 1, count)
        other.stop()
    fsync = sorted(fsync + fsync_times(bench.where, 400))
    one = statistics.median(fsync)
    added = disk["p99"] - memory["p50"]
    lines = [
        f"fdatasync of {bench.where}: median {one * 1e3:.2f} ms, "
        f"p99 {fsync[len(fsync) * 99 // 100] * 1e3:.2f} ms",
        f"{count} requests of one client: median {disk['p50'] * 1e3:.2f} ms, "
        f"p99 {disk['p99'] * 1e3:.2f} ms",
        f"the same with the log in memory: median {memory['p50'] * 1e3:.2f} ms, "
        f"p99 {memory['p99'] * 1e3:.2f} ms",
        "added: p99 on the disk less the median in memory",
    ]
    limit = 3 * one * 1e3 + 1
    return at_most(lines, "added", added * 1e3, round(limit, 2), "ms")


class Witnessed:
    """A service in mode strict and two witnesses of ours, both of them the quorum."""

    def __init__(self, build, where):
        self.where, self.witnesses = where, []
        self.service = KeyService(build, where, self.configure)

    def configure(self, s):
        from witness import Witness
        self.witnesses = [Witness(self.where, f"w{i}.example.org", [s.vkey]).start() for i in (1, 2)]
        lines = [f"witness w{i} {w.vkey} {w.url}" for i, w in enumerate(self.witnesses)]
        pathlib.Path(s.dir, "witnesses").write_text(
            "\n".join([*lines, "group both all w0 w1", "quorum both", ""]))
        with open(pathlib.Path(s.dir, "doublekeyd.conf"), "a", encoding="utf-8") as conf:
            conf.write('mode = "strict"\nwitnesses = "witnesses"\n')

    def stop(self):
        self.service.stop()
        for w in self.witnesses:
            w.stop()


def strict_latency(bench):
    """As many clients as it takes for half of what the service does in mode prompt."""
    count = max(2000, bench.requests // 4)
    full = bench.service.load(1, CLIENTS, count)
    rate, clients = full["ok"] / full["seconds"], 1
    with tempfile.TemporaryDirectory(dir=bench.where) as where:
        strict = Witnessed(bench.build, where)
        try:
            strict.service.load(1, CLIENTS, count // 10)
            while True:
                got = strict.service.load(1, clients, max(400, count // (CLIENTS // clients)))
                if got["ok"] / got["seconds"] >= rate / 2 or clients == CLIENTS:
                    break
                clients *= 2
        finally:
            strict.stop()
    reached = got["ok"] / got["seconds"]
    fsync = fsync_times(bench.where, 400)
    lines = [
        f"mode prompt, {CLIENTS} clients: {rate:.0f} releases/s by the clock",
        f"mode strict, two local witnesses, {clients} clients: {reached:.0f} releases/s, "
        f"{reached / rate:.2f} of it; answer: median {got['p50'] * 1e3:.1f} ms, "
        f"p99 {got['p99'] * 1e3:.1f} ms",
        f"a release waits for a sync of the log and two of a witness; fdatasync here: median "
        f"{statistics.median(fsync) * 1e3:.2f} ms, p99 {fsync[len(fsync) * 99 // 100] * 1e3:.2f} ms",
    ]
    if reached < rate / 2:
        lines.append("half of the load was not reached: the figure is that of what was")
    return at_most(lines, "p99", got["p99"] * 1e3, 50, "ms")


def memory_over_time(bench):
    step, done, sizes = min(20000, bench.releases // 10), 0, []
    while done < bench.releases:
        got = bench.service.load(1, CLIENTS, step)
        done += int(got["ok"])
        sizes.append(bench.service.memory())
    mib = [size / (1 << 20) for size in sizes]
    lines = [f"resident, all processes, shared pages in each: after {step} releases "
             f"{mib[0]:.1f} MiB, after {done} {mib[-1]:.1f} MiB"]
    # The caches of SQLite and the arenas of the threads fill first.
    if mib[-1] > 1.1 * mib[len(mib) // 5] + 4:
        return Result(lines, "not flat", False)
    return at_most(lines, "flat, and at most", max(mib), 150, "MiB")


def p521_point():
    """A new point, in the form of a JSON web key."""
    from cryptography.hazmat.primitives.asymmetric import ec
    point = ec.generate_private_key(ec.SECP521R1()).public_key().public_numbers()
    return tuple(base64.urlsafe_b64encode(n.to_bytes(66, "big")).decode() for n in (point.x, point.y))


class Tang:
    """tangd reads one connection from its standard input, as systemd starts it."""

    PROGRAMS = ("/usr/libexec/tangd", "/usr/lib/tang/tangd")

    def __init__(self, where):
        self.program = next((name for name in self.PROGRAMS if os.path.exists(name)), None)
        self.where = where

    def start(self):
        import socket
        keys = os.path.join(self.where, "tang")
        os.mkdir(keys)
        output_of([self.program + "-keygen", keys])
        exchange = [name for name in os.listdir(keys)
                    if '"ECMR"' in pathlib.Path(keys, name).read_text()][0]
        self.listen = socket.create_server(("127.0.0.1", 0), backlog=CLIENTS)
        self.children = []
        threading.Thread(target=self.accept, args=(keys,), daemon=True).start()
        body = '{"kty":"EC","crv":"P-521","alg":"ECMR","x":"%s","y":"%s"}' % p521_point()
        path = os.path.join(self.where, "tang-request")
        pathlib.Path(path).write_text(
            f"POST /rec/{exchange.removesuffix('.jwk')} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/jwk+json\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        return path, self.listen.getsockname()[1]

    def accept(self, keys):
        while True:
            try:
                connection, _ = self.listen.accept()
            except OSError:
                return
            self.children.append(subprocess.Popen(
                [self.program, keys], stdin=connection, stdout=connection,
                stderr=subprocess.DEVNULL))
            connection.close()

    def stop(self):
        self.listen.close()
        for child in self.children:
            child.wait(10)


def against_tang(bench):
    tang = Tang(bench.where)
    if not tang.program:
        return Result(["skipped: tang, which is not installed"], "no peer", True)
    requests = max(CLIENTS, bench.requests // 10)
    raw, port = tang.start()
    before = os.times()
    theirs = numbers(output_of([bench.service.generator, "--raw", raw, "--port", str(port),
                                "--clients", str(CLIENTS), "--requests", str(requests)]))
    tang.stop()
    after = os.times()
    if theirs["ok"] != requests:
        raise Failed("tang did not answer all requests")
    # The children of this program were the load generator and tangd.
    cpu = (after.children_user + after.children_system - before.children_user -
           before.children_system - theirs["cpu"])
    got, service_cpu, _ = measured(bench.service, 1, bench.requests)
    ours = sum(service_cpu.values())
    lines = [
        f"tang recoveries, P-521, plain HTTP, no log: {theirs['ok'] / theirs['seconds']:.0f}/s "
        f"by the clock, {cpu / theirs['ok'] * 1e6:.0f} us of CPU time each",
        f"releases, P-256, TLS 1.3, signed and logged: {got['ok'] / got['seconds']:.0f}/s by the "
        f"clock, {ours / got['ok'] * 1e6:.0f} us of CPU time each",
    ]
    return at_least(lines, "tang x, by CPU time", (cpu / theirs["ok"]) / (ours / got["ok"]), 1)


ROWS = [
    Row("releases of one object", under_load(1, 0.5, lambda b: b.requests)),
    Row("releases of 1,000 objects",
        under_load(OBJECTS, 0.55, lambda b: max(CLIENTS, b.requests // 100))),
    Row("latency of the durable log", log_latency),
    Row("latency with two witnesses", strict_latency),
    Row("memory of the service", memory_over_time),
    Row("releases while processes are killed", killed),
    Row("releases against tang", against_tang),
]
