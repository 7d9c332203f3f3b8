/* SPDX-License-Identifier: Apache-2.0 */
/* The first screen: the answer, and what it rests on. */
#include <string.h>

#include "cli/report/impl.h"

#define ITEMS_SHOWN 5

static void
put_others(struct report *r, uint64_t others)
{
	if (others == 1)
		put(r,
		    pick(r, "; the other one could not, under the assumptions of this report",
			"; das übrige konnte unter den Annahmen dieses Berichts nicht gelesen "
			"werden"));
	else if (others > 1)
		say(r, "; the other {0} could not, under the assumptions of this report",
		    "; die übrigen {0} konnten unter den Annahmen dieses Berichts nicht gelesen "
		    "werden",
		    number(r, others).s, NULL);
}

static void
put_none(struct report *r, uint64_t all, uint64_t unknown)
{
	if (unknown == 0) {
		say(r,
		    "None of the {0} objects could have been read, under the assumptions of this "
		    "report",
		    "Keines der {0} Objekte konnte unter den Annahmen dieses Berichts gelesen "
		    "werden",
		    number(r, all).s, NULL);
		return;
	}
	say(r,
	    "None of the {0} objects is shown to have been readable, but evidence is missing for "
	    "{1}",
	    "Für keines der {0} Objekte ergibt sich, dass es gelesen werden konnte; bei {1} fehlen "
	    "aber Nachweise",
	    number(r, all).s, number(r, unknown).s, NULL);
	put_others(r, all - unknown);
}

static void
put_answer(struct report *r, const struct assess_totals *t)
{
	uint64_t readable = t->answer[DK_READABLE], unknown = t->answer[DK_UNKNOWN];

	put(r, "<p class=\"lead\">");
	if (t->objects == 0) {
		put(r, pick(r, "There is no object to assess", "Es gibt kein Objekt zu bewerten"));
	} else if (readable == 0) {
		put_none(r, t->objects, unknown);
	} else {
		if (readable == t->objects)
			say(r,
			    readable == 1 ? "The only object could have been read"
					  : "All {0} objects could have been read",
			    readable == 1 ? "Das einzige Objekt könnte gelesen worden sein"
					  : "Alle {0} Objekte könnten gelesen worden sein",
			    number(r, readable).s, NULL);
		else
			say(r, "{0} of {1} objects could have been read",
			    readable == 1 ? "{0} von {1} Objekten könnte gelesen worden sein"
					  : "{0} von {1} Objekten könnten gelesen worden sein",
			    number(r, readable).s, number(r, t->objects).s, NULL);
		if (unknown > 0)
			say(r, "; for {0} this is open, since evidence is missing",
			    "; bei {0} ist das offen, weil Nachweise fehlen", number(r, unknown).s,
			    NULL);
		put_others(r, t->objects - readable - unknown);
	}
	put(r, ".</p>\n");
}

static void
put_tile(struct report *r, enum dk_exposure_answer answer, uint64_t n)
{
	static const char *const names[3][2] = {
		{ "not readable", "nicht lesbar" },
		{ "unknown", "ungeklärt" },
		{ "possibly readable", "möglicherweise lesbar" },
	};
	static const char *const classes[3] = { "a0", "a1", "a2" };

	form(r, "<li class=\"{0}\"><b>{1}</b> {2}</li>\n", n > 0 ? classes[answer] : "none",
	    number(r, n).s, pick(r, names[answer][0], names[answer][1]), NULL);
}

static void
put_window(struct report *r)
{
	const struct incident *incident = r->assess->incident;

	put(r,
	    pick(r, "<div><h2>What happened</h2>\n<dl><dt>Window<dd>",
		"<div><h2>Was geschah</h2>\n<dl><dt>Zeitfenster<dd>"));
	if (incident->from > 0)
		say(r, "{0} to {1}", "{0} bis {1}", when(r, incident->from).s,
		    when(r, incident->to).s, NULL);
	else
		say(r, "beginning unknown, end {0}", "Beginn unbekannt, Ende {0}",
		    when(r, incident->to).s, NULL);
	put(r, pick(r, "<dt>What was stolen<dd><ul>\n", "<dt>Was entwendet wurde<dd><ul>\n"));
	for (size_t i = 0; i < incident->item_count && i < ITEMS_SHOWN; i++) {
		put(r, "<li>");
		put_item(r, &incident->item[i]);
		put(r, "</li>\n");
	}
	if (incident->item_count > ITEMS_SHOWN)
		say(r, "<li><a href=\"#assumptions\">and {0} more</a></li>\n",
		    "<li><a href=\"#assumptions\">und {0} weitere</a></li>\n",
		    number(r, incident->item_count - ITEMS_SHOWN).s, NULL);
	put(r, "</ul></dl></div>\n");
}

/* The bar is drawn by attributes, since the policy allows no style in elements. */
static void
put_bar(struct report *r, const char *name, uint64_t n, uint64_t all, const char *class)
{
	uint64_t part = all > 0 ? n * 1000 / all : 0;
	char width[24];

	if (n > 0 && part < 4)
		part = 4;
	(void)snprintf(
	    width, sizeof(width), "%u.%u%%", (unsigned)(part / 10), (unsigned)(part % 10));
	form(r,
	    "<div><dt>{0}<dd><b>{1}</b><svg class=\"bar\" aria-hidden=\"true\"><rect "
	    "class=\"track\" width=\"100%\" height=\"100%\" rx=\"4\"/><rect class=\"{2}\" "
	    "width=\"{3}\" height=\"100%\" rx=\"4\"/></svg></div>\n",
	    name, number(r, n).s, class, width, NULL);
}

