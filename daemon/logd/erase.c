/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Erasure of person parts, spec/log.md section 16: a few entries at a time, each in a
 * transaction of its own, so that what comes meanwhile does not wait for the whole log.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ipc/payload.h"
#include "logd/logd.h"

#define PAGE_ENTRIES 512
#define PAGE_BYTES 1048576
#define DAY_S 86400

struct enrolment {
	uint64_t index;
	bool active;
};

struct erase {
	uint64_t id;
	uint64_t before; /* 0: any time */
	char user[DK_LOG_PERSON_MAX_BYTES + 1];
	uint64_t begin, next, end;
	uint64_t covered; /* entries below it need not be looked at again */
	uint64_t erased, broken;
	unsigned enrolment_count, enrolment_at;
	struct enrolment *enrolment; /* sorted */
	/* of the page */
	unsigned count;
	size_t bytes;
	struct store_record item[PAGE_ENTRIES];
};

static int
compare(const void *a, const void *b)
{
	uint64_t x = ((const struct enrolment *)a)->index, y = ((const struct enrolment *)b)->index;

	return x < y ? -1 : x > y;
}

static bool
is_kept(const struct erase *e, uint64_t index)
{
	const struct enrolment key = { .index = index };
	const struct enrolment *found =
	    bsearch(&key, e->enrolment, e->enrolment_count, sizeof(key), compare);

	return found && found->active;
}

static bool
is_wanted(const struct erase *e, uint64_t index, const struct dk_log_event *event)
{
	return (e->before == 0 || event->time < e->before) &&
	    (e->user[0] == '\0' || strcmp(e->user, event->user) == 0) &&
	    !(event->class_ == DK_LOG_DEVICE_ENROLLED && is_kept(e, index));
}

static void
add_item(struct erase *e, uint64_t index, const uint8_t *record, size_t len)
{
	uint8_t *out = malloc(len + DK_RECORD_ERASED_MORE_BYTES);
	size_t out_len;

	if (!out || dk_record_erase_person(record, len, out, &out_len) != DK_OK)
		say_fatal("a person part cannot be erased");
	if (out_len == 0) {
		free(out);
		return;
	}
	e->item[e->count].index = index;
	e->item[e->count].bytes = out;
	e->item[e->count++].len = out_len;
	e->bytes += out_len;
}

/* store_entry_fn; also of an enrolment alone, which then stands before e->begin. */
static bool
look(
    void *ctx, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], const uint8_t *record, size_t len)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	struct erase *e = ctx;
	struct dk_log_event event;
	bool older;

	if (index >= e->end)
		return false;
	if (dk_record_open(record, len, leaf, objects, &event) != DK_OK) {
		e->broken++;
		event = (struct dk_log_event){ .person_erased = true };
	} else if (e->before > 0 && event.time >= e->before + DAY_S) {
		e->next = e->end;
		return false;
	}
	older = e->before > 0 && event.time < e->before;
	if (!event.person_erased && is_wanted(e, index, &event))
		add_item(e, index, record, len);
	if (older && e->covered == index)
		e->covered = index + 1;
	if (index >= e->begin)
		e->next = index + 1;
	return e->count < PAGE_ENTRIES && e->bytes < PAGE_BYTES;
}

/* Of a device that was active when an earlier erasure passed by. */
static bool
look_at_enrolments(struct logd *logd, struct erase *e)
{
	bool ok = true;

	while (ok && e->enrolment_at < e->enrolment_count && e->count < PAGE_ENTRIES) {
		const struct enrolment *at = &e->enrolment[e->enrolment_at++];

		if (at->index < e->begin && !at->active)
			ok = store_read(logd->store, at->index, 1, look, e);
	}
	return ok;
}

static void
clear_page(struct erase *e)
{
	for (unsigned i = 0; i < e->count; i++)
		free(e->item[i].bytes);
	e->count = 0;
	e->bytes = 0;
}

static void
finish(struct logd *logd, unsigned code)
{
	struct erase *e = logd->erase;
	uint8_t payload[2 + 8 + 8];
	const struct dk_part part = { payload, sizeof(payload) };
	struct dk_writer_buf wr;

	dk_wr_init(&wr, payload, sizeof(payload));
	dk_wr_u16(&wr, (uint16_t)code);
	dk_wr_u64(&wr, e->erased);
	dk_wr_u64(&wr, e->broken);
	(void)ipc_send(logd->keyd, IPC_ERASED, e->id, &part, 1);
	if (code != DK_CODE_OK)
		say(SAY_ERROR, "the store does not take an erasure");
	clear_page(e);
	free(e->enrolment);
	free(e);
	logd->erase = NULL;
}

void
erase_step(struct logd *logd)
{
	struct erase *e = logd->erase;
	bool ok, done = e->next >= e->end && e->enrolment_at == e->enrolment_count;

	if (done) {
		finish(logd, store_purge(logd->store) ? DK_CODE_OK : DK_CODE_UNAVAILABLE);
		return;
	}
	ok = e->next < e->end ? store_read(logd->store, e->next, PAGE_ENTRIES, look, e)
			      : look_at_enrolments(logd, e);
	ok = ok && store_erase(logd->store, e->item, e->count, e->user[0] ? 0 : e->covered);
	e->erased += e->count;
	clear_page(e);
	if (!ok)
		finish(logd, DK_CODE_UNAVAILABLE);
}

static bool
take_enrolments(struct erase *e, const struct ipc_erase *asked)
{
	struct dk_reader_buf rd;

	e->enrolment = calloc((size_t)asked->count + 1, sizeof(*e->enrolment));
	if (!e->enrolment)
		return false;
	e->enrolment_count = asked->count;
	dk_rd_init(&rd, asked->enrolments, (size_t)asked->count * IPC_ENROLMENT_BYTES);
	for (unsigned i = 0; i < asked->count; i++) {
		e->enrolment[i].index = dk_rd_u64(&rd);
		e->enrolment[i].active = dk_rd_u8(&rd) != 0;
	}
	qsort(e->enrolment, e->enrolment_count, sizeof(*e->enrolment), compare);
	return true;
}

bool
erase_begin(struct logd *logd, const struct ipc_message *message)
{
	struct ipc_erase asked;
	struct erase *e;

	/* keyd asks for one at a time. */
	if (!ipc_erase_read(message, &asked) || logd->erase)
		return false;
	e = calloc(1, sizeof(*e));
	if (!e || !take_enrolments(e, &asked))
		say_fatal("no memory");
	e->id = message->id;
	e->before = asked.before;
	memcpy(e->user, asked.user, sizeof(e->user));
	e->end = asked.size < logd->tree.size ? asked.size : logd->tree.size;
	logd->erase = e;
	if (!store_erased(logd->store, &e->begin)) {
		finish(logd, DK_CODE_UNAVAILABLE);
		return true;
	}
	e->next = e->covered = e->begin;
	return true;
}
