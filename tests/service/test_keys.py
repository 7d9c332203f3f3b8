# SPDX-License-Identifier: Apache-2.0
"""Keys of all types and versions, and what their states mean to a client."""
import os
import shutil
import socket
import subprocess
import threading

import pytest

from service import CLIENT, codes, free_port, parts_of, release_body

TYPES = {"p256": 1, "p384": 2, "rsa3072": 3}


def provider_and_plain(s):
    if not os.path.exists(os.path.join(s.base, "p.key")):
        s.client("keygen", "--side", "provider", "--no-passphrase", "-o", "p.key")
        with open(os.path.join(s.base, "plain"), "w") as f:
            f.write("what nobody else may read\n")


def encrypt(s, name, out, check=True):
    provider_and_plain(s)
    return s.client("encrypt", "--customer", s.url + "/keys/" + name, "--provider", "p.key.pub",
                    "plain", "-o", out, "--force", check=check)


def decrypt(s, name, path, check=True):
    out = s.client("decrypt", "--customer", s.url + "/keys/" + name, "--provider", "p.key", path,
                   "-o", "out", "--force", check=check)
    if out.returncode == 0:
        assert open(os.path.join(s.base, "out")).read() == "what nobody else may read\n"
    return out


def release_code(s, path):
    return codes(s.release(s.device(), release_body([parts_of(os.path.join(s.base, path))]))[2])[0]


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_each_type_from_creation_to_release(service, kind):
    out = service.admin("key", "create", "k", "--type", kind).stdout
    assert out.startswith(service.url + "/keys/k\nversion 1, key id ")
    key_id = out.split()[-1]
    service.enrol()
    encrypt(service, "k", "o.dk")
    _, customer = parts_of(os.path.join(service.base, "o.dk"))
    assert bytes.fromhex(key_id) in customer
    decrypt(service, "k", "o.dk")
    lines = service.log().splitlines()
    assert any("release done" in line for line in lines)
    assert any(" object ok" in line and "key-id=" + key_id in line for line in lines)
    # A stanza with one bit changed does not open, and no other error tells why.
    core, customer = parts_of(os.path.join(service.base, "o.dk"))
    at = customer.index(bytes.fromhex(key_id)) + 32 + 48 + 10
    for bit in (1, 0x80):
        bad = customer[:at] + bytes([customer[at] ^ bit]) + customer[at + 1:]
        answer = service.release(service.device(), release_body([(core, bad)]))[2]
        assert codes(answer) == [22]  # stanza-auth
    # It all holds after the store was read back.
    service.stop()
    service.start()
    decrypt(service, "k", "o.dk")


def test_unknown_type_and_weak_rsa_are_refused(service):
    for kind in ("rsa2048", "p521", "x25519", ""):
        out = service.admin("key", "create", "k", "--type", kind, check=False)
        assert out.returncode == 1 and "argument" in out.stderr
    assert service.admin("key", "list").stdout == ""


def pin_file(s, name="k", who="client"):
    return os.path.join(s.base, who, "doublekey", "services", "127.0.0.1:%d" % s.port, "keys", name)


def make_old(path, seconds=7200):
    when = os.stat(path).st_mtime - seconds
    os.utime(path, (when, when))


def key_id_of(s, version, name="k"):
    for line in s.admin("key", "list").stdout.splitlines():
        fields = line.split("\t")
        if fields[0] == name and fields[1] == str(version):
            return bytes.fromhex(fields[4])
    raise AssertionError("no such version")


def customer_set(s, path):
    return parts_of(os.path.join(s.base, path))[1]


def test_rotation_reaches_the_client_and_old_versions_stay(service):
    service.admin("key", "create", "k")
    service.enrol()
    encrypt(service, "k", "one.dk")
    service.admin("key", "rotate", "k", "--type", "p384")
    first, second = key_id_of(service, 1), key_id_of(service, 2)
    encrypt(service, "k", "still.dk")  # asked less than an hour ago
    assert first in customer_set(service, "still.dk")
    make_old(pin_file(service))
    encrypt(service, "k", "two.dk")
    assert second in customer_set(service, "two.dk")
    assert first not in customer_set(service, "two.dk")
    for path in ("one.dk", "still.dk", "two.dk"):
        decrypt(service, "k", path)


