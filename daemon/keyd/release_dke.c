/* SPDX-License-Identifier: Apache-2.0 */
#include "keyd/release_dke.h"

#include <stdlib.h>
#include <string.h>

#include "keyd/release.h"

struct dke_request *
dke_new(void)
{
	return calloc(1, sizeof(struct dke_request));
}

/* By what the record says of it, so that the record shows what was used up. */
static bool
name_token(const struct ipc_dke_judged *j, struct dke_request *dke)
{
	struct dk_log_token token;

	if (j->until == 0)
		return true;
	if (!dk_log_token_parse(j->token.data, j->token.len, &token))
		return false;
	dke->issued = token.issued;
	return dk_log_dke_token(&token, dke->token) == DK_OK;
}

void
dke_use_token(const struct dke_request *dke, struct keyd_nonce *nonce)
{
	static const uint8_t once[DK_NONCE_BYTES] = { [DK_NONCE_BYTES - 1] = 1 };

	if (dke->judged.until == 0)
		return;
	nonce->created = dke->issued;
	nonce->device = dke->token;
	nonce->nonce = once;
	nonce->until = dke->judged.until;
}

bool
dke_parse(const struct ipc_message *message, struct job *job)
{
	const struct ipc_dke_judged *j = &job->dke->judged;

	if (!ipc_dke_judged_read(message, &job->dke->judged) || !name_token(j, job->dke))
		return false;
	job->told = j->told;
	memcpy(job->policy, j->policy, sizeof(job->policy));
	memcpy(job->address, j->address, sizeof(job->address));
	job->charge_count = j->charge_count;
	job->charges = j->charges;
	job->token_len = j->token.len;
	if (j->token.len > 0)
		memcpy(job->token, j->token.data, j->token.len);
	job->has_certificate = j->certificate.len > 0;
	if (job->has_certificate)
		memcpy(job->certificate, j->certificate.data, sizeof(job->certificate));
	return true;
}

void
dke_reset(struct dke_request *dke)
{
	dk_wipe(&dke->plain, sizeof(dke->plain));
	dke->code = DK_CODE_OK;
	dke->key_name[0] = '\0';
	dke->version = 0;
}

void
dke_free(struct dke_request *dke)
{
	if (dke)
		dk_wipe(dke, sizeof(*dke));
	free(dke);
}

/* ---- judging ---- */

static void
copy_text(char *to, const struct dk_part *text)
{
	if (text->len > 0)
		memcpy(to, text->data, text->len);
	to[text->len] = '\0';
}

/* Steps 1 and 2 of section 3.2: who asks is nobody, or what he asks for cannot be read. */
static bool
stands(unsigned code)
{
	return code == DK_CODE_TOKEN || code == DK_CODE_TOKEN_KEYS ||
	    code == DK_CODE_TOKEN_QUARANTINE || code == DK_CODE_TOKEN_CLIENT ||
	    code == DK_CODE_HTTP || code == DK_CODE_CONTENT_TYPE ||
	    code == DK_CODE_MALFORMED_REQUEST;
}

static bool
by_stranger(const struct dke_request *dke, unsigned code)
{
	return dke->judged.person.len == 0 ||
	    (code == dke->judged.code && stands(code) && code != DK_CODE_CONTENT_TYPE &&
		code != DK_CODE_MALFORMED_REQUEST);
}

/* The record of a canary freezes its key: the first one always has one. */
bool
dke_may_record(struct keyd *keyd, const struct dke_request *dke, unsigned code)
{
	const struct service_key *key = state_key_by_dke_name(&keyd->state, dke->judged.name);
	char person[DK_LOG_PERSON_MAX_BYTES + 1];

	if (code == DK_CODE_CANARY && key && !key->canary && !key->frozen)
		return true;
	if (by_stranger(dke, code))
		return keyd_may_record_denial(keyd, DENIED_STRANGER);
	copy_text(person, &dke->judged.person);
	return keyd_may_record_person(keyd, person);
}

/* What authd says of it. */
static unsigned
judgement(const struct ipc_dke_judged *j)
{
#ifdef KEYD_TOKEN_ALONE /* tests/breach has a program with this hole */
	if (j->code == DK_CODE_GATE || j->code == DK_CODE_APPROVAL_REQUIRED)
		return DK_CODE_OK;
#endif
	return j->code;
}

static unsigned
find(struct keyd *keyd, struct dke_request *dke, struct service_key **ret_key,
    struct key_version **ret_version)
{
	const struct ipc_dke_judged *j = &dke->judged;
	struct service_key *key = state_key_by_dke_name(&keyd->state, j->name);
	struct key_version *v = key ? state_dke_version(key, j->id) : NULL;

