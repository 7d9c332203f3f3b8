/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "log/verify.h"
#include "cli/log/copy.h"
#include "cli/log/trust.h"
#include "cli/console/message.h"
#include "cli/console/progress.h"

static const char help[] =
    "usage: doublekey log mirror [OPTION...] URL -o DIR\n"
    "\n"
    "Copies a log to DIR, or brings a copy up to date, and checks all of it on the way.\n"
    "URL is what stands before /checkpoint: https://HOST:PORT/log for a key service. What\n"
    "was interrupted goes on where it was. The copy keeps each checkpoint that it was\n"
    "brought to, refuses a log that does not contain them, and can be served as it is.\n"
    "\n" LOG_TRUST_HELP "      --foreign        entries need not be those of a key service\n"
    "  -o, --output DIR     the copy\n"
    "  -q, --quiet          errors only, no progress\n"
    "  -h, --help           this text\n";

enum { FOREIGN = OPTION_OWN };

static const struct option table[] = {
	LOG_TRUST_OPTIONS,
	{ "foreign", no_argument, NULL, FOREIGN },
	{ "output", required_argument, NULL, 'o' },
	OPTIONS_COMMON,
};

struct mirror {
	struct log_trust trust;
	const char *output;
	bool foreign;
	struct log_copy copy;
	char text[DK_NOTE_MAX_BYTES], old_text[DK_NOTE_MAX_BYTES];
	size_t len, old_len;
	struct dk_checkpoint cp, old;
	bool has_old;
	struct progress_part part;
};

static int
take(void *ctx, int code)
{
	struct mirror *mirror = ctx;
	int status = log_trust_take(&mirror->trust, code);

	if (status >= 0)
		return status;
	if (code == 'o')
		mirror->output = optarg;
	else
		mirror->foreign = true;
	return STATUS_OK;
}

static void
on_entries(void *ctx, uint64_t count, size_t bytes)
{
	struct mirror *mirror = ctx;

	(void)count;
	progress_part_add(&mirror->part, bytes);
}

static dk_err
on_files(void *ctx, const struct dk_log_file *files, size_t n)
{
	struct mirror *mirror = ctx;

	return log_copy_files(&mirror->copy, files, n);
}

/* The checkpoint of the copy, which may be a new one. */
static bool
load_old(struct mirror *m)
{
	struct dk_log_file file = {
		.path = "checkpoint", .data = (uint8_t *)m->old_text, .cap = sizeof(m->old_text)
	};
	struct dk_quorum_seen seen;
	dk_err err = m->copy.local.read(m->copy.local.ctx, &file, 1);

	if (err == DK_ERR_LOG_MISSING)
		return true;
	if (err != DK_OK) {
		log_fail(m->output, err, "checkpoint");
		return false;
	}
	m->old_len = file.len;
	m->has_old = log_trust_check(&m->trust, m->output, m->old_text, file.len, &m->old, &seen);
	return m->has_old;
}

static dk_err
verify(struct mirror *m, char place[])
{
	const struct dk_checkpoint points[] = { m->old, m->cp };
	struct dk_log_verify v = { .source = &m->copy.source,
		.points = m->has_old ? points : points + 1,
		.point_count = m->has_old ? 2 : 1,
		.from = m->has_old && !m->copy.distrust ? &m->old : NULL,
		.foreign = m->foreign,
		.on_entries = on_entries,
		.on_files = on_files,
		.ctx = m };
	uint64_t rest = m->cp.size - (v.from ? m->old.size : 0);
	dk_err err;

	progress_start(rest * (2 + DK_LEAF_BYTES + DK_HASH_BYTES));
	err = dk_log_verify(&v);
	progress_end();
	memcpy(place, v.place, sizeof(v.place));
	return err;
}

