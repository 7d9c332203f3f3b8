/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals, spec/key-service.md section 6.1. */
#include <string.h>

#include "keyd/keyd.h"

static bool
holds(struct keyd *keyd, const struct dk_approval *a, const struct dk_approval_terms *terms,
    uint64_t created, uint64_t *ret_index)
{
	struct device *device = state_device(&keyd->state, a->key_id);

	if (!device || device->credential || device->state != DEVICE_ACTIVE ||
	    keyd_device_pkey(keyd, device) != DK_OK)
		return false;
	if (a->time + DK_REQUEST_AHEAD_MAX_S < created ||
	    a->time > ipc_now() + DK_REQUEST_AHEAD_MAX_S)
		return false;
	*ret_index = device->index;
	return dk_approval_verify(device->pkey, terms, a->signature) == DK_OK;
}

unsigned
keyd_approvals(struct keyd *keyd, const struct dk_part *claim, const uint8_t request_digest[32],
    const struct device *requester, uint64_t created, struct keyd_approvals *ret_approvals)
{
	struct dk_approvals given;
	struct dk_approval_terms terms = {
		.request_digest = request_digest, .user = requester->user, .reason = given.reason
	};

	if (claim->len == 0)
		return DK_CODE_OK;
	if (dk_approvals_parse(claim->data, claim->len, &given) != DK_OK)
		return DK_CODE_APPROVAL;
	for (unsigned i = 0; i < given.count; i++) {
		terms.time = given.approval[i].time;
		if (!holds(keyd, &given.approval[i], &terms, created, &ret_approvals->index[i]))
			return DK_CODE_APPROVAL;
	}
	memcpy(ret_approvals->reason, given.reason, sizeof(given.reason));
	ret_approvals->count = given.count;
	return DK_CODE_OK;
}
