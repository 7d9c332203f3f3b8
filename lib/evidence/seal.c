/* SPDX-License-Identifier: Apache-2.0 */
/* The signature of a key service under a bundle, spec/evidence.md section 6. */
#include <string.h>

#include "evidence/bundle.h"
#include "format/schedule.h"

dk_err
dk_bundle_signature_parse(const uint8_t *bytes, size_t len, struct dk_bundle_signature *ret)
{
	struct dk_reader_buf rd;
	const uint8_t *magic;

	dk_rd_init(&rd, bytes, len);
	magic = dk_rd_bytes(&rd, 8);
	ret->spki = dk_rd_bytes(&rd, DK_P256_SPKI_BYTES);
	ret->signature = dk_rd_bytes(&rd, DK_SIGNATURE_BYTES);
	ret->receipt_len = dk_rd_left(&rd);
	ret->receipt = dk_rd_bytes(&rd, ret->receipt_len);
	return !rd.failed && memcmp(magic, DK_SIGNATURE_PART_MAGIC, 8) == 0 ? DK_OK
									    : DK_ERR_EVIDENCE_FILE;
}

dk_err
dk_bundle_signed(const uint8_t manifest_digest[DK_SHA256_BYTES], const uint8_t *receipt,
    size_t receipt_len, uint8_t *ret_info, struct dk_part *ret_part)
{
	const struct dk_part part = { receipt, receipt_len };
	uint8_t digest[DK_SHA256_BYTES];
	const struct dk_part data[] = { { manifest_digest, DK_SHA256_BYTES },
		{ digest, sizeof(digest) } };
	dk_err err = dk_sha256(&part, 1, digest);

	ret_part->data = ret_info;
	return err == DK_OK ? dk_info("evidence", data, 2, ret_info, &ret_part->len) : err;
}

static dk_err
check_key(const struct dk_bundle *b, const struct dk_bundle_signature *s, uint8_t ret_key_id[32])
{
	uint8_t info[DK_INFO_MAX_BYTES];
	struct dk_pkey *key = NULL;
	struct dk_part part;
	dk_err err = dk_pkey_from_spki(s->spki, DK_P256_SPKI_BYTES, &key);

	if (err != DK_OK)
		return err == DK_ERR_NOMEM ? err : DK_ERR_EVIDENCE_SIGNATURE;
	err = dk_bundle_signed(b->digest, s->receipt, s->receipt_len, info, &part);
	if (err == DK_OK && dk_ecdsa_verify(key, &part, 1, s->signature) != DK_OK)
		err = DK_ERR_EVIDENCE_SIGNATURE;
	memcpy(ret_key_id, dk_pkey_id(key), 32);
	dk_pkey_free(key);
	return err;
}

/* That the entry is the one of this signing. */
static dk_err
check_record(const struct dk_bundle *b, const struct dk_receipt *r, struct dk_log_event *event)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];

	if (dk_record_open(r->record, r->record_len, r->leaf, objects, event) != DK_OK)
		return DK_ERR_EVIDENCE_SIGNATURE;
	return event->class_ == DK_LOG_EVIDENCE && event->has_request && event->has_key_id &&
		memcmp(event->request, b->digest, sizeof(b->digest)) == 0 &&
		memcmp(event->key_id, b->manifest.recipient, 32) == 0
	    ? DK_OK
	    : DK_ERR_EVIDENCE_SIGNATURE;
}

static dk_err
check_tree(const struct dk_receipt *r, struct dk_note *ret_note)
{
	uint8_t hash[DK_HASH_BYTES], root[DK_HASH_BYTES];
	struct dk_checkpoint cp;
	const char *origin;
	size_t origin_len;

	if (dk_note_parse(r->checkpoint, r->checkpoint_len, ret_note) != DK_OK ||
	    dk_checkpoint_parse(ret_note, &origin, &origin_len, &cp) != DK_OK ||
	    dk_merkle_leaf(r->leaf, DK_LEAF_BYTES, hash) != DK_OK ||
	    dk_merkle_inclusion_root(hash, r->index, cp.size, r->hashes, r->hash_count, root) !=
		DK_OK ||
	    memcmp(root, cp.root, sizeof(root)) != 0)
		return DK_ERR_EVIDENCE_SIGNATURE;
	return DK_OK;
}

dk_err
dk_bundle_signature_check(const struct dk_bundle *b, uint8_t ret_key_id[32],
    struct dk_log_event *ret_event, uint64_t *ret_index, struct dk_note *ret_checkpoint)
{
	struct dk_bundle_signature s;
	struct dk_receipt r;
	dk_err err = dk_bundle_signature_parse(b->signature, b->signature_len, &s);

	if (err == DK_OK && !dk_receipt_parse(s.receipt, s.receipt_len, &r))
		err = DK_ERR_EVIDENCE_FILE;
	if (err == DK_OK)
		err = check_key(b, &s, ret_key_id);
	if (err == DK_OK)
		err = check_record(b, &r, ret_event);
	if (err == DK_OK)
		err = check_tree(&r, ret_checkpoint);
	*ret_index = err == DK_OK ? r.index : 0;
	return err;
}
