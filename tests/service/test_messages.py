# SPDX-License-Identifier: Apache-2.0
"""Every receiver of spec/ipc.md against peers that break its rules: each message too long
and without its layout, and each channel with packets out of order. The real processes, with
the test as all their peers. That a set with a bad process recovers is test_violations.py."""
import os
import shutil
import socket
import ssl
import struct
import subprocess

import pytest

from peers import CHANNELS, PART, PROCESSES, Child, Peers, anchored, packet, packets, table
from service import Service
from test_hsm import MODULES, PIN, URI

NOBODY = 0x7777
TABLE = table()
LEAF = bytes(48)
HEAD = bytes(16) + bytes(8 + 16 + 32 + 64)  # of RELEASE
JUDGED = bytes(8) + bytes(32)  # told, policy


def u16(n):
    return struct.pack(">H", n)


def u32(n):
    return struct.pack(">I", n)


def charge():
    return bytes(32) + u32(1) + u32(0) + u32(0)


def claim(kind, data):
    return bytes([kind]) + u16(len(data)) + data


def claims(*those):
    return bytes([len(those)]) + b"".join(those)


def names(*texts, state=1):
    return bytes([state]) + bytes(64) + bytes([len(texts)]) + b"".join(
        bytes([len(t)]) + t for t in texts)


def append(charges=0, more=b"", record=b"record", rule=0, mode=1):
    return LEAF + bytes(8) + bytes([rule]) + bytes(32 + 8 + 32 + 16 + 8) + bytes([mode, charges]) + more + record


def judged(n=b"\0\0", c=b"\0", f=b"\0", head=HEAD, shown=b"\0", body=b"body"):
    return JUDGED + n + c + f + head + shown + body


def appended(n=0, hashes=b"", checkpoint=b"text\n"):
    return u16(0) + bytes(8) + bytes([n]) + hashes + checkpoint


def tls(files=(b"", b"", b""), more=b""):
    """Those of the native listener, and none of the other one."""
    return b"".join(u32(len(f)) + f for f in (*files, b"", b"", b"")) + more


def text(data):
    return bytes([len(data)]) + data


def key_set(name=b"corp", time=1, data=b"{}"):
    return text(name) + struct.pack(">Q", time) + bytes(32) + data


def asked_directory(url=b"https://127.0.0.1:1/", bind=b"cn=a", password=b"p", base=b"dc=a",
                    attribute=b"uid", member_of=b"memberOf", nested=1, groups=(b"cn=b",), n=None,
                    more=b""):
    return (b"".join(map(text, (url, bind, password, base, attribute, member_of)))
            + bytes([nested]) + bytes(32) + bytes([len(groups) if n is None else n])
            + b"".join(map(text, groups)) + more)


def issuer_state():
    return text(b"corp") + bytes(24)


def witness_state(name=b"w1", result=10):
    return text(name) + bytes(24) + bytes([result]) + u16(200)


def new_set(name=b"corp", n=1):
    return bytes(64) + b"\7" + text(name) + bytes([n]) + n * bytes(32)


def erase(before=5, user=b"alice", devices=(), count=None):
    return (struct.pack(">Q", before) + text(user) + struct.pack(">Q", 1 << 40)
            + u32(len(devices) if count is None else count)
            + b"".join(struct.pack(">QB", *d) for d in devices))


def dke_names(name=b"Docs", id_=b"9f1c"):
    return text(name) + text(id_)


def front(kind=1, person=b"alice@contoso.com"):
    return claim(5, bytes([kind]) + bytes(32) + person)


def dke_decrypt(shown=b"\0", names=dke_names(), json=1, body=b"{}"):
    return bytes(16) + shown + names + bytes([json]) + u16(len(body)) + body


def field(tag, value):
    return u16(tag) + u16(len(value)) + value


DKE_TOKEN = bytes(32 + 8) + text(b"iss") + text(b"kid") + text(b"")
DKE_FIELDS = (field(16, u16(5) + b"\5" + bytes(8)), field(19, DKE_TOKEN), field(20, bytes(64)),
              field(23, b"a" * 36), field(24, b"rule"))
