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
add_file(struct dk_writer_buf *wr, int fd, bool may_be_empty)
{
	static uint8_t bytes[IPC_TLS_FILE_MAX_BYTES + 1];
	size_t len = 0;
	ssize_t n = -1;

	if (fd >= 0)
		while (len < sizeof(bytes) && (n = read(fd, bytes + len, sizeof(bytes) - len)) > 0)
			len += (size_t)n;
	/* httpd would take it for an option that is absent. */
	if (n == 0 && (len > 0 || may_be_empty)) {
		dk_wr_u32(wr, (uint32_t)len);
		dk_wr_bytes(wr, bytes, len);
	}
	dk_wipe(bytes, sizeof(bytes));
	if (fd >= 0)
		(void)close(fd);
	return n == 0 && (len > 0 || may_be_empty);
}

/* What each of the files is called; those of the service's own listener have fixed names. */
static const char *const file_of[IPC_TLS_FILES] = { "tls/chain.pem", "tls/server.key", "client-ca",
	"dke-certificate", "dke-key", "dke-client-ca" };

static bool
add_files(const struct run *run, struct dk_writer_buf *wr)
{
	for (unsigned i = 0; i < IPC_TLS_FILES; i++) {
		bool named = !strchr(file_of[i], '/');

		if (!add_file(wr,
			named ? run_open_named(run, file_of[i])
			      : run_open(run, file_of[i], O_RDONLY),
			!strstr(file_of[i], "client-ca") || !cfg_getstr(run->cfg, file_of[i]))) {
			say(SAY_ERROR, "%s%s cannot be read; the TLS certificate stays what it was",
			    named ? "the file of " : "", file_of[i]);
			return false;
		}
	}
	return !wr->failed;
}

bool
run_reload_tls(struct run *run, uint64_t id)
{
	static uint8_t payload[IPC_TLS_MAX_BYTES];
	struct dk_part part = { payload, 0 };
	struct dk_writer_buf wr;
	bool ok;

	dk_wr_init(&wr, payload, sizeof(payload));
	ok = add_files(run, &wr);
	part.len = wr.len;
	ok = ok && ipc_send(&run->set.channel[IPC_HTTPD], IPC_TLS, id, &part, 1);
	dk_wipe(payload, sizeof(payload));
	return ok;
}

static const char *const certificate_name[RUN_CERTIFICATES] = { "TLS certificate",
	"TLS certificate of dke-listen" };

static int64_t
seconds_left(const struct run_certificate *c)
{
	return (int64_t)c->expiry - (int64_t)ipc_now();
}

static void
warn_of(struct run_certificate *c, const char *name)
{
	int64_t left = seconds_left(c);

	if (c->expiry == 0 || left >= WARN_DAYS * (int64_t)DAY_S || ipc_now() < c->warned_s + DAY_S)
		return;
	c->warned_s = ipc_now();
	if (left <= 0)
		say(SAY_ERROR, "the %s has expired", name);
	else
		say(SAY_WARNING, "the %s expires in %" PRId64 " days", name, left / DAY_S);
}

void
run_warn_of_expiry(struct run *run)
{
	for (unsigned i = 0; i < RUN_CERTIFICATES; i++)
		warn_of(&run->certificate[i], certificate_name[i]);
}

static size_t
certificate_status(const struct run_certificate *c, const char *word, char *text, size_t cap)
{
	time_t t = (time_t)c->expiry;
	int64_t left = seconds_left(c);
	char until[32];
	struct tm tm;
	int n;

	if (!gmtime_r(&t, &tm) || strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return 0;
	n = snprintf(text, cap, "%s\t%s until %s, %" PRId64 " days left\n", word,
	    left <= 0                               ? "EXPIRED"
		: left < WARN_DAYS * (int64_t)DAY_S ? "WARNING: valid"
						    : "valid",
	    until, left <= 0 ? 0 : left / DAY_S);
	return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

size_t
run_tls_status(const struct run *run, char *text, size_t cap)
{
	size_t len = certificate_status(&run->certificate[RUN_NATIVE], "certificate", text, cap);

	if (run->certificate[RUN_DKE].expiry > 0)
		len += certificate_status(
		    &run->certificate[RUN_DKE], "dke-certificate", text + len, cap - len);
	return len;
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
	len = said.text.len;
	for (unsigned i = 0; i < RUN_CERTIFICATES; i++) {
		run->certificate[i].expiry = said.expiry[i];
		if (said.code == DK_CODE_OK)
			run->certificate[i].warned_s = 0;
	}
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
