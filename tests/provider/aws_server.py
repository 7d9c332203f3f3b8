# SPDX-License-Identifier: Apache-2.0
"""AWS KMS, STS and the metadata of a machine, as far as their interfaces are documented, over
real AES-GCM, RSA and ECDH. Signatures (SigV4) are verified, and the encryption context is
what a blob is bound to. tests/peers runs moto in its place, which does not know all of this."""

import base64
import hashlib
import hmac
import json
import os
import re
import urllib.parse

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server import Answer, JsonServer, rsa_key

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
ACCOUNT, REGION = "111122223333", "eu-central-1"
IDENTIFIER, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CURVES = {"ECC_NIST_P256": ec.SECP256R1(), "ECC_NIST_P384": ec.SECP384R1()}


def error(kind, text="no", status=400):
    return Answer(status, {"__type": "com.amazonaws.kms#" + kind, "message": text})


class Key:
    def __init__(self, name, spec="SYMMETRIC_DEFAULT", usage="ENCRYPT_DECRYPT"):
        self.spec, self.usage, self.state = spec, usage, "Enabled"
        self.arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}"
        if spec in CURVES:
            self.secret = ec.generate_private_key(CURVES[spec])
        elif spec.startswith("RSA_"):
            self.secret = rsa_key(int(spec[4:]), 1)
        else:
            self.secret = AESGCM.generate_key(256)

    @property
    def ref(self):
        return "awskms:" + self.arn


def signature(secret, scope, text):
    key = ("AWS4" + secret).encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


