/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doublekeyd run: the supervisor.
 *
 *   start_set -> (READY of all) -> GO to httpd -> serve
 *      ^                                            |
 *      +---- delay <---- end_set <---- a child died or broke a rule
 *
 * The set is started as a whole: a child that lives on with half its channels
 * would be harder to reason about than a second of waiting.
 */
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "authd/policy.h"
#include "base/bytes.h"
#include "ipc/child.h"
#include "native/code.h"
#include "parent/parent.h"

#define ADMINS_MAX 16
#define ANSWER_PACKET_BYTES 61440
#define DELAY_FIRST_MS 100
#define DELAY_LAST_MS 10000
#define CALM_S 60
#define HSM_ENVIRONMENT_MAX 16
#define CHILDREN (IPC_PROCESSES - IPC_HTTPD)

struct admin {
	int fd; /* -1: free */
	uint64_t id;
	unsigned op;
};

struct run {
	const struct settings *settings;
	int listen, admin_listen, signals;
	char log_dir[PATH_BYTES];
	struct spawned set;
	cfg_t *cfg;          /* doublekeyd.conf; what is below points into it */
	const char *hsm_uri; /* NULL: no HSM */
	char *hsm_environment[HSM_ENVIRONMENT_MAX + 1];
	char pin_source[PATH_BYTES]; /* of the URI, or empty */
	bool pin_refused;            /* it is not tried again until somebody starts the service */
	unsigned ready;              /* bit for each process */
	unsigned protections[IPC_PROCESSES];
	bool went;
	bool restart;
	bool stopping;
	unsigned restarts;
	int delay_ms;
	uint64_t started_s;
	struct admin admin[ADMINS_MAX];
	uint64_t next_id;
};

/* ---- administrators ---- */

static void
admin_close(struct admin *admin)
{
	if (admin->fd >= 0)
		(void)close(admin->fd);
	admin->fd = -1;
}

/* The peer is local and answers at once, or is given up after the time-out. */
static void
admin_answer(struct admin *admin, const uint8_t *data, size_t len)
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
admin_code(struct admin *admin, unsigned code)
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

static void
admin_accept(struct run *run)
{
	static const struct timeval patience = { 5, 0 };
	int fd = accept4(run->admin_listen, NULL, NULL, SOCK_CLOEXEC);
	uint32_t uid;

	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	for (unsigned i = 0; i < ADMINS_MAX; i++)
		if (run->admin[i].fd < 0 && peer_allowed(fd, &uid)) {
			run->admin[i] = (struct admin){ .fd = fd };
			return;
		}
	(void)close(fd);
}

static bool
ask_logd(struct run *run, struct admin *admin, struct dk_reader_buf *rd)
{
	uint64_t arg[2] = { 0, 0 };
	uint8_t payload[12];
	const struct dk_part part = { payload, sizeof(payload) };
	struct dk_writer_buf wr;

	if (dk_rd_u8(rd) != 2)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		char text[24] = { 0 };
		size_t len = dk_rd_u16(rd);
		const uint8_t *p = dk_rd_bytes(rd, len);

		if (!p || len >= sizeof(text))
			return false;
		memcpy(text, p, len);
		arg[i] = strtoull(text, NULL, 10);
	}
	dk_wr_init(&wr, payload, sizeof(payload));
	dk_wr_u64(&wr, arg[0]);
	dk_wr_u32(&wr, (uint32_t)arg[1]);
	return ipc_send(&run->set.channel[IPC_LOGD], IPC_RECORDS, admin->id, &part, 1);
}

/* The new text goes to authd, which answers when the record of it is durable. */
static bool
reload_policy(struct run *run, uint64_t id, uint32_t uid)
{
	static char text[POLICY_MAX_BYTES + 1];
	char path[PATH_BYTES];
	uint8_t head[4];
	struct dk_writer_buf wr;
	size_t len;

	if (!path_join(path, run->settings->dir, "policy.conf") ||
	    !policy_read(path, text, sizeof(text), &len))
		return false;
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u32(&wr, uid);
	const struct dk_part parts[] = { { head, sizeof(head) }, { text, len } };
	return ipc_send(&run->set.channel[IPC_AUTHD], IPC_POLICY_TEXT, id, parts, 2);
}

