/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "format/schedule.h"
#include "keyd/release.h"

/* The receipt is borrowed from the message that brought it: what it points to is
 * kept here, behind each other. */
bool
job_keep_receipt(struct job *job, const struct dk_receipt *receipt)
{
	size_t hashes = (size_t)receipt->hash_count * DK_HASH_BYTES;
	uint8_t *p = malloc(DK_LEAF_BYTES + hashes + receipt->checkpoint_len + receipt->record_len);

	if (!p)
		return false;
	job->receipt_copy = p;
	job->receipt = *receipt;
	job->receipt.leaf = memcpy(p, receipt->leaf, DK_LEAF_BYTES);
	p += DK_LEAF_BYTES;
	job->receipt.hashes = memcpy(p, receipt->hashes, hashes);
	p += hashes;
	job->receipt.checkpoint = memcpy(p, receipt->checkpoint, receipt->checkpoint_len);
	p += receipt->checkpoint_len;
	job->receipt.record = memcpy(p, receipt->record, receipt->record_len);
	return true;
}

static dk_err
seal_items(const struct job *job, uint64_t index, struct dk_writer_buf *wr)
{
	uint8_t info[DK_INFO_MAX_BYTES], enc[DK_P384_POINT_BYTES], aad[DK_RELEASE_AAD_BYTES];
	uint8_t sealed[DK_SEALED_SHARE_BYTES];
	dk_auto_hpke ctx = { .seq = 0 };
	size_t info_len, enc_len;
	dk_err err;

	err = dk_release_info(job->digest, info, &info_len);
	if (err != DK_OK)
		return err;
	err = dk_hpke_sender(job->recipient, info, info_len, NULL, &ctx, enc, &enc_len);
	if (err != DK_OK)
		return err;
	dk_wr_bytes(wr, enc, DK_P256_POINT_BYTES);
	dk_wr_u16(wr, (uint16_t)job->count);
	for (unsigned i = 0; i < job->count; i++) {
		memset(sealed, 0, sizeof(sealed));
		if (job->objects[i].code == DK_CODE_OK) {
			dk_release_aad(
			    job->objects[i].core_digest, job->items[i].commitment, index, aad);
			err = dk_hpke_seal(&ctx, aad, sizeof(aad), job->items[i].share.bytes,
			    DK_SHARE_BYTES, sealed);
			if (err != DK_OK)
				return err;
		}
		dk_wr_u16(wr, job->objects[i].code);
		dk_wr_bytes(wr, sealed, sizeof(sealed));
	}
	return DK_OK;
}

void
job_answer(struct job *job)
{
	const struct dk_receipt *receipt = &job->receipt;
	size_t cap = 128 + job->count * (2 + DK_SEALED_SHARE_BYTES) + DK_RECEIPT_FRAME_BYTES +
	    receipt->record_len;
	uint8_t *body = malloc(cap);
	struct dk_writer_buf wr;

	if (!body)
		return;
	dk_wr_init(&wr, body, cap);
	dk_wr_bytes(&wr, "DKR2", 4);
	dk_wr_u64(&wr, receipt->index);
	if (seal_items(job, receipt->index, &wr) == DK_OK)
		dk_receipt_write(&wr, receipt);
	else
		wr.failed = true;
	if (wr.failed) {
		free(body);
		return;
	}
	job->answer = body;
	job->answer_len = wr.len;
}
