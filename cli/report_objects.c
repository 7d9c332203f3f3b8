/* SPDX-License-Identifier: Apache-2.0 */
/* The affected objects, a hundred to a page. */
#include <string.h>

#include "base/text.h"
#include "report_impl.h"

static void
put_object(struct report *r, const struct report_row *row)
{
	char hex[33];

	put(r, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">");
	if (row->places > 0)
		form(r, "<bdi class=\"place\">{0}</bdi>", row->place.s, NULL);
	else
		put(r,
		    pick(r, "<span class=\"m\">known from the log only</span>",
			"<span class=\"m\">nur aus dem Protokoll bekannt</span>"));
	if (row->gone)
		put(r,
		    pick(r, " <span class=\"m\">(no longer there)</span>",
			" <span class=\"m\">(nicht mehr dort)</span>"));
	if (row->places > 1)
		say(r, " <span class=\"m\">and {0} more</span>",
		    " <span class=\"m\">und {0} weitere</span>", number(r, row->places - 1).s,
		    NULL);
	dk_hex(row->object_id, sizeof(row->object_id), hex);
	form(r, "<code class=\"id\">{0}</code></th>", hex, NULL);
	put(r, "<td role=\"cell\">");
	if (row->label.s[0])
		form(r, "<bdi class=\"label\">{0}</bdi>", row->label.s, NULL);
	put(r, "</td><td role=\"cell\"><ul>");
	put_why(r, row);
	put(r, "</ul></td></tr>\n");
}

static void
put_page_of(struct report *r, enum report_list list, size_t first, size_t count)
{
	static const char *const why[REPORT_LISTS][2] = {
		{ "How it could have been read", "Wie es gelesen werden konnte" },
		{ "What is missing", "Was fehlt" },
		{ "Why it is here", "Warum es hier steht" },
	};
	const struct report_row *row = r->rows[list].row.at;

	say(r, "<details{0}><summary>{1} to {2}</summary>\n",
	    "<details{0}><summary>{1} bis {2}</summary>\n", first == 0 ? " open" : "",
	    number(r, first + 1).s, number(r, first + count).s, NULL);
	say(r,
	    "<table class=\"objects\" role=\"table\"><thead role=\"rowgroup\"><tr role=\"row\">"
	    "<th role=\"columnheader\" scope=\"col\">Object</th>"
	    "<th role=\"columnheader\" scope=\"col\">Label</th>"
	    "<th role=\"columnheader\" scope=\"col\">{0}</th></tr></thead>"
	    "<tbody role=\"rowgroup\">\n",
	    "<table class=\"objects\" role=\"table\"><thead role=\"rowgroup\"><tr role=\"row\">"
	    "<th role=\"columnheader\" scope=\"col\">Objekt</th>"
	    "<th role=\"columnheader\" scope=\"col\">Kennzeichnung</th>"
	    "<th role=\"columnheader\" scope=\"col\">{0}</th></tr></thead>"
	    "<tbody role=\"rowgroup\">\n",
	    pick(r, why[list][0], why[list][1]), NULL);
	for (size_t i = first; i < first + count; i++)
		put_object(r, &row[i]);
	put(r, "</tbody></table></details>\n");
}

static void
put_list(struct report *r, enum report_list list)
{
	static const char *const titles[REPORT_LISTS][2] = {
		{ "Possibly readable", "Möglicherweise lesbar" },
		{ "Unknown", "Ungeklärt" },
		{ "Not readable, but once released to a stolen device",
		    "Nicht lesbar, aber einmal an ein entwendetes Gerät herausgegeben" },
	};
	const struct report_rows *rows = &r->rows[list];

	if (rows->count == 0)
		return;
	form(r, "<h3 class=\"a{0}\">{1} <span class=\"n\">{2}</span></h3>\n",
	    list == REPORT_LIST_READABLE      ? "2"
		: list == REPORT_LIST_UNKNOWN ? "1"
					      : "0",
	    pick(r, titles[list][0], titles[list][1]), number(r, rows->count).s, NULL);
	for (size_t at = 0; at < rows->row.count; at += REPORT_PAGE_ROWS) {
		size_t left = rows->row.count - at;

		put_page_of(r, list, at, left < REPORT_PAGE_ROWS ? left : REPORT_PAGE_ROWS);
	}
	if (rows->count > rows->row.count)
		say(r,
		    "<p class=\"note\">The page shows the first {0} of {1}. The list beside it "
		    "(CSV) has all.</p>\n",
		    "<p class=\"note\">Die Seite zeigt die ersten {0} von {1}. Die beiliegende "
		    "Liste (CSV) enthält alle.</p>\n",
		    number(r, rows->row.count).s, number(r, rows->count).s, NULL);
}

/* What would make an answer of what is unknown. */
static void
put_missing(struct report *r, const struct assess_out *out)
{
	put(r,
	    pick(r,
		"<table class=\"missing\"><caption>What is missing, and what can be done about "
		"it</caption><thead><tr><th scope=\"col\">Missing<th scope=\"col\" class=\"r\">"
		"Objects<th scope=\"col\">What helps</tr></thead><tbody>\n",
		"<table class=\"missing\"><caption>Was fehlt, und was sich dagegen tun "
		"lässt</caption><thead><tr><th scope=\"col\">Fehlend<th scope=\"col\" "
		"class=\"r\">Objekte<th scope=\"col\">Was hilft</tr></thead><tbody>\n"));
	for (unsigned i = 0; i < 8; i++) {
		unsigned bit = 1U << i;

		if (out->totals.missing[i] > 0)
			form(r,
			    "<tr><th scope=\"row\">{0} <code>{1}</code><td class=\"r\">{2}"
			    "<td>{3}</tr>\n",
			    missing_title(r, bit), dk_exposure_missing_name(bit),
			    number(r, out->totals.missing[i]).s, missing_help(r, bit), NULL);
	}
	put(r, "</tbody></table>\n");
}

void
report_objects(struct report *r, const struct assess_out *out)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < REPORT_LISTS; i++)
		all += r->rows[i].count;
	put(r,
	    pick(r, "<section id=\"objects\"><h2>Affected objects</h2>\n",
		"<section id=\"objects\"><h2>Betroffene Objekte</h2>\n"));
	if (all == 0)
		put(r, pick(r, "<p>There is none.</p>\n", "<p>Es gibt keine.</p>\n"));
	else
		put(r,
		    pick(r,
			"<p>Each derivation is the shortest one; there can be others. The list "
			"beside this page, a CSV file, has all affected objects.</p>\n",
			"<p>Jede Herleitung ist die kürzeste; es kann weitere geben. Die Liste, "
			"die dieser Seite als CSV-Datei beiliegt, enthält alle betroffenen "
			"Objekte.</p>\n"));
	put_list(r, REPORT_LIST_READABLE);
	put_list(r, REPORT_LIST_UNKNOWN);
	if (r->rows[REPORT_LIST_UNKNOWN].count > 0)
		put_missing(r, out);
	put_list(r, REPORT_LIST_DEVICE);
	put(r, "</section>\n");
}