DKE_ONCE = (field(19, DKE_TOKEN[:-1] + text(b"id")), *DKE_FIELDS[2:])


def dke_judged(code=0, level=3, c=b"\0", fields=DKE_FIELDS, person=b"alice@contoso.com",
               names=dke_names(), value=b"v" * 256, told=0, until=0):
    return (struct.pack(">Q", told) + bytes(32) + u16(code) + bytes([level]) + c
            + bytes([len(fields)]) + b"".join(fields) + bytes(16) + text(person) + bytes(32)
            + struct.pack(">Q", until) + names + u16(len(value)) + value)


DKE_CLAIM = claim(2, b"a.b.c")


def dke_key(name=b"Docs", modulus=b"n" * 256):
    return dke_names(name) + u16(len(modulus)) + modulus


DKE_RIGHT = {
    "DKE_DECRYPT": [dke_decrypt(claims(DKE_CLAIM)), dke_decrypt(claims(DKE_CLAIM), json=0, body=b""),
                    dke_decrypt(claims(claim(1, names(b"cn:x")), claim(2, b"x" * 14336), front()))],
    "DKE_JUDGED": [dke_judged(), dke_judged(c=b"\1" + charge()),
                   dke_judged(fields=DKE_ONCE, until=(1 << 40) - 1),
                   dke_judged(40, 0, fields=(), person=b"", value=b"")],
    "DKE_KEYS": [u16(0), u16(2) + dke_key(b"A") + dke_key(b"a", b"n" * 512)],
}
DKE_WRONG = {
    "DKE_DECRYPT": [b"", dke_decrypt(), dke_decrypt(claims(front())), dke_decrypt(claims(DKE_CLAIM))[:-1],
                    dke_decrypt(claims(DKE_CLAIM)) + b"x", dke_decrypt(claims(DKE_CLAIM), json=2),
                    dke_decrypt(claims(claim(1, b"x"), DKE_CLAIM)),
                    dke_decrypt(claims(DKE_CLAIM), names=dke_names(b".x")), dke_decrypt(claims(DKE_CLAIM), names=dke_names(b"")),
                    dke_decrypt(claims(DKE_CLAIM), names=dke_names(id_=b"x" * 65)),
                    dke_decrypt(claims(DKE_CLAIM), names=dke_names(id_=b"x/y")),
                    dke_decrypt(claims(DKE_CLAIM, claim(3, bytes(32)))), dke_decrypt(claims(DKE_CLAIM, claim(4, b"x"))),
                    dke_decrypt(claims(claim(2, b"x" * 14337))),
                    dke_decrypt(claims(DKE_CLAIM, front(0))), dke_decrypt(claims(DKE_CLAIM, front(3))),
                    dke_decrypt(claims(DKE_CLAIM, front(person=b""))),
                    dke_decrypt(claims(DKE_CLAIM, front(person=b"x" * 255))),
                    dke_decrypt(claims(DKE_CLAIM, front(person=b"a b"))), dke_decrypt(claims(DKE_CLAIM), body=b"x" * 4097)],
    "DKE_JUDGED": [b"", dke_judged(until=5), dke_judged(fields=DKE_ONCE, until=1 << 40),
                   dke_judged(20, 0, fields=(), person=b"", value=b"", until=5), dke_judged()[:-1], dke_judged() + b"x", dke_judged(9999),
                   dke_judged(level=0), dke_judged(level=1), dke_judged(20, 5),
                   dke_judged(c=b"\x11" + 17 * charge()),
                   *[dke_judged(fields=DKE_FIELDS[:i] + DKE_FIELDS[i + 1:]) for i in (1, 3, 4)],
                   *[dke_judged(fields=DKE_FIELDS + (more,)) for more in (
                       field(99, b"x"), field(24, b"again"), field(16, u16(3) + b"\5" + bytes(8)),
                       field(16, u16(8) + b"\5" + bytes(8)), field(16, u16(5) + bytes(9)),
                       field(16, u16(5) + b"\x08" + bytes(8)), field(16, u16(5) + b"\5"),
                       field(24, b""))],
                   dke_judged(fields=DKE_FIELDS + 15 * (DKE_FIELDS[0],)),
                   dke_judged(fields=DKE_FIELDS[:3] + (field(23, b"a" * 35), DKE_FIELDS[4])),
                   dke_judged(fields=DKE_FIELDS[:4] + (field(24, b"r" * 65),)),
                   dke_judged(person=b""), dke_judged(person=b"x" * 255),
                   dke_judged(person=b"a b"), dke_judged(names=dke_names(b"-")),
                   dke_judged(value=b""), dke_judged(value=b"v" * 1025), dke_judged(told=99)],
    "DKE_KEYS": [b"", u16(1), u16(1) + dke_key() + b"x", u16(2) + 2 * dke_key(),
                 u16(2) + dke_key(b"b") + dke_key(b"a"), u16(1) + dke_key(modulus=b""),
                 u16(1) + dke_key(modulus=b"n" * 513), u16(1) + dke_key(b"_"), u16(257)],
}
def approver(title=b"rule", scopes=3, needed=2, hours=720):
    return text(title) + bytes([scopes, needed]) + u32(hours)


