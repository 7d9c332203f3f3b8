# SPDX-License-Identifier: Apache-2.0
"""The generators reproduce the committed vectors byte for byte."""

import filecmp
import subprocess
import sys

import pytest

from reader.vectors import FOLDER


def test_generators_reproduce_the_vectors(tmp_path):
    subprocess.run([sys.executable, FOLDER / "gen" / "make", tmp_path], check=True)
    counts = (("envelope", 110), ("key-file", 60), ("key-backup", 100), ("policy", 110),
              ("key-service", 280), ("native", 320), ("log", 150), ("ms-dke", 200), ("catalogue", 17),
              ("evidence", 210))
    for folder, least in counts:
        names = sorted(path.name for path in (tmp_path / folder).iterdir())
        assert len(names) >= least
        assert names == sorted(path.name for path in (FOLDER / folder).iterdir())
        _, changed, unread = filecmp.cmpfiles(
            tmp_path / folder, FOLDER / folder, names, shallow=False)
        assert changed == [] and unread == []


@pytest.mark.parametrize("name", ["envelope", "key-file", "key-backup"])
def test_the_last_section_is_the_worked_example(name):
    make = [sys.executable, FOLDER / "gen" / "make", "--worked-example"]
    make += [name] if name != "envelope" else []
    section = subprocess.run(make, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert (FOLDER.parent / f"{name}.md").read_text().endswith(f"\n\n{section}")
