# SPDX-License-Identifier: Apache-2.0
"""Drives a running service by the vectors of spec/vectors/key-service, whose README
says what their lines mean. The protocol is that of tests/reader, from spec/ alone."""
import base64
import hashlib
import http.client
import io
import json
import os
import re
import socket
import ssl
import sys
import time
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import issuer as idp
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from reader import envelope, header, keys, native, schedule  # noqa: E402
from reader.bytes import signature_of_der  # noqa: E402
from reader.header import CUSTOMER, PROVIDER  # noqa: E402

FOLDER = os.path.join(os.path.dirname(sys.path[-1]), "spec", "vectors", "key-service")
DEFAULT_KEYS = {"finance": "p256", "archive": "p384", "legal": "rsa3072"}
LISTS = ("prepare", "object", "body")
KNOWN = set("""spec prepare object from body signed-method signed-target signed-body signed-params
    signed-by token signature send expect objects absent bare closes answer answer-type cache statement
    checkpoint comment record record-reason record-user record-device record-device-name
    record-front-end record-mode record-level record-factors record-request record-recipient
    record-objects record-note record-address""".split())
STANDARD = ('("@method" "@target-uri" "content-digest");created={now};nonce="{nonce}"'
            ';keyid="{keyid}"')
DENIALS_PER_S = 8  # the service records ten a second of those that anybody can cause


@dataclass
class Vector:
    name: str
    lines: dict
    http: str

    def get(self, key, default=None):
        return self.lines.get(key, default)


def read_vector(name):
    with open(os.path.join(FOLDER, name), "rb") as f:
        head, _, rest = f.read().partition(b"\n\n")
    lines = {key: [] for key in LISTS}
    for line in head.decode().split("\n"):
        key, _, value = line.partition(": ")
        assert key in KNOWN and (key in LISTS or key not in lines), line
        if key in LISTS:
            lines[key].append(value)
        else:
            lines[key] = value
    return Vector(name, lines, rest.decode())


def all_vectors():
    return [read_vector(name) for name in sorted(os.listdir(FOLDER))]


class Device:
    def __init__(self, user):
        self.user, self.key = user, ec.generate_private_key(ec.SECP256R1())
        self.spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.id = hashlib.sha256(self.spki).digest()


class Object:
    """An object whose customer key is at the service: header, and what is secret in it."""

    def __init__(self, customer, words):
        options = dict(word.partition("=")[::2] for word in words)
        drawn = []

        def random(size):
            drawn.append(os.urandom(size))
            return drawn[-1]

        writing = envelope.Writing(
            {CUSTOMER: customer, PROVIDER: [keys.generate("p256", "provider")]},
            label=options.get("label", ""))
        made, _ = envelope.make_header(writing, random)
        self.share = drawn[2]
        if "wrong-commitment" in options:
            made.core.commitment[CUSTOMER] = os.urandom(32)
            made.core.raw = made.core.encode()
        self.epoch = int(options.get("epoch", 1))
        made.sets[CUSTOMER] = envelope.make_set(
            made.core, CUSTOMER, self.share, customer, self.epoch, [])
        self.core = made.core.raw
        self.sets = {side: made.sets[side].encode() for side in (CUSTOMER, PROVIDER)}
        self.key_id = next((key.id for key in customer if key.custodian != "stranger"), bytes(32))


@dataclass
class Answer:
    status: int
    headers: object
    body: bytes
    closed: bool

    @property
    def error(self):
        return self.headers.get("Doublekey-Error") or ("ok" if self.status == 200 else "none")


