# SPDX-License-Identifier: Apache-2.0
"""Keys in a PKCS #11 token, spec/provider-keys.md section 3.5: SoftHSM2, whose keys
pkcs11-tool of OpenSC makes and looks at."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import fails

MODULE = next((path for path in ("/usr/lib/softhsm/libsofthsm2.so",
                                 "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                                 "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so")
               if os.path.exists(path)), None)
pytestmark = pytest.mark.skipif(
    not MODULE or not shutil.which("softhsm2-util") or not shutil.which("pkcs11-tool"),
    reason="softhsm2 or opensc is not installed")
KINDS = {"p256": ("EC:prime256v1", "--usage-derive"), "p384": ("EC:secp384r1", "--usage-derive"),
         "rsa": ("rsa:3072", "--usage-decrypt")}
STANZA = {"p256": "p256", "p384": "p384", "rsa": "rsa-oaep"}


class Token:
    def __init__(self, person, label="my token", pin="1234"):
        self.person, self.label, self.pin = person, label, pin
        folder = person.folder / "tokens"
        folder.mkdir(exist_ok=True)
        (person.folder / "softhsm2.conf").write_text(
            f"directories.tokendir = {folder}\nlog.level = ERROR\n")
        person.env["SOFTHSM2_CONF"] = str(person.folder / "softhsm2.conf")
        (person.folder / "pin").write_text(pin + "\n")
        self.run("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin,
                 "--so-pin", "5678")

    def run(self, *args):
        return subprocess.run(args, env=self.person.env, check=True, text=True,
                              capture_output=True).stdout

    def tool(self, *args):
        return self.run("pkcs11-tool", "--module", MODULE, "--token-label", self.label, "--login",
                        "--pin", self.pin, *args)

    def make(self, kind, label=None, number="01"):
        spec, usage = KINDS.get(kind, (kind, "--usage-decrypt"))
        self.tool("--keypairgen", "--key-type", spec, usage, "--label", label or kind,
                  "--id", number)
        return self.ref(f"object={label or kind}")

    def ref(self, rest, pin=True):
        source = f"&pin-source=file:{self.person.folder / 'pin'}" if pin else ""
        return f"pkcs11:token={self.label.replace(' ', '%20')};{rest}?module-path={MODULE}{source}"


@pytest.fixture
def token(person):
    person.settings("pkcs11", deadline=5)
    return Token(person)


@pytest.mark.parametrize("kind", KINDS)
def test_each_type(person, token, kind):
    ref = token.make(kind)
    person.encrypt(ref)
    person.decrypt(ref)
    stanza = person.inspect()["provider"]["stanzas"][0]
    assert stanza["type"] == STANZA[kind]
    assert re.fullmatch(r"pkcs11:[0-9a-f]{32}", stanza["custodian"])  # "my token" has a blank


def test_a_token_is_a_custodian(person, token):
    plain = Token(person, "plain")
    person.encrypt(plain.make("p256"))
    assert person.inspect()["provider"]["stanzas"][0]["custodian"] == "pkcs11:plain"


def test_to_encrypt_needs_no_pin(person, token):
    token.make("p256")
    person.encrypt(token.ref("object=p256", pin=False))
    fails(person.decrypt(token.ref("object=p256", pin=False), check=False),
          "provider-credentials", "no pin-source")


def test_by_id(person, token):
    token.make("p256", number="0a")
    token.make("p384", number="0b")
    person.encrypt(token.ref("id=%0a"))
    person.decrypt(token.ref("id=%0A"))
    fails(person.decrypt(token.ref("id=%0b"), check=False), "no-provider-key")


def test_another_tool_shows_the_same_key(person, token):
    """The key id is the digest of the public half that pkcs11-tool reads."""
    ref = token.make("p256")
    person.encrypt(ref)
    spki = person.folder / "spki"
    token.tool("--read-object", "--type", "pubkey", "--label", "p256", "-o", str(spki))
    shown = subprocess.run(["openssl", "pkey", "-pubin", "-inform", "DER", "-in", spki,
                            "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    key_id = subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=shown, check=True,
                            capture_output=True).stdout.split()[0].decode()
    assert person.inspect()["provider"]["stanzas"][0]["key_id"] == key_id


def test_a_wrong_pin(person, token):
    ref = token.make("p256")
    person.encrypt(ref)
    (person.folder / "pin").write_text("9999")
    done = person.decrypt(ref, check=False)
    fails(done, "provider-credentials", "does not take the PIN")
    assert "9999" not in done.stderr
    (person.folder / "pin").unlink()
    fails(person.decrypt(ref, check=False), "provider-credentials", "cannot be read")
    (person.folder / "pin").write_text("1" * 300)
    fails(person.decrypt(ref, check=False), "provider-credentials", "cannot be read")


def test_what_is_not_there(person, token):
    ref = token.make("p256")
    fails(person.encrypt(token.ref("object=other"), check=False), "provider-key-missing", "no key")
    fails(person.encrypt(ref.replace("my%20token", "else"), check=False), "provider-unreachable",
          "no such token")
    fails(person.encrypt(ref.replace(MODULE, "/nowhere.so"), check=False), "provider-unreachable",
          "/nowhere.so cannot be loaded")
    token.make("p256", number="02")
    fails(person.encrypt(ref, check=False), "provider-key-missing", "more than one")
    Token(person, token.label)
    fails(person.encrypt(ref, check=False), "provider-key-missing", "2 tokens")


@pytest.mark.parametrize("kind", ["rsa:2048", "EC:secp521r1"])
def test_keys_that_do_not_fit(person, token, kind):
    fails(person.encrypt(token.make(kind, "k"), check=False), "provider-key-use")


def test_a_key_that_may_not_derive(person, token):
    token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--usage-sign", "--label", "s",
               "--id", "07")
    ref = token.ref("object=s")
    person.encrypt(ref)
    fails(person.decrypt(ref, check=False), "provider-key-use")


@pytest.mark.parametrize("ref", [
    "token=t;object=o?pin-value=1234&", "token=t;object=o;pin-value=1?", "token=t?",
    "x=y;object=o?",
    "token=%zz;object=o?", "object?"])
def test_references_that_are_refused(person, token, ref):
    full = f"pkcs11:{ref}module-path={MODULE}".replace("token=t", "token=my%20token")
    fails(person.encrypt(full, check=False), "provider-reference")


# The helper.

def test_foreign_code_is_in_a_process_of_its_own(person, token):
    """The helper alone opens the module and the PIN."""
    traced = shutil.which("strace")
    if not traced:
        pytest.skip("strace is not installed")
    ref = token.make("p256")
    person.encrypt(ref)
    log = person.folder / "trace"
    subprocess.run([traced, "-f", "-qq", "-e", "trace=openat,execve", "-o", log,
                    os.environ["DOUBLEKEY"], "decrypt", "-f", "--customer", "c.key", "--provider",
                    ref, "-o", "out", "o.dkey"], cwd=person.folder, check=True,
                   # Leaks are not looked for in what is traced.
                   env={**person.env, "ASAN_OPTIONS": "detect_leaks=0"})
    lines = log.read_text().splitlines()
    helper = {line.split()[0] for line in lines if "execve(" in line and "doublekey-token" in line}
    foreign = {line.split()[0] for line in lines
               if os.path.basename(MODULE) in line and "openat(" in line or '/pin"' in line}
    assert len(helper) == 1 and foreign == helper


BAD = """
#include <unistd.h>
#include <stdlib.h>
__attribute__((constructor)) static void f(void) { %s; }
"""


@pytest.mark.parametrize("code, error, text", [
    ("for (;;) pause()", "provider-unreachable", "did not answer"),
    ("abort()", "provider-unreachable", "ended"), ("_exit(0)", "provider-unreachable", "ended"),
    ('(void)!write(3, "\\0\\0zzz", 5)', "provider-answer", ""),
    ('(void)!write(3, "\\x01", 1)', "provider-unreachable", ""),
    ('(void)!write(3, "\\x05\\x01zzz", 5)', "provider-answer", ""),
    ('char c; (void)!write(1, "out", 3); if (read(0, &c, 1) > 0) abort(); _exit(3)',
     "provider-unreachable", "out")])
def test_modules_that_misbehave(person, token, code, error, text):
    (person.folder / "m.c").write_text(BAD % code)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "m.so", "m.c"], cwd=person.folder, check=True)
    person.conf.write_text("")
    person.settings("pkcs11", deadline=2)
    ref = token.make("p256")
    person.encrypt(ref)
    done = person.decrypt(ref.replace(MODULE, str(person.folder / "m.so")), check=False)
    fails(done, error, text)
    assert done.stdout == ""


@pytest.mark.parametrize("code", ["for (;;) pause()", "signal(SIGTERM, SIG_IGN); for (;;) pause()"])
def test_a_module_that_does_not_end(person, token, code):
    """It works, and hangs when its process shall go."""
    (person.folder / "m.c").write_text(
        BAD.replace("constructor", "destructor").replace("#include <std",
                                                         "#include <signal.h>\n#include <std")
        % code)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "m.so", "m.c", "-Wl,--no-as-needed", MODULE,
                    "-Wl,-rpath," + os.path.dirname(MODULE)],
                   cwd=person.folder, check=True)
    person.conf.write_text("")
    person.settings("pkcs11", deadline=2)
    ref = token.make("p256").replace(MODULE, str(person.folder / "m.so"))
    person.encrypt(ref)
    person.decrypt(ref)


def test_not_by_hand():
    helper = pathlib.Path(os.environ["DOUBLEKEY"]).parent.parent / "lib" / "doublekey-token"
    done = subprocess.run([helper], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 1 and "by hand" in done.stderr


def test_many_objects(person, token):
    ref = token.make("p256")
    folder = person.folder / "many"
    folder.mkdir()
    for i in range(30):
        (folder / str(i)).write_bytes(os.urandom(100))
    person.run("encrypt", "-r", "--customer", "c.key.pub", "--provider", ref, "many")
    for i in range(30):
        (folder / str(i)).unlink()
    person.run("decrypt", "-r", "--customer", "c.key", "--provider", ref, "many")
    assert len([p for p in folder.iterdir() if p.suffix != ".dkey"]) == 30
