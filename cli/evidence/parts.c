/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "log/tile.h"
#include "cli/console/message.h"

static bool
fail(const char *name, dk_err err)
{
	if (err != DK_OK)
		message_err(name, err, NULL);
	return err == DK_OK;
}

void
evidence_parts_clear(struct evidence_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		free(parts->file[i].path);
	free(parts->file);
	*parts = (struct evidence_parts){ .count = 0 };
}

/* ---- one file ---- */

static bool
measure(struct evidence_file *file)
{
	int fd = open(file->path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	dk_err err = fd < 0 || fstat(fd, &st) != 0 ? DK_ERR_READ : DK_OK;

	if (err == DK_OK && !S_ISREG(st.st_mode)) {
		errno = EINVAL;
		err = DK_ERR_READ;
	}
	if (err == DK_OK)
		err = dk_sha256_file(fd, file->digest);
	if (err == DK_OK)
		file->size = (uint64_t)st.st_size;
	if (fd >= 0)
		(void)close(fd);
	if (err == DK_OK && file->size > DK_EVIDENCE_PART_MAX_BYTES) {
		message_fail(file->path,
		    "a part of a bundle is at most 2^33 - 1 bytes long "
		    "(evidence-file)");
		return false;
	}
	return fail(file->path, err);
}

static struct evidence_file *
new_file(struct evidence_parts *parts)
{
	struct evidence_file *more;

	if (parts->count == DK_MANIFEST_PARTS_MAX) {
		message_fail(
		    NULL, "a bundle has at most %u parts (evidence-file)", DK_MANIFEST_PARTS_MAX);
		return NULL;
	}
	if (parts->count == parts->cap) {
		size_t cap = parts->cap ? 2 * parts->cap : 256;

		more = reallocarray(parts->file, cap, sizeof(*more));
		if (!more) {
			message_err(NULL, DK_ERR_NOMEM, NULL);
			return NULL;
		}
		parts->file = more;
		parts->cap = cap;
	}
	return &parts->file[parts->count];
}

bool
evidence_parts_add(struct evidence_parts *parts, const char *name, const char *path)
{
	struct evidence_file *file = new_file(parts);

	if (!file)
		return false;
	*file = (struct evidence_file){ .path = strdup(path) };
	if (!file->path)
		return fail(NULL, DK_ERR_NOMEM);
	parts->count++;
	(void)snprintf(file->name, sizeof(file->name), "%s", name);
	return measure(file);
}

bool
evidence_parts_has(const struct evidence_parts *parts, const char *name)
{
	for (size_t i = 0; i < parts->count; i++)
		if (strcmp(parts->file[i].name, name) == 0)
			return true;
	return false;
}

bool
evidence_parts_add_digest(struct evidence_parts *parts, const char *folder, const char *path)
{
	struct evidence_file *file;
	char hex[2 * DK_SHA256_BYTES + 1];

	if (!evidence_parts_add(parts, folder, path))
		return false;
	file = &parts->file[parts->count - 1];
	dk_hex(file->digest, sizeof(file->digest), hex);
	(void)snprintf(file->name, sizeof(file->name), "%s/%s", folder, hex);
	return true;
}

/* ---- folders ---- */

/* Each file of folder/sub that wanted() takes, as PREFIX NAME. */
static bool
add_folder(struct evidence_parts *parts, const char *folder, const char *prefix)
{
	char name[DK_EVIDENCE_NAME_MAX_BYTES + 1], path[EVIDENCE_PATH_BYTES];
	DIR *stream = opendir(folder);
	const struct dirent *entry;
	bool ok = true;
	int n;

	if (!stream)
		return fail(folder, DK_ERR_READ);
	while (errno = 0, ok && (entry = readdir(stream))) {
		n = snprintf(name, sizeof(name), "%s%s", prefix, entry->d_name);
		if (n < 0 || (size_t)n >= sizeof(name) || !dk_evidence_name_valid(name))
			continue;
		ok = evidence_path(path, folder, entry->d_name) &&
		    evidence_parts_add(parts, name, path);
	}
	if (ok && errno != 0)
		ok = fail(folder, DK_ERR_READ);
	(void)closedir(stream);
	return ok;
}

bool
evidence_parts_add_specs(struct evidence_parts *parts, const char *folder)
{
	size_t before = parts->count;

	if (!add_folder(parts, folder, "spec/"))
		return false;
	if (parts->count > before)
		return true;
	message_fail(folder, "it has no texts of the specification: give --specs");
	return false;
}

/* ---- a log ---- */

/* A narrower file that is not there any more is cut out of the full one. */
static bool
add_tile(
    struct evidence_parts *parts, const char *log, unsigned level, uint64_t index, unsigned width)
{
	char tile[DK_TILE_PATH_BYTES], name[DK_TILE_PATH_BYTES + 4], path[EVIDENCE_PATH_BYTES];

	dk_tile_path(level, index, width, tile);
	if (!evidence_path(path, log, tile))
		return false;
	if (width < DK_TILE_WIDTH && access(path, F_OK) != 0) {
		dk_tile_path(level, index, DK_TILE_WIDTH, tile);
		if (!evidence_path(path, log, tile))
			return false;
	}
	(void)snprintf(name, sizeof(name), "log/%s", tile);
	return evidence_parts_add(parts, name, path);
}

static bool
add_tiles(struct evidence_parts *parts, const char *log, uint64_t size)
{
	unsigned width;

	for (unsigned level = 0; level < DK_TILE_LEVELS; level++) {
		for (uint64_t i = 0; (width = dk_tile_width(size, level, i)) > 0; i++) {
			if (level == 0 && !add_tile(parts, log, DK_TILE_ENTRIES, i, width))
				return false;
			if (!add_tile(parts, log, level, i, width))
				return false;
		}
	}
	return true;
}

bool
evidence_parts_add_log(struct evidence_parts *parts, const char *log, uint64_t size)
{
	char path[EVIDENCE_PATH_BYTES];

	if (!evidence_path(path, log, "checkpoint") ||
	    !evidence_parts_add(parts, "log/checkpoint", path) || !add_tiles(parts, log, size) ||
	    !evidence_path(path, log, "checkpoints"))
		return false;
	return access(path, F_OK) != 0 || add_folder(parts, path, "log/checkpoints/");
}
