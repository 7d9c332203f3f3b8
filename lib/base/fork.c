/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fork.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
/* In a page that the kernel clears in a child; NULL if it can't. */
static _Atomic uint64_t *mark;
/* Copied to a child like all else: the last number that was given out. */
static _Atomic uint64_t last;

static void
make_mark(void)
{
	long size = sysconf(_SC_PAGESIZE);
	void *page;

	if (size <= 0)
		return;
	page = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return;
	if (madvise(page, (size_t)size, MADV_WIPEONFORK) != 0) {
		(void)munmap(page, (size_t)size);
		return;
	}
	mark = page;
}

uint64_t
dk_fork_generation(void)
{
	uint64_t now = 0;
	uint64_t next;

	(void)pthread_once(&once, make_mark);
	/* A process id may be the same in another name space; still better than nothing. */
	if (!mark)
		return (uint64_t)getpid();
	now = atomic_load_explicit(mark, memory_order_relaxed);
	if (now != 0)
		return now;
	next = atomic_fetch_add(&last, 1) + 1;
	return atomic_compare_exchange_strong(mark, &now, next) ? next : now;
}
