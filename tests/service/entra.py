# SPDX-License-Identifier: Apache-2.0
"""A tenant of the provider: keys, key sets, and tokens of both versions, made by
python3-jwcrypto, which shares nothing with what verifies them."""
import json
import time

from jwcrypto import jwk, jws

TENANT = "5f0c1d2e-3b4a-4c5d-8e6f-708192a3b4c5"
OTHER = "aaaaaaaa-3b4a-4c5d-8e6f-708192a3b4c5"
AUDIENCE = "https://dke.contoso.com"
OFFICE = "d3590ed6-52b3-4102-aeff-aad2292ab01c"
ALICE = "alice@contoso.com"


def v1(tenant=TENANT):
    return f"https://sts.windows.net/{tenant}/"


def v2(tenant=TENANT):
    return f"https://login.microsoftonline.com/{tenant}/v2.0"


def rsa(kid="k1", bits=2048):
    return jwk.JWK.generate(kty="RSA", size=bits, kid=kid, use="sig")


def ec(kid="e1"):
    return jwk.JWK.generate(kty="EC", crv="P-256", kid=kid, use="sig")


def key_set(*keys, **more):
    return json.dumps({"keys": [{**k.export_public(as_dict=True), **more} for k in keys]}).encode()


def claims(version=1, now=None, tenant=TENANT, **more):
    now = int(time.time()) if now is None else now
    made = {"aud": AUDIENCE, "iat": now - 60, "nbf": now - 60, "exp": now + 3600, "tid": tenant,
            "scp": "user_impersonation", "upn": "Alice@contoso.com", "uti": "u-1",
            "ver": f"{version}.0", "iss": v1(tenant) if version == 1 else v2(tenant),
            "appid" if version == 1 else "azp": OFFICE, **more}
    return {name: value for name, value in made.items() if value is not None}


def token(key, payload, alg="RS256", **header):
    """payload: claims, or any bytes."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload)
    made = jws.JWS(data)
    head = {"typ": "JWT", "alg": alg, "kid": key.get("kid"), **header}
    made.allowed_algs = [alg]
    made.add_signature(key, alg, json.dumps({n: v for n, v in head.items() if v is not None}))
    return made.serialize(compact=True)


def section(*more, title="contoso", tenant=TENANT, key_set=""):
    lines = [f'id = "{tenant}"', f'issuers = {{"{v1(tenant)}", "{v2(tenant)}"}}',
             f'audiences = {{"{AUDIENCE}"}}', f'clients = {{"{OFFICE}"}}', *more]
    return f'tenant "{title}" {{\n' + "\n".join(lines) + f"\n{key_set}\n}}\n"


def rule(*more, title="dke", keys='{"Docs"}', tenants='{"contoso"}', users=f'{{"{ALICE}"}}',
         gates="", level='accept-level = "C-"'):
    lines = [f"keys = {keys}", f"tenants = {tenants}", f"users = {users}", "allow = true",
             f"gates = {gates}" if gates else "", level, *more]
    return f'decrypt "{title}" {{\n' + "\n".join(lines) + "\n}\n"
