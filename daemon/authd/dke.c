/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DKE_DECRYPT, spec/profiles/ms-dke.md section 3.2 steps 1, 2 and 4: token, body, judgement.
 * Whether there is such a key and such a version is for keyd, which asks before it heeds what
 * was judged here.
 */
#include <string.h>

#include "authd/authd.h"
#include "authd/dke_body.h"
#include "authd/dke_gates.h"
#include "base/text.h"
#include "format/schedule.h"
#include "ipc/dke.h"
#include "native/code.h"

#define CHARGES_MAX 3
/* Of each field tag and length. */
#define JUDGED_MAX_BYTES                                                                           \
	(8 + 32 + 2 + 1 + 1 + CHARGES_MAX * IPC_CHARGE_BYTES + 1 + DKE_GATES_FIELDS_BYTES + 4 +    \
	    DK_LOG_TOKEN_MAX_BYTES + 4 + DK_LOG_CLIENT_BYTES + 4 + DK_LOG_NAME_MAX_BYTES + 16 +    \
	    POLICY_APPROVALS_MAX * DKE_FACTOR_FIELD_BYTES + 1 + IPC_DKE_PERSON_MAX_BYTES + 32 +    \
	    8 + 2 * (1 + IPC_DKE_NAME_MAX_BYTES) + 2)

struct asked {
	struct ipc_dke_decrypt message;
	struct dke_token token;
	uint8_t token_digest[32];
	struct dke_gates gates;
	uint8_t value[DKE_VALUE_MAX_BYTES];
	size_t value_len; /* 0: not read */
	uint8_t document[32];
	unsigned code;
	struct policy_dke_answer answer; /* rule: policy_decrypts() if none decided */
	struct policy_approval approval[POLICY_STANDING_MAX];
	uint64_t approval_index[POLICY_STANDING_MAX]; /* of their records */
};

static void
sha256(const struct dk_part *parts, size_t count, uint8_t ret[32])
{
	if (dk_sha256(parts, count, ret) != DK_OK)
		say_fatal("libcrypto does not do what it must");
}

static unsigned
check_token(struct authd *authd, struct asked *a, uint64_t now)
{
	static const unsigned codes[] = { DK_CODE_OK, DK_CODE_TOKEN, DK_CODE_TOKEN_KEYS,
		DK_CODE_TOKEN_QUARANTINE, DK_CODE_TOKEN_CLIENT };
	const struct dk_part *token = &a->message.claims.of[IPC_CLAIM_TOKEN];

	sha256(token, 1, a->token_digest);
	return codes[dke_kept_verify(&authd->kept, a->token_digest, token, authd->now->policy,
	    &authd->now->issuers, now, &a->token)];
}

static unsigned
check_body(struct asked *a)
{
	const struct dk_part *body = &a->message.body;
	struct dk_part value = { a->value, 0 };

	if (!a->message.json)
		return DK_CODE_CONTENT_TYPE;
	if (!dke_body_parse(body->data, body->len, a->value, &value.len))
		return DK_CODE_MALFORMED_REQUEST;
	a->value_len = value.len;
	sha256(&value, 1, a->document);
	return DK_CODE_OK;
}

static unsigned
judge(const struct authd *authd, struct asked *a, uint64_t now)
{
	static const unsigned codes[] = { DK_CODE_POLICY, DK_CODE_OK, DK_CODE_GATE, DK_CODE_CANARY,
		DK_CODE_APPROVAL_REQUIRED, DK_CODE_DIRECTORY };
	static struct directory_answer directories;
	struct policy_dke_question question = { .key = a->message.name,
		.tenant = a->token.tenant,
		.person = a->token.person,
		.groups = { a->token.groups.count, a->token.groups.item },
		.roles = { a->token.roles.count, a->token.roles.item },
		.time = now,
		.held = a->gates.held,
		.approval = a->approval };
	char document[65];

	directories_look(&authd->directories, authd->now->policy, &a->token, now, &directories);
	question.ldap_groups = directories.groups;
	question.ldap_gone = directories.gone;
	question.unknown = directories.unknown;
	dk_hex(a->document, sizeof(a->document), document);
	question.document = document;
	question.approval_count = authd_standing(authd, a->document, a->message.name,
	    a->token.person, now, a->approval, a->approval_index);
	memcpy(question.address, a->message.address, sizeof(question.address));
	a->answer = policy_dke_judge(authd->now->policy, &question);
	return codes[a->answer.verdict];
}

/* One clock reading for the whole request; the first thing that is wrong is its code. */
static unsigned
check(struct authd *authd, struct asked *a)
{
	uint64_t now = ipc_now();
	unsigned code = check_token(authd, a, now);

	if (code == DK_CODE_OK)
		code = check_body(a);
	if (code == DK_CODE_OK)
		code = dke_gates_check(a->token.person, &a->gates);
	if (code == DK_CODE_OK)
		dke_gates_look(&a->gates, &authd->confirmations, &authd->sessions, a->token.person,
		    a->document, a->message.address, now);
	return code == DK_CODE_OK ? judge(authd, a, now) : code;
}

/* ---- DKE_JUDGED ---- */

