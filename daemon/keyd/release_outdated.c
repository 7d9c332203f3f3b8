/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What authd judged before it had taken what keyd told it, spec/ipc.md section 4. Another node's
 * state may come in between, and what authd did not know of then is no reason to deny anything.
 */
#include "format/schedule.h"
#include "keyd/release.h"

static bool
device_is_newer(struct keyd *keyd, const uint8_t id[32], uint64_t told)
{
	const struct device *device = state_device(&keyd->state, id);

	return device && device->told > told;
}

static bool
approver_is_newer(struct keyd *keyd, const struct job *job)
{
	const struct dk_part *claim = &job->claims.of[IPC_CLAIM_APPROVALS];
	struct dk_approvals given;

	if (claim->len == 0 || dk_approvals_parse(claim->data, claim->len, &given) != DK_OK)
		return false;
	for (unsigned i = 0; i < given.count; i++)
		if (device_is_newer(keyd, given.approval[i].key_id, job->told))
			return true;
	return false;
}

static bool
key_is_newer(struct keyd *keyd, const struct dk_release_object *object, uint64_t told)
{
	dk_side side = dk_release_side(object);
	struct key_version *version;
	struct service_key *key;
	struct dk_header header;

	return dk_header_parse_side(
		   object->core, object->core_len, object->set_len, side, &header) == DK_OK &&
	    find_stanza(keyd, object->core, &header.set[side - 1], &key, &version) &&
	    key->told > told;
}

bool
job_outdated(struct keyd *keyd, const struct job *job)
{
#ifdef KEYD_WITHOUT_TOLD /* one test has a program without it, and shows what it is for */
	return false;
#endif
	if (job->told == keyd->told)
		return false;
	/* A DKE key, and whom a token names, authd is not told of. */
	if (job->dke)
		return job->told < keyd->told_in_force;
	if (job->told < keyd->told_in_force || device_is_newer(keyd, job->sig.key_id, job->told) ||
	    approver_is_newer(keyd, job))
		return true;
	for (unsigned i = 0; i < job->count; i++)
		if (key_is_newer(keyd, &job->parsed[i], job->told))
			return true;
	return false;
}
