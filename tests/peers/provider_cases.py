# SPDX-License-Identifier: Apache-2.0
"""Systems that hold keys, as others built them, with the clients that others wrote: what the
program wrapped they open, and the reverse. The second reader does all but their part."""

import hashlib
import io
import os
import pathlib
import re
import subprocess
import tempfile

from cryptography.hazmat.primitives.asymmetric import rsa

from peer import HERE, Kind, Peer, Refused, build_go, make_python
from reader import envelope, header, keyfile, keys
from reader.envelope import Options, Writing
from reader.header import CUSTOMER, PROVIDER

TEXT = b"One key is never enough.\n" * 100


def make_moto(where):
    return [make_python(where, "moto-packages"), HERE / "aws-peer.py"]


def make_vault(where):
    return [make_python(where / "python", "vault-packages"), HERE / "vault-peer.py",
            build_go("transit", where / "transit")]


def make_openbao(where):
    return [make_python(where, "openbao-packages"), HERE / "openbao-peer.py"]


def make_azure(where):
    return [make_python(where, "azure-packages"), HERE / "azure-peer.py"]


MOTO = Kind("moto", make_moto, ())
VAULT = Kind("vault", make_vault, ())
OPENBAO = Kind("openbao", make_openbao, ())
AZURE = Kind("azure", make_azure, ())
PROVIDER_PEERS = [MOTO, VAULT, OPENBAO, AZURE]


class Provider:
    """A person with a customer key, and the peer, as long as the block lasts."""

    scheme = ""

    def __init__(self, kind, build_folder):
        self.program = build_folder / "cli" / "doublekey"
        self.folder = tempfile.TemporaryDirectory(prefix="doublekey-peers-")
        self.peer = Peer(kind, build_folder)

    def __enter__(self):
        base = pathlib.Path(self.folder.name)
        self.customer = keys.generate("p256", "customer")
        (base / "c.key").write_bytes(keyfile.private_file(self.customer, "customer"))
        (base / "doublekey").mkdir()
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith(("AWS_", "VAULT_", "AZURE_"))}
        self.env.update(HOME=str(base), XDG_CONFIG_HOME=str(base))
        found = self.peer.ask("start")
        self.start(**{name: value.decode() for name, value in found.items()})
        (base / "doublekey" / "providers.conf").write_text(
            f'system "{self.scheme}" {{\n{self.settings}\ndeadline = 10\n}}\n')
        return self

    def __exit__(self, *what):
        self.peer.__exit__(*what)
        self.folder.cleanup()

    def run(self, command, ref, data, customer="c.key", error=None):
        done = subprocess.run(
            [self.program, command, "--customer", os.path.join(self.folder.name, customer),
             "--provider", ref], input=data, capture_output=True, timeout=120, env=self.env)
        if error:
            assert done.returncode == 1 and error.encode() in done.stderr, done.stderr
            assert command == "encrypt" or not done.stdout
        else:
            assert done.returncode == 0, done.stderr
        return done.stdout

    def system_key(self, ref, custodian, **how):
        """The key for the second reader: the peer's client wraps and unwraps."""
        def seal(share, digest):
            blob = self.peer.ask("encrypt", digest=digest, share=share, **how)["blob"]
            return self.version(blob), blob

        def open_(blob, digest):
            return self.peer.ask("decrypt", digest=digest, blob=blob, **how)["share"]
        return keys.SystemKey(ref.encode(), custodian, seal, open_)

    def both_ways(self, ref, custodian, **how):
        key = self.system_key(ref, custodian, **how)
        ours = self.run("encrypt", ref, TEXT)
        sides = {CUSTOMER: [self.customer], PROVIDER: [key]}
        with io.BytesIO(ours) as file:
            opened = envelope.open_header(file, Options(sides))
            assert b"".join(envelope.stream(file, opened)) == TEXT
        target = io.BytesIO()
        envelope.seal(io.BytesIO(TEXT), target, Writing(sides))
        assert self.run("decrypt", ref, target.getvalue()) == TEXT
        self.binds(ours, key, how)

    def binds(self, data, key, how):
        """For another object the system itself says no, to its client and to the program."""
        made = header.parse_header(io.BytesIO(data))
        blob = made.sets[PROVIDER].stanzas[0].wrapped
        assert self.peer.ask("decrypt", digest=made.core.digest, blob=blob, **how)["share"]
        try:
            self.peer.ask("decrypt", digest=bytes(48), blob=blob, **how)
        except Refused:
            pass
        else:
            raise AssertionError("the system opened the blob for another object")
        ours = self.run("encrypt", key.name.decode(), TEXT)
        other = header.parse_header(io.BytesIO(ours)).sets[PROVIDER].stanzas[0].wrapped
        assert len(other) == len(blob)
        self.run("decrypt", key.name.decode(), ours.replace(other, blob), error="provider-refused")


