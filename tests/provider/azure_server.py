# SPDX-License-Identifier: Apache-2.0
"""Azure Key Vault, its token endpoint and the identity of a machine, as far as their interfaces
are documented, over real RSA. tests/peers has Azure's own client ask it."""

import base64
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from server import Answer, JsonServer, rsa_key

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
HOST = "my-vault.vault.azure.net"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "==")


def error(status, code, text="no", inner=None):
    return Answer(status, {"error": {"code": code, "message": text,
                                     **({"innererror": {"code": inner}} if inner else {})}})


class AzureServer(JsonServer):
    def __init__(self, pem=None):
        super().__init__(pem)
        self.keys = {}  # name: [(version, key, kty)], the newest one last
        self.disabled, self.denied = set(), set()
        self.client = {"client_id": "app", "client_secret": "s3cret&"}
        self.assertion = None
        self.machine = False
        self.operations = ["wrapKey", "unwrapKey"]
        self.token = "eyJ.token"
        self.scope = "https://vault.azure.net"

    def add(self, name, bits=3072, kty="RSA"):
        versions = self.keys.setdefault(name, [])
        number = len(versions) + 1
        versions.append((f"{number:032x}", rsa_key(bits, number), kty))
        return f"azurekv:https://{HOST}/keys/{name}"

    def handle(self, method, path, headers, body):
        path, _, query = path.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        if path == "/tenant-1/oauth2/v2.0/token":
            return self.give(dict(urllib.parse.parse_qsl(body.decode())))
        if path == "/metadata/identity/oauth2/token":
            if not self.machine or headers.get("Metadata") != "true":
                return Answer(400, {"error": "invalid_request"})
            assert query["resource"] == self.scope
            return Answer(200, {"access_token": self.token, "expires_in": "86399"})
        if headers.get("Authorization") != "Bearer " + self.token:
            no = error(401, "Unauthorized", "AKV10000: Request is missing a Bearer token.")
            no.headers["WWW-Authenticate"] = (
                f'Bearer authorization="https://login.microsoftonline.com/tenant-1", '
                f'resource="{self.scope}"')
            return no
        assert query == {"api-version": "7.4"}
        return self.key(method, *path.removeprefix("/keys/").split("/"), body=body)

    def give(self, form):
        right = form["grant_type"] == "client_credentials" and \
            form["scope"] == self.scope + "/.default"
        if "client_assertion" in form:
            right = right and form["client_assertion"] == self.assertion and \
                form["client_assertion_type"].endswith(":jwt-bearer")
        else:
            right = right and self.client.items() <= form.items()
        if not right:
            return Answer(401, {"error": "invalid_client",
                                "error_description": "AADSTS7000215: Invalid client secret"})
        return Answer(200, {"access_token": self.token, "expires_in": 3599})

    def bundle(self, name, version, key, kty):
        numbers = key.public_key().public_numbers()
        return {"kid": f"https://{HOST}/keys/{name}/{version}", "kty": kty,
                "key_ops": self.operations,
                "n": b64(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
                "e": b64(numbers.e.to_bytes(3, "big"))}

    def key(self, method, name, version=None, verb=None, body=None):
        versions = self.keys.get(name)
        if not versions:
            return error(404, "KeyNotFound", f"A key with (name/id) {name} was not found")
        if version == "versions":
            if "list" in self.denied:
                return error(403, "Forbidden", "does not have keys list permission")
            return Answer(200, {"nextLink": None, "value": [
                {"kid": f"https://{HOST}/keys/{name}/{v}",
                 "attributes": {"enabled": v not in self.disabled}} for v, _, _ in versions]})
        found = [v for v in versions if v[0] == (version or versions[-1][0])]
        if not found:
            return error(404, "KeyNotFound")
        version, key, kty = found[0]
        if verb is None:
            return Answer(200, {"key": self.bundle(name, version, key, kty),
                                "attributes": {"enabled": version not in self.disabled}})
        assert (method, verb, body["alg"]) == ("POST", "unwrapkey", "RSA-OAEP-256")
        if verb in self.denied:
            return error(403, "Forbidden", "The user does not have keys unwrapKey permission")
        if version in self.disabled:
            return error(403, "Forbidden", "Operation unwrapKey is not allowed on a disabled key.",
                         "KeyDisabled")
        try:
            plain = key.decrypt(unb64(body["value"]), OAEP)
        except ValueError:
            return error(400, "BadParameter", "Decryption failed")
        return Answer(200, {"kid": f"https://{HOST}/keys/{name}/{version}", "value": b64(plain)})
