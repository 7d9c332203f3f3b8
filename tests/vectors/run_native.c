/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the vectors of the native protocol's pieces through the library, and the
 * answers of services through what a client checks (lib/client/check.h).
 *
 * usage: run_native FOLDER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/check.h"
#include "folder.h"
#include "native/code.h"
#include "native/standing.h"
#include "native_vector.h"

#define OBJECTS_MAX 8

static struct dk_service_data
service_of(const struct vector *v)
{
	const struct dk_part data = part(v, "service");
	struct dk_service_data service;

	if (dk_service_data_parse(data.data, data.len, &service) != DK_OK) {
		printf("FAIL %s: the service data\n", v->path);
		exit(1);
	}
	return service;
}

/* ---- the log ---- */

static dk_err
receipt(struct vector *v)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	const struct dk_service_data service = service_of(v);
	const struct dk_part data = part(v, "receipt");
	struct dk_log_event event;
	struct dk_log_keys keys;
	uint64_t index;
	dk_err err;

	dk_service_log_keys(&service, &keys);
	err = dk_receipt_verify(&keys, data.data, data.len, objects, &event, &index);
	if (err != DK_OK)
		return err;
	found_number(v, "class", event.class_);
	found_number(v, "index", index);
	return DK_OK;
}

static dk_err
checkpoint(struct vector *v)
{
	const struct dk_service_data service = service_of(v);
	const struct dk_part data = part(v, "checkpoint");
	struct dk_checkpoint cp;
	struct dk_log_keys keys;
	dk_err err;

	dk_service_log_keys(&service, &keys);
	err = dk_checkpoint_verify(&keys, data.data, data.len, &cp);
	if (err == DK_OK)
		found_number(v, "size", cp.size);
	return err;
}

/* ---- release ---- */

struct release {
	struct dk_profile profile;
	struct client_call call;
	struct dk_unwrap unwrap[OBJECTS_MAX];
	struct dk_header header[OBJECTS_MAX];
	struct dk_secret32 share[OBJECTS_MAX];
};

static void
add_objects(struct vector *v, struct release *r)
{
	static struct dk_release_object parsed[DK_RELEASE_OBJECTS_MAX];
	const struct dk_part body = part(v, "request");
	struct dk_release_request request;

	if (dk_release_request_parse(body.data, body.len, parsed, &request) != DK_OK ||
	    request.count > OBJECTS_MAX)
		exit(1);
	for (unsigned i = 0; i < request.count; i++) {
		if (dk_header_parse_side(parsed[i].core, parsed[i].core_len, parsed[i].set_len,
			DK_SIDE_CUSTOMER, &r->header[i]) != DK_OK)
			exit(1);
		r->unwrap[i] = (struct dk_unwrap){ .block = parsed[i].core,
			.header = &r->header[i],
			.side = DK_SIDE_CUSTOMER,
			.share = &r->share[i] };
	}
	r->call.requests = r->unwrap;
	r->call.n = request.count;
}

static dk_err
add_ephemeral(struct vector *v, struct release *r)
{
	const struct dk_part body = part(v, "request");
	uint8_t scalar[32];
	struct dk_pkey *public;
	const uint8_t *spki;
	size_t len;
	dk_err err;

	need_hex(v, "ephemeral", scalar, sizeof(scalar));
	err = dk_pkey_from_point(
	    DK_KEY_P256, (const uint8_t *)body.data + 6, DK_P256_POINT_BYTES, &public);
	if (err != DK_OK)
		return err;
	spki = dk_pkey_spki(public, &len);
	err = dk_pkey_from_private(
	    DK_KEY_P256, spki, len, scalar, sizeof(scalar), &r->call.ephemeral);
	dk_pkey_free(public);
	return err;
}

static void
compare_shares(struct vector *v, const struct release *r)
{
	struct dk_part parts[OBJECTS_MAX];
	char codes[LINE_BYTES] = "";
	uint8_t digest[32];
	size_t n = 0, len = 0;

	for (size_t i = 0; i < r->call.n; i++) {
		unsigned code = DK_CODE_OK;

		while (code < DK_CODE_COUNT && dk_code_err(code) != r->unwrap[i].err)
			code++;
		len += (size_t)snprintf(
		    codes + len, sizeof(codes) - len, "%s%s", i > 0 ? " " : "", dk_code_name(code));
		if (r->unwrap[i].err == DK_OK)
			parts[n++] = (struct dk_part){ r->share[i].bytes, 32 };
	}
	if (dk_sha256(parts, n, digest) != DK_OK)
		exit(1);
	found(v, "codes", codes);
	found_hex(v, "shares", digest, sizeof(digest));
}

