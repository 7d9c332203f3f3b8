/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "command.h"
#include "crypto/base64.h"
#include "log/proof.h"
#include "log/verify.h"
#include "log_points.h"
#include "message.h"
#include "progress.h"

static const char help[] =
    "usage: doublekey log verify [OPTION...] DIR|URL\n"
    "       doublekey log verify [OPTION...] PROOF\n"
    "\n"
    "Checks a whole log, in a folder or as it is served: signatures, every entry up to\n"
    "the root, all checkpoints that a copy has kept, records against their entries. Tells\n"
    "where entries are more than two minutes apart, which a running service never is.\n"
    "A PROOF, of 'doublekey log prove', is checked offline.\n"
    "\n" LOG_TRUST_HELP "      --records FILE   private records to check against their entries\n"
    "      --foreign        entries need not be those of a key service\n"
    "      --entry FILE     of a PROOF that does not have it: the entry\n"
    "  -q, --quiet          errors and the result only\n"
    "  -h, --help           this text\n";

enum { RECORDS = OPTION_OWN, FOREIGN, ENTRY };

static const struct option table[] = {
	LOG_TRUST_OPTIONS,
	{ "records", required_argument, NULL, RECORDS },
	{ "foreign", no_argument, NULL, FOREIGN },
	{ "entry", required_argument, NULL, ENTRY },
	OPTIONS_COMMON,
};

struct verify {
	struct log_trust trust;
	const char *records_file, *entry_file;
	bool foreign;
	uint64_t gaps;
	struct progress_part part;
};

static int
take(void *ctx, int code)
{
	struct verify *verify = ctx;
	int status = log_trust_take(&verify->trust, code);

	if (status >= 0)
		return status;
	if (code == RECORDS)
		verify->records_file = optarg;
	else if (code == ENTRY)
		verify->entry_file = optarg;
	else
		verify->foreign = true;
	return STATUS_OK;
}

/* ---- what is told ---- */

static const char *
time_text(uint64_t seconds, char out[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds > INT64_MAX / 2 || !gmtime_r(&t, &tm) ||
	    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(out, 32, "%" PRIu64, seconds);
	return out;
}

static void
put(const char *name, const char *text)
{
	char safe[1024];

	(void)printf("%-12s %s\n", name, message_escape(text, strlen(text), safe, sizeof(safe)));
}

static void
put_number(const char *name, uint64_t number)
{
	(void)printf("%-12s %" PRIu64 "\n", name, number);
}

static void
on_gap(void *ctx, uint64_t index, uint64_t before, uint64_t after)
{
	struct verify *verify = ctx;
	char a[32], b[32];

	verify->gaps++;
	message_status(NULL);
	(void)printf("%-12s entry %" PRIu64 ": %s after %s\n", "gap", index, time_text(after, b),
	    time_text(before, a));
}

static void
on_entries(void *ctx, uint64_t count, size_t bytes)
{
	struct verify *verify = ctx;

	(void)count;
	progress_part_add(&verify->part, bytes);
}

static void
put_checkpoint(const struct verify *verify, const char *text, const struct dk_checkpoint *cp,
    const struct dk_quorum_seen *seen)
{
	char root[DK_BASE64_CHARS(32) + 1], origin[DK_ORIGIN_MAX_BYTES + 1], at[32];
	const struct dk_quorum *q = &verify->trust.quorum;

	(void)snprintf(origin, sizeof(origin), "%.*s", (int)strcspn(text, "\n"), text);
	put("origin", origin);
	put_number("size", cp->size);
	if (dk_base64_encode(cp->root, 32, root, sizeof(root)) == DK_OK)
		put("root", root);
	for (unsigned i = 0; i < q->node_count; i++)
		if (q->node[i].needed == 0 && (seen->witnesses >> q->node[i].witness & 1))
			(void)printf("%-12s %s %s\n", "witness", q->node[i].name,
			    time_text(seen->time[q->node[i].witness], at));
}

static bool
flushed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	if (errno != EPIPE)
		message_err("standard output", DK_ERR_WRITE, NULL);
	return false;
}

