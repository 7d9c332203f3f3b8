/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "keyd/release.h"

#define JOB_BYTES_MAX (128u << 20)

/* What authd says that holds. keyd believes it only in so far as it may deny. */
static bool
parse_factors(struct dk_reader_buf *rd, struct job *job)
{
	unsigned count = dk_rd_u8(rd);

	for (unsigned i = 0; i < count; i++) {
		unsigned tag = dk_rd_u16(rd);
		size_t len = dk_rd_u16(rd);
		const uint8_t *value = dk_rd_bytes(rd, len);

		if (!value)
			return false;
		if (tag == DK_LOG_TAG_TOKEN && job->token_len == 0 && len <= sizeof(job->token)) {
			memcpy(job->token, value, len);
			job->token_len = len;
		} else if (tag == DK_LOG_TAG_CERTIFICATE && !job->has_certificate &&
		    len == sizeof(job->certificate)) {
			memcpy(job->certificate, value, len);
			job->has_certificate = true;
		} else {
			return false;
		}
	}
	return !rd->failed;
}

static bool
parse_message(const struct ipc_message *message, struct job *job)
{
	const struct dk_part *digest = &job->claims.of[IPC_CLAIM_TOKEN_DIGEST];
	struct dk_reader_buf rd;
	const uint8_t *p;

	dk_rd_init(&rd, message->data, message->len);
	if ((p = dk_rd_bytes(&rd, 32)))
		memcpy(job->policy, p, 32);
	job->verdict_count = dk_rd_u16(&rd);
	job->verdicts = dk_rd_bytes(&rd, (size_t)job->verdict_count * 2);
	job->charge_count = dk_rd_u8(&rd);
	job->charges = dk_rd_bytes(&rd, (size_t)job->charge_count * IPC_CHARGE_BYTES);
	if (!parse_factors(&rd, job))
		return false;
	if ((p = dk_rd_bytes(&rd, 16)))
		memcpy(job->address, p, 16);
	job->sig.created = dk_rd_u64(&rd);
	if ((p = dk_rd_bytes(&rd, DK_NONCE_BYTES)))
		memcpy(job->sig.nonce, p, DK_NONCE_BYTES);
	if ((p = dk_rd_bytes(&rd, 32)))
		memcpy(job->sig.key_id, p, 32);
	if ((p = dk_rd_bytes(&rd, DK_SIGNATURE_BYTES)))
		memcpy(job->sig.signature, p, DK_SIGNATURE_BYTES);
	if (!ipc_claims_read(&rd, &job->claims))
		return false;
	job->sig.has_token = digest->len > 0;
	if (digest->len > 0 && digest->len != sizeof(job->sig.token_digest))
		return false;
	if (job->sig.has_token)
		memcpy(job->sig.token_digest, digest->data, sizeof(job->sig.token_digest));
	job->body_len = dk_rd_left(&rd);
	job->body = dk_rd_bytes(&rd, job->body_len);
	return !rd.failed && job->charge_count <= IPC_CHARGES_MAX &&
	    job->body_len <= DK_RELEASE_BODY_MAX_BYTES;
}

/* The number of objects that the body claims, so that no more is taken for it. */
static unsigned
claimed(const struct job *job)
{
	unsigned n;

	if (job->body_len < DK_RELEASE_HEAD_BYTES)
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
	if (job->copy) {
		kept.data = memcpy(job->copy, message->data, message->len);
		*ret_broken = !parse_message(&kept, job);
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
	free(job->answers);
	free(job->objects);
	free(job->items);
	free(job->parsed);
	free(job->receipt_copy);
	free(job->answer);
	free(job->copy);
	free(job);
}
