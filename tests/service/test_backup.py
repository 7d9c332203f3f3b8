# SPDX-License-Identifier: Apache-2.0
"""Backup and restore (spec/custody.md section 4), rehearsed on an empty directory."""
import base64
import hashlib
import os
import shutil
import threading
import time

from service import parts_of, release_body
from test_keys import decrypt, encrypt, key_id_of, make_old, pin_file, release_code
from test_log import checkpoint, root_of


def backup(s, name="b", check=True, passfile=None):
    return s.admin("backup", os.path.join(s.base, name), "--passphrase-file",
                   passfile or s.passfile, "--kdf-memory-mib", "8", check=check)


def restore(s, name="b", check=True, passfile=None):
    return s.admin("restore", os.path.join(s.base, name), "--passphrase-file",
                   passfile or s.passfile, check=check)


def lose(s):
    """The machine is gone."""
    s.stop()
    shutil.rmtree(s.dir)


def entries(s, n):
    data = s.request("GET", "/log/tile/entries/000.p/%d" % n)[2]
    return [data[i * 50 + 2:i * 50 + 50] for i in range(n)]


def test_restore_on_an_empty_machine(service):
    service.admin("key", "create", "k", "--type", "p384")
    service.admin("key", "rotate", "k", "--type", "rsa3072")
    service.enrol()
    service.enrol(user="bob", who="second")
    encrypt(service, "k", "one.dk")
    decrypt(service, "k", "one.dk")
    code = service.admin("enrol-code", "--user", "carol").stdout.strip()
    nonce = os.urandom(16)
    body = release_body([parts_of(os.path.join(service.base, "one.dk"))])
    created = int(time.time())
    assert service.release(service.device(), body, nonce=nonce, created=created)[0] == 200
    size = len([line for line in service.log().splitlines() if line[0] != " "])
    before = checkpoint(service, size)
    out = backup(service)
    assert "log entries" in out.stdout
    listed = service.admin("key", "list").stdout + service.admin("device", "list").stdout
    policies = service.admin("policy", "list").stdout.split("\t")[0]
    lose(service)
    time.sleep(1.1)  # the restore is in a later second than the request
    assert "log entries" in restore(service).stdout
    for name in os.listdir(os.path.join(service.dir, "keys")):
        assert os.stat(os.path.join(service.dir, "keys", name)).st_mode & 0o777 == 0o600
    assert service.admin("policy", "show", policies).stdout
    service.start()
    assert service.admin("key", "list").stdout + service.admin("device", "list").stdout == listed
    # A client that knows nothing of all this goes on; so does one with a code.
    decrypt(service, "k", "one.dk")
    make_old(pin_file(service))
    encrypt(service, "k", "two.dk")
    decrypt(service, "k", "two.dk")
    service.client("enrol", service.url, "--ca-fingerprint", service.fingerprint, "--code", code,
                   who="third")
    # A request of before is not taken a second time.
    answer = service.release(service.device(), body, nonce=nonce, created=created)
    assert answer[1] == "replay"
    assert "restored done" in service.log()
    # The log goes on where it was: the old checkpoint is one of the new tree.
    after = checkpoint(service, size + 1)
    n_old, n_new = int(before.split(b"\n")[1]), int(after.split(b"\n")[1])
    assert n_old < n_new
    hashes = [hashlib.sha256(b"\0" + leaf).digest() for leaf in entries(service, n_new)]
    assert base64.b64encode(root_of(hashes)) == after.split(b"\n")[2]
    assert base64.b64encode(root_of(hashes[:n_old])) == before.split(b"\n")[2]
    assert base64.b64encode(root_of(hashes[:n_old - 1])) != before.split(b"\n")[2]  # control
    assert key_id_of(service, 2)


