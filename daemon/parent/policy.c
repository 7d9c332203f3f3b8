/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doublekeyd policy check: what a policy file would do, without a service. The
 * code that judges is the one that authd runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "authd/policy.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "ipc/child.h"
#include "parent/directories.h"
#include "parent/key_sets.h"
#include "parent/parent.h"
#include "parent/policy_check.h"
#include "parent/tell.h"

#define STATUS_INVALID 1
#define STATUS_DENIED 3

static int
complain(const char *what)
{
	return tell_usage("policy check", "%s", what);
}

bool
policy_read(const char *path, char *text, size_t cap, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = -1;

	if (fd >= 0) {
		while ((n = read(fd, text + len, cap - len)) > 0)
			len += (size_t)n;
		(void)close(fd);
	}
	if (n < 0)
		tell(path, "read", "%s", strerror(errno));
	*ret_len = len;
	return n >= 0;
}

struct policy *
policy_open(const struct settings *settings)
{
	static char text[POLICY_MAX_BYTES + 1];
	struct policy *policy = NULL;
	struct policy_fault fault;
	char path[PATH_BYTES];
	size_t len;

	if (path_join(path, settings->dir, "policy.conf") &&
	    policy_read(path, text, sizeof(text), &len) && policy_parse(text, len, &policy, &fault))
		return policy;
	tell("policy.conf", "argument", "it cannot be read; see 'doublekeyd policy check'");
	return NULL;
}

static bool
parse_address(const char *text, uint8_t ret[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET, text, ret + 12) == 1) {
		memcpy(ret, mapped, sizeof(mapped));
		return true;
	}
	return inet_pton(AF_INET6, text, ret) == 1;
}

