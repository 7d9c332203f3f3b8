# SPDX-License-Identifier: Apache-2.0
"""keygen, and the messages about key files."""

import hashlib
import os
import pathlib
import re
import stat
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from reader import keyfile  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
VECTORS = SOURCE / "spec" / "vectors" / "key-file"
PASSPHRASE = b"correct horse battery staple"


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def files(folder):
    return sorted(p.name for p in folder.iterdir())


def no_secrets(key_file, *texts):
    """No line of the private key file, and no passphrase, is in a text."""
    lines = [line for line in key_file.decode().split("\n") if line and line[0] != "-"]
    for text in texts:
        text = text.decode("latin-1") if isinstance(text, bytes) else text
        # The first lines hold what is public.
        for line in lines[3:]:
            for at in range(0, len(line) - 12, 4):
                assert line[at:at + 12] not in text
        assert PASSPHRASE.decode() not in text


def keygen(dk, name, *more, side="customer", status=0):
    result = dk("keygen", "--side", side, "--no-passphrase", "-o", name, *more)
    assert result.status == status, result.err
    return result


def use(dk, name, *more, **how):
    """A command that needs the private key, and does little else."""
    for old in dk.home.glob("share-*"):
        old.unlink()
    return dk("key", "split", name, "--shares", "3", "--threshold", "2", "-o", "share", "-q",
              *more, **how)


@pytest.mark.parametrize("side,kind", [
    ("customer", "p256"), ("customer", "p384"), ("provider", "rsa3072"), ("creator", "p256"),
    ("auditor", "p384")])
def test_makes_a_pair(dk, side, kind):
    result = keygen(dk, "a.key", "--type", kind, "--custodian", "acme.example/hr", side=side)
    assert files(dk.home) == ["a.key", "a.key.pub"]
    private, public = (dk.home / "a.key").read_bytes(), (dk.home / "a.key.pub").read_bytes()
    key = keyfile.load(private, side=side, private=True)
    assert keyfile.load(public, side=side).spki == key.spki
    assert key.custodian == "acme.example/hr"
    assert hashlib.sha256(key.spki).hexdigest() in result.err
    assert len(result.err.splitlines()) == 2 and result.out == b""
    no_secrets(private, result.err)


def test_quiet_says_nothing(dk):
    assert keygen(dk, "a.key", "-q").err == ""


def test_custodian_is_the_side_by_default(dk):
    for side in ("customer", "provider", "creator", "auditor"):
        keygen(dk, side, side=side)
        assert keyfile.load((dk.home / side).read_bytes()).custodian == side


@pytest.mark.parametrize("mask,public", [(0o000, 0o666), (0o022, 0o644), (0o077, 0o600)])
def test_private_key_is_for_its_owner_only(dk, mask, public):
    old = os.umask(mask)
    try:
        keygen(dk, "a.key")
    finally:
        os.umask(old)
    assert mode(dk.home / "a.key") == 0o600
    assert mode(dk.home / "a.key.pub") == public


def test_private_key_was_never_for_others(dk):
    """No call makes or changes a file with more than owner access before the public one."""
    trace = dk.home / "trace"
    try:
        subprocess.run(["strace", "-V"], capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip("strace is not installed")
    old = os.umask(0)
    try:
        done = subprocess.run(
            ["strace", "-f", "-o", trace, "-e", "trace=openat,open,creat,chmod,fchmod,fchmodat"]
            + dk.argv("keygen", "--side", "customer", "--no-passphrase", "-q", "-o", "a.key"),
            cwd=dk.home, env=dk.env, capture_output=True)
    finally:
        os.umask(old)
    if done.returncode != 0 and b"ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    modes = [int(m, 8) for line in trace.read_text().splitlines()
             if "O_TMPFILE" in line or "O_CREAT" in line or "chmod" in line
             for m in re.findall(r"\b0[0-7]{3}\b", line)]
    assert modes == [0o600, 0o600, 0o600, 0o666]


@pytest.mark.parametrize("there", ["a.key", "a.key.pub"])
def test_refuses_existing_files(dk, there):
    (dk.home / there).write_bytes(b"old")
    keygen(dk, "a.key", status=1).failed(f"{there}: the file exists; --force replaces it")
    assert files(dk.home) == [there]
    assert (dk.home / there).read_bytes() == b"old"
    keygen(dk, "a.key", "--force")
    assert files(dk.home) == ["a.key", "a.key.pub"]
    assert mode(dk.home / "a.key") == 0o600


