/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/policy.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "ipc/payload.h"
#include "native/code.h"
#include "parent/key_sets.h"
#include "parent/policies.h"
#include "parent/run.h"

#define ANSWER_PACKET_BYTES 61440

static void
admin_close(struct run_admin *admin)
{
	if (admin->fd >= 0)
		(void)close(admin->fd);
	admin->fd = -1;
}

/* The peer is local and answers at once, or is given up after the time-out. */
static void
admin_answer(struct run_admin *admin, const uint8_t *data, size_t len)
{
	size_t n;

	for (size_t at = 0; at < len; at += n) {
		n = len - at < ANSWER_PACKET_BYTES ? len - at : ANSWER_PACKET_BYTES;
		if (send(admin->fd, data + at, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;
	}
	(void)send(admin->fd, "", 0, MSG_NOSIGNAL);
	admin_close(admin);
}

static void
admin_code(struct run_admin *admin, unsigned code)
{
	const uint8_t head[2] = { (uint8_t)(code >> 8), (uint8_t)code };

	admin_answer(admin, head, sizeof(head));
}

static bool
peer_allowed(int fd, uint32_t *ret_uid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return false;
	*ret_uid = cred.uid;
	return cred.uid == 0 || cred.uid == geteuid();
}

void
run_admin_accept(struct run *run)
{
	static const struct timeval patience = { 5, 0 };
	int fd = accept4(run->admin_listen, NULL, NULL, SOCK_CLOEXEC);
	uint32_t uid;

	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	for (unsigned i = 0; i < RUN_ADMINS_MAX; i++)
		if (run->admin[i].fd < 0 && peer_allowed(fd, &uid)) {
			run->admin[i] = (struct run_admin){ .fd = fd };
			return;
		}
	(void)close(fd);
}

static bool
ask_logd(struct run *run, struct run_admin *admin, const uint8_t *packet, size_t len)
{
	struct ipc_admin asked;
	uint64_t arg[2] = { 0, 0 };
	uint8_t payload[12];
	const struct dk_part part = { payload, sizeof(payload) };
	struct dk_writer_buf wr;

	if (!ipc_admin_packet_read(packet, len, &asked) || asked.argc != 2)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		char text[24] = { 0 };

		if (asked.arg[i].len >= sizeof(text))
			return false;
		memcpy(text, asked.arg[i].data, asked.arg[i].len);
		arg[i] = strtoull(text, NULL, 10);
	}
	dk_wr_init(&wr, payload, sizeof(payload));
	dk_wr_u64(&wr, arg[0]);
	dk_wr_u32(&wr, (uint32_t)arg[1]);
	return ipc_send(&run->set.channel[IPC_LOGD], IPC_RECORDS, admin->id, &part, 1);
}

/* The new text goes to authd, which answers when the record of it is durable. A key set
 * that is on its way there goes first. */
bool
run_reload_policy(struct run *run, uint64_t id, uint32_t uid)
{
	static char text[POLICY_MAX_BYTES + 1];
	struct policy *policy = NULL;
	struct policy_fault fault;
	char path[PATH_BYTES];
	uint8_t head[8], *sets;
	struct dk_writer_buf wr;
	size_t len, sets_len;
	bool sent;

	if (run->authd_busy == RUN_BUSY_KEY_SET) {
		sent = !run->reload_waits;
		run->reload_waits = true;
		run->reload_id = sent ? id : run->reload_id;
		run->reload_uid = sent ? uid : run->reload_uid;
		return sent;
	}
	if (!path_join(path, run->settings->dir, "policy.conf") ||
	    !policy_read(path, text, sizeof(text), &len))
		return false;
	/* A text that cannot be kept does not come into force. */
	if (policy_parse(text, len, &policy, &fault) &&
	    !policies_keep(run->settings->dir, text, len)) {
		say(SAY_ERROR, "file: %s/" POLICIES_FOLDER ": %s", run->settings->dir,
		    strerror(errno));
		policy_free(policy);
		return false;
	}
	if (!key_sets_read(run->settings->dir, policy, &sets, &sets_len)) {
		policy_free(policy);
		return false;
	}
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u32(&wr, uid);
	dk_wr_u32(&wr, (uint32_t)len);
	const struct dk_part parts[] = { { head, sizeof(head) }, { text, len },
		{ sets, sets_len } };
	sent = ipc_send(&run->set.channel[IPC_AUTHD], IPC_POLICY_TEXT, id, parts, 3);
	free(sets);
	if (sent && run->authd_busy == RUN_BUSY_NOT) {
		policy_free(run->policy_next);
		run->policy_next = policy;
		run->policy_id = id;
		run->authd_busy = RUN_BUSY_POLICY;
	} else {
		policy_free(policy);
	}
	return sent;
}

bool
run_on_policy_done(struct run *run, const struct ipc_message *message)
{
	bool ok;

	if (message->len < 3)
		return false;
	ok = message->data[0] == 0 && message->data[1] == 0;
	say(ok ? SAY_INFO : SAY_ERROR, "%.*s", (int)message->len - 3,
	    (const char *)message->data + 2);
	/* One that came while another one was under way has been refused. */
	if (run->authd_busy == RUN_BUSY_POLICY && message->id == run->policy_id) {
		if (ok) {
			run_sources_set(run, run->policy_next);
			run_levels_set(run, run->policy_next);
		}
		policy_free(run->policy_next);
		run->policy_next = NULL;
		run->authd_busy = RUN_BUSY_NOT;
	}
	run_admin_done(run, message);
	return true;
}

void
run_admin_request(struct run *run, struct run_admin *admin)
{
	uint8_t packet[IPC_ADMIN_MAX_BYTES + 1], head[6];
	ssize_t n = recv(admin->fd, packet, sizeof(packet), 0);
	struct dk_writer_buf wr;
	uint32_t uid = 0;
	bool sent;

	if (n < 3 || (size_t)n > IPC_ADMIN_MAX_BYTES - 4 || admin->id != 0 ||
	    !peer_allowed(admin->fd, &uid)) {
		admin_close(admin);
		return;
	}
	admin->op = (unsigned)packet[0] << 8 | packet[1];
	admin->id = ++run->next_id;
	if (!run->went) {
		admin_code(admin, DK_CODE_UNAVAILABLE);
		return;
	}
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u16(&wr, (uint16_t)admin->op);
	dk_wr_u32(&wr, uid);
	const struct dk_part parts[] = { { head, sizeof(head) }, { packet + 2, (size_t)n - 2 } };
	if (admin->op == IPC_OP_LOG)
		sent = ask_logd(run, admin, packet, (size_t)n);
	else if (admin->op == IPC_OP_POLICY_RELOAD)
		sent = run_reload_policy(run, admin->id, uid);
	else if (admin->op == IPC_OP_TENANT_ACCEPT)
		sent = run_tenant_accept(run, admin->id, uid, packet, (size_t)n);
	else if (admin->op == IPC_OP_TLS_RELOAD)
		sent = run_reload_tls(run, admin->id);
	else
		sent = ipc_send(&run->set.channel[IPC_KEYD], IPC_ADMIN, admin->id, parts, 2);
	dk_wipe(packet, sizeof(packet)); /* a key that is imported may be in it */
	if (!sent)
		admin_code(admin, DK_CODE_ARGUMENT);
}

static size_t
status_lines(const struct run *run, char *text, size_t cap)
{
	static const char *const names[] = { "no_new_privs", "seccomp", "landlock", "not-dumpable",
		"no-core", "locked" };
	size_t len = 0;
	int n;

	for (unsigned p = IPC_HTTPD; p < IPC_PROCESSES; p++) {
		if (run->set.pid[p] <= 0)
			continue;
		n = snprintf(
		    text + len, cap - len, "%s\tpid %d", ipc_process_name(p), (int)run->set.pid[p]);
		len += n > 0 ? (size_t)n : 0;
		for (unsigned b = 0; b < 6; b++) {
			if (!(run->protections[p] & (1u << b)))
				continue;
			n = snprintf(text + len, cap - len, " %s", names[b]);
			len += n > 0 ? (size_t)n : 0;
		}
		if (run->user[p].own) {
			n = snprintf(
			    text + len, cap - len, " user-id %u", (unsigned)run->user[p].uid);
			len += n > 0 ? (size_t)n : 0;
		}
		text[len++] = '\n';
	}
	if (run->hsm_uri) {
		n = snprintf(text + len, cap - len, "hsm\t%s\n",
		    run->pin_refused ? "the PIN was refused" : "configured");
		len += n > 0 ? (size_t)n : 0;
	}
	len += run_tls_status(run, text + len, cap - len);
	len += run_fetch_status(run, text + len, cap - len);
	len += run_witness_status(run, text + len, cap - len);
	n = snprintf(text + len, cap - len, "separation\t%s\nrestarts\t%u\nviolations\t%u\n",
	    run->separation, run->restarts, run->violations);
	return len + (n > 0 ? (size_t)n : 0);
}

void
run_admin_done(struct run *run, const struct ipc_message *message)
{
	char lines[65536];
	struct run_admin *admin = NULL;
	size_t extra, levels = run->levels ? strlen(run->levels) : 0;
	uint8_t *both;

	for (unsigned i = 0; i < RUN_ADMINS_MAX; i++)
		if (run->admin[i].fd >= 0 && run->admin[i].id == message->id &&
		    message->id != 0) /* 0: nobody asked, or has not asked yet */
			admin = &run->admin[i];
	if (!admin)
		return;
	if (admin->op != IPC_OP_STATUS) {
		admin_answer(admin, message->data, message->len);
		return;
	}
	extra = status_lines(run, lines, sizeof(lines));
	both = malloc(message->len + extra + levels);
	if (both) {
		memcpy(both, message->data, message->len);
		memcpy(both + message->len, lines, extra);
		memcpy(both + message->len + extra, levels ? run->levels : "", levels);
		admin_answer(admin, both, message->len + extra + levels);
	}
	free(both);
}

void
run_admin_failed(struct run *run, uint64_t id)
{
	for (unsigned i = 0; i < RUN_ADMINS_MAX; i++)
		if (run->admin[i].fd >= 0 && run->admin[i].id == id)
			admin_code(&run->admin[i], DK_CODE_ARGUMENT);
}

void
run_admins_give_up(struct run *run)
{
	for (unsigned i = 0; i < RUN_ADMINS_MAX; i++)
		if (run->admin[i].fd >= 0 && run->admin[i].id != 0)
			admin_code(&run->admin[i], DK_CODE_UNAVAILABLE);
}
