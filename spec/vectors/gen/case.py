# SPDX-License-Identifier: Apache-2.0
"""Turns one function into one vector file; ../README.md describes the fields."""

import functools
import hashlib
import re
from dataclasses import dataclass, field

from forge import Parts, forge

VECTORS = {}


@dataclass
class Vector:
    build: object
    spec: str
    expect: str
    where: str
    comment: str
    released: object = None  # None: what follows from expect; a number of segments; a slice
    fields: dict = field(default_factory=dict)


def vector(spec, expect, where=None, released=None, name=None, comment=None, **fields):
    """Registers a function; it gets `make`, which is `forge` with the seed set."""
    assert (where is None) == (expect == "success" or expect.startswith("refused same"))

    def register(build):
        key = name or build.__name__
        text = re.sub(r"\s+", " ", comment or build.__doc__).strip()
        assert key not in VECTORS and re.fullmatch("[a-z0-9_]+", key), key
        VECTORS[key] = Vector(build, spec, expect, where, text, released, fields)
        return build
    return register


def render(name):
    vector = VECTORS[name]
    parts = vector.build(functools.partial(forge, seed=name))
    data = parts.join() if isinstance(parts, Parts) else parts
    released = what_is_released(vector, parts)
    lines = [("spec", vector.spec), ("expect", vector.expect)]
    if vector.where:
        lines.append(("where", vector.where))
    lines.append(("released", hashlib.sha256(released).hexdigest()))
    lines.append(("released-length", len(released)))
    defaults = {"customer_key": "customer-p256", "provider_key": "provider-p256"}
    for key, value in (defaults | vector.fields).items():
        for one in value if isinstance(value, list) else [value]:
            lines.append((key.replace("_", "-"), one))
    lines.append(("comment", vector.comment))
    head = "".join(f"{key}: {value}\n" for key, value in lines)
    assert head.isascii() and max(map(len, head.splitlines())) <= 240, head
    return head.encode() + b"\n" + data


def what_is_released(vector, parts):
    released = vector.released
    if released is None:
        released = slice(None) if vector.expect == "success" else 0
    if isinstance(released, int):
        return b"".join(parts.plaintext[:released])
    return b"".join(parts.plaintext)[released] if released != slice(0) else b""
