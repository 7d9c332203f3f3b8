/* SPDX-License-Identifier: Apache-2.0 */
#include "parent/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/text.h"
#include "cli/log/print.h"
#include "native/code.h"
#include "parent/exchange.h"
#include "parent/tell.h"

#define LOG_PAGE 500

struct filter {
	uint64_t since;
	const char *user;
	bool has_object, has_document;
	uint8_t object[16], document[32];
	bool json;
	bool broken; /* a record was printed that does not open its leaf */
};

/* "2031-02-03T04:05:06Z", or the day alone. */
static bool
parse_time(const char *text, uint64_t *ret)
{
	struct tm tm = { .tm_sec = 0 };
	const char *form = strlen(text) == 10 ? "%Y-%m-%d" : "%Y-%m-%dT%H:%M:%SZ";
	const char *end = strptime(text, form, &tm);
	time_t t;

	if ((strlen(text) != 10 && strlen(text) != 20) || !end || *end != '\0')
		return false;
	t = timegm(&tm);
	*ret = (uint64_t)t;
	return t >= 0;
}

bool
log_time(const char *text, const char *option, uint64_t *ret)
{
	if (!text || parse_time(text, ret))
		return true;
	tell(NULL, "argument", "%s takes a time like 2031-02-03T04:05:06Z, or a day", option);
	return false;
}

bool
log_object(const char *text, uint8_t ret[16])
{
	if (strlen(text) == 32 && dk_unhex(text, ret, 16))
		return true;
	tell(NULL, "argument", "--object takes an object id, 32 hex digits%s",
	    strlen(text) == 64 ? "; an export is not chosen by document" : "");
	return false;
}

/* An object of this format, or a document of Microsoft's protocol. */
static bool
take_object(const char *text, struct filter *f)
{
	f->has_document = strlen(text) == 64 && dk_unhex(text, f->document, 32);
	f->has_object = strlen(text) == 32 && dk_unhex(text, f->object, 16);
	if (f->has_document || f->has_object)
		return true;
	tell(NULL, "argument",
	    "--object takes an object id, 32 hex digits, or the SHA-256 of a document's wrapped "
	    "value, 64 hex digits");
	return false;
}

static bool
make_filter(const struct log_wanted *wanted, struct filter *f)
{
	*f = (struct filter){ .user = wanted->user, .json = wanted->json };
	return log_time(wanted->since, "--since", &f->since) &&
	    (!wanted->object || take_object(wanted->object, f));
}

/* Erased parts are all zero, as is the object id of a document: neither is one to look for. */
static bool
is_object(const struct filter *f, const struct dk_log_event *e, const struct dk_log_object *o)
{
	if (o->code == UINT16_MAX)
		return false;
	if (f->has_document)
		return e->front == DK_LOG_DKE && memcmp(o->core_digest, f->document, 32) == 0;
	return e->front != DK_LOG_DKE && memcmp(o->object_id, f->object, 16) == 0;
}

/* What a person did about a document before it was opened names it, too. */
static bool
is_about(const struct filter *f, const struct dk_log_event *e)
{
	return f->has_document && log_names_document(e) && memcmp(e->request, f->document, 32) == 0;
}

static bool
is_wanted(const struct filter *f, const struct dk_log_event *e)
{
	if (e->time < f->since || (f->user && strcmp(f->user, e->user) != 0))
		return false;
	if ((!f->has_object && !f->has_document) || is_about(f, e))
		return true;
	for (unsigned i = 0; i < e->object_count; i++)
		if (is_object(f, e, &e->objects[i]))
			return true;
	return false;
}

/* log_entry_fn */
static bool
show(void *ctx, uint64_t index, const uint8_t *leaf, const uint8_t *record, size_t len)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	struct dk_log_event event;
	struct filter *f = ctx;

	if (dk_record_open(record, len, leaf, objects, &event) != DK_OK) {
		log_print_broken(index, f->json);
		f->broken = true;
	} else if (is_wanted(f, &event)) {
		(f->json ? log_print_json : log_print)(index, &event);
	}
	return true;
}

/* One page; *ret_next is the index after its last entry. */
static bool
take_page(const struct exchange_answer *answer, uint64_t end, log_entry_fn each, void *ctx,
    uint64_t *ret_next, uint64_t *ret_size)
{
	struct dk_reader_buf rd;
	uint32_t count;

	if (answer->code != DK_CODE_OK) {
		tell_code(IPC_OP_LOG, NULL, answer->code, NULL, 0);
		return false;
	}
	dk_rd_init(&rd, answer->data + 2, answer->len - 2);
	*ret_size = dk_rd_u64(&rd);
	count = dk_rd_u32(&rd);
	for (uint32_t i = 0; i < count && *ret_next < end; i++) {
		uint64_t index = dk_rd_u64(&rd);
		const uint8_t *leaf = dk_rd_bytes(&rd, DK_LEAF_BYTES), *record;
		size_t len = dk_rd_u32(&rd);

		record = dk_rd_bytes(&rd, len);
		if (rd.failed || !each(ctx, index, leaf, record, len))
			return false;
		*ret_next = index + 1;
	}
	return count > 0 && !rd.failed;
}

bool
log_each(const struct settings *settings, uint64_t end, log_entry_fn each, void *ctx)
{
	uint64_t next = 0, size = 1;
	struct exchange_answer answer;
	char first[24], most[24];
	const char *args[] = { first, most };
	bool ok = true;

	while (ok && next < size && next < end) {
		if (snprintf(first, sizeof(first), "%" PRIu64, next) < 0 ||
		    snprintf(most, sizeof(most), "%d", LOG_PAGE) < 0 ||
		    !exchange(settings->dir, IPC_OP_LOG, args, 2, &answer))
			return false;
		ok = take_page(&answer, end, each, ctx, &next, &size);
		free(answer.data);
	}
	return ok;
}

int
cmd_log(const struct settings *settings, const struct log_wanted *wanted)
{
	struct filter filter;

	if (!make_filter(wanted, &filter))
		return 2;
	if (!log_each(settings, UINT64_MAX, show, &filter))
		return 1;
	return fflush(stdout) != 0 || ferror(stdout) || filter.broken ? 1 : 0;
}

int
cmd_log_erase(const struct settings *settings, const struct log_wanted *wanted)
{
	const char *args[] = { wanted->user ? wanted->user : "", "" };
	char text[24];
	uint64_t before = 0;

	if (!log_time(wanted->before, "--before", &before))
		return 2;
	if (wanted->before && snprintf(text, sizeof(text), "%" PRIu64, before) > 0)
		args[1] = text;
	return cmd_ask(settings, IPC_OP_LOG_ERASE, args, 2);
}
