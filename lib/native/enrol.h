/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment, spec/key-service.md section 4: code, MACs, service data. */
#ifndef DK_NATIVE_ENROL_H
#define DK_NATIVE_ENROL_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "log/checkpoint.h"
#include "native/request.h"

#define DK_ENROL_CODE_BYTES 16
#define DK_CODE_ID_BYTES 16
#define DK_ENROL_MAC_BYTES 48
#define DK_USER_MAX_BYTES 64
#define DK_DEVICE_NAME_MAX_BYTES 64
/* USER, ':', 28 characters and 6 hyphens, NUL */
#define DK_ENROL_TEXT_BYTES (DK_USER_MAX_BYTES + 1 + 34 + 1)
#define DK_ENROL_REQUEST_MAX_BYTES 512
#define DK_WITNESS_POLICY_MAX_BYTES 8192
#define DK_SERVICE_DATA_MAX_BYTES (1024 + 1 + DK_WITNESS_POLICY_MAX_BYTES)

struct dk_enrol_code {
	uint8_t bytes[DK_ENROL_CODE_BYTES];
};
void dk_enrol_code_clear(struct dk_enrol_code *code);
#define dk_auto_enrol_code __attribute__((cleanup(dk_enrol_code_clear))) struct dk_enrol_code

struct dk_enrol_keys {
	uint8_t code_id[DK_CODE_ID_BYTES];
	struct dk_secret48 client;
	struct dk_secret48 server;
};
void dk_enrol_keys_clear(struct dk_enrol_keys *keys);
#define dk_auto_enrol_keys __attribute__((cleanup(dk_enrol_keys_clear))) struct dk_enrol_keys

DK_MUST_USE dk_err dk_enrol_keys_derive(const struct dk_enrol_code *code,
    struct dk_enrol_keys *ret_keys);
DK_MUST_USE dk_err dk_enrol_text(const char *user, const struct dk_enrol_code *code,
    char ret_text[DK_ENROL_TEXT_BYTES]);
/* DK_ERR_SERVICE_ENROL_CODE: not such a text, or its check bits are wrong. */
DK_MUST_USE dk_err dk_enrol_text_parse(const char *text, char ret_user[DK_USER_MAX_BYTES + 1],
    struct dk_enrol_code *ret_code);

struct dk_enrol_request {
	uint8_t code_id[DK_CODE_ID_BYTES];
	char user[DK_USER_MAX_BYTES + 1];
	char device_name[DK_DEVICE_NAME_MAX_BYTES + 1];
	uint8_t device[DK_P256_SPKI_BYTES];
	uint8_t signature[DK_SIGNATURE_BYTES];
	uint8_t mac[DK_ENROL_MAC_BYTES];
	size_t signed_len; /* bytes before the signature */
	size_t mac_len;    /* bytes before the MAC */
};

/* Writes the body and fills signature and mac. */
DK_MUST_USE dk_err dk_enrol_request_write(struct dk_enrol_request *request,
    const struct dk_pkey *device, const struct dk_enrol_keys *keys,
    uint8_t body[DK_ENROL_REQUEST_MAX_BYTES], size_t *ret_len);
/* Layout only. DK_ERR_SERVICE_MALFORMED_REQUEST. */
DK_MUST_USE dk_err dk_enrol_request_parse(const uint8_t *body, size_t len,
    struct dk_enrol_request *ret_request);
/* MAC, then the signature. DK_ERR_SERVICE_ENROL_CODE: either is wrong. */
DK_MUST_USE dk_err dk_enrol_request_check(const struct dk_enrol_request *request,
    const uint8_t *body, const struct dk_enrol_keys *keys);

/* What a client pins. */
struct dk_service_data {
	char base_url[DK_URL_MAX_BYTES + 1];
	uint8_t custodian[DK_CUSTODIAN_BYTES];
	uint8_t ca[32];
	uint8_t identity[DK_P256_SPKI_BYTES];
	uint8_t log_ed25519[DK_ED25519_BYTES];
	uint8_t log_p256[DK_P256_SPKI_BYTES];
	uint8_t mode;         /* enum dk_log_mode; 0: there are no witnesses */
	size_t witnesses_len; /* of a policy, spec/log.md section 9 */
	char witnesses[DK_WITNESS_POLICY_MAX_BYTES];
};
void dk_service_data_write(struct dk_writer_buf *wr, const struct dk_service_data *data);
/* All of rd that is left. DK_ERR_SERVICE_REPLY. */
DK_MUST_USE dk_err dk_service_data_parse(const uint8_t *bytes, size_t len,
    struct dk_service_data *ret_data);
/* Origin and keys of the service's log. */
void dk_service_log_keys(const struct dk_service_data *data, struct dk_log_keys *ret_keys);

DK_MUST_USE dk_err dk_enrol_answer_mac(const struct dk_enrol_keys *keys,
    const uint8_t request_mac[DK_ENROL_MAC_BYTES], const uint8_t *answer, size_t len,
    uint8_t ret_mac[DK_ENROL_MAC_BYTES]);

#endif
