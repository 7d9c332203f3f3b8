# SPDX-License-Identifier: Apache-2.0
"""The text of section 13 of ../envelope.md, from the vector `worked_example`."""

import functools

from cryptography.hazmat.primitives.asymmetric import ec

from reader import floe, hpke, schedule
from reader.fields import u64
from reader.header import CUSTOMER, P256, PROVIDER, SIDE_NAME

from forge import forge, shares_of
from keyring import KEYS
from v_creator import core_of
import case
import seeded

NAME = "worked_example"
WIDTH = 64
INTRO = """## 13. Worked example

The object is the vector `vectors/envelope/{name}`: one `p256` stanza on each
side, tenant `{tenant}`, label `{label}`, created {created}, segment length
{segment_length}, no metadata, no creator, and this plaintext of {size} bytes:

    {plaintext}

All values are in hexadecimal; a line that starts with a space continues the one
before. `vectors/gen/` prints this section, and a test compares.
"""


def section():
    parts = functools.partial(forge, seed=NAME)
    parts = case.VECTORS[NAME].build(parts)
    text = INTRO.format(
        name=NAME, tenant=parts["tenant"].decode(), label=parts["label"].decode(),
        created=int.from_bytes(parts["created"], "big"),
        segment_length=int.from_bytes(parts["segment length"], "big"),
        size=len(parts.plaintext[0]),
        plaintext=parts.plaintext[0].decode().replace("\n", "\\n"))
    blocks = [
        ("**Drawn at random, and the core header**", drawn(parts)),
        ("**Section 5.1**", from_both_shares(parts)),
        *((f"**Section 5.2 and 6, {name} side**", from_one_share(parts, side, name))
          for side, name in SIDE_NAME.items()),
        ("**Body**", body(parts))]
    for title, values in blocks:
        text += f"\n{title}\n\n```\n" + "".join(map(show, values)) + "```\n"
    return text


def show(value):
    name, data = value
    digits = data.hex()
    lines = [digits[i:i + WIDTH] for i in range(0, len(digits), WIDTH)]
    return f"{name} =\n" + "".join(f" {line}\n" for line in lines)


def drawn(parts):
    shares = shares_of(NAME)
    return [
        ("object id", parts["object id"]), ("salt", parts["salt"]),
        ("sC", shares[CUSTOMER]), ("sP", shares[PROVIDER]),
        ("core header", core_of(parts))]


def object_keys(parts):
    shares = shares_of(NAME)
    return schedule.ObjectKeys(shares[CUSTOMER], shares[PROVIDER], core_of(parts))


def from_both_shares(parts):
    keys = object_keys(parts)
    return [
        ('info("HKDF-SHA-384 FLOE-AES-256-GCM", "")', schedule.info(schedule.SUITE_LABEL, b"")),
        ("core-digest", keys.core_digest), ("prk", keys.prk), ("root", keys.root),
        ("body-key", keys.body_key), ("key-commitment", keys.key_commitment),
        ("header-mac-key", keys.header_mac_key), ("header-mac", parts["header mac"])]


def from_one_share(parts, side, name):
    share = shares_of(NAME)[side]
    keys = schedule.ShareKeys(side, share, parts["object id"])
    key, purpose = KEYS[f"{name}-p256"], f"{name} stanza 0"
    digest = object_keys(parts).core_digest
    info = schedule.wrap_info(side, P256, key.id, digest)
    ephemeral = seeded.ephemeral_key(ec.SECP256R1(), NAME, purpose)
    enc, (aead_key, nonce) = hpke.setup_sender(hpke.P256, key.public, info, ephemeral)
    return [
        ("side-prk", schedule.extract(schedule.info("share", b""), share)),
        ("share-commitment", keys.commitment), ("set-mac-key", keys.set_mac_key),
        ("recipient's private key", scalar(key.private)),
        ("recipient", key.recipient), ("key id", key.id),
        ("ephemeral private key", scalar(ephemeral)),
        ("wrap-info", info), ("enc", enc), ("wrap-aad", schedule.wrap_aad(enc, key.recipient)),
        ("HPKE key", aead_key), ("HPKE nonce", nonce),
        ("wrapped share", parts[f"{name} stanza 0 wrapped share"]),
        ("set-mac", parts[f"{name} set mac"])]


def scalar(private):
    return private.private_numbers().private_value.to_bytes(32, "big")


def body(parts):
    keys = object_keys(parts)
    state = floe.Floe(keys.body_key, keys.core_digest, 4096, parts["body iv"])
    return [
        ("FLOE parameters", parts["body parameters"]), ("FLOE IV", parts["body iv"]),
        ("FLOE header tag", parts["body tag"]), ("FLOE message key", state.message_key),
        ("AEAD key of segment 0", state.derive(state.message_key, b"DEK:" + u64(0), 32)),
        ("AEAD associated data", floe.tail(0, True)),
        ("segment 0", b"".join(parts[name] for name in parts.group("segment 0")))]
