/* SPDX-License-Identifier: Apache-2.0 */
/* spec/evidence.md section 4. */
#include "cli/evidence/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/files/fileio.h"
#include "log/export.h"
#include "log/records.h"
#include "cli/console/message.h"

static bool
fail(const char *name, dk_err err)
{
	if (err != DK_OK)
		message_err(name, err, NULL);
	return err == DK_OK;
}

static uint64_t
minute_of(const uint8_t *leaf)
{
	uint64_t seconds = 0;

	for (unsigned i = 8; i < 16; i++)
		seconds = seconds << 8 | leaf[i];
	return seconds;
}

/* ---- scope ---- */

struct scoping {
	FILE *out;
	const struct evidence_scope *scope;
	uint8_t record[DK_RECORD_MAX_BYTES + DK_RECORD_ERASED_MORE_BYTES];
};

static dk_err
put(struct scoping *s, const struct dk_records_entry *e)
{
	uint8_t head[DK_RECORDS_HEAD_BYTES];
	const uint8_t *record = e->record;
	size_t len = e->len, erased = 0;
	dk_err err = DK_OK;

	if (!s->scope->persons)
		err = dk_record_erase_person(e->record, e->len, s->record, &erased);
	if (err != DK_OK)
		return err == DK_ERR_RECEIPT ? DK_ERR_LOG_RECORD : err;
	if (erased > 0) {
		record = s->record;
		len = erased;
	}
	dk_records_head(e->index, e->leaf, len, head);
	return fwrite(head, sizeof(head), 1, s->out) == 1 && fwrite(record, len, 1, s->out) == 1
	    ? DK_OK
	    : DK_ERR_WRITE;
}

static dk_err
each(struct dk_records *records, struct scoping *s)
{
	struct dk_records_entry e;
	bool more = true;
	dk_err err = DK_OK;

	while (err == DK_OK) {
		err = dk_records_next(records, &e, &more);
		if (err != DK_OK || !more || e.index >= s->scope->size)
			break;
		if (s->scope->until == 0 || minute_of(e.leaf) < s->scope->until)
			err = put(s, &e);
	}
	return err;
}

static bool
scope_to(struct dk_records *records, const char *path, struct scoping *s)
{
	struct dk_place place = { .offset = UINT64_MAX };
	dk_err err = DK_OK;

	if (fwrite(DK_RECORDS_MAGIC, DK_RECORDS_MAGIC_BYTES, 1, s->out) != 1)
		err = DK_ERR_WRITE;
	if (err == DK_OK)
		err = each(records, s);
	if (err == DK_OK && fflush(s->out) != 0)
		err = DK_ERR_WRITE;
	(void)snprintf(place.text, sizeof(place.text), "record %" PRIu64, records->count);
	if (err != DK_OK)
		message_err(path, err, &place);
	return err == DK_OK;
}

bool
evidence_scope_records(const char *path, int fd, const struct evidence_scope *scope)
{
	struct scoping *s = calloc(1, sizeof(*s));
	int in = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC), out = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct dk_records records;
	bool ok;

	if (s)
		s->scope = scope;
	if (s && out >= 0)
		s->out = fdopen(out, "w");
	ok = fail(path, in < 0 ? DK_ERR_READ : DK_OK) &&
	    fail(NULL, s && s->out ? DK_OK : DK_ERR_NOMEM) &&
	    fail(path, dk_records_init(&records, in));
	if (ok) {
		ok = scope_to(&records, path, s);
		dk_records_clear(&records);
	}
	if (s && s->out)
		(void)fclose(s->out);
	if (in >= 0)
		(void)close(in);
	free(s);
	return ok;
}

/* ---- sealing ---- */

static dk_err
write_out(void *ctx, const uint8_t *bytes, size_t len)
{
	return file_write_all(*(int *)ctx, bytes, len) == 0 ? DK_OK : DK_ERR_WRITE;
}

static dk_err
seal(int from, struct dk_export_writer *w)
{
	static uint8_t piece[DK_EXPORT_SEGMENT_BYTES];
	dk_err err = DK_OK;

	for (off_t at = 0; err == DK_OK;) {
		ssize_t n = pread(from, piece, sizeof(piece), at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? DK_ERR_READ : dk_export_end(w);
		err = dk_sealed_put(w, piece, (size_t)n);
		at += n;
	}
	return err;
}

bool
evidence_seal(int from, int fd, const struct dk_pkey *recipient)
{
	static struct dk_export_writer w;
	dk_err err;

	w.write = write_out;
	w.ctx = &fd;
	err = dk_sealed_begin(&w, EVIDENCE_LABEL, recipient, NULL);
	if (err == DK_OK)
		err = seal(from, &w);
	dk_export_writer_clear(&w);
	return fail("records", err);
}

bool
evidence_unseal(int from, uint64_t sealed, int fd, const struct dk_pkey *auditor)
{
	static struct dk_export x;
	const uint8_t *bytes;
	size_t len = 1;
	dk_err err = dk_sealed_open(&x, from, sealed, EVIDENCE_LABEL, auditor);

	while (err == DK_OK && len > 0) {
		err = dk_sealed_next(&x, &bytes, &len);
		if (err == DK_OK && file_write_all(fd, bytes, len) != 0)
			err = DK_ERR_WRITE;
	}
	dk_export_clear(&x);
	return fail("records", err);
}
