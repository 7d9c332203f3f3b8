/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the client module. */
#ifndef DK_CLIENT_IMPL_H
#define DK_CLIENT_IMPL_H

#include "client/client.h"
#include "client/profile.h"

dk_err client_enrol(
    const char *url, const char *ca_fingerprint, const char *code, const char *device_name);
dk_err client_key_open(const char *ref, dk_side side, struct dk_key **ret);

dk_err client_key_refresh(const char *ref, struct dk_client_key_info *ret_info);

/* approval.c */
dk_err client_request(const char *base_url, const struct dk_release_object *objects, size_t n,
    const char *reason, uint8_t **ret_file, size_t *ret_len);
dk_err client_approve(const uint8_t *request, size_t len,
    uint8_t ret_file[DK_APPROVAL_FILE_MAX_BYTES], size_t *ret_len);
dk_err client_approval(const uint8_t *file, size_t len);
/* Whether an approved request stands for this object: then wanted->err is set. */
bool client_approved(const struct dk_profile *profile, struct dk_unwrap *wanted);

/* log_fetch.c */
dk_err client_log_open(const char *url, const uint8_t *ca_pem, size_t ca_pem_len,
    struct dk_log_source *ret_source);
/* log_keys.c */
dk_err client_log_keys(const char *origin, struct dk_log_keys *ret_keys);
/* The service whose log has this URL or, without https://, this origin; false: no text of
 * ours. */
bool client_log_base(const char *log, char ret_base_url[DK_URL_MAX_BYTES + 1]);

/* release.c: unwrap of one request's objects; each result in requests[i].err. */
DK_MUST_USE dk_err client_release(
    const struct dk_profile *profile, struct dk_unwrap *requests, size_t n);

#endif