ACCEPT = u32(0) + text(b"contoso") + bytes(32)
ENTRY = bytes(8) + LEAF + u32(1) + b"x"
LONG = b"x" * 4194305
# Of each message: payloads that have its layout, and payloads that have not.
CASES = {
    "GO": ([bytes(8)], [b"", bytes(7)]),
    "STOP": ([], []),
    "ADMIN": ([u16(1) + u32(0) + b"\0", b"", b"\xff" * 40], []),  # answered with `argument`
    "RECORDS": ([bytes(12)], [b"", bytes(11)]),
    "POLICY_TEXT": ([u32(0) + u32(5) + b"rule{", u32(0) + u32(0)],
                    [b"", bytes(7), u32(0) + u32(2) + b"x"]),
    "TLS": ([tls()], [b"", bytes(11), tls(more=b"x"), tls((b"", b"", b"x"))[:-1],
                      tls((b"x" * 65537, b"", b""))]),
    # The first one is no URL that can be fetched, which is an answer and no violation.
    "FETCH": ([text(b"x") + b"no certificate", text(b"https://127.0.0.1:1/") + b"none",
               text(b"https://127.0.0.1:1/")],
              [b"", b"\0", text(b"x" * 201), b"\2x", text(b"x\0y"), text(b"x") + b"a\0b"]),
    # Nobody is there, which is an answer and no violation.
    "DIRECTORY": ([asked_directory(), asked_directory(more=b"no certificate"),
                   asked_directory(bind=b"", password=b""), asked_directory(url=b"x", nested=2),
                   asked_directory(groups=32 * (b"cn=b",))],
                  [b"", asked_directory()[:-1], asked_directory(groups=()), asked_directory(n=2),
                   asked_directory(groups=33 * (b"cn=b",)), asked_directory(groups=(b"",)),
                   asked_directory(nested=3), asked_directory(password=b""),
                   asked_directory(bind=b""), asked_directory(url=b""), asked_directory(base=b""),
                   asked_directory(attribute=b""), asked_directory(member_of=b""),
                   asked_directory(base=b"a\0"), asked_directory(more=b"a\0b")]),
    # The last one is no URL that can be asked, which is an answer and no violation.
    "POST": ([text(b"http://127.0.0.1:1/") + u32(0) + b"old 0\n", text(b"x") + u32(2) + b"ca"],
             [b"", text(b"x"), text(b"") + u32(0), text(b"x" * 241) + u32(0), text(b"x\0") + u32(0),
              text(b"x") + u32(1), text(b"x") + u32(2) + b"\0a",
              text(b"x") + u32(0) + b"x" * 16385]),
    "WITNESS_ANSWER": ([], [b"", bytes(2), b"\0\0\xc8", b"\x09\0\0", b"\1\0\0x"]),  # not asked for
    "WITNESS_GAUGES": ([bytes(17), bytes(16) + b"\1" + witness_state()],
                       [b"", bytes(16), bytes(18), bytes(16) + b"\1",
                        bytes(16) + b"\x21" + 33 * witness_state(),
                        bytes(16) + b"\1" + witness_state(b""),
                        bytes(16) + b"\1" + witness_state(b"x" * 65),
                        bytes(16) + b"\1" + witness_state(b"a\0"),
                        bytes(16) + b"\1" + witness_state(result=9)]),
    "KEY_SET": ([key_set(), key_set(data=b"")],
                [b"", key_set(b""), key_set(b"x" * 33), key_set(time=0), key_set(data=b"")[:-1]]),
    "FETCH_STATE": ([bytes(9), bytes(8) + b"\1" + text(b"corp") + bytes(24)],
                    [b"", bytes(8), bytes(8) + b"\1", bytes(8) + b"\x25" + 37 * issuer_state(),
                     bytes(8) + b"\1" + text(b"") + bytes(16), bytes(10),
                     bytes(8) + b"\1" + issuer_state()[:-1]]),
    "METADATA": ([key_set()[:5] + b"{}", text(b"x")], [b"", text(b""), text(b"x" * 33), b"\5abc"]),
    "KEY_ACCEPT": ([ACCEPT], [b"", ACCEPT[:-1], ACCEPT + b"x", u32(0) + text(b"") + bytes(32)]),
    "KEY_ACCEPT_NEW": ([ACCEPT], [b"", ACCEPT[:-1], ACCEPT + b"x", u32(0) + text(b"") + bytes(32),
                                  u32(0) + text(b"a\n") + bytes(32)]),
    "KEY_SET_NEW": ([new_set()], [b"", new_set(name=b""), new_set(name=b"x" * 33), new_set(n=0),
                                  new_set(n=33), new_set()[:-1], new_set() + b"x"]),
    "RELEASE": ([HEAD + b"\0", HEAD + claims(claim(3, bytes(32))) + b"body",
                 HEAD + claims(claim(1, names(b"cn:x")), claim(4, b"no approvals"))],
                [b"", HEAD[:-1], HEAD, HEAD + b"\1", HEAD + claims(claim(0, b"x")),
                 HEAD + claims(claim(5, b"x")), HEAD + claims(claim(2, b"")),
                 HEAD + claims(claim(2, b"x" * 8193)), HEAD + claims(claim(4, b"x" * 1094)),
                 HEAD + claims(claim(4, b"x"), claim(2, b"x")),
                 HEAD + claims(claim(2, b"x"), claim(2, b"x")),
                 HEAD + claims(claim(3, bytes(31))), HEAD + claims(claim(3, bytes(33))),
                 HEAD + claims(claim(1, names(state=3))), HEAD + claims(claim(1, names()[:-1])),
                 HEAD + claims(claim(1, names() + b"x")),
                 HEAD + claims(claim(1, names(b"cn:\xff"))),
                 HEAD + claims(claim(1, names(*[b"cn:x"] * 33))),
                 HEAD + b"\0" + LONG]),
    "ENROL": ([bytes(16), bytes(16) + b"DKE1"], [b"", bytes(15)]),
    "KEY": ([b"", b"finance", b"\xff" * 64], []),  # whatever it is, no such key is there
    "RELEASE_JUDGED": ([judged(), judged(n=u16(1) + u16(20), c=b"\1" + charge())],
                       [b"", JUDGED, b"\1" + judged()[1:], judged()[:8 + 32 + 4 + 100],
                        judged(n=u16(9000)),
                        judged(c=b"\21" + 17 * charge()), judged(c=b"\1" + charge()[:-1],
                                                                 head=HEAD[:10], shown=b"",
                                                                 body=b""),
                        judged(f=b"\1" + u16(99) + u16(1) + b"x"),
                        judged(f=b"\1" + u16(1) + u16(60000)),
                        judged(shown=claims(claim(9, b"x"))),
                        judged(shown=claims(claim(3, bytes(31)))), judged(body=LONG)]),
    "PAGE": ([bytes(16), bytes(16) + b"DKG1", bytes(16) + b"DKE3"], [b"", bytes(15)]),
    "PAGE_PASSED": ([u16(0) + bytes(16), u16(9) + bytes(16) + b"DKG1", u16(0) + bytes(16) + b"DKE3"],
                    [b"", u16(0) + bytes(15), u16(9999) + bytes(16)]),
    "PRESENCE": ([bytes(136), bytes(136) + b"DKP1"], [b"", bytes(135)]),
    "PRESENCE_PASSED": ([bytes(136), bytes(200)], [b"", bytes(135)]),
    "GATE": ([b"\5" + bytes(64), b"\6" + bytes(56) + b"\x7f" * 8],
             [b"", bytes(65), b"\5" + bytes(63), b"\7" + bytes(64)]),
    "APPROVE": ([HEAD + b"\0", HEAD + b"\0DKN1", HEAD + b"\0" + b"x" * 4096],
                [b"", HEAD, HEAD[:-1] + b"\0", HEAD + b"\1", HEAD + claims(claim(3, bytes(32))),
                 HEAD + b"\0" + b"x" * 4097]),
    "APPROVE_PASSED": ([u16(0) + u16(0) + HEAD + b"\0DKN1", u16(20) + u16(1) + approver() + HEAD + b"\0",
                        u16(0) + u16(0) + HEAD + b"\0DKV1"],
                       [b"", u16(0) + HEAD, u16(9999) + u16(0) + HEAD + b"\0",
                        u16(0) + u16(1) + HEAD + b"\0", u16(0) + u16(1001) + HEAD + b"\0",
                        u16(0) + u16(0) + HEAD, *[u16(0) + u16(1) + approver(**wrong) + HEAD + b"\0"
                                                  for wrong in (
                            dict(title=b""), dict(title=b"r" * 65), dict(scopes=0), dict(scopes=4),
                            dict(needed=0), dict(needed=9), dict(hours=0), dict(hours=8785))]]),
    "APPROVED": ([bytes(88) + b"\1", b"\xff" * 88 + b"\x08"],
                 [b"", bytes(88), bytes(89), bytes(88) + b"\x09", bytes(90)]),
    "AUTHENTICATOR": ([bytes(123) + bytes(16), bytes(123) + bytes(1023)],
                      [b"", bytes(122), bytes(123) + bytes(15)]),
    "ENROL_PASSED": ([bytes(16), bytes(16) + b"DKE1"], [b"", bytes(15)]),
    "KEY_PASSED": ([b"", b"finance", b"\xff" * 64], []),
    "POLICY": ([bytes(64)], [b"", bytes(63), bytes(65), bytes(68)]),  # 68: to replace another
    "AUDITORS": ([bytes(32), bytes(64), bytes(32 + 16 * 32)], [b"", bytes(31), bytes(33)]),
    "DEVICE": ([bytes(32) + b"\1u", bytes(32) + b"\2u", bytes(32) + b"\3u"],
               [b"", bytes(33), bytes(32) + b"\0u", bytes(32) + b"\4u"]),
    "SERVICE_KEY": ([bytes(32) + b"\1k", bytes(32) + b"\3k"],
                    [b"", bytes(33), bytes(32) + b"\0k", bytes(32) + b"\4k"]),
    "POLICY_LOGGED": ([], [b"", b"\0", u16(0)]),  # not asked for
    "RESULT": ([u16(0), u16(20), u16(0) + b"body"], [b"", b"\0", u16(9999)]),
    "APPEND": ([append(), append(1, charge()), append(rule=2)],
               [b"", append()[:100], append(rule=3), append(17, 17 * charge()),
                append(1, charge()[:-1], b""),
                append(mode=0), append(mode=3)]),
    "APPENDED": ([appended()], [b"", b"\0", u16(9999), u16(28) + b"x", appended(n=65),
                                appended(n=1, hashes=bytes(31), checkpoint=b"")]),
    "STATE_TAKE": ([bytes(8)], [b"", bytes(7), bytes(9)]),
    # Nobody asked.
    "STATE_TAKEN": ([], [b"", u16(0) + bytes(8), u16(9999), u16(28) + b"x", u16(0) + bytes(7)]),
    "STATE_PUT": ([bytes(7) + b"\1x"], [b"", bytes(8), bytes(9), b"\xff" * 8 + b"x",
                                        bytes(7) + b"\1"]),
    "STATE_PUT_DONE": ([], [b"", u16(0), u16(9999), u16(0) + b"x", u16(0xff01)]),
    "STATE_NEW": ([bytes(8), bytes(7) + b"\1"], [b"", bytes(7)]),
    "ENTRIES": ([bytes(12), b"\x7f" + bytes(11)], [b"", bytes(11)]),
    "ENTRIES_DONE": ([], [b"", b"\0", u16(0) + bytes(12)]),  # not asked for
    "ANCHOR": ([bytes(8)], [b"", bytes(7)]),
    "ANCHORED": ([anchored()],
                 [b"", anchored()[:-1], anchored(more=b"x"), anchored(n=1, more=ENTRY[:-1]),
                  anchored(n=3, more=3 * ENTRY), anchored(code=9999)]),
    "ERASE": ([erase(), erase(user=b""), erase(devices=[(1, 1), (0, 0)])],
              [b"", erase()[:-1], erase() + b"x", erase(user=b"u" * 255), erase(before=1 << 63),
               erase(count=20001), erase(devices=[(1, 1)])[:-1], bytes(8) + b"\x40u", erase(user=b"u\0")]),
    "ERASED": ([], [b"", bytes(17), u16(0) + bytes(16), u16(9999) + bytes(16)]),  # not asked for
    "TOKEN_MAKE": ([u16(1) + bytes(16) + b"pkcs11:token=none"],
                   [b"", u16(1) + bytes(15), u16(0) + bytes(16), u16(4) + bytes(16)]),
    "TOKEN_USE": ([u16(1) + bytes(16) + bytes(65)],
                  [b"", u16(1) + bytes(16), u16(9) + bytes(16) + bytes(65)]),
    "TOKEN_DESTROY": ([u16(1) + bytes(16)], [b"", bytes(17), u16(9) + bytes(16)]),
    "TOKEN_DONE": ([], [b"", b"\0", u16(0), u16(9999)]),  # not asked for
    "READ": ([b"", b"checkpoint", b"\0" * 64, b"../../etc/passwd"], []),
    "DATA": ([u16(0) + b"x", u16(2)], [b"", b"\0", u16(9999)]),
    "LOG_STATE": ([b"\0" + bytes(16), b"\1" + bytes(16)], [b"", bytes(16), b"\2" + bytes(16)]),
}
CASES |= {name: (DKE_RIGHT[name], wrong) for name, wrong in DKE_WRONG.items()}
RECEIVED = [m for m in TABLE if m.receiver != "parent"]


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    s = Service(tmp_path_factory.mktemp("peers"))
    return PeersWithToken(s)


