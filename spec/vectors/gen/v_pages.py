# SPDX-License-Identifier: Apache-2.0
"""The customer's pages: what an authenticator signs, and the bodies around it."""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from reader import pages
from reader.fields import u8, u16
from reader.pages import Assertion

import pieces
import seeded

VECTORS = {}
ORIGIN = "https://dke.contoso.com"
PERSON = "alice@contoso.com"
NOW = 1929000000
ADDRESS = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 7])
KEY = seeded.ephemeral_key(ec.SECP256R1(), "pages", "authenticator")
OTHER = seeded.ephemeral_key(ec.SECP256R1(), "pages", "another authenticator")


def vector(kind, name, spec, expect, comment, /, parts=(), **lines):
    pieces.add(VECTORS, f"{kind}_{name}", kind, spec, expect, comment, parts, **lines)


def draw(purpose, size=32):
    return seeded.draw("pages", purpose, size)


def spki(key):
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def raw(key, message, purpose):
    signature = seeded.ecdsa_sign(key, message, "pages", purpose)
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")


def made(challenge, purpose, key=KEY, client=None, authenticator=None):
    found = Assertion(authenticator or pages.authenticator_data(ORIGIN),
                      client or pages.client_data(challenge, ORIGIN), b"")
    found.signature = encode_dss_signature(*raw(key, pages.signed_by(found), purpose))
    return found


# ---- assertions ----

def one(name, comment, assertion, expect="signature", challenge=draw("challenge"), origin=ORIGIN):
    vector("assertion", name, "2", expect, comment,
           [("spki", spki(KEY)), ("assertion", assertion.encode())],
           challenge=challenge.hex(), base_url=origin)


def assertions():
    challenge = draw("challenge")

    def client(name, comment, data, expect="signature"):
        one(name, comment, made(challenge, name, client=data), expect)

    one("good", "as most browsers write it", made(challenge, "good"), "success")
    client("no_cross_origin", "an older browser, without that member",
           pages.client_data(challenge, ORIGIN, "}"), "success")
    client("more_members", "a browser that says more",
           pages.client_data(challenge, ORIGIN, ',"crossOrigin":false,"other":"a \\"b\\" {}"}'),
           "success")
    one("counter", "the counter is not looked at",
        made(challenge, "counter", authenticator=pages.authenticator_data(ORIGIN, 5, 7)), "success")
    one("backed_up", "other flags, and extensions behind",
        made(challenge, "backed up",
             authenticator=pages.authenticator_data(ORIGIN, 0x9d) + b"\xa1\x63foo\xf5"), "success")
    one("port", "the relying party is the host without the port",
        made(challenge, "port", client=pages.client_data(challenge, f"{ORIGIN}:8443")), "success",
        origin=f"{ORIGIN}:8443")
    client("cross_origin", "a page in a frame of another",
           pages.client_data(challenge, ORIGIN, ',"crossOrigin":true}'))
    client("cross_origin_word", "the word goes on",
           pages.client_data(challenge, ORIGIN, ',"crossOrigin":falsetto}'))
    client("no_end", "no brace at the end",
           pages.client_data(challenge, ORIGIN, ',"crossOrigin":false,'))
    client("more_members_end", "more members, and no brace at the end",
           pages.client_data(challenge, ORIGIN, ',"crossOrigin":false,"other":1'))
    client("behind", "bytes behind the end", pages.client_data(challenge, ORIGIN) + b"\n")
    client("blank", "the same JSON with a blank",
           pages.client_data(challenge, ORIGIN).replace(b":", b": ", 1))
    client("members_order", "the same JSON in another order",
           b"{" + pages.client_data(challenge, ORIGIN)[23:80] + b',"type":"webauthn.get"}')
    client("create", "that of a registration",
           pages.client_data(challenge, ORIGIN).replace(b".get", b".create"))
    client("payment", "another ceremony",
           pages.client_data(challenge, ORIGIN).replace(b"webauthn.get", b"payment.get"))
    client("challenge", "another challenge", pages.client_data(draw("another"), ORIGIN))
    client("challenge_padded", "base64 with padding", pages.client_data(challenge, ORIGIN).replace(
        b'","origin', b'=","origin'))
    for name, origin in (("other", "https://dke.contoso.example"),
                         ("http", "http://dke.contoso.com"), ("port", f"{ORIGIN}:444"),
                         ("slash", f"{ORIGIN}/"), ("subdomain", "https://a.dke.contoso.com"),
                         ("prefix", "https://dke.contoso.com.evil.example")):
        client(f"origin_{name}", "another origin", pages.client_data(challenge, origin))
    for name, flags in (("absent", 4), ("unverified", 1), ("none", 0)):
        one(f"flags_{name}", "user not present, or not verified",
            made(challenge, f"flags {name}", authenticator=pages.authenticator_data(ORIGIN, flags)))
    for name, party in (("other", "https://contoso.com"),
                        ("subdomain", "https://a.dke.contoso.com")):
        one(f"party_{name}", "of another relying party",
            made(challenge, f"party {name}", authenticator=pages.authenticator_data(party)))
    one("key", "another authenticator", made(challenge, "key", key=OTHER))
    wrong_signatures(challenge)


