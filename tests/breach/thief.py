# SPDX-License-Identifier: Apache-2.0
"""A thief who tries every route that what he has opens to him. His cryptography is that of
tests/reader: it shares nothing with lib/, and it checks nothing that would only protect others."""
import dataclasses
import hashlib
import io
import itertools
import json
import os
import re
import types
from dataclasses import dataclass, field

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

import issuer as idp
import memory
import puppet
from reader import envelope, floe, header, hpke, keys, native, schedule, stanza
from reader.errors import EnvelopeError
from reader.header import CUSTOMER, PROVIDER

SIDES = (CUSTOMER, PROVIDER)
INSIDE = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 7])  # an address of rule "branch"
OBJECTS_MAX = 1000  # of a request


@dataclass
class Loot:
    """What he has. All that is stored, old copies included, and all traffic he has always."""

    keys: list = field(default_factory=list)     # of stanzas, with their private halves
    devices: dict = field(default_factory=dict)  # private keys of enrolled devices, by key id
    issuer: object = None                        # the key that signs tokens
    tls: object = None                           # the key of the service's certificate
    admin: object = None                         # gives an enrolment code for a user
    store: str = None                            # folder with a copy of the sealed store
    passphrase: str = None                       # of the store
    wants: tuple = ()                            # objects that he asks for; empty: all


def p256(key):
    return isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1"


