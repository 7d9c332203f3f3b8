# SPDX-License-Identifier: Apache-2.0
"""Whatever fails or ends the program: no half output, and no temporary file."""

import errno
import os
import pathlib
import resource
import signal
import subprocess
import time

import pytest

from conftest import listing

NO_TMPFILE = "tmpfile:0:%d" % errno.EOPNOTSUPP


@pytest.fixture(params=["unnamed", "named"])
def temporary(request):
    """Both kinds of temporary file: file systems differ in what they offer."""
    return [] if request.param == "unnamed" else [NO_TMPFILE]


def rules(*all_of):
    return ",".join(all_of)


@pytest.mark.parametrize("command", ["encrypt", "decrypt"])
@pytest.mark.parametrize("what", ["fsync:1:5", "write:1:28", "write:2:28", "linkat:0:28",
                                  "futimens:1:5", "pread:3:5"])
def test_each_call_fails_once(dk, both, tmp_path, fault, temporary, command, what):
    if what.startswith("linkat") and temporary:
        what = "renameat:0:28"
    (tmp_path / "plain").write_bytes(os.urandom(3_000_000))
    dk("encrypt", *both, "-o", "plain.dkey", "plain").ok()
    (tmp_path / "out").write_bytes(b"old")
    source = "plain" if command == "encrypt" else "plain.dkey"
    for force in ([], ["-o", "out", "--force"], ["-o", "new"]):
        args = [command, *both, "-j", 1, *force, source]
        if not force:
            args += [source]  # beside, in a round
            pathlib.Path(tmp_path / ("plain" if command == "decrypt" else "plain.dkey")).rename(
                tmp_path / "kept")
        before = listing(tmp_path)
        call, number, error = what.split(":")
        if call == "linkat" and force == ["-o", "out", "--force"]:
            call = "renameat"
        result = dk(*args, env=fault(rules("%s:%s:%s" % (call, number if force else 0, error),
                                           *temporary)))
        result.failed(os.strerror(int(error)))
        assert listing(tmp_path) == before
        if not force:
            (tmp_path / "kept").rename(
                tmp_path / ("plain" if command == "decrypt" else "plain.dkey"))
    assert (tmp_path / "out").read_bytes() == b"old"


def test_a_read_error_in_mid_file(dk, both, tmp_path, fault, temporary):
    (tmp_path / "in").write_bytes(os.urandom(5_000_000))
    result = dk("encrypt", *both, "-o", "out", "in", env=fault(rules("pread:3:5", *temporary)))
    result.failed("in: ", "Input/output error (read)")
    assert listing(tmp_path) == ["in"]


def test_a_file_that_shrinks(dk, both, tmp_path):
    """sysfs claims 4096 bytes for files that have a few."""
    path = "/sys/kernel/mm/transparent_hugepage/enabled"
    if not os.path.exists(path):
        pytest.skip("no " + path)
    dk("encrypt", *both, "-o", "out", path).failed("(changed)")
    assert listing(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder],
                          capture_output=True)
    if done.returncode != 0:
        pytest.skip("mount: " + done.stderr.decode())
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk(dk, both, tmp_path, small_disk):
    (tmp_path / "in").write_bytes(os.urandom(8 << 20))
    dk("encrypt", *both, "-o", small_disk / "out", "in").failed("No space left on device (write)")
    assert listing(small_disk) == []
    # in a round, what fits is there and the rest is told
    (small_disk / "small").write_bytes(b"s")
    (small_disk / "large").write_bytes(os.urandom(1_200_000))
    # one by one: two at a time, the large one may hold all space while the small one is written
    dk("encrypt", *both, "--jobs", "1", small_disk / "large", small_disk / "small").failed(
        "No space left")
    assert listing(small_disk) == ["large", "small", "small.dkey"]


def test_dev_full(dk, both):
    with open("/dev/full", "wb") as full:
        dk("encrypt", *both, stdin=b"x", stdout=full).failed("No space left on device (write)")
        dk("inspect", "--help", stdout=full).failed("No space left")


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def start_blocked(dk, args, env, folder):
    """A process that waits for more input and has its output open."""
    process = dk.start(*args, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, env=dict(dk.env, **env))
    process.stdin.write(os.urandom(1 << 20))
    process.stdin.flush()
    wait_for(lambda: any(
        os.readlink(f"/proc/{process.pid}/fd/{fd}").startswith(str(folder / ".doublekey-"))
        or os.readlink(f"/proc/{process.pid}/fd/{fd}").startswith(str(folder) + "/#")
        for fd in os.listdir(f"/proc/{process.pid}/fd")))
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_leave_nothing(dk, both, tmp_path, fault, temporary, number):
    process = start_blocked(dk, ["encrypt", *both, "-o", "out"], fault(rules(*temporary)),
                            tmp_path)
    assert len(listing(tmp_path)) == len(temporary)
    process.send_signal(number)
    assert process.wait() == -number
    process.stdin.close()
    assert listing(tmp_path) == []


