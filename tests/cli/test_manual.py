# SPDX-License-Identifier: Apache-2.0
"""The manual pages can be built, are well formed, and name what the program has."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ["DOUBLEKEY_SOURCE"])
PAGES = sorted((SOURCE / "docs/man").glob("*.scd"))
# What scdoc writes around headings and tables.
HARMLESS = re.compile(r"skipping paragraph macro: PP (empty|after SH)")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_page(page, tmp_path):
    if not shutil.which("scdoc") or not shutil.which("mandoc"):
        pytest.skip("no scdoc or no mandoc")
    made = subprocess.run(["scdoc"], stdin=page.open("rb"), capture_output=True, check=False)
    assert made.returncode == 0, made.stderr
    (tmp_path / page.stem).write_bytes(made.stdout)
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", tmp_path / page.stem],
                          capture_output=True, text=True)
    assert [line for line in lint.stdout.splitlines() if not HARMLESS.search(line)] == []


def test_they_are_these():
    assert [p.stem for p in PAGES] == ["doublekey-envelope.5", "doublekey-key.5",
                                       "doublekey-policy.5", "doublekey.1", "doublekeyd.8",
                                       "doublekeyd.conf.5"]


def test_each_error_name_is_in_a_page():
    """Scripts match these names."""
    pages = "".join(p.read_text() for p in PAGES if p.stem != "doublekey.1")
    names = set()
    for spec in ("envelope.md", "key-file.md"):
        text = (SOURCE / "spec" / spec).read_text()
        table = text[text.index("Errors\n"):]
        for row in re.findall(r"^\| `[^|]*\|.*$", table, re.M):
            if re.match(r"\| `(malformed|unsupported|not-authentic|no-match|refused|limit|key-)",
                        row):
                names |= set(re.findall(r"`([a-z0-9-]+)`", row))
    names -= {"p256-mlkem768"}
    assert len(names) > 50
    for name in names:
        assert re.search(r"(?<![\w-])" + name + r"(?![\w-])", pages), name


def test_inspect_members_are_in_the_manual(dk, both):
    import json
    made = dk("encrypt", *both, stdin=b"x").ok().out
    manual = (SOURCE / "docs/man/doublekey.1.scd").read_text()
    table = manual[manual.index("*member*"):manual.index("# REWRAP")]
    info = json.loads(dk("inspect", "--json", "-", stdin=made).ok().out)
    for member in info:
        assert re.search(r"\b%s\b" % member, table), member
