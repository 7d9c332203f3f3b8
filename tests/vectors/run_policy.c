/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the policy vectors through the code that authd runs.
 *
 * usage: run_policy FOLDER
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/policy.h"
#include "folder.h"

#define LINE_BYTES 242 /* with LF and NUL */

struct vector {
	char expect[64], tried[LINE_BYTES], user[80], key[80], label[260];
	char certificate[LINE_BYTES], approvers[LINE_BYTES], token[LINE_BYTES];
	struct policy_question question;
	char text[POLICY_MAX_BYTES + 64];
	size_t len;
};

static bool
take_address(struct vector *v, const char *value)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(v->question.address, mapped, sizeof(mapped));
	return inet_pton(AF_INET, value, v->question.address + 12) == 1 ||
	    inet_pton(AF_INET6, value, v->question.address) == 1;
}

/* Names with a blank between them, into a list of at most max. */
static unsigned
split(char *names, const char **list, unsigned max)
{
	unsigned n = 0;

	for (char *end; *names != '\0' && n < max; names = end) {
		list[n++] = names;
		end = names + strcspn(names, " ");
		if (*end != '\0')
			*end++ = '\0';
	}
	return n;
}

/* One header line; false if its key is not known. */
static bool
take_line(void *ctx, const char *name, const char *value)
{
	struct vector *v = ctx;

	if (strcmp(name, "expect") == 0)
		folder_copy(v->expect, sizeof(v->expect), value);
	else if (strcmp(name, "tried") == 0)
		folder_copy(v->tried, sizeof(v->tried), value);
	else if (strcmp(name, "user") == 0)
		folder_copy(v->user, sizeof(v->user), value);
	else if (strcmp(name, "key") == 0)
		folder_copy(v->key, sizeof(v->key), value);
	else if (strcmp(name, "label") == 0)
		folder_copy(v->label, sizeof(v->label), value);
	else if (strcmp(name, "device") == 0)
		folder_copy(v->question.device, sizeof(v->question.device), value);
	else if (strcmp(name, "time") == 0)
		v->question.time = strtoull(value, NULL, 10);
	else if (strcmp(name, "address") == 0)
		return take_address(v, value);
	else if (strcmp(name, "certificate") == 0)
		folder_copy(v->certificate, sizeof(v->certificate), value);
	else if (strcmp(name, "token") == 0)
		folder_copy(v->token, sizeof(v->token), value);
	else if (strcmp(name, "approvers") == 0)
		folder_copy(v->approvers, sizeof(v->approvers), value);
	else
		return strcmp(name, "spec") == 0 || strcmp(name, "comment") == 0;
	return true;
}

/* Prints why and returns false if the file is no vector. */
static bool
read_vector(const char *path, struct vector *v)
{
	memset(v, 0, sizeof(*v));
	if (!folder_read(path, take_line, v, (uint8_t *)v->text, sizeof(v->text), &v->len))
		return false;
	v->question.user = v->user;
	v->question.key = v->key;
	v->question.label = (const uint8_t *)v->label;
	v->question.label_len = strlen(v->label);
	v->question.shown.name_count =
	    split(v->certificate, v->question.shown.name, POLICY_CERTIFICATE_NAMES_MAX);
	v->question.shown.issuer = v->token[0] ? v->token : NULL;
	v->question.shown.approver_count =
	    split(v->approvers, v->question.shown.approver, POLICY_APPROVALS_MAX);
	return true;
}

static void
outcome(struct vector *v, char got[64], char tried[LINE_BYTES])
{
	struct policy *policy = NULL;
	struct policy_fault fault;
	size_t len = 0;
	unsigned rule;

	tried[0] = '\0';
	if (!policy_parse(v->text, v->len, &policy, &fault)) {
		(void)snprintf(
		    got, 64, "invalid %s %u", policy_error_name(fault.error), fault.line);
		return;
	}
	(void)snprintf(
	    got, 64, "%s", policy_verdict_name(policy_judge(policy, &v->question, &rule)));
	for (unsigned i = 0; i < policy_rules(policy) && i <= rule && len < LINE_BYTES; i++)
		len += (size_t)snprintf(tried + len, LINE_BYTES - len, "%s%s", i ? " " : "",
		    policy_why_name(policy_rule_why(policy, i, &v->question)));
	policy_free(policy);
}

static bool
run(void *ctx, const char *path)
{
	struct vector *v = ctx;
	char got[64], tried[LINE_BYTES];

	if (!read_vector(path, v))
		return false;
	outcome(v, got, tried);
	return folder_same(path, "answer", got, v->expect) &&
	    folder_same(path, "what was tried", tried, v->tried);
}

int
main(int argc, char **argv)
{
	static struct vector v;

	if (argc != 2) {
		printf("usage: run_policy FOLDER\n");
		return 2;
	}
	return folder_run(argv[1], run, &v);
}
