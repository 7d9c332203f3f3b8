/* SPDX-License-Identifier: Apache-2.0 */
/* A private key from another service of Microsoft's protocol, as `key import` is given it. */
#ifndef DK_PARENT_IMPORT_H
#define DK_PARENT_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/base64.h"
#include "crypto/pkey.h"

#define IMPORT_NAME_BYTES 65
#define IMPORT_KEY_BYTES (DK_BASE64_CHARS(DK_PKEY_PRIVATE_MAX_BYTES) + 1)

struct import {
	const char *id;               /* that is wanted */
	char name[IMPORT_NAME_BYTES]; /* that is wanted, or "": then that of the file, if it has one */
	char key[IMPORT_KEY_BYTES];   /* PKCS #8 in base64; to be wiped */
};

/* PEM, bare base64, or the configuration of the open sample (JSON), at most 1 MiB; "-" is
 * standard input. False: told. */
bool import_read(const char *path, struct import *import);

#endif
