/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the vectors of logs through the library.
 *
 * usage: run_log FOLDER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "log/checkpoint.h"
#include "log/gossip.h"
#include "log/merkle.h"
#include "log/proof.h"
#include "log/quorum.h"
#include "log/records.h"
#include "native_vector.h"

static dk_err
note(struct vector *v)
{
	const struct dk_part data = part(v, "note");
	const char *text = need(v, "key");
	struct dk_note_seen seen;
	struct dk_note_key key;
	struct dk_note note;
	dk_err err;

	err = dk_note_key_parse(text, strlen(text), &key);
	if (err == DK_OK)
		err = dk_note_parse(data.data, data.len, &note);
	if (err == DK_OK)
		err = dk_note_verify(&note, &key, &seen);
	if (err != DK_OK)
		return err;
	found_number(v, "signatures", seen.count);
	found_number(v, "time", seen.time);
	return DK_OK;
}

static dk_err
vkey(struct vector *v)
{
	const struct dk_part data = part(v, "vkey");
	char again[DK_VKEY_MAX_BYTES];
	struct dk_note_key key;
	dk_err err = dk_note_key_parse(data.data, data.len, &key);

	if (err != DK_OK)
		return err;
	found(v, "name", key.name);
	found_hex(v, "id", key.id, sizeof(key.id));
	found_number(v, "type", key.type);
	if (dk_note_key_text(&key, again) != DK_OK || strlen(again) != data.len ||
	    memcmp(again, data.data, data.len) != 0) {
		printf("FAIL %s: written again it is %s\n", v->path, again);
		v->differs = true;
	}
	return DK_OK;
}

static dk_err
cosign(struct vector *v)
{
	const struct dk_part text = part(v, "text"), want = part(v, "line");
	const struct dk_note note = { .text = text.data, .text_len = text.len };
	uint8_t public_key[DK_ED25519_BYTES];
	char line[DK_NOTE_LINE_MAX_BYTES + 1];
	struct dk_ed25519 *signer = NULL;
	struct dk_secret32 seed;
	struct dk_note_key key;
	size_t len;
	dk_err err;

	need_hex(v, "seed", seed.bytes, 32);
	err = dk_ed25519_public(&seed, public_key);
	if (err == DK_OK)
		err = dk_note_key_make(
		    DK_NOTE_COSIGNATURE, need(v, "name"), public_key, sizeof(public_key), &key);
	if (err == DK_OK)
		err = dk_ed25519_new(&seed, &signer);
	if (err == DK_OK)
		err = dk_cosignature_write(
		    signer, &key, &note, strtoull(need(v, "time"), NULL, 10), line, &len);
	dk_ed25519_free(signer);
	if (err == DK_OK && (len != want.len || memcmp(line, want.data, len) != 0)) {
		printf("FAIL %s: %s\n", v->path, line);
		v->differs = true;
	}
	return err;
}

static dk_err
checkpoint(struct vector *v)
{
	const struct dk_part data = part(v, "note");
	char origin[DK_ORIGIN_MAX_BYTES + 1] = "";
	struct dk_checkpoint cp;
	struct dk_note note;
	const char *at;
	size_t len;
	dk_err err;

	err = dk_note_parse(data.data, data.len, &note);
	if (err == DK_OK)
		err = dk_checkpoint_parse(&note, &at, &len, &cp);
	if (err != DK_OK)
		return err;
	memcpy(origin, at, len < sizeof(origin) ? len : sizeof(origin) - 1);
	found(v, "origin", origin);
	found_number(v, "size", cp.size);
	found_hex(v, "root", cp.root, sizeof(cp.root));
	return DK_OK;
}

static dk_err
policy(struct vector *v)
{
	const struct dk_part text = part(v, "policy"), data = part(v, "note");
	static struct dk_quorum quorum;
	struct dk_quorum_seen seen;
	struct dk_note note;
	unsigned line;
	dk_err err;

	err = dk_quorum_parse(text.data, text.len, &quorum, &line);
	if (err != DK_OK) {
		found_number(v, "line", line);
		return err;
	}
	err = dk_note_parse(data.data, data.len, &note);
	if (err == DK_OK)
		err = dk_quorum_check(&quorum, &note, &seen);
	if (err != DK_OK)
		return err;
	found(v, "reached", seen.reached ? "yes" : "no");
	return DK_OK;
}

