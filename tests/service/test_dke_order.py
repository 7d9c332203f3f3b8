# SPDX-License-Identifier: Apache-2.0
"""What stands behind what in the log, of Microsoft's protocol: the real keyd, with the test as logd,
which keeps acknowledgements back. Model: formal/spin/dke.pml."""
import os
import struct

import pytest

from dke import settings
from dke_keyd import FIELDS, Keyd, factor
from reader import pages
from test_dke_pages import Pages

KEY_PASSED, PAGE_PASSED, FREEZE = 0x0203, 0x0209, 11
KEY_FROZEN, UNAVAILABLE, GATE, CANARY = 19, 28, 44, 48
RELEASE, DENIAL, FROZEN, SESSION = 2, 3, 12, 21


class Ordered(Keyd):
    """keyd with an origin, and what alice's authenticator sends."""

    def __init__(self, s):
        self.dke_conf = os.path.join(s.base, "conf")
        with open(self.dke_conf, "wb") as f:
            f.write(settings(s.origin))
        super().__init__(s)

    def page(self, what):
        self.number += 1
        body = self.s.alice.act_body(what, address=b"a" * 16)
        self.authd.send(PAGE_PASSED, struct.pack(">H", 0) + b"a" * 16 + body, self.number)
        append = self.append()
        assert append.event.class_ == SESSION
        return self.number, append

    def opens(self):
        """Index of the record of an open session."""
        number, append = self.page(pages.OPEN)
        index = self.acknowledge(append)
        assert self.result(number)[0] == 0
        return index

    def round(self):
        """Of messages: what was asked before is judged then."""
        self.number += 1
        self.authd.send(KEY_PASSED, b"docs", self.number)
        self.result(self.number)

    def asks(self, name, index):
        return self.ask(name, self.keys[name][0], self.wrap(name), level=6,
                        fields=(factor(6, 4, index), *FIELDS[1:]))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    s = Pages(tmp_path_factory.mktemp("order"))
    s.start()
    for name in ("docs", "large"):
        s.admin("key", "create", name, "--type", "dke-rsa2048")
    s.alice = s.registered()
    s.stop()
    return s


@pytest.fixture
def keyd(stopped):
    keyd = Ordered(stopped)
    yield keyd
    keyd.child.end()


def test_no_release_stands_behind_the_end_of_its_session(keyd):
    index = keyd.opens()
    number = keyd.asks("docs", index)  # the control: it holds
    append = keyd.append()
    assert append.event.class_ == RELEASE and (6, 4, index) in append.main["factors"]
    keyd.acknowledge(append)
    assert keyd.result(number)[0] == 0
    closing, append = keyd.page(pages.CLOSE)
    number = keyd.asks("docs", index)
    denial = keyd.append()
    assert (denial.event.class_, denial.main["reason"]) == (DENIAL, GATE)
    keyd.acknowledge(append)
    assert keyd.result(closing)[0] == 0
    keyd.acknowledge(denial)
    assert keyd.result(number) == (GATE, b"")


def test_a_session_that_opens_while_one_is_closed(keyd):
    """Its record is in front, so it is closed as well."""
    opening, first = keyd.page(pages.OPEN)
    closing, second = keyd.page(pages.CLOSE)
    index = keyd.acknowledge(first)
    assert keyd.result(opening)[0] == 0
    keyd.acknowledge(second)
    assert keyd.result(closing)[0] == 0
    keyd.asks("docs", index)
    assert keyd.append().main["reason"] == GATE


def test_a_request_that_was_judged_before_a_canary(keyd):
    """It waits for an act that comes to nothing; meanwhile a canary document is asked for."""
    keyd.ask("docs", keyd.keys["docs"][0], keyd.wrap("docs"), code=CANARY, level=0)
    canary = keyd.append()
    keyd.send_admin(FREEZE, "large")
    act = keyd.append()
    assert act.event.class_ == FROZEN
    keyd.ask("docs", keyd.keys["docs"][0], keyd.wrap("docs"))
    keyd.round()
    index = keyd.acknowledge(canary)
    keyd.acknowledge(act, UNAVAILABLE)
    found = {a.event.class_: a for a in (keyd.append(), keyd.append())}
    assert found[FROZEN].main["factors"] == [(8, 4, index)]
    keyd.acknowledge(found[FROZEN])
    assert found[DENIAL].main["reason"] == KEY_FROZEN


def test_a_request_that_was_judged_before_an_act_that_comes_to_nothing(keyd):
    """The control: without the canary it is a release."""
    keyd.send_admin(FREEZE, "large")
    act = keyd.append()
    keyd.ask("docs", keyd.keys["docs"][0], keyd.wrap("docs"))
    keyd.round()
    keyd.acknowledge(act, UNAVAILABLE)
    assert keyd.append().event.class_ == RELEASE
