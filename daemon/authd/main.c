/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authd: says what the policy says, for each object of a request. It believes
 * httpd nothing that matters: keyd verifies the signature itself afterwards,
 * and asks the policy's answer only for what the signed body names.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/factor.h"
#include "authd/in_force.h"
#include "authd/policy.h"
#include "authd/renewal.h"
#include "base/text.h"
#include "format/schedule.h"
#include "ipc/child.h"
#include "ipc/payload.h"
#include "ipc/wiping.h"
#include "native/approval.h"
#include "native/code.h"
#include "native/release.h"
#include "sandbox/sandbox.h"

#define AUTHD_FD_HTTPD 4
#define AUTHD_FD_KEYD 5
#define AUTHD_FD_POLICY 6
#define AUTHD_FD_KEY_SETS 7
#define DEVICE_STATE_LAST 2
#define KEY_STATE_LAST 3

struct known {
	uint8_t id[32];
	uint8_t state;
	char name[IPC_NAME_MAX_BYTES + 1];
};

/* What keyd told: devices and their users, key ids and their names. */
struct list {
	struct known *item;
	unsigned count;
};

struct authd {
	struct ipc_child child;
	struct ipc_channel *httpd;
	struct ipc_channel *keyd;
	struct in_force *now;
	/* one that waits for its record */
	struct in_force *next;
	uint64_t next_id; /* of next or renewal, whichever is pending */
	struct renewal renewal;
	struct list devices;
	struct list keys;
};

