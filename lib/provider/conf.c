/* SPDX-License-Identifier: Apache-2.0 */
/* providers.conf: a section for each system whose settings differ from the defaults. */
#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/provider.h"

#define FILE_MAX_BYTES 65536
#define PARALLEL_MAX 128

static const struct provider_conf defaults = { .rate = 0, .parallel = 32, .deadline_s = 30 };

static bool
conf_path(char *ret, size_t cap)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n;

	if (xdg && xdg[0] == '/')
		n = snprintf(ret, cap, "%s/doublekey/providers.conf", xdg);
	else if (home && home[0] == '/')
		n = snprintf(ret, cap, "%s/.config/doublekey/providers.conf", home);
	else
		return false;
	return n > 0 && (size_t)n < cap;
}

/* NULL with DK_OK: there is no file. */
static dk_err
read_text(char **ret)
{
	char path[4096], *text;
	size_t len;
	FILE *f;

	*ret = NULL;
	if (!conf_path(path, sizeof(path)))
		return DK_OK;
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? DK_OK : DK_ERR_READ;
	text = malloc(FILE_MAX_BYTES + 1);
	len = text ? fread(text, 1, FILE_MAX_BYTES + 1, f) : 0;
	if (!text || ferror(f) || len > FILE_MAX_BYTES || memchr(text, '\0', len)) {
		dk_err err = !text ? DK_ERR_NOMEM
		    : ferror(f)    ? DK_ERR_READ
				   : DK_ERR_PROVIDER_CONFIGURATION;

		free(text);
		(void)fclose(f);
		return err;
	}
	(void)fclose(f);
	text[len] = '\0';
	*ret = text;
	return DK_OK;
}

static bool
take_text(cfg_t *section, const char *name, char *ret, size_t cap)
{
	const char *value = cfg_getstr(section, name);
	int n = value ? snprintf(ret, cap, "%s", value) : 0;

	return n >= 0 && (size_t)n < cap;
}

static bool
take_number(cfg_t *section, const char *name, long least, long most, unsigned *ret)
{
	long value = cfg_getint(section, name);

	if (cfg_size(section, name) == 0 || value == -1)
		return true;
	if (value < least || value > most)
		return false;
	*ret = (unsigned)value;
	return true;
}

static bool
take(cfg_t *cfg, const char *scheme, struct provider_conf *conf)
{
	cfg_t *section = cfg_gettsec(cfg, "system", scheme);

	return !section ||
	    (take_text(section, "endpoint", conf->endpoint, sizeof(conf->endpoint)) &&
		take_text(section, "ca", conf->ca, sizeof(conf->ca)) &&
		take_number(section, "rate", 1, 1000000, &conf->rate) &&
		take_number(section, "parallel", 1, PARALLEL_MAX, &conf->parallel) &&
		take_number(section, "deadline", 1, 3600, &conf->deadline_s));
}

/* libconfuse reports to standard error unless it is told not to. */
__attribute__((format(printf, 2, 0))) static void
on_error(cfg_t *cfg, const char *format, va_list args)
{
	(void)cfg;
	(void)format;
	(void)args;
}

dk_err
provider_conf_read(const char *scheme, struct provider_conf *ret)
{
	cfg_opt_t section[] = { CFG_STR("endpoint", NULL, CFGF_NONE),
		CFG_STR("ca", NULL, CFGF_NONE), CFG_INT("rate", -1, CFGF_NONE),
		CFG_INT("parallel", -1, CFGF_NONE), CFG_INT("deadline", -1, CFGF_NONE), CFG_END() };
	cfg_opt_t opts[] = {
		CFG_SEC("system", section, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES), CFG_END()
	};
	struct provider_conf conf = defaults;
	char *text;
	cfg_t *cfg;
	dk_err err;
	bool ok;

	err = read_text(&text);
	if (err != DK_OK)
		return err;
	if (!text) {
		*ret = conf;
		return DK_OK;
	}
	cfg = strstr(text, "${") ? NULL : cfg_init(opts, CFGF_NONE);
	ok = cfg != NULL;
	if (ok) {
		(void)cfg_set_error_function(cfg, on_error);
		ok = cfg_parse_buf(cfg, text) == CFG_SUCCESS && take(cfg, scheme, &conf);
		(void)cfg_free(cfg);
	}
	free(text);
	if (!ok)
		return DK_ERR_PROVIDER_CONFIGURATION;
	*ret = conf;
	return DK_OK;
}
