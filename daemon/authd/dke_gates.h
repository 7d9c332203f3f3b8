/* SPDX-License-Identifier: Apache-2.0 */
/* Gates of spec/profiles/ms-dke.md section 7: what the connection shows (a certificate of the
 * person, or the word of a front), and what keyd told of the person. */
#ifndef DK_AUTHD_DKE_GATES_H
#define DK_AUTHD_DKE_GATES_H

#include "authd/factor.h"
#include "ipc/dke.h"
#include "ipc/gate.h"

/* Certificate and front, each with tag and length. */
#define DKE_FACTOR_FIELD_BYTES (4 + 11)
#define DKE_GATES_FIELDS_BYTES (4 + DK_LOG_CERTIFICATE_BYTES + 3 * DKE_FACTOR_FIELD_BYTES)

struct dke_gates {
	struct factor_certificate certificate;
	struct policy_shown shown; /* its names */
	bool front;                /* the connection is that of one */
	enum ipc_dke_front kind;
	struct dk_part front_person; /* borrowed from the message */
	unsigned held;               /* POLICY_GATE_... */
	uint64_t confirmation;       /* index of its record, if held has it */
	uint64_t session;            /* likewise */
};

/* False: not the layout of the claims. Nothing is held yet. */
bool dke_gates_read(const struct ipc_claims *claims, struct dke_gates *ret);
/* For the person of a token that holds; another code than DK_CODE_OK refuses the request. */
unsigned dke_gates_check(const char *person, struct dke_gates *gates);
/* Confirmation and session of this person, for this document and from this address. */
void dke_gates_look(struct dke_gates *gates, const struct gates *confirmations,
    const struct gates *sessions, const char *person, const uint8_t document[32],
    const uint8_t address[16], uint64_t now);
/* The request is allowed by a rule with these gates: a certificate that names somebody else says
 * nothing of it, and a confirmation that the rule does not ask for is not used up. */
void dke_gates_allowed(struct dke_gates *gates, unsigned named);
/* Factors of the record: how many fields, and what they are. */
unsigned dke_gates_fields(const struct dke_gates *gates);
void dke_gates_write(const struct dke_gates *gates, struct dk_writer_buf *wr);
/* One of them. */
void dke_gates_factor(struct dk_writer_buf *wr, unsigned type, unsigned verifier, uint64_t root);

#endif
