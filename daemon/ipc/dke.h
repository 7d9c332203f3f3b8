/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads of the front end of spec/profiles/ms-dke.md, spec/ipc.md section 3. Rules are those
 * of ipc/payload.h: layout alone, slices are borrowed, false is a violation.
 */
#ifndef DK_IPC_DKE_H
#define DK_IPC_DKE_H

#include "ipc/channel.h"
#include "ipc/claim.h"
#include "log/record.h"

#define IPC_DKE_NAME_MAX_BYTES 64
#define IPC_DKE_PERSON_MAX_BYTES DK_LOG_PERSON_MAX_BYTES
#define IPC_DKE_VALUE_MAX_BYTES 1024
#define IPC_DKE_BODY_MAX_BYTES 4096
#define IPC_DKE_TOKEN_MAX_BYTES 14336
#define IPC_DKE_MODULUS_MAX_BYTES 512
#define IPC_DKE_KEYS_MAX 256
/* Behind its head: u8 kind, SHA-256 of a certificate, person. */
#define IPC_DKE_FRONT_MIN_BYTES (1 + 32 + 1)
#define IPC_DKE_FRONT_MAX_BYTES (1 + 32 + IPC_DKE_PERSON_MAX_BYTES)

enum ipc_dke_front { IPC_DKE_FRONT_CERTIFICATE = 1, IPC_DKE_FRONT_NETWORK = 2 };

/* DKE name or DKE id, section 1 of the profile. */
bool ipc_dke_name_valid(const void *text, size_t len);

/* DKE_DECRYPT */
struct ipc_dke_decrypt {
	const uint8_t *address; /* 16 bytes */
	struct ipc_claims claims; /* of kinds 1, 2 and 5 */
	char name[IPC_DKE_NAME_MAX_BYTES + 1];
	char id[IPC_DKE_NAME_MAX_BYTES + 1];
	bool json; /* its Content-Type is one that is taken */
	struct dk_part body;
};
bool ipc_dke_decrypt_read(const struct ipc_message *message, struct ipc_dke_decrypt *ret);

/* DKE_JUDGED */
struct ipc_dke_judged {
	uint64_t told; /* messages of keyd that authd had taken when it judged */
	const uint8_t *policy; /* 32 bytes */
	unsigned code;
	unsigned level; /* number in records; 0: none */
	unsigned charge_count; /* at most IPC_CHARGES_MAX */
	const uint8_t *charges;
	struct dk_part token;       /* tag 19; length 0: none, as with the next three */
	struct dk_part certificate; /* tag 20 */
	struct dk_part client;      /* tag 23 */
	struct dk_part rule;        /* tag 24 */
	unsigned factor_count;      /* tag 16 */
	struct dk_log_factor factor[DK_LOG_FACTORS_MAX];
	const uint8_t *address; /* 16 bytes */
	struct dk_part person;  /* length 0: none */
	const uint8_t *token_digest; /* 32 bytes */
	uint64_t until; /* the token is used up by this request, and ends then; 0: it is not */
	char name[IPC_DKE_NAME_MAX_BYTES + 1];
	char id[IPC_DKE_NAME_MAX_BYTES + 1];
	struct dk_part value; /* length 0: none was readable */
};
bool ipc_dke_judged_read(const struct ipc_message *message, struct ipc_dke_judged *ret);

/* DKE_KEYS: its elements one by one, ascending by name. */
struct ipc_dke_key {
	char name[IPC_DKE_NAME_MAX_BYTES + 1];
	char id[IPC_DKE_NAME_MAX_BYTES + 1];
	struct dk_part modulus;
};
/* ret has room for IPC_DKE_KEYS_MAX. */
bool ipc_dke_keys_read(const struct ipc_message *message, struct ipc_dke_key *ret,
    unsigned *ret_count);

#endif
