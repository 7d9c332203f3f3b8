/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals that stand, spec/profiles/ms-dke.md section 7.3; main thread only. Without libcrypto
 * the process ends. */
#ifndef DK_KEYD_STANDING_H
#define DK_KEYD_STANDING_H

#include "keyd/keyd.h"

void standing_name(enum dk_scope scope, const uint8_t *document, const char *key,
    const char *person, uint8_t ret[32]);
/* What the state has of a person. */
void standing_person(const char *person, uint8_t ret[32]);
/* The user whose approval stands, or NULL: its time is over, or its device was revoked. */
const char *standing_user(struct keyd *keyd, const struct approved *approved, uint64_t now);
/* How many users' stand, but for the person's own; *ret_mine is set if user is one of them. */
unsigned standing_count(struct keyd *keyd, const uint8_t name[32], const char *person,
    const char *user, uint64_t now, bool *ret_mine);
/* The one at this place of the state is there no longer; authd is told. */
void standing_drop(struct keyd *keyd, unsigned place);

/* Answers a list for this user. */
void standing_list(
    struct keyd *keyd, uint64_t id, const struct ipc_approve_passed *passed, const char *user);

#endif
