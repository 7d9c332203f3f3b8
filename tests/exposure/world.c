/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: exposure_world <WORLDS
 *
 * The engine over worlds in the format of spec/exposure.md section 7, each ended by an empty
 * line. Prints what stands behind `expect`, a line an object, and an empty line behind each
 * world. Exit 1: a line that it cannot read, or that the engine refuses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exposure/exposure.h"

#define WORDS_MAX 48
#define MANY 256

struct world {
	struct dk_exposure_case c;
	struct dk_theft theft[MANY];
	uint32_t own[MANY];
	struct dk_exposure_entry entry[MANY];
	uint32_t item[MANY][WORDS_MAX];
	struct dk_exposure_factor factor[MANY][WORDS_MAX];
	size_t entries;
	struct dk_exposure_object object[MANY];
	struct dk_exposure_set set[MANY][WORDS_MAX];
	uint32_t key[MANY][WORDS_MAX][WORDS_MAX];
	size_t objects;
	struct {
		uint64_t policy, device, key;
	} grant[MANY];
	size_t grants;
};

struct line {
	char *word[WORDS_MAX];
	size_t count;
};

static void
die(const char *what)
{
	fprintf(stderr, "exposure_world: %s\n", what);
	exit(1);
}

static uint64_t
number(const char *word)
{
	char *end;
	unsigned long long n;

	if (!word)
		die("a number is missing");
	n = strtoull(word, &end, 10);
	if (end == word || *end != '\0')
		die(word);
	return n;
}

static size_t
one_of(const char *word, const char *const *names, size_t count)
{
	for (size_t i = 0; word && i < count; i++)
		if (strcmp(word, names[i]) == 0)
			return i;
	die(word ? word : "a word is missing");
	return 0;
}

static const char *const KINDS[] = { "", "key", "device", "admin", "token-key", "ca", "process",
	"tls-key", "proxy", "store", "passphrase", "hsm-pin" };
static const char *const PROCESSES[] = { "", "parent", "httpd", "authd", "keyd", "logd", "tokend",
	"fetchd" };
static const char *const CLASSES[] = { "other", "begun", "release", "key", "code", "device",
	"config", "confirmation", "policy", "closed" };
static const char *const FACTORS[] = { "", "device", "admin", "approval", "token", "cert",
	"confirmation", "front" };
static const char *const MODES[] = { "strict", "prompt" };
static const char *const CLEAR[] = { "native", "clear" };
#define ONE_OF(word, names) one_of(word, names, sizeof(names) / sizeof(names[0]))

static void
read_theft(struct world *w, struct line *l)
{
	struct dk_theft *t = &w->theft[w->c.theft_count++];
	size_t at = 2;

	t->kind = (enum dk_theft_kind)ONE_OF(l->word[1], KINDS);
	if (t->kind == DK_THEFT_PROCESS)
		t->id = ONE_OF(l->word[at++], PROCESSES);
	else if (t->kind < DK_THEFT_PROCESS)
		t->id = number(l->word[at++]);
	t->since = number(l->word[at++]);
	t->until = DK_EXPOSURE_NEVER;
	if (l->word[at] && strcmp(l->word[at], "-") != 0)
		t->until = number(l->word[at]);
}

static void
read_factor(char *word, struct dk_exposure_factor *f)
{
	char *name = strchr(word, ':'), *verifier = strrchr(word, ':');

	if (!name || name == verifier)
		die(word);
	*name++ = '\0';
	*verifier++ = '\0';
	f->kind = (enum dk_exposure_factor_kind)ONE_OF(word, FACTORS);
	f->id = number(name);
	f->verifier = (enum dk_exposure_process)ONE_OF(verifier, PROCESSES);
}

static void
read_release(struct world *w, size_t at, struct dk_exposure_entry *e, struct line *l)
{
	char *rest = l->word[7];

	e->prompt = ONE_OF(l->word[5], MODES);
	e->clear = ONE_OF(l->word[6], CLEAR);
	while (rest && e->count < WORDS_MAX) {
		char *one = strsep(&rest, ",");

		w->item[at][e->count++] = (uint32_t)number(one);
	}
	for (size_t i = 8; i < l->count; i++)
		read_factor(l->word[i], &w->factor[at][e->factor_count++]);
}