	*ret_key = key;
	*ret_version = v;
	if (key)
		memcpy(dke->key_name, key->name, sizeof(dke->key_name));
	if (v) {
		memcpy(dke->key_id, v->id, sizeof(dke->key_id));
		dke->version = v->number;
	}
	if (stands(j->code))
		return j->code;
	if (!key)
		return DK_CODE_UNKNOWN_KEY;
	if (judgement(j) != DK_CODE_OK)
		return j->code;
	if (!v)
		return DK_CODE_UNKNOWN_KEY;
	if (keyd->state.frozen)
		return DK_CODE_FROZEN;
	return key->canary ? DK_CODE_KEY_FROZEN : check_key(key, v);
}

static unsigned
open_value(const struct key_version *v, struct dke_request *dke)
{
	const struct dk_part *value = &dke->judged.value;
	const struct dke_power *power = &dke->power;
	dk_err err;

	if (!v->token) {
		err = dk_dke_unwrap(v->dke, value->data, value->len, &dke->plain);
	} else if (!power->asked || memcmp(power->version_id, v->id, sizeof(v->id)) != 0) {
		return DK_CODE_HSM;
	} else if (power->code != DK_CODE_OK) {
		return power->code == DK_CODE_STANZA_AUTH ? DK_CODE_VALUE : power->code;
	} else {
		err = dk_dke_decode(v->dke, power->em, power->len, power->fits, &dke->plain);
	}
	if (err == DK_OK)
		return DK_CODE_OK;
	return err == DK_ERR_STANZA_AUTH ? DK_CODE_VALUE : DK_CODE_INTERNAL;
}

static unsigned
describe(struct job *job, const uint8_t *key_id)
{
	struct dke_request *dke = job->dke;
	const struct ipc_dke_judged *j = &dke->judged;

	if (j->value.len == 0)
		return DK_CODE_OK;
	if (dk_sha256(&j->value, 1, dke->document) != DK_OK ||
	    dk_log_dke_request(j->name, j->id, dke->document, j->token_digest, job->digest) !=
		DK_OK)
		return DK_CODE_INTERNAL;
	job->has_digest = true;
	job->count = 1;
	dk_log_dke_object(DK_CODE_OK, dke->document, key_id, &job->objects[0]);
	return DK_CODE_OK;
}

unsigned
dke_check(struct keyd *keyd, struct job *job)
{
	struct dke_request *dke = job->dke;
	struct service_key *key;
	struct key_version *v;
	unsigned code, found = find(keyd, dke, &key, &v);

	code = describe(job, v ? v->id : NULL);
	if (code == DK_CODE_OK)
		code = found;
	if (code == DK_CODE_OK)
		code = open_value(v, dke);
	dke->code = code;
	if (job->count > 0)
		job->objects[0].code = (uint16_t)code;
	return code == DK_CODE_VALUE ? DK_CODE_OK : code;
}

/* Where nothing opens, nobody looks whether those hold that keyd vouches for. */
static void
copy_factors(const struct dke_request *dke, struct dk_log_event *event)
{
	const struct ipc_dke_judged *j = &dke->judged;

	event->factor_count = 0;
	for (unsigned i = 0; i < j->factor_count; i++)
		if (dke->code == DK_CODE_OK ||
		    (j->factor[i].type != DK_FACTOR_APPROVAL &&
			j->factor[i].type != DK_FACTOR_CONFIRMATION &&
			j->factor[i].type != DK_FACTOR_SESSION))
			event->factor[event->factor_count++] = j->factor[i];
}

/* What is not that of any job. */
void
dke_event(const struct job *job, struct dk_log_event *event)
{
	const struct dke_request *dke = job->dke;
	const struct ipc_dke_judged *j = &dke->judged;

	event->level = (uint8_t)j->level;
	memcpy(event->key_name, dke->key_name, sizeof(dke->key_name));
	event->key_version = dke->version;
	event->has_key_id = dke->version != 0;
	if (event->has_key_id)
		memcpy(event->key_id, dke->key_id, sizeof(event->key_id));
	event->is_person = j->person.len > 0;
	copy_text(event->user, &j->person);
	copy_text(event->client, &j->client);
	copy_text(event->rule, &j->rule);
	copy_factors(dke, event);
}

/* ---- gates ---- */

/* Whatever authd says of the policy. */
static bool
key_is_content(struct keyd *keyd, const struct ipc_dke_judged *j)
{
	const struct service_key *key = state_key_by_dke_name(&keyd->state, j->name);

	unsigned confirmations = 0, approvals = 0;

	for (unsigned i = 0; i < j->factor_count; i++) {
		confirmations += j->factor[i].type == DK_FACTOR_CONFIRMATION;
		approvals += j->factor[i].type == DK_FACTOR_APPROVAL;
	}
	return key && (confirmations > 0 || !key->confirmation) && approvals >= key->approvals;
}

