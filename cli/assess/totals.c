/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/assess/out.h"
#include "cli/assess/words.h"
#include "base/text.h"

/* A key that several sets of an object have is counted once. */
static bool
add_keys(struct assess_totals *t, const struct assess *a, const struct assess_found *found)
{
	const struct dk_exposure_object *o = found->object;

	if (!t->by_key)
		t->by_key = calloc(a->key.count + 1, sizeof(*t->by_key));
	if (!t->by_key)
		return false;
	for (size_t i = 0; i < o->set_count; i++) {
		for (size_t j = 0; o->set[i].customer && j < o->set[i].count; j++) {
			struct assess_key_count *count = &t->by_key[o->set[i].key[j]];

			if (count->last == o->object + 1)
				continue;
			count->last = o->object + 1;
			count->of[found->verdict->answer]++;
		}
	}
	return true;
}

/* Of a release: its day, as the service says if witnesses do not say otherwise, and its user. */
static bool
add_entry(struct assess_totals *t, const struct assess *a, uint64_t index)
{
	const struct assess_entry *entry = (struct assess_entry *)a->entry.at + index;
	const struct assess_user *user = (struct assess_user *)a->user.at + entry->root;
	struct assess_when when = assess_when(a, index);
	uint64_t time = (uint64_t)entry->minute * 60;
	char day[INCIDENT_TIME_BYTES];

	if (time < when.after)
		time = when.after;
	if (time > when.before)
		time = when.before;
	incident_time_text(time, day);
	day[strcspn(day, "T")] = '\0';
	return assess_tally_add(&t->day, day, DK_READABLE) &&
	    assess_tally_add(&t->user, user->name, DK_READABLE);
}

bool
assess_totals_add(struct assess_totals *t, const struct assess *a, const struct assess_found *found)
{
	const struct dk_exposure_verdict *v = found->verdict;

	t->objects++;
	t->answer[v->answer]++;
	t->on_device += v->on_device;
	t->online += v->online;
	for (unsigned i = 0; i < 8; i++)
		t->missing[i] += v->missing >> i & 1;
	if ((found->label && !assess_tally_add(&t->label, found->label, v->answer)) ||
	    !add_keys(t, a, found))
		return false;
	return v->answer != DK_READABLE || v->customer_rule == DK_RULE_UNWRAP ||
	    add_entry(t, a, v->entry);
}

bool
assess_totals_end(struct assess_totals *t, const struct assess *a)
{
	char hex[65];

	for (size_t i = 0; t->by_key && i < a->key.count; i++) {
		const uint64_t *of = t->by_key[i].of;

		dk_hex((const uint8_t *)a->key.at + 32 * i, 32, hex);
		if (of[0] + of[1] + of[2] > 0 && !assess_tally_put(&t->key, hex, of))
			return false;
	}
	return true;
}

void
assess_totals_clear(struct assess_totals *t)
{
	assess_tally_clear(&t->label);
	assess_tally_clear(&t->day);
	assess_tally_clear(&t->user);
	assess_tally_clear(&t->key);
	free(t->by_key);
}

/* ---- text ---- */

/* Of the whole log, what is missing; of single objects, how many. */
static void
print_missing(const struct assess_out *out)
{
	for (unsigned i = 0; i < 8; i++) {
		if (out->totals.missing[i] == 0)
			continue;
		(void)printf("missing %s %" PRIu64 "\n", dk_exposure_missing_name(1U << i),
		    out->totals.missing[i]);
		(void)fputs("  ", stdout);
		assess_words_missing(stdout, out->assess, out->exposure, 1U << i);
		(void)fputc('\n', stdout);
	}
}

void
assess_totals_text(const struct assess_out *out)
{
	const struct assess_totals *t = &out->totals;

	(void)printf("objects %" PRIu64 "\n", t->objects);
	for (unsigned i = 3; i-- > 0;)
		(void)printf("%s %" PRIu64 "\n", assess_answers[i], t->answer[i]);
	(void)printf("on-stolen-device %" PRIu64 "\nreadable-without-log %" PRIu64
		     "\nworth-of-the-log %" PRIu64 "\n",
	    t->on_device, t->online, t->online - t->answer[DK_READABLE]);
	print_missing(out);
	assess_tally_text(&t->label, "label");
	assess_tally_text(&t->key, "key");
	assess_tally_text(&t->user, "user");
	assess_tally_text(&t->day, "day");
}

/* ---- JSON ---- */

static void
put_missing(const struct assess_out *out)
{
	json_open(out->json, "missing", '{');
	for (unsigned i = 0; i < 8; i++)
		if (out->totals.missing[i] > 0)
			json_number(
			    out->json, dk_exposure_missing_name(1U << i), out->totals.missing[i]);
	json_close(out->json, '}');
}

/* In words. False: out of memory. */
static bool
put_evidence(const struct assess_out *out)
{
	json_open(out->json, "evidence", '[');
	for (unsigned bit = 1; bit <= DK_MISSING_KEY; bit <<= 1) {
		uint64_t entry = dk_exposure_why_missing(out->exposure, bit);
		char *text = NULL;
		size_t len;
		FILE *f;

		if (out->totals.missing[__builtin_ctz(bit)] == 0)
			continue;
		f = open_memstream(&text, &len);
		if (!f)
			return false;
		assess_words_missing(f, out->assess, out->exposure, bit);
		if (fclose(f) != 0) {
			free(text);
			return false;
		}
		json_open(out->json, NULL, '{');
		json_string(out->json, "missing", dk_exposure_missing_name(bit));
		if (entry != DK_EXPOSURE_NEVER)
			json_number(out->json, "entry", entry);
		json_string(out->json, "words", text);
		json_close(out->json, '}');
		free(text);
	}
	json_close(out->json, ']');
	return true;
}

bool
assess_totals_json(const struct assess_out *out)
{
	const struct assess_totals *t = &out->totals;

	json_open(out->json, "totals", '{');
	json_number(out->json, "objects", t->objects);
	for (unsigned i = 3; i-- > 0;)
		json_number(out->json, assess_answers[i], t->answer[i]);
	json_number(out->json, "on_stolen_device", t->on_device);
	json_number(out->json, "readable_without_log", t->online);
	json_number(out->json, "worth_of_the_log", t->online - t->answer[DK_READABLE]);
	put_missing(out);
	json_close(out->json, '}');
	if (!put_evidence(out))
		return false;
	assess_tally_json(&t->label, out->json, "by_label", "label");
	assess_tally_json(&t->key, out->json, "by_key", "key");
	assess_tally_json(&t->user, out->json, "by_user", "user");
	assess_tally_json(&t->day, out->json, "by_day", "day");
	return true;
}
