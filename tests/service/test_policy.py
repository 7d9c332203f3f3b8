# SPDX-License-Identifier: Apache-2.0
"""The policy as the running service applies it, and `doublekeyd policy check`."""
import hashlib
import json
import os
import signal
import subprocess
import time

import pytest

from service import DAEMON, codes, parts_of, release_body

POLICY, OK = 20, 0


def rule(*lines, title="r", allow="true"):
    return 'rule "%s" {\nkeys = {"*"}\nusers = {"*"}\nallow = %s\n%s\n}\n' % (
        title, allow, "\n".join(lines))


def set_policy(s, text):
    with open(os.path.join(s.dir, "policy.conf"), "w") as f:
        f.write(text)


def ask(s):
    status, error, answer = s.release(s.device(), release_body([parts_of(s.object)]))
    return codes(answer)[0] if status == 200 else error


def restart(s, text):
    s.stop()
    set_policy(s, text)
    s.start()


def test_address_and_device_count(ready):
    device = ready.device().id.hex()
    for lines, expected in (
            (['networks = {"127.0.0.0/8"}', 'devices = {"%s"}' % device], OK),
            (['networks = {"192.0.2.0/24", "::/0"}'], POLICY),
            (['devices = {"%s"}' % ("0" * 64)], POLICY)):
        restart(ready, rule(*lines))
        assert ask(ready) == expected, lines


def check(*args):
    return subprocess.run([DAEMON, "policy", "check", *args], text=True, capture_output=True,
                          timeout=60)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "p.conf"
    path.write_text(rule('networks = {"192.0.2.0/24"}', title="net") +
                    rule('hours = {"07:00-08:00"}', title="hours") +
                    rule('labels = {"x"}', title="never", allow="false"))
    return str(path)


def test_check_explains(file):
    request = ["--file", file, "--user", "alice", "--key", "finance"]
    done = check(*request, "--address", "192.0.2.9", "--time", "2031-02-03T10:00:00Z")
    assert done.returncode == 0 and 'rule "net"\tmatches: allow = true' in done.stdout
    done = check(*request, "--address", "10.0.0.1", "--time", "2031-02-03T07:30:00Z")
    assert done.returncode == 0 and 'rule "net"\tdoes not match: network' in done.stdout
    done = check(*request, "--time", "2031-02-03T08:00:00Z", "--label", "x")
    assert done.returncode == 3 and 'rule "never"\tmatches: allow = false' in done.stdout
    done = check(*request, "--time", "2031-02-03T08:00:00Z")
    assert done.returncode == 3 and "no rule matches" in done.stdout


def test_check_names_the_place_of_an_error(tmp_path):
    path = tmp_path / "p.conf"
    path.write_text(rule() + rule("color = true", title="s"))
    done = check("--file", str(path))
    assert done.returncode == 1 and done.stderr.startswith("%s:11: unknown-option: " % path)


def test_check_refuses_wrong_requests(file):
    for args in (["--user", "a"], ["--user", "a", "--key", "k", "--time", "now"],
                 ["--user", "a", "--key", "k", "--address", "here"],
                 ["--user", "a", "--key", "k", "--device", "00"]):
        assert check("--file", file, *args).returncode == 2
    assert check("--file", file + ".none").returncode == 1


def test_a_broken_policy_does_not_start(service):
    service.stop()
    set_policy(service, rule("color = true"))
    done = service.admin("run", "--passphrase-file", service.passfile, check=False)
    assert done.returncode != 0 and "policy.conf:5: unknown-option" in done.stderr


def test_budget_counts_objects_and_survives_restart(ready):
    pair = parts_of(ready.object)

    def take(n):
        status, error, _ = ready.release(ready.device(), release_body([pair] * n))
        return OK if status == 200 else (status, error)

    restart(ready, rule("per-day = 10"))
    assert take(4) == OK
    assert take(7) == (429, "budget")  # refused whole, and takes nothing
    assert take(5) == OK
    restart(ready, rule("per-day = 10"))
    assert take(2) == (429, "budget")
    assert "reason=budget" in ready.log()
    assert take(1) == OK
    assert take(1) == (429, "budget")
    restart(ready, rule("per-day = 10", title="another rule"))
    assert take(10) == OK


def test_a_stranger_takes_nothing_from_a_budget(ready):
    body = release_body([parts_of(ready.object)])
    restart(ready, rule("per-day = 1"))
    assert ready.release(ready.device(), body, url="https://other")[1] == "signature"
    assert ready.release(ready.device(), body)[0] == 200
    assert ready.release(ready.device(), body)[1] == "budget"


def policy_records(s):
    return [line for line in s.log().splitlines() if " policy done" in line]


