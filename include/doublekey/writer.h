/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypting: one object from a source to a sink, from memory, or piece by
 * piece.
 *
 * Spec: spec/envelope.md sections 3 to 8 and 10.
 */
#ifndef DOUBLEKEY_WRITER_H
#define DOUBLEKEY_WRITER_H

#include <doublekey/error.h>
#include <doublekey/io.h>
#include <doublekey/key.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a new object is to be. Zero or NULL in a field means its default. All
 * pointers are borrowed for the call, or until dk_writer_new() has returned.
 */
struct dk_encrypt_params {
	/* 1 to 64 keys on each side; any one key of a side gives its share. */
	struct dk_key *const *customer;
	size_t customer_count;
	struct dk_key *const *provider;
	size_t provider_count;
	const char *tenant;      /* UTF-8, at most 255 bytes, readable by all */
	const char *label;       /* UTF-8, at most 255 bytes, readable by all */
	const char *file_name;   /* UTF-8, at most 255 bytes, no '/'; encrypted */
	const char *media_type;  /* UTF-8, at most 127 bytes; encrypted */
	struct dk_key *creator;  /* private creator key: sign the origin */
	uint32_t segment_length; /* 4096, 65536 (default) or 1048576 bytes */
	uint64_t created;        /* seconds since 1970; 0: now */
};

/*
 * Encrypt everything that in gives, to out.
 *
 * Spec:    spec/envelope.md section 10
 * In:      params, in, out  borrowed
 *          work             NULL for defaults
 * Errors:  DK_ERR_ARGUMENT        a side without keys, or a value out of range
 *          DK_ERR_TEXT            tenant, label or names that are not allowed
 *          DK_ERR_KEY_SIDE        a key of another side
 *          DK_ERR_SAME_KEY        one key given twice
 *          DK_ERR_SAME_CUSTODIAN  one custodian on both sides
 *          DK_ERR_TOO_MANY_STANZAS, DK_ERR_HEADER_TOO_LARGE
 *          DK_ERR_OBJECT_TOO_LARGE  more than 2^32 segments
 *          DK_ERR_READ            in failed; errno is kept
 *          DK_ERR_CHANGED         in has another length than it said
 *          DK_ERR_WRITE           out failed; errno is kept
 *          DK_ERR_CANCELLED, DK_ERR_NOMEM, DK_ERR_RANDOM, DK_ERR_CRYPTO
 * Limits:  on error, out holds part of an object, which no reader accepts;
 *          at most 48 MiB of memory, whatever the size
 */
DK_MUST_USE dk_err dk_encrypt(const struct dk_encrypt_params *params,
    const struct dk_source *in, const struct dk_sink *out, const struct dk_work *work);

/*
 * The same from memory to memory. The caller frees *ret with free().
 *
 * Out:     ret, ret_len   the object; untouched on error
 * Errors:  as dk_encrypt()
 */
DK_MUST_USE dk_err dk_encrypt_memory(const struct dk_encrypt_params *params, const void *data,
    size_t len, uint8_t **ret, size_t *ret_len);

/*
 * Piece by piece, in the calling thread.
 *
 * dk_writer_new() writes the header; dk_writer_write() takes any number of
 * bytes; dk_writer_finish() writes the last segment. Without the finish the
 * output is no object. After an error every call is DK_ERR_STATE.
 *
 * A writer belongs to the process that made it. In a child of fork() it encrypts
 * nothing, and DK_ERR_STATE comes with dk_writer_finish() at the latest: two
 * objects that go on from one state would give away both texts. Make the writer
 * in the child instead. The process that made it goes on as if there were no
 * child, and each of them frees its copy.
 *
 * Spec:    spec/envelope.md section 10
 * In:      params  borrowed for dk_writer_new()
 *          out     borrowed until dk_writer_free()
 * Out:     ret     the caller frees it with dk_writer_free(); untouched on error
 * Errors:  as dk_encrypt(), and DK_ERR_STATE
 * Limits:  two segments of memory
 */
struct dk_writer;
DK_MUST_USE dk_err dk_writer_new(const struct dk_encrypt_params *params,
    const struct dk_sink *out, struct dk_writer **ret);
DK_MUST_USE dk_err dk_writer_write(struct dk_writer *writer, const void *data, size_t len);
DK_MUST_USE dk_err dk_writer_finish(struct dk_writer *writer);
/* NULL is allowed. */
void dk_writer_free(struct dk_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
