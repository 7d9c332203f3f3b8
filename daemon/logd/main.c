/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "logd/logd.h"
#include "sandbox/sandbox.h"

/* A tile and a bundle for 256 entries, and as many again for those that are not full. */
#define ENTRIES_A_FILE 64

static bool
on_message(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	switch (message->type) {
	case IPC_APPEND:
		return batch_append(ctx, message);
	case IPC_ANCHOR:
		return read_anchor(ctx, message);
	case IPC_ERASE:
		return erase_begin(ctx, message);
	case IPC_STATE_TAKE:
		return state_take(ctx, message);
	case IPC_STATE_PUT:
		return state_put(ctx, message);
	case IPC_READ:
		return read_data(ctx, message);
	case IPC_WITNESS_ANSWER:
		return cosign_on_answer(ctx, message);
	case IPC_ENTRIES:
	case IPC_RECORDS:
		return read_records(ctx, message);
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
	dk_wr_u8(&wr, !logd->failed && shared_agrees(logd));
	dk_wr_u64(&wr, logd->tree.size);
	dk_wr_u64(&wr, logd->checkpoint_s);
	(void)ipc_send(logd->httpd, IPC_LOG_STATE, 0, &part, 1);
}

void
logd_failed(struct logd *logd)
{
	if (!logd->failed)
		say(SAY_ERROR, "the store does not take entries: nothing is released%s%s",
		    logd->store->fault[0] ? ": " : "", logd->store->fault);
	logd->failed = true;
}

/* Without entries, only this tells whether a database is there. */
static void
look_at_database(struct logd *logd)
{
	if (!store_is_shared(logd->store))
		return;
	if (!shared_look(logd))
		logd_failed(logd);
	else if (logd->failed) {
		say(SAY_INFO, "the database is there again");
		logd->failed = false;
	}
}

/* More files where more entries came, so that they keep up. */
static void
write_tiles(struct logd *logd, unsigned entries)
{
	for (unsigned i = 0; logd->tiles.busy && i <= entries / ENTRIES_A_FILE; i++)
		if (!tiles_step(logd))
			say(SAY_WARNING, "the tiles cannot be written");
	logd->child.tick_ms = logd->tiles.busy || logd->erase ? 0 : cosign_tick_ms(logd);
}

static void
every_second(struct logd *logd, uint64_t now)
{
	look_at_database(logd);
	tell_state(logd);
	cosign_tell(logd);
	if (logd->failed && store_is_shared(logd->store))
		return;
	if (!tiles_begin(logd))
		say(SAY_WARNING, "the last checkpoint cannot be read");
	tiles_remove_old(logd);
	/* Often, so that it does not take long. */
	if (now % 4 == 0 && now > LOGD_NONCE_LIFE_S &&
	    (!store_forget_used(logd->store, now - LOGD_NONCE_LIFE_S) ||
		!store_not_before(logd->store, &logd->not_before_s)))
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

	shared_step(logd);
	/* Also when the clock was put back: nobody waits until it is where it was. */
	if (now >= logd->last_entry_s + LOGD_HEARTBEAT_S || now < logd->last_entry_s)
		batch_append_own(logd, DK_LOG_HEARTBEAT);
	entries = logd->batch_count;
	batch_commit(logd);
	cosign_step(logd);
	ipc_child_flush(&logd->child); /* nobody waits for what follows */
	if (!store_tidy(logd->store))
		say(SAY_WARNING, "the store cannot be tidied");
	if (now != logd->tiles_s) {
		logd->tiles_s = now;
		every_second(logd, now);
	}
	if (logd->erase)
		erase_step(logd);
	write_tiles(logd, entries);
}

static void
open_all(struct logd *logd)
{
	int fd = open(LOGD_KEY_FILE, O_RDONLY | O_CLOEXEC);
	char fault[STORE_FAULT_BYTES];

	if (fd < 0 || !log_key_read(fd, &logd->signer))
		say_fatal("the log keys cannot be read");
	(void)close(fd);
	logd_open_database(logd);
	if (!logd->store && !store_open_file(LOGD_DB_FILE, STORE_TO_RUN, &logd->store, fault)) {
		if (fault[0])
			say_fatal("%s", fault);
		say_fatal("%sthe store of the log cannot be opened",
		    access(LOGD_DB_FILE, W_OK) != 0 && errno == EROFS ? "read-only: " : "");
	}
	logd->tree.store = logd->store;
	if ((!store_is_shared(logd->store) && !tree_load(&logd->tree, logd->store)) ||
	    !store_not_before(logd->store, &logd->not_before_s))
		say_fatal("the store cannot be read");
	logd->tokens_from_s = logd->not_before_s;
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
	cosign_start(&logd);
	open_all(&logd);
	logd.last_entry_s = ipc_now();
	if (logd.tree.size == 0)
		batch_append_own(&logd, DK_LOG_BEGUN);
	batch_commit(&logd);
	logd.child.protections |= logd.store_files ? sandbox_enter_store(".", logd.store_files)
						   : sandbox_enter(IPC_LOGD, ".");
	logd.child.idle = idle;
	logd.child.idle_ctx = &logd;
	ipc_child_ready(&logd.child);
	ipc_child_gather(&logd.child);
	ipc_child_run(&logd.child);
	batch_commit(&logd);
	ipc_child_flush(&logd.child);
	store_close(logd.store);
	dk_log_signer_clear(&logd.signer);
	return 0;
}
