# SPDX-License-Identifier: Apache-2.0
"""What hvac does with the transit engine, whichever server has it."""

import base64


def b64(data):
    return base64.b64encode(data).decode()


def binding(digest, derived):
    return {"context" if derived == b"1" else "associated_data": b64(digest)}


def operations(vault):
    def key(name, type, derived):
        vault.secrets.transit.create_key(name.decode(), key_type=type.decode(),
                                         derived=derived == b"1")

    def rotate(name):
        vault.secrets.transit.rotate_key(name.decode())

    def encrypt(name, digest, share, derived):
        found = vault.write(f"transit/encrypt/{name.decode()}", plaintext=b64(share),
                            **binding(digest, derived))
        return {"blob": found["data"]["ciphertext"].encode()}

    def decrypt(name, digest, blob, derived):
        found = vault.write(f"transit/decrypt/{name.decode()}", ciphertext=blob.decode(),
                            **binding(digest, derived))
        return {"share": base64.b64decode(found["data"]["plaintext"])}

    return {"key": key, "rotate": rotate, "encrypt": encrypt, "decrypt": decrypt}
