/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: cut CONTROL PROGRAM [ARGUMENT...]
 *
 * Runs PROGRAM and all that it starts, counts the steps of each process, and ends
 * one of them (or all at the same time) right behind a step. A step is a system
 * call that others notice and that succeeded: a message sent or received, a
 * connection accepted, bytes written, a file synced, made, renamed or removed, a
 * program begun.
 *
 * SIGUSR1 ends all of them. CONTROL is a file of struct control, which both sides map.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME_BYTES 16
#define PROCESSES_MAX 16
#define TASKS_MAX 256

struct control {
	uint32_t armed; /* the steps are counted from then on; set last, by the test */
	uint32_t all;   /* end all processes at once, and not only that one */
	uint32_t step;  /* behind which it ends, from 1 on; 0: only count */
	uint32_t fired;
	char process[NAME_BYTES];
	char what[NAME_BYTES]; /* the system call that was the step */
	struct {
		char name[NAME_BYTES];
		uint32_t steps;
		uint32_t zero;
	} count[PROCESSES_MAX];
};

struct task {
	pid_t tid, process; /* tid 0: free */
	bool begun;         /* its first stop is behind it */
	long call;          /* the number of the step it is in, or -1 */
	char name[NAME_BYTES];
};

static const struct {
	long number;
	const char *name;
} steps[] = {
	{ SYS_sendto, "sendto" },
	{ SYS_sendmsg, "sendmsg" },
	{ SYS_recvfrom, "recvfrom" },
	{ SYS_recvmsg, "recvmsg" },
	{ SYS_accept4, "accept4" },
	{ SYS_write, "write" },
	{ SYS_writev, "writev" },
	{ SYS_pwrite64, "pwrite64" },
	{ SYS_fsync, "fsync" },
	{ SYS_fdatasync, "fdatasync" },
	{ SYS_ftruncate, "ftruncate" },
	{ SYS_openat, "openat" }, /* if it may make a file */
	{ SYS_mkdirat, "mkdirat" },
	{ SYS_unlinkat, "unlinkat" },
	{ SYS_renameat, "renameat" },
	{ SYS_renameat2, "renameat2" },
	{ SYS_execve, "execve" },
#ifdef SYS_rename
	{ SYS_mkdir, "mkdir" },
	{ SYS_unlink, "unlink" },
	{ SYS_rename, "rename" },
#endif
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static struct control *control;
static struct task tasks[TASKS_MAX];
static volatile pid_t program;

static void
pass_on(int signal_number)
{
	if (program > 0)
		(void)kill(program, signal_number);
}

/* All of them, at once. */
static void
end_all(int signal_number)
{
	(void)signal_number;
	for (unsigned i = 0; i < TASKS_MAX; i++)
		if (tasks[i].tid != 0)
			(void)kill(tasks[i].process, SIGKILL);
}

/* ---- tasks ---- */

/* "doublekeyd", or what follows it in the name of a child's program. */
static void
read_name(struct task *task)
{
	static const char prefix[] = "doublekeyd-";
	char path[64], target[4096] = "";
	const char *name;
	size_t len;

	if (snprintf(path, sizeof(path), "/proc/%d/exe", (int)task->process) < 0 ||
	    readlink(path, target, sizeof(target) - 1) < 0)
		return;
	name = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
	if (strncmp(name, prefix, strlen(prefix)) == 0)
		name += strlen(prefix);
	len = strlen(name) < NAME_BYTES ? strlen(name) : NAME_BYTES - 1;
	memset(task->name, 0, sizeof(task->name));
	memcpy(task->name, name, len);
}

static pid_t
process_of(pid_t tid)
{
	char path[64], text[2048];
	const char *line = NULL;
	ssize_t n = -1;
	int fd;

	if (snprintf(path, sizeof(path), "/proc/%d/status", (int)tid) < 0)
		return tid;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		(void)close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, "\nTgid:\t");
	return line ? (pid_t)strtol(line + 7, NULL, 10) : tid;
}

