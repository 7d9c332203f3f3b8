/* SPDX-License-Identifier: Apache-2.0 */
/* Words, numbers and times in the language of the report. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/report/impl.h"

#define ARGUMENTS_MAX 8
#define NBSP "\xc2\xa0"

const char *
pick(const struct report *r, const char *en, const char *de)
{
	return r->language == REPORT_GERMAN ? de : en;
}

void
put(struct report *r, const char *html)
{
	(void)fputs(html, r->page);
}

void
put_text(struct report *r, const char *text)
{
	static const struct {
		char c;
		const char *html;
	} escapes[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
		{ '\'', "&#39;" } };

	for (size_t plain; *text; text++) {
		plain = strcspn(text, "&<>\"'");
		(void)fwrite(text, 1, plain, r->page);
		text += plain;
		if (!*text)
			return;
		for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++)
			if (escapes[i].c == *text)
				put(r, escapes[i].html);
	}
}

/* A place for an argument is {N}; nothing else in a template has braces. */
void
form(struct report *r, const char *text, ...)
{
	const char *arg[ARGUMENTS_MAX];
	size_t count = 0;
	va_list ap;

	va_start(ap, text);
	for (const char *one = va_arg(ap, const char *); one && count < ARGUMENTS_MAX;
	     one = va_arg(ap, const char *))
		arg[count++] = one;
	va_end(ap);
	for (; *text; text++) {
		if (text[0] == '{' && text[1] >= '0' && text[1] < '0' + (int)count) {
			put_text(r, arg[text[1] - '0']);
			text += 2;
		} else {
			(void)fputc(*text, r->page);
		}
	}
}

struct report_word
number(const struct report *r, uint64_t n)
{
	struct report_word word;
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	size_t at = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			word.s[at++] = r->language == REPORT_GERMAN ? '.' : ',';
		word.s[at++] = digits[i];
	}
	word.s[at] = '\0';
	return word;
}

struct report_word
index_word(uint64_t n)
{
	struct report_word word;

	(void)snprintf(word.s, sizeof(word.s), "%" PRIu64, n);
	return word;
}

static struct tm
calendar(uint64_t seconds)
{
	time_t t = seconds < INT64_MAX ? (time_t)seconds : 0;
	struct tm tm = { .tm_mday = 1 };

	(void)gmtime_r(&t, &tm);
	return tm;
}

struct report_word
day(const struct report *r, uint64_t seconds)
{
	static const char *const months[2][12] = {
		{ "January", "February", "March", "April", "May", "June", "July", "August",
		    "September", "October", "November", "December" },
		{ "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August",
		    "September", "Oktober", "November", "Dezember" },
	};
	struct tm tm = calendar(seconds);
	struct report_word word;

	(void)snprintf(word.s, sizeof(word.s), "%d%s" NBSP "%s" NBSP "%d", tm.tm_mday,
	    pick(r, "", "."), months[r->language][tm.tm_mon], tm.tm_year + 1900);
	return word;
}

/* Seconds where there are some. */
struct report_word
when(const struct report *r, uint64_t seconds)
{
	struct report_word date = day(r, seconds), word;
	struct tm tm = calendar(seconds);
	char second[8] = "";

	if (tm.tm_sec != 0)
		(void)snprintf(second, sizeof(second), ":%02d", tm.tm_sec % 100);
	(void)snprintf(word.s, sizeof(word.s), "%.36s, %02d:%02d%s" NBSP "UTC", date.s, tm.tm_hour,
	    tm.tm_min, second);
	return word;
}

struct report_shown
shown(const char *text, size_t len)
{
	struct report_shown out;

	(void)dk_text_show(text, len, "", out.s, sizeof(out.s));
	return out;
}

struct report_shown
shown_string(const char *text)
{
	return shown(text, strlen(text));
}

struct report_word
short_hex(const uint8_t *id)
{
	struct report_word word;
	char hex[17];

	dk_hex(id, 8, hex);
	(void)snprintf(word.s, sizeof(word.s), "%s…", hex);
	return word;
}
