# SPDX-License-Identifier: Apache-2.0
"""Key sets that fetchd fetches, spec/policy.md section 6.3: real server, real TLS."""
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

import issuer as idp
from certificates import Authority
from key_server import EXPIRED, NOT_YET, redirect, running, slowly
from peers import Child
from service import DAEMON, free_port
from test_isolation import files, network_sockets, opened
from test_metrics import figures, set_metrics
from test_policy import restart, rule
from test_token import FAILS, OK, Setting

KEYS = 41  # token-keys
PATIENCE_S = 60


def until(what, *args):
    """Waits for what is asked about to be true, and returns it."""
    end = time.time() + PATIENCE_S
    while time.time() < end:
        found = what(*args)
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError((what, args))


class Fetched(Setting):
    """The issuer corp, whose set comes from a server."""

    def __init__(self, s, server, start=True, **options):
        self.s, self.server = s, server
        self.key = idp.new_key("EC")
        self.serve(idp.jwk(self.key, "k1"))
        self.options = {"url": server.url(), "ca": server.ca, "refresh": 1, "age": 600, **options}
        if start:
            restart(s, self.policy())

    def serve(self, *keys, path="/jwks"):
        self.server.ways[path] = idp.jwks(*keys)

    def policy(self, **more):
        o = {**self.options, **more}
        lines = ['key-set = "%s"' % o["url"], "key-set-refresh = %d" % o["refresh"],
                 "key-set-max-age = %d" % o["age"]]
        if o["ca"]:
            lines.append('key-set-ca = "%s"' % o["ca"])
        return (idp.section().replace("}\n", "".join(x + "\n" for x in lines) + "}\n")
                + rule('tokens = {"corp"}'))

    def reload(self, text=None):
        if text:
            with open(os.path.join(self.s.dir, "policy.conf"), "w") as f:
                f.write(text)
        self.s.admin("policy", "reload")

    def records(self):
        found = map(json.loads, self.s.admin("log", "--json").stdout.splitlines())
        return [r for r in found if r["class"] == "key-set"]

    def wait_records(self, n):
        return until(lambda: len(self.records()) >= n and self.records())

    def status(self):
        return re.search(r"^key-set\tcorp (.*)$", self.s.admin("status").stdout, re.M)[1]

    def wait_status(self, pattern):
        return until(lambda: re.search(pattern, self.status()))

    def failures(self):
        return int(re.search(r"(\d+) failures", self.status())[1])

    def stderr(self):
        return open(self.s.stderr).read()


@pytest.fixture
def server(tmp_path):
    with running(tmp_path) as s:
        yield s


@pytest.fixture
def fetched(ready, server):
    made = Fetched(ready, server)
    made.wait_records(1)
    return made


def test_fetched_at_the_start_and_recorded(fetched):
    assert fetched.ask(fetched.token()) == OK
    record = fetched.records()[0]
    body = fetched.server.ways["/jwks"]
    jwk = json.loads(body)["keys"][0]
    thumbprint = hashlib.sha256(('{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}' % (
        jwk["x"], jwk["y"])).encode()).hexdigest()
    assert record["key_set"] == {
        "issuer": "corp", "sha256": hashlib.sha256(body).hexdigest(), "verifier": "fetchd",
        "ca": hashlib.sha256(open(fetched.server.ca, "rb").read()).hexdigest(),
        "thumbprints": [thumbprint]}
    policy = open(os.path.join(fetched.s.dir, "policy.conf"), "rb").read()
    assert record["policy"] == hashlib.sha256(policy).hexdigest()
    assert record["decision"] == "done" and record["factors"] == []
    line = [x for x in fetched.s.log().splitlines() if " key-set done" in x][0]
    assert "issuer=corp verifier=fetchd set=" + hashlib.sha256(body).hexdigest() in line
    path, headers, version = fetched.server.seen[0]
    assert path == "/jwks" and version == "TLSv1.3"
    assert set(headers) == {"Host", "Accept", "User-Agent"}


def test_the_same_set_again_is_no_record(fetched):
    until(lambda: len(fetched.server.seen) >= 4)
    assert len(fetched.records()) == 1 and fetched.failures() == 0


