# SPDX-License-Identifier: Apache-2.0
"""Microsoft Double Key Encryption: requests, wrapped values and tokens, right and wrong."""

import base64
import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from reader import dke

import keyring
import pieces
import seeded

VECTORS = {}
NOW = 1929000000
NAME, ID = "TestKey1", "F2DBF8CB-7B06-4ABA-B93A-CACAD13CD7BB"
TENANT = "5f0c1d2e-3b4a-4c5d-8e6f-708192a3b4c5"
V1 = f"https://sts.windows.net/{TENANT}/"
V2 = f"https://login.microsoftonline.com/{TENANT}/v2.0"
AUDIENCE = "https://dke.contoso.com"
OFFICE = "d3590ed6-52b3-4102-aeff-aad2292ab01c"
SIZES = ("dke-rsa2048", "dke-rsa3072", "dke-rsa4096")


def private(name):
    return load_pem_private_key((keyring.FOLDER / f"{name}.pem").read_bytes(), None)


KEYS = {name: private(name) for name in (*SIZES, "dke-issuer", "dke-issuer-other")}


def vector(kind, name, spec, expect, comment, /, parts=(), **lines):
    pieces.add(VECTORS, f"{kind}_{name}", kind, spec, expect, comment, parts, **lines)


def b64(data):
    return base64.b64encode(data).decode()


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# ---- targets, Authorization, answers ----

def targets():
    def one(name, line, comment, /, expect="success", spec="3", **found):
        vector("target", name, spec, expect, comment, [("line", line.encode())], **found)

    key, decrypt = {"name": NAME}, {"name": NAME, "id": ID}
    one("key", f"GET /{NAME}", "the public key", **key)
    one("decrypt", f"POST /{NAME}/{ID}/decrypt", "lower case", **decrypt)
    one("decrypt_upper", f"POST /{NAME}/{ID}/Decrypt", "as some clients write it", **decrypt)
    one("version", f"GET /{NAME}?protocol-version=1.0", "the version of the protocol", **key)
    one("query", f"POST /{NAME}/{ID}/decrypt?a=b&c", "members that are not known", **decrypt)
    one("longest", "GET /" + "k" * 64, "64 bytes", name="k" * 64)
    for name, line, comment in (
            ("empty", "GET /", "no name"), ("too_long", "GET /" + "k" * 65, "65 bytes"),
            ("slash", f"GET /{NAME}/", "a slash at the end"),
            ("slashes", f"POST //{NAME}/{ID}/decrypt", "two slashes"),
            ("encoded", "GET /Test%4bey1", "nothing is decoded"),
            ("dots", "GET /../status", "no name begins with a dot"),
            ("verb", f"POST /{NAME}/{ID}/encrypt", "another word"),
            ("more", f"POST /{NAME}/{ID}/decrypt/", "a slash behind it")):
        one(name, line, comment, "not-found")
    one("get_decrypt", f"GET /{NAME}/{ID}/decrypt", "the wrong method", "method")
    one("post_key", f"POST /{NAME}", "the wrong method", "method")
    one("head", f"HEAD /{NAME}", "another method", "method")
    for name, query, comment in (
            ("version_2", "protocol-version=2.0", "another version"),
            ("version_short", "protocol-version=1", "another form of it"),
            ("version_twice", "protocol-version=1.0&protocol-version=1.0", "twice"),
            ("query_long", "q" * 257, "257 bytes")):
        one(name, f"GET /{NAME}?{query}", comment, "http")


