/* SPDX-License-Identifier: Apache-2.0 */
/* What an export chooses, and how that is said. spec/export.md sections 1 to 3. */
#include "log/export.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format/schedule.h"

#define TIME_BYTES 21

struct text {
	char *s;
	size_t len;
	bool failed;
};

static void
add(struct text *text, const char *word, const char *value)
{
	size_t left = DK_EXPORT_NOTE_BYTES - text->len;
	int n =
	    snprintf(text->s + text->len, left, "%s%s%s", text->len > 0 ? ", " : "", word, value);

	if (n < 0 || (size_t)n >= left)
		text->failed = true;
	else
		text->len += (size_t)n;
}

static void
add_time(struct text *text, const char *word, uint64_t seconds)
{
	time_t t = (time_t)seconds;
	char when[TIME_BYTES + 1] = "";
	struct tm tm;

	if (seconds == 0)
		return;
	/* Years of four digits. */
	if (seconds >= UINT64_C(253402300800) || !gmtime_r(&t, &tm) ||
	    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text->failed = true;
	add(text, word, when);
}

bool
dk_export_note(const struct dk_export_chosen *chosen, char ret_note[DK_EXPORT_NOTE_BYTES])
{
	struct text text = { .s = ret_note };

	ret_note[0] = '\0';
	add_time(&text, "since ", chosen->since);
	add_time(&text, "until ", chosen->until);
	if (chosen->user[0])
		add(&text, "user", "");
	if (chosen->has_device)
		add(&text, "device", "");
	if (chosen->has_object)
		add(&text, "object", "");
	if (text.len == 0)
		add(&text, "all", "");
	return !text.failed;
}

/* A word and, if there is one, the time behind it; false: it is not there. */
static bool
take(const char **at, const char *word, bool with_time)
{
	static const char form[] = "0000-00-00T00:00:00Z";
	const char *s = *at + strlen(word);

	if (strncmp(*at, word, strlen(word)) != 0)
		return false;
	for (size_t i = 0; with_time && form[i]; i++, s++)
		if (form[i] == '0' ? *s < '0' || *s > '9' : *s != form[i])
			return false;
	if (s[0] == ',' && s[1] == ' ' && s[2])
		s += 2;
	else if (*s)
		return false;
	*at = s;
	return true;
}

bool
dk_export_note_valid(const char *note)
{
	const char *at = note;

	if (strcmp(note, "all") == 0)
		return true;
	(void)take(&at, "since ", true);
	(void)take(&at, "until ", true);
	(void)take(&at, "user", false);
	(void)take(&at, "device", false);
	(void)take(&at, "object", false);
	return at > note && *at == '\0' && at[-1] != ' ';
}

bool
dk_export_is_chosen(const struct dk_export_chosen *chosen, const struct dk_log_event *event)
{
	bool found = !chosen->has_object;

	if (event->time < chosen->since || (chosen->until && event->time >= chosen->until) ||
	    (chosen->user[0] && strcmp(chosen->user, event->user) != 0) ||
	    (chosen->has_device &&
		(!event->has_device || memcmp(chosen->device, event->device, 32) != 0)))
		return false;
	for (unsigned i = 0; !found && i < event->object_count; i++)
		found = event->objects[i].code != UINT16_MAX &&
		    memcmp(chosen->object, event->objects[i].object_id, 16) == 0;
	return found;
}

dk_err
dk_export_info(
    const char *label, const uint8_t head[DK_EXPORT_HEAD_BYTES], uint8_t *ret_info, size_t *ret_len)
{
	const struct dk_part part = { head, DK_EXPORT_HEAD_BYTES };

	return dk_info(label, &part, 1, ret_info, ret_len);
}