def test_rotation_drops_no_request(fetched):
    """Requests go on while the set changes four times; each of them is answered as if it
    were alone."""
    keys = [fetched.key] + [idp.new_key("EC") for _ in range(4)]
    pids, answers, stop = fetched.s.pids(), [], threading.Event()

    def work():
        while not stop.is_set():
            answers.append(fetched.ask(fetched.token()))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    try:
        for i in range(1, len(keys)):
            new = idp.token(keys[i], "n%d" % i, idp.claims())
            assert fetched.ask(new) == FAILS
            fetched.serve(idp.jwk(keys[0], "k1"), idp.jwk(keys[i], "n%d" % i))
            fetched.wait_records(1 + i)
            until(lambda: fetched.ask(new) == OK)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert len(answers) > 10 and set(answers) == {OK}
    assert fetched.s.pids() == pids and len(fetched.records()) == 5
    # a key that is not in the set any more is none
    fetched.serve(idp.jwk(keys[1], "n1"))
    fetched.wait_records(6)
    until(lambda: fetched.ask(fetched.token()) == FAILS)


def test_without_its_record_a_set_is_not_in_force(fetched):
    """Everything ends while the log cannot take the record: the set is not kept either."""
    new = idp.new_key("EC")
    pids, seen = fetched.s.pids(), len(fetched.server.seen)
    os.kill(pids["logd"], signal.SIGSTOP)
    fetched.serve(idp.jwk(new, "k2"))
    until(lambda: len(fetched.server.seen) > seen)
    for _ in range(5):
        fetched.status()  # the parent has gone through its loop
    fetched.server.down()
    fetched.s.process.kill()
    fetched.s.process.wait()
    until(lambda: not any(os.path.exists("/proc/%d" % pid) for pid in pids.values()))
    fetched.s.start()
    assert len(fetched.records()) == 1
    assert fetched.ask(idp.token(new, "k2", idp.claims())) == FAILS
    assert fetched.ask(fetched.token()) == OK
    fetched.server.up()  # control
    fetched.wait_records(2)
    until(lambda: fetched.ask(idp.token(new, "k2", idp.claims())) == OK)


def test_a_set_judges_when_its_record_is_durable(tmp_path):
    """authd with the test as all its peers: keyd is silent, then refuses, then records."""
    key = idp.new_key("EC")
    data = idp.jwks(idp.jwk(key, "k1"))
    (tmp_path / "policy").write_text(idp.section().replace(
        "}\n", 'key-set = "https://127.0.0.1/"\n}\n') + rule('tokens = {"corp"}'))
    (tmp_path / "none").write_text("")
    fds = [os.open(tmp_path / name, os.O_RDONLY) for name in ("policy", "none", "/dev/null")]
    child = Child("authd", fds, "/")
    parent, httpd, keyd = (child.channel[p] for p in ("parent", "httpd", "keyd"))
    device, token = b"d" * 32, idp.token(key, "k1", idp.claims()).encode()

    def give(number):
        parent.send(0x001a, b"\4corp" + struct.pack(">Q", int(time.time())) + bytes(32) + data,
                    number)
        return keyd.expect(0x0205)

    def factors():
        digest = hashlib.sha256(token).digest()
        httpd.send(0x0101, bytes(40) + device + bytes(64) + b"\2" +
                   b"\2" + struct.pack(">H", len(token)) + token + b"\3\0\x20" + digest)
        return keyd.expect(0x0201)[1][43]  # behind told, policy, no objects, no charges

    try:
        keyd.send(0x0210, device + b"\1alice")
        keyd.expect(0x0204)
        assert factors() == 0
        number, field = give(5)
        assert number == 5 and field[:32] == hashlib.sha256(data).digest()
        assert factors() == 0
        keyd.send(0x0212, b"\0\x1c", 5)  # unavailable
        assert parent.expect(0x001b)[1][:2] == b"\0\x1c" and factors() == 0
        assert give(6)[0] == 6 and factors() == 0
        keyd.send(0x0212, b"\0\0", 6)
        assert parent.expect(0x001b)[1][:2] == b"\0\0" and factors() == 1
    finally:
        child.end()
        for fd in fds:
            os.close(fd)


def test_a_log_that_ends_does_not_lose_the_set(fetched):
    new = idp.new_key("EC")
    logd, seen = fetched.s.pids()["logd"], len(fetched.server.seen)
    os.kill(logd, signal.SIGSTOP)
    fetched.serve(idp.jwk(new, "k2"))
    until(lambda: len(fetched.server.seen) > seen)
    os.kill(logd, signal.SIGKILL)
    until(lambda: "restarts\t1\n" in fetched.s.admin("status", check=False).stdout)
    fetched.wait_records(2)
    until(lambda: fetched.ask(idp.token(new, "k2", idp.claims())) == OK)