class Scene:
    """A service in the state from which every vector starts."""

    def __init__(self, service):
        self.service, self.devices, self.codes, self.stamps = service, {}, {}, []
        self.versions, self.secrets = {}, {}
        self.policy = open(os.path.join(service.dir, "policy.conf")).read()
        status, _, self.ca = service.request("GET", "/v1/ca")
        assert status == 200
        self.fingerprint = hashlib.sha256(self.ca).digest()
        assert self.fingerprint.hex() == service.fingerprint
        self.pinned = None
        self.undo = []
        for name, kind in DEFAULT_KEYS.items():
            self.act(f"key create {name} {kind}")
        for user in ("alice", "bob"):
            self.act(f"enrol {user} {user}")

    # ---- administration, spec/ipc.md section 5 ----

    def act(self, line):
        verb, *words = line.split(" ", 1)
        words = words[0] if words else ""
        getattr(self, "do_" + verb.replace("-", "_"))(*([words] if verb == "policy" else
                                                        words.split()))

    def do_key(self, verb, name, *rest):
        more = ["--type", rest[0]] if verb in ("create", "rotate") else list(rest)
        self.service.admin("key", verb, name, *more)
        if verb in ("create", "rotate"):
            self.versions[name] = self.statement(name).versions

    def do_freeze(self, *name):
        self.service.admin("freeze", *name)
        if not name:
            self.undo.append("unfreeze")

    def do_unfreeze(self, *name):
        self.service.admin("unfreeze", *name, "--reason", "vector")
        if not name and "unfreeze" in self.undo:
            self.undo.remove("unfreeze")

    def do_code(self, name, user):
        text = self.service.admin("enrol-code", "--user", user).stdout.strip()
        got, code = native.parse_code(text)
        assert got == user
        self.codes[name] = (user, code, text)

    def do_enrol(self, name, user):
        self.do_code("-", user)
        device = self.devices[name] = Device(user)
        enrol_keys = native.EnrolKeys(self.codes["-"][1])
        body = b"DKE1" + enrol_keys.id + native.short(user.encode()) + native.short(b"pc")
        body += device.spki
        body += native.sign(device.key, native.device_message(body))
        body += native.mac(enrol_keys.client, body)
        status, error, answer = self.service.request(
            "POST", "/v1/devices", body, {"Content-Type": "application/doublekey"})
        assert status == 200, error
        self.pinned = native.check_enrol_answer(
            answer, body, enrol_keys, self.service.url, self.fingerprint)

    def do_revoke(self, name):
        self.service.admin("device", "revoke", self.devices[name].id.hex())

    def do_policy(self, text):
        if "issuer " in text:
            os.makedirs(os.path.join(self.service.dir, "issuers"), exist_ok=True)
            with open(os.path.join(self.service.dir, "issuers", "corp.jwks"), "wb") as f:
                f.write(idp.jwks(idp.jwk(idp.new_key("EC"), "k")))
        if not any(line.startswith("policy ") for line in self.undo):
            self.undo.append("policy " + self.policy)
        with open(os.path.join(self.service.dir, "policy.conf"), "w") as f:
            f.write(text)
        self.service.admin("policy", "reload")

    def put_back(self):
        undo, self.undo = self.undo, ["policy "]
        for line in undo:
            self.act(line)
        self.undo = []

    # ---- what is known of the service ----

    def statement(self, name):
        status, error, body = self.service.request("GET", "/v1/keys/" + name)
        assert status == 200, error
        if not self.pinned:  # before anybody enrolled only its layout can be checked
            return native.parse_statement(body)[0]
        return native.check_statement(body, self.pinned, name)

    def public_key(self, name):
        if name == "stranger":
            return keys.generate("p256", "stranger")
        newest = self.versions[name][-1]
        return keys.Key(serialization.load_der_public_key(newest.spki),
                        self.service.url[len("https://"):])

    def device(self, name):
        return self.devices.setdefault(name, Device(name))

    def first_tile(self):
        _, _, note = self.service.request("GET", "/log/checkpoint")
        size, _ = native.log.verify_checkpoint(self.pinned.log, note)
        return "000" if size >= 256 else f"000.p/{size}"

    def records(self):
        out = self.service.admin("log", "--json").stdout
        made = [json.loads(line) for line in out.splitlines()]
        return [record for record in made if record["class"] != "heartbeat"], out

    def pace(self):
        """Stay below the rate at which the service records what anybody can cause."""
        self.stamps = [t for t in self.stamps if t > time.time() - 1.1]
        if len(self.stamps) >= DENIALS_PER_S:
            time.sleep(1.2)
        self.stamps.append(time.time())

    def send(self, head, body, method):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.ca)
        with socket.create_connection(("127.0.0.1", self.service.port), 30) as raw, \
                context.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
            try:
                tls.sendall(head + body)
            except OSError:
                pass  # it has answered before it read everything
            answer = http.client.HTTPResponse(tls, method=method)
            answer.begin()
            data = answer.read()
            closed = answer.will_close
            if closed:
                assert tls.recv(1) == b""
            return Answer(answer.status, answer.headers, data, closed)


TAG = re.compile(r"\{([^{}]+)\}")
MODIFIER = re.compile(r"\^(-?\d+)|([+-])1|(\d+)\.\.(\d+)|nopad")


