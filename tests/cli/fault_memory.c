/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the program under test: lets its allocations fail, those of the
 * libraries below it too.
 *
 *   FAULT_MEMORY=N    the N-th fails; N+: that and all behind it
 *   FAULT_LOG=FILE    at the end, one line "N STACK" for each allocation; equal
 *                     numbers STACK mean one path through the program's own code
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <link.h>
#include <openssl/crypto.h>

#define LOGGED_MAX 200000
#define FRAMES_MAX 40

void *__libc_malloc(size_t len);
void *__libc_calloc(size_t n, size_t len);
void *__libc_realloc(void *old, size_t len);
void *__libc_memalign(size_t align, size_t len);

static atomic_ulong count;
static unsigned long fail_at;
static int all, logging, started;
static uintptr_t own_begin, own_end;
static uint64_t stacks[LOGGED_MAX];
static __thread int inside;

/* The first object is the program itself. */
static int
find_own(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	own_begin = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t end =
		    info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;

		if (info->dlpi_phdr[i].p_type == PT_LOAD && end > own_end)
			own_end = end;
	}
	return 1;
}

static uint64_t
own_stack(void)
{
	void *frame[FRAMES_MAX];
	int depth = backtrace(frame, FRAMES_MAX);
	uint64_t hash = 0xcbf29ce484222325u;

	for (int i = 0; i < depth; i++) {
		uintptr_t at = (uintptr_t)frame[i];

		if (at >= own_begin && at < own_end)
			hash = (hash ^ (at - own_begin)) * 0x100000001b3u;
	}
	return hash;
}

static int
fails(void)
{
	unsigned long n;

	if (!started || inside)
		return 0;
	n = atomic_fetch_add(&count, 1) + 1;
	if (logging && n <= LOGGED_MAX) {
		inside = 1;
		stacks[n - 1] = own_stack();
		inside = 0;
	}
	if (fail_at == 0 || (all ? n < fail_at : n != fail_at))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t len)
{
	return fails() ? NULL : __libc_malloc(len);
}

void *
calloc(size_t n, size_t len)
{
	return fails() ? NULL : __libc_calloc(n, len);
}

void *
realloc(void *old, size_t len)
{
	return fails() ? NULL : __libc_realloc(old, len);
}

void *
aligned_alloc(size_t align, size_t len)
{
	return fails() ? NULL : __libc_memalign(align, len);
}

int
posix_memalign(void **ret, size_t align, size_t len)
{
	void *data = fails() ? NULL : __libc_memalign(align, len);

	if (!data)
		return ENOMEM;
	*ret = data;
	return 0;
}

/* As in tests/faults/test_alloc.c: the start of libcrypto from 3.1 on is left out. */
static void
start_libcrypto(void)
{
	void *version = dlsym(RTLD_DEFAULT, "OpenSSL_version_num");
	void *init = dlsym(RTLD_DEFAULT, "OPENSSL_init_crypto");
	__typeof__(OpenSSL_version_num) *version_num;
	__typeof__(OPENSSL_init_crypto) *init_crypto;

	if (!version || !init)
		return;
	memcpy(&version_num, &version, sizeof(version_num));
	memcpy(&init_crypto, &init, sizeof(init_crypto));
	if (version_num() >= 0x30100000UL &&
	    init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_LOAD_CONFIG, NULL) != 1)
		abort();
}

static void __attribute__((constructor)) start(void)
{
	const char *rule = getenv("FAULT_MEMORY");
	void *frame[2];
	char none[] = "", *rest = none;

	(void)backtrace(frame, 2); /* the first one loads a library */
	(void)dl_iterate_phdr(find_own, NULL);
	start_libcrypto();
	logging = getenv("FAULT_LOG") != NULL;
	if (rule)
		fail_at = strtoul(rule, &rest, 10);
	all = *rest == '+';
	started = 1;
}

static void __attribute__((destructor)) report(void)
{
	const char *path = getenv("FAULT_LOG");
	unsigned long n = atomic_load(&count);
	FILE *f;

	started = 0;
	f = path ? fopen(path, "w") : NULL;
	if (!f)
		return;
	for (unsigned long i = 0; i < n && i < LOGGED_MAX; i++)
		(void)fprintf(f, "%lu %llx\n", i + 1, (unsigned long long)stacks[i]);
	(void)fclose(f);
}
