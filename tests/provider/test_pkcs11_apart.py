# SPDX-License-Identifier: Apache-2.0
"""What a vendor's module may, in the process that is its own: spec/provider-keys.md section 3.5.
A module of ours tries it; the same module in a process that is not kept apart can."""

import ctypes
import os
import re
import shutil
import subprocess
import sys

import pytest

from test_pkcs11 import MODULE, Token
from test_pkcs11 import pytestmark  # noqa: F401  skipped without SoftHSM2

PROBE = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void probe(FILE *f, int who, const char *whose)
{
	char path[64], link[256];
	int pidfd = (int)syscall(SYS_pidfd_open, who, 0);

	fprintf(f, "%s seize %d\n", whose, ptrace(PTRACE_SEIZE, who, NULL, NULL) == 0);
	ptrace(PTRACE_DETACH, who, NULL, NULL);
	snprintf(path, sizeof(path), "/proc/%d/mem", who);
	fprintf(f, "%s memory %d\n", whose, open(path, O_RDONLY | O_CLOEXEC) >= 0);
	fprintf(f, "%s descriptor %d\n", whose, syscall(SYS_pidfd_getfd, pidfd, 0, 0) >= 0);
	snprintf(path, sizeof(path), "/proc/%d/fd/0", who);
	fprintf(f, "%s link %d\n", whose, readlink(path, link, sizeof(link)) > 0);
}

__attribute__((constructor)) static void f(void)
{
	FILE *f = fopen(getenv("PROBE"), "we");
	int who = getppid(), more = 0;
	pid_t child;

	for (int fd = 4; fd < 1024; fd++)
		more += fd != fileno(f) && fcntl(fd, F_GETFD) >= 0;
	fprintf(f, "open %d\n", more);
	probe(f, who, "parent");
	fflush(f);
	child = fork();
	if (child == 0) {
		probe(f, who, "grandparent");
		fclose(f);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	fclose(f);
}
"""
WAYS = ["seize", "memory", "descriptor", "link"]


def found(text):
    return {tuple(line.split()[:-1]): int(line.split()[-1]) for line in text.splitlines()}


@pytest.fixture
def token(person):
    person.settings("pkcs11", deadline=5)
    return Token(person)


@pytest.fixture
def module(person):
    """Works as SoftHSM2 does, and probes when it is loaded."""
    (person.folder / "m.c").write_text(PROBE)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "m.so", "m.c", "-Wl,--no-as-needed", MODULE,
                    "-Wl,-rpath," + os.path.dirname(MODULE)], cwd=person.folder, check=True)
    person.env["PROBE"] = str(person.folder / "probe")
    return str(person.folder / "m.so")


def test_a_module_cannot_look_into_the_command(person, token, module):
    if ctypes.CDLL(None).syscall(444, None, 0, 1) < 1:  # landlock_create_ruleset, its version
        pytest.skip("the kernel has no Landlock")
    ref = token.make("p256")
    person.encrypt(ref)
    person.decrypt(ref.replace(MODULE, module))
    apart = found((person.folder / "probe").read_text())
    assert apart.pop(("open",)) == 0
    assert set(apart) == {(who, way) for who in ("parent", "grandparent") for way in WAYS}
    assert not any(apart.values()), apart
    # Control: without the helper's walls it can.
    subprocess.run([sys.executable, "-c", f"import ctypes; ctypes.CDLL({module!r})"],
                   env=person.env, check=True)
    free = found((person.folder / "probe").read_text())
    if not free["parent", "seize"]:
        pytest.skip("no process may trace its parent here, walls or not")
    assert all(free["parent", way] for way in WAYS), free


def test_the_helper_is_told_a_name_and_an_encapsulation(person, token):
    traced = shutil.which("strace")
    if not traced:
        pytest.skip("strace is not installed")
    ref = token.make("p256")
    person.encrypt(ref)
    log = person.folder / "trace"
    subprocess.run([traced, "-f", "-qq", "-xx", "-s", "10000", "-e", "trace=execve,sendto", "-o",
                    log,
                    os.environ["DOUBLEKEY"], "decrypt", "-f", "--customer", "c.key", "--provider",
                    ref, "-o", "out", "o.dkey"], cwd=person.folder, check=True,
                   env={**person.env, "ASAN_OPTIONS": "detect_leaks=0"})
    lines = log.read_text().splitlines()
    sent = [bytes.fromhex(text.replace("\\x", "")) for pid, text in (
        (line.split()[0], re.search(r'sendto\(\d+, "([^"]*)"', line)[1]) for line in lines
        if "sendto(" in line) if pid not in helpers(lines)]
    assert len(sent) == 2 and sent[0] == b"\x01" + ref.encode()
    assert sent[1][:2] == b"\x03\x04" and len(sent[1]) == 1 + 65
    assert sent[1][1:] in (person.folder / "o.dkey").read_bytes()


def helpers(lines):
    name = "".join(f"\\x{byte:02x}" for byte in b"doublekey-token")
    return {line.split()[0] for line in lines if "execve(" in line and name in line}
