/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: the settings of the key service, and profiles of the command. The
 * first byte says which; the rest is the file. Both are read by libconfuse.
 */
#include <string.h>

#include "conf.h"
#include "fuzz.h"
#include "message.h"
#include "parent/conf_text.h"

static unsigned told;

/* Of cli/message.c: what is wrong with a profile is told, once or more. */
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
	conf = conf_parse("profile", text, options, sizeof(options) / sizeof(options[0]));
	FUZZ_CHECK((conf == NULL) == (told > 0));
	if (!conf)
		return;
	for (size_t o = 0; o < sizeof(options) / sizeof(options[0]); o++)
		for (size_t i = 0; i < conf_count(conf, options[o].name); i++)
			check_text(conf_value(conf, options[o].name, i));
	conf_free(conf);
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
	if (data[0] % 2 == 0)
		settings(text, len - 1);
	else
		profile(text);
	free(text);
	return 0;
}
