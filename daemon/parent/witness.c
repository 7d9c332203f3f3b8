/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Witnesses of the log, spec/log.md section 17: which ones, and the way from logd to them.
 * logd names a witness by its number, so that it can send to nobody else; what comes
 * back is judged by logd, and in mode strict by keyd again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "log/checkpoint.h"
#include "parent/key_sets.h"
#include "parent/run.h"

#define PATH_OF_REQUEST "/add-checkpoint"
/* Of a checkpoint: text and the two lines of the log, without its name. */
#define OWN_BYTES 400
/* Longer than any answer may take. */
#define ANSWER_MAX_S 30

static struct dk_quorum quorum; /* one service in a process */

static uint64_t
monotonic_s(void)
{
	return ipc_clock_ms() / 1000;
}

/* ---- configuration ---- */

/* In clear only to this machine: what is sent is public and what comes is signed, but who
 * reads along learns when somebody decrypts. */
static bool
url_allowed(const char *url)
{
	static const char *const here[] = { "http://127.0.0.1", "http://[::1]",
		"http://localhost" };
	size_t len = strlen(url);

	if (len == 0 || len + strlen(PATH_OF_REQUEST) > IPC_POST_URL_MAX_BYTES ||
	    strpbrk(url, "@?#\\") || url[len - 1] == '/')
		return false;
	if (strncmp(url, "https://", 8) == 0)
		return url[8] != '\0' && url[8] != '/';
	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
		size_t n = strlen(here[i]);

		if (strncmp(url, here[i], n) == 0 &&
		    (url[n] == '\0' || url[n] == ':' || url[n] == '/'))
			return true;
	}
	return false;
}

