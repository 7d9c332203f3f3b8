/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/payload.h"

#include <string.h>

#include "log/receipt.h"
#include "native/code.h"
#include "native/release.h"

static bool
ended(const struct dk_reader_buf *rd)
{
	return !rd->failed && dk_rd_left(rd) == 0;
}

static struct dk_part
rest(struct dk_reader_buf *rd)
{
	struct dk_part part = { NULL, dk_rd_left(rd) };

	part.data = dk_rd_bytes(rd, part.len);
	return part;
}

static struct dk_part
slice(struct dk_reader_buf *rd, size_t len)
{
	return (struct dk_part){ dk_rd_bytes(rd, len), len };
}

static void
start(struct dk_reader_buf *rd, const struct ipc_message *message)
{
	dk_rd_init(rd, message->data, message->len);
}

bool
ipc_number_read(const struct ipc_message *message, size_t bytes, uint64_t *ret)
{
	uint64_t v = 0;

	if (message->len != bytes)
		return false;
	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | message->data[i];
	*ret = v;
	return true;
}

bool
ipc_coded_read(const struct ipc_message *message, struct ipc_coded *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->code = dk_rd_u16(&rd);
	ret->rest = rest(&rd);
	return !rd.failed && dk_code_known(ret->code);
}

bool
ipc_result_read(const struct ipc_message *message, struct ipc_coded *ret)
{
	return ipc_coded_read(message, ret) || (ret->code == IPC_CODE_STALE && ret->rest.len == 0);
}

bool
ipc_go_read(const struct ipc_message *message, struct ipc_go *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->restarts = dk_rd_u32(&rd);
	ret->violations = dk_rd_u32(&rd);
	return ended(&rd);
}

bool
ipc_violation_read(const struct ipc_message *message, struct ipc_violation *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->process = dk_rd_u8(&rd);
	ret->type = dk_rd_u16(&rd);
	return ended(&rd) && ret->process >= IPC_PARENT && ret->process < IPC_PROCESSES;
}

/* ---- requests ---- */

static bool
read_release(struct dk_reader_buf *rd, struct ipc_release *r)
{
	struct dk_reader_buf head;

	r->head = dk_rd_bytes(rd, IPC_RELEASE_HEAD_BYTES);
	if (!r->head)
		return false;
	dk_rd_init(&head, r->head, IPC_RELEASE_HEAD_BYTES);
	r->address = dk_rd_bytes(&head, 16);
	r->created = dk_rd_u64(&head);
	r->nonce = dk_rd_bytes(&head, 16);
	r->key_id = dk_rd_bytes(&head, 32);
	r->signature = dk_rd_bytes(&head, 64);
	if (!ipc_claims_read(rd, &r->claims))
		return false;
	r->body = rest(rd);
	return !rd->failed && r->body.len <= DK_RELEASE_BODY_MAX_BYTES;
}

bool
ipc_release_read(const struct ipc_message *message, struct ipc_release *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	return read_release(&rd, ret);
}

static bool
read_factors(struct dk_reader_buf *rd, struct ipc_judged *j)
{
	unsigned count = dk_rd_u8(rd);

	j->token = j->certificate = (struct dk_part){ NULL, 0 };
	for (unsigned i = 0; i < count; i++) {
		unsigned tag = dk_rd_u16(rd);
		struct dk_part value = slice(rd, dk_rd_u16(rd));

		if (!value.data || value.len == 0)
			return false;
		if (tag == DK_LOG_TAG_TOKEN && j->token.len == 0 &&
		    value.len <= DK_LOG_TOKEN_MAX_BYTES)
			j->token = value;
		else if (tag == DK_LOG_TAG_CERTIFICATE && j->certificate.len == 0 &&
		    value.len == DK_LOG_CERTIFICATE_BYTES)
			j->certificate = value;
		else
			return false;
	}
	return !rd->failed;
}

bool
ipc_judged_read(const struct ipc_message *message, struct ipc_judged *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->told = dk_rd_u64(&rd);
	ret->policy = dk_rd_bytes(&rd, 32);
	ret->verdict_count = dk_rd_u16(&rd);
	ret->verdicts = dk_rd_bytes(&rd, (size_t)ret->verdict_count * 2);
	ret->charge_count = dk_rd_u8(&rd);
	ret->charges = dk_rd_bytes(&rd, (size_t)ret->charge_count * IPC_CHARGE_BYTES);
	return read_factors(&rd, ret) && read_release(&rd, &ret->asked) &&
	    ret->charge_count <= IPC_CHARGES_MAX;
}

bool
ipc_enrol_read(const struct ipc_message *message, struct ipc_enrol *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->address = dk_rd_bytes(&rd, 16);
	ret->body = rest(&rd);
	return !rd.failed;
}

bool
ipc_text_read(const struct ipc_message *message, char ret[IPC_NAME_MAX_BYTES + 1])
{
	if (message->len > IPC_NAME_MAX_BYTES ||
	    (message->len > 0 && memchr(message->data, '\0', message->len)))
		return false;
	if (message->len > 0)
		memcpy(ret, message->data, message->len);
	ret[message->len] = '\0';
	return true;
}

