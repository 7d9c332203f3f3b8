/* SPDX-License-Identifier: Apache-2.0 */
#include "tokend/token.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/crypto.h"
#include "ipc/child.h"
#include "native/code.h"
#include "token/p11.h"

#define SLOTS_MAX 64

static struct {
	P11KitUri *uri;
	CK_FUNCTION_LIST *f;
	bool initialized;
	bool connected;
	bool pin_refused;
	CK_SESSION_HANDLE session;
	CK_TOKEN_INFO info;
	uint8_t pin[TOKEN_PIN_MAX_BYTES];
	size_t pin_len;
} t;

static CK_BYTE p256_params[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static CK_BYTE p384_params[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };

/* ---- session ---- */

bool
token_setup(const char *uri, const uint8_t *pin, size_t pin_len)
{
	const char *path;

	t.uri = p11_kit_uri_new();
	if (!t.uri ||
	    p11_kit_uri_parse(uri, P11_KIT_URI_FOR_TOKEN | P11_KIT_URI_FOR_MODULE, t.uri) !=
		P11_KIT_URI_OK) {
		say(SAY_ERROR, "hsm: not a PKCS #11 URI of a token");
		return false;
	}
	path = p11_kit_uri_get_module_path(t.uri);
	if (!path || p11_kit_uri_get_pin_value(t.uri)) {
		say(SAY_ERROR, "hsm: the URI needs module-path and must not have pin-value");
		return false;
	}
	/* Unmanaged: one user of the module, which is this process. */
	t.f = p11_kit_module_load(path, P11_KIT_MODULE_UNMANAGED);
	if (!t.f) {
		say(SAY_ERROR, "hsm: the module %s cannot be loaded", path);
		return false;
	}
	if (pin_len > sizeof(t.pin))
		return false;
	memcpy(t.pin, pin, pin_len);
	t.pin_len = pin_len;
	return true;
}

static bool
find_slot(CK_SLOT_ID *ret_slot)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;

	if (t.f->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		return false;
	for (CK_ULONG i = 0; i < n; i++)
		if (t.f->C_GetTokenInfo(slots[i], &t.info) == CKR_OK &&
		    (t.info.flags & CKF_TOKEN_INITIALIZED) &&
		    p11_kit_uri_match_token_info(t.uri, &t.info)) {
			*ret_slot = slots[i];
			return true;
		}
	return false;
}

static void
disconnect(void)
{
	if (t.initialized)
		(void)t.f->C_Finalize(NULL);
	t.initialized = false;
	t.connected = false;
}

/* One try: three wrong ones lock many tokens for good. */
static unsigned
log_in(void)
{
	CK_RV rv;

	if (t.pin_len == 0)
		return DK_CODE_HSM_PIN;
	rv = t.f->C_Login(t.session, CKU_USER, t.pin, t.pin_len);
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return DK_CODE_OK;
	if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_INVALID ||
	    rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_EXPIRED) {
		t.pin_refused = true;
		dk_wipe(t.pin, sizeof(t.pin));
		t.pin_len = 0;
		return DK_CODE_HSM_PIN;
	}
	return DK_CODE_HSM;
}

unsigned
token_connect(void)
{
	CK_SLOT_ID slot;
	unsigned code;

	if (t.connected)
		return DK_CODE_OK;
	if (t.pin_len == 0)
		return DK_CODE_HSM_PIN;
	disconnect();
	t.initialized = t.f->C_Initialize(NULL) == CKR_OK;
	if (!t.initialized || !find_slot(&slot) ||
	    t.f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &t.session) !=
		CKR_OK)
		return DK_CODE_HSM;
	code = log_in();
	t.connected = code == DK_CODE_OK;
	return code;
}

bool
token_pin_refused(void)
{
	return t.pin_refused;
}

/* What a call's failure means; the session is opened anew at the next request
 * unless the request itself was wrong. */
static unsigned
failed(CK_RV rv)
{
	if (rv == CKR_ENCRYPTED_DATA_INVALID || rv == CKR_ENCRYPTED_DATA_LEN_RANGE ||
	    rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_DATA_LEN_RANGE || rv == CKR_DATA_INVALID)
		return DK_CODE_STANZA_AUTH;
	disconnect();
	return DK_CODE_HSM;
}

/* ---- objects ---- */

static CK_RV
find_key(CK_OBJECT_CLASS class, const uint8_t id[TOKEN_ID_BYTES], CK_OBJECT_HANDLE *ret)
{
	CK_ATTRIBUTE want[] = { { CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, (void *)(uintptr_t)id, TOKEN_ID_BYTES } };
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n = 0;
	CK_RV rv;

	rv = t.f->C_FindObjectsInit(t.session, want, 2);
	if (rv != CKR_OK)
		return rv;
	rv = t.f->C_FindObjects(t.session, found, 2, &n);
	(void)t.f->C_FindObjectsFinal(t.session);
	if (rv == CKR_OK && n != 1)
		rv = CKR_KEY_HANDLE_INVALID;
	*ret = found[0];
	return rv;
}

