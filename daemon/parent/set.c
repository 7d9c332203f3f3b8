/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "ipc/payload.h"
#include "parent/key_sets.h"
#include "parent/policies.h"
#include "parent/run.h"

#define CAUSE_WAIT_MS 500

static void
all_ready(struct run *run)
{
	uint8_t payload[8];
	const struct dk_part part = { payload, sizeof(payload) };
	struct dk_writer_buf wr;

	dk_wr_init(&wr, payload, sizeof(payload));
	dk_wr_u32(&wr, run->restarts);
	dk_wr_u32(&wr, run->violations);
	run->went = ipc_send(&run->set.channel[IPC_HTTPD], IPC_GO, 0, &part, 1);
	run->started_s = ipc_now();
	say(SAY_INFO, "ready");
	run_notify("READY=1");
}

static bool
on_ready(struct run *run, enum ipc_process from, const struct ipc_message *message)
{
	uint64_t protections;

	if (!ipc_number_read(message, 4, &protections) || run->ready & 1u << from)
		return false;
	run->protections[from] = (unsigned)protections;
	say(SAY_INFO, "%s: seccomp %s, landlock %s", ipc_process_name(from),
	    run->protections[from] & IPC_SECCOMP ? "on" : "OFF",
	    run->protections[from] & IPC_LANDLOCK ? "on" : "OFF");
	run->ready |= 1u << from;
	/* fetchd may have been started anew. */
	if (!run->went &&
	    run->ready ==
		(1u << IPC_HTTPD | 1u << IPC_AUTHD | 1u << IPC_KEYD | 1u << IPC_LOGD |
		    1u << IPC_FETCHD | (run->hsm_uri ? 1u << IPC_TOKEND : 0)))
		all_ready(run);
	return true;
}

void
run_violation(struct run *run, enum ipc_process who, enum ipc_process towards, unsigned type)
{
	say(SAY_ERROR, "%s broke the rules towards %s (type %04x) and is ended",
	    ipc_process_name(who), ipc_process_name(towards), type);
	run->violations++;
	if (who == IPC_FETCHD) {
		run_fetchd_gone(run);
		return;
	}
	run->restart = true;
	run->cause_told = true;
}

static bool
on_violation(struct run *run, enum ipc_process from, const struct ipc_message *message)
{
	struct ipc_violation violation;

	/* fetchd knows nobody but the parent: of whom should it tell? */
	if (from == IPC_FETCHD || !ipc_violation_read(message, &violation))
		return false;
	run_violation(run, violation.process, from, violation.type);
	return true;
}

/* Each answer begins with a code. */
static bool
begins_with_code(const struct ipc_message *message)
{
	struct ipc_coded answer;

	return ipc_coded_read(message, &answer);
}

static bool
on_child(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct run *run = ctx;

	switch (message->type) {
	case IPC_READY:
		return on_ready(run, channel->peer, message);
	case IPC_VIOLATION:
		return on_violation(run, channel->peer, message);
	case IPC_PIN_REFUSED:
		run->pin_refused = true;
		return true;
	case IPC_TLS_DONE:
		return begins_with_code(message) && run_on_tls_done(run, message);
	case IPC_POLICY_DONE:
		return begins_with_code(message) && run_on_policy_done(run, message);
	case IPC_POLICY_ELSEWHERE:
		if (message->len != 32)
			return false;
		if (!run_reload_policy(run, ++run->next_id, IPC_UID_CLUSTER))
			say(SAY_ERROR, "the policy could not be read anew");
		return true;
	case IPC_FETCHED:
		return run_on_fetched(run, message);
	case IPC_WITNESS_ASK:
		return run_on_witness_ask(run, message);
	case IPC_WITNESS_STATE:
		return run_on_witness_state(run, message);
	case IPC_METADATA_DONE:
		return begins_with_code(message) && run_on_metadata_done(run, message);
	case IPC_KEYS_KNOWN:
		return run_on_keys_known(run, message);
	case IPC_KEY_SET_DONE:
		return begins_with_code(message) && run_on_key_set_done(run, message);
	default:
		if (!begins_with_code(message))
			return false;
		if (!run_retention_done(run, message))
			run_admin_done(run, message);
		return true;
	}
}

