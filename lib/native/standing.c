/* SPDX-License-Identifier: Apache-2.0 */
#include "native/standing.h"

#include <string.h>

#include "base/text.h"
#include "crypto/crypto.h"
#include "format/schedule.h"

#define DKE_NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static const uint8_t no_document[32];

static bool
has_magic(const uint8_t *bytes, size_t len, const char *magic)
{
	return len >= 4 && memcmp(bytes, magic, 4) == 0;
}

static bool
read_short(struct dk_reader_buf *rd, char *ret, size_t least, size_t most)
{
	size_t len = dk_rd_u8(rd);
	const uint8_t *text = dk_rd_bytes(rd, len);

	if (!text || len < least || len > most || !dk_text_valid(text, len))
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

static void
write_short(struct dk_writer_buf *wr, const char *text)
{
	dk_wr_u8(wr, (uint8_t)strlen(text));
	dk_wr_bytes(wr, text, strlen(text));
}

static bool
copy(struct dk_reader_buf *rd, uint8_t ret[32])
{
	const uint8_t *p = dk_rd_bytes(rd, 32);

	if (p)
		memcpy(ret, p, 32);
	return p != NULL;
}

/* Person, DKE name, title: of those the first two have an alphabet. */
static bool
read_names(struct dk_reader_buf *rd, char *person, char *key, char *rule)
{
	return read_short(rd, person, 1, DK_LOG_PERSON_MAX_BYTES) &&
	    dk_log_person_valid(person, strlen(person)) &&
	    read_short(rd, key, 1, DK_STANDING_NAME_MAX_BYTES) &&
	    strspn(key, DKE_NAME_CHARS) == strlen(key) &&
	    read_short(rd, rule, 1, DK_STANDING_NAME_MAX_BYTES);
}

static bool
terms_valid(unsigned needed, uint32_t hours)
{
	return needed >= 1 && needed <= DK_STANDING_NEEDED_MAX && hours >= 1 &&
	    hours <= DK_STANDING_HOURS_MAX;
}

/* ---- an approval ---- */

bool
dk_standing_is_list(const uint8_t *body, size_t len)
{
	return len == 4 && has_magic(body, len, "DKN1");
}

dk_err
dk_standing_parse(const uint8_t *body, size_t len, struct dk_standing *ret)
{
	struct dk_standing s = { .needed = 0 };
	struct dk_reader_buf rd;
	unsigned scope;
	bool ok;

	dk_rd_init(&rd, body, len);
	(void)dk_rd_bytes(&rd, 4);
	scope = dk_rd_u8(&rd);
	ok = copy(&rd, s.document);
	s.needed = dk_rd_u8(&rd);
	s.hours = dk_rd_u32(&rd);
	ok = ok && has_magic(body, len, "DKV1") &&
	    (scope == DK_SCOPE_DOCUMENT || scope == DK_SCOPE_KEY) &&
	    (memcmp(s.document, no_document, 32) == 0) == (scope == DK_SCOPE_KEY) &&
	    terms_valid(s.needed, s.hours) && read_names(&rd, s.person, s.key, s.rule) &&
	    read_short(&rd, s.reason, 0, DK_STANDING_REASON_MAX_BYTES);
	if (!ok || rd.failed || dk_rd_left(&rd) > 0)
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	s.scope = scope;
	*ret = s;
	return DK_OK;
}

void
dk_standing_write(struct dk_writer_buf *wr, const struct dk_standing *s)
{
	dk_wr_bytes(wr, "DKV1", 4);
	dk_wr_u8(wr, (uint8_t)s->scope);
	dk_wr_bytes(wr, s->scope == DK_SCOPE_KEY ? no_document : s->document, 32);
	dk_wr_u8(wr, (uint8_t)s->needed);
	dk_wr_u32(wr, s->hours);
	write_short(wr, s->person);
	write_short(wr, s->key);
	write_short(wr, s->rule);
	write_short(wr, s->reason);
}

dk_err
dk_standing_name(enum dk_scope scope, const uint8_t *document, const char *key, const char *person,
    uint8_t ret_name[32])
{
	const uint8_t head[] = { (uint8_t)scope }, length[] = { (uint8_t)strlen(key) };
	uint8_t prefix[DK_INFO_MAX_BYTES];
	size_t prefix_len;
	dk_err err = dk_info("ms-dke-approval", NULL, 0, prefix, &prefix_len);

	if (err != DK_OK)
		return err;
	const struct dk_part parts[] = { { prefix, prefix_len }, { head, 1 },
		{ scope == DK_SCOPE_KEY ? no_document : document, 32 }, { length, 1 },
		{ key, strlen(key) }, { person, strlen(person) } };
	return dk_sha256(parts, sizeof(parts) / sizeof(parts[0]), ret_name);
}

/* ---- what is asked for ---- */

void
dk_standing_asked_write(struct dk_writer_buf *wr, const struct dk_standing_asked *a)
{
	dk_wr_u8(wr, (uint8_t)a->scopes);
	dk_wr_bytes(wr, a->document, 32);
	dk_wr_u64(wr, a->time);
	dk_wr_u8(wr, (uint8_t)a->needed);
	dk_wr_u8(wr, (uint8_t)a->standing);
	dk_wr_u8(wr, a->mine);
	dk_wr_u32(wr, a->hours);
	write_short(wr, a->person);
	write_short(wr, a->key);
	write_short(wr, a->rule);
}

static bool
read_asked(struct dk_reader_buf *rd, struct dk_standing_asked *a)
{
	unsigned scopes = dk_rd_u8(rd), mine;

	if (!copy(rd, a->document))
		return false;
	a->scopes = scopes;
	a->time = dk_rd_u64(rd);
	a->needed = dk_rd_u8(rd);
	a->standing = dk_rd_u8(rd);
	mine = dk_rd_u8(rd);
	a->mine = mine == 1;
	a->hours = dk_rd_u32(rd);
	return scopes >= DK_SCOPE_DOCUMENT && scopes <= DK_SCOPE_EITHER && mine <= 1 &&
	    terms_valid(a->needed, a->hours) && read_names(rd, a->person, a->key, a->rule);
}

dk_err
dk_standing_list_parse(
    const uint8_t *bytes, size_t len, struct dk_standing_asked *ret, size_t *ret_n)
{
	struct dk_reader_buf rd;
	unsigned n;

	dk_rd_init(&rd, bytes, len);
	(void)dk_rd_bytes(&rd, 4);
	n = dk_rd_u16(&rd);
	if (rd.failed || !has_magic(bytes, len, "DKN2") || n > DK_STANDING_ASKED_MAX)
		return DK_ERR_SERVICE_REPLY;
	for (unsigned i = 0; i < n; i++)
		if (!read_asked(&rd, &ret[i]))
			return DK_ERR_SERVICE_REPLY;
	if (rd.failed || dk_rd_left(&rd) > 0)
		return DK_ERR_SERVICE_REPLY;
	*ret_n = n;
	return DK_OK;
}

void
dk_standing_answer_write(struct dk_writer_buf *wr, const struct dk_standing_answer *answer)
{
	dk_wr_bytes(wr, "DKV2", 4);
	dk_wr_u64(wr, answer->index);
	dk_wr_u64(wr, answer->until);
	dk_wr_u8(wr, (uint8_t)answer->standing);
}

dk_err
dk_standing_answer_parse(const uint8_t *bytes, size_t len, struct dk_standing_answer *ret)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, bytes, len);
	(void)dk_rd_bytes(&rd, 4);
	ret->index = dk_rd_u64(&rd);
	ret->until = dk_rd_u64(&rd);
	ret->standing = dk_rd_u8(&rd);
	return !rd.failed && dk_rd_left(&rd) == 0 && has_magic(bytes, len, "DKV2")
	    ? DK_OK
	    : DK_ERR_SERVICE_REPLY;
}
