/* SPDX-License-Identifier: Apache-2.0 */
#include "keyd/denials.h"

#include <stdlib.h>
#include <string.h>

#include "keyd/keyd.h"

#define SETS 4096
#define WAYS 4

struct denied_person {
	uint64_t name;
	uint64_t window;
	unsigned count;
};

static const unsigned per_second[DENIED_KINDS] = {
	[DENIED_STRANGER] = 10,
	[DENIED_REVOKED] = 10,
	[DENIED_REGISTERED] = 20,
	[DENIED_FIRST] = 10,
	[DENIED_FURTHER] = 20,
};

void
keyd_denials_clear(struct keyd_denials *denials)
{
	free(denials->person);
	free(denials->registered);
	*denials = (struct keyd_denials){ .second = 0 };
}

static void
suppress(struct keyd_denials *denials)
{
	if (denials->suppressed < UINT32_MAX)
		denials->suppressed++;
}

bool
keyd_may_record_denial(struct keyd *keyd, enum keyd_denied who)
{
	struct keyd_denials *d = &keyd->denials;
	uint64_t now = ipc_now();

	d->newest = (struct keyd_counted){ .second = 0 };
	if (now != d->second) {
		d->second = now;
		memset(d->count, 0, sizeof(d->count));
	}
	if (d->count[who] < per_second[who]) {
		d->count[who]++;
		d->newest = (struct keyd_counted){ .second = now, .who = who };
		return true;
	}
	suppress(d);
	return false;
}

/* ---- persons ---- */

/* Who chooses persons must not choose whose place they take. */
static uint64_t
name_of(struct keyd_denials *d, const char *person)
{
	const struct dk_part parts[] = { { d->key, sizeof(d->key) }, { person, strlen(person) } };
	uint8_t hash[32];
	uint64_t name;

	if ((!d->keyed && dk_random(d->key, sizeof(d->key)) != DK_OK) ||
	    dk_sha256(parts, 2, hash) != DK_OK)
		say_fatal("libcrypto does not do what it must");
	d->keyed = true;
	memcpy(&name, hash, sizeof(name));
	return name;
}

/* That of this person, or one that is free; NULL: there are too many persons in this window. */
static struct denied_person *
place_of(struct keyd_denials *d, uint64_t name, uint64_t window)
{
	struct denied_person *set, *free_one = NULL;

	if (!d->person)
		d->person = calloc((size_t)SETS * WAYS, sizeof(*d->person));
	if (!d->person)
		say_fatal("no memory");
	set = &d->person[name % SETS * WAYS];
	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].window == window && set[i].name == name)
			return &set[i];
		if (set[i].window != window)
			free_one = &set[i];
	}
	return free_one;
}

/* name stands first */
static int
by_name(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

static struct denied_person *
registered(const struct keyd_denials *d, uint64_t name)
{
	const struct denied_person wanted = { .name = name };

	return d->registered_count == 0
	    ? NULL
	    : bsearch(&wanted, d->registered, d->registered_count, sizeof(wanted), by_name);
}

/* What was counted of them stays. */
static void
learn(struct keyd *keyd)
{
	struct keyd_denials *d = &keyd->denials;
	const struct state *state = &keyd->state;
	struct denied_person *made, *old;
	unsigned n = 0;

	if (d->registered && d->changes == keyd->changes)
		return;
	made = calloc(state->device_count + 1, sizeof(*made));
	if (!made)
		say_fatal("no memory");
	for (unsigned i = 0; i < state->device_count; i++) {
		const struct device *device = state->device[i];

		if (!device->credential || device->state != DEVICE_ACTIVE)
			continue;
		made[n].name = name_of(d, device->user);
		old = registered(d, made[n].name);
		if (old)
			made[n] = *old;
		n++;
	}
	qsort(made, n, sizeof(*made), by_name);
	free(d->registered);
	d->registered = made;
	d->registered_count = n;
	d->changes = keyd->changes;
}

bool
keyd_has_authenticator(struct keyd *keyd, const char *person)
{
	learn(keyd);
	return registered(&keyd->denials, name_of(&keyd->denials, person)) != NULL;
}

bool
keyd_may_record_person(struct keyd *keyd, const char *person)
{
	struct keyd_denials *d = &keyd->denials;
	const uint64_t window = ipc_now() / DENIALS_WINDOW_S + 1, name = name_of(d, person);
	enum keyd_denied who = DENIED_REGISTERED;
	struct denied_person *p;
	unsigned count;

	learn(keyd);
	p = registered(d, name);
	if (!p) {
		p = place_of(d, name, window);
		who = DENIED_FIRST;
	}
	count = p && p->window == window ? p->count : 0;
	if (count >= DENIALS_PERSON_MAX) {
		suppress(d);
		return false;
	}
	if (!keyd_may_record_denial(keyd, p && count == 0 ? who : DENIED_FURTHER))
		return false;
	if (p) {
		*p = (struct denied_person){ name, window, count + 1 };
		d->newest.window = window;
		d->newest.name = name;
	}
	return true;
}

void
keyd_denial_unrecorded(struct keyd_denials *d, const struct keyd_counted *counted)
{
	struct denied_person *p;

	if (counted->second == 0)
		return;
	if (counted->second == d->second && d->count[counted->who] > 0)
		d->count[counted->who]--;
	if (counted->window == 0)
		return;
	p = registered(d, counted->name);
	if (!p)
		p = place_of(d, counted->name, counted->window);
	if (p && p->name == counted->name && p->window == counted->window && p->count > 0)
		p->count--;
}
