/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the vectors of Microsoft's protocol that are about directories through the code of fetchd.
 *
 * usage: run_ldap FOLDER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetchd/ldap_text.h"
#include "folder.h"
#include "ipc/directory.h"
#include "native_vector.h"

static unsigned ran;

static const char *
run_filter(struct vector *v)
{
	const struct dk_part name = part(v, "name"), filter = part(v, "filter");
	char copy[512], *made;

	memcpy(copy, name.data, name.len);
	copy[name.len] = '\0';
	made = ldap_text_filter(need(v, "attribute"), strcmp(need(v, "chain"), "1") == 0, copy);
	if (!made || strlen(made) != filter.len || memcmp(made, filter.data, filter.len) != 0) {
		printf("FAIL %s: the filter is %s\n", v->path, made ? made : "not there");
		v->differs = true;
	}
	free(made);
	return "success";
}

static const char *
run_sid(struct vector *v)
{
	const struct dk_part sid = part(v, "sid");
	char text[LDAP_TEXT_SID_BYTES];

	if (!ldap_text_sid(sid.data, sid.len, text))
		return "value";
	found(v, "text", text);
	return "success";
}

static const char *
run_member(struct vector *v)
{
	const struct dk_part salt = part(v, "salt"), value = part(v, "value");
	uint8_t member[IPC_MEMBER_BYTES];

	if (!ipc_member(salt.data, value.data, value.len, member))
		return "value";
	found_hex(v, "member", member, sizeof(member));
	return "success";
}

static bool
run(void *ctx, const char *path)
{
	struct vector *v = ctx;
	const char *kind, *got;

	if (!native_vector_read(path, v))
		return false;
	kind = need(v, "kind");
	if (strcmp(kind, "filter") == 0)
		got = run_filter(v);
	else if (strcmp(kind, "sid") == 0)
		got = run_sid(v);
	else if (strcmp(kind, "member") == 0)
		got = run_member(v);
	else
		return true;
	ran++;
	return folder_same(path, "answer", got, need(v, "expect")) && !v->differs;
}

int
main(int argc, char **argv)
{
	static struct vector v;
	int status;

	if (argc != 2) {
		printf("usage: run_ldap FOLDER\n");
		return 2;
	}
	status = folder_run(argv[1], run, &v);
	printf("%u of them are of directories\n", ran);
	return ran > 0 ? status : 1;
}
