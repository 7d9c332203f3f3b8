/* SPDX-License-Identifier: Apache-2.0 */
#include "format/seal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "format/metadata.h"
#include "format/schedule.h"
#include "format/set_write.h"

/* Everything that is drawn or derived for one object. */
struct draft {
	uint8_t object_id[16];
	uint8_t salt[32];
	uint64_t created;
	uint32_t segment_len;
	struct dk_secret32 share[2]; /* customer, provider */
	struct dk_side_keys side[2];
	struct dk_secret48 prk;
	struct dk_object_keys keys;
	uint8_t metadata[DK_METADATA_MAX_BYTES];
	size_t metadata_len;
	uint8_t core_digest[DK_SHA384_BYTES];
	size_t core_len;
};

static void
draft_clear(struct draft *d)
{
	dk_wipe(d, sizeof(*d));
}

#define auto_draft __attribute__((cleanup(draft_clear))) struct draft

void
dk_sealed_clear(struct dk_sealed *sealed)
{
	free(sealed->block);
	dk_wipe(sealed, sizeof(*sealed));
}

static dk_err
check_text(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len > DK_TEXT_MAX_BYTES || !dk_text_valid((const uint8_t *)text, len))
		return DK_ERR_TEXT;
	return DK_OK;
}

static dk_err
check_params(const struct dk_encrypt_params *p)
{
	dk_err err;

	err = dk_set_keys_check(DK_SIDE_CUSTOMER, p->customer, p->customer_count);
	if (err != DK_OK)
		return err;
	err = dk_set_keys_check(DK_SIDE_PROVIDER, p->provider, p->provider_count);
	if (err != DK_OK)
		return err;
	err = dk_set_sides_check(p->customer, p->customer_count, p->provider, p->provider_count);
	if (err != DK_OK)
		return err;
	if (p->creator && p->creator->side != DK_SIDE_CREATOR)
		return DK_ERR_KEY_SIDE;
	if (p->creator && !p->creator->ops->sign)
		return DK_ERR_KEY_NEED_PRIVATE;
	err = check_text(p->tenant);
	if (err != DK_OK)
		return err;
	return check_text(p->label);
}

static dk_err
draw_time(const struct dk_encrypt_params *p, struct draft *d)
{
	time_t now;

	d->created = p->created;
	if (d->created == 0) {
		now = time(NULL);
		if (now < 0)
			return DK_ERR_CLOCK;
		d->created = (uint64_t)now;
	}
	if (d->created >= DK_CREATED_MAX_S)
		return DK_ERR_ARGUMENT;
	d->segment_len = p->segment_length ? p->segment_length : 65536;
	if (d->segment_len != 4096 && d->segment_len != 65536 && d->segment_len != 1048576)
		return DK_ERR_ARGUMENT;
	return DK_OK;
}

static dk_err
draw(const struct dk_encrypt_params *p, struct draft *d)
{
	const struct dk_metadata metadata = { p->file_name, p->media_type };
	dk_err err;

	err = draw_time(p, d);
	if (err != DK_OK)
		return err;
	err = dk_random(d->object_id, sizeof(d->object_id));
	if (err != DK_OK)
		return err;
	err = dk_random(d->salt, sizeof(d->salt));
	if (err != DK_OK)
		return err;
	for (unsigned i = 0; i < 2; i++) {
		err = dk_random(d->share[i].bytes, sizeof(d->share[i].bytes));
		if (err != DK_OK)
			return err;
		err =
		    dk_side_keys_derive((dk_side)(i + 1), d->object_id, &d->share[i], &d->side[i]);
		if (err != DK_OK)
			return err;
	}
	err = dk_prk_derive(&d->share[0], &d->share[1], &d->prk);
	if (err != DK_OK)
		return err;
	return dk_metadata_seal(
	    &metadata, &d->prk, d->object_id, d->salt, d->metadata, &d->metadata_len);
}

static void
write_text(struct dk_writer_buf *wr, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	dk_wr_u8(wr, (uint8_t)len);
	dk_wr_bytes(wr, text, len);
}

static dk_err
write_core(struct dk_writer_buf *wr, const struct dk_encrypt_params *p, struct draft *d)
{
	const struct dk_part metadata = { d->metadata, d->metadata_len };
	struct dk_part core = { wr->data, 0 };
	uint8_t *digest;
	dk_err err;

	d->core_len = DK_CORE_MIN_BYTES + (p->tenant ? strlen(p->tenant) : 0) +
	    (p->label ? strlen(p->label) : 0) + (p->creator ? DK_KEY_ID_BYTES : 0);
	dk_wr_bytes(wr, dk_header_magic, DK_MAGIC_BYTES);
	dk_wr_u16(wr, 1);
	dk_wr_u16(wr, 1);
	dk_wr_u32(wr, (uint32_t)d->core_len);
	dk_wr_bytes(wr, d->object_id, sizeof(d->object_id));
	dk_wr_bytes(wr, d->salt, sizeof(d->salt));
	dk_wr_u64(wr, d->created);
	dk_wr_u32(wr, d->segment_len);
	dk_wr_bytes(wr, d->side[0].commitment, DK_COMMITMENT_BYTES);
	dk_wr_bytes(wr, d->side[1].commitment, DK_COMMITMENT_BYTES);
	digest = dk_wr_space(wr, DK_SHA384_BYTES);
	write_text(wr, p->tenant);
	write_text(wr, p->label);
	dk_wr_u8(wr, p->creator ? 1 : 0);
	if (p->creator)
		dk_wr_bytes(wr, p->creator->id, DK_KEY_ID_BYTES);
	if (wr->failed || !digest || wr->len != d->core_len)
		return DK_ERR_HEADER_TOO_LARGE;
	err = dk_sha384(&metadata, 1, digest);
	if (err != DK_OK)
		return err;
	core.len = d->core_len;
	return dk_sha384(&core, 1, d->core_digest);
}

