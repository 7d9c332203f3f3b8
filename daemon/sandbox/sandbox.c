/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* It serves as httpd does, and keeps files as logd does. */
#define WITNESS IPC_PROCESSES

/* What libc, libcrypto and the loop over the channels need. Not sendmsg and recvmsg: they
 * can hand over descriptors. */
static const char *const base_calls[] = { "read", "write", "readv", "writev", "recvfrom", "sendto",
	"poll", "ppoll", "close", "munmap", "mremap", "madvise", "brk", "futex", "getrandom",
	"clock_gettime", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "rt_sigreturn",
	"rt_sigprocmask", "rt_sigaction", "exit", "exit_group", "getpid", "gettid",
	"restart_syscall", "sched_yield", "fcntl", "fstat", "newfstatat", "lseek", "mlock",
	"munlock", "getuid", "geteuid", "getgid", "getegid", "sysinfo", "sched_getaffinity", "rseq",
	"set_robust_list",
#ifdef __SANITIZE_ADDRESS__ /* each of its threads begins and ends with it */
	"sigaltstack",
#endif
	NULL };
static const char *const keyd_calls[] = { "pread64", "pwrite64", "fdatasync", "fsync", "ftruncate",
	NULL };
static const char *const authd_calls[] = { NULL };
static const char *const httpd_calls[] = { "accept4", "accept", "epoll_wait", "epoll_pwait",
	"epoll_ctl", "epoll_create1", "getsockopt", "setsockopt", "getsockname", "getpeername",
	"shutdown", "ioctl", "eventfd2", NULL };
static const char *const logd_calls[] = { "openat", "open", "stat", "lstat", "statx", "access",
	"faccessat", "faccessat2", "pread64", "pwrite64", "fdatasync", "fsync", "ftruncate",
	"fallocate", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat",
	"fchmod", "fchown", "getcwd", "readlink", "getdents64", "utimensat", NULL };
/* What modules ask for besides files: locks, their own threads' identity. */
static const char *const tokend_calls[] = { "flock", "uname", "umask", "dup", "dup2", "ioctl",
	"pipe2", "getppid", NULL };
static const char *const socket_calls[] = { "sendmsg", "recvmsg", "getsockopt", "setsockopt",
	"getsockname", "getpeername", "shutdown", "select", "pselect6", NULL };

/* libcurl, and the resolver of libc. */
static const char *const fetchd_calls[] = { "connect", "getsockopt", "setsockopt", "getsockname",
	"getpeername", "shutdown", "sendmmsg", "eventfd2", "pipe2", "uname", "stat", "lstat",
	"statx", NULL };

const char *const sandbox_resolver_files[SANDBOX_RESOLVER_FILES + 1] = { "/etc/resolv.conf",
	"/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
	NULL };

/* Nobody has a reason to try these: that is an attack, and ends the process. */
static const char *const deadly_calls[] = { "execve", "execveat", "ptrace", "process_vm_readv",
	"process_vm_writev", "bpf", "kexec_load", "init_module", "finit_module", "mount",
	"pivot_root", "unshare", "setns", "userfaultfd", "perf_event_open", "io_uring_setup",
	"bind", NULL };
static const char *const connect_calls[] = { "connect", "socket", NULL };

static int
add(scmp_filter_ctx ctx, uint32_t action, const char *const *names)
{
	for (; *names; names++) {
		int nr = seccomp_syscall_resolve_name(*names);

		if (nr == __NR_SCMP_ERROR)
			continue;
		if (seccomp_rule_add(ctx, action, nr, 0) != 0)
			return -1;
	}
	return 0;
}

static const char *const *
own_calls(enum ipc_process self)
{
	switch (self) {
	case IPC_HTTPD:
	case WITNESS:
		return httpd_calls;
	case IPC_KEYD:
		return keyd_calls;
	case IPC_LOGD:
	case IPC_TOKEND:
		return logd_calls;
	case IPC_FETCHD:
		return fetchd_calls;
	default:
		return authd_calls;
	}
}

#define SOCKET_TYPES 0xf /* without SOCK_CLOEXEC and SOCK_NONBLOCK */
#define ALLOW(call, ...) (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(call), __VA_ARGS__) == 0)

/*
 * Outgoing connections, files to read, and threads: of these calls nothing more than is
 * needed. Other kinds of sockets (nscd, netlink) are refused, which the resolver takes
 * well; so is clone3, whose arguments a filter cannot see: libc then uses clone.
 */
static int
add_network(scmp_filter_ctx ctx)
{
	static const int thread = CLONE_VM | CLONE_FILES | CLONE_THREAD;
	static const int writing = O_ACCMODE | O_CREAT | O_TRUNC;
	bool ok = true;

	for (unsigned i = 0; i < 4; i++)
		ok = ok &&
		    ALLOW(socket, 2, SCMP_A0(SCMP_CMP_EQ, i < 2 ? AF_INET : AF_INET6, 0),
			SCMP_A1(
			    SCMP_CMP_MASKED_EQ, SOCKET_TYPES, i % 2 ? SOCK_STREAM : SOCK_DGRAM));
	ok = ok && ALLOW(socketpair, 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0)) &&
	    ALLOW(ioctl, 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0)) &&
	    ALLOW(ioctl, 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0)) &&
	    ALLOW(openat, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY)) &&
	    ALLOW(clone, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread)) &&
	    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
	return ok ? 0 : -1;
}

