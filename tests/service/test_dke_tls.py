# SPDX-License-Identifier: Apache-2.0
"""TLS of the Microsoft DKE front end with real clients, and its options and files: section 2 of
spec/profiles/ms-dke.md."""
import os
import re
import socket
import ssl
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certificates import DAY, Authority
from dke import Connection, DkeService, Stand, client_context, request, write
from service import Service, free_port
from test_metrics import get, set_metrics
from test_tls import certificate

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NO_EMS = 1  # SSL_OP_NO_EXTENDED_MASTER_SECRET
KEYS = [("k", "1", b"\x80" + bytes(254) + b"\1")]
TAKEN = ["ECDHE-%s-AES128-GCM-SHA256", "ECDHE-%s-AES256-GCM-SHA384", "ECDHE-%s-CHACHA20-POLY1305"]
SUITES_13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
REFUSED = ["AES128-GCM-SHA256", "AES256-SHA", "ECDHE-%s-AES128-SHA", "ECDHE-%s-AES256-SHA384",
           "DHE-RSA-AES128-GCM-SHA256", "ECDHE-%s-AES128-CCM", "PSK-AES128-GCM-SHA256"]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """For its files; nothing of it runs."""
    return Service(tmp_path_factory.mktemp("dke"))


@pytest.fixture(scope="module")
def stand(service):
    made = Stand(service, KEYS)
    yield made
    made.end()


def s_client(port, *options, text=b""):
    """What it prints; the connection ends behind the text."""
    return subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, *options],
                          input=text, capture_output=True, timeout=60)


def answered(done):
    return b"HTTP/1.1 200" in done.stdout


GET = request("GET", "/k", [("Connection", "close")])


def served(port, *options):
    return answered(s_client(port, "-quiet", *options, text=GET))


# ---- versions and suites ----

def test_versions(stand):
    assert served(stand.port, "-tls1_2") and served(stand.port, "-tls1_3")
    for old in ("-tls1", "-tls1_1"):
        done = s_client(stand.port, old, "-cipher", "ALL:@SECLEVEL=0")
        assert done.returncode != 0 and b"alert protocol version" in done.stderr


@pytest.mark.parametrize("suite", TAKEN)
def test_suites_of_1_2(stand, suite):
    assert served(stand.port, "-tls1_2", "-cipher", suite % "ECDSA")


@pytest.mark.parametrize("suite", REFUSED)
def test_suites_of_1_2_that_are_refused(stand, suite):
    suite = suite % "ECDSA" if "%" in suite else suite
    done = s_client(stand.port, "-tls1_2", "-cipher", suite + ":@SECLEVEL=0",
                    *(("-psk", "00") if suite.startswith("PSK") else ()))
    assert done.returncode != 0 and b"alert handshake failure" in done.stderr


@pytest.mark.parametrize("suite", SUITES_13)
def test_suites_of_1_3(stand, suite):
    assert served(stand.port, "-tls1_3", "-ciphersuites", suite)


# ---- what a session may not do ----

def shake(stand, low, high, options=0):
    context = client_context(low=low, high=high)
    context.options |= options
    with Connection(stand.port, context) as c:
        assert c.ask("GET", "/k").status == 200


