# SPDX-License-Identifier: Apache-2.0
"""Many files in one call, and directories."""

import os
import stat

import pytest

from conftest import listing


def tree(folder):
    """A small tree; the plaintext of each file is its path."""
    names = ["a", "b.txt", "sub/c", "sub/deep/er/d", "sub/.hidden", "z z"]
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return names


def test_several_files_go_beside(dk, both, tmp_path):
    for name in ("a", "b", "sub/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (1_400_000_000, 1_500_000_000))
    (tmp_path / "b").chmod(0o600)
    dk("encrypt", *both, "a", "b", tmp_path / "sub/c").ok()
    assert listing(tmp_path) == ["a", "a.dkey", "b", "b.dkey", "sub", "sub/c", "sub/c.dkey"]
    assert stat.S_IMODE((tmp_path / "b.dkey").stat().st_mode) == 0o600
    for name in ("a", "b", "sub/c"):
        (tmp_path / name).unlink()
    dk("decrypt", *both, "a.dkey", "b.dkey", "sub/c.dkey").ok()
    for name in ("a", "b", "sub/c"):
        assert (tmp_path / name).read_text() == name
        assert (tmp_path / name).stat().st_mtime == 1_500_000_000
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_directory(dk, both, tmp_path, jobs):
    names = tree(tmp_path / "top")
    dk("encrypt", *both, "-j", jobs, "-r", "top").ok()
    for name in names:
        (tmp_path / "top" / name).unlink()
    dk("decrypt", *both, "-j", jobs, "-r", "top/").ok()
    for name in names:
        assert (tmp_path / "top" / name).read_text() == name
    # what is there already: plaintext is left out by decrypt, objects by encrypt
    dk("decrypt", *both, "--force", "-r", "top").ok()
    dk("encrypt", *both, "--force", "-r", "top").ok()
    assert not [n for n in listing(tmp_path) if n.endswith(".dkey.dkey")]


def test_a_directory_needs_r(dk, both, tmp_path):
    tree(tmp_path / "top")
    dk("encrypt", *both, "top", "top").failed("top: is a directory")
    dk("encrypt", *both, "-o", "x", "top").failed("top: is a directory")


def test_objects_within_objects_are_not_opened_in_one_call(dk, both, tmp_path):
    (tmp_path / "top").mkdir()
    (tmp_path / "top/a").write_text("a")
    dk("encrypt", *both, "-r", "top").ok()
    dk("encrypt", *both, "-o", "top/b.dkey.dkey", "top/a.dkey").ok()
    dk("decrypt", *both, "-f", "-r", "top").ok()
    assert "top/b" not in listing(tmp_path)
    assert "top/b.dkey" in listing(tmp_path)


def test_one_failure_does_not_stop_the_others(dk, both, tmp_path):
    for name in ("a", "b", "c", "d"):
        (tmp_path / name).write_text(name)
    (tmp_path / "b.dkey").write_text("old")
    (tmp_path / "c").unlink()
    (tmp_path / "link").symlink_to("a")
    result = dk("encrypt", *both, "a", "b", "c", "link", "d")
    result.failed("b.dkey: the file exists", "c: cannot open", "link: is a symbolic link")
    assert len(result.err.splitlines()) == 3
    assert listing(tmp_path) == ["a", "a.dkey", "b", "b.dkey", "d", "d.dkey", "link"]
    assert (tmp_path / "b.dkey").read_text() == "old"
    assert dk("decrypt", *both, "-o", "-", "d.dkey").ok().out == b"d"


def test_damaged_objects_among_good_ones(dk, both, tmp_path):
    names = [f"f{i:02}" for i in range(20)]
    for name in names:
        (tmp_path / name).write_text(name)
    dk("encrypt", *both, *names).ok()
    for name in names:
        (tmp_path / name).unlink()
    bad = names[3::5]
    for name in bad:
        path = tmp_path / (name + ".dkey")
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    result = dk("decrypt", *both, *[n + ".dkey" for n in names])
    result.failed(*[n + ".dkey: " for n in bad], "segment-auth at segment 0")
    assert len(result.err.splitlines()) == len(bad)
    there = [n for n in listing(tmp_path) if not n.endswith(".dkey")]
    assert there == [n for n in names if n not in bad]


def test_links_and_special_files_in_a_directory(dk, both, tmp_path):
    tree(tmp_path / "top")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("s")
    (tmp_path / "top/link").symlink_to("../outside/secret")
    (tmp_path / "top/dirlink").symlink_to("../outside")
    os.mkfifo(tmp_path / "top/pipe")
    result = dk("encrypt", *both, "-r", "top")
    result.failed("top/link: is a symbolic link", "top/dirlink: is a symbolic link",
                  "top/pipe: is not a regular file")
    assert len(result.err.splitlines()) == 3
    assert listing(tmp_path / "outside") == ["secret"]
    assert (tmp_path / "top/sub/c.dkey").exists()
    # a link to a directory is no directory as operand either
    (tmp_path / "toplink").symlink_to("top")
    dk("encrypt", *both, "-r", "toplink").failed("toplink")


def test_names_without_the_suffix(dk, both, tmp_path):
    (tmp_path / "a").write_text("a")
    dk("encrypt", *both, "-o", "object", "a").ok()
    dk("encrypt", *both, "-o", "..dkey", "a").ok()
    dk("encrypt", *both, "-o", ".dkey", "a").ok()
    for name in ("object", "..dkey", ".dkey"):
        dk("decrypt", *both, name, name).failed(name + ": does not end in .dkey")


def test_large_files_among_small_ones(dk, both, tmp_path):
    (tmp_path / "large").write_bytes(os.urandom(9 << 20))
    (tmp_path / "small").write_bytes(b"s")
    plain = (tmp_path / "large").read_bytes()
    dk("encrypt", *both, "large", "small").ok()
    dk("decrypt", *both, "--force", "large.dkey", "small.dkey").ok()
    assert (tmp_path / "large").read_bytes() == plain
    assert (tmp_path / "small").read_bytes() == b"s"


@pytest.mark.slow
def test_more_files_than_a_round_and_few_descriptors(dk, both, tmp_path):
    top = tmp_path / "top"
    for i in range(1500):
        path = top / str(i % 700) / str(i)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(i))

    def limit():
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (700, 700))
    dk("encrypt", *both, "-r", "top", preexec_fn=limit).ok()
    made = [n for n in listing(top) if n.endswith(".dkey")]
    assert len(made) == 1500
    assert dk("decrypt", *both, "-o", "-", "top/699/1399.dkey").ok().out == b"1399"


