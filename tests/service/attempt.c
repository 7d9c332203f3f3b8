/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: attempt free
 *        attempt enter PROCESS|witness DIR|- [sockets]
 *        attempt in PID
 *
 * Makes the system calls that stand on stdin, one a line: its name and up to six
 * arguments, each a number or ':' and a text whose address is meant. A line of
 * output says what came of it: "ok N", "error ERRNO", "signal N", or "none" where there
 * is no such call.
 *
 * free   each in a process of its own
 * enter  likewise, in the sandbox of that process with its folder, or for fetchd a
 *        file; the first line of output are the protections that it got
 * in     by this running process itself, which is traced for it (as root, x86-64)
 */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/sandbox.h"

#define ARGS_MAX 6
#define LINE_MAX_BYTES 512

struct call {
	long number;
	unsigned count;
	long arg[ARGS_MAX];
	char *text[ARGS_MAX]; /* NULL: a number */
};

static void
parse(char *line, struct call *ret)
{
	char *save = NULL, *word = strtok_r(line, " \n", &save);

	*ret =
	    (struct call){ .number = word ? seccomp_syscall_resolve_name(word) : __NR_SCMP_ERROR };
	while ((word = strtok_r(NULL, " \n", &save)) && ret->count < ARGS_MAX) {
		if (word[0] == ':')
			ret->text[ret->count] = word + 1;
		ret->arg[ret->count] =
		    word[0] == ':' ? (long)(intptr_t)(word + 1) : strtol(word, NULL, 0);
		ret->count++;
	}
}

static void
tell_value(long value)
{
	if (value < 0 && value > -4096)
		(void)printf("error %ld\n", -value);
	else
		(void)printf("ok %ld\n", value);
	(void)fflush(stdout);
}

/* ---- in a process of its own ---- */

struct sandbox {
	enum ipc_process self; /* 0: none; IPC_PROCESSES: the witness, which is no process of it */
	const char *dir;
	bool sockets;
};

static unsigned
enter(const struct sandbox *s)
{
	const char *const files[] = { s->dir, NULL };

	/* As each process does before: without it only root may limit itself. */
	if (s->self && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		_exit(2);
	if (s->self == IPC_FETCHD)
		return sandbox_enter_fetch(files);
	if (s->self == IPC_LOGD && s->sockets)
		return sandbox_enter_store(s->dir, &files[1]);
	if (s->self == IPC_TOKEND)
		return sandbox_files(s->dir) | sandbox_calls_token(s->sockets);
	if (s->self == IPC_PROCESSES)
		return sandbox_enter_witness(s->dir);
	return s->self ? sandbox_enter(s->self, s->dir) : 0;
}

static void
child(const struct sandbox *s, const struct call *c, int end)
{
	long value;

	(void)enter(s);
	value =
	    syscall(c->number, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4], c->arg[5]);
	value = value == -1 ? -errno : value;
	/* Of a fork two processes come here, and both say so. */
	(void)!write(end, &value, sizeof(value));
	_exit(0);
}

static void
try(const struct sandbox *s, const struct call *c)
{
	int ends[2], status = 0;
	long value = 0; /* stays where a program took the place of the process */
	pid_t pid;

	if (pipe(ends) != 0 || (pid = fork()) < 0)
		exit(2);
	if (pid == 0)
		child(s, c, ends[1]);
	(void)close(ends[1]);
	(void)waitpid(pid, &status, 0);
	(void)!read(ends[0], &value, sizeof(value));
	(void)close(ends[0]);
	if (WIFSIGNALED(status))
		(void)printf("signal %d\n", WTERMSIG(status));
	else
		tell_value(value);
	(void)fflush(stdout);
}

