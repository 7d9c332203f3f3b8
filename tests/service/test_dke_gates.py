# SPDX-License-Identifier: Apache-2.0
"""A whole service of Microsoft's protocol whose gates are those of the customer's pages. The
provider's signing key is in the thief's hands in every test: he makes any token."""
import base64
import hashlib
import json
import os
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import entra
from dke import JSON, bearer
from reader import pages
from test_dke_pages import Pages

KEY = entra.rsa()
BLOB = bytes.fromhex("2c00ffff2000100002100000") + bytes(range(32))
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
TENANT = '''tenant "contoso" {
	id = "%s"
	issuers = {"%s", "%s"}
	audiences = {"%s"}
	clients = {"%s"}
}
''' % (entra.TENANT, entra.v1(), entra.v2(), entra.AUDIENCE, entra.OFFICE)
RULE = '''decrypt "%s" {
	keys = {"%s"}
	tenants = {"contoso"}
	users = {"alice@contoso.com", "bob@contoso.com", "carol@contoso.com"}
	%s
	allow = true
}
'''
RULES = (RULE % ("bound", "Bound", 'gates = {"confirmation"}') +
         RULE % ("ambient", "Ambient", 'gates = {"presence"}\n\taccept-level = "C- (ambient)"') +
         RULE % ("open", "Open", 'accept-level = "C-"') +
         RULE % ("sealed", "Sealed", 'gates = {"confirmation or network"}\n'
                 '\tnetworks = {"127.0.0.0/8"}\n\taccept-level = "C- (ambient)"'))
NEEDS = {"Sealed": ["--require-confirmation"]}


class Gates(Pages):
    rules = RULES
    names = ("Bound", "Ambient", "Open", "Sealed")

    def __init__(self, base):
        super().__init__(base)
        os.makedirs(os.path.join(self.dir, "issuers"), exist_ok=True)
        with open(os.path.join(self.dir, "issuers", "contoso.jwks"), "wb") as f:
            f.write(entra.key_set(KEY))
        with open(os.path.join(self.dir, "policy.conf"), "a") as f:
            f.write("\n" + TENANT + self.rules)

    def make_keys(self):
        self.public = {}
        for name in self.names:
            self.admin("key", "create", name.lower(), "--type", "dke-rsa2048", "--dke-name", name,
                       *NEEDS.get(name, []))
            with self.connect() as c:
                made = json.loads(c.ask("GET", "/" + name).body)["key"]
            n = int.from_bytes(base64.b64decode(made["n"]), "big")
            self.public[name] = (rsa.RSAPublicNumbers(made["e"], n).public_key(),
                                 made["kid"].rsplit("/", 1)[1])

    def wrap(self, name, plain=BLOB):
        return self.public[name][0].encrypt(plain, OAEP)

    def ask(self, name, value, person=ALICE, token=None):
        body = json.dumps({"alg": "RSA-OAEP-256", "value": base64.b64encode(value).decode()})
        token = token or entra.token(KEY, entra.claims(upn=person))
        with self.connect() as c:
            return c.ask("POST", "/%s/%s/decrypt" % (name, self.public[name][1]),
                         [bearer(token), JSON], body.encode())

    def opens(self, *args, **more):
        answer = self.ask(*args, **more)
        if answer.status == 200:
            assert base64.b64decode(json.loads(answer.body)["value"]) == BLOB
            return True
        assert answer.error() == (403, "refused")
        return False


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    s = Gates(tmp_path_factory.mktemp("gates"))
    s.start()
    s.make_keys()
    yield s
    s.stop()


@pytest.fixture(scope="module")
def alice(service):
    return service.registered(ALICE)


@pytest.fixture(scope="module")
def bob(service):
    return service.registered(BOB)


def confirm(page, value):
    return page.act(pages.CONFIRM, document(value)).status == 200


def document(value):
    return hashlib.sha256(value).digest()


# ---- a gate that covers the one request ----

def test_a_token_alone_opens_nothing_and_is_shown_to_the_person(service, alice, bob):
    value = service.wrap("Bound")
    assert not service.opens("Bound", value)
    person, _, waiting = alice.list()
    assert person == ALICE
    assert [(d, k) for d, _, k in waiting if d == document(value)] == [(document(value), "bound")]
    assert all(abs(t - time.time()) < 60 for _, t, _ in waiting)
    # Nobody else sees it.
    assert document(value) not in [d for d, _, _ in bob.list()[2]]


def test_what_is_confirmed_opens_once(service, alice):
    value = service.wrap("Bound")
    assert not service.opens("Bound", value)
    assert confirm(alice, value)
    assert service.opens("Bound", value)
    assert not service.opens("Bound", value)


def test_a_confirmation_is_for_this_document_and_this_person(service, alice, bob):
    value, other = service.wrap("Bound"), service.wrap("Bound")
    assert confirm(alice, value)
    assert not service.opens("Bound", other)
    assert not service.opens("Bound", value, BOB)
    assert service.opens("Bound", value)
    # Whatever the thief puts into his token, whose session he has is not asked.
    assert bob.act(pages.OPEN).status == 200
    assert not service.opens("Bound", service.wrap("Bound"), BOB)
    assert bob.act(pages.CLOSE).status == 200


