/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/devices, spec/key-service.md section 4, and registrations of authenticators,
 * spec/profiles/ms-dke-pages.md section 3. */
#include <stdlib.h>
#include <string.h>

#include "ipc/payload.h"
#include "keyd/keyd.h"

struct enrolment {
	uint64_t id;
	unsigned code;
	bool act;
	bool page; /* an authenticator: another layout */
	struct device device;
	uint8_t code_id[DK_CODE_ID_BYTES];
	uint8_t mac[DK_ENROL_MAC_BYTES];
	uint8_t address[16];
	size_t body_len; /* of the request, since it may be looked at again */
	uint8_t *body;
	size_t answer_len; /* 0: it could not be made */
	uint8_t answer[DK_SERVICE_DATA_MAX_BYTES + DK_RECEIPT_FRAME_BYTES + 4096];
};

/* One of both layouts, and what they have in common. */
struct asked {
	struct dk_enrol_request device;
	struct dk_page_register authenticator;
	const uint8_t *code_id, *mac, *spki;
	const char *user, *name;
};

static bool
parse(const struct enrolment *e, struct asked *ret)
{
	const struct dk_enrol_request *d = &ret->device;
	const struct dk_page_register *a = &ret->authenticator;
	dk_err err = e->page ? dk_page_register_parse(e->body, e->body_len, &ret->authenticator)
			     : dk_enrol_request_parse(e->body, e->body_len, &ret->device);

	ret->code_id = e->page ? a->code_id : d->code_id;
	ret->mac = e->page ? a->mac : d->mac;
	ret->spki = e->page ? a->spki : d->device;
	ret->user = e->page ? a->person : d->user;
	ret->name = e->page ? a->device_name : d->device_name;
	return err == DK_OK;
}

static dk_err
holds(const struct keyd *keyd, const struct enrolment *e, const struct asked *asked,
    const struct dk_enrol_keys *keys)
{
	return e->page ? dk_page_register_check(&asked->authenticator, keys, keyd->gates.origin)
		       : dk_enrol_request_check(&asked->device, e->body, keys);
}

/*
 * Unknown, expired and used codes, another user, a wrong MAC and a wrong
 * signature are one error, so that nobody learns which codes are open.
 */
static unsigned
check(
    struct keyd *keyd, const struct enrolment *e, struct asked *asked, struct open_code **ret_code)
{
	dk_auto_enrol_keys keys = { 0 };
	struct open_code *code;

	if (!parse(e, asked))
		return DK_CODE_MALFORMED_REQUEST;
	state_expire_codes(&keyd->state, ipc_now());
	code = state_code(&keyd->state, asked->code_id);
	if (!code)
		return DK_CODE_ENROL_CODE;
	if (dk_enrol_keys_derive(&code->code, &keys) != DK_OK)
		return DK_CODE_INTERNAL;
	if (strcmp(code->user, asked->user) != 0 || holds(keyd, e, asked, &keys) != DK_OK) {
		code->tries++;
		return DK_CODE_ENROL_CODE;
	}
	*ret_code = code;
	return DK_CODE_OK;
}

static void
write_answer(struct keyd *keyd, const struct enrolment *e, const struct dk_enrol_keys *keys,
    const struct dk_receipt *receipt, struct dk_writer_buf *wr)
{
	uint8_t service[DK_SERVICE_DATA_MAX_BYTES], mac[DK_ENROL_MAC_BYTES];
	struct dk_writer_buf sd;

	if (e->page) {
		dk_wr_bytes(wr, "DKE4", 4);
		dk_wr_u64(wr, receipt->index);
		dk_wr_u8(wr, e->device.state);
		if (dk_enrol_answer_mac(keys, e->mac, wr->data, wr->len, mac) != DK_OK)
			wr->failed = true;
		dk_wr_bytes(wr, mac, sizeof(mac));
		return;
	}
	dk_wr_init(&sd, service, sizeof(service));
	dk_service_data_write(&sd, &keyd->quorum.service);
	dk_wr_bytes(wr, "DKE2", 4);
	dk_wr_u16(wr, (uint16_t)sd.len);
	dk_wr_bytes(wr, service, sd.len);
	dk_wr_bytes(wr, e->device.id, sizeof(e->device.id));
	dk_wr_u64(wr, receipt->index);
	if (dk_enrol_answer_mac(keys, e->mac, wr->data, wr->len, mac) != DK_OK)
		wr->failed = true;
	dk_wr_bytes(wr, mac, sizeof(mac));
	dk_receipt_write(wr, receipt);
}

