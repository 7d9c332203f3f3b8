/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/assess/out.h"
#include "base/text.h"
#include "cli/command/command.h"
#include "crypto/hash.h"
#include "log/verify.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/files/output.h"
#include "cli/console/progress.h"
#include "cli/report/report.h"

static const char help[] =
    "usage: doublekey assess [OPTION...] --incident FILE --catalogue FILE\n"
    "                        --log DIR|URL --records FILE\n"
    "\n"
    "Which objects could have been read after a theft? Verifies the whole log first, then\n"
    "applies the rules of spec/exposure.md to each object of the catalogue and the log:\n"
    "readable, not-readable, or unknown, with the evidence that is missing.\n"
    "\n"
    "      --incident FILE   what was stolen, and when; 'doublekey incident new' writes it\n"
    "      --catalogue FILE  of 'doublekey scan'\n"
    "      --log DIR|URL     the log, as it is served or a copy of it\n"
    "      --records FILE    its private records\n" LOG_TRUST_HELP
    "      --service-policy FILE|DIR   a policy.conf that was in force, or the folder 'policies'\n"
    "                        of the service: what it withheld is not readable without the log\n"
    "                        either; may be repeated\n"
    "      --list WHICH      a line for each object that is readable, unknown, or all\n"
    "      --explain OBJECT  all of one object, by its id, or of a document of Microsoft's\n"
    "                        protocol, by its SHA-256: sets, releases, rules\n"
    "      --json OUT        all objects and totals, as JSON\n"
    "      --html OUT        a report for people, and beside it the affected objects as CSV\n"
    "      --lang en|de      language of the report; default: en\n"
    "  -f, --force           replace OUT\n"
    "  -q, --quiet           errors and the result only\n"
    "  -h, --help            this text\n";

enum {
	INCIDENT = OPTION_OWN,
	CATALOGUE,
	LOG,
	RECORDS,
	LIST,
	EXPLAIN,
	JSON,
	HTML,
	LANG,
	SERVICE_POLICY,
};

static const struct option table[] = {
	{ "incident", required_argument, NULL, INCIDENT },
	{ "catalogue", required_argument, NULL, CATALOGUE },
	{ "log", required_argument, NULL, LOG },
	{ "records", required_argument, NULL, RECORDS },
	LOG_TRUST_OPTIONS,
	{ "service-policy", required_argument, NULL, SERVICE_POLICY },
	{ "list", required_argument, NULL, LIST },
	{ "explain", required_argument, NULL, EXPLAIN },
	{ "json", required_argument, NULL, JSON },
	{ "html", required_argument, NULL, HTML },
	{ "lang", required_argument, NULL, LANG },
	{ "force", no_argument, NULL, 'f' },
	OPTIONS_COMMON,
};

struct run {
	struct log_trust trust;
	struct option_list policies;
	const char *incident_file, *catalogue_file, *log, *records_file, *json_file, *html_file;
	enum report_language language;
	bool force;
	char explain[65];
	struct assess_inputs inputs;
	struct incident incident;
	struct assess assess;
	struct assess_out out;
	struct json json;
	struct output *json_output; /* NULL: not open */
	struct progress_part part;
};

static int
take_list(struct run *run, const char *text)
{
	static const char *const names[] = {
		[ASSESS_READABLE] = "readable", [ASSESS_UNKNOWN] = "unknown", [ASSESS_ALL] = "all"
	};

	for (unsigned i = ASSESS_READABLE; i <= ASSESS_ALL; i++) {
		if (strcmp(names[i], text) == 0) {
			run->out.list = (enum assess_list)i;
			return STATUS_OK;
		}
	}
	return usage_error("assess", "--list is readable, unknown or all");
}

static int
take_language(struct run *run, const char *text)
{
	if (strcmp(text, "en") != 0 && strcmp(text, "de") != 0)
		return usage_error("assess", "--lang is en or de");
	run->language = text[0] == 'd' ? REPORT_GERMAN : REPORT_ENGLISH;
	return STATUS_OK;
}

static int
take_explain(struct run *run, const char *text)
{
	uint8_t id[32];
	size_t len = strlen(text) == 64 ? 32 : 16;

	if (!dk_unhex(text, id, len))
		return usage_error("assess",
		    "--explain takes an object id, 32 hex digits, or the SHA-256 of a document, "
		    "64");
	dk_hex(id, len, run->explain);
	run->out.explain = run->explain;
	return STATUS_OK;
}

