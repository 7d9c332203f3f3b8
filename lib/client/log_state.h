/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checkpoints that a client keeps of a service, spec/log.md section 14: one that it
 * knows to be consistent, and those it has still to compare. One file, one lock.
 */
#ifndef DK_CLIENT_LOG_STATE_H
#define DK_CLIENT_LOG_STATE_H

#include "client/profile.h"
#include "log/gossip.h"

#define LOG_PENDING_MAX 64

struct log_point {
	struct dk_checkpoint cp;
	uint64_t time; /* when it came */
	size_t len;
	char text[DK_CHECKPOINT_MAX_BYTES];
};

struct log_state {
	const struct dk_profile *profile;
	int lock; /* held while this is not -1 */
	bool has_seen;
	struct log_point seen;
	unsigned count;
	struct log_point pending[LOG_PENDING_MAX];
};

/* Takes the lock and reads what is kept. DK_ERR_SERVICE_PROFILE: it is damaged. */
DK_MUST_USE dk_err log_state_open(const struct dk_profile *profile, struct log_state *ret_state);
/* Writes it, and gives the lock back in any case. */
DK_MUST_USE dk_err log_state_save(struct log_state *state);
void log_state_close(struct log_state *state);

/*
 * One more to compare, whose signatures were checked. DK_ERR_LOG_INCONSISTENT, with the other
 * one in ret_other: there is one of this size with another root. DK_ERR_SERVICE_BUSY: there are
 * too many.
 */
DK_MUST_USE dk_err log_state_add(struct log_state *state, const struct log_point *point,
    const struct log_point **ret_other);
/* Not pending any more, if it is. */
void log_state_remove(struct log_state *state, const struct log_point *point);

/* Two checkpoints that exclude each other, for whoever is to be shown. */
void log_state_evidence(
    const struct dk_profile *profile, const struct log_point *a, const struct log_point *b);

#endif
