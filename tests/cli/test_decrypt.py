# SPDX-License-Identifier: Apache-2.0
"""What decrypt hands out, and when: ranges, damage, epochs."""

import os

import pytest

from conftest import listing

SEGMENT = 4096
BODY = 4096 + 74  # of an object with one key on each side


@pytest.fixture(scope="module")
def sample(keys, tmp_path_factory):
    from conftest import Runner
    run = Runner(tmp_path_factory.mktemp("sample"))
    plain = os.urandom(50_000)
    made = run("encrypt", "--customer", keys / "c.key.pub", "--provider", keys / "p.key.pub",
               "--segment-length", SEGMENT, stdin=plain).ok().out
    return plain, made


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


@pytest.mark.parametrize("offset,length", [
    (0, 1), (0, 0), (4063, 2), (10_000, 20_000), (49_999, 1), (49_999, 100), (50_000, 10),
    (0, None), (12_345, None), (None, 5), (50_000, None)])
def test_a_range(dk, both, tmp_path, sample, offset, length):
    plain, made = sample
    (tmp_path / "object").write_bytes(made)
    args = [] if offset is None else ["--offset", offset]
    args += [] if length is None else ["--length", length]
    at = offset or 0
    wanted = plain[at:] if length is None else plain[at:at + length]
    assert dk("decrypt", *both, *args, "object").ok().out == wanted
    dk("decrypt", *both, *args, "-o", "part", "object").ok()
    assert (tmp_path / "part").read_bytes() == wanted
    with open(tmp_path / "object", "rb") as f:
        assert dk("decrypt", *both, *args, stdin=f).ok().out == wanted


def test_a_range_behind_the_end_is_refused(dk, both, tmp_path, sample):
    (tmp_path / "object").write_bytes(sample[1])
    result = dk("decrypt", *both, "--offset", 50_001, "--length", 1, "-o", "part", "object")
    result.failed("(range at end)")
    assert listing(tmp_path) == ["object"]


def test_a_range_needs_a_file(dk, both, sample):
    assert dk("decrypt", *both, "--offset", 1, stdin=sample[1]).failed("regular file").out == b""


def test_a_range_verifies_its_segments_and_the_last(dk, both, tmp_path, sample):
    plain, made = sample
    args = ["--offset", 5000, "--length", 10]
    (tmp_path / "object").write_bytes(flip(made, BODY + SEGMENT + 100))
    assert dk("decrypt", *both, *args, "object").failed("segment-auth at segment 1").out == b""
    (tmp_path / "object").write_bytes(flip(made, len(made) - 1))
    assert dk("decrypt", *both, *args, "object").failed("segment-auth at segment 12").out == b""
    (tmp_path / "object").write_bytes(made[:-40])
    assert dk("decrypt", *both, *args, "object").failed().out == b""
    # the manual says so: what lies outside of the range is not verified
    (tmp_path / "object").write_bytes(flip(made, BODY + 5 * SEGMENT + 100))
    assert dk("decrypt", *both, *args, "object").ok().out == plain[5000:5010]
    dk("decrypt", *both, "object").failed("segment-auth at segment 5")


def test_a_range_reads_little(dk, both, tmp_path, fault):
    size = 64 << 20
    with open(tmp_path / "in", "wb") as f:
        f.truncate(size)
    dk("encrypt", *both, "-o", "object", "in").ok()
    log = tmp_path / "log"
    dk("decrypt", *both, "--offset", size // 2, "--length", 1 << 20, "-o", "part", "object",
       env=fault("", log)).ok()
    assert (tmp_path / "part").read_bytes() == bytes(1 << 20)
    calls = dict((line.split()[0], int(line.split()[2])) for line in log.open())
    assert 1 << 20 < calls["read"] + calls["pread"] < 1.3 * (1 << 20)


def test_damage_in_a_file_leaves_no_file(dk, both, tmp_path, sample):
    _, made = sample
    for bad in (flip(made, BODY + 3 * SEGMENT + 50), made[:-1], made + b"x",
                made[:BODY + 2 * SEGMENT], flip(made, 20), b"", b"not an object"):
        (tmp_path / "object").write_bytes(bad)
        result = dk("decrypt", *both, "-o", "out", "object")
        result.failed("object: ")
        assert listing(tmp_path) == ["object"]
    # negative control: the undamaged object does leave one
    (tmp_path / "object").write_bytes(made)
    dk("decrypt", *both, "-o", "out", "object").ok()
    assert listing(tmp_path) == ["object", "out"]


