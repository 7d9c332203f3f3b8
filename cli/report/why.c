/* SPDX-License-Identifier: Apache-2.0 */
/* Derivations in words: each step, with what was stolen for it. */
#include <string.h>

#include "cli/assess/words.h"
#include "base/text.h"
#include "cli/log/print.h"
#include "cli/report/impl.h"

/* ---- what was stolen for it ---- */

static const struct incident_item *
item_of(const struct report *r, size_t theft)
{
	const struct assess *a = r->assess;

	return theft < a->cause.count ? &a->incident->item[((uint32_t *)a->cause.at)[theft]] : NULL;
}

/* The item of the incident file that a theft comes from. */
static void
put_cause(struct report *r, size_t theft)
{
	const struct incident_item *item = item_of(r, theft);

	if (!item)
		return;
	put_item_name(r, item);
	put(r, " (");
	put_since(r, item);
	put(r, ")");
}

static void
put_how(struct report *r, const struct dk_exposure_why *why)
{
	const struct incident_item *item = item_of(r, why->theft);

	switch (why->how) {
	case DK_HOW_NOT:
		put(r, pick(r, "not stolen", "nicht entwendet"));
		return;
	case DK_HOW_STOLEN:
		put(r, pick(r, "stolen, ", "entwendet, "));
		if (item)
			put_since(r, item);
		return;
	case DK_HOW_SERVICE:
		put(r,
		    pick(r, "a key of the key service, in reach with: ",
			"ein Schlüssel des Schlüsseldienstes, erreichbar mit: "));
		break;
	case DK_HOW_VERIFIER:
		put(r, pick(r, "checked by what the thief had: ", "geprüft durch Entwendetes: "));
		break;
	case DK_HOW_PAGE:
		put(r,
		    pick(r, "on a page that the thief could change: ",
			"auf einer Seite, die der Angreifer ändern konnte: "));
		break;
	case DK_HOW_JUDGED:
		put(r,
		    pick(r, "whose request it was, said what the thief had: ",
			"wessen Anfrage es war, sagte Entwendetes: "));
		break;
	case DK_HOW_FETCHD:
		put(r,
		    pick(r, "checked with keys that came through: ",
			"geprüft mit Schlüsseln, die hierüber kamen: "));
		break;
	case DK_HOW_CODE:
		say(r, "enrolled with the code of log entry {0}, made with: ",
		    "angemeldet mit dem Code aus Protokolleintrag {0}, erzeugt mit: ",
		    index_word(why->code).s, NULL);
		break;
	case DK_HOW_ENROLMENT:
		put(r,
		    pick(r, "enrolled while the thief had: ",
			"angemeldet, während der Angreifer dies hatte: "));
		break;
	}
	put_cause(r, why->theft);
	if (why->second != DK_EXPOSURE_NONE) {
		put(r, pick(r, " and ", " und "));
		put_cause(r, why->second);
	}
}

/* ---- keys ---- */

/* Behind "opens with", which the caller wrote. */
static void
put_key(struct report *r, uint32_t key)
{
	const uint8_t *id = (const uint8_t *)r->assess->key.at + (size_t)32 * key;
	struct dk_exposure_why why;

	form(r, "<bdi class=\"name\">{0}</bdi> <code>{1}</code>: ", key_name(r, id).s,
	    short_hex(id).s, NULL);
	dk_exposure_why_key(r->exposure, key, &why);
	put_how(r, &why);
}

/* ---- releases ---- */

static void
put_device_name(struct report *r, uint64_t index)
{
	const struct assess_device *device = assess_words_device(r->assess, index);

	if (device && !device->erased && device->name[0])
		form(r, "<bdi class=\"name\">{0}</bdi>", shown_string(device->name).s, NULL);
	else
		form(r, "<b>#{0}</b>", index_word(index).s, NULL);
}

