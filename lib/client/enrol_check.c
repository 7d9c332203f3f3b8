/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to an enrolment, spec/key-service.md section 4. */
#include <stdlib.h>
#include <string.h>

#include "client/check.h"
#include "log/receipt.h"

static dk_err
check_receipt(struct client_enrolled *enrolled, const uint8_t *receipt, size_t len,
    const struct client_enrolment *want, uint64_t index)
{
	struct dk_log_object *objects = malloc(DK_LOG_OBJECTS_MAX * sizeof(*objects));
	struct dk_log_event event;
	struct dk_log_keys keys;
	uint64_t got;
	dk_err err;

	if (!objects)
		return DK_ERR_NOMEM;
	dk_service_log_keys(&enrolled->service, &keys);
	err = dk_receipt_verify(&keys, receipt, len, objects, &event, &got);
	free(objects);
	if (err != DK_OK)
		return err;
	if (got != index || event.class_ != DK_LOG_DEVICE_ENROLLED ||
	    strcmp(event.user, want->request->user) != 0 || !event.has_device ||
	    memcmp(event.device, want->device_id, 32) != 0 || event.factor_count != 1 ||
	    event.factor[0].type != DK_FACTOR_CODE)
		return DK_ERR_RECEIPT;
	dk_receipt_checkpoint(receipt, len, &enrolled->checkpoint, &enrolled->checkpoint_len);
	return DK_OK;
}

dk_err
client_enrol_check(const uint8_t *answer, size_t len, const struct client_enrolment *want,
    struct client_enrolled *ret_enrolled)
{
	struct dk_service_data *service = &ret_enrolled->service;
	uint8_t mac[DK_ENROL_MAC_BYTES];
	const uint8_t *magic, *data, *device, *stated;
	struct dk_reader_buf rd;
	size_t data_len, mac_at;
	uint64_t index;
	dk_err err;

	dk_rd_init(&rd, answer, len);
	magic = dk_rd_bytes(&rd, 4);
	data_len = dk_rd_u16(&rd);
	data = dk_rd_bytes(&rd, data_len);
	device = dk_rd_bytes(&rd, 32);
	index = dk_rd_u64(&rd);
	mac_at = rd.pos;
	stated = dk_rd_bytes(&rd, DK_ENROL_MAC_BYTES);
	if (rd.failed || memcmp(magic, "DKE2", 4) != 0)
		return DK_ERR_SERVICE_REPLY;
	err = dk_enrol_answer_mac(want->keys, want->request->mac, answer, mac_at, mac);
	if (err != DK_OK)
		return err;
	if (!dk_equal_ct(mac, stated, sizeof(mac)))
		return DK_ERR_RECEIPT;
	err = dk_service_data_parse(data, data_len, service);
	if (err != DK_OK)
		return err;
	if (strcmp(service->base_url, want->base_url) != 0 ||
	    memcmp(service->ca, want->fingerprint, 32) != 0 ||
	    memcmp(device, want->device_id, 32) != 0)
		return DK_ERR_RECEIPT;
	return check_receipt(ret_enrolled, answer + rd.pos, len - rd.pos, want, index);
}
