/* SPDX-License-Identifier: Apache-2.0 */
/* A service from a backup, in a directory that is empty. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/bytes.h"
#include "ipc/child.h"
#include "logd/logd.h"
#include "store/folder.h"
#include "store/store.h"

#define BATCH 4096
#define SLOT_PREFIX "keys/sealed."

struct restore {
	struct archive archive;
	uint64_t made; /* the backup, seconds since 1970 */
	struct store *store;
	struct tree tree;
	struct dk_log_signer signer;
	struct slot_file {
		uint8_t *data;
		size_t len;
	} slot[SEALED_SLOTS];
};

static void
take(struct restore *r, void *out, size_t len)
{
	enum archive_err err = archive_read(&r->archive, out, len);

	if (err != ARCHIVE_OK)
		say_fatal("%s; the directory is not a service", archive_text(err));
}

static uint64_t
take_number(struct restore *r, unsigned bytes)
{
	uint8_t b[8];
	uint64_t v = 0;

	take(r, b, bytes);
	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | b[i];
	return v;
}

static _Noreturn void
damaged(void)
{
	say_fatal("%s; the directory is not a service", archive_text(ARCHIVE_DAMAGED));
}

/* ---- files ---- */

static void
write_file(const char *name, const uint8_t *data, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || (len > 0 && write(fd, data, len) != (ssize_t)len) || fsync(fd) != 0 ||
	    close(fd) != 0)
		say_fatal("%s cannot be written: %s", name, strerror(errno));
}

static void
take_file(struct restore *r)
{
	char name[FILE_NAME_MAX_BYTES + 1] = "";
	size_t name_len = take_number(r, 1), len, slots = strlen(SLOT_PREFIX);
	uint8_t *data;

	if (name_len > FILE_NAME_MAX_BYTES)
		damaged();
	take(r, name, name_len);
	len = take_number(r, 4);
	if (!backup_name_valid(name) || len > FILE_MAX_BYTES)
		damaged();
	data = malloc(len + 1);
	if (!data)
		say_fatal("no memory");
	take(r, data, len);
	if (strncmp(name, SLOT_PREFIX, slots) == 0 && (name[slots] == '0' || name[slots] == '1') &&
	    name[slots + 1] == '\0' && !r->slot[name[slots] - '0'].data) {
		r->slot[name[slots] - '0'] = (struct slot_file){ data, len };
		return;
	}
	write_file(name, data, len);
	dk_wipe(data, len);
	free(data);
}

/* ---- log ---- */

static _Noreturn void
store_failed(void)
{
	say_fatal("the log cannot be written");
}

static bool
begin(struct restore *r)
{
	struct store_ask nothing = { .use_count = 0 };
	struct store_head head;

	return store_begin(r->store, &nothing, &head);
}

static void
open_log(struct restore *r)
{
	int fd = open("log/" LOGD_KEY_FILE, O_RDONLY | O_CLOEXEC);
	char fault[STORE_FAULT_BYTES];

	if (fd < 0 || !log_key_read(fd, &r->signer) || close(fd) != 0)
		damaged();
	if (!store_open_file("log/" LOGD_DB_FILE, STORE_TO_RUN, &r->store, fault) ||
	    !tree_load(&r->tree, r->store) || !begin(r))
		store_failed();
}

static void
append(struct restore *r, const uint8_t leaf[DK_LEAF_BYTES], const uint8_t *record, size_t len)
{
	uint64_t index = r->tree.size;

	if (!store_put_entry(r->store, index, leaf, record, len,
		dk_log_class_is_act((unsigned)leaf[4] << 8 | leaf[5])) ||
	    !tree_append(&r->tree, leaf))
		store_failed();
	if (r->tree.size % BATCH == 0 && (!store_commit(r->store, NULL) || !begin(r)))
		store_failed();
}

static void
take_entry(struct restore *r)
{
	static uint8_t record[RECORD_MAX_BYTES];
	uint8_t leaf[DK_LEAF_BYTES];
	size_t len;

	if (!r->store)
		open_log(r);
	if (take_number(r, 8) != r->tree.size)
		damaged();
	take(r, leaf, sizeof(leaf));
	len = take_number(r, 4);
	if (len > sizeof(record))
		damaged();
	take(r, record, len);
	append(r, leaf, record, len);
}

/* The tree as it was when the checkpoint was signed: what came later is left
 * out of account by a smaller size; all complete nodes are in the store. */
