/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the vectors of the customer's pages through the library.
 *
 * usage: run_pages FOLDER
 */
#include <stdio.h>
#include <string.h>

#include "folder.h"
#include "native/page.h"
#include "native_vector.h"
#include "native/presence.h"

static const char *
outcome(dk_err err)
{
	switch (err) {
	case DK_OK:
		return "success";
	case DK_ERR_SERVICE_SIGNATURE:
		return "signature";
	case DK_ERR_SERVICE_ENROL_CODE:
		return "enrol-code";
	case DK_ERR_SERVICE_MALFORMED_REQUEST:
		return "malformed-request";
	case DK_ERR_SERVICE_REPLY:
		return "reply";
	default:
		return dk_err_name(err);
	}
}

static dk_err
check(const struct vector *v, const struct dk_assertion *assertion, const uint8_t challenge[32])
{
	const struct dk_part spki = part(v, "spki");
	dk_auto_pkey *key = NULL;
	dk_err err = dk_pkey_from_spki(spki.data, spki.len, &key);

	return err == DK_OK ? dk_assertion_check(assertion, key, need(v, "base-url"), challenge)
			    : err;
}

static dk_err
run_assertion(struct vector *v)
{
	const struct dk_part bytes = part(v, "assertion");
	uint8_t challenge[32];
	struct dk_assertion a;
	struct dk_reader_buf rd;

	dk_rd_init(&rd, bytes.data, bytes.len);
	a.authenticator.len = dk_rd_u16(&rd);
	a.authenticator.data = dk_rd_bytes(&rd, a.authenticator.len);
	a.client.len = dk_rd_u16(&rd);
	a.client.data = dk_rd_bytes(&rd, a.client.len);
	a.signature.len = dk_rd_u8(&rd);
	a.signature.data = dk_rd_bytes(&rd, a.signature.len);
	if (rd.failed)
		return DK_ERR_TRUNCATED;
	need_hex(v, "challenge", challenge, sizeof(challenge));
	return check(v, &a, challenge);
}

static dk_err
run_act(struct vector *v)
{
	const bool list = strcmp(need(v, "kind"), "list") == 0;
	const struct dk_part body = part(v, "body"), address = part(v, "address");
	struct dk_page_act act;
	uint8_t challenge[32];
	dk_err err = dk_page_act_parse(body.data, body.len, &act);

	if (err == DK_OK && list != (act.what == DK_PAGE_LIST))
		err = DK_ERR_SERVICE_MALFORMED_REQUEST;
	if (err == DK_OK)
		err = dk_page_act_challenge(
		    &act, list ? NULL : need(v, "person"), address.data, challenge);
	if (err == DK_OK)
		err = check(v, &act.assertion, challenge);
	if (err != DK_OK)
		return err;
	found_number(v, "time", act.time);
	found_hex(v, "nonce", act.nonce, sizeof(act.nonce));
	found_hex(v, "credential", act.credential.data, act.credential.len);
	if (!list) {
		found_number(v, "what", act.what);
		found_hex(v, "document", act.document, sizeof(act.document));
	}
	return DK_OK;
}

static dk_err
run_presence(struct vector *v)
{
	const struct dk_part body = part(v, "body");
	uint8_t again[DK_PRESENCE_BYTES];
	struct dk_presence_request r;
	dk_err err = dk_presence_parse(body.data, body.len, &r);

	if (err != DK_OK)
		return err;
	found_number(v, "what", r.what);
	found_hex(v, "address", r.address, sizeof(r.address));
	dk_presence_write(&r, again);
	v->differs |= memcmp(again, body.data, sizeof(again)) != 0;
	return DK_OK;
}

static dk_err
run_presence_answer(struct vector *v)
{
	const struct dk_part bytes = part(v, "answer");
	uint8_t again[DK_PRESENCE_ANSWER_MAX_BYTES];
	struct dk_presence_answer answer;
	dk_err err = dk_presence_answer_parse(bytes.data, bytes.len, &answer);

	if (err != DK_OK)
		return err;
	found_number(v, "index", answer.index);
	found_number(v, "until", answer.until);
	found_hex(v, "address", answer.address, sizeof(answer.address));
	found(v, "person", answer.person);
	v->differs |= dk_presence_answer_write(&answer, again) != bytes.len ||
	    memcmp(again, bytes.data, bytes.len) != 0;
	return DK_OK;
}

static dk_err
run_register(struct vector *v)
{
	const struct dk_part body = part(v, "body"), client = part(v, "client-key");
	struct dk_page_register r;
	dk_auto_enrol_keys keys = { 0 };
	uint8_t device[32];
	dk_err err = dk_page_register_parse(body.data, body.len, &r);

	memcpy(keys.client.bytes, client.data, sizeof(keys.client.bytes));
	if (err == DK_OK)
		err = dk_page_register_check(&r, &keys, need(v, "base-url"));
	if (err != DK_OK)
		return err;
	const struct dk_part spki = { r.spki, sizeof(r.spki) };

	err = dk_sha256(&spki, 1, device);
	found(v, "person", r.person);
	found(v, "device-name", r.device_name);
	found_hex(v, "device", device, sizeof(device));
	found_hex(v, "credential", r.credential.data, r.credential.len);
	found_hex(v, "code-id", r.code_id, sizeof(r.code_id));
	return err;
}

/* What pages read, with the library's MAC: no program in C reads it. */
static dk_err
run_register_answer(struct vector *v)
{
	const struct dk_part bytes = part(v, "answer"), request = part(v, "request"),
			     key = part(v, "server-key");
	const size_t begin = 4 + 8 + 1;
	dk_auto_enrol_keys keys = { 0 };
	uint8_t mac[DK_ENROL_MAC_BYTES];
	struct dk_reader_buf rd;

	if (bytes.len != begin + sizeof(mac) || memcmp(bytes.data, "DKE4", 4) != 0)
		return DK_ERR_SERVICE_REPLY;
	memcpy(keys.server.bytes, key.data, sizeof(keys.server.bytes));
	if (dk_enrol_answer_mac(
		&keys, request.data + request.len - sizeof(mac), bytes.data, begin, mac) != DK_OK ||
	    memcmp(mac, bytes.data + begin, sizeof(mac)) != 0)
		return DK_ERR_SERVICE_REPLY;
	dk_rd_init(&rd, bytes.data + 4, begin - 4);
	const uint64_t index = dk_rd_u64(&rd);
	const unsigned state = dk_rd_u8(&rd);

	found_number(v, "index", index);
	found_number(v, "state", state);
	return state == 1 || state == 3 ? DK_OK : DK_ERR_SERVICE_REPLY;
}

static bool
run(void *ctx, const char *path)
{
	static struct vector v;
	const char *kind;
	dk_err err;

	(void)ctx;
	if (!native_vector_read(path, &v))
		return false;
	kind = need(&v, "kind");
	if (strcmp(kind, "assertion") == 0)
		err = run_assertion(&v);
	else if (strcmp(kind, "register") == 0)
		err = run_register(&v);
	else if (strcmp(kind, "register-answer") == 0)
		err = run_register_answer(&v);
	else if (strcmp(kind, "presence") == 0)
		err = run_presence(&v);
	else if (strcmp(kind, "presence-answer") == 0)
		err = run_presence_answer(&v);
	else
		err = run_act(&v);
	return folder_same(path, "outcome", outcome(err), need(&v, "expect")) && !v.differs;
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	return folder_run(argv[1], run, NULL);
}
