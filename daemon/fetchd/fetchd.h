/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetchd: outbound HTTPS and LDAP. The parent says what and when; what came by HTTPS goes back
 * to it as bytes that are not understood here. spec/ipc.md section 6.
 */
#ifndef DK_FETCHD_H
#define DK_FETCHD_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "ipc/fetch.h"

/* fetch.c: transfers under way. done is called once for each that was begun. */
struct fetch_done {
	uint64_t id;
	enum ipc_fetch_result result;
	unsigned status; /* of HTTP, or of LDAP; 0: none came */
	const uint8_t *body;
	size_t len;
};
typedef void (*fetch_done_fn)(void *ctx, const struct fetch_done *done);

/* Before the sandbox: libcurl and libcrypto read what they need. False: they fail. */
bool fetch_start(fetch_done_fn done, void *ctx);
/* False: there are too many already. */
bool fetch_begin(uint64_t id, const struct ipc_fetch *what);
/* Wait until something comes, for fd (events of poll) and other_fd too, and deal with all of it
 * but that of these two. */
void fetch_wait(int fd, bool wants_write, int other_fd);
unsigned fetch_under_way(void);
void fetch_stop(void);
/* Nothing of the machine's settings counts: no CA but those given, no proxy; and what a transfer
 * may take in time. */
bool fetch_secure(CURL *curl, const char *url, const struct dk_part *ca_pem);
enum ipc_fetch_result fetch_result_of(CURLcode code);

/* directory.c: questions to directories, each in a thread of its own, since libldap waits. */
#define DIRECTORY_UNDER_WAY_MAX 16
bool directory_start(fetch_done_fn done, void *ctx);
/* data: DIRECTORY. False: not its layout. done is called from directory_finish(). */
bool directory_begin(uint64_t id, const uint8_t *data, size_t len);
/* Can be read when one of them has ended. */
int directory_fd(void);
void directory_finish(void);
unsigned directory_under_way(void);

/* resolver.c. Before the sandbox: what it loads on first use is there, and the files are noted. */
void resolver_start(void);
/* Whether one of them is another file now, which the sandbox does not let it read. */
bool resolver_changed(void);

#endif