def authorizations():
    def one(name, lines, comment, expect="success", **found):
        data = "".join(f"{line}\n" for line in lines).encode()
        vector("authorization", name, "3.2", expect, comment, [("values", data)], **found)

    one("none", [], "no header", token="none")
    one("token", ["Bearer abc.def.ghi"], "a token", token="abc.def.ghi")
    one("case", ["bEARER abc.def.ghi"], "the scheme in another case", token="abc.def.ghi")
    one("blanks", ["Bearer   abc.def.ghi  "], "blanks around it", token="abc.def.ghi")
    one("basic", ["Basic YTpi"], "another scheme", token="none")
    one("bare", ["Bearer"], "no token", token="none")
    one("joined", ["Bearerabc"], "no blank", token="none")
    one("twice", ["Bearer a.b.c", "Bearer a.b.c"], "two headers", "http")
    one("longest", ["Bearer " + "a" * 14336], "14,336 bytes",
        token_digest=hashlib.sha256(b"a" * 14336).hexdigest())
    one("too_long", ["Bearer " + "a" * 14337], "14,337 bytes", "token")


def answers():
    for name in SIZES:
        for hours in (0, 24):
            body = dke.public_body(KEYS[name].public_key(), AUDIENCE, NAME, ID, NOW, hours)
            vector("public", f"{name[4:]}_cache_{hours}", "3.1", "success", "the body", [
                ("body", body)], key=name, base_url=AUDIENCE, name=NAME, id=ID, now=NOW,
                cache_hours=hours)
    there = "https://login.windows.net/common/oauth2/authorize"
    for bad in (0, 1):
        vector("challenge", f"bad_{bad}", "3.3", "success", "with and without a token", [
            ("headers", dke.challenge(AUDIENCE, there, bad))],
            audience=AUDIENCE, authorization=there, bad=bad)


# ---- bodies ----

def bodies():
    def one(name, body, comment, expect="malformed-request", type_="application/json", **found):
        body = body if isinstance(body, bytes) else body.encode()
        lines = {"content_type": type_} if type_ is not None else {}
        vector("body", name, "3.2", expect, comment, [("body", body)], **lines, **found)

    value = seeded.draw("ms-dke", "value", 256)
    text = b64(value)
    found = {"expect": "success", "document": hashlib.sha256(value).hexdigest()}
    plain = f'{{"alg":"RSA-OAEP-256","value":"{text}"}}'
    one("good", plain, "as clients send it", **found)
    one("no_type", plain, "no Content-Type", type_=None, **found)
    one("charset", plain, "with a charset", type_="Application/JSON; charset=utf-8", **found)
    one("blanks", f' {{ "value" : "{text}" ,\n"alg":"RSA-OAEP-256" }} ', "another order", **found)
    one("case", plain.replace("alg", "Alg").replace("value", "VALUE"), "names in another case",
        **found)
    one("more", plain[:-1] + ',"x":[1,{"y":null}]}', "a member that is not known", **found)
    one("escape", plain.replace("RSA", "\\u0052SA"), "an escape", **found)
    for name, type_ in (("text", "text/plain"), ("form", "application/x-www-form-urlencoded"),
                        ("latin1", "application/json; charset=iso-8859-1")):
        one(f"type_{name}", plain, "another Content-Type", "content-type", type_)
    one("empty", "", "no body")
    one("list", f"[{plain}]", "a list")
    one("trailing", plain + "x", "something behind it")
    one("cut", plain[:-1], "the end is missing")
    one("utf8", plain.encode()[:-1] + b',"x":"\xff"}', "not UTF-8")
    one("surrogate", plain[:-1] + ',"x":"\\ud800"}', "half a character")
    one("twice", plain[:-1] + f',"value":"{text}"}}', "a member twice")
    one("twice_case", plain[:-1] + f',"Value":"{text}"}}', "twice, in another case")
    one("deep", plain[:-1] + ',"x":[[[[1]]]]}', "5 levels")
    one("no_alg", f'{{"value":"{text}"}}', "alg is missing")
    one("no_value", '{"alg":"RSA-OAEP-256"}', "value is missing")
    one("null", '{"alg":"RSA-OAEP-256","value":null}', "value is no text")
    one("number", '{"alg":"RSA-OAEP-256","value":12}', "value is no text")
    for name, alg in (("rs256", "RS256"), ("oaep", "RSA-OAEP"), ("case_alg", "rsa-oaep-256"),
                      ("blank_alg", "RSA-OAEP-256 ")):
        one(name, plain.replace("RSA-OAEP-256", alg), "another alg")
    odd = b64(b"\xfb\xff\xfe" + value[:253])
    for name, wrong, comment in (
            ("unpadded", text.rstrip("="), "without padding"), ("padded", text + "=", "too much"),
            ("line", text[:64] + "\\n" + text[64:], "a line end"),
            ("blank", text + " ", "a blank"),
            ("accent", "\u00e9" + text[1:], "no ASCII"),
            ("letter", "!" + text[1:], "no such letter"),
            ("url", odd.replace("+", "-").replace("/", "_"), "base64url"),
            ("bits", text[:-3] + chr(ord(text[-3]) + 1) + "==", "bits that are not 0"),
            ("nothing", "", "no bytes"), ("long", b64(bytes(1025)), "1,025 bytes")):
        one(f"value_{name}", f'{{"alg":"RSA-OAEP-256","value":"{wrong}"}}', comment)


