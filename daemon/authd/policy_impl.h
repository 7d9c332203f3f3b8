/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy is between its parser (policy_parser.h, policy_value.c) and its
 * judgement (policy.c). */
#ifndef DK_AUTHD_POLICY_IMPL_H
#define DK_AUTHD_POLICY_IMPL_H

#include "authd/policy.h"

#define POLICY_SECTIONS_MAX 1000
#define POLICY_TITLE_MAX_BYTES 64
#define POLICY_TEXT_MAX_BYTES 255
#define POLICY_NAME_MAX_BYTES 32
#define POLICY_AGE_MAX_S 86400
#define POLICY_KEY_SET_AGE_MAX_S 2592000
#define POLICY_KEY_SET_REFRESH_S 300 /* defaults */
#define POLICY_KEY_SET_AGE_S 86400
#define POLICY_ISSUER_TITLE_MAX_BYTES 32
#define POLICY_ISSUER_TEXT_MAX_BYTES 200
#define POLICY_CLAIM_MAX_BYTES 64
#define POLICY_CERTIFICATE_NAME_MAX_BYTES 200
#define POLICY_BUDGET_MAX 1000000000u
#define POLICY_DIGITS_MAX 10
/* spec/profiles/ms-dke.md sections 5.1 and 6 */
#define POLICY_TENANT_AGE_MIN_S 60
#define POLICY_TENANT_AGE_S 5400 /* defaults */
#define POLICY_QUARANTINE_S 86400
#define POLICY_GATES_MAX 8
#define POLICY_APPROVAL_HOURS_MAX 8784
#define POLICY_APPROVAL_HOURS_DEFAULT 720
#define POLICY_QUARANTINE_MAX_S 2592000
#define POLICY_DIRECTORY_AGE_S 3600 /* default */
#define POLICY_ATTRIBUTE_MAX_BYTES 64

/* A text in the policy's own copy of the file; the quote behind it is a NUL. */
struct policy_text {
	const char *s;
	unsigned line;
};

/* A part of policy->text. */
struct policy_list {
	bool given;
	unsigned first;
	unsigned count;
};

enum policy_option {
	POLICY_KEYS,
	POLICY_USERS,
	POLICY_GROUPS,
	POLICY_DEVICES,
	POLICY_LABELS,
	POLICY_NETWORKS,
	POLICY_WEEKDAYS,
	POLICY_HOURS,
	POLICY_CERTIFICATE,
	POLICY_TOKENS,
	POLICY_APPROVERS,
	/* of a tenant */
	POLICY_TENANT_ISSUERS,
	POLICY_AUDIENCES,
	POLICY_CLIENTS,
	POLICY_SCOPES,
	POLICY_CLAIMS,
	/* of a decrypt rule */
	POLICY_DKE_KEYS,
	POLICY_TENANTS,
	POLICY_PERSONS,
	POLICY_TOKEN_GROUPS,
	POLICY_ROLES,
	POLICY_CANARIES,
	POLICY_GATES,
	POLICY_LDAP_GROUPS,
	/* of a directory */
	POLICY_DIRECTORY_GROUPS,
	POLICY_LISTS, /* the options before it have lists */
	POLICY_ZONE = POLICY_LISTS,
	POLICY_PER_MINUTE,
	POLICY_PER_DAY,
	POLICY_APPROVALS,
	POLICY_ALLOW,
	POLICY_URL,
	POLICY_AUDIENCE,
	POLICY_CLAIM,
	POLICY_MAX_AGE,
	POLICY_KEY_SET,
	POLICY_KEY_SET_CA,
	POLICY_KEY_SET_REFRESH,
	POLICY_KEY_SET_MAX_AGE,
	POLICY_KEY_ID,
	POLICY_TENANT_ID,
	POLICY_METADATA,
	POLICY_TENANT_MAX_AGE,
	POLICY_QUARANTINE,
	POLICY_SINGLE_USE,
	POLICY_DOCUMENT_PER_DAY,
	POLICY_KEY_PER_DAY,
	POLICY_ACCEPT_LEVEL,
	POLICY_APPROVAL_HOURS,
	POLICY_DIRECTORY_URL,
	POLICY_DIRECTORY_CA,
	POLICY_BIND_DN,
	POLICY_PASSWORD_FILE,
	POLICY_BASE,
	POLICY_ATTRIBUTE,
	POLICY_DIRECTORY_CLAIM,
	POLICY_MEMBER_OF,
	POLICY_NESTED,
	POLICY_DIRECTORY_REFRESH,
	POLICY_DIRECTORY_MAX_AGE,
	POLICY_OPTIONS,
};

struct policy_network {
	uint8_t address[16];
	unsigned bits; /* of the 128 */
};