def test_a_confirmation_does_not_help_who_has_no_right_to_the_key(service, alice):
    value = service.wrap("Bound")
    assert confirm(alice, value)
    eve = entra.token(KEY, entra.claims(upn="eve@contoso.com"))
    assert not service.opens("Bound", value, token=eve)
    assert service.opens("Bound", value)


def test_what_does_not_unwrap_uses_no_confirmation(service, alice):
    value = b"\0" + service.wrap("Bound")[1:]
    assert confirm(alice, value)
    assert service.ask("Bound", value).error() == (400, "value")


def test_one_person_takes_no_place_from_others(service, alice, bob):
    value = service.wrap("Bound")
    assert confirm(alice, value)
    mine = [service.wrap("Bound") for _ in range(65)]
    assert all(confirm(bob, one) for one in mine)
    assert service.opens("Bound", value)
    # Of one device the oldest goes.
    assert not service.opens("Bound", mine[0], BOB)
    assert service.opens("Bound", mine[1], BOB) and service.opens("Bound", mine[64], BOB)


def test_what_strangers_ask_for_pushes_nothing_out(service, alice):
    value = service.wrap("Bound")
    assert not service.opens("Bound", value)
    for _ in range(70):
        assert not service.opens("Bound", service.wrap("Bound"), "carol@contoso.com")
    assert document(value) in [d for d, _, _ in alice.list()[2]]


# ---- a session: a token from there rides on it ----

def test_a_session_opens_from_its_address_while_it_is_open(service, alice):
    value = service.wrap("Ambient")
    assert not service.opens("Ambient", value)
    assert alice.act(pages.OPEN).status == 200
    assert service.opens("Ambient", value) and service.opens("Ambient", service.wrap("Ambient"))
    assert not service.opens("Ambient", value, BOB)
    # It covers no document that must be confirmed.
    assert not service.opens("Bound", service.wrap("Bound"))
    assert alice.act(pages.CLOSE).status == 200
    assert not service.opens("Ambient", value)


def test_a_revoked_authenticator_ends_its_session(service):
    page = service.registered(BOB)
    assert page.act(pages.OPEN).status == 200
    value = service.wrap("Ambient")
    assert service.opens("Ambient", value, BOB)
    service.admin("device", "revoke", hashlib.sha256(page.key.spki).hexdigest())
    assert not service.opens("Ambient", value, BOB)
    # The same for what was confirmed.
    page, value = service.registered(BOB), service.wrap("Bound")
    assert confirm(page, value)
    service.admin("device", "revoke", hashlib.sha256(page.key.spki).hexdigest())
    assert not service.opens("Bound", value, BOB)


# ---- a key that needs a confirmation ----

def test_what_the_policy_takes_instead_is_not_enough(service, alice):
    """It is `keyd` that refuses: by the rule the network is enough, as it is for another key."""
    value = service.wrap("Sealed")
    assert not service.opens("Sealed", value)
    assert document(value) in [d for d, _, _ in alice.list()[2]]
    assert confirm(alice, value)
    assert service.opens("Sealed", value)
    assert not service.opens("Sealed", value)


# ---- what the rule does not ask for ----

def test_a_rule_uses_up_no_confirmation_that_it_does_not_name(service, alice):
    """It vouches for nothing that the rule counts, and stands in no record."""
    value, other = service.wrap("Open"), service.wrap("Ambient")
    assert confirm(alice, value) and confirm(alice, other)
    assert alice.act(pages.OPEN).status == 200
    before = len(service.admin("log").stdout.splitlines())
    assert service.opens("Open", value) and service.opens("Ambient", other)
    assert alice.act(pages.CLOSE).status == 200
    opened, ambient = [line for line in service.admin("log").stdout.splitlines()[before:]
                       if " release " in line]
    assert 'level="C-"' in opened and "factor=5:" not in opened
    assert 'level="C- (ambient)"' in ambient
    assert "factor=6:" in ambient and "factor=5:" not in ambient


# ---- the control ----

def test_without_a_gate_the_token_is_enough(service):
    """What the sample does; a policy has to say it."""
    assert service.opens("Open", service.wrap("Open"))
    assert service.opens("Open", service.wrap("Open"), BOB)


# ---- the record ----

def test_the_log_says_which_gate_held(service, alice):
    value = service.wrap("Bound")
    before = len(service.admin("log").stdout.splitlines())
    assert not service.opens("Bound", value)
    assert confirm(alice, value)
    assert service.opens("Bound", value)
    assert service.opens("Open", service.wrap("Open"))
    lines = service.admin("log").stdout.splitlines()[before:]
    text = "\n".join(lines)
    assert "confirmed" in text and "gate" in text
    release = [line for line in lines if " release " in line]
    assert len(release) == 2, text
    assert release[0].endswith('level="C"') and release[1].endswith('level="C-"'), text
    assert "document=" + hashlib.sha256(value).hexdigest() in lines[2], text
