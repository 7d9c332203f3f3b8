# SPDX-License-Identifier: Apache-2.0
"""Google Cloud KMS over REST, its token endpoint and the metadata of a machine, as far as their
interfaces are documented, over real AES-GCM and RSA: checksums, additional data and
the tokens of service accounts are checked. No public server of Google's KMS exists."""

import base64
import os
import time
import urllib.parse

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server import Answer, JsonServer, rsa_key

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
PROJECT = "projects/p-1/locations/europe-west3/keyRings/ring"
AUDIENCE = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"
MAIL = "robot@p-1.iam.gserviceaccount.com"


def crc32c(data):
    """By a table, unlike the program."""
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        table.append(n)
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ table[crc & 0xff ^ byte]
    return crc ^ 0xffffffff


assert crc32c(b"123456789") == 0xe3069283  # RFC 3720


def error(code, status, text="no"):
    return Answer(code, {"error": {"code": code, "status": status, "message": text}})


class GcpServer(JsonServer):
    TOKEN = "ya29.token"

    def __init__(self, pem=None):
        super().__init__(pem)
        self.keys = {}  # resource: AES keys by version, or an RSA key for a version
        self.algorithm = {}
        self.account = rsa_key(2048, 7)
        self.denied, self.disabled, self.check_binding, self.opened = set(), set(), True, {}
        self.refresh = None  # the refresh token that is taken
        self.machine = False
        self.subject, self.exchanged = None, "ya29.federated"  # a token of another issuer; of ours
        self.impersonates = False

    def symmetric(self, name):
        resource = f"{PROJECT}/cryptoKeys/{name}"
        self.keys[resource] = [AESGCM.generate_key(256)]
        return "gcpkms:" + resource

    def rsa(self, name, bits=3072, digest="SHA256"):
        resource = f"{PROJECT}/cryptoKeys/{name}/cryptoKeyVersions/1"
        self.keys[resource] = rsa_key(bits, 1)
        self.algorithm[resource] = f"RSA_DECRYPT_OAEP_{bits}_{digest}"
        return "gcpkms:" + resource

    def credentials(self):
        """The file of a service account."""
        pem = self.account.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption())
        return {"type": "service_account", "client_email": MAIL, "private_key_id": "kid-1",
                "private_key": pem.decode(), "token_uri": "https://unused.example/"}

    def authorized(self, headers):
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if token == self.TOKEN:
            return True
        try:
            claims = jwt.decode(token, self.account.public_key(), algorithms=["RS256"],
                                audience="https://cloudkms.googleapis.com/")
        except jwt.InvalidTokenError:
            return False
        return (claims["iss"] == claims["sub"] == MAIL and claims["exp"] - claims["iat"] == 3600
                and jwt.get_unverified_header(token)["kid"] == "kid-1")

    def handle(self, method, path, headers, body):
        if path == "/token":
            form = dict(urllib.parse.parse_qsl(body.decode()))
            if form["refresh_token"] != self.refresh or form["grant_type"] != "refresh_token":
                return Answer(400, {"error": "invalid_grant", "error_description": "Bad Request"})
            return Answer(200, {"access_token": self.TOKEN, "expires_in": 3599})
        if path == "/sts":
            return self.exchange(dict(urllib.parse.parse_qsl(body.decode())))
        if path == f"/impersonate/{MAIL}:generateAccessToken":
            if headers.get("Authorization") != "Bearer " + self.exchanged or not self.impersonates:
                return error(403, "PERMISSION_DENIED",
                             "Permission 'iam.serviceAccounts.getAccessToken' denied")
            assert body == {"scope": ["https://www.googleapis.com/auth/cloud-platform"],
                            "lifetime": "3600s"}
            end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
            return Answer(200, {"accessToken": self.TOKEN, "expireTime": end})
        if path.startswith("/issuer"):
            return Answer(200, {"value": self.subject}) if headers.get("X-Issuer") == "yes" \
                else Answer(401, {})
        if path.startswith("/computeMetadata/v1/"):
            if not self.machine or headers.get("Metadata-Flavor") != "Google":
                return Answer(403, b"")
            return Answer(200, {"access_token": self.TOKEN, "expires_in": 3599})
        if not self.authorized(headers):
            return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials")
        resource, _, action = path.removeprefix("/v1/").partition(":")
        if resource.endswith("/publicKey"):
            resource, action = resource.removesuffix("/publicKey"), "publicKey"
        if action in self.denied:
            return error(403, "PERMISSION_DENIED",
                         f"Permission 'cloudkms.cryptoKeyVersions.{action}' denied on {resource}")
        if resource not in self.keys:
            return error(404, "NOT_FOUND", f"CryptoKey {resource} not found.")
        if resource in self.disabled:
            return error(400, "FAILED_PRECONDITION", f"{resource} is not enabled, is DISABLED")
        return getattr(self, "on_" + action)(resource, self.keys[resource], body)

    def exchange(self, form):
        """RFC 8693, as Google's security token service has it."""
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
        assert form["requested_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
        assert form["scope"] == "https://www.googleapis.com/auth/cloud-platform"
        if (form["subject_token"], form["audience"]) != (self.subject, AUDIENCE):
            return Answer(400, {"error": "invalid_grant", "error_description": "not this token"})
        return Answer(200, {"access_token": self.exchanged, "token_type": "Bearer",
                            "issued_token_type": form["requested_token_type"], "expires_in": 3599})

    def take(self, body, name):
        data = base64.b64decode(body[name])
        if body.get(name + "Crc32c") != str(crc32c(data)):
            raise ValueError(name)
        return data

    def on_encrypt(self, resource, keys, body):
        plain = self.take(body, "plaintext")
        aad = self.take(body, "additionalAuthenticatedData")
        number, nonce = len(keys), os.urandom(12)
        blob = bytes([number]) + nonce + AESGCM(keys[-1]).encrypt(nonce, plain, aad)
        self.opened[blob] = plain
        return Answer(200, {
            "name": f"{resource}/cryptoKeyVersions/{number}",
            "ciphertext": base64.b64encode(blob).decode(), "ciphertextCrc32c": str(crc32c(blob)),
            "verifiedPlaintextCrc32c": True, "verifiedAdditionalAuthenticatedDataCrc32c": True})

    def plaintext(self, plain, **more):
        return Answer(200, {"plaintext": base64.b64encode(plain).decode(),
                            "plaintextCrc32c": str(crc32c(plain)), **more})

    def on_decrypt(self, _, keys, body):
        blob = self.take(body, "ciphertext")
        aad = self.take(body, "additionalAuthenticatedData")
        if not self.check_binding:
            return self.plaintext(self.opened[blob])
        try:
            plain = AESGCM(keys[blob[0] - 1]).decrypt(blob[1:13], blob[13:], aad)
        except (InvalidTag, IndexError):
            return error(400, "INVALID_ARGUMENT",
                         "Decryption failed: verify that 'name' refers to the correct CryptoKey.")
        return self.plaintext(plain, usedPrimary=blob[0] == len(keys))

    def on_publicKey(self, resource, key, _):
        pem = key.public_key().public_bytes(serialization.Encoding.PEM,
                                            serialization.PublicFormat.SubjectPublicKeyInfo)
        return Answer(200, {"pem": pem.decode(), "algorithm": self.algorithm[resource],
                            "pemCrc32c": str(crc32c(pem)), "name": resource})

    def on_asymmetricDecrypt(self, _, key, body):
        try:
            plain = key.decrypt(self.take(body, "ciphertext"), OAEP)
        except ValueError:
            return error(400, "INVALID_ARGUMENT", "Decryption failed")
        return self.plaintext(plain, verifiedCiphertextCrc32c=True)
