/* SPDX-License-Identifier: Apache-2.0 */
/* What was stolen, derivations and missing evidence in words. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report/impl.h"

/* ---- what was stolen ---- */

const char *
item_words(const struct report *r, enum incident_what what)
{
	static const char *const words[INCIDENT_WHATS][2] = {
		[INCIDENT_KEY] = { "Private key", "Privater Schlüssel" },
		[INCIDENT_KEY_VERSION] = { "Version of a customer key",
		    "Version eines Kundenschlüssels" },
		[INCIDENT_PROVIDER_KEYS] = { "All keys of the provider",
		    "Alle Schlüssel des Anbieters" },
		[INCIDENT_DEVICE] = { "Device", "Gerät" },
		[INCIDENT_ADMIN] = { "Administrator’s access, user id",
		    "Zugang eines Administrators, Benutzernummer" },
		[INCIDENT_TOKEN_KEY] = { "Token-signing key of the issuer",
		    "Token-Signaturschlüssel des Ausstellers" },
		[INCIDENT_CA] = { "Key of a certificate authority",
		    "Schlüssel einer Zertifizierungsstelle" },
		[INCIDENT_PROCESS] = { "Control of the service’s process",
		    "Kontrolle über den Dienstprozess" },
		[INCIDENT_PROXY] = { "A place where TLS ended before the service",
		    "Eine Stelle, an der TLS vor dem Dienst endete" },
		[INCIDENT_TLS_KEY] = { "TLS key of the key service",
		    "TLS-Schlüssel des Schlüsseldienstes" },
		[INCIDENT_STORE] = { "Copy of the sealed key store",
		    "Kopie des versiegelten Schlüsselspeichers" },
		[INCIDENT_PASSPHRASE] = { "Passphrase of the sealed key store",
		    "Passphrase des versiegelten Schlüsselspeichers" },
		[INCIDENT_HSM_PIN] = { "PIN of the HSM, with access to the HSM",
		    "PIN des HSM, mit Zugang zum HSM" },
		[INCIDENT_BACKUP] = { "Backup with the sealed key store",
		    "Datensicherung mit dem versiegelten Schlüsselspeicher" },
		[INCIDENT_DISK] = { "Disk of the key service: sealed key store and TLS key",
		    "Datenträger des Schlüsseldienstes: versiegelter Schlüsselspeicher und "
		    "TLS-Schlüssel" },
		[INCIDENT_MEMORY] = { "Memory of the key service’s machine",
		    "Arbeitsspeicher des Rechners, auf dem der Schlüsseldienst läuft" },
		[INCIDENT_HOST] = { "The key service’s machine, memory and disk",
		    "Der Rechner des Schlüsseldienstes mit Arbeitsspeicher und Datenträger" },
	};

	return pick(r, words[what][0], words[what][1]);
}

void
put_item_name(struct report *r, const struct incident_item *item)
{
	if (item->name)
		form(r, "{0} <bdi class=\"name\">{1}</bdi>", item_words(r, item->what),
		    shown_string(item->name).s, NULL);
	else
		form(r, "<span class=\"name\">{0}</span>", item_words(r, item->what), NULL);
	if (item->doubtful)
		put(r, pick(r, " (if there is one)", " (falls vorhanden)"));
}

void
put_since(struct report *r, const struct incident_item *item)
{
	if (item->since == 0)
		put(r, pick(r, "since when is unknown", "Beginn unbekannt"));
	else
		say(r, "since {0}", "seit dem {0}", when(r, item->since).s, NULL);
	if (item->until != DK_EXPOSURE_NEVER)
		say(r, ", until {0}", ", bis zum {0}", when(r, item->until).s, NULL);
}

void
put_item(struct report *r, const struct incident_item *item)
{
	put_item_name(r, item);
	put(r, " <span class=\"m time-of\">");
	put_since(r, item);
	put(r, "</span>");
}

/* ---- keys ---- */

struct report_shown
key_name(const struct report *r, const uint8_t id[32])
{
	const struct assess *a = r->assess;
	const struct assess_made *made = a->made.at;
	const struct dk_catalogue_key *row = a->row.at;
	char text[2 * DK_LOG_NAME_MAX_BYTES + 32] = "";

	for (size_t i = 0; i < a->made.count; i++) {
		if (memcmp(made[i].key_id, id, 32) == 0) {
			(void)snprintf(
			    text, sizeof(text), "%s/%" PRIu32, made[i].name, made[i].version);
			return shown_string(text);
		}
	}
	for (size_t i = 0; i < a->row.count; i++)
		if (memcmp(row[i].key_id, id, 32) == 0)
			return shown_string(row[i].custodian);
	return shown_string("");
}

