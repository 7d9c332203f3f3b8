/* SPDX-License-Identifier: Apache-2.0 */
/* doublekeyd run: the supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "parent/run.h"

static void
on_signal(struct run *run)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	while (read(run->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			if (!run->went || !run_reload_policy(run, ++run->next_id, info.ssi_uid))
				say(SAY_ERROR, "the policy could not be read anew");
			if (!run->went || !run_reload_tls(run, ++run->next_id))
				say(SAY_ERROR, "the TLS certificate could not be read anew");
			continue;
		}
		if (info.ssi_signo != SIGCHLD) {
			run->stopping = true;
			continue;
		}
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			for (unsigned p = IPC_HTTPD; p < IPC_PROCESSES; p++)
				if (run->set.pid[p] == pid) {
					run_ended(run, p, status);
					if (p == IPC_FETCHD)
						run_fetchd_gone(run);
					else
						run->restart = true;
				}
	}
}

#define POLL_CHILDREN 2
#define POLL_ADMINS (POLL_CHILDREN + RUN_CHILDREN)

static void
poll_once(struct run *run)
{
	struct pollfd fds[POLL_ADMINS + RUN_ADMINS_MAX];

	fds[0] = (struct pollfd){ .fd = run->signals, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = run->admin_listen, .events = POLLIN };
	for (unsigned i = 0; i < RUN_CHILDREN; i++) {
		const struct ipc_channel *c = &run->set.channel[IPC_HTTPD + i];

		fds[POLL_CHILDREN + i] = (struct pollfd){ .fd = c->fd };
		fds[POLL_CHILDREN + i].events =
		    (short)(POLLIN | (ipc_wants_write(c) ? POLLOUT : 0));
	}
	for (unsigned i = 0; i < RUN_ADMINS_MAX; i++)
		fds[POLL_ADMINS + i] = (struct pollfd){ .fd = run->admin[i].fd, .events = POLLIN };
	if (poll(fds, POLL_ADMINS + RUN_ADMINS_MAX, run->fetchd_down ? RUN_DELAY_FIRST_MS : 1000) <=
	    0)
		return;
	for (unsigned i = 0; i < RUN_CHILDREN; i++) {
		struct ipc_channel *c = &run->set.channel[IPC_HTTPD + i];

		if (fds[POLL_CHILDREN + i].revents & POLLOUT)
			ipc_flush(c);
		if (fds[POLL_CHILDREN + i].revents & (POLLIN | POLLHUP | POLLERR) &&
		    !ipc_receive(c)) {
			if (c->violated)
				run_violation(run, c->peer, IPC_PARENT, c->violation_type);
			if (c->peer == IPC_FETCHD) {
				run_fetchd_gone(run);
				continue;
			}
			if (!c->violated)
				ipc_channel_close(c);
			run->restart = true;
		}
	}
	for (unsigned i = 0; i < RUN_ADMINS_MAX; i++)
		if (fds[POLL_ADMINS + i].revents && run->admin[i].fd >= 0)
			run_admin_request(run, &run->admin[i]);
	if (fds[1].revents)
		run_admin_accept(run);
	if (fds[0].revents)
		on_signal(run);
}

static void
pause_before_restart(struct run *run)
{
	struct timespec ts;

	if (run->went && ipc_now() > run->started_s + RUN_CALM_S)
		run->delay_ms = RUN_DELAY_FIRST_MS;
	ts = (struct timespec){ run->delay_ms / 1000, (run->delay_ms % 1000) * 1000000L };
	(void)nanosleep(&ts, NULL);
	run->delay_ms =
	    2 * run->delay_ms < RUN_DELAY_LAST_MS ? 2 * run->delay_ms : RUN_DELAY_LAST_MS;
	run->restarts++;
}

static int
supervise(struct run *run)
{
	while (!run->stopping) {
		poll_once(run);
		run_warn_of_expiry(run);
		run_fetch_step(run);
		run_retention_step(run);
		if (!run->restart || run->stopping)
			continue;
		/* A set that never became ready will not do so the next time. */
		if (!run->went && run->restarts == 0) {
			run_set_end(run, false);
			return 1;
		}
		run_set_end(run, false);
		pause_before_restart(run);
		if (!run_set_start(run))
			return 1;
	}
	run_notify("STOPPING=1");
	run_set_end(run, true);
	return 0;
}

/* ---- start ---- */

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

/* Names of spec/key-service.md section 8.1. */
static bool
cannot_write(const struct run *run, const char *what)
{
	const char *name = errno == EROFS ? "read-only: " : errno == ENOSPC ? "disk-full: " : "";

	say(SAY_ERROR, "%s%s/%s: %s", name, run->settings->dir, what, strerror(errno));
	return false;
}

/* One service for one directory, for as long as the descriptor lives. */
static bool
lock_dir(const struct run *run)
{
	int fd = run_open(run, "run/lock", O_RDWR | O_CREAT);

	if (fd < 0)
		return cannot_write(run, "run/lock");
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	say(SAY_ERROR, "in-use: another doublekeyd runs on %s", run->settings->dir);
	return false;
}

static const char *
listen_fault(void)
{
	return errno != 0 ? strerror(errno) : "no such address here";
}

static int
listen_metrics(const struct run *run)
{
	const char *address = cfg_getstr(run->cfg, "metrics");

	return address ? listen_on_loopback(address) : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int
listen_dke(const struct run *run)
{
	const char *address = cfg_getstr(run->cfg, "dke-listen");

	return address ? listen_on(address) : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool
listen_all(struct run *run, const char *address)
{
	run->listen = listen_on(address);
	if (run->listen < 0) {
		say(SAY_ERROR, "listen: cannot listen on %s: %s", address, listen_fault());
		return false;
	}
	run->metrics = listen_metrics(run);
	if (run->metrics < 0) {
		say(SAY_ERROR,
		    "listen: metrics: cannot listen there: %s; it takes a loopback "
		    "address",
		    listen_fault());
		return false;
	}
	run->dke_listen = listen_dke(run);
	if (run->dke_listen < 0) {
		say(SAY_ERROR, "listen: dke-listen: cannot listen on %s: %s",
		    cfg_getstr(run->cfg, "dke-listen"), listen_fault());
		return false;
	}
	run->admin_listen = listen_admin(run->settings->dir);
	return run->admin_listen >= 0 || cannot_write(run, PARENT_SOCKET);
}

int
cmd_run(const struct settings *settings)
{
	static struct run run;
	char address[RUN_LISTEN_BYTES];

	run = (struct run){ .settings = settings, .delay_ms = RUN_DELAY_FIRST_MS, .listen = -1 };
	for (unsigned i = 0; i < RUN_ADMINS_MAX; i++)
		run.admin[i].fd = -1;
	for (unsigned p = 0; p < IPC_PROCESSES; p++)
		run.set.channel[p].fd = -1;
	if (!path_join(run.log_dir, settings->dir, "log"))
		return run_conf_refuse(&run, strerror(ENAMETOOLONG)) ? 0 : 1;
	if (!run_read_conf(&run, address) || !lock_dir(&run))
		return 1;
	run.signals = catch_signals();
	if (run.signals < 0 || !listen_all(&run, address))
		return 1;
	run_choose_users(&run);
	if (!run_set_start(&run)) {
		run_set_end(&run, false);
		return 1;
	}
	return supervise(&run);
}
