/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/renewal.h"

#include <string.h>

#include "authd/known_keys.h"

static struct token_issuer *
find_issuer(struct in_force *now, const struct dk_part *name)
{
	for (unsigned i = 0; i < now->issuers.count; i++) {
		const struct policy_issuer *info = &now->issuers.item[i].info;

		if (info->key_set && strlen(info->title) == name->len &&
		    memcmp(info->title, name->data, name->len) == 0)
			return &now->issuers.item[i];
	}
	return NULL;
}

static size_t
field_of(const struct renewal *renewal, const struct ipc_key_set *set, uint8_t *ret)
{
	struct dk_log_key_set field = { .verifier = IPC_FETCHD, .count = renewal->keys.count };

	memcpy(field.digest, renewal->digest, sizeof(field.digest));
	memcpy(field.root, set->root, sizeof(field.root));
	memcpy(field.issuer, set->name.data, set->name.len);
	for (unsigned i = 0; i < renewal->keys.count; i++)
		memcpy(field.thumbprint[i], renewal->keys.key[i].thumbprint, 32);
	return dk_log_key_set_write(&field, ret);
}

enum renewal_step
renewal_begin(struct renewal *renewal, struct in_force *now, const struct ipc_key_set *set,
    const char **ret_why, uint8_t *ret_field, size_t *ret_field_len)
{
	struct token_issuer *issuer = find_issuer(now, &set->name);

	*renewal = (struct renewal){ .issuer = issuer, .fetched_s = set->fetched_s };
	*ret_why = "the policy in force has no such issuer";
	if (!issuer || !keyset_parse(set->bytes.data, set->bytes.len, &renewal->keys, ret_why))
		return RENEWAL_REFUSED;
	*ret_why = "libcrypto does not do what it must";
	if (dk_sha256(&set->bytes, 1, renewal->digest) != DK_OK) {
		keyset_clear(&renewal->keys);
		return RENEWAL_REFUSED;
	}
	if (issuer->keys.count > 0 &&
	    memcmp(issuer->digest, renewal->digest, sizeof(renewal->digest)) == 0) {
		issuer->fetched_s = renewal->fetched_s;
		keyset_clear(&renewal->keys);
		return RENEWAL_SAME;
	}
	renewal->pending = true;
	*ret_field_len = field_of(renewal, set, ret_field);
	return RENEWAL_RECORD;
}

void
renewal_end(struct renewal *renewal, bool durable, const struct policy *policy, uint64_t now,
    unsigned *ret_new)
{
	struct token_issuer *issuer = renewal->issuer;

	renewal->pending = false;
	*ret_new = 0;
	if (!durable) {
		keyset_clear(&renewal->keys);
		return;
	}
	keyset_clear(&issuer->keys);
	issuer->keys = renewal->keys;
	issuer->fetched_s = renewal->fetched_s;
	*ret_new = known_keys_take(issuer, &issuer->keys, known_keys_until(issuer, policy, now));
	memcpy(issuer->digest, renewal->digest, sizeof(issuer->digest));
}
