#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The tables of claims in docs/threat-model.md and formal/README.md: each section, model, claim of
a model and test that they name is there, and each promise has its row."""

import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECTION = re.compile(r"[0-9]+(\.[0-9]+)*")


def read(*names):
    with open(os.path.join(ROOT, *names), encoding="utf-8") as f:
        return f.read()


def rows(text, columns):
    """Cells of all rows of tables with these columns in their first line."""
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif all(any(c.startswith(name) for c in cells) for name in columns):
            inside = True
        elif inside and not set(line) <= set("|-"):
            yield cells


def missing_sections(cell):
    """`envelope 5, 6.1; log 2`: files of spec/, and headings in them."""
    for part in filter(None, map(str.strip, cell.split(";"))):
        name, _, numbers = part.partition(" ")
        path = os.path.join(ROOT, "spec", name + ".md")
        for number in map(str.strip, numbers.split(",")):
            if not os.path.exists(path) or not SECTION.fullmatch(number) or not re.search(
                    r"^##+ %s\.? " % re.escape(number), read("spec", name + ".md"), re.M):
                yield f"spec: {name} {number}"


def missing_names(cell, folder):
    """`path` or `path: name`, the name being one of a test or of a claim."""
    for path, name in re.findall(r"`([\w./-]+/[\w./-]+)(?:: ([\w-]+))?`", cell):
        full = os.path.join(ROOT, folder, path)
        if not os.path.exists(full):
            yield f"{folder}/{path}"
        elif name and folder == "tests" and not re.search(r"^def %s\(" % name, read(folder, path),
                                                          re.M):
            yield f"{folder}/{path}: {name}"
        elif name and folder == "formal" and not re.search(
                r"\b%s$" % name, read(folder, os.path.dirname(path), "expected"), re.M):
            yield f"{folder}/{path}: {name}"


def faults(text):
    for cells in rows(text, ("claim", "spec", "model", "test")):
        _, _, spec, model, test = cells
        if model != "-" and not re.search("`", model) or "`" not in test:
            yield "nothing named: " + cells[0]
        yield from missing_sections(spec)
        yield from missing_names(model, "formal")
        yield from missing_names(test, "tests")


def formal_faults(text):
    for claim, model, spec, test in rows(text, ("claim", "model", "spec", "test")):
        del claim
        path, _, name = model.partition(": ")
        for one in name.split(", "):
            yield from missing_names("`" + path.strip("`") + (": " + one if one else "") + "`"
                                     if "/" in path else "", "formal")
        if "/" not in path and not os.path.exists(os.path.join(ROOT, "formal", path.strip("`"))):
            yield f"formal/{path}"
        yield from missing_sections(spec)
        for path in re.findall(r"tests/[\w./]*\w", test):
            if not os.path.exists(os.path.join(ROOT, path)):
                yield path


class Claims(unittest.TestCase):
    def setUp(self):
        self.model, self.formal = read("docs", "threat-model.md"), read("formal", "README.md")

    def test_what_is_named_is_there(self):
        self.assertEqual(list(faults(self.model)), [])
        self.assertEqual(list(formal_faults(self.formal)), [])
        self.assertGreater(len(list(rows(self.model, ("claim", "spec", "model", "test")))), 25)
        self.assertGreater(len(list(rows(self.formal, ("claim", "model", "spec", "test")))), 8)

    def test_each_promise_has_its_row(self):
        promised = re.findall(r"^\| (P[0-9]+) \|", self.model.split("## Claim by claim")[0], re.M)
        claimed = [cells[0] for cells in rows(self.model, ("claim", "spec", "model", "test"))]
        self.assertEqual([p for p in promised if p not in claimed], [])
        self.assertEqual(len(claimed), len(set(claimed)))
        self.assertGreater(len(promised), 9)

    def test_control(self):
        """Each kind of name that is not there is found."""
        for there, gone, found in (
                ("test_a_hole_is_found`", "test_nothing`", "test_nothing"),
                ("`vectors/test_envelope.py`", "`vectors/test_gone.py`", "tests/vectors/test_gone"),
                ("envelope 6.2", "envelope 6.9", "envelope 6.9"),
                ("`proverif/enrol.pv`", "`proverif/gone.pv`", "proverif/gone.pv"),
                ("release.pml: twice", "release.pml: thrice", "thrice")):
            self.assertIn(there, self.model)
            changed = self.model.replace(there, gone)
            self.assertTrue(any(found in fault for fault in faults(changed)), found)
        changed = self.formal.replace("tests/crash", "tests/gone").replace(": fork", ": spoon")
        self.assertEqual(len(set(formal_faults(changed))), 2)


if __name__ == "__main__":
    unittest.main()
