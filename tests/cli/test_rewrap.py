# SPDX-License-Identifier: Apache-2.0
"""rewrap: new keys for one side, in place."""

import errno
import fcntl
import json
import os
import signal
import stat

import pytest

from conftest import listing

NO_TMPFILE = "tmpfile:0:%d" % errno.EOPNOTSUPP


@pytest.fixture
def made(dk, keys, both, tmp_path):
    plain = os.urandom(300_000)
    dk("encrypt", "--customer", keys / "c.key.pub", "--provider", keys / "p.key.pub",
       "-o", "object", stdin=plain).ok()
    return plain


def rewrap(dk, keys, *more, to="c2", files=("object",), **extra):
    return dk("rewrap", "--side", "customer", "--open", keys / "c.key",
              "--to", keys / (to + ".key.pub"), *more, *files, **extra)


def opens(dk, keys, customer, path="object"):
    result = dk("decrypt", "--customer", keys / (customer + ".key"),
                "--provider", keys / "p.key", "-o", "-", path)
    return result.out if result.status == 0 else None


def test_new_key_in_old_key_out(dk, keys, tmp_path, made):
    before = (tmp_path / "object").read_bytes()
    rewrap(dk, keys).ok()
    after = (tmp_path / "object").read_bytes()
    assert listing(tmp_path) == ["object"]
    assert opens(dk, keys, "c2") == made
    assert opens(dk, keys, "c") is None
    assert before[4096:] == after[4096:] and before[:200] == after[:200]
    info = json.loads(dk("inspect", "--json", "object").ok().out)
    assert info["sides"]["customer"]["epoch"] == 2
    assert info["sides"]["provider"]["epoch"] == 1
    assert len(info["sides"]["customer"]["formers"]) == 1


def test_the_other_side(dk, keys, tmp_path, made):
    dk("rewrap", "--side", "provider", "--open", keys / "p.key", "--to", keys / "p2.key.pub",
       "--to", keys / "p.key.pub", "object").ok()
    for name in ("p", "p2"):
        assert dk("decrypt", "--customer", keys / "c.key", "--provider", keys / (name + ".key"),
                  "object").ok().out == made


def test_what_is_refused(dk, keys, tmp_path, made):
    old = (tmp_path / "object").read_bytes()
    rewrap(dk, keys, to="p").failed("(key-side)")
    dk("rewrap", "--side", "customer", "--open", keys / "c3.key", "--to", keys / "c2.key.pub",
       "object").failed("(no-customer-key at customer set)")
    dk("rewrap", "--side", "customer", "--open", keys / "c.key.pub", "--to",
       keys / "c2.key.pub", "object").failed("(key-need-private)")
    dk("rewrap", "--side", "provider", "--open", keys / "p.key", "--to", keys / "same.key.pub",
       "object").failed("(same-custodian")
    rewrap(dk, keys, "--to", keys / "c2.key", files=["object"]).failed("(same-key)")
    rewrap(dk, keys, "--min-epoch", 2).failed("(epoch-too-old")
    (tmp_path / "link").symlink_to("object")
    rewrap(dk, keys, files=["link"]).failed("link: is a symbolic link")
    rewrap(dk, keys, files=["missing"]).failed("missing")
    (tmp_path / "link").unlink()
    assert (tmp_path / "object").read_bytes() == old
    assert listing(tmp_path) == ["object"]


def test_attributes_are_kept(dk, keys, tmp_path, made):
    path = tmp_path / "object"
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 2345)
    os.utime(path, ns=(1_500_000_000_000_000_001, 1_400_000_000_000_000_002))
    try:
        os.setxattr(path, "user.note", b"kept")
        attributes = True
    except OSError:
        attributes = False
    before = path.stat()
    rewrap(dk, keys).ok()
    after = path.stat()
    assert after.st_ino != before.st_ino
    for name in ("st_mode", "st_uid", "st_gid", "st_mtime_ns"):
        assert getattr(after, name) == getattr(before, name)
    if attributes:
        assert os.getxattr(path, "user.note") == b"kept"


def test_each_way_to_copy_gives_the_same(dk, keys, tmp_path, made, fault):
    old = (tmp_path / "object").read_bytes()
    for rule in ("", "clone:0:95", "clone:0:95,copy:0:18", "clone:0:22,copy:2:22"):
        (tmp_path / "object").write_bytes(old)
        rewrap(dk, keys, env=fault(rule)).ok()
        assert (tmp_path / "object").read_bytes()[4096:] == old[4096:]
        assert opens(dk, keys, "c2") == made


def test_hard_links_are_told(dk, keys, tmp_path, made):
    os.link(tmp_path / "object", tmp_path / "other")
    result = rewrap(dk, keys)
    assert result.status == 0 and "hard links" in result.err
    assert opens(dk, keys, "c2", "object") == made
    assert opens(dk, keys, "c", "other") == made


