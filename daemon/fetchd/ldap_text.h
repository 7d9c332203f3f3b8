/* SPDX-License-Identifier: Apache-2.0 */
/* Values that enter a filter, and those that come as bytes, spec/profiles/ms-dke.md section 5.5. */
#ifndef DK_FETCHD_LDAP_TEXT_H
#define DK_FETCHD_LDAP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* "(ATTRIBUTE=NAME)", or with the matching rule for groups in groups; NAME is escaped (RFC 4515).
 * attribute has no byte that would have to be. free(); NULL: no memory. */
char *ldap_text_filter(const char *attribute, bool in_chain, const char *name);

#define LDAP_TEXT_SID_BYTES 192
/* "S-1-5-21-..." from the bytes of an objectSid (MS-DTYP 2.4.2.2). False: they are none. */
bool ldap_text_sid(const void *bytes, size_t len, char ret[LDAP_TEXT_SID_BYTES]);

#endif
