# SPDX-License-Identifier: Apache-2.0
"""`incident`: what is read, what is refused and where, what is said about it. The second reader
takes and refuses the same, at the same line."""

import os
import pathlib
import re
import sys

import pytest

sys.path.append(str(pathlib.Path(os.environ["DOUBLEKEY_SOURCE"]) / "tests"))
from reader import incident  # noqa: E402
from terminal import Terminal  # noqa: E402

KEY = "4f" * 32
WHOLE = """\
# What we know.
from = "2031-05-01"   # a day
to = "2031-05-10T12:00Z"
stolen = {"provider-keys microsoft since unknown",
          # the one that was found
          "device laptop-7 since 2031-05-03T08:00:00Z",
          "process httpd since 2031-05-04 until 2031-05-05"}
"""
ITEMS = ["key " + KEY, "key-version payroll/3", "provider-keys microsoft", "device laptop 7",
         "device " + KEY, "device #7", "device laptop-7?", "admin 0",
         "token-key https://login.example/v2.0 kid-1", "ca " + KEY, "process tokend", "proxy",
         "tls-key", "store", "passphrase", "hsm-pin", "backup", "disk", "memory", "host"]
ENDING = {"process", "proxy", "memory", "host"}


@pytest.fixture
def check(dk, tmp_path):
    def run(text):
        data = text.encode() if isinstance(text, str) else text
        (tmp_path / "i").write_bytes(data)
        result = dk("incident", "check", "i")
        try:
            incident.parse(data)
            assert result.status == 0
        except incident.IncidentError as error:
            line = "doublekey: i: line %s: " % error.line
            assert result.status == 1 and (error.line is None or result.err.startswith(line)), \
                (error, result.err)
        return result
    return run


def with_item(item):
    return f'from = "unknown"\nto = "2031-05-10"\nstolen = {{"{item}"}}\n'


def said(check, text):
    return " ".join(check(text).ok().out.decode().split())


def test_what_a_file_claims(check):
    text = said(check, WHOLE)
    assert "from 2031-05-01T00:00:00Z to 2031-05-10T12:00:59Z" in text
    assert "microsoft; since always" in text
    assert "laptop-7; since 2031-05-03T08:00:00Z" in text
    assert "httpd; since 2031-05-04T00:00:00Z until 2031-05-05T23:59:59Z" in text
    assert "line 4, all keys of a provider: microsoft: since when?" in text
    assert "line 6" not in text and "line 7" not in text
    for option in ("as-written", "own-keys", "not-copied"):
        assert option in text


def test_what_is_said_is_not_left_open(check):
    text = said(check, WHOLE + f'own-keys = {{"{KEY}"}}\nsets = "as-written"\n'
                               'not-copied = {"/srv/vault"}\nnot-shown = {"tokens", "approvals"}\n')
    assert "none of these, but for what follows from the list: tokens approvals" in text
    assert "vouches that - the sets in the catalogue" in text
    assert "nothing below /srv/vault could be copied" in text
    for option in ("as-written", "own-keys", "not-copied"):
        assert option not in text


@pytest.mark.parametrize("item,words", [
    ("/a", "/a could be copied"), ("/a b", "/a b could be copied"),
    ("/a since 2031-05-02", "/a could be copied from 2031-05-02T23:59:59Z on"),
    ("/a until 2031-05-02", "/a could be copied until 2031-05-02T00:00:00Z"),
    ("/a since 2031-05-02T08:00Z", "/a could be copied from 2031-05-02T08:00:59Z on"),
    ("/a since 2031-05-02T08:00:01Z until 2031-05-02T08:00:01Z",
     "/a could be copied from 2031-05-02T08:00:01Z on, until 2031-05-02T08:00:01Z"),
    ("/until when since 2031-05-02", "/until when could be copied from 2031-05-02T23:59:59Z on"),
    ("/a since", "/a since could be copied")])
