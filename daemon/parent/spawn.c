/* SPDX-License-Identifier: Apache-2.0 */
/* fork and exec: each child gets its descriptors at fixed numbers and no other
 * (spec/ipc.md section 1). */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/child.h"
#include "parent/parent.h"

#define FD_FIRST 3
#define FDS_MAX 14
#define FD_ABOVE 64 /* while they are put in place */

/* One socket pair for each edge between two processes. */
struct wiring {
	int end[IPC_PROCESSES][IPC_PROCESSES]; /* end[a][b]: a's end towards b */
};

static bool
wire(struct wiring *w, enum ipc_process a, enum ipc_process b)
{
	static const int size = 1 << 20;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	for (unsigned i = 0; i < 2; i++)
		(void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	w->end[a][b] = ends[0];
	w->end[b][a] = ends[1];
	return true;
}

static void
put_in_place(const int *fds, unsigned n)
{
	int moved[FDS_MAX];

	for (unsigned i = 0; i < n; i++) {
		moved[i] = fcntl(fds[i], F_DUPFD, FD_ABOVE);
		if (moved[i] < 0)
			_exit(126);
	}
	for (unsigned i = 0; i < n; i++)
		if (dup2(moved[i], FD_FIRST + (int)i) < 0)
			_exit(126);
	if (close_range(FD_FIRST + n, ~0u, 0) != 0)
		_exit(126);
}

static pid_t
start_with(const struct spawn_user *user, const char *name, const int *fds, unsigned n,
    const char *dir, char *const *args, char *const *environment)
{
	char program[PATH_BYTES];
	char *argv[] = { program, args[0], args[0] ? args[1] : NULL, args[0] ? args[2] : NULL,
		NULL };
	sigset_t none;
	pid_t pid;

	if (!path_program(program, name))
		return -1;
	pid = fork();
	if (pid != 0)
		return pid;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	put_in_place(fds, n);
	if (chdir(dir) != 0 || !spawn_become(user))
		_exit(126);
	(void)execve(program, argv, environment);
	_exit(127);
}

static pid_t
start(const struct spawn_user *user, const char *name, const int *fds, unsigned n, const char *dir)
{
	static char *const nothing[] = { NULL };
	/* To bind a symbol at its first call puts the vector registers on the stack, and in them
	 * what was copied last: a piece of a token or a share that nobody wipes. */
	static char bind_now[] = "LD_BIND_NOW=1";
	static char *const environment[] = { bind_now, NULL };

	return start_with(user, name, fds, n, dir, nothing, environment);
}

static pid_t
start_tokend(const struct wiring *w, const struct spawn_files *f)
{
	static char *const nothing[] = { NULL };
	const int fds[] = { w->end[IPC_TOKEND][IPC_PARENT], w->end[IPC_TOKEND][IPC_KEYD], f->pin };
	char *args[] = { (char *)(uintptr_t)f->hsm_uri,
		(char *)(uintptr_t)(f->hsm_directory ? f->hsm_directory : ""),
		(char *)(uintptr_t)(f->hsm_sockets ? "sockets" : ""), NULL };

	return start_with(&f->user[IPC_TOKEND], "tokend", fds, 3, "/", args,
	    f->hsm_environment ? f->hsm_environment : nothing);
}

static void
close_child_ends(const struct wiring *w)
{
	for (unsigned a = IPC_HTTPD; a < IPC_PROCESSES; a++)
		for (unsigned b = 0; b < IPC_PROCESSES; b++)
			if (w->end[a][b] > 0)
				(void)close(w->end[a][b]);
}

bool
spawn_fetchd(struct spawned *set, const struct spawn_user *user, ipc_handler handler, void *ctx)
{
	struct wiring w = { .end = { { 0 } } };
	const bool ok = wire(&w, IPC_PARENT, IPC_FETCHD);

	set->pid[IPC_FETCHD] =
	    ok ? start(user, "fetchd", &w.end[IPC_FETCHD][IPC_PARENT], 1, "/") : -1;
	close_child_ends(&w);
	if (ok)
		ipc_channel_init(&set->channel[IPC_FETCHD], w.end[IPC_PARENT][IPC_FETCHD],
		    IPC_PARENT, IPC_FETCHD, handler, ctx);
	return set->pid[IPC_FETCHD] > 0;
}

bool
spawn_all(struct spawned *set, const struct spawn_files *f, const char *log_dir,
    ipc_handler handler, void *ctx)
{
	struct wiring w = { .end = { { 0 } } };
	bool ok;

	ok = wire(&w, IPC_PARENT, IPC_HTTPD) && wire(&w, IPC_PARENT, IPC_AUTHD) &&
	    wire(&w, IPC_PARENT, IPC_KEYD) && wire(&w, IPC_PARENT, IPC_LOGD) &&
	    wire(&w, IPC_HTTPD, IPC_AUTHD) && wire(&w, IPC_HTTPD, IPC_KEYD) &&
	    wire(&w, IPC_HTTPD, IPC_LOGD) && wire(&w, IPC_AUTHD, IPC_KEYD) &&
	    wire(&w, IPC_KEYD, IPC_LOGD) &&
	    (!f->hsm_uri || (wire(&w, IPC_PARENT, IPC_TOKEND) && wire(&w, IPC_KEYD, IPC_TOKEND)));
	const int httpd[] = { w.end[IPC_HTTPD][IPC_PARENT], w.end[IPC_HTTPD][IPC_AUTHD],
		w.end[IPC_HTTPD][IPC_KEYD], w.end[IPC_HTTPD][IPC_LOGD], f->listen, f->chain,
		f->tls_key, f->client_ca, f->metrics, f->dke_listen, f->dke_chain, f->dke_key,
		f->dke_client_ca, f->dke_conf };
	const int authd[] = { w.end[IPC_AUTHD][IPC_PARENT], w.end[IPC_AUTHD][IPC_HTTPD],
		w.end[IPC_AUTHD][IPC_KEYD], f->policy, f->key_sets, f->dke_conf };
	const int keyd[] = { w.end[IPC_KEYD][IPC_PARENT], w.end[IPC_KEYD][IPC_AUTHD],
		w.end[IPC_KEYD][IPC_HTTPD], w.end[IPC_KEYD][IPC_LOGD], f->slot[0], f->slot[1],
		f->passphrase, f->witnesses, f->dke_conf, w.end[IPC_KEYD][IPC_TOKEND] };
	const int logd[] = { w.end[IPC_LOGD][IPC_PARENT], w.end[IPC_LOGD][IPC_KEYD],
		w.end[IPC_LOGD][IPC_HTTPD], f->witnesses, f->store };

	if (ok) {
		set->pid[IPC_LOGD] = start(&f->user[IPC_LOGD],
		    f->store >= 0 ? "logd-postgres" : "logd", logd, f->store >= 0 ? 5 : 4, log_dir);
		set->pid[IPC_KEYD] =
		    start(&f->user[IPC_KEYD], "keyd", keyd, f->hsm_uri ? 10 : 9, "/");
		if (f->hsm_uri)
			set->pid[IPC_TOKEND] = start_tokend(&w, f);
		set->pid[IPC_AUTHD] = start(&f->user[IPC_AUTHD], "authd", authd, 6, "/");
		set->pid[IPC_HTTPD] = start(&f->user[IPC_HTTPD], "httpd", httpd, 14, "/");
	}
	close_child_ends(&w);
	for (unsigned p = IPC_HTTPD; p < IPC_PROCESSES; p++) {
		if (p == IPC_FETCHD || (p == IPC_TOKEND && !f->hsm_uri))
			continue;
		ipc_channel_init(
		    &set->channel[p], w.end[IPC_PARENT][p], IPC_PARENT, p, handler, ctx);
		ok = ok && set->pid[p] > 0;
	}
	return ok && spawn_fetchd(set, &f->user[IPC_FETCHD], handler, ctx);
}
