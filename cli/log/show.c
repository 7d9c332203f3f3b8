/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log/show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/base64.h"
#include "cli/console/message.h"

#define TIME_BYTES 32

static const char *
time_text(uint64_t seconds, char out[TIME_BYTES])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds > INT64_MAX / 2 || !gmtime_r(&t, &tm) ||
	    strftime(out, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(out, TIME_BYTES, "%" PRIu64, seconds);
	return out;
}

bool
log_show_begin(struct log_show *show, const char *kind, const char *place)
{
	if (!show->as_json)
		return true;
	show->json = (struct json){ .out = open_memstream(&show->text, &show->len) };
	if (!show->json.out) {
		message_err(place, DK_ERR_NOMEM, NULL);
		return false;
	}
	json_open(&show->json, NULL, '{');
	json_string(&show->json, kind, place);
	return true;
}

static bool
flushed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	if (errno != EPIPE)
		message_err("standard output", DK_ERR_WRITE, NULL);
	return false;
}

/* A stream in memory has no other error. */
static bool
put_object(struct log_show *show)
{
	bool whole;

	json_close(&show->json, '}');
	(void)putc('\n', show->json.out);
	whole = fflush(show->json.out) == 0 && !ferror(show->json.out);
	if (whole)
		(void)fwrite(show->text, 1, show->len, stdout);
	else
		message_err("standard output", DK_ERR_NOMEM, NULL);
	return whole;
}

bool
log_show_end(struct log_show *show, bool ok)
{
	if (show->json.out) {
		if (ok)
			ok = put_object(show);
		(void)fclose(show->json.out);
		free(show->text);
		show->json.out = NULL;
	}
	return flushed() && ok;
}

void
log_show_text(struct log_show *show, const char *name, const char *text)
{
	char safe[1024];

	if (show->as_json)
		json_string(&show->json, name, text);
	else
		(void)printf(
		    "%-12s %s\n", name, message_escape(text, strlen(text), safe, sizeof(safe)));
}

void
log_show_number(struct log_show *show, const char *name, uint64_t number)
{
	if (show->as_json)
		json_number(&show->json, name, number);
	else
		(void)printf("%-12s %" PRIu64 "\n", name, number);
}

void
log_show_time(struct log_show *show, const char *name, uint64_t seconds)
{
	char at[TIME_BYTES];

	log_show_text(show, name, time_text(seconds, at));
}

static void
put_witness(struct log_show *show, const char *name, uint64_t seconds)
{
	char at[TIME_BYTES];

	if (!show->as_json) {
		(void)printf("%-12s %s %s\n", "witness", name, time_text(seconds, at));
		return;
	}
	json_open(&show->json, NULL, '{');
	json_string(&show->json, "name", name);
	json_string(&show->json, "time", time_text(seconds, at));
	json_close(&show->json, '}');
}

void
log_show_checkpoint(struct log_show *show, const char *text, const struct dk_checkpoint *cp,
    const struct dk_quorum *quorum, const struct dk_quorum_seen *seen)
{
	char root[DK_BASE64_CHARS(32) + 1], origin[DK_ORIGIN_MAX_BYTES + 1];

	(void)snprintf(origin, sizeof(origin), "%.*s", (int)strcspn(text, "\n"), text);
	log_show_text(show, "origin", origin);
	log_show_number(show, "size", cp->size);
	if (dk_base64_encode(cp->root, 32, root, sizeof(root)) == DK_OK)
		log_show_text(show, "root", root);
	if (show->as_json)
		json_open(&show->json, "witnesses", '[');
	for (unsigned i = 0; i < quorum->node_count; i++)
		if (quorum->node[i].needed == 0 && (seen->witnesses >> quorum->node[i].witness & 1))
			put_witness(
			    show, quorum->node[i].name, seen->time[quorum->node[i].witness]);
	if (show->as_json)
		json_close(&show->json, ']');
}

void
log_show_gap(struct log_show *show, uint64_t index, uint64_t before, uint64_t after)
{
	struct json line = { .out = stdout };
	char a[TIME_BYTES], b[TIME_BYTES];

	message_status(NULL);
	if (!show->as_json) {
		(void)printf("%-12s entry %" PRIu64 ": %s after %s\n", "gap", index,
		    time_text(after, b), time_text(before, a));
		return;
	}
	json_open(&line, NULL, '{');
	json_number(&line, "gap", index);
	json_string(&line, "minute", time_text(after, b));
	json_string(&line, "before", time_text(before, a));
	json_close(&line, '}');
	(void)putc('\n', stdout);
}
