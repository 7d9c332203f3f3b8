/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/base64.h"
#include "crypto/hash.h"
#include "cli/console/message.h"
#include "cli/report/impl.h"

#define PAGE_SUFFIX ".html"
#define LIST_SUFFIX ".csv"
#define TEXT_BYTES (4 * DK_CATALOGUE_PATH_MAX_BYTES + 8)

/* ---- two files ---- */

bool
report_path_valid(const char *path)
{
	return !output_is_stdout(path) && strlen(path) + sizeof(LIST_SUFFIX) < PATH_MAX;
}

static void
list_path(const char *path, char ret[PATH_MAX])
{
	size_t len = strlen(path), suffix = strlen(PAGE_SUFFIX);

	if (len > suffix && strcmp(path + len - suffix, PAGE_SUFFIX) == 0)
		len -= suffix;
	(void)snprintf(ret, PATH_MAX, "%.*s%s", (int)len, path, LIST_SUFFIX);
}

static bool
open_both(struct report *r, const char *path, bool force)
{
	char list[PATH_MAX];

	r->page = output_stream_open(path, force, &r->output[0]);
	if (r->page && output_is_stream(r->output[0])) {
		message_fail(path, "this is no regular file, and a list goes beside it");
		return false;
	}
	list_path(path, list);
	r->list = r->page ? output_stream_open(list, force, &r->output[1]) : NULL;
	return r->list != NULL;
}

bool
report_open(const char *path, bool force, enum report_language language, struct report **ret)
{
	struct report *r = calloc(1, sizeof(*r));

	if (r) {
		r->language = language;
		r->text = malloc(TEXT_BYTES);
	}
	if (!r || !r->text)
		message_err(path, DK_ERR_NOMEM, NULL);
	if (!r || !r->text || !open_both(r, path, force)) {
		report_abandon(r);
		return false;
	}
	*ret = r;
	return true;
}

bool
report_begin(struct report *r, const struct assess *assess)
{
	r->assess = assess;
	r->used = calloc(assess->entry.count / 8 + 1, 1);
	if (!r->used) {
		message_err(output_name(r->output[0]), DK_ERR_NOMEM, NULL);
		return false;
	}
	report_list_head(r->list);
	return true;
}

void
report_abandon(struct report *r)
{
	if (!r)
		return;
	if (r->page)
		(void)fclose(r->page);
	if (r->list)
		(void)fclose(r->list);
	output_abandon(r->output[1]);
	output_abandon(r->output[0]);
	for (unsigned i = 0; i < REPORT_LISTS; i++)
		free(r->rows[i].row.at);
	free(r->used);
	free(r->text);
	free(r);
}

/* ---- objects ---- */

struct first_place {
	struct report *report;
	struct report_row *row;
};

static int
on_place(void *ctx, const struct dk_catalogue_location *location)
{
	struct first_place *first = ctx;
	const char *path = (const char *)location->path;

	if (first->row->places++ > 0)
		return 0;
	first->row->gone = location->until != 0;
	first->row->place = shown(path, location->path_len);
	(void)dk_text_show(path, location->path_len, "", first->report->text, TEXT_BYTES);
	return 0;
}

/* The lists do not overlap. */
static enum report_list
list_of(const struct dk_exposure_verdict *v)
{
	if (v->answer == DK_READABLE)
		return REPORT_LIST_READABLE;
	if (v->answer == DK_UNKNOWN)
		return REPORT_LIST_UNKNOWN;
	return v->on_device ? REPORT_LIST_DEVICE : REPORT_LISTS;
}

static bool
keep(struct report *r, enum report_list list, const struct report_row *row)
{
	struct report_rows *rows = &r->rows[list];
	size_t room = list == REPORT_LIST_READABLE ? REPORT_READABLE_ROWS : REPORT_OTHER_ROWS;
	struct report_row *more;

	rows->count++;
	if (rows->row.count == room)
		return true;
	more = array_add(&rows->row, sizeof(*more));
	if (more)
		*more = *row;
	return more != NULL;
}

dk_err
report_object(struct report *r, const struct assess_found *found)
{
	const struct dk_catalogue_object *object = found->row;
	const struct dk_exposure_verdict *v = found->verdict;
	struct report_row row = {
		.catalogued = object != NULL, .document = found->object->document, .verdict = *v
	};
	struct first_place first = { .report = r, .row = &row };
	const char *label = found->label ? found->label : "";
	enum report_list list = list_of(v);
	dk_err err = DK_OK;

	r->documents |= row.document;
	r->cleared += v->answer == DK_NOT_READABLE && v->online;
	if (v->answer == DK_READABLE && v->customer_rule != DK_RULE_UNWRAP)
		r->used[v->entry / 8] |= (uint8_t)(1U << v->entry % 8);
	if (list == REPORT_LISTS)
		return DK_OK;
	r->text[0] = '\0';
	if (object)
		err = dk_catalogue_locations(r->assess->catalogue, object->id, on_place, &first);
	if (err != DK_OK)
		return err;
	report_list_row(r, found->id, label, row.places, v);
	(void)snprintf(row.id, sizeof(row.id), "%s", found->id);
	row.label = shown_string(label);
	return keep(r, list, &row) ? DK_OK : DK_ERR_NOMEM;
}

/* ---- the page ---- */

static bool
put_head(struct report *r)
{
	struct dk_part part = { .data = report_style, .len = strlen(report_style) };
	char hash[DK_BASE64_CHARS(DK_SHA256_BYTES) + 1];
	uint8_t digest[DK_SHA256_BYTES];

	if (dk_sha256(&part, 1, digest) != DK_OK ||
	    dk_base64_encode(digest, sizeof(digest), hash, sizeof(hash)) != DK_OK)
		return false;
	(void)fprintf(r->page,
	    "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	    "'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n"
	    "<meta name=\"referrer\" content=\"no-referrer\">\n"
	    "<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n",
	    pick(r, "en", "de"), hash,
	    pick(r, "Exposure assessment: what could have been read?",
		"Sicherheitsvorfall: Was konnte gelesen werden?"),
	    report_style);
	return true;
}

static dk_err
put_page(struct report *r, struct assess_out *out, const struct assess_inputs *inputs)
{
	dk_err err;

	if (!put_head(r))
		return DK_ERR_NOMEM;
	report_summary(r, out);
	put(r, "<main>\n");
	report_timeline(r);
	report_objects(r, out);
	report_totals(r, out);
	report_method(r);
	err = report_limits(r);
	if (err != DK_OK)
		return err;
	report_recompute(r, inputs);
	put(r, "</main>\n</body>\n</html>\n");
	return DK_OK;
}

bool
report_finish(struct report *r, struct assess_out *out, const struct assess_inputs *inputs)
{
	bool ok;
	dk_err err;

	r->exposure = out->exposure;
	err = put_page(r, out, inputs);
	ok = err == DK_OK;
	if (!ok)
		message_err(output_name(r->output[0]), err, NULL);
	ok = ok && output_stream_close(&r->page, r->output[0]) &&
	    output_stream_close(&r->list, r->output[1]) && output_commit_all(r->output, 2);
	report_abandon(r);
	return ok;
}
