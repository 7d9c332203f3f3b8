/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that people approve, spec/key-service.md section 6.1.
 *
 *   client_request -> (file to approvers)      kept: request and ephemeral key
 *   client_approve <- an approver's machine
 *   client_approval -> client_approved         sent once, for all its objects
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/call.h"
#include "format/schedule.h"

/* Parsed objects of a request, and where their shares go. */
struct batch {
	size_t n;
	struct dk_unwrap *unwraps;
	struct dk_header *headers;
	struct dk_secret32 *shares;
};

struct ticket {
	struct ticket *next;
	char base_url[DK_URL_MAX_BYTES + 1];
	uint8_t digest[32];
	struct dk_approvals approvals;
	bool sent;
	dk_err err;
	uint8_t *kept; /* what the objects point into */
	size_t kept_len;
	struct batch batch;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ticket *tickets;

static void
batch_clear(struct batch *batch)
{
	if (batch->shares)
		dk_wipe(batch->shares, batch->n * sizeof(*batch->shares));
	free(batch->shares);
	free(batch->unwraps);
	free(batch->headers);
	*batch = (struct batch){ .n = 0 };
}

static dk_err
batch_fill(struct batch *batch, const struct dk_release_object *objects, size_t n)
{
	dk_err err;

	batch->n = n;
	batch->unwraps = calloc(n, sizeof(*batch->unwraps));
	batch->headers = calloc(n, sizeof(*batch->headers));
	batch->shares = calloc(n, sizeof(*batch->shares));
	if (!batch->unwraps || !batch->headers || !batch->shares)
		return DK_ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		err = dk_header_parse_side(objects[i].core, objects[i].core_len, objects[i].set_len,
		    dk_release_side(&objects[i]), &batch->headers[i]);
		if (err != DK_OK)
			return err;
		batch->unwraps[i] = (struct dk_unwrap){ .block = objects[i].core,
			.header = &batch->headers[i],
			.side = dk_release_side(&objects[i]),
			.share = &batch->shares[i],
			.err = DK_ERR_SERVICE_REPLY };
	}
	return DK_OK;
}

/* ---- who asks ---- */

/* u8 length and scalar of the ephemeral key, then the request file. */
static dk_err
keep(const struct client_call *call, const uint8_t *file, size_t len)
{
	uint8_t *bytes = malloc(1 + 64 + len);
	struct dk_writer_buf wr;
	size_t scalar = 64;
	dk_err err;

	if (!bytes)
		return DK_ERR_NOMEM;
	err = dk_pkey_private_bytes(call->ephemeral, bytes + 1, &scalar);
	if (err == DK_OK) {
		bytes[0] = (uint8_t)scalar;
		dk_wr_init(&wr, bytes + 1 + scalar, len);
		dk_wr_bytes(&wr, file, len);
		err = dk_profile_request_save(call->profile, call->digest, bytes, 1 + scalar + len);
	}
	dk_wipe(bytes, 1 + 64);
	free(bytes);
	return err;
}

static dk_err
write_file(const struct client_call *call, const char *reason, uint8_t **ret, size_t *ret_len)
{
	struct dk_request_file f = {
		.sig = call->sig, .body = call->body, .body_len = call->body_len
	};
	const uint8_t *spki;
	struct dk_writer_buf wr;
	size_t len = strlen(reason);
	uint8_t *bytes;

	if (len == 0 || len > DK_REASON_MAX_BYTES || !dk_text_valid((const uint8_t *)reason, len))
		return DK_ERR_ARGUMENT;
	memcpy(f.reason, reason, len);
	memcpy(f.base_url, call->profile->service.base_url, sizeof(f.base_url));
	memcpy(f.user, call->profile->user, sizeof(f.user));
	spki = dk_pkey_spki(call->profile->device, &len);
	if (len != sizeof(f.device))
		return DK_ERR_SERVICE_PROFILE;
	memcpy(f.device, spki, len);
	bytes = malloc(DK_REQUEST_FILE_MAX_BYTES);
	if (!bytes)
		return DK_ERR_NOMEM;
	dk_wr_init(&wr, bytes, DK_REQUEST_FILE_MAX_BYTES);
	dk_request_file_write(&wr, &f);
	*ret = bytes;
	*ret_len = wr.len;
	return wr.failed ? DK_ERR_ARGUMENT : DK_OK;
}

