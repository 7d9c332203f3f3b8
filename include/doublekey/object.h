/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at an object without keys, and giving one side new keys.
 *
 * Spec: spec/envelope.md sections 3, 6 and 10.
 */
#ifndef DOUBLEKEY_OBJECT_H
#define DOUBLEKEY_OBJECT_H

#include <doublekey/error.h>
#include <doublekey/io.h>
#include <doublekey/key.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One stanza, or one former stanza. */
struct dk_stanza_info {
	const char *type; /* "p256", "p384", "rsa-oaep", "kms" */
	char key_id[DK_KEY_ID_HEX_BYTES];
	char custodian[DK_CUSTODIAN_STRING_BYTES];
	/* Of a "kms" stanza, else empty: the key's name, and the version that wrapped, which
	 * is empty where the system does not tell. spec/provider-keys.md */
	char key_name[513];
	char key_version[65];
};

struct dk_set_info {
	uint32_t epoch;
	size_t stanza_count;
	struct dk_stanza_info *stanza;
	size_t former_count;
	struct dk_stanza_info *former;
};

/*
 * What a header says. Nothing of it is verified, since that needs keys: treat
 * it as the claim of whoever stored the object. New fields are added at the
 * end only.
 */
struct dk_object_info {
	unsigned version;
	unsigned suite;
	char object_id[33]; /* 32 hex digits */
	char tenant[256];   /* UTF-8, NUL-terminated */
	char label[256];
	uint64_t created;        /* seconds since 1970-01-01T00:00:00Z */
	uint32_t segment_length; /* in bytes, with nonce and tag */
	uint64_t body_offset;    /* length of the header block in bytes */
	uint64_t plaintext_size; /* DK_SIZE_UNKNOWN if in has no size */
	size_t metadata_length;  /* encrypted; 0: none */
	int has_creator;
	char creator_key_id[DK_KEY_ID_HEX_BYTES];
	struct dk_set_info customer;
	struct dk_set_info provider;
};

/*
 * Read the header of an object.
 *
 * Spec:    spec/envelope.md section 9 step 1
 * In:      in    borrowed; the header block is read and nothing behind it
 * Out:     ret   the caller frees it with dk_object_info_free()
 * Errors:  malformed, unsupported, DK_ERR_READ, DK_ERR_NOMEM; also
 *          DK_ERR_FINAL_MISSING or DK_ERR_TRUNCATED if the size in in.size is
 *          that of no object
 */
DK_MUST_USE dk_err dk_inspect(const struct dk_source *in, struct dk_object_info **ret,
    struct dk_place *ret_place);
/* NULL is allowed. */
void dk_object_info_free(struct dk_object_info *info);

/* A new stanza set for one side. */
struct dk_rewrap_params {
	dk_side side;
	struct dk_key *const *open; /* private keys, one of which opens the side now */
	size_t open_count;
	struct dk_key *const *to; /* 1 to 64 keys that shall open it from now on */
	size_t to_count;
	uint32_t min_epoch; /* refuse to start from an older set; 0: any */
};

/*
 * Make the header block that gives one side new keys. The body stays as it is:
 * write the new block and then the old bytes from *ret_old_len on.
 *
 * Spec:    spec/envelope.md section 10
 * In:      in     borrowed; the header block is read and nothing behind it
 * Out:     ret, ret_len   the new header block; the caller frees it with free()
 *          ret_old_len    length of the old block: the body offset in in
 * Errors:  those of reading for one side, and DK_ERR_SAME_KEY,
 *          DK_ERR_SAME_CUSTODIAN (a new key's custodian is or was on the other
 *          side), DK_ERR_KEY_SIDE, DK_ERR_TOO_MANY_STANZAS,
 *          DK_ERR_HEADER_TOO_LARGE, DK_ERR_HISTORY_FULL
 * Limits:  the other side's set is checked for form only: its MAC needs a share
 *          that a rewrap of this side never sees
 */
DK_MUST_USE dk_err dk_rewrap(const struct dk_rewrap_params *params, const struct dk_source *in,
    uint8_t **ret, size_t *ret_len, size_t *ret_old_len, struct dk_place *ret_place);

#ifdef __cplusplus
}
#endif

#endif
