/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "keyd/release.h"

#define JOB_BYTES_MAX (128u << 20)

/* What authd says that holds is believed only in so far as it may deny. */
static bool
parse_message(const struct ipc_message *message, struct job *job)
{
	struct ipc_judged judged;
	const struct ipc_release *asked = &judged.asked;
	const struct dk_part *digest = &asked->claims.of[IPC_CLAIM_TOKEN_DIGEST];

	if (!ipc_judged_read(message, &judged) || asked->body.len > DK_RELEASE_BODY_MAX_BYTES)
		return false;
	job->told = judged.told;
	memcpy(job->policy, judged.policy, sizeof(job->policy));
	job->verdict_count = judged.verdict_count;
	job->verdicts = judged.verdicts;
	job->charge_count = judged.charge_count;
	job->charges = judged.charges;
	job->token_len = judged.token.len;
	if (job->token_len > 0)
		memcpy(job->token, judged.token.data, job->token_len);
	job->has_certificate = judged.certificate.len > 0;
	if (job->has_certificate)
		memcpy(job->certificate, judged.certificate.data, sizeof(job->certificate));
	memcpy(job->address, asked->address, sizeof(job->address));
	job->sig.created = asked->created;
	memcpy(job->sig.nonce, asked->nonce, sizeof(job->sig.nonce));
	memcpy(job->sig.key_id, asked->key_id, sizeof(job->sig.key_id));
	memcpy(job->sig.signature, asked->signature, sizeof(job->sig.signature));
	job->claims = asked->claims;
	job->sig.has_token = digest->len > 0;
	if (job->sig.has_token)
		memcpy(job->sig.token_digest, digest->data, sizeof(job->sig.token_digest));
	job->body = asked->body.data;
	job->body_len = asked->body.len;
	return true;
}

/* The number of objects that the body claims, so that no more is taken for it. */
static unsigned
claimed(const struct job *job)
{
	unsigned n;

	if (job->dke || job->body_len < DK_RELEASE_HEAD_BYTES)
		return 1;
	n = (unsigned)job->body[DK_RELEASE_HEAD_BYTES - 2] << 8 |
	    job->body[DK_RELEASE_HEAD_BYTES - 1];
	return n < 1 || n > DK_RELEASE_OBJECTS_MAX ? 1 : n;
}

static bool
make_room(struct job *job)
{
	job->room = claimed(job);
	job->objects = calloc(job->room, sizeof(*job->objects));
	job->items = calloc(job->room, sizeof(*job->items));
	job->parsed = calloc(job->room, sizeof(*job->parsed));
	return job->objects && job->items && job->parsed;
}

struct job *
job_new(struct keyd *keyd, const struct ipc_message *message, bool *ret_broken)
{
	struct job *job;
	struct ipc_message kept = *message;

	*ret_broken = false;
	if (message->len == 0 || keyd->job_bytes + message->len > JOB_BYTES_MAX) {
		*ret_broken = message->len == 0;
		return NULL;
	}
	job = calloc(1, sizeof(*job));
	if (!job)
		return NULL;
	job->keyd = keyd;
	job->id = message->id;
	job->bytes = message->len;
	keyd->job_bytes += job->bytes;
	job->copy = malloc(message->len);
	if (message->type == IPC_DKE_JUDGED && !(job->dke = dke_new())) {
		job_free(job);
		return NULL;
	}
	if (job->copy) {
		kept.data = memcpy(job->copy, message->data, message->len);
		*ret_broken = job->dke ? !dke_parse(&kept, job) : !parse_message(&kept, job);
	}
	if (job->copy && !*ret_broken && make_room(job))
		return job;
	job_free(job);
	return NULL;
}

void
job_reset(struct job *job)
{
	if (job->items)
		dk_wipe(job->items, job->room * sizeof(job->items[0]));
	if (job->objects)
		memset(job->objects, 0, job->room * sizeof(job->objects[0]));
	if (job->dke)
		dke_reset(job->dke);
	dk_pkey_free(job->recipient);
	job->recipient = NULL;
	job->device = NULL;
	job->has_digest = false;
	job->count = 0;
	job->approvals.count = 0;
	keyd_record_drop(job->pending);
	job->pending = NULL;
}

void
job_free(struct job *job)
{
	if (job->answers)
		dk_wipe(job->answers, job->room * sizeof(job->answers[0]));
	job_reset(job);
	job->keyd->job_bytes -= job->bytes;
	dke_free(job->dke);
	free(job->answers);
	free(job->objects);
	free(job->items);
	free(job->parsed);
	free(job->receipt_copy);
	free(job->answer);
	free(job->copy);
	free(job);
}
