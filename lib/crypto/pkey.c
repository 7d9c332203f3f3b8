/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in the one SubjectPublicKeyInfo that spec/envelope.md section 6.1 allows
 * for each. It is compared with a template instead of being decoded: that
 * leaves no second encoding to refuse, and OpenSSL's decoder takes ten times
 * as long as the rest.
 */
#include "crypto/pkey.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "crypto/evp.h"

static const uint8_t p256_prefix[26] = {
	0x30,
	0x59,
	0x30,
	0x13,
	0x06,
	0x07,
	0x2a,
	0x86,
	0x48,
	0xce,
	0x3d,
	0x02,
	0x01, /* id-ecPublicKey */
	0x06,
	0x08,
	0x2a,
	0x86,
	0x48,
	0xce,
	0x3d,
	0x03,
	0x01,
	0x07, /* prime256v1 */
	0x03,
	0x42,
	0x00,
};

static const uint8_t p384_prefix[23] = {
	0x30,
	0x76,
	0x30,
	0x10,
	0x06,
	0x07,
	0x2a,
	0x86,
	0x48,
	0xce,
	0x3d,
	0x02,
	0x01, /* id-ecPublicKey */
	0x06,
	0x05,
	0x2b,
	0x81,
	0x04,
	0x00,
	0x22, /* secp384r1 */
	0x03,
	0x62,
	0x00,
};

static const uint8_t *
ec_prefix(enum dk_key_type type, size_t *ret_len)
{
	*ret_len = type == DK_KEY_P256 ? sizeof(p256_prefix) : sizeof(p384_prefix);
	return type == DK_KEY_P256 ? p256_prefix : p384_prefix;
}

/* DK_KEY_P256 or DK_KEY_P384 if der is that template with some point, else 0. */
static enum dk_key_type
ec_spki_type(const uint8_t *der, size_t len)
{
	if (len == sizeof(p256_prefix) + DK_P256_POINT_BYTES &&
	    memcmp(der, p256_prefix, sizeof(p256_prefix)) == 0)
		return DK_KEY_P256;
	if (len == sizeof(p384_prefix) + DK_P384_POINT_BYTES &&
	    memcmp(der, p384_prefix, sizeof(p384_prefix)) == 0)
		return DK_KEY_P384;
	return 0;
}

/* Nobody else has a reference to the object of a key. */
static void
pkey_evp_free(enum dk_key_type type, EVP_PKEY *evp, bool has_private)
{
	if (has_private || type == DK_KEY_RSA)
		EVP_PKEY_free(evp);
	else
		dk_evp_public_give(type, evp);
}

void
dk_pkey_free(struct dk_pkey *key)
{
	if (key == NULL)
		return;
	for (unsigned i = 0; i < DK_EVP_USES; i++)
		EVP_PKEY_CTX_free(atomic_load(&key->idle[i]));
	pkey_evp_free(key->type, key->evp, key->has_private);
	free(key);
}

void
dk_pkey_cleanup(struct dk_pkey **key)
{
	dk_pkey_free(*key);
	*key = NULL;
}

/* Takes evp, also on error. */
static dk_err
pkey_new(enum dk_key_type type, EVP_PKEY *evp, const uint8_t *spki, size_t len, bool has_private,
    struct dk_pkey **ret)
{
	struct dk_part part = { spki, len };
	struct dk_pkey *key = calloc(1, sizeof(*key));
	dk_err err;

	if (key == NULL) {
		pkey_evp_free(type, evp, has_private);
		return DK_ERR_NOMEM;
	}
	key->evp = evp;
	key->type = type;
	key->has_private = has_private;
	key->spki_len = len;
	memcpy(key->spki, spki, len);
	if (type == DK_KEY_RSA)
		key->rsa_bytes = (unsigned)EVP_PKEY_get_size(evp);
	else
		key->recipient_offset = len - dk_point_bytes(type);
	err = dk_sha256(&part, 1, key->id);
	if (err != DK_OK) {
		dk_pkey_free(key);
		return err;
	}
	*ret = key;
	return DK_OK;
}

