# SPDX-License-Identifier: Apache-2.0
"""Vectors that are lines and parts, as ../README.md has them."""

LINE = 240


def add(vectors, name, kind, spec, expect, comment, parts, /, **lines):
    """To vectors, under this name."""
    fields = [("spec", spec), ("kind", kind), ("expect", expect)]
    fields += [(key.replace("_", "-"), value) for key, value in lines.items()]
    fields += [("part", f"{part} {len(data)}") for part, data in parts] + [("comment", comment)]
    head = "".join(f"{key}: {value}\n" for key, value in fields)
    assert name not in vectors and head.isascii(), name
    assert max(map(len, head.splitlines())) <= LINE, head
    vectors[name] = head.encode() + b"\n" + b"".join(data for _, data in parts)
