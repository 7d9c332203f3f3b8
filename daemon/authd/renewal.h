/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another key set for an issuer of the policy in force, spec/policy.md section 6.3:
 * looked at when it comes, in force when its record is durable.
 */
#ifndef DK_AUTHD_RENEWAL_H
#define DK_AUTHD_RENEWAL_H

#include "authd/in_force.h"
#include "ipc/fetch.h"
#include "ipc/message.h"
#include "log/record.h"

struct renewal {
	bool pending; /* waits for its record */
	struct token_issuer *issuer;
	struct keyset keys;
	uint8_t digest[32];
	uint64_t fetched_s;
};

enum renewal_step {
	RENEWAL_REFUSED, /* *ret_why says why; nothing has changed */
	RENEWAL_SAME,    /* as before, only younger: in force already */
	RENEWAL_RECORD,  /* pending; ret_field is what the record is to say */
};

/* Only if none is pending. ret_field has room for DK_LOG_KEY_SET_MAX_BYTES. */
enum renewal_step renewal_begin(struct renewal *renewal, struct in_force *now,
    const struct ipc_key_set *set, const char **ret_why, uint8_t *ret_field, size_t *ret_field_len);
/* The record is durable, or it is not. ret_new: how many keys of it were never there before. */
void renewal_end(struct renewal *renewal, bool durable, const struct policy *policy, uint64_t now,
    unsigned *ret_new);

#endif
