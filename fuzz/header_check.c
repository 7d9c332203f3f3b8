/* SPDX-License-Identifier: Apache-2.0 */
#include "header_check.h"

#include <string.h>

#include "base/bytes.h"
#include "fuzz.h"

static const uint8_t magic[8] = { 0x89, 'D', 'K', 'E', 'Y', 0x0d, 0x0a, 0x1a };

void
check_core(const struct dk_header *h)
{
	FUZZ_CHECK(h->core_len >= DK_CORE_MIN_BYTES && h->core_len <= DK_CORE_MAX_BYTES);
	FUZZ_CHECK(h->object_id == 16 && h->salt == 32);
	FUZZ_CHECK(h->created < DK_CREATED_MAX_S);
	FUZZ_CHECK(h->segment_len == 4096 || h->segment_len == 65536 || h->segment_len == 1048576);
	FUZZ_CHECK(h->share_commitment[0] == 76 && h->share_commitment[1] == 108);
	FUZZ_CHECK(h->metadata_digest == 140);
	FUZZ_CHECK(h->tenant == 189 && h->tenant_len <= DK_TEXT_MAX_BYTES);
	FUZZ_CHECK(h->label == 190 + h->tenant_len && h->label_len <= DK_TEXT_MAX_BYTES);
	FUZZ_CHECK(h->creator_id == h->label + h->label_len + 1);
	FUZZ_CHECK(h->core_len == h->creator_id + (h->has_creator ? 32 : 0));
}

static void
check_stanza(const uint8_t *data, const struct dk_stanza *st, uint32_t at)
{
	FUZZ_CHECK(st->key_id == at + 4 && st->custodian == at + 36);
	FUZZ_CHECK(st->body == at + DK_STANZA_HEAD_BYTES);
	FUZZ_CHECK((st->type >= DK_STANZA_P256 && st->type <= DK_STANZA_RSA_OAEP) ||
	    st->type == DK_STANZA_KMS);
	FUZZ_CHECK(st->type != DK_STANZA_KMS || (st->body_len >= 5 && st->body_len <= 4675));
	FUZZ_CHECK(st->type != DK_STANZA_P256 || st->body_len == 113);
	FUZZ_CHECK(st->type != DK_STANZA_P384 || st->body_len == 145);
	FUZZ_CHECK(st->type != DK_STANZA_RSA_OAEP || (st->body_len >= 432 && st->body_len <= 1072));
	FUZZ_CHECK(dk_custodian_valid(data + st->custodian));
}

void
check_set(const uint8_t *data, const struct dk_set *set, uint32_t end)
{
	uint32_t at = set->offset + DK_SET_HEAD_BYTES;

	FUZZ_CHECK(set->epoch > 0);
	FUZZ_CHECK(set->stanza_count >= 1 && set->stanza_count <= DK_STANZAS_MAX);
	FUZZ_CHECK(set->former_count <= DK_FORMERS_MAX);
	for (uint32_t i = 0; i < set->stanza_count; i++) {
		check_stanza(data, &set->stanza[i], at);
		at = set->stanza[i].body + set->stanza[i].body_len;
		for (uint32_t j = 0; j < i; j++)
			FUZZ_CHECK(memcmp(data + set->stanza[i].key_id,
				       data + set->stanza[j].key_id, 32) != 0);
	}
	FUZZ_CHECK(set->formers == at);
	for (uint32_t i = 0; i < set->former_count; i++, at += DK_FORMER_BYTES) {
		FUZZ_CHECK(dk_custodian_valid(data + at + 34));
		FUZZ_CHECK(
		    i == 0 || memcmp(data + at + 2 - DK_FORMER_BYTES, data + at + 2, 32) < 0);
	}
	FUZZ_CHECK(set->mac == at);
	FUZZ_CHECK(set->offset + set->len == at + DK_SET_MAC_BYTES);
	FUZZ_CHECK(set->offset + set->len == end);
}

void
check_core_again(const uint8_t *data, const struct dk_header *h)
{
	uint8_t again[DK_CORE_MAX_BYTES];
	struct dk_writer_buf wr;

	dk_wr_init(&wr, again, sizeof(again));
	dk_wr_bytes(&wr, magic, sizeof(magic));
	dk_wr_u16(&wr, 1);
	dk_wr_u16(&wr, 1);
	dk_wr_u32(&wr, h->core_len);
	dk_wr_bytes(&wr, data + h->object_id, 16);
	dk_wr_bytes(&wr, data + h->salt, 32);
	dk_wr_u64(&wr, h->created);
	dk_wr_u32(&wr, h->segment_len);
	dk_wr_bytes(&wr, data + h->share_commitment[0], 32);
	dk_wr_bytes(&wr, data + h->share_commitment[1], 32);
	dk_wr_bytes(&wr, data + h->metadata_digest, 48);
	dk_wr_u8(&wr, (uint8_t)h->tenant_len);
	dk_wr_bytes(&wr, data + h->tenant, h->tenant_len);
	dk_wr_u8(&wr, (uint8_t)h->label_len);
	dk_wr_bytes(&wr, data + h->label, h->label_len);
	dk_wr_u8(&wr, h->has_creator);
	if (h->has_creator)
		dk_wr_bytes(&wr, data + h->creator_id, 32);
	FUZZ_CHECK(!wr.failed && wr.len == h->core_len);
	FUZZ_CHECK(memcmp(again, data, wr.len) == 0);
}

void
check_set_again(const uint8_t *data, const struct dk_set *set, unsigned side)
{
	static uint8_t again[DK_HEADER_MAX_BYTES];
	struct dk_writer_buf wr;

	dk_wr_init(&wr, again, sizeof(again));
	dk_wr_u8(&wr, (uint8_t)(side + 1));
	dk_wr_u32(&wr, set->epoch);
	dk_wr_u8(&wr, (uint8_t)set->stanza_count);
	dk_wr_u16(&wr, (uint16_t)set->former_count);
	for (uint32_t i = 0; i < set->stanza_count; i++) {
		const struct dk_stanza *st = &set->stanza[i];

		dk_wr_u16(&wr, st->type);
		dk_wr_u16(&wr, st->body_len);
		dk_wr_bytes(&wr, data + st->key_id, 32);
		dk_wr_bytes(&wr, data + st->custodian, DK_CUSTODIAN_BYTES);
		dk_wr_bytes(&wr, data + st->body, st->body_len);
	}
	dk_wr_bytes(&wr, data + set->formers, set->former_count * DK_FORMER_BYTES);
	dk_wr_bytes(&wr, data + set->mac, DK_SET_MAC_BYTES);
	FUZZ_CHECK(!wr.failed && wr.len == set->len);
	FUZZ_CHECK(memcmp(again, data + set->offset, wr.len) == 0);
}