def test_several_files_and_directories(dk, keys, tmp_path, made):
    (tmp_path / "top").mkdir()
    for i in range(20):
        (tmp_path / f"top/f{i}.dkey").write_bytes((tmp_path / "object").read_bytes())
    (tmp_path / "top/readme").write_text("no object")
    (tmp_path / "top/f7.dkey").write_bytes(b"damaged")
    rewrap(dk, keys, "-r", files=["object", "top"]).failed("top/f7.dkey: ")
    for i in range(20):
        if i != 7:
            assert opens(dk, keys, "c2", f"top/f{i}.dkey") == made
    assert opens(dk, keys, "c2") == made
    assert (tmp_path / "top/f7.dkey").read_bytes() == b"damaged"


def test_two_at_once_do_not_lose_one_side(dk, keys, tmp_path, made):
    with open(tmp_path / "object", "rb") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        rewrap(dk, keys).failed("another rewrap is at work")
    rewrap(dk, keys).ok()
    # the same name twice in one call: one of them wins, and the object is whole
    rewrap(dk, keys, to="c3", files=["object", "object"])
    result = dk("rewrap", "--side", "customer", "--open", keys / "c2.key", "--to",
                keys / "c3.key.pub", "object", "object")
    assert result.status == 1
    assert opens(dk, keys, "c3") == made


@pytest.mark.parametrize("temporary", [[], [NO_TMPFILE]])
@pytest.mark.parametrize("what", ["write:1:28", "clone:0:95,copy:0:5", "fsync:1:5",
                                  "renameat:1:28", "futimens:1:5"])
def test_a_failed_call_leaves_the_old_object(dk, keys, tmp_path, made, fault, temporary, what):
    old = (tmp_path / "object").read_bytes()
    rewrap(dk, keys, env=fault(",".join([what, *temporary]))).failed("object: ")
    assert listing(tmp_path) == ["object"]
    assert (tmp_path / "object").read_bytes() == old
    assert opens(dk, keys, "c") == made


def kill_everywhere(dk, keys, tmp_path, made, fault, more):
    """Kill in front of each system call in turn, until one run comes to its end."""
    old = (tmp_path / "object").read_bytes()
    news = 0
    for n in range(1, 500):
        (tmp_path / "object").write_bytes(old)
        result = rewrap(dk, keys, env=fault(",".join([f"any:{n}:KILL", *more])))
        assert result.status in (0, -signal.SIGKILL)
        now = (tmp_path / "object").read_bytes()
        assert (now == old) != (opens(dk, keys, "c2") == made)
        assert now == old or result.status == 0 or news >= 0
        news += now != old
        for name in listing(tmp_path):
            # a name that a kill left is no object's name, and is skipped by -r
            if name != "object":
                assert name.startswith(".doublekey-")
                (tmp_path / name).unlink()
        if result.status == 0:
            return n, news
    raise AssertionError("never finished")


@pytest.mark.parametrize("more", [[], [NO_TMPFILE], ["clone:0:95", "copy:0:18"]])
def test_killed_anywhere(dk, keys, tmp_path, made, fault, more):
    calls, news = kill_everywhere(dk, keys, tmp_path, made, fault, more)
    assert calls > 8
    assert news >= 2  # after the rename, and at the end


@pytest.mark.slow
def test_killed_at_any_time(dk, keys, tmp_path, fault):
    """A large object and slow copies: most kills come in the middle of one."""
    import random
    import time
    plain = os.urandom(48 << 20)
    dk("encrypt", "--customer", keys / "c.key.pub", "--provider", keys / "p.key.pub",
       "-o", "first", stdin=plain).ok()
    old = (tmp_path / "first").read_bytes()
    env = dict(dk.env, **fault("clone:0:95,copy:0:18"))
    dice = random.Random(1)
    seen = set()
    for _ in range(150):
        (tmp_path / "object").write_bytes(old)
        process = dk.start("rewrap", "--side", "customer", "--open", keys / "c.key", "--to",
                           keys / "c2.key.pub", "object", env=env)
        time.sleep(dice.uniform(0, 0.12))
        process.kill()
        process.wait()
        now = (tmp_path / "object").read_bytes()
        seen.add(now == old)
        assert now == old or (now[4096:] == old[4096:] and opens(dk, keys, "c2") == plain)
        for name in listing(tmp_path):
            assert name in ("first", "object") or name.startswith(".doublekey-")
    assert seen == {True, False}


def test_mode_of_the_temporary(dk, keys, tmp_path, made, fault):
    """Until it is complete, nobody else can read it."""
    result = rewrap(dk, keys, env=fault(NO_TMPFILE + ",fsync:1:KILL"))
    assert result.status == -signal.SIGKILL
    left = [n for n in listing(tmp_path) if n != "object"]
    assert len(left) == 1
    assert stat.S_IMODE((tmp_path / left[0]).stat().st_mode) & 0o077 in (0, 0o044)
