# SPDX-License-Identifier: Apache-2.0
"""The TLS certificate: renewed, brought along, refused, and for how long it lasts."""
import datetime
import http.client
import ipaddress
import os
import re
import signal
import ssl
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates import DAY, Authority, ca_certificate, name, with_identifiers
from service import DAEMON, PASSPHRASE, Service, free_port
from test_metrics import get, set_metrics

HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


def path(s, file):
    return os.path.join(s.dir, "tls", file)


def write(file, data):
    with open(file, "wb") as f:
        f.write(data)


def new_key():
    key = ec.generate_private_key(ec.SECP256R1())
    return key, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                  serialization.NoEncryption())


def certificate(ca, key, begin=-DAY, end=DAY * 365, names=(HERE,),
                usage=ExtendedKeyUsageOID.SERVER_AUTH):
    now = datetime.datetime.utcnow()
    builder = (
        x509.CertificateBuilder().subject_name(name("service")).issuer_name(name(ca.title))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now + begin).not_valid_after(now + end)
        .add_extension(x509.ExtendedKeyUsage([usage]), False)
        .add_extension(x509.SubjectAlternativeName(list(names)), False))
    return with_identifiers(builder, key.public_key(), ca.key).sign(
        ca.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class OwnCa(Authority):
    """One that outlives the certificates of the tests."""
    def __init__(self):
        super().__init__("Own CA")
        self.certificate = ca_certificate(self.key, self.title, -DAY * 30, DAY * 1000)


class OwnService(Service):
    def __init__(self, base, ca):
        self.ca = ca
        super().__init__(base)

    def admin(self, *args, check=True):
        if args[0] == "init":
            key, pem = new_key()
            write(os.path.join(self.base, "own.key"), pem)
            write(os.path.join(self.base, "own.pem"), certificate(self.ca, key) + self.ca.pem())
            args += ("--tls-certificate", os.path.join(self.base, "own.pem"),
                     "--tls-key", os.path.join(self.base, "own.key"))
        return super().admin(*args, check=check)

    def put(self, key_pem, chain):
        write(path(self, "server.key"), key_pem)
        write(path(self, "chain.pem"), chain)


@pytest.fixture
def own(tmp_path):
    s = OwnService(tmp_path, OwnCa())
    s.start()
    yield s
    s.stop()


def presented(s):
    """What a new connection is shown, checked as a client does who pinned the CA."""
    pem = open(path(s, "chain.pem")).read()
    ca = pem[pem.rindex("-----BEGIN"):]
    context = ssl.create_default_context(cadata=ca)
    connection = http.client.HTTPSConnection("127.0.0.1", s.port, context=context, timeout=30)
    connection.connect()
    return connection, connection.sock.getpeercert(True)


def serves(connection):
    connection.request("GET", "/v1/ca")
    answer = connection.getresponse()
    answer.read()
    return answer.status == 200


def status(s):
    return re.search(r"^certificate\t(.*)$", s.admin("status").stdout, re.M)[1]


def renew(s, check=True):
    return s.admin("tls", "renew", "--passphrase-file", s.passfile, check=check)


def test_renewal_drops_no_connection(ready):
    s = ready
    old_connection, old = presented(s)
    assert serves(old_connection)
    key_before = open(path(s, "server.key")).read()
    done = renew(s)
    assert "in use" in done.stdout
    assert open(path(s, "server.key")).read() != key_before
    new_connection, new = presented(s)
    assert new != old
    assert serves(old_connection) and serves(new_connection)
    assert old_connection.sock.getpeercert(True) == old
    assert os.stat(path(s, "server.key")).st_mode & 0o777 == 0o600
    # Clients that are enrolled go on, and more can be enrolled.
    s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-o", "out")
    s.enrol("bob", who="other")
    assert re.fullmatch(r"valid until \S+Z, 82[45] days left", status(s))


def test_renewal_under_load(ready):
    """Releases one after the other while the certificate changes: none fails."""
    s = ready
    loop = subprocess.Popen(
        ["sh", "-c", 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do '
         '"$0" decrypt --customer "$1" --provider p.key object.dk -f -o out.load || exit 1; done',
         os.environ["DOUBLEKEY_BUILD"] + "/cli/doublekey", s.key],
        cwd=s.base, env=s.env(), stdin=subprocess.DEVNULL)
    for _ in range(5):
        renew(s)
    assert loop.wait(120) == 0


def test_renewal_without_a_service_and_with_a_wrong_passphrase(ready):
    s = ready
    s.stop()
    before = open(path(s, "chain.pem")).read()
    write(os.path.join(s.base, "wrong"), b"something else\n")
    done = s.admin("tls", "renew", "--passphrase-file", os.path.join(s.base, "wrong"), check=False)
    assert done.returncode == 1 and "passphrase does not open" in done.stderr
    assert open(path(s, "chain.pem")).read() == before
    assert "a new TLS certificate" in renew(s).stdout
    assert open(path(s, "chain.pem")).read() != before
    s.start()
    assert serves(presented(s)[0])


def test_one_of_ones_own(own):
    s = own
    connection, _ = presented(s)
    assert serves(connection)
    assert s.fingerprint == s.ca.certificate.fingerprint(hashes.SHA256()).hex()
    s.admin("key", "create", "finance")
    s.enrol()
    assert re.fullmatch(r"valid until \S+Z, 36[45] days left", status(s))
    done = renew(s, check=False)
    assert done.returncode == 1 and "not the service's own" in done.stderr
    key, pem = new_key()
    s.put(pem, certificate(s.ca, key, end=DAY * 9.5) + s.ca.pem())
    assert "in use" in s.admin("tls", "reload").stdout
    assert presented(s)[1] == ssl.PEM_cert_to_DER_cert(
        open(path(s, "chain.pem")).read().split("-----END CERTIFICATE-----")[0] +
        "-----END CERTIFICATE-----\n")
    assert re.fullmatch(r"WARNING: valid until \S+Z, 9 days left", status(s))
    assert "warning: the TLS certificate expires in 9 days" in open(s.stderr).read()
    s.client("enrol", s.url, "--ca-fingerprint", s.fingerprint, "--code",
             s.admin("enrol-code", "--user", "bob").stdout.strip(), who="other")


def bad(s):
    """What is wrong, key and chain, and what is said about it."""
    ca, other = s.ca, OwnCa()
    key, pem = new_key()
    _, other_pem = new_key()
    good = certificate(ca, key)
    return [
        ("expired", pem, certificate(ca, key, begin=-DAY * 3, end=-DAY) + ca.pem(), "has expired"),
        ("later", pem, certificate(ca, key, begin=DAY) + ca.pem(), "not yet valid"),
        ("other key", other_pem, good + ca.pem(), "not that of the TLS certificate"),
        ("no key", b"", good + ca.pem(), "key of the TLS certificate cannot be read"),
        ("half", pem, (good + ca.pem())[:-80], "cannot be read"),
        ("no CA", pem, good, "lacks its CA"),
        ("nothing", pem, b"", "cannot be read"),
        ("garbage", pem, b"\0" * 500, "cannot be read"),
        ("large", pem, good + ca.pem() + b"#" * 70000, ""),
        ("another CA", pem, certificate(other, key) + other.pem(), "have pinned"),
        ("not of this CA", pem, certificate(other, key) + ca.pem(), "does not hold under its CA"),
        ("of a client", pem, certificate(ca, key, usage=ExtendedKeyUsageOID.CLIENT_AUTH) +
         ca.pem(), "does not hold under its CA"),
    ]


def test_a_bad_one_is_refused_and_the_old_one_stays(own):
    s = own
    _, old = presented(s)
    chain = open(path(s, "chain.pem"), "rb").read()
    key = open(path(s, "server.key"), "rb").read()
    pids = s.pids()
    for what, new_pem, new_chain, words in bad(s):
        s.put(new_pem, new_chain)
        done = s.admin("tls", "reload", check=False)
        assert done.returncode == 1 and words in done.stderr, (what, done.stderr)
        s.put(key, chain)
        connection, shown = presented(s)
        assert shown == old and serves(connection), what
    for file in ("chain.pem", "server.key"):
        os.rename(path(s, file), path(s, file) + ".away")
        assert s.admin("tls", "reload", check=False).returncode == 1
        assert "%s cannot be read" % file in open(s.stderr).read()
        os.rename(path(s, file) + ".away", path(s, file))
    assert s.pids() == pids
    assert "in use" in s.admin("tls", "reload").stdout


def test_sighup_takes_it_too(own):
    s = own
    _, old = presented(s)
    key, pem = new_key()
    s.put(pem, certificate(s.ca, key) + s.ca.pem())
    os.kill(s.process.pid, signal.SIGHUP)
    end = time.time() + 20
    while presented(s)[1] == old:
        assert time.time() < end
        time.sleep(0.1)


def test_the_cas_of_clients_are_read_anew(own):
    """A reload that forgot them would ask nobody for a certificate any more."""
    s = own
    s.stop()
    people = Authority()
    write(path(s, "clients.pem"), people.pem())
    with open(os.path.join(s.dir, "doublekeyd.conf"), "a") as f:
        f.write('client-ca = "tls/clients.pem"\n')
    s.start()

    def asked_for():
        out = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % s.port],
                             stdin=subprocess.DEVNULL, capture_output=True, timeout=30, text=True)
        return re.findall(r"^CN ?= ?(.*)$", out.stdout.partition("Acceptable client")[2]
                          .partition("Requested")[0], re.M)

    assert asked_for() == ["Example CA"]
    write(path(s, "clients.pem"), Authority("Another CA").pem())
    s.admin("tls", "reload")
    assert asked_for() == ["Another CA"]
    write(path(s, "clients.pem"), b"-----BEGIN CERTIFICATE-----\nAAA\n")
    done = s.admin("tls", "reload", check=False)
    assert done.returncode == 1 and "client-ca" in done.stderr
    assert asked_for() == ["Another CA"]


