/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One batch, one transaction: what is acknowledged is durable.
 *
 * Of a shared store the batch has the lock from store_begin() on, and begins where the log
 * is then: another node may have gone on with it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ipc/payload.h"
#include "logd/logd.h"

static bool
has_nonce(const struct batch_entry *e)
{
	static const uint8_t none[16];

	return memcmp(e->nonce, none, sizeof(none)) != 0;
}

/* What the entries use, so that the store is asked once for all of them. */
static bool
gather(struct logd *logd, struct store_ask *ask)
{
	uint8_t id[DK_SHA256_BYTES];

	store_budgets_clear(&logd->budgets);
	*ask = (struct store_ask){ .use = logd->use };
	for (unsigned i = 0; i < logd->batch_count; i++) {
		struct batch_entry *e = &logd->batch[i];
		const struct dk_part parts[] = { { e->device, sizeof(e->device) },
			{ e->nonce, sizeof(e->nonce) } };
		struct store_use *use = &logd->use[ask->use_count];

		e->use = NULL;
		if (e->refused)
			continue;
		store_budgets_want(&logd->budgets, e->charge, e->charge_count);
		if (!has_nonce(e))
			continue;
		if (dk_sha256(parts, 2, id) != DK_OK)
			return false;
		*use = (struct store_use){ .created = e->until ? e->until : e->created };
		memcpy(use->id, id, sizeof(use->id));
		e->use = use;
		ask->use_count++;
	}
	ask->budget = logd->budgets.of;
	ask->budget_count = logd->budgets.count;
	return true;
}

/* A token lives longer than a request, and is remembered by its end. */
static bool
is_replay(const struct logd *logd, const struct batch_entry *e)
{
	return e->use &&
	    (!e->use->is_new || e->use->created < logd->not_before_s ||
		(e->until != 0 && e->created < logd->tokens_from_s));
}

static bool
append_one(struct logd *logd, struct batch_entry *e)
{
	const unsigned class_ = (unsigned)e->leaf[4] << 8 | e->leaf[5];

	e->code = DK_CODE_OK;
	if (e->own && !shared_wants(logd, class_)) {
		e->code = DK_CODE_REPLAY; /* another node was faster */
		return true;
	}
	if (is_replay(logd, e)) {
		e->code = DK_CODE_REPLAY;
		return true;
	}
	if (!store_charge(&logd->budgets, e->charge, e->charge_count, ipc_now())) {
		e->code = DK_CODE_BUDGET;
		return true;
	}
#ifdef LOGD_NO_LOG /* tests/breach has a program with this hole */
	if (class_ == DK_LOG_RELEASE || class_ == DK_LOG_DENIAL || class_ == DK_LOG_HEARTBEAT) {
		e->index = logd->tree.size - 1;
		return true;
	}
#endif
	e->index = logd->tree.size;
	return store_put_entry(logd->store, e->index, e->leaf, e->record, e->record_len,
		   dk_log_class_is_act(class_)) &&
	    tree_append(&logd->tree, e->leaf);
}

static bool
sign_tree(struct logd *logd, char text[DK_CHECKPOINT_MAX_BYTES], size_t *ret_len)
{
	struct dk_checkpoint cp = { .size = logd->tree.size };

	return tree_root(&logd->tree, cp.size, cp.root) &&
	    dk_checkpoint_sign(&logd->signer, &cp, text, ret_len) == DK_OK &&
	    store_put_checkpoint(logd->store, cp.size, text, *ret_len);
}

/* An entry that is refused leaves no trace in the store, and so is not in its transaction:
 * it may come again. */
static bool
begin_batch(struct logd *logd, struct store_head *head, unsigned *ret_left)
{
	struct store_ask ask;
	unsigned refused;

	*ret_left = logd->batch_count;
	for (;;) {
		if (!gather(logd, &ask) || !store_begin(logd->store, &ask, head) ||
		    !shared_take(logd, head))
			return false;
		refused = shared_refuse(logd);
		if (refused == 0)
			return true;
		store_rollback(logd->store);
		*ret_left -= refused;
		if (*ret_left == 0)
			return true;
	}
}

