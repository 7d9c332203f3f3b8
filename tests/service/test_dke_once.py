# SPDX-License-Identifier: Apache-2.0
"""Tokens that unwrap once, spec/profiles/ms-dke.md section 5.4, at a whole service."""
import itertools
import json
import os
import signal
import threading
import time

import pytest

import entra
from reader import pages
from test_backup import backup, lose, restore
from test_clock import Clocked
from test_dke_gates import ALICE, KEY, Gates, confirm
from test_key_sets import until

HOUR = 3600
NUMBER = itertools.count()


class Once(Gates, Clocked):
    def __init__(self, base):
        super().__init__(base)
        self.policy_file = os.path.join(self.dir, "policy.conf")
        self.often = open(self.policy_file).read()
        self.write_policy("single-use = true\n\tmax-age = 86400")

    def write_policy(self, more):
        with open(self.policy_file, "w") as f:
            f.write(self.often.replace("\tclients = {", "\t%s\n\tclients = {" % more))

    @staticmethod
    def token(person=ALICE, **more):
        claims = {"uti": "once-%d" % next(NUMBER), "upn": person, **more}
        return entra.token(KEY, entra.claims(**claims))

    def status(self, name, token, value=None):
        return self.ask(name, value or self.wrap(name), token=token).status

    def records(self):
        return list(map(json.loads, self.admin("log", "--json").stdout.splitlines()))

    def reasons(self):
        return [r["reason"] for r in self.records() if r["class"] == "denial"]

    def again(self, token):
        """Used up: what the client sees, and what the record says."""
        answer = self.ask("Open", self.wrap("Open"), token=token)
        answer.check()
        return (answer.status == 401 and 'error="invalid_token"' in answer.one("WWW-Authenticate")
                and self.reasons()[-1] == "replay")


def started(base):
    s = Once(base)
    s.start()
    s.make_keys()
    return s


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    s = started(tmp_path_factory.mktemp("once"))
    yield s
    s.stop()


@pytest.mark.parametrize("form", [{}, {"version": 2}, {"uti": None, "jti": "j-1"}])
def test_a_token_unwraps_once(service, form):
    token = service.token(**form)
    assert service.status("Open", token) == 200
    assert service.again(token)
    assert service.status("Open", service.token()) == 200  # control: another one


def test_a_token_without_an_id_does_not_hold(service):
    for form in ({"uti": None}, {"uti": ""}, {"uti": "", "jti": "j-2"}):
        assert service.status("Open", service.token(**form)) == 401
        assert service.reasons()[-1] == "token"


def test_what_is_denied_before_uses_nothing_up(service):
    alice = service.registered(ALICE)
    token, value = service.token(), service.wrap("Bound")
    assert service.status("Bound", token, value) == 403
    assert service.status("Ambient", token) == 403
    service.admin("freeze")
    assert service.status("Open", token) == 403
    service.admin("unfreeze", "--reason", "test")
    assert confirm(alice, value)
    assert service.status("Bound", token, value) == 200
    assert confirm(alice, value)
    assert service.status("Bound", token, value) == 401
    assert alice.act(pages.OPEN).status == 200
    assert service.status("Ambient", token) == 401
    assert alice.act(pages.CLOSE).status == 200


def test_a_value_that_does_not_open_uses_it_up(service):
    token = service.token()
    assert service.status("Open", token, os.urandom(256)) == 400
    assert service.again(token)


def test_one_of_many_at_the_same_time(service):
    """However close they come: one is opened, each other one is recorded."""
    def ask(token, codes, gate):
        value = service.wrap("Open")
        gate.wait()
        codes.append(service.status("Open", token, value))

    since = len(service.records())
    for _ in range(4):
        token, codes, gate = service.token(), [], threading.Barrier(16)
        threads = [threading.Thread(target=ask, args=(token, codes, gate)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(codes) == [200] + 15 * [401]
    assert service.status("Open", service.token()) == 200  # has the count of what had no record
    made = service.records()[since:]
    assert {r["reason"] for r in made if r["class"] == "denial"} == {"replay"}
    assert sum((r["class"] == "denial") + r.get("suppressed", 0) for r in made) == 4 * 15


def test_over_the_end_of_each_process(service):
    token = service.token()
    assert service.status("Open", token) == 200
    for process in ("logd", "keyd"):
        old = service.pids()[process]
        os.kill(old, signal.SIGKILL)
        until(lambda o=old: not os.path.exists("/proc/%d" % o))
        service.wait_ready()
        until(lambda: service.ask("Open", service.wrap("Open"), token=token).status != 503)
        assert service.again(token)
    service.stop()
    service.start()
    assert service.again(token)
    assert service.status("Open", service.token()) == 200


def test_as_long_as_it_may_live(tmp_path):
    """Longer than a request is remembered; an old one that was not used is none the worse."""
    service = started(tmp_path)
    now = int(time.time())
    used, old, lost = (service.token(exp=now + 20 * HOUR) for _ in range(3))
    assert service.status("Open", used) == 200
    native = service.token(exp=now + 2 * HOUR)
    assert service.status("Open", native) == 200
    try:
        service.jump(5 * HOUR)
        assert service.status("Open", service.token(now=now + 5 * HOUR)) == 200
        assert service.again(used)
        assert service.status("Open", old) == 200
        assert service.again(old)
        # What was forgotten is not there again when the clock goes back.
        time.sleep(5)
        service.jump(0)
        assert service.again(native)
        assert service.status("Open", lost) == 200
    finally:
        service.stop()


def test_only_where_the_policy_says_so(service):
    token = service.token()
    assert service.status("Open", token) == 200
    try:
        service.write_policy("max-age = 86400")
        service.admin("policy", "reload")
        assert service.status("Open", token) == 200
        assert service.status("Open", service.token(uti=None)) == 200
        service.write_policy("single-use = true\n\tmax-age = 86399")
        service.admin("policy", "reload")
        assert service.again(token)
    finally:
        service.write_policy("single-use = true\n\tmax-age = 86400")
        service.admin("policy", "reload")


def test_a_backup_does_not_know_what_was_used_since(tmp_path):
    s = started(tmp_path)
    try:
        tokens = [s.token() for _ in range(2)]
        backup(s)
        assert s.status("Open", tokens[0]) == 200
        lose(s)
        restore(s)
        s.start()
        for token in tokens:
            assert s.again(token)
        now = int(time.time())
        assert s.status("Open", s.token(iat=now + 1, nbf=now)) == 200
    finally:
        s.stop()


