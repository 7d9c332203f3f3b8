/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads of messages between the processes, by every receiver's own parser. The
 * first byte says which. Whatever is found lies in the message; where a layout has
 * nothing optional, what was read, written again, gives the same bytes.
 */
#include <string.h>

#include "authd/factor.h"
#include "fuzz.h"
#include "ipc/dke.h"
#include "ipc/approved.h"
#include "ipc/gate.h"
#include "ipc/fetch.h"
#include "ipc/payload.h"
#include "ipc/witness.h"

static const uint8_t *begin;
static size_t length;

static void
inside(const void *data, size_t len)
{
	const uint8_t *p = data;

	FUZZ_CHECK(p || len == 0);
	FUZZ_CHECK(len == 0 || (p >= begin && len <= length && p <= begin + length - len));
}

static void
all_inside(const struct dk_part *part)
{
	inside(part->data, part->len);
}

/* ---- what comes from httpd, and what authd makes of it ---- */

static void
certificate(const struct dk_part *claim)
{
	struct factor_certificate *ret = calloc(1, sizeof(*ret));
	struct policy_shown shown = { .name_count = 0 };
	unsigned code = 0;

	FUZZ_CHECK(ret != NULL);
	if (claim->len > 0 && factor_certificate(claim, ret, &shown, &code)) {
		FUZZ_CHECK(shown.name_count <= POLICY_CERTIFICATE_NAMES_MAX);
		FUZZ_CHECK(ret->holds == (code == 0));
		for (unsigned i = 0; i < shown.name_count; i++)
			FUZZ_CHECK(strlen(shown.name[i]) < sizeof(ret->name[0]));
	}
	free(ret);
}

static void
asked(const struct ipc_release *r)
{
	inside(r->head, IPC_RELEASE_HEAD_BYTES);
	inside(r->signature, 64);
	FUZZ_CHECK(r->signature + 64 == r->head + IPC_RELEASE_HEAD_BYTES);
	for (unsigned i = 0; i < IPC_CLAIMS; i++)
		all_inside(&r->claims.of[i]);
	all_inside(&r->body);
	certificate(&r->claims.of[IPC_CLAIM_CERTIFICATE]);
}

static void
release(const struct ipc_message *m)
{
	struct ipc_release r;

	if (ipc_release_read(m, &r))
		asked(&r);
}

static void
judged(const struct ipc_message *m)
{
	struct ipc_judged j;

	if (!ipc_judged_read(m, &j))
		return;
	inside(j.policy, 32);
	inside(j.verdicts, (size_t)j.verdict_count * 2);
	FUZZ_CHECK(j.charge_count <= IPC_CHARGES_MAX);
	inside(j.charges, (size_t)j.charge_count * IPC_CHARGE_BYTES);
	all_inside(&j.token);
	FUZZ_CHECK(j.token.len <= DK_LOG_TOKEN_MAX_BYTES);
	all_inside(&j.certificate);
	FUZZ_CHECK(j.certificate.len == 0 || j.certificate.len == DK_LOG_CERTIFICATE_BYTES);
	asked(&j.asked);
}

static void
enrol(const struct ipc_message *m)
{
	struct ipc_enrol e;

	if (ipc_enrol_read(m, &e))
		FUZZ_CHECK(e.address == begin && 16 + e.body.len == length);
}

static void
text(const struct ipc_message *m)
{
	char name[IPC_NAME_MAX_BYTES + 1];

	if (ipc_text_read(m, name))
		FUZZ_CHECK(strlen(name) == length && memcmp(name, begin, length) == 0);
}

static void
known(const struct ipc_message *m)
{
	struct ipc_known k;

	if (!ipc_known_read(m, &k))
		return;
	FUZZ_CHECK(k.id == begin && k.state == begin[32]);
	FUZZ_CHECK(strlen(k.name) + 33 == length && memcmp(k.name, begin + 33, length - 33) == 0);
}

static void
policy(const struct ipc_message *m)
{
	struct ipc_policy p;

	if (ipc_policy_read(m, &p))
		FUZZ_CHECK(length == (p.replaces ? 68 : 64) && p.keys_digest == begin + 32);
}

static void
policy_text(const struct ipc_message *m)
{
	struct ipc_policy_text t;

	if (ipc_policy_text_read(m, &t))
		FUZZ_CHECK(t.who.data == begin && 8 + t.text.len + t.sets.len == length);
}

/* ---- the log ---- */

