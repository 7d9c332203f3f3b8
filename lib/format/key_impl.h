/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of struct dk_key: what a kind of key must supply. A key file is one
 * kind (key_local.c over key_file.c); a key behind a protocol is another, and
 * nothing that wraps or unwraps changes when one is added.
 */
#ifndef DK_FORMAT_KEY_IMPL_H
#define DK_FORMAT_KEY_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "doublekey/key.h"

#define DK_STANZA_BODY_MAX_BYTES 8192

struct dk_header; /* format/header.h */

/* What a stanza is bound to besides its key. */
struct dk_wrap_context {
	dk_side side;
	const uint8_t *core_digest; /* SHA-384 of the core header */
};

/*
 * One share to unwrap. A remote key sends the core header and the stanza set
 * of the side, so the request carries the parsed header block and its bytes.
 */
struct dk_unwrap {
	const uint8_t *block; /* the whole header block */
	const struct dk_header *header;
	dk_side side;
	unsigned stanza;           /* index in the set of that side */
	struct dk_secret32 *share; /* out: wiped by whoever owns it */
	dk_err err;                /* out: result of this one */
};

struct dk_key_ops {
	/* body has room for DK_STANZA_BODY_MAX_BYTES. */
	dk_err (*wrap)(const struct dk_key *key, const struct dk_wrap_context *context,
	    const struct dk_secret32 *share, uint8_t *body, size_t *ret_len);
	/* Unwraps n requests at once. DK_OK: each request's own result is in its
	 * err. Else nothing was unwrapped. NULL: the key cannot unwrap. */
	dk_err (*unwrap)(const struct dk_key *key, struct dk_unwrap *requests, size_t n);
	/* To unwrap several costs little more than one: key_batch.h. */
	bool many;
	/* Creator keys; NULL: cannot sign. */
	dk_err (*sign)(const struct dk_key *key, const struct dk_part *parts, size_t n,
	    uint8_t ret_sig[DK_SIGNATURE_BYTES]);
	dk_err (*verify)(const struct dk_key *key, const struct dk_part *parts, size_t n,
	    const uint8_t sig[DK_SIGNATURE_BYTES]);
	/* Whether the key can unwrap a stanza with this key id and custodian. NULL:
	 * only one with its own id. */
	bool (*opens)(const struct dk_key *key, const uint8_t id[DK_KEY_ID_BYTES],
	    const uint8_t custodian[DK_CUSTODIAN_BYTES]);
	/* unwrap ended with err, and another key is tried: for the key to say so. May be
	 * NULL. Called from several threads. */
	void (*passed_over)(const struct dk_key *key, dk_err err);
	void (*free)(struct dk_key *key);
};

struct dk_key {
	const struct dk_key_ops *ops;
	dk_side side;
	uint16_t stanza_type; /* spec/envelope.md section 6.3 */
	uint8_t id[DK_KEY_ID_BYTES];
	uint8_t custodian[DK_CUSTODIAN_BYTES];
	char id_hex[DK_KEY_ID_HEX_BYTES];
	char custodian_text[DK_CUSTODIAN_STRING_BYTES];
	char type_name[16];
	uint64_t created; /* 0: not known */
	bool has_private;
	struct dk_key *recovery; /* is wrapped to as well; NULL: none; owned */
	void *impl;
};

/* key_local.c: the key of a parsed key file. Takes ownership of pkey on success. */
DK_MUST_USE dk_err dk_key_local_new(dk_side side, const uint8_t custodian[DK_CUSTODIAN_BYTES],
    uint64_t created, struct dk_pkey *pkey, struct dk_key **ret);
/* Fill type_name from a key's public half. DK_ERR_KEY_TYPE: none for a side. */
DK_MUST_USE dk_err dk_key_name_type(struct dk_key *key, const struct dk_pkey *pkey);
/* The key pair behind a local key, or NULL for any other kind. Borrowed. */
const struct dk_pkey *dk_key_local_pkey(const struct dk_key *key);

/*
 * A key behind https, spec/key-service.md section 7. Defined in the client
 * layer, which loads a module for it: the seam is here, so that this layer
 * includes nothing of that one.
 */
DK_MUST_USE dk_err dk_key_service_open(const char *ref, dk_side side,
    const struct dk_key_options *options, struct dk_key **ret);

/* The same for the other schemes, spec/provider-keys.md; defined in the provider layer. */
DK_MUST_USE dk_err dk_key_provider_open(const char *ref, dk_side side,
    const struct dk_key_options *options, struct dk_key **ret);

#endif
