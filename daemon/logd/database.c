/* SPDX-License-Identifier: Apache-2.0 */
/* logd of a cluster: its store is a database. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logd/logd.h"
#include "store/postgres.h"

/* With a log of a service without a cluster as well, one of the two is wrong. */
static void
check_file(void)
{
	char fault[STORE_FAULT_BYTES];
	struct store *store;

	if (access(LOGD_DB_FILE, F_OK) != 0)
		return;
	if (!store_open_file(LOGD_DB_FILE, STORE_TO_RUN, &store, fault)) {
		if (!fault[0])
			say_fatal("log/" LOGD_DB_FILE " is there and cannot be opened");
		return;
	}
	store_close(store);
	say_fatal("store-both: a log is in log/" LOGD_DB_FILE " too; see doublekeyd store migrate");
}

/* The head says the same as the nodes, before the tree goes on from it. */
static void
check_frontier(struct logd *logd)
{
	const uint64_t size = logd->head.size;
	uint8_t hash[DK_HASH_BYTES];
	unsigned n = 0;

	for (unsigned level = TREE_LEVELS; level-- > 0;) {
		if (!(size >> level & 1))
			continue;
		if (!store_get_nodes(logd->store, level, (size >> level) - 1, 1, hash))
			say_fatal("%s",
			    logd->store->fault[0] ? logd->store->fault
						  : "log-damaged: a node is missing");
		if (memcmp(hash, logd->head.frontier[n++], sizeof(hash)) != 0)
			say_fatal("log-damaged: the head of the log is not that of its tree");
	}
}

static void
open_database(struct logd *logd, const char *text)
{
	static const char *files[STORE_FILES_MAX + 1];
	struct store_log log;
	char fault[STORE_FAULT_BYTES];
	struct store_uri *uri;

	if (!store_uri_parse(text, &uri, fault))
		say_fatal("%s", fault);
	check_file();
	(void)store_uri_files(uri, files);
	logd->store_files = files;
	if (!log_key_id(&logd->signer, log.id) || !log_key_head(&logd->signer, &log.key))
		say_fatal("libcrypto does not do what it must");
	if (!store_open_database(uri, &log, STORE_TO_RUN, &logd->store, fault))
		say_fatal("%s", fault[0] ? fault : "the database cannot be reached");
	dk_wipe(&log, sizeof(log));
}

void
logd_open_database(struct logd *logd)
{
	char text[STORE_URI_MAX_BYTES + 1];
	struct stat st;
	ssize_t n;

	if (fstat(LOGD_FD_STORE, &st) != 0)
		return;
	n = read(LOGD_FD_STORE, text, sizeof(text));
	(void)close(LOGD_FD_STORE);
	if (n <= 0 || (size_t)n == sizeof(text))
		say_fatal("store: the URI cannot be read, or is too long");
	text[n] = '\0';
	open_database(logd, text);
	logd->tree.store = logd->store;
	if (!shared_look(logd))
		say_fatal("%s", logd->store->fault);
	check_frontier(logd);
	logd->told_generation = logd->head.generation;
}
