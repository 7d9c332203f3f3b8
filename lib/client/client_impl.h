/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the client module. */
#ifndef DK_CLIENT_IMPL_H
#define DK_CLIENT_IMPL_H

#include "client/client.h"
#include "client/profile.h"

dk_err client_enrol(
    const char *url, const char *ca_fingerprint, const char *code, const char *device_name);
/* options: NULL for none; of them, only note is used. */
dk_err client_key_open(
    const char *ref, dk_side side, const struct dk_key_options *options, struct dk_key **ret);

dk_err client_key_refresh(const char *ref, struct dk_client_key_info *ret_info);

/* approval.c */
dk_err client_request(const char *base_url, const struct dk_release_object *objects, size_t n,
    const char *reason, uint8_t **ret_file, size_t *ret_len);
dk_err client_approve(const uint8_t *request, size_t len,
    uint8_t ret_file[DK_APPROVAL_FILE_MAX_BYTES], size_t *ret_len);
dk_err client_approval(const uint8_t *file, size_t len);
/* Whether an approved request stands for this object: then wanted->err is set. */
bool client_approved(const struct dk_profile *profile, struct dk_unwrap *wanted);

/* presence.c */
dk_err client_presence(
    const char *base_url, enum dk_presence what, struct dk_presence_answer *ret_answer);
/* standing.c */
dk_err client_waiting(const char *base_url, struct dk_standing_asked **ret, size_t *ret_n);
dk_err client_stand(
    const char *base_url, const struct dk_standing *standing, struct dk_standing_answer *ret);

/* log_fetch.c */
dk_err client_log_open(
    const char *url, const uint8_t *ca_pem, size_t ca_pem_len, struct dk_log_source *ret_source);
/* log_gossip.c */
dk_err client_log_gossip(const char *base_url, uint8_t **ret_file, size_t *ret_len);
dk_err client_log_import(const uint8_t *file, size_t len, struct dk_client_gossip *ret_result);
dk_err client_log_forget(const char *base_url);

/*
 * log_check.c: spec/log.md section 14. A checkpoint that the service gave is kept and compared
 * with what it publishes; or only one of the two. Where too many are kept, adding one compares.
 *
 * Errors:  DK_ERR_LOG_INCONSISTENT  the service has more than one log, or took back what it
 *                                   had signed
 *          DK_ERR_RECEIPT           not signed by the pinned keys
 *          and what dk_log_source says: nothing that the service gave may be used
 */
DK_MUST_USE dk_err client_log_check(const struct dk_profile *profile, const char *text, size_t len);
DK_MUST_USE dk_err client_log_add(const struct dk_profile *profile, const char *text, size_t len);
DK_MUST_USE dk_err client_log_compare(const struct dk_profile *profile);

/* log_keys.c */
dk_err client_log_keys(const char *origin, struct dk_log_keys *ret_keys);
/* The service whose log has this URL or, without https://, this origin; false: no text of
 * ours. */
bool client_log_base(const char *log, char ret_base_url[DK_URL_MAX_BYTES + 1]);

/* release.c: unwrap of one request's objects; each result in requests[i].err. */
DK_MUST_USE dk_err client_release(
    const struct dk_profile *profile, struct dk_unwrap *requests, size_t n);

#endif
