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

#include "authd/policy.h"
#include "ipc/child.h"
#include "ipc/dke_conf.h"
#include "ipc/witness.h"
#include "parent/parent.h"

#define RUN_ADMINS_MAX 16
#define RUN_HSM_ENVIRONMENT_MAX 16
#define RUN_CHILDREN (IPC_PROCESSES - IPC_HTTPD)
#define RUN_LISTEN_BYTES 256
#define RUN_DELAY_FIRST_MS 100
#define RUN_DELAY_LAST_MS 10000
#define RUN_CALM_S 60
#define RUN_RETENTION_MAX_DAYS 36500

struct run_admin {
	int fd; /* -1: free */
	uint64_t id;
	unsigned op;
};

/* TLS certificates: that of the native listener, that of the Microsoft DKE front end. */
enum { RUN_NATIVE, RUN_DKE, RUN_CERTIFICATES };
struct run_certificate {
	uint64_t expiry; /* seconds since 1970; 0: not known yet, or there is none */
	uint64_t warned_s;
};

struct run_directory;

/* An issuer whose key set is fetched, or a directory. */
struct run_source {
	char name[IPC_ISSUER_MAX_BYTES + 1];
	char url[IPC_FETCH_URL_MAX_BYTES + 1];
	char ca_file[IPC_FETCH_URL_MAX_BYTES + 1]; /* empty: those of the system */
	bool tenant;
	struct run_directory *directory; /* NULL: an issuer; url is its origin then */
	bool set_is_kept;                /* what authd is to take is that of an earlier start */
	char tenant_id[37];                        /* whose url is one of metadata; else empty */
	char set_url[IPC_FETCH_URL_MAX_BYTES + 1]; /* that they named; empty: not asked yet */
	uint8_t known[IPC_KNOWN_MAX_BYTES];        /* keys of a tenant */
	size_t known_len;
	uint32_t refresh_s, max_age_s;
	uint64_t fetched_s; /* of the set in force, seconds since 1970; 0: none */
	uint64_t failures;
	enum ipc_fetch_result result; /* of the last one */
	/* by a clock that does not jump, in seconds */
	uint64_t next_s, asked_s;
	uint32_t delay_s;
	uint64_t asked_id; /* of fetchd; 0: nothing is under way */
	uint8_t root[32];  /* of the CA certificates that were sent with it */
	uint8_t *set;      /* what came and authd has not taken yet, or NULL */
	bool is_metadata;  /* what was asked for last */
	size_t set_len;
	uint64_t set_s; /* when it came */
	uint64_t given_id;
};

/* What authd has not answered yet. */
enum run_busy { RUN_BUSY_NOT, RUN_BUSY_POLICY, RUN_BUSY_KEY_SET };

/* A witness of the log. */
struct run_witness {
	char url[IPC_POST_URL_MAX_BYTES + 1];
	uint64_t fetch_id; /* 0: it is not asked now */
	uint64_t logd_id;
	uint64_t asked_s;
};

struct run {
	const struct settings *settings;
	int listen, metrics, dke_listen, admin_listen, signals;
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
	bool cause_told; /* why */
	bool stopping;
	unsigned restarts;
	unsigned violations;
	int delay_ms;
	uint64_t started_s;
	struct run_admin admin[RUN_ADMINS_MAX];
	uint64_t next_id;
	struct spawn_user user[IPC_PROCESSES];
	const char *separation; /* of the processes, in words */
	struct ipc_dke_conf dke;
	struct run_certificate certificate[RUN_CERTIFICATES];
	/* what is fetched */
	struct run_source source[IPC_ISSUERS_MAX];
	unsigned source_count;
	unsigned fetch_forgotten; /* answers of fetchd that nobody waits for */
	bool fetch_told;          /* httpd knows the state */
	bool fetchd_down;
	int fetchd_delay_ms;
	uint64_t fetchd_next_ms, fetchd_begun_ms;
	uint32_t fetchd_restarts;
	/* witness.c */
	struct ipc_witnesses witnesses;
	struct run_witness witness[DK_QUORUM_WITNESSES_MAX];
	unsigned witness_count;
	char *witness_ca; /* PEM */
	size_t witness_ca_len;
	struct ipc_witness_state witness_state;
	enum run_busy authd_busy;
	struct policy *policy_next; /* that of the reload under way */
	char *levels;               /* lines of status on the policy in force, or NULL */
	uint64_t policy_id;
	bool reload_waits;
	uint64_t reload_id;
	uint32_t reload_uid;
	/* of persons in the log; 0 days: for ever */
	unsigned retention_days;
	uint64_t retention_s;  /* when it is due */
	uint64_t retention_id; /* under way, or 0 */
};

