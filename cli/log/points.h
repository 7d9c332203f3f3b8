/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoints that a copy of a log has kept, spec/log.md section 12. With messages. */
#ifndef DK_CLI_LOG_POINTS_H
#define DK_CLI_LOG_POINTS_H

#include "cli/log/trust.h"

/* What the quorum of the policy vouches for: dk_quorum_times(). */
struct log_time {
	uint64_t size, low, high;
};

struct log_points {
	struct dk_checkpoint *point; /* ascending sizes */
	size_t count;
	struct log_time *time; /* ascending sizes; none without a quorum */
	size_t time_count;
};
void log_points_clear(struct log_points *points);

/*
 * All in DIR/checkpoints, each checked with trust, and last of all the one that the
 * caller has checked, with what was seen of it. dir is NULL: that one alone. False: told already;
 * also if a kept one is of a larger tree.
 */
bool log_points_load(struct log_trust *trust, const char *dir, const struct dk_checkpoint *last,
    const struct dk_quorum_seen *seen, struct log_points *ret_points);

#endif
