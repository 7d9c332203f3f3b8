# SPDX-License-Identifier: Apache-2.0
"""Stanzas of EC keys by pyhpke. The protocol is in peer.py."""

import hashlib
import sys

from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

SUITES = {
    "p256": (KEMId.DHKEM_P256_HKDF_SHA256, KDFId.HKDF_SHA256),
    "p384": (KEMId.DHKEM_P384_HKDF_SHA384, KDFId.HKDF_SHA384),
}


def suite(values):
    return CipherSuite.new(*SUITES[values["type"]], AEADId.AES256_GCM)


def aad(enc, values):
    return hashlib.sha384(enc + values["recipient"]).digest()


def wrap(values):
    key = KEMKey.from_pyca_cryptography_key(load_der_public_key(values["spki"]))
    enc, context = suite(values).create_sender_context(key, info=values["info"])
    return {"encapsulation": enc, "wrapped": context.seal(values["share"], aad(enc, values))}


def unwrap(values):
    key = KEMKey.from_pyca_cryptography_key(load_der_private_key(values["key"], None))
    enc = values["encapsulation"]
    context = suite(values).create_recipient_context(enc, key, info=values["info"])
    return {"share": context.open(values["wrapped"], aad(enc, values))}


def answer(line):
    op, *words = line.split()
    values = dict(word.split("=") for word in words)
    values = {name: value if name == "type" else bytes.fromhex(value)
              for name, value in values.items()}
    try:
        made = {"wrap": wrap, "unwrap": unwrap}[op](values)
    except Exception as error:  # pyhpke raises many kinds
        return "no " + type(error).__name__
    return " ".join(["ok", *(f"{name}={value.hex()}" for name, value in made.items())])


for request in sys.stdin:
    print(answer(request), flush=True)