def test_an_expired_one(own):
    """The service starts and says so; it is not ready."""
    s = own
    s.stop()
    s.metrics_port = free_port()
    set_metrics(s, "127.0.0.1:%d" % s.metrics_port)
    key, pem = new_key()
    s.put(pem, certificate(s.ca, key, end=datetime.timedelta(seconds=-5)) + s.ca.pem())
    s.start()
    assert status(s).startswith("EXPIRED until ") and status(s).endswith(" 0 days left")
    assert "error: the TLS certificate has expired" in open(s.stderr).read()
    assert get(s, "/ready")[0] == 503
    s.put(pem, certificate(s.ca, key) + s.ca.pem())
    s.admin("tls", "reload")
    end = time.time() + 20
    while get(s, "/ready")[0] != 200:
        assert time.time() < end
        time.sleep(0.2)


def test_init_refuses(tmp_path):
    ca = OwnCa()
    key, pem = new_key()
    _, other_pem = new_key()
    password = tmp_path / "pass"
    password.write_text(PASSPHRASE + "\n")
    cases = [
        (pem, certificate(ca, key, names=[x509.DNSName("other.example")]) + ca.pem(), "host"),
        (other_pem, certificate(ca, key) + ca.pem(), "not the key of the certificate"),
        (pem, certificate(ca, key), "must be the CA"),
        (pem, certificate(ca, key, begin=-DAY * 2, end=-DAY) + ca.pem(), "not now"),
        (pem, certificate(OwnCa(), key) + ca.pem(), "does not hold"),
        (pem, b"", "cannot be read"), (b"", certificate(ca, key) + ca.pem(), "cannot be read"),
    ]
    for key_pem, chain, words in cases:
        (tmp_path / "k").write_bytes(key_pem)
        (tmp_path / "c").write_bytes(chain)
        done = subprocess.run(
            [DAEMON, "init", "--dir", str(tmp_path / "new"), "--url", "https://127.0.0.1:9",
             "--passphrase-file", str(password), "--kdf-memory-mib", "8",
             "--tls-certificate", "c", "--tls-key", "k"],
            cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 1 and words in done.stderr, (words, done.stderr)
        assert not (tmp_path / "new").exists()
