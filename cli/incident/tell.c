/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/incident/tell.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

static const char *const words[INCIDENT_WHATS] = {
	[INCIDENT_KEY] = "a private key, by its key id",
	[INCIDENT_KEY_VERSION] = "one version of a key of the key service",
	[INCIDENT_PROVIDER_KEYS] = "all keys of a provider",
	[INCIDENT_DEVICE] = "a device: its key, and all that is on it",
	[INCIDENT_ADMIN] = "what an administrator of the service needs to act",
	[INCIDENT_TOKEN_KEY] = "a key with which an issuer signs tokens",
	[INCIDENT_CA] = "the key of a CA for client certificates",
	[INCIDENT_PROCESS] = "control of one process of the service",
	[INCIDENT_PROXY] = "a place where TLS ended before the service",
	[INCIDENT_TLS_KEY] = "the TLS key of the service",
	[INCIDENT_STORE] = "a copy of the sealed store",
	[INCIDENT_PASSPHRASE] = "the passphrase of the sealed store",
	[INCIDENT_HSM_PIN] = "the PIN of the HSM, with a way to the HSM",
	[INCIDENT_BACKUP] = "a backup, which has the sealed store",
	[INCIDENT_DISK] = "the disk of the service: sealed store and TLS key",
	[INCIDENT_MEMORY] = ("the memory of the service's machine: all processes, passphrase, TLS "
			     "key, PIN of the HSM"),
	[INCIDENT_HOST] = "the service's machine: its memory and its sealed store",
};

const char *
incident_what_words(enum incident_what what)
{
	return words[what];
}

const char *
incident_item_words(const struct incident_item *item, char out[INCIDENT_WORDS_BYTES])
{
	char name[640];

	if (!item->name) {
		(void)snprintf(out, INCIDENT_WORDS_BYTES, "%s", words[item->what]);
		return out;
	}
	(void)dk_text_show(item->name, strlen(item->name), "", name, sizeof(name));
	(void)snprintf(out, INCIDENT_WORDS_BYTES, "%s: %s%s", words[item->what], name,
	    item->doubtful ? " (if there is one)" : "");
	return out;
}

/* ---- what it claims ---- */

static void
tell_window(const struct incident *incident, FILE *f)
{
	char from[INCIDENT_TIME_BYTES], to[INCIDENT_TIME_BYTES];

	incident_time_text(incident->from, from);
	incident_time_text(incident->to, to);
	(void)fprintf(f, "The thief could act\n  from %s\n  to   %s\n\n",
	    incident->from ? from : "the beginning, since nobody knows from when", to);
}

static void
tell_item(const struct incident_item *item, FILE *f)
{
	char text[INCIDENT_WORDS_BYTES], since[INCIDENT_TIME_BYTES], until[INCIDENT_TIME_BYTES];

	incident_time_text(item->since, since);
	(void)fprintf(f, "  - %s;\n    %s%s", incident_item_words(item, text),
	    item->since ? "since " : "since always, as far as anybody knows",
	    item->since ? since : "");
	if (item->until != DK_EXPOSURE_NEVER) {
		incident_time_text(item->until, until);
		(void)fprintf(f, " until %s", until);
	}
	(void)fputc('\n', f);
}

static void
tell_vouched(const struct incident *incident, FILE *f)
{
	if (!incident->as_written && incident->own_count == 0 && incident->not_copied_count == 0 &&
	    incident->not_shown == 0)
		return;
	(void)fputs("\nSomebody vouches that\n", f);
	if (incident->as_written)
		(void)fputs("  - the sets in the catalogue are what their writers made\n", f);
	if (incident->own_count > 0)
		(void)fprintf(f,
		    "  - %zu customer keys are the customer's, kept as the service's are\n",
		    incident->own_count);
	for (size_t i = 0; i < incident->not_copied_count; i++) {
		char text[INCIDENT_FOLDER_WORDS_BYTES];

		(void)fprintf(f, "  - %s\n", incident_folder_words(&incident->not_copied[i], text));
	}
	if (incident_rests_on_age(incident))
		(void)fputs("  - objects are not older than they say\n", f);
	if (incident->not_shown != 0) {
		(void)fputs("  - the thief could show none of these, but for what follows from "
			    "the list:",
		    f);
		for (unsigned bit = 1; incident_shown_word(bit); bit *= 2)
			if (incident->not_shown & bit)
				(void)fprintf(f, " %s", incident_shown_word(bit));
		(void)fputc('\n', f);
	}
}

/* ---- what follows ---- */

static bool
has(const struct incident *incident, unsigned whats)
{
	for (size_t i = 0; i < incident->item_count; i++)
		if (whats >> incident->item[i].what & 1)
			return true;
	return false;
}

