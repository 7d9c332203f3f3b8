# SPDX-License-Identifier: Apache-2.0
"""A CA of an organisation and certificates of its people, not made by lib/."""
import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def with_identifiers(builder, public_key, ca_key, is_ca=False):
    """What RFC 5280 wants of every certificate, and strict verifiers insist on."""
    if is_ca:
        builder = builder.add_extension(x509.KeyUsage(
            False, False, False, False, False, True, True, False, False), True)
    return builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(public_key), False).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False)


def ca_certificate(key, title, begin, end):
    now = datetime.datetime.utcnow()
    builder = (
        x509.CertificateBuilder().subject_name(name(title)).issuer_name(name(title))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now + begin).not_valid_after(now + end)
        .add_extension(x509.BasicConstraints(True, None), True))
    return with_identifiers(builder, key.public_key(), key, True).sign(key, hashes.SHA256())


class Authority:
    def __init__(self, title="Example CA"):
        self.title = title
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = ca_certificate(self.key, title, -DAY, DAY)

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, path, cn, names=(), begin=-DAY, end=DAY, usage=ExtendedKeyUsageOID.CLIENT_AUTH):
        """Certificate and key in one file; returns the certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        builder = (
            x509.CertificateBuilder().subject_name(name(cn)).issuer_name(name(self.title))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now + begin).not_valid_after(now + end)
            .add_extension(x509.ExtendedKeyUsage([usage]), False))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        builder = with_identifiers(builder, key.public_key(), self.key)
        certificate = builder.sign(self.key, hashes.SHA256())
        with open(path, "wb") as f:
            os.chmod(path, 0o600)
            f.write(certificate.public_bytes(serialization.Encoding.PEM))
            f.write(key.private_bytes(serialization.Encoding.PEM,
                                      serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()))
        return certificate
