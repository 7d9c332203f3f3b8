/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "provider/helper/key.h"

#define TEMPLATE_MAX 8
#define ID_MAX_BYTES 256

/* The attributes of the URI besides its class, which is what we look for. */
static CK_ULONG
fill(struct token_key *key, CK_OBJECT_CLASS *class, CK_ATTRIBUTE want[TEMPLATE_MAX])
{
	CK_ULONG given = 0, n = 0;
	CK_ATTRIBUTE *attributes = p11_kit_uri_get_attributes(key->uri, &given);

	want[n++] = (CK_ATTRIBUTE){ CKA_CLASS, class, sizeof(*class) };
	for (CK_ULONG i = 0; i < given && n < TEMPLATE_MAX; i++)
		if (attributes[i].type != CKA_CLASS)
			want[n++] = attributes[i];
	return n;
}

static CK_RV
find(struct token_key *key, CK_ATTRIBUTE *want, CK_ULONG n, CK_OBJECT_HANDLE found[2],
    CK_ULONG *ret_count)
{
	CK_RV rv = key->f->C_FindObjectsInit(key->session, want, n);

	*ret_count = 0;
	if (rv != CKR_OK)
		return rv;
	rv = key->f->C_FindObjects(key->session, found, 2, ret_count);
	(void)key->f->C_FindObjectsFinal(key->session);
	return rv;
}

/* DK_ERR_PROVIDER_KEY_MISSING: none, or several. */
static dk_err
find_one(struct token_key *key, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret)
{
	CK_ATTRIBUTE want[TEMPLATE_MAX];
	CK_ULONG n = fill(key, &class, want), count;
	CK_OBJECT_HANDLE found[2];
	CK_RV rv;

	if (n < 2)
		return token_why(
		    key, DK_ERR_PROVIDER_REFERENCE, "the URI has neither object nor id");
	rv = find(key, want, n, found, &count);
	if (rv != CKR_OK)
		return token_why(
		    key, DK_ERR_PROVIDER_UNREACHABLE, "the token fails (%s)", p11_kit_strerror(rv));
	if (count != 1)
		return token_why(key, DK_ERR_PROVIDER_KEY_MISSING, "%s key matches",
		    count == 0 ? "no" : "more than one");
	*ret = found[0];
	return DK_OK;
}

/* ---- the public half ---- */

static bool
read_value(struct token_key *key, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, uint8_t *out,
    size_t cap, size_t *ret_len)
{
	CK_ATTRIBUTE attribute = { type, out, cap };

	if (key->f->C_GetAttributeValue(key->session, object, &attribute, 1) != CKR_OK ||
	    attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION || attribute.ulValueLen == 0 ||
	    attribute.ulValueLen > cap)
		return false;
	*ret_len = attribute.ulValueLen;
	return true;
}

/* CKA_EC_POINT is an OCTET STRING around the point; some modules leave it out. */
static dk_err
from_point(struct token_key *key, CK_OBJECT_HANDLE object)
{
	uint8_t value[160];
	size_t len;
	dk_err err = DK_ERR_PROVIDER_KEY_USE;

	if (!read_value(key, object, CKA_EC_POINT, value, sizeof(value), &len))
		return DK_ERR_PROVIDER_KEY_MISSING;
	if (len == DK_P256_POINT_BYTES || len == DK_P256_POINT_BYTES + 2)
		err = dk_pkey_from_point(DK_KEY_P256, value + len - DK_P256_POINT_BYTES,
		    DK_P256_POINT_BYTES, &key->pkey);
	else if (len == DK_P384_POINT_BYTES || len == DK_P384_POINT_BYTES + 2)
		err = dk_pkey_from_point(DK_KEY_P384, value + len - DK_P384_POINT_BYTES,
		    DK_P384_POINT_BYTES, &key->pkey);
	return err == DK_OK
	    ? DK_OK
	    : token_why(key, DK_ERR_PROVIDER_KEY_USE, "not a key on P-256 or P-384");
}

static dk_err
from_modulus(struct token_key *key, CK_OBJECT_HANDLE object)
{
	uint8_t modulus[DK_RSA_MAX_BYTES], exponent[8];
	size_t n, e;

	if (!read_value(key, object, CKA_MODULUS, modulus, sizeof(modulus), &n) ||
	    !read_value(key, object, CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent), &e))
		return DK_ERR_PROVIDER_KEY_MISSING;
	if (dk_pkey_from_rsa(modulus, n, exponent, e, &key->pkey) != DK_OK)
		return token_why(
		    key, DK_ERR_PROVIDER_KEY_USE, "an RSA key of %zu bits does not fit", 8 * n);
	return DK_OK;
}

static dk_err
read_public(struct token_key *key, CK_OBJECT_HANDLE object)
{
	CK_KEY_TYPE type = 0;
	CK_ATTRIBUTE attribute = { CKA_KEY_TYPE, &type, sizeof(type) };

	if (key->f->C_GetAttributeValue(key->session, object, &attribute, 1) != CKR_OK)
		return DK_ERR_PROVIDER_KEY_MISSING;
	if (type == CKK_EC)
		return from_point(key, object);
	if (type == CKK_RSA)
		return from_modulus(key, object);
	return token_why(key, DK_ERR_PROVIDER_KEY_USE, "not an EC or RSA key");
}

/* The private object shows it, or the public one with the same id does. */
static dk_err
public_of(struct token_key *key)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_OBJECT_HANDLE found[2];
	uint8_t id[ID_MAX_BYTES];
	CK_ATTRIBUTE want[2] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_ID, id, 0 } };
	CK_ULONG count;
	size_t len;
	dk_err err = read_public(key, key->object);

	if (err != DK_ERR_PROVIDER_KEY_MISSING)
		return err;
	if (read_value(key, key->object, CKA_ID, id, sizeof(id), &len)) {
		want[1].ulValueLen = len;
		if (find(key, want, 2, found, &count) == CKR_OK && count == 1)
			err = read_public(key, found[0]);
	}
	return err == DK_ERR_PROVIDER_KEY_MISSING
	    ? token_why(key, err, "the token does not show the public half")
	    : err;
}

dk_err
token_object_find(struct token_key *key, bool public_only)
{
	dk_err err;

	if (public_only) {
		err = find_one(key, CKO_PUBLIC_KEY, &key->object);
		if (err == DK_OK)
			return read_public(key, key->object);
		if (err != DK_ERR_PROVIDER_KEY_MISSING)
			return err;
		err = token_slot_login(key);
		if (err != DK_OK)
			return err;
	}
	err = find_one(key, CKO_PRIVATE_KEY, &key->object);
	return err == DK_OK ? public_of(key) : err;
}
