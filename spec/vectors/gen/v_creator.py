# SPDX-License-Identifier: Apache-2.0
"""The signature of the creator: there, missing, wrong, and not asked for."""

from reader import creator

from case import vector
from forge import flipped
from keyring import KEYS
from v_core import flipping, tampered
import seeded

SIGNED = {"creator": "creator-p256"}
REQUIRED = {"require_creator": "creator-p256"}
ORDER = seeded.ORDER["secp256r1"]


def signed(name, expect, comment, plan, **fields):
    """One object by an author, with a valid header MAC."""
    where = None if expect == "success" else "header"
    vector("7", expect, where, name=f"creator_{name}", comment=comment, **fields)(
        lambda make: make(**plan))


def wrong(name, comment, signature):
    """A wrong signature below a valid header MAC, with and without a check."""
    plan = SIGNED | {"edit": {"creator signature": signature}}
    signed(name, "not-authentic creator-signature", comment, plan, **REQUIRED)


signed("required", "success", "the required creator signed", SIGNED, **REQUIRED)
signed("not_required", "success", "a creator signed, and the reader does not ask", SIGNED)
signed("missing", "refused creator-required", "a creator is required and there is none",
       {}, **REQUIRED)
signed("other", "refused creator-required", "another creator signed than the required one",
       {"creator": "creator-p256-b"}, **REQUIRED)
signed("is_a_holder", "success", "the creator key may be one of the keys of a side",
       {"creator": "customer-p256"}, require_creator="customer-p256")

wrong("signature_r", "r was changed", flipped)
wrong("signature_s", "s was changed", lambda signature: flipped(signature, 63))
wrong("signature_zero", "r and s are zero", bytes(64))
wrong("signature_r_zero", "r is zero", lambda signature: bytes(32) + signature[32:])
wrong("signature_s_zero", "s is zero", lambda signature: signature[:32] + bytes(32))
wrong("signature_r_is_order", "r is the group order",
      lambda signature: ORDER.to_bytes(32, "big") + signature[32:])
wrong("signature_s_is_order", "s is the group order",
      lambda signature: signature[:32] + ORDER.to_bytes(32, "big"))
wrong("signature_largest_numbers", "r and s are 2^256 - 1", b"\xff" * 64)
wrong("signature_exchanged", "r and s were exchanged",
      lambda signature: signature[32:] + signature[:32])
signed("signature_wrong_not_required", "success",
       "the signature is wrong, its MAC is right, and the reader does not ask for a creator",
       SIGNED | {"edit": {"creator signature": flipped}})
signed("signature_other_s", "success",
       "s was replaced by the order minus s, which verifies as well; both are accepted",
       SIGNED | {"edit": {"creator signature": lambda signature: signature[:32] + (
           ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")}}, **REQUIRED)

tampered("5.1", "not-authentic header-mac", "header", "creator_signature_changed",
         "the signature was changed by somebody without the shares", flipping("creator signature"),
         SIGNED, **REQUIRED)
tampered("5.1", "not-authentic header-mac", "header", "creator_signature_changed_not_required",
         "the header MAC covers the signature, even if no creator is required",
         flipping("creator signature", 63), SIGNED)


def signature_over(name, comment, message, key="creator-p256"):
    """A signature over something of the good object, or by another key."""
    @vector("7", "not-authentic creator-signature", "header", name=f"creator_{name}",
            comment=comment, **REQUIRED)
    def build(make):
        good = make(**SIGNED)
        signed = message(core_of(good), good["key commitment"])
        signature = seeded.ecdsa_sign(KEYS[key].private, signed, name, "nonce")
        return make(**SIGNED, edit={"creator signature": signature})


signature_over("signed_by_another_key", "another key signed than the core header names",
               creator.message, "creator-p256-b")
signature_over("signed_core_only", "the creator signed the core header without key commitment",
               lambda core, commitment: creator.message(core, b""))
signature_over("signed_without_label", "the creator signed without the label of info",
               lambda core, commitment: core + commitment)


@vector("7", "not-authentic creator-signature", "header", **REQUIRED)
def creator_signature_of_another_object(make):
    "a signature by the required creator over another object"
    other = make(seed="another object", **SIGNED)
    return make(**SIGNED, edit={"creator signature": other["creator signature"]})


@vector("7", "not-authentic header-mac", "header")
def creator_signature_zeroed(make):
    "the signature was overwritten with zero bytes"
    object_ = make(**SIGNED)
    object_["creator signature"] = bytes(64)
    return object_


def core_of(object_):
    names = object_.names[:object_.names.index("key commitment")]
    return b"".join(object_[name] for name in names)
