/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/service/waiting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "client/client.h"
#include "cli/console/message.h"

#define ID_BYTES 8
#define ID_MIN_CHARS 4

void
approve_put(const char *name, const void *text, size_t len)
{
	char safe[1024];

	(void)printf("%-10s %s\n", name, message_escape(text, len, safe, sizeof(safe)));
}

void
approve_put_time(const char *name, uint64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[32];
	struct tm tm;

	if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		approve_put(name, text, strlen(text));
}

static void
put_text(const char *name, const char *text)
{
	approve_put(name, text, strlen(text));
}

/* The same on each machine, and at each time. */
static bool
id_of(const struct dk_standing_asked *asked, char ret[2 * ID_BYTES + 1])
{
	uint8_t name[32];

	if (dk_standing_name(DK_SCOPE_DOCUMENT, asked->document, asked->key, asked->person, name) !=
	    DK_OK)
		return false;
	dk_hex(name, ID_BYTES, ret);
	return true;
}

static void
show_one(const struct dk_standing_asked *asked)
{
	static const char *const scopes[] = { "?", "the document", "the whole key",
		"the document or the whole key" };
	char id[2 * ID_BYTES + 1], document[65], there[80];

	if (!id_of(asked, id))
		return;
	dk_hex(asked->document, sizeof(asked->document), document);
	(void)snprintf(there, sizeof(there), "%u of %u approvals%s, for %u hours", asked->standing,
	    asked->needed, asked->mine ? ", one is yours" : "", asked->hours);
	put_text("id", id);
	put_text("  person", asked->person);
	put_text("  key", asked->key);
	put_text("  document", document);
	approve_put_time("  asked at", asked->time);
	put_text("  rule", asked->rule);
	put_text("  approve", scopes[asked->scopes]);
	put_text("  there", there);
}

/* By the beginning of its id, or of its document. */
static bool
begins(const struct dk_standing_asked *asked, const char *text)
{
	char id[2 * ID_BYTES + 1], document[65];

	dk_hex(asked->document, sizeof(asked->document), document);
	return strncmp(document, text, strlen(text)) == 0 ||
	    (id_of(asked, id) && strncmp(id, text, strlen(text)) == 0);
}

/* NULL: said. Two that begin alike are not told apart. */
static const struct dk_standing_asked *
find(const struct dk_standing_asked *asked, size_t n, const char *id)
{
	const struct dk_standing_asked *found = NULL;
	unsigned count = 0;

	if (strlen(id) < ID_MIN_CHARS) {
		message_fail(
		    id, "too short: %d digits at least of an ID, or of a document", ID_MIN_CHARS);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (begins(&asked[i], id)) {
			found = &asked[i];
			count++;
		}
	if (count == 0)
		message_fail(
		    id, "this is not the beginning of an ID, or of a document, of those that wait");
	else if (count > 1)
		message_fail(
		    id, "%u of those that wait begin like this: give the whole ID of one", count);
	return count == 1 ? found : NULL;
}

static bool
approve(const struct waiting_approve *options, const struct dk_standing_asked *asked)
{
	const enum dk_scope scope = options->whole_key ? DK_SCOPE_KEY : DK_SCOPE_DOCUMENT;
	struct dk_standing standing = {
		.scope = scope, .needed = asked->needed, .hours = asked->hours
	};
	struct dk_standing_answer answer;
	dk_err err;

	memcpy(standing.document, asked->document, sizeof(standing.document));
	memcpy(standing.person, asked->person, sizeof(standing.person));
	memcpy(standing.key, asked->key, sizeof(standing.key));
	memcpy(standing.rule, asked->rule, sizeof(standing.rule));
	if (options->reason)
		memcpy(standing.reason, options->reason, strlen(options->reason) + 1);
	err = dk_client_stand(options->url, &standing, &answer);
	if (err != DK_OK) {
		message_err(options->url, err, NULL);
		return false;
	}
	approve_put_time("until", answer.until);
	message_note("%u of %u approvals are there; its record is number %llu", answer.standing,
	    asked->needed, (unsigned long long)answer.index);
	return true;
}

static bool
choose(const struct waiting_approve *options, const struct dk_standing_asked *asked, size_t n,
    const char *id)
{
	const struct dk_standing_asked *one = find(asked, n, id);

	if (!one)
		return false;
	if (!(one->scopes & (options->whole_key ? DK_SCOPE_KEY : DK_SCOPE_DOCUMENT))) {
		message_fail(id,
		    options->whole_key ? "its rule takes approvals of the document"
				       : "its rule takes --whole-key");
		return false;
	}
	show_one(one);
	if (fflush(stdout) != 0) {
		message_err(NULL, DK_ERR_WRITE, NULL);
		return false;
	}
	return (options->yes || approve_agreed()) && approve(options, one);
}

bool
approve_waiting(const struct waiting_approve *options, const char *id)
{
	struct dk_standing_asked *asked = NULL;
	size_t n = 0, len = options->reason ? strlen(options->reason) : 0;
	dk_err err;
	bool ok = true;

	if (len > DK_STANDING_REASON_MAX_BYTES ||
	    (options->reason && !dk_text_valid((const uint8_t *)options->reason, len))) {
		message_fail(
		    NULL, "a reason is text of at most %d bytes", DK_STANDING_REASON_MAX_BYTES);
		return false;
	}
	err = dk_client_waiting(options->url, &asked, &n);
	if (err != DK_OK) {
		message_err(options->url, err, NULL);
		return false;
	}
	if (id)
		ok = choose(options, asked, n, id);
	for (size_t i = 0; !id && i < n; i++)
		show_one(&asked[i]);
	if (!id && n == 0)
		message_note("nothing waits for you");
	free(asked);
	if (ok && fflush(stdout) != 0) {
		message_err(NULL, DK_ERR_WRITE, NULL);
		ok = false;
	}
	return ok;
}
