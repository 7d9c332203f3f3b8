/* SPDX-License-Identifier: Apache-2.0 */
#include "backup/archive.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "crypto/crypto.h"

#define MAGIC "DKBACK1\n"
#define PARAMS_BYTES (8 + 12 + DK_ARGON2_SALT_BYTES)
#define HEAD_BYTES (PARAMS_BYTES + DK_SHA256_BYTES)

const char *
archive_text(enum archive_err err)
{
	static const char *const texts[] = { "ok", "backup-foreign: this is not a backup",
		"backup-passphrase: the passphrase of the backup is wrong",
		"backup-damaged: the backup was changed or cut",
		"backup-io: the backup cannot be read or written" };

	return texts[err];
}

static bool
write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* Up to len bytes; fewer only at the end of the file. */
static bool
read_some(int fd, uint8_t *out, size_t len, size_t *ret_len)
{
	*ret_len = 0;
	while (*ret_len < len) {
		ssize_t n = read(fd, out + *ret_len, len - *ret_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;
		*ret_len += (size_t)n;
	}
	return true;
}

static dk_err
derive(const uint8_t head[PARAMS_BYTES], const struct dk_argon2 *params,
    const struct passphrase *passphrase, struct dk_secret32 *ret_key,
    uint8_t ret_aad[DK_SHA384_BYTES])
{
	const struct dk_part part = { head, PARAMS_BYTES };
	dk_err err;

	err = dk_argon2id(params, passphrase->bytes, passphrase->len, ret_key);
	return err == DK_OK ? dk_sha384(&part, 1, ret_aad) : err;
}

enum archive_err
archive_create(struct archive *a, int fd, const struct passphrase *passphrase, uint32_t memory_kib)
{
	struct dk_argon2 params = { .passes = 3, .memory_kib = memory_kib, .lanes = 4 };
	uint8_t head[HEAD_BYTES + DK_FLOE_HEADER_BYTES], aad[DK_SHA384_BYTES];
	const struct dk_part part = { head, PARAMS_BYTES };
	dk_auto_secret32 key = { { 0 } };
	struct dk_writer_buf wr;

	a->fd = fd;
	if (dk_random(params.salt, sizeof(params.salt)) != DK_OK)
		return ARCHIVE_IO;
	dk_wr_init(&wr, head, PARAMS_BYTES);
	dk_wr_bytes(&wr, MAGIC, 8);
	dk_wr_u32(&wr, params.passes);
	dk_wr_u32(&wr, params.memory_kib);
	dk_wr_u32(&wr, params.lanes);
	dk_wr_bytes(&wr, params.salt, sizeof(params.salt));
	if (dk_sha256(&part, 1, head + PARAMS_BYTES) != DK_OK ||
	    derive(head, &params, passphrase, &key, aad) != DK_OK ||
	    dk_floe_lane_new(&a->lane) != DK_OK ||
	    dk_floe_seal_start(&key, aad, sizeof(aad), ARCHIVE_SEGMENT_BYTES, DK_FLOE_ROTATION_BITS,
		&a->floe, head + HEAD_BYTES) != DK_OK)
		return ARCHIVE_IO;
	return write_all(fd, head, sizeof(head)) ? ARCHIVE_OK : ARCHIVE_IO;
}

static enum archive_err
put_segment(struct archive *a, bool final)
{
	uint8_t out[ARCHIVE_SEGMENT_BYTES];

	if (dk_floe_lane_seal(a->lane, &a->floe, a->position++, final, a->plain, a->len, out) !=
		DK_OK ||
	    !write_all(a->fd, out, a->len + DK_FLOE_SEGMENT_OVERHEAD_BYTES))
		return ARCHIVE_IO;
	a->len = 0;
	return ARCHIVE_OK;
}

enum archive_err
archive_write(struct archive *a, const void *data, size_t len)
{
	const uint8_t *p = data;
	enum archive_err err;

	while (len > 0) {
		size_t n = ARCHIVE_PLAIN_BYTES - a->len < len ? ARCHIVE_PLAIN_BYTES - a->len : len;

		/* A full one goes out when more follows: the last is never empty. */
		if (n == 0) {
			err = put_segment(a, false);
			if (err != ARCHIVE_OK)
				return err;
			continue;
		}
		memcpy(a->plain + a->len, p, n);
		a->len += n;
		p += n;
		len -= n;
	}
	return ARCHIVE_OK;
}

enum archive_err
archive_finish(struct archive *a)
{
	enum archive_err err = put_segment(a, true);

	return err == ARCHIVE_OK && fsync(a->fd) != 0 ? ARCHIVE_IO : err;
}

enum archive_err
archive_open(struct archive *a, int fd, const struct passphrase *passphrase)
{
	uint8_t head[HEAD_BYTES + DK_FLOE_HEADER_BYTES], aad[DK_SHA384_BYTES];
	uint8_t sum[DK_SHA256_BYTES];
	const struct dk_part part = { head, PARAMS_BYTES };
	dk_auto_secret32 key = { { 0 } };
	struct dk_argon2 params;
	struct dk_reader_buf rd;
	size_t len;

	a->fd = fd;
	if (!read_some(fd, head, sizeof(head), &len))
		return ARCHIVE_IO;
	if (len < 8 || memcmp(head, MAGIC, 8) != 0)
		return ARCHIVE_FOREIGN;
	if (len < sizeof(head) || dk_sha256(&part, 1, sum) != DK_OK ||
	    memcmp(sum, head + PARAMS_BYTES, sizeof(sum)) != 0)
		return ARCHIVE_DAMAGED;
	dk_rd_init(&rd, head + 8, PARAMS_BYTES - 8);
	params.passes = dk_rd_u32(&rd);
	params.memory_kib = dk_rd_u32(&rd);
	params.lanes = dk_rd_u32(&rd);
	memcpy(params.salt, dk_rd_bytes(&rd, sizeof(params.salt)), sizeof(params.salt));
	if (!dk_argon2_valid(&params))
		return ARCHIVE_DAMAGED;
	if (derive(head, &params, passphrase, &key, aad) != DK_OK ||
	    dk_floe_lane_new(&a->lane) != DK_OK)
		return ARCHIVE_IO;
	if (dk_floe_open_start(&key, aad, sizeof(aad), ARCHIVE_SEGMENT_BYTES, DK_FLOE_ROTATION_BITS,
		head + HEAD_BYTES, &a->floe) != DK_OK)
		return ARCHIVE_PASSPHRASE;
	return read_some(fd, a->next, sizeof(a->next), &a->next_len) ? ARCHIVE_OK : ARCHIVE_IO;
}

/* Which segment is the last one is seen by reading one ahead. */
static enum archive_err
get_segment(struct archive *a)
{
	uint8_t ahead[ARCHIVE_SEGMENT_BYTES];
	size_t ahead_len;

	if (a->ended)
		return ARCHIVE_DAMAGED;
	if (!read_some(a->fd, ahead, sizeof(ahead), &ahead_len))
		return ARCHIVE_IO;
	a->ended = ahead_len == 0;
	if (dk_floe_lane_open(a->lane, &a->floe, a->position++, a->ended, a->next, a->next_len,
		a->plain, &a->len) != DK_OK)
		return ARCHIVE_DAMAGED;
	memcpy(a->next, ahead, ahead_len);
	a->next_len = ahead_len;
	a->at = 0;
	return ARCHIVE_OK;
}

enum archive_err
archive_read(struct archive *a, void *out, size_t len)
{
	enum archive_err err;
	uint8_t *p = out;

	while (len > 0) {
		size_t n = a->len - a->at < len ? a->len - a->at : len;

		if (n == 0) {
			err = get_segment(a);
			if (err != ARCHIVE_OK)
				return err;
			continue;
		}
		memcpy(p, a->plain + a->at, n);
		a->at += n;
		p += n;
		len -= n;
	}
	return ARCHIVE_OK;
}

bool
archive_at_end(struct archive *a)
{
	return a->ended && a->at == a->len;
}

void
archive_clear(struct archive *a)
{
	dk_floe_lane_free(a->lane);
	dk_wipe(a, sizeof(*a));
}