def test_what_the_signal_handler_is_good_for(dk, both, tmp_path, fault):
    """Negative control: SIGKILL leaves a named temporary, but none without a name."""
    process = start_blocked(dk, ["encrypt", *both, "-o", "out"], fault(NO_TMPFILE), tmp_path)
    process.kill()
    process.wait()
    process.stdin.close()
    left = listing(tmp_path)
    assert len(left) == 1 and left[0].startswith(".doublekey-")
    (tmp_path / left[0]).unlink()
    process = start_blocked(dk, ["encrypt", *both, "-o", "out"], {}, tmp_path)
    process.kill()
    process.wait()
    process.stdin.close()
    assert listing(tmp_path) == []


def test_an_ignored_signal_stays_ignored(dk, both, tmp_path):
    process = dk.start("encrypt", *both, "-o", "out", stdin=subprocess.PIPE,
                       preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.stdin.write(b"x")
    process.stdin.flush()
    wait_for(lambda: "SigCgt" in pathlib.Path(f"/proc/{process.pid}/status").read_text() and
             int(pathlib.Path(f"/proc/{process.pid}/status").read_text().split("SigCgt:")[1]
                 .split()[0], 16) & (1 << (signal.SIGTERM - 1)))
    process.send_signal(signal.SIGHUP)
    process.stdin.close()
    assert process.wait() == 0
    assert listing(tmp_path) == ["out"]


@pytest.mark.parametrize("command", ["encrypt", "decrypt"])
def test_a_reader_that_goes_away(dk, both, tmp_path, command):
    (tmp_path / "plain").write_bytes(bytes(4 << 20))
    dk("encrypt", *both, "-o", "plain.dkey", "plain").ok()
    process = dk.start(command, *both, "plain" if command == "encrypt" else "plain.dkey",
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.read(1)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1


def test_sigpipe_is_not_the_end(dk, both, tmp_path, fault, temporary):
    process = start_blocked(dk, ["encrypt", *both, "-o", "out"], fault(rules(*temporary)),
                            tmp_path)
    process.send_signal(signal.SIGPIPE)
    process.stdin.close()
    assert process.wait() == 0
    assert listing(tmp_path) == ["out"]


def test_an_output_that_is_a_pipe_beside_a_file(dk, both, tmp_path, fault, temporary):
    """Nobody reads standard output and error: the file is written, and nothing else."""
    (tmp_path / "in").write_bytes(bytes(4 << 20))
    reader, writer = os.pipe()
    os.close(reader)
    env = dict(dk.env, **fault(rules(*temporary)))
    process = dk.start("encrypt", *both, "-o", "out", "in", stdout=writer, stderr=writer, env=env)
    assert process.wait() == 0
    process = dk.start("decrypt", *both, "out", stdout=writer, stderr=subprocess.PIPE, env=env)
    os.close(writer)
    process.communicate()
    assert process.returncode == 1
    assert listing(tmp_path) == ["in", "out"]


def test_a_limit_on_file_sizes(dk, both, tmp_path, fault, temporary):
    (tmp_path / "in").write_bytes(bytes(4 << 20))

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    process = dk.start("encrypt", *both, "-o", "out", "in", stderr=subprocess.PIPE,
                       env=dict(dk.env, **fault(rules(*temporary))), preexec_fn=limit)
    _, error = process.communicate()
    assert process.returncode == 1 and b"File too large" in error
    assert listing(tmp_path) == ["in"]


def test_closed_standard_descriptors(dk, both, tmp_path):
    """No file of ours may become descriptor 0, 1 or 2."""
    (tmp_path / "in").write_bytes(b"text")

    def close_all():
        for fd in (0, 1, 2):
            os.close(fd)
    process = dk.start("encrypt", *both, "-o", "out", "in", preexec_fn=close_all)
    assert process.wait() == 0
    assert dk("decrypt", *both, "out").ok().out == b"text"
    process = dk.start("decrypt", *both, "missing", "-o", "x", preexec_fn=close_all)
    assert process.wait() == 1
    assert listing(tmp_path) == ["in", "out"]
