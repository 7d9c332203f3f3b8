/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timeline, as a picture and in words. Across, places are parts of the width in percent, so
 * that the letters keep their size on a telephone; nothing in the picture has a style of its own.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/report/impl.h"

#define BINS 120
#define ITEMS_SHOWN 8
#define ITEM_HEIGHT 34
#define CHART_HEIGHT 56
#define GAPS_SHOWN 12
#define DAY_S 86400

struct gap {
	uint64_t from, to;
};

struct timeline {
	uint64_t low, high; /* ends of the picture; high > low */
	uint64_t releases[BINS], used[BINS];
	uint64_t release_count, used_count; /* in the window */
	bool silent[BINS];
	uint64_t begun; /* the log had nothing to say before, and says so; 0: it does not */
	uint64_t gap_count;
	struct gap gap[GAPS_SHOWN];
	unsigned y;
};

/* ---- what is in it ---- */

static void
stretch(struct timeline *t, uint64_t at)
{
	if (at < t->low)
		t->low = at;
	if (at > t->high)
		t->high = at;
}

/* A window whose begin is not known begins with the first theft or entry. */
static void
set_range(const struct assess *a, struct timeline *t)
{
	const struct incident *incident = a->incident;
	uint64_t margin;

	t->low = incident->from > 0 ? incident->from : incident->to;
	t->high = incident->to;
	if (incident->from == 0 && a->entry.count > 0)
		stretch(t, assess_when(a, 0).after);
	for (size_t i = 0; i < incident->item_count; i++) {
		if (incident->item[i].since > 0)
			stretch(t, incident->item[i].since);
		if (incident->item[i].until != DK_EXPOSURE_NEVER)
			stretch(t, incident->item[i].until);
	}
	margin = (t->high - t->low) / 25 + 60;
	t->low -= t->low > margin ? margin : t->low;
	t->high += margin;
}

static unsigned
bin_of(const struct timeline *t, uint64_t at)
{
	if (at <= t->low)
		return 0;
	if (at >= t->high)
		return BINS - 1;
	return (unsigned)((at - t->low) * BINS / (t->high - t->low));
}

static void
add_gap(struct timeline *t, uint64_t from, uint64_t to)
{
	if (to <= t->low || from >= t->high)
		return;
	if (t->gap_count < GAPS_SHOWN)
		t->gap[t->gap_count] = (struct gap){ .from = from, .to = to };
	t->gap_count++;
	for (unsigned i = bin_of(t, from); i <= bin_of(t, to); i++)
		t->silent[i] = true;
}

static void
add_release(const struct report *r, struct timeline *t, uint64_t index, struct assess_when at)
{
	const struct incident *incident = r->assess->incident;
	bool used = r->used[index / 8] >> index % 8 & 1;

	if (at.after + 1 >= t->low && at.after < t->high) {
		t->releases[bin_of(t, at.after + 1)]++;
		t->used[bin_of(t, at.after + 1)] += used;
	}
	t->release_count += at.before >= incident->from && at.after < incident->to;
	t->used_count += used;
}

static void
read_entries(const struct report *r, struct timeline *t)
{
	const struct assess *a = r->assess;
	const struct assess_entry *entry = a->entry.at;
	uint64_t last = 0;

	for (uint64_t i = 0; i < a->entry.count; i++) {
		struct assess_when at = assess_when(a, i);

		if (entry[i].class == DK_ENTRY_RELEASE)
			add_release(r, t, i, at);
		if (i > 0 && at.after > last && at.after - last > a->incident->silence)
			add_gap(t, last, at.after);
		last = at.after > last ? at.after : last;
		if (i == 0 && entry[i].class == DK_ENTRY_BEGUN)
			t->begun = at.after;
		else if (i == 0)
			add_gap(t, 0, at.after);
	}
	if (a->entry.count == 0 || last < a->incident->to)
		add_gap(t, last, t->high);
}

/* ---- the picture ---- */

struct percent {
	char s[16];
};

static struct percent
percent(uint64_t part, uint64_t of)
{
	struct percent p;
	uint64_t n = of > 0 ? part * 10000 / of : 0;

	(void)snprintf(p.s, sizeof(p.s), "%u.%02u%%", (unsigned)(n / 100), (unsigned)(n % 100));
	return p;
}

static struct percent
place(const struct timeline *t, uint64_t at)
{
	if (at < t->low)
		at = t->low;
	if (at > t->high)
		at = t->high;
	return percent(at - t->low, t->high - t->low);
}

static void
put_span(struct report *r, const struct timeline *t, const char *class, uint64_t from, uint64_t to,
    unsigned y, unsigned height)
{
	uint64_t low = from > t->low ? from : t->low, high = to < t->high ? to : t->high;

	if (high < low)
		return;
	(void)fprintf(r->page,
	    "<rect class=\"%s\" x=\"%s\" y=\"%u\" width=\"%s\" height=\"%u\" rx=\"2\"/>\n", class,
	    place(t, low).s, y, percent(high - low, t->high - t->low).s, height);
}

