# SPDX-License-Identifier: Apache-2.0
"""What each peer is tested with: the second reader does all but the peer's part."""

import functools
import io
import subprocess
import tempfile
import unittest.mock
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from peer import Refused
from reader import creator, envelope, floe, keyfile, schedule, stanza, vectors
from reader.envelope import Options, Writing
from reader.header import CUSTOMER, PROVIDER, Stanza

TEXT = b"One key is never enough.\n" * 400
ROOMS = {length: length - floe.OVERHEAD for length in (4096, 65536, 1048576)}
ROUNDS = 20  # for values whose leading zero bytes show only now and then


def pkcs8(key):
    return key.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def flipped(data, at=-1):
    damaged = bytearray(data)
    damaged[at] ^= 1
    return bytes(damaged)


class Cases:
    def __init__(self, peer, build):
        self.peer = peer
        self.program = build / "cli" / "doublekey"
        self.keys = vectors.load_keys()
        self.folder = tempfile.TemporaryDirectory(prefix="doublekey-peers-")
        for name, key in self.keys.items():
            side = name.split("-")[0]
            if side in ("customer", "provider", "creator"):
                self.path(name + ".key").write_bytes(keyfile.private_file(key, side))

    def all(self):
        for kind in self.peer.abilities:
            if kind == "creator":
                yield "verifies our signatures", self.verifies
                yield "its signatures verify here", self.signs
            elif kind == "body":
                for length in ROOMS:
                    yield f"reads our bodies of segments of {length}", \
                        functools.partial(self.decrypts, length)
                    yield f"its bodies of segments of {length} are read here", \
                        functools.partial(self.encrypts, length)
            else:
                yield f"unwraps our stanzas of {kind}", functools.partial(self.unwraps, kind)
                yield f"its stanzas of {kind} are unwrapped here", \
                    functools.partial(self.wraps, kind)

    def path(self, name):
        return Path(self.folder.name) / name

    def ask(self, op, **values):
        return self.peer.ask(op, **values)

    def refuses(self, op, **values):
        try:
            self.ask(op, **values)
        except Refused:
            return
        raise AssertionError(f"the peer took a damaged value in {op}")

    # What our program does.

    def run(self, command, *arguments, data, status=0):
        result = subprocess.run([self.program, command, *map(str, arguments)], input=data,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        if result.returncode != status:
            raise AssertionError(f"{command} gave {result.returncode}: {result.stderr.decode()}")
        return result.stdout

    def sides(self, kind="p256"):
        return ["--customer", self.path(f"customer-{kind}.key"),
                "--provider", self.path("provider-p256.key")]

    def ours(self, *more, kind="p256", text=TEXT):
        """A new object by the program."""
        return self.run("encrypt", *self.sides(kind), *more, data=text)

    def read_here(self, data, *more, kind="p256", text=TEXT):
        if self.run("decrypt", *self.sides(kind), *more, data=data) != text:
            raise AssertionError("decrypt gave another text")

    def refused_here(self, data, *more, kind="p256"):
        self.run("decrypt", *self.sides(kind), *more, data=data, status=1)

    # A new object by the second writer, with the peer for one part of it.

    def theirs(self, kind="p256", text=TEXT, **more):
        target = io.BytesIO()
        sides = {CUSTOMER: [self.keys[f"customer-{kind}"]],
                 PROVIDER: [self.keys["provider-p256"]]}
        envelope.seal(io.BytesIO(text), target, Writing(sides, **more))
        return target.getvalue()

    # Stanzas.

    def unwraps(self, kind):
        key = self.keys[f"customer-{kind}"]
        for _ in range(ROUNDS):
            header = envelope.read_header(io.BytesIO(self.ours(kind=kind)), {})
            core, found = header.core, header.sets[CUSTOMER].stanzas[0]
            question = {
                "key": pkcs8(key), "recipient": key.recipient,
                "info": schedule.wrap_info(CUSTOMER, key.type, key.id, core.digest),
                "encapsulation": found.encapsulation, "wrapped": found.wrapped}
            share = self.ask("unwrap", type=kind, **question)["share"]
            commitment = schedule.ShareKeys(CUSTOMER, share, core.object_id).commitment
            if commitment != core.commitment[CUSTOMER]:
                raise AssertionError("the share does not fit its commitment")
        for name in ("recipient", "info", "encapsulation", "wrapped"):
            self.refuses("unwrap", type=kind, **{**question, name: flipped(question[name])})

    def wraps(self, kind):
        real = stanza.wrap

        def wrap(side, share, key, core_digest, spoil=bytes):
            if side != CUSTOMER:
                return real(side, share, key, core_digest)
            info = schedule.wrap_info(side, key.type, key.id, core_digest)
            made = self.ask("wrap", type=kind, spki=key.spki, recipient=key.recipient,
                            info=info, share=share)
            return Stanza(key.type, key.id, key.custodian, made["encapsulation"],
                          spoil(made["wrapped"]))

        with unittest.mock.patch.object(stanza, "wrap", wrap):
            for _ in range(ROUNDS):
                self.read_here(self.theirs(kind), kind=kind)
        spoiled = functools.partial(wrap, spoil=flipped)
        with unittest.mock.patch.object(stanza, "wrap", spoiled):
            self.refused_here(self.theirs(kind), kind=kind)

    # The creator's signature.

    def verifies(self):
        key = self.keys["creator-p256"]
        for _ in range(ROUNDS):
            data = self.ours("--sign", self.path("creator-p256.key"))
            header = envelope.read_header(io.BytesIO(data), {})
            question = {"spki": key.spki, "signature": header.creator_signature,
                        "message": creator.message(header.core.raw, header.key_commitment)}
            self.ask("verify", **question)
        for name in ("message", "signature"):
            self.refuses("verify", **{**question, name: flipped(question[name])})

    def signs(self):
        def sign(key, core_raw, key_commitment, spoil=bytes):
            message = creator.message(core_raw, key_commitment)
            return spoil(self.ask("sign", key=pkcs8(key), message=message)["signature"])

        key = self.keys["creator-p256"]
        wanted = ["--require-creator", self.path("creator-p256.key")]
        with unittest.mock.patch.object(creator, "sign", sign):
            for _ in range(ROUNDS):
                self.read_here(self.theirs(creator=key), *wanted)
        with unittest.mock.patch.object(creator, "sign", functools.partial(sign, spoil=flipped)):
            self.refused_here(self.theirs(creator=key), *wanted)

    # The body.

    def texts(self, length):
        room = ROOMS[length]
        for size in (0, 1, room - 1, room, room + 1, 3 * room, 3 * room + 17):
            yield (TEXT * (size // len(TEXT) + 1))[:size]

    def decrypts(self, length):
        options = Options({CUSTOMER: [self.keys["customer-p256"]],
                           PROVIDER: [self.keys["provider-p256"]]})
        for text in self.texts(length):
            file = io.BytesIO(self.ours("--segment-length", length, text=text))
            keys = envelope.open_header(file, options).keys
            question = {"key": keys.body_key, "aad": keys.core_digest, "body": file.read()}
            if self.ask("decrypt", **question)["text"] != text:
                raise AssertionError(f"another text of {len(text)} bytes")
        for name in question:
            self.refuses("decrypt", **{**question, name: flipped(question[name])})

    def encrypts(self, length):
        def write_body(source, target, keys, segment_length, random, spoil=bytes):
            del random
            made = self.ask("encrypt", key=keys.body_key, aad=keys.core_digest,
                            length=segment_length.to_bytes(4, "big"), text=source.read())
            target.write(spoil(made["body"]))

        with unittest.mock.patch.object(envelope, "write_body", write_body):
            for text in self.texts(length):
                self.read_here(self.theirs(text=text, segment_length=length), text=text)
        spoiled = functools.partial(write_body, spoil=flipped)
        with unittest.mock.patch.object(envelope, "write_body", spoiled):
            self.refused_here(self.theirs(segment_length=length))
