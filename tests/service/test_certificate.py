# SPDX-License-Identifier: Apache-2.0
"""Client certificates as a factor, spec/policy.md section 6.1."""
import datetime
import http.client
import os
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates import DAY, Authority
from service import codes, parts_of, release_body, signed_headers
from test_policy import restart, rule

POLICY, REQUIRED, FAILS, OK = 20, 35, 36, 0


class Setting:
    def __init__(self, s):
        self.s = s
        self.ca = Authority()
        with open(os.path.join(s.dir, "tls", "clients.pem"), "wb") as f:
            f.write(self.ca.pem())
        with open(os.path.join(s.dir, "doublekeyd.conf"), "a") as f:
            f.write('client-ca = "tls/clients.pem"\n')

    def file(self, name="c.pem"):
        return os.path.join(self.s.base, name)

    def connect(self, pem=None):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if pem:
            context.load_cert_chain(pem)
        return http.client.HTTPSConnection("127.0.0.1", self.s.port, context=context, timeout=30)

    def ask(self, pem=None, connection=None):
        c = connection or self.connect(pem)
        body = release_body([parts_of(self.s.object)])
        c.request("POST", "/v1/release", body, signed_headers(self.s.device(), self.s.url, body))
        answer = c.getresponse()
        data = answer.read()
        assert answer.status == 200, answer.getheader("Doublekey-Error")
        if not connection:
            c.close()
        return codes(data)[0]


@pytest.fixture
def setting(ready):
    return Setting(ready)


def test_names(setting):
    pem = setting.file()
    certificate = setting.ca.issue(pem, "alice", [x509.DNSName("PC-7.example.org")])
    digest = certificate.fingerprint(hashes.SHA256()).hex()
    for names, expected in (('"*"', OK), ('"user"', OK), ('"cn:alice"', OK), ('"cn:bob"', REQUIRED),
                            ('"dns:pc-7.example.org"', OK), ('"sha256:%s"' % digest, OK),
                            ('"sha256:%s"' % ("0" * 64), REQUIRED)):
        restart(setting.s, rule("client-certificate = {%s}" % names))
        assert setting.ask(pem) == expected, names
        assert setting.ask() == REQUIRED
    assert "certificate=" + digest in setting.s.log()
    assert "object certificate-required" in setting.s.log()


def test_a_certificate_of_somebody_else_is_not_the_users(setting):
    pem = setting.file()
    setting.ca.issue(pem, "bob", [x509.RFC822Name("bob@example.org")])
    restart(setting.s, rule('client-certificate = {"user"}'))
    assert setting.ask(pem) == REQUIRED


def test_what_does_not_hold_refuses(setting):
    """Whatever the rule says: here it wants no certificate at all."""
    restart(setting.s, rule())
    other = Authority()
    wrong = {
        "expired": lambda pem: setting.ca.issue(pem, "alice", end=-DAY / 2),
        "later": lambda pem: setting.ca.issue(pem, "alice", begin=DAY / 2),
        "server": lambda pem: setting.ca.issue(pem, "alice", usage=ExtendedKeyUsageOID.SERVER_AUTH),
        "same name of the CA": lambda pem: other.issue(pem, "alice"),
        "other CA": lambda pem: Authority("Another CA").issue(pem, "alice"),
    }
    for name, make in wrong.items():
        make(setting.file())
        assert setting.ask(setting.file()) == FAILS, name
    setting.ca.issue(setting.file(), "alice")
    assert setting.ask(setting.file()) == OK
    assert setting.ask() == OK
    log = setting.s.log()
    assert log.count("object certificate id") == len(wrong) and "reason=certificate " in log


def test_it_is_looked_at_again_on_a_long_connection(setting):
    restart(setting.s, rule('client-certificate = {"*"}'))
    end = datetime.timedelta(seconds=6)
    setting.ca.issue(setting.file(), "alice", end=end)
    connection = setting.connect(setting.file())
    begun = time.time()
    assert setting.ask(connection=connection) == OK
    time.sleep(max(0, begun + 7 - time.time()))
    assert setting.ask(connection=connection) == FAILS


def test_sessions_are_not_resumed(setting):
    restart(setting.s, rule('client-certificate = {"*"}'))
    setting.ca.issue(setting.file(), "alice")
    connection = setting.connect(setting.file())
    assert setting.ask(connection=connection) == OK
    assert not connection.sock.session.has_ticket


def test_without_a_configured_ca_none_is_asked_for(ready):
    restart(ready, rule('client-certificate = {"*"}'))
    setting = Setting(ready)  # the configuration is read at the start only
    setting.ca.issue(setting.file(), "alice")
    assert setting.ask(setting.file()) == REQUIRED


def test_a_broken_file_of_cas_does_not_start(setting):
    s = setting.s
    s.stop()
    path = os.path.join(s.dir, "tls", "clients.pem")
    pem = open(path).read()
    setting.ca.issue(setting.file(), "alice")
    leaf = open(setting.file()).read().split("-----BEGIN PRIV")[0]
    for text in (pem[:-60], pem + pem.replace("MII", "AAA"), leaf):
        with open(path, "w") as f:
            f.write(text)
        done = s.admin("run", "--passphrase-file", s.passfile, check=False)
        assert done.returncode != 0 and "client-ca: the CA certificates" in done.stderr


def test_the_client_shows_its_certificate(setting):
    s = setting.s
    restart(s, rule('client-certificate = {"user"}'))
    decrypt = ("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-f", "-o",
               "out")
    done = s.client(*decrypt, check=False)
    assert done.returncode == 1 and "service-certificate-required" in done.stderr
    folder = os.path.join(s.base, "client", "doublekey", "services", "127.0.0.1:%d" % s.port)
    setting.ca.issue(os.path.join(folder, "client.pem"), "alice")
    s.client(*decrypt)
    assert open(os.path.join(s.base, "out")).read() == "what nobody else may read\n"
    setting.ca.issue(os.path.join(folder, "client.pem"), "alice", end=-DAY / 2)
    done = s.client(*decrypt, check=False)
    assert done.returncode == 1 and "(service-certificate at" in done.stderr


def test_check_explains_factors(tmp_path):
    from test_policy import check
    path = tmp_path / "p.conf"
    path.write_text(rule('client-certificate = {"user"}', "approvals = 1",
                         'approvers = {"bob", "carol"}'))
    request = ["--file", str(path), "--user", "alice", "--key", "k"]
    done = check(*request)
    assert done.returncode == 3 and "verdict\tdeny: certificate-required" in done.stdout
    assert "one of: user\tmissing" in done.stdout
    assert "approvals of 1 of: bob, carol\t0 there" in done.stdout
    done = check(*request, "--factor", "certificate=cn:alice")
    assert done.returncode == 3 and "verdict\tdeny: approval-required" in done.stdout
    done = check(*request, "--factor", "certificate=cn:alice", "--factor", "approval=bob")
    assert done.returncode == 0 and "verdict\tallow" in done.stdout
    assert check(*request, "--factor", "approval").returncode == 2
