/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/console/message.h"
#include "cli/profile/impl.h"

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '.' || c == '_' || c == '-';
}

bool
profile_name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > PROFILE_NAME_MAX_BYTES || strchr("._-", name[0]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_name_char(name[i]))
			return false;
	}
	return true;
}

bool
profile_file_name(const char *name, char out[PROFILE_FILE_NAME_BYTES])
{
	if (!profile_name_valid(name)) {
		message_fail(NULL,
		    "'%s' is no name of a profile: 1 to %d letters, digits, '.', '_' and '-', "
		    "the first a letter or digit",
		    name, PROFILE_NAME_MAX_BYTES);
		return false;
	}
	return snprintf(out, PROFILE_FILE_NAME_BYTES, "%s" PROFILE_SUFFIX, name) <
	    (int)PROFILE_FILE_NAME_BYTES;
}

/* Where the user's configuration is; allocated. */
static char *
config_home(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	const struct passwd *user;
	char *path;

	/* The XDG base directory specification has relative ones ignored. */
	if (xdg && *xdg == '/')
		return strdup(xdg);
	if (!home || *home != '/') {
		user = getpwuid(getuid());
		home = user ? user->pw_dir : NULL;
	}
	if (!home || asprintf(&path, "%s/.config", home) < 0)
		return NULL;
	return path;
}

static char *
profiles_path(void)
{
	char *home = config_home();
	char *path = NULL;

	if (!home || asprintf(&path, "%s/doublekey/profiles", home) < 0)
		path = NULL;
	free(home);
	if (!path)
		message_fail(NULL, "there is no home directory to keep profiles in");
	return path;
}

/* mkdir -p, for the owner only. */
static bool
make_dirs(char *path)
{
	for (char *c = path + 1;; c++) {
		char kept = *c;

		if (kept != '/' && kept != '\0')
			continue;
		*c = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST) {
			message_fail(path, "cannot make the directory: %s", strerror(errno));
			return false;
		}
		*c = kept;
		if (kept == '\0')
			return true;
	}
}

int
profile_dir_open(bool make)
{
	char *path = profiles_path();
	int fd = -1;

	if (path && (!make || make_dirs(path)))
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else
		errno = 0;
	if (fd < 0 && errno != 0 && errno != ENOENT) {
		message_fail(path, "cannot open the directory: %s", strerror(errno));
		errno = 0;
	}
	free(path);
	return fd;
}
