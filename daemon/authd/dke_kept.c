/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/dke_kept.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

struct dke_kept_token {
	uint8_t digest[32];
	const struct token_issuer *issuer;
	struct jwt_times times;
	struct dk_log_token record;
	char person[PERSON_MAX_BYTES + 1];
	char client[DKE_CLIENT_CHARS + 1];
	unsigned claims, groups, roles;
	size_t used;
	char pool[]; /* the texts of these, one behind the other */
};

static struct dke_kept_token **
slot_of(struct dke_kept *kept, const uint8_t digest[32])
{
	return &kept->slot[((unsigned)digest[0] << 8 | digest[1]) % DKE_KEPT_MAX];
}

static void
forget(struct dke_kept_token **slot)
{
	if (*slot)
		dk_wipe(*slot, sizeof(**slot) + (*slot)->used);
	free(*slot);
	*slot = NULL;
}

void
dke_kept_clear(struct dke_kept *kept)
{
	for (unsigned i = 0; i < DKE_KEPT_MAX; i++)
		forget(&kept->slot[i]);
}

static const char *
give_texts(const char *text, unsigned count, struct dke_texts *ret)
{
	for (ret->count = 0; ret->count < count; text += strlen(text) + 1)
		ret->item[ret->count++] = text;
	return text;
}

static void
give(const struct dke_kept_token *k, struct dke_token *ret)
{
	const char *text = ret->pool;

	ret->is_signed = true;
	ret->until = 0;
	ret->record = k->record;
	ret->issuer = k->issuer;
	ret->times = k->times;
	ret->tenant = k->issuer->info.title;
	memcpy(ret->person, k->person, sizeof(ret->person));
	memcpy(ret->client, k->client, sizeof(ret->client));
	memcpy(ret->pool, k->pool, k->used);
	ret->used = k->used;
	text = give_texts(text, k->claims, &ret->claims);
	text = give_texts(text, k->groups, &ret->groups);
	(void)give_texts(text, k->roles, &ret->roles);
}

/* One that has no place is verified the next time, too. */
static void
keep(struct dke_kept_token **slot, const uint8_t digest[32], const struct dke_token *token)
{
	struct dke_kept_token *k;

	forget(slot);
	k = token->used <= DKE_KEPT_POOL_BYTES ? malloc(sizeof(*k) + token->used) : NULL;
	if (!k)
		return;
	*k = (struct dke_kept_token){ .issuer = token->issuer,
		.times = token->times,
		.record = token->record,
		.claims = token->claims.count,
		.groups = token->groups.count,
		.roles = token->roles.count,
		.used = token->used };
	memcpy(k->digest, digest, sizeof(k->digest));
	memcpy(k->person, token->person, sizeof(k->person));
	memcpy(k->client, token->client, sizeof(k->client));
	memcpy(k->pool, token->pool, token->used);
	*slot = k;
}

enum dke_token_fault
dke_kept_verify(struct dke_kept *kept, const uint8_t digest[32], const struct dk_part *text,
    const struct policy *policy, const struct token_issuers *issuers, uint64_t now,
    struct dke_token *ret)
{
	struct dke_kept_token **slot = slot_of(kept, digest);
	enum dke_token_fault fault;

	if (*slot && memcmp((*slot)->digest, digest, sizeof((*slot)->digest)) == 0) {
		give(*slot, ret);
		if (dke_token_still_holds(ret, now))
			return DKE_TOKEN_HOLDS;
		forget(slot);
	}
	fault = dke_token_verify(text->data, text->len, policy, issuers, now, ret);
	/* One that is used up comes once. */
	if (fault == DKE_TOKEN_HOLDS && ret->until == 0)
		keep(slot, digest, ret);
	return fault;
}
