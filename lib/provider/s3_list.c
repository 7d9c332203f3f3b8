/* SPDX-License-Identifier: Apache-2.0 */
/* What S3 says in XML: pages of listings, and errors. */
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "provider/s3.h"

/* A key that is encoded takes three bytes for each. */
#define TEXT_MAX_BYTES (3 * DK_BUCKET_KEY_MAX_BYTES)
#define SIZE_MAX_DIGITS 19

/* Elements whose text counts, with their parents; all others are passed over. */
enum element { OTHER, CODE, TRUNCATED, TOKEN, ENCODING, KEY, SIZE, ETAG, ELEMENTS };

static const struct {
	unsigned depth;
	const char *name;
} elements[ELEMENTS] = {
	[CODE] = { 2, "Code" },
	[TRUNCATED] = { 2, "IsTruncated" },
	[TOKEN] = { 2, "NextContinuationToken" },
	[ENCODING] = { 2, "EncodingType" },
	[KEY] = { 3, "Key" },
	[SIZE] = { 3, "Size" },
	[ETAG] = { 3, "ETag" },
};

struct reading {
	XML_Parser parser;
	const char *root;     /* name of the root element that is meant */
	struct s3_page *page; /* NULL: an error */
	char *code;
	size_t code_cap;
	unsigned depth;
	bool in_contents;
	bool bad, no_memory;
	bool encoded;
	unsigned seen; /* elements: of the page, and of this entry */
	enum element at;
	char text[TEXT_MAX_BYTES + 1];
	size_t text_len;
	uint64_t size;
	char etag[NET_ETAG_MAX_BYTES + 1];
	size_t names_len, names_room;
	size_t start[DK_BUCKET_PAGE]; /* of each key in names */
};

static void
fail(struct reading *reading)
{
	reading->bad = true;
	(void)XML_StopParser(reading->parser, XML_FALSE);
}

static enum element
element_of(const struct reading *reading, const char *name)
{
	for (unsigned i = CODE; i < ELEMENTS; i++)
		if (elements[i].depth == reading->depth && strcmp(elements[i].name, name) == 0 &&
		    (reading->depth == 2 || reading->in_contents))
			return (enum element)i;
	return OTHER;
}

static void
on_start(void *ctx, const char *name, const char **attributes)
{
	struct reading *reading = ctx;

	(void)attributes;
	if (reading->at != OTHER)
		fail(reading);
	reading->depth++;
	reading->text_len = 0;
	reading->at = element_of(reading, name);
	if (reading->depth == 1 && strcmp(name, reading->root) != 0)
		fail(reading);
	if (reading->page && reading->depth == 2 && strcmp(name, "Contents") == 0) {
		reading->in_contents = true;
		reading->seen &= ~(1u << KEY | 1u << SIZE | 1u << ETAG);
		reading->etag[0] = '\0';
	}
	/* Each stands once in what it belongs to. */
	if (reading->at != OTHER && reading->seen >> reading->at & 1)
		fail(reading);
	reading->seen |= 1u << reading->at;
}

static void
on_text(void *ctx, const char *text, int len)
{
	struct reading *reading = ctx;

	if (reading->at == OTHER)
		return;
	if ((size_t)len > TEXT_MAX_BYTES - reading->text_len) {
		fail(reading);
		return;
	}
	memcpy(reading->text + reading->text_len, text, (size_t)len);
	reading->text_len += (size_t)len;
}

/* As a string that fits. Nothing in XML is a NUL. */
static void
take(struct reading *reading, char *ret, size_t cap)
{
	if (reading->text_len >= cap) {
		fail(reading);
		return;
	}
	memcpy(ret, reading->text, reading->text_len);
	ret[reading->text_len] = '\0';
}

static void
take_size(struct reading *reading)
{
	char digits[SIZE_MAX_DIGITS + 1] = "";

	take(reading, digits, sizeof(digits));
	reading->size = strtoull(digits, NULL, 10);
	if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits) ||
	    reading->size > INT64_MAX)
		fail(reading);
}

/* The key as it stands: whether it is encoded is told in another place. */
static void
take_key(struct reading *reading)
{
	struct s3_page *page = reading->page;
	size_t need = reading->names_len + reading->text_len;
	char *grown;

	if (page->page.count == DK_BUCKET_PAGE) {
		fail(reading);
		return;
	}
	if (need >= reading->names_room) {
		reading->names_room = need + TEXT_MAX_BYTES + reading->names_room;
		grown = realloc(page->names, reading->names_room);
		if (!grown) {
			reading->no_memory = true;
			fail(reading);
			return;
		}
		page->names = grown;
	}
	memcpy(page->names + reading->names_len, reading->text, reading->text_len);
	reading->start[page->page.count] = reading->names_len;
	reading->names_len = need;
	page->page.entry[page->page.count].name_len = reading->text_len;
}

static void
take_entry(struct reading *reading)
{
	struct dk_bucket_page *page = &reading->page->page;
	struct dk_bucket_entry *entry = &page->entry[page->count];

	reading->in_contents = false;
	if (!(reading->seen >> KEY & 1) || !(reading->seen >> SIZE & 1)) {
		fail(reading);
		return;
	}
	entry->size = reading->size;
	s3_stamp(reading->size, reading->etag, &entry->stamp);
	page->count++;
}

