# SPDX-License-Identifier: Apache-2.0
"""Approvals of other people, spec/policy.md section 6.2, by a client that is not lib/."""
import base64
import hashlib
import os
import re
import struct
import time

import pytest

from service import codes, parts_of, raw_signature, release_body, signature_base
from test_policy import restart, rule

POLICY, REQUIRED, OK = 20, 37, 0
WANTS_TWO = rule("approvals = 2", 'approvers = {"bob", "carol", "dora", "alice"}')


def info(label, data):
    """spec/envelope.md section 1."""
    return struct.pack("B", len(b"doublekey/1 " + label)) + b"doublekey/1 " + label + data


def short(text):
    return struct.pack("B", len(text)) + text


class Request:
    """Signed, not sent; approvals are added before it is."""

    def __init__(self, s, who="client", user=b"alice", created=None, objects=None):
        self.s, self.user, self.reason = s, user, b"audit of the year"
        self.device = s.device(who)
        self.body = release_body(objects or [parts_of(s.object)])
        self.created = int(time.time()) if created is None else created
        self.nonce = os.urandom(16)
        self.approvals = []

    def digest(self):
        base, _ = signature_base(self.device, self.s.url, self.body, self.created, self.nonce)
        return hashlib.sha256(info(b"request", hashlib.sha256(base.encode()).digest())).digest()

    def approve(self, who, at=None, digest=None, user=None, reason=None):
        device = self.s.device(who)
        at = int(time.time()) if at is None else at
        terms = ((digest or self.digest()) + struct.pack(">Q", at) + short(user or self.user) +
                 short(reason or self.reason))
        self.approvals.append(struct.pack(">Q", at) + device.id +
                              raw_signature(device, info(b"approval", terms)))
        self.approvals.sort(key=lambda a: a[8:40])
        return self

    def send(self, block=None):
        block = block or (b"DKA1" + short(self.reason) + struct.pack("B", len(self.approvals)) +
                          b"".join(self.approvals))
        more = {"Doublekey-Approvals": ":%s:" % base64.b64encode(block).decode()}
        status, error, answer = self.s.release(self.device, self.body, created=self.created,
                                               nonce=self.nonce, more=more)
        return codes(answer)[0] if status == 200 else error


@pytest.fixture
def people(ready):
    for user in ("bob", "carol", "eve"):
        ready.enrol(user, user)
    restart(ready, WANTS_TWO)
    return ready


def test_two_of_three(people):
    assert Request(people).approve("bob").send() == REQUIRED
    assert Request(people).approve("bob").approve("carol").send() == OK
    line = [x for x in people.log().splitlines() if " release done" in x][-1]
    assert line.count("factor=4:keyd:") == 2 and "factor=1:keyd:" in line
    assert 'note="audit of the year"' in line


def test_without_approvals_the_code_says_so(people):
    status, _, answer = people.release(people.device(), release_body([parts_of(people.object)]))
    assert status == 200 and codes(answer) == [REQUIRED]
    assert "reason=approval-required" in people.log()


def test_who_does_not_count(people):
    assert Request(people).approve("bob").approve("client").send() == REQUIRED  # who asks
    assert Request(people).approve("bob").approve("eve").send() == REQUIRED  # not named
    people.enrol("bob", "bob2")
    assert Request(people).approve("bob").approve("bob2").send() == REQUIRED  # one person


def test_once_only(people):
    request = Request(people).approve("bob").approve("carol")
    assert request.send() == OK
    assert request.send() == "replay"


def test_approvals_of_another_request(people):
    mine = Request(people)
    other = Request(people, objects=[parts_of(people.object)] * 2)
    theirs = Request(people, who="eve", user=b"eve")
    for wrong in (
            dict(digest=other.digest()), dict(digest=theirs.digest()), dict(user=b"bob"),
            dict(reason=b"another reason"), dict(at=int(time.time()) + 3000),
            dict(at=mine.created - 3000)):
        request = Request(people).approve("bob").approve("carol", **wrong)
        assert request.send() == "approval", wrong
    assert people.log().count("reason=approval ") == 6
    assert "release done" not in people.log()