/* CKA_EC_POINT is an OCTET STRING around the point; some modules leave it out. */
static unsigned
ec_spki(unsigned type, CK_OBJECT_HANDLE key, uint8_t *out, size_t *ret_len)
{
	size_t point_len = type == DK_KEY_P256 ? DK_P256_POINT_BYTES : DK_P384_POINT_BYTES, len;
	uint8_t value[160];
	CK_ATTRIBUTE point = { CKA_EC_POINT, value, sizeof(value) };
	dk_auto_pkey *pkey = NULL;
	const uint8_t *spki;
	CK_RV rv = t.f->C_GetAttributeValue(t.session, key, &point, 1);

	if (rv != CKR_OK)
		return failed(rv);
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
rsa_spki(unsigned type, CK_OBJECT_HANDLE key, uint8_t *out, size_t *ret_len)
{
	uint8_t modulus[DK_RSA_MAX_BYTES];
	CK_ATTRIBUTE n = { CKA_MODULUS, modulus, sizeof(modulus) };
	CK_RV rv = t.f->C_GetAttributeValue(t.session, key, &n, 1);

	if (rv != CKR_OK)
		return failed(rv);
	if (n.ulValueLen != rsa_bits(type) / 8)
		return DK_CODE_HSM;
	*ret_len = dk_rsa_spki(modulus, n.ulValueLen, out, TOKEN_OUT_MAX_BYTES);
	return *ret_len > 0 ? DK_CODE_OK : DK_CODE_HSM;
}

static bool
names_this_token(const char *text)
{
	P11KitUri *uri = p11_kit_uri_new();
	bool ok;

	ok = uri &&
	    p11_kit_uri_parse(text, P11_KIT_URI_FOR_TOKEN | P11_KIT_URI_FOR_MODULE, uri) ==
		P11_KIT_URI_OK &&
	    !p11_kit_uri_get_pin_value(uri) && p11_kit_uri_match_token_info(uri, &t.info);
	p11_kit_uri_free(uri);
	return ok;
}

static CK_RV
generate(unsigned type, const uint8_t id[TOKEN_ID_BYTES], CK_OBJECT_HANDLE *ret_public)
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
	return t.f->C_GenerateKeyPair(t.session, is_rsa ? &rsa : &ec, pub, n, priv,
	    sizeof(priv) / sizeof(priv[0]), ret_public, &private_key);
}

unsigned
token_make(unsigned type, const uint8_t id[TOKEN_ID_BYTES], const char *uri,
    uint8_t out[TOKEN_OUT_MAX_BYTES], size_t *ret_len)
{
	CK_OBJECT_HANDLE key;
	unsigned code = token_connect();
	CK_RV rv;

	if (code != DK_CODE_OK)
		return code;
	if (!names_this_token(uri))
		return DK_CODE_ARGUMENT;
	rv = generate(type, id, &key);
	if (rv != CKR_OK)
		return failed(rv);
	return rsa_bits(type) > 0 ? rsa_spki(type, key, out, ret_len)
				  : ec_spki(type, key, out, ret_len);
}

/* ---- use ---- */

_Static_assert(TOKEN_OUT_MAX_BYTES == DK_P11_OUT_MAX_BYTES, "room for either result");

unsigned
token_use(unsigned type, const uint8_t id[TOKEN_ID_BYTES], const uint8_t *in, size_t len,
    uint8_t out[TOKEN_OUT_MAX_BYTES], size_t *ret_len)
{
	CK_OBJECT_HANDLE key;
	unsigned code = token_connect();
	CK_RV rv;

	if (code != DK_CODE_OK)
		return code;
	rv = find_key(CKO_PRIVATE_KEY, id, &key);
	if (rv == CKR_OK)
		rv = rsa_bits(type) > 0 ? dk_p11_power(t.f, t.session, key, in, len, out, ret_len)
					: dk_p11_derive(t.f, t.session, key, in, len, out, ret_len);
	return rv == CKR_OK ? DK_CODE_OK : failed(rv);
}

unsigned
token_destroy(const uint8_t id[TOKEN_ID_BYTES])
{
	static const CK_OBJECT_CLASS classes[] = { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY };
	CK_OBJECT_HANDLE key;
	unsigned code = token_connect();
	CK_RV rv;

	for (unsigned i = 0; i < 2 && code == DK_CODE_OK; i++) {
		rv = find_key(classes[i], id, &key);
		if (rv == CKR_OK)
			rv = t.f->C_DestroyObject(t.session, key);
		if (rv != CKR_OK)
			code = failed(rv);
	}
	return code;
}
