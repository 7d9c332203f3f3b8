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

/* One line; without echo. */
static size_t
read_line(int tty, const char *text, char *ret)
{
	ssize_t n;

	(void)!write(tty, text, strlen(text));
	n = read(tty, ret, PASSPHRASE_MAX_BYTES);
	(void)!write(tty, "\n", 1);
	return n > 1 ? (size_t)n : 0;
}

static bool
prompt(const struct settings *settings)
{
	char again[PASSPHRASE_MAX_BYTES + 1];
	struct termios old, quiet;
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	size_t n;

	if (tty < 0 || tcgetattr(tty, &old) != 0)
		return false;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(tty, TCSAFLUSH, &quiet);
	typed_len = read_line(
	    tty, settings->prompt ? settings->prompt : "Passphrase of the key store: ", typed);
	if (typed_len > 0 && settings->confirm) {
		n = read_line(tty, "The same again: ", again);
		if (n != typed_len || memcmp(again, typed, n) != 0) {
			(void)dprintf(tty, "The two are not the same.\n");
			typed_len = 0;
		}
		dk_wipe(again, sizeof(again));
	}
	(void)tcsetattr(tty, TCSAFLUSH, &old);
	(void)close(tty);
	return typed_len > 0;
}

/* Names of spec/key-service.md section 8.1. */
static int
no_secret(const char *name, const char *file, const char *why)
{
	say(SAY_ERROR, "%s: %s%s%s", name, file ? file : "", file ? ": " : "", why);
	return -1;
}

static int
open_secret(const char *name, const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : no_secret(name, file, strerror(errno));
}

/* A pipe takes this many bytes without a reader. */
static int
typed_fd(const struct settings *settings)
{
	int ends[2];

	if (typed_len == 0 && !prompt(settings))
		return no_secret("no-passphrase", NULL,
		    "none was typed, or there is no terminal: give --passphrase-file");
	if (pipe2(ends, O_CLOEXEC) != 0)
		return no_secret("no-passphrase", NULL, strerror(errno));
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
	return file ? open_secret("no-passphrase", file) : typed_fd(settings);
}

/* One line of the terminal per start: the PIN is never kept here. */
static int
prompted_pin(void)
{
	char pin[PASSPHRASE_MAX_BYTES + 1];
	struct termios old, quiet;
	int ends[2] = { -1, -1 }, tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	size_t n;

	if (tty < 0 || tcgetattr(tty, &old) != 0 || pipe2(ends, O_CLOEXEC) != 0)
		return no_secret(
		    "no-pin", NULL, "there is no terminal to type one: give --pin-file");
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(tty, TCSAFLUSH, &quiet);
	n = read_line(tty, "PIN of the HSM: ", pin);
	(void)tcsetattr(tty, TCSAFLUSH, &old);
	(void)close(tty);
	(void)!write(ends[1], pin, n);
	(void)close(ends[1]);
	dk_wipe(pin, sizeof(pin));
	return ends[0];
}

int
pin_fd(const struct settings *settings, const char *source)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	const char *file = settings->pin_file ? settings->pin_file : getenv("DOUBLEKEY_PIN_FILE");
	char path[PATH_BYTES];

	if (!file && credentials && path_join(path, credentials, "doublekey-pin") &&
	    access(path, R_OK) == 0)
		file = path;
	if (!file)
		file = source;
	return file ? open_secret("no-pin", file) : prompted_pin();
}
