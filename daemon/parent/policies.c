/* SPDX-License-Identifier: Apache-2.0 */
#include "parent/policies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "authd/policy.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "ipc/child.h"
#include "parent/parent.h"
#include "parent/tell.h"
#include "store/folder.h"

#define DIGEST_HEX_BYTES 65

struct kept {
	char digest[DIGEST_HEX_BYTES];
	struct timespec time; /* when it came into force last */
};

struct kept_all {
	size_t count;
	struct kept item[2 * POLICIES_MAX]; /* somebody may have put more there */
};

static bool
digest_of(const char *text, size_t len, char ret[DIGEST_HEX_BYTES])
{
	const struct dk_part part = { text, len };
	uint8_t digest[32];

	if (dk_sha256(&part, 1, digest) != DK_OK)
		return false;
	dk_hex(digest, sizeof(digest), ret);
	return true;
}

static bool
is_digest(const char *name)
{
	uint8_t digest[32];

	return strlen(name) == DIGEST_HEX_BYTES - 1 && dk_unhex(name, digest, sizeof(digest)) &&
	    strspn(name, "0123456789abcdef") == DIGEST_HEX_BYTES - 1;
}

static int
by_time(const void *a, const void *b)
{
	const struct kept *one = a, *other = b;

	if (one->time.tv_sec != other->time.tv_sec)
		return one->time.tv_sec < other->time.tv_sec ? -1 : 1;
	if (one->time.tv_nsec != other->time.tv_nsec)
		return one->time.tv_nsec < other->time.tv_nsec ? -1 : 1;
	return strcmp(one->digest, other->digest);
}

/* The oldest first. False: errno says why. */
static bool
read_folder(const char *folder, struct kept_all *ret)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	struct stat st;

	ret->count = 0;
	if (!dir)
		return false;
	while ((entry = readdir(dir)) && ret->count < sizeof(ret->item) / sizeof(ret->item[0])) {
		struct kept *kept = &ret->item[ret->count];

		if (!is_digest(entry->d_name) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		memcpy(kept->digest, entry->d_name, sizeof(kept->digest));
		kept->time = st.st_mtim;
		ret->count++;
	}
	(void)closedir(dir);
	qsort(ret->item, ret->count, sizeof(ret->item[0]), by_time);
	return true;
}

/* ---- kept ---- */

/* Room for one more. */
static void
make_room(const char *folder)
{
	static struct kept_all all;
	char path[PATH_BYTES];

	if (!read_folder(folder, &all))
		return;
	for (size_t i = 0; i + POLICIES_MAX <= all.count; i++) {
		if (!path_join(path, folder, all.item[i].digest) || unlink(path) != 0)
			continue;
		say(SAY_INFO,
		    "policy %s, which has not been in force for longest, is not kept any more",
		    all.item[i].digest);
	}
}

/* Whether the text is there; then it has come into force again. */
static bool
touch(const char *path, const char *text, size_t len)
{
	static char there[POLICY_MAX_BYTES + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd >= 0 ? read(fd, there, sizeof(there)) : -1;
	bool same = n >= 0 && (size_t)n == len && memcmp(there, text, len) == 0;

	if (same)
		(void)futimens(fd, NULL);
	if (fd >= 0)
		(void)close(fd);
	return same;
}

bool
policies_keep(const char *dir, const char *text, size_t len)
{
	const struct dk_part part = { text, len };
	char folder[PATH_BYTES], path[PATH_BYTES], digest[DIGEST_HEX_BYTES];

	errno = ENAMETOOLONG;
	if (!digest_of(text, len, digest) || !path_join(folder, dir, POLICIES_FOLDER) ||
	    !path_join(path, folder, digest))
		return false;
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return false;
	if (touch(path, text, len))
		return true;
	make_room(folder);
	return file_keep(path, &part, 1) && folder_sync(folder) && folder_sync(dir);
}

/* ---- shown ---- */

/* A text that is what its name says; false: told already. */
static bool
read_text(const char *folder, const char *digest, char text[POLICY_MAX_BYTES + 1], size_t *ret_len)
{
	char path[PATH_BYTES], found[DIGEST_HEX_BYTES];

	if (!path_join(path, folder, digest) ||
	    !policy_read(path, text, POLICY_MAX_BYTES + 1, ret_len))
		return false;
	if (digest_of(text, *ret_len, found) && strcmp(found, digest) == 0)
		return true;
	tell(path, "changed", "the file is not the text that its name says");
	return false;
}

static bool
list(const char *folder, const struct kept *kept)
{
	static char text[POLICY_MAX_BYTES + 1];
	char when[32];
	struct tm tm;
	size_t len;

	if (!read_text(folder, kept->digest, text, &len))
		return false;
	if (!gmtime_r(&kept->time.tv_sec, &tm) ||
	    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		when[0] = '\0';
	(void)printf("%s\t%s\t%zu bytes\n", kept->digest, when, len);
	return true;
}

int
cmd_policy_list(const struct settings *settings)
{
	static struct kept_all all;
	char folder[PATH_BYTES];
	bool ok = path_join(folder, settings->dir, POLICIES_FOLDER);

	if (!ok || (!read_folder(folder, &all) && errno != ENOENT)) {
		tell(settings->dir, "read", "%s", strerror(errno));
		return 1;
	}
	for (size_t i = 0; i < all.count; i++)
		ok = list(folder, &all.item[i]) && ok;
	return fflush(stdout) == 0 && ok ? 0 : 1;
}

int
cmd_policy_show(const struct settings *settings, const char *digest)
{
	static char text[POLICY_MAX_BYTES + 1];
	char folder[PATH_BYTES];
	size_t len;

	if (!is_digest(digest))
		return tell_usage("policy show",
		    "takes the SHA-256 of a policy, 64 hex digits; 'policy list' shows all");
	if (!path_join(folder, settings->dir, POLICIES_FOLDER) ||
	    !read_text(folder, digest, text, &len))
		return 1;
	return fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0 ? 0 : 1;
}
