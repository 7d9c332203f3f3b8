/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets of issuers, spec/policy.md section 6.3, as files: read here, understood in
 * authd. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "parent/key_sets.h"
#include "parent/parent.h"

#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"
#define CA_MAX_BYTES 65536
#define SYSTEM_CA_MAX_BYTES 1000000
#define KEPT_HEAD_BYTES (4 + 8 + 32)
#define KEPT_MAX_BYTES (KEPT_HEAD_BYTES + IPC_MEMBERS_MAX_BYTES)
/* One byte more for each, so that authd sees that a set is too large. */
#define SETS_MAX_BYTES                                                                             \
	(POLICY_SOURCES_MAX *                                                                      \
	    (1 + IPC_ISSUER_MAX_BYTES + 8 + 4 + IPC_FETCH_BODY_MAX_BYTES + 1 + 2 +                 \
		IPC_KNOWN_MAX_BYTES))

_Static_assert(SETS_MAX_BYTES + 8 + POLICY_MAX_BYTES + 1 <= IPC_POLICY_MAX_BYTES,
    "policy and key sets are one message");

bool
key_set_path(const char *dir, const char *file, char ret[PATH_BYTES])
{
	if (file[0] != '/')
		return path_join(ret, dir, file);
	return snprintf(ret, PATH_BYTES, "%s", file) < PATH_BYTES;
}

bool
key_set_ca_read(const char *dir, const char *file, struct key_set_ca *ret)
{
	size_t max = file ? CA_MAX_BYTES : SYSTEM_CA_MAX_BYTES;
	char *pem = malloc(max + 1), path[PATH_BYTES];
	struct dk_part part = { pem, 0 };

	*ret = (struct key_set_ca){ .pem = pem };
	if (pem && key_set_path(dir, file ? file : SYSTEM_CA, path) &&
	    policy_read(path, pem, max + 1, &ret->len) && ret->len > 0 && ret->len <= max) {
		part.len = ret->len;
		if (!file || dk_sha256(&part, 1, ret->root) == DK_OK)
			return true;
	}
	free(pem);
	ret->pem = NULL;
	return false;
}

/* What binds a set that is kept to where it came from. */
static bool
origin(const uint8_t root[32], const char *url, uint8_t ret[32])
{
	const struct dk_part parts[] = { { root, 32 }, { url, strlen(url) } };

	return dk_sha256(parts, 2, ret) == DK_OK;
}

static bool
kept_path(const char *dir, const char *name, const char *suffix, char ret[PATH_BYTES])
{
	int n = snprintf(ret, PATH_BYTES, "%s/run/%s.%s", dir, name, suffix);

	return n > 0 && n < PATH_BYTES;
}

static bool
kept(const char *dir, const struct policy_issuer *issuer, const char *suffix, size_t max,
    char *text, size_t *ret_len, uint64_t *ret_fetched_s, uint8_t ret_root[32])
{
	static char bytes[KEPT_MAX_BYTES + 1];
	struct key_set_ca ca;
	struct dk_reader_buf rd;
	uint8_t want[32];
	const uint8_t *magic, *from;
	char path[PATH_BYTES];
	size_t len;
	bool ok;

	if (!kept_path(dir, issuer->title, suffix, path) || access(path, F_OK) != 0 ||
	    !policy_read(path, bytes, sizeof(bytes), &len) ||
	    !key_set_ca_read(dir, issuer->key_set_ca, &ca))
		return false;
	ok = origin(ca.root, issuer->key_set, want);
	memcpy(ret_root, ca.root, sizeof(ca.root));
	free(ca.pem);
	dk_rd_init(&rd, (const uint8_t *)bytes, len);
	magic = dk_rd_bytes(&rd, 4);
	*ret_fetched_s = dk_rd_u64(&rd);
	from = dk_rd_bytes(&rd, 32);
	*ret_len = dk_rd_left(&rd);
	if (!ok || rd.failed || memcmp(magic, "DKF1", 4) != 0 || memcmp(from, want, 32) != 0 ||
	    *ret_fetched_s == 0 || *ret_len > max)
		return false;
	memcpy(text, bytes + KEPT_HEAD_BYTES, *ret_len);
	return true;
}

bool
key_set_kept(const char *dir, const struct policy_issuer *issuer, char *text, size_t *ret_len,
    uint64_t *ret_fetched_s)
{
	uint8_t root[32];

	return kept(
	    dir, issuer, "key-set", IPC_FETCH_BODY_MAX_BYTES, text, ret_len, ret_fetched_s, root);
}

