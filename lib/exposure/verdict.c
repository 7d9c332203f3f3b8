/* SPDX-License-Identifier: Apache-2.0 */
/* Objects: rules 0, 1 and 5, and the verdict. */
#include <string.h>

#include "exposure/state.h"

static uint32_t
key_steps(const struct dk_exposure *x, uint32_t key)
{
	if (x->key[key] & DK_KEY_STOLEN)
		return 1;
	if ((x->key[key] & DK_KEY_SERVICE) && x->service_steps < DK_STEPS_NONE)
		return x->service_steps + 1;
	return DK_STEPS_NONE;
}

/* Rule 1: the least steps to a share by unwrapping, and the lowest key that gives them. */
static uint32_t
unwrap_steps(const struct dk_exposure *x, const struct dk_exposure_object *o, bool customer,
    uint32_t *ret_key)
{
	uint32_t best = DK_STEPS_NONE;

	for (size_t i = 0; i < o->set_count; i++) {
		const struct dk_exposure_set *set = &o->set[i];

		for (size_t j = 0; set->customer == customer && set->copied && j < set->count;
		     j++) {
			uint32_t steps = key_steps(x, set->key[j]);

			if (steps > best || steps == DK_STEPS_NONE ||
			    (steps == best && set->key[j] >= *ret_key))
				continue;
			best = steps;
			*ret_key = set->key[j];
		}
	}
	return best < DK_STEPS_NONE ? best + 1 : best;
}

static unsigned
missing_of_object(
    const struct dk_exposure *x, const struct dk_exposure_object *o, bool *ret_service)
{
	unsigned missing = DK_MISSING_HEADER;

	if (!o->verified)
		missing |= DK_MISSING_SET;
	for (size_t i = 0; i < o->set_count; i++) {
		if (!o->set[i].customer)
			continue;
		missing &= ~(unsigned)DK_MISSING_HEADER;
		for (size_t j = 0; j < o->set[i].count; j++) {
			uint8_t state = x->key[o->set[i].key[j]];

			if (!(state & DK_KEY_OWN))
				missing |= DK_MISSING_KEY;
			*ret_service |= (state & DK_KEY_SERVICE) != 0;
		}
	}
	return missing;
}

static bool
object_valid(const struct dk_exposure *x, const struct dk_exposure_object *o)
{
	if (o->object >= x->c.objects)
		return false;
	for (size_t i = 0; i < o->set_count; i++)
		for (size_t j = 0; j < o->set[i].count; j++)
			if (o->set[i].key[j] >= x->c.keys)
				return false;
	return true;
}

static void
customer_side(
    const struct dk_exposure *x, const struct dk_exposure_object *o, struct dk_exposure_verdict *v)
{
	const struct dk_known_release *r = &x->release[o->object];

	v->customer_rule = DK_RULE_UNWRAP;
	v->steps = unwrap_steps(x, o, true, &v->customer_key);
	if (r->steps && r->steps < v->steps) {
		v->customer_rule = r->rule;
		v->customer_key = 0;
		v->entry = r->entry;
		v->steps = r->steps;
	}
}

/* Rule 1 says more than rule 0, so it goes first, though it is longer. */
static void
provider_side(
    const struct dk_exposure *x, const struct dk_exposure_object *o, struct dk_exposure_verdict *v)
{
	uint32_t steps = unwrap_steps(x, o, false, &v->provider_key);

	v->provider_rule = steps < DK_STEPS_NONE ? DK_RULE_UNWRAP : DK_RULE_PROVIDER;
	/* Rule 5 is the last step. */
	v->steps += (steps < DK_STEPS_NONE ? steps : 1) + 1;
}

dk_err
dk_exposure_object(
    struct dk_exposure *x, const struct dk_exposure_object *o, struct dk_exposure_verdict *ret)
{
	struct dk_exposure_verdict v = { 0 };
	bool service = false;
	unsigned missing;

	if (!object_valid(x, o))
		return DK_ERR_ARGUMENT;
	x->objects = true;
	missing = dk_known_missing_of_log(x) | missing_of_object(x, o, &service);
	customer_side(x, o, &v);
	if (v.steps < DK_STEPS_NONE && o->body) {
		v.answer = DK_READABLE;
		provider_side(x, o, &v);
	} else {
		memset(&v, 0, sizeof(v));
		v.answer = missing ? DK_UNKNOWN : DK_NOT_READABLE;
		v.missing = missing;
	}
	v.on_device = x->release[o->object].on_device;
	v.online = v.answer == DK_READABLE ||
	    ((o->document ? x->token : x->online && !o->withheld) && service && o->body);
	*ret = v;
	return DK_OK;
}