static int
show_protections(const struct sandbox *s)
{
	pid_t pid = fork();

	if (pid == 0) {
		char text[16];
		int n = snprintf(text, sizeof(text), "%u\n", enter(s));

		_exit(write(STDOUT_FILENO, text, (size_t)n) == n ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

/* ---- by a running process ---- */

#if defined(__x86_64__)
static void
put_text(pid_t pid, uint64_t to, const char *text)
{
	size_t len = strlen(text) + 1;

	for (size_t at = 0; at < len; at += sizeof(long)) {
		long word = 0;

		memcpy(&word, text + at, len - at < sizeof(word) ? len - at : sizeof(word));
		if (ptrace(PTRACE_POKEDATA, pid, to + at, word) != 0)
			exit(2);
	}
}

static int
stop_at_call(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SYSCALL, pid, 0, 0) != 0 || waitpid(pid, &status, __WALL) != pid)
		exit(2);
	return status;
}

/* For messages, and nothing has come: the kernel's own numbers say that it was interrupted. */
static bool
waits(const struct user_regs_struct *r)
{
	long value = (long)r->rax;

	return (r->orig_rax == SYS_poll || r->orig_rax == SYS_epoll_wait ||
		   r->orig_rax == SYS_epoll_pwait || r->orig_rax == SYS_restart_syscall) &&
	    (value == -EINTR || (value <= -512 && value >= -516));
}

/* It waits in a system call: that one is interrupted, ours made by the same
 * instruction, and the first one made anew by who sees EINTR. */
static bool
make_by(pid_t pid, const struct call *c)
{
	struct user_regs_struct before, r;
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0 || waitpid(pid, &status, __WALL) != pid ||
	    ptrace(PTRACE_GETREGS, pid, 0, &before) != 0)
		exit(2);
	if (!waits(&before) ||
	    (ptrace(PTRACE_PEEKTEXT, pid, before.rip - 2, 0) & 0xffff) != 0x050f) {
		(void)ptrace(PTRACE_DETACH, pid, 0, 0);
		return false; /* it works; try again */
	}
	long arg[ARGS_MAX];
	uint64_t room = before.rsp - 8192;

	for (unsigned i = 0; i < ARGS_MAX; i++) {
		arg[i] = c->text[i] ? (long)room : c->arg[i];
		if (c->text[i])
			put_text(pid, room, c->text[i]);
		room += LINE_MAX_BYTES;
	}
	r = before;
	r.rip -= 2;
	r.rax = (uint64_t)c->number;
	r.orig_rax = (uint64_t)-1;
	r.rdi = (uint64_t)arg[0], r.rsi = (uint64_t)arg[1], r.rdx = (uint64_t)arg[2];
	r.r10 = (uint64_t)arg[3], r.r8 = (uint64_t)arg[4], r.r9 = (uint64_t)arg[5];
	if (ptrace(PTRACE_SETREGS, pid, 0, &r) != 0)
		exit(2);
	status = stop_at_call(pid);
	if (WIFSTOPPED(status))
		status = stop_at_call(pid);
	if (WIFSTOPPED(status)) {
		if (ptrace(PTRACE_GETREGS, pid, 0, &r) != 0)
			exit(2);
		before.rax = (uint64_t)-EINTR;
		before.orig_rax = (uint64_t)-1;
		if (ptrace(PTRACE_SETREGS, pid, 0, &before) != 0)
			exit(2);
		/* A filter's signal comes behind the call; who lives on makes another one. */
		status = stop_at_call(pid);
	}
	if (!WIFSTOPPED(status)) {
		(void)printf("signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		(void)fflush(stdout);
		return true;
	}
	(void)ptrace(PTRACE_DETACH, pid, 0, 0);
	tell_value((long)r.rax);
	return true;
}
#else
static bool
make_by(pid_t pid, const struct call *c)
{
	(void)pid;
	(void)c;
	exit(77);
}
#endif

int
main(int argc, char **argv)
{
	struct sandbox sandbox = { .self = 0 };
	char line[LINE_MAX_BYTES];
	struct call call;
	pid_t pid = 0;

	if (argc == 3 && strcmp(argv[1], "in") == 0)
		pid = (pid_t)strtol(argv[2], NULL, 10);
	else if (argc >= 4 && strcmp(argv[1], "enter") == 0)
		sandbox = (struct sandbox){ .self = strcmp(argv[2], "witness") == 0
			    ? IPC_PROCESSES
			    : (enum ipc_process)strtol(argv[2], NULL, 10),
			.dir = strcmp(argv[3], "-") == 0 ? NULL : argv[3],
			.sockets = argc == 5 };
	else if (argc != 2 || strcmp(argv[1], "free") != 0)
		return 2;
	if (sandbox.self && show_protections(&sandbox) != 0)
		return 2;
	while (fgets(line, sizeof(line), stdin)) {
		parse(line, &call);
		if (call.number < 0) {
			(void)printf("none\n");
			(void)fflush(stdout);
		} else if (!pid)
			try(&sandbox, &call);
		else
			while (!make_by(pid, &call))
				(void)usleep(1000);
	}
	return 0;
}