static dk_err
sign_origin(const struct dk_key *creator, const struct dk_writer_buf *wr, const struct draft *d,
    uint8_t *ret_sig)
{
	uint8_t info[DK_INFO_MAX_BYTES];
	struct dk_part parts[3] = { { info, 0 }, { wr->data, d->core_len },
		{ d->keys.commitment, DK_COMMITMENT_BYTES } };
	dk_err err;

	err = dk_info("creator", NULL, 0, info, &parts[0].len);
	if (err != DK_OK)
		return err;
	return creator->ops->sign(creator, parts, 3, ret_sig);
}

/* Key commitment, signature, header MAC, lengths, metadata. */
static dk_err
write_tail(struct dk_writer_buf *wr, const struct dk_encrypt_params *p, struct draft *d,
    size_t *ret_set_lengths)
{
	uint8_t *signature = NULL;
	uint8_t *mac;
	dk_err err;

	err = dk_object_keys_derive(&d->prk, d->core_digest, &d->keys);
	if (err != DK_OK)
		return err;
	dk_wr_bytes(wr, d->keys.commitment, DK_COMMITMENT_BYTES);
	if (p->creator) {
		signature = dk_wr_space(wr, DK_CREATOR_SIGNATURE_BYTES);
		if (!signature)
			return DK_ERR_HEADER_TOO_LARGE;
		err = sign_origin(p->creator, wr, d, signature);
		if (err != DK_OK)
			return err;
	}
	mac = dk_wr_space(wr, DK_HEADER_MAC_BYTES);
	if (!mac)
		return DK_ERR_HEADER_TOO_LARGE;
	err = dk_header_mac(&d->keys, wr->data, d->core_len, signature, mac);
	if (err != DK_OK)
		return err;
	dk_wr_u32(wr, (uint32_t)d->metadata_len);
	*ret_set_lengths = wr->len;
	dk_wr_zero(wr, 8);
	dk_wr_bytes(wr, d->metadata, d->metadata_len);
	return wr->failed ? DK_ERR_HEADER_TOO_LARGE : DK_OK;
}

static dk_err
write_sets(struct dk_writer_buf *wr, const struct dk_encrypt_params *p, const struct draft *d,
    size_t set_lengths)
{
	const struct dk_set_plan plans[2] = {
		{ .side = DK_SIDE_CUSTOMER,
		    .epoch = 1,
		    .keys = p->customer,
		    .key_count = p->customer_count },
		{ .side = DK_SIDE_PROVIDER,
		    .epoch = 1,
		    .keys = p->provider,
		    .key_count = p->provider_count },
	};
	struct dk_writer_buf lengths;
	dk_err err;

	dk_wr_init(&lengths, wr->data + set_lengths, 8);
	for (unsigned i = 0; i < 2; i++) {
		size_t start = wr->len;

		err = dk_set_write(wr, &plans[i], d->core_digest, &d->share[i], &d->side[i]);
		if (err != DK_OK)
			return err;
		dk_wr_u32(&lengths, (uint32_t)(wr->len - start));
	}
	dk_wr_zero(
	    wr, (DK_HEADER_UNIT_BYTES - wr->len % DK_HEADER_UNIT_BYTES) % DK_HEADER_UNIT_BYTES);
	return wr->failed ? DK_ERR_HEADER_TOO_LARGE : DK_OK;
}

static dk_err
write_block(struct dk_writer_buf *wr, const struct dk_encrypt_params *params, struct draft *d)
{
	size_t set_lengths;
	dk_err err;

	err = write_core(wr, params, d);
	if (err != DK_OK)
		return err;
	err = write_tail(wr, params, d, &set_lengths);
	if (err != DK_OK)
		return err;
	err = write_sets(wr, params, d, set_lengths);
	return err == DK_OK ? dk_block_check(wr) : err;
}

dk_err
dk_seal(const struct dk_encrypt_params *given, struct dk_sealed *ret_sealed)
{
	dk_auto_sealed sealed = { 0 };
	auto_draft d = { 0 };
	struct dk_key *customer[DK_STANZAS_MAX];
	struct dk_encrypt_params all = *given;
	dk_auto_hmac_scope hmacs = dk_hmac_scope_open();
	const struct dk_encrypt_params *params = &all;
	struct dk_writer_buf wr;
	dk_err err;

	err =
	    dk_set_keys_all(given->customer, given->customer_count, customer, &all.customer_count);
	if (err != DK_OK)
		return err;
	all.customer = customer;
	err = check_params(params);
	if (err != DK_OK)
		return err;
	err = draw(params, &d);
	if (err != DK_OK)
		return err;
	sealed.block = malloc(DK_HEADER_MAX_BYTES + DK_FLOE_HEADER_BYTES);
	if (!sealed.block)
		return DK_ERR_NOMEM;
	dk_wr_init(&wr, sealed.block, DK_HEADER_MAX_BYTES);
	err = write_block(&wr, params, &d);
	if (err != DK_OK)
		return err;
	err = dk_floe_seal_start(&d.keys.body, d.core_digest, sizeof(d.core_digest), d.segment_len,
	    DK_FLOE_ROTATION_BITS, &sealed.floe, sealed.block + wr.len);
	if (err != DK_OK)
		return err;
	sealed.len = wr.len + DK_FLOE_HEADER_BYTES;
	sealed.segment_len = d.segment_len;
	*ret_sealed = sealed;
	sealed = (struct dk_sealed){ 0 };
	return DK_OK;
}
