/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that unwraps, built with the marks of base/secret.h, for a run under
 * valgrind: it reports a branch or an address that depends on a secret.
 *
 * usage: ct VECTORS
 *        ct --leak    the negative control, which valgrind must report
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "base/secret.h"
#include "crypto/dke.h"
#include "doublekey/backup.h"
#include "doublekey/doublekey.h"

#define FILE_MAX_BYTES 20000
#define PASSPHRASE "correct horse battery staple" /* that of the vectors */

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                 \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static dk_err
give(void *ctx, const char *name, uint8_t *buf, size_t cap, size_t *ret_len)
{
	(void)ctx;
	(void)name;
	MUST(cap >= strlen(PASSPHRASE));
	*ret_len = strlen(PASSPHRASE);
	memcpy(buf, PASSPHRASE, *ret_len);
	return DK_OK;
}

static size_t
read_file(const char *folder, const char *name, uint8_t text[FILE_MAX_BYTES])
{
	char path[4096];
	FILE *file;
	size_t len;

	MUST(snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path));
	file = fopen(path, "rb");
	MUST(file);
	len = fread(text, 1, FILE_MAX_BYTES, file);
	(void)fclose(file);
	return len;
}

static struct dk_key *
load(const char *folder, const char *name, dk_side side)
{
	static uint8_t text[FILE_MAX_BYTES];
	const struct dk_key_options options = { .passphrase = give };
	size_t len = read_file(folder, name, text);
	uint8_t *start = memmem(text, len, "\n\n", 2);
	struct dk_key *key = NULL;

	MUST(start);
	start += 2;
	MUST(dk_key_read(start, len - (size_t)(start - text), name, side, &options, &key) == DK_OK);
	return key;
}

/* Both unwraps, share commitments, set MACs, key commitment, header MAC, metadata. */
static void
open_object(struct dk_key *customer, struct dk_key *provider)
{
	const struct dk_encrypt_params to = { .customer = &customer,
		.customer_count = 1,
		.provider = &provider,
		.provider_count = 1,
		.file_name = "report" };
	const struct dk_decrypt_params from = { .customer = &customer,
		.customer_count = 1,
		.provider = &provider,
		.provider_count = 1 };
	static const char text[] = "One key is never enough.\n";
	uint8_t *object = NULL, *plain = NULL;
	size_t object_len, plain_len;
	struct dk_place place;

	MUST(dk_encrypt_memory(&to, text, sizeof(text), &object, &object_len) == DK_OK);
	MUST(dk_decrypt_memory(&from, object, object_len, &plain, &plain_len, &place) == DK_OK);
	MUST(plain_len == sizeof(text));
	dk_ct_public(plain, plain_len);
	MUST(memcmp(plain, text, plain_len) == 0);
	free(plain);
	/* And what refuses: the last byte of the header MAC's block is in the way. */
	object[object_len - 1] ^= 1;
	MUST(dk_decrypt_memory(&from, object, object_len, &plain, &plain_len, &place) != DK_OK);
	free(object);
}

static void
join_shares(const struct dk_key *key)
{
	const struct dk_split_params params = { .shares = 3, .threshold = 2 };
	static char text[DK_SHARE_TEXT_MAX_BYTES];
	struct dk_split *split = NULL;
	struct dk_join *join = NULL;
	struct dk_key *joined = NULL;
	struct dk_place place;

	MUST(dk_key_split(key, &params, &split) == DK_OK && dk_join_new(&join) == DK_OK);
	for (unsigned i = 3; i > 1; i--) {
		size_t len;

		MUST(dk_split_write(split, i, text, sizeof(text), &len) == DK_OK);
		MUST(dk_join_add(join, (const uint8_t *)text, len, &place) == DK_OK);
	}
	MUST(dk_join_finish(join, &joined) == DK_OK);
	MUST(strcmp(dk_key_id_hex(joined), dk_key_id_hex(key)) == 0);
	dk_key_free(joined);
	dk_join_free(join);
	dk_split_free(split);
}

/* What opens, and each way in which it does not. */
static void
unwrap_values(const char *folder)
{
	static const char *const names[] = { "blob", "one", "190", "first", "label", "mark", "none",
		"padding", "bit", "above", "long", "short", "zeros" };
	static uint8_t text[FILE_MAX_BYTES];
	struct dk_dke_key *key;
	size_t len = read_file(folder, "keys/dke-rsa2048.pem", text);
	unsigned opened = 0;

	MUST(dk_dke_import((const char *)text, len, &key) == DK_OK);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		dk_auto_dke_plain plain = { .len = 0 };
		char name[64];
		uint8_t *start, *size;

		(void)snprintf(name, sizeof(name), "ms-dke/unwrap_rsa2048_%s", names[i]);
		len = read_file(folder, name, text);
		start = memmem(text, len, "\n\n", 2);
		size = memmem(text, len, "part: value ", 12);
		MUST(start && size);
		opened += dk_dke_unwrap(key, start + 2, strtoul((char *)size + 12, NULL, 10),
			      &plain) == DK_OK;
	}
	MUST(opened == 3);
	dk_dke_free(key);
}

/* As a comparison must not be: it ends at the first difference. */
static int
equal_early(const volatile uint8_t *a, const volatile uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i])
			return 0;
	return 1;
}

static int
leak(void)
{
	uint8_t secret[16] = { 1 }, other[16] = { 1, 2 };
	int same;

	dk_ct_secret(secret, sizeof(secret));
	same = equal_early(secret, other, sizeof(secret));
	dk_ct_public(&same, sizeof(same));
	return same;
}

int
main(int argc, char **argv)
{
	static const char *const names[] = { "valid_customer_p256_sealed", "valid_customer_p384",
		"valid_customer_rsa3072" };
	struct dk_key *provider;
	char folder[4096];

	MUST(argc == 2 && RUNNING_ON_VALGRIND);
	if (strcmp(argv[1], "--leak") == 0)
		return leak();
	MUST(snprintf(folder, sizeof(folder), "%s/key-file", argv[1]) < (int)sizeof(folder));
	provider = load(folder, "valid_provider_p256", DK_SIDE_PROVIDER);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct dk_key *key = load(folder, names[i], DK_SIDE_CUSTOMER);

		open_object(key, provider);
		join_shares(key);
		dk_key_free(key);
	}
	dk_key_free(provider);
	unwrap_values(argv[1]);
	return 0;
}