static void
take_flag(struct reading *reading)
{
	char word[8] = "";

	take(reading, word, sizeof(word));
	reading->page->truncated = strcmp(word, "true") == 0;
	if (!reading->page->truncated && strcmp(word, "false") != 0)
		fail(reading);
}

static void
take_encoding(struct reading *reading)
{
	char word[8] = "";

	take(reading, word, sizeof(word));
	reading->encoded = strcmp(word, "url") == 0;
	if (!reading->encoded && word[0] != '\0')
		fail(reading);
}

static void
on_end(void *ctx, const char *name)
{
	struct reading *reading = ctx;

	(void)name;
	if (reading->page && reading->at == KEY)
		take_key(reading);
	else if (reading->page && reading->at == SIZE)
		take_size(reading);
	else if (reading->page && reading->at == ETAG)
		take(reading, reading->etag, sizeof(reading->etag));
	else if (reading->page && reading->at == TOKEN)
		take(reading, reading->page->token, sizeof(reading->page->token));
	else if (reading->page && reading->at == TRUNCATED)
		take_flag(reading);
	else if (reading->page && reading->at == ENCODING)
		take_encoding(reading);
	else if (!reading->page && reading->at == CODE)
		take(reading, reading->code, reading->code_cap);
	if (reading->depth == 2 && reading->in_contents && !reading->bad)
		take_entry(reading);
	reading->at = OTHER;
	reading->depth--;
}

/* Without one no entity is known, so that nothing can be expanded. */
static void
on_doctype(void *ctx, const char *name, const char *sysid, const char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	fail(ctx);
}

static bool
parse(struct reading *reading, const char *text, size_t len)
{
	bool ok;

	if (!text || len > S3_PAGE_MAX_BYTES)
		return false;
	reading->parser = XML_ParserCreate(NULL);
	if (!reading->parser) {
		reading->no_memory = true;
		return false;
	}
	XML_SetUserData(reading->parser, reading);
	XML_SetElementHandler(reading->parser, on_start, on_end);
	XML_SetCharacterDataHandler(reading->parser, on_text);
	XML_SetStartDoctypeDeclHandler(reading->parser, on_doctype);
	ok = XML_Parse(reading->parser, text, (int)len, 1) == XML_STATUS_OK && !reading->bad;
	reading->no_memory =
	    reading->no_memory || XML_GetErrorCode(reading->parser) == XML_ERROR_NO_MEMORY;
	XML_ParserFree(reading->parser);
	return ok;
}

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

/* In place. A blank is encoded as '+' there. */
static bool
decode(char *text, size_t *len)
{
	size_t n = 0;

	for (size_t i = 0; i < *len; i++) {
		if (text[i] == '%') {
			int high = i + 2 < *len ? digit(text[i + 1]) : -1;
			int low = high >= 0 ? digit(text[i + 2]) : -1;

			if (low < 0)
				return false;
			text[n++] = (char)(high << 4 | low);
			i += 2;
		} else {
			text[n++] = text[i] == '+' ? ' ' : text[i];
		}
	}
	*len = n;
	return true;
}

static bool
ascends(const struct dk_bucket_entry *a, const struct dk_bucket_entry *b)
{
	int order = memcmp(a->name, b->name, a->name_len < b->name_len ? a->name_len : b->name_len);

	return order < 0 || (order == 0 && a->name_len < b->name_len);
}

/* The names of a page whose keys are all there. */
static bool
finish(struct reading *reading, const char *prefix, size_t prefix_len)
{
	struct dk_bucket_page *page = &reading->page->page;

	for (size_t i = 0; i < page->count; i++) {
		struct dk_bucket_entry *entry = &page->entry[i];
		char *key = reading->page->names + reading->start[i];

		if ((reading->encoded && !decode(key, &entry->name_len)) ||
		    entry->name_len > DK_BUCKET_KEY_MAX_BYTES || entry->name_len < prefix_len ||
		    memcmp(key, prefix, prefix_len) != 0 || memchr(key, '\0', entry->name_len))
			return false;
		entry->name = key + prefix_len;
		entry->name_len -= prefix_len;
		if (i > 0 && !ascends(&page->entry[i - 1], entry))
			return false;
	}
	return true;
}

dk_err
s3_page_parse(
    const char *text, size_t len, const char *prefix, size_t prefix_len, struct s3_page *ret)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	dk_err err = DK_OK;

	memset(ret, 0, sizeof(*ret));
	if (!reading)
		return DK_ERR_NOMEM;
	reading->root = "ListBucketResult";
	reading->page = ret;
	if (!parse(reading, text, len) || !(reading->seen >> TRUNCATED & 1) ||
	    !finish(reading, prefix, prefix_len))
		err = reading->no_memory ? DK_ERR_NOMEM : DK_ERR_PROVIDER_ANSWER;
	free(reading);
	return err;
}

void
s3_page_clear(struct s3_page *page)
{
	free(page->names);
	memset(page, 0, sizeof(*page));
}

void
s3_error_code(const char *text, size_t len, char *ret, size_t cap)
{
	struct reading *reading = calloc(1, sizeof(*reading));

	ret[0] = '\0';
	if (!reading)
		return;
	reading->root = "Error";
	reading->code = ret;
	reading->code_cap = cap;
	if (!parse(reading, text, len))
		ret[0] = '\0';
	free(reading);
}
