# SPDX-License-Identifier: Apache-2.0
"""The customer's pages of the profile of Microsoft Double Key Encryption, written from
spec/profiles/ms-dke-pages.md alone."""

import base64
import hashlib
import hmac
import urllib.parse
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature, encode_dss_signature)
from cryptography.hazmat.primitives.serialization import load_der_public_key

from . import native
from .bytes import Reader
from .fields import is_text, u8, u16, u64
from .native import SPKI_P256, NativeError, require, short
from .schedule import info

PRESENT, VERIFIED = 1, 4
CONFIRM, OPEN, CLOSE = 1, 2, 3


@dataclass
class Assertion:
    authenticator: bytes
    client: bytes
    signature: bytes

    def encode(self):
        return (u16(len(self.authenticator)) + self.authenticator + u16(len(self.client)) +
                self.client + short(self.signature))


def client_data(challenge, origin, behind=',"crossOrigin":false}'):
    text = base64.urlsafe_b64encode(challenge).decode().rstrip("=")
    return f'{{"type":"webauthn.get","challenge":"{text}","origin":"{origin}"{behind}'.encode()


def authenticator_data(origin, flags=PRESENT | VERIFIED, counter=0):
    host = urllib.parse.urlsplit(origin).hostname.encode()
    return hashlib.sha256(host).digest() + u8(flags) + counter.to_bytes(4, "big")


def signed_by(assertion):
    return assertion.authenticator + hashlib.sha256(assertion.client).digest()


def _client_data_hold(data, challenge, origin):
    begin = client_data(challenge, origin, "")
    if not data.startswith(begin):
        return False
    rest = data[len(begin):]
    return (rest in (b"}", b',"crossOrigin":false}') or
            rest.startswith(b',"crossOrigin":false,') and rest.endswith(b"}"))


def _signature_holds(spki, assertion):
    try:
        r, s = decode_dss_signature(assertion.signature)
        if encode_dss_signature(r, s) != assertion.signature:
            return False
        load_der_public_key(spki).verify(assertion.signature, signed_by(assertion),
                                         ec.ECDSA(hashes.SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True


def check_assertion(assertion, spki, challenge, origin):
    host = urllib.parse.urlsplit(origin).hostname.encode()
    flags = assertion.authenticator[32]
    require(_client_data_hold(assertion.client, challenge, origin) and
            assertion.authenticator[:32] == hashlib.sha256(host).digest() and
            flags & PRESENT and flags & VERIFIED and _signature_holds(spki, assertion),
            "signature")


# ---- challenges ----

def _challenge(label, data):
    return hashlib.sha256(info(label, data)).digest()


def register_challenge(before):
    return _challenge("ms-dke-register", before)


def list_challenge(address, time, nonce):
    return _challenge("ms-dke-list", address + u64(time) + nonce)


def act_challenge(what, address, person, document, time, nonce):
    return _challenge("ms-dke-act", u8(what) + address + short(person.encode()) + document +
                      u64(time) + nonce)


# ---- bodies ----

class _Body:
    def __init__(self, data):
        self.rd = Reader(data, NativeError("malformed-request"))
        self.data = data

    def take(self, n):
        return self.rd.take(n)

    def number(self, n):
        return int.from_bytes(self.rd.take(n), "big")

    def sized(self, n, least, most):
        length = self.number(n)
        require(least <= length <= most, "malformed-request")
        return self.take(length)

    def magic(self, text):
        require(self.take(4) == text, "malformed-request")

    def assertion(self):
        return Assertion(self.sized(2, 37, 1024), self.sized(2, 1, 1024), self.sized(1, 8, 72))

    def end(self):
        require(self.rd.left() == 0, "malformed-request")


def parse_register(data):
    body = _Body(data)
    body.magic(b"DKE3")
    found = {"code-id": body.take(16), "person": body.sized(1, 1, 64),
             "device-name": body.sized(1, 1, 64), "spki": body.take(SPKI_P256),
             "credential": body.sized(2, 16, 1023)}
    found["challenge"] = register_challenge(data[:body.rd.at])
    found["assertion"] = body.assertion()
    found["signed"] = data[:body.rd.at]
    found["mac"] = body.take(48)
    body.end()
    require(native.is_user(found["person"].decode("latin-1")) and is_text(found["device-name"]),
            "malformed-request")
    return found


def check_register(data, client_key, origin):
    found = parse_register(data)
    require(hmac.compare_digest(
        hmac.digest(client_key, found["signed"], "sha384"), found["mac"]), "enrol-code")
    try:
        check_assertion(found["assertion"], found["spki"], found["challenge"], origin)
    except (NativeError, ValueError):
        raise NativeError("enrol-code") from None
    return found


def parse_list(data):
    body = _Body(data)
    body.magic(b"DKL1")
    found = {"time": body.number(8), "nonce": body.take(16),
             "credential": body.sized(2, 16, 1023), "assertion": body.assertion()}
    body.end()
    require(any(found["nonce"]), "malformed-request")
    return found


def parse_act(data):
    body = _Body(data)
    body.magic(b"DKG1")
    found = {"what": body.number(1), "time": body.number(8), "nonce": body.take(16),
             "document": body.take(32), "credential": body.sized(2, 16, 1023),
             "assertion": body.assertion()}
    body.end()
    require(CONFIRM <= found["what"] <= CLOSE, "malformed-request")
    require(any(found["nonce"]), "malformed-request")
    require(found["what"] == CONFIRM or not any(found["document"]), "malformed-request")
    return found


def write_list(time, nonce, credential, assertion):
    return b"DKL1" + u64(time) + nonce + u16(len(credential)) + credential + assertion.encode()


def write_act(what, time, nonce, document, credential, assertion):
    return (b"DKG1" + u8(what) + u64(time) + nonce + document + u16(len(credential)) +
            credential + assertion.encode())


def register_begin(code_id, person, name, spki, credential):
    return (b"DKE3" + code_id + short(person.encode()) + short(name.encode()) + spki +
            u16(len(credential)) + credential)


def write_register_answer(server_key, request, index, state):
    answer = b"DKE4" + u64(index) + u8(state)
    return answer + hmac.digest(server_key, request[-48:] + answer, "sha384")


def parse_register_answer(data, server_key, request):
    """Log index, state."""
    try:
        body = _Body(data)
        body.magic(b"DKE4")
        found = body.number(8), body.number(1)
        mac = body.take(48)
        body.end()
        require(found[1] in (1, 3), "reply")
        right = hmac.digest(server_key, request[-48:] + data[:-48], "sha384")
        require(hmac.compare_digest(mac, right), "reply")
    except NativeError:
        raise NativeError("reply") from None
    return found


def parse_presence(data):
    body = _Body(data)
    body.magic(b"DKP1")
    what, address = body.number(1), body.take(16)
    body.end()
    require(1 <= what <= 3 and (what == 3) == (not any(address)), "malformed-request")
    return what, address


def write_presence(what, address=bytes(16)):
    return b"DKP1" + u8(what) + address


def write_presence_answer(index, until, address, person):
    return b"DKP2" + u64(index) + u64(until) + address + u8(len(person)) + person


def parse_presence_answer(data):
    """Index, end, address, person."""
    try:
        body = _Body(data)
        body.magic(b"DKP2")
        found = body.number(8), body.number(8), body.take(16), body.sized(1, 1, 254)
        body.end()
        require(all(0x21 <= byte <= 0x7e for byte in found[3]), "reply")
    except NativeError:
        raise NativeError("reply") from None
    return (*found[:3], found[3].decode())