static bool
is_zero(const struct release *r)
{
	static const uint8_t none[32];

	for (size_t i = 0; i < r->call.n; i++)
		if (memcmp(r->share[i].bytes, none, sizeof(none)) != 0)
			return false;
	return true;
}

static dk_err
release(struct vector *v)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	const struct dk_part answer = part(v, "answer");
	struct release r = { .call = { .n = 0 } };
	dk_err err;

	r.profile.service = service_of(v);
	folder_copy(r.profile.user, sizeof(r.profile.user), need(v, "user"));
	r.call.profile = &r.profile;
	need_hex(v, "device", r.call.sig.key_id, sizeof(r.call.sig.key_id));
	need_hex(v, "request-digest", r.call.digest, sizeof(r.call.digest));
	add_objects(v, &r);
	if (add_ephemeral(v, &r) != DK_OK)
		exit(1);
	r.call.answer.body = (uint8_t *)(uintptr_t)answer.data;
	r.call.answer.len = answer.len;
	r.call.objects = objects;
	err = client_release_check(&r.call);
	dk_pkey_free(r.call.ephemeral);
	if (err == DK_OK)
		compare_shares(v, &r);
	else if (!is_zero(&r)) {
		printf("FAIL %s: a share of an answer that is refused\n", v->path);
		v->differs = true;
	}
	return err;
}

/* ---- enrolment ---- */

static dk_err
code(struct vector *v)
{
	char user[DK_USER_MAX_BYTES + 1];
	dk_auto_enrol_code code = { { 0 } };
	dk_auto_enrol_keys keys = { 0 };
	dk_err err;

	err = dk_enrol_text_parse(need(v, "text"), user, &code);
	if (err == DK_OK)
		err = dk_enrol_keys_derive(&code, &keys);
	if (err != DK_OK)
		return err;
	found(v, "user", user);
	found_hex(v, "code", code.bytes, sizeof(code.bytes));
	found_hex(v, "code-id", keys.code_id, sizeof(keys.code_id));
	found_hex(v, "client-key", keys.client.bytes, sizeof(keys.client.bytes));
	found_hex(v, "server-key", keys.server.bytes, sizeof(keys.server.bytes));
	return DK_OK;
}

static dk_err
enrol_keys(struct vector *v, struct dk_enrol_keys *keys)
{
	dk_auto_enrol_code code = { { 0 } };

	need_hex(v, "code", code.bytes, sizeof(code.bytes));
	return dk_enrol_keys_derive(&code, keys);
}

/* As keyd does: the code is the one that the body names. */
static dk_err
enrol_request(struct vector *v)
{
	const struct dk_part body = part(v, "request");
	dk_auto_enrol_keys keys = { 0 };
	struct dk_enrol_request request;
	dk_err err;

	err = enrol_keys(v, &keys);
	if (err == DK_OK)
		err = dk_enrol_request_parse(body.data, body.len, &request);
	if (err != DK_OK)
		return err;
	if (memcmp(request.code_id, keys.code_id, sizeof(keys.code_id)) != 0)
		return DK_ERR_SERVICE_ENROL_CODE;
	return dk_enrol_request_check(&request, body.data, &keys);
}

static dk_err
enrol_answer(struct vector *v)
{
	const struct dk_part body = part(v, "request"), answer = part(v, "answer");
	uint8_t fingerprint[32], device_id[32];
	dk_auto_enrol_keys keys = { 0 };
	struct dk_enrol_request request;
	struct client_enrolled enrolled;
	dk_err err;

	need_hex(v, "fingerprint", fingerprint, sizeof(fingerprint));
	err = enrol_keys(v, &keys);
	if (err == DK_OK)
		err = dk_enrol_request_parse(body.data, body.len, &request);
	const struct dk_part device = { request.device, sizeof(request.device) };
	if (err == DK_OK)
		err = dk_sha256(&device, 1, device_id);
	if (err != DK_OK)
		exit(1);
	const struct client_enrolment want = { need(v, "url"), fingerprint, &keys, &request,
		device_id };
	return client_enrol_check(answer.data, answer.len, &want, &enrolled);
}