static void
read_entry(struct world *w, struct line *l)
{
	size_t at = w->entries++;
	struct dk_exposure_entry *e = &w->entry[at];

	e->index = number(l->word[1]);
	e->after = number(l->word[2]);
	e->before = number(l->word[3]);
	e->class = (enum dk_exposure_class)ONE_OF(l->word[4], CLASSES);
	e->item = w->item[at];
	e->factor = w->factor[at];
	if (e->class == DK_ENTRY_CONFIG)
		e->prompt = ONE_OF(l->word[5], MODES);
	else if (e->class == DK_ENTRY_POLICY)
		e->root = l->word[5] && strcmp(l->word[5], "-") == 0 ? DK_EXPOSURE_NEVER
								     : number(l->word[5]);
	else if (e->class == DK_ENTRY_CODE || e->class == DK_ENTRY_DEVICE ||
	    e->class == DK_ENTRY_CONFIRMATION)
		e->root = number(l->word[5]);
	else if (e->class == DK_ENTRY_KEY)
		for (size_t i = 5; i < l->count; i++)
			w->item[at][e->count++] = (uint32_t)number(l->word[i]);
	else if (e->class == DK_ENTRY_RELEASE)
		read_release(w, at, e, l);
}

static void
read_set(struct world *w, struct line *l)
{
	uint64_t object = number(l->word[1]);
	size_t at = 0;
	struct dk_exposure_set *s;

	while (at < w->objects && w->object[at].object != object)
		at++;
	if (at == w->objects || w->object[at].set_count == WORDS_MAX || l->count < 4)
		die("a set of no object");
	s = &w->set[at][w->object[at].set_count];
	s->key = w->key[at][w->object[at].set_count++];
	s->customer = strcmp(l->word[2], "customer") == 0;
	s->copied = strcmp(l->word[3], "copied") == 0;
	for (size_t i = 4; i < l->count; i++)
		w->key[at][w->object[at].set_count - 1][s->count++] = (uint32_t)number(l->word[i]);
}

/* Its one set is what the record of its release says. */
static void
read_document(struct world *w, struct line *l)
{
	size_t at = w->objects++;

	w->key[at][0][0] = (uint32_t)number(l->word[2]);
	w->set[at][0] = (struct dk_exposure_set){
		.customer = true, .copied = true, .count = 1, .key = w->key[at][0]
	};
	w->object[at] = (struct dk_exposure_object){ .object = (uint32_t)number(l->word[1]),
		.body = true,
		.verified = true,
		.document = true,
		.set_count = 1,
		.set = w->set[at] };
}

static void
read_line(struct world *w, struct line *l)
{
	static const char *const verbs[] = { "window", "stolen", "own", "entry", "object", "set",
		"document", "grant", "expect" };

	if (w->c.theft_count == MANY || w->c.own_count == MANY || w->entries == MANY ||
	    w->objects == MANY || w->grants == MANY)
		die("a world too large");
	switch (ONE_OF(l->word[0], verbs)) {
	case 0:
		w->c.from = number(l->word[1]);
		w->c.to = number(l->word[2]);
		w->c.gap = l->count > 3 ? number(l->word[3]) : DK_EXPOSURE_DEFAULT_GAP_S;
		break;
	case 1:
		read_theft(w, l);
		break;
	case 2:
		w->own[w->c.own_count++] = (uint32_t)number(l->word[1]);
		break;
	case 3:
		read_entry(w, l);
		break;
	case 4:
		w->object[w->objects].object = (uint32_t)number(l->word[1]);
		w->object[w->objects].body = l->count == 4 && strcmp(l->word[2], "body") == 0;
		w->object[w->objects].verified =
		    l->count == 4 && strcmp(l->word[3], "verified") == 0;
		w->object[w->objects].set = w->set[w->objects];
		w->objects++;
		break;
	case 5:
		read_set(w, l);
		break;
	case 6:
		read_document(w, l);
		break;
	case 7:
		w->grant[w->grants].policy = number(l->word[1]);
		w->grant[w->grants].device = number(l->word[2]);
		w->grant[w->grants++].key = number(l->word[3]);
		break;
	default:
		break;
	}
}

