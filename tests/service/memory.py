# SPDX-License-Identifier: Apache-2.0
"""What processes hold in memory and files, and secrets that a test knows: those of the
sealed store, read by spec/custody.md alone, and the shares that its keys open."""
import os
import sys

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_der_public_key

from service import PASSPHRASE

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from reader import envelope, header, keyfile, keys  # noqa: E402

SPKI_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
SPKI_LENGTH = 91


def memory_of(pid):
    """Everything that the process may read."""
    found = []
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            area, mode = line.split()[:2]
            if "r" not in mode or "[v" in line:
                continue
            begin, end = (int(x, 16) for x in area.split("-"))
            try:
                mem.seek(begin)
                found.append(mem.read(end - begin))
            except OSError:
                pass
    return found


def files_of(directory):
    for where, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    yield path, f.read()


def marks(secret):
    """Half a secret is one too. A number may lie about with its lowest byte first."""
    half = len(secret) // 2
    return [part for whole in (secret, secret[::-1]) for part in (whole[:half], whole[half:])]


def found_in(areas, secrets):
    """Names of the secrets of which at least a half lies in these bytes."""
    return {name for name, secret in secrets.items()
            if any(mark in area for area in areas for mark in marks(secret))}


def state_of(s, passphrase=PASSPHRASE):
    """Plaintext of the newest slot of the sealed store, spec/custody.md section 1; InvalidTag
    with another passphrase."""
    newest = None
    for slot in ("sealed.0", "sealed.1"):
        with open(os.path.join(s.dir, "keys", slot), "rb") as f:
            data = f.read()
        if data[:8] == b"DKSEAL2\n" and (newest is None or data[36:44] > newest[36:44]):
            newest = data
    cost = tuple(int.from_bytes(newest[i:i + 4], "big") for i in (8, 12, 16))
    key = keyfile.argon2id(passphrase.encode(), newest[20:36], cost)
    data_key = AESGCM(key).decrypt(newest[44:56], newest[56:104], newest[:44])
    length = int.from_bytes(newest[116:120], "big")
    return AESGCM(data_key).decrypt(newest[104:116], newest[120:120 + length], newest[:120])


def private_keys_of(s, passphrase=PASSPHRASE):
    """(public key, private number) of all P-256 keys in the store."""
    state, at, found = state_of(s, passphrase), 0, []
    while (at := state.find(SPKI_HEAD, at)) >= 0:
        spki, rest = state[at:at + SPKI_LENGTH], state[at + SPKI_LENGTH:]
        at += SPKI_LENGTH
        if rest[:2] != b"\0\x20":
            continue
        private = ec.derive_private_key(int.from_bytes(rest[2:34], "big"), ec.SECP256R1())
        if private.public_key().public_numbers() == load_der_public_key(spki).public_numbers():
            found.append((keys.from_private(private, ""), rest[2:34]))
    return found


def share_of(s, path):
    """The customer's share of an object, unwrapped by the second reader."""
    with open(path, "rb") as file:
        parsed = envelope.read_header(file, {})
    return envelope.open_side(parsed, header.CUSTOMER, [key for key, _ in private_keys_of(s)])
