# SPDX-License-Identifier: Apache-2.0
"""What a thief of the provider's signing key cannot do with denials: fill the log, or hide those of
other people (spec/profiles/ms-dke.md section 9)."""
import base64
import hashlib
import json
import time

import pytest

import entra
from dke import JSON, bearer, request
from test_dke_gates import ALICE, KEY, Gates

FIRST, FURTHER, PERSON, WINDOW_S = 10, 20, 100, 600  # in a second, and of a person in a window


class Flooded(Gates):
    def flood(self, persons, name="Bound"):
        """Denied requests, one behind the other on one connection."""
        body = json.dumps({"alg": "RSA-OAEP-256",
                           "value": base64.b64encode(self.wrap(name)).decode()}).encode()
        path = "/%s/%s/decrypt" % (name, self.public[name][1])
        tokens = {p: entra.token(KEY, entra.claims(upn=p)) for p in set(persons)}
        begin = time.time()
        with self.connect() as c:
            for at in range(0, len(persons), 50):
                some = persons[at:at + 50]
                c.send(b"".join(request("POST", path, [bearer(tokens[p]), JSON], body)
                                for p in some))
                assert {c.answer().status for _ in some} == {403}
        return int(time.time() - begin) + 2  # so many seconds it may have touched

    def records(self, since=0):
        made = map(json.loads, self.admin("log", "--json").stdout.splitlines())
        return [r for r in made if r["index"] >= since and r["class"] in ("denial", "release")]

    def denials_of(self, person, since):
        return [r for r in self.records(since) if r["class"] == "denial"
                and r.get("person") == person]

    def all_counted(self, since, count):
        """With the next record, each denial is there or counted."""
        assert self.opens("Open", self.wrap("Open"))
        made = self.records(since)
        return sum((r["class"] == "denial") + r.get("suppressed", 0) for r in made) == count

    def now(self):
        """Behind a record that counts what was before."""
        assert self.opens("Open", self.wrap("Open"))
        return self.records()[-1]["index"] + 1


@pytest.fixture(scope="module")
def s(tmp_path_factory):
    made = Flooded(tmp_path_factory.mktemp("floods"))
    made.start()
    made.make_keys()
    made.registered(ALICE)
    yield made
    made.stop()


def test_one_person(s):
    """Another one's denial has its record, whatever came before."""
    since, begin = s.now(), int(time.time())
    seconds = s.flood(["mallory@contoso.com"] * 500)
    s.flood(["carol@contoso.com"])
    found = s.denials_of("mallory@contoso.com", since)
    windows = int(time.time()) // WINDOW_S - begin // WINDOW_S + 1
    assert 1 <= len(found) <= min(PERSON * windows, FURTHER * seconds + windows)
    assert len(s.denials_of("carol@contoso.com", since)) == 1
    assert s.all_counted(since, 501)
    # A person does not come back in the next second.
    for _ in range(6):
        s.flood(["mallory@contoso.com"] * 50)
        time.sleep(1)
    windows = int(time.time()) // WINDOW_S - begin // WINDOW_S + 1
    assert len(s.denials_of("mallory@contoso.com", since)) <= PERSON * windows


def test_every_person(s):
    """Names are for whoever signs tokens to choose. Who has registered an authenticator is not
    hidden behind them."""
    since = s.now()
    invented = ["p%d@contoso.com" % i for i in range(1000)]
    seconds = s.flood(invented)
    s.flood([ALICE])
    denials = [r for r in s.records(since) if r["class"] == "denial"]
    assert len(denials) <= FIRST * seconds + 1
    assert len(s.denials_of(ALICE, since)) == 1
    assert s.all_counted(since, 1001)


def test_what_gets_no_record_waits_all_the_same(s):
    """The person sees on the page what to do about it."""
    page = s.registered("bob@contoso.com")
    s.flood(["bob@contoso.com"] * 150)
    value = s.wrap("Bound")
    assert not s.opens("Bound", value, "bob@contoso.com")
    assert hashlib.sha256(value).digest() in [d for d, _, _ in page.list()[2]]
