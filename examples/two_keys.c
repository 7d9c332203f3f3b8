/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library in one page: encrypt a text in memory to two keys, show that one
 * of them is not enough, and read it back.
 *
 *   cc two_keys.c $(pkg-config --cflags --libs libdoublekey) -o two_keys
 */
#include <doublekey/doublekey.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct dk_key *
new_key(dk_side side)
{
	const struct dk_key_spec spec = { .side = side, .type = "p256" };
	struct dk_key *key = NULL;

	if (dk_key_generate(&spec, &key) != DK_OK)
		exit(1);
	return key;
}

static int
read_back(const struct dk_decrypt_params *params, const uint8_t *object, size_t len)
{
	struct dk_place place = { 0 };
	uint8_t *text;
	size_t text_len;
	dk_err err;

	err = dk_decrypt_memory(params, object, len, &text, &text_len, &place);
	if (err != DK_OK) {
		printf("refused: %s (%s at %s)\n", dk_err_text(err), dk_err_name(err), place.text);
		return 0;
	}
	printf("read: %.*s\n", (int)text_len, (const char *)text);
	free(text);
	return 1;
}

int
main(void)
{
	static const char text[] = "two keys, one object";
	struct dk_key *customer = new_key(DK_SIDE_CUSTOMER);
	struct dk_key *provider = new_key(DK_SIDE_PROVIDER);
	const struct dk_encrypt_params encrypt = { .customer = &customer,
		.customer_count = 1,
		.provider = &provider,
		.provider_count = 1,
		.label = "example" };
	struct dk_decrypt_params decrypt = { .provider = &provider, .provider_count = 1 };
	uint8_t *object;
	size_t len;
	int one, both;

	if (dk_encrypt_memory(&encrypt, text, sizeof(text) - 1, &object, &len) != DK_OK)
		return 1;
	printf("object: %zu bytes\n", len);
	one = read_back(&decrypt, object, len);
	decrypt.customer = &customer;
	decrypt.customer_count = 1;
	both = read_back(&decrypt, object, len);
	free(object);
	dk_key_free(customer);
	dk_key_free(provider);
	return both && !one ? 0 : 1;
}
