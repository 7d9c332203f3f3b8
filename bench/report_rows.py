# SPDX-License-Identifier: Apache-2.0
"""How long a browser takes to show the report of an assessment, by the clock."""

import os
import pathlib
import shutil
import sqlite3
import statistics
import sys

from measure import Command, Times, run_once
from rows import Result, Row

PEERS = pathlib.Path(__file__).resolve().parent.parent / "tests" / "peers"
OPENS_S = 2.0
# Everything can be read: the customer key of all objects is stolen.
INCIDENT = """from = "2031-01-01"
to = "2031-01-01T00:05Z"
stolen = {"provider-keys p since unknown", "key %s since unknown"}
sets = "as-written"
""" % ("01" * 32)


def place_all(catalogue):
    """Each object lies in a folder of a thousand."""
    with sqlite3.connect(catalogue) as db:
        count = db.execute("SELECT count(*) FROM object").fetchone()[0]
        top = db.execute("SELECT max(id) FROM folder").fetchone()[0] or 0
        db.executemany("INSERT INTO folder VALUES(?, ?, ?, NULL, NULL)",
                       ((top + 1 + n, top, b"/srv/files/%05d" % n)
                        for n in range((count + 999) // 1000)))
        db.execute("INSERT INTO location SELECT ? + 1 + (id - 1) / 1000, CAST('report-' || id || "
                   "'.pdf.dkey' AS BLOB), x'', 4096, id, 1, 1, 1924992000, NULL, NULL FROM object",
                   (top,))


def report(bench):
    browser = shutil.which("chromium")
    if not browser:
        return Result(["skipped: chromium, which is not installed"], "no browser", True)
    sys.path.insert(0, str(PEERS))
    from chromium import Browser
    line, base = bench.inputs("report", 1, 1)
    page, listed = (os.path.join(base, "report" + end) for end in (".html", ".csv"))
    place_all(os.path.join(base, "catalogue"))
    with open(os.path.join(base, "incident"), "w") as f:
        f.write(INCIDENT)
    command, made, took = Command([*line, "--html", page], fresh=[page, listed]), Times(), []
    run_once(command, made)
    with open(listed, "rb") as f:
        affected = sum(1 for _ in f) - 1
    with Browser(browser) as chromium:
        for _ in range(bench.rounds):
            took.append(chromium.open(page))
    lines = [f"{command}: {made}",
             f"{affected} affected objects: page {os.path.getsize(page) / 1e6:.2f} MB, list "
             f"{os.path.getsize(listed) / 1e6:.1f} MB",
             f"{browser}, 1440 x 900, until all is loaded and drawn: "
             + ", ".join(f"{t:.2f}" for t in took) + " s"]
    seconds = statistics.median(took)
    return Result(lines, f"seconds until the report is open {seconds:.2f}, limit {OPENS_S}",
                  seconds < OPENS_S and affected >= bench.objects)


ROWS = [Row("assess: the report in a browser", report)]