static void
put_label(struct report *r, unsigned y, const char *text)
{
	(void)fprintf(r->page, "<text x=\"5\" y=\"%u\">", y);
	put_text(r, text);
	put(r, "</text>\n");
}

static void
put_thefts(struct report *r, struct timeline *t)
{
	const struct incident *incident = r->assess->incident;

	for (size_t i = 0; i < incident->item_count && i < ITEMS_SHOWN; i++) {
		const struct incident_item *item = &incident->item[i];

		(void)fprintf(r->page, "<text x=\"5\" y=\"%u\">", t->y + 12);
		put_text(r, item_words(r, item->what));
		if (item->name)
			form(r, " {0}", shown_string(item->name).s, NULL);
		put(r, "</text>\n");
		put_span(r, t, "theft", item->since, item->until, t->y + 19, 6);
		t->y += ITEM_HEIGHT;
	}
	if (incident->item_count > ITEMS_SHOWN) {
		(void)fprintf(r->page, "<text x=\"5\" y=\"%u\">", t->y + 12);
		say(r, "and {0} more", "und {0} weitere",
		    number(r, incident->item_count - ITEMS_SHOWN).s, NULL);
		put(r, "</text>\n");
		t->y += ITEM_HEIGHT / 2 + 6;
	}
}

static unsigned
height_of(uint64_t n, uint64_t most)
{
	unsigned height = most > 0 ? (unsigned)(n * CHART_HEIGHT / most) : 0;

	return n > 0 && height < 2 ? 2 : height;
}

static void
put_column(struct report *r, const char *class, unsigned bin, unsigned bottom, unsigned height)
{
	if (height > 0)
		(void)fprintf(r->page,
		    "<rect class=\"%s\" x=\"%s\" y=\"%u\" width=\"%s\" height=\"%u\"/>\n", class,
		    percent(bin, BINS).s, bottom - height, percent(1, BINS).s, height);
}

static void
put_releases(struct report *r, struct timeline *t)
{
	unsigned bottom = t->y + 22 + CHART_HEIGHT;
	uint64_t most = 0;

	for (unsigned i = 0; i < BINS; i++)
		most = t->releases[i] > most ? t->releases[i] : most;
	put_label(r, t->y + 12,
	    pick(r, "Releases of shares in the log",
		"Im Protokoll: Herausgabe von Schlüsselanteilen"));
	for (unsigned i = 0; i < BINS; i++) {
		put_column(r, "release", i, bottom, height_of(t->releases[i], most));
		put_column(r, "used", i, bottom, height_of(t->used[i], most));
	}
	(void)fprintf(
	    r->page, "<rect class=\"base\" y=\"%u\" width=\"100%%\" height=\"1\"/>\n", bottom);
	t->y = bottom + 10;
}

static void
put_coverage(struct report *r, struct timeline *t)
{
	put_label(r, t->y + 12,
	    pick(r, "Evidence of the log, and gaps in it",
		"Nachweise des Protokolls und Lücken darin"));
	t->y += 19;
	put_span(r, t, "track", t->low, t->high, t->y, 10);
	if (r->assess->entry.count > 0)
		put_span(r, t, "covered", t->begun, t->high, t->y, 10);
	for (unsigned i = 0, end; i < BINS; i = end) {
		for (end = i + 1; end < BINS && t->silent[end] == t->silent[i]; end++)
			;
		if (t->silent[i])
			(void)fprintf(r->page,
			    "<rect class=\"gap\" x=\"%s\" y=\"%u\" width=\"%s\" height=\"10\" "
			    "fill=\"url(#hatch)\"/>\n",
			    percent(i, BINS).s, t->y, percent(end - i, BINS).s);
	}
	t->y += 22;
}

/* The smallest step with at most four marks, which a narrow screen has room for. */
static uint64_t
tick_step(const struct timeline *t)
{
	static const uint64_t steps[] = { 60, 300, 600, 1800, 3600, 2 * 3600, 3 * 3600, 6 * 3600,
		12 * 3600, DAY_S, 2 * DAY_S, 3 * DAY_S, 7 * DAY_S, 14 * DAY_S, 30 * DAY_S,
		91 * DAY_S, 182 * DAY_S, 365 * DAY_S };
	uint64_t span = t->high - t->low;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (span / steps[i] <= 4)
			return steps[i];
	return span / 4;
}

static void
put_axis(struct report *r, struct timeline *t)
{
	uint64_t step = tick_step(t), span = t->high - t->low;

	for (uint64_t at = (t->low / step + 1) * step; at < t->high; at += step) {
		char time[INCIDENT_TIME_BYTES];

		if ((at - t->low) * 100 / span < 11 || (at - t->low) * 100 / span > 89)
			continue;
		incident_time_text(at, time);
		time[step < DAY_S ? 16 : 10] = '\0';
		time[10] = step < DAY_S ? ' ' : '\0';
		(void)fprintf(r->page,
		    "<rect class=\"base\" x=\"%s\" y=\"%u\" width=\"1\" height=\"5\"/><text "
		    "class=\"tick\" x=\"%s\" y=\"%u\">%s</text>\n",
		    place(t, at).s, t->y, place(t, at).s, t->y + 18,
		    step < DAY_S ? time + 5 : time);
	}
}

