# SPDX-License-Identifier: Apache-2.0
"""The customer's pages of a running service, with an authenticator in Python:
spec/profiles/ms-dke-pages.md."""
import os
import time

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from authenticator import NATIVE, Authenticator, Page
from certificates import Authority
from dke import Connection
from reader import pages
from service import Service, free_port
from test_store import put_back, save

HOST = "dke.example.org"


class Pages(Service):
    """A service with the front end."""

    def __init__(self, base, more=""):
        super().__init__(base)
        self.dke_port = free_port()
        self.origin = "https://%s:%d" % (HOST, self.dke_port)
        public = Authority("Example Public CA")
        self.ca_file = os.path.join(self.base, "public-ca.pem")
        with open(self.ca_file, "wb") as f:
            f.write(public.pem())
        public.issue(
            os.path.join(self.dir, "dke.pem"), "dke", [x509.DNSName(HOST)],
            usage=ExtendedKeyUsageOID.SERVER_AUTH)
        with open(os.path.join(self.dir, "doublekeyd.conf"), "a") as f:
            f.write('dke-listen = "127.0.0.1:%d"\ndke-certificate = "dke.pem"\n'
                    'dke-key = "dke.pem"\ndke-base-url = "%s"\n'
                    'dke-authorization = "https://login.example.org/authorize"\n%s' %
                    (self.dke_port, self.origin, more))

    def connect(self):
        return Connection(self.dke_port)

    def page(self):
        return Page(self.connect, self.origin)

    def registered(self, person="alice@contoso.com"):
        page = self.page()
        assert page.register(self.code(person)).status == 200
        if page.waits:
            self.admin("device", "accept", page.key.device)
        return page

    def code(self, person):
        return self.admin("enrol-code", "--user", person).stdout.strip()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    s = Pages(tmp_path_factory.mktemp("pages"))
    s.start()
    yield s
    s.stop()


@pytest.fixture(scope="module")
def alice(service):
    return service.registered()


def refused(answer):
    assert answer.one("Content-Type") == "application/json; charset=utf-8"
    return answer.status, answer.body.decode()


def error(status, name):
    return status, '{"error":"%s"}' % name


# ---- files ----

def get(service, name):
    with service.connect() as c:
        return c.ask("GET", "/.doublekey/" + name)


def test_the_page_brings_all_that_it_names_and_nothing_of_others(service):
    page = get(service, "")
    assert page.status == 200 and page.one("Content-Type") == "text/html; charset=utf-8"
    text = page.body.decode()
    assert "//" not in text.replace("<!DOCTYPE", "")
    for name, kind in (("page.css", "text/css"), ("words.js", "text/javascript"),
                       ("bytes.js", "text/javascript"), ("page.js", "text/javascript")):
        assert '"%s"' % name in text
        answer = get(service, name)
        assert answer.status == 200
        assert answer.one("Content-Type") == kind + "; charset=utf-8"


def test_each_answer_has_the_headers_that_keep_others_out(service):
    for name in ("", "page.js", "address", "nothing"):
        answer = get(service, name)
        assert answer.one("Cache-Control") == "no-store"
        policy = answer.one("Content-Security-Policy")
        assert policy.startswith("default-src 'none';") and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        for header in ("X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy",
                       "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"):
            answer.one(header)
        assert not answer.all("Set-Cookie")


def test_the_address_is_that_of_the_connection(service):
    assert get(service, "address").body == b"00000000000000000000ffff7f000001 127.0.0.1\n"


def test_there_is_nothing_else(service):
    assert refused(get(service, "../k")) == error(404, "not-found")
    assert refused(get(service, "page.js?x")) == error(404, "not-found")
    assert get(service, "ask").one("Allow") == "POST"
    with service.connect() as c:
        assert c.ask("POST", "/.doublekey/", [NATIVE], b"x").one("Allow") == "GET"
    # No page is a key, nor the reverse.
    with service.connect() as c:
        assert refused(c.ask("GET", "/.doublekey")) == error(404, "not-found")


# ---- who may send ----

