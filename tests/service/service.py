# SPDX-License-Identifier: Apache-2.0
"""Starts a real doublekeyd in a fresh directory, and speaks its protocol with
code that shares nothing with lib/: layouts are those of spec/key-service.md."""
import base64
import hashlib
import http.client
import os
import socket
import ssl
import struct
import subprocess
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

BUILD = os.environ["DOUBLEKEY_BUILD"]
DAEMON = os.path.join(BUILD, "daemon", "doublekeyd")
CLIENT = os.path.join(BUILD, "cli", "doublekey")
PASSPHRASE = "correct horse for the store"
# "postgres": the same tests, with the log in a database.
STORE = os.environ.get("DOUBLEKEY_STORE", "file")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Service:
    daemon = DAEMON
    timeout = 30  # of a request

    def __init__(self, base):
        self.base = str(base)
        self.dir = os.path.join(self.base, "service")
        self.port = free_port()
        self.url = "https://127.0.0.1:%d" % self.port
        self.passfile = os.path.join(self.base, "pass")
        self.stderr = os.path.join(self.base, "stderr")
        self.process = None
        with open(self.passfile, "w") as f:
            f.write(PASSPHRASE + "\n")
        out = self.admin("init", "--url", self.url, "--passphrase-file", self.passfile,
                         "--kdf-memory-mib", "8").stdout
        self.fingerprint = [line.split()[-1] for line in out.splitlines()
                            if line.startswith("CA fingerprint")][0]
        self.vkey = [line.split()[-1] for line in out.splitlines()
                     if line.startswith("log public key")][0]
        if STORE == "postgres":
            import postgres
            postgres.use_new_database(self)

    def admin(self, *args, check=True):
        return subprocess.run([self.daemon, *args, "--dir", self.dir], check=check, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60)

    def spawn(self):
        with open(self.stderr, "a") as err:
            self.process = subprocess.Popen(
                [self.daemon, "run", "--dir", self.dir, "--passphrase-file", self.passfile],
                stderr=err, stdin=subprocess.DEVNULL)

    def start(self):
        self.spawn()
        self.wait_ready()
        if STORE == "postgres":
            self.follow_policy()

    def follow_policy(self):
        """A policy that changed while no node ran is put in force by an administrator."""
        with open(self.stderr) as err:
            said = err.read()
        if "policy-differs" in said[getattr(self, "seen", 0):]:
            self.admin("policy", "reload")
        self.seen = len(said)

    def wait_ready(self):
        end = time.time() + 60
        while time.time() < end:
            try:
                if self.admin("status", check=False).returncode == 0:
                    return
            except OSError:
                pass
            assert self.process.poll() is None, open(self.stderr).read()
            time.sleep(0.05)
        raise AssertionError("not ready: " + open(self.stderr).read())

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def pids(self):
        out = self.admin("status").stdout
        return {line.split("\t")[0]: int(line.split()[2]) for line in out.splitlines()
                if "\tpid " in line}

    def log(self):
        return self.admin("log").stdout

    def env(self, name="client"):
        env = dict(os.environ)
        env["XDG_DATA_HOME"] = os.path.join(self.base, name)
        env["HOME"] = self.base
        return env

    def client(self, *args, who="client", check=True):
        return subprocess.run([CLIENT, *args], check=check, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, cwd=self.base, env=self.env(who),
                              timeout=60)

    def enrol(self, user="alice", who="client"):
        code = self.admin("enrol-code", "--user", user).stdout.strip()
        self.client("enrol", self.url, "--ca-fingerprint", self.fingerprint, "--code", code,
                    who=who)
        return code

    def prepare(self, text="what nobody else may read\n"):
        """One key, one enrolled device and one object for it, whose provider key is p.key."""
        self.admin("key", "create", "finance")
        self.enrol()
        self.client("keygen", "--side", "provider", "--no-passphrase", "-o", "p.key")
        with open(os.path.join(self.base, "plain"), "w") as f:
            f.write(text)
        self.key = self.url + "/keys/finance"
        self.client("encrypt", "--customer", self.key, "--provider", "p.key.pub", "plain",
                    "-o", "object.dk")
        self.object = os.path.join(self.base, "object.dk")

    def device(self, who="client"):
        path = os.path.join(self.base, who, "doublekey", "services",
                            "127.0.0.1:%d" % self.port, "device.key")
        data = open(path, "rb").read()
        length = struct.unpack(">H", data[:2])[0]
        return Device(data[2:2 + length], int.from_bytes(data[2 + length:], "big"))

    def connection(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context,
                                           timeout=self.timeout)

    def request(self, method, path, body=None, headers=None):
        connection = self.connection()
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Doublekey-Error"), answer.read()
        finally:
            connection.close()

    def release(self, device, body, url=None, created=None, nonce=None, sent_body=None,
                key_id=None, more=None):
        headers = signed_headers(device, url or self.url, body, created, nonce, key_id)
        headers.update(more or {})
        if sent_body is not None:
            headers["Content-Digest"] = digest_header(sent_body)
            body = sent_body
        return self.request("POST", "/v1/release", body, headers)


class Device:
    def __init__(self, spki, scalar):
        self.spki = spki
        self.id = hashlib.sha256(spki).digest()
        self.key = ec.derive_private_key(scalar, ec.SECP256R1())


def digest_header(body):
    return "sha-256=:%s:" % base64.b64encode(hashlib.sha256(body).digest()).decode()


def signature_base(device, url, body, created=None, nonce=None, key_id=None,
                   path="/v1/release"):
    """What is signed, and its last part."""
    params = ('("@method" "@target-uri" "content-digest");created=%d;nonce="%s";keyid="%s"'
              % (int(time.time()) if created is None else created,
                 (nonce or os.urandom(16)).hex(), (key_id or device.id).hex()))
    base = ('"@method": POST\n"@target-uri": %s%s\n"content-digest": %s\n'
            '"@signature-params": %s' % (url, path, digest_header(body), params))
    return base, params


def raw_signature(device, data):
    r, s = utils.decode_dss_signature(device.key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signed_headers(device, url, body, *args, **more):
    base, params = signature_base(device, url, body, *args, **more)
    return {"Content-Type": "application/doublekey", "Content-Digest": digest_header(body),
            "Signature-Input": "dk=" + params,
            "Signature": "dk=:%s:" % base64.b64encode(raw_signature(device,
                                                                    base.encode())).decode()}


def ephemeral_point():
    return ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def parts_of(path):
    """Core header and customer set of an object, by spec/envelope.md section 3."""
    data = open(path, "rb").read()
    core_len = struct.unpack(">I", data[12:16])[0]
    core = data[:core_len]
    at = core_len + 32 + 48 + (64 if core[-1 - 0] == 1 and core_len > 223 else 0)
    metadata, customer, _provider = struct.unpack(">III", data[at:at + 12])
    at += 12 + metadata
    return core, data[at:at + customer]


def release_body(objects, point=None):
    body = b"DKR1" + struct.pack(">H", 1) + (point or ephemeral_point())
    body += struct.pack(">H", len(objects))
    for core, customer in objects:
        body += struct.pack(">HI", len(core), len(customer)) + core + customer
    return body


def codes(answer):
    """Code of each object of an answer."""
    assert answer[:4] == b"DKR2"
    n = struct.unpack(">H", answer[77:79])[0]
    return [struct.unpack(">H", answer[79 + 50 * i:81 + 50 * i])[0] for i in range(n)]
