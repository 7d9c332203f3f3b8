# SPDX-License-Identifier: Apache-2.0
"""spec/openapi.json says what the vectors say that the service does, and nothing else."""

import json
import re

from reader import native
from reader.vectors import FOLDER

API = json.loads((FOLDER.parent / "openapi.json").read_text())
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
# What the protocol does not let a client cause at will: tests/service has tests for it.
ELSEWHERE = {"busy", "unavailable", "internal", "quorum"}
# Of approvals that stand, what needs a rule with a tenant: tests/service/test_dke_approved.py.
STANDING = {("/v1/approvals", "POST", status, name) for status, name in (
    ("403", "replay"), ("403", "frozen"), ("404", "unknown-key"))}
NOT_YET = {("/log/checkpoint", "GET", "404", "not-found"),  # before the first one is written
           ("/v1/presence", "POST", "404", "not-found")}  # there the front end is


def operations():
    for path, item in API["paths"].items():
        for method, operation in item.items():
            assert method in METHODS
            yield path, method.upper(), operation


def error_names(response):
    schema = response.get("headers", {}).get("Doublekey-Error", {}).get("schema", {})
    return schema.get("enum", ["ok"])


def documented():
    return {(path, method, status, name) for path, method, operation in operations()
            for status, response in operation["responses"].items()
            for name in error_names(response)}


def matches(template, path):
    """A tile's number has slashes in it."""
    pattern = re.sub(r"\\\{tile\\\}", ".+", re.escape(template))
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", pattern), path)


def read(path):
    head, _, request = path.read_bytes().partition(b"\n\n")
    lines = dict(line.split(": ", 1) for line in head.decode().split("\n"))
    return lines, request.decode()


def seen():
    """(template or None, method, path, status, name, type) of each vector."""
    for file in sorted((FOLDER / "key-service").iterdir()):
        lines, request = read(file)
        method, path, _ = request.split("\n")[0].split(" ")
        path = path.replace("{first-tile}", "000.p/7")
        template = next((t for t in API["paths"] if matches(t, path)), None)
        status, name = lines["expect"].split()
        yield template, method, path, status, name, lines.get("answer-type")


def test_every_vector_is_documented():
    known = documented()
    for template, method, path, status, name, kind in seen():
        if template is None:
            expected = "unknown-key" if path.startswith("/v1/keys/") else "not-found"
            assert (status, name) == ("404", expected), path
        elif method.lower() not in API["paths"][template]:
            assert (status, name) == ("405", "method"), path
        else:
            assert (template, method, status, name) in known, path
            content = API["paths"][template][method.lower()]["responses"][status]["content"]
            assert kind is None or kind in content


def test_everything_documented_has_a_vector():
    found = {(template, method, status, name) for template, method, _, status, name, _ in seen()}
    missing = {what for what in documented() if what[3] not in ELSEWHERE} - found
    assert missing == NOT_YET | STANDING


def test_codes_are_those_of_section_8():
    text = (FOLDER.parent / "key-service.md").read_text().split("## 8.")[1]
    table = dict(re.findall(r"^\| \d+ \| `([a-z-]+)` \| (\d+) \|", text, re.M))
    assert list(table) == native.CODES
    for path, method, status, name in documented():
        assert table[name] == status, (path, method, name)


def test_every_error_has_one_form():
    for path, method, operation in operations():
        for status, response in operation["responses"].items():
            if status == "200":
                continue
            schema = response["content"]["application/json"]["schema"]
            assert schema["properties"]["error"]["enum"] == error_names(response) != ["ok"]
            assert schema["additionalProperties"] is False and schema["required"] == ["error"]
            assert response["headers"]["Doublekey-Error"]["required"] is True


def test_the_document_is_whole():
    assert API["openapi"].startswith("3.0.")
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids)) >= 7
    for path, _, operation in operations():
        given = operation.get("parameters", [])
        named = {p["name"] for p in given if p["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))
        assert all(p["required"] for p in given if p["in"] == "path")
        for parameter in given:
            re.compile(parameter["schema"]["pattern"])


def test_headers_of_a_good_request_fit():
    given = {p["name"]: p["schema"]["pattern"]
             for p in API["paths"]["/v1/release"]["post"]["parameters"]}
    digest = native.digest_value(bytes(32))
    for token in (None, bytes(32)):
        value = native.Input(1925000000, bytes(16), bytes(32), token).params()
        assert re.search(given["Signature-Input"], "dk=" + value)
    for name in ("Content-Digest", "Doublekey-Token-Digest"):
        assert re.search(given[name], digest)
        assert not re.search(given[name], digest[:-1])
    assert re.search(given["Signature"], f"dk=:{'A' * 86}==:")
    bad = [request for lines, request in map(read, (FOLDER / "key-service").iterdir())
           if lines["expect"] == "400 signature-input" and "Signature-Input: " in request]
    assert len(bad) > 30
    filled = {"now": "1925000000", "nonce": "0" * 32, "keyid": "0" * 64}
    refused = [r for r in bad if not re.search(given["Signature-Input"], re.sub(
        r"\{(\w+)[^}]*\}", lambda m: filled.get(m[1], "x"),
        re.search(r"^Signature-Input: (.*)$", r, re.M)[1]))]
    assert len(refused) > 25