def test_reload_is_recorded_and_graceful(ready):
    before = len(policy_records(ready))
    pids = ready.pids()
    assert ask(ready) == OK
    set_policy(ready, rule(allow="false"))
    assert ask(ready) == OK  # not yet in force
    assert "policy in force: " in ready.admin("policy", "reload").stdout
    assert ask(ready) == POLICY
    records = policy_records(ready)
    assert len(records) == before + 1
    assert "factor=2:parent:%d" % os.getuid() in records[-1]
    assert ready.pids() == pids


def test_a_broken_new_policy_leaves_the_old_one(ready):
    before = policy_records(ready)
    set_policy(ready, rule("color = true"))
    done = ready.admin("policy", "reload", check=False)
    assert done.returncode == 1 and "policy.conf:5: unknown-option" in done.stderr
    set_policy(ready, "#" * 300000)
    assert "too-large" in ready.admin("policy", "reload", check=False).stderr
    assert ask(ready) == OK and policy_records(ready) == before


def test_hangup_reloads(ready):
    set_policy(ready, rule(allow="false"))
    ready.process.send_signal(signal.SIGHUP)
    end = time.time() + 20
    while ask(ready) == OK:
        assert time.time() < end
        time.sleep(0.05)
    set_policy(ready, "rule")
    ready.process.send_signal(signal.SIGHUP)
    while "policy.conf:1: syntax" not in open(ready.stderr).read():
        assert time.time() < end
        time.sleep(0.05)
    assert ask(ready) == POLICY


def decrypt(title, *lines):
    tenant = "5f0c1d2e-3b4a-4c5d-8e6f-708192a3b4c5"
    return ('tenant "%s" {\nid = "%s"\nissuers = {"https://sts.windows.net/%s/"}\n'
            'audiences = {"https://dke.example.org"}\nclients = {"%s"}\n}\n'
            'decrypt "%s" {\nkeys = {"Key1"}\ntenants = {"%s"}\nusers = {"alice@example.org"}\n'
            'allow = true\n%s\n}\n' % (title, tenant, tenant, tenant, title, title,
                                       "\n".join(lines)))


def test_check_tells_the_level(tmp_path):
    path = tmp_path / "p.conf"
    for lines, told in (
            (['gates = {"client-certificate", "front-network or network"}',
              'networks = {"10.0.0.0/8"}'],
             "level C\tgates: client-certificate, front-network or network"),
            (['gates = {"front-network"}', 'accept-level = "C- (ambient)"'],
             "level C- (ambient)\tgates: front-network"),
            (['gates = {"approved-document or approved-key"}', "approvals = 1",
              'approvers = {"bob"}', 'accept-level = "C- (ambient)"'],
             "level C- (ambient)\tgates: approved-document or approved-key"),
            (['accept-level = "C-"'], "level C-\tgates: -")):
        path.write_text(rule() + decrypt("dke", *lines))
        done = check("--file", str(path))
        assert done.returncode == 0 and "valid, 2 rules" in done.stdout
        assert done.stdout.splitlines()[1] == 'line 13\tdecrypt "dke"\t' + told
    for gate, line in (('gates = {"front-network"}', "13: level: "), ("", "13: level: "),
                       ('gates = {"approved-document"}', "13: factors: ")):
        path.write_text(rule() + decrypt("dke", gate))
        done = check("--file", str(path))
        assert done.returncode == 1 and ":%s" % line in done.stderr, done.stderr


def test_check_explains_approvals_of_microsofts_protocol(tmp_path):
    path = tmp_path / "p.conf"
    path.write_text(decrypt("dke", 'gates = {"approved-key"}', 'accept-level = "C- (ambient)"',
                            "approvals = 2", 'approvers = {"bob", "carol"}'))

    def ask(*approved):
        more = [word for user in approved for word in ("--factor", "approval=" + user)]
        done = check("--file", str(path), "--key", "Key1", "--address", "192.0.2.7", "--user",
                     "alice@example.org", "--factor", "tenant=dke", *more)
        return done.returncode, done.stdout.splitlines()[-2:]

    assert ask("bob", "carol") == (0, ["approvals\t2 for 720 hours, 2 there",
                                       "verdict\tallow, level C- (ambient)"])
    for few in ((), ("bob",), ("bob", "bob"), ("bob", "eve")):
        assert ask(*few) == (3, ["approvals\t2 for 720 hours, 0 there",
                                 "verdict\tdeny: approval-required"]), few