static void
append(const struct ipc_message *m)
{
	struct ipc_append a;

	if (!ipc_append_read(m, &a))
		return;
	inside(a.leaf, IPC_LEAF_BYTES);
	inside(a.policy, 32);
	FUZZ_CHECK(a.policy_rule <= IPC_POLICY_CHANGE);
	inside(a.device, 32);
	inside(a.nonce, 16);
	FUZZ_CHECK(a.charge_count <= IPC_CHARGES_MAX);
	inside(a.charges, (size_t)a.charge_count * IPC_CHARGE_BYTES);
	all_inside(&a.record);
	FUZZ_CHECK((const uint8_t *)a.record.data + a.record.len == begin + length);
}

static void
appended(const struct ipc_message *m)
{
	struct ipc_appended a;

	if (!ipc_appended_read(m, &a))
		return;
	FUZZ_CHECK(a.code == 0 || (length == 2 && a.hash_count == 0 && a.checkpoint.len == 0));
	inside(a.hashes, (size_t)a.hash_count * 32);
	all_inside(&a.checkpoint);
}

static void
state_taken(const struct ipc_message *m)
{
	struct ipc_state_taken t;

	if (!ipc_state_taken_read(m, &t))
		return;
	FUZZ_CHECK(t.code == 0 || (length == 2 && t.kept == 0 && t.sealed.len == 0));
	all_inside(&t.sealed);
}

static void
state_put(const struct ipc_message *m)
{
	struct ipc_state_put p;
	unsigned code;

	if (ipc_state_put_read(m, &p)) {
		FUZZ_CHECK(p.generation > 0 && p.sealed.len > 0);
		all_inside(&p.sealed);
	}
	FUZZ_CHECK(!ipc_state_put_done_read(m, &code) || length == 2);
}

static void
anchored(const struct ipc_message *m)
{
	struct ipc_anchored a;

	if (!ipc_anchored_read(m, &a))
		return;
	FUZZ_CHECK(a.count <= 2);
	inside(a.leaf, IPC_LEAF_BYTES);
	for (unsigned i = 0; i < a.count; i++) {
		inside(a.entry[i].leaf, IPC_LEAF_BYTES);
		all_inside(&a.entry[i].record);
	}
}

static void
records(const struct ipc_message *m)
{
	struct ipc_records r;

	if (ipc_records_read(m, &r))
		FUZZ_CHECK(length == 12);
}

/* ---- administration, tokend, TLS, figures ---- */

static void
arguments(const struct ipc_admin *a, size_t at)
{
	FUZZ_CHECK(a->argc <= IPC_ADMIN_ARGS_MAX);
	for (unsigned i = 0; i < a->argc; i++) {
		all_inside(&a->arg[i]);
		at += 2 + a->arg[i].len;
	}
	FUZZ_CHECK(at == length);
}

static void
admin(const struct ipc_message *m)
{
	struct ipc_admin a;

	if (ipc_admin_read(m, &a))
		arguments(&a, 7);
}

static void
admin_packet(const struct ipc_message *m)
{
	struct ipc_admin a;

	if (ipc_admin_packet_read(m->data, m->len, &a))
		arguments(&a, 3);
}

static void
token(const struct ipc_message *m)
{
	struct ipc_token t;

	if (ipc_token_read(m, &t))
		FUZZ_CHECK(t.id == begin + 2 && 18 + t.rest.len == length);
}

static void
tls(const struct ipc_message *m)
{
	struct dk_part file[IPC_TLS_FILES];
	size_t at = 0;

	if (!ipc_tls_read(m, file))
		return;
	for (unsigned i = 0; i < IPC_TLS_FILES; i++) {
		all_inside(&file[i]);
		at += 4 + file[i].len;
	}
	FUZZ_CHECK(at == length);
}

static void
small(const struct ipc_message *m)
{
	struct ipc_violation violation;
	struct ipc_log_state state;
	struct ipc_tls_done done;
	struct ipc_coded coded;
	struct ipc_go go;
	uint64_t number;

	if (ipc_coded_read(m, &coded))
		FUZZ_CHECK(coded.rest.len + 2 == length);
	if (ipc_tls_done_read(m, &done))
		FUZZ_CHECK(done.text.len + 18 == length);
	FUZZ_CHECK(!ipc_violation_read(m, &violation) ||
	    (length == 3 && violation.process >= IPC_PARENT && violation.process < IPC_PROCESSES));
	FUZZ_CHECK(!ipc_log_state_read(m, &state) || length == 17);
	FUZZ_CHECK(ipc_go_read(m, &go) == (length == 8));
	for (size_t bytes = 1; bytes <= 8; bytes++)
		FUZZ_CHECK(ipc_number_read(m, bytes, &number) == (length == bytes));
}

/* ---- what is fetched ---- */

