/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens that held, by the SHA-256 of their bytes, spec/profiles/ms-dke.md section 5.2: a
 * client shows the same one for each document. Nothing here is the token itself, and what
 * depends on the time is looked at each time. All of it is of one policy with its key sets:
 * whoever changes one of them clears it.
 */
#ifndef DK_AUTHD_DKE_KEPT_H
#define DK_AUTHD_DKE_KEPT_H

#include "authd/dke_token.h"

/* Persons at work at the same time; a token takes the place of another one now and then. */
#define DKE_KEPT_MAX 1024
/* Of groups and roles: a token with more is verified each time. */
#define DKE_KEPT_POOL_BYTES 8192

struct dke_kept {
	struct dke_kept_token *slot[DKE_KEPT_MAX];
};

/* dke_token_verify(), which is called unless this token held before and still does.
 * digest: SHA-256 of text. */
enum dke_token_fault dke_kept_verify(struct dke_kept *kept, const uint8_t digest[32],
    const struct dk_part *text, const struct policy *policy, const struct token_issuers *issuers,
    uint64_t now, struct dke_token *ret);
void dke_kept_clear(struct dke_kept *kept);

#endif
