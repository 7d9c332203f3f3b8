# SPDX-License-Identifier: Apache-2.0
"""Groups of an LDAP directory, spec/profiles/ms-dke.md section 5.5, with a real OpenLDAP."""
import hashlib
import itertools
import json
import os
import re
import struct
import time

import pytest

import entra
import slapd
from dke import JSON, DkeService, bearer, write
from slapd import BASE, dn_of, group, group_dn, person, sid_text
from test_dke_service import ISSUER, asking, wrapped
from test_dke_token import Authd
from test_key_sets import until


ALICE, BOB, CAROL, DAVE = range(1105, 1109)
REFUSED, AWAY = (403, "refused"), (503, "unavailable")


def percent(dn):
    """As a policy writes it."""
    return "".join("%%%02X" % b if b < 32 or b >= 127 or b in b'%"\\' else chr(b)
                   for b in dn.encode())


def directory(server, groups, *more, title="corp", **changes):
    options = {"url": server.url, "ca": server.ca, "base": BASE, "bind-dn": slapd.SERVICE,
               "password-file": title + ".password"}
    options.update({name.replace("_", "-"): value for name, value in changes.items()})
    lines = ['%s = "%s"' % item for item in options.items() if item[1]]
    lines += ['tenants = {"contoso"}', "groups = {%s}" % ", ".join('"%s"' % g for g in groups),
              "refresh = 1", *more]
    return 'directory "%s" {\n%s\n}\n' % (title, "\n".join(lines))


def rule(*groups, title="ldap", allow="true"):
    text = entra.rule(title=title).replace('users = {"%s"}' % entra.ALICE, "ldap-groups = {%s}" % (
        ", ".join('"%s"' % g for g in groups)))
    return text if allow == "true" else text.replace("allow = true", "allow = false").replace(
        'accept-level = "C-"', "")


class Setting(DkeService):
    host = "dke.contoso.com"

    def __init__(self, base, server):
        super().__init__(base)
        self.server = server
        write(os.path.join(self.dir, "policy.conf"), self.policy())
        os.makedirs(os.path.join(self.dir, "issuers"), exist_ok=True)
        write(os.path.join(self.dir, "issuers", "contoso.jwks"), entra.key_set(ISSUER))
        self.password()

    def password(self, text=slapd.PASSWORD + "\n", mode=0o600):
        path = os.path.join(self.dir, "corp.password")
        if text is None:
            os.remove(path)
            return
        write(path, text.encode())
        os.chmod(path, mode)

    def policy(self, *more):
        return (entra.section("key-quarantine = 0") + "".join(more)).encode()

    def use(self, *more):
        write(os.path.join(self.dir, "policy.conf"), self.policy(*more))
        self.admin("policy", "reload")

    def decrypt(self, rid=None, **claims):
        if rid:
            claims["onprem_sid"] = sid_text(rid)
        key = json.loads(self.ask("GET", "/Docs").body)["key"]
        with self.connect() as c:
            got = c.ask("POST", key["kid"].removeprefix("https://" + self.host) + "/decrypt",
                        [bearer(entra.token(ISSUER, entra.claims(**claims))), JSON],
                        asking(wrapped(key)))
        return 200 if got.status == 200 else got.error()

    def status(self, title="corp"):
        return re.search(r"^directory\t%s (.*)$" % title, self.admin("status").stdout, re.M)[1]

    def wait(self, pattern):
        return until(lambda: re.search(pattern, self.status()))

    def fetched(self):
        """One that began after this call."""
        since = int(time.time()) + 1
        until(lambda: (m := re.search(r"fetched ([0-9TZ:-]+),", self.status())) and
              time.strptime(m[1], "%Y-%m-%dT%H:%M:%SZ") > time.gmtime(since))

    def records(self):
        found = map(json.loads, self.admin("log", "--json").stdout.splitlines())
        return [r for r in found if r["class"] == "key-set"]

    def stderr(self):
        return open(self.stderr_path).read()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = slapd.Slapd(tmp_path_factory.mktemp("slapd") / "l",
                       limits="limits * size.soft=20 size.hard=20 size.pr=500 size.prtotal=unlimited")
    try:
        made.load(
            *(person(name, rid) for name, rid in (("alice", ALICE), ("bob", BOB),
                                                  ("carol", CAROL), ("dave", DAVE))),
            person("nosid"),
            group("finance", dn_of("alice"), dn_of("nosid")),
            group("inner", dn_of("bob")), group("middle", group_dn("inner")),
            group("outer", group_dn("middle"), dn_of("carol")),
            group("loop", group_dn("middle"), dn_of("dave")))
        made.change(group_dn("inner"), "add", "member", group_dn("loop"))
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def s(tmp_path_factory, server):
    made = Setting(tmp_path_factory.mktemp("dke"), server)
    made.start()
    made.admin("key", "create", "docs", "--type", "dke-rsa2048", "--dke-name", "Docs")
    yield made
    made.stop()


