/* SPDX-License-Identifier: Apache-2.0 */
/* Another policy or another key set: announced, recorded, then in force. */
#include <stdio.h>
#include <string.h>

#include "authd/authd.h"
#include "authd/known_keys.h"
#include "authd/metadata.h"
#include "authd/policy.h"
#include "base/text.h"
#include "ipc/payload.h"
#include "native/code.h"

/* done: POLICY_DONE or KEY_SET_DONE. */
static void
answer(struct authd *authd, unsigned done, uint64_t id, unsigned code, const char *text)
{
	const uint8_t head[2] = { (uint8_t)(code >> 8), (uint8_t)code };
	const struct dk_part parts[] = { { head, sizeof(head) }, { text, strlen(text) } };

	(void)ipc_send(&authd->child.channel[0], done, id, parts, 2);
}

void
authd_announce(
    struct authd *authd, uint64_t id, const struct in_force *f, const struct dk_part *who)
{
	const struct dk_part parts[] = { { f->digest, sizeof(f->digest) },
		{ f->keys_digest, sizeof(f->keys_digest) }, *who };

	(void)ipc_send(authd->keyd, IPC_POLICY, id, parts, 3);
}

void
authd_tell_auditors(struct authd *authd)
{
	uint8_t ids[POLICY_AUDITORS_MAX][32];
	unsigned n = policy_auditors(authd->now->policy);
	const struct dk_part parts[] = { { authd->now->digest, sizeof(authd->now->digest) },
		{ ids, (size_t)n * sizeof(ids[0]) } };

	for (unsigned i = 0; i < n; i++)
		if (!dk_unhex(policy_auditor(authd->now->policy, i).key_id, ids[i], sizeof(ids[i])))
			say_fatal("the policy has an auditor that it must not have");
	(void)ipc_send(authd->keyd, IPC_AUDITORS, 0, parts, n > 0 ? 2 : 1);
}

static bool
is_busy(const struct authd *authd)
{
	return authd->next || authd->renewal.pending || authd->members.pending ||
	    authd->acceptance.pending;
}

bool
authd_policy_text(struct authd *authd, const struct ipc_message *message)
{
	struct policy_fault fault;
	struct ipc_policy_text given;
	char words[256];

	if (!ipc_policy_text_read(message, &given))
		return false;
	if (is_busy(authd)) {
		answer(authd, IPC_POLICY_DONE, message->id, DK_CODE_BUSY,
		    "another change is under way\n");
		return true;
	}
	authd->next = in_force_new(&given.text, &given.sets, &fault);
	if (!authd->next) {
		if (snprintf(words, sizeof(words), "policy.conf:%u: %s: %s\n", fault.line,
			policy_error_name(fault.error), fault.words) < 0)
			words[0] = '\0';
		answer(authd, IPC_POLICY_DONE, message->id, DK_CODE_ARGUMENT, words);
		return true;
	}
	authd->next_id = message->id;
	authd_announce(authd, message->id, authd->next, &given.who);
	return true;
}

bool
authd_key_set(struct authd *authd, const struct ipc_message *message)
{
	uint8_t field[DK_LOG_KEY_SET_MAX_BYTES];
	struct dk_part part = { field, 0 };
	struct directory *directory;
	struct ipc_key_set set;
	const char *why;

	if (!ipc_key_set_read(message->data, message->len, &set))
		return false;
	if (is_busy(authd)) {
		answer(authd, IPC_KEY_SET_DONE, message->id, DK_CODE_BUSY,
		    "another change is under way");
		return true;
	}
	directory = directory_find(&authd->directories, &set.name);
	switch (directory
		? directory_renewal_begin(&authd->members, directory, &set, &why, field, &part.len)
		: renewal_begin(&authd->renewal, authd->now, &set, &why, field, &part.len)) {
	case RENEWAL_REFUSED:
		answer(authd, IPC_KEY_SET_DONE, message->id, DK_CODE_ARGUMENT, why);
		break;
	case RENEWAL_SAME:
		answer(authd, IPC_KEY_SET_DONE, message->id, DK_CODE_OK, "");
		break;
	case RENEWAL_RECORD:
		authd->next_id = message->id;
		(void)ipc_send(authd->keyd, IPC_KEY_SET_NEW, message->id, &part, 1);
		break;
	}
	return true;
}

/* What the parent keeps of a tenant, before it hears that it is in force. */
static void
tell_known(struct authd *authd, const struct token_issuer *tenant)
{
	static uint8_t known[IPC_KNOWN_MAX_BYTES];
	const uint8_t head = (uint8_t)strlen(tenant->info.title);
	const struct dk_part parts[] = { { &head, 1 }, { tenant->info.title, head },
		{ known, known_keys_write(tenant, known) } };

	(void)ipc_send(&authd->child.channel[0], IPC_KEYS_KNOWN, 0, parts, 3);
}

static struct token_issuer *
find_tenant(struct authd *authd, const struct dk_part *name)
{
	for (unsigned i = 0; i < authd->now->issuers.count; i++) {
		struct token_issuer *issuer = &authd->now->issuers.item[i];

		if (issuer->info.tenant && strlen(issuer->info.title) == name->len &&
		    memcmp(issuer->info.title, name->data, name->len) == 0)
			return issuer;
	}
	return NULL;
}

