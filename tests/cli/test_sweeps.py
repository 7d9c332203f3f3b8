# SPDX-License-Identifier: Apache-2.0
"""Each command, with each call of the system and each allocation failing once."""

import json
import os

import pytest

from conftest import PROGRAM, Runner
from sweep import Case, Sweep
from test_assess import LAPTOP_KEY, PROVIDER, Made
from test_assess import LOG as MADE_LOG
from test_log import LOG, tiles
from test_what_if import ONLY_A, event, put

CONTENT = os.urandom(200_000)
PROFILES = ".config/doublekey/profiles"


def library(name):
    path = os.environ.get(name)
    if not path or not os.path.exists(path):
        pytest.skip(name + " names no library")
    return path


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A folder with keys of each type, a text, objects, shares and a profile."""
    folder = tmp_path_factory.mktemp("sweep") / "template"
    folder.mkdir()
    run = Runner(folder)
    for name, side, kind in (("c", "customer", "p256"), ("c3", "customer", "p384"),
                             ("cr", "customer", "rsa3072"), ("p", "provider", "p256"),
                             ("p3", "provider", "p384"), ("pr", "provider", "rsa3072"),
                             ("s", "creator", "p256")):
        run("keygen", "--side", side, "--type", kind, "--no-passphrase", "-q",
            "-o", name + ".key").ok()
    (folder / "plain").write_bytes(CONTENT)
    (folder / "small").write_bytes(b"small")
    (folder / "d").mkdir()
    (folder / "d" / "e").mkdir()
    (folder / "d" / "a").write_bytes(b"aaa")
    (folder / "d" / "e" / "b").write_bytes(b"bbb")
    run("encrypt", *options("customer", "c", "c3", "cr"), *options("provider", "p", "p3", "pr"),
        "--sign", "s.key", "--label", "label", "-o", "object", "plain").ok()
    run("encrypt", *options("customer", "c"), *options("provider", "p"), "-o", "o.dkey",
        "small").ok()
    run("key", "split", "-q", "--shares", "3", "--threshold", "2", "-o", "share", "c.key").ok()
    run("profile", "add", "office", *options("customer", "c"), *options("provider", "p")).ok()
    (folder / "word").write_bytes(b"horse\n")
    (folder / "word").chmod(0o600)
    run("keygen", "-q", "--side", "customer", "--type", "p256", "--passphrase-file", "word",
        "-o", "sealed.key").ok()
    run("encrypt", *options("customer", "sealed"), *options("provider", "p"), "-o", "s.dkey",
        "small").ok()
    (folder / "f").mkdir()
    tiles.Files(tiles.leaves([1924992000 + i for i in range(300)]), LOG).write(
        folder / "log", kept=(7, 256))
    (folder / "m").mkdir()
    made = Made(Runner(folder / "m"), folder / "m", folder)
    put(made, ONLY_A)
    made.write(event(ONLY_A), made.release()).assess(PROVIDER, LAPTOP_KEY)
    run(*ASSESS, "m/expected").ok()
    for copy in ("o2.dkey", "f/x.dkey"):
        (folder / copy).write_bytes((folder / "o.dkey").read_bytes())
    return folder


ASSESS = ["assess", "-q", "--incident", "m/incident", "--catalogue", "m/catalogue", "--log", "m/log",
          "--records", "m/records", "--key", MADE_LOG.vkey, "--service-policy", "m/policies", "--json"]


def is_expected(folder, out):
    same = (folder / "new").read_bytes() == (folder / "m" / "expected").read_bytes()
    return None if same else "new: another result"


def options(side, *names, private=False):
    found = []
    for name in names:
        found += ["--" + side, name + (".key" if private else ".key.pub")]
    return found


def both(name="c", other="p", private=True):
    return options("customer", name, private=private) + options("provider", other, private=private)


def is_object(folder, name, content, keys=("c", "p")):
    result = Runner(folder)("decrypt", *both(*keys), "-o", "-", name)
    if result.status != 0:
        return name + ": " + result.err
    return None if result.out == content else name + ": another content"


def object_of(content, name="new", keys=("c", "p")):
    return lambda folder, out: is_object(folder, name, content, keys)


def file_of(content, name="new"):
    def check(folder, out):
        path = folder / name
        return None if path.exists() and path.read_bytes() == content else name + " differs"
    return check


def file_begins(name, words=b"-----BEGIN DOUBLEKEY"):
    return lambda folder, out: None if (folder / name).read_bytes().startswith(words) \
        else name + " begins otherwise"


def output_of(content):
    return lambda folder, out: None if out == content else "another output"


def all_of(*checks):
    def check(folder, out):
        for one in checks:
            wrong = one(folder, out)
            if wrong:
                return wrong
        return None
    return check


def stdout_object(folder, out):
    (folder / "got").write_bytes(out)
    return is_object(folder, "got", CONTENT)


def key_works(name, other="p", side="customer"):
    def check(folder, out):
        run = Runner(folder)
        mine, others = ("customer", "provider") if side == "customer" else ("provider", "customer")
        keys = [*options(mine, name, private=True), *options(others, other, private=True)]
        made = run("encrypt", *keys, "-o", "tried", "small")
        if made.status != 0:
            return made.err
        if (folder / (name + ".key")).stat().st_mode & 0o777 != 0o600:
            return "mode"
        read = run("decrypt", *keys, "-o", "-", "tried")
        return None if read.out == b"small" else read.err
    return check


def is_json(folder, out):
    info = json.loads(out)
    return None if info["label"] == "label" and len(info["sides"]["customer"]["stanzas"]) == 3 \
        else "other words"


def has_profiles(*names):
    def check(folder, out):
        found = [p.name for p in (folder / PROFILES).iterdir()]
        Runner(folder)("profile", "list").ok()
        return None if sorted(found) == sorted(names) else "files " + " ".join(found)
    return check


def mention(words):
    return lambda folder, out: None if words in out else "other words"


def rewrapped(name):
    return object_of(b"small", name, ("c3", "p"))


def each(checks):
    """check and new of a case whose files stand each on its own."""
    return all_of(*checks.values()), checks


def cases():
    dk = PROGRAM
    one = [dk, "encrypt", "-j", "1"]
    return [
        Case("encrypt", one + options("customer", "c", "c3", "cr") +
             options("provider", "p", "p3", "pr") +
             ["--sign", "s.key", "--label", "x", "-o", "new", "plain"],
             all_of(object_of(CONTENT), object_of(CONTENT, keys=("cr", "pr"))), ["new"]),
        Case("encrypt over", one + both() + ["--force", "-o", "small", "plain"],
             object_of(CONTENT, "small"), ["small"]),
        Case("encrypt through", one + both(), stdout_object, stdin=CONTENT),
        Case("encrypt several", one + both() + ["plain", "small"],
             *each({"plain.dkey": object_of(CONTENT, "plain.dkey"),
                    "small.dkey": object_of(b"small", "small.dkey")})),
        Case("encrypt folder", one + both() + ["-r", "d"],
             *each({"d/a.dkey": object_of(b"aaa", "d/a.dkey"),
                    "d/e/b.dkey": object_of(b"bbb", "d/e/b.dkey")})),
        Case("decrypt", [dk, "decrypt", "-j", "1"] + both() +
             ["--require-creator", "s.key.pub", "-o", "new", "object"], file_of(CONTENT),
             ["new"]),
        Case("decrypt p384", [dk, "decrypt", "-j", "1"] + both("c3", "p3") +
             ["-o", "new", "object"], file_of(CONTENT), ["new"]),
        Case("decrypt rsa3072", [dk, "decrypt", "-j", "1"] + both("cr", "pr") +
             ["-o", "new", "object"], file_of(CONTENT), ["new"]),
        Case("decrypt through", [dk, "decrypt", "-j", "1"] + both() + ["object"],
             output_of(CONTENT)),
        Case("decrypt beside", [dk, "decrypt", "-j", "1"] + both() + ["o.dkey", "o2.dkey"],
             *each({"o": file_of(b"small", "o"), "o2": file_of(b"small", "o2")})),
        Case("decrypt folder", [dk, "decrypt", "-j", "1"] + both() + ["-r", "f"],
             *each({"f/x": file_of(b"small", "f/x")})),
        Case("range", [dk, "decrypt"] + both() +
             ["--offset", "70000", "--length", "1000", "-o", "new", "object"],
             file_of(CONTENT[70000:71000]), ["new"]),
        Case("inspect", [dk, "inspect", "object"], mention(b"label")),
        Case("inspect json", [dk, "inspect", "--json", "object"], is_json),
        Case("rewrap", [dk, "rewrap", "--side", "customer", "--open", "c.key", "--to",
                        "c3.key.pub", "-j", "1", "o.dkey"], rewrapped("o.dkey"),
             ["o.dkey"]),
        Case("rewrap several", [dk, "rewrap", "--side", "customer", "--open", "c.key", "--to",
                                "c3.key.pub", "-j", "1", "-r", "o.dkey", "f"],
             *each({"o.dkey": rewrapped("o.dkey"), "f/x.dkey": rewrapped("f/x.dkey")})),
        Case("keygen p256", [dk, "keygen", "-q", "--side", "customer", "--type", "p256",
                             "--no-passphrase", "-o", "new.key"], key_works("new"),
             ["new.key", "new.key.pub"]),
        Case("keygen p384", [dk, "keygen", "-q", "--side", "provider", "--type", "p384",
                             "--no-passphrase", "-o", "new.key"],
             key_works("new", "c", "provider"), ["new.key", "new.key.pub"]),
        Case("keygen sealed", [dk, "keygen", "-q", "--side", "customer", "--type", "p256",
                               "--passphrase-file", "word", "-o", "new.key"],
             all_of(file_begins("new.key"), file_begins("new.key.pub")),
             ["new.key", "new.key.pub"], most=8),
        Case("decrypt sealed", [dk, "decrypt", "-j", "1", "--customer", "sealed.key",
                                "--passphrase-file", "word", "--provider", "p.key",
                                "-o", "new", "s.dkey"], file_of(b"small"), ["new"], most=8),
        Case("key split", [dk, "key", "split", "-q", "--shares", "3", "--threshold", "2",
                           "-o", "new", "c.key"],
             lambda folder, out: None if (folder / "new-3-of-3.txt").exists() else "no share",
             ["new-%d-of-3.txt" % i for i in (1, 2, 3)]),
        Case("key join", [dk, "key", "join", "-q", "--no-passphrase", "-o", "new.key",
                          "share-1-of-3.txt", "share-3-of-3.txt"], key_works("new"),
             ["new.key", "new.key.pub"]),
        Case("profile add", [dk, "profile", "add", "home"] + both(private=False),
             has_profiles("office.conf", "home.conf"), [PROFILES + "/home.conf"]),
        Case("profile list", [dk, "profile", "list"], mention(b"office")),
        Case("profile remove", [dk, "profile", "remove", "office"], has_profiles(),
             [PROFILES + "/office.conf"]),
        Case("log verify", [dk, "log", "verify", "--key", LOG.vkey, "log"],
             all_of(mention(b"size         300\n"), mention(b"checkpoints  3\n")), most=60),
        Case("log verify --json", [dk, "log", "verify", "--json", "--key", LOG.vkey, "log"],
             all_of(mention(b'"size":300,'), mention(b'"checkpoints":3,')), most=60),
        Case("log prove", [dk, "log", "prove", "--key", LOG.vkey, "-o", "new", "299", "log"],
             file_begins("new", b"c2sp.org/tlog-proof@v1\nextra "), ["new"], most=60),
        Case("assess", [dk, *ASSESS, "new"], is_expected, ["new"], most=80),
        Case("by profile", [dk, "-p", "office", "encrypt", "-j", "1", "small"],
             object_of(b"small", "small.dkey"), ["small.dkey"]),
    ]


CASES = {case.name: case for case in cases()}
# keygen with rsa3072 takes too long to be done a hundred times.
# SQLite takes a page that cannot be read for a damaged one, and says so.
MEMORY_ONLY = ["assess"]
QUICK = ["encrypt", "decrypt rsa3072", "rewrap", "inspect", "key join"]


@pytest.fixture
def sweep(template, dk):
    return Sweep(template, dk.env)


@pytest.mark.parametrize("name", QUICK)
def test_calls(sweep, name):
    sweep.calls(CASES[name], library("DOUBLEKEY_FAULT"))
    assert sweep.findings == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in CASES if n not in QUICK + MEMORY_ONLY])
def test_calls_of_all_commands(sweep, name):
    sweep.calls(CASES[name], library("DOUBLEKEY_FAULT"))
    assert sweep.findings == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_memory(sweep, name):
    sweep.memory(CASES[name], library("DOUBLEKEY_FAULT_MEMORY"), deep=True)
    assert sweep.findings == []


# What each way of careless.c has to be found by.
CARELESS = {
    "read-ignored": ("calls", "read:1:5: new differs"),
    "write-ignored": ("calls", "write:1:28: new differs"),
    "sync-ignored": ("calls", "fsync:1:5: success"),
    "leaves-temporary": ("calls", "write:1:28: left behind: .temp"),
    "writes-in-place": ("calls", "write:1:28: output after failure: new"),
    "says-nothing": ("calls", "open:1:5: no message"),
    "memory-unchecked": ("memory", "status -11"),
    "memory-ignored": ("memory", "new differs"),
    "nothing": ("calls", None),
}


@pytest.mark.parametrize("way", CARELESS)
def test_planted_faults_are_found(sweep, way):
    """Negative control: programs that are wrong in the ways that are looked for."""
    how, expected = CARELESS[way]
    case = Case(way, [os.environ["DOUBLEKEY_CARELESS"], way, "plain", "new"], file_of(CONTENT),
                ["new"])
    if how == "calls":
        sweep.calls(case, library("DOUBLEKEY_FAULT"))
    else:
        sweep.memory(case, library("DOUBLEKEY_FAULT_MEMORY"), deep=False)
    assert any(expected in found for found in sweep.findings) if expected else \
        sweep.findings == []


def test_a_call_that_only_seems_to_work_is_found(sweep):
    """Negative control: bytes that are lost without any error."""
    case = CASES["encrypt"]
    env = {"LD_PRELOAD": library("DOUBLEKEY_FAULT"), "FAULT": "write:2:LOSE",
           "ASAN_OPTIONS": "verify_asan_link_order=0"}
    assert "new: " in sweep.one(case, env, "write:2:LOSE", False, False)
