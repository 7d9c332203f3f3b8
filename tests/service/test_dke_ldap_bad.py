# SPDX-License-Identifier: Apache-2.0
"""Directories that are down, lie, are slow, or have names that would be filters:
spec/profiles/ms-dke.md section 5.5. OpenLDAP is real, but for the one that says nothing."""
import contextlib
import itertools
import os
import socket
import ssl
import subprocess
import threading

import pytest
from cryptography import x509

import slapd
from certificates import Authority
from peers import Child
from slapd import BASE, dn_of, entry, group, group_dn, person
from test_dke_ldap import (ALICE, AWAY, BOB, REFUSED, Setting, directory, percent, rule)
from test_key_sets import until
from test_messages import asked_directory

MALLORY, TREE = 1666, 1700
STAR = group_dn("*")
WEIRD = "cn=B\u00fccher (x) \\2C & | ! ~ \\23 1\\3B \\22q\\22,ou=groups," + BASE
CLOSING = group_dn("a)(objectClass=*")
CROWD = [person("p%d" % i, 20000 + i) for i in range(600)]
CHAIN = 18


def chain():
    """Each group is in the one before."""
    yield group("c%d" % CHAIN, dn_of("bob"))
    for i in reversed(range(CHAIN)):
        yield group("c%d" % i, group_dn("c%d" % (i + 1)))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = slapd.Slapd(tmp_path_factory.mktemp("slapd") / "l", limits="sizelimit size.soft=20 "
                       "size.hard=20 size.pr=500 size.prtotal=unlimited")
    try:
        made.load(
            person("alice", ALICE), person("bob", BOB), person("mallory", MALLORY),
            group("finance", dn_of("alice")),
            entry(WEIRD, "groupOfNames", member=[dn_of("bob")]),
            entry(CLOSING, "groupOfNames", member=[dn_of("mallory")]),
            entry(STAR, "groupOfNames", member=[dn_of("mallory")]),
            *CROWD, group("crowd", *(dn_of("p%d" % i) for i in range(600))), *chain())
        for who, where in (("alice", group_dn("finance")), ("mallory", STAR)):
            made.change(dn_of(who), "add", "businessCategory", where)
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


FINANCE = group_dn("finance")


@pytest.fixture
def known(s, server):
    """alice is in the group, and the server is there; also behind the test."""
    s.use(directory(server, [FINANCE], "max-age = 3600"), rule(FINANCE))
    until(lambda: s.decrypt(ALICE) == 200)
    yield s
    if not server.process:
        server.start()


# ---- servers that are none ----

def ber(tag, data):
    size = len(data).to_bytes(4, "big")
    return bytes([tag, 0x84]) + size + data


def found(dn):
    """A SearchResultEntry of the first question."""
    return ber(0x30, b"\2\1\1" + ber(0x64, ber(4, dn) + ber(0x30, b"")))


class Liar:
    """Speaks TLS under the CA of the directory, takes one question, and answers as it likes."""

    def __init__(self, server, answer, tls=True):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = b"https://127.0.0.1:%d/" % self.socket.getsockname()[1]
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(server.dir, "server.pem"))
        self.answer, self.tls, self.kept = answer, tls, []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            connection, _ = self.socket.accept()
            self.kept.append(connection)  # open
            if not self.tls:
                return
            self.kept.append(self.context.wrap_socket(connection, server_side=True))
            self.kept[-1].recv(65536)
            for data in self.answer:
                self.kept[-1].sendall(data)
            if self.answer and isinstance(self.answer, list):
                self.kept[-1].close()


