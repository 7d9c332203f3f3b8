# SPDX-License-Identifier: Apache-2.0
"""Tokens for Microsoft's protocol from an OpenID provider that others wrote: a client finds it by
the service's challenge and its metadata, a person logs in there, and the token opens what it
may."""

import base64
import hashlib
import http.client
import ipaddress
import json
import os
import pathlib
import secrets
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.parse

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from peer import HERE, Kind, Missing, Peer, get, tool
from reader import pages

NODE = 20
OFFICE = "d3590ed6-52b3-4102-aeff-aad2292ab01c"
TENANT = "5f0c1d2e-3b4a-4c5d-8e6f-708192a3b4c5"
REDIRECT = "https://office.example.org/signed-in"
SCOPE = "user_impersonation"
WELL_KNOWN, ENDPOINT = "/.well-known/openid-configuration", "/auth"
JSON = ("Content-Type", "application/json")
ALICE, EVE = "alice@contoso.com", "eve@contoso.com"


def make_oidc(where):
    """The packages of oidc/package-lock.json, each with its digest; no script of theirs runs."""
    node, npm = tool("node"), tool("npm")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < NODE:
        raise Missing(f"node is {version.strip()}, and not {NODE} or later")
    lock, done = HERE / "oidc" / "package-lock.json", where / "installed"
    if not done.exists() or done.read_bytes() != lock.read_bytes():
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "oidc" / name, where)
        get(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=where)
        shutil.copy(lock, done)
    return [node, HERE / "oidc" / "peer.js",
            where / "node_modules" / "oidc-provider" / "lib" / "index.js"]


OIDC = Kind("oidc-provider", make_oidc, ())


