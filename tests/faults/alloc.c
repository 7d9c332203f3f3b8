/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#define TRACED_MAX 65536
#define LIVE_SLOTS 65536 /* a power of two */
#define NEXT(slot) (((slot) + 1) & (LIVE_SLOTS - 1))
#define STACK_MAX 32

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *old, size_t len);
void __real_free(void *data);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *old, size_t len);
void __wrap_free(void *data);

/* The linker's. */
extern const char __executable_start, etext;

struct trace {
	void *frame[STACK_MAX];
	int depth;
};

struct live {
	uintptr_t address;    /* 0: free slot */
	unsigned long number; /* since alloc_arm(), 0: before */
	bool crypto;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct live live[LIVE_SLOTS];
static struct alloc_live sum;
static struct trace *traced;
static unsigned long count, fail_at;
static enum alloc_mode fail_mode;
static bool armed, tracing;

static size_t
slot_of(uintptr_t address)
{
	return (size_t)((address >> 4) * 0x9e3779b97f4a7c15u >> 40) & (LIVE_SLOTS - 1);
}

static void
remember(void *data, bool crypto)
{
	size_t i = slot_of((uintptr_t)data);

	if (sum.own + sum.crypto >= LIVE_SLOTS / 2)
		abort();
	while (live[i].address != 0)
		i = NEXT(i);
	live[i] = (struct live){ (uintptr_t)data, armed ? count : 0, crypto };
	*(crypto ? &sum.crypto : &sum.own) += 1;
}

/* Move up what stands behind a slot that is free now and is looked for from before it. */
static void
close_gap(size_t gap)
{
	for (size_t i = NEXT(gap); live[i].address != 0; i = NEXT(i)) {
		size_t home = slot_of(live[i].address);

		if (((i - home) & (LIVE_SLOTS - 1)) < ((i - gap) & (LIVE_SLOTS - 1)))
			continue;
		live[gap] = live[i];
		gap = i;
	}
	live[gap].address = 0;
}

/* What comes from elsewhere (a library's own malloc) is not known here. */
static void
forget(void *data)
{
	size_t i = slot_of((uintptr_t)data);

	while (live[i].address != 0 && live[i].address != (uintptr_t)data)
		i = NEXT(i);
	if (live[i].address == 0)
		return;
	*(live[i].crypto ? &sum.crypto : &sum.own) -= 1;
	close_gap(i);
}

static void
trace(void)
{
	if (count > TRACED_MAX)
		abort();
	traced[count - 1].depth = backtrace(traced[count - 1].frame, STACK_MAX);
}

/* Under the lock. */
static bool
fails(void)
{
	if (!armed)
		return false;
	count++;
	if (tracing)
		trace();
	return fail_at != 0 && (fail_mode == ALLOC_ONE ? count == fail_at : count >= fail_at);
}

/* old is not NULL for a realloc(). */
static void *
allocate(void *old, size_t len, bool zero, bool crypto)
{
	void *data = NULL;

	(void)pthread_mutex_lock(&lock);
	if (!fails()) {
		if (old) {
			/* Gone before it can be given to another thread. */
			forget(old);
			data = __real_realloc(old, len);
			if (!data)
				abort();
		} else {
			data = zero ? __real_calloc(1, len) : __real_malloc(len);
		}
		if (data)
			remember(data, crypto);
	}
	(void)pthread_mutex_unlock(&lock);
	if (!data)
		errno = ENOMEM;
	return data;
}

static void
release(void *data)
{
	if (!data)
		return;
	(void)pthread_mutex_lock(&lock);
	forget(data);
	(void)pthread_mutex_unlock(&lock);
	__real_free(data);
}

void *
__wrap_malloc(size_t len)
{
	return allocate(NULL, len, false, false);
}

void *
__wrap_calloc(size_t n, size_t len)
{
	size_t all;

	return __builtin_mul_overflow(n, len, &all) ? NULL : allocate(NULL, all, true, false);
}

void *
__wrap_realloc(void *old, size_t len)
{
	return allocate(old, len, false, false);
}

void
__wrap_free(void *data)
{
	release(data);
}

static void *
crypto_malloc(size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return len > 0 ? allocate(NULL, len, false, true) : NULL;
}

static void
crypto_free(void *data, const char *file, int line)
{
	(void)file;
	(void)line;
	release(data);
}

static void *
crypto_realloc(void *old, size_t len, const char *file, int line)
{
	if (len > 0)
		return allocate(old, len, false, true);
	crypto_free(old, file, line);
	return NULL;
}

void
alloc_init(void)
{
	void *frame[2];

	(void)backtrace(frame, 2); /* the first one loads a library */
	traced = __real_calloc(TRACED_MAX, sizeof(*traced));
	if (!traced || CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
		abort();
}

void
alloc_arm(unsigned long n, enum alloc_mode mode, bool with_trace)
{
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < LIVE_SLOTS; i++)
		live[i].number = 0;
	count = 0;
	fail_at = n;
	fail_mode = mode;
	tracing = with_trace;
	armed = true;
	(void)pthread_mutex_unlock(&lock);
}

unsigned long
alloc_disarm(void)
{
	(void)pthread_mutex_lock(&lock);
	armed = false;
	(void)pthread_mutex_unlock(&lock);
	return count;
}

static bool
is_own(const void *address)
{
	return (const char *)address >= &__executable_start && (const char *)address < &etext;
}

uint64_t
alloc_stack_of(unsigned long n, bool own)
{
	const struct trace *t = &traced[n - 1];
	uint64_t hash = 0xcbf29ce484222325u;

	for (int i = 0; i < t->depth; i++)
		if (!own || is_own(t->frame[i]))
			hash = (hash ^ (uintptr_t)t->frame[i]) * 0x100000001b3u;
	return hash;
}

void
alloc_print_stack(unsigned long n)
{
	if (n > 0 && n <= TRACED_MAX && traced[n - 1].depth > 0)
		backtrace_symbols_fd(traced[n - 1].frame, traced[n - 1].depth, STDERR_FILENO);
}

struct alloc_live
alloc_live(void)
{
	struct alloc_live now;

	(void)pthread_mutex_lock(&lock);
	now = sum;
	(void)pthread_mutex_unlock(&lock);
	return now;
}

void
alloc_print_live(void)
{
	for (size_t i = 0; i < LIVE_SLOTS; i++) {
		if (live[i].address == 0 || live[i].number == 0)
			continue;
		(void)fprintf(stderr, "not freed, from allocation %lu:\n", live[i].number);
		alloc_print_stack(live[i].number);
	}
}
