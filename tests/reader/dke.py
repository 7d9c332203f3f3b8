# SPDX-License-Identifier: Apache-2.0
"""The profile of Microsoft Double Key Encryption, written from spec/profiles/ms-dke.md
alone."""

import base64
import binascii
import datetime
import hashlib
import json
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .fields import u16
from .schedule import info

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PERSON = re.compile(r"[A-Za-z0-9.!#$%&'*+\-/=?^_`{|}~@]{1,254}")
BAD_TOKEN = ', error="invalid_token", error_description="The token does not hold"'
BOUND = {"confirmation", "client-certificate", "front-certificate"}
AMBIENT = {"front-network", "presence", "approved-document", "approved-key", "network"}
SKEW = 60
DAY = 86400


class DkeError(Exception):
    def __init__(self, name):
        self.name = name
        super().__init__(name)


def require(condition, name):
    if not condition:
        raise DkeError(name)


# ---- sections 3 to 3.3: requests and answers ----

def parse_target(method, target):
    """What is asked for: (NAME,) or (NAME, ID)."""
    path, mark, query = target.partition("?")
    one = re.fullmatch(f"/({NAME})", path)
    two = re.fullmatch(f"/({NAME})/({NAME})/decrypt", path, re.I)
    require(one or two, "not-found")
    require(method == ("GET" if one else "POST"), "method")
    require(len(query) <= 256, "http")
    versions = [value for name, _, value in (m.partition("=") for m in query.split("&"))
                if name == "protocol-version"]
    require(versions in ([], ["1.0"]), "http")
    return (one or two).groups()


def parse_authorization(values):
    """The token, or None where the answer is the challenge without an error."""
    require(len(values) <= 1, "http")
    match = re.fullmatch(r"bearer +(\S.*?) *", values[0], re.I) if values else None
    if match is None:
        return None
    require(len(match[1]) <= 14336, "token")
    return match[1]


def public_body(public, base_url, name, id_, now, cache_hours):
    n = public.public_numbers().n
    text = base64.b64encode(n.to_bytes((n.bit_length() + 7) // 8, "big")).decode()
    body = (f'{{"key":{{"kty":"RSA","n":"{text}","e":65537,"alg":"RS256",'
            f'"kid":"{base_url}/{name}/{id_}"}}')
    if cache_hours:
        end = datetime.datetime.fromtimestamp(now + 3600 * cache_hours, datetime.timezone.utc)
        body += f',"cache":{{"exp":"{end:%Y-%m-%dT%H:%M:%S}"}}'
    return body.encode() + b"}"


def challenge(audience, authorization, bad):
    first = f'Bearer resource="{audience}", authorization="{authorization}", realm="{audience}"'
    return (f"WWW-Authenticate: {first}{BAD_TOKEN if bad else ''}\r\nresource: {audience}\r\n"
            f"authorization: {authorization}\r\n").encode()


def strict_json(data, levels, fold=False):
    """One object; None if it is none, too deep, or has a member twice."""
    def pairs(items):
        names = [name.lower() if fold else name for name, _ in items]
        if len(set(names)) != len(names):
            raise ValueError("twice")
        return dict(zip(names, (value for _, value in items)))

    def constant(name):
        raise ValueError(name)

    def depth(value):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, inner), default=0) if isinstance(value, (dict, list)) else 0

    try:
        made = json.loads(data.decode(), object_pairs_hook=pairs, parse_constant=constant)
        json.dumps(made, ensure_ascii=False).encode()  # no lone surrogates
    except (ValueError, RecursionError):
        return None
    return made if isinstance(made, dict) and depth(made) <= levels else None


def is_json_type(content_type):
    return content_type is None or re.fullmatch(
        r"application/json( *; *charset=\"?utf-8\"?)?", content_type, re.I) is not None


def parse_body(content_type, data):
    """The bytes of the value."""
    require(is_json_type(content_type), "content-type")
    body = strict_json(data, 4, fold=True)
    require(body is not None and body.get("alg") == "RSA-OAEP-256", "malformed-request")
    text = body.get("value")
    require(isinstance(text, str) and text.isascii(), "malformed-request")
    try:
        value = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise DkeError("malformed-request") from None
    require(base64.b64encode(value).decode() == text and 1 <= len(value) <= 1024,
            "malformed-request")
    return value


def unwrap(private, value):
    """RFC 8017 section 7.1.2, by numbers: nothing here is constant in time."""
    n = private.public_key().public_numbers().n
    size, number = private.key_size // 8, int.from_bytes(value, "big")
    require(len(value) == size and number < n, "value")
    block = pow(number, private.private_numbers().d, n).to_bytes(size, "big")
    seed = xor(block[1:33], mgf1(block[33:], 32))
    data = xor(block[33:], mgf1(seed, size - 33))
    _, one, plain = data[32:].partition(b"\1")
    good = block[0] == 0 and data[:32] == hashlib.sha256(b"").digest() and one
    require(good and not any(data[32:-len(plain) - 1]) and 1 <= len(plain) <= 190, "value")
    return plain