bool
dke_gates_hold(struct keyd *keyd, struct job *job)
{
	struct dke_request *dke = job->dke;
	struct ipc_dke_judged *j = &dke->judged;
	char person[DK_LOG_PERSON_MAX_BYTES + 1];
	struct ipc_gate used = { .session = false };
	const bool taken = dke->use.taken;

	if (dke->code != DK_CODE_OK)
		return true;
	copy_text(person, &j->person);
	if (!key_is_content(keyd, j) ||
	    !keyd_standing_hold(keyd, j->factor, j->factor_count, person, dke->document, j->name) ||
	    !keyd_gates_take(&keyd->gates, &keyd->state, j->factor, j->factor_count, person,
		dke->document, job->address, ipc_now(), &dke->use)) {
		/* What does not hold stands in no record. */
		j->factor_count = 0;
		j->level = 0;
		return false;
	}
	if (dke->use.taken && !taken) {
		memcpy(used.gate.name, dke->use.name, sizeof(used.gate.name));
		keyd_tell_gate(keyd, &used);
	}
	return true;
}

/* What a person can do something about. */
static void
wait_for_person(struct keyd *keyd, const struct job *job)
{
	const struct dke_request *dke = job->dke;
	const struct dk_part *person = &dke->judged.person;
	struct waiting w = { .time = ipc_now(),
		.approvals = job->code == DK_CODE_APPROVAL_REQUIRED };

	if (job->count == 0 || person->len > DK_USER_MAX_BYTES)
		return;
	copy_text(w.person, person);
	memcpy(w.key, dke->key_name, sizeof(dke->key_name));
	memcpy(w.document, dke->document, sizeof(w.document));
	memcpy(w.address, job->address, sizeof(w.address));
	if (keyd_has_authenticator(keyd, w.person))
		keyd_gates_wait(&keyd->gates, &w);
}

/* What approvers can do something about. */
static void
ask_approvers(struct keyd *keyd, const struct job *job)
{
	const struct dke_request *dke = job->dke;
	struct asked_item asked = { .time = ipc_now() };

	if (dke->version == 0)
		return;
	copy_text(asked.person, &dke->judged.person);
	copy_text(asked.rule, &dke->judged.rule);
	memcpy(asked.key, dke->judged.name, sizeof(dke->judged.name));
	memcpy(asked.document, dke->document, sizeof(asked.document));
	asked_put(&keyd->asked, &asked);
}

/* ---- the HSM ---- */

static void
token_done(
    struct keyd *keyd, void *ctx, unsigned index, unsigned code, const uint8_t *out, size_t len)
{
	struct job *job = ctx;
	struct dke_power *power = &job->dke->power;

	(void)index;
	power->code = code == DK_CODE_OK && len > sizeof(power->em) ? DK_CODE_HSM : code;
	if (power->code == DK_CODE_OK) {
		memcpy(power->em, out, len);
		power->len = len;
	}
	release_conclude(keyd, job);
}

bool
dke_ask_token(struct keyd *keyd, struct job *job)
{
	struct dke_request *dke = job->dke;
	struct dke_power *power = &dke->power;
	uint8_t number[DK_DKE_MAX_BYTES];
	struct service_key *key;
	struct key_version *v;
	size_t len;

	if (find(keyd, dke, &key, &v) != DK_CODE_OK || !v->token || power->asked)
		return false;
	(void)dk_dke_modulus(v->dke, &len);
	if (dk_dke_number(v->dke, dke->judged.value.data, dke->judged.value.len, number,
		&power->fits) != DK_OK)
		return false;
	memcpy(power->version_id, v->id, sizeof(power->version_id));
	power->asked = keyd_token_use(keyd, v, number, len, token_done, job, 0);
	return power->asked;
}

/* ---- the answer ---- */

void
dke_answer(struct keyd *keyd, struct job *job)
{
	const struct dke_request *dke = job->dke;
	bool ok = dke->code == DK_CODE_OK;

	keyd_result(
	    keyd, job->id, dke->code, ok ? dke->plain.bytes : NULL, ok ? dke->plain.len : 0);
	job_free(job);
}

void
dke_denied(struct keyd *keyd, struct job *job, uint64_t index)
{
	struct service_key *key = state_key_by_dke_name(&keyd->state, job->dke->judged.name);

	if (job->code == DK_CODE_CANARY && key)
		keyd_canary(keyd, key, index);
	dke_wanted(keyd, job, true);
}

void
dke_wanted(struct keyd *keyd, struct job *job, bool recorded)
{
	if (job->code == DK_CODE_GATE || job->code == DK_CODE_APPROVAL_REQUIRED)
		wait_for_person(keyd, job);
	/* What approvers are shown, stands in the log. */
	if (recorded && job->code == DK_CODE_APPROVAL_REQUIRED && job->count > 0)
		ask_approvers(keyd, job);
}
