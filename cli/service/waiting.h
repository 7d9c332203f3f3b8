/* SPDX-License-Identifier: Apache-2.0 */
/* 'doublekey approve --at': what waits at a key service, spec/key-service.md section 6.2. */
#ifndef DK_CLI_WAITING_H
#define DK_CLI_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct waiting_approve {
	const char *url;    /* NULL: nothing of this */
	const char *reason; /* or NULL */
	bool whole_key;
	bool yes;
};

/* id: NULL: shows what waits. Says what is wrong. */
bool approve_waiting(const struct waiting_approve *options, const char *id);

/* A line on standard output. Texts come from others. */
void approve_put(const char *name, const void *text, size_t len);
void approve_put_time(const char *name, uint64_t seconds);
/* cmd_approve.c: asks on the terminal. */
bool approve_agreed(void);

#endif
