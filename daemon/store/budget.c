/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets, spec/policy.md section 7: counters of this minute and this day. */
#include <string.h>

#include "store/store.h"

#define SLOTS (2 * STORE_BUDGETS_MAX)

/* Where the id stands, or where it would. Ids are digests: any of their bytes will do. */
static uint16_t *
slot_of(struct store_budgets *b, const uint8_t id[32])
{
	size_t at = ((size_t)id[0] << 16 | (size_t)id[1] << 8 | id[2]) % SLOTS;

	while (b->slot[at] != 0 && memcmp(b->of[b->slot[at] - 1].id, id, 32) != 0)
		at = (at + 1) % SLOTS;
	return &b->slot[at];
}

void
store_budgets_want(struct store_budgets *b, const struct store_charge *charges, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint16_t *slot = slot_of(b, charges[i].id);

		if (*slot != 0 || b->count == STORE_BUDGETS_MAX)
			continue;
		b->of[b->count] = (struct store_budget){ .minute = 0 };
		memcpy(b->of[b->count].id, charges[i].id, sizeof(charges[i].id));
		*slot = (uint16_t)++b->count;
	}
}

void
store_budgets_clear(struct store_budgets *b)
{
	if (b->count > 0)
		memset(b->slot, 0, sizeof(b->slot));
	b->count = 0;
}

static struct store_budget *
find(struct store_budgets *b, const uint8_t id[32])
{
	const uint16_t *slot = slot_of(b, id);

	return *slot != 0 ? &b->of[*slot - 1] : NULL;
}

/* Where the clock went back, minute and day stay as they were: no refill. */
static void
bring_to(struct store_budget *b, uint64_t now)
{
	if (b->minute < now / 60) {
		b->minute = now / 60;
		b->in_minute = 0;
	}
	if (b->day < now / 86400) {
		b->day = now / 86400;
		b->in_day = 0;
	}
}

static bool
bears(const struct store_budget *b, const struct store_charge *c)
{
	return (c->per_minute == 0 || b->in_minute + c->objects <= c->per_minute) &&
	    (c->per_day == 0 || b->in_day + c->objects <= c->per_day);
}

bool
store_charge(
    struct store_budgets *budgets, const struct store_charge *charges, unsigned n, uint64_t now)
{
	/* All are looked at before one is changed. */
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < n; i++) {
			struct store_budget *b = find(budgets, charges[i].id);

			if (!b)
				return false;
			bring_to(b, now);
			if (!bears(b, &charges[i]))
				return false;
			if (pass == 1) {
				b->in_minute += charges[i].objects;
				b->in_day += charges[i].objects;
			}
		}
	return true;
}
