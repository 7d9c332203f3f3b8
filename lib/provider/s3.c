/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "provider/turn.h"

#define EMPTY_PAGES_MAX 100
/* S3 wants the digest of the payload signed, of which there is none; older libcurl does not say it.
 */
#define EMPTY_SHA256                                                                               \
	"x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789"

/* ---- names ---- */

bool
s3_url_add(char *url, size_t cap, const char *text, size_t len, bool slash)
{
	static const char plain[] = LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~";
	size_t at = strlen(url);

	for (size_t i = 0; i < len; i++) {
		bool as_it_is =
		    text[i] != '\0' && (strchr(plain, text[i]) || (slash && text[i] == '/'));
		size_t n = as_it_is ? 1 : 3;

		if (n >= cap - at)
			return false;
		if (as_it_is)
			url[at] = text[i];
		else
			(void)snprintf(url + at, 4, "%%%02X", (unsigned char)text[i]);
		at += n;
	}
	url[at] = '\0';
	return true;
}

/* "s3://BUCKET/PREFIX" or "s3://BUCKET"; *ret_len is that of the bucket. */
static bool
split(struct dk_bucket *bucket, const char *url, size_t *ret_len)
{
	const char *name = url + strlen("s3://"), *prefix;
	size_t len;

	if (strncmp(url, "s3://", 5) != 0)
		return false;
	len = strspn(name, LETTERS ".-");
	prefix = name[len] == '/' ? name + len + 1 : "";
	if (len < 3 || len > S3_BUCKET_MAX_BYTES || (name[len] != '/' && name[len] != '\0') ||
	    !strchr(LETTERS, name[0]) || !strchr(LETTERS, name[len - 1]) ||
	    strstr(name, "..") == name || strlen(prefix) > DK_BUCKET_KEY_MAX_BYTES)
		return false;
	bucket->prefix_len = strlen(prefix);
	memcpy(bucket->prefix, prefix, bucket->prefix_len + 1);
	(void)snprintf(bucket->root, sizeof(bucket->root), "s3://%.*s/%s", (int)len, name, prefix);
	*ret_len = len;
	return true;
}

/* The name of the bucket is in that of the host, where a certificate can be for it. */
static bool
find_base(struct dk_bucket *bucket, const char *name, size_t len)
{
	const char *endpoint = bucket->key.conf.endpoint;
	bool in_host = !aws_endpoint("s3", endpoint) && !memchr(name, '.', len);
	char url[300];
	int n;

	if (!aws_url(&bucket->aws, "s3", endpoint, url, sizeof(url)))
		return false;
	if (in_host)
		n = snprintf(bucket->base, sizeof(bucket->base), "https://%.*s.%s", (int)len, name,
		    url + strlen("https://"));
	else
		n = snprintf(bucket->base, sizeof(bucket->base), "%s%.*s/", url, (int)len, name);
	return n > 0 && (size_t)n < sizeof(bucket->base);
}

/* ---- opening ---- */

static dk_err
open_in(struct dk_bucket *bucket, const char *url)
{
	struct provider_key *key = &bucket->key;
	const char *ca = getenv("AWS_CA_BUNDLE");
	size_t len = 0;
	dk_err err;

	if (!split(bucket, url, &len))
		return DK_ERR_STORE_REFERENCE;
	(void)snprintf(key->ref, sizeof(key->ref), "%.*s", PROVIDER_REF_MAX_BYTES, bucket->root);
	err = provider_conf_read("s3", &key->conf);
	if (err != DK_OK)
		return err;
	if (!key->conf.ca[0] && ca)
		(void)snprintf(key->conf.ca, sizeof(key->conf.ca), "%s", ca);
	if (!aws_region_find(key, &bucket->aws) ||
	    !find_base(bucket, bucket->root + strlen("s3://"), len))
		return DK_ERR_PROVIDER_CONFIGURATION;
	(void)snprintf(
	    bucket->aws.sigv4, sizeof(bucket->aws.sigv4), "aws:amz:%s:s3", bucket->aws.region);
	return turn_open("s3", &key->conf, &key->net);
}

