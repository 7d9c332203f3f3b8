/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "ipc/dke_conf.h"
#include "ipc/fetch.h"
#include "ipc/payload.h"
#include "keyd/keyd.h"
#include "sandbox/sandbox.h"

static bool
with_lock(bool (*handler)(struct keyd *keyd, const struct ipc_message *message), struct keyd *keyd,
    const struct ipc_message *message)
{
	bool ok;

	keyd_state_lock(keyd);
	ok = handler(keyd, message);
	keyd_state_unlock(keyd);
	return ok;
}

static bool
on_parent(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct keyd *keyd = ctx;

	if (message->type == IPC_ADMIN)
		return with_lock(keyd_on_admin, keyd, message);
	return ipc_child_parent_message(&keyd->child, channel, message);
}

static void
say_policy_differs(void)
{
	say(SAY_ERROR,
	    "policy-differs: the cluster has another policy than policy.conf of this node; "
	    "nothing is released here until it is the same one and policy reload was run");
}

static void
policy_logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	(void)keyd;
	(void)receipt;
	(void)ctx;
	if (code == IPC_CODE_POLICY_DIFFERS)
		say_policy_differs();
	else if (code != DK_CODE_OK)
		say_fatal("unavailable: the log does not take the record of what is in force");
}

/* A policy that is to replace the one in force: authd waits for the word. */
struct new_policy {
	uint64_t id;
	uint8_t digest[32];
	uint8_t key_sets[32];
};

/* True if it is another one than what is in force. */
static bool
take_policy(struct keyd *keyd, const uint8_t digest[32], const uint8_t key_sets[32])
{
	bool other = !keyd->has_key_sets || memcmp(keyd->policy, digest, 32) != 0 ||
	    memcmp(keyd->key_sets, key_sets, 32) != 0;

	memcpy(keyd->policy, digest, sizeof(keyd->policy));
	memcpy(keyd->key_sets, key_sets, sizeof(keyd->key_sets));
	keyd->has_policy = keyd->has_key_sets = true;
	return other;
}

static void
new_policy_logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	struct new_policy *p = ctx;
	bool other;

	(void)receipt;
	if (code == IPC_CODE_POLICY_DIFFERS) {
		say_policy_differs();
		code = DK_CODE_ARGUMENT;
	}
	other = code == DK_CODE_OK && take_policy(keyd, p->digest, p->key_sets);
	keyd_tell_logged(keyd, p->id, code, other);
	free(p);
}

static void
change_policy(
    struct keyd *keyd, uint64_t id, const struct ipc_policy *policy, struct dk_log_event *event)
{
	struct keyd_nonce terms = { .policy_rule = IPC_POLICY_CHANGE, .policy = event->policy };
	struct new_policy *p = malloc(sizeof(*p));

	if (!p)
		say_fatal("no memory");
	p->id = id;
	memcpy(p->digest, policy->digest, sizeof(p->digest));
	memcpy(p->key_sets, policy->keys_digest, sizeof(p->key_sets));
	if (policy->uid == IPC_UID_CLUSTER)
		terms.policy_rule = IPC_POLICY_SAME;
	else
		keyd_add_factor(event, DK_FACTOR_LOCAL, IPC_PARENT, policy->uid);
	keyd_log(keyd, event, &terms, new_policy_logged, p);
}

static bool
on_policy(struct keyd *keyd, const struct ipc_message *message)
{
	static const uint8_t none[32];
	struct keyd_nonce terms = { .policy_rule = IPC_POLICY_SAME };
	struct dk_log_event event;
	struct ipc_policy policy;

	/* Only the first one comes without somebody who asked for it. */
	if (!ipc_policy_read(message, &policy) || policy.replaces != keyd->has_policy)
		return false;
	keyd_event(&event, DK_LOG_POLICY, DK_LOG_ADMIN, DK_CODE_OK);
	memcpy(event.policy, policy.digest, sizeof(event.policy));
	event.has_policy = true;
	if (memcmp(policy.keys_digest, none, sizeof(none)) != 0) {
		memcpy(event.note, "key sets ", strlen("key sets "));
		dk_hex(policy.keys_digest, 32, event.note + strlen("key sets "));
	}
	if (policy.replaces) {
		change_policy(keyd, message->id, &policy, &event);
		return true;
	}
	(void)take_policy(keyd, policy.digest, policy.keys_digest);
	terms.policy = keyd->policy;
	keyd_log(keyd, &event, &terms, policy_logged, NULL);
	return true;
}

