/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "authd/authd.h"
#include "authd/factor.h"
#include "base/text.h"
#include "format/schedule.h"
#include "ipc/payload.h"
#include "native/approval.h"
#include "native/code.h"
#include "native/release.h"

/* The key that keyd will use: that of the first stanza for a key it has. */
static const struct known *
key_of(const struct authd *authd, const uint8_t *data, const struct dk_set *set)
{
	for (uint32_t i = 0; i < set->stanza_count; i++) {
		const struct known *key = known_find(&authd->keys, data + set->stanza[i].key_id);

		if (key)
			return key;
	}
	return NULL;
}

/* What the objects of one request take from budgets, one for each rule. */
struct charges {
	unsigned count;
	unsigned rule[IPC_CHARGES_MAX];
	uint32_t objects[IPC_CHARGES_MAX];
};

static unsigned
charge(const struct authd *authd, struct charges *charges, unsigned rule)
{
	struct policy_rule_info info = policy_rule_info(authd->now->policy, rule);
	unsigned i = 0;

	if (info.per_minute == 0 && info.per_day == 0)
		return DK_CODE_OK;
	while (i < charges->count && charges->rule[i] != rule)
		i++;
	if (i == IPC_CHARGES_MAX)
		return DK_CODE_BUDGET;
	if (i == charges->count) {
		charges->count++;
		charges->rule[i] = rule;
		charges->objects[i] = 0;
	}
	charges->objects[i]++;
	return DK_CODE_OK;
}

static void
write_charges(const struct authd *authd, const struct charges *charges, const char *user,
    struct dk_writer_buf *wr)
{
	uint8_t prefix[DK_INFO_MAX_BYTES], id[32];
	size_t prefix_len;

	dk_wr_u8(wr, (uint8_t)charges->count);
	for (unsigned i = 0; i < charges->count; i++) {
		struct policy_rule_info info =
		    policy_rule_info(authd->now->policy, charges->rule[i]);

		if (dk_info("budget", NULL, 0, prefix, &prefix_len) != DK_OK)
			say_fatal("libcrypto does not do what it must");
		const struct dk_part parts[] = { { prefix, prefix_len },
			{ info.title, strlen(info.title) + 1 }, { user, strlen(user) } };
		if (dk_sha256(parts, 3, id) != DK_OK)
			say_fatal("libcrypto does not do what it must");
		dk_wr_bytes(wr, id, sizeof(id));
		dk_wr_u32(wr, charges->objects[i]);
		dk_wr_u32(wr, info.per_minute);
		dk_wr_u32(wr, info.per_day);
	}
}

/* of_request has what all objects of the request share. */
static unsigned
judge(const struct authd *authd, const struct policy_question *of_request,
    const struct dk_release_object *object, struct charges *charges)
{
	static const unsigned codes[] = { DK_CODE_POLICY, DK_CODE_OK, DK_CODE_CERTIFICATE_REQUIRED,
		DK_CODE_TOKEN_REQUIRED, DK_CODE_APPROVAL_REQUIRED };
	struct policy_question question = *of_request;
	enum policy_verdict verdict;
	struct dk_header header;
	const struct known *key;
	dk_side side = dk_release_side(object);
	unsigned rule;

	if (dk_header_parse_side(object->core, object->core_len, object->set_len, side, &header) !=
	    DK_OK)
		return DK_CODE_OBJECT_MALFORMED;
	key = key_of(authd, object->core, &header.set[side - 1]);
	if (!question.user || !key)
		return DK_CODE_POLICY;
	question.key = key->name;
	question.label = object->core + header.label;
	question.label_len = header.label_len;
	verdict = policy_judge(authd->now->policy, &question, &rule);
	return verdict == VERDICT_ALLOW ? charge(authd, charges, rule) : codes[verdict];
}

/* One clock reading for the whole request. */
static void
who_asks(
    const struct authd *authd, const struct ipc_release *asked, struct policy_question *question)
{
	const struct known *device = known_find(&authd->devices, asked->key_id);

	*question =
	    (struct policy_question){ .user = device ? device->name : NULL, .time = ipc_now() };
	dk_hex(asked->key_id, 32, question->device);
	memcpy(question->address, asked->address, sizeof(question->address));
}

/* Who says so is looked up here, whether it is true by keyd, which refuses the
 * whole request if one approval is not. */
