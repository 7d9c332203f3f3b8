# SPDX-License-Identifier: Apache-2.0
"""What the C command line writes the second reader reads, and the reverse.

DOUBLEKEY names the program. INTEROP_PROFILE is `fast` (few and repeatable
examples, the default) or `slow` (many, new in each run).
"""

import datetime
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from reader import envelope, keyfile, keys, metadata, vectors
from reader.__main__ import describe
from reader.envelope import Options, Writing
from reader.errors import EnvelopeError
from reader.header import CUSTOMER, PROVIDER, SEGMENT_LENGTHS, SIDE_NAME

DOUBLEKEY = os.environ.get("DOUBLEKEY", "")
pytestmark = pytest.mark.skipif(not DOUBLEKEY, reason="DOUBLEKEY names no program")

MIB = 1048576
LARGEST = 5 * MIB
LARGEST_NUMBER = 2**63 - 1  # that the command line takes
COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}
settings.register_profile("fast", max_examples=12, derandomize=True, **COMMON)
settings.register_profile("slow", max_examples=200, **COMMON)
settings.load_profile(os.environ.get("INTEROP_PROFILE", "fast"))

KEYS = vectors.load_keys()
CUSTOMERS = [name for name in KEYS if name.startswith("customer-")]
PROVIDERS = [name for name in KEYS if name.startswith("provider-")]
FOLDER = {}  # of the key files and scratch files of this run


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """Key files of all test keys, written by the second writer."""
    FOLDER["path"] = tmp_path_factory.mktemp("interop")
    for name, key in KEYS.items():
        side = name.split("-")[0].replace("stranger", "customer")
        path_of(name + ".key").write_bytes(keyfile.private_file(key, side))
        path_of(name + ".key.pub").write_bytes(keyfile.public_file(key, side))


def path_of(name):
    return FOLDER["path"] / name


def program(*arguments, data=b"", status=0):
    """Runs the C program; returns what it wrote to standard output and error."""
    result = subprocess.run(
        [DOUBLEKEY, *map(str, arguments)], input=data, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=120)
    if status is not None:
        assert result.returncode == status, result.stderr.decode()
    return result


# What an object holds, drawn at random.

TEXT = st.text(
    st.characters(blacklist_categories=("Cc", "Cs")), max_size=60).filter(
        lambda text: len(text.encode()) <= 255)
FILE_NAME = TEXT.filter(lambda text: text not in ("", ".", "..") and "/" not in text)