static int
take(void *ctx, int code)
{
	struct run *run = ctx;
	const char **files[] = { &run->incident_file, &run->catalogue_file, &run->log,
		&run->records_file };
	int status = log_trust_take(&run->trust, code);

	if (status >= 0)
		return status;
	if (code >= INCIDENT && code <= RECORDS)
		*files[code - INCIDENT] = optarg;
	else if (code == SERVICE_POLICY)
		return option_list_add(&run->policies, optarg) ? STATUS_OK : STATUS_FAILED;
	else if (code == LIST)
		return take_list(run, optarg);
	else if (code == JSON)
		run->json_file = optarg;
	else if (code == HTML)
		run->html_file = optarg;
	else if (code == LANG)
		return take_language(run, optarg);
	else if (code == 'f')
		run->force = true;
	else
		return take_explain(run, optarg);
	return STATUS_OK;
}

/* What is told already is DK_ERR_CANCELLED. */
static bool
fail(const char *name, dk_err err)
{
	if (err != DK_OK && err != DK_ERR_CANCELLED)
		message_err(name, err, NULL);
	return err == DK_OK;
}

/* ---- the log ---- */

static void
on_entries(void *ctx, uint64_t n, size_t bytes)
{
	(void)n;
	progress_part_add(&((struct run *)ctx)->part, bytes);
}

static dk_err
on_entry(
    void *ctx, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], const struct dk_log_event *event)
{
	return assess_read_entry(&((struct run *)ctx)->assess, index, leaf, event);
}

static bool
verify(struct run *run, struct dk_log_source *source, const struct log_points *points)
{
	struct dk_records records;
	struct dk_log_verify v = { .source = source,
		.points = points->point,
		.point_count = points->count,
		.records = &records,
		.on_entries = on_entries,
		.on_entry = on_entry,
		.ctx = run };
	dk_err err = dk_records_init(&records, run->inputs.records.fd);

	if (err == DK_OK) {
		progress_start(run->inputs.log.size * (2 + DK_LEAF_BYTES + DK_HASH_BYTES));
		err = dk_log_verify(&v);
		progress_end();
		if (err != DK_OK)
			log_fail(strncmp(v.place, "record ", 7) == 0 ? run->records_file : run->log,
			    err, v.place);
		run->inputs.record_count = v.record_count;
		dk_records_clear(&records);
	} else {
		message_err(run->records_file, err, NULL);
	}
	return err == DK_OK;
}

static bool
read_source(struct run *run, struct dk_log_source *source)
{
	static char text[DK_NOTE_MAX_BYTES];
	struct log_points points = { .count = 0 };
	struct dk_quorum_seen seen;
	size_t len;
	bool ok;

	if (!log_checkpoint_read(source, run->log, text, &len) ||
	    !log_trust_check(&run->trust, run->log, text, len, &run->inputs.log, &seen))
		return false;
	if (!log_points_load(&run->trust, log_place_is_url(run->log) ? NULL : run->log,
		&run->inputs.log, &seen, &points))
		return false;
	/* It is the first line of a note that holds. */
	(void)snprintf(
	    run->inputs.origin, sizeof(run->inputs.origin), "%.*s", (int)strcspn(text, "\n"), text);
	run->inputs.witnessed = points.time_count > 0;
	ok = verify(run, source, &points) && fail(run->log, assess_times(&run->assess, &points));
	log_points_clear(&points);
	return ok;
}

static bool
read_log(struct run *run)
{
	struct dk_log_source source = { .close = NULL };
	bool ok;

	if (!log_place_open(&run->trust, run->log, &source))
		return false;
	ok = read_source(run, &source);
	dk_log_source_close(&source);
	return ok;
}

/* ---- output ---- */

/* Before anything is read: what cannot be written is told then, not behind the computation. */
static bool
open_outputs(struct run *run)
{
	if (run->html_file &&
	    !report_open(run->html_file, run->force, run->language, &run->out.report))
		return false;
	if (!run->json_file)
		return true;
	run->json.out = output_stream_open(run->json_file, run->force, &run->json_output);
	run->out.json = run->json.out ? &run->json : NULL;
	return run->out.json != NULL;
}