dk_err
client_request(const char *base_url, const struct dk_release_object *objects, size_t n,
    const char *reason, uint8_t **ret_file, size_t *ret_len)
{
	dk_auto_profile profile = { .device = NULL };
	client_auto_call call = { .profile = &profile, .n = n, .unattended = true };
	struct batch batch = { .n = 0 };
	uint8_t *file = NULL;
	dk_err err;

	if (n == 0 || n > DK_RELEASE_OBJECTS_MAX)
		return DK_ERR_ARGUMENT;
	err = dk_profile_load(base_url, &profile);
	if (err == DK_OK)
		err = batch_fill(&batch, objects, n);
	call.requests = batch.unwraps;
	if (err == DK_OK)
		err = client_call_make(&call);
	if (err == DK_OK)
		err = write_file(&call, reason, &file, ret_len);
	if (err == DK_OK)
		err = keep(&call, file, *ret_len);
	batch_clear(&batch);
	if (err == DK_OK)
		*ret_file = file;
	else
		free(file);
	return err;
}

/* ---- who approves ---- */

dk_err
client_approve(const uint8_t *request, size_t len, uint8_t ret_file[DK_APPROVAL_FILE_MAX_BYTES],
    size_t *ret_len)
{
	dk_auto_profile profile = { .device = NULL };
	struct dk_approval_file file = { .base_url = "" };
	struct dk_request_file asked;
	struct dk_writer_buf wr;
	dk_err err;

	err = dk_request_file_open(request, len, &asked, file.request_digest);
	if (err == DK_OK)
		err = dk_profile_load(asked.base_url, &profile);
	if (err != DK_OK)
		return err;
	file.approval.time = (uint64_t)time(NULL);
	if (asked.sig.created + DK_APPROVED_AGE_MAX_S < file.approval.time)
		return DK_ERR_SERVICE_REQUEST;
	memcpy(file.base_url, asked.base_url, sizeof(file.base_url));
	memcpy(file.approval.key_id, dk_pkey_id(profile.device), sizeof(file.approval.key_id));
	const struct dk_approval_terms terms = { .request_digest = file.request_digest,
		.time = file.approval.time,
		.user = asked.user,
		.reason = asked.reason };
	err = dk_approval_sign(profile.device, &terms, file.approval.signature);
	if (err != DK_OK)
		return err;
	dk_wr_init(&wr, ret_file, DK_APPROVAL_FILE_MAX_BYTES);
	dk_approval_file_write(&wr, &file);
	*ret_len = wr.len;
	return wr.failed ? DK_ERR_ARGUMENT : DK_OK;
}

/* ---- the approved request ---- */

static void
free_ticket(struct ticket *ticket)
{
	if (!ticket)
		return;
	batch_clear(&ticket->batch);
	free(ticket->kept);
	free(ticket);
}

static struct ticket *
ticket_for(const struct dk_approval_file *file)
{
	struct ticket *t = tickets;

	while (t && memcmp(t->digest, file->request_digest, sizeof(t->digest)) != 0)
		t = t->next;
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	memcpy(t->digest, file->request_digest, sizeof(t->digest));
	memcpy(t->base_url, file->base_url, sizeof(t->base_url));
	t->next = tickets;
	tickets = t;
	return t;
}

/* In the order of key ids; a second one of a device takes the place of the first. */
static bool
insert(struct dk_approvals *list, const struct dk_approval *approval)
{
	unsigned at = 0;
	int order = 1;

	while (at < list->count &&
	    (order = memcmp(list->approval[at].key_id, approval->key_id, 32)) < 0)
		at++;
	if (at == list->count || order != 0) {
		if (list->count == DK_APPROVALS_MAX)
			return false;
		memmove(&list->approval[at + 1], &list->approval[at],
		    (list->count - at) * sizeof(list->approval[0]));
		list->count++;
	}
	list->approval[at] = *approval;
	return true;
}

