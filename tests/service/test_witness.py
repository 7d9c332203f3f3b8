# SPDX-License-Identifier: Apache-2.0
"""`doublekey log witness`, spec/witness.md: what it signs, what it refuses, what it keeps."""
import concurrent.futures
import glob
import hashlib
import ipaddress
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates import Authority
from service import BUILD, free_port
from witness import EMPTY, Log, Witness, body, consistency, leaf_hash, leaves, root


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def witness(tmp_path, log):
    w = Witness(tmp_path, logs=[log.vkey]).start()
    yield w
    w.stop()


def grow(witness, log, *sizes, all_leaves=leaves(64)):
    """Lets it cosign each of these, from the one before."""
    for old, size in zip((0, *sizes), sizes):
        assert witness.add(log.request(old, all_leaves, size))[0] == 200


def test_a_log_grows_and_each_checkpoint_is_cosigned(witness, log):
    all_leaves, old = leaves(40), 0
    for size in (0, 1, 2, 3, 7, 8, 9, 31, 40, 40):
        request = log.request(old, all_leaves, size)
        status, line = witness.add(request)
        assert status == 200
        checkpoint = request[request.index(b"\n\n") + 2:]
        assert abs(witness.cosigned(line, checkpoint) - time.time()) < 60
        old = size
    status, kept = witness.newest(log)
    assert status == 200 and kept.startswith(checkpoint)
    witness.cosigned(kept[len(checkpoint):], checkpoint)


def test_lines_of_others_and_extensions_are_signed_over_and_left_out(witness, log):
    checkpoint = log.checkpoint(1, leaf_hash(b"0"), more="extension\n")
    stranger = Log("stranger.example.org").checkpoint(1, leaf_hash(b"0")).splitlines(True)[-1]
    status, line = witness.add(body(0, [], checkpoint + stranger))
    assert status == 200
    witness.cosigned(line, checkpoint)
    assert witness.newest(log)[1] == checkpoint + line


def test_first_request_with_old_size_zero_learns_the_size(witness, log):
    grow(witness, log, 5)
    status, said, kind = witness.ask("POST", "/add-checkpoint", log.request(0, leaves(9)))
    assert (status, said, kind) == (409, b"5\n", "text/x.tlog.size")


# ---- what a log that lies can show ----

def other(n):
    """Another history behind the third entry."""
    return leaves(3) + leaves(n - 3, b"other ")


def reordered(n):
    made = leaves(n)
    made[1], made[2] = made[2], made[1]
    return made


def lies(log):
    """What is shown to a witness that cosigned the first 8 of leaves(64)."""
    honest = leaves(64)
    hashes = [leaf_hash(x) for x in honest]
    proof = consistency(8, hashes[:12])
    yield "split view", log.request(8, other(8)), 422
    yield "split view, grown", log.request(8, other(12)), 422
    yield "rollback", log.request(8, honest, 5, proof=[]), 400
    yield "rollback, asked from there", log.request(5, honest, 5), 409
    yield "truncated and grown", log.request(5, honest[:5] + leaves(7, b"new ")), 409
    yield "truncated and grown, with the old size", log.request(8, honest[:5] + leaves(7, b"new ")), 422
    yield "re-ordered", log.request(8, reordered(8)), 422
    yield "re-ordered, grown", log.request(8, reordered(12)), 422
    yield "no proof", log.request(8, honest, 12, proof=[]), 422
    yield "a hash more", log.request(8, honest, 12, proof=proof + [hashes[0]]), 422
    yield "a hash less", log.request(8, honest, 12, proof=proof[:-1]), 422
    yield "another hash", log.request(8, honest, 12, proof=proof[:-1] + [hashes[0]]), 422
    yield "proof of another size", log.request(8, honest, 12,
                                               proof=consistency(7, hashes[:12])), 422
    yield "a proof for the same size", log.request(8, honest, 8, proof=[hashes[0]]), 422
    yield "back to nothing", body(8, [], log.checkpoint(0, EMPTY)), 400
    yield "nothing again", body(0, [], log.checkpoint(0, EMPTY)), 409