FINANCE, OUTER, INNER = map(group_dn, ("finance", "outer", "inner"))


def test_members_may_and_others_may_not(s, server):
    before = len(s.records())
    s.use(directory(server, [FINANCE]), rule(FINANCE))
    s.wait("^fetched .* 0 failures$")
    assert s.decrypt(ALICE) == 200
    assert s.decrypt(BOB) == REFUSED
    assert s.decrypt() == REFUSED  # a token without the claim
    assert s.decrypt(onprem_sid=sid_text(ALICE).lower()) == 200
    for wrong in (sid_text(ALICE) + "0", sid_text(ALICE)[:-1], " " + sid_text(ALICE),
                  [sid_text(ALICE)], "*", "S-1-5-21"):
        assert s.decrypt(onprem_sid=wrong) == REFUSED, wrong
    # the record has no name, and what it says can be made again from what is kept
    made = s.records()[before:]
    assert len(made) == 1 and made[0]["decision"] == "done"
    kept = open(os.path.join(s.dir, "run", "corp.members"), "rb").read()[44:]
    salt, count = kept[:32], kept[32]
    member = hashlib.sha256(salt + sid_text(ALICE).lower().encode()).digest()[:16]
    assert count == 1 and kept[33:] == b"\1\0\0\0\1" + member
    assert made[0]["key_set"] == {
        "issuer": "corp", "verifier": "fetchd", "sha256": hashlib.sha256(kept).hexdigest(),
        "ca": hashlib.sha256(open(server.ca, "rb").read()).hexdigest(),
        "thumbprints": [hashlib.sha256(kept[33:]).hexdigest()]}
    s.fetched()
    assert len(s.records()) == before + 1  # the same again is none


def test_who_leaves_a_group_may_no_more(s, server):
    s.use(directory(server, [FINANCE]), rule(FINANCE))
    until(lambda: s.decrypt(ALICE) == 200)
    server.change(FINANCE, "add", "member", dn_of("bob"))
    until(lambda: s.decrypt(BOB) == 200)
    before = len(s.records())
    server.change(FINANCE, "delete", "member", dn_of("bob"))
    until(lambda: s.decrypt(BOB) == REFUSED)
    assert s.decrypt(ALICE) == 200 and len(s.records()) == before + 1


@pytest.mark.parametrize("nested,who", [
    ("walk", {BOB: 200, CAROL: 200, DAVE: 200, ALICE: REFUSED}),
    ("none", {BOB: REFUSED, CAROL: 200, DAVE: REFUSED}), (None, {BOB: 200, CAROL: 200})])
def test_groups_in_groups(s, server, nested, who):
    """The third one is in the second, and the second in the third again."""
    more = ['nested = "%s"' % nested] if nested else []
    s.use(directory(server, [OUTER], *more), rule(OUTER))
    s.wait("^fetched .* 0 failures$")
    assert {rid: s.decrypt(rid) for rid in who} == who


def test_the_rule_for_chains_is_asked_for(s, server):
    """OpenLDAP has no such matching rule: nothing matches, and nobody is found."""
    s.use(directory(server, [OUTER], 'nested = "in-chain"'), rule(OUTER))
    s.wait("^fetched .* 0 failures$")
    assert s.decrypt(CAROL) == REFUSED


