/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS certificate: to httpd when its files have changed, and how long it lasts. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "native/code.h"
#include "ipc/payload.h"
#include "parent/run.h"

#define DAY_S 86400
#define WARN_DAYS 30

/* With its length in front; a file that is too long is refused, not cut. */
static bool
add_file(struct dk_writer_buf *wr, int fd)
{
	static uint8_t bytes[IPC_TLS_FILE_MAX_BYTES + 1];
	size_t len = 0;
	ssize_t n = -1;

	if (fd >= 0)
		while (len < sizeof(bytes) && (n = read(fd, bytes + len, sizeof(bytes) - len)) > 0)
			len += (size_t)n;
	if (n == 0) {
		dk_wr_u32(wr, (uint32_t)len);
		dk_wr_bytes(wr, bytes, len);
	}
	dk_wipe(bytes, sizeof(bytes));
	if (fd >= 0)
		(void)close(fd);
	return n == 0;
}

bool
run_reload_tls(struct run *run, uint64_t id)
{
	static uint8_t payload[IPC_TLS_MAX_BYTES];
	struct dk_part part = { payload, 0 };
	struct dk_writer_buf wr;
	bool ok, chain, key, client_ca;

	dk_wr_init(&wr, payload, sizeof(payload));
	chain = add_file(&wr, run_open(run, "tls/chain.pem", O_RDONLY));
	key = add_file(&wr, run_open(run, "tls/server.key", O_RDONLY));
	client_ca = add_file(&wr, run_open_client_ca(run));
	if (!chain || !key || !client_ca)
		say(SAY_ERROR, "%s cannot be read; the TLS certificate stays what it was",
		    !chain     ? "tls/chain.pem"
			: !key ? "tls/server.key"
			       : "the file of client-ca");
	part.len = wr.len;
	ok = chain && key && client_ca && !wr.failed &&
	    ipc_send(&run->set.channel[IPC_HTTPD], IPC_TLS, id, &part, 1);
	dk_wipe(payload, sizeof(payload));
	return ok;
}

static int64_t
seconds_left(const struct run *run)
{
	return (int64_t)run->tls_expiry - (int64_t)ipc_now();
}

void
run_warn_of_expiry(struct run *run)
{
	int64_t left = seconds_left(run);

	if (run->tls_expiry == 0 || left >= WARN_DAYS * (int64_t)DAY_S ||
	    ipc_now() < run->tls_warned_s + DAY_S)
		return;
	run->tls_warned_s = ipc_now();
	if (left <= 0)
		say(SAY_ERROR, "the TLS certificate has expired");
	else
		say(SAY_WARNING, "the TLS certificate expires in %" PRId64 " days", left / DAY_S);
}

size_t
run_tls_status(const struct run *run, char *text, size_t cap)
{
	time_t t = (time_t)run->tls_expiry;
	int64_t left = seconds_left(run);
	char until[32];
	struct tm tm;
	int n;

	if (!gmtime_r(&t, &tm) || strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return 0;
	n = snprintf(text, cap, "certificate\t%s until %s, %" PRId64 " days left\n",
	    left <= 0                               ? "EXPIRED"
		: left < WARN_DAYS * (int64_t)DAY_S ? "WARNING: valid"
						    : "valid",
	    until, left <= 0 ? 0 : left / DAY_S);
	return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

/* Payload: code, end of the certificate in use, words. */
bool
run_on_tls_done(struct run *run, const struct ipc_message *message)
{
	uint8_t answer[2 + 256 + 1];
	struct ipc_message done = *message;
	struct ipc_tls_done said;
	size_t len;

	if (!ipc_tls_done_read(message, &said) || said.text.len > sizeof(answer) - 3)
		return false;
	run->tls_expiry = said.expiry;
	len = said.text.len;
	if (said.code == DK_CODE_OK)
		run->tls_warned_s = 0;
	if (message->id != 0)
		say(said.code == DK_CODE_OK ? SAY_INFO : SAY_ERROR, "%.*s%s", (int)len,
		    (const char *)said.text.data,
		    said.code == DK_CODE_OK ? "" : "; the old one stays");
	run_warn_of_expiry(run);
	memcpy(answer, message->data, 2);
	memcpy(answer + 2, said.text.data, len);
	answer[2 + len] = '\n';
	done.data = answer;
	done.len = len + 3;
	run_admin_done(run, &done);
	return true;
}

static bool
is_running(const struct settings *settings)
{
	char path[PATH_BYTES];
	int fd = path_join(path, settings->dir, "run/lock") ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		(void)close(fd);
	return held;
}

int
cmd_tls_renew(const struct settings *settings)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(cmd_renew_program(settings));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 1;
	if (WEXITSTATUS(status) != 0)
		return WEXITSTATUS(status);
	return is_running(settings) ? cmd_ask(settings, IPC_OP_TLS_RELOAD, NULL, 0) : 0;
}
