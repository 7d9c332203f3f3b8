/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What approvers are asked for (spec/profiles/ms-dke.md section 7.3): a list of denials, on which
 * nothing rests. In memory only; main thread only.
 */
#ifndef DK_KEYD_ASKED_H
#define DK_KEYD_ASKED_H

#include "ipc/approved.h"

#define ASKED_MAX 16384
#define ASKED_PERSON_MAX 64
#define ASKED_S 604800

struct asked_item {
	char person[DK_LOG_PERSON_MAX_BYTES + 1];
	char key[DK_STANDING_NAME_MAX_BYTES + 1]; /* DKE name */
	char rule[DK_STANDING_NAME_MAX_BYTES + 1];
	uint8_t document[32];
	uint64_t time;
};

struct asked_list {
	struct asked_item *item; /* the oldest first */
	unsigned count;
	/* what the log has from before this process is read when it is asked for first */
	enum asked_read { ASKED_NOT_READ, ASKED_READING, ASKED_READ } read;
	uint64_t next, end; /* entries that are read; end 0: not known yet */
	struct asked_wait *waits;
	unsigned wait_count;
};

/* In place of an older one that is the same, of those whose time is over, and of the oldest
 * where there are too many. */
void asked_put(struct asked_list *list, const struct asked_item *asked);
/* Of this person; before: those made then, 0: all. */
void asked_forget(struct asked_list *list, const char *person, uint64_t before);
void asked_clear(struct asked_list *list);

#endif
