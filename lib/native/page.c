/* SPDX-License-Identifier: Apache-2.0 */
#include "native/page.h"

#include <string.h>

#include "format/schedule.h"

static bool
slice(struct dk_reader_buf *rd, size_t len, size_t least, size_t most, struct dk_part *ret)
{
	ret->data = dk_rd_bytes(rd, len);
	ret->len = len;
	return ret->data && len >= least && len <= most;
}

static bool
read_credential(struct dk_reader_buf *rd, struct dk_part *ret)
{
	return slice(rd, dk_rd_u16(rd), 16, DK_CREDENTIAL_ID_MAX_BYTES, ret);
}

static bool
read_assertion(struct dk_reader_buf *rd, struct dk_assertion *ret)
{
	return slice(rd, dk_rd_u16(rd), 37, DK_AUTHENTICATOR_DATA_MAX_BYTES, &ret->authenticator) &&
	    slice(rd, dk_rd_u16(rd), 1, DK_CLIENT_DATA_MAX_BYTES, &ret->client) &&
	    slice(rd, dk_rd_u8(rd), 8, DK_SIGNATURE_DER_MAX_BYTES, &ret->signature);
}

static bool
read_text(struct dk_reader_buf *rd, char *ret, size_t most)
{
	struct dk_part text;

	if (!slice(rd, dk_rd_u8(rd), 1, most, &text) || !dk_text_valid(text.data, text.len))
		return false;
	memcpy(ret, text.data, text.len);
	ret[text.len] = '\0';
	return true;
}

static bool
read_magic(struct dk_reader_buf *rd, const char *magic)
{
	const uint8_t *p = dk_rd_bytes(rd, 4);

	return p && memcmp(p, magic, 4) == 0;
}

static bool
copy(struct dk_reader_buf *rd, uint8_t *out, size_t len)
{
	const uint8_t *p = dk_rd_bytes(rd, len);

	if (p)
		memcpy(out, p, len);
	return p != NULL;
}

bool
dk_page_is_register(const uint8_t *body, size_t len)
{
	return len >= 4 && memcmp(body, "DKE3", 4) == 0;
}

dk_err
dk_page_register_parse(const uint8_t *body, size_t len, struct dk_page_register *ret)
{
	struct dk_page_register r = { .before = { body, 0 }, .maced = { body, 0 } };
	struct dk_reader_buf rd;

	dk_rd_init(&rd, body, len);
	if (!read_magic(&rd, "DKE3") || !copy(&rd, r.code_id, sizeof(r.code_id)) ||
	    !read_text(&rd, r.person, DK_USER_MAX_BYTES) ||
	    !dk_user_name_valid(r.person, strlen(r.person)) ||
	    !read_text(&rd, r.device_name, DK_DEVICE_NAME_MAX_BYTES) ||
	    !copy(&rd, r.spki, sizeof(r.spki)) || !read_credential(&rd, &r.credential))
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	r.before.len = rd.pos;
	if (!read_assertion(&rd, &r.assertion))
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	r.maced.len = rd.pos;
	if (!copy(&rd, r.mac, sizeof(r.mac)) || dk_rd_left(&rd) != 0)
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	*ret = r;
	return DK_OK;
}

/* SHA-256(info(label, the parts behind the first)); parts[0] is filled here. */
static dk_err
challenge(const char *label, struct dk_part *parts, size_t n, uint8_t ret[32])
{
	uint8_t prefix[DK_INFO_MAX_BYTES];
	size_t len;
	dk_err err = dk_info(label, NULL, 0, prefix, &len);

	if (err != DK_OK)
		return err;
	parts[0] = (struct dk_part){ prefix, len };
	err = dk_sha256(parts, n, ret);
	parts[0] = (struct dk_part){ NULL, 0 };
	return err;
}