class Moto(Provider):
    scheme = "awskms"

    def start(self, url, **credentials):
        self.settings = f'endpoint = "{url}"'
        self.env.update(AWS_ACCESS_KEY_ID=credentials["id"],
                        AWS_SECRET_ACCESS_KEY=credentials["secret"])

    def version(self, blob):
        del blob
        return b""

    def make(self, kind="SYMMETRIC_DEFAULT", usage=b"ENCRYPT_DECRYPT"):
        return self.peer.ask("key", type=kind, usage=usage)["arn"].decode()

    def symmetric(self):
        arn = self.make()
        self.both_ways("awskms:" + arn, "aws:" + arn.split(":")[4], arn=arn.encode())

    def rsa(self):
        """moto has no Decrypt with RSA; to encrypt, its public key is enough."""
        for kind in ("RSA_3072", "RSA_4096"):
            ref = "awskms:" + self.make(kind)
            made = header.parse_header(io.BytesIO(self.run("encrypt", ref, TEXT)))
            assert made.sets[PROVIDER].stanzas[0].type == header.RSA_OAEP

    def refusals(self):
        arn = self.make()
        ours = self.run("encrypt", "awskms:" + arn, TEXT)
        secret = self.env["AWS_SECRET_ACCESS_KEY"]
        self.env["AWS_SECRET_ACCESS_KEY"] = "x" * 40
        # moto says it in the words of another service, of which the status is what counts.
        self.run("decrypt", "awskms:" + arn, ours, error="provider-denied")
        self.env["AWS_SECRET_ACCESS_KEY"] = secret
        self.peer.ask("disable", arn=arn.encode())
        self.run("decrypt", "awskms:" + arn, ours, error="provider-key-state")
        self.run("decrypt", "awskms:" + arn[:-1] + "x", ours, error="provider-key-missing")

    def all(self):
        return [("boto3 and we, symmetric", self.symmetric), ("RSA by public key", self.rsa),
                ("signature, disabled, missing", self.refusals)]


class Vault(Provider):
    scheme = "vault"

    def start(self, url, token):
        self.settings = f'endpoint = "{url}"'
        self.env["VAULT_TOKEN"] = token

    def version(self, blob):
        return blob.split(b":")[1][1:]

    def ref(self, name):
        return f"vault:https://vault.example/transit/keys/{name}"

    def symmetric(self, kind, derived):
        name = f"{kind}-{derived.decode()}"
        self.peer.ask("key", name=name.encode(), type=kind, derived=derived)
        self.both_ways(self.ref(name), "vault.example", name=name.encode(), derived=derived)
        ours = self.run("encrypt", self.ref(name), TEXT)
        self.peer.ask("rotate", name=name.encode())
        assert self.run("decrypt", self.ref(name), ours) == TEXT
        newer = header.parse_header(io.BytesIO(self.run("encrypt", self.ref(name), TEXT)))
        assert newer.sets[PROVIDER].stanzas[0].wrapped.startswith(b"vault:v2:")

    def rsa(self):
        for kind in ("rsa-3072", "rsa-4096"):
            self.peer.ask("key", name=kind.encode(), type=kind, derived=b"0")
            ours = self.run("encrypt", self.ref(kind), TEXT)
            self.peer.ask("rotate", name=kind.encode())
            for data in (ours, self.run("encrypt", self.ref(kind), TEXT)):
                assert self.run("decrypt", self.ref(kind), data) == TEXT

    def refusals(self):
        self.peer.ask("key", name=b"k", type="aes256-gcm96", derived=b"0")
        ours = self.run("encrypt", self.ref("k"), TEXT)
        self.env["VAULT_TOKEN"] = "hvs.other"
        self.run("decrypt", self.ref("k"), ours, error="provider-denied")
        self.env["VAULT_TOKEN"] = "hvs.peer"
        self.run("decrypt", self.ref("none"), ours, error="provider-key-missing")

    def all(self):
        return [*((f"hvac and we, {kind}{', derived' if derived == b'1' else ''}",
                   lambda kind=kind, derived=derived: self.symmetric(kind, derived))
                  for kind in ("aes256-gcm96", "chacha20-poly1305") for derived in (b"0", b"1")),
                ("RSA, two versions", self.rsa), ("token, missing", self.refusals)]


