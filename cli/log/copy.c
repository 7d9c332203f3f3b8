/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/files/fileio.h"
#include "cli/console/message.h"
#include "cli/files/temp.h"

#define BATCH 32
#define NAME_BYTES DK_TILE_PATH_BYTES

/* ---- reading ---- */

static dk_err
fetch_missing(struct log_copy *copy, struct dk_log_file *files, size_t n)
{
	struct dk_log_file wanted[BATCH];
	size_t at[BATCH], count = 0;

	for (size_t i = 0; i < n; i++) {
		if (files[i].err == DK_OK)
			continue;
		at[count] = i;
		wanted[count++] = files[i];
	}
	if (count > 0)
		(void)copy->remote->read(copy->remote->ctx, wanted, count);
	for (size_t i = 0; i < count; i++) {
		files[at[i]] = wanted[i];
		files[at[i]].fetched = wanted[i].err == DK_OK;
	}
	for (size_t i = 0; i < n; i++)
		if (files[i].err != DK_OK)
			return files[i].err;
	return DK_OK;
}

static dk_err
copy_read(void *ctx, struct dk_log_file *files, size_t n)
{
	struct log_copy *copy = ctx;
	dk_err err = DK_OK;

	for (size_t i = 0; i < n && copy->distrust; i++)
		files[i].err = DK_ERR_LOG_MISSING;
	if (!copy->distrust)
		(void)copy->local.read(copy->local.ctx, files, n);
	for (size_t i = 0; i < n; i++)
		copy->taken = copy->taken || files[i].err == DK_OK;
	for (size_t i = 0, part; i < n && err == DK_OK; i += part) {
		part = n - i < BATCH ? n - i : BATCH;
		err = fetch_missing(copy, files + i, part);
	}
	return err;
}

bool
log_copy_open(const char *path, struct dk_log_source *remote, struct log_copy *ret_copy)
{
	struct log_copy *copy = ret_copy;
	dk_err err = DK_ERR_WRITE;

	*copy = (struct log_copy){ .path = path, .dir = -1, .remote = remote };
	if (mkdir(path, 0777) == 0 || errno == EEXIST)
		copy->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (copy->dir >= 0)
		err = dk_log_folder_open(path, &copy->local);
	if (err != DK_OK) {
		message_err(path, err, NULL);
		log_copy_close(copy);
		return false;
	}
	copy->source = (struct dk_log_source){ .read = copy_read, .ctx = copy };
	return true;
}

void
log_copy_close(struct log_copy *copy)
{
	dk_log_source_close(&copy->local);
	if (copy->dir >= 0)
		(void)close(copy->dir);
	copy->dir = -1;
}

/* ---- writing ---- */

static bool
make_dirs(int dir, const char *name)
{
	char part[NAME_BYTES];

	for (size_t i = 1; name[i] != '\0' && i < sizeof(part); i++) {
		if (name[i] != '/')
			continue;
		memcpy(part, name, i);
		part[i] = '\0';
		if (mkdirat(dir, part, 0777) != 0 && errno != EEXIST)
			return false;
	}
	return true;
}

static bool
put_file(int dir, const char *name, const void *data, size_t len, bool replace)
{
	struct temp temp;

	if (!make_dirs(dir, name) || temp_begin(&temp, dir, name, replace) != 0)
		return false;
	/* A copy is made to be read by others. */
	if (file_write_all(temp.fd, data, len) == 0 && fchmod(temp.fd, 0644) == 0)
		return temp_commit(&temp) == 0;
	temp_abort(&temp);
	return false;
}

dk_err
log_copy_files(struct log_copy *copy, const struct dk_log_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (files[i].fetched &&
		    !put_file(copy->dir, files[i].path, files[i].data, files[i].len, true))
			return DK_ERR_WRITE;
	return DK_OK;
}

/* Whether a file has just these bytes; false also if it cannot be read. */
static bool
is_same(struct log_copy *copy, const char *name, const char *text, size_t len)
{
	struct dk_log_file file = { .cap = DK_NOTE_MAX_BYTES, .data = malloc(DK_NOTE_MAX_BYTES) };
	bool same;

	(void)snprintf(file.path, sizeof(file.path), "%s", name);
	same = file.data && copy->local.read(copy->local.ctx, &file, 1) == DK_OK &&
	    file.len == len && memcmp(file.data, text, len) == 0;
	free(file.data);
	return same;
}

bool
log_copy_keep(struct log_copy *copy, const struct dk_checkpoint *cp, const char *text, size_t len)
{
	char name[NAME_BYTES], root[2 * 8 + 1];

	dk_hex(cp->root, 8, root);
	(void)snprintf(name, sizeof(name), "checkpoints/%" PRIu64, cp->size);
	if (put_file(copy->dir, name, text, len, false) || is_same(copy, name, text, len))
		return true;
	/* Of the same tree with other signatures, or of another tree. */
	(void)snprintf(name, sizeof(name), "checkpoints/%" PRIu64 "-%s", cp->size, root);
	if (put_file(copy->dir, name, text, len, true))
		return true;
	message_err(copy->path, DK_ERR_WRITE, NULL);
	return false;
}

bool
log_copy_finish(struct log_copy *copy, const struct dk_checkpoint *cp, const char *text, size_t len)
{
	if (syncfs(copy->dir) == 0 && log_copy_keep(copy, cp, text, len) &&
	    syncfs(copy->dir) == 0 && put_file(copy->dir, "checkpoint", text, len, true) &&
	    temp_sync_dir(copy->dir) == 0)
		return true;
	message_err(copy->path, DK_ERR_WRITE, NULL);
	return false;
}