static size_t
ec_spki(enum dk_key_type type, const uint8_t *point, uint8_t *out)
{
	size_t prefix_len;
	const uint8_t *prefix = ec_prefix(type, &prefix_len);

	memcpy(out, prefix, prefix_len);
	memcpy(out + prefix_len, point, dk_point_bytes(type));
	return prefix_len + dk_point_bytes(type);
}

/* What is wrong with an SPKI that fits no template: this alone is decoded. */
static dk_err
spki_fault(const uint8_t *der, size_t len)
{
	const unsigned char *p = der;
	EVP_PKEY *key;
	bool other;

	if (len > DK_SPKI_MAX_BYTES)
		return DK_ERR_KEY_INVALID;
	key = d2i_PUBKEY(NULL, &p, (long)len);
	if (key == NULL)
		return dk_evp_error() == DK_ERR_NOMEM ? DK_ERR_NOMEM : DK_ERR_KEY_INVALID;
	other = p == der + len && !EVP_PKEY_is_a(key, "RSA");
	if (other && EVP_PKEY_is_a(key, "EC")) {
		char group[32] = "";

		/* A curve of ours in another encoding is invalid, another curve is not. */
		(void)EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
		other = strcmp(group, "prime256v1") != 0 && strcmp(group, "secp384r1") != 0 &&
		    group[0] != 0;
	}
	EVP_PKEY_free(key);
	(void)dk_evp_error();
	return other ? DK_ERR_KEY_TYPE : DK_ERR_KEY_INVALID;
}

dk_err
dk_pkey_from_spki(const uint8_t *der, size_t len, struct dk_pkey **ret)
{
	enum dk_key_type type = ec_spki_type(der, len);
	EVP_PKEY *evp;
	dk_err err;

	if (type != 0)
		return dk_pkey_from_point(
		    type, der + len - dk_point_bytes(type), dk_point_bytes(type), ret);
	if (!dk_evp_rsa_is_spki(der, len, DK_RSA_MIN_BYTES))
		return spki_fault(der, len);
	err = dk_evp_rsa_from_spki(der, len, &evp);
	if (err != DK_OK)
		return err;
	return pkey_new(DK_KEY_RSA, evp, der, len, false, ret);
}

dk_err
dk_pkey_from_point(enum dk_key_type type, const uint8_t *point, size_t len, struct dk_pkey **ret)
{
	uint8_t spki[DK_SPKI_MAX_BYTES];
	EVP_PKEY *evp;
	dk_err err;

	if (type != DK_KEY_P256 && type != DK_KEY_P384)
		return DK_ERR_KEY_TYPE;
	err = dk_evp_ec_from_point(type, point, len, &evp);
	if (err != DK_OK)
		return err;
	return pkey_new(type, evp, spki, ec_spki(type, point, spki), false, ret);
}

static dk_err
import_once(enum dk_key_type type, const uint8_t *spki, size_t spki_len, const uint8_t *priv,
    size_t priv_len, EVP_PKEY **ret)
{
	if (type == DK_KEY_RSA)
		return dk_evp_rsa_from_private(spki, spki_len, priv, priv_len, ret);
	return dk_evp_ec_from_private(
	    type, spki + spki_len - dk_point_bytes(type), priv, priv_len, ret);
}

/*
 * libcrypto is not always told what failed below: memory that a decoder did not get
 * makes a key invalid, and so do random numbers for blinding. It is invalid if it is
 * so a second time, and there are random numbers.
 */
static dk_err
import_private(enum dk_key_type type, const uint8_t *spki, size_t spki_len, const uint8_t *priv,
    size_t priv_len, EVP_PKEY **ret)
{
	dk_err err = import_once(type, spki, spki_len, priv, priv_len, ret);
	uint8_t probe;

	if (err != DK_ERR_KEY_INVALID)
		return err;
	err = dk_random(&probe, sizeof(probe));
	if (err != DK_OK)
		return err;
	return import_once(type, spki, spki_len, priv, priv_len, ret);
}

