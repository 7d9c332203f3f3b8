/* SPDX-License-Identifier: Apache-2.0 */
/* doublekeyd log export, spec/export.md: recorded first, then read, proved and sealed. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "authd/policy.h"
#include "base/text.h"
#include "format/key_impl.h"
#include "log/export.h"
#include "log/tile.h"
#include "native/code.h"
#include "parent/tell.h"
#include "parent/exchange.h"
#include "parent/log.h"
#include "cli/files/temp.h"

/* The files of the log are behind the store by a second or two. */
#define FILES_WAIT_MS 30000
#define FILES_STEP_MS 50

struct export
{
	const struct settings *settings;
	const char *file;
	int dir;
	struct temp out;
	struct dk_key *key;
	struct dk_export_chosen chosen;
	uint64_t index; /* of its own record */
	struct dk_checkpoint cp;
	size_t text_len;
	char text[DK_NOTE_MAX_BYTES];
	struct dk_log_source source;
	struct dk_tiles tiles;
	struct dk_tree_nodes nodes;
	struct dk_export_writer writer;
	uint64_t count;
};

static bool
fail(const char *what, dk_err err)
{
	tell(what, dk_err_name(err), "%s", dk_err_text(err));
	return false;
}

/* ---- whom, and what ---- */

static bool
policy_names(const struct settings *settings, const char *title, const char *key_id)
{
	struct policy *policy = policy_open(settings);
	bool found = false;

	if (!policy)
		return false;
	for (unsigned i = 0; i < policy_auditors(policy); i++) {
		struct policy_auditor a = policy_auditor(policy, i);

		found = found || (strcmp(a.title, title) == 0 && strcmp(a.key_id, key_id) == 0);
	}
	policy_free(policy);
	if (!found)
		tell(title, "auditor", "policy.conf names no auditor of this name with this key");
	return found;
}

static bool
open_key(struct export *x, const char *title, const char *file)
{
	x->key = public_key_open(file, DK_SIDE_AUDITOR);
	if (!x->key)
		return false;
	return policy_names(x->settings, title, dk_key_id_hex(x->key));
}

static bool
choose(const struct log_wanted *wanted, struct dk_export_chosen *c)
{
	*c = (struct dk_export_chosen){ .since = 0 };
	if (!log_time(wanted->since, "--since", &c->since) ||
	    !log_time(wanted->until, "--until", &c->until))
		return false;
	if (wanted->user && (wanted->user[0] == '\0' || strlen(wanted->user) >= sizeof(c->user))) {
		tell(NULL, "argument", "--user takes the name of a user");
		return false;
	}
	if (wanted->user)
		memcpy(c->user, wanted->user, strlen(wanted->user) + 1);
	c->has_device = wanted->device != NULL;
	if (c->has_device && !dk_unhex(wanted->device, c->device, sizeof(c->device))) {
		tell(NULL, "argument", "--device takes a key id, 64 hex digits");
		return false;
	}
	c->has_object = wanted->object != NULL;
	return !c->has_object || log_object(wanted->object, c->object);
}

/* ---- the record ---- */

static bool
record(struct export *x, const char *title)
{
	char note[DK_EXPORT_NOTE_BYTES], text[24] = "";
	const char *args[] = { title, dk_key_id_hex(x->key), note };
	struct exchange_answer answer;
	bool ok;

	if (!dk_export_note(&x->chosen, note)) {
		tell(NULL, "argument", "a time is too far away");
		return false;
	}
	if (!exchange(x->settings->dir, IPC_OP_LOG_EXPORT, args, 3, &answer))
		return false;
	ok = answer.code == DK_CODE_OK && answer.len > 3 && answer.len - 3 < sizeof(text);
	if (ok)
		memcpy(text, answer.data + 2, answer.len - 3); /* without the line end */
	else
		tell_code(IPC_OP_LOG_EXPORT, title, answer.code, NULL, 0);
	free(answer.data);
	return ok && dk_log_number_parse(text, strlen(text), &x->index);
}

/* The checkpoint that the files show now. */
static bool
read_checkpoint(struct export *x)
{
	struct dk_log_file file = {
		.path = "checkpoint", .data = (uint8_t *)x->text, .cap = UINT16_MAX
	};
	struct dk_note note;
	const char *origin;
	size_t len;

	if (x->source.read(x->source.ctx, &file, 1) != DK_OK ||
	    dk_note_parse(x->text, file.len, &note) != DK_OK ||
	    dk_checkpoint_parse(&note, &origin, &len, &x->cp) != DK_OK)
		return false;
	x->text_len = file.len;
	return true;
}

