/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is its own of a request of spec/profiles/ms-dke.md. It is a job like any other
 * (release.h) and takes the same way to the log; it has one object, whose share is what came out.
 */
#ifndef DK_KEYD_RELEASE_DKE_H
#define DK_KEYD_RELEASE_DKE_H

#include "ipc/dke.h"
#include "keyd/keyd.h"

/* The private operation of an HSM, for the version that it was asked of. */
struct dke_power {
	bool asked;
	bool fits; /* dk_dke_number() */
	uint8_t version_id[DK_KEY_ID_BYTES];
	unsigned code;
	size_t len;
	uint8_t em[DK_DKE_MAX_BYTES];
};

struct dke_request {
	struct ipc_dke_judged judged; /* what it borrows lies in job->copy */
	uint8_t document[32];
	unsigned code; /* of the answer */
	struct gate_use use;
	uint8_t token[32]; /* name of what is used up with judged.until; zeros: nothing is */
	uint64_t issued;   /* when that token was made */
	/* what is known of it here; empty, 0: nothing */
	char key_name[DK_SERVICE_NAME_MAX_BYTES + 1];
	uint8_t key_id[DK_KEY_ID_BYTES];
	uint32_t version;
	struct dke_power power;
	struct dk_dke_plain plain;
};

/* NULL: no memory. */
struct dke_request *dke_new(void);
bool dke_parse(const struct ipc_message *message, struct job *job);
void dke_reset(struct dke_request *dke);
void dke_free(struct dke_request *dke);

/* Judges by the state of now. DK_CODE_OK: a record of it takes what it charges, whatever came
 * out; else it is refused. Reads the state and changes nothing but the job. */
unsigned dke_check(struct keyd *keyd, struct job *job);
void dke_event(const struct job *job, struct dk_log_event *event);
/* Whether a denial may have a record now: of anybody, of a person, and in all there is a limit. */
bool dke_may_record(struct keyd *keyd, const struct dke_request *dke, unsigned code);
/* What somebody can do about a denial: the person, and approvers if it was recorded. */
void dke_wanted(struct keyd *keyd, struct job *job, bool recorded);

/* What the record uses up, of a token that unwraps once. */
void dke_use_token(const struct dke_request *dke, struct keyd_nonce *nonce);

/* Main thread, right before the record goes out: whether the confirmation or session that authd
 * judged by is one that is kept here; a confirmation is used then. */
bool dke_gates_hold(struct keyd *keyd, struct job *job);

/* Asks the HSM, if its key is there and everything else allows it; goes on with
 * release_conclude(). False: nobody has to be asked. */
bool dke_ask_token(struct keyd *keyd, struct job *job);
/* The record is durable. */
void dke_answer(struct keyd *keyd, struct job *job);
/* The same of a denial, index being its entry; a canary freezes its key. */
void dke_denied(struct keyd *keyd, struct job *job, uint64_t index);

#endif
