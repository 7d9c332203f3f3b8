/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that a server with the protocol of S3 holds, for who reads their headers. It is in
 * the module of the keys of other systems, whose credentials and requests it shares.
 *
 * Spec: spec/catalogue.md section 10
 */
#ifndef DK_PROVIDER_BUCKET_H
#define DK_PROVIDER_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doublekey/key.h"

#define DK_BUCKET_KEY_MAX_BYTES 1024
#define DK_BUCKET_STAMP_MAX_BYTES 64
#define DK_BUCKET_PAGE 1000

struct dk_bucket;

/* u64 size, then the ETag; len 0: none that can be compared. */
struct dk_bucket_stamp {
	uint8_t bytes[DK_BUCKET_STAMP_MAX_BYTES];
	size_t len;
};

struct dk_bucket_entry {
	const char *name; /* the key behind the prefix; not NUL-terminated, no NUL in it */
	size_t name_len;
	uint64_t size;
	struct dk_bucket_stamp stamp;
};

struct dk_bucket_page {
	size_t count; /* can be 0 */
	struct dk_bucket_entry entry[DK_BUCKET_PAGE];
};

/* What was read of an object. */
struct dk_bucket_head {
	long status;  /* of HTTP; 200 and 206: all that follows */
	bool no_path; /* a URL cannot have this key; nobody was asked */
	bool changed; /* its header block had another length each time */
	size_t len;   /* of the block, or of what there is of it */
	uint64_t size;
	struct dk_bucket_stamp stamp;
};

/*
 * Open what stands below a name. Asks nobody.
 *
 * In:      url   "s3://BUCKET/PREFIX"
 *          note  told why a request fails, in words; or NULL
 * Errors:  DK_ERR_STORE_REFERENCE, DK_ERR_PROVIDER_CONFIGURATION, DK_ERR_NOMEM,
 *          DK_ERR_LIBRARY: the module is not here
 */
DK_MUST_USE dk_err dk_bucket_open(
    const char *url, dk_note_fn note, void *ctx, struct dk_bucket **ret);
/* No thread uses it. NULL is allowed. */
void dk_bucket_close(struct dk_bucket *bucket);
/* The name in its one form. */
const char *dk_bucket_root(const struct dk_bucket *bucket);

/*
 * The next page of the listing, in the order of the bytes of the names; *ret is NULL behind the last one.
 *
 * Out:     ret   borrowed until the next call
 * Errors:  DK_ERR_STORE_*, DK_ERR_NOMEM
 */
DK_MUST_USE dk_err dk_bucket_list(
    struct dk_bucket *bucket, const struct dk_bucket_page **ret);

/*
 * The header block of an object, or what there is of it; of what is no object, one unit at most.
 * From several threads at once.
 *
 * In:      block   DK_HEADER_MAX_BYTES
 * Errors:  DK_ERR_STORE_*, whose status, if there is one, is in ret; DK_ERR_NOMEM
 */
DK_MUST_USE dk_err dk_bucket_read(struct dk_bucket *bucket, const char *name, size_t name_len,
    uint8_t *block, struct dk_bucket_head *ret);

#endif
