# SPDX-License-Identifier: Apache-2.0
"""The table of what is measured, and its limits."""

import collections
import errno
import os
import pathlib
import re
import statistics

from measure import Command, Failed, Times, amount, gcm_speed, in_turns, output_of, run_once

MIB = 1 << 20
SMALL_FILES = 10000
AGE_FILES = 500
STARTS = 51

Result = collections.namedtuple("Result", "lines text reached")
Row = collections.namedtuple("Row", "name measure")


def at_least(lines, text, value, limit):
    return Result(lines, f"{text} {value:.2f}, limit at least {limit}", value >= limit)


def at_most(lines, text, value, limit, unit):
    return Result(lines, f"{text} {value:.2f} {unit}, limit at most {limit} {unit}", value <= limit)


def cached(name):
    """Bytes of a file that can be read without waiting for a disk."""
    piece = bytearray(MIB)
    size = os.path.getsize(name)
    count = 0
    with open(name, "rb") as f:
        for offset in range(0, size, MIB):
            try:
                count += os.preadv(f.fileno(), [piece], offset, os.RWF_NOWAIT)
            except BlockingIOError:
                pass
            except OSError as error:
                if error.errno != errno.EOPNOTSUPP:
                    raise
                return size  # a tmpfs, which never waits
    return count


class Bench:
    """Files in the current directory and in a tmpfs, and the commands over them."""

    def __init__(self, doublekey, mib, rounds, tmpfs):
        self.doublekey = doublekey
        self.mib = mib
        self.rounds = rounds
        self.tmpfs = tmpfs
        self.out = os.path.join(tmpfs, "out")
        self.cores = len(os.sched_getaffinity(0))
        version = re.search(r"OpenSSL (\d+)\.(\d+)", output_of(["openssl", "version"]))
        self.fast_gcm = tuple(map(int, version.groups())) >= (3, 5)

    def prepare(self):
        for side in ("customer", "provider"):
            output_of([self.doublekey, "keygen", "--side", side, "--type", "p256",
                       "--no-passphrase", "-o", side + ".key"])
        output_of(["age-keygen", "-o", "age.key"])
        self.recipient = output_of(["age-keygen", "-y", "age.key"]).strip()
        pathlib.Path("empty").touch()
        with open("f", "wb") as f:
            for _ in range(self.mib):
                f.write(os.urandom(MIB))
        run_once(self.encrypt("f", "-o", "f.dkey", out=None), Times())
        run_once(self.encrypt("empty", "-o", "empty.dkey", out=None), Times())
        run_once(self.age("-o", "f.age", "f"), Times())
        self.check()

    def check(self):
        """Times of a wrong result would be worth nothing, nor those of a disk."""
        run_once(Command(self.decrypt("f.dkey").stages[0], ["cmp", "-", "f"]), Times())
        os.sync()
        for name in ("f", "f.dkey", "f.age"):
            run_once(Command(["cat", name]), Times())
            if cached(name) < 0.99 * os.path.getsize(name):
                raise Failed(f"keeping {name} in memory: try less than --size {self.mib}")

    def encrypt(self, *more, **how):
        return Command([self.doublekey, "encrypt", "--customer", "customer.key.pub",
                        "--provider", "provider.key.pub", *more], **how)

    def decrypt(self, *more, **how):
        return Command([self.doublekey, "decrypt", "--customer", "customer.key",
                        "--provider", "provider.key", *more], **how)

    def age(self, *more, **how):
        return Command(["age", "-r", self.recipient, *more], **how)

    def versus(self, *commands):
        times = in_turns(commands, self.rounds)
        lines = [f"{command}\n        {its}" for command, its in zip(commands, times)]
        return times, lines


def against_openssl(command):
    def measure(bench):
        run_once(command(bench), Times())
        times, speeds = Times(), []
        for _ in range(bench.rounds):
            speed, shown = gcm_speed()
            speeds.append(speed)
            run_once(command(bench), times)
        one = statistics.median(speeds)
        size = bench.mib * MIB
        ratio = size / times.seconds / (one * bench.cores)
        lines = [
            f"{shown}\n        {one / 1e9:.2f} GB/s of one core",
            f"{command(bench)}\n        {times}, {size / times.seconds / 1e9:.2f} GB/s",
            f"by CPU time the ratio would be {size / statistics.median(times.cpu) / one:.2f}",
        ]
        return at_least(lines, f"{bench.cores} cores x openssl x", ratio,
                        0.4 if bench.fast_gcm else 0.6)
    return measure


def encrypt_to_tmpfs(bench):
    """cp of the same input; the output is new each time, for both."""
    (ours, cp), lines = bench.versus(
        bench.encrypt("-o", bench.out, "f", out=None, fresh=[bench.out]),
        Command(["cp", "f", bench.out], out=None, fresh=[bench.out]))
    return at_least(lines, "cp x", cp.seconds / ours.seconds, 0.8)