static bool
write_batch(struct logd *logd, char text[DK_CHECKPOINT_MAX_BYTES], size_t *ret_len)
{
	struct store_head head = { .size = 0 };
	uint64_t size;
	unsigned left;

	if (!begin_batch(logd, &head, &left))
		return false;
	if (left == 0)
		return true;
	size = logd->tree.size;
	for (unsigned i = 0; i < logd->batch_count; i++)
		if (!logd->batch[i].refused && !append_one(logd, &logd->batch[i]))
			return false;
	if (logd->budgets.count > 0 &&
	    !store_put_budgets(logd->store, logd->budgets.of, logd->budgets.count))
		return false;
	if (!sign_tree(logd, text, ret_len) || !shared_next(logd, &head) ||
	    !store_commit(logd->store, &head))
		return false;
	shared_keep(logd, &head);
	logd->checkpoint_s = ipc_now();
	if (logd->tree.size > size)
		logd->last_entry_s = logd->checkpoint_s;
	return true;
}

void
batch_acknowledge(
    struct logd *logd, uint64_t id, unsigned code, uint64_t index, const struct cosign_point *point)
{
	uint8_t head[2 + 8 + 1], hashes[DK_PROOF_HASHES_MAX * DK_HASH_BYTES];
	struct dk_writer_buf wr;
	unsigned n = 0;

	if (code == DK_CODE_OK && !tree_proof(&logd->tree, point->size, index, hashes, &n))
		code = DK_CODE_UNAVAILABLE;
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u16(&wr, (uint16_t)code);
	dk_wr_u64(&wr, index);
	dk_wr_u8(&wr, (uint8_t)n);
	const struct dk_part parts[] = { { head, code == DK_CODE_OK ? wr.len : 2 },
		{ hashes, (size_t)n * DK_HASH_BYTES }, { point->text, point->len } };
	(void)ipc_send(logd->keyd, IPC_APPENDED, id, parts, code == DK_CODE_OK ? 3 : 1);
}

static void
give_up_batch(struct logd *logd)
{
	store_rollback(logd->store);
	if (!shared_back(logd) && !tree_load(&logd->tree, logd->store))
		say_fatal("the store cannot be read");
	for (unsigned i = 0; i < logd->batch_count; i++)
		logd->batch[i].code = DK_CODE_UNAVAILABLE;
	logd_failed(logd);
}

static void
answer_entry(struct logd *logd, const struct batch_entry *e, const struct cosign_point *point)
{
	if (e->code == DK_CODE_OK && e->quorum)
		cosign_wait(logd, e->id, e->index);
	else
		batch_acknowledge(logd, e->id, e->code, e->index, point);
}

void
batch_commit(struct logd *logd)
{
	struct cosign_point point;

	if (logd->batch_count == 0)
		return;
	point.len = 0;
	if (write_batch(logd, point.text, &point.len))
		logd->failed = false;
	else
		give_up_batch(logd);
	point.size = logd->tree.size;
	for (unsigned i = 0; i < logd->batch_count; i++) {
		if (!logd->batch[i].own)
			answer_entry(logd, &logd->batch[i], &point);
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
		.generation = a.generation,
		.policy_rule = a.policy_rule,
		.created = a.created,
		.until = a.until,
		.quorum = a.quorum,
		.record_len = a.record.len,
		.record = malloc(a.record.len + 1) };
	if (!e->record)
		say_fatal("no memory");
	take_charges(&a, e);
	memcpy(e->record, a.record.data, a.record.len);
	memcpy(e->leaf, a.leaf, sizeof(e->leaf));
	memcpy(e->policy, a.policy, sizeof(e->policy));
	memcpy(e->device, a.device, sizeof(e->device));
	memcpy(e->nonce, a.nonce, sizeof(e->nonce));
	logd->batch_count++;
	if (shared_is_last(logd, e))
		batch_commit(logd);
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
