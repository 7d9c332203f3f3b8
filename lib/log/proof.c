/* SPDX-License-Identifier: Apache-2.0 */
#include "log/proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base64.h"

#define MAGIC "c2sp.org/tlog-proof@v1"

struct lines {
	const char *at;
	size_t left;
	const char *line; /* the one that was read last, without its LF */
	size_t len;
};

static bool
next(struct lines *l)
{
	const char *end = memchr(l->at, '\n', l->left);

	if (!end)
		return false;
	l->line = l->at;
	l->len = (size_t)(end - l->at);
	l->left -= l->len + 1;
	l->at = end + 1;
	return true;
}

/* What stands behind "WORD "; NULL: it does not begin so. */
static const char *
behind(const struct lines *l, const char *word, size_t *ret_len)
{
	size_t n = strlen(word);

	if (l->len < n + 1 || memcmp(l->line, word, n) != 0 || l->line[n] != ' ')
		return NULL;
	*ret_len = l->len - n - 1;
	return l->line + n + 1;
}

static bool
take_extra(struct lines *l, struct dk_log_proof *p)
{
	const char *text;
	size_t len;

	p->has_extra = false;
	p->extra_len = 0;
	text = behind(l, "extra", &len);
	if (!text)
		return true;
	p->has_extra = true;
	return dk_base64_decode(text, len, p->extra, sizeof(p->extra), &p->extra_len) == DK_OK &&
	    next(l);
}

static bool
take_hashes(struct lines *l, struct dk_log_proof *p)
{
	size_t n;

	for (p->hash_count = 0; next(l) && l->len > 0; p->hash_count++)
		if (p->hash_count == DK_PROOF_HASHES_MAX ||
		    dk_base64_decode(l->line, l->len,
			p->hashes + (size_t)p->hash_count * DK_HASH_BYTES, DK_HASH_BYTES,
			&n) != DK_OK ||
		    n != DK_HASH_BYTES)
			return false;
	return l->len == 0;
}

dk_err
dk_log_proof_parse(const char *text, size_t len, struct dk_log_proof *ret_proof)
{
	struct lines l = { .at = text, .left = len };
	const char *index;
	size_t index_len;

	if (len > DK_LOG_PROOF_FILE_MAX_BYTES || !next(&l) || l.len != strlen(MAGIC) ||
	    memcmp(l.line, MAGIC, l.len) != 0 || !next(&l) || !take_extra(&l, ret_proof))
		return DK_ERR_LOG_FILE;
	index = behind(&l, "index", &index_len);
	if (!index || !dk_log_number_parse(index, index_len, &ret_proof->index) ||
	    !take_hashes(&l, ret_proof))
		return DK_ERR_LOG_FILE;
	ret_proof->checkpoint = l.at;
	ret_proof->checkpoint_len = l.left;
	return DK_OK;
}

struct out {
	char *text;
	size_t len;
};

static bool
put(struct out *out, const char *text, size_t len)
{
	if (len > DK_LOG_PROOF_FILE_MAX_BYTES - out->len)
		return false;
	memcpy(out->text + out->len, text, len);
	out->len += len;
	return true;
}

static bool
put_base64(struct out *out, const char *before, const uint8_t *data, size_t len)
{
	char coded[DK_BASE64_CHARS(DK_LOG_PROOF_EXTRA_MAX_BYTES) + 1];

	return put(out, before, strlen(before)) &&
	    dk_base64_encode(data, len, coded, sizeof(coded)) == DK_OK &&
	    put(out, coded, strlen(coded)) && put(out, "\n", 1);
}

dk_err
dk_log_proof_write(const struct dk_log_proof *proof, char *text, size_t *ret_len)
{
	struct out out = { .text = text };
	char index[32];
	int n = snprintf(index, sizeof(index), "index %" PRIu64 "\n", proof->index);
	bool ok = n > 0 && put(&out, MAGIC "\n", strlen(MAGIC) + 1);

	if (ok && proof->has_extra)
		ok = put_base64(&out, "extra ", proof->extra, proof->extra_len);
	ok = ok && put(&out, index, (size_t)n);
	for (unsigned i = 0; ok && i < proof->hash_count; i++)
		ok = put_base64(&out, "", proof->hashes + (size_t)i * DK_HASH_BYTES, DK_HASH_BYTES);
	if (!ok || !put(&out, "\n", 1) || !put(&out, proof->checkpoint, proof->checkpoint_len))
		return DK_ERR_ARGUMENT;
	*ret_len = out.len;
	return DK_OK;
}

dk_err
dk_log_proof_check(const struct dk_log_proof *proof, const struct dk_checkpoint *checkpoint,
    const uint8_t *entry, size_t len)
{
	uint8_t hash[DK_HASH_BYTES], root[DK_HASH_BYTES];
	dk_err err = dk_merkle_leaf(entry, len, hash);

	if (err == DK_OK)
		err = dk_merkle_inclusion_root(
		    hash, proof->index, checkpoint->size, proof->hashes, proof->hash_count, root);
	if (err == DK_ERR_RECEIPT)
		return DK_ERR_LOG_TREE;
	if (err != DK_OK)
		return err;
	return memcmp(root, checkpoint->root, DK_HASH_BYTES) == 0 ? DK_OK : DK_ERR_LOG_TREE;
}
