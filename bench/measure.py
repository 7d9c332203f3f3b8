# SPDX-License-Identifier: Apache-2.0
"""Run commands in turns and take the medians of their times."""

import fcntl
import os
import shlex
import statistics
import subprocess
import time

F_SETPIPE_SZ = 1031
PIPE_BYTES = 1 << 20


class Failed(Exception):
    pass


class Command:
    """One process, or several joined by pipes of 1 MiB."""

    def __init__(self, *stages, out="/dev/null", fresh=(), share=1):
        self.stages = stages  # each a list of arguments
        self.out = out  # where standard output goes
        self.fresh = fresh  # files to remove before each run
        self.share = share  # this many runs would do the whole work

    def __str__(self):
        text = " | ".join(shlex.join(stage) for stage in self.stages)
        return f"{text} >{self.out}" if self.out else text

    def remove(self):
        for name in self.fresh:
            if os.path.isdir(name):
                with os.scandir(name) as entries:
                    for entry in entries:
                        if entry.name.endswith((".dkey", ".age")):
                            os.unlink(entry.path)
            elif os.path.exists(name):
                os.unlink(name)


class Times:
    """What the runs of one command took."""

    def __init__(self):
        self.wall = []
        self.cpu = []
        self.rss = 0  # bytes, the largest process of any run
        self.read = None  # bytes that the last process read, where the kernel counts

    @property
    def seconds(self):
        return statistics.median(self.wall)

    def __str__(self):
        return (
            f"{amount(self.seconds)} (from {amount(min(self.wall))} to "
            f"{amount(max(self.wall))}; {amount(statistics.median(self.cpu))} of CPU time)"
        )


def amount(seconds):
    return f"{seconds:.3f} s" if seconds >= 0.1 else f"{seconds * 1000:.2f} ms"


def pipe():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, PIPE_BYTES)
    return reader, writer


def bytes_read(pid):
    """What an ended process that was not waited for yet has read."""
    try:
        with open(f"/proc/{pid}/io") as lines:
            return int(dict(line.split(": ") for line in lines)["rchar"])
    except (OSError, KeyError):
        return None


def spawn(argv, stdin, stdout):
    """posix_spawn, since fork of a large process would be in every time."""
    actions = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)]
    return os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)


def start(command):
    """Start all stages; returns their process ids."""
    stdin = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    pids = []
    for index, argv in enumerate(command.stages):
        after = None
        if index + 1 < len(command.stages):
            after, stdout = pipe()
        else:
            stdout = os.open(
                command.out or "/dev/null", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            )
        pids.append(spawn(argv, stdin, stdout))
        os.close(stdin)
        os.close(stdout)
        stdin = after
    return pids


def run_once(command, times):
    command.remove()
    began = time.perf_counter()
    pids = start(command)
    cpu = 0.0
    failed = False
    for pid in pids:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        ended = time.perf_counter()
        times.read = bytes_read(pid)
        _, status, usage = os.wait4(pid, 0)
        failed = failed or status != 0
        cpu += usage.ru_utime + usage.ru_stime
        times.rss = max(times.rss, usage.ru_maxrss * 1024)
    if failed:
        raise Failed(str(command))
    times.wall.append((ended - began) * command.share)
    times.cpu.append(cpu * command.share)


def in_turns(commands, rounds):
    """Each command once a round, so that a load hits all of them alike."""
    times = [Times() for _ in commands]
    for command in commands:
        run_once(command, Times())
    for _ in range(rounds):
        for command, its_times in zip(commands, times):
            run_once(command, its_times)
    for command in commands:
        command.remove()
    return times


def output_of(argv):
    return subprocess.run(argv, check=True, text=True, capture_output=True).stdout


def gcm_speed(seconds=1):
    """Bytes a second that one core encrypts, and the command that says so."""
    argv = ["openssl", "speed", "-seconds", str(seconds), "-evp", "aes-256-gcm", "-bytes", "65536"]
    line = output_of(argv).strip().splitlines()[-1]
    return float(line.split()[-1].rstrip("k")) * 1000, shlex.join(argv)
