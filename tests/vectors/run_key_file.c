/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the key file vectors through dk_key_read(), and through dk_key_open() with
 * the same bytes in a file.
 *
 * usage: run_key_file FOLDER
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doublekey/doublekey.h"
#include "folder.h"

#define PASSPHRASE_BYTES 1102
#define FILE_MAX_BYTES (64 * 1024)

struct vector {
	char expect[64], side[16], need[16], key_id[80], custodian[64];
	char passphrase[PASSPHRASE_BYTES];
	bool has_passphrase;
	uint8_t key[FILE_MAX_BYTES];
	size_t len;
};

/* One header line; false if its key is not known. */
static bool
take_line(void *ctx, const char *name, const char *value)
{
	struct vector *v = ctx;

	if (strcmp(name, "expect") == 0)
		folder_copy(v->expect, sizeof(v->expect), value);
	else if (strcmp(name, "side") == 0)
		folder_copy(v->side, sizeof(v->side), value);
	else if (strcmp(name, "need") == 0)
		folder_copy(v->need, sizeof(v->need), value);
	else if (strcmp(name, "key-id") == 0)
		folder_copy(v->key_id, sizeof(v->key_id), value);
	else if (strcmp(name, "custodian") == 0)
		folder_copy(v->custodian, sizeof(v->custodian), value);
	else if (strcmp(name, "passphrase") == 0) {
		folder_copy(v->passphrase, sizeof(v->passphrase), value);
		v->has_passphrase = true;
	} else
		return strcmp(name, "spec") == 0 || strcmp(name, "comment") == 0;
	return true;
}

static dk_err
give(void *ctx, const char *name, uint8_t *buf, size_t cap, size_t *ret_len)
{
	const struct vector *v = ctx;

	(void)name;
	*ret_len = strlen(v->passphrase);
	if (*ret_len <= cap)
		memcpy(buf, v->passphrase, *ret_len);
	return DK_OK;
}

static dk_side
side_of(const struct vector *v)
{
	for (dk_side side = DK_SIDE_CUSTOMER; side <= DK_SIDE_AUDITOR; side++)
		if (strcmp(dk_side_name(side), v->side) == 0)
			return side;
	return DK_SIDE_ANY;
}

static dk_err
open_file(const struct vector *v, const struct dk_key_options *options, struct dk_key **ret)
{
	char path[] = "/tmp/doublekey-vector-XXXXXX";
	int fd = mkstemp(path);
	dk_err err = DK_ERR_WRITE;

	if (fd < 0)
		return DK_ERR_WRITE;
	if (write(fd, v->key, v->len) == (ssize_t)v->len)
		err = dk_key_open(path, side_of(v), options, ret);
	(void)close(fd);
	(void)unlink(path);
	return err;
}

static dk_err
open_key(const struct vector *v, bool from_file, struct dk_key **ret)
{
	const struct dk_key_options options = { .passphrase = v->has_passphrase ? give : NULL,
		.passphrase_ctx = (void *)(uintptr_t)v,
		.public_only = strcmp(v->need, "public") == 0 };
	dk_err err;

	if (from_file)
		err = open_file(v, &options, ret);
	else
		err = dk_key_read(v->key, v->len, "vector", side_of(v), &options, ret);
	if (err == DK_OK && strcmp(v->need, "private") == 0 && !dk_key_has_private(*ret)) {
		dk_key_free(*ret);
		*ret = NULL;
		err = DK_ERR_KEY_NEED_PRIVATE;
	}
	return err;
}

static bool
run_way(const char *path, const struct vector *v, bool from_file)
{
	struct dk_key *key = NULL;
	dk_err err = open_key(v, from_file, &key);
	char got[64];
	bool ok;

	if (err == DK_OK)
		folder_copy(got, sizeof(got), "success");
	else if (snprintf(got, sizeof(got), "%s %s", dk_category_name(dk_err_category(err)),
		     dk_err_name(err)) < 0)
		return false;
	ok = folder_same(path, "result", got, v->expect);
	if (key && ok)
		ok = folder_same(path, "key id", dk_key_id_hex(key), v->key_id) &&
		    folder_same(path, "custodian", dk_key_custodian(key), v->custodian) &&
		    folder_same(path, "side", dk_side_name(dk_key_side(key)), v->side);
	dk_key_free(key);
	return ok;
}

static bool
run(void *ctx, const char *path)
{
	struct vector *v = ctx;
	bool ok = true;

	memset(v, 0, sizeof(*v));
	if (!folder_read(path, take_line, v, v->key, sizeof(v->key), &v->len))
		return false;
	for (int from_file = 0; from_file < 2; from_file++)
		ok = run_way(path, v, from_file) && ok;
	return ok;
}

int
main(int argc, char **argv)
{
	static struct vector v;

	if (argc != 2) {
		printf("usage: run_key_file FOLDER\n");
		return 2;
	}
	return folder_run(argv[1], run, &v);
}
