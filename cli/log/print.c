/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log/print.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/files/json.h"
#include "native/code.h"

#define TIME_BYTES 32

static void
time_text(uint64_t seconds, char ret[TIME_BYTES])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(ret, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(ret, TIME_BYTES, "?");
}

static const char *
decision_name(const struct dk_log_event *e)
{
	return e->decision == DK_LOG_DENIED ? "denied" : "done";
}

/* False: it has none. */
static bool
address_text(const struct dk_log_event *e, char ret[INET6_ADDRSTRLEN])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool four = memcmp(e->address, mapped, sizeof(mapped)) == 0;

	return e->has_address &&
	    inet_ntop(four ? AF_INET : AF_INET6, e->address + (four ? 12 : 0), ret,
		INET6_ADDRSTRLEN) != NULL;
}

bool
log_names_document(const struct dk_log_event *e)
{
	return e->has_request &&
	    (e->class_ == DK_LOG_CONFIRMED || e->class_ == DK_LOG_DOCUMENT_APPROVED);
}

const char *
log_level_name(unsigned level)
{
	static const char *const names[] = { "", "A", "B", "C", "C-", "D", "C- (ambient)" };

	return names[level < sizeof(names) / sizeof(names[0]) ? level : 0];
}

/* ---- for people ---- */

static void
print_hex(const char *name, const uint8_t *bytes, size_t len)
{
	char hex[2 * 48 + 1];

	dk_hex(bytes, len, hex);
	(void)printf(" %s=%s", name, hex);
}

/* Of devices, requests and tokens: none can look like a field of its own. */
static void
print_quoted(const char *name, const char *text)
{
	char safe[1280];

	(void)printf(
	    " %s=\"%s\"", name, dk_text_show(text, strlen(text), "\"", safe, sizeof(safe)));
}

static void
print_key_set(const struct dk_log_event *e)
{
	struct dk_log_key_set set;

	if (e->key_set_len == 0 || !dk_log_key_set_parse(e->key_set, e->key_set_len, &set))
		return;
	(void)printf(" issuer=%s verifier=%s", set.issuer, dk_log_verifier_name(set.verifier));
	print_hex("set", set.digest, sizeof(set.digest));
	print_hex("ca", set.root, sizeof(set.root));
	for (unsigned i = 0; i < set.count; i++)
		print_hex("thumbprint", set.thumbprint[i], 32);
}

static void
print_main(const struct dk_log_event *e)
{
	char address[INET6_ADDRSTRLEN];
	struct dk_log_token token;

	if (e->reason)
		(void)printf(" reason=%s", dk_code_name(e->reason));
	if (e->key_name[0])
		(void)printf(" key=%s", e->key_name);
	if (e->key_version)
		(void)printf(" version=%u", e->key_version);
	if (e->has_key_id)
		print_hex("key-id", e->key_id, 32);
	if (e->is_person)
		print_quoted("person", e->user);
	else if (e->user[0])
		(void)printf(" user=%s", e->user);
	if (e->device_name[0])
		print_quoted("device", e->device_name);
	if (address_text(e, address))
		(void)printf(" address=%s", address);
	if (e->suppressed)
		(void)printf(" suppressed=%u", e->suppressed);
	if (e->note[0])
		print_quoted("note", e->note);
	for (unsigned i = 0; i < e->factor_count; i++)
		(void)printf(" factor=%u:%s:%" PRIu64, e->factor[i].type,
		    dk_log_verifier_name(e->factor[i].verifier), e->factor[i].root);
	if (e->token_len > 0 && dk_log_token_parse(e->token, e->token_len, &token)) {
		print_quoted("token", token.issuer);
		print_quoted("kid", token.key);
		print_quoted("jti", token.id);
		(void)printf(" iat=%" PRIu64, token.issued);
		print_hex("thumbprint", token.thumbprint, 32);
	}
	if (e->has_certificate)
		print_hex("certificate", e->certificate, 32);
	if (e->client[0])
		print_quoted("client", e->client);
	if (e->rule[0])
		print_quoted("rule", e->rule);
	if (log_names_document(e))
		print_hex("document", e->request, 32);
	else if (e->class_ == DK_LOG_DOCUMENT_APPROVED)
		(void)printf(" whole-key");
	if (e->front == DK_LOG_DKE && e->level)
		(void)printf(" level=\"%s\"", log_level_name(e->level));
	print_key_set(e);
}

