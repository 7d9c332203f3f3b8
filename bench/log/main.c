/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs to measure with: bench/log_rows.py, bench/assess_rows.py.
 *
 * usage: logs make DIR ENTRIES [RECORDS [OBJECTS]]   a log of releases, and the file of its
 * records; with OBJECTS it begins as a service's does, and the core digest of object N is SHA-384
 * of N in 8 bytes logs prove DIR ENTRIES COUNT      the tiles that COUNT proofs of a large log
 * need, whose entries are all the same; then the proofs, timed
 *
 * Prints "key=VKEY", or "median=... p99=... max=..." in microseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/base64.h"
#include "crypto/hash.h"
#include "log/proof.h"
#include "log/records.h"
#include "log/tile.h"

#define ORIGIN "bench.example.net/log"
#define BEGIN_S UINT64_C(1924992000)
#define PER_MINUTE 10000
#define BEGINNING 5      /* entries before the first release */
#define OBJECT_STEP 7919 /* so that objects come in another order than they are sorted */
#define BUNDLE_BYTES (DK_TILE_WIDTH * (2 + DK_LEAF_BYTES))

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "logs: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
put_file(const char *name, const void *data, size_t len)
{
	char part[DK_TILE_PATH_BYTES];
	FILE *file;

	for (size_t i = 1; name[i] != '\0'; i++) {
		if (name[i] != '/')
			continue;
		(void)snprintf(part, sizeof(part), "%.*s", (int)i, name);
		need(mkdir(part, 0755) == 0 || errno == EEXIST, part);
	}
	file = fopen(name, "wb");
	need(file && fwrite(data, 1, len, file) == len && fclose(file) == 0, name);
}

static void
put_tile(unsigned level, uint64_t index, unsigned width, const void *data, size_t len)
{
	char name[DK_TILE_PATH_BYTES];

	dk_tile_path(level, index, width, name);
	put_file(name, data, len);
}

static void
put_checkpoint(uint64_t size, const uint8_t root[32])
{
	struct dk_secret32 seed = { "a key that measures and nothing" };
	uint8_t public_key[DK_ED25519_BYTES], sig[DK_ED25519_SIGNATURE_BYTES];
	char text[1024], line[DK_NOTE_LINE_MAX_BYTES + 1], vkey[DK_VKEY_MAX_BYTES], b64[64];
	struct dk_ed25519 *signer = NULL;
	struct dk_note_key key;
	size_t len;

	need(dk_ed25519_public(&seed, public_key) == DK_OK &&
		dk_note_key_make(DK_NOTE_ED25519, ORIGIN, public_key, 32, &key) == DK_OK &&
		dk_ed25519_new(&seed, &signer) == DK_OK &&
		dk_base64_encode(root, 32, b64, sizeof(b64)) == DK_OK,
	    "the key");
	len = (size_t)snprintf(text, sizeof(text), ORIGIN "\n%" PRIu64 "\n%s\n", size, b64);
	need(dk_ed25519_sign(signer, (const uint8_t *)text, len, sig) == DK_OK &&
		dk_note_line_write(&key, sig, sizeof(sig), line, &len) == DK_OK &&
		dk_note_key_text(&key, vkey) == DK_OK,
	    "the signature");
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "\n%s", line);
	put_file("checkpoint", text, strlen(text));
	dk_ed25519_free(signer);
	printf("key=%s\n", vkey);
}

/* ---- a log with all of its entries ---- */

static struct {
	uint64_t index[DK_TILE_LEVELS]; /* of the tile that is being filled */
	unsigned width[DK_TILE_LEVELS];
	uint8_t row[DK_TILE_LEVELS][DK_TILE_BYTES];
	uint8_t bundle[BUNDLE_BYTES];
	FILE *records;
	uint64_t objects; /* 0: as many as entries, without digests */
} log_;

static void
add_hash(unsigned level, const uint8_t hash[32])
{
	uint8_t above[DK_TILE_BYTES], root[32];

	memcpy(log_.row[level] + (size_t)log_.width[level]++ * 32, hash, 32);
	if (log_.width[level] < DK_TILE_WIDTH)
		return;
	put_tile(level, log_.index[level], DK_TILE_WIDTH, log_.row[level], DK_TILE_BYTES);
	if (level == 0)
		put_tile(DK_TILE_ENTRIES, log_.index[0], DK_TILE_WIDTH, log_.bundle, BUNDLE_BYTES);
	memcpy(above, log_.row[level], sizeof(above));
	need(dk_tile_root(above, DK_TILE_WIDTH, root) == DK_OK, "a hash");
	log_.index[level]++;
	log_.width[level] = 0;
	add_hash(level + 1, root);
}