/* ---- a log ---- */

static bool
open_records(const struct verify *verify, struct dk_records *records)
{
	int fd = open(verify->records_file, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	dk_err err = fd < 0 ? DK_ERR_READ : dk_records_init(records, fd);

	if (err != DK_OK)
		message_err(verify->records_file, err, NULL);
	if (err != DK_OK && fd >= 0)
		(void)close(fd);
	return err == DK_OK;
}

static bool
run_verify(struct verify *verify, const char *place, struct dk_log_verify *v)
{
	struct dk_records records = { .fd = -1 };
	uint64_t size = v->points[v->point_count - 1].size;
	dk_err err;

	if (verify->records_file && !open_records(verify, &records))
		return false;
	if (verify->records_file)
		v->records = &records;
	progress_start(size * (2 + DK_LEAF_BYTES + DK_HASH_BYTES));
	err = dk_log_verify(v);
	progress_end();
	if (records.fd >= 0)
		(void)close(records.fd);
	dk_records_clear(&records);
	if (err != DK_OK)
		log_fail(strncmp(v->place, "record ", 7) == 0 ? verify->records_file : place, err,
		    v->place);
	return err == DK_OK;
}

static bool
verify_points(struct verify *verify, const struct dk_log_source *source, const char *place,
    const struct log_points *points)
{
	struct dk_log_verify v = { .source = source,
		.points = points->point,
		.point_count = points->count,
		.foreign = verify->foreign,
		.on_gap = on_gap,
		.on_entries = on_entries,
		.ctx = verify };
	char at[32];

	if (!run_verify(verify, place, &v))
		return false;
	put_number("checkpoints", points->count);
	if (verify->records_file)
		put_number("records", v.record_count);
	if (!verify->foreign) {
		put_number("gaps", verify->gaps);
		put("newest", time_text(v.last_minute, at));
	}
	return true;
}

static bool
verify_log(struct verify *verify, const char *place, const struct dk_log_source *source)
{
	static char text[DK_NOTE_MAX_BYTES];
	struct log_points points = { .count = 1 };
	struct dk_quorum_seen seen;
	struct dk_checkpoint cp;
	size_t len;
	bool ok;

	if (!log_checkpoint_read(source, place, text, &len) ||
	    !log_trust_check(&verify->trust, place, text, len, &cp, &seen))
		return false;
	if (log_place_is_url(place)) {
		points.point = &cp;
		put_checkpoint(verify, text, &cp, &seen);
		return verify_points(verify, source, place, &points);
	}
	if (!log_points_load(&verify->trust, place, &cp, &points))
		return false;
	put_checkpoint(verify, text, &cp, &seen);
	ok = verify_points(verify, source, place, &points);
	log_points_clear(&points);
	return ok;
}

/* ---- a proof ---- */

static bool
find_record(const struct verify *verify, uint64_t index, const uint8_t *leaf)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	static struct dk_log_event event;
	struct dk_records_entry entry = { .index = 0 };
	struct dk_records records;
	char where[48];
	bool more = true;
	dk_err err = DK_OK;

	if (!open_records(verify, &records))
		return false;
	while (err == DK_OK && more) {
		err = dk_records_next(&records, &entry, &more);
		if (err == DK_OK && more && entry.index == index)
			break;
	}
	(void)snprintf(where, sizeof(where), "record %" PRIu64, records.count);
	if (err == DK_OK && !more)
		err = DK_ERR_LOG_MISSING;
	if (err == DK_OK && memcmp(entry.leaf, leaf, DK_LEAF_BYTES) != 0)
		err = DK_ERR_LOG_RECORD;
	if (err == DK_OK)
		err = dk_record_open(entry.record, entry.len, leaf, objects, &event);
	(void)close(records.fd);
	dk_records_clear(&records);
	if (err != DK_OK)
		log_fail(verify->records_file, err == DK_ERR_RECEIPT ? DK_ERR_LOG_RECORD : err,
		    err == DK_ERR_LOG_MISSING ? NULL : where);
	else
		put("record", dk_log_class_name(event.class_));
	return err == DK_OK;
}

