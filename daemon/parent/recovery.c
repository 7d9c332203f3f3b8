/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys that an option names: of a private key file only the public half is read. */
#include <string.h>

#include "format/key_impl.h"
#include "ipc/child.h"
#include "parent/parent.h"

_Static_assert(
    RECOVERY_HEX_BYTES == 2 * (DK_CUSTODIAN_BYTES + DK_SPKI_MAX_BYTES) + 1, "a recovery key fits");

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
		say(SAY_ERROR, "%s: %s (%s)", file, dk_err_text(err), dk_err_name(err));
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
