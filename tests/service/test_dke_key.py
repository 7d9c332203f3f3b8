# SPDX-License-Identifier: Apache-2.0
"""Keys of spec/profiles/ms-dke.md: made, imported, kept, and what keyd does for a request of it,
with the test as its peers."""
import hashlib
import json
import os
import re
import select
import struct
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from dke_keyd import (BLOB, CERTIFICATE, CLIENT, FIELDS, PERSON, RULE, TOKEN, TOKEN_FIELD, Keyd,
                      charge, factor, field, now)
from reader import dke, native
from service import Service
from test_lying_logd import Cosigner, LogKey, leaf_hash

GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
STALE = 0xff01  # authd is to be asked again
OLD_ID = "F2DBF8CB-7B06-4ABA-B93A-CACAD13CD7BB"
CODE = {name: number for number, name in enumerate(native.CODES)} | {
    "gate": 44, "token-quarantine": 45, "token-client": 46, "front-person": 47, "canary": 48,
    "value": 49, "content-type": 50}
CREATE, LIST, DISABLE, ENABLE, ROTATE, DESTROY, FREEZE, UNFREEZE = 2, 3, 4, 5, 6, 7, 11, 12


def pem(private, kind=serialization.PrivateFormat.PKCS8,
        encryption=serialization.NoEncryption()):
    return private.private_bytes(serialization.Encoding.PEM, kind, encryption)


def bare(data):
    return b"".join(data.splitlines()[1:-1])