def wrong_signatures(challenge):
    # One that is short enough to take a byte more.
    purpose = next(p for p in map("wrong {}".format, range(64))
                   if len(made(challenge, p).signature) < 72)
    good = made(challenge, purpose)

    def changed(name, comment, signature):
        one(name, comment, Assertion(good.authenticator, good.client, signature))

    r, s = raw(KEY, pages.signed_by(good), purpose)
    der = encode_dss_signature(r, s)
    changed("bit", "one bit of the signature", der[:-1] + bytes([der[-1] ^ 1]))
    changed("zero", "r = 0", encode_dss_signature(0, s))
    changed("order", "s + order", encode_dss_signature(r, s + seeded.ORDER["secp256r1"]))
    changed("der_long", "a length in two bytes", der[:1] + b"\x81" + der[1:])
    changed("der_behind", "a byte behind", der + b"\0")
    changed("raw", "r || s", r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    swapped = Assertion(pages.authenticator_data(ORIGIN, 0x1d), good.client, good.signature)
    one("data_changed", "flags that were not signed", swapped)


# ---- bodies ----

def listing(name, comment, data, expect="malformed-request", **lines):
    vector("list", name, "4", expect, comment,
           [("body", data), ("address", ADDRESS), ("spki", spki(KEY))], base_url=ORIGIN, **lines)


def act(name, comment, data, expect="malformed-request", **lines):
    vector("act", name, "5", expect, comment,
           [("body", data), ("address", ADDRESS), ("spki", spki(KEY))], base_url=ORIGIN,
           person=PERSON, **lines)


CREDENTIAL = draw("credential", 20)
NONCE = draw("nonce", 16)


def bodies():
    challenge = pages.list_challenge(ADDRESS, NOW, NONCE)
    good = pages.write_list(NOW, NONCE, CREDENTIAL, made(challenge, "list"))
    listing("good", "what waits for a person", good, "success", time=NOW, nonce=NONCE.hex(),
            credential=CREDENTIAL.hex())
    listing("time", "a time that was not signed",
            pages.write_list(NOW + 1, NONCE, CREDENTIAL, made(challenge, "list time")), "signature")
    elsewhere = pages.list_challenge(bytes(15) + b"\1", NOW, NONCE)
    listing("address", "signed for another address",
            pages.write_list(NOW, NONCE, CREDENTIAL, made(elsewhere, "list elsewhere")),
            "signature")
    layouts(listing, good, 28)
    for name, what in (("confirm", pages.CONFIRM), ("open", pages.OPEN), ("close", pages.CLOSE)):
        document = draw("document") if what == pages.CONFIRM else bytes(32)
        act(name, "an act", acted(what, document), "success", what=what, time=NOW,
            nonce=NONCE.hex(), document=document.hex(), credential=CREDENTIAL.hex())
    zeros = pages.act_challenge(2, ADDRESS, PERSON, bytes(32), NOW, bytes(16))
    act("nonce_zeros", "a nonce that is none", pages.write_act(
        2, NOW, bytes(16), bytes(32), CREDENTIAL, made(zeros, "act without a nonce")))
    zeros = pages.list_challenge(ADDRESS, NOW, bytes(16))
    listing("nonce_zeros", "a nonce that is none", pages.write_list(
        NOW, bytes(16), CREDENTIAL, made(zeros, "list without a nonce")))
    act("what_0", "no such act", acted(0, bytes(32)))
    act("what_4", "no such act", acted(4, bytes(32)))
    act("open_document", "a session of a document", acted(2, draw("document")))
    wrong_acts()
    layouts(act, acted(pages.CONFIRM, draw("document")), 61)


def acted(what, document, signed=None):
    said = dict(what=what, address=ADDRESS, person=PERSON, document=document, time=NOW,
                nonce=NONCE) | (signed or {})
    purpose = f"act {what} {document.hex()} {sorted(signed or {})}"
    return pages.write_act(what, NOW, NONCE, document, CREDENTIAL,
                           made(pages.act_challenge(**said), purpose))


def wrong_acts():
    document = draw("document")
    for name, value in (("what", 2), ("address", bytes(16)), ("person", "bob@contoso.com"),
                        ("document", draw("another document")), ("time", NOW - 1),
                        ("nonce", bytes(16))):
        act(f"other_{name}", "signed for something else", acted(1, document, {name: value}),
            "signature")
    listed = made(pages.list_challenge(ADDRESS, NOW, NONCE), "list as act")
    act("of_a_list", "what was signed to see a list",
        pages.write_act(1, NOW, NONCE, document, CREDENTIAL, listed), "signature")


def layouts(kind, good, at):
    """Bodies cut, longer, or with a length that does not fit; at: of the credential's length."""
    length = int.from_bytes(good[at:at + 2], "big")
    behind = at + 2 + length
    kind("empty", "nothing", b"")
    kind("magic", "another layout", b"X" + good[1:])
    kind("cut", "one byte less", good[:-1])
    kind("longer", "one byte more", good + b"\0")
    kind("credential_short", "a credential id of 15 bytes",
         good[:at] + u16(15) + good[at + 2:at + 17] + good[behind:])
    kind("credential_long", "a credential id of 1,024 bytes",
         good[:at] + u16(1024) + bytes(1024) + good[behind:])
    kind("authenticator_short", "authenticator data of 36 bytes",
         good[:behind] + u16(36) + good[behind + 2:behind + 38] + good[behind + 39:])
    kind("authenticator_long", "authenticator data of 1,025 bytes",
         good[:behind] + u16(1025) + bytes(1025) + good[behind + 39:])
    client = behind + 39
    size = int.from_bytes(good[client:client + 2], "big")
    kind("client_empty", "no client data",
         good[:client] + u16(0) + good[client + 2 + size:])
    kind("client_long", "client data of 1,025 bytes",
         good[:client] + u16(1025) + bytes(1025) + good[client + 2 + size:])


# ---- sessions of enrolled devices ----

def presences():
    def body(name, comment, data, expect="malformed-request", **lines):
        vector("presence", name, "5.1", expect, comment, [("body", data)], **lines)

    def answer(name, comment, data, expect="reply", **lines):
        pieces.add(VECTORS, f"presence_answer_{name}", "presence-answer", "5.1", expect, comment,
                   [("answer", data)], **lines)

    for what, name in ((1, "open"), (2, "close"), (3, "status")):
        address = bytes(16) if what == 3 else ADDRESS
        body(name, "a session", pages.write_presence(what, address), "success", what=what,
             address=address.hex())
    good = pages.write_presence(1, ADDRESS)
    for name, comment, data in (
            ("what_0", "no such act", pages.write_presence(0, ADDRESS)), ("empty", "nothing", b""),
            ("nowhere", "a session of no address", pages.write_presence(1, bytes(16))),
            ("status_somewhere", "nothing to sign", pages.write_presence(3, ADDRESS)),
            ("what_4", "no such act", pages.write_presence(4, ADDRESS)), ("cut", "one byte less", good[:-1]),
            ("longer", "one byte more", good + b"\0"), ("magic", "another layout", b"DKP2" + good[4:])):
        body(name, comment, data)
    good = pages.write_presence_answer(7, NOW, ADDRESS, PERSON.encode())
    answer("good", "a session", good, "success", index=7, until=NOW, address=ADDRESS.hex(),
           person=PERSON)
    longest = b"a" * 150
    answer("long", "a long person", pages.write_presence_answer(0, 0, ADDRESS, longest),
           "success", index=0, until=0, address=ADDRESS.hex(), person=longest.decode())
    for name, comment, data in (
            ("empty", "nothing", b""), ("cut", "one byte less", good[:-1]),
            ("longer", "one byte more", good + b"\0"), ("magic", "another layout", b"DKG2" + good[4:]),
            ("no_person", "nobody", pages.write_presence_answer(7, NOW, ADDRESS, b"")),
            ("person_255", "a person of 255 bytes",
             pages.write_presence_answer(7, NOW, ADDRESS, b"a" * 255)),
            ("person_control", "a control character",
             pages.write_presence_answer(7, NOW, ADDRESS, b"a\x1bb"))):
        answer(name, comment, data)


# ---- registration ----

CODE_ID, CLIENT_KEY = draw("code id", 16), draw("client key", 48)


def registered(person=PERSON, name="phone", key=KEY, mac_key=CLIENT_KEY, own=None, origin=ORIGIN):
    begin = pages.register_begin(CODE_ID, person, name, spki(key), CREDENTIAL)
    challenge = own or pages.register_challenge(begin)
    assertion = made(challenge, f"register {person} {name}", key=KEY,
                     client=pages.client_data(challenge, origin))
    body = begin + assertion.encode()
    return body + hmac.digest(mac_key, body, "sha384")


def register(name, comment, data, expect, **lines):
    vector("register", name, "3", expect, comment, [("body", data), ("client-key", CLIENT_KEY)],
           base_url=ORIGIN, **lines)


def registrations():
    good = registered()
    register("good", "an authenticator", good, "success", person=PERSON, device_name="phone",
             device=hashlib.sha256(spki(KEY)).hexdigest(), credential=CREDENTIAL.hex(),
             code_id=CODE_ID.hex())
    register("mac", "another code", registered(mac_key=bytes(48)), "enrol-code")
    register("key", "a key that did not sign", registered(key=OTHER), "enrol-code")
    register("challenge", "signed for something else", registered(own=bytes(32)), "enrol-code")
    register("origin", "on another page", registered(origin="https://contoso.com"), "enrol-code")
    for at, what in ((4, "the code id"), (25, "the person"), (60, "the key"),
                     (200, "the assertion")):
        register(f"changed_{at}", f"a bit of {what}",
                 good[:at] + bytes([good[at] ^ 1]) + good[at + 1:], "enrol-code")
    for name, person in (("upper", "Alice@contoso.com"), ("empty", ""), ("blank", "a b")):
        register(f"person_{name}", "no name of a user", registered(person=person),
                 "malformed-request")
    register("name_control", "a control character", registered(name="a\tb"), "malformed-request")
    register("name_empty", "no name", registered(name=""), "malformed-request")
    register("cut", "one byte less", good[:-1], "malformed-request")
    register("longer", "one byte more", good + b"\0", "malformed-request")
    register("magic", "a device of another kind", b"DKE1" + good[4:], "malformed-request")


def register_answers():
    request, server = registered(), draw("server key", 48)

    def answer(name, comment, data, expect="reply", **lines):
        pieces.add(VECTORS, f"register_answer_{name}", "register-answer", "3", expect, comment,
                   [("answer", data), ("request", request), ("server-key", server)], **lines)

    def made(state, key=server, asked=request):
        return pages.write_register_answer(key, asked, 7, state)

    good = made(1)
    answer("active", "it counts", good, "success", index=7, state=1)
    answer("waits", "it waits for an administrator", made(3), "success", index=7, state=3)
    for state in (0, 2, 4):
        answer(f"state_{state}", "no state of one that was just registered", made(state))
    for name, comment, data in (
            ("empty", "nothing", b""), ("cut", "one byte less", good[:-1]),
            ("longer", "one byte more", good + b"\0"), ("magic", "another layout", b"DKE2" + good[4:]),
            ("no_state", "without the state",
             good[:12] + hmac.digest(server, request[-48:] + good[:12], "sha384")),
            ("state_changed", "waits, made active", made(3)[:12] + b"\1" + made(3)[13:]),
            ("index_changed", "another index", good[:11] + b"\x08" + good[12:]),
            ("mac", "of a service without the code", made(1, key=CLIENT_KEY)),
            ("other_request", "to another request", made(1, asked=registered(name="tablet")))):
        answer(name, comment, data)


assertions()
bodies()
presences()
registrations()
register_answers()
