/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of a service, by all that a client checks. Requests and keys are those of
 * vectors, so that the seeds have answers that hold; the first byte says to which
 * request the rest is the answer. No share of an answer that is refused is handed out.
 */
#include <string.h>

#include "client/call.h"
#include "client/check.h"
#include "fuzz.h"
#include "vector_file.h"

#define OBJECTS_MAX 8

struct asked {
	struct dk_profile profile;
	struct client_call call;
	struct dk_unwrap unwrap[OBJECTS_MAX];
	struct dk_header header[OBJECTS_MAX];
	struct dk_secret32 share[OBJECTS_MAX];
	struct vector_file file;
};

static struct dk_pkey *
ephemeral(const struct vector_file *file, const uint8_t *point)
{
	struct dk_pkey *public, *pair;
	uint8_t scalar[32];
	const uint8_t *spki;
	size_t len;

	vector_file_hex(file, "ephemeral", scalar, sizeof(scalar));
	FUZZ_CHECK(dk_pkey_from_point(DK_KEY_P256, point, DK_P256_POINT_BYTES, &public) == DK_OK);
	spki = dk_pkey_spki(public, &len);
	FUZZ_CHECK(
	    dk_pkey_from_private(DK_KEY_P256, spki, len, scalar, sizeof(scalar), &pair) == DK_OK);
	dk_pkey_free(public);
	return pair;
}

static struct asked *
prepare(const char *name)
{
	static struct dk_release_object parsed[DK_RELEASE_OBJECTS_MAX];
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	struct asked *a = calloc(1, sizeof(*a));
	struct dk_release_request request;
	struct dk_part body, service;

	FUZZ_CHECK(a != NULL);
	vector_file_open(name, &a->file);
	body = vector_file_part(&a->file, "request");
	service = vector_file_part(&a->file, "service");
	FUZZ_CHECK(dk_service_data_parse(service.data, service.len, &a->profile.service) == DK_OK);
	(void)snprintf(
	    a->profile.user, sizeof(a->profile.user), "%s", vector_file_line(&a->file, "user"));
	vector_file_hex(&a->file, "device", a->call.sig.key_id, 32);
	vector_file_hex(&a->file, "request-digest", a->call.digest, 32);
	FUZZ_CHECK(dk_release_request_parse(body.data, body.len, parsed, &request) == DK_OK);
	FUZZ_CHECK(request.count <= OBJECTS_MAX);
	for (unsigned i = 0; i < request.count; i++) {
		FUZZ_CHECK(dk_header_parse_side(parsed[i].core, parsed[i].core_len,
			       parsed[i].set_len, DK_SIDE_CUSTOMER, &a->header[i]) == DK_OK);
		a->unwrap[i] = (struct dk_unwrap){ .block = parsed[i].core,
			.header = &a->header[i],
			.side = DK_SIDE_CUSTOMER,
			.share = &a->share[i] };
	}
	a->call.profile = &a->profile;
	a->call.requests = a->unwrap;
	a->call.n = request.count;
	a->call.objects = objects;
	a->call.ephemeral = ephemeral(&a->file, request.recipient);
	return a;
}

static void
release(struct asked *a, uint8_t *data, size_t len)
{
	static const uint8_t none[32];
	dk_err err;

	memset(a->share, 0, sizeof(a->share));
	a->call.answer.body = data;
	a->call.answer.len = len;
	err = client_release_check(&a->call);
	for (size_t i = 0; i < a->call.n; i++)
		if (err != DK_OK || a->unwrap[i].err != DK_OK)
			FUZZ_CHECK(memcmp(a->share[i].bytes, none, sizeof(none)) == 0);
	FUZZ_CHECK(err == DK_OK || err == DK_ERR_RECEIPT || err == DK_ERR_SERVICE_REPLY ||
	    err == DK_ERR_STANZA_AUTH || err == DK_ERR_SHARE_COMMITMENT ||
	    err == DK_ERR_LOG_QUORUM || err == DK_ERR_LOG_SIGNATURE);
	/* Only where the client has pinned mode strict. */
	FUZZ_CHECK(a->profile.service.mode == DK_LOG_STRICT ||
	    (err != DK_ERR_LOG_QUORUM && err != DK_ERR_LOG_SIGNATURE));
}

static void
enrol(const uint8_t *data, size_t len)
{
	static struct vector_file file;
	static struct dk_enrol_request request;
	static struct dk_enrol_keys keys;
	static uint8_t fingerprint[32], id[32];
	struct client_enrolled enrolled;
	dk_err err;

	if (file.len == 0) {
		struct dk_enrol_code code;
		struct dk_part body;

		vector_file_open("enrol_answer_good", &file);
		body = vector_file_part(&file, "request");
		vector_file_hex(&file, "code", code.bytes, sizeof(code.bytes));
		vector_file_hex(&file, "fingerprint", fingerprint, sizeof(fingerprint));
		FUZZ_CHECK(dk_enrol_keys_derive(&code, &keys) == DK_OK);
		FUZZ_CHECK(dk_enrol_request_parse(body.data, body.len, &request) == DK_OK);
		const struct dk_part device = { request.device, sizeof(request.device) };
		FUZZ_CHECK(dk_sha256(&device, 1, id) == DK_OK);
	}
	const struct client_enrolment want = { vector_file_line(&file, "url"), fingerprint, &keys,
		&request, id };
	err = client_enrol_check(data, len, &want, &enrolled);
	FUZZ_CHECK(err == DK_OK || err == DK_ERR_RECEIPT || err == DK_ERR_SERVICE_REPLY);
}

static void
statement(const uint8_t *data, size_t len)
{
	static struct dk_service_data service;
	static struct dk_key_statement st, old;
	static struct vector_file file;
	struct dk_part first;
	dk_err err;

	if (file.len == 0) {
		vector_file_open("statement_three", &file);
		vector_file_service("statement_three", &service);
		first = vector_file_part(&file, "statement");
		FUZZ_CHECK(client_statement_check(
			       &service, "finance", first.data, first.len, &old) == DK_OK);
	}
	err = client_statement_check(&service, "finance", data, len, &st);
	FUZZ_CHECK(err == DK_OK || err == DK_ERR_RECEIPT || err == DK_ERR_SERVICE_REPLY);
	if (err == DK_OK)
		(void)client_statement_follows(&st, &old);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct asked *one, *three, *strict;
	uint8_t *exact;

	if (!one) {
		one = prepare("release_one");
		three = prepare("release_three");
		strict = prepare("release_strict_two");
	}
	if (len < 1)
		return 0;
	exact = fuzz_exact(data + 1, len - 1);
	if (data[0] == 4)
		release(strict, exact, len - 1);
	else if (data[0] % 4 == 0)
		release(one, exact, len - 1);
	else if (data[0] % 4 == 1)
		release(three, exact, len - 1);
	else if (data[0] % 4 == 2)
		enrol(exact, len - 1);
	else
		statement(exact, len - 1);
	free(exact);
	return 0;
}
