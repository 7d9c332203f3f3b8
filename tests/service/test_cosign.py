# SPDX-License-Identifier: Apache-2.0
"""A service whose log witnesses cosign, spec/log.md section 17: real witnesses, real daemon."""
import http.server
import json
import os
import re
import signal
import struct
import subprocess
import threading
import time

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates import Authority
from service import Service, free_port, parts_of, release_body
from test_key_sets import until
from test_metrics import OF_WITNESSES, figures, set_metrics
from witness import Witness



class Setting:
    """A service with two witnesses; how many of them are the quorum."""

    def __init__(self, base, mode="prompt", quorum="all", wait=3, tls=None, prepare=True):
        self.s = s = Service(base)
        self.witnesses = [Witness(base, "w%d.example.org" % i, [s.vkey], tls).start()
                          for i in (1, 2)]
        self.configure(mode, quorum, wait, tls)
        s.start()
        if prepare:
            s.prepare()

    def policy(self, quorum):
        lines = ["witness w%d %s %s" % (i + 1, w.vkey, w.url) for i, w in enumerate(self.witnesses)]
        return "\n".join([*lines, "group both %s w1 w2" % quorum, "quorum both", ""])

    def configure(self, mode, quorum, wait, tls=None):
        path = os.path.join(self.s.dir, "doublekeyd.conf")
        with open(os.path.join(self.s.dir, "witnesses.policy"), "w") as f:
            f.write(self.policy(quorum))
        with open(path, "a") as f:
            f.write('mode = "%s"\nwitnesses = "witnesses.policy"\nquorum-wait = %d\n'
                    % (mode, wait))
            if tls:
                f.write('witness-ca = "%s"\n' % tls[2])

    def stop(self):
        self.s.stop()
        for w in self.witnesses:
            w.stop()

    def checkpoint(self):
        status, _, body = self.s.request("GET", "/log/checkpoint")
        return body if status == 200 else b""

    def cosigners(self, note=None):
        """Names of the witnesses whose lines hold, in the file or in this note."""
        note = self.checkpoint() if note is None else note
        found = []
        for line in note.splitlines(True):
            for w in self.witnesses:
                if line.startswith("\u2014 {} ".format(w.name).encode()):
                    w.cosigned(line, note)
                    found.append(w.name)
        return found

    def decrypt(self, check=True):
        done = self.s.client("decrypt", "--customer", self.s.key, "--provider", "p.key",
                             "object.dk",
                             "-f", "-o", "out", check=False)
        assert not check or done.returncode == 0, done.stderr
        return done

    def status(self):
        return self.s.admin("status").stdout

    def records(self, class_="release"):
        return [r for r in map(json.loads, self.s.admin("log", "--json").stdout.splitlines())
                if r["class"] == class_]


@pytest.fixture
def prompt(tmp_path):
    setting = Setting(tmp_path)
    yield setting
    setting.stop()


@pytest.fixture
def strict(tmp_path):
    setting = Setting(tmp_path, "strict")
    yield setting
    setting.stop()


def receipt_of(answer):
    """Leaf, index, hashes, checkpoint of an answer to a release."""
    n = struct.unpack(">H", answer[77:79])[0]
    r = answer[79 + 50 * n:]
    count = r[56]
    at = 57 + 32 * count
    length = struct.unpack(">H", r[at:at + 2])[0]
    return r[:48], struct.unpack(">Q", r[48:56])[0], count, r[at + 2:at + 2 + length]


# ---- both modes ----

def test_the_log_is_cosigned_and_the_file_shows_it(prompt):
    both = ["w1.example.org", "w2.example.org"]
    until(lambda: prompt.cosigners() == both)
    size = int(prompt.checkpoint().split(b"\n")[1])
    prompt.decrypt()
    until(lambda: int(prompt.checkpoint().split(b"\n")[1]) > size and prompt.cosigners() == both)
    for w in prompt.witnesses:
        assert "error" not in w.said()


def test_status_and_metrics_say_how_far_each_witness_is(tmp_path):
    s = Setting(tmp_path, prepare=False)
    try:
        s.s.stop()
        s.s.metrics_port = free_port()
        set_metrics(s.s, "127.0.0.1:%d" % s.s.metrics_port)
        s.s.start()
        until(lambda: re.search(r"^witness\tw1 cosigned [1-9]", s.status(), re.M))
        assert "mode\tprompt\n" in s.status()
        s.witnesses[1].stop(signal.SIGKILL)
        s.s.admin("key", "create", "more")
        until(lambda: re.search(r"^witness\tw2 cosigned \d+ at \S+, [1-9]\d* failures, the last "
                                r"answer connect", s.status(), re.M))
        until(lambda: figures(s.s).get('doublekey_witness_failures_total{witness="w2"}', 0) > 0)
        found = figures(s.s)
        assert OF_WITNESSES <= {name.split("{")[0] for name in found}
        assert found['doublekey_witness_entries{witness="w1"}'] >= \
            found["doublekey_cosigned_entries"] > 0
    finally:
        s.stop()


