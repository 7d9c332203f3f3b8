/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs those vectors of ms-dke/ that authd has to do with through its code: policies, tokens,
 * bodies and levels. The others are those of httpd and keyd.
 *
 * usage: run_dke_token FOLDER
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/dke_body.h"
#include "authd/dke_token.h"
#include "authd/in_force.h"
#include "authd/known_keys.h"
#include "base/text.h"
#include "folder.h"
#include "ipc/fetch.h"
#include "native_vector.h"

#define ID "5f0c1d2e-3b4a-4c5d-8e6f-708192a3b4c5"
#define LIST_MAX 8

/* The tenant of spec/profiles/ms-dke.md section 5.1. */
static const char policy_text[] = "tenant \"contoso\" {\n\tid = \"" ID "\"\n"
				  "\tissuers = {\"https://sts.windows.net/" ID "/\",\n"
				  "\t    \"https://login.microsoftonline.com/" ID "/v2.0\"}\n"
				  "\taudiences = {\"https://dke.contoso.com\"}\n"
				  "\tclients = {\"d3590ed6-52b3-4102-aeff-aad2292ab01c\"}\n"
				  "\tkey-set = \"https://login.microsoftonline.com/" ID "/keys\"\n";

static unsigned ran;

static const char *
line_or(struct vector *v, const char *name, const char *absent)
{
	for (unsigned i = 0; i < v->lines; i++)
		if (strcmp(v->name[i], name) == 0)
			return v->value[i];
	return absent;
}

static struct in_force *
make_policy(struct vector *v, uint64_t now)
{
	static uint8_t sets[KEYSET_MAX_BYTES + 64];
	struct ipc_key_set set = {
		.name = { "contoso", 7 }, .fetched_s = now, .bytes = part(v, "key-set")
	};
	char made[sizeof(policy_text) + 64];
	const int n = snprintf(made, sizeof(made), "%ssingle-use = %s\n}\n", policy_text,
	    line_or(v, "single-use", "false"));
	const struct dk_part text = { made, (size_t)n };
	struct dk_part all = { sets, 0 };
	struct policy_fault fault;
	struct dk_writer_buf wr;

	dk_wr_init(&wr, sets, sizeof(sets));
	ipc_key_sets_add(&wr, &set);
	all.len = wr.len;
	return in_force_new(&text, &all, &fault);
}

/* Thumbprints in hex with blanks between. */
static void
quarantine(struct token_issuer *tenant, const char *hex, uint64_t until_s)
{
	char one[65] = "";

	for (; strlen(hex) >= 64; hex += hex[64] == ' ' ? 65 : 64) {
		struct token_known *q = &tenant->known[tenant->known_count++];

		memcpy(one, hex, 64);
		q->until_s = until_s;
		if (!dk_unhex(one, q->thumbprint, sizeof(q->thumbprint)))
			exit(1);
	}
}

static void
found_use(struct vector *v, const struct dke_token *token)
{
	uint8_t name[32];

	v->differs |=
	    (token->until != 0) != (strcmp(line_or(v, "single-use", "false"), "true") == 0);
	if (token->until == 0)
		return;
	if (dk_log_dke_token(&token->record, name) != DK_OK)
		exit(1);
	found_hex(v, "used", name, sizeof(name));
}

static const char *
run_token(struct vector *v)
{
	uint64_t now = strtoull(need(v, "now"), NULL, 10);
	struct in_force *f = make_policy(v, now);
	const struct dk_part text = part(v, "token");
	static struct dke_token token;
	enum dke_token_fault fault = DKE_TOKEN_FALSE;

	/* A set with nothing to use in it is none. */
	if (f && f->issuers.item[0].keys.count > 0) {
		f->issuers.item[0].known_count = 0;
		quarantine(&f->issuers.item[0], line_or(v, "quarantined", ""), now + 1);
		known_keys_take(&f->issuers.item[0], &f->issuers.item[0].keys, 0);
		fault = dke_token_verify(text.data, text.len, f->policy, &f->issuers, now, &token);
	}
	if (fault == DKE_TOKEN_HOLDS) {
		found(v, "person", token.person);
		found(v, "client", token.client);
		found(v, "token-id", token.record.id[0] ? token.record.id : "-");
		v->differs |= !token.is_signed;
		found_use(v, &token);
	}
	in_force_free(f);
	return dke_token_fault_name(fault);
}