/* ---- what keyd and authd tell each other ---- */

bool
ipc_known_read(const struct ipc_message *message, struct ipc_known *ret)
{
	struct ipc_message name = *message;
	struct dk_reader_buf rd;
	struct dk_part part;

	start(&rd, message);
	ret->id = dk_rd_bytes(&rd, 32);
	ret->state = dk_rd_u8(&rd);
	part = rest(&rd);
	if (rd.failed || part.len == 0)
		return false;
	name.data = part.data;
	name.len = part.len;
	return ipc_text_read(&name, ret->name);
}

bool
ipc_policy_read(const struct ipc_message *message, struct ipc_policy *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->digest = dk_rd_bytes(&rd, 32);
	ret->keys_digest = dk_rd_bytes(&rd, 32);
	ret->replaces = dk_rd_left(&rd) > 0;
	ret->uid = ret->replaces ? dk_rd_u32(&rd) : 0;
	return ended(&rd);
}

bool
ipc_auditors_read(const struct ipc_message *message, struct ipc_auditors *ret)
{
	struct dk_reader_buf rd;
	struct dk_part ids;

	start(&rd, message);
	ret->policy = dk_rd_bytes(&rd, 32);
	ids = rest(&rd);
	ret->count = (unsigned)(ids.len / 32);
	ret->ids = ids.data;
	return !rd.failed && ids.len % 32 == 0 && ret->count <= IPC_AUDITORS_MAX;
}

bool
ipc_policy_text_read(const struct ipc_message *message, struct ipc_policy_text *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->who = slice(&rd, 4);
	ret->text = slice(&rd, dk_rd_u32(&rd));
	ret->sets = rest(&rd);
	return !rd.failed;
}

/* ---- the log ---- */

bool
ipc_append_read(const struct ipc_message *message, struct ipc_append *ret)
{
	struct dk_reader_buf rd;
	unsigned mode;

	start(&rd, message);
	ret->leaf = dk_rd_bytes(&rd, IPC_LEAF_BYTES);
	ret->generation = dk_rd_u64(&rd);
	ret->policy_rule = dk_rd_u8(&rd);
	ret->policy = dk_rd_bytes(&rd, 32);
	ret->created = dk_rd_u64(&rd);
	ret->device = dk_rd_bytes(&rd, 32);
	ret->nonce = dk_rd_bytes(&rd, 16);
	ret->until = dk_rd_u64(&rd);
	mode = dk_rd_u8(&rd);
	ret->quorum = mode == DK_LOG_STRICT;
	ret->charge_count = dk_rd_u8(&rd);
	ret->charges = dk_rd_bytes(&rd, (size_t)ret->charge_count * IPC_CHARGE_BYTES);
	ret->record = rest(&rd);
	return !rd.failed && (mode == DK_LOG_PROMPT || ret->quorum) &&
	    ret->charge_count <= IPC_CHARGES_MAX && ret->policy_rule <= IPC_POLICY_CHANGE;
}

/* As clients see it, or one of those between keyd and logd. */
static bool
append_code_known(unsigned code)
{
	return dk_code_known(code) || code == IPC_CODE_STALE || code == IPC_CODE_POLICY_DIFFERS;
}

bool
ipc_state_taken_read(const struct ipc_message *message, struct ipc_state_taken *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	*ret = (struct ipc_state_taken){ .code = dk_rd_u16(&rd) };
	if (ret->code != DK_CODE_OK)
		return ended(&rd) && dk_code_known(ret->code);
	ret->kept = dk_rd_u64(&rd);
	ret->sealed = rest(&rd);
	return !rd.failed;
}

bool
ipc_state_put_read(const struct ipc_message *message, struct ipc_state_put *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->generation = dk_rd_u64(&rd);
	ret->sealed = rest(&rd);
	return !rd.failed && ret->generation > 0 && ret->generation <= INT64_MAX &&
	    ret->sealed.len > 0;
}

bool
ipc_state_put_done_read(const struct ipc_message *message, unsigned *ret_code)
{
	uint64_t code;

	if (!ipc_number_read(message, 2, &code))
		return false;
	*ret_code = (unsigned)code;
	return append_code_known(*ret_code);
}

bool
ipc_appended_read(const struct ipc_message *message, struct ipc_appended *ret)
{
	struct dk_reader_buf rd;

	*ret = (struct ipc_appended){ .code = 0 };
	start(&rd, message);
	ret->code = dk_rd_u16(&rd);
	if (ret->code != 0)
		return ended(&rd) && append_code_known(ret->code);
	ret->index = dk_rd_u64(&rd);
	ret->hash_count = dk_rd_u8(&rd);
	ret->hashes = dk_rd_bytes(&rd, (size_t)ret->hash_count * 32);
	ret->checkpoint = rest(&rd);
	/* A receipt has no room for more. */
	return !rd.failed && ret->hash_count <= DK_PROOF_HASHES_MAX &&
	    ret->checkpoint.len <= DK_CHECKPOINT_MAX_BYTES;
}

