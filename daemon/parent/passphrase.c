/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"
#include "ipc/child.h"
#include "parent/parent.h"

#define PASSPHRASE_MAX_BYTES 1024

/* Typed once; kept so that a restart of the children needs nobody. */
static char typed[PASSPHRASE_MAX_BYTES + 1];
static size_t typed_len;

static bool
prompt(void)
{
	struct termios old, quiet;
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (tty < 0 || tcgetattr(tty, &old) != 0)
		return false;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)!write(tty, "Passphrase of the key store: ", 29);
	(void)tcsetattr(tty, TCSAFLUSH, &quiet);
	n = read(tty, typed, PASSPHRASE_MAX_BYTES);
	(void)tcsetattr(tty, TCSAFLUSH, &old);
	(void)!write(tty, "\n", 1);
	(void)close(tty);
	typed_len = n > 1 ? (size_t)n : 0;
	return typed_len > 0;
}

/* A pipe takes this many bytes without a reader. */
static int
typed_fd(void)
{
	int ends[2];

	if (typed_len == 0 && !prompt())
		return -1;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	if (write(ends[1], typed, typed_len) != (ssize_t)typed_len) {
		(void)close(ends[0]);
		ends[0] = -1;
	}
	(void)close(ends[1]);
	return ends[0];
}

int
passphrase_fd(const struct settings *settings)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	const char *file = settings->passphrase_file;
	char path[PATH_BYTES];

	if (!file)
		file = getenv("DOUBLEKEY_PASSPHRASE_FILE");
	if (!file && credentials && path_join(path, credentials, "doublekey-passphrase") &&
	    access(path, R_OK) == 0)
		file = path;
	if (file)
		return open(file, O_RDONLY | O_CLOEXEC);
	return typed_fd();
}
