/* SPDX-License-Identifier: Apache-2.0 */
/* Pinned key statements, spec/key-service.md sections 5 and 5.1. */
#include "client/pin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/check.h"
#include "client/http.h"

#define ASK_AGAIN_S 3600
#define RETRY_S 300
#define CONNECT_SHORT_S 3L

void
client_pin_free(struct client_pin *pin)
{
	if (!pin)
		return;
	free(pin->body);
	free(pin);
}

static dk_err
fetch(const struct dk_profile *profile, const char *name, bool patient, struct client_pin *pin)
{
	struct dk_http_request request = { .ca_pem = profile->ca_pem,
		.ca_pem_len = profile->ca_pem_len,
		.connect_s = patient ? 0 : CONNECT_SHORT_S };
	char url[DK_URL_MAX_BYTES + 128];
	struct dk_http_answer answer;
	int n = snprintf(url, sizeof(url), "%s/v1/keys/%s", profile->service.base_url, name);
	dk_err err;

	if (n < 0 || (size_t)n >= sizeof(url))
		return DK_ERR_ARGUMENT;
	request.url = url;
	err = dk_http(&request, &answer);
	if (err != DK_OK)
		return err;
	pin->body = answer.body;
	pin->len = answer.len;
	return client_statement_check(&profile->service, name, pin->body, pin->len, &pin->st);
}

/* What is pinned is checked again at each use: the file may have been changed. */
static dk_err
load(const struct dk_profile *profile, const char *name, struct client_pin *pin)
{
	dk_err err;

	err = dk_profile_key_load(profile, name, &pin->body, &pin->len);
	if (err == DK_OK)
		err =
		    client_statement_check(&profile->service, name, pin->body, pin->len, &pin->st);
	return err;
}

static dk_err
ask(const struct dk_profile *profile, const char *name, const struct client_pin *old, bool patient,
    struct client_pin **ret)
{
	struct client_pin *pin = calloc(1, sizeof(*pin));
	dk_err err = pin ? fetch(profile, name, patient, pin) : DK_ERR_NOMEM;

	if (err == DK_OK && old && !client_statement_follows(&pin->st, &old->st))
		err = DK_ERR_RECEIPT;
	if (err == DK_OK)
		err = dk_profile_key_save(profile, name, pin->body, pin->len);
	if (err == DK_OK)
		*ret = pin;
	else
		client_pin_free(pin);
	return err;
}

/* The service did not answer; what is pinned is still right. */
static bool
is_away(dk_err err)
{
	return err == DK_ERR_SERVICE_UNREACHABLE || err == DK_ERR_SERVICE_TLS ||
	    err == DK_ERR_SERVICE_BUSY || err == DK_ERR_SERVICE_UNAVAILABLE;
}

dk_err
client_pin_refresh(const struct dk_profile *profile, const char *name, struct client_pin **pin)
{
	struct client_pin *fresh;
	dk_err err;

	err = ask(profile, name, *pin, true, &fresh);
	if (err != DK_OK)
		return err;
	client_pin_free(*pin);
	*pin = fresh;
	return DK_OK;
}

dk_err
client_pin_get(const struct dk_profile *profile, const char *name, struct client_pin **ret)
{
	struct client_pin *pin = calloc(1, sizeof(*pin)), *fresh;
	dk_err err = pin ? load(profile, name, pin) : DK_ERR_NOMEM;

	if (err == DK_ERR_SERVICE_NOT_ENROLLED) { /* no such file */
		client_pin_free(pin);
		return ask(profile, name, NULL, true, ret);
	}
	if (err == DK_OK && dk_profile_key_age(profile, name) >= ASK_AGAIN_S) {
		err = ask(profile, name, pin, false, &fresh);
		if (err == DK_OK) {
			client_pin_free(pin);
			pin = fresh;
		} else if (is_away(err)) {
			dk_profile_key_age_set(profile, name, ASK_AGAIN_S - RETRY_S);
			err = DK_OK;
		}
	}
	if (err == DK_OK)
		*ret = pin;
	else
		client_pin_free(pin);
	return err;
}

const struct dk_key_version *
client_pin_current(const struct client_pin *pin)
{
	for (unsigned i = pin->st.version_count; i > 0; i--)
		if (pin->st.version[i - 1].state == DK_VERSION_ACTIVE)
			return &pin->st.version[i - 1];
	return NULL;
}

bool
client_pin_has(const struct client_pin *pin, const uint8_t id[32])
{
	for (unsigned i = 0; i < pin->st.version_count; i++) {
		const struct dk_key_version *v = &pin->st.version[i];
		const struct dk_part part = { v->spki, v->spki_len };
		uint8_t own[32];

		if (dk_sha256(&part, 1, own) == DK_OK && memcmp(own, id, sizeof(own)) == 0)
			return true;
	}
	return false;
}