def test_other_attributes_and_claims(s, server):
    s.use(directory(server, [FINANCE], attribute="mail", claim="upn"), rule(FINANCE))
    s.wait("^fetched .* 0 failures$")
    assert s.decrypt(upn="NoSid@Contoso.com") == 200
    assert s.decrypt(BOB, upn="bob@contoso.com") == REFUSED
    # an address is no UPN
    assert s.decrypt(upn="bob@contoso.com", email="nosid@contoso.com") == REFUSED


def test_a_directory_knows_the_persons_of_its_tenants_only(s, server):
    other = entra.section("key-quarantine = 0", title="lab", tenant=entra.OTHER)
    write(os.path.join(s.dir, "issuers", "lab.jwks"), entra.key_set(ISSUER))
    both = rule(FINANCE).replace('tenants = {"contoso"}', 'tenants = {"contoso", "lab"}')
    s.use(other, directory(server, [FINANCE]), both)
    until(lambda: s.decrypt(ALICE) == 200)
    assert s.decrypt(ALICE, tenant=entra.OTHER) == REFUSED
    # control
    s.use(other, directory(server, [FINANCE]).replace('{"contoso"}', '{"contoso", "lab"}'), both)
    until(lambda: s.decrypt(ALICE, tenant=entra.OTHER) == 200)


def test_a_policy_is_checked_before_it_is_in_force(s, server):
    s.use(directory(server, [FINANCE]), rule(FINANCE))
    ask = ("policy", "check", "--user", "alice@contoso.com", "--key", "Docs", "--factor",
           "tenant=contoso", "--factor")
    assert s.admin(*ask, "ldap-group=" + FINANCE).returncode == 0
    assert s.admin(*ask, "ldap-group=" + OUTER, check=False).returncode == 3
    assert s.admin("policy", "check").stderr == ""
    # Read at each fetch: what is not there is a warning, and comes into force as the check says.
    for name in ("ca", "password-file"):
        text = (directory(server, [FINANCE], **{name: "none"}), rule(FINANCE))
        write(os.path.join(s.dir, "policy.conf"), s.policy(*text))
        made = s.admin("policy", "check")
        assert re.search(r"policy\.conf:\d+: file: none: No such file", made.stderr), made.stderr
        assert "valid" in made.stdout
        s.use(*text)
        s.wait("the last one %s$" % name)


# ---- authd alone ----

def group_part(*members, there=1, count=None):
    return struct.pack(">BI", there, len(members) if count is None else count) + b"".join(members)


SALT = b"s" * 32
CN = ("cn=a", "cn=b")
MINE = hashlib.sha256(SALT + sid_text(ALICE).lower().encode()).digest()[:16]
LOW, HIGH = bytes(16), b"\xff" * 16


class Alone:
    """The test is parent, httpd and keyd of authd."""

    def __init__(self, folder, allow="true", refresh="max-age = 60"):
        text = (entra.section("key-quarantine = 0")
                + 'directory "corp" {\nurl = "ldaps://127.0.0.1"\nbase = "dc=a"\n'
                'tenants = {"contoso"}\nrefresh = 1\n%s\ngroups = {"%s", "%s"}\n}\n' % (refresh, *CN)
                + rule(CN[0], allow=allow) + rule(CN[1], title="second"))
        self.authd = Authd(folder, text, contoso=entra.key_set(ISSUER))
        self.parent, self.keyd = (self.authd.child.channel[n] for n in ("parent", "keyd"))
        self.number = 7

    def give(self, data, age=0):
        self.number += 1
        self.parent.send(0x001a, b"\4corp" + struct.pack(">Q", int(time.time()) - age) + bytes(32)
                         + data, self.number)
        return self.number

    def refused(self, data):
        self.give(data)
        return self.parent.expect(0x001b)[1][:2] == b"\0\x20"  # argument

    def taken(self, data, age=0, code=b"\0\0"):
        number = self.give(data, age)
        assert self.keyd.expect(0x0205)[0] == number
        self.keyd.send(0x0212, code, number)
        assert self.parent.expect(0x001b)[1][:2] == code

    def code(self):
        return self.authd.code(entra.token(ISSUER, entra.claims(onprem_sid=sid_text(ALICE))))


