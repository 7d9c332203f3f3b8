# SPDX-License-Identifier: Apache-2.0
"""Make the fixtures of this folder for which no standard has published values,
with python3-cryptography and, for HPKE, the formulas of RFC 9180 written out.

    python3 make.py hkdf | hpke | rsa | foreign | sizes > FILE

rsa makes a new key each time, the others always print the same."""

import hashlib
import hmac
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand


def case(name, **values):
    print(f"\ncase: {name}")
    for key, value in values.items():
        print(f"{key}: {value.hex()}")


def hkdf():
    print("# HKDF with SHA-384, computed by python3-cryptography on the inputs of RFC 5869\n"
          "# appendix A.1 to A.3 (which has no SHA-384); prk is by Python's hmac.")
    long = [bytes(range(start, start + 80)) for start in (0x00, 0x60, 0xb0)]
    inputs = (
        ("basic", bytes([0x0b] * 22), bytes(range(13)), bytes(range(0xf0, 0xfa)), 42),
        ("long", long[0], long[1], long[2], 82),
        ("empty", bytes([0x0b] * 22), b"", b"", 42),
        ("most", b"ikm", b"salt", b"info", 255 * 48),
    )
    for name, ikm, salt, info, length in inputs:
        prk = hmac.digest(salt or bytes(48), ikm, "sha384")
        okm = HKDF(hashes.SHA384(), length, salt, info).derive(ikm)
        assert okm == HKDFExpand(hashes.SHA384(), length, info).derive(prk)
        if length > 100:
            okm = okm[-64:]
        case(name, ikm=ikm, salt=salt, info=info, prk=prk, length=length.to_bytes(2, "big"),
             okm=okm)


def extract(suite, salt, label, ikm):
    return hmac.digest(salt or bytes(48), b"HPKE-v1" + suite + label + ikm, "sha384")


def expand(suite, prk, label, info, length):
    labeled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return HKDFExpand(hashes.SHA384(), length, labeled).derive(prk)


def point(key):
    return key.public_bytes(serialization.Encoding.X962,
                            serialization.PublicFormat.UncompressedPoint)


def hpke():
    print("# RFC 9180 base mode, DHKEM(P-384, HKDF-SHA384), HKDF-SHA384, AES-256-GCM. No vector\n"
          "# is published for this suite: computed by make.py with python3-cryptography.")
    curve, kem, suite = ec.SECP384R1(), b"KEM\0\x11", b"HPKE\0\x11\0\2\0\2"
    scalars = [hashlib.sha384(name).digest() for name in (b"recipient", b"ephemeral")]
    recipient, ephemeral = (ec.derive_private_key(int.from_bytes(s, "big"), curve) for s in scalars)
    info = b"Ode on a Grecian Urn"
    enc, public = point(ephemeral.public_key()), point(recipient.public_key())
    dh = ephemeral.exchange(ec.ECDH(), recipient.public_key())
    secret = expand(kem, extract(kem, b"", b"eae_prk", dh), b"shared_secret", enc + public, 48)
    context = (b"\0" + extract(suite, b"", b"psk_id_hash", b"")
               + extract(suite, b"", b"info_hash", info))
    prk = extract(suite, secret, b"secret", b"")
    key = expand(suite, prk, b"key", context, 32)
    base_nonce = expand(suite, prk, b"base_nonce", context, 12)
    case("setup", info=info, skRm=scalars[0], skEm=scalars[1], pkRm=public, enc=enc,
         shared_secret=secret, key=key, base_nonce=base_nonce)
    text = b"Beauty is truth, truth beauty"
    for seq in (0, 1, 2, 255, 256):
        nonce = (int.from_bytes(base_nonce, "big") ^ seq).to_bytes(12, "big")
        aad = b"Count-%d" % seq
        case("message", seq=seq.to_bytes(8, "big"), aad=aad, pt=text,
             ct=AESGCM(key).encrypt(nonce, text, aad))


