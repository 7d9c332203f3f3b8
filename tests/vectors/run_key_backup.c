/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the key backup vectors through dk_join_add() and dk_join_finish().
 *
 * usage: run_key_backup FOLDER
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doublekey/backup.h"
#include "folder.h"
#include "format/key_file.h"
#include "format/key_impl.h"

#define LINE_BYTES 260
#define SHARES_MAX 32u
#define DATA_MAX_BYTES (1024u * 1024)

/* The values of the header lines, in the order of names[]. */
enum field { EXPECT, AT, WHERE, SIDE, KEY_ID, CUSTODIAN, CREATED, PRIVATE, FIELDS };

static const char *const names[FIELDS] = { "expect", "at", "where", "side", "key-id", "custodian",
	"created", "private" };

struct vector {
	char values[FIELDS][LINE_BYTES];
	size_t share_len[SHARES_MAX];
	unsigned shares;
	uint8_t data[DATA_MAX_BYTES];
	size_t len;
};

/* One header line; false if its key is not known. */
static bool
take_line(void *ctx, const char *name, const char *value)
{
	struct vector *v = ctx;

	for (int i = 0; i < FIELDS; i++) {
		if (strcmp(name, names[i]) == 0) {
			folder_copy(v->values[i], sizeof(v->values[i]), value);
			return true;
		}
	}
	if (strcmp(name, "share") == 0 && v->shares < SHARES_MAX) {
		v->share_len[v->shares++] = (size_t)strtoul(value, NULL, 10);
		return true;
	}
	return strcmp(name, "spec") == 0 || strcmp(name, "comment") == 0;
}

/* Prints why and returns false if the file is no vector. */
static bool
read_vector(const char *path, struct vector *v)
{
	size_t total = 0;

	memset(v, 0, sizeof(*v));
	if (!folder_read(path, take_line, v, v->data, sizeof(v->data), &v->len))
		return false;
	for (unsigned i = 0; i < v->shares; i++)
		total += v->share_len[i];
	if (total != v->len)
		printf("FAIL %s: the lengths of the shares are wrong\n", path);
	return total == v->len;
}

static bool
same(const char *path, enum field field, const char *got, const struct vector *v)
{
	return folder_same(path, names[field], got, v->values[field]);
}

static bool
same_number(const char *path, enum field field, uint64_t got, const struct vector *v)
{
	char text[24] = "";

	if (got != 0 && snprintf(text, sizeof(text), "%" PRIu64, got) < 0)
		return false;
	return same(path, field, text, v);
}

static bool
same_private(const char *path, const struct dk_key *key, const struct vector *v)
{
	dk_auto_private_part part = { .len = sizeof(part.bytes) };
	uint8_t hash[DK_SHA256_BYTES];
	char hex[2 * DK_SHA256_BYTES + 1];
	struct dk_part whole = { .data = part.bytes };

	if (dk_pkey_private_bytes(dk_key_local_pkey(key), part.bytes, &part.len) != DK_OK)
		return false;
	whole.len = part.len;
	if (dk_sha256(&whole, 1, hash) != DK_OK)
		return false;
	dk_hex(hash, sizeof(hash), hex);
	return same(path, PRIVATE, hex, v);
}

static bool
same_key(const char *path, const struct dk_key *key, const struct vector *v)
{
	return dk_key_has_private(key) && same(path, SIDE, dk_side_name(dk_key_side(key)), v) &&
	    same(path, KEY_ID, dk_key_id_hex(key), v) &&
	    same(path, CUSTODIAN, dk_key_custodian(key), v) &&
	    same_number(path, CREATED, key->created, v) && same_private(path, key, v);
}

/* The shares in their order, each in an allocation of its own length. */
static dk_err
add_all(const struct vector *v, struct dk_join *join, unsigned *ret_at, struct dk_place *ret_place)
{
	const uint8_t *text = v->data;

	for (unsigned i = 0; i < v->shares; i++) {
		size_t len = v->share_len[i];
		uint8_t *copy = malloc(len > 0 ? len : 1);
		dk_err err = DK_ERR_NOMEM;

		if (copy) {
			memcpy(copy, text, len);
			err = dk_join_add(join, copy, len, ret_place);
		}
		free(copy);
		*ret_at = i + 1;
		if (err != DK_OK)
			return err;
		text += len;
	}
	*ret_at = 0;
	return DK_OK;
}

static bool
run(void *ctx, const char *path)
{
	struct vector *v = ctx;
	struct dk_join *join = NULL;
	struct dk_key *key = NULL;
	struct dk_place place = { .text = "" };
	unsigned at = 0;
	char got[64] = "success";
	bool ok;
	dk_err err;

	if (!read_vector(path, v))
		return false;
	err = dk_join_new(&join);
	if (err == DK_OK)
		err = add_all(v, join, &at, &place);
	if (err == DK_OK)
		err = dk_join_finish(join, &key);
	if (err != DK_OK &&
	    snprintf(got, sizeof(got), "%s %s", dk_category_name(dk_err_category(err)),
		dk_err_name(err)) < 0)
		return false;
	ok = same(path, EXPECT, got, v) && same_number(path, AT, at, v) &&
	    same(path, WHERE, place.text, v);
	if (key)
		ok = ok && same_key(path, key, v);
	dk_key_free(key);
	dk_join_free(join);
	return ok;
}

int
main(int argc, char **argv)
{
	static struct vector v;

	if (argc != 2) {
		printf("usage: run_key_backup FOLDER\n");
		return 2;
	}
	return folder_run(argv[1], run, &v);
}
