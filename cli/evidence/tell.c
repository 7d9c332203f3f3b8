/* SPDX-License-Identifier: Apache-2.0 */
/* What a bundle shows, in words: spec/evidence.md section 7. */
#include "cli/evidence/evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "doublekey/doublekey.h"
#include "cli/incident/incident.h"

#define SHOWN_BYTES 1024
/* Roots of the catalogue that are told one by one. */
#define ROOTS_SHOWN 20

static bool
has(const struct evidence_found *f, const char *name)
{
	return dk_manifest_find(&f->bundle->manifest, name) != NULL;
}

static bool
has_below(const struct evidence_found *f, const char *folder)
{
	const struct dk_manifest *m = &f->bundle->manifest;

	for (size_t i = 0; i < m->count; i++)
		if (strncmp(m->part[i].name, folder, strlen(folder)) == 0)
			return true;
	return false;
}

/* ---- proved ---- */

static void
tell_signature(const struct evidence_found *f)
{
	char id[65];

	if (f->bundle->signature_len == 0)
		return;
	dk_hex(f->identity, sizeof(f->identity), id);
	(void)printf("  The key service signed this bundle with its identity key\n"
		     "    %s\n"
		     "    for the auditor \"%s\": entry %" PRIu64 " of its log.\n",
	    id, f->auditor, f->signed_index);
}

static size_t
attested(const struct evidence_found *f, size_t *ret_texts)
{
	const struct dk_manifest *m = &f->bundle->manifest;
	size_t named = 0;

	*ret_texts = 0;
	for (size_t i = 0; i < m->count; i++) {
		const char *name = m->part[i].name;
		bool witnesses = strncmp(name, "witnesses/", 10) == 0, found = false;

		if (!witnesses && strncmp(name, "policy/", 7) != 0)
			continue;
		(*ret_texts)++;
		for (size_t j = 0; j < f->inventory.count && !found; j++)
			found = f->inventory.item[j].witnesses == witnesses &&
			    memcmp(f->inventory.item[j].digest, m->part[i].digest,
				DK_SHA256_BYTES) == 0;
		named += found;
	}
	return named;
}

static void
tell_proved(const struct evidence_found *f)
{
	size_t texts, named;

	(void)printf("Proved:\n"
		     "  Every byte of the file is what its manifest says; it has %zu parts.\n",
	    f->bundle->manifest.count);
	if (f->identity_known)
		tell_signature(f);
	(void)printf("  The log %s has %" PRIu64 " entries; its keys%s signed this tree, and\n"
		     "    every entry leads to its root.\n",
	    f->origin, f->log_size, f->quorum ? " and the quorum of its witnesses" : "");
	if (!f->opened)
		return;
	(void)printf("  Private records that open their entries of the log: %" PRIu64 ".\n"
		     "  The inventory of keys is what these records say.\n"
		     "  The result is what the rules give for these inputs: computed again, it is\n"
		     "    the same.\n",
	    f->inventory.records);
	if (f->report == EVIDENCE_REPORT_PROVED)
		(void)printf("  The report is what is made of the result: made again, it is the "
			     "same.\n");
	named = attested(f, &texts);
	if (named > 0)
		(void)printf(
		    "  Policies that entries of the log name: %zu of %zu.\n", named, texts);
}

/* ---- claimed ---- */

/* What somebody vouches for by the incident file. */
static void
tell_vouched(const struct incident *incident)
{
	char words[INCIDENT_FOLDER_WORDS_BYTES];

	(void)printf("  What was stolen, and when, is as the incident file says.\n"
		     "  A silence of the log of up to %" PRIu64 " seconds hides nothing.\n",
	    incident->silence);
	if (incident->as_written)
		(void)printf("  The stanza sets in the catalogue are what their writers made.\n");
	for (unsigned bit = 1; incident_shown_word(bit); bit *= 2)
		if (incident->not_shown & bit)
			(void)printf(
			    "  The thief could show no %s of his own.\n", incident_shown_word(bit));
	if (incident->own_count > 0)
		(void)printf("  %zu customer key%s the customer's, kept as the service's are.\n",
		    incident->own_count, incident->own_count == 1 ? " is" : "s are");
	for (size_t i = 0; i < incident->not_copied_count; i++)
		(void)printf(
		    "  N%s.\n", incident_folder_words(&incident->not_copied[i], words) + 1);
	if (incident_rests_on_age(incident))
		(void)printf("  Objects are not older than they say.\n");
}

static void
tell_made(const struct dk_manifest *m)
{
	char made[INCIDENT_TIME_BYTES], digest[65];

	incident_time_text(m->time, made);
	dk_hex(m->program, sizeof(m->program), digest);
	(void)printf("  The bundle was made at %s by doublekey %s, of which the\n"
		     "    executable has the SHA-256\n    %s\n",
	    made, m->version, digest);
}