def write(s, name, data):
    path = os.path.join(s.base, name)
    with open(path, "wb") as f:
        f.write(data)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A service with keys: docs (rotated once), large (3,072 bits), and one that was imported."""
    s = Service(tmp_path_factory.mktemp("dke"))
    s.start()
    s.said = [s.admin("key", "create", "docs", "--type", "dke-rsa2048", "--dke-name",
                      "Docs").stdout]
    s.said.append(s.admin("key", "create", "large", "--type", "dke-rsa3072",
                          "--untested-size").stdout)
    s.said.append(s.admin("key", "rotate", "docs").stdout)
    s.old = rsa.generate_private_key(65537, 2048)
    old = write(s, "old.pem", pem(s.old))
    s.admin("key", "import", "old", old, "--dke-id", OLD_ID, "--dke-name", "TestKey1", "--type",
            "dke-rsa2048")
    s.admin("key", "create", "finance")
    s.admin("key", "create", "sealed", "--type", "dke-rsa2048", "--require-confirmation")
    s.admin("key", "rotate", "sealed")
    s.listed = s.admin("key", "list").stdout
    yield s
    s.stop()


@pytest.fixture(scope="module")
def stopped(made):
    made.stop()
    return made


@pytest.fixture
def keyd(stopped):
    keyd = Keyd(stopped)
    yield keyd
    keyd.child.end()


def rows(s):
    """name, version -> type, states, id, path, published or nothing."""
    found = {}
    for line in s.listed.splitlines():
        name, version, *rest = line.split("\t")
        found[name, int(version)] = rest
    return found


def ids(s, name):
    return [rest[3].rpartition("/")[2] for (key, _), rest in sorted(rows(s).items())
            if key == name]


# ---- a service that runs ----

def test_what_is_made_is_told_and_listed(made):
    assert re.fullmatch(r"/Docs/%s\n2048 bits: .* 3,000 bits .*\nversion 1, key id [0-9a-f]{64}\n"
                        % GUID, made.said[0])
    assert re.match(r"/large/%s\n3072 bits: " % GUID, made.said[1])
    table = rows(made)
    assert table["docs", 1][:2] == ["dke-rsa2048", "active"] and len(table["docs", 1]) == 4
    assert table["docs", 2][3].startswith("/Docs/") and table["docs", 2][4] == "published"
    assert table["large", 1][0] == "dke-rsa3072"
    assert table["old", 1][3:] == ["/TestKey1/" + OLD_ID, "published"]
    assert len(table["finance", 1]) == 3  # another kind of key looks as before
    log = [json.loads(line) for line in made.admin("log", "--json").stdout.splitlines()]
    created = [e for e in log if e["class"] == "key-created"]
    assert [e.get("key_type") for e in created] == 4 * ["dke-rsa"] + ["p256"] + 2 * ["dke-rsa"]
    assert created[3]["note"] == "imported" and created[3]["key"] == "old"
    assert [e.get("note") for e in created[-3:]] == [None] + 2 * ["confirmation"]
    assert created[0]["key_id"] == table["docs", 1][2]


def test_what_is_refused(made):
    def refused(*args):
        done = made.admin("key", *args, check=False)
        assert done.returncode != 0 and done.stdout == ""
        return done.stderr

    assert "--untested-size" in refused("create", "more", "--type", "dke-rsa4096")
    assert "argument" in refused("create", "more", "--type", "dke-rsa1024")
    assert "argument" in refused("create", "more", "--dke-name", "x")  # no DKE key
    assert "argument" in refused("create", "more", "--type", "dke-rsa2048", "--dke-name", ".x")
    assert "argument" in refused("create", "more", "--type", "dke-rsa2048", "--dke-name", "a/b")
    assert "exists" in refused("create", "more", "--type", "dke-rsa2048", "--dke-name", "Docs")
    assert "argument" in refused("rotate", "docs", "--type", "p256")
    assert "argument" in refused("rotate", "finance", "--type", "dke-rsa2048")
    # A key has to need a confirmation from its beginning.
    assert "argument" in refused("create", "more", "--require-confirmation")
    new = write(made, "new.pem", pem(rsa.generate_private_key(65537, 2048)))
    assert "argument" in refused("import", "docs", new, "--dke-id", "1", "--require-confirmation")
    # What it was is said, each by its name.
    old = os.path.join(made.base, "old.pem")
    dke = ("--type", "dke-rsa2048")
    for args, why in (
            (("create", "docs"), "docs: there is a key of this name; 'key rotate' makes another"),
            (("create", "more", *dke, "--dke-name", "Docs"),
             "Docs: this is the DKE name of the key 'docs' already (exists)"),
            (("import", "more", new, "--dke-id", "1", "--dke-name", "Docs"),
             "Docs: this is the DKE name of the key 'docs' already (exists)"),
            (("import", "more", old, "--dke-id", "1"),
             "more: the key in the file is there already, in 'old' (exists)"),
            (("import", "old", new, "--dke-id", OLD_ID),
             "old: the key has a version with the id %s already (exists)" % OLD_ID),
            (("create", "more", *dke, "--require-approvals", "9"),
             "more: --require-approvals takes a number from 1 to 8 (argument)"),
            (("create", "more", "--require-confirmation"), "go with --type dke-rsa2048 (argument)"),
            (("create", "more", "--dke-name", "x"), "go with --type dke-rsa2048 (argument)"),
            (("import", "docs", new, "--dke-id", "1", "--require-confirmation"),
             "docs: --require-confirmation is for a new key"),
            (("import", "docs", new, "--dke-id", "1", "--require-approvals", "2"),
             "docs: --require-approvals is for a new key"),
            (("rotate", "Docs"), "Docs is the DKE name of the key 'docs' (unknown-key)"),
            (("disable", "Docs"), "Docs is the DKE name of the key 'docs' (unknown-key)"),
            (("destroy", "Docs", "1"), "Docs is the DKE name of the key 'docs' (unknown-key)"),
            (("destroy", "docs", "99"), "no such key, or version of it")):
        assert why in refused(*args), (args, refused(*args))
    assert made.admin("key", "list").stdout == made.listed


def test_native_requests_know_nothing_of_them(made):
    assert made.request("GET", "/v1/keys/finance")[0] == 200
    for name in ("docs", "Docs", "old"):
        status, _, body = made.request("GET", "/v1/keys/" + name)
        assert status == 404 and b"unknown-key" in body


def imports(private):
    traditional = pem(private, serialization.PrivateFormat.TraditionalOpenSSL)
    entry = {"Name": "Sample", "Id": "one", "PublicPem": "x", "PrivatePem": bare(traditional).decode()}
    other = {"Name": "Sample", "Id": "two", "PrivatePem": bare(pem(private)).decode()}
    yield "pkcs8", pem(private), "one"
    yield "pkcs1", traditional, "one"
    yield "base64", bare(pem(private)), "one"
    yield "lines", b"\n".join(pem(private).splitlines()[1:-1]) + b"\r\n", "one"
    yield "json", json.dumps({"TestKeys": [entry]}).encode(), "one"
    yield "bom", b"\xef\xbb\xbf" + json.dumps({"TestKeys": [other]}, indent=1).encode(), "two"


def test_each_form_of_a_key_is_imported(made):
    """Each as a version of the same key; the last one for decryption alone."""
    public = {}
    for number, form in enumerate(["pkcs8", "pkcs1", "base64", "lines", "json", "bom"], 1):
        private = rsa.generate_private_key(65537, 2048)
        path, id_ = next((write(made, form, data), id_) for name, data, id_ in imports(private)
                         if name == form)
        more = () if form in ("json", "bom") else ("--dke-name", "Sample")
        last = ("--decrypt-only",) if form == "bom" else ()
        id_ = id_ if form in ("json", "bom") else form
        done = made.admin("key", "import", "forms", path, "--dke-id", id_, *more, *last)
        assert done.stdout.startswith("/Sample/%s\n" % id_) and "version %d," % number in done.stdout
        spki = private.public_key().public_bytes(serialization.Encoding.DER,
                                                 serialization.PublicFormat.SubjectPublicKeyInfo)
        public[number] = hashlib.sha256(spki).hexdigest()
    table = [line.split("\t") for line in made.admin("key", "list").stdout.splitlines()
             if line.startswith("forms\t")]
    assert {int(row[1]): row[4] for row in table} == public
    assert [row[-1] for row in table][4:] == ["published", "/Sample/two"]
    assert table[5][3] == "active,decrypt-only"
    again = made.admin("key", "import", "other", os.path.join(made.base, "pkcs8"), "--dke-id", "x",
                       check=False)
    assert "exists" in again.stderr  # the same key under another name
    made.listed = made.admin("key", "list").stdout


def test_the_usage_names_all_factors(made):
    usage = made.admin("policy", "check", "--help").stdout
    for factor in ("certificate", "token", "approval", "tenant", "gate", "token-group", "role",
                   "ldap-group", "document"):
        assert re.search(r"[ |]%s=[A-Z]" % factor, usage), factor


def test_a_freeze_takes_either_name(made):
    """The DKE name is one where no key is called so."""
    made.admin("key", "create", "ledger")
    made.admin("key", "create", "both", "--type", "dke-rsa2048", "--dke-name", "ledger")
    for name, key in (("Docs", "docs"), ("docs", "docs"), ("TestKey1", "old"),
                      ("ledger", "ledger")):
        assert made.admin("freeze", name).stdout == "frozen: %s\n" % key
        record = json.loads(made.admin("log", "--json").stdout.splitlines()[-1])
        assert (record["class"], record["key"]) == ("frozen", key)
        done = made.admin("unfreeze", name, "--reason", "test")
        assert done.stdout == "no longer frozen: %s\n" % key
    for name in ("DOCS", "Ledger", "testkey1"):
        done = made.admin("freeze", name, check=False)
        assert done.returncode == 1 and "(unknown-key)" in done.stderr, done.stderr
    made.listed = made.admin("key", "list").stdout


def bad_files(private):
    small = rsa.generate_private_key(65537, 1024)
    three = rsa.generate_private_key(3, 2048)
    yield b"", "key-invalid"
    yield b"hello", "key-invalid"
    yield pem(private)[:-200] + b"\n-----END PRIVATE KEY-----\n", "key-invalid"
    yield pem(private, encryption=serialization.BestAvailableEncryption(b"x")), "key-need-passphrase"
    yield pem(private, serialization.PrivateFormat.TraditionalOpenSSL,
              serialization.BestAvailableEncryption(b"x")), "key-need-passphrase"
    yield pem(small), "key-type"
    yield pem(three), "key-invalid"
    yield pem(ec.generate_private_key(ec.SECP256R1())), "key-invalid"
    yield private.public_key().public_bytes(serialization.Encoding.PEM,
                                            serialization.PublicFormat.SubjectPublicKeyInfo), "key-type"
    yield b"{", "file"
    yield b'{"TestKeys":[]}', "file"
    yield b'{"TestKeys":[{"Name":"a","Id":"one"}]}', "file"
    yield b'{"TestKeys":[{"Name":"a","Id":"one"},{"Name":"b","Id":"one"}]}', "file"
    yield b"x" * ((1 << 20) + 1), "file"


def test_what_is_no_key_is_not_imported(made):
    secret = bare(pem(made.old))[40:80].decode()
    for data, code in bad_files(made.old):
        done = made.admin("key", "import", "bad", write(made, "bad", data), "--dke-id", "one",
                          check=False)
        assert done.returncode == 1 and "(%s)" % code in done.stderr, (data[:60], done.stderr)
        assert secret not in done.stderr
    path = write(made, "case", json.dumps({"TestKeys": [{"Name": "a", "Id": "One"}]}).encode())
    done = made.admin("key", "import", "bad", path, "--dke-id", "one", check=False)
    assert "no entry with this Id (upper and lower case count)" in done.stderr
    path = write(made, "good", pem(rsa.generate_private_key(65537, 2048)))
    for args, code in ((("--dke-id", "a/b"), "argument"), (("--dke-id", ""), "argument"),
                       (("--dke-id", "x", "--type", "dke-rsa3072"), "argument"),
                       (("--dke-id", "x", "--dke-name", "Docs"), "exists")):
        done = made.admin("key", "import", "bad", path, *args, check=False)
        assert done.returncode == 1 and "(%s)" % code in done.stderr, done.stderr
    assert made.admin("key", "list").stdout == made.listed
    # Control: with nothing wrong it is.
    assert made.admin("key", "import", "good", path, "--dke-id", "x").returncode == 0
    made.listed = made.admin("key", "list").stdout


def test_no_imported_key_is_in_a_file_or_message(made):
    secret = bare(pem(made.old))[200:240]
    numbers = made.old.private_numbers().p.to_bytes(128, "big")[:32]
    for where, _, names in os.walk(made.dir):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path):
                data = open(path, "rb").read()
                assert secret not in data and numbers not in data, path
    assert secret not in open(made.stderr, "rb").read()


def test_a_restart_and_a_backup_keep_them(made):
    made.stop()
    made.start()
    assert made.admin("key", "list").stdout == made.listed
    backup = os.path.join(made.base, "backup")
    subprocess.run([made.daemon, "backup", backup, "--dir", made.dir, "--passphrase-file",
                    made.passfile, "--kdf-memory-mib", "16"], check=True, capture_output=True)
    other = os.path.join(made.base, "restored")
    subprocess.run([made.daemon, "restore", backup, "--dir", other, "--passphrase-file",
                    made.passfile], check=True, capture_output=True)
    made.stop()
    kept, made.dir = made.dir, other
    try:
        made.start()
        assert made.admin("key", "list").stdout == made.listed
    finally:
        made.stop()
        made.dir = kept


# ---- keyd alone: what it unwraps, and what stands in the record ----

def test_unwrapping(keyd, stopped):
    """Nothing leaves before the record is durable, and the record says what is so."""
    assert set(keyd.keys) >= {"Docs", "large", "TestKey1"} and "finance" not in keyd.keys
    assert keyd.keys["Docs"][0] == ids(stopped, "docs")[-1]
    for name, plain in (("Docs", BLOB), ("large", b"x" * 190), ("TestKey1", b"y")):
        id_, value = keyd.keys[name][0], keyd.wrap(name, plain)
        code, out, a = keyd.decrypt(name, id_, value, charges=charge())
        assert (code, out) == (0, plain)
        key = {"Docs": "docs", "TestKey1": "old"}.get(name, name)
        number, row = max((v, r) for (k, v), r in rows(stopped).items() if k == key)
        assert (a.event.class_, a.main["decision"], a.main["front"], a.main["level"],
                a.main["mode"]) == (2, 1, 3, 3, 1)
        assert (a.main["key"], a.main["version"]) == (key, number)
        assert a.main["key_id"].hex() == row[2]
        assert a.main["request"] == dke.request_digest(name, id_, value, TOKEN)
        assert (a.main["token"], a.main["certificate"]) == (TOKEN_FIELD, CERTIFICATE)
        assert (a.main["client"].encode(), a.main["rule"].encode()) == (CLIENT, RULE)
        assert a.main["factors"] == [(7, 2, 1)] and a.main["policy"] == b"p" * 32
        assert a.person == {"person": PERSON.decode(), "address": b"a" * 16}
        assert [o.encode() for o in a.objects] == [
            dke.object_part(0, value, a.main["key_id"])]
        assert a.charges == charge() and a.device == bytes(32) and "recipient" not in a.main


def test_old_versions_unwrap_and_are_not_published(keyd, stopped):
    first = ids(stopped, "docs")[0]
    keyd.send_admin(DISABLE, "docs", "2")
    keyd.acknowledge(keyd.append())
    keyd.keys = keyd.expect_keys()
    assert keyd.admin_done()[0] == 0
    assert keyd.keys["Docs"][0] == first
    value = keyd.wrap("Docs")
    assert keyd.decrypt("Docs", first, value)[:2] == (0, BLOB)
    keyd.act(ENABLE, "docs", "2")
    assert keyd.expect_keys()["Docs"][0] != first
    assert keyd.decrypt("Docs", first, value)[:2] == (0, BLOB)  # as documents of before need it


def refusals(keyd, stopped):
    """What authd says, what is asked for, what comes of it."""
    id_, value = keyd.keys["Docs"][0], keyd.wrap("Docs")
    other = ids(stopped, "large")[0]
    yield dict(name="Docs", id_=id_, value=value, code=CODE["policy"], level=0), "policy"
    yield dict(name="Docs", id_="unknown", value=value, code=CODE["policy"], level=0), "policy"
    yield dict(name="Docs", id_="unknown", value=value, code=CODE["gate"], level=0), "gate"
    yield dict(name="Docs", id_="unknown", value=value), "unknown-key"
    yield dict(name="Docs", id_=id_.upper(), value=value), "unknown-key"
    yield dict(name="Docs", id_=other, value=value), "unknown-key"
    yield dict(name="docs", id_=id_, value=value), "unknown-key"  # the name of the key, not of DKE
    yield dict(name="finance", id_=id_, value=value), "unknown-key"
    yield dict(name="no", id_=id_, value=value, code=CODE["policy"], level=0), "unknown-key"
    yield dict(name="no", id_=id_, value=b"", code=CODE["token"], level=0), "token"
    yield dict(name="no", id_=id_, value=b"", code=CODE["content-type"], level=0), "content-type"
    yield dict(name="no", id_=id_, value=b"", code=CODE["malformed-request"], level=0), \
        "malformed-request"
    yield dict(name="Docs", id_=id_, value=value, code=CODE["front-person"], level=0), "front-person"


def test_refusals(keyd, stopped):
    for asked, name in refusals(keyd, stopped):
        known = asked.get("value")
        code, out, a = keyd.decrypt(**asked)
        assert (code, out) == (CODE[name], b""), asked
        assert (a.event.class_, a.main["decision"], a.main["reason"]) == (3, 2, CODE[name]), asked
        assert len(a.objects) == (1 if known else 0) and a.charges == b""
        if known:
            key_id = a.main.get("key_id", bytes(32))
            assert a.objects[0].encode() == dke.object_part(CODE[name], known, key_id)
        else:
            assert "request" not in a.main
        assert ("key" in a.main) == (asked["name"] == "Docs")


def bad_values(keyd):
    value, n = keyd.wrap("Docs"), keyd.keys["Docs"][1]
    yield bytes([value[0] ^ 1]) + value[1:]
    yield value[:-1] + bytes([value[-1] ^ 1])
    yield value[:-1]
    yield value + b"\0"
    yield b"\0" + value
    yield b"x"
    yield bytes(256)
    yield b"\xff" * 256
    yield n.to_bytes(256, "big")
    yield (n - 1).to_bytes(256, "big")
    yield b"\0" * 255 + b"\1"
    yield keyd.wrap("large")
    yield keyd.wrap("TestKey1")
    yield b"v" * 1024


def test_all_that_is_wrong_with_a_value_looks_alike(keyd):
    """Answer and record, up to what was asked for; and it costs what a good one does."""
    seen = set()
    for value in bad_values(keyd):
        code, out, a = keyd.decrypt("Docs", keyd.keys["Docs"][0], value, charges=charge())
        assert (code, out) == (CODE["value"], b"")
        assert a.objects[0].encode() == dke.object_part(49, value, a.main["key_id"])
        assert a.charges == charge()
        main = {k: v for k, v in a.main.items() if k not in ("request", "time")}
        seen.add((a.size, a.event.class_, a.mode, str(sorted(main.items()))))
    assert len(seen) == 1
    code, out, a = keyd.decrypt("Docs", keyd.keys["Docs"][0], keyd.wrap("Docs", b"z"))
    assert (code, out) == (0, b"z")  # control


def test_states_and_freezes(keyd):
    id_, value = keyd.keys["Docs"][0], keyd.wrap("Docs")
    for act, args, undo, name in (
            (FREEZE, ("",), (UNFREEZE, "", "over"), "frozen"),
            (FREEZE, ("docs",), (UNFREEZE, "docs", "over"), "key-frozen"),
            (DISABLE, ("docs", ""), (ENABLE, "docs", ""), "key-disabled")):
        keyd.act(act, *args)
        code, out, a = keyd.decrypt("Docs", id_, value)
        assert (code, out, a.main["reason"]) == (CODE[name], b"", CODE[name])
        keyd.act(*undo)
        assert keyd.decrypt("Docs", id_, value)[:2] == (0, BLOB)


def test_a_destroyed_version_opens_nothing(stopped):
    keyd = Keyd(stopped)
    first, second = ids(stopped, "docs")
    value = keyd.wrap("Docs")
    keyd.act(DESTROY, "docs", "2")
    keyd.keys = keyd.expect_keys()
    assert keyd.keys["Docs"][0] == first
    code, out, a = keyd.decrypt("Docs", second, value)
    assert (code, out, a.main["reason"]) == (CODE["key-destroyed"], b"", CODE["key-destroyed"])
    assert keyd.decrypt("Docs", first, keyd.wrap("Docs"))[:2] == (0, BLOB)
    keyd.child.end()


def test_a_budget_that_is_used_up(keyd):
    """logd says so; what came out stays where it is, and a denial is recorded."""
    number = keyd.ask("Docs", keyd.keys["Docs"][0], keyd.wrap("Docs"), charges=charge())
    keyd.acknowledge(keyd.append(), CODE["budget"])
    denial = keyd.append()
    assert (denial.event.class_, denial.main["reason"]) == (3, CODE["budget"])
    assert denial.objects[0].code == CODE["budget"] and denial.charges == b""
    keyd.nothing_yet()
    keyd.acknowledge(denial)
    assert keyd.result(number) == (CODE["budget"], b"")


def test_a_log_that_takes_no_record_releases_nothing(keyd):
    number = keyd.ask("Docs", keyd.keys["Docs"][0], keyd.wrap("Docs"))
    keyd.acknowledge(keyd.append(), CODE["unavailable"])
    assert keyd.result(number) == (CODE["unavailable"], b"")


def test_a_denial_that_has_no_record_is_not_counted(keyd):
    """More often than a person may have records: each time it is the first one of that person."""
    value = keyd.wrap("Docs")
    for _ in range(120):
        number = keyd.ask("Docs", keyd.keys["Docs"][0], value, code=CODE["gate"])
        keyd.acknowledge(keyd.append(), CODE["unavailable"])
        assert keyd.result(number) == (CODE["unavailable"], b"")
    number = keyd.ask("Docs", keyd.keys["Docs"][0], value, code=CODE["gate"])
    denial = keyd.append()
    assert (denial.event.class_, denial.main.get("suppressed", 0)) == (3, 0)
    keyd.acknowledge(denial)
    assert keyd.result(number) == (CODE["gate"], b"")


def test_what_was_judged_by_an_older_policy(keyd):
    keyd.authd.send(0x0204, b"another".ljust(32) + bytes(32 + 4), 9)
    keyd.acknowledge(keyd.append())
    number = keyd.ask("Docs", keyd.keys["Docs"][0], keyd.wrap("Docs"), told=0)
    assert keyd.result(number) == (STALE, b"")
    count = sum(1 for line in keyd.admin(LIST)[1].splitlines() if line.split("\t")[2] == "p256")
    keyd.told = count + 1  # what authd was told of: native keys, and the policy
    assert keyd.decrypt("Docs", keyd.keys["Docs"][0], keyd.wrap("Docs"))[:2] == (0, BLOB)


@pytest.mark.parametrize("kind", [5, 6])
def test_a_confirmation_that_authd_made_up(keyd, kind):
    """Who has taken over authd says that a person confirmed, or has a session open."""
    id_, value = keyd.keys["Docs"][0], keyd.wrap("Docs")
    number = keyd.ask("Docs", id_, value, fields=(factor(kind, 4, 17), *FIELDS[1:]))
    denial = keyd.append()
    assert denial.main["reason"] == CODE["gate"] and "factors" not in denial.main
    keyd.acknowledge(denial)
    assert keyd.result(number) == (CODE["gate"], b"")
    # The control: without it there is nothing that keyd could know better.
    assert keyd.decrypt("Docs", id_, value)[:2] == (0, BLOB)


def test_a_key_that_needs_a_confirmation(keyd):
    """Whatever authd says: by it another gate held, or none is asked for. That a confirmation
    which was made opens it is in test_dke_gates."""
    id_, value = keyd.keys["sealed"][0], keyd.wrap("sealed")
    for fields in (FIELDS, FIELDS[1:], (factor(5, 4, 17), *FIELDS[1:])):
        number = keyd.ask("sealed", id_, value, fields=fields)
        denial = keyd.append()
        assert denial.main["reason"] == CODE["gate"] and "factors" not in denial.main
        keyd.acknowledge(denial)
        assert keyd.result(number) == (CODE["gate"], b"")


def test_what_a_key_needs_is_listed_and_recorded(made):
    table = rows(made)
    assert [table["sealed", v][1] for v in (1, 2)] == 2 * ["active,confirmation"]
    assert table["docs", 1][1] == "active"


def test_a_canary_freezes_its_key(keyd):
    id_, value = keyd.keys["Docs"][0], keyd.wrap("Docs")
    number = keyd.ask("Docs", id_, value, code=CODE["canary"], level=0)
    index = keyd.acknowledge(keyd.append())
    assert keyd.result(number) == (CODE["canary"], b"")
    freeze = keyd.append()
    assert (freeze.event.class_, freeze.main["key"], freeze.main["factors"]) == (
        12, "docs", [(8, 4, index)])
    # As good as frozen before the record of it is durable.
    number = keyd.ask("Docs", id_, keyd.wrap("Docs"))
    keyd.acknowledge(freeze)
    denial = keyd.append()
    assert denial.main["reason"] == CODE["key-frozen"]
    keyd.acknowledge(denial)
    assert keyd.result(number) == (CODE["key-frozen"], b"")
    assert keyd.decrypt("large", keyd.keys["large"][0], keyd.wrap("large"))[:2] == (0, BLOB)
    keyd.act(UNFREEZE, "docs", "it was a test")
    assert keyd.decrypt("Docs", id_, value)[:2] == (0, BLOB)


def test_what_is_used_up_of_a_token(keyd):
    """The name is made here, of what the record says; a denial uses nothing up."""
    id_, value = keyd.keys["Docs"][0], keyd.wrap("Docs")
    _, _, append = keyd.decrypt("Docs", id_, value, until=2**33)
    assert (append.created, append.until) == (1929000000, 2**33)
    assert append.device == dke.token_name("iss", "jti") and append.nonce == bytes(15) + b"\1"
    for judged in ({"until": 0}, {"until": 2**33, "code": CODE["gate"]}):
        _, _, append = keyd.decrypt("Docs", id_, value, **judged)
        assert append.device == bytes(32) and append.nonce == bytes(16) and append.until == 0
    # What logd has seen before is a denial of its own, without what came out.
    number = keyd.ask("Docs", id_, value, until=2**33)
    keyd.acknowledge(keyd.append(), CODE["replay"])
    denial = keyd.append()
    assert denial.main["reason"] == CODE["replay"] and denial.until == 0
    keyd.acknowledge(denial)
    assert keyd.result(number) == (CODE["replay"], b"")


def flood(keyd, count, **judged):
    """So many denials at once; how many of them got a record."""
    numbers = [keyd.ask("Docs", keyd.keys["Docs"][0], b"v" * 256, level=0, **judged)
               for _ in range(count)]
    records, results = 0, 0
    while results < count:
        kind, number, _ = next_of(keyd.logd, keyd.httpd)
        if kind == 0x0401:
            records += 1
            keyd.logd.send(0x0402, struct.pack(">HQB", 0, 9, 0) + b"x\n", number)
        else:
            results += number in numbers
    return records


def test_strangers_do_not_fill_the_log(keyd):
    """Ten in a second of what anybody can cause, whatever authd says of persons."""
    assert 1 <= flood(keyd, 60, code=CODE["token"], fields=()) <= 30
    assert flood(keyd, 60, code=CODE["policy"], person=b"", fields=()) <= 30


def test_persons_do_not_fill_the_log(keyd):
    """A hundred in ten minutes of one who signs tokens, and of another one all the same."""
    begin = now() // 600
    got = flood(keyd, 300, code=CODE["policy"], person=b"mallory@contoso.com")
    assert 1 <= got <= 100 * (now() // 600 - begin + 1)
    assert flood(keyd, 1, code=CODE["policy"], person=b"carol@contoso.com") == 1
    # The record of a canary freezes its key: it is not left out.
    number = keyd.ask("Docs", keyd.keys["Docs"][0], b"v" * 256, CODE["canary"], 0,
                      person=b"mallory@contoso.com")
    for denial in (True, False):  # and of the freeze
        append = keyd.append()
        assert (append.main.get("reason") == CODE["canary"]) == denial
        keyd.acknowledge(append)
    assert keyd.result(number) == (CODE["canary"], b"")
    keyd.act(UNFREEZE, "docs", "it was a test")


def test_what_had_no_record_is_counted_by_one_that_is_stored(keyd):
    def denied(person):
        return keyd.ask("Docs", keyd.keys["Docs"][0], b"v" * 256, CODE["policy"], 0, person=person)

    flood(keyd, 150, code=CODE["policy"], person=b"eve@contoso.com")
    number = denied(b"dora@contoso.com")
    append = keyd.append()
    count = append.main["suppressed"]
    assert count >= 50
    keyd.acknowledge(append, CODE["unavailable"])
    assert keyd.result(number) == (CODE["unavailable"], b"")
    number = denied(b"erin@contoso.com")
    append = keyd.append()
    assert append.main["suppressed"] == count
    keyd.acknowledge(append)
    keyd.result(number)


def next_of(*channels):
    ready = [c for c in channels if c.parts]
    if not ready:
        ends = select.select([c.end for c in channels], [], [], 60)[0]
        ready = [c for c in channels if c.end in ends]
    return ready[0].receive()


def test_no_word_of_authd_releases_what_is_not_there(keyd):
    """Level, person, token, client and rule are all there, or keyd takes authd for broken."""
    keyd.ask("Docs", keyd.keys["Docs"][0], keyd.wrap("Docs"), fields=FIELDS[:4])
    assert keyd.child.violation() == (3, 0x0208)


def test_in_mode_strict_the_quorum_comes_first(stopped):
    cosigners = [Cosigner("w%d.example.org" % i) for i in (1, 2)]
    policy = "".join("witness w%d %s https://w.example.org\n" % (i + 1, c.vkey)
                     for i, c in enumerate(cosigners))
    path = write(stopped, "strict", b"\x14\2" + policy.encode()
                 + b"group both all w1 w2\nquorum both\n")
    key = LogKey(stopped)
    for honest in (False, True):
        keyd = Keyd(stopped, path)
        number = keyd.ask("Docs", keyd.keys["Docs"][0], keyd.wrap("Docs"))
        a = keyd.append()
        assert a.mode == 2 and a.main["mode"] == 2
        note = key.text(1, leaf_hash(a.leaf))
        whole = note + b"\n" + key.lines(note) + b"".join(
            c.line(note) for c in cosigners[:2 if honest else 1])
        keyd.logd.send(0x0402, struct.pack(">HQB", 0, 0, 0) + whole, a.number)
        if honest:
            assert keyd.result(number) == (0, BLOB)
        else:
            assert keyd.child.violation() == (5, 0x0402)
        keyd.child.end()
