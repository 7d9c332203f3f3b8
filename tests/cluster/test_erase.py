# SPDX-License-Identifier: Apache-2.0
"""Erasure of persons (spec/log.md section 16) in a database."""
import json

import pytest

from postgres import use_database
from test_migrate import release
from test_server import wait_until


@pytest.fixture
def used(service, server):
    use_database(service, server)
    service.start()
    service.prepare()
    for _ in range(3):
        assert release(service)[0] == 200
    return service


def of_alice(s):
    out = s.admin("log", "--json", "--user", "alice").stdout
    return [json.loads(line)["class"] for line in out.splitlines()]


def test_persons_leave_the_rows_and_the_log_stays(used, server):
    s = used
    leaves = server.sql("SELECT string_agg(encode(leaf,'hex'),' ' ORDER BY idx)"
                        " FROM doublekey.entry")
    name = "SELECT count(*) FROM doublekey.entry WHERE position('alice'::bytea in record)>0"
    assert server.sql(name) == "5"  # code, enrolment, releases
    out = s.admin("log", "erase", "--user", "alice").stdout
    assert out.startswith("erased the persons of 4 records\nleft: the enrolments of 1 ")
    assert server.sql(name) == "1" and of_alice(s) == ["device-enrolled"]
    assert server.sql("SELECT string_agg(encode(leaf,'hex'),' ' ORDER BY idx)"
                      " FROM doublekey.entry").startswith(leaves)
    assert "does not open" not in s.log()
    assert s.admin("log", "erase", "--before", "2001-01-01").returncode == 0
    assert server.sql("SELECT erased FROM doublekey.head") == "0"  # nothing is that old
    assert release(s)[0] == 200 and of_alice(s) == ["device-enrolled", "release"]


def test_a_server_that_goes_away(used, server):
    s = used
    server.stop("immediate")
    assert s.admin("log", "erase", "--user", "alice", check=False).returncode == 1
    server.start()
    wait_until(lambda: release(s)[0] == 200)
    s.admin("log", "erase", "--user", "alice")
    assert of_alice(s) == ["device-enrolled"]
