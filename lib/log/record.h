/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaves and records of the log, spec/log.md sections 1 to 3.
 *
 * An event is the content of a record in the form programs work with. A field
 * that is zero or empty is absent; has_ marks those for which zero is a value.
 */
#ifndef DK_LOG_RECORD_H
#define DK_LOG_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doublekey/error.h"

#define DK_LEAF_BYTES 48
#define DK_LOG_SALT_BYTES 16
#define DK_LOG_OBJECT_BYTES 102
#define DK_LOG_CERTIFICATE_BYTES 64
#define DK_LOG_TOKEN_MAX_BYTES 499
#define DK_LOG_CLIENT_BYTES 36
#define DK_LOG_KEY_SET_KEYS_MAX 32
#define DK_LOG_KEY_SET_MAX_BYTES (67 + 32 + DK_LOG_KEY_SET_KEYS_MAX * 32)
#define DK_LOG_TAG_FACTOR 16
#define DK_LOG_TAG_TOKEN 19
#define DK_LOG_TAG_CERTIFICATE 20
#define DK_LOG_TAG_CLIENT 23
#define DK_LOG_TAG_RULE 24
#define DK_LOG_OBJECTS_MAX 1000
#define DK_LOG_FACTORS_MAX 16
#define DK_LOG_NAME_MAX_BYTES 64
#define DK_LOG_NOTE_MAX_BYTES 255
#define DK_LOG_PERSON_MAX_BYTES 254
#define DK_LOG_TYPE_DKE 0x8001 /* stanza type of keys of spec/profiles/ms-dke.md */
/* Main and person parts with their heads. */
#define DK_LOG_OTHER_MAX_BYTES 3072
/* Objects and their part heads, main and person parts of this version. */
#define DK_RECORD_MAX_BYTES                                                                        \
	(DK_LOG_OBJECTS_MAX * (21 + DK_LOG_OBJECT_BYTES) + DK_LOG_OTHER_MAX_BYTES)

enum dk_log_class {
	DK_LOG_BEGUN = 1,
	DK_LOG_RELEASE = 2,
	DK_LOG_DENIAL = 3,
	DK_LOG_HEARTBEAT = 4,
	DK_LOG_KEY_CREATED = 5,
	DK_LOG_KEY_STATE = 6,
	DK_LOG_KEY_DESTROYED = 7,
	DK_LOG_CODE_MADE = 8,
	DK_LOG_DEVICE_ENROLLED = 9,
	DK_LOG_DEVICE_REVOKED = 10,
	DK_LOG_POLICY = 11,
	DK_LOG_FROZEN = 12,
	DK_LOG_UNFROZEN = 13,
	DK_LOG_STARTED = 14,
	DK_LOG_RESTORED = 15,
	DK_LOG_KEY_SET = 16,
	DK_LOG_ERASED = 17,
	DK_LOG_EXPORTED = 18,
	/* spec/profiles/ms-dke.md section 9 */
	DK_LOG_KEY_ACCEPTED = 19,
	DK_LOG_CONFIRMED = 20,
	DK_LOG_SESSION = 21,
	DK_LOG_DOCUMENT_APPROVED = 22,
	DK_LOG_EVIDENCE = 23,
	DK_LOG_DEVICE_ACCEPTED = 24, /* spec/profiles/ms-dke-pages.md section 3 */
};

enum dk_log_decision { DK_LOG_DONE = 1, DK_LOG_DENIED = 2 };
enum dk_log_mode { DK_LOG_PROMPT = 1, DK_LOG_STRICT = 2 };
enum dk_log_front { DK_LOG_NATIVE = 1, DK_LOG_ADMIN = 2, DK_LOG_DKE = 3 };
enum dk_log_level {
	DK_LOG_LEVEL_A = 1,
	DK_LOG_LEVEL_C = 3,
	DK_LOG_LEVEL_C_MINUS = 4,
	DK_LOG_LEVEL_C_AMBIENT = 6,
};

enum dk_log_factor_type {
	DK_FACTOR_DEVICE = 1,
	DK_FACTOR_LOCAL = 2,
	DK_FACTOR_CODE = 3,
	DK_FACTOR_APPROVAL = 4,
	DK_FACTOR_CONFIRMATION = 5,
	DK_FACTOR_SESSION = 6,
	DK_FACTOR_FRONT = 7,
	DK_FACTOR_DENIAL = 8, /* that froze a key */
};

struct dk_log_factor {
	uint16_t type;
	uint8_t verifier;
	uint64_t root;
};

struct dk_log_object {
	uint16_t code;
	uint8_t object_id[16];
	uint8_t core_digest[48];
	uint32_t epoch;
	uint8_t key_id[32];
};