def test_what_could_not_be_copied_and_when(check, item, words):
    text = said(check, WHOLE + 'not-copied = {"%s"}\n' % item)
    assert "nothing below %s " % words in text
    assert ("objects are not older than they say" in text) is (" on" in words)


def test_nothing_left_open(check):
    text = said(check, 'from = "2001-05-01"\nto = "2001-05-02"\n'
                f'stolen = {{"key {KEY} since 2001-05-01"}}\nown-keys = {{"{KEY}"}}\n'
                'sets = "as-written"\nnot-copied = {"/a"}\n')
    assert "Nothing is left open." in text and "does not depend on the log" in text
    assert "in the future" not in text


@pytest.mark.parametrize("items,reached", [
    (["store since unknown"], False), (["passphrase since unknown"], False),
    (["store since unknown", "passphrase since unknown"], True),
    (["disk since unknown", "passphrase since unknown"], True),
    (["host since unknown"], True), (["memory since unknown"], True),
    (["hsm-pin since unknown"], True), (["process keyd since unknown"], True),
    (["process tokend since unknown"], True), (["process parent since unknown"], True),
    (["process httpd since unknown"], False), (["tls-key since unknown"], False)])
def test_when_all_keys_of_the_service_are_known(check, items, reached):
    text = said(check, with_item('", "'.join(items)))
    assert ("all keys that the service ever held" in text) is reached
    assert "does not depend on the log" not in text


@pytest.mark.parametrize("item", ITEMS)
def test_each_item(check, item):
    assert "since always" in said(check, with_item(item + " since unknown"))
    result = check(with_item(item + " since 2031-05-01 until 2031-05-01"))
    if item.split()[0] in ENDING:
        assert "until 2031-05-01T23:59:59Z" in result.ok().out.decode()
    else:
        result.failed("line 3: ", "has no 'until'", "(incident-file)")


def test_a_name_may_have_any_words(check):
    text = said(check, with_item("device left since monday since 2031-05-02"))
    assert "left since monday; since 2031-05-02T00:00:00Z" in text


@pytest.mark.parametrize("time,first,last", [
    ("2031-05-03", "2031-05-03T00:00:00Z", "2031-05-03T23:59:59Z"),
    ("2031-05-03T08:09Z", "2031-05-03T08:09:00Z", "2031-05-03T08:09:59Z"),
    ("2031-05-03T08:09:10Z", "2031-05-03T08:09:10Z", "2031-05-03T08:09:10Z"),
    ("2032-02-29", "2032-02-29T00:00:00Z", "2032-02-29T23:59:59Z"),
    ("1970-01-02", "1970-01-02T00:00:00Z", "1970-01-02T23:59:59Z"),
    ("9999-12-31", "9999-12-31T00:00:00Z", "9999-12-31T23:59:59Z")])
def test_times(check, time, first, last):
    text = said(check, f'from = "{time}"\nto = "{time}"\nstolen = {{"host since unknown"}}\n')
    assert f"from {first} to {last}" in text


@pytest.mark.parametrize("time", [
    "", "2031", "2031-5-3", "2031-02-29", "2031-13-01", "2031-00-01", "2031-05-00", "1969-12-31",
    "2031-05-03T24:00Z", "2031-05-03T08:60Z", "2031-05-03T08:00:60Z", "2031-05-03T08:00",
    "2031-05-03 08:00Z", "2031-05-03T08:00:00+02:00", "2031-05-03Z", "10000-01-01", "yesterday",
    "+031-05-03", "2031-05-03T08:00:00Z "])
def test_what_is_no_time(check, time):
    for begin, end, line in (("unknown", time, 2), (time, "2031-05-10", 1)):
        check(f'from = "{begin}"\nto = "{end}"\nstolen = {{"host since unknown"}}\n').failed(
            f"i: line {line}: ", "no time", "(incident-file)")
    check(with_item(f"host since {time}")).failed("line 3: ", "(incident-file)")
    check(with_item(f"host since unknown until {time}")).failed("line 3: ", "(incident-file)")


