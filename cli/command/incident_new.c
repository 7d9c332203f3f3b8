/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/command/command.h"
#include "cli/incident/tell.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/files/output.h"

#define ANSWER_BYTES 1024
#define TIME_HINT "in UTC, such as 2031-05-03 or 2031-05-03T08:00Z"

static const char help[] =
    "usage: doublekey incident new [OPTION...] FILE\n"
    "\n"
    "Ask what was stolen, from when, and what could be copied, and write an incident file,\n"
    "which is text and can be edited. Answers are read from standard input, one on a\n"
    "line; at a terminal a question whose answer makes no sense is asked again.\n"
    "\n"
    "  -f, --force  replace FILE\n"
    "  -q, --quiet  no questions: answers only\n"
    "  -h, --help   this text\n";

struct interview {
	FILE *out; /* the file, in memory */
	char answer[ANSWER_BYTES];
};

/* Why the answer makes no sense, static, or NULL. */
typedef const char *(*check_fn)(struct interview *in);

static bool
read_answer(struct interview *in)
{
	size_t len;

	if (!fgets(in->answer, sizeof(in->answer), stdin)) {
		message_fail("standard input", "the answers end too early (" INCIDENT_CODE ")");
		return false;
	}
	len = strlen(in->answer);
	if (len == 0 || in->answer[len - 1] != '\n') {
		message_fail("standard input",
		    "an answer has a NUL byte, no line end or more than %d bytes (" INCIDENT_CODE
		    ")",
		    ANSWER_BYTES - 2);
		return false;
	}
	in->answer[len - 1] = '\0';
	return true;
}

/* False: told already. */
static bool
ask(struct interview *in, const char *question, check_fn check)
{
	const char *fault;

	for (;;) {
		message_note("%s", question);
		if (!read_answer(in))
			return false;
		fault = strstr(in->answer, "${") ? "'${' is not allowed" : NULL;
		if (!dk_text_valid((const uint8_t *)in->answer, strlen(in->answer)))
			fault = "that is not plain text";
		if (!fault)
			fault = check(in);
		if (!fault)
			return true;
		message_fail(NULL, "'%s': %s (" INCIDENT_CODE ")", in->answer, fault);
		if (isatty(STDIN_FILENO) != 1)
			return false;
	}
}

/* ---- answers ---- */

static const char *
is_begin(struct interview *in)
{
	uint64_t t;

	return strcmp(in->answer, "unknown") == 0 || incident_time_parse(in->answer, false, &t)
	    ? NULL
	    : "that is neither a time nor 'unknown'";
}

static const char *
is_end(struct interview *in)
{
	uint64_t t;

	return incident_time_parse(in->answer, true, &t) ? NULL : "that is no time";
}

static const char *
is_end_or_none(struct interview *in)
{
	return in->answer[0] == '\0' ? NULL : is_end(in);
}

static const char *
is_yes_or_no(struct interview *in)
{
	return strcmp(in->answer, "yes") == 0 || strcmp(in->answer, "no") == 0
	    ? NULL
	    : "the answer is yes or no";
}

static bool
find_what(const char *word, enum incident_what *ret)
{
	for (unsigned i = 0; i < INCIDENT_WHATS; i++) {
		if (strcmp(incident_what_word((enum incident_what)i), word) == 0) {
			*ret = (enum incident_what)i;
			return true;
		}
	}
	return false;
}

static const char *
is_what_or_none(struct interview *in)
{
	enum incident_what what;

	return in->answer[0] == '\0' || find_what(in->answer, &what)
	    ? NULL
	    : "that is no word of the list";
}

static const char *
is_key_or_none(struct interview *in)
{
	uint8_t id[32];

	return in->answer[0] == '\0' || dk_unhex(in->answer, id, sizeof(id))
	    ? NULL
	    : "a key id is 64 hex digits";
}

static const char *
is_folder_or_none(struct interview *in)
{
	return in->answer[0] == '\0' || incident_is_folder(in->answer)
	    ? NULL
	    : "that is no absolute path without '.', '..' and '/' at its end";
}

static const char *
is_any(struct interview *in)
{
	return in->answer[0] == '\0' ? "an answer is needed" : NULL;
}

