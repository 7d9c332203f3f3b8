/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running service as its parent process sees it.
 *
 *   run_set_start -> (READY of all) -> GO to httpd -> serve
 *      ^                                            |
 *      +---- delay <---- run_set_end <---- a child died or broke a rule
 *
 * The set is started as a whole: a child that lives on with half its channels
 * would be harder to reason about than a second of waiting.
 */
#ifndef DK_PARENT_RUN_H
#define DK_PARENT_RUN_H

#include <confuse.h>

#include "ipc/child.h"
#include "parent/parent.h"

#define RUN_ADMINS_MAX 16
#define RUN_HSM_ENVIRONMENT_MAX 16
#define RUN_CHILDREN (IPC_PROCESSES - IPC_HTTPD)
#define RUN_LISTEN_BYTES 256

struct run_admin {
	int fd; /* -1: free */
	uint64_t id;
	unsigned op;
};

struct run {
	const struct settings *settings;
	int listen, metrics, admin_listen, signals;
	char log_dir[PATH_BYTES];
	struct spawned set;
	cfg_t *cfg;          /* doublekeyd.conf; what is below points into it */
	const char *hsm_uri; /* NULL: no HSM */
	char *hsm_environment[RUN_HSM_ENVIRONMENT_MAX + 1];
	char pin_source[PATH_BYTES]; /* of the URI, or empty */
	bool pin_refused;            /* it is not tried again until somebody starts the service */
	unsigned ready;              /* bit for each process */
	unsigned protections[IPC_PROCESSES];
	bool went;
	bool restart;
	bool stopping;
	unsigned restarts;
	unsigned violations;
	int delay_ms;
	uint64_t started_s;
	struct run_admin admin[RUN_ADMINS_MAX];
	uint64_t next_id;
	struct spawn_user user[IPC_PROCESSES];
	const char *separation; /* of the processes, in words */
	uint64_t tls_expiry;    /* seconds since 1970; 0: not known yet */
	uint64_t tls_warned_s;
};

/* conf.c: doublekeyd.conf; false if it cannot be read or has a value that is not allowed. */
bool run_read_conf(struct run *run, char ret_listen[RUN_LISTEN_BYTES]);

/* set.c: the children. */
bool run_set_start(struct run *run);
void run_set_end(struct run *run, bool gently);
/* It is told and counted, and the set is started anew. */
void run_violation(
    struct run *run, enum ipc_process who, enum ipc_process towards, unsigned type);
/* A file of the service, or -1. */
int run_open(const struct run *run, const char *name, int flags);
/* The CAs of clients, /dev/null if none are configured; -1: they cannot be read. */
int run_open_client_ca(const struct run *run);

/* admins.c: who asks over the local socket. */
void run_admin_accept(struct run *run);
void run_admin_request(struct run *run, struct run_admin *admin);
/* An answer has come from a child. */
void run_admin_done(struct run *run, const struct ipc_message *message);
/* Those that wait will get no answer. */
void run_admins_give_up(struct run *run);
/* The policy of the directory to authd, which answers when the record of it is durable. */
bool run_reload_policy(struct run *run, uint64_t id, uint32_t uid);

/* users.c: once, before the children are started. */
void run_choose_users(struct run *run);
/* notify.c: to systemd, if it started this service: "READY=1" and so on. */
void run_notify(const char *state);

/* tls.c: certificate, key and CAs of clients to httpd, which answers. */
bool run_reload_tls(struct run *run, uint64_t id);
bool run_on_tls_done(struct run *run, const struct ipc_message *message);
/* Once a day from the 30th day before the end. */
void run_warn_of_expiry(struct run *run);
/* Its line of the status; returns the length. */
size_t run_tls_status(const struct run *run, char *text, size_t cap);

#endif