class Browser:
    """A person at the provider: redirections are followed to the client, cookies kept."""

    def __init__(self, ca):
        self.context, self.cookies = ssl.create_default_context(cafile=ca), {}

    def ask(self, method, url, form=None):
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPSConnection(parts.netloc, context=self.context, timeout=30)
        headers = {"Cookie": "; ".join("%s=%s" % item for item in self.cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            form = urllib.parse.urlencode(form)
        try:
            connection.request(method, parts._replace(scheme="", netloc="").geturl(), form, headers)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.split(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.getheader("Location"), answer.read()
        finally:
            connection.close()

    def token(self, authorization, audience, person):
        """By the authorization code flow with PKCE, of the provider with this endpoint."""
        issuer = authorization.removesuffix(ENDPOINT)
        document = json.loads(self.ask("GET", issuer + WELL_KNOWN)[2])
        assert document["authorization_endpoint"] == authorization
        verifier = secrets.token_urlsafe(32)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        url = authorization + "?" + urllib.parse.urlencode({
            "client_id": OFFICE, "redirect_uri": REDIRECT, "response_type": "code",
            "scope": "openid " + SCOPE, "resource": audience, "login_hint": person,
            "code_challenge": digest.decode().rstrip("="), "code_challenge_method": "S256"})
        for _ in range(8):
            status, place, body = self.ask("GET", url)
            assert status in (302, 303), (status, body)
            url = urllib.parse.urljoin(url, place)
            if url.startswith(REDIRECT):
                break
        code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        assert "code" in code, code
        status, _, body = self.ask("POST", document["token_endpoint"], {
            "grant_type": "authorization_code", "code": code["code"], "client_id": OFFICE,
            "redirect_uri": REDIRECT, "code_verifier": verifier, "resource": audience})
        assert status == 200, body
        return json.loads(body)["access_token"]


class Oidc:
    """The provider and a service whose one tenant it is."""

    def __init__(self, build):
        os.environ["DOUBLEKEY_BUILD"] = str(build)
        sys.path.insert(0, str(HERE.parent / "service"))
        self.build, self.folder = build, tempfile.TemporaryDirectory()
        self.peer, self.service = None, None

    def __enter__(self):
        self.peer = Peer(OIDC, self.build)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *what):
        if self.service:
            self.service.stop()
        if self.peer:
            self.peer.__exit__(*what)
        self.folder.cleanup()

    def start(self):
        import test_dke_gates
        from certificates import Authority
        self.gates, base = test_dke_gates, pathlib.Path(self.folder.name)
        authority = Authority("CA of the provider")
        self.ca, pem = str(base / "provider-ca.pem"), base / "provider.pem"
        pathlib.Path(self.ca).write_bytes(authority.pem())
        authority.issue(pem, "provider", [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))],
                        usage=ExtendedKeyUsageOID.SERVER_AUTH)
        (base / "service").mkdir()
        self.service = test_dke_gates.Gates(base / "service")
        self.issuer = self.peer.ask(
            "serve", pem=pem.read_bytes(), tenant=TENANT.encode(), client=OFFICE.encode(),
            audience=self.service.origin.encode(), redirect=REDIRECT.encode())["issuer"].decode()
        conf, policy = (pathlib.Path(self.service.dir, name)
                        for name in ("doublekeyd.conf", "policy.conf"))
        conf.write_text(conf.read_text().replace(
            "https://login.example.org/authorize", self.issuer + ENDPOINT))
        policy.write_text(self.tenant() + test_dke_gates.RULES)
        self.service.start()
        self.service.make_keys()

    def tenant(self):
        lines = ['id = "%s"' % TENANT, 'issuers = {"%s"}' % self.issuer,
                 'metadata = "%s"' % (self.issuer + WELL_KNOWN), 'key-set-ca = "%s"' % self.ca,
                 "key-set-refresh = 1", 'audiences = {"%s"}' % self.service.origin,
                 'clients = {"%s"}' % OFFICE]
        return 'tenant "contoso" {\n%s\n}\n' % "\n".join(lines)

    def token(self, person=ALICE):
        """From where the service's challenge says, and for what it says."""
        with self.service.connect() as c:
            answer = c.ask("POST", "/Open/%s/decrypt" % self.service.public["Open"][1], [JSON],
                           b"{}")
        assert answer.status == 401
        return Browser(self.ca).token(answer.one("authorization"), answer.one("resource"), person)

    def ask(self, token, value=None):
        return self.service.ask("Open", value or self.service.wrap("Open"), token=token)

    def log(self, kind):
        found = map(json.loads, self.service.admin("log", "--json").stdout.splitlines())
        return [r for r in found if r["class"] == kind]

    def denials(self):
        return self.log("denial")

    def key_sets(self):
        return self.log("key-set")

    # ---- cases ----

    def as_office_does(self):
        """Challenge, metadata, login, token, POST; it had the public key by GET."""
        assert self.service.opens("Open", self.service.wrap("Open"), token=self.token())
        record = self.log("release")[-1]
        found, = [f for f in record["factors"] if f["type"] == "token"]
        assert (found["iss"], found["kid"], record["person"]) == (self.issuer, "first", ALICE)
        assert found["jti"]

    def others(self):
        """A person of the tenant who has no right; a token that was changed."""
        assert self.ask(self.token(EVE)).error() == (403, "refused")
        head, body, signature = self.token().split(".")
        changed = base64.urlsafe_b64encode(json.dumps({
            **json.loads(base64.urlsafe_b64decode(body + "==")), "upn": ALICE}).encode())
        for token in (".".join((head, changed.decode().rstrip("="), signature)),
                      ".".join((head, body, signature[:6] + signature[:-6]))):
            assert self.ask(token).status == 401
            assert self.denials()[-1]["reason"] == "token"

    def gate(self):
        """Such a token is not enough where a person has to confirm."""
        value = self.service.wrap("Bound")
        assert self.service.ask("Bound", value, token=self.token()).error() == (403, "refused")
        page = self.service.registered(ALICE)
        assert page.act(pages.CONFIRM, hashlib.sha256(value).digest()).status == 200
        assert self.service.opens("Bound", value, token=self.token())

    def rotated(self, kid="second", alg="RS256"):
        """A new key waits, until somebody accepts it."""
        from test_key_sets import until
        old = self.token()
        self.peer.ask("rotate", kid=kid.encode(), alg=alg.encode())
        waiting = until(self.waiting)
        new = self.token()
        assert self.ask(new).status == 401 and self.ask(old).status == 200
        assert self.denials()[-1]["reason"] == "token-quarantine"
        self.service.admin("tenant", "accept", "contoso", *waiting)
        assert self.ask(new).status == 200

    def waiting(self):
        lines = self.service.admin("status").stdout.splitlines()
        return [line.split()[2].rstrip(",") for line in lines if line.startswith("NEW-KEY\t")]

    def other_algorithms(self):
        from test_key_sets import until
        self.rotated("third", "PS256")
        sets = len(self.key_sets())
        self.peer.ask("rotate", kid=b"fourth", alg=b"ES256")
        until(lambda: len(self.key_sets()) > sets)
        for new in self.waiting():
            self.service.admin("tenant", "accept", "contoso", new)
        assert self.ask(self.token()).status == 401
        assert self.denials()[-1]["reason"] == "token"

    def all(self):
        return [("a person logs in, and the token opens a value", self.as_office_does),
                ("somebody else, and changed tokens", self.others),
                ("a token and a gate", self.gate),
                ("a new key waits until it is accepted", self.rotated),
                ("PS256 too, and not ES256", self.other_algorithms)]
