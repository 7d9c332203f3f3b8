/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doublekeyd: the command, and the parent process of the service. The parent
 * opens what the children need, starts and supervises them, and passes what an
 * administrator asks on to the one that does it. It holds no key and links no
 * cryptography of its own use.
 */
#ifndef DK_PARENT_H
#define DK_PARENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "doublekey/key.h"
#include "ipc/channel.h"

#define PATH_BYTES 4096
#define PARENT_SOCKET "run/admin.sock"

struct settings {
	const char *dir;
	const char *passphrase_file; /* NULL: systemd credential, or prompt */
	const char *pin_file;        /* of the HSM, likewise */
	const char *url;
	const char *custodian;
	const char *kdf_memory_mib;
	const char *tls_certificate; /* of init: NULL, and the service makes its own */
	const char *tls_key;
	const char *prompt; /* what the passphrase is asked for with */
	bool confirm;       /* a new passphrase is typed twice */
	int argc;
	char **argv;
};

/* path.c: a path in dir, or that of one of our executables; false if too long. */
bool path_join(char ret[PATH_BYTES], const char *dir, const char *name);
bool path_program(char ret[PATH_BYTES], const char *name);
/* A whole file with these bytes, mode 0600, synced, or none; its folder is not synced. */
bool file_keep(const char *path, const struct dk_part *parts, size_t count);

/* passphrase.c: an open descriptor from which the passphrase can be read; -1: told. */
int passphrase_fd(const struct settings *settings);
/* The same for the PIN of the HSM; source: a file that its URI names, or NULL. */
int pin_fd(const struct settings *settings, const char *source);

/* run.c, init.c, ask.c: the subcommands. They return the exit status. */
int cmd_run(const struct settings *settings);
int cmd_init(const struct settings *settings);
/* tls.c; init.c: the part of it that has the key of the CA. */
int cmd_tls_renew(const struct settings *settings);
int cmd_renew_program(const struct settings *settings);
int cmd_ask(
    const struct settings *settings, enum ipc_admin_op op, const char *const *args, unsigned n);
/* word: "backup" or "restore". */
int cmd_backup(const struct settings *settings, const char *word, const char *file);

/* way: "to" or "from". */
int cmd_migrate(const struct settings *settings, const char *way, const char *uri);

/* policy.c: a request that `policy check` is asked about; NULL: not given. */
#define POLICY_CASE_FACTORS_MAX 40
struct policy_case {
	const char *file;
	const char *user, *device, *key, *label, *address, *time;
	unsigned factor_count;
	const char *factor[POLICY_CASE_FACTORS_MAX]; /* "certificate=NAME", "approval=USER" */
};
/* One byte more than a policy may have, so that too long a one is seen as such. */
bool policy_read(const char *path, char *text, size_t cap, size_t *ret_len);
/* policy.conf of the directory; policy_free(). NULL: told already. */
struct policy *policy_open(const struct settings *settings);
int cmd_policy_check(const struct settings *settings, const struct policy_case *c);

/* recovery.c: the public half of a customer key file as the administration
 * takes it; false if it is none, which was told. */
struct dk_key;
/* A key file of that side; NULL: told. dk_key_free(). */
struct dk_key *public_key_open(const char *file, dk_side side);
#define RECOVERY_HEX_BYTES (2 * (48 + 1200) + 1)
bool recovery_hex(const char *file, char ret_hex[RECOVERY_HEX_BYTES]);

/* spawn.c */
struct spawned {
	pid_t pid[IPC_PROCESSES];
	struct ipc_channel channel[IPC_PROCESSES]; /* from the parent's view */
};
struct spawn_user {
	bool own; /* false: that of the parent */
	uid_t uid;
	gid_t gid;
};
/* users.c: in the child, for good; false if that does not hold. */
bool spawn_become(const struct spawn_user *user);
struct spawn_files {
	const struct spawn_user *user; /* of each process */
	int listen;
	int metrics; /* listening socket or /dev/null */
	int chain, tls_key, client_ca;
	/* of the Microsoft DKE front end; all of them /dev/null if there is none */
	int dke_listen, dke_chain, dke_key, dke_client_ca, dke_conf;
	int policy, key_sets;
	int witnesses;
	int store; /* URI of the database; -1: the store is a file */
	int slot[2];
	int passphrase;
	int pin;
	/* NULL: no HSM */
	const char *hsm_uri;
	const char *hsm_directory;
	bool hsm_sockets;
	char *const *hsm_environment; /* up to a NULL */
};
/* fetchd alone, which has no channel but the parent's. */
bool spawn_fetchd(
    struct spawned *set, const struct spawn_user *user, ipc_handler handler, void *ctx);
bool spawn_all(struct spawned *set, const struct spawn_files *files, const char *log_dir,
    ipc_handler handler, void *ctx);

/* listen.c: HOST:PORT, a port from 1 to 65535. -1: errno says why, 0 if the host has no
 * address here. */
bool listen_address_valid(const char *address);
int listen_on(const char *address);
/* The same for a numeric address of this machine only. */
int listen_on_loopback(const char *address);
int listen_admin(const char *dir);

#endif
