/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/objects/batch.h"
#include "cli/command/command.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/scan/keys.h"
#include "cli/scan/walk.h"

#define TOLD_PROBLEMS 20
#define BUCKET_JOBS 32

enum { KEYS = OPTION_OWN, PROBLEMS };

static const char help[] =
    "usage: doublekey scan [OPTION...] -o CATALOGUE FOLDER|s3://BUCKET/PREFIX...\n"
    "       doublekey scan [--keys] [--problems] -o CATALOGUE\n"
    "\n"
    "Read the header of each object below the folders, or in a bucket whose keys begin with\n"
    "PREFIX, no body, and write what it says to a catalogue: the objects, where they are, and\n"
    "the keys to which their shares were ever wrapped. This needs no key. A later scan reads only "
    "what changed, and forgets no\n"
    "stanza that it has seen. A scan that was stopped goes on when it is asked for again.\n"
    "\n"
    "Symbolic links are not followed. Files that are no objects are left alone. A header\n"
    "that cannot be read is recorded with its error, and the exit status is 1 at the end.\n"
    "Credentials, region and endpoint of a bucket are those of AWS's own tools.\n"
    "\n"
    "  -o, --output CATALOGUE  made if it is not there\n"
    "      --keys              print the keys, with their versions, and how many objects\n"
    "                          they open\n"
    "      --problems          tell all places that could not be read, not only 20\n"
    "  -j, --jobs N            threads that read (default: two for each processor; 32 in a\n"
    "                          bucket)\n"
    "  -q, --quiet             errors only\n"
    "  -h, --help              this text\n";

struct scan {
	const char *catalogue;
	bool keys;
	bool problems;
	unsigned jobs; /* 0: the default */
};

/* DK_ERR_READ and DK_ERR_WRITE speak of the catalogue, by errno. */
static int
fail(const char *name, dk_err err)
{
	message_err(name, err, NULL);
	return STATUS_FAILED;
}

static unsigned
default_jobs(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus > 0 && cpus < BATCH_JOBS_MAX / 2 ? 2 * (unsigned)cpus : BATCH_JOBS_MAX;
}

static bool
is_bucket(const char *root)
{
	return strncmp(root, "s3://", 5) == 0;
}

static dk_err
scan_place(const struct scan *scan, struct dk_catalogue_writer *writer, const char *root,
    struct progress_part *progress, uint64_t *missed)
{
	struct dk_catalogue_counts before, after;
	struct scan_counts counts = { .unchanged = 0 };
	dk_err err;

	dk_catalogue_counted(writer, &before);
	if (is_bucket(root))
		err = scan_bucket(
		    writer, root, scan->jobs > 0 ? scan->jobs : BUCKET_JOBS, progress, &counts);
	else
		err = scan_walk(
		    writer, root, scan->jobs > 0 ? scan->jobs : default_jobs(), progress, &counts);
	if (err != DK_OK)
		return err;
	dk_catalogue_counted(writer, &after);
	message_note("%s: %" PRIu64 " %s read, %" PRIu64 " unchanged, %" PRIu64 " gone; %" PRIu64
		     " new objects, %" PRIu64 " with new keys; %" PRIu64 " problems",
	    root, counts.read, is_bucket(root) ? "places" : "files", counts.unchanged, counts.gone,
	    after.objects - before.objects, after.rewrapped - before.rewrapped, counts.missed);
	*missed += counts.missed;
	return DK_OK;
}

/* One root that is not there does not keep the others from being scanned. */
static int
scan_all(const struct scan *scan, char **roots, int count, uint64_t *missed)
{
	struct dk_catalogue_writer *writer = NULL;
	struct progress_part progress = { .done = 0 };
	int status = STATUS_OK;
	bool of_root;
	dk_err err = dk_catalogue_writer_open(scan->catalogue, &writer);

	if (err != DK_OK)
		return fail(scan->catalogue, err);
	progress_start_count("files");
	for (int i = 0; i < count; i++) {
		err = scan_place(scan, writer, roots[i], &progress, missed);
		if (err == DK_OK)
			continue;
		of_root = err == DK_ERR_READ || dk_err_category(err) == DK_CAT_PROVIDER ||
		    (is_bucket(roots[i]) && err == DK_ERR_LIBRARY);
		status = fail(of_root ? roots[i] : scan->catalogue, err);
		if (!of_root)
			break;
	}
	progress_end();
	dk_catalogue_writer_close(writer);
	return status;
}

static int
show(const struct scan *scan, bool problems)
{
	struct dk_catalogue *cat = NULL;
	dk_err err = dk_catalogue_open(scan->catalogue, &cat);

	if (err == DK_OK && problems)
		err = scan_problems_tell(cat, scan->problems ? UINT64_MAX : TOLD_PROBLEMS);
	if (err == DK_OK && scan->keys)
		err = scan_keys_print(cat, stdout);
	dk_catalogue_close(cat);
	if (err != DK_OK)
		return fail(scan->catalogue, err);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return STATUS_OK;
	if (errno != EPIPE)
		message_err("standard output", DK_ERR_WRITE, NULL);
	return STATUS_FAILED;
}

static int
take(void *ctx, int code)
{
	struct scan *scan = ctx;
	uint64_t number;

	switch (code) {
	case 'o':
		scan->catalogue = optarg;
		break;
	case 'j':
		if (!options_number(optarg, 1, BATCH_JOBS_MAX, &number))
			return usage_error(
			    "scan", "--jobs is a number from 1 to %d", BATCH_JOBS_MAX);
		scan->jobs = (unsigned)number;
		break;
	case KEYS:
		scan->keys = true;
		break;
	case PROBLEMS:
		scan->problems = true;
		break;
	default:
		break;
	}
	return STATUS_OK;
}

int
cmd_scan(int argc, char **argv)
{
	static const struct option table[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "keys", no_argument, NULL, KEYS },
		{ "problems", no_argument, NULL, PROBLEMS },
		{ "jobs", required_argument, NULL, 'j' },
		OPTIONS_COMMON,
	};
	struct options options = {
		.command = "scan", .help = help, .short_options = "o:j:", .option = table
	};
	struct scan scan = { .jobs = 0 };
	uint64_t missed = 0;
	int status = STATUS_OK;
	int shown;

	if (!options_all(&options, argc, argv, take, &scan))
		return options.status;
	if (!scan.catalogue)
		return usage_error("scan", "-o names the catalogue");
	if (optind == argc && !scan.keys && !scan.problems)
		return usage_error("scan", "no FOLDER or s3://BUCKET/PREFIX given");
	if (optind < argc)
		status = scan_all(&scan, argv + optind, argc - optind, &missed);
	if (optind < argc && missed == 0 && !scan.keys && !scan.problems)
		return status;
	shown = show(&scan, missed > 0 || scan.problems);
	return status != STATUS_OK || missed > 0 ? STATUS_FAILED : shown;
}