def test_extended_master_secret_is_used_and_not_required(stand):
    shake(stand, V12, V12)
    shake(stand, V12, V12, NO_EMS)
    done = s_client(stand.port, "-tls1_2")
    assert b"Extended master secret: yes" in done.stdout
    # s_client has no option for it; its configuration has.
    conf = stand.path("noems.cnf")
    write(conf, b"openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                b"Options = -ExtendedMasterSecret\n")
    done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % stand.port,
                           "-tls1_2", "-ign_eof"], input=GET, capture_output=True, timeout=60,
                          env=dict(os.environ, OPENSSL_CONF=conf))
    assert b"Extended master secret: no" in done.stdout and answered(done)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_no_tickets_and_no_resumption(stand, version):
    """Neither by a ticket nor by an id; a session that is offered again is another one."""
    saved = stand.path("session" + version)
    done = s_client(stand.port, version, "-ign_eof", "-sess_out", saved, text=GET)
    assert answered(done) and b"New Session Ticket" not in done.stdout
    assert b"session ticket" not in done.stdout.lower()
    if os.path.exists(saved):  # of TLS 1.2 there is one, without an id
        done = s_client(stand.port, version, "-ign_eof", "-sess_in", saved, text=GET)
        assert answered(done) and b"\nReused" not in done.stdout
    context = client_context(low=V12, high=V12 if version == "-tls1_2" else V13)
    session = None
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", stand.port), 30) as tcp:
            try:
                tls = context.wrap_socket(tcp, session=session)
            except ValueError:  # Python refuses one without id and ticket
                tls = context.wrap_socket(tcp)
            with tls:
                tls.sendall(GET)
                assert tls.recv(65536).startswith(b"HTTP/1.1 200")
                assert not tls.session_reused
                session = tls.session


