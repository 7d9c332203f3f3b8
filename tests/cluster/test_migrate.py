# SPDX-License-Identifier: Apache-2.0
"""doublekeyd store migrate: the same log in another place, and never in two."""
import os
import re
import signal
import subprocess
import time

import pytest

from postgres import name_database, uri, use_database
from service import DAEMON, parts_of, release_body


def release(s, nonce=None, created=None):
    return s.release(s.device(), release_body([parts_of(s.object)]), nonce=nonce, created=created)


def run_fails(s):
    out = subprocess.run([DAEMON, "run", "--dir", s.dir, "--passphrase-file", s.passfile],
                         text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    assert out.returncode == 1, out
    return out.stderr


def served(s, at_least):
    """Size and root of the checkpoint that is served."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        status, _, body = s.request("GET", "/log/checkpoint")
        if status == 200 and int(body.split(b"\n")[1]) >= at_least:
            return body.split(b"\n")[1:3]
        time.sleep(0.1)
    raise AssertionError("no checkpoint of this size")


def used(s):
    """A service with a release whose request is remembered."""
    s.start()
    s.prepare()
    nonce, created = os.urandom(16), int(time.time())
    assert release(s, nonce, created)[0] == 200
    return nonce, created


def records(s):
    return [line for line in s.log().splitlines() if re.match(r"\d+ ", line)]


def test_there_and_back(service, server):
    nonce, created = used(service)
    size, root = served(service, len(records(service)))
    before = records(service)
    service.stop()
    use_database(service, server)
    assert server.sql("SELECT size,state FROM doublekey.head") == size.decode() + "|1"
    assert server.sql("SELECT convert_from(checkpoint,'UTF8') FROM doublekey.head").split("\n")[
        1:3] == [size.decode(), root.decode()]
    service.start()
    assert records(service)[:len(before)] == before
    assert release(service, nonce, created)[1] == "replay"
    assert release(service)[0] == 200
    service.admin("key", "create", "made-there")
    there = records(service)
    service.stop()
    name_database(service, None)
    assert "store-moved" in run_fails(service)
    service.admin("store", "migrate", "--from", service.uri)
    service.start()
    assert records(service)[:len(there)] == there
    assert release(service, nonce, created)[1] == "replay"
    assert "made-there" in service.admin("key", "list").stdout
    assert release(service)[0] == 200
    service.stop()
    name_database(service, service.uri)
    assert "store-both" in run_fails(service)
    os.rename(os.path.join(service.dir, "log", "log.db"), os.path.join(service.base, "log.db"))
    assert "store-moved" in run_fails(service)
    os.rename(os.path.join(service.base, "log.db"), os.path.join(service.dir, "log", "log.db"))
    service.admin("store", "migrate", "--to", service.uri)  # over what was moved away
    service.start()
    assert release(service, nonce, created)[1] == "replay"


def test_a_service_that_runs_is_not_moved(service, server):
    service.start()
    done = service.admin("store", "migrate", "--to", uri(server), check=False)
    assert done.returncode == 1 and "in-use" in done.stderr


def test_a_log_of_another_service_is_not_replaced(tmp_path, server):
    from service import Service
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    a, b = Service(tmp_path / "a"), Service(tmp_path / "b")
    use_database(a, server)
    with open(os.path.join(b.dir, "log", "pgpass"), "w") as f:
        f.write(server.pgpass())
    os.chmod(os.path.join(b.dir, "log", "pgpass"), 0o600)
    done = b.admin("store", "migrate", "--to", uri(server), check=False)
    assert done.returncode == 1 and "store-foreign" in done.stderr
    b.start()  # its own log is in force
    b.stop()
    os.rename(os.path.join(b.dir, "log", "log.db"), os.path.join(b.base, "log.db"))
    name_database(b, uri(server))
    assert "store-foreign" in run_fails(b)
    a.start()
    a.stop()


def test_an_empty_database_begins_no_log(service, server):
    service.start()
    service.stop()
    os.rename(os.path.join(service.dir, "log", "log.db"), os.path.join(service.base, "log.db"))
    with open(os.path.join(service.dir, "log", "pgpass"), "w") as f:
        f.write(server.pgpass())
    os.chmod(os.path.join(service.dir, "log", "pgpass"), 0o600)
    log = os.stat(os.path.join(service.dir, "log"))
    os.chown(os.path.join(service.dir, "log", "pgpass"), log.st_uid, log.st_gid)
    name_database(service, uri(server))
    assert "store-empty" in run_fails(service)


@pytest.mark.parametrize("delay", [0.02, 0.05, 0.1, 0.2])
def test_a_migration_that_is_killed_is_done_anew(service, server, delay):
    nonce, created = used(service)
    before = records(service)
    service.stop()
    server.sql("SELECT 1")
    with open(os.path.join(service.dir, "log", "pgpass"), "w") as f:
        f.write(server.pgpass())
    os.chmod(os.path.join(service.dir, "log", "pgpass"), 0o600)
    process = subprocess.Popen([DAEMON, "store", "migrate", "--to", uri(server), "--dir",
                                service.dir], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    use_database(service, server)
    service.start()
    assert records(service)[:len(before)] == before
    assert release(service, nonce, created)[1] == "replay"


def test_a_copy_with_another_root_is_not_put_in_force(service, server):
    used(service)
    service.stop()
    path = os.path.join(service.dir, "log", "log.db")
    import sqlite3
    with sqlite3.connect(path) as db:
        leaf, = db.execute("SELECT leaf FROM entry WHERE idx=2").fetchone()
        db.execute("UPDATE entry SET leaf=? WHERE idx=2", (leaf[:-1] + bytes([leaf[-1] ^ 1]),))
    db.close()
    with pytest.raises(AssertionError, match="log-damaged"):
        use_database(service, server)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE entry SET leaf=? WHERE idx=2", (leaf,))
    db.close()
    service.start()  # the source is in force again
    service.stop()
    use_database(service, server)  # control


def test_what_a_uri_may_say(service, server):
    for text, said in (
            ("mysql://x", "no URI"), ("postgresql://u@/d", "no host"),
            ("postgresql://127.0.0.1/d", "no user"), ("postgresql://u@127.0.0.1/", "no database"),
            ("postgresql://u:secret@127.0.0.1/d", "password must not be in the URI"),
            ("postgresql://u@127.0.0.1/d?password=secret", "password must not be in the URI"),
            ("postgresql://u@127.0.0.1/d?options=-cfsync%3Doff", "options must not"),
            ("postgresql://u@db.example.org/d", "no sslrootcert"),
            ("postgresql://u@127.0.0.1,db.example.org/d", "no sslrootcert"),
            ("postgresql://u@127.0.0.1/d?hostaddr=192.0.2.1", "no sslrootcert"),
            ("postgresql://u@db.example.org/d?sslmode=require&sslrootcert=x", "verify-full")):
        done = service.admin("store", "migrate", "--to", text, check=False)
        assert done.returncode == 1 and said in done.stderr, (text, done.stderr)
        assert "secret" not in done.stderr
    name_database(service, "postgresql://u:secret@127.0.0.1/d")
    said = run_fails(service)
    assert "password must not be in the URI" in said and "secret" not in said
