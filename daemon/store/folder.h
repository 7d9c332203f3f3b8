/* SPDX-License-Identifier: Apache-2.0 */
/* What a sync of a file does not keep: its name. */
#ifndef DK_FOLDER_H
#define DK_FOLDER_H

#include <stdbool.h>

/*
 * Makes durable which files are in a folder, and under which names.
 * False if it could not be opened or synced.
 */
bool folder_sync(const char *path);

/* The same for the folder that a file is in. */
bool folder_sync_above(const char *file);

/*
 * The same for the working directory, the folders of a service in it, and the one
 * it lies in, which it may not be allowed to open: then that one is left.
 */
bool folder_sync_service(void);

#define FOLDER_OF_SERVICE_COUNT 6
extern const char *const folder_of_service[FOLDER_OF_SERVICE_COUNT];

#endif
