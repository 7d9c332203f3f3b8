/* SPDX-License-Identifier: Apache-2.0 */
/* doublekeyd-migrate to|from DIR URI. Works in the folder of the log, as logd does, so that
 * relative paths in the URI mean the same. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/child.h"
#include "logd/logd.h"
#include "migrate/migrate.h"
#include "store/folder.h"
#include "store/postgres.h"

#define NEW_FILE LOGD_DB_FILE ".new"

struct migration {
	struct dk_log_signer signer;
	struct store_log log;
	struct store *from, *to;
	char fault[STORE_FAULT_BYTES];
};

static _Noreturn void
stop(const struct migration *m, const char *text)
{
	say_fatal("%s%s%s", text, m->fault[0] ? ": " : "", m->fault);
}

/* The service does not run, and does not begin to. */
static void
enter(const char *dir)
{
	int fd;

	if (chdir(dir) != 0)
		say_fatal("%s: %s", dir, strerror(errno));
	fd = open("run/lock", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		say_fatal("%s has no service", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		say_fatal("in-use: doublekeyd runs on %s; stop it first", dir);
	if (chdir("log") != 0)
		say_fatal("%s/log: %s", dir, strerror(errno));
}

static void
read_key(struct migration *m)
{
	int fd = open(LOGD_KEY_FILE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || !log_key_read(fd, &m->signer) || !log_key_id(&m->signer, m->log.id) ||
	    !log_key_head(&m->signer, &m->log.key))
		say_fatal("the log keys cannot be read");
	(void)close(fd);
}

static struct store *
database(struct migration *m, const char *text, enum store_purpose purpose)
{
	struct store_uri *uri;
	struct store *store;

	if (!store_uri_parse(text, &uri, m->fault))
		say_fatal("%s", m->fault);
	if (!store_open_database(uri, &m->log, purpose, &store, m->fault))
		stop(m, "the database");
	return store;
}

static struct store *
file(struct migration *m, const char *name)
{
	struct store *store;

	if (!store_open_file(name, STORE_TO_MIGRATE, &store, m->fault))
		say_fatal("log/%s cannot be opened", name);
	return store;
}

static void
give_to_logd(const char *name)
{
	struct stat st;

	if (stat(".", &st) != 0 || chown(name, st.st_uid, st.st_gid) != 0)
		say_fatal("log/%s: %s", name, strerror(errno));
}

/* From here on nobody goes on with the source. */
static void
copy(struct migration *m)
{
	const char *wrong;
	uint64_t size;

	if (!store_set_state(m->from, STORE_MOVED))
		stop(m, "the source cannot be marked; nothing was moved");
	wrong = copy_log(m->from, m->to, &m->signer.keys, &size);
	if (!wrong) {
		(void)printf("copied\t%llu log entries\n", (unsigned long long)size);
		return;
	}
	memcpy(m->fault, m->to->fault, sizeof(m->fault));
	if (!store_set_state(m->from, STORE_IN_FORCE))
		stop(m, "the copy failed, and the source stays marked as moved: try again");
	stop(m, wrong);
}

static void
to_database(struct migration *m, const char *uri)
{
	enum store_state there = STORE_FILLING, here;

	/* Of a service that never ran there is none. */
	if (access(LOGD_DB_FILE, F_OK) != 0 && access("checkpoint", F_OK) == 0)
		say_fatal("there is no log/" LOGD_DB_FILE);
	m->from = file(m, LOGD_DB_FILE);
	give_to_logd(LOGD_DB_FILE);
	if (!store_get_state(m->from, &here))
		say_fatal("log/" LOGD_DB_FILE " cannot be read");
	if (here == STORE_MOVED) {
		/* It may have been done but for the last word. */
		m->to = database(m, uri, STORE_TO_MIGRATE);
		if (!store_get_state(m->to, &there))
			stop(m, "the database cannot be read");
		if (there == STORE_IN_FORCE)
			return;
		store_close(m->to);
	}
	m->to = database(m, uri, STORE_TO_FILL);
	copy(m);
	if (!store_set_state(m->to, STORE_IN_FORCE))
		stop(m, "the database does not answer; run the same command again");
}

static void
remove_files(const char *name)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[64];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (snprintf(path, sizeof(path), "%s%s", name, ends[i]) < 0 ||
		    (unlink(path) != 0 && errno != ENOENT))
			say_fatal("log/%s: %s", path, strerror(errno));
}

/* What an older log of a file left beside it must not be taken for part of the new one. */
static void
put_in_place(struct migration *m)
{
	store_close(m->to);
	m->to = NULL;
	give_to_logd(NEW_FILE);
	if (access(LOGD_DB_FILE, F_OK) == 0)
		store_close(file(m, LOGD_DB_FILE));
	remove_files(LOGD_DB_FILE);
	if (rename(NEW_FILE, LOGD_DB_FILE) != 0 || !folder_sync("."))
		say_fatal("log/" LOGD_DB_FILE ": %s", strerror(errno));
}

static void
from_database(struct migration *m, const char *uri)
{
	enum store_state here;

	m->from = database(m, uri, STORE_TO_MIGRATE);
	if (access(LOGD_DB_FILE, F_OK) == 0) {
		m->to = file(m, LOGD_DB_FILE);
		if (!store_get_state(m->to, &here) || here == STORE_IN_FORCE)
			say_fatal("store-exists: a log is in force in log/" LOGD_DB_FILE);
		store_close(m->to);
	}
	remove_files(NEW_FILE);
	m->to = file(m, NEW_FILE);
	copy(m);
	if (!slots_update(m->from)) {
		memcpy(m->fault, m->from->fault, sizeof(m->fault));
		stop(m, "the sealed store cannot be written; run the same command again");
	}
	put_in_place(m);
}

int
main(int argc, char **argv)
{
	static struct migration m;

	say_as("doublekeyd");
	(void)umask(077);
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (argc != 4)
		say_fatal("wrong arguments");
	enter(argv[2]);
	read_key(&m);
	if (strcmp(argv[1], "to") == 0)
		to_database(&m, argv[3]);
	else
		from_database(&m, argv[3]);
	(void)printf("in force\t%s\n", strcmp(argv[1], "to") == 0 ? "the database" : "the file");
	store_close(m.from);
	store_close(m.to);
	dk_log_signer_clear(&m.signer);
	dk_wipe(&m.log, sizeof(m.log));
	return fflush(stdout) != 0;
}
