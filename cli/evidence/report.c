/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a bundle: the language in which it was made, and whether it is the one that this
 * program makes. */
#include "cli/evidence/evidence.h"

#include <stdio.h>
#include <string.h>

#include "cli/console/message.h"

static const char *const languages[] = { "en", "de" };

const char *
evidence_report_language(const char *text)
{
	for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++)
		if (strcmp(languages[i], text) == 0)
			return languages[i];
	return NULL;
}

/* As spec/exposure.md section 10.1 begins a page. One that begins in another way is compared
 * with an English one, and is another one. */
static const char *
language_of(const char *head)
{
	const char *lang = strstr(head, "<html lang=\"");
	char word[3] = "";

	if (lang)
		(void)snprintf(word, sizeof(word), "%s", lang + strlen("<html lang=\""));
	lang = evidence_report_language(word);
	return lang ? lang : languages[0];
}

bool
evidence_report_read(const char *path, const char **ret_language)
{
	FILE *f = fopen(path, "re");
	char head[64];
	bool ok = f != NULL;

	if (f) {
		head[fread(head, 1, sizeof(head) - 1, f)] = '\0';
		ok = ferror(f) == 0;
		(void)fclose(f);
	}
	if (ok)
		*ret_language = language_of(head);
	else
		message_err(path, DK_ERR_READ, NULL);
	return ok;
}