void
log_print(uint64_t index, const struct dk_log_event *e)
{
	char when[TIME_BYTES];

	time_text(e->time, when);
	(void)printf(
	    "%" PRIu64 " %s %s %s", index, when, dk_log_class_name(e->class_), decision_name(e));
	print_main(e);
	(void)printf("\n");
	for (unsigned i = 0; i < e->object_count; i++) {
		(void)printf("    object %s", dk_code_name(e->objects[i].code));
		if (e->front == DK_LOG_DKE) {
			print_hex("document", e->objects[i].core_digest, 32);
			print_hex("key-id", e->objects[i].key_id, 32);
			(void)printf("\n");
			continue;
		}
		print_hex("id", e->objects[i].object_id, 16);
		print_hex("key-id", e->objects[i].key_id, 32);
		(void)printf(" epoch=%u\n", e->objects[i].epoch);
	}
}

/* ---- JSON: members as in doublekeyd(8); absent in the record, absent here ---- */

static void
put_text(struct json *j, const char *name, const char *text)
{
	if (text[0])
		json_string(j, name, text);
}

static void
put_number(struct json *j, const char *name, uint64_t number)
{
	if (number)
		json_number(j, name, number);
}

static void
put_hex(struct json *j, const char *name, bool has, const uint8_t *bytes, size_t len)
{
	char hex[2 * 48 + 1];

	if (!has)
		return;
	dk_hex(bytes, len, hex);
	json_string(j, name, hex);
}

static void
put_address(struct json *j, const struct dk_log_event *e)
{
	char text[INET6_ADDRSTRLEN];

	if (address_text(e, text))
		json_string(j, "address", text);
}

static void
put_who(struct json *j, const struct dk_log_event *e)
{
	put_text(j, e->is_person ? "person" : "user", e->user);
	put_hex(j, "device", e->has_device, e->device, sizeof(e->device));
	put_text(j, "device_name", e->device_name);
	put_address(j, e);
	if (e->person_erased)
		json_bool(j, "person_erased", true);
}

static void
put_what(struct json *j, const struct dk_log_event *e)
{
	static const char *const types[] = { "?", "p256", "p384", "rsa" };
	bool dke = e->stanza_type == DK_LOG_TYPE_DKE;

	put_text(j, "key", e->key_name);
	put_hex(j, "key_id", e->has_key_id, e->key_id, sizeof(e->key_id));
	put_number(j, "key_version", e->key_version);
	if (e->stanza_type)
		json_string(j, "key_type",
		    dke ? "dke-rsa" : types[e->stanza_type < 4 ? e->stanza_type : 0]);
	put_hex(j, "recovery", e->has_recovery, e->recovery, sizeof(e->recovery));
	put_hex(j, "policy", e->has_policy, e->policy, sizeof(e->policy));
	put_hex(j, "request", e->has_request, e->request, sizeof(e->request));
	put_hex(j, "recipient", e->has_recipient, e->recipient, sizeof(e->recipient));
	put_number(j, "generation", e->generation);
	put_number(j, "suppressed", e->suppressed);
	put_text(j, "note", e->note);
	put_text(j, "client", e->client);
	put_text(j, "rule", e->rule);
}