/* ---- questions ---- */

static bool
ask_value(struct interview *in, const char *name, const char *question, check_fn check)
{
	if (!ask(in, question, check))
		return false;
	(void)fprintf(in->out, "%s = ", name);
	conf_put(in->out, in->answer);
	(void)fputc('\n', in->out);
	return true;
}

/* Appends the answer; false: told already. */
static bool
ask_more(struct interview *in, char *item, size_t cap, const char *before, const char *question,
    check_fn check)
{
	size_t len = strlen(item);

	if (!ask(in, question, check))
		return false;
	if (in->answer[0] != '\0')
		(void)snprintf(item + len, cap - len, "%s%s", before, in->answer);
	return true;
}

static const char *
name_question(enum incident_what what)
{
	switch (what) {
	case INCIDENT_KEY:
		return "Its key id? (64 hex digits)";
	case INCIDENT_KEY_VERSION:
		return "Which? (KEY/VERSION, such as payroll/3)";
	case INCIDENT_PROVIDER_KEYS:
		return "Of which provider? (the custodian, as in 'doublekey scan --keys')";
	case INCIDENT_DEVICE:
		return "Which? (its name, its key id, or # and the number of the log entry of its "
		       "enrolment)";
	case INCIDENT_ADMIN:
		return "Whose? (numeric user id)";
	case INCIDENT_TOKEN_KEY:
		return "Which? (ISSUER KID, as in its tokens)";
	case INCIDENT_CA:
		return "Which? (SHA-256 of its certificate, 64 hex digits)";
	default:
		return "Which? (parent, httpd, authd, keyd, logd, tokend or fetchd)";
	}
}

/* The item so far makes sense. */
static bool
check_item(const char *text)
{
	struct incident_item item;
	const char *fault = incident_item_parse(text, &item);

	incident_item_clear(&item);
	if (fault)
		message_fail(NULL, "'%s': %s (" INCIDENT_CODE ")", text, fault);
	return !fault;
}

/* False: told already. An item that makes no sense is asked for anew, at a terminal. */
static bool
ask_item(struct interview *in, enum incident_what what, bool first)
{
	char item[4 * ANSWER_BYTES];

	(void)snprintf(item, sizeof(item), "%s", incident_what_word(what));
	if (incident_what_has_name(what) &&
	    !ask_more(in, item, sizeof(item), " ", name_question(what), is_any))
		return false;
	if (!ask_more(in, item, sizeof(item), " since ", "Since when? (" TIME_HINT ", or unknown)",
		is_begin))
		return false;
	if (incident_what_ends(what) &&
	    !ask_more(in, item, sizeof(item), " until ",
		"Until when? (a time; nothing: it did not end)", is_end_or_none))
		return false;
	if (!check_item(item))
		return isatty(STDIN_FILENO) == 1;
	(void)fputs(first ? "\n  " : ",\n  ", in->out);
	conf_put(in->out, item);
	return true;
}

static bool
ask_items(struct interview *in)
{
	enum incident_what what;

	for (unsigned i = 0; i < INCIDENT_WHATS; i++)
		message_note("  %-14s %s", incident_what_word((enum incident_what)i),
		    incident_what_words((enum incident_what)i));
	(void)fputs("stolen = {", in->out);
	for (long begin = ftell(in->out);;) {
		if (!ask(in, "What was stolen? (a word of this list; nothing: that was all)",
			is_what_or_none))
			return false;
		if (in->answer[0] == '\0')
			break;
		if (find_what(in->answer, &what) && !ask_item(in, what, ftell(in->out) == begin))
			return false;
	}
	(void)fputs("}\n", in->out);
	return true;
}

static bool
ask_list(struct interview *in, const char *name, const char *question, check_fn check)
{
	size_t count = 0;

	for (;;) {
		if (!ask(in, question, check))
			return false;
		if (in->answer[0] == '\0')
			break;
		(void)fprintf(in->out, count == 0 ? "%s = {" : ",\n  ", name);
		conf_put(in->out, in->answer);
		count++;
	}
	if (count > 0)
		(void)fputs("}\n", in->out);
	return true;
}

