# SPDX-License-Identifier: Apache-2.0
"""What is measured of Microsoft's protocol, and its limits. The load generator behaves as
Office does: public key, challenge, token, and then one connection for many requests.

For comparison: the best published figure of an open peer is about 156 RSA-2048 decrypts a
second on eight workers."""

import base64
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from measure import Failed, output_of
from rows import Result, Row, at_least, at_most
from service_rows import (CLIENTS, ServiceBench, Usage, answers_a_second, fsync_times,
                          numbers)

DOCUMENTS = 64
SHARE_OF_LOAD = 0.7
PUBLIC_KEYS = 100000  # requests
SECONDS = 20  # one sync that takes long must not be all of its p99


class DkeService:
    """A service on a real disk with RSA keys, one tenant, and a script of requests for each."""

    def __init__(self, build, where, hsm=False):
        os.environ["DOUBLEKEY_BUILD"] = str(build)
        tests = pathlib.Path(__file__).resolve().parent.parent / "tests"
        sys.path[:0] = [str(tests / "service"), str(tests)]
        import dke
        import entra
        self.dke, self.issuer = dke, entra.rsa()
        self.program = str(pathlib.Path(build) / "bench" / "office")
        audience = entra.AUDIENCE.removeprefix("https://")
        dke.DkeService.host = audience
        self.s = dke.DkeService(where)
        self.ca = os.path.join(self.s.base, "public-ca.pem")
        pathlib.Path(self.ca).write_bytes(self.s.ca.pem())
        os.makedirs(os.path.join(self.s.dir, "issuers"), exist_ok=True)
        pathlib.Path(self.s.dir, "issuers", "contoso.jwks").write_bytes(entra.key_set(self.issuer))
        pathlib.Path(self.s.dir, "policy.conf").write_text(
            entra.section("max-age = 86400") + entra.rule(keys='{"2048", "3072"}'))
        # One for each person, who shows it for all of his documents.
        self.tokens = [entra.token(self.issuer, entra.claims(uti=f"u-{i}"))
                       for i in range(DOCUMENTS)]
        if hsm:
            import test_hsm
            self.module, self.uri = test_hsm.MODULES[0], test_hsm.URI
            test_hsm.give_token(self.s)
        self.s.start()
        self.scripts = {}

    def stop(self):
        self.s.stop()

    def key(self, bits, *more):
        """Made at its first use; a script of requests with it."""
        if bits not in self.scripts:
            size = [] if bits == 2048 else ["--untested-size"]
            self.s.admin("key", "create", f"k{bits}", "--type", f"dke-rsa{bits}", "--dke-name",
                         str(bits), *size, *more)
            self.scripts[bits] = self.script(str(bits))
        return self.scripts[bits]

    def step(self, status, over, method, target, headers=(), body=None):
        data = self.dke.request(method, target, headers, body)
        return struct.pack(">HBI", status, over, len(data)) + data

    def script(self, name):
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
        key = json.loads(self.s.ask("GET", "/" + name).body)["key"]
        public = rsa.RSAPublicNumbers(
            65537, int.from_bytes(base64.b64decode(key["n"]), "big")).public_key()
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        path = key["kid"].removeprefix("https://" + self.s.host) + "/decrypt"
        made = self.step(200, 0, "GET", "/" + name) + self.step(401, 0, "POST", path, (), b"")
        for i in range(DOCUMENTS):
            blob = bytes.fromhex("2c00ffff2000100002100000") + hashlib.sha256(bytes([i])).digest()
            body = {"alg": "RSA-OAEP-256",
                    "value": base64.b64encode(public.encrypt(blob, oaep)).decode()}
            made += self.step(200, 1, "POST", path, [self.dke.bearer(self.tokens[i]), self.dke.JSON],
                              json.dumps(body).encode())
        return self.file(name, made)

    def public_keys(self):
        self.key(2048)
        return self.file("get", self.step(401, 0, "POST", "/2048/x/decrypt", (), b"") +
                         self.step(200, 1, "GET", "/2048"))

    def file(self, name, data):
        path = os.path.join(self.s.base, f"script-{name}")
        pathlib.Path(path).write_bytes(data)
        return path

    def load(self, script, *more, clients=CLIENTS):
        """What the load generator says, and what everybody took meanwhile."""
        usage = Usage(self.s.pids())
        got = numbers(output_of([self.program, "--script", script, "--ca", self.ca, "--port",
                                 str(self.s.dke_port), "--clients", str(clients), *more]))
        cpu, busy = usage.since()
        if got["refused"] or got["lost"] or got["began"] != clients:
            raise Failed(f"{got['refused']:.0f} answers were wrong, {got['lost']:.0f} lost")
        return got, cpu, busy


class DkeBench(ServiceBench):
    made = DkeService