static bool
put_leaf(
    const struct verify *verify, const char *name, uint64_t index, const uint8_t *entry, size_t len)
{
	uint64_t minute = 0;
	char at[32];

	if (verify->foreign)
		return true;
	if (len != DK_LEAF_BYTES || memcmp(entry, "DKL1", 4) != 0) {
		log_fail(name, DK_ERR_LOG_FILE, "entry");
		return false;
	}
	for (unsigned i = 8; i < 16; i++)
		minute = minute << 8 | entry[i];
	put("class", dk_log_class_name((unsigned)entry[4] << 8 | entry[5]));
	put("minute", time_text(minute, at));
	return !verify->records_file || find_record(verify, index, entry);
}

static bool
check_proof(struct verify *verify, const char *name, const struct dk_log_proof *proof,
    const uint8_t *entry, size_t len)
{
	struct dk_quorum_seen seen;
	struct dk_checkpoint cp;
	dk_err err;

	if (!log_trust_check(
		&verify->trust, name, proof->checkpoint, proof->checkpoint_len, &cp, &seen))
		return false;
	err = dk_log_proof_check(proof, &cp, entry, len);
	if (err != DK_OK) {
		log_fail(name, err, NULL);
		return false;
	}
	put_checkpoint(verify, proof->checkpoint, &cp, &seen);
	put_number("index", proof->index);
	return put_leaf(verify, name, proof->index, entry, len);
}

static bool
verify_proof(struct verify *verify, const char *name)
{
	static struct dk_log_proof proof;
	uint8_t *text, *entry = NULL;
	size_t len, entry_len;
	dk_err err;
	bool ok;

	if (!bytes_read(name, DK_LOG_PROOF_FILE_MAX_BYTES, &text, &len))
		return false;
	err = dk_log_proof_parse((const char *)text, len, &proof);
	if (err != DK_OK) {
		log_fail(name, err, NULL);
		ok = false;
	} else if (verify->entry_file) {
		ok = bytes_read(verify->entry_file, UINT16_MAX, &entry, &entry_len) &&
		    check_proof(verify, name, &proof, entry, entry_len);
	} else if (!proof.has_extra) {
		message_fail(name, "it does not have the entry: give --entry");
		ok = false;
	} else {
		ok = check_proof(verify, name, &proof, proof.extra, proof.extra_len);
	}
	free(entry);
	free(text);
	return ok;
}

static bool
verify_place(struct verify *verify, const char *place)
{
	struct dk_log_source source = { .close = NULL };
	struct stat st;
	bool ok;

	if (!log_place_is_url(place) && stat(place, &st) == 0 && S_ISREG(st.st_mode))
		return verify_proof(verify, place);
	if (!log_place_open(&verify->trust, place, &source))
		return false;
	ok = verify_log(verify, place, &source);
	dk_log_source_close(&source);
	return ok;
}

int
cmd_log_verify(int argc, char **argv)
{
	static struct verify verify;
	struct options options = {
		.command = "log verify", .help = help, .short_options = "", .option = table
	};
	bool ok;

	if (!options_all(&options, argc, argv, take, &verify)) {
		log_trust_clear(&verify.trust);
		return options.status;
	}
	if (argc - optind != 1)
		return usage_error("log verify", "needs one DIR, URL or PROOF");
	if (verify.records_file && verify.foreign)
		return usage_error("log verify", "records are those of a key service");
	ok = verify_place(&verify, argv[optind]);
	log_trust_clear(&verify.trust);
	return flushed() && ok ? STATUS_OK : STATUS_FAILED;
}
