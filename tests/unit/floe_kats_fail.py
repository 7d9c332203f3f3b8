# SPDX-License-Identifier: Apache-2.0
"""The known-answer tests of FLOE must fail when an answer is damaged.

    python3 floe_kats_fail.py FLOE_KATS DIR

Damages one place of one file at a time, in a copy of DIR."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

program, source = sys.argv[1:]


def passes(folder):
    return subprocess.run([program, "--floe-kats", folder], stdout=subprocess.DEVNULL,
                          check=False).returncode == 0


def damaged(text):
    yield text[:-2]  # the last byte is missing
    yield text + "00"
    yield "zz" + text[2:]
    for place in {0, 22, 84, 148, len(text) // 2, len(text) - 1} & set(range(len(text))):
        digit = "%x" % (int(text[place], 16) ^ 1)
        yield text[:place] + digit + text[place + 1:]


with tempfile.TemporaryDirectory() as scratch:
    copy = pathlib.Path(scratch, "kats")
    assert not passes(scratch), "no known answers at all"
    assert passes(source)
    tried = 0
    for name in sorted(path.name for path in pathlib.Path(source).glob("*.txt")):
        # The damaged case alone, since the others take their time.
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        case = name.rsplit("_", 1)[0]
        for part in pathlib.Path(source).glob(case + "_?t.txt"):
            shutil.copy(part, copy)
        path = copy / name
        good = path.read_text()
        for text in damaged(good.strip()):
            path.write_text(text)
            assert not passes(copy), f"{path.name} is damaged and passes"
            tried += 1
        path.unlink()
        assert not passes(copy), f"{path.name} is missing and that passes"
        path.write_text(good)
        assert passes(copy)
    print(tried, "damaged files were noticed")