def test_reload_and_fetch_at_once(fetched):
    """Both change what authd judges with: neither is lost, none fails."""
    def another_round():
        n, another = next(number), idp.new_key("EC")
        fetched.serve(idp.jwk(fetched.key, "k1"), idp.jwk(another, "r%d" % n))
        fetched.reload()
        assert fetched.ask(fetched.token()) == OK
        return n >= 8 and len(fetched.records()) >= 5

    number = itertools.count(1)
    until(another_round)
    assert fetched.failures() == 0


def test_server_away_the_last_set_stays_then_tokens_are_refused(ready, server):
    fetched = Fetched(ready, server, age=8)
    fetched.wait_records(1)
    server.down()
    fetched.wait_status("the last one connect")
    assert fetched.ask(fetched.token()) == OK
    fetched.wait_status("EXPIRED: fetched ")
    until(lambda: fetched.ask(fetched.token()) == KEYS)
    # A token of nobody, and none at all, are refused as ever.
    assert fetched.ask(fetched.token(iss="https://evil.example")) == FAILS
    assert "reason=token-keys" in ready.log() and "release done" in ready.log()
    server.up()
    until(lambda: fetched.ask(fetched.token()) == OK)
    assert len(fetched.records()) == 1  # the same set


def test_without_any_set_it_starts_and_refuses(ready, server):
    server.down()
    fetched = Fetched(ready, server)
    fetched.wait_status("^MISSING, [1-9]\\d* failures, the last one connect")
    assert fetched.ask(fetched.token()) == KEYS
    restart(ready, fetched.policy() + rule(title="others"))
    assert fetched.ask(fetched.token()) == KEYS
    server.up()
    until(lambda: fetched.ask(fetched.token()) == OK)


def kept(fetched):
    return os.path.join(fetched.s.dir, "run", "corp.key-set")


def test_the_last_set_is_kept_over_a_restart(fetched):
    until(lambda: os.path.exists(kept(fetched)))
    fetched.server.down()
    fetched.s.stop()
    data = open(kept(fetched), "rb").read()
    when = struct.unpack(">Q", data[4:12])[0]
    assert data[:4] == b"DKF1" and abs(when - time.time()) < 600
    assert data[44:] == fetched.server.ways["/jwks"]
    assert os.stat(kept(fetched)).st_mode & 0o777 == 0o600
    fetched.s.start()
    assert fetched.ask(fetched.token()) == OK
    for changed in (data[:4] + struct.pack(">Q", int(time.time()) - 601) + data[12:],  # too old
                    data[:4] + struct.pack(">Q", int(time.time()) + 600) + data[12:],  # ahead
                    data[:12] + bytes(32) + data[44:],                                 # elsewhere
                    b"XXXX" + data[4:], data[:20], data[:44], b"", data[:-5],
                    data[:44] + b"x" * 65537):
        fetched.s.stop()
        with open(kept(fetched), "wb") as f:
            f.write(changed)
        fetched.s.start()
        assert fetched.ask(fetched.token()) == KEYS, changed[:12]
    fetched.server.up()
    until(lambda: fetched.ask(fetched.token()) == OK)


def test_another_url_or_ca_is_another_set(fetched):
    fetched.server.ways["/other"] = redirect("/jwks")
    fetched.reload(fetched.policy(url=fetched.server.url("/other")))
    assert fetched.ask(fetched.token()) == KEYS
    fetched.wait_status("MISSING, .*the last one status")
    fetched.reload(fetched.policy())
    until(lambda: fetched.ask(fetched.token()) == OK)
    fetched.s.stop()
    with open(fetched.server.ca, "ab") as f:
        f.write(b"\n")
    fetched.server.down()
    fetched.s.start()
    assert fetched.ask(fetched.token()) == KEYS


def nested(handler):
    handler.answer(b"[" * 60000)


def broken_off(handler):
    handler.answer(b"{}", length=5 << 20)
    handler.close_connection = True


def endless_headers(handler):
    handler.send_response(200)
    for i in range(2000):
        handler.send_header("X-%d" % i, "y" * 100)
    handler.end_headers()