def test_prompt_goes_on_without_witnesses(prompt):
    for w in prompt.witnesses:
        w.stop(signal.SIGKILL)
    prompt.decrypt()
    assert {r["mode"] for r in prompt.records()} == {"prompt"}
    # After a while the files show the log without them, and with them again when they are back.
    until(lambda: prompt.cosigners() == [] and prompt.checkpoint() != b"")
    for w in prompt.witnesses:
        w.start()
    until(lambda: len(prompt.cosigners()) == 2)


def test_over_tls_with_a_ca_of_its_own(tmp_path):
    import ipaddress
    authority = Authority("CA of the witnesses")
    (tmp_path / "ca.pem").write_bytes(authority.pem())
    authority.issue(str(tmp_path / "server.pem"), "witness",
                    [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))],
                    usage=ExtendedKeyUsageOID.SERVER_AUTH)
    tls = [str(tmp_path / x) for x in ("server.pem", "server.pem", "ca.pem")]
    setting = Setting(tmp_path, "strict", tls=tls)
    try:
        setting.decrypt()
        # Under another CA nobody is a witness.
        setting.s.stop()
        (tmp_path / "ca.pem").write_bytes(Authority("CA of somebody").pem())
        setting.s.start()
        done = setting.decrypt(check=False)
        assert done.returncode == 1 and "service-quorum" in done.stderr
        assert "the last answer tls" in setting.status()
    finally:
        setting.stop()


# ---- strict ----

def test_strict_releases_with_the_quorum_and_says_so(strict):
    strict.decrypt()
    assert open(os.path.join(strict.s.base, "out")).read() == "what nobody else may read\n"
    assert {r["mode"] for r in strict.records()} == {"strict"}
    assert "mode\tstrict\n" in strict.status()
    started = strict.records("started")[-1]
    assert started["mode"] == "strict" and ", witnesses " in started["note"]
    status, _, answer = strict.s.release(strict.s.device(),
                                         release_body([parts_of(strict.s.object)]))
    assert status == 200
    _, index, _, checkpoint = receipt_of(answer)
    assert strict.cosigners(checkpoint) == ["w1.example.org", "w2.example.org"]
    assert int(checkpoint.split(b"\n")[1]) > index


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_without_the_quorum_nothing_is_released_and_nothing_lost(strict, how):
    w = strict.witnesses[1]
    if how == "killed":
        w.stop(signal.SIGKILL)
    else:
        w.process.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    status, name, _ = strict.s.release(strict.s.device(), release_body([parts_of(strict.s.object)]))
    assert (status, name) == (503, "quorum")
    assert time.monotonic() - begin < 20
    done = strict.decrypt(check=False)
    assert done.returncode == 1 and "service-quorum" in done.stderr
    assert not os.path.exists(os.path.join(strict.s.base, "out"))
    assert len(strict.records()) >= 2  # each stands in the log
    # What is no release needs no quorum: a freeze and a look at the log above all.
    strict.s.admin("freeze")
    strict.s.admin("unfreeze", "--reason", "test")
    if how == "killed":
        w.start()
    else:
        w.process.send_signal(signal.SIGCONT)
    until(lambda: strict.decrypt(check=False).returncode == 0)


def test_any_one_of_two_is_enough_if_the_policy_says_so(tmp_path):
    setting = Setting(tmp_path, "strict", quorum="any")
    try:
        setting.decrypt()
        setting.witnesses[0].process.send_signal(signal.SIGSTOP)
        setting.decrypt()
        setting.witnesses[0].process.send_signal(signal.SIGCONT)
        setting.witnesses[1].stop(signal.SIGKILL)
        until(lambda: setting.decrypt(check=False).returncode == 0)
    finally:
        setting.stop()


def test_fetchd_may_end_while_releases_wait(strict):
    strict.decrypt()
    os.kill(strict.s.pids()["fetchd"], signal.SIGKILL)
    until(lambda: strict.decrypt(check=False).returncode == 0)
    os.kill(strict.s.pids()["logd"], signal.SIGKILL)
    until(lambda: strict.s.admin("status", check=False).returncode == 0 and
          strict.decrypt(check=False).returncode == 0)


def reconfigure(setting, old, new, quorum="all"):
    """What an operator, or who has taken the service over, can do behind a client's back."""
    setting.s.stop()
    path = os.path.join(setting.s.dir, "doublekeyd.conf")
    text = open(path).read()
    assert old in text
    with open(path, "w") as f:
        f.write(text.replace(old, new))
    with open(os.path.join(setting.s.dir, "witnesses.policy"), "w") as f:
        f.write(setting.policy(quorum))
    setting.s.start()