def test_force_loses_nothing_if_one_of_the_two_fails(dk, fault):
    """The public file cannot get its name: the old pair is there, as it was."""
    keygen(dk, "a.key")
    old = [(dk.home / name).read_bytes() for name in ("a.key", "a.key.pub")]
    seen = 0
    for call in ("renameat", "linkat", "fchmod", "unlinkat"):
        for number in range(1, 9):
            done = dk("keygen", "--side", "customer", "--type", "p256", "--no-passphrase",
                      "--force", "-o", "a.key", env=fault("%s:%d:28" % (call, number)))
            new = [(dk.home / name).read_bytes() for name in ("a.key", "a.key.pub")]
            if done.status == 0:
                assert call == "unlinkat" or new != old
                old = new
            else:
                assert new == old, (call, number)
                seen += call == "renameat"
            for name in files(dk.home):
                if name not in ("a.key", "a.key.pub"):  # an old file that could not be removed
                    assert call == "unlinkat" and name.startswith(".doublekey-")
                    (dk.home / name).unlink()
    assert seen >= 2
    # Without a private key before, none is left.
    (dk.home / "a.key").unlink()
    done = dk("keygen", "--side", "customer", "--type", "p256", "--no-passphrase", "--force",
              "-o", "a.key", env=fault("renameat:3:28"))
    assert done.status == 1 and files(dk.home) == ["a.key.pub"]


def test_refuses_what_is_no_file(dk):
    (dk.home / "target").write_bytes(b"old")
    (dk.home / "a.key").symlink_to("target")
    keygen(dk, "a.key", "--force", status=1).failed("a.key: this is a symbolic link")
    (dk.home / "d").mkdir()
    keygen(dk, "d", "--force", status=1).failed("d: this is a directory")
    keygen(dk, "nowhere/a.key", status=1).failed("nowhere/a.key: ", "No such file or directory")
    assert (dk.home / "target").read_bytes() == b"old"
    assert files(dk.home) == ["a.key", "d", "target"]


@pytest.mark.parametrize("args,text", [
    (["--side", "nobody", "-o", "a"], "no side 'nobody'"),
    (["-o", "a"], "--side is missing"),
    (["--side", "customer"], "-o is missing"),
    (["--side", "customer", "--type", "rsa2048", "-o", "a"], "no key type 'rsa2048'"),
    (["--side", "auditor", "--type", "rsa3072", "-o", "a"],
     "an auditor key is of type p256 or p384"),
    (["--side", "creator", "--type", "p384", "-o", "a"], "a creator key is of type p256"),
    (["--side", "customer", "--custodian", "ACME", "-o", "a"], "a custodian is 1 to 48"),
    (["--side", "customer", "--custodian", "x" * 49, "-o", "a"], "a custodian is 1 to 48"),
    (["--side", "customer", "-o", "a", "b"], "'b' is one argument too many"),
    (["--side", "customer", "-o", "a", "--frobnicate"], "no option '--frobnicate'"),
    (["--side", "customer", "-o", "a", "-z"], "no option '-z'"),
    (["--side"], "option '--side' needs a value"),
    (["--side", "customer", "--force=yes", "-o", "a"], "option '--force' takes no value"),
    (["--side", "customer", "--passphrase-file", "x", "-o", "a"], "exclude each other"),
])
def test_usage_errors(dk, args, text):
    result = dk("keygen", "--no-passphrase", *args)
    result.failed(text, "try 'doublekey keygen --help'", status=2)
    assert files(dk.home) == []


def test_reserved_type_has_its_own_error(dk):
    keygen(dk, "a.key", "--type", "p256-mlkem768", status=1).failed(
        "the key type p256-mlkem768 is reserved and not implemented yet (key-reserved)")
    assert files(dk.home) == []


def test_help_and_version(dk):
    for command in (["--help"], ["keygen", "--help"], ["key", "--help"],
                    ["key", "split", "--help"], ["key", "join", "-h"]):
        result = dk(*command)
        assert (result.status, result.err) == (0, "") and result.out.startswith(b"usage: doublekey")
    lines = dk("--version").out.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["doublekey", "libdoublekey", "libcrypto"]
    dk().failed("no command given", status=2)
    dk("frobnicate").failed("no command 'frobnicate'", status=2)
    dk("key").failed("which of its commands?", status=2)
    dk("key", "frobnicate").failed("no command 'frobnicate'", status=2)


def vector(name):
    return (VECTORS / name).read_bytes().split(b"\n\n", 1)[1]


def test_each_wrong_file_has_its_own_message(dk, keys):
    cases = {
        "reserved": (vector("field_type_4"), "key-reserved"),
        "unknown": (vector("field_type_5"), "key-type"),
        "later": (vector("version_2"), "key-version"),
        "foreign": (b"-----BEGIN PRIVATE KEY-----\nAAAA\n", "key-foreign"),
        "empty": (b"", "key-foreign"),
        "large": (b"\n" * 20000, "key-foreign"),
        "cut": ((keys / "c.key").read_bytes()[:-70], "key-damaged"),
        "public": ((keys / "c.key.pub").read_bytes(), "key-need-private"),
    }
    for name, (data, error) in cases.items():
        (dk.home / name).write_bytes(data)
        result = use(dk, name).failed(f"doublekey: {name}: ", f"({error})")
        assert len(result.err.splitlines()) == 1
    assert list(dk.home.glob("share-*")) == []


def test_key_of_another_side(dk, keys):
    (dk.home / "f").write_bytes(b"x")
    for option, name in (("--customer", "p.key"), ("--provider", "c.key.pub")):
        args = {"--customer": keys / "c.key.pub", "--provider": keys / "p.key.pub"}
        args[option] = keys / name
        dk("encrypt", *[str(x) for pair in args.items() for x in pair], "-o", "o", "f").failed(
            f"this is not a {option[2:]} key (key-side)")
    assert files(dk.home) == ["f"]


