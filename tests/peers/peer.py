# SPDX-License-Identifier: Apache-2.0
"""The peers: how each is built, what it can do, and how it is asked.

A peer is a process that answers each line `OP NAME=VALUE...` with `ok NAME=VALUE...`
or `no REASON`. Values are hexadecimal, but for `type`.
"""

import os
import pathlib
import re
import shutil
import subprocess
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
# What says that a package arrived and is not the one that was meant.
FORGED = re.compile(r"SECURITY ERROR|mismatch|DO NOT MATCH", re.IGNORECASE)
TIMEOUT = 600


class Missing(Exception):
    """A tool or a package that this machine does not have."""


class Refused(Exception):
    """The peer said no."""


@dataclass
class Kind:
    name: str
    make: object  # given the folder to work in; returns the command line
    abilities: tuple


class Peer:
    def __init__(self, kind, build):
        self.abilities = kind.abilities
        where = build / "peers" / kind.name
        where.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            kind.make(where), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(TIMEOUT)

    def ask(self, op, **values):
        words = [f"{name}={value if name == 'type' else value.hex()}"
                 for name, value in values.items()]
        self.process.stdin.write(" ".join([op, *words]) + "\n")
        self.process.stdin.flush()
        answer, *rest = self.process.stdout.readline().rstrip("\n").split(" ")
        if answer == "no":
            raise Refused(" ".join(rest))
        if answer != "ok":
            raise RuntimeError(f"the peer ended, or answered {answer!r}")
        return {name: bytes.fromhex(value)
                for name, value in (word.split("=") for word in rest)}


def tool(name):
    path = shutil.which(name)
    if not path:
        raise Missing(f"no {name}")
    return path


def get(*command, **how):
    """What may need the network: that it fails says nothing about us."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, **how)
    if FORGED.search(result.stdout):
        raise RuntimeError(result.stdout)
    if result.returncode != 0:
        last = result.stdout.strip().splitlines()[-1:] or ["no reason given"]
        raise Missing(f"{os.path.basename(command[0])}: {last[0]}")


def build(*command, **how):
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True, timeout=TIMEOUT, **how)


def build_go(folder, target):
    """The module in a folder of this one."""
    how = {"cwd": HERE / folder,
           "env": {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly",
                   "GOWORK": "off", "CGO_ENABLED": "0"}}
    go = tool("go")
    get(go, "mod", "download", **how)
    build(go, "build", "-o", target, ".", **how)
    return target


def build_go_program(folder, package, target):
    """A program of a module that the folder's go.mod names."""
    how = {"cwd": HERE / folder,
           "env": {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly",
                   "GOWORK": "off", "CGO_ENABLED": "0"}}
    go = tool("go")
    target.parent.mkdir(parents=True, exist_ok=True)
    get(go, "mod", "download", **how)
    build(go, "build", "-o", target, package, **how)
    return target


def make_go(where):
    """circl's HPKE; the rest is Go's standard library."""
    return [build_go("go", where / "peer")]


def make_python(where, packages):
    """An environment with these packages; returns its interpreter."""
    python = where / "bin" / "python3"
    if not python.exists():
        get("/usr/bin/python3", "-m", "venv", "--clear", where)
    get(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary=:all:",
        "-r", HERE / packages)
    return python


def make_pyhpke(where):
    """With a libcrypto of its own, which comes with the packages."""
    return [make_python(where, "pyhpke-packages"), HERE / "pyhpke-peer.py"]


def make_rust(where):
    """fast-floe over the RustCrypto crates."""
    how = {"cwd": where, "env": {**os.environ, "CARGO_TARGET_DIR": str(where / "target")}}
    cargo = tool("cargo")
    # Outside of the sources, since cargo writes a lock file beside the manifest.
    shutil.copytree(HERE / "rust", where / "source", dirs_exist_ok=True)
    manifest = ["--manifest-path", where / "source" / "Cargo.toml"]
    get(cargo, "fetch", *manifest, **how)
    get(cargo, "check", "--offline", "-q", "-p", "fast-floe", *manifest, **how)
    build(cargo, "build", "--offline", "--release", "-q", *manifest, **how)
    return [where / "target" / "release" / "peer"]


def make_node(where):
    del where
    return [tool("node"), HERE / "node-peer.js"]


PEERS = [
    Kind("go", make_go, ("p256", "p384", "rsa3072", "creator")),
    Kind("pyhpke", make_pyhpke, ("p256", "p384")),
    Kind("rust", make_rust, ("body",)),
    Kind("node", make_node, ("rsa3072", "creator")),
]
