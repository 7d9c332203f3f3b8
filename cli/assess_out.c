/* SPDX-License-Identifier: Apache-2.0 */
#include "assess_out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_BYTES 512

static void
key_hex(const struct assess *a, uint32_t key, char ret[65])
{
	dk_hex((const uint8_t *)a->key.at + (size_t)32 * key, 32, ret);
}

static void
customer_words(const struct assess *a, const struct dk_exposure_verdict *v, char *out, size_t cap)
{
	char hex[65];

	if (v->customer_rule == DK_RULE_UNWRAP) {
		key_hex(a, v->customer_key, hex);
		(void)snprintf(out, cap, "its customer share follows from key %s", hex);
		return;
	}
	(void)snprintf(out, cap, "log entry %" PRIu64 " handed out its customer share, %s",
	    v->entry,
	    v->customer_rule == DK_RULE_RELEASE ? "and the thief could have asked for it"
						: "and the thief could read what it handed out");
}

static void
provider_words(const struct assess *a, const struct dk_exposure_verdict *v, char *out, size_t cap)
{
	char hex[65];

	if (v->provider_rule == DK_RULE_UNWRAP) {
		key_hex(a, v->provider_key, hex);
		(void)snprintf(out, cap, "its provider share from key %s", hex);
	} else {
		(void)snprintf(out, cap, "its provider share counts as known");
	}
}

static void
missing_words(unsigned missing, char *out, size_t cap)
{
	size_t at = 0;

	out[0] = '\0';
	for (unsigned bit = 1; bit <= DK_MISSING_KEY; bit <<= 1) {
		if (missing & bit && at < cap)
			at += (size_t)snprintf(out + at, cap - at, "%s%s", at > 0 ? "," : "",
			    dk_exposure_missing_name(bit));
	}
}

static void
detail_words(const struct assess *a, const struct dk_exposure_verdict *v, char *out, size_t cap)
{
	char customer[WORDS_BYTES / 2 - 2], provider[WORDS_BYTES / 2 - 2];

	if (v->answer == DK_READABLE) {
		customer_words(a, v, customer, sizeof(customer));
		provider_words(a, v, provider, sizeof(provider));
		(void)snprintf(out, cap, "%s; %s", customer, provider);
	} else {
		missing_words(v->missing, out, cap);
	}
}

static bool
is_listed(const struct assess_out *out, enum dk_exposure_answer answer)
{
	return out->list == ASSESS_ALL || (out->list == ASSESS_READABLE && answer == DK_READABLE) ||
	    (out->list == ASSESS_UNKNOWN && answer == DK_UNKNOWN);
}

static void
count(struct assess_totals *t, const struct dk_exposure_verdict *v)
{
	t->objects++;
	t->answer[v->answer]++;
	t->on_device += v->on_device;
	t->online += v->online;
	for (unsigned i = 0; i < 8; i++)
		t->missing[i] += v->missing >> i & 1;
}

static void
put_json(struct json *j, const char *hex, const char *label, const struct dk_exposure_verdict *v,
    const char *words)
{
	json_open(j, NULL, '{');
	json_string(j, "object", hex);
	if (label)
		json_string(j, "label", label);
	json_string(j, "answer", assess_answers[v->answer]);
	if (v->answer == DK_READABLE)
		json_number(j, "steps", v->steps);
	if (words[0])
		json_string(j, v->answer == DK_READABLE ? "derivation" : "missing", words);
	if (v->answer == DK_READABLE && v->customer_rule != DK_RULE_UNWRAP)
		json_number(j, "entry", v->entry);
	json_bool(j, "on_stolen_device", v->on_device);
	json_bool(j, "without_log", v->online);
	json_close(j, '}');
}

/* A key that several sets of an object have is counted once. */
static bool
tally_keys(
    struct assess_out *out, const struct dk_exposure_object *o, const struct dk_exposure_verdict *v)
{
	char hex[65];
	bool ok = true;

