/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of the log keys: "DKLOGK1\n", u16 length and origin, Ed25519 seed and
 * public key (32 each), P-256 SubjectPublicKeyInfo (91), scalar (32).
 */
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "format/schedule.h"
#include "logd/logd.h"

bool
log_key_write(int fd, const struct dk_log_signer *signer)
{
	uint8_t buf[LOGD_KEY_MAX_BYTES], scalar[DK_PKEY_PRIVATE_MAX_BYTES];
	size_t len = sizeof(scalar);
	struct dk_writer_buf wr;
	bool ok;

	if (dk_pkey_private_bytes(signer->p256, scalar, &len) != DK_OK || len != 32)
		return false;
	dk_wr_init(&wr, buf, sizeof(buf));
	dk_wr_bytes(&wr, "DKLOGK1\n", 8);
	dk_wr_u16(&wr, (uint16_t)strlen(signer->keys.origin));
	dk_wr_bytes(&wr, signer->keys.origin, strlen(signer->keys.origin));
	dk_wr_bytes(&wr, signer->seed.bytes, 32);
	dk_wr_bytes(&wr, signer->keys.ed25519, 32);
	dk_wr_bytes(&wr, signer->keys.p256, DK_P256_SPKI_BYTES);
	dk_wr_bytes(&wr, scalar, 32);
	ok = !wr.failed && write(fd, buf, wr.len) == (ssize_t)wr.len && fsync(fd) == 0;
	dk_wipe(scalar, sizeof(scalar));
	dk_wipe(buf, sizeof(buf));
	return ok;
}

bool
log_key_id(const struct dk_log_signer *signer, uint8_t ret_id[DK_SHA256_BYTES])
{
	const struct dk_log_keys *k = &signer->keys;
	const struct dk_part parts[] = { { k->ed25519, sizeof(k->ed25519) },
		{ k->p256, sizeof(k->p256) }, { k->origin, strlen(k->origin) } };

	return dk_sha256(parts, 3, ret_id) == DK_OK;
}

bool
log_key_head(const struct dk_log_signer *signer, struct dk_secret48 *ret_key)
{
	dk_auto_secret48 prk = { { 0 } };
	uint8_t info[DK_INFO_MAX_BYTES];
	size_t len;

	return dk_info("store-head-key", NULL, 0, info, &len) == DK_OK &&
	    dk_hkdf_extract(DK_SHA384, info, len, signer->seed.bytes, sizeof(signer->seed.bytes),
		&prk) == DK_OK &&
	    dk_hkdf_expand(DK_SHA384, &prk, info, len, ret_key->bytes, sizeof(ret_key->bytes)) ==
	    DK_OK;
}

static bool
parse(struct dk_reader_buf *rd, struct dk_log_signer *signer)
{
	const uint8_t *magic = dk_rd_bytes(rd, 8);
	size_t origin_len = dk_rd_u16(rd);
	const uint8_t *origin = dk_rd_bytes(rd, origin_len);
	const uint8_t *seed = dk_rd_bytes(rd, 32);
	const uint8_t *ed = dk_rd_bytes(rd, 32);
	const uint8_t *spki = dk_rd_bytes(rd, DK_P256_SPKI_BYTES);
	const uint8_t *scalar = dk_rd_bytes(rd, 32);

	if (rd->failed || dk_rd_left(rd) > 0 || memcmp(magic, "DKLOGK1\n", 8) != 0 ||
	    origin_len > DK_ORIGIN_MAX_BYTES)
		return false;
	memcpy(signer->keys.origin, origin, origin_len);
	memcpy(signer->seed.bytes, seed, 32);
	memcpy(signer->keys.ed25519, ed, 32);
	memcpy(signer->keys.p256, spki, DK_P256_SPKI_BYTES);
	return dk_ed25519_new(&signer->seed, &signer->ed25519) == DK_OK &&
	    dk_pkey_from_private(
		DK_KEY_P256, spki, DK_P256_SPKI_BYTES, scalar, 32, &signer->p256) == DK_OK;
}

bool
log_key_read(int fd, struct dk_log_signer *ret_signer)
{
	uint8_t buf[LOGD_KEY_MAX_BYTES];
	struct dk_reader_buf rd;
	ssize_t n = read(fd, buf, sizeof(buf));
	bool ok;

	*ret_signer = (struct dk_log_signer){ .p256 = NULL };
	if (n <= 0)
		return false;
	dk_rd_init(&rd, buf, (size_t)n);
	ok = parse(&rd, ret_signer);
	dk_wipe(buf, sizeof(buf));
	return ok;
}
