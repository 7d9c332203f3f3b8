# SPDX-License-Identifier: Apache-2.0
"""Between client and service stands a proxy that ends TLS, with a certificate that clients
accept. It learns no share and no content, and cannot make use of what it saw."""
import base64
import os
import pathlib
import re

import pytest

from memory import found_in, share_of
from proxy import Proxy, status_of
from reader import envelope, header, keyfile, schedule
from service import digest_header, ephemeral_point, free_port, parts_of, release_body
from test_tls import OwnCa, OwnService, certificate, new_key, write


class Fronted(OwnService):
    """Its URL is that of the proxy; it listens somewhere else."""

    def __init__(self, base):
        super().__init__(base, OwnCa())
        self.own_port = free_port()
        conf = pathlib.Path(self.dir, "doublekeyd.conf")
        text, n = re.subn(r'(?m)^listen = .*$', 'listen = "127.0.0.1:%d"' % self.own_port,
                          conf.read_text())
        assert n == 1
        conf.write_text(text)
        key, pem = new_key()
        front = [os.path.join(self.base, name) for name in ("front.pem", "front.key", "ca.pem")]
        for path, data in zip(front, (certificate(self.ca, key) + self.ca.pem(), pem,
                                      self.ca.pem())):
            write(path, data)
        self.proxy = Proxy(self.port, self.own_port, *front)


@pytest.fixture
def fronted(tmp_path):
    s = Fronted(tmp_path)
    s.start()
    s.admin("key", "create", "finance")
    s.code = s.enrol()
    s.client("keygen", "--side", "provider", "--no-passphrase", "-o", "p.key")
    s.plain = b"what nobody else may read, " + os.urandom(64)
    write(os.path.join(s.base, "plain"), s.plain)
    s.key = s.url + "/keys/finance"
    s.client("encrypt", "--customer", s.key, "--provider", "p.key.pub", "plain", "-o", "object.dk")
    s.object = os.path.join(s.base, "object.dk")
    yield s
    s.stop()
    s.proxy.close()


def decrypt(s, check=True):
    out = os.path.join(s.base, "out")
    if os.path.exists(out):
        os.unlink(out)
    done = s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-o",
                    "out", check=check)
    assert os.path.exists(out) == (done.returncode == 0)
    return done


def secrets_of(s):
    """Shares, all keys that follow from them, and the plaintext."""
    provider = keyfile.load(pathlib.Path(s.base, "p.key").read_bytes(), private=True)
    customer_share = share_of(s, s.object)
    with open(s.object, "rb") as file:
        parsed = envelope.read_header(file, {})
    provider_share = envelope.open_side(parsed, header.PROVIDER, [provider])
    derived = schedule.ObjectKeys(customer_share, provider_share, parsed.core.raw)
    device = s.device().key.private_numbers().private_value.to_bytes(32, "big")
    raw = {"customer share": customer_share, "provider share": provider_share,
           "prk": derived.prk, "root": derived.root, "body key": derived.body_key,
           "plaintext": s.plain, "device key": device,
           "code": base64.b32decode(s.code.split(":")[1].replace("-", "")[:26] + "A" * 6)[:16]}
    texts = {"code text": s.code.split(":")[1].encode()}
    for name, secret in raw.items():
        texts[name + " hex"] = secret.hex().encode()
        texts[name + " base64"] = base64.b64encode(secret)
    return {**raw, **texts}


def releases(s):
    return [r for r in s.proxy.requests if r.startswith(b"POST /v1/release ")]


def test_it_learns_nothing(fronted):
    s = fronted
    assert decrypt(s).returncode == 0
    assert pathlib.Path(s.base, "out").read_bytes() == s.plain
    secrets, seen = secrets_of(s), bytes(s.proxy.seen)
    assert found_in([seen], secrets) == set()
    # Controls: it saw the whole exchange, and what it saw is searched rightly.
    core, customer = parts_of(s.object)
    assert len(releases(s)) == 1 and core + customer in seen and b"DKR2" in seen
    for name, secret in secrets.items():
        at = len(seen) // 2
        assert found_in([seen[:at] + secret + seen[at:]], secrets) >= {name}
    assert "release done" in s.log()


def test_it_cannot_use_a_request(fronted):
    """As it is, with another body, ephemeral key, target, device or time."""
    s = fronted
    decrypt(s)
    request = releases(s)[0]
    size = len(s.log().splitlines())
    assert status_of(s.proxy.send(request)) == (403, "replay")
    head, body = request.split(b"\r\n\r\n", 1)
    nonce = re.search(rb'nonce="([0-9a-f]+)"', head)[1]
    created = re.search(rb"created=(\d+)", head)[1]
    key_id = re.search(rb'keyid="([0-9a-f]+)"', head)[1]

    def ask(new_head, new_body, digest=True):
        if digest:
            new_head = re.sub(rb"sha-256=:[^:]+:", digest_header(new_body).encode(), new_head)
        return status_of(s.proxy.send(new_head + b"\r\n\r\n" + new_body))

    own_point = body[:6] + ephemeral_point() + body[71:]
    twice = release_body([parts_of(s.object)] * 2)
    twice_head = head.replace(b"Content-Length: %d" % len(body),
                              b"Content-Length: %d" % len(twice))
    assert twice_head != head
    assert ask(head, own_point, digest=False) == (400, "content-digest")
    assert ask(head, own_point) == (403, "signature")
    assert ask(twice_head, twice) == (403, "signature")
    assert ask(head.replace(nonce, os.urandom(16).hex().encode()), body) == (403, "signature")
    later = b"%d" % (int(created) + 1)
    assert ask(head.replace(created, later), body) == (403, "signature")
    assert ask(head.replace(key_id, os.urandom(32).hex().encode()), body) == \
        (403, "unknown-device")
    assert ask(head.replace(b"/v1/release", b"/v1/devices"), body)[1] == "malformed-request"
    # A request that was signed for another service, by the same device.
    answer = s.release(s.device(), body, url="https://other.example:443")
    assert answer[:2] == (403, "signature")
    assert "release done" not in "\n".join(s.log().splitlines()[size:])


def test_it_cannot_change_an_answer(fronted):
    """Every change of a byte that matters is noticed, and no share is used."""
    s = fronted
    decrypt(s)
    earlier = s.proxy.answers[-1]

    def at(offset):
        def change(answer):
            place = answer.index(b"DKR2") + offset
            return answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1:]
        return change

    changes = [("index", at(11)), ("enc", at(40)), ("code", at(80)), ("share", at(100)),
               ("receipt", at(160)), ("an earlier answer", lambda _: earlier)]
    for what, change in changes:
        s.proxy.change_answer = change
        done = decrypt(s, check=False)
        assert done.returncode != 0 and done.stderr, what
    s.proxy.change_answer = lambda answer: answer
    assert decrypt(s).returncode == 0


def test_its_own_service_is_not_taken(fronted, tmp_path_factory):
    """A key service of its own behind the same name has other keys: nothing comes of it."""
    s = fronted
    other = OwnService(tmp_path_factory.mktemp("other"), s.ca)
    other.start()
    try:
        other.admin("key", "create", "finance")
        s.proxy.service_port, own = other.port, s.proxy.service_port
        done = decrypt(s, check=False)
        assert done.returncode != 0 and done.stderr
        assert "reason=unknown-device" in other.log()
        s.proxy.service_port = own
        done = decrypt(s, check=False)
        assert done.returncode == 0, done.stderr
    finally:
        other.stop()
