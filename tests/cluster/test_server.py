# SPDX-License-Identifier: Apache-2.0
"""One node, and a server that is away, comes back, or does not keep what it commits."""
import ctypes
import socket
import struct
import threading
import time

import pytest

from postgres import name_database, use_database
from test_migrate import records, release, run_fails, served


@pytest.fixture
def ready(service, server):
    use_database(service, server)
    service.start()
    service.prepare()
    return service


def wait_until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_server_that_is_away_and_comes_back(ready, server):
    """Its name is looked up anew each time, inside the sandbox."""
    ready.stop()
    name_database(ready, ready.uri.replace("127.0.0.1", "localhost"))
    ready.start()
    assert release(ready)[0] == 200
    for how in ("fast", "immediate"):
        server.stop(how)
        assert release(ready)[1] == "unavailable"
        assert ready.request("GET", "/log/checkpoint")[0] == 200
        assert ready.admin("freeze", check=False).returncode == 1
        server.start()
        wait_until(lambda: release(ready)[0] == 200)
    assert ready.admin("status").stdout.count("restarts\t0") == 1
    ready.stop()
    ready.start()
    assert "releases\topen" in ready.admin("status").stdout
    size = len(records(ready))
    assert int(served(ready, size)[0]) >= size


def test_a_server_that_does_not_sync_is_not_used(ready, server):
    ready.stop()
    for setting in ("fsync", "full_page_writes"):
        server.set(setting + " = off")
        assert "store-not-durable" in run_fails(ready)
        server.set(setting + " = on")
    server.sql("ALTER ROLE doublekey SET synchronous_commit = off", "postgres")
    ready.start()  # of the session it is set by the node
    assert release(ready)[0] == 200
    assert server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename='doublekey'") == "1"


def test_a_log_that_is_older_than_what_a_node_saw(ready, server):
    """What a standby that lags behind is, or a backup that was put back."""
    tables = ("head", "entry", "node", "act", "used", "budget", "sealed")
    for table in tables:
        server.sql("CREATE TABLE kept_%s AS TABLE doublekey.%s" % (table, table))
    assert release(ready)[0] == 200
    size = len(records(ready))
    served(ready, size)
    ready.stop()
    for table in tables:
        server.sql("BEGIN; DELETE FROM doublekey.%s; INSERT INTO doublekey.%s SELECT * FROM"
                   " kept_%s; COMMIT" % (table, table, table))
    assert "log-rolled-back" in run_fails(ready)


def test_a_database_whose_head_was_changed(ready, server):
    assert release(ready)[0] == 200
    server.sql("UPDATE doublekey.head SET frontier=set_byte(frontier,3,get_byte(frontier,3)#1)")
    wait_until(lambda: "store-forged" in open(ready.stderr).read())
    ready.stop()
    said = run_fails(ready)
    assert "store-forged" in said and "postgresql://" not in said
    server.sql("UPDATE doublekey.head SET frontier=set_byte(frontier,3,get_byte(frontier,3)#1)")
    ready.start()  # control
    assert release(ready)[0] == 200


class Taker(threading.Thread):
    """Has the port of a server that is away, and asks whoever comes for the password."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.got, self.asked = [], 0
        self.listener = socket.create_server(("127.0.0.1", port))
        self.start()

    def run(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    first = connection.recv(1000)
                    if first[4:8] == struct.pack(">I", 80877103):  # SSLRequest
                        connection.send(b"N")
                        connection.recv(1000)
                    connection.send(b"R" + struct.pack(">II", 8, 3))  # in clear
                    self.asked += 1
                    self.got.append(connection.recv(1000))
                except OSError:
                    pass


def test_a_password_is_not_told_to_who_took_the_port(ready, server):
    if ctypes.CDLL("libpq.so.5").PQlibVersion() < 160000:
        pytest.skip("libpq 16 is not installed: an older one tells it")
    server.stop()
    taker = Taker(server.port)
    try:
        wait_until(lambda: taker.asked > 1)
        assert release(ready)[1] == "unavailable"
        assert not any(taker.got)
    finally:
        taker.listener.close()