/* ---- keys ---- */

static dk_err
statement(struct vector *v)
{
	const struct dk_service_data service = service_of(v);
	const struct dk_part data = part(v, "statement");
	static struct dk_key_statement st;
	char versions[LINE_BYTES] = "";
	size_t len = 0;
	dk_err err;

	err = client_statement_check(&service, need(v, "key"), data.data, data.len, &st);
	for (unsigned i = 0; err == DK_OK && i < st.version_count; i++)
		len += (size_t)snprintf(versions + len, sizeof(versions) - len, "%s%u:%u",
		    i > 0 ? " " : "", st.version[i].version, st.version[i].state);
	if (err == DK_OK)
		found(v, "versions", versions);
	return err;
}

/* ---- requests and approvals ---- */

static dk_err
base(struct vector *v)
{
	const struct dk_part body = part(v, "request"), want = part(v, "base");
	const struct dk_part spki = part(v, "device"), signature = part(v, "signature");
	struct dk_request_signature sig = { .created = 0 };
	char text[DK_SIGNATURE_BASE_MAX_BYTES];
	uint8_t hash[32], digest[32];
	dk_auto_pkey *device = NULL;
	size_t len;

	if (!dk_signature_input_parse(need(v, "input"), &sig) || signature.len != 64)
		return DK_ERR_SERVICE_SIGNATURE_INPUT;
	if (sig.has_token)
		need_hex(v, "token-digest", sig.token_digest, sizeof(sig.token_digest));
	if (dk_sha256(&body, 1, hash) != DK_OK ||
	    dk_signature_base(&sig, need(v, "url"), DK_RELEASE_PATH, hash, text, &len) != DK_OK ||
	    dk_request_digest(text, len, digest) != DK_OK ||
	    dk_pkey_from_spki(spki.data, spki.len, &device) != DK_OK)
		exit(1);
	if (len != want.len || memcmp(text, want.data, len) != 0 ||
	    memcmp(sig.key_id, dk_pkey_id(device), 32) != 0) {
		printf("FAIL %s: the signature base\n", v->path);
		v->differs = true;
	}
	found_hex(v, "request-digest", digest, sizeof(digest));
	const struct dk_part part = { text, len };
	return dk_ecdsa_verify(device, &part, 1, signature.data) == DK_OK
	    ? DK_OK
	    : DK_ERR_SERVICE_SIGNATURE;
}

static dk_err
approvals(struct vector *v)
{
	const struct dk_part data = part(v, "approvals"), spki = part(v, "device");
	struct dk_approvals approvals;
	dk_auto_pkey *device = NULL;
	uint8_t digest[32];
	dk_err err;

	need_hex(v, "request-digest", digest, sizeof(digest));
	err = dk_approvals_parse(data.data, data.len, &approvals);
	if (err != DK_OK)
		return err;
	const struct dk_approval_terms terms = { digest, approvals.approval[0].time,
		need(v, "user"), approvals.reason };
	if (dk_pkey_from_spki(spki.data, spki.len, &device) != DK_OK)
		exit(1);
	return dk_approval_verify(device, &terms, approvals.approval[0].signature) == DK_OK
	    ? DK_OK
	    : DK_ERR_SERVICE_APPROVAL;
}

static dk_err
request_file(struct vector *v)
{
	const struct dk_part data = part(v, "file");
	struct dk_request_file file;
	uint8_t digest[32];
	dk_err err = dk_request_file_open(data.data, data.len, &file, digest);

	if (err != DK_OK)
		return err;
	found(v, "user", file.user);
	found_hex(v, "request-digest", digest, sizeof(digest));
	return DK_OK;
}

static dk_err
approval_file(struct vector *v)
{
	const struct dk_part data = part(v, "file");
	struct dk_approval_file file;
	dk_err err = dk_approval_file_parse(data.data, data.len, &file);

	if (err != DK_OK)
		return err;
	found(v, "url", file.base_url);
	found_hex(v, "request-digest", file.request_digest, sizeof(file.request_digest));
	return DK_OK;
}

/* ---- approvals that stand ---- */

static void
found_texts(struct vector *v, const char *person, const char *key, const char *rule)
{
	found(v, "person", person);
	found(v, "key", key);
	found(v, "rule", rule);
}

