/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the log: rules 2 to 4, and the evidence that the log gives. */
#include <stdlib.h>

#include "exposure/state.h"

static bool
grow(void **array, size_t *cap, size_t count, size_t size)
{
	size_t wanted = *cap ? *cap * 2 : 64;
	void *more;

	if (count < *cap)
		return true;
	more = reallocarray(*array, wanted, size);
	if (!more)
		return false;
	*array = more;
	*cap = wanted;
	return true;
}

static bool
entry_valid(const struct dk_exposure *x, const struct dk_exposure_entry *e)
{
	uint32_t limit = e->class == DK_ENTRY_KEY ? x->c.keys : x->c.objects;

	if (e->after >= e->before || e->before == DK_EXPOSURE_NEVER)
		return false;
	if (x->any &&
	    (e->index <= x->last_index || e->after < x->last_after || e->before < x->last_before))
		return false;
	if (e->class < DK_ENTRY_OTHER || e->class > DK_ENTRY_CLOSED)
		return false;
	if (e->class == DK_ENTRY_KEY ? e->count < 1 || e->count > 2
				     : e->class != DK_ENTRY_RELEASE && e->count)
		return false;
	for (size_t i = 0; i < e->count; i++)
		if (e->item[i] >= limit)
			return false;
	return e->factor_count <= DK_EXPOSURE_FACTORS_MAX;
}

/* What this entry says of the time since the one before it. */
static void
watch(struct dk_exposure *x, const struct dk_exposure_entry *e)
{
	bool in = !x->any || x->last_after < x->c.to;

	if (x->any && in && e->index != x->last_index + 1)
		dk_known_missing(x, DK_MISSING_RECORD, e->index);
	if (x->any && in && e->after >= x->c.from && e->after - x->last_after > x->c.gap)
		dk_known_missing(x, DK_MISSING_GAP, e->index);
	if (e->class == DK_ENTRY_CLOSED && e->after < x->c.to)
		dk_known_missing(x, DK_MISSING_RECORD, e->index);
	x->begun |= e->index == 0 && e->class == DK_ENTRY_BEGUN;
	if (e->class == DK_ENTRY_CONFIG)
		x->configured = true;
	if (e->class == DK_ENTRY_RELEASE && !x->configured && e->after < x->c.to)
		dk_known_missing(x, DK_MISSING_START, e->index);
	if (e->prompt && e->after < x->c.to && !x->prompt) {
		x->prompt = true;
		x->prompt_at = e->index;
	}
	x->any = true;
	x->last_index = e->index;
	x->last_after = e->after;
	x->last_before = e->before;
}

static dk_err
add_code(struct dk_exposure *x, const struct dk_exposure_entry *e, struct dk_when when)
{
	void *array = x->code;
	size_t theft;

	if (!grow(&array, &x->code_cap, x->code_count, sizeof(*x->code)))
		return DK_ERR_NOMEM;
	x->code = array;
	theft = dk_known_theft(x, DK_THEFT_ADMIN, e->root, when);
	x->code[x->code_count++] = (struct dk_known_code){ .index = e->index,
		.theft = (uint32_t)theft,
		.rogue = dk_when_in_window(x, when) && theft != DK_EXPOSURE_NONE };
	return DK_OK;
}

/* Enrolled with a rogue code, or when one of two processes was had. */
static void
look_at_enrolment(const struct dk_exposure *x, const struct dk_known_code *code,
    struct dk_when when, struct dk_known_device *d)
{
	size_t theft = dk_known_theft(x, DK_THEFT_PROCESS, DK_EXPOSURE_KEYD, when);

	d->code = DK_EXPOSURE_NEVER;
	if (theft == DK_EXPOSURE_NONE)
		theft = dk_known_theft(x, DK_THEFT_PROCESS, DK_EXPOSURE_LOGD, when);
	d->rogue = theft != DK_EXPOSURE_NONE;
	d->theft = (uint32_t)theft;
	if (code && code->rogue) {
		d->rogue = true;
		d->code = code->index;
		d->theft = code->theft;
	}
}

