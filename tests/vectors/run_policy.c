/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the policy vectors through the code that authd runs.
 *
 * usage: run_policy FOLDER
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/policy.h"

#define LINE_BYTES 242 /* with LF and NUL */

struct vector {
	char expect[64], tried[LINE_BYTES], user[80], key[80], label[260];
	struct policy_question question;
	char text[POLICY_MAX_BYTES + 64];
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

static bool
take_address(struct vector *v, const char *value)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(v->question.address, mapped, sizeof(mapped));
	return inet_pton(AF_INET, value, v->question.address + 12) == 1 ||
	    inet_pton(AF_INET6, value, v->question.address) == 1;
}

/* One header line; false if its key is not known. */
static bool
take_line(struct vector *v, const char *name, const char *value)
{
	if (strcmp(name, "expect") == 0)
		copy(v->expect, sizeof(v->expect), value);
	else if (strcmp(name, "tried") == 0)
		copy(v->tried, sizeof(v->tried), value);
	else if (strcmp(name, "user") == 0)
		copy(v->user, sizeof(v->user), value);
	else if (strcmp(name, "key") == 0)
		copy(v->key, sizeof(v->key), value);
	else if (strcmp(name, "label") == 0)
		copy(v->label, sizeof(v->label), value);
	else if (strcmp(name, "device") == 0)
		copy(v->question.device, sizeof(v->question.device), value);
	else if (strcmp(name, "time") == 0)
		v->question.time = strtoull(value, NULL, 10);
	else if (strcmp(name, "address") == 0)
		return take_address(v, value);
	else
		return strcmp(name, "spec") == 0 || strcmp(name, "comment") == 0;
	return true;
}

/* Prints why and returns false if the file is no vector. */
static bool
read_vector(const char *path, struct vector *v)
{
	FILE *file = fopen(path, "rb");
	char line[LINE_BYTES];
	char *value;
	bool known = true;

	memset(v, 0, sizeof(*v));
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file) && line[0] != '\n') {
		line[strcspn(line, "\n")] = '\0';
		value = strstr(line, ": ");
		if (value) {
			*value = '\0';
			value += 2;
		}
		if (!value || !take_line(v, line, value)) {
			printf("FAIL %s: header line \"%s\" is not known\n", path, line);
			known = false;
		}
	}
	v->len = fread(v->text, 1, sizeof(v->text), file);
	(void)fclose(file);
	v->question.user = v->user;
	v->question.key = v->key;
	v->question.label = (const uint8_t *)v->label;
	v->question.label_len = strlen(v->label);
	return known;
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
		(void)snprintf(got, 64, "invalid %s %u", policy_error_name(fault.error), fault.line);
		return;
	}
	(void)snprintf(got, 64, "%s", policy_allows(policy, &v->question, &rule) ? "allow" : "deny");
	for (unsigned i = 0; i < policy_rules(policy) && i <= rule && len < LINE_BYTES; i++)
		len += (size_t)snprintf(tried + len, LINE_BYTES - len, "%s%s", i ? " " : "",
		    policy_why_name(policy_rule_why(policy, i, &v->question)));
	policy_free(policy);
}

static bool
run(const char *path)
{
	static struct vector v;
	char got[64], tried[LINE_BYTES];

	if (!read_vector(path, &v))
		return false;
	outcome(&v, got, tried);
	if (strcmp(got, v.expect) == 0 && strcmp(tried, v.tried) == 0)
		return true;
	printf("FAIL %s: %s (%s), not %s (%s)\n", path, got, tried, v.expect, v.tried);
	return false;
}

int
main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	unsigned passed = 0, failed = 0;
	const struct dirent *entry;
	char path[4096];

	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		copy(path, sizeof(path), argv[1]);
		copy(path + strlen(path), sizeof(path) - strlen(path), "/");
		copy(path + strlen(path), sizeof(path) - strlen(path), entry->d_name);
		if (run(path))
			passed++;
		else
			failed++;
	}
	if (folder)
		(void)closedir(folder);
	printf("%u passed, %u failed\n", passed, failed);
	/* A folder that was not found would look like one without failures. */
	return passed > 0 && failed == 0 ? 0 : 1;
}
