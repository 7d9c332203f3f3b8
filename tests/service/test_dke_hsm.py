# SPDX-License-Identifier: Apache-2.0
"""Keys of spec/profiles/ms-dke.md in SoftHSM2: made by a service that runs, used by keyd and
tokend with the test between them, so that it sees what the HSM is asked for."""
import os
import shutil
import struct

import pytest

from dke_keyd import BLOB, Keyd
from peers import Child
from service import Service
from test_dke_key import CODE, DESTROY, bad_values
from test_hsm import MODULES, PIN, URI, give_token

pytestmark = pytest.mark.skipif(not MODULES or not shutil.which("softhsm2-util"),
                                reason="softhsm2 is not installed")
USE, REMOVE, DONE, READY = 0x0602, 0x0603, 0x0604, 0x0001


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    s = Service(tmp_path_factory.mktemp("dke-hsm"))
    give_token(s)
    s.start()
    for name, bits, more in (("Docs", "2048", ()), ("both", "2048", ()),
                             ("large", "3072", ("--untested-size",))):
        s.admin("key", "create", name.lower(), "--type", "dke-rsa" + bits, "--dke-name", name,
                "--hsm", URI, *more)
    s.admin("key", "rotate", "both")  # in the store, beside one in the HSM
    s.admin("key", "create", "soft", "--type", "dke-rsa2048", "--dke-name", "TestKey1")
    s.listed = s.admin("key", "list").stdout
    s.stop()
    return s


class WithToken(Keyd):
    def __init__(self, s):
        super().__init__(s)
        with open(s.pin) as f:
            assert f.read().strip() == PIN
        pin = os.open(s.pin, os.O_RDONLY)
        folder = os.path.join(s.base, "hsm")
        self.tokend = Child("tokend", [pin], "/", env={"SOFTHSM2_CONF": s.softhsm},
                            args=["%s?module-path=%s" % (URI, MODULES[0]), folder, ""])
        os.close(pin)
        self.tokend.channel["parent"].expect(READY)

    def relay(self, change=lambda done: done):
        """One question, and its answer."""
        kind, number, asked = self.child.channel["tokend"].receive()
        self.tokend.channel["keyd"].send(kind, asked, number)
        back, same, done = self.tokend.channel["keyd"].receive()
        assert (back, same) == (DONE, number)
        self.child.channel["tokend"].send(DONE, change(done), number)
        return kind, asked

    def unwrap(self, name, id_, value, change=lambda done: done):
        number = self.ask(name, id_, value)
        kind, asked = self.relay(change)
        assert kind == USE and asked[:2] == b"\x80\1"
        append = self.append()
        self.nothing_yet()
        self.acknowledge(append)
        return (*self.result(number), append, asked[18:])

    def end(self):
        said = self.tokend.end()
        self.child.end()
        return said


@pytest.fixture
def keyd(stopped):
    keyd = WithToken(stopped)
    yield keyd
    keyd.end()


def test_what_is_listed(stopped):
    states = {tuple(line.split("\t")[:2]): line.split("\t")[2:4]
              for line in stopped.listed.splitlines()}
    assert states == {("docs", "1"): ["dke-rsa2048", "active,hsm"],
                      ("both", "1"): ["dke-rsa2048", "active,hsm"],
                      ("both", "2"): ["dke-rsa2048", "active"],
                      ("large", "1"): ["dke-rsa3072", "active,hsm"],
                      ("soft", "1"): ["dke-rsa2048", "active"]}


@pytest.mark.parametrize("name,size", [("Docs", 256), ("large", 384)])
def test_each_size(keyd, name, size):
    for plain in (BLOB, b"x" * 190, b"y"):
        value = keyd.wrap(name, plain)
        assert len(value) == size
        code, out, a, number = keyd.unwrap(name, keyd.keys[name][0], value)
        assert (code, out, number) == (0, plain, value)
        assert (a.event.class_, a.main["front"]) == (2, 3)


def test_the_store_and_the_hsm_beside_each_other(keyd, stopped):
    first = next(line.split("\t")[5].rpartition("/")[2] for line in stopped.listed.splitlines()
                 if line.startswith("both\t1"))
    assert keyd.keys["both"][0] != first
    assert keyd.decrypt("both", keyd.keys["both"][0], keyd.wrap("both"))[:2] == (0, BLOB)
    # A value for the other version: the HSM is asked, and it does not open.
    assert keyd.unwrap("both", first, keyd.wrap("both"))[0] == CODE["value"]


def test_each_wrong_value_takes_a_private_operation(keyd):
    """Of a number below the modulus, whatever the value is."""
    n, seen, count = keyd.keys["Docs"][1], set(), 0
    for value in bad_values(keyd):
        code, out, a, number = keyd.unwrap("Docs", keyd.keys["Docs"][0], value)
        assert (code, out, a.main["reason"]) == (CODE["value"], b"", CODE["value"])
        assert len(number) == 256 and 0 < int.from_bytes(number, "big") < n
        fits = len(value) == 256 and 0 < int.from_bytes(value, "big") < n
        assert (number == value) == fits
        seen.add(number)
        count += 1
    assert count >= 14 and len(seen) == count  # what does not fit is another number each time


def test_who_is_refused_asks_no_hsm(keyd):
    code, _, _ = keyd.decrypt("Docs", keyd.keys["Docs"][0], keyd.wrap("Docs"),
                              code=CODE["policy"], level=0)
    assert code == CODE["policy"]
    assert not keyd.child.channel["tokend"].parts
    keyd.child.channel["tokend"].end.settimeout(0)
    with pytest.raises(BlockingIOError):
        keyd.child.channel["tokend"].receive()


def test_an_hsm_that_is_away_or_lies(keyd):
    id_, value = keyd.keys["Docs"][0], keyd.wrap("Docs")
    for done, name in ((struct.pack(">H", 33), "hsm"), (struct.pack(">H", 34), "hsm-pin"),
                       (struct.pack(">H", 22), "value"), (bytes(2) + bytes(256), "value"),
                       (bytes(2) + b"x" * 255, "internal"), (bytes(2) + b"x" * 513, "hsm")):
        code, out, a, _ = keyd.unwrap("Docs", id_, value, lambda _, d=done: d)
        assert (code, out, a.event.class_) == (CODE[name], b"", 3), name
    assert keyd.unwrap("Docs", id_, value)[:2] == (0, BLOB)


def test_destruction_removes_it_from_the_hsm(stopped):
    keyd = WithToken(stopped)
    keyd.send_admin(DESTROY, "docs", "1")
    keyd.acknowledge(keyd.append())
    assert keyd.relay()[0] == REMOVE
    assert keyd.admin_done()[0] == 0
    assert "Docs" not in keyd.expect_keys()
    assert keyd.end() == ""
