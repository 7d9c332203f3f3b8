# SPDX-License-Identifier: Apache-2.0
"""An authenticator and the page that asks it, in Python: what browsers send by
spec/profiles/ms-dke-pages.md."""
import hashlib
import hmac
import os
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reader import native, pages

NATIVE = ("Content-Type", "application/doublekey")


class Authenticator:
    def __init__(self, origin):
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential = os.urandom(32)
        self.spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.device = hashlib.sha256(self.spki).hexdigest()

    def sign(self, challenge, **more):
        made = pages.Assertion(pages.authenticator_data(self.origin, **more),
                               pages.client_data(challenge, self.origin), b"")
        made.signature = self.key.sign(pages.signed_by(made), ec.ECDSA(hashes.SHA256()))
        return made


class Page:
    """One connection after another to the pages of a service."""

    def __init__(self, connect, origin, address=bytes(10) + b"\xff\xff\x7f\0\0\1"):
        self.connect, self.origin, self.address = connect, origin, address
        self.key = Authenticator(origin)
        self.person = None

    def post(self, body, headers=None):
        with self.connect() as c:
            return c.ask("POST", "/.doublekey/ask",
                         headers or [NATIVE, ("Origin", self.origin)], body)

    def body_of_registration(self, code, name="phone", key=None):
        person, code = native.parse_code(code)
        keys = native.EnrolKeys(code)
        before = pages.register_begin(keys.id, person, name, (key or self.key).spki,
                                      self.key.credential)
        body = before + self.key.sign(pages.register_challenge(before)).encode()
        return person, keys, body + hmac.digest(keys.client, body, "sha384")

    def register(self, code, **more):
        person, keys, body = self.body_of_registration(code, **more)
        answer = self.post(body)
        if answer.status == 200:
            mac = hmac.digest(keys.server, body[-48:] + answer.body[:-48], "sha384")
            assert answer.body[:4] == b"DKE4" and answer.body[-48:] == mac
            assert len(answer.body) == 4 + 8 + 1 + 48
            self.person, self.waits = person, answer.body[12] == 3
            assert answer.body[12] in (1, 3)
        return answer

    def list(self, now=None):
        """Person, end of the session, and (document, time, key) of what waits; or the answer."""
        now, nonce = int(now or time.time()), os.urandom(16)
        challenge = pages.list_challenge(self.address, now, nonce)
        answer = self.post(
            pages.write_list(now, nonce, self.key.credential, self.key.sign(challenge)))
        return parse_list(answer.body) if answer.status == 200 else answer

    def act_body(self, what, document=bytes(32), now=None, nonce=None, person=None, address=None):
        now, nonce = int(now or time.time()), os.urandom(16) if nonce is None else nonce
        challenge = pages.act_challenge(
            what, address or self.address, person or self.person, document, now, nonce)
        return pages.write_act(what, now, nonce, document, self.key.credential,
                               self.key.sign(challenge))

    def act(self, what, document=bytes(32), **more):
        return self.post(self.act_body(what, document, **more))


OTHERS = ": others"  # behind the name of the key: it waits for approvals of others


def parse_list(data):
    size = data[4]
    person, at = data[5:5 + size].decode(), 5 + size
    until, count = int.from_bytes(data[at:at + 8], "big"), data[at + 8]
    at, waiting = at + 9, []
    for _ in range(count):
        end = at + 42 + data[at + 41]
        assert data[at + 40] in (1, 2)
        waiting.append((data[at:at + 32], int.from_bytes(data[at + 32:at + 40], "big"),
                        data[at + 42:end].decode() + OTHERS * (data[at + 40] == 2)))
        at = end
    assert data[:4] == b"DKL2" and at == len(data)
    return person, until, waiting
