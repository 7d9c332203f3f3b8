/* SPDX-License-Identifier: Apache-2.0 */
#include "init/certificate.h"

#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define CA_DAYS 3650
#define LEAF_DAYS 825
#define DAY_S 86400L

static bool
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	int ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

static bool
set_serial(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *bn;
	bool ok;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (bytes[0] & 0x7f) | 0x40;
	bn = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert));
	BN_free(bn);
	return ok;
}

static X509 *
new_cert(const char *name, EVP_PKEY *key, X509 *issuer, long days)
{
	X509 *cert = X509_new();
	X509_NAME *subject = cert ? X509_get_subject_name(cert) : NULL;

	/* An hour back: clocks of clients are not all right. */
	if (subject && X509_set_version(cert, 2) && set_serial(cert) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY_S) &&
	    X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) &&
	    X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject) &&
	    X509_set_pubkey(cert, key))
		return cert;
	X509_free(cert);
	return NULL;
}

static bool
make_ca(struct certificates *c)
{
	c->ca_key = EVP_EC_gen("P-256");
	c->ca = c->ca_key ? new_cert("doublekeyd CA", c->ca_key, NULL, CA_DAYS) : NULL;
	return c->ca &&
	    add_extension(c->ca, c->ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	    add_extension(c->ca, c->ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	    add_extension(c->ca, c->ca, NID_subject_key_identifier, "hash") &&
	    X509_sign(c->ca, c->ca_key, EVP_sha256()) > 0;
}

/* "IP:..." or "DNS:..." from HOST:PORT. */
static bool
alternative_name(const char *host_port, char *ret, size_t cap, char *ret_host, size_t host_cap)
{
	const char *colon = strrchr(host_port, ':');
	size_t len = colon ? (size_t)(colon - host_port) : 0;
	unsigned char address[16];
	int n;

	if (len == 0 || len >= host_cap)
		return false;
	if (host_port[0] == '[' && host_port[len - 1] == ']') {
		host_port++;
		len -= 2;
	}
	memcpy(ret_host, host_port, len);
	ret_host[len] = '\0';
	n = snprintf(ret, cap, "%s:%s",
	    inet_pton(AF_INET, ret_host, address) == 1 ||
		    inet_pton(AF_INET6, ret_host, address) == 1
		? "IP"
		: "DNS",
	    ret_host);
	return n > 0 && (size_t)n < cap;
}

/* Clients would refuse it from then on in any case. */
static bool
not_after_ca(X509 *leaf, const X509 *ca)
{
	const ASN1_TIME *end = X509_get0_notAfter(ca);

	return ASN1_TIME_compare(X509_get0_notAfter(leaf), end) <= 0 ||
	    X509_set1_notAfter(leaf, end) == 1;
}

static bool
make_leaf(struct certificates *c, const char *host_port)
{
	char name[300], host[256], short_name[65];

	if (!alternative_name(host_port, name, sizeof(name), host, sizeof(host)))
		return false;
	/* A common name is at most 64 characters; the alternative name counts. */
	memcpy(short_name, host, sizeof(short_name) - 1);
	short_name[sizeof(short_name) - 1] = '\0';
	c->key = EVP_EC_gen("P-256");
	c->leaf = c->key ? new_cert(short_name, c->key, c->ca, LEAF_DAYS) : NULL;
	return c->leaf && not_after_ca(c->leaf, c->ca) &&
	    add_extension(c->leaf, c->ca, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(c->leaf, c->ca, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(c->leaf, c->ca, NID_ext_key_usage, "serverAuth") &&
	    add_extension(c->leaf, c->ca, NID_subject_alt_name, name) &&
	    add_extension(c->leaf, c->ca, NID_authority_key_identifier, "keyid") &&
	    X509_sign(c->leaf, c->ca_key, EVP_sha256()) > 0;
}

bool
certificates_make(struct certificates *c, const char *host_port)
{
	return make_ca(c) && make_leaf(c, host_port);
}

bool
certificates_renew(struct certificates *c, const char *host_port)
{
	return make_leaf(c, host_port);
}

bool
certificates_fingerprint(const struct certificates *c, uint8_t ret_fingerprint[32])
{
	unsigned int len = 32;

	return X509_digest(c->ca, EVP_sha256(), ret_fingerprint, &len) == 1 && len == 32;
}

bool
certificates_ca_key(const struct certificates *c, struct dk_pkey **ret)
{
	uint8_t scalar[32];
	BIGNUM *number = NULL;
	unsigned char *spki = NULL;
	int len = i2d_PUBKEY(c->ca_key, &spki);
	bool ok;

	ok = len > 0 && EVP_PKEY_get_bn_param(c->ca_key, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
	    BN_bn2binpad(number, scalar, sizeof(scalar)) == (int)sizeof(scalar) &&
	    dk_pkey_from_private(DK_KEY_P256, spki, (size_t)len, scalar, sizeof(scalar), ret) ==
		DK_OK;
	BN_clear_free(number);
	OPENSSL_free(spki);
	dk_wipe(scalar, sizeof(scalar));
	return ok;
}

void
certificates_clear(struct certificates *c)
{
	X509_free(c->leaf);
	sk_X509_pop_free(c->between, X509_free);
	X509_free(c->ca);
	EVP_PKEY_free(c->key);
	EVP_PKEY_free(c->ca_key);
	*c = (struct certificates){ 0 };
}
