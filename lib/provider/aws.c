/* SPDX-License-Identifier: Apache-2.0 */
/* AWS KMS, spec/provider-keys.md section 3.1. */
#include "provider/aws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *type;
	dk_err err;
} errors[] = {
	{ "AccessDeniedException", DK_ERR_PROVIDER_DENIED },
	{ "UnrecognizedClientException", DK_ERR_PROVIDER_CREDENTIALS },
	{ "InvalidSignatureException", DK_ERR_PROVIDER_CREDENTIALS },
	{ "IncompleteSignatureException", DK_ERR_PROVIDER_CREDENTIALS },
	{ "IncompleteSignature", DK_ERR_PROVIDER_CREDENTIALS },
	{ "SignatureDoesNotMatch", DK_ERR_PROVIDER_CREDENTIALS },
	{ "InvalidClientTokenId", DK_ERR_PROVIDER_CREDENTIALS },
	{ "MissingAuthenticationTokenException", DK_ERR_PROVIDER_CREDENTIALS },
	{ "MissingAuthenticationToken", DK_ERR_PROVIDER_CREDENTIALS },
	{ "ExpiredTokenException", DK_ERR_PROVIDER_CREDENTIALS },
	{ "OptInRequired", DK_ERR_PROVIDER_CREDENTIALS },
	{ "DisabledException", DK_ERR_PROVIDER_KEY_STATE },
	{ "KMSInvalidStateException", DK_ERR_PROVIDER_KEY_STATE },
	{ "NotFoundException", DK_ERR_PROVIDER_KEY_MISSING },
	{ "InvalidArnException", DK_ERR_PROVIDER_KEY_MISSING },
	{ "InvalidKeyUsageException", DK_ERR_PROVIDER_KEY_USE },
	{ "UnsupportedOperationException", DK_ERR_PROVIDER_KEY_USE },
	{ "ThrottlingException", DK_ERR_PROVIDER_THROTTLED },
	{ "LimitExceededException", DK_ERR_PROVIDER_THROTTLED },
	{ "KMSInternalException", DK_ERR_PROVIDER_UNREACHABLE },
	{ "KeyUnavailableException", DK_ERR_PROVIDER_UNREACHABLE },
	{ "DependencyTimeoutException", DK_ERR_PROVIDER_UNREACHABLE },
	{ "InvalidCiphertextException", DK_ERR_PROVIDER_REFUSED },
	{ "IncorrectKeyException", DK_ERR_PROVIDER_REFUSED },
};

/* An error's type may stand behind its namespace and '#'. */
static dk_err
judge(struct net_answer *answer)
{
	const char *type = net_text(answer->json, "__type"), *text, *mark;

	if (answer->status == 200)
		return DK_OK;
	if (!type)
		type = net_text(answer->json, "Code");
	/* Something in between may say no in its own words. */
	if (!type)
		return answer->status == 403 ? DK_ERR_PROVIDER_DENIED : DK_ERR_PROVIDER_ANSWER;
	mark = strrchr(type, '#');
	type = mark ? mark + 1 : type;
	text = net_text(answer->json, "message");
	if (!text)
		text = net_text(answer->json, "Message");
	net_why(answer, "%.64s: %.300s", type, text ? text : "");
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].type, type) == 0)
			return errors[i].err;
	return DK_ERR_PROVIDER_ANSWER;
}

/* body is taken over. */
static dk_err
call(struct provider_key *key, const char *action, json_t *body, struct net_answer *ret)
{
	struct aws *aws = key->state;
	char target[64];
	size_t len = 0;
	char *text = net_json(body, &len);
	struct net_request request = { .url = aws->url,
		.method = "POST",
		.body = text,
		.body_len = len,
		.sigv4 = aws->sigv4,
		.header = { "Content-Type: application/x-amz-json-1.1", target } };
	dk_err err = DK_ERR_NOMEM;

	(void)snprintf(target, sizeof(target), "X-Amz-Target: TrentService.%s", action);
	if (text)
		err = aws_call(key, &request, judge, ret);
	net_json_free(text);
	return err;
}

/* ---- opening ---- */

static bool
copy_field(const char **at, char end, char *ret, size_t cap)
{
	const char *stop = strchr(*at, end);
	size_t len = stop ? (size_t)(stop - *at) : 0;

	if (len == 0 || len >= cap || strspn(*at, "abcdefghijklmnopqrstuvwxyz0123456789-") < len)
		return false;
	memcpy(ret, *at, len);
	ret[len] = '\0';
	*at = stop + 1;
	return true;
}

static bool
is_name(const char *text)
{
	return text[0] != '\0' &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/") ==
	    strlen(text);
}

/* "arn:PARTITION:kms:REGION:ACCOUNT:key/ID", or alias/NAME */
static bool
split(struct aws *aws, const char *arn)
{
	const char *at = arn + 4;
	char service[8];

	if (strncmp(arn, "arn:", 4) != 0 ||
	    !copy_field(&at, ':', aws->partition, sizeof(aws->partition)) ||
	    !copy_field(&at, ':', service, sizeof(service)) || strcmp(service, "kms") != 0 ||
	    !copy_field(&at, ':', aws->region, sizeof(aws->region)) ||
	    !copy_field(&at, ':', aws->account, sizeof(aws->account)) ||
	    strlen(aws->account) != 12 || strspn(aws->account, "0123456789") != 12)
		return false;
	return (strncmp(at, "key/", 4) == 0 || strncmp(at, "alias/", 6) == 0) &&
	    is_name(strchr(at, '/') + 1);
}

