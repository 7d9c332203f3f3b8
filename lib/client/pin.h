/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statement of a key that a client goes by: pinned at first use, asked for
 * again as spec/key-service.md section 5.1 says.
 */
#ifndef DK_CLIENT_PIN_H
#define DK_CLIENT_PIN_H

#include "client/profile.h"

struct client_pin {
	uint8_t *body;
	size_t len;
	struct dk_key_statement st; /* points into body */
};
void client_pin_free(struct client_pin *pin);

/* From the file, or from the service where there is none or it is old. */
DK_MUST_USE dk_err client_pin_get(const struct dk_profile *profile, const char *name,
    struct client_pin **ret);
/* From the service, now. *pin is replaced, and stays as it is on error. */
DK_MUST_USE dk_err client_pin_refresh(const struct dk_profile *profile, const char *name,
    struct client_pin **pin);

/* The last active version, or NULL. */
const struct dk_key_version *client_pin_current(const struct client_pin *pin);
/* Whether any version, of whatever state, has this key id. */
bool client_pin_has(const struct client_pin *pin, const uint8_t id[32]);

#endif
