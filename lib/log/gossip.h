/* SPDX-License-Identifier: Apache-2.0 */
/* Gossip files, spec/log.md section 14.1, and what a client keeps in the same form. */
#ifndef DK_LOG_GOSSIP_H
#define DK_LOG_GOSSIP_H

#include "base/bytes.h"
#include "log/checkpoint.h"

#define DK_GOSSIP_NOTES_MAX 256
#define DK_GOSSIP_FILE_MAX_BYTES \
	(32u + DK_GOSSIP_NOTES_MAX * (48u + (unsigned)DK_CHECKPOINT_MAX_BYTES))

struct dk_gossip_note {
	const char *text; /* borrowed; not parsed */
	size_t len;
	uint64_t time; /* 0: none, as in each file that users exchange */
};

/* notes has room for cap. DK_ERR_LOG_FILE: another layout, more than cap notes. */
DK_MUST_USE dk_err dk_gossip_parse(const char *text, size_t len, struct dk_gossip_note *notes,
    size_t cap, size_t *ret_n);

/* The first line, and then a note after the other; wr->failed: no room. */
void dk_gossip_begin(struct dk_writer_buf *wr);
void dk_gossip_add(struct dk_writer_buf *wr, const struct dk_gossip_note *note);

#endif
