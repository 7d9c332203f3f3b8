/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup while the service runs.
 *
 *   slots of the sealed store -> log, up to its end -> the slots again
 *
 * If the slots are the same, no act was carried out in between, so that store
 * and log belong together (spec/custody.md section 3); otherwise once more. The
 * log only grows: what was read of it stays true.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/bytes.h"
#include "ipc/child.h"
#include "native/code.h"
#include "parent/exchange.h"
#include "store/folder.h"
#include "store/store.h"

#define PAGE 500
#define TRIES 20

struct save {
	const char *dir;
	struct archive archive;
	char temp[4096];
	int lock;      /* held: the service does not run; -1: it does */
	uint64_t next; /* entries that are in the archive */
};

static _Noreturn void
give_up(struct save *save, const char *text)
{
	(void)unlink(save->temp);
	say_fatal("%s", text);
}

static void
put(struct save *save, const void *data, size_t len)
{
	if (archive_write(&save->archive, data, len) != ARCHIVE_OK)
		give_up(save, archive_text(ARCHIVE_IO));
}

static void
put_head(struct save *save, const struct dk_writer_buf *wr)
{
	put(save, wr->data, wr->len);
}

/* ---- files ---- */

struct content {
	uint8_t *data;
	size_t len;
};

static bool
read_file(const struct save *save, const char *name, struct content *ret)
{
	char path[4096];
	struct stat st;
	ssize_t n = -1;
	int fd, len;

	len = snprintf(path, sizeof(path), "%s/%s", save->dir, name);
	if (len < 0 || (size_t)len >= sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= (off_t)FILE_MAX_BYTES) {
		ret->data = malloc((size_t)st.st_size + 1);
		n = ret->data ? read(fd, ret->data, (size_t)st.st_size) : -1;
		if (n != st.st_size)
			free(ret->data);
	}
	(void)close(fd);
	if (n < 0 || n != st.st_size)
		return false;
	ret->len = (size_t)n;
	return true;
}

static void
put_file(struct save *save, const char *name, const struct content *content)
{
	uint8_t head[FILE_NAME_MAX_BYTES + 8];
	struct dk_writer_buf wr;

	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u8(&wr, ITEM_FILE);
	dk_wr_u8(&wr, (uint8_t)strlen(name));
	dk_wr_bytes(&wr, name, strlen(name));
	dk_wr_u32(&wr, (uint32_t)content->len);
	put_head(save, &wr);
	put(save, content->data, content->len);
}

static void
put_named(struct save *save, const char *name)
{
	struct content content;

	if (!read_file(save, name, &content))
		give_up(save, "a file of the service cannot be read");
	put_file(save, name, &content);
	dk_wipe(content.data, content.len);
	free(content.data);
}

/* The regular files of one folder, without those below it. */
static void
put_folder(struct save *save, const char *folder, bool may_miss)
{
	char path[4096], name[FILE_NAME_MAX_BYTES + 1];
	struct dirent *entry;
	struct stat st;
	DIR *dir;
	int n;

	n = snprintf(path, sizeof(path), "%s/%s", save->dir, folder);
	dir = n > 0 && (size_t)n < sizeof(path) ? opendir(path) : NULL;
	if (!dir && may_miss && errno == ENOENT)
		return;
	if (!dir)
		give_up(save, "the directory of the service cannot be read");
	while ((entry = readdir(dir))) {
		n = snprintf(name, sizeof(name), "%s%s", folder, entry->d_name);
		if (n < 0 || (size_t)n >= sizeof(name) || !backup_name_valid(name) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		put_named(save, name);
	}
	(void)closedir(dir);
}

/* ---- log ---- */

static void
put_entry(struct save *save, uint64_t index, const uint8_t *leaf, const uint8_t *record, size_t len)
{
	uint8_t head[1 + 8 + DK_LEAF_BYTES + 4];
	struct dk_writer_buf wr;

	if (index != save->next)
		give_up(save, "the log has a gap");
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u8(&wr, ITEM_ENTRY);
	dk_wr_u64(&wr, index);
	dk_wr_bytes(&wr, leaf, DK_LEAF_BYTES);
	dk_wr_u32(&wr, (uint32_t)len);
	put_head(save, &wr);
	put(save, record, len);
	save->next = index + 1;
}

static bool
take_entry(
    void *ctx, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], const uint8_t *record, size_t len)
{
	put_entry(ctx, index, leaf, record, len);
	return true;
}

static void
log_from_store(struct save *save)
{
	char path[4096], fault[STORE_FAULT_BYTES] = "";
	struct store *store;
	int n = snprintf(path, sizeof(path), "%s/log/log.db", save->dir);

	/* Of a database only the service itself reads. */
	if (n < 0 || (size_t)n >= sizeof(path) ||
	    !store_open_file(path, STORE_TO_RUN, &store, fault))
		give_up(save,
		    fault[0] ? "the log is in a database: start the service, and try again"
			     : "the log cannot be read");
	if (!store_read(store, 0, UINT32_MAX, take_entry, save))
		give_up(save, "the log cannot be read");
	store_close(store);
}

