/* SPDX-License-Identifier: Apache-2.0 */
/* The store as a database of PostgreSQL, spec/cluster.md sections 2 to 4. */
#ifndef DK_STORE_POSTGRES_H
#define DK_STORE_POSTGRES_H

#include "base/secret.h"
#include "store/store.h"

#define STORE_URI_MAX_BYTES 2048
#define STORE_FILES_MAX 4

#define STORE_LOG_ID_BYTES 32

/* What the log is: a database of another one is not used. And what shows that its head was
 * written by a node, spec/cluster.md section 2.1. */
struct store_log {
	uint8_t id[STORE_LOG_ID_BYTES]; /* SHA-256 over origin and keys */
	struct dk_secret48 key;
};

struct store_uri;

/* fault has room for STORE_FAULT_BYTES and says why it was refused, without the URI. */
bool store_uri_parse(const char *uri, struct store_uri **ret, char *fault);
void store_uri_free(struct store_uri *uri);
/* Files that each connection reads; borrowed. How many. */
unsigned store_uri_files(const struct store_uri *uri, const char *ret_file[STORE_FILES_MAX]);

/*
 * Connects; the URI is owned by the store then, also if that fails. On failure fault says
 * why. A connection that is lost is made anew at the next batch.
 *
 * STORE_TO_FILL: what is there of a migration that was not finished, or of a log of this id
 * that was moved away, is removed and made anew, empty. It is false, too, if there is a log
 * in force, or one of another id.
 */
bool store_open_database(struct store_uri *uri, const struct store_log *log,
    enum store_purpose purpose, struct store **ret, char *fault);

#endif
