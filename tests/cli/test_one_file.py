# SPDX-License-Identifier: Apache-2.0
"""encrypt and decrypt of one file or stream."""

import os
import stat

import pytest

from conftest import listing

SIZES = [0, 1, 65503, 65504, 65505, 1_000_003]


@pytest.mark.parametrize("size", SIZES)
def test_streams_are_the_default(dk, both, size):
    plain = os.urandom(size)
    made = dk("encrypt", *both, stdin=plain).ok()
    assert dk("decrypt", *both, stdin=made.out).ok().out == plain
    assert dk("decrypt", *both, "-", stdin=made.out).ok().out == plain
    assert dk("encrypt", *both, "-o", "-", "-", stdin=plain).ok().out[:8] == made.out[:8]


@pytest.mark.parametrize("size", SIZES)
def test_file_to_file(dk, both, tmp_path, size):
    plain = os.urandom(size)
    (tmp_path / "in").write_bytes(plain)
    dk("encrypt", *both, "-o", "object", "in").ok()
    dk("decrypt", *both, "-o", "out", "object").ok()
    assert (tmp_path / "out").read_bytes() == plain
    assert listing(tmp_path) == ["in", "object", "out"]


def test_one_file_goes_to_standard_output(dk, both, tmp_path):
    (tmp_path / "in").write_bytes(b"text")
    made = dk("encrypt", *both, "in").ok()
    assert listing(tmp_path) == ["in"]
    (tmp_path / "in.dkey").write_bytes(made.out)
    assert dk("decrypt", *both, "in.dkey").ok().out == b"text"


def test_standard_input_that_is_a_file_starts_at_its_offset(dk, both, tmp_path):
    (tmp_path / "in").write_bytes(b"0123456789")
    with open(tmp_path / "in", "rb") as f:
        os.lseek(f.fileno(), 4, os.SEEK_SET)
        made = dk("encrypt", *both, stdin=f).ok()
    assert dk("decrypt", *both, stdin=made.out).ok().out == b"456789"


def test_a_file_of_proc_has_content_though_its_length_is_0(dk, both):
    made = dk("encrypt", *both, "/proc/self/status").ok()
    assert b"doublekey" in dk("decrypt", *both, stdin=made.out).ok().out


@pytest.mark.parametrize("length", [4096, 65536, 1048576])
@pytest.mark.parametrize("jobs", [1, 3])
def test_segment_lengths_and_jobs(dk, both, length, jobs):
    plain = os.urandom(2_500_000)
    made = dk("encrypt", *both, "--segment-length", length, "--jobs", jobs, stdin=plain).ok()
    assert dk("decrypt", *both, "-j", jobs, stdin=made.out).ok().out == plain


@pytest.mark.parametrize("customer", ["c", "c2"])
@pytest.mark.parametrize("provider", ["p", "p2"])
def test_each_key_of_a_side_reads(dk, keys, customer, provider):
    args = []
    for name in ("c", "c2"):
        args += ["--customer", keys / (name + ".key.pub")]
    for name in ("p", "p2"):
        args += ["--provider", keys / (name + ".key.pub")]
    made = dk("encrypt", *args, stdin=b"text").ok()
    read = dk("decrypt", "--customer", keys / (customer + ".key"),
              "--provider", keys / (provider + ".key"), stdin=made.out).ok()
    assert read.out == b"text"


def test_public_keys_among_private_ones_are_left_out(dk, keys, both):
    made = dk("encrypt", *both, stdin=b"text").ok()
    read = dk("decrypt", "--customer", keys / "c2.key.pub", *both, stdin=made.out).ok()
    assert read.out == b"text"
    dk("decrypt", "--customer", keys / "c.key.pub", "--provider", keys / "p.key",
       stdin=made.out).failed("c.key.pub", "(key-need-private)")