static void
write_charge(struct dk_writer_buf *wr, const char *label, const char *title,
    const struct dk_part *whose, uint32_t per_minute, uint32_t per_day)
{
	uint8_t prefix[DK_INFO_MAX_BYTES], id[32];
	size_t prefix_len;

	if (dk_info(label, NULL, 0, prefix, &prefix_len) != DK_OK)
		say_fatal("libcrypto does not do what it must");
	const struct dk_part parts[] = { { prefix, prefix_len }, { title, strlen(title) + 1 },
		*whose };
	sha256(parts, 3, id);
	dk_wr_bytes(wr, id, sizeof(id));
	dk_wr_u32(wr, 1);
	dk_wr_u32(wr, per_minute);
	dk_wr_u32(wr, per_day);
}

/* What is allowed takes from the budgets of its rule. */
static void
write_charges(const struct policy *policy, const struct asked *a, struct dk_writer_buf *wr)
{
	const struct dk_part person = { a->token.person, strlen(a->token.person) },
			     document = { a->document, sizeof(a->document) },
			     key = { a->message.name, strlen(a->message.name) };
	struct policy_decrypt_info rule = { .title = NULL };
	unsigned count;

	if (a->code == DK_CODE_OK)
		rule = policy_decrypt_info(policy, a->answer.rule);
	count = (rule.per_minute > 0 || rule.per_day > 0) + (rule.document_per_day > 0) +
	    (rule.key_per_day > 0);
	dk_wr_u8(wr, (uint8_t)count);
	if (rule.per_minute > 0 || rule.per_day > 0)
		write_charge(
		    wr, "budget-person", rule.title, &person, rule.per_minute, rule.per_day);
	if (rule.document_per_day > 0)
		write_charge(
		    wr, "budget-document", rule.title, &document, 0, rule.document_per_day);
	if (rule.key_per_day > 0)
		write_charge(wr, "budget-key", rule.title, &key, 0, rule.key_per_day);
}

static void
write_field(struct dk_writer_buf *wr, unsigned tag, const void *value, size_t len)
{
	dk_wr_u16(wr, (uint16_t)tag);
	dk_wr_u16(wr, (uint16_t)len);
	dk_wr_bytes(wr, value, len);
}

static void
write_fields(const struct policy *policy, const struct asked *a, struct dk_writer_buf *wr)
{
	bool has_rule = a->answer.rule < policy_decrypts(policy);
	uint8_t token[DK_LOG_TOKEN_MAX_BYTES];
	const unsigned approvals = a->code == DK_CODE_OK ? a->answer.counted_count : 0;
	const char *title;

	dk_wr_u8(wr,
	    (uint8_t)(dke_gates_fields(&a->gates) + approvals + a->token.is_signed +
		(a->token.client[0] != '\0') + has_rule));
	dke_gates_write(&a->gates, wr);
	for (unsigned i = 0; i < approvals; i++)
		dke_gates_factor(
		    wr, DK_FACTOR_APPROVAL, IPC_KEYD, a->approval_index[a->answer.counted[i]]);
	if (a->token.is_signed)
		write_field(
		    wr, DK_LOG_TAG_TOKEN, token, dk_log_token_write(&a->token.record, token));
	if (a->token.client[0] != '\0')
		write_field(wr, DK_LOG_TAG_CLIENT, a->token.client, DK_LOG_CLIENT_BYTES);
	if (has_rule) {
		title = policy_decrypt_info(policy, a->answer.rule).title;
		write_field(wr, DK_LOG_TAG_RULE, title, strlen(title));
	}
}

static void
write_short(struct dk_writer_buf *wr, const char *text)
{
	dk_wr_u8(wr, (uint8_t)strlen(text));
	dk_wr_bytes(wr, text, strlen(text));
}

static void
send_judged(struct authd *authd, uint64_t id, const struct asked *a)
{
	static uint8_t head[JUDGED_MAX_BYTES];
	struct dk_writer_buf wr;

	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u64(&wr, authd->told);
	dk_wr_bytes(&wr, authd->now->digest, sizeof(authd->now->digest));
	dk_wr_u16(&wr, (uint16_t)a->code);
	dk_wr_u8(&wr, (uint8_t)a->answer.level);
	write_charges(authd->now->policy, a, &wr);
	write_fields(authd->now->policy, a, &wr);
	dk_wr_bytes(&wr, a->message.address, 16);
	write_short(&wr, a->token.person);
	dk_wr_bytes(&wr, a->token_digest, sizeof(a->token_digest));
	dk_wr_u64(&wr, a->token.until);
	write_short(&wr, a->message.name);
	write_short(&wr, a->message.id);
	dk_wr_u16(&wr, (uint16_t)a->value_len);
	if (wr.failed)
		say_fatal("DKE_JUDGED is longer than it can be");
	const struct dk_part parts[] = { { head, wr.len }, { a->value, a->value_len } };
	(void)ipc_send(authd->keyd, IPC_DKE_JUDGED, id, parts, 2);
	/* To verify a token takes long: keyd need not wait for that of the next one. */
	ipc_flush(authd->keyd);
}

bool
authd_dke_decrypt(struct authd *authd, const struct ipc_message *message)
{
	static struct asked a;

	if (!ipc_dke_decrypt_read(message, &a.message) ||
	    a.message.claims.of[IPC_CLAIM_TOKEN].len == 0)
		return false;
	a.value_len = 0;
	a.answer = (struct policy_dke_answer){ .verdict = DKE_VERDICT_DENY,
		.rule = policy_decrypts(authd->now->policy) };
	if (!dke_gates_read(&a.message.claims, &a.gates))
		return false;
	a.code = check(authd, &a);
	if (a.code == DK_CODE_OK)
		dke_gates_allowed(&a.gates, a.answer.named);
	send_judged(authd, message->id, &a);
	return true;
}
