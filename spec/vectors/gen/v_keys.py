# SPDX-License-Identifier: Apache-2.0
"""Wrong keys, wrong shares, and stanzas that do not open."""

import hashlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reader import hpke, schedule, stanza
from reader.fields import u16
from reader.header import CUSTOMER, PROVIDER

from case import vector
from forge import flipped, shares_of, wrap
from keyring import KEYS
from v_core import authored, flipping, setting, tampered
import seeded

# Keys that match nothing.


def no_match(side, name, comment, plan=None, **fields):
    vector("9.4", f"no-match no-{side}-key", f"{side} set", name=f"key_{name}",
           comment=comment, **fields)(lambda make: make(**(plan or {})))


no_match("customer", "customer_stranger", "the customer key is in no stanza",
         customer_key="stranger-p256")
no_match("provider", "provider_stranger", "the provider key is in no stanza",
         provider_key="stranger-p256")
no_match("customer", "sides_exchanged", "each key is given for the other side",
         customer_key="provider-p256", provider_key="customer-p256")
no_match("customer", "provider_key_twice", "the provider key is given for both sides",
         customer_key="provider-p256")
no_match("provider", "customer_key_twice", "the customer key is given for both sides",
         provider_key="customer-p256")
no_match("customer", "customer_all_strangers", "several keys and none of them fits",
         customer_key=["stranger-p256", "customer-p256-b", "customer-p384"])
tampered("9.4", "no-match no-customer-key", "customer set", "key_id_changed",
         "the key id of the only stanza was changed", flipping("customer stanza 0 key id"))

# The author put a wrong share into a stanza; all MACs are valid.


def shares(name, comment, where, wrapped):
    @vector("5.2", "not-authentic share-commitment", where, name=f"share_{name}", comment=comment)
    def build(make):
        return make(seed="shares", wrapped=wrapped)


OWN = shares_of("shares")
shares("of_the_other_side", "the customer stanza wraps the provider's share",
       "customer stanza 0", {CUSTOMER: OWN[PROVIDER]})
shares("provider_of_the_other_side", "the provider stanza wraps the customer's share",
       "provider stanza 0", {PROVIDER: OWN[CUSTOMER]})
shares("exchanged", "the shares of the two sides were exchanged",
       "customer stanza 0", {CUSTOMER: OWN[PROVIDER], PROVIDER: OWN[CUSTOMER]})
shares("customer_one_bit", "the customer stanza wraps a share that differs in one bit",
       "customer stanza 0", {CUSTOMER: flipped(OWN[CUSTOMER], 31)})
shares("provider_one_bit", "the provider stanza wraps a share that differs in one bit",
       "provider stanza 0", {PROVIDER: flipped(OWN[PROVIDER], 31)})
shares("of_another_object", "the customer stanza wraps the share of another object",
       "customer stanza 0", {CUSTOMER: shares_of("another object")[CUSTOMER]})

# Changed stanzas.


def damaged(name, comment, change, key="customer-p256", side="customer", plan=None):
    tampered("6.3", "not-authentic stanza-auth", f"{side} stanza 0", f"stanza_{name}", comment,
             change, {side: [key]} | (plan or {}), **{f"{side}_key": key})


for key in ("customer-p256", "customer-p384", "customer-rsa3072", "provider-p256"):
    side, kind = key.split("-")
    short = kind if side == "customer" else f"provider_{kind}"
    part = f"{side} stanza 0"
    damaged(f"{short}_wrapped_share", "the first byte of the wrapped share was changed",
            flipping(f"{part} wrapped share"), key, side)
    damaged(f"{short}_tag", "the last byte of the tag of the wrapped share was changed",
            flipping(f"{part} wrapped share", 47), key, side)
    damaged(f"{short}_encapsulation", "the last byte of the encapsulation was changed",
            flipping(f"{part} encapsulation", -1), key, side)

