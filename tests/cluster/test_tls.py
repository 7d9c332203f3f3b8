# SPDX-License-Identifier: Apache-2.0
"""The connection to the database over TLS, with a client certificate in place of a password."""
import datetime
import ipaddress
import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from nodes import release, wait_until
from postgres import name_database, uri


def certificate(subject, issuer=None, ca=False, address=None):
    """Key and certificate; the issuer is such a pair."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.datetime.utcnow()
    builder = x509.CertificateBuilder().subject_name(name).public_key(key.public_key())
    builder = builder.issuer_name(issuer[1].subject if issuer else name)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=30))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if address:
        builder = builder.add_extension(x509.SubjectAlternativeName(
            [x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
    return key, builder.sign(issuer[0] if issuer else key, hashes.SHA256())


def write(path, owner, key=None, cert=None):
    data = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()) if key else cert.public_bytes(
                                 serialization.Encoding.PEM)
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o600)
    os.chown(path, owner.st_uid, owner.st_gid)


@pytest.fixture
def secured(service, server):
    """The server takes TLS and client certificates only."""
    ca, other = certificate("ca", ca=True), certificate("other ca", ca=True)
    key, cert = certificate("127.0.0.1", ca, address="127.0.0.1")
    data = os.stat(server.data)
    write(os.path.join(server.data, "server.key"), data, key=key)
    write(os.path.join(server.data, "server.crt"), data, cert=cert)
    write(os.path.join(server.data, "ca.crt"), data, cert=ca[1])
    log = os.path.join(service.dir, "log")
    key, cert = certificate("doublekey", ca)
    for name, parts in (("db.key", {"key": key}), ("db.crt", {"cert": cert}),
                        ("db-ca.crt", {"cert": ca[1]}), ("other-ca.crt", {"cert": other[1]})):
        write(os.path.join(log, name), os.stat(log), **parts)
    server.set("ssl = on")
    server.set("ssl_ca_file = 'ca.crt'")
    hba = os.path.join(server.data, "pg_hba.conf")
    with open(hba) as f:
        text = f.read()
    with open(hba, "w") as f:
        f.write("hostssl doublekey doublekey 127.0.0.1/32 cert\n"
                "host doublekey doublekey all reject\n" + text)
    server.stop()
    server.start()
    return service


WAY = "?sslmode=verify-full&sslrootcert=%s&sslcert=db.crt&sslkey=db.key"


def test_a_client_certificate_and_no_password(secured, server):
    way = uri(server, more=WAY % "db-ca.crt")
    assert secured.admin("store", "migrate", "--to", way, check=False).returncode == 0
    name_database(secured, way)
    secured.start()
    secured.prepare()
    assert release(secured) is None
    server.stop()  # the files are read again, inside the sandbox
    server.start()
    wait_until(lambda: release(secured) is None)
    assert server.sql("SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING(pid) WHERE"
                      " usename='doublekey' AND ssl AND client_dn='/CN=doublekey'") == "1"


def test_another_server_is_not_believed(secured, server):
    way = uri(server, more=WAY % "other-ca.crt")
    done = secured.admin("store", "migrate", "--to", way, check=False)
    assert done.returncode == 1 and "certificate verify failed" in done.stderr
    way = uri(server, more="?sslmode=disable")
    done = secured.admin("store", "migrate", "--to", way, check=False)
    assert done.returncode == 1 and "pg_hba.conf" in done.stderr
