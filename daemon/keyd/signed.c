/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of devices over requests, spec/key-service.md section 3. */
#include "keyd/keyd.h"

unsigned
keyd_signed(struct keyd *keyd, const struct dk_request_signature *sig, const char *path,
    const struct dk_part *body, uint8_t ret_digest[32], struct device **ret_device)
{
	struct device *device = state_device(&keyd->state, sig->key_id);
	char base[DK_SIGNATURE_BASE_MAX_BYTES];
	uint8_t hash[32];
	size_t len;

	*ret_device = device;
	if (!device || device->credential)
		return DK_CODE_UNKNOWN_DEVICE;
	if (dk_sha256(body, 1, hash) != DK_OK ||
	    dk_signature_base(sig, keyd->state.service.base_url, path, hash, base, &len) != DK_OK ||
	    dk_request_digest(base, len, ret_digest) != DK_OK || !device->pkey)
		return DK_CODE_INTERNAL;
	const struct dk_part part = { base, len };
	return dk_ecdsa_verify(device->pkey, &part, 1, sig->signature) == DK_OK ? DK_CODE_OK
										: DK_CODE_SIGNATURE;
}

bool
keyd_age_fits(uint64_t created, uint64_t age_max, uint64_t now)
{
	return created + age_max >= now && created <= now + DK_REQUEST_AHEAD_MAX_S;
}

unsigned
keyd_signed_now(struct keyd *keyd, const struct dk_request_signature *sig, const char *path,
    const struct dk_part *body, struct device **ret_device)
{
	uint8_t digest[32];
	unsigned code;

	*ret_device = state_device(&keyd->state, sig->key_id);
	if (*ret_device && keyd_device_pkey(keyd, *ret_device) != DK_OK)
		return DK_CODE_INTERNAL;
	code = keyd_signed(keyd, sig, path, body, digest, ret_device);
	if (code == DK_CODE_OK && (*ret_device)->state != DEVICE_ACTIVE)
		code = DK_CODE_DEVICE_REVOKED;
	if (code == DK_CODE_OK && !keyd_age_fits(sig->created, DK_REQUEST_AGE_MAX_S, ipc_now()))
		code = DK_CODE_CLOCK;
	return code;
}