BAD = {
    "redirect": (redirect("https://localhost:1/jwks"), "status"),
    "redirect_here": (redirect("/good"), "status"),
    "not_found": (lambda h: h.answer(b"{}", 404), "status"),
    "no_content": (lambda h: h.answer(b"", 204), "status"),
    "html": (lambda h: h.answer(b"{}", kind="text/html"), "content-type"),
    "json_like": (lambda h: h.answer(b"{}", kind="application/jsonx"), "content-type"),
    "five_mb": (lambda h: h.answer(b" " * (5 << 20)), "too-large"),
    "five_mb_promised": (broken_off, "transfer"),
    "one_too_large": (lambda h: h.answer(b" " * 65537), "too-large"),
    "headers": (endless_headers, "too-large"),
    "closed": (lambda h: h.connection.shutdown(socket.SHUT_RDWR), "transfer"),
    "not_json": (b"<html>", "refused"),
    "deep": (nested, "refused"),
    "empty": (b"", "refused"),
    "empty_set": (b'{"keys":[]}', "refused"),
    "no_set": (b'{"keys":{}}', "refused"),
    "twice": (idp.jwks(idp.jwk(idp.new_key("EC"), "a"), idp.jwk(idp.new_key("EC"), "a")),
              "refused"),
    "secret": (idp.jwks(dict(idp.jwk(idp.new_key("EC"), "a"), d="AAAA")), "refused"),
    "bytes": (bytes(range(256)), "refused"),
}


def test_bad_answers_change_nothing(fetched):
    good = fetched.server.ways["/jwks"]
    fetched.server.ways["/good"] = good
    for name, (way, result) in BAD.items():
        before = fetched.failures()
        fetched.server.ways["/jwks"] = way
        until(lambda: fetched.failures() > before)
        assert re.search("the last one (%s)$" % result, fetched.status()), (name, fetched.status())
        assert fetched.ask(fetched.token()) == OK, name
        fetched.server.ways["/jwks"] = good
        fetched.reload()  # due at once, and not after the delay
        fetched.wait_status("failures$")
    assert len(fetched.records()) == 1
    assert [p for p, _, _ in fetched.server.seen if p == "/good"] == []
    # control: what is just small enough is taken
    fetched.server.ways["/jwks"] = lambda h: h.answer(
        good.ljust(65536), kind="application/jwk-set+json; charset=utf-8")
    fetched.wait_records(2)
    assert fetched.ask(fetched.token()) == OK


def test_a_slow_answer_holds_nothing_up(fetched):
    """It is given up after 30 seconds; meanwhile everything goes on."""
    fetched.server.ways["/jwks"] = slowly(fetched.server.ways["/jwks"], 45)
    seen = len(fetched.server.seen)
    until(lambda: len(fetched.server.seen) > seen)
    assert fetched.ask(fetched.token()) == OK
    fetched.reload()
    assert fetched.ask(fetched.token()) == OK
    fetched.wait_status("the last one time-out")
    fetched.s.stop()
    assert fetched.s.process.returncode == 0


def tls_result(ready, server, **options):
    made = Fetched(ready, server, **options)
    made.wait_status("^MISSING, [1-9]")
    assert made.records() == [] and made.ask(made.token()) == KEYS
    return made.status().split()[-1]


@pytest.mark.parametrize("validity", [EXPIRED, NOT_YET])
def test_a_certificate_out_of_its_time(ready, tmp_path, validity):
    with running(tmp_path, **validity) as server:
        assert tls_result(ready, server) == "tls"


def test_another_ca(ready, tmp_path, server):
    with running(tmp_path, authority=Authority("CA of the issuer")) as other:
        assert tls_result(ready, other) == "tls"  # its CA has the name of the right one
        made = Fetched(ready, other, ca=None)     # nor is it one of the system
        made.wait_status("the last one (tls|ca)")


def test_another_name(ready, tmp_path):
    with running(tmp_path, names=("keys.example.org",)) as server:
        assert tls_result(ready, server) == "tls"