static bool
has_process(const struct incident *incident, uint64_t process)
{
	for (size_t i = 0; i < incident->item_count; i++)
		if (incident->item[i].what == INCIDENT_PROCESS &&
		    incident->item[i].number == process)
			return true;
	return false;
}

#define BIT(what) (1U << (what))
#define WITH_MEMORY (BIT(INCIDENT_MEMORY) | BIT(INCIDENT_HOST))
#define WITH_STORE                                                                                 \
	(BIT(INCIDENT_STORE) | BIT(INCIDENT_BACKUP) | BIT(INCIDENT_DISK) | BIT(INCIDENT_HOST))
#define KEYS (BIT(INCIDENT_KEY) | BIT(INCIDENT_KEY_VERSION) | BIT(INCIDENT_PROVIDER_KEYS))

static bool
has_service_keys(const struct incident *incident)
{
	return has(incident, WITH_MEMORY | BIT(INCIDENT_HSM_PIN)) ||
	    has_process(incident, DK_EXPOSURE_KEYD) || has_process(incident, DK_EXPOSURE_TOKEND) ||
	    has_process(incident, DK_EXPOSURE_PARENT) ||
	    (has(incident, WITH_STORE) && has(incident, BIT(INCIDENT_PASSPHRASE)));
}

static void
tell_consequences(const struct incident *incident, FILE *f)
{
	(void)fputs("\nIt follows that\n"
		    "  - the provider share of each object counts as known\n",
	    f);
	if (has_service_keys(incident))
		(void)fputs(
		    "  - so do all keys that the service ever held: each object for one of\n"
		    "    them, whose body could be copied, was readable, at any time\n",
		    f);
	if (!has(incident, ~KEYS))
		(void)fputs(
		    "  - the answer does not depend on the log, since only keys were stolen\n", f);
	else
		(void)fputs("  - an object can only be called not readable with a log, and its "
			    "records,\n    that cover the whole window\n",
		    f);
}

/* ---- what it leaves open ---- */

struct open {
	FILE *f;
	bool any;
};

static void
tell_open(struct open *open, bool is, const char *text)
{
	if (!is)
		return;
	(void)fprintf(open->f, "%s  - %s\n", open->any ? "" : "\nLeft open\n", text);
	open->any = true;
}

static void
tell_open_item(struct open *open, const struct incident *incident, const struct incident_item *item)
{
	char text[INCIDENT_WORDS_BYTES], line[INCIDENT_WORDS_BYTES + 128];
	const char *what = NULL;

	if (item->since > incident->to && !(KEYS >> item->what & 1))
		what = "this was stolen behind the window; no release counts for it";
	else if (incident_what_ends(item->what) && item->until == DK_EXPOSURE_NEVER)
		what = "it has no 'until', and counts to the end of the window";
	else if (item->since == 0)
		what = "since when? A time makes the answer narrower";
	if (!what)
		return;
	(void)snprintf(line, sizeof(line), "line %u, %s:\n    %s", item->line,
	    incident_item_words(item, text), what);
	tell_open(open, true, line);
}

static void
tell_all_open(const struct incident *incident, uint64_t now, FILE *f)
{
	struct open open = { .f = f };

	tell_open(&open, incident->from == 0, "from when could the thief act?");
	tell_open(
	    &open, incident->to > now, "the window ends in the future: no log reaches there yet");
	for (size_t i = 0; i < incident->item_count; i++)
		tell_open_item(&open, incident, &incident->item[i]);
	tell_open(&open, has(incident, WITH_STORE) && !has_service_keys(incident),
	    "the sealed store was stolen: where was its passphrase? If it lies beside it, or can\n"
	    "    be guessed, 'passphrase' is an item of its own");
	tell_open(&open,
	    has(incident,
		BIT(INCIDENT_PROVIDER_KEYS) | BIT(INCIDENT_DEVICE) | BIT(INCIDENT_KEY_VERSION) |
		    BIT(INCIDENT_TOKEN_KEY)),
	    "names are looked up in catalogue and log when the assessment is made, not here");
	tell_open(&open, !incident->as_written,
	    "nobody vouches for the sets in the catalogue (sets = \"as-written\"): each object\n"
	    "    that was not readable will be called unknown");
	tell_open(&open, incident->own_count == 0,
	    "nobody vouches for customer keys (own-keys): an object for one that the service\n"
	    "    has no record of will be called unknown");
	tell_open(&open, incident->not_copied_count == 0,
	    "what could the thief not copy (not-copied)? Everything counts as copied");
	if (!open.any)
		(void)fputs("\nNothing is left open.\n", f);
}

void
incident_tell(const struct incident *incident, uint64_t now, FILE *f)
{
	tell_window(incident, f);
	(void)fputs("Stolen\n", f);
	for (size_t i = 0; i < incident->item_count; i++)
		tell_item(&incident->item[i], f);
	tell_vouched(incident, f);
	tell_consequences(incident, f);
	tell_all_open(incident, now, f);
}
