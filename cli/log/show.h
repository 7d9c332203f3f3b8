/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `doublekey log verify` found, on standard output: a line for each name, or JSON with
 * members of these names; doublekey(1), LOG.
 */
#ifndef DK_CLI_LOG_SHOW_H
#define DK_CLI_LOG_SHOW_H

#include "cli/files/json.h"
#include "log/checkpoint.h"
#include "log/quorum.h"

struct log_show {
	bool as_json;
	struct json json; /* the object, kept until all is verified */
	char *text;
	size_t len;
};

/* kind: what place is, "log" or "proof". False: told. */
bool log_show_begin(struct log_show *show, const char *kind, const char *place);
/* With JSON, nothing but gaps is printed before this. ok: all holds; else nothing is. False:
 * not ok, or told. */
bool log_show_end(struct log_show *show, bool ok);

void log_show_text(struct log_show *show, const char *name, const char *text);
void log_show_number(struct log_show *show, const char *name, uint64_t number);
void log_show_time(struct log_show *show, const char *name, uint64_t seconds);
void log_show_checkpoint(struct log_show *show, const char *text, const struct dk_checkpoint *cp,
    const struct dk_quorum *quorum, const struct dk_quorum_seen *seen);
/* At once: there may be many. */
void log_show_gap(struct log_show *show, uint64_t index, uint64_t before, uint64_t after);

#endif
