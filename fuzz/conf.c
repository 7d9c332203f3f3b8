/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: the settings of the key service, profiles of the command, and incident files. The
 * first byte says which; the rest is the file. Both are read by libconfuse.
 */
#include <string.h>

#include "cli/files/conf.h"
#include "fuzz.h"
#include "cli/incident/incident.h"
#include "cli/console/message.h"
#include "parent/conf_text.h"

static unsigned told;

/* Of cli/console/message.c: what is wrong with a profile is told, once or more. */
void
message_fail(const char *name, const char *format, ...)
{
	FUZZ_CHECK(name && format);
	told++;
}

void
message_err(const char *name, dk_err err, const struct dk_place *place)
{
	(void)name;
	(void)place;
	FUZZ_CHECK(err != DK_OK);
	told++;
}

/* For options.c, of which only numbers are read here. */
void
message_set_quiet(bool quiet)
{
	(void)quiet;
}

static void
check_text(const char *value)
{
	for (; value && *value; value++)
		FUZZ_CHECK((unsigned char)*value >= 0x20);
}

static void
settings(const char *text, size_t len)
{
	char fault[CONF_FAULT_BYTES];
	cfg_t *cfg = NULL;

	if (!conf_text_parse(text, len, &cfg, fault)) {
		FUZZ_CHECK(!cfg && fault[0] != '\0' && strlen(fault) < sizeof(fault));
		return;
	}
	check_text(cfg_getstr(cfg, "listen"));
	check_text(cfg_getstr(cfg, "hsm"));
	(void)cfg_getbool(cfg, "hsm-sockets");
	for (unsigned i = 0; i < cfg_size(cfg, "hsm-environment"); i++)
		check_text(cfg_getnstr(cfg, "hsm-environment", i));
	(void)cfg_free(cfg);
}

static void
profile(const char *text)
{
	static const struct conf_option options[] = { { "customer", true }, { "provider", true },
		{ "sign", false }, { "label", false }, { "tenant", false } };
	struct conf *conf;

	told = 0;
	conf =
	    conf_parse("profile", "profile", text, options, sizeof(options) / sizeof(options[0]));
	FUZZ_CHECK((conf == NULL) == (told > 0));
	if (!conf)
		return;
	for (size_t o = 0; o < sizeof(options) / sizeof(options[0]); o++)
		for (size_t i = 0; i < conf_count(conf, options[o].name); i++)
			check_text(conf_value(conf, options[o].name, i));
	conf_free(conf);
}

static void
check_item(const struct incident_item *item)
{
	FUZZ_CHECK(item->what < INCIDENT_WHATS && item->since <= item->until && item->line > 0);
	FUZZ_CHECK((item->name != NULL) == incident_what_has_name(item->what));
	FUZZ_CHECK(item->until == DK_EXPOSURE_NEVER || incident_what_ends(item->what));
	check_text(item->name);
}

static void
check_folder(const struct incident *incident, size_t at)
{
	const struct incident_folder *folder = &incident->not_copied[at];
	char words[INCIDENT_FOLDER_WORDS_BYTES];

	FUZZ_CHECK(folder->path[0] == '/' && incident_is_folder(folder->path));
	FUZZ_CHECK(folder->since <= folder->until && folder->line > 0);
	FUZZ_CHECK(at == 0 || folder->since >= folder[-1].since);
	FUZZ_CHECK(strlen(incident_folder_words(folder, words)) < sizeof(words));
}

static void
incident(const char *text)
{
	struct incident incident;

	told = 0;
	if (!incident_parse("incident", text, &incident)) {
		FUZZ_CHECK(told > 0);
		return;
	}
	FUZZ_CHECK(told == 0 && incident.from <= incident.to && incident.to < 253402300800);
	FUZZ_CHECK(incident.silence >= 60 && incident.silence <= 86400);
	FUZZ_CHECK(incident.item_count >= 1 && incident.item_count <= INCIDENT_ITEMS_MAX);
	for (size_t i = 0; i < incident.item_count; i++)
		check_item(&incident.item[i]);
	for (size_t i = 0; i < incident.not_copied_count; i++)
		check_folder(&incident, i);
	incident_clear(&incident);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text;

	if (len < 1 || len > CONF_TEXT_MAX_BYTES)
		return 0;
	text = malloc(len);
	FUZZ_CHECK(text != NULL);
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	if (data[0] == 2)
		incident(text);
	else if (data[0] % 2 == 0)
		settings(text, len - 1);
	else
		profile(text);
	free(text);
	return 0;
}