def test_check_explains_a_request_of_microsofts_protocol(tmp_path):
    path, group = tmp_path / "p.conf", "11111111-2222-4333-8444-555555555555"
    canary = "ab" * 32
    path.write_text(decrypt("dke", 'gates = {"front-network or network"}',
                            'networks = {"192.0.2.0/24"}', 'accept-level = "C- (ambient)"',
                            'token-groups = {"%s"}' % group, "document-per-day = 7",
                            'canaries = {"%s"}' % canary))


    def ask(user, *factors, key="Key1", address="192.0.2.7"):
        more = [word for factor in ("tenant=dke", *factors) for word in ("--factor", factor)]
        done = check("--file", str(path), "--key", key, "--address", address, "--user", user, *more)
        return done.returncode, done.stdout.splitlines()[2:], done.stderr

    status, lines, _ = ask("alice@example.org")
    assert status == 0 and lines == [
        'line 7\tdecrypt "dke"\tmatches: allow = true', "gates\tfront-network or network",
        "budget\t7 a day for each document", "verdict\tallow, level C- (ambient)"]
    assert ask("bob@example.org", "token-group=" + group)[0] == 0
    for got, reason in ((ask("bob@example.org"), "user"), (ask("bob@example.org", "role=x"), "user"),
                        (ask("alice@example.org", key="Key2"), "key"),
                        (ask("alice@example.org", address="198.51.100.1"), "network"),
                        (ask("alice@example.org", "tenant=lab"), "tenant")):
        assert got[0] == 3 and got[1] == ['line 7\tdecrypt "dke"\tdoes not match: ' + reason,
                                          "no rule matches", "verdict\tdeny"], reason
    status, lines, _ = ask("bob@example.org", "document=" + canary)
    assert status == 3 and lines[-1] == "verdict\tdeny: canary"
    for wrong in ("gate=door", "gate=network or network", "certificate=bob", "x"):
        assert ask("alice@example.org", wrong)[0] == 2, wrong
    path.write_text(decrypt("dke", 'gates = {"client-certificate"}'))
    assert ask("alice@example.org")[1][-1] == "verdict\tdeny: gate"
    assert ask("alice@example.org", "gate=client-certificate")[1][-1] == "verdict\tallow, level C"


def kept(s):
    return [line.split("\t")[0] for line in s.admin("policy", "list").stdout.splitlines()]


def named(s):
    """What the log says was in force, in its order."""
    rows = [json.loads(line) for line in s.admin("log", "--json").stdout.splitlines()]
    return [row["policy"] for row in rows if row["class"] == "policy"]


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_each_policy_that_comes_into_force_is_kept(service):
    folder = os.path.join(service.dir, "policies")
    first = kept(service)
    assert first == named(service)
    texts = [rule("per-day = %d" % n) for n in (1, 2)]
    for text in texts:
        set_policy(service, text)
        service.admin("policy", "reload")
    assert kept(service) == first + [sha256(text) for text in texts] == named(service)
    for text in texts:
        assert service.admin("policy", "show", sha256(text)).stdout == text
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert {os.stat(os.path.join(folder, n)).st_mode & 0o777 for n in os.listdir(folder)} == {0o600}
    # One with an error is not, and one that comes again is the newest.
    set_policy(service, rule("color = true"))
    assert service.admin("policy", "reload", check=False).returncode != 0
    set_policy(service, texts[0])
    service.admin("policy", "reload")
    assert kept(service) == first + [sha256(text) for text in reversed(texts)]
    assert sorted(os.listdir(folder)) == sorted(kept(service))
    # Of many, the one that has not been in force for longest goes.
    for i in range(1000 - 3):
        path = os.path.join(folder, "%064x" % i)
        with open(path, "w"):
            pass
        os.utime(path, (2000 + i, 2000 + i))
    set_policy(service, rule("per-day = 3"))
    service.admin("policy", "reload")
    assert not os.path.exists(os.path.join(folder, "%064x" % 0))
    assert len(os.listdir(folder)) == 1000
    assert os.path.exists(os.path.join(folder, first[0]))
    # What was changed is told, and not shown.
    done = service.admin("policy", "list", check=False)
    assert done.returncode == 1 and "(changed)" in done.stderr
    done = service.admin("policy", "show", "%064x" % 1, check=False)
    assert done.returncode == 1 and done.stdout == ""
    for wrong in ("00", "../policy.conf", "Z" * 64):
        assert service.admin("policy", "show", wrong, check=False).returncode == 2


def test_a_policy_that_cannot_be_kept_does_not_come_into_force(service):
    folder = os.path.join(service.dir, "policies")
    assert service.admin("policy", "reload").returncode == 0
    before = kept(service)[-1]
    os.rename(folder, folder + ".away")
    os.symlink("/dev/null", folder)
    text = rule("per-day = 7")
    set_policy(service, text)
    done = service.admin("policy", "reload", check=False)
    assert done.returncode != 0 and "policies/" in done.stderr
    assert sha256(text) not in named(service)
    service.stop()
    done = service.admin("run", "--passphrase-file", service.passfile, check=False)
    assert done.returncode != 0 and "policies" in done.stderr
    os.unlink(folder)
    os.rename(folder + ".away", folder)
    service.start()
    assert kept(service)[-1] == sha256(text) and before in kept(service)