# FETCHED: what comes of it, spec/ipc.md section 6
TIME_OUT, TOO_LARGE, TRANSFER, STATUS = b"\4\0\0", b"\7\0\0", b"\x08\0\0", b"\5\0"
LIES = {
    "silent": ((), False, TIME_OUT), "silent behind TLS": ((), True, TIME_OUT),
    "nothing": ([b""], True, TRANSFER), "HTTP": ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], True, TRANSFER),
    "cut": ([found(b"cn=a")[:-3]], True, TRANSFER),
    "long": ([b"\x30\x84\x7f\xff\xff\xff\2\1\1"], True, TRANSFER),
    "longer than a message may be": ([found(b"a" * (1 << 20))], True, TRANSFER),
    "no end": (itertools.repeat(found(b"cn=" + b"a" * 60000)), True, TOO_LARGE),
    "another id": ([ber(0x30, b"\2\1\7" + ber(0x65, b"\x0a\1\0\4\0\4\0"))], True, TRANSFER),
    "referral": ([ber(0x30, b"\2\1\1" + ber(0x65, b"\x0a\1\x0a\4\0\4\0" + ber(
        0xa3, ber(4, b"ldap://127.0.0.1/"))))], True, STATUS + b"\x0a"),
    "busy": ([ber(0x30, b"\2\1\1" + ber(0x65, b"\x0a\1\x33\4\0\4\0"))], True, STATUS + b"\x33")}


@pytest.fixture(scope="module", autouse=True)
def lies(server):
    """fetchd alone, asked from the start: the time that it may wait passes while the others run."""
    child = Child("fetchd", [], "/")
    child.channel["parent"].expect(1)  # READY
    liars = [Liar(server, answer, tls) for answer, tls, _ in LIES.values()]
    ca = open(server.ca, "rb").read()
    for number, liar in enumerate(liars, 1):
        child.channel["parent"].send(0x0025, asked_directory(
            url=liar.url, bind=b"", password=b"", more=ca), number)
    yield child, liars
    child.end()


# ---- away ----

def test_the_last_members_count_while_the_server_is_down(known, server):
    server.stop()
    known.wait("the last one connect$")
    assert known.decrypt(ALICE) == 200 and known.decrypt(BOB) == REFUSED
    # also over a restart of the service
    known.stop()
    known.start()
    until(lambda: known.decrypt(ALICE) == 200)
    assert known.decrypt(BOB) == REFUSED
    # and until their time is over
    known.use(directory(server, [FINANCE], "max-age = 1"), rule(FINANCE))
    until(lambda: known.decrypt(ALICE) == AWAY)
    assert known.decrypt(BOB) == AWAY and "EXPIRED" in known.status()
    assert "directory" in known.log().splitlines()[-1]
    server.start()
    until(lambda: known.decrypt(ALICE) == 200)


def test_a_rule_that_does_not_allow_holds_without_the_server(known, server):
    """Whoever it is about: it is not known, so nobody is let past it."""
    everybody = rule(FINANCE, title="all").replace("ldap-groups = {", "roles = {\"r\"}\n#")
    text = (directory(server, [FINANCE], "max-age = 2"), rule(FINANCE, title="out", allow="false"),
            everybody)
    known.use(*text)
    until(lambda: known.decrypt(BOB, roles=["r"]) == 200)
    assert known.decrypt(ALICE, roles=["r"]) == REFUSED
    server.stop()
    until(lambda: known.decrypt(BOB, roles=["r"]) == AWAY)
    assert known.decrypt(ALICE, roles=["r"]) == AWAY


def test_members_are_those_of_what_was_asked(known, server):
    """Members of another group, or of another server, are not taken for these."""
    server.stop()
    for other in (directory(server, [FINANCE, STAR]), directory(server, [FINANCE], 'nested = "none"'),
                  directory(server, [FINANCE], base="ou=people," + BASE)):
        known.use(other, rule(FINANCE))
        assert known.decrypt(ALICE) == AWAY
    server.start()
    until(lambda: known.decrypt(ALICE) == 200)


# ---- who the server is, and who asks ----

