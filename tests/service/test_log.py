# SPDX-License-Identifier: Apache-2.0
"""The log as a public reader sees it (C2SP tlog-tiles), and large requests."""
import base64
import hashlib
import json
import os
import re
import time

from cryptography.hazmat.primitives.asymmetric import ed25519

from service import codes, parts_of, release_body

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def root_of(hashes):
    """RFC 6962 section 2.1, straight from its text."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return hashlib.sha256(b"\1" + root_of(hashes[:k]) + root_of(hashes[k:])).digest()


def checkpoint(s, at_least):
    end = time.time() + 20
    while time.time() < end:
        status, _, body = s.request("GET", "/log/checkpoint")
        if status == 200 and int(body.split(b"\n")[1]) >= at_least:
            return body
        time.sleep(0.2)
    raise AssertionError("no checkpoint of this size")


def test_tiles_entries_and_checkpoint_agree(ready):
    for _ in range(3):
        assert ready.release(ready.device(), release_body([parts_of(ready.object)]))[0] == 200
    body = checkpoint(ready, len(ready.log().splitlines()) - 3)
    origin, size, root = body.split(b"\n")[:3]
    n = int(size)
    assert origin == b"127.0.0.1:%d/log" % ready.port and 0 < n < 256
    tile = ready.request("GET", "/log/tile/0/000.p/%d" % n)[2]
    entries = ready.request("GET", "/log/tile/entries/000.p/%d" % n)[2]
    leaves = [entries[i * 50 + 2:i * 50 + 50] for i in range(n)]
    assert len(entries) == 50 * n and all(leaf[:4] == b"DKL1" for leaf in leaves)
    hashes = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    assert b"".join(hashes) == tile
    assert base64.b64encode(root_of(hashes)) == root
    assert base64.b64encode(root_of(hashes[::-1])) != root  # control
    vkey = base64.b64decode(ready.vkey.split("+", 2)[2])
    line = [part for part in body.split(b"\n") if part.startswith(b"\xe2\x80\x94")][0]
    signature = base64.b64decode(line.split(b" ")[2])[4:]
    text = body[:body.index(b"\n\n") + 1]
    ed25519.Ed25519PublicKey.from_public_bytes(vkey[1:]).verify(signature, text)


def headers_of(s, path):
    connection = s.connection()
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def test_what_may_be_cached(ready):
    """spec/log.md section 6."""
    size = int(checkpoint(ready, 3).split(b"\n")[1])
    status, headers = headers_of(ready, "/log/checkpoint")
    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert headers["cache-control"] == "no-cache"
    for name in ("0/000", "entries/000"):
        status, headers = headers_of(ready, f"/log/tile/{name}.p/{size}")
        assert (status, headers["content-type"]) == (200, "application/octet-stream")
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "content-encoding" not in headers
    for missing in (f"tile/0/000.p/{size + 200}", "tile/0/000", "tile/0/001", "tile/1/000",
                    f"tile/0/000.p/0{size}", "tile/00/000", f"tile/0/0.p/{size}", "tile/0/000.p/0",
                    "tile/0/000.p/256", "tile/entries/x000/000", f"tile/64/000.p/{size}",
                    "checkpoint/", "tile", "tile/0", "tile/0/000.p"):
        status, headers = headers_of(ready, "/log/" + missing)
        assert (status, headers["cache-control"]) == (404, "no-store"), missing
    assert headers_of(ready, "/v1/ca")[1]["cache-control"] == "no-store"


def test_only_the_log_is_served(ready):
    for path in ("/log/log.key", "/log/log.db", "/log/../keys/sealed.0", "/log/tile/../log.key",
                 "/log/", "/", "/v1/keys/../status"):
        status, _, _ = ready.request("GET", path)
        assert status == 404, path


def test_thousand_objects_are_one_entry(ready):
    pair = parts_of(ready.object)
    before = ready.log().count(" release done")
    status, _, answer = ready.release(ready.device(), release_body([pair] * 1000))
    assert status == 200 and codes(answer) == [0] * 1000
    assert ready.log().count(" release done") == before + 1
    assert ready.release(ready.device(), release_body([pair] * 1001))[1] == "malformed-request"


def test_the_service_recovers_from_the_end_of_any_process(ready):
    body = release_body([parts_of(ready.object)])
    for name in ("keyd", "authd", "httpd", "logd"):
        os.kill(ready.pids()[name], 9)
        time.sleep(0.5)
        ready.wait_ready()
        assert ready.release(ready.device(), body)[0] == 200, name


# ---- doublekeyd log ----

def records(s, *args):
    out = s.admin("log", "--json", *args).stdout
    return [json.loads(line) for line in out.splitlines()]


def test_filters(ready):
    ready.enrol("bob", who="other")
    ready.client("decrypt", "--customer", ready.key, "--provider", "p.key", "object.dk",
                 "-o", "out1")
    time.sleep(1.1)
    middle = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    ready.client("decrypt", "--customer", ready.key, "--provider", "p.key", "object.dk",
                 "-o", "out2", who="other")
    everything = records(ready)
    assert [r["index"] for r in everything] == list(range(len(everything)))
    assert [r["user"] for r in everything if r["class"] == "release"] == ["alice", "bob"]
    bob = records(ready, "--user", "bob")
    assert {r["class"] for r in bob} == {"code-made", "device-enrolled", "release"}
    release = bob[-1]
    assert records(ready, "--since", middle)[-1] == release
    assert all(r["time"] >= middle for r in records(ready, "--since", middle))
    assert records(ready, "--since", "2200-01-01") == []
    assert len(records(ready, "--since", "2001-01-01")) == len(everything)
    object_id = release["objects"][0]["id"]
    assert [r["user"] for r in records(ready, "--object", object_id)] == ["alice", "bob"]
    assert records(ready, "--object", object_id, "--user", "bob") == [release]
    assert records(ready, "--object", "0" * 32) == []
    text = ready.admin("log", "--user", "bob", "--object", object_id).stdout
    assert text.startswith("%d %s release done" % (release["index"], release["time"]))
    for wrong in (["--since", "yesterday"], ["--since", "2031-02-30x"], ["--object", "12"]):
        assert ready.admin("log", *wrong, check=False).returncode == 2, wrong


def test_the_manual_has_all_classes():
    source = open(os.path.join(ROOT, "lib/log/record.c")).read()
    names = re.search(r"dk_log_class_name\(.*?names\[\] = \{(.*?)\}", source, re.S)[1]
    page = open(os.path.join(ROOT, "docs/man/doublekeyd.8.scd")).read()
    row = re.search(r"^\|  class\n:  (.*)$", page, re.M)[1]
    classes = re.findall(r'"([a-z-]+)"', names)
    assert len(classes) > 20
    assert [name for name in classes if not re.search(r"\b%s\b" % name, row)] == []


def test_json_has_what_the_manual_says(ready):
    ready.client("decrypt", "--customer", ready.key, "--provider", "p.key", "object.dk",
                 "-o", "out")
    ready.admin("freeze", "finance")
    ready.admin("unfreeze", "finance", "--reason", 'a "reason" \\ ä')
    page = open(os.path.join(ROOT, "docs/man/doublekeyd.8.scd")).read()
    table = page[page.index("# RECORDS AS JSON"):page.index("# ERROR CODES")]
    members = set(re.findall(r"^\|  (\w+)$", table, re.M))
    seen = set()
    for r in records(ready):
        assert set(r) <= members
        assert r["class"] in table
        seen |= set(r)
    assert seen >= {"device", "device_name", "address", "key_id", "key_type", "policy",
                    "request", "recipient", "mode", "level", "front_end", "generation"}
    last = records(ready)[-1]
    assert last["note"] == 'a "reason" \\ ä' and last["key"] == "finance"
    release = [r for r in records(ready) if r["class"] == "release"][0]
    assert release["address"] == "127.0.0.1"
    assert [f["type"] for f in release["factors"]] == ["device"]
    assert release["objects"][0]["code"] == "ok" and release["objects"][0]["epoch"] == 1


def test_no_text_looks_like_another_field(service):
    """Who is enrolled chooses the name of the device."""
    code = service.admin("enrol-code", "--user", "alice").stdout.strip()
    name = 'x" note="by security \u202e\\'
    service.client("enrol", service.url, "--ca-fingerprint", service.fingerprint, "--code", code,
                   "--device-name", name)
    line = [line for line in service.log().splitlines() if "device=" in line][-1]
    assert 'device="x\\x22 note=\\x22by security \\xe2\\x80\\xae\\x5c"' in line
    assert name in [r.get("device_name") for r in
                    map(json.loads, service.admin("log", "--json").stdout.splitlines())]
