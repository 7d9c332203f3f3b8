/* SPDX-License-Identifier: Apache-2.0 */
/* The what-if: which policy could have given something to a thief's device. Section 5.1. */
#include "exposure/state.h"

/* It was in force behind since, and not behind until. */
static void
end_of(const struct dk_exposure *x, uint32_t policy, uint64_t since, uint64_t until,
    uint64_t *ret_until)
{
	if (policy != DK_POLICY_NONE && since < x->c.to && until >= x->c.from && until > *ret_until)
		*ret_until = until;
}

/* Another one from this entry on; what came before is over when the entry was made. */
static void
replace(struct dk_exposure *x, uint32_t policy, uint64_t since, uint64_t before)
{
	struct dk_known_policies *p = &x->policies;

	if (p->now != DK_POLICY_NONE)
		end_of(x, p->now, p->since, before, &p->until[p->now]);
	p->now = policy;
	p->since = since;
}

bool
dk_known_policy_entry(struct dk_exposure *x, const struct dk_exposure_entry *e)
{
	struct dk_known_policies *p = &x->policies;
	bool policy = e->class == DK_ENTRY_POLICY;
	uint64_t last = x->any ? x->last_after : 0;
	bool known = policy && e->root != DK_EXPOSURE_NEVER;

	if (known && e->root >= DK_EXPOSURE_POLICIES_MAX)
		return false;
	if (!x->any)
		p->now = e->index == 0 && e->class == DK_ENTRY_BEGUN ? DK_POLICY_NONE
								     : DK_POLICY_UNKNOWN;
	/* What was left out, or cannot be read, can have put any in force. */
	if ((x->any && e->index != x->last_index + 1) || e->class == DK_ENTRY_CLOSED ||
	    (policy && !known))
		replace(x, DK_POLICY_UNKNOWN, last, e->before);
	if (known)
		replace(x, (uint32_t)e->root, e->after, e->before);
	if (known && e->root >= p->count)
		p->count = (uint32_t)e->root + 1;
	p->any |= known;
	return true;
}

/* Until when the thief could have asked it; 0: never. */
static uint64_t
until_of(const struct dk_exposure *x, uint32_t policy)
{
	const struct dk_known_policies *p = &x->policies;
	uint64_t until = p->until[policy];

	if (p->now == policy)
		end_of(x, policy, p->since, DK_EXPOSURE_NEVER, &until);
	return until;
}

bool
dk_exposure_in_force(const struct dk_exposure *x, uint32_t policy)
{
	return until_of(x, policy) > 0;
}

static bool
had(const struct dk_exposure *x, const struct dk_known_device *d)
{
	return d->rogue || d->stolen <= x->c.to;
}

bool
dk_exposure_device_had(const struct dk_exposure *x, uint64_t device)
{
	const struct dk_known_device *d = dk_known_device_find(x, device);

	return d && had(x, d);
}

/* Who had one of these perhaps needed no rule; all that fetchd could do is get a token accepted. */
static bool
judge_had(const struct dk_exposure *x)
{
	for (size_t i = 0; i < x->c.theft_count; i++) {
		const struct dk_theft *t = &x->c.theft[i];

		if (t->kind == DK_THEFT_PROCESS && t->id != DK_EXPOSURE_FETCHD &&
		    t->since <= x->c.to)
			return true;
	}
	return false;
}

/* The thief had the device while it was perhaps in force. */
static bool
asked_by(const struct dk_exposure *x, const struct dk_known_device *d, uint32_t policy)
{
	uint64_t until = until_of(x, policy);

	return until > 0 && (d->rogue || d->stolen <= until);
}

static bool
granted_to(const struct dk_exposure *x, const struct dk_known_device *d, dk_exposure_grant_fn fn,
    void *ctx)
{
	for (uint32_t i = 0; i < x->policies.count; i++)
		if (asked_by(x, d, i) && fn(ctx, i, d->index))
			return true;
	return asked_by(x, d, DK_POLICY_UNKNOWN);
}

bool
dk_exposure_granted(const struct dk_exposure *x, dk_exposure_grant_fn fn, void *ctx)
{
	/* An administrator enrols devices of any user. */
	if (!x->policies.any || x->admin || judge_had(x))
		return true;
	for (size_t i = 0; i < x->device_count; i++) {
		const struct dk_known_device *d = &x->device[i];

		if (!had(x, d))
			continue;
		/* One that the service did not enrol has any name that its maker wanted. */
		if ((d->rogue && d->code == DK_EXPOSURE_NEVER) || granted_to(x, d, fn, ctx))
			return true;
	}
	return false;
}