static void
tell_report(const struct evidence_found *f)
{
	if (!has(f, EVIDENCE_PAGE) && !has(f, EVIDENCE_LIST))
		return;
	if (f->report == EVIDENCE_REPORT_OTHER)
		(void)printf("  The report says what the result says: doublekey %s made it, and\n"
			     "    this one, %s, makes another one.\n",
		    f->bundle->manifest.version, DK_VERSION);
	else if (f->report == EVIDENCE_REPORT_CLAIMED)
		(void)printf("  The report says what the result says.\n");
}

static void
tell_claimed(const struct evidence_found *f)
{
	size_t texts;

	(void)printf("Claimed, by whoever made or signed it:\n");
	if (!f->identity_known)
		tell_signature(f);
	if (!f->identity_known && f->bundle->signature_len > 0)
		(void)printf("    That this is its key, nobody has shown: give --identity.\n");
	tell_vouched(f->incident);
	(void)printf("  The catalogue has all objects that there are.\n");
	if (!f->quorum)
		(void)printf("  Times of entries are those of the clock of the service.\n");
	if (has(f, "configuration"))
		(void)printf("  The configuration is the one of the service.\n");
	tell_report(f);
	if (f->opened && attested(f, &texts) < texts)
		(void)printf("  Policies that no entry of the log names were in force.\n");
	if (has_below(f, "spec/"))
		(void)printf("  The texts in spec/ are those that the program follows.\n");
	tell_made(&f->bundle->manifest);
}

/* ---- missing ---- */

static unsigned missing;

static void
miss(const char *text)
{
	missing++;
	(void)printf("  %s\n", text);
}

/* The text that an entry names, if it was in force in the window and is not here. */
static void
miss_text(const struct evidence_found *f, size_t at)
{
	const struct evidence_attested *a = &f->inventory.item[at];
	char hex[65], name[DK_EVIDENCE_NAME_MAX_BYTES + 1];

	if (!evidence_in_force(&f->inventory, at, f->incident) ||
	    !evidence_is_first(&f->inventory, at, f->incident))
		return;
	dk_hex(a->digest, sizeof(a->digest), hex);
	(void)snprintf(name, sizeof(name), "%s/%s", a->witnesses ? "witnesses" : "policy", hex);
	if (has(f, name))
		return;
	missing++;
	(void)printf("  The %s that entry %" PRIu64 " put in force: SHA-256\n    %s\n",
	    a->witnesses ? "witness policy" : "policy", a->index, hex);
}

static void
miss_below(const struct evidence_root *root)
{
	char safe[SHOWN_BYTES], started[INCIDENT_TIME_BYTES];

	(void)dk_text_show((const char *)root->path, root->len, "", safe, sizeof(safe));
	incident_time_text(root->started, started);
	if (root->stopped)
		(void)printf("  What the catalogue did not see below %s: its scan of\n"
			     "    %s did not end.\n",
		    safe, started);
	if (root->missed > 0)
		(void)printf("  What could not be read below %s: %" PRIu64 " place%s.\n", safe,
		    root->missed, root->missed == 1 ? "" : "s");
}

/* What the catalogue itself says that it does not have. */
static void
miss_scans(const struct evidence_scans *scans)
{
	size_t incomplete = 0;

	if (scans->count == 0)
		miss("What was looked at: the catalogue has no scan.");
	for (size_t i = 0; i < scans->count; i++) {
		const struct evidence_root *root = &scans->root[i];

		if (root->stopped || root->missed > 0)
			if (incomplete++ < ROOTS_SHOWN)
				miss_below(root);
	}
	missing += incomplete > 0;
	if (incomplete > ROOTS_SHOWN)
		(void)printf(
		    "  The same of %zu more roots of the catalogue.\n", incomplete - ROOTS_SHOWN);
}

static void
tell_missing(const struct evidence_found *f)
{
	const struct dk_manifest *m = &f->bundle->manifest;
	char until[INCIDENT_TIME_BYTES];

	(void)printf("Missing:\n");
	missing = 0;
	if (f->bundle->signature_len == 0)
		miss("A signature of the key service.");
	if (!f->opened)
		miss("The private records: not opened, and the result was not computed again.");
	if (f->opened && f->inventory.records < f->log_size)
		miss("Records of some entries.");
	if (m->until > 0) {
		incident_time_text(m->until, until);
		missing++;
		(void)printf("  Records from %s on were left out.\n", until);
	}
	if (!m->persons)
		miss("Users, devices and addresses were left out of the records.");
	miss_scans(&f->scans);
	for (size_t i = 0; f->opened && i < f->inventory.count; i++)
		miss_text(f, i);
	if (!has(f, "configuration"))
		miss("The configuration of the service.");
	if (!has(f, EVIDENCE_PAGE))
		miss("A report for people.");
	if (!has_below(f, "spec/"))
		miss("Texts of the specification.");
	if (!has_below(f, "log/checkpoints/"))
		miss("Earlier checkpoints of the log.");
	if (missing == 0)
		miss("Nothing that a bundle can have.");
}

void
evidence_tell(const struct evidence_found *f)
{
	tell_proved(f);
	tell_claimed(f);
	tell_missing(f);
}
