# SPDX-License-Identifier: Apache-2.0
"""tests/reader does with every vector of ms-dke/ what the vector says."""

import base64
import functools
import hashlib
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from reader import dke, dke_ldap, dke_policy, policy
from reader.vectors import FOLDER
from test_native import read

FILES = sorted((FOLDER / "ms-dke").iterdir())
ID = "5f0c1d2e-3b4a-4c5d-8e6f-708192a3b4c5"
TENANT = {  # that of spec/profiles/ms-dke.md section 5.1
    "id": ID, "issuers": [f"https://sts.windows.net/{ID}/",
                          f"https://login.microsoftonline.com/{ID}/v2.0"],
    "audiences": ["https://dke.contoso.com"], "scopes": ["user_impersonation"],
    "clients": ["d3590ed6-52b3-4102-aeff-aad2292ab01c"], "claims": ["upn", "email"],
    "max-age": 5400}


@functools.lru_cache
def load(name):
    return load_pem_private_key((FOLDER / "keys" / f"{name}.pem").read_bytes(), None)


def target(lines, parts):
    found = dke.parse_target(*parts["line"].decode().split(" ", 1))
    return dict(zip(("name", "id"), found))


def authorization(lines, parts):
    token = dke.parse_authorization(parts["values"].decode().splitlines())
    if "token-digest" in lines:
        return {"token-digest": hashlib.sha256(token.encode()).hexdigest()}
    return {"token": token or "none"}


def public(lines, parts):
    body = dke.public_body(load(lines["key"]).public_key(), lines["base-url"], lines["name"],
                           lines["id"], int(lines["now"]), int(lines["cache-hours"]))
    key = json.loads(body)["key"]
    assert len(base64.b64decode(key["n"])) == load(lines["key"]).key_size // 8
    return {} if body == parts["body"] else {"body": body}


def challenge(lines, parts):
    made = dke.challenge(lines["audience"], lines["authorization"], lines["bad"] == "1")
    return {} if made == parts["headers"] else {"headers": made}


def body(lines, parts):
    value = dke.parse_body(lines.get("content-type"), parts["body"])
    return {"document": dke.document(value).hex()}


def unwrap(lines, parts):
    plain = dke.unwrap(load(lines["key"]), parts["value"])
    return {} if plain == parts["plain"] else {"plain": plain}


def token(lines, parts):
    quarantined = [bytes.fromhex(one) for one in lines.get("quarantined", "").split()]
    once = "single-use" in lines
    person, client, id_ = dke.check_token(
        parts["token"].decode(), {**TENANT, "single-use": once}, json.loads(parts["key-set"])["keys"],
        int(lines["now"]), quarantined)
    found = {"person": person, "client": client, "token-id": id_}
    if once:
        found["used"] = dke.token_name(dke.parse_token(parts["token"].decode())[1]["iss"], id_).hex()
    return found


def level(lines, parts):
    gates = [] if lines["gates"] == "-" else lines["gates"].split(", ")
    assert dke.lowest_level(gates) == lines["lowest"]
    reached = dke.level(gates, lines["held"].split())
    dke.require(reached, "gate")
    return {"level": reached}


def record(lines, parts):
    made = dke.request_digest(lines["name"], lines["id"], parts["value"], parts["token"])
    part = dke.object_part(int(lines["code"]), parts["value"], bytes.fromhex(lines["key-id"]))
    assert part == parts["object"] and len(part) == 102
    return {"request-digest": made.hex()}


def judge(lines, parts):
    parsed = dke_policy.parse(parts["policy"])
    expect, rule, reached, tried, counted = dke_policy.judge(parsed, lines)
    named = {"rule": rule, "level": reached, "tried": " ".join(tried) or "-",
             "counted": " ".join(map(str, counted))}
    if "canary" == expect:
        del named["rule"]
    named = {name: value for name, value in named.items() if value}
    if expect == "success":
        return named
    raise Outcome(expect, named)


def filter(lines, parts):
    made = dke_ldap.filter_text(lines["attribute"], lines["chain"] == "1", parts["name"])
    return {} if made == parts["filter"] else {"filter": made}


def sid(lines, parts):
    return {"text": dke_ldap.sid_text(parts["sid"])}


def member(lines, parts):
    return {"member": dke_ldap.member(parts["salt"], parts["value"]).hex()}


class Outcome(Exception):
    pass


KINDS = {made.__name__: made for made in (
    target, authorization, public, challenge, body, unwrap, token, level, record, judge, filter, sid, member)}


def differences(lines, parts):
    try:
        outcome, found = "success", KINDS[lines["kind"]](lines, parts)
    except dke.DkeError as error:
        outcome, found = error.name, {}
    except policy.PolicyError as error:
        outcome, found = error.code, {"line": str(error.line)}
    except Outcome as other:
        outcome, found = other.args
    if outcome != lines["expect"]:
        return {"expect": outcome}
    return {name: value for name, value in found.items() if lines.get(name) != value}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_dke(path):
    assert differences(*read(path)) == {}


OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.name.startswith("unwrap_")], ids=lambda path: path.name)
def test_a_library_unwraps_the_same(path):
    lines, parts = read(path)
    try:
        plain = load(lines["key"]).decrypt(parts["value"], OAEP)
    except ValueError:
        plain = b""
    assert (plain if 1 <= len(plain) <= 190 else None) == parts.get("plain")


def test_a_wrong_expectation_is_noticed():
    for name, key, value in (
            ("target_key", "name", "Testkey1"), ("authorization_token", "token", "none"),
            ("body_good", "document", "00"), ("token_v1", "person", "bob@contoso.com"),
            ("token_expired", "expect", "success"), ("level_bound", "level", "C-"),
            ("record_code_0", "request-digest", "00")):
        lines, parts = read(FOLDER / "ms-dke" / name)
        assert differences({**lines, key: value}, parts), name
    for name, part in (("unwrap_rsa2048_blob", "plain"), ("public_rsa2048_cache_0", "body"),
                       ("challenge_bad_0", "headers")):
        lines, parts = read(FOLDER / "ms-dke" / name)
        assert differences(lines, {**parts, part: parts[part] + b"x"})


def test_every_answer_is_there():
    seen = {read(path)[0]["expect"] for path in FILES}
    assert seen == {"success", "http", "not-found", "method", "content-type", "malformed-request",
                    "value", "token", "token-client", "token-quarantine", "gate", "approval-required", "policy",
                    "canary", "level", "missing-option", "key-set", "title", "repeated-title",
                    "repeated-issuer", "repeated-option", "too-many", "unknown-option",
                    "unknown-issuer", "unknown-group", "factors", "directory"}