static void
put_factor(struct report *r, const struct dk_exposure_factor *factor)
{
	const struct assess_issuer *issuer = r->assess->issuer.at;

	switch (factor->kind) {
	case DK_BY_DEVICE:
		put(r, pick(r, "Device ", "Gerät "));
		put_device_name(r, factor->id);
		return;
	case DK_BY_APPROVAL:
		put(r, pick(r, "Approval with device ", "Genehmigung mit dem Gerät "));
		put_device_name(r, factor->id);
		return;
	case DK_BY_ADMIN:
		say(r, "Administrator <b>{0}</b>", "Administrator <b>{0}</b>",
		    index_word(factor->id).s, NULL);
		return;
	case DK_BY_TOKEN:
		say(r, "Token of <bdi class=\"name\">{0}</bdi>, key <bdi>{1}</bdi>",
		    "Token von <bdi class=\"name\">{0}</bdi>, Schlüssel <bdi>{1}</bdi>",
		    shown_string(issuer[factor->id].issuer).s,
		    shown_string(issuer[factor->id].key).s, NULL);
		return;
	case DK_BY_CERT:
		say(r, "Certificate of the CA <code>{0}</code>",
		    "Zertifikat der Zertifizierungsstelle <code>{0}</code>",
		    short_hex((const uint8_t *)r->assess->ca.at + 32 * factor->id).s, NULL);
		return;
	case DK_BY_CONFIRMATION:
		say(r, "Confirmation of log entry {0}", "Bestätigung aus Protokolleintrag {0}",
		    index_word(factor->id).s, NULL);
		return;
	case DK_BY_FRONT:
		put(r,
		    pick(r, "Certificate that a front saw",
			"Zertifikat, das ein vorgelagerter Dienst sah"));
		return;
	}
}

/* Of rule 3, only devices that were had. */
static void
put_factors(struct report *r, const struct dk_exposure_entry *e, bool all)
{
	size_t shown_count = 0, left = 0;

	put(r, "<ul>");
	for (size_t i = 0; i < e->factor_count; i++) {
		struct dk_exposure_why why;

		dk_exposure_why_device(r->exposure, e->factor[i].id, e->before, &why);
		if (!all && (e->factor[i].kind != DK_BY_DEVICE || why.how == DK_HOW_NOT))
			continue;
		if (shown_count++ >= REPORT_FACTORS) {
			left++;
			continue;
		}
		dk_exposure_why_factor(r->exposure, e, &e->factor[i], &why);
		put(r, "<li>");
		put_factor(r, &e->factor[i]);
		put(r, ": ");
		put_how(r, &why);
	}
	if (left > 0)
		say(r, "<li>and {0} more", "<li>und {0} weitere", number(r, left).s, NULL);
	put(r, "</ul>");
}

static void
put_entry_time(struct report *r, uint64_t index)
{
	struct assess_when at = assess_when(r->assess, index);

	if (r->assess->time.count == 0)
		put_text(r, when(r, at.after > 0 ? at.after + 1 : 0).s);
	else if (at.after > 0)
		say(r, "between {0} and {1}", "zwischen {0} und {1}", when(r, at.after).s,
		    when(r, at.before).s, NULL);
	else
		say(r, "not later than {0}", "spätestens {0}", when(r, at.before).s, NULL);
}

/* Of Microsoft's protocol: what the request had at all. */
static void
put_level(struct report *r, const struct assess_entry *entry)
{
	static const char *const gates[][2] = {
		[ASSESS_SESSION] = { "an open session", "einer offenen Sitzung" },
		[ASSESS_APPROVAL] = { "an approval of before", "einer früheren Genehmigung" },
		[ASSESS_NETWORK] = { "a network identity", "einer Netzkennung" },
	};

	if (!entry->clear)
		return;
	if (entry->level)
		say(r, ", at level {0}", ", auf Stufe {0}", log_level_name(entry->level), NULL);
	else
		put(r, pick(r, ", without a level", ", ohne Stufe"));
	for (unsigned gate = ASSESS_SESSION; gate <= ASSESS_NETWORK; gate <<= 1)
		if (entry->gates & gate)
			say(r, ", with {0}", ", mit {0}", pick(r, gates[gate][0], gates[gate][1]),
			    NULL);
}