struct policy_hours {
	unsigned begin, end; /* minutes of the day */
};

/* What a section is, and so which options it may have. */
enum policy_kind {
	POLICY_GROUP,
	POLICY_RULE,
	POLICY_ISSUER,
	POLICY_AUDITOR,
	POLICY_TENANT,
	POLICY_DECRYPT,
	POLICY_DIRECTORY,
	POLICY_KINDS,
};

/* One section; it uses what its kind has. */
struct policy_section {
	const char *title;
	unsigned line;
	uint64_t seen; /* a bit for each option */
	struct policy_list list[POLICY_LISTS];
	unsigned weekdays; /* a bit for each, Monday is the first */
	int zone;          /* minutes ahead of UTC */
	uint32_t per_minute, per_day;
	uint32_t approvals;
	const char *url, *audience, *claim;
	uint32_t max_age;
	const char *key_set, *key_set_ca;
	uint32_t key_set_refresh, key_set_max_age; /* 0: not given */
	const char *key_id;
	const char *tenant_id, *metadata;
	const char *bind_dn, *password_file, *base, *attribute, *member_of, *nested;
	uint32_t quarantine, document_per_day, key_per_day;
	uint32_t approval_hours;        /* 0: not given */
	enum policy_level accept_level; /* POLICY_LEVEL_NONE: not given */
	bool allow;
	bool single_use;
};

struct policy {
	char *copy;
	struct policy_text *text;
	unsigned text_count, text_cap;
	struct policy_sections {
		struct policy_section *item;
		unsigned count, cap;
	} of[POLICY_KINDS];
};

static inline uint32_t
policy_key_set_refresh(const struct policy_section *s)
{
	return s->key_set_refresh ? s->key_set_refresh : POLICY_KEY_SET_REFRESH_S;
}
static inline uint32_t
policy_key_set_max_age(const struct policy_section *s)
{
	return s->key_set_max_age ? s->key_set_max_age : POLICY_KEY_SET_AGE_S;
}

static inline uint32_t
policy_approval_hours(const struct policy_section *s)
{
	return s->approval_hours ? s->approval_hours : POLICY_APPROVAL_HOURS_DEFAULT;
}

static inline bool
policy_has(const struct policy_section *s, enum policy_option option)
{
	return s->seen & (UINT64_C(1) << option);
}

/* policy.c, for both kinds of rules. */
bool policy_list_has(
    const struct policy *policy, const struct policy_list *list, const void *value, size_t len);
/* The same for a name, which "*" stands for; for a user, in users or groups of the rule. */
bool policy_has_name(const struct policy *policy, const struct policy_list *list, const char *name);
bool policy_has_user(
    const struct policy *policy, const struct policy_section *rule, const char *user);
/* As text, cut with "..." if it does not fit. */
const char *policy_list_join(
    const struct policy *policy, const struct policy_list *list, char *text, size_t cap);
/* network, weekday and hours */
enum policy_why policy_where_and_when(const struct policy *policy,
    const struct policy_section *rule, const uint8_t address[16], uint64_t time);

/* policy_fit.c: whether approvals and approvers go together. */
bool policy_approvers_fit(const struct policy *policy, const struct policy_section *rule);

/* policy_approved.c: gates that approvals make hold, spec/profiles/ms-dke.md section 7.3; which
 * ones they are. */
unsigned policy_approved_gates(const struct policy *policy, const struct policy_section *rule,
    const struct policy_dke_question *q, struct policy_dke_answer *answer);

/* policy_fit_dke.c: the gates of a rule; returns how many texts. */
unsigned policy_decrypt_texts(
    const struct policy *policy, const struct policy_section *rule, unsigned ret[POLICY_GATES_MAX]);

/* policy_value_dke.c: as policy_value_ok(), for options of tenants and decrypt rules. */
bool policy_value_dke_ok(enum policy_option option, const char *value);
/* Items that the list may have. */
unsigned policy_list_max(enum policy_option option);
bool policy_is_url(const char *value);
bool policy_is_hex_id(const char *value);

/* policy_directory.c: as policy_value_ok(), for options of directories, and groups in them. */
bool policy_value_directory_ok(enum policy_option option, const char *value);
/* Whether one of these groups is of a directory with a bit in directories. */
bool policy_groups_of(
    const struct policy *policy, const struct policy_list *groups, unsigned directories);

/* policy_value.c: false if it is no value of this option. */
bool policy_value_ok(enum policy_option option, const char *value);
bool policy_network_parse(const char *value, struct policy_network *ret);
bool policy_hours_parse(const char *value, struct policy_hours *ret);
bool policy_zone_parse(const char *value, int *ret_minutes);
/* 0 to 6 from Monday, or -1. */
int policy_weekday(const char *value);

#endif