LENIENT = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = default
[default]
MinProtocol = TLSv1
CipherString = DEFAULT@SECLEVEL=0
"""


@pytest.mark.parametrize("version,result",
                         [(ssl.TLSVersion.TLSv1_1, 3), (ssl.TLSVersion.TLSv1_2, 0)])
def test_an_old_version_of_tls(tmp_path, version, result):
    """Also where the settings of the system would take it: fetchd with the test as parent."""
    (tmp_path / "openssl.cnf").write_text(LENIENT)
    with running(tmp_path, version=version) as server:
        server.ways["/jwks"] = b"anything"
        child = Child("fetchd", [], "/", env={"OPENSSL_CONF": str(tmp_path / "openssl.cnf")})
        try:
            url = server.url().encode()
            child.channel["parent"].send(0x0018, bytes([len(url)]) + url +
                                         open(server.ca, "rb").read(), 77)
            number, answer = child.channel["parent"].expect(0x0019)
            assert number == 77 and answer[0] == result
            assert answer[3:] == (b"" if result else b"anything")
        finally:
            child.end()


def test_tls_1_2_is_taken(ready, tmp_path):
    with running(tmp_path, version=ssl.TLSVersion.TLSv1_2) as server:
        made = Fetched(ready, server)
        made.wait_records(1)
        assert server.seen[0][2] == "TLSv1.2"


def test_a_name_is_resolved(ready, tmp_path):
    """localhost: threads, files of the resolver, and IPv6 first where it is there."""
    with running(tmp_path, names=("localhost",)) as server:
        made = Fetched(ready, server, url=server.url(host="localhost"))
        made.wait_records(1)
        made = Fetched(ready, server, url=server.url(host="no-such-host.invalid"))
        made.wait_status("the last one resolve")


def has_namespaces():
    return os.geteuid() == 0 and shutil.which("unshare") and shutil.which("nsenter") and \
        subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not has_namespaces(), reason="needs root, and mount namespaces")
def test_other_files_of_the_resolver(ready, tmp_path):
    """The sandbox names the files that it lets be read; when another one is in the place of
    one of them, as DHCP does it, fetchd is started anew, and reads that one."""
    s, hosts = ready, tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost keys.corp.test\n")
    with running(tmp_path, names=("keys.corp.test",)) as server:
        made = Fetched(s, server, start=False, url=server.url(host="keys.corp.test"))
        s.stop()
        with open(os.path.join(s.dir, "policy.conf"), "w") as f:
            f.write(made.policy())
        with open(s.stderr, "a") as err:
            s.process = subprocess.Popen(
                ["unshare", "-m", "--propagation", "private", DAEMON, "run", "--dir", s.dir,
                 "--passphrase-file", s.passfile], stderr=err, stdin=subprocess.DEVNULL)
        s.wait_ready()
        before = s.pids()
        made.wait_status("the last one resolve")
        subprocess.run(["nsenter", "-t", str(s.process.pid), "-m", "mount", "--bind", str(hosts),
                        "/etc/hosts"], check=True)
        made.wait_records(1)
        assert made.ask(made.token()) == OK
        after = s.pids()
        assert [n for n in before if before[n] != after[n]] == ["fetchd"]
        assert "files of the resolver are others now" in made.stderr()


def test_the_largest_set(fetched):
    """32 keys, which is also the longest record of one; 33 are refused."""
    keys = [idp.jwk(idp.new_key("EC"), "k%d" % i) for i in range(2, 33)]
    first = idp.jwk(fetched.key, "k1")
    fetched.serve(first, *keys)
    record = fetched.wait_records(2)[1]["key_set"]
    assert len(set(record["thumbprints"])) == 32
    fetched.serve(first, *keys, idp.jwk(idp.new_key("EC"), "k33"))
    fetched.wait_status("the last one refused")
    assert len(fetched.records()) == 2 and fetched.ask(fetched.token()) == OK
    # keys that are passed over count as well
    fetched.serve(first, *keys, dict(first, kid="x", use="enc"))
    fetched.reload()
    until(lambda: fetched.failures() >= 2)


def test_a_ca_file_that_is_not_there(fetched):
    done = fetched.s.admin("policy", "check", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    os.rename(fetched.server.ca, fetched.server.ca + ".away")
    fetched.wait_status("the last one ca")
    assert fetched.ask(fetched.token()) == OK
    done = fetched.s.admin("policy", "check", check=False)
    assert done.returncode == 0 and "policy.conf:1: file: %s: No such" % fetched.server.ca in done.stderr
    assert fetched.s.admin("policy", "reload", check=False).returncode == 0


def test_http_is_refused(fetched):
    for url in ("http://127.0.0.1:1/jwks", "file:///etc/passwd", "https://a@127.0.0.1/"):
        with open(os.path.join(fetched.s.dir, "policy.conf"), "w") as f:
            f.write(fetched.policy(url=url))
        done = fetched.s.admin("policy", "reload", check=False)
        assert done.returncode == 1 and ": value: " in done.stderr
    assert fetched.ask(fetched.token()) == OK


def test_keys_of_another_issuer_are_not_those_of_this_one(ready, server):
    """lab serves a key under a kid that corp has too, and one that corp has not."""
    fetched = Fetched(ready, server, start=False)
    lab = idp.new_key("EC")
    fetched.serve(idp.jwk(lab, "k1"), idp.jwk(lab, "lab1"), path="/lab")
    other = "https://id.example.org/lab"
    second = idp.section("lab", other).replace(
        "}\n", 'key-set = "%s"\nkey-set-ca = "%s"\n}\n' % (server.url("/lab"), server.ca))
    restart(ready, second + fetched.policy())
    fetched.wait_records(2)
    assert fetched.ask(fetched.token()) == OK
    for kid in ("k1", "lab1"):
        assert fetched.ask(idp.token(lab, kid, idp.claims())) == FAILS
        # control: as a token of lab it holds, which the rule does not want
        assert fetched.ask(idp.token(lab, kid, idp.claims(iss=other))) == 39
    assert {r["key_set"]["issuer"] for r in fetched.records()} == {"corp", "lab"}


def test_a_file_does_not_stand_in(fetched):
    """Who can write the old file cannot give keys to an issuer whose set is fetched."""
    planted = idp.new_key("EC")
    with open(os.path.join(fetched.s.dir, "issuers", "corp.jwks"), "wb") as f:
        f.write(idp.jwks(idp.jwk(planted, "p")))
    until(lambda: os.path.exists(kept(fetched)))
    fetched.server.down()
    fetched.reload()
    assert fetched.ask(idp.token(planted, "p", idp.claims())) == FAILS
    assert fetched.ask(fetched.token()) == OK
    # control: without key-set the file counts
    fetched.reload(idp.section() + rule('tokens = {"corp"}'))
    assert fetched.ask(idp.token(planted, "p", idp.claims())) == OK
    assert "key-set" not in fetched.s.admin("status").stdout


def test_fetchd_killed_alone_comes_back_alone(fetched):
    before, new = fetched.s.pids(), idp.new_key("EC")
    fetched.server.ways["/slow"] = slowly(b"{}" * 500, 45)
    for i in range(3):
        pid = fetched.s.pids()["fetchd"]
        os.kill(pid, signal.SIGKILL)
        assert fetched.ask(fetched.token()) == OK
        until(lambda: fetched.s.pids().get("fetchd", pid) != pid)
    after = fetched.s.pids()
    assert {n: p for n, p in after.items() if n != "fetchd"} == {
        n: p for n, p in before.items() if n != "fetchd"}
    assert "restarts\t0\n" in fetched.s.admin("status").stdout
    fetched.serve(idp.jwk(new, "k2"))
    fetched.wait_records(2)
    until(lambda: fetched.ask(idp.token(new, "k2", idp.claims())) == OK)


def test_authd_killed_the_set_remains(fetched):
    until(lambda: os.path.exists(kept(fetched)))
    fetched.server.down()
    os.kill(fetched.s.pids()["authd"], signal.SIGKILL)
    until(lambda: "restarts\t1\n" in fetched.s.admin("status", check=False).stdout)
    assert fetched.ask(fetched.token()) == OK
    assert len(fetched.records()) == 1


def test_what_fetchd_holds(fetched):
    """No file of the service; a connection during a fetch, and none when it is done."""
    pid, good, go = fetched.s.pids()["fetchd"], fetched.server.ways["/jwks"], threading.Event()
    assert files(fetched.s, pid) == set()
    assert files(fetched.s, fetched.s.process.pid)  # control

    def held(handler):
        go.wait(PATIENCE_S)
        handler.answer(good)

    def connections():
        return network_sockets() & set(opened(pid).values())

    fetched.server.ways["/jwks"] = held
    until(lambda: len(connections()) == 1)
    fetched.server.ways["/jwks"] = redirect("/")
    go.set()
    fetched.wait_status("the last one status")
    until(lambda: len(connections()) == 0)


def test_figures(ready, server):
    port = free_port()
    ready.stop()
    ready.metrics_port = port
    set_metrics(ready, "127.0.0.1:%d" % port)
    stamp = 'doublekey_key_set_timestamp_seconds{issuer="corp"}'
    failures = 'doublekey_key_set_failures_total{issuer="corp"}'
    fetched = Fetched(ready, server)
    fetched.wait_records(1)
    until(lambda: abs(figures(ready).get(stamp, 0) - time.time()) < 60)
    assert figures(ready)[failures] == 0
    server.down()
    until(lambda: figures(ready)[failures] >= 2)
    last = figures(ready)[stamp]
    assert last == figures(ready)[stamp] > 0  # the last good one
    os.kill(ready.pids()["fetchd"], signal.SIGKILL)
    until(lambda: figures(ready)["doublekey_fetchd_restarts_total"] == 1)
    assert figures(ready)["doublekey_process_restarts_total"] == 0