static void
admin_request(struct run *run, struct admin *admin)
{
	uint8_t packet[IPC_ADMIN_MAX_BYTES + 1], head[6];
	ssize_t n = recv(admin->fd, packet, sizeof(packet), 0);
	struct dk_reader_buf rd;
	struct dk_writer_buf wr;
	uint32_t uid = 0;
	bool sent;

	if (n < 3 || (size_t)n > IPC_ADMIN_MAX_BYTES - 4 || admin->id != 0 ||
	    !peer_allowed(admin->fd, &uid)) {
		admin_close(admin);
		return;
	}
	dk_rd_init(&rd, packet, (size_t)n);
	admin->op = dk_rd_u16(&rd);
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
		sent = ask_logd(run, admin, &rd);
	else if (admin->op == IPC_OP_POLICY_RELOAD)
		sent = reload_policy(run, admin->id, uid);
	else
		sent = ipc_send(&run->set.channel[IPC_KEYD], IPC_ADMIN, admin->id, parts, 2);
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
		text[len++] = '\n';
	}
	if (run->hsm_uri) {
		n = snprintf(text + len, cap - len, "hsm\t%s\n",
		    run->pin_refused ? "the PIN was refused" : "configured");
		len += n > 0 ? (size_t)n : 0;
	}
	n = snprintf(text + len, cap - len, "separation\t%s\nrestarts\t%u\n",
	    "reduced: all processes run as one user", run->restarts);
	return len + (n > 0 ? (size_t)n : 0);
}

static void
admin_done(struct run *run, const struct ipc_message *message)
{
	char lines[2048];
	struct admin *admin = NULL;
	uint8_t *both;
	size_t extra;

	for (unsigned i = 0; i < ADMINS_MAX; i++)
		if (run->admin[i].fd >= 0 && run->admin[i].id == message->id)
			admin = &run->admin[i];
	if (!admin)
		return;
	if (admin->op != IPC_OP_STATUS) {
		admin_answer(admin, message->data, message->len);
		return;
	}
	extra = status_lines(run, lines, sizeof(lines));
	both = malloc(message->len + extra);
	if (both) {
		memcpy(both, message->data, message->len);
		memcpy(both + message->len, lines, extra);
		admin_answer(admin, both, message->len + extra);
	}
	free(both);
}

/* ---- the set ---- */

static void
all_ready(struct run *run)
{
	run->went = ipc_send(&run->set.channel[IPC_HTTPD], IPC_GO, 0, NULL, 0);
	run->started_s = ipc_now();
	say(SAY_INFO, "ready");
}

static bool
on_ready(struct run *run, enum ipc_process from, const struct ipc_message *message)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, message->data, message->len);
	run->protections[from] = dk_rd_u32(&rd);
	if (rd.failed)
		return false;
	say(SAY_INFO, "%s: seccomp %s, landlock %s", ipc_process_name(from),
	    run->protections[from] & IPC_SECCOMP ? "on" : "OFF",
	    run->protections[from] & IPC_LANDLOCK ? "on" : "OFF");
	run->ready |= 1u << from;
	if (run->ready ==
	    (1u << IPC_HTTPD | 1u << IPC_AUTHD | 1u << IPC_KEYD | 1u << IPC_LOGD |
		(run->hsm_uri ? 1u << IPC_TOKEND : 0)))
		all_ready(run);
	return true;
}

