/* SPDX-License-Identifier: Apache-2.0 */
/* Making the shares of a key backup. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "doublekey/backup.h"
#include "format/key_impl.h"
#include "format/shamir.h"
#include "format/share.h"

#define MAGIC "DKEYSPLT"
#define MAGIC_BYTES 8
#define VERSION 1

/* A backup key is used once, so that its nonce can be constant. */
static const uint8_t zero_iv[DK_GCM_IV_BYTES];

struct dk_split {
	unsigned shares;
	unsigned threshold;
	uint8_t common[DK_SHARE_COMMON_MAX_BYTES];
	size_t common_len;
	uint8_t part[DK_SPLIT_MAX][DK_SHARE_PART_BYTES];
	char id_hex[DK_SPLIT_ID_HEX_BYTES];
	/* for the instructions */
	dk_side side;
	uint64_t created;
	char type_name[16];
	char custodian[DK_CUSTODIAN_STRING_BYTES];
	char key_id[DK_KEY_ID_HEX_BYTES];
};

static bool
params_valid(const struct dk_split_params *params)
{
	unsigned most = params->allow_all ? params->shares : params->shares - 1;

	return params->shares >= DK_SPLIT_MIN && params->shares <= DK_SPLIT_MAX &&
	    params->threshold >= DK_SPLIT_MIN && params->threshold <= most;
}

/* The values of all shares: a polynomial for each byte of the backup key. */
static dk_err
share_backup_key(struct dk_split *split, const struct dk_secret32 *backup_key)
{
	size_t len = (size_t)(split->threshold - 1) * DK_SHARE_BYTES;
	uint8_t *coefficients = malloc(len);
	dk_err err;

	if (!coefficients)
		return DK_ERR_NOMEM;
	err = dk_random(coefficients, len);
	for (unsigned i = 0; i < split->shares && err == DK_OK; i++) {
		split->part[i][0] = (uint8_t)(i + 1);
		dk_shamir_share(backup_key->bytes, DK_SHARE_BYTES, coefficients, split->threshold,
		    (uint8_t)(i + 1), split->part[i] + DK_SHARE_VALUE);
	}
	dk_wipe(coefficients, len);
	free(coefficients);
	return err;
}

static dk_err
put_checks(struct dk_split *split, struct dk_writer_buf *wr, const uint8_t *split_id)
{
	for (unsigned i = 0; i < split->shares; i++) {
		uint8_t check[DK_SHARE_CHECK_BYTES];
		dk_err err =
		    dk_share_check_value(split_id, i + 1, split->part[i] + DK_SHARE_VALUE, check);

		if (err != DK_OK)
			return err;
		memcpy(split->part[i] + DK_SHARE_SPLIT, split_id, DK_SHARE_SPLIT_BYTES);
		dk_wr_bytes(wr, check, sizeof(check));
	}
	return DK_OK;
}

static dk_err
put_sealed(struct dk_split *split, struct dk_writer_buf *wr, const struct dk_pkey *pkey,
    const struct dk_secret32 *backup_key)
{
	dk_auto_private_part part = { .len = sizeof(part.bytes) };
	uint8_t *sealed;
	size_t aad_len;
	dk_err err;

	err = dk_pkey_private_bytes(pkey, part.bytes, &part.len);
	if (err != DK_OK)
		return err;
	dk_wr_u16(wr, (uint16_t)(part.len + DK_GCM_TAG_BYTES));
	aad_len = wr->len;
	sealed = dk_wr_space(wr, part.len + DK_GCM_TAG_BYTES);
	if (!sealed)
		return DK_ERR_ARGUMENT;
	return dk_gcm_seal(
	    backup_key, zero_iv, split->common, aad_len, part.bytes, part.len, sealed);
}

static dk_err
put_common(struct dk_split *split, const struct dk_key *key, const struct dk_secret32 *backup_key)
{
	dk_auto_key_blob public_part = { .len = 0 };
	uint8_t split_id[DK_SPLIT_ID_BYTES];
	struct dk_writer_buf wr;
	dk_err err;

	err = dk_random(split_id, sizeof(split_id));
	if (err != DK_OK)
		return err;
	err = dk_key_public_blob(key, &public_part);
	if (err != DK_OK)
		return err;
	dk_hex(split_id, sizeof(split_id), split->id_hex);
	dk_wr_init(&wr, split->common, sizeof(split->common));
	dk_wr_bytes(&wr, MAGIC, MAGIC_BYTES);
	dk_wr_u16(&wr, VERSION);
	dk_wr_u8(&wr, (uint8_t)split->threshold);
	dk_wr_u8(&wr, (uint8_t)split->shares);
	dk_wr_bytes(&wr, split_id, sizeof(split_id));
	dk_wr_u16(&wr, (uint16_t)public_part.len);
	dk_wr_bytes(&wr, public_part.bytes, public_part.len);
	err = put_checks(split, &wr, split_id);
	if (err != DK_OK)
		return err;
	err = put_sealed(split, &wr, dk_key_local_pkey(key), backup_key);
	if (err != DK_OK)
		return err;
	split->common_len = wr.len;
	return wr.failed ? DK_ERR_ARGUMENT : DK_OK;
}