def modify(value, words):
    for word in words:
        match = MODIFIER.fullmatch(word)
        if match[1]:
            data = bytearray(value)
            data[int(match[1])] ^= 1
            value = bytes(data)
        elif match[2] == "-":
            value = value[:-1]
        elif match[2] == "+":
            value = value + b"\0"
        elif match[3]:
            value = value[int(match[3]):int(match[4])]
    return value


def digest_of(data):
    return native.digest_value(hashlib.sha256(data).digest())


class Case:
    """One vector at a scene: its request, and what is known about it."""

    def __init__(self, scene, vector):
        self.scene, self.vector = scene, vector
        self.now, self.nonce = int(time.time()), os.urandom(16)
        self.ephemeral = ec.generate_private_key(ec.SECP256R1())
        self.objects = {}
        for line in vector.get("prepare"):
            if line.startswith("object "):
                self.add_object(line[len("object "):])
            else:
                scene.act(line)
        for line in vector.get("object"):
            self.add_object(line)
        self.device = scene.device(vector.get("from", "alice"))

    def add_object(self, line):
        name, *words = line.split()
        options = [w for w in words if "=" in w or w == "wrong-commitment"]
        named = [self.scene.public_key(w) for w in words if w not in options]
        self.objects[name] = Object(named, options)

    # ---- bytes ----

    def body(self, template):
        made = b""
        for piece in re.findall(r"\{[^{}]+\}|[0-9a-f]+", template):
            made += self.value(piece[1:-1], made) if piece[0] == "{" else bytes.fromhex(piece)
        assert re.fullmatch(r"(\{[^{}]+\}|[0-9a-f ])*", template), template
        return made

    def value(self, tag, before=b""):
        name, *words = tag.split()
        if name == "object":
            return self.object_bytes(words)
        if name == "zeros":
            return bytes(int(words[0]))
        plain = [w for w in words if not MODIFIER.fullmatch(w)]
        return modify(self.bare_value(name, plain, before), words[len(plain):])

    def bare_value(self, name, words, before):
        if name == "recipient":
            return self.ephemeral.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        if name == "good":
            return self.good_signature
        if name == "short":
            return native.short(words[0].encode())
        if name == "spki":
            return self.scene.device(words[0]).spki
        if name == "possession":
            return native.sign(self.scene.device(words[0]).key, native.device_message(before))
        made = native.EnrolKeys(self.scene.codes[words[0]][1])
        if name == "code-id":
            return made.id
        return native.mac({"mac": made.client, "mac-server": made.server}[name], before)

    def parts(self, words):
        """Core header and set of an object, changed as the words say."""
        base, (core, stanzas), count = self.objects[words[0]], (None, None), 1
        core, stanzas = base.core, base.sets[CUSTOMER]
        for word in words[1:]:
            if word.startswith("set="):
                other = word[4:]
                stanzas = base.sets[PROVIDER] if other == "provider" else \
                    self.objects[other].sets[CUSTOMER]
            elif word.startswith("core"):
                core = modify(core, [word[4:]])
            elif word.startswith("set"):
                stanzas = modify(stanzas, [word[3:]])
        return core, stanzas

    def object_bytes(self, words):
        core, stanzas = self.parts(words)
        data = len(core).to_bytes(2, "big") + len(stanzas).to_bytes(4, "big") + core + stanzas
        for word in words[1:]:
            if word[0] == "*":
                data *= int(word[1:])
            elif word == "-1":
                data = data[:-1]
        return data

    # ---- text ----

    def text(self, template):
        return TAG.sub(lambda match: self.word(match[1]), template)

    def word(self, tag):
        name, *words = tag.split()
        match = re.fullmatch(r"now([+-]\d+)?", name)
        if match:
            return str(self.now + int(match[1] or 0))
        if name in ("nonce", "keyid"):
            device = self.scene.device(words.pop(0)) if words[:1] and name == "keyid" and \
                not MODIFIER.fullmatch(words[0]) else self.device
            return modify((self.nonce if name == "nonce" else device.id).hex(), words)
        if name in ("signature", "signature-der"):
            data = self.sent_signature
            if name == "signature-der":
                data = signature_of_der(*(int.from_bytes(x, "big") for x in (data[:32], data[32:])))
            made = base64.b64encode(modify(data, words)).decode()
            return made.rstrip("=") if "nopad" in words else made
        if name.startswith("approvals"):
            return base64.b64encode(self.approvals(words, name != "approvals")).decode()
        return self.plain_word(name)

    def plain_word(self, name):
        values = {
            "host": lambda: self.scene.service.url[len("https://"):],
            "base-url": lambda: self.scene.service.url,
            "client-address": lambda: "127.0.0.1",
            "first-tile": self.scene.first_tile,
            "length": lambda: str(len(self.sent)),
            "content-digest": lambda: digest_of(self.sent),
            "signed-digest": lambda: digest_of(self.signed),
            "token-digest": lambda: digest_of(self.vector.get("token", "").encode()),
            "request-digest": lambda: native.request_digest(self.base).hex(),
            "recipient-id": lambda: hashlib.sha256(native.point_spki(
                self.bare_value("recipient", [], b""))).hexdigest(),
        }
        return values[name]()

    def approvals(self, words, backwards):
        reason = "" if words[0] == "-" else words[0]
        made, rest = [], [w for w in words[1:] if MODIFIER.fullmatch(w)]
        for word in words[1:len(words) - len(rest)]:
            who, at, wrong = re.fullmatch(r"(\w+)@now([+-]\d+)?(?:/(\w+))?", word).groups()
            when, device = self.now + int(at or 0), self.scene.device(who)
            digest = native.request_digest(self.base)
            message = native.approval_message(
                hashlib.sha256(digest).digest() if wrong == "other" else digest, when,
                "carol" if wrong == "user" else self.device.user,
                "other" if wrong == "reason" else reason)
            made.append(native.Approval(when, device.id, native.sign(device.key, message)))
        made.sort(key=lambda one: one.key_id, reverse=backwards)
        return modify(native.encode_approvals(reason, made), rest)

    # ---- the request ----

    def make(self):
        """Head and body as they are sent."""
        vector = self.vector
        self.sent = self.body(" ".join(vector.get("body")))
        self.signed = self.body(vector.get("signed-body")) if vector.get("signed-body") is not None \
            else self.sent
        template = vector.http
        start = template.split("\n", 1)[0].split(" ")
        self.method, target = start[0], self.text(start[1])
        given = re.search(r"^Signature-Input: dk=(.*)$", template, re.M)
        params = self.text(vector.get("signed-params") or (given[1] if given else STANDARD))
        lines = [f'"@method": {vector.get("signed-method", "POST")}',
                 '"@target-uri": ' + self.text(vector.get("signed-target",
                                                          "{base-url}" + target)),
                 '"content-digest": ' + self.text("{signed-digest}")]
        if '"doublekey-token-digest"' in params:
            lines.append('"doublekey-token-digest": ' + self.text("{token-digest}"))
        self.base = "\n".join(lines + ['"@signature-params": ' + params]).encode()
        signer = self.scene.device(vector.get("signed-by", vector.get("from", "alice")))
        self.good_signature = native.sign(signer.key, self.base)
        self.sent_signature = self.body(vector.get("signature", "{good}"))
        head = self.text(template).replace("\n", "\r\n").encode() + b"\r\n"
        body = self.sent
        if re.search(r"^Transfer-Encoding: chunked$", template, re.M):
            body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in
                            (self.sent[i:i + 100] for i in range(0, len(self.sent), 100)))
            body += b"0\r\n\r\n"
        return head, body

    def run(self):
        head, body = self.make()
        for _ in range(int(self.vector.get("send", "1")) - 1):
            assert self.scene.send(head, body, self.method).status == 200
        before, _ = self.scene.records()
        if self.vector.get("record") == "denial" and not self.vector.get("record-user"):
            self.scene.pace()
        answer = self.scene.send(head, body, self.method)
        records, shown = self.scene.records()
        self.check_answer(answer)
        self.check_record(records[len(before):])
        self.check_absent(answer.body + str(answer.headers).encode() + shown.encode())
        self.scene.devices.pop("new", None)

    # ---- what must hold ----

    def check_answer(self, answer):
        vector = self.vector
        status, name = vector.get("expect").split()
        if vector.get("bare") and answer.error == "none":
            assert answer.status in (400, 411, 413, 417, 431, 501) and answer.closed
            return
        assert (answer.status, answer.error) == (int(status), name)
        assert answer.headers["Cache-Control"] == vector.get("cache", "no-store")
        assert not vector.get("closes") or answer.closed
        if name != "ok":
            assert self.method == "HEAD" or json.loads(answer.body) == {"error": name}
            assert answer.headers["Content-Type"] == "application/json"
        if name == "method":
            post = vector.http.split(" ")[1] in ("/v1/release", "/v1/devices", "/v1/approvals")
            assert answer.headers["Allow"] == ("POST" if post else "GET")
        if vector.get("answer-type"):
            assert answer.headers["Content-Type"] == vector.get("answer-type")
        if vector.get("answer"):
            wanted = vector.get("answer")
            assert answer.body == (self.scene.ca if wanted == "{ca}" else wanted.encode())
        if vector.get("objects"):
            self.check_shares(answer.body)
        if vector.get("statement"):
            self.check_statement(answer.body)
        if vector.get("checkpoint"):
            size, _ = native.log.verify_checkpoint(self.scene.pinned.log, answer.body)
            assert size > 0
        if name == "ok" and vector.http.startswith("POST /v1/devices"):
            _, code, _ = self.scene.codes["c"]
            assert native.check_enrol_answer(
                answer.body, self.sent, native.EnrolKeys(code), self.scene.service.url,
                self.scene.fingerprint) == self.scene.pinned

    def wanted_codes(self):
        made = []
        for word in self.vector.get("objects").split():
            count, _, code = word.rpartition("*")
            made += [code] * int(count or 1)
        return made

    def check_shares(self, body):
        asked = native.Asked(self.sent, native.request_digest(self.base), self.device.user,
                             self.device.id, self.ephemeral)
        items = native.check_release(body, self.scene.pinned, asked)
        assert [code for code, _ in items] == self.wanted_codes()
        named = [tag.split()[1] for tag in TAG.findall(" ".join(self.vector.get("body")))
                 if tag.startswith("object ")]
        for position, (code, share) in enumerate(items):
            assert (share is not None) == (code == "ok")
            if share is not None:
                name = named[position] if len(named) == len(items) else named[0]
                assert share == self.objects[name].share

    def check_statement(self, body):
        name, *versions = self.vector.get("statement").split()
        made = native.check_statement(body, self.scene.pinned, name)
        states, types = ["", "active", "disabled", "destroyed"], ["", "p256", "p384", "rsa3072"]
        assert [f"{v.number}:{states[v.state]}:{types[v.type]}" for v in made.versions] == versions

    def check_record(self, records):
        wanted = self.vector.get("record")
        assert [r["class"] for r in records] == ([] if wanted == "none" else [wanted])
        if wanted == "none":
            return
        record, vector = records[0], self.vector
        assert record["decision"] == ("denied" if wanted == "denial" else "done")
        assert record.get("suppressed", 0) == 0
        assert record.get("reason") == vector.get("record-reason")
        for key in vector.lines:
            member = key[len("record-"):].replace("-", "_")
            if key in ("record-reason", "record-factors", "record-objects") or \
                    not key.startswith("record-"):
                continue
            assert record.get(member) == self.text(vector.get(key)), key
        if vector.get("record-factors"):
            assert [f["type"] for f in record["factors"]] == vector.get("record-factors").split()
        if vector.get("record-objects"):
            self.check_objects(record["objects"])

    def check_objects(self, recorded):
        wanted = [words.split() for words in self.vector.get("record-objects").split(", ")]
        assert len(recorded) == len(wanted)
        for got, (code, name, *changes) in zip(recorded, wanted):
            assert got["code"] == code
            if name == "-":
                assert (got["id"], got["core_digest"], got["epoch"], got["key_id"]) == \
                    ("0" * 32, "0" * 96, 0, "0" * 64)
                continue
            epoch = next((int(w[6:]) for w in changes if w.startswith("epoch=")),
                         self.objects[name].epoch)
            core, _ = self.parts([name, *(w for w in changes if w.startswith("core"))])
            key_id = bytes(32) if code == "unknown-key" else self.objects[name].key_id
            assert (got["id"], got["core_digest"], got["epoch"], got["key_id"]) == \
                (core[16:32].hex(), hashlib.sha384(core).hexdigest(), epoch, key_id.hex())

    def check_absent(self, seen):
        for words in filter(None, (self.vector.get("absent") or "").split(", ")):
            kind, name = words.split()
            if kind == "code":
                _, code, text = self.scene.codes[name]
                letters = text.split(":")[1]
                forms = forms_of(code) + [letters.encode(), letters.replace("-", "").encode()]
            else:
                forms = forms_of(self.objects[name].share)
            assert not any(form in seen for form in forms), words
            self.scene.secrets[f"{self.vector.name}: {words}"] = forms


def forms_of(secret):
    """The bytes themselves, in hex, and in base64 wherever they begin."""
    found = [secret, secret.hex().encode(), secret.hex().upper().encode()]
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + secret).rstrip(b"=")
        found.append(coded[(0, 2, 3)[shift]:-1])
    return found
