/* SPDX-License-Identifier: Apache-2.0 */
#include "format/set_write.h"

#include <stdlib.h>
#include <string.h>

dk_err
dk_set_keys_check(dk_side side, struct dk_key *const *keys, size_t count)
{
	if (count == 0)
		return DK_ERR_ARGUMENT;
	if (count > DK_STANZAS_MAX)
		return DK_ERR_TOO_MANY_STANZAS;
	for (size_t i = 0; i < count; i++) {
		if (keys[i]->side != side)
			return DK_ERR_KEY_SIDE;
		for (size_t j = 0; j < i; j++)
			if (memcmp(keys[i]->id, keys[j]->id, DK_KEY_ID_BYTES) == 0)
				return DK_ERR_SAME_KEY;
	}
	return DK_OK;
}

static bool
has_key(struct dk_key *const *keys, size_t count, const struct dk_key *key)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(keys[i]->id, key->id, DK_KEY_ID_BYTES) == 0)
			return true;
	return false;
}

dk_err
dk_set_keys_all(
    struct dk_key *const *keys, size_t count, struct dk_key **ret_keys, size_t *ret_count)
{
	size_t n = count;

	if (count > DK_STANZAS_MAX)
		return DK_ERR_TOO_MANY_STANZAS;
	for (size_t i = 0; i < count; i++)
		ret_keys[i] = keys[i];
	for (size_t i = 0; i < count; i++) {
		struct dk_key *recovery = keys[i]->recovery;

		if (!recovery || has_key(ret_keys, n, recovery))
			continue;
		if (n == DK_STANZAS_MAX)
			return DK_ERR_TOO_MANY_STANZAS;
		ret_keys[n++] = recovery;
	}
	*ret_count = n;
	return DK_OK;
}

dk_err
dk_set_sides_check(struct dk_key *const *customer, size_t customer_count,
    struct dk_key *const *provider, size_t provider_count)
{
	dk_err err = DK_OK;

	for (size_t i = 0; i < customer_count; i++) {
		for (size_t j = 0; j < provider_count; j++) {
			if (memcmp(customer[i]->id, provider[j]->id, DK_KEY_ID_BYTES) == 0)
				return DK_ERR_SAME_KEY;
			if (memcmp(customer[i]->custodian, provider[j]->custodian,
				DK_CUSTODIAN_BYTES) == 0)
				err = DK_ERR_SAME_CUSTODIAN;
		}
	}
	return err;
}

/* A former as it stands in the set: type, key id, custodian. */
struct former {
	uint16_t type;
	const uint8_t *id;
	const uint8_t *custodian;
};

/* Insert in order of key id; an entry that is already there stays. */
static dk_err
formers_add(struct former *list, uint32_t *count, struct former item)
{
	uint32_t at = 0;
	int order = 1;

	while (at < *count && (order = memcmp(list[at].id, item.id, DK_KEY_ID_BYTES)) < 0)
		at++;
	if (at < *count && order == 0)
		return DK_OK;
	if (*count == DK_FORMERS_MAX)
		return DK_ERR_HISTORY_FULL;
	memmove(&list[at + 1], &list[at], (*count - at) * sizeof(*list));
	list[at] = item;
	*count += 1;
	return DK_OK;
}

static dk_err
formers_collect(const struct dk_set_plan *plan, struct former *list, uint32_t *count)
{
	const struct dk_set *old = plan->old_set;
	const uint8_t *block = plan->old_block;
	dk_err err = DK_OK;

	*count = 0;
	if (!old)
		return DK_OK;
	for (uint32_t i = 0; i < old->former_count && err == DK_OK; i++) {
		const uint8_t *at = block + old->formers + i * DK_FORMER_BYTES;
		struct former item = { (uint16_t)(at[0] << 8 | at[1]), at + 2, at + 34 };

		err = formers_add(list, count, item);
	}
	for (uint32_t i = 0; i < old->stanza_count && err == DK_OK; i++) {
		const struct dk_stanza *st = &old->stanza[i];
		struct former item = { st->type, block + st->key_id, block + st->custodian };

		err = formers_add(list, count, item);
	}
	return err;
}

static dk_err
write_stanza(struct dk_writer_buf *wr, const struct dk_key *key,
    const struct dk_wrap_context *context, const struct dk_secret32 *share)
{
	uint8_t body[DK_STANZA_BODY_MAX_BYTES];
	size_t len;
	dk_err err;

	err = key->ops->wrap(key, context, share, body, &len);
	if (err != DK_OK)
		return err;
	dk_wr_u16(wr, key->stanza_type);
	dk_wr_u16(wr, (uint16_t)len);
	dk_wr_bytes(wr, key->id, DK_KEY_ID_BYTES);
	dk_wr_bytes(wr, key->custodian, DK_CUSTODIAN_BYTES);
	dk_wr_bytes(wr, body, len);
	return wr->failed ? DK_ERR_HEADER_TOO_LARGE : DK_OK;
}

static dk_err
write_formers(struct dk_writer_buf *wr, const struct dk_set_plan *plan, size_t count_at)
{
	struct former list[DK_FORMERS_MAX];
	uint32_t count;
	dk_err err;

	err = formers_collect(plan, list, &count);
	if (err != DK_OK)
		return err;
	for (uint32_t i = 0; i < count; i++) {
		dk_wr_u16(wr, list[i].type);
		dk_wr_bytes(wr, list[i].id, DK_KEY_ID_BYTES);
		dk_wr_bytes(wr, list[i].custodian, DK_CUSTODIAN_BYTES);
	}
	if (wr->failed)
		return DK_ERR_HEADER_TOO_LARGE;
	wr->data[count_at] = (uint8_t)(count >> 8);
	wr->data[count_at + 1] = (uint8_t)count;
	return DK_OK;
}

dk_err
dk_set_write(struct dk_writer_buf *wr, const struct dk_set_plan *plan,
    const uint8_t core_digest[DK_SHA384_BYTES], const struct dk_secret32 *share,
    const struct dk_side_keys *side_keys)
{
	const struct dk_wrap_context context = { plan->side, core_digest };
	size_t start = wr->len;
	uint8_t *mac;
	dk_err err;

	dk_wr_u8(wr, (uint8_t)plan->side);
	dk_wr_u32(wr, plan->epoch);
	dk_wr_u8(wr, (uint8_t)plan->key_count);
	dk_wr_u16(wr, 0); /* the former count, filled in below */
	if (wr->failed)
		return DK_ERR_HEADER_TOO_LARGE;
	for (size_t i = 0; i < plan->key_count; i++) {
		err = write_stanza(wr, plan->keys[i], &context, share);
		if (err != DK_OK)
			return err;
	}
	err = write_formers(wr, plan, start + 6);
	if (err != DK_OK)
		return err;
	mac = dk_wr_space(wr, DK_SET_MAC_BYTES);
	if (!mac)
		return DK_ERR_HEADER_TOO_LARGE;
	return dk_set_mac(
	    side_keys, core_digest, wr->data + start, wr->len - DK_SET_MAC_BYTES - start, mac);
}

dk_err
dk_block_check(const struct dk_writer_buf *wr)
{
	struct dk_header *header = malloc(sizeof(*header));
	struct dk_header_error error;
	dk_err err = DK_ERR_NOMEM;

	if (header)
		err = dk_header_parse(wr->data, wr->len, header, &error);
	free(header);
	return err;
}
