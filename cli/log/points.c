/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log/points.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/files/bytes.h"
#include "cli/console/message.h"

#define POINTS_MAX 1000000
#define PATH_BYTES 4096

void
log_points_clear(struct log_points *points)
{
	free(points->point);
	free(points->time);
	points->point = NULL;
	points->time = NULL;
}

/* An array with room for one more: doubled whenever the count is a power of two. */
static void *
grow(void *array, size_t count, size_t size)
{
	void *grown = array;

	if ((count & (count - 1)) == 0)
		grown = reallocarray(array, count ? 2 * count : 1, size);
	if (!grown || count == POINTS_MAX) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return NULL;
	}
	return grown;
}

static bool
add(struct log_points *points, const struct log_trust *trust, const struct dk_checkpoint *point,
    const struct dk_quorum_seen *seen)
{
	struct log_time time = { .size = point->size };
	void *grown = grow(points->point, points->count, sizeof(*points->point));

	if (!grown)
		return false;
	points->point = grown;
	points->point[points->count++] = *point;
	if (!dk_quorum_times(&trust->quorum, seen, &time.low, &time.high))
		return true;
	grown = grow(points->time, points->time_count, sizeof(*points->time));
	if (!grown)
		return false;
	points->time = grown;
	points->time[points->time_count++] = time;
	return true;
}

static bool
load_one(struct log_trust *trust, const char *path, const struct dk_checkpoint *last,
    struct log_points *points)
{
	struct dk_quorum_seen seen;
	struct dk_checkpoint cp;
	uint8_t *text;
	size_t len;
	bool ok;

	if (!bytes_read(path, DK_NOTE_MAX_BYTES, &text, &len))
		return false;
	ok = log_trust_check(trust, path, (const char *)text, len, &cp, &seen);
	free(text);
	if (ok && cp.size > last->size) {
		log_fail(path, DK_ERR_LOG_INCONSISTENT, "above checkpoint");
		return false;
	}
	return ok && add(points, trust, &cp, &seen);
}

static int
by_size(const void *a, const void *b)
{
	const struct dk_checkpoint *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

static int
by_time_size(const void *a, const void *b)
{
	const struct log_time *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

static bool
load_all(struct log_trust *trust, const char *dir, DIR *stream, const struct dk_checkpoint *last,
    struct log_points *points)
{
	const struct dirent *entry;
	char path[PATH_BYTES];
	int n;

	while (errno = 0, (entry = readdir(stream))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		n = snprintf(path, sizeof(path), "%s/checkpoints/%s", dir, entry->d_name);
		if (n < 0 || (size_t)n >= sizeof(path) || !load_one(trust, path, last, points))
			return false;
	}
	/* What is not read is not compared. */
	if (errno != 0)
		log_fail(dir, DK_ERR_READ, "checkpoints");
	return errno == 0;
}

static bool
load_dir(struct log_trust *trust, const char *dir, const struct dk_checkpoint *last,
    struct log_points *points)
{
	char path[PATH_BYTES];
	DIR *stream = NULL;
	bool ok;
	int n = snprintf(path, sizeof(path), "%s/checkpoints", dir);

	if (n > 0 && (size_t)n < sizeof(path))
		stream = opendir(path);
	if (!stream && errno != ENOENT) {
		log_fail(dir, DK_ERR_READ, "checkpoints");
		return false;
	}
	ok = !stream || load_all(trust, dir, stream, last, points);
	if (stream)
		(void)closedir(stream);
	return ok;
}

bool
log_points_load(struct log_trust *trust, const char *dir, const struct dk_checkpoint *last,
    const struct dk_quorum_seen *seen, struct log_points *ret_points)
{
	struct log_points points = { .count = 0 };
	bool ok = !dir || load_dir(trust, dir, last, &points);

	if (points.count > 1)
		qsort(points.point, points.count, sizeof(points.point[0]), by_size);
	ok = ok && add(&points, trust, last, seen);
	if (points.time_count > 1)
		qsort(points.time, points.time_count, sizeof(points.time[0]), by_time_size);
	if (!ok)
		log_points_clear(&points);
	else
		*ret_points = points;
	return ok;
}