/* Times behind a folder, which is the answer; false: told already. */
static bool
ask_folder(struct interview *in, bool first)
{
	char item[4 * ANSWER_BYTES];
	struct incident_folder folder;
	const char *fault;

	(void)snprintf(item, sizeof(item), "%s", in->answer);
	if (!ask_more(in, item, sizeof(item), " since ",
		"From when on could it not? (" TIME_HINT "; nothing: always)", is_end_or_none) ||
	    !ask_more(in, item, sizeof(item), " until ",
		"Until when? (a time; nothing: it did not end)", is_end_or_none))
		return false;
	fault = incident_folder_parse(item, &folder);
	incident_folder_clear(&folder);
	if (fault) {
		message_fail(NULL, "'%s': %s (" INCIDENT_CODE ")", item, fault);
		return isatty(STDIN_FILENO) == 1;
	}
	(void)fputs(first ? "not-copied = {" : ",\n  ", in->out);
	conf_put(in->out, item);
	return true;
}

static bool
ask_folders(struct interview *in)
{
	long begin = ftell(in->out);

	for (;;) {
		if (!ask(in, "Folder from which the thief could copy nothing? (nothing: no more)",
			is_folder_or_none))
			return false;
		if (in->answer[0] == '\0')
			break;
		if (!ask_folder(in, ftell(in->out) == begin))
			return false;
	}
	if (ftell(in->out) != begin)
		(void)fputs("}\n", in->out);
	return true;
}

static bool
interview(struct interview *in)
{
	(void)fputs(
	    "# What was stolen, and when. 'doublekey incident check' explains it.\n", in->out);
	if (!ask_value(in, "from", "From when could the thief act? (" TIME_HINT ", or unknown)",
		is_begin) ||
	    !ask_value(in, "to", "To when? (a time)", is_end) || !ask_items(in) ||
	    !ask(in,
		"Does somebody vouch for the sets in the catalogue, that they are what their "
		"writers "
		"made? (yes or no)",
		is_yes_or_no))
		return false;
	if (strcmp(in->answer, "yes") == 0)
		(void)fputs("sets = \"as-written\"\n", in->out);
	return ask_list(in, "own-keys",
		   "Key id of a customer key that is yours, though the service did not make it? "
		   "(nothing: no more)",
		   is_key_or_none) &&
	    ask_folders(in);
}

/* What cannot be read back is not written. */
static bool
save(const char *path, struct output *output, const char *text, size_t len)
{
	struct incident incident;

	if (!incident_parse(path, text, &incident))
		return false;
	incident_clear(&incident);
	return output_write(output, text, len);
}

/* The text of the answers; false: told already. */
static bool
ask_all(char **ret_text, size_t *ret_len)
{
	static struct interview in;
	bool ok, failed;

	in.out = open_memstream(ret_text, ret_len);
	if (!in.out) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return false;
	}
	ok = interview(&in);
	failed = ferror(in.out) != 0;
	if (fclose(in.out) != 0 || failed) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		ok = false;
	}
	return ok;
}

/* A file that cannot be is told before the questions, not behind the answers. */
static bool
run(const char *path, bool force)
{
	const struct output_options options = { .force = force, .mode = 0600 };
	struct output *output;
	char *text = NULL;
	size_t len = 0;
	bool ok;

	if (!output_open(path, &options, &output))
		return false;
	ok = ask_all(&text, &len) && save(path, output, text, len);
	free(text);
	if (ok)
		return output_commit(output);
	output_abandon(output);
	return false;
}

static int
take(void *ctx, int code)
{
	bool *force = ctx;

	*force = *force || code == 'f';
	return STATUS_OK;
}

int
cmd_incident_new(int argc, char **argv)
{
	static const struct option table[] = {
		{ "force", no_argument, NULL, 'f' },
		OPTIONS_COMMON,
	};
	struct options options = {
		.command = "incident new", .help = help, .short_options = "f", .option = table
	};
	bool force = false;

	if (!options_all(&options, argc, argv, take, &force))
		return options.status;
	if (argc - optind != 1)
		return usage_error("incident new", "needs one FILE");
	return run(argv[optind], force) ? STATUS_OK : STATUS_FAILED;
}
