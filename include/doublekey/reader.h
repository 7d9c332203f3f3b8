/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decrypting: a whole object, piece by piece, or a range of it.
 *
 * No byte is handed out before the tag over it is verified. A whole object is
 * only verified when the call that reaches its end returns DK_OK: whoever uses
 * bytes before that must be able to take them back.
 *
 * Spec: spec/envelope.md section 9.
 */
#ifndef DOUBLEKEY_READER_H
#define DOUBLEKEY_READER_H

#include <doublekey/error.h>
#include <doublekey/io.h>
#include <doublekey/key.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Keys and rules for reading; all pointers are borrowed for the call. */
struct dk_decrypt_params {
	struct dk_key *const *customer; /* any one that fits is used */
	size_t customer_count;
	struct dk_key *const *provider;
	size_t provider_count;
	uint32_t min_epoch_customer; /* refuse an older stanza set; 0: any */
	uint32_t min_epoch_provider;
	const struct dk_key *require_creator; /* NULL: a signature is not looked at */
};

/*
 * Decrypt one whole object.
 *
 * Spec:    spec/envelope.md section 9
 * In:      params, in, out  borrowed
 *          work             NULL for defaults
 * Out:     ret_place        NULL, or filled on error: where it was
 * Errors:  every name of spec/envelope.md section 11 for reading, by category:
 *          malformed, unsupported, not-authentic, no-match, refused; and
 *          DK_ERR_KEY_NEED_PRIVATE, DK_ERR_READ, DK_ERR_WRITE,
 *          DK_ERR_CANCELLED, DK_ERR_NOMEM, DK_ERR_CRYPTO
 * Limits:  on error, out holds only verified segments from the start of the
 *          object; at most 48 MiB of memory, whatever the size
 */
DK_MUST_USE dk_err dk_decrypt(const struct dk_decrypt_params *params,
    const struct dk_source *in, const struct dk_sink *out, const struct dk_work *work,
    struct dk_place *ret_place);

/*
 * The same from memory to memory; nothing is handed out on error. The caller
 * frees *ret with free() and wipes it first if it should.
 */
DK_MUST_USE dk_err dk_decrypt_memory(const struct dk_decrypt_params *params, const void *object,
    size_t len, uint8_t **ret, size_t *ret_len, struct dk_place *ret_place);

/* The encrypted metadata of an object; an empty text: not there. UTF-8. */
struct dk_object_metadata {
	char file_name[256]; /* never an output path unless the user asks for that */
	char media_type[128];
};

/*
 * Verify the header and decrypt the metadata block; no segment is read.
 *
 * Spec:    spec/envelope.md section 8
 * In:      params, in  borrowed
 * Out:     ret  caller's memory; untouched on error
 * Errors:  those of dk_decrypt() up to the body header
 */
DK_MUST_USE dk_err dk_metadata_read(const struct dk_decrypt_params *params,
    const struct dk_source *in, struct dk_object_metadata *ret, struct dk_place *ret_place);

/*
 * Piece by piece, in the calling thread.
 *
 * dk_reader_new() verifies the header. dk_reader_read() gives at most len bytes
 * (len > 0) and sets *ret_len; 0 is the end, which is reached only after the
 * last segment was verified and nothing followed it. After an error every
 * further call is DK_ERR_STATE. In a child of fork() a reader goes on by itself,
 * as far as its source does.
 *
 * Spec:    spec/envelope.md section 9
 * In:      params  borrowed for the call
 *          in      borrowed until dk_reader_free()
 * Out:     ret     the caller frees it with dk_reader_free(); untouched on error
 * Errors:  as dk_decrypt(), and DK_ERR_STATE
 * Limits:  one segment of memory
 */
struct dk_reader;
DK_MUST_USE dk_err dk_reader_new(const struct dk_decrypt_params *params,
    const struct dk_source *in, struct dk_reader **ret, struct dk_place *ret_place);
DK_MUST_USE dk_err dk_reader_read(struct dk_reader *reader, void *buf, size_t len,
    size_t *ret_len, struct dk_place *ret_place);
/* NULL is allowed. */
void dk_reader_free(struct dk_reader *reader);

/*
 * Random access. in needs read_at and size.
 *
 * dk_range_new() verifies the header and the last segment, which proves the
 * size. dk_range_read() verifies the segments that hold the range, and no
 * others: what lies outside of the ranges that were read is not verified. It
 * sets *ret_len to less than len only at the end of the object. One handle
 * belongs to one thread at a time.
 *
 * Spec:    spec/envelope.md section 9, "A range"
 * In:      params       borrowed for the call
 *          in           borrowed until dk_range_free()
 *          offset, len  in bytes of the plaintext
 * Out:     ret          the caller frees it with dk_range_free(); untouched on error
 * Errors:  as dk_decrypt(), and
 *          DK_ERR_ARGUMENT  in has no read_at or no size
 *          DK_ERR_RANGE     the offset is behind the end
 */
struct dk_range;
DK_MUST_USE dk_err dk_range_new(const struct dk_decrypt_params *params,
    const struct dk_source *in, struct dk_range **ret, struct dk_place *ret_place);
/* Of the plaintext, in bytes. */
uint64_t dk_range_size(const struct dk_range *range);
DK_MUST_USE dk_err dk_range_read(struct dk_range *range, uint64_t offset, void *buf, size_t len,
    size_t *ret_len, struct dk_place *ret_place);
/* NULL is allowed. */
void dk_range_free(struct dk_range *range);

#ifdef __cplusplus
}
#endif

#endif
