# SPDX-License-Identifier: Apache-2.0
"""Secrets that are planted, and then looked for: key bytes, shares and what else a process
must not have, during and after 1,000 releases. A half of one counts as found."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from memory import files_of, found_in, memory_of, private_keys_of, share_of
from service import BUILD, PASSPHRASE, codes, parts_of, release_body

RELEASES = 1000
ALLOW = 'rule "all" {\nkeys = {"*"}\nusers = {"*"}\nallow = true\n}\n'

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="only root may read the memory of these processes")


class Setting:
    def __init__(self, s):
        self.s = s
        self.objects = [s.object]
        for i in range(9):
            s.client("encrypt", "--customer", s.key, "--provider", "p.key.pub", "plain", "-o",
                     "%d.dk" % i)
            self.objects.append(os.path.join(s.base, "%d.dk" % i))
        self.keys = {"key %d" % i: number
                     for i, (_, number) in enumerate(private_keys_of(s))}
        assert len(self.keys) == 3  # of identity, of the CA, the customer's
        self.shares = {"share %d" % i: share_of(s, path) for i, path in enumerate(self.objects)}
        device = s.device().key.private_numbers().private_value.to_bytes(32, "big")
        # What no process of the service ever has, or has any more.
        self.others = {"passphrase": PASSPHRASE.encode(), "device": device,
                       "plaintext": pathlib.Path(s.base, "plain").read_bytes()}
        self.everything = {**self.keys, **self.shares, **self.others}
        self.pids = {**s.pids(), "parent": s.process.pid}

    def found(self, name, secrets=None):
        return found_in(memory_of(self.pids[name]), secrets or self.everything)

    def body(self, objects):
        pairs = [parts_of(path) for path in self.objects]
        return release_body([pairs[i % len(pairs)] for i in range(objects)])


@pytest.fixture
def setting(ready):
    pathlib.Path(ready.dir, "policy.conf").write_text(ALLOW)
    ready.admin("policy", "reload")
    return Setting(ready)


def tls_key(s):
    pem = pathlib.Path(s.dir, "tls/server.key").read_bytes()
    return load_pem_private_key(pem, None).private_numbers().private_value.to_bytes(32, "big")


def load(setting, objects, requests):
    """The load generator, which makes its own ephemeral key and signatures."""
    s = setting.s
    body = os.path.join(s.base, "body-%d" % objects)
    pathlib.Path(body).write_bytes(setting.body(objects))
    device = os.path.join(s.base, "client", "doublekey", "services", "127.0.0.1:%d" % s.port,
                          "device.key")
    return subprocess.Popen(
        [os.path.join(BUILD, "bench", "load"), "--url", s.url, "--device", device, "--body", body,
         "--ca", os.path.join(s.dir, "tls", "chain.pem"), "--clients", "8", "--requests",
         str(requests)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


def figures(process):
    line = process.communicate(timeout=120)[0]
    assert process.returncode == 0
    return dict(word.split("=") for word in line.split())


def test_no_secret_in_the_others_during_and_after_1000_releases(setting):
    running = [load(setting, 1, RELEASES), load(setting, RELEASES, 4)]
    rounds = 0
    while rounds < 3 or any(p.poll() is None for p in running):
        for name in ("httpd", "authd", "logd", "parent"):
            assert setting.found(name) == set(), (name, rounds)
        rounds += 1
    assert figures(running[0])["ok"] == str(RELEASES)
    assert figures(running[1])["ok"] == "4"
    for name in ("httpd", "authd", "logd", "parent"):
        assert setting.found(name) == set(), name
    # Controls: what is there is found, each key in the process that has it.
    assert setting.found("keyd", setting.keys) == set(setting.keys)
    assert setting.found("httpd", {"tls": tls_key(setting.s)}) == {"tls"}


def test_the_search_finds_a_share_that_waits_for_the_log(setting):
    """Control: while logd does not answer, keyd holds shares, and nobody else."""
    s = setting.s
    os.kill(setting.pids["logd"], signal.SIGSTOP)
    process = load(setting, len(setting.objects), 1)
    end = time.monotonic() + 60
    while setting.found("keyd", setting.shares) != set(setting.shares):
        assert time.monotonic() < end and process.poll() is None
    for name in ("httpd", "authd", "logd", "parent"):
        assert setting.found(name) == set(), name
    os.kill(setting.pids["logd"], signal.SIGCONT)
    assert figures(process)["ok"] == "1"
    assert setting.found("keyd", setting.shares) == set()


def test_keyd_keeps_no_share(setting):
    """Two ways in, and what is refused leaves nothing either."""
    s = setting.s
    assert figures(load(setting, 1, 100))["ok"] == "100"
    assert figures(load(setting, RELEASES, 1))["ok"] == "1"
    s.admin("key", "disable", "finance", "1")
    assert set(codes(s.release(s.device(), setting.body(10))[2])) == {18}
    s.admin("key", "enable", "finance", "1")
    assert setting.found("keyd", setting.shares) == set()
    assert setting.found("keyd", setting.others) == set()


def test_no_secret_in_any_file(setting):
    s = setting.s
    assert figures(load(setting, 1, 200))["ok"] == "200"
    public = {"public": private_keys_of(s)[2][0].id}
    has_public = set()
    for path, data in [*files_of(s.dir), (s.stderr, pathlib.Path(s.stderr).read_bytes())]:
        assert found_in([data], setting.everything) == set(), path
        has_public |= {path} if found_in([data], public) else set()
    assert has_public  # control: the log names the key