def test_no_tree_that_is_not_consistent_is_cosigned(witness, log):
    grow(witness, log, 8)
    before = witness.newest(log)
    for name, request, status in lies(log):
        assert witness.add(request)[0] == status, name
        assert witness.newest(log) == before, name
    assert len(re.findall("error: 422 %s: not consistent" % log.origin, witness.said())) >= 5
    assert "error: 422 %s: TWO TREES of one size: asked from 8 to 8, newest here 8" % log.origin \
        in witness.said()
    # The honest log goes on, which shows that each of these was refused for what it was.
    assert witness.add(log.request(8, leaves(64), 12))[0] == 200


def test_the_first_proof_of_two_trees_is_kept(witness, log):
    grow(witness, log, 8)
    for lie in (log.request(8, other(8)), log.request(8, reordered(8))):
        assert witness.add(lie)[0] == 422
    assert open(os.path.join(witness.dir, "refused", log.hex()), "rb").read() == \
        log.request(8, other(8))


def test_a_first_proof_must_be_empty_and_nothing_has_one_root(witness, log):
    assert witness.add(log.request(0, leaves(4), proof=[leaf_hash(b"0")]))[0] == 422
    assert witness.add(body(0, [], log.checkpoint(0, leaf_hash(b""))))[0] == 422
    assert witness.newest(log)[0] == 404


def test_who_signed_matters(tmp_path, log):
    second = Log(log.origin)  # another key of the same log
    impostor = Log(log.origin)
    w = Witness(tmp_path, logs=[log.vkey, second.vkey]).start()
    try:
        assert w.add(Log("unknown.example.org").request(0, leaves(3)))[0] == 404
        assert w.add(impostor.request(0, leaves(3)))[0] == 403
        good, other_line = log.request(0, leaves(3)), second.request(0,
                                                                     leaves(3)).splitlines(True)[-1]
        wrong = log.checkpoint(3, root([leaf_hash(x) for x in leaves(3)]), key=impostor.key)
        assert w.add(body(0, [], wrong))[0] == 403
        assert w.add(body(0, [], wrong + other_line))[0] == 403, "one that does not hold spoils it"
        assert w.add(second.request(0, leaves(3)))[0] == 200
        assert w.add(good.replace(b"old 0", b"old 3") + other_line)[0] == 200
    finally:
        w.stop()


def test_logs_do_not_mix(tmp_path):
    logs = [Log("%s.example.org/log" % name) for name in "abc"]
    w = Witness(tmp_path, logs=[x.vkey for x in logs]).start()
    try:
        for n, one in enumerate(logs):
            grow(w, one, 2 + n, 10 + n)
        for n, one in enumerate(logs):
            assert w.newest(one)[1].split(b"\n")[1] == b"%d" % (10 + n)
    finally:
        w.stop()


# ---- bad input ----

def forms(log):
    good = log.request(0, leaves(2))
    hashes = [leaf_hash(b"0")] * 64
    yield b""
    yield b"\n"
    yield b"old\n\n" + good[7:]
    yield good.replace(b"old 0", b"old 00")
    yield good.replace(b"old 0", b"old -1")
    yield good.replace(b"old 0", b"old  0")
    yield good.replace(b"old 0", b"old 0 ")
    yield good.replace(b"old 0", b"old 18446744073709551616")
    yield good.replace(b"old 0\n", b"old 0\r\n")
    yield good.replace(b"old 0\n", b"")
    yield good.replace(b"old 0\n\n", b"old 0\n")
    yield good.replace(b"old 0\n", b"old 0\nAAAA\n")
    yield good.replace(b"old 0\n", b"old 0\n%s\n" % (b"A" * 44))
    yield body(0, hashes, good[7:])  # 64 hashes
    yield good[:-1]
    yield good[:good.rindex(b"\n\n") + 2]
    yield good + b"\0"
    yield good + b"junk\n"
    yield good.replace(b"\n2\n", b"\n02\n")
    yield good.replace(b"\n2\n", b"\n99999999999999999999\n")
    yield body(0, [], log.checkpoint(2, b"short"))
    yield body(0, [], log.checkpoint(2, root([leaf_hash(b"0")]), more="x" * 4096 + "\n"))


