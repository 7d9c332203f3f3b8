/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of policies for a bundle: spec/evidence.md section 3. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/evidence/parts.h"
#include "cli/incident/incident.h"
#include "cli/console/message.h"

/* Around the window: an assessment knows the time of an entry only so far. */
#define MARGIN_S 86400

struct policies {
	struct evidence_parts *parts;
	const struct evidence_inventory *inventory;
	struct incident incident;
};

/* Whether the policy that an entry put in force in the window is no part yet. */
static bool
is_needed(const struct policies *p, size_t at, const struct incident *window,
    char hex[2 * DK_SHA256_BYTES + 1])
{
	const struct evidence_attested *a = &p->inventory->item[at];
	char name[DK_EVIDENCE_NAME_MAX_BYTES + 1];

	if (a->witnesses || !evidence_in_force(p->inventory, at, window))
		return false;
	dk_hex(a->digest, sizeof(a->digest), hex);
	(void)snprintf(name, sizeof(name), "policy/%s", hex);
	return !evidence_parts_has(p->parts, name);
}

static bool
add_named(const struct policies *p, size_t at, const char *path)
{
	const struct evidence_file *file;

	if (!evidence_parts_add_digest(p->parts, "policy", path))
		return false;
	file = &p->parts->file[p->parts->count - 1];
	if (memcmp(file->digest, p->inventory->item[at].digest, DK_SHA256_BYTES) == 0)
		return true;
	message_err(path, DK_ERR_EVIDENCE_CHANGED, NULL);
	return false;
}

/* Of a folder of texts under their digests, those that are needed. */
static bool
add_folder(const struct policies *p, const char *folder)
{
	const struct incident *incident = &p->incident;
	const struct incident wide = { .from = incident->from > MARGIN_S ? incident->from - MARGIN_S
									 : 0,
		.to = incident->to + MARGIN_S };
	char hex[2 * DK_SHA256_BYTES + 1], path[EVIDENCE_PATH_BYTES];

	for (size_t i = 0; i < p->inventory->count; i++) {
		if (!is_needed(p, i, &wide, hex))
			continue;
		if (!evidence_path(path, folder, hex))
			return false;
		if (access(path, F_OK) == 0 && !add_named(p, i, path))
			return false;
	}
	return true;
}

/* By name, what was in force and nobody gave. */
static void
note_missing(const struct policies *p)
{
	char hex[2 * DK_SHA256_BYTES + 1];

	for (size_t i = 0; i < p->inventory->count; i++)
		if (is_needed(p, i, &p->incident, hex) &&
		    evidence_is_first(p->inventory, i, &p->incident))
			message_note("The policy that entry %" PRIu64
				     " put in force is missing: SHA-256 %s.",
			    p->inventory->item[i].index, hex);
}

bool
evidence_policies_add(struct evidence_parts *parts, const struct evidence_inventory *inventory,
    const char *incident, const struct option_list *places)
{
	struct policies p = { .parts = parts, .inventory = inventory };
	bool ok = incident_load(incident, &p.incident, NULL, NULL);
	struct stat st;

	for (size_t i = 0; ok && i < places->count; i++) {
		const char *path = places->item[i];

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			ok = add_folder(&p, path);
		else
			ok = evidence_parts_add_digest(parts, "policy", path);
	}
	if (ok)
		note_missing(&p);
	incident_clear(&p.incident);
	return ok;
}
