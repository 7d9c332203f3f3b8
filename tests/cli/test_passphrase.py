# SPDX-License-Identifier: Apache-2.0
"""Passphrases: files, the environment, the terminal."""

import os
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from reader import keyfile  # noqa: E402
from terminal import Terminal  # noqa: E402

PASSPHRASE = b"correct horse battery staple"
CHEAP = (1, 8, 1)
ASK = b"Passphrase for a.key: "
ASK_NEW = b"New passphrase for a.key: "
ASK_AGAIN = b"The same again for a.key: "
SPLIT = ["key", "split", "a.key", "--shares", "3", "--threshold", "2", "-o", "share"]
KEYGEN = ["keygen", "--side", "customer", "-o", "a.key"]


@pytest.fixture
def sealed(dk, keys):
    """a.key, sealed with parameters that take no time."""
    key = keyfile.load((keys / "c.key").read_bytes(), private=True)
    (dk.home / "a.key").write_bytes(
        keyfile.private_file(key, "customer", PASSPHRASE, cost=CHEAP))
    return dk


def write(dk, data, mode=0o600, name="pass"):
    path = dk.home / name
    path.write_bytes(data)
    path.chmod(mode)
    return str(path)


def split(dk, *more, **how):
    for old in dk.home.glob("share-*"):
        old.unlink()
    result = dk(*SPLIT, *more, start_new_session=True, **how)
    if result.status != 0:
        assert list(dk.home.glob("share-*")) == []
    assert PASSPHRASE.decode() not in result.err
    return result


@pytest.mark.parametrize("data", [
    PASSPHRASE, PASSPHRASE + b"\n", PASSPHRASE + b"\r\n", PASSPHRASE + b"\nsecond line\n"])
def test_first_line_without_line_end_counts(sealed, data):
    assert split(sealed, "-q", "--passphrase-file", write(sealed, data)).status == 0


@pytest.mark.parametrize("data", [
    b"wrong", PASSPHRASE + b" ", b" " + PASSPHRASE, PASSPHRASE[:-1]])
def test_wrong_passphrase(sealed, data):
    split(sealed, "--passphrase-file", write(sealed, data)).failed(
        "a.key: the passphrase is wrong (key-passphrase)")


@pytest.mark.parametrize("data,text", [
    (b"", "the passphrase is empty"), (b"\n" + PASSPHRASE, "the passphrase is empty"),
    (b"\r\n", "the passphrase is empty"), (b"a\0b\n", "a NUL or CR byte"),
    (b"a\rb\n", "a NUL or CR byte"), (b"x" * 1025, "longer than 1024 bytes")])
def test_what_is_no_passphrase(sealed, data, text):
    path = write(sealed, data)
    split(sealed, "--passphrase-file", path).failed(f"{path}: ", text)
    sealed("keygen", "--side", "customer", "--passphrase-file", path, "-o", "b.key").failed(
        f"{path}: ", text)
    assert not (sealed.home / "b.key").exists() and not (sealed.home / "b.key.pub").exists()


def test_the_longest_passphrase(dk, keys):
    key = keyfile.load((keys / "c.key").read_bytes(), private=True)
    longest = b"\xff" * 1024
    (dk.home / "a.key").write_bytes(keyfile.private_file(key, "customer", longest, cost=CHEAP))
    assert split(dk, "-q", "--passphrase-file", write(dk, longest + b"\n")).status == 0


def test_passphrase_file_is_missing(sealed):
    split(sealed, "--passphrase-file", "nowhere").failed("nowhere: ", "No such file")


def test_warns_of_a_file_that_others_can_read(sealed):
    for mode, warns in ((0o600, False), (0o400, False), (0o640, True), (0o604, True)):
        result = split(sealed, "-q", "--passphrase-file", write(sealed, PASSPHRASE, mode))
        assert result.status == 0
        assert ("others may read" in result.err) == warns
        (sealed.home / "pass").unlink()


def test_warns_once_for_one_file(dk):
    file = write(dk, PASSPHRASE)
    for side in ("customer", "provider"):
        dk("keygen", "-q", "--side", side, "--type", "p256", "--passphrase-file", file, "-o",
           side).ok()
    dk("encrypt", "--customer", "customer.pub", "--provider", "provider.pub", "-o", "o",
       stdin=b"x").ok()
    os.chmod(dk.home / "pass", 0o644)
    result = dk("decrypt", "--customer", "customer", "--provider", "provider",
                "--passphrase-file", file, "o")
    assert result.status == 0 and result.out == b"x"
    assert result.err.count("others may read") == 1


def test_environment_names_a_file(sealed):
    env = {"DOUBLEKEY_PASSPHRASE_FILE": write(sealed, PASSPHRASE)}
    assert split(sealed, env=env).status == 0
    # the option is stronger
    split(sealed, "--passphrase-file", write(sealed, b"wrong", name="w"), env=env).failed(
        "(key-passphrase)")
    # a name, not the passphrase itself; an empty one is none
    split(sealed, env={"DOUBLEKEY_PASSPHRASE_FILE": "nowhere"}).failed("nowhere: ", "No such file")
    split(sealed, env={"DOUBLEKEY_PASSPHRASE_FILE": ""}).failed("(key-need-passphrase)")


