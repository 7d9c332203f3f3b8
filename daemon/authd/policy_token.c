/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of a policy's text, spec/policy.md section 1. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/policy_parser.h"

bool
policy_fail(
    struct policy_parser *p, enum policy_error error, unsigned line, const char *format, ...)
{
	va_list args;

	p->fault->error = error;
	p->fault->line = line;
	va_start(args, format);
	if (vsnprintf(p->fault->words, sizeof(p->fault->words), format, args) < 0)
		p->fault->words[0] = '\0';
	va_end(args);
	return false;
}

static void
skip_blanks(struct policy_parser *p)
{
	for (;; p->at++) {
		if (*p->at == '#')
			while (*p->at != '\n' && *p->at != '\0')
				p->at++;
		if (*p->at == '\n')
			p->line++;
		else if (*p->at != ' ' && *p->at != '\t')
			return;
	}
}

static enum policy_token
take_text(struct policy_parser *p)
{
	size_t len = strcspn(++p->at, "\"\\\n\t");

	if (p->at[len] != '"' || len > POLICY_TEXT_MAX_BYTES)
		return T_WRONG;
	p->text = p->at;
	p->at += len;
	*p->at++ = '\0';
	return T_TEXT;
}

static enum policy_token
take_word(struct policy_parser *p)
{
	size_t len = strspn(p->at, "abcdefghijklmnopqrstuvwxyz-");

	if (len == 0 || len > POLICY_NAME_MAX_BYTES)
		return T_WRONG;
	memcpy(p->word, p->at, len);
	p->word[len] = '\0';
	p->at += len;
	return T_WORD;
}

static enum policy_token
take_number(struct policy_parser *p)
{
	size_t len = strspn(p->at, "0123456789");

	if (len > POLICY_DIGITS_MAX)
		return T_WRONG;
	p->number = *p->at == '0' && len > 1 ? UINT64_MAX : strtoull(p->at, NULL, 10);
	p->at += len;
	return T_NUMBER;
}

enum policy_token
policy_next(struct policy_parser *p)
{
	static const char signs[] = "{}=,";
	static const enum policy_token tokens[] = { T_OPEN, T_CLOSE, T_EQUALS, T_COMMA };
	const char *sign;

	skip_blanks(p);
	p->token_line = p->line;
	if (*p->at == '\0') {
		p->token = T_END;
	} else if ((sign = strchr(signs, *p->at))) {
		p->token = tokens[sign - signs];
		p->at++;
	} else if (*p->at >= '0' && *p->at <= '9') {
		p->token = take_number(p);
	} else {
		p->token = *p->at == '"' ? take_text(p) : take_word(p);
	}
	return p->token;
}

bool
policy_expect(struct policy_parser *p, enum policy_token token, const char *what)
{
	if (policy_next(p) == token)
		return true;
	return policy_fail(p, POLICY_SYNTAX, p->token_line, "%s expected", what);
}
