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
dk_known_admin(const struct dk_exposure *x)
{
	for (size_t i = 0; i < x->c.theft_count; i++)
		if (x->c.theft[i].kind == DK_THEFT_ADMIN && x->c.theft[i].since <= x->c.to)
			return true;
	return false;
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

const struct dk_known_confirmation *
dk_known_confirmation_find(const struct dk_exposure *x, uint64_t index)
{
	if (!x->confirmation_count)
		return NULL;
	return bsearch(&index, x->confirmation, x->confirmation_count, sizeof(*x->confirmation),
	    compare_index);
}

uint32_t
dk_known_page(const struct dk_exposure *x, struct dk_when when)
{
	size_t theft = dk_known_theft(x, DK_THEFT_PROCESS, DK_EXPOSURE_HTTPD, when);

	if (theft == DK_EXPOSURE_NONE)
		theft = dk_known_theft(x, DK_THEFT_TLS_KEY, 0, when);
	if (theft == DK_EXPOSURE_NONE)
		theft = dk_known_theft(x, DK_THEFT_PROXY, 0, when);
	return theft == DK_EXPOSURE_NONE ? UINT32_MAX : (uint32_t)theft;
}

/* Which CAs a front trusts, nobody knows. */
static size_t
any_ca(const struct dk_exposure *x, struct dk_when when)
{
	for (size_t i = 0; i < x->c.theft_count; i++)
		if (x->c.theft[i].kind == DK_THEFT_CA && x->c.theft[i].since <= when.before)
			return i;
	return DK_EXPOSURE_NONE;
}

size_t
dk_known_secret_of(
    const struct dk_exposure *x, const struct dk_exposure_factor *f, struct dk_when when)
{
	switch (f->kind) {
	case DK_BY_ADMIN:
		return dk_known_theft(x, DK_THEFT_ADMIN, f->id, when);
	case DK_BY_TOKEN:
		return dk_known_theft(x, DK_THEFT_TOKEN_KEY, f->id, when);
	case DK_BY_CERT:
		return dk_known_theft(x, DK_THEFT_CA, f->id, when);
	case DK_BY_FRONT:
		return any_ca(x, when);
	default:
		return DK_EXPOSURE_NONE;
	}
}

/* Of a clear release, authd says whose request it was. */
size_t
dk_known_verifier_of(const struct dk_exposure *x, const struct dk_exposure_entry *e,
    const struct dk_exposure_factor *f)
{
	struct dk_when when = { e->after, e->before };
	size_t theft = dk_known_theft(x, DK_THEFT_PROCESS, f->verifier, when);

	if (theft == DK_EXPOSURE_NONE && e->clear)
		theft = dk_known_theft(x, DK_THEFT_PROCESS, DK_EXPOSURE_AUTHD, when);
	return theft;
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
