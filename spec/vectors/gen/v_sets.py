# SPDX-License-Identifier: Apache-2.0
"""Wrong stanza sets: heads, stanzas, formers, both sides, set MACs, epochs."""

from reader.fields import u16, u32, u8
from reader.header import CUSTOMER, P256, PROVIDER, SIDE_NAME

from case import vector
from forge import pad_custodian
from keyring import KEYS
from v_core import adding, authored, flipping, setting, tampered
from v_valid import formers
import seeded

SIDES = tuple(SIDE_NAME.values())


def head(error, name, comment, part, value):
    """The same wrong head field on both sides, by an author with valid MACs."""
    for side in SIDES:
        authored("6", error, f"{side} set", f"{side}_{name}", comment,
                 edit={f"{side} {part}": value})


head("malformed side", "side_0", "side 0", "side", u8(0))
head("malformed side", "side_3", "side 3", "side", u8(3))
head("malformed epoch", "epoch_0", "epoch 0", "epoch", u32(0))
head("malformed stanza-count", "stanza_count_0", "no stanza", "stanza count", u8(0))
head("malformed stanza-count", "stanza_count_65", "more stanzas than allowed",
     "stanza count", u8(65))
head("malformed stanza-count", "stanza_count_255", "the largest number", "stanza count", u8(255))
head("malformed former", "former_count_513", "more formers than allowed",
     "former count", u16(513))
head("malformed former", "former_count_65535", "the largest number", "former count", u16(65535))
authored("6", "malformed side", "customer set", "customer_side_2",
         "the side of the customer set is the provider's", edit={"customer side": u8(2)})
authored("6", "malformed side", "provider set", "provider_side_1",
         "the side of the provider set is the customer's", edit={"provider side": u8(1)})

authored("2", "malformed stanza-count", "customer set", "customer_65_stanzas",
         "65 stanzas that are all there", fillers={CUSTOMER: 64})
authored("2", "malformed former", "customer set", "customer_513_formers",
         "513 formers that are all there", formers={CUSTOMER: formers(513)})

TWO_KEYS = {"customer": ["customer-p256", "customer-p256-b"]}
ONE_FORMER = {"formers": {CUSTOMER: formers(1)}, "epoch": {CUSTOMER: 2}}
tampered("6", "unsupported stanza-type", "customer stanza 1", "customer_stanza_count_plus_1",
         "the stanza count is one too large, so that the set MAC becomes a stanza",
         adding("customer stanza count", 1))
tampered("6", "malformed set-length", "customer set", "customer_stanza_count_minus_1",
         "the stanza count is one too small", adding("customer stanza count", -1), TWO_KEYS)
tampered("6", "unsupported stanza-type", "customer former 0", "customer_former_count_plus_1",
         "the former count is one too large, so that the set MAC becomes a former",
         adding("customer former count", 1))
tampered("6", "malformed set-length", "customer set", "customer_former_count_minus_1",
         "the former count is one too small", adding("customer former count", -1), ONE_FORMER)

# Stanzas.

for side in SIDES:
    for kind, error, what in (
            (0, "stanza-type", "type 0"),
            (5, "stanza-type", "a type that is not known"),
            (0xffff, "stanza-type", "the largest type"),
            (4, "stanza-reserved", "the reserved hybrid type")):
        authored("6.3", f"unsupported {error}", f"{side} stanza 0",
                 f"{side}_stanza_type_{kind}", what, edit={f"{side} stanza 0 type": u16(kind)})
authored("6.3", "unsupported stanza-type", "customer stanza 1", "customer_stanza_type_second",
         "the type of a second stanza is not known; a reader does not skip it", **TWO_KEYS,
         edit={"customer stanza 1 type": u16(5)})
authored("6.3", "malformed stanza-length", "customer stanza 0", "customer_stanza_type_p384",
         "a p256 stanza with the type of p384", edit={"customer stanza 0 type": u16(2)})


def body_length(key, name, comment, difference, error="stanza-length", where="stanza 0"):
    tampered("6.3", f"malformed {error}", f"customer {where}", f"customer_body_length_{name}",
             comment, adding("customer stanza 0 body length", difference), {"customer": [key]},
             customer_key=key)


for short in ("p256", "p384"):
    body_length(f"customer-{short}", f"{short}_plus_1", "one too large", 1)
    body_length(f"customer-{short}", f"{short}_minus_1", "one too small", -1)
body_length("customer-rsa3072", "rsa_shortest_minus_1", "too small for any RSA key", -1)
body_length("customer-rsa3072", "rsa_longest_plus_1", "too large for any RSA key", 1073 - 432)
body_length("customer-rsa3072", "rsa_plus_1", "one byte of the set MAC becomes body", 1,
            "set-length", "set")
