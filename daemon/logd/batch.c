/* SPDX-License-Identifier: Apache-2.0 */
/* One batch, one transaction: what is acknowledged is durable. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ipc/payload.h"
#include "logd/logd.h"

static bool
use_request(struct store *store, const struct batch_entry *e, bool *ret_new)
{
	const struct dk_part parts[] = { { e->device, sizeof(e->device) },
		{ e->nonce, sizeof(e->nonce) } };
	uint8_t id[DK_SHA256_BYTES];

	return dk_sha256(parts, 2, id) == DK_OK && store_use(store, e->created, id, ret_new);
}

static bool
append_one(struct logd *logd, struct batch_entry *e)
{
	static const uint8_t none[16];
	bool is_new = true, within;

	e->code = DK_CODE_OK;
	if (memcmp(e->nonce, none, sizeof(none)) != 0 && !use_request(logd->store, e, &is_new))
		return false;
	if (memcmp(e->nonce, none, sizeof(none)) != 0 && e->created < logd->not_before_s)
		is_new = false;
	if (!is_new) {
		e->code = DK_CODE_REPLAY;
		return true;
	}
	if (!store_charge(logd->store, e->charge, e->charge_count, ipc_now(), &within))
		return false;
	if (!within) {
		e->code = DK_CODE_BUDGET;
		return true;
	}
	e->index = logd->tree.size;
	return store_put_entry(logd->store, e->index, e->leaf, e->record, e->record_len) &&
	    (!dk_log_class_is_act((unsigned)e->leaf[4] << 8 | e->leaf[5]) ||
		store_put_act(logd->store, e->index)) &&
	    tree_append(&logd->tree, e->leaf);
}

static bool
sign_tree(struct logd *logd, char text[DK_CHECKPOINT_MAX_BYTES], size_t *ret_len)
{
	struct dk_checkpoint cp = { .size = logd->tree.size };

	return tree_root(&logd->tree, cp.root) &&
	    dk_checkpoint_sign(&logd->signer, &cp, text, ret_len) == DK_OK &&
	    store_put_checkpoint(logd->store, cp.size, text, *ret_len);
}

static bool
write_batch(struct logd *logd, char text[DK_CHECKPOINT_MAX_BYTES], size_t *ret_len)
{
	if (!store_begin(logd->store))
		return false;
	for (unsigned i = 0; i < logd->batch_count; i++)
		if (!append_one(logd, &logd->batch[i]))
			return false;
	return sign_tree(logd, text, ret_len) && store_commit(logd->store);
}

static void
acknowledge(struct logd *logd, const struct batch_entry *e, const char *text, size_t text_len)
{
	uint8_t head[2 + 8 + 1], hashes[DK_PROOF_HASHES_MAX * DK_HASH_BYTES];
	struct dk_writer_buf wr;
	unsigned n = 0, code = e->code;

	if (code == DK_CODE_OK && !tree_proof(&logd->tree, e->index, hashes, &n))
		code = DK_CODE_UNAVAILABLE;
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u16(&wr, (uint16_t)code);
	dk_wr_u64(&wr, e->index);
	dk_wr_u8(&wr, (uint8_t)n);
	const struct dk_part parts[] = { { head, code == DK_CODE_OK ? wr.len : 2 },
		{ hashes, (size_t)n * DK_HASH_BYTES }, { text, text_len } };
	(void)ipc_send(logd->keyd, IPC_APPENDED, e->id, parts, code == DK_CODE_OK ? 3 : 1);
}

static void
give_up_batch(struct logd *logd)
{
	store_rollback(logd->store);
	if (!tree_load(&logd->tree, logd->store))
		say_fatal("the store cannot be read");
	for (unsigned i = 0; i < logd->batch_count; i++)
		logd->batch[i].code = DK_CODE_UNAVAILABLE;
	if (!logd->failed)
		say(SAY_ERROR, "the store does not take entries: nothing is released");
	logd->failed = true;
}

void
batch_commit(struct logd *logd)
{
	char text[DK_CHECKPOINT_MAX_BYTES];
	size_t text_len = 0;

	if (logd->batch_count == 0)
		return;
	if (write_batch(logd, text, &text_len)) {
		logd->failed = false;
		logd->last_entry_s = logd->checkpoint_s = ipc_now();
	} else {
		give_up_batch(logd);
	}
	for (unsigned i = 0; i < logd->batch_count; i++) {
		if (!logd->batch[i].own)
			acknowledge(logd, &logd->batch[i], text, text_len);
		free(logd->batch[i].record);
	}
	logd->batch_count = 0;
}

static void
take_charges(const struct ipc_append *a, struct batch_entry *e)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, a->charges, (size_t)a->charge_count * IPC_CHARGE_BYTES);
	e->charge_count = a->charge_count;
	for (unsigned i = 0; i < e->charge_count; i++) {
		memcpy(e->charge[i].id, dk_rd_bytes(&rd, 32), 32);
		e->charge[i].objects = dk_rd_u32(&rd);
		e->charge[i].per_minute = dk_rd_u32(&rd);
		e->charge[i].per_day = dk_rd_u32(&rd);
	}
}

bool
batch_append(struct logd *logd, const struct ipc_message *message)
{
	struct batch_entry *e;
	struct ipc_append a;

	if (!ipc_append_read(message, &a))
		return false;
	if (logd->batch_count == LOGD_BATCH_MAX)
		batch_commit(logd);
	e = &logd->batch[logd->batch_count];
	*e = (struct batch_entry){ .id = message->id,
		.created = a.created,
		.record_len = a.record.len,
		.record = malloc(a.record.len + 1) };
	if (!e->record)
		say_fatal("no memory");
	take_charges(&a, e);
	memcpy(e->record, a.record.data, a.record.len);
	memcpy(e->leaf, a.leaf, sizeof(e->leaf));
	memcpy(e->device, a.device, sizeof(e->device));
	memcpy(e->nonce, a.nonce, sizeof(e->nonce));
	logd->batch_count++;
	return true;
}

void
batch_append_own(struct logd *logd, unsigned class_)
{
	struct dk_log_event event = {
		.class_ = (uint16_t)class_, .time = ipc_now(), .decision = DK_LOG_DONE
	};
	struct batch_entry *e;

	if (logd->batch_count == LOGD_BATCH_MAX)
		batch_commit(logd);
	e = &logd->batch[logd->batch_count];
	*e = (struct batch_entry){ .own = true };
	e->record = malloc(512);
	if (!e->record ||
	    dk_record_encode(&event, e->record, 512, &e->record_len, e->leaf) != DK_OK)
		say_fatal("no memory");
	logd->batch_count++;
}