def members(*groups, n=None):
    return SALT + bytes([len(groups) if n is None else n]) + b"".join(groups)


@pytest.fixture
def alone(tmp_path):
    made = Alone(tmp_path)
    yield made
    made.authd.child.end()


UNKNOWN, MAY, MAY_NOT = 51, 0, 20


def test_members_count_when_their_record_is_durable(alone):
    good = members(group_part(LOW, MINE), group_part())
    assert alone.code() == UNKNOWN
    number = alone.give(good)
    assert alone.keyd.expect(0x0205)[0] == number and alone.code() == UNKNOWN
    alone.give(good)  # meanwhile another one
    assert alone.parent.expect(0x001b)[1][:2] == b"\0\x1b"  # busy
    alone.keyd.send(0x0212, b"\0\x1c", number)  # the log does not take it
    assert alone.parent.expect(0x001b)[1][:2] == b"\0\x1c" and alone.code() == UNKNOWN
    alone.taken(good)
    assert alone.code() == MAY
    alone.give(good)  # the same again is no record
    assert alone.parent.expect(0x001b)[1] == b"\0\0" and alone.code() == MAY
    alone.taken(members(group_part(LOW), group_part(MINE)))
    assert alone.code() == MAY
    alone.taken(members(group_part(LOW), group_part(there=0)))
    assert alone.code() == MAY_NOT


def test_a_rule_that_does_not_allow_a_group_that_is_not_there(tmp_path):
    """Deleted, or not to be seen any more: nobody is let past it for that."""
    made = Alone(tmp_path, allow="false")
    try:
        for first, code in ((group_part(), MAY), (group_part(there=0), UNKNOWN),
                            (group_part(MINE), MAY_NOT)):
            made.taken(members(first, group_part(MINE)))
            assert made.code() == code
    finally:
        made.authd.child.end()


def test_members_have_an_age(alone):
    good = members(group_part(MINE), group_part())
    alone.taken(good, age=61)
    assert alone.code() == UNKNOWN
    alone.give(good, age=-61)  # from the future
    alone.parent.expect(0x001b)
    assert alone.code() == UNKNOWN
    alone.give(good)
    alone.parent.expect(0x001b)
    assert alone.code() == MAY


@pytest.mark.parametrize("wrong", [
    b"", SALT, members(), members(group_part(MINE)), members(group_part(MINE), group_part(), n=1),
    members(group_part(MINE), group_part(), group_part()), members(group_part(MINE), group_part(), n=3),
    members(group_part(HIGH, MINE), group_part()), members(group_part(MINE, MINE), group_part()),
    members(group_part(MINE, there=0), group_part()), members(group_part(MINE, there=2), group_part()),
    members(group_part(MINE, count=2), group_part()), members(group_part(), group_part()) + b"x",
    members(group_part(count=32769), group_part()),
    members(group_part(*(struct.pack(">16xQ", i)[8:] for i in range(20000))),
            group_part(*(struct.pack(">16xQ", i)[8:] for i in range(12769))))],
    ids=["nothing", "salt", "no groups", "one of two", "count", "three", "count of three", "order",
         "twice", "not there", "flag", "short", "more", "many", "many in all"])
def test_what_are_no_members_changes_nothing(alone, wrong):
    alone.taken(members(group_part(MINE), group_part()))
    assert alone.refused(wrong) and alone.code() == MAY


def test_a_token_that_comes_again_is_of_its_own_person(alone):
    """authd need not verify it anew; the person before it is another one."""
    alone.taken(members(group_part(MINE), group_part()))
    tokens = [(entra.token(ISSUER, entra.claims(onprem_sid=sid)), code) for sid, code in (
        (sid_text(ALICE), MAY), (sid_text(BOB), MAY_NOT), (None, MAY_NOT))]
    for first, second in itertools.permutations(tokens, 2):
        for token, code in (first, second, first, second, second):
            assert alone.authd.code(token) == code
