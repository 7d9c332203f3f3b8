/* SPDX-License-Identifier: Apache-2.0 */
#include "native/enrol.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "format/schedule.h"
#include "log/quorum.h"
#include "log/record.h"

void
dk_enrol_keys_clear(struct dk_enrol_keys *keys)
{
	dk_wipe(keys, sizeof(*keys));
}

static dk_err
expand(const struct dk_secret48 *prk, const char *label, uint8_t *out, size_t len)
{
	uint8_t info[DK_INFO_MAX_BYTES];
	size_t info_len;
	dk_err err;

	err = dk_info(label, NULL, 0, info, &info_len);
	if (err != DK_OK)
		return err;
	return dk_hkdf_expand(DK_SHA384, prk, info, info_len, out, len);
}

dk_err
dk_enrol_keys_derive(const struct dk_enrol_code *code, struct dk_enrol_keys *ret_keys)
{
	dk_auto_secret48 prk = { { 0 } };
	dk_auto_enrol_keys keys = { 0 };
	uint8_t salt[DK_INFO_MAX_BYTES];
	size_t salt_len;
	dk_err err;

	err = dk_info("enrol", NULL, 0, salt, &salt_len);
	if (err != DK_OK)
		return err;
	err = dk_hkdf_extract(DK_SHA384, salt, salt_len, code->bytes, sizeof(code->bytes), &prk);
	if (err != DK_OK)
		return err;
	err = expand(&prk, "enrol-id", keys.code_id, sizeof(keys.code_id));
	if (err != DK_OK)
		return err;
	err = expand(&prk, "enrol-client", keys.client.bytes, sizeof(keys.client.bytes));
	if (err != DK_OK)
		return err;
	err = expand(&prk, "enrol-server", keys.server.bytes, sizeof(keys.server.bytes));
	if (err == DK_OK)
		*ret_keys = keys;
	return err;
}

static dk_err
possession(
    const uint8_t *body, size_t len, struct dk_part parts[2], uint8_t prefix[DK_INFO_MAX_BYTES])
{
	size_t prefix_len;
	dk_err err;

	err = dk_info("enrol-device", NULL, 0, prefix, &prefix_len);
	parts[0] = (struct dk_part){ prefix, prefix_len };
	parts[1] = (struct dk_part){ body, len };
	return err;
}

dk_err
dk_enrol_request_write(struct dk_enrol_request *request, const struct dk_pkey *device,
    const struct dk_enrol_keys *keys, uint8_t body[DK_ENROL_REQUEST_MAX_BYTES], size_t *ret_len)
{
	uint8_t prefix[DK_INFO_MAX_BYTES];
	struct dk_writer_buf wr;
	struct dk_part parts[2];
	dk_err err;

	dk_wr_init(&wr, body, DK_ENROL_REQUEST_MAX_BYTES);
	dk_wr_bytes(&wr, "DKE1", 4);
	dk_wr_bytes(&wr, request->code_id, DK_CODE_ID_BYTES);
	dk_wr_u8(&wr, (uint8_t)strlen(request->user));
	dk_wr_bytes(&wr, request->user, strlen(request->user));
	dk_wr_u8(&wr, (uint8_t)strlen(request->device_name));
	dk_wr_bytes(&wr, request->device_name, strlen(request->device_name));
	dk_wr_bytes(&wr, request->device, DK_P256_SPKI_BYTES);
	err = possession(body, wr.len, parts, prefix);
	if (err != DK_OK)
		return err;
	err = dk_ecdsa_sign(device, parts, 2, request->signature);
	if (err != DK_OK)
		return err;
	dk_wr_bytes(&wr, request->signature, DK_SIGNATURE_BYTES);
	const struct dk_part all = { body, wr.len };
	err = dk_hmac_sha384(&keys->client, &all, 1, request->mac);
	if (err != DK_OK)
		return err;
	dk_wr_bytes(&wr, request->mac, DK_ENROL_MAC_BYTES);
	*ret_len = wr.len;
	return wr.failed ? DK_ERR_ARGUMENT : DK_OK;
}