/* An alias leads to a key of its own account and region: the custodian is that account. */
static bool
leads_to(const char *ref, const char *arn)
{
	size_t head = (size_t)(strrchr(ref, ':') - ref) + 1;

	return strncmp(ref, arn, head) == 0 && strncmp(arn + head, "key/", 4) == 0 &&
	    is_name(arn + head + 4);
}

/* DER of the public half, in base64. */
static dk_err
learn_public(struct provider_key *key)
{
	struct aws *aws = key->state;
	auto_net_answer answer = { .json = NULL };
	uint8_t der[DK_SPKI_MAX_BYTES];
	struct dk_pkey *pkey = NULL;
	size_t len;
	dk_err err;

	err = call(key, "GetPublicKey", json_pack("{s:s}", "KeyId", aws->key), &answer);
	if (err != DK_OK)
		return err;
	err = net_bytes(answer.json, "PublicKey", der, sizeof(der), &len);
	if (err != DK_OK)
		return err;
	if (dk_pkey_from_spki(der, len, &pkey) != DK_OK)
		return DK_ERR_PROVIDER_KEY_USE;
	err = provider_add_version(key, "", pkey);
	if (err != DK_OK)
		dk_pkey_free(pkey);
	return err;
}

static dk_err
learn(struct provider_key *key, const json_t *data)
{
	struct aws *aws = key->state;
	const char *arn = net_text(data, "Arn"), *usage = net_text(data, "KeyUsage");
	const char *spec = net_text(data, "KeySpec"), *state = net_text(data, "KeyState");
	int n;

	if (!arn || !usage || !spec || !state || strlen(arn) >= sizeof(aws->key))
		return DK_ERR_PROVIDER_ANSWER;
	/* And a key to itself. */
	if (!leads_to(aws->key, arn) || (strstr(aws->key, ":key/") && strcmp(aws->key, arn) != 0))
		return DK_ERR_PROVIDER_ANSWER;
	memcpy(aws->key, arn, strlen(arn) + 1);
	if (strcmp(state, "Enabled") != 0) {
		provider_note(key, "the key is %.32s", state);
		return DK_ERR_PROVIDER_KEY_STATE;
	}
	if (strcmp(spec, "SYMMETRIC_DEFAULT") == 0 && strcmp(usage, "ENCRYPT_DECRYPT") == 0) {
		n = snprintf(key->name, sizeof(key->name), "awskms:%s", arn);
		return n > 0 && (size_t)n < sizeof(key->name) ? DK_OK : DK_ERR_PROVIDER_ANSWER;
	}
	if ((strncmp(spec, "RSA_", 4) == 0 && strcmp(usage, "ENCRYPT_DECRYPT") == 0) ||
	    (strncmp(spec, "ECC_NIST_", 9) == 0 && strcmp(usage, "KEY_AGREEMENT") == 0))
		return learn_public(key);
	provider_note(key, "a key of %.32s for %.32s does not fit", spec, usage);
	return DK_ERR_PROVIDER_KEY_USE;
}

static dk_err
aws_open(struct provider_key *key, const char *rest)
{
	struct aws *aws = calloc(1, sizeof(*aws));
	auto_net_answer answer = { .json = NULL };
	const char *ca = getenv("AWS_CA_BUNDLE");
	char custodian[32];
	dk_err err;

	if (!aws)
		return DK_ERR_NOMEM;
	key->state = aws;
	(void)pthread_mutex_init(&aws->lock, NULL);
	if (!split(aws, rest))
		return DK_ERR_PROVIDER_REFERENCE;
	(void)snprintf(aws->key, sizeof(aws->key), "%s", rest);
	(void)snprintf(custodian, sizeof(custodian), "aws:%s", aws->account);
	err = provider_custodian(key, custodian);
	if (err != DK_OK)
		return err;
	if (!aws_url(aws, "kms", key->conf.endpoint, aws->url, sizeof(aws->url)))
		return DK_ERR_PROVIDER_CONFIGURATION;
	if (!key->conf.ca[0] && ca)
		(void)snprintf(key->conf.ca, sizeof(key->conf.ca), "%s", ca);
	(void)snprintf(aws->sigv4, sizeof(aws->sigv4), "aws:amz:%s:kms", aws->region);
	err = call(key, "DescribeKey", json_pack("{s:s}", "KeyId", aws->key), &answer);
	return err == DK_OK ? learn(key, json_object_get(answer.json, "KeyMetadata")) : err;
}

static void
aws_close(struct provider_key *key)
{
	struct aws *aws = key->state;

	if (!aws)
		return;
	(void)pthread_mutex_destroy(&aws->lock);
	dk_wipe(aws, sizeof(*aws));
	free(aws);
	key->state = NULL;
}