@pytest.mark.parametrize("headers, status, name", [
    ([NATIVE], 403, "policy"),
    ([NATIVE, ("Origin", "https://evil.example")], 403, "policy"),
    ([NATIVE, ("Origin", "null")], 403, "policy"),
    ([NATIVE, ("Origin", "ORIGIN"), ("Origin", "ORIGIN")], 403, "policy"),
    ([("Origin", "ORIGIN")], 415, "content-type"),
    ([("Content-Type", "text/plain"), ("Origin", "ORIGIN")], 415, "content-type"),
])
def test_only_the_page_itself(service, alice, headers, status, name):
    headers = [(key, value.replace("ORIGIN", service.origin)) for key, value in headers]
    assert refused(alice.post(alice.act_body(pages.OPEN), headers)) == error(status, name)


def test_bodies_have_a_limit_and_a_layout(service, alice):
    assert refused(alice.post(b"DKG1" + bytes(4093))) == error(413, "too-large")
    for body in (b"", b"DKG1", b"DKX1" + bytes(100), bytes(4096)):
        assert refused(alice.post(body)) == error(400, "malformed-request")


# ---- registration ----

def test_an_authenticator_is_a_device_that_signs_no_native_request(service):
    page = service.registered("bob@contoso.com")
    device = [line for line in service.admin("device", "list").stdout.splitlines()
              if "bob@contoso.com" in line]
    assert len(device) == 1 and "phone" in device[0] and device[0].endswith("authenticator")
    assert page.list()[0] == "bob@contoso.com"


def test_a_code_is_for_one_authenticator(service):
    code = service.code("carol")
    assert service.page().register(code).status == 200
    assert refused(service.page().register(code)) == error(403, "enrol-code")


def test_who_has_no_code_registers_nothing(service):
    page = service.page()
    _, _, body = page.body_of_registration(service.code("carol"))
    for at in (6, 25, 80, 130, len(body) - 1):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
        assert page.post(changed).status in (400, 403)
    assert page.list().status == 403
    # A key that did not sign: that of somebody else.
    other = service.page()
    answer = other.register(service.code("carol"), key=Authenticator(service.origin))
    assert refused(answer) == error(403, "enrol-code")
    # The control: unchanged it is taken.
    assert page.post(body).status == 200


def test_an_authenticator_is_registered_once(service):
    page = service.registered("dave")
    assert refused(page.register(service.code("dave"))) == error(409, "device-exists")


# ---- what nobody accepted yet ----

def state(service, page):
    return [line.split("\t")[2] for line in service.admin("device", "list").stdout.splitlines()
            if page.key.device in line]


def test_an_authenticator_waits_until_it_is_accepted(service):
    page = service.page()
    assert page.register(service.code("frank")).status == 200 and page.waits
    assert state(service, page) == ["waits"]
    for answer in (page.list(), page.act(pages.OPEN), page.act(pages.CONFIRM, os.urandom(32))):
        assert refused(answer) == error(403, "approval-required")
    said = service.admin("device", "accept", page.key.device).stdout
    assert said == "accepted phone of frank\n" and state(service, page) == ["active"]
    assert page.list()[0] == "frank" and page.act(pages.CONFIRM, os.urandom(32)).status == 200
    log = [line for line in service.admin("log", "--user", "frank").stdout.splitlines()
           if " device-" in line]
    assert [line.split()[2] for line in log] == ["device-enrolled", "device-accepted"]
    assert 'note="waits"' in log[0] and "factor=3:" in log[0] and "factor=2:" in log[1]


def test_who_took_the_code_has_nothing_and_is_noticed(service):
    """A false httpd, or whoever saw the code, is faster, with a key of its own and with the
    credential id of hers: the key id that she reads from her authenticator is not there."""
    code, hers, his = service.code("grace"), service.page(), service.page()
    his.key.credential = hers.key.credential
    assert his.register(code).status == 200
    assert refused(hers.register(code)) == error(403, "enrol-code")
    assert "unknown-device" in service.admin("device", "accept", hers.key.device,
                                             check=False).stderr
    assert refused(his.act(pages.OPEN)) == error(403, "approval-required")
    service.admin("device", "revoke", his.key.device)
    assert "exists" in service.admin("device", "accept", his.key.device, check=False).stderr
    assert refused(his.act(pages.OPEN)) == error(403, "device-revoked")
    # She is let in with another code; that credential is his for ever.
    assert service.registered("grace").list()[0] == "grace"


def test_what_is_accepted(service, alice):
    def refusal(*args):
        return service.admin("device", "accept", *args, check=False).stderr

    assert "exists" in refusal(alice.key.device)
    assert "argument" in refusal(alice.key.device[:-1]) and "argument" in refusal("phone")
    assert "unknown-device" in refusal("0" * 64)


