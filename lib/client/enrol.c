/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment from the client's side, spec/key-service.md section 4. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client_impl.h"
#include "client/http.h"
#include "log/receipt.h"

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

struct expected {
	const char *base_url;
	const uint8_t *fingerprint;
	const struct dk_enrol_keys *keys;
	const struct dk_enrol_request *request;
	const uint8_t *device_id;
};

static dk_err
check_receipt(const struct dk_service_data *service, const uint8_t *receipt, size_t len,
    const struct expected *want, uint64_t index)
{
	struct dk_log_object *objects = malloc(DK_LOG_OBJECTS_MAX * sizeof(*objects));
	struct dk_log_event event;
	struct dk_log_keys keys;
	uint64_t got;
	dk_err err;

	if (!objects)
		return DK_ERR_NOMEM;
	dk_service_log_keys(service, &keys);
	err = dk_receipt_verify(&keys, receipt, len, objects, &event, &got);
	free(objects);
	if (err != DK_OK)
		return err;
	if (got != index || event.class_ != DK_LOG_DEVICE_ENROLLED ||
	    strcmp(event.user, want->request->user) != 0 || !event.has_device ||
	    memcmp(event.device, want->device_id, 32) != 0 || event.factor_count != 1 ||
	    event.factor[0].type != DK_FACTOR_CODE)
		return DK_ERR_RECEIPT;
	return DK_OK;
}

static dk_err
check_answer(const struct dk_http_answer *answer, const struct expected *want,
    struct dk_service_data *ret_service)
{
	uint8_t mac[DK_ENROL_MAC_BYTES];
	const uint8_t *magic, *data, *device, *stated;
	struct dk_reader_buf rd;
	size_t data_len, mac_at;
	uint64_t index;
	dk_err err;

	dk_rd_init(&rd, answer->body, answer->len);
	magic = dk_rd_bytes(&rd, 4);
	data_len = dk_rd_u16(&rd);
	data = dk_rd_bytes(&rd, data_len);
	device = dk_rd_bytes(&rd, 32);
	index = dk_rd_u64(&rd);
	mac_at = rd.pos;
	stated = dk_rd_bytes(&rd, DK_ENROL_MAC_BYTES);
	if (rd.failed || memcmp(magic, "DKE2", 4) != 0)
		return DK_ERR_SERVICE_REPLY;
	err = dk_enrol_answer_mac(want->keys, want->request->mac, answer->body, mac_at, mac);
	if (err != DK_OK)
		return err;
	if (!dk_equal_ct(mac, stated, sizeof(mac)))
		return DK_ERR_RECEIPT;
	err = dk_service_data_parse(data, data_len, ret_service);
	if (err != DK_OK)
		return err;
	if (strcmp(ret_service->base_url, want->base_url) != 0 ||
	    memcmp(ret_service->ca, want->fingerprint, 32) != 0 ||
	    memcmp(device, want->device_id, 32) != 0)
		return DK_ERR_RECEIPT;
	return check_receipt(ret_service, answer->body + rd.pos, answer->len - rd.pos, want, index);
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
	const struct expected want = { url, fingerprint, &keys, &request,
		dk_pkey_id(profile.device) };
	err = check_answer(&answer, &want, &profile.service);
	free(answer.body);
	if (err != DK_OK)
		return err;
	memcpy(profile.user, request.user, sizeof(profile.user));
	return dk_profile_save(&profile);
}