	if (!out->counted)
		out->counted = calloc(out->assess->key.count + 1, sizeof(*out->counted));
	if (!out->counted)
		return false;
	for (size_t i = 0; i < o->set_count && ok; i++) {
		for (size_t j = 0; o->set[i].customer && j < o->set[i].count && ok; j++) {
			uint32_t key = o->set[i].key[j];

			if (out->counted[key] == o->object + 1)
				continue;
			out->counted[key] = o->object + 1;
			key_hex(out->assess, key, hex);
			ok = assess_tally_add(&out->key, hex, v->answer);
		}
	}
	return ok;
}

static bool
tally(struct assess_out *out, const char *label, const struct dk_exposure_object *o,
    const struct dk_exposure_verdict *v)
{
	const struct assess_entry *entry = out->assess->entry.at;
	char day[INCIDENT_TIME_BYTES];

	if ((label && !assess_tally_add(&out->label, label, v->answer)) || !tally_keys(out, o, v))
		return false;
	if (v->answer != DK_READABLE || v->customer_rule == DK_RULE_UNWRAP)
		return true;
	incident_time_text((uint64_t)entry[v->entry].minute * 60, day);
	day[strcspn(day, "T")] = '\0';
	return assess_tally_add(&out->day, day, v->answer);
}

void
assess_out_clear(struct assess_out *out)
{
	assess_tally_clear(&out->label);
	assess_tally_clear(&out->key);
	assess_tally_clear(&out->day);
	free(out->counted);
}

bool
assess_out_object(struct assess_out *out, const uint8_t object_id[16], const char *label,
    const struct dk_exposure_object *object, const struct dk_exposure_verdict *v)
{
	bool explain = out->explain && memcmp(out->explain, object_id, 16) == 0;
	char hex[33], words[WORDS_BYTES], safe[1024];

	count(&out->totals, v);
	if (out->report && !out->json && !explain && !is_listed(out, v->answer))
		return tally(out, label, object, v);
	if (!out->json && !explain && !is_listed(out, v->answer))
		return true;
	dk_hex(object_id, 16, hex);
	detail_words(out->assess, v, words, sizeof(words));
	out->explained |= explain;
	if (explain || is_listed(out, v->answer))
		(void)printf("%s %s \"%s\"%s%s\n", assess_answers[v->answer], hex,
		    dk_text_show(
			label ? label : "", label ? strlen(label) : 0, "\"", safe, sizeof(safe)),
		    words[0] ? " " : "", words);
	if (explain && v->on_device)
		(void)puts("  its share was handed to a stolen device");
	if (out->json)
		put_json(out->json, hex, label, v, words);
	return (!out->json && !out->report) || tally(out, label, object, v);
}

void
assess_out_totals(const struct assess_out *out)
{
	const struct assess_totals *t = &out->totals;

	(void)printf("objects %" PRIu64 "\n", t->objects);
	for (unsigned i = 3; i-- > 0;)
		(void)printf("%s %" PRIu64 "\n", assess_answers[i], t->answer[i]);
	(void)printf("on-stolen-device %" PRIu64 "\nreadable-without-log %" PRIu64 "\n",
	    t->on_device, t->online);
	for (unsigned i = 0; i < 8; i++)
		if (t->missing[i] > 0)
			(void)printf("missing %s %" PRIu64 "\n", dk_exposure_missing_name(1U << i),
			    t->missing[i]);
}

void
assess_out_totals_json(struct assess_out *out)
{
	const struct assess_totals *t = &out->totals;

	json_open(out->json, "totals", '{');
	json_number(out->json, "objects", t->objects);
	for (unsigned i = 3; i-- > 0;)
		json_number(out->json, assess_answers[i], t->answer[i]);
	json_number(out->json, "on_stolen_device", t->on_device);
	json_number(out->json, "readable_without_log", t->online);
	json_open(out->json, "missing", '{');
	for (unsigned i = 0; i < 8; i++)
		if (t->missing[i] > 0)
			json_number(out->json, dk_exposure_missing_name(1U << i), t->missing[i]);
	json_close(out->json, '}');
	json_close(out->json, '}');
	assess_tally_json(&out->label, out->json, "by_label", "label");
	assess_tally_json(&out->key, out->json, "by_key", "key");
	assess_tally_json(&out->day, out->json, "by_day", "day");
}