@pytest.mark.parametrize("item", [
    "", "host", "host since", "since unknown", " since unknown", "laptop since unknown",
    "key since unknown", "key 4f since unknown", "key x" + KEY[1:] + " since unknown",
    "key " + KEY + "00 since unknown", "key-version payroll since unknown",
    "key-version /3 since unknown", "key-version payroll/0 since unknown",
    "key-version payroll/x since unknown", "key-version payroll/4294967296 since unknown",
    "provider-keys Microsoft since unknown", "provider-keys " + "a" * 49 + " since unknown",
    "device since unknown", "device  since unknown", "device  a since unknown",
    "device ? since unknown", "device a  since unknown", "device #x since unknown",
    "device # since unknown", "device " + "a" * 65 + " since unknown",
    "admin root since unknown", "admin 4294967295 since unknown", "admin -1 since unknown",
    "token-key https://i since unknown", "ca x since unknown", "process sshd since unknown",
    "process since unknown", "host h since unknown", "Host since unknown",
    "host since 2031-05-02 until 2031-05-01", "host until 2031-05-01 since 2031-05-01"])
def test_what_is_no_item(check, item):
    check(with_item("host since unknown\",\n\n\"" + item)).failed("i: line 5: ", "(incident-file)")


@pytest.mark.parametrize("text,where", [
    ('to = "2031-05-10"\nstolen = {"host since unknown"}\n', "'from' is missing"),
    ('from = "unknown"\nstolen = {"host since unknown"}\n', "'to' is missing"),
    ('from = "unknown"\nto = "2031-05-10"\n', "'stolen' is missing"),
    ('from = "unknown"\nto = "2031-05-10"\nstolen = {}\n', "'stolen' is missing"),
    ('from = "2031-05-11"\nto = "2031-05-10"\nstolen = {"host since unknown"}\n', "line 2: "),
    (WHOLE + 'from = "unknown"\n', "line 8: 'from' is there twice"),
    (WHOLE + 'sets = "checked"\n', "line 8: "),
    (WHOLE + 'silence = "59"\n', "line 8: "), (WHOLE + 'silence = "86401"\n', "line 8: "),
    (WHOLE + 'not-shown = {"passwords"}\n', "line 8: "), (WHOLE + 'not-shown = {"token"}\n', "line 8: "),
    (WHOLE + 'silence = "two"\n', "line 8: "), (WHOLE + 'own-keys = {"a"}\n', "line 8: "),
    (WHOLE + 'not-copied = {"srv"}\n', "line 8: "), (WHOLE + 'not-copied = {"/"}\n', "line 8: "),
    (WHOLE + 'not-copied = {"/a",\n "/a/../b"}\n', "line 9: "),
    (WHOLE + 'not-copied = {"/a since 2031-05-02 until 2031-05-02"}\n', "line 8: "),
    (WHOLE + 'not-copied = {"/a since unknown"}\n', "line 8: "),
    (WHOLE + 'not-copied = {"/a until soon"}\n', "line 8: "),
    (WHOLE + 'not-copied = {"/a until 2031-05-02 since 2031-05-01"}\n', "line 8: "),
    (WHOLE + 'not-copied = {"/a since 2031-05-02 since 2031-05-02"}\n', "line 8: "),
    (WHOLE + 'not-copied = {"/a until"}\nfrom = "unknown"\n', "line 9: 'from' is there twice"),
    (WHOLE + 'not-copied = {"since 2031-05-02"}\n', "line 8: "),
    (WHOLE + 'not-copied = {" since 2031-05-02"}\n', "line 8: "),
    (WHOLE + 'not-copied = {"/a/"}\n', "line 8: "), (WHOLE + 'not-copied = {"//a"}\n', "line 8: "),
    (WHOLE + 'thief = "x"\n', "line 8: no such option"), (WHOLE + 'sets = "as\n', "line "),
    (WHOLE + 'sets = "${HOME}"\n', "'${' is not allowed"),
    (WHOLE + 'sets = "\x1b"\n', "control character"),
    (WHOLE + 'include("/etc/passwd")\n', "line 8: "),
    (WHOLE.encode() + b"\0", "NUL byte"), (WHOLE.encode() + b'sets = "\xff"\n', "line 8: ")])
