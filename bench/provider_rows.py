# SPDX-License-Identifier: Apache-2.0
"""What is measured of keys in other systems, and its limits: by the clock, against servers of
tests/provider on this machine and tokens of SoftHSM2."""

import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from measure import Failed
from rows import Result, Row, at_most

CALLS, OBJECTS, LATENCY_S = 200, 1000, 0.05
SOURCE = pathlib.Path(__file__).resolve().parent.parent


class ProviderBench:
    def __init__(self, build, objects, disk):
        os.environ["DOUBLEKEY"] = str(build / "cli" / "doublekey")
        sys.path.insert(0, str(SOURCE / "tests" / "provider"))
        import conftest
        import test_pkcs11
        import vault_server
        self.modules, self.objects = (test_pkcs11, vault_server), objects
        self.where = pathlib.Path(tempfile.mkdtemp(prefix="doublekey-bench-", dir=disk))
        self.person = conftest.Person(self.where)
        self.person.run("keygen", "--side", "provider", "--type", "p256", "--no-passphrase", "-q",
                        "-o", "p.key")
        self.vault = None

    def close(self):
        if self.vault:
            self.vault.close()
        shutil.rmtree(self.where)

    def server(self, **settings):
        """A Vault whose own time for each request is written down."""
        if not self.vault:
            self.vault = self.modules[1].VaultServer()
            self.vault.keys = {"k": self.modules[1].Key("aes256-gcm96")}
            self.person.env["VAULT_TOKEN"] = self.vault.TOKEN
        self.person.conf.write_text("")
        self.person.settings("vault", endpoint=self.vault.url, **settings)
        return self.vault.ref("k")

    def files(self, name, count, *provider):
        folder = self.where / name
        folder.mkdir()
        for i in range(count):
            part = folder / str(i // 1000)
            part.mkdir(exist_ok=True)
            (part / str(i)).write_bytes(b"x" * 1000)
        self.run("encrypt", "-r", "--customer", "c.key.pub", "--provider", *provider, name)
        for i in range(count):
            (folder / str(i // 1000) / str(i)).unlink()
        return folder

    def run(self, *args):
        """Seconds by the clock."""
        begin = time.monotonic()
        done = subprocess.run([os.environ["DOUBLEKEY"], *args], cwd=self.where, env=self.person.env,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(done.stderr[-1000:])
        return time.monotonic() - begin


def one_call(bench):
    """Requests one after the other; between two of them is our own time, and that of a file."""
    ref = bench.server(parallel=1)
    bench.files("calls", CALLS, ref)
    spent, lock, serve = [], threading.Lock(), bench.vault.handle

    def timed(*args):
        begin = time.monotonic()
        answer = serve(*args)
        with lock:
            spent.append((begin, time.monotonic()))
        return answer
    bench.vault.handle = timed
    bench.run("decrypt", "-r", "-f", "--customer", "c.key", "--provider", ref, "calls")
    bench.vault.handle = serve
    gaps = [(after[0] - before[1]) * 1e3 for before, after in zip(spent, spent[1:])]
    lines = [f"{len(spent)} requests on one connection, each behind the one before; the server is "
             f"Python, whose reading and writing of a request counts as ours: "
             f"median {statistics.median(gaps):.2f} ms"]
    return at_most(lines, "median", statistics.median(gaps), 1, "ms")


def many_objects(bench):
    ref = bench.server()
    bench.files("many", OBJECTS, ref)
    bench.vault.delay, bench.vault.most = LATENCY_S, 0
    seconds = bench.run("decrypt", "-r", "-f", "--customer", "c.key", "--provider", ref, "many")
    bench.vault.delay = 0
    lines = [f"{OBJECTS} objects, {LATENCY_S * 1e3:.0f} ms for each request, at most "
             f"{bench.vault.most} under way"]
    return at_most(lines, "decrypt -r", seconds, 3, "s")


def request_rate(bench):
    ref = bench.server(rate=100)
    bench.files("rate", 200, "p.key.pub")
    begin = len(bench.vault.requests)
    bench.run("rewrap", "-r", "--side", "provider", "--open", "p.key", "--to", ref, "rate")
    times = sorted(at for at, _, path, _, _ in bench.vault.requests[begin:] if "encrypt" in path)
    most = max(sum(start <= other < start + 1 for other in times) for start in times)
    lines = [f"{len(times)} requests at 100 a second: at most {most} arrived within one second"]
    # What has started in time may arrive late, and then closer to the next.
    return at_most(lines, "requests", most, 110, "in a second")


def rewraps(bench):
    tokens = [bench.modules[0].Token(bench.person, label) for label in ("old", "new")]
    old, new = (token.make("p256") for token in tokens)
    bench.files("rewrap", bench.objects, old)
    seconds = bench.run("rewrap", "-r", "--side", "provider", "--open", old, "--to", new, "rewrap")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    rate = bench.objects / seconds
    lines = [f"{bench.objects} objects from one token of SoftHSM2 to another in {seconds:.1f} s, "
             f"peak memory of a process {peak:.0f} MiB, limit 64 MiB"]
    return Result(lines, f"objects a second {rate:.0f}, limit at least 1000",
                  rate >= 1000 and peak < 64)


ROWS = [
    Row("own time around a remote call", one_call),
    Row("1,000 objects at 50 ms", many_objects),
    Row("request rate", request_rate),
    Row("rewrap of the provider's side", rewraps),
]
