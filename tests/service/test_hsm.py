# SPDX-License-Identifier: Apache-2.0
"""Keys in an HSM: SoftHSM2, set up anew for each test, with its own configuration."""
import os
import shutil
import subprocess
import time

import pytest

from service import codes, parts_of, release_body
from test_keys import customer_set, decrypt, encrypt, key_id_of, release_code

MODULES = [p for p in ("/usr/lib/softhsm/libsofthsm2.so",
                       "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                       "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so") if os.path.exists(p)]
pytestmark = pytest.mark.skipif(not MODULES or not shutil.which("softhsm2-util"),
                                reason="softhsm2 is not installed")
PIN = "271828"
URI = "pkcs11:token=dk"


def util(s, *args):
    env = {**os.environ, "SOFTHSM2_CONF": s.softhsm}
    return subprocess.run(["softhsm2-util", *args], check=True, env=env, text=True,
                          capture_output=True).stdout


def give_token(service):
    """A token of its own, for a service that does not run."""
    folder = os.path.join(service.base, "hsm")
    tokens = os.path.join(folder, "tokens")
    os.makedirs(tokens)
    service.softhsm = os.path.join(folder, "softhsm2.conf")
    with open(service.softhsm, "w") as f:
        f.write("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n"
                % tokens)
    util(service, "--init-token", "--free", "--label", "dk", "--pin", PIN, "--so-pin", "314159")
    service.pin = os.path.join(service.base, "pin")
    set_pin(service, PIN)
    with open(os.path.join(service.dir, "doublekeyd.conf"), "a") as f:
        f.write('hsm = "%s?module-path=%s&pin-source=file:%s"\nhsm-directory = "%s"\n'
                'hsm-environment = {"SOFTHSM2_CONF=%s"}\n'
                % (URI, MODULES[0], service.pin, folder, service.softhsm))


@pytest.fixture
def hsm(service):
    service.stop()
    give_token(service)
    service.start()
    return service


def set_pin(s, pin):
    with open(s.pin, "w") as f:
        f.write(pin + "\n")


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa3072"])
def test_each_type(hsm, kind):
    out = hsm.admin("key", "create", "k", "--type", kind, "--hsm", URI)
    assert "version 1, key id" in out.stdout
    assert ",hsm" in hsm.admin("key", "list").stdout
    hsm.enrol()
    encrypt(hsm, "k", "o.dk")
    decrypt(hsm, "k", "o.dk")
    # What does not open is one error, and the next one opens.
    core, customer = parts_of(os.path.join(hsm.base, "o.dk"))
    at = customer.index(key_id_of(hsm, 1)) + 32 + 48
    for place in (at, at + 1, at + 40, len(customer) - 60):
        bad = customer[:place] + bytes([customer[place] ^ 1]) + customer[place + 1:]
        answer = hsm.release(hsm.device(), release_body([(core, bad), (core, customer)]))[2]
        assert codes(answer) == [22, 0], place
    # A key of the store beside it, in one request.
    hsm.admin("key", "create", "soft")
    encrypt(hsm, "soft", "s.dk")
    pairs = [parts_of(os.path.join(hsm.base, n)) for n in ("o.dk", "s.dk", "o.dk")]
    assert codes(hsm.release(hsm.device(), release_body(pairs))[2]) == [0, 0, 0]
    hsm.stop()
    hsm.start()
    decrypt(hsm, "k", "o.dk")
    assert hsm.log().count("release done") >= 4


def test_many_objects_in_one_request(hsm):
    hsm.admin("key", "create", "k", "--hsm", URI)
    hsm.enrol()
    encrypt(hsm, "k", "o.dk")
    pair = parts_of(os.path.join(hsm.base, "o.dk"))
    assert codes(hsm.release(hsm.device(), release_body([pair] * 300))[2]) == [0] * 300


def test_destruction_and_rotation(hsm):
    hsm.admin("key", "create", "k", "--hsm", URI)
    hsm.enrol()
    encrypt(hsm, "k", "one.dk")
    hsm.admin("key", "rotate", "k", "--hsm", URI)
    hsm.admin("key", "destroy", "k", "1")
    assert release_code(hsm, "one.dk") == 17
    assert "is still in the HSM" not in open(hsm.stderr).read()
    tokens = os.path.join(hsm.base, "hsm", "tokens")
    objects = [n for d, _, names in os.walk(tokens) for n in names
               if n.endswith(".object") and n != "token.object"]
    assert len(objects) == 2  # public and private half of version 2
    os.unlink(os.path.join(hsm.base, "client", "doublekey", "services",
                           "127.0.0.1:%d" % hsm.port, "keys", "k"))
    encrypt(hsm, "k", "two.dk")
    assert key_id_of(hsm, 2) in customer_set(hsm, "two.dk")
    decrypt(hsm, "k", "two.dk")


def test_wrong_pin_is_tried_once(hsm):
    hsm.admin("key", "create", "k", "--hsm", URI)
    hsm.admin("key", "create", "soft")
    hsm.enrol()
    encrypt(hsm, "k", "o.dk")
    encrypt(hsm, "soft", "s.dk")
    hsm.stop()
    set_pin(hsm, "999999")
    hsm.start()
    for _ in range(3):
        assert release_code(hsm, "o.dk") == 34  # hsm-pin
        assert release_code(hsm, "s.dk") == 0  # the others go on
    out = hsm.admin("key", "create", "l", "--hsm", URI, check=False)
    assert out.returncode == 1 and "hsm-pin" in out.stderr
    os.kill(hsm.pids()["authd"], 9)  # all start anew
    time.sleep(0.5)
    hsm.wait_ready()
    assert release_code(hsm, "o.dk") == 34
    said = open(hsm.stderr).read()
    assert said.count("does not take the PIN") == 1 and "999999" not in said
    assert "the PIN was refused" in hsm.admin("status").stdout
    hsm.stop()
    set_pin(hsm, PIN)
    hsm.start()
    assert release_code(hsm, "o.dk") == 0


def test_lost_hsm(hsm):
    hsm.admin("key", "create", "k", "--hsm", URI)
    hsm.admin("key", "create", "soft")
    hsm.enrol()
    encrypt(hsm, "k", "o.dk")
    encrypt(hsm, "soft", "s.dk")
    hsm.stop()
    tokens = os.path.join(hsm.base, "hsm", "tokens")
    os.rename(tokens, tokens + ".away")
    os.mkdir(tokens)
    hsm.start()
    assert release_code(hsm, "o.dk") == 33 and release_code(hsm, "s.dk") == 0
    assert "reason=hsm" in hsm.log()
    out = hsm.admin("key", "create", "l", "--hsm", URI, check=False)
    assert out.returncode == 1 and "hsm" in out.stderr
    # It comes back, and nobody has to do anything.
    for name in os.listdir(tokens + ".away"):
        os.rename(os.path.join(tokens + ".away", name), os.path.join(tokens, name))
    assert release_code(hsm, "o.dk") == 0


def test_tokend_ends_and_comes_back(hsm):
    hsm.admin("key", "create", "k", "--hsm", URI)
    hsm.enrol()
    encrypt(hsm, "k", "o.dk")
    os.kill(hsm.pids()["tokend"], 9)
    time.sleep(0.5)
    hsm.wait_ready()
    assert release_code(hsm, "o.dk") == 0


def test_the_pin_is_nowhere_else(hsm):
    hsm.admin("key", "create", "k", "--hsm", URI)
    for uri in (URI + "?pin-value=" + PIN, "pkcs11:token=dk;object=x?pin-value=1"):
        out = hsm.admin("key", "create", "l", "--hsm", uri, check=False)
        assert out.returncode == 2 and "must not be in a URI" in out.stderr
    for uri in ("pkcs11:token=other", "token=dk", "x"):
        out = hsm.admin("key", "create", "l", "--hsm", uri, check=False)
        assert out.returncode == 1 and "argument" in out.stderr, uri
    for name, pid in hsm.pids().items():
        for what in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (pid, what), "rb") as f:
                assert PIN.encode() not in f.read(), name
    for where, _, names in os.walk(hsm.dir):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path):
                assert PIN.encode() not in open(path, "rb").read(), path
    conf = os.path.join(hsm.dir, "doublekeyd.conf")
    text = open(conf).read()
    hsm.stop()
    with open(conf, "w") as f:
        f.write(text.replace("?module-path", "?pin-value=1&module-path"))
    out = hsm.admin("run", "--passphrase-file", hsm.passfile, check=False)
    assert out.returncode == 1 and "must not be in a URI" in out.stderr


def test_without_an_hsm(service):
    out = service.admin("key", "create", "k", "--hsm", URI, check=False)
    assert out.returncode == 1 and "hsm" in out.stderr
    assert "tokend" not in service.pids()
