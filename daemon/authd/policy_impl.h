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
enum policy_kind { POLICY_GROUP, POLICY_RULE, POLICY_ISSUER, POLICY_AUDITOR, POLICY_KINDS };

/* One section; it uses what its kind has. */
struct policy_section {
	const char *title;
	unsigned line;
	unsigned seen; /* a bit for each option */
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
	bool allow;
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

/* policy_value.c: false if it is no value of this option. */
bool policy_value_ok(enum policy_option option, const char *value);
bool policy_network_parse(const char *value, struct policy_network *ret);
bool policy_hours_parse(const char *value, struct policy_hours *ret);
bool policy_zone_parse(const char *value, int *ret_minutes);
/* 0 to 6 from Monday, or -1. */
int policy_weekday(const char *value);

#endif