/* conf.c: doublekeyd.conf; false if it cannot be read or has a value that is not allowed,
 * which was told. */
bool run_read_conf(struct run *run, char ret_listen[RUN_LISTEN_BYTES]);
/* Tells what is wrong with doublekeyd.conf, and returns false. */
bool run_conf_refuse(const struct run *run, const char *why);
/* conf_dke.c: the options dke-...; false as above. */
bool run_dke_read(struct run *run);
/* What httpd is told of them. */
int run_dke_fd(const struct run *run);

/* set.c: the children. */
bool run_set_start(struct run *run);
void run_set_end(struct run *run, bool gently);
/* It ended by itself: told. */
void run_ended(struct run *run, enum ipc_process process, int status);
/* It is told and counted, and the set (or fetchd alone) is started anew. */
void run_violation(struct run *run, enum ipc_process who, enum ipc_process towards, unsigned type);
bool run_fetchd_spawn(struct run *run);
/* False: it runs on. */
bool run_wait_for(pid_t pid, int ms);
/* A file of the service, or -1. */
int run_open(const struct run *run, const char *name, int flags);
/* The file that an option names, /dev/null if it is absent; -1: it cannot be read. */
int run_open_named(const struct run *run, const char *option);

/* admins.c: who asks over the local socket. */
void run_admin_accept(struct run *run);
void run_admin_request(struct run *run, struct run_admin *admin);
/* An answer has come from a child. */
void run_admin_done(struct run *run, const struct ipc_message *message);
/* What it waits for failed. */
void run_admin_failed(struct run *run, uint64_t id);
/* Those that wait will get no answer. */
void run_admins_give_up(struct run *run);
/* The policy of the directory to authd, which answers when the record of it is durable. */
bool run_reload_policy(struct run *run, uint64_t id, uint32_t uid);
bool run_on_policy_done(struct run *run, const struct ipc_message *message);

/* levels.c: keeps what status says of the decrypt rules of this policy, which is in force now;
 * NULL: none. */
void run_levels_set(struct run *run, const struct policy *policy);

/* fetch.c: key sets that are fetched. */
/* Those of this policy, which is in force now; NULL: none. */
void run_sources_set(struct run *run, const struct policy *policy);
/* fetchd knows of nothing that was asked. */
void run_sources_unasked(struct run *run);
bool run_on_fetched(struct run *run, const struct ipc_message *message);
bool run_on_key_set_done(struct run *run, const struct ipc_message *message);
bool run_on_metadata_done(struct run *run, const struct ipc_message *message);
/* tenants.c: new signing keys. */
bool run_on_keys_known(struct run *run, const struct ipc_message *message);
/* Operation 18. False: its arguments are none. */
bool run_tenant_accept(
    struct run *run, uint64_t id, uint32_t uid, const uint8_t *packet, size_t len);
/* Until when the last new key is in quarantine; 0: there is none. */
uint64_t run_quarantine_end(const struct run_source *source);
/* A line for each key in quarantine. */
size_t run_tenant_status(const struct run_source *source, char *text, size_t cap);
/* In each round: what is due. */
void run_fetch_step(struct run *run);
size_t run_fetch_status(const struct run *run, char *text, size_t cap);

/* witness.c: witnesses of the log. */
/* As doublekeyd.conf has them; false: they cannot be used, which was told. */
bool run_witnesses_read(struct run *run);
/* For logd and keyd. */
int run_witnesses_fd(const struct run *run);
/* WITNESS_ASK, WITNESS_STATE. False: not its layout, or nothing that may be asked. */
bool run_on_witness_ask(struct run *run, const struct ipc_message *message);
bool run_on_witness_state(struct run *run, const struct ipc_message *message);
/* FETCHED with the id of a witness; false: it is not of one. */
bool run_witness_fetched(struct run *run, uint64_t id, const struct ipc_message *message);
/* fetchd knows of nothing that was asked; all: logd neither. */
void run_witnesses_unasked(struct run *run, bool all);
/* Whether one has waited longer than any answer may take. */
bool run_witnesses_late(const struct run *run, uint64_t now_s);
size_t run_witness_status(const struct run *run, char *text, size_t cap);

/* fetchd.c: the process. */
void run_fetchd_begun(struct run *run);
void run_fetchd_gone(struct run *run);
void run_fetchd_step(struct run *run);

/* retention.c: in each round; what came for it; the end of those who were asked. */
void run_retention_step(struct run *run);
bool run_retention_done(struct run *run, const struct ipc_message *message);
void run_retention_over(struct run *run);

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
