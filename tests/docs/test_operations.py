#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: test_operations.py DOUBLEKEYD

The commands in the `sh` blocks of docs/operations.md work, one after the other. Paths
from the root on lie in a directory of this test, and systemctl is a stand-in."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

DAEMON = """#!/bin/sh
case " $* " in *" --dir "*) exec "$PROGRAM" "$@" ;; esac
exec "$PROGRAM" "$@" --dir "$TOP/var/lib/doublekeyd"
"""
SYSTEMCTL = """#!/bin/sh
[ "$1" = restart ] && kill "$(cat "$TOP/pid")"
while [ "$1" = restart ] && kill -0 "$(cat "$TOP/pid")" 2>/dev/null; do sleep 0.1; done
CREDENTIALS_DIRECTORY=$TOP/etc/credstore NOTIFY_SOCKET= setsid doublekeyd run \\
	</dev/null >>"$TOP/journal" 2>&1 &
echo $! >"$TOP/pid"
for i in $(seq 600); do
	doublekeyd status >/dev/null 2>&1 && exit 0
	sleep 0.1
done
cat "$TOP/journal"
exit 1
"""


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o755)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def main(program, top):
    with open(os.path.join(ROOT, "docs/operations.md"), encoding="utf-8") as f:
        script = "".join(re.findall(r"^```sh\n(.*?)^```$", f.read(), re.S | re.M))
    assert script.count("doublekeyd ") > 20
    script = re.sub(r"(?<![\w/])/(etc|srv|var)/", r"$TOP/\1/", script)
    script = script.replace("keys.example.org:8443", "127.0.0.1:%d" % free_port())
    for name in ("bin", "srv", "var", "var/lib"):
        os.mkdir(os.path.join(top, name))
    write(os.path.join(top, "bin/doublekeyd"), DAEMON)
    write(os.path.join(top, "bin/systemctl"), SYSTEMCTL)
    env = {**os.environ, "TOP": top, "PROGRAM": program,
           "PATH": os.path.join(top, "bin") + ":" + os.environ["PATH"]}
    try:
        return subprocess.run(["sh", "-eux", "-c", script], env=env, cwd=top, check=False,
                              stdin=subprocess.DEVNULL, timeout=500).returncode
    finally:
        if os.path.exists(os.path.join(top, "pid")):
            subprocess.run(["sh", "-c", 'kill "$(cat pid)"'], cwd=top, check=False)


if __name__ == "__main__":
    TOP = tempfile.mkdtemp()
    try:
        sys.exit(main(os.path.abspath(sys.argv[1]), TOP))
    finally:
        shutil.rmtree(TOP, ignore_errors=True)
