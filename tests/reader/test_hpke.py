# SPDX-License-Identifier: Apache-2.0
"""HPKE against the vectors of RFC 9180, appendix A.3 (P-256, base mode), and the
properties that the RFC has no vector for here (P-384, AES-256-GCM)."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from reader import hpke

INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
SK_E = "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb"
SK_R = "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2"
ENC = ("04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e"
       "5b7f951c0900be863c403ce65c9bfcb9382657222d18c4")
SHARED_SECRET = "c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8"
KEY = "868c066ef58aae6dc589b6cfdd18f97e"
BASE_NONCE = "4e0bc5018beba4bf004cca59"
PLAINTEXT = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")
AAD = b"Count-0"
CIPHERTEXT = ("5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f"
              "39513434")


def private(suite, value):
    return ec.derive_private_key(int(value, 16), suite.curve)


def test_rfc_9180_a3_1():
    suite = hpke.P256_AES128
    ephemeral, recipient = private(suite, SK_E), private(suite, SK_R)
    enc, secret = suite.encapsulate(recipient.public_key(), ephemeral)
    assert (enc.hex(), secret.hex()) == (ENC, SHARED_SECRET)
    context = suite.key_schedule(secret, INFO)
    assert [part.hex() for part in context] == [KEY, BASE_NONCE]
    assert hpke.seal(context, AAD, PLAINTEXT).hex() == CIPHERTEXT
    assert hpke.setup_receiver(suite, enc, recipient, INFO) == context
    assert hpke.open_(context, AAD, bytes.fromhex(CIPHERTEXT)) == PLAINTEXT


@pytest.mark.parametrize("suite", [hpke.P256, hpke.P384])
def test_what_was_sealed_opens_with_the_same_inputs_only(suite):
    recipient = ec.generate_private_key(suite.curve)
    enc, context = hpke.setup_sender(suite, recipient.public_key(), b"info")
    sealed = hpke.seal(context, b"aad", b"share")
    assert len(enc) == {"secp256r1": 65, "secp384r1": 97}[suite.curve.name]
    assert hpke.open_(hpke.setup_receiver(suite, enc, recipient, b"info"), b"aad",
                      sealed) == b"share"
    for info, aad in ((b"other", b"aad"), (b"info", b"other")):
        with pytest.raises(hpke.HpkeError):
            hpke.open_(hpke.setup_receiver(suite, enc, recipient, info), aad, sealed)
