/* SPDX-License-Identifier: Apache-2.0 */
#include "exposure/state.h"

#include <stdlib.h>

bool
dk_when_in_window(const struct dk_exposure *x, struct dk_when when)
{
	return when.before >= x->c.from && when.after < x->c.to;
}

void
dk_known_missing(struct dk_exposure *x, unsigned bit, uint64_t entry)
{
	if (!(x->missing & bit))
		x->missing_at[__builtin_ctz(bit)] = entry;
	x->missing |= bit;
}

size_t
dk_known_theft(
    const struct dk_exposure *x, enum dk_theft_kind kind, uint64_t id, struct dk_when when)
{
	for (size_t i = 0; i < x->c.theft_count; i++) {
		const struct dk_theft *t = &x->c.theft[i];

		if (t->kind == kind && t->id == id && t->since <= when.before &&
		    t->until > when.after)
			return i;
	}
	return DK_EXPOSURE_NONE;
}

bool
dk_known_process(const struct dk_exposure *x, uint64_t process, struct dk_when when)
{
	return dk_known_secret(x, DK_THEFT_PROCESS, process, when);
}

bool
dk_known_logd(const struct dk_exposure *x)
{
	for (size_t i = 0; i < x->c.theft_count; i++) {
		const struct dk_theft *t = &x->c.theft[i];

		if (t->kind == DK_THEFT_PROCESS && t->id == DK_EXPOSURE_LOGD &&
		    t->since <= x->c.to && t->until >= x->c.from)
			return true;
	}
	return false;
}

bool
dk_known_secret(
    const struct dk_exposure *x, enum dk_theft_kind kind, uint64_t id, struct dk_when when)
{
	return dk_known_theft(x, kind, id, when) != DK_EXPOSURE_NONE;
}

uint32_t
dk_known_device_steps(const struct dk_known_device *device, struct dk_when when)
{
	if (device && device->stolen <= when.before)
		return 1;
	return device && device->rogue ? 2 : DK_STEPS_NONE;
}

/* Codes and devices begin with their index. */
static int
compare_index(const void *index, const void *element)
{
	const uint64_t *a = index, *b = element;

	return *a < *b ? -1 : *a > *b;
}

const struct dk_known_device *
dk_known_device_find(const struct dk_exposure *x, uint64_t index)
{
	if (!x->device_count)
		return NULL;
	return bsearch(&index, x->device, x->device_count, sizeof(*x->device), compare_index);
}

const struct dk_known_code *
dk_known_code_find(const struct dk_exposure *x, uint64_t index)
{
	if (!x->code_count)
		return NULL;
	return bsearch(&index, x->code, x->code_count, sizeof(*x->code), compare_index);
}

uint32_t
dk_known_service_steps(const struct dk_exposure *x)
{
	bool alone = false, store = false, passphrase = false;

	for (size_t i = 0; i < x->c.theft_count; i++) {
		const struct dk_theft *t = &x->c.theft[i];

		alone |= t->kind == DK_THEFT_HSM_PIN;
		alone |= t->kind == DK_THEFT_PROCESS &&
		    (t->id == DK_EXPOSURE_KEYD || t->id == DK_EXPOSURE_TOKEND ||
			t->id == DK_EXPOSURE_PARENT);
		store |= t->kind == DK_THEFT_STORE;
		passphrase |= t->kind == DK_THEFT_PASSPHRASE;
	}
	if (alone)
		return 1;
	return store && passphrase ? 2 : DK_STEPS_NONE;
}

unsigned
dk_known_missing_of_log(const struct dk_exposure *x)
{
	unsigned missing = x->missing;

	/* Without a secret that could ask for a release, none is the thief's, whatever the log
	 * says. */
	if (x->offline)
		return 0;
	if (!x->begun || !x->configured)
		missing |= DK_MISSING_START;
	if (!x->any || x->last_after < x->c.to)
		missing |= DK_MISSING_END;
	if (x->prompt && dk_known_logd(x))
		missing |= DK_MISSING_LOGD;
	return missing;
}