def decrypt_to_tmpfs(bench):
    (ours, cp), lines = bench.versus(
        bench.decrypt("-o", bench.out, "f.dkey", out=None, fresh=[bench.out]),
        Command(["cp", "f.dkey", bench.out], out=None, fresh=[bench.out]))
    return at_least(lines, "cp x", cp.seconds / ours.seconds, 0.8)


def encrypt_against_age(bench):
    (ours, age), lines = bench.versus(bench.encrypt("f"), bench.age("f"))
    return at_least(lines, "age x", age.seconds / ours.seconds, 3.5 if bench.fast_gcm else 2)


def decrypt_against_age(bench):
    (ours, age), lines = bench.versus(
        bench.decrypt("f.dkey"), Command(["age", "-d", "-i", "age.key", "f.age"]))
    return at_least(lines, "age x", age.seconds / ours.seconds, 6 if bench.fast_gcm else 4)


def in_pipe(name, command):
    def measure(bench):
        (ours, cat), lines = bench.versus(
            Command(["cat", name], command(bench).stages[0], ["cat"]),
            Command(["cat", name], ["cat"], ["cat"]))
        lines.append("all pipes are of 1 MiB")
        return at_least(lines, "cat x", cat.seconds / ours.seconds, 0.8)
    return measure


def memory(bench):
    commands = [bench.encrypt("f"), bench.decrypt("f.dkey"),
                Command(["cat", "f"], bench.encrypt().stages[0]),
                Command(["cat", "f.dkey"], bench.decrypt().stages[0])]
    times, lines = in_turns(commands, bench.rounds), []
    for command, its in zip(commands, times):
        lines.append(f"{command}\n        at most {its.rss / MIB:.1f} MiB")
    return at_most(lines, "peak memory", max(its.rss for its in times) / MIB, 64, "MiB")


def small_files(bench):
    small = os.path.join(bench.tmpfs, "small")
    os.mkdir(small)
    for i in range(SMALL_FILES):
        with open(f"{small}/{i:05d}", "wb") as f:
            f.write(os.urandom(4096))
    # The names of the first AGE_FILES files.
    loop = f'for f in {small}/00[0-4]??; do age -r {bench.recipient} -o "$f.age" "$f"; done'
    age = Command(["sh", "-c", loop], out=None, fresh=[small], share=SMALL_FILES // AGE_FILES)
    (ours, its), lines = bench.versus(
        bench.encrypt("-r", small, out=None, fresh=[small]), age)
    lines.append(f"age: {AGE_FILES} of the {SMALL_FILES} files, times {age.share}")
    return at_least(lines, "age x", its.seconds / ours.seconds, 20)


def starts(*commands):
    """Short commands, often."""
    times = in_turns(commands, STARTS)
    return times, [f"{command}\n        {its}" for command, its in zip(commands, times)]


def middle(bench):
    offset = bench.mib * MIB // 2
    return bench.decrypt("--offset", str(offset), "--length", str(MIB), "f.dkey")


def range_reads(bench):
    times = Times()
    run_once(middle(bench), times)
    if times.read is None:
        raise Failed("/proc/PID/io, which this kernel does not have")
    lines = [f"{middle(bench)}\n        rchar of /proc/PID/io: {times.read} bytes"]
    return at_most(lines, "read", times.read / MIB, 1.3, "MiB")


def range_time(bench):
    (ours, encrypt, decrypt), lines = starts(
        middle(bench), bench.encrypt("empty"), bench.decrypt("empty.dkey"))
    lines.append(f"more than decrypt of an empty object: {amount(ours.seconds - decrypt.seconds)}")
    return at_most(lines, "more than start-up", (ours.seconds - encrypt.seconds) * 1000, 5, "ms")


def start_up(bench):
    (ours, openssl), lines = starts(
        bench.encrypt("empty"), Command(["openssl", "version"]))
    return at_most(lines, "openssl version x", ours.seconds / openssl.seconds, 2, "times")


ROWS = [
    Row("encrypt to /dev/null", against_openssl(lambda b: b.encrypt("f"))),
    Row("decrypt to /dev/null", against_openssl(lambda b: b.decrypt("f.dkey"))),
    Row("encrypt to a file on tmpfs", encrypt_to_tmpfs),
    Row("decrypt to a file on tmpfs", decrypt_to_tmpfs),
    Row("encrypt against age", encrypt_against_age),
    Row("decrypt against age", decrypt_against_age),
    Row("encrypt in a pipe", in_pipe("f", lambda b: b.encrypt())),
    Row("decrypt in a pipe", in_pipe("f.dkey", lambda b: b.decrypt())),
    Row("memory", memory),
    Row("small files", small_files),
    Row("range of 1 MiB: bytes read", range_reads),
    Row("range of 1 MiB: time", range_time),
    Row("start-up", start_up),
]
