/* SPDX-License-Identifier: Apache-2.0 */
/* System call filter and file system limits of one process. */
#ifndef DK_SANDBOX_H
#define DK_SANDBOX_H

#include <stdbool.h>

#include "ipc/message.h"

/*
 * Enter the sandbox of this process. dir is the only folder it may still open
 * files in, or NULL. Returns the enum ipc_protection bits now in force: a
 * kernel may lack one, which the caller reports and goes on.
 */
unsigned sandbox_enter(enum ipc_process self, const char *dir);

/* The same in two steps, for a process that starts threads in between: they get the
 * first from their maker, and the second takes hold of all threads. */
unsigned sandbox_files(const char *dir);
unsigned sandbox_calls(enum ipc_process self);

/* What the resolver of libc reads, up to a NULL. */
#define SANDBOX_RESOLVER_FILES 6
extern const char *const sandbox_resolver_files[SANDBOX_RESOLVER_FILES + 1];

/* fetchd: the files that it may still read, up to a NULL; those that are not there are
 * passed over. Network sockets only, and threads. */
unsigned sandbox_enter_fetch(const char *const *files);

/* logd with a database: its folder, and files that it may read besides, up to a NULL; it
 * may connect. */
unsigned sandbox_enter_store(const char *dir, const char *const *files);

/* tokend, after sandbox_files() and its threads; sockets: whether the module may connect. */
unsigned sandbox_calls_token(bool sockets);

/* doublekey-witness, which is no process of the service and listens already: dir, and the
 * connections that it accepts. */
unsigned sandbox_enter_witness(const char *dir);

#endif
