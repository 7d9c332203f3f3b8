/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the Microsoft DKE front end, spec/profiles/ms-dke.md section 2.1. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "parent/key_sets.h"
#include "parent/run.h"

#define FRONT_HEX 64
#define WORDS_BYTES 128

static bool
refuse(const struct run *run, const char *option, const char *words)
{
	char text[WORDS_BYTES];
	int n = snprintf(text, sizeof(text), "'%s' %s", option, words);

	return run_conf_refuse(run, n > 0 && (size_t)n < sizeof(text) ? text : option);
}

/* Half of a front end would be none, and nobody would be told. */
static bool
check_alone(const struct run *run)
{
	static const char *const others[] = { "dke-certificate", "dke-key", "dke-base-url",
		"dke-audience", "dke-authorization", "dke-domain", "dke-client-ca",
		"dke-registration" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (cfg_getstr(run->cfg, others[i]))
			return refuse(run, others[i], "is there without 'dke-listen'");
	return cfg_size(run->cfg, "dke-fronts") == 0 ||
	    refuse(run, "dke-fronts", "is there without 'dke-listen'");
}

static bool
take_url(const struct run *run, const char *option, bool (*valid)(const char *),
    const char *otherwise, char ret[IPC_DKE_URL_MAX_BYTES + 1])
{
	const char *url = cfg_getstr(run->cfg, option);

	if (!url)
		url = otherwise;
	if (!url)
		return refuse(run, option, "is missing");
	if (!valid(url))
		return refuse(run, option, "takes https://HOST, or what is behind it too");
	memcpy(ret, url, strlen(url) + 1);
	return true;
}

/* A client refuses a challenge for another host than it asked. */
static bool
check_audience(const struct run *run)
{
	size_t len, base_len;
	const char *host = ipc_dke_host(run->dke.audience, &len);
	const char *base = ipc_dke_host(run->dke.base_url, &base_len);

	return (len == base_len && strncasecmp(host, base, len) == 0) ||
	    refuse(run, "dke-audience", "has another host than 'dke-base-url'");
}

static bool
take_urls(struct run *run)
{
	struct ipc_dke_conf *dke = &run->dke;

	if (cfg_getstr(run->cfg, "dke-base-url") &&
	    !ipc_dke_base_url_valid(cfg_getstr(run->cfg, "dke-base-url")))
		return refuse(run, "dke-base-url",
		    "takes https://HOST or https://HOST:PORT in lower case, and nothing behind it");
	return take_url(run, "dke-base-url", ipc_dke_base_url_valid, NULL, dke->base_url) &&
	    take_url(run, "dke-audience", ipc_dke_url_valid, dke->base_url, dke->audience) &&
	    take_url(run, "dke-authorization", ipc_dke_url_valid, NULL, dke->authorization) &&
	    check_audience(run);
}

static bool
take_fronts(struct run *run)
{
	unsigned count = cfg_size(run->cfg, "dke-fronts");

	if (count > IPC_DKE_FRONTS_MAX)
		return refuse(run, "dke-fronts", "has more than 16 of them");
	if (count > 0 && !cfg_getstr(run->cfg, "dke-client-ca"))
		return refuse(run, "dke-fronts", "is there without 'dke-client-ca'");
	for (unsigned i = 0; i < count; i++) {
		const char *hex = cfg_getnstr(run->cfg, "dke-fronts", i);

		if (strlen(hex) != FRONT_HEX || strspn(hex, "0123456789abcdef") != FRONT_HEX ||
		    !dk_unhex(hex, run->dke.front[i], FRONT_HEX / 2))
			return refuse(run, "dke-fronts",
			    "takes the SHA-256 of certificates, 64 lower-case hex digits each");
	}
	run->dke.front_count = count;
	return true;
}

static bool
take_domain(struct run *run)
{
	const char *domain = cfg_getstr(run->cfg, "dke-domain");

	if (!domain)
		return true;
	if (!ipc_dke_domain_valid(domain))
		return refuse(run, "dke-domain", "takes a domain in lower case, without '@'");
	memcpy(run->dke.domain, domain, strlen(domain) + 1);
	return true;
}

static bool
take_registration(struct run *run)
{
	const char *how = cfg_getstr(run->cfg, "dke-registration");

	run->dke.registration = IPC_DKE_REGISTRATION_ACCEPTED;
	if (how && strcmp(how, "code") == 0)
		run->dke.registration = IPC_DKE_REGISTRATION_CODE;
	else if (how && strcmp(how, "accepted") != 0)
		return refuse(run, "dke-registration", "is \"accepted\" or \"code\"");
	return true;
}

bool
run_dke_read(struct run *run)
{
	const char *listen = cfg_getstr(run->cfg, "dke-listen");
	long hours = cfg_getint(run->cfg, "dke-cache-hours");
	long session = cfg_getint(run->cfg, "dke-session-hours");

	if (!listen)
		return check_alone(run);
	if (!listen_address_valid(listen))
		return refuse(run, "dke-listen", "takes HOST:PORT, with a port from 1 to 65535");
	if (!cfg_getstr(run->cfg, "dke-certificate"))
		return refuse(run, "dke-certificate", "is missing");
	if (!cfg_getstr(run->cfg, "dke-key"))
		return refuse(run, "dke-key", "is missing");
	if (hours < 0 || hours > IPC_DKE_CACHE_MAX_HOURS)
		return refuse(run, "dke-cache-hours", "is from 0 to 720");
	if (session < 1 || session > IPC_DKE_SESSION_MAX_HOURS)
		return refuse(run, "dke-session-hours", "is from 1 to 24");
	run->dke.cache_hours = (uint32_t)hours;
	run->dke.session_hours = (unsigned)session;
	return take_urls(run) && take_domain(run) && take_registration(run) && take_fronts(run);
}

int
run_dke_fd(const struct run *run)
{
	uint8_t conf[IPC_DKE_CONF_MAX_BYTES];

	if (!cfg_getstr(run->cfg, "dke-listen"))
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	return memory_fd("dke", conf, ipc_dke_conf_write(&run->dke, conf));
}