int
run_open(const struct run *run, const char *name, int flags)
{
	char path[PATH_BYTES];

	return path_join(path, run->settings->dir, name) ? open(path, flags | O_CLOEXEC, 0600) : -1;
}

/* A name without a folder, or any path from the root on. */
int
run_open_named(const struct run *run, const char *option)
{
	const char *name = cfg_getstr(run->cfg, option);

	if (!name)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	return name[0] == '/' ? open(name, O_RDONLY | O_CLOEXEC) : run_open(run, name, O_RDONLY);
}

/* One reading of the policy, for authd and for what is fetched. What is wrong with it
 * is authd's to say. */
static void
open_policy(struct run *run, struct spawn_files *f)
{
	static char text[POLICY_MAX_BYTES + 1];
	struct policy *policy = NULL;
	struct policy_fault fault;
	uint8_t *sets = NULL;
	char path[PATH_BYTES];
	size_t len, sets_len;

	f->policy = f->key_sets = -1;
	if (!path_join(path, run->settings->dir, "policy.conf") ||
	    !policy_read(path, text, sizeof(text), &len))
		return;
	/* A text that cannot be kept does not come into force. */
	if (policy_parse(text, len, &policy, &fault) &&
	    !policies_keep(run->settings->dir, text, len)) {
		say(SAY_ERROR, "file: %s/" POLICIES_FOLDER ": %s", run->settings->dir,
		    strerror(errno));
	} else if (key_sets_read(run->settings->dir, policy, &sets, &sets_len)) {
		f->policy = memory_fd("policy", text, len);
		f->key_sets = memory_fd("key-sets", sets, sets_len);
	}
	free(sets);
	run_sources_set(run, policy);
	run_levels_set(run, f->policy >= 0 ? policy : NULL);
	policy_free(policy);
}

/* It may name hosts and users, and so stands in no argument. */
static bool
open_store(struct run *run, struct spawn_files *f)
{
	const char *uri = cfg_getstr(run->cfg, "store");

	f->store = uri ? memory_fd("store", uri, strlen(uri)) : -1;
	return !uri || f->store >= 0;
}

bool
run_fetchd_spawn(struct run *run)
{
	return spawn_fetchd(&run->set, &run->user[IPC_FETCHD], on_child, run);
}

/* What the processes are given; what cannot be opened is told by its name. */
static int
need(const struct run *run, const char *name, int flags, bool *ok)
{
	int fd = run_open(run, name, flags);

	if (fd >= 0)
		return fd;
	say(SAY_ERROR, "file: %s/%s: %s", run->settings->dir, name, strerror(errno));
	*ok = false;
	return -1;
}

static int
need_named(const struct run *run, const char *option, bool *ok)
{
	int fd = run_open_named(run, option);

	if (fd >= 0)
		return fd;
	say(SAY_ERROR, "file: %s: %s: %s", option, cfg_getstr(run->cfg, option), strerror(errno));
	*ok = false;
	return -1;
}

static void
open_files(struct run *run, struct spawn_files *f, bool *ok)
{
	f->chain = need(run, "tls/chain.pem", O_RDONLY, ok);
	f->tls_key = need(run, "tls/server.key", O_RDONLY, ok);
	f->slot[0] = need(run, "keys/sealed.0", O_RDWR, ok);
	f->slot[1] = need(run, "keys/sealed.1", O_RDWR, ok);
	f->client_ca = need_named(run, "client-ca", ok);
	f->dke_chain = need_named(run, "dke-certificate", ok);
	f->dke_key = need_named(run, "dke-key", ok);
	f->dke_client_ca = need_named(run, "dke-client-ca", ok);
	f->dke_conf = run_dke_fd(run);
	open_policy(run, f);
	if (f->policy < 0 || f->key_sets < 0) {
		say(SAY_ERROR,
		    "file: %s/policy.conf, or a key set that it names, cannot be read, or kept",
		    run->settings->dir);
		*ok = false;
	}
	f->witnesses = run_witnesses_fd(run);
	if (!open_store(run, f) || f->witnesses < 0 || f->dke_conf < 0) {
		say(SAY_ERROR, "file: %s", strerror(errno));
		*ok = false;
	}
}

