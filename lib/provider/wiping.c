/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/wiping.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void
provider_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

void *
provider_realloc(void *old, size_t size)
{
	size_t had = old ? malloc_usable_size(old) : 0;
	void *memory = malloc(size);

	if (!memory)
		return NULL;
	if (old)
		memcpy(memory, old, had < size ? had : size);
	provider_free(old);
	return memory;
}

/* A program that has set functions of its own keeps them: its values are freed by them. */
__attribute__((constructor)) static void
set(void)
{
	json_malloc_t allocate;
	json_free_t release;

	json_get_alloc_funcs(&allocate, &release);
	if (allocate == malloc && release == free)
		json_set_alloc_funcs(malloc, provider_free);
}
