/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the witness's folder, spec/witness.md section 1. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "ipc/child.h"
#include "store/folder.h"
#include "witness/witness.h"

#define KEY_MAX_BYTES (8 + 1 + DK_NOTE_NAME_MAX_BYTES + 32)
#define STATE_FOLDER "state"
#define REFUSED_FOLDER "refused"

/* cap + 1 bytes at most, so that too long a file is seen as such; -1: told. */
static ssize_t
read_file(const char *path, void *out, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t *to = out;
	size_t len = 0;
	ssize_t n = -1;

	while (fd >= 0 && len <= cap && (n = read(fd, to + len, cap + 1 - len)) > 0)
		len += (size_t)n;
	if (fd >= 0)
		(void)close(fd);
	if (n >= 0)
		return (ssize_t)len;
	if (errno != ENOENT)
		say(SAY_ERROR, "%s: %s", path, strerror(errno));
	return -1;
}

/* ---- key ---- */

static bool
key_take(struct witness *w, const uint8_t *bytes, size_t len)
{
	char name[DK_NOTE_NAME_MAX_BYTES + 1] = "";
	uint8_t public_key[DK_ED25519_BYTES];
	const uint8_t *magic, *text, *seed;
	struct dk_reader_buf rd;
	size_t name_len;

	dk_rd_init(&rd, bytes, len);
	magic = dk_rd_bytes(&rd, 8);
	name_len = dk_rd_u8(&rd);
	text = dk_rd_bytes(&rd, name_len);
	seed = dk_rd_bytes(&rd, sizeof(w->seed.bytes));
	if (rd.failed || dk_rd_left(&rd) > 0 || memcmp(magic, "DKWITK1\n", 8) != 0)
		return false;
	memcpy(name, text, name_len);
	memcpy(w->seed.bytes, seed, sizeof(w->seed.bytes));
	return strlen(name) == name_len && dk_ed25519_public(&w->seed, public_key) == DK_OK &&
	    dk_ed25519_new(&w->seed, &w->signer) == DK_OK &&
	    dk_note_key_make(DK_NOTE_COSIGNATURE, name, public_key, sizeof(public_key), &w->key) ==
	    DK_OK;
}

bool
witness_key_read(struct witness *w)
{
	uint8_t bytes[KEY_MAX_BYTES + 1];
	ssize_t n = read_file(WITNESS_KEY_FILE, bytes, KEY_MAX_BYTES);
	bool ok = n > 0 && key_take(w, bytes, (size_t)n);

	dk_wipe(bytes, sizeof(bytes));
	if (!ok)
		say(SAY_ERROR, WITNESS_KEY_FILE ": cannot be read, or is not the key of a witness");
	return ok;
}

bool
witness_key_write(const struct witness *w)
{
	uint8_t bytes[KEY_MAX_BYTES];
	struct dk_writer_buf wr;
	int fd = open(WITNESS_KEY_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0) {
		say(SAY_ERROR, WITNESS_KEY_FILE ": %s", strerror(errno));
		return false;
	}
	dk_wr_init(&wr, bytes, sizeof(bytes));
	dk_wr_bytes(&wr, "DKWITK1\n", 8);
	dk_wr_u8(&wr, (uint8_t)strlen(w->key.name));
	dk_wr_bytes(&wr, w->key.name, strlen(w->key.name));
	dk_wr_bytes(&wr, w->seed.bytes, sizeof(w->seed.bytes));
	ok = !wr.failed && write(fd, bytes, wr.len) == (ssize_t)wr.len && fsync(fd) == 0;
	dk_wipe(bytes, sizeof(bytes));
	ok = close(fd) == 0 && ok && folder_sync(".");
	if (!ok)
		say(SAY_ERROR, WITNESS_KEY_FILE ": cannot be written");
	return ok;
}

/* ---- logs ---- */

static bool
add_log(struct witness *w, const char *origin)
{
	const struct dk_part part = { origin, strlen(origin) };
	uint8_t hash[DK_SHA256_BYTES];
	struct witness_log *log;

	for (unsigned i = 0; i < w->log_count; i++)
		if (strcmp(w->log[i].origin, origin) == 0)
			return true; /* another key of it */
	log = &w->log[w->log_count++];
	*log = (struct witness_log){ .origin = origin };
	if (dk_sha256(&part, 1, hash) != DK_OK)
		return false;
	dk_hex(hash, sizeof(hash), log->hex);
	return true;
}

