# SPDX-License-Identifier: Apache-2.0
"""doublekey log over logs that tests/reader writes: sizes, gaps, witnesses, other logs."""

import json
import os
import resource
import sys

import pytest

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from reader import note, tiles  # noqa: E402

ORIGIN = "log.example.net/log"
LOG = tiles.Signer(ORIGIN)
NOW = 1924999980


def write(folder, count, kept=(), witnesses=(), times=None, entries=None):
    made = tiles.Files(entries or tiles.leaves(times or [NOW + i for i in range(count)]), LOG)
    made.write(folder, kept, witnesses)
    return made


def fields(result):
    return dict(line.split(None, 1) for line in result.out.decode().splitlines())


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 700])
def test_sizes(dk, tmp_path, size):
    kept = [n for n in (0, 1, 3, 255, 256, 257, 511, 512, 513, 699) if n <= size]
    made = write(tmp_path / "log", size, kept)
    seen = fields(dk("log", "verify", "--key", LOG.vkey, tmp_path / "log").ok())
    assert (seen["size"], seen["checkpoints"]) == (str(size), str(len(kept) + 1))
    for index in {0, size // 2, size - 1}:
        dk("log", "prove", index, tmp_path / "log", "-o", tmp_path / "p", "-f", "--key",
           LOG.vkey).ok()
        seen = fields(dk("log", "verify", tmp_path / "p", "--key", LOG.vkey).ok())
        assert seen["index"] == str(index)
    # A kept one of another history, in the middle of a bundle.
    other = tiles.Files(made.entries[:-1] + tiles.leaves([NOW], 5), LOG)
    made.put(str(tmp_path / "log"), f"checkpoints/{size}-x", other.checkpoint(size))
    dk("log", "verify", "--key", LOG.vkey, tmp_path / "log").failed(
        "log-inconsistent", f"size {size}")


@pytest.mark.slow
def test_three_levels(dk, tmp_path):
    """Two tiles of level 1 are full, and one of level 2 begins."""
    leaf = tiles.leaves([NOW])[0]
    made = write(tmp_path / "log", 0, (1, 65535, 65536, 65537, 131072), entries=[leaf] * 131500)
    key = ["--key", LOG.vkey]
    assert fields(dk("log", "verify", tmp_path / "log", *key).ok())["size"] == "131500"
    dk("log", "prove", 65536, tmp_path / "log", "-o", tmp_path / "p", *key).ok()
    dk("log", "verify", tmp_path / "p", *key).ok()
    for name in ("tile/1/000", "tile/2/000.p/2", "tile/1/002.p/1"):
        path = tmp_path / "log" / name
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        dk("log", "verify", tmp_path / "log", *key).failed("log-tree", name)
        path.write_bytes(data)
    del made


def test_a_log_of_nothing(dk, tmp_path):
    made = tiles.Files([], LOG)
    made.put(str(tmp_path / "log"), "checkpoint", made.checkpoint())
    assert fields(dk("log", "verify", "--key", LOG.vkey, tmp_path / "log").ok())["size"] == "0"


def test_gaps_are_told(dk, tmp_path):
    times = [NOW, NOW + 60, NOW + 120, NOW + 240, NOW + 420, NOW + 360, NOW + 480]
    write(tmp_path / "log", 0, times=times)
    result = dk("log", "verify", "--key", LOG.vkey, tmp_path / "log").ok()
    text = [line.split(":")[0] for line in result.out.decode().splitlines() if " entry " in line]
    assert text == ["gap          entry 4", "gap          entry 5"]
    assert b"gaps         2\n" in result.out


def test_witnesses(dk, tmp_path):
    names = ("a", "b", "c")
    witness = {n: tiles.Signer(f"w.example.net/{n}", note.COSIGNATURE) for n in names}
    write(tmp_path / "log", 10, (5,), [witness["a"], witness["c"]])
    lines = [f"witness {n} {witness[n].vkey}\n" for n in names]

    def run(quorum):
        (tmp_path / "policy").write_text("".join(lines) + quorum)
        return dk("log", "verify", "--key", LOG.vkey, "--policy", tmp_path / "policy",
                  tmp_path / "log")

    text = run("group g 2 a b c\nquorum g\n").ok().out.decode()
    assert "witness      a 2031-01-01T02:13:10Z" in text
    assert "\nwitness      c " in text and "witness      b" not in text
    run("quorum none\n").ok()
    run("group g all a b c\nquorum g\n").failed("log-quorum")
    run("quorum b\n").failed("log-quorum")
    run("quorum d\n").failed("log-policy", "line 4")
    # One that does not hold, and one without the quorum, among those that were kept.
    path = tmp_path / "log/checkpoints/5"
    path.write_bytes(tiles.Files(tiles.leaves([NOW] * 5), LOG).checkpoint())
    run("quorum a\n").failed("log-quorum", "checkpoints/5")


def test_the_result_as_json(dk, tmp_path):
    """The same as the text says, and nothing of a log that fails but its gaps."""
    times = [NOW, NOW + 60, NOW + 240, NOW + 300, NOW + 600]
    witness = tiles.Signer("w.example.net/\"a\"", note.COSIGNATURE)
    made = write(tmp_path / "log", 0, (2,), [witness], times)
    (tmp_path / "policy").write_text(f"log {LOG.vkey}\nwitness a {witness.vkey}\nquorum a\n")
    trust = ["--policy", tmp_path / "policy", "--json"]

    def lines(result):
        return [json.loads(line) for line in result.out.decode().splitlines()]

    gaps = [{"gap": 2, "minute": "2031-01-01T02:17:00Z", "before": "2031-01-01T02:14:00Z"},
            {"gap": 4, "minute": "2031-01-01T02:23:00Z", "before": "2031-01-01T02:18:00Z"}]
    root = made.checkpoint().decode().split("\n")[2]
    head = {"origin": ORIGIN, "size": 5, "root": root,
            "witnesses": [{"name": "a", "time": "2031-01-01T02:13:10Z"}]}
    good = dk("log", "verify", tmp_path / "log", *trust).ok()
    assert lines(good) == [*gaps,
                           {"log": str(tmp_path / "log"), **head, "checkpoints": 2, "gaps": 2,
                                   "newest": "2031-01-01T02:23:00Z"}]
    text = fields(dk("log", "verify", tmp_path / "log", *trust[:2]).ok())
    assert {name: str(value) for name, value in lines(good)[-1].items() if name in text} == \
        {name: value for name, value in text.items() if name not in ("gap", "witness")}
    dk("log", "prove", 3, tmp_path / "log", "-o", tmp_path / "p", *trust[:2]).ok()
    assert lines(dk("log", "verify", tmp_path / "p", *trust).ok()) == [
        {"proof": str(tmp_path / "p"), **head, "index": 3, "class": "heartbeat",
         "minute": "2031-01-01T02:18:00Z"}]
    # What fails at the end has told its gaps, what fails before them nothing.
    path = tmp_path / "log/tile/entries/000.p/5"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    bad = dk("log", "verify", tmp_path / "log", *trust).failed("log-tree")
    assert lines(bad) in ([], gaps)
    (tmp_path / "policy").write_text(f"log {LOG.vkey}\nquorum b\n")
    assert dk("log", "verify", tmp_path / "log", *trust).failed("log-policy").out == b""


def test_logs_of_others(dk, tmp_path):
    entries = [b"", b"x", b"y" * 65535, b"z" * 300] * 4
    write(tmp_path / "log", 0, entries=entries[:12])
    key = ["--key", LOG.vkey]
    dk("log", "verify", tmp_path / "log", *key).failed("log-file", "entry 0")
    dk("log", "verify", tmp_path / "log", "--foreign", *key).ok()
    dk("log", "prove", 3, tmp_path / "log", "-o", tmp_path / "p", *key).ok()
    dk("log", "verify", tmp_path / "p", "--foreign", *key).ok()
    dk("log", "verify", tmp_path / "p", *key).failed("log-file", "entry")
    dk("log", "prove", 2, tmp_path / "log", "-o", tmp_path / "q", *key).ok()
    assert b"extra" not in (tmp_path / "q").read_bytes()  # too long for it
    dk("log", "verify", tmp_path / "q", "--foreign", *key).failed("--entry")
    (tmp_path / "entry").write_bytes(entries[2])
    dk("log", "verify", tmp_path / "q", "--foreign", "--entry", tmp_path / "entry", *key).ok()
    # More than a bundle may have.
    write(tmp_path / "large", 0, entries=[b"y" * 65535] * 17)
    dk("log", "verify", tmp_path / "large", "--foreign", *key).failed("log-file", "entries/000")


def test_places_that_are_none(dk, tmp_path):
    (tmp_path / "empty").mkdir()
    dk("log", "verify", tmp_path / "empty").failed("log-missing", "checkpoint")
    dk("log", "verify", tmp_path / "none").failed("read")
    (tmp_path / "proof").write_text("nothing\n")
    dk("log", "verify", tmp_path / "proof").failed("log-file")
    write(tmp_path / "log", 3)
    os.unlink(tmp_path / "log/tile/0/000.p/3")
    os.mkfifo(tmp_path / "log/tile/0/000.p/3")
    dk("log", "verify", tmp_path / "log", "--key", LOG.vkey).failed("tile/0/000.p/3")


@pytest.mark.slow
def test_memory_does_not_grow(dk, tmp_path):
    leaf = tiles.leaves([NOW])[0]
    write(tmp_path / "log", 0, entries=[leaf] * 200000)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    dk("log", "verify", tmp_path / "log", "--key", LOG.vkey).ok()
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, 64 * 1024)