bool
members_kept(const char *dir, const struct policy_issuer *directory, char *text, size_t *ret_len,
    uint64_t *ret_fetched_s, uint8_t ret_root[32])
{
	return kept(dir, directory, "members", IPC_MEMBERS_MAX_BYTES, text, ret_len, ret_fetched_s,
	    ret_root);
}

/* Whole or not at all. */
static bool
keep(const char *dir, const char *name, const char *suffix, const struct dk_part *parts,
    size_t count)
{
	char path[PATH_BYTES];

	return kept_path(dir, name, suffix, path) && file_keep(path, parts, count);
}

static bool
keep_set(const char *dir, const char *url, const char *suffix, const struct ipc_key_set *set)
{
	char name[IPC_ISSUER_MAX_BYTES + 1] = { 0 };
	uint8_t head[KEPT_HEAD_BYTES], from[32];
	struct dk_writer_buf wr;

	memcpy(name, set->name.data, set->name.len);
	if (!origin(set->root, url, from))
		return false;
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_bytes(&wr, "DKF1", 4);
	dk_wr_u64(&wr, set->fetched_s);
	dk_wr_bytes(&wr, from, sizeof(from));
	const struct dk_part parts[] = { { head, sizeof(head) }, set->bytes };
	return keep(dir, name, suffix, parts, 2);
}

bool
key_set_keep(const char *dir, const char *url, const struct ipc_key_set *set)
{
	return keep_set(dir, url, "key-set", set);
}

bool
members_keep(const char *dir, const char *from, const struct ipc_key_set *set)
{
	return keep_set(dir, from, "members", set);
}

size_t
known_keys_kept(const char *dir, const char *name, uint8_t *ret)
{
	static char bytes[IPC_KNOWN_MAX_BYTES + 1];
	char path[PATH_BYTES];
	size_t len;

	if (!kept_path(dir, name, "keys", path) || access(path, F_OK) != 0 ||
	    !policy_read(path, bytes, sizeof(bytes), &len) || len > IPC_KNOWN_MAX_BYTES ||
	    len % IPC_KNOWN_KEY_BYTES != 0)
		return 0;
	memcpy(ret, bytes, len);
	return len;
}

bool
known_keys_keep(const char *dir, const char *name, const struct dk_part *known)
{
	return keep(dir, name, "keys", known, 1);
}

/* The file of the issuer; none is no failure here. */
static bool
read_file(const char *dir, const char *title, char *text, size_t *ret_len, bool *ret_there)
{
	char path[PATH_BYTES];
	int n = snprintf(path, sizeof(path), "%s/issuers/%s.jwks", dir, title);

	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	*ret_there = access(path, F_OK) == 0 || errno != ENOENT;
	return !*ret_there || policy_read(path, text, IPC_FETCH_BODY_MAX_BYTES + 1, ret_len);
}

static bool
add_set(const char *dir, const struct policy_issuer *issuer, struct dk_writer_buf *wr)
{
	static char text[IPC_FETCH_BODY_MAX_BYTES + 1];
	static uint8_t known[IPC_KNOWN_MAX_BYTES];
	struct ipc_key_set set = { .name = { issuer->title, strlen(issuer->title) },
		.bytes = { text, 0 } };
	bool there;

	if (issuer->key_set)
		there = key_set_kept(dir, issuer, text, &set.bytes.len, &set.fetched_s);
	else if (!read_file(dir, issuer->title, text, &set.bytes.len, &there))
		return false;
	if (issuer->tenant && issuer->key_set)
		set.known = (struct dk_part){ known, known_keys_kept(dir, issuer->title, known) };
	if (there || set.known.len > 0)
		ipc_key_sets_add(wr, &set);
	return true;
}

bool
key_sets_read(const char *dir, const struct policy *policy, uint8_t **ret, size_t *ret_len)
{
	uint8_t *bytes = malloc(SETS_MAX_BYTES);
	struct dk_writer_buf wr;
	bool ok = bytes != NULL;

	dk_wr_init(&wr, bytes, SETS_MAX_BYTES);
	for (unsigned i = 0; ok && policy && i < policy_issuers(policy); i++) {
		struct policy_issuer issuer = policy_issuer(policy, i);

		ok = add_set(dir, &issuer, &wr);
	}
	if (ok && !wr.failed) {
		*ret = bytes;
		*ret_len = wr.len;
		return true;
	}
	free(bytes);
	return false;
}

int
memory_fd(const char *name, const void *data, size_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd >= 0 && (write(fd, data, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}
