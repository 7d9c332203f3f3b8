# SPDX-License-Identifier: Apache-2.0
"""What each process may call and open, by trying it: the table of spec/ipc.md section 7
against the sandbox of each process, and against the processes of a running service; the same
for a witness, spec/witness.md section 5."""
import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import time

import pytest

from peers import PROCESSES, SPEC
from service import BUILD
from test_users import separated  # noqa: F401, a fixture
from test_violations import status
from witness import Log, Witness, leaves

ATTEMPT = os.path.join(BUILD, "tests", "service", "attempt")
LANDLOCK = 4
EPERM, EACCES, ENOSYS = 1, 13, 38
COLUMNS = ["httpd", "authd", "keyd", "logd", "logd +", "fetchd", "tokend", "tokend +"]
HERE, READ, MAKE = "-100", "0", "65 384"  # AT_FDCWD; O_RDONLY; O_WRONLY | O_CREAT, 0600
# What is tried for each row. OWN and OTHER: a path in the process's folder and one outside.
ROWS = {
    "use open descriptors, memory, time, random numbers":
        ["read -1 0 0", "write -1 0 0", "poll 0 0 0", "sendto -1 0 0 0 0 0",
         "recvfrom -1 0 0 0 0 0", "mmap 0 4096 3 0x22 -1 0", "mprotect 0 0 3",
         "clock_gettime 0 0", "getrandom 0 0 0", "futex 0 1 0 0 0 0"],
    "read, write, sync at a place in an open file":
        ["pread64 -1 0 0 0", "pwrite64 -1 0 0 0", "fsync -1", "fdatasync -1", "ftruncate -1 0"],
    "open, make, rename, remove files":
        ["openat -100 :OWN 0 0", "openat -100 :OTHER 0 0", "openat -100 :OWN.new 65 384",
         "openat -100 :OTHER.new 65 384", "mkdirat -100 :OWN.dir 448",
         "mkdirat -100 :OTHER.dir 448",
         "renameat -100 :OWN.a -100 :OWN.b", "renameat -100 :OTHER.a -100 :OTHER.b",
         "unlinkat -100 :OWN.c 0", "unlinkat -100 :OTHER.c 0"],
    "accept connections": ["accept4 -1 0 0 0"],
    "make a socket, connect it": ["socket 2 1 0", "socket 10 2 0", "socket 2 5 0", "socket 1 1 0",
                                  "connect -1 0 0"],
    "make a pair of sockets": ["socketpair 1 1 0 :enough_room"],
    "bind a socket": ["bind -1 0 0"],
    "send or take descriptors": ["sendmsg -1 0 0", "recvmsg -1 0 0"],
    "memory with new code": ["mmap 0 4096 7 0x22 -1 0", "mmap 0 4096 5 0x22 -1 0",
                             "mprotect 0 0 5", "mprotect 0 0 4"],
    "execute a program": ["execve :/bin/true 0 0", "execveat -100 :/bin/true 0 0 0"],
    "trace another process, read or write its memory":
        ["ptrace 0 0 0 0", "process_vm_readv 1 0 0 0 0 0", "process_vm_writev 1 0 0 0 0 0"],
    "make a process or a thread": ["clone 17 0 0 0 0", "clone3 0 0", "fork"],
    "signal, or take descriptors of, another process":
        ["kill 1 0", "tgkill 1 1 0", "pidfd_open 1 0", "pidfd_getfd -1 0 0",
         "pidfd_send_signal -1 0 0 0"],
    "change user, limits, being dumpable, the filter":
        ["setuid 0", "setresuid 0 0 0", "setgroups 0 0", "capset 0 0", "prctl 4 1 0 0 0",
         "prlimit64 0 4 0 0", "setrlimit 4 0", "seccomp 1 0 0", "personality 0"],
    "mount, enter or leave a namespace, load code into the kernel":
        ["mount 0 0 0 0 0", "pivot_root 0 0", "unshare 0", "setns -1 0", "bpf 99 0 0",
         "init_module 0 0 0", "finit_module -1 0 0", "userfaultfd 0", "perf_event_open 0 0 0 0 0",
         "io_uring_setup 0 0"],
    "other ways around: root directory, keyrings, handles of files, memory files":
        ["chroot :/", "chdir :/", "umount2 0 0", "add_key 0 0 0 0 0", "keyctl 99 0 0 0 0",
         "name_to_handle_at -100 0 0 0 0", "open_by_handle_at -100 0 0", "memfd_create :x 0",
         "inotify_init1 0", "symlinkat :x -100 :/nowhere/x", "truncate :/nowhere/x 0",
         "listen -1 0"],
}