/* Sorted by id; where id is, or where it belongs. */
static unsigned
place(const struct list *list, const uint8_t id[32])
{
	unsigned low = 0, high = list->count;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (memcmp(list->item[mid].id, id, 32) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct known *
find(const struct list *list, const uint8_t id[32])
{
	unsigned i = place(list, id);

	return i < list->count && memcmp(list->item[i].id, id, 32) == 0 ? &list->item[i] : NULL;
}

static bool
learn(struct list *list, const struct ipc_message *message, unsigned last_state)
{
	struct known known = { .state = 0 };
	struct ipc_known told;
	struct known *grown;
	unsigned i;

	if (!ipc_known_read(message, &told) || told.state < 1 || told.state > last_state)
		return false;
	memcpy(known.id, told.id, 32);
	known.state = told.state;
	memcpy(known.name, told.name, sizeof(known.name));
	i = place(list, known.id);
	if (i == list->count || memcmp(list->item[i].id, known.id, 32) != 0) {
		grown = realloc(list->item, (list->count + 1) * sizeof(*grown));
		if (!grown)
			say_fatal("no memory");
		list->item = grown;
		memmove(grown + i + 1, grown + i, (list->count - i) * sizeof(*grown));
		list->count++;
	}
	list->item[i] = known;
	return true;
}

/* The key that keyd will use: that of the first stanza for a key it has. */
static const struct known *
key_of(const struct authd *authd, const uint8_t *data, const struct dk_set *set)
{
	for (uint32_t i = 0; i < set->stanza_count; i++) {
		const struct known *key = find(&authd->keys, data + set->stanza[i].key_id);

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
	unsigned rule;

	if (dk_header_parse_side(object->core, object->core_len, object->set_len, DK_SIDE_CUSTOMER,
		&header) != DK_OK)
		return DK_CODE_OBJECT_MALFORMED;
	key = key_of(authd, object->core, &header.set[0]);
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
	const struct known *device = find(&authd->devices, asked->key_id);

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
		const struct known *device = find(&authd->devices, approvals.approval[i].key_id);

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

static bool
on_release(struct authd *authd, const struct ipc_message *message)
{
	static struct dk_release_object objects[DK_RELEASE_OBJECTS_MAX];
	static uint8_t head[32 + 2 + 2 * DK_RELEASE_OBJECTS_MAX + 1 +
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

static bool
on_httpd(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct authd *authd = ctx;
	const struct dk_part part = { message->data, message->len };
	struct ipc_enrol enrol;

	(void)channel;
	switch (message->type) {
	case IPC_RELEASE:
		return on_release(authd, message);
	case IPC_ENROL:
		if (!ipc_enrol_read(message, &enrol))
			return false;
		(void)ipc_send(authd->keyd, IPC_ENROL_PASSED, message->id, &part, 1);
		return true;
	case IPC_KEY:
		(void)ipc_send(authd->keyd, IPC_KEY_PASSED, message->id, &part, 1);
		return true;
	default:
		return false;
	}
}

/* ---- another policy ---- */

static void
policy_done(struct authd *authd, uint64_t id, unsigned code, const char *text)
{
	const uint8_t head[2] = { (uint8_t)(code >> 8), (uint8_t)code };
	const struct dk_part parts[] = { { head, sizeof(head) }, { text, strlen(text) } };

	(void)ipc_send(&authd->child.channel[0], IPC_POLICY_DONE, id, parts, 2);
}

/* Digests of what is to judge, and who asked, if it is to replace another one. */
static void
announce(struct authd *authd, uint64_t id, const struct in_force *f, const struct dk_part *who)
{
	const struct dk_part parts[] = { { f->digest, sizeof(f->digest) },
		{ f->keys_digest, sizeof(f->keys_digest) }, *who };

	(void)ipc_send(authd->keyd, IPC_POLICY, id, parts, 3);
}

static bool
is_busy(const struct authd *authd)
{
	return authd->next || authd->renewal.pending;
}

static bool
on_policy_text(struct authd *authd, const struct ipc_message *message)
{
	struct policy_fault fault;
	struct ipc_policy_text given;
	char words[256];

	if (!ipc_policy_text_read(message, &given))
		return false;
	if (is_busy(authd)) {
		policy_done(authd, message->id, DK_CODE_BUSY, "another change is under way\n");
		return true;
	}
	authd->next = in_force_new(&given.text, &given.sets, &fault);
	if (!authd->next) {
		if (snprintf(words, sizeof(words), "policy.conf:%u: %s: %s\n", fault.line,
			policy_error_name(fault.error), fault.words) < 0)
			words[0] = '\0';
		policy_done(authd, message->id, DK_CODE_ARGUMENT, words);
		return true;
	}
	authd->next_id = message->id;
	announce(authd, message->id, authd->next, &given.who);
	return true;
}

static void
key_set_done(struct authd *authd, uint64_t id, unsigned code, const char *text)
{
	const uint8_t head[2] = { (uint8_t)(code >> 8), (uint8_t)code };
	const struct dk_part parts[] = { { head, sizeof(head) }, { text, strlen(text) } };

	(void)ipc_send(&authd->child.channel[0], IPC_KEY_SET_DONE, id, parts, 2);
}

static bool
on_key_set(struct authd *authd, const struct ipc_message *message)
{
	uint8_t field[DK_LOG_KEY_SET_MAX_BYTES];
	struct dk_part part = { field, 0 };
	struct ipc_key_set set;
	const char *why;

	if (!ipc_key_set_read(message->data, message->len, &set))
		return false;
	if (is_busy(authd)) {
		key_set_done(authd, message->id, DK_CODE_BUSY, "another change is under way");
		return true;
	}
	switch (renewal_begin(&authd->renewal, authd->now, &set, &why, field, &part.len)) {
	case RENEWAL_REFUSED:
		key_set_done(authd, message->id, DK_CODE_ARGUMENT, why);
		break;
	case RENEWAL_SAME:
		key_set_done(authd, message->id, DK_CODE_OK, "");
		break;
	case RENEWAL_RECORD:
		authd->next_id = message->id;
		(void)ipc_send(authd->keyd, IPC_KEY_SET_NEW, message->id, &part, 1);
		break;
	}
	return true;
}

/* The record is durable, or the old key set stays. */
static void
on_key_set_logged(struct authd *authd, unsigned code)
{
	char words[96];

	if (snprintf(words, sizeof(words), "%u keys, another set than before",
		authd->renewal.keys.count) < 0)
		words[0] = '\0';
	renewal_end(&authd->renewal, code == DK_CODE_OK);
	key_set_done(authd, authd->next_id, code,
	    code == DK_CODE_OK ? words : "the log does not take its record");
}

/* The record is durable, or the old policy stays. */
static bool
on_policy_logged(struct authd *authd, const struct ipc_message *message)
{
	char hex[65], words[128];
	uint64_t code;

	if (!ipc_number_read(message, 2, &code) || !dk_code_known((unsigned)code) ||
	    !is_busy(authd) || message->id != authd->next_id)
		return false;
	if (authd->renewal.pending) {
		on_key_set_logged(authd, (unsigned)code);
		return true;
	}
	if (code == DK_CODE_OK) {
		in_force_free(authd->now);
		authd->now = authd->next;
	} else {
		in_force_free(authd->next);
	}
	authd->next = NULL;
	dk_hex(authd->now->digest, sizeof(authd->now->digest), hex);
	if (snprintf(words, sizeof(words), "policy in force: %s, %u rules\n", hex,
		policy_rules(authd->now->policy)) < 0)
		words[0] = '\0';
	policy_done(authd, message->id, (unsigned)code, words);
	return true;
}

static bool
on_parent(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct authd *authd = ctx;

	if (message->type == IPC_POLICY_TEXT)
		return on_policy_text(authd, message);
	if (message->type == IPC_KEY_SET)
		return on_key_set(authd, message);
	return ipc_child_parent_message(&authd->child, channel, message);
}

static bool
on_keyd(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct authd *authd = ctx;

	(void)channel;
	if (message->type == IPC_DEVICE)
		return learn(&authd->devices, message, DEVICE_STATE_LAST);
	if (message->type == IPC_POLICY_LOGGED)
		return on_policy_logged(authd, message);
	return message->type == IPC_SERVICE_KEY && learn(&authd->keys, message, KEY_STATE_LAST);
}

static struct dk_part
read_all(int fd, char *data, size_t cap)
{
	struct dk_part part = { data, 0 };
	ssize_t n;

	while ((n = read(fd, data + part.len, cap - part.len)) > 0)
		part.len += (size_t)n;
	(void)close(fd);
	if (n < 0)
		say_fatal("the policy or the key sets cannot be read");
	return part;
}

static void
load_policy(struct authd *authd)
{
	static char text[POLICY_MAX_BYTES + 1], sets[IPC_POLICY_MAX_BYTES];
	const struct dk_part policy = read_all(AUTHD_FD_POLICY, text, sizeof(text));
	const struct dk_part keys = read_all(AUTHD_FD_KEY_SETS, sets, sizeof(sets));
	struct policy_fault fault;

	authd->now = in_force_new(&policy, &keys, &fault);
	if (!authd->now)
		say_fatal("policy.conf:%u: %s: %s", fault.line, policy_error_name(fault.error),
		    fault.words);
}

/* Tokens pass through these libraries, which copy them. jansson's seed comes from
 * a file unless it is given. */
static void
prepare_libraries(void)
{
	uint8_t seed[4];

	json_set_alloc_funcs(wiping_malloc, wiping_free);
	cjose_set_alloc_funcs(wiping_malloc, wiping_realloc, wiping_free);
	if (dk_random(seed, sizeof(seed)) != DK_OK)
		say_fatal("libcrypto does not do what it must");
	json_object_seed(
	    (size_t)seed[0] << 24 | (size_t)seed[1] << 16 | (size_t)seed[2] << 8 | seed[3] | 1);
}

int
main(void)
{
	static const struct dk_part nobody = { NULL, 0 };
	static struct authd authd;

	wiping_crypto();
	ipc_child_begin(&authd.child, IPC_AUTHD);
	prepare_libraries();
	(void)ipc_child_add(&authd.child, IPC_FD_PARENT, IPC_PARENT, on_parent, &authd);
	authd.httpd = ipc_child_add(&authd.child, AUTHD_FD_HTTPD, IPC_HTTPD, on_httpd, &authd);
	authd.keyd = ipc_child_add(&authd.child, AUTHD_FD_KEYD, IPC_KEYD, on_keyd, &authd);
	load_policy(&authd);
	authd.child.protections |= sandbox_enter(IPC_AUTHD, NULL);
	announce(&authd, 0, authd.now, &nobody);
	ipc_child_ready(&authd.child);
	ipc_child_gather(&authd.child);
	ipc_child_run(&authd.child);
	in_force_free(authd.now);
	free(authd.devices.item);
	free(authd.keys.item);
	return 0;
}
