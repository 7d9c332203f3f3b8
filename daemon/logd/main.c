/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "ipc/payload.h"
#include "logd/logd.h"
#include "sandbox/sandbox.h"

#define RECORDS_ANSWER_MAX_BYTES 4000000
/* A tile and a bundle for 256 entries, and as many again for those that are not full. */
#define ENTRIES_A_FILE 64
#define ANCHOR_ACTS_MAX_BYTES 8000

/* ---- one batch, one transaction ---- */

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
	if (memcmp(e->nonce, none, sizeof(none)) != 0 && e->created < logd->restored_s)
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

static void
commit_batch(struct logd *logd)
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

static bool
on_append(struct logd *logd, const struct ipc_message *message)
{
	struct batch_entry *e;
	struct ipc_append a;

	if (!ipc_append_read(message, &a))
		return false;
	if (logd->batch_count == LOGD_BATCH_MAX)
		commit_batch(logd);
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

/* An entry that logd makes itself: begun, heartbeat. */
static void
append_own(struct logd *logd, unsigned class_)
{
	struct dk_log_event event = {
		.class_ = (uint16_t)class_, .time = ipc_now(), .decision = DK_LOG_DONE
	};
	struct batch_entry *e;

	if (logd->batch_count == LOGD_BATCH_MAX)
		commit_batch(logd);
	e = &logd->batch[logd->batch_count];
	*e = (struct batch_entry){ .own = true };
	e->record = malloc(512);
	if (!e->record ||
	    dk_record_encode(&event, e->record, 512, &e->record_len, e->leaf) != DK_OK)
		say_fatal("no memory");
	logd->batch_count++;
}

/* ---- reading ---- */

struct records_answer {
	struct dk_writer_buf wr;
	uint32_t count;
};

static bool
add_record(
    void *ctx, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], const uint8_t *record, size_t len)
{
	struct records_answer *a = ctx;

	if (a->wr.len + len + 64 > a->wr.cap)
		return false;
	dk_wr_u64(&a->wr, index);
	dk_wr_bytes(&a->wr, leaf, DK_LEAF_BYTES);
	dk_wr_u32(&a->wr, (uint32_t)len);
	dk_wr_bytes(&a->wr, record, len);
	a->count++;
	return true;
}

static bool
on_records(struct logd *logd, const struct ipc_message *message)
{
	uint8_t *buf = malloc(RECORDS_ANSWER_MAX_BYTES), head[2 + 8 + 4];
	struct records_answer a = { .count = 0 };
	struct dk_writer_buf wr;
	struct ipc_records asked;
	bool ok;

	if (!ipc_records_read(message, &asked) || !buf) {
		free(buf);
		return false;
	}
	dk_wr_init(&a.wr, buf, RECORDS_ANSWER_MAX_BYTES);
	ok = asked.first > INT64_MAX ||
	    store_read(logd->store, asked.first, asked.max, add_record, &a);
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u16(&wr, ok ? DK_CODE_OK : DK_CODE_UNAVAILABLE);
	dk_wr_u64(&wr, logd->tree.size);
	dk_wr_u32(&wr, a.count);
	const struct dk_part parts[] = { { head, sizeof(head) }, { buf, a.wr.len } };
	(void)ipc_send(&logd->child.channel[0], IPC_RECORDS_DONE, message->id, parts, 2);
	free(buf);
	return true;
}

/* One leaf is wanted; the callback of the store takes no more. */
static bool
take_leaf(
    void *ctx, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], const uint8_t *record, size_t len)
{
	(void)index;
	(void)record;
	(void)len;
	memcpy(ctx, leaf, DK_LEAF_BYTES);
	return true;
}

/* Comes before any act of this run: nothing of the batch is one. */
static bool
on_anchor(struct logd *logd, const struct ipc_message *message)
{
	uint8_t acts[ANCHOR_ACTS_MAX_BYTES], leaf[DK_LEAF_BYTES] = { 0 },
					     head[2 + 8 + DK_LEAF_BYTES + 1];
	struct records_answer a = { .count = 0 };
	struct dk_writer_buf wr;
	uint64_t size;
	bool ok;

	if (!ipc_number_read(message, 8, &size))
		return false;
	commit_batch(logd);
	dk_wr_init(&a.wr, acts, sizeof(acts));
	ok = size > logd->tree.size || size == 0 ||
	    store_read(logd->store, size - 1, 1, take_leaf, leaf);
	ok =
	    ok && (size > logd->tree.size || store_read_acts(logd->store, size, 2, add_record, &a));
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u16(&wr, ok ? DK_CODE_OK : DK_CODE_UNAVAILABLE);
	dk_wr_u64(&wr, logd->tree.size);
	dk_wr_bytes(&wr, leaf, sizeof(leaf));
	dk_wr_u8(&wr, (uint8_t)a.count);
	const struct dk_part parts[] = { { head, sizeof(head) }, { acts, a.wr.len } };
	(void)ipc_send(logd->keyd, IPC_ANCHORED, message->id, parts, 2);
	return true;
}

