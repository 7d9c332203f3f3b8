/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy, spec/policy.md: rules in order, the first match decides. No file,
 * clock or log is touched here, so that authd, `doublekeyd policy check`, the
 * vectors and the fuzzer run the same code.
 */
#ifndef DK_AUTHD_POLICY_H
#define DK_AUTHD_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_MAX_BYTES 262143

/* Section 9. */
enum policy_error {
	POLICY_OK,
	POLICY_TOO_LARGE,
	POLICY_TEXT,
	POLICY_ENVIRONMENT,
	POLICY_SYNTAX,
	POLICY_TOO_MANY,
	POLICY_TITLE,
	POLICY_REPEATED_TITLE,
	POLICY_UNKNOWN_OPTION,
	POLICY_REPEATED_OPTION,
	POLICY_VALUE,
	POLICY_MISSING_OPTION,
	POLICY_FACTORS,
	POLICY_REPEATED_ISSUER,
	POLICY_KEY_SET_OPTIONS,
	POLICY_UNKNOWN_GROUP,
	POLICY_UNKNOWN_ISSUER,
	POLICY_ISSUER_KEYS,
	POLICY_NO_MEMORY, /* of the machine, not of the file */
};

struct policy_fault {
	enum policy_error error;
	unsigned line;
	char words[120];
};

/* Section 5: why a rule does not match. */
enum policy_why {
	POLICY_MATCHES,
	POLICY_NOT_KEY,
	POLICY_NOT_USER,
	POLICY_NOT_DEVICE,
	POLICY_NOT_LABEL,
	POLICY_NOT_NETWORK,
	POLICY_NOT_WEEKDAY,
	POLICY_NOT_HOURS,
};

/* What the rule that decides says; of factors, the first one that is missing. */
enum policy_verdict {
	VERDICT_DENY,
	VERDICT_ALLOW,
	VERDICT_NEEDS_CERTIFICATE,
	VERDICT_NEEDS_TOKEN,
	VERDICT_NEEDS_APPROVALS,
};

struct policy;

#define POLICY_APPROVALS_MAX 8
#define POLICY_ISSUERS_MAX 16
#define POLICY_AUDITORS_MAX 16
/* 32 of its own, and its digest */
#define POLICY_CERTIFICATE_NAMES_MAX 33

/* Section 6: what was shown and holds, besides the device's signature. */
struct policy_shown {
	/* "cn:TEXT" and so on, of a client certificate; none: no certificate */
	unsigned name_count;
	const char *name[POLICY_CERTIFICATE_NAMES_MAX];
	/* title of the issuer whose token holds; NULL: none */
	const char *issuer;
	/* users who approved */
	unsigned approver_count;
	const char *approver[POLICY_APPROVALS_MAX];
};

/* What one object of a request looks like to the policy. */
struct policy_question {
	const char *user;
	const char *key;
	char device[65];
	const uint8_t *label;
	size_t label_len;
	uint8_t address[16]; /* all zero: not known */
	uint64_t time;
	struct policy_shown shown;
};

struct policy_rule_info {
	const char *title;
	unsigned line;
	bool allow;
	uint32_t per_minute, per_day; /* 0: no limit */
	bool certificate;             /* one is needed */
	bool token;                   /* one is needed */
	unsigned approvals;           /* so many are needed */
};

/* Section 6.3. */
struct policy_issuer {
	const char *title;
	unsigned line;
	const char *url, *audience, *claim;
	uint32_t max_age_s;
	const char *key_set;    /* URL; NULL: its key set is a file */
	const char *key_set_ca; /* file; NULL: the CAs of the system */
	uint32_t key_set_refresh_s, key_set_max_age_s;
};

/* False: *ret_fault says what is wrong and where; *ret is untouched. */
bool policy_parse(
    const char *text, size_t len, struct policy **ret, struct policy_fault *ret_fault);
void policy_free(struct policy *policy);

unsigned policy_rules(const struct policy *policy);
unsigned policy_issuers(const struct policy *policy);
/* Section 2.1: who may get exports of the log. */
struct policy_auditor {
	const char *title;
	const char *key_id; /* 64 hex digits */
};
unsigned policy_auditors(const struct policy *policy);
struct policy_auditor policy_auditor(const struct policy *policy, unsigned auditor);
struct policy_issuer policy_issuer(const struct policy *policy, unsigned issuer);
struct policy_rule_info policy_rule_info(const struct policy *policy, unsigned rule);
enum policy_why policy_rule_why(
    const struct policy *policy, unsigned rule, const struct policy_question *question);
/* The first rule that matches in *ret_rule; or policy_rules(). */
enum policy_verdict policy_judge(
    const struct policy *policy, const struct policy_question *question, unsigned *ret_rule);
/* A list of the rule as text, cut with "..." if it does not fit. */
enum policy_shown_list { POLICY_LIST_CERTIFICATE, POLICY_LIST_TOKENS, POLICY_LIST_APPROVERS };
const char *policy_list_text(const struct policy *policy, unsigned rule,
    enum policy_shown_list list, char *text, size_t cap);
/* Whether the certificate, if the rule wants one, holds for this question. */
bool policy_certificate(
    const struct policy *policy, unsigned rule, const struct policy_question *question);
/* The same for the token. */
bool policy_token(
    const struct policy *policy, unsigned rule, const struct policy_question *question);
/* Approvals of the rule that hold for this question. */
unsigned policy_approvals(
    const struct policy *policy, unsigned rule, const struct policy_question *question);

/* Static, never NULL. */
const char *policy_error_name(enum policy_error error);
const char *policy_why_name(enum policy_why why);
const char *policy_verdict_name(enum policy_verdict verdict);

#endif
