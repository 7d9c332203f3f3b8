/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of a log in a folder, spec/log.md section 12: files that are there are taken from
 * there, others are fetched, and written once they are checked.
 */
#ifndef DK_CLI_LOG_COPY_H
#define DK_CLI_LOG_COPY_H

#include <stdbool.h>

#include "log/checkpoint.h"
#include "log/tile.h"

struct log_copy {
	const char *path;
	int dir;
	bool distrust; /* do not take what is there */
	bool taken;    /* something was */
	struct dk_log_source local;
	struct dk_log_source *remote;
	struct dk_log_source source; /* of both */
};

/* Makes the folder if it is not there. False: told already. The copy must not move. */
bool log_copy_open(const char *path, struct dk_log_source *remote, struct log_copy *ret_copy);
void log_copy_close(struct log_copy *copy);

/* Write what was fetched and is checked now. DK_ERR_WRITE. */
dk_err log_copy_files(struct log_copy *copy, const struct dk_log_file *files, size_t n);

/* Keep a checkpoint as checkpoints/SIZE, or beside another one of this size. False: told. */
bool log_copy_keep(
    struct log_copy *copy, const struct dk_checkpoint *cp, const char *text, size_t len);
/* The same, and it is the one of the copy, all of whose files are synced first. */
bool log_copy_finish(
    struct log_copy *copy, const struct dk_checkpoint *cp, const char *text, size_t len);

#endif