bool
authd_metadata(struct authd *authd, const struct ipc_message *message)
{
	char url[IPC_FETCH_URL_MAX_BYTES + 1];
	const char *why = "the policy in force has no such tenant";
	const struct token_issuer *tenant;
	struct ipc_named named;

	if (!ipc_named_read(message->data, message->len, &named))
		return false;
	tenant = find_tenant(authd, &named.name);
	if (tenant && tenant->info.metadata &&
	    metadata_parse(&named.bytes, authd->now->policy, &tenant->info, url, &why))
		answer(authd, IPC_METADATA_DONE, message->id, DK_CODE_OK, url);
	else
		answer(authd, IPC_METADATA_DONE, message->id, DK_CODE_ARGUMENT, why);
	return true;
}

bool
authd_key_accept(struct authd *authd, const struct ipc_message *message)
{
	const struct dk_part part = { message->data, message->len };
	struct acceptance *acceptance = &authd->acceptance;
	struct ipc_key_accept asked;
	const struct token_known *known;

	if (!ipc_key_accept_read(message->data, message->len, &asked))
		return false;
	if (is_busy(authd)) {
		answer(authd, IPC_KEY_ACCEPTED, message->id, DK_CODE_BUSY,
		    "another change is under way\n");
		return true;
	}
	acceptance->tenant = find_tenant(authd, &asked.name);
	known = acceptance->tenant ? known_key_find(acceptance->tenant, asked.thumbprint) : NULL;
	if (!known || known->until_s <= ipc_now()) {
		answer(authd, IPC_KEY_ACCEPTED, message->id, DK_CODE_ARGUMENT,
		    "no such key of this tenant is in quarantine\n");
		return true;
	}
	memcpy(acceptance->thumbprint, asked.thumbprint, sizeof(acceptance->thumbprint));
	acceptance->pending = true;
	authd->next_id = message->id;
	(void)ipc_send(authd->keyd, IPC_KEY_ACCEPT_NEW, message->id, &part, 1);
	return true;
}

static void
on_acceptance_logged(struct authd *authd, unsigned code)
{
	struct acceptance *acceptance = &authd->acceptance;

	acceptance->pending = false;
	if (code == DK_CODE_OK &&
	    known_key_accept(acceptance->tenant, acceptance->thumbprint, ipc_now()))
		tell_known(authd, acceptance->tenant);
	answer(authd, IPC_KEY_ACCEPTED, authd->next_id, code,
	    code == DK_CODE_OK ? "the key is in use\n" : "the log does not take its record\n");
}

/* The record is durable, or the old key set stays. */
static void
on_key_set_logged(struct authd *authd, unsigned code)
{
	const struct token_issuer *issuer = authd->renewal.issuer;
	unsigned keys = authd->renewal.keys.count, fresh;
	bool first = issuer->known_count == 0;
	char words[96];

	renewal_end(&authd->renewal, code == DK_CODE_OK, authd->now->policy, ipc_now(), &fresh);
	if (snprintf(words, sizeof(words),
		fresh > 0 && !first ? "%u keys, another set than before, %u NEW in quarantine"
				    : "%u keys, another set than before",
		keys, fresh) < 0)
		words[0] = '\0';
	if (fresh > 0)
		tell_known(authd, issuer);
	answer(authd, IPC_KEY_SET_DONE, authd->next_id, code,
	    code == DK_CODE_OK ? words : "the log does not take its record");
}

static void
on_members_logged(struct authd *authd, unsigned code)
{
	unsigned members, gone;
	char words[96];

	directory_renewal_end(&authd->members, code == DK_CODE_OK);
	directory_count(authd->members.directory, &members, &gone);
	if (snprintf(words, sizeof(words),
		gone > 0 ? "%u members, others than before, %u groups are NOT THERE"
			 : "%u members, others than before",
		members, gone) < 0)
		words[0] = '\0';
	answer(authd, IPC_KEY_SET_DONE, authd->next_id, code,
	    code == DK_CODE_OK ? words : "the log does not take its record");
}

/* The policy that waited judges; what is known of its directories stays known. */
static void
take_next(struct authd *authd)
{
	static struct directories fresh;

	directories_take(authd->next->policy, &fresh);
	directories_carry(&authd->directories, authd->now->policy, &fresh, authd->next->policy);
	directories_clear(&authd->directories);
	authd->directories = fresh;
	in_force_free(authd->now);
	authd->now = authd->next;
}

/* The record is durable, or the old policy stays. */
bool
authd_change_logged(struct authd *authd, const struct ipc_message *message)
{
	char hex[65], words[128];
	uint64_t code;

	if (!ipc_number_read(message, 2, &code) || !dk_code_known((unsigned)code) ||
	    !is_busy(authd) || message->id != authd->next_id)
		return false;
	dke_kept_clear(&authd->kept);
	if (authd->renewal.pending) {
		on_key_set_logged(authd, (unsigned)code);
		return true;
	}
	if (authd->members.pending) {
		on_members_logged(authd, (unsigned)code);
		return true;
	}
	if (authd->acceptance.pending) {
		on_acceptance_logged(authd, (unsigned)code);
		return true;
	}
	if (code == DK_CODE_OK) {
		take_next(authd);
		authd_tell_auditors(authd);
	} else {
		in_force_free(authd->next);
	}
	authd->next = NULL;
	dk_hex(authd->now->digest, sizeof(authd->now->digest), hex);
	if (snprintf(words, sizeof(words), "policy in force: %s, %u rules\n", hex,
		policy_rules(authd->now->policy) + policy_decrypts(authd->now->policy)) < 0)
		words[0] = '\0';
	answer(authd, IPC_POLICY_DONE, message->id, (unsigned)code, words);
	return true;
}