@pytest.mark.parametrize("given", ["customer", "provider"])
def test_one_key_is_not_enough(dk, keys, both, given):
    made = dk("encrypt", *both, stdin=b"text").ok()
    other = {"customer": ["--provider", keys / "p2.key"],
             "provider": ["--customer", keys / "c2.key"]}[given]
    own = ["--" + given, keys / (given[0] + ".key")]
    result = dk("decrypt", *own, *other, stdin=made.out)
    result.failed("no-provider-key" if given == "customer" else "no-customer-key")
    assert result.out == b""
    dk("decrypt", *own, stdin=made.out).failed(status=2)
    # the same call with both keys succeeds
    assert dk("decrypt", *both, stdin=made.out).ok().out == b"text"


def test_one_custodian_on_both_sides_is_refused(dk, keys, tmp_path):
    result = dk("encrypt", "--customer", keys / "c.key.pub", "--provider", keys / "same.key.pub",
                "-o", "out", stdin=b"x")
    result.failed("same.key.pub", "c.key.pub", "'customer'", "(same-custodian)")
    assert listing(tmp_path) == []


def test_one_key_for_both_sides_is_refused(dk, keys):
    dk("encrypt", "--customer", keys / "c.key", "--provider", keys / "c.key").failed(
        "(key-side)")
    dk("encrypt", "--customer", keys / "c.key", "--customer", keys / "c.key.pub",
       "--provider", keys / "p.key").failed("the same key", "(same-key)")


def test_an_existing_output_needs_force(dk, both, tmp_path):
    (tmp_path / "in").write_bytes(b"new")
    (tmp_path / "out").write_bytes(b"old")
    dk("encrypt", *both, "-o", "out", "in").failed("out", "--force")
    assert (tmp_path / "out").read_bytes() == b"old"
    dk("encrypt", *both, "--force", "-o", "out", "in").ok()
    assert dk("decrypt", *both, "out").ok().out == b"new"
    assert listing(tmp_path) == ["in", "out"]


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_the_input_is_never_the_output(dk, both, tmp_path, force):
    (tmp_path / "in").write_bytes(b"text")
    os.link(tmp_path / "in", tmp_path / "other")
    dk("encrypt", *both, *force, "-o", "in", "in").failed("same file")
    dk("encrypt", *both, *force, "-o", "other", "in").failed("same file")
    with open(tmp_path / "in", "ab") as out:
        dk("encrypt", *both, "in", stdout=out).failed("same file")
    assert (tmp_path / "in").read_bytes() == b"text"


