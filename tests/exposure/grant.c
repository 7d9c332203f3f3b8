/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: exposure_grant <CASES
 *
 * What a policy could have allowed. Lines of words, with "." for an empty one: `policy LENGTH`, and
 * that many bytes of its text; then `ask USER DEVICE KEY LABEL FACTORS UNNAMED [APPROVER...]` ("-":
 * not known; FACTORS: letters c, t, a, or "."), for each of which it prints 1 or 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exposure/grant.h"

#define WORDS_MAX 16

static void
die(const char *what)
{
	fprintf(stderr, "exposure_grant: %s\n", what);
	exit(1);
}

static struct dk_grant_policy *
read_policy(size_t len)
{
	static char text[DK_GRANT_TEXT_MAX_BYTES];
	struct dk_grant_policy *policy;

	if (len > sizeof(text) || fread(text, 1, len, stdin) != len)
		die("a text that is not whole");
	if (dk_grant_policy_parse(text, len, &policy) != DK_OK)
		die("not a policy");
	return policy;
}

static const char *
known(const char *word)
{
	return strcmp(word, "-") == 0 ? NULL : word;
}

static void
ask(const struct dk_grant_policy *policy, char **word, size_t count)
{
	struct dk_grant_asked asked = { .user = known(word[1]),
		.device = known(word[2]),
		.key = word[3],
		.label = strcmp(word[4], ".") == 0 ? "" : word[4],
		.certificate = strchr(word[5], 'c') != NULL,
		.token = strchr(word[5], 't') != NULL,
		.approvals = strchr(word[5], 'a') != NULL,
		.unnamed = (size_t)strtoul(word[6], NULL, 10),
		.approver_count = count - 7,
		.approver = (const char *const *)word + 7 };

	if (!policy)
		die("no policy");
	printf("%d\n", dk_grant_may(policy, &asked));
}

int
main(void)
{
	struct dk_grant_policy *policy = NULL;
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		char *word[WORDS_MAX], *rest = line;
		size_t count = 0;

		line[strcspn(line, "\n")] = '\0';
		while (rest && count < WORDS_MAX)
			word[count++] = strsep(&rest, " ");
		if (count == 2 && strcmp(word[0], "policy") == 0) {
			dk_grant_policy_free(policy);
			policy = read_policy((size_t)strtoul(word[1], NULL, 10));
		} else if (count >= 7 && strcmp(word[0], "ask") == 0) {
			ask(policy, word, count);
		} else {
			die(line);
		}
	}
	dk_grant_policy_free(policy);
	free(line);
	return 0;
}