def test_another_ca_and_another_name_are_refused(known, server):
    other = known.server.write("other-ca.pem", Authority("CA of the directory").pem())
    known.use(directory(server, [FINANCE], ca=other), rule(FINANCE))
    known.wait("MISSING.*the last one tls$")
    assert known.decrypt(ALICE) == AWAY
    # a file that is none, or not there
    known.use(directory(server, [FINANCE], ca="no-such.pem"), rule(FINANCE))
    known.wait("MISSING.*the last one ca$")
    server.stop()
    server.certify(names=[x509.DNSName("elsewhere.example.org")])
    server.start()
    known.use(directory(server, [FINANCE], base="ou=people," + BASE), rule(FINANCE))
    known.wait("MISSING.*the last one tls$")
    server.stop()
    server.certify()
    server.start()
    until(lambda: known.decrypt(ALICE) == 200)


NO_PASSWORD = "password-file: corp.password: has no password of 1 to 255 bytes"
SEEN = "password-file: corp.password: is no file, or everybody may read or write it"


@pytest.mark.parametrize("text,mode,why", [
    ("another password", 0o600, "status: LDAP 49"), ("", 0o600, NO_PASSWORD), ("\n", 0o600, NO_PASSWORD),
    (slapd.PASSWORD, 0o604, SEEN), (slapd.PASSWORD, 0o602, SEEN), ("a" * 256, 0o600, NO_PASSWORD),
    ("a\0b", 0o600, NO_PASSWORD), (None, 0, "password-file: corp.password: No such file")],
    # not itself: ids are in the environment
    ids=["another", "none", "line", "seen", "written", "long", "NUL", "missing"])
def test_a_password_that_is_wrong_or_seen_by_all(known, server, text, mode, why):
    known.password(text, mode)
    known.use(directory(server, [FINANCE], member_of="seeAlso"), rule(FINANCE))
    known.wait("MISSING.*the last one " + why.split(":")[0] + "$")
    until(lambda: "corp: not fetched: " + why in last_lines(known))
    assert known.decrypt(ALICE) == AWAY
    # and before it is in force
    made = known.admin("policy", "check")
    assert ("file: corp.password: " in made.stderr) == why.startswith("password-file"), made.stderr
    assert why.rpartition(": ")[2] in made.stderr or why.startswith("status")
    known.password()


def last_lines(s):
    return "".join(open(s.stderr).readlines()[-3:])


def test_the_password_is_nowhere(known):
    assert slapd.PASSWORD not in open(known.stderr).read()
    assert slapd.PASSWORD not in known.admin("status").stdout
    for pid in [known.process.pid, *known.pids().values()]:
        for name in ("cmdline", "environ"):
            assert slapd.PASSWORD.encode() not in open("/proc/%d/%s" % (pid, name), "rb").read()
    for folder, _, names in os.walk(known.dir):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and name != "corp.password":
                assert slapd.PASSWORD.encode() not in open(path, "rb").read(), path


# ---- names ----

def test_a_name_is_no_filter(s, server):
    """The attribute is a text here, in which an asterisk finds what it stands for."""
    text = directory(server, [STAR], member_of="businessCategory")
    s.use(text, rule(STAR))
    until(lambda: s.decrypt(MALLORY) == 200)
    assert s.decrypt(ALICE) == REFUSED
    # control: as a filter the same name finds alice as well
    assert server.search("(businessCategory=%s)" % STAR) == sorted(map(dn_of, ("alice", "mallory")))
    assert server.search("(businessCategory=%s)" % STAR.replace("*", "\\2a")) == [dn_of("mallory")]


@pytest.mark.parametrize("dn,who", [(WEIRD, BOB), (CLOSING, MALLORY), (STAR, MALLORY)],
                         ids=["weird", "closing", "star"])
def test_names_with_characters_of_filters(s, server, dn, who):
    s.use(directory(server, [percent(dn)]), rule(percent(dn)))
    until(lambda: s.decrypt(who) == 200)
    assert s.decrypt(ALICE) == REFUSED


def test_a_group_inside_with_such_a_name(s, server):
    """Its name comes from the server, not from the policy."""
    for name, inner, who in (("out1", CLOSING, MALLORY), ("out2", WEIRD, BOB)):
        server.add(group(name, inner))
        s.use(directory(server, [group_dn(name)]), rule(group_dn(name)))
        until(lambda: s.decrypt(who) == 200)
        assert s.decrypt(ALICE) == REFUSED