def test_other_forms_are_refused_and_change_nothing(witness, log):
    grow(witness, log, 3)
    before = witness.newest(log)
    for n, form in enumerate(forms(log)):
        assert witness.add(form)[0] == 400, (n, form)
    assert witness.add(b"x" * 70000)[0] == 413
    assert witness.ask("GET", "/add-checkpoint")[0] == 405
    assert witness.ask("POST", "/%s/checkpoint" % log.hex(), b"")[0] == 405
    for path in ("/", "/checkpoint", "/%s" % log.hex(), "/..%2fwitness.key/checkpoint",
                 "/%s/checkpoint/" % log.hex(), "/%s/checkpoint" % hashlib.sha256(b"").hexdigest()):
        assert witness.ask("GET", path)[0] == 404
    assert witness.newest(log) == before
    assert witness.add(log.request(3, leaves(64), 4))[0] == 200


def test_a_slow_or_silent_client_keeps_nobody_waiting(witness, log):
    held = [socket.create_connection(("127.0.0.1", witness.port)) for _ in range(40)]
    for one in held[:20]:
        one.send(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\nold")
    grow(witness, log, 3, 9)
    for one in held:
        one.close()


def is_open(s):
    try:
        return s.recv(1, socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


@pytest.mark.parametrize("more", [0, 100])
def test_one_who_holds_all_connections_keeps_nobody_out(witness, log, more):
    """None of them is quiet for long, and none makes a request."""
    held, stop = [], threading.Event()

    def trickle():
        while not stop.is_set():
            for s in list(held):
                try:
                    s.send(b"x")
                except OSError:
                    pass
            time.sleep(1)
    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        for _ in range(512 + more):
            held.append(socket.create_connection(("127.0.0.1", witness.port), 30,
                                                 ("127.0.0.2", 0)))
            held[-1].send(b"POST /add-checkpoint HTTP/1.1\r\nX: ")
        for n in range(1, 4):
            assert witness.add(log.request(n - 1, leaves(n)))[0] == 200
        end = time.monotonic() + 90
        while more == 0 and is_open(held[-1]):  # not for ever either
            assert time.monotonic() < end
            time.sleep(0.2)
    finally:
        stop.set()
        thread.join()
        for s in held:
            s.close()


def test_requests_at_once_are_checked_one_after_the_other(witness, log):
    """Of many that start at the same size, and lead to different trees, one is cosigned."""
    grow(witness, log, 4)
    honest = leaves(4)
    requests = [log.request(4, honest + leaves(3, b"%d " % i)) for i in range(24)]
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        found = [status for status, _ in pool.map(witness.add, requests)]
    assert found.count(200) == 1 and found.count(409) == 23
    assert witness.newest(log)[1].split(b"\n")[1] == b"7"


# ---- what it keeps ----

def test_what_was_cosigned_survives_kill_and_start(witness, log):
    grow(witness, log, 8)
    kept = witness.newest(log)
    witness.stop(signal.SIGKILL)
    witness.start()
    assert witness.newest(log) == kept
    for name, request, status in lies(log):
        assert witness.add(request)[0] == status, name
    assert witness.add(log.request(8, leaves(64), 20))[0] == 200


def listen(witness, address):
    return subprocess.run([*witness.command()[:-1], address], capture_output=True, text=True,
                          timeout=60)


def test_a_second_one_on_the_folder_is_refused(witness):
    second = listen(witness, "127.0.0.1:%d" % free_port())
    assert second.returncode == 1 and "in-use: " in second.stderr


def test_a_port_that_there_is_not(witness):
    second = listen(witness, "127.0.0.1:%d" % (65536 + free_port()))
    assert second.returncode == 2 and "argument: --listen takes" in second.stderr


@pytest.mark.parametrize("damage",
                         ["cut", "another origin", "another signature", "empty", "not ours"])
def test_damaged_state_signs_nothing(tmp_path, witness, log, damage):
    grow(witness, log, 8)
    witness.stop()
    path = os.path.join(witness.dir, "state", log.hex())
    data = open(path, "rb").read()
    ours = data[data.rindex(b"\n", 0, -1) + 1:]
    made = {"cut": data[:-20], "empty": b"", "not ours": data.replace(ours, b""),
            "another origin": data.replace(log.origin.encode(), b"log.example.org/text"),
            "another signature": data[:-10] + (b"A" if data[-10:-9] != b"A" else b"B") + data[-9:]}
    with open(path, "wb") as f:
        f.write(made[damage])
    done = subprocess.run(witness.command(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "state-damaged: " in done.stderr


def test_a_folder_that_takes_nothing_signs_nothing(witness, log):
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    grow(witness, log, 3)
    os.chmod(os.path.join(witness.dir, "state"), 0o500)
    try:
        assert witness.add(log.request(3, leaves(5)))[0] == 500
    finally:
        os.chmod(os.path.join(witness.dir, "state"), 0o700)
    assert witness.add(log.request(3, leaves(5)))[0] == 200


def test_no_name_for_the_new_state_signs_nothing(witness, log):
    """A folder stands in the way of the temporary file."""
    grow(witness, log, 3)
    kept = witness.newest(log)
    blocked = os.path.join(witness.dir, "state", log.hex() + ".tmp")
    os.mkdir(blocked)
    status, said = witness.add(log.request(3, leaves(5)))
    assert status == 500 and b"\xe2\x80\x94" not in said
    assert witness.newest(log) == kept
    os.rmdir(blocked)
    assert witness.add(log.request(3, leaves(5)))[0] == 200


# ---- commands ----

def test_keys_and_folders_are_not_overwritten(tmp_path, witness):
    before = open(os.path.join(witness.dir, "witness.key"), "rb").read()
    again = witness.run("--init", "--dir", witness.dir, "--name", "other", check=False)
    assert again.returncode == 1 and "exists" in again.stderr
    assert open(os.path.join(witness.dir, "witness.key"), "rb").read() == before
    assert os.stat(os.path.join(witness.dir, "witness.key")).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("args,status", [
    ([], 2), (["--dir", "x"], 2), (["--init", "--dir", "x"], 2), (["--listen", "127.0.0.1:1"], 2),
    (["--init", "--dir", "x", "--name", "n", "--listen", "127.0.0.1:1"], 2),
    (["--dir", "x", "--listen", "127.0.0.1:1", "--tls-cert", "f"], 2),
    (["--dir", "x", "--listen", "127.0.0.1:1", "--name", "n"], 2), (["--what"], 2),
    (["--init", "--dir", "x", "--name", "with space"], 1),
    (["--init", "--dir", "x", "--name", "n", "--log", "no+key"], 1),
    (["--init", "--dir", "no/such/folder", "--name", "n"], 1)])
def test_wrong_commands(tmp_path, args, status):
    done = subprocess.run([os.path.join(BUILD, "cli", "doublekey"), "log", "witness", *args],
                          capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == status and done.stdout == "" and done.stderr
    assert not glob.glob(str(tmp_path / "x" / "witness.key"))


def test_a_file_of_logs_that_is_wrong_names_its_line(tmp_path, witness, log):
    witness.stop()
    with open(os.path.join(witness.dir, "logs"), "w") as f:
        f.write("log %s\nlog nonsense\nquorum none\n" % log.vkey)
    done = subprocess.run(witness.command(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "log-vkey: logs, line 2" in done.stderr


def test_over_tls(tmp_path, log):
    authority = Authority("CA of the witness")
    (tmp_path / "ca.pem").write_bytes(authority.pem())
    (tmp_path / "other.pem").write_bytes(Authority("CA of somebody").pem())
    authority.issue(str(tmp_path / "server.pem"), "witness",
                    [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))],
                    usage=ExtendedKeyUsageOID.SERVER_AUTH)
    tls = [str(tmp_path / x) for x in ("server.pem", "server.pem", "ca.pem")]
    w = Witness(tmp_path, logs=[log.vkey], tls=tls).start()
    try:
        grow(w, log, 3, 8)
        w.tls[2] = str(tmp_path / "other.pem")
        with pytest.raises(ssl.SSLError):
            w.add(log.request(8, leaves(9)))
    finally:
        w.stop()