dk_err
dk_page_register_challenge(const struct dk_page_register *request, uint8_t ret_challenge[32])
{
	struct dk_part parts[] = { { NULL, 0 }, request->before };

	return challenge("ms-dke-register", parts, 2, ret_challenge);
}

dk_err
dk_page_register_check(
    const struct dk_page_register *request, const struct dk_enrol_keys *keys, const char *base_url)
{
	uint8_t mac[DK_ENROL_MAC_BYTES], digest[32];
	dk_auto_pkey *key = NULL;
	dk_err err;

	err = dk_hmac_sha384(&keys->client, &request->maced, 1, mac);
	if (err != DK_OK)
		return err;
	if (!dk_equal_ct(mac, request->mac, sizeof(mac)))
		return DK_ERR_SERVICE_ENROL_CODE;
	err = dk_page_register_challenge(request, digest);
	if (err != DK_OK)
		return err;
	err = dk_pkey_from_spki(request->spki, sizeof(request->spki), &key);
	if (err == DK_OK)
		err = dk_assertion_check(&request->assertion, key, base_url, digest);
	return err == DK_OK || err == DK_ERR_NOMEM ? err : DK_ERR_SERVICE_ENROL_CODE;
}

static bool
read_what(struct dk_reader_buf *rd, struct dk_page_act *act)
{
	unsigned what;

	if (rd->len >= 4 && memcmp(rd->data, "DKL1", 4) == 0)
		return read_magic(rd, "DKL1");
	if (!read_magic(rd, "DKG1"))
		return false;
	what = dk_rd_u8(rd);
	act->what = what;
	return what >= DK_PAGE_CONFIRM && what <= DK_PAGE_SESSION_CLOSE;
}

dk_err
dk_page_act_parse(const uint8_t *body, size_t len, struct dk_page_act *ret)
{
	static const uint8_t none[32];
	struct dk_page_act act = { .what = DK_PAGE_LIST };
	struct dk_reader_buf rd;

	dk_rd_init(&rd, body, len);
	if (!read_what(&rd, &act))
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	act.time = dk_rd_u64(&rd);
	if (!copy(&rd, act.nonce, sizeof(act.nonce)))
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	if (act.what != DK_PAGE_LIST && !copy(&rd, act.document, sizeof(act.document)))
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	/* None at all, for the log: it would be taken more than once. */
	if (memcmp(act.nonce, none, sizeof(act.nonce)) == 0)
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	if (act.what != DK_PAGE_CONFIRM && memcmp(act.document, none, sizeof(none)) != 0)
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	if (!read_credential(&rd, &act.credential) || !read_assertion(&rd, &act.assertion) ||
	    dk_rd_left(&rd) != 0)
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	*ret = act;
	return DK_OK;
}

dk_err
dk_page_act_challenge(const struct dk_page_act *act, const char *person, const uint8_t address[16],
    uint8_t ret_challenge[32])
{
	uint8_t text[1 + 16 + 1 + DK_USER_MAX_BYTES + 32 + 8 + DK_NONCE_BYTES];
	struct dk_part parts[2];
	struct dk_writer_buf wr;

	dk_wr_init(&wr, text, sizeof(text));
	if (act->what != DK_PAGE_LIST)
		dk_wr_u8(&wr, (uint8_t)act->what);
	dk_wr_bytes(&wr, address, 16);
	if (act->what != DK_PAGE_LIST) {
		dk_wr_u8(&wr, (uint8_t)strlen(person));
		dk_wr_bytes(&wr, person, strlen(person));
		dk_wr_bytes(&wr, act->document, sizeof(act->document));
	}
	dk_wr_u64(&wr, act->time);
	dk_wr_bytes(&wr, act->nonce, sizeof(act->nonce));
	if (wr.failed)
		return DK_ERR_ARGUMENT;
	parts[1] = (struct dk_part){ text, wr.len };
	return challenge(
	    act->what == DK_PAGE_LIST ? "ms-dke-list" : "ms-dke-act", parts, 2, ret_challenge);
}