@pytest.mark.parametrize("segment", [0, 1, 7, 12])
def test_a_pipe_gets_verified_segments_only(dk, both, sample, segment):
    plain, made = sample
    result = dk("decrypt", *both, stdin=flip(made, BODY + segment * SEGMENT + 40))
    result.failed("segment-auth at segment %d" % segment)
    done = segment * (SEGMENT - 32)
    assert result.out == plain[:done]
    assert (str(done) + " bytes" in result.err) == (done > 0)


@pytest.mark.parametrize("jobs", [1, 5])
def test_a_long_file_of_larger_batches(dk, both, tmp_path, jobs):
    """From 64 MiB on a file is worked on in batches of 1 MiB, which changes nothing else."""
    segment = 65536
    plain = os.urandom(1 << 20) * 64 + os.urandom(12345)
    (tmp_path / "in").write_bytes(plain)
    dk("encrypt", *both, "--jobs", jobs, "-o", "object", "in").ok()
    assert dk("decrypt", *both, "--jobs", jobs, "object").ok().out == plain
    made = (tmp_path / "object").read_bytes()
    assert dk("decrypt", *both, stdin=made).ok().out == plain
    (tmp_path / "object").write_bytes(flip(made, BODY + 500 * segment + 40))
    result = dk("decrypt", *both, "--jobs", jobs, "object").failed("segment-auth at segment 500")
    assert result.out == plain[:500 * (segment - 32)]
    (tmp_path / "object").write_bytes(made[:BODY + 1000 * segment])
    result = dk("decrypt", *both, "--jobs", jobs, "object").failed("segment")
    assert result.out == plain[:1000 * (segment - 32)]


def test_truncation_in_a_pipe_is_told(dk, both, sample):
    plain, made = sample
    for cut in (BODY + 12 * SEGMENT, BODY + 2 * SEGMENT, len(made) - 1):
        result = dk("decrypt", *both, stdin=made[:cut])
        result.failed("not the whole")
        assert plain.startswith(result.out) and len(result.out) < len(plain)
    dk("decrypt", *both, stdin=made + b"x").failed("(trailing at end)")


def test_errors_have_name_and_place(dk, both, sample):
    _, made = sample
    dk("decrypt", *both, stdin=b"\x89DKEY\r\n\x1a").failed("(truncated at core header)")
    dk("decrypt", *both, stdin=flip(made, 0)).failed("standard input: ", "(magic at core header)")
    dk("decrypt", *both, stdin=flip(made, 9)).failed("(version at core header)")


def test_min_epoch(dk, keys, both, tmp_path):
    dk("encrypt", *both, "-o", "object", stdin=b"text").ok()
    old = (tmp_path / "object").read_bytes()
    dk("rewrap", "--side", "customer", "--open", keys / "c.key", "--to", keys / "c.key.pub",
       "object").ok()
    args = ["decrypt", *both]
    for option in (["--min-epoch", 1], ["--min-epoch-customer", 2], ["--min-epoch-provider", 1],
                   ["--min-epoch", 0]):
        assert dk(*args, *option, "object").ok().out == b"text"
    dk(*args, "--min-epoch", 2, "object").failed("(epoch-too-old at provider set)")
    dk(*args, "--min-epoch-customer", 3, "object").failed("(epoch-too-old at customer set)")
    # the older object opens, unless the reader knows its epoch
    assert dk(*args, stdin=old).ok().out == b"text"
    dk(*args, "--min-epoch-customer", 2, stdin=old).failed("(epoch-too-old at customer set)")


@pytest.mark.slow
def test_a_sealed_key_needs_its_passphrase(dk, keys, tmp_path):
    (tmp_path / "good").write_bytes(b"correct\n")
    (tmp_path / "bad").write_bytes(b"wrong\n")
    for name in ("good", "bad"):
        (tmp_path / name).chmod(0o600)
    dk("keygen", "--side", "customer", "-q", "--passphrase-file", "good", "-o", "k.key").ok()
    args = ["--customer", "k.key", "--provider", keys / "p.key"]
    # to encrypt, the public half is enough
    made = dk("encrypt", *args, stdin=b"text").ok().out
    assert dk("decrypt", *args, "--passphrase-file", "good", stdin=made).ok().out == b"text"
    read = dk("decrypt", *args, stdin=made,
              env={"DOUBLEKEY_PASSPHRASE_FILE": str(tmp_path / "good")}).ok()
    assert read.out == b"text"
    dk("decrypt", *args, "--passphrase-file", "bad", stdin=made).failed("(key-passphrase)")
