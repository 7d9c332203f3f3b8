/* SPDX-License-Identifier: Apache-2.0 */
/* The one key of doublekey-token. */
#ifndef DK_PROVIDER_TOKEN_KEY_H
#define DK_PROVIDER_TOKEN_KEY_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/pkey.h"
#include "provider/helper/message.h"

struct token_key {
	P11KitUri *uri;
	CK_FUNCTION_LIST *f;
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE object; /* the private key; the public one if that was asked for */
	struct dk_pkey *pkey;
	char label[TOKEN_LABEL_MAX_BYTES + 1];
	char why[TOKEN_TEXT_MAX_BYTES]; /* in words, of an error */
};

/* slot.c: find the one token that the URI means, open a session, log in unless public_only
 * and where the token wants it. */
DK_MUST_USE dk_err token_slot_open(struct token_key *key, const char *uri, bool public_only);
DK_MUST_USE dk_err token_slot_login(struct token_key *key);

/* object.c: find the one key there, and its public half. */
DK_MUST_USE dk_err token_object_find(struct token_key *key, bool public_only);

/* use.c */
DK_MUST_USE dk_err token_object_use(struct token_key *key, const uint8_t *in, size_t len,
    uint8_t *out, size_t *ret_len, enum token_result *ret_kind);

/* Say why; returns err. */
dk_err token_why(struct token_key *key, dk_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
