/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the vectors of exports through the library.
 *
 * usage: run_export KEYS FOLDER
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "folder.h"
#include "keyring.h"
#include "log/export.h"
#include "native_vector.h"

static const char *keys;
static struct dk_export x;
static struct dk_export_writer writer;

/* The same content, sealed again with the vector's ephemeral key, is the same file. */
struct again {
	size_t len;
	uint8_t bytes[DATA_MAX_BYTES];
};
static struct again again;

static dk_err
append(void *ctx, const uint8_t *bytes, size_t len)
{
	struct again *to = ctx;

	if (len > sizeof(to->bytes) - to->len)
		return DK_ERR_WRITE;
	memcpy(to->bytes + to->len, bytes, len);
	to->len += len;
	return DK_OK;
}

/* Its public half is enc of the file. */
static struct dk_pkey *
ephemeral_of(const struct vector *v, const struct dk_pkey *auditor)
{
	const enum dk_key_type type = dk_pkey_type(auditor);
	const size_t len = type == DK_KEY_P256 ? 32 : 48;
	const struct dk_part file = part(v, "export");
	struct dk_pkey *key = NULL;
	dk_auto_pkey *public = NULL;
	uint8_t scalar[48];
	const uint8_t *spki;
	size_t spki_len;

	need_hex(v, "ephemeral", scalar, len);
	if (dk_pkey_from_point(type, (const uint8_t *)file.data + DK_EXPORT_HEAD_BYTES, 2 * len + 1,
		&public) != DK_OK)
		abort();
	spki = dk_pkey_spki(public, &spki_len);
	if (dk_pkey_from_private(type, spki, spki_len, scalar, len, &key) != DK_OK)
		abort();
	return key;
}

static dk_err
read_entries(struct vector *v, const struct dk_checkpoint *cp, bool write)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	struct dk_export_entry e;
	struct dk_log_event event;
	char indexes[LINE_BYTES] = "";
	size_t at = 0;
	uint64_t good = 0;
	bool more = true;
	dk_err err;

	while (more) {
		err = dk_export_next(&x, &e, &more);
		if (err == DK_OK && more)
			err = dk_export_check(&x, cp, &e, objects, &event);
		if (err == DK_OK && more && write)
			err = dk_export_put(&writer, &e);
		if (err != DK_OK)
			break;
		if (more && at < sizeof(indexes) - 24)
			at += (size_t)snprintf(indexes + at, sizeof(indexes) - at, "%s%" PRIu64,
			    at ? " " : "", e.index);
		good += more;
	}
	found_number(v, "records", good);
	if (err == DK_OK)
		found(v, "indexes", indexes);
	return err;
}

static dk_err
open_all(struct vector *v, int fd, const struct dk_pkey *auditor, bool write)
{
	char note_text[DK_EXPORT_NOTE_BYTES];
	struct dk_checkpoint cp;
	struct dk_note note;
	const char *origin;
	size_t origin_len;
	dk_err err;

	if (lseek(fd, 0, SEEK_SET) != 0)
		return DK_ERR_READ;
	err = dk_export_open(&x, fd, auditor);
	if (err == DK_OK)
		err = dk_note_parse(x.checkpoint, x.checkpoint_len, &note);
	if (err == DK_OK)
		err = dk_checkpoint_parse(&note, &origin, &origin_len, &cp);
	if (err == DK_OK && write) {
		dk_auto_pkey *ephemeral = ephemeral_of(v, auditor);

		err = dk_export_begin(
		    &writer, auditor, ephemeral, &x.chosen, x.checkpoint, x.checkpoint_len);
	}
	if (err == DK_OK)
		err = read_entries(v, &cp, write);
	if (err == DK_OK && dk_export_note(&x.chosen, note_text)) {
		found(v, "note", note_text);
		if (!dk_export_note_valid(note_text))
			v->differs = true;
	}
	return err;
}

static dk_err
write_again(struct vector *v, int fd, const struct dk_pkey *auditor, const struct dk_part *file)
{
	dk_err err;

	again.len = 0;
	writer.write = append;
	writer.ctx = &again;
	err = open_all(v, fd, auditor, true);
	if (err == DK_OK)
		err = dk_export_end(&writer);
	dk_export_writer_clear(&writer);
	if (err == DK_OK &&
	    (again.len != file->len || memcmp(again.bytes, file->data, file->len) != 0)) {
		printf("FAIL %s: written again it is another file\n", v->path);
		v->differs = true;
	}
	return err;
}

static bool
run(void *ctx, const char *path)
{
	struct vector *v = ctx;
	struct dk_part file;
	struct dk_key *key;
	char got[64];
	dk_err err;
	int fd;

	if (!native_vector_read(path, v))
		return false;
	file = part(v, "export");
	fd = memfd_create("export", MFD_CLOEXEC);
	if (fd < 0 || write(fd, file.data, file.len) != (ssize_t)file.len)
		return false;
	key = keyring_open(keys, need(v, "key"), DK_SIDE_AUDITOR);
	err = open_all(v, fd, dk_key_local_pkey(key), false);
	if (err == DK_OK)
		err = write_again(v, fd, dk_key_local_pkey(key), &file);
	dk_export_clear(&x);
	dk_key_free(key);
	(void)close(fd);
	(void)snprintf(
	    got, sizeof(got), "%s %s", dk_category_name(dk_err_category(err)), dk_err_name(err));
	return folder_same(v->path, "expect", err == DK_OK ? "success" : got, need(v, "expect")) &&
	    !v->differs;
}

int
main(int argc, char **argv)
{
	static struct vector vector;

	if (argc != 3)
		return 2;
	keys = argv[1];
	return folder_run(argv[2], run, &vector);
}