bool
ipc_anchored_read(const struct ipc_message *message, struct ipc_anchored *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->code = dk_rd_u16(&rd);
	ret->size = dk_rd_u64(&rd);
	ret->leaf = dk_rd_bytes(&rd, IPC_LEAF_BYTES);
	ret->count = dk_rd_u8(&rd);
	for (unsigned i = 0; i < ret->count && i < 2; i++) {
		ret->entry[i].index = dk_rd_u64(&rd);
		ret->entry[i].leaf = dk_rd_bytes(&rd, IPC_LEAF_BYTES);
		ret->entry[i].record = slice(&rd, dk_rd_u32(&rd));
	}
	return ended(&rd) && ret->count <= 2 && dk_code_known(ret->code);
}

bool
ipc_records_read(const struct ipc_message *message, struct ipc_records *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->first = dk_rd_u64(&rd);
	ret->max = dk_rd_u32(&rd);
	return ended(&rd);
}

static bool
read_who(struct dk_reader_buf *rd, char ret[DK_LOG_PERSON_MAX_BYTES + 1])
{
	const struct dk_part part = slice(rd, dk_rd_u8(rd));

	if (rd->failed || part.len > DK_LOG_PERSON_MAX_BYTES ||
	    (part.len > 0 && memchr(part.data, '\0', part.len)))
		return false;
	if (part.len > 0)
		memcpy(ret, part.data, part.len);
	ret[part.len] = '\0';
	return true;
}

bool
ipc_erase_read(const struct ipc_message *message, struct ipc_erase *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->before = dk_rd_u64(&rd);
	if (!read_who(&rd, ret->user))
		return false;
	ret->size = dk_rd_u64(&rd);
	ret->count = dk_rd_u32(&rd);
	if (ret->count > IPC_ENROLMENTS_MAX)
		return false;
	ret->enrolments = dk_rd_bytes(&rd, (size_t)ret->count * IPC_ENROLMENT_BYTES);
	/* A day is added to it. */
	return ended(&rd) && ret->before <= INT64_MAX;
}

bool
ipc_erased_read(const struct ipc_message *message, struct ipc_erased *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->code = dk_rd_u16(&rd);
	ret->count = dk_rd_u64(&rd);
	ret->broken = dk_rd_u64(&rd);
	return ended(&rd) && dk_code_known(ret->code);
}

/* ---- administration ---- */

static bool
read_arguments(struct dk_reader_buf *rd, struct ipc_admin *a)
{
	a->argc = dk_rd_u8(rd);
	if (a->argc > IPC_ADMIN_ARGS_MAX)
		return false;
	for (unsigned i = 0; i < a->argc; i++)
		a->arg[i] = slice(rd, dk_rd_u16(rd));
	return ended(rd);
}

bool
ipc_admin_read(const struct ipc_message *message, struct ipc_admin *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->op = dk_rd_u16(&rd);
	ret->uid = dk_rd_u32(&rd);
	return read_arguments(&rd, ret);
}

bool
ipc_admin_packet_read(const uint8_t *packet, size_t len, struct ipc_admin *ret)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, packet, len);
	ret->op = dk_rd_u16(&rd);
	ret->uid = 0;
	return read_arguments(&rd, ret);
}

/* ---- tokend, TLS, figures ---- */

bool
ipc_token_read(const struct ipc_message *message, struct ipc_token *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->type = dk_rd_u16(&rd);
	ret->id = dk_rd_bytes(&rd, IPC_TOKEN_ID_BYTES);
	ret->rest = rest(&rd);
	return !rd.failed;
}

bool
ipc_tls_read(const struct ipc_message *message, struct dk_part ret_file[IPC_TLS_FILES])
{
	struct dk_reader_buf rd;

	start(&rd, message);
	for (unsigned i = 0; i < IPC_TLS_FILES; i++) {
		ret_file[i] = slice(&rd, dk_rd_u32(&rd));
		if (ret_file[i].len > IPC_TLS_FILE_MAX_BYTES)
			return false;
	}
	return ended(&rd);
}

bool
ipc_tls_done_read(const struct ipc_message *message, struct ipc_tls_done *ret)
{
	struct dk_reader_buf rd;

	start(&rd, message);
	ret->code = dk_rd_u16(&rd);
	for (size_t i = 0; i < sizeof(ret->expiry) / sizeof(ret->expiry[0]); i++)
		ret->expiry[i] = dk_rd_u64(&rd);
	ret->text = rest(&rd);
	return !rd.failed && dk_code_known(ret->code);
}

bool
ipc_log_state_read(const struct ipc_message *message, struct ipc_log_state *ret)
{
	struct dk_reader_buf rd;
	unsigned takes_entries;

	start(&rd, message);
	takes_entries = dk_rd_u8(&rd);
	ret->takes_entries = takes_entries == 1;
	ret->size = dk_rd_u64(&rd);
	ret->checkpoint_s = dk_rd_u64(&rd);
	return ended(&rd) && takes_entries <= 1;
}