body_length("customer-rsa4096", "rsa_minus_1", "one byte of the body becomes set MAC", -1,
            "set-length", "set")
body_length("customer-rsa3072", "rsa_longest", "the body reaches behind the set", 1072 - 432,
            "set-length")

KMS = (b"vault:https://v/m/keys/k", b"7", b"vault:v7:AAAA")
TOO_LONG = {"name": (b"n" * 513, b"", b"b"), "version": (b"n", b"v" * 65, b"b"),
            "blob": (b"n", b"", bytes(4097))}
for part, fields in TOO_LONG.items():
    authored("6.3", "malformed stanza-length", "provider stanza 0", f"kms_{part}_too_long",
             f"one byte more than a {part} may have", kms={PROVIDER: [fields]})
for part, fields in {"name": (b"", b"7", b"b"), "blob": (b"n", b"7", b"")}.items():
    authored("6.3", "malformed stanza-length", "provider stanza 0", f"kms_no_{part}",
             f"no {part}", kms={PROVIDER: [fields]})
for part, change, where, error in (
        ("name length", 1, "stanza 0", "text"),
        ("name length", 600, "stanza 0", "stanza-length"),
        ("version length", 13, "stanza 0", "stanza-length"),
        ("version length", 254, "stanza 0", "stanza-length"),
        ("body length", 4677 - 41, "stanza 0", "stanza-length"),
        ("body length", 4 - 41, "stanza 0", "stanza-length"),
        ("body length", 1, "stanza 1", "stanza-type"),
        ("body length", -1, "stanza 1", "stanza-type")):
    tampered("6.3", f"{'unsupported' if error == 'stanza-type' else 'malformed'} {error}",
             f"provider {where}", f"kms_{part.replace(' ', '_')}_{change}".replace("-", "minus_"),
             f"a {part} that differs by {change}", adding(f"provider stanza 0 {part}", change),
             {"kms": {PROVIDER: [KMS]}})
for part, position, byte in (("name", 0, 0x20), ("name", 3, 0x7f), ("name", 5, 0),
                             ("version", 0, 0x0a), ("version", 0, 0xff)):
    fields = [KMS[0], KMS[1], KMS[2]]
    at = ("name", "version").index(part)
    fields[at] = fields[at][:position] + bytes([byte]) + fields[at][position + 1:]
    authored("6.3", "malformed text", "provider stanza 0", f"kms_{part}_byte_{byte:02x}",
             f"a byte of the {part} that is not printable ASCII", kms={PROVIDER: [tuple(fields)]})
authored("6.1", "malformed stanza-duplicate", "provider stanza 1", "kms_duplicate",
         "two stanzas of one system's key", kms={PROVIDER: [KMS, KMS]})
tampered("6.3", "not-authentic set-mac", "provider set", "kms_blob_flipped",
         "a blob that nobody opens is changed, and the set MAC finds it",
         flipping("provider stanza 0 blob"), {"kms": {PROVIDER: [KMS]}})

WRONG_CUSTODIANS = {
    "empty": (b"", "no custodian"),
    "upper_case": (b"Customer", "an upper case letter"),
    "space": (b"cust omer", "a space"),
    "zero_inside": (b"cust\0omer", "a zero byte within the name"),
    "starts_with_zero": (b"\0customer", "a zero byte before the name"),
    "behind_zero": (b"customer".ljust(47, b"\0") + b"x", "a byte behind the zero bytes"),
    "not_ascii": ("k\u00fcnde".encode(), "a letter outside ASCII"),
    "bad_utf_8": (b"cust\xff", "a byte that is in no text"),
    "line_feed": (b"customer\n", "a line feed"),
    "plus": (b"customer+1", "a plus sign"),
}
for short, (custodian, what) in WRONG_CUSTODIANS.items():
    authored("6.1", "malformed text", "customer stanza 0", f"customer_custodian_{short}", what,
             edit={"customer stanza 0 custodian": custodian.ljust(48, b"\0")})
authored("6.1", "malformed text", "provider stanza 0", "provider_custodian_upper_case",
         "an upper case letter", edit={"provider stanza 0 custodian": b"Provider".ljust(48, b"\0")})

authored("6.1", "malformed stanza-duplicate", "customer stanza 1", "customer_stanza_duplicate",
         "two stanzas for one key", customer=["customer-p256", "customer-p256"])
authored("6.1", "malformed stanza-duplicate", "customer stanza 2",
         "customer_stanza_duplicate_other_type", "one key id in stanzas of two types",
         customer=["customer-p256", "customer-p256-b", "customer-rsa3072"],
         edit={"customer stanza 2 key id": KEYS["customer-p256"].id})
authored("6.1", "malformed stanza-duplicate", "provider stanza 1", "provider_stanza_duplicate",
         "two stanzas for one key", provider=["provider-p256", "provider-p256"])

# Formers.

