/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of a key service. It is a shared module of its own, which the library
 * loads when a key service is named: everything else starts without libcurl.
 *
 * Spec: spec/key-service.md
 */
#ifndef DK_CLIENT_H
#define DK_CLIENT_H

#include "format/key_impl.h"
#include "log/checkpoint.h"
#include "log/tile.h"
#include "native/approval.h"
#include "native/presence.h"
#include "native/standing.h"

#define DK_CLIENT_ABI 10
#define DK_CLIENT_WHY_BYTES 384
#define DK_CLIENT_SYMBOL "dk_client_module"

/* What a pin says after it was refreshed. */
struct dk_client_key_info {
	uint32_t version; /* that is encrypted to; 0: none is active */
	unsigned versions;
	bool has_recovery;
};

/* What became of a gossip file. */
struct dk_client_gossip {
	unsigned taken;                 /* notes of services where this machine is enrolled */
	unsigned skipped;               /* others */
	char url[DK_URL_MAX_BYTES + 1]; /* on error: of which service, or empty */
};

/* What the module exports under DK_CLIENT_SYMBOL. */
struct dk_client_module {
	unsigned abi;
	dk_err (*enrol)(
	    const char *url, const char *ca_fingerprint, const char *code, const char *device_name);
	dk_err (*key_open)(const char *ref, dk_side side, const struct dk_key_options *options,
	    struct dk_key **ret);
	dk_err (*key_refresh)(const char *ref, struct dk_client_key_info *ret_info);
	dk_err (*request)(const char *base_url, const struct dk_release_object *objects, size_t n,
	    const char *reason, uint8_t **ret_file, size_t *ret_len);
	dk_err (*approve)(const uint8_t *request, size_t len,
	    uint8_t ret_file[DK_APPROVAL_FILE_MAX_BYTES], size_t *ret_len);
	dk_err (*approval)(const uint8_t *file, size_t len);
	dk_err (*presence)(
	    const char *base_url, enum dk_presence what, struct dk_presence_answer *ret_answer);
	dk_err (*waiting)(const char *base_url, struct dk_standing_asked **ret, size_t *ret_n);
	dk_err (*stand)(const char *base_url, const struct dk_standing *standing,
	    struct dk_standing_answer *ret);
	dk_err (*log_open)(const char *url, const uint8_t *ca_pem, size_t ca_pem_len,
	    struct dk_log_source *ret_source);
	dk_err (*log_keys)(const char *origin, struct dk_log_keys *ret_keys);
	dk_err (*log_gossip)(const char *base_url, uint8_t **ret_file, size_t *ret_len);
	dk_err (*log_import)(const uint8_t *file, size_t len, struct dk_client_gossip *ret_result);
	dk_err (*log_forget)(const char *base_url);
	void (*why)(char ret_text[DK_CLIENT_WHY_BYTES]);
};

/* "HOST:PORT: why" for the service that was the last one that could not be reached
 * (DK_ERR_SERVICE_UNREACHABLE) by this process; empty: none, or it is not known. */
void dk_client_why(char ret_text[DK_CLIENT_WHY_BYTES]);

/*
 * Enrol this machine at a service, spec/key-service.md section 4, and keep the
 * profile. ca_fingerprint: 64 hex digits. The code is not wiped: the caller's.
 */
DK_MUST_USE dk_err dk_client_enrol(
    const char *url, const char *ca_fingerprint, const char *code, const char *device_name);

/* Ask the service for the key again and pin what it says, spec/key-service.md
 * section 5.1. DK_ERR_RECEIPT: it takes back what it said before. */
DK_MUST_USE dk_err dk_client_key_refresh(const char *ref, struct dk_client_key_info *ret_info);

/*
 * A request file that approvers can sign, spec/key-service.md section 6.1: the
 * request is made and signed, and kept until its approvals are there.
 *
 * In:      base_url  of a service where this machine is enrolled
 *          objects   1 to DK_RELEASE_OBJECTS_MAX
 *          reason    text of 1 to DK_REASON_MAX_BYTES
 * Out:     ret_file  free()
 */
DK_MUST_USE dk_err dk_client_request(const char *base_url, const struct dk_release_object *objects,
    size_t n, const char *reason, uint8_t **ret_file, size_t *ret_len);

/* Approve what a request file asks for, with the key of this machine. The caller
 * has shown it to its user. DK_ERR_SERVICE_REQUEST: none, or too old. */
DK_MUST_USE dk_err dk_client_approve(const uint8_t *request, size_t len,
    uint8_t ret_file[DK_APPROVAL_FILE_MAX_BYTES], size_t *ret_len);

/* From now on this process unwraps the objects of the approved request by
 * sending it, once, with all approvals that were given before. */
DK_MUST_USE dk_err dk_client_approval(const uint8_t *file, size_t len);

/*
 * Opens, closes or looks at the session of this machine's user, by which the service knows that
 * the user is there (spec/profiles/ms-dke-pages.md section 5.1).
 *
 * In:      base_url  of a service where this machine is enrolled
 * Errors:  DK_ERR_SERVICE_NOT_FOUND  it has no front end that asks for one
 */
DK_MUST_USE dk_err dk_client_presence(
    const char *base_url, enum dk_presence what, struct dk_presence_answer *ret_answer);

/*
 * What this machine's user is asked to approve at a service, spec/key-service.md section 6.2, and
 * an approval of it.
 *
 * In:      base_url  of a service where this machine is enrolled
 * Out:     ret       free()
 * Errors:  DK_ERR_SERVICE_POLICY  no rule wants this approval of this user
 *          and what the service says
 */
DK_MUST_USE dk_err dk_client_waiting(
    const char *base_url, struct dk_standing_asked **ret, size_t *ret_n);
DK_MUST_USE dk_err dk_client_stand(
    const char *base_url, const struct dk_standing *standing, struct dk_standing_answer *ret);

/*
 * The log at a URL (https://HOST[:PORT]/PATH, what stands before /checkpoint).
 *
 * In:      ca_pem  CA certificates; NULL: those pinned, if this machine is enrolled at that
 *                  host, else those of the system
 * Errors:  DK_ERR_ARGUMENT  no such URL; files: errors of the category service, and those of
 *          struct dk_log_source
 */
DK_MUST_USE dk_err dk_client_log_open(
    const char *url, const uint8_t *ca_pem, size_t ca_pem_len, struct dk_log_source *ret_source);

/* The pinned keys of the log with this origin. DK_ERR_SERVICE_NOT_ENROLLED. */
DK_MUST_USE dk_err dk_client_log_keys(const char *origin, struct dk_log_keys *ret_keys);

/*
 * What this machine has seen of the log of a service, as a gossip file for other users, spec/log.md
 * section 14.1; the same of another user, which is compared with the service at
 * once; and the end of what was kept, where the operator says why the log is another one.
 *
 * In:      base_url  of a service where this machine is enrolled
 * Out:     ret_file  free()
 * Errors:  DK_ERR_LOG_FILE          not a gossip file
 *          DK_ERR_RECEIPT           a note that the log's keys did not sign
 *          DK_ERR_LOG_INCONSISTENT  the service showed somebody another log
 *          and what dk_log_source and the service say
 */
DK_MUST_USE dk_err dk_client_log_gossip(const char *base_url, uint8_t **ret_file, size_t *ret_len);
DK_MUST_USE dk_err dk_client_log_import(
    const uint8_t *file, size_t len, struct dk_client_gossip *ret_result);
DK_MUST_USE dk_err dk_client_log_forget(const char *base_url);

#endif