def test_profile_refresh_asks_at_once(service):
    service.admin("key", "create", "k")
    service.enrol()
    provider_and_plain(service)
    service.client("profile", "add", "work", "--customer", service.url + "/keys/k",
                   "--provider", "p.key.pub")
    service.admin("key", "rotate", "k")
    out = service.client("profile", "refresh", "work")
    assert service.url + "/keys/k: version 2" in out.stderr
    encrypt(service, "k", "two.dk")
    assert key_id_of(service, 2) in customer_set(service, "two.dk")
    service.stop()
    out = service.client("profile", "refresh", "work", check=False)
    assert out.returncode != 0 and "service-unreachable" in out.stderr


def test_a_reader_learns_of_a_version_that_another_client_used(service):
    service.admin("key", "create", "k")
    service.enrol()
    encrypt(service, "k", "one.dk")
    service.admin("key", "rotate", "k")
    service.enrol(user="bob", who="second")
    service.client("encrypt", "--customer", service.url + "/keys/k", "--provider", "p.key.pub",
                   "plain", "-o", "two.dk", who="second")
    assert key_id_of(service, 2) in customer_set(service, "two.dk")
    decrypt(service, "k", "two.dk")


def test_encryption_goes_on_offline_with_an_old_pin(service):
    service.admin("key", "create", "k")
    service.enrol()
    encrypt(service, "k", "one.dk")
    service.stop()
    make_old(pin_file(service))
    encrypt(service, "k", "off.dk")
    age = os.stat(pin_file(service)).st_mtime
    encrypt(service, "k", "off.dk")
    assert os.stat(pin_file(service)).st_mtime == age  # not tried again at once
    service.start()
    decrypt(service, "k", "off.dk")


def test_a_service_that_takes_back_what_it_said_is_refused(service):
    service.admin("key", "create", "k")
    service.enrol()
    service.stop()
    shutil.copytree(service.dir, service.dir + ".old", ignore=shutil.ignore_patterns("*.sock"))
    service.start()
    encrypt(service, "k", "one.dk")
    service.admin("key", "rotate", "k")
    make_old(pin_file(service))
    encrypt(service, "k", "two.dk")
    service.stop()
    shutil.rmtree(service.dir)
    os.rename(service.dir + ".old", service.dir)
    service.start()  # store and log both are older: only others can notice
    make_old(pin_file(service))
    out = encrypt(service, "k", "three.dk", check=False)
    assert out.returncode != 0 and "receipt" in out.stderr
    os.unlink(pin_file(service))
    encrypt(service, "k", "three.dk")  # control: a client that never saw version 2


def test_a_changed_pin_is_refused(service):
    service.admin("key", "create", "k")
    service.enrol()
    encrypt(service, "k", "one.dk")
    with open(pin_file(service), "r+b") as f:  # one bit of the signed part
        f.seek(60)
        byte = f.read(1)
        f.seek(60)
        f.write(bytes([byte[0] ^ 1]))
    out = encrypt(service, "k", "four.dk", check=False)
    assert out.returncode != 0 and "receipt" in out.stderr


def test_states_of_versions(service):
    service.admin("key", "create", "k")
    service.admin("key", "rotate", "k")
    service.enrol()
    provider_and_plain(service)
    service.admin("key", "disable", "k", "2")
    encrypt(service, "k", "one.dk")
    service.admin("key", "enable", "k", "2")
    os.unlink(pin_file(service))
    encrypt(service, "k", "two.dk")
    service.admin("key", "disable", "k", "1")
    assert release_code(service, "one.dk") == 18 and release_code(service, "two.dk") == 0
    service.admin("key", "disable", "k")
    assert release_code(service, "two.dk") == 18
    os.unlink(pin_file(service))
    out = encrypt(service, "k", "three.dk", check=False)
    assert "service-key-disabled" in out.stderr
    service.admin("key", "enable", "k")
    assert release_code(service, "one.dk") == 0 and release_code(service, "two.dk") == 0
    service.admin("key", "destroy", "k", "1")
    assert release_code(service, "one.dk") == 17 and release_code(service, "two.dk") == 0
    for args in (("enable", "k", "1"), ("disable", "k", "1"), ("destroy", "k", "1")):
        out = service.admin("key", *args, check=False)
        assert out.returncode == 1 and "key-destroyed" in out.stderr
    for version in ("0", "3", "x", "1x", " 1", ""):
        out = service.admin("key", "destroy", "k", version, check=False)
        assert out.returncode == 1 and "unknown-key" in out.stderr
    service.admin("key", "enable", "k")
    service.stop()
    service.start()
    assert release_code(service, "one.dk") == 17 and release_code(service, "two.dk") == 0
    log = service.log()
    assert "key-destroyed done key=k version=1" in log
    assert 'key-state done key=k version=2' in log


