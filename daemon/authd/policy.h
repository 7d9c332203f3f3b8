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
	POLICY_LEVEL,
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
	POLICY_NOT_TENANT,
	POLICY_NOT_KNOWN, /* a directory does not say whether */
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
#define POLICY_TENANTS_MAX 16
#define POLICY_SOURCES_MAX (POLICY_ISSUERS_MAX + POLICY_TENANTS_MAX)
#define POLICY_DIRECTORIES_MAX 4
#define POLICY_DIRECTORY_GROUPS_MAX 32
#define POLICY_DN_MAX_BYTES 255
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

/* Section 6.3: an issuer, or a tenant of spec/profiles/ms-dke.md section 5.1. */
struct policy_issuer {
	const char *title;
	unsigned line;
	bool tenant;
	unsigned number;                    /* among those of its kind */
	const char *url, *audience, *claim; /* NULL for a tenant */
	uint32_t max_age_s;
	const char *key_set;    /* URL; NULL: its key set is a file */
	bool metadata;          /* that URL is one of a document that names the key set */
	const char *key_set_ca; /* file; NULL: the CAs of the system */
	uint32_t key_set_refresh_s, key_set_max_age_s;
};

/* False: *ret_fault says what is wrong and where; *ret is untouched. */
bool policy_parse(
    const char *text, size_t len, struct policy **ret, struct policy_fault *ret_fault);
void policy_free(struct policy *policy);

unsigned policy_rules(const struct policy *policy);
/* Those with a key set: issuers, and behind them tenants; at most POLICY_SOURCES_MAX. */
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

/* ---- decrypt rules, spec/profiles/ms-dke.md sections 5.1, 6 and 7 ---- */

enum policy_tenant_list {
	POLICY_TENANT_LIST_ISSUERS,
	POLICY_TENANT_LIST_AUDIENCES,
	POLICY_TENANT_LIST_CLIENTS,
	POLICY_TENANT_LIST_SCOPES,
	POLICY_TENANT_LIST_CLAIMS,
};

/* Whether a key set may be fetched from this URL, which a document at another one names: of
 * the same server, and the id is a whole segment of its path. */
bool policy_key_set_url_ok(const char *metadata, const char *id, const char *url);
const char *policy_tenant_id(const struct policy *policy, unsigned tenant);
uint32_t policy_tenant_quarantine_s(const struct policy *policy, unsigned tenant);
/* Its tokens unwrap once. */
bool policy_tenant_single_use(const struct policy *policy, unsigned tenant);
/* The items of a list, or of what stands for it if it is absent; NULL behind the last one. */
const char *policy_tenant_text(
    const struct policy *policy, unsigned tenant, enum policy_tenant_list list, unsigned item);
/* Whether one item is value, byte for byte. */
bool policy_tenant_has(const struct policy *policy, unsigned tenant, enum policy_tenant_list list,
    const char *value, size_t len);

enum policy_gate {
	POLICY_GATE_CONFIRMATION = 1,
	POLICY_GATE_CLIENT_CERTIFICATE = 2,
	POLICY_GATE_FRONT_CERTIFICATE = 4,
	POLICY_GATE_FRONT_NETWORK = 8,
	POLICY_GATE_PRESENCE = 16,
	POLICY_GATE_APPROVED_DOCUMENT = 32,
	POLICY_GATE_NETWORK = 64,
	POLICY_GATE_APPROVED_KEY = 128,
};
#define POLICY_GATES_APPROVED (POLICY_GATE_APPROVED_DOCUMENT | POLICY_GATE_APPROVED_KEY)

/* Section 7.2, by their numbers in records. */
enum policy_level {
	POLICY_LEVEL_NONE = 0,
	POLICY_LEVEL_C = 3,
	POLICY_LEVEL_C_MINUS = 4,
	POLICY_LEVEL_C_AMBIENT = 6,
};
#define POLICY_LEVELS 7

/* "confirmation or presence": a bit for each gate; 0: no such text. */
unsigned policy_gates_parse(const char *text);
/* One text of a list is a set of gates, of which one is enough. The level that was reached
 * with those in held; POLICY_LEVEL_NONE: a gate is missing. */
enum policy_level policy_gates_level(const unsigned *texts, unsigned count, unsigned held);
/* The least that they may come to. */
enum policy_level policy_gates_lowest(const unsigned *texts, unsigned count);
/* "C-" or "C- (ambient)", which may be accepted; false: another text. */
bool policy_level_from_name(const char *name, enum policy_level *ret);

