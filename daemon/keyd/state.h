/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keyd knows and nobody else: customer keys, identity key, registry of
 * devices, open enrolment codes, freezes. One struct, written as a whole to
 * the sealed store after every act.
 */
#ifndef DK_KEYD_STATE_H
#define DK_KEYD_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/dke.h"
#include "ipc/approved.h"
#include "log/record.h"
#include "native/enrol.h"
#include "native/page.h"
#include "native/release.h"

#define STATE_TOKEN_ID_BYTES 16
#define STATE_KEYS_MAX 256
#define STATE_DEVICES_MAX 20000
#define STATE_CODES_MAX 256
#define STATE_CODE_TRIES_MAX 10
#define STATE_CODE_LIFE_S 900
#define STATE_DKE_NAME_MAX_BYTES 64

struct key_version {
	uint32_t number;
	uint8_t state; /* enum dk_version_state */
	uint64_t created;
	uint64_t index;       /* of the creation record */
	struct dk_pkey *pkey; /* once destroyed: the public half */
	uint8_t id[DK_KEY_ID_BYTES];
	uint16_t type;
	/* of the type DK_LOG_TYPE_DKE, in place of pkey */
	struct dk_dke_key *dke;
	char dke_id[STATE_DKE_NAME_MAX_BYTES + 1];
	bool decrypt_only; /* never published */
	bool token; /* the private half is in the HSM, under token_id */
	uint8_t token_id[STATE_TOKEN_ID_BYTES];
	uint8_t *receipt;
	size_t receipt_len;
};

struct service_key {
	char name[DK_SERVICE_NAME_MAX_BYTES + 1];
	bool frozen;
	uint64_t told; /* of keyd, when authd was told of it; not kept */
	char dke_name[STATE_DKE_NAME_MAX_BYTES + 1]; /* not empty: all versions are DKE keys */
	bool confirmation; /* a DKE key that opens nothing without one, for ever */
	uint8_t approvals; /* likewise with fewer; at most DK_STANDING_NEEDED_MAX */
	bool canary; /* a canary was asked for, and the key is not frozen yet; not kept */
	uint64_t canary_index; /* of that denial; 0: it has no entry yet */
	struct dk_pkey *recovery; /* public; NULL: none */
	uint8_t recovery_custodian[DK_CUSTODIAN_BYTES];
	unsigned version_count;
	struct key_version version[DK_VERSIONS_MAX];
};

/* Of an authenticator: what it calls its key. */
struct credential {
	uint16_t len; /* 16 to DK_CREDENTIAL_ID_MAX_BYTES */
	uint8_t id[];
};

/* One that waits is an authenticator that nobody accepted yet. */
enum device_state { DEVICE_ACTIVE = 1, DEVICE_REVOKED = 2, DEVICE_WAITS = 3 };

struct device {
	uint8_t id[32];
	uint8_t spki[DK_P256_SPKI_BYTES];
	uint8_t state;
	uint64_t index; /* of the enrolment record: what vouches for it */
	uint64_t enrolled;
	char user[DK_USER_MAX_BYTES + 1];
	char name[DK_DEVICE_NAME_MAX_BYTES + 1];
	struct credential *credential; /* NULL: a device that signs requests */
	struct dk_pkey *pkey;          /* made at first use */
	uint64_t told;                 /* of keyd, when authd was told of it; not kept */
};

struct open_code {
	struct dk_enrol_code code;
	uint8_t id[DK_CODE_ID_BYTES];
	char user[DK_USER_MAX_BYTES + 1];
	uint64_t expires;
	uint64_t index; /* of the record of its making */
	uint32_t tries;
};

struct state {
	uint64_t generation;
	/* The act that led here, in the log: size of the log behind it, its leaf. */
	uint64_t log_size;
	uint8_t log_leaf[DK_LEAF_BYTES];
	/* A key was destroyed: the other slot is not written anew yet. */
	bool erase;
	struct dk_service_data service;
	struct dk_pkey *identity;
	struct dk_pkey *ca; /* for another TLS certificate; keyd has no other use for it */
	bool frozen;
	unsigned key_count;
	struct service_key *key[STATE_KEYS_MAX];
	unsigned device_count;
	struct device **device; /* sorted by id */
	unsigned code_count;
	struct open_code code[STATE_CODES_MAX];
	struct approved_list approved; /* at most APPROVED_MAX */
};

void state_clear(struct state *state);

struct service_key *state_key_by_name(struct state *state, const char *name);
/* The version whose key has this id; ret_key is its key. NULL: none. DKE keys are not looked
 * at: no stanza is for one. */
struct key_version *state_version_by_id(struct state *state, const uint8_t id[32],
    struct service_key **ret_key);
struct service_key *state_key_by_dke_name(struct state *state, const char *dke_name);
struct key_version *state_dke_version(struct service_key *key, const char *dke_id);
/* The key with a version of this id. */
const struct service_key *state_key_with_id(const struct state *state, const uint8_t id[32]);
/* The version of a DKE key that is published, or NULL. */
const struct key_version *state_dke_published(const struct service_key *key);
/* The last active version or NULL. */
struct key_version *state_current(struct service_key *key);
DK_MUST_USE dk_err state_add_version(
    struct state *state, const char *name, const struct key_version *version);
struct device *state_device(struct state *state, const uint8_t id[32]);
/* An authenticator with this credential id, or NULL. */
struct device *state_authenticator(struct state *state, const struct dk_part *credential);
/* Takes the credential over, unless it fails. */
DK_MUST_USE dk_err state_add_device(struct state *state, const struct device *device);
struct open_code *state_code(struct state *state, const uint8_t id[DK_CODE_ID_BYTES]);
void state_remove_code(struct state *state, struct open_code *code);
/* Drops the codes whose time is over. */
void state_expire_codes(struct state *state, uint64_t now);

/* Length of the encoding, and the encoding itself (state_code.c). */
size_t state_encoded_max(const struct state *state);
DK_MUST_USE dk_err state_encode(const struct state *state, struct dk_writer_buf *wr);
/* ret_state is cleared by the caller, also on error. */
DK_MUST_USE dk_err state_decode(const uint8_t *bytes, size_t len, struct state *ret_state);

#endif