def test_recovery_key_opens_without_the_service(service):
    for name in ("r", "s"):
        service.client("keygen", "--side", "customer", "--custodian", "vault-" + name,
                       "--no-passphrase", "-o", name + ".key")
    public = os.path.join(service.base, "r.key.pub")
    out = service.admin("key", "create", "k", "--recovery", public).stdout
    recovery = bytes.fromhex(out.splitlines()[2].split()[-1])
    service.enrol()
    encrypt(service, "k", "one.dk")
    assert recovery in customer_set(service, "one.dk")
    assert "recovery" in service.admin("key", "list").stdout
    # Named by hand as well, it stands there once.
    service.client("encrypt", "--customer", service.url + "/keys/k", "--customer", "r.key.pub",
                   "--provider", "p.key.pub", "plain", "-o", "both.dk")
    assert customer_set(service, "both.dk").count(recovery) == 1
    # An object of an older key gets it with a rewrap.
    service.client("keygen", "--side", "customer", "--custodian", "old", "--no-passphrase",
                   "-o", "old.key")
    service.client("encrypt", "--customer", "old.key.pub", "--provider", "p.key.pub", "plain",
                   "-o", "old.dk")
    service.client("rewrap", "--side", "customer", "--open", "old.key", "--to",
                   service.url + "/keys/k", "old.dk")
    # Rotation keeps it, or sets another.
    service.admin("key", "rotate", "k")
    make_old(pin_file(service))
    encrypt(service, "k", "two.dk")
    service.admin("key", "rotate", "k", "--recovery", os.path.join(service.base, "s.key.pub"))
    make_old(pin_file(service))
    encrypt(service, "k", "three.dk")
    assert recovery not in customer_set(service, "three.dk")
    service.stop()
    for path, key in (("one.dk", "r"), ("both.dk", "r"), ("old.dk", "r"), ("two.dk", "r"),
                      ("three.dk", "s")):
        service.client("decrypt", "--customer", key + ".key", "--provider", "p.key", path, "-o",
                       "out", "--force")
        assert open(os.path.join(service.base, "out")).read() == "what nobody else may read\n"
    out = service.client("decrypt", "--customer", "s.key", "--provider", "p.key", "one.dk", "-o",
                         "out", "--force", check=False)
    assert "no-customer-key" in out.stderr  # control


def test_recovery_key_in_place_of_a_service_that_is_away(service):
    """It is used when the service decided nothing, with a warning; and not when it refused."""
    service.client("keygen", "--side", "customer", "--no-passphrase", "-o", "r.key")
    service.admin("key", "create", "k", "--recovery", os.path.join(service.base, "r.key.pub"))
    service.enrol()
    os.mkdir(os.path.join(service.base, "d"))
    for name in ("d/one.dkey", "d/two.dkey"):
        encrypt(service, "k", name)
    url = service.url + "/keys/k"

    def decrypt(*more):
        return service.client("decrypt", "-r", "d", "--customer", url, "--provider", "p.key",
                              "--force", *more, check=False)
    service.admin("freeze")
    out = decrypt("--customer", "r.key")
    assert out.returncode == 1 and out.stderr.count("(service-frozen ") == 2
    assert "another given key" not in out.stderr
    assert not os.path.exists(os.path.join(service.base, "d/one"))
    service.admin("unfreeze", "--reason", "seen")
    service.stop()
    out = decrypt()
    assert out.returncode == 1 and "another given key" not in out.stderr  # control
    assert out.stderr.count("(service-unreachable ") == 2
    out = decrypt("--customer", "r.key", "--quiet")
    assert out.returncode == 0, out.stderr
    assert out.stderr == ("doublekey: warning: %s: the key service cannot be reached "
                          "(service-unreachable); another given key is tried, of whose use the "
                          "service has no record\n" % url)
    for name in ("d/one", "d/two"):
        assert open(os.path.join(service.base, name)).read() == "what nobody else may read\n"


