/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "evidence/manifest.h"

#define WORD_MAX_BYTES 64

static const char *const alone[] = { "assessment.json", "catalogue", "configuration", "incident",
	"inventory.json", "log/checkpoint", "records", "report.csv", "report.html" };

static bool
is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '.' || c == '_' || c == '-';
}

/* One or more words with a slash between. */
static bool
are_words(const char *text)
{
	for (size_t len = 0;; text++) {
		if (is_word_char(*text) && (len > 0 || *text != '.') && len < WORD_MAX_BYTES)
			len++;
		else if ((*text == '/' || *text == '\0') && len > 0)
			len = 0;
		else
			return false;
		if (*text == '\0')
			return true;
	}
}

static bool
is_digest(const char *text)
{
	uint8_t digest[DK_SHA256_BYTES];
	char again[2 * DK_SHA256_BYTES + 1];

	if (!dk_unhex(text, digest, sizeof(digest)))
		return false;
	dk_hex(digest, sizeof(digest), again);
	return strcmp(again, text) == 0;
}

static bool
is_spec(const char *text)
{
	size_t len = strlen(text);

	return are_words(text) && !strchr(text, '/') && len > 3 &&
	    strcmp(text + len - 3, ".md") == 0;
}

bool
dk_evidence_name_valid(const char *name)
{
	if (strlen(name) > DK_EVIDENCE_NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
		if (strcmp(name, alone[i]) == 0)
			return true;
	if (strncmp(name, "log/checkpoints/", 16) == 0)
		return are_words(name + 16) && !strchr(name + 16, '/');
	if (strncmp(name, "log/tile/", 9) == 0)
		return are_words(name + 9);
	if (strncmp(name, "policy/", 7) == 0)
		return is_digest(name + 7);
	if (strncmp(name, "witnesses/", 10) == 0)
		return is_digest(name + 10);
	return strncmp(name, "spec/", 5) == 0 && is_spec(name + 5);
}

bool
dk_evidence_name_is_of(const char *name, const uint8_t digest[DK_SHA256_BYTES])
{
	char hex[2 * DK_SHA256_BYTES + 1];

	if (strncmp(name, "policy/", 7) != 0 && strncmp(name, "witnesses/", 10) != 0)
		return true;
	dk_hex(digest, DK_SHA256_BYTES, hex);
	return strcmp(strchr(name, '/') + 1, hex) == 0;
}

static int
compare(const void *key, const void *element)
{
	return strcmp(key, ((const struct dk_evidence_part *)element)->name);
}

const struct dk_evidence_part *
dk_manifest_find(const struct dk_manifest *m, const char *name)
{
	return bsearch(name, m->part, m->count, sizeof(m->part[0]), compare);
}
