# SPDX-License-Identifier: Apache-2.0
"""Named profiles."""

import json
import os
import stat

import pytest

from conftest import listing


@pytest.fixture
def folder(tmp_path):
    return tmp_path / ".config/doublekey/profiles"


def add(dk, both, *more, **extra):
    return dk("profile", "add", "me", *both, *more, **extra)


def test_a_profile_saves_typing_both_keys(dk, both, tmp_path):
    add(dk, both, "--label", "from the profile").ok()
    (tmp_path / "report.pdf").write_bytes(b"text")
    dk("-p", "me", "encrypt", "report.pdf").ok()
    assert (tmp_path / "report.pdf.dkey").exists()
    (tmp_path / "report.pdf").unlink()
    dk("--profile", "me", "decrypt", "report.pdf.dkey").ok()
    assert (tmp_path / "report.pdf").read_bytes() == b"text"
    info = json.loads(dk("-p", "me", "inspect", "--json", "report.pdf.dkey").ok().out)
    assert info["label"] == "from the profile"
    assert info["metadata"]["file_name"] == "report.pdf"
    made = dk("-p", "me", "encrypt", "-o", "-", "report.pdf").ok().out
    assert dk("-p", "me", "decrypt", stdin=made).ok().out == b"text"


def test_options_go_before_the_profile(dk, keys, both, tmp_path):
    add(dk, both, "--label", "a", "--tenant", "t", "--sign", keys / "s.key").ok()
    made = dk("-p", "me", "encrypt", "--customer", keys / "c2.key.pub", "--label", "b",
              stdin=b"x").ok().out
    info = json.loads(dk("inspect", "--json", "-", stdin=made).ok().out)
    assert info["label"] == "b" and info["tenant"] == "t" and info["creator"]
    assert [s["custodian"] for s in info["sides"]["customer"]["stanzas"]] == ["recovery"]


def test_paths_become_absolute(dk, keys, tmp_path, folder):
    (tmp_path / "k").symlink_to(keys)
    add(dk, ["--customer", "k/c.key", "--provider", "k/p.key"]).ok()
    other = tmp_path / "elsewhere"
    other.mkdir()
    made = dk("-p", "me", "encrypt", stdin=b"x", cwd=other).ok().out
    assert dk("-p", "me", "decrypt", stdin=made, cwd=other).ok().out == b"x"
    text = dk("profile", "list").ok().out.decode()
    assert text.splitlines() == ["me", f"  customer  {tmp_path}/k/c.key",
                                 f"  provider  {tmp_path}/k/p.key"]
    assert stat.S_IMODE((folder / "me.conf").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_xdg(dk, both, tmp_path):
    env = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    add(dk, both, env=env).ok()
    assert listing(tmp_path / "xdg/doublekey") == ["profiles", "profiles/me.conf"]
    dk("-p", "me", "encrypt", stdin=b"x").failed(
        "no profile 'me'", "'doublekey profile add' makes one (profile)")
    for wrong in (["-p", "me"], ["--profile", "me"], ["--profile=me"]):
        result = dk("encrypt", *wrong, stdin=b"x")
        assert result.status == 2
        assert "a profile stands before the command: doublekey -p NAME encrypt" in result.err
    assert add(dk, both, env={"XDG_CONFIG_HOME": "relative"}).ok()
    assert (tmp_path / ".config/doublekey/profiles/me.conf").exists()
    assert not (tmp_path / "relative").exists()


def test_add_list_remove(dk, both, folder):
    assert dk("profile", "list").ok().out == b""
    add(dk, both).ok()
    add(dk, both).failed("me.conf", "--force")
    add(dk, both, "--force", "--label", "x").ok()
    assert b"label     x" in dk("profile", "list").ok().out
    dk("profile", "remove", "me").ok()
    assert dk("profile", "list").ok().out == b""
    dk("profile", "remove", "me").failed("no profile 'me'")
    dk("-p", "me", "encrypt", stdin=b"x").failed("no profile 'me'")
    assert listing(folder) == []


def test_keys_are_checked_when_it_is_added(dk, keys, both, folder):
    add(dk, ["--customer", keys / "missing", "--provider", keys / "p.key"]).failed("missing")
    add(dk, ["--customer", keys / "p.key", "--provider", keys / "p.key"]).failed("(key-side)")
    add(dk, ["--customer", keys / "c.key", "--provider", keys / "same.key"]).failed(
        "(same-custodian)")
    add(dk, both, "--sign", keys / "c.key").failed("(key-side)")
    add(dk, ["--customer", keys / "c.key"]).failed(status=2)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["", ".hidden", "-x", "a/b", "../x", "a b", "x" * 65, "ü"])
