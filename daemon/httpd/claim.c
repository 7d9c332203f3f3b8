/* SPDX-License-Identifier: Apache-2.0 */
/* The claim about a client certificate, spec/policy.md section 6.1. */
#include <openssl/x509v3.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "httpd/httpd.h"

#define NAMES_MAX 32
#define NAME_MAX_BYTES 200

static void
put_name(
    struct dk_writer_buf *wr, unsigned *count, const char *kind, const uint8_t *text, size_t len)
{
	uint8_t name[NAME_MAX_BYTES + 8];
	size_t kind_len = strlen(kind);
	bool lower = strcmp(kind, "uri:") != 0 && strcmp(kind, "cn:") != 0;

	if (*count == NAMES_MAX || len == 0 || len > NAME_MAX_BYTES || !dk_text_valid(text, len))
		return;
	memcpy(name, kind, kind_len);
	for (size_t i = 0; i < len; i++)
		name[kind_len + i] =
		    lower && text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i];
	dk_wr_u8(wr, (uint8_t)(kind_len + len));
	dk_wr_bytes(wr, name, kind_len + len);
	(*count)++;
}

/* Two common names would be two answers to one question. */
static void
put_common_name(struct dk_writer_buf *wr, unsigned *count, X509 *cert)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;
	int len;

	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return;
	len =
	    ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len > 0)
		put_name(wr, count, "cn:", text, (size_t)len);
	OPENSSL_free(text);
}

/* The name of a Windows account; RFC 5280 leaves such kinds to others. */
static const ASN1_STRING *
principal_of(const GENERAL_NAME *name)
{
	const OTHERNAME *other = name->d.otherName;

	return name->type == GEN_OTHERNAME && OBJ_obj2nid(other->type_id) == NID_ms_upn &&
		other->value->type == V_ASN1_UTF8STRING
	    ? other->value->value.utf8string
	    : NULL;
}

static void
put_alternative_names(struct dk_writer_buf *wr, unsigned *count, X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_STRING *principal = principal_of(name);
		const char *kind = principal  ? "upn:"
		    : name->type == GEN_EMAIL ? "email:"
		    : name->type == GEN_DNS   ? "dns:"
		    : name->type == GEN_URI   ? "uri:"
					      : NULL;

		if (!principal)
			principal = name->d.ia5;
		if (kind)
			put_name(wr, count, kind, ASN1_STRING_get0_data(principal),
			    (size_t)ASN1_STRING_length(principal));
	}
	GENERAL_NAMES_free(names);
}

static bool
put_digest(struct dk_writer_buf *wr, const X509 *cert)
{
	uint8_t digest[32] = { 0 };
	unsigned len = 0;

	if (cert && X509_digest(cert, EVP_sha256(), digest, &len) != 1)
		return false;
	dk_wr_bytes(wr, digest, sizeof(digest));
	return true;
}

size_t
httpd_claim_write(X509 *cert, const X509 *ca, uint8_t ret_claim[IPC_CLAIM_CERTIFICATE_MAX_BYTES])
{
	struct dk_writer_buf wr;
	unsigned count = 0;
	size_t at;
	bool ok;

	dk_wr_init(&wr, ret_claim, IPC_CLAIM_CERTIFICATE_MAX_BYTES);
	dk_wr_u8(&wr, ca ? IPC_CERTIFICATE_HOLDS : IPC_CERTIFICATE_FAILS);
	ok = put_digest(&wr, cert) && put_digest(&wr, ca);
	at = wr.len;
	dk_wr_u8(&wr, 0);
	put_common_name(&wr, &count, cert);
	put_alternative_names(&wr, &count, cert);
	ret_claim[at] = (uint8_t)count;
	if (!ok || wr.failed)
		ret_claim[0] = IPC_CERTIFICATE_FAILS;
	return wr.len;
}
