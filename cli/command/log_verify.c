/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/files/bytes.h"
#include "cli/command/command.h"
#include "log/proof.h"
#include "log/verify.h"
#include "cli/log/points.h"
#include "cli/log/show.h"
#include "cli/console/message.h"
#include "cli/console/progress.h"

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
    "      --json           a line of JSON for each gap, and one with the result\n"
    "  -q, --quiet          errors and the result only\n"
    "  -h, --help           this text\n";

enum { RECORDS = OPTION_OWN, FOREIGN, ENTRY, JSON };

static const struct option table[] = {
	LOG_TRUST_OPTIONS,
	{ "records", required_argument, NULL, RECORDS },
	{ "foreign", no_argument, NULL, FOREIGN },
	{ "entry", required_argument, NULL, ENTRY },
	{ "json", no_argument, NULL, JSON },
	OPTIONS_COMMON,
};

struct verify {
	struct log_trust trust;
	const char *records_file, *entry_file;
	bool foreign;
	struct log_show show;
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
	else if (code == JSON)
		verify->show.as_json = true;
	else
		verify->foreign = true;
	return STATUS_OK;
}

static void
on_gap(void *ctx, uint64_t index, uint64_t before, uint64_t after)
{
	struct verify *verify = ctx;

	verify->gaps++;
	log_show_gap(&verify->show, index, before, after);
}

static void
on_entries(void *ctx, uint64_t count, size_t bytes)
{
	struct verify *verify = ctx;

	(void)count;
	progress_part_add(&verify->part, bytes);
}

static void
show_checkpoint(struct verify *verify, const char *text, const struct dk_checkpoint *cp,
    const struct dk_quorum_seen *seen)
{
	log_show_checkpoint(&verify->show, text, cp, &verify->trust.quorum, seen);
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

	if (!run_verify(verify, place, &v))
		return false;
	log_show_number(&verify->show, "checkpoints", points->count);
	if (verify->records_file)
		log_show_number(&verify->show, "records", v.record_count);
	if (!verify->foreign) {
		log_show_number(&verify->show, "gaps", verify->gaps);
		log_show_time(&verify->show, "newest", v.last_minute);
	}
	return true;
}

static bool
verify_log(struct verify *verify, const char *place, const struct dk_log_source *source)
{
	static char text[DK_NOTE_MAX_BYTES];
	struct log_points points = { .count = 0 };
	struct dk_quorum_seen seen;
	struct dk_checkpoint cp;
	size_t len;
	bool ok;

	if (!log_checkpoint_read(source, place, text, &len) ||
	    !log_trust_check(&verify->trust, place, text, len, &cp, &seen))
		return false;
	if (!log_points_load(
		&verify->trust, log_place_is_url(place) ? NULL : place, &cp, &seen, &points))
		return false;
	show_checkpoint(verify, text, &cp, &seen);
	ok = verify_points(verify, source, place, &points);
	log_points_clear(&points);
	return ok;
}

/* ---- a proof ---- */

static bool
find_record(struct verify *verify, uint64_t index, const uint8_t *leaf)
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
		log_show_text(&verify->show, "record", dk_log_class_name(event.class_));
	return err == DK_OK;
}

static bool
put_leaf(struct verify *verify, const char *name, uint64_t index, const uint8_t *entry, size_t len)
{
	uint64_t minute = 0;

	if (verify->foreign)
		return true;
	if (len != DK_LEAF_BYTES || memcmp(entry, "DKL1", 4) != 0) {
		log_fail(name, DK_ERR_LOG_FILE, "entry");
		return false;
	}
	for (unsigned i = 8; i < 16; i++)
		minute = minute << 8 | entry[i];
	log_show_text(
	    &verify->show, "class", dk_log_class_name((unsigned)entry[4] << 8 | entry[5]));
	log_show_time(&verify->show, "minute", minute);
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
	show_checkpoint(verify, proof->checkpoint, &cp, &seen);
	log_show_number(&verify->show, "index", proof->index);
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
verify_files(struct verify *verify, const char *place)
{
	struct dk_log_source source = { .close = NULL };
	bool ok;

	if (!log_place_open(&verify->trust, place, &source))
		return false;
	ok = verify_log(verify, place, &source);
	dk_log_source_close(&source);
	return ok;
}

static bool
verify_place(struct verify *verify, const char *place)
{
	struct stat st;
	bool proof = !log_place_is_url(place) && stat(place, &st) == 0 && S_ISREG(st.st_mode), ok;

	if (!log_show_begin(&verify->show, proof ? "proof" : "log", place))
		return false;
	ok = proof ? verify_proof(verify, place) : verify_files(verify, place);
	return log_show_end(&verify->show, ok);
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
	return ok ? STATUS_OK : STATUS_FAILED;
}