static void
check_checkpoint(struct restore *r, const char *text, size_t len)
{
	struct dk_checkpoint cp;
	uint8_t root[32];

	if (len == 0)
		return;
	if (dk_checkpoint_verify(&r->signer.keys, text, len, &cp) != DK_OK ||
	    cp.size > r->tree.size)
		damaged();
	if (!tree_root(&r->tree, cp.size, root) || memcmp(root, cp.root, sizeof(root)) != 0)
		damaged();
}

static void
append_restored(struct restore *r)
{
	struct dk_log_event event = {
		.class_ = DK_LOG_RESTORED, .time = ipc_now(), .decision = DK_LOG_DONE
	};
	uint8_t record[1024], leaf[DK_LEAF_BYTES];
	struct dk_checkpoint cp;
	char text[DK_CHECKPOINT_MAX_BYTES];
	size_t len;

	if (snprintf(event.note, sizeof(event.note), "%llu", (unsigned long long)r->made) < 0 ||
	    dk_record_encode(&event, record, sizeof(record), &len, leaf) != DK_OK)
		store_failed();
	append(r, leaf, record, len);
	cp.size = r->tree.size;
	if (!tree_root(&r->tree, cp.size, cp.root) ||
	    dk_checkpoint_sign(&r->signer, &cp, text, &len) != DK_OK ||
	    !store_put_checkpoint(r->store, cp.size, text, len) ||
	    !store_put_restored(r->store, event.time) || !store_commit(r->store, NULL))
		store_failed();
	store_close(r->store);
	r->store = NULL;
}

static void
sync_folders(void)
{
	if (!folder_sync_service())
		say_fatal("the directory cannot be synced: %s", strerror(errno));
}

static void
take_end(struct restore *r)
{
	char text[DK_CHECKPOINT_MAX_BYTES];
	uint64_t size = take_number(r, 8);
	size_t len = take_number(r, 4);

	if (!r->store) /* of a service that never ran */
		open_log(r);
	if (size != r->tree.size || len > sizeof(text))
		damaged();
	take(r, text, len);
	if (!archive_at_end(&r->archive) || !r->slot[0].data || !r->slot[1].data)
		damaged();
	check_checkpoint(r, text, len);
	append_restored(r);
	/* Without the slots it is no service: all else must be there before them. */
	sync_folders();
	for (unsigned i = 0; i < SEALED_SLOTS; i++) {
		write_file(
		    i == 0 ? SLOT_PREFIX "0" : SLOT_PREFIX "1", r->slot[i].data, r->slot[i].len);
		free(r->slot[i].data);
	}
	sync_folders();
}

/* ---- the directory ---- */

static bool
is_empty(const char *name)
{
	DIR *dir = opendir(name);
	struct dirent *entry;
	bool empty = dir != NULL;

	while (empty && (entry = readdir(dir)))
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (dir)
		(void)closedir(dir);
	return empty;
}

static void
enter_dir(const char *dir)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		say_fatal("%s cannot be made: %s", dir, strerror(errno));
	if (!is_empty(dir))
		say_fatal("backup-target: %s is not empty", dir);
	if (chdir(dir) != 0)
		say_fatal("%s cannot be entered: %s", dir, strerror(errno));
	for (size_t i = 0; i < FOLDER_OF_SERVICE_COUNT; i++)
		if (mkdir(folder_of_service[i], 0700) != 0)
			say_fatal(
			    "%s/%s cannot be made: %s", dir, folder_of_service[i], strerror(errno));
	write_file("run/lock", NULL, 0);
}

static void
take_all(struct restore *r)
{
	unsigned last = 0;

	while (last != ITEM_END) {
		unsigned item = (unsigned)take_number(r, 1);

		/* Each kind behind the one before: files never overwrite the log. */
		if (item < last || (last == 0 && item != ITEM_ABOUT) ||
		    (item == ITEM_ABOUT && last != 0))
			damaged();
		last = item;
		if (item == ITEM_ABOUT)
			r->made = take_number(r, 8);
		else if (item == ITEM_FILE)
			take_file(r);
		else if (item == ITEM_ENTRY)
			take_entry(r);
		else if (item == ITEM_END)
			take_end(r);
		else
			damaged();
	}
}

void
backup_restore(const char *dir, const char *file, const struct passphrase *passphrase)
{
	static struct restore r;
	enum archive_err err;
	uint64_t size;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		say_fatal("backup-io: %s cannot be opened: %s", file, strerror(errno));
	err = archive_open(&r.archive, fd, passphrase);
	if (err != ARCHIVE_OK)
		say_fatal("%s", archive_text(err));
	enter_dir(dir);
	take_all(&r);
	size = r.tree.size;
	archive_clear(&r.archive);
	dk_log_signer_clear(&r.signer);
	(void)printf("%s\t%llu log entries\n", dir, (unsigned long long)size);
}