dk_err
s3_open(const char *url, dk_note_fn note, void *ctx, struct dk_bucket **ret)
{
	struct dk_bucket *bucket = calloc(1, sizeof(*bucket));
	dk_err err;

	if (!bucket)
		return DK_ERR_NOMEM;
	(void)pthread_mutex_init(&bucket->aws.lock, NULL);
	bucket->key.state = &bucket->aws;
	bucket->key.note = note;
	bucket->key.note_ctx = ctx;
	err = open_in(bucket, url);
	if (err == DK_OK)
		*ret = bucket;
	else
		s3_close(bucket);
	return err;
}

void
s3_close(struct dk_bucket *bucket)
{
	turn_close(bucket->key.net);
	s3_page_clear(&bucket->listing);
	(void)pthread_mutex_destroy(&bucket->aws.lock);
	dk_wipe(bucket, sizeof(*bucket));
	free(bucket);
}

const char *
s3_root(const struct dk_bucket *bucket)
{
	return bucket->root;
}

/* ---- requests ---- */

dk_err
s3_error(dk_err err)
{
	static const dk_err errors[][2] = {
		{ DK_ERR_PROVIDER_CREDENTIALS, DK_ERR_STORE_CREDENTIALS },
		{ DK_ERR_PROVIDER_DENIED, DK_ERR_STORE_DENIED },
		{ DK_ERR_PROVIDER_KEY_MISSING, DK_ERR_STORE_MISSING },
		{ DK_ERR_PROVIDER_THROTTLED, DK_ERR_STORE_THROTTLED },
		{ DK_ERR_PROVIDER_UNREACHABLE, DK_ERR_STORE_UNREACHABLE },
		{ DK_ERR_PROVIDER_TLS, DK_ERR_STORE_TLS },
		{ DK_ERR_PROVIDER_ANSWER, DK_ERR_STORE_ANSWER },
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i][0] == err)
			return errors[i][1];
	return err;
}

dk_err
s3_judge_code(struct net_answer *answer)
{
	static const struct {
		const char *code;
		dk_err err;
	} errors[] = {
		{ "AccessDenied", DK_ERR_PROVIDER_DENIED },
		{ "NoSuchBucket", DK_ERR_PROVIDER_KEY_MISSING },
		{ "AuthorizationHeaderMalformed", DK_ERR_PROVIDER_CREDENTIALS },
		{ "ExpiredToken", DK_ERR_PROVIDER_CREDENTIALS },
		{ "InvalidAccessKeyId", DK_ERR_PROVIDER_CREDENTIALS },
		{ "InvalidSecurity", DK_ERR_PROVIDER_CREDENTIALS },
		{ "InvalidToken", DK_ERR_PROVIDER_CREDENTIALS },
		{ "RequestTimeTooSkewed", DK_ERR_PROVIDER_CREDENTIALS },
		{ "SignatureDoesNotMatch", DK_ERR_PROVIDER_CREDENTIALS },
		{ "TokenRefreshRequired", DK_ERR_PROVIDER_CREDENTIALS },
		{ "SlowDown", DK_ERR_PROVIDER_THROTTLED },
	};
	char code[64];

	s3_error_code(answer->text, answer->text_len, code, sizeof(code));
	if (code[0] != '\0')
		net_why(answer, "S3: %s", code);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].code, code) == 0)
			return errors[i].err;
	if (answer->region[0] != '\0' && answer->status >= 300 && answer->status < 400)
		net_why(answer, "the bucket is in the region %s (AWS_REGION)", answer->region);
	return answer->status == 403 ? DK_ERR_PROVIDER_DENIED : DK_ERR_PROVIDER_ANSWER;
}

dk_err
s3_get(struct dk_bucket *bucket, const char *url, const char *range, size_t max, net_judge judge,
    struct net_answer *ret)
{
	const struct net_request request = { .url = url,
		.method = "GET",
		.sigv4 = bucket->aws.sigv4,
		.raw = true,
		.bytes = true,
		.every = true,
		.max = max,
		.cut = range != NULL,
		.header = { EMPTY_SHA256, range } };

	return aws_call(&bucket->key, &request, judge, ret);
}

static dk_err
judge_page(struct net_answer *answer)
{
	return answer->status == 200 ? DK_OK : s3_judge_code(answer);
}

/* How the next page is asked for. libcurl 8.14 signs a '+' in a query as if it were a blank: where
 * a token has one, the last key says as well where the listing goes on. */