def test_a_waiting_one_outlives_the_service_and_a_code_can_be_enough(tmp_path):
    s = Pages(tmp_path)
    s.start()
    try:
        page = s.page()
        assert page.register(s.code("alice")).status == 200
        s.stop()
        with open(os.path.join(s.dir, "doublekeyd.conf"), "a") as f:
            f.write('dke-registration = "code"\n')
        s.start()
        # The control: registered now, it counts at once; the other one goes on waiting.
        other = s.page()
        assert other.register(s.code("alice")).status == 200 and not other.waits
        assert other.act(pages.OPEN).status == 200
        assert refused(page.act(pages.OPEN)) == error(403, "approval-required")
        save(s, "waiting")
        s.admin("device", "accept", page.key.device)
        assert page.act(pages.OPEN).status == 200
        # As after a crash between the record and the store.
        s.stop()
        put_back(s, "waiting")
        s.start()
        assert state(s, page) == ["active"] and page.act(pages.OPEN).status == 200
    finally:
        s.stop()


# ---- lists and acts ----

def test_nothing_waits_at_first(service, alice):
    assert alice.list() == ("alice@contoso.com", 0, [])


def test_who_is_not_registered_sees_and_does_nothing(service):
    page = service.page()
    page.person = "alice@contoso.com"
    assert refused(page.list()) == error(403, "unknown-device")
    assert refused(page.act(pages.OPEN)) == error(403, "unknown-device")


def test_a_session_is_opened_and_closed(service, alice):
    answer = alice.act(pages.OPEN)
    assert answer.status == 200 and answer.body[:4] == b"DKG2"
    until = int.from_bytes(answer.body[12:], "big")
    assert abs(until - time.time() - 8 * 3600) < 60
    assert alice.list()[1] == until
    assert alice.act(pages.CLOSE).status == 200
    assert alice.list()[1] == 0
    log = service.admin("log").stdout
    assert log.count(" session ") == 2


def test_what_is_signed_is_for_this_address_time_and_person(service, alice):
    assert refused(alice.act(pages.OPEN, address=bytes(15) + b"\1")) == error(403, "signature")
    assert refused(alice.act(pages.OPEN, person="bob@contoso.com")) == error(403, "signature")
    assert refused(alice.act(pages.OPEN, now=time.time() - 400)) == error(403, "clock")
    assert refused(alice.act(pages.OPEN, now=time.time() + 120)) == error(403, "clock")
    assert refused(alice.list(now=time.time() - 200)) == error(403, "clock")
    # The control.
    assert alice.act(pages.OPEN, now=time.time() - 200).status == 200


def test_an_act_counts_once(service, alice):
    body = alice.act_body(pages.OPEN)
    assert alice.post(body).status == 200
    assert refused(alice.post(body)) == error(403, "replay")


def test_a_nonce_that_is_none(service, alice):
    answer = alice.act(pages.OPEN, nonce=bytes(16))
    assert refused(answer) == error(400, "malformed-request")


def test_the_user_must_be_verified(service, alice):
    sign = alice.key.sign
    alice.key.sign = lambda challenge: sign(challenge, flags=pages.PRESENT)
    try:
        assert refused(alice.act(pages.OPEN)) == error(403, "signature")
    finally:
        alice.key.sign = sign


def test_a_revoked_authenticator_does_nothing(service):
    page = service.registered("erin")
    assert page.key.device in service.admin("device", "list").stdout
    service.admin("device", "revoke", page.key.device)
    assert refused(page.act(pages.OPEN)) == error(403, "device-revoked")


def test_nothing_while_all_is_frozen(service, alice):
    service.admin("freeze")
    try:
        assert refused(alice.act(pages.CONFIRM, os.urandom(32))) == error(403, "frozen")
    finally:
        service.admin("unfreeze", "--reason", "test")
    assert alice.act(pages.CONFIRM, os.urandom(32)).status == 200


def test_authenticators_outlive_the_service(tmp_path):
    s = Pages(tmp_path)
    s.start()
    try:
        page = s.registered()
        assert page.act(pages.OPEN).status == 200
        s.stop()
        s.start()
        # A session does not.
        assert page.list() == ("alice@contoso.com", 0, [])
    finally:
        s.stop()