static void
put_key_set(struct json *j, const struct dk_log_event *e)
{
	struct dk_log_key_set set;
	char hex[65];

	if (e->key_set_len == 0 || !dk_log_key_set_parse(e->key_set, e->key_set_len, &set))
		return;
	json_open(j, "key_set", '{');
	json_string(j, "issuer", set.issuer);
	put_hex(j, "sha256", true, set.digest, sizeof(set.digest));
	put_hex(j, "ca", true, set.root, sizeof(set.root));
	json_string(j, "verifier", dk_log_verifier_name(set.verifier));
	json_open(j, "thumbprints", '[');
	for (unsigned i = 0; i < set.count; i++) {
		dk_hex(set.thumbprint[i], 32, hex);
		json_string(j, NULL, hex);
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void
put_factors(struct json *j, const struct dk_log_event *e)
{
	static const char *const types[] = { "?", "device", "local", "code", "approval",
		"confirmation", "session", "front", "denial" };
	struct dk_log_token token;

	json_open(j, "factors", '[');
	for (unsigned i = 0; i < e->factor_count; i++) {
		json_open(j, NULL, '{');
		json_string(j, "type", types[e->factor[i].type < 9 ? e->factor[i].type : 0]);
		json_string(j, "verifier", dk_log_verifier_name(e->factor[i].verifier));
		json_number(j, "root", e->factor[i].root);
		json_close(j, '}');
	}
	if (e->token_len > 0 && dk_log_token_parse(e->token, e->token_len, &token)) {
		json_open(j, NULL, '{');
		json_string(j, "type", "token");
		json_string(j, "verifier", dk_log_verifier_name(DK_VERIFIER_AUTHD));
		json_string(j, "iss", token.issuer);
		json_string(j, "kid", token.key);
		put_hex(j, "thumbprint", true, token.thumbprint, 32);
		json_number(j, "iat", token.issued);
		put_text(j, "jti", token.id);
		json_close(j, '}');
	}
	if (e->has_certificate) {
		json_open(j, NULL, '{');
		json_string(j, "type", "certificate");
		json_string(j, "verifier", dk_log_verifier_name(DK_VERIFIER_HTTPD));
		put_hex(j, "certificate", true, e->certificate, 32);
		put_hex(j, "ca", true, e->certificate + 32, 32);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
put_objects(struct json *j, const struct dk_log_event *e)
{
	json_open(j, "objects", '[');
	for (unsigned i = 0; i < e->object_count; i++) {
		const struct dk_log_object *o = &e->objects[i];

		json_open(j, NULL, '{');
		json_string(j, "code", dk_code_name(o->code));
		if (e->front == DK_LOG_DKE) {
			put_hex(j, "document", true, o->core_digest, 32);
		} else {
			put_hex(j, "id", true, o->object_id, sizeof(o->object_id));
			put_hex(j, "core_digest", true, o->core_digest, sizeof(o->core_digest));
			json_number(j, "epoch", o->epoch);
		}
		put_hex(j, "key_id", true, o->key_id, sizeof(o->key_id));
		json_close(j, '}');
	}
	json_close(j, ']');
}

void
log_print_json(uint64_t index, const struct dk_log_event *e)
{
	static const char *const modes[] = { "", "prompt", "strict" };
	static const char *const fronts[] = { "", "native", "administration", "ms-dke" };
	struct json j = { .out = stdout };
	char when[TIME_BYTES];

	time_text(e->time, when);
	json_open(&j, NULL, '{');
	json_number(&j, "index", index);
	json_string(&j, "time", when);
	json_string(&j, "class", dk_log_class_name(e->class_));
	json_string(&j, "decision", decision_name(e));
	if (e->reason)
		json_string(&j, "reason", dk_code_name(e->reason));
	put_text(&j, "mode", modes[e->mode < 3 ? e->mode : 0]);
	put_text(&j, "front_end", fronts[e->front < 4 ? e->front : 0]);
	put_text(&j, "level", log_level_name(e->level));
	put_who(&j, e);
	put_what(&j, e);
	put_key_set(&j, e);
	put_factors(&j, e);
	put_objects(&j, e);
	json_close(&j, '}');
	(void)putc('\n', stdout);
}

void
log_print_broken(uint64_t index, bool as_json)
{
	struct json j = { .out = stdout };

	if (!as_json) {
		(void)printf("%" PRIu64 " the record does not open its leaf\n", index);
		return;
	}
	json_open(&j, NULL, '{');
	json_number(&j, "index", index);
	json_string(&j, "error", "receipt");
	json_close(&j, '}');
	(void)putc('\n', stdout);
}
