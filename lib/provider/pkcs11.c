/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens behind PKCS #11 modules, spec/provider-keys.md section 3.5: this side of the socket. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/module.h"
#include "provider/helper/message.h"
#include "provider/turn.h"

#define END_MS 2000

extern char **environ;

struct pkcs11 {
	pthread_mutex_t lock; /* one request at a time, as a session has it */
	int fd;
	pid_t pid;
};

/* ---- the helper ---- */

static dk_err
start(struct provider_key *key, struct pkcs11 *token)
{
	char path[4096], *argv[] = { (char[]){ TOKEN_PROGRAM }, NULL };
	posix_spawn_file_actions_t actions;
	int ends[2];
	bool ok;

	if (!dk_module_program(TOKEN_PROGRAM, path, sizeof(path))) {
		provider_note(key, "the program " TOKEN_PROGRAM " is not installed");
		return DK_ERR_LIBRARY;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return DK_ERR_NOMEM;
	ok = posix_spawn_file_actions_init(&actions) == 0;
	if (ok) {
		/* Our input and output are not for foreign code to read or write. */
		ok = posix_spawn_file_actions_adddup2(&actions, ends[1], TOKEN_FD) == 0 &&
		    posix_spawn_file_actions_addopen(
			&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
		    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO) == 0 &&
		    posix_spawn_file_actions_addclosefrom_np(&actions, TOKEN_FD + 1) == 0 &&
		    posix_spawn(&token->pid, path, &actions, NULL, argv, environ) == 0;
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	(void)close(ends[1]);
	if (!ok) {
		(void)close(ends[0]);
		provider_note(key, "%s cannot be started", path);
		return DK_ERR_LIBRARY;
	}
	token->fd = ends[0];
	return DK_OK;
}

/* Its module may say farewell to its token, and no more than that. */
static bool
ends_by_itself(pid_t pid)
{
	struct pollfd poll_fd = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int ready = 0;

	if (poll_fd.fd < 0)
		return false;
	ready = poll(&poll_fd, 1, END_MS);
	(void)close(poll_fd.fd);
	return ready > 0;
}

/* A module that hangs is ended with its process. */
static void
stop(struct pkcs11 *token, bool hangs)
{
	if (token->fd < 0)
		return;
	(void)close(token->fd);
	token->fd = -1;
	if (hangs || !ends_by_itself(token->pid))
		(void)kill(token->pid, SIGKILL);
	while (waitpid(token->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* -1: it ended, or there was no answer in time. */
static ssize_t
exchange(const struct provider_key *key, struct pkcs11 *token, const uint8_t *request, size_t len,
    uint8_t answer[TOKEN_MESSAGE_MAX_BYTES])
{
	uint64_t end = turn_now_us() + (uint64_t)key->conf.deadline_s * 1000000, now;
	struct pollfd poll_fd = { .fd = token->fd, .events = POLLIN };
	int ready = 0;

	if (send(token->fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		return -1;
	while ((now = turn_now_us()) < end && ready <= 0) {
		ready = poll(&poll_fd, 1, (int)((end - now) / 1000) + 1);
		if (ready < 0 && errno != EINTR)
			return -1;
	}
	return ready > 0 ? recv(token->fd, answer, TOKEN_MESSAGE_MAX_BYTES, 0) : -1;
}

/* One request. *ret_len bytes stand at answer + 2. */
static dk_err
ask(struct provider_key *key, enum token_op op, const void *data, size_t len,
    uint8_t answer[TOKEN_MESSAGE_MAX_BYTES], size_t *ret_len)
{
	struct pkcs11 *token = key->state;
	uint8_t request[TOKEN_MESSAGE_MAX_BYTES];
	ssize_t n = -1;
	dk_err err;

	if (len >= sizeof(request))
		return DK_ERR_PROVIDER_REFERENCE;
	request[0] = (uint8_t)op;
	memcpy(request + 1, data, len);
	(void)pthread_mutex_lock(&token->lock);
	if (token->fd >= 0)
		n = exchange(key, token, request, len + 1, answer);
	if (n < 2)
		stop(token, true);
	(void)pthread_mutex_unlock(&token->lock);
	if (n < 2) {
		provider_note(key, TOKEN_PROGRAM " ended, or did not answer in time");
		return DK_ERR_PROVIDER_UNREACHABLE;
	}
	err = (dk_err)(answer[0] << 8 | answer[1]);
	*ret_len = (size_t)n - 2;
	if (err == DK_OK)
		return DK_OK;
	if (dk_err_category(err) != DK_CAT_PROVIDER)
		return DK_ERR_PROVIDER_ANSWER;
	provider_note(key, "%.*s", (int)*ret_len, (const char *)answer + 2);
	return err;
}

/* ---- opening ---- */

static dk_err
learn(struct provider_key *key, const uint8_t *answer, size_t len)
{
	char custodian[8 + TOKEN_LABEL_MAX_BYTES];
	size_t label = len > 0 ? answer[0] : 0;
	struct dk_pkey *pkey = NULL;
	dk_err err;

	if (label > TOKEN_LABEL_MAX_BYTES || len < 1 + label)
		return DK_ERR_PROVIDER_ANSWER;
	(void)snprintf(
	    custodian, sizeof(custodian), "pkcs11:%.*s", (int)label, (const char *)answer + 1);
	err = provider_custodian(key, custodian);
	if (err != DK_OK)
		return err;
	err = dk_pkey_from_spki(answer + 1 + label, len - 1 - label, &pkey);
	if (err != DK_OK)
		return DK_ERR_PROVIDER_ANSWER;
	err = provider_add_version(key, "", pkey);
	if (err != DK_OK)
		dk_pkey_free(pkey);
	return err;
}

static dk_err
pkcs11_open(struct provider_key *key, const char *rest)
{
	struct pkcs11 *token = calloc(1, sizeof(*token));
	uint8_t answer[TOKEN_MESSAGE_MAX_BYTES];
	size_t len;
	dk_err err;

	if (!token)
		return DK_ERR_NOMEM;
	(void)rest;
	token->fd = -1;
	(void)pthread_mutex_init(&token->lock, NULL);
	key->state = token;
	if (strcasestr(key->ref, "pin-value"))
		return DK_ERR_PROVIDER_REFERENCE;
	err = start(key, token);
	if (err == DK_OK)
		err = ask(key, key->public_only ? TOKEN_OPEN_PUBLIC : TOKEN_OPEN, key->ref,
		    strlen(key->ref), answer, &len);
	return err == DK_OK ? learn(key, answer + 2, len) : err;
}

static void
pkcs11_close(struct provider_key *key)
{
	struct pkcs11 *token = key->state;

	if (!token)
		return;
	stop(token, false);
	(void)pthread_mutex_destroy(&token->lock);
	free(token);
	key->state = NULL;
}

/* ---- use ---- */

static dk_err
take(uint8_t kind, const uint8_t *data, size_t len, const struct dk_pkey *pkey, size_t enc_len,
    struct provider_secret *ret)
{
	bool rsa = dk_pkey_type(pkey) == DK_KEY_RSA;

	if (!rsa && kind == TOKEN_ECDH && len == enc_len / 2 && len <= sizeof(ret->ecdh.bytes)) {
		memcpy(ret->ecdh.bytes, data, len);
		ret->ecdh.len = len;
		return DK_OK;
	}
	if (rsa && kind == TOKEN_SEED && len == sizeof(ret->seed.bytes)) {
		memcpy(ret->seed.bytes, data, len);
		return DK_OK;
	}
	if (rsa && kind == TOKEN_RAW && len == enc_len && len <= sizeof(ret->raw)) {
		memcpy(ret->raw, data, len);
		ret->raw_len = len;
		return DK_OK;
	}
	return DK_ERR_PROVIDER_ANSWER;
}

static dk_err
pkcs11_private_op(struct provider_key *key, const struct dk_pkey *pkey, const uint8_t *enc,
    size_t len, struct provider_secret *ret)
{
	uint8_t answer[TOKEN_MESSAGE_MAX_BYTES];
	size_t n;
	dk_err err = ask(key, TOKEN_USE, enc, len, answer, &n);

	if (err == DK_OK)
		err = n > 0 ? take(answer[2], answer + 3, n - 1, pkey, len, ret)
			    : DK_ERR_PROVIDER_ANSWER;
	dk_wipe(answer, sizeof(answer));
	return err;
}

const struct provider_system provider_pkcs11 = {
	.scheme = "pkcs11",
	.open = pkcs11_open,
	.private_op = pkcs11_private_op,
	.close = pkcs11_close,
};