/* The kept request: its ephemeral key, signature and body. */
static dk_err
restore(struct ticket *t, const struct dk_profile *profile, struct client_call *call)
{
	struct dk_release_request parsed;
	struct dk_release_object *objects;
	struct dk_request_file file;
	dk_auto_pkey *point = NULL;
	uint8_t digest[32];
	const uint8_t *spki;
	size_t len, spki_len;
	dk_err err;

	if (dk_profile_request_load(profile, t->digest, &t->kept, &t->kept_len) != DK_OK)
		return DK_ERR_SERVICE_REQUEST;
	len = 1 + (size_t)t->kept[0];
	if (len > t->kept_len ||
	    dk_request_file_open(t->kept + len, t->kept_len - len, &file, digest) != DK_OK ||
	    memcmp(digest, t->digest, sizeof(digest)) != 0 ||
	    memcmp(file.sig.key_id, dk_pkey_id(profile->device), 32) != 0)
		return DK_ERR_SERVICE_REQUEST;
	objects = calloc(DK_RELEASE_OBJECTS_MAX, sizeof(*objects));
	if (!objects)
		return DK_ERR_NOMEM;
	err = dk_release_request_parse(file.body, file.body_len, objects, &parsed);
	if (err == DK_OK)
		err = batch_fill(&t->batch, objects, parsed.count);
	free(objects);
	if (err == DK_OK)
		err =
		    dk_pkey_from_point(DK_KEY_P256, parsed.recipient, DK_P256_POINT_BYTES, &point);
	if (err != DK_OK)
		return DK_ERR_SERVICE_REQUEST;
	spki = dk_pkey_spki(point, &spki_len);
	err = dk_pkey_from_private(
	    DK_KEY_P256, spki, spki_len, t->kept + 1, t->kept[0], &call->ephemeral);
	dk_wipe(t->kept, len);
	call->body = malloc(file.body_len);
	if (err == DK_OK && !call->body)
		err = DK_ERR_NOMEM;
	if (err != DK_OK)
		return err;
	memcpy(call->body, file.body, file.body_len);
	call->body_len = file.body_len;
	call->sig = file.sig;
	call->requests = t->batch.unwraps;
	call->n = t->batch.n;
	memcpy(t->approvals.reason, file.reason, sizeof(file.reason));
	return client_call_restore(call);
}

static void
send_ticket(struct ticket *t, const struct dk_profile *profile)
{
	client_auto_call call = { .profile = profile, .approvals = &t->approvals };

	t->sent = true;
	t->err = restore(t, profile, &call);
	if (t->err == DK_OK)
		t->err = client_call_send(&call);
	/* The nonce is used up; one that was refused as a whole may be tried again. */
	if (t->err == DK_OK)
		dk_profile_request_remove(profile, t->digest);
}

static bool
is_object(const struct dk_unwrap *a, const struct dk_unwrap *b)
{
	return a->header->core_len == b->header->core_len &&
	    memcmp(a->block, b->block, a->header->core_len) == 0;
}

static bool
serve(struct ticket *t, struct dk_unwrap *wanted)
{
	for (size_t i = 0; i < t->batch.n; i++) {
		const struct dk_unwrap *u = &t->batch.unwraps[i];

		if (!is_object(u, wanted))
			continue;
		wanted->err = t->err != DK_OK ? t->err : u->err;
		if (wanted->err == DK_OK)
			*wanted->share = *u->share;
		return true;
	}
	return false;
}

bool
client_approved(const struct dk_profile *profile, struct dk_unwrap *wanted)
{
	bool served = false;

	(void)pthread_mutex_lock(&lock);
	for (struct ticket *t = tickets; t && !served; t = t->next) {
		if (strcmp(t->base_url, profile->service.base_url) != 0)
			continue;
		if (!t->sent)
			send_ticket(t, profile);
		served = serve(t, wanted);
		/* Without its objects, its error would stay untold. */
		if (!served && t->batch.n == 0 && t->err != DK_OK) {
			wanted->err = t->err;
			served = true;
		}
	}
	(void)pthread_mutex_unlock(&lock);
	return served;
}

dk_err
client_approval(const uint8_t *bytes, size_t len)
{
	struct dk_approval_file file;
	struct ticket *t;
	dk_err err;

	err = dk_approval_file_parse(bytes, len, &file);
	if (err != DK_OK)
		return err;
	(void)pthread_mutex_lock(&lock);
	t = ticket_for(&file);
	if (!t)
		err = DK_ERR_NOMEM;
	else if (t->sent || !insert(&t->approvals, &file.approval))
		err = DK_ERR_SERVICE_REQUEST;
	(void)pthread_mutex_unlock(&lock);
	return err;
}

__attribute__((destructor)) static void
clear(void)
{
	while (tickets) {
		struct ticket *next = tickets->next;

		free_ticket(tickets);
		tickets = next;
	}
}