def children():
    """CPU time of all commands so far, and the time."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, time.monotonic()


def with_share(cores, command):
    """What it returns, and how much of the machine its processes had."""
    (cpu, began), made = children(), command()
    cpu_then, ended = children()
    return made, min(1, (cpu_then - cpu) / ((ended - began) * cores))


def rsa_speed(bits, cores):
    """Private operations a second of all cores, had they been its own."""
    argv = ["openssl", "speed", "-seconds", "3", "-multi", str(cores), f"rsa{bits}"]
    text, share = with_share(cores, lambda: output_of(argv))
    rate = float(re.search(rf"^rsa +{bits} bits +\S+ +\S+ +([\d.]+)", text, re.M)[1])
    said = f"{' '.join(argv)}: {rate:.0f} private operations/s in {share:.2f} of the machine"
    return rate / share, said


def cpu_lines(got, cpu, others, there, count):
    ours = sum(cpu.values())
    parts = ", ".join(f"{name} {value / count * 1e6:.0f}" for name, value in cpu.items())
    return [f"CPU time: load generator {got['cpu']:.2f} s, other programs {others:.2f} s, "
            f"service {ours:.2f} s; idle {there - ours:.2f} s",
            f"CPU time of a request in us: {parts}"]


def decrypts(bits, share):
    def measure(bench):
        script = bench.service.key(bits)
        count = max(CLIENTS, bench.requests // (4 if bits == 2048 else 10))
        bench.service.load(script, "--requests", str(max(CLIENTS, count // 10)))
        bound, said = rsa_speed(bits, bench.cores)
        got, cpu, busy = bench.service.load(script, "--requests", str(count))
        again, said_again = rsa_speed(bits, bench.cores)
        answers, others, there = answers_a_second(bench.cores, got, sum(cpu.values()), busy)
        bound = max(bound, again)
        lines = [
            said, said_again, f"the bound is {bound:.0f} a second",
            f"{CLIENTS} clients as Office, TLS 1.3, token verified, durable log: {count} decrypts in "
            f"{got['seconds']:.2f} s, {got['ok'] / got['seconds']:.0f}/s by the clock",
            *cpu_lines(got, cpu, others, there, count),
            f"without load generator and other programs: {answers:.0f} decrypts/s",
            f"answer: median {got['p50'] * 1e3:.1f} ms, p99 {got['p99'] * 1e3:.1f} ms",
        ]
        return at_least(lines, f"openssl speed -multi {bench.cores} x", answers / bound, share)
    return measure


def latency(bench):
    """At a rate, each request at its time: who waits behind another one is counted from then."""
    script = bench.service.key(2048)
    full, _, _ = bench.service.load(
        script, "--requests", str(max(CLIENTS, bench.requests // 4)))
    rate = SHARE_OF_LOAD * full["ok"] / full["seconds"]
    count = max(CLIENTS, int(rate * SECONDS))
    fsync = fsync_times(bench.where, 400)
    got, cpu, busy = bench.service.load(script, "--requests", str(count), "--rate", f"{rate:.1f}")
    fsync = sorted(fsync + fsync_times(bench.where, 400))
    _, others, there = answers_a_second(bench.cores, got, sum(cpu.values()), busy)
    lines = [f"all that it does: {full['ok'] / full['seconds']:.0f} decrypts/s by the clock",
             f"at {rate:.0f} requests/s for {got['seconds']:.1f} s: {got['ok'] / got['seconds']:.0f} "
             f"decrypts/s; answer: median {got['p50'] * 1e3:.1f} ms, max {got['max'] * 1e3:.1f} ms",
             *cpu_lines(got, cpu, others, there, count),
             f"fdatasync here, before and behind: median {statistics.median(fsync) * 1e3:.2f} ms, "
             f"p99 {fsync[len(fsync) * 99 // 100] * 1e3:.2f} ms, longest {fsync[-1] * 1e3:.1f} ms"]
    return at_most(lines, "p99", got["p99"] * 1e3, 30, "ms")


def public_keys(bench):
    script = bench.service.public_keys()
    bench.service.load(script, "--requests", str(PUBLIC_KEYS // 10))
    got, cpu, busy = bench.service.load(script, "--requests", str(PUBLIC_KEYS))
    answers, others, there = answers_a_second(bench.cores, got, sum(cpu.values()), busy)
    lines = [f"{CLIENTS} clients, TLS 1.3: {PUBLIC_KEYS} in {got['seconds']:.2f} s, "
             f"{got['ok'] / got['seconds']:.0f}/s by the clock",
             *cpu_lines(got, cpu, others, there, PUBLIC_KEYS)]
    return at_least(lines, "public keys a second, without load generator and other programs",
                    answers, 20000)


def token(bench):
    """The same module in a loop of two threads, with a key of its own."""
    if not shutil.which("softhsm2-util"):
        return Result(["softhsm2 is not installed"], "skipped", True)
    with tempfile.TemporaryDirectory(dir=bench.where) as where:
        service = DkeService(bench.build, where, hsm=True)
        try:
            script = service.key(2048, "--hsm", service.uri)
            count = max(CLIENTS, bench.requests // 10)
            service.load(script, "--requests", str(max(CLIENTS, count // 10)))
            argv = [str(pathlib.Path(bench.build) / "bench" / "p11loop"), service.module,
                    service.s.pin, "2048", "2", "3"]
            made, share = with_share(2, lambda: subprocess.run(
                argv, check=True, text=True, capture_output=True,
                env={**os.environ, "SOFTHSM2_CONF": service.s.softhsm}).stdout)
            loop = numbers(made)
            got, cpu, busy = service.load(script, "--requests", str(count))
        finally:
            service.stop()
    bound = loop["operations"] / loop["seconds"] / share
    answers, others, there = answers_a_second(bench.cores, got, sum(cpu.values()), busy)
    lines = [f"{' '.join(argv)}: {bound * share:.0f} operations/s in {share:.2f} of two cores",
             f"{count} decrypts in {got['seconds']:.2f} s, {got['ok'] / got['seconds']:.0f}/s by "
             "the clock",
             *cpu_lines(got, cpu, others, there, count),
             f"without load generator and other programs: {answers:.0f} decrypts/s"]
    return at_least(lines, "loop of two threads x", answers / bound, 0.7)


ROWS = [
    Row("DKE public keys", public_keys),
    Row("DKE decrypts, RSA-2048", decrypts(2048, 0.6)),
    Row("DKE decrypts, RSA-3072", decrypts(3072, 0.8)),
    Row("DKE latency at 70 % of the load", latency),
    Row("DKE decrypts with SoftHSM2", token),
]
