/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key sets that are fetched, spec/policy.md section 6.3: when, and what becomes of them.
 *
 *   due -> FETCH -> FETCHED -> KEY_SET -> KEY_SET_DONE -> kept, and due again
 *           fetchd             authd, which has keyd record it
 *
 * What fails leaves everything as it was and is due again. Neither this nor fetchd is
 * on the way of a request.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "crypto/random.h"
#include "native/code.h"
#include "parent/directories.h"
#include "parent/key_sets.h"
#include "parent/run.h"

#define RETRY_FIRST_S 5
/* Longer than any fetch may take; a directory, than libldap may wait for a name as well. */
#define ANSWER_MAX_S 60
#define DIRECTORY_ANSWER_MAX_S 150

static uint64_t
monotonic_s(void)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec;
}

/* ---- which ones ---- */

static struct run_source *
find_same(struct run *run, const struct policy_issuer *issuer)
{
	const char *ca = issuer->key_set_ca ? issuer->key_set_ca : "";

	for (unsigned i = 0; i < run->source_count; i++) {
		struct run_source *s = &run->source[i];

		if (strcmp(s->name, issuer->title) == 0 && strcmp(s->url, issuer->key_set) == 0 &&
		    strcmp(s->ca_file, ca) == 0)
			return s;
	}
	return NULL;
}

/* What is known of it stays; it is due at once. */
static void
take_source(const struct policy_issuer *issuer, struct run_source *old, struct run_source *ret)
{
	*ret = (struct run_source){ .fetched_s = 0 };
	if (old) {
		*ret = *old;
		*old = (struct run_source){ .fetched_s = 0 };
	}
	(void)snprintf(ret->name, sizeof(ret->name), "%s", issuer->title);
	(void)snprintf(ret->url, sizeof(ret->url), "%s", issuer->key_set);
	(void)snprintf(
	    ret->ca_file, sizeof(ret->ca_file), "%s", issuer->key_set_ca ? issuer->key_set_ca : "");
	ret->tenant = issuer->tenant;
	ret->refresh_s = issuer->key_set_refresh_s;
	ret->max_age_s = issuer->key_set_max_age_s;
	ret->delay_s = 0;
	ret->next_s = 0;
}

static void
take_issuer(struct run *run, const struct policy *policy, const struct policy_issuer *issuer,
    struct run_source *ret)
{
	static char text[IPC_FETCH_BODY_MAX_BYTES];
	size_t len;

	take_source(issuer, find_same(run, issuer), ret);
	ret->set_url[0] = ret->tenant_id[0] = '\0';
	if (issuer->metadata)
		(void)snprintf(ret->tenant_id, sizeof(ret->tenant_id), "%s",
		    policy_tenant_id(policy, issuer->number));
	ret->known_len =
	    issuer->tenant ? known_keys_kept(run->settings->dir, issuer->title, ret->known) : 0;
	if (!key_set_kept(run->settings->dir, issuer, text, &len, &ret->fetched_s))
		ret->fetched_s = 0;
}

/* authd has it when it took it, also if it had it already; fetched anew it is as well. */
static bool
take_kept(struct run *run, const struct policy_issuer *issuer, struct run_source *ret)
{
	char *set = malloc(IPC_MEMBERS_MAX_BYTES);

	if (!set)
		return false;
	if (!members_kept(run->settings->dir, issuer, set, &ret->set_len, &ret->set_s, ret->root) ||
	    ret->set_len < IPC_SALT_BYTES) {
		free(set);
		return dk_random(ret->directory->salt, sizeof(ret->directory->salt)) == DK_OK;
	}
	memcpy(ret->directory->salt, set, sizeof(ret->directory->salt));
	ret->set = (uint8_t *)set;
	ret->set_is_kept = true;
	return true;
}

static bool
take_directory(
    struct run *run, const struct policy *policy, unsigned number, struct run_source *ret)
{
	const struct policy_directory info = policy_directory(policy, number);
	struct policy_issuer issuer = { .title = info.title,
		.key_set_ca = info.ca,
		.key_set_refresh_s = info.refresh_s,
		.key_set_max_age_s = info.max_age_s };
	struct run_directory *d = run_directory_new(policy, number);
	struct run_source *old;

	if (!d)
		return false;
	issuer.key_set = d->origin;
	old = find_same(run, &issuer);
	take_source(&issuer, old, ret);
	if (ret->directory)
		memcpy(d->salt, ret->directory->salt, sizeof(d->salt));
	free(ret->directory);
	ret->directory = d;
	/* What comes from fetchd still goes before what was kept. */
	return ret->set || take_kept(run, &issuer, ret);
}