/* A log that became shorter may still be the same one, served from elsewhere. */
static dk_err
compare_older(struct mirror *m)
{
	struct dk_tiles *tiles = malloc(sizeof(*tiles));
	uint8_t root[DK_HASH_BYTES];
	struct dk_tree_nodes nodes;
	dk_err err;

	if (!tiles)
		return DK_ERR_NOMEM;
	dk_tiles_init(tiles, &m->copy.local, m->old.size, &nodes);
	err = dk_tree_root(&nodes, m->cp.size, root);
	free(tiles);
	if (err != DK_OK)
		return err;
	return memcmp(root, m->cp.root, sizeof(root)) == 0 ? DK_OK : DK_ERR_LOG_INCONSISTENT;
}

/* Damage of the copy is no fault of the log: what is there is fetched once more. */
static dk_err
bring_up(struct mirror *m, char place[])
{
	dk_err err = verify(m, place);

	if ((err != DK_ERR_LOG_FILE && err != DK_ERR_LOG_TREE && err != DK_ERR_LOG_MISSING &&
		err != DK_ERR_LOG_INCONSISTENT) ||
	    !m->copy.taken)
		return err;
	message_warn(m->output, "%s: not as it should be; all files are fetched again",
	    place[0] ? place : "the copy");
	m->copy.distrust = true;
	return verify(m, place);
}

/* Both are signed: that is the proof, and it is kept. */
static bool
inconsistent(struct mirror *m, const char *place)
{
	log_fail(m->output, DK_ERR_LOG_INCONSISTENT, place);
	if (log_copy_keep(&m->copy, &m->cp, m->text, m->len))
		message_note("both checkpoints are in %s/checkpoints", m->output);
	return false;
}

static bool
copy_all(struct mirror *m, const char *url)
{
	char place[DK_TILE_PATH_BYTES + 16] = "";
	dk_err err;

	if (!load_old(m))
		return false;
	if (m->has_old && m->cp.size < m->old.size) {
		err = compare_older(m);
		if (err == DK_ERR_LOG_INCONSISTENT)
			return inconsistent(m, "rolled back");
		if (err != DK_OK)
			log_fail(m->output, err, NULL);
		else
			message_note("nothing new: the copy has %" PRIu64
				     " entries, the log %" PRIu64,
			    m->old.size, m->cp.size);
		return err == DK_OK;
	}
	err = bring_up(m, place);
	if (err == DK_ERR_LOG_INCONSISTENT && m->has_old)
		return inconsistent(m, place);
	if (err != DK_OK) {
		log_fail(err == DK_ERR_WRITE ? m->output : url, err, place);
		return false;
	}
	if (!log_copy_finish(&m->copy, &m->cp, m->text, m->len))
		return false;
	message_note("%" PRIu64 " entries, %" PRIu64 " of them new", m->cp.size,
	    m->cp.size - (m->has_old ? m->old.size : 0));
	return true;
}

static bool
mirror_from(struct mirror *m, const char *url, struct dk_log_source *remote)
{
	struct dk_quorum_seen seen;
	bool ok;

	if (!log_checkpoint_read(remote, url, m->text, &m->len) ||
	    !log_trust_check(&m->trust, url, m->text, m->len, &m->cp, &seen) ||
	    !log_copy_open(m->output, remote, &m->copy))
		return false;
	ok = copy_all(m, url);
	log_copy_close(&m->copy);
	return ok;
}

static int
run(struct mirror *m, int argc, char **argv)
{
	struct options options = {
		.command = "log mirror", .help = help, .short_options = "o:", .option = table
	};
	struct dk_log_source remote = { .close = NULL };
	bool ok;

	if (!options_all(&options, argc, argv, take, m))
		return options.status;
	if (argc - optind != 1 || !m->output)
		return usage_error("log mirror", "needs one URL, and -o");
	ok = log_place_open(&m->trust, argv[optind], &remote) &&
	    mirror_from(m, argv[optind], &remote);
	dk_log_source_close(&remote);
	return ok ? STATUS_OK : STATUS_FAILED;
}

int
cmd_log_mirror(int argc, char **argv)
{
	struct mirror *mirror = calloc(1, sizeof(*mirror));
	int status;

	if (!mirror) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return STATUS_FAILED;
	}
	status = run(mirror, argc, argv);
	log_trust_clear(&mirror->trust);
	free(mirror);
	return status;
}
