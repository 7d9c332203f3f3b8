# SPDX-License-Identifier: Apache-2.0
"""Secrets that a test can know must not lie in any file of the service."""
import base64
import os

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
