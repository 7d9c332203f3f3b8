/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs known-answer tests of FLOE: floe_kats --floe-kats DIR
 *
 * Every NAME_ct.txt in DIR is a ciphertext in hex and NAME_pt.txt its plaintext.
 * The key is 32 zero bytes and the associated data "This is AAD"; the segment
 * length stands in the ciphertext. A NAME that ends in "rotation" takes a new
 * AEAD key every 4 segments. Exits 0 if all pass and there is at least one.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "format/floe.h"

#define FILE_MAX_BYTES (64u << 20)
#define ROTATION_BITS_OF_TEST 2

static const uint8_t aad[] = "This is AAD";
#define AAD_BYTES (sizeof(aad) - 1)

struct bytes {
	uint8_t *data;
	size_t len;
};

/* The bytes of a file of hex digits and white space behind them. */
static bool
load(const char *dir, const char *name, const char *end, struct bytes *ret)
{
	char path[4096];
	char *text = calloc(1, FILE_MAX_BYTES + 1);
	size_t len = 0;
	bool ok = false;
	FILE *f = NULL;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s%s", dir, name, end) < sizeof(path))
		f = fopen(path, "r");
	if (f != NULL && text != NULL)
		len = fread(text, 1, FILE_MAX_BYTES, f);
	while (len > 0 && strchr(" \r\n\t", text[len - 1]) != NULL)
		text[--len] = 0;
	ret->len = len / 2;
	ret->data = malloc(ret->len + 1);
	if (f != NULL && text != NULL && ret->data != NULL)
		ok = !ferror(f) && len % 2 == 0 && dk_unhex(text, ret->data, ret->len);
	if (f != NULL)
		(void)fclose(f);
	free(text);
	return ok;
}

static uint32_t
word(const uint8_t *p)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, p, 4);
	return dk_rd_u32(&rd);
}

/* Opens the segments at in, one behind the other; *ret_len counts the plaintext. */
static dk_err
open_segments(struct dk_floe_lane *lane, const struct dk_floe *floe, const uint8_t *in, size_t len,
    uint8_t *out, size_t *ret_len)
{
	size_t pos = 0;
	size_t done = 0;
	bool final = false;

	for (uint64_t position = 0; !final; position++) {
		size_t take = floe->segment_len;
		size_t got;
		dk_err err;

		if (len - pos < DK_FLOE_SEGMENT_OVERHEAD_BYTES)
			return DK_ERR_FINAL_MISSING;
		final = word(in + pos) != UINT32_MAX;
		if (final)
			take = word(in + pos);
		if (take > len - pos)
			return DK_ERR_TRUNCATED;
		err = dk_floe_lane_open(
		    lane, floe, position, final, in + pos, take, out + done, &got);
		if (err != DK_OK)
			return err;
		pos += take;
		done += got;
	}
	if (pos != len)
		return DK_ERR_TRAILING;
	*ret_len = done;
	return DK_OK;
}

/* Seals pt as one body; out has room for twice its length and 1,024 bytes. */
static dk_err
seal_segments(struct dk_floe_lane *lane, const struct dk_floe *floe, const struct bytes *pt,
    uint8_t *out, size_t *ret_len)
{
	size_t full = floe->segment_len - DK_FLOE_SEGMENT_OVERHEAD_BYTES;
	size_t pos = 0;
	bool final = false;

	*ret_len = 0;
	for (uint64_t position = 0; !final; position++) {
		size_t take = pt->len - pos < full ? pt->len - pos : full;
		dk_err err;

		final = pos + take == pt->len;
		err = dk_floe_lane_seal(
		    lane, floe, position, final, pt->data + pos, take, out + *ret_len);
		if (err != DK_OK)
			return err;
		pos += take;
		*ret_len += take + DK_FLOE_SEGMENT_OVERHEAD_BYTES;
	}
	return DK_OK;
}