def test_another_user_cannot_be_shown(people):
    """eve tells the approvers that alice asks; the service knows better."""
    restart(people, rule("approvals = 1", 'approvers = {"bob"}'))
    assert Request(people, who="eve", user=b"alice").approve("bob").send() == "approval"
    assert Request(people, who="eve", user=b"eve").approve("bob").send() == OK


def test_layout(people):
    request = Request(people).approve("bob").approve("carol")
    good = b"DKA1" + short(request.reason) + b"\2" + b"".join(request.approvals)
    bob = request.approvals[0]
    for block in (good[:-1], good + b"\0", b"DKA2" + good[4:], b"DKA1" + short(b"") + good[22:],
                  b"DKA1" + short(b"\n") + b"\1" + bob, b"DKA1" + short(b"r") + b"\0",
                  b"DKA1" + short(b"r") + b"\2" + bob + bob,
                  b"DKA1" + short(request.reason) + b"\2" + b"".join(request.approvals[::-1]),
                  b"DKA1" + short(b"r") + b"\x09" + bob * 9):
        assert request.send(block) == "approval", block
    changed = bytearray(good)
    changed[-1] ^= 1
    assert request.send(bytes(changed)) == "approval"


def test_a_revoked_approver(people):
    request = Request(people).approve("bob").approve("carol")
    people.admin("device", "revoke", people.device("bob").id.hex())
    assert request.send() == "approval"


def test_people_take_longer_than_programs(people):
    now = int(time.time())
    assert Request(people, created=now - 3500).approve("bob").approve("carol").send() == OK
    assert Request(people, created=now - 3700).approve("bob").approve("carol").send() == "clock"
    old = Request(people, created=now - 400)
    assert people.release(old.device, old.body, created=old.created)[1] == "clock"


def test_the_requester_must_sign_too(people):
    request = Request(people).approve("bob").approve("carol")
    request.device = people.device("eve")  # another device sends what was approved for alice's
    assert request.send() == "approval"


# With the client of this tree, as people use it.


def ask_for(s, *objects, who="client", check=True):
    return s.client("request", "--customer", s.key, "--reason", "audit of the year", "-f", "-o",
                    "r.dkrequest", *objects, who=who, check=check)


def decrypt(s, *approvals, out="out", name="object.dk"):
    given = [x for a in approvals for x in ("--approval", a)]
    return s.client("decrypt", "--customer", s.key, "--provider", "p.key", *given, name, "-f",
                    "-o", out, check=False)


def test_the_client_asks_shows_approves_and_decrypts(people):
    s = people
    done = decrypt(s)
    assert done.returncode == 1 and "doublekey request" in done.stderr
    assert "(service-approval-required" in done.stderr
    ask_for(s, "object.dk")
    shown = s.client("approve", "--show", "r.dkrequest", who="bob").stdout
    assert re.search("^user +alice$", shown, re.M) and "audit of the year" in shown
    assert s.device().id.hex() in shown
    core, _ = parts_of(s.object)
    assert core[16:32].hex() in shown
    assert not os.path.exists(os.path.join(s.base, "r.dkrequest.approval"))
    for who in ("bob", "carol"):
        s.client("approve", "--yes", "-o", who + ".approval", "r.dkrequest", who=who)
    assert decrypt(s, "bob.approval", "carol.approval").returncode == 0
    assert open(os.path.join(s.base, "out")).read() == "what nobody else may read\n"
    # once: the request and its ephemeral key are gone
    done = decrypt(s, "bob.approval", "carol.approval")
    assert done.returncode == 1 and "(service-request" in done.stderr
    folder = os.path.join(s.base, "client", "doublekey", "services", "127.0.0.1:%d" % s.port)
    assert os.listdir(os.path.join(folder, "requests")) == []


