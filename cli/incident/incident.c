/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/incident/incident.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/console/message.h"
#include "cli/console/options.h"

static const struct conf_option options[] = {
	{ "from", false },
	{ "to", false },
	{ "stolen", true },
	{ "own-keys", true },
	{ "sets", false },
	{ "not-copied", true },
	{ "not-shown", true },
	{ "silence", false },
};

/* A value and where it stands, for messages. */
struct value {
	const char *shown;
	const char *text;
	unsigned line;
};

static bool
fail(const struct value *value, const char *fault)
{
	message_fail(value->shown, "line %u: '%.160s': %s (%s)", value->line, value->text, fault,
	    INCIDENT_CODE);
	return false;
}

static bool
fail_whole(const char *shown, const char *fault)
{
	message_fail(shown, "%s (%s)", fault, INCIDENT_CODE);
	return false;
}

static struct value
value_at(const struct incident *incident, const char *shown, const char *name, size_t index)
{
	return (struct value){ .shown = shown,
		.text = conf_value(incident->conf, name, index),
		.line = conf_line(incident->conf, name, index) };
}

static bool
take_window(struct incident *incident, const char *shown)
{
	struct value from = value_at(incident, shown, "from", 0);
	struct value to = value_at(incident, shown, "to", 0);

	if (!from.text)
		return fail_whole(
		    shown, "'from' is missing; 'from = \"unknown\"' says that nobody knows it");
	if (!to.text)
		return fail_whole(shown, "'to' is missing, the end of the window");
	if (strcmp(from.text, "unknown") != 0 &&
	    !incident_time_parse(from.text, false, &incident->from))
		return fail(
		    &from, "no time, such as 2031-05-03 or 2031-05-03T08:00Z, nor 'unknown'");
	if (!incident_time_parse(to.text, true, &incident->to))
		return fail(&to, "no time, such as 2031-05-03 or 2031-05-03T08:00Z");
	return incident->from <= incident->to || fail(&to, "the window ends before it begins");
}

static bool
take_items(struct incident *incident, const char *shown)
{
	size_t count = conf_count(incident->conf, "stolen");

	if (count == 0)
		return fail_whole(shown, "'stolen' is missing");
	if (count > INCIDENT_ITEMS_MAX)
		return fail_whole(shown, "'stolen' has more than 4096 items");
	incident->item = calloc(count, sizeof(*incident->item));
	if (!incident->item)
		return fail_whole(shown, dk_err_text(DK_ERR_NOMEM));
	for (size_t i = 0; i < count; i++) {
		struct value value = value_at(incident, shown, "stolen", i);
		const char *fault = incident_item_parse(value.text, &incident->item[i]);

		incident->item[i].line = value.line;
		incident->item_count++;
		if (fault)
			return fail(&value, fault);
	}
	return true;
}

static bool
take_own(struct incident *incident, const char *shown)
{
	size_t count = conf_count(incident->conf, "own-keys");

	incident->own = calloc(count + 1, sizeof(*incident->own));
	if (!incident->own)
		return fail_whole(shown, dk_err_text(DK_ERR_NOMEM));
	for (size_t i = 0; i < count; i++) {
		struct value value = value_at(incident, shown, "own-keys", i);

		if (!dk_unhex(value.text, incident->own[i], sizeof(incident->own[i])))
			return fail(&value, "a key id is 64 hex digits");
		incident->own_count++;
	}
	return true;
}

static bool
take_not_copied(struct incident *incident, const char *shown)
{
	size_t count = conf_count(incident->conf, "not-copied");

	if (count > INCIDENT_NOT_COPIED_MAX)
		return fail_whole(shown, "'not-copied' has more than 64 folders");
	incident->not_copied = calloc(count + 1, sizeof(*incident->not_copied));
	if (!incident->not_copied)
		return fail_whole(shown, dk_err_text(DK_ERR_NOMEM));
	for (size_t i = 0; i < count; i++) {
		struct value value = value_at(incident, shown, "not-copied", i);
		struct incident_folder *folder = &incident->not_copied[i];
		const char *fault = incident_folder_parse(value.text, folder);

		folder->line = value.line;
		incident->not_copied_count++;
		if (fault)
			return fail(&value, fault);
	}
	incident_folders_sort(incident);
	return true;
}

const char *
incident_shown_word(unsigned bit)
{
	switch (bit) {
	case INCIDENT_CERTIFICATES:
		return "certificates";
	case INCIDENT_TOKENS:
		return "tokens";
	case INCIDENT_APPROVALS:
		return "approvals";
	default:
		return NULL;
	}
}

static bool
take_not_shown(struct incident *incident, const char *shown)
{
	for (size_t i = 0; i < conf_count(incident->conf, "not-shown"); i++) {
		struct value value = value_at(incident, shown, "not-shown", i);
		unsigned bit = 1;

		while (
		    incident_shown_word(bit) && strcmp(incident_shown_word(bit), value.text) != 0)
			bit *= 2;
		if (!incident_shown_word(bit))
			return fail(&value, "it is 'certificates', 'tokens' or 'approvals'");
		incident->not_shown |= bit;
	}
	return true;
}

static bool
take_rest(struct incident *incident, const char *shown)
{
	struct value sets = value_at(incident, shown, "sets", 0);
	struct value silence = value_at(incident, shown, "silence", 0);

	if (sets.text && strcmp(sets.text, "as-written") != 0)
		return fail(&sets, "'sets' is 'as-written', or not there");
	incident->as_written = sets.text != NULL;
	incident->silence = DK_EXPOSURE_DEFAULT_GAP_S;
	if (silence.text && !options_number(silence.text, 60, 86400, &incident->silence))
		return fail(&silence, "'silence' is a number of seconds from 60 to 86400");
	return true;
}

bool
incident_parse(const char *shown, const char *text, struct incident *ret)
{
	struct incident incident = { .from = 0 };

	incident.conf =
	    conf_parse(shown, INCIDENT_CODE, text, options, sizeof(options) / sizeof(options[0]));
	if (!incident.conf)
		return false;
	if (take_window(&incident, shown) && take_items(&incident, shown) &&
	    take_own(&incident, shown) && take_not_copied(&incident, shown) &&
	    take_not_shown(&incident, shown) && take_rest(&incident, shown)) {
		*ret = incident;
		return true;
	}
	incident_clear(&incident);
	return false;
}

void
incident_clear(struct incident *incident)
{
	for (size_t i = 0; i < incident->item_count; i++)
		incident_item_clear(&incident->item[i]);
	free(incident->item);
	for (size_t i = 0; i < incident->not_copied_count; i++)
		incident_folder_clear(&incident->not_copied[i]);
	free(incident->not_copied);
	free(incident->own);
	conf_free(incident->conf);
	*incident = (struct incident){ .conf = NULL };
}
