# SPDX-License-Identifier: Apache-2.0
"""A key service and its clients that exist on paper only: keys drawn from names, and
what they would sign."""

import base64
import hashlib
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from reader import hpke, log, native, note
from reader.bytes import signature_of_der
from reader.header import CUSTOMER

from forge import forge, shares_of
import seeded

URL = "https://keys.example.org:8443"
CUSTODIAN = "keys.example.org:8443"
NOW = 1925000000
P256 = ec.SECP256R1()


def key(name):
    return seeded.ephemeral_key(P256, "service", name)


def spki(private):
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_id(private):
    return hashlib.sha256(spki(private)).digest()


def draw(name, size=32):
    return seeded.draw("service", name, size)


class LogSigner:
    def __init__(self, name, origin):
        self.ed = ed25519.Ed25519PrivateKey.from_private_bytes(draw(f"{name} ed25519"))
        self.p256, self.name = key(f"{name} p256"), name
        public = self.ed.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.keys = log.LogKeys(origin, public, spki(self.p256))

    def sign_ed(self, text):
        return self.ed.sign(text)

    def sign_p256(self, text):
        raw = seeded.ecdsa_sign(self.p256, text, self.name, text.hex())
        return signature_of_der(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))

    def lines(self, text):
        return log.checkpoint_lines(self.keys, text, self.sign_ed, self.sign_p256)

    def checkpoint(self, size, root):
        text = log.checkpoint_text(self.keys.origin, size, root)
        return (text + "\n" + "".join(self.lines(text))).encode()


def coded(name, data):
    return f"{log.DASH}{name} {base64.b64encode(data).decode()}\n"


class Cosigner:
    """A witness."""

    def __init__(self, name):
        self.private = ed25519.Ed25519PrivateKey.from_private_bytes(draw(f"{name} cosigner"))
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key = note.Key(note.COSIGNATURE, name, self.public)

    def raw(self, text, time):
        return self.key.id + time.to_bytes(8, "big") + self.private.sign(note.cosigned(text, time))

    def line(self, text, time=1924999990):
        return coded(self.key.name, self.raw(text, time))


ORIGIN = URL[len("https://"):] + "/log"
SIGNER = LogSigner("log", ORIGIN)
STRANGER = LogSigner("another log", ORIGIN)
IDENTITY, DEVICE, EPHEMERAL = key("identity"), key("device"), key("ephemeral")
CA = draw("ca")
SERVICE = native.Service(URL, CUSTODIAN, CA, spki(IDENTITY), SIGNER.keys.ed25519,
                         SIGNER.keys.p256)


def others(size):
    """Leaves of nobody."""
    return [log.leaf_hash(draw(f"leaf {i}", 48)) for i in range(size)]


def place(leaf, record, index=5, size=11, signer=SIGNER):
    """A receipt of that leaf at that place of a tree of that size."""
    leaves = others(size)
    leaves[index] = log.leaf_hash(leaf)
    note = signer.checkpoint(size, log.root_of(leaves))
    return log.Receipt(leaf, index, log.inclusion(index, leaves), note, record)


def salts(seed):
    count = iter(range(10000))
    return lambda size: seeded.draw(seed, f"salt {next(count)}", size)


def receipt(event, seed, erased=(), **where):
    record, leaf = log.encode_event(event, salts(seed), erased)
    return place(leaf, record, **where)


# ---- objects and requests ----

class Thing:
    """Core header and customer set of an object, and its share."""

    def __init__(self, name, **plan):
        parts = forge(seed=f"service object {name}", **plan)
        end = parts.names.index("key commitment")
        self.core = b"".join(parts[part] for part in parts.names[:end])
        self.set = b"".join(parts[part] for part in parts.group("customer ")
                            if part not in ("customer commitment", "customer set length"))
        self.share = shares_of(f"service object {name}")[CUSTOMER]
        self.pair = (self.core, self.set)

    def recorded(self, code=0, **changed):
        object_id, _ = native.core_parts(self.core)
        made = log.Object(code, object_id, hashlib.sha384(self.core).digest(),
                          int.from_bytes(self.set[1:5], "big"), draw("key id"))
        return replace(made, **changed)


ONE, TWO, THREE = Thing("one"), Thing("two", label=b"secret"), Thing("three", epoch={CUSTOMER: 9})


def recipient():
    return hpke.point(EPHEMERAL.public_key())


class Request:
    def __init__(self, *things, seed="request"):
        self.things = things
        self.body = native.Release(1, recipient(), [t.pair for t in things]).encode()
        self.given = native.Input(NOW, draw(f"{seed} nonce", 16), key_id(DEVICE))
        self.base = native.signature_base(self.given, URL, self.body)
        self.digest = native.request_digest(self.base)
        self.signature = seeded.ecdsa_sign(DEVICE, self.base, seed, "signature")

    def event(self, codes, class_=None, main=None, person=None, objects=None):
        """What a service records of it; None takes a field away."""
        done = any(code == 0 for code in codes)
        main = {"time": NOW + 1, "decision": 1 if done else 2, "reason": 0 if done else codes[0],
                "mode": 1, "front": 1, "level": 1, "policy": draw("policy"),
                "request": self.digest, "recipient": hashlib.sha256(
                    native.point_spki(recipient())).digest(), "factors": [(1, 4, 3)]} | (main or {})
        person = {"user": "alice", "device": key_id(DEVICE), "device_name": "laptop",
                  "address": bytes(10) + b"\xff\xff\xc0\0\2\1"} | (person or {})
        made = [thing.recorded(code) for thing, code in zip(self.things, codes)]
        drop = lambda fields: {k: v for k, v in fields.items() if v is not None}  # noqa: E731
        return log.Event(class_ or (2 if done else 3), drop(main), drop(person),
                         made if objects is None else objects)

    def answer(self, seed, codes, index=5, sealed_for=None, stated=None, shares=None, enc=None,
               head=b"DKR2", count=None, receipt_of=None, **event):
        """DKR2; what is given differs from what a service would write."""
        signed = receipt_of or receipt(self.event(codes, **event), seed, index=index)
        items = [(thing.core, None if code else (shares or {}).get(i, thing.share))
                 for i, (thing, code) in enumerate(zip(self.things, codes))]
        made_enc, sealed = native.seal_shares(
            (sealed_for or EPHEMERAL).public_key(), self.digest, index, items,
            seeded.ephemeral_key(P256, seed, "sealing"))
        sealed = [native.u16(code) + data for code, data in zip(codes, sealed)]
        return (head + native.u64(index if stated is None else stated) + (enc or made_enc)
                + native.u16(len(codes) if count is None else count) + b"".join(sealed)
                + signed.encode())