def test_names(dk, both, name):
    args = ["profile", "add", *both, "--", name]
    dk(*args).failed("is no name of a profile")
    dk("-p", name, "encrypt", stdin=b"x").failed("is no name of a profile")


def test_values_come_back_as_they_were(dk, both, folder):
    label = "a \"b\" \\c 'd' # e // f /* g */ = {h, i} \\x41 \\\\"
    add(dk, both, "--label", label).ok()
    made = dk("-p", "me", "encrypt", stdin=b"x").ok().out
    assert json.loads(dk("inspect", "--json", "-", stdin=made).ok().out)["label"] == label


def test_what_cannot_come_back_is_not_written(dk, both, folder):
    add(dk, both, "--label", "${HOME}").failed("'${' is not allowed")
    add(dk, both, "--label", "a\nb").failed()
    assert not folder.exists() or listing(folder) == []


@pytest.mark.parametrize("line,text", [
    ('customr = {"x"}', "no such option 'customr'"),
    ('label = "a"\nlabel = "b"', "'label' is there twice"),
    ('customer = {"/x"}', "'customer' is there twice"),
    ('label = "${HOME}"', "'${' is not allowed"),
    ('label = "unterminated', "premature end of file"),
    ('label = "a\\x01"', "'label' is not plain text"),
    ("label = \x01", "control character"),
    ('include("/etc/passwd")', "line 3"),
])
def test_a_profile_that_is_edited_badly(dk, both, folder, line, text):
    add(dk, both).ok()
    with open(folder / "me.conf", "a") as f:
        f.write(line + "\n")
    dk("-p", "me", "encrypt", stdin=b"x").failed("me.conf: ", text)
    result = dk("profile", "list").failed("me.conf: ", text)
    assert result.out == b"me\n"


def test_a_profile_that_others_can_write(dk, both, folder):
    add(dk, both).ok()
    (folder / "me.conf").chmod(0o620)
    dk("-p", "me", "encrypt", stdin=b"x").failed("can be written by others")
    # negative control
    (folder / "me.conf").chmod(0o644)
    dk("-p", "me", "encrypt", stdin=b"x").ok()
    (folder / "me.conf").rename(folder / "target")
    (folder / "me.conf").symlink_to("target")
    dk("-p", "me", "encrypt", stdin=b"x").failed("me.conf")


def test_a_profile_without_a_side(dk, both, folder):
    folder.mkdir(parents=True)
    (folder / "me.conf").write_text('customer = {"/x"}\n')
    dk("-p", "me", "encrypt", stdin=b"x").failed("no provider key", status=2)
    (folder / "me.conf").write_bytes(b"\0")
    dk("-p", "me", "encrypt", stdin=b"x").failed("NUL byte")
    (folder / "me.conf").write_bytes(b"#" * 70000)
    dk("-p", "me", "encrypt", stdin=b"x").failed("larger than a profile")


def test_libconfuse_is_loaded_for_profiles_only(dk, both):
    """What is loaded at start counts for every single call."""
    loaded = dk("encrypt", *both, stdin=b"x", env={"LD_DEBUG": "libs"}).err
    assert "libcrypto" in loaded
    for library in ("libconfuse", "libssl", "libargon2", "libcurl", "libsqlite3", "libjansson"):
        assert library not in loaded
    add(dk, both).ok()
    assert "libconfuse" in dk("-p", "me", "encrypt", stdin=b"x", env={"LD_DEBUG": "libs"}).err
    assert os.environ.get("LD_DEBUG") is None
