/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doublekeyd-backup: everything of a service in one sealed file, and back.
 *
 * What stands in the archive, spec/custody.md section 4, in this order: an item
 * ABOUT, an item FILE for each file, an item ENTRY for each entry of the log, an
 * item END.
 */
#ifndef DK_BACKUP_H
#define DK_BACKUP_H

#include "backup/archive.h"
#include "log/checkpoint.h"

#define FILE_MAX_BYTES (64u << 20)
#define FILE_NAME_MAX_BYTES 80
#define RECORD_MAX_BYTES (256u << 10)

enum item { ITEM_ABOUT = 1, ITEM_FILE = 2, ITEM_ENTRY = 3, ITEM_END = 4 };

/* Both end the process with a message if they fail. */
void backup_save(const char *dir, const char *file, const struct passphrase *passphrase,
    uint32_t memory_kib);
void backup_restore(const char *dir, const char *file, const struct passphrase *passphrase);

/* A file of the service, or of one of its folders that a backup has, without a way out. */
bool backup_name_valid(const char *name);

#endif