class PeersWithToken(Peers):
    def start_tokend(self):
        folder = os.path.join(self.s.base, "hsm")
        env = {"SOFTHSM2_CONF": os.path.join(folder, "softhsm2.conf")}
        if not os.path.exists(folder):
            os.makedirs(os.path.join(folder, "tokens"))
            with open(env["SOFTHSM2_CONF"], "w") as f:
                f.write("directories.tokendir = %s/tokens\nobjectstore.backend = file\n" % folder)
            with open(os.path.join(folder, "pin"), "w") as f:
                f.write(PIN)
            subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "dk", "--pin",
                            PIN, "--so-pin", "314159"], check=True, capture_output=True,
                           env={**os.environ, **env})
        uri = "%s?module-path=%s" % (URI, MODULES[0])
        return Child("tokend", [self.file(os.path.join(folder, "pin"))], "/",
                     args=[uri, folder, ""], env=env)


def skip_without_hsm(name):
    if name == "tokend" and (not MODULES or not shutil.which("softhsm2-util")):
        pytest.skip("softhsm2 is not installed")


class Case:
    """What is sent, and the type that the receiver must tell; None: any."""

    def __init__(self, sender, what, send, told):
        self.sender, self.what, self.send, self.told = sender, what, send, told


def send(child, message, payload):
    """With the id that was asked with, where there is a question."""
    channel, number = child.channel[message.sender], 7
    if message.name == "APPENDED":
        number, _ = channel.expect(0x0401)
    channel.send(message.type, payload, number)
    try:
        channel.raw(packet(NOBODY))
    except OSError:
        pass  # closed already


