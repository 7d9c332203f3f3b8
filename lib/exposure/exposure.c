/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "exposure/state.h"

static bool
theft_valid(const struct dk_exposure_case *c, const struct dk_theft *t)
{
	if (t->kind < DK_THEFT_KEY || t->kind > DK_THEFT_HSM_PIN || t->since >= DK_EXPOSURE_NEVER)
		return false;
	if (t->kind == DK_THEFT_PROCESS &&
	    (t->id < DK_EXPOSURE_PARENT || t->id > DK_EXPOSURE_FETCHD))
		return false;
	if (t->kind == DK_THEFT_PROCESS || t->kind == DK_THEFT_PROXY)
		return t->until >= t->since;
	return t->until == DK_EXPOSURE_NEVER && (t->kind != DK_THEFT_KEY || t->id < c->keys);
}

static bool
case_valid(const struct dk_exposure_case *c)
{
	if (c->from > c->to || c->to == DK_EXPOSURE_NEVER ||
	    c->theft_count > DK_EXPOSURE_THEFTS_MAX)
		return false;
	for (size_t i = 0; i < c->theft_count; i++)
		if (!theft_valid(c, &c->theft[i]))
			return false;
	for (size_t i = 0; i < c->own_count; i++)
		if (c->own[i] >= c->keys)
			return false;
	return true;
}

static void
begin(struct dk_exposure *x)
{
	x->offline = true;
	x->policies.now = DK_POLICY_NONE;
	for (size_t i = 0; i < x->c.theft_count; i++) {
		const struct dk_theft *t = &x->c.theft[i];

		if (t->kind == DK_THEFT_KEY)
			x->key[t->id] |= DK_KEY_STOLEN;
		else
			x->offline = false;
		x->token |= t->kind == DK_THEFT_TOKEN_KEY && t->since <= x->c.to;
	}
	for (size_t i = 0; i < x->c.own_count; i++)
		x->key[x->c.own[i]] |= DK_KEY_OWN | DK_KEY_SERVICE;
	x->admin = dk_known_admin(x);
	x->online = x->admin;
	x->service_steps = dk_known_service_steps(x);
}

dk_err
dk_exposure_new(const struct dk_exposure_case *c, struct dk_exposure **ret)
{
	struct dk_exposure *x;
	struct dk_theft *theft;

	if (!case_valid(c))
		return DK_ERR_ARGUMENT;
	x = calloc(1, sizeof(*x));
	theft = calloc(c->theft_count + 1, sizeof(*theft));
	if (x) {
		x->c = *c;
		x->c.theft = theft;
		x->key = calloc((size_t)c->keys + 1, sizeof(*x->key));
		x->release = calloc((size_t)c->objects + 1, sizeof(*x->release));
	}
	if (!x || !theft || !x->key || !x->release) {
		if (!x)
			free(theft);
		dk_exposure_free(x);
		return DK_ERR_NOMEM;
	}
	if (c->theft_count)
		memcpy(theft, c->theft, c->theft_count * sizeof(*theft));
	begin(x);
	x->c.own = NULL;
	x->c.own_count = 0;
	*ret = x;
	return DK_OK;
}

void
dk_exposure_free(struct dk_exposure *x)
{
	if (!x)
		return;
	free((void *)(uintptr_t)x->c.theft);
	free(x->key);
	free(x->release);
	free(x->code);
	free(x->device);
	free(x->confirmation);
	free(x);
}

const char *
dk_exposure_missing_name(unsigned bit)
{
	switch (bit) {
	case DK_MISSING_START:
		return "log-start";
	case DK_MISSING_END:
		return "log-end";
	case DK_MISSING_GAP:
		return "log-gap";
	case DK_MISSING_RECORD:
		return "log-record";
	case DK_MISSING_LOGD:
		return "log-process";
	case DK_MISSING_HEADER:
		return "header";
	case DK_MISSING_SET:
		return "set";
	case DK_MISSING_KEY:
		return "key";
	default:
		return NULL;
	}
}