static bool
goes_on_behind_key(const struct dk_bucket *bucket, const char *token)
{
	return strchr(token, '+') && bucket->has_last && !strchr(bucket->prefix, '+') &&
	    !memchr(bucket->last, '+', bucket->last_len);
}

static bool
add_text(char url[S3_URL_MAX_BYTES], const char *text)
{
	size_t at = strlen(url), len = strlen(text);

	if (len >= S3_URL_MAX_BYTES - at)
		return false;
	memcpy(url + at, text, len + 1);
	return true;
}

static bool
add_value(char url[S3_URL_MAX_BYTES], const char *value, size_t len)
{
	return s3_url_add(url, S3_URL_MAX_BYTES, value, len, false);
}

/* The parameters in their order, as a signature has them. */
static bool
page_url(const struct dk_bucket *bucket, const char *token, char url[S3_URL_MAX_BYTES])
{
	bool by_key = goes_on_behind_key(bucket, token);

	url[0] = '\0';
	if (!add_text(url, bucket->base) || !add_text(url, "?"))
		return false;
	if (token[0] != '\0' && !by_key &&
	    (!add_text(url, "continuation-token=") || !add_value(url, token, strlen(token)) ||
		!add_text(url, "&")))
		return false;
	if (!add_text(url, "encoding-type=url&list-type=2&max-keys=1000&prefix=") ||
	    !add_value(url, bucket->prefix, bucket->prefix_len))
		return false;
	return !by_key ||
	    (add_text(url, "&start-after=") && add_value(url, bucket->prefix, bucket->prefix_len) &&
		add_value(url, bucket->last, bucket->last_len));
}

static int
compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* Whether it goes on from the pages before it, so that a listing ends. */
static dk_err
take_page(struct dk_bucket *bucket, const char *token)
{
	struct dk_bucket_page *page = &bucket->listing.page;
	const struct dk_bucket_entry *last = page->count > 0 ? &page->entry[page->count - 1] : NULL;

	bucket->empty = last ? 0 : bucket->empty + 1;
	bucket->ended = !bucket->listing.truncated;
	if (!bucket->ended &&
	    (bucket->empty > EMPTY_PAGES_MAX || bucket->listing.token[0] == '\0' ||
		strcmp(bucket->listing.token, token) == 0)) {
		provider_note(&bucket->key, "its listing does not go on");
		return DK_ERR_PROVIDER_ANSWER;
	}
	if (!last)
		return DK_OK;
	if (bucket->has_last &&
	    compare(bucket->last, bucket->last_len, page->entry[0].name, page->entry[0].name_len) >=
		0) {
		provider_note(&bucket->key, "it lists its objects in no order");
		return DK_ERR_PROVIDER_ANSWER;
	}
	memcpy(bucket->last, last->name, last->name_len);
	bucket->last_len = last->name_len;
	bucket->has_last = true;
	return DK_OK;
}

static dk_err
next_page(struct dk_bucket *bucket)
{
	char url[S3_URL_MAX_BYTES], token[sizeof(bucket->listing.token)];
	auto_net_answer answer = { .json = NULL };
	dk_err err = DK_ERR_PROVIDER_ANSWER;

	memcpy(token, bucket->listing.token, sizeof(token));
	if (page_url(bucket, token, url))
		err = s3_get(bucket, url, NULL, S3_PAGE_MAX_BYTES, judge_page, &answer);
	s3_page_clear(&bucket->listing);
	if (err == DK_ERR_PROVIDER_CREDENTIALS && strstr(url, "%2B"))
		provider_note(
		    &bucket->key, "some versions of libcurl sign a '+' in a prefix wrongly");
	if (err != DK_OK)
		return err;
	err = s3_page_parse(
	    answer.text, answer.text_len, bucket->prefix, bucket->prefix_len, &bucket->listing);
	if (err == DK_ERR_PROVIDER_ANSWER)
		provider_note(
		    &bucket->key, "its listing is not one of ListObjectsV2, or in no order");
	return err == DK_OK ? take_page(bucket, token) : err;
}

dk_err
s3_list(struct dk_bucket *bucket, const struct dk_bucket_page **ret)
{
	dk_err err;

	if (bucket->ended) {
		*ret = NULL;
		return DK_OK;
	}
	err = next_page(bucket);
	if (err == DK_OK)
		*ret = &bucket->listing.page;
	return s3_error(err);
}