static void
key_set_logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	uint64_t *id = ctx;

	(void)receipt;
	if (code == DK_CODE_OK)
		keyd->has_key_sets = false; /* only authd knows the digest over all of them */
	keyd_tell_logged(keyd, *id, code, true);
	free(id);
}

/* authd says what the record says of it; that it is one, is checked here. */
static bool
on_key_set(struct keyd *keyd, const struct ipc_message *message)
{
	static struct dk_log_key_set set;
	struct dk_log_event event;
	uint64_t *id;

	if (!dk_log_key_set_parse(message->data, message->len, &set))
		return false;
	id = malloc(sizeof(*id));
	if (!id)
		say_fatal("no memory");
	*id = message->id;
	keyd_event(&event, DK_LOG_KEY_SET, DK_LOG_ADMIN, DK_CODE_OK);
	memcpy(event.policy, keyd->policy, sizeof(event.policy));
	event.has_policy = keyd->has_policy;
	memcpy(event.key_set, message->data, message->len);
	event.key_set_len = message->len;
	keyd_log(keyd, &event, NULL, key_set_logged, id);
	return true;
}

static void
key_accept_logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	uint64_t *id = ctx;

	(void)receipt;
	keyd_tell_logged(keyd, *id, code, false);
	free(id);
}

static bool
on_key_accept(struct keyd *keyd, const struct ipc_message *message)
{
	struct ipc_key_accept accept;
	struct dk_log_event event;
	char hex[65];
	uint64_t *id;

	if (!ipc_key_accept_read(message->data, message->len, &accept) ||
	    !dk_text_valid(accept.name.data, accept.name.len))
		return false;
	id = malloc(sizeof(*id));
	if (!id)
		say_fatal("no memory");
	*id = message->id;
	keyd_event(&event, DK_LOG_KEY_ACCEPTED, DK_LOG_ADMIN, DK_CODE_OK);
	keyd_add_factor(&event, DK_FACTOR_LOCAL, IPC_PARENT, accept.uid);
	dk_hex(accept.thumbprint, 32, hex);
	(void)snprintf(event.note, sizeof(event.note), "%.*s %s", (int)accept.name.len,
	    (const char *)accept.name.data, hex);
	keyd_log(keyd, &event, NULL, key_accept_logged, id);
	return true;
}

static bool
on_authd(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct keyd *keyd = ctx;

	(void)channel;
	switch (message->type) {
	case IPC_RELEASE_JUDGED:
	case IPC_DKE_JUDGED:
		return keyd_on_release(keyd, message);
	case IPC_ENROL_PASSED:
		return keyd_on_enrol(keyd, message); /* changes what no thread reads */
	case IPC_PAGE_PASSED:
		return keyd_on_page(keyd, message); /* likewise */
	case IPC_APPROVE_PASSED:
		return keyd_on_approve(keyd, message); /* likewise */
	case IPC_PRESENCE_PASSED:
		return keyd_on_presence(keyd, message); /* likewise */
	case IPC_KEY_PASSED:
		return keyd_on_key(keyd, message);
	case IPC_POLICY:
		return on_policy(keyd, message);
	case IPC_AUDITORS:
		return keyd_on_auditors(keyd, message);
	case IPC_KEY_SET_NEW:
		return on_key_set(keyd, message);
	case IPC_KEY_ACCEPT_NEW:
		return on_key_accept(keyd, message);
	default:
		return false;
	}
}

/* httpd never sends to keyd: the channel is one way. */
static bool
on_httpd(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	(void)ctx;
	(void)channel;
	(void)message;
	return false;
}

