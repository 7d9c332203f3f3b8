/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "format/schedule.h"
#include "log/export.h"

void
dk_export_writer_clear(struct dk_export_writer *w)
{
	dk_hpke_clear(&w->hpke);
	dk_wipe(w->text, sizeof(w->text));
}

static dk_err
seal_segment(struct dk_export_writer *w, bool last)
{
	const uint8_t aad = last;
	struct dk_writer_buf wr;
	dk_err err;

	dk_wr_init(&wr, w->sealed, 4);
	dk_wr_u32(&wr, (uint32_t)(w->len + DK_GCM_TAG_BYTES));
	err = dk_hpke_seal(&w->hpke, &aad, 1, w->text, w->len, w->sealed + 4);
	if (err != DK_OK)
		return err;
	err = w->write(w->ctx, w->sealed, 4 + w->len + DK_GCM_TAG_BYTES);
	w->len = 0;
	return err;
}

/* A full segment is sealed when more comes: the last one is never empty. */
dk_err
dk_sealed_put(struct dk_export_writer *w, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	dk_err err;

	while (len > 0) {
		size_t n = DK_EXPORT_SEGMENT_BYTES - w->len;

		if (n == 0) {
			err = seal_segment(w, false);
			if (err != DK_OK)
				return err;
			continue;
		}
		n = n < len ? n : len;
		memcpy(w->text + w->len, from, n);
		w->len += n;
		from += n;
		len -= n;
	}
	return DK_OK;
}

static dk_err
put_head(struct dk_export_writer *w, const char *label, const struct dk_pkey *auditor,
    const struct dk_pkey *ephemeral)
{
	uint8_t head[DK_EXPORT_HEAD_BYTES + DK_P384_POINT_BYTES], info[DK_INFO_MAX_BYTES];
	size_t info_len, enc_len;
	struct dk_writer_buf wr;
	dk_err err;

	dk_wr_init(&wr, head, DK_EXPORT_HEAD_BYTES);
	dk_wr_bytes(&wr, DK_EXPORT_MAGIC, 8);
	dk_wr_u16(&wr, DK_EXPORT_VERSION);
	dk_wr_u16(&wr, (uint16_t)dk_pkey_type(auditor));
	dk_wr_bytes(&wr, dk_pkey_id(auditor), DK_KEY_ID_BYTES);
	err = dk_export_info(label, head, info, &info_len);
	if (err == DK_OK)
		err = dk_hpke_sender(auditor, info, info_len, ephemeral, &w->hpke,
		    head + DK_EXPORT_HEAD_BYTES, &enc_len);
	return err == DK_OK ? w->write(w->ctx, head, DK_EXPORT_HEAD_BYTES + enc_len) : err;
}

dk_err
dk_sealed_begin(struct dk_export_writer *w, const char *label, const struct dk_pkey *auditor,
    const struct dk_pkey *ephemeral)
{
	w->hpke = (struct dk_hpke){ .seq = 0 };
	w->len = 0;
	return put_head(w, label, auditor, ephemeral);
}

dk_err
dk_export_begin(struct dk_export_writer *w, const struct dk_pkey *auditor,
    const struct dk_pkey *ephemeral, const struct dk_export_chosen *c, const char *checkpoint,
    size_t len)
{
	uint8_t bytes[8 + 8 + 8 + 1 + 1 + DK_LOG_NAME_MAX_BYTES + 32 + 16 + 2];
	struct dk_writer_buf wr;
	dk_err err;

	if (len > UINT16_MAX)
		return DK_ERR_ARGUMENT;
	err = dk_sealed_begin(w, "log-export", auditor, ephemeral);
	dk_wr_init(&wr, bytes, sizeof(bytes));
	dk_wr_bytes(&wr, DK_EXPORT_CONTENT_MAGIC, 8);
	dk_wr_u64(&wr, c->since);
	dk_wr_u64(&wr, c->until);
	dk_wr_u8(&wr, (uint8_t)((c->user[0] != 0) | c->has_device << 1 | c->has_object << 2));
	dk_wr_u8(&wr, (uint8_t)strlen(c->user));
	dk_wr_bytes(&wr, c->user, strlen(c->user));
	dk_wr_bytes(&wr, c->device, sizeof(c->device));
	dk_wr_bytes(&wr, c->object, sizeof(c->object));
	dk_wr_u16(&wr, (uint16_t)len);
	if (err == DK_OK)
		err = dk_sealed_put(w, bytes, wr.len);
	return err == DK_OK ? dk_sealed_put(w, checkpoint, len) : err;
}

dk_err
dk_export_put(struct dk_export_writer *w, const struct dk_export_entry *e)
{
	uint8_t head[8 + DK_LEAF_BYTES + 1], length[4];
	struct dk_writer_buf wr;
	dk_err err;

	if (e->hash_count > DK_PROOF_HASHES_MAX || e->len > DK_RECORD_MAX_BYTES)
		return DK_ERR_ARGUMENT;
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u64(&wr, e->index);
	dk_wr_bytes(&wr, e->leaf, DK_LEAF_BYTES);
	dk_wr_u8(&wr, (uint8_t)e->hash_count);
	err = dk_sealed_put(w, head, wr.len);
	if (err == DK_OK)
		err = dk_sealed_put(w, e->hashes, (size_t)e->hash_count * DK_HASH_BYTES);
	dk_wr_init(&wr, length, sizeof(length));
	dk_wr_u32(&wr, (uint32_t)e->len);
	if (err == DK_OK)
		err = dk_sealed_put(w, length, sizeof(length));
	return err == DK_OK ? dk_sealed_put(w, e->record, e->len) : err;
}

dk_err
dk_export_end(struct dk_export_writer *w)
{
	return w->len == 0 ? DK_ERR_STATE : seal_segment(w, true);
}
