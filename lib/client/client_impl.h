/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the client module. */
#ifndef DK_CLIENT_IMPL_H
#define DK_CLIENT_IMPL_H

#include "client/client.h"
#include "client/profile.h"

dk_err client_enrol(const char *url, const char *ca_fingerprint, const char *code,
    const char *device_name);
dk_err client_key_open(const char *ref, dk_side side, struct dk_key **ret);

dk_err client_key_refresh(const char *ref, struct dk_client_key_info *ret_info);

/* release.c: unwrap of one request's objects; each result in requests[i].err. */
DK_MUST_USE dk_err client_release(const struct dk_profile *profile, struct dk_unwrap *requests,
    size_t n);

#endif
