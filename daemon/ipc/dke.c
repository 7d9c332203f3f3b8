/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/dke.h"

#include <string.h>

#include "ipc/message.h"
#include "native/code.h"

#define FACTOR_BYTES 11

static bool
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool
ipc_dke_name_valid(const void *text, size_t len)
{
	const uint8_t *t = text;

	if (len < 1 || len > IPC_DKE_NAME_MAX_BYTES || !is_alnum(t[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_alnum(t[i]) && t[i] != '.' && t[i] != '_' && t[i] != '-')
			return false;
	return true;
}

static bool
read_name(struct dk_reader_buf *rd, char ret[IPC_DKE_NAME_MAX_BYTES + 1])
{
	size_t len = dk_rd_u8(rd);
	const uint8_t *text = dk_rd_bytes(rd, len);

	if (!text || !ipc_dke_name_valid(text, len))
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

static struct dk_part
slice(struct dk_reader_buf *rd, size_t len)
{
	return (struct dk_part){ dk_rd_bytes(rd, len), len };
}

static bool
is_front(const struct dk_part *claim)
{
	const uint8_t *front = claim->data;

	return (front[0] == IPC_DKE_FRONT_CERTIFICATE || front[0] == IPC_DKE_FRONT_NETWORK) &&
	    dk_log_person_valid(
		front + IPC_DKE_FRONT_MIN_BYTES - 1, claim->len - (IPC_DKE_FRONT_MIN_BYTES - 1));
}

bool
ipc_dke_decrypt_read(const struct ipc_message *message, struct ipc_dke_decrypt *ret)
{
	struct dk_reader_buf rd;
	unsigned json;

	dk_rd_init(&rd, message->data, message->len);
	ret->address = dk_rd_bytes(&rd, 16);
	if (!ipc_dke_claims_read(&rd, &ret->claims) ||
	    (ret->claims.of[IPC_CLAIM_FRONT].len > 0 &&
		!is_front(&ret->claims.of[IPC_CLAIM_FRONT])) ||
	    !read_name(&rd, ret->name) || !read_name(&rd, ret->id))
		return false;
	json = dk_rd_u8(&rd);
	ret->json = json == 1;
	ret->body = slice(&rd, dk_rd_u16(&rd));
	return !rd.failed && dk_rd_left(&rd) == 0 && json <= 1 &&
	    ret->body.len <= IPC_DKE_BODY_MAX_BYTES;
}

/* What a gate is; the denial that froze a key is known to keyd alone. */
static bool
read_factor(const struct dk_part *value, struct ipc_dke_judged *j)
{
	struct dk_log_factor *f;
	struct dk_reader_buf rd;

	if (value->len != FACTOR_BYTES || j->factor_count == DK_LOG_FACTORS_MAX - 1)
		return false;
	dk_rd_init(&rd, value->data, value->len);
	f = &j->factor[j->factor_count++];
	f->type = dk_rd_u16(&rd);
	f->verifier = dk_rd_u8(&rd);
	f->root = dk_rd_u64(&rd);
	return f->type >= DK_FACTOR_APPROVAL && f->type <= DK_FACTOR_FRONT && f->verifier > 0 &&
	    f->verifier < IPC_PROCESSES;
}

/* A field that stands once. */
static bool
take(struct dk_part *field, const struct dk_part *value, size_t min, size_t max)
{
	if (field->len > 0 || value->len < min || value->len > max)
		return false;
	*field = *value;
	return true;
}

static bool
read_fields(struct dk_reader_buf *rd, struct ipc_dke_judged *j)
{
	unsigned count = dk_rd_u8(rd);
	bool ok = true;

	for (unsigned i = 0; i < count && ok; i++) {
		unsigned tag = dk_rd_u16(rd);
		struct dk_part value = slice(rd, dk_rd_u16(rd));

		if (!value.data || value.len == 0)
			return false;
		if (tag == DK_LOG_TAG_FACTOR)
			ok = read_factor(&value, j);
		else if (tag == DK_LOG_TAG_TOKEN)
			ok = take(&j->token, &value, 1, DK_LOG_TOKEN_MAX_BYTES);
		else if (tag == DK_LOG_TAG_CERTIFICATE)
			ok = take(&j->certificate, &value, DK_LOG_CERTIFICATE_BYTES,
			    DK_LOG_CERTIFICATE_BYTES);
		else if (tag == DK_LOG_TAG_CLIENT)
			ok = take(&j->client, &value, DK_LOG_CLIENT_BYTES, DK_LOG_CLIENT_BYTES);
		else if (tag == DK_LOG_TAG_RULE)
			ok = take(&j->rule, &value, 1, DK_LOG_NAME_MAX_BYTES);
		else
			ok = false;
	}
	return ok && !rd->failed;
}

static bool
level_known(unsigned level)
{
	return level == DK_LOG_LEVEL_C || level == DK_LOG_LEVEL_C_MINUS ||
	    level == DK_LOG_LEVEL_C_AMBIENT;
}

/* Who is allowed has shown all of it. */
static bool
is_consistent(const struct ipc_dke_judged *j)
{
	if (j->code != DK_CODE_OK)
		return dk_code_known(j->code) && (j->level == 0 || level_known(j->level));
	return level_known(j->level) && j->person.len > 0 && j->value.len > 0 && j->token.len > 0 &&
	    j->client.len > 0 && j->rule.len > 0;
}

/* What is used up has a name. */
static bool
has_id(const struct ipc_dke_judged *j)
{
	struct dk_log_token token;

	return dk_log_token_parse(j->token.data, j->token.len, &token) && token.id[0] != '\0';
}

bool
ipc_dke_judged_read(const struct ipc_message *message, struct ipc_dke_judged *ret)
{
	struct dk_reader_buf rd;

	*ret = (struct ipc_dke_judged){ .told = 0 };
	dk_rd_init(&rd, message->data, message->len);
	ret->told = dk_rd_u64(&rd);
	ret->policy = dk_rd_bytes(&rd, 32);
	ret->code = dk_rd_u16(&rd);
	ret->level = dk_rd_u8(&rd);
	ret->charge_count = dk_rd_u8(&rd);
	ret->charges = dk_rd_bytes(&rd, (size_t)ret->charge_count * IPC_CHARGE_BYTES);
	if (ret->charge_count > IPC_CHARGES_MAX || !read_fields(&rd, ret))
		return false;
	ret->address = dk_rd_bytes(&rd, 16);
	ret->person = slice(&rd, dk_rd_u8(&rd));
	ret->token_digest = dk_rd_bytes(&rd, 32);
	ret->until = dk_rd_u64(&rd);
	if (rd.failed ||
	    (ret->person.len > 0 && !dk_log_person_valid(ret->person.data, ret->person.len)) ||
	    !read_name(&rd, ret->name) || !read_name(&rd, ret->id))
		return false;
	ret->value = slice(&rd, dk_rd_u16(&rd));
	return !rd.failed && dk_rd_left(&rd) == 0 && ret->value.len <= IPC_DKE_VALUE_MAX_BYTES &&
	    is_consistent(ret) && (ret->until == 0 || (ret->until >> 40 == 0 && has_id(ret)));
}

static bool
read_key(struct dk_reader_buf *rd, struct ipc_dke_key *key)
{
	if (!read_name(rd, key->name) || !read_name(rd, key->id))
		return false;
	key->modulus = slice(rd, dk_rd_u16(rd));
	return !rd->failed && key->modulus.len > 0 && key->modulus.len <= IPC_DKE_MODULUS_MAX_BYTES;
}

bool
ipc_dke_keys_read(const struct ipc_message *message, struct ipc_dke_key *ret, unsigned *ret_count)
{
	struct dk_reader_buf rd;
	unsigned count;

	dk_rd_init(&rd, message->data, message->len);
	count = dk_rd_u16(&rd);
	if (rd.failed || count > IPC_DKE_KEYS_MAX)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!read_key(&rd, &ret[i]) || (i > 0 && strcmp(ret[i - 1].name, ret[i].name) >= 0))
			return false;
	*ret_count = count;
	return dk_rd_left(&rd) == 0;
}