static bool
on_child(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct run *run = ctx;

	switch (message->type) {
	case IPC_READY:
		return on_ready(run, channel->peer, message);
	case IPC_VIOLATION:
		if (message->len != 3 || message->data[0] >= IPC_PROCESSES)
			return false;
		say(SAY_ERROR, "%s broke the rules towards %s and is ended",
		    ipc_process_name(message->data[0]), ipc_process_name(channel->peer));
		run->restart = true;
		return true;
	case IPC_PIN_REFUSED:
		run->pin_refused = true;
		return true;
	case IPC_POLICY_DONE:
		if (message->len < 3)
			return false;
		say(message->data[0] || message->data[1] ? SAY_ERROR : SAY_INFO, "%.*s",
		    (int)message->len - 3, (const char *)message->data + 2);
		admin_done(run, message);
		return true;
	default:
		admin_done(run, message);
		return true;
	}
}

static int
open_in(const struct settings *settings, const char *name, int flags)
{
	char path[PATH_BYTES];

	return path_join(path, settings->dir, name) ? open(path, flags | O_CLOEXEC, 0600) : -1;
}

/* A name without a folder, or any path from the root on. */
static int
open_client_ca(const struct run *run)
{
	const char *name = cfg_getstr(run->cfg, "client-ca");

	if (!name)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	return name[0] == '/' ? open(name, O_RDONLY | O_CLOEXEC)
			      : open_in(run->settings, name, O_RDONLY);
}

static bool
start_set(struct run *run)
{
	struct spawn_files f = { .listen = run->listen, .pin = -1, .hsm_uri = run->hsm_uri };
	bool ok;

	f.chain = open_in(run->settings, "tls/chain.pem", O_RDONLY);
	f.tls_key = open_in(run->settings, "tls/server.key", O_RDONLY);
	f.client_ca = open_client_ca(run);
	f.policy = open_in(run->settings, "policy.conf", O_RDONLY);
	f.slot[0] = open_in(run->settings, "keys/sealed.0", O_RDWR);
	f.slot[1] = open_in(run->settings, "keys/sealed.1", O_RDWR);
	f.passphrase = passphrase_fd(run->settings);
	if (run->hsm_uri) {
		f.hsm_directory = cfg_getstr(run->cfg, "hsm-directory");
		f.hsm_sockets = cfg_getbool(run->cfg, "hsm-sockets") == cfg_true;
		f.hsm_environment = run->hsm_environment;
		f.pin = run->pin_refused
		    ? open("/dev/null", O_RDONLY | O_CLOEXEC)
		    : pin_fd(run->settings, run->pin_source[0] ? run->pin_source : NULL);
	}
	ok = (!run->hsm_uri || f.pin >= 0) && f.chain >= 0 && f.tls_key >= 0 && f.client_ca >= 0 &&
	    f.policy >= 0 && f.slot[0] >= 0 && f.slot[1] >= 0 && f.passphrase >= 0;
	if (!ok)
		say(SAY_ERROR, "a file of the service, the passphrase or the PIN cannot be read");
	run->ready = 0;
	run->went = false;
	run->restart = false;
	ok = ok && spawn_all(&run->set, &f, run->log_dir, on_child, run);
	const int fds[] = { f.chain, f.tls_key, f.client_ca, f.policy, f.slot[0], f.slot[1],
		f.passphrase, f.pin };
	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	return ok;
}

static bool
wait_for(pid_t pid, int ms)
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

/* httpd first, logd last: what is under way can still be recorded. */
static void
end_set(struct run *run, bool gently)
{
	static const enum ipc_process order[] = { IPC_HTTPD, IPC_AUTHD, IPC_KEYD, IPC_TOKEND,
		IPC_LOGD };

	for (unsigned i = 0; i < CHILDREN; i++) {
		pid_t pid = run->set.pid[order[i]];

		if (pid <= 0)
			continue;
		if (gently)
			(void)ipc_send(&run->set.channel[order[i]], IPC_STOP, 0, NULL, 0);
		if (!gently || !wait_for(pid, 3000)) {
			(void)kill(pid, SIGKILL);
			(void)wait_for(pid, 10000);
		}
		run->set.pid[order[i]] = 0;
		ipc_channel_close(&run->set.channel[order[i]]);
	}
	for (unsigned i = 0; i < ADMINS_MAX; i++)
		if (run->admin[i].fd >= 0 && run->admin[i].id != 0)
			admin_code(&run->admin[i], DK_CODE_UNAVAILABLE);
}