class OpenBao(Vault):
    """The whole server behind TLS, with a role that logs in."""

    def start(self, url, ca, role, secret):
        self.settings = f'endpoint = "{url}"\nca = "{ca}"'
        self.env.update(VAULT_ROLE_ID=role, VAULT_SECRET_ID=secret)

    def refusals(self):
        for name in (b"k", b"secret"):
            self.peer.ask("key", name=name, type="aes256-gcm96", derived=b"0")
        ours = self.run("encrypt", self.ref("k"), TEXT)
        self.run("encrypt", self.ref("secret"), TEXT, error="provider-denied")
        self.run("decrypt", self.ref("none"), ours, error="provider-key-missing")
        secret = self.env["VAULT_SECRET_ID"]
        self.env["VAULT_SECRET_ID"] = "0" * 36
        self.run("decrypt", self.ref("k"), ours, error="provider-credentials")
        self.env["VAULT_SECRET_ID"] = secret
        self.peer.ask("rotate", name=b"k")
        self.peer.ask("least", name=b"k", version=b"2")
        self.run("decrypt", self.ref("k"), ours, error="provider-key-state")

    def least(self):
        """The policies of the guide: each is enough for what it says, and for nothing more."""
        guide = (HERE.parent.parent / "docs" / "provider-keys.md").read_text()
        lines = re.findall('^path "transit/.*', guide, re.M)
        read, wrap, unwrap = (next(line for line in lines if f"/{verb}/docs" in line)
                              for verb in ("keys", "encrypt", "decrypt"))
        for name, kind in (("docs", "aes256-gcm96"), ("docs-rsa", "rsa-3072")):
            self.peer.ask("key", name=name.encode(), type=kind, derived=b"0")
        objects = {name: self.run("encrypt", self.ref(name), TEXT) for name in ("docs", "docs-rsa")}
        before = dict(self.env)
        for name, rules, works in (
                ("wraps", [read, wrap], ("docs-e", "docs-rsa-e")), ("none", [wrap, unwrap], ()),
                ("opens", [read, unwrap], ("docs-d", "docs-rsa-d", "docs-rsa-e")),
                ("reads", [read], ("docs-rsa-e",))):
            text = "\n".join(rules + [rule.replace("docs", "docs-rsa") for rule in rules
                                      if "encrypt" not in rule])
            made = self.peer.ask("role", name=name.encode(), rules=text.encode())
            self.env.update(VAULT_ROLE_ID=made["role"].decode(),
                            VAULT_SECRET_ID=made["secret"].decode())
            for key, data in objects.items():
                for way, given in (("encrypt", TEXT), ("decrypt", data)):
                    error = None if f"{key}-{way[0]}" in works else "provider-denied"
                    self.run(way, self.ref(key), given, error=error)
        self.env = before

    def tls(self):
        conf = pathlib.Path(self.folder.name) / "doublekey" / "providers.conf"
        text = conf.read_text()
        self.peer.ask("key", name=b"t", type="aes256-gcm96", derived=b"0")
        conf.write_text(re.sub("ca = .*\n", "", text))
        self.run("encrypt", self.ref("t"), TEXT, error="provider-tls")
        ca = re.search('ca = "(.*)"', text)[1]
        for name in ("VAULT_CACERT", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            self.env[name] = ca
            self.run("encrypt", self.ref("t"), TEXT)
            del self.env[name]
        conf.write_text(text)

    def audit(self):
        self.peer.ask("key", name=b"a", type="aes256-gcm96", derived=b"0")
        ours = self.run("encrypt", self.ref("a"), TEXT)
        self.run("decrypt", self.ref("a"), ours)
        digest = header.parse_header(io.BytesIO(ours)).core.digest
        found = self.peer.ask("audit", digest=digest)["paths"]
        assert found == b"transit/encrypt/a transit/decrypt/a"
        assert self.peer.ask("audit", digest=b"\1" * 48)["paths"] == b""

    def sealed(self):
        """Last: nobody opens it again."""
        ours = self.run("encrypt", self.ref("t"), TEXT)
        self.peer.ask("seal")
        self.run("decrypt", self.ref("t"), ours, error="provider-unreachable")

    def all(self):
        return super().all()[:-1] + [
            ("role, policy, states", self.refusals), ("the guide's policies", self.least),
            ("certificates", self.tls), ("the audit log names the object", self.audit),
            ("sealed", self.sealed)]


class PeerKey:
    """An RSA key for the second reader: the peer's client does OAEP, in both directions."""

    type = header.RSA_OAEP

    def __init__(self, peer, name, custodian):
        self.peer, self.name, self.custodian = peer, name, custodian
        shown = peer.ask("public", name=name)
        self.version = shown["version"]
        numbers = rsa.RSAPublicNumbers(*(int.from_bytes(shown[x], "big") for x in ("e", "n")))
        self.recipient = keys.Key(numbers.public_key(), custodian).spki
        self.id = hashlib.sha256(self.recipient).digest()
        self.public = self.private = self

    def encrypt(self, seed, _):
        return self.peer.ask("wrap", name=self.name, seed=seed)["enc"]

    def decrypt(self, enc, _):
        return self.peer.ask("unwrap", name=self.name, version=self.version, enc=enc)["seed"]


class Azure(Provider):
    scheme = "azurekv"
    HOST = "my-vault.vault.azure.net"

    def start(self, url, ca, client_id, client_secret):
        self.settings = f'endpoint = "{url}"\nca = "{ca}"'
        self.env.update(AZURE_TENANT_ID="tenant-1", AZURE_CLIENT_ID=client_id,
                        AZURE_CLIENT_SECRET=client_secret, AZURE_AUTHORITY_HOST=url)

    def rsa(self, kind, bits):
        name = f"k{bits}".encode()
        ref = self.peer.ask("key", name=name, type=kind, bits=b"%d" % bits)["ref"].decode()
        first = PeerKey(self.peer, name, self.HOST)
        ours = self.run("encrypt", ref, TEXT)
        self.reads(ours, first)
        self.writes(ref, first)
        self.peer.ask("key", name=name, type=kind, bits=b"%d" % bits)
        second = PeerKey(self.peer, name, self.HOST)
        assert first.id != second.id and self.run("decrypt", ref, ours) == TEXT
        self.reads(self.run("encrypt", ref, TEXT), second)
        self.writes(ref, second)

    def reads(self, data, key):
        sides = {CUSTOMER: [self.customer], PROVIDER: [key]}
        with io.BytesIO(data) as file:
            opened = envelope.open_header(file, Options(sides))
            assert b"".join(envelope.stream(file, opened)) == TEXT

    def writes(self, ref, key):
        target = io.BytesIO()
        envelope.seal(io.BytesIO(TEXT), target, Writing(
            {CUSTOMER: [self.customer], PROVIDER: [key]}))
        assert self.run("decrypt", ref, target.getvalue()) == TEXT

    def refusals(self):
        for _ in range(2):
            ref = self.peer.ask("key", name=b"two", type="RSA", bits=b"3072")["ref"].decode()
        ours = self.run("encrypt", ref, TEXT)
        version = self.peer.ask("public", name=b"two")["version"]
        assert len(self.peer.ask("versions", name=b"two")["names"].split()) == 2
        self.peer.ask("disable", version=version)
        assert version not in self.peer.ask("versions", name=b"two")["names"]
        try:
            self.peer.ask("unwrap", name=b"two", version=version, enc=bytes(384))
        except Refused as no:
            assert "disabled" in str(no), no
        else:
            raise AssertionError("a version that is disabled unwraps")
        self.run("decrypt", ref, ours, error="provider-key-state")
        self.run("decrypt", ref + "x", ours, error="provider-key-missing")
        self.env["AZURE_CLIENT_SECRET"] = "other"
        self.run("decrypt", ref, ours, error="provider-credentials")

    def all(self):
        return [("its client and we, RSA, two versions", lambda: self.rsa("RSA", 3072)),
                ("its client and we, RSA-HSM", lambda: self.rsa("RSA-HSM", 4096)),
                ("disabled, missing, secret", self.refusals)]


def provider_peer(kind, build_folder):
    peers = {MOTO.name: Moto, VAULT.name: Vault, OPENBAO.name: OpenBao, AZURE.name: Azure}
    return peers[kind.name](kind, build_folder)