def test_a_group_that_is_not_there(s, server):
    gone = group_dn("gone")
    s.use(directory(server, [gone, FINANCE]), rule(gone), rule(FINANCE, title="other"))
    until(lambda: s.decrypt(ALICE) == 200)
    assert s.decrypt(BOB) == REFUSED
    assert "1 groups are NOT THERE" in open(s.stderr).read()


# ---- much ----

def test_more_members_than_the_server_gives_at_once(s, server):
    crowd = group_dn("crowd")
    s.use(directory(server, [crowd]), rule(crowd))
    until(lambda: s.decrypt(20599) == 200)
    assert [s.decrypt(20000 + i) for i in (0, 300, 499, 500)] == 4 * [200]
    assert s.decrypt(ALICE) == REFUSED
    # control: without pages it gives no more than 20
    made = subprocess.run(
        ["ldapsearch", "-x", "-LLL", "-H", server.socket, "-D", slapd.SERVICE, "-w", slapd.PASSWORD,
         "-b", BASE, "(memberOf=%s)" % crowd, "1.1"], capture_output=True, text=True,
        env={"PATH": slapd.PATH})
    assert made.returncode == 4 and made.stdout.count("dn:") == 20


def test_groups_too_deep_in_groups(s, server):
    deep, less = group_dn("c0"), group_dn("c%d" % (CHAIN - 16))
    s.use(directory(server, [deep]), rule(deep))
    s.wait("MISSING.*the last one too-large$")
    assert s.decrypt(BOB) == AWAY
    s.use(directory(server, [less]), rule(less))  # control
    until(lambda: s.decrypt(BOB) == 200)


def test_too_many_members(s, server):
    """Of one person with many addresses."""
    many = group_dn("many")
    server.add(entry(dn_of("many"), "inetOrgPerson", sn="x", cn="x",
                     mail=["%05d@x" % i for i in range(32768)]), group("many", dn_of("many")))
    text = directory(server, [many], attribute="mail", claim="upn")
    s.use(text, rule(many))
    until(lambda: s.decrypt(upn="32767@x") == 200)
    assert s.decrypt(upn="00000@x") == 200 and s.decrypt(upn="32768@x") == REFUSED
    server.change(dn_of("many"), "add", "mail", "32768@x")
    s.wait("the last one too-large$")
    assert s.decrypt(upn="32768@x") == REFUSED and s.decrypt(upn="00000@x") == 200


def test_references_are_not_followed(s, server):
    """To a place that would tell if somebody came."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0)
        server.add(entry("ou=away," + BASE, "referral", "extensibleObject", ou="away",
                         ref="ldap://127.0.0.1:%d/ou=away,%s??sub" % (trap.getsockname()[1], BASE)))
        s.use(directory(server, [FINANCE], 'nested = "none"'), rule(FINANCE))
        until(lambda: s.decrypt(ALICE) == 200)
        s.fetched()
        with pytest.raises(BlockingIOError):
            trap.accept()
        assert "ref" in server.tool("ldapsearch", "-b", BASE, "-LLL", "(memberOf=%s)" % FINANCE)


def test_servers_that_are_none(lies, server):
    """Each gets its end; none waits for another one, and one that is good comes in between."""
    child, liars = lies
    parent, names = child.channel["parent"], list(LIES)
    parent.send(0x0025, asked_directory(
        url=server.url.replace("ldaps", "https").encode() + b"/", bind=slapd.SERVICE.encode(),
        password=slapd.PASSWORD.encode(), base=BASE.encode(), groups=(FINANCE.encode(),),
        more=open(server.ca, "rb").read()), 99)
    got = {}
    while len(got) <= len(LIES):
        number, answer = parent.expect(0x0019)
        got[number] = answer
    assert got.pop(99)[:3] == bytes(3)
    assert {names[n - 1]: a for n, a in got.items()} == {n: lie[2] for n, lie in LIES.items()}