static dk_err
check_open(struct dk_floe_lane *lane, const struct bytes *ct, const struct bytes *pt, unsigned bits)
{
	const struct dk_secret32 key = { { 0 } };
	uint8_t *out = malloc(ct->len + 1);
	struct dk_floe floe;
	size_t len = 0;
	dk_err err = DK_ERR_TRUNCATED;

	if (ct->len >= DK_FLOE_HEADER_BYTES)
		err = dk_floe_open_start(
		    &key, aad, AAD_BYTES, word(ct->data + 2), bits, ct->data, &floe);
	if (err == DK_OK)
		err = open_segments(lane, &floe, ct->data + DK_FLOE_HEADER_BYTES,
		    ct->len - DK_FLOE_HEADER_BYTES, out, &len);
	if (err == DK_OK && (len != pt->len || memcmp(out, pt->data, len) != 0))
		err = DK_ERR_SEGMENT_AUTH;
	free(out);
	return err;
}

/* Seal with the same parameters and open that. */
static dk_err
check_seal(struct dk_floe_lane *lane, const struct bytes *ct, const struct bytes *pt, unsigned bits)
{
	const struct dk_secret32 key = { { 0 } };
	/* At least 8 bytes of plaintext a segment in all known answers. */
	size_t room = DK_FLOE_HEADER_BYTES + 6 * pt->len + 1024;
	struct bytes made = { malloc(room), 0 };
	struct dk_floe floe;
	dk_err err;

	err = dk_floe_seal_start(&key, aad, AAD_BYTES, word(ct->data + 2), bits, &floe, made.data);
	if (err == DK_OK && floe.segment_len < DK_FLOE_SEGMENT_OVERHEAD_BYTES + 8)
		err = DK_ERR_ARGUMENT;
	if (err == DK_OK)
		err = seal_segments(lane, &floe, pt, made.data + DK_FLOE_HEADER_BYTES, &made.len);
	made.len += DK_FLOE_HEADER_BYTES;
	if (err == DK_OK)
		err = check_open(lane, &made, pt, bits);
	free(made.data);
	return err;
}

static bool
run(const char *dir, const char *name)
{
	static const char rotation[] = "rotation";
	size_t len = strlen(name);
	size_t end = sizeof(rotation) - 1;
	unsigned bits = DK_FLOE_ROTATION_BITS;
	struct bytes ct = { NULL, 0 };
	struct bytes pt = { NULL, 0 };
	struct dk_floe_lane *lane = NULL;
	dk_err err = DK_ERR_READ;

	if (len >= end && strcmp(name + len - end, rotation) == 0)
		bits = ROTATION_BITS_OF_TEST;
	if (load(dir, name, "_ct.txt", &ct) && load(dir, name, "_pt.txt", &pt))
		err = dk_floe_lane_new(&lane);
	if (err == DK_OK)
		err = check_open(lane, &ct, &pt, bits);
	if (err == DK_OK)
		err = check_seal(lane, &ct, &pt, bits);
	dk_floe_lane_free(lane);
	free(ct.data);
	free(pt.data);
	printf("%s %s%s%s\n", err == DK_OK ? "ok" : "FAILED", name, err == DK_OK ? "" : ": ",
	    err == DK_OK ? "" : dk_err_name(err));
	return err == DK_OK;
}

int
main(int argc, char **argv)
{
	static const char end[] = "_ct.txt";
	unsigned passed = 0;
	unsigned failed = 0;
	struct dirent *entry;
	DIR *dir;

	if (argc != 3 || strcmp(argv[1], "--floe-kats") != 0) {
		(void)fprintf(stderr, "usage: floe_kats --floe-kats DIR\n");
		return 2;
	}
	dir = opendir(argv[2]);
	if (dir == NULL) {
		perror(argv[2]);
		return 2;
	}
	while ((entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (len < sizeof(end) || strcmp(entry->d_name + len + 1 - sizeof(end), end) != 0)
			continue;
		entry->d_name[len + 1 - sizeof(end)] = 0;
		if (run(argv[2], entry->d_name))
			passed++;
		else
			failed++;
	}
	(void)closedir(dir);
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}
