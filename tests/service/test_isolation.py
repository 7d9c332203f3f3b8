# SPDX-License-Identifier: Apache-2.0
"""What each process holds open and is limited to, on the running system."""
import os
import re
import socket
import ssl

import pytest

PROCESSES = ("httpd", "authd", "keyd", "logd", "fetchd")

ROOT = pytest.mark.skipif(os.geteuid() != 0,
                          reason="only root may see what these processes hold open")


def opened(pid):
    found = {}
    for fd in os.listdir("/proc/%d/fd" % pid):
        found[int(fd)] = os.readlink("/proc/%d/fd/%s" % (pid, fd))
    return found


def network_sockets():
    """Inodes of all network sockets, as the links in /proc name them."""
    inodes = set()
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        path = "/proc/net/" + table
        if os.path.exists(path):
            inodes |= {"socket:[%s]" % line.split()[9]
                       for line in open(path).read().splitlines()[1:]}
    return inodes


def files(s, pid):
    """Those in the directory of the service, by their names in it."""
    base = os.path.realpath(s.dir) + "/"
    return {link[len(base):] for link in opened(pid).values() if link.startswith(base)}


@ROOT
def test_only_httpd_has_the_network(ready):
    with socket.create_connection(("127.0.0.1", ready.port)) as plain:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(plain):
            network = network_sockets()
            held = {name: network & set(opened(pid).values())
                    for name, pid in ready.pids().items()}
    assert len(held["httpd"]) == 2  # control: the listener and this connection
    assert not [name for name in held if name != "httpd" and held[name]]


@ROOT
def test_each_holds_only_its_own_files(ready):
    ready.client("decrypt", "--customer", ready.key, "--provider", "p.key", "object.dk", "-o",
                 "out")
    pids = ready.pids()
    assert files(ready, pids["keyd"]) == {"keys/sealed.0", "keys/sealed.1"}  # and a control
    assert files(ready, pids["logd"])
    assert not [f for f in files(ready, pids["logd"]) if not f.startswith("log/")]
    assert files(ready, pids["authd"]) <= {"policy.conf"}
    assert not [f for f in files(ready, pids["httpd"]) if not f.startswith("tls/")]


@pytest.mark.parametrize("name", PROCESSES)
def test_limits_are_in_force(service, name):
    pid = service.pids()[name]
    status = open("/proc/%d/status" % pid).read()
    assert re.search(r"^Seccomp:\t2$", status, re.M)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M)
    limits = open("/proc/%d/limits" % pid).read()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.M)
    parent = open("/proc/%d/status" % service.process.pid).read()
    assert not re.search(r"^NoNewPrivs:\t1$", parent, re.M)  # control: these are not inherited
