/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Approvals that stand, spec/key-service.md section 6.2: which rules name the user of a device as
 * an approver. keyd verifies that the device signed.
 */
#include <stdlib.h>
#include <string.h>

#include "authd/authd.h"
#include "authd/policy.h"
#include "ipc/approved.h"
#include "native/code.h"

#define DEVICE_ACTIVE 1
#define STANDING_SCOPE_MAX (POLICY_STANDING_MAX / 2)
#define HEAD_MAX_BYTES (2 + 2 + APPROVED_RULES_MAX * IPC_APPROVER_RULE_MAX_BYTES)

static enum dk_scope
scopes_of(const struct policy_decrypt_info *rule)
{
	return (rule->approved & POLICY_GATE_APPROVED_DOCUMENT ? DK_SCOPE_DOCUMENT : 0) |
	    (rule->approved & POLICY_GATE_APPROVED_KEY ? DK_SCOPE_KEY : 0);
}

static unsigned
write_rules(const struct policy *policy, const char *user, struct dk_writer_buf *wr)
{
	unsigned n = 0;

	for (unsigned i = 0; i < policy_decrypts(policy); i++) {
		struct policy_decrypt_info rule = policy_decrypt_info(policy, i);
		const struct ipc_approver_rule told = { rule.title, strlen(rule.title),
			scopes_of(&rule), rule.approvals, rule.approval_hours };

		if (rule.approved == 0 || !policy_decrypt_approver(policy, i, user))
			continue;
		ipc_approver_rule_write(wr, &told);
		n++;
	}
	return n;
}

/* What is signed is no more than what the rule says. */
static bool
may_approve(const struct policy *policy, const char *user, const struct dk_standing *s)
{
	for (unsigned i = 0; i < policy_decrypts(policy); i++) {
		struct policy_decrypt_info rule = policy_decrypt_info(policy, i);

		if (strcmp(rule.title, s->rule) == 0)
			return (scopes_of(&rule) & s->scope) && rule.approvals == s->needed &&
			    s->hours <= rule.approval_hours &&
			    policy_decrypt_has_key(policy, i, s->key) &&
			    policy_decrypt_approver(policy, i, user);
	}
	return false;
}

bool
authd_approve(struct authd *authd, const struct ipc_message *message)
{
	static uint8_t head[HEAD_MAX_BYTES];
	const struct policy *policy = authd->now->policy;
	unsigned code = DK_CODE_OK, n = 0;
	const struct known *device;
	struct ipc_release asked;
	struct dk_standing s;
	struct dk_writer_buf wr;

	if (!ipc_approve_read(message, &asked))
		return false;
	device = known_find(&authd->devices, asked.key_id);
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u32(&wr, 0);
	/* keyd says what is wrong with its layout, and of a device that it does not know. */
	if (device && dk_standing_is_list(asked.body.data, asked.body.len))
		n = write_rules(policy, device->name, &wr);
	else if (device && dk_standing_parse(asked.body.data, asked.body.len, &s) == DK_OK &&
	    !may_approve(policy, device->name, &s))
		code = DK_CODE_POLICY;
	if (wr.failed)
		say_fatal("APPROVE_PASSED is longer than it can be");
	head[0] = (uint8_t)(code >> 8);
	head[1] = (uint8_t)code;
	head[2] = (uint8_t)(n >> 8);
	head[3] = (uint8_t)n;
	const struct dk_part parts[] = { { head, wr.len }, { message->data, message->len } };
	(void)ipc_send(authd->keyd, IPC_APPROVE_PASSED, message->id, parts, 2);
	return true;
}

bool
authd_approved(struct authd *authd, const struct ipc_message *message)
{
	struct approved approved;

	if (!ipc_approved_read(message, &approved))
		return false;
	if (approved.until == 0)
		approved_drop(&authd->approved, approved.name, approved.index);
	else
		approved_put(&authd->approved, &approved);
	return true;
}

/* The newest ones, the oldest of them first. */
static unsigned
of_name(const struct authd *authd, const uint8_t name[32], bool key, const char *person,
    uint64_t now, struct policy_approval *ret, uint64_t *ret_index)
{
	unsigned n, count = 0, first;
	const struct approved *a = approved_of(&authd->approved, name, &n);

	for (first = n; first > 0 && n - first < STANDING_SCOPE_MAX; first--)
		;
	for (unsigned i = first; i < n; i++) {
		const struct known *device = known_find(&authd->devices, a[i].device);

		if (!device || device->state != DEVICE_ACTIVE || a[i].until <= now ||
		    ipc_dke_is_person(authd->domain, device->name, person))
			continue;
		ret[count] = (struct policy_approval){ key, device->name, a[i].time, a[i].needed };
		ret_index[count++] = a[i].index;
	}
	return count;
}

unsigned
authd_standing(const struct authd *authd, const uint8_t document[32], const char *key,
    const char *person, uint64_t now, struct policy_approval ret[POLICY_STANDING_MAX],
    uint64_t ret_index[POLICY_STANDING_MAX])
{
	static const enum dk_scope scopes[] = { DK_SCOPE_DOCUMENT, DK_SCOPE_KEY };
	unsigned n = 0;

	for (unsigned i = 0; authd->approved.count > 0 && i < 2; i++) {
		uint8_t name[32];

		if (dk_standing_name(scopes[i], document, key, person, name) != DK_OK)
			say_fatal("libcrypto does not do what it must");
		n += of_name(
		    authd, name, scopes[i] == DK_SCOPE_KEY, person, now, ret + n, ret_index + n);
	}
	return n;
}
