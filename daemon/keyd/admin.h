/* SPDX-License-Identifier: Apache-2.0 */
/* Administrative acts: check, record, carry out, answer. */
#ifndef DK_KEYD_ADMIN_H
#define DK_KEYD_ADMIN_H

#include "keyd/keyd.h"

/* The longest one is a private key of 4,096 bits in base64. */
#define ADMIN_ARG_MAX_BYTES 4097
#define ADMIN_RECOVERY_MAX_BYTES (DK_CUSTODIAN_BYTES + DK_SPKI_MAX_BYTES)
/* Arguments of create and rotate. */
enum {
	ADMIN_NAME,
	ADMIN_TYPE,
	ADMIN_RECOVERY,
	ADMIN_HSM,
	ADMIN_DKE_NAME,
	ADMIN_UNTESTED,
	ADMIN_CONFIRMATION,
	ADMIN_APPROVALS
};

/* An argument, and a note: of a key that opens nothing without one. */
#define ADMIN_NOTE_CONFIRMATION "confirmation"

/* A check returns it when it asked the HSM; it is called again with the answer. */
#define ADMIN_WAIT 0xffffu

struct admin_act {
	uint64_t id;
	unsigned op;
	uint32_t uid;
	unsigned argc;
	char arg[IPC_ADMIN_ARGS_MAX][ADMIN_ARG_MAX_BYTES];
	/* prepared before the record, used after it */
	struct key_version version;
	char dke_name[STATE_DKE_NAME_MAX_BYTES + 1]; /* empty: no DKE key */
	bool confirmation;                           /* what the key is to have */
	uint8_t approvals;                           /* likewise */
	uint32_t number;                             /* of a version; 0: all */
	unsigned failed;                             /* code of what was asked of the HSM */
	struct dk_pkey *recovery;
	uint8_t recovery_custodian[DK_CUSTODIAN_BYTES];
	struct open_code code;
	uint8_t device[32];
	uint64_t before; /* of an erasure; 0: any time */
	bool waits;      /* it is answered later */
	struct admin_text {
		char *text;
		size_t len;
		size_t cap;
	} out; /* its answer */
};

/* Text of an answer, growing up to the limit of the message. */
void admin_printf(struct admin_text *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One row of the table in admin.c: check fills the event and what the act
 * needs, or says in its text why not, where the code does not tell it; carry_out changes the
 * state and writes the answer. */
typedef unsigned (*admin_check)(
    struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
typedef void (*admin_carry_out)(struct keyd *keyd, struct admin_act *act,
    const struct dk_receipt *receipt, struct admin_text *out);

/* admin_other.c: DK_CODE_UNKNOWN_KEY, with a hint if this is the DKE name of a key. */
unsigned admin_unknown_key(struct keyd *keyd, struct admin_act *act);

/* admin_key.c: the event of a new version whose pair is there. */
void admin_version_event(struct admin_act *act, uint32_t number, struct dk_log_event *event);

/* admin.c */
void admin_reply(struct keyd *keyd, uint64_t id, unsigned code, const struct admin_text *out);
/* goes on with an act that waited. */
void admin_resume(struct keyd *keyd, struct admin_act *act);

unsigned check_key_create(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
void do_key_create(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out);
unsigned check_key_rotate(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
unsigned check_key_state(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
void do_key_state(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out);
unsigned check_key_destroy(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
void do_key_destroy(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out);
/* admin_dke.c: keys of spec/profiles/ms-dke.md. */
/* Modulus of the type in bits; 0: no type of a DKE key. */
unsigned dke_bits(const char *type);
/* What TOKEN_MAKE has for it. */
unsigned dke_token_type(unsigned bits);
/* All that a new version of this DKE key has but the pair; key may be NULL. */
unsigned dke_check_new(struct keyd *keyd, struct admin_act *act, const struct service_key *key);
/* What the key needs, as it stands in the note of each version; before: text before it. */
void dke_note_needs(const struct admin_act *act, const char *before, struct dk_log_event *event);
void dke_print_made(const struct admin_act *act, struct admin_text *out);
const char *dke_type_name(const struct key_version *version);
unsigned check_key_import(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);

unsigned check_enrol_code(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
void do_enrol_code(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out);
unsigned check_device_accept(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
void do_device_accept(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out);
unsigned check_device_revoke(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
void do_device_revoke(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out);
unsigned check_freeze(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
void do_freeze(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out);

/* What is recorded and changes no state; answered when the record is durable. */
void admin_export(struct keyd *keyd, struct admin_act *act);
void admin_evidence(struct keyd *keyd, struct admin_act *act);
/* admin_export.c: the auditor that the first two arguments name, and the policy in force. */
unsigned admin_auditor(struct keyd *keyd, const struct admin_act *act, struct dk_log_event *event);

unsigned check_erase(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
void do_erase(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out);

/* The effects alone; they are carried out again where a crash came between
 * record and effect (anchor.c). */
void set_key_state(struct keyd *keyd, struct service_key *key, uint32_t number, bool active);
void destroy_version(struct keyd *keyd, struct service_key *key, uint32_t number);

void admin_list_keys(struct keyd *keyd, struct admin_text *out);
void admin_list_devices(struct keyd *keyd, struct admin_text *out);
void admin_status(struct keyd *keyd, struct admin_text *out);

#endif