static void
end(struct keyd *keyd, struct enrolment *e, unsigned code)
{
	keyd_result(keyd, e->id, code, e->answer, code == DK_CODE_OK ? e->answer_len : 0);
	if (e->act)
		keyd_act_end(keyd);
	free(e->device.credential);
	free(e->body);
	free(e);
}

static void
committed(struct keyd *keyd, bool ok, void *ctx)
{
	struct enrolment *e = ctx;

	if (ok)
		keyd_tell_device(keyd, &e->device);
	if (ok && e->answer_len > 0)
		end(keyd, e, DK_CODE_OK);
	else
		end(keyd, e, ok ? DK_CODE_INTERNAL : DK_CODE_UNAVAILABLE);
}

/* The code is still there: nothing else ran in between (I4). */
static void
enrol(struct keyd *keyd, struct enrolment *e, const struct dk_receipt *receipt)
{
	struct open_code *code = state_code(&keyd->state, e->code_id);
	dk_auto_enrol_keys keys = { 0 };
	struct dk_writer_buf wr;

	e->device.index = receipt->index;
	if (!code || dk_enrol_keys_derive(&code->code, &keys) != DK_OK ||
	    state_add_device(&keyd->state, &e->device) != DK_OK) {
		end(keyd, e, DK_CODE_INTERNAL);
		return;
	}
	e->device.credential = NULL;
	state_remove_code(&keyd->state, code);
	dk_wr_init(&wr, e->answer, sizeof(e->answer));
	write_answer(keyd, e, &keys, receipt, &wr);
	e->answer_len = wr.failed ? 0 : wr.len;
	keyd_commit(keyd, receipt->index, receipt->leaf, committed, e);
}

static void attempt(struct keyd *keyd, void *ctx);

static void
logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	struct enrolment *e = ctx;

	if (code == IPC_CODE_STALE)
		keyd_share_wait(keyd, attempt, e);
	else if (code != DK_CODE_OK || e->code != DK_CODE_OK)
		end(keyd, e, code != DK_CODE_OK ? code : e->code);
	else
		enrol(keyd, e, receipt);
}

/* What it was judged by, also where it is refused: another node may have made the code. */
static void
record(struct keyd *keyd, struct enrolment *e, const struct open_code *code)
{
	const struct keyd_nonce terms = { .generation = keyd->state.generation };
	struct dk_log_event event;

	keyd_event(&event, e->code == DK_CODE_OK ? DK_LOG_DEVICE_ENROLLED : DK_LOG_DENIAL,
	    DK_LOG_NATIVE, e->code);
	memcpy(event.address, e->address, sizeof(event.address));
	event.has_address = true;
	if (code) {
		keyd_event_device(&event, &e->device);
		keyd_add_factor(&event, DK_FACTOR_CODE, IPC_KEYD, code->index);
	}
	if (e->code == DK_CODE_OK)
		event.generation = keyd->state.generation + 1;
	if (e->code == DK_CODE_OK && e->device.state == DEVICE_WAITS)
		memcpy(event.note, "waits", sizeof("waits"));
	keyd_log(keyd, &event, &terms, logged, e);
}

