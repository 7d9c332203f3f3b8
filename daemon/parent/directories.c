/* SPDX-License-Identifier: Apache-2.0 */
#include "parent/directories.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text.h"
#include "ipc/child.h"
#include "parent/key_sets.h"
#include "parent/parent.h"

#define PORT ":636"
#define HEAD_MAX_BYTES ((6 + IPC_GROUPS_MAX) * 256 + 2 + IPC_SALT_BYTES)

_Static_assert(POLICY_DIRECTORY_GROUPS_MAX == IPC_GROUPS_MAX, "all groups are one message");
_Static_assert((int)POLICY_NESTED_WALK == (int)IPC_NESTED_WALK &&
	(int)POLICY_NESTED_IN_CHAIN == (int)IPC_NESTED_IN_CHAIN,
    "one numbering");

/* ---- from the policy ---- */

static void
copy(char *ret, size_t cap, const char *text)
{
	(void)snprintf(ret, cap, "%s", text ? text : "");
}

/* The host and port of ldaps://HOST:PORT as libcurl connects to it. An IPv6 address has colons
 * of its own, in brackets. */
static void
take_url(const char *url, char ret[256])
{
	const char *host = url + strlen("ldaps://"), *bracket = strrchr(host, ']');
	bool port = strchr(bracket ? bracket : host, ':') != NULL;

	(void)snprintf(ret, 256, "https://%s%s/", host, port ? "" : PORT);
}

/* All texts that decide who is found, each with a NUL behind it. */
static bool
take_origin(struct run_directory *d)
{
	const char nested[2] = { (char)('0' + d->nested), '\0' };
	struct dk_part parts[6 + POLICY_DIRECTORY_GROUPS_MAX] = { { d->url, 0 }, { d->bind_dn, 0 },
		{ d->base, 0 }, { d->attribute, 0 }, { d->member_of, 0 }, { nested, 0 } };
	uint8_t digest[32];

	for (unsigned i = 0; i < d->groups; i++)
		parts[6 + i].data = d->group[i];
	for (unsigned i = 0; i < 6 + d->groups; i++)
		parts[i].len = strlen(parts[i].data) + 1;
	if (dk_sha256(parts, 6 + d->groups, digest) != DK_OK)
		return false;
	dk_hex(digest, sizeof(digest), d->origin);
	return true;
}

struct run_directory *
run_directory_new(const struct policy *policy, unsigned directory)
{
	const struct policy_directory info = policy_directory(policy, directory);
	struct run_directory *d = calloc(1, sizeof(*d));
	const char *group;

	if (!d)
		return NULL;
	take_url(info.url, d->url);
	copy(d->password_file, sizeof(d->password_file), info.password_file);
	copy(d->attribute, sizeof(d->attribute), info.attribute);
	copy(d->member_of, sizeof(d->member_of), info.member_of);
	/* The policy has none that cannot be decoded. */
	if (info.bind_dn)
		(void)policy_dn_decode(info.bind_dn, d->bind_dn);
	(void)policy_dn_decode(info.base, d->base);
	while ((group = policy_directory_group(policy, directory, d->groups)) != NULL)
		(void)policy_dn_decode(group, d->group[d->groups++]);
	d->nested = (enum ipc_nested)info.nested;
	if (take_origin(d))
		return d;
	free(d);
	return NULL;
}

/* ---- to fetchd ---- */

/* Read anew each time, so that a new password needs no reload. Why it cannot be had, or NULL. */
static const char *
read_password(
    const char *dir, const char *file, char ret[IPC_PASSWORD_MAX_BYTES + 2], size_t *ret_len)
{
	char path[PATH_BYTES];
	struct stat st;
	ssize_t n = -1;
	int fd = key_set_path(dir, file, path)
	    ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
	    : -1;

	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0006) == 0)
		n = read(fd, ret, IPC_PASSWORD_MAX_BYTES + 2);
	(void)close(fd);
	if (n < 0)
		return "is no file, or everybody may read or write it";
	n -= n > 0 && ret[n - 1] == '\n';
	*ret_len = (size_t)n;
	return n > 0 && n <= IPC_PASSWORD_MAX_BYTES && !memchr(ret, '\0', (size_t)n)
	    ? NULL
	    : "has no password of 1 to 255 bytes";
}

const char *
run_directory_password_fault(const char *dir, const char *file)
{
	char text[IPC_PASSWORD_MAX_BYTES + 2];
	size_t len;
	const char *why = read_password(dir, file, text, &len);

	dk_wipe(text, sizeof(text));
	return why;
}

static struct dk_part
part(const char *text)
{
	return (struct dk_part){ text, strlen(text) };
}

static uint8_t *
compose(const struct run_directory *d, const struct dk_part *password, const struct dk_part *ca_pem,
    size_t *ret_len)
{
	struct ipc_directory message = { .url = part(d->url),
		.bind_dn = part(d->bind_dn),
		.password = *password,
		.base = part(d->base),
		.attribute = part(d->attribute),
		.member_of = part(d->member_of),
		.nested = d->nested,
		.salt = d->salt,
		.groups = d->groups };
	uint8_t *payload = malloc(HEAD_MAX_BYTES + ca_pem->len);
	struct dk_writer_buf wr;

	if (!payload)
		return NULL;
	for (unsigned i = 0; i < d->groups; i++)
		message.group[i] = part(d->group[i]);
	dk_wr_init(&wr, payload, HEAD_MAX_BYTES + ca_pem->len);
	ipc_directory_write(&message, &wr);
	dk_wr_bytes(&wr, ca_pem->data, ca_pem->len);
	*ret_len = wr.len;
	return payload;
}

uint8_t *
run_directory_payload(const struct run_directory *d, const char *dir, const struct dk_part *ca_pem,
    size_t *ret_len, const char **ret_why)
{
	char text[IPC_PASSWORD_MAX_BYTES + 2];
	struct dk_part password = { text, 0 };
	uint8_t *payload = NULL;

	*ret_why =
	    d->password_file[0] ? read_password(dir, d->password_file, text, &password.len) : NULL;
	if (!*ret_why)
		payload = compose(d, &password, ca_pem, ret_len);
	dk_wipe(text, sizeof(text));
	return payload;
}

void
run_directory_free_payload(uint8_t *payload, size_t len)
{
	if (payload)
		dk_wipe(payload, len);
	free(payload);
}
