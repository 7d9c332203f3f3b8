/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trust policies of a log: which log keys, which witnesses, and how many of them.
 *
 * Spec: spec/log.md section 9; C2SP tlog-policy
 */
#ifndef DK_LOG_QUORUM_H
#define DK_LOG_QUORUM_H

#include "log/note.h"

#define DK_QUORUM_LOGS_MAX 32
#define DK_QUORUM_WITNESSES_MAX 32
#define DK_QUORUM_GROUPS_MAX 32
#define DK_QUORUM_NODES_MAX (DK_QUORUM_WITNESSES_MAX + DK_QUORUM_GROUPS_MAX)
#define DK_QUORUM_FILE_MAX_BYTES 65536
#define DK_QUORUM_NAME_MAX_BYTES 64
#define DK_QUORUM_URL_MAX_BYTES 255
#define DK_QUORUM_NONE UINT8_MAX

struct dk_quorum_log {
	struct dk_note_key key;
	char url[DK_QUORUM_URL_MAX_BYTES + 1]; /* empty: none */
};

/* A witness, or a group of nodes that stand before it. */
struct dk_quorum_node {
	char name[DK_QUORUM_NAME_MAX_BYTES + 1];
	uint8_t needed; /* members of a group; 0: a witness */
	uint8_t witness;
	uint64_t members; /* bits: numbers of nodes */
};

struct dk_quorum_witness {
	struct dk_note_key key; /* DK_NOTE_COSIGNATURE */
	char url[DK_QUORUM_URL_MAX_BYTES + 1];
};

struct dk_quorum {
	unsigned log_count;
	struct dk_quorum_log log[DK_QUORUM_LOGS_MAX];
	unsigned witness_count;
	struct dk_quorum_witness witness[DK_QUORUM_WITNESSES_MAX];
	unsigned node_count;
	struct dk_quorum_node node[DK_QUORUM_NODES_MAX];
	uint8_t quorum; /* number of a node, or DK_QUORUM_NONE: no cosignature is needed */
};

/*
 * Out:     ret_quorum  on error what was read so far, not to be used
 *          ret_line  on DK_ERR_LOG_POLICY the number of the line, from 1; of the last one
 *                    if the quorum is missing
 * Errors:  DK_ERR_LOG_POLICY  not a policy: the line is of no known form; a name is used
 *                    twice, or before it is defined; a key stands twice, or is of a type that a
 *                    log or witness of ours cannot have; two or no quorum lines
 *          DK_ERR_LOG_VKEY    the key of the line is none
 * Limits:  the DK_QUORUM_*_MAX (also DK_ERR_LOG_POLICY)
 */
DK_MUST_USE dk_err dk_quorum_parse(
    const char *text, size_t len, struct dk_quorum *ret_quorum, unsigned *ret_line);

/* What a quorum makes of one note. */
struct dk_quorum_seen {
	uint32_t witnesses; /* bits: those whose cosignature holds */
	uint64_t time[DK_QUORUM_WITNESSES_MAX];
	bool reached;
};

/* Whether witnesses, given as bits, are the quorum. */
bool dk_quorum_reached(const struct dk_quorum *quorum, uint32_t witnesses);

/*
 * The times that the quorum vouches for: *ret_low, the latest such that a quorum signed then or
 * later; *ret_high, the earliest such that one signed then or before. False: no cosignature is
 * needed, or the quorum is not reached.
 */
bool dk_quorum_times(const struct dk_quorum *quorum, const struct dk_quorum_seen *seen,
    uint64_t *ret_low, uint64_t *ret_high);

/*
 * Look at the cosignatures of a checkpoint.
 *
 * Errors:  DK_ERR_LOG_SIGNATURE  one of a known witness does not hold
 */
DK_MUST_USE dk_err dk_quorum_check(const struct dk_quorum *quorum, const struct dk_note *note,
    struct dk_quorum_seen *ret_seen);

#endif
