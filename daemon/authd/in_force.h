/* SPDX-License-Identifier: Apache-2.0 */
/* A policy with the keys of its issuers: what judges, as a whole. */
#ifndef DK_AUTHD_IN_FORCE_H
#define DK_AUTHD_IN_FORCE_H

#include "authd/policy.h"
#include "authd/token.h"
#include "crypto/hash.h"

struct in_force {
	struct policy *policy;
	uint8_t digest[32];      /* of its text */
	uint8_t keys_digest[32]; /* of the key sets; zeros: none */
	struct token_issuers issuers;
};

/* sets: key sets as in spec/ipc.md section 3. NULL: *ret_fault says why. */
struct in_force *in_force_new(
    const struct dk_part *text, const struct dk_part *sets, struct policy_fault *ret_fault);
void in_force_free(struct in_force *in_force);

#endif
