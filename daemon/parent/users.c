/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which user each process runs as. Started by root, each has its own, so that one
 * that is taken over finds nothing of the others: those of the package where they are
 * there, else numbers that nobody has.
 */
#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parent/run.h"

/* Between those of Debian's packages and those that systemd hands out. */
#define NUMBER_FIRST 60900
#define NUMBER_LAST 61100

static bool
named(enum ipc_process process, struct spawn_user *ret)
{
	char name[32];
	const struct passwd *entry;

	if (snprintf(name, sizeof(name), "doublekey-%s", ipc_process_name(process)) < 0)
		return false;
	entry = getpwnam(name);
	if (!entry || entry->pw_uid == 0 || entry->pw_gid == 0)
		return false;
	*ret = (struct spawn_user){ .own = true, .uid = entry->pw_uid, .gid = entry->pw_gid };
	return true;
}

static bool
unused(struct spawn_user *ret, uid_t *next)
{
	for (; *next <= NUMBER_LAST; (*next)++)
		if (!getpwuid(*next) && !getgrgid(*next)) {
			*ret = (struct spawn_user){ .own = true, .uid = *next, .gid = *next };
			(*next)++;
			return true;
		}
	return false;
}

/* path is cut. */
static bool
folders_open(char *path)
{
	struct stat st;

	for (char *slash = strrchr(path, '/'); slash && slash != path; slash = strrchr(path, '/')) {
		*slash = '\0';
		if (stat(path, &st) != 0 || !(st.st_mode & S_IXOTH))
			return false;
	}
	return true;
}

/* Every folder above it can be passed by anybody, and above what it may be a link to. */
static bool
reachable(const char *path)
{
	char whole[PATH_BYTES], as_is[PATH_BYTES];
	int n = snprintf(as_is, sizeof(as_is), "%s", path);

	return n > 0 && (size_t)n < sizeof(as_is) && folders_open(as_is) && realpath(path, whole) &&
	    folders_open(whole);
}

static uid_t log_uid;
static gid_t log_gid;

static int
give(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)where;
	if (type == FTW_DNR || type == FTW_NS)
		return -1;
	return st->st_uid == log_uid && st->st_gid == log_gid ? 0 : lchown(path, log_uid, log_gid);
}

/* The log is the only folder that a process opens by itself. Its files are root's after
 * init and restore only: what another user of ours made in it is not followed. */
static bool
give_log(const struct run *run, const struct spawn_user *user)
{
	const struct settings *s = run->settings;
	struct stat st;

	if (!reachable(s->dir) || stat(s->dir, &st) != 0 ||
	    (!(st.st_mode & S_IXOTH) && chmod(s->dir, (st.st_mode & 07777) | S_IXOTH) != 0) ||
	    lstat(run->log_dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return false;
	log_uid = user->uid;
	log_gid = user->gid;
	return st.st_uid == log_uid || nftw(run->log_dir, give, 16, FTW_PHYS | FTW_MOUNT) == 0;
}

void
run_choose_users(struct run *run)
{
	static const enum ipc_process order[] = { IPC_HTTPD, IPC_AUTHD, IPC_KEYD, IPC_LOGD,
		IPC_FETCHD };
	struct spawn_user *user = run->user;
	uid_t next = NUMBER_FIRST;
	char program[PATH_BYTES];

	if (geteuid() != 0) {
		run->separation = "reduced: all processes run as one user";
		return;
	}
	if (!path_program(program, "httpd") || !reachable(program)) {
		run->separation = "reduced: other users than root cannot reach the programs";
		return;
	}
	run->separation = "each process has its own user";
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (!named(order[i], &user[order[i]]) && !unused(&user[order[i]], &next))
			run->separation = "reduced: there are not enough unused user ids";
	/* What a module of an HSM needs belongs to somebody, who cannot be guessed. */
	if (run->hsm_uri && !named(IPC_TOKEND, &user[IPC_TOKEND]))
		run->separation = "reduced: tokend runs as root, there is no user doublekey-tokend";
	if (user[IPC_LOGD].own && !give_log(run, &user[IPC_LOGD])) {
		user[IPC_LOGD].own = false;
		run->separation = "reduced: logd runs as root, others cannot reach its directory";
	}
}

bool
spawn_become(const struct spawn_user *user)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	if (!user->own)
		return true;
	/* keyd locks its memory, which root may do without limit. */
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
	return setgroups(0, NULL) == 0 && setresgid(user->gid, user->gid, user->gid) == 0 &&
	    setresuid(user->uid, user->uid, user->uid) == 0 && setuid(0) != 0;
}
