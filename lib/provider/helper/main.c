/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doublekey-token: loads the vendor's PKCS #11 module, so that foreign code shares no memory with
 * whoever holds the other side's share. It is told a URI and encapsulations, gives back
 * results, and ends when its socket does.
 */
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/secret.h"
#include "provider/helper/key.h"
#include "token/p11.h"

/*
 * A module can do whatever its user may, but not look into the process that started this
 * one: no process in a Landlock domain traces one outside of it. What the domain denies
 * besides, no module needs. Older kernels have none of it.
 */
static void
keep_apart(void)
{
	const struct landlock_ruleset_attr attr = { .handled_access_fs =
							LANDLOCK_ACCESS_FS_MAKE_BLOCK };
	long fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (fd < 0)
		return;
	(void)syscall(SYS_landlock_restrict_self, fd, 0);
	(void)close((int)fd);
}

static size_t
say_open(const struct token_key *key, uint8_t *out)
{
	size_t label = strlen(key->label), len;
	const uint8_t *spki = dk_pkey_spki(key->pkey, &len);

	out[0] = (uint8_t)label;
	memcpy(out + 1, key->label, label);
	memcpy(out + 1 + label, spki, len);
	return 1 + label + len;
}

/* The answer behind its code; at most TOKEN_MESSAGE_MAX_BYTES - 2. */
static dk_err
serve(struct token_key *key, const uint8_t *in, size_t len, uint8_t *out, size_t *ret_len)
{
	char uri[1024] = "";
	enum token_result kind;
	bool public_only = in[0] == TOKEN_OPEN_PUBLIC;
	dk_err err;

	if (in[0] == TOKEN_USE && key->pkey) {
		err = token_object_use(key, in + 1, len - 1, out + 1, ret_len, &kind);
		out[0] = (uint8_t)kind;
		*ret_len += 1;
		return err;
	}
	if (in[0] == TOKEN_USE || key->uri || len - 1 >= sizeof(uri) ||
	    memchr(in + 1, '\0', len - 1))
		return DK_ERR_PROVIDER_REFERENCE;
	memcpy(uri, in + 1, len - 1);
	err = token_slot_open(key, uri, public_only);
	if (err == DK_OK)
		err = token_object_find(key, public_only);
	if (err == DK_OK)
		*ret_len = say_open(key, out);
	return err;
}

int
main(void)
{
	static struct token_key key;
	uint8_t in[TOKEN_MESSAGE_MAX_BYTES], out[TOKEN_MESSAGE_MAX_BYTES];
	size_t len;
	ssize_t n;
	dk_err err;

	keep_apart();
	while ((n = recv(TOKEN_FD, in, sizeof(in), 0)) > 0) {
		len = 0;
		key.why[0] = '\0';
		err = serve(&key, in, (size_t)n, out + 2, &len);
		if (err != DK_OK) {
			len = strlen(key.why);
			memcpy(out + 2, key.why, len);
		}
		out[0] = (uint8_t)(err >> 8);
		out[1] = (uint8_t)err;
		n = send(TOKEN_FD, out, 2 + len, MSG_NOSIGNAL);
		dk_wipe(out, sizeof(out));
		if (n < 0)
			break;
	}
	if (n < 0) {
		(void)fputs("doublekey-token: not to be started by hand\n", stderr);
		return 1;
	}
	return 0;
}