def table():
    """What the text says: by row, by process."""
    text = open(SPEC).read()
    section = text[text.index("## 7. "):]
    rows = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == len(COLUMNS) + 1 and cells[0] != "what":
            rows[cells[0]] = dict(zip(COLUMNS, cells[1:]))
    return rows


def of_witness():
    """The word for each row: that of httpd, or its own."""
    text = open(os.path.join(os.path.dirname(SPEC), "witness.md")).read()
    section = text[text.index("## 5. "):text.index("## 6. ")]
    own = dict(re.findall(r"^\| (.+) \| (yes|no|own|ends) \|$", section, re.M))
    rows = table()
    assert own and set(own) <= set(rows)
    return {row: own.get(row, words["httpd"]) for row, words in rows.items()}


def attempt(mode, calls):
    done = subprocess.run([ATTEMPT, *mode], input="\n".join(calls) + "\n", text=True,
                          capture_output=True, timeout=120)
    if done.returncode == 77:
        pytest.skip("a running process can only be made to call on x86-64")
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    return lines if len(lines) == len(calls) else (lines[1:], int(lines[0]))


def calls_of(row, own, other):
    return [call.replace("OWN", own).replace("OTHER", other) for call in ROWS[row]]


@pytest.fixture
def folders(tmp_path):
    """Both have what the attempts need."""
    def fill():
        for name in ("own", "other"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
            (tmp_path / name).mkdir()
            for file in ("f", "f.a", "f.c"):
                (tmp_path / name / file).write_text("x")
        return str(tmp_path / "own" / "f"), str(tmp_path / "other" / "f")
    return fill


def free(folders):
    """What each attempt comes to outside of any sandbox."""
    found = {}
    for row in ROWS:
        calls = calls_of(row, *folders())
        found.update(zip(((row, call) for call in ROWS[row]), attempt(["free"], calls)))
    return found


def test_the_table_is_what_is_tried():
    assert set(table()) == set(ROWS)
    assert {cell for row in table().values() for cell in row.values()} == \
        {"yes", "no", "ends", "own", *SPECIAL}


def test_without_a_sandbox_all_of_it_can_be_done(folders):
    """Control. Where the tests themselves run confined, some of it cannot be shown."""
    if os.geteuid() != 0:
        pytest.skip("others than root are refused some of it anyway")
    result = free(folders)
    refused = [key for key, said in result.items()
               if said == "error %d" % EPERM or said.startswith("signal")]
    assert len(refused) <= len(result) // 4, refused
    assert len([said for said in result.values() if said.startswith("ok")]) > 30
    for row in ("execute a program", "make a process or a thread",
                "open, make, rename, remove files",
                "make a socket, connect it", "memory with new code"):
        assert not [key for key in refused if key[0] == row]


# Of fetchd, and of logd with a database: which of these attempts go through.
SPECIAL = {
    "those of section 6, to read": lambda call: call.endswith("0 0") and "OWN " in call,
    "own, and those of section 7.1": lambda call: "OTHER" not in call,
    "TCP, UDP, sockets of this machine": lambda call: not call.startswith("socket 2 5 "),
    "TCP, UDP": lambda call: not call.startswith(("socket 1 ", "socket 2 5 ")),
    "threads": lambda call: False,  # these attempts make processes, or hide what they make
}


def check(said, word, call, landlock):
    """Whether this is what the word of the table means."""
    if word in SPECIAL and not SPECIAL[word](call):
        return said in ["error %d" % n for n in (EPERM, EACCES, ENOSYS)]
    if said == "none":
        return True
    if word == "own":
        refused = landlock and "OTHER" in call
        return said == "error %d" % EACCES if refused else said.startswith("ok")
    if word == "ends":
        return said == "signal %d" % signal.SIGSYS
    if word == "no":
        return said == "error %d" % EPERM
    return not said.startswith("signal") and said != "error %d" % EPERM


def has_landlock():
    """Whether the kernel tells its version of it."""
    return attempt(["free"], ["landlock_create_ruleset 0 0 1"])[0].startswith("ok")


@pytest.mark.parametrize("column", COLUMNS)
def test_each_sandbox(folders, column):
    process, _, sockets = column.partition(" ")
    wrong = []
    for row, words in table().items():
        own, other = folders()
        folder = {"logd": os.path.dirname(own), "tokend": os.path.dirname(own),
                  "fetchd": own}.get(process, "-")
        mode = ["enter", str(PROCESSES[process]), folder] + ([sockets] if sockets else [])
        answers, protections = attempt(mode, calls_of(row, own, other))
        assert bool(protections & LANDLOCK) == has_landlock()
        wrong += [(row, call, said, words[column]) for call, said in zip(ROWS[row], answers)
                  if not check(said, words[column], call, protections & LANDLOCK)]
    assert wrong == []


def test_the_sandbox_of_a_witness(folders):
    wrong = []
    for row, word in of_witness().items():
        own, other = folders()
        answers, protections = attempt(["enter", "witness", os.path.dirname(own)],
                                       calls_of(row, own, other))
        assert bool(protections & LANDLOCK) == has_landlock()
        wrong += [(row, call, said, word) for call, said in zip(ROWS[row], answers)
                  if not check(said, word, call, protections & LANDLOCK)]
    assert wrong == []


# ---- the running processes ----

QUIET = [row for row in ROWS if row != "use open descriptors, memory, time, random numbers"]


def by_running(pid, calls):
    return attempt(["in", str(pid)], calls)


@pytest.mark.skipif(os.geteuid() != 0 or platform.machine() != "x86_64",
                    reason="only root can make a running process call, and only on x86-64")
def test_the_running_processes(service):
    """The same attempts by the processes themselves, but for those that end them."""
    outside = os.path.join(service.base, "f")
    for name in ("f", "f.a", "f.c"):
        open(os.path.join(service.base, name), "w").close()
        open(os.path.join(service.dir, "log", name), "w").close()
    for process, pid in service.pids().items():
        line, = [line for line in service.admin("status").stdout.splitlines()
                 if line.startswith(process + "\t")]
        landlock = " landlock" in line
        assert landlock == has_landlock()
        for row, words in table().items():
            word = words[process]
            if word == "ends" or row not in QUIET:
                continue
            for call in ROWS[row]:
                if process == "fetchd" and "OWN." in call:
                    continue  # would be in /etc
                own = "/etc/hosts" if process == "fetchd" else "f"
                said, = by_running(pid, [call.replace("OWN", own).replace("OTHER", outside)])
                assert check(said, word, call, landlock), (process, row, call, said)
                if said.startswith("ok") and call.startswith("openat"):
                    assert by_running(pid, ["close " + said.split()[1]]) == ["ok 0"]
    assert status(service) == {"restarts": 0, "violations": 0}
    service.admin("key", "create", "finance")
    service.enrol()  # they go on serving


@pytest.mark.skipif(os.geteuid() != 0 or platform.machine() != "x86_64",
                    reason="only root can make a running process call, and only on x86-64")
def test_a_running_process_that_executes_a_program_is_ended(service):
    for n, process in enumerate(("httpd", "authd", "keyd", "logd")):
        pid = service.pids()[process]
        assert by_running(pid, ["execve :/bin/true 0 0"]) == ["signal %d" % signal.SIGSYS]
        end = time.monotonic() + 60
        while status(service).get("restarts") != n + 1:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert "%s ended (signal %d)" % (process, signal.SIGSYS) in open(service.stderr).read()


@pytest.fixture
def witness(tmp_path):
    log = Log()
    w = Witness(tmp_path, logs=[log.vkey]).start()
    w.log = log
    yield w
    w.stop()


@pytest.mark.skipif(os.geteuid() != 0 or platform.machine() != "x86_64",
                    reason="only root can make a running process call, and only on x86-64")
def test_a_running_witness(witness, tmp_path):
    outside = str(tmp_path / "f")
    for folder in (str(tmp_path), witness.dir):
        for name in ("f", "f.a", "f.c"):
            open(os.path.join(folder, name), "w").close()
    pid, wrong = witness.process.pid, []
    for row, word in of_witness().items():
        for call in ROWS[row] if row in QUIET and word != "ends" else []:
            said, = by_running(pid, [call.replace("OWN", "f").replace("OTHER", outside)])
            if not check(said, word, call, has_landlock()):
                wrong.append((row, call, said))
            if said.startswith("ok") and call.startswith("openat"):
                assert by_running(pid, ["close " + said.split()[1]]) == ["ok 0"]
    assert wrong == []
    assert witness.add(witness.log.request(0, leaves(3)))[0] == 200  # it goes on serving
    assert by_running(pid, ["execve :/bin/true 0 0"]) == ["signal %d" % signal.SIGSYS]
    assert witness.process.wait(60) == -signal.SIGSYS


def reads_memory(pid, uid):
    """Whether a process of that user, with no privilege, can."""
    reader = "open('/proc/%d/mem', 'rb').close()" % pid
    drop = {} if uid == os.geteuid() else {"user": uid, "group": uid, "extra_groups": []}
    done = subprocess.run(["setpriv", "--bounding-set=-all", "--inh-caps=-all", "python3", "-c",
                           reader] if uid == os.geteuid() == 0 else ["python3", "-c", reader],
                          capture_output=True, text=True, **drop)
    assert done.returncode == 0 or "PermissionError" in done.stderr, done
    return done.returncode == 0


def identity(uid):
    """As a user without privileges, which root is too when it gives them up."""
    if uid != os.geteuid():
        return [], {"user": uid, "group": uid, "extra_groups": []}
    if uid == 0:
        return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"], {}
    return [], {}


def reads_memory(pid, uid):
    prefix, user = identity(uid)
    done = subprocess.run([*prefix, "/usr/bin/python3", "-c",
                           "open('/proc/%d/mem', 'rb').close()" % pid],
                          capture_output=True, text=True, **user)
    assert done.returncode == 0 or "PermissionError" in done.stderr, done
    return done.returncode == 0


def none_is_read_by_its_own_user(s):
    for process, pid in s.pids().items():
        uid = int(re.search(r"^Uid:\t(\d+)", open("/proc/%d/status" % pid).read(), re.M)[1])
        assert not reads_memory(pid, uid), process
        prefix, user = identity(uid)
        sleeper = subprocess.Popen([*prefix, "sleep", "60"], **user)
        try:
            end = time.monotonic() + 60
            while not reads_memory(sleeper.pid, uid):  # control
                assert time.monotonic() < end
        finally:
            sleeper.kill()
            sleeper.wait()


def test_none_is_read_by_its_own_user(service):
    none_is_read_by_its_own_user(service)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give users")
def test_none_is_read_by_its_own_user_where_each_has_one(separated):
    none_is_read_by_its_own_user(separated)


def test_no_core_is_left(service, tmp_path):
    resource.setrlimit(resource.RLIMIT_CORE, (-1, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    places = ["/", os.path.join(service.dir, "log"), service.dir, service.base, os.getcwd()]

    def cores():
        return {os.path.join(place, name) for place in places for name in os.listdir(place)
                if name.startswith("core")}

    before = cores()
    for n, process in enumerate(("httpd", "authd", "keyd", "logd")):
        os.kill(service.pids()[process], signal.SIGSEGV)
        end = time.monotonic() + 60
        while status(service).get("restarts") != n + 1:
            assert time.monotonic() < end
            time.sleep(0.05)
    assert cores() == before
    pattern = open("/proc/sys/kernel/core_pattern").read().strip()
    if "/" not in pattern and "|" not in pattern and pattern.startswith("core"):
        victim = subprocess.Popen(["sleep", "60"], cwd=service.base)
        victim.send_signal(signal.SIGSEGV)
        victim.wait()
        assert cores() != before  # control
