/* SPDX-License-Identifier: Apache-2.0 */
#include "token/p11.h"

CK_RV
dk_p11_derive(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
    const uint8_t *point, size_t len, uint8_t out[DK_P11_OUT_MAX_BYTES], size_t *ret_len)
{
	/* By position, since versions of the header name the members in two ways. */
	CK_ECDH1_DERIVE_PARAMS params = { CKD_NULL, 0, NULL, len, (uint8_t *)(uintptr_t)point };
	CK_MECHANISM mechanism = { CKM_ECDH1_DERIVE, &params, sizeof(params) };
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG want = len / 2;
	CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) }, { CKA_TOKEN, &no, sizeof(no) },
		{ CKA_SENSITIVE, &no, sizeof(no) }, { CKA_EXTRACTABLE, &yes, sizeof(yes) },
		{ CKA_VALUE_LEN, &want, sizeof(want) } };
	CK_ATTRIBUTE value = { CKA_VALUE, out, DK_P11_OUT_MAX_BYTES };
	CK_OBJECT_HANDLE secret;
	CK_RV rv;

	rv = f->C_DeriveKey(
	    session, &mechanism, key, template, sizeof(template) / sizeof(template[0]), &secret);
	if (rv != CKR_OK)
		return rv;
	rv = f->C_GetAttributeValue(session, secret, &value, 1);
	(void)f->C_DestroyObject(session, secret);
	if (rv == CKR_OK && value.ulValueLen != want)
		rv = CKR_FUNCTION_FAILED;
	*ret_len = want;
	return rv;
}

CK_RV
dk_p11_power(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
    const uint8_t *in, size_t len, uint8_t out[DK_P11_OUT_MAX_BYTES], size_t *ret_len)
{
	CK_MECHANISM mechanism = { CKM_RSA_X_509, NULL, 0 };
	CK_ULONG n = DK_P11_OUT_MAX_BYTES;
	CK_RV rv;

	rv = f->C_DecryptInit(session, &mechanism, key);
	if (rv != CKR_OK)
		return rv;
	rv = f->C_Decrypt(session, (uint8_t *)(uintptr_t)in, len, out, &n);
	if (rv == CKR_OK && n != len)
		rv = CKR_FUNCTION_FAILED;
	*ret_len = n;
	return rv;
}