static dk_err
fill(struct dk_split *split, const struct dk_key *key, const struct dk_split_params *params)
{
	dk_auto_secret32 backup_key = { { 0 } };
	dk_err err;

	split->shares = params->shares;
	split->threshold = params->threshold;
	split->side = key->side;
	split->created = key->created;
	memcpy(split->type_name, key->type_name, sizeof(split->type_name));
	memcpy(split->custodian, key->custodian_text, sizeof(split->custodian));
	memcpy(split->key_id, key->id_hex, sizeof(split->key_id));
	err = dk_random(backup_key.bytes, sizeof(backup_key.bytes));
	if (err != DK_OK)
		return err;
	err = share_backup_key(split, &backup_key);
	if (err != DK_OK)
		return err;
	return put_common(split, key, &backup_key);
}

dk_err
dk_key_split(const struct dk_key *key, const struct dk_split_params *params, struct dk_split **ret)
{
	struct dk_split *split;
	dk_err err;

	if (!params_valid(params))
		return DK_ERR_THRESHOLD;
	if (!dk_key_local_pkey(key))
		return DK_ERR_KEY_TYPE;
	if (!key->has_private)
		return DK_ERR_KEY_NEED_PRIVATE;
	split = calloc(1, sizeof(*split));
	if (!split)
		return DK_ERR_NOMEM;
	err = fill(split, key, params);
	if (err != DK_OK) {
		dk_split_free(split);
		return err;
	}
	*ret = split;
	return DK_OK;
}

static const char instructions[] =
    "#\n"
    "# To restore the key, bring %u shares together on one machine and run\n"
    "#     doublekey key join SHARE... -o NAME.key\n"
    "#\n"
    "# A share that is only on paper is typed into a text file: the first line of this\n"
    "# sheet, then all lines that begin with C or S, in their order. Lower case is as\n"
    "# good as upper case, O is read as 0, I and L as 1, and blanks do not matter. The\n"
    "# last group of a line is a check: a line that was mistyped is named. The lines C\n"
    "# are the same on all sheets with this split id.\n"
    "#\n"
    "# The lines S are secret. Keep this sheet apart from the others, and from the key.\n"
    "\n";

static dk_err
put_head(const struct dk_split *split, unsigned index, char *text, size_t cap, size_t *ret_len)
{
	char day[16] = "";
	time_t created = (time_t)split->created;
	struct tm tm;
	int head, rest;

	if (!gmtime_r(&created, &tm) || strftime(day, sizeof(day), "%Y-%m-%d", &tm) == 0)
		return DK_ERR_CLOCK;
	head = snprintf(text, cap,
	    "DOUBLEKEY KEY SHARE 1\n"
	    "\n"
	    "# Share %u of %u of a doublekey %s key. Any %u of the %u shares restore the key;\n"
	    "# fewer tell nothing about it.\n"
	    "#\n"
	    "# key        %s of %s, made on %s\n"
	    "# key id     %s\n"
	    "# split id   %s\n",
	    index, split->shares, dk_side_name(split->side), split->threshold, split->shares,
	    split->type_name, split->custodian, day, split->key_id, split->id_hex);
	if (head < 0 || (size_t)head >= cap)
		return DK_ERR_OUTPUT_TOO_SMALL;
	rest = snprintf(text + head, cap - (size_t)head, instructions, split->threshold);
	if (rest < 0 || (size_t)rest >= cap - (size_t)head)
		return DK_ERR_OUTPUT_TOO_SMALL;
	*ret_len = (size_t)head + (size_t)rest;
	return DK_OK;
}

dk_err
dk_split_write(
    const struct dk_split *split, unsigned index, char *ret_text, size_t cap, size_t *ret_len)
{
	size_t len;
	dk_err err;

	if (index < 1 || index > split->shares)
		return DK_ERR_ARGUMENT;
	err = put_head(split, index, ret_text, cap, &len);
	if (err != DK_OK)
		return err;
	err = dk_share_text_lines('C', split->common, split->common_len, ret_text, cap, &len);
	if (err != DK_OK)
		return err;
	if (len == cap)
		return DK_ERR_OUTPUT_TOO_SMALL;
	ret_text[len++] = '\n';
	err = dk_share_text_lines(
	    'S', split->part[index - 1], DK_SHARE_PART_BYTES, ret_text, cap, &len);
	if (err != DK_OK)
		return err;
	*ret_len = len;
	return DK_OK;
}

const char *
dk_split_id_hex(const struct dk_split *split)
{
	return split->id_hex;
}

void
dk_split_free(struct dk_split *split)
{
	if (!split)
		return;
	dk_wipe(split, sizeof(*split));
	free(split);
}
