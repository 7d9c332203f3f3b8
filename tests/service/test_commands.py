# SPDX-License-Identifier: Apache-2.0
"""What doublekeyd says when a command line is wrong, nobody can be asked, or the service
says no: one sentence with a stable name, and nothing done."""
import os
import subprocess

import pytest

from service import DAEMON, Service

OTHER = 65534


def call(*args, **more):
    return subprocess.run([DAEMON, *args], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, **more)


WRONG = {
    (): "no command given",
    ("frobnicate",): "no command 'frobnicate'",
    ("key",): "key: needs a second word",
    ("key", "frobnicate", "x"): "no command 'key frobnicate'",
    ("key", "create"): "key create: NAME is missing",
    ("key", "destroy", "a"): "key destroy: VERSION is missing",
    ("key", "create", "a", "b"): "key create: one argument too many: 'b'",
    ("device", "revoke"): "device revoke: KEY-ID is missing",
    ("enrol-code",): "enrol-code: --user is missing",
    ("unfreeze",): "unfreeze: --reason is missing",
    ("init",): "init: --url is missing",
    ("init", "--url", "https//a"): "init: --url takes https://HOST:PORT",
    ("init", "--url", "https://a:65536"): "init: --url takes https://HOST:PORT",
    ("init", "--url", "https://a:1", "--tls-key", "k"): "init: --tls-certificate and --tls-key",
    ("store", "migrate"): "store migrate: --to|from is missing",
    ("store", "migrate", "--to", "a", "--from", "b"): "store migrate: takes one of --to|from",
    ("log", "export", "f"): "log export: --auditor is missing",
    ("evidence",): "evidence: needs a second word",
    ("evidence", "sign"): "evidence sign: FILE is missing",
    ("log", "erase"): "log erase: --user or --before is missing",
    ("log", "--since", "tomorrow"): "--since takes a time",
    ("backup",): "backup: FILE is missing",
    ("--frobnicate",): "no option '--frobnicate'",
    ("-x",): "no option '-x'",
    ("status", "--dir"): "option '--dir' needs a value",
    ("log", "--json=yes"): "option '--json' takes no value",
    # It would have stopped everything where one key was meant.
    ("freeze", "--key", "finance"): "freeze: takes no --key",
    ("log", "--device", "0" * 64): "log: takes no --device",
    ("policy", "check", "--file", "/dev/null", "--user", "a"): "needs --user and --key",
}


@pytest.mark.parametrize("args", WRONG)
def test_a_wrong_command_line(tmp_path, args):
    if args[-1:] != ("--dir",):
        args = (*args, "--dir", str(tmp_path / "none"))
    done = call(*args)
    assert done.returncode == 2 and done.stdout == ""
    lines = done.stderr.splitlines()
    want = [said for words, said in WRONG.items() if args[:len(words)] == words][-1]
    assert lines[0].startswith("doublekeyd: ") and want in lines[0], done.stderr
    assert len(lines) <= 2 and not os.path.exists(tmp_path / "none")
    if "--since" not in args:
        assert lines[1].endswith("try 'doublekeyd --help'")


def test_nobody_to_ask(tmp_path):
    done = call("status", "--dir", str(tmp_path / "none"))
    assert done.returncode == 1 and done.stderr == (
        "doublekeyd: %s: there is no such directory (not-running)\n" % (tmp_path / "none"))
    s = Service(tmp_path)
    done = s.admin("status", check=False)
    assert done.returncode == 1 and done.stderr == (
        "doublekeyd: %s: no service runs on this directory (not-running)\n" % s.dir)
    done = s.admin("log", check=False)
    assert "(not-running)" in done.stderr
    done = call("status", "--dir", "/" + "x" * 200)
    assert done.returncode == 1 and "(no-access)" in done.stderr


def test_another_user_is_told_so(service):
    """Not that no service runs."""
    if os.geteuid() == 0:
        reached = service.base
        while reached != "/":
            os.chmod(reached, 0o755)
            reached = os.path.dirname(reached)
            if os.stat(reached).st_mode & 0o001:
                break
        done = call("status", "--dir", service.dir, user=OTHER, group=OTHER, extra_groups=[])
    else:
        os.chmod(os.path.join(service.dir, "run", "admin.sock"), 0)
        done = call("status", "--dir", service.dir)
    assert done.returncode == 1 and "this is another user (no-access)\n" in done.stderr


def test_what_the_service_refuses(ready):
    cases = {
        ("key", "create", "Bad Name"): ("Bad Name", "not the name of a key", "name"),
        ("key", "create", "finance"): ("finance", "'key rotate' makes another", "exists"),
        ("key", "rotate", "nope"): ("nope", "no such key; 'key list'", "unknown-key"),
        ("key", "destroy", "finance", "9"): ("finance", "or version of it", "unknown-key"),
        ("key", "create", "a", "--type", "p521"): ("a", "--type is p256", "argument"),
        ("device", "revoke", "12"): ("12", "64 hex digits", "argument"),
        ("device", "revoke", "0" * 64): ("0" * 64, "no such device", "unknown-device"),
        ("enrol-code", "--user", "No One"): ("No One", "not the name of a user", "name"),
        ("unfreeze", "--reason", ""): (None, "--reason takes a text", "argument"),
    }
    before = ready.log()
    for args, (name, said, code) in cases.items():
        done = ready.admin(*args, check=False)
        line = "doublekeyd: %s" % (name + ": " if name else "")
        assert done.returncode == 1 and done.stdout == "", args
        assert done.stderr.startswith(line) and said in done.stderr, done.stderr
        assert done.stderr.endswith(" (%s)\n" % code) and done.stderr.count("\n") == 1
    assert ready.log() == before
    done = ready.admin("key", "create", "x\x1b]0;y\x07", check=False)
    assert "\x1b" not in done.stderr and "\\x1b" in done.stderr


def test_which_file_cannot_be_read(tmp_path):
    s = Service(tmp_path)
    missing = str(tmp_path / "nope")
    for args in (["init", "--url", s.url, "--dir", str(tmp_path / "new")],
                 ["backup", str(tmp_path / "b"), "--dir", s.dir], ["run", "--dir", s.dir]):
        done = call(*args, "--passphrase-file", missing)
        assert done.returncode == 1
        assert "no-passphrase: %s: No such file" % missing in done.stderr, done.stderr
    assert not os.path.exists(tmp_path / "new")
    for name in ("tls/chain.pem", "tls/server.key", "keys/sealed.1", "policy.conf"):
        path = os.path.join(s.dir, name)
        os.rename(path, path + ".away")
        done = call("run", "--dir", s.dir, "--passphrase-file", s.passfile)
        os.rename(path + ".away", path)
        assert done.returncode == 1 and "error: file: %s" % path in done.stderr, done.stderr
    s.start()  # control
    s.stop()
