# SPDX-License-Identifier: Apache-2.0
"""What the check-* tools share: which files there are, and C without comments."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def files(args, *suffixes):
    """The files named on the command line, else all files of the repository,
    with one of the suffixes (all if there are none)."""
    if args:
        names = args
    else:
        os.chdir(ROOT)
        git = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"],
                             capture_output=True, check=False)
        if git.returncode == 0:
            names = [n for n in git.stdout.decode().split("\0") if n]
        else:  # a release archive has no .git
            names = [os.path.relpath(os.path.join(d, n))
                     for d, dirs, ns in os.walk(".") for n in ns
                     if "/build" not in d and "/.git" not in d]
    return sorted(n for n in set(names)
                  if os.path.isfile(n) and not os.path.islink(n)
                  and (not suffixes or n.endswith(suffixes)))


def read(name):
    """Text of a file, or None if it is not text."""
    with open(name, "rb") as f:
        data = f.read()
    try:
        return None if b"\0" in data else data.decode()
    except UnicodeDecodeError:
        return None


_C = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text):
    """C with comments, strings and characters blanked; lines keep their numbers."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group())
    return _C.sub(blank, text)


def finish(problems, what):
    """Print what was found; the exit status of a check."""
    for line in problems:
        print(line)
    if problems:
        print(f"{what}: {len(problems)} found", file=sys.stderr)
    return 1 if problems else 0
