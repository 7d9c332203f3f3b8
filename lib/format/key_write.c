/* SPDX-License-Identifier: Apache-2.0 */
/* New keys, and the files of a key. */
#include <string.h>
#include <time.h>

#include "format/key_file.h"
#include "format/key_impl.h"

static const struct type_row {
	const char *name;
	enum dk_key_type type;
	unsigned rsa_bits;
} types[] = {
	{ "p256", DK_KEY_P256, 0 },
	{ "p384", DK_KEY_P384, 0 },
	{ "rsa3072", DK_KEY_RSA, 3072 },
	{ "rsa4096", DK_KEY_RSA, 4096 },
};

static const struct type_row *
find_type(const char *name, dk_side side)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0 && dk_key_type_for(types[i].type, side))
			return &types[i];
	return NULL;
}

static dk_err
now(uint64_t *ret_created)
{
	time_t t = time(NULL);

	if (t < 0 || (uint64_t)t >= DK_KEY_CREATED_MAX_S)
		return DK_ERR_CLOCK;
	*ret_created = (uint64_t)t;
	return DK_OK;
}

dk_err
dk_key_generate(const struct dk_key_spec *spec, struct dk_key **ret)
{
	dk_auto_pkey *pkey = NULL;
	uint8_t custodian[DK_CUSTODIAN_BYTES];
	const char *name = spec->custodian;
	const struct type_row *row;
	uint64_t created;
	dk_err err;

	if (spec->side < DK_SIDE_CUSTOMER || spec->side > DK_SIDE_AUDITOR || !spec->type)
		return DK_ERR_ARGUMENT;
	if (strcmp(spec->type, "p256-mlkem768") == 0)
		return DK_ERR_KEY_RESERVED;
	row = find_type(spec->type, spec->side);
	if (!row)
		return DK_ERR_KEY_TYPE;
	if (!dk_custodian_from_string(name ? name : dk_side_name(spec->side), custodian))
		return DK_ERR_TEXT;
	err = now(&created);
	if (err != DK_OK)
		return err;
	err = dk_pkey_generate(row->type, row->rsa_bits, &pkey);
	if (err != DK_OK)
		return err;
	err = dk_key_local_new(spec->side, custodian, created, pkey, ret);
	if (err == DK_OK)
		pkey = NULL; /* now the key's */
	return err;
}

static dk_err
start(const struct dk_key *key, enum dk_key_kind kind, struct dk_key_blob *blob)
{
	const struct dk_pkey *pkey = dk_key_local_pkey(key);
	struct dk_key_file file = {
		.kind = kind,
		.side = key->side,
		.created = key->created,
		.custodian = key->custodian,
	};

	if (!pkey)
		return DK_ERR_KEY_TYPE;
	file.type = (uint16_t)dk_pkey_type(pkey);
	file.spki = dk_pkey_spki(pkey, &file.spki_len);
	return dk_key_file_start(blob, &file);
}

dk_err
dk_key_public_blob(const struct dk_key *key, struct dk_key_blob *blob)
{
	return start(key, DK_KIND_PUBLIC, blob);
}

static bool
passphrase_valid(const struct dk_key_seal *seal)
{
	if (!seal->passphrase || seal->passphrase_len < 1 ||
	    seal->passphrase_len > DK_PASSPHRASE_MAX_BYTES)
		return false;
	for (size_t i = 0; i < seal->passphrase_len; i++)
		if (seal->passphrase[i] == '\0' || seal->passphrase[i] == '\r' ||
		    seal->passphrase[i] == '\n')
			return false;
	return true;
}

static dk_err
seal_params(
    const struct dk_key_seal *seal, struct dk_passphrase *passphrase, struct dk_argon2 *ret_params)
{
	struct dk_argon2 params = {
		.passes = seal->passes ? seal->passes : DK_SEAL_PASSES,
		.memory_kib = seal->memory_kib ? seal->memory_kib : DK_SEAL_MEMORY_KIB,
		.lanes = seal->lanes ? seal->lanes : DK_SEAL_LANES,
	};

	if (!passphrase_valid(seal) || !dk_argon2_valid(&params) ||
	    params.passes < DK_SEAL_PASSES_MIN || params.memory_kib < DK_SEAL_MEMORY_MIN_KIB)
		return DK_ERR_ARGUMENT;
	memcpy(passphrase->bytes, seal->passphrase, seal->passphrase_len);
	passphrase->len = seal->passphrase_len;
	*ret_params = params;
	return DK_OK;
}

static dk_err
add_private(const struct dk_key *key, const struct dk_key_seal *seal, struct dk_key_blob *blob)
{
	dk_auto_private_part part = { .len = sizeof(part.bytes) };
	dk_auto_passphrase passphrase = { .len = 0 };
	struct dk_argon2 params = { .passes = 0 };
	dk_err err;

	err = dk_pkey_private_bytes(dk_key_local_pkey(key), part.bytes, &part.len);
	if (err != DK_OK)
		return err;
	if (!seal)
		return dk_key_file_add_private(blob, &part, NULL, NULL);
	err = seal_params(seal, &passphrase, &params);
	if (err != DK_OK)
		return err;
	return dk_key_file_add_private(blob, &part, &passphrase, &params);
}

dk_err
dk_key_write_private(const struct dk_key *key, const struct dk_key_seal *seal, uint8_t *ret_text,
    size_t cap, size_t *ret_len)
{
	dk_auto_key_blob blob = { .len = 0 };
	dk_err err;

	if (!key->has_private)
		return DK_ERR_KEY_NEED_PRIVATE;
	err = start(key, DK_KIND_PRIVATE, &blob);
	if (err != DK_OK)
		return err;
	err = add_private(key, seal, &blob);
	if (err != DK_OK)
		return err;
	err = dk_key_file_finish(&blob);
	if (err != DK_OK)
		return err;
	return dk_key_text_encode(&blob, DK_KIND_PRIVATE, ret_text, cap, ret_len);
}

dk_err
dk_key_write_public(const struct dk_key *key, uint8_t *ret_text, size_t cap, size_t *ret_len)
{
	dk_auto_key_blob blob = { .len = 0 };
	dk_err err;

	err = start(key, DK_KIND_PUBLIC, &blob);
	if (err != DK_OK)
		return err;
	err = dk_key_file_finish(&blob);
	if (err != DK_OK)
		return err;
	return dk_key_text_encode(&blob, DK_KIND_PUBLIC, ret_text, cap, ret_len);
}
