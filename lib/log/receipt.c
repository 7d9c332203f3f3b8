/* SPDX-License-Identifier: Apache-2.0 */
#include "log/receipt.h"

#include <string.h>

void
dk_receipt_write(struct dk_writer_buf *wr, const struct dk_receipt *receipt)
{
	dk_wr_bytes(wr, receipt->leaf, DK_LEAF_BYTES);
	dk_wr_u64(wr, receipt->index);
	dk_wr_u8(wr, (uint8_t)receipt->hash_count);
	dk_wr_bytes(wr, receipt->hashes, (size_t)receipt->hash_count * DK_HASH_BYTES);
	dk_wr_u16(wr, (uint16_t)receipt->checkpoint_len);
	dk_wr_bytes(wr, receipt->checkpoint, receipt->checkpoint_len);
	dk_wr_u32(wr, (uint32_t)receipt->record_len);
	dk_wr_bytes(wr, receipt->record, receipt->record_len);
}

bool
dk_receipt_parse(const uint8_t *bytes, size_t len, struct dk_receipt *r)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, bytes, len);
	r->leaf = dk_rd_bytes(&rd, DK_LEAF_BYTES);
	r->index = dk_rd_u64(&rd);
	r->hash_count = dk_rd_u8(&rd);
	r->hashes = dk_rd_bytes(&rd, (size_t)r->hash_count * DK_HASH_BYTES);
	r->checkpoint_len = dk_rd_u16(&rd);
	r->checkpoint = (const char *)dk_rd_bytes(&rd, r->checkpoint_len);
	r->record_len = dk_rd_u32(&rd);
	r->record = dk_rd_bytes(&rd, r->record_len);
	return !rd.failed && dk_rd_left(&rd) == 0 && r->hash_count <= DK_PROOF_HASHES_MAX;
}

dk_err
dk_receipt_verify(const struct dk_log_keys *keys, const uint8_t *bytes, size_t len,
    struct dk_log_object *objects, struct dk_log_event *ret_event, uint64_t *ret_index)
{
	uint8_t hash[DK_HASH_BYTES], root[DK_HASH_BYTES];
	struct dk_checkpoint cp;
	struct dk_log_event event;
	struct dk_receipt r;
	dk_err err;

	if (!dk_receipt_parse(bytes, len, &r))
		return DK_ERR_RECEIPT;
	err = dk_record_open(r.record, r.record_len, r.leaf, objects, &event);
	if (err != DK_OK)
		return err;
	err = dk_checkpoint_verify(keys, r.checkpoint, r.checkpoint_len, &cp);
	if (err != DK_OK)
		return err;
	err = dk_merkle_leaf(r.leaf, DK_LEAF_BYTES, hash);
	if (err != DK_OK)
		return err;
	err = dk_merkle_inclusion_root(hash, r.index, cp.size, r.hashes, r.hash_count, root);
	if (err != DK_OK)
		return err;
	if (memcmp(root, cp.root, DK_HASH_BYTES) != 0)
		return DK_ERR_RECEIPT;
	*ret_event = event;
	*ret_index = r.index;
	return DK_OK;
}

void
dk_receipt_checkpoint(const uint8_t *bytes, size_t len, const char **ret_text, size_t *ret_len)
{
	struct dk_receipt r = { .checkpoint_len = 0 };
	bool ok = dk_receipt_parse(bytes, len, &r);

	*ret_text = ok ? r.checkpoint : NULL;
	*ret_len = ok ? r.checkpoint_len : 0;
}

dk_err
dk_receipt_quorum(const struct dk_quorum *quorum, const uint8_t *bytes, size_t len)
{
	struct dk_quorum_seen seen;
	struct dk_receipt r;
	struct dk_note note;
	dk_err err;

	if (!dk_receipt_parse(bytes, len, &r) ||
	    dk_note_parse(r.checkpoint, r.checkpoint_len, &note) != DK_OK)
		return DK_ERR_RECEIPT;
	err = dk_quorum_check(quorum, &note, &seen);
	if (err != DK_OK)
		return err;
	return seen.reached ? DK_OK : DK_ERR_LOG_QUORUM;
}