static dk_err
add_device(struct dk_exposure *x, const struct dk_exposure_entry *e, struct dk_when when)
{
	const struct dk_known_code *code = dk_known_code_find(x, e->root);
	void *array = x->device;
	struct dk_known_device *d;

	if (!grow(&array, &x->device_cap, x->device_count, sizeof(*x->device)))
		return DK_ERR_NOMEM;
	x->device = array;
	d = &x->device[x->device_count++];
	d->index = e->index;
	look_at_enrolment(x, code, when, d);
	d->page = dk_known_page(x, when);
	d->stolen = DK_EXPOSURE_NEVER;
	for (size_t i = 0; i < x->c.theft_count; i++) {
		const struct dk_theft *t = &x->c.theft[i];

		if (t->kind == DK_THEFT_DEVICE && t->id == e->index && t->since < d->stolen)
			d->stolen = t->since;
	}
	/* A code that is not in the log, in spite of its index: somebody left it out. */
	if (!code && e->after < x->c.to)
		dk_known_missing(x, DK_MISSING_RECORD, e->index);
	x->online |= d->rogue || d->stolen <= x->c.to;
	return DK_OK;
}

static dk_err
add_confirmation(struct dk_exposure *x, const struct dk_exposure_entry *e, struct dk_when when)
{
	void *array = x->confirmation;

	if (!grow(&array, &x->confirmation_cap, x->confirmation_count, sizeof(*x->confirmation)))
		return DK_ERR_NOMEM;
	x->confirmation = array;
	x->confirmation[x->confirmation_count++] = (struct dk_known_confirmation){
		.index = e->index, .device = e->root, .page = dk_known_page(x, when)
	};
	if (!dk_known_device_find(x, e->root) && e->after < x->c.to)
		dk_known_missing(x, DK_MISSING_RECORD, e->index);
	return DK_OK;
}

/* Who has the page can have another document confirmed, and reads the code of whoever registers. */
static uint32_t
confirm_steps(const struct dk_exposure *x, uint64_t index, struct dk_when when)
{
	const struct dk_known_confirmation *c = dk_known_confirmation_find(x, index);
	const struct dk_known_device *d = c ? dk_known_device_find(x, c->device) : NULL;
	uint32_t steps = dk_known_device_steps(d, when);

	if (c && c->page != UINT32_MAX)
		return 1;
	return steps == DK_STEPS_NONE && d && d->page != UINT32_MAX ? 2 : steps;
}

static uint32_t
forge_steps(const struct dk_exposure *x, const struct dk_exposure_entry *e,
    const struct dk_exposure_factor *f)
{
	struct dk_when when = { e->after, e->before };

	if (dk_known_verifier_of(x, e, f) != DK_EXPOSURE_NONE ||
	    dk_known_secret_of(x, f, when) != DK_EXPOSURE_NONE ||
	    (f->kind == DK_BY_TOKEN && dk_known_process(x, DK_EXPOSURE_FETCHD, when)))
		return 1;
	if (f->kind == DK_BY_DEVICE || f->kind == DK_BY_APPROVAL)
		return dk_known_device_steps(dk_known_device_find(x, f->id), when);
	if (f->kind == DK_BY_CONFIRMATION)
		return confirm_steps(x, f->id, when);
	return DK_STEPS_NONE;
}

/* Rule 3. */
static uint32_t
intercept_steps(const struct dk_exposure *x, const struct dk_exposure_entry *e, struct dk_when when)
{
	uint32_t best = DK_STEPS_NONE;

	if (e->after >= x->c.to)
		return best;
	for (size_t i = 0; i < e->factor_count; i++) {
		const struct dk_exposure_factor *f = &e->factor[i];
		uint32_t steps = f->kind == DK_BY_DEVICE
		    ? dk_known_device_steps(dk_known_device_find(x, f->id), when)
		    : DK_STEPS_NONE;

		best = steps < best ? steps : best;
	}
	if (e->clear &&
	    (dk_known_process(x, DK_EXPOSURE_HTTPD, when) ||
		dk_known_secret(x, DK_THEFT_TLS_KEY, 0, when) ||
		dk_known_secret(x, DK_THEFT_PROXY, 0, when)))
		best = 1;
	return best < DK_STEPS_NONE ? best + 1 : best;
}

/* Rule 2. */
static uint32_t
release_steps(const struct dk_exposure *x, const struct dk_exposure_entry *e, struct dk_when when)
{
	uint32_t steps = 1;

	if (!dk_when_in_window(x, when))
		return DK_STEPS_NONE;
	for (size_t i = 0; i < e->factor_count; i++) {
		uint32_t one = forge_steps(x, e, &e->factor[i]);

		if (one == DK_STEPS_NONE)
			return one;
		steps += one;
	}
	return steps;
}