void
run_sources_set(struct run *run, const struct policy *policy)
{
	static struct run_source fresh[IPC_ISSUERS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; policy && i < policy_issuers(policy); i++) {
		struct policy_issuer issuer = policy_issuer(policy, i);

		if (issuer.key_set)
			take_issuer(run, policy, &issuer, &fresh[count++]);
	}
	for (unsigned i = 0; policy && i < policy_directories(policy); i++) {
		if (take_directory(run, policy, i, &fresh[count]))
			count++;
		else
			say(SAY_ERROR, "no memory for a directory");
	}
	for (unsigned i = 0; i < run->source_count; i++) {
		/* fetchd will still answer. */
		run->fetch_forgotten += run->source[i].asked_id != 0;
		free(run->source[i].set);
		free(run->source[i].directory);
	}
	memcpy(run->source, fresh, sizeof(fresh));
	run->source_count = count;
	run->fetch_told = false;
}

void
run_sources_unasked(struct run *run)
{
	run_witnesses_unasked(run, false);
	run->fetch_forgotten = 0;
	for (unsigned i = 0; i < run->source_count; i++) {
		run->source[i].asked_id = 0;
		run->source[i].next_s = 0;
	}
}

/* ---- what comes ---- */

static const char *
kind_of(const struct run_source *s)
{
	return s->directory ? "members of groups in" : "key set of";
}

static void
failed(struct run *run, struct run_source *s, enum ipc_fetch_result result, const char *words)
{
	s->result = result;
	s->failures++;
	s->delay_s = s->delay_s == 0 ? RETRY_FIRST_S : 2 * s->delay_s;
	if (s->delay_s > s->refresh_s)
		s->delay_s = s->refresh_s;
	s->next_s = monotonic_s() + s->delay_s;
	s->set_url[0] = '\0';
	run->fetch_told = false;
	say(SAY_WARNING, "%s %s: not fetched: %s%s%s", kind_of(s), s->name,
	    ipc_fetch_result_name(result), words[0] ? ": " : "", words);
}

/* For authd. */
static bool
take_bytes(struct run_source *s, const struct dk_part *bytes)
{
	free(s->set);
	s->set = malloc(bytes->len + 1);
	if (!s->set)
		return false;
	memcpy(s->set, bytes->data, bytes->len);
	s->set_len = bytes->len;
	s->set_s = ipc_now();
	s->set_is_kept = false;
	return true;
}

bool
run_on_fetched(struct run *run, const struct ipc_message *message)
{
	struct ipc_fetched fetched;
	struct run_source *s = NULL;
	char status[32] = "";
	bool large;

	for (unsigned i = 0; i < run->source_count; i++)
		if (run->source[i].asked_id == message->id && message->id != 0)
			s = &run->source[i];
	if (!ipc_fetched_read(message->data, message->len, &fetched))
		return false;
	/* Only members of a directory are so many. */
	large = fetched.bytes.len > IPC_FETCH_BODY_MAX_BYTES;
	if (large && s && !s->directory)
		return false;
	if (!large && run_witness_fetched(run, message->id, message))
		return true;
	if (!s)
		return run->fetch_forgotten > 0 && run->fetch_forgotten-- > 0;
	s->asked_id = 0;
	if (fetched.result != IPC_FETCH_OK) {
		if (fetched.status > 0)
			(void)snprintf(status, sizeof(status), "%s %u",
			    s->directory ? "LDAP" : "HTTP", fetched.status);
		failed(run, s, fetched.result, status);
		return true;
	}
	if (!take_bytes(s, &fetched.bytes))
		failed(run, s, IPC_FETCH_TRANSFER, "no memory");
	return true;
}

static struct ipc_key_set
set_of(const struct run_source *s)
{
	struct ipc_key_set set = { .name = { s->name, strlen(s->name) },
		.fetched_s = s->set_s,
		.bytes = { s->set, s->set_len } };

	memcpy(set.root, s->root, sizeof(set.root));
	return set;
}

