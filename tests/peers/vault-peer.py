# SPDX-License-Identifier: Apache-2.0
"""usage: vault-peer.py TRANSIT

The transit engine of Vault (transit/) and hvac as its client."""

import base64
import os
import subprocess
import sys

import hvac

import lines

TOKEN = "hvs.peer"
process = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                           env={**os.environ, "PEER_TOKEN": TOKEN})
URL = process.stdout.readline().strip()
vault = hvac.Client(url=URL, token=TOKEN)


def b64(data):
    return base64.b64encode(data).decode()


def start():
    return {"url": URL.encode(), "token": TOKEN.encode()}


def key(name, type, derived):
    vault.secrets.transit.create_key(name.decode(), key_type=type.decode(), derived=derived == b"1")


def rotate(name):
    vault.secrets.transit.rotate_key(name.decode())


def binding(digest, derived):
    return {"context" if derived == b"1" else "associated_data": b64(digest)}


def encrypt(name, digest, share, derived):
    found = vault.write(f"transit/encrypt/{name.decode()}", plaintext=b64(share),
                        **binding(digest, derived))
    return {"blob": found["data"]["ciphertext"].encode()}


def decrypt(name, digest, blob, derived):
    found = vault.write(f"transit/decrypt/{name.decode()}", ciphertext=blob.decode(),
                        **binding(digest, derived))
    return {"share": base64.b64decode(found["data"]["plaintext"])}


lines.serve({f.__name__: f for f in (start, key, rotate, encrypt, decrypt)})
process.stdin.close()
process.wait(30)
