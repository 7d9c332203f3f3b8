/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/dke_gates.h"

#include <string.h>

#include "authd/person.h"
#include "native/code.h"

#define FACTOR_BYTES 11

bool
dke_gates_read(const struct ipc_claims *claims, struct dke_gates *ret)
{
	const struct dk_part *certificate = &claims->of[IPC_CLAIM_CERTIFICATE];
	const struct dk_part *front = &claims->of[IPC_CLAIM_FRONT];
	unsigned code = DK_CODE_OK;

	ret->certificate.holds = false;
	ret->shown = (struct policy_shown){ .name_count = 0 };
	ret->front = front->len > 0;
	ret->front_person = (struct dk_part){ NULL, 0 };
	ret->held = 0;
	if (ret->front) {
		const uint8_t *bytes = front->data;
		size_t head = IPC_DKE_FRONT_MIN_BYTES - 1;

		ret->kind = bytes[0];
		ret->front_person = (struct dk_part){ bytes + head, front->len - head };
	}
	/* One that does not hold is as good as none. */
	return certificate->len == 0 ||
	    factor_certificate(certificate, &ret->certificate, &ret->shown, &code);
}

/* Without regard to case, and of the one alphabet that persons have. */
static bool
is_person(const char *text, size_t len, const char *person)
{
	char lower[PERSON_MAX_BYTES + 1];

	if (!person_valid(text, len))
		return false;
	person_lower(text, len, lower);
	return strcmp(lower, person) == 0;
}

static bool
certificate_names(const struct dke_gates *gates, const char *person)
{
	static const char *const kinds[] = { "email:", "upn:" };

	for (unsigned i = 0; i < gates->shown.name_count; i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			const char *name = gates->shown.name[i];
			size_t len = strlen(kinds[k]);

			if (strncmp(name, kinds[k], len) == 0 &&
			    is_person(name + len, strlen(name + len), person))
				return true;
		}
	return false;
}

/* A front is known by its certificate: if that does not hold, neither does its word, nor the
 * address that it gave. */
unsigned
dke_gates_check(const char *person, struct dke_gates *gates)
{
	if (!gates->front) {
		if (gates->certificate.holds && certificate_names(gates, person))
			gates->held |= POLICY_GATE_CLIENT_CERTIFICATE;
		return DK_CODE_OK;
	}
	if (!gates->certificate.holds)
		return DK_CODE_CERTIFICATE;
	if (!is_person(gates->front_person.data, gates->front_person.len, person))
		return DK_CODE_FRONT_PERSON;
	gates->held |= gates->kind == IPC_DKE_FRONT_CERTIFICATE ? POLICY_GATE_FRONT_CERTIFICATE
								: POLICY_GATE_FRONT_NETWORK;
	return DK_CODE_OK;
}

void
dke_gates_look(struct dke_gates *gates, const struct gates *confirmations,
    const struct gates *sessions, const char *person, const uint8_t document[32],
    const uint8_t address[16], uint64_t now)
{
	static const uint8_t no_document[32];
	const struct gate *gate;
	uint8_t name[32];

	if (confirmations->count == 0 && sessions->count == 0)
		return;
	gate_name(document, person, name);
	gate = gates_find(confirmations, name, address, now);
	if (gate) {
		gates->held |= POLICY_GATE_CONFIRMATION;
		gates->confirmation = gate->index;
	}
	gate_name(no_document, person, name);
	gate = gates_find(sessions, name, address, now);
	if (gate) {
		gates->held |= POLICY_GATE_PRESENCE;
		gates->session = gate->index;
	}
}

void
dke_gates_allowed(struct dke_gates *gates, unsigned named)
{
	gates->held &= named | ~(unsigned)POLICY_GATE_CONFIRMATION;
	if (!gates->front && !(gates->held & POLICY_GATE_CLIENT_CERTIFICATE))
		gates->certificate.holds = false;
}

static bool
front_holds(const struct dke_gates *gates)
{
	return gates->held & (POLICY_GATE_FRONT_CERTIFICATE | POLICY_GATE_FRONT_NETWORK);
}

unsigned
dke_gates_fields(const struct dke_gates *gates)
{
	return (unsigned)gates->certificate.holds + front_holds(gates) +
	    (gates->held & POLICY_GATE_CONFIRMATION ? 1 : 0) +
	    (gates->held & POLICY_GATE_PRESENCE ? 1 : 0);
}

void
dke_gates_factor(struct dk_writer_buf *wr, unsigned type, unsigned verifier, uint64_t root)
{
	dk_wr_u16(wr, DK_LOG_TAG_FACTOR);
	dk_wr_u16(wr, FACTOR_BYTES);
	dk_wr_u16(wr, (uint16_t)type);
	dk_wr_u8(wr, (uint8_t)verifier);
	dk_wr_u64(wr, root);
}

void
dke_gates_write(const struct dke_gates *gates, struct dk_writer_buf *wr)
{
	if (gates->held & POLICY_GATE_CONFIRMATION)
		dke_gates_factor(wr, DK_FACTOR_CONFIRMATION, IPC_KEYD, gates->confirmation);
	if (gates->held & POLICY_GATE_PRESENCE)
		dke_gates_factor(wr, DK_FACTOR_SESSION, IPC_KEYD, gates->session);
	if (front_holds(gates))
		dke_gates_factor(wr, DK_FACTOR_FRONT, DK_VERIFIER_HTTPD, gates->kind);
	if (gates->certificate.holds) {
		dk_wr_u16(wr, DK_LOG_TAG_CERTIFICATE);
		dk_wr_u16(wr, DK_LOG_CERTIFICATE_BYTES);
		dk_wr_bytes(wr, gates->certificate.record, DK_LOG_CERTIFICATE_BYTES);
	}
}
