/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "format/schedule.h"
#include "log/export.h"

void
dk_export_clear(struct dk_export *x)
{
	dk_hpke_clear(&x->hpke);
	dk_wipe(x->text, sizeof(x->text));
}

/* As many as there are, up to len. */
static dk_err
read_some(struct dk_export *x, uint8_t *to, size_t len, size_t *ret_len)
{
	size_t have = 0;

	if (len > x->left)
		len = (size_t)x->left;
	while (have < len) {
		ssize_t n = read(x->fd, to + have, len - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return DK_ERR_READ;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	*ret_len = have;
	x->left -= have;
	return DK_OK;
}

/* ---- segments ---- */

/* The length of the next one; none: what came before was the last. */
static dk_err
look_ahead(struct dk_export *x, bool *ret_more)
{
	uint8_t bytes[4];
	struct dk_reader_buf rd;
	size_t len;
	dk_err err = read_some(x, bytes, sizeof(bytes), &len);

	if (err != DK_OK)
		return err;
	*ret_more = len > 0;
	if (len == 0)
		return DK_OK;
	if (len < sizeof(bytes))
		return DK_ERR_LOG_SEALED;
	dk_rd_init(&rd, bytes, sizeof(bytes));
	x->next_len = dk_rd_u32(&rd);
	return x->next_len > DK_GCM_TAG_BYTES && x->next_len <= DK_EXPORT_SEALED_BYTES
	    ? DK_OK
	    : DK_ERR_LOG_FILE;
}

/* Behind what is in the buffer, where there is room for it. */
static dk_err
open_segment(struct dk_export *x)
{
	size_t sealed_len = x->next_len, got;
	uint8_t aad;
	bool more;
	dk_err err = read_some(x, x->sealed, sealed_len, &got);

	if (err != DK_OK)
		return err;
	if (got < sealed_len)
		return DK_ERR_LOG_SEALED;
	err = look_ahead(x, &more);
	if (err != DK_OK)
		return err;
	if (more && sealed_len < DK_EXPORT_SEALED_BYTES)
		return DK_ERR_LOG_FILE;
	aad = !more;
	err = dk_hpke_open(&x->hpke, &aad, 1, x->sealed, sealed_len, x->text + x->have);
	if (err != DK_OK)
		return err == DK_ERR_STANZA_AUTH ? DK_ERR_LOG_SEALED : err;
	x->have += sealed_len - DK_GCM_TAG_BYTES;
	x->ended = !more;
	return DK_OK;
}

/* At least len bytes in the buffer, at most an entry, or all that there are. */
static dk_err
fill(struct dk_export *x, size_t len)
{
	dk_err err = DK_OK;

	if (x->have - x->at >= len)
		return DK_OK;
	memmove(x->text, x->text + x->at, x->have - x->at);
	x->have -= x->at;
	x->at = 0;
	while (err == DK_OK && !x->ended && x->have < len)
		err = open_segment(x);
	return err;
}

/* ---- head ---- */

static dk_err
open_head(struct dk_export *x, const char *label, const struct dk_pkey *auditor)
{
	uint8_t head[DK_EXPORT_HEAD_BYTES], enc[DK_P384_POINT_BYTES], info[DK_INFO_MAX_BYTES];
	size_t len, info_len, enc_len;
	struct dk_reader_buf rd;
	unsigned type;
	dk_err err = read_some(x, head, sizeof(head), &len);

	if (err != DK_OK)
		return err;
	if (len < sizeof(head) || memcmp(head, DK_EXPORT_MAGIC, 8) != 0)
		return DK_ERR_LOG_FILE;
	dk_rd_init(&rd, head + 8, sizeof(head) - 8);
	if (dk_rd_u16(&rd) != DK_EXPORT_VERSION)
		return DK_ERR_VERSION;
	type = dk_rd_u16(&rd);
	memcpy(x->key_id, dk_rd_bytes(&rd, 32), 32);
	if (type != DK_KEY_P256 && type != DK_KEY_P384)
		return DK_ERR_LOG_FILE;
	if (type != (unsigned)dk_pkey_type(auditor) ||
	    memcmp(x->key_id, dk_pkey_id(auditor), 32) != 0)
		return DK_ERR_LOG_AUDITOR;
	enc_len = type == DK_KEY_P256 ? DK_P256_POINT_BYTES : DK_P384_POINT_BYTES;
	err = read_some(x, enc, enc_len, &len);
	if (err == DK_OK && len < enc_len)
		return DK_ERR_LOG_SEALED;
	if (err == DK_OK)
		err = dk_export_info(label, head, info, &info_len);
	if (err == DK_OK)
		err = dk_hpke_receiver(auditor, enc, enc_len, info, info_len, &x->hpke);
	return err == DK_ERR_STANZA_AUTH ? DK_ERR_LOG_SEALED : err;
}

static bool
is_zero(const uint8_t *bytes, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= bytes[i];
	return any == 0;
}

#define CHOSEN_MAX_BYTES (8 + 8 + 8 + 1 + 1 + DK_LOG_NAME_MAX_BYTES + 32 + 16)

/* What is not given is zero: there is one encoding for one choice. */
static bool
read_chosen(struct dk_reader_buf *rd, struct dk_export_chosen *c)
{
	unsigned which, user_len;
	const uint8_t *user, *device, *object;

	c->since = dk_rd_u64(rd);
	c->until = dk_rd_u64(rd);
	which = dk_rd_u8(rd);
	user_len = dk_rd_u8(rd);
	user = dk_rd_bytes(rd, user_len);
	device = dk_rd_bytes(rd, sizeof(c->device));
	object = dk_rd_bytes(rd, sizeof(c->object));
	if (rd->failed || which > 7 || user_len > DK_LOG_NAME_MAX_BYTES ||
	    (user_len > 0) != (which & 1) || !dk_text_valid(user, user_len))
		return false;
	memcpy(c->user, user, user_len);
	c->user[user_len] = '\0';
	memcpy(c->device, device, sizeof(c->device));
	memcpy(c->object, object, sizeof(c->object));
	c->has_device = which & 2;
	c->has_object = which & 4;
	return (c->has_device || is_zero(device, sizeof(c->device))) &&
	    (c->has_object || is_zero(object, sizeof(c->object)));
}

static dk_err
open_content(struct dk_export *x)
{
	struct dk_reader_buf rd;
	const uint8_t *magic;
	size_t begin;
	dk_err err = fill(x, 8 + CHOSEN_MAX_BYTES + 2 + DK_NOTE_MAX_BYTES);

	if (err != DK_OK)
		return err;
	dk_rd_init(&rd, x->text, x->have);
	magic = dk_rd_bytes(&rd, 8);
	if (!magic || memcmp(magic, DK_EXPORT_CONTENT_MAGIC, 8) != 0 ||
	    !read_chosen(&rd, &x->chosen))
		return DK_ERR_LOG_FILE;
	x->checkpoint_len = dk_rd_u16(&rd);
	begin = rd.pos;
	if (!dk_rd_bytes(&rd, x->checkpoint_len) || rd.failed)
		return DK_ERR_LOG_FILE;
	memcpy(x->checkpoint, x->text + begin, x->checkpoint_len);
	x->at = rd.pos;
	return DK_OK;
}

dk_err
dk_sealed_open(
    struct dk_export *x, int fd, uint64_t len, const char *label, const struct dk_pkey *auditor)
{
	bool more;
	dk_err err;

	x->fd = fd;
	x->left = len;
	x->count = x->least = 0;
	x->at = x->have = 0;
	x->ended = false;
	x->chosen = (struct dk_export_chosen){ .since = 0 };
	x->hpke = (struct dk_hpke){ .seq = 0 };
	err = open_head(x, label, auditor);
	if (err == DK_OK)
		err = look_ahead(x, &more);
	return err == DK_OK && !more ? DK_ERR_LOG_SEALED : err;
}

dk_err
dk_sealed_next(struct dk_export *x, const uint8_t **ret_bytes, size_t *ret_len)
{
	dk_err err = DK_OK;

	x->at = x->have = 0;
	if (!x->ended)
		err = open_segment(x);
	*ret_bytes = x->text;
	*ret_len = x->have;
	return err;
}

dk_err
dk_export_open(struct dk_export *x, int fd, const struct dk_pkey *auditor)
{
	dk_err err = dk_sealed_open(x, fd, UINT64_MAX, "log-export", auditor);

	return err == DK_OK ? open_content(x) : err;
}

/* ---- entries ---- */

dk_err
dk_export_next(struct dk_export *x, struct dk_export_entry *ret_entry, bool *ret_more)
{
	struct dk_export_entry e;
	struct dk_reader_buf rd;
	dk_err err = fill(x, DK_EXPORT_ENTRY_MAX_BYTES);

	if (err != DK_OK)
		return err;
	*ret_more = x->have > x->at;
	/* There is one at least: that of the export. */
	if (!*ret_more)
		return x->count > 0 ? DK_OK : DK_ERR_LOG_FILE;
	dk_rd_init(&rd, x->text + x->at, x->have - x->at);
	e.index = dk_rd_u64(&rd);
	e.leaf = dk_rd_bytes(&rd, DK_LEAF_BYTES);
	e.hash_count = dk_rd_u8(&rd);
	e.hashes = dk_rd_bytes(&rd, (size_t)e.hash_count * DK_HASH_BYTES);
	e.len = dk_rd_u32(&rd);
	if (rd.failed || e.hash_count > DK_PROOF_HASHES_MAX || e.len > DK_RECORD_MAX_BYTES ||
	    e.index < x->least || e.index == UINT64_MAX)
		return DK_ERR_LOG_FILE;
	e.record = dk_rd_bytes(&rd, e.len);
	if (rd.failed)
		return DK_ERR_LOG_FILE;
	x->at += rd.pos;
	e.last = x->ended && x->at == x->have;
	x->least = e.index + 1;
	x->count++;
	*ret_entry = e;
	return DK_OK;
}

/* The last entry: the record of the export itself. */
static bool
is_own(const struct dk_export *x, const struct dk_log_event *event)
{
	char note[DK_EXPORT_NOTE_BYTES];

	return event->class_ == DK_LOG_EXPORTED && event->has_key_id &&
	    memcmp(event->key_id, x->key_id, 32) == 0 && dk_export_note(&x->chosen, note) &&
	    strcmp(note, event->note) == 0;
}

dk_err
dk_export_check(const struct dk_export *x, const struct dk_checkpoint *cp,
    const struct dk_export_entry *e, struct dk_log_object *objects, struct dk_log_event *ret_event)
{
	uint8_t hash[DK_HASH_BYTES], root[DK_HASH_BYTES];
	struct dk_log_event event;
	dk_err err = dk_merkle_leaf(e->leaf, DK_LEAF_BYTES, hash);

	if (err == DK_OK)
		err = dk_merkle_inclusion_root(
		    hash, e->index, cp->size, e->hashes, e->hash_count, root);
	if (err == DK_ERR_RECEIPT || (err == DK_OK && memcmp(root, cp->root, sizeof(root)) != 0))
		return DK_ERR_LOG_TREE;
	if (err == DK_OK)
		err = dk_record_open(e->record, e->len, e->leaf, objects, &event);
	if (err != DK_OK)
		return err == DK_ERR_RECEIPT ? DK_ERR_LOG_RECORD : err;
	if (e->last ? !is_own(x, &event) : !dk_export_is_chosen(&x->chosen, &event))
		return DK_ERR_LOG_RECORD;
	*ret_event = event;
	return DK_OK;
}
