# SPDX-License-Identifier: Apache-2.0
"""Proxies and certificates, spec/provider-keys.md section 6: the names of proxies and of files
that users of curl know, against a proxy that tunnels and records."""

import base64
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from conftest import fails
from server import certificate
from vault_server import Key, VaultServer

FAR = "vault.example:8200"  # no such host: only the proxy leads there


class Proxy:
    """Takes CONNECT, and leads wherever the test says. pem: TLS to the proxy itself."""

    def __init__(self, target, pem=None):
        self.target, self.user, self.status = target, None, 200
        self.asked, self.passed = [], b""  # CONNECT requests; bytes that came for the target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if pem else None
        if pem:
            self.context.load_cert_chain(pem)
        self.url = "http%s://127.0.0.1:%d" % ("s" if pem else "", self.listener.getsockname()[1])
        threading.Thread(target=self.listen, daemon=True).start()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is closed
        self.listener.close()

    def listen(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
            self.tunnel(client)
        except OSError:
            pass
        finally:
            client.close()

    def tunnel(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.asked.append(head.decode())
        want = self.user and "Basic " + base64.b64encode(self.user.encode()).decode()
        status = self.status if not want or want in head.decode() else 407
        client.sendall(b"HTTP/1.1 %d x\r\n\r\n" % status)
        if status != 200:
            return
        server = socket.create_connection(("127.0.0.1", int(self.target.rpartition(":")[2])))
        threading.Thread(target=self.pump, args=(server, client), daemon=True).start()
        self.pump(client, server, keep=True)

    def pump(self, source, sink, keep=False):
        try:
            while data := source.recv(65536):
                self.passed += data if keep else b""
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture
def own(tmp_path):
    return certificate(tmp_path, "own", "vault.example", "localhost")


@pytest.fixture
def vault(person, own):
    server = VaultServer(own)
    server.keys = {"sym": Key("aes256-gcm96")}
    person.settings("vault", deadline=2)
    person.env.update(VAULT_TOKEN=server.TOKEN, CURL_CA_BUNDLE=str(own))
    for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        person.env.pop(name, None)
    yield server
    server.close()


@pytest.fixture
def proxy(vault):
    made = Proxy(vault.url)
    yield made
    made.close()


def ref(host=FAR):
    return f"vault:https://{host}/transit/keys/sym"


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment(person, vault, proxy, name):
    person.env[name] = proxy.url
    person.encrypt(ref())
    person.decrypt(ref())
    assert {asked.split("\r\n")[0] for asked in proxy.asked} == {f"CONNECT {FAR} HTTP/1.1"}
    assert len(vault.requests) == 4
    # It passes TLS on, and sees neither token nor paths.
    assert proxy.passed and b"hvs." not in proxy.passed and b"transit" not in proxy.passed
    assert not any("Vault-Token" in asked for asked in proxy.asked)


def test_who_goes_without_a_proxy(person, vault, proxy):
    near = ref("localhost:" + vault.url.rpartition(":")[2])
    person.env["https_proxy"] = proxy.url
    person.encrypt(near)
    seen = len(proxy.asked)
    assert seen > 0  # control
    for name, value in (("no_proxy", "localhost"), ("NO_PROXY", "x.example,localhost"),
                        ("no_proxy", "*")):
        person.env[name] = value
        person.decrypt(near)
        assert len(proxy.asked) == seen
        del person.env[name]
    person.env["no_proxy"] = "other.example"
    person.decrypt(near)
    assert len(proxy.asked) > seen


def test_a_name_and_password_are_for_the_proxy_alone(person, vault, proxy):
    proxy.user = "user:pa55word"
    person.env["https_proxy"] = proxy.url.replace("//", "//user:pa55word@")
    person.encrypt(ref())
    assert all("Proxy-Authorization" in asked for asked in proxy.asked)
    assert not any("Proxy-Authorization" in headers for *_, headers, _ in vault.requests)
    person.env["https_proxy"] = proxy.url.replace("//", "//user:wr0ng@")
    done = person.decrypt(ref(), check=False)
    fails(done, "provider-unreachable")
    assert "wr0ng" not in done.stderr


def test_proxies_that_lead_nowhere(person, vault, proxy):
    """None goes around a proxy that does not answer."""
    near = ref("localhost:" + vault.url.rpartition(":")[2])
    person.env["https_proxy"] = proxy.url
    proxy.status = 403
    fails(person.encrypt(near, check=False), "provider-unreachable")
    proxy.close()
    fails(person.encrypt(near, check=False), "provider-unreachable")
    assert not vault.requests


def test_a_proxy_that_looks_inside(person, vault, proxy, own, tmp_path):
    """Its certificate is one for this host only where its authority is trusted."""
    foreign = certificate(tmp_path, "foreign", "vault.example")
    inside = VaultServer(foreign)
    inside.keys = vault.keys
    person.env["https_proxy"] = proxy.url
    proxy.target = inside.url
    try:
        fails(person.encrypt(ref(), check=False), "provider-tls")
        assert not inside.requests
        person.env["CURL_CA_BUNDLE"] = str(foreign)
        person.encrypt(ref())
        assert inside.requests
    finally:
        inside.close()


def test_tls_to_the_proxy(person, vault, own, tmp_path):
    """The variables that curl's users set count for the proxy, too; `ca` is the system's own."""
    proxy = Proxy(vault.url, own)
    person.env["https_proxy"] = proxy.url
    try:
        person.encrypt(ref())
        foreign = certificate(tmp_path, "foreign", "vault.example")
        person.conf.write_text("")
        person.settings("vault", deadline=2, ca=str(own))
        person.encrypt(ref())
        seen = len(proxy.asked)
        person.env["CURL_CA_BUNDLE"] = str(foreign)
        fails(person.encrypt(ref(), check=False), "provider-tls")
        assert seen > 0 and len(proxy.asked) == seen
    finally:
        proxy.close()


def test_a_file_or_folder_of_certificates(person, vault, own, tmp_path):
    near = ref("localhost:" + vault.url.rpartition(":")[2])
    del person.env["CURL_CA_BUNDLE"]
    fails(person.encrypt(near, check=False), "provider-tls")  # control
    person.env["SSL_CERT_FILE"] = str(own)
    person.encrypt(near)
    del person.env["SSL_CERT_FILE"]
    folder = tmp_path / "certificates"
    folder.mkdir()
    person.env["SSL_CERT_DIR"] = str(folder)
    fails(person.encrypt(near, check=False), "provider-tls")
    shutil.copy(own, folder / "own.pem")
    subprocess.run(["openssl", "rehash", folder], check=True)
    person.encrypt(near)
    # The first one that is named counts.
    person.env["CURL_CA_BUNDLE"] = str(certificate(tmp_path, "foreign", "localhost"))
    fails(person.encrypt(near, check=False), "provider-tls")
    person.env["CURL_CA_BUNDLE"] = "/nonexistent"
    fails(person.encrypt(near, check=False), "provider-tls")