static bool
on_logd(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	(void)channel;
	if (message->type == IPC_ANCHORED)
		return with_lock(keyd_on_anchored, ctx, message);
	if (message->type == IPC_ENTRIES_DONE)
		return keyd_on_entries(ctx, message);
	if (message->type == IPC_ERASED)
		return keyd_on_erased(ctx, message);
	if (message->type == IPC_STATE_TAKEN)
		return with_lock(keyd_on_state_taken, ctx, message);
	if (message->type == IPC_STATE_PUT_DONE)
		return with_lock(keyd_on_state_put_done, ctx, message);
	if (message->type == IPC_STATE_NEW)
		return keyd_on_state_new(ctx, message);
	return message->type == IPC_APPENDED && keyd_on_appended(ctx, message);
}

static bool
on_tokend(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	(void)channel;
	return message->type == IPC_TOKEN_DONE && with_lock(keyd_on_token, ctx, message);
}

/* Waiting releases end without a share when logd is gone. */
static void
idle(void *ctx)
{
	struct keyd *keyd = ctx;

	keyd_releases_go_on(keyd);
	keyd_share_step(keyd);
	keyd_freeze_canaries(keyd);
	keyd_tell_dke_keys(keyd);
	if (keyd->logd->fd < 0 || keyd->authd->fd < 0 || keyd->httpd->fd < 0 ||
	    (keyd->tokend && keyd->tokend->fd < 0))
		keyd->child.stopping = true;
}

static void
open_store(struct keyd *keyd)
{
	auto_passphrase passphrase = { .len = 0 };
	dk_err err;

	keyd->store.fd[0] = KEYD_FD_SLOT0;
	keyd->store.fd[1] = KEYD_FD_SLOT1;
	err = passphrase_read(KEYD_FD_PASSPHRASE, &passphrase);
	(void)close(KEYD_FD_PASSPHRASE);
	if (err == DK_OK)
		err = sealed_open(&keyd->store, &passphrase, &keyd->state);
	if (err != DK_OK)
		say_fatal("the sealed store does not open: %s", dk_err_text(err));
}

static void
take_pages(struct keyd *keyd)
{
	struct ipc_dke_conf conf;

	if (!ipc_dke_conf_take(KEYD_FD_DKE_CONF, &conf))
		say_fatal("the settings of dke-listen cannot be used");
	memcpy(keyd->gates.origin, conf.base_url, sizeof(conf.base_url));
	memcpy(keyd->gates.domain, conf.domain, sizeof(conf.domain));
	keyd->gates.session_s = conf.session_hours * 3600;
	keyd->gates.accepted = conf.registration != IPC_DKE_REGISTRATION_CODE;
}

/*
 * Everything that libcrypto fetches or reads on first use, while files may
 * still be opened: one signature, one seal, one random number.
 */
static void
warm_up(struct keyd *keyd)
{
	uint8_t sig[DK_SIGNATURE_BYTES], enc[DK_P384_POINT_BYTES], ct[64];
	const struct dk_part part = { "warm", 4 };
	dk_auto_hpke ctx = { .seq = 0 };
	dk_auto_pkey *key = NULL;
	size_t enc_len;

	if (dk_ecdsa_sign(keyd->state.identity, &part, 1, sig) != DK_OK ||
	    dk_ecdsa_verify(keyd->state.identity, &part, 1, sig) != DK_OK ||
	    dk_pkey_generate(DK_KEY_P256, 0, &key) != DK_OK ||
	    dk_hpke_sender(key, sig, 4, NULL, &ctx, enc, &enc_len) != DK_OK ||
	    dk_hpke_seal(&ctx, sig, 4, sig, 4, ct) != DK_OK)
		say_fatal("libcrypto does not do what it must");
}

/*
 * Threads get what their maker has: the file system limits first, then the
 * threads, then the system call filter, which takes hold of all of them.
 */
static void
start_threads(struct keyd *keyd)
{
	pthread_rwlockattr_t attr;

	keyd->child.protections |= sandbox_files(NULL);
	/* An act, a freeze above all, must not wait for a stream of releases to end. */
	if (pthread_rwlockattr_init(&attr) != 0 ||
	    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) !=
		0 ||
	    pthread_rwlock_init(&keyd->state_lock, &attr) != 0 || !pool_start(&keyd->pool, 0))
		say_fatal("no threads");
	keyd->child.wake_fd = keyd->pool.wake;
	if (mlockall(MCL_CURRENT) == 0)
		keyd->child.protections |= IPC_LOCKED;
	keyd->child.protections |= sandbox_calls(IPC_KEYD);
}