static bool
name_allowed(const char *name)
{
	return name[strspn(name,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

static bool
take_witnesses(struct run *run)
{
	size_t lines = 0;

	for (unsigned i = 0; i < quorum.node_count; i++) {
		const struct dk_quorum_node *node = &quorum.node[i];
		const struct dk_quorum_witness *w = &quorum.witness[node->witness];

		if (node->needed > 0)
			continue;
		if (!name_allowed(node->name))
			return run_conf_refuse(run, "witnesses: a name is of a-z A-Z 0-9 . _ -");
		if (!url_allowed(w->url))
			return run_conf_refuse(run,
			    "witnesses: each needs a URL, https://..., or http:// to this "
			    "machine, without a slash at its end");
		(void)snprintf(run->witness[node->witness].url, sizeof(run->witness[0].url),
		    "%s" PATH_OF_REQUEST, w->url);
		lines += strlen(w->key.name) + 120;
	}
	run->witness_count = quorum.witness_count;
	if (run->witness_count == 0)
		return run_conf_refuse(run, "witnesses: the file names none");
	if (OWN_BYTES + 3 * DK_ORIGIN_MAX_BYTES + lines > DK_CHECKPOINT_MAX_BYTES)
		return run_conf_refuse(
		    run, "witnesses: their cosignatures do not fit in a checkpoint");
	return true;
}

static bool
read_policy(struct run *run, const char *file)
{
	struct ipc_witnesses *w = &run->witnesses;
	char path[PATH_BYTES], text[DK_WITNESS_POLICY_MAX_BYTES + 1];
	unsigned line;
	dk_err err;

	if (!(file[0] == '/' ? snprintf(path, sizeof(path), "%s", file) < PATH_BYTES
			     : path_join(path, run->settings->dir, file)) ||
	    !policy_read(path, text, sizeof(text), &w->len))
		return run_conf_refuse(run, "witnesses: the file cannot be read");
	if (w->len == 0 || w->len > DK_WITNESS_POLICY_MAX_BYTES)
		return run_conf_refuse(
		    run, "witnesses: the file is empty, or has more than 8192 bytes");
	err = dk_quorum_parse(text, w->len, &quorum, &line);
	if (err != DK_OK) {
		say(SAY_ERROR, "%s: witnesses, line %u: %s", dk_err_name(err), line,
		    dk_err_text(err));
		return false;
	}
	memcpy(w->text, text, w->len);
	return take_witnesses(run);
}

static bool
read_ca(struct run *run)
{
	struct key_set_ca ca;
	bool tls = false;

	for (unsigned i = 0; i < run->witness_count; i++)
		tls = tls || strncmp(run->witness[i].url, "https:", 6) == 0;
	if (!tls)
		return true;
	if (!key_set_ca_read(run->settings->dir, cfg_getstr(run->cfg, "witness-ca"), &ca))
		return run_conf_refuse(run, "witness-ca: the CA certificates cannot be read");
	run->witness_ca = ca.pem;
	run->witness_ca_len = ca.len;
	return true;
}

bool
run_witnesses_read(struct run *run)
{
	const char *file = cfg_getstr(run->cfg, "witnesses"), *mode = cfg_getstr(run->cfg, "mode");
	long wait = cfg_getint(run->cfg, "quorum-wait");
	const bool strict = mode && strcmp(mode, "strict") == 0;

	run->witnesses.mode = strict ? DK_LOG_STRICT : DK_LOG_PROMPT;
	if (mode && !strict && strcmp(mode, "prompt") != 0)
		return run_conf_refuse(run, "mode: prompt or strict");
	if (wait < 1 || wait > IPC_WITNESS_WAIT_MAX_S)
		return run_conf_refuse(run, "quorum-wait: 1 to 25 seconds");
	run->witnesses.wait_s = (uint8_t)wait;
	if (!file)
		return strict ? run_conf_refuse(run, "mode: strict needs witnesses") : true;
	if (!read_policy(run, file) || !read_ca(run))
		return false;
	return !strict || quorum.quorum != DK_QUORUM_NONE ||
	    run_conf_refuse(run, "mode: strict needs a quorum of the witnesses");
}

int
run_witnesses_fd(const struct run *run)
{
	uint8_t bytes[IPC_WITNESSES_MAX_BYTES];

	return memory_fd("witnesses", bytes, ipc_witnesses_write(&run->witnesses, bytes));
}

/* ---- asking ---- */

static bool
answer_failed(struct run *run, uint64_t id)
{
	const uint8_t head[3] = { IPC_FETCH_TRANSFER, 0, 0 };
	const struct dk_part part = { head, sizeof(head) };

	return ipc_send(&run->set.channel[IPC_LOGD], IPC_WITNESS_ANSWER, id, &part, 1);
}

bool
run_on_witness_ask(struct run *run, const struct ipc_message *message)
{
	struct ipc_witness_ask ask;
	struct run_witness *w;
	uint8_t url_len, ca_len[4];
	struct dk_writer_buf wr;
	bool tls;

	if (!ipc_witness_ask_read(message->data, message->len, &ask) ||
	    ask.number >= run->witness_count || run->witness[ask.number].fetch_id != 0)
		return false;
	w = &run->witness[ask.number];
	tls = strncmp(w->url, "https:", 6) == 0;
	url_len = (uint8_t)strlen(w->url);
	dk_wr_init(&wr, ca_len, sizeof(ca_len));
	dk_wr_u32(&wr, (uint32_t)(tls ? run->witness_ca_len : 0));
	const struct dk_part parts[] = { { &url_len, 1 }, { w->url, url_len },
		{ ca_len, sizeof(ca_len) }, { run->witness_ca, tls ? run->witness_ca_len : 0 },
		ask.body };

	if (!(run->ready & 1u << IPC_FETCHD) ||
	    !ipc_send(&run->set.channel[IPC_FETCHD], IPC_POST, run->next_id + 1, parts, 5))
		return answer_failed(run, message->id);
	w->fetch_id = ++run->next_id;
	w->logd_id = message->id;
	w->asked_s = monotonic_s();
	return true;
}

bool
run_witness_fetched(struct run *run, uint64_t id, const struct ipc_message *message)
{
	const struct dk_part part = { message->data, message->len };

	for (unsigned i = 0; i < run->witness_count; i++) {
		struct run_witness *w = &run->witness[i];

		if (w->fetch_id == 0 || w->fetch_id != id)
			continue;
		w->fetch_id = 0;
		(void)ipc_send(
		    &run->set.channel[IPC_LOGD], IPC_WITNESS_ANSWER, w->logd_id, &part, 1);
		return true;
	}
	return false;
}

void
run_witnesses_unasked(struct run *run, bool all)
{
	for (unsigned i = 0; i < run->witness_count; i++) {
		struct run_witness *w = &run->witness[i];

		if (w->fetch_id != 0 && !all)
			(void)answer_failed(run, w->logd_id);
		w->fetch_id = 0;
	}
	if (all)
		run->witness_state = (struct ipc_witness_state){ .count = 0 };
}

bool
run_witnesses_late(const struct run *run, uint64_t now_s)
{
	for (unsigned i = 0; i < run->witness_count; i++)
		if (run->witness[i].fetch_id != 0 && now_s > run->witness[i].asked_s + ANSWER_MAX_S)
			return true;
	return false;
}

/* ---- status ---- */

bool
run_on_witness_state(struct run *run, const struct ipc_message *message)
{
	return ipc_witness_state_read(message->data, message->len, &run->witness_state);
}

static const char *
time_text(uint64_t seconds, char ret[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		ret[0] = '\0';
	return ret;
}

static int
one_status(const struct ipc_witness_of *w, char *text, size_t cap)
{
	char when[32], status[16] = "";

	if (w->status > 0 && w->status != 200)
		(void)snprintf(status, sizeof(status), ", HTTP %u", w->status);
	if (w->size == 0)
		return snprintf(text, cap, "witness\t%s NONE, %" PRIu64 " failures%s%s%s\n",
		    w->name, w->failures, w->failures > 0 ? ", the last answer " : "",
		    w->failures > 0 ? ipc_fetch_result_name(w->result) : "", status);
	return snprintf(text, cap,
	    "witness\t%s cosigned %" PRIu64 " at %s, %" PRIu64 " failures%s%s%s\n", w->name,
	    w->size, time_text(w->time, when), w->failures,
	    w->result == IPC_FETCH_OK ? "" : ", the last answer ",
	    w->result == IPC_FETCH_OK ? "" : ipc_fetch_result_name(w->result), status);
}

size_t
run_witness_status(const struct run *run, char *text, size_t cap)
{
	const struct ipc_witness_state *s = &run->witness_state;
	char when[32];
	size_t len = 0;
	int n;

	n = snprintf(
	    text, cap, "mode\t%s\n", run->witnesses.mode == DK_LOG_STRICT ? "strict" : "prompt");
	len += n > 0 && (size_t)n < cap ? (size_t)n : 0;
	if (s->count > 0) {
		n = s->size == 0 ? snprintf(text + len, cap - len, "cosigned\tNONE\n")
				 : snprintf(text + len, cap - len, "cosigned\t%" PRIu64 " at %s\n",
				       s->size, time_text(s->time, when));
		len += n > 0 && (size_t)n < cap - len ? (size_t)n : 0;
	}
	for (unsigned i = 0; i < s->count; i++) {
		n = one_status(&s->of[i], text + len, cap - len);
		len += n > 0 && (size_t)n < cap - len ? (size_t)n : 0;
	}
	return len;
}
