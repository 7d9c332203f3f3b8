/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command/command.h"
#include "cli/files/fileio.h"
#include "cli/console/message.h"

#define PIECE_BYTES 262144

bool
evidence_path(char path[EVIDENCE_PATH_BYTES], const char *folder, const char *name)
{
	int n = snprintf(path, EVIDENCE_PATH_BYTES, "%s/%s", folder, name);

	if (n > 0 && n < EVIDENCE_PATH_BYTES)
		return true;
	message_fail(folder, "the name is too long");
	return false;
}

static int
fail(const char *name)
{
	message_err(name, DK_ERR_WRITE, NULL);
	return -1;
}

int
evidence_create(const char *folder, const char *name)
{
	char path[EVIDENCE_PATH_BYTES];
	int fd;

	if (!evidence_path(path, folder, name))
		return -1;
	for (char *at = path + strlen(folder) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return fail(path);
		*at = '/';
	}
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd >= 0 ? fd : fail(path);
}

int
evidence_hidden(const char *folder, char ret_path[EVIDENCE_FD_PATH_BYTES])
{
	char path[EVIDENCE_PATH_BYTES];
	int fd = evidence_create(folder, "hidden");

	if (fd < 0 || !evidence_path(path, folder, "hidden") || unlink(path) != 0) {
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	(void)snprintf(ret_path, EVIDENCE_FD_PATH_BYTES, "/proc/self/fd/%d", fd);
	return fd;
}

static bool
copy_all(const char *from, int in, int out)
{
	static uint8_t piece[PIECE_BYTES];
	ssize_t n;

	for (;;) {
		n = read(in, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (file_write_all(out, piece, (size_t)n) != 0) {
			message_err(from, DK_ERR_WRITE, NULL);
			return false;
		}
	}
	if (n < 0)
		message_err(from, DK_ERR_READ, NULL);
	return n == 0;
}

bool
evidence_copy(const char *from, const char *folder, const char *name)
{
	int in = open(from, O_RDONLY | O_NOCTTY | O_CLOEXEC), out;
	bool ok;

	if (in < 0) {
		message_err(from, DK_ERR_READ, NULL);
		return false;
	}
	out = evidence_create(folder, name);
	ok = out >= 0 && copy_all(from, in, out);
	if (out >= 0)
		(void)close(out);
	(void)close(in);
	return ok;
}

static bool
digest(const char *path, uint8_t ret[DK_SHA256_BYTES])
{
	int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	dk_err err = fd < 0 ? DK_ERR_READ : dk_sha256_file(fd, ret);

	if (err != DK_OK)
		message_err(path, err, NULL);
	if (fd >= 0)
		(void)close(fd);
	return err == DK_OK;
}

bool
evidence_same(const char *one, const char *other, bool *ret_same)
{
	uint8_t a[DK_SHA256_BYTES], b[DK_SHA256_BYTES];

	if (!digest(one, a) || !digest(other, b))
		return false;
	*ret_same = memcmp(a, b, sizeof(a)) == 0;
	return true;
}

/* ---- the folder ---- */

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

/* Waits for the child, and hands on to it what would end this process. */
static int
wait_for(pid_t child, const sigset_t *set)
{
	int status, number;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (sigwait(set, &number) == 0 && number != SIGCHLD)
			(void)kill(child, number);
	}
	return status;
}

int
evidence_in_folder(int (*fn)(void *ctx, const char *folder), void *ctx)
{
	static const int numbers[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	const char *base = getenv("TMPDIR");
	char folder[EVIDENCE_PATH_BYTES];
	sigset_t set, old;
	int status;
	pid_t child;

	if (!evidence_path(folder, base && *base ? base : "/tmp", "doublekey-evidence-XXXXXX"))
		return STATUS_FAILED;
	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)sigaddset(&set, numbers[i]);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	if (!mkdtemp(folder)) {
		(void)fail(folder);
		return STATUS_FAILED;
	}
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		(void)sigprocmask(SIG_SETMASK, &old, NULL);
		status = fn(ctx, folder);
		(void)fflush(NULL);
		_exit(status);
	}
	status = child < 0 ? 0 : wait_for(child, &set);
	if (child < 0)
		message_err(NULL, DK_ERR_NOMEM, NULL);
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (child > 0 && WIFEXITED(status))
		return WEXITSTATUS(status);
	if (child > 0 && WIFSIGNALED(status))
		(void)raise(WTERMSIG(status));
	return STATUS_FAILED;
}
