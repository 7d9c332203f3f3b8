/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is wiped when it is freed, for processes through which secrets of
 * clients pass: libraries copy what they parse, and do not wipe their copies.
 */
#ifndef DK_IPC_WIPING_H
#define DK_IPC_WIPING_H

#include <stddef.h>

void *wiping_malloc(size_t size);
void *wiping_realloc(void *old, size_t size);
void wiping_free(void *memory);

/* libcrypto and libssl use these from now on. First thing in main; ends the
 * process if it comes too late. */
void wiping_crypto(void);

#endif
