/* SPDX-License-Identifier: Apache-2.0 */
#include "native/approval.h"

#include <string.h>

#include "format/schedule.h"

static bool
read_text(struct dk_reader_buf *rd, size_t len, char *ret, size_t min, size_t max)
{
	const uint8_t *text = dk_rd_bytes(rd, len);

	if (!text || len < min || len > max || !dk_text_valid(text, len))
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

static bool
read_short(struct dk_reader_buf *rd, char *ret, size_t max)
{
	size_t len = dk_rd_u8(rd);

	return read_text(rd, len, ret, 1, max);
}

static void
write_short(struct dk_writer_buf *wr, const char *text)
{
	dk_wr_u8(wr, (uint8_t)strlen(text));
	dk_wr_bytes(wr, text, strlen(text));
}

static bool
copy(struct dk_reader_buf *rd, void *out, size_t len)
{
	const uint8_t *p = dk_rd_bytes(rd, len);

	if (p)
		memcpy(out, p, len);
	return p;
}

static bool
magic_is(struct dk_reader_buf *rd, const char *magic)
{
	const uint8_t *p = dk_rd_bytes(rd, 4);

	return p && memcmp(p, magic, 4) == 0;
}

/* ---- approvals of a request ---- */

static bool
read_approval(struct dk_reader_buf *rd, struct dk_approval *a)
{
	a->time = dk_rd_u64(rd);
	return copy(rd, a->key_id, sizeof(a->key_id)) &&
	    copy(rd, a->signature, sizeof(a->signature));
}

static void
write_approval(struct dk_writer_buf *wr, const struct dk_approval *a)
{
	dk_wr_u64(wr, a->time);
	dk_wr_bytes(wr, a->key_id, sizeof(a->key_id));
	dk_wr_bytes(wr, a->signature, sizeof(a->signature));
}

dk_err
dk_approvals_parse(const uint8_t *bytes, size_t len, struct dk_approvals *ret_approvals)
{
	struct dk_approvals a = { .count = 0 };
	struct dk_reader_buf rd;

	dk_rd_init(&rd, bytes, len);
	if (!magic_is(&rd, "DKA1") || !read_short(&rd, a.reason, DK_REASON_MAX_BYTES))
		return DK_ERR_SERVICE_APPROVAL;
	a.count = dk_rd_u8(&rd);
	if (a.count == 0 || a.count > DK_APPROVALS_MAX)
		return DK_ERR_SERVICE_APPROVAL;
	for (unsigned i = 0; i < a.count; i++)
		if (!read_approval(&rd, &a.approval[i]) ||
		    (i > 0 && memcmp(a.approval[i - 1].key_id, a.approval[i].key_id, 32) >= 0))
			return DK_ERR_SERVICE_APPROVAL;
	if (rd.failed || dk_rd_left(&rd) > 0)
		return DK_ERR_SERVICE_APPROVAL;
	*ret_approvals = a;
	return DK_OK;
}

void
dk_approvals_write(struct dk_writer_buf *wr, const struct dk_approvals *approvals)
{
	dk_wr_bytes(wr, "DKA1", 4);
	write_short(wr, approvals->reason);
	dk_wr_u8(wr, (uint8_t)approvals->count);
	for (unsigned i = 0; i < approvals->count; i++)
		write_approval(wr, &approvals->approval[i]);
}

/* ---- what is signed ---- */

#define TERMS_MAX_BYTES (DK_INFO_MAX_BYTES + 32 + 8 + 2 + DK_USER_MAX_BYTES + DK_REASON_MAX_BYTES)

static dk_err
write_terms(const struct dk_approval_terms *terms, uint8_t ret[TERMS_MAX_BYTES], size_t *ret_len)
{
	uint8_t prefix[DK_INFO_MAX_BYTES];
	struct dk_writer_buf wr;
	size_t prefix_len;
	dk_err err;

	err = dk_info("approval", NULL, 0, prefix, &prefix_len);
	if (err != DK_OK)
		return err;
	dk_wr_init(&wr, ret, TERMS_MAX_BYTES);
	dk_wr_bytes(&wr, prefix, prefix_len);
	dk_wr_bytes(&wr, terms->request_digest, 32);
	dk_wr_u64(&wr, terms->time);
	write_short(&wr, terms->user);
	write_short(&wr, terms->reason);
	*ret_len = wr.len;
	return wr.failed ? DK_ERR_ARGUMENT : DK_OK;
}

dk_err
dk_approval_sign(const struct dk_pkey *device, const struct dk_approval_terms *terms,
    uint8_t ret_signature[DK_SIGNATURE_BYTES])
{
	uint8_t bytes[TERMS_MAX_BYTES];
	struct dk_part part = { bytes, 0 };
	dk_err err;

	err = write_terms(terms, bytes, &part.len);
	if (err != DK_OK)
		return err;
	return dk_ecdsa_sign(device, &part, 1, ret_signature);
}

dk_err
dk_approval_verify(const struct dk_pkey *device, const struct dk_approval_terms *terms,
    const uint8_t signature[DK_SIGNATURE_BYTES])
{
	uint8_t bytes[TERMS_MAX_BYTES];
	struct dk_part part = { bytes, 0 };
	dk_err err;

	err = write_terms(terms, bytes, &part.len);
	if (err != DK_OK)
		return err;
	return dk_ecdsa_verify(device, &part, 1, signature);
}

/* ---- files ---- */

void
dk_request_file_write(struct dk_writer_buf *wr, const struct dk_request_file *f)
{
	dk_wr_bytes(wr, "DKQ1", 4);
	dk_wr_u16(wr, (uint16_t)strlen(f->base_url));
	dk_wr_bytes(wr, f->base_url, strlen(f->base_url));
	dk_wr_u64(wr, f->sig.created);
	dk_wr_bytes(wr, f->sig.nonce, sizeof(f->sig.nonce));
	dk_wr_bytes(wr, f->device, sizeof(f->device));
	dk_wr_bytes(wr, f->sig.signature, sizeof(f->sig.signature));
	write_short(wr, f->user);
	write_short(wr, f->reason);
	dk_wr_u32(wr, (uint32_t)f->body_len);
	dk_wr_bytes(wr, f->body, f->body_len);
}

static bool
read_url(struct dk_reader_buf *rd, char ret[DK_URL_MAX_BYTES + 1])
{
	size_t len = dk_rd_u16(rd);

	return read_text(rd, len, ret, 1, DK_URL_MAX_BYTES) && dk_base_url_valid(ret);
}

static dk_err
check_signature(struct dk_request_file *f, uint8_t ret_digest[32])
{
	const struct dk_part body = { f->body, f->body_len };
	char base[DK_SIGNATURE_BASE_MAX_BYTES];
	dk_auto_pkey *device = NULL;
	uint8_t hash[32];
	size_t len;
	dk_err err;

	err = dk_pkey_from_spki(f->device, sizeof(f->device), &device);
	if (err != DK_OK || dk_pkey_type(device) != DK_KEY_P256)
		return DK_ERR_SERVICE_REQUEST;
	memcpy(f->sig.key_id, dk_pkey_id(device), sizeof(f->sig.key_id));
	err = dk_sha256(&body, 1, hash);
	if (err == DK_OK)
		err = dk_signature_base(&f->sig, f->base_url, DK_RELEASE_PATH, hash, base, &len);
	if (err == DK_OK)
		err = dk_request_digest(base, len, ret_digest);
	if (err != DK_OK)
		return err == DK_ERR_ARGUMENT ? DK_ERR_SERVICE_REQUEST : err;
	const struct dk_part part = { base, len };
	return dk_ecdsa_verify(device, &part, 1, f->sig.signature) == DK_OK
	    ? DK_OK
	    : DK_ERR_SERVICE_REQUEST;
}

dk_err
dk_request_file_open(
    const uint8_t *bytes, size_t len, struct dk_request_file *ret_file, uint8_t ret_digest[32])
{
	struct dk_request_file f = { .body_len = 0 };
	struct dk_reader_buf rd;
	bool ok;
	dk_err err;

	dk_rd_init(&rd, bytes, len);
	ok = magic_is(&rd, "DKQ1") && read_url(&rd, f.base_url);
	f.sig.created = dk_rd_u64(&rd);
	ok = ok && copy(&rd, f.sig.nonce, sizeof(f.sig.nonce)) &&
	    copy(&rd, f.device, sizeof(f.device)) &&
	    copy(&rd, f.sig.signature, sizeof(f.sig.signature)) &&
	    read_short(&rd, f.user, DK_USER_MAX_BYTES) &&
	    dk_user_name_valid(f.user, strlen(f.user)) &&
	    read_short(&rd, f.reason, DK_REASON_MAX_BYTES);
	f.body_len = dk_rd_u32(&rd);
	f.body = dk_rd_bytes(&rd, f.body_len);
	if (!ok || rd.failed || dk_rd_left(&rd) > 0 || f.body_len > DK_RELEASE_BODY_MAX_BYTES)
		return DK_ERR_SERVICE_REQUEST;
	err = check_signature(&f, ret_digest);
	if (err == DK_OK)
		*ret_file = f;
	return err;
}

void
dk_approval_file_write(struct dk_writer_buf *wr, const struct dk_approval_file *f)
{
	dk_wr_bytes(wr, "DKA2", 4);
	dk_wr_u16(wr, (uint16_t)strlen(f->base_url));
	dk_wr_bytes(wr, f->base_url, strlen(f->base_url));
	dk_wr_bytes(wr, f->request_digest, sizeof(f->request_digest));
	write_approval(wr, &f->approval);
}

dk_err
dk_approval_file_parse(const uint8_t *bytes, size_t len, struct dk_approval_file *ret_file)
{
	struct dk_approval_file f = { .base_url = "" };
	struct dk_reader_buf rd;

	dk_rd_init(&rd, bytes, len);
	if (!magic_is(&rd, "DKA2") || !read_url(&rd, f.base_url) ||
	    !copy(&rd, f.request_digest, sizeof(f.request_digest)) ||
	    !read_approval(&rd, &f.approval) || dk_rd_left(&rd) > 0)
		return DK_ERR_SERVICE_REQUEST;
	*ret_file = f;
	return DK_OK;
}