@st.composite
def sizes(draw, segment_length):
    """All sizes; those around the borders of segments more often than others."""
    room = segment_length - 32
    border = draw(st.integers(0, LARGEST // room)) * room + draw(st.integers(-1, 1))
    anywhere = draw(st.integers(0, LARGEST))
    small = draw(st.integers(0, 3000))
    return min(max(draw(st.sampled_from([border, anywhere, small])), 0), LARGEST)


@dataclass
class Content:
    customer: list
    provider: list
    segment_length: int
    size: int
    tenant: str
    label: str
    file_name: object
    signed: bool
    plaintext: bytes = field(default=b"", repr=False)

    def writing(self):
        sides = {CUSTOMER: self.customer, PROVIDER: self.provider}
        entries = {metadata.FILE_NAME: self.file_name} if self.file_name else {}
        return Writing(
            {side: [KEYS[name] for name in names] for side, names in sides.items()},
            self.tenant, self.label, self.segment_length, metadata=entries,
            creator=KEYS["creator-p256"] if self.signed else None)

    def options(self, customer, provider):
        return Options({CUSTOMER: [KEYS[customer]], PROVIDER: [KEYS[provider]]},
                       require_creator=KEYS["creator-p256"] if self.signed else None)

    def encrypt_arguments(self):
        arguments = ["--tenant", self.tenant, "--label", self.label,
                     "--segment-length", self.segment_length,
                     "--file-name", self.file_name or ""]
        for side, names in (("customer", self.customer), ("provider", self.provider)):
            for name in names:
                arguments += [f"--{side}", path_of(name + ".key.pub")]
        if self.signed:
            arguments += ["--sign", path_of("creator-p256.key")]
        return arguments

    def decrypt_arguments(self, customer, provider):
        arguments = ["--customer", path_of(customer + ".key"),
                     "--provider", path_of(provider + ".key")]
        if self.signed:
            arguments += ["--require-creator", path_of("creator-p256.key.pub")]
        return arguments


@st.composite
def contents(draw):
    segment_length = draw(st.sampled_from(SEGMENT_LENGTHS))
    content = Content(
        draw(st.lists(st.sampled_from(CUSTOMERS), min_size=1, max_size=4, unique=True)),
        draw(st.lists(st.sampled_from(PROVIDERS), min_size=1, max_size=3, unique=True)),
        segment_length, draw(sizes(segment_length)), draw(TEXT), draw(TEXT),
        draw(st.none() | FILE_NAME), draw(st.booleans()))
    content.plaintext = bytes_of(content.size, draw(st.integers(0, 255)))
    return content


def bytes_of(size, seed):
    """Bytes without a period that a segment length could hide."""
    block = bytes((i * i + seed * i + (i >> 8)) & 255 for i in range(65521))
    return (block * (size // len(block) + 1))[:size]


def one_of(names):
    return st.sampled_from(range(12)).map(lambda n: names[n % len(names)])


def sealed_by_python(content):
    target = io.BytesIO()
    envelope.seal(io.BytesIO(content.plaintext), target, content.writing())
    return target.getvalue()


def sealed_by_c(content):
    return program("encrypt", *content.encrypt_arguments(), data=content.plaintext).stdout


def opened_by_python(content, data, customer, provider):
    file = io.BytesIO(data)
    opened = envelope.open_header(file, content.options(customer, provider))
    return opened, b"".join(envelope.stream(file, opened))


# The tests.


@given(contents(), st.data())
def test_c_writes_python_reads(content, data):
    sealed = sealed_by_c(content)
    customer, provider = data.draw(one_of(content.customer)), data.draw(one_of(content.provider))
    opened, plaintext = opened_by_python(content, sealed, customer, provider)
    assert plaintext == content.plaintext
    core = opened.header.core
    assert (core.tenant, core.label, core.segment_length) == (
        content.tenant, content.label, content.segment_length)
    assert core.creator == (KEYS["creator-p256"].id if content.signed else None)
    wanted = {metadata.FILE_NAME: content.file_name} if content.file_name else {}
    assert opened.metadata == wanted
    for side, names in ((CUSTOMER, content.customer), (PROVIDER, content.provider)):
        stanza_set = opened.header.sets[side]
        assert [s.key_id for s in stanza_set.stanzas] == [KEYS[name].id for name in names]
        assert (stanza_set.epoch, stanza_set.formers) == (1, [])


@given(contents(), st.data())
def test_python_writes_c_reads(content, data):
    sealed = sealed_by_python(content)
    customer, provider = data.draw(one_of(content.customer)), data.draw(one_of(content.provider))
    arguments = ["decrypt", *content.decrypt_arguments(customer, provider)]
    path_of("object").write_bytes(sealed)
    if data.draw(st.booleans()):
        found = program(*arguments, data=sealed).stdout
    else:
        jobs = data.draw(st.sampled_from([1, 2, 5]))
        program(*arguments, "--jobs", jobs, "--force", "-o", path_of("plain"), path_of("object"))
        found = path_of("plain").read_bytes()
    assert found == content.plaintext


@given(contents(), st.data())
def test_ranges(content, data):
    sealed = data.draw(st.sampled_from([sealed_by_python, sealed_by_c]))(content)
    customer, provider = content.customer[0], content.provider[0]
    offset = data.draw(st.integers(0, content.size))
    length = data.draw(st.integers(0, content.size + 10) | st.sampled_from([1, LARGEST_NUMBER]))
    file = io.BytesIO(sealed)
    opened = envelope.open_header(file, content.options(customer, provider))
    by_python = b"".join(envelope.stream_range(file, opened, offset, length))
    assert by_python == content.plaintext[offset:offset + length]
    path_of("object").write_bytes(sealed)
    arguments = content.decrypt_arguments(customer, provider)
    by_c = program("decrypt", *arguments, "--offset", offset, "--length", length,
                   path_of("object")).stdout
    assert by_c == by_python


@given(contents(), st.booleans())
def test_both_inspect_alike(content, by_c):
    content.plaintext = content.plaintext[:300000]
    sealed = sealed_by_c(content) if by_c else sealed_by_python(content)
    path_of("object").write_bytes(sealed)
    header = envelope.read_header(io.BytesIO(sealed), {})
    ours = describe(header, len(sealed) - header.length)
    theirs = program("inspect", "--json", path_of("object")).stdout
    theirs = json.loads(theirs)
    created = datetime.datetime.fromisoformat(theirs["created"].replace("Z", "+00:00"))
    theirs["created"] = int(created.timestamp())
    theirs["creator"] = theirs["creator"] and theirs["creator"]["key_id"]
    assert {key: theirs[key] for key in ours} == ours
    assert ours["plaintext_size"] == len(content.plaintext)


def rewrap_by_python(path, side, old, new):
    target = io.BytesIO()
    number = {name: side for side, name in SIDE_NAME.items()}[side]
    envelope.rewrap(io.BytesIO(path.read_bytes()), target, number,
                    [KEYS[old]], [KEYS[name] for name in new])
    path.write_bytes(target.getvalue())


def rewrap_by_c(path, side, old, new):
    arguments = []
    for name in new:
        arguments += ["--to", path_of(name + ".key.pub")]
    program("rewrap", "--side", side, "--open", path_of(old + ".key"), *arguments, path)


@given(contents(), st.data())
def test_rewraps_by_turns(content, data):
    """After each rewrap, by whichever program, both read the object."""
    content.plaintext = content.plaintext[:200000]
    path = path_of("rewrapped")
    path.write_bytes(data.draw(st.sampled_from([sealed_by_python, sealed_by_c]))(content))
    current = {"customer": content.customer, "provider": content.provider}
    pools = {"customer": CUSTOMERS, "provider": PROVIDERS}
    former = {"customer": set(), "provider": set()}
    for _ in range(data.draw(st.integers(1, 4))):
        side = data.draw(st.sampled_from(["customer", "provider"]))
        new = data.draw(st.lists(st.sampled_from(pools[side]), min_size=1, max_size=3, unique=True))
        rewrap = data.draw(st.sampled_from([rewrap_by_python, rewrap_by_c]))
        rewrap(path, side, data.draw(one_of(current[side])), new)
        former[side] |= set(current[side])
        current[side] = new
        pair = current["customer"][-1], current["provider"][-1]
        opened, plaintext = opened_by_python(content, path.read_bytes(), *pair)
        assert plaintext == content.plaintext
        formers = opened.header.sets[CUSTOMER if side == "customer" else PROVIDER].formers
        assert [f.key_id for f in formers] == sorted(KEYS[name].id for name in former[side])
        found = program("decrypt", *content.decrypt_arguments(*pair), path).stdout
        assert found == content.plaintext


# Damage: both programs say the same of any object.


@st.composite
def damages(draw):
    """A function that damages an object: most of it hits the header and the ends."""
    kind = draw(st.sampled_from(["flip", "set", "cut", "insert", "drop", "append"]))
    near = draw(st.sampled_from(["header", "header", "body", "end"]))
    where, value = draw(st.integers(0, 10**6)), draw(st.integers(0, 255))
    bits = draw(st.integers(0, 7))

    def damage(data):
        result = bytearray(data)
        first, last = {"header": (0, 900), "body": (4096, len(data)),
                       "end": (len(data) - 60, len(data))}[near]
        at = min(max(0, first) + where % max(1, last - first), max(0, len(data) - 1))
        if not data:
            return data
        if kind == "flip":
            result[at] ^= 1 << bits
        elif kind == "set":
            result[at] = value
        elif kind == "cut":
            del result[at:]
        elif kind == "insert":
            result.insert(at, value)
        elif kind == "drop":
            del result[at:at + 1 + value]
        else:
            result += bytes([value])
        return bytes(result)
    return damage


def said_by_c(result):
    """(error name, place) of a message like `... (magic at core header)`."""
    if result.returncode == 0:
        return "success", None
    assert result.returncode == 1
    match = re.search(r"\(([a-z-]+)(?: at ([a-z0-9 ]+))?\)\n", result.stderr.decode())
    assert match, result.stderr.decode()
    return match.groups()


@settings(max_examples=settings().max_examples * 5)
@given(st.sampled_from([0, 1, 4064, 4065, 9000]), st.booleans(), st.lists(damages(), max_size=2))
def test_both_refuse_alike(size, signed, damage):
    content = Content(["customer-p256", "customer-rsa3072"], ["provider-p384"], 4096, size,
                      "acme", "label", "a.txt", signed, bytes_of(size, 7))
    data = sealed_by_python(content)
    for one in damage:
        data = one(data)
    pair = "customer-p256", "provider-p384"
    result = program("decrypt", *content.decrypt_arguments(*pair), data=data, status=None)
    released, outcome, file = b"", ("success", None), io.BytesIO(data)
    try:
        opened = envelope.open_header(file, content.options(*pair))
        for piece in envelope.stream(file, opened):
            released += piece
    except EnvelopeError as error:
        outcome = error.name, error.place
    assert (said_by_c(result), result.stdout) == (outcome, released)


# Key files.


@pytest.mark.parametrize("side", ["customer", "provider", "creator"])
@pytest.mark.parametrize("kind", ["p256", "p384", "rsa3072"])
def test_c_makes_a_key_file_python_reads(side, kind, tmp_path):
    if side == "creator" and kind != "p256":
        pytest.skip("a creator key is of type p256")
    path = tmp_path / "a.key"
    program("keygen", "--side", side, "--type", kind, "--custodian", "kms:a/b",
            "--no-passphrase", "-o", path)
    assert path.stat().st_mode & 0o777 == 0o600
    private = keyfile.load(path.read_bytes(), side, True)
    public = keyfile.load(pathlib.Path(f"{path}.pub").read_bytes(), side)
    assert private.id == public.id and private.custodian == public.custodian == "kms:a/b"


def test_sealed_key_files_both_ways(tmp_path):
    (tmp_path / "passphrase").write_bytes(b" correct horse \n")
    sealed = ["--passphrase-file", tmp_path / "passphrase"]
    program("keygen", "--side", "customer", *sealed, "-o", tmp_path / "c.key")
    theirs = keyfile.load((tmp_path / "c.key").read_bytes(), "customer", True, b" correct horse ")
    ours = keys.generate("p384", "provider")
    cost = (3, 65536, 2)
    (tmp_path / "p.key").write_bytes(
        keyfile.private_file(ours, "provider", b" correct horse ", cost=cost))
    target = io.BytesIO()
    envelope.seal(io.BytesIO(b"text"), target, Writing({CUSTOMER: [theirs], PROVIDER: [ours]}))
    found = program("decrypt", "--customer", tmp_path / "c.key", "--provider", tmp_path / "p.key",
                    *sealed, data=target.getvalue()).stdout
    assert found == b"text"


# The vectors, through the command line.


@pytest.mark.parametrize("vector", vectors.all_key_files(), ids=lambda vector: vector.name)
def test_key_file_vector_through_the_command_line(vector, tmp_path):
    """A key file is right if the program gets as far as using the key."""
    fields, files = vector.fields, {}
    for side in ("customer", "provider"):
        name = "stranger-p256" if side == "customer" else "provider-p384"
        files[side] = path_of(name + ".key")
    files[fields["side"]] = tmp_path / "vector.key"
    files[fields["side"]].write_bytes(vector.data)
    arguments = []
    if "passphrase" in fields:
        (tmp_path / "passphrase").write_text(fields["passphrase"] + "\n")
        arguments = ["--passphrase-file", tmp_path / "passphrase"]
    if fields["side"] == "auditor":
        command = ["log", "export", "--auditor", files["auditor"], *arguments,
                   path_of_export(tmp_path)]
        check_said(program(*command, status=None), fields["expect"].split()[-1])
        return
    for side, file in files.items():
        arguments += [{"creator": "--sign"}.get(side, f"--{side}"), file]
    command, data = "encrypt", b""
    if fields["need"] == "private" and fields["side"] != "creator":
        command, data = "decrypt", vectors.load(vectors.FOLDER / "envelope" / "valid_size_1").data
    check_said(program(command, *arguments, data=data, status=None), fields["expect"].split()[-1])


def path_of_export(folder):
    """Not even the head of an export: the key is read before it."""
    path = folder / "export"
    path.write_bytes(b"DKEXPORT")
    return path


def check_said(result, expected):
    found = "success" if result.returncode == 0 else said_by_c(result)[0]
    if expected == "success":
        assert found == "success" or not found.startswith("key-")
    else:
        assert found == expected


@pytest.mark.parametrize("vector", vectors.all_vectors(), ids=lambda vector: vector.name)
def test_vector_through_the_command_line(vector):
    fields, arguments = vector.fields, []
    for side in ("customer", "provider"):
        for name in fields[f"{side}-key"]:
            if not name.startswith(side):
                pytest.skip("the command line takes a key for its own side only")
            arguments += [f"--{side}", path_of(name + ".key")]
        if f"min-epoch-{side}" in fields:
            arguments += [f"--min-epoch-{side}", fields[f"min-epoch-{side}"]]
    if "require-creator" in fields:
        if not fields["require-creator"].startswith("creator"):
            pytest.skip("the command line takes a creator key as creator only")
        arguments += ["--require-creator", path_of(fields["require-creator"] + ".key.pub")]
    data = vector.data
    if "range" in fields:
        offset, length = fields["range"].split()
        if max(int(offset), int(length)) > LARGEST_NUMBER:
            pytest.skip("a number that the command line does not take")
        arguments += ["--offset", offset, "--length", length, path_of("object")]
        path_of("object").write_bytes(data)
        data = b""
    result = program("decrypt", *arguments, data=data, status=None)
    name, place = said_by_c(result)
    assert (name, place) == (fields["expect"].split()[-1], fields.get("where"))
    # A range may be held back until the whole of it is verified.
    held_back = "range" in fields and name != "success" and not result.stdout
    assert held_back or hashlib.sha256(result.stdout).hexdigest() == fields["released"]
