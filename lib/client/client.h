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

#define DK_CLIENT_ABI 2
#define DK_CLIENT_SYMBOL "dk_client_module"

/* What a pin says after it was refreshed. */
struct dk_client_key_info {
	uint32_t version; /* that is encrypted to; 0: none is active */
	unsigned versions;
	bool has_recovery;
};

/* What the module exports under DK_CLIENT_SYMBOL. */
struct dk_client_module {
	unsigned abi;
	dk_err (*enrol)(const char *url, const char *ca_fingerprint, const char *code,
	    const char *device_name);
	dk_err (*key_open)(const char *ref, dk_side side, struct dk_key **ret);
	dk_err (*key_refresh)(const char *ref, struct dk_client_key_info *ret_info);
};

/*
 * Enrol this machine at a service, spec/key-service.md section 4, and keep the
 * profile. ca_fingerprint: 64 hex digits. The code is not wiped: the caller's.
 */
DK_MUST_USE dk_err dk_client_enrol(const char *url, const char *ca_fingerprint, const char *code,
    const char *device_name);

/* Ask the service for the key again and pin what it says, spec/key-service.md
 * section 5.1. DK_ERR_RECEIPT: it takes back what it said before. */
DK_MUST_USE dk_err dk_client_key_refresh(const char *ref, struct dk_client_key_info *ret_info);

#endif
