/* SPDX-License-Identifier: Apache-2.0 */
/* Checks 3 to 8 of spec/witness.md section 2, in this order. */
#include <string.h>

#include "witness/witness.h"

static struct witness_log *
find(struct witness *w, const struct witness_request *r)
{
	for (unsigned i = 0; i < w->log_count; i++)
		if (strlen(w->log[i].origin) == r->origin_len &&
		    memcmp(w->log[i].origin, r->origin, r->origin_len) == 0)
			return &w->log[i];
	return NULL;
}

static bool
add(struct witness_verdict *v, const char *bytes, size_t len)
{
	if (len > sizeof(v->note) - v->note_len)
		return false;
	memcpy(v->note + v->note_len, bytes, len);
	v->note_len += len;
	return true;
}

/* One line of this key, as it stands in the note. */
static bool
keep_line(const struct dk_note *note, const struct dk_note_key *key, struct witness_verdict *v)
{
	size_t at = 0, begin = 0, name = strlen(key->name);
	struct dk_note_line line;

	for (; dk_note_next(note, &at, &line); begin = at)
		if (line.name_len == name && memcmp(line.name, key->name, name) == 0 &&
		    memcmp(line.id, key->id, sizeof(line.id)) == 0)
			return add(v, note->lines + begin, at - begin);
	return false;
}

/* The text, an empty line, and the lines that hold; false: refused. */
static bool
take_signatures(const struct witness *w, const struct witness_request *r, struct witness_verdict *v)
{
	struct dk_note_seen seen;
	unsigned signatures = 0;

	v->note_len = 0;
	if (!add(v, r->note.text, r->note.text_len) || !add(v, "\n", 1))
		return false;
	for (unsigned i = 0; i < w->logs.log_count; i++) {
		const struct dk_note_key *key = &w->logs.log[i].key;

		if (strcmp(key->name, v->log->origin) != 0)
			continue;
		if (dk_note_verify(&r->note, key, &seen) != DK_OK)
			return false;
		if (seen.count == 0)
			continue;
		if (!keep_line(&r->note, key, v))
			return false;
		signatures++;
	}
	return signatures > 0;
}

static bool
root_of_nothing(const struct dk_checkpoint *cp)
{
	uint8_t empty[DK_HASH_BYTES];

	return dk_sha256(NULL, 0, empty) == DK_OK && memcmp(empty, cp->root, sizeof(empty)) == 0;
}

static unsigned
check(const struct witness *w, const struct witness_request *r, struct witness_verdict *v)
{
	const struct dk_checkpoint *cp = &r->checkpoint;
	const struct witness_log *log = v->log;

	if (!take_signatures(w, r, v))
		return 403;
	if (r->old > cp->size)
		return 400;
	if (r->old != log->newest.size)
		return 409;
	v->same = log->seen && cp->size == log->newest.size &&
	    memcmp(cp->root, log->newest.root, sizeof(cp->root)) == 0;
	v->two_trees = log->seen && cp->size == log->newest.size && !v->same;
	if (cp->size == 0 && !root_of_nothing(cp))
		return 422;
	return dk_merkle_consistency_verify(
		   r->old, log->newest.root, cp->size, cp->root, r->hashes, r->hash_count) == DK_OK
	    ? 200
	    : 422;
}

void
witness_judge(
    struct witness *w, const struct witness_request *r, uint64_t now, struct witness_verdict *ret)
{
	ret->log = find(w, r);
	ret->same = ret->two_trees = false;
	ret->next = r->checkpoint;
	ret->status = ret->log ? check(w, r, ret) : 404;
	if (ret->status != 200)
		return;
	if (now == 0 ||
	    dk_cosignature_write(w->signer, &w->key, &r->note, now, ret->line, &ret->line_len) !=
		DK_OK ||
	    !add(ret, ret->line, ret->line_len))
		ret->status = 500;
}
