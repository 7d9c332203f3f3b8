/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of a policy in its four files: pieces of text (policy_token.c), values
 * (policy_take.c), what must go together (policy_fit.c), and the file as a whole
 * (policy_parse.c).
 */
#ifndef DK_AUTHD_POLICY_PARSER_H
#define DK_AUTHD_POLICY_PARSER_H

#include "authd/policy_impl.h"

enum policy_token {
	T_END,
	T_WORD,
	T_TEXT,
	T_NUMBER,
	T_OPEN,
	T_CLOSE,
	T_EQUALS,
	T_COMMA,
	T_WRONG,
};

struct policy_parser {
	struct policy *policy;
	struct policy_fault *fault;
	enum policy_kind kind; /* of the section that is read */
	char *at;
	unsigned line; /* of at */
	/* the token that was read last */
	enum policy_token token;
	unsigned token_line;
	const char *text; /* of a T_TEXT */
	char word[POLICY_NAME_MAX_BYTES + 1];
	uint64_t number; /* of a T_NUMBER; UINT64_MAX if zeros stand in front */
};

extern const char *const policy_option_name[POLICY_OPTIONS];
extern const char *const policy_kind_name[POLICY_KINDS];

/* policy_token.c. The first fault is the last: everybody returns false from here on. */
bool policy_fail(struct policy_parser *p, enum policy_error error, unsigned line,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
enum policy_token policy_next(struct policy_parser *p);
/* what: for the words of the fault, if another token comes. */
bool policy_expect(struct policy_parser *p, enum policy_token token, const char *what);

/* policy_take.c: the value that begins with the token read last. */
bool policy_take_value(
    struct policy_parser *p, struct policy_section *section, enum policy_option option);

/* policy_fit.c: a section at its end, and all of them at the end of the file. */
bool policy_section_fits(
    struct policy_parser *p, const struct policy_section *section, enum policy_kind kind);
bool policy_names_fit(struct policy_parser *p);
/* policy_fit_dke.c: the same for tenants and decrypt rules. */
bool policy_tenant_fits(struct policy_parser *p, const struct policy_section *tenant);
bool policy_decrypt_fits(struct policy_parser *p, const struct policy_section *rule);
/* policy_directory.c: the same for directories, and for the groups that rules name. */
bool policy_directory_fits(struct policy_parser *p, const struct policy_section *directory);
bool policy_ldap_groups_fit(struct policy_parser *p);

#endif
