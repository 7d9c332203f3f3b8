/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/assess/grants.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* ---- what the thief can show ---- */

static bool
stolen(const struct assess *a, enum dk_theft_kind kind)
{
	const struct dk_theft *theft = a->theft.at;

	for (size_t i = 0; i < a->theft.count; i++)
		if (theft[i].kind == kind && theft[i].since <= a->incident->to &&
		    (kind != DK_THEFT_PROCESS || theft[i].id == DK_EXPOSURE_FETCHD))
			return true;
	return false;
}

static bool
has_approver(const struct assess_grants *g, const char *user)
{
	const char *const *approver = g->approver.at;

	for (size_t i = 0; i < g->approver.count; i++)
		if (strcmp(approver[i], user) == 0)
			return true;
	return false;
}

static dk_err
add_approvers(struct assess_grants *g)
{
	const struct assess_device *device = g->assess->device.at;

	for (size_t i = 0; i < g->assess->device.count; i++) {
		const char **approver;

		if (!dk_exposure_device_had(g->exposure, device[i].index))
			continue;
		if (device[i].user[0] == '\0') {
			g->asked.unnamed++;
			continue;
		}
		if (has_approver(g, device[i].user))
			continue;
		approver = array_add(&g->approver, sizeof(*approver));
		if (!approver)
			return DK_ERR_NOMEM;
		*approver = device[i].user;
	}
	g->asked.approver = g->approver.at;
	g->asked.approver_count = g->approver.count;
	return DK_OK;
}

dk_err
assess_grants_begin(
    struct assess_grants *grants, const struct assess *a, const struct dk_exposure *x)
{
	unsigned without = a->incident->not_shown;

	*grants = (struct assess_grants){ .assess = a, .exposure = x };
	grants->asked.certificate = !(without & INCIDENT_CERTIFICATES) || stolen(a, DK_THEFT_CA);
	grants->asked.token = !(without & INCIDENT_TOKENS) || stolen(a, DK_THEFT_TOKEN_KEY) ||
	    stolen(a, DK_THEFT_PROCESS);
	grants->asked.approvals = !(without & INCIDENT_APPROVALS);
	return add_approvers(grants);
}

/* ---- one question ---- */

struct answer {
	uint32_t key;
	bool granted;
	const char *label;
	char text[];
};

struct question {
	const struct assess_grants *grants;
	struct dk_grant_asked asked;
};

static const struct assess_device *
find_device(const struct assess *a, uint64_t index)
{
	const struct assess_device *device = a->device.at;
	size_t low = 0, high = a->device.count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (device[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low < a->device.count && device[low].index == index ? &device[low] : NULL;
}

static bool
may(void *ctx, uint32_t number, uint64_t index)
{
	struct question *q = ctx;
	const struct assess *a = q->grants->assess;
	const struct assess_policy *policy = (struct assess_policy *)a->policy.at + number;
	const struct assess_device *device = find_device(a, index);
	char id[65];

	if (!policy->text || !device)
		return true;
	dk_hex(device->id, sizeof(device->id), id);
	q->asked.user = device->user[0] ? device->user : NULL;
	q->asked.device = device->erased ? NULL : id;
	return dk_grant_may(policy->text, &q->asked);
}

static bool
is_own(const struct assess *a, const uint8_t id[32])
{
	for (size_t i = 0; i < a->incident->own_count; i++)
		if (memcmp(a->incident->own[i], id, 32) == 0)
			return true;
	return false;
}

/* By each name that it has. */
static bool
ask(const struct assess_grants *g, uint32_t key, const char *label)
{
	const struct assess *a = g->assess;
	const uint8_t *id = (uint8_t *)a->key.at + (size_t)32 * key;
	const struct assess_made *made = a->made.at;
	struct question q = { .grants = g, .asked = g->asked };
	bool named = false;

	q.asked.label = label;
	for (size_t i = 0; i < a->made.count; i++) {
		if (memcmp(made[i].key_id, id, 32) != 0)
			continue;
		named = true;
		q.asked.key = made[i].name;
		if (made[i].dke || dk_exposure_granted(g->exposure, may, &q))
			return true;
	}
	/* A key that is not the service's is asked of nobody. */
	return !named && is_own(a, id);
}

static int
by_question(const void *a, const void *b)
{
	const struct answer *one = a, *other = b;

	if (one->key != other->key)
		return one->key < other->key ? -1 : 1;
	return strcmp(one->label, other->label);
}

static dk_err
granted(struct assess_grants *g, uint32_t key, const char *label, bool *ret)
{
	const struct answer wanted = { .key = key, .label = label };
	struct answer **found = tfind(&wanted, &g->answers, by_question);
	size_t len = strlen(label) + 1;
	struct answer *answer;

	if (!found) {
		answer = malloc(sizeof(*answer) + len);
		if (!answer)
			return DK_ERR_NOMEM;
		memcpy(answer->text, label, len);
		answer->key = key;
		answer->label = answer->text;
		answer->granted = ask(g, key, label);
		found = tsearch(answer, &g->answers, by_question);
		if (!found) {
			free(answer);
			return DK_ERR_NOMEM;
		}
	}
	*ret = (*found)->granted;
	return DK_OK;
}

dk_err
assess_withheld(struct assess_grants *grants, const struct dk_exposure_object *object,
    const char *label, bool *ret)
{
	bool any = false;
	dk_err err = DK_OK;

	for (size_t i = 0; i < object->set_count; i++) {
		const struct dk_exposure_set *set = &object->set[i];

		for (size_t j = 0; set->customer && j < set->count && !any && err == DK_OK; j++)
			err = granted(grants, set->key[j], label, &any);
	}
	*ret = !any;
	return err;
}

void
assess_grants_clear(struct assess_grants *grants)
{
	tdestroy(grants->answers, free);
	free(grants->approver.at);
	*grants = (struct assess_grants){ .answers = NULL };
}
