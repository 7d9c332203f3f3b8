/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the customer's pages send, and what an authenticator signs
 * (spec/profiles/ms-dke-pages.md). Nothing here parses JSON or CBOR: the client data are
 * compared with the one form in which browsers write them (Web Authentication 5.8.1.2).
 *
 * Slices point into the body that was parsed.
 */
#ifndef DK_NATIVE_PAGE_H
#define DK_NATIVE_PAGE_H

#include "native/enrol.h"

#define DK_PAGE_BODY_MAX_BYTES 4096
#define DK_AUTHENTICATOR_DATA_MAX_BYTES 1024
#define DK_CLIENT_DATA_MAX_BYTES 1024
#define DK_CREDENTIAL_ID_MAX_BYTES 1023

/* Section 2. The signature is DER, at most DK_SIGNATURE_DER_MAX_BYTES. */
struct dk_assertion {
	struct dk_part authenticator;
	struct dk_part client;
	struct dk_part signature;
};

/*
 * DK_ERR_SERVICE_SIGNATURE: does not hold for this challenge, key and base URL.
 *
 * In:  key        P-256
 *      base_url   "https://HOST" or "https://HOST:PORT"
 *      challenge  32 bytes, of one of the functions below
 */
DK_MUST_USE dk_err dk_assertion_check(const struct dk_assertion *assertion,
    const struct dk_pkey *key, const char *base_url, const uint8_t challenge[32]);

/* Section 3, a registration. */
struct dk_page_register {
	uint8_t code_id[DK_CODE_ID_BYTES];
	char person[DK_USER_MAX_BYTES + 1];
	char device_name[DK_DEVICE_NAME_MAX_BYTES + 1];
	uint8_t spki[DK_P256_SPKI_BYTES];
	struct dk_part credential; /* 16 to DK_CREDENTIAL_ID_MAX_BYTES bytes */
	struct dk_assertion assertion;
	struct dk_part before; /* what the challenge is of */
	struct dk_part maced;  /* what the MAC is of */
	uint8_t mac[DK_ENROL_MAC_BYTES];
};
/* Of the bodies of the pages, whether it is one of a registration. */
bool dk_page_is_register(const uint8_t *body, size_t len);
/* Layout only. DK_ERR_SERVICE_MALFORMED_REQUEST. */
DK_MUST_USE dk_err dk_page_register_parse(
    const uint8_t *body, size_t len, struct dk_page_register *ret);
DK_MUST_USE dk_err dk_page_register_challenge(
    const struct dk_page_register *request, uint8_t ret_challenge[32]);
/* MAC, then the assertion. DK_ERR_SERVICE_ENROL_CODE: either is wrong, or the key is none. */
DK_MUST_USE dk_err dk_page_register_check(
    const struct dk_page_register *request, const struct dk_enrol_keys *keys, const char *base_url);

/* Sections 4 and 5. */
enum dk_page_what {
	DK_PAGE_LIST = 0, /* "DKL1"; the others are "DKG1" */
	DK_PAGE_CONFIRM = 1,
	DK_PAGE_SESSION_OPEN = 2,
	DK_PAGE_SESSION_CLOSE = 3,
};
struct dk_page_act {
	enum dk_page_what what;
	uint64_t time; /* seconds since 1970 */
	uint8_t nonce[DK_NONCE_BYTES];
	uint8_t document[32]; /* zeros unless DK_PAGE_CONFIRM */
	struct dk_part credential;
	struct dk_assertion assertion;
};
/* Either layout. DK_ERR_SERVICE_MALFORMED_REQUEST. */
DK_MUST_USE dk_err dk_page_act_parse(const uint8_t *body, size_t len, struct dk_page_act *ret);
/* What is signed, by this person (not for DK_PAGE_LIST) at this address. */
DK_MUST_USE dk_err dk_page_act_challenge(const struct dk_page_act *act, const char *person,
    const uint8_t address[16], uint8_t ret_challenge[32]);

#endif
