/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "provider/s3.h"

#define TRIES 3

void
s3_stamp(uint64_t size, const char *etag, struct dk_bucket_stamp *ret)
{
	size_t len = strlen(etag);
	struct dk_writer_buf wr;

	if (len >= 2 && etag[0] == '"' && etag[len - 1] == '"') {
		etag++;
		len -= 2;
	}
	dk_wr_init(&wr, ret->bytes, sizeof(ret->bytes));
	dk_wr_u64(&wr, size);
	dk_wr_bytes(&wr, etag, len);
	ret->len = len > 0 && !wr.failed ? wr.len : 0;
}

/* What is wrong with one object is no error of the system. */
static dk_err
judge(struct net_answer *answer)
{
	dk_err err = DK_OK;

	if (answer->status != 200 && answer->status != 206 && answer->status != 404)
		err = s3_judge_code(answer);
	return err == DK_ERR_PROVIDER_CREDENTIALS || err == DK_ERR_PROVIDER_THROTTLED ? err : DK_OK;
}

/* "bytes 0-END/SIZE" as it must be for what was asked for and what came. */
static bool
range_fits(const char *range, size_t want, size_t len, uint64_t *ret_size)
{
	const char *slash = strchr(range, '/');
	uint64_t size = slash ? strtoull(slash + 1, NULL, 10) : 0;
	char right[64];

	if (len == 0 || size > INT64_MAX || len != (size < want ? size : want))
		return false;
	(void)snprintf(right, sizeof(right), "bytes 0-%zu/%" PRIu64, len - 1, size);
	*ret_size = size;
	return strcmp(range, right) == 0;
}

/* The first want bytes, or what there is of them. */
static dk_err
read_start(struct dk_bucket *bucket, const char *url, size_t want, uint8_t *block,
    struct dk_bucket_head *ret)
{
	auto_net_answer answer = { .json = NULL };
	char range[64];
	bool ok;
	dk_err err;

	(void)snprintf(range, sizeof(range), "Range: bytes=0-%zu", want - 1);
	err = s3_get(bucket, url, range, want, judge, &answer);
	ret->status = answer.status;
	if (err != DK_OK || (answer.status != 200 && answer.status != 206))
		return err;
	ret->len = answer.text_len;
	ret->size = answer.text_len;
	if (answer.status == 206)
		ok = range_fits(answer.range, want, ret->len, &ret->size);
	else if (answer.length >= 0)
		ok = (ret->size = (uint64_t)answer.length) >= ret->len &&
		    (ret->size == ret->len || ret->len == want);
	else
		ok = ret->len < want;
	if (!ok)
		return DK_ERR_PROVIDER_ANSWER;
	if (ret->len > 0)
		memcpy(block, answer.text, ret->len);
	s3_stamp(ret->size, answer.etag, &ret->stamp);
	return DK_OK;
}

/* Whether a part between slashes is "." or "..": libcurl takes it away, and signs no URL that
 * has it. */
static bool
has_dots(const char *path)
{
	for (const char *part = path; part; part = strchr(part, '/')) {
		size_t len;

		part += *part == '/' ? 1 : 0;
		len = strcspn(part, "/");
		if ((len == 1 || len == 2) && strspn(part, ".") >= len)
			return true;
	}
	return false;
}

dk_err
s3_read(struct dk_bucket *bucket, const char *name, size_t name_len, uint8_t *block,
    struct dk_bucket_head *ret)
{
	size_t want = DK_HEADER_UNIT_BYTES, need;
	char url[S3_URL_MAX_BYTES];
	dk_err err;

	memset(ret, 0, sizeof(*ret));
	(void)snprintf(url, sizeof(url), "%s", bucket->base);
	if (!s3_url_add(url, sizeof(url), bucket->prefix, bucket->prefix_len, true) ||
	    !s3_url_add(url, sizeof(url), name, name_len, true))
		return DK_ERR_STORE_ANSWER;
	ret->no_path = has_dots(url + strlen(bucket->base));
	if (ret->no_path)
		return DK_OK;
	/* Always from the start: parts of two answers could be of two objects. */
	for (unsigned i = 0; i < TRIES; i++) {
		err = read_start(bucket, url, want, block, ret);
		if (err != DK_OK || ret->len < DK_HEADER_UNIT_BYTES ||
		    memcmp(block, dk_header_magic, DK_MAGIC_BYTES) != 0)
			return s3_error(err);
		need = dk_header_need(block, ret->len);
		if (need <= ret->len || ret->len < want)
			return DK_OK;
		want = need;
	}
	ret->changed = true;
	return DK_OK;
}
