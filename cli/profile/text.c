/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/files/conf.h"
#include "cli/console/message.h"
#include "cli/profile/impl.h"

static const struct conf_option options[] = {
	{ "customer", true },
	{ "provider", true },
	{ "sign", false },
	{ "label", false },
	{ "tenant", false },
};

static bool
take_list(const struct conf *conf, const char *name, struct option_list *list)
{
	for (size_t i = 0; i < conf_count(conf, name); i++) {
		if (!option_list_add(list, conf_value(conf, name, i)))
			return false;
	}
	return true;
}

static bool
take_text(const struct conf *conf, const char *name, char **ret)
{
	if (conf_count(conf, name) == 0)
		return true;
	*ret = strdup(conf_value(conf, name, 0));
	if (!*ret)
		message_err(NULL, DK_ERR_NOMEM, NULL);
	return *ret != NULL;
}

bool
profile_parse(const char *shown, const char *text, struct profile *ret)
{
	struct conf *conf =
	    conf_parse(shown, "profile", text, options, sizeof(options) / sizeof(options[0]));
	struct profile profile = { .config = conf };

	if (!conf)
		return false;
	if (take_list(conf, "customer", &profile.customer) &&
	    take_list(conf, "provider", &profile.provider) &&
	    take_text(conf, "sign", &profile.sign) && take_text(conf, "label", &profile.label) &&
	    take_text(conf, "tenant", &profile.tenant)) {
		*ret = profile;
		return true;
	}
	profile_clear(&profile);
	return false;
}

void
profile_clear(struct profile *profile)
{
	option_list_clear(&profile->customer);
	option_list_clear(&profile->provider);
	free(profile->sign);
	free(profile->label);
	free(profile->tenant);
	conf_free(profile->config);
	*profile = (struct profile){ .config = NULL };
}

static void
put_list(FILE *f, const char *name, const struct option_list *list)
{
	(void)fprintf(f, "%s = {", name);
	for (size_t i = 0; i < list->count; i++) {
		(void)fputs(i > 0 ? ", " : "", f);
		conf_put(f, list->item[i]);
	}
	(void)fputs("}\n", f);
}

static void
put_text(FILE *f, const char *name, const char *text)
{
	if (!text)
		return;
	(void)fprintf(f, "%s = ", name);
	conf_put(f, text);
	(void)putc('\n', f);
}

char *
profile_to_text(const struct profile *profile)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool failed;

	if (!f)
		return NULL;
	put_list(f, "customer", &profile->customer);
	put_list(f, "provider", &profile->provider);
	put_text(f, "sign", profile->sign);
	put_text(f, "label", profile->label);
	put_text(f, "tenant", profile->tenant);
	failed = ferror(f) != 0;
	if (fclose(f) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}
