# SPDX-License-Identifier: Apache-2.0
"""An identity provider: keys, key sets and tokens, made by libraries that share
nothing with lib/ (python3-jwt, python3-cryptography)."""
import base64
import json
import struct
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

URL = "https://id.example.org/corp"
AUDIENCE = "doublekey"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(n, size=None):
    return b64(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))


def new_key(kind):
    if kind == "EC":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048)


def jwk(key, kid, **more):
    public = key.public_key().public_numbers()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        made = {"kty": "EC", "crv": "P-256", "x": number(public.x, 32), "y": number(public.y, 32)}
    else:
        made = {"kty": "RSA", "n": number(public.n), "e": number(public.e)}
    return dict(made, kid=kid, use="sig", **more)


def jwks(*keys):
    return json.dumps({"keys": list(keys)}).encode()


def sets(fetched=0, **files):
    """The form of spec/ipc.md section 3."""
    return b"".join(struct.pack("B", len(name)) + name.encode() +
                    struct.pack(">QI", fetched, len(data)) + data + bytes(2)
                    for name, data in sorted(files.items()))


def section(title="corp", url=URL, claim="preferred_username", age=600):
    return ('issuer "%s" {\nurl = "%s"\naudience = "%s"\nclaim = "%s"\nmax-age = %d\n}\n'
            % (title, url, AUDIENCE, claim, age))


def claims(now=None, **more):
    now = int(time.time()) if now is None else now
    made = {"iss": URL, "aud": AUDIENCE, "iat": now, "exp": now + 300, "jti": "t-1",
            "preferred_username": "alice"}
    made.update(more)
    return {name: value for name, value in made.items() if value is not None}


def token(key, kid, payload, alg="ES256", headers=None):
    """The layer below jwt.encode(): that one refuses some payloads that are wrong."""
    made = jwt.api_jws.PyJWS().encode(json.dumps(payload).encode(), key, algorithm=alg,
                                      headers=dict({"kid": kid}, **(headers or {})))
    return made if isinstance(made, str) else made.decode()


def signed(key, header, payload):
    """Any bytes as header and payload, signed by ES256."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import utils
    text = b64(header) + "." + b64(payload)
    r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return text + "." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)
