# SPDX-License-Identifier: Apache-2.0
"""The real keyd, and the test as authd that was taken over: it says that any gate held, and that
anybody may approve anything."""
import hashlib
import os
import struct
import time

import pytest

from dke_keyd import BLOB, CLIENT, PERSON, RULE, TOKEN_FIELD, Keyd, factor, field
from reader import dke, standing
from service import Service, raw_signature, signature_base

APPROVED, APPROVE_PASSED = 0x0217, 0x020b
OK, SIGNATURE, REVOKED, CLOCK, POLICY, GATE, UNKNOWN = 0, 9, 10, 11, 20, 44, 8
REVOKE = 10
ALICE = PERSON.decode()
AMBIENT = 6


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    s = Service(tmp_path_factory.mktemp("approved"))
    s.start()
    for name in ("docs", "other"):
        s.admin("key", "create", name, "--type", "dke-rsa2048", "--dke-name", name.title())
    s.admin("key", "create", "board", "--type", "dke-rsa2048", "--dke-name", "Board",
            "--require-approvals", "2")
    s.admin("key", "rotate", "board")
    s.listed = s.admin("key", "list").stdout
    s.refused = [s.admin("key", "create", "x", "--type", kind, "--require-approvals", n,
                         check=False).returncode
                 for kind, n in (("dke-rsa2048", "0"), ("dke-rsa2048", "9"), ("dke-rsa2048", "22"),
                                 ("dke-rsa2048", "x"), ("p256", "2"))]
    s.notes = [line for line in s.log().splitlines() if "key=board" in line]
    for who in ("dora", "erik", "fred"):
        s.enrol(who, who)
    s.enrol(ALICE, "alice")
    s.stop()
    return s


class Approvals(Keyd):
    def value(self, key="Docs"):
        value = self.wrap(key)
        return value, hashlib.sha256(value).digest()

    def told_approved(self):
        payload = self.authd.expect(APPROVED)[1]
        index, until = struct.unpack(">Q", payload[32:40]), struct.unpack(">Q", payload[80:88])
        return payload[:32], index[0], until[0]

    def drain(self):
        """What authd was told: devices at the start, and approvals."""
        self.authd.end.settimeout(0.05)
        found = []
        try:
            while True:
                kind, _, payload = self.authd.receive()
                if kind == APPROVED:
                    found.append(payload)
        except (BlockingIOError, TimeoutError):
            pass
        finally:
            self.authd.end.settimeout(60)
        return found

    def silent(self):
        """httpd was told nothing; keyd asks no more while an act is on its way."""
        self.httpd.end.settimeout(0.2)
        with pytest.raises(TimeoutError):
            self.httpd.receive()
        self.httpd.end.settimeout(60)

    def send_approval(self, who, body, code=OK, rules=b"\0\0", **forged):
        device = self.s.device(who)
        nonce, created = forged.get("nonce") or os.urandom(16), forged.get("created", int(time.time()))
        base, _ = signature_base(device, self.s.url, body, created, nonce, path="/v1/approvals")
        signature = forged.get("signature") or raw_signature(device, base.encode())
        head = (bytes(16) + struct.pack(">Q", created) + nonce
                + (forged.get("key_id") or device.id) + signature)
        self.number += 1
        self.authd.send(APPROVE_PASSED, struct.pack(">H", code) + rules + head + b"\0" + body,
                        self.number)
        return self.number

    def approve(self, who, document, needed=2, scope=1, key="Docs", person=ALICE, hours=24):
        """Index of its record."""
        body = standing.Approval(scope, document if scope == 1 else bytes(32), needed, hours,
                                 person, key, "office").encode()
        number = self.send_approval(who, body)
        append = self.append()
        assert append.event.class_ == 22
        index = self.acknowledge(append)
        code, answer = self.result(number)
        assert code == OK and standing.parse_answer(answer)[0] == index
        return index

    def opens(self, value, *roots, key="Docs", person=PERSON, fields=()):
        """authd says that these approvals made the gate hold."""
        made = [factor(4, 4, root) for root in roots] + [
            *fields, field(19, TOKEN_FIELD), field(23, CLIENT), field(24, RULE)]
        code, plain, append = self.decrypt(key, self.keys[key][0], value, level=AMBIENT,
                                           fields=tuple(made), person=person)
        named = [root for kind, _, root in append.main.get("factors", ()) if kind == 4]
        if code == OK:
            assert plain == BLOB and named == list(roots)
            return True
        assert (code, plain, named) == (GATE, b"", [])
        return False


@pytest.fixture
def keyd(stopped):
    keyd = Approvals(stopped)
    yield keyd
    keyd.child.end()


def test_authd_cannot_make_an_approval(keyd):
    value, document = keyd.value()
    assert not keyd.opens(value, 5) and not keyd.opens(value, 2**40)
    one, two = keyd.approve("dora", document), keyd.approve("erik", document)
    assert keyd.opens(value, one, two)
    assert not keyd.opens(value, one, two, 5)
    # With fewer than the approvers signed for, or one for two.
    assert not keyd.opens(value, one) and not keyd.opens(value, two, two)
    assert not keyd.opens(value, one, one)
    # Of nobody else, of no other document, with no other key.
    assert not keyd.opens(value, one, two, person=b"bob@contoso.com")
    assert not keyd.opens(keyd.value()[0], one, two)
    assert not keyd.opens(keyd.wrap("Other"), one, two, key="Other")
    other = keyd.wrap("Other")
    assert not keyd.opens(other, keyd.approve("dora", hashlib.sha256(other).digest(), 1),
                          key="Other")


