/* SPDX-License-Identifier: Apache-2.0 */
#include "format/header_rules.h"

#define KEY_ID_BYTES 32u

/* -1, 0 or 1 as for byte strings; nothing here is secret. */
static int
compare(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	/*@ loop invariant i <= len;
	    loop assigns i;
	    loop variant len - i; */
	for (uint32_t i = 0; i < len; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

bool
dk_rule_new_stanza(const uint8_t *data, const struct dk_set *set, uint32_t index)
{
	const uint8_t *id = data + set->stanza[index].key_id;

	/*@ loop invariant i <= index;
	    loop assigns i;
	    loop variant index - i; */
	for (uint32_t i = 0; i < index; i++)
		if (compare(data + set->stanza[i].key_id, id, KEY_ID_BYTES) == 0)
			return false;
	return true;
}

static uint32_t
former_id(const struct dk_set *set, uint32_t index)
{
	return set->formers + index * DK_FORMER_BYTES + 2;
}

bool
dk_rule_former_order(const uint8_t *data, const struct dk_set *set, uint32_t index)
{
	if (index == 0)
		return true;
	return compare(data + former_id(set, index - 1), data + former_id(set, index),
		   KEY_ID_BYTES) < 0;
}

/* Offsets of the key id and custodian of holder n: stanzas first, then formers. */
static void
holder(const struct dk_set *set, uint32_t n, uint32_t *ret_id, uint32_t *ret_custodian)
{
	if (n < set->stanza_count) {
		*ret_id = set->stanza[n].key_id;
		*ret_custodian = set->stanza[n].custodian;
		return;
	}
	*ret_id = former_id(set, n - set->stanza_count);
	*ret_custodian = *ret_id + KEY_ID_BYTES;
}

dk_err
dk_rule_two_holders(
    const uint8_t *data, const struct dk_header *header, struct dk_header_error *where)
{
	const struct dk_set *customer = &header->set[0];
	const struct dk_set *provider = &header->set[1];
	uint32_t customers = customer->stanza_count + customer->former_count;
	uint32_t providers = provider->stanza_count + provider->former_count;
	bool custody = false;

	where->part = DK_PART_HEADER;
	where->offset = customer->offset;
	/*@ loop invariant i <= customers;
	    loop assigns i, custody;
	    loop variant customers - i; */
	for (uint32_t i = 0; i < customers; i++) {
		uint32_t id, name;

		holder(customer, i, &id, &name);
		/*@ loop invariant j <= providers;
		    loop assigns j, custody;
		    loop variant providers - j; */
		for (uint32_t j = 0; j < providers; j++) {
			uint32_t other_id, other_name;

			holder(provider, j, &other_id, &other_name);
			if (compare(data + id, data + other_id, KEY_ID_BYTES) == 0)
				return DK_ERR_KEY_ON_BOTH_SIDES;
			if (compare(data + name, data + other_name, DK_CUSTODIAN_BYTES) == 0)
				custody = true;
		}
	}
	return custody ? DK_ERR_CUSTODY : DK_OK;
}
