# SPDX-License-Identifier: Apache-2.0
"""Secrets that a test can know must not lie in any file of the service."""
import base64
import os

import pytest

from memory import files_of
from service import PASSPHRASE


def test_passphrase_and_code_are_in_no_file(ready):
    text = ready.admin("enrol-code", "--user", "carol").stdout.strip()
    raw = text.split(":")[1].replace("-", "")
    code = base64.b32decode(raw[:26] + "A" * 6)[:16]
    assert PASSPHRASE.encode() in open(ready.passfile, "rb").read()  # control
    for path, data in list(files_of(ready.dir)) + [(ready.stderr, open(ready.stderr, "rb").read())]:
        assert PASSPHRASE.encode() not in data, path
        assert code not in data, path
        assert raw.encode() not in data and text.encode() not in data, path


def test_plaintext_is_in_no_file(ready):
    ready.client("decrypt", "--customer", ready.key, "--provider", "p.key", "object.dk", "-o",
                 "out")
    plain = open(os.path.join(ready.base, "out"), "rb").read()
    for path, data in files_of(ready.dir):
        assert plain not in data, path


def test_processes_bind_their_symbols_at_the_start(ready):
    """Else pieces of what was copied last stay on the stack: see daemon/parent/spawn.c."""
    if os.geteuid() != 0:
        pytest.skip("only root may read the environment of these processes")
    for name, pid in ready.pids().items():
        with open("/proc/%d/environ" % pid, "rb") as f:
            assert f.read() == b"LD_BIND_NOW=1\0", name
