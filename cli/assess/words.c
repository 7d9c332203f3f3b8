/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/assess/words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/log/print.h"

#define SHOWN_BYTES 1024

static void
put_text(FILE *f, const char *text)
{
	char safe[SHOWN_BYTES];

	(void)fputs(dk_text_show(text, strlen(text), "", safe, sizeof(safe)), f);
}

void
assess_words_time(FILE *f, uint64_t seconds)
{
	char text[INCIDENT_TIME_BYTES];

	incident_time_text(seconds, text);
	(void)fputs(text, f);
}

static void
put_hex(FILE *f, const uint8_t id[32])
{
	char hex[65];

	dk_hex(id, 32, hex);
	(void)fputs(hex, f);
}

/* ---- what was stolen ---- */

/* As the incident file has it. */
static void
put_theft(FILE *f, const struct assess *a, size_t theft)
{
	const struct incident_item *item;

	if (theft >= a->cause.count)
		return;
	item = &a->incident->item[((uint32_t *)a->cause.at)[theft]];
	(void)fputs(incident_what_word(item->what), f);
	if (item->name) {
		(void)fputc(' ', f);
		put_text(f, item->name);
	}
	(void)fputs(", stolen ", f);
	if (item->since == 0) {
		(void)fputs("at a time that nobody knows", f);
	} else {
		(void)fputs("since ", f);
		assess_words_time(f, item->since);
	}
	if (item->until != DK_EXPOSURE_NEVER) {
		(void)fputs(" until ", f);
		assess_words_time(f, item->until);
	}
}

static int
by_index(const void *index, const void *device)
{
	uint64_t a = *(const uint64_t *)index, b = ((const struct assess_device *)device)->index;

	return (a > b) - (a < b);
}

const struct assess_device *
assess_words_device(const struct assess *a, uint64_t index)
{
	return a->device.count
	    ? bsearch(&index, a->device.at, a->device.count, sizeof(struct assess_device), by_index)
	    : NULL;
}

static void
put_device(FILE *f, const struct assess *a, uint64_t index)
{
	const struct assess_device *device = assess_words_device(a, index);

	if (device && !device->erased && device->name[0])
		put_text(f, device->name);
	else
		(void)fprintf(f, "#%" PRIu64, index);
}

static void
put_why(FILE *f, const struct assess *a, const struct dk_exposure_why *why)
{
	switch (why->how) {
	case DK_HOW_NOT:
		(void)fputs("not stolen", f);
		return;
	case DK_HOW_SERVICE:
		(void)fputs("a key of the service, which ", f);
		put_theft(f, a, why->theft);
		if (why->second != DK_EXPOSURE_NONE) {
			(void)fputs(", and ", f);
			put_theft(f, a, why->second);
		}
		(void)fputs(" gave away", f);
		return;
	case DK_HOW_VERIFIER:
		(void)fputs("verified by ", f);
		break;
	case DK_HOW_PAGE:
		(void)fputs("on a page in the hands of ", f);
		break;
	case DK_HOW_JUDGED:
		(void)fputs("whose request it was is the word of ", f);
		break;
	case DK_HOW_FETCHD:
		(void)fputs("checked with what came from ", f);
		break;
	case DK_HOW_CODE:
		(void)fprintf(
		    f, "enrolled with the code of log entry %" PRIu64 " from ", why->code);
		break;
	case DK_HOW_ENROLMENT:
		(void)fputs("enrolled by ", f);
		break;
	case DK_HOW_STOLEN:
		break;
	}
	put_theft(f, a, why->theft);
}

/* ---- parts of a derivation ---- */

void
assess_words_when(FILE *f, const struct assess *a, uint64_t index)
{
	struct assess_when when = assess_when(a, index);

	if (a->time.count == 0) {
		assess_words_time(f, when.after > 0 ? when.after + 1 : 0);
		return;
	}
	if (when.after > 0) {
		(void)fputs("between ", f);
		assess_words_time(f, when.after);
		(void)fputs(" and ", f);
	} else {
		(void)fputs("not later than ", f);
	}
	assess_words_time(f, when.before);
}

