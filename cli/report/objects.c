/* SPDX-License-Identifier: Apache-2.0 */
/* The affected objects, a hundred to a page. */
#include <string.h>

#include "base/text.h"
#include "cli/report/impl.h"

/* The last part of the path stands out, and a line breaks behind a slash. */
static void
put_place(struct report *r, const char *place)
{
	put(r, "<bdi class=\"place\"><span>");
	for (const char *slash = strchr(place, '/'); slash; slash = strchr(place, '/')) {
		struct report_shown part = { "" };

		memcpy(part.s, place, (size_t)(slash + 1 - place));
		form(r, "{0}<wbr>", part.s, NULL);
		place = slash + 1;
	}
	form(r, "</span>{0}</bdi>", place, NULL);
}

static void
put_object(struct report *r, const struct report_row *row)
{
	put(r, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">");
	if (row->places > 0)
		put_place(r, row->place.s);
	else if (row->catalogued)
		put(r,
		    pick(r, "<span class=\"m\">no place in the catalogue</span>",
			"<span class=\"m\">ohne Ort im Katalog</span>"));
	else if (row->document)
		put(r,
		    pick(r, "<span class=\"m\">document of Microsoft’s protocol</span>",
			"<span class=\"m\">Dokument aus Microsofts Protokoll</span>"));
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
	form(r, "<code class=\"id\">{0}</code></th>", row->id, NULL);
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
	put(r, "</tbody></table>\n");
}

/* One page needs no part that opens. */
static void
put_pages(struct report *r, enum report_list list)
{
	size_t all = r->rows[list].row.count;

	if (all <= REPORT_PAGE_ROWS) {
		put_page_of(r, list, 0, all);
		return;
	}
	for (size_t at = 0, count; at < all; at += count) {
		count = all - at < REPORT_PAGE_ROWS ? all - at : REPORT_PAGE_ROWS;
		say(r, "<details{0}><summary>{1} to {2}</summary>\n",
		    "<details{0}><summary>{1} bis {2}</summary>\n", at == 0 ? " open" : "",
		    number(r, at + 1).s, number(r, at + count).s, NULL);
		put_page_of(r, list, at, count);
		put(r, "</details>\n");
	}
}

/* What would make an answer of what is unknown. */
static void
put_missing(struct report *r, const struct assess_out *out)
{
	put(r,
	    pick(r,
		"<table class=\"missing\" role=\"table\"><caption>What is missing, and what can be "
		"done about it</caption><thead role=\"rowgroup\"><tr role=\"row\"><th "
		"role=\"columnheader\" scope=\"col\">Missing<th role=\"columnheader\" "
		"scope=\"col\" class=\"r\">Objects<th role=\"columnheader\" scope=\"col\">What "
		"helps</tr></thead><tbody role=\"rowgroup\">\n",
		"<table class=\"missing\" role=\"table\"><caption>Was fehlt, und was sich dagegen "
		"tun lässt</caption><thead role=\"rowgroup\"><tr role=\"row\"><th "
		"role=\"columnheader\" scope=\"col\">Fehlend<th role=\"columnheader\" "
		"scope=\"col\" class=\"r\">Objekte<th role=\"columnheader\" scope=\"col\">Was "
		"hilft</tr></thead><tbody role=\"rowgroup\">\n"));
	for (unsigned i = 0; i < 8; i++) {
		unsigned bit = 1U << i;

		if (out->totals.missing[i] == 0)
			continue;
		form(r,
		    "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">{0} <code>{1}</code>",
		    missing_title(r, bit), dk_exposure_missing_name(bit), NULL);
		put_where(r, bit);
		form(r,
		    "<td role=\"cell\" class=\"r\">{0}<span class=\"unit\"> {1}</span><td "
		    "role=\"cell\">{2}</tr>\n",
		    number(r, out->totals.missing[i]).s,
		    out->totals.missing[i] == 1 ? pick(r, "object", "Objekt")
						: pick(r, "objects", "Objekte"),
		    missing_help(r, bit), NULL);
	}
	put(r, "</tbody></table>\n");
}

static void
put_list(struct report *r, enum report_list list, const struct assess_out *out)
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
	if (list == REPORT_LIST_UNKNOWN)
		put_missing(r, out);
	put_pages(r, list);
	if (rows->count > rows->row.count)
		say(r,
		    "<p class=\"note\">The page shows the first {0} of {1}. The list beside it "
		    "(CSV) has all.</p>\n",
		    "<p class=\"note\">Die Seite zeigt die ersten {0} von {1}. Die beiliegende "
		    "Liste (CSV) enthält alle.</p>\n",
		    number(r, rows->row.count).s, number(r, rows->count).s, NULL);
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
	for (unsigned i = 0; i < REPORT_LISTS; i++)
		put_list(r, (enum report_list)i, out);
	put(r, "</section>\n");
}
