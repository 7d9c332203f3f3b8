/* SPDX-License-Identifier: Apache-2.0 */
/* What a profile keeps from one run to the next: requests that wait for approvals, and
 * pinned keys. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/profile_file.h"
#include "native/approval.h"

#define REQUEST_LIFE_S (DK_APPROVED_AGE_MAX_S + 600)

/* ---- requests ---- */

static bool
request_name(const uint8_t digest[32], char ret[80])
{
	char hex[65];
	int n;

	dk_hex(digest, 32, hex);
	n = snprintf(ret, 80, "requests/%s", hex);
	return n > 0 && n < 80;
}

static void
remove_old(const char *dir)
{
	DIR *stream = opendir(dir);
	const struct dirent *entry;
	struct stat st;

	while (stream && (entry = readdir(stream)))
		if (entry->d_name[0] != '.' && fstatat(dirfd(stream), entry->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime + REQUEST_LIFE_S < time(NULL))
			(void)unlinkat(dirfd(stream), entry->d_name, 0);
	if (stream)
		(void)closedir(stream);
}

dk_err
dk_profile_request_save(
    const struct dk_profile *profile, const uint8_t digest[32], const uint8_t *bytes, size_t len)
{
	char name[80], dir[DK_PROFILE_PATH_BYTES];

	if (!request_name(digest, name) || !dk_profile_path(profile, "requests", dir) ||
	    (mkdir(dir, 0700) != 0 && errno != EEXIST))
		return DK_ERR_WRITE;
	remove_old(dir);
	return dk_profile_write(profile, name, bytes, len);
}

dk_err
dk_profile_request_load(const struct dk_profile *profile, const uint8_t digest[32],
    uint8_t **ret_bytes, size_t *ret_len)
{
	char name[80];

	return request_name(digest, name) ? dk_profile_read(profile, name, ret_bytes, ret_len)
					  : DK_ERR_ARGUMENT;
}

void
dk_profile_request_remove(const struct dk_profile *profile, const uint8_t digest[32])
{
	char name[80], path[DK_PROFILE_PATH_BYTES];

	if (request_name(digest, name) && dk_profile_path(profile, name, path))
		(void)unlink(path);
}

/* ---- keys ---- */

static bool
key_file(const char *name, char ret[128])
{
	int n = snprintf(ret, 128, "keys/%s", name);

	return n > 0 && n < 128;
}

dk_err
dk_profile_key_load(
    const struct dk_profile *profile, const char *name, uint8_t **ret_body, size_t *ret_len)
{
	char file[128];

	return key_file(name, file) ? dk_profile_read(profile, file, ret_body, ret_len)
				    : DK_ERR_ARGUMENT;
}

dk_err
dk_profile_key_save(
    const struct dk_profile *profile, const char *name, const uint8_t *body, size_t len)
{
	char file[128];

	return key_file(name, file) ? dk_profile_write(profile, file, body, len) : DK_ERR_ARGUMENT;
}

/* The file's time of change is kept for this: it proves nothing and decides
 * only when to ask. */
uint64_t
dk_profile_key_age(const struct dk_profile *profile, const char *name)
{
	char file[128], path[DK_PROFILE_PATH_BYTES];
	time_t now = time(NULL);
	struct stat st;

	if (!key_file(name, file) || !dk_profile_path(profile, file, path) ||
	    stat(path, &st) != 0 || st.st_mtime > now)
		return UINT64_MAX;
	return (uint64_t)(now - st.st_mtime);
}

void
dk_profile_key_age_set(const struct dk_profile *profile, const char *name, uint64_t age)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = time(NULL) - (time_t)age } };
	char file[128], path[DK_PROFILE_PATH_BYTES];

	if (key_file(name, file) && dk_profile_path(profile, file, path))
		(void)utimensat(AT_FDCWD, path, times, 0);
}
