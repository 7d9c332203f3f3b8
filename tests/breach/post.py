# SPDX-License-Identifier: Apache-2.0
"""What is attacked by Microsoft's protocol: a service with a key for each kind of gate, its users
with what they have for it, a front, and a tenant whose signing key will be stolen."""
import base64
import contextlib
import hashlib
import ipaddress
import json
import os
import pathlib
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

import entra
import post_rules
import rules
from authenticator import Page
from certificates import Authority
from dke import JSON, Connection, bearer, client_context, request
from key_server import KeyServer
from reader import pages, standing
from service import signed_headers
from test_dke_pages import HOST, Pages
from test_key_sets import until
from town import Timed, Town

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
HEAD = bytes.fromhex("2c00ffff2000100002100000")
ALICE, BOB, CAROL = PEOPLE = ["%s@contoso.com" % name for name in ("alice", "bob", "carol")]
OFFICE, OUTSIDE = "127.0.1.5", "127.0.2.9"
# Key, and what its rule has. Gates of the first three cover the one request.
GATES = {
    "Confirmed": 'gates = {"confirmation"}',
    "Client": 'gates = {"client-certificate"}',
    "Front": 'gates = {"front-certificate"}',
    "Session": 'gates = {"presence"}\naccept-level = "C- (ambient)"',
    "Network": 'gates = {"network"}\nnetworks = {"127.0.1.0/24"}\naccept-level = "C- (ambient)"',
    "Approved": ('gates = {"approved-document"}\napprovals = 1\napprovers = {"dora"}\n'
                 'accept-level = "C- (ambient)"'),
    "Open": 'accept-level = "C-"',
}
# Of each key: read by its owner before anything was stolen, read meanwhile, wanted by the thief,
# and left alone by all.
NAMES = ("before", "read", "wanted", "quiet")


def served(tenant, what):
    return "/%s/%s" % (tenant, what)


class Posted(Pages, Timed):
    def __init__(self, base, people):
        front = os.path.join(str(base), "front.pem")
        digest = people.issue(front, "front").fingerprint(hashes.SHA256()).hex()
        super().__init__(base, 'dke-client-ca = "people.pem"\ndke-fronts = {"%s"}\n' % digest)
        pathlib.Path(self.dir, "people.pem").write_bytes(people.pem())

    def connect(self, source=None, pem=None):
        return Connection(self.dke_port, pem and client_context(pem), HOST, source)