/* How it is counted, for eyes and for those who cannot see the picture. */
static void
put_counts(struct report *r, const struct timeline *t, const char *each)
{
	form(r, each, pick(r, "Releases of shares in the window", "Herausgaben im Zeitfenster"),
	    number(r, t->release_count).s, NULL);
	form(r, each,
	    pick(r, "Releases that made an object readable",
		"Herausgaben, durch die ein Objekt lesbar wurde"),
	    number(r, t->used_count).s, NULL);
	form(r, each, pick(r, "Gaps in the log", "Lücken im Protokoll"), number(r, t->gap_count).s,
	    NULL);
}

static void
put_picture(struct report *r, struct timeline *t)
{
	const struct incident *incident = r->assess->incident;
	size_t items = incident->item_count;
	unsigned height = (unsigned)(items < ITEMS_SHOWN ? items : ITEMS_SHOWN) * ITEM_HEIGHT +
	    (items > ITEMS_SHOWN ? ITEM_HEIGHT / 2 + 6 : 0) + 22 + CHART_HEIGHT + 10 + 41;

	(void)fprintf(r->page,
	    "<svg class=\"time\" role=\"img\" aria-labelledby=\"tt td\" width=\"100%%\" "
	    "height=\"%u\">\n<title id=\"tt\">",
	    height + 24);
	put(r, pick(r, "Timeline of the window", "Verlauf des Zeitfensters"));
	put(r, "</title>\n<desc id=\"td\">");
	put_counts(r, t, "{0}: {1}; ");
	put(r,
	    "</desc>\n<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" "
	    "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect "
	    "class=\"ground\" width=\"6\" height=\"6\"/><rect class=\"stripe\" width=\"3\" "
	    "height=\"6\"/></pattern></defs>\n");
	put_span(r, t, "window", incident->from, incident->to, 0, height);
	put_thefts(r, t);
	put_releases(r, t);
	put_coverage(r, t);
	put_axis(r, t);
	put(r, "</svg>\n");
}

/* ---- in words ---- */

static void
put_gaps(struct report *r, const struct timeline *t)
{
	if (t->gap_count == 0)
		return;
	put(r,
	    pick(r, "<h3>Gaps in the log</h3>\n<ul class=\"gaps\">",
		"<h3>Lücken im Protokoll</h3>\n<ul class=\"gaps\">"));
	for (uint64_t i = 0; i < t->gap_count && i < GAPS_SHOWN; i++) {
		if (t->gap[i].from <= t->low)
			say(r, "<li>before {0}", "<li>vor dem {0}", when(r, t->gap[i].to).s, NULL);
		else if (t->gap[i].to >= t->high)
			say(r, "<li>after {0}, the last entry",
			    "<li>nach dem {0}, dem letzten Eintrag", when(r, t->gap[i].from).s,
			    NULL);
		else
			say(r, "<li>{0} to {1}", "<li>{0} bis {1}", when(r, t->gap[i].from).s,
			    when(r, t->gap[i].to).s, NULL);
	}
	if (t->gap_count > GAPS_SHOWN)
		say(r, "<li>and {0} more", "<li>und {0} weitere",
		    number(r, t->gap_count - GAPS_SHOWN).s, NULL);
	put(r, "</ul>\n");
}

static void
put_legend(struct report *r, const char *class, const char *en, const char *de)
{
	form(r, "<span class=\"legend\"><span class=\"k {0}\"></span>{1}</span> ", class,
	    pick(r, en, de), NULL);
}

void
report_timeline(struct report *r)
{
	struct timeline timeline = { .low = 0 }, *t = &timeline;

	set_range(r->assess, t);
	read_entries(r, t);
	put(r,
	    pick(r, "<section id=\"timeline\"><h2>Timeline</h2>\n<dl class=\"facts\">",
		"<section id=\"timeline\"><h2>Zeitverlauf</h2>\n<dl class=\"facts\">"));
	put_counts(r, t, "<div><dt>{0}<dd>{1}</div>");
	put(r, "</dl>\n");
	put(r, "<figure>\n");
	put_picture(r, t);
	put(r, "<figcaption>");
	put_legend(r, "window", "window", "Zeitfenster");
	put_legend(r, "theft", "in the thief’s hands", "in Händen des Angreifers");
	put_legend(r, "release", "release", "Herausgabe");
	put_legend(r, "used", "release that made an object readable",
	    "Herausgabe, durch die ein Objekt lesbar wurde");
	put_legend(r, "covered", "log", "Protokoll");
	put_legend(r, "gap", "gap", "Lücke");
	put(r,
	    pick(r, "Times are UTC.</figcaption></figure>\n",
		"Zeiten in UTC.</figcaption></figure>\n"));
	put_gaps(r, t);
	put(r, "</section>\n");
}
