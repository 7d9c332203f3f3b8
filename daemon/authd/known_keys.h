/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which signing keys of a tenant are new, spec/profiles/ms-dke.md section 5.3. Who has stolen
 * a way to change the key set cannot use a key of its own before somebody could see it.
 */
#ifndef DK_AUTHD_KNOWN_KEYS_H
#define DK_AUTHD_KNOWN_KEYS_H

#include "authd/token.h"

/* NULL: it is not known. */
const struct token_known *known_key_find(
    const struct token_issuer *tenant, const uint8_t thumbprint[32]);
/* As they stand in key sets. */
void known_keys_read(struct token_issuer *tenant, const struct dk_part *known);
/* ret has room for IPC_KNOWN_MAX_BYTES; returns the length. */
size_t known_keys_write(const struct token_issuer *tenant, uint8_t *ret);

/* Until when a key that is new at this time is in quarantine; 0: none is, since the set is
 * the first one or a file. */
uint64_t known_keys_until(
    const struct token_issuer *tenant, const struct policy *policy, uint64_t now);
/* From now on those of the set are known. Returns how many were not; an issuer that is no
 * tenant has none. */
unsigned known_keys_take(struct token_issuer *tenant, const struct keyset *keys, uint64_t until_s);
/* False: no such key is in quarantine. */
bool known_key_accept(struct token_issuer *tenant, const uint8_t thumbprint[32], uint64_t now);

#endif