static void
fetch(const struct ipc_message *m)
{
	struct ipc_fetched fetched;
	struct ipc_key_set set;
	struct ipc_fetch f;

	if (ipc_fetch_read(m->data, m->len, &f)) {
		FUZZ_CHECK(strlen(f.url) <= IPC_FETCH_URL_MAX_BYTES);
		all_inside(&f.ca_pem);
	}
	if (ipc_fetched_read(m->data, m->len, &fetched)) {
		FUZZ_CHECK(fetched.result <= IPC_FETCH_TRANSFER);
		all_inside(&fetched.bytes);
	}
	if (ipc_key_set_read(m->data, m->len, &set)) {
		all_inside(&set.name);
		FUZZ_CHECK(set.name.len >= 1 && set.name.len <= IPC_ISSUER_MAX_BYTES);
		all_inside(&set.bytes);
	}
}

static void
key_sets(const struct ipc_message *m)
{
	uint8_t *again = malloc(length + 1);
	struct dk_reader_buf rd;
	struct dk_writer_buf wr;
	struct ipc_key_set set;

	FUZZ_CHECK(again != NULL);
	dk_wr_init(&wr, again, length);
	dk_rd_init(&rd, m->data, m->len);
	while (dk_rd_left(&rd) > 0 && ipc_key_sets_next(&rd, &set)) {
		all_inside(&set.name);
		all_inside(&set.bytes);
		all_inside(&set.known);
		ipc_key_sets_add(&wr, &set);
	}
	if (dk_rd_left(&rd) == 0 && !rd.failed)
		FUZZ_CHECK(!wr.failed && wr.len == length && memcmp(again, begin, length) == 0);
	free(again);
}

/* METADATA, KEYS_KNOWN, KEY_ACCEPT. */
static void
tenants(const struct ipc_message *m)
{
	struct ipc_key_accept accept;
	struct ipc_named named;

	if (ipc_named_read(m->data, m->len, &named)) {
		all_inside(&named.name);
		all_inside(&named.bytes);
		FUZZ_CHECK(1 + named.name.len + named.bytes.len == length);
	}
	if (ipc_key_accept_read(m->data, m->len, &accept)) {
		all_inside(&accept.name);
		inside(accept.thumbprint, 32);
		FUZZ_CHECK(4 + 1 + accept.name.len + 32 == length);
	}
}

static void
fetch_state(const struct ipc_message *m)
{
	uint8_t again[IPC_FETCH_STATE_MAX_BYTES];
	struct ipc_fetch_state state;

	if (!ipc_fetch_state_read(m->data, m->len, &state))
		return;
	FUZZ_CHECK(state.count <= IPC_ISSUERS_MAX);
	FUZZ_CHECK(ipc_fetch_state_write(&state, again) == length);
	FUZZ_CHECK(memcmp(again, begin, length) == 0);
}

/* POST, WITNESS_ASK, WITNESS_STATE. */
static void
witness(const struct ipc_message *m)
{
	uint8_t again[IPC_WITNESS_STATE_MAX_BYTES];
	struct ipc_witness_state state;
	struct ipc_witness_ask ask;
	struct ipc_fetch post;

	if (ipc_post_read(m->data, m->len, &post)) {
		FUZZ_CHECK(strlen(post.url) >= 1 && strlen(post.url) <= IPC_POST_URL_MAX_BYTES);
		all_inside(&post.ca_pem);
		all_inside(&post.body);
	}
	if (ipc_witness_ask_read(m->data, m->len, &ask))
		all_inside(&ask.body);
	if (!ipc_witness_state_read(m->data, m->len, &state))
		return;
	FUZZ_CHECK(state.count <= DK_QUORUM_WITNESSES_MAX);
	FUZZ_CHECK(ipc_witness_state_write(&state, again) == length);
	FUZZ_CHECK(memcmp(again, begin, length) == 0);
}

/* ---- the front end of spec/profiles/ms-dke.md ---- */

static void
names(const char *name, const char *id)
{
	FUZZ_CHECK(ipc_dke_name_valid(name, strlen(name)) && ipc_dke_name_valid(id, strlen(id)));
}

static void
dke_decrypt(const struct ipc_message *m)
{
	struct ipc_dke_decrypt d;

	if (!ipc_dke_decrypt_read(m, &d))
		return;
	FUZZ_CHECK(d.address == begin);
	names(d.name, d.id);
	for (unsigned i = 0; i < IPC_CLAIMS; i++)
		all_inside(&d.claims.of[i]);
	FUZZ_CHECK(d.claims.of[IPC_CLAIM_TOKEN_DIGEST].len == 0 &&
	    d.claims.of[IPC_CLAIM_APPROVALS].len == 0);
	FUZZ_CHECK((const uint8_t *)d.body.data + d.body.len == begin + length);
	certificate(&d.claims.of[IPC_CLAIM_CERTIFICATE]);
}

