# SPDX-License-Identifier: Apache-2.0
"""Key backups: what the program splits the second reader joins, and the reverse."""

import os
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from reader import backup, keyfile, vectors

DOUBLEKEY = os.environ.get("DOUBLEKEY", "")
pytestmark = pytest.mark.skipif(not DOUBLEKEY, reason="DOUBLEKEY names no program")
FAST = os.environ.get("INTEROP_PROFILE", "fast") == "fast"
EXAMPLES = settings(
    max_examples=15 if FAST else 200, derandomize=FAST, deadline=None, database=None,
    suppress_health_check=list(HealthCheck))
KEYS = vectors.load_keys()
NAMES = [name for name in KEYS if not name.startswith("stranger")
         and (not name.startswith("creator") or KEYS[name].type == keyfile.P256)]


@st.composite
def splits(draw):
    """(key name, K, N, the shares that come together in their order)."""
    shares = draw(st.integers(2, 30))
    threshold = draw(st.integers(2, shares))
    order = draw(st.permutations(range(shares)))
    given_number = draw(st.integers(threshold - 1, shares))
    return draw(st.sampled_from(NAMES)), threshold, shares, order[:given_number]


def program(folder, *arguments):
    return subprocess.run([DOUBLEKEY, "key", *map(str, arguments)], cwd=folder, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def private_of(key):
    return keyfile.encode_private(key.private)


@EXAMPLES
@given(splits())
def test_c_splits_and_python_joins(tmp_path_factory, split):
    name, threshold, shares, together = split
    folder = tmp_path_factory.mktemp("split")
    (folder / "a.key").write_bytes(keyfile.private_file(KEYS[name], name.split("-")[0]))
    done = program(folder, "split", "a.key", "--shares", shares, "--threshold", threshold,
                   "--allow-all", "-o", "s")
    assert done.returncode == 0, done.stderr
    texts = [path.read_bytes() for path in sorted(folder.glob("s*"))]
    assert len(texts) == shares
    if len(together) < threshold:
        with pytest.raises(backup.BackupError, match="share-too-few"):
            backup.join(texts[i] for i in together)
        return
    key, side, _ = backup.join(texts[i] for i in together)
    assert private_of(key) == private_of(KEYS[name])
    assert (side, key.custodian) == (name.split("-")[0], KEYS[name].custodian)


@EXAMPLES
@given(splits())
def test_python_splits_and_c_joins(tmp_path_factory, split):
    name, threshold, shares, together = split
    folder = tmp_path_factory.mktemp("join")
    side = name.split("-")[0]
    for i, text in enumerate(backup.split(KEYS[name], side, threshold, shares)):
        (folder / f"s{i}").write_bytes(text)
    done = program(folder, "join", "--no-passphrase", "-o", "b.key",
                   *(f"s{i}" for i in together))
    if len(together) < threshold:
        assert done.returncode == 1 and b"(share-too-few)" in done.stderr
        assert not (folder / "b.key").exists()
        return
    assert done.returncode == 0, done.stderr
    key = keyfile.load((folder / "b.key").read_bytes(), side, True)
    assert private_of(key) == private_of(KEYS[name]) and key.custodian == KEYS[name].custodian
