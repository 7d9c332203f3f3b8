/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/known_keys.h"

#include <string.h>

#include "base/bytes.h"

const struct token_known *
known_key_find(const struct token_issuer *tenant, const uint8_t thumbprint[32])
{
	for (unsigned i = 0; i < tenant->known_count; i++)
		if (memcmp(tenant->known[i].thumbprint, thumbprint, 32) == 0)
			return &tenant->known[i];
	return NULL;
}

void
known_keys_read(struct token_issuer *tenant, const struct dk_part *known)
{
	struct dk_reader_buf rd;

	tenant->known_count = 0;
	dk_rd_init(&rd, known->data, known->len);
	while (dk_rd_left(&rd) >= IPC_KNOWN_KEY_BYTES && tenant->known_count < IPC_KNOWN_KEYS_MAX) {
		struct token_known *k = &tenant->known[tenant->known_count++];

		memcpy(k->thumbprint, dk_rd_bytes(&rd, 32), 32);
		k->until_s = dk_rd_u64(&rd);
	}
}

size_t
known_keys_write(const struct token_issuer *tenant, uint8_t *ret)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, ret, IPC_KNOWN_MAX_BYTES);
	for (unsigned i = 0; i < tenant->known_count; i++) {
		dk_wr_bytes(&wr, tenant->known[i].thumbprint, 32);
		dk_wr_u64(&wr, tenant->known[i].until_s);
	}
	return wr.len;
}

uint64_t
known_keys_until(const struct token_issuer *tenant, const struct policy *policy, uint64_t now)
{
	if (!tenant->info.tenant || !tenant->info.key_set || tenant->known_count == 0)
		return 0;
	return now + policy_tenant_quarantine_s(policy, tenant->info.number);
}

/* The oldest one that has no place in the set makes room; a set has fewer than there is. */
static void
make_room(struct token_issuer *tenant, const struct keyset *keys)
{
	for (unsigned i = 0; i < tenant->known_count; i++) {
		bool stands = false;

		for (unsigned k = 0; k < keys->count; k++)
			stands = stands ||
			    memcmp(tenant->known[i].thumbprint, keys->key[k].thumbprint, 32) == 0;
		if (stands)
			continue;
		tenant->known_count--;
		memmove(&tenant->known[i], &tenant->known[i + 1],
		    (tenant->known_count - i) * sizeof(tenant->known[0]));
		return;
	}
}

unsigned
known_keys_take(struct token_issuer *tenant, const struct keyset *keys, uint64_t until_s)
{
	unsigned count = 0;

	for (unsigned i = 0; tenant->info.tenant && i < keys->count; i++) {
		struct token_known *k;

		if (known_key_find(tenant, keys->key[i].thumbprint))
			continue;
		if (tenant->known_count == IPC_KNOWN_KEYS_MAX)
			make_room(tenant, keys);
		k = &tenant->known[tenant->known_count++];
		memcpy(k->thumbprint, keys->key[i].thumbprint, sizeof(k->thumbprint));
		k->until_s = until_s;
		count++;
	}
	return count;
}

bool
known_key_accept(struct token_issuer *tenant, const uint8_t thumbprint[32], uint64_t now)
{
	for (unsigned i = 0; i < tenant->known_count; i++) {
		struct token_known *k = &tenant->known[i];

		if (memcmp(k->thumbprint, thumbprint, 32) != 0 || k->until_s <= now)
			continue;
		k->until_s = 0;
		return true;
	}
	return false;
}
