/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layouts of the native protocol. The first byte says which; what was read, written
 * again, gives the same bytes, or all of it lies in the input.
 */
#include <string.h>

#include "fuzz.h"
#include "native/enrol.h"
#include "native/presence.h"
#include "native/release.h"
#include "native/request.h"

static char *
as_text(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	FUZZ_CHECK(text != NULL);
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	return text;
}

static void
signature_input(const uint8_t *data, size_t len)
{
	struct dk_request_signature sig = { .created = 0 };
	char params[DK_SIGNATURE_INPUT_MAX_BYTES], base[DK_SIGNATURE_BASE_MAX_BYTES];
	uint8_t digest[32] = { 0 };
	char *text = as_text(data, len);
	size_t base_len;

	if (dk_signature_input_parse(text, &sig)) {
		FUZZ_CHECK(dk_signature_params(&sig, params));
		FUZZ_CHECK(strncmp(text, "dk=", 3) == 0 && strcmp(text + 3, params) == 0);
		FUZZ_CHECK(dk_signature_base(&sig, "https://keys.example.org:8443", DK_RELEASE_PATH,
			       digest, base, &base_len) == DK_OK);
		FUZZ_CHECK(strlen(base) == base_len);
		FUZZ_CHECK(strcmp(base + base_len - strlen(params), params) == 0);
	}
	free(text);
}

static void
names(const uint8_t *data, size_t len)
{
	char user[DK_USER_MAX_BYTES + 1], again[DK_ENROL_TEXT_BYTES];
	dk_auto_enrol_code code = { { 0 } };
	char *text = as_text(data, len);

	FUZZ_CHECK(!dk_base_url_valid(text) || strlen(text) <= DK_URL_MAX_BYTES);
	FUZZ_CHECK(!dk_user_name_valid(text, strlen(text)) || strlen(text) <= DK_USER_MAX_BYTES);
	if (dk_enrol_text_parse(text, user, &code) == DK_OK) {
		FUZZ_CHECK(dk_enrol_text(user, &code, again) == DK_OK);
		FUZZ_CHECK(dk_enrol_text_parse(again, user, &code) == DK_OK);
	}
	free(text);
}

static void
enrol_request(const uint8_t *data, size_t len)
{
	static const struct dk_enrol_code code;
	dk_auto_enrol_keys keys = { 0 };
	struct dk_enrol_request r;

	if (dk_enrol_request_parse(data, len, &r) != DK_OK)
		return;
	FUZZ_CHECK(r.mac_len + DK_ENROL_MAC_BYTES == len);
	FUZZ_CHECK(r.signed_len + DK_SIGNATURE_BYTES == r.mac_len);
	FUZZ_CHECK(dk_user_name_valid(r.user, strlen(r.user)));
	FUZZ_CHECK(dk_enrol_keys_derive(&code, &keys) == DK_OK);
	/* Nobody guesses a MAC. */
	FUZZ_CHECK(dk_enrol_request_check(&r, data, &keys) != DK_OK);
}

static void
service_data(const uint8_t *data, size_t len)
{
	uint8_t again[DK_SERVICE_DATA_MAX_BYTES];
	struct dk_service_data d;
	struct dk_log_keys keys;
	struct dk_writer_buf wr;

	if (dk_service_data_parse(data, len, &d) != DK_OK)
		return;
	dk_wr_init(&wr, again, sizeof(again));
	dk_service_data_write(&wr, &d);
	FUZZ_CHECK(!wr.failed && wr.len == len && memcmp(again, data, len) == 0);
	dk_service_log_keys(&d, &keys);
	FUZZ_CHECK(strlen(keys.origin) == strlen(d.base_url) - strlen("https://") + strlen("/log"));
}

static void
release_body(const uint8_t *data, size_t len)
{
	static struct dk_release_object objects[DK_RELEASE_OBJECTS_MAX];
	struct dk_release_request r;
	const uint8_t *end = data + DK_RELEASE_HEAD_BYTES;

	if (dk_release_request_parse(data, len, objects, &r) != DK_OK)
		return;
	FUZZ_CHECK(r.count >= 1 && r.count <= DK_RELEASE_OBJECTS_MAX && r.recipient == data + 6);
	for (unsigned i = 0; i < r.count; i++) {
		struct dk_header header;

		FUZZ_CHECK(objects[i].core == end + 6);
		end = objects[i].core + objects[i].core_len + objects[i].set_len;
		if (dk_header_parse_side(objects[i].core, objects[i].core_len, objects[i].set_len,
			dk_release_side(&objects[i]), &header) == DK_OK)
			FUZZ_CHECK(header.core_len == objects[i].core_len);
	}
	FUZZ_CHECK(end == data + len);
}

static void
statement(const uint8_t *data, size_t len)
{
	static struct dk_key_statement st;
	uint8_t *again = malloc(len + 1);
	struct dk_writer_buf wr;

	FUZZ_CHECK(again != NULL);
	if (dk_key_statement_parse(data, len, &st) == DK_OK) {
		dk_wr_init(&wr, again, len);
		dk_key_statement_write(&wr, &st);
		FUZZ_CHECK(!wr.failed && wr.len == st.signed_len);
		FUZZ_CHECK(memcmp(again, data, st.signed_len) == 0);
		FUZZ_CHECK(st.signature == data + st.signed_len);
		for (unsigned i = 0; i < st.version_count; i++)
			FUZZ_CHECK(st.version[i].receipt + st.version[i].receipt_len <= data + len);
	}
	free(again);
}

static void
presence(const uint8_t *data, size_t len)
{
	uint8_t again[DK_PRESENCE_ANSWER_MAX_BYTES];
	struct dk_presence_request r;
	struct dk_presence_answer a;

	if (dk_presence_parse(data, len, &r) == DK_OK) {
		dk_presence_write(&r, again);
		FUZZ_CHECK(len == DK_PRESENCE_BYTES && memcmp(again, data, len) == 0);
	}
	if (dk_presence_answer_parse(data, len, &a) == DK_OK)
		FUZZ_CHECK(
		    dk_presence_answer_write(&a, again) == len && memcmp(again, data, len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const fuzz_way ways[] = { signature_input, names, enrol_request, service_data,
		release_body, statement, presence };

	fuzz_one_of(ways, sizeof(ways) / sizeof(ways[0]), data, len);
	return 0;
}