/* ---- use ---- */

/* The key, and what binds to the object if there is a digest; NULL: no memory. */
static json_t *
about(const struct aws *aws, const uint8_t *core_digest)
{
	json_t *body = json_pack("{s:s}", "KeyId", aws->key);
	char hex[2 * DK_SHA384_BYTES + 1];

	if (!body || !core_digest)
		return body;
	dk_hex(core_digest, DK_SHA384_BYTES, hex);
	if (json_object_set_new(
		body, "EncryptionContext", json_pack("{s:s}", "doublekey-core-header", hex)) == 0)
		return body;
	json_decref(body);
	return NULL;
}

/* Whatever was asked for, the answer must be of our key. */
static dk_err
check_key(const struct provider_key *key, const json_t *answer)
{
	const struct aws *aws = key->state;
	const char *arn = net_text(answer, "KeyId");

	return arn && strcmp(arn, aws->key) == 0 ? DK_OK : DK_ERR_PROVIDER_ANSWER;
}

/* body is taken over. */
static dk_err
call_of_key(struct provider_key *key, const char *action, json_t *body, struct net_answer *ret)
{
	dk_err err = call(key, action, body, ret);

	return err == DK_OK ? check_key(key, ret->json) : err;
}

static dk_err
aws_wrap(struct provider_key *key, const uint8_t core_digest[DK_SHA384_BYTES],
    const struct dk_secret32 *share, struct provider_blob *ret)
{
	auto_net_answer answer = { .json = NULL };
	json_t *body = about(key->state, core_digest);
	dk_err err = net_set_bytes(body, "Plaintext", share->bytes, DK_SHARE_BYTES);

	if (err != DK_OK) {
		json_decref(body);
		return err;
	}
	err = call_of_key(key, "Encrypt", body, &answer);
	if (err != DK_OK)
		return err;
	return net_bytes(answer.json, "CiphertextBlob", ret->bytes, sizeof(ret->bytes), &ret->len);
}

/* Decrypt of a blob or an encapsulation, into a secret of exactly len bytes. */
static dk_err
decrypt(struct provider_key *key, json_t *body, const uint8_t *blob, size_t blob_len, uint8_t *ret,
    size_t len)
{
	auto_net_answer answer = { .json = NULL };
	dk_err err = net_set_bytes(body, "CiphertextBlob", blob, blob_len);

	if (err != DK_OK) {
		json_decref(body);
		return err;
	}
	err = call_of_key(key, "Decrypt", body, &answer);
	return err == DK_OK ? net_secret(answer.json, "Plaintext", ret, len) : err;
}

static dk_err
aws_unwrap(struct provider_key *key, const uint8_t core_digest[DK_SHA384_BYTES],
    const struct provider_blob *blob, struct dk_secret32 *ret)
{
	return decrypt(key, about(key->state, core_digest), blob->bytes, blob->len, ret->bytes,
	    sizeof(ret->bytes));
}

/* The encapsulation as a public key of its own, which is what the call takes. */
static dk_err
agree(struct provider_key *key, const struct dk_pkey *pkey, const uint8_t *enc, size_t len,
    struct dk_secret66 *ret)
{
	auto_net_answer answer = { .json = NULL };
	dk_auto_pkey *peer = NULL;
	const uint8_t *der;
	size_t der_len;
	json_t *body;
	dk_err err;

	if (dk_pkey_from_point(dk_pkey_type(pkey), enc, len, &peer) != DK_OK)
		return DK_ERR_STANZA_AUTH;
	der = dk_pkey_spki(peer, &der_len);
	body = about(key->state, NULL);
	err = net_set_bytes(body, "PublicKey", der, der_len);
	if (err == DK_OK &&
	    json_object_set_new(body, "KeyAgreementAlgorithm", json_string("ECDH")) != 0)
		err = DK_ERR_NOMEM;
	if (err != DK_OK) {
		json_decref(body);
		return err;
	}
	err = call_of_key(key, "DeriveSharedSecret", body, &answer);
	if (err != DK_OK)
		return err;
	ret->len = len / 2;
	return net_secret(answer.json, "SharedSecret", ret->bytes, ret->len);
}

static dk_err
aws_private_op(struct provider_key *key, const struct dk_pkey *pkey, const uint8_t *enc, size_t len,
    struct provider_secret *ret)
{
	json_t *body;

	if (dk_pkey_type(pkey) != DK_KEY_RSA)
		return agree(key, pkey, enc, len, &ret->ecdh);
	body = about(key->state, NULL);
	if (body &&
	    json_object_set_new(body, "EncryptionAlgorithm", json_string("RSAES_OAEP_SHA_256")) !=
		0) {
		json_decref(body);
		return DK_ERR_NOMEM;
	}
	return decrypt(key, body, enc, len, ret->seed.bytes, sizeof(ret->seed.bytes));
}

const struct provider_system provider_awskms = {
	.scheme = "awskms",
	.open = aws_open,
	.private_op = aws_private_op,
	.wrap = aws_wrap,
	.unwrap = aws_unwrap,
	.close = aws_close,
};
