# SPDX-License-Identifier: Apache-2.0
"""tokend alone, with the test in the place of keyd, and a module between it and SoftHSM2 whose
calls take as long as the test wants: what is under way at the same time."""
import os
import shutil
import struct
import subprocess

import pytest

from peers import Child
from service import BUILD, Service
from test_hsm import MODULES, URI, give_token

pytestmark = pytest.mark.skipif(not MODULES or not shutil.which("softhsm2-util"),
                                reason="softhsm2 is not installed")
MAKE, USE, DESTROY, DONE = 0x0601, 0x0602, 0x0603, 0x0604
READY, STOP = 0x0001, 0x0003
SLOW = os.path.join(BUILD, "tests", "service", "p11slow.so")
RSA, KEY = b"\x80\1", b"k" * 16
OK, HSM = 0, 33


class Tokend:
    def __init__(self, base, locks=True):
        os.makedirs(base)
        self.service = Service(base)
        give_token(self.service)
        self.folder = os.path.dirname(self.service.softhsm)
        if not locks:
            self.file("no-locks")
        self.number = 0
        self.start()
        code, self.public = self.answer(self.make())
        assert code == OK

    def start(self):
        pin = os.open(self.service.pin, os.O_RDONLY)
        self.child = Child("tokend", [pin], "/", env={"SOFTHSM2_CONF": self.service.softhsm,
                                                      "P11SLOW_MODULE": MODULES[0]},
                           args=[f"{URI}?module-path={SLOW}", self.folder, ""])
        os.close(pin)
        self.child.channel["parent"].expect(READY)
        self.keyd = self.child.channel["keyd"]

    def file(self, name):
        with open(os.path.join(self.folder, name), "w"):
            pass

    def there(self, name):
        return os.path.exists(os.path.join(self.folder, name))

    def send(self, kind, rest=b"", key=KEY):
        self.number += 1
        self.keyd.send(kind, RSA + key + rest, self.number)
        return self.number

    def make(self, key=KEY):
        return self.send(MAKE, URI.encode(), key)

    def use(self, head=b"\0\1\1", key=KEY):
        return self.send(USE, head + bytes(253), key)

    def next(self):
        number, payload = self.keyd.expect(DONE)
        return number, struct.unpack(">H", payload[:2])[0], payload[2:]

    def answer(self, number):
        got, code, rest = self.next()
        assert got == number
        return code, rest

    def end(self):
        self.file("go")
        return self.child.end()


@pytest.fixture
def tokend(tmp_path):
    made = Tokend(tmp_path / "s")
    yield made
    said = made.end()
    assert "AddressSanitizer" not in said and "runtime error" not in said, said


def power(tokend, head=b"\0\1\1"):
    """By the public key: what comes out becomes the number again."""
    from cryptography.hazmat.primitives.serialization import load_der_public_key
    public = load_der_public_key(tokend.public).public_numbers()
    return lambda out: pow(int.from_bytes(out, "big"), public.e, public.n) == int.from_bytes(
        head + bytes(253), "big")


def test_many_at_once(tokend):
    asked = {tokend.use(b"\0" + bytes([1, i])): power(tokend, b"\0" + bytes([1, i]))
             for i in range(100)}
    while asked:
        number, code, out = tokend.next()
        assert code == OK and asked.pop(number)(out)


def test_one_that_takes_long_holds_nobody(tokend):
    slow, others = tokend.use(b"\0\xde\xad"), [tokend.use() for _ in range(20)]
    assert [tokend.answer(number)[0] for number in others] == [OK] * 20
    tokend.file("go")
    code, out = tokend.answer(slow)
    assert code == OK and power(tokend, b"\0\xde\xad")(out)


def test_a_device_that_fails(tokend):
    """All sessions are opened anew, and no call is under way meanwhile."""
    assert tokend.answer(tokend.use())[0] == OK
    for _ in range(3):
        assert tokend.answer(tokend.use(b"\0\xf0\x0d"))[0] == HSM
        code, out = tokend.answer(tokend.use())
        assert code == OK and power(tokend)(out)
    asked = [tokend.use(b"\0\xf0\x0d" if i % 5 == 0 else b"\0\1\1") for i in range(50)]
    codes = dict(tokend.next()[:2] for _ in asked)
    assert sorted(codes) == asked and set(codes.values()) == {OK, HSM}
    assert tokend.answer(tokend.use())[0] == OK


def test_a_device_that_fails_beside_one_that_takes_long(tokend):
    """Nobody waits for that one for ever; when it is through, the others go on."""
    slow = tokend.use(b"\0\xde\xad")
    assert tokend.answer(tokend.use(b"\0\xf0\x0d"))[0] == HSM
    assert tokend.answer(tokend.use())[0] == HSM
    tokend.file("go")
    assert tokend.answer(slow)[0] == OK
    assert tokend.answer(tokend.use())[0] == OK


def test_what_was_destroyed_is_found_no_more(tokend):
    other = b"o" * 16
    assert tokend.answer(tokend.make(other))[0] == OK
    assert tokend.answer(tokend.use(key=other))[0] == OK
    assert tokend.answer(tokend.send(DESTROY, key=other))[0] == OK
    assert tokend.answer(tokend.use(key=other))[0] == HSM
    assert tokend.answer(tokend.use())[0] == OK
    # the same id again is another key
    code, tokend.public = tokend.answer(tokend.make(other))
    code, out = tokend.answer(tokend.use(key=other))
    assert code == OK and power(tokend)(out)


def test_a_module_without_locks(tmp_path):
    tokend = Tokend(tmp_path / "s", locks=False)
    assert sorted(tokend.next()[:2] for _ in [tokend.use() for _ in range(60)]) == [
        (number, OK) for number in range(2, 62)]
    assert not tokend.there("at-once")
    tokend.end()


def test_the_end_waits_for_what_is_under_way(tokend):
    """What only waited is given up: keyd asks for nothing more when it ends."""
    tokend.use(b"\0\xde\xad")
    assert tokend.answer(tokend.use())[0] == OK  # so that one is under way
    for _ in range(5 + (os.cpu_count() or 1)):
        tokend.use(b"\0\xde\xad")
    tokend.child.channel["parent"].send(STOP)
    with pytest.raises(subprocess.TimeoutExpired):
        tokend.child.process.wait(0.3)
    tokend.file("go")
    assert tokend.child.process.wait(60) == 0