/* "2031-02-03T04:05:06Z" and nothing else. */
static bool
parse_time(const char *text, uint64_t *ret)
{
	struct tm tm = { .tm_sec = 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	time_t t;

	if (strlen(text) != 20 || !end || *end != '\0')
		return false;
	t = timegm(&tm);
	*ret = (uint64_t)t;
	return t >= 0;
}

static int
take_factors(const struct policy_case *c, struct policy_question *q)
{
	struct policy_shown *shown = &q->shown;

	for (unsigned i = 0; i < c->factor_count && !policy_case_is_dke(c); i++) {
		const char *value = strchr(c->factor[i], '=');

		if (value && strncmp(c->factor[i], "certificate=", 12) == 0 &&
		    shown->name_count < POLICY_CERTIFICATE_NAMES_MAX)
			shown->name[shown->name_count++] = value + 1;
		else if (value && strncmp(c->factor[i], "token=", 6) == 0)
			shown->issuer = value + 1;
		else if (value && strncmp(c->factor[i], "approval=", 9) == 0 &&
		    shown->approver_count < POLICY_APPROVALS_MAX)
			shown->approver[shown->approver_count++] = value + 1;
		else
			return complain("--factor takes certificate=NAME, like certificate=cn:NAME,"
					" token=ISSUER or approval=USER");
	}
	return 0;
}

static int
question_of(const struct policy_case *c, struct policy_question *q)
{
	uint8_t id[32];

	*q = (struct policy_question){ .user = c->user, .key = c->key, .time = ipc_now() };
	q->label = (const uint8_t *)c->label;
	q->label_len = c->label ? strlen(c->label) : 0;
	if (c->device && (strlen(c->device) != 64 || !dk_unhex(c->device, id, sizeof(id))))
		return complain("--device takes a key id, 64 hex digits");
	if (c->device)
		dk_hex(id, sizeof(id), q->device);
	if (c->address && !parse_address(c->address, q->address))
		return complain("--address takes an IPv4 or IPv6 address");
	if (c->time && !parse_time(c->time, &q->time))
		return complain("--time takes a time like 2031-02-03T04:05:06Z");
	return take_factors(c, q);
}

static void
say_budget(struct policy_rule_info rule)
{
	if (rule.per_minute > 0)
		(void)printf("budget\t%u objects a minute for each user\n", rule.per_minute);
	if (rule.per_day > 0)
		(void)printf("budget\t%u objects a day for each user\n", rule.per_day);
}

static void
say_tried(const struct policy *policy, const struct policy_question *q, unsigned decides)
{
	for (unsigned i = 0; i < policy_rules(policy) && i <= decides; i++) {
		struct policy_rule_info rule = policy_rule_info(policy, i);

		if (i == decides)
			(void)printf("line %u\trule \"%s\"\tmatches: allow = %s\n", rule.line,
			    rule.title, rule.allow ? "true" : "false");
		else
			(void)printf("line %u\trule \"%s\"\tdoes not match: %s\n", rule.line,
			    rule.title, policy_why_name(policy_rule_why(policy, i, q)));
	}
	if (decides == policy_rules(policy))
		(void)printf("no rule matches\n");
}

/* What the rule wants besides the device's signature, and what of it is there. */
static void
say_factors(const struct policy *policy, unsigned decides, const struct policy_question *q)
{
	struct policy_rule_info rule = policy_rule_info(policy, decides);
	char names[1024];

	if (rule.certificate)
		(void)printf("factor\tclient certificate, one of: %s\t%s\n",
		    policy_list_text(
			policy, decides, POLICY_LIST_CERTIFICATE, names, sizeof(names)),
		    policy_certificate(policy, decides, q) ? "holds" : "missing");
	if (rule.token)
		(void)printf("factor\ttoken of one of: %s\t%s\n",
		    policy_list_text(policy, decides, POLICY_LIST_TOKENS, names, sizeof(names)),
		    policy_token(policy, decides, q) ? "holds" : "missing");
	if (rule.approvals > 0)
		(void)printf("factor\tapprovals of %u of: %s\t%u there\n", rule.approvals,
		    policy_list_text(policy, decides, POLICY_LIST_APPROVERS, names, sizeof(names)),
		    policy_approvals(policy, decides, q));
}

static int
explain(const struct policy *policy, const struct policy_question *q)
{
	unsigned decides;
	enum policy_verdict verdict = policy_judge(policy, q, &decides);

	say_tried(policy, q, decides);
	if (verdict != VERDICT_DENY) {
		say_factors(policy, decides, q);
		say_budget(policy_rule_info(policy, decides));
	}
	(void)printf("verdict\t%s%s\n", verdict > VERDICT_ALLOW ? "deny: " : "",
	    policy_verdict_name(verdict));
	return verdict == VERDICT_ALLOW ? 0 : STATUS_DENIED;
}

static bool
say_valid(const char *path, const struct policy *policy, const struct dk_part *part)
{
	uint8_t digest[32];
	char hex[65];

	if (dk_sha256(part, 1, digest) != DK_OK)
		return false;
	dk_hex(digest, sizeof(digest), hex);
	(void)printf("%s: valid, %u rules, sha256 %s\n", path,
	    policy_rules(policy) + policy_decrypts(policy), hex);
	policy_say_levels(policy);
	return true;
}

static bool
has_request(const struct policy_case *c)
{
	return c->user || c->device || c->key || c->label || c->address || c->time ||
	    c->factor_count > 0;
}

/* Without it authd does not take the policy. */
static bool
has_key_set(const char *dir, const char *path, const struct policy_issuer *issuer)
{
	char name[64], file[PATH_BYTES];

	if (issuer->key_set ||
	    (snprintf(name, sizeof(name), "issuers/%s.jwks", issuer->title) > 0 &&
		key_set_path(dir, name, file) && access(file, R_OK) == 0))
		return true;
	(void)fprintf(stderr, "%s:%u: %s: %s cannot be read\n", path, issuer->line,
	    policy_error_name(POLICY_ISSUER_KEYS), name);
	return false;
}

static const char *
file_fault(const char *dir, const char *name)
{
	char file[PATH_BYTES];

	return key_set_path(dir, name, file) && access(file, R_OK) == 0 ? NULL : strerror(errno);
}

static void
warn(const char *path, unsigned line, const char *name, const char *why)
{
	if (why)
		(void)fprintf(stderr,
		    "%s:%u: file: %s: %s (a warning: nothing is fetched without it)\n", path, line,
		    name, why);
}

/* That they are there; what is in them is read by authd only, and, but for those of key sets, at
 * each fetch: a policy comes into force without these. */
static bool
has_files(const char *dir, const char *path, const struct policy *policy)
{
	bool ok = true;

	for (unsigned i = 0; i < policy_issuers(policy); i++) {
		struct policy_issuer issuer = policy_issuer(policy, i);

		ok = has_key_set(dir, path, &issuer) && ok;
		if (issuer.key_set && issuer.key_set_ca)
			warn(path, issuer.line, issuer.key_set_ca,
			    file_fault(dir, issuer.key_set_ca));
	}
	for (unsigned i = 0; i < policy_directories(policy); i++) {
		struct policy_directory d = policy_directory(policy, i);

		if (d.ca)
			warn(path, d.line, d.ca, file_fault(dir, d.ca));
		if (d.password_file)
			warn(path, d.line, d.password_file,
			    run_directory_password_fault(dir, d.password_file));
	}
	return ok;
}

int
cmd_policy_check(const struct settings *settings, const struct policy_case *c)
{
	static char text[POLICY_MAX_BYTES + 1];
	struct dk_part part = { text, 0 };
	struct policy_fault fault;
	struct policy_question q;
	struct policy *policy;
	char path[PATH_BYTES];
	int status;

	if (has_request(c) && (!c->user || !c->key))
		return complain("a request to check needs --user and --key");
	if (c->file ? snprintf(path, sizeof(path), "%s", c->file) >= (int)sizeof(path)
		    : !path_join(path, settings->dir, "policy.conf"))
		return complain("the name of the file is too long");
	if (!policy_read(path, text, sizeof(text), &part.len))
		return STATUS_INVALID;
	if (!policy_parse(text, part.len, &policy, &fault)) {
		(void)fprintf(stderr, "%s:%u: %s: %s\n", path, fault.line,
		    policy_error_name(fault.error), fault.words);
		return STATUS_INVALID;
	}
	status =
	    (c->file || has_files(settings->dir, path, policy)) && say_valid(path, policy, &part)
	    ? 0
	    : STATUS_INVALID;
	if (status == 0 && has_request(c)) {
		status = question_of(c, &q);
		if (status == 0)
			status = policy_case_is_dke(c) ? policy_explain_dke(policy, c, &q)
						       : explain(policy, &q);
	}
	policy_free(policy);
	return status;
}
