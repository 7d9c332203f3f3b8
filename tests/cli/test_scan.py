# SPDX-License-Identifier: Apache-2.0
"""`scan`: catalogues, read back by the second reader (tests/reader/catalogue.py)."""

import hashlib
import io
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from reader import catalogue  # noqa: E402
from reader import header, vectors  # noqa: E402
from reader.errors import EnvelopeError  # noqa: E402

CUSTOMER, PROVIDER = header.CUSTOMER, header.PROVIDER
SETTLED_S = 2.1


@pytest.fixture
def store(dk, keys):
    """A folder, and a function that puts an object into it."""
    folder = dk.home / "store"
    folder.mkdir()

    def put(name, *options, customer="c", provider="p"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dk("encrypt", "-q", "--customer", keys / f"{customer}.key.pub",
           "--provider", keys / f"{provider}.key.pub", *options, "-o", path, stdin=b"text").ok()
        return path
    put.folder = folder
    return put


def scan(dk, folder, *options, name="catalogue"):
    return dk("scan", "-o", dk.home / name, *options, folder)


def read(dk, name="catalogue"):
    return catalogue.read(dk.home / name)


def by_path(cat):
    return {os.fsdecode(path): o for o in cat.objects for path in o.locations}


def parsed(path):
    """What the second reader of the format says of a file."""
    with path.open("rb") as file:
        return header.parse_header(file)


def settle():
    """What was written is old enough that a later change has another stamp."""
    time.sleep(SETTLED_S)


def text(result):
    assert result.status == 0, result.err
    return result.err


def test_it_says_what_the_headers_say(dk, store, keys):
    paths = [store("a.dkey", "--label", "Schlüssel", "--tenant", "t"), store("sub/b.dkey"),
             store("sub/sub/c.dkey", "--sign", str(keys / "s.key"), customer="c2")]
    text(scan(dk, store.folder))
    found = by_path(read(dk))
    assert sorted(found) == sorted(map(str, paths))
    for path in paths:
        it, of = found[str(path)], parsed(path)
        assert it.core_digest == of.core.digest and it.object_id == of.core.object_id
        assert (it.created, it.tenant, it.label, it.creator) == (
            of.core.created, of.core.tenant, of.core.label, of.core.creator)
        for side in (CUSTOMER, PROVIDER):
            (seen,), stands = it.sets[side], of.sets[side]
            assert seen.epoch == stands.epoch == 1
            assert seen.digest == hashlib.sha256(stands.encode()).digest()
            assert [k[:4] for k in seen.stanzas] == [
                (side, s.type, s.key_id, s.custodian) for s in stands.stanzas]
            assert not seen.formers


def test_a_rewrap_leaves_the_old_stanzas(dk, store, keys):
    path = store("a.dkey")
    text(scan(dk, store.folder))
    old = by_path(read(dk))[str(path)]
    dk("rewrap", "-q", "--side", "customer", "--open", keys / "c.key",
       "--to", keys / "c2.key.pub", path).ok()
    assert "1 with new keys" in text(scan(dk, store.folder))
    (it,) = read(dk).objects
    assert it.core_digest == old.core_digest
    assert it.sets[CUSTOMER][0] == old.sets[CUSTOMER][0] and it.sets[PROVIDER] == old.sets[PROVIDER]
    assert it.sets[CUSTOMER][1].epoch == 2 and it.locations[os.fsencode(path)] == (2, 1)
    assert [k[:4] for k in it.sets[CUSTOMER][1].formers] == [
        k[:4] for k in it.sets[CUSTOMER][0].stanzas]
    assert it.sets[CUSTOMER][1].stanzas != it.sets[CUSTOMER][0].stanzas


def test_what_is_gone_stays_known(dk, store):
    path, other = store("a.dkey"), store("sub/b.dkey")
    text(scan(dk, store.folder))
    path.unlink()
    shutil.rmtree(other.parent)
    text(scan(dk, store.folder))
    cat = read(dk)
    assert len(cat.objects) == 2 and not by_path(cat)
    assert sorted(p for o in cat.objects for p, _, _ in o.past) == sorted(
        map(os.fsencode, (path, other)))
    assert cat.scans[-1][3] == 0


def test_another_object_in_a_place(dk, store):
    path = store("a.dkey")
    text(scan(dk, store.folder))
    first = read(dk).objects[0]
    path.unlink()
    store("a.dkey")
    text(scan(dk, store.folder))
    one, two = read(dk).objects
    assert one.core_digest == first.core_digest and not one.locations
    assert [p for p, _, _ in one.past] == list(two.locations) == [os.fsencode(path)]


def test_copies_are_one_object(dk, store):
    path = store("a.dkey")
    shutil.copy(path, store.folder / "copy")
    text(scan(dk, store.folder))
    (it,) = read(dk).objects
    assert len(it.locations) == 2


def test_only_what_changed_is_read(dk, store):
    paths = [store(f"{i}.dkey") for i in range(3)]
    (store.folder / "notes.txt").write_text("no object")
    settle()
    assert "4 files read, 0 unchanged" in text(scan(dk, store.folder))
    assert "0 files read, 4 unchanged" in text(scan(dk, store.folder))
    # A change that leaves size and time of change as they were.
    at = paths[0].stat()
    data = bytearray(paths[0].read_bytes())
    data[20] ^= 1  # object id
    paths[0].write_bytes(data)
    os.utime(paths[0], ns=(at.st_atime_ns, at.st_mtime_ns))
    assert "1 files read, 3 unchanged" in text(scan(dk, store.folder))
    assert len(read(dk).objects) == 4


def test_what_was_just_written_is_read_again(dk, store):
    store("a.dkey")
    assert "1 files read" in text(scan(dk, store.folder))
    assert "1 files read, 0 unchanged" in text(scan(dk, store.folder))


def test_bad_headers_are_listed_and_stop_nothing(dk, store):
    good = store("z.dkey")
    data = good.read_bytes()
    cases = {"cut": (data[:100], "truncated", "core header"),
             "version": (data[:9] + b"\x02" + data[10:], "version", "core header"),
             "padding": (data[:4095] + b"\x01" + data[4096:], "padding", "padding")}
    for name, (bad, _, _) in cases.items():
        (store.folder / name).write_bytes(bad)
    (store.folder / "empty").touch()
    (store.folder / "short").write_bytes(data[:7])
    result = scan(dk, store.folder, "-q")
    result.failed(*(error for _, error, _ in cases.values()))
    cat = read(dk)
    assert list(by_path(cat)) == [str(good)]
    assert cat.problems == {os.fsencode(store.folder / name): (error, place)
                            for name, (_, error, place) in cases.items()}
    assert cat.others == {os.fsencode(store.folder / n) for n in ("empty", "short")}
    assert cat.scans[-1][3] == 3
    for name in cases:
        (store.folder / name).unlink()
    text(scan(dk, store.folder))
    assert not read(dk).problems


def kms_keys(entries):
    """Name and version that kms stanzas say, "" for others."""
    for entry in entries:
        body = getattr(entry, "encapsulation", b"") if entry.type == header.KMS else b""
        size = int.from_bytes(body[:2], "big")
        yield body[2:2 + size].decode(), body[3 + size:].decode()


def test_each_vector_of_the_envelope_is_listed_as_it_should(dk, store):
    """Headers that cannot be parsed with their error and place, all others as objects."""
    objects, problems, others = {}, {}, set()
    for vector in vectors.all_vectors():
        path = store.folder / vector.name
        path.write_bytes(vector.data)
        name = os.fsencode(path)
        try:
            objects[name] = header.parse_header(io.BytesIO(vector.data))
        except EnvelopeError as error:
            problems[name] = (error.name, error.place)
        if not vector.data.startswith(header.MAGIC):
            problems.pop(name, None)
            others.add(name)
    scan(dk, store.folder, "-q").failed("more; --problems has all")
    cat = read(dk)
    assert cat.problems == problems and cat.others == others
    assert len(problems) > 50 and len(objects) > 50
    found = {path: o for o in cat.objects for path in o.locations}
    assert set(found) == set(objects)
    named = set()
    for path, of in objects.items():
        it = found[path]
        assert it.core_digest == of.core.digest
        for side, number in zip((CUSTOMER, PROVIDER), it.locations[path]):
            seen, stands = it.sets[side][number - 1], of.sets[side]
            assert seen.epoch == stands.epoch
            for keys, entries in ((seen.stanzas, stands.stanzas), (seen.formers, stands.formers)):
                assert sorted(keys) == sorted(
                    (side, e.type, e.key_id, e.custodian, *kms)
                    for e, kms in zip(entries, kms_keys(entries)))
                named.update(key[4:] for key in keys)
    assert any(version for _, version in named)
    shown = dk("scan", "--keys", "-o", dk.home / "catalogue").ok().out.decode()
    for name, version in named:
        assert (f"  {name}  version {version}  " if version else f"  {name}") in shown
    assert dk("scan", "--problems", "-o", dk.home / "catalogue").err.count("\n") == len(problems)


def test_what_is_no_file_is_left_alone(dk, store):
    target = store("sub/a.dkey")
    (store.folder / "link").symlink_to(target)
    (store.folder / "folder-link").symlink_to(target.parent)
    (store.folder / "loop").symlink_to(store.folder)
    os.mkfifo(store.folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(store.folder / "socket"))
        text(scan(dk, store.folder))
    assert list(by_path(read(dk))) == [str(target)]
    # The root itself may be a link, and is named by what it leads to.
    text(scan(dk, store.folder / "folder-link", name="other"))
    assert list(by_path(read(dk, "other"))) == [str(target)]


def test_names_are_bytes(dk, store):
    path = store("a.dkey")
    odd = os.fsencode(store.folder) + b"/new\nline\xff\x1b[2J"
    os.rename(path, odd)
    os.truncate(odd, 100)
    scan(dk, store.folder, "-q").failed("new\\x0aline\\xff\\x1b[2J")
    assert list(read(dk).problems) == [odd]


def test_what_cannot_be_read_is_told_and_not_gone(dk, store):
    path = store("closed/a.dkey")
    text(scan(dk, store.folder))
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root reads everything")
    path.parent.chmod(0)
    try:
        argv = dk.argv("scan", "-o", dk.home / "catalogue", store.folder)
        if os.geteuid() == 0:
            argv = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all",
                    "--ambient-caps", "-all", "--no-new-privs", *argv]
            os.chown(path.parent, 1, 1)
        done = subprocess.run(argv, capture_output=True, env=dk.env, timeout=60)
    finally:
        path.parent.chmod(0o700)
    assert done.returncode == 1 and b"EACCES" in done.stderr, done.stderr
    cat = read(dk)
    assert cat.problems == {os.fsencode(path.parent): ("read", "EACCES")}
    assert list(by_path(cat)) == [str(path)]


