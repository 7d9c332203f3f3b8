# SPDX-License-Identifier: Apache-2.0
"""What is different on a terminal."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import pytest

from conftest import listing


class Terminal:
    def __init__(self):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.text = b""

    def take(self, seconds):
        while select.select([self.master], [], [], seconds)[0]:
            self.text += os.read(self.master, 65536)
            seconds = 0.05
        return self.text

    def close(self):
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.close()


def slowly(process, seconds):
    """Feed a command so that it works that long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        process.stdin.write(bytes(200_000))
        process.stdin.flush()
        time.sleep(0.05)
    process.stdin.close()
    assert process.wait() == 0


def start(dk, both, terminal, *more):
    return dk.start("encrypt", *both, "-o", "/dev/null", *more, stdin=subprocess.PIPE,
                    stderr=terminal.slave)


def test_long_work_shows_a_line_that_goes_away(dk, both, terminal):
    slowly(start(dk, both, terminal), 1.2)
    text = terminal.take(0.2)
    assert b"MiB" in text and b"/s" in text
    assert text.endswith(b"\r\x1b[K")
    assert b"\n" not in text


def test_a_known_length_shows_share_and_time_left(dk, both, tmp_path, terminal):
    """A reader that is slow makes the work last."""
    with open(tmp_path / "in", "wb") as f:
        f.truncate(48 << 20)
    process = dk.start("encrypt", *both, "in", stdout=subprocess.PIPE, stderr=terminal.slave)
    while process.stdout.read(1 << 20):
        time.sleep(0.03)
    assert process.wait() == 0
    text = terminal.take(0.2)
    assert b"%" in text and b" of 48.0 MiB" in text and b" left" in text


def test_short_work_and_quiet_work_show_none(dk, both, terminal):
    process = start(dk, both, terminal)
    process.stdin.close()
    assert process.wait() == 0
    slowly(start(dk, both, terminal, "--quiet"), 1.2)
    assert terminal.take(0.2) == b""


def test_no_line_without_a_terminal(dk, both):
    process = dk.start("encrypt", *both, "-o", "/dev/null", stdin=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    slowly(process, 1.2)
    assert process.stderr.read() == b""


def test_no_object_is_written_to_a_terminal(dk, both, tmp_path, terminal):
    result = dk("encrypt", *both, stdin=b"x", stdout=terminal.slave)
    result.failed("terminal", status=2)
    assert terminal.take(0.1) == b""
    dk("encrypt", *both, "-o", "-", stdin=b"x", stdout=terminal.slave).ok()
    assert b"DKEY" in terminal.take(0.1)


def test_one_file_goes_beside_on_a_terminal(dk, both, tmp_path, terminal):
    (tmp_path / "in").write_bytes(b"text")
    dk("encrypt", *both, "in", stdout=terminal.slave).ok()
    assert listing(tmp_path) == ["in", "in.dkey"]
    (tmp_path / "in").unlink()
    dk("decrypt", *both, "in.dkey", stdout=terminal.slave).ok()
    assert listing(tmp_path) == ["in", "in.dkey"]
    assert terminal.take(0.1) == b""
    made = (tmp_path / "in.dkey").read_bytes()
    dk("decrypt", *both, stdin=made, stdout=terminal.slave).ok()
    assert terminal.take(0.1) == b"text"
