# SPDX-License-Identifier: Apache-2.0
"""What is attacked: a service that runs, with users, an identity provider, a provider, objects and
traffic, of which a copy is kept. And afterwards: what the assessment says of the theft."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import ssl
import time
from dataclasses import dataclass

import issuer as idp
import puppet
import rules
from reader import keyfile
from service import BUILD
from test_approval import Request
from test_clock import HOUR, LIBRARY, SCRIPT, Clocked
from test_log import checkpoint
from test_log_tools import records_file
from test_proxy import Fronted

KID = "k1"
SILENT_S, PATIENCE_S = 2, 60  # a heartbeat comes within a second, on an idle machine
CLOCKED = ("httpd", "authd", "keyd", "logd")
POLICY = idp.section() + """
rule "plans" {
	keys = {"finance"}
	users = {"alice"}
	labels = {"plans"}
	allow = true
}
rule "board" {
	keys = {"finance"}
	users = {"alice"}
	labels = {"board"}
	tokens = {"corp"}
	allow = true
}
rule "branch" {
	keys = {"finance"}
	users = {"alice"}
	labels = {"branch"}
	networks = {"192.0.2.0/24"}
	allow = true
}
rule "deeds" {
	keys = {"legal"}
	users = {"alice"}
	approvals = 1
	approvers = {"bob"}
	allow = true
}
"""
# memo is read in the traffic and by nobody's attack but those that can read all; quiet is never
# read. deed is for two keys of the service, of which the first one counts. old had another key.
LABELS = {"memo": "plans", "quiet": "plans", "board": "board", "branch": "branch", "deed": "plans",
          "old": "plans"}
HOLES = {"token-alone": "keyd", "no-log": "logd", "no-commitment": "keyd"}


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Timed(Clocked):
    def put_back(self, process):
        """With the clock of the town."""
        if process in CLOCKED and hasattr(self, "ahead"):
            self.put_program(process, self.right(process))
        else:
            super().put_back(process)

    def put_program(self, process, program):
        """In its place from its next start on; the name that it is started by stays."""
        self.replace(process, SCRIPT % (program, self.right(process), LIBRARY, self.ahead))

    def env(self, name="client"):
        return dict(super().env(name), LD_PRELOAD=LIBRARY, CLOCK_FILE=self.ahead)


class Guarded(Fronted, Timed):
    """Its proxy keeps all that passes."""

    def request(self, method, path, body=None, headers=None):
        """Past the proxy, so that its copy is that of the traffic of users."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # a thief trusts everybody
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.own_port, context=context,
                                                 timeout=self.timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Doublekey-Error"), answer.read()
        finally:
            connection.close()


@dataclass
class Theft:
    """One item of the incident file, and when it was stolen."""

    what: str
    always: bool = False  # since when is not known
    ends: bool = False

    def line(self, begin, end):
        return self.what + (" since unknown" if self.always else " since " + stamp(begin)) + (
            " until " + stamp(end) if self.ends else "")