for key, size in (("customer-p256", 65), ("customer-p384", 97)):
    short, part = key.removeprefix("customer-"), "customer stanza 0 encapsulation"
    damaged(f"{short}_point_not_on_curve", "y = 1 does not fit x = 1",
            setting(part, b"\4" + b"\1".rjust(size // 2, b"\0") * 2), key)
    damaged(f"{short}_point_zero", "an encapsulation of zero bytes", setting(part, bytes(size)), key)
    damaged(f"{short}_point_at_origin", "the point (0, 0) is not on the curve",
            setting(part, b"\4" + bytes(size - 1)), key)
    damaged(f"{short}_point_above_prime", "coordinates above the prime of the field",
            setting(part, b"\4" + b"\xff" * (size - 1)), key)
    for first in (2, 3, 5, 6, 7):
        damaged(f"{short}_point_form_{first}", "the first byte names another form of a point",
                lambda object_, part=part, first=first: object_.__setitem__(
                    part, bytes([first]) + object_[part][1:]), key)


@vector("6.3", "not-authentic stanza-auth", "customer stanza 0")
def stanza_p256_point_negated(make):
    "the encapsulated point has the other y; its x, and so the shared secret, is the same"
    object_ = make()
    enc = object_["customer stanza 0 encapsulation"]
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    y = prime - int.from_bytes(enc[33:], "big")
    object_["customer stanza 0 encapsulation"] = enc[:33] + y.to_bytes(32, "big")
    return object_


@vector("9.4", "not-authentic stanza-auth", "customer stanza 0",
        customer_key=["customer-p256-b", "customer-p256"])
def stanza_first_match_decides(make):
    """the first stanza with a given key is damaged; the second one would open, but a
    failed unwrap is never a reason to try the next"""
    object_ = make(customer=["customer-p256", "customer-p256-b"])
    object_.flip("customer stanza 0 wrapped share")
    return object_


P384_BODY = {
    "customer stanza 0 type": u16(2),
    "customer stanza 0 body length": u16(145),
    "customer stanza 0 encapsulation": lambda enc: enc + bytes(32),
}
authored("6.3", "not-authentic stanza-auth", "customer stanza 0", "stanza_of_another_type",
         "a p384 stanza that names a P-256 key", edit=P384_BODY)
authored("6.3", "not-authentic stanza-auth", "customer stanza 0", "stanza_rsa_names_ec_key",
         "an rsa-oaep stanza that names a P-256 key",
         edit={"customer stanza 0 type": u16(3), "customer stanza 0 body length": u16(432),
               "customer stanza 0 encapsulation": lambda enc: enc + bytes(384 - 65)})

# Stanzas whose author did not follow section 6.3; everything else is valid.


def author_wrapped(name, comment, wrap_share, key="customer-p256"):
    @vector("6.3", "not-authentic stanza-auth", "customer stanza 0", name=f"stanza_{name}",
            comment=comment, customer_key=key)
    def build(make):
        return make(customer=[key], wrap={CUSTOMER: wrap_share})


def with_other_info(change):
    return lambda share, key, info, *names: wrap(share, key, change(info), *names)


def part_of_info(name, first, comment):
    author_wrapped(f"info_{name}", comment, with_other_info(lambda info: flipped(info, first)))


# info = u8, "doublekey/1 stanza", u8(side), u16(type), key id[32], core digest[48]
part_of_info("label", 12, "the wrap info has another label")
part_of_info("type", 21, "the wrap info names another type")
part_of_info("key_id", 22, "the wrap info names another key")
part_of_info("core_digest", 101, "the wrap info names another core header")
author_wrapped("info_side", "the wrap info names the other side",
               with_other_info(lambda info: info[:19] + b"\2" + info[20:]))
author_wrapped("info_empty", "HPKE with an empty info", with_other_info(lambda info: b""))


def wrap_with_aad(make_aad):
    def wrap_share(share, key, info, seed, purpose):
        ephemeral = seeded.ephemeral_key(key.public.curve, seed, purpose)
        enc, context = hpke.setup_sender(stanza.HPKE_SUITE[key.type], key.public, info, ephemeral)
        return enc, hpke.seal(context, make_aad(enc, key), share)
    return wrap_share


author_wrapped("aad_empty", "HPKE with empty associated data",
               wrap_with_aad(lambda enc, key: b""))
author_wrapped("aad_without_recipient", "the associated data leaves the recipient out",
               wrap_with_aad(lambda enc, key: hashlib.sha384(enc).digest()))
author_wrapped("aad_spki", "the associated data holds the SubjectPublicKeyInfo of an EC key",
               wrap_with_aad(lambda enc, key: schedule.wrap_aad(enc, key.spki)))
author_wrapped("for_another_key", "the stanza was made for another key than it names",
               lambda share, key, *rest: wrap(share, KEYS["customer-p256-b"], *rest))


def wrap_seed(message=None, hash_name="sha256", label=b"", raw=None):
    """An rsa-oaep stanza with something else in it than a seed under OAEP."""
    def wrap_share(share, key, info, seed, purpose):
        secret = message if message is not None else seeded.draw(seed, f"{purpose} seed", 32)
        encrypted = raw or seeded.oaep_encrypt(
            key.public, secret, seed, purpose, hash_name, label)
        aad = schedule.wrap_aad(encrypted, key.recipient)
        return encrypted, AESGCM(stanza.rsa_wrap_key(secret, info)).encrypt(bytes(12), share, aad)
    return wrap_share


def rsa(name, comment, wrap_share):
    author_wrapped(f"rsa_{name}", comment, wrap_share, "customer-rsa3072")


rsa("seed_31", "a seed of 31 bytes, with a wrap key made from it", wrap_seed(b"s" * 31))
rsa("seed_33", "a seed of 33 bytes, with a wrap key made from it", wrap_seed(b"s" * 33))
rsa("seed_empty", "an empty seed, with a wrap key made from it", wrap_seed(b""))
rsa("oaep_sha1", "OAEP with SHA-1", wrap_seed(hash_name="sha1"))
rsa("oaep_sha384", "OAEP with SHA-384", wrap_seed(hash_name="sha384"))
rsa("oaep_label", "OAEP with a label", wrap_seed(label=b"doublekey"))
rsa("encapsulation_zero", "an encapsulation of zero", wrap_seed(b"s" * 32, raw=bytes(384)))
rsa("encapsulation_one", "an encapsulation of one, which decrypts to one",
    wrap_seed(b"s" * 32, raw=bytes(383) + b"\1"))
rsa("encapsulation_above_modulus", "an encapsulation above the modulus",
    wrap_seed(b"s" * 32, raw=b"\xff" * 384))
rsa("encapsulation_of_rsa4096", "an encapsulation of 512 bytes for a modulus of 384",
    wrap_seed(b"s" * 32, raw=bytes(128) + seeded.oaep_encrypt(
        KEYS["customer-rsa3072"].public, b"s" * 32, "rsa", "longer")))
rsa("info_side", "the wrap info names the other side",
    with_other_info(lambda info: info[:19] + b"\2" + info[20:]))


def wrap_rsa_without_recipient(share, key, info, seed, purpose):
    secret = seeded.draw(seed, f"{purpose} seed", 32)
    encrypted = seeded.oaep_encrypt(key.public, secret, seed, purpose)
    aad = hashlib.sha384(encrypted).digest()
    return encrypted, AESGCM(stanza.rsa_wrap_key(secret, info)).encrypt(bytes(12), share, aad)


rsa("aad_without_recipient", "the associated data leaves the recipient out",
    wrap_rsa_without_recipient)
