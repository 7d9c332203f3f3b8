/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "provider/helper/key.h"
#include "token/p11.h"

/* CKR_MECHANISM_INVALID and the like where the token has no OAEP with SHA-256. */
static CK_RV
oaep(struct token_key *key, const uint8_t *in, size_t len, uint8_t *out, size_t *ret_len)
{
	CK_RSA_PKCS_OAEP_PARAMS params = { CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL,
		0 };
	CK_MECHANISM mechanism = { CKM_RSA_PKCS_OAEP, &params, sizeof(params) };
	CK_ULONG n = DK_P11_OUT_MAX_BYTES;
	CK_RV rv = key->f->C_DecryptInit(key->session, &mechanism, key->object);

	if (rv != CKR_OK)
		return CKR_MECHANISM_INVALID;
	rv = key->f->C_Decrypt(key->session, (uint8_t *)(uintptr_t)in, len, out, &n);
	*ret_len = n;
	return rv;
}

static CK_RV
decrypt(struct token_key *key, const uint8_t *in, size_t len, uint8_t *out, size_t *ret_len,
    enum token_result *ret_kind)
{
	CK_RV rv = oaep(key, in, len, out, ret_len);

	*ret_kind = TOKEN_SEED;
	if (rv != CKR_MECHANISM_INVALID)
		return rv;
	*ret_kind = TOKEN_RAW;
	return dk_p11_power(key->f, key->session, key->object, in, len, out, ret_len);
}

dk_err
token_object_use(struct token_key *key, const uint8_t *in, size_t len, uint8_t *out,
    size_t *ret_len, enum token_result *ret_kind)
{
	bool rsa = dk_pkey_type(key->pkey) == DK_KEY_RSA;
	CK_RV rv;

	*ret_kind = TOKEN_ECDH;
	rv = rsa ? decrypt(key, in, len, out, ret_len, ret_kind)
		 : dk_p11_derive(key->f, key->session, key->object, in, len, out, ret_len);
	switch (rv) {
	case CKR_OK:
		return DK_OK;
	case CKR_ENCRYPTED_DATA_INVALID:
	case CKR_ENCRYPTED_DATA_LEN_RANGE:
	case CKR_DATA_INVALID:
	case CKR_DATA_LEN_RANGE:
	case CKR_MECHANISM_PARAM_INVALID:
		return token_why(key, DK_ERR_PROVIDER_REFUSED, "%s", p11_kit_strerror(rv));
	case CKR_KEY_FUNCTION_NOT_PERMITTED:
	case CKR_KEY_TYPE_INCONSISTENT:
	case CKR_MECHANISM_INVALID:
		return token_why(key, DK_ERR_PROVIDER_KEY_USE, "%s", p11_kit_strerror(rv));
	case CKR_USER_NOT_LOGGED_IN:
		return token_why(key, DK_ERR_PROVIDER_CREDENTIALS, "%s", p11_kit_strerror(rv));
	default:
		return token_why(
		    key, DK_ERR_PROVIDER_UNREACHABLE, "the token fails (%s)", p11_kit_strerror(rv));
	}
}