static void
take_approvals(
    const struct authd *authd, const struct dk_part *claim, struct policy_question *question)
{
	struct policy_shown *shown = &question->shown;
	struct dk_approvals approvals;

	if (claim->len == 0 || dk_approvals_parse(claim->data, claim->len, &approvals) != DK_OK)
		return;
	for (unsigned i = 0; i < approvals.count; i++) {
		const struct known *device =
		    known_find(&authd->devices, approvals.approval[i].key_id);

		if (device)
			shown->approver[shown->approver_count++] = device->name;
	}
}

/* The first code, if one claim alone refuses the request. */
static unsigned
take_factors(const struct authd *authd, struct factors *factors, const struct ipc_claims *claims,
    struct policy_question *question, bool *ret_ok)
{
	const struct dk_part *certificate = &claims->of[IPC_CLAIM_CERTIFICATE];
	unsigned code = DK_CODE_OK;

	*ret_ok = true;
	if (certificate->len > 0)
		*ret_ok =
		    factor_certificate(certificate, &factors->certificate, &question->shown, &code);
	if (code == DK_CODE_OK)
		code =
		    factor_token(&claims->of[IPC_CLAIM_TOKEN], &claims->of[IPC_CLAIM_TOKEN_DIGEST],
			&authd->now->issuers, question, &factors->token);
	question->shown.issuer = factors->token.issuer;
	take_approvals(authd, &claims->of[IPC_CLAIM_APPROVALS], question);
	return code;
}

/* What keyd itself verifies goes on; what only authd understands ends here. */
static void
pass_on(struct authd *authd, uint64_t id, const struct dk_writer_buf *judged,
    const struct ipc_release *asked)
{
	static const unsigned kinds[] = { IPC_CLAIM_TOKEN_DIGEST, IPC_CLAIM_APPROVALS };
	uint8_t list[1 + 2 * IPC_CLAIM_HEAD_BYTES + IPC_CLAIM_TOKEN_DIGEST_BYTES +
	    IPC_CLAIM_APPROVALS_MAX_BYTES] = { 0 };
	struct dk_writer_buf wr;

	dk_wr_init(&wr, list + 1, sizeof(list) - 1);
	for (unsigned i = 0; i < 2; i++) {
		const struct dk_part *claim = &asked->claims.of[kinds[i]];
		uint8_t head[IPC_CLAIM_HEAD_BYTES];

		if (claim->len == 0)
			continue;
		ipc_claim_head(kinds[i], claim->len, head);
		dk_wr_bytes(&wr, head, sizeof(head));
		dk_wr_bytes(&wr, claim->data, claim->len);
		list[0]++;
	}
	const struct dk_part parts[] = { { judged->data, judged->len },
		{ asked->head, IPC_RELEASE_HEAD_BYTES }, { list, 1 + wr.len }, asked->body };
	(void)ipc_send(authd->keyd, IPC_RELEASE_JUDGED, id, parts, 4);
	/* To verify a token takes long: keyd need not wait for that of the next one. */
	if (asked->claims.of[IPC_CLAIM_TOKEN].len > 0)
		ipc_flush(authd->keyd);
}

bool
authd_release(struct authd *authd, const struct ipc_message *message)
{
	static struct dk_release_object objects[DK_RELEASE_OBJECTS_MAX];
	static uint8_t head[8 + 32 + 2 + 2 * DK_RELEASE_OBJECTS_MAX + 1 +
	    IPC_CHARGES_MAX * IPC_CHARGE_BYTES + FACTORS_MAX_BYTES];
	static struct factors factors;
	struct dk_release_request request = { .count = 0 };
	struct policy_question question;
	struct charges charges = { .count = 0 };
	struct ipc_release asked;
	struct dk_writer_buf wr;
	unsigned code;
	bool ok;

	if (!ipc_release_read(message, &asked))
		return false;
	who_asks(authd, &asked, &question);
	factors = (struct factors){ .token = { .issuer = NULL } };
	code = take_factors(authd, &factors, &asked.claims, &question, &ok);
	if (!ok)
		return false;
	if (dk_release_request_parse(asked.body.data, asked.body.len, objects, &request) != DK_OK)
		request.count = 0;
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u64(&wr, authd->told);
	dk_wr_bytes(&wr, authd->now->digest, sizeof(authd->now->digest));
	dk_wr_u16(&wr, (uint16_t)request.count);
	for (unsigned i = 0; i < request.count; i++)
		dk_wr_u16(&wr,
		    (uint16_t)(code != DK_CODE_OK
			    ? code
			    : judge(authd, &question, &objects[i], &charges)));
	write_charges(authd, &charges, question.user, &wr);
	factors_write(&factors, &wr);
	pass_on(authd, message->id, &wr, &asked);
	return true;
}