dk_err
dk_pkey_from_private(enum dk_key_type type, const uint8_t *spki, size_t spki_len,
    const uint8_t *priv, size_t priv_len, struct dk_pkey **ret)
{
	enum dk_key_type found = ec_spki_type(spki, spki_len);
	EVP_PKEY *evp;
	dk_err err;

	if (found == 0 && dk_evp_rsa_is_spki(spki, spki_len, DK_RSA_MIN_BYTES))
		found = DK_KEY_RSA;
	if (found == 0)
		return spki_fault(spki, spki_len);
	if (found != type)
		return DK_ERR_KEY_INVALID;
	err = import_private(type, spki, spki_len, priv, priv_len, &evp);
	if (err != DK_OK)
		return err;
	return pkey_new(type, evp, spki, spki_len, true, ret);
}

static dk_err
generate_ec(enum dk_key_type type, struct dk_pkey **ret)
{
	uint8_t point[DK_P384_POINT_BYTES];
	uint8_t spki[DK_SPKI_MAX_BYTES];
	EVP_PKEY *evp;
	dk_err err = dk_evp_ec_generate(type, &evp);

	if (err != DK_OK)
		return err;
	err = dk_evp_ec_point(evp, type, point);
	if (err != DK_OK) {
		EVP_PKEY_free(evp);
		return err;
	}
	return pkey_new(type, evp, spki, ec_spki(type, point, spki), true, ret);
}

static dk_err
generate_rsa(unsigned bits, struct dk_pkey **ret)
{
	uint8_t spki[DK_SPKI_MAX_BYTES];
	size_t len;
	EVP_PKEY *evp;
	dk_err err = dk_evp_rsa_generate(bits, &evp);

	if (err != DK_OK)
		return err;
	err = dk_evp_rsa_spki(evp, DK_RSA_MIN_BYTES, spki, &len);
	if (err != DK_OK) {
		EVP_PKEY_free(evp);
		return err;
	}
	return pkey_new(DK_KEY_RSA, evp, spki, len, true, ret);
}

dk_err
dk_pkey_generate(enum dk_key_type type, unsigned rsa_bits, struct dk_pkey **ret)
{
	if (type == DK_KEY_P256 || type == DK_KEY_P384)
		return generate_ec(type, ret);
	if (type != DK_KEY_RSA)
		return DK_ERR_KEY_TYPE;
	if (rsa_bits != 3072 && rsa_bits != 4096)
		return DK_ERR_ARGUMENT;
	return generate_rsa(rsa_bits, ret);
}

dk_err
dk_pkey_dup(const struct dk_pkey *key, struct dk_pkey **ret)
{
	EVP_PKEY *evp = EVP_PKEY_dup(key->evp);

	if (evp == NULL)
		return dk_evp_error();
	return pkey_new(key->type, evp, key->spki, key->spki_len, key->has_private, ret);
}

dk_err
dk_pkey_private_bytes(const struct dk_pkey *key, uint8_t *out, size_t *len)
{
	dk_err err;

	if (!key->has_private)
		return DK_ERR_KEY_NEED_PRIVATE;
	if (key->type == DK_KEY_RSA)
		return dk_evp_rsa_private_bytes(key->evp, out, len);
	if (*len < dk_scalar_bytes(key->type))
		return DK_ERR_OUTPUT_TOO_SMALL;
	err = dk_evp_ec_private_bytes(key->evp, key->type, out);
	if (err == DK_OK)
		*len = dk_scalar_bytes(key->type);
	return err;
}

enum dk_key_type
dk_pkey_type(const struct dk_pkey *key)
{
	return key->type;
}

bool
dk_pkey_has_private(const struct dk_pkey *key)
{
	return key->has_private;
}

const uint8_t *
dk_pkey_spki(const struct dk_pkey *key, size_t *ret_len)
{
	*ret_len = key->spki_len;
	return key->spki;
}

const uint8_t *
dk_pkey_id(const struct dk_pkey *key)
{
	return key->id;
}

const uint8_t *
dk_pkey_recipient(const struct dk_pkey *key, size_t *ret_len)
{
	*ret_len = key->spki_len - key->recipient_offset;
	return key->spki + key->recipient_offset;
}

unsigned
dk_pkey_rsa_bytes(const struct dk_pkey *key)
{
	return key->rsa_bytes;
}
