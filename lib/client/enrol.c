/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment from the client's side, spec/key-service.md section 4. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/check.h"
#include "client/client_impl.h"
#include "client/http.h"

#define NATIVE_TYPE "Content-Type: application/doublekey"

/* The CA certificate, believed because its hash is the one that was given. */
static dk_err
fetch_ca(const char *base_url, const uint8_t fingerprint[32], struct dk_profile *profile)
{
	struct dk_http_request request = { .ca_pem = NULL };
	struct dk_http_answer answer;
	char url[DK_URL_MAX_BYTES + 64];
	uint8_t hash[32];
	dk_err err;
	int n;

	n = snprintf(url, sizeof(url), "%s/v1/ca", base_url);
	if (n < 0 || (size_t)n >= sizeof(url))
		return DK_ERR_ARGUMENT;
	request.url = url;
	err = dk_http(&request, &answer);
	if (err != DK_OK)
		return err;
	const struct dk_part part = { answer.body, answer.len };
	err = dk_sha256(&part, 1, hash);
	if (err == DK_OK && memcmp(hash, fingerprint, sizeof(hash)) != 0)
		err = DK_ERR_SERVICE_FINGERPRINT;
	if (err == DK_OK)
		err = dk_profile_ca_pem(profile, answer.body, answer.len);
	free(answer.body);
	return err;
}

static dk_err
post(const char *base_url, const struct dk_profile *profile, const uint8_t *body, size_t len,
    struct dk_http_answer *ret)
{
	struct dk_http_request request = { .ca_pem = profile->ca_pem,
		.ca_pem_len = profile->ca_pem_len,
		.body = body,
		.body_len = len,
		.header = { NATIVE_TYPE } };
	char url[DK_URL_MAX_BYTES + 64];
	int n = snprintf(url, sizeof(url), "%s/v1/devices", base_url);

	if (n < 0 || (size_t)n >= sizeof(url))
		return DK_ERR_ARGUMENT;
	request.url = url;
	return dk_http(&request, ret);
}

static dk_err
fill_request(struct dk_enrol_request *request, const struct dk_enrol_keys *keys,
    const struct dk_pkey *device, const char *device_name)
{
	size_t len = strlen(device_name);
	const uint8_t *spki;

	if (len == 0 || len > DK_DEVICE_NAME_MAX_BYTES ||
	    !dk_text_valid((const uint8_t *)device_name, len))
		return DK_ERR_ARGUMENT;
	memcpy(request->device_name, device_name, len + 1);
	memcpy(request->code_id, keys->code_id, sizeof(request->code_id));
	spki = dk_pkey_spki(device, &len);
	if (len != DK_P256_SPKI_BYTES)
		return DK_ERR_CRYPTO;
	memcpy(request->device, spki, len);
	return DK_OK;
}

/* The checkpoint behind the profile, in the folder of which it stands. The code is used up in any
 * case: a log that is another one than before is told, and refused at each release. */
static dk_err
keep(struct dk_profile *profile, const char *user, const struct client_enrolled *enrolled)
{
	dk_err err;

	profile->service = enrolled->service;
	memcpy(profile->user, user, strlen(user) + 1);
	err = dk_profile_save(profile);
	return err == DK_OK
	    ? client_log_add(profile, enrolled->checkpoint, enrolled->checkpoint_len)
	    : err;
}

dk_err
client_enrol(
    const char *url, const char *ca_fingerprint, const char *code_text, const char *device_name)
{
	struct dk_enrol_request request = { .user = "" };
	uint8_t fingerprint[32], body[DK_ENROL_REQUEST_MAX_BYTES];
	dk_auto_enrol_code code = { { 0 } };
	dk_auto_enrol_keys keys = { 0 };
	dk_auto_profile profile = { .device = NULL };
	struct dk_http_answer answer;
	struct client_enrolled enrolled;
	size_t len;
	dk_err err;

	if (!dk_base_url_valid(url) || !dk_unhex(ca_fingerprint, fingerprint, sizeof(fingerprint)))
		return DK_ERR_ARGUMENT;
	err = dk_enrol_text_parse(code_text, request.user, &code);
	if (err == DK_OK)
		err = dk_enrol_keys_derive(&code, &keys);
	if (err == DK_OK)
		err = fetch_ca(url, fingerprint, &profile);
	if (err == DK_OK)
		err = dk_pkey_generate(DK_KEY_P256, 0, &profile.device);
	if (err == DK_OK)
		err = fill_request(&request, &keys, profile.device, device_name);
	if (err == DK_OK)
		err = dk_enrol_request_write(&request, profile.device, &keys, body, &len);
	if (err == DK_OK)
		err = post(url, &profile, body, len, &answer);
	if (err != DK_OK)
		return err;
	const struct client_enrolment want = { url, fingerprint, &keys, &request,
		dk_pkey_id(profile.device) };
	err = client_enrol_check(answer.body, answer.len, &want, &enrolled);
	if (err == DK_OK)
		err = keep(&profile, request.user, &enrolled);
	free(answer.body);
	return err;
}