static void
dke_judged(const struct ipc_message *m)
{
	struct ipc_dke_judged j;

	if (!ipc_dke_judged_read(m, &j))
		return;
	names(j.name, j.id);
	inside(j.policy, 32);
	FUZZ_CHECK(j.charge_count <= IPC_CHARGES_MAX && j.factor_count < DK_LOG_FACTORS_MAX);
	inside(j.charges, (size_t)j.charge_count * IPC_CHARGE_BYTES);
	all_inside(&j.token);
	all_inside(&j.certificate);
	all_inside(&j.client);
	all_inside(&j.rule);
	inside(j.address, 16);
	all_inside(&j.person);
	inside(j.token_digest, 32);
	FUZZ_CHECK(j.value.len <= IPC_DKE_VALUE_MAX_BYTES &&
	    (const uint8_t *)j.value.data + j.value.len == begin + length);
	FUZZ_CHECK(j.code != 0 || (j.level != 0 && j.value.len > 0 && j.token.len > 0));
}

static void
dke_keys(const struct ipc_message *m)
{
	struct ipc_dke_key *keys = calloc(IPC_DKE_KEYS_MAX, sizeof(*keys));
	unsigned count;

	FUZZ_CHECK(keys != NULL);
	if (ipc_dke_keys_read(m, keys, &count))
		for (unsigned i = 0; i < count; i++) {
			names(keys[i].name, keys[i].id);
			all_inside(&keys[i].modulus);
		}
	free(keys);
}

/* ---- its pages ---- */

static void
page(const struct ipc_message *m)
{
	struct ipc_page_passed p;
	struct ipc_presence presence;
	struct dk_page_register r;
	struct dk_page_act act;
	uint8_t digest[32];

	if (ipc_presence_read(m, &presence)) {
		inside(presence.address, 16);
		FUZZ_CHECK(presence.body.len + 136 == length);
	}
	if (!ipc_page_passed_read(m, &p))
		return;
	inside(p.address, 16);
	FUZZ_CHECK((const uint8_t *)p.body.data + p.body.len == begin + length);
	if (dk_page_register_parse(p.body.data, p.body.len, &r) == DK_OK) {
		FUZZ_CHECK(dk_page_is_register(p.body.data, p.body.len));
		FUZZ_CHECK(dk_user_name_valid(r.person, strlen(r.person)));
		FUZZ_CHECK(r.before.len < r.maced.len && r.maced.len + 48 == p.body.len);
	}
	if (dk_page_act_parse(p.body.data, p.body.len, &act) == DK_OK) {
		FUZZ_CHECK(dk_page_act_challenge(&act, "u", p.address, digest) == DK_OK);
		FUZZ_CHECK(act.credential.len <= DK_CREDENTIAL_ID_MAX_BYTES);
		FUZZ_CHECK(act.assertion.authenticator.len >= 37);
	}
}

static void
gate(const struct ipc_message *m)
{
	uint8_t again[IPC_GATE_BYTES];
	struct ipc_gate g;

	if (!ipc_gate_read(m, &g))
		return;
	ipc_gate_write(&g, again);
	FUZZ_CHECK(m->len == sizeof(again) && memcmp(m->data, again, sizeof(again)) == 0);
}

static void
authenticator(const struct ipc_message *m)
{
	struct ipc_authenticator a;

	if (ipc_authenticator_read(m, &a))
		FUZZ_CHECK(m->len == 32 + DK_P256_SPKI_BYTES + a.credential.len);
}

static void
approved(const struct ipc_message *m)
{
	uint8_t again[IPC_APPROVED_BYTES];
	struct approved a;

	if (!ipc_approved_read(m, &a))
		return;
	ipc_approved_write(&a, again);
	FUZZ_CHECK(m->len == sizeof(again) && memcmp(m->data, again, sizeof(again)) == 0);
}

static void
approve_passed(const struct ipc_message *m)
{
	struct ipc_approve_passed p;
	struct ipc_approver_rule rule;

	if (!ipc_approve_passed_read(m, &p))
		return;
	for (unsigned i = 0; i < p.rule_count; i++) {
		FUZZ_CHECK(ipc_approver_rule_next(&p.rules, &rule));
		inside(rule.title, rule.title_len);
	}
	asked(&p.asked);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const ways[])(const struct ipc_message *) = { release, judged, enrol, text,
		known, policy, policy_text, append, appended, anchored, records, admin,
		admin_packet, token, tls, small, fetch, key_sets, fetch_state, state_taken,
		state_put, witness, dke_decrypt, dke_judged, dke_keys, tenants, page, gate,
		authenticator, approved, approve_passed };
	struct ipc_message message = { .type = 0 };
	uint8_t *exact;

	if (len < 1)
		return 0;
	exact = fuzz_exact(data + 1, len - 1);
	message.data = begin = exact;
	message.len = length = len - 1;
	ways[data[0] % (sizeof(ways) / sizeof(ways[0]))](&message);
	free(exact);
	return 0;
}