def test_every_changed_character_is_noticed(dk):
    keygen(dk, "a.key", "-q")
    data = (dk.home / "a.key").read_bytes()
    for at in [*range(0, len(data), 7), len(data) - 1]:
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        (dk.home / "b.key").write_bytes(changed)
        result = use(dk, "b.key").failed("b.key: ")
        assert "(key-damaged)" in result.err or ("(key-foreign)" in result.err and at < 40)
        no_secrets(data, result.err)


def test_a_reference_with_a_scheme(dk):
    for scheme, told, name in (("tpm2", "keys of the scheme 'tpm2' are not supported",
                                "key-scheme"),
                               ("vault", "is no name of a key of 'vault:'", "provider-reference")):
        keygen(dk, f"./{scheme}:x.key", "-q")
        use(dk, f"{scheme}:x.key").failed(told, f"'./{scheme}:x.key'", f"({name})")
        assert use(dk, f"./{scheme}:x.key").status == 0
        assert use(dk, dk.home / f"{scheme}:x.key").status == 0


def test_a_url_without_its_colon(dk, keys):
    for ref in ("https//keys.example.org:8443/keys/k", "http/x"):
        dk("encrypt", "--customer", ref, "--provider", keys / "p.key.pub", stdin=b"x").failed(
            f"{ref}: there is no such file; the URL of a key begins with https:// (read)")
    dk("encrypt", "--customer", "nowhere", "--provider", keys / "p.key.pub", stdin=b"x").failed(
        "nowhere: ", "No such file")  # control


@pytest.mark.parametrize("args, said", [
    ((), "URL is missing"), (("https://a:1",), "--ca-fingerprint is missing"),
    (("https://a:1", "--ca-fingerprint", "xyz"), "--code is missing"),
    (("https://a:1", "--ca-fingerprint", "xyz", "--code", "c"), "--ca-fingerprint takes 64 hex"),
    (("https//a:1", "--ca-fingerprint", "0" * 64, "--code", "c"), "URL has the form https://"),
    (("https://a:65536", "--ca-fingerprint", "0" * 64, "--code", "c"), "URL has the form"),
    (("https://a:1", "--ca-fingerprint", "0" * 64, "--code", "c", "--device-name", ""),
     "--device-name takes 1 to 64 bytes"),
    (("https://a:1", "b", "--ca-fingerprint", "0" * 64, "--code", "c"), "too many: 'b'")])
def test_a_wrong_enrolment(dk, args, said):
    result = dk("enrol", *args)
    assert result.status == 2 and said in result.err


def test_the_url_of_a_service_key(dk, keys):
    """Told apart: no such URL, no enrolment. Found also where PATH leads to the program."""
    def encrypt(url, program=dk.program, **how):
        done = subprocess.run([program, "encrypt", "--customer", url, "--provider",
                               keys / "p.key.pub"], input=b"", capture_output=True, cwd=dk.home,
                              env=dict(dk.env, **how))
        assert done.returncode == 1
        return done.stderr.decode()
    for url in ("https://x.invalid/k", "https://x.invalid:8443/k", "https:"):
        assert encrypt(url) == ("doublekey: %s: this is not the URL of a key, which is "
                                "https://HOST:PORT/keys/NAME (key-foreign)\n" % url)
    url = "https://x.invalid:8443/keys/main"
    folder, name = os.path.split(os.path.abspath(dk.program))
    for text in (encrypt(url), encrypt(url, name, PATH=folder)):
        assert text.endswith("use doublekey enrol (service-not-enrolled)\n")


def test_names_are_escaped(dk):
    name = "a\n\x1b[31m\u202e\xff.key"
    result = use(dk, name).failed("a\\x0a\\x1b[31m\\xe2\\x80\\xae\xff.key: ", "No such file")
    assert "\x1b" not in result.err and len(result.err.splitlines()) == 1
    use(dk, b"b\xff.key".decode("utf-8", "surrogateescape")).failed("b\\xff.key: ")


def test_only_libcrypto_without_a_passphrase(dk, keys):
    """libargon2 is mapped for a sealed key, and not before."""
    def libraries(name, **how):
        result = use(dk, name, env={"LD_DEBUG": "files", **how})
        assert result.status == 0
        return set(re.findall(r"file=(lib\w+)", result.err))

    (dk.home / "pass").write_bytes(PASSPHRASE)
    os.chmod(dk.home / "pass", 0o600)
    key = keyfile.load((keys / "c.key").read_bytes(), private=True)
    (dk.home / "s.key").write_bytes(
        keyfile.private_file(key, "customer", PASSPHRASE, cost=(1, 8, 1)))
    plain = libraries(keys / "c.key")
    assert "libargon2" not in plain and "libcrypto" in plain
    assert libraries("s.key", DOUBLEKEY_PASSPHRASE_FILE="pass") == plain | {"libargon2"}
