/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doublekey/key.h>

#include "conf.h"
#include "fileio.h"
#include "message.h"
#include "temp.h"

#define SUFFIX ".conf"
#define FILE_MAX_BYTES 65536
#define FILE_NAME_BYTES (PROFILE_NAME_MAX_BYTES + sizeof(SUFFIX))

static const struct conf_option options[] = {
	{ "customer", true },
	{ "provider", true },
	{ "sign", false },
	{ "label", false },
	{ "tenant", false },
};

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

static bool
file_name(const char *name, char out[FILE_NAME_BYTES])
{
	if (!profile_name_valid(name)) {
		message_fail(NULL,
		    "'%s' is no name of a profile: 1 to %d letters, digits, '.', '_' and '-', "
		    "the first a letter or digit",
		    name, PROFILE_NAME_MAX_BYTES);
		return false;
	}
	return snprintf(out, FILE_NAME_BYTES, "%s" SUFFIX, name) < (int)FILE_NAME_BYTES;
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

/* -1: there is none, with errno ENOENT, or told already with errno 0. */
static int
open_profiles(bool make)
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

static bool
no_such(const char *name)
{
	message_fail(NULL, "no profile '%s' ('doublekey profile list' shows all)", name);
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

static bool
take_list(const struct conf *conf, const char *name, struct option_list *list)
{
	for (size_t i = 0; i < conf_count(conf, name); i++) {
		if (!option_list_add(list, conf_value(conf, name, i)))
			return false;
	}
	return true;
}

static bool
take_text(const struct conf *conf, const char *name, char **ret)
{
	if (conf_count(conf, name) == 0)
		return true;
	*ret = strdup(conf_value(conf, name, 0));
	if (!*ret)
		message_err(NULL, DK_ERR_NOMEM, NULL);
	return *ret != NULL;
}

static bool
parse(const char *shown, const char *text, struct profile *ret)
{
	struct conf *conf = conf_parse(shown, text, options, sizeof(options) / sizeof(options[0]));
	struct profile profile = { .config = conf };

	if (!conf)
		return false;
	if (take_list(conf, "customer", &profile.customer) &&
	    take_list(conf, "provider", &profile.provider) &&
	    take_text(conf, "sign", &profile.sign) && take_text(conf, "label", &profile.label) &&
	    take_text(conf, "tenant", &profile.tenant)) {
		*ret = profile;
		return true;
	}
	profile_clear(&profile);
	return false;
}

bool
profile_load(const char *name, struct profile *ret)
{
	char file[FILE_NAME_BYTES];
	char *text;
	bool ok = false;
	int dir;
	int fd;

	if (!file_name(name, file))
		return false;
	dir = open_profiles(false);
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
		ok = check_owner(fd, file) && read_text(fd, file, text) && parse(file, text, ret);
	free(text);
	(void)close(fd);
	return ok;
}

void
profile_clear(struct profile *profile)
{
	option_list_clear(&profile->customer);
	option_list_clear(&profile->provider);
	free(profile->sign);
	free(profile->label);
	free(profile->tenant);
	conf_free(profile->config);
	*profile = (struct profile){ .config = NULL };
}

static void
put_string(FILE *f, const char *text)
{
	(void)putc('"', f);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)putc('\\', f);
		(void)putc(*text, f);
	}
	(void)putc('"', f);
}

static void
put_list(FILE *f, const char *name, const struct option_list *list)
{
	(void)fprintf(f, "%s = {", name);
	for (size_t i = 0; i < list->count; i++) {
		(void)fputs(i > 0 ? ", " : "", f);
		put_string(f, list->item[i]);
	}
	(void)fputs("}\n", f);
}

static void
put_text(FILE *f, const char *name, const char *text)
{
	if (!text)
		return;
	(void)fprintf(f, "%s = ", name);
	put_string(f, text);
	(void)putc('\n', f);
}

/* The file's text; allocated. */
static char *
to_text(const struct profile *profile)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool failed;

	if (!f)
		return NULL;
	put_list(f, "customer", &profile->customer);
	put_list(f, "provider", &profile->provider);
	put_text(f, "sign", profile->sign);
	put_text(f, "label", profile->label);
	put_text(f, "tenant", profile->tenant);
	failed = ferror(f) != 0;
	if (fclose(f) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
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
	char file[FILE_NAME_BYTES];
	struct profile again;
	char *text;
	bool ok;
	int dir;

	if (!file_name(name, file))
		return false;
	text = to_text(profile);
	if (!text) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return false;
	}
	/* What cannot be read back ("${" in a path, say) is not written. */
	ok = parse(file, text, &again);
	if (ok) {
		profile_clear(&again);
		dir = open_profiles(true);
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
	char file[FILE_NAME_BYTES];
	bool ok;
	int dir;

	if (!file_name(name, file))
		return false;
	dir = open_profiles(false);
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

	if (len <= strlen(SUFFIX) || strcmp(file + len - strlen(SUFFIX), SUFFIX) != 0)
		return true;
	file[len - strlen(SUFFIX)] = '\0';
	return !profile_name_valid(file) || visit(ctx, file);
}

bool
profile_each(bool (*visit)(void *ctx, const char *name), void *ctx)
{
	struct dirent **entry;
	int dir = open_profiles(false);
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