UP = formers(3)


def former_list(error, where, name, comment, entries, edit=None):
    authored("6.2", error, f"customer {where}", f"customer_former_{name}", comment,
             formers={CUSTOMER: entries}, epoch={CUSTOMER: 4}, edit=edit or {})


former_list("malformed former", "former 1", "unsorted", "the first two are exchanged",
            [UP[1], UP[0], UP[2]])
former_list("malformed former", "former 2", "unsorted_last", "the last two are exchanged",
            [UP[0], UP[2], UP[1]])
former_list("malformed former", "former 1", "duplicate", "one former twice",
            [UP[0], UP[0], UP[1]])
former_list("malformed former", "former 1", "duplicate_other_type",
            "one key id twice, with another type", [UP[0], (2, *UP[0][1:]), UP[1]])
former_list("unsupported stanza-type", "former 1", "type_unknown", "a type that is not known",
            UP, {"customer former 1 type": u16(9)})
former_list("unsupported stanza-reserved", "former 0", "type_reserved", "a reserved type",
            UP, {"customer former 0 type": u16(4)})
former_list("malformed text", "former 2", "custodian_empty", "no custodian", UP,
            {"customer former 2 custodian": bytes(48)})
former_list("malformed text", "former 0", "custodian_upper_case", "an upper case letter", UP,
            {"customer former 0 custodian": b"Former".ljust(48, b"\0")})

# Two keys mean two holders.

CUSTOMER_ID, PROVIDER_ID = KEYS["customer-p256"].id, KEYS["provider-p256"].id


def both(error, name, comment, **plan):
    authored("6.2", f"malformed {error}", "header", f"both_sides_{name}", comment, **plan)


both("key-on-both-sides", "key", "one key on both sides, under two custodians",
     edit={"provider stanza 0 key id": CUSTOMER_ID})
both("key-on-both-sides", "key_and_custodian", "one key on both sides, with its custodian",
     provider=["customer-p256"])
both("key-on-both-sides", "key_second_stanza", "one key is an alternative on both sides",
     customer=["customer-p256", "customer-p384"], provider=["provider-p256", "provider-p384"],
     edit={"provider stanza 1 key id": KEYS["customer-p384"].id})
both("key-on-both-sides", "key_former_and_current",
     "a former key of the provider is the customer's current key",
     formers={PROVIDER: [(P256, CUSTOMER_ID, "provider")]})
both("key-on-both-sides", "key_current_and_former",
     "a former key of the customer is the provider's current key",
     formers={CUSTOMER: [(P256, PROVIDER_ID, "customer")]})
both("key-on-both-sides", "key_former_and_former", "one former key on both sides",
     formers={CUSTOMER: [(*UP[0][:2], "customer")], PROVIDER: [(*UP[0][:2], "provider")]})
both("custody", "custodian", "one custodian for the two keys",
     edit={"provider stanza 0 custodian": pad_custodian("customer")})
both("custody", "custodian_second_stanza", "a second provider key is with the customer",
     provider=["provider-p256", "provider-p384"],
     edit={"provider stanza 1 custodian": pad_custodian("customer")})
both("custody", "custodian_former", "a former provider key was with the customer",
     formers={PROVIDER: [(*UP[0][:2], "customer")]})
both("custody", "custodian_former_and_former", "one custodian of two former keys",
     formers={CUSTOMER: [(*UP[0][:2], "shared")], PROVIDER: [(*UP[1][:2], "shared")]})

# Sets that were changed by somebody who does not know the share.


def set_mac(name, comment, change, plan=None, side="customer", **fields):
    tampered("6", "not-authentic set-mac", f"{side} set", f"set_mac_{name}", comment, change,
             plan, **fields)


for side in SIDES:
    set_mac(f"{side}_first_byte", "the first byte of the set MAC was changed",
            flipping(f"{side} set mac"), side=side)
    set_mac(f"{side}_last_byte", "the last byte of the set MAC was changed",
            flipping(f"{side} set mac", 47), side=side)
    set_mac(f"{side}_epoch", "the epoch was raised", adding(f"{side} epoch", 1), side=side)
    set_mac(f"{side}_custodian", "the custodian of a stanza was changed",
            setting(f"{side} stanza 0 custodian", pad_custodian("somebody")), side=side)
set_mac("epoch_largest", "the epoch was set to its largest value",
        setting("customer epoch", u32(2**32 - 1)), min_epoch_customer=2)
set_mac("former_key_id", "the key id of a former was changed",
        flipping("customer former 0 key id", 31), ONE_FORMER)
set_mac("former_custodian", "the custodian of a former was changed",
        setting("customer former 0 custodian", pad_custodian("nobody")), ONE_FORMER)
set_mac("former_type", "the type of a former was changed",
        adding("customer former 0 type", 1), ONE_FORMER)
