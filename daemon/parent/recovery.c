/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys that an option names. A private key file is refused: its private half has no
 * place on the machine of the service. */
#include <string.h>

#include "format/key_impl.h"
#include "parent/parent.h"
#include "parent/tell.h"

_Static_assert(
    RECOVERY_HEX_BYTES == 2 * (DK_CUSTODIAN_BYTES + DK_SPKI_MAX_BYTES) + 1, "a recovery key fits");

static bool
is_private(const char *file, dk_side side)
{
	static const struct dk_key_options nobody = { .public_only = 0 };
	struct dk_key *key = NULL;
	dk_err err = dk_key_open(file, side, &nobody, &key);
	bool private_half =
	    err == DK_ERR_KEY_NEED_PASSPHRASE || (err == DK_OK && dk_key_has_private(key));

	dk_key_free(key);
	if (private_half)
		tell(file, "argument",
		    "this is a private key, which is to stay elsewhere; give its public one, "
		    "KEY.pub");
	return private_half;
}

struct dk_key *
public_key_open(const char *file, dk_side side)
{
	static const struct dk_key_options public_half = { .public_only = 1 };
	char scheme[DK_KEY_SCHEME_BYTES];
	struct dk_key *key = NULL;
	dk_err err;

	err = dk_key_ref_scheme(file, scheme) ? DK_ERR_KEY_SCHEME
					      : dk_key_open(file, side, &public_half, &key);
	if (err != DK_OK)
		tell(file, dk_err_name(err), "%s", dk_err_text(err));
	if (key && is_private(file, side)) {
		dk_key_free(key);
		return NULL;
	}
	return key;
}

bool
recovery_hex(const char *file, char ret_hex[RECOVERY_HEX_BYTES])
{
	struct dk_key *key = public_key_open(file, DK_SIDE_CUSTOMER);
	const uint8_t *spki;
	size_t len;

	if (!key)
		return false;
	spki = dk_pkey_spki(dk_key_local_pkey(key), &len);
	dk_hex(key->custodian, DK_CUSTODIAN_BYTES, ret_hex);
	dk_hex(spki, len, ret_hex + (size_t)2 * DK_CUSTODIAN_BYTES);
	dk_key_free(key);
	return true;
}
