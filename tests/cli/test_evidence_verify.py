# SPDX-License-Identifier: Apache-2.0
"""`evidence verify` does with every vector of evidence/ what the vector says."""

import os
import pathlib
import re
import sys

import pytest

SOURCE = pathlib.Path(os.environ["DOUBLEKEY_SOURCE"])
sys.path += [str(SOURCE / "tests"), str(SOURCE / "tests" / "vectors")]
from reader import keyfile, keys as reader_keys  # noqa: E402
from test_native import read  # noqa: E402

FOLDER = SOURCE / "spec" / "vectors"
FILES = sorted((FOLDER / "evidence").iterdir())


@pytest.fixture(scope="module")
def auditors(tmp_path_factory):
    """A key file for each key that vectors name."""
    folder, made = tmp_path_factory.mktemp("auditors"), {}
    for name in {read(path)[0]["key"] for path in FILES}:
        key = reader_keys.load_pem(FOLDER / "keys" / (name + ".pem"), "auditor")
        made[name] = folder / name
        made[name].write_bytes(keyfile.private_file(key, "auditor"))
        made[name].chmod(0o600)
    return made


def said(err):
    """Name of the error, place and where, of the one line that is told."""
    found = re.fullmatch(r"doublekey: (?P<name>\S+): (?:(?P<line>line \d+): )?.*"
                         r"\((?P<error>[a-z-]+)(?: at (?P<at>.*))?\)\n", err, re.S)
    assert found, err
    if found["name"] == "bundle":
        return found["error"], found["at"] or "", ""
    return found["error"], found["name"], found["line"] or found["at"] or ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_evidence(dk, tmp_path, auditors, path):
    lines, parts = read(path)
    (tmp_path / "bundle").write_bytes(parts["bundle"])
    identity = ["--identity", lines["identity"]] if "identity" in lines else []
    result = dk("evidence", "verify", "-q", "--auditor", auditors[lines["key"]], "--key",
                lines["log-key"], *identity, "bundle", cwd=tmp_path)
    if lines["expect"] == "success":
        text = result.ok().out.decode()
        assert text.startswith("Proved:\n") and "computed again, it is" in " ".join(text.split())
        assert ("signed this bundle" in text.split("Claimed")[0]) is bool(identity)
    else:
        assert (result.status, result.out) == (1, b"")
        assert said(result.err) == (lines["expect"].split()[1], lines.get("place", ""),
                                    lines.get("where", ""))
