/* SPDX-License-Identifier: Apache-2.0 */
/* Administrative acts: check, record, carry out, answer. */
#ifndef DK_KEYD_ADMIN_H
#define DK_KEYD_ADMIN_H

#include "keyd/keyd.h"

/* The longest one is a recovery key in hex. */
#define ADMIN_ARG_MAX_BYTES (2 * (DK_CUSTODIAN_BYTES + DK_SPKI_MAX_BYTES) + 1)

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
	uint32_t number; /* of a version; 0: all */
	unsigned failed; /* code of what was asked of the HSM */
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
 * needs; carry_out changes the state and writes the answer. */
typedef unsigned (*admin_check)(
    struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
typedef void (*admin_carry_out)(struct keyd *keyd, struct admin_act *act,
    const struct dk_receipt *receipt, struct admin_text *out);

/* admin.c */
void admin_reply(
    struct keyd *keyd, uint64_t id, unsigned code, const struct admin_text *out);
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
unsigned check_enrol_code(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
void do_enrol_code(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out);
unsigned check_device_revoke(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
void do_device_revoke(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out);
unsigned check_freeze(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event);
void do_freeze(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out);

/* What is recorded and changes no state; answered when the record is durable. */
void admin_export(struct keyd *keyd, struct admin_act *act);

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
