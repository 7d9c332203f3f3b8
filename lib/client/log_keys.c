/* SPDX-License-Identifier: Apache-2.0 */
/* What is pinned of the logs of services. */
#include <stdio.h>
#include <string.h>

#include "client/client_impl.h"

bool
client_log_base(const char *log, char ret_base_url[DK_URL_MAX_BYTES + 1])
{
	static const char https[] = "https://", end[] = "/log";
	const char *host = strncmp(log, https, strlen(https)) == 0 ? log + strlen(https) : log;
	size_t len = strlen(host);
	int n;

	if (len > strlen(end) && host[len - 1] == '/')
		len--;
	if (len <= strlen(end) || len > DK_URL_MAX_BYTES ||
	    memcmp(host + len - strlen(end), end, strlen(end)) != 0)
		return false;
	n = snprintf(
	    ret_base_url, DK_URL_MAX_BYTES + 1, "%s%.*s", https, (int)(len - strlen(end)), host);
	return n > 0 && n <= DK_URL_MAX_BYTES && dk_base_url_valid(ret_base_url);
}

dk_err
client_log_keys(const char *origin, struct dk_log_keys *ret_keys)
{
	dk_auto_profile profile = { .device = NULL };
	char base_url[DK_URL_MAX_BYTES + 1];
	dk_err err;

	if (!client_log_base(origin, base_url))
		return DK_ERR_SERVICE_NOT_ENROLLED;
	err = dk_profile_load(base_url, &profile);
	if (err == DK_OK)
		dk_service_log_keys(&profile.service, ret_keys);
	return err;
}