def test_a_key_is_another_scope(keyd):
    value, document = keyd.value()
    whole = [keyd.approve(who, None, scope=2) for who in ("dora", "erik")]
    one = keyd.approve("dora", document)
    assert keyd.opens(value, *whole) and keyd.opens(keyd.value()[0], *whole)
    assert not keyd.opens(value, one, whole[1]) and not keyd.opens(value, whole[0])


def test_the_person_does_not_count_whoever_asks(keyd):
    value, document = keyd.value()
    body = standing.Approval(1, document, 1, 24, ALICE, "Docs", "office").encode()
    number = keyd.send_approval("alice", body)
    assert keyd.result(number) == (POLICY, b"")
    # What she signs for somebody else, does.
    bob = keyd.approve("alice", document, 1, person="bob@contoso.com")
    assert keyd.opens(value, bob, person=b"bob@contoso.com") and not keyd.opens(value, bob)


def test_a_revoked_device_and_a_renewed_approval(keyd):
    value, document = keyd.value()
    one, two = keyd.approve("dora", document), keyd.approve("erik", document)
    again = keyd.approve("dora", document)
    assert not keyd.opens(value, one, two) and keyd.opens(value, again, two)
    keyd.act(REVOKE, keyd.s.device("erik").id.hex())
    assert not keyd.opens(value, again, two)
    assert keyd.opens(value, again, keyd.approve("fred", document))
    number = keyd.send_approval("erik", standing.LIST)
    assert keyd.result(number) == (REVOKED, b"")


def test_authd_cannot_sign(keyd):
    body = standing.Approval(1, b"d" * 32, 1, 24, ALICE, "Docs", "office").encode()
    for forged, code in (
            (dict(signature=bytes(64)), SIGNATURE), (dict(key_id=bytes(32)), UNKNOWN),
            (dict(key_id=keyd.s.device("erik").id), SIGNATURE),
            (dict(created=int(time.time()) - 301), CLOCK),
            (dict(created=int(time.time()) + 100), CLOCK)):
        for one in (body, standing.LIST):
            assert keyd.result(keyd.send_approval("dora", one, **forged)) == (code, b""), forged
    assert keyd.result(keyd.send_approval("dora", body, POLICY)) == (POLICY, b"")
    keyd.nothing_yet()


def test_what_authd_is_told(keyd):
    _, document = keyd.value()
    keyd.drain()
    one = keyd.approve("dora", document)
    name, index, until = keyd.told_approved()
    assert (name, index) == (dke.approved_name(1, document, "Docs", ALICE), one)
    assert abs(until - time.time() - 24 * 3600) < 60
    # Another one takes its place.
    two = keyd.approve("dora", document)
    assert keyd.told_approved()[1:] == (one, 0)
    assert keyd.told_approved()[1] == two


def test_a_record_that_is_not_taken_makes_no_approval(keyd):
    value, document = keyd.value()
    body = standing.Approval(1, document, 1, 24, ALICE, "Docs", "office").encode()
    number = keyd.send_approval("dora", body)
    append = keyd.append()
    keyd.silent()
    keyd.acknowledge(append, 28)
    assert keyd.result(number) == (28, b"")
    assert not keyd.opens(value, keyd.index)
    # The next one is judged anew, and one act after the other.
    first = keyd.send_approval("dora", body)
    second = keyd.send_approval("erik", body)
    append = keyd.append()
    keyd.silent()
    one = keyd.acknowledge(append)
    assert keyd.result(first)[0] == OK
    two = keyd.acknowledge(keyd.append())
    assert keyd.result(second)[0] == OK
    assert keyd.opens(value, one) and keyd.opens(value, two)


def test_a_key_that_needs_approvals_needs_no_word_of_authd(keyd):
    assert keyd.s.refused == [1] * 5
    assert [line.split("\t")[3] for line in keyd.s.listed.splitlines()
            if line.startswith("board\t")] == ["active,approvals-2"] * 2
    assert len(keyd.s.notes) == 2 and all('note="approvals 2"' in n for n in keyd.s.notes)
    value = keyd.wrap("Board")
    document = hashlib.sha256(value).digest()
    assert not keyd.opens(value, key="Board")
    assert keyd.opens(keyd.wrap("Docs"))  # the control: it takes authd's word for another key
    one, two = [keyd.approve(who, document, 1, key="Board") for who in ("dora", "erik")]
    assert not keyd.opens(value, one, key="Board")
    assert not keyd.opens(value, one, one, key="Board")
    # One user's approval of the document, and the same user's of the whole key.
    whole = keyd.approve("dora", None, 1, scope=2, key="Board")
    assert not keyd.opens(value, one, whole, key="Board")
    assert keyd.opens(value, one, two, key="Board")


def test_entries_of_the_log_that_go_back(keyd):
    """logd, taken over, would have keyd ask without an end."""
    def asked():
        number, payload = keyd.logd.expect(0x040c)
        return number, int.from_bytes(payload[:8], "big")

    def answer(number, *indices):
        keyd.logd.send(0x040d, struct.pack(">HQI", OK, 5000, len(indices)) + b"".join(
            struct.pack(">Q", i) + bytes(48) + struct.pack(">I", 1) + b"x" for i in indices), number)

    keyd.send_approval("dora", standing.LIST)
    answer(asked()[0])
    number, first = asked()
    assert first == 0
    answer(number, 7, 10)
    number, first = asked()
    assert first == 11
    answer(number, 10)
    assert keyd.child.violation()[1] == 0x040d