static void
put_worth(struct report *r, const struct assess_totals *t)
{
	uint64_t readable = t->answer[DK_READABLE];

	put(r,
	    pick(r, "<div><h2>What the log was worth</h2>\n",
		"<div><h2>Was das Protokoll wert war</h2>\n"));
	put(r, "<dl class=\"bars\">");
	put_bar(r, pick(r, "Readable without the log", "Lesbar ohne Protokoll"), t->online,
	    t->objects, "f1");
	put_bar(r, pick(r, "Readable with the log", "Lesbar mit Protokoll"), readable, t->objects,
	    "f2");
	if (t->answer[DK_UNKNOWN] > 0)
		put_bar(r, pick(r, "Unknown with the log", "Ungeklärt mit Protokoll"),
		    t->answer[DK_UNKNOWN], t->objects, "f3");
	put(r, "</dl>\n<p>");
	if (r->cleared > 0)
		say(r,
		    r->cleared == 1 ? "Without the log, {0} objects would have to count as "
				      "readable. Its records clear one of them."
				    : "Without the log, {0} objects would have to count as "
				      "readable. Its records clear {1} of them.",
		    r->cleared == 1 ? "Ohne das Protokoll müssten {0} Objekte als lesbar gelten. "
				      "Seine Einträge schließen das für eines davon aus."
				    : "Ohne das Protokoll müssten {0} Objekte als lesbar gelten. "
				      "Seine Einträge schließen das für {1} davon aus.",
		    number(r, t->online).s, number(r, r->cleared).s, NULL);
	else if (t->answer[DK_UNKNOWN] > 0 && t->online > readable)
		say(r,
		    "Without the log, {0} objects would have to count as readable. It cannot clear "
		    "them yet, since evidence is missing.",
		    "Ohne das Protokoll müssten {0} Objekte als lesbar gelten. Noch schließt es "
		    "das für keines davon aus, weil Nachweise fehlen.",
		    number(r, t->online).s, NULL);
	else if (t->online == 0)
		put(r,
		    pick(r,
			"Even without the log, no object would count as readable: nothing that was "
			"stolen could have asked for shares.",
			"Auch ohne Protokoll würde kein Objekt als lesbar gelten: Mit dem "
			"Entwendeten ließen sich keine Schlüsselanteile anfordern."));
	else
		put(r,
		    pick(r,
			"Here the log clears no object that would count as readable without it.",
			"Hier schließt das Protokoll für kein Objekt aus, dass es lesbar war."));
	put(r, "</p></div>\n");
}

static void
put_on_device(struct report *r, uint64_t n)
{
	if (n == 1)
		put(r,
		    pick(r,
			"<p class=\"note\">The share of one object once went to a stolen device. "
			"Whatever the answer, its content may lie there.</p>\n",
			"<p class=\"note\">Der Anteil eines Objekts ging irgendwann an ein "
			"entwendetes Gerät. Unabhängig vom Ergebnis kann sein Inhalt dort "
			"liegen.</p>\n"));
	else if (n > 1)
		say(r,
		    "<p class=\"note\">The shares of {0} objects once went to a stolen device. "
		    "Whatever the answer, their content may lie there.</p>\n",
		    "<p class=\"note\">Die Anteile von {0} Objekten gingen irgendwann an ein "
		    "entwendetes Gerät. Unabhängig vom Ergebnis kann ihr Inhalt dort liegen.</p>\n",
		    number(r, n).s, NULL);
}

static void
put_contents(struct report *r)
{
	put(r,
	    pick(r,
		"<nav aria-label=\"Contents\"><a href=\"#timeline\">Timeline</a> <a "
		"href=\"#objects\">Objects</a> <a href=\"#totals\">Totals</a> <a "
		"href=\"#method\">Method</a> <a href=\"#assumptions\">Assumptions</a> <a "
		"href=\"#limits\">Limits</a> <a href=\"#recompute\">Recompute</a></nav>\n",
		"<nav aria-label=\"Inhalt\"><a href=\"#timeline\">Zeitverlauf</a> <a "
		"href=\"#objects\">Objekte</a> <a href=\"#totals\">Summen</a> <a "
		"href=\"#method\">Verfahren</a> <a href=\"#assumptions\">Annahmen</a> <a "
		"href=\"#limits\">Grenzen</a> <a href=\"#recompute\">Nachrechnen</a></nav>\n"));
}

void
report_summary(struct report *r, const struct assess_out *out)
{
	const struct assess_totals *t = &out->totals;

	put(r,
	    pick(r,
		"<header id=\"summary\">\n<p class=\"kicker\">Exposure assessment</p>\n<h1>What "
		"could have been read?</h1>\n",
		"<header id=\"summary\">\n<p class=\"kicker\">Bericht zum "
		"Sicherheitsvorfall</p>\n<h1>Was konnte gelesen werden?</h1>\n"));
	put_answer(r, t);
	put(r, "<ul class=\"tiles\">\n");
	for (unsigned i = 3; i-- > 0;)
		put_tile(r, (enum dk_exposure_answer)i, t->answer[i]);
	put(r, "</ul>\n");
	put(r, "<div class=\"pair\">\n");
	put_window(r);
	put_worth(r, t);
	put(r, "</div>\n");
	put_on_device(r, t->on_device);
	put_contents(r);
	put(r, "</header>\n");
}