void
assess_words_key(FILE *f, const struct assess *a, const struct dk_exposure *x, uint32_t key)
{
	struct dk_exposure_why why;

	dk_exposure_why_key(x, key, &why);
	(void)fputs("key ", f);
	put_hex(f, (const uint8_t *)a->key.at + (size_t)32 * key);
	(void)fputs(" (", f);
	put_why(f, a, &why);
	(void)fputc(')', f);
}

static void
put_factor(FILE *f, const struct assess *a, const struct dk_exposure_factor *factor)
{
	const struct assess_issuer *issuer = a->issuer.at;

	switch (factor->kind) {
	case DK_BY_DEVICE:
	case DK_BY_APPROVAL:
		(void)fputs(factor->kind == DK_BY_DEVICE ? "device " : "approval of device ", f);
		put_device(f, a, factor->id);
		return;
	case DK_BY_ADMIN:
		(void)fprintf(f, "administrator %" PRIu64, factor->id);
		return;
	case DK_BY_TOKEN:
		(void)fputs("token of ", f);
		put_text(f, issuer[factor->id].issuer);
		(void)fputs(", key ", f);
		put_text(f, issuer[factor->id].key);
		return;
	case DK_BY_CERT:
		(void)fputs("certificate of the CA ", f);
		put_hex(f, (const uint8_t *)a->ca.at + 32 * factor->id);
		return;
	case DK_BY_CONFIRMATION:
		(void)fprintf(f, "confirmation of log entry %" PRIu64, factor->id);
		return;
	case DK_BY_FRONT:
		(void)fputs("certificate that a front saw", f);
		return;
	}
}

void
assess_words_factor(FILE *f, const struct assess *a, const struct dk_exposure *x,
    const struct dk_exposure_entry *e, const struct dk_exposure_factor *factor)
{
	struct dk_exposure_why why;

	dk_exposure_why_factor(x, e, factor, &why);
	put_factor(f, a, factor);
	(void)fputs(" (", f);
	put_why(f, a, &why);
	(void)fputc(')', f);
}

/* Rule 2: every factor; rule 3: the devices that were had. */
static void
put_factors(FILE *f, const struct assess *a, const struct dk_exposure *x,
    const struct dk_exposure_entry *e, bool all)
{
	const char *before = "";

	for (size_t i = 0; i < e->factor_count; i++) {
		struct dk_exposure_why why;

		if (!all && e->factor[i].kind != DK_BY_DEVICE)
			continue;
		dk_exposure_why_device(x, e->factor[i].id, e->before, &why);
		if (!all && why.how == DK_HOW_NOT)
			continue;
		(void)fputs(before, f);
		assess_words_factor(f, a, x, e, &e->factor[i]);
		before = ", ";
	}
}

const char *
assess_words_gate(unsigned gate)
{
	if (gate == ASSESS_SESSION)
		return "session";
	return gate == ASSESS_APPROVAL ? "approval" : "network";
}

void
assess_words_level(FILE *f, const struct assess_entry *entry)
{
	if (!entry->clear)
		return;
	if (entry->level)
		(void)fprintf(f, " at level %s", log_level_name(entry->level));
	else
		(void)fputs(" without a level", f);
	for (unsigned gate = ASSESS_SESSION; gate <= ASSESS_NETWORK; gate <<= 1)
		if (entry->gates & gate)
			(void)fprintf(f, ", with %s %s", gate == ASSESS_APPROVAL ? "an" : "a",
			    assess_words_gate(gate));
}