class Front:
    """A TLS proxy of the customer: no certificate of its CA, no connection."""

    def __init__(self, s, people, public):
        path = os.path.join(s.base, "front-server.pem")
        public.issue(path, "front", [x509.DNSName(HOST)], usage=ExtendedKeyUsageOID.SERVER_AUTH)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(path)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_verify_locations(cadata=people.pem().decode())
        self.s, self.pem = s, os.path.join(s.base, "front.pem")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                tcp, (address, _) = self.listener.accept()
                tcp.settimeout(30)
            except OSError:
                return
            with contextlib.suppress(OSError, ValueError), tcp:
                with self.context.wrap_socket(tcp, server_side=True) as tls:
                    tls.sendall(self.pass_on(tls, address))

    def pass_on(self, tls, address):
        person = dict(tls.getpeercert()["subjectAltName"])["email"]
        data = tls.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n")
                 if not line.lower().startswith(b"doublekey-front:")]
        length = [int(line.split(b":")[1]) for line in lines
                  if line.lower().startswith(b"content-length:")]
        while length and len(body) < length[0] and (more := tls.recv(65536)):
            body += more
        lines.append(b"Doublekey-Front: certificate %s %s" % (person.encode(), address.encode()))
        with self.s.connect(pem=self.pem) as c:
            c.send(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            answer = c.answer()
        head = ["HTTP/1.1 %d Passed on" % answer.status] + ["%s: %s" % h for h in answer.headers]
        return "\r\n".join(head + ["", ""]).encode() + answer.body

    def connect(self, source=None, pem=None):
        return Connection(self.port, client_context(pem), HOST, source)

    def end(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(60)


class Post(Town):
    def __init__(self, base):
        self.hour, self.silent, self.id = 0, False, {}
        self.people, self.public = Authority("CA of the people"), Authority("Example Public CA")
        self.s = Posted(base, self.people)
        self.issuer, self.neighbour = entra.rsa("k1"), entra.rsa("k1")
        self.late = entra.rsa("k2")  # comes into the set while the service runs
        self.server = KeyServer(base)
        for tenant, key in ((entra.TENANT, self.issuer), (entra.OTHER, self.neighbour)):
            self.publish_keys(tenant, key)
            self.server.ways[served(tenant, "metadata")] = json.dumps({
                "issuer": entra.v2(tenant),
                "jwks_uri": self.server.url(served(tenant, "keys"))}).encode()
        pathlib.Path(self.s.dir, "policy.conf").write_text(self.policy())
        self.s.start()
        self.front = Front(self.s, self.people, self.public)
        os.makedirs(self.path("objects"))
        self.s.client("scan", "-q", "-o", "catalogue", "objects")
        self.s.enrol(user="auditor", who="alice")
        self.s.enrol(user="dora", who="dora")
        self.make_keys()
        self.publish_keys(entra.TENANT, self.issuer, self.late)
        until(lambda: "NEW-KEY" in self.s.admin("status").stdout)
        self.pages = {person: self.registered(person) for person in PEOPLE[:2]}
        for name in ("alice", "bob", "mallory"):
            self.people.issue(self.pem(name), name, [x509.RFC822Name(name + "@contoso.com")])

    def end(self):
        self.s.stop()
        self.front.end()
        self.server.down()

    def pem(self, name):
        return self.path(name + ".pem")

    def policy(self):
        tenants = [entra.section(
            'metadata = "%s"' % self.server.url(served(tenant, "metadata")),
            'key-set-ca = "%s"' % self.server.ca, "key-set-refresh = 1",
            "key-set-max-age = 86400", title=title, tenant=tenant)
            for title, tenant in (("contoso", entra.TENANT), ("fabrikam", entra.OTHER))]
        users = "{%s}" % ", ".join('"%s"' % person for person in PEOPLE)
        return "".join(tenants) + "".join(
            entra.rule(more, title=key.lower(), keys='{"%s"}' % key, users=users, level="")
            for key, more in GATES.items())

    def publish_keys(self, tenant, *keys):
        self.server.ways[served(tenant, "keys")] = entra.key_set(*keys)

    def page(self, place):
        return Page(lambda: self.s.connect(place), self.s.origin,
                    bytes(10) + b"\xff\xff" + ipaddress.ip_address(place).packed)

    def registered(self, person):
        """An authenticator of somebody who sits in the office."""
        page = self.page(OFFICE)
        assert page.register(self.s.code(person)).status == 200
        self.s.admin("device", "accept", page.key.device)
        return page

    def make_keys(self):
        self.public_key = {}
        for name in GATES:
            self.s.admin("key", "create", name.lower(), "--type", "dke-rsa2048", "--dke-name", name)
            with self.s.connect() as c:
                made = json.loads(c.ask("GET", "/" + name).body)["key"]
            n = int.from_bytes(base64.b64decode(made["n"]), "big")
            self.public_key[name] = (rsa.RSAPublicNumbers(made["e"], n).public_key(),
                                     made["kid"].rsplit("/", 1)[1])

    # ---- documents, and people who read them ----

    def write_documents(self):
        """New ones; the thief has copies of all."""
        self.plain = {(key, name): HEAD + os.urandom(32) for key in GATES for name in NAMES}
        self.value = {document: self.public_key[document[0]][0].encrypt(plain, OAEP)
                      for document, plain in self.plain.items()}
        self.named = {hashlib.sha256(value).hexdigest(): document
                      for document, value in self.value.items()}
        self.captured = []

    def token(self, person, key=None, version=2, tenant=entra.TENANT, **more):
        return entra.token(key or self.issuer, entra.claims(
            version, self.now(), tenant, upn=person, **more))

    def posted(self, document, token, word="decrypt", headers=()):
        key = document[0]
        body = json.dumps({"alg": "RSA-OAEP-256",
                           "value": base64.b64encode(self.value[document]).decode()})
        return request("POST", "/%s/%s/%s" % (key, self.public_key[key][1], word),
                       [bearer(token), JSON, *headers], body.encode())

    def ask(self, connection, document, *args, **more):
        """The answer, and the plaintext if that is what it has."""
        connection.send(self.posted(document, *args, **more))
        answer = connection.answer()
        return answer, answer and answer.status == 200 and base64.b64decode(
            json.loads(answer.body)["value"])

    def act(self, page, what, value=None):
        """On the page, and the thief has what was sent."""
        body = page.act_body(what, hashlib.sha256(value).digest() if value else bytes(32),
                             now=self.now())
        assert page.post(body).status == 200
        self.captured.append(body)

    def approve(self, value, person):
        """For this document and person, by Dora's device."""
        body = standing.Approval(standing.DOCUMENT, hashlib.sha256(value).digest(), person=person,
                                 key="Approved", needed=1, hours=720, rule="approved",
                                 reason="").encode()
        headers = signed_headers(self.s.device("dora"), self.s.url, body, created=self.now(),
                                 path="/v1/approvals")
        assert self.s.request("POST", "/v1/approvals", body, headers)[0] == 200

    def read(self, name, person=ALICE):
        """Each key's document of this name, by somebody who has what its gate wants."""
        page = self.pages[person]
        pem = self.pem(person.split("@")[0])
        self.act(page, pages.CONFIRM, self.value["Confirmed", name])
        self.act(page, pages.OPEN)
        self.approve(self.value["Approved", name], person)
        for key in GATES:
            way = self.front.connect if key == "Front" else self.s.connect
            with way(OFFICE, pem if key in ("Client", "Front") else None) as c:
                answer, plain = self.ask(c, (key, name), self.token(person))
            assert plain == self.plain[key, name], (key, answer.status, answer.body)

    # ---- afterwards ----

    def assess(self, thefts, begin, end, more=""):
        """By document: what is said of it, which is what the rules say of all that the log has."""
        objects, size = self.found(thefts, begin, end, more)
        answers = {self.named[o["document"]]: o for o in objects if o["document"] in self.named}
        predicted = post_rules.Documents(self, size).verdicts(thefts, begin, end)
        assert {o["document"] for o in objects} == set(predicted)
        for o in objects:
            rules.same(o, predicted[o["document"]])
        return answers
