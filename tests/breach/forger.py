# SPDX-License-Identifier: Apache-2.0
"""The story of 2023: a thief has the key with which a provider signs tokens, and makes one for
every user. He asks by Microsoft's protocol for every document, by every way there is."""
import hashlib
import json
import ssl
from dataclasses import dataclass

from cryptography import x509

import entra
from authenticator import NATIVE
from certificates import Authority
from issuer import b64
from post import ALICE, CAROL, GATES, OFFICE, OUTSIDE, PEOPLE
from reader import pages

VERSIONS = (1, 2)


def hash_of(value):
    return hashlib.sha256(value).digest()


@dataclass
class Gain:
    """What he has beside the key. wants: names of documents."""

    places: tuple = (OUTSIDE,)
    wants: tuple = ("read", "wanted")
    page: object = None       # an authenticator
    authority: object = None  # a CA that the service asks for


class Forger:
    def __init__(self, post, gain):
        self.post, self.gain, self.refused = post, gain, {}
        self.read = {}
        self.pem = {"own": post.path("thief.pem"), "mallory": post.pem("mallory"),
                    "forged": post.path("forged.pem")}
        names = [x509.RFC822Name(ALICE)]
        Authority("CA of the people").issue(self.pem["own"], "alice", names)
        if gain.authority:
            gain.authority.issue(self.pem["forged"], "alice", names)
        self.documents = [(key, name) for key in GATES for name in gain.wants]

    # ---- tokens ----

    def forged(self):
        """For every user, in both forms, as the provider itself would make them."""
        for person in PEOPLE:
            for version in VERSIONS:
                yield self.post.token(person, version=version)

    def clumsy(self):
        """By other keys, of another tenant, or signed by nobody."""
        post, own = self.post, entra.rsa("k1")
        yield post.token(ALICE, own)
        yield post.token(ALICE, post.neighbour)
        yield post.token(ALICE, post.neighbour, tenant=entra.OTHER)
        yield post.token(ALICE, post.issuer, tenant=entra.OTHER)
        yield post.token(ALICE, post.late)
        yield post.token(ALICE, scp="other")
        yield post.token(ALICE, azp="aaaaaaaa-52b3-4102-aeff-aad2292ab01c")
        yield post.token("mallory@contoso.com")
        payload = json.dumps(entra.claims(2, post.now(), upn=ALICE)).encode()
        yield ".".join((b64(b'{"alg":"none","kid":"k1"}'), b64(payload), ""))

    # ---- ways ----

    def attempt(self, connection, document, token, **more):
        answer, plain = self.post.ask(connection, document, token, **more)
        if plain:
            assert plain == self.post.plain[document]
            self.read[document] = plain
        elif answer is None:
            self.count("closed")
        else:
            self.count(answer.status if answer.status == 401 else answer.error()[1])

    def count(self, what):
        self.refused[what] = self.refused.get(what, 0) + 1

    def over(self, connect, source, pem, tokens, **more):
        """Each document with each token on one connection, if there is one."""
        try:
            with connect(source, pem) as c:
                for document in self.documents:
                    for token in tokens:
                        self.attempt(c, document, token, **more)
        except (ssl.SSLError, ConnectionError):
            self.count("tls")

    def from_place(self, place):
        direct, front = self.post.s.connect, self.post.front.connect
        all_forged, one = list(self.forged()), [self.post.token(ALICE)]
        self.over(direct, place, None, all_forged + list(self.clumsy()))
        self.over(direct, place, None, one, word="DECRYPT")
        self.over(direct, place, self.pem["own"], one)
        self.over(direct, place, self.pem["mallory"], one)
        for document in ((key, self.gain.wants[-1]) for key in GATES):
            for person in (CAROL, ALICE):
                says = [("Doublekey-Front", "certificate %s %s" % (person, OFFICE))]
                self.alone(direct, place, document, headers=says)
            for pem in (None, self.pem["own"], self.pem["mallory"]):
                self.alone(front, place, document, pem, headers=says)

    def alone(self, connect, place, document, pem=None, **more):
        try:
            with connect(place, pem) as c:
                self.attempt(c, document, self.post.token(ALICE), **more)
        except (ssl.SSLError, ConnectionError):
            self.count("tls")

    def replay(self, place):
        """What people sent to the page, as it was, and for other documents."""
        for body in self.post.captured:
            for document in [None] + [self.post.value["Confirmed", n] for n in self.gain.wants]:
                sent = body if document is None else self.exchanged(body, document)
                with self.post.s.connect(place) as c:
                    answer = c.ask("POST", "/.doublekey/ask",
                                   [NATIVE, ("Origin", self.post.s.origin)], sent)
                assert answer.status != 200
                self.count(json.loads(answer.body)["error"])

    def exchanged(self, body, value):
        """The document stands behind what, time and nonce."""
        at = 4 + 1 + 8 + 16
        return body[:at] + hash_of(value) + body[at + 32:]

    def with_more(self):
        """An authenticator confirms, and certificates are made."""
        direct = self.post.s.connect
        for place in self.gain.places:
            for document in self.documents:
                if self.gain.page:
                    self.confirm(document)
                    self.alone(direct, place, document)
                if self.gain.authority:
                    self.alone(direct, place, document, self.pem["forged"])
                    self.alone(self.post.front.connect, place, document, self.pem["forged"])

    def confirm(self, document):
        done = self.gain.page.act(pages.CONFIRM, hash_of(self.post.value[document]),
                                  now=self.post.now())
        assert done.status == 200

    def everything(self):
        for place in self.gain.places:
            self.from_place(place)
            self.replay(place)
        self.with_more()
        return set(self.read)
