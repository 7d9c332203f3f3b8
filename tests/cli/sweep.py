# SPDX-License-Identifier: Apache-2.0
"""Lets one call or one allocation of a command fail after the other.

Whatever it was, the command says so and leaves everything as it was, or it does what
it was asked to do.
"""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import tempfile

TIMEOUT_S = 120

# What a command may do without. Everything else has to fail it.
DISPENSABLE = {
    "clone", "copy",        # copied in another way
    "stat", "lseek",        # some only look for a better way
    "open", "dlopen",       # libraries look for settings of theirs
    "scandir",              # errors of readdir() look like the end where errno is 0
    "fchown", "xattr",      # who owns the file, if that may be kept
    "flock",                # there are file systems without
    "close", "unlinkat",    # there is nothing left to do about it
    "mmap", "mlock", "thread", "fcntl", "advise", "rlimit", "affinity", "getcwd",
}
# The end of the program's own words for it.
ERRORS = {"write": 28, "tmpfile": 28, "thread": 11, "mmap": 12}


class Case:
    """A command in a folder that holds what it needs.

    check(folder, output) is called after success, and says what is wrong. new holds
    names of files that the command makes or replaces. If it does so with each on its
    own, those that are there after a failure are checked by new[name](folder, output).
    most: about as many runs as that, since one takes long.
    """

    def __init__(self, name, argv, check, new=(), stdin=b"", most=None):
        self.name, self.argv, self.check = name, [str(a) for a in argv], check
        self.new, self.stdin, self.most = new, stdin, most

    def sample(self, of):
        """All, or as many as the case says, from the first to the last."""
        step = 1 if self.most is None else max(1, len(of) // self.most)
        return of[::step]

    def check_one(self, changed, folder, out):
        for name in sorted(changed):
            wrong = self.new[name](folder, out)
            if wrong:
                return wrong
        return None


def contents(folder):
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        name = str(path.relative_to(folder))
        found[name] = path.read_bytes() if path.is_file() else None
    return found


def came_to(env, folder):
    """Whether the call that should fail was made: a pipe may need fewer reads than before."""
    call, n, _ = env["FAULT"].split(":")
    lines = pathlib.Path(str(folder) + ".log").read_text().splitlines()
    counts = {line.split()[0]: int(line.split()[1]) for line in lines}
    return counts.get(call, 0) >= int(n)


class Sweep:
    def __init__(self, template, env):
        self.template, self.env = template, env
        self.before = contents(template)
        self.findings = []
        self.runs = 0

    def run(self, case, env):
        """Status, standard output and error, and the folder, which the caller removes."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.template.parent))
        shutil.rmtree(folder)
        shutil.copytree(self.template, folder)
        env = dict(self.env, HOME=str(folder), **env)
        if "FAULT" in env:
            env["FAULT_LOG"] = str(folder) + ".log"
        done = subprocess.run(case.argv, cwd=folder, env=env, input=case.stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S)
        return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"), folder

    def judge(self, case, status, out, err, folder, may_stand):
        """What is wrong with the end of that run; None: nothing."""
        if status == 0:
            return case.check(folder, out)
        if status != 1:
            return "status %d" % status
        # Nobody is told that nobody reads; all else has a message.
        if not err.startswith("doublekey: "):
            return "no message"
        for line in err.splitlines():
            if not line.startswith("doublekey: "):
                return "a line that is no message"
        for words in ("stanza-auth", "key-invalid", "key-passphrase", "damaged", "segment-auth"):
            if words in err:
                return "a message that misleads"
        after = contents(folder)
        changed = {n for n in set(after) | set(self.before)
                   if after.get(n, 0) != self.before.get(n, 0)}
        if not changed:
            return None
        if not changed <= set(case.new):
            return "left behind: " + " ".join(sorted(changed - set(case.new)))
        if isinstance(case.new, dict):
            return case.check_one(changed, folder, out)
        if not may_stand:
            return "output after failure: " + " ".join(sorted(changed))
        return case.check(folder, out)

    def one(self, case, env, what, must_fail, may_stand):
        status, out, err, folder = self.run(case, env)
        try:
            wrong = self.judge(case, status, out, err, folder, may_stand)
            if wrong is None and status == 0 and must_fail and came_to(env, folder):
                wrong = "success"
        finally:
            shutil.rmtree(folder)
            pathlib.Path(str(folder) + ".log").unlink(missing_ok=True)
        return None if wrong is None else "%s: %s: %s\n%s" % (case.name, what, wrong, err)

    def all(self, jobs):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            done = list(pool.map(lambda job: self.one(*job), jobs))
        self.runs += len(done)
        self.findings += [d for d in done if d]

    def log(self, case, env):
        """Lines of the log of a run without faults, which has to succeed."""
        log = self.template.parent / ("log-" + case.name.replace(" ", "-"))
        status, out, err, folder = self.run(case, dict(env, FAULT_LOG=str(log)))
        wrong = case.check(folder, out) if status == 0 else err
        shutil.rmtree(folder)
        assert wrong is None, (case.name, status, wrong)
        lines = log.read_text().splitlines()
        log.unlink()
        return [line.split() for line in lines]

    def calls(self, case, library):
        env = {"LD_PRELOAD": library, "ASAN_OPTIONS": "verify_asan_link_order=0"}
        jobs = []
        for call, count, _ in self.log(case, env):
            if call == "any":
                continue
            for n in range(1, int(count) + 1):
                rule = "%s:%d:%d" % (call, n, ERRORS.get(call, 5))
                # A folder that cannot be synced: the file has its name by then.
                jobs.append((case, dict(env, FAULT=rule), rule, call not in DISPENSABLE,
                             call == "fsync"))
                if call in ("read", "pread", "write", "copy"):
                    rule = "%s:%d:SHORT" % (call, n)
                    jobs.append((case, dict(env, FAULT=rule), rule, False, False))
        self.all(case.sample(jobs))

    def memory(self, case, library, deep):
        """One allocation of each path through the program; deep: and all behind it."""
        env = {"LD_PRELOAD": library}
        first = {}
        for n, stack in self.log(case, env):
            first.setdefault(stack, n)
        rules = list(first.values())
        if deep:
            rules += [n + "+" for n in first.values()]
        self.all([(case, dict(env, FAULT_MEMORY=rule), "allocation " + rule, False, False)
                  for rule in case.sample(rules)])
