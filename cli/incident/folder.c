/* SPDX-License-Identifier: Apache-2.0 */
/* What the thief could not copy, and when: spec/exposure.md section 8.3. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/incident/incident.h"

bool
incident_is_folder(const char *path)
{
	const char *part = path;

	while (*part == '/') {
		size_t len = strcspn(++part, "/");

		if (len == 0 || (len <= 2 && strspn(part, ".") == len))
			return false;
		part += len;
	}
	return part != path && *part == '\0';
}

/* Cuts " WORD TIME" off the end of text. The time, or NULL: it ends in another way. */
static const char *
cut_time(char *text, const char *word)
{
	char *last = strrchr(text, ' '), *before;

	if (!last)
		return NULL;
	*last = '\0';
	before = strrchr(text, ' ');
	if (before && strcmp(before + 1, word) == 0) {
		*before = '\0';
		return last + 1;
	}
	*last = ' ';
	return NULL;
}

/* A coarse time makes nothing safer: it is the shorter time that counts. */
static const char *
take(char *text, struct incident_folder *folder)
{
	const char *until = cut_time(text, "until"), *since = cut_time(text, "since");

	folder->since = 0;
	folder->until = DK_EXPOSURE_NEVER;
	if (until && !incident_time_parse(until, false, &folder->until))
		return "'until' is no time, such as 2031-05-03 or 2031-05-03T08:00Z";
	if (since && !incident_time_parse(since, true, &folder->since))
		return "'since' is no time, such as 2031-05-03 or 2031-05-03T08:00Z";
	if (folder->until < folder->since)
		return "it ends before it begins; a day is its last second behind 'since' here, "
		       "and its first behind 'until'";
	if (cut_time(text, "until") || cut_time(text, "since"))
		return "times are written 'since TIME until TIME', each once";
	return incident_is_folder(text) ? NULL
					: "no absolute path without '.', '..' and '/' at its end, "
					  "with times behind it or without";
}

const char *
incident_folder_parse(const char *text, struct incident_folder *ret)
{
	*ret = (struct incident_folder){ .path = strdup(text) };
	return ret->path ? take(ret->path, ret) : dk_err_text(DK_ERR_NOMEM);
}

void
incident_folder_clear(struct incident_folder *folder)
{
	free(folder->path);
	folder->path = NULL;
}

const char *
incident_folder_words(const struct incident_folder *folder, char out[INCIDENT_FOLDER_WORDS_BYTES])
{
	char path[1024], time[INCIDENT_TIME_BYTES];
	size_t len;

	(void)dk_text_show(folder->path, strlen(folder->path), "", path, sizeof(path));
	(void)snprintf(out, INCIDENT_FOLDER_WORDS_BYTES, "nothing below %s could be copied", path);
	if (folder->since > 0) {
		incident_time_text(folder->since, time);
		len = strlen(out);
		(void)snprintf(out + len, INCIDENT_FOLDER_WORDS_BYTES - len, " from %s on", time);
	}
	if (folder->until != DK_EXPOSURE_NEVER) {
		incident_time_text(folder->until, time);
		len = strlen(out);
		(void)snprintf(out + len, INCIDENT_FOLDER_WORDS_BYTES - len, "%s until %s",
		    folder->since > 0 ? "," : "", time);
	}
	return out;
}

bool
incident_rests_on_age(const struct incident *incident)
{
	for (size_t i = 0; i < incident->not_copied_count; i++)
		if (incident->not_copied[i].since > 0)
			return true;
	return false;
}

static int
by_since(const void *one, const void *other)
{
	const struct incident_folder *a = one, *b = other;

	if (a->since != b->since)
		return a->since < b->since ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

void
incident_folders_sort(struct incident *incident)
{
	qsort(incident->not_copied, incident->not_copied_count, sizeof(*incident->not_copied),
	    by_since);
}

static bool
is_below(const struct incident_folder *folder, const uint8_t *path, size_t len)
{
	size_t n = strlen(folder->path);

	return len > n && path[n] == '/' && memcmp(path, folder->path, n) == 0;
}

bool
incident_open(
    const struct incident *incident, const uint8_t *path, size_t len, uint64_t first, uint64_t last)
{
	for (size_t i = 0; i < incident->not_copied_count; i++) {
		const struct incident_folder *folder = &incident->not_copied[i];

		if (folder->until < first || !is_below(folder, path, len))
			continue;
		/* None of those behind it begins earlier. */
		if (folder->since > first)
			return true;
		if (folder->until >= last)
			return false;
		first = folder->until + 1;
	}
	return true;
}