static void
found_again(struct vector *v, const struct dk_writer_buf *wr, struct dk_part data)
{
	v->differs |=
	    wr->failed || wr->len != data.len || memcmp(wr->data, data.data, wr->len) != 0;
}

static dk_err
standing(struct vector *v)
{
	const struct dk_part data = part(v, "approval");
	uint8_t again[DK_STANDING_BODY_MAX_BYTES], name[32];
	struct dk_writer_buf wr;
	struct dk_standing s;
	dk_err err = dk_standing_parse(data.data, data.len, &s);

	if (err != DK_OK)
		return err;
	dk_wr_init(&wr, again, sizeof(again));
	dk_standing_write(&wr, &s);
	found_again(v, &wr, data);
	found_number(v, "scope", s.scope);
	found_hex(v, "document", s.document, sizeof(s.document));
	found_number(v, "needed", s.needed);
	found_number(v, "hours", s.hours);
	found_texts(v, s.person, s.key, s.rule);
	found(v, "reason", s.reason);
	err = dk_standing_name(s.scope, s.document, s.key, s.person, name);
	found_hex(v, "name", name, sizeof(name));
	return err;
}

static void
found_asked(struct vector *v, const struct dk_standing_asked *a)
{
	found_number(v, "scopes", a->scopes);
	found_hex(v, "document", a->document, sizeof(a->document));
	found_number(v, "time", a->time);
	found_number(v, "needed", a->needed);
	found_number(v, "standing", a->standing);
	found_number(v, "mine", a->mine);
	found_number(v, "hours", a->hours);
	found_texts(v, a->person, a->key, a->rule);
}

static dk_err
asked(struct vector *v)
{
	static struct dk_standing_asked those[DK_STANDING_ASKED_MAX];
	static uint8_t again[DATA_MAX_BYTES];
	const struct dk_part data = part(v, "list");
	struct dk_writer_buf wr;
	size_t n;
	dk_err err = dk_standing_list_parse(data.data, data.len, those, &n);

	if (err != DK_OK)
		return err;
	dk_wr_init(&wr, again, sizeof(again));
	dk_wr_bytes(&wr, "DKN2", 4);
	dk_wr_u16(&wr, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		dk_standing_asked_write(&wr, &those[i]);
	found_again(v, &wr, data);
	found_number(v, "count", n);
	if (n > 0)
		found_asked(v, &those[n - 1]);
	return DK_OK;
}

static dk_err
standing_answer(struct vector *v)
{
	const struct dk_part data = part(v, "answer");
	uint8_t again[DK_STANDING_ANSWER_BYTES];
	struct dk_standing_answer answer;
	struct dk_writer_buf wr;
	dk_err err = dk_standing_answer_parse(data.data, data.len, &answer);

	if (err != DK_OK)
		return err;
	dk_wr_init(&wr, again, sizeof(again));
	dk_standing_answer_write(&wr, &answer);
	found_again(v, &wr, data);
	found_number(v, "index", answer.index);
	found_number(v, "until", answer.until);
	found_number(v, "standing", answer.standing);
	return DK_OK;
}

/* ---- all of them ---- */

static const struct {
	const char *name;
	dk_err (*run)(struct vector *v);
} kinds[] = {
	{ "receipt", receipt },
	{ "checkpoint", checkpoint },
	{ "release", release },
	{ "code", code },
	{ "enrol-request", enrol_request },
	{ "enrol-answer", enrol_answer },
	{ "statement", statement },
	{ "base", base },
	{ "approvals", approvals },
	{ "request-file", request_file },
	{ "approval-file", approval_file },
	{ "standing", standing },
	{ "asked", asked },
	{ "standing-answer", standing_answer },
};

static bool
run_kind(struct vector *v)
{
	const char *kind = need(v, "kind");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i].name) == 0) {
			dk_err err = kinds[i].run(v);

			return folder_same(v->path, "error",
				   err == DK_OK ? "success" : dk_err_name(err),
				   need(v, "expect")) &&
			    !v->differs;
		}
	printf("FAIL %s: kind \"%s\" is not known\n", v->path, kind);
	return false;
}

static bool
run(void *ctx, const char *path)
{
	struct vector *v = ctx;

	return native_vector_read(path, v) && run_kind(v);
}

int
main(int argc, char **argv)
{
	static struct vector vector;

	if (argc != 2)
		return 2;
	return folder_run(argv[1], run, &vector);
}