static void
print_side(enum dk_exposure_rule rule, uint32_t key, uint64_t entry)
{
	if (rule == DK_RULE_PROVIDER)
		printf(":assumed");
	else if (rule == DK_RULE_UNWRAP)
		printf(":key-%u", (unsigned)key);
	else
		printf(":%s-%llu", rule == DK_RULE_RELEASE ? "release" : "intercept",
		    (unsigned long long)entry);
}

static void
print(uint32_t object, const struct dk_exposure_verdict *v)
{
	static const char *const answers[] = { "not-readable", "unknown", "readable" };
	const char *comma = "";

	printf("%u %s ", (unsigned)object, answers[v->answer]);
	if (v->answer == DK_READABLE) {
		printf("%u", (unsigned)v->steps);
		print_side(v->customer_rule, v->customer_key, v->entry);
		print_side(v->provider_rule, v->provider_key, 0);
	} else if (v->answer == DK_NOT_READABLE) {
		printf("-");
	}
	for (unsigned bit = 1; dk_exposure_missing_name(bit); bit *= 2) {
		if (v->missing & bit) {
			printf("%s%s", comma, dk_exposure_missing_name(bit));
			comma = ",";
		}
	}
	printf(" %s %s\n", v->on_device ? "on-device" : "-", v->online ? "online" : "-");
}

/* ---- why: each step has its theft, each gap its entry ---- */

static void
need_cause(const struct world *w, const struct dk_exposure_why *why)
{
	if (why->how == DK_HOW_NOT || why->theft >= w->c.theft_count ||
	    (why->second != DK_EXPOSURE_NONE && why->second >= w->c.theft_count))
		die("a step without a cause");
}

static void
check_key(const struct world *w, const struct dk_exposure *x, uint32_t key)
{
	struct dk_exposure_why why;

	dk_exposure_why_key(x, key, &why);
	need_cause(w, &why);
}

static void
check_release(const struct world *w, const struct dk_exposure *x, const struct dk_exposure_entry *e)
{
	struct dk_exposure_why why;

	for (size_t i = 0; i < e->factor_count; i++) {
		dk_exposure_why_factor(x, e, &e->factor[i], &why);
		need_cause(w, &why);
	}
}

/* A device that was had, if it does not lie in the front end. */
static void
check_intercept(
    const struct world *w, const struct dk_exposure *x, const struct dk_exposure_entry *e)
{
	bool found = e->clear;

	for (size_t i = 0; i < e->factor_count; i++) {
		struct dk_exposure_why why;

		dk_exposure_why_device(x, e->factor[i].id, e->before, &why);
		if (e->factor[i].kind != DK_BY_DEVICE || why.how == DK_HOW_NOT)
			continue;
		need_cause(w, &why);
		found = true;
	}
	if (!found)
		die("nobody read it");
}

static void
check_entry(const struct world *w, const struct dk_exposure *x, const struct dk_exposure_verdict *v)
{
	const struct dk_exposure_entry *e = w->entry;
	bool asked, read;

	while (e->index != v->entry)
		e++;
	dk_exposure_why_release(x, e, &asked, &read);
	if (v->customer_rule == DK_RULE_RELEASE ? !asked : !read)
		die("another rule");
	if (v->customer_rule == DK_RULE_RELEASE)
		check_release(w, x, e);
	else
		check_intercept(w, x, e);
}

