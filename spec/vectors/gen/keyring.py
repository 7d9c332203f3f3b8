# SPDX-License-Identifier: Apache-2.0
"""The fixed test keys, by name."""

import pathlib

from reader import keys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "keys"


def load():
    table = [line.split() for line in (FOLDER / "keys.txt").read_text().splitlines()]
    return {
        name: keys.load_pem(FOLDER / f"{name}.pem", custodian)
        for name, _, custodian, _ in (row for row in table if row[0] != "#")}


KEYS = load()