def cases_of(message):
    """Behind each message comes one that nobody may send: so one that is right is not met
    with silence either."""
    right, wrong = CASES[message.name]
    for payload, told in [(p, NOBODY) for p in right] + [(p, message.type) for p in wrong]:
        yield Case(message.sender, (message.name, payload[:200]),
                   lambda child, p=payload: send(child, message, p), told)
    start = packet(message.type, b"x" * min(PART, message.longest + 1), message.longest + 1)
    yield Case(message.sender, (message.name, "too long"),
               lambda child: child.channel[message.sender].raw(start), message.type)


def run(peers, receiver, cases, start):
    """A violation ends one channel: so one process takes a case from each, and the parent's
    at last."""
    queue = {peer: [c for c in cases if c.sender == peer] for peer in
             CHANNELS[receiver][1:] + ["tokend", "parent"]}
    while any(queue.values()):
        child = start(receiver)
        for peer in list(queue):
            if not queue[peer]:
                continue
            case = queue[peer].pop(0)
            case.send(child)
            who, told = child.violation()
            assert who == PROCESSES[case.sender], case.what
            assert case.told in (None, told), case.what
        said = child.end()
        assert "Sanitizer" not in said, said


@pytest.mark.parametrize("receiver", CHANNELS)
def test_each_message(peers, receiver):
    skip_without_hsm(receiver)
    run(peers, receiver, [case for m in RECEIVED if m.receiver == receiver and
                          m.name != "ANCHORED" for case in cases_of(m)], peers.ready)


