# SPDX-License-Identifier: Apache-2.0
"""The disk that forgets, itself: else the other tests would prove nothing."""
import errno
import os

import pytest

from crash import Disk


@pytest.fixture
def disk(tmp_path):
    d = Disk(tmp_path / "disk")
    yield d
    d.close()


def sync(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def write(path, data, at=0):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    assert os.pwrite(fd, data, at) == len(data)
    os.close(fd)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def path(disk, name):
    return os.path.join(disk.folder, name)


def test_a_name_needs_its_folder_synced_and_bytes_their_file(disk):
    a, b = path(disk, "a"), path(disk, "b")
    write(a, b"one")
    sync(a)
    write(b, b"two")
    disk.crash()
    assert os.listdir(disk.folder) == []
    write(a, b"one")
    sync(disk.folder)
    write(b, b"two")
    disk.crash()
    assert os.listdir(disk.folder) == ["a"] and read(a) == b""
    write(a, b"one")
    sync(a)
    write(a, b"more", 2)
    assert read(a) == b"onmore"
    disk.crash()
    assert read(a) == b"one"


def test_rename_remove_and_truncate_go_back(disk):
    a, b, folder = path(disk, "a"), path(disk, "b"), path(disk, "folder")
    write(a, b"old")
    write(b, b"new")
    os.mkdir(folder)
    disk.tell("sync")
    os.rename(b, a)
    assert read(a) == b"new" and not os.path.exists(b)
    os.rename(a, os.path.join(folder, "c"))
    disk.crash()
    assert read(a) == b"old" and read(b) == b"new" and os.listdir(folder) == []
    os.rename(b, a)
    sync(disk.folder)
    os.truncate(a, 1)
    os.rmdir(folder)
    disk.crash()
    assert read(a) == b"new" and not os.path.exists(b) and os.path.isdir(folder)


def test_any_part_may_be_left(disk):
    seen, names = set(), set()
    for seed in range(1, 40):
        a = path(disk, "a")
        write(a, b"0" * 2048)
        disk.tell("sync")
        write(a, b"1" * 2048)
        write(a, b"2" * 2048)
        write(path(disk, "b"), b"")
        disk.crash(seed)
        data = read(a)
        assert len(data) == 2048
        assert all(len(set(data[i:i + 512])) == 1 for i in range(0, 2048, 512))
        seen |= {data[i:i + 1] for i in range(0, 2048, 512)}
        names.add(os.path.exists(path(disk, "b")))
        for name in os.listdir(disk.folder):
            os.unlink(path(disk, name))
        disk.tell("sync")
    assert seen == {b"0", b"1", b"2"} and names == {False, True}


def test_the_same_seed_leaves_the_same(tmp_path):
    left = []
    for n in range(2):
        d = Disk(tmp_path / str(n))
        write(path(d, "a"), b"0" * 4096)
        sync(d.folder)
        write(path(d, "a"), b"1" * 4096, 1000)
        d.crash(7)
        left.append(read(path(d, "a")))
        d.close()
    assert left[0] == left[1]


def test_full_and_read_only(disk):
    a = path(disk, "a")
    write(a, b"x" * 1000)
    disk.tell("space", 1500)
    write(a, b"y" * 1000)
    with pytest.raises(OSError) as full:
        write(a, b"x" * 1000, 1000)
    assert full.value.errno == errno.ENOSPC and read(a) == b"y" * 1000
    disk.tell("space", 0)
    disk.tell("read-only", 1)
    for change in (lambda: write(a, b"z"), lambda: os.unlink(a), lambda: os.mkdir(a + "b"),
                   lambda: os.rename(a, a + "b"), lambda: os.truncate(a, 0)):
        with pytest.raises(OSError) as refused:
            change()
        assert refused.value.errno == errno.EROFS
    disk.tell("read-only", 0)
    with open(a, "w") as f:
        f.write("short")
    assert read(a) == b"short"


def test_a_deaf_disk_forgets_what_was_synced(disk):
    a = path(disk, "a")
    write(a, b"one")
    disk.tell("sync")
    for deaf, left in (("*", b"one"), ("a", b"one"), ("b", b"two")):
        disk.tell("deaf", deaf)
        write(a, b"two")
        sync(a)
        disk.crash()
        assert read(a) == left, deaf