static void
tell_all(struct keyd *keyd)
{
	for (unsigned i = 0; i < keyd->state.device_count; i++)
		keyd_tell_device(keyd, keyd->state.device[i]);
	for (unsigned i = 0; i < keyd->state.key_count; i++)
		keyd_tell_key(keyd, keyd->state.key[i]);
	for (unsigned i = 0; i < keyd->state.approved.count; i++)
		keyd_tell_approved(keyd, &keyd->state.approved.item[i], true);
}

/* Of which policy, so that what was promised can be told from the log alone. */
static bool
note_witnesses(const struct keyd *keyd, struct dk_log_event *event)
{
	const struct dk_service_data *service = &keyd->quorum.service;
	const struct dk_part part = { service->witnesses, service->witnesses_len };
	uint8_t digest[DK_SHA256_BYTES];
	char hex[2 * sizeof(digest) + 1];
	size_t len = strlen(event->note);

	if (service->witnesses_len == 0)
		return true;
	if (dk_sha256(&part, 1, digest) != DK_OK)
		return false;
	dk_hex(digest, sizeof(digest), hex);
	return snprintf(event->note + len, sizeof(event->note) - len, ", witnesses %s", hex) > 0;
}

static void
record_start(struct keyd *keyd)
{
	struct dk_log_event event;

	keyd_event(&event, DK_LOG_STARTED, DK_LOG_ADMIN, DK_CODE_OK);
	memcpy(event.note, "doublekeyd " DK_VERSION, sizeof("doublekeyd " DK_VERSION));
	event.mode = keyd->quorum.strict ? DK_LOG_STRICT : DK_LOG_PROMPT;
	if (!note_witnesses(keyd, &event))
		say_fatal("libcrypto does not do what it must");
	event.generation = keyd->state.generation;
	keyd_log(keyd, &event, NULL, policy_logged, NULL);
}

void
keyd_begin(struct keyd *keyd)
{
	if (keyd->state.erase)
		keyd_erase(keyd);
	tell_all(keyd);
	keyd_tell_dke_keys(keyd);
	record_start(keyd);
	ipc_child_ready(&keyd->child);
}

int
main(void)
{
	static struct keyd keyd;

	ipc_child_begin(&keyd.child, IPC_KEYD);
	(void)ipc_child_add(&keyd.child, IPC_FD_PARENT, IPC_PARENT, on_parent, &keyd);
	keyd.authd = ipc_child_add(&keyd.child, KEYD_FD_AUTHD, IPC_AUTHD, on_authd, &keyd);
	keyd.httpd = ipc_child_add(&keyd.child, KEYD_FD_HTTPD, IPC_HTTPD, on_httpd, &keyd);
	keyd.logd = ipc_child_add(&keyd.child, KEYD_FD_LOGD, IPC_LOGD, on_logd, &keyd);
	if (fcntl(KEYD_FD_TOKEND, F_GETFD) >= 0)
		keyd.tokend =
		    ipc_child_add(&keyd.child, KEYD_FD_TOKEND, IPC_TOKEND, on_tokend, &keyd);
	open_store(&keyd);
	keyd_quorum_start(&keyd);
	take_pages(&keyd);
	warm_up(&keyd);
	start_threads(&keyd);
	keyd_share_begin(&keyd);
	keyd.child.idle = idle;
	keyd.child.idle_ctx = &keyd;
	ipc_child_gather(&keyd.child);
	ipc_child_run(&keyd.child);
	keyd_releases_end(&keyd);
	ipc_child_flush(&keyd.child);
	sealed_clear(&keyd.store);
	state_clear(&keyd.state);
	keyd_gates_clear(&keyd.gates);
	keyd_denials_clear(&keyd.denials);
	asked_clear(&keyd.asked);
	return 0;
}