def test_the_answers_that_keyd_waits_for_first(peers):
    """Whether its state is shared, and then what the log has behind it."""
    def asked(name):
        child = peers.start(name)
        peers.not_shared(child)
        return child

    message = {m.name: m for m in RECEIVED}
    run(peers, "keyd", list(cases_of(message["ANCHORED"])), asked)
    run(peers, "keyd", [Case("logd", "wrong", lambda child, p=p: send(
        child, message["STATE_TAKEN"], p), message["STATE_TAKEN"].type)
        for p in (b"", u16(9999), u16(28) + b"x", u16(0) + bytes(7))], peers.start)
    early = message["ANCHORED"]
    run(peers, "keyd", [Case("logd", "unasked", lambda child: send(child, early, anchored()),
                             early.type)], peers.start)
    right = [u16(2), u16(28), u16(0) + bytes(8)]
    run(peers, "keyd", [Case("logd", "right", lambda child, p=p: send(
        child, message["STATE_TAKEN"], p), NOBODY) for p in right], peers.start)


def test_each_message_has_cases():
    assert {m.name for m in RECEIVED} == set(CASES)


def not_allowed(sender, receiver):
    """What nobody may send, the other direction, and what another may."""
    allowed = {m.type for m in TABLE if (m.sender, m.receiver) == (sender, receiver)}
    back = [m.type for m in TABLE if (m.sender, m.receiver) == (receiver, sender)]
    others = [m.type for m in TABLE if m.receiver == receiver and m.type not in allowed]
    for kind in sorted({0, NOBODY, 0xffff, *back[:2], *others[:2]} - allowed):
        yield Case(sender, kind, lambda child, k=kind: child.channel[sender].send(k), kind)


