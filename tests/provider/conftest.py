# SPDX-License-Identifier: Apache-2.0
"""Keys that another system holds: the real program against servers on loopback."""

import json
import os
import pathlib
import subprocess

import pytest

import aws_server
from vault_server import Key, VaultServer

PROGRAM = os.environ["DOUBLEKEY"]


def fails(done, name, *texts):
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert f"({name}" in done.stderr, done.stderr
    for text in texts:
        assert text in done.stderr, done.stderr


class Person:
    """Somebody with a customer key, a file, and settings for the systems."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.conf = self.folder / "conf" / "doublekey" / "providers.conf"
        self.conf.parent.mkdir(parents=True)
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith(("AWS_", "VAULT_", "AZURE_", "GOOGLE_", "CURL_",
                                            "SSL_CERT", "SOFTHSM"))}
        self.env.update(HOME=str(folder), XDG_CONFIG_HOME=str(folder / "conf"),
                        LC_ALL="C.UTF-8", NO_PROXY="127.0.0.1")
        self.run("keygen", "--side", "customer", "--type", "p256", "--no-passphrase", "-q",
                 "-o", "c.key")
        (self.folder / "f").write_bytes(os.urandom(70000))

    def settings(self, system, **options):
        text = "".join("\t%s = %s\n" % (name, '"%s"' % value if isinstance(value, str) else value)
                       for name, value in options.items())
        with open(self.conf, "a") as conf:
            conf.write('system "%s" {\n%s}\n' % (system, text))

    def run(self, *args, check=True):
        done = subprocess.run([PROGRAM, *map(str, args)], cwd=self.folder, env=self.env,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=120)
        assert not check or done.returncode == 0, done.stderr
        return done

    def encrypt(self, *refs, out="o.dkey", check=True):
        more = [part for ref in refs for part in ("--provider", ref)]
        return self.run("encrypt", "-f", "--customer", "c.key.pub", *more, "-o", out, "f",
                        check=check)

    def decrypt(self, *refs, name="o.dkey", check=True):
        more = [part for ref in refs for part in ("--provider", ref)]
        (self.folder / "out").unlink(missing_ok=True)
        done = self.run("decrypt", "-f", "--customer", "c.key", *more, "-o", "out", name,
                        check=check)
        if done.returncode == 0:
            assert (self.folder / "out").read_bytes() == (self.folder / "f").read_bytes()
        else:
            assert not (self.folder / "out").exists()
        return done


    def inspect(self, name="o.dkey"):
        return json.loads(self.run("inspect", "--json", name).stdout)["sides"]


@pytest.fixture
def person(tmp_path):
    return Person(tmp_path)


@pytest.fixture
def vault(person):
    server = VaultServer()
    server.keys = {"sym": Key("aes256-gcm96"), "derived": Key("aes256-gcm96", derived=True),
                   "rsa": Key("rsa-3072"), "weak": Key("rsa-2048"), "sym2": Key("aes256-gcm96")}
    person.settings("vault", endpoint=server.url, deadline=3)
    person.env["VAULT_TOKEN"] = server.TOKEN
    yield server
    server.close()


@pytest.fixture
def aws(person):
    server = aws_server.AwsServer()
    person.settings("awskms", deadline=3)
    person.env.update(AWS_ENDPOINT_URL=server.url, AWS_ACCESS_KEY_ID=aws_server.IDENTIFIER,
                      AWS_SECRET_ACCESS_KEY=aws_server.SECRET)
    yield server
    server.close()