/* The entry that a factor names is there. */
static bool
has_root(const struct dk_exposure *x, const struct dk_exposure_factor *f)
{
	if (f->kind == DK_BY_DEVICE || f->kind == DK_BY_APPROVAL)
		return dk_known_device_find(x, f->id) != NULL;
	return f->kind != DK_BY_CONFIRMATION || dk_known_confirmation_find(x, f->id) != NULL;
}

/* A device that was stolen at some time, or enrolled by a thief, asked for it. */
static bool
stolen_device(struct dk_exposure *x, const struct dk_exposure_entry *e)
{
	bool found = false;

	for (size_t i = 0; i < e->factor_count; i++) {
		const struct dk_exposure_factor *f = &e->factor[i];
		const struct dk_known_device *d =
		    f->kind == DK_BY_DEVICE ? dk_known_device_find(x, f->id) : NULL;

		if (!has_root(x, f) && e->after < x->c.to)
			dk_known_missing(x, DK_MISSING_RECORD, e->index);
		found |= d && (d->rogue || d->stolen != DK_EXPOSURE_NEVER);
	}
	return found;
}

void
dk_exposure_why_release(const struct dk_exposure *x, const struct dk_exposure_entry *e,
    bool *ret_release, bool *ret_intercept)
{
	struct dk_when when = { e->after, e->before };

	*ret_release = release_steps(x, e, when) != DK_STEPS_NONE;
	*ret_intercept = intercept_steps(x, e, when) != DK_STEPS_NONE;
}

static void
add_release(struct dk_exposure *x, const struct dk_exposure_entry *e, struct dk_when when)
{
	bool on_device = stolen_device(x, e);
	uint32_t by_release = release_steps(x, e, when);
	uint32_t by_intercept = intercept_steps(x, e, when);
	bool release = by_release <= by_intercept;
	uint32_t steps = release ? by_release : by_intercept;

	for (size_t i = 0; i < e->count; i++) {
		struct dk_known_release *r = &x->release[e->item[i]];

		r->on_device |= on_device;
		/* Of derivations of one length, the one with the lower rule and then the earlier
		 * entry. */
		if (steps == DK_STEPS_NONE || (r->steps && r->steps < steps))
			continue;
		if (r->steps == steps && r->rule <= (release ? DK_RULE_RELEASE : DK_RULE_INTERCEPT))
			continue;
		r->steps = steps;
		r->entry = e->index;
		r->rule = release ? DK_RULE_RELEASE : DK_RULE_INTERCEPT;
	}
}

/* A key is in the service, or it opens without it: what is both would be less known without one
 * of its entries. */
static dk_err
add_keys(struct dk_exposure *x, const struct dk_exposure_entry *e)
{
	x->key[e->item[0]] |= DK_KEY_SERVICE | DK_KEY_OWN | DK_KEY_LOGGED;
	if (e->count > 1)
		x->key[e->item[1]] |= DK_KEY_OWN | DK_KEY_RECOVERY;
	for (size_t i = 0; i < e->count; i++)
		if ((x->key[e->item[i]] & DK_KEY_LOGGED) && (x->key[e->item[i]] & DK_KEY_RECOVERY))
			return DK_ERR_LOG_RECORD;
	return DK_OK;
}

dk_err
dk_exposure_entry(struct dk_exposure *x, const struct dk_exposure_entry *e)
{
	struct dk_when when = { e->after, e->before };

	if (x->objects)
		return DK_ERR_STATE;
	if (!entry_valid(x, e))
		return DK_ERR_ARGUMENT;
	if (e->class == DK_ENTRY_RELEASE && e->factor_count == 0)
		return DK_ERR_LOG_RECORD;
	if (!dk_known_policy_entry(x, e))
		return DK_ERR_ARGUMENT;
	watch(x, e);
	switch (e->class) {
	case DK_ENTRY_KEY:
		return add_keys(x, e);
	case DK_ENTRY_CODE:
		return add_code(x, e, when);
	case DK_ENTRY_DEVICE:
		return add_device(x, e, when);
	case DK_ENTRY_CONFIRMATION:
		return add_confirmation(x, e, when);
	case DK_ENTRY_RELEASE:
		add_release(x, e, when);
		return DK_OK;
	default:
		return DK_OK;
	}
}