static bool
read_text(struct dk_reader_buf *rd, char *ret, size_t max)
{
	size_t len = dk_rd_u8(rd);
	const uint8_t *text = dk_rd_bytes(rd, len);

	if (!text || len == 0 || len > max || !dk_text_valid(text, len))
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

static void
copy(struct dk_reader_buf *rd, void *out, size_t len)
{
	const uint8_t *p = dk_rd_bytes(rd, len);

	if (p)
		memcpy(out, p, len);
}

dk_err
dk_enrol_request_parse(const uint8_t *body, size_t len, struct dk_enrol_request *ret_request)
{
	struct dk_enrol_request r = { 0 };
	struct dk_reader_buf rd;
	const uint8_t *magic;

	dk_rd_init(&rd, body, len);
	magic = dk_rd_bytes(&rd, 4);
	if (!magic || memcmp(magic, "DKE1", 4) != 0)
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	copy(&rd, r.code_id, sizeof(r.code_id));
	if (!read_text(&rd, r.user, DK_USER_MAX_BYTES) ||
	    !read_text(&rd, r.device_name, DK_DEVICE_NAME_MAX_BYTES) ||
	    !dk_user_name_valid(r.user, strlen(r.user)))
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	copy(&rd, r.device, sizeof(r.device));
	r.signed_len = rd.pos;
	copy(&rd, r.signature, sizeof(r.signature));
	r.mac_len = rd.pos;
	copy(&rd, r.mac, sizeof(r.mac));
	if (rd.failed || dk_rd_left(&rd) > 0)
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	*ret_request = r;
	return DK_OK;
}

dk_err
dk_enrol_request_check(
    const struct dk_enrol_request *request, const uint8_t *body, const struct dk_enrol_keys *keys)
{
	uint8_t mac[DK_ENROL_MAC_BYTES], prefix[DK_INFO_MAX_BYTES];
	const struct dk_part all = { body, request->mac_len };
	dk_auto_pkey *device = NULL;
	struct dk_part parts[2];
	dk_err err;

	err = dk_hmac_sha384(&keys->client, &all, 1, mac);
	if (err != DK_OK)
		return err;
	if (!dk_equal_ct(mac, request->mac, sizeof(mac)))
		return DK_ERR_SERVICE_ENROL_CODE;
	if (dk_pkey_from_spki(request->device, DK_P256_SPKI_BYTES, &device) != DK_OK ||
	    dk_pkey_type(device) != DK_KEY_P256)
		return DK_ERR_SERVICE_ENROL_CODE;
	err = possession(body, request->signed_len, parts, prefix);
	if (err != DK_OK)
		return err;
	err = dk_ecdsa_verify(device, parts, 2, request->signature);
	return err == DK_OK ? DK_OK : DK_ERR_SERVICE_ENROL_CODE;
}

dk_err
dk_enrol_answer_mac(const struct dk_enrol_keys *keys, const uint8_t request_mac[DK_ENROL_MAC_BYTES],
    const uint8_t *answer, size_t len, uint8_t ret_mac[DK_ENROL_MAC_BYTES])
{
	const struct dk_part parts[] = { { request_mac, DK_ENROL_MAC_BYTES }, { answer, len } };

	return dk_hmac_sha384(&keys->server, parts, 2, ret_mac);
}

void
dk_service_data_write(struct dk_writer_buf *wr, const struct dk_service_data *data)
{
	dk_wr_u16(wr, (uint16_t)strlen(data->base_url));
	dk_wr_bytes(wr, data->base_url, strlen(data->base_url));
	dk_wr_bytes(wr, data->custodian, DK_CUSTODIAN_BYTES);
	dk_wr_bytes(wr, data->ca, sizeof(data->ca));
	dk_wr_bytes(wr, data->identity, sizeof(data->identity));
	dk_wr_bytes(wr, data->log_ed25519, sizeof(data->log_ed25519));
	dk_wr_bytes(wr, data->log_p256, sizeof(data->log_p256));
	dk_wr_u16(wr, (uint16_t)(data->mode ? 1 + data->witnesses_len : 0));
	if (!data->mode)
		return;
	dk_wr_u8(wr, data->mode);
	dk_wr_bytes(wr, data->witnesses, data->witnesses_len);
}

/* A client that could not tell the quorum would have to believe that there is none. */
static bool
read_witnesses(struct dk_reader_buf *rd, struct dk_service_data *d)
{
	size_t len = dk_rd_u16(rd);
	struct dk_quorum *quorum;
	unsigned line;
	bool ok;

	if (len == 0)
		return true;
	d->mode = dk_rd_u8(rd);
	d->witnesses_len = len - 1;
	if ((d->mode != DK_LOG_PROMPT && d->mode != DK_LOG_STRICT) ||
	    len - 1 > DK_WITNESS_POLICY_MAX_BYTES || len - 1 > dk_rd_left(rd))
		return false;
	copy(rd, d->witnesses, d->witnesses_len);
	quorum = malloc(sizeof(*quorum));
	ok = quorum && dk_quorum_parse(d->witnesses, d->witnesses_len, quorum, &line) == DK_OK &&
	    (d->mode == DK_LOG_PROMPT || quorum->quorum != DK_QUORUM_NONE);
	free(quorum);
	return ok;
}

dk_err
dk_service_data_parse(const uint8_t *bytes, size_t len, struct dk_service_data *ret_data)
{
	struct dk_service_data d = { 0 };
	struct dk_reader_buf rd;
	size_t url_len;

	dk_rd_init(&rd, bytes, len);
	url_len = dk_rd_u16(&rd);
	if (url_len > DK_URL_MAX_BYTES)
		return DK_ERR_SERVICE_REPLY;
	copy(&rd, d.base_url, url_len);
	copy(&rd, d.custodian, sizeof(d.custodian));
	copy(&rd, d.ca, sizeof(d.ca));
	copy(&rd, d.identity, sizeof(d.identity));
	copy(&rd, d.log_ed25519, sizeof(d.log_ed25519));
	copy(&rd, d.log_p256, sizeof(d.log_p256));
	if (!read_witnesses(&rd, &d) || rd.failed || dk_rd_left(&rd) > 0)
		return DK_ERR_SERVICE_REPLY;
	if (strlen(d.base_url) != url_len || !dk_base_url_valid(d.base_url) ||
	    !dk_custodian_valid(d.custodian))
		return DK_ERR_SERVICE_REPLY;
	*ret_data = d;
	return DK_OK;
}

void
dk_service_log_keys(const struct dk_service_data *data, struct dk_log_keys *ret_keys)
{
	const char *host = data->base_url + strlen("https://");

	*ret_keys = (struct dk_log_keys){ 0 };
	/* A base URL is at most 255 bytes with its scheme, so this fits. */
	memcpy(ret_keys->origin, host, strlen(host));
	memcpy(ret_keys->origin + strlen(host), "/log", strlen("/log"));
	memcpy(ret_keys->ed25519, data->log_ed25519, sizeof(ret_keys->ed25519));
	memcpy(ret_keys->p256, data->log_p256, sizeof(ret_keys->p256));
}
