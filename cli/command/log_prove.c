/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/files/bytes.h"
#include "cli/command/command.h"
#include "log/proof.h"
#include "log/record.h"
#include "cli/log/trust.h"
#include "cli/console/message.h"

static const char help[] =
    "usage: doublekey log prove [OPTION...] INDEX DIR|URL -o FILE\n"
    "\n"
    "Writes a proof that entry INDEX, counted from 0, stands in the log: a C2SP tlog-proof\n"
    "with the checkpoint and the entry, which 'doublekey log verify FILE' and others check\n"
    "offline.\n"
    "\n" LOG_TRUST_HELP "  -o, --output FILE    INDEX.tlog-proof is usual; '-': standard output\n"
    "  -f, --force          replace an existing file\n"
    "  -q, --quiet          errors only\n"
    "  -h, --help           this text\n";

static const struct option table[] = {
	LOG_TRUST_OPTIONS,
	{ "output", required_argument, NULL, 'o' },
	{ "force", no_argument, NULL, 'f' },
	OPTIONS_COMMON,
};

struct prove {
	struct log_trust trust;
	const char *output;
	bool force;
	char checkpoint[DK_NOTE_MAX_BYTES];
	struct dk_log_proof proof;
	struct dk_tiles tiles;
	uint8_t bundle[DK_BUNDLE_MAX_BYTES];
	char text[DK_LOG_PROOF_FILE_MAX_BYTES];
};

static int
take(void *ctx, int code)
{
	struct prove *prove = ctx;
	int status = log_trust_take(&prove->trust, code);

	if (status >= 0)
		return status;
	if (code == 'o')
		prove->output = optarg;
	else
		prove->force = true;
	return STATUS_OK;
}

/* The entry from its bundle; one that is too long for the extra data is left out. */
static dk_err
take_entry(struct prove *prove, const struct dk_log_source *source, uint64_t size,
    const uint8_t **ret_entry, size_t *ret_len)
{
	uint64_t index = prove->proof.index / DK_TILE_WIDTH;
	unsigned width = dk_tile_width(size, 0, index);
	struct dk_log_file file = { .data = prove->bundle, .cap = sizeof(prove->bundle) };
	size_t at = 0;
	dk_err err;

	dk_tile_path(DK_TILE_ENTRIES, index, width, file.path);
	err = source->read(source->ctx, &file, 1);
	if (err == DK_ERR_LOG_MISSING && width < DK_TILE_WIDTH) {
		dk_tile_path(DK_TILE_ENTRIES, index, DK_TILE_WIDTH, file.path);
		err = source->read(source->ctx, &file, 1);
	}
	for (uint64_t i = 0; err == DK_OK && i <= prove->proof.index % DK_TILE_WIDTH; i++)
		if (!dk_bundle_next(file.data, file.len, &at, ret_entry, ret_len))
			err = DK_ERR_LOG_FILE;
	if (err == DK_OK && *ret_len <= sizeof(prove->proof.extra)) {
		prove->proof.has_extra = true;
		prove->proof.extra_len = *ret_len;
		memcpy(prove->proof.extra, *ret_entry, *ret_len);
	}
	return err;
}

static dk_err
make(struct prove *prove, const struct dk_log_source *source, const struct dk_checkpoint *cp,
    size_t *ret_len)
{
	struct dk_tree_nodes nodes;
	const uint8_t *entry;
	size_t len;
	dk_err err;

	if (prove->proof.index >= cp->size)
		return DK_ERR_LOG_MISSING;
	dk_tiles_init(&prove->tiles, source, cp->size, &nodes);
	err = dk_tree_inclusion(
	    &nodes, prove->proof.index, cp->size, prove->proof.hashes, &prove->proof.hash_count);
	if (err == DK_OK)
		err = take_entry(prove, source, cp->size, &entry, &len);
	/* Nobody shall get a proof that does not hold. */
	if (err == DK_OK)
		err = dk_log_proof_check(&prove->proof, cp, entry, len);
	return err == DK_OK ? dk_log_proof_write(&prove->proof, prove->text, ret_len) : err;
}

static bool
prove_at(struct prove *prove, const char *place, const struct dk_log_source *source)
{
	struct dk_quorum_seen seen;
	struct dk_checkpoint cp;
	size_t len;
	dk_err err;

	if (!log_checkpoint_read(source, place, prove->checkpoint, &len) ||
	    !log_trust_check(&prove->trust, place, prove->checkpoint, len, &cp, &seen))
		return false;
	prove->proof.checkpoint = prove->checkpoint;
	prove->proof.checkpoint_len = len;
	err = make(prove, source, &cp, &len);
	if (err != DK_OK) {
		log_fail(place, err, NULL);
		return false;
	}
	return bytes_write(prove->output, prove->force, prove->text, len);
}

static int
run(struct prove *prove, int argc, char **argv)
{
	struct options options = {
		.command = "log prove", .help = help, .short_options = "o:f", .option = table
	};
	struct dk_log_source source = { .close = NULL };
	bool ok;

	if (!options_all(&options, argc, argv, take, prove))
		return options.status;
	if (argc - optind != 2 || !prove->output)
		return usage_error("log prove", "needs INDEX, DIR or URL, and -o");
	if (!options_number(argv[optind], 0, INT64_MAX, &prove->proof.index))
		return usage_error("log prove", "'%s' is no index", argv[optind]);
	ok = log_place_open(&prove->trust, argv[optind + 1], &source) &&
	    prove_at(prove, argv[optind + 1], &source);
	dk_log_source_close(&source);
	return ok ? STATUS_OK : STATUS_FAILED;
}

int
cmd_log_prove(int argc, char **argv)
{
	struct prove *prove = calloc(1, sizeof(*prove));
	int status;

	if (!prove) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return STATUS_FAILED;
	}
	status = run(prove, argc, argv);
	log_trust_clear(&prove->trust);
	free(prove);
	return status;
}