def test_deep_folders_end(dk, store):
    folder = store.folder
    for _ in range(300):
        folder /= "d"
        folder.mkdir()
    scan(dk, store.folder, "-q").failed("too-deep")
    ((path, problem),) = read(dk).problems.items()
    assert problem == ("too-deep", None) and path.count(b"/d") == 257


def test_keys_and_their_versions_are_printed(dk, store, keys):
    path = store("a.dkey")
    store("b.dkey")
    text(scan(dk, store.folder))
    dk("rewrap", "-q", "--side", "customer", "--open", keys / "c.key",
       "--to", keys / "c2.key.pub", path).ok()
    result = scan(dk, store.folder, "--keys", "-q")
    lines = result.ok().out.decode().splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("customer  1 objects, 1 formerly")
    assert lines[1].endswith("recovery  1 objects, 0 formerly")
    assert lines[2].endswith("provider  2 objects, 0 formerly")


def test_other_files_are_refused(dk, store):
    store("a.dkey")
    other = dk.home / "other"
    other.write_text("not a catalogue " * 100)
    before = other.read_bytes()
    scan(dk, store.folder, name="other").failed("catalogue-file")
    assert other.read_bytes() == before
    text(scan(dk, store.folder))
    with sqlite3.connect(dk.home / "catalogue") as db:
        db.execute("PRAGMA user_version=2")
    db.close()
    scan(dk, store.folder).failed("catalogue-version")
    with sqlite3.connect(dk.home / "catalogue") as db:
        db.execute("PRAGMA user_version=1")
        db.execute("CREATE TRIGGER t AFTER INSERT ON object BEGIN DELETE FROM object; END")
    db.close()
    scan(dk, store.folder).failed("catalogue-file")
    dk("scan", "--keys", "-o", dk.home / "catalogue").failed("catalogue-file")


