/* SPDX-License-Identifier: Apache-2.0 */
/* Which thefts a step rests on. */
#include "exposure/state.h"

static const struct dk_exposure_why nothing = {
	.theft = DK_EXPOSURE_NONE, .second = DK_EXPOSURE_NONE, .code = DK_EXPOSURE_NEVER
};

static size_t
first_of(const struct dk_exposure *x, enum dk_theft_kind kind, uint64_t id)
{
	size_t i = 0;

	while (i < x->c.theft_count && (x->c.theft[i].kind != kind || x->c.theft[i].id != id))
		i++;
	return i < x->c.theft_count ? i : DK_EXPOSURE_NONE;
}

/* What opens all keys of the service. */
static void
why_service(const struct dk_exposure *x, struct dk_exposure_why *why)
{
	static const uint64_t processes[] = { DK_EXPOSURE_KEYD, DK_EXPOSURE_TOKEND,
		DK_EXPOSURE_PARENT };

	why->theft = first_of(x, DK_THEFT_HSM_PIN, 0);
	for (size_t i = 0; i < 3 && why->theft == DK_EXPOSURE_NONE; i++)
		why->theft = first_of(x, DK_THEFT_PROCESS, processes[i]);
	if (why->theft == DK_EXPOSURE_NONE) {
		why->theft = first_of(x, DK_THEFT_STORE, 0);
		why->second = first_of(x, DK_THEFT_PASSPHRASE, 0);
	}
	why->how = DK_HOW_SERVICE;
}

void
dk_exposure_why_key(const struct dk_exposure *x, uint32_t key, struct dk_exposure_why *ret)
{
	*ret = nothing;
	if (key >= x->c.keys)
		return;
	if (x->key[key] & DK_KEY_STOLEN) {
		ret->how = DK_HOW_STOLEN;
		ret->theft = first_of(x, DK_THEFT_KEY, key);
	} else if ((x->key[key] & DK_KEY_SERVICE) && x->service_steps < DK_STEPS_NONE) {
		why_service(x, ret);
	}
}

void
dk_exposure_why_device(
    const struct dk_exposure *x, uint64_t device, uint64_t before, struct dk_exposure_why *ret)
{
	const struct dk_known_device *d = dk_known_device_find(x, device);

	*ret = nothing;
	if (!d)
		return;
	if (d->stolen <= before) {
		ret->how = DK_HOW_STOLEN;
		ret->theft =
		    dk_known_theft(x, DK_THEFT_DEVICE, device, (struct dk_when){ 0, before });
	} else if (d->rogue) {
		ret->how = d->code != DK_EXPOSURE_NEVER ? DK_HOW_CODE : DK_HOW_ENROLMENT;
		ret->theft = d->theft;
		ret->code = d->code;
	}
}

static void
why_confirmation(
    const struct dk_exposure *x, uint64_t index, uint64_t before, struct dk_exposure_why *ret)
{
	const struct dk_known_confirmation *c = dk_known_confirmation_find(x, index);
	const struct dk_known_device *d = c ? dk_known_device_find(x, c->device) : NULL;

	if (c && c->page != UINT32_MAX) {
		ret->how = DK_HOW_PAGE;
		ret->theft = c->page;
		return;
	}
	if (d)
		dk_exposure_why_device(x, c->device, before, ret);
	if (d && ret->theft == DK_EXPOSURE_NONE && d->page != UINT32_MAX) {
		ret->how = DK_HOW_ENROLMENT;
		ret->theft = d->page;
	}
}

/* The device that a factor rests on, if it does on one. */
static void
why_its_device(const struct dk_exposure *x, const struct dk_exposure_factor *f, uint64_t before,
    struct dk_exposure_why *ret)
{
	if (f->kind == DK_BY_CONFIRMATION)
		why_confirmation(x, f->id, before, ret);
	else if (f->kind == DK_BY_DEVICE || f->kind == DK_BY_APPROVAL)
		dk_exposure_why_device(x, f->id, before, ret);
}

void
dk_exposure_why_factor(const struct dk_exposure *x, const struct dk_exposure_entry *e,
    const struct dk_exposure_factor *f, struct dk_exposure_why *ret)
{
	struct dk_when when = { e->after, e->before };
	size_t verifier = dk_known_verifier_of(x, e, f);

	*ret = nothing;
	ret->theft = dk_known_secret_of(x, f, when);
	ret->how = DK_HOW_STOLEN;
	if (ret->theft == DK_EXPOSURE_NONE)
		why_its_device(x, f, e->before, ret);
	/* A rogue device is a step longer than that. */
	if (verifier != DK_EXPOSURE_NONE &&
	    (ret->theft == DK_EXPOSURE_NONE || ret->how != DK_HOW_STOLEN)) {
		*ret = nothing;
		ret->theft = verifier;
		ret->how = x->c.theft[verifier].id == f->verifier ? DK_HOW_VERIFIER : DK_HOW_JUDGED;
	}
	if (ret->theft == DK_EXPOSURE_NONE && f->kind == DK_BY_TOKEN) {
		ret->theft = dk_known_theft(x, DK_THEFT_PROCESS, DK_EXPOSURE_FETCHD, when);
		ret->how = DK_HOW_FETCHD;
	}
	if (ret->theft == DK_EXPOSURE_NONE)
		ret->how = DK_HOW_NOT;
}

unsigned
dk_exposure_why_log(const struct dk_exposure *x)
{
	return dk_known_missing_of_log(x);
}

uint64_t
dk_exposure_why_missing(const struct dk_exposure *x, unsigned bit)
{
	if (bit == DK_MISSING_LOGD && x->prompt)
		return x->prompt_at;
	if (bit == 0 || bit > DK_MISSING_RECORD || !(x->missing & bit))
		return DK_EXPOSURE_NEVER;
	return x->missing_at[__builtin_ctz(bit)];
}
