/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a log is and whose signatures count: options that the commands of
 * `doublekey log` share. With messages.
 */
#ifndef DK_CLI_LOG_TRUST_H
#define DK_CLI_LOG_TRUST_H

#include <stdbool.h>

#include "log/checkpoint.h"
#include "log/quorum.h"
#include "log/tile.h"
#include "cli/console/options.h"

/* Rows of an option table; no letters. */
/* clang-format off */
enum { LOG_KEY = OPTION_OWN + 100, LOG_POLICY, LOG_CA };
#define LOG_TRUST_OPTIONS \
	{ "key", required_argument, NULL, LOG_KEY }, \
	{ "policy", required_argument, NULL, LOG_POLICY }, \
	{ "ca", required_argument, NULL, LOG_CA }
#define LOG_TRUST_HELP \
	"      --key VKEY       public key of the log (NAME+ID+BASE64); each one that is given\n" \
	"                       must have signed\n" \
	"      --policy FILE    policy (C2SP tlog-policy): logs, witnesses, quorum\n" \
	"      --ca FILE        CA certificates for URL, in PEM\n" \
	"                       (default: what was pinned at 'doublekey enrol', where this\n" \
	"                       machine is enrolled, for keys and CA)\n"
/* clang-format on */

struct log_trust {
	const char *policy_file, *ca_file;
	struct option_list keys;
	bool loaded;
	bool all_keys; /* of quorum.log, not one of them */
	struct dk_quorum quorum;
};
void log_trust_clear(struct log_trust *trust);

/* The exit status, or -1 if it is another option. */
int log_trust_take(struct log_trust *trust, int code);

/*
 * A checkpoint, with what the options say; without any, with the keys that are pinned for
 * its origin. name is that of its file, for messages. False: told already.
 */
bool log_trust_check(struct log_trust *trust, const char *name, const char *text, size_t len,
    struct dk_checkpoint *ret_checkpoint, struct dk_quorum_seen *ret_seen);

/* Whether the keys of the log signed another note with this origin; behind a check that held.
 * Nothing is told. */
bool log_trust_signed(
    const struct log_trust *trust, const struct dk_note *note, const char *origin);

/* Opens a folder, or a URL. False: told already. */
bool log_place_open(
    const struct log_trust *trust, const char *place, struct dk_log_source *ret_source);
bool log_place_is_url(const char *place);

/* The checkpoint that a source has now; text has room for DK_NOTE_MAX_BYTES. False: told. */
bool log_checkpoint_read(
    const struct dk_log_source *source, const char *place, char *text, size_t *ret_len);

/* Tell an error at a place within a log. */
void log_fail(const char *place, dk_err err, const char *where);

#endif