class Thief:
    def __init__(self, town, loot):
        self.town, self.loot = town, loot
        self.files = {name: open(town.path("copied", name), "rb").read()
                      for name in sorted(os.listdir(town.path("copied")))}
        self.headers = {name: header.parse_header(io.BytesIO(data))
                        for name, data in self.files.items()}
        self.traffic = [(r, a) for r, a in town.recorded if r.startswith(b"POST")]
        self.requests = [r for r, _ in self.traffic]
        self.shares = {}   # by (side, object id)
        self.refused = {}  # codes that the service gave, and how often
        self.key_ids = sorted({bytes.fromhex(k.decode()) for r in self.requests
                               for k in re.findall(rb'keyid="([0-9a-f]{64})"', r)})

    # ---- offline ----

    def open_store(self):
        """With the passphrase, or with what people choose; and each key that is in it."""
        if not self.loot.store:
            return
        copy = types.SimpleNamespace(dir=self.loot.store)
        for passphrase in filter(None, (self.loot.passphrase, "password", "doublekey", "123456")):
            try:
                self.loot.keys += [key for key, _ in memory.private_keys_of(copy, passphrase)]
                return
            except InvalidTag:
                self.count("passphrase")

    def keep(self, share):
        """Whose it is, the commitments say; of a share that fits none nobody can tell."""
        for h, side in itertools.product(self.headers.values(), SIDES):
            made = schedule.ShareKeys(side, share, h.core.object_id)
            if made.commitment == h.core.commitment[side]:
                self.shares[side, h.core.object_id] = share
                return True
        return False

    def stanzas(self):
        return [s for h in self.headers.values() for side in SIDES for s in h.sets[side].stanzas]

    def open_stanzas(self):
        """Each stanza with each key, as one of each side and object, whatever key id it has."""
        digests = {h.core.digest for h in self.headers.values()}
        for found, key, side, digest in itertools.product(self.stanzas(), self.loot.keys, SIDES,
                                                          digests):
            if found.type != key.type:
                continue
            for key_id in {key.id, found.key_id}:
                try:
                    self.keep(stanza.unwrap(side, dataclasses.replace(found, key_id=key_id), key,
                                            digest))
                except (stanza.UnwrapError, ValueError):
                    pass

    def held_keys(self):
        held = [k.private for k in self.loot.keys] + list(self.loot.devices.values())
        return [k for k in held + [self.loot.issuer, self.loot.tls] if k is not None and p256(k)]

    def open_answers(self):
        """Recorded answers, with each key that could be the ephemeral one; and their bytes as
        they are, should a share stand there."""
        for request, answer in self.traffic:
            answer = answer[answer.index(b"\r\n\r\n") + 4:]
            if answer[:4] != b"DKR2":
                continue
            for key in self.held_keys():
                self.open_answer(request, answer, key)
            for at in range(len(answer) - 31):
                self.keep(answer[at:at + 32])

    def open_answer(self, request, answer, private):
        head, body = request.split(b"\r\n\r\n", 1)
        given = native.parse_input(re.search(rb"Signature-Input: (.*?)\r\n", head + b"\r\n")[1]
                                   .decode())
        if given.token_digest is not None:
            given.token_digest = hashlib.sha256(
                re.search(rb"Authorization: Bearer (\S+)", head)[1]).digest()
        base = native.signature_base(given, self.town.s.url, body)
        self.open_release(base, body, answer, private)

    def open_release(self, base, body, answer, private):
        """Takes the shares of an answer to this request; true if there was one."""
        sent = native.parse_release(body)
        index, enc = int.from_bytes(answer[4:12], "big"), answer[12:77]
        try:
            context = native.Context(hpke.setup_receiver(
                hpke.P256, enc, private, schedule.info("release", native.request_digest(base))))
            for i, (core, _) in enumerate(sent.objects):
                code = int.from_bytes(answer[79 + 50 * i:81 + 50 * i], "big")
                if code == 0:
                    self.keep(hpke.open_(context.next(), native.share_aad(core, index),
                                         answer[81 + 50 * i:129 + 50 * i]))
        except (hpke.HpkeError, InvalidTag, ValueError):
            return

    def read(self):
        """The content of every object whose two shares he has, by its name."""
        got = {}
        for name, data in self.files.items():
            h = self.headers[name]
            for c, p in itertools.product(set(self.shares.values()), repeat=2):
                made = schedule.ObjectKeys(c, p, h.core.raw)
                body = io.BytesIO(data[h.length:])
                try:
                    opened = envelope.Opened(h, made, {})
                    got[name.split("-")[0].split(".")[0]] = b"".join(
                        envelope.stream(body, opened))
                except (EnvelopeError, floe.FloeError):
                    pass
        return got

    # ---- requests of his own ----

    def wanted(self):
        return {n: h for n, h in self.headers.items()
                if not self.loot.wants or n.split("-")[0].split(".")[0] in self.loot.wants}

    def sets(self):
        """(core header, set) as they stand, and all that could be made of them."""
        wanted = self.wanted()
        for name, h in wanted.items():
            own = h.sets[CUSTOMER]
            yield h.core.raw, own.encode()
            yield h.core.raw, b"\1" + h.sets[PROVIDER].encode()[1:]
            yield h.core.raw, b"\2" + own.encode()[1:]
            yield h.core.raw, h.sets[PROVIDER].encode()
            for change in self.changed_sets(own):
                yield h.core.raw, change.encode()
            for other in wanted.values():
                if other is not h:
                    yield h.core.raw, other.sets[CUSTOMER].encode()
                    moved = dataclasses.replace(own, stanzas=other.sets[CUSTOMER].stanzas)
                    yield h.core.raw, moved.encode()
            for core in self.changed_cores(h.core):
                yield core, own.encode()

    def changed_sets(self, own):
        """Another order, fewer stanzas, no history, an older epoch, a key of his own in front."""
        yield dataclasses.replace(own, stanzas=own.stanzas[::-1])
        for one in own.stanzas:
            yield dataclasses.replace(own, stanzas=[one])
        yield dataclasses.replace(own, formers=[])
        yield dataclasses.replace(own, epoch=own.epoch + 1)
        mine = keys.generate("p256", "somebody")
        yield dataclasses.replace(own, stanzas=[dataclasses.replace(
            own.stanzas[0], key_id=mine.id, custodian="somebody")] + own.stanzas)

    def changed_cores(self, core):
        for label in ("plans", "board", ""):
            if label != core.label:
                yield dataclasses.replace(core, label=label).encode()
        mine = schedule.ShareKeys(CUSTOMER, bytes(32), core.object_id).commitment
        yield dataclasses.replace(core, commitment={**core.commitment, CUSTOMER: mine}).encode()

    def signers(self):
        """(key id that is stated, private key)."""
        for key_id, private in self.loot.devices.items():
            yield key_id, private
        fresh = ec.generate_private_key(ec.SECP256R1())
        others = [k for k in self.held_keys() if k not in self.loot.devices.values()] + [fresh]
        for private in others:
            for key_id in self.key_ids:
                yield key_id, private
            yield keys.from_private(private, "x").id, private

    def tokens(self):
        """None, those of the traffic, all that he can sign, and the classic forgeries."""
        yield None
        yield from {t.decode() for r in self.requests
                    for t in re.findall(rb"Authorization: Bearer (\S+)\r", r)}
        now, key = self.town.now(), self.loot.issuer
        if key:
            yield from self.signed_tokens(key)
        yield idp.token(ec.generate_private_key(ec.SECP256R1()), "k1", idp.claims(now))
        header_, payload = (idp.b64(json.dumps(x).encode()) for x in (
            {"alg": "none", "kid": "k1"}, idp.claims(now)))
        yield header_ + "." + payload + "."
        public = self.town.issuer.public_key().public_numbers()
        secret = public.x.to_bytes(32, "big") + public.y.to_bytes(32, "big")
        yield jwt.encode(idp.claims(now), secret, "HS256", {"kid": "k1"})

    def signed_tokens(self, key):
        for more in ({}, {"preferred_username": "bob"}, {"aud": "other"}, {"exp": None}):
            yield idp.token(key, "k1", idp.claims(self.town.now(), **more))

    def ask(self, key_id, private, objects, token=None):
        """One signed request of his own."""
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        body = native.Release(1, hpke.point(ephemeral.public_key()), objects).encode()
        given = native.Input(self.town.now(), os.urandom(16), key_id)
        if token is not None:
            given.token_digest = hashlib.sha256(token.encode()).digest()
        base = native.signature_base(given, self.town.s.url, body)
        error, answer = self.deliver(given, native.sign(private, base), body, token)
        self.count(error)
        if answer:
            for i in range(len(objects)):
                code = int.from_bytes(answer[79 + 50 * i:81 + 50 * i], "big")
                self.count(native.CODES[code])
            self.open_release(base, body, answer, ephemeral)

    def deliver(self, given, signature, body, token):
        """Name of the error or None, and the answer."""
        headers = {"Content-Type": "application/doublekey",
                   "Content-Digest": native.digest_value(hashlib.sha256(body).digest()),
                   "Signature-Input": "dk=" + given.params(),
                   "Signature": "dk=:%s:" % native.base64.b64encode(signature).decode()}
        if token is not None:
            headers["Authorization"] = "Bearer " + token
            headers["Doublekey-Token-Digest"] = native.digest_value(given.token_digest)
        status, error, answer = self.town.s.request("POST", "/v1/release", body, headers)
        return error, answer if status == 200 else b""

    def count(self, name):
        if name:
            self.refused[name] = self.refused.get(name, 0) + 1

    def ask_for_all(self):
        as_they_stand = [(h.core.raw, h.sets[CUSTOMER].encode()) for h in self.wanted().values()]
        everything = list(self.sets())
        assert len(everything) <= OBJECTS_MAX
        for key_id, private in self.signers():
            enrolled = key_id in self.loot.devices
            for token in self.tokens():
                self.ask(key_id, private, everything if enrolled else as_they_stand, token)

    # ---- what others sent ----

    def replay(self):
        """As it was, and with his own ephemeral key, time and nonce in it."""
        for request in self.requests:
            head, body = request.split(b"\r\n\r\n", 1)
            self.send(request)
            if body[:4] != b"DKR1":
                continue
            mine = ec.generate_private_key(ec.SECP256R1())
            changed = body[:6] + hpke.point(mine.public_key()) + body[71:]
            digest = native.digest_value(hashlib.sha256(changed).digest()).encode()
            for new_head in (head, re.sub(rb"sha-256=:[^:]+:", digest, head, count=1),
                             re.sub(rb"created=\d+", b"created=%d" % self.town.now(), head),
                             re.sub(rb'nonce="[0-9a-f]+"', b'nonce="%s"' %
                                    os.urandom(16).hex().encode(), head)):
                for new_body in (body, changed):
                    answer = self.send(new_head + b"\r\n\r\n" + new_body)
                    if b"DKR2" in answer:
                        self.open_answer(new_head + b"\r\n\r\n" + new_body,
                                         answer[answer.index(b"DKR2"):], mine)

    def in_the_middle(self):
        """Alice asks while all that passes is changed: her request to the thief's ephemeral key,
        and then the answer. She must get an error, never a wrong text."""
        seen, mine = self.town.s.proxy, ec.generate_private_key(ec.SECP256R1())

        def to_me(request):
            at = request.find(b"DKR1")
            return request if at < 0 else (request[:at + 6] + hpke.point(mine.public_key()) +
                                           request[at + 71:])

        changes = {"change_request": to_me, "change_answer": lambda answer: answer if b"DKR2" not in
                   answer else answer[:-1] + bytes([answer[-1] ^ 1])}
        for name, change in changes.items():
            setattr(seen, name, change)
            try:
                done = self.town.decrypt("memo", check=False)
            finally:
                setattr(seen, name, lambda data: data)
            assert not isinstance(done, bytes), name
            self.count(re.search(r"\((\S+)", done.stderr)[1])
            for request, answer in zip(seen.requests, seen.answers):
                if b"DKR2" in answer:
                    self.open_answer(request, answer.split(b"\r\n\r\n", 1)[1], mine)

    def send(self, request):
        seen = self.town.s.proxy
        answer = seen.send(request)
        seen.answers.pop()  # his own, not of the traffic
        name = re.search(rb"Doublekey-Error: (\S+)", answer)
        self.count(name[1].decode() if name else "ok")
        return answer

    def enrol(self):
        """A device of his own, with a code that he guesses, or that the administrator made him."""
        code = os.urandom(16)
        if self.loot.admin:
            _, code = native.parse_code(self.loot.admin("alice"))
        made, device = native.EnrolKeys(code), ec.generate_private_key(ec.SECP256R1())
        key = keys.from_private(device, "x")
        body = (b"DKE1" + made.id + native.short(b"alice") + native.short(b"thief") + key.spki)
        body += native.sign(device, native.device_message(body))
        body += native.mac(made.client, body)
        status, error, _ = self.town.s.request("POST", "/v1/devices", body,
                                               {"Content-Type": "application/doublekey"})
        self.count(error)
        if status == 200:
            self.loot.devices[key.id] = device

    def look_around(self):
        for path in ("/log/../keys/sealed.0", "/log/%2e%2e/keys/sealed.0", "/log/log.db",
                     "/v1/keys/..", "/v1/keys/finance/private", "/log/records", "//keys/sealed.0"):
            status, error, body = self.town.s.request("GET", path)
            assert status != 200, path
            self.count(error)

    # ---- everything ----

    def everything(self):
        self.open_store()
        self.open_stanzas()
        self.open_answers()
        self.look_around()
        self.enrol()
        self.replay()
        self.ask_for_all()
        return self.read()