static const char *
run_body(struct vector *v)
{
	const struct dk_part body = part(v, "body");
	uint8_t value[DKE_VALUE_MAX_BYTES], document[32];
	struct dk_part plain = { value, 0 };

	if (!dke_body_parse(body.data, body.len, value, &plain.len))
		return "malformed-request";
	if (dk_sha256(&plain, 1, document) != DK_OK)
		return "?";
	found_hex(v, "document", document, sizeof(document));
	return "success";
}

/* A line of texts with SEPARATOR between them, or "-", as sets of gates. */
static unsigned
split(struct vector *v, const char *name, const char *separator, unsigned ret[LIST_MAX])
{
	char line[LINE_BYTES], *text = line;
	unsigned n = 0;

	folder_copy(line, sizeof(line), need(v, name));
	if (strcmp(line, "-") == 0)
		return 0;
	for (char *next; text && n < LIST_MAX; text = next) {
		next = strstr(text, separator);
		if (next) {
			*next = '\0';
			next += strlen(separator);
		}
		ret[n] = policy_gates_parse(text);
		if (ret[n++] == 0) {
			printf("FAIL %s: no gate: %s\n", v->path, text);
			v->differs = true;
		}
	}
	return n;
}

static const char *
run_level(struct vector *v)
{
	unsigned texts[LIST_MAX], held[LIST_MAX], all = 0, count, n;
	enum policy_level level;

	count = split(v, "gates", ", ", texts);
	n = split(v, "held", " ", held);
	for (unsigned i = 0; i < n; i++)
		all |= held[i];
	found(v, "lowest", policy_level_name(policy_gates_lowest(texts, count)));
	level = policy_gates_level(texts, count, all);
	if (level == POLICY_LEVEL_NONE)
		return "gate";
	found(v, "level", policy_level_name(level));
	return "success";
}

/* Words with blanks between them. */
static struct policy_texts
words(struct vector *v, const char *name, char copy[LINE_BYTES], const char **items)
{
	struct policy_texts texts = { 0, items };

	folder_copy(copy, LINE_BYTES, line_or(v, name, ""));
	for (char *word = copy, *end; *word != '\0' && texts.count < LIST_MAX; word = end) {
		items[texts.count++] = word;
		end = word + strcspn(word, " ");
		if (*end != '\0')
			*end++ = '\0';
	}
	return texts;
}

/* SCOPE:USER:TIME:NEEDED with blanks between them; users borrow from copy. */
static unsigned
approvals(struct vector *v, char copy[LINE_BYTES], struct policy_approval ret[LIST_MAX])
{
	const char *items[LIST_MAX];
	struct policy_texts texts = words(v, "approved", copy, items);

	for (unsigned i = 0; i < texts.count; i++) {
		char *user = (char *)items[i] + 2, *time = strchr(user, ':');
		char *needed = time ? strchr(time + 1, ':') : NULL;

		if (!needed)
			exit(2);
		*time++ = *needed++ = '\0';
		ret[i] = (struct policy_approval){ items[i][0] == '2', user,
			strtoull(time, NULL, 10), (unsigned)strtoul(needed, NULL, 10) };
	}
	return texts.count;
}

static void
tell_counted(struct vector *v, const struct policy_dke_answer *answer)
{
	char counted[LINE_BYTES] = "";
	size_t len = 0;

	for (unsigned i = 0; i < answer->counted_count; i++)
		len += (size_t)snprintf(
		    counted + len, sizeof(counted) - len, "%s%u", i ? " " : "", answer->counted[i]);
	if (len > 0)
		found(v, "counted", counted);
}

static void
tell_tried(struct vector *v, const struct policy *policy, const struct policy_dke_question *q,
    const struct policy_dke_answer *answer)
{
	char tried[LINE_BYTES] = "";
	size_t len = 0;

	for (unsigned i = 0; answer->verdict != DKE_VERDICT_CANARY && i <= answer->rule &&
	     i < policy_decrypts(policy);
	     i++)
		len += (size_t)snprintf(tried + len, sizeof(tried) - len, "%s%s", i ? " " : "",
		    policy_why_name(policy_decrypt_why(policy, i, q)));
	found(v, "tried", len > 0 ? tried : "-");
}