static bool
on_read(struct logd *logd, const struct ipc_message *message)
{
	static uint8_t data[IPC_DATA_MAX_BYTES - 2];
	char path[IPC_NAME_MAX_BYTES + 1];
	size_t len = 0;
	bool found;

	found = ipc_text_read(message, path) && tiles_read(path, data, sizeof(data), &len);
	const uint8_t head[2] = { 0, found ? DK_CODE_OK : DK_CODE_NOT_FOUND };
	const struct dk_part parts[] = { { head, 2 }, { data, len } };
	(void)ipc_send(logd->httpd, IPC_DATA, message->id, parts, found ? 2 : 1);
	return true;
}

static bool
on_message(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	switch (message->type) {
	case IPC_APPEND:
		return on_append(ctx, message);
	case IPC_ANCHOR:
		return on_anchor(ctx, message);
	case IPC_READ:
		return on_read(ctx, message);
	case IPC_RECORDS:
		return on_records(ctx, message);
	default:
		return ipc_child_parent_message(&((struct logd *)ctx)->child, channel, message);
	}
}

/* ---- after each round ---- */

static void
tell_state(struct logd *logd)
{
	uint8_t payload[1 + 8 + 8];
	const struct dk_part part = { payload, sizeof(payload) };
	struct dk_writer_buf wr;

	dk_wr_init(&wr, payload, sizeof(payload));
	dk_wr_u8(&wr, !logd->failed);
	dk_wr_u64(&wr, logd->tree.size);
	dk_wr_u64(&wr, logd->checkpoint_s);
	(void)ipc_send(logd->httpd, IPC_LOG_STATE, 0, &part, 1);
}

/* More files where more entries came, so that they keep up. */
static void
write_tiles(struct logd *logd, unsigned entries)
{
	for (unsigned i = 0; logd->tiles.busy && i <= entries / ENTRIES_A_FILE; i++)
		if (!tiles_step(logd))
			say(SAY_WARNING, "the tiles cannot be written");
	logd->child.tick_ms = logd->tiles.busy ? 0 : 1000;
}

static void
every_second(struct logd *logd, uint64_t now)
{
	tell_state(logd);
	if (!tiles_begin(logd))
		say(SAY_WARNING, "the last checkpoint cannot be read");
	/* Often, so that it does not take long. */
	if (now % 4 == 0 && now > LOGD_NONCE_LIFE_S &&
	    !store_forget_used(logd->store, now - LOGD_NONCE_LIFE_S))
		say(SAY_WARNING, "old requests cannot be forgotten");
	if (now % 64 == 0 && !store_forget_budgets(logd->store, now))
		say(SAY_WARNING, "old budgets cannot be removed");
}

static void
idle(void *ctx)
{
	struct logd *logd = ctx;
	uint64_t now = ipc_now();
	unsigned entries;

	if (now >= logd->last_entry_s + LOGD_HEARTBEAT_S)
		append_own(logd, DK_LOG_HEARTBEAT);
	entries = logd->batch_count;
	commit_batch(logd);
	ipc_child_flush(&logd->child); /* nobody waits for what follows */
	if (!store_tidy(logd->store))
		say(SAY_WARNING, "the store cannot be tidied");
	if (now != logd->tiles_s) {
		logd->tiles_s = now;
		every_second(logd, now);
	}
	write_tiles(logd, entries);
}

static void
open_all(struct logd *logd)
{
	int fd = open(LOGD_KEY_FILE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || !log_key_read(fd, &logd->signer))
		say_fatal("the log keys cannot be read");
	(void)close(fd);
	if (!store_open(LOGD_DB_FILE, &logd->store))
		say_fatal("%sthe store of the log cannot be opened",
		    access(LOGD_DB_FILE, W_OK) != 0 && errno == EROFS ? "read-only: " : "");
	if (!tree_load(&logd->tree, logd->store) || !store_restored(logd->store, &logd->restored_s))
		say_fatal("the store cannot be read");
	if (!tiles_load(logd))
		say_fatal("log-rolled-back: the files show a tree that the store does not have");
}

/* The working directory is the log's own; the parent set it. */
int
main(void)
{
	static struct logd logd;

	ipc_child_begin(&logd.child, IPC_LOGD);
	(void)ipc_child_add(&logd.child, IPC_FD_PARENT, IPC_PARENT, on_message, &logd);
	logd.keyd = ipc_child_add(&logd.child, LOGD_FD_KEYD, IPC_KEYD, on_message, &logd);
	logd.httpd = ipc_child_add(&logd.child, LOGD_FD_HTTPD, IPC_HTTPD, on_message, &logd);
	open_all(&logd);
	logd.last_entry_s = ipc_now();
	if (logd.tree.size == 0)
		append_own(&logd, DK_LOG_BEGUN);
	commit_batch(&logd);
	logd.child.protections |= sandbox_enter(IPC_LOGD, ".");
	logd.child.idle = idle;
	logd.child.idle_ctx = &logd;
	ipc_child_ready(&logd.child);
	ipc_child_gather(&logd.child);
	ipc_child_run(&logd.child);
	commit_batch(&logd);
	ipc_child_flush(&logd.child);
	store_close(logd.store);
	dk_log_signer_clear(&logd.signer);
	return 0;
}