@pytest.mark.parametrize("receiver", CHANNELS)
def test_what_is_not_allowed_on_a_channel(peers, receiver):
    skip_without_hsm(receiver)
    cases = [case for sender in CHANNELS[receiver] for case in not_allowed(sender, receiver)]
    assert len(cases) >= 4 * len(CHANNELS[receiver])
    run(peers, receiver, cases, peers.ready)


def broken(kind):
    """Packets that are not a message of this type, which may have 16 bytes at least."""
    yield "reserved", [packet(kind, b"x" * 8, zero1=1)]
    yield "reserved too", [packet(kind, b"x" * 8, zero2=1)]
    yield "begins in the middle", [packet(kind, b"x" * 4, 8, 4)]
    yield "gap", [packet(kind, b"x" * 4, 12), packet(kind, b"x" * 4, 12, 8)]
    yield "again", [packet(kind, b"x" * 4, 12), packet(kind, b"x" * 4, 12)]
    yield "back", [packet(kind, b"x" * 4, 12), packet(kind, b"x" * 4, 12, 2)]
    yield "too much", [packet(kind, b"x" * 4, 8), packet(kind, b"x" * 5, 8, 4)]
    yield "too much at once", [packet(kind, b"x" * 9, 8)]
    yield "other length", [packet(kind, b"x" * 4, 8), packet(kind, b"x" * 4, 9, 4)]
    yield "other id", [packet(kind, b"x" * 4, 8), packet(kind, b"x" * 4, 8, 4, number=8)]
    yield "other type", [packet(kind, b"x" * 4, 8), packet(NOBODY, b"x" * 4, 8, 4)]
    yield "nothing of something", [packet(kind, b"", 8)]
    yield "something of nothing", [packet(kind, b"x", 0)]
    yield "no head", [packet(kind, b"")[:23]]
    yield "one byte", [b"\0"]
    yield "long part", [packet(kind, b"x" * (PART + 1), PART + 1)]
    yield "long packet", [packet(kind, b"x" * 8000, zero2=8001) * 9]
    yield "nothing more", [packet(kind, b"x" * 8, zero2=9)]
    yield "more than there is", [packet(kind, b"x" * 8, zero2=10)]
    yield "half a head more", [packet(kind, b"x" * 4, 8, zero2=5) + packet(kind)[:23]]
    yield "more, out of order", [packet(kind, b"x" * 4, 12, zero2=5) + packet(kind, b"x", 12, 5)]


