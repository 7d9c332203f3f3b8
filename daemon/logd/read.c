/* SPDX-License-Identifier: Apache-2.0 */
/* What others read of the log: records, the acts behind an anchor, tiles and checkpoint. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ipc/payload.h"
#include "logd/logd.h"

#define RECORDS_ANSWER_MAX_BYTES 4000000
#define ANCHOR_ACTS_MAX_BYTES 8000
#ifdef STORE_UNAUTHENTICATED /* as in store/postgres_head.c */
#define MUST_BE_IN_TREE false
#else
#define MUST_BE_IN_TREE true
#endif

struct records_answer {
	struct dk_writer_buf wr;
	uint64_t end; /* entries from here on are not taken */
	uint32_t count;
};

static bool
add_record(
    void *ctx, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], const uint8_t *record, size_t len)
{
	struct records_answer *a = ctx;

	if (index >= a->end || a->wr.len + len + 64 > a->wr.cap)
		return false;
	dk_wr_u64(&a->wr, index);
	dk_wr_bytes(&a->wr, leaf, DK_LEAF_BYTES);
	dk_wr_u32(&a->wr, (uint32_t)len);
	dk_wr_bytes(&a->wr, record, len);
	a->count++;
	return true;
}

bool
read_records(struct logd *logd, const struct ipc_message *message)
{
	uint8_t *buf = malloc(RECORDS_ANSWER_MAX_BYTES), head[2 + 8 + 4];
	struct records_answer a = { .end = UINT64_MAX };
	struct dk_writer_buf wr;
	struct ipc_records asked;
	bool ok;

	if (!ipc_records_read(message, &asked) || !buf) {
		free(buf);
		return false;
	}
	dk_wr_init(&a.wr, buf, RECORDS_ANSWER_MAX_BYTES);
	ok = shared_look(logd) &&
	    (asked.first > INT64_MAX ||
		store_read(logd->store, asked.first, asked.max, add_record, &a));
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u16(&wr, ok ? DK_CODE_OK : DK_CODE_UNAVAILABLE);
	dk_wr_u64(&wr, logd->tree.size);
	dk_wr_u32(&wr, a.count);
	const struct dk_part parts[] = { { head, sizeof(head) }, { buf, a.wr.len } };
	if (message->type == IPC_ENTRIES)
		(void)ipc_send(logd->keyd, IPC_ENTRIES_DONE, message->id, parts, 2);
	else
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

/* False: the store cannot say. */
static bool
look_for_leaf(
    struct logd *logd, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], bool *ret_stands)
{
	uint8_t hashes[DK_PROOF_HASHES_MAX * DK_HASH_BYTES], hash[DK_HASH_BYTES];
	uint8_t root[DK_HASH_BYTES], wanted[DK_HASH_BYTES];
	unsigned n;

	*ret_stands = false;
	if (!tree_proof(&logd->tree, logd->tree.size, index, hashes, &n) ||
	    !tree_root(&logd->tree, logd->tree.size, wanted))
		return false;
	*ret_stands = dk_merkle_leaf(leaf, DK_LEAF_BYTES, hash) == DK_OK &&
	    dk_merkle_inclusion_root(hash, index, logd->tree.size, hashes, n, root) == DK_OK &&
	    memcmp(root, wanted, sizeof(root)) == 0;
	return true;
}

/* Rows of a database can be other people's: what keyd carries out must stand in the tree. */
static bool
check_acts(struct logd *logd, const struct records_answer *acts)
{
	struct dk_reader_buf rd;
	const uint8_t *leaf;
	uint64_t index;
	bool stands;

	dk_rd_init(&rd, acts->wr.data, acts->wr.len);
	for (uint32_t i = 0; i < acts->count && MUST_BE_IN_TREE; i++) {
		index = dk_rd_u64(&rd);
		leaf = dk_rd_bytes(&rd, DK_LEAF_BYTES);
		(void)dk_rd_bytes(&rd, dk_rd_u32(&rd));
		if (rd.failed || !look_for_leaf(logd, index, leaf, &stands))
			return false;
		if (!stands)
			say_fatal("log-damaged: an act behind the sealed state is not in the tree");
	}
	return true;
}

/* Comes before any act of this run: nothing of the batch is one. */
bool
read_anchor(struct logd *logd, const struct ipc_message *message)
{
	uint8_t acts[ANCHOR_ACTS_MAX_BYTES], leaf[DK_LEAF_BYTES] = { 0 },
					     head[2 + 8 + DK_LEAF_BYTES + 1];
	struct records_answer a = { .count = 0 };
	struct dk_writer_buf wr;
	uint64_t size;
	bool ok;

	if (!ipc_number_read(message, 8, &size))
		return false;
	batch_commit(logd);
	dk_wr_init(&a.wr, acts, sizeof(acts));
	ok = shared_look(logd);
	/* Another node may go on meanwhile: what it does is heard of by itself. */
	a.end = MUST_BE_IN_TREE ? logd->tree.size : UINT64_MAX;
	ok = ok &&
	    (size > logd->tree.size || size == 0 ||
		store_read(logd->store, size - 1, 1, take_leaf, leaf));
	ok =
	    ok && (size > logd->tree.size || store_read_acts(logd->store, size, 2, add_record, &a));
	/* Another node may have done an act between the look and the reading: its row came with the
	 * head that it is proven by, which is looked at now. */
	ok = ok && (a.count == 0 || shared_look(logd)) && check_acts(logd, &a);
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u16(&wr, ok ? DK_CODE_OK : DK_CODE_UNAVAILABLE);
	dk_wr_u64(&wr, logd->tree.size);
	dk_wr_bytes(&wr, leaf, sizeof(leaf));
	dk_wr_u8(&wr, (uint8_t)a.count);
	const struct dk_part parts[] = { { head, sizeof(head) }, { acts, a.wr.len } };
	(void)ipc_send(logd->keyd, IPC_ANCHORED, message->id, parts, 2);
	return true;
}

bool
read_data(struct logd *logd, const struct ipc_message *message)
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
