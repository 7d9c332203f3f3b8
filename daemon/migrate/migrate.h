/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doublekeyd-migrate: moves the log of a service that does not run, spec/cluster.md
 * section 6. At no time can two copies of it be gone on with:
 *
 *   source: moved away -> copy -> compare roots -> destination: in force
 *
 * What fails before the last step puts the source back in force; what is cut off is done
 * anew by the same command.
 */
#ifndef DK_MIGRATE_H
#define DK_MIGRATE_H

#include "log/checkpoint.h"
#include "store/store.h"

/* copy.c: all of it, and the roots compared. NULL, or what went wrong. */
const char *copy_log(
    struct store *from, struct store *to, const struct dk_log_keys *keys, uint64_t *ret_size);

/* slots.c: the sealed state of the database to both slots, if it is newer than they are; from
 * the folder of the log. False: told by errno. */
bool slots_update(struct store *from);

#endif
