/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "parent/conf_text.h"
#include "parent/run.h"

bool
run_conf_refuse(const struct run *run, const char *why)
{
	say(SAY_ERROR, "configuration: %s/doublekeyd.conf: %s", run->settings->dir, why);
	return false;
}

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
	    strlen(run->hsm_uri) > IPC_TOKEN_URI_MAX_BYTES)
		return run_conf_refuse(run, "'hsm' takes a PKCS #11 URI, pkcs11:...");
	if (strstr(run->hsm_uri, "pin-value"))
		return run_conf_refuse(run, "'hsm': a PIN must not be in a URI");
	source = strstr(run->hsm_uri, "pin-source=file:");
	if (source) {
		source += strlen("pin-source=file:");
		len = strcspn(source, "&");
		if (memchr(source, '%', len) || len >= sizeof(run->pin_source))
			return run_conf_refuse(run, "'hsm': pin-source takes file:PATH without %");
		memcpy(run->pin_source, source, len);
	}
	for (unsigned i = 0;
	     i < cfg_size(run->cfg, "hsm-environment") && i < RUN_HSM_ENVIRONMENT_MAX; i++)
		run->hsm_environment[i] = cfg_getnstr(run->cfg, "hsm-environment", i);
	return true;
}

/* The least is a day; the most, what a time can be put back by. */
static bool
take_retention(struct run *run)
{
	long days = cfg_getint(run->cfg, "person-retention-days");

	if (days < 0 || days > RUN_RETENTION_MAX_DAYS)
		return run_conf_refuse(run, "'person-retention-days' is from 0 to 36500");
	run->retention_days = (unsigned)days;
	return true;
}

static bool
take_addresses(struct run *run, char ret_listen[RUN_LISTEN_BYTES])
{
	const char *listen = cfg_getstr(run->cfg, "listen");
	const char *metrics = cfg_getstr(run->cfg, "metrics");

	if (!listen)
		return run_conf_refuse(run, "'listen' is missing");
	if (strlen(listen) >= RUN_LISTEN_BYTES || !listen_address_valid(listen))
		return run_conf_refuse(
		    run, "'listen' takes HOST:PORT, with a port from 1 to 65535");
	if (metrics && !listen_address_valid(metrics))
		return run_conf_refuse(
		    run, "'metrics' takes ADDRESS:PORT, with a port from 1 to 65535");
	memcpy(ret_listen, listen, strlen(listen) + 1);
	return true;
}

/* text: one byte more than a file may have, and a NUL. */
static bool
read_text(const struct run *run, char text[CONF_TEXT_MAX_BYTES + 2], size_t *ret_len)
{
	int fd = run_open(run, "doublekeyd.conf", O_RDONLY);
	size_t len = 0;
	ssize_t n = -1;

	while (fd >= 0 && len <= CONF_TEXT_MAX_BYTES &&
	    (n = read(fd, text + len, CONF_TEXT_MAX_BYTES + 1 - len)) > 0)
		len += (size_t)n;
	if (fd >= 0)
		(void)close(fd);
	text[len] = '\0';
	*ret_len = len;
	return n >= 0;
}

bool
run_read_conf(struct run *run, char ret_listen[RUN_LISTEN_BYTES])
{
	static char text[CONF_TEXT_MAX_BYTES + 2];
	char fault[CONF_FAULT_BYTES];
	size_t len;

	if (!read_text(run, text, &len))
		return run_conf_refuse(run, strerror(errno));
	if (!conf_text_parse(text, len, &run->cfg, fault))
		return run_conf_refuse(run, fault);
	return take_addresses(run, ret_listen) && take_retention(run) && run_witnesses_read(run) &&
	    take_hsm(run) && run_dke_read(run);
}
