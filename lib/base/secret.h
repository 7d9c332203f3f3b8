/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets: fixed-size struct types that wipe themselves, and comparisons whose
 * time does not depend on the contents.
 *
 * A secret is declared with its dk_auto_ macro and is wiped on every way out of
 * the block. No secret is ever a char pointer.
 */
#ifndef DK_BASE_SECRET_H
#define DK_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DK_SHARE_BYTES 32

struct dk_secret32 { uint8_t bytes[32]; };
struct dk_secret48 { uint8_t bytes[48]; };
/* Shared secrets of ECDH and the like, at most 66 bytes (P-521). */
struct dk_secret66 { uint8_t bytes[66]; size_t len; };

void dk_wipe(void *data, size_t len);
/* Equal in constant time; len is public. */
bool dk_equal_ct(const uint8_t *a, const uint8_t *b, size_t len);

void dk_secret32_clear(struct dk_secret32 *s);
void dk_secret48_clear(struct dk_secret48 *s);
void dk_secret66_clear(struct dk_secret66 *s);

#define dk_auto_secret32 __attribute__((cleanup(dk_secret32_clear))) struct dk_secret32
#define dk_auto_secret48 __attribute__((cleanup(dk_secret48_clear))) struct dk_secret48
#define dk_auto_secret66 __attribute__((cleanup(dk_secret66_clear))) struct dk_secret66

/*
 * Marks for the constant-time test under valgrind (tests/ct): bytes after
 * dk_ct_secret() must not decide a branch or an address until dk_ct_public().
 * They are nothing in an ordinary build.
 */
#ifdef DK_CT_CHECK
#include <valgrind/memcheck.h>
#define dk_ct_secret(p, n) ((void)VALGRIND_MAKE_MEM_UNDEFINED((p), (n)))
#define dk_ct_public(p, n) ((void)VALGRIND_MAKE_MEM_DEFINED((p), (n)))
#else
#define dk_ct_secret(p, n) ((void)(p), (void)(n))
#define dk_ct_public(p, n) ((void)(p), (void)(n))
#endif

#endif