def test_what_is_no_incident(check, text, where):
    result = check(text).failed("doublekey: i: ", where, "(incident-file)")
    assert result.out == b""


def test_limits(check):
    def many(count, what="host since unknown"):
        return with_item('",\n"'.join([what] * count))
    assert check(many(4096)).ok()
    check(many(4097)).failed("more than 4096", "(incident-file)")
    folders = '",\n"'.join(["/a"] * 64)
    check(WHOLE + f'not-copied = {{"{folders}"}}\n').ok()
    check(WHOLE + f'not-copied = {{"{folders}", "/a"}}\n').failed("more than 64")
    check(WHOLE + "#" * (262143 - len(WHOLE))).ok()
    check(WHOLE + "#" * (262144 - len(WHOLE))).failed("too large")
    check("").failed("is empty")


def test_quiet_and_usage(dk, tmp_path):
    (tmp_path / "i").write_text(WHOLE)
    assert dk("incident", "check", "-q", "i").ok().out == b""
    dk("incident", "check").failed("needs one FILE", status=2)
    dk("incident", "new", "a", "b").failed("needs one FILE", status=2)
    dk("incident", "check", "none").failed("none: ")
    assert dk("incident", "check", "i", stdout=open("/dev/full", "w")).status == 1


# ---- new ----

ANSWERS = ["2031-05-01", "2031-05-10", "device", 'a "b" \\c #', "2031-05-02", "host", "unknown",
           "2031-05-03", "tls-key", "unknown", "", "yes", KEY, "", "/srv/a", "", "", "/srv/b b",
           "2031-05-05T18:00Z", "2031-05-09", ""]


def lines(answers):
    return "".join(a + "\n" for a in answers).encode()


def test_new_writes_what_was_answered(dk, tmp_path):
    dk("incident", "new", "-q", "i", stdin=lines(ANSWERS)).ok()
    text = " ".join(dk("incident", "check", "i").ok().out.decode().split())
    assert "from 2031-05-01T00:00:00Z to 2031-05-10T23:59:59Z" in text
    assert 'a "b" \\x5cc #; since 2031-05-02T00:00:00Z' in text
    assert "since always, as far as anybody knows until 2031-05-03T23:59:59Z" in text
    assert "the sets in the catalogue are" in text and "1 customer keys" in text
    assert "nothing below /srv/a could be copied - nothing below /srv/b b could be copied from " \
        "2031-05-05T18:00:59Z on, until 2031-05-09T00:00:00Z - objects are" in text
    dk("incident", "new", "-q", "i", stdin=lines(ANSWERS)).failed("i: ")
    dk("incident", "new", "-q", "-f", "i", stdin=lines(ANSWERS)).ok()


def test_new_asks(dk, tmp_path):
    result = dk("incident", "new", "i", stdin=lines(ANSWERS))
    assert result.status == 0
    for text in ("From when", "What was stolen?", "provider-keys", "Since when?", "Until when?",
                 "vouch", "Folder", "From when on could it not?"):
        assert text in result.err
    assert result.err.count("Until when?") == 3


@pytest.mark.parametrize("at,answer", [
    (0, "yesterday"), (1, "unknown"), (1, "2031-04-01"), (2, "laptop"), (3, ""), (3, "${HOME}"),
    (3, "\x01"), (3, "#x"), (4, ""), (7, "2031"), (11, "maybe"), (12, "4f"), (14, "srv"),
    (15, "unknown"), (18, "soon"), (19, "2031-05-05T18:00Z")])
def test_new_writes_nothing_that_makes_no_sense(dk, tmp_path, at, answer):
    answers = ANSWERS[:at] + [answer] + ANSWERS[at + 1:]
    dk("incident", "new", "-q", "i", stdin=lines(answers)).failed("(incident-file)")
    assert not (tmp_path / "i").exists()