def test_a_private_key_has_no_place_at_the_service(service):
    service.client("keygen", "--side", "customer", "--no-passphrase", "-o", "r.key")
    with open(os.path.join(service.base, "word"), "w") as f:
        f.write("a passphrase\n")
    service.client("keygen", "--side", "customer", "--passphrase-file", "word", "-o", "s.key")
    for name in ("r.key", "s.key"):
        path = os.path.join(service.base, name)
        out = service.admin("key", "create", "k", "--recovery", path, check=False)
        assert out.returncode == 1 and out.stderr.startswith("doublekeyd: %s: " % path)
        assert "this is a private key" in out.stderr and out.stderr.endswith(" (argument)\n")
    assert service.admin("key", "list").stdout == ""
    path = os.path.join(service.base, "r.key.pub")
    assert service.admin("key", "create", "k", "--recovery", path).returncode == 0  # control
    service.enrol()
    service.client("keygen", "--side", "provider", "--no-passphrase", "-o", "p.key")
    out = service.client("doctor", "--customer", service.url + "/keys/k", "--provider", "p.key")
    assert "The customer side has one key, and a recovery key that it brings." in out.stderr
    assert "The provider side has one key only." in out.stderr  # control


def test_names_of_devices_cannot_draw_on_a_terminal(service):
    name = "lap\u202etop\u2066"
    code = service.admin("enrol-code", "--user", "alice").stdout.strip()
    service.client("enrol", service.url, "--ca-fingerprint", service.fingerprint, "--code", code,
                   "--device-name", name)
    out = service.admin("device", "list").stdout
    assert out.split("\t")[1] == "lap\\xe2\\x80\\xaetop\\xe2\\x81\\xa6"
    assert out.split("\t")[2] == "active"


def test_what_is_no_recovery_key(service):
    service.client("keygen", "--side", "provider", "--no-passphrase", "-o", "p.key")
    with open(os.path.join(service.base, "plain"), "w") as f:
        f.write("x")
    service.client("keygen", "--side", "customer", "--custodian",
                   "127.0.0.1:%d" % service.port, "--no-passphrase", "-o", "same.key")
    for name, word in (("p.key.pub", "key-side"), ("plain", "key-foreign"),
                       ("missing", "read"), ("same.key.pub", "argument")):
        out = service.admin("key", "create", "k", "--recovery",
                            os.path.join(service.base, name), check=False)
        assert out.returncode == 1 and word in out.stderr, name
    assert service.admin("key", "list").stdout == ""


def test_many_renew_a_pin_at_once(service):
    provider_and_plain(service)
    service.admin("key", "create", "k")
    service.admin("key", "create", "k.new")
    service.enrol()
    encrypt(service, "k", "o")
    encrypt(service, "k.new", "o.new")
    pinned = open(pin_file(service, "k.new"), "rb").read()
    for turn in range(5):
        make_old(pin_file(service))
        running = [subprocess.Popen(
            [CLIENT, "encrypt", "--customer", service.url + "/keys/k", "--provider", "p.key.pub",
             "plain", "-o", "o%d-%d" % (turn, i)], cwd=service.base, env=service.env(),
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for i in range(10)]
        assert [p.communicate(timeout=60)[1] for p in running] == [""] * len(running)
    assert open(pin_file(service, "k.new"), "rb").read() == pinned


def test_why_a_service_cannot_be_reached(service):
    """Each cause has a sentence of its own, with the host."""
    def enrol(url):
        out = service.client("enrol", url, "--ca-fingerprint", "0" * 64, "--code",
                             "alice:VRMZ-ZHQT-PI55-7BZQ-JSIX-ZNAW-H2Z3", check=False)
        assert out.returncode == 1 and "cannot be reached: " in out.stderr
        assert out.stderr.endswith(" (service-unreachable)\n")
        return out.stderr
    assert "x.invalid:8443: the name cannot be resolved" in enrol("https://x.invalid:8443")
    port = free_port()
    assert "127.0.0.1:%d: nobody takes connections there" % port in enrol(
        "https://127.0.0.1:%d" % port)
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            with server.accept()[0] as peer:
                peer.recv(100)
                peer.sendall(b"HTTP/1.1 400 no\r\n\r\n")
        thread = threading.Thread(target=answer)
        thread.start()
        assert "TLS 1.3 fails there" in enrol("https://127.0.0.1:%d" % server.getsockname()[1])
        thread.join()
    service.prepare()
    service.stop()
    out = service.client("decrypt", "--customer", service.key, "--provider", "p.key", "object.dk",
                         check=False)
    assert "127.0.0.1:%d: nobody takes connections there (service-unreachable at" % (
        service.port) in out.stderr
