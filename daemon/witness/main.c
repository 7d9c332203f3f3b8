/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ipc/child.h"
#include "parent/parent.h"
#include "sandbox/sandbox.h"
#include "witness/witness.h"

/* `doublekey log witness` has checked which of them go together. */
struct words {
	const char *dir, *listen, *name;
	struct witness_tls tls;
	char *vkey[DK_QUORUM_LOGS_MAX];
	unsigned vkey_count;
	bool init, quiet;
};

static bool
take(struct words *w, int code)
{
	switch (code) {
	case 'd':
		w->dir = optarg;
		return true;
	case 'l':
		w->listen = optarg;
		return true;
	case 'n':
		w->name = optarg;
		return true;
	case 'c':
		w->tls.certificate = optarg;
		return true;
	case 'k':
		w->tls.key = optarg;
		return true;
	case 'i':
		w->init = true;
		return true;
	case 'q':
		w->quiet = true;
		return true;
	case 'v':
		if (w->vkey_count == DK_QUORUM_LOGS_MAX)
			return false;
		w->vkey[w->vkey_count++] = optarg;
		return true;
	default:
		return false;
	}
}

static bool
parse(int argc, char **argv, struct words *w)
{
	static const struct option table[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "listen", required_argument, NULL, 'l' },
		{ "name", required_argument, NULL, 'n' },
		{ "tls-cert", required_argument, NULL, 'c' },
		{ "tls-key", required_argument, NULL, 'k' },
		{ "init", no_argument, NULL, 'i' },
		{ "log", required_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },
		{ NULL, 0, NULL, 0 },
	};
	int code;

	while ((code = getopt_long(argc, argv, "q", table, NULL)) != -1)
		if (!take(w, code))
			return false;
	return optind == argc && w->dir && (w->init ? w->name != NULL : w->listen != NULL) &&
	    !w->tls.certificate == !w->tls.key;
}

/* One witness for one folder, for as long as the process lives. */
static bool
enter(const char *dir)
{
	int fd;

	if (chdir(dir) != 0) {
		say(SAY_ERROR, "%s: %s", dir, strerror(errno));
		return false;
	}
	fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		say(SAY_ERROR, "%s%s/lock: %s",
		    errno == EROFS        ? "read-only: "
			: errno == ENOSPC ? "disk-full: "
					  : "",
		    dir, strerror(errno));
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	say(SAY_ERROR, "in-use: another witness runs on %s", dir);
	return false;
}

static void
harden(void)
{
	const struct rlimit none = { 0, 0 };

	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
}

/* Behind everything that is opened once. */
static void
confine(void)
{
	unsigned on = sandbox_enter_witness(".");

	if (!(on & IPC_LANDLOCK))
		say(SAY_WARNING, "this kernel does not limit which files are opened");
	if (!(on & IPC_SECCOMP))
		say(SAY_WARNING, "this kernel does not filter system calls");
}

int
main(int argc, char **argv)
{
	static struct witness witness;
	struct words words = { .init = false };
	int listener, status;

	say_as("doublekey-witness");
	if (!parse(argc, argv, &words)) {
		(void)fputs("'doublekey log witness --help' tells how this is used\n", stderr);
		return 2;
	}
	harden();
	if (words.init)
		return witness_init(words.dir, words.name, words.vkey, words.vkey_count);
	if (!listen_address_valid(words.listen)) {
		say(SAY_ERROR, "argument: --listen takes HOST:PORT, with a port from 1 to 65535");
		return 2;
	}
	listener = listen_on(words.listen);
	if (listener < 0) {
		say(SAY_ERROR, "listen: cannot listen on %s: %s", words.listen,
		    errno != 0 ? strerror(errno) : "no such address here");
		return 1;
	}
	/* The files of TLS are named from where the command was given. */
	if (words.tls.certificate && !witness_tls_read(&words.tls))
		return 1;
	if (!enter(words.dir) || !witness_key_read(&witness) || !witness_logs_read(&witness) ||
	    !witness_state_read(&witness))
		return 1;
	witness_listen(&witness, listener);
	confine();
	if (!words.quiet)
		say(SAY_INFO, "ready: %u logs", witness.log_count);
	status = witness_serve();
	dk_ed25519_free(witness.signer);
	dk_wipe(&witness, sizeof(witness));
	return status;
}