def rsa_oaep():
    print("# A 3,072-bit key and OAEP ciphertexts under it, made by python3-cryptography.")
    key = rsa.generate_private_key(65537, 3072)
    public = key.public_key()

    def oaep(name, label=None):
        return padding.OAEP(padding.MGF1(name), name, label)

    der = serialization.Encoding.DER
    case("key",
         spki=public.public_bytes(der, serialization.PublicFormat.SubjectPublicKeyInfo),
         pkcs8=key.private_bytes(der, serialization.PrivateFormat.PKCS8,
                                 serialization.NoEncryption()))
    seed = bytes(range(32))
    sha256, sha1 = hashes.SHA256(), hashes.SHA1()
    case("good", seed=seed, ct=public.encrypt(seed, oaep(sha256)))
    case("bad-label", ct=public.encrypt(seed, oaep(sha256, b"label")))
    case("bad-short", ct=public.encrypt(seed[:31], oaep(sha256)))
    case("bad-long", ct=public.encrypt(seed + b"x", oaep(sha256)))
    case("bad-empty", ct=public.encrypt(b"", oaep(sha256)))
    case("bad-sha1", ct=public.encrypt(seed, oaep(sha1)))
    case("bad-mgf1-sha1",
         ct=public.encrypt(seed, padding.OAEP(padding.MGF1(sha1), sha256, None)))
    case("bad-pkcs1", ct=public.encrypt(seed, padding.PKCS1v15()))
    n = public.public_numbers().n
    case("bad-zero", ct=bytes(384))
    case("bad-modulus", ct=n.to_bytes(384, "big"))


def spki(public):
    return public.public_bytes(serialization.Encoding.DER,
                               serialization.PublicFormat.SubjectPublicKeyInfo)


def tlv(tag, value):
    length = len(value)
    head = bytes([length]) if length < 128 else b"\x82" + length.to_bytes(2, "big")
    return bytes([tag]) + head + value


def rsa_spki(modulus, exponent=65537, parameters=b"\5\0", oid="2a864886f70d010101"):
    def integer(number):
        return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))

    numbers = tlv(0x30, integer(modulus) + integer(exponent))
    algorithm = tlv(0x30, tlv(6, bytes.fromhex(oid)) + parameters)
    return tlv(0x30, algorithm + tlv(3, b"\0" + numbers))


def modulus(bits):
    """No key: a number of that many bits without a known factor."""
    seed = b"".join(hashlib.sha512(b"%d" % i).digest() for i in range(bits // 512 + 1))
    number = int.from_bytes(seed, "big") >> 8 * len(seed) - bits
    return number | 1 << bits - 1 | 1


def foreign():
    print("# Public keys that are no keys of ours: well-formed ones of another type\n"
          "# (type-...) and refused ones of our types (invalid-...). The moduli are\n"
          "# numbers of the right size, nothing more.")
    for name, curve in (("p521", ec.SECP521R1()), ("k256", ec.SECP256K1()),
                        ("brainpool", ec.BrainpoolP256R1())):
        case(f"type-{name}", spki=spki(ec.derive_private_key(3, curve).public_key()))
    case("type-ed25519", spki=spki(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
                                   .public_key()))
    case("type-x25519", spki=spki(x25519.X25519PrivateKey.from_private_bytes(bytes(32))
                                  .public_key()))
    case("type-rsa-pss", spki=rsa_spki(modulus(3072), parameters=b"", oid="2a864886f70d01010a"))
    case("invalid-rsa-2048", spki=rsa_spki(modulus(2048)))
    case("invalid-rsa-3064", spki=rsa_spki(modulus(3064)))
    case("invalid-rsa-3073", spki=rsa_spki(modulus(3073)))
    case("invalid-rsa-8200", spki=rsa_spki(modulus(8200)))
    case("invalid-rsa-e-3", spki=rsa_spki(modulus(3072), 3))
    case("invalid-rsa-e-65539", spki=rsa_spki(modulus(3072), 65539))
    case("invalid-rsa-no-null", spki=rsa_spki(modulus(3072), parameters=b""))
    case("invalid-rsa-trailing", spki=rsa_spki(modulus(3072)) + b"\0")


def sizes():
    print("# RSA public keys of allowed sizes; the moduli are numbers of the right size.")
    for bits in (3072, 3080, 4096, 8192):
        case(f"rsa-{bits}", spki=rsa_spki(modulus(bits)))


{"foreign": foreign, "sizes": sizes, "hkdf": hkdf, "hpke": hpke, "rsa": rsa_oaep}[sys.argv[1]]()