/* One page; the size of the log. */
static uint64_t
take_page(struct save *save, const struct exchange_answer *answer)
{
	struct dk_reader_buf rd;
	uint64_t size;
	uint32_t count;

	dk_rd_init(&rd, answer->data + 2, answer->len - 2);
	size = dk_rd_u64(&rd);
	count = dk_rd_u32(&rd);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t index = dk_rd_u64(&rd);
		const uint8_t *leaf = dk_rd_bytes(&rd, DK_LEAF_BYTES);
		size_t len = dk_rd_u32(&rd);
		const uint8_t *record = dk_rd_bytes(&rd, len);

		if (rd.failed)
			give_up(save, "the service's answer is not well formed");
		put_entry(save, index, leaf, record, len);
	}
	if (rd.failed || (count == 0 && save->next < size))
		give_up(save, "the service's answer is not well formed");
	return size;
}

static void
log_from_service(struct save *save)
{
	struct exchange_answer answer;
	char first[24], most[24];
	const char *args[] = { first, most };
	uint64_t size = 1;

	while (save->next < size) {
		if (snprintf(first, sizeof(first), "%llu", (unsigned long long)save->next) < 0 ||
		    snprintf(most, sizeof(most), "%d", PAGE) < 0 ||
		    !exchange(save->dir, IPC_OP_LOG, args, 2, &answer) || answer.code != DK_CODE_OK)
			give_up(save, "the service does not give its log");
		size = take_page(save, &answer);
		free(answer.data);
	}
}

/* ---- all of it ---- */

static void
put_about(struct save *save)
{
	uint8_t head[1 + 8];
	struct dk_writer_buf wr;

	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u8(&wr, ITEM_ABOUT);
	dk_wr_u64(&wr, ipc_now());
	put_head(save, &wr);
}

static void
put_end(struct save *save, const struct content *checkpoint)
{
	uint8_t head[1 + 8 + 4];
	struct dk_writer_buf wr;

	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u8(&wr, ITEM_END);
	dk_wr_u64(&wr, save->next);
	dk_wr_u32(&wr, (uint32_t)checkpoint->len);
	put_head(save, &wr);
	put(save, checkpoint->data, checkpoint->len);
}

static void
read_slots(struct save *save, struct content slot[SEALED_SLOTS])
{
	if (!read_file(save, "keys/sealed.0", &slot[0]) ||
	    !read_file(save, "keys/sealed.1", &slot[1]))
		give_up(save, "the sealed store cannot be read");
}

static bool
same_slots(const struct content a[SEALED_SLOTS], const struct content b[SEALED_SLOTS])
{
	for (unsigned i = 0; i < SEALED_SLOTS; i++)
		if (a[i].len != b[i].len || memcmp(a[i].data, b[i].data, a[i].len) != 0)
			return false;
	return true;
}

/* False: an act came in between. */
static bool
write_once(struct save *save, int fd, const struct passphrase *passphrase, uint32_t memory_kib)
{
	struct content slot[SEALED_SLOTS], again[SEALED_SLOTS], checkpoint = { NULL, 0 };
	bool same;

	save->next = 0;
	if (lseek(fd, 0, SEEK_SET) != 0 || ftruncate(fd, 0) != 0 ||
	    archive_create(&save->archive, fd, passphrase, memory_kib) != ARCHIVE_OK)
		give_up(save, archive_text(ARCHIVE_IO));
	put_about(save);
	read_slots(save, slot);
	put_folder(save, "", false);
	put_folder(save, "tls/", false);
	put_folder(save, "issuers/", true);
	put_folder(save, "policies/", true);
	(void)read_file(save, "log/checkpoint", &checkpoint); /* none in the first second */
	put_named(save, "log/log.key");
	put_file(save, "keys/sealed.0", &slot[0]);
	put_file(save, "keys/sealed.1", &slot[1]);
	if (save->lock >= 0)
		log_from_store(save);
	else
		log_from_service(save);
	put_end(save, &checkpoint);
	if (archive_finish(&save->archive) != ARCHIVE_OK)
		give_up(save, archive_text(ARCHIVE_IO));
	archive_clear(&save->archive);
	read_slots(save, again);
	same = same_slots(slot, again);
	for (unsigned i = 0; i < SEALED_SLOTS; i++) {
		free(slot[i].data);
		free(again[i].data);
	}
	free(checkpoint.data);
	return same;
}

/* -1: the service runs. */
static int
lock_dir(const char *dir)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/run/lock", dir), fd = -1;

	if (n > 0 && (size_t)n < sizeof(path))
		fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		say_fatal("%s has no service", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

void
backup_save(
    const char *dir, const char *file, const struct passphrase *passphrase, uint32_t memory_kib)
{
	static struct save save;
	bool done = false;
	int n, fd;

	save.dir = dir;
	save.lock = lock_dir(dir);
	n = snprintf(save.temp, sizeof(save.temp), "%s.part", file);
	if (n < 0 || (size_t)n >= sizeof(save.temp))
		say_fatal("the name of the backup is too long");
	if (access(file, F_OK) == 0)
		say_fatal("backup-exists: %s is there already", file);
	fd = open(save.temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		say_fatal("%s cannot be made: %s", save.temp, strerror(errno));
	for (unsigned i = 0; i < TRIES && !done; i++)
		done = write_once(&save, fd, passphrase, memory_kib);
	if (!done)
		give_up(&save, "backup-busy: the keys change all the time; try again");
	if (close(fd) != 0 || link(save.temp, file) != 0)
		give_up(&save, "backup-io: the backup cannot get its name");
	(void)unlink(save.temp);
	if (!folder_sync_above(file))
		say_fatal("backup-io: the folder of %s cannot be synced", file);
	(void)printf("%s\t%llu log entries\n", file, (unsigned long long)save.next);
}
