/* SPDX-License-Identifier: Apache-2.0 */
/* Authenticators that the service enrolled, as keyd told of them, and what they sign. */
#ifndef DK_AUTHD_AUTHENTICATOR_H
#define DK_AUTHD_AUTHENTICATOR_H

#include "ipc/gate.h"

struct authenticator {
	uint8_t device[32];
	uint8_t spki[DK_P256_SPKI_BYTES];
	uint16_t credential_len;
	uint8_t credential[DK_CREDENTIAL_ID_MAX_BYTES];
};

struct authenticators {
	struct authenticator **item;
	unsigned count;
};

/* False: not the layout of AUTHENTICATOR. Without memory the process ends. */
bool authenticators_learn(struct authenticators *all, const struct ipc_message *message);
/* NULL: keyd told of no such credential. */
const struct authenticator *authenticators_find(
    const struct authenticators *all, const struct dk_part *credential);
void authenticators_clear(struct authenticators *all);

/*
 * Whether an assertion holds for this challenge and origin, by libfido2 and by the rule of
 * spec/profiles/ms-dke-pages.md section 2.
 *
 * In:  spki    DK_P256_SPKI_BYTES
 *      origin  the base URL
 */
bool authenticator_holds(const struct dk_assertion *assertion,
    const uint8_t spki[DK_P256_SPKI_BYTES], const char *origin, const uint8_t challenge[32]);

#endif
