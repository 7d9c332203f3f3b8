/* SPDX-License-Identifier: Apache-2.0 */
/* The published test keys of spec/vectors/keys, by name. */
#ifndef TESTS_VECTORS_KEYRING_H
#define TESTS_VECTORS_KEYRING_H

#include "format/key_impl.h"

/* The private key NAME.pem for use on a side; the custodian is that of
 * keys.txt. Aborts with a message if there is none. Free with dk_key_free(). */
struct dk_key *keyring_open(const char *dir, const char *name, dk_side side);

#endif
