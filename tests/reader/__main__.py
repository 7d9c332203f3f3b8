# SPDX-License-Identifier: Apache-2.0
"""The command line of the second reader: python3 -m reader open|seal|inspect|rewrap|keygen."""

import argparse
import json
import os
import pathlib
import sys

from . import envelope, floe, keyfile, keys, metadata
from .errors import EnvelopeError
from .header import CUSTOMER, PROVIDER, SEGMENT_LENGTHS, SIDE_NAME, TYPE_NAME

SIDES = {name: side for side, name in SIDE_NAME.items()}


def load_key(args, path, side, private):
    """A key file; or PEM, whose custodian is then the side."""
    data = pathlib.Path(path).read_bytes()
    if b"DOUBLEKEY" not in data[:100]:
        return keys.load_pem(path, side)
    passphrase = None
    if args.passphrase_file:
        lines = pathlib.Path(args.passphrase_file).read_bytes().split(b"\n", 1)
        passphrase = lines[0].removesuffix(b"\r")
    return keyfile.load(data, side, private, passphrase)


def load_sides(args, private):
    return {
        side: [load_key(args, path, name, private) for path in getattr(args, name)]
        for name, side in SIDES.items()}


def source_of(args):
    return sys.stdin.buffer if args.input == "-" else open(args.input, "rb")


def target_of(args):
    return sys.stdout.buffer if args.output == "-" else open(args.output, "wb")


def run_open(args):
    required = args.require_creator
    options = envelope.Options(
        load_sides(args, private=True),
        {CUSTOMER: args.min_epoch_customer, PROVIDER: args.min_epoch_provider},
        load_key(args, required, "creator", private=False) if required else None)
    with source_of(args) as source, target_of(args) as target:
        opened = envelope.open_header(source, options)
        pieces = envelope.stream(source, opened)
        if args.range:
            pieces = envelope.stream_range(source, opened, *args.range)
        for piece in pieces:
            target.write(piece)


def run_seal(args):
    entries = {metadata.FILE_NAME: args.file_name, metadata.MEDIA_TYPE: args.media_type}
    writing = envelope.Writing(
        load_sides(args, private=False), args.tenant, args.label, args.segment_length,
        metadata={kind: value for kind, value in entries.items() if value},
        creator=load_key(args, args.sign, "creator", private=True) if args.sign else None)
    with source_of(args) as source, target_of(args) as target:
        envelope.seal(source, target, writing)


def run_rewrap(args):
    open_keys = [load_key(args, path, args.side, private=True) for path in args.open]
    new_keys = [load_key(args, path, args.side, private=False) for path in args.to]
    with source_of(args) as source, target_of(args) as target:
        envelope.rewrap(source, target, SIDES[args.side], open_keys, new_keys,
                        {SIDES[args.side]: args.min_epoch})


def run_inspect(args):
    with source_of(args) as source:
        header = envelope.read_header(source, {})
        body = source.seek(0, os.SEEK_END) - header.length
    json.dump(describe(header, body), sys.stdout, indent=2)
    print()


def describe(header, body):
    core = header.core
    segments = -(-(body - floe.HEADER_LENGTH) // core.segment_length)
    return {
        "version": 1, "suite": 1, "object_id": core.object_id.hex(), "tenant": core.tenant,
        "label": core.label, "created": core.created, "segment_length": core.segment_length,
        "creator": core.creator.hex() if core.creator else None, "body_offset": header.length,
        "plaintext_size": body - floe.HEADER_LENGTH - segments * floe.OVERHEAD,
        "sides": {name: describe_set(header.sets[side]) for name, side in SIDES.items()}}


def describe_set(stanza_set):
    return {
        "epoch": stanza_set.epoch,
        "stanzas": [describe_entry(entry) for entry in stanza_set.stanzas],
        "formers": [describe_entry(entry) for entry in stanza_set.formers]}


def describe_entry(entry):
    return {"type": TYPE_NAME[entry.type], "key_id": entry.key_id.hex(),
            "custodian": entry.custodian}


def run_keygen(args):
    key = keys.generate(args.type, args.custodian or args.side)
    passphrase = None
    if args.passphrase_file:
        passphrase = pathlib.Path(args.passphrase_file).read_bytes().split(b"\n", 1)[0]
    private = os.open(args.output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(private, "wb") as file:
        file.write(keyfile.private_file(key, args.side, passphrase))
    pathlib.Path(args.output + ".pub").write_bytes(keyfile.public_file(key, args.side))


def parser():
    main = argparse.ArgumentParser(prog="reader", description=__doc__)
    commands = main.add_subparsers(dest="command", required=True)
    command = {}
    for name, run in (("open", run_open), ("seal", run_seal), ("inspect", run_inspect),
                      ("rewrap", run_rewrap)):
        command[name] = commands.add_parser(name)
        command[name].set_defaults(run=run)
        command[name].add_argument("input", nargs="?", default="-")
        command[name].add_argument("-o", "--output", default="-")
        command[name].add_argument("--passphrase-file")
    for name in ("open", "seal"):
        for side in SIDES:
            command[name].add_argument(f"--{side}", action="append", required=True)
    add = command["open"].add_argument
    add("--require-creator")
    add("--min-epoch-customer", type=int, default=1)
    add("--min-epoch-provider", type=int, default=1)
    add("--range", type=int, nargs=2, metavar=("OFFSET", "LENGTH"))
    add = command["seal"].add_argument
    add("--tenant", default="")
    add("--label", default="")
    add("--segment-length", type=int, choices=SEGMENT_LENGTHS, default=65536)
    add("--file-name")
    add("--media-type")
    add("--sign")
    add = command["rewrap"].add_argument
    add("--side", choices=SIDES, required=True)
    add("--open", action="append", required=True)
    add("--to", action="append", required=True)
    add("--min-epoch", type=int, default=1)
    keygen = commands.add_parser("keygen")
    keygen.set_defaults(run=run_keygen)
    keygen.add_argument("--side", choices=keyfile.SIDES, required=True)
    keygen.add_argument("--type", choices=("p256", "p384", "rsa3072"), default="p256")
    keygen.add_argument("--custodian")
    keygen.add_argument("--passphrase-file")
    keygen.add_argument("-o", "--output", required=True)
    return main


def main():
    args = parser().parse_args()
    try:
        args.run(args)
    except (EnvelopeError, keyfile.KeyFileError, OSError) as error:
        print(f"reader: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