static void
name_object(uint64_t i, struct dk_log_object *object)
{
	uint8_t number[8];

	if (log_.objects == 0) {
		memcpy(object->object_id, &i, sizeof(i));
		return;
	}
	i = i * OBJECT_STEP % log_.objects;
	for (unsigned at = 0; at < 8; at++)
		number[at] = (uint8_t)(i >> (8 * (7 - at)));
	memcpy(object->object_id, number, sizeof(number));
	need(
	    dk_sha384(&(struct dk_part){ number, 8 }, 1, object->core_digest) == DK_OK, "a digest");
}

static void
put_entry(uint64_t i, const struct dk_log_event *event)
{
	static uint8_t record[DK_RECORD_MAX_BYTES];
	uint8_t leaf[DK_LEAF_BYTES], hash[32], head[DK_RECORDS_HEAD_BYTES];
	size_t len;

	need(dk_record_encode(event, record, sizeof(record), &len, leaf) == DK_OK &&
		dk_merkle_leaf(leaf, sizeof(leaf), hash) == DK_OK,
	    "a record");
	if (log_.records) {
		dk_records_head(i, leaf, len, head);
		need(fwrite(head, 1, sizeof(head), log_.records) == sizeof(head) &&
			fwrite(record, 1, len, log_.records) == len,
		    "records");
	}
	log_.bundle[log_.width[0] * (2 + DK_LEAF_BYTES)] = 0;
	log_.bundle[log_.width[0] * (2 + DK_LEAF_BYTES) + 1] = DK_LEAF_BYTES;
	memcpy(log_.bundle + log_.width[0] * (2 + DK_LEAF_BYTES) + 2, leaf, sizeof(leaf));
	add_hash(0, hash);
}

/* What a service begins with: one key, one device. */
static void
add_beginning(void)
{
	static const uint16_t classes[BEGINNING] = { DK_LOG_BEGUN, DK_LOG_STARTED,
		DK_LOG_KEY_CREATED, DK_LOG_CODE_MADE, DK_LOG_DEVICE_ENROLLED };

	for (uint64_t i = 0; i < BEGINNING; i++) {
		struct dk_log_event event = { .class_ = classes[i],
			.time = BEGIN_S,
			.decision = DK_LOG_DONE,
			.mode = DK_LOG_STRICT,
			.key_name = "finance",
			.has_key_id = true,
			.key_version = 1,
			.user = "alice",
			.has_device = true,
			.device_name = "laptop-7" };

		if (i == 3 || i == 4)
			event.factor_count = 1;
		event.factor[0] =
		    (struct dk_log_factor){ .type = i == 3 ? DK_FACTOR_LOCAL : DK_FACTOR_CODE,
			    .verifier = 4,
			    .root = i == 3 ? 0 : 3 };
		memset(event.key_id, 1, sizeof(event.key_id));
		put_entry(i, &event);
	}
}

static void
add_entry(uint64_t i)
{
	struct dk_log_object object = { .code = 0, .epoch = 1 };
	struct dk_log_event event = { .class_ = DK_LOG_RELEASE,
		.time = BEGIN_S + i / PER_MINUTE * 60,
		.decision = DK_LOG_DONE,
		.mode = DK_LOG_PROMPT,
		.front = DK_LOG_NATIVE,
		.level = DK_LOG_LEVEL_A,
		.has_policy = true,
		.has_request = true,
		.has_recipient = true,
		.factor_count = 1,
		.factor = { { .type = DK_FACTOR_DEVICE, .verifier = 4, .root = BEGINNING - 1 } },
		.user = "alice",
		.has_device = true,
		.has_address = true,
		.object_count = 1,
		.objects = &object };

	name_object(i, &object);
	put_entry(i, &event);
}