def test_many_objects_are_one_approved_request(people):
    s = people
    names = []
    for i in range(5):
        with open(os.path.join(s.base, "f%d" % i), "w") as f:
            f.write("text %d\n" % i)
        s.client("encrypt", "--customer", s.key, "--provider", "p.key.pub",
                 "--label", "secret", "f%d" % i, "-o", "f%d.dkey" % i)
        names.append("f%d.dkey" % i)
        os.unlink(os.path.join(s.base, "f%d" % i))
    before = s.log().count("release done")
    ask_for(s, *names)
    shown = s.client("approve", "--show", "r.dkrequest", who="bob").stdout
    assert shown.count("\nobject ") == 5 and len(re.findall("^  label +secret$", shown, re.M)) == 5
    for who in ("bob", "carol"):
        s.client("approve", "--yes", "-o", who + ".approval", "r.dkrequest", who=who)
    s.client("decrypt", "--customer", s.key, "--provider", "p.key", "--approval", "bob.approval",
             "--approval", "carol.approval", *names)
    assert [open(os.path.join(s.base, "f%d" % i)).read() for i in range(5)] == \
        ["text %d\n" % i for i in range(5)]
    assert s.log().count("release done") == before + 1


def test_a_changed_request_file_is_not_shown(people):
    s = people
    ask_for(s, "object.dk")
    path = os.path.join(s.base, "r.dkrequest")
    data = open(path, "rb").read()
    assert s.client("approve", "--show", "r.dkrequest", who="bob").returncode == 0
    for at in (0, 8, 40, len(data) - 60):  # magic, URL, nonce, body
        changed = bytearray(data)
        changed[at] ^= 1
        with open(path, "wb") as f:
            f.write(changed)
        done = s.client("approve", "--yes", "r.dkrequest", who="bob", check=False)
        assert done.returncode == 1 and "(service-request)" in done.stderr, at


def test_a_user_that_is_made_up_does_not_get_through(people):
    """eve writes alice's name into her own request file; bob approves what he sees."""
    s = people
    restart(s, rule("approvals = 1", 'approvers = {"bob"}'))
    ask_for(s, "object.dk", who="eve")
    path = os.path.join(s.base, "r.dkrequest")
    data = open(path, "rb").read()
    assert data.count(b"\x03eve") == 1
    with open(path, "wb") as f:
        f.write(data.replace(b"\x03eve", b"\x05alice"))
    shown = s.client("approve", "--yes", "r.dkrequest", who="bob").stdout
    assert re.search("^user +alice$", shown, re.M)
    done = s.client("decrypt", "--customer", s.key, "--provider", "p.key", "--approval",
                    "r.dkrequest.approval", "object.dk", "-o", "out", who="eve", check=False)
    assert done.returncode == 1 and "(service-approval at" in done.stderr


def test_nobody_approves_by_accident(people):
    ask_for(people, "object.dk")
    done = people.client("approve", "r.dkrequest", who="bob", check=False)
    assert done.returncode == 1 and "nothing was approved" in done.stderr
    assert not os.path.exists(os.path.join(people.base, "r.dkrequest.approval"))


def test_one_that_is_too_old(people):
    ask_for(people, "object.dk")
    path = os.path.join(people.base, "r.dkrequest")
    at = 4 + 2 + len(people.url)
    data = open(path, "rb").read()
    old = struct.pack(">Q", int(time.time()) - 4000)
    device = people.device()
    body = data[-len(release_body([parts_of(people.object)])):]
    base, _ = signature_base(device, people.url, body, struct.unpack(">Q", old)[0],
                             data[at + 8:at + 24])
    signed = (data[:at] + old + data[at + 8:at + 115] + raw_signature(device, base.encode()) +
              data[at + 179:])
    with open(path, "wb") as f:
        f.write(signed)
    assert people.client("approve", "--show", "r.dkrequest", who="bob").returncode == 0
    done = people.client("approve", "--yes", "r.dkrequest", who="bob", check=False)
    assert done.returncode == 1 and "(service-request)" in done.stderr