# ---- wrapped values ----

def unwraps():
    def one(name, key, value, comment, plain=None):
        parts = [("value", value)] + ([("plain", plain)] if plain is not None else [])
        vector("unwrap", name, "3.2", "value" if plain is None else "success", comment, parts,
               key=key)

    rows = [line.split() for line in
            (pathlib.Path(__file__).parent / "dke_foreign.txt").read_text().splitlines()]
    blob = bytes.fromhex(rows[0][1])
    for who, *rest in rows[1:]:
        key, text = rest
        wrong = who.endswith("sha1")
        one(f"{who}_{key[4:]}".replace("-", "_"), key, base64.b64decode(text),
            "MGF1 with SHA-1" if wrong else "wrapped by another library",
            None if wrong else blob)
    for key in SIZES:
        wrap_cases(one, key, blob)
    value = seeded.oaep_encrypt(KEYS["dke-rsa2048"].public_key(), blob, "dke", "other key")
    public = KEYS["dke-rsa2048"].public_key().public_numbers()
    one("sha1", "dke-rsa2048", seeded.oaep_encrypt(
        KEYS["dke-rsa2048"].public_key(), blob, "dke", "sha1", "sha1"), "OAEP with SHA-1")
    for name, other in (("of_3072", "dke-rsa3072"), ("of_issuer", "dke-issuer")):
        one(f"wrong_key_{name}", other, value, "wrapped to another key")
    block = b"\0\2" + b"\7" * (256 - 3 - 44) + b"\0" + blob
    one("pkcs1", "dke-rsa2048", pow(int.from_bytes(block, "big"), public.e, public.n)
        .to_bytes(256, "big"), "PKCS #1 v1.5")


