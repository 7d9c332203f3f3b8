/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An allocator that can be told to fail, under this program's own code and under
 * libcrypto, and that knows what is allocated.
 *
 * The linker sends malloc(), calloc(), realloc() and free() of the objects of this
 * program here (--wrap); libcrypto is asked to come here as well. What other
 * libraries allocate is theirs.
 */
#ifndef TESTS_FAULTS_ALLOC_H
#define TESTS_FAULTS_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* First thing in main(). */
void alloc_init(void);

/* How many fail, from the one that is told. */
enum alloc_mode { ALLOC_ONE, ALLOC_ALL };

/*
 * Count from now on; the n-th allocation fails, or that and all behind it. 0: none.
 * trace: note the stack of each, for alloc_stack_of().
 */
void alloc_arm(unsigned long n, enum alloc_mode mode, bool trace);
/* Allocations since then. */
unsigned long alloc_disarm(void);
/*
 * A number that tells stacks apart, of the n-th traced allocation: whole ones, or
 * only that part of them which is in this program and not in a shared library.
 */
uint64_t alloc_stack_of(unsigned long n, bool own);
/* Write to standard error where the n-th allocation came from; only if traced. */
void alloc_print_stack(unsigned long n);

/* What is allocated and not freed: by this program's code, by libcrypto. */
struct alloc_live {
	long own, crypto;
};
struct alloc_live alloc_live(void);
/* Where those came from that were allocated since the last alloc_arm(), if traced. */
void alloc_print_live(void);

#endif