def test_a_client_that_pinned_strict_takes_nothing_less(strict):
    """Neither another mode nor a weaker quorum. Control: one that enrols then takes both."""
    strict.decrypt()
    os.unlink(os.path.join(strict.s.base, "out"))
    reconfigure(strict, 'mode = "strict"', 'mode = "prompt"')
    done = strict.decrypt(check=False)
    assert done.returncode == 1 and "log-quorum" in done.stderr, done.stderr
    assert not os.path.exists(os.path.join(strict.s.base, "out"))
    strict.s.enrol("bob", "later")
    strict.s.client("decrypt", "--customer", strict.s.key, "--provider", "p.key", "object.dk", "-o",
                    "out", who="later")
    os.unlink(os.path.join(strict.s.base, "out"))
    strict.witnesses[1].stop(signal.SIGKILL)
    reconfigure(strict, 'mode = "prompt"', 'mode = "strict"', "any")
    done = strict.decrypt(check=False)
    assert done.returncode == 1 and "log-quorum" in done.stderr, done.stderr
    strict.s.enrol("carol", "last")
    strict.s.client("decrypt", "--customer", strict.s.key, "--provider", "p.key", "object.dk", "-o",
                    "out", who="last")


# ---- configuration ----

@pytest.mark.parametrize("lines,policy,words", [
    ('mode = "strict"\n', None, "strict needs witnesses"),
    ('mode = "maybe"\n', None, "prompt or strict"),
    ('quorum-wait = 0\n', None, "quorum-wait"),
    ('quorum-wait = 26\n', None, "quorum-wait"),
    ('witnesses = "missing"\n', None, "cannot be read"),
    ('witnesses = "p"\n', "", "is empty"),
    ('witnesses = "p"\n', "quorum none\n", "names none"),
    ('witnesses = "p"\n', "witness a nonsense\nquorum a\n", "log-vkey: witnesses, line 1"),
    ('witnesses = "p"\n', "witness w {vkey} https://w.example.org\nquorum x\n",
     "log-policy: witnesses, line 2"),
    ('witnesses = "p"\n', "witness w {vkey}\nquorum w\n", "needs a URL"),
    ('witnesses = "p"\n', "witness w {vkey} http://w.example.org\nquorum w\n", "needs a URL"),
    ('witnesses = "p"\n', "witness w {vkey} http://127.0.0.1.example.org\nquorum w\n",
     "needs a URL"),
    ('witnesses = "p"\n', "witness w {vkey} https://u@w.example.org\nquorum w\n", "needs a URL"),
    ('witnesses = "p"\n', "witness w/x {vkey} https://w.example.org\nquorum w/x\n", "a name is of"),
    ('witnesses = "p"\nmode = "strict"\n', "witness w {vkey} https://w.example.org\nquorum none\n",
     "strict needs a quorum"),
    ('witnesses = "p"\nwitness-ca = "missing"\n',
     "witness w {vkey} https://w.example.org\nquorum w\n",
     "witness-ca"),
])
def test_a_configuration_that_cannot_be_kept_is_refused(tmp_path, lines, policy, words):
    s = Service(tmp_path)
    w = Witness(tmp_path)
    with open(os.path.join(s.dir, "doublekeyd.conf"), "a") as f:
        f.write(lines)
    if policy is not None:
        with open(os.path.join(s.dir, "p"), "w") as f:
            f.write(policy.format(vkey=w.vkey))
    done = subprocess.run([s.daemon, "run", "--dir", s.dir, "--passphrase-file", s.passfile],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and words in done.stderr, done.stderr


class Liar(http.server.ThreadingHTTPServer):
    """A witness that always has another tree than it had."""
    daemon_threads = True

    def __init__(self, port):
        self.asked = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

            def log_message(self, *_):
                pass

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked += 1
                body = b"%d\n" % (1 + outer.asked % 2)
                self.send_response(409)
                self.send_header("Content-Type", "text/x.tlog.size")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

        super().__init__(("127.0.0.1", port), Handler)
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()


def test_a_witness_that_never_agrees_is_not_asked_without_end(tmp_path):
    s = Setting(tmp_path, quorum="any")
    try:
        s.witnesses[1].stop()
        liar = Liar(s.witnesses[1].port)
        s.decrypt()
        time.sleep(5)
        assert 0 < liar.asked < 60, liar.asked
        s.decrypt()
        liar.shutdown()
        liar.server_close()
        s.witnesses[1].start()  # it is asked again
        until(lambda: len(s.cosigners()) == 2)
    finally:
        s.stop()
