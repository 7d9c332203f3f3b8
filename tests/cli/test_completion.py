# SPDX-License-Identifier: Apache-2.0
"""Completion in the real shells, and that no option is missing anywhere."""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

SOURCE = pathlib.Path(os.environ["DOUBLEKEY_SOURCE"])
BASH = SOURCE / "packaging/completion/doublekey.bash"
ZSH = SOURCE / "packaging/completion/_doublekey"
MANUAL = SOURCE / "docs/man/doublekey.1.scd"
COMMANDS = ["encrypt", "decrypt", "inspect", "rewrap", "keygen", "key split", "key join",
            "key public",
            "profile add", "doctor", "enrol", "request", "approve", "assess", "incident check",
            "incident new", "log verify", "log prove",
            "log mirror", "log gossip",
            "log witness"]


def bash(folder, *words, env=None):
    """What bash offers for the last of the words."""
    if not shutil.which("bash"):
        pytest.skip("no bash")
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _doublekey; ' \
             'printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", BASH, "doublekey", *words],
                          cwd=folder, env=dict(os.environ, HOME=str(folder), **(env or {})),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return set(done.stdout.split("\n")) - {""}


def options_of(dk, command):
    text = dk(*command.split(), "--help").ok().out.decode()
    return {"--" + n for n in re.findall(r"^ +(?:-\w, +)?--([a-z-]+)", text, re.M)}


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_offers_each_option(dk, tmp_path, command):
    assert bash(tmp_path, *command.split(), "--") == options_of(dk, command)


@pytest.mark.parametrize("command", COMMANDS)
def test_zsh_and_the_manual_have_each_option(dk, command):
    zsh = ZSH.read_text()
    manual = MANUAL.read_text()
    for option in options_of(dk, command):
        if option not in ("--help", "--quiet"):
            assert re.search(re.escape(option) + r"\b", zsh), option
        assert "*" + option + "*" in manual, option


def test_bash_commands_and_values(dk, tmp_path, both):
    for name in ("a.dkey", "b.txt", "k.key", "k.key.pub", "x y.dkey"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder").mkdir()
    text = dk("--help").ok().out.decode()
    commands = set(re.findall(r"^  ([a-z]+) ", text, re.M))
    assert {w for w in bash(tmp_path, "") if not w.startswith("-")} == commands
    assert bash(tmp_path, "en") == {"encrypt", "enrol"}
    assert bash(tmp_path, "rewrap", "--side", "") == {"customer", "provider"}
    assert bash(tmp_path, "keygen", "--side", "cr") == {"creator"}
    assert bash(tmp_path, "decrypt", "") == {"a.dkey", "x y.dkey", "folder"}
    assert bash(tmp_path, "encrypt", "--customer", "") == {"k.key", "k.key.pub", "folder"}
    assert "b.txt" in bash(tmp_path, "encrypt", "")
    assert bash(tmp_path, "encrypt", "--label", "") == set()
    assert bash(tmp_path, "key", "") == {"split", "join", "public", "--help"}
    dk("profile", "add", "work", *both).ok()
    assert bash(tmp_path, "-p", "") == {"work"}
    assert bash(tmp_path, "-p", "work", "decr") == {"decrypt"}
    assert bash(tmp_path, "profile", "remove", "w") == {"work"}


class Zsh:
    """An interactive zsh that tells its command line after a completion."""

    def __init__(self, folder):
        self.out = folder / "buffer"
        setup = folder / "setup"
        setup.write_text(
            f"PS1=; fpath=({ZSH.parent} $fpath); autoload -Uz compinit; compinit -u -D\n"
            f"tell() {{ print -rn -- \"$BUFFER\" >{self.out}.new; "
            f"mv {self.out}.new {self.out}; BUFFER= }}\n"
            "zle -N tell; bindkey '^X' tell; setopt no_list_beep; print ready\n")
        env = dict(os.environ, HOME=str(folder), TERM="dumb")
        env.pop("XDG_CONFIG_HOME", None)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], env)
        self.write(f"source {setup}\n")
        seen = b""
        while b"ready\r" not in seen:
            assert select.select([self.fd], [], [], 60)[0], seen
            seen += os.read(self.fd, 65536)

    def write(self, text):
        os.write(self.fd, text.encode())

    def complete(self, text):
        self.write(text + "\t\x18")
        deadline = time.monotonic() + 60
        while not self.out.exists():
            assert time.monotonic() < deadline
            if select.select([self.fd], [], [], 0.02)[0]:
                os.read(self.fd, 65536)
        made = self.out.read_text()
        self.out.unlink()
        return made.rstrip()

    def close(self):
        self.write("\x15exit\n")
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def test_zsh(dk, tmp_path, both):
    if not shutil.which("zsh"):
        pytest.skip("no zsh")
    for name in ("object.dkey", "other.txt", "mine.key"):
        (tmp_path / name).write_text("")
    dk("profile", "add", "work", *both).ok()
    zsh = Zsh(tmp_path)
    try:
        for text, wanted in [
                ("doublekey enc", "doublekey encrypt"),
                ("doublekey rewrap --side cu", "doublekey rewrap --side customer"),
                ("doublekey encrypt --seg", "doublekey encrypt --segment-length"),
                ("doublekey encrypt --customer m", "doublekey encrypt --customer mine.key"),
                ("doublekey decrypt o", "doublekey decrypt object.dkey"),
                ("doublekey encrypt ot", "doublekey encrypt other.txt"),
                ("doublekey -p w", "doublekey -p work"),
                ("doublekey -p work dec", "doublekey -p work decrypt"),
                ("doublekey key sp", "doublekey key split"),
                ("doublekey key split --thr", "doublekey key split --threshold"),
                ("doublekey profile remove w", "doublekey profile remove work"),
                ("doublekey profile add --ten", "doublekey profile add --tenant"),
                ("doublekey keygen --type rsa4", "doublekey keygen --type rsa4096")]:
            assert zsh.complete(text) == wanted
    finally:
        zsh.close()