class Insider(Thief):
    """httpd is his, and perhaps authd too: no HTTP, and messages to the other processes."""

    def __init__(self, town, loot, httpd, authd=None):
        super().__init__(town, loot)
        self.httpd, self.authd = httpd, authd

    def deliver(self, given, signature, body, token):
        claims = [puppet.certificate_claim("cn:alice", "email:alice@example.org")]
        if token is not None and len(token) <= 8192:
            claims += [(puppet.TOKEN, token.encode()), (puppet.DIGEST, given.token_digest)]
        code, answer = self.httpd.release(self.authd, given, signature, body, claims, INSIDE)
        return native.CODES[code] if code else None, answer

    def send(self, request):
        """What a user sent, as it was or changed. Nothing but its signature stands behind it."""
        head, body = request.split(b"\r\n\r\n", 1)
        if body[:4] != b"DKR1":
            return b""
        given = native.parse_input(re.search(rb"Signature-Input: (.*?)\r\n", head)[1].decode())
        signature = native.base64.b64decode(re.search(rb"Signature: dk=:(.*?):", head)[1])
        token = re.search(rb"Authorization: Bearer (\S+)", head)
        if token:
            given.token_digest = hashlib.sha256(token[1]).digest()
        error, answer = self.deliver(given, signature, body, token[1].decode() if token else None)
        self.count(error)
        return answer

    def enrol(self):
        pass  # as from outside: the way is the same

    def look_around(self):
        for path in ("../keys/sealed.0", "log.db", "log.key", "records", "/etc/passwd"):
            code, data = self.httpd.read(path)
            assert code != 0 and not data, path
            self.count(native.CODES[code])
