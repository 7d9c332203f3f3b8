# SPDX-License-Identifier: Apache-2.0
"""A client of the key service by http-message-signatures (RFC 9421) and pyhpke: it asks
for the share of one object and opens it. The protocol is in peer.py."""

import base64
import hashlib
import http.client
import ssl
import struct
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

SUITE = CipherSuite.new(
    KEMId.DHKEM_P256_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
COMPONENTS = ("@method", "@target-uri", "content-digest")


@dataclass
class Message:
    method: str
    url: str
    headers: dict = field(default_factory=dict)


class Signer(HTTPMessageSigner):
    """The order of parameters is the application's to choose (RFC 9421 section 2.3)."""

    def _build_signature_base(self, message, *, signature_params, **rest):
        ordered = {name: signature_params[name] for name in ("created", "nonce", "keyid")}
        return super()._build_signature_base(message, signature_params=ordered, **rest)


def info(label, data):
    name = b"doublekey/1 " + label
    return bytes([len(name)]) + name + data


def sign(values, body):
    """The request with its headers, and the digest that the service will see."""
    key = serialization.load_der_private_key(values["device"], None)
    key_id = hashlib.sha256(key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    message = Message("POST", values["url"].decode() + "/v1/release", {
        "Content-Type": "application/doublekey", "Content-Digest": f"sha-256=:{digest}:"})
    signer = Signer(signature_algorithm=algorithms.ECDSA_P256_SHA256,
                    key_resolver=MappingKeyResolver(public_keys={}, private_keys={key_id: key}))
    created = datetime.fromtimestamp(int(time.time()) - values["age"][0] * 60, timezone.utc)
    given = {"key_id": key_id, "created": created, "nonce": values["nonce"].hex(), "label": "dk",
             "include_alg": False, "covered_component_ids": COMPONENTS, "body": body,
             "use_existing_digest": True}
    prepared = signer.prepare(message, **given)
    signer.sign(message, **given)
    base = prepared.signature_base
    base = base if isinstance(base, bytes) else base.encode()
    return message, hashlib.sha256(info(b"request", hashlib.sha256(base).digest())).digest()


def post(values, message, body):
    context = ssl.create_default_context(cadata=values["ca"].decode())
    where = urlsplit(message.url)
    connection = http.client.HTTPSConnection(where.hostname, where.port, context=context,
                                             timeout=60)
    try:
        connection.request(message.method, where.path, body, message.headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Doublekey-Error", "ok"), answer.read()
    finally:
        connection.close()


def release(values):
    core, stanzas = values["core"], values["set"]
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    point = ephemeral.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    body = (b"DKR1" + struct.pack(">H", 1) + point + struct.pack(">H", 1)
            + struct.pack(">HI", len(core), len(stanzas)) + core + stanzas)
    message, digest = sign(values, body)
    sent = body + values["more"]
    status, error, answer = post(values, message, sent)
    if status != 200:
        return {"error": error.encode()}
    index, enc = answer[4:12], answer[12:77]
    code, sealed = struct.unpack(">H", answer[79:81])[0], answer[81:129]
    if code:
        return {"error": b"code %d" % code}
    context = SUITE.create_recipient_context(
        enc, KEMKey.from_pyca_cryptography_key(ephemeral), info=info(b"release", digest))
    aad = hashlib.sha384(core).digest() + core[76:108] + index
    return {"share": context.open(sealed, aad)}


def answer_to(line):
    op, *words = line.split()
    values = {name: bytes.fromhex(value) for name, value in (word.split("=") for word in words)}
    try:
        made = {"release": release}[op](values)
    except Exception as error:  # the packages raise many kinds
        return f"no {type(error).__name__} {error}".replace("\n", " ")
    return " ".join(["ok", *(f"{name}={value.hex()}" for name, value in made.items())])


for request in sys.stdin:
    print(answer_to(request), flush=True)
