/* SPDX-License-Identifier: Apache-2.0 */
/* Objects counted by label, user, key and day. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/report/impl.h"

struct total {
	const char *name;
	const uint64_t *count;
};

/* The largest ones: sorted, and no more than the page shows. */
struct totals {
	size_t kept;
	uint64_t all;
	struct total row[REPORT_TOTAL_ROWS];
};

/* Most readable objects first, then most unknown ones, then by name. */
static int
order(const struct total *a, const struct total *b)
{
	for (unsigned i = 3; i-- > 0;)
		if (a->count[i] != b->count[i])
			return a->count[i] > b->count[i] ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void
keep_largest(void *ctx, const char *name, const uint64_t count[3])
{
	struct totals *totals = ctx;
	struct total one = { .name = name, .count = count };
	size_t at = totals->kept;

	totals->all++;
	while (at > 0 && order(&one, &totals->row[at - 1]) < 0)
		at--;
	if (at == REPORT_TOTAL_ROWS)
		return;
	if (totals->kept < REPORT_TOTAL_ROWS)
		totals->kept++;
	memmove(&totals->row[at + 1], &totals->row[at],
	    (totals->kept - at - 1) * sizeof(totals->row[0]));
	totals->row[at] = one;
}

/* Days stay in their order; there is one line for each day with a release at most. */
static void
keep_first(void *ctx, const char *name, const uint64_t count[3])
{
	struct totals *totals = ctx;

	totals->all++;
	if (totals->kept < REPORT_TOTAL_ROWS)
		totals->row[totals->kept++] = (struct total){ .name = name, .count = count };
}

typedef void (*put_name_fn)(struct report *r, const char *name);

static void
put_label(struct report *r, const char *name)
{
	if (name[0])
		form(r, "<bdi>{0}</bdi>", shown_string(name).s, NULL);
	else
		put(r,
		    pick(r, "<span class=\"m\">without a label</span>",
			"<span class=\"m\">ohne Kennzeichnung</span>"));
}

static void
put_key(struct report *r, const char *name)
{
	uint8_t id[32];

	if (dk_unhex(name, id, sizeof(id)))
		form(r, "<bdi>{0}</bdi> <code class=\"id\">{1}</code>", key_name(r, id).s, name,
		    NULL);
}

static void
put_user(struct report *r, const char *name)
{
	if (name[0])
		form(r, "<bdi>{0}</bdi>", shown_string(name).s, NULL);
	else
		put(r,
		    pick(
			r, "<span class=\"m\">erased</span>", "<span class=\"m\">gelöscht</span>"));
}

static void
put_day(struct report *r, const char *name)
{
	uint64_t seconds;

	if (incident_time_parse(name, false, &seconds))
		put_text(r, day(r, seconds).s);
}

static void
put_row(struct report *r, const struct total *total, put_name_fn name, bool readable_only)
{
	put(r, "<tr><th scope=\"row\">");
	name(r, total->name);
	for (unsigned i = 3; i-- > 0;)
		if (i == DK_READABLE || !readable_only)
			form(r, "<td class=\"r\">{0}", number(r, total->count[i]).s, NULL);
	put(r, "</tr>\n");
}

static void
put_table(struct report *r, const char *title, struct assess_tally *tally, put_name_fn name,
    bool readable_only)
{
	struct totals totals = { .kept = 0 };

	assess_tally_each(tally, readable_only ? keep_first : keep_largest, &totals);
	if (totals.all == 0)
		return;
	form(r,
	    "<table class=\"totals\"><caption>{0}</caption><thead><tr><td></td><th scope=\"col\" "
	    "class=\"r\">{1}",
	    title, pick(r, "readable", "lesbar"), NULL);
	if (!readable_only)
		put(r,
		    pick(r,
			"<th scope=\"col\" class=\"r\">unknown<th scope=\"col\" class=\"r\">not "
			"readable",
			"<th scope=\"col\" class=\"r\">ungeklärt<th scope=\"col\" "
			"class=\"r\">nicht lesbar"));
	put(r, "</tr></thead><tbody>\n");
	for (size_t i = 0; i < totals.kept; i++)
		put_row(r, &totals.row[i], name, readable_only);
	put(r, "</tbody></table>\n");
	if (totals.all > totals.kept)
		say(r, "<p class=\"note\">{0} of {1} rows are shown.</p>\n",
		    "<p class=\"note\">{0} von {1} Zeilen sind gezeigt.</p>\n",
		    number(r, totals.kept).s, number(r, totals.all).s, NULL);
}

void
report_totals(struct report *r, struct assess_out *out)
{
	put(r,
	    pick(r, "<section id=\"totals\"><h2>Totals</h2>\n",
		"<section id=\"totals\"><h2>Summen</h2>\n"));
	put_table(
	    r, pick(r, "By label", "Nach Kennzeichnung"), &out->totals.label, put_label, false);
	put_table(r, pick(r, "By customer key", "Nach Kundenschlüssel"), &out->totals.key, put_key,
	    false);
	put_table(r,
	    pick(r, "By person whose request made them readable",
		"Nach der Person, durch deren Anfrage sie lesbar wurden"),
	    &out->totals.user, put_user, true);
	put_table(r,
	    pick(r, "By day of the release that made them readable",
		"Nach dem Tag der Herausgabe, durch die sie lesbar wurden"),
	    &out->totals.day, put_day, true);
	put(r, "</section>\n");
}