enum policy_dke_verdict {
	DKE_VERDICT_DENY,
	DKE_VERDICT_ALLOW,
	DKE_VERDICT_GATE, /* one is missing */
	DKE_VERDICT_CANARY,
	DKE_VERDICT_APPROVALS, /* nothing is missing but they are */
	DKE_VERDICT_DIRECTORY, /* whether it matches is not known */
};

/* Section 7.3: one that stands, of this document or key and for this person. */
struct policy_approval {
	bool key; /* of the key, whatever has it */
	const char *user;
	uint64_t time;
	unsigned needed; /* so many have to be there */
};
#define POLICY_STANDING_MAX 32

/* Texts of a claim of a token. */
struct policy_texts {
	unsigned count;
	const char *const *item;
};

struct policy_dke_question {
	const char *key;    /* DKE name */
	const char *tenant; /* title */
	const char *person;
	struct policy_texts groups, roles;
	struct policy_texts ldap_groups; /* as the policy writes them */
	struct policy_texts ldap_gone;   /* that are not there, likewise */
	unsigned unknown;                /* a bit for each directory that does not say */
	const char *document;            /* 64 hex digits */
	uint8_t address[16];             /* all zero: not known */
	uint64_t time;
	unsigned held;           /* gates, but for the network */
	unsigned approval_count; /* at most POLICY_STANDING_MAX */
	const struct policy_approval *approval;
};

struct policy_decrypt_info {
	const char *title;
	unsigned line;
	bool allow;
	uint32_t per_minute, per_day, document_per_day, key_per_day; /* 0: no limit */
	enum policy_level lowest;
	unsigned approvals; /* so many are needed; 0: none */
	uint32_t approval_hours;
	unsigned approved; /* of POLICY_GATES_APPROVED, those that it names */
};

struct policy_dke_answer {
	enum policy_dke_verdict verdict;
	unsigned rule;           /* that decided; policy_decrypts(): none */
	enum policy_level level; /* of DKE_VERDICT_ALLOW */
	unsigned named;          /* gates of the rule, if it allows */
	/* approvals of the question that made a gate hold, ascending */
	unsigned counted_count;
	unsigned counted[POLICY_APPROVALS_MAX];
};

unsigned policy_decrypts(const struct policy *policy);
struct policy_decrypt_info policy_decrypt_info(const struct policy *policy, unsigned rule);
/* Why it does not match: key, tenant, user, network, weekday or hours. */
enum policy_why policy_decrypt_why(
    const struct policy *policy, unsigned rule, const struct policy_dke_question *question);
/* Whether this user is one of its approvers. */
bool policy_decrypt_approver(const struct policy *policy, unsigned rule, const char *user);
bool policy_decrypt_has_key(const struct policy *policy, unsigned rule, const char *key);
struct policy_dke_answer policy_dke_judge(
    const struct policy *policy, const struct policy_dke_question *question);
/* The keys of a rule as they stand there; cut with "..." if they do not fit. */
const char *policy_decrypt_keys(const struct policy *policy, unsigned rule, char *text, size_t cap);
/* The gates of a rule as they stand there, or "-"; cut likewise. */
const char *policy_decrypt_gates(
    const struct policy *policy, unsigned rule, char *text, size_t cap);

/* ---- directories, spec/profiles/ms-dke.md section 5.5 ---- */

enum policy_nested { POLICY_NESTED_NONE, POLICY_NESTED_WALK, POLICY_NESTED_IN_CHAIN };

struct policy_directory {
	const char *title;
	unsigned line;
	const char *url, *ca;                /* ca NULL: those of the system */
	const char *bind_dn, *password_file; /* both or none of them NULL */
	const char *base;                    /* these three as they stand there */
	const char *attribute, *claim, *member_of;
	enum policy_nested nested;
	uint32_t refresh_s, max_age_s;
};
unsigned policy_directories(const struct policy *policy);
struct policy_directory policy_directory(const struct policy *policy, unsigned directory);
/* As the policy writes it; NULL behind the last one. */
const char *policy_directory_group(const struct policy *policy, unsigned directory, unsigned group);
/* Whether it knows the persons of this tenant. */
bool policy_directory_of(const struct policy *policy, unsigned directory, const char *tenant);
/* What a distinguished name of the policy stands for. False: it is none. */
bool policy_dn_decode(const char *text, char ret[POLICY_DN_MAX_BYTES + 1]);

/* Static, never NULL. */
const char *policy_level_name(enum policy_level level);
const char *policy_dke_verdict_name(enum policy_dke_verdict verdict);
const char *policy_error_name(enum policy_error error);
const char *policy_why_name(enum policy_why why);
const char *policy_verdict_name(enum policy_verdict verdict);

#endif