@pytest.mark.parametrize("count", range(len(ANSWERS)))
def test_new_with_answers_that_end(dk, tmp_path, count):
    for more in (b"", b"20"):
        dk("incident", "new", "-q", "i", stdin=lines(ANSWERS[:count]) + more).failed(
            "standard input: ", "(incident-file)")
    assert not (tmp_path / "i").exists()


def test_new_with_an_answer_that_is_too_long(dk, tmp_path):
    long = ANSWERS[:3] + ["a" * 1023] + ANSWERS[4:]
    dk("incident", "new", "-q", "i", stdin=lines(long)).failed("more than 1022 bytes")


def test_new_needs_something_stolen(dk, tmp_path):
    dk("incident", "new", "-q", "i", stdin=lines(ANSWERS[:2] + ANSWERS[10:])).failed(
        "'stolen' is missing")
    assert not re.search("i$", " ".join(p.name for p in tmp_path.iterdir()))


# ---- new, at a terminal ----

DIALOGUE = [  # the question, and answers, the last of which makes sense there
    (b"From when could the thief act?", ["yesterday", "2031-13-01", "2031-05-01"]),
    (b"To when?", ["unknown", "2031-05-10"]),
    (b"What was stolen?", ["laptop", "device"]),
    (b"Which? (its name", ["#x"]),  # asked for anew as a whole: what, which, since when
    (b"Since when?", ["soon", "2031-05-02"]),
    (b"What was stolen?", ["device"]),
    (b"Which? (its name", ["laptop-7"]),
    (b"Since when?", ["2031-05-03"]),
    (b"What was stolen?", [""]),
    (b"Does somebody vouch", ["maybe", "yes"]),
    (b"Key id of a customer key", ["4f", ""]),
    (b"Folder from which", ["srv", "/srv/b"]),
    (b"From when on could it not?", ["unknown", "2031-05-05"]),
    (b"Until when?", ["2031-05-04"]),  # asked for anew as a whole
    (b"Folder from which", ["/srv/a"]),
    (b"From when on could it not?", [""]),
    (b"Until when?", ["soon", ""]),
    (b"Folder from which", [""]),
]


def dialogue(terminal, steps):
    asked = {}
    for question, answers in steps:
        for answer in answers:
            asked[question] = asked.get(question, 0) + 1
            terminal.expect(question, asked[question])
            terminal.type(answer.encode() + b"\n")


def test_new_at_a_terminal_asks_again(dk, tmp_path):
    """What makes no sense is said, and asked for anew; a pipe ends there."""
    terminal = Terminal(dk.argv("incident", "new", "i"), str(tmp_path), dk.env)
    dialogue(terminal, DIALOGUE)
    assert terminal.wait() == 0
    terminal.close()
    for text in ("'yesterday': that is neither a time nor 'unknown'", "'unknown': that is no time",
                 "'4f': ", "'srv': ", "'maybe': "):
        assert text.encode() in terminal.shown, text
    text = " ".join(dk("incident", "check", "i").ok().out.decode().split())
    assert "laptop-7; since 2031-05-03T00:00:00Z" in text and "#x" not in text
    assert "from 2031-05-01T00:00:00Z to 2031-05-10T23:59:59Z" in text
    assert "nothing below /srv/a could be copied It" in text and "/srv/b" not in text


def test_new_at_a_terminal_that_is_left(dk, tmp_path):
    for key, said in ((b"\x04", b"the answers end too early"), (b"\x03", b"")):
        terminal = Terminal(dk.argv("incident", "new", "i"), str(tmp_path), dk.env)
        dialogue(terminal, DIALOGUE[:2])
        terminal.expect(b"What was stolen?")
        terminal.type(key)
        assert terminal.wait() != 0 and said in terminal.shown
        terminal.close()
        assert not list(tmp_path.iterdir())