static void
taken(struct run *run, struct run_source *s, const char *words)
{
	const struct ipc_key_set set = set_of(s);

	if (s->result != IPC_FETCH_OK || words[0])
		say(run_quarantine_end(s) > ipc_now() ? SAY_WARNING : SAY_INFO,
		    "%s %s: fetched%s%s", kind_of(s), s->name, words[0] ? ": " : "", words);
	s->result = IPC_FETCH_OK;
	s->fetched_s = s->set_s;
	s->delay_s = 0;
	s->set_url[0] = '\0';
	s->next_s = s->set_is_kept ? 0 : monotonic_s() + s->refresh_s;
	run->fetch_told = false;
	if (!(s->directory ? members_keep(run->settings->dir, s->url, &set)
			   : key_set_keep(run->settings->dir, s->url, &set)))
		say(SAY_WARNING, "%s %s: cannot be kept for the next start", kind_of(s), s->name);
}

/* The source whose set or metadata authd answers, with code and words; NULL: none. */
static struct run_source *
answered(struct run *run, const struct ipc_message *message, bool metadata, unsigned *ret_code,
    char ret_words[257])
{
	struct run_source *s = NULL;

	for (unsigned i = 0; i < run->source_count; i++)
		if (run->source[i].set && run->source[i].given_id == message->id)
			s = &run->source[i];
	if (message->len < 2 || message->len > 258 || !s || s->is_metadata != metadata ||
	    run->authd_busy != RUN_BUSY_KEY_SET)
		return NULL;
	*ret_code = (unsigned)message->data[0] << 8 | message->data[1];
	memcpy(ret_words, message->data + 2, message->len - 2);
	ret_words[message->len - 2] = '\0';
	run->authd_busy = RUN_BUSY_NOT;
	return s;
}

/* authd reads the document, and cannot choose where fetchd goes. */
bool
run_on_metadata_done(struct run *run, const struct ipc_message *message)
{
	char words[257];
	unsigned code;
	struct run_source *s = answered(run, message, true, &code, words);

	if (!s || (code == DK_CODE_OK && !policy_key_set_url_ok(s->url, s->tenant_id, words)))
		return false;
	free(s->set);
	s->set = NULL;
	if (code != DK_CODE_OK)
		failed(run, s, IPC_FETCH_REFUSED, words);
	else
		memcpy(s->set_url, words, strlen(words) + 1); /* the policy has no longer ones */
	return true;
}

bool
run_on_key_set_done(struct run *run, const struct ipc_message *message)
{
	char words[257];
	unsigned code;
	struct run_source *s = answered(run, message, false, &code, words);

	if (!s)
		return false;
	if (code == DK_CODE_OK)
		taken(run, s, words);
	else
		failed(run, s, IPC_FETCH_REFUSED, words);
	free(s->set);
	s->set = NULL;
	return true;
}

/* ---- what goes out ---- */

static bool
send_directory(
    struct run *run, struct run_source *s, const struct key_set_ca *ca, const char **ret_why)
{
	const struct dk_part pem = { ca->pem, ca->len };
	struct dk_part part = { NULL, 0 };
	uint8_t *payload =
	    run_directory_payload(s->directory, run->settings->dir, &pem, &part.len, ret_why);
	bool sent;

	part.data = payload;
	sent = payload &&
	    ipc_send(&run->set.channel[IPC_FETCHD], IPC_DIRECTORY, s->asked_id, &part, 1);
	run_directory_free_payload(payload, part.len);
	return sent;
}

static bool
send_fetch(struct run *run, struct run_source *s, const struct key_set_ca *ca)
{
	const char *url = s->set_url[0] ? s->set_url : s->url;
	const uint8_t head = (uint8_t)strlen(url);
	const struct dk_part parts[] = { { &head, 1 }, { url, head }, { ca->pem, ca->len } };

	return ipc_send(&run->set.channel[IPC_FETCHD], IPC_FETCH, s->asked_id, parts, 3);
}

static void
not_sent(struct run *run, struct run_source *s, const char *password_fault)
{
	char words[320] = "";

	s->asked_id = 0;
	if (password_fault)
		(void)snprintf(
		    words, sizeof(words), "%s: %s", s->directory->password_file, password_fault);
	failed(run, s, password_fault ? IPC_FETCH_PASSWORD_FILE : IPC_FETCH_TRANSFER, words);
}

static void
ask(struct run *run, struct run_source *s)
{
	const char *password_fault = NULL;
	struct key_set_ca ca;

	if (!key_set_ca_read(run->settings->dir, s->ca_file[0] ? s->ca_file : NULL, &ca)) {
		failed(run, s, IPC_FETCH_CA, s->ca_file);
		return;
	}
	memcpy(s->root, ca.root, sizeof(s->root));
	s->is_metadata = s->tenant_id[0] && !s->set_url[0];
	s->asked_id = ++run->next_id;
	s->asked_s = monotonic_s();
	if (!(s->directory ? send_directory(run, s, &ca, &password_fault)
			   : send_fetch(run, s, &ca)))
		not_sent(run, s, password_fault);
	free(ca.pem);
}

