/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the text of a policy could have given to somebody who chooses time and place.
 *
 * Spec: spec/exposure.md section 5.1
 */
#ifndef DK_EXPOSURE_GRANT_H
#define DK_EXPOSURE_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doublekey/error.h"

#define DK_GRANT_TEXT_MAX_BYTES 262143 /* as spec/policy.md section 1 */

/* What is asked, and what can be shown besides the device's signature. All texts end in NUL. */
struct dk_grant_asked {
	const char *user;   /* NULL: nobody knows */
	const char *device; /* its key id, 64 hex digits; NULL: nobody knows */
	const char *key;    /* name of a key */
	const char *label;  /* empty: the object has none */
	bool certificate, token;
	bool approvals; /* as many as are wanted */
	/* else those of these users, none twice, and of so many whose names nobody knows */
	size_t approver_count;
	const char *const *approver;
	size_t unnamed;
};

struct dk_grant_policy;

/* Errors:  DK_ERR_ARGUMENT   it is no policy
 *          DK_ERR_NOMEM */
DK_MUST_USE dk_err dk_grant_policy_parse(
    const char *text, size_t len, struct dk_grant_policy **ret);
/* NULL is allowed. */
void dk_grant_policy_free(struct dk_grant_policy *policy);
/* True where a rule could allow it. False: none does, whenever and from wherever it is asked. */
bool dk_grant_may(const struct dk_grant_policy *policy, const struct dk_grant_asked *asked);

#endif
