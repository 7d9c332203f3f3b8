/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypting and decrypting one opened file. */
#ifndef DK_CLI_CRYPT_H
#define DK_CLI_CRYPT_H

#include <stdbool.h>

#include <doublekey/doublekey.h>

#include "cli/objects/work.h"

struct dk_key_batch; /* format/key_batch.h */

struct crypt_encrypt {
	struct dk_encrypt_params params;
	bool own_name; /* store the name of each input */
};

/* work_fn functions; ctx as named. */
int crypt_encrypt(void *ctx, struct work_file *file); /* struct crypt_encrypt */

struct crypt_decrypt {
	struct dk_decrypt_params params;
	bool range;
	uint64_t offset;
	uint64_t length; /* UINT64_MAX: up to the end */
};

int crypt_decrypt(void *ctx, struct work_file *file); /* struct crypt_decrypt */
/* What crypt_decrypt will ask for, of a task with several files. */
void crypt_decrypt_ahead(
    void *ctx, const struct dk_source *in, struct dk_key_batch *shares, size_t index);

#endif
