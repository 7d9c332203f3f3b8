/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/profile/profile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doublekey/key.h>

#include "cli/files/fileio.h"
#include "cli/console/message.h"
#include "cli/profile/impl.h"
#include "cli/files/temp.h"

#define FILE_MAX_BYTES 65536

static bool
no_such(const char *name)
{
	message_fail(NULL,
	    "no profile '%s'; 'doublekey profile list' shows all, 'doublekey profile add' makes "
	    "one (profile)",
	    name);
	return false;
}

/* Whoever can write a profile chooses the keys of its user. */
static bool
check_owner(int fd, const char *shown)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		message_fail(shown, "is not a regular file");
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		message_fail(shown, "belongs to another user");
	else if (st.st_mode & 022)
		message_fail(shown, "can be written by others than its owner");
	else
		return true;
	return false;
}

static bool
read_text(int fd, const char *shown, char *text)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, text + len, FILE_MAX_BYTES - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < FILE_MAX_BYTES) || (n < 0 && errno == EINTR));
	text[len] = '\0';
	if (n < 0)
		message_fail(shown, "cannot be read: %s", strerror(errno));
	else if (len == FILE_MAX_BYTES)
		message_fail(shown, "is larger than a profile can be");
	else if (strlen(text) != len)
		message_fail(shown, "has a NUL byte");
	else
		return true;
	return false;
}

bool
profile_load(const char *name, struct profile *ret)
{
	char file[PROFILE_FILE_NAME_BYTES];
	char *text;
	bool ok = false;
	int dir;
	int fd;

	if (!profile_file_name(name, file))
		return false;
	dir = profile_dir_open(false);
	if (dir < 0)
		return errno == ENOENT && no_such(name);
	fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		(void)no_such(name);
	else if (fd < 0)
		message_fail(file, "cannot be opened: %s", strerror(errno));
	(void)close(dir);
	if (fd < 0)
		return false;
	text = malloc(FILE_MAX_BYTES + 1);
	if (!text)
		message_err(NULL, DK_ERR_NOMEM, NULL);
	else
		ok = check_owner(fd, file) && read_text(fd, file, text) &&
		    profile_parse(file, text, ret);
	free(text);
	(void)close(fd);
	return ok;
}

static bool
write_file(int dir, const char *file, const char *text, bool force)
{
	struct failure failure = { .why = NULL };
	struct temp out;

	if (temp_begin(&out, dir, file, force) != 0) {
		(void)failure_output(&failure);
	} else if (file_write_all(out.fd, text, strlen(text)) != 0 || temp_sync(&out) != 0) {
		(void)failure_errno(&failure, "cannot write the file");
		temp_abort(&out);
	} else if (temp_commit(&out) != 0) {
		(void)failure_output(&failure);
	} else if (temp_sync_dir(dir) != 0) {
		(void)failure_errno(&failure, "cannot write the file");
	}
	if (failure_is(&failure))
		failure_tell(file, &failure);
	return !failure_is(&failure);
}

bool
profile_save(const char *name, const struct profile *profile, bool force)
{
	char file[PROFILE_FILE_NAME_BYTES];
	struct profile again;
	char *text;
	bool ok;
	int dir;

	if (!profile_file_name(name, file))
		return false;
	text = profile_to_text(profile);
	if (!text) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return false;
	}
	/* What cannot be read back ("${" in a path, say) is not written. */
	ok = profile_parse(file, text, &again);
	if (ok) {
		profile_clear(&again);
		dir = profile_dir_open(true);
		ok = dir >= 0 && write_file(dir, file, text, force);
		if (dir >= 0)
			(void)close(dir);
	}
	free(text);
	return ok;
}

static bool
sync_removal(int dir, const char *file)
{
	if (temp_sync_dir(dir) == 0)
		return true;
	message_fail(file, "is removed, but that cannot be written to disk: %s", strerror(errno));
	return false;
}

bool
profile_remove(const char *name)
{
	char file[PROFILE_FILE_NAME_BYTES];
	bool ok;
	int dir;

	if (!profile_file_name(name, file))
		return false;
	dir = profile_dir_open(false);
	if (dir < 0)
		return errno == ENOENT && no_such(name);
	ok = unlinkat(dir, file, 0) == 0;
	if (!ok && errno == ENOENT)
		(void)no_such(name);
	else if (!ok)
		message_fail(file, "cannot be removed: %s", strerror(errno));
	else
		ok = sync_removal(dir, file);
	(void)close(dir);
	return ok;
}

static bool
visit_file(char *file, bool (*visit)(void *ctx, const char *name), void *ctx)
{
	size_t len = strlen(file);

	if (len <= strlen(PROFILE_SUFFIX) ||
	    strcmp(file + len - strlen(PROFILE_SUFFIX), PROFILE_SUFFIX) != 0)
		return true;
	file[len - strlen(PROFILE_SUFFIX)] = '\0';
	return !profile_name_valid(file) || visit(ctx, file);
}

bool
profile_each(bool (*visit)(void *ctx, const char *name), void *ctx)
{
	struct dirent **entry;
	int dir = profile_dir_open(false);
	bool ok = true;
	int count;

	if (dir < 0)
		return errno == ENOENT;
	count = scandirat(dir, ".", &entry, NULL, alphasort);
	(void)close(dir);
	if (count < 0) {
		message_fail(NULL, "cannot read the profiles: %s", strerror(errno));
		return false;
	}
	for (int i = 0; i < count; i++) {
		ok = ok && visit_file(entry[i]->d_name, visit, ctx);
		free(entry[i]);
	}
	free(entry);
	return ok;
}

char *
profile_absolute(const char *ref)
{
	char scheme[DK_KEY_SCHEME_BYTES];
	char *cwd = NULL;
	char *path = NULL;

	if (*ref == '/' || dk_key_ref_scheme(ref, scheme)) {
		path = strdup(ref);
	} else {
		cwd = getcwd(NULL, 0);
		if (!cwd || asprintf(&path, "%s/%s", cwd, ref) < 0)
			path = NULL;
	}
	free(cwd);
	if (!path)
		message_fail(ref, "cannot make the path absolute: %s", strerror(errno));
	return path;
}