static struct task *
task_of(pid_t tid)
{
	struct task *unused = NULL;

	for (unsigned i = 0; i < TASKS_MAX; i++) {
		if (tasks[i].tid == tid)
			return &tasks[i];
		if (!unused && tasks[i].tid == 0)
			unused = &tasks[i];
	}
	if (!unused) {
		(void)fputs("cut: too many tasks\n", stderr);
		_exit(1);
	}
	*unused = (struct task){ .tid = tid, .process = process_of(tid), .call = -1 };
	read_name(unused);
	return unused;
}

static bool
any_task(void)
{
	for (unsigned i = 0; i < TASKS_MAX; i++)
		if (tasks[i].tid != 0)
			return true;
	return false;
}

/* ---- steps ---- */

static void
fire(const struct task *task)
{
	memcpy(control->what, steps[task->call].name, strlen(steps[task->call].name) + 1);
	control->armed = 0;
	if (control->all)
		end_all(0);
	else
		(void)kill(task->process, SIGKILL);
	control->fired = 1;
}

static void
count(const struct task *task)
{
	unsigned i = 0;

	if (!control->armed)
		return;
	while (i < PROCESSES_MAX - 1 && control->count[i].name[0] &&
	    strcmp(control->count[i].name, task->name) != 0)
		i++;
	memcpy(control->count[i].name, task->name, NAME_BYTES);
	control->count[i].steps++;
	if (control->count[i].steps == control->step &&
	    strncmp(control->process, task->name, NAME_BYTES) == 0)
		fire(task);
}

static void
on_system_call(struct task *task)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		task->call = -1;
		for (unsigned i = 0; i < STEPS; i++)
			if ((uint64_t)steps[i].number == info.entry.nr &&
			    (steps[i].number != SYS_openat || info.entry.args[2] & O_CREAT))
				task->call = i;
		return;
	}
	/* An end of file is nothing received. */
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && task->call >= 0 && info.exit.rval >= 0 &&
	    (info.exit.rval > 0 ||
		(steps[task->call].number != SYS_recvfrom &&
		    steps[task->call].number != SYS_recvmsg)))
		count(task);
	task->call = -1;
}

/* ---- stops ---- */

static void
on_stop(struct task *task, int status)
{
	int stop = WSTOPSIG(status), deliver = 0;

	if (stop == (SIGTRAP | 0x80)) {
		on_system_call(task);
	} else if (status >> 16 == PTRACE_EVENT_EXEC) {
		read_name(task);
	} else if (status >> 16 == 0 && !(stop == SIGSTOP && !task->begun)) {
		deliver = stop;
	}
	task->begun = true;
	(void)ptrace(PTRACE_SYSCALL, task->tid, NULL, (void *)(intptr_t)deliver);
}

static int
trace(void)
{
	int status, ret = 1;
	pid_t tid;

	while (any_task()) {
		tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			break;
		if (WIFSTOPPED(status)) {
			on_stop(task_of(tid), status);
			continue;
		}
		if (tid == program)
			ret = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		task_of(tid)->tid = 0;
	}
	return ret;
}

static bool
begin(char **argv)
{
	static const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
	    PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int status;

	program = fork();
	if (program == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(126);
		(void)execv(argv[0], argv);
		_exit(127);
	}
	if (program < 0 || waitpid(program, &status, 0) != program || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, program, NULL, (void *)(intptr_t)options) != 0)
		return false;
	task_of(program)->begun = true;
	return ptrace(PTRACE_SYSCALL, program, NULL, NULL) == 0;
}

int
main(int argc, char **argv)
{
	int fd = argc > 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0) {
		(void)fputs("usage: cut CONTROL PROGRAM [ARGUMENT...]\n", stderr);
		return 2;
	}
	control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (control == MAP_FAILED)
		return 1;
	(void)signal(SIGTERM, pass_on);
	(void)signal(SIGINT, pass_on);
	(void)signal(SIGUSR1, end_all);
	if (!begin(argv + 2)) {
		(void)fputs("cut: the program cannot be traced\n", stderr);
		return 1;
	}
	return trace();
}
