/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges one token by the code that authd runs.
 *
 * usage: run_token POLICY SETS USER TIME < TOKEN
 *
 * SETS is in the form of spec/ipc.md section 3. Prints what is wrong with policy
 * or token, or "holds" and what the record says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/in_force.h"
#include "base/text.h"

static char policy[POLICY_MAX_BYTES], sets[1 << 20], token[1 << 16];

static size_t
read_file(const char *path, char *data, size_t cap)
{
	FILE *file = path ? fopen(path, "rb") : stdin;
	size_t n = file ? fread(data, 1, cap, file) : 0;

	if (file && path)
		(void)fclose(file);
	return n;
}

int
main(int argc, char **argv)
{
	struct policy_fault fault;
	struct token ret = { .issuer = NULL };
	enum token_fault found;
	struct in_force *f;
	char hex[65];
	size_t len;

	if (argc != 5)
		return 2;
	const struct dk_part text = { policy, read_file(argv[1], policy, sizeof(policy)) };
	const struct dk_part keys = { sets, read_file(argv[2], sets, sizeof(sets)) };

	f = in_force_new(&text, &keys, &fault);
	if (!f) {
		printf("%s: %s\n", policy_error_name(fault.error), fault.words);
		return 0;
	}
	len = read_file(NULL, token, sizeof(token));
	found = token_verify(
	    (const uint8_t *)token, len, &f->issuers, argv[3], strtoull(argv[4], NULL, 10), &ret);
	printf("%s", token_fault_name(found));
	if (found == TOKEN_HOLDS) {
		dk_hex(ret.record.thumbprint, 32, hex);
		printf(" %s %s %s %s", ret.issuer, ret.record.key, hex, ret.record.id);
	}
	printf("\n");
	in_force_free(f);
	return 0;
}
