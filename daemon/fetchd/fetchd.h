/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetchd: outbound HTTPS. The parent says what and when; what came goes back to it
 * as bytes that are not understood here. spec/ipc.md section 6.
 */
#ifndef DK_FETCHD_H
#define DK_FETCHD_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/fetch.h"

/* fetch.c: transfers under way. done is called once for each that was begun. */
struct fetch_done {
	uint64_t id;
	enum ipc_fetch_result result;
	unsigned status; /* of HTTP; 0: none came */
	const uint8_t *body;
	size_t len;
};
typedef void (*fetch_done_fn)(void *ctx, const struct fetch_done *done);

/* Before the sandbox: libcurl and libcrypto read what they need. False: they fail. */
bool fetch_start(fetch_done_fn done, void *ctx);
/* False: there are too many already. */
bool fetch_begin(uint64_t id, const struct ipc_fetch *what);
/* Wait until something comes, for fd too (events of poll), and deal with all of it but
 * that of fd. */
void fetch_wait(int fd, bool wants_write);
unsigned fetch_under_way(void);
void fetch_stop(void);

/* resolver.c. Before the sandbox: what it loads on first use is there, and the files are noted. */
void resolver_start(void);
/* Whether one of them is another file now, which the sandbox does not let it read. */
bool resolver_changed(void);

#endif
