/* SPDX-License-Identifier: Apache-2.0 */
#include "tokend/token.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/crypto.h"
#include "native/code.h"
#include "token/p11.h"
#include "tokend/session.h"

static CK_BYTE p256_params[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static CK_BYTE p384_params[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };

/* What a call's failure means; the sessions are opened anew at the next request
 * unless the request itself was wrong. */
static unsigned
failed(CK_RV rv, bool *lost)
{
	if (rv == CKR_ENCRYPTED_DATA_INVALID || rv == CKR_ENCRYPTED_DATA_LEN_RANGE ||
	    rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_DATA_LEN_RANGE || rv == CKR_DATA_INVALID)
		return DK_CODE_STANZA_AUTH;
	*lost = true;
	return DK_CODE_HSM;
}

/* ---- objects ---- */

static CK_RV
find_key(const struct session *s, CK_OBJECT_CLASS class, const uint8_t id[TOKEN_ID_BYTES],
    CK_OBJECT_HANDLE *ret)
{
	CK_ATTRIBUTE want[] = { { CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, (void *)(uintptr_t)id, TOKEN_ID_BYTES } };
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n = 0;
	CK_RV rv;

	rv = s->f->C_FindObjectsInit(s->handle, want, 2);
	if (rv != CKR_OK)
		return rv;
	rv = s->f->C_FindObjects(s->handle, found, 2, &n);
	(void)s->f->C_FindObjectsFinal(s->handle);
	if (rv == CKR_OK && n != 1)
		rv = CKR_KEY_HANDLE_INVALID;
	*ret = found[0];
	return rv;
}

/* CKA_EC_POINT is an OCTET STRING around the point; some modules leave it out. */
static unsigned
ec_spki(const struct session *s, unsigned type, CK_OBJECT_HANDLE key, uint8_t *out, size_t *ret_len,
    bool *lost)
{
	size_t point_len = type == DK_KEY_P256 ? DK_P256_POINT_BYTES : DK_P384_POINT_BYTES, len;
	uint8_t value[160];
	CK_ATTRIBUTE point = { CKA_EC_POINT, value, sizeof(value) };
	dk_auto_pkey *pkey = NULL;
	const uint8_t *spki;
	CK_RV rv = s->f->C_GetAttributeValue(s->handle, key, &point, 1);

	if (rv != CKR_OK)
		return failed(rv, lost);
	if (point.ulValueLen < point_len ||
	    dk_pkey_from_point(type, value + point.ulValueLen - point_len, point_len, &pkey) !=
		DK_OK)
		return DK_CODE_HSM;
	spki = dk_pkey_spki(pkey, &len);
	memcpy(out, spki, len);
	*ret_len = len;
	return DK_CODE_OK;
}

/* Bits of the modulus; 0: a curve. */
static CK_ULONG
rsa_bits(unsigned type)
{
	switch (type) {
	case TOKEN_DKE_2048:
		return 2048;
	case DK_KEY_RSA:
	case TOKEN_DKE_3072:
		return 3072;
	case TOKEN_DKE_4096:
		return 4096;
	default:
		return 0;
	}
}

bool
token_type_known(unsigned type)
{
	return type == DK_KEY_P256 || type == DK_KEY_P384 || rsa_bits(type) > 0;
}

/* SubjectPublicKeyInfo of the modulus and exponent 65537. */
static unsigned
rsa_spki(const struct session *s, unsigned type, CK_OBJECT_HANDLE key, uint8_t *out,
    size_t *ret_len, bool *lost)
{
	uint8_t modulus[DK_RSA_MAX_BYTES];
	CK_ATTRIBUTE n = { CKA_MODULUS, modulus, sizeof(modulus) };
	CK_RV rv = s->f->C_GetAttributeValue(s->handle, key, &n, 1);

	if (rv != CKR_OK)
		return failed(rv, lost);
	if (n.ulValueLen != rsa_bits(type) / 8)
		return DK_CODE_HSM;
	*ret_len = dk_rsa_spki(modulus, n.ulValueLen, out, TOKEN_OUT_MAX_BYTES);
	return *ret_len > 0 ? DK_CODE_OK : DK_CODE_HSM;
}

static CK_RV
generate(const struct session *s, unsigned type, const uint8_t id[TOKEN_ID_BYTES],
    CK_OBJECT_HANDLE *ret_public)
{
	CK_MECHANISM ec = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_MECHANISM rsa = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
	CK_BYTE exponent[] = { 1, 0, 1 };
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG bits = rsa_bits(type);
	char label[] = "doublekey";
	bool is_rsa = bits > 0;
	CK_ATTRIBUTE pub[6] = { { CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_ID, (void *)(uintptr_t)id, TOKEN_ID_BYTES },
		{ CKA_LABEL, label, strlen(label) } };
	CK_ATTRIBUTE priv[] = { { CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_PRIVATE, &yes, sizeof(yes) }, { CKA_SENSITIVE, &yes, sizeof(yes) },
		{ CKA_EXTRACTABLE, &no, sizeof(no) },
		{ CKA_ID, (void *)(uintptr_t)id, TOKEN_ID_BYTES },
		{ CKA_LABEL, label, strlen(label) },
		{ is_rsa ? CKA_DECRYPT : CKA_DERIVE, &yes, sizeof(yes) },
		{ CKA_SIGN, &no, sizeof(no) } };
	CK_OBJECT_HANDLE private_key;
	CK_ULONG n = 3;

	if (is_rsa) {
		pub[n++] = (CK_ATTRIBUTE){ CKA_MODULUS_BITS, &bits, sizeof(bits) };
		pub[n++] = (CK_ATTRIBUTE){ CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent) };
		pub[n++] = (CK_ATTRIBUTE){ CKA_ENCRYPT, &yes, sizeof(yes) };
	} else if (type == DK_KEY_P256) {
		pub[n++] = (CK_ATTRIBUTE){ CKA_EC_PARAMS, p256_params, sizeof(p256_params) };
	} else {
		pub[n++] = (CK_ATTRIBUTE){ CKA_EC_PARAMS, p384_params, sizeof(p384_params) };
	}
	return s->f->C_GenerateKeyPair(s->handle, is_rsa ? &rsa : &ec, pub, n, priv,
	    sizeof(priv) / sizeof(priv[0]), ret_public, &private_key);
}

