# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own, as a person would sit at it."""

import os
import pty
import select
import signal
import termios
import time

TIMEOUT_S = 60


class Terminal:
    """argv runs with a pseudo terminal as its controlling terminal. Everything that it
    writes, standard error included, is in `shown`."""

    def __init__(self, argv, cwd, env):
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                # Jobs in the background of a script ignore some.
                for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGPIPE):
                    signal.signal(number, signal.SIG_DFL)
                os.chdir(cwd)
                os.execve(argv[0], argv, env)
            finally:
                os._exit(127)

    def read(self, timeout):
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 4096)
        except OSError:  # the other end is closed
            return False
        self.shown += data
        return bool(data)

    def expect(self, text, times=1):
        """Wait until text was shown, times in all."""
        end = time.monotonic() + TIMEOUT_S
        while self.shown.count(text) < times:
            assert time.monotonic() < end, (text, self.shown)
            assert self.read(0.2) or self.shown.count(text) >= times, (text, self.shown)

    def type(self, data):
        os.write(self.fd, data)

    def answer(self, question, data, times=1):
        """Type a line once the question is there and the echo is off."""
        self.expect(question, times)
        self.wait_for_echo(False)
        self.type(data + b"\n")

    def echo(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def wait_for_echo(self, on):
        end = time.monotonic() + TIMEOUT_S
        while self.echo() != on:
            assert time.monotonic() < end, "echo is not as expected"
            time.sleep(0.01)

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self):
        """Exit status, or minus the number of the signal."""
        end = time.monotonic() + TIMEOUT_S
        while True:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                break
            assert time.monotonic() < end, self.shown
            self.read(0.05)
        while self.read(0.05) and select.select([self.fd], [], [], 0)[0]:
            pass
        return os.waitstatus_to_exitcode(status)

    def close(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.fd)