DAMAGES = [
    "DELETE FROM stanza WHERE side=2",
    "DELETE FROM stanza_set WHERE side=1",
    "DELETE FROM object WHERE id=1",
    "UPDATE object SET core_digest=x'00' WHERE id=2",
    "UPDATE object SET label=x'41'",
    "UPDATE object SET created=-1",
    "UPDATE stanza SET key=99 WHERE object=2",
    "UPDATE stanza_set SET epoch=0",
    "UPDATE key SET custodian='a'||char(10)",
    "INSERT INTO stanza VALUES(9,1,1,1,0)",
    "INSERT INTO stanza_set VALUES(9,1,1,1,x'00',1)",
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found(dk, store, damage):
    store("a.dkey")
    store("b.dkey")
    text(scan(dk, store.folder))
    dk("scan", "--keys", "-o", dk.home / "catalogue").ok()
    with sqlite3.connect(dk.home / "catalogue") as db:
        db.execute(damage)
    db.close()
    dk("scan", "--keys", "-o", dk.home / "catalogue").failed("catalogue-file")


def test_a_second_writer_is_refused(dk, store):
    store("a.dkey")
    text(scan(dk, store.folder))
    db = sqlite3.connect(dk.home / "catalogue", isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    scan(dk, store.folder).failed("catalogue-busy")
    dk("scan", "--keys", "-o", dk.home / "catalogue").failed("catalogue-busy")
    db.rollback()
    db.close()
    text(scan(dk, store.folder))


def test_usage(dk, store):
    dk("scan", store.folder).failed("-o", status=2)
    dk("scan", "-o", "x").failed("FOLDER", status=2)
    dk("scan", "-o", "x", "-j", "0", store.folder).failed("--jobs", status=2)
    dk("scan", "-o", "x", dk.home / "missing").failed("missing")
    path = store("a.dkey")
    dk("scan", "-o", "x", path).failed("a.dkey")


def make_many(template, folder, count):
    """Objects with other core headers; a scan checks form only."""
    data = template.read_bytes()
    for i in range(count):
        at = folder / f"{i // 100:03d}"
        at.mkdir(exist_ok=True)
        (at / f"{i:06d}").write_bytes(data[:16] + os.urandom(48) + data[64:])


CALLS = "pwrite64,fdatasync,fsync,unlink,write,ftruncate"


@pytest.mark.slow
def test_a_scan_that_is_killed_anywhere_goes_on(dk, store):
    """Killed before each of its writes in turn, then taken up."""
    template = store("template")
    make_many(template, store.folder, 120)
    if not shutil.which("strace"):
        pytest.skip("strace is not here")
    count = 0
    settle()
    for number in range(1, 200):
        for name in ("catalogue", "catalogue-journal"):
            (dk.home / name).unlink(missing_ok=True)
        done = subprocess.run(
            ["strace", "-f", "-qq", "-o", "/dev/null",
             "-e", f"inject={CALLS}:signal=KILL:when={number}",
             *dk.argv("scan", "-q", "-j", "1", "-o", dk.home / "catalogue", store.folder)],
            capture_output=True, env=dk.env, timeout=60)
        if done.returncode == 0:
            break
        count += 1
        assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
        text(scan(dk, store.folder))
        cat = read(dk)
        assert len(cat.objects) == 121 and len(by_path(cat)) == 121
        assert cat.scans[-1][2] is not None
    assert count > 10, count


@pytest.mark.slow
def test_a_killed_scan_is_taken_up_where_it_was(dk, store):
    template = store("template")
    make_many(template, store.folder, 60000)
    settle()
    running = dk.start("scan", "-q", "-o", dk.home / "catalogue", store.folder)
    limit = time.monotonic() + 60
    path = dk.home / "catalogue"
    while time.monotonic() < limit and running.poll() is None:
        if path.exists() and path.stat().st_size > 12 << 20:
            break
        time.sleep(0.005)
    running.kill()
    running.wait()
    said = text(scan(dk, store.folder))
    unchanged = int(said.split("read, ")[1].split(" unchanged")[0])
    assert unchanged >= 19000, said
    assert len(read(dk).objects) == 60001


VECTORS = dict(catalogue.vectors())


@pytest.mark.parametrize("name", VECTORS)
def test_vectors(dk, name):
    """spec/vectors/catalogue, with a folder as the root; tests/provider has them with a bucket."""
    vector, root = VECTORS[name], dk.home / "root"
    for places in vector["scans"]:
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        for place, data in places.items():
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).write_bytes(data)
        scan(dk, root, "-q")
    found = catalogue.as_vector(read(dk), os.fsencode(root) + b"/")
    assert found == {part: vector[part] for part in found}