static void
give(struct run *run, struct run_source *s)
{
	const struct ipc_key_set set = set_of(s);
	uint8_t head[1 + IPC_ISSUER_MAX_BYTES + 8 + 32];
	struct dk_writer_buf wr;

	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u8(&wr, (uint8_t)set.name.len);
	dk_wr_bytes(&wr, set.name.data, set.name.len);
	if (!s->is_metadata) {
		dk_wr_u64(&wr, set.fetched_s);
		dk_wr_bytes(&wr, set.root, sizeof(set.root));
	}
	const struct dk_part parts[] = { { head, wr.len }, set.bytes };

	s->given_id = ++run->next_id;
	if (ipc_send(&run->set.channel[IPC_AUTHD], s->is_metadata ? IPC_METADATA : IPC_KEY_SET,
		s->given_id, parts, 2))
		run->authd_busy = RUN_BUSY_KEY_SET;
}

static void
tell_state(struct run *run)
{
	static struct ipc_fetch_state state;
	uint8_t payload[IPC_FETCH_STATE_MAX_BYTES];
	struct dk_part part = { payload, 0 };

	state.restarts = run->fetchd_restarts;
	state.violations = run->violations;
	state.count = run->source_count;
	for (unsigned i = 0; i < run->source_count; i++) {
		memcpy(state.issuer[i].name, run->source[i].name, sizeof(state.issuer[i].name));
		state.issuer[i].fetched_s = run->source[i].fetched_s;
		state.issuer[i].failures = run->source[i].failures;
		state.issuer[i].quarantine_s = run_quarantine_end(&run->source[i]);
	}
	part.len = ipc_fetch_state_write(&state, payload);
	run->fetch_told = ipc_send(&run->set.channel[IPC_HTTPD], IPC_FETCH_STATE, 0, &part, 1);
}

void
run_fetch_step(struct run *run)
{
	uint64_t now = monotonic_s();
	bool late = run_witnesses_late(run, now);

	if (!run->went || run->restart)
		return;
	run_fetchd_step(run);
	for (unsigned i = 0; i < run->source_count; i++) {
		struct run_source *s = &run->source[i];

		late = late ||
		    (s->asked_id != 0 &&
			now > s->asked_s + (s->directory ? DIRECTORY_ANSWER_MAX_S : ANSWER_MAX_S));
		if (run->ready & (1u << IPC_FETCHD) && s->asked_id == 0 && !s->set &&
		    (now >= s->next_s || s->set_url[0]))
			ask(run, s);
		/* One change at a time, so that the record and what judges are the same. */
		if (s->set && run->authd_busy == RUN_BUSY_NOT)
			give(run, s);
	}
	if (late) {
		say(SAY_ERROR, "fetchd does not answer");
		run_fetchd_gone(run);
	}
	if (run->reload_waits && run->authd_busy == RUN_BUSY_NOT) {
		run->reload_waits = false;
		if (!run_reload_policy(run, run->reload_id, run->reload_uid))
			run_admin_failed(run, run->reload_id);
	}
	if (!run->fetch_told)
		tell_state(run);
}

/* ---- status ---- */

static size_t
source_status(const struct run_source *s, char *text, size_t cap)
{
	uint64_t now = ipc_now();
	time_t t = (time_t)s->fetched_s;
	char when[32] = "";
	struct tm tm;
	int n;

	if (s->fetched_s > 0 && gmtime_r(&t, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	n = snprintf(text, cap, "%s\t%s %s%s, %" PRIu64 " failures%s%s\n",
	    s->directory ? "directory" : "key-set", s->name,
	    s->fetched_s == 0                       ? "MISSING"
		: s->fetched_s + s->max_age_s < now ? "EXPIRED: fetched "
						    : "fetched ",
	    when, s->failures, s->result == IPC_FETCH_OK ? "" : ", the last one ",
	    s->result == IPC_FETCH_OK ? "" : ipc_fetch_result_name(s->result));
	return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

size_t
run_fetch_status(const struct run *run, char *text, size_t cap)
{
	size_t len = 0;

	for (unsigned i = 0; i < run->source_count; i++)
		len += source_status(&run->source[i], text + len, cap - len);
	for (unsigned i = 0; i < run->source_count; i++)
		len += run_tenant_status(&run->source[i], text + len, cap - len);
	return len;
}