def mgf1(seed, size):
    blocks = (hashlib.sha256(seed + i.to_bytes(4, "big")).digest() for i in range(size // 32 + 1))
    return b"".join(blocks)[:size]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


# ---- section 5.2: tokens ----

def base64url(text):
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    return data if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text else None


def thumbprint(jwk):
    text = json.dumps({name: jwk[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def key_holds(jwk, header, signed, signature):
    if jwk["kty"] != "RSA" or jwk.get("alg", header["alg"]) != header["alg"]:
        return False
    n, e = (int.from_bytes(base64url(jwk[name]), "big") for name in ("n", "e"))
    sha = hashes.SHA256()
    scheme = (padding.PKCS1v15() if header["alg"] == "RS256"
              else padding.PSS(padding.MGF1(sha), sha.digest_size))
    try:
        rsa.RSAPublicNumbers(e, n).public_key().verify(signature, signed, scheme, sha)
    except InvalidSignature:
        return False
    return n.bit_length() >= 2048


def parse_token(token):
    parts = token.split(".")
    require(len(parts) == 3, "token")
    decoded = [base64url(part) for part in parts]
    require(all(part is not None for part in decoded), "token")
    header, payload = (strict_json(part, 8) for part in decoded[:2])
    require(header is not None and payload is not None, "token")
    require(header.get("alg") in ("RS256", "PS256"), "token")
    require(not {"crit", "b64", "zip"} & set(header), "token")
    kind = header.get("typ", "JWT")
    require(isinstance(kind, str)
            and kind.lower() in ("jwt", "at+jwt", "application/at+jwt"), "token")
    kid = header.get("kid")
    require(isinstance(kid, str) and 1 <= len(kid.encode()) <= 128, "token")
    return header, payload, ".".join(parts[:2]).encode(), decoded[2]


def check_times(payload, tenant, now):
    times = [payload.get("exp"), payload.get("iat"), payload.get("nbf", 0)]
    require(all(map(is_integer, times)), "token")
    exp, iat, nbf = times
    require(now < exp and max(nbf, iat) <= now + SKEW and now - iat <= tenant["max-age"], "token")
    require(exp - iat <= DAY, "token")


def check_claims(payload, tenant):
    require(payload.get("tid") == tenant["id"], "token")
    require(payload.get("ver") in ("1.0", "2.0") and payload.get("idtyp", "user") == "user",
            "token")
    require(payload.get("aud") in tenant["audiences"]
            if isinstance(payload.get("aud"), str) else False, "token")
    scopes = payload.get("scp")
    require(isinstance(scopes, str) and set(scopes.split(" ")) & set(tenant["scopes"]), "token")
    mine, other = ("appid", "azp") if payload["ver"] == "1.0" else ("azp", "appid")
    require(payload.get(mine) in tenant["clients"] and other not in payload, "token-client")


def person_of(payload, tenant):
    name = next((claim for claim in tenant["claims"] if claim in payload), None)
    require(name is not None and isinstance(payload[name], str)
            and PERSON.fullmatch(payload[name]), "token")
    return payload[name].lower()


def check_token(token, tenant, key_set, now, quarantined=()):
    """The person, the application and the id of the token, or "-"."""
    header, payload, signed, signature = parse_token(token)
    issuer = payload.get("iss")
    require(issuer in tenant["issuers"], "token")
    jwk = next((k for k in key_set if k.get("kid") == header["kid"]), None)
    require(jwk is not None and key_holds(jwk, header, signed, signature), "token")
    require("issuer" not in jwk
            or jwk["issuer"].replace("{tenantid}", tenant["id"]) == issuer, "token")
    require(thumbprint(jwk) not in quarantined, "token-quarantine")
    check_times(payload, tenant, now)
    check_claims(payload, tenant)
    id_ = payload.get("uti", payload.get("jti", "-"))
    require(isinstance(id_, str) and len(id_.encode()) <= 128, "token")
    require(not tenant.get("single-use") or id_ not in ("", "-"), "token")
    client = payload["appid" if payload["ver"] == "1.0" else "azp"]
    return person_of(payload, tenant), client, id_


# ---- sections 7.2 and 9: levels and records ----

def level(gates, held):
    """The level that was reached; None if a gate is missing."""
    counted = set()
    for text in gates:
        good = set(text.split(" or ")) & set(held)
        if not good:
            return None
        counted |= good
    return "C" if counted & BOUND else "C- (ambient)" if counted else "C-"


def lowest_level(gates):
    """What the rule may come down to."""
    if any(set(text.split(" or ")) <= BOUND for text in gates):
        return "C"
    return "C- (ambient)" if gates else "C-"


def approved_name(scope, document_, key, person):
    """Section 7.3; scope 1: this document, 2: this key."""
    body = bytes([scope]) + document_ + bytes([len(key)]) + key.encode() + person.encode()
    return hashlib.sha256(info("ms-dke-approval", body)).digest()


def document(value):
    return hashlib.sha256(value).digest()


def request_digest(name, id_, value, token):
    texts = b"".join(bytes([len(text)]) + text.encode() for text in (name, id_))
    return hashlib.sha256(info("ms-dke-request", texts + document(value)
                               + hashlib.sha256(token).digest())).digest()


def token_name(issuer, id_):
    return hashlib.sha256(info("ms-dke-token", issuer.encode() + b"\0" + id_.encode())).digest()


def object_part(code, value, key_id):
    return u16(code) + bytes(16) + document(value) + bytes(16) + bytes(4) + key_id