/* To a database, over the network or on this machine, and to a name server. */
static int
add_database(scmp_filter_ctx ctx)
{
	static const char *const calls[] = { "connect", "getsockopt", "setsockopt", "getsockname",
		"getpeername", "sendmmsg", "uname", NULL };
	bool ok = ALLOW(socket, 2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0),
	    SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPES, SOCK_STREAM));

	for (unsigned i = 0; i < 4; i++)
		ok = ok &&
		    ALLOW(socket, 2, SCMP_A0(SCMP_CMP_EQ, i < 2 ? AF_INET : AF_INET6, 0),
			SCMP_A1(
			    SCMP_CMP_MASKED_EQ, SOCKET_TYPES, i % 2 ? SOCK_STREAM : SOCK_DGRAM));
	ok = ok && ALLOW(ioctl, 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0));
	return ok ? add(ctx, SCMP_ACT_ALLOW, calls) : -1;
}

/* Memory, but no new code in it; a module may bring its own. */
static int
add_memory(scmp_filter_ctx ctx, enum ipc_process self)
{
	static const char *const calls[] = { "mmap", "mprotect", NULL };
	const struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

	if (self == IPC_TOKEND)
		return add(ctx, SCMP_ACT_ALLOW, calls);
	for (unsigned i = 0; calls[i]; i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(calls[i]), 1,
			no_code) != 0)
			return -1;
	return 0;
}

/* A module may write to syslog, and libc ask for the name of an interface when it puts an
 * address into words: both are refused, and no attack. */
static int
add_sockets(scmp_filter_ctx ctx, enum ipc_process self, bool sockets)
{
	if (self == IPC_FETCHD)
		return add_network(ctx);
	if (self == IPC_LOGD && sockets)
		return add_database(ctx);
	if (self != IPC_TOKEND && self != WITNESS)
		return add(ctx, SCMP_ACT_KILL_PROCESS, connect_calls);
	if (!sockets)
		return 0;
	return add(ctx, SCMP_ACT_ALLOW, connect_calls) == 0 ? add(ctx, SCMP_ACT_ALLOW, socket_calls)
							    : -1;
}

static unsigned
enter_seccomp(enum ipc_process self, bool sockets)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int ok;

	if (!ctx)
		return 0;
	ok = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
	    add(ctx, SCMP_ACT_ALLOW, base_calls) == 0 &&
	    add(ctx, SCMP_ACT_ALLOW, own_calls(self)) == 0 && add_memory(ctx, self) == 0 &&
	    (self != IPC_TOKEND || add(ctx, SCMP_ACT_ALLOW, tokend_calls) == 0) &&
	    (self != WITNESS || add(ctx, SCMP_ACT_ALLOW, logd_calls) == 0) &&
	    add_sockets(ctx, self, sockets) == 0 &&
	    add(ctx, SCMP_ACT_KILL_PROCESS, deadly_calls) == 0 && seccomp_load(ctx) == 0;
	seccomp_release(ctx);
	return ok ? IPC_SECCOMP : 0;
}

/* All rights of the first ABI: a later one adds some that are then not limited,
 * but the system call filter above already stops what they are about. */
#define FS_RIGHTS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static int
allow(int ruleset, const char *path, int flags, uint64_t rights)
{
	struct landlock_path_beneath_attr beneath = { .allowed_access = rights };
	long ret;

	beneath.parent_fd = open(path, O_PATH | O_CLOEXEC | flags);
	if (beneath.parent_fd < 0)
		return -1;
	ret = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	(void)close(beneath.parent_fd);
	return ret == 0 ? 0 : -1;
}

static int
new_ruleset(void)
{
	const struct landlock_ruleset_attr attr = { .handled_access_fs = FS_RIGHTS };

	return (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
}

static unsigned
restrict_self(int ruleset, bool ok)
{
	ok = ok && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	(void)close(ruleset);
	return ok ? IPC_LANDLOCK : 0;
}

static unsigned
enter_landlock(const char *dir)
{
	int ruleset = new_ruleset();

	if (ruleset < 0)
		return 0;
	return restrict_self(ruleset,
	    !dir ||
		allow(ruleset, dir, O_DIRECTORY,
		    FS_RIGHTS & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE) == 0);
}

static bool
allow_to_read(int ruleset, const char *const *files)
{
	bool ok = true;

	for (; *files; files++)
		ok = ok &&
		    (access(*files, R_OK) != 0 ||
			allow(ruleset, *files, 0, LANDLOCK_ACCESS_FS_READ_FILE) == 0);
	return ok;
}

static unsigned
enter_landlock_to_read(const char *const *files)
{
	int ruleset = new_ruleset();

	return ruleset < 0 ? 0 : restrict_self(ruleset, allow_to_read(ruleset, files));
}

unsigned
sandbox_enter(enum ipc_process self, const char *dir)
{
	unsigned on = sandbox_files(dir);

	return on | sandbox_calls(self);
}

unsigned
sandbox_files(const char *dir)
{
	return enter_landlock(dir);
}

unsigned
sandbox_calls(enum ipc_process self)
{
	return enter_seccomp(self, false);
}

unsigned
sandbox_enter_store(const char *dir, const char *const *files)
{
	int ruleset = new_ruleset();
	unsigned on = 0;

	if (ruleset >= 0)
		on = restrict_self(ruleset,
		    allow(ruleset, dir, O_DIRECTORY,
			FS_RIGHTS & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE) == 0 &&
			allow_to_read(ruleset, sandbox_resolver_files) &&
			allow_to_read(ruleset, files));
	return on | enter_seccomp(IPC_LOGD, true);
}

unsigned
sandbox_calls_token(bool sockets)
{
	return enter_seccomp(IPC_TOKEND, sockets);
}

unsigned
sandbox_enter_witness(const char *dir)
{
	unsigned on = enter_landlock(dir);

	return on | enter_seccomp(WITNESS, false);
}

unsigned
sandbox_enter_fetch(const char *const *files)
{
	unsigned on = enter_landlock_to_read(files);

	return on | enter_seccomp(IPC_FETCHD, false);
}
