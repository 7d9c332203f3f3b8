/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quorum backup of a private key: N shares on paper, any K of which restore it.
 *
 * Spec: spec/key-backup.md.
 */
#ifndef DOUBLEKEY_BACKUP_H
#define DOUBLEKEY_BACKUP_H

#include <stddef.h>
#include <stdint.h>

#include <doublekey/error.h>
#include <doublekey/key.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DK_SPLIT_MIN 2u
#define DK_SPLIT_MAX 255u
#define DK_SHARE_TEXT_MAX_BYTES 65536
#define DK_SPLIT_ID_HEX_BYTES 33 /* 32 digits and a NUL */

struct dk_split_params {
	unsigned shares;    /* N, DK_SPLIT_MIN to DK_SPLIT_MAX */
	unsigned threshold; /* K, 2 to N - 1 */
	int allow_all;      /* not 0: K may be N, so that no share may be lost */
};

struct dk_split;

/*
 * Split the private part of a key.
 *
 * Spec:    spec/key-backup.md sections 3 and 4
 * In:      key     with its private part in this process; borrowed for the call
 *          params  borrowed for the call
 * Out:     ret     the caller frees it with dk_split_free(); untouched on error
 * Errors:  DK_ERR_THRESHOLD         N or K beyond the limits, or K = N without
 *                                   allow_all
 *          DK_ERR_KEY_NEED_PRIVATE  only the public half is there
 *          DK_ERR_KEY_TYPE          the key is not in this process
 */
DK_MUST_USE dk_err dk_key_split(const struct dk_key *key, const struct dk_split_params *params,
    struct dk_split **ret);

/*
 * Text of one share, with instructions for whoever restores the key.
 *
 * Spec:    spec/key-backup.md section 5
 * In:      index  1 to N
 *          cap    room in ret_text; DK_SHARE_TEXT_MAX_BYTES is always enough
 * Out:     ret_text  a secret: the caller wipes it
 *          ret_len   its length; no NUL is written
 * Errors:  DK_ERR_ARGUMENT          no such index
 *          DK_ERR_OUTPUT_TOO_SMALL  cap is too small
 *          DK_ERR_CLOCK             the key's time is no date
 */
DK_MUST_USE dk_err dk_split_write(const struct dk_split *split, unsigned index, char *ret_text,
    size_t cap, size_t *ret_len);

/* 32 hex digits; borrowed. */
const char *dk_split_id_hex(const struct dk_split *split);
/* NULL is allowed. Wipes the shares. */
void dk_split_free(struct dk_split *split);

struct dk_join;

/* Without shares yet. The caller frees *ret with dk_join_free(). */
DK_MUST_USE dk_err dk_join_new(struct dk_join **ret);

/*
 * Add one share. After an error, others may still be added.
 *
 * Spec:    spec/key-backup.md section 6 steps 1 to 4
 * In:      text, len  as dk_split_write() made it, or typed from paper
 * Out:     ret_place  NULL, or the line that is wrong, or an empty text; filled
 *                     on error as well
 * Errors:  DK_ERR_SHARE_MAGIC    not a share
 *          DK_ERR_KEY_VERSION    of a newer version
 *          DK_ERR_SHARE_DAMAGED  a line is wrong or missing, or the share is not
 *                                the one that was made with this number
 *          DK_ERR_SHARE_FOREIGN  of another split than the first one added
 *          DK_ERR_SHARE_TWICE    this share was added already
 */
DK_MUST_USE dk_err dk_join_add(struct dk_join *join, const uint8_t *text, size_t len,
    struct dk_place *ret_place);

/* Shares added, and needed (0 before the first one). */
unsigned dk_join_count(const struct dk_join *join);
unsigned dk_join_threshold(const struct dk_join *join);
/* Of the first share, 32 hex digits, or "" before it; borrowed. */
const char *dk_join_split_id_hex(const struct dk_join *join);

/*
 * Restore the key.
 *
 * Spec:    spec/key-backup.md section 6 steps 5 and 6
 * Out:     ret  a private key, not yet in a file; the caller frees it
 * Errors:  DK_ERR_SHARE_TOO_FEW  fewer shares than needed
 *          DK_ERR_SHARE_DAMAGED  what is common to the shares was altered
 *          DK_ERR_KEY_INVALID    the private part is not that of the public half
 */
DK_MUST_USE dk_err dk_join_finish(const struct dk_join *join, struct dk_key **ret);

/* NULL is allowed. Wipes the shares. */
void dk_join_free(struct dk_join *join);

#ifdef __cplusplus
}
#endif

#endif