struct dk_log_event {
	uint16_t class_;
	/* main part */
	uint64_t time;
	uint8_t decision;
	uint16_t reason;
	uint8_t mode;
	uint8_t front;
	uint8_t level;
	char key_name[DK_LOG_NAME_MAX_BYTES + 1];
	bool has_key_id;
	uint8_t key_id[32];
	uint32_t key_version;
	bool has_policy;
	uint8_t policy[32];
	bool has_request;
	uint8_t request[32];
	bool has_recipient;
	uint8_t recipient[32];
	uint64_t generation;
	uint32_t suppressed;
	uint16_t stanza_type;
	unsigned factor_count;
	struct dk_log_factor factor[DK_LOG_FACTORS_MAX];
	char note[DK_LOG_NOTE_MAX_BYTES + 1];
	bool has_recovery;
	uint8_t recovery[32];
	size_t token_len; /* 0: none */
	uint8_t token[DK_LOG_TOKEN_MAX_BYTES];
	bool has_certificate;
	uint8_t certificate[DK_LOG_CERTIFICATE_BYTES];
	size_t key_set_len; /* 0: none */
	uint8_t key_set[DK_LOG_KEY_SET_MAX_BYTES];
	char client[DK_LOG_CLIENT_BYTES + 1];
	char rule[DK_LOG_NAME_MAX_BYTES + 1];
	/* person part */
	bool person_erased;
	bool is_person; /* user is who a token names, and no user here */
	char user[DK_LOG_PERSON_MAX_BYTES + 1];
	bool has_device;
	uint8_t device[32];
	char device_name[DK_LOG_NAME_MAX_BYTES + 1];
	bool has_address;
	uint8_t address[16];
	/* object parts; an erased one is all zero with code 65535 */
	unsigned object_count;
	struct dk_log_object *objects; /* borrowed */
};

/*
 * Encode with fresh salts. record has room for cap bytes; DK_RECORD_MAX_BYTES
 * is always enough. DK_ERR_ARGUMENT: the event does not fit the format.
 */
DK_MUST_USE dk_err dk_record_encode(const struct dk_log_event *event, uint8_t *record, size_t cap,
    size_t *ret_len, uint8_t ret_leaf[DK_LEAF_BYTES]);

/*
 * Parse a record and check that it opens the leaf. ret_event->objects is set to
 * objects, which has room for DK_LOG_OBJECTS_MAX. Texts are copied.
 * DK_ERR_RECEIPT: malformed, or not the record of this leaf.
 */
DK_MUST_USE dk_err dk_record_open(const uint8_t *record, size_t len,
    const uint8_t leaf[DK_LEAF_BYTES], struct dk_log_object *objects,
    struct dk_log_event *ret_event);

/*
 * The record with the hash of its person part in place of that part (sections 2 and 16).
 *
 * In:      record   one that opens its leaf; all that is looked at is where its parts are
 *          out      room for len + DK_RECORD_ERASED_MORE_BYTES
 * Out:     ret_len  0: there is nothing to erase, and out has nothing
 * Errors:  DK_ERR_RECEIPT  another layout
 */
#define DK_RECORD_ERASED_MORE_BYTES 12
DK_MUST_USE dk_err dk_record_erase_person(const uint8_t *record, size_t len, uint8_t *out,
    size_t *ret_len);

/* The token field, spec/log.md section 2. Texts are copied. */
struct dk_log_token {
	uint8_t thumbprint[32];
	uint64_t issued;
	char issuer[201];
	char key[129];
	char id[129]; /* empty: none */
};
DK_MUST_USE bool dk_log_token_parse(const uint8_t *bytes, size_t len,
    struct dk_log_token *ret_token);
/* ret has room for DK_LOG_TOKEN_MAX_BYTES. */
size_t dk_log_token_write(const struct dk_log_token *token, uint8_t *ret);

/* The key set field, likewise. */
struct dk_log_key_set {
	uint8_t digest[32];
	uint8_t root[32]; /* zeros: the CA certificates of the system */
	uint8_t verifier; /* of the server that it came from: a process */
	char issuer[33];
	unsigned count;
	uint8_t thumbprint[DK_LOG_KEY_SET_KEYS_MAX][32];
};
DK_MUST_USE bool dk_log_key_set_parse(const uint8_t *bytes, size_t len,
    struct dk_log_key_set *ret_set);
/* ret has room for DK_LOG_KEY_SET_MAX_BYTES. */
size_t dk_log_key_set_write(const struct dk_log_key_set *set, uint8_t *ret);

/*
 * Of a request of the front end DK_LOG_DKE: its digest, and its object part.
 *
 * Spec:    spec/profiles/ms-dke.md section 9
 * In:      name, id      texts of at most 255 bytes
 *          document      SHA-256 of the value
 *          token_digest  SHA-256 of the token
 *          key_id        32 bytes; NULL: of no version that is known
 *          token         what its record says of it
 * Out:     ret_name      32 bytes: what is used up of a token that unwraps once, section 5.4
 */
DK_MUST_USE dk_err dk_log_dke_token(const struct dk_log_token *token, uint8_t ret_name[32]);
DK_MUST_USE dk_err dk_log_dke_request(const char *name, const char *id,
    const uint8_t document[32], const uint8_t token_digest[32], uint8_t ret_digest[32]);
void dk_log_dke_object(unsigned code, const uint8_t document[32], const uint8_t *key_id,
    struct dk_log_object *ret_object);

/* Who a token names: 1 to DK_LOG_PERSON_MAX_BYTES bytes from 21 to 7e. */
bool dk_log_person_valid(const void *text, size_t len);

/* Whether an event of this class changes the sealed store (spec/custody.md). */
bool dk_log_class_is_act(unsigned class_);
/* Processes that verify factors (spec/ipc.md section 1), and the name of any. */
#define DK_VERIFIER_HTTPD 2
#define DK_VERIFIER_AUTHD 3
const char *dk_log_verifier_name(unsigned verifier);
/* Static, never NULL. */
const char *dk_log_class_name(unsigned class_);

#endif
