/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of what reads buckets: s3.c opens and asks, s3_list.c understands listings, s3_read.c
 * reads objects. */
#ifndef DK_PROVIDER_S3_H
#define DK_PROVIDER_S3_H

#include "provider/aws.h"
#include "provider/bucket.h"

#define S3_BUCKET_MAX_BYTES 63
#define S3_PAGE_MAX_BYTES (8u << 20)
#define S3_TOKEN_MAX_BYTES 2048
/* Each byte of bucket, key and query can take three. */
#define S3_URL_MAX_BYTES (512 + 3 * (DK_BUCKET_KEY_MAX_BYTES + S3_TOKEN_MAX_BYTES))

/* One page of a listing. */
struct s3_page {
	struct dk_bucket_page page;
	bool truncated;
	char token[S3_TOKEN_MAX_BYTES + 1]; /* of the next page; empty: none */
	char *names; /* of page: whole keys, one behind the other */
};

struct dk_bucket {
	struct provider_key key; /* what credentials and requests are for; its state is aws */
	struct aws aws;
	char root[sizeof("s3://") + S3_BUCKET_MAX_BYTES + 1 + DK_BUCKET_KEY_MAX_BYTES];
	char prefix[DK_BUCKET_KEY_MAX_BYTES + 1];
	size_t prefix_len;
	char base[400]; /* URL of the bucket, with '/' at its end */
	/* of the listing */
	bool ended;
	unsigned empty; /* pages in a row */
	char last[DK_BUCKET_KEY_MAX_BYTES];
	size_t last_len;
	bool has_last;
	struct s3_page listing;
};

/* Error element of an answer: its code, or empty. */
void s3_error_code(const char *text, size_t len, char *ret, size_t cap);

/*
 * Understand a page. Keys have the prefix and ascend; nothing is known of other pages.
 *
 * Out:     ret   s3_page_clear(), always
 * Errors:  DK_ERR_PROVIDER_ANSWER, DK_ERR_NOMEM
 */
DK_MUST_USE dk_err s3_page_parse(
    const char *text, size_t len, const char *prefix, size_t prefix_len, struct s3_page *ret);
void s3_page_clear(struct s3_page *page);

/* etag as it stands in a header field or listing. */
void s3_stamp(uint64_t size, const char *etag, struct dk_bucket_stamp *ret);

/* GET, signed. range: a header field, or NULL. */
DK_MUST_USE dk_err s3_get(struct dk_bucket *bucket, const char *url, const char *range, size_t max,
    net_judge judge, struct net_answer *ret);
/* Append in the form that stands in URLs, with '/' as it is if it may; false: no room. */
bool s3_url_add(char *url, size_t cap, const char *text, size_t len, bool slash);
/* What of a system is told as what of a bucket. */
dk_err s3_error(dk_err err);
/* The error of a code of S3, or of a status. */
dk_err s3_judge_code(struct net_answer *answer);

/* As dk_bucket_open() and so on. */
dk_err s3_open(const char *url, dk_note_fn note, void *ctx, struct dk_bucket **ret);
void s3_close(struct dk_bucket *bucket);
const char *s3_root(const struct dk_bucket *bucket);
dk_err s3_list(struct dk_bucket *bucket, const struct dk_bucket_page **ret);
dk_err s3_read(struct dk_bucket *bucket, const char *name, size_t name_len, uint8_t *block,
    struct dk_bucket_head *ret);

#endif
