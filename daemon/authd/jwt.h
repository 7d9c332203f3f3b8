/* SPDX-License-Identifier: Apache-2.0 */
/* What tokens of all kinds have in common, spec/policy.md section 6.3: form, header,
 * signature, times. Who may use it says the caller. */
#ifndef DK_AUTHD_JWT_H
#define DK_AUTHD_JWT_H

#include "authd/keyset.h"

#define JWT_MAX_BYTES 14336
#define JWT_AHEAD_MAX_S 60

struct jwt {
	char text[JWT_MAX_BYTES + 1];
	size_t len;
	size_t dot[2];
	uint8_t bytes[JWT_MAX_BYTES];
	json_t *header;
	json_t *claims;
};

/* Conditions 1 and 2; at most max bytes of text, itself at most JWT_MAX_BYTES. False: it is
 * none; jwt_clear() is needed in either case. */
bool jwt_read(struct jwt *jwt, const uint8_t *text, size_t len, size_t max);
bool jwt_header_ok(const struct jwt *jwt);
/* Condition 4; NULL: none. */
const struct keyset_key *jwt_find_key(const struct jwt *jwt, const struct keyset *keys);
/* Condition 5. */
bool jwt_signature_ok(const struct jwt *jwt, const struct keyset_key *key);
/* Condition 7. */
struct jwt_times {
	uint64_t issued, begins, expires;
};
bool jwt_times_ok(
    const struct jwt *jwt, uint32_t max_age, uint64_t now, struct jwt_times *ret_times);
/* Of condition 7 what the time can change. */
bool jwt_times_hold(const struct jwt_times *times, uint32_t max_age, uint64_t now);
/* Nothing of the token stays in memory. */
void jwt_clear(struct jwt *jwt);

#endif
