/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "parent/run.h"

static cfg_opt_t conf_options[] = {
	CFG_STR("listen", NULL, CFGF_NONE),
	CFG_STR("metrics", NULL, CFGF_NONE),
	CFG_STR("client-ca", NULL, CFGF_NONE),
	CFG_STR("hsm", NULL, CFGF_NONE),
	CFG_STR("hsm-directory", NULL, CFGF_NONE),
	CFG_BOOL("hsm-sockets", cfg_false, CFGF_NONE),
	CFG_STR_LIST("hsm-environment", NULL, CFGF_NODEFAULT),
	CFG_END(),
};

/* RFC 7512: pin-source=file:PATH, without percent signs. */
static bool
take_hsm(struct run *run)
{
	const char *source;
	size_t len;

	run->hsm_uri = cfg_getstr(run->cfg, "hsm");
	if (!run->hsm_uri)
		return true;
	if (strncmp(run->hsm_uri, "pkcs11:", 7) != 0 ||
	    strlen(run->hsm_uri) > IPC_TOKEN_URI_MAX_BYTES || strstr(run->hsm_uri, "pin-value"))
		return false;
	source = strstr(run->hsm_uri, "pin-source=file:");
	if (source) {
		source += strlen("pin-source=file:");
		len = strcspn(source, "&");
		if (memchr(source, '%', len) || len >= sizeof(run->pin_source))
			return false;
		memcpy(run->pin_source, source, len);
	}
	for (unsigned i = 0;
	     i < cfg_size(run->cfg, "hsm-environment") && i < RUN_HSM_ENVIRONMENT_MAX; i++)
		run->hsm_environment[i] = cfg_getnstr(run->cfg, "hsm-environment", i);
	return true;
}

bool
run_read_conf(struct run *run, char ret_listen[RUN_LISTEN_BYTES])
{
	char path[PATH_BYTES];
	const char *value;

	run->cfg = cfg_init(conf_options, CFGF_NONE);
	if (!run->cfg || !path_join(path, run->settings->dir, "doublekeyd.conf") ||
	    cfg_parse(run->cfg, path) != CFG_SUCCESS)
		return false;
	value = cfg_getstr(run->cfg, "listen");
	if (!value || strlen(value) >= RUN_LISTEN_BYTES)
		return false;
	memcpy(ret_listen, value, strlen(value) + 1);
	return take_hsm(run);
}
