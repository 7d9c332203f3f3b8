# SPDX-License-Identifier: Apache-2.0
"""HKDF with SHA-384, and the key schedule of section 5."""

import hashlib
import hmac

from .fields import u8, u16

SUITE_LABEL = "HKDF-SHA-384 FLOE-AES-256-GCM"


def info(label, data):
    purpose = b"doublekey/1 " + label.encode()
    return u8(len(purpose)) + purpose + data


def extract(salt, ikm, hash_name="sha384"):
    return hmac.digest(salt, ikm, hash_name)


def expand(prk, context, length, hash_name="sha384"):
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(prk, block + context + u8(counter), hash_name)
        output += block
        counter += 1
    return output[:length]


class ShareKeys:
    """What one share gives (section 5.2)."""

    def __init__(self, side, share, object_id):
        side_prk = extract(info("share", b""), share)
        context = u8(side) + object_id
        self.commitment = expand(side_prk, info("share-commit", context), 32)
        self.set_mac_key = expand(side_prk, info("set-mac", context), 48)

    def set_mac(self, core_digest, stanza_set):
        message = core_digest + stanza_set.encode_without_mac()
        return hmac.digest(self.set_mac_key, message, "sha384")


def metadata_key(customer_share, provider_share, object_id, salt):
    prk = both_shares(customer_share, provider_share)
    return expand(prk, info("metadata", object_id + salt), 32)


def both_shares(customer_share, provider_share):
    return extract(info(SUITE_LABEL, b""), provider_share + customer_share)


class ObjectKeys:
    """What both shares and the core header give (section 5.1)."""

    def __init__(self, customer_share, provider_share, core_raw):
        self.core_raw = core_raw
        self.core_digest = hashlib.sha384(core_raw).digest()
        self.prk = both_shares(customer_share, provider_share)
        self.root = expand(self.prk, info("root", self.core_digest), 48)
        self.body_key = expand(self.root, info("body", b""), 32)
        self.key_commitment = expand(self.root, info("commit", b""), 32)
        self.header_mac_key = expand(self.root, info("header-mac", b""), 48)

    def header_mac(self, key_commitment, creator_signature):
        message = self.core_raw + key_commitment + creator_signature
        return hmac.digest(self.header_mac_key, message, "sha384")


def wrap_info(side, kind, key_id, core_digest):
    return info("stanza", u8(side) + u16(kind) + key_id + core_digest)


def wrap_aad(encapsulation, recipient):
    return hashlib.sha384(encapsulation + recipient).digest()
