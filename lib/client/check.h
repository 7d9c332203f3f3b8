/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client checks of the answers of a service before it pins or believes
 * anything. No input or output, so that vectors and fuzzers drive all of it.
 */
#ifndef DK_CLIENT_CHECK_H
#define DK_CLIENT_CHECK_H

#include "native/enrol.h"
#include "native/release.h"

/* What the client was given, and what it sent. */
struct client_enrolment {
	const char *base_url;
	const uint8_t *fingerprint; /* of the CA, 32 bytes */
	const struct dk_enrol_keys *keys;
	const struct dk_enrol_request *request;
	const uint8_t *device_id; /* 32 bytes */
};

/* What the service answered to it. */
struct client_enrolled {
	struct dk_service_data service; /* may be pinned */
	const char *checkpoint;         /* of the receipt; borrowed from the answer */
	size_t checkpoint_len;
};

/*
 * The answer of POST /v1/devices, spec/key-service.md section 4.
 *
 * Out:     ret_enrolled  filled, but not to be used, on error
 * Errors:  DK_ERR_SERVICE_REPLY  another layout
 *          DK_ERR_RECEIPT        not the MAC of the service, not what was asked for,
 *                                or a receipt that does not prove it
 */
DK_MUST_USE dk_err client_enrol_check(const uint8_t *answer, size_t len,
    const struct client_enrolment *want, struct client_enrolled *ret_enrolled);

/*
 * A key statement at its first use, spec/key-service.md section 5.
 *
 * Out:     ret_statement  borrowed from body; filled, but not to be used, on error
 * Errors:  DK_ERR_SERVICE_REPLY  another layout
 *          DK_ERR_RECEIPT        signature, name, custodian, a version's record
 */
DK_MUST_USE dk_err client_statement_check(const struct dk_service_data *service, const char *name,
    const uint8_t *body, size_t len, struct dk_key_statement *ret_statement);

/* Whether the newer statement takes nothing back, section 5.1. */
bool client_statement_follows(
    const struct dk_key_statement *newer, const struct dk_key_statement *old);

#endif