static void
on_signal(struct run *run)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	while (read(run->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			if (!run->went || !reload_policy(run, ++run->next_id, info.ssi_uid))
				say(SAY_ERROR, "the policy could not be read anew");
			continue;
		}
		if (info.ssi_signo != SIGCHLD) {
			run->stopping = true;
			continue;
		}
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			for (unsigned p = IPC_HTTPD; p < IPC_PROCESSES; p++)
				if (run->set.pid[p] == pid) {
					say(SAY_ERROR, "%s ended (%s %d)", ipc_process_name(p),
					    WIFSIGNALED(status) ? "signal" : "status",
					    WIFSIGNALED(status) ? WTERMSIG(status)
								: WEXITSTATUS(status));
					run->set.pid[p] = 0;
					run->restart = true;
				}
	}
}

#define POLL_CHILDREN 2
#define POLL_ADMINS (POLL_CHILDREN + CHILDREN)

static void
poll_once(struct run *run)
{
	struct pollfd fds[POLL_ADMINS + ADMINS_MAX];

	fds[0] = (struct pollfd){ .fd = run->signals, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = run->admin_listen, .events = POLLIN };
	for (unsigned i = 0; i < CHILDREN; i++) {
		const struct ipc_channel *c = &run->set.channel[IPC_HTTPD + i];

		fds[POLL_CHILDREN + i] = (struct pollfd){ .fd = c->fd };
		fds[POLL_CHILDREN + i].events =
		    (short)(POLLIN | (ipc_wants_write(c) ? POLLOUT : 0));
	}
	for (unsigned i = 0; i < ADMINS_MAX; i++)
		fds[POLL_ADMINS + i] = (struct pollfd){ .fd = run->admin[i].fd, .events = POLLIN };
	if (poll(fds, POLL_ADMINS + ADMINS_MAX, 1000) <= 0)
		return;
	for (unsigned i = 0; i < CHILDREN; i++) {
		struct ipc_channel *c = &run->set.channel[IPC_HTTPD + i];

		if (fds[POLL_CHILDREN + i].revents & POLLOUT)
			ipc_flush(c);
		if (fds[POLL_CHILDREN + i].revents & (POLLIN | POLLHUP | POLLERR) &&
		    !ipc_receive(c)) {
			if (c->violated)
				say(SAY_ERROR, "%s broke the rules towards the parent",
				    ipc_process_name(c->peer));
			ipc_channel_close(c);
			run->restart = true;
		}
	}
	for (unsigned i = 0; i < ADMINS_MAX; i++)
		if (fds[POLL_ADMINS + i].revents && run->admin[i].fd >= 0)
			admin_request(run, &run->admin[i]);
	if (fds[1].revents)
		admin_accept(run);
	if (fds[0].revents)
		on_signal(run);
}

static void
pause_before_restart(struct run *run)
{
	struct timespec ts;

	if (run->went && ipc_now() > run->started_s + CALM_S)
		run->delay_ms = DELAY_FIRST_MS;
	ts = (struct timespec){ run->delay_ms / 1000, (run->delay_ms % 1000) * 1000000L };
	(void)nanosleep(&ts, NULL);
	run->delay_ms = 2 * run->delay_ms < DELAY_LAST_MS ? 2 * run->delay_ms : DELAY_LAST_MS;
	run->restarts++;
}

static int
supervise(struct run *run)
{
	while (!run->stopping) {
		poll_once(run);
		if (!run->restart || run->stopping)
			continue;
		/* A set that never became ready will not do so the next time. */
		if (!run->went && run->restarts == 0) {
			end_set(run, false);
			return 1;
		}
		end_set(run, false);
		pause_before_restart(run);
		if (!start_set(run))
			return 1;
	}
	end_set(run, true);
	return 0;
}