@pytest.mark.parametrize("receiver", CHANNELS)
def test_packets_that_are_no_message(peers, receiver):
    """One message of each channel that has one this long; the rule is that of all."""
    skip_without_hsm(receiver)
    long_enough = {m.sender: m for m in RECEIVED if m.receiver == receiver and m.longest >= 16}
    run(peers, receiver,
        [Case(m.sender, what, lambda child, s=m.sender, p=those: child.channel[s].raw(*p), None)
         for m in long_enough.values() for what, those in broken(m.type)], peers.ready)


def test_an_answer_from_another_than_was_asked(peers):
    """logd answers what keyd was asked, and the reverse."""
    for path, asked, other, kind in ((b"/log/checkpoint", "logd", "keyd", 0x0301),
                                     (b"/v1/keys/finance", "authd", "logd", 0x0502)):
        child = peers.ready("httpd")
        child.channel["parent"].send(0x0002, bytes(8))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", peers.port), 30) as raw, \
                context.wrap_socket(raw) as tls:
            tls.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            number = child.channel[asked].receive()[1]
            child.channel[other].send(kind, u16(0) + b"not yours", number)
            assert child.violation() == (PROCESSES[other], kind)
            answers = "logd" if asked == "logd" else "keyd"
            child.channel[answers].send(0x0502 if asked == "logd" else 0x0301,
                                        u16(0) + b"from whom it was asked", number)
            answer = b""
            while b"from whom" not in answer:
                more = tls.recv(4096)
                assert more, answer
                answer += more
            assert b"not yours" not in answer
        child.end()


def test_nothing_more_is_taken_after_a_violation(peers):
    child = peers.ready("logd")
    keyd = child.channel["keyd"]
    keyd.send(0x0401, append(), 1)
    assert keyd.expect(0x0402)[0] == 1  # control
    keyd.raw(packet(NOBODY), *packets(0x0401, append(), 2))
    assert child.violation() == (PROCESSES["keyd"], NOBODY)
    child.channel["parent"].send(0x0012, struct.pack(">QI", 0, 100))
    _, records = child.channel["parent"].expect(0x0013)
    assert int.from_bytes(records[2:10], "big") == 2  # begun, and one
    child.end()
