/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command/command.h"
#include "format/key_impl.h"
#include "cli/keys/keyref.h"
#include "log/export.h"
#include "log/records.h"
#include "cli/log/print.h"
#include "cli/log/trust.h"
#include "cli/console/message.h"
#include "cli/files/output.h"

static const char help[] =
    "usage: doublekey log export [OPTION...] --auditor AUDITOR.key FILE\n"
    "\n"
    "Opens an export that a key service made for this auditor ('doublekeyd log export'), and\n"
    "checks all of it: each record against its entry, each entry by its proof against the\n"
    "checkpoint, the checkpoint by its signatures. Nothing is written before that.\n"
    "\n" LOG_TRUST_HELP "      --auditor KEY           private key of the auditor\n"
    "      --passphrase-file FILE  take the passphrase of KEY from the first line of FILE\n"
    "      --json                  print the records, one line each\n"
    "  -o, --output RECORDS        write them as a file for 'log verify --records'\n"
    "  -f, --force                 replace an existing file\n"
    "  -q, --quiet                 errors and results only\n"
    "  -h, --help                  this text\n";

enum { AUDITOR = OPTION_OWN, PASSPHRASE_FILE, JSON };

static const struct option table[] = {
	LOG_TRUST_OPTIONS,
	{ "auditor", required_argument, NULL, AUDITOR },
	{ "passphrase-file", required_argument, NULL, PASSPHRASE_FILE },
	{ "json", no_argument, NULL, JSON },
	{ "output", required_argument, NULL, 'o' },
	{ "force", no_argument, NULL, 'f' },
	OPTIONS_COMMON,
};

struct export
{
	struct log_trust trust;
	struct option_list passphrase_files;
	const char *auditor, *output_name;
	bool json, force;
	struct dk_key *key;
	struct output *output;
	struct dk_checkpoint cp;
	struct dk_quorum_seen seen;
	struct dk_export x;
	uint64_t last; /* index of the record of the export */
};

static int
take(void *ctx, int code)
{
	struct export *e = ctx;
	int status = log_trust_take(&e->trust, code);

	if (status >= 0)
		return status;
	switch (code) {
	case AUDITOR:
		e->auditor = optarg;
		break;
	case PASSPHRASE_FILE:
		return option_list_add(&e->passphrase_files, optarg) ? STATUS_OK : STATUS_FAILED;
	case JSON:
		e->json = true;
		break;
	case 'o':
		e->output_name = optarg;
		break;
	case 'f':
		e->force = true;
		break;
	}
	return STATUS_OK;
}

static bool
fail_at(const char *name, dk_err err, uint64_t entry)
{
	char where[48];

	(void)snprintf(where, sizeof(where), "record %" PRIu64, entry);
	log_fail(name, err, where);
	return false;
}

static bool
open_export(struct export *e, const char *name, int fd)
{
	dk_err err;

	if (lseek(fd, 0, SEEK_SET) != 0) {
		message_fail(name, "an export must be a file");
		return false;
	}
	err = dk_export_open(&e->x, fd, dk_key_local_pkey(e->key));
	if (err != DK_OK)
		log_fail(name, err, NULL);
	return err == DK_OK;
}

static bool
write_record(struct export *e, const struct dk_export_entry *entry)
{
	uint8_t head[DK_RECORDS_HEAD_BYTES];

	dk_records_head(entry->index, entry->leaf, entry->len, head);
	return output_write(e->output, head, sizeof(head)) &&
	    output_write(e->output, entry->record, entry->len);
}

/* All entries; what is done with each is said by print: to look, and then to show. */
static bool
each_entry(struct export *e, const char *name, bool print)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	struct dk_export_entry entry;
	struct dk_log_event event;
	uint64_t count;
	bool more = true;
	dk_err err;

	while (more) {
		count = e->x.count;
		err = dk_export_next(&e->x, &entry, &more);
		if (err == DK_OK && more)
			err = dk_export_check(&e->x, &e->cp, &entry, objects, &event);
		if (err != DK_OK)
			return fail_at(name, err, count);
		if (!more)
			break;
		e->last = entry.index;
		if (print)
			log_print_json(entry.index, &event);
		else if (e->output && !write_record(e, &entry))
			return false;
	}
	return true;
}

static bool
check(struct export *e, const char *name, int fd)
{
	return open_export(e, name, fd) &&
	    log_trust_check(
		&e->trust, name, e->x.checkpoint, e->x.checkpoint_len, &e->cp, &e->seen) &&
	    each_entry(e, name, false);
}

static void
tell(const struct export *e)
{
	char note[DK_EXPORT_NOTE_BYTES];

	if (!dk_export_note(&e->x.chosen, note))
		note[0] = '\0';
	(void)printf("%-12s %.*s\n%-12s %" PRIu64 "\n", "origin",
	    (int)strcspn(e->x.checkpoint, "\n"), e->x.checkpoint, "size", e->cp.size);
	(void)printf("%-12s %s\n%-12s %" PRIu64 "\n%-12s %" PRIu64 "\n", "chosen", note, "records",
	    e->x.count, "export", e->last);
}

static bool
begin_output(struct export *e)
{
	const struct output_options options = { .force = e->force, .mode = 0600 };

	return !e->output_name ||
	    (output_open(e->output_name, &options, &e->output) &&
		output_write(e->output, DK_RECORDS_MAGIC, DK_RECORDS_MAGIC_BYTES));
}

static bool
show(struct export *e, const char *name, int fd)
{
	bool ok = true;

	/* The file may be another one by now: it is looked at in the same way again. */
	if (e->json)
		ok = open_export(e, name, fd) && each_entry(e, name, true);
	else
		tell(e);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return ok;
	message_err("standard output", DK_ERR_WRITE, NULL);
	return false;
}

static bool
run(struct export *e, const char *name)
{
	int fd = open(name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	bool ok;

	if (fd < 0) {
		message_err(name, DK_ERR_READ, NULL);
		return false;
	}
	ok =
	    keyref_open(e->auditor, DK_SIDE_AUDITOR, KEYREF_PRIVATE, &e->passphrase_files, &e->key);
	if (ok && !dk_key_local_pkey(e->key)) {
		message_fail(e->auditor, "not a key file");
		ok = false;
	}
	ok = ok && begin_output(e) && check(e, name, fd);
	if (ok && e->output) {
		ok = output_commit(e->output);
		e->output = NULL;
	}
	ok = ok && show(e, name, fd);
	(void)close(fd);
	return ok;
}

int
cmd_log_export(int argc, char **argv)
{
	static struct export e;
	struct options options = {
		.command = "log export", .help = help, .short_options = "o:f", .option = table
	};
	int status = STATUS_OK;

	if (!options_all(&options, argc, argv, take, &e))
		status = options.status;
	else if (argc - optind != 1 || !e.auditor)
		status = usage_error("log export", "needs --auditor KEY and one FILE");
	else if (e.output_name && output_is_stdout(e.output_name))
		status = usage_error("log export", "records go to a file, not to standard output");
	else
		status = run(&e, argv[optind]) ? STATUS_OK : STATUS_FAILED;
	output_abandon(e.output);
	dk_export_clear(&e.x);
	dk_key_free(e.key);
	option_list_clear(&e.passphrase_files);
	log_trust_clear(&e.trust);
	return status;
}
