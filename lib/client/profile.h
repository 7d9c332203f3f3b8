/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client keeps of a service: pinned service data, CA certificate, the
 * device key, pinned public keys. One folder a service under
 * $XDG_DATA_HOME/doublekey/services.
 */
#ifndef DK_CLIENT_PROFILE_H
#define DK_CLIENT_PROFILE_H

#include "native/enrol.h"
#include "native/release.h"

#define DK_PROFILE_PATH_BYTES 1024
#define DK_CA_PEM_MAX_BYTES 12288

struct dk_profile {
	char dir[DK_PROFILE_PATH_BYTES];
	struct dk_service_data service;
	char user[DK_USER_MAX_BYTES + 1];
	struct dk_pkey *device;
	uint8_t ca_pem[DK_CA_PEM_MAX_BYTES];
	size_t ca_pem_len;
};
void dk_profile_clear(struct dk_profile *profile);
#define dk_auto_profile __attribute__((cleanup(dk_profile_clear))) struct dk_profile

/* DK_ERR_SERVICE_NOT_ENROLLED, DK_ERR_SERVICE_PROFILE. */
DK_MUST_USE dk_err dk_profile_load(const char *base_url, struct dk_profile *ret_profile);
/* Everything of the profile; the folder is made. */
DK_MUST_USE dk_err dk_profile_save(struct dk_profile *profile);
DK_MUST_USE dk_err dk_profile_ca_pem(struct dk_profile *profile, const uint8_t *der, size_t len);

/* The file with a client certificate and its key: $DOUBLEKEY_CLIENT_CERTIFICATE, or
 * client.pem in the folder. False: there is none. */
bool dk_profile_client_pem(const struct dk_profile *profile, char ret_path[DK_PROFILE_PATH_BYTES]);

/* The token in the first line of $DOUBLEKEY_TOKEN_FILE, or of the file token in the
 * folder. DK_OK with len 0: there is no such file. */
struct dk_token_text {
	char text[DK_TOKEN_MAX_BYTES + 1];
	size_t len;
};
void dk_token_text_clear(struct dk_token_text *token);
#define dk_auto_token_text __attribute__((cleanup(dk_token_text_clear))) struct dk_token_text
DK_MUST_USE dk_err dk_profile_token(
    const struct dk_profile *profile, struct dk_token_text *ret_token);

/* Requests that wait for approvals, by digest. A request that nobody can use any
 * more is removed when another one is saved. bytes: dk_wipe() and free(). */
DK_MUST_USE dk_err dk_profile_request_save(
    const struct dk_profile *profile, const uint8_t digest[32], const uint8_t *bytes, size_t len);
DK_MUST_USE dk_err dk_profile_request_load(const struct dk_profile *profile,
    const uint8_t digest[32], uint8_t **ret_bytes, size_t *ret_len);
void dk_profile_request_remove(const struct dk_profile *profile, const uint8_t digest[32]);

/* Pinned key statements, by name. body: free(). */
DK_MUST_USE dk_err dk_profile_key_load(
    const struct dk_profile *profile, const char *name, uint8_t **ret_body, size_t *ret_len);
DK_MUST_USE dk_err dk_profile_key_save(
    const struct dk_profile *profile, const char *name, const uint8_t *body, size_t len);
/* Seconds since the service was last asked about the key; a clock that went back
 * counts as long ago. */
uint64_t dk_profile_key_age(const struct dk_profile *profile, const char *name);
void dk_profile_key_age_set(const struct dk_profile *profile, const char *name, uint64_t age);

#endif
