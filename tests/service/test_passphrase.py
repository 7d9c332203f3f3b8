# SPDX-License-Identifier: Apache-2.0
"""Where the passphrase of the store comes from, without anybody at a terminal."""
import os
import subprocess

from service import DAEMON, PASSPHRASE, Service, free_port


def call(env, *args):
    """In a session of its own: no terminal to ask at."""
    return subprocess.run([DAEMON, *args], text=True, capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, start_new_session=True,
                          env={**{k: v for k, v in os.environ.items()
                                  if k not in ("CREDENTIALS_DIRECTORY",
                                               "DOUBLEKEY_PASSPHRASE_FILE")}, **env})


def credentials(tmp_path, text):
    directory = tmp_path / "credentials"
    directory.mkdir(exist_ok=True)
    (directory / "doublekey-passphrase").write_text(text)
    return {"CREDENTIALS_DIRECTORY": str(directory)}


def init(tmp_path, env, *args):
    return call(env, "init", "--dir", str(tmp_path / "service"), "--url",
                "https://127.0.0.1:%d" % free_port(), "--kdf-memory-mib", "8", *args)


def test_systemd_credential(tmp_path):
    out = init(tmp_path, credentials(tmp_path, "from systemd\n"))
    assert out.returncode == 0 and "CA fingerprint" in out.stdout
    out = call(credentials(tmp_path, "another"), "run", "--dir", str(tmp_path / "service"))
    assert out.returncode == 1 and "the passphrase is wrong" in out.stderr
    # It runs with the right one; a backup takes the same credential.
    s = Service.__new__(Service)
    s.base, s.dir, s.stderr = str(tmp_path), str(tmp_path / "service"), str(tmp_path / "err")
    with open(s.stderr, "w") as err:
        s.process = subprocess.Popen(
            [DAEMON, "run", "--dir", s.dir], stderr=err, stdin=subprocess.DEVNULL,
            start_new_session=True, env={**os.environ, **credentials(tmp_path, "from systemd")})
    try:
        s.wait_ready()
        for pid in s.pids().values():
            assert b"CREDENTIALS" not in open("/proc/%d/environ" % pid, "rb").read()
        env = credentials(tmp_path, "from systemd")
        out = call(env, "backup", str(tmp_path / "b"), "--dir", s.dir, "--kdf-memory-mib", "8")
        assert out.returncode == 0, out.stderr
        out = call(env, "restore", str(tmp_path / "b"), "--dir", str(tmp_path / "again"))
        assert out.returncode == 0, out.stderr
    finally:
        s.stop()


def test_the_nearest_source_counts(tmp_path):
    for name in ("option", "variable"):
        (tmp_path / name).write_text(name + "\n")
    env = {**credentials(tmp_path, "credential"),
           "DOUBLEKEY_PASSPHRASE_FILE": str(tmp_path / "variable")}
    assert init(tmp_path, env, "--passphrase-file", str(tmp_path / "option")).returncode == 0
    directory = str(tmp_path / "service")
    b = str(tmp_path / "b")
    assert call(env, "backup", b, "--dir", directory, "--kdf-memory-mib", "8").returncode == 0
    tries = ((lambda: {"DOUBLEKEY_PASSPHRASE_FILE": str(tmp_path / "variable")}, True),
             (lambda: credentials(tmp_path, "variable"), True),
             (lambda: credentials(tmp_path, "credential"), False))
    for i, (source, right) in enumerate(tries):
        out = call(source(), "restore", b, "--dir", str(tmp_path / ("again%d" % i)))
        assert (out.returncode == 0) == right, out.stderr


def test_no_source_and_empty_ones(tmp_path):
    out = init(tmp_path, {})
    assert out.returncode == 1 and "give --passphrase-file" in out.stderr
    out = init(tmp_path, credentials(tmp_path, "\n"))
    assert out.returncode == 1 and "the passphrase is empty" in out.stderr
    out = init(tmp_path, {"DOUBLEKEY_PASSPHRASE_FILE": str(tmp_path / "missing")})
    assert out.returncode == 1 and PASSPHRASE not in out.stderr
    assert not (tmp_path / "service" / "keys").exists()
