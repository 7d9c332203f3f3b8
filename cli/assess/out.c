/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/assess/out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/assess/words.h"
#include "base/text.h"
#include "cli/log/print.h"

#define SHOWN_BYTES 1024

static bool
is_listed(const struct assess_out *out, enum dk_exposure_answer answer)
{
	return out->list == ASSESS_ALL || (out->list == ASSESS_READABLE && answer == DK_READABLE) ||
	    (out->list == ASSESS_UNKNOWN && answer == DK_UNKNOWN);
}

static bool
by_entry(const struct dk_exposure_verdict *v)
{
	return v->answer == DK_READABLE && v->customer_rule != DK_RULE_UNWRAP;
}

static void
put_gates(struct json *j, unsigned gates)
{
	json_open(j, "gates", '[');
	for (unsigned gate = ASSESS_SESSION; gate <= ASSESS_NETWORK; gate <<= 1)
		if (gates & gate)
			json_string(j, NULL, assess_words_gate(gate));
	json_close(j, ']');
}

static void
put_entry(struct json *j, const struct assess *a, uint64_t index)
{
	const struct assess_entry *entry = (struct assess_entry *)a->entry.at + index;
	const struct assess_user *user = (struct assess_user *)a->user.at + entry->root;
	struct assess_when when = assess_when(a, index);

	json_number(j, "entry", index);
	json_number(j, "after", when.after);
	json_number(j, "before", when.before);
	if (user->name[0])
		json_string(j, "user", user->name);
	if (!entry->clear)
		return;
	if (entry->level)
		json_string(j, "level", log_level_name(entry->level));
	put_gates(j, entry->gates);
}

static void
put_json(const struct assess_out *out, const struct assess_found *found)
{
	const struct dk_exposure_verdict *v = found->verdict;
	struct json *j = out->json;

	json_open(j, NULL, '{');
	json_string(j, found->object->document ? "document" : "object", found->id);
	if (found->label)
		json_string(j, "label", found->label);
	json_string(j, "answer", assess_answers[v->answer]);
	if (v->answer == DK_READABLE) {
		json_number(j, "steps", v->steps);
		json_number(j, "customer_rule", v->customer_rule);
		json_number(j, "provider_rule", v->provider_rule);
		json_string(j, "derivation", out->text);
	} else if (v->answer == DK_UNKNOWN) {
		json_string(j, "missing", out->text);
	}
	if (by_entry(v))
		put_entry(j, out->assess, v->entry);
	json_bool(j, "on_stolen_device", v->on_device);
	json_bool(j, "without_log", v->online);
	json_close(j, '}');
}

/* Into out->text; names alone, or with what they are here. */
static bool
put_words(struct assess_out *out, const struct dk_exposure_verdict *v, bool names)
{
	if (!out->words)
		out->words = open_memstream(&out->text, &out->text_len);
	if (!out->words)
		return false;
	rewind(out->words);
	if (v->answer == DK_READABLE)
		assess_words_readable(out->words, out->assess, out->exposure, v);
	else if (names)
		assess_words_names(out->words, v->missing);
	else if (v->missing)
		assess_words_unknown(out->words, out->assess, out->exposure, v->missing);
	(void)fputc('\0', out->words);
	return fflush(out->words) == 0;
}

static void
print_line(const struct assess_out *out, const struct assess_found *found)
{
	const char *label = found->label ? found->label : "";
	char safe[SHOWN_BYTES];

	(void)printf("%s %s \"%s\"%s%s\n", assess_answers[found->verdict->answer], found->id,
	    dk_text_show(label, strlen(label), "\"", safe, sizeof(safe)), out->text[0] ? " " : "",
	    out->text);
}

bool
assess_out_object(struct assess_out *out, const struct assess_found *found)
{
	const struct dk_exposure_verdict *v = found->verdict;
	bool explain = out->explain && strcmp(out->explain, found->id) == 0;
	bool listed = explain || is_listed(out, v->answer);

	if (!assess_totals_add(&out->totals, out->assess, found))
		return false;
	if (listed) {
		if (!put_words(out, v, false))
			return false;
		print_line(out, found);
	}
	out->explained |= explain;
	if (explain)
		assess_explain(stdout, out, found);
	if (out->json) {
		if (!put_words(out, v, true))
			return false;
		put_json(out, found);
	}
	return true;
}

void
assess_out_clear(struct assess_out *out)
{
	if (out->words)
		(void)fclose(out->words);
	free(out->text);
	assess_totals_clear(&out->totals);
	assess_grants_clear(&out->grants);
}