static dk_err
consistency(struct vector *v)
{
	const struct dk_part proof = part(v, "proof");
	uint8_t from_root[32], root[32];

	need_hex(v, "from-root", from_root, 32);
	need_hex(v, "root", root, 32);
	return dk_merkle_consistency_verify(strtoull(need(v, "from"), NULL, 10), from_root,
	    strtoull(need(v, "size"), NULL, 10), root, proof.data, proof.len / 32);
}

static dk_err
proof(struct vector *v)
{
	const struct dk_part data = part(v, "proof");
	const char *text = need(v, "key");
	static struct dk_log_proof proof;
	static char again[DK_LOG_PROOF_FILE_MAX_BYTES];
	struct dk_checkpoint cp;
	struct dk_note_seen seen;
	struct dk_note_key key;
	struct dk_note note;
	const char *origin;
	size_t len;
	dk_err err;

	err = dk_note_key_parse(text, strlen(text), &key);
	if (err == DK_OK)
		err = dk_log_proof_parse(data.data, data.len, &proof);
	if (err == DK_OK &&
	    (dk_log_proof_write(&proof, again, &len) != DK_OK || len != data.len ||
		memcmp(again, data.data, len) != 0)) {
		printf("FAIL %s: written again it is another file\n", v->path);
		v->differs = true;
	}
	if (err == DK_OK)
		err = dk_note_parse(proof.checkpoint, proof.checkpoint_len, &note);
	if (err == DK_OK)
		err = dk_checkpoint_parse(&note, &origin, &len, &cp);
	if (err == DK_OK)
		err = dk_note_verify(&note, &key, &seen);
	if (err == DK_OK && seen.count == 0)
		err = DK_ERR_LOG_KEY;
	if (err == DK_OK)
		err = dk_log_proof_check(&proof, &cp, proof.extra, proof.extra_len);
	if (err == DK_OK)
		found_number(v, "index", proof.index);
	return err;
}

/* From a descriptor, as always. */
static dk_err
records(struct vector *v)
{
	const struct dk_part data = part(v, "records");
	struct dk_records_entry entry = { .index = 0 };
	struct dk_records r;
	FILE *file = tmpfile();
	bool more = true;
	dk_err err = DK_ERR_READ;

	if (file && fwrite(data.data, 1, data.len, file) == data.len && fflush(file) == 0 &&
	    lseek(fileno(file), 0, SEEK_SET) == 0)
		err = dk_records_init(&r, fileno(file));
	if (err != DK_OK)
		return err;
	while (err == DK_OK && more)
		err = dk_records_next(&r, &entry, &more);
	found_number(v, err == DK_OK ? "entries" : "at", r.count);
	if (err == DK_OK && r.count > 0)
		found_number(v, "last", entry.index);
	dk_records_clear(&r);
	(void)fclose(file);
	return err;
}

static dk_err
gossip(struct vector *v)
{
	const struct dk_part data = part(v, "gossip");
	static struct dk_gossip_note notes[DK_GOSSIP_NOTES_MAX];
	size_t n;
	dk_err err = dk_gossip_parse(data.data, data.len, notes, DK_GOSSIP_NOTES_MAX, &n);

	if (err == DK_OK)
		found_number(v, "notes", n);
	return err;
}

static const struct {
	const char *name;
	dk_err (*run)(struct vector *v);
} kinds[] = {
	{ "note", note },
	{ "cosign", cosign },
	{ "vkey", vkey },
	{ "checkpoint", checkpoint },
	{ "policy", policy },
	{ "consistency", consistency },
	{ "proof", proof },
	{ "records", records },
	{ "gossip", gossip },
};

static bool
run(void *ctx, const char *path)
{
	struct vector *v = ctx;
	char got[64];
	dk_err err;

	if (!native_vector_read(path, v))
		return false;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(need(v, "kind"), kinds[i].name) != 0)
			continue;
		err = kinds[i].run(v);
		(void)snprintf(got, sizeof(got), "%s %s", dk_category_name(dk_err_category(err)),
		    dk_err_name(err));
		return folder_same(
			   v->path, "expect", err == DK_OK ? "success" : got, need(v, "expect")) &&
		    !v->differs;
	}
	printf("FAIL %s: unknown kind\n", path);
	return false;
}

int
main(int argc, char **argv)
{
	static struct vector vector;

	if (argc != 2)
		return 2;
	return folder_run(argv[1], run, &vector);
}
