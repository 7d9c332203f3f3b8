/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "authd/authd.h"
#include "authd/policy.h"
#include "crypto/random.h"
#include "ipc/dke_conf.h"
#include "ipc/payload.h"
#include "ipc/wiping.h"
#include "sandbox/sandbox.h"

#define AUTHD_FD_HTTPD 4
#define AUTHD_FD_KEYD 5
#define AUTHD_FD_POLICY 6
#define AUTHD_FD_KEY_SETS 7
#define AUTHD_FD_DKE_CONF 8
#define DEVICE_STATE_LAST 3
#define KEY_STATE_LAST 3

static bool
on_httpd(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct authd *authd = ctx;
	const struct dk_part part = { message->data, message->len };
	struct ipc_presence presence;
	struct ipc_enrol enrol;

	(void)channel;
	switch (message->type) {
	case IPC_RELEASE:
		return authd_release(authd, message);
	case IPC_DKE_DECRYPT:
		return authd_dke_decrypt(authd, message);
	case IPC_ENROL:
		if (!ipc_enrol_read(message, &enrol))
			return false;
		(void)ipc_send(authd->keyd, IPC_ENROL_PASSED, message->id, &part, 1);
		return true;
	case IPC_PAGE:
		return authd_page(authd, message);
	case IPC_APPROVE:
		return authd_approve(authd, message);
	case IPC_PRESENCE: /* no policy says anything about it */
		if (!ipc_presence_read(message, &presence))
			return false;
		(void)ipc_send(authd->keyd, IPC_PRESENCE_PASSED, message->id, &part, 1);
		return true;
	case IPC_KEY:
		(void)ipc_send(authd->keyd, IPC_KEY_PASSED, message->id, &part, 1);
		return true;
	default:
		return false;
	}
}

static bool
on_parent(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct authd *authd = ctx;

	if (message->type == IPC_POLICY_TEXT)
		return authd_policy_text(authd, message);
	if (message->type == IPC_KEY_SET)
		return authd_key_set(authd, message);
	if (message->type == IPC_METADATA)
		return authd_metadata(authd, message);
	if (message->type == IPC_KEY_ACCEPT)
		return authd_key_accept(authd, message);
	return ipc_child_parent_message(&authd->child, channel, message);
}

static bool
on_keyd(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct authd *authd = ctx;

	(void)channel;
	authd->told++;
	if (message->type == IPC_DEVICE)
		return known_learn(&authd->devices, message, DEVICE_STATE_LAST);
	if (message->type == IPC_AUTHENTICATOR)
		return authenticators_learn(&authd->authenticators, message);
	if (message->type == IPC_GATE)
		return authd_gate(authd, message);
	if (message->type == IPC_APPROVED)
		return authd_approved(authd, message);
	if (message->type == IPC_POLICY_LOGGED)
		return authd_change_logged(authd, message);
	return message->type == IPC_SERVICE_KEY &&
	    known_learn(&authd->keys, message, KEY_STATE_LAST);
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
	directories_take(authd->now->policy, &authd->directories);
}

static void
take_pages(struct authd *authd)
{
	struct ipc_dke_conf conf;

	if (!ipc_dke_conf_take(AUTHD_FD_DKE_CONF, &conf))
		say_fatal("the settings of dke-listen cannot be used");
	memcpy(authd->origin, conf.base_url, sizeof(conf.base_url));
	memcpy(authd->domain, conf.domain, sizeof(conf.domain));
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
	/* keyd first: what it said is known before what comes from httpd is judged. */
	authd.keyd = ipc_child_add(&authd.child, AUTHD_FD_KEYD, IPC_KEYD, on_keyd, &authd);
	authd.httpd = ipc_child_add(&authd.child, AUTHD_FD_HTTPD, IPC_HTTPD, on_httpd, &authd);
	load_policy(&authd);
	take_pages(&authd);
	authd.child.protections |= sandbox_enter(IPC_AUTHD, NULL);
	authd_announce(&authd, 0, authd.now, &nobody);
	authd_tell_auditors(&authd);
	ipc_child_ready(&authd.child);
	ipc_child_gather(&authd.child);
	ipc_child_run(&authd.child);
	dke_kept_clear(&authd.kept);
	in_force_free(authd.now);
	directories_clear(&authd.directories);
	known_clear(&authd.devices);
	known_clear(&authd.keys);
	authenticators_clear(&authd.authenticators);
	gates_clear(&authd.confirmations);
	gates_clear(&authd.sessions);
	approved_clear(&authd.approved);
	return 0;
}
