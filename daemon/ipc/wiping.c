/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/wiping.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/child.h"

void *
wiping_malloc(size_t size)
{
	return malloc(size);
}

void
wiping_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

/* realloc() would leave a copy behind where it moves. */
void *
wiping_realloc(void *old, size_t size)
{
	size_t had = old ? malloc_usable_size(old) : 0;
	void *memory;

	if (old && size == 0) {
		wiping_free(old);
		return NULL;
	}
	if (old && size <= had && size > had / 2)
		return old;
	memory = malloc(size);
	if (!memory)
		return NULL;
	if (old)
		memcpy(memory, old, had < size ? had : size);
	wiping_free(old);
	return memory;
}

static void *
crypto_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return wiping_malloc(size);
}

static void *
crypto_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return wiping_realloc(old, size);
}

static void
crypto_free(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	wiping_free(memory);
}

void
wiping_crypto(void)
{
	if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
		say_fatal("libcrypto does not do what it must");
}
