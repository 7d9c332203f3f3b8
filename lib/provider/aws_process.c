/* SPDX-License-Identifier: Apache-2.0 */
/* credential_process: a program of the user's that prints credentials as JSON. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

#include "provider/aws.h"

#define OUTPUT_MAX_BYTES 65536
#define TIME_MAX_S 60

extern char **environ;

/* Standard output alone goes to the pipe; the program's complaints go where ours go. */
static bool
start(char **words, int *ret_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int ends[2];
	bool ok;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	ok = posix_spawn_file_actions_init(&actions) == 0;
	if (ok) {
		ok = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0 &&
		    posix_spawn_file_actions_addopen(
			&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
		    posix_spawnp(ret_pid, words[0], &actions, NULL, words, environ) == 0;
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	(void)close(ends[1]);
	if (ok)
		*ret_fd = ends[0];
	else
		(void)close(ends[0]);
	return ok;
}

static bool
read_all(int fd, char *out, size_t cap, size_t *ret_len)
{
	time_t end = time(NULL) + TIME_MAX_S;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	while (len < cap && time(NULL) < end) {
		if (poll(&poll_fd, 1, 1000) <= 0)
			continue;
		n = read(fd, out + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			*ret_len = len;
			return n == 0;
		}
		len += (size_t)n;
	}
	return false;
}

static dk_err
understand(const char *text, size_t len, struct aws_credentials *ret)
{
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const char *expiration = net_text(json, "Expiration");
	bool ok = json_integer_value(json_object_get(json, "Version")) == 1 &&
	    aws_credentials_set(ret, net_text(json, "AccessKeyId"),
		net_text(json, "SecretAccessKey"), net_text(json, "SessionToken")) &&
	    (!expiration || aws_time(expiration, &ret->expires));

	json_decref(json);
	return ok ? DK_OK : DK_ERR_PROVIDER_CREDENTIALS;
}

static dk_err
run(struct provider_key *key, char **words, struct aws_credentials *ret)
{
	char *text = malloc(OUTPUT_MAX_BYTES);
	size_t len = 0;
	int fd, status = -1;
	bool ok;
	dk_err err = DK_ERR_PROVIDER_CREDENTIALS;
	pid_t pid;

	if (!text)
		return DK_ERR_NOMEM;
	if (!start(words, &fd, &pid)) {
		provider_note(key, "credential_process: the program cannot be started");
		free(text);
		return err;
	}
	ok = read_all(fd, text, OUTPUT_MAX_BYTES, &len);
	(void)close(fd);
	if (!ok)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (ok && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		err = understand(text, len, ret);
	if (err != DK_OK)
		provider_note(key, "credential_process: the program gave no credentials");
	dk_wipe(text, OUTPUT_MAX_BYTES);
	free(text);
	return err;
}

dk_err
aws_from_process(struct provider_key *key, const char *command, struct aws_credentials *ret)
{
	dk_err err = DK_ERR_PROVIDER_CREDENTIALS;
	wordexp_t words;

	/* Words and quotes as in a shell, without starting one. */
	if (wordexp(command, &words, WRDE_NOCMD | WRDE_UNDEF) != 0) {
		provider_note(key, "credential_process: the command cannot be understood");
		return err;
	}
	if (words.we_wordc > 0)
		err = run(key, words.we_wordv, ret);
	wordfree(&words);
	return err;
}
