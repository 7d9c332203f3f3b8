# SPDX-License-Identifier: Apache-2.0
"""Randomness that can be repeated: every value is named, and drawn from its name."""

import hashlib

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

ORDER = {
    "secp256r1": 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
    "secp384r1": int("ffffffffffffffffffffffffffffffffffffffffffffffff"
                     "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16),
}


def draw(seed, purpose, size):
    return hashlib.shake_256(f"doublekey vectors/{seed}/{purpose}".encode()).digest(size)


def ephemeral_key(curve, seed, purpose):
    order = ORDER[curve.name]
    drawn = int.from_bytes(draw(seed, purpose, 64), "big")
    return ec.derive_private_key(drawn % (order - 1) + 1, curve)


def ecdsa_sign(private, message, seed, purpose):
    """ECDSA P-256 with SHA-256 and a nonce drawn from its name; r || s."""
    order = ORDER["secp256r1"]
    nonce = ephemeral_key(ec.SECP256R1(), seed, purpose)
    k = nonce.private_numbers().private_value
    d = private.private_numbers().private_value
    r = nonce.public_key().public_numbers().x % order
    z = int.from_bytes(hashlib.sha256(message).digest(), "big")
    s = pow(k, -1, order) * (z + r * d) % order
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def oaep_encrypt(public, message, seed, purpose, hash_name="sha256", label=b""):
    """RSAES-OAEP (RFC 8017, 7.1.1) with a seed drawn from its name."""
    numbers = public.public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    label_hash = hashlib.new(hash_name, label).digest()
    filler = bytes(size - len(message) - 2 * len(label_hash) - 2)
    block = label_hash + filler + b"\1" + message
    mask_seed = draw(seed, purpose, len(label_hash))
    masked_block = xor(block, mgf1(mask_seed, len(block), hash_name))
    masked_seed = xor(mask_seed, mgf1(masked_block, len(mask_seed), hash_name))
    padded = int.from_bytes(b"\0" + masked_seed + masked_block, "big")
    return pow(padded, numbers.e, numbers.n).to_bytes(size, "big")


def mgf1(seed, size, hash_name):
    output, counter = b"", 0
    while len(output) < size:
        output += hashlib.new(hash_name, seed + counter.to_bytes(4, "big")).digest()
        counter += 1
    return output[:size]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))
