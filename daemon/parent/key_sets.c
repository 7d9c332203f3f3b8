/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets of issuers, spec/policy.md section 6.3: read here, understood in authd. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "authd/policy.h"
#include "base/bytes.h"
#include "parent/parent.h"

#define SUFFIX ".jwks"
#define SET_MAX_BYTES 65536
#define NAME_MAX_CHARS 32
/* One byte more for each, so that authd sees that a set is too large. */
#define SETS_MAX_BYTES (POLICY_ISSUERS_MAX * (1 + NAME_MAX_CHARS + 4 + SET_MAX_BYTES + 1))

_Static_assert(SETS_MAX_BYTES + 8 + POLICY_MAX_BYTES + 1 <= IPC_POLICY_MAX_BYTES,
    "policy and key sets are one message");

static int
is_set(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), end = strlen(SUFFIX);

	return len > end && len - end <= NAME_MAX_CHARS && entry->d_name[0] != '.' &&
	    strcmp(entry->d_name + len - end, SUFFIX) == 0;
}

static bool
add_set(const char *dir, const char *name, struct dk_writer_buf *wr)
{
	static char text[SET_MAX_BYTES + 1];
	char path[PATH_BYTES];
	size_t len, name_len = strlen(name) - strlen(SUFFIX);
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= sizeof(path) || !policy_read(path, text, sizeof(text), &len))
		return false;
	dk_wr_u8(wr, (uint8_t)name_len);
	dk_wr_bytes(wr, name, name_len);
	dk_wr_u32(wr, (uint32_t)len);
	dk_wr_bytes(wr, text, len);
	return true;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

bool
key_sets_read(const char *dir, uint8_t **ret, size_t *ret_len)
{
	struct dirent **names = NULL;
	uint8_t *bytes = malloc(SETS_MAX_BYTES);
	char path[PATH_BYTES];
	struct dk_writer_buf wr;
	bool ok = bytes && path_join(path, dir, "issuers");
	int n = ok ? scandir(path, &names, is_set, by_name) : -1;

	if (ok && n < 0 && errno != ENOENT)
		(void)fprintf(stderr, "doublekeyd: %s: %s\n", path, strerror(errno));
	ok = ok && (n >= 0 || errno == ENOENT) && n <= POLICY_ISSUERS_MAX;
	dk_wr_init(&wr, bytes, SETS_MAX_BYTES);
	for (int i = 0; i < n; i++) {
		ok = ok && add_set(path, names[i]->d_name, &wr);
		free(names[i]);
	}
	free(names);
	if (ok && !wr.failed) {
		*ret = bytes;
		*ret_len = wr.len;
		return true;
	}
	free(bytes);
	return false;
}

int
key_sets_fd(const char *dir)
{
	int fd = memfd_create("key-sets", MFD_CLOEXEC);
	uint8_t *bytes;
	size_t len;

	if (fd < 0 || !key_sets_read(dir, &bytes, &len)) {
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	if (write(fd, bytes, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0) {
		(void)close(fd);
		fd = -1;
	}
	free(bytes);
	return fd;
}
