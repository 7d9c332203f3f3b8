# SPDX-License-Identifier: Apache-2.0
"""Azure's own client for keys, against the server of tests/provider behind TLS: so what the server
says of the protocol is what the client expects, too. No emulator of Azure runs from a registry."""

import pathlib
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "provider"))

from azure.core.credentials import AccessToken  # noqa: E402
from azure.keyvault.keys import ApiVersion, KeyClient  # noqa: E402
from azure.keyvault.keys.crypto import KeyWrapAlgorithm  # noqa: E402

import lines  # noqa: E402
from azure_server import AzureServer  # noqa: E402
from server import certificate  # noqa: E402

folder = tempfile.TemporaryDirectory(prefix="doublekey-azure-")
CA = certificate(pathlib.Path(folder.name), "ca")
server = AzureServer(CA)


class Credential:
    def get_token(self, *scopes, **_):
        assert scopes == (server.scope + "/.default",), scopes
        return AccessToken(server.token, 2**33)


client = KeyClient(server.url, Credential(), api_version=ApiVersion.V7_4, connection_verify=str(CA),
                   verify_challenge_resource=False)


def start():
    return {"url": server.url.encode(), "ca": str(CA).encode(),
            **{name: value.encode() for name, value in server.client.items()}}


def key(name, type, bits):
    return {"ref": server.add(name.decode(), int(bits), type.decode()).encode()}


def public(name):
    """The current version, by the client."""
    found = client.get_key(name.decode())
    return {"n": found.key.n, "e": found.key.e, "version": found.properties.version.encode()}


def wrap(name, seed):
    done = client.get_cryptography_client(name.decode()).wrap_key(
        KeyWrapAlgorithm.rsa_oaep_256, seed)
    return {"enc": done.encrypted_key}


def unwrap(name, version, enc):
    crypto = client.get_cryptography_client(name.decode(), key_version=version.decode())
    return {"seed": crypto.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, enc).key}


def versions(name):
    found = [v.version for v in client.list_properties_of_key_versions(name.decode()) if v.enabled]
    return {"names": " ".join(found).encode()}


def disable(version):
    server.disabled.add(version.decode())


lines.serve({f.__name__: f for f in (start, key, public, wrap, unwrap, versions, disable)})
server.close()
folder.cleanup()
