# SPDX-License-Identifier: Apache-2.0
"""Figures, health and readiness on the listener for monitors (spec/monitoring.md)."""
import http.client
import os
import re
import signal
import time

import pytest

from service import free_port, parts_of, release_body

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


# Only with witnesses: test_cosign.py.
OF_WITNESSES = {"doublekey_cosigned_entries", "doublekey_cosigned_timestamp_seconds",
                "doublekey_witness_entries", "doublekey_witness_timestamp_seconds",
                "doublekey_witness_failures_total"}


@pytest.fixture
def monitored(ready):
    ready.stop()
    ready.metrics_port = free_port()
    set_metrics(ready, "127.0.0.1:%d" % ready.metrics_port)
    ready.start()
    return ready


def set_metrics(s, address):
    path = os.path.join(s.dir, "doublekeyd.conf")
    lines = [line for line in open(path) if "metrics" not in line]
    with open(path, "w") as f:
        f.write("".join(lines) + 'metrics = "%s"\n' % address)


def get(s, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", s.metrics_port, timeout=20)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.getheader("Content-Type")
    finally:
        connection.close()


def figures(s):
    status, text, kind = get(s, "/metrics")
    assert status == 200 and kind == "text/plain; version=0.0.4; charset=utf-8"
    values = {}
    for line in text.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP|TYPE) [a-z_]+ .+", line), line
            continue
        m = re.fullmatch(r'([a-z_]+(?:\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})?) ([0-9.]+)', line)
        assert m, line
        assert m[1] not in values, line
        values[m[1]] = float(m[2])
    return values


def decrypt(s, who="client", check=True):
    out = os.path.join(s.base, "out")
    if os.path.exists(out):
        os.remove(out)
    return s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk",
                    "-o", "out", who=who, check=check)


def wait_figures(s, name, wanted):
    end = time.time() + 20
    while time.time() < end:
        got = figures(s)
        if wanted(got[name]):
            return got
        time.sleep(0.2)
    raise AssertionError((name, figures(s)[name]))


def test_counts(monitored):
    s = monitored
    before = figures(s)
    assert before['doublekey_objects_total{code="ok"}'] == 0
    for _ in range(3):
        decrypt(s)
    s.release(s.device(), release_body([parts_of(s.object)]), created=1000)
    s.admin("freeze")
    assert decrypt(s, check=False).returncode != 0
    after = wait_figures(s, "doublekey_log_entries",
                         lambda n: n >= before["doublekey_log_entries"] + 6)
    assert after['doublekey_objects_total{code="ok"}'] == 3
    assert after['doublekey_requests_total{path="release",code="ok"}'] == 3
    assert after['doublekey_requests_total{path="release",code="clock"}'] == 1
    assert after['doublekey_requests_total{path="release",code="frozen"}'] == 1
    assert after["doublekey_release_seconds_count"] == 5
    assert after['doublekey_release_seconds_bucket{le="+Inf"}'] == 5
    assert 0 < after["doublekey_release_seconds_sum"] < 60
    buckets = [v for k, v in after.items() if k.startswith("doublekey_release_seconds_bucket")]
    assert buckets == sorted(buckets) and len(buckets) == 15
    assert abs(after["doublekey_log_checkpoint_timestamp_seconds"] - time.time()) < 60
    assert abs(after["doublekey_start_timestamp_seconds"] - time.time()) < 120
    assert after["doublekey_process_restarts_total"] == 0
    assert after["doublekey_ready"] == 1 and after["doublekey_log_takes_entries"] == 1


def test_nobody_is_named(monitored):
    s = monitored
    decrypt(s)
    text = get(s, "/metrics")[1]
    for secret in ("alice", "finance", s.device().id.hex()[:16], "127.0.0.1"):
        assert secret not in text, secret


def test_each_figure_is_in_the_specification(monitored):
    names = {re.sub(r"_(bucket|sum|count)$", "", name.split("{")[0]) if
             name.startswith("doublekey_release_seconds") else name.split("{")[0]
             for name in figures(monitored)}
    # Those with one line for each issuer have none here.
    typed = set(re.findall(r"^# TYPE (\w+) ", get(monitored, "/metrics")[1], re.M))
    assert typed - names == {"doublekey_key_set_timestamp_seconds",
                             "doublekey_key_quarantine_end_seconds",
                             "doublekey_key_set_failures_total"}
    names |= typed | OF_WITNESSES | {"doublekey_dke_certificate_expiry_timestamp_seconds"}
    spec = open(os.path.join(ROOT, "spec/monitoring.md")).read()
    assert names == set(re.findall(r"^\| `(doublekey_\w+)", spec, re.M))


def test_health_ready_and_nothing_else(monitored):
    s = monitored
    assert get(s, "/health")[:2] == (200, "ok\n")
    wait_figures(s, "doublekey_ready", lambda v: v == 1)
    assert get(s, "/ready")[:2] == (200, "ready\n")
    assert get(s, "/v1/release")[0] == 404 and get(s, "/v1/ca")[0] == 404
    assert get(s, "/metrics", "DELETE")[0] in (400, 405, 501)
    assert s.request("GET", "/metrics")[0] == 404


def test_a_silent_log_is_not_ready(monitored):
    s = monitored
    wait_figures(s, "doublekey_ready", lambda v: v == 1)
    logd = s.pids()["logd"]
    os.kill(logd, signal.SIGSTOP)
    try:
        wait_figures(s, "doublekey_ready", lambda v: v == 0)
        assert get(s, "/ready")[0] == 503 and get(s, "/health")[0] == 200
    finally:
        os.kill(logd, signal.SIGCONT)
    wait_figures(s, "doublekey_ready", lambda v: v == 1)


def test_restarts_are_counted(monitored):
    s = monitored
    os.kill(s.pids()["authd"], signal.SIGKILL)
    time.sleep(0.5)
    s.wait_ready()
    assert figures(s)["doublekey_process_restarts_total"] == 1


@pytest.mark.parametrize("address", ["0.0.0.0:9475", "192.0.2.1:9475", "localhost:9475",
                                     "[::]:9475"])
def test_only_loopback(service, address):
    service.stop()
    set_metrics(service, address)
    done = service.admin("run", "--passphrase-file", service.passfile, check=False)
    assert done.returncode == 1 and "listen: metrics: cannot listen" in done.stderr
