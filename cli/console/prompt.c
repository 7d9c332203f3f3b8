/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/console/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/console/message.h"
#include "cli/console/terminal.h"

#define QUESTION_BYTES 512
#define TRIES 3
#define TOLD_MAX 16

size_t
prompt_file_count(const struct option_list *files)
{
	const char *env = getenv(PROMPT_ENV);

	if (files && files->count > 0)
		return files->count;
	return env && *env ? 1 : 0;
}

const char *
prompt_file(const struct option_list *files, size_t index)
{
	return files && files->count > 0 ? files->item[index] : getenv(PROMPT_ENV);
}

/* Whether the file was told of already: it is read once for each key. */
static bool
was_told(const struct stat *st)
{
	static struct {
		dev_t dev;
		ino_t ino;
	} told[TOLD_MAX];
	static size_t count;

	for (size_t i = 0; i < count; i++)
		if (told[i].dev == st->st_dev && told[i].ino == st->st_ino)
			return true;
	if (count < TOLD_MAX) {
		told[count].dev = st->st_dev;
		told[count++].ino = st->st_ino;
	}
	return false;
}

static void
warn_if_readable(int fd, const char *path)
{
	struct stat st;

	/* A pipe or descriptor of the caller has no permissions to speak of. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0 &&
	    !was_told(&st))
		message_warn(path, "others may read this passphrase file (chmod 600)");
}

/* One byte at a time: bytes behind the first line belong to the caller. */
static bool
read_first_line(int fd, const char *path, struct secret_line *line)
{
	line->len = 0;
	for (;;) {
		uint8_t c;
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			message_err(path, DK_ERR_READ, NULL);
			return false;
		}
		if (n == 0 || c == '\n')
			break;
		if (line->len == sizeof(line->bytes)) {
			message_fail(path, "the passphrase is longer than %d bytes",
			    DK_PASSPHRASE_MAX_BYTES);
			return false;
		}
		line->bytes[line->len++] = c;
	}
	if (line->len > 0 && line->bytes[line->len - 1] == '\r')
		line->len--;
	return true;
}

static bool
check(const char *name, const struct secret_line *line)
{
	if (line->len == 0) {
		message_fail(name, "the passphrase is empty");
		return false;
	}
	if (memchr(line->bytes, '\0', line->len) || memchr(line->bytes, '\r', line->len)) {
		message_fail(name, "the passphrase has a NUL or CR byte in it");
		return false;
	}
	return true;
}

bool
prompt_read_file(const char *path, struct secret_line *ret_line)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool ok;

	if (fd < 0) {
		message_err(path, DK_ERR_READ, NULL);
		return false;
	}
	warn_if_readable(fd, path);
	ok = read_first_line(fd, path, ret_line) && check(path, ret_line);
	(void)close(fd);
	return ok;
}

static bool
ask(const char *words, const char *name, struct secret_line *line)
{
	char escaped[QUESTION_BYTES - 64];
	char question[QUESTION_BYTES];
	int n = snprintf(question, sizeof(question), "%s %s: ", words,
	    message_escape(name, strlen(name), escaped, sizeof(escaped)));

	if (n < 0 || (size_t)n >= sizeof(question))
		return false;
	switch (terminal_ask(question, line)) {
	case TERMINAL_OK:
		return true;
	case TERMINAL_NONE:
		message_fail(name,
		    "a passphrase is needed and there is no terminal to ask on; "
		    "use --passphrase-file (%s)",
		    dk_err_name(DK_ERR_KEY_NEED_PASSPHRASE));
		return false;
	case TERMINAL_TOO_LONG:
		message_fail(
		    name, "the passphrase is longer than %d bytes", DK_PASSPHRASE_MAX_BYTES);
		return false;
	default:
		message_fail(
		    name, "no passphrase was given (%s)", dk_err_name(DK_ERR_KEY_NEED_PASSPHRASE));
		return false;
	}
}

bool
prompt_existing(const char *name, struct secret_line *ret_line)
{
	return ask("Passphrase for", name, ret_line) && check(name, ret_line);
}

static bool
same(const struct secret_line *a, const struct secret_line *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool
ask_twice(const char *name, struct secret_line *line)
{
	auto_secret_line *again = secret_line_new();

	if (!again)
		return false;
	for (int i = 0; i < TRIES; i++) {
		if (!ask("New passphrase for", name, line) || !check(name, line) ||
		    !ask("The same again for", name, again))
			return false;
		if (same(line, again))
			return true;
		message_fail(name, "the two passphrases differ");
	}
	return false;
}

bool
prompt_new(const char *name, const struct option_list *files, struct secret_line *ret_line)
{
	if (prompt_file_count(files) > 0)
		return prompt_read_file(prompt_file(files, 0), ret_line);
	return ask_twice(name, ret_line);
}
