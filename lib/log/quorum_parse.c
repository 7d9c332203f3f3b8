/* SPDX-License-Identifier: Apache-2.0 */
/* The text of C2SP tlog-policy, a line after the other. */
#include <string.h>

#include "log/checkpoint.h"
#include "log/quorum.h"

#define WORDS_MAX (3 + DK_QUORUM_NODES_MAX)

struct word {
	const char *text;
	size_t len;
};

struct parser {
	struct dk_quorum *q;
	uint64_t taken; /* bits: nodes that are members of a group */
	unsigned count; /* of words on the line */
	struct word word[WORDS_MAX];
	bool has_quorum;
};

static bool
is(const struct word *word, const char *text)
{
	return word->len == strlen(text) && memcmp(word->text, text, word->len) == 0;
}

/* False: too many words, or an octet that no policy has. */
static bool
split(struct parser *p, const char *line, size_t len)
{
	size_t at = 0;

	p->count = 0;
	for (size_t i = 0; i < len; i++)
		if (((uint8_t)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
			return false;
	while (at < len) {
		size_t begin;

		for (; at < len && (line[at] == ' ' || line[at] == '\t'); at++)
			;
		for (begin = at; at < len && line[at] != ' ' && line[at] != '\t'; at++)
			;
		if (at == begin || (p->count == 0 && line[begin] == '#'))
			return true;
		if (p->count == WORDS_MAX)
			return false;
		p->word[p->count++] = (struct word){ line + begin, at - begin };
	}
	return true;
}

static bool
copy(char *to, size_t max, const struct word *word)
{
	if (word->len > max)
		return false;
	memcpy(to, word->text, word->len);
	to[word->len] = '\0';
	return true;
}

static bool
same_key(const struct dk_note_key *a, const struct dk_note_key *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* Number of the node with this name, or DK_QUORUM_NONE. */
static uint8_t
find(const struct dk_quorum *q, const struct word *word)
{
	for (unsigned i = 0; i < q->node_count; i++)
		if (is(word, q->node[i].name))
			return (uint8_t)i;
	return DK_QUORUM_NONE;
}

static bool
new_node(struct dk_quorum *q, const struct word *name, struct dk_quorum_node **ret)
{
	if (q->node_count == DK_QUORUM_NODES_MAX || is(name, "none") ||
	    find(q, name) != DK_QUORUM_NONE ||
	    !copy(q->node[q->node_count].name, DK_QUORUM_NAME_MAX_BYTES, name))
		return false;
	*ret = &q->node[q->node_count];
	return true;
}

/* "log VKEY [URL]" */
static dk_err
take_log(struct parser *p)
{
	struct dk_quorum_log *log = &p->q->log[p->q->log_count];
	dk_err err;

	if (p->count < 2 || p->count > 3 || p->q->log_count == DK_QUORUM_LOGS_MAX ||
	    (p->count == 3 && !copy(log->url, DK_QUORUM_URL_MAX_BYTES, &p->word[2])))
		return DK_ERR_LOG_POLICY;
	err = dk_note_key_parse(p->word[1].text, p->word[1].len, &log->key);
	if (err != DK_OK)
		return err;
	if (log->key.type == DK_NOTE_COSIGNATURE)
		return DK_ERR_LOG_POLICY;
	for (unsigned i = 0; i < p->q->log_count; i++)
		if (same_key(&p->q->log[i].key, &log->key))
			return DK_ERR_LOG_POLICY;
	p->q->log_count++;
	return DK_OK;
}

/* "witness NAME VKEY [URL]" */
static dk_err
take_witness(struct parser *p)
{
	struct dk_quorum_witness *witness = &p->q->witness[p->q->witness_count];
	struct dk_quorum_node *node;
	dk_err err;

	if (p->count < 3 || p->count > 4 || p->q->witness_count == DK_QUORUM_WITNESSES_MAX ||
	    !new_node(p->q, &p->word[1], &node) ||
	    (p->count == 4 && !copy(witness->url, DK_QUORUM_URL_MAX_BYTES, &p->word[3])))
		return DK_ERR_LOG_POLICY;
	err = dk_note_key_parse(p->word[2].text, p->word[2].len, &witness->key);
	if (err != DK_OK)
		return err;
	if (witness->key.type != DK_NOTE_COSIGNATURE)
		return DK_ERR_LOG_POLICY;
	for (unsigned i = 0; i < p->q->witness_count; i++)
		if (same_key(&p->q->witness[i].key, &witness->key))
			return DK_ERR_LOG_POLICY;
	node->witness = (uint8_t)p->q->witness_count++;
	p->q->node_count++;
	return DK_OK;
}

static bool
threshold(const struct word *word, unsigned members, uint8_t *ret)
{
	uint64_t k;

	if (is(word, "any"))
		k = 1;
	else if (is(word, "all"))
		k = members;
	else if (!dk_log_number_parse(word->text, word->len, &k))
		return false;
	*ret = (uint8_t)k;
	return k >= 1 && k <= members;
}

/* "group NAME all|any|K MEMBER..." */
static dk_err
take_group(struct parser *p)
{
	struct dk_quorum_node *node;
	uint8_t member;

	if (p->count < 4 || p->q->node_count - p->q->witness_count == DK_QUORUM_GROUPS_MAX ||
	    !new_node(p->q, &p->word[1], &node) ||
	    !threshold(&p->word[2], p->count - 3, &node->needed))
		return DK_ERR_LOG_POLICY;
	for (unsigned i = 3; i < p->count; i++) {
		member = find(p->q, &p->word[i]);
		if (member == DK_QUORUM_NONE || (p->taken >> member & 1))
			return DK_ERR_LOG_POLICY;
		p->taken |= (uint64_t)1 << member;
		node->members |= (uint64_t)1 << member;
	}
	p->q->node_count++;
	return DK_OK;
}

/* "quorum NAME" */
static dk_err
take_quorum(struct parser *p)
{
	if (p->count != 2 || p->has_quorum)
		return DK_ERR_LOG_POLICY;
	p->has_quorum = true;
	p->q->quorum = find(p->q, &p->word[1]);
	return p->q->quorum != DK_QUORUM_NONE || is(&p->word[1], "none") ? DK_OK
									 : DK_ERR_LOG_POLICY;
}

static dk_err
take_line(struct parser *p)
{
	static const struct {
		const char *name;
		dk_err (*take)(struct parser *p);
	} forms[] = { { "log", take_log }, { "witness", take_witness }, { "group", take_group },
		{ "quorum", take_quorum } };

	if (p->count == 0)
		return DK_OK;
	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (is(&p->word[0], forms[i].name))
			return forms[i].take(p);
	return DK_ERR_LOG_POLICY;
}

dk_err
dk_quorum_parse(const char *text, size_t len, struct dk_quorum *ret_quorum, unsigned *ret_line)
{
	struct parser p = { .q = ret_quorum };
	unsigned number = 0;
	const char *end;
	dk_err err;

	memset(ret_quorum, 0, sizeof(*ret_quorum));
	*ret_line = 1;
	if (len > DK_QUORUM_FILE_MAX_BYTES)
		return DK_ERR_LOG_POLICY;
	for (; len > 0; len -= (size_t)(end - text) + 1, text = end + 1) {
		*ret_line = ++number;
		end = memchr(text, '\n', len);
		if (!end || !split(&p, text, (size_t)(end - text)))
			return DK_ERR_LOG_POLICY;
		err = take_line(&p);
		if (err != DK_OK)
			return err;
	}
	return p.has_quorum ? DK_OK : DK_ERR_LOG_POLICY;
}