static dk_err
fill_credential(const struct dk_part *id, struct device *d)
{
	free(d->credential);
	d->credential = malloc(sizeof(*d->credential) + id->len);
	if (!d->credential)
		return DK_ERR_NOMEM;
	d->credential->len = (uint16_t)id->len;
	memcpy(d->credential->id, id->data, id->len);
	return DK_OK;
}

static dk_err
fill_device(const struct enrolment *e, const struct asked *asked, bool waits, struct device *d)
{
	const struct dk_part part = { d->spki, sizeof(d->spki) };
	dk_err err = DK_OK;

	memcpy(d->spki, asked->spki, sizeof(d->spki));
	memcpy(d->user, asked->user, sizeof(d->user));
	memcpy(d->name, asked->name, sizeof(d->name));
	d->state = waits ? DEVICE_WAITS : DEVICE_ACTIVE;
	d->enrolled = ipc_now();
	if (e->page)
		err = fill_credential(&asked->authenticator.credential, d);
	return err == DK_OK ? dk_sha256(&part, 1, d->id) : err;
}

static bool
exists(struct keyd *keyd, const struct enrolment *e, const struct asked *asked)
{
	return state_device(&keyd->state, e->device.id) ||
	    (e->page && state_authenticator(&keyd->state, &asked->authenticator.credential));
}

/* One that is refused changes nothing: acts, a freeze above all, do not wait for the records
 * of what strangers try. Where there are other nodes it may have to be looked at again. */
static bool
is_act(const struct keyd *keyd, const struct enrolment *e)
{
	return e->code == DK_CODE_OK || keyd->share.on;
}

static void
attempt(struct keyd *keyd, void *ctx)
{
	struct asked asked = { .user = "" };
	struct open_code *code = NULL;
	struct enrolment *e = ctx;
	bool act;

	e->code = check(keyd, e, &asked, &code);
	if (e->code == DK_CODE_OK) {
		memcpy(e->code_id, asked.code_id, sizeof(e->code_id));
		memcpy(e->mac, asked.mac, sizeof(e->mac));
		if (fill_device(e, &asked, e->page && keyd->gates.accepted, &e->device) != DK_OK)
			e->code = DK_CODE_INTERNAL;
		else if (exists(keyd, e, &asked))
			e->code = DK_CODE_DEVICE_EXISTS;
	}
	act = e->act = is_act(keyd, e);
	if (e->code != DK_CODE_OK && !keyd_may_record_denial(keyd, DENIED_STRANGER))
		end(keyd, e, e->code);
	else
		record(keyd, e, code);
	if (!act)
		keyd_act_end(keyd);
}

/* address: 16 bytes */
static void
begin(struct keyd *keyd, const struct ipc_message *message, bool page, const uint8_t *address,
    const struct dk_part *body)
{
	struct enrolment *e;
	bool refused;

	if (keyd_defer(keyd, keyd->authd, message, &refused)) {
		if (refused)
			keyd_result(keyd, message->id, DK_CODE_BUSY, NULL, 0);
		return;
	}
	e = calloc(1, sizeof(*e));
	if (e)
		e->body = malloc(body->len + 1);
	if (!e || !e->body) {
		free(e);
		keyd_result(keyd, message->id, DK_CODE_BUSY, NULL, 0);
		return;
	}
	e->id = message->id;
	e->page = page;
	memcpy(e->address, address, sizeof(e->address));
	if (body->len > 0)
		memcpy(e->body, body->data, body->len);
	e->body_len = body->len;
	e->act = true;
	keyd_act_begin(keyd);
	attempt(keyd, e);
}

bool
keyd_on_enrol(struct keyd *keyd, const struct ipc_message *message)
{
	struct ipc_enrol asked;

	if (!ipc_enrol_read(message, &asked))
		return false;
	begin(keyd, message, false, asked.address, &asked.body);
	return true;
}

void
keyd_on_registration(
    struct keyd *keyd, const struct ipc_message *message, const struct ipc_page_passed *page)
{
	begin(keyd, message, true, page->address, &page->body);
}
