/* SPDX-License-Identifier: Apache-2.0 */
/* Who a token names, spec/profiles/ms-dke.md section 5.2: of ASCII alone, so that no two
 * persons look the same. */
#ifndef DK_AUTHD_PERSON_H
#define DK_AUTHD_PERSON_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define PERSON_MAX_BYTES 254

static inline bool
person_valid(const char *text, size_t len)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    ".!#$%&'*+-/=?^_`{|}~@";

	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0' || !strchr(letters, text[i]))
			return false;
	return len >= 1 && len <= PERSON_MAX_BYTES;
}

/* text has len bytes that person_valid() takes, ret room for one more. */
static inline void
person_lower(const char *text, size_t len, char *ret)
{
	for (size_t i = 0; i < len; i++)
		ret[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	ret[len] = '\0';
}

#endif
