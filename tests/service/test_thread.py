# SPDX-License-Identifier: Apache-2.0
"""The first thread: from nothing to a logged release, and what is refused."""
import os
import signal
import time

from service import codes, parts_of, release_body


def decrypt(s, check=True, who="client"):
    return s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-o",
                    "out", "--force", check=check, who=who)


def test_release_is_recorded_and_gives_the_plaintext(ready):
    decrypt(ready)
    assert open(os.path.join(ready.base, "out")).read() == "what nobody else may read\n"
    lines = [l for l in ready.log().splitlines() if " release done" in l]
    assert len(lines) == 1 and "user=alice" in lines[0]


def test_code_works_once_and_never_travels(service):
    service.admin("key", "create", "finance")
    code = service.enrol()
    again = service.client("enrol", service.url, "--ca-fingerprint", service.fingerprint,
                           "--code", code, check=False, who="other")
    assert again.returncode != 0 and "service-enrol-code" in again.stderr
    assert "reason=enrol-code" in service.log()


def test_wrong_ca_fingerprint_is_refused(service):
    code = service.admin("enrol-code", "--user", "bob").stdout.strip()
    out = service.client("enrol", service.url, "--ca-fingerprint", "00" * 32, "--code", code,
                         check=False)
    assert out.returncode != 0 and "service-ca-fingerprint" in out.stderr
    # Nothing was sent: the code is still good.
    service.client("enrol", service.url, "--ca-fingerprint", service.fingerprint, "--code", code)


def test_signed_requests(ready):
    """Each forgery is refused with its code and recorded; the honest one is not."""
    device = ready.device()
    body = release_body([parts_of(ready.object)])
    nonce, created = os.urandom(16), int(time.time())
    assert ready.release(device, body, nonce=nonce, created=created)[0] == 200  # control
    assert ready.release(device, body, nonce=nonce, created=created)[1] == "replay"
    assert ready.release(device, body, nonce=nonce, created=created - 9)[0] == 200  # another one
    assert ready.release(device, body, url="https://other.example:443")[1] == "signature"
    other = release_body([parts_of(ready.object)])
    assert ready.release(device, body, sent_body=other)[1] == "signature"
    now = int(time.time())
    assert ready.release(device, body, created=now - 400)[1] == "clock"
    assert ready.release(device, body, created=now + 200)[1] == "clock"
    assert ready.release(device, body, key_id=bytes(32))[1] == "unknown-device"
    ready.enrol(user="bob", who="second")
    second = ready.device("second")
    assert ready.release(device, body, key_id=second.id)[1] == "signature"
    log = ready.log()
    for reason in ("replay", "signature", "clock", "unknown-device"):
        assert "reason=" + reason in log


def test_replay_is_refused_after_a_restart(ready):
    device, nonce, created = ready.device(), os.urandom(16), int(time.time())
    body = release_body([parts_of(ready.object)])
    assert ready.release(device, body, nonce=nonce, created=created)[0] == 200
    ready.stop()
    ready.start()
    assert ready.release(device, body, nonce=nonce, created=created)[1] == "replay"
    assert ready.release(device, body)[0] == 200


def test_share_under_another_header_is_denied(ready):
    ready.client("encrypt", "--customer", ready.key, "--provider", "p.key.pub", "--label", "x",
                 "plain", "-o", "second.dk")
    first = parts_of(ready.object)
    second = parts_of(os.path.join(ready.base, "second.dk"))
    status, _, answer = ready.release(
        ready.device(), release_body([first, (second[0], first[1]), second]))
    assert status == 200
    assert codes(answer) == [0, 22, 0]  # stanza-auth
    broken = first[1][:-1] + bytes([first[1][-1] ^ 1])
    assert codes(ready.release(ready.device(), release_body([(first[0], broken)]))[2]) == [24]


def test_policy_decides(ready):
    path = os.path.join(ready.dir, "policy.conf")
    text = open(path).read()
    with open(path, "w") as f:
        f.write('rule "bob" {\n keys = {"finance"}\n users = {"bob"}\n allow = true\n}\n')
    ready.stop()
    ready.start()
    out = decrypt(ready, check=False)
    assert out.returncode != 0 and "service-policy" in out.stderr
    with open(path, "w") as f:
        f.write(text)
    ready.stop()
    ready.start()
    decrypt(ready)


def test_freeze_stops_releases_and_survives_a_restart(ready):
    ready.admin("freeze")
    assert "service-frozen" in decrypt(ready, check=False).stderr
    ready.stop()
    ready.start()
    assert "service-frozen" in decrypt(ready, check=False).stderr
    assert ready.admin("unfreeze", check=False).returncode != 0  # needs a reason
    ready.admin("unfreeze", "--reason", "drill is over")
    decrypt(ready)
    assert 'note="drill is over"' in ready.log()


def test_no_share_without_the_log(ready):
    """I1: logd does not run, so nothing is released; it goes on afterwards."""
    device = ready.device()
    before = ready.log().count(" release done")
    pid = ready.pids()["logd"]
    os.kill(pid, signal.SIGSTOP)
    try:
        status, name, answer = ready.release(device, release_body([parts_of(ready.object)]))
    except OSError:
        status, name, answer = 0, "timeout", b""
    finally:
        os.kill(pid, signal.SIGCONT)
    assert status != 200 and not answer.startswith(b"DKR2"), name
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    ready.wait_ready()
    assert ready.release(device, release_body([parts_of(ready.object)]))[0] == 200  # control
    assert ready.log().count(" release done") > before