unsigned
token_make(unsigned type, const uint8_t id[TOKEN_ID_BYTES], const char *uri,
    uint8_t out[TOKEN_OUT_MAX_BYTES], size_t *ret_len)
{
	CK_OBJECT_HANDLE key;
	struct session *s;
	unsigned code = session_take(&s);
	bool lost = false;
	CK_RV rv;

	if (code != DK_CODE_OK)
		return code;
	if (!sessions_are_of(uri)) {
		session_give(s, false);
		return DK_CODE_ARGUMENT;
	}
	rv = generate(s, type, id, &key);
	if (rv != CKR_OK)
		code = failed(rv, &lost);
	else
		code = rsa_bits(type) > 0 ? rsa_spki(s, type, key, out, ret_len, &lost)
					  : ec_spki(s, type, key, out, ret_len, &lost);
	session_give(s, lost);
	return code;
}

/* ---- use ---- */

_Static_assert(TOKEN_OUT_MAX_BYTES == DK_P11_OUT_MAX_BYTES, "room for either result");

static CK_RV
use(const struct session *s, unsigned type, CK_OBJECT_HANDLE key, const uint8_t *in, size_t len,
    uint8_t out[TOKEN_OUT_MAX_BYTES], size_t *ret_len)
{
	return rsa_bits(type) > 0 ? dk_p11_power(s->f, s->handle, key, in, len, out, ret_len)
				  : dk_p11_derive(s->f, s->handle, key, in, len, out, ret_len);
}

unsigned
token_use(unsigned type, const uint8_t id[TOKEN_ID_BYTES], const uint8_t *in, size_t len,
    uint8_t out[TOKEN_OUT_MAX_BYTES], size_t *ret_len)
{
	CK_RV rv = CKR_KEY_HANDLE_INVALID;
	CK_OBJECT_HANDLE key;
	struct session *s;
	unsigned code = session_take(&s);
	bool lost = false;

	if (code != DK_CODE_OK)
		return code;
	if (session_known_key(id, &key))
		rv = use(s, type, key, in, len, out, ret_len);
	/* Somebody else may have changed what is in the HSM. */
	if (rv == CKR_KEY_HANDLE_INVALID || rv == CKR_OBJECT_HANDLE_INVALID) {
		session_forget_key(id);
		rv = find_key(s, CKO_PRIVATE_KEY, id, &key);
		if (rv == CKR_OK)
			rv = use(s, type, key, in, len, out, ret_len);
		if (rv == CKR_OK)
			session_know_key(id, key);
	}
	if (rv != CKR_OK)
		code = failed(rv, &lost);
	session_give(s, lost);
	return code;
}

unsigned
token_destroy(const uint8_t id[TOKEN_ID_BYTES])
{
	static const CK_OBJECT_CLASS classes[] = { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY };
	CK_OBJECT_HANDLE key;
	struct session *s;
	unsigned code = session_take(&s), taken = code;
	bool lost = false;
	CK_RV rv;

	session_forget_key(id);
	for (unsigned i = 0; i < 2 && code == DK_CODE_OK; i++) {
		rv = find_key(s, classes[i], id, &key);
		if (rv == CKR_OK)
			rv = s->f->C_DestroyObject(s->handle, key);
		if (rv != CKR_OK)
			code = failed(rv, &lost);
	}
	if (taken == DK_CODE_OK)
		session_give(s, lost);
	return code;
}