class AwsServer(JsonServer):
    def __init__(self, pem=None):
        super().__init__(pem)
        self.keys, self.aliases = {}, {}
        self.secrets = {IDENTIFIER: (SECRET, None)}  # access key: secret, session token
        self.allowed = {"DescribeKey", "GetPublicKey", "Encrypt", "Decrypt", "DeriveSharedSecret"}
        self.roles = {}  # role, web identity token: what STS answers
        self.machine = None  # answers of the metadata service, by path
        self.check_binding = True  # False: a broken twin
        self.opened = {}

    def add(self, name, *args):
        key = Key(name, *args)
        self.keys[key.arn] = key
        return key

    def actions(self):
        return [headers["X-Amz-Target"].split(".")[1] for _, _, _, headers, _ in self.requests
                if "X-Amz-Target" in headers]

    def verify(self, method, path, headers, raw):
        """None, or what is wrong with the signature, which covers all that AWS wants."""
        m = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/kms/aws4_request, "
                         r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
                         headers.get("Authorization", ""))
        if not m:
            return error("MissingAuthenticationTokenException")
        who, day, region, names, claimed = m.groups()
        if who not in self.secrets or region != REGION:
            return error("UnrecognizedClientException", "The security token is invalid")
        secret, token = self.secrets[who]
        names = names.split(";")
        wanted = {"host"} | {n.lower() for n in headers if n.lower().startswith("x-amz-")}
        if not wanted <= set(names) or names != sorted(names):
            return error("IncompleteSignatureException", f"{wanted} {names}")
        if headers.get("X-Amz-Security-Token") != token:
            return error("UnrecognizedClientException", "The security token is invalid")
        lines = [f"{n}:{' '.join(headers[n].split())}\n" for n in names]
        request = "\n".join([method, path, "", "".join(lines), ";".join(names),
                             hashlib.sha256(raw).hexdigest()])
        text = "\n".join(["AWS4-HMAC-SHA256", headers["X-Amz-Date"],
                          f"{day}/{region}/kms/aws4_request",
                          hashlib.sha256(request.encode()).hexdigest()])
        right = signature(secret, (day, region, "kms", "aws4_request"), text)
        return None if hmac.compare_digest(right, claimed) else error("InvalidSignatureException")

    def handle(self, method, path, headers, body):
        if method == "POST" and "X-Amz-Target" not in headers:
            return self.sts(dict(urllib.parse.parse_qsl(body.decode())))
        if "X-Amz-Target" not in headers:
            return self.metadata(method, path, headers)
        wrong = self.verify(method, path, headers, self.now.raw)
        action = headers["X-Amz-Target"].removeprefix("TrentService.")
        if wrong:
            return wrong
        key = self.keys.get(self.aliases.get(body["KeyId"], body["KeyId"]))
        if action not in self.allowed:
            return error("AccessDeniedException",
                         f"User: arn:aws:iam::{ACCOUNT}:user/u is not authorized to perform: "
                         f"kms:{action} on resource: {body['KeyId']}")
        if not key:
            return error("NotFoundException", f"Key '{body['KeyId']}' does not exist")
        if action in ("Encrypt", "Decrypt", "DeriveSharedSecret"):
            if key.state == "Disabled":
                return error("DisabledException", f"{key.arn} is disabled.")
            if key.state != "Enabled":
                return error("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        return getattr(self, action)(key, body)

    def DescribeKey(self, key, _):
        return Answer(200, {"KeyMetadata": {"Arn": key.arn, "KeySpec": key.spec,
                                            "KeyUsage": key.usage, "KeyState": key.state}})

    def GetPublicKey(self, key, _):
        der = key.secret.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return Answer(200, {"KeyId": key.arn, "PublicKey": base64.b64encode(der).decode()})

    def Encrypt(self, key, body):
        nonce, plain = os.urandom(12), base64.b64decode(body["Plaintext"])
        aad = json.dumps(body.get("EncryptionContext", {}), sort_keys=True).encode()
        blob = nonce + AESGCM(key.secret).encrypt(nonce, plain, aad)
        self.opened[blob] = plain
        return Answer(200, {"KeyId": key.arn, "CiphertextBlob": base64.b64encode(blob).decode()})

    def Decrypt(self, key, body):
        blob = base64.b64decode(body["CiphertextBlob"])
        try:
            if key.spec.startswith("RSA_"):
                if body.get("EncryptionAlgorithm") != "RSAES_OAEP_SHA_256":
                    return error("InvalidKeyUsageException")
                plain = key.secret.decrypt(blob, OAEP)
            elif self.check_binding:
                aad = json.dumps(body.get("EncryptionContext", {}), sort_keys=True).encode()
                plain = AESGCM(key.secret).decrypt(blob[:12], blob[12:], aad)
            else:
                plain = self.opened[blob]
        except (InvalidTag, ValueError):
            return error("InvalidCiphertextException")
        return Answer(200, {"KeyId": key.arn, "Plaintext": base64.b64encode(plain).decode()})

    def DeriveSharedSecret(self, key, body):
        assert body["KeyAgreementAlgorithm"] == "ECDH"
        peer = serialization.load_der_public_key(base64.b64decode(body["PublicKey"]))
        secret = key.secret.exchange(ec.ECDH(), peer)
        return Answer(200, {"KeyId": key.arn, "SharedSecret": base64.b64encode(secret).decode()})

    def sts(self, form):
        found = self.roles.get((form.get("RoleArn"), form.get("WebIdentityToken")))
        if form.get("Action") != "AssumeRoleWithWebIdentity" or found is None:
            return Answer(400, b"<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error>"
                               b"</ErrorResponse>")
        return Answer(200, found if isinstance(found, bytes) else (
            "<AssumeRoleWithWebIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
            "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>%s</AccessKeyId>"
            "<SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken>"
            "<Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
            "</AssumeRoleWithWebIdentityResponse>" % found).encode())

    def metadata(self, method, path, headers):
        """IMDSv2: nothing without a token, which only a PUT gives."""
        if self.machine is None:
            return Answer(404, b"")
        if path == "/agent":
            asked = headers.get("Authorization") == self.machine["token"]
            return self.machine["/agent"] if asked else Answer(401, b"")
        if method == "PUT" and path == "/latest/api/token":
            asked = headers.get("X-aws-ec2-metadata-token-ttl-seconds")
            return Answer(200 if asked else 400, b"metadata-token")
        if headers.get("X-aws-ec2-metadata-token") != "metadata-token":
            return Answer(401, b"")
        return self.machine.get(path, Answer(404, b""))