static void
put_customer(FILE *f, const struct assess *a, const struct dk_exposure *x,
    const struct dk_exposure_verdict *v)
{
	struct dk_exposure_entry e;
	struct assess_room room;

	if (v->customer_rule == DK_RULE_UNWRAP) {
		(void)fputs("its customer share follows from ", f);
		assess_words_key(f, a, x, v->customer_key);
		return;
	}
	assess_entry(a, v->entry, &room, &e);
	(void)fprintf(f, "log entry %" PRIu64 " of ", v->entry);
	assess_words_when(f, a, v->entry);
	(void)fputs(" handed out its customer share", f);
	assess_words_level(f, (struct assess_entry *)a->entry.at + v->entry);
	(void)fputs(", ", f);
	(void)fputs(v->customer_rule == DK_RULE_RELEASE ? "and the thief could have asked for it: "
							: "and the thief could read it: ",
	    f);
	put_factors(f, a, x, &e, v->customer_rule == DK_RULE_RELEASE);
}

void
assess_words_readable(FILE *f, const struct assess *a, const struct dk_exposure *x,
    const struct dk_exposure_verdict *v)
{
	put_customer(f, a, x, v);
	if (v->provider_rule == DK_RULE_UNWRAP) {
		(void)fputs("; its provider share follows from ", f);
		assess_words_key(f, a, x, v->provider_key);
	} else {
		(void)fputs("; its provider share counts as known", f);
	}
}

/* ---- what is missing ---- */

void
assess_words_names(FILE *f, unsigned missing)
{
	const char *before = "";

	for (unsigned bit = 1; bit <= DK_MISSING_KEY; bit <<= 1) {
		if (!(missing & bit))
			continue;
		(void)fprintf(f, "%s%s", before, dk_exposure_missing_name(bit));
		before = ",";
	}
}

static void
put_gap(FILE *f, const struct assess *a, uint64_t entry)
{
	(void)fputs("the log is silent between ", f);
	assess_words_time(f, entry > 0 ? assess_when(a, entry - 1).after : 0);
	(void)fputs(" and ", f);
	assess_words_time(f, assess_when(a, entry).after);
	(void)fprintf(f, ", in front of log entry %" PRIu64, entry);
}

static void
put_end(FILE *f, const struct assess *a)
{
	if (a->entry.count == 0) {
		(void)fputs("the log is empty", f);
		return;
	}
	(void)fputs("the log ends at ", f);
	assess_words_time(f, assess_when(a, a->entry.count - 1).after);
	(void)fputs(", the window at ", f);
	assess_words_time(f, a->incident->to);
}

static void
put_start(FILE *f, uint64_t entry)
{
	(void)fputs("how the service ran is not in the log from its beginning", f);
	if (entry != DK_EXPOSURE_NEVER)
		(void)fprintf(f, ", as of log entry %" PRIu64, entry);
}

void
assess_words_missing(FILE *f, const struct assess *a, const struct dk_exposure *x, unsigned bit)
{
	uint64_t entry = dk_exposure_why_missing(x, bit);

	switch (bit) {
	case DK_MISSING_START:
		put_start(f, entry);
		break;
	case DK_MISSING_END:
		put_end(f, a);
		break;
	case DK_MISSING_GAP:
		put_gap(f, a, entry);
		break;
	case DK_MISSING_RECORD:
		(void)fprintf(f,
		    "log entry %" PRIu64 " tells nothing: its record, or one that it names, is not "
		    "there or erased, or the clock went back",
		    entry);
		break;
	case DK_MISSING_LOGD:
		(void)fprintf(f,
		    "logd was stolen, and the service did not wait for witnesses at log entry "
		    "%" PRIu64 " (mode prompt)",
		    entry);
		break;
	case DK_MISSING_HEADER:
		(void)fputs("no header of it was scanned", f);
		break;
	case DK_MISSING_SET:
		(void)fputs("nobody vouches for its sets", f);
		break;
	default:
		(void)fputs(
		    "no record and nobody says that its customer keys are the customer's", f);
		break;
	}
}

void
assess_words_unknown(FILE *f, const struct assess *a, const struct dk_exposure *x, unsigned missing)
{
	const char *before = ": ";

	assess_words_names(f, missing);
	for (unsigned bit = 1; bit <= DK_MISSING_KEY; bit <<= 1) {
		if (!(missing & bit))
			continue;
		(void)fputs(before, f);
		assess_words_missing(f, a, x, bit);
		before = "; ";
	}
}