static void
put_release(struct report *r, const struct dk_exposure_verdict *v)
{
	const struct assess_entry *entry = (struct assess_entry *)r->assess->entry.at + v->entry;
	const struct assess_user *user = (struct assess_user *)r->assess->user.at + entry->root;
	struct dk_exposure_entry e;
	struct assess_room room;

	assess_entry(r->assess, v->entry, &room, &e);
	say(r, "<li>Log entry {0} (", "<li>Protokolleintrag {0} (", index_word(v->entry).s, NULL);
	put_entry_time(r, v->entry);
	put(r, pick(r, ") handed out the customer share", ") gab den Kundenanteil heraus"));
	if (user->name[0])
		say(r, " at the request of <bdi class=\"name\">{0}</bdi>",
		    ", angefragt von <bdi class=\"name\">{0}</bdi>", shown_string(user->name).s,
		    NULL);
	put_level(r, entry);
	put(r,
	    v->customer_rule == DK_RULE_RELEASE
		? pick(r, ". The thief could have made this request:",
		      ". Der Angreifer hätte diese Anfrage stellen können:")
		: pick(r, ". The thief could read what it handed out:",
		      ". Der Angreifer konnte das Herausgegebene lesen:"));
	put_factors(r, &e, v->customer_rule == DK_RULE_RELEASE);
}

/* ---- an object ---- */

static void
put_derivation(struct report *r, const struct dk_exposure_verdict *v)
{
	if (v->customer_rule == DK_RULE_UNWRAP) {
		put(r,
		    pick(r, "<li>The customer share opens with key ",
			"<li>Den Kundenanteil öffnet der Schlüssel "));
		put_key(r, v->customer_key);
	} else {
		put_release(r, v);
	}
	if (v->provider_rule == DK_RULE_UNWRAP) {
		put(r,
		    pick(r, "<li>The provider share opens with key ",
			"<li>Den Anbieteranteil öffnet der Schlüssel "));
		put_key(r, v->provider_key);
	} else {
		put(r,
		    pick(r, "<li>The provider share counts as known (rule 0).",
			"<li>Der Anbieteranteil gilt als bekannt (Regel 0)."));
	}
}

void
put_why(struct report *r, const struct report_row *row)
{
	const struct dk_exposure_verdict *v = &row->verdict;

	if (v->answer == DK_READABLE)
		put_derivation(r, v);
	for (unsigned bit = 1; bit <= DK_MISSING_KEY; bit <<= 1)
		if (v->answer == DK_UNKNOWN && v->missing & bit)
			form(r, "<li class=\"short\">{0}", missing_short(r, bit), NULL);
	if (v->on_device && v->answer == DK_NOT_READABLE)
		put(r,
		    pick(r, "<li>A stolen device once got its customer share.",
			"<li>Ein entwendetes Gerät hat den Kundenanteil einmal erhalten."));
	else if (v->on_device)
		put(r,
		    pick(r, "<li class=\"m\">A stolen device had it.",
			"<li class=\"m\">Es lag auf einem entwendeten Gerät."));
}

void
put_where(struct report *r, unsigned bit)
{
	const struct assess *a = r->assess;
	uint64_t entry = dk_exposure_why_missing(r->exposure, bit);

	if (bit == DK_MISSING_END && a->entry.count > 0) {
		say(r, "<span class=\"m time-of\">Its last entry: {0}.</span>",
		    "<span class=\"m time-of\">Letzter Eintrag: {0}.</span>",
		    when(r, assess_when(a, a->entry.count - 1).after).s, NULL);
		return;
	}
	if (entry == DK_EXPOSURE_NEVER)
		return;
	if (bit == DK_MISSING_GAP)
		say(r, "<span class=\"m time-of\">First from {0} to {1}.</span>",
		    "<span class=\"m time-of\">Erstmals vom {0} bis zum {1}.</span>",
		    when(r, entry > 0 ? assess_when(a, entry - 1).after : 0).s,
		    when(r, assess_when(a, entry).after).s, NULL);
	else
		say(r, "<span class=\"m time-of\">First at log entry {0}.</span>",
		    "<span class=\"m time-of\">Erstmals bei Protokolleintrag {0}.</span>",
		    index_word(entry).s, NULL);
}
