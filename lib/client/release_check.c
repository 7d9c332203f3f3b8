/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a release, spec/key-service.md section 6: nothing of it is used before
 * all of it is checked. */
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "format/schedule.h"
#include "native/code.h"

struct reply {
	uint64_t index;
	const uint8_t *enc;
	const uint8_t *items; /* of 2 + DK_SEALED_SHARE_BYTES each */
	const uint8_t *receipt;
	size_t receipt_len;
};

static unsigned
item_code(const struct reply *reply, size_t i)
{
	const uint8_t *p = reply->items + i * (2 + DK_SEALED_SHARE_BYTES);

	return (unsigned)p[0] << 8 | p[1];
}

static dk_err
parse_reply(const struct client_call *call, struct reply *r)
{
	struct dk_reader_buf rd;
	const uint8_t *magic;

	dk_rd_init(&rd, call->answer.body, call->answer.len);
	magic = dk_rd_bytes(&rd, 4);
	r->index = dk_rd_u64(&rd);
	r->enc = dk_rd_bytes(&rd, DK_P256_POINT_BYTES);
	if (dk_rd_u16(&rd) != call->n || rd.failed || memcmp(magic, "DKR2", 4) != 0)
		return DK_ERR_SERVICE_REPLY;
	r->items = dk_rd_bytes(&rd, call->n * (2 + DK_SEALED_SHARE_BYTES));
	r->receipt_len = dk_rd_left(&rd);
	r->receipt = dk_rd_bytes(&rd, r->receipt_len);
	return rd.failed ? DK_ERR_SERVICE_REPLY : DK_OK;
}

static dk_err
core_digest(const struct dk_unwrap *u, uint8_t ret[48])
{
	const struct dk_part core = { u->block, u->header->core_len };

	return dk_sha384(&core, 1, ret);
}

static bool
is_unread(const struct dk_log_object *o)
{
	static const uint8_t none[48];

	return memcmp(o->object_id, none, sizeof(o->object_id)) == 0 &&
	    memcmp(o->core_digest, none, sizeof(o->core_digest)) == 0 && o->epoch == 0 &&
	    memcmp(o->key_id, none, sizeof(o->key_id)) == 0;
}

static bool
object_matches(const struct dk_unwrap *u, const struct dk_log_object *o, unsigned code)
{
	uint8_t digest[48];

	if (code == DK_CODE_OBJECT_MALFORMED)
		return o->code == code && is_unread(o);
	return o->code == code && core_digest(u, digest) == DK_OK &&
	    memcmp(o->core_digest, digest, sizeof(digest)) == 0 &&
	    memcmp(o->object_id, u->block + u->header->object_id, 16) == 0 &&
	    o->epoch == u->header->set[u->side - 1].epoch;
}

/* Where the service was pinned as one that waits for witnesses, it has no other way. */
static dk_err
check_quorum(const struct client_call *call, const struct reply *r, unsigned mode)
{
	const struct dk_service_data *service = &call->profile->service;
	struct dk_quorum *quorum;
	unsigned line;
	dk_err err;

	if (service->mode != DK_LOG_STRICT)
		return DK_OK;
	if (mode != DK_LOG_STRICT)
		return DK_ERR_LOG_QUORUM;
	quorum = malloc(sizeof(*quorum));
	if (!quorum)
		return DK_ERR_NOMEM;
	err = dk_quorum_parse(service->witnesses, service->witnesses_len, quorum, &line);
	if (err == DK_OK)
		err = dk_receipt_quorum(quorum, r->receipt, r->receipt_len);
	free(quorum);
	return err;
}

/* That the log has exactly this request, and nothing that only looks like it. */
static dk_err
check_receipt(struct client_call *call, const struct reply *r)
{
	struct dk_log_event e;
	struct dk_log_keys keys;
	bool released = false;
	uint64_t index;
	dk_err err;

	dk_service_log_keys(&call->profile->service, &keys);
	err = dk_receipt_verify(&keys, r->receipt, r->receipt_len, call->objects, &e, &index);
	if (err != DK_OK)
		return err;
	dk_receipt_checkpoint(r->receipt, r->receipt_len, &call->checkpoint, &call->checkpoint_len);
	for (size_t i = 0; i < call->n; i++)
		released = released || item_code(r, i) == DK_CODE_OK;
	if (index != r->index || e.class_ != (released ? DK_LOG_RELEASE : DK_LOG_DENIAL) ||
	    !e.has_request || memcmp(e.request, call->digest, 32) != 0 || !e.has_recipient ||
	    memcmp(e.recipient, dk_pkey_id(call->ephemeral), 32) != 0 || !e.has_device ||
	    memcmp(e.device, call->sig.key_id, 32) != 0 ||
	    strcmp(e.user, call->profile->user) != 0 || e.object_count != call->n)
		return DK_ERR_RECEIPT;
	for (size_t i = 0; i < call->n; i++)
		if (!object_matches(&call->requests[i], &call->objects[i], item_code(r, i)))
			return DK_ERR_RECEIPT;
	return released ? check_quorum(call, r, e.mode) : DK_OK;
}

static dk_err
open_item(const struct dk_unwrap *u, struct dk_hpke *ctx, uint64_t index, const uint8_t *sealed)
{
	const uint8_t *commitment = u->block + u->header->share_commitment[u->side - 1];
	uint8_t digest[48], aad[DK_RELEASE_AAD_BYTES];
	dk_auto_side_keys keys = { 0 };
	dk_auto_secret32 share = { { 0 } };
	dk_err err;

	err = core_digest(u, digest);
	if (err != DK_OK)
		return err;
	dk_release_aad(digest, commitment, index, aad);
	err = dk_hpke_open(ctx, aad, sizeof(aad), sealed, DK_SEALED_SHARE_BYTES, share.bytes);
	if (err != DK_OK)
		return err;
	err = dk_side_keys_derive(u->side, u->block + u->header->object_id, &share, &keys);
	if (err != DK_OK)
		return err;
	if (!dk_equal_ct(keys.commitment, commitment, DK_COMMITMENT_BYTES))
		return DK_ERR_SHARE_COMMITMENT;
	*u->share = share;
	return DK_OK;
}

/* One that does not open, and none is used. */
static dk_err
open_items(struct client_call *call, const struct reply *r)
{
	uint8_t info[DK_INFO_MAX_BYTES];
	dk_auto_hpke ctx = { .seq = 0 };
	size_t info_len;
	dk_err err;

	err = dk_release_info(call->digest, info, &info_len);
	if (err == DK_OK)
		err = dk_hpke_receiver(
		    call->ephemeral, r->enc, DK_P256_POINT_BYTES, info, info_len, &ctx);
	if (err != DK_OK)
		return err;
	for (size_t i = 0; i < call->n; i++) {
		struct dk_unwrap *u = &call->requests[i];
		unsigned code = item_code(r, i);

		u->err = code == DK_CODE_OK
		    ? open_item(u, &ctx, r->index, r->items + i * (2 + DK_SEALED_SHARE_BYTES) + 2)
		    : dk_code_err(code);
		if (code != DK_CODE_OK || u->err == DK_OK)
			continue;
		err = u->err;
		for (size_t k = 0; k < i; k++)
			dk_wipe(call->requests[k].share, sizeof(*call->requests[k].share));
		return err;
	}
	return DK_OK;
}

dk_err
client_release_check(struct client_call *call)
{
	struct reply reply;
	dk_err err;

	err = parse_reply(call, &reply);
	if (err == DK_OK)
		err = check_receipt(call, &reply);
	return err == DK_OK ? open_items(call, &reply) : err;
}
