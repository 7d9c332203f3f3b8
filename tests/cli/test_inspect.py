# SPDX-License-Identifier: Apache-2.0
"""inspect: for people, and as JSON."""

import json
import os

MEMBERS = ["file", "version", "suite", "object_id", "tenant", "label", "created",
           "segment_length", "body_offset", "plaintext_size", "metadata_length", "metadata",
           "creator", "verified", "sides"]


def test_json_of_one_file(dk, keys, both, tmp_path):
    label = 'say "x"\\ ünïcode €𝄞'
    (tmp_path / "in").write_bytes(b"12345")
    dk("encrypt", *both, "--customer", keys / "c2.key.pub", "--label", label, "--tenant", "t",
       "--sign", keys / "s.key", "--segment-length", 4096, "-o", "object", "in").ok()
    result = dk("inspect", "--json", "object").ok()
    assert result.out.count(b"\n") == 1
    info = json.loads(result.out)
    assert list(info) == MEMBERS
    assert (info["version"], info["suite"], info["segment_length"]) == (1, 1, 4096)
    assert (info["label"], info["tenant"], info["file"]) == (label, "t", "object")
    assert (info["plaintext_size"], info["body_offset"]) == (5, 4096)
    assert info["metadata"] is None and info["verified"] is False
    assert len(info["object_id"]) == 32
    assert info["created"][10] == "T" and info["created"].endswith("Z")
    assert len(info["creator"]["key_id"]) == 64
    customer = info["sides"]["customer"]
    assert list(customer) == ["epoch", "stanzas", "formers"]
    assert [s["type"] for s in customer["stanzas"]] == ["p256", "p384"]
    assert [s["custodian"] for s in customer["stanzas"]] == ["customer", "recovery"]
    assert all(len(s["key_id"]) == 64 for s in customer["stanzas"])
    assert customer["formers"] == [] and customer["epoch"] == 1
    assert len(info["sides"]["provider"]["stanzas"]) == 1


def test_several_files_are_one_line_each(dk, both, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode() * 7)
    dk("encrypt", *both, "a", "b").ok()
    result = dk("inspect", "--json", "a.dkey", "missing", "a", "b.dkey")
    result.failed("missing: ", "a: ")
    infos = [json.loads(line) for line in result.out.splitlines()]
    assert [i["file"] for i in infos] == ["a.dkey", "b.dkey"]
    assert infos[0]["creator"] is None


def test_names_that_are_not_utf8(dk, both, tmp_path):
    name = b"n\xff\x1b\xc2\x85\"".decode("utf-8", "surrogateescape")
    dk("encrypt", *both, "-o", name, stdin=b"x").ok()
    info = json.loads(dk("inspect", "--json", name).ok().out)
    assert info["file"] == "n�\x1b\x85\""
    assert b"\x1b" not in dk("inspect", name).ok().out


def test_text(dk, keys, both, tmp_path):
    dk("encrypt", *both, "--label", "some label", "-o", "object", stdin=b"12345").ok()
    text = dk("inspect", "object").ok().out.decode()
    for part in ("version 1", "some label", "5 bytes", "customer side, epoch 1",
                 "provider side, epoch 1", "Nothing of this is verified"):
        assert part in text
    dk("rewrap", "--side", "customer", "--open", keys / "c.key", "--to", keys / "c2.key.pub",
       "object").ok()
    assert "formerly p256" in dk("inspect", "object").ok().out.decode()


def test_a_signature_is_shown_as_not_verified(dk, keys, both):
    made = dk("encrypt", *both, "--sign", keys / "s.key", stdin=b"x").ok().out
    assert b"not verified" in dk("inspect", "-", stdin=made).ok().out


def test_standard_input_and_pipes(dk, both, tmp_path):
    made = dk("encrypt", *both, stdin=b"12345").ok().out
    info = json.loads(dk("inspect", "--json", "-", stdin=made).ok().out)
    assert info["file"] == "-" and info["plaintext_size"] is None
    assert b"standard input: " in dk("inspect", "-", stdin=made).ok().out
    os.symlink("object", tmp_path / "link")
    (tmp_path / "object").write_bytes(made)
    dk("inspect", "link").ok()


def test_keys_verify_the_header_and_show_the_name(dk, keys, both, tmp_path):
    (tmp_path / "secret name").write_bytes(b"x")
    dk("encrypt", *both, "-o", "object", "secret name").ok()
    dk("encrypt", *both, "-o", "other", "--file-name", "given", "secret name").ok()
    dk("encrypt", *both, "-o", "none", "--file-name", "", "secret name").ok()
    assert b"secret" not in (tmp_path / "object").read_bytes()
    assert b"secret" not in dk("inspect", "object").ok().out
    for name, wanted in (("object", "secret name"), ("other", "given"), ("none", "")):
        info = json.loads(dk("inspect", "--json", *both, name).ok().out)
        assert info["metadata"] == {"file_name": wanted, "media_type": ""}
        assert info["verified"] is True
    assert b"secret name" in dk("inspect", *both, "object").ok().out
    dk("inspect", "--customer", keys / "c3.key", "--provider", keys / "p.key",
       "object").failed("(no-customer-key")
    dk("inspect", "--customer", keys / "c.key", "object").failed(status=2)
    data = bytearray((tmp_path / "object").read_bytes())
    data[60] ^= 1  # a byte of the salt: parsers cannot see it
    (tmp_path / "object").write_bytes(data)
    dk("inspect", "object").ok()
    dk("inspect", *both, "object").failed("object: ")


def test_something_short(dk, both, tmp_path):
    """What does not begin like an object is none; what does was cut."""
    for text in (b"x", b"hello\n", b"#!/bin/sh\nexit\n", b"\x89DKEX"):
        (tmp_path / "short").write_bytes(text)
        dk("inspect", "short").failed("short: this is not a doublekey object (magic")
    dk("encrypt", *both, "-o", "o", stdin=b"x").ok()
    data = (tmp_path / "o").read_bytes()
    for n in (0, 1, 7, 8, 11):
        (tmp_path / "short").write_bytes(data[:n])
        dk("inspect", "short").failed("short: the input ends too early (truncated")


def test_what_is_no_object(dk, tmp_path):
    (tmp_path / "text").write_bytes(b"just text\n")
    (tmp_path / "empty").write_bytes(b"")
    dk("inspect", "text").failed("text: ", "(magic at core header)")
    dk("inspect", "empty").failed("(truncated at core header)")
    dk("inspect", ".").failed(".: ")
