/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the key file vectors through dk_key_read(), and through dk_key_open() with
 * the same bytes in a file.
 *
 * usage: run_key_file FOLDER
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doublekey/doublekey.h"

#define LINE_BYTES 1102 /* with LF and NUL */
#define FILE_MAX_BYTES (64 * 1024)

struct vector {
	char expect[64], side[16], need[16], key_id[80], custodian[64];
	char passphrase[LINE_BYTES];
	bool has_passphrase;
	uint8_t key[FILE_MAX_BYTES];
	size_t len;
};

static void
copy(char *to, size_t room, const char *value)
{
	if ((size_t)snprintf(to, room, "%s", value) >= room) {
		printf("FAIL a header value is too long\n");
		exit(1);
	}
}

/* One header line; false if its key is not known. */
static bool
take_line(struct vector *v, char *line)
{
	char *value = strstr(line, ": ");

	if (!value)
		return false;
	*value = '\0';
	value += 2;
	if (strcmp(line, "expect") == 0)
		copy(v->expect, sizeof(v->expect), value);
	else if (strcmp(line, "side") == 0)
		copy(v->side, sizeof(v->side), value);
	else if (strcmp(line, "need") == 0)
		copy(v->need, sizeof(v->need), value);
	else if (strcmp(line, "key-id") == 0)
		copy(v->key_id, sizeof(v->key_id), value);
	else if (strcmp(line, "custodian") == 0)
		copy(v->custodian, sizeof(v->custodian), value);
	else if (strcmp(line, "passphrase") == 0) {
		copy(v->passphrase, sizeof(v->passphrase), value);
		v->has_passphrase = true;
	} else
		return strcmp(line, "spec") == 0 || strcmp(line, "comment") == 0;
	return true;
}

/* Prints why and returns false if the file is no vector. */
static bool
read_vector(const char *path, struct vector *v)
{
	FILE *file = fopen(path, "rb");
	char line[LINE_BYTES];
	bool known = true;

	memset(v, 0, sizeof(*v));
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file) && line[0] != '\n') {
		line[strcspn(line, "\n")] = '\0';
		if (!take_line(v, line)) {
			printf("SKIP %s: header line \"%s\" is not known\n", path, line);
			known = false;
		}
	}
	v->len = fread(v->key, 1, sizeof(v->key), file);
	(void)fclose(file);
	return known;
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
	for (dk_side side = DK_SIDE_CUSTOMER; side <= DK_SIDE_CREATOR; side++)
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
same(const char *path, const char *what, const char *got, const char *want)
{
	if (strcmp(got, want) == 0)
		return true;
	printf("FAIL %s: %s is \"%s\", expected \"%s\"\n", path, what, got, want);
	return false;
}

static bool
run(const char *path, const struct vector *v, bool from_file)
{
	struct dk_key *key = NULL;
	dk_err err = open_key(v, from_file, &key);
	char got[64];
	bool ok;

	if (err == DK_OK)
		copy(got, sizeof(got), "success");
	else if (snprintf(got, sizeof(got), "%s %s", dk_category_name(dk_err_category(err)),
		     dk_err_name(err)) < 0)
		return false;
	ok = same(path, "result", got, v->expect);
	if (key && ok)
		ok = same(path, "key id", dk_key_id_hex(key), v->key_id) &&
		     same(path, "custodian", dk_key_custodian(key), v->custodian) &&
		     same(path, "side", dk_side_name(dk_key_side(key)), v->side);
	dk_key_free(key);
	return ok;
}

int
main(int argc, char **argv)
{
	struct vector *v = malloc(sizeof(*v));
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	unsigned done = 0, failed = 0, skipped = 0;
	struct dirent *entry;

	if (!v || !dir) {
		printf("usage: run_key_file FOLDER\n");
		return 2;
	}
	while ((entry = readdir(dir))) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name) >=
		    (int)sizeof(path))
			return 1;
		if (!read_vector(path, v)) {
			skipped++;
			continue;
		}
		for (int from_file = 0; from_file < 2; from_file++)
			failed += !run(path, v, from_file);
		done++;
	}
	(void)closedir(dir);
	free(v);
	printf("%u vectors, %u failures, %u skipped\n", done, failed, skipped);
	return failed == 0 && skipped == 0 && done > 0 ? 0 : 1;
}
