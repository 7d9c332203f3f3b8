# SPDX-License-Identifier: Apache-2.0
"""The transit engine of Vault and OpenBao, as far as its HTTP interface is documented, over
real AES-GCM and RSA: it checks the associated data, as the real one does. It stands in for
the real one, which Debian does not package; tests/peers runs the same cases against that.

A test changes how it answers through `faults`."""

import base64
import os
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server import Answer, JsonServer, rsa_key

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


class Key:
    def __init__(self, kind, derived=False):
        self.kind, self.derived, self.versions = kind, derived, {}
        self.rotate()

    def rotate(self):
        number = len(self.versions) + 1
        bits = int(self.kind[4:]) if self.kind.startswith("rsa-") else None
        self.versions[number] = rsa_key(bits, number) if bits else AESGCM.generate_key(256)

    def describe(self, number):
        if not self.kind.startswith("rsa"):
            return int(time.time())
        pem = self.versions[number].public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return {"public_key": pem.decode()}

    def bound(self, number, body):
        """Key and associated data of a request."""
        key, aad = self.versions[number], body.get("associated_data")
        if self.derived:
            context = base64.b64decode(body["context"])
            digest = hashes.Hash(hashes.SHA256())
            digest.update(key + context)
            key = digest.finalize()
        return key, base64.b64decode(aad) if aad else None


class VaultServer(JsonServer):
    TOKEN = "hvs.test-token"

    def __init__(self, pem=None):
        super().__init__(pem)
        self.keys = {}
        self.role = None
        self.opened = {}
        self.check_binding = True  # False: a broken twin

    def ref(self, name):
        return f"vault:https://vault.example:8200/transit/keys/{name}"

    def handle(self, method, path, headers, body):
        if path == "/v1/auth/approle/login":
            if [body.get("role_id"), body.get("secret_id")] != self.role:
                return Answer(400, {"errors": ["invalid role or secret ID"]})
            return Answer(200, {"auth": {"client_token": self.TOKEN}})
        if headers.get("X-Vault-Token") != self.TOKEN:
            return Answer(403, {"errors": ["permission denied"]})
        mount, verb, name = path.removeprefix("/v1/").rsplit("/", 2)
        key = self.keys.get(name) if mount == "transit" else None
        if not key:
            return Answer(404, {"errors": []})
        return getattr(self, "on_" + verb)(key, body)

    def on_keys(self, key, _):
        return Answer(200, {"data": {
            "type": key.kind, "derived": key.derived, "latest_version": len(key.versions),
            "keys": {str(n): key.describe(n) for n in key.versions}}})

    def on_encrypt(self, key, body):
        number = len(key.versions)
        secret, aad = key.bound(number, body)
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(secret).encrypt(nonce, base64.b64decode(body["plaintext"]), aad)
        text = f"vault:v{number}:{base64.b64encode(sealed).decode()}"
        self.opened[text] = base64.b64decode(body["plaintext"])
        return Answer(200, {"data": {"ciphertext": text, "key_version": number}})

    def on_decrypt(self, key, body):
        head, number, text = body["ciphertext"].split(":")
        number, sealed = int(number.removeprefix("v")), base64.b64decode(text)
        if head != "vault" or number not in key.versions:
            return Answer(400, {"errors": ["invalid ciphertext"]})
        try:
            if key.kind.startswith("rsa"):
                plain = key.versions[number].decrypt(sealed, OAEP)
            elif self.check_binding:
                secret, aad = key.bound(number, body)
                plain = AESGCM(secret).decrypt(sealed[:12], sealed[12:], aad)
            else:
                plain = self.opened[body["ciphertext"]]
        except (InvalidTag, ValueError):
            return Answer(400, {"errors": ["cipher: message authentication failed"]})
        return Answer(200, {"data": {"plaintext": base64.b64encode(plain).decode()}})
