# SPDX-License-Identifier: Apache-2.0
"""`doublekey evidence verify` beside the assessment that it computes again, by CPU time; with the
log and the catalogue of the row on assessments."""

import os
import statistics

from measure import Command, Times, output_of, run_once
from rows import Result, Row

LIMIT = 2.0
SPEC = os.path.join(os.path.dirname(__file__), "..", "spec")


def verify(bench):
    line, base = bench.inputs("evidence", 1, 10)
    auditor, bundle, out = (os.path.join(base, name) for name in ("auditor", "bundle", "out"))
    output_of([bench.doublekey, "keygen", "--side", "auditor", "--no-passphrase", "-o", auditor])
    inputs = line[3:]  # behind "assess -q"
    output_of([bench.doublekey, "evidence", "bundle", "-q", *inputs, "--recipient",
               auditor + ".pub", "--specs", SPEC, "-o", bundle])
    key = inputs[inputs.index("--key") + 1]
    commands = [Command([*line, "--json", out], fresh=[out]),
                Command([bench.doublekey, "evidence", "verify", "-q", "--auditor", auditor, "--key",
                         key, bundle])]
    took = [Times(), Times()]
    for _ in range(bench.rounds):
        for command, found in zip(commands, took, strict=True):
            run_once(command, found)
    cpu = [statistics.median(found.cpu) for found in took]
    lines = [f"{bench.objects} objects: {name}: {found}" for name, found in
             zip(("assess", "evidence verify"), took, strict=True)]
    lines.append(f"bundle of {os.path.getsize(bundle) / (1 << 20):.0f} MiB")
    return Result(lines, f"{cpu[1] / cpu[0]:.2f} times the CPU time of the assessment, limit {LIMIT}",
                  cpu[1] <= LIMIT * cpu[0])


ROWS = [Row("assess: evidence verify", verify)]