def test_deep_directories_end_with_a_message(dk, both, tmp_path):
    deep = tmp_path / "top"
    deep.mkdir()
    fd = os.open(deep, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    (deep / "file").write_text("x")
    dk("encrypt", *both, "-r", "top").failed("nested too deeply")
    assert (deep / "file.dkey").exists()


def test_the_set_up_and_the_sync_are_shared(dk, both, tmp_path, fault):
    for i in range(300):
        (tmp_path / f"f{i}").write_bytes(b"x")
    log = tmp_path / "log"
    dk("encrypt", *both, *[f"f{i}" for i in range(300)], env=fault("", log)).ok()
    calls = dict((line.split()[0], int(line.split()[1])) for line in log.open())
    assert calls["syncfs"] == 1
    assert calls["fsync"] == 1  # the directory


def test_a_failed_sync_fails_all_that_it_was_for(dk, both, tmp_path, fault):
    names = [f"f{i}" for i in range(10)]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    result = dk("encrypt", *both, *names, env=fault("syncfs:1:5"))
    result.failed("f0.dkey: cannot write the file to disk: Input/output error")
    assert len(result.err.splitlines()) == 10
    assert listing(tmp_path) == sorted(names)


@pytest.mark.slow
def test_ten_thousand_files(dk, both, tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    for i in range(10_000):
        (top / str(i)).write_bytes(i.to_bytes(4, "big") * 1024)
    dk("encrypt", *both, "-r", "top").ok()
    for i in range(10_000):
        (top / str(i)).unlink()
    dk("decrypt", *both, "-r", "top").ok()
    for i in range(10_000):
        assert (top / str(i)).read_bytes() == i.to_bytes(4, "big") * 1024