/* Directories by their titles. */
static unsigned
unknown(const struct policy *policy, struct policy_texts titles)
{
	unsigned bits = 0;

	for (unsigned d = 0; d < policy_directories(policy); d++)
		for (unsigned i = 0; i < titles.count; i++)
			if (strcmp(titles.item[i], policy_directory(policy, d).title) == 0)
				bits |= 1u << d;
	return bits;
}

static const char *
judge(struct vector *v, const struct policy *policy)
{
	static const char *const verdicts[] = { "policy", "success", "gate", "canary",
		"approval-required", "directory" };
	char groups[LINE_BYTES], roles[LINE_BYTES], approved[LINE_BYTES];
	struct policy_approval approval[LIST_MAX];
	char ldap[LINE_BYTES], stale[LINE_BYTES], gone[LINE_BYTES];
	const char *gone_name[LIST_MAX];
	const char *group[LIST_MAX], *role[LIST_MAX], *name[LIST_MAX], *title[LIST_MAX],
	    *address = line_or(v, "address", NULL);
	unsigned held[LIST_MAX], n = line_or(v, "held", NULL) ? split(v, "held", " ", held) : 0;
	struct policy_dke_question q = { .key = need(v, "key"),
		.tenant = need(v, "tenant"),
		.person = need(v, "person"),
		.document = line_or(v, "document", ""),
		.time = strtoull(need(v, "now"), NULL, 10),
		.groups = words(v, "groups", groups, group),
		.roles = words(v, "roles", roles, role),
		.approval_count = approvals(v, approved, approval),
		.approval = approval,
		.ldap_groups = words(v, "ldap-groups", ldap, name),
		.ldap_gone = words(v, "gone", gone, gone_name),
		.unknown = unknown(policy, words(v, "stale", stale, title)) };
	struct policy_dke_answer answer;

	for (unsigned i = 0; i < n; i++)
		q.held |= held[i];
	if (address) {
		q.address[10] = q.address[11] = 0xff;
		v->differs |= inet_pton(AF_INET, address, q.address + 12) != 1;
	}
	answer = policy_dke_judge(policy, &q);
	tell_tried(v, policy, &q, &answer);
	tell_counted(v, &answer);
	if (answer.rule < policy_decrypts(policy))
		found(v, "rule", policy_decrypt_info(policy, answer.rule).title);
	if (answer.level != POLICY_LEVEL_NONE)
		found(v, "level", policy_level_name(answer.level));
	return verdicts[answer.verdict];
}

static const char *
run_judge(struct vector *v)
{
	const struct dk_part text = part(v, "policy");
	struct policy *policy = NULL;
	struct policy_fault fault;
	const char *got;

	if (!policy_parse(text.data, text.len, &policy, &fault)) {
		found_number(v, "line", fault.line);
		return policy_error_name(fault.error);
	}
	got = judge(v, policy);
	policy_free(policy);
	return got;
}

static bool
run(void *ctx, const char *path)
{
	struct vector *v = ctx;
	const char *kind, *got;

	if (!native_vector_read(path, v))
		return false;
	kind = need(v, "kind");
	if (strcmp(kind, "token") == 0)
		got = run_token(v);
	else if (strcmp(kind, "level") == 0)
		got = run_level(v);
	else if (strcmp(kind, "judge") == 0)
		got = run_judge(v);
	/* Its Content-Type is looked at by httpd. */
	else if (strcmp(kind, "body") == 0 && strcmp(need(v, "expect"), "content-type") != 0)
		got = run_body(v);
	else
		return true;
	ran++;
	return folder_same(path, "answer", got, need(v, "expect")) && !v->differs;
}

int
main(int argc, char **argv)
{
	static struct vector v;
	int status;

	if (argc != 2) {
		printf("usage: run_dke_token FOLDER\n");
		return 2;
	}
	status = folder_run(argv[1], run, &v);
	printf("%u of them are authd's\n", ran);
	return ran > 0 ? status : 1;
}
