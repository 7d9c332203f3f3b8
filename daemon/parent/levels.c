/* SPDX-License-Identifier: Apache-2.0 */
/* What status says of the decrypt rules in force, spec/profiles/ms-dke.md section 7.2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parent/run.h"

#define LEVELS_MAX_BYTES 32768
#define KEYS_BYTES 256
#define GATES_BYTES 512
/* A line is cut nowhere: there is room for one more, and for what says that some are missing. */
#define LINE_MAX_BYTES (64 + 128 + KEYS_BYTES + GATES_BYTES)

static size_t
line(const struct policy *policy, unsigned i, char *text, size_t cap)
{
	const struct policy_decrypt_info rule = policy_decrypt_info(policy, i);
	char keys[KEYS_BYTES], gates[GATES_BYTES];
	int n = snprintf(text, cap, "level\t%s\trule \"%s\"\tkeys: %s\tgates: %s\n",
	    policy_level_name(rule.lowest), rule.title,
	    policy_decrypt_keys(policy, i, keys, sizeof(keys)),
	    policy_decrypt_gates(policy, i, gates, sizeof(gates)));

	return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

void
run_levels_set(struct run *run, const struct policy *policy)
{
	size_t len = 0;
	unsigned i = 0;

	free(run->levels);
	run->levels = policy ? malloc(LEVELS_MAX_BYTES) : NULL;
	if (!run->levels)
		return;
	for (; i < policy_decrypts(policy) && LEVELS_MAX_BYTES - len > 2 * LINE_MAX_BYTES; i++)
		if (policy_decrypt_info(policy, i).allow)
			len += line(policy, i, run->levels + len, LINE_MAX_BYTES);
	run->levels[len] = '\0';
	if (i < policy_decrypts(policy))
		(void)snprintf(run->levels + len, LEVELS_MAX_BYTES - len,
		    "level\t%u more rules: doublekeyd policy check\n", policy_decrypts(policy) - i);
}
