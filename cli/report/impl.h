/* SPDX-License-Identifier: Apache-2.0 */
/* What the files report_*.c share. */
#ifndef DK_CLI_REPORT_IMPL_H
#define DK_CLI_REPORT_IMPL_H

#include "cli/files/output.h"
#include "cli/report/report.h"

/* Rows of a table that one page shows, and of each list in all. */
#define REPORT_PAGE_ROWS 100
#define REPORT_READABLE_ROWS 500
#define REPORT_OTHER_ROWS 250
#define REPORT_TOTAL_ROWS 64
/* Of one release. */
#define REPORT_FACTORS 8
/* Of a text from outside, with its "..." */
#define REPORT_SHOWN_BYTES 304

enum report_list { REPORT_LIST_READABLE, REPORT_LIST_UNKNOWN, REPORT_LIST_DEVICE, REPORT_LISTS };

struct report_shown {
	char s[REPORT_SHOWN_BYTES];
};

struct report_row {
	char id[65];           /* object id, or SHA-256 of a document */
	bool catalogued, gone; /* gone: the place is one of before */
	bool document;
	uint64_t places;
	struct report_shown label, place;
	struct dk_exposure_verdict verdict;
};

struct report_rows {
	uint64_t count;   /* all, of which this many are kept */
	struct array row; /* struct report_row */
};

struct report {
	const struct assess *assess;
	const struct dk_exposure *exposure; /* from report_finish() on */
	enum report_language language;
	struct output *output[2]; /* page, list */
	FILE *page, *list;
	struct report_rows rows[REPORT_LISTS];
	uint64_t cleared; /* not readable, and readable without the log */
	bool documents;   /* there are some */
	uint8_t *used;    /* a bit for each entry: it made an object readable */
	char *text;       /* for a place of any length */
};

/* ---- report_text.c ---- */

struct report_word {
	char s[64];
};

/* One of two texts. */
const char *pick(const struct report *r, const char *en, const char *de);
/* HTML in which {0}, {1} ... are the strings behind it up to NULL, escaped. */
void form(struct report *r, const char *html, ...) __attribute__((sentinel));
/* One of two such texts. */
#define say(r, en, de, ...) form((r), pick((r), (en), (de)), __VA_ARGS__)
/* As HTML, nothing else done to it. */
void put(struct report *r, const char *html);
/* Escaped. */
void put_text(struct report *r, const char *text);
/* Of an entry or a user: digits alone. */
struct report_word index_word(uint64_t n);
/* 1,234 or 1.234 */
struct report_word number(const struct report *r, uint64_t n);
struct report_word when(const struct report *r, uint64_t seconds);
struct report_word day(const struct report *r, uint64_t seconds);
/* A text from outside, made safe to look at. */
struct report_shown shown(const char *text, size_t len);
struct report_shown shown_string(const char *text);
/* The first 16 digits. */
struct report_word short_hex(const uint8_t *id);

/* ---- report_words.c ---- */

/* What an item of the incident file is, without its name. */
const char *item_words(const struct report *r, enum incident_what what);
/* The item with its name and times. */
void put_item(struct report *r, const struct incident_item *item);
/* Its times alone, and its name alone. */
void put_since(struct report *r, const struct incident_item *item);
void put_item_name(struct report *r, const struct incident_item *item);
/* What is known of a key besides its id, or an empty text. */
struct report_shown key_name(const struct report *r, const uint8_t id[32]);
/* Missing evidence in a few words and in a sentence, and what can be done about it. */
const char *missing_short(const struct report *r, unsigned bit);
const char *missing_title(const struct report *r, unsigned bit);
const char *missing_help(const struct report *r, unsigned bit);

/* ---- report_why.c ---- */

/* List items: how the object of row is readable, or what is missing. */
void put_why(struct report *r, const struct report_row *row);
/* Where in the log this is missing, or nothing. */
void put_where(struct report *r, unsigned bit);

/* ---- the parts ---- */

extern const char report_style[];

void report_summary(struct report *r, const struct assess_out *out);
void report_timeline(struct report *r);
void report_objects(struct report *r, const struct assess_out *out);
void report_totals(struct report *r, struct assess_out *out);
void report_method(struct report *r);
dk_err report_limits(struct report *r);
void report_recompute(struct report *r, const struct assess_inputs *inputs);
/* One line of the list. path is NULL for an object that only the log has. */
void report_list_head(FILE *f);
void report_list_row(struct report *r, const char *id, const char *label, uint64_t places,
    const struct dk_exposure_verdict *v);

#endif
