/* SPDX-License-Identifier: Apache-2.0 */
#include "client/log_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/profile_file.h"

#define STATE_FILE "log/state"

static bool
take_lock(struct log_state *state)
{
	char path[DK_PROFILE_PATH_BYTES];
	int result;

	if (!dk_profile_path(state->profile, "log", path) ||
	    (mkdir(path, 0700) != 0 && errno != EEXIST) ||
	    !dk_profile_path(state->profile, "log/lock", path))
		return false;
	state->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (state->lock < 0)
		return false;
	do
		result = flock(state->lock, LOCK_EX);
	while (result != 0 && errno == EINTR);
	return result == 0;
}

void
log_state_close(struct log_state *state)
{
	if (state->lock >= 0)
		(void)close(state->lock);
	state->lock = -1;
}

static bool
take_note(struct log_point *point, const struct dk_gossip_note *note)
{
	struct dk_note parsed;
	const char *origin;
	size_t len;

	if (dk_note_parse(note->text, note->len, &parsed) != DK_OK ||
	    dk_checkpoint_parse(&parsed, &origin, &len, &point->cp) != DK_OK)
		return false;
	point->time = note->time;
	point->len = note->len;
	memcpy(point->text, note->text, note->len);
	return true;
}

/* The one that is seen has no time, and stands first. */
static dk_err
parse(struct log_state *state, const char *text, size_t len)
{
	struct dk_gossip_note note[LOG_PENDING_MAX + 1];
	size_t n;

	if (dk_gossip_parse(text, len, note, LOG_PENDING_MAX + 1, &n) != DK_OK)
		return DK_ERR_SERVICE_PROFILE;
	for (size_t i = 0; i < n; i++) {
		bool seen = note[i].time == 0;

		if (seen ? i > 0 : state->count == LOG_PENDING_MAX)
			return DK_ERR_SERVICE_PROFILE;
		if (!take_note(seen ? &state->seen : &state->pending[state->count], &note[i]))
			return DK_ERR_SERVICE_PROFILE;
		state->has_seen = state->has_seen || seen;
		state->count += !seen;
	}
	return DK_OK;
}

dk_err
log_state_open(const struct dk_profile *profile, struct log_state *ret_state)
{
	uint8_t *text;
	size_t len;
	dk_err err;

	ret_state->profile = profile;
	ret_state->lock = -1;
	ret_state->has_seen = false;
	ret_state->count = 0;
	if (!take_lock(ret_state)) {
		log_state_close(ret_state);
		return DK_ERR_WRITE;
	}
	err = dk_profile_read(profile, STATE_FILE, &text, &len);
	if (err == DK_ERR_SERVICE_NOT_ENROLLED)
		return DK_OK;
	if (err == DK_OK) {
		err = parse(ret_state, (const char *)text, len);
		free(text);
	}
	if (err != DK_OK)
		log_state_close(ret_state);
	return err;
}

static void
write_point(struct dk_writer_buf *wr, const struct log_point *point, bool seen)
{
	const struct dk_gossip_note note = { point->text, point->len, seen ? 0 : point->time };

	dk_gossip_add(wr, &note);
}

dk_err
log_state_save(struct log_state *state)
{
	uint8_t *file = malloc(DK_GOSSIP_FILE_MAX_BYTES);
	struct dk_writer_buf wr;
	dk_err err = DK_ERR_NOMEM;

	if (file) {
		dk_wr_init(&wr, file, DK_GOSSIP_FILE_MAX_BYTES);
		dk_gossip_begin(&wr);
		if (state->has_seen)
			write_point(&wr, &state->seen, true);
		for (unsigned i = 0; i < state->count; i++)
			write_point(&wr, &state->pending[i], false);
		err = dk_profile_write(state->profile, STATE_FILE, file, wr.len);
	}
	free(file);
	log_state_close(state);
	return err;
}

static bool
same_root(const struct log_point *a, const struct log_point *b)
{
	return memcmp(a->cp.root, b->cp.root, sizeof(a->cp.root)) == 0;
}

dk_err
log_state_add(
    struct log_state *state, const struct log_point *point, const struct log_point **ret_other)
{
	const struct log_point *other =
	    state->has_seen && state->seen.cp.size == point->cp.size ? &state->seen : NULL;

	for (unsigned i = 0; i < state->count && !other; i++)
		if (state->pending[i].cp.size == point->cp.size)
			other = &state->pending[i];
	if (other && same_root(other, point))
		return DK_OK;
	*ret_other = other;
	if (!other && state->count == LOG_PENDING_MAX)
		return DK_ERR_SERVICE_BUSY;
	/* The second one of a size has no place: that there are two is what is to be kept. */
	if (other)
		return DK_ERR_LOG_INCONSISTENT;
	state->pending[state->count++] = *point;
	return DK_OK;
}

void
log_state_remove(struct log_state *state, const struct log_point *point)
{
	for (unsigned i = 0; i < state->count; i++)
		if (state->pending[i].cp.size == point->cp.size &&
		    same_root(&state->pending[i], point)) {
			state->pending[i] = state->pending[--state->count];
			return;
		}
}

void
log_state_evidence(
    const struct dk_profile *profile, const struct log_point *a, const struct log_point *b)
{
	uint8_t file[64 + 2 * (48 + DK_CHECKPOINT_MAX_BYTES)];
	struct dk_writer_buf wr;

	dk_wr_init(&wr, file, sizeof(file));
	dk_gossip_begin(&wr);
	write_point(&wr, a, true);
	write_point(&wr, b, true);
	if (!wr.failed && dk_profile_write(profile, "log/evidence", file, wr.len) != DK_OK)
		errno = 0; /* the refusal itself does not depend on it */
}