/* ---- missing evidence ---- */

struct missing {
	const char *brief[2], *title[2], *help[2];
};

static const struct missing *
missing_of(unsigned bit)
{
	static const struct missing table[] = {
		{ { "log: start not shown", "Beginn des Protokolls nicht belegt" },
		    { "The log does not show how the service ran from its start.",
			"Das Protokoll zeigt nicht von Beginn an, wie der Dienst lief." },
		    { "Find the log and records from entry 0 on.",
			"Protokoll und Datensätze ab Eintrag 0 beschaffen." } },
		{ { "log ends too early", "Protokoll endet zu früh" },
		    { "The log ends before the window does.",
			"Das Protokoll endet vor dem Ende des Zeitfensters." },
		    { "Fetch a newer copy of the log; it must reach beyond the window.",
			"Eine neuere Kopie des Protokolls holen; sie muss über das Zeitfenster "
			"hinausreichen." } },
		{ { "gap in the log", "Lücke im Protokoll" },
		    { "The log has a gap within the window that is longer than allowed.",
			"Das Protokoll hat im Zeitfenster eine Lücke, die länger ist als "
			"zulässig." },
		    { "Find out whether the service stood still, then name the longest gap in the "
		      "incident file (silence).",
			"Klären, ob der Dienst stand, und dann die längste Lücke in der "
			"Vorfalldatei angeben (silence)." } },
		{ { "record missing", "Datensatz fehlt" },
		    { "An entry or its record is not there, or was erased in a part that matters.",
			"Ein Eintrag oder sein Datensatz fehlt oder wurde an einer wesentlichen "
			"Stelle gelöscht." },
		    { "Look for the missing records in backups and exports.",
			"Die fehlenden Datensätze in Sicherungen und Exporten suchen." } },
		{ { "log process in doubt", "Protokollprozess zweifelhaft" },
		    { "The process that writes the log was not its owner’s while it was trusted.",
			"Der Prozess, der das Protokoll schreibt, war in fremder Hand, während ihm "
			"vertraut wurde." },
		    { "Narrow down since when and until when, or run the service in strict mode "
		      "with witnesses.",
			"Beginn und Ende eingrenzen; künftig den Dienst im Modus „strict“ mit "
			"Zeugen betreiben." } },
		{ { "header not scanned", "Kopf nicht erfasst" },
		    { "No header of the object was scanned.",
			"Der Kopf des Objekts wurde nicht erfasst." },
		    { "Scan the folders where it lies: doublekey scan.",
			"Die Ordner erfassen, in denen es liegt: doublekey scan." } },
		{ { "key sets not vouched for", "Schlüsselsätze unverbürgt" },
		    { "Nobody vouches that its sets of keys are as they were written.",
			"Niemand bürgt dafür, dass seine Schlüsselsätze so sind, wie sie "
			"geschrieben wurden." },
		    { "If the scanned copies are trustworthy, say so in the incident file (sets = "
		      "\"as-written\").",
			"Wenn die erfassten Kopien vertrauenswürdig sind, dies in der Vorfalldatei "
			"erklären (sets = \"as-written\")." } },
		{ { "customer key not vouched for", "Kundenschlüssel unverbürgt" },
		    { "A customer key of the object is not known to be the customer’s.",
			"Von einem Kundenschlüssel des Objekts ist nicht bekannt, dass er dem "
			"Kunden gehört." },
		    { "If it is, name it in the incident file (own-keys).",
			"Wenn er ihm gehört, ihn in der Vorfalldatei nennen (own-keys)." } },
	};

	return &table[__builtin_ctz(bit)];
}

const char *
missing_short(const struct report *r, unsigned bit)
{
	return missing_of(bit)->brief[r->language];
}

const char *
missing_title(const struct report *r, unsigned bit)
{
	return missing_of(bit)->title[r->language];
}

const char *
missing_help(const struct report *r, unsigned bit)
{
	return missing_of(bit)->help[r->language];
}
