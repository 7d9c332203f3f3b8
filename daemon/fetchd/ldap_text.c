/* SPDX-License-Identifier: Apache-2.0 */
#include "fetchd/ldap_text.h"

#include <inttypes.h>
#include <ldap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN_CHAIN ":1.2.840.113556.1.4.1941:"
#define SID_HEAD_BYTES 8
#define SID_PARTS_MAX 15

char *
ldap_text_filter(const char *attribute, bool in_chain, const char *name)
{
	struct berval raw = { .bv_val = (char *)(uintptr_t)name, .bv_len = strlen(name) }, escaped;
	size_t cap;
	char *ret;

	if (ldap_bv2escaped_filter_value(&raw, &escaped) != LDAP_SUCCESS)
		return NULL;
	cap = strlen(attribute) + sizeof(IN_CHAIN) + escaped.bv_len + sizeof("(=)");
	ret = malloc(cap);
	if (ret)
		(void)snprintf(ret, cap, "(%s%s=%s)", attribute, in_chain ? IN_CHAIN : "",
		    escaped.bv_len > 0 ? escaped.bv_val : "");
	ber_memfree(escaped.bv_val);
	return ret;
}

/* Revision and authority are big-endian, parts little-endian. */
bool
ldap_text_sid(const void *data, size_t len, char ret[LDAP_TEXT_SID_BYTES])
{
	const uint8_t *bytes = data;
	uint64_t authority = 0;
	size_t at;

	if (len < SID_HEAD_BYTES || bytes[0] != 1 || bytes[1] > SID_PARTS_MAX ||
	    len != SID_HEAD_BYTES + 4 * (size_t)bytes[1])
		return false;
	for (unsigned i = 2; i < SID_HEAD_BYTES; i++)
		authority = authority << 8 | bytes[i];
	/* As text it is decimal below 2^32, else hexadecimal. */
	at = (size_t)snprintf(ret, LDAP_TEXT_SID_BYTES,
	    authority >> 32 ? "S-1-0x%012" PRIx64 : "S-1-%" PRIu64, authority);
	for (const uint8_t *p = bytes + SID_HEAD_BYTES; p < bytes + len; p += 4)
		at += (size_t)snprintf(ret + at, LDAP_TEXT_SID_BYTES - at, "-%" PRIu32,
		    (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0]);
	return true;
}