static void
open_hsm(struct run *run, struct spawn_files *f)
{
	f->hsm_directory = cfg_getstr(run->cfg, "hsm-directory");
	f->hsm_sockets = cfg_getbool(run->cfg, "hsm-sockets") == cfg_true;
	f->hsm_environment = run->hsm_environment;
	f->pin = run->pin_refused
	    ? open("/dev/null", O_RDONLY | O_CLOEXEC)
	    : pin_fd(run->settings, run->pin_source[0] ? run->pin_source : NULL);
}

bool
run_set_start(struct run *run)
{
	struct spawn_files f = { .user = run->user,
		.listen = run->listen,
		.metrics = run->metrics,
		.dke_listen = run->dke_listen,
		.pin = -1,
		.hsm_uri = run->hsm_uri };
	bool ok = true;

	open_files(run, &f, &ok);
	f.passphrase = ok ? passphrase_fd(run->settings) : -1;
	if (ok && run->hsm_uri)
		open_hsm(run, &f);
	ok = ok && f.passphrase >= 0 && (!run->hsm_uri || f.pin >= 0);
	run->ready = 0;
	run->went = false;
	run->restart = run->cause_told = false;
	run->reload_waits = false;
	run->authd_busy = RUN_BUSY_NOT;
	run_witnesses_unasked(run, true);
	ok = ok && spawn_all(&run->set, &f, run->log_dir, on_child, run);
	run_fetchd_begun(run);
	const int fds[] = { f.chain, f.tls_key, f.client_ca, f.policy, f.key_sets, f.slot[0],
		f.slot[1], f.passphrase, f.pin, f.store, f.witnesses, f.dke_chain, f.dke_key,
		f.dke_client_ca, f.dke_conf };
	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	return ok;
}

bool
run_wait_for(pid_t pid, int ms)
{
	const struct timespec step = { 0, 5000000 };

	for (int waited = 0; waited <= ms; waited += 5) {
		pid_t got = waitpid(pid, NULL, WNOHANG);

		if (got == pid || (got < 0 && errno == ECHILD))
			return true;
		(void)nanosleep(&step, NULL);
	}
	return false;
}

void
run_ended(struct run *run, enum ipc_process process, int status)
{
	say(SAY_ERROR, "%s ended (%s %d)", ipc_process_name(process),
	    WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	run->set.pid[process] = 0;
	run->cause_told = run->cause_told || (status != 0 && process != IPC_FETCHD);
}

/* The end of a channel is noticed before that of the process, and that of others which
 * end in their turn before either: so it is looked for, before the rest is killed. */
static void
find_cause(struct run *run)
{
	const struct timespec step = { 0, 5000000 };
	int status;

	for (int waited = 0; !run->cause_told && waited <= CAUSE_WAIT_MS; waited += 5) {
		for (unsigned p = IPC_HTTPD; p < IPC_PROCESSES; p++)
			if (run->set.pid[p] > 0 && waitpid(run->set.pid[p], &status, WNOHANG) > 0)
				run_ended(run, p, status);
		if (!run->cause_told)
			(void)nanosleep(&step, NULL);
	}
}

/* httpd first, logd last: what is under way can still be recorded. */
void
run_set_end(struct run *run, bool gently)
{
	static const enum ipc_process order[] = { IPC_HTTPD, IPC_AUTHD, IPC_KEYD, IPC_TOKEND,
		IPC_LOGD, IPC_FETCHD };

	if (!gently)
		find_cause(run);
	for (unsigned i = 0; i < RUN_CHILDREN; i++) {
		pid_t pid = run->set.pid[order[i]];

		if (pid > 0 && gently)
			(void)ipc_send(&run->set.channel[order[i]], IPC_STOP, 0, NULL, 0);
		if (pid > 0 && (!gently || !run_wait_for(pid, 3000))) {
			(void)kill(pid, SIGKILL);
			(void)run_wait_for(pid, 10000);
		}
		run->set.pid[order[i]] = 0;
		ipc_channel_close(&run->set.channel[order[i]]);
	}
	run_admins_give_up(run);
	run_retention_over(run);
}