def test_backup_while_keys_and_releases_go_on(service):
    service.admin("key", "create", "k")
    service.enrol()
    encrypt(service, "k", "one.dk")
    body = release_body([parts_of(os.path.join(service.base, "one.dk"))])
    end, made = threading.Event(), []

    def work():
        while not end.is_set():
            assert service.release(service.device(), body)[0] == 200
            name = "n%d" % len(made)
            made.append(service.admin("key", "create", name).returncode)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        time.sleep(0.3)
        for i in range(4):
            out = backup(service, "b%d" % i, check=False)
            assert out.returncode == 0 or "backup-busy" in out.stderr
    finally:
        end.set()
        thread.join()
    assert made and not any(made)
    backup(service, "last")
    names = [n for n in ("b0", "b1", "b2", "b3", "last")
             if os.path.exists(os.path.join(service.base, n))]
    assert len(names) > 1
    for name in names:
        lose(service)
        restore(service, name)
        service.start()
        assert release_code(service, "one.dk") == 0
    assert len(service.admin("key", "list").stdout.splitlines()) == len(made) + 1


def test_files_of_the_directory_are_in_it_encrypted(service):
    """A password that the policy names as well; not what lies in other folders."""
    path, secret = os.path.join(service.dir, "corp.password"), os.urandom(24).hex().encode()
    with open(path, "wb") as f:
        f.write(secret)
    os.mkdir(os.path.join(service.dir, "more"))
    shutil.copy(path, os.path.join(service.dir, "more"))
    os.symlink(path, os.path.join(service.dir, "other.password"))
    backup(service)
    with open(os.path.join(service.base, "b"), "rb") as f:
        assert secret not in f.read()
    lose(service)
    restore(service)
    with open(path, "rb") as f:
        assert f.read() == secret
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert not {"more", "other.password"} & set(os.listdir(service.dir))


def test_backup_of_a_service_that_does_not_run(service):
    service.admin("key", "create", "k")
    service.enrol()
    encrypt(service, "k", "one.dk")
    service.stop()
    backup(service)
    lose(service)
    restore(service)
    service.start()
    decrypt(service, "k", "one.dk")


def test_what_is_refused(service):
    service.admin("key", "create", "k")
    backup(service)
    path = os.path.join(service.base, "b")
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert "backup-exists" in backup(service, check=False).stderr
    other = os.path.join(service.base, "other-pass")
    with open(other, "w") as f:
        f.write("something else\n")
    out = restore(service, check=False)
    assert out.returncode == 1 and "backup-target" in out.stderr
    lose(service)
    out = restore(service, passfile=other, check=False)
    assert out.returncode == 1 and "backup-passphrase" in out.stderr
    assert not os.path.exists(service.dir)
    data = open(path, "rb").read()
    bad = os.path.join(service.base, "bad")
    for what, word in ((b"", "foreign"), (b"DKBACK2\n" + data[8:], "foreign"),
                       (open(service.passfile, "rb").read() * 30, "foreign"),
                       (data[:50], "damaged"), (data[:-1], "damaged"), (data[:4000], "damaged"),
                       (data + b"x", "damaged"),
                       (data[:20] + bytes([data[20] ^ 1]) + data[21:], "damaged"),
                       (data[:200] + bytes([data[200] ^ 1]) + data[201:], "damaged"),
                       (data[:-9] + bytes([data[-9] ^ 1]) + data[-8:], "damaged")):
        with open(bad, "wb") as f:
            f.write(what)
        out = restore(service, "bad", check=False)
        assert out.returncode == 1 and "backup-" + word in out.stderr, (word, len(what))
        if os.path.exists(service.dir):
            # What was begun is no service.
            assert not os.path.exists(os.path.join(service.dir, "keys", "sealed.0"))
            shutil.rmtree(service.dir)
    restore(service)  # control
    service.start()
    assert service.admin("key", "list").stdout.startswith("k\t1")


def test_no_secret_in_clear(service):
    service.admin("key", "create", "k")
    key = open(os.path.join(service.dir, "tls", "server.key"), "rb").read()
    log_key = open(os.path.join(service.dir, "log", "log.key"), "rb").read()
    assert not os.path.exists(os.path.join(service.dir, "tls", "ca.key"))
    backup(service)
    data = open(os.path.join(service.base, "b"), "rb").read()
    assert key[40:100] not in data and log_key[40:72] not in data
    assert b"finance" not in data and b"policy" not in data
    assert not os.path.exists(os.path.join(service.base, "b.part"))