set_mac("other_stanza", "the stanza of another key was damaged",
        flipping("customer stanza 1 wrapped share"), TWO_KEYS)
set_mac("other_stanza_key_id", "the key id of a stanza for another key was changed",
        flipping("customer stanza 1 key id"), TWO_KEYS)
set_mac("stanzas_exchanged", "two stanzas were exchanged",
        lambda object_: object_.swap("customer stanza 0", "customer stanza 1"), TWO_KEYS)


# The parts that a change leaves alone come out the same, since all randomness is
# drawn from names. So the old MAC over a changed list is taken from a second object.


def set_mac_of_before(name, comment, before, after):
    @vector("6", "not-authentic set-mac", "customer set", name=f"set_mac_{name}", comment=comment)
    def build(make):
        object_ = make(**after)
        object_["customer set mac"] = make(**before)["customer set mac"]
        return object_


FORMER_GONE = {"epoch": ONE_FORMER["epoch"]}
set_mac_of_before("former_removed", "the only former was removed", ONE_FORMER, FORMER_GONE)
set_mac_of_before("former_added", "a former was added", FORMER_GONE, ONE_FORMER)
set_mac_of_before("stanza_removed", "the second stanza was removed", TWO_KEYS, {})
set_mac_of_before("stanza_added", "a stanza for another key was added", {}, TWO_KEYS)
authored("6", "not-authentic set-mac", "customer set", "set_mac_under_the_other_share",
         "the MAC of the customer set was made with the provider's share",
         mac_share_of={CUSTOMER: PROVIDER})


# Sets of elsewhere.


@vector("6", "not-authentic stanza-auth", "customer stanza 0")
def set_of_another_object_customer(make):
    "the customer set of another object for the same keys"
    object_ = make()
    replace_set(object_, make(seed="another object"), "customer")
    return object_


@vector("6", "not-authentic stanza-auth", "provider stanza 0")
def set_of_another_object_provider(make):
    "the provider set of another object for the same keys"
    object_ = make()
    replace_set(object_, make(seed="another object"), "provider")
    return object_


@vector("6", "not-authentic stanza-auth", "customer stanza 0", customer_key="provider-p256",
        provider_key="customer-p256")
def set_sides_exchanged(make):
    "the sets were exchanged and their sides relabelled, and the keys are given so"
    object_ = make()
    object_.swap("customer stanza 0", "provider stanza 0")
    object_["customer set mac"], object_["provider set mac"] = (
        object_["provider set mac"], object_["customer set mac"])
    return object_


@vector("6", "malformed side", "customer set")
def set_order_exchanged(make):
    "the provider set stands before the customer set"
    object_ = make()
    names = object_.names
    start, middle, end = (names.index(n) for n in ("customer side", "provider side", "padding"))
    names[start:end] = names[middle:end] + names[start:middle]
    return object_


def replace_set(object_, other, side):
    for name in object_.group(f"{side} "):
        if name.startswith((f"{side} stanza 0", f"{side} set mac")):
            object_.bytes[name] = other[name]


NEW_KEY = {"customer": ["customer-p256-b"], "epoch": {CUSTOMER: 2},
           "formers": {CUSTOMER: [(P256, CUSTOMER_ID, "customer")]}}


def older_set(make):
    """The object was rewrapped; then the set of its first epoch was put back."""
    object_ = make(seed="rewrapped", **NEW_KEY)
    old = make(seed="rewrapped")
    for prefix in ("customer epoch", "customer former count", "customer stanza", "customer set"):
        for name in object_.group(prefix):
            object_.bytes[name] = old[name]
    object_.drop("customer former 0")
    object_.pad_again()
    assert object_.join() == old.join()
    return object_


def epochs():
    for name, expect, minimum, what in (
            ("opens", "success", 1, "it opens for a reader that asks for no more than epoch 1"),
            ("refused", "refused epoch-too-old", 2, "a reader that knows epoch 2 refuses it")):
        vector("6", expect, None if expect == "success" else "customer set",
               name=f"epoch_older_set_{name}", min_epoch_customer=minimum,
               comment=f"the set of an older epoch was put back; {what}")(older_set)
    vector("9.3", "success", name="epoch_as_asked", min_epoch_customer=2, min_epoch_provider=1,
           customer_key="customer-p256-b",
           comment="the epochs are exactly the minimum")(lambda make: make(**NEW_KEY))
    vector("9.3", "refused epoch-too-old", "provider set", name="epoch_provider_too_old",
           min_epoch_provider=3, comment="the provider set is older than asked for")(
        lambda make: make(epoch={PROVIDER: 2}))
    vector("9.3", "success", name="epoch_newer_than_asked", min_epoch_provider=3,
           comment="the provider set is newer than asked for")(
        lambda make: make(epoch={PROVIDER: 7}))


epochs()