def padded(public, first, behind):
    """OAEP with any bytes behind the digest of the label, and any first byte."""
    numbers, seed = public.public_numbers(), seeded.draw("ms-dke", "padded", 32)
    block = hashlib.sha256(b"").digest() + behind
    block = seeded.xor(block, seeded.mgf1(seed, len(block), "sha256"))
    seed = seeded.xor(seed, seeded.mgf1(block, 32, "sha256"))
    number = int.from_bytes(bytes([first]) + seed + block, "big")
    return pow(number, numbers.e, numbers.n).to_bytes(public.key_size // 8, "big")


def wrap_cases(one, key, blob):
    public, size = KEYS[key].public_key(), KEYS[key].key_size // 8
    short = key[4:]

    def wrap(plain, purpose, **more):
        return seeded.oaep_encrypt(public, plain, "dke", f"{key} {purpose}", **more)

    good = wrap(blob, "blob")
    one(f"{short}_blob", key, good, "the 44 bytes that clients wrap", blob)
    one(f"{short}_one", key, wrap(b"x", "one"), "1 byte", b"x")
    most = seeded.draw("dke", key, 190)
    one(f"{short}_190", key, wrap(most, "190"), "190 bytes", most)
    one(f"{short}_none", key, wrap(b"", "none"), "nothing is in it")
    if size > 256:
        one(f"{short}_191", key, wrap(most + b"x", "191"), "191 bytes")
    one(f"{short}_label", key, wrap(blob, "label", label=b"x"), "another label")
    one(f"{short}_bit", key, good[:-1] + bytes([good[-1] ^ 1]), "one bit")
    one(f"{short}_short", key, good[:-1], "a byte too few")
    one(f"{short}_long", key, good + b"\0", "a byte too many")
    one(f"{short}_zero_in_front", key, b"\0" + good, "a zero byte in front")
    n = public.public_numbers().n
    one(f"{short}_modulus", key, n.to_bytes(size, "big"), "the modulus")
    one(f"{short}_above", key, b"\xff" * size, "above the modulus")
    small = next(wrapped for wrapped in (wrap(blob, f"small {i}") for i in range(1000))
                 if int.from_bytes(wrapped, "big") + n < 256**size)
    one(f"{short}_small", key, small, "a small number", blob)
    one(f"{short}_plus_modulus", key,
        (int.from_bytes(small, "big") + n).to_bytes(size, "big"), "the same and the modulus")
    zeros = size - len(blob) - 66
    for purpose, first, filler, mark in (
            ("padding", 0, bytes(zeros - 1) + b"\2", 1), ("mark", 0, bytes(zeros), 2),
            ("first", 1, bytes(zeros), 1)):
        one(f"{short}_{purpose}", key, padded(public, first, filler + bytes([mark]) + blob),
            "a byte that is not what OAEP has there")
    one(f"{short}_zeros", key, bytes(size), "zeros")


# ---- tokens ----

def jwk(name, kid="k1", **more):
    public = KEYS[name].public_key().public_numbers()
    return {"kty": "RSA", "use": "sig", "kid": kid, "n": url64(public.n.to_bytes(256, "big")),
            "e": "AQAB", **more}


def sign_pss(key, message, purpose):
    """RFC 8017 section 9.1.1, with a salt drawn from its name."""
    salt = seeded.draw("ms-dke", purpose, 32)
    digest = hashlib.sha256(bytes(8) + hashlib.sha256(message).digest() + salt).digest()
    block = bytes(256 - 32 - 32 - 2) + b"\1" + salt
    masked = bytearray(seeded.xor(block, seeded.mgf1(digest, len(block), "sha256")))
    masked[0] &= 0x7f
    numbers = key.private_numbers()
    number = int.from_bytes(bytes(masked) + digest + b"\xbc", "big")
    return pow(number, numbers.d, numbers.public_numbers.n).to_bytes(256, "big")


def signed(header, payload, key="dke-issuer", pss=False):
    header, payload = (json.dumps(part, separators=(",", ":")).encode()
                       if isinstance(part, dict) else part for part in (header, payload))
    text = f"{url64(header)}.{url64(payload)}"
    if pss or b'"PS256"' in header:
        return f"{text}.{url64(sign_pss(KEYS[key], text.encode(), text))}"
    return f"{text}.{url64(KEYS[key].sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def changed(made, changes):
    made = made | {name: value for name, value in changes.items() if value is not None}
    return {name: value for name, value in made.items() if changes.get(name, 0) is not None}


HEADER = {"typ": "JWT", "alg": "RS256", "kid": "k1"}
CLAIMS1 = {"aud": AUDIENCE, "iss": V1, "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 3600,
           "appid": OFFICE, "scp": "user_impersonation", "tid": TENANT, "upn": "Alice@contoso.com",
           "uti": "u-1", "ver": "1.0"}
CLAIMS2 = changed(CLAIMS1, {"iss": V2, "appid": None, "azp": OFFICE, "ver": "2.0"})
SET = [jwk("dke-issuer")]


def tokens():
    def one(name, token, comment, expect="token", keys=SET, **lines):
        found = {"person": "alice@contoso.com", "client": OFFICE, "token_id": "u-1"}
        lines = (found | lines) if expect == "success" else lines
        vector("token", name, "5.2", expect, comment, [
            ("token", token.encode()), ("key-set", json.dumps({"keys": keys}).encode())],
            now=NOW, **lines)

    def claim(name, comment, expect="token", header=HEADER, claims=CLAIMS1, **changes):
        found = {key: changes.pop(key)
                 for key in ("person", "token_id", "single_use", "used") if key in changes}
        one(name, signed(header, changed(claims, changes)), comment, expect, **found)

    claim("v1", "version 1.0", "success")
    claim("v2", "version 2.0", "success", claims=CLAIMS2)
    claim("ps256", "PS256", "success", header=HEADER | {"alg": "PS256"})
    claim("email", "no upn", "success", upn=None, email="Bob@contoso.com",
          person="bob@contoso.com")
    claim("both", "upn and email: the first one of the policy", "success",
          email="bob@contoso.com")
    claim("jti", "no uti", "success", uti=None, jti="j-1", token_id="j-1")
    claim("id_longest", "128 bytes", "success", uti="u" * 128, token_id="u" * 128)
    claim("no_id", "no token id", "success", uti=None, token_id="-")
    once = {"single_use": "true"}
    for version, issuer, claims in ((1, V1, CLAIMS1), (2, V2, CLAIMS2)):
        claim(f"once_v{version}", "a token that unwraps once", "success", claims=claims,
              used=dke.token_name(issuer, "u-1").hex(), **once)
    claim("once_jti", "no uti", "success", uti=None, jti="j-1", token_id="j-1",
          used=dke.token_name(V1, "j-1").hex(), **once)
    claim("once_no_id", "no token id, and it unwraps once", uti=None, **once)
    claim("once_id_empty", "an empty one, whatever jti is", uti="", jti="j-1", **once)
    claim("scopes", "several scopes", "success", scp="other user_impersonation")
    claim("ahead", "60 seconds ahead", "success", iat=NOW + 60, nbf=NOW + 60)
    claim("oldest", "as old as may be", "success", iat=NOW - 5400)
    claim("apostrophe", "a name with an apostrophe", "success", upn="O'Neil@contoso.com",
          person="o'neil@contoso.com")
    one("tenantid", signed(HEADER, CLAIMS2), "the key is of any tenant's template", "success",
        [jwk("dke-issuer", issuer="https://login.microsoftonline.com/{tenantid}/v2.0")])
    wrong_claims(claim)
    wrong_headers(one)
    wrong_forms(one)


def wrong_claims(claim):
    other = TENANT.replace("5f0c", "5f0d")
    for name, comment, changes in (
            ("issuer", "another tenant's issuer", {"iss": V1.replace(TENANT, other)}),
            ("issuer_slash", "without the slash", {"iss": V1[:-1]}),
            ("issuer_case", "in another case", {"iss": V1.replace("sts", "STS")}),
            ("issuer_common", "of no tenant", {"iss": V2.replace(TENANT, "common")}),
            ("issuer_list", "a list", {"iss": [V1]}),
            ("tid", "another tenant", {"tid": other}), ("no_tid", "no tenant", {"tid": None}),
            ("audience", "another service", {"aud": AUDIENCE + "/"}),
            ("audience_list", "a list of one", {"aud": [AUDIENCE]}),
            ("expired", "now is exp", {"exp": NOW}), ("no_exp", "no exp", {"exp": None}),
            ("too_old", "a second too old", {"iat": NOW - 5401}),
            ("future", "61 seconds ahead", {"iat": NOW + 61}),
            ("not_yet", "61 seconds ahead", {"nbf": NOW + 61}),
            ("long_life", "for more than a day", {"exp": NOW + 86341}),
            ("exp_text", "a text", {"exp": str(NOW + 60)}),
            ("exp_float", "not an integer", {"exp": NOW + 60.5}),
            ("exp_true", "not an integer", {"iat": True}),
            ("ver", "another version", {"ver": "3.0"}), ("no_ver", "none", {"ver": None}),
            ("idtyp", "of an application", {"idtyp": "app"}),
            ("no_scope", "no scope", {"scp": None}),
            ("scope", "a longer word", {"scp": "user_impersonation2"}),
            ("scope_list", "a list", {"scp": ["user_impersonation"]}),
            ("no_person", "nobody", {"upn": None}),
            ("person_null", "not a text; no later claim counts",
             {"upn": 1, "email": "alice@contoso.com"}),
            ("homoglyph", "a Cyrillic letter", {"upn": "\u0430lice@contoso.com"}),
            ("kelvin", "a letter that becomes k", {"upn": "\u212aate@contoso.com"}),
            ("person_blank", "a blank in front", {"upn": " alice@contoso.com"}),
            ("person_empty", "empty", {"upn": ""}),
            ("person_long", "255 bytes", {"upn": "a" * 255}),
            ("uti_number", "not a text", {"uti": 1}),
            ("uti_long", "129 bytes", {"uti": "u" * 129})):
        claim(name, comment, **changes)
    for name, comment, changes in (
            ("client", "another application", {"appid": OFFICE.replace("d3", "d4")}),
            ("no_client", "none", {"appid": None}),
            ("client_other", "that of the other version", {"appid": None, "azp": OFFICE}),
            ("clients", "both", {"azp": OFFICE})):
        claim(name, comment, "token-client", **changes)


def wrong_headers(one):
    for name, comment, header in (
            ("no_kid", "no kid", {"kid": None}), ("kid", "no such key", {"kid": "k2"}),
            ("kid_empty", "empty", {"kid": ""}), ("crit", "crit", {"crit": ["x"]}),
            ("zip", "zip", {"zip": "DEF"}), ("typ", "another type", {"typ": "dpop+jwt"}),
            ("typ_number", "not a text", {"typ": 1}),
            ("alg_case", "in another case", {"alg": "rs256"}),
            ("alg_rs512", "not one of ours", {"alg": "RS512"})):
        one(name, signed(changed(HEADER, header), CLAIMS1), comment)
    mine = jwk("dke-issuer-other")
    for name, member in (("jku", "https://attacker.example/keys"), ("jwk", mine),
                         ("x5u", "https://attacker.example/cert")):
        one(f"{name}_forged", signed(HEADER | {name: member}, CLAIMS1, "dke-issuer-other"),
            "signed by the key that the header names")
        one(f"{name}_passed_over", signed(HEADER | {name: member}, CLAIMS1),
            "signed by ours", "success")
    one("same_kid", signed(HEADER, CLAIMS1, "dke-issuer-other"), "another key of this kid")
    one("quarantine", signed(HEADER, CLAIMS1), "a new key", "token-quarantine", quarantined=dke
        .thumbprint(SET[0]).hex())
    one("quarantine_forged", signed(HEADER, CLAIMS1, "dke-issuer-other"),
        "what does not verify says nothing of quarantine",
        quarantined=dke.thumbprint(SET[0]).hex())
    one("key_issuer", signed(HEADER, CLAIMS1), "the key is another issuer's",
        keys=[jwk("dke-issuer", issuer="https://login.microsoftonline.com/"
                  "9188040d-6c67-4c5b-b112-36a304b66dad/v2.0")])
    one("key_alg", signed(HEADER, CLAIMS1), "the key is for PS256",
        keys=[jwk("dke-issuer", alg="PS256")])
    for size, expect in ((128, "success"), (129, "token")):
        kid = "k" * size
        one(f"kid_{size}", signed(HEADER | {"kid": kid}, CLAIMS1), f"{size} bytes", expect,
            [jwk("dke-issuer", kid)])
    one("alg_es256", signed(HEADER | {"alg": "ES256"}, CLAIMS1, pss=True),
        "a good signature under another name")
    one("no_keys", signed(HEADER, CLAIMS1), "an empty set", keys=[])


def wrong_forms(one):
    good = signed(HEADER, CLAIMS1)
    head, body, signature = good.split(".")
    none = url64(json.dumps(HEADER | {"alg": "none"}).encode())
    text = url64(json.dumps(HEADER | {"alg": "HS256"}).encode()) + "." + body
    pem = (keyring.FOLDER / "dke-issuer.pub.pem").read_bytes()
    mac = url64(hmac.digest(pem, text.encode(), "sha256"))
    twice = json.dumps(CLAIMS1)[:-1] + ',"upn":"bob@contoso.com"}'
    deep = json.dumps(CLAIMS1)[:-1] + ',"x":' + "[" * 8 + "]" * 8 + "}"
    for name, token, comment in (
            ("none", f"{none}.{body}.", "alg none"),
            ("none_signed", f"{none}.{body}.{signature}", "alg none, with a signature"),
            ("hs256", f"{text}.{mac}", "HS256 with the public key"),
            ("cut", good[:-1], "a letter less"), ("two_parts", f"{head}.{body}", "two parts"),
            ("four_parts", f"{good}.", "four parts"), ("padded", good + "=", "padding"),
            ("body", f"{head}.{url64(json.dumps(CLAIMS2).encode())}.{signature}",
             "another payload"),
            ("no_signature", f"{head}.{body}.", "no signature"),
            ("nested", signed(HEADER, good.encode()), "a token in a token"),
            ("twice", signed(HEADER, twice.encode()), "a claim twice"),
            ("deep", signed(HEADER, deep.encode()), "9 levels"),
            ("accent", "\u00e9" + good[1:], "not ASCII"),
            ("header_list", signed(b"[]", CLAIMS1), "a list"),
            ("header_text", signed(b"RS256", CLAIMS1), "no JSON"),
            ("header_twice", signed(b'{"alg":"RS256","kid":"k1","kid":"k1"}', CLAIMS1), "twice"),
            ("list", signed(HEADER, b"[]"), "a list"),
            ("utf8", signed(HEADER, b'{"x":"\xff"}'), "not UTF-8")):
        one(f"form_{name}", token, comment)


# ---- levels and records ----

def levels():
    def one(name, gates, held, reached, lowest, comment):
        vector("level", name, "7.2", "success" if reached else "gate", comment, gates=gates,
               held=held, lowest=lowest, **({"level": reached} if reached else {}))

    ambient = "C- (ambient)"
    one("none", "-", "-", "C-", "C-", "a rule without gates")
    one("none_held", "-", "confirmation", "C-", "C-", "what the rule does not name does not count")
    one("bound", "confirmation", "confirmation", "C", "C", "a bound gate")
    one("front", "front-certificate", "front-certificate", "C", "C", "a front's certificate")
    for gate in ("front-network", "presence", "approved-document", "approved-key", "network"):
        one(gate.replace("-", "_"), gate, gate, ambient, ambient, "an ambient gate")
    one("missing", "confirmation", "presence", None, "C", "an ambient one does not stand for it")
    one("both", "confirmation, network", "confirmation network", "C", "C", "both")
    one("both_one", "confirmation, network", "confirmation", None, "C", "one of two")
    either = "confirmation or presence"
    one("either_bound", either, "confirmation", "C", ambient, "the bound one of two")
    one("either_ambient", either, "presence", ambient, ambient, "the ambient one of two")
    one("either_both", either, "confirmation presence", "C", ambient, "both of two")


def records():
    value, token = seeded.draw("ms-dke", "record", 256), signed(HEADER, CLAIMS1).encode()
    key_id = seeded.draw("ms-dke", "key id", 32)
    for code in (0, 20):
        vector("record", f"code_{code}", "9", "success", "digest of the request, object part", [
            ("value", value), ("token", token), ("object", dke.object_part(code, value, key_id))],
            name=NAME, id=ID, code=code, key_id=key_id.hex(),
            request_digest=dke.request_digest(NAME, ID, value, token).hex())


for made in (targets, authorizations, answers, bodies, unwraps, tokens, levels, records):
    made()