bool
witness_logs_read(struct witness *w)
{
	static char text[DK_QUORUM_FILE_MAX_BYTES + 1];
	ssize_t n = read_file(WITNESS_LOGS_FILE, text, DK_QUORUM_FILE_MAX_BYTES);
	unsigned line;
	dk_err err;

	if (n < 0) {
		say(SAY_ERROR, WITNESS_LOGS_FILE ": cannot be read");
		return false;
	}
	err = dk_quorum_parse(text, (size_t)n, &w->logs, &line);
	if (err != DK_OK) {
		say(SAY_ERROR, "%s: " WITNESS_LOGS_FILE ", line %u: %s", dk_err_name(err), line,
		    dk_err_text(err));
		return false;
	}
	for (unsigned i = 0; i < w->logs.log_count; i++)
		if (!add_log(w, w->logs.log[i].key.name))
			return false;
	return true;
}

/* ---- newest checkpoints ---- */

static bool
path_of(char ret[WITNESS_PATH_BYTES], const char *folder, const struct witness_log *log,
    const char *end)
{
	int n = snprintf(ret, WITNESS_PATH_BYTES, "%s/%s%s", folder, log->hex, end);

	return n > 0 && n < WITNESS_PATH_BYTES;
}

static bool
state_take(const struct witness *w, struct witness_log *log, size_t len)
{
	struct dk_note_seen seen;
	struct dk_note note;
	const char *origin;
	size_t origin_len;

	if (dk_note_parse(log->note, len, &note) != DK_OK ||
	    dk_checkpoint_fields(&note, &origin, &origin_len, &log->newest) != DK_OK ||
	    origin_len != strlen(log->origin) || memcmp(origin, log->origin, origin_len) != 0 ||
	    dk_note_verify(&note, &w->key, &seen) != DK_OK || seen.count == 0)
		return false;
	log->note_len = len;
	log->seen = true;
	return true;
}

bool
witness_state_read(struct witness *w)
{
	for (unsigned i = 0; i < w->log_count; i++) {
		struct witness_log *log = &w->log[i];
		char path[WITNESS_PATH_BYTES];
		ssize_t n;

		if (!path_of(path, STATE_FOLDER, log, ""))
			return false;
		errno = 0;
		n = read_file(path, log->note, sizeof(log->note) - 1);
		if (n < 0 && errno == ENOENT)
			continue;
		if (n < 0 || !state_take(w, log, (size_t)n)) {
			say(SAY_ERROR,
			    "state-damaged: %s is not a checkpoint of %s that was cosigned here",
			    path, log->origin);
			return false;
		}
	}
	return true;
}

static bool
put_file(const char *temp, const char *path, const void *bytes, size_t len, const char *folder)
{
	int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, bytes, len) == (ssize_t)len && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	return ok && rename(temp, path) == 0 && folder_sync(folder);
}

bool
witness_state_write(const struct witness_verdict *v)
{
	char path[WITNESS_PATH_BYTES], temp[WITNESS_PATH_BYTES];

	if (!path_of(path, STATE_FOLDER, v->log, "") ||
	    !path_of(temp, STATE_FOLDER, v->log, ".tmp"))
		return false;
	if (!put_file(temp, path, v->note, v->note_len, STATE_FOLDER)) {
		say(SAY_ERROR, "%s: %s: nothing is cosigned", path, strerror(errno));
		return false;
	}
	v->log->seen = true;
	v->log->newest = v->next;
	v->log->note_len = v->note_len;
	memcpy(v->log->note, v->note, v->note_len);
	return true;
}

void
witness_refused_keep(const struct witness_log *log, const char *body, size_t len)
{
	char path[WITNESS_PATH_BYTES], temp[WITNESS_PATH_BYTES];

	if (!path_of(path, REFUSED_FOLDER, log, "") ||
	    !path_of(temp, REFUSED_FOLDER, log, ".tmp") || access(path, F_OK) == 0)
		return;
	if (!put_file(temp, path, body, len, REFUSED_FOLDER))
		say(SAY_ERROR, "%s: the proof cannot be kept: %s", path, strerror(errno));
}
