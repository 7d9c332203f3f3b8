/* SPDX-License-Identifier: Apache-2.0 */
/* Restoring a key from its shares, spec/key-backup.md section 6. */
#include <stdlib.h>
#include <string.h>

#include "doublekey/backup.h"
#include "format/key_impl.h"
#include "format/shamir.h"
#include "format/share.h"

static const uint8_t zero_iv[DK_GCM_IV_BYTES];

struct dk_join {
	struct dk_share_data first; /* its common part is the one for all */
	struct dk_share_common common;
	char id_hex[DK_SPLIT_ID_HEX_BYTES];
	unsigned count;
	uint8_t index[DK_SPLIT_MAX];
	uint8_t value[DK_SPLIT_MAX * DK_SHARE_BYTES];
};

dk_err
dk_join_new(struct dk_join **ret)
{
	struct dk_join *join = calloc(1, sizeof(*join));

	if (!join)
		return DK_ERR_NOMEM;
	*ret = join;
	return DK_OK;
}

void
dk_join_free(struct dk_join *join)
{
	if (!join)
		return;
	dk_wipe(join, sizeof(*join));
	free(join);
}

/* Step 4, for a share that is right by itself. */
static dk_err
compare(const struct dk_join *join, const struct dk_share_data *data,
    const struct dk_share_common *common)
{
	const struct dk_share_data *first = &join->first;

	if (join->count == 0)
		return DK_OK;
	if (memcmp(common->split_id, join->common.split_id, DK_SPLIT_ID_BYTES) != 0)
		return DK_ERR_SHARE_FOREIGN;
	if (data->common_len != first->common_len ||
	    memcmp(data->common, first->common, first->common_len) != 0)
		return DK_ERR_SHARE_DAMAGED;
	if (memchr(join->index, data->part[0], join->count))
		return DK_ERR_SHARE_TWICE;
	return DK_OK;
}

static dk_err
keep(struct dk_join *join, const struct dk_share_data *data, struct dk_place *ret_place)
{
	if (join->count == 0) {
		join->first = *data;
		/* Again, so that the pointers are into what is kept. */
		dk_err err = dk_share_common_parse(
		    join->first.common, join->first.common_len, &join->common, ret_place);

		if (err != DK_OK)
			return err;
		dk_hex(join->common.split_id, DK_SPLIT_ID_BYTES, join->id_hex);
	}
	join->index[join->count] = data->part[0];
	memcpy(join->value + (size_t)join->count * DK_SHARE_BYTES, data->part + DK_SHARE_VALUE,
	    DK_SHARE_BYTES);
	join->count++;
	return DK_OK;
}

dk_err
dk_join_add(struct dk_join *join, const uint8_t *text, size_t len, struct dk_place *ret_place)
{
	dk_auto_share_data data = { .common_len = 0 };
	struct dk_share_common common;
	struct dk_place unasked;
	dk_err err;

	if (!ret_place)
		ret_place = &unasked;
	err = dk_share_text_decode(text, len, &data, ret_place);
	if (err != DK_OK)
		return err;
	err = dk_share_common_parse(data.common, data.common_len, &common, ret_place);
	if (err != DK_OK)
		return err;
	err = dk_share_part_check(&common, data.part, ret_place);
	if (err != DK_OK)
		return err;
	err = compare(join, &data, &common);
	if (err != DK_OK)
		return err;
	return keep(join, &data, ret_place);
}

unsigned
dk_join_count(const struct dk_join *join)
{
	return join->count;
}

unsigned
dk_join_threshold(const struct dk_join *join)
{
	return join->common.threshold;
}

const char *
dk_join_split_id_hex(const struct dk_join *join)
{
	return join->id_hex;
}

static dk_err
open_private(const struct dk_join *join, struct dk_private_part *ret_part)
{
	const struct dk_share_common *common = &join->common;
	dk_auto_secret32 backup_key = { { 0 } };
	dk_auto_private_part part = { .len = common->sealed_len - DK_GCM_TAG_BYTES };
	dk_err err;

	dk_ct_secret(join->value, (size_t)join->count * DK_SHARE_BYTES);
	dk_shamir_value_at(
	    join->index, join->value, common->threshold, DK_SHARE_BYTES, 0, backup_key.bytes);
	err = dk_gcm_open(&backup_key, zero_iv, join->first.common, common->sealed_offset,
	    common->sealed, common->sealed_len, part.bytes);
	dk_ct_public(part.bytes, sizeof(part.bytes)); /* from here on libcrypto's */
	if (err == DK_ERR_STANZA_AUTH)
		return DK_ERR_SHARE_DAMAGED;
	if (err != DK_OK)
		return err;
	*ret_part = part;
	return DK_OK;
}

dk_err
dk_join_finish(const struct dk_join *join, struct dk_key **ret)
{
	const struct dk_key_file *file = &join->common.file;
	dk_auto_private_part part = { .len = 0 };
	dk_auto_pkey *pkey = NULL;
	dk_err err;

	if (join->count == 0 || join->count < join->common.threshold)
		return DK_ERR_SHARE_TOO_FEW;
	err = open_private(join, &part);
	if (err != DK_OK)
		return err;
	err = dk_pkey_from_private(
	    (enum dk_key_type)file->type, file->spki, file->spki_len, part.bytes, part.len, &pkey);
	if (err == DK_ERR_KEY_TYPE)
		return DK_ERR_KEY_INVALID;
	if (err != DK_OK)
		return err;
	err = dk_key_local_new(file->side, file->custodian, file->created, pkey, ret);
	if (err == DK_OK)
		pkey = NULL; /* now the key's */
	return err;
}