static bool
open_files(struct export *x)
{
	const struct timespec step = { 0, FILES_STEP_MS * 1000000L };
	char path[PATH_BYTES];
	int waited = 0;
	dk_err err;

	if (!path_join(path, x->settings->dir, "log"))
		return false;
	err = dk_log_folder_open(path, &x->source);
	if (err != DK_OK)
		return fail(path, err);
	for (; !read_checkpoint(x) || x->cp.size <= x->index; waited += FILES_STEP_MS) {
		if (waited >= FILES_WAIT_MS) {
			tell(
			    "log", "unavailable", "the files of the log do not follow its entries");
			return false;
		}
		(void)nanosleep(&step, NULL);
	}
	dk_tiles_init(&x->tiles, &x->source, x->cp.size, &x->nodes);
	return true;
}

/* ---- entries ---- */

static dk_err
write_out(void *ctx, const uint8_t *bytes, size_t len)
{
	const struct export *x = ctx;

	while (len > 0) {
		ssize_t n = write(x->out.fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return DK_ERR_WRITE;
		bytes += n;
		len -= (size_t)n;
	}
	return DK_OK;
}

/* log_entry_fn */
static bool
on_entry(void *ctx, uint64_t index, const uint8_t *leaf, const uint8_t *record_bytes, size_t len)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	uint8_t hashes[DK_PROOF_HASHES_MAX * DK_HASH_BYTES];
	struct dk_export_entry e = {
		.index = index, .leaf = leaf, .hashes = hashes, .record = record_bytes, .len = len
	};
	struct export *x = ctx;
	struct dk_log_event event;
	char what[48];
	dk_err err = dk_record_open(record_bytes, len, leaf, objects, &event);

	(void)snprintf(what, sizeof(what), "entry %" PRIu64, index);
	if (err != DK_OK)
		return fail(what, err == DK_ERR_RECEIPT ? DK_ERR_LOG_RECORD : err);
	if (index != x->index && !dk_export_is_chosen(&x->chosen, &event))
		return true;
	err = dk_tree_inclusion(&x->nodes, index, x->cp.size, hashes, &e.hash_count);
	if (err == DK_OK)
		err = dk_export_put(&x->writer, &e);
	x->count++;
	return err == DK_OK || fail(what, err);
}

static bool
write_all(struct export *x)
{
	dk_err err;

	x->writer.write = write_out;
	x->writer.ctx = x;
	err = dk_export_begin(
	    &x->writer, dk_key_local_pkey(x->key), NULL, &x->chosen, x->text, x->text_len);
	if (err != DK_OK)
		return fail(x->file, err);
	if (!log_each(x->settings, x->index + 1, on_entry, x))
		return false;
	err = dk_export_end(&x->writer);
	return err == DK_OK || fail(x->file, err);
}

/* The file gets its name when it is complete. */
static bool
open_output(struct export *x)
{
	const char *slash = strrchr(x->file, '/');
	char dir[PATH_BYTES] = ".";
	size_t len = slash ? (size_t)(slash - x->file) : 0;

	temp_catch_signals();
	if (len >= sizeof(dir) || (slash && slash[1] == '\0')) {
		tell(x->file, "argument", "this is no name of a file");
		return false;
	}
	if (slash)
		memcpy(dir, len > 0 ? x->file : "/", (len > 0 ? len : 1) + 1);
	if (len > 0)
		dir[len] = '\0';
	x->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x->dir >= 0 && temp_begin(&x->out, x->dir, slash ? slash + 1 : x->file, false) == 0)
		return true;
	tell(x->file, "write", "%s", strerror(errno));
	return false;
}

static bool
export_to_file(struct export *x, const char *title)
{
	bool ok = record(x, title) && open_files(x) && write_all(x);

	dk_log_source_close(&x->source);
	dk_export_writer_clear(&x->writer);
	if (ok &&
	    (temp_sync(&x->out) != 0 || temp_commit(&x->out) != 0 || temp_sync_dir(x->dir) != 0))
		ok = fail(x->file, DK_ERR_WRITE);
	temp_abort(&x->out);
	return ok;
}

int
cmd_log_export(const struct settings *settings, const struct log_wanted *wanted, const char *file)
{
	static struct export x;
	bool ok;

	x.settings = settings;
	x.file = file;
	if (!choose(wanted, &x.chosen))
		return 2;
	/* Nothing is recorded for a key or a file that would not do. */
	ok = open_key(&x, wanted->auditor, wanted->key) && open_output(&x) &&
	    export_to_file(&x, wanted->auditor);
	if (ok)
		(void)printf(
		    "%s\t%" PRIu64 " records, up to entry %" PRIu64 "\n", file, x.count, x.index);
	dk_key_free(x.key);
	return ok && fflush(stdout) == 0 ? 0 : 1;
}
