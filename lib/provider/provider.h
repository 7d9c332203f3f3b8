/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that another system holds: one struct provider_system a system, behind one
 * kind of struct dk_key (key.c). It is a shared module of its own, which the library
 * loads when such a key is named.
 *
 * Spec: spec/provider-keys.md
 */
#ifndef DK_PROVIDER_H
#define DK_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/text.h"
#include "crypto/base64.h"
#include "crypto/crypto.h"
#include "doublekey/key.h"
#include "format/header.h"
#include "format/key_impl.h"
#include "provider/bucket.h"

#define PROVIDER_ABI 3
#define PROVIDER_SYMBOL "dk_provider_module"

#define PROVIDER_REF_MAX_BYTES DK_KMS_NAME_MAX_BYTES

/* What the module exports under PROVIDER_SYMBOL. */
struct provider_module {
	unsigned abi;
	dk_err (*key_open)(const char *ref, dk_side side, const struct dk_key_options *options,
	    struct dk_key **ret);
	/* SubjectPublicKeyInfo of the current version, borrowed from the key; NULL: none. */
	const uint8_t *(*public_half)(const struct dk_key *key, size_t *ret_len);
	/* provider/bucket.h */
	dk_err (*bucket_open)(
	    const char *url, dk_note_fn note, void *ctx, struct dk_bucket **ret);
	void (*bucket_close)(struct dk_bucket *bucket);
	const char *(*bucket_root)(const struct dk_bucket *bucket);
	dk_err (*bucket_list)(struct dk_bucket *bucket, const struct dk_bucket_page **ret);
	dk_err (*bucket_read)(struct dk_bucket *bucket, const char *name, size_t name_len,
	    uint8_t *block, struct dk_bucket_head *ret);
};

/* Settings of one system: providers.conf, or the defaults. */
struct provider_conf {
	char endpoint[256];  /* empty: that of the system */
	char ca[4096];       /* PEM file; empty: the system's store */
	unsigned rate;       /* requests a second that may start; 0: any number */
	unsigned parallel;   /* requests under way */
	unsigned deadline_s; /* for a request with its retries */
};

/* What a `kms` stanza holds besides the name of its key. */
struct provider_blob {
	char version[DK_KMS_VERSION_MAX_BYTES + 1];
	uint8_t bytes[DK_KMS_BLOB_MAX_BYTES];
	size_t len;
};

/* The result of a private operation: the x coordinate of ECDH; or the seed of RSA-OAEP, or, if
 * raw_len is not 0, the power that has to be decoded. */
struct provider_secret {
	struct dk_secret66 ecdh;
	struct dk_secret32 seed;
	uint8_t raw[DK_RSA_MAX_BYTES];
	size_t raw_len;
};

struct provider_net;
struct provider_key;

struct provider_system {
	const char *scheme;
	/*
	 * Understand what stands behind the scheme, find out about the key, and fill name and
	 * custodian, and pkey if the key has a public half. May ask the system. wraps is
	 * false where the key is only opened to unwrap.
	 */
	dk_err (*open)(struct provider_key *key, const char *rest);
	/* Keys with a public half. pkey is that of the stanza, len the encapsulation's. */
	dk_err (*private_op)(struct provider_key *key, const struct dk_pkey *pkey,
	    const uint8_t *enc, size_t len, struct provider_secret *ret);
	/* Keys without: bound to the core digest, spec/provider-keys.md section 2. */
	dk_err (*wrap)(struct provider_key *key, const uint8_t core_digest[DK_SHA384_BYTES],
	    const struct dk_secret32 *share, struct provider_blob *ret);
	dk_err (*unwrap)(struct provider_key *key, const uint8_t core_digest[DK_SHA384_BYTES],
	    const struct provider_blob *blob, struct dk_secret32 *ret);
	/* What open() left in state. NULL: nothing. */
	void (*close)(struct provider_key *key);
};

/* Versions of one key that differ in their public half, the current one first. */
#define PROVIDER_VERSIONS_MAX 64

struct provider_version {
	char name[128]; /* the system's own */
	struct dk_pkey *pkey;
};

struct provider_key {
	const struct provider_system *system;
	char ref[PROVIDER_REF_MAX_BYTES + 1];
	char name[PROVIDER_REF_MAX_BYTES + 1]; /* canonical; of keys without a public half */
	char custodian[DK_CUSTODIAN_STRING_BYTES];
	/* Empty: a key without a public half. */
	struct provider_version version[PROVIDER_VERSIONS_MAX];
	size_t version_count;
	bool public_only; /* nothing will be unwrapped */
	struct provider_conf conf;
	struct provider_net *net;
	dk_note_fn note;
	void *note_ctx;
	void *state;
};

/* Tell the caller why, in words: no byte of a share, credential or token. */
void provider_note(const struct provider_key *key, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Take a custodian that may not fit the field: spec/provider-keys.md section 1. */
DK_MUST_USE dk_err provider_custodian(struct provider_key *key, const char *text);

/* Add a version; takes pkey over if it works. DK_ERR_PROVIDER_KEY_USE: weak or other type. */
DK_MUST_USE dk_err provider_add_version(
    struct provider_key *key, const char *name, struct dk_pkey *pkey);
/* The version with this key id, or NULL. */
const struct provider_version *provider_version(
    const struct provider_key *key, const uint8_t id[DK_KEY_ID_BYTES]);

/* conf.c. scheme: the section that counts. */
DK_MUST_USE dk_err provider_conf_read(const char *scheme, struct provider_conf *ret);

extern const struct provider_system provider_awskms;
extern const struct provider_system provider_azurekv;
extern const struct provider_system provider_gcpkms;
extern const struct provider_system provider_pkcs11;
extern const struct provider_system provider_vault;

#endif