static void
make(const char *dir, uint64_t size, const char *records)
{
	struct dk_log_source source;
	struct dk_tree_nodes nodes;
	static struct dk_tiles tiles;
	uint8_t root[32];

	log_.records = records ? fopen(records, "wb") : NULL;
	need(!records || (log_.records && fputs(DK_RECORDS_MAGIC, log_.records) >= 0), "records");
	need((mkdir(dir, 0755) == 0 || errno == EEXIST) && chdir(dir) == 0, dir);
	if (log_.objects > 0)
		add_beginning();
	for (uint64_t i = log_.objects > 0 ? BEGINNING : 0; i < size; i++)
		add_entry(i);
	for (unsigned level = 0; level < DK_TILE_LEVELS; level++)
		if (log_.width[level] > 0)
			put_tile(level, log_.index[level], log_.width[level], log_.row[level],
			    (size_t)log_.width[level] * 32);
	if (log_.width[0] > 0)
		put_tile(DK_TILE_ENTRIES, log_.index[0], log_.width[0], log_.bundle,
		    (size_t)log_.width[0] * (2 + DK_LEAF_BYTES));
	need(!log_.records || fclose(log_.records) == 0, "records");
	need(dk_log_folder_open(".", &source) == DK_OK, dir);
	dk_tiles_init(&tiles, &source, size, &nodes);
	need(dk_tree_root(&nodes, size, root) == DK_OK, "the root");
	put_checkpoint(size, root);
	dk_log_source_close(&source);
}

/* ---- proofs of a large log ---- */

/* Every tile that a proof can need: of the entry's path, and of the right edge. */
static void
put_path(uint64_t index, uint64_t size, uint8_t hash[DK_TILE_LEVELS][32])
{
	uint8_t tile[DK_TILE_BYTES];

	for (unsigned level = 0; size >> (8 * level) > 0; level++) {
		uint64_t at = index >> (8 * level) >> 8;
		unsigned width = dk_tile_width(size, level, at);

		for (unsigned i = 0; i < width; i++)
			memcpy(tile + (size_t)i * 32, hash[level], 32);
		if (width > 0)
			put_tile(level, at, width, tile, (size_t)width * 32);
	}
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* One proof with nothing kept from the one before, and checked. */
static double
prove_one(const struct dk_log_source *source, uint64_t index, uint64_t size, const uint8_t leaf[32],
    const uint8_t root[32])
{
	static struct dk_tiles tiles;
	uint8_t hashes[DK_PROOF_HASHES_MAX * 32], got[32];
	struct dk_tree_nodes nodes;
	double begun = now_us(), took;
	unsigned n;

	dk_tiles_init(&tiles, source, size, &nodes);
	need(dk_tree_inclusion(&nodes, index, size, hashes, &n) == DK_OK, "a proof");
	took = now_us() - begun;
	need(dk_merkle_inclusion_root(leaf, index, size, hashes, n, got) == DK_OK &&
		memcmp(got, root, 32) == 0,
	    "the proof");
	return took;
}

static void
prove(const char *dir, uint64_t size, unsigned count)
{
	uint8_t hash[DK_TILE_LEVELS][32], tile[DK_TILE_BYTES], root[32];
	double *took = calloc(count, sizeof(*took));
	struct dk_log_source source;
	static struct dk_tiles tiles;
	struct dk_tree_nodes nodes;

	need(took && (mkdir(dir, 0755) == 0 || errno == EEXIST) && chdir(dir) == 0, dir);
	need(dk_merkle_leaf((const uint8_t *)"entry", 5, hash[0]) == DK_OK, "a hash");
	for (unsigned level = 1; level < DK_TILE_LEVELS; level++) {
		for (unsigned i = 0; i < DK_TILE_WIDTH; i++)
			memcpy(tile + (size_t)i * 32, hash[level - 1], 32);
		need(dk_tile_root(tile, DK_TILE_WIDTH, hash[level]) == DK_OK, "a hash");
	}
	put_path(size, size, hash);
	put_path(size - 1, size, hash);
	for (unsigned i = 0; i < count; i++)
		put_path(size / count * i + i % 256, size, hash);
	need(dk_log_folder_open(".", &source) == DK_OK, dir);
	dk_tiles_init(&tiles, &source, size, &nodes);
	need(dk_tree_root(&nodes, size, root) == DK_OK, "the root");
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < count; i++)
			took[i] =
			    prove_one(&source, size / count * i + i % 256, size, hash[0], root);
	qsort(took, count, sizeof(*took), by_value);
	printf("median=%.1f p99=%.1f max=%.1f\n", took[count / 2], took[(size_t)count * 99 / 100],
	    took[count - 1]);
	dk_log_source_close(&source);
	free(took);
}

int
main(int argc, char **argv)
{
	if (argc == 6)
		log_.objects = strtoull(argv[5], NULL, 10);
	if (argc >= 4 && argc <= 6 && strcmp(argv[1], "make") == 0)
		make(argv[2], strtoull(argv[3], NULL, 10), argv[4]);
	else if (argc == 5 && strcmp(argv[1], "prove") == 0)
		prove(argv[2], strtoull(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10));
	else
		return 2;
	return 0;
}
