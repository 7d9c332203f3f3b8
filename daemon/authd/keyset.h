/* SPDX-License-Identifier: Apache-2.0 */
/* JWK sets, spec/policy.md section 6.3: the keys of one issuer. */
#ifndef DK_AUTHD_KEYSET_H
#define DK_AUTHD_KEYSET_H

#include <cjose/cjose.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYSET_MAX_BYTES 65536
#define KEYSET_KEYS_MAX 32
#define KEYSET_KID_MAX_BYTES 128
#define KEYSET_ISSUER_MAX_BYTES 255

struct keyset_key {
	char kid[KEYSET_KID_MAX_BYTES + 1];
	bool rsa;                                 /* else P-256 */
	char alg[6];                              /* empty: any of its type */
	bool has_issuer;                          /* spec/profiles/ms-dke.md section 5.2 */
	char issuer[KEYSET_ISSUER_MAX_BYTES + 1]; /* empty: none that could be one */
	uint8_t thumbprint[32];
	cjose_jwk_t *jwk;
};

struct keyset {
	unsigned count;
	struct keyset_key key[KEYSET_KEYS_MAX];
};

/* False: *ret_why says what is wrong with the set as a whole. */
bool keyset_parse(const uint8_t *text, size_t len, struct keyset *ret, const char **ret_why);
void keyset_clear(struct keyset *set);
/* NULL: there is none. */
const struct keyset_key *keyset_find(const struct keyset *set, const char *kid);

#endif
