/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The incident file: what was stolen, and when. What its names mean in a log and a
 * catalogue is not known here.
 *
 * Spec: spec/exposure.md section 8
 */
#ifndef DK_CLI_INCIDENT_H
#define DK_CLI_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/files/conf.h"
#include "exposure/exposure.h"

#define INCIDENT_MAX_BYTES 262143
#define INCIDENT_ITEMS_MAX DK_EXPOSURE_THEFTS_MAX
#define INCIDENT_NOT_COPIED_MAX 64
#define INCIDENT_CODE "incident-file"

/* Rows of the table of section 8.2. */
enum incident_what {
	INCIDENT_KEY,
	INCIDENT_KEY_VERSION,
	INCIDENT_PROVIDER_KEYS,
	INCIDENT_DEVICE,
	INCIDENT_ADMIN,
	INCIDENT_TOKEN_KEY,
	INCIDENT_CA,
	INCIDENT_PROCESS,
	INCIDENT_PROXY,
	INCIDENT_TLS_KEY,
	INCIDENT_STORE,
	INCIDENT_PASSPHRASE,
	INCIDENT_HSM_PIN,
	INCIDENT_BACKUP,
	INCIDENT_DISK,
	INCIDENT_MEMORY,
	INCIDENT_HOST,
	INCIDENT_WHATS,
};

struct incident_item {
	enum incident_what what;
	char *name;     /* as written, without the mark of doubt; NULL: it has none */
	bool doubtful;  /* '?': it need not be known */
	bool has_id;    /* KEY, CA; DEVICE by its key id */
	bool has_index; /* DEVICE by #INDEX */
	uint8_t id[32];
	uint64_t number; /* ADMIN: user id; PROCESS: enum dk_exposure_process; KEY_VERSION: version;
	                    DEVICE: index */
	size_t split;    /* length of KEY or ISSUER in name */
	uint64_t since;  /* 0: unknown */
	uint64_t until;  /* DK_EXPOSURE_NEVER: it did not end */
	unsigned line;
};

/* An item of not-copied: nothing below path could be copied from since until until, both ends
 * included. */
struct incident_folder {
	char *path;
	uint64_t since; /* 0: always */
	uint64_t until; /* DK_EXPOSURE_NEVER: it did not end */
	unsigned line;
};

/* What the thief could not show, but for what something stolen makes; bits. */
enum incident_shown { INCIDENT_CERTIFICATES = 1, INCIDENT_TOKENS = 2, INCIDENT_APPROVALS = 4 };

struct incident {
	uint64_t from; /* 0: unknown */
	uint64_t to;
	uint64_t silence;
	bool as_written;
	unsigned not_shown; /* enum incident_shown */
	size_t item_count;
	struct incident_item *item;
	size_t own_count;
	uint8_t (*own)[32];
	size_t not_copied_count;
	struct incident_folder *not_copied; /* by since */
	struct conf *conf;
};

/* text is NUL-terminated, shown the name for messages. False: told already. */
bool incident_parse(const char *shown, const char *text, struct incident *ret);
/* The same with a file. ret_text, if not NULL, is its content, of ret_len bytes: free(). */
bool incident_load(const char *path, struct incident *ret, uint8_t **ret_text, size_t *ret_len);
void incident_clear(struct incident *incident);
/* Word of one bit of enum incident_shown, static; NULL: none. */
const char *incident_shown_word(unsigned bit);

/* ---- incident_folder.c ---- */

/* Whether it can be the path of an item of not-copied. */
bool incident_is_folder(const char *path);
/* One item; NULL or why it is none, static. folder needs incident_folder_clear() in both cases. */
const char *incident_folder_parse(const char *text, struct incident_folder *ret);
void incident_folder_clear(struct incident_folder *folder);
/* What it claims, without a capital letter or a full stop. */
#define INCIDENT_FOLDER_WORDS_BYTES 1152
const char *incident_folder_words(
    const struct incident_folder *folder, char out[INCIDENT_FOLDER_WORDS_BYTES]);
/* Whether an item says from when nothing could be copied: then it counts how old objects are. */
bool incident_rests_on_age(const struct incident *incident);
void incident_folders_sort(struct incident *incident);
/* Whether the thief could copy what was at path from first to last, both included, at some time
 * of these. */
bool incident_open(const struct incident *incident, const uint8_t *path, size_t len, uint64_t first,
    uint64_t last);

/* ---- incident_item.c ---- */

/* One item; NULL or why it is none, static. item needs incident_item_clear() in both cases. */
const char *incident_item_parse(const char *text, struct incident_item *ret);
void incident_item_clear(struct incident_item *item);
const char *incident_what_word(enum incident_what what);
bool incident_what_has_name(enum incident_what what);
bool incident_what_ends(enum incident_what what);

/* Section 8.1; last: the last second of what is written. */
bool incident_time_parse(const char *text, bool last, uint64_t *ret);
#define INCIDENT_TIME_BYTES 24
void incident_time_text(uint64_t seconds, char ret[INCIDENT_TIME_BYTES]);

#endif
