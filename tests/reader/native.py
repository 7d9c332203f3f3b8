# SPDX-License-Identifier: Apache-2.0
"""The native protocol of a key service (spec/key-service.md): what both sides write,
and what a client checks."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature, encode_dss_signature)
from cryptography.hazmat.primitives.serialization import load_der_public_key

from . import hpke, log, note, schedule
from .bytes import Reader
from .fields import CUSTODIAN_LENGTH, is_custodian, is_text, number, u8, u16, u32, u64
from .schedule import ShareKeys, expand, extract, info

ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
BODY_LIMIT = 4194304
SPKI_P256 = 91
RELEASE_PATH = "/v1/release"
CODES = """ok http not-found method too-large malformed-request signature-input content-digest
    unknown-device signature device-revoked clock replay recipient frozen object-malformed
    unknown-key key-destroyed key-disabled key-frozen policy budget stanza-auth share-commitment
    set-mac enrol-code device-exists busy unavailable internal name exists argument hsm hsm-pin
    certificate-required certificate approval-required approval token-required token token-keys
    auditor quorum""".split()


class NativeError(Exception):
    def __init__(self, name):
        self.name = name
        super().__init__(name)


def require(condition, name):
    if not condition:
        raise NativeError(name)


def short(text):
    return u8(len(text)) + text


def is_user(name):
    return re.fullmatch("[a-z0-9._@-]{1,64}", name) is not None


def is_key_name(name):
    return re.fullmatch("[a-z0-9][a-z0-9._-]{0,63}", name) is not None


def is_base_url(url):
    return len(url) <= 255 and re.fullmatch(
        r"https://[a-z0-9.\-:\[\]]+:[1-9][0-9]{0,4}", url) is not None


def verify(spki, message, signature):
    """ECDSA P-256 with SHA-256, r || s."""
    r, s = number(signature[:32]), number(signature[32:])
    if not (0 < r < ORDER and 0 < s < ORDER):
        return False
    try:
        load_der_public_key(spki).verify(
            encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def sign(private, message):
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


# ---- section 3: signed requests ----

INPUT = re.compile(
    r'dk=(\("@method" "@target-uri" "content-digest"( "doublekey-token-digest")?\)'
    r';created=(0|[1-9][0-9]{0,12});nonce="([0-9a-f]{32})";keyid="([0-9a-f]{64})")')


@dataclass
class Input:
    created: int
    nonce: bytes
    key_id: bytes
    token_digest: bytes = None  # b"" where it is stated elsewhere

    def params(self):
        more = ' "doublekey-token-digest"' if self.token_digest is not None else ""
        return (f'("@method" "@target-uri" "content-digest"{more});created={self.created}'
                f';nonce="{self.nonce.hex()}";keyid="{self.key_id.hex()}"')


def parse_input(header):
    """Signature-Input, in its one form."""
    match = INPUT.fullmatch(header)
    require(match and int(match[3]) < 2**40, "signature-input")
    return Input(int(match[3]), bytes.fromhex(match[4]), bytes.fromhex(match[5]),
                 b"" if match[2] else None)


def digest_value(digest):
    return f"sha-256=:{base64.b64encode(digest).decode()}:"


def signature_base(given, base_url, body, path=RELEASE_PATH, method="POST"):
    lines = [f'"@method": {method}', f'"@target-uri": {base_url}{path}',
             f'"content-digest": {digest_value(hashlib.sha256(body).digest())}']
    if given.token_digest is not None:
        lines.append(f'"doublekey-token-digest": {digest_value(given.token_digest)}')
    return "\n".join(lines + [f'"@signature-params": {given.params()}']).encode()


def request_digest(base):
    return hashlib.sha256(info("request", hashlib.sha256(base).digest())).digest()


# ---- section 4: enrolment ----

def check_bits(code):
    return hashlib.sha256(info("enrol-check", code)).digest()[:2]


def code_text(user, code):
    bits = "".join(f"{byte:08b}" for byte in code + check_bits(code))[:140]
    letters = "".join(BASE32[int(bits[i:i + 5], 2)] for i in range(0, 140, 5))
    return user + ":" + "-".join(letters[i:i + 4] for i in range(0, 28, 4))


def parse_code(text):
    """User and code."""
    user, colon, letters = text.partition(":")
    letters = letters.replace("-", "").upper()
    require(colon and is_user(user) and re.fullmatch("[A-Z2-7]{28}", letters)
            and text.isascii(), "enrol-code")
    bits = "".join(f"{BASE32.index(letter):05b}" for letter in letters) + "0000"
    data = bytes(int(bits[i:i + 8], 2) for i in range(0, 144, 8))
    code, check = data[:16], check_bits(data[:16])
    require(data[16:] == bytes([check[0], check[1] & 0xf0]), "enrol-code")
    return user, code


class EnrolKeys:
    def __init__(self, code):
        prk = extract(info("enrol", b""), code)
        self.id = expand(prk, info("enrol-id", b""), 16)
        self.client = expand(prk, info("enrol-client", b""), 48)
        self.server = expand(prk, info("enrol-server", b""), 48)


def mac(key, message):
    return hmac.digest(key, message, "sha384")


def device_message(before):
    return info("enrol-device", before)


@dataclass
class EnrolRequest:
    code_id: bytes
    user: str
    device_name: str
    device: bytes
    signature: bytes
    mac: bytes


def parse_enrol(body):
    """Layout only."""
    reader = Reader(body, NativeError("malformed-request"))

    def text():
        data = reader.take(reader.number(1))
        require(1 <= len(data) <= 64 and is_text(data), "malformed-request")
        return data.decode()

    require(reader.take(4) == b"DKE1", "malformed-request")
    made = EnrolRequest(reader.take(16), text(), text(), reader.take(SPKI_P256),
                        reader.take(64), reader.take(48))
    require(not reader.left() and is_user(made.user), "malformed-request")
    return made


def check_enrol(body, keys):
    """What the service does with a body for a code that it has."""
    made = parse_enrol(body)
    require(made.code_id == keys.id and hmac.compare_digest(
        made.mac, mac(keys.client, body[:-48])), "enrol-code")
    try:
        holds = verify(made.device, device_message(body[:-112]), made.signature)
    except ValueError:
        holds = False
    require(holds, "enrol-code")
    return made


@dataclass
class Service:
    """What a client pins."""

    base_url: str
    custodian: str
    ca: bytes
    identity: bytes
    ed25519: bytes
    p256: bytes
    witnesses: bytes = b""  # mode and policy

    def encode(self):
        url = self.base_url.encode()
        return (u16(len(url)) + url + self.custodian.encode().ljust(CUSTODIAN_LENGTH, b"\0")
                + self.ca + self.identity + self.ed25519 + self.p256
                + u16(len(self.witnesses)) + self.witnesses)

    @property
    def log(self):
        return log.LogKeys(self.base_url[len("https://"):] + "/log", self.ed25519, self.p256)


def read_custodian(data):
    name = data.rstrip(b"\0").decode("latin-1")
    require(name.isascii() and is_custodian(name), "service-reply")
    return name


def is_witness_policy(data):
    """Nothing; or a mode, and a policy that has a quorum if the mode is strict."""
    if not data:
        return True
    try:
        policy = note.parse_policy(data[1:])
    except note.NoteError:
        return False
    return len(data) <= 8193 and (data[0] == 1 or data[0] == 2 and policy.quorum != b"none")


def parse_service(data):
    reader = Reader(data, NativeError("service-reply"))
    url = reader.take(reader.number(2)).decode("latin-1")
    made = Service(url, read_custodian(reader.take(CUSTODIAN_LENGTH)), reader.take(32),
                   reader.take(SPKI_P256), reader.take(32), reader.take(SPKI_P256))
    made.witnesses = reader.take(reader.number(2))
    require(not reader.left() and is_base_url(url) and is_witness_policy(made.witnesses),
            "service-reply")
    return made


def receipt_of(service, data):
    try:
        return log.verify_receipt(service.log, data)
    except log.ReceiptError:
        raise NativeError("receipt") from None


def check_enrol_answer(answer, request, keys, base_url, ca):
    """The service that may be pinned."""
    reader, made = Reader(answer, NativeError("service-reply")), parse_enrol(request)
    require(reader.take(4) == b"DKE2", "service-reply")
    data, device, index = reader.take(reader.number(2)), reader.take(32), reader.number(8)
    end = reader.at
    stated = reader.take(48)
    require(hmac.compare_digest(stated, mac(keys.server, made.mac + answer[:end])), "receipt")
    service = parse_service(data)
    own = hashlib.sha256(made.device).digest()
    require(service.base_url == base_url and service.ca == ca and device == own, "receipt")
    event, got = receipt_of(service, reader.rest())
    factors = event.get("factors") or []
    require(got == index and event.class_ == 9 and event.get("user") == made.user
            and event.get("device") == own and [f[0] for f in factors] == [3], "receipt")
    return service


# ---- section 5: public keys ----

@dataclass
class Version:
    number: int
    type: int
    state: int
    created: int
    index: int
    spki: bytes
    receipt: bytes = b""

    def encode(self):
        return (u32(self.number) + u16(self.type) + u8(self.state) + u64(self.created)
                + u64(self.index) + u16(len(self.spki)) + self.spki)


@dataclass
class Statement:
    name: str
    custodian: str
    time: int
    versions: list
    recovery: tuple = None  # custodian, type, SubjectPublicKeyInfo

    def encode(self):
        data = (b"DKK1" + short(self.name.encode())
                + self.custodian.encode().ljust(CUSTODIAN_LENGTH, b"\0") + u64(self.time)
                + u16(len(self.versions)) + b"".join(v.encode() for v in self.versions))
        if not self.recovery:
            return data + u8(0)
        custodian, kind, spki = self.recovery
        return (data + u8(1) + custodian.encode().ljust(CUSTODIAN_LENGTH, b"\0") + u16(kind)
                + u16(len(spki)) + spki)


def statement_message(signed):
    return info("key-statement", signed)


def parse_statement(data):
    """The statement, what is signed of it, and the signature."""
    reader = Reader(data, NativeError("service-reply"))
    require(reader.take(4) == b"DKK1", "service-reply")
    name = reader.take(reader.number(1))
    name = name.decode("latin-1")
    require(is_key_name(name), "service-reply")
    made = Statement(name, read_custodian(reader.take(CUSTODIAN_LENGTH)),
                     reader.number(8), [])
    count = reader.number(2)
    require(1 <= count <= 64, "service-reply")
    for _ in range(count):
        version = Version(reader.number(4), reader.number(2), reader.number(1), reader.number(8),
                          reader.number(8), reader.take(reader.number(2)))
        last = made.versions[-1].number if made.versions else 0
        require(version.number > last and 1 <= version.state <= 3, "service-reply")
        made.versions.append(version)
    flag = reader.number(1)
    require(flag <= 1, "service-reply")
    if flag:
        made.recovery = (read_custodian(reader.take(CUSTODIAN_LENGTH)), reader.number(2),
                         reader.take(reader.number(2)))
    signed, signature = data[:reader.at], reader.take(64)
    for version in made.versions:
        version.receipt = reader.take(reader.number(4))
    require(not reader.left(), "service-reply")
    return made, signed, signature


def check_statement(data, service, name):
    """A statement that a client may pin at the first use."""
    made, signed, signature = parse_statement(data)
    require(verify(service.identity, statement_message(signed), signature), "receipt")
    require(made.name == name and made.custodian == service.custodian, "receipt")
    recovery = None
    for version in made.versions:
        event, index = receipt_of(service, version.receipt)
        require(index == version.index and event.class_ == 5 and event.get("key") == name
                and event.get("key_id") == hashlib.sha256(version.spki).digest()
                and event.get("version") == version.number
                and event.get("stanza_type") == version.type, "receipt")
        recovery = event.get("recovery") or recovery
    stated = hashlib.sha256(made.recovery[2]).digest() if made.recovery else None
    require(stated == recovery, "receipt")
    return made


# ---- section 6: release ----

@dataclass
class Release:
    type: int
    recipient: bytes  # point
    objects: list  # (core, set)

    def encode(self):
        return (b"DKR1" + u16(self.type) + self.recipient + u16(len(self.objects))
                + b"".join(u16(len(core)) + u32(len(stanzas)) + core + stanzas
                           for core, stanzas in self.objects))


def parse_release(body):
    reader = Reader(body, NativeError("malformed-request"))
    require(reader.take(4) == b"DKR1", "malformed-request")
    made = Release(reader.number(2), reader.take(65), [])
    count = reader.number(2)
    require(1 <= count <= 1000, "malformed-request")
    for _ in range(count):
        core, stanzas = reader.number(2), reader.number(4)
        require(stanzas <= 262144, "malformed-request")
        made.objects.append((reader.take(core), reader.take(stanzas)))
    require(not reader.left() and len(body) <= BODY_LIMIT, "malformed-request")
    return made


def point_spki(point):
    """SubjectPublicKeyInfo of an uncompressed point of P-256."""
    return bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + point


class Context:
    """One HPKE context for several messages (RFC 9180 section 5.2)."""

    def __init__(self, both):
        (self.key, self.nonce), self.sequence = both, 0

    def next(self):
        nonce = bytes(a ^ b for a, b in zip(self.nonce, self.sequence.to_bytes(12, "big")))
        self.sequence += 1
        return self.key, nonce


def core_parts(core):
    """Object id and the commitment to the customer share; section 3 of envelope.md."""
    return core[16:32], core[76:108]


def share_aad(core, index):
    return hashlib.sha384(core).digest() + core_parts(core)[1] + u64(index)


@dataclass
class Asked:
    """What a client knows of its request."""

    body: bytes
    digest: bytes
    user: str
    device: bytes
    ephemeral: object


def check_quorum(service, event, receipt):
    """spec/log.md section 17.1: a service that is pinned in mode strict has no other way."""
    if service.witnesses[:1] != b"\2":
        return
    require(event.get("mode") == 2, "log-quorum")
    policy = note.parse_policy(service.witnesses[1:])
    try:
        seen = note.cosigners(policy, note.parse_note(log.parse_receipt(receipt).checkpoint))
    except note.NoteError as error:
        raise NativeError("receipt" if error.name == "log-note" else error.name) from None
    require(policy.reached(seen), "log-quorum")


def answer_items(reader, count):
    return [(reader.number(2), reader.take(48)) for _ in range(count)]


def check_release(answer, service, asked):
    """The code of each object, and its share if the code is 0."""
    sent = parse_release(asked.body)
    reader = Reader(answer, NativeError("service-reply"))
    require(reader.take(4) == b"DKR2", "service-reply")
    index, enc, count = reader.number(8), reader.take(65), reader.number(2)
    require(count == len(sent.objects), "service-reply")
    items = answer_items(reader, count)
    receipt = reader.rest()
    event, got = receipt_of(service, receipt)
    released = any(code == 0 for code, _ in items)
    require(got == index and event.class_ == (2 if released else 3)
            and event.get("request") == asked.digest
            and event.get("recipient") == hashlib.sha256(point_spki(sent.recipient)).digest()
            and event.get("device") == asked.device and event.get("user") == asked.user
            and len(event.objects) == count, "receipt")
    for (core, stanzas), (code, _), item in zip(sent.objects, items, event.objects):
        if code == CODES.index("object-malformed"):
            require(item == log.Object(code), "receipt")
            continue
        require(item.code == code and item.core_digest == hashlib.sha384(core).digest()
                and item.object_id == core_parts(core)[0]
                and item.epoch == number(stanzas[1:5]), "receipt")
    if released:
        check_quorum(service, event, receipt)
    try:
        context = Context(hpke.setup_receiver(
            hpke.P256, enc, asked.ephemeral, info("release", asked.digest)))
    except hpke.HpkeError:
        raise NativeError("stanza-auth") from None
    return [(CODES[code] if code < len(CODES) else "internal",
             None if code else open_share(context, core, index, sealed))
            for (core, _), (code, sealed) in zip(sent.objects, items)]


def open_share(context, core, index, sealed):
    try:
        share = hpke.open_(context.next(), share_aad(core, index), sealed)
    except hpke.HpkeError:
        raise NativeError("stanza-auth") from None
    object_id, committed = core_parts(core)
    made = ShareKeys(1, share, object_id).commitment
    require(hmac.compare_digest(made, committed), "share-commitment")
    return share


def seal_shares(recipient, asked_digest, index, items, ephemeral=None):
    """What a service does: enc, and (core, share or None) to sealed shares."""
    enc, both = hpke.setup_sender(hpke.P256, recipient, info("release", asked_digest), ephemeral)
    context = Context(both)
    return enc, [bytes(48) if share is None else
                 hpke.seal(context.next(), share_aad(core, index), share)
                 for core, share in items]


# ---- section 6.1: approvals ----

def approval_message(digest, time, user, reason):
    return info("approval", digest + u64(time) + short(user.encode()) + short(reason.encode()))


@dataclass
class Approval:
    time: int
    key_id: bytes
    signature: bytes

    def encode(self):
        return u64(self.time) + self.key_id + self.signature


def read_approval(reader):
    return Approval(reader.number(8), reader.take(32), reader.take(64))


def read_text(reader, size, least, most, name):
    data = reader.take(reader.number(size))
    require(least <= len(data) <= most and is_text(data), name)
    return data.decode()


def encode_approvals(reason, approvals):
    return (b"DKA1" + short(reason.encode()) + u8(len(approvals))
            + b"".join(one.encode() for one in approvals))


def parse_approvals(data):
    reader = Reader(data, NativeError("approval"))
    require(reader.take(4) == b"DKA1", "approval")
    reason, count = read_text(reader, 1, 1, 255, "approval"), reader.number(1)
    require(1 <= count <= 8, "approval")
    made = [read_approval(reader) for _ in range(count)]
    ids = [one.key_id for one in made]
    require(not reader.left() and ids == sorted(set(ids)), "approval")
    return reason, made


@dataclass
class RequestFile:
    base_url: str
    given: Input
    device: bytes
    signature: bytes
    user: str
    reason: str
    body: bytes

    def encode(self):
        url = self.base_url.encode()
        return (b"DKQ1" + u16(len(url)) + url + u64(self.given.created) + self.given.nonce
                + self.device + self.signature + short(self.user.encode())
                + short(self.reason.encode()) + u32(len(self.body)) + self.body)


def open_request_file(data):
    """The file and the digest of its request."""
    reader = Reader(data, NativeError("service-request"))
    require(reader.take(4) == b"DKQ1", "service-request")
    url = read_text(reader, 2, 1, 255, "service-request")
    created, nonce, device = reader.number(8), reader.take(16), reader.take(SPKI_P256)
    signature = reader.take(64)
    user = read_text(reader, 1, 1, 64, "service-request")
    reason = read_text(reader, 1, 1, 255, "service-request")
    body = reader.take(reader.number(4))
    require(not reader.left() and is_base_url(url) and is_user(user) and created < 2**40,
            "service-request")
    given = Input(created, nonce, hashlib.sha256(device).digest())
    base = signature_base(given, url, body)
    try:
        holds = verify(device, base, signature)
    except ValueError:
        holds = False
    require(holds, "service-request")
    return RequestFile(url, given, device, signature, user, reason, body), request_digest(base)


@dataclass
class ApprovalFile:
    base_url: str
    digest: bytes
    approval: Approval

    def encode(self):
        url = self.base_url.encode()
        return b"DKA2" + u16(len(url)) + url + self.digest + self.approval.encode()


def parse_approval_file(data):
    reader = Reader(data, NativeError("service-request"))
    require(reader.take(4) == b"DKA2", "service-request")
    url = read_text(reader, 2, 1, 255, "service-request")
    made = ApprovalFile(url, reader.take(32), read_approval(reader))
    require(not reader.left() and is_base_url(url), "service-request")
    return made