class Town:
    def __init__(self, base):
        self.s = s = Guarded(base)
        self.hour, self.silent = 0, False
        self.issuer = idp.new_key("EC")
        os.makedirs(os.path.join(s.dir, "issuers"), exist_ok=True)
        with open(os.path.join(s.dir, "issuers", "corp.jwks"), "wb") as f:
            f.write(idp.jwks(idp.jwk(self.issuer, KID)))
        with open(os.path.join(s.dir, "policy.conf"), "w") as f:
            f.write(POLICY)
        s.start()
        for name in ("finance", "legal"):
            s.admin("key", "create", name)
        self.url = {name: s.url + "/keys/" + name for name in ("finance", "legal")}
        for user, who in (("alice", "alice"), ("bob", "bob"), ("alice", "travel")):
            code = s.admin("enrol-code", "--user", user).stdout.strip()
            s.client("enrol", s.url, "--ca-fingerprint", s.fingerprint, "--code", code,
                     "--device-name", "laptop of " + who, who=who)
        for side, name in (("provider", "p.key"), ("customer", "former.key")):
            s.client("keygen", "--side", side, "--no-passphrase", "-o", name)
        self.write_objects()
        self.traffic()
        self.recorded = list(zip(s.proxy.requests, s.proxy.answers))
        self.pass_time()

    def end(self):
        self.s.stop()
        self.s.proxy.close()

    # ---- life before ----

    def path(self, *names):
        return os.path.join(self.s.base, *names)

    def write_objects(self):
        self.plain, self.id = {}, {}
        os.makedirs(self.path("objects"))
        os.makedirs(self.path("copied"))
        keys = {name: [self.url["finance"]] for name in LABELS}
        keys["deed"] = [self.url["legal"], self.url["finance"]]
        keys["old"] = ["former.key.pub"]
        for name, label in LABELS.items():
            self.plain[name] = ("what stands in %s: " % name).encode() + os.urandom(32)
            with open(self.path(name), "wb") as f:
                f.write(self.plain[name])
            to = [word for key in keys[name] for word in ("--customer", key)]
            self.s.client("encrypt", *to, "--provider", "p.key.pub", "--label", label, name, "-o",
                          "objects/%s.dk" % name, who="alice")
            os.unlink(self.path(name))
        self.scan()
        shutil.copy(self.path("objects", "old.dk"), self.path("copied", "old-before.dk"))
        self.s.client("rewrap", "-q", "--side", "customer", "--open", "former.key", "--to",
                      self.url["finance"], "objects/old.dk", who="alice")
        self.scan()
        for name in LABELS:
            shutil.copy(self.path("objects", name + ".dk"), self.path("copied"))
            seen = self.s.client("inspect", "--json", "objects/%s.dk" % name).stdout
            self.id[name] = json.loads(seen)["object_id"]

    def scan(self):
        self.s.client("scan", "-q", "-o", "catalogue", "objects")

    def traffic(self):
        """Alice reads what she may, each with what it needs."""
        assert self.decrypt("memo") == self.plain["memo"]
        assert self.decrypt("board") == self.plain["board"]
        self.s.object = self.path("objects", "deed.dk")
        assert Request(self.s, "alice").approve("bob").send() == 0

    def decrypt(self, name, check=True):
        """By alice, with a new token. The content, or what the program said."""
        with open(self.path("alice", "doublekey", "services", "127.0.0.1:%d" % self.s.port,
                            "token"), "w") as f:
            f.write(self.token())
        out = self.path("out")
        if os.path.exists(out):
            os.unlink(out)
        done = self.s.client("decrypt", "-q", "--customer", self.url["finance"], "--provider",
                             "p.key", "objects/%s.dk" % name, "-o", "out", who="alice", check=False)
        assert done.returncode == 0 or not check, done.stderr
        return pathlib.Path(out).read_bytes() if done.returncode == 0 else done

    def token(self, key=None, **more):
        return idp.token(key or self.issuer, KID, idp.claims(self.now(), **more))

    def provider_key(self):
        return keyfile.load(pathlib.Path(self.path("p.key")).read_bytes(), private=True)

    def former_key(self):
        return keyfile.load(pathlib.Path(self.path("former.key")).read_bytes(), private=True)

    # ---- time ----

    def now(self):
        return int(time.time()) + self.hour * HOUR

    def pass_time(self):
        """An hour, and something in the log behind it."""
        self.hour += 1
        self.s.jump(self.hour * HOUR)
        self.s.admin("enrol-code", "--user", "carol")

    def hours(self, count):
        """So many, each with its heartbeat, if the log is not off."""
        for _ in range(count):
            before = self.heartbeats()
            self.hour += 1
            self.s.jump(self.hour * HOUR)
            end = time.time() + (SILENT_S if self.silent else PATIENCE_S)
            while self.heartbeats() == before and time.time() < end:
                time.sleep(0.1)

    def heartbeats(self):
        return len(re.findall(" heartbeat ", self.s.log()))

    # ---- processes that are somebody else's ----

    @contextlib.contextmanager
    def taken_over(self, *names):
        """Puppets in their place, until the service is put back as it was."""
        self.s.stop()
        puppets = [puppet.Puppet(self.s, name) for name in names]
        self.s.spawn()
        try:
            for one in puppets:
                one.take()
            self.s.wait_ready()
            yield puppets
        finally:
            self.s.stop()
            for one in puppets:
                one.end()
            self.s.start()

    @contextlib.contextmanager
    def weakened(self, hole):
        """One process is a program with this hole."""
        program = os.path.join(BUILD, "tests", "breach", "weakened-" + hole)
        self.s.stop()
        self.s.put_program(HOLES[hole], program)
        self.s.start()
        self.silent = hole == "no-log"
        try:
            yield
        finally:
            self.silent = False
            self.s.stop()
            self.s.put_back(HOLES[hole])
            self.s.start()

    @contextlib.contextmanager
    def put_back_to(self, folder):
        """Whoever has the disk puts store and log back together, and in the end undoes it."""
        self.s.stop()
        os.rename(self.s.dir, self.path("real"))
        shutil.copytree(folder, self.s.dir)
        self.s.start()
        try:
            yield
        finally:
            self.s.stop()
            shutil.rmtree(self.s.dir)
            os.rename(self.path("real"), self.s.dir)
            self.s.start()

    def snapshot(self, name):
        self.s.stop()
        shutil.copytree(self.s.dir, self.path(name), ignore=shutil.ignore_patterns("*.sock"))
        self.s.start()
        return self.path(name)

    # ---- afterwards ----

    def published(self):
        """Waits until the log's files have all that is in the log."""
        checkpoint(self.s, len(re.findall("^[0-9]", self.s.log(), re.M)))

    def found(self, thefts, begin, end, more):
        """What is said of each object, and the size of the log."""
        self.published()
        for made in ("copy", "store"):
            shutil.rmtree(self.path(made), ignore_errors=True)
        done = self.s.client("log", "mirror", self.s.url + "/log", "-o", "copy", who="alice",
                             check=False)
        assert done.returncode == 0, done.stderr
        size = int(pathlib.Path(self.path("copy", "checkpoint")).read_text().splitlines()[1])
        records_file(self.s, "records", lambda rows: [r for r in rows if r[0] < size])
        with open(self.path("incident"), "w") as f:
            f.write('from = "%s"\nto = "%s"\nstolen = {%s}\nsilence = "7200"\n'
                    'sets = "as-written"\n' % (stamp(begin), stamp(end), ", ".join(
                        '"%s"' % theft.line(begin, end) for theft in thefts)) + more)
        done = self.s.client("assess", "-q", "--incident", "incident", "--catalogue", "catalogue",
                             "--log", "copy", "--records", "records", "--json", "-",
                             who="alice", check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["objects"], size

    def assess(self, thefts, begin, end, more=""):
        """By the name of each object: what is said of it, which is what the rules say."""
        own = 'own-keys = {"%s"}\n' % self.former_key().id.hex()
        objects, size = self.found(thefts, begin, end, own + more)
        found = {o["object"]: o for o in objects}
        answers = {name: found.pop(i) for name, i in self.id.items()}
        assert not found  # no object that nobody knows
        predicted = rules.Rules(self, size).verdicts(thefts, begin, end)
        for name, answer in answers.items():
            rules.same(answer, predicted[name])
        return answers