/* ---- start ---- */

static cfg_opt_t conf_options[] = {
	CFG_STR("listen", NULL, CFGF_NONE),
	CFG_STR("client-ca", NULL, CFGF_NONE),
	CFG_STR("hsm", NULL, CFGF_NONE),
	CFG_STR("hsm-directory", NULL, CFGF_NONE),
	CFG_BOOL("hsm-sockets", cfg_false, CFGF_NONE),
	CFG_STR_LIST("hsm-environment", NULL, CFGF_NODEFAULT),
	CFG_END(),
};

/* RFC 7512: pin-source=file:PATH, without percent signs. */
static bool
take_hsm(struct run *run)
{
	const char *source;
	size_t len;

	run->hsm_uri = cfg_getstr(run->cfg, "hsm");
	if (!run->hsm_uri)
		return true;
	if (strncmp(run->hsm_uri, "pkcs11:", 7) != 0 ||
	    strlen(run->hsm_uri) > IPC_TOKEN_URI_MAX_BYTES || strstr(run->hsm_uri, "pin-value"))
		return false;
	source = strstr(run->hsm_uri, "pin-source=file:");
	if (source) {
		source += strlen("pin-source=file:");
		len = strcspn(source, "&");
		if (memchr(source, '%', len) || len >= sizeof(run->pin_source))
			return false;
		memcpy(run->pin_source, source, len);
	}
	for (unsigned i = 0; i < cfg_size(run->cfg, "hsm-environment") && i < HSM_ENVIRONMENT_MAX;
	     i++)
		run->hsm_environment[i] = cfg_getnstr(run->cfg, "hsm-environment", i);
	return true;
}

static bool
read_conf(struct run *run, char ret_listen[256])
{
	char path[PATH_BYTES];
	const char *value;

	run->cfg = cfg_init(conf_options, CFGF_NONE);
	if (!run->cfg || !path_join(path, run->settings->dir, "doublekeyd.conf") ||
	    cfg_parse(run->cfg, path) != CFG_SUCCESS)
		return false;
	value = cfg_getstr(run->cfg, "listen");
	if (!value || strlen(value) >= 256)
		return false;
	memcpy(ret_listen, value, strlen(value) + 1);
	return take_hsm(run);
}

static int
catch_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* One service for one directory, for as long as the descriptor lives. */
static bool
lock_dir(const struct settings *settings)
{
	int fd = open_in(settings, "run/lock", O_RDWR | O_CREAT);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

int
cmd_run(const struct settings *settings)
{
	static struct run run;
	char address[256];

	run = (struct run){ .settings = settings, .delay_ms = DELAY_FIRST_MS, .listen = -1 };
	for (unsigned i = 0; i < ADMINS_MAX; i++)
		run.admin[i].fd = -1;
	for (unsigned p = 0; p < IPC_PROCESSES; p++)
		run.set.channel[p].fd = -1;
	if (!path_join(run.log_dir, settings->dir, "log") || !read_conf(&run, address)) {
		say(SAY_ERROR,
		    "%s/doublekeyd.conf cannot be read, or has a value that is not allowed",
		    settings->dir);
		return 1;
	}
	if (!lock_dir(settings)) {
		say(SAY_ERROR, "another doublekeyd runs on %s, or it is no such directory",
		    settings->dir);
		return 1;
	}
	run.signals = catch_signals();
	run.listen = listen_on(address);
	run.admin_listen = listen_admin(settings->dir);
	if (run.signals < 0 || run.listen < 0 || run.admin_listen < 0) {
		say(SAY_ERROR, "cannot listen on %s", address);
		return 1;
	}
	if (!start_set(&run)) {
		end_set(&run, false);
		return 1;
	}
	return supervise(&run);
}