static void
check_why(const struct world *w, const struct dk_exposure *x, const struct dk_exposure_verdict *v)
{
	for (unsigned bit = DK_MISSING_GAP; bit <= DK_MISSING_LOGD; bit *= 2)
		if ((v->missing & bit) && dk_exposure_why_missing(x, bit) == DK_EXPOSURE_NEVER)
			die("missing nowhere");
	if (v->answer != DK_READABLE)
		return;
	if (v->provider_rule == DK_RULE_UNWRAP)
		check_key(w, x, v->provider_key);
	if (v->customer_rule == DK_RULE_UNWRAP)
		check_key(w, x, v->customer_key);
	else
		check_entry(w, x, v);
}

/* ---- what-if: whether a rule gives a key is what the lines say ---- */

struct question {
	const struct world *w;
	uint32_t key;
};

static bool
gives(void *ctx, uint32_t policy, uint64_t device)
{
	const struct question *q = ctx;

	for (size_t i = 0; i < q->w->grants; i++)
		if (q->w->grant[i].policy == policy && q->w->grant[i].device == device &&
		    q->w->grant[i].key == q->key)
			return true;
	return false;
}

enum service { SERVICE_NOT, SERVICE_OWN, SERVICE_NAMED };

static enum service
service_of(const struct world *w, uint32_t key)
{
	enum service found = SERVICE_NOT;

	for (size_t i = 0; i < w->c.own_count; i++)
		found = w->own[i] == key ? SERVICE_OWN : found;
	for (size_t i = 0; i < w->entries; i++)
		if (w->entry[i].class == DK_ENTRY_KEY && w->entry[i].item[0] == key)
			found = SERVICE_NAMED;
	return found;
}

static bool
withheld(const struct world *w, const struct dk_exposure *x, const struct dk_exposure_object *o)
{
	for (size_t i = 0; i < o->set_count; i++)
		for (size_t j = 0; o->set[i].customer && j < o->set[i].count; j++) {
			struct question q = { w, o->set[i].key[j] };
			enum service service = service_of(w, q.key);

			if (service == SERVICE_OWN ||
			    (service == SERVICE_NAMED && dk_exposure_granted(x, gives, &q)))
				return false;
		}
	return true;
}

static void
run(struct world *w)
{
	struct dk_exposure *x;
	dk_err err;

	w->c.keys = w->c.objects = MANY;
	w->c.theft = w->theft;
	w->c.own = w->own;
	err = dk_exposure_new(&w->c, &x);
	if (err)
		die(dk_err_name(err));
	for (size_t i = 0; i < w->entries; i++) {
		err = dk_exposure_entry(x, &w->entry[i]);
		if (err)
			die(dk_err_name(err));
	}
	for (size_t i = 0; i < w->objects; i++) {
		struct dk_exposure_verdict v;

		w->object[i].withheld = withheld(w, x, &w->object[i]);
		err = dk_exposure_object(x, &w->object[i], &v);
		if (err)
			die(dk_err_name(err));
		check_why(w, x, &v);
		print(w->object[i].object, &v);
	}
	dk_exposure_free(x);
	printf("\n");
}

/* What was used of the arrays is cleared: all of them would take longer than the engine. */
static void
clear(struct world *w)
{
	memset(&w->c, 0, sizeof(w->c));
	memset(w->entry, 0, w->entries * sizeof(w->entry[0]));
	memset(w->object, 0, w->objects * sizeof(w->object[0]));
	memset(w->set, 0, w->objects * sizeof(w->set[0]));
	memset(w->theft, 0, sizeof(w->theft));
	w->entries = w->objects = w->grants = 0;
}

int
main(void)
{
	static struct world w;
	char *text = NULL;
	size_t cap = 0;

	while (getline(&text, &cap, stdin) > 0) {
		struct line l = { .count = 0 };
		char *rest = text;

		text[strcspn(text, "\n")] = '\0';
		if (text[0] == '#')
			continue;
		if (text[0] == '\0') {
			run(&w);
			clear(&w);
			continue;
		}
		while (rest && l.count < WORDS_MAX - 1)
			l.word[l.count++] = strsep(&rest, " ");
		read_line(&w, &l);
	}
	free(text);
	return 0;
}
