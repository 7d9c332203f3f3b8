/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoints that a copy of a log has kept, spec/log.md section 12. With messages. */
#ifndef DK_CLI_LOG_POINTS_H
#define DK_CLI_LOG_POINTS_H

#include "log_trust.h"

struct log_points {
	struct dk_checkpoint *point; /* ascending sizes */
	size_t count;
};
void log_points_clear(struct log_points *points);

/*
 * All in DIR/checkpoints, each checked with trust, and last of all the one that the
 * caller has checked. False: told already; also if a kept one is of a larger tree.
 */
bool log_points_load(struct log_trust *trust, const char *dir,
    const struct dk_checkpoint *last, struct log_points *ret_points);

#endif
