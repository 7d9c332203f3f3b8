# SPDX-License-Identifier: Apache-2.0
"""Nodes of one cluster, each in a directory of its own, on one server."""
import os
import re
import shutil
import time

from postgres import name_database, use_database
from service import Service, free_port, parts_of, release_body


class Node(Service):
    """A copy of the first node's directory, which listens elsewhere under the same URL."""

    def __init__(self, base, first):  # pylint: disable=super-init-not-called
        for name in ("daemon", "url", "fingerprint", "vkey", "passfile", "uri"):
            setattr(self, name, getattr(first, name))
        self.first, self.process = first, None
        self.base = str(base)
        os.makedirs(self.base)
        os.chmod(self.base, 0o755)
        self.dir = os.path.join(self.base, "service")
        self.stderr = os.path.join(self.base, "stderr")
        self.port = free_port()
        shutil.copytree(first.dir, self.dir, ignore=shutil.ignore_patterns(
            "log.db*", "admin.sock", "tile", "checkpoint"))
        log = os.stat(os.path.join(first.dir, "log"))
        for folder, _, names in os.walk(os.path.join(self.dir, "log")):
            for path in [folder, *(os.path.join(folder, name) for name in names)]:
                os.chown(path, log.st_uid, log.st_gid)
        path = os.path.join(self.dir, "doublekeyd.conf")
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(re.sub(r'^listen = .*$', 'listen = "127.0.0.1:%d"' % self.port, text,
                           flags=re.M))

    def device(self, who="client"):
        return self.first.device(who)

    @property
    def object(self):
        return self.first.object


def cluster(service, server, base, count, *more_servers):
    """The service and count - 1 more nodes, started, with a key, a device and an object."""
    use_database(service, server, *more_servers)
    nodes = [service] + [Node(os.path.join(str(base), "node-%d" % n), service)
                         for n in range(2, count + 1)]
    try:
        for node in nodes:
            node.start()
        service.prepare()
        for node in nodes:
            wait_until(lambda: "finance" in node.admin("key", "list").stdout
                       and "alice" in node.admin("device", "list").stdout)
    except BaseException:  # nobody else knows them yet
        for node in nodes:
            if node.process:
                node.stop()
        raise
    return nodes


def wait_until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def release(node, nonce=None, created=None):
    """The code's name, or None."""
    return node.release(node.device(), release_body([parts_of(node.object)]), nonce=nonce,
                        created=created)[1]


def answer(node):
    return node.release(node.device(), release_body([parts_of(node.object)]))


def generation(node):
    return int([line.split("\t")[1] for line in node.admin("status").stdout.splitlines()
                if line.startswith("store generation")][0])


__all__ = ["Node", "answer", "cluster", "generation", "name_database", "release", "wait_until"]