def test_an_output_that_is_no_file_is_refused(dk, both, tmp_path):
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "folder").mkdir()
    for name in ("link", "folder", "no/such/folder"):
        dk("encrypt", *both, "--force", "-o", name, stdin=b"x").failed(name)
    assert (tmp_path / "target").read_bytes() == b"old"
    dk("encrypt", *both, "-o", "/dev/null", stdin=b"x").ok()
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_inputs_that_are_no_files_are_refused(dk, both, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, text in [("link", "symbolic link"), ("pipe", "not a regular file"),
                       ("folder", "directory"), ("/dev/null", "not a regular file"),
                       ("missing", "No such file")]:
        dk("encrypt", *both, name).failed(name, text)
    os.link(tmp_path / "file", tmp_path / "hard")
    dk("encrypt", *both, "hard").ok()


def test_mode_and_times_are_kept(dk, both, tmp_path):
    plain = tmp_path / "in"
    plain.write_bytes(b"text")
    plain.chmod(0o640)
    os.utime(plain, ns=(1_500_000_000_123_456_789, 1_400_000_000_987_654_321))
    dk("encrypt", *both, "-o", "object", "in").ok()
    dk("decrypt", *both, "-o", "out", "object").ok()
    for name in ("object", "out"):
        st = (tmp_path / name).stat()
        assert stat.S_IMODE(st.st_mode) == 0o640
        assert st.st_mtime_ns == 1_400_000_000_987_654_321


def test_set_user_id_is_not_kept(dk, both, tmp_path):
    (tmp_path / "in").write_bytes(b"x")
    (tmp_path / "in").chmod(0o4755)
    dk("encrypt", *both, "-o", "object", "in").ok()
    assert stat.S_IMODE((tmp_path / "object").stat().st_mode) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another group")
def test_another_group_gets_no_more_than_everybody(dk, both, tmp_path):
    (tmp_path / "in").write_bytes(b"x")
    os.chown(tmp_path / "in", -1, 12345)
    (tmp_path / "in").chmod(0o664)
    dk("encrypt", *both, "-o", "object", "in").ok()
    assert stat.S_IMODE((tmp_path / "object").stat().st_mode) == 0o644


def test_a_stream_to_a_file_gets_the_umask(dk, both, tmp_path):
    dk("encrypt", *both, "-o", "object", stdin=b"x", umask=0o027).ok()
    assert stat.S_IMODE((tmp_path / "object").stat().st_mode) == 0o640


def test_label_tenant_and_signature(dk, keys, both):
    made = dk("encrypt", *both, "--label", "köln", "--tenant", "t1",
              "--sign", keys / "s.key", stdin=b"text").ok().out
    creator = ["--require-creator", keys / "s.key.pub"]
    assert dk("decrypt", *both, *creator, stdin=made).ok().out == b"text"
    result = dk("decrypt", *both, "--require-creator", keys / "s2.key.pub", stdin=made)
    assert result.failed("(creator-required").out == b""
    plain = dk("encrypt", *both, stdin=b"text").ok().out
    dk("decrypt", *both, *creator, stdin=plain).failed("(creator-required")
    dk("encrypt", *both, "--sign", keys / "s.key.pub").failed("(key-need-private)")
    dk("encrypt", *both, "--sign", keys / "c.key").failed("(key-side)")


def test_texts_that_are_not_allowed(dk, both, tmp_path):
    for option in ("--label", "--tenant", "--file-name"):
        dk("encrypt", *both, option, "x" * 256, "-o", "out").failed(option, "(text)")
        dk("encrypt", *both, option, "a\nb", "-o", "out").failed(option, "(text)")
        dk("encrypt", *both, option, b"\xff".decode("utf-8", "surrogateescape"),
           "-o", "out").failed(option, "(text)")
    dk("encrypt", *both, "--file-name", "a/b").failed("(text)")
    assert listing(tmp_path) == []


def test_wrong_command_lines(dk, both, keys):
    for args in (["encrypt"], ["encrypt", "--customer", keys / "c.key"],
                 ["encrypt", *both, "--jobs", "0"], ["encrypt", *both, "--jobs", "x"],
                 ["encrypt", *both, "--segment-length", "5000"],
                 ["encrypt", *both, "-r"], ["encrypt", *both, "-r", "-o", "x", "y"],
                 ["encrypt", *both, "-o", "x", "y", "z"], ["encrypt", *both, "-", "y"],
                 ["encrypt", *both, "--no-such"], ["encrypt", *both, "--label"],
                 ["encrypt", *both, "--force=1"],
                 ["decrypt", *both, "--offset", "-1"], ["decrypt", *both, "--offset", "x"],
                 ["decrypt", *both, "--offset", "1", "a", "b"],
                 ["decrypt", *both, "--min-epoch", "4294967296"],
                 ["inspect"], ["rewrap"], ["rewrap", "--side", "middle"],
                 ["profile"], ["profile", "add"], ["no-such-command"], []):
        result = dk(*args)
        result.failed(status=2)
        assert result.out == b""


def test_help_of_each_command(dk):
    for args in ([], ["encrypt"], ["decrypt"], ["inspect"], ["rewrap"], ["profile"]):
        result = dk(*args, "--help").ok()
        assert result.out.startswith(b"usage: doublekey")
        assert dk(*args, "-h").ok().out == result.out
        for line in result.out.decode().splitlines():
            assert len(line) <= 90
    assert dk("--version").ok().out.startswith(b"doublekey ")


def test_messages_escape_names(dk, both, tmp_path):
    name = "a\x1b[31m\n\x7f" + b"\xff".decode("utf-8", "surrogateescape")
    result = dk("decrypt", *both, name)
    result.failed("a\\x1b[31m\\x0a\\x7f\\xff")
    assert len(result.err.splitlines()) == 1