def test_several_files_are_tried_in_turn(sealed):
    wrong, right = write(sealed, b"wrong", name="w"), write(sealed, PASSPHRASE)
    for order in ((wrong, right), (right, wrong)):
        args = [x for path in order for x in ("--passphrase-file", path)]
        assert split(sealed, "-q", *args).status == 0
    split(sealed, "--passphrase-file", wrong, "--passphrase-file", wrong).failed("(key-passphrase)")


def test_a_pipe_gives_no_more_than_its_line(sealed):
    reading, writing = os.pipe()
    os.write(writing, PASSPHRASE + b"\nnext")
    os.close(writing)
    assert split(sealed, "-q", "--passphrase-file", f"/dev/fd/{reading}",
                 pass_fds=[reading]).status == 0
    assert os.read(reading, 100) == b"next"
    os.close(reading)


def test_no_terminal(sealed):
    split(sealed, stdin=PASSPHRASE + b"\n").failed(
        "a.key: a passphrase is needed and there is no terminal to ask on", "--passphrase-file",
        "(key-need-passphrase)")
    sealed("keygen", "--side", "customer", "-o", "b.key", stdin=b"x\nx\n",
           start_new_session=True).failed("b.key: a passphrase is needed")
    assert not (sealed.home / "b.key").exists()


def test_public_half_needs_no_passphrase(sealed, keys):
    (sealed.home / "f").write_bytes(b"text")
    result = sealed("encrypt", "--customer", "a.key", "--provider", keys / "p.key", "-q", "-o", "o",
                    "f", start_new_session=True)
    assert (result.status, result.err) == (0, "")


@pytest.mark.slow
def test_sealing_has_its_full_strength(dk):
    path = write(dk, PASSPHRASE)
    dk("keygen", "--side", "customer", "--passphrase-file", path, "-q", "-o", "a.key").ok()
    data = (dk.home / "a.key").read_bytes()
    with pytest.raises(keyfile.KeyFileError, match="key-need-passphrase"):
        keyfile.load(data, private=True)
    keyfile.load(data, private=True, passphrase=PASSPHRASE)
    structure = keyfile.parse_text(data)[1]
    # 3 passes, 256 MiB, 4 lanes
    assert bytes.fromhex("00000003" "00040000" "00000004") in structure
    assert split(dk, "-q", "--passphrase-file", path).status == 0


# On a terminal.


@pytest.fixture
def terminal(dk):
    opened = []

    def start(args, **env):
        opened.append(Terminal(dk.argv(*args), str(dk.home), dict(dk.env, **env)))
        return opened[-1]
    yield start
    for one in opened:
        one.close()


def test_asks_for_an_existing_key(sealed, terminal):
    t = terminal(SPLIT)
    t.answer(ASK, PASSPHRASE)
    assert t.wait() == 0
    assert PASSPHRASE not in t.shown
    assert len(list(sealed.home.glob("share-*"))) == 3


def test_asks_three_times(sealed, terminal):
    t = terminal(SPLIT)
    t.answer(ASK, b"wrong")
    t.answer(ASK, b"also wrong", times=2)
    t.answer(ASK, PASSPHRASE, times=3)
    assert t.wait() == 0
    assert t.shown.count(b"the passphrase is wrong") == 2
    t = terminal(SPLIT + ["--force"])
    for i in range(3):
        t.answer(ASK, b"wrong", times=i + 1)
    assert t.wait() == 1
    assert t.shown.count(b"(key-passphrase)") == 3 and t.shown.count(ASK) == 3


def test_asks_twice_for_a_new_key(dk, terminal):
    t = terminal(KEYGEN)
    t.answer(ASK_NEW, PASSPHRASE)
    t.answer(ASK_AGAIN, b"something else")
    t.answer(ASK_NEW, PASSPHRASE, times=2)
    t.answer(ASK_AGAIN, PASSPHRASE, times=2)
    assert t.wait() == 0
    assert b"the two passphrases differ" in t.shown and PASSPHRASE not in t.shown
    assert not t.shown.count(b"something else")
    keyfile.load((dk.home / "a.key").read_bytes(), private=True, passphrase=PASSPHRASE)


@pytest.mark.parametrize("data,text", [
    (b"\n", b"the passphrase is empty"), (b"\x04", b"no passphrase was given"),
    (b"x" * 1025 + b"\n", b"longer than 1024 bytes")])
def test_no_usable_answer(dk, terminal, data, text):
    t = terminal(KEYGEN)
    t.expect(ASK_NEW)
    t.wait_for_echo(False)
    t.type(data)
    assert t.wait() == 1
    assert text in t.shown
    assert list(dk.home.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_gives_the_echo_back(dk, terminal, number):
    t = terminal(KEYGEN)
    t.expect(ASK_NEW)
    t.wait_for_echo(False)
    t.type(b"half of a passphr")
    t.signal(number)
    assert t.wait() == -number
    assert t.echo()
    assert list(dk.home.iterdir()) == []
    assert b"half" not in t.shown


def test_interrupt_key_at_the_question(dk, terminal):
    t = terminal(KEYGEN)
    t.expect(ASK_NEW)
    t.wait_for_echo(False)
    t.type(b"\x03")
    assert t.wait() == -signal.SIGINT
    assert t.echo() and list(dk.home.iterdir()) == []


def test_stop_and_continue_asks_again(sealed, terminal):
    t = terminal(SPLIT)
    t.expect(ASK)
    t.wait_for_echo(False)
    t.signal(signal.SIGTSTP)
    # A session leader without a shell is not stopped by SIGTSTP: it asks again.
    t.answer(ASK, PASSPHRASE, times=2)
    assert t.wait() == 0