static bool
judge_json(struct run *run, struct dk_exposure *x)
{
	struct json *j = &run->json;
	bool ok;

	json_open(j, NULL, '{');
	assess_inputs_json(&run->inputs, j);
	json_open(j, "objects", '[');
	ok = fail(run->catalogue_file, assess_judge(&run->out, x));
	json_close(j, ']');
	if (ok)
		ok = fail(NULL, assess_totals_json(&run->out) ? DK_OK : DK_ERR_NOMEM);
	json_close(j, '}');
	(void)fputc('\n', j->out);
	ok = output_stream_close(&j->out, run->json_output) && ok;
	if (!ok)
		return false;
	ok = output_commit(run->json_output);
	run->json_output = NULL;
	return ok;
}

/* Behind the last object. */
static bool
finish(const struct run *run)
{
	/* JSON on standard output stands alone. */
	if (!run->json_file || !output_is_stdout(run->json_file)) {
		assess_totals_text(&run->out);
		assess_inputs_text(&run->inputs);
	}
	if (run->out.explain && !run->out.explained) {
		message_fail(NULL, "no object has the id that --explain names");
		return false;
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	if (errno != EPIPE)
		message_err("standard output", DK_ERR_WRITE, NULL);
	return false;
}

static bool
judge_all(struct run *run, struct dk_exposure *x)
{
	struct report *report = run->out.report;
	bool ok = !report || report_begin(report, &run->assess);

	if (ok)
		ok = run->json_file ? judge_json(run, x)
				    : fail(run->catalogue_file, assess_judge(&run->out, x));
	if (ok && report) {
		run->out.report = NULL;
		ok = report_finish(report, &run->out, &run->inputs);
	}
	return ok;
}

static bool
assess(struct run *run)
{
	struct dk_exposure *x = NULL;
	bool ok;

	if (!open_outputs(run) ||
	    !assess_inputs_begin(&run->inputs, run->catalogue_file, run->records_file) ||
	    !fail(run->catalogue_file,
		dk_catalogue_open(run->catalogue_file, &run->assess.catalogue)) ||
	    !fail(run->catalogue_file, assess_inputs_scans(&run->inputs, run->assess.catalogue)) ||
	    !fail(run->catalogue_file, assess_read_catalogue(&run->assess)) || !read_log(run) ||
	    !fail(run->incident_file, assess_number(&run->assess)) ||
	    !fail(run->log, assess_feed(&run->assess, &x)))
		return false;
	ok = assess_policies_read(&run->assess, x, &run->policies) &&
	    assess_inputs_end(&run->inputs) && judge_all(run, x) && finish(run);
	dk_exposure_free(x);
	return ok;
}

/* What was not finished goes away. */
static void
drop_outputs(struct run *run)
{
	report_abandon(run->out.report);
	if (run->json.out)
		(void)fclose(run->json.out);
	output_abandon(run->json_output);
}

static bool
load_incident(struct run *run)
{
	struct dk_part part;
	uint8_t *text;
	dk_err err;

	if (!incident_load(run->incident_file, &run->incident, &text, &part.len))
		return false;
	part.data = text;
	err = dk_sha256(&part, 1, run->inputs.incident);
	free(text);
	run->assess.incident = &run->incident;
	run->assess.shown = run->incident_file;
	run->out.assess = run->inputs.assess = &run->assess;
	return fail(run->incident_file, err);
}

int
cmd_assess(int argc, char **argv)
{
	static struct run run;
	struct options options = {
		.command = "assess", .help = help, .short_options = "f", .option = table
	};
	bool ok;

	if (!options_all(&options, argc, argv, take, &run)) {
		log_trust_clear(&run.trust);
		option_list_clear(&run.policies);
		return options.status;
	}
	if (argc != optind || !run.incident_file || !run.catalogue_file || !run.log ||
	    !run.records_file)
		return usage_error("assess", "needs --incident, --catalogue, --log and --records");
	if (run.json_file && output_is_stdout(run.json_file) &&
	    (run.out.list != ASSESS_NONE || run.out.explain))
		return usage_error(
		    "assess", "--list and --explain go with --json into a file only");
	if (run.html_file ? !report_path_valid(run.html_file) : run.language != REPORT_ENGLISH)
		return usage_error("assess",
		    "--html needs the name of a file, since a list goes beside it; --lang needs "
		    "--html");
	ok = load_incident(&run) && assess(&run);
	drop_outputs(&run);
	dk_catalogue_close(run.assess.catalogue);
	assess_inputs_close(&run.inputs);
	assess_out_clear(&run.out);
	assess_clear(&run.assess);
	incident_clear(&run.incident);
	log_trust_clear(&run.trust);
	option_list_clear(&run.policies);
	return ok ? STATUS_OK : STATUS_FAILED;
}
