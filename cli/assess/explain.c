/* SPDX-License-Identifier: Apache-2.0 */
/* All that is known of one object, and the rules that were applied to it. */
#include <inttypes.h>
#include <string.h>

#include "cli/assess/out.h"
#include "cli/assess/words.h"
#include "base/text.h"

#define SHOWN_BYTES 1024

/* ---- sets ---- */

/* Its name in the service, if a record has it. */
static void
put_name(FILE *f, const struct assess *a, const struct dk_catalogue_key *key)
{
	const struct assess_made *made = a->made.at;

	for (size_t i = 0; i < a->made.count; i++) {
		if (memcmp(made[i].key_id, key->key_id, sizeof(key->key_id)) == 0) {
			(void)fprintf(
			    f, "of the service: %s/%" PRIu32 ", ", made[i].name, made[i].version);
			return;
		}
		if (made[i].has_recovery &&
		    memcmp(made[i].recovery, key->key_id, sizeof(key->key_id)) == 0) {
			(void)fprintf(
			    f, "recovery key of %s/%" PRIu32 ", ", made[i].name, made[i].version);
			return;
		}
	}
	(void)fprintf(f, "of custodian %s, ", key->custodian[0] ? key->custodian : "-");
}

static void
put_stanza(FILE *f, const struct assess_out *out, const struct dk_catalogue_stanza *stanza)
{
	const struct assess *a = out->assess;
	const struct dk_catalogue_key *key =
	    (struct dk_catalogue_key *)a->row.at + (stanza->key - 1);

	(void)fputs("    ", f);
	assess_words_key(f, a, out->exposure, assess_key(a, key->key_id));
	(void)fputs(", ", f);
	put_name(f, a, key);
	(void)fputs(stanza->former ? "former stanza\n" : "stanza\n", f);
}

static void
put_sets(FILE *f, const struct assess_out *out, const struct assess_found *found)
{
	const struct dk_catalogue_object *row = found->row;

	(void)fputs("sets that were seen (section 2.4)\n", f);
	if (found->object->document) {
		(void)fputs("  customer set of a document, could be copied\n    ", f);
		assess_words_key(f, out->assess, out->exposure, found->object->set[0].key[0]);
		(void)fputc('\n', f);
	} else if (!row) {
		(void)fputs("  none: only the log knows it\n", f);
	}
	for (size_t i = 0; row && i < row->set_count; i++) {
		const struct dk_catalogue_set *set = &row->set[i];

		(void)fprintf(f, "  %s set %" PRIu32 ", epoch %" PRIu32 ", seen ",
		    set->side == DK_SIDE_CUSTOMER ? "customer" : "provider", set->number,
		    set->epoch);
		assess_words_time(f, set->seen);
		(void)fputs(found->object->set[i].copied ? ", could be copied\n"
							 : ", could not be copied\n",
		    f);
		for (size_t j = 0; j < set->count; j++)
			put_stanza(f, out, &row->stanza[set->first + j]);
	}
	(void)fprintf(f, "  the body %s be copied; %s\n",
	    found->object->body ? "could" : "could not",
	    found->object->document       ? "the log vouches for the set"
		: found->object->verified ? "somebody vouches for the sets"
					  : "nobody vouches for the sets");
}

/* ---- releases ---- */

static const char *
where(const struct incident *incident, const struct dk_exposure_entry *e)
{
	if (e->after >= incident->to)
		return "behind the end of the window";
	return e->before >= incident->from ? "in the window" : "in front of the window";
}

static void
put_release(FILE *f, const struct assess_out *out, uint64_t index)
{
	const struct assess *a = out->assess;
	const struct assess_entry *entry = (struct assess_entry *)a->entry.at + index;
	const struct assess_user *user = (struct assess_user *)a->user.at + entry->root;
	struct dk_exposure_entry e;
	struct assess_room room;
	bool asked, read;
	char safe[SHOWN_BYTES];

	assess_entry(a, index, &room, &e);
	dk_exposure_why_release(out->exposure, &e, &asked, &read);
	(void)fprintf(f, "  log entry %" PRIu64 " of ", index);
	assess_words_when(f, a, index);
	(void)fprintf(f, ", %s, for %s", where(a->incident, &e),
	    user->name[0] ? dk_text_show(user->name, strlen(user->name), "", safe, sizeof(safe))
			  : "a user who was erased");
	assess_words_level(f, entry);
	(void)fputc('\n', f);
	for (size_t i = 0; i < e.factor_count; i++) {
		(void)fputs("    ", f);
		assess_words_factor(f, a, out->exposure, &e, &e.factor[i]);
		(void)fputc('\n', f);
	}
	(void)fprintf(f, "    rule 2: the thief could %shave asked for it\n", asked ? "" : "not ");
	(void)fprintf(f, "    rule 3: the thief could %shave read it\n", read ? "" : "not ");
}

static void
put_releases(FILE *f, const struct assess_out *out, uint32_t object)
{
	const struct assess *a = out->assess;
	const struct assess_entry *entry = a->entry.at;
	const uint32_t *item = a->item.at;
	bool any = false;

	(void)fputs("releases in the log (section 2.3; rules 2 and 3)\n", f);
	for (uint64_t i = 0; i < a->entry.count; item += entry[i++].items) {
		bool is = false;

		for (unsigned j = 0; j < entry[i].items && entry[i].class == DK_ENTRY_RELEASE; j++)
			is |= item[j] == object;
		if (is)
			put_release(f, out, i);
		any |= is;
	}
	if (!any)
		(void)fputs("  none\n", f);
}

/* ---- rules ---- */

static void
put_readable(FILE *f, const struct assess_out *out, const struct dk_exposure_verdict *v)
{
	(void)fprintf(f,
	    "  rule %d: customer share\n  rule %d: provider share\n  rule 5: both, and the body\n"
	    "  %" PRIu32 " steps, the shortest derivation (section 3.1):\n  ",
	    (int)v->customer_rule, (int)v->provider_rule, v->steps);
	assess_words_readable(f, out->assess, out->exposure, v);
	(void)fputc('\n', f);
}

static void
put_rest(FILE *f, const struct assess_out *out, const struct assess_found *found)
{
	const struct dk_exposure_verdict *v = found->verdict;

	(void)fprintf(f, "  rules 1 to 3: %s\n",
	    found->object->body ? "none gives the customer share"
				: "whatever they give, the body could not be copied (rule 5)");
	(void)fprintf(f, "  evidence (section 4): %s\n",
	    v->missing ? "this is missing" : "nothing is missing");
	for (unsigned bit = 1; bit <= DK_MISSING_KEY; bit <<= 1) {
		if (!(v->missing & bit))
			continue;
		(void)fprintf(f, "    %s: ", dk_exposure_missing_name(bit));
		assess_words_missing(f, out->assess, out->exposure, bit);
		(void)fputc('\n', f);
	}
}

void
assess_explain(FILE *f, const struct assess_out *out, const struct assess_found *found)
{
	const struct dk_exposure_verdict *v = found->verdict;

	put_sets(f, out, found);
	put_releases(f, out, found->object->object);
	(void)fprintf(f, "answer (section 1): %s\n", assess_answers[v->answer]);
	if (v->answer == DK_READABLE)
		put_readable(f, out, v);
	else
		put_rest(f, out, found);
	(void)fprintf(f,
	    "beside it (section 5)\n  its share was %shanded to a stolen device\n"
	    "  without the log it would %scount as readable\n",
	    v->on_device ? "" : "not ", v->online ? "" : "not ");
}