def test_resumption_would_be_seen(tmp_path):
    """The control: the same client, at a server that lets it."""
    key, pem = ec.generate_private_key(ec.SECP256R1()), str(tmp_path / "s.pem")
    write(pem, certificate(Authority(), key) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    port = free_port()
    server = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", pem,
                               "-www", "-tls1_2"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        server.stdout.readline()
        done = s_client(port, "-tls1_2", "-reconnect")
        assert b"Reused, TLSv1.2" in done.stdout
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_no_reconnect_is_a_resumption(stand):
    done = s_client(stand.port, "-tls1_2", "-reconnect")
    assert done.stdout.count(b"New, TLSv1.2") == 6 and b"Reused" not in done.stdout


def test_no_renegotiation(stand):
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % stand.port, "-tls1_2"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    client.stdin.write(b"R\n")  # what it does is end, with its input still open
    client.stdin.flush()
    assert client.wait(60) != 0
    said = client.communicate()[1]
    assert b"RENEGOTIATING" in said and b"no renegotiation" in said


def test_no_compression(stand):
    assert b"Compression: NONE" in s_client(stand.port, "-tls1_2", "-comp").stdout


@pytest.mark.parametrize("options", [["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3"],
                                     ["--http1.1"], ["--http1.0"]])
def test_curl(stand, options):
    """Verified by name under the CA; the second answer comes on the same connection."""
    write(stand.path("ca.pem"), stand.ca.pem())
    url = "https://dke.example.org:%d" % stand.port
    done = subprocess.run(
        ["curl", "-sS", "-w", "%{http_code} %{ssl_verify_result} %{num_connects}\n", "--cacert",
         stand.path("ca.pem"), "--resolve", "dke.example.org:%d:127.0.0.1" % stand.port, *options,
         "-o", "/dev/null", url + "/k", "-o", "/dev/null", url + "/k"],
        capture_output=True, text=True, timeout=60)
    assert done.stdout == "200 0 1\n200 0 %d\n" % (options == ["--http1.0"]), done.stderr


def test_curl_posts_with_expect(stand):
    done = subprocess.run(
        ["curl", "-sSk", "-D", "-", "-H", "Expect: 100-continue", "-H", "Authorization: Bearer a.b.c",
         "--json", '{"alg":"RSA-OAEP-256","value":"AAAA"}',
         "https://127.0.0.1:%d/k/1/decrypt" % stand.port], capture_output=True, timeout=60)
    assert b"HTTP/1.1 100" in done.stdout and b'{"value":"' in done.stdout
    assert stand.asked[-1].json == 1


# ---- a service that is configured ----

@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """With an RSA certificate."""
    s = DkeService(tmp_path_factory.mktemp("dke"), rsa.generate_private_key(65537, 2048))
    s.metrics_port = free_port()
    set_metrics(s, "127.0.0.1:%d" % s.metrics_port)
    s.plain = s.plain + 'metrics = "127.0.0.1:%d"\n' % s.metrics_port
    s.start()
    yield s
    s.stop()


def test_a_service_with_it(running):
    s = running
    with Connection(s.dke_port) as c:
        got = c.ask("POST", "/a/b/decrypt", [], b"")
        assert got.status == 401
        assert got.one("resource") == "https://dke.example.org"
        assert got.one("authorization") == "https://login.example.org/authorize"
        assert c.ask("GET", "/v1/status").error() == (404, "not-found")
    assert s.request("GET", "/a")[0] == 404  # nothing of it on the native listener
    assert s.request("GET", "/v1/status")[0] == 200
    assert re.search(r"^dke-certificate\tvalid until \S+Z, 36[45] days left$",
                     s.admin("status").stdout, re.M)
    figures = get(s, "/metrics")[1]
    assert 'doublekey_requests_total{path="dke-decrypt",code="token-required"} 1' in figures
    assert 'doublekey_requests_total{path="dke-other",code="not-found"} 1' in figures
    assert re.search(r"^doublekey_dke_certificate_expiry_timestamp_seconds \d+$", figures, re.M)


@pytest.mark.parametrize("suite", TAKEN)
def test_suites_with_an_rsa_certificate(running, suite):
    done = s_client(running.dke_port, "-tls1_2", "-cipher", suite % "RSA")
    assert b"Cipher is " + (suite % "RSA").encode() in done.stdout


def test_reload(running):
    s = running
    old = s.presented()
    pids = s.pids()
    s.put(*s.pair())
    assert "in use" in s.admin("tls", "reload").stdout
    assert s.presented() != old
    good = open(os.path.join(s.dir, "tls", "dke.pem"), "rb").read()
    key = open(os.path.join(s.dir, "tls", "dke.key"), "rb").read()
    other = Authority("Another CA")
    for (chain, pem), words in (
            (s.pair(begin=-3 * DAY, end=-DAY), "dke-listen: the TLS certificate has expired"),
            (s.pair(begin=DAY), "dke-listen: the TLS certificate is not yet valid"),
            (s.pair(names=["www.example.org"]), "not one for the host of dke-base-url"),
            ((good, s.pair()[1]), "dke-listen: the key is not that of the TLS certificate"),
            ((b"", key), "dke-listen: the TLS certificate cannot be read"),
            ((good, b""), "dke-listen: the key of the TLS certificate cannot be read"),
            ((good + other.pem(), key), "stands another one than its issuer's")):
        s.put(chain, pem)
        done = s.admin("tls", "reload", check=False)
        assert done.returncode == 1 and words in done.stderr, (words, done.stderr)
    s.put(good + s.ca.pem(), key)
    assert "in use" in s.admin("tls", "reload").stdout
    os.unlink(os.path.join(s.dir, "tls", "dke.key"))
    assert s.admin("tls", "reload", check=False).returncode == 1
    assert "the file of dke-key cannot be read" in open(s.stderr).read()
    s.put(good, key)
    assert s.pids() == pids


def test_an_expired_one_is_used_at_the_start(running):
    s = running
    s.stop()
    good = [open(os.path.join(s.dir, "tls", name), "rb").read() for name in ("dke.pem", "dke.key")]
    try:
        s.put(*s.pair(begin=-3 * DAY, end=-DAY))
        s.start()
        said = open(s.stderr).read()
        assert "warning: dke-listen: the TLS certificate has expired" in said
        assert "error: the TLS certificate of dke-listen has expired" in said
        assert "\ndke-certificate\tEXPIRED until " in s.admin("status").stdout
    finally:
        s.put(*good)
        s.stop()
        s.start()


HEX = '"%s"' % ("ab" * 32)
BAD = [
    (dict(dke_listen=None), "'dke-certificate' is there without 'dke-listen'"),
    (dict(dke_listen=None, dke_certificate=None, dke_key=None, dke_base_url=None,
          dke_authorization=None, dke_fronts="{%s}" % HEX), "'dke-fronts' is there without 'dke-listen'"),
    (dict(dke_listen='"127.0.0.1"'), "'dke-listen' takes HOST:PORT"),
    (dict(dke_certificate=None), "'dke-certificate' is missing"),
    (dict(dke_key=None), "'dke-key' is missing"),
    (dict(dke_base_url=None), "'dke-base-url' is missing"),
    (dict(dke_authorization=None), "'dke-authorization' is missing"),
    *((dict(dke_base_url='"%s"' % url), "'dke-base-url' takes https://HOST") for url in (
        "http://a", "https://a/", "https://a/b", "https://A", "https://a:0", "https://a:065",
        "https://a:70000", "https://", "https://a?b", "https://a b", "https://" + "a" * 248, "a")),
    *((dict(dke_authorization='"%s"' % url), "'dke-authorization' takes https://HOST") for url in (
        "http://a", "https://a?b", "https://a,b", "https://a%2f", "https:///a",
        "https://" + "a" * 248)),
    (dict(dke_audience='"https://other.example.org"'), "'dke-audience' has another host"),
    (dict(dke_audience='"https://dke.example.or"'), "'dke-audience' has another host"),
    (dict(dke_audience='"https://dke.example.org\\""'), "'dke-audience' takes https://HOST"),
    (dict(dke_registration='"Accepted"'), "'dke-registration' is "),
    (dict(dke_registration='""'), "'dke-registration' is "),
    (dict(dke_cache_hours="721"), "'dke-cache-hours' is from 0 to 720"),
    (dict(dke_cache_hours="-1"), "invalid number for option 'dke-cache-hours'"),
    (dict(dke_fronts="{%s}" % HEX), "'dke-fronts' is there without 'dke-client-ca'"),
    *((dict(dke_client_ca='"ca.pem"', dke_fronts="{%s}" % text), "'dke-fronts' takes the SHA-256")
      for text in ('"x"', HEX.upper(), '"%s"' % ("ab" * 31), '"%s"' % ("ab" * 33))),
    (dict(dke_client_ca='"ca.pem"', dke_fronts="{%s}" % ", ".join([HEX] * 17)),
     "'dke-fronts' has more than 16"),
    (dict(dke_client_ca='"nowhere.pem"'), "file: dke-client-ca: nowhere.pem: No such file"),
    (dict(dke_certificate='"nowhere.pem"'), "file: dke-certificate: nowhere.pem: No such file"),
    *((dict(dke_client_ca='"%s"' % name), "dke-listen: client-ca: the CA certificates")
      for name in ("doublekeyd.conf", "empty.pem")),
    (dict(dke_key='"doublekeyd.conf"'), "dke-listen: the key of the TLS certificate cannot be read"),
]


def test_options_that_are_refused(tmp_path):
    s = DkeService(tmp_path)
    write(os.path.join(s.dir, "empty.pem"), b"")
    for changes, words in BAD:
        said = s.refused(**changes)
        assert words in said, (changes, said)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = s.refused(dke_listen='"127.0.0.1:%d"' % taken.getsockname()[1])
        assert "listen: dke-listen: cannot listen on" in said
    write(os.path.join(s.dir, "ca.pem"), Authority().pem())
    s.configure(dke_client_ca='"ca.pem"', dke_fronts="{%s}" % ", ".join([HEX] * 16),
                dke_audience='"https://dke.example.org/a:b/~c_d"', dke_cache_hours="720")  # control
    s.start()
    try:
        assert Connection(s.dke_port).ask("POST", "/a/b/decrypt", [], b"").one("resource") == \
            "https://dke.example.org/a:b/~c_d"
    finally:
        s.stop()
